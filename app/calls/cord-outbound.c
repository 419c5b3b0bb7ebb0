/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-outbound.h"

#define LINGER_S 60 /* how long what the carrier says of an ended call is still understood */

struct _CordOutbound {
  CordJournal *journal;
  CordDialPolicy *policy;
  GHashTable *calls; /* id -> Row */
};

typedef struct {
  CordOutboundCall call;
  CordOutbound *outbound;
} Row;

static void
free_row(gpointer data)
{
  CordOutboundCall *call = data;

  g_clear_handle_id(&call->linger, g_source_remove);
  g_free(call->id);
  g_free(call->call_sid);
  g_free(call->agent_id);
  g_free(call->from);
  g_free(call->to);
  json_object_unref(call->metadata);
  g_free(call);
}

/**
 * cord_outbound_new:
 * @journal: where the calls are written
 * @limits: what may be dialled
 *
 * Returns: (transfer full): no calls yet
 */
CordOutbound *
cord_outbound_new(CordJournal *journal, const CordDialLimits *limits)
{
  CordOutbound *self = g_new0(CordOutbound, 1);

  self->journal = g_object_ref(journal);
  self->policy = cord_dial_policy_new(limits);
  self->calls = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_row);
  return self;
}

/**
 * cord_outbound_free:
 * @self: (transfer full): the calls
 */
void
cord_outbound_free(CordOutbound *self)
{
  g_hash_table_unref(self->calls);
  cord_dial_policy_free(self->policy);
  g_object_unref(self->journal);
  g_free(self);
}

/**
 * cord_outbound_get_policy:
 * @self: the calls
 *
 * Returns: (transfer none): what may be dialled
 */
CordDialPolicy *
cord_outbound_get_policy(CordOutbound *self)
{
  return self->policy;
}

static JsonNode *
metadata_node(const CordOutboundCall *call)
{
  return json_node_init_object(json_node_alloc(), call->metadata);
}

static void
update(CordOutbound *self, CordOutboundCall *call, const gchar *status)
{
  g_autoptr(CordCallRecord) changes = cord_call_record_new();

  changes->id = g_strdup(call->id);
  changes->twilio_call_sid = g_strdup(call->call_sid);
  changes->status = g_strdup(status);
  changes->duration_seconds = -1;
  changes->metadata = metadata_node(call);
  cord_journal_call_updated(self->journal, changes);
}

/**
 * cord_outbound_place:
 * @self: the calls
 * @agent_id: who speaks
 * @from: our number
 * @to: who is called
 * @key: (nullable): the API key that asks
 * @error: return location for an error, see cord_dial_policy_take()
 *
 * Takes a place and writes the call's record; the carrier is asked by the caller of this.
 *
 * Returns: (transfer none): the call, "queued"
 */
CordOutboundCall *
cord_outbound_place(CordOutbound *self, const gchar *agent_id, const gchar *from, const gchar *to,
                    const gchar *key, GError **error)
{
  g_autoptr(CordCallRecord) record = NULL;
  CordOutboundCall *call;
  Row *row;

  if (!cord_dial_policy_take(self->policy, to, key, g_get_monotonic_time(), error))
    return NULL;
  row = g_new0(Row, 1);
  row->outbound = self;
  call = &row->call;
  call->id = cord_store_new_id();
  call->agent_id = g_strdup(agent_id);
  call->from = g_strdup(from);
  call->to = g_strdup(to);
  call->sequence = -1;
  call->metadata = json_object_new();
  json_object_set_string_member(call->metadata, "from", from);
  json_object_set_string_member(call->metadata, "to", to);
  g_hash_table_insert(self->calls, call->id, row);
  record = cord_call_record_new();
  record->id = g_strdup(call->id);
  record->agent_id = g_strdup(agent_id);
  record->direction = g_strdup("outbound");
  record->caller_number = g_strdup(to);
  record->status = g_strdup("queued");
  record->duration_seconds = -1;
  record->started_at = cord_store_now();
  record->metadata = metadata_node(call);
  cord_journal_call_created(self->journal, record);
  return call;
}

/**
 * cord_outbound_find:
 * @self: the calls
 * @id: our id of a call, or the carrier's
 *
 * Returns: (transfer none) (nullable): the call
 */
CordOutboundCall *
cord_outbound_find(CordOutbound *self, const gchar *id)
{
  Row *row = g_hash_table_lookup(self->calls, id);
  GHashTableIter iter;
  gpointer each;

  if (row)
    return &row->call;
  g_hash_table_iter_init(&iter, self->calls);
  while (g_hash_table_iter_next(&iter, NULL, &each))
    if (g_strcmp0(((Row *)each)->call.call_sid, id) == 0)
      return each;
  return NULL;
}

/**
 * cord_outbound_set_sid:
 * @self: the calls
 * @call: one of them
 * @call_sid: what the carrier calls it
 */
void
cord_outbound_set_sid(CordOutbound *self, CordOutboundCall *call, const gchar *call_sid)
{
  if (call->call_sid)
    return;
  call->call_sid = g_strdup(call_sid);
  update(self, call, NULL);
}

/**
 * cord_outbound_note:
 * @self: the calls
 * @call: one of them
 * @name: what is known of it
 * @value: (transfer full): the value
 *
 * Adds to the metadata in the call's record.
 */
void
cord_outbound_note(CordOutbound *self, CordOutboundCall *call, const gchar *name, JsonNode *value)
{
  json_object_set_member(call->metadata, name, value);
  update(self, call, NULL);
}

static gboolean
forget(gpointer data)
{
  Row *row = data;

  row->call.linger = 0;
  g_hash_table_remove(row->outbound->calls, row->call.id);
  return G_SOURCE_REMOVE;
}

static void
end(CordOutbound *self, CordOutboundCall *call)
{
  if (call->ended)
    return;
  call->ended = TRUE;
  cord_dial_policy_give_back(self->policy);
  call->linger = g_timeout_add_seconds(LINGER_S, forget, call);
}

/**
 * cord_outbound_fail:
 * @self: the calls
 * @call: one of them, that the carrier does not place
 * @reason: for its record
 */
void
cord_outbound_fail(CordOutbound *self, CordOutboundCall *call, const gchar *reason)
{
  if (call->ended)
    return;
  cord_journal_call_ended(self->journal, call->id, "failed", reason, 0);
  end(self, call);
}

static gboolean
is_one_of(const gchar *status, const gchar *const *list)
{
  return g_strv_contains(list, status);
}

/**
 * cord_outbound_set_status:
 * @self: the calls
 * @call: one of them
 * @status: the carrier's CallStatus
 * @sequence: its SequenceNumber, or -1
 * @duration_seconds: its CallDuration, or -1
 * @streaming: whether the call has a stream, which tells its end itself
 *
 * Takes a status callback. An older one than was taken changes nothing.
 *
 * Returns: whether it was news
 */
gboolean
cord_outbound_set_status(CordOutbound *self, CordOutboundCall *call, const gchar *status,
                         gint sequence, gint duration_seconds, gboolean streaming)
{
  static const gchar *const terminal[] = { "completed", "busy",     "failed",
                                           "no-answer", "canceled", NULL };
  static const gchar *const progress[] = { "queued", "ringing", "in-progress", NULL };

  if (call->ended || (sequence >= 0 && sequence <= call->sequence))
    return FALSE;
  call->sequence = MAX(sequence, call->sequence);
  if (is_one_of(status, terminal)) {
    if (!streaming)
      cord_journal_call_ended(self->journal, call->id,
                              g_str_equal(status, "completed") ? "completed" : "failed", status,
                              MAX(duration_seconds, 0));
    end(self, call);
  } else if (is_one_of(status, progress) && !streaming) {
    update(self, call, status);
  }
  return TRUE;
}
