/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-journal-log.h"
#include "cord-journal.h"

G_BEGIN_DECLS

/* Who waits for a record to be on disk or in the store. */
typedef struct {
  GTask *task;
  guint64 seq;
  gboolean in_store;
} CordJournalWaiter;

struct _CordJournal {
  GObject parent_instance;
  CordStore *store;
  CordJournalLog *log;
  gint discreet; /* what is said is not kept; atomic */
  GThread *writer;
  GThread *applier;

  GMutex lock; /* leaf; guards all below */
  GCond wake;  /* the threads wait on it */
  GCond ended; /* who waits for the applying thread */
  GArray *pending;
  gsize pending_bytes;
  GArray *waiters; /* CordJournalWaiter */
  guint64 last;    /* the newest record */
  guint64 durable; /* the newest on disk */
  guint64 applied; /* the newest in the store */
  gboolean closing;
  gboolean writer_ended;
  gboolean applier_ended;
  gboolean stopping; /* no more tries */
  gchar *trouble;    /* why the store does not take records; NULL when it does */
};

guint64 cord_journal_append(CordJournal *self, const gchar *type, JsonObject *fields);

/* With the lock held; cord-journal-wait.c */
void cord_journal_complete_waiters(CordJournal *self);
void cord_journal_fail_waiters(CordJournal *self);

G_END_DECLS
