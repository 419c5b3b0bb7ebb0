/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-journal-private.h"
#include "cord-journal-record.h"
#include "cord-journal.h"

static void
put(JsonObject *fields, const gchar *name, const gchar *value)
{
  g_autofree gchar *valid = value ? g_utf8_make_valid(value, -1) : NULL;

  if (valid)
    json_object_set_string_member(fields, name, valid);
}

static void
put_json(JsonObject *fields, const gchar *name, JsonNode *value)
{
  g_autofree gchar *text = value ? json_to_string(value, FALSE) : NULL;

  put(fields, name, text);
}

static void
put_time(JsonObject *fields, const gchar *name, const gchar *value)
{
  g_autofree gchar *now = value ? NULL : cord_store_now();

  put(fields, name, value ? value : now);
}

/**
 * cord_journal_call_created:
 * @self: a journal
 * @call: the new call, with at least an id, a direction and a status
 *
 * Returns: the record's number, 0 when the journal is closed or its memory is full
 */
guint64
cord_journal_call_created(CordJournal *self, const CordCallRecord *call)
{
  JsonObject *fields = json_object_new();

  put(fields, "id", call->id);
  put(fields, "agent_id", call->agent_id);
  put(fields, "direction", call->direction);
  put(fields, "caller_number", call->caller_number);
  put(fields, "twilio_call_sid", call->twilio_call_sid);
  put(fields, "status", call->status);
  put_time(fields, "started_at", call->started_at);
  put_json(fields, "metadata", call->metadata);
  return cord_journal_append(self, CORD_JOURNAL_CALL_CREATED, fields);
}

/**
 * cord_journal_call_updated:
 * @self: a journal
 * @changes: the call's id and what is new; what is %NULL or negative stays as it was
 *
 * Returns: the record's number, 0 when the journal is closed or its memory is full
 */
guint64
cord_journal_call_updated(CordJournal *self, const CordCallRecord *changes)
{
  JsonObject *fields = json_object_new();
  g_autofree gchar *duration = changes->duration_seconds >= 0
                                   ? g_strdup_printf("%" G_GINT64_FORMAT, changes->duration_seconds)
                                   : NULL;

  put(fields, "id", changes->id);
  put(fields, "agent_id", changes->agent_id);
  put(fields, "caller_number", changes->caller_number);
  put(fields, "twilio_call_sid", changes->twilio_call_sid);
  put(fields, "status", changes->status);
  put(fields, "end_reason", changes->end_reason);
  put(fields, "duration_seconds", duration);
  put(fields, "summary", changes->summary);
  put(fields, "ended_at", changes->ended_at);
  put_json(fields, "metadata", changes->metadata);
  put_json(fields, "extracted", changes->extracted);
  return cord_journal_append(self, CORD_JOURNAL_CALL_UPDATED, fields);
}

/**
 * cord_journal_call_ended:
 * @self: a journal
 * @call_id: the call
 * @status: "completed" or "failed"
 * @end_reason: (nullable): why
 * @duration_seconds: how long it was, or -1
 *
 * As cord_journal_call_updated(), with the present time as the end.
 *
 * Returns: the record's number, 0 when the journal is closed or its memory is full
 */
guint64
cord_journal_call_ended(CordJournal *self, const gchar *call_id, const gchar *status,
                        const gchar *end_reason, gint64 duration_seconds)
{
  g_autofree gchar *now = cord_store_now();
  CordCallRecord changes = { .id = (gchar *)call_id,
                             .status = (gchar *)status,
                             .end_reason = (gchar *)end_reason,
                             .duration_seconds = duration_seconds,
                             .ended_at = now };

  return cord_journal_call_updated(self, &changes);
}

/**
 * cord_journal_call_recorded:
 * @self: a journal
 * @call_id: the call
 * @call_sid: (nullable): its name at the carrier; a call of another name is not meant
 * @recording: what the carrier says of a recording: "sid" and what else it knows
 *
 * Returns: the record's number, 0 when the journal is closed or its memory is full
 */
guint64
cord_journal_call_recorded(CordJournal *self, const gchar *call_id, const gchar *call_sid,
                           JsonObject *recording)
{
  g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), recording);
  JsonObject *fields = json_object_new();

  put(fields, "id", call_id);
  put(fields, "twilio_call_sid", call_sid);
  put_json(fields, "recording", node);
  return cord_journal_append(self, CORD_JOURNAL_CALL_RECORDED, fields);
}

/**
 * cord_journal_set_discreet:
 * @self: a journal
 * @discreet: whether what is said in calls, and what tools are told, is kept from the store
 */
void
cord_journal_set_discreet(CordJournal *self, gboolean discreet)
{
  g_atomic_int_set(&self->discreet, discreet);
}

/**
 * cord_journal_call_extracted:
 * @self: a journal
 * @call_id: the call
 * @extracted: what a model has found out in it, in place of what it had found out before
 *
 * Returns: the record's number, 0 when the journal is discreet or closed, or its memory is full
 */
guint64
cord_journal_call_extracted(CordJournal *self, const gchar *call_id, JsonObject *extracted)
{
  g_autoptr(JsonNode) node = NULL;
  CordCallRecord changes = { .id = (gchar *)call_id, .duration_seconds = -1 };

  if (g_atomic_int_get(&self->discreet))
    return 0;
  node = json_node_init_object(json_node_alloc(), extracted);
  changes.extracted = node;
  return cord_journal_call_updated(self, &changes);
}

/**
 * cord_journal_transcript:
 * @self: a journal
 * @call_id: the call
 * @role: "user" or "assistant"
 * @content: what was said, and for the assistant heard
 *
 * Returns: the record's number, 0 when the journal is discreet or closed, or its memory is full
 */
guint64
cord_journal_transcript(CordJournal *self, const gchar *call_id, const gchar *role,
                        const gchar *content)
{
  g_autofree gchar *id = cord_store_new_id();
  JsonObject *fields;

  if (g_atomic_int_get(&self->discreet))
    return 0;
  fields = json_object_new();
  put(fields, "id", id);
  put(fields, "call_id", call_id);
  put(fields, "role", role);
  put(fields, "content", content);
  put_time(fields, "timestamp", NULL);
  return cord_journal_append(self, CORD_JOURNAL_TRANSCRIPT, fields);
}

/**
 * cord_journal_function_call:
 * @self: a journal
 * @run: the run; without an id a new row, with the id of an earlier one its outcome
 *
 * Returns: the record's number, 0 when the journal is discreet or closed, or its memory is full
 */
guint64
cord_journal_function_call(CordJournal *self, const CordFunctionCall *run)
{
  g_autofree gchar *id = run->id ? NULL : cord_store_new_id();
  JsonObject *fields;

  if (g_atomic_int_get(&self->discreet))
    return 0;
  fields = json_object_new();
  put(fields, "id", run->id ? run->id : id);
  put(fields, "call_id", run->call_id);
  put(fields, "function_name", run->function_name);
  put_json(fields, "arguments", run->arguments);
  put_json(fields, "result", run->result);
  put(fields, "status", run->status);
  put(fields, "error_message", run->error_message);
  put_time(fields, "executed_at", run->executed_at);
  return cord_journal_append(self, CORD_JOURNAL_FUNCTION_CALL, fields);
}

/**
 * cord_journal_event:
 * @self: a journal
 * @event: what happened: "call.started"
 * @call_id: in which call
 * @agent_id: (nullable): whose agent
 * @body: the JSON that webhooks are told
 *
 * Something that is told to the webhooks which are for it when it comes into the store.
 *
 * Returns: the record's number, 0 when the journal is closed or its memory is full
 */
guint64
cord_journal_event(CordJournal *self, const gchar *event, const gchar *call_id,
                   const gchar *agent_id, const gchar *body)
{
  JsonObject *fields = json_object_new();
  g_autofree gchar *id = cord_store_new_id();

  put(fields, "id", id);
  put(fields, "event", event);
  put(fields, "call_id", call_id);
  put(fields, "agent_id", agent_id);
  put(fields, "body", body);
  put_time(fields, "timestamp", NULL);
  return cord_journal_append(self, CORD_JOURNAL_EVENT, fields);
}
