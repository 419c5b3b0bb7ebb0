/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "cord-database.h"

G_BEGIN_DECLS

/*
 * One line of a journal:
 *
 *   CRC SEQ LENGTH JSON \n
 *
 * CRC is the CRC-32 (as in zlib) of all between it and the line's end, eight hexadecimal digits;
 * SEQ counts the records of one server from 1 for ever; LENGTH is that of JSON in bytes. The JSON
 * is one flat object without a raw newline, so a reader that meets a damaged line goes on with the
 * next. "type" says what happened, the other members are the columns that it sets.
 */
#define CORD_JOURNAL_MAX_RECORD (1024 * 1024) /* bytes of JSON */

#define CORD_JOURNAL_SERVER_STARTED "server-started"
#define CORD_JOURNAL_CALL_CREATED "call-created"
#define CORD_JOURNAL_CALL_UPDATED "call-updated"
#define CORD_JOURNAL_CALL_RECORDED "call-recorded"
#define CORD_JOURNAL_TRANSCRIPT "transcript"
#define CORD_JOURNAL_FUNCTION_CALL "function-call"
#define CORD_JOURNAL_EVENT "event"

/**
 * CordJournalRecord:
 * @seq: its number
 * @fields: the columns, and "type"
 *
 * Something that happened in a call.
 */
typedef struct {
  guint64 seq;
  JsonObject *fields;
} CordJournalRecord;

void cord_journal_record_format(GString *out, guint64 seq, const gchar *json);
CordJournalRecord *cord_journal_record_parse(const gchar *line, gsize length, GError **error);
const gchar *cord_journal_record_get(const CordJournalRecord *self, const gchar *name);
void cord_journal_record_free(CordJournalRecord *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordJournalRecord, cord_journal_record_free)

/* Brings a record into the tables; cord-journal-apply.c. In the caller's transaction. */
gboolean cord_journal_record_apply(CordDatabase *database, const gchar *server_id,
                                   const CordJournalRecord *record, GError **error);
gboolean cord_journal_get_position(CordDatabase *database, const gchar *server_id, guint64 *seq,
                                   GError **error);
gboolean cord_journal_set_position(CordDatabase *database, const gchar *server_id, guint64 seq,
                                   GError **error);

G_END_DECLS
