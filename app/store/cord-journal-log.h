/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-journal-record.h"

G_BEGIN_DECLS

/**
 * CordJournalLog:
 *
 * The files of a journal: segments named after their first record, in one directory that this
 * process alone holds. One thread appends, another reads and removes what was read.
 */
typedef struct _CordJournalLog CordJournalLog;

CordJournalLog *cord_journal_log_open(const gchar *directory, GError **error);
void cord_journal_log_free(CordJournalLog *self);
const gchar *cord_journal_log_get_server_id(CordJournalLog *self);
guint64 cord_journal_log_get_last(CordJournalLog *self);

/* The appending thread */
gboolean cord_journal_log_append(CordJournalLog *self, const gchar *lines, gsize length,
                                 guint64 first_seq, GError **error);

/* The reading thread */
GPtrArray *cord_journal_log_read(CordJournalLog *self, guint64 up_to, guint max_records,
                                 GError **error);
void cord_journal_log_forget(CordJournalLog *self, guint64 up_to);
void cord_journal_log_reject(CordJournalLog *self, const CordJournalRecord *record);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordJournalLog, cord_journal_log_free)

G_END_DECLS
