/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-call-metadata.h"
#include "cord-dials.h"
#include "cord-journal-record.h"
#include "cord-json.h"
#include "cord-records.h"

#define SQL_GET_POSITION "SELECT seq FROM journal_positions WHERE server_id = $1"
#define SQL_SET_POSITION                                                                           \
  "INSERT INTO journal_positions (server_id, seq) VALUES ($1, $2) "                                \
  "ON CONFLICT (server_id) DO UPDATE SET seq = excluded.seq"

/* Twilio may ask twice for one call; the second keeps its record but not the name. */
#define FREE_CALL_SID                                                                              \
  "(CASE WHEN EXISTS (SELECT 1 FROM calls other WHERE other.twilio_call_sid = $5 "                 \
  "AND other.id <> $1) THEN NULL ELSE $5 END)"
#define SQL_CALL_CREATED                                                                           \
  "INSERT INTO calls (id, agent_id, direction, caller_number, twilio_call_sid, status, "           \
  "started_at, metadata, server_id, journal_seq) "                                                 \
  "VALUES ($1, (SELECT id FROM agents WHERE id = $2), $3, $4, " FREE_CALL_SID ", $6, $7, $8, $9, " \
  "$10) ON CONFLICT (id) DO NOTHING"
/* The numbers of one server say nothing to those of another. */
#define SQL_CALL_UPDATED                                                                           \
  "UPDATE calls SET "                                                                              \
  "agent_id = COALESCE((SELECT id FROM agents WHERE id = $2), agent_id), "                         \
  "caller_number = COALESCE($4, caller_number), "                                                  \
  "twilio_call_sid = COALESCE(" FREE_CALL_SID ", twilio_call_sid), "                               \
  "status = COALESCE($6, status), end_reason = COALESCE($3, end_reason), "                         \
  "duration_seconds = COALESCE(CAST($7 AS BIGINT), duration_seconds), "                            \
  "summary = COALESCE($8, summary), ended_at = COALESCE($9, ended_at), "                           \
  "metadata = COALESCE($10, metadata), extracted = COALESCE($12, extracted), "                     \
  "journal_seq = CASE WHEN server_id = $13 THEN CAST($11 AS BIGINT) ELSE journal_seq END "         \
  "WHERE id = $1 AND (server_id IS NULL OR server_id <> $13 "                                      \
  "OR journal_seq < CAST($11 AS BIGINT))"

/* A line of a call that was deleted meanwhile is no error. */
#define SQL_TRANSCRIPT                                                                             \
  "INSERT INTO transcript_entries (id, call_id, role, content, timestamp, seq) "                   \
  "SELECT $1, $2, $3, $4, $5, CAST($6 AS BIGINT) "                                                 \
  "WHERE EXISTS (SELECT 1 FROM calls WHERE id = $2) ON CONFLICT DO NOTHING"
#define SQL_FUNCTION_CALL                                                                          \
  "INSERT INTO function_call_logs (id, call_id, function_name, arguments, result, status, "        \
  "error_message, executed_at, seq) "                                                              \
  "SELECT $1, $2, $3, $4, $5, $6, $7, $8, CAST($9 AS BIGINT) "                                     \
  "WHERE EXISTS (SELECT 1 FROM calls WHERE id = $2) "                                              \
  "ON CONFLICT (id) DO UPDATE SET result = excluded.result, status = excluded.status, "            \
  "error_message = excluded.error_message"

/* One for each webhook that the event is for. */
#define SQL_EVENT                                                                                  \
  "INSERT INTO webhook_deliveries (id, webhook_id, event, call_id, body, status, next_attempt, "   \
  "seq, created_at, updated_at) "                                                                  \
  "SELECT CAST($1 AS TEXT) || '.' || w.id, w.id, $2, $3, $5, 'pending', $6, CAST($7 AS BIGINT), "  \
  "$6, $6 FROM webhooks w WHERE w.is_active "                                                      \
  "AND (w.agent_id IS NULL OR w.agent_id = $4) "                                                   \
  "AND (w.events IS NULL OR w.events = '[]' "                                                      \
  "OR w.events LIKE '%\"' || CAST($2 AS TEXT) || '\"%') ON CONFLICT DO NOTHING"

/* What was running when the server died, and the last sign of life of each. */
#define SQL_LIST_RUNNING                                                                           \
  "SELECT c.id, c.started_at, c.agent_id, c.direction, c.caller_number, c.twilio_call_sid, "       \
  "(SELECT MAX(t.timestamp) FROM transcript_entries t WHERE t.call_id = c.id) FROM calls c "       \
  "WHERE c.server_id = $1 AND c.status IN ('queued', 'ringing', 'in-progress') "                   \
  "AND c.journal_seq < CAST($2 AS BIGINT)"
#define SQL_INTERRUPT                                                                              \
  "UPDATE calls SET status = 'failed', end_reason = 'interrupted', ended_at = $2, "                \
  "duration_seconds = CAST($3 AS BIGINT), journal_seq = CAST($4 AS BIGINT) WHERE id = $1"

typedef gboolean (*Apply)(CordDatabase *database, const gchar *server_id,
                          const CordJournalRecord *record, const gchar *seq, GError **error);

static gint64
seconds_between(const gchar *from, const gchar *to)
{
  g_autoptr(GDateTime) start = g_date_time_new_from_iso8601(from, NULL);
  g_autoptr(GDateTime) end = g_date_time_new_from_iso8601(to, NULL);

  return start && end ? MAX(g_date_time_difference(end, start), 0) / G_TIME_SPAN_SECOND : 0;
}

/* Webhooks are told of the end of a call that no server was there to see. */
static gboolean
tell_interrupted(CordDatabase *database, const CordRows *rows, guint row, const gchar *ended,
                 gint64 duration, const gchar *seq, GError **error)
{
  g_autoptr(JsonObject) body = json_object_new();
  JsonObject *data = json_object_new();
  const gchar *id = cord_rows_get(rows, row, 0);
  const gchar *other = cord_rows_get(rows, row, 4);
  gboolean outbound = g_strcmp0(cord_rows_get(rows, row, 3), "outbound") == 0;
  g_autofree gchar *now = cord_store_now();
  g_autofree gchar *delivery = g_strconcat("interrupted.", id, NULL);
  g_autofree gchar *json = NULL;

  cord_json_set_string(data, "call_id", id);
  cord_json_set_string(data, "call_sid", cord_rows_get(rows, row, 5));
  cord_json_set_string(data, "agent_id", cord_rows_get(rows, row, 2));
  cord_json_set_string(data, "direction", cord_rows_get(rows, row, 3));
  cord_json_set_string(data, outbound ? "to_number" : "from_number", other);
  cord_json_set_string(data, "status", "failed");
  cord_json_set_string(data, "end_reason", "interrupted");
  json_object_set_int_member(data, "duration_seconds", duration);
  cord_json_set_string(data, "started_at", cord_rows_get(rows, row, 1));
  cord_json_set_string(data, "ended_at", ended);
  cord_json_set_string(body, "type", "call.ended");
  cord_json_set_string(body, "timestamp", now);
  json_object_set_object_member(body, "data", data);
  json = cord_json_print_object(body);
  return cord_database_run(
      database, SQL_EVENT,
      CORD_PARAMS(delivery, "call.ended", id, cord_rows_get(rows, row, 2), json, now, seq), error);
}

static gboolean
apply_server_started(CordDatabase *database, const gchar *server_id,
                     const CordJournalRecord *record, const gchar *seq, GError **error)
{
  const gchar *then = cord_journal_record_get(record, "timestamp");
  g_autofree gchar *now = cord_store_now();
  g_autoptr(CordRows) rows =
      cord_database_query(database, SQL_LIST_RUNNING, CORD_PARAMS(server_id, seq), error);

  for (guint i = 0; rows && i < cord_rows_length(rows); i++) {
    const gchar *started = cord_rows_get(rows, i, 1);
    const gchar *last = cord_rows_get(rows, i, 6);
    const gchar *ended = last ? last : started;
    gint64 seconds = seconds_between(started, ended);
    g_autofree gchar *duration = g_strdup_printf("%" G_GINT64_FORMAT, seconds);

    if (!cord_database_run(database, SQL_INTERRUPT,
                           CORD_PARAMS(cord_rows_get(rows, i, 0), ended, duration, seq), error) ||
        !tell_interrupted(database, rows, i, ended, seconds, seq, error))
      return FALSE;
  }
  return rows && cord_dials_end_all(database, server_id, then ? then : now, error);
}

static gboolean
apply_call_created(CordDatabase *database, const gchar *server_id, const CordJournalRecord *record,
                   const gchar *seq, GError **error)
{
  return cord_database_run(database, SQL_CALL_CREATED,
                           CORD_PARAMS(cord_journal_record_get(record, "id"),
                                       cord_journal_record_get(record, "agent_id"),
                                       cord_journal_record_get(record, "direction"),
                                       cord_journal_record_get(record, "caller_number"),
                                       cord_journal_record_get(record, "twilio_call_sid"),
                                       cord_journal_record_get(record, "status"),
                                       cord_journal_record_get(record, "started_at"),
                                       cord_journal_record_get(record, "metadata"), server_id, seq),
                           error);
}

static gboolean
apply_call_updated(CordDatabase *database, const gchar *server_id, const CordJournalRecord *record,
                   const gchar *seq, GError **error)
{
  const gchar *id = cord_journal_record_get(record, "id");
  const gchar *ended = cord_journal_record_get(record, "ended_at");
  const gchar *members = cord_journal_record_get(record, "metadata");
  g_autofree gchar *metadata = NULL;

  if (members && !cord_call_metadata_merge(database, id, members, &metadata, error))
    return FALSE;
  if (!cord_database_run(database, SQL_CALL_UPDATED,
                         CORD_PARAMS(id, cord_journal_record_get(record, "agent_id"),
                                     cord_journal_record_get(record, "end_reason"),
                                     cord_journal_record_get(record, "caller_number"),
                                     cord_journal_record_get(record, "twilio_call_sid"),
                                     cord_journal_record_get(record, "status"),
                                     cord_journal_record_get(record, "duration_seconds"),
                                     cord_journal_record_get(record, "summary"), ended, metadata,
                                     seq, cord_journal_record_get(record, "extracted"), server_id),
                         error))
    return FALSE;
  /* who has placed it may place another */
  return !ended || cord_dials_end(database, id, ended, error);
}

static gboolean
apply_call_recorded(CordDatabase *database, const gchar *server_id, const CordJournalRecord *record,
                    const gchar *seq, GError **error)
{
  return cord_call_metadata_add_recording(database, cord_journal_record_get(record, "id"),
                                          cord_journal_record_get(record, "twilio_call_sid"),
                                          cord_journal_record_get(record, "recording"), error);
}

static gboolean
apply_transcript(CordDatabase *database, const gchar *server_id, const CordJournalRecord *record,
                 const gchar *seq, GError **error)
{
  return cord_database_run(database, SQL_TRANSCRIPT,
                           CORD_PARAMS(cord_journal_record_get(record, "id"),
                                       cord_journal_record_get(record, "call_id"),
                                       cord_journal_record_get(record, "role"),
                                       cord_journal_record_get(record, "content"),
                                       cord_journal_record_get(record, "timestamp"), seq),
                           error);
}

static gboolean
apply_function_call(CordDatabase *database, const gchar *server_id, const CordJournalRecord *record,
                    const gchar *seq, GError **error)
{
  return cord_database_run(database, SQL_FUNCTION_CALL,
                           CORD_PARAMS(cord_journal_record_get(record, "id"),
                                       cord_journal_record_get(record, "call_id"),
                                       cord_journal_record_get(record, "function_name"),
                                       cord_journal_record_get(record, "arguments"),
                                       cord_journal_record_get(record, "result"),
                                       cord_journal_record_get(record, "status"),
                                       cord_journal_record_get(record, "error_message"),
                                       cord_journal_record_get(record, "executed_at"), seq),
                           error);
}

static gboolean
apply_event(CordDatabase *database, const gchar *server_id, const CordJournalRecord *record,
            const gchar *seq, GError **error)
{
  return cord_database_run(database, SQL_EVENT,
                           CORD_PARAMS(cord_journal_record_get(record, "id"),
                                       cord_journal_record_get(record, "event"),
                                       cord_journal_record_get(record, "call_id"),
                                       cord_journal_record_get(record, "agent_id"),
                                       cord_journal_record_get(record, "body"),
                                       cord_journal_record_get(record, "timestamp"), seq),
                           error);
}

static const struct {
  const gchar *type;
  Apply apply;
} table[] = {
  { CORD_JOURNAL_SERVER_STARTED, apply_server_started },
  { CORD_JOURNAL_CALL_CREATED, apply_call_created },
  { CORD_JOURNAL_CALL_UPDATED, apply_call_updated },
  { CORD_JOURNAL_CALL_RECORDED, apply_call_recorded },
  { CORD_JOURNAL_TRANSCRIPT, apply_transcript },
  { CORD_JOURNAL_FUNCTION_CALL, apply_function_call },
  { CORD_JOURNAL_EVENT, apply_event },
};

/**
 * cord_journal_record_apply:
 * @database: the store's database, inside a transaction
 * @server_id: whose journal it is
 * @record: what happened
 * @error: return location for an error
 *
 * Writes what the record says. Doing it again changes nothing.
 *
 * Returns: whether it was written
 */
gboolean
cord_journal_record_apply(CordDatabase *database, const gchar *server_id,
                          const CordJournalRecord *record, GError **error)
{
  const gchar *type = cord_journal_record_get(record, "type");
  g_autofree gchar *seq = g_strdup_printf("%" G_GUINT64_FORMAT, record->seq);

  for (guint i = 0; i < G_N_ELEMENTS(table); i++)
    if (g_strcmp0(type, table[i].type) == 0)
      return table[i].apply(database, server_id, record, seq, error);
  g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_CONSTRAINT, "Unknown journal record \"%s\"",
              type ? type : "");
  return FALSE;
}

/**
 * cord_journal_get_position:
 * @database: the store's database
 * @server_id: whose journal
 * @seq: (out): the last record that is in the tables, 0 when there is none
 * @error: return location for an error
 *
 * Returns: whether the database answered
 */
gboolean
cord_journal_get_position(CordDatabase *database, const gchar *server_id, guint64 *seq,
                          GError **error)
{
  g_autoptr(CordRows) rows =
      cord_database_query(database, SQL_GET_POSITION, CORD_PARAMS(server_id), error);

  if (!rows)
    return FALSE;
  *seq = cord_rows_length(rows) > 0 ? cord_rows_get_int(rows, 0, 0, 0) : 0;
  return TRUE;
}

/**
 * cord_journal_set_position:
 * @database: the store's database, in the transaction that applied the records
 * @server_id: whose journal
 * @seq: the last record applied
 * @error: return location for an error
 *
 * Returns: whether it was written
 */
gboolean
cord_journal_set_position(CordDatabase *database, const gchar *server_id, guint64 seq,
                          GError **error)
{
  g_autofree gchar *text = g_strdup_printf("%" G_GUINT64_FORMAT, seq);

  return cord_database_run(database, SQL_SET_POSITION, CORD_PARAMS(server_id, text), error);
}
