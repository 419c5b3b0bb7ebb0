/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-journal.h"
#include "cord-test-store.h"

G_BEGIN_DECLS

/* A folder with a journal and a store whose database fails when it is told to. */

#define TEST_TYPE_DATABASE (test_database_get_type())
G_DECLARE_FINAL_TYPE(TestDatabase, test_database, TEST, DATABASE, GObject)

struct _TestDatabase {
  GObject parent_instance;
  CordDatabase *real;
  gint fail_at; /* this operation fails; atomic */
  gint operation;
  gint down; /* all fail; atomic */
};

typedef struct {
  gchar *dir;
  TestDatabase *database;
  CordStore *store;
  CordJournal *journal;
} JournalRig;

void journal_rig_init(JournalRig *self);
void journal_rig_clear(JournalRig *self);
void journal_rig_open(JournalRig *self);
void journal_rig_close(JournalRig *self);

/* Waiting: until the store has it, until it is on disk */
void journal_rig_drain(JournalRig *self);
void journal_rig_sync(CordJournal *journal);

/* "line 0", "line 1" … of a call */
void journal_rig_create_call(CordJournal *journal, const gchar *id, const gchar *sid);
void journal_rig_append_lines(CordJournal *journal, const gchar *call_id, guint from, guint to);
void journal_rig_assert_lines(CordStore *store, const gchar *call_id, guint n);

G_END_DECLS
