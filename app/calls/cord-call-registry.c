/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-call-registry-private.h"
#include "cord-main-post.h"

G_DEFINE_FINAL_TYPE(CordCallRegistry, cord_call_registry, G_TYPE_OBJECT)

/**
 * cord_call_registry_get_count:
 * @self: the registry
 *
 * Returns: the number of streams that are open or under way; any thread
 */
guint
cord_call_registry_get_count(CordCallRegistry *self)
{
  guint count;

  g_mutex_lock(&self->lock);
  count = g_hash_table_size(self->calls) + (guint)self->coming;
  g_mutex_unlock(&self->lock);
  return count;
}

/**
 * cord_call_registry_get_prepared:
 * @self: the registry
 *
 * Returns: the number of calls that wait for their stream with everything ready; any thread
 */
guint
cord_call_registry_get_prepared(CordCallRegistry *self)
{
  guint count;

  g_mutex_lock(&self->lock);
  count = g_hash_table_size(self->prepared);
  g_mutex_unlock(&self->lock);
  return count;
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
  /* whoever follows it has come before its stream */
  if (entry && g_str_equal(told->name, "call-started") &&
      cord_call_feed_has_subscribers(entry->feed))
    cord_call_registry_order_levels(told->registry, entry, TRUE);
  return G_SOURCE_REMOVE;
}

static void
call_event(CordCall *call, const gchar *name, const gchar *json, gpointer data)
{
  Told *told = g_new0(Told, 1);

  *told = (Told){ g_object_ref(data), g_strdup(cord_call_get_admission(call)->call_id),
                  g_strdup(name), g_strdup(json) };
  cord_main_post(NULL, on_told, told, free_told);
}

static CordAdmission *
call_admit(CordCall *call, const gchar *token, const gchar *call_sid, gpointer data, GError **error)
{
  return cord_call_registry_claim(data, call, token, call_sid, error);
}

static gboolean
drained(gpointer data)
{
  CordCallRegistry *self = data;
  gboolean prepared;

  if (self->drain == NULL || cord_call_registry_get_count(self) > 0)
    return G_SOURCE_REMOVE;
  /* who was let in and did not come by now finds the door closed */
  cord_stream_tokens_expire(self->tokens, G_MAXINT64);
  g_mutex_lock(&self->lock);
  prepared = g_hash_table_size(self->prepared) > 0;
  g_mutex_unlock(&self->lock);
  if (!prepared) {
    g_autoptr(GTask) task = g_steal_pointer(&self->drain);

    g_clear_handle_id(&self->drain_timeout, g_source_remove);
    g_task_return_boolean(task, TRUE);
  }
  return G_SOURCE_REMOVE;
}

static void
call_ended(CordCall *call, gpointer data)
{
  /* held before the call is gone: with the last of them the main thread may let go */
  CordCallRegistry *self = g_object_ref(data);

  cord_worker_pool_add_load(self->workers, cord_call_get_worker(call), -1);
  g_mutex_lock(&self->lock);
  if (!g_hash_table_steal(self->calls, call))
    g_hash_table_steal(self->prepared, cord_call_get_expected(call)->call_id);
  g_mutex_unlock(&self->lock);
  g_object_unref(call);
  cord_main_post(NULL, drained, self, g_object_unref);
}

const CordCallOwner cord_call_registry_owner = { call_admit, call_event, call_ended };

/* Makes a call of a carrier's stream. */
void
cord_call_registry_take_stream(CordCallRegistry *self, CordAdmission *expected,
                               CordWebsocket *websocket, CordWorker *worker)
{
  CordCall *call = expected ? cord_call_registry_take_prepared(self, expected, worker) : NULL;
  gboolean closed;

  if (call == NULL) {
    call = cord_call_new(&self->kit, worker, expected, &cord_call_registry_owner, self);
    cord_worker_pool_add_load(self->workers, worker, 1);
  }
  g_mutex_lock(&self->lock);
  g_hash_table_add(self->calls, call);
  closed = self->closed;
  g_mutex_unlock(&self->lock);
  cord_call_start(call, websocket);
  if (closed)
    cord_call_hang_up(call, "shutdown");
}

/* Nobody leaves while a stream is at the door. */
void
cord_call_registry_count_coming(CordCallRegistry *self, gint streams)
{
  g_mutex_lock(&self->lock);
  self->coming += streams;
  g_mutex_unlock(&self->lock);
  if (streams < 0)
    cord_main_post(NULL, drained, g_object_ref(self), g_object_unref);
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
  cord_journal_call_ended(self->kit.journal, entry->admission->call_id, final, status,
                          MAX(duration_seconds, 0));
  cord_call_registry_dismiss(self, entry->admission, NULL);
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
  guint subscription = cord_call_table_subscribe(self->table, call_id_or_sid, func, data, notify);
  CordCallEntry *entry = subscription ? cord_call_table_find(self->table, call_id_or_sid) : NULL;

  if (entry && entry->streaming)
    cord_call_registry_order_levels(self, entry, TRUE);
  return subscription;
}

/**
 * cord_call_registry_unsubscribe:
 * @self: the registry
 * @subscription: what cord_call_registry_subscribe() returned
 */
void
cord_call_registry_unsubscribe(CordCallRegistry *self, guint subscription)
{
  CordCallEntry *entry = cord_call_table_unsubscribe(self->table, subscription);

  if (entry && !cord_call_feed_has_subscribers(entry->feed))
    cord_call_registry_order_levels(self, entry, FALSE);
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
 * cord_call_registry_get_error:
 * @self: the registry
 *
 * Returns: (nullable): why it can take no call at all
 */
const GError *
cord_call_registry_get_error(CordCallRegistry *self)
{
  return self->pipelines_error;
}

/**
 * cord_call_registry_hang_up_all:
 * @self: the registry
 * @reason: what the records will say
 *
 * Ends all calls, and those whose stream is still to come.
 */
void
cord_call_registry_hang_up_all(CordCallRegistry *self, const gchar *reason)
{
  GHashTableIter iter;
  gpointer call;

  g_mutex_lock(&self->lock);
  self->closed = TRUE;
  g_hash_table_iter_init(&iter, self->calls);
  while (g_hash_table_iter_next(&iter, &call, NULL))
    cord_call_registry_order_hang_up(call, reason);
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

/**
 * cord_call_registry_get_pipelines:
 * @self: the registry
 *
 * Returns: (transfer none) (nullable): what calls are made of; %NULL when that could not be read
 */
CordPipelines *
cord_call_registry_get_pipelines(CordCallRegistry *self)
{
  return self->kit.pipelines;
}

static void
cord_call_registry_finalize(GObject *object)
{
  CordCallRegistry *self = CORD_CALL_REGISTRY(object);

  /* tokens that lapse now look for their calls in the table */
  g_clear_object(&self->tokens);
  cord_call_table_free(self->table);
  g_hash_table_unref(self->calls);
  g_hash_table_unref(self->prepared);
  g_mutex_clear(&self->lock);
  g_clear_pointer(&self->workers, cord_worker_pool_free);
  g_clear_pointer(&self->kit.pipelines, cord_pipelines_free);
  g_clear_pointer(&self->kit.apology, cord_apology_unref);
  g_clear_error(&self->pipelines_error);
  g_clear_object(&self->kit.journal);
  g_clear_object(&self->directory);
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
  self->prepared = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_object_unref);
  self->table = cord_call_table_new();
}

/**
 * cord_call_registry_watch:
 * @self: the registry
 * @func: told of all that happens in all calls from now on
 * @data: for @func
 *
 * Returns: the watch's number
 */
guint
cord_call_registry_watch(CordCallRegistry *self, CordCallEventFunc func, gpointer data)
{
  return cord_call_table_watch(self->table, func, data);
}

/**
 * cord_call_registry_unwatch:
 * @self: the registry
 * @watch: a number that cord_call_registry_watch() gave
 */
void
cord_call_registry_unwatch(CordCallRegistry *self, guint watch)
{
  cord_call_table_unwatch(self->table, watch);
}

/**
 * cord_call_registry_tell:
 * @self: the registry
 * @call_id: a call that has not come to its agent
 * @name: the event's name
 * @json: the event
 *
 * Tells those who watch all calls.
 */
void
cord_call_registry_tell(CordCallRegistry *self, const gchar *call_id, const gchar *name,
                        const gchar *json)
{
  cord_call_table_tell(self->table, call_id, name, json);
}

/**
 * cord_call_registry_add_event:
 * @self: the registry
 * @call_id: a call that has come to its agent
 * @name: the event's name
 * @json: the event
 *
 * Adds to the story of a call what its pipeline does not know. Whoever follows one call hears
 * nothing after its end; those who watch all calls do.
 */
void
cord_call_registry_add_event(CordCallRegistry *self, const gchar *call_id, const gchar *name,
                             const gchar *json)
{
  CordCallEntry *entry = cord_call_table_find(self->table, call_id);

  if (entry && !entry->ended)
    cord_call_table_add_event(self->table, entry, name, json);
  else
    cord_call_table_tell(self->table, call_id, name, json);
}

/**
 * cord_call_registry_is_streaming:
 * @self: the registry
 * @call_id: a call, by its id or the carrier's
 *
 * Returns: whether its stream has come and has not ended
 */
gboolean
cord_call_registry_is_streaming(CordCallRegistry *self, const gchar *call_id)
{
  CordCallEntry *entry = cord_call_table_find(self->table, call_id);

  return entry && entry->streaming && !entry->ended;
}

/**
 * cord_call_registry_get_lateness:
 * @self: the registry
 *
 * Returns: how late the latest media thread runs, us
 */
guint
cord_call_registry_get_lateness(CordCallRegistry *self)
{
  return cord_worker_pool_get_lateness(self->workers);
}

/**
 * cord_call_registry_find_call:
 * @self: the registry
 * @call_id: a call, by its id or the carrier's
 * @from: (out) (optional) (nullable): who calls
 * @to: (out) (optional) (nullable): who is called
 *
 * Returns: (transfer none) (nullable): the carrier's name of the call, while it has not ended
 */
const gchar *
cord_call_registry_find_call(CordCallRegistry *self, const gchar *call_id, const gchar **from,
                             const gchar **to)
{
  CordCallEntry *entry = cord_call_table_find(self->table, call_id);

  if (entry == NULL || entry->ended)
    return NULL;
  if (from)
    *from = entry->admission->from;
  if (to)
    *to = entry->admission->to;
  return entry->admission->call_sid;
}

/**
 * cord_call_registry_find_admission:
 * @self: the registry
 * @call_id: a call of now or of a moment ago, by its id or the carrier's
 *
 * Returns: (transfer none) (nullable): what was decided when it was let in
 */
const CordAdmission *
cord_call_registry_find_admission(CordCallRegistry *self, const gchar *call_id)
{
  CordCallEntry *entry = cord_call_table_find(self->table, call_id);

  return entry ? entry->admission : NULL;
}

static void
add_streaming(gpointer data, gpointer list)
{
  const CordCallEntry *entry = data;

  if (entry->streaming && !entry->ended)
    g_ptr_array_add(list, cord_admission_ref(entry->admission));
}

/**
 * cord_call_registry_list_streaming:
 * @self: the registry
 *
 * Returns: (transfer full) (element-type CordAdmission): the calls that have their stream now
 */
GPtrArray *
cord_call_registry_list_streaming(CordCallRegistry *self)
{
  GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)cord_admission_unref);

  cord_call_table_foreach(self->table, add_streaming, list);
  return list;
}

/**
 * cord_call_registry_new:
 * @directory: who answers
 * @journal: where calls are written
 * @tokens: for the carriers' streams
 * @options: how
 *
 * Starts the media threads.
 *
 * Returns: (transfer full): a registry without calls
 */
CordCallRegistry *
cord_call_registry_new(CordDirectory *directory, CordJournal *journal, CordStreamTokens *tokens,
                       const CordCallOptions *options)
{
  CordCallRegistry *self = g_object_new(CORD_TYPE_CALL_REGISTRY, NULL);

  self->directory = g_object_ref(directory);
  self->kit.journal = g_object_ref(journal);
  self->kit.apology = cord_apology_load(options->data_dir);
  self->tokens = g_object_ref(tokens);
  self->max_calls = options->max_calls;
  self->max_lateness_us = options->max_lateness_us;
  self->max_prepared = options->max_prepared;
  self->kit.pipelines = cord_pipelines_load(options->pipelines, options->data_dir, options->config,
                                            &self->pipelines_error);
  self->workers = cord_worker_pool_new(options->workers);
  return self;
}
