/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-outbound.h"

#include "cord-json.h"

#define LINGER_S 60    /* how long what the carrier says of an ended call is still understood */
#define MARGIN_S 20    /* beyond the time that it may ring */
#define ASK_AGAIN_S 60 /* between two questions how it is */

struct _CordOutbound {
  GObject parent_instance;

  CordStore *store;
  CordJournal *journal;
  CordCallRegistry *registry;
  CordDialPolicy *policy;
  CordDialCaps caps;
  guint watch;
  CordOutboundFunc overdue;
  gpointer overdue_data;
  GHashTable *calls;  /* id -> Row */
  GHashTable *by_sid; /* Row */
};

typedef struct {
  CordOutboundCall call;
  CordOutbound *outbound;
} Row;

G_DEFINE_FINAL_TYPE(CordOutbound, cord_outbound, G_TYPE_OBJECT)

static void
free_row(gpointer data)
{
  CordOutboundCall *call = data;

  g_clear_handle_id(&call->timer, g_source_remove);
  g_free(call->id);
  g_free(call->call_sid);
  g_free(call->agent_id);
  g_free(call->from);
  g_free(call->to);
  json_object_unref(call->metadata);
  g_free(call);
}

/* What there is to tell of a call that has no stream, to those who watch all calls. */
static void
tell(CordOutbound *self, const CordOutboundCall *call, const gchar *name, const gchar *status,
     const gchar *reason, gint duration_seconds)
{
  g_autoptr(JsonObject) object = json_object_new();
  g_autofree gchar *json = NULL;

  json_object_set_string_member(object, "direction", "outbound");
  json_object_set_string_member(object, "from", call->from);
  json_object_set_string_member(object, "to", call->to);
  if (call->agent_id)
    json_object_set_string_member(object, "agent_id", call->agent_id);
  if (call->call_sid)
    json_object_set_string_member(object, "call_sid", call->call_sid);
  json_object_set_string_member(object, "status", status);
  if (reason)
    json_object_set_string_member(object, "reason", reason);
  if (duration_seconds >= 0)
    json_object_set_int_member(object, "duration", duration_seconds);
  json = cord_json_print_object(object);
  cord_call_registry_tell(self->registry, call->id, name, json);
}

static void
update(CordOutbound *self, CordOutboundCall *call, const gchar *status)
{
  g_autoptr(CordCallRecord) changes = cord_call_record_new();

  changes->id = g_strdup(call->id);
  changes->twilio_call_sid = g_strdup(call->call_sid);
  changes->status = g_strdup(status);
  changes->duration_seconds = -1;
  cord_journal_call_updated(self->journal, changes);
}

static gboolean
forget(gpointer data)
{
  Row *row = data;
  CordOutbound *self = row->outbound;

  row->call.timer = 0;
  if (row->call.call_sid)
    g_hash_table_remove(self->by_sid, row->call.call_sid);
  g_hash_table_remove(self->calls, row->call.id);
  return G_SOURCE_REMOVE;
}

static void
end(CordOutboundCall *call)
{
  if (call->ended)
    return;
  call->ended = TRUE;
  g_clear_handle_id(&call->timer, g_source_remove);
  call->timer = g_timeout_add_seconds(LINGER_S, forget, call);
}

/* The carrier was silent for too long: its callbacks may be lost. */
static gboolean
on_overdue(gpointer data)
{
  Row *row = data;
  CordOutbound *self = row->outbound;

  row->call.timer = g_timeout_add_seconds(ASK_AGAIN_S, on_overdue, row);
  if (self->overdue && !cord_call_registry_is_streaming(self->registry, row->call.id))
    self->overdue(&row->call, self->overdue_data);
  return G_SOURCE_REMOVE;
}

static CordOutboundCall *
add_call(CordOutbound *self, const gchar *id, const gchar *agent_id, const gchar *from,
         const gchar *to, JsonObject *metadata, guint ring_s)
{
  Row *row = g_new0(Row, 1);
  CordOutboundCall *call = &row->call;

  row->outbound = self;
  call->id = g_strdup(id);
  call->agent_id = g_strdup(agent_id);
  call->from = g_strdup(from);
  call->to = g_strdup(to);
  call->sequence = -1;
  call->metadata = metadata;
  call->ring_s = ring_s;
  call->timer = g_timeout_add_seconds(ring_s + MARGIN_S, on_overdue, row);
  g_hash_table_insert(self->calls, call->id, row);
  return call;
}

/* Placing */

typedef struct {
  gchar *id, *agent_id, *from, *to;
  guint ring_s;
  gboolean hang_up_on_machine;
} Placing;

static void
free_placing(gpointer data)
{
  Placing *placing = data;

  g_free(placing->id);
  g_free(placing->agent_id);
  g_free(placing->from);
  g_free(placing->to);
  g_free(placing);
}

static void
write_record(CordOutbound *self, const CordOutboundCall *call)
{
  g_autoptr(CordCallRecord) record = cord_call_record_new();

  record->id = g_strdup(call->id);
  record->agent_id = g_strdup(call->agent_id);
  record->direction = g_strdup("outbound");
  record->caller_number = g_strdup(call->to);
  record->status = g_strdup("queued");
  record->duration_seconds = -1;
  record->started_at = cord_store_now();
  record->metadata = json_node_init_object(json_node_alloc(), call->metadata);
  cord_journal_call_created(self->journal, record);
}

static void
on_taken(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  CordOutbound *self = g_task_get_source_object(task);
  const Placing *placing = g_task_get_task_data(task);
  GError *error = NULL;
  CordDialAnswer answer = cord_dials_take_finish(CORD_STORE(source), result, &error);
  JsonObject *metadata;
  CordOutboundCall *call;

  if (answer == CORD_DIAL_REFUSED) {
    g_task_return_error(task, error);
    return;
  }
  if (answer == CORD_DIAL_KNOWN || placing->agent_id == NULL) {
    g_task_return_pointer(task, NULL, NULL);
    return;
  }
  metadata = json_object_new();
  json_object_set_string_member(metadata, "from", placing->from);
  json_object_set_string_member(metadata, "to", placing->to);
  if (placing->hang_up_on_machine)
    json_object_set_boolean_member(metadata, "hang_up_on_machine", TRUE);
  call = add_call(self, placing->id, placing->agent_id, placing->from, placing->to, metadata,
                  placing->ring_s);
  write_record(self, call);
  tell(self, call, "call-placed", "queued", NULL, -1);
  g_task_return_pointer(task, call, NULL);
}

static void
take(CordOutbound *self, GTask *task, Placing *placing, const gchar *key)
{
  const CordDial dial = { .id = placing->id,
                          .server_id = cord_journal_get_server_id(self->journal),
                          .key_id = key,
                          .lasting = placing->agent_id != NULL };
  GError *error = NULL;

  g_task_set_task_data(task, placing, free_placing);
  if (cord_dial_policy_check_number(self->policy, placing->to, &error)) {
    cord_dials_take_async(self->store, &self->caps, &dial, on_taken, task);
    return;
  }
  g_task_return_error(task, error);
  g_object_unref(task);
}

/**
 * cord_outbound_place_async:
 * @self: the calls
 * @request: whom to call
 * @callback: called when it is decided
 * @user_data: for @callback
 *
 * Takes a place and writes the call's record; the carrier is asked by the caller of this.
 */
void
cord_outbound_place_async(CordOutbound *self, const CordOutboundRequest *request,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  Placing *placing = g_new0(Placing, 1);

  placing->id = request->id ? g_strdup(request->id) : cord_store_new_id();
  placing->agent_id = g_strdup(request->agent_id);
  placing->from = g_strdup(request->from);
  placing->to = g_strdup(request->to);
  placing->ring_s = request->ring_s;
  placing->hang_up_on_machine = request->hang_up_on_machine;
  take(self, g_task_new(self, NULL, callback, user_data), placing, request->key);
}

/**
 * cord_outbound_place_finish:
 *
 * Returns: (transfer none) (nullable): the call, "queued"; %NULL without an error when that id is
 *   known already
 */
CordOutboundCall *
cord_outbound_place_finish(CordOutbound *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer(G_TASK(result), error);
}

void
cord_outbound_transfer_async(CordOutbound *self, const gchar *to, const gchar *key,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  Placing *placing = g_new0(Placing, 1);

  placing->id = cord_store_new_id();
  placing->to = g_strdup(to);
  take(self, g_task_new(self, NULL, callback, user_data), placing, key);
}

/**
 * cord_outbound_transfer_finish:
 *
 * Returns: whether the number may be dialled
 */
gboolean
cord_outbound_transfer_finish(CordOutbound *self, GAsyncResult *result, GError **error)
{
  GError *problem = NULL;

  g_task_propagate_pointer(G_TASK(result), &problem);
  if (problem == NULL)
    return TRUE;
  g_propagate_error(error, problem);
  return FALSE;
}

/* Finding */

/**
 * cord_outbound_find:
 * @self: the calls
 * @id: our id of a call, or the carrier's
 *
 * Returns: (transfer none) (nullable): the call, when it is known here
 */
CordOutboundCall *
cord_outbound_find(CordOutbound *self, const gchar *id)
{
  Row *row = g_hash_table_lookup(self->calls, id);

  if (row == NULL)
    row = g_hash_table_lookup(self->by_sid, id);
  return row ? &row->call : NULL;
}

/* A call of another server, or of this one before it was started anew. */
static CordOutboundCall *
adopt(CordOutbound *self, const CordCallRecord *record)
{
  JsonObject *metadata = record->metadata && JSON_NODE_HOLDS_OBJECT(record->metadata)
                             ? json_node_get_object(record->metadata)
                             : NULL;
  const gchar *from = metadata ? cord_json_peek_string(metadata, "from", NULL) : NULL;
  const gchar *to = metadata ? cord_json_peek_string(metadata, "to", NULL) : NULL;
  CordOutboundCall *call;

  if (g_strcmp0(record->direction, "outbound") != 0 || from == NULL || to == NULL)
    return NULL;
  call = add_call(self, record->id, record->agent_id, from, to, json_object_ref(metadata),
                  ASK_AGAIN_S);
  if (record->twilio_call_sid) {
    call->call_sid = g_strdup(record->twilio_call_sid);
    g_hash_table_insert(self->by_sid, call->call_sid, call);
  }
  if (record->ended_at)
    end(call);
  return call;
}

static void
on_record(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  CordOutbound *self = g_task_get_source_object(task);
  g_autoptr(CordCallRecord) record = cord_store_get_call_finish(CORD_STORE(source), result, NULL);
  /* somebody else may have asked for the same meanwhile */
  CordOutboundCall *call = record ? cord_outbound_find(self, record->id) : NULL;

  if (record && call == NULL)
    call = adopt(self, record);
  g_task_return_pointer(task, call, NULL);
}

/**
 * cord_outbound_find_async:
 * @self: the calls
 * @id: our id of a call, or the carrier's
 * @callback: called with what was found
 * @user_data: for @callback
 *
 * As cord_outbound_find(), and looks into the store when the call is not known here.
 */
void
cord_outbound_find_async(CordOutbound *self, const gchar *id, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr(GTask) task = g_task_new(self, NULL, callback, user_data);
  CordOutboundCall *call = cord_outbound_find(self, id);

  if (call || !g_uuid_string_is_valid(id))
    g_task_return_pointer(task, call, NULL);
  else
    cord_store_get_call_async(self->store, id, NULL, on_record, g_object_ref(task));
}

/**
 * cord_outbound_find_finish:
 *
 * Returns: (transfer none) (nullable): the call
 */
CordOutboundCall *
cord_outbound_find_finish(CordOutbound *self, GAsyncResult *result)
{
  return g_task_propagate_pointer(G_TASK(result), NULL);
}

/* What becomes of them */

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
  g_hash_table_insert(self->by_sid, call->call_sid, call);
  update(self, call, NULL);
}

/**
 * cord_outbound_note:
 * @self: the calls
 * @call: one of them
 * @name: what is known of it
 * @value: (transfer full): the value
 *
 * Adds to the metadata in the call's record, whatever others have added meanwhile.
 */
void
cord_outbound_note(CordOutbound *self, CordOutboundCall *call, const gchar *name, JsonNode *value)
{
  g_autoptr(CordCallRecord) changes = cord_call_record_new();
  JsonObject *member = json_object_new();

  json_object_set_member(member, name, json_node_copy(value));
  json_object_set_member(call->metadata, name, value);
  changes->id = g_strdup(call->id);
  changes->duration_seconds = -1;
  changes->metadata = json_node_new(JSON_NODE_OBJECT);
  json_node_take_object(changes->metadata, member);
  cord_journal_call_updated(self->journal, changes);
}

/**
 * cord_outbound_hangs_up_on_machines:
 * @call: a call
 *
 * Returns: whether a machine is not spoken to
 */
gboolean
cord_outbound_hangs_up_on_machines(const CordOutboundCall *call)
{
  return cord_json_peek_boolean(call->metadata, "hang_up_on_machine", FALSE);
}

/**
 * cord_outbound_forget:
 * @self: the calls
 * @call: one of them, whose record says that it is over
 */
void
cord_outbound_forget(CordOutbound *self, CordOutboundCall *call)
{
  end(call);
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
  end(call);
  tell(self, call, "call-ended", "failed", reason, 0);
}

/**
 * cord_outbound_set_status:
 * @self: the calls
 * @call: one of them
 * @status: the carrier's CallStatus
 * @sequence: its SequenceNumber, or -1
 * @duration_seconds: its CallDuration, or -1
 *
 * Takes a status callback. An older one than was taken changes nothing, and a call that has come to
 * its agent tells its end itself.
 *
 * Returns: whether it was news
 */
gboolean
cord_outbound_set_status(CordOutbound *self, CordOutboundCall *call, const gchar *status,
                         gint sequence, gint duration_seconds)
{
  static const gchar *const terminal[] = { "completed", "busy",     "failed",
                                           "no-answer", "canceled", NULL };
  static const gchar *const progress[] = { "queued", "ringing", "in-progress", NULL };
  gboolean admitted = cord_call_registry_find_call(self->registry, call->id, NULL, NULL) != NULL;

  if (call->ended || (sequence >= 0 && sequence <= call->sequence))
    return FALSE;
  call->sequence = MAX(sequence, call->sequence);
  if (g_strv_contains(terminal, status)) {
    const gchar *outcome = g_str_equal(status, "completed") ? "completed" : "failed";

    if (!admitted) {
      cord_journal_call_ended(self->journal, call->id, outcome, status, MAX(duration_seconds, 0));
      end(call);
      tell(self, call, "call-ended", outcome, status, MAX(duration_seconds, 0));
    }
    end(call);
  } else if (g_strv_contains(progress, status) && !admitted) {
    update(self, call, status);
    tell(self, call, "call-status", status, NULL, -1);
  }
  return TRUE;
}

static void
on_event(const gchar *call_id, const gchar *name, const gchar *json, gpointer data)
{
  CordOutbound *self = data;
  gboolean ended = g_str_equal(name, "call-ended");
  CordOutboundCall *call =
      ended || g_str_equal(name, "call-started") ? cord_outbound_find(self, call_id) : NULL;

  if (call && ended)
    end(call);
  else if (call && call->unwanted)
    cord_call_registry_hang_up(self->registry, call_id, "machine");
}

/**
 * cord_outbound_set_overdue:
 * @self: the calls
 * @func: told of calls whose callbacks may be lost; it may ask the carrier
 * @data: for @func
 */
void
cord_outbound_set_overdue(CordOutbound *self, CordOutboundFunc func, gpointer data)
{
  self->overdue = func;
  self->overdue_data = data;
}

/**
 * cord_outbound_get_count:
 * @self: the calls
 *
 * Returns: how many are under way, as far as this server knows
 */
guint
cord_outbound_get_count(CordOutbound *self)
{
  GHashTableIter iter;
  gpointer row;
  guint count = 0;

  g_hash_table_iter_init(&iter, self->calls);
  while (g_hash_table_iter_next(&iter, NULL, &row))
    count += !((Row *)row)->call.ended;
  return count;
}

static void
cord_outbound_finalize(GObject *object)
{
  CordOutbound *self = CORD_OUTBOUND(object);

  cord_call_registry_unwatch(self->registry, self->watch);
  g_hash_table_unref(self->by_sid);
  g_hash_table_unref(self->calls);
  cord_dial_policy_free(self->policy);
  g_object_unref(self->registry);
  g_object_unref(self->journal);
  g_object_unref(self->store);
  G_OBJECT_CLASS(cord_outbound_parent_class)->finalize(object);
}

static void
cord_outbound_class_init(CordOutboundClass *klass)
{
  G_OBJECT_CLASS(klass)->finalize = cord_outbound_finalize;
}

static void
cord_outbound_init(CordOutbound *self)
{
  self->calls = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_row);
  self->by_sid = g_hash_table_new(g_str_hash, g_str_equal);
}

/**
 * cord_outbound_new:
 * @store: where places are counted
 * @journal: where the calls are written
 * @calls: the calls that have come to their agents
 * @policy: (transfer full): what may be dialled
 * @caps: how many; copied
 *
 * Returns: (transfer full): no calls yet
 */
CordOutbound *
cord_outbound_new(CordStore *store, CordJournal *journal, CordCallRegistry *calls,
                  CordDialPolicy *policy, const CordDialCaps *caps)
{
  CordOutbound *self = g_object_new(CORD_TYPE_OUTBOUND, NULL);

  self->store = g_object_ref(store);
  self->journal = g_object_ref(journal);
  self->registry = g_object_ref(calls);
  self->policy = policy;
  self->caps = *caps;
  self->watch = cord_call_registry_watch(calls, on_event, self);
  return self;
}
