/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-store.h"

#define POSTGRES_CONNECTIONS 4
#define MAX_TRIES 3                        /* of a transaction that another one was in the way of */
#define MAX_WAIT (10 * G_TIME_SPAN_SECOND) /* for a thread; who asked has gone then */

/* A piece of work for a thread of the store: a function with a task, or one that somebody waits
 * for. */
typedef struct {
  GTask *task;
  CordStoreWork work;
  gpointer work_data;
  GDestroyNotify free_data, free_result;
  gboolean transaction;
  gint64 asked_at;

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
  CordDatabase *database; /* only to make others like it */
  GPtrArray *threads;     /* GThread */
  GAsyncQueue *jobs;
};

G_DEFINE_FINAL_TYPE(CordStore, cord_store, G_TYPE_OBJECT)

/* On the store's thread */

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

/* Returns the result of @work; a transaction is committed when there is one. */
static gpointer
work_once(CordDatabase *database, Job *job, GError **error)
{
  gpointer value;

  if (!job->transaction)
    return job->work(database, job->work_data, error);
  if (!cord_database_begin(database, error))
    return NULL;
  value = job->work(database, job->work_data, error);
  if (value && cord_database_commit(database, error))
    return value;
  if (value && job->free_result)
    job->free_result(value);
  cord_database_rollback(database);
  return NULL;
}

static void
do_work(CordDatabase *database, Job *job)
{
  GError *error = NULL;
  gpointer value;

  if (g_task_return_error_if_cancelled(job->task))
    return;
  if (g_get_monotonic_time() - job->asked_at > MAX_WAIT) {
    g_task_return_new_error(job->task, CORD_STORE_ERROR, CORD_STORE_ERROR_UNAVAILABLE,
                            "The database is too slow");
    return;
  }
  value = work_once(database, job, &error);
  /* SQLite has waited already; PostgreSQL gives up one of two that wait for each other */
  for (guint i = 1;
       i < MAX_TRIES && !value && job->transaction && cord_database_is_postgres(database) &&
       g_error_matches(error, CORD_STORE_ERROR, CORD_STORE_ERROR_BUSY);
       i++) {
    g_clear_error(&error);
    value = work_once(database, job, &error);
  }
  if (value)
    g_task_return_pointer(job->task, value, job->free_result);
  else
    g_task_return_error(job->task, error);
}

static void
job_free(Job *job)
{
  if (job->free_data)
    job->free_data(job->work_data);
  g_object_unref(job->task);
  g_free(job);
}

static gpointer
store_thread(gpointer data)
{
  Engine *engine = data;

  for (;;) {
    Job *job = g_async_queue_pop(engine->jobs);

    if (job->task) {
      do_work(engine->database, job);
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

/**
 * cord_store_do_async:
 * @self: a store
 * @work: what to do, on a thread of the store
 * @transaction: whether in a transaction, which is committed when @work returns something
 * @data: (transfer full): for @work
 * @free_data: (nullable): frees @data
 * @free_result: (nullable): frees what @work returned when nobody takes it
 * @cancellable: (nullable): a cancellable
 * @callback: called when it is done
 * @user_data: for @callback
 */
void
cord_store_do_async(CordStore *self, CordStoreWork work, gboolean transaction, gpointer data,
                    GDestroyNotify free_data, GDestroyNotify free_result, GCancellable *cancellable,
                    GAsyncReadyCallback callback, gpointer user_data)
{
  Job *job = g_new0(Job, 1);

  job->work = work;
  job->transaction = transaction;
  job->work_data = data;
  job->free_data = free_data;
  job->free_result = free_result;
  job->asked_at = g_get_monotonic_time();
  job->task = g_task_new(self, cancellable, callback, user_data);
  g_async_queue_push(self->jobs, job);
}

/**
 * cord_store_do_finish:
 * @self: a store
 * @result: what the callback got
 * @error: return location for an error
 *
 * Returns: (transfer full): what the work returned
 */
gpointer
cord_store_do_finish(CordStore *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail(g_task_is_valid(result, self), NULL);

  return g_task_propagate_pointer(G_TASK(result), error);
}

static void
cord_store_finalize(GObject *object)
{
  CordStore *self = CORD_STORE(object);
  static Job quit;

  for (guint i = 0; i < self->threads->len; i++)
    g_async_queue_push(self->jobs, &quit);
  for (guint i = 0; i < self->threads->len; i++) {
    GThread *thread = self->threads->pdata[i];

    if (thread == g_thread_self())
      g_thread_unref(thread);
    else
      g_thread_join(thread);
  }
  g_ptr_array_unref(self->threads);
  g_async_queue_unref(self->jobs);
  g_clear_object(&self->database);
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
  self->threads = g_ptr_array_new();
}

static void
add_thread(CordStore *self, CordDatabase *database)
{
  Engine *engine = g_new0(Engine, 1);

  engine->jobs = g_async_queue_ref(self->jobs);
  engine->database = g_object_ref(database);
  g_ptr_array_add(self->threads, g_thread_new("store", store_thread, engine));
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
  CordStore *self;

  if (!cord_database_migrate(database, error))
    return NULL;
  self = g_object_new(CORD_TYPE_STORE, NULL);
  self->database = g_object_ref(database);
  add_thread(self, database);
  return self;
}

/**
 * cord_store_connect:
 * @self: a store
 * @error: return location for an error
 *
 * Returns: (transfer full): another connection to the store's database, for a thread of the caller
 */
CordDatabase *
cord_store_connect(CordStore *self, GError **error)
{
  return cord_database_dup(self->database, error);
}

/**
 * cord_store_is_shared:
 * @self: a store
 *
 * Returns: whether other servers may have the same database
 */
gboolean
cord_store_is_shared(CordStore *self)
{
  return cord_database_is_postgres(self->database);
}

/**
 * cord_store_get_waiting:
 * @self: a store
 *
 * Returns: how many questions wait for a thread of the store
 */
guint
cord_store_get_waiting(CordStore *self)
{
  return (guint)MAX(g_async_queue_length(self->jobs), 0);
}

/**
 * cord_store_open:
 * @uri: see cord_database_open()
 * @error: return location for an error
 *
 * SQLite gets one thread, because it has one writer; PostgreSQL gets a pool of connections, each
 * with its thread.
 *
 * Returns: (transfer full): the store behind the URI, its schema up to date
 */
CordStore *
cord_store_open(const gchar *uri, GError **error)
{
  g_autoptr(CordDatabase) database = cord_database_open(uri, error);
  g_autoptr(CordStore) self = database ? cord_store_new(database, error) : NULL;

  if (!self || !cord_database_is_postgres(database))
    return g_steal_pointer(&self);
  for (guint i = 1; i < POSTGRES_CONNECTIONS; i++) {
    g_autoptr(CordDatabase) another = cord_database_dup(database, error);

    if (!another)
      return NULL;
    add_thread(self, another);
  }
  return g_steal_pointer(&self);
}
