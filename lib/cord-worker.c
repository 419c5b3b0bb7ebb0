/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-worker.h"

#include <sys/resource.h>
#include <unistd.h>

#include "cord-worker-loop.h"

#define NICER 5 /* steps of nice(2) */

/**
 * CordWorker:
 *
 * A media thread: a #GMainContext whose busy sources are one epoll descriptor (all media sockets of
 * its calls), one 20 ms tick (all paced sends of its calls) and a heap of timers. Everything of a
 * call runs on one worker, therefore none of it needs a lock. A #GMainContext polls each of its
 * sources again in each turn; this one has a single source however many calls it serves.
 *
 * Workers are found by name with cord_worker_acquire() and live as long as somebody holds a
 * reference. A manual worker (cord_worker_new_manual()) has no thread and a clock that stands
 * still: a test moves both.
 */

struct _CordWorker {
  GObject parent_instance;
  gchar *name;
  CordLoop *loop;
  GThread *thread;
};

G_DEFINE_FINAL_TYPE(CordWorker, cord_worker, G_TYPE_OBJECT)

static GMutex table_lock;
static GHashTable *table; /* name -> GWeakRef */

CordLoop *
cord_worker_get_loop(CordWorker *worker)
{
  return worker->loop;
}

/* Where that is permitted, before the threads that write, compute and answer questions. */
static void
go_first(void)
{
  const id_t self = (id_t)gettid();

  setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) - NICER);
}

static gpointer
thread_main(gpointer data)
{
  CordLoop *loop = data;

  go_first();
  g_main_context_push_thread_default(loop->context);
  cord_loop_run(loop);
  cord_loop_stop(loop);
  g_main_context_pop_thread_default(loop->context);
  cord_loop_unref(loop);
  return NULL;
}

static void
loop_quit(gpointer data)
{
  ((CordLoop *)data)->quit = TRUE;
}

static void
cord_worker_finalize(GObject *object)
{
  CordWorker *self = CORD_WORKER(object);

  if (self->loop->manual) {
    cord_loop_stop(self->loop);
    g_main_context_pop_thread_default(self->loop->context);
  } else {
    cord_loop_post(self->loop, loop_quit, self->loop, NULL);
    /* The last reference may be dropped on the worker itself, which cannot wait for its own end. */
    if (self->thread == g_thread_self())
      g_thread_unref(self->thread);
    else
      g_thread_join(self->thread);
  }
  cord_loop_unref(self->loop);
  g_free(self->name);
  G_OBJECT_CLASS(cord_worker_parent_class)->finalize(object);
}

static void
cord_worker_class_init(CordWorkerClass *klass)
{
  G_OBJECT_CLASS(klass)->finalize = cord_worker_finalize;
}

static void
cord_worker_init(CordWorker *self)
{
}

static CordWorker *
worker_new(const gchar *name)
{
  CordWorker *self = g_object_new(CORD_TYPE_WORKER, NULL);
  g_autofree gchar *thread_name = g_strdup_printf("cord-%s", name ? name : "private");

  self->name = g_strdup(name);
  self->loop = cord_loop_new(FALSE);
  self->thread = g_thread_new(thread_name, thread_main, cord_loop_ref(self->loop));
  return self;
}

static void
free_weak_ref(gpointer data)
{
  g_weak_ref_clear(data);
  g_free(data);
}

/**
 * cord_worker_acquire:
 * @name: (nullable): the worker's name, or %NULL for a private one
 *
 * Finds the running worker called @name or starts it. Any thread.
 *
 * Returns: (transfer full): the worker
 */
CordWorker *
cord_worker_acquire(const gchar *name)
{
  CordWorker *self = NULL;
  GWeakRef *weak;

  if (name == NULL || *name == '\0')
    return worker_new(NULL);

  g_mutex_lock(&table_lock);
  if (table == NULL)
    table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_weak_ref);
  weak = g_hash_table_lookup(table, name);
  if (weak)
    self = g_weak_ref_get(weak);
  if (self == NULL) {
    self = worker_new(name);
    weak = g_new0(GWeakRef, 1);
    g_weak_ref_init(weak, self);
    g_hash_table_replace(table, g_strdup(name), weak);
  }
  g_mutex_unlock(&table_lock);
  return self;
}

/**
 * cord_worker_new_manual:
 *
 * A worker for tests: it has no thread and its time stands still. The calling thread becomes its
 * thread and drives it with cord_worker_iterate() and cord_worker_advance(). Its main context is
 * the calling thread's default context until the worker is freed, which must happen on the same
 * thread.
 *
 * Returns: (transfer full): the worker
 */
CordWorker *
cord_worker_new_manual(void)
{
  CordWorker *self = g_object_new(CORD_TYPE_WORKER, NULL);

  self->loop = cord_loop_new(TRUE);
  self->thread = g_thread_self();
  g_main_context_push_thread_default(self->loop->context);
  return self;
}

static CordWorker *
worker_from_element_context(GstElement *element)
{
  g_autoptr(GstContext) context = gst_element_get_context(element, CORD_WORKER_CONTEXT_TYPE);
  CordWorker *self = NULL;

  if (context)
    gst_structure_get(gst_context_get_structure(context), "worker", CORD_TYPE_WORKER, &self, NULL);
  return self;
}

/**
 * cord_worker_for_element:
 * @element: an element that goes from NULL to READY
 * @context_name: (nullable): its `context` property
 *
 * The worker an element is to use: the one named by its property, else the one of the
 * %CORD_WORKER_CONTEXT_TYPE context that its application has set or gives when asked by a
 * NEED_CONTEXT message, else a private one.
 *
 * Returns: (transfer full): the worker
 */
CordWorker *
cord_worker_for_element(GstElement *element, const gchar *context_name)
{
  CordWorker *self;

  if (context_name && *context_name)
    return cord_worker_acquire(context_name);
  self = worker_from_element_context(element);
  if (self == NULL) {
    gst_element_post_message(
        element, gst_message_new_need_context(GST_OBJECT(element), CORD_WORKER_CONTEXT_TYPE));
    self = worker_from_element_context(element);
  }
  return self ? self : cord_worker_acquire(NULL);
}

/**
 * cord_worker_to_gst_context:
 * @self: a worker
 *
 * Returns: (transfer full): a context for gst_element_set_context(), on a bin or on an element
 */
GstContext *
cord_worker_to_gst_context(CordWorker *self)
{
  GstContext *context = gst_context_new(CORD_WORKER_CONTEXT_TYPE, TRUE);

  gst_structure_set(gst_context_writable_structure(context), "worker", CORD_TYPE_WORKER, self,
                    NULL);
  return context;
}

/**
 * cord_worker_is_current:
 * @self: a worker
 *
 * Returns: whether the calling thread is the worker's
 */
gboolean
cord_worker_is_current(CordWorker *self)
{
  return self->thread == g_thread_self();
}

/**
 * cord_worker_get_main_context:
 * @self: a worker
 *
 * The context that the worker iterates and that is its thread's default: asynchronous calls that
 * are begun on the worker end on it.
 *
 * Returns: (transfer none): the context
 */
GMainContext *
cord_worker_get_main_context(CordWorker *self)
{
  return self->loop->context;
}

/**
 * cord_worker_get_time:
 * @self: a worker
 *
 * Monotonic time in nanoseconds, on the scale of g_get_monotonic_time() and of GStreamer's system
 * clock; the test's own time for a manual worker.
 *
 * Returns: the time
 */
GstClockTime
cord_worker_get_time(CordWorker *self)
{
  return cord_loop_time(self->loop);
}

/**
 * cord_worker_post:
 * @self: a worker
 * @func: (scope async): what to run on the worker
 * @data: for @func
 * @notify: (nullable): frees @data, after @func has run or when the worker ends without running it
 *
 * Runs @func on the worker soon, in the order of the posts. Any thread; never waits.
 */
void
cord_worker_post(CordWorker *self, CordFunc func, gpointer data, GDestroyNotify notify)
{
  cord_loop_post(self->loop, func, data, notify);
}

typedef struct {
  CordFunc func;
  gpointer data;
  GMutex lock;
  GCond cond;
  gboolean done;
} Call;

static void
run_call(gpointer data)
{
  Call *call = data;

  call->func(call->data);
  g_mutex_lock(&call->lock);
  call->done = TRUE;
  g_cond_signal(&call->cond);
  g_mutex_unlock(&call->lock);
}

/**
 * cord_worker_call:
 * @self: a worker
 * @func: (scope call): what to run on the worker
 * @data: for @func
 *
 * Runs @func on the worker and waits for it; at once when called on the worker. Never use it in
 * PLAYING to PAUSED: a sink may hold the worker there.
 */
void
cord_worker_call(CordWorker *self, CordFunc func, gpointer data)
{
  Call call = { .func = func, .data = data };

  if (cord_worker_is_current(self)) {
    func(data);
    return;
  }
  g_mutex_init(&call.lock);
  g_cond_init(&call.cond);
  cord_loop_post(self->loop, run_call, &call, NULL);
  g_mutex_lock(&call.lock);
  while (!call.done)
    g_cond_wait(&call.cond, &call.lock);
  g_mutex_unlock(&call.lock);
  g_cond_clear(&call.cond);
  g_mutex_clear(&call.lock);
}

/**
 * cord_worker_get_lateness_us:
 * @self: a worker
 *
 * How late the worker's ticks run: the worst of about the last second, in microseconds, and 0 while
 * there are none. It is the measure of load by which calls are placed and refused. Any thread.
 *
 * Returns: microseconds
 */
guint
cord_worker_get_lateness_us(CordWorker *self)
{
  return (guint)g_atomic_int_get(&self->loop->lateness_us);
}

/**
 * cord_worker_iterate:
 * @self: a manual worker, on its thread
 *
 * Does all that can be done without waiting and without time passing.
 */
void
cord_worker_iterate(CordWorker *self)
{
  while (g_main_context_iteration(self->loop->context, FALSE))
    ;
}

/**
 * cord_worker_advance:
 * @self: a manual worker, on its thread
 * @duration: how far to move its clock, ns
 *
 * Moves time on, stopping at each tick and timer on the way to run it and what follows from it.
 */
void
cord_worker_advance(CordWorker *self, GstClockTime duration)
{
  CordLoop *loop = self->loop;
  GstClockTime end = loop->manual_time + duration;

  g_return_if_fail(loop->manual);
  cord_worker_iterate(self);
  for (;;) {
    GstClockTime due = cord_loop_next_due(loop);

    if (due > end)
      break;
    loop->manual_time = MAX(loop->manual_time, due);
    cord_loop_dispatch(loop);
    cord_worker_iterate(self);
  }
  loop->manual_time = end;
}
