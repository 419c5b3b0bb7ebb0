/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-store.h"

G_BEGIN_DECLS

/**
 * CordJournal:
 *
 * What happens in calls, in the order in which it happened: an append-only file in front of the
 * store. Appending never blocks and may be done on any thread; a thread of the journal writes and
 * fsyncs (many records at once when they come fast), another brings the records into the store,
 * each exactly once, trying again for as long as the store is down, locked or full.
 *
 * Opening takes the directory for this process, reads what an earlier process left, and marks the
 * calls that were running then as failed with the reason "interrupted".
 */
#define CORD_TYPE_JOURNAL (cord_journal_get_type())
G_DECLARE_FINAL_TYPE(CordJournal, cord_journal, CORD, JOURNAL, GObject)

CordJournal *cord_journal_open(const gchar *directory, CordStore *store, GError **error);
const gchar *cord_journal_get_server_id(CordJournal *self);
void cord_journal_set_discreet(CordJournal *self, gboolean discreet);

/* Appending, from any thread; each returns the record's number.
 * A NULL or negative argument of cord_journal_call_updated() leaves the column as it is; of the
 * metadata, members that are not named stay. */
guint64 cord_journal_call_created(CordJournal *self, const CordCallRecord *call);
guint64 cord_journal_call_updated(CordJournal *self, const CordCallRecord *changes);
guint64 cord_journal_call_ended(CordJournal *self, const gchar *call_id, const gchar *status,
                                const gchar *end_reason, gint64 duration_seconds);
guint64 cord_journal_call_recorded(CordJournal *self, const gchar *call_id, const gchar *call_sid,
                                   JsonObject *recording);
guint64 cord_journal_call_extracted(CordJournal *self, const gchar *call_id, JsonObject *extracted);
guint64 cord_journal_transcript(CordJournal *self, const gchar *call_id, const gchar *role,
                                const gchar *content);
guint64 cord_journal_function_call(CordJournal *self, const CordFunctionCall *run);
guint64 cord_journal_event(CordJournal *self, const gchar *event, const gchar *call_id,
                           const gchar *agent_id, const gchar *body);

/* Waiting: on disk, and in the store, whatever was appended before the call */
void cord_journal_sync_async(CordJournal *self, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data);
gboolean cord_journal_sync_finish(CordJournal *self, GAsyncResult *result, GError **error);
void cord_journal_drain_async(CordJournal *self, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);
gboolean cord_journal_drain_finish(CordJournal *self, GAsyncResult *result, GError **error);
guint64 cord_journal_get_durable(CordJournal *self);
guint64 cord_journal_get_applied(CordJournal *self);
guint64 cord_journal_get_pending(CordJournal *self);
gchar *cord_journal_dup_trouble(CordJournal *self);

/* Blocks for up to the given time until the store has it all */
gboolean cord_journal_catch_up(CordJournal *self, guint timeout_ms);

/* Writes what is left and stops the threads; blocks for up to the given time */
void cord_journal_close(CordJournal *self, guint timeout_ms);

G_END_DECLS
