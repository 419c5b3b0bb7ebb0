/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-store.h"

#include "cord-store-rows.h"

#define SQL_LIST_AGENTS "SELECT " CORD_AGENT_COLUMNS " FROM agents ORDER BY created_at, id"
#define SQL_GET_AGENT "SELECT " CORD_AGENT_COLUMNS " FROM agents WHERE id = $1"
#define SQL_GET_ACTIVE_AGENT                                                                       \
  "SELECT " CORD_AGENT_COLUMNS " FROM agents WHERE is_active = TRUE ORDER BY created_at, id "      \
  "LIMIT 1"
#define SQL_DELETE_AGENT "DELETE FROM agents WHERE id = $1 RETURNING id"

#define SQL_SELECT_CALLS                                                                           \
  "SELECT " CORD_CALL_COLUMNS " FROM calls c LEFT JOIN agents a ON a.id = c.agent_id "
#define SQL_LIST_CALLS SQL_SELECT_CALLS "ORDER BY c.started_at DESC, c.id LIMIT $1"
#define SQL_GET_CALL SQL_SELECT_CALLS "WHERE c.id = $1"
#define SQL_GET_CALL_BY_SID SQL_SELECT_CALLS "WHERE c.twilio_call_sid = $1"
#define SQL_DELETE_CALL "DELETE FROM calls WHERE id = $1 RETURNING id"
#define SQL_GET_TRANSCRIPT                                                                         \
  "SELECT " CORD_ENTRY_COLUMNS " FROM transcript_entries WHERE call_id = $1 ORDER BY seq"
#define SQL_GET_FUNCTION_CALLS                                                                     \
  "SELECT " CORD_FUNCTION_CALL_COLUMNS " FROM function_call_logs WHERE call_id = $1 ORDER BY seq"
#define SQL_PING "SELECT 1"

/* How a statement of one parameter is run and its rows are read. */
typedef struct {
  const gchar *sql;
  const gchar *what; /* for "No such agent" */
  CordRowReader read;
  GDestroyNotify free;
} Question;

static const Question list_agents = { SQL_LIST_AGENTS, NULL, cord_agent_read,
                                      (GDestroyNotify)cord_agent_unref };
static const Question get_agent = { SQL_GET_AGENT, "agent", cord_agent_read,
                                    (GDestroyNotify)cord_agent_unref };
static const Question get_active_agent = { SQL_GET_ACTIVE_AGENT, "active agent", cord_agent_read,
                                           (GDestroyNotify)cord_agent_unref };
static const Question put_agent = { NULL, "agent", cord_agent_read,
                                    (GDestroyNotify)cord_agent_unref };
static const Question delete_agent = { SQL_DELETE_AGENT, "agent", NULL, NULL };
static const Question list_calls = { SQL_LIST_CALLS, NULL, cord_call_record_read,
                                     (GDestroyNotify)cord_call_record_unref };
static const Question get_call = { SQL_GET_CALL, "call", cord_call_record_read,
                                   (GDestroyNotify)cord_call_record_unref };
static const Question get_call_by_sid = { SQL_GET_CALL_BY_SID, "call", cord_call_record_read,
                                          (GDestroyNotify)cord_call_record_unref };
static const Question delete_call = { SQL_DELETE_CALL, "call", NULL, NULL };
static const Question get_transcript = { SQL_GET_TRANSCRIPT, NULL, cord_transcript_entry_read,
                                         (GDestroyNotify)cord_transcript_entry_unref };
static const Question get_function_calls = { SQL_GET_FUNCTION_CALLS, NULL, cord_function_call_read,
                                             (GDestroyNotify)cord_function_call_unref };
static const Question ping = { SQL_PING, "answer", NULL, NULL };

/* A piece of work for the store's thread: a question with a task, or a function that somebody
 * waits for. */
typedef struct {
  const Question *question;
  GTask *task;
  gchar *text;
  CordAgent *agent;

  CordStoreFunc func;
  gpointer data;
  GError *error;
  gboolean succeeded;
  GMutex lock; /* guards done */
  GCond cond;
  gboolean done;
} Job;

/* What the thread needs; not the store itself, whose last reference a task may drop there. */
typedef struct {
  GAsyncQueue *jobs;
  CordDatabase *database;
} Engine;

struct _CordStore {
  GObject parent_instance;
  GThread *thread;
  GAsyncQueue *jobs;
};

G_DEFINE_FINAL_TYPE(CordStore, cord_store, G_TYPE_OBJECT)

/* On the store's thread */

static GPtrArray *
read_all(const Question *question, const CordRows *rows)
{
  GPtrArray *list = g_ptr_array_new_with_free_func(question->free);

  for (guint i = 0; i < cord_rows_length(rows); i++)
    g_ptr_array_add(list, question->read(rows, i));
  return list;
}

static void
answer(CordDatabase *database, Job *job)
{
  const Question *question = job->question;
  GError *error = NULL;
  g_autoptr(CordRows) rows = NULL;

  if (g_task_return_error_if_cancelled(job->task))
    return;
  if (job->agent)
    rows = cord_agent_write(database, job->agent, &error);
  else
    rows = cord_database_query(database, question->sql, (const gchar *const *)&job->text,
                               job->text ? 1 : 0, &error);
  if (!rows)
    g_task_return_error(job->task, error);
  else if (!question->what)
    g_task_return_pointer(job->task, read_all(question, rows), (GDestroyNotify)g_ptr_array_unref);
  else if (cord_rows_length(rows) == 0)
    g_task_return_new_error(job->task, CORD_STORE_ERROR, CORD_STORE_ERROR_NOT_FOUND, "No such %s",
                            question->what);
  else if (!question->read)
    g_task_return_boolean(job->task, TRUE);
  else
    g_task_return_pointer(job->task, question->read(rows, 0), question->free);
}

static gboolean
run_transaction(CordDatabase *database, Job *job)
{
  if (!cord_database_begin(database, &job->error))
    return FALSE;
  if (job->func(database, job->data, &job->error) && cord_database_commit(database, &job->error))
    return TRUE;
  cord_database_rollback(database);
  return FALSE;
}

static void
job_free(Job *job)
{
  g_object_unref(job->task);
  g_clear_pointer(&job->agent, cord_agent_unref);
  g_free(job->text);
  g_free(job);
}

static gpointer
store_thread(gpointer data)
{
  Engine *engine = data;

  for (;;) {
    Job *job = g_async_queue_pop(engine->jobs);

    if (job->task) {
      answer(engine->database, job);
      job_free(job);
      continue;
    }
    if (!job->func)
      break;
    job->succeeded = run_transaction(engine->database, job);
    g_mutex_lock(&job->lock);
    job->done = TRUE;
    g_cond_signal(&job->cond);
    g_mutex_unlock(&job->lock);
  }
  g_object_unref(engine->database);
  g_async_queue_unref(engine->jobs);
  g_free(engine);
  return NULL;
}

/* On the askers' threads */

static void
ask(CordStore *self, const Question *question, const gchar *text, CordAgent *agent,
    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  Job *job = g_new0(Job, 1);

  job->question = question;
  job->task = g_task_new(self, cancellable, callback, user_data);
  g_task_set_source_tag(job->task, (gpointer)question);
  job->text = g_strdup(text);
  job->agent = agent ? cord_agent_ref(agent) : NULL;
  g_async_queue_push(self->jobs, job);
}

static gpointer
finish_pointer(CordStore *self, const Question *question, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail(g_task_is_valid(result, self), NULL);
  g_return_val_if_fail(g_task_get_source_tag(G_TASK(result)) == question, NULL);

  return g_task_propagate_pointer(G_TASK(result), error);
}

static gboolean
finish_boolean(CordStore *self, const Question *question, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail(g_task_is_valid(result, self), FALSE);
  g_return_val_if_fail(g_task_get_source_tag(G_TASK(result)) == question, FALSE);

  return g_task_propagate_boolean(G_TASK(result), error);
}

/**
 * cord_store_run:
 * @self: a store
 * @func: what to do
 * @data: for @func
 * @error: return location for an error
 *
 * Runs a function on the store's thread in one transaction and waits for it. For start-up and for
 * the journal's thread, never for a thread that serves calls or requests.
 *
 * Returns: whether it was committed
 */
gboolean
cord_store_run(CordStore *self, CordStoreFunc func, gpointer data, GError **error)
{
  Job job = { .func = func, .data = data };

  g_mutex_init(&job.lock);
  g_cond_init(&job.cond);
  g_async_queue_push(self->jobs, &job);
  g_mutex_lock(&job.lock);
  while (!job.done)
    g_cond_wait(&job.cond, &job.lock);
  g_mutex_unlock(&job.lock);
  g_mutex_clear(&job.lock);
  g_cond_clear(&job.cond);
  if (!job.succeeded)
    g_propagate_error(error, job.error);
  return job.succeeded;
}

void
cord_store_list_agents_async(CordStore *self, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  ask(self, &list_agents, NULL, NULL, cancellable, callback, user_data);
}

/**
 * cord_store_list_agents_finish:
 *
 * Returns: (transfer container) (element-type CordAgent): all agents, the oldest first
 */
GPtrArray *
cord_store_list_agents_finish(CordStore *self, GAsyncResult *result, GError **error)
{
  return finish_pointer(self, &list_agents, result, error);
}

void
cord_store_get_agent_async(CordStore *self, const gchar *id, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  ask(self, &get_agent, id, NULL, cancellable, callback, user_data);
}

CordAgent *
cord_store_get_agent_finish(CordStore *self, GAsyncResult *result, GError **error)
{
  return finish_pointer(self, &get_agent, result, error);
}

void
cord_store_get_active_agent_async(CordStore *self, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
  ask(self, &get_active_agent, NULL, NULL, cancellable, callback, user_data);
}

/**
 * cord_store_get_active_agent_finish:
 *
 * Returns: (transfer full): the oldest agent that may take calls
 */
CordAgent *
cord_store_get_active_agent_finish(CordStore *self, GAsyncResult *result, GError **error)
{
  return finish_pointer(self, &get_active_agent, result, error);
}

/**
 * cord_store_put_agent_async:
 * @self: a store
 * @agent: what to write
 * @cancellable: (nullable): a cancellable
 * @callback: called when it is written
 * @user_data: for @callback
 *
 * Writes an agent: a new one, or over the one of the same id.
 */
void
cord_store_put_agent_async(CordStore *self, CordAgent *agent, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  ask(self, &put_agent, NULL, agent, cancellable, callback, user_data);
}

/**
 * cord_store_put_agent_finish:
 *
 * Returns: (transfer full): the agent as it now stands in the store
 */
CordAgent *
cord_store_put_agent_finish(CordStore *self, GAsyncResult *result, GError **error)
{
  return finish_pointer(self, &put_agent, result, error);
}

void
cord_store_delete_agent_async(CordStore *self, const gchar *id, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  ask(self, &delete_agent, id, NULL, cancellable, callback, user_data);
}

/**
 * cord_store_delete_agent_finish:
 *
 * Returns: whether the agent is gone; its calls stay, without an agent
 */
gboolean
cord_store_delete_agent_finish(CordStore *self, GAsyncResult *result, GError **error)
{
  return finish_boolean(self, &delete_agent, result, error);
}

void
cord_store_list_calls_async(CordStore *self, guint limit, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  g_autofree gchar *text = g_strdup_printf("%u", limit);

  ask(self, &list_calls, text, NULL, cancellable, callback, user_data);
}

/**
 * cord_store_list_calls_finish:
 *
 * Returns: (transfer container) (element-type CordCallRecord): the last calls, the newest first
 */
GPtrArray *
cord_store_list_calls_finish(CordStore *self, GAsyncResult *result, GError **error)
{
  return finish_pointer(self, &list_calls, result, error);
}

void
cord_store_get_call_async(CordStore *self, const gchar *id, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  ask(self, &get_call, id, NULL, cancellable, callback, user_data);
}

CordCallRecord *
cord_store_get_call_finish(CordStore *self, GAsyncResult *result, GError **error)
{
  return finish_pointer(self, &get_call, result, error);
}

void
cord_store_get_call_by_sid_async(CordStore *self, const gchar *twilio_call_sid,
                                 GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  ask(self, &get_call_by_sid, twilio_call_sid, NULL, cancellable, callback, user_data);
}

CordCallRecord *
cord_store_get_call_by_sid_finish(CordStore *self, GAsyncResult *result, GError **error)
{
  return finish_pointer(self, &get_call_by_sid, result, error);
}

void
cord_store_delete_call_async(CordStore *self, const gchar *id, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  ask(self, &delete_call, id, NULL, cancellable, callback, user_data);
}

/**
 * cord_store_delete_call_finish:
 *
 * Returns: whether the call is gone, with its transcript and its log of tools
 */
gboolean
cord_store_delete_call_finish(CordStore *self, GAsyncResult *result, GError **error)
{
  return finish_boolean(self, &delete_call, result, error);
}

void
cord_store_get_transcript_async(CordStore *self, const gchar *call_id, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data)
{
  ask(self, &get_transcript, call_id, NULL, cancellable, callback, user_data);
}

/**
 * cord_store_get_transcript_finish:
 *
 * Returns: (transfer container) (element-type CordTranscriptEntry): the lines in their order, none
 *   when there is no such call
 */
GPtrArray *
cord_store_get_transcript_finish(CordStore *self, GAsyncResult *result, GError **error)
{
  return finish_pointer(self, &get_transcript, result, error);
}

void
cord_store_get_function_calls_async(CordStore *self, const gchar *call_id,
                                    GCancellable *cancellable, GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  ask(self, &get_function_calls, call_id, NULL, cancellable, callback, user_data);
}

/**
 * cord_store_get_function_calls_finish:
 *
 * Returns: (transfer container) (element-type CordFunctionCall): the runs in their order
 */
GPtrArray *
cord_store_get_function_calls_finish(CordStore *self, GAsyncResult *result, GError **error)
{
  return finish_pointer(self, &get_function_calls, result, error);
}

void
cord_store_ping_async(CordStore *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                      gpointer user_data)
{
  ask(self, &ping, NULL, NULL, cancellable, callback, user_data);
}

gboolean
cord_store_ping_finish(CordStore *self, GAsyncResult *result, GError **error)
{
  return finish_boolean(self, &ping, result, error);
}

static void
cord_store_finalize(GObject *object)
{
  CordStore *self = CORD_STORE(object);
  static Job quit;

  if (self->thread) {
    g_async_queue_push(self->jobs, &quit);
    if (self->thread == g_thread_self())
      g_thread_unref(self->thread);
    else
      g_thread_join(self->thread);
  }
  g_async_queue_unref(self->jobs);
  G_OBJECT_CLASS(cord_store_parent_class)->finalize(object);
}

static void
cord_store_class_init(CordStoreClass *klass)
{
  G_OBJECT_CLASS(klass)->finalize = cord_store_finalize;
}

static void
cord_store_init(CordStore *self)
{
  self->jobs = g_async_queue_new();
}

/**
 * cord_store_new:
 * @database: (transfer none): an engine, from now on used on the store's thread alone
 * @error: return location for an error
 *
 * Brings the schema up to date and starts the store's thread.
 *
 * Returns: (transfer full): the store
 */
CordStore *
cord_store_new(CordDatabase *database, GError **error)
{
  g_autoptr(CordStore) self = NULL;
  Engine *engine;

  if (!cord_database_migrate(database, error))
    return NULL;
  self = g_object_new(CORD_TYPE_STORE, NULL);
  engine = g_new0(Engine, 1);
  engine->jobs = g_async_queue_ref(self->jobs);
  engine->database = g_object_ref(database);
  self->thread = g_thread_new("store", store_thread, engine);
  return g_steal_pointer(&self);
}

/**
 * cord_store_open:
 * @uri: see cord_database_open()
 * @error: return location for an error
 *
 * Returns: (transfer full): the store behind the URI, its schema up to date
 */
CordStore *
cord_store_open(const gchar *uri, GError **error)
{
  g_autoptr(CordDatabase) database = cord_database_open(uri, error);

  return database ? cord_store_new(database, error) : NULL;
}
