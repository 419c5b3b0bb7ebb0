/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-call-registry.h"

#include "cord-admission.h"
#include "cord-call-table.h"
#include "cord-call.h"
#include "cord-worker-pool.h"

#define SLOW_WORKER_US 40000 /* a media thread this late takes no more calls */

struct _CordCallRegistry {
  GObject parent_instance;

  CordStore *store;
  CordJournal *journal;
  CordStreamTokens *tokens;
  CordPipelines *pipelines;
  GError *pipelines_error;
  CordWorkerPool *workers;
  guint max_calls;

  CordCallTable *table;
  gboolean draining;
  GTask *drain;
  guint drain_timeout;

  GMutex lock;       /* leaf; guards calls */
  GHashTable *calls; /* CordCall, owned, from the first byte of its stream to its end */
};

G_DEFINE_FINAL_TYPE(CordCallRegistry, cord_call_registry, G_TYPE_OBJECT)

static guint
count_calls(CordCallRegistry *self)
{
  guint count;

  g_mutex_lock(&self->lock);
  count = g_hash_table_size(self->calls);
  g_mutex_unlock(&self->lock);
  return count;
}

static void
record_call(CordCallRegistry *self, const CordAdmission *admission,
            const CordIncomingCall *incoming)
{
  g_autoptr(CordCallRecord) record = cord_call_record_new();

  record->id = g_strdup(admission->call_id);
  record->agent_id = g_strdup(admission->agent->id);
  record->direction = g_strdup(incoming->direction ? incoming->direction : "inbound");
  record->caller_number = g_strdup(incoming->from);
  record->twilio_call_sid = g_strdup(incoming->call_sid);
  record->status = g_strdup("ringing");
  record->duration_seconds = -1;
  record->started_at = cord_store_now();
  cord_journal_call_created(self->journal, record);
}

typedef struct {
  gchar *call_sid, *from, *to, *account_sid, *direction;
  gchar *token;
} Admit;

static void
free_admit(gpointer data)
{
  Admit *admit = data;

  g_free(admit->call_sid);
  g_free(admit->from);
  g_free(admit->to);
  g_free(admit->account_sid);
  g_free(admit->direction);
  g_free(admit->token);
  g_free(admit);
}

/* The carrier never came for its stream: its token has lapsed. */
typedef struct {
  CordCallRegistry *registry;
  CordAdmission *admission;
} Ticket;

static void
token_lapsed(gpointer data)
{
  Ticket *ticket = data;
  CordCallRegistry *self = ticket->registry;
  CordCallEntry *entry = cord_call_table_find(self->table, ticket->admission->call_id);

  if (entry && !entry->streaming && !entry->ended) {
    cord_journal_call_ended(self->journal, ticket->admission->call_id, "failed", "no-stream", 0);
    cord_call_table_end(self->table, entry, "failed", "no-stream", 0);
  }
  cord_admission_unref(ticket->admission);
  g_free(ticket);
}

static gchar *
mint(CordCallRegistry *self, CordAdmission *admission)
{
  Ticket *ticket = g_new0(Ticket, 1);

  ticket->registry = self;
  ticket->admission = cord_admission_ref(admission);
  return cord_stream_tokens_mint(self->tokens, admission->call_sid, ticket, token_lapsed);
}

static gboolean
check_room(CordCallRegistry *self, GError **error)
{
  if (self->draining) {
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_QUOTA,
                        "the server is shutting down and takes no more calls");
    return FALSE;
  }
  if (self->pipelines == NULL) {
    g_propagate_error(error, g_error_copy(self->pipelines_error));
    return FALSE;
  }
  if (self->max_calls > 0 && count_calls(self) >= self->max_calls) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_QUOTA, "all %u lines are busy", self->max_calls);
    return FALSE;
  }
  if (cord_worker_pool_has_room(self->workers, SLOW_WORKER_US))
    return TRUE;
  g_set_error_literal(error, CORD_ERROR, CORD_ERROR_QUOTA,
                      "the media threads run late; taking one more call would harm the others");
  return FALSE;
}

static void
on_agent(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  CordCallRegistry *self = g_task_get_source_object(task);
  Admit *admit = g_task_get_task_data(task);
  CordIncomingCall incoming = { admit->call_sid, admit->from, admit->to, admit->account_sid,
                                admit->direction };
  g_autoptr(GError) error = NULL;
  g_autoptr(CordAgent) agent =
      cord_store_get_active_agent_finish(CORD_STORE(source), result, &error);
  CordCallEntry *entry;

  if (agent == NULL) {
    g_task_return_new_error(task, CORD_ERROR, CORD_ERROR_NOT_FOUND, "no agent can answer: %s",
                            error->message);
    return;
  }
  /* the carrier asks again when an answer was slow; it is the same call */
  entry = cord_call_table_find(self->table, admit->call_sid);
  if (entry == NULL) {
    g_autofree gchar *id = cord_store_new_id();
    g_autoptr(CordAdmission) admission =
        cord_admission_new(id, admit->call_sid, admit->from, admit->to, agent);

    entry = cord_call_table_add(self->table, admission);
    record_call(self, admission, &incoming);
  }
  admit->token = mint(self, entry->admission);
  g_task_return_pointer(task, g_strdup(entry->admission->call_id), g_free);
}

/**
 * cord_call_registry_admit_async:
 * @self: the registry
 * @incoming: what the webhook said
 * @cancellable: (nullable): a cancellable
 * @callback: called when it is decided
 * @user_data: for @callback
 *
 * Lets a call in, or does not: chooses the agent (the first active one), writes the call's record
 * and mints the token for its stream.
 */
void
cord_call_registry_admit_async(CordCallRegistry *self, const CordIncomingCall *incoming,
                               GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data)
{
  GTask *task = g_task_new(self, cancellable, callback, user_data);
  Admit *admit = g_new0(Admit, 1);
  GError *error = NULL;

  *admit = (Admit){ g_strdup(incoming->call_sid),  g_strdup(incoming->from),
                    g_strdup(incoming->to),        g_strdup(incoming->account_sid),
                    g_strdup(incoming->direction), NULL };
  g_task_set_task_data(task, admit, free_admit);
  if (!check_room(self, &error)) {
    g_task_return_error(task, error);
    g_object_unref(task);
    return;
  }
  cord_store_get_active_agent_async(self->store, cancellable, on_agent, task);
}

/**
 * cord_call_registry_admit_finish:
 * @self: the registry
 * @result: what the callback got
 * @token: (out) (transfer full): the token for the stream
 * @error: return location for an error
 *
 * Returns: (transfer full): the call's id, or %NULL
 */
gchar *
cord_call_registry_admit_finish(CordCallRegistry *self, GAsyncResult *result, gchar **token,
                                GError **error)
{
  Admit *admit = g_task_get_task_data(G_TASK(result));
  gchar *id = g_task_propagate_pointer(G_TASK(result), error);

  if (id)
    *token = g_steal_pointer(&admit->token);
  return id;
}

/* What calls tell, from their workers to the main thread */

typedef struct {
  CordCallRegistry *registry;
  gchar *call_id;
  gchar *name;
  gchar *json;
} Told;

static void
free_told(gpointer data)
{
  Told *told = data;

  g_object_unref(told->registry);
  g_free(told->call_id);
  g_free(told->name);
  g_free(told->json);
  g_free(told);
}

static gboolean
on_told(gpointer data)
{
  Told *told = data;
  CordCallTable *table = told->registry->table;
  CordCallEntry *entry = cord_call_table_find(table, told->call_id);

  if (entry)
    cord_call_table_add_event(table, entry, told->name, told->json);
  return G_SOURCE_REMOVE;
}

static void
call_event(CordCall *call, const gchar *name, const gchar *json, gpointer data)
{
  Told *told = g_new0(Told, 1);

  *told = (Told){ g_object_ref(data), g_strdup(cord_call_get_admission(call)->call_id),
                  g_strdup(name), g_strdup(json) };
  g_main_context_invoke_full(NULL, G_PRIORITY_DEFAULT, on_told, told, free_told);
}

static CordAdmission *
call_admit(const gchar *token, const gchar *call_sid, gpointer data, GError **error)
{
  CordCallRegistry *self = data;
  gpointer taken = NULL;
  Ticket *ticket;
  CordAdmission *admission;

  if (token == NULL || call_sid == NULL) {
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED,
                        "it brings no token; only a stream that our own TwiML asked for is taken");
    return NULL;
  }
  if (!cord_stream_tokens_take(self->tokens, token, call_sid, &taken, error))
    return NULL;
  ticket = taken;
  admission = ticket->admission;
  g_free(ticket);
  return admission;
}

static gboolean
drained(gpointer data)
{
  CordCallRegistry *self = data;

  if (self->drain && count_calls(self) == 0) {
    g_autoptr(GTask) task = g_steal_pointer(&self->drain);

    g_clear_handle_id(&self->drain_timeout, g_source_remove);
    g_task_return_boolean(task, TRUE);
  }
  return G_SOURCE_REMOVE;
}

static void
call_ended(CordCall *call, gpointer data)
{
  CordCallRegistry *self = data;

  cord_worker_pool_add_load(self->workers, cord_call_get_worker(call), -1);
  g_mutex_lock(&self->lock);
  g_hash_table_steal(self->calls, call);
  g_mutex_unlock(&self->lock);
  g_object_unref(call);
  g_main_context_invoke_full(NULL, G_PRIORITY_DEFAULT, drained, g_object_ref(self), g_object_unref);
}

static const CordCallOwner owner = { call_admit, call_event, call_ended };

/**
 * cord_call_registry_take_stream:
 * @self: the registry
 * @websocket: (transfer none): a carrier's WebSocket that was not started
 * @worker: the worker it is on; the caller runs there
 *
 * Makes a call of a carrier's stream.
 */
void
cord_call_registry_take_stream(CordCallRegistry *self, CordWebsocket *websocket, CordWorker *worker)
{
  CordCall *call = cord_call_new(worker, self->pipelines, self->journal, &owner, self);

  cord_worker_pool_add_load(self->workers, worker, 1);
  g_mutex_lock(&self->lock);
  g_hash_table_add(self->calls, call);
  g_mutex_unlock(&self->lock);
  cord_call_start(call, websocket);
}

/**
 * cord_call_registry_pick_worker:
 * @self: the registry
 *
 * Returns: (transfer none): the media thread with the fewest calls
 */
CordWorker *
cord_call_registry_pick_worker(CordCallRegistry *self)
{
  return cord_worker_pool_pick(self->workers);
}

static gboolean
is_terminal(const gchar *status)
{
  static const gchar *terminal[] = { "completed", "busy", "failed", "no-answer", "canceled", NULL };

  return g_strv_contains(terminal, status);
}

/**
 * cord_call_registry_set_carrier_status:
 * @self: the registry
 * @call_sid: the carrier's name of the call
 * @status: the carrier's CallStatus
 * @sequence: its SequenceNumber, or -1
 * @duration_seconds: its CallDuration, or -1
 *
 * Takes a status callback. They come late, twice and out of order: an older one changes nothing,
 * and a call that streams is ended by its stream.
 */
void
cord_call_registry_set_carrier_status(CordCallRegistry *self, const gchar *call_sid,
                                      const gchar *status, gint sequence, gint duration_seconds)
{
  CordCallEntry *entry = cord_call_table_find(self->table, call_sid);
  const gchar *final;

  if (entry == NULL || entry->ended || (sequence >= 0 && sequence <= entry->carrier_sequence))
    return;
  if (sequence >= 0)
    entry->carrier_sequence = sequence;
  if (!is_terminal(status) || entry->streaming)
    return;
  final = g_str_equal(status, "completed") ? "completed" : "failed";
  cord_journal_call_ended(self->journal, entry->admission->call_id, final, status,
                          MAX(duration_seconds, 0));
  cord_call_table_end(self->table, entry, final, status, MAX(duration_seconds, 0));
}

/**
 * cord_call_registry_subscribe:
 * @self: the registry
 * @call_id_or_sid: our id of the call, or the carrier's
 * @func: what to call
 * @data: for @func
 * @notify: (nullable): frees @data
 *
 * Follows a call that runs or has ended a moment ago.
 *
 * Returns: a number for cord_call_registry_unsubscribe(), or 0 when there is no such call
 */
guint
cord_call_registry_subscribe(CordCallRegistry *self, const gchar *call_id_or_sid,
                             CordCallEventFunc func, gpointer data, GDestroyNotify notify)
{
  return cord_call_table_subscribe(self->table, call_id_or_sid, func, data, notify);
}

/**
 * cord_call_registry_unsubscribe:
 * @self: the registry
 * @subscription: what cord_call_registry_subscribe() returned
 */
void
cord_call_registry_unsubscribe(CordCallRegistry *self, guint subscription)
{
  cord_call_table_unsubscribe(self->table, subscription);
}

/**
 * cord_call_registry_get_count:
 * @self: the registry
 *
 * Returns: the number of open streams
 */
guint
cord_call_registry_get_count(CordCallRegistry *self)
{
  return count_calls(self);
}

/**
 * cord_call_registry_get_draining:
 * @self: the registry
 *
 * Returns: whether it takes no more calls
 */
gboolean
cord_call_registry_get_draining(CordCallRegistry *self)
{
  return self->draining;
}

/**
 * cord_call_registry_check_elements:
 * @self: the registry
 * @missing: (out) (transfer full): what is missing
 *
 * Returns: whether the elements of the stock agent are there
 */
gboolean
cord_call_registry_check_elements(CordCallRegistry *self, GStrv *missing)
{
  if (self->pipelines)
    return cord_pipelines_check(self->pipelines, missing);
  *missing = g_strsplit(self->pipelines_error->message, "\n", -1);
  return FALSE;
}

typedef struct {
  CordCall *call;
  gchar *reason;
} HangUp;

static void
hang_up(gpointer data)
{
  HangUp *order = data;

  cord_call_hang_up(order->call, order->reason);
}

static void
free_hang_up(gpointer data)
{
  HangUp *order = data;

  g_object_unref(order->call);
  g_free(order->reason);
  g_free(order);
}

/**
 * cord_call_registry_hang_up_all:
 * @self: the registry
 * @reason: what the records will say
 *
 * Ends all calls.
 */
void
cord_call_registry_hang_up_all(CordCallRegistry *self, const gchar *reason)
{
  GHashTableIter iter;
  gpointer call;

  g_mutex_lock(&self->lock);
  g_hash_table_iter_init(&iter, self->calls);
  while (g_hash_table_iter_next(&iter, &call, NULL)) {
    HangUp *order = g_new0(HangUp, 1);

    *order = (HangUp){ g_object_ref(call), g_strdup(reason) };
    cord_worker_post(cord_call_get_worker(call), hang_up, order, free_hang_up);
  }
  g_mutex_unlock(&self->lock);
}

static gboolean
drain_deadline(gpointer data)
{
  CordCallRegistry *self = data;

  self->drain_timeout = 0;
  cord_call_registry_hang_up_all(self, "shutdown");
  return G_SOURCE_REMOVE;
}

/**
 * cord_call_registry_drain_async:
 * @self: the registry
 * @deadline_ms: after which the calls that are left are hung up
 * @callback: called when no call is left
 * @user_data: for @callback
 *
 * Takes no more calls and waits for those that run.
 */
void
cord_call_registry_drain_async(CordCallRegistry *self, guint deadline_ms,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail(self->drain == NULL);
  self->draining = TRUE;
  self->drain = g_task_new(self, NULL, callback, user_data);
  self->drain_timeout = g_timeout_add(deadline_ms, drain_deadline, self);
  drained(self);
}

/**
 * cord_call_registry_drain_finish:
 * @self: the registry
 * @result: what the callback got
 * @error: return location for an error
 *
 * Returns: %TRUE
 */
gboolean
cord_call_registry_drain_finish(CordCallRegistry *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean(G_TASK(result), error);
}

static void
cord_call_registry_finalize(GObject *object)
{
  CordCallRegistry *self = CORD_CALL_REGISTRY(object);

  /* tokens that lapse now look for their calls in the table */
  g_clear_object(&self->tokens);
  cord_call_table_free(self->table);
  g_hash_table_unref(self->calls);
  g_mutex_clear(&self->lock);
  g_clear_pointer(&self->workers, cord_worker_pool_free);
  g_clear_pointer(&self->pipelines, cord_pipelines_free);
  g_clear_error(&self->pipelines_error);
  g_clear_object(&self->journal);
  g_clear_object(&self->store);
  G_OBJECT_CLASS(cord_call_registry_parent_class)->finalize(object);
}

static void
cord_call_registry_class_init(CordCallRegistryClass *klass)
{
  G_OBJECT_CLASS(klass)->finalize = cord_call_registry_finalize;
}

static void
cord_call_registry_init(CordCallRegistry *self)
{
  g_mutex_init(&self->lock);
  self->calls = g_hash_table_new_full(NULL, NULL, g_object_unref, NULL);
  self->table = cord_call_table_new();
}

/**
 * cord_call_registry_new:
 * @store: where agents are found
 * @journal: where calls are written
 * @tokens: for the carriers' streams
 * @options: how
 *
 * Starts the media threads.
 *
 * Returns: (transfer full): a registry without calls
 */
CordCallRegistry *
cord_call_registry_new(CordStore *store, CordJournal *journal, CordStreamTokens *tokens,
                       const CordCallOptions *options)
{
  CordCallRegistry *self = g_object_new(CORD_TYPE_CALL_REGISTRY, NULL);

  self->store = g_object_ref(store);
  self->journal = g_object_ref(journal);
  self->tokens = g_object_ref(tokens);
  self->max_calls = options->max_calls;
  self->pipelines =
      cord_pipelines_load(options->pipelines, options->data_dir, &self->pipelines_error);
  self->workers = cord_worker_pool_new(options->workers);
  return self;
}
