/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-worker.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "cord-error.h"

GST_DEBUG_CATEGORY_STATIC(worker_debug);
#define GST_CAT_DEFAULT worker_debug

#define MAX_EVENTS 256
#define MANUAL_START (1000 * GST_SECOND) /* any instant that is not 0 */

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

typedef struct {
  CordFunc func;
  gpointer data;
  GDestroyNotify notify;
} Post;

/* What the thread needs; outlives the object when the last reference is dropped on the thread. */
typedef struct {
  gatomicrefcount ref_count;
  GMainContext *context;
  GSource *source;
  gpointer poll_tag;
  int epoll_fd;
  gboolean manual;
  GstClockTime manual_time;
  gboolean quit; /* on the loop's thread */

  GMutex lock; /* leaf; guards posts */
  GArray *posts;

  GPtrArray *ticks;
  gboolean ticking;
  GstClockTime next_tick;
  GPtrArray *timers; /* binary heap by due time */
  GSList *dead_watches;
  gint dispatching;

  gint lateness_us; /* atomic */
} Loop;

typedef struct {
  GSource source;
  Loop *loop;
} LoopSource;

struct _CordWatch {
  Loop *loop;
  int fd;
  guint events;
  CordWatchFunc func;
  gpointer data;
};

struct _CordTick {
  Loop *loop;
  CordTickFunc func;
  gpointer data;
};

struct _CordTimer {
  Loop *loop;
  GstClockTime due;
  guint index;
  CordFunc func;
  gpointer data;
};

struct _CordWorker {
  GObject parent_instance;
  gchar *name;
  Loop *loop;
  GThread *thread;
};

G_DEFINE_FINAL_TYPE(CordWorker, cord_worker, G_TYPE_OBJECT)

static GMutex table_lock;
static GHashTable *table; /* name -> GWeakRef */

static GstClockTime
loop_time(Loop *loop)
{
  return loop->manual ? loop->manual_time : (GstClockTime)g_get_monotonic_time() * 1000;
}

static Loop *
loop_ref(Loop *loop)
{
  g_atomic_ref_count_inc(&loop->ref_count);
  return loop;
}

static void
loop_unref(Loop *loop)
{
  if (!g_atomic_ref_count_dec(&loop->ref_count))
    return;
  for (guint i = 0; i < loop->posts->len; i++) {
    Post *post = &g_array_index(loop->posts, Post, i);

    if (post->notify)
      post->notify(post->data);
  }
  g_array_unref(loop->posts);
  g_ptr_array_set_free_func(loop->ticks, g_free);
  g_ptr_array_unref(loop->ticks);
  g_ptr_array_set_free_func(loop->timers, g_free);
  g_ptr_array_unref(loop->timers);
  g_slist_free_full(loop->dead_watches, g_free);
  close(loop->epoll_fd);
  g_mutex_clear(&loop->lock);
  g_main_context_unref(loop->context);
  g_free(loop);
}

/* Timers: a heap in an array */

static void
heap_put(GPtrArray *heap, guint index, CordTimer *timer)
{
  heap->pdata[index] = timer;
  timer->index = index;
}

static void
heap_up(GPtrArray *heap, guint index)
{
  CordTimer *timer = heap->pdata[index];

  while (index > 0) {
    guint parent = (index - 1) / 2;
    CordTimer *above = heap->pdata[parent];

    if (above->due <= timer->due)
      break;
    heap_put(heap, index, above);
    index = parent;
  }
  heap_put(heap, index, timer);
}

static void
heap_down(GPtrArray *heap, guint index)
{
  CordTimer *timer = heap->pdata[index];

  for (;;) {
    guint child = 2 * index + 1;
    CordTimer *below;

    if (child >= heap->len)
      break;
    below = heap->pdata[child];
    if (child + 1 < heap->len && ((CordTimer *)heap->pdata[child + 1])->due < below->due)
      below = heap->pdata[++child];
    if (timer->due <= below->due)
      break;
    heap_put(heap, index, below);
    index = child;
  }
  heap_put(heap, index, timer);
}

static void
heap_remove(GPtrArray *heap, CordTimer *timer)
{
  guint index = timer->index;
  CordTimer *last = heap->pdata[heap->len - 1];

  g_ptr_array_set_size(heap, heap->len - 1);
  if (last == timer)
    return;
  heap_put(heap, index, last);
  heap_up(heap, index);
  heap_down(heap, last->index);
}

static GstClockTime
loop_next_due(Loop *loop)
{
  GstClockTime due = GST_CLOCK_TIME_NONE;

  if (loop->ticking)
    due = loop->next_tick;
  if (loop->timers->len > 0)
    due = MIN(due, ((CordTimer *)loop->timers->pdata[0])->due);
  return due;
}

static void
loop_arm(Loop *loop)
{
  GstClockTime due;

  if (loop->manual || loop->dispatching)
    return;
  due = loop_next_due(loop);
  /* Rounded up: waking a microsecond early would only cost another turn. */
  g_source_set_ready_time(loop->source,
                          due == GST_CLOCK_TIME_NONE ? -1 : (gint64)((due + 999) / 1000));
}

static void
loop_run_posts(Loop *loop)
{
  g_autoptr(GArray) batch = NULL;

  g_mutex_lock(&loop->lock);
  if (loop->posts->len > 0) {
    batch = loop->posts;
    loop->posts = g_array_new(FALSE, FALSE, sizeof(Post));
  }
  g_mutex_unlock(&loop->lock);

  for (guint i = 0; batch && i < batch->len; i++) {
    Post *post = &g_array_index(batch, Post, i);

    post->func(post->data);
    if (post->notify)
      post->notify(post->data);
  }
}

static void
loop_run_watches(Loop *loop)
{
  struct epoll_event events[MAX_EVENTS];
  int n = epoll_wait(loop->epoll_fd, events, MAX_EVENTS, 0);

  for (int i = 0; i < n; i++) {
    CordWatch *watch = events[i].data.ptr;

    if (watch->func)
      watch->func(events[i].events, watch->data);
  }
}

static void
loop_run_ticks(Loop *loop, GstClockTime now)
{
  guint kept = 0;

  for (guint i = 0; i < loop->ticks->len; i++) {
    CordTick *tick = loop->ticks->pdata[i];

    if (tick->func)
      tick->func(now, tick->data);
  }
  for (guint i = 0; i < loop->ticks->len; i++) {
    CordTick *tick = loop->ticks->pdata[i];

    if (tick->func)
      loop->ticks->pdata[kept++] = tick;
    else
      g_free(tick);
  }
  g_ptr_array_set_size(loop->ticks, kept);
  loop->ticking = kept > 0;
  if (loop->ticking)
    loop->next_tick += ((now - loop->next_tick) / CORD_TICK_NS + 1) * CORD_TICK_NS;
}

static void
loop_run_due(Loop *loop)
{
  GstClockTime now = loop_time(loop);

  if (loop->ticking && now >= loop->next_tick) {
    gint late = (gint)MIN((now - loop->next_tick) / 1000, G_MAXINT);

    /* a peak that fades within about a second, for placing calls and refusing them */
    g_atomic_int_set(&loop->lateness_us, MAX(late, g_atomic_int_get(&loop->lateness_us) * 15 / 16));
    loop_run_ticks(loop, now);
  }
  while (loop->timers->len > 0) {
    CordTimer *timer = loop->timers->pdata[0];
    CordFunc func = timer->func;
    gpointer data = timer->data;

    if (timer->due > now)
      break;
    heap_remove(loop->timers, timer);
    g_free(timer);
    func(data);
  }
}

static void
loop_dispatch(Loop *loop)
{
  loop->dispatching++;
  loop_run_posts(loop);
  loop_run_watches(loop);
  loop_run_due(loop);
  loop->dispatching--;
  if (loop->dispatching == 0) {
    g_slist_free_full(g_steal_pointer(&loop->dead_watches), g_free);
    loop_arm(loop);
  }
}

static gboolean
loop_has_posts(Loop *loop)
{
  gboolean any;

  g_mutex_lock(&loop->lock);
  any = loop->posts->len > 0;
  g_mutex_unlock(&loop->lock);
  return any;
}

static gboolean
source_prepare(GSource *source, gint *timeout)
{
  *timeout = -1;
  return loop_has_posts(((LoopSource *)source)->loop);
}

static gboolean
source_check(GSource *source)
{
  Loop *loop = ((LoopSource *)source)->loop;

  return g_source_query_unix_fd(source, loop->poll_tag) != 0 || loop_has_posts(loop);
}

static gboolean
source_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
  loop_dispatch(((LoopSource *)source)->loop);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {
  .prepare = source_prepare,
  .check = source_check,
  .dispatch = source_dispatch,
};

static Loop *
loop_new(gboolean manual)
{
  Loop *loop = g_new0(Loop, 1);

  g_atomic_ref_count_init(&loop->ref_count);
  g_mutex_init(&loop->lock);
  loop->manual = manual;
  loop->manual_time = MANUAL_START;
  loop->context = g_main_context_new();
  loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (loop->epoll_fd < 0)
    g_error("epoll_create1: %s", g_strerror(errno));
  loop->posts = g_array_new(FALSE, FALSE, sizeof(Post));
  loop->ticks = g_ptr_array_new();
  loop->timers = g_ptr_array_new();
  loop->source = g_source_new(&source_funcs, sizeof(LoopSource));
  ((LoopSource *)loop->source)->loop = loop;
  g_source_set_static_name(loop->source, "cord-worker");
  g_source_set_can_recurse(loop->source, FALSE);
  loop->poll_tag = g_source_add_unix_fd(loop->source, loop->epoll_fd, G_IO_IN);
  g_source_attach(loop->source, loop->context);
  return loop;
}

static void
loop_stop(Loop *loop)
{
  while (loop_has_posts(loop))
    loop_run_posts(loop);
  while (g_main_context_iteration(loop->context, FALSE))
    ;
  g_source_destroy(loop->source);
  g_source_unref(loop->source);
  loop->source = NULL;
}

static gpointer
thread_main(gpointer data)
{
  Loop *loop = data;

  g_main_context_push_thread_default(loop->context);
  while (!loop->quit)
    g_main_context_iteration(loop->context, TRUE);
  loop_stop(loop);
  g_main_context_pop_thread_default(loop->context);
  loop_unref(loop);
  return NULL;
}

static void
loop_quit(gpointer data)
{
  ((Loop *)data)->quit = TRUE;
}

static void
loop_post(Loop *loop, CordFunc func, gpointer data, GDestroyNotify notify)
{
  Post post = { func, data, notify };

  g_mutex_lock(&loop->lock);
  g_array_append_val(loop->posts, post);
  g_mutex_unlock(&loop->lock);
  g_main_context_wakeup(loop->context);
}

static void
cord_worker_finalize(GObject *object)
{
  CordWorker *self = CORD_WORKER(object);

  if (self->loop->manual) {
    loop_stop(self->loop);
    g_main_context_pop_thread_default(self->loop->context);
  } else {
    loop_post(self->loop, loop_quit, self->loop, NULL);
    /* The last reference may be dropped on the worker itself, which cannot wait for its own end. */
    if (self->thread == g_thread_self())
      g_thread_unref(self->thread);
    else
      g_thread_join(self->thread);
  }
  loop_unref(self->loop);
  g_free(self->name);
  G_OBJECT_CLASS(cord_worker_parent_class)->finalize(object);
}

static void
cord_worker_class_init(CordWorkerClass *klass)
{
  GST_DEBUG_CATEGORY_INIT(worker_debug, "cordworker", 0, "Cordboard media threads");
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
  self->loop = loop_new(FALSE);
  self->thread = g_thread_new(thread_name, thread_main, loop_ref(self->loop));
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

  self->loop = loop_new(TRUE);
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
  return loop_time(self->loop);
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
  loop_post(self->loop, func, data, notify);
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
  loop_post(self->loop, run_call, &call, NULL);
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
 * How late the worker's ticks run: the worst of about the last second, in microseconds. It is the
 * measure of load by which calls are placed and refused. Any thread.
 *
 * Returns: microseconds
 */
guint
cord_worker_get_lateness_us(CordWorker *self)
{
  return (guint)g_atomic_int_get(&self->loop->lateness_us);
}

/**
 * cord_worker_add_watch: (skip)
 * @self: a worker, on its thread
 * @fd: a non-blocking descriptor, which stays the caller's
 * @epoll_events: EPOLLIN, EPOLLOUT, …
 * @func: called on the worker with the events that are there (level triggered)
 * @data: for @func
 *
 * Returns: the watch; end it with cord_watch_remove() before @fd is closed
 */
CordWatch *
cord_worker_add_watch(CordWorker *self, int fd, guint epoll_events, CordWatchFunc func,
                      gpointer data)
{
  CordWatch *watch = g_new0(CordWatch, 1);
  struct epoll_event event = { .events = epoll_events, .data.ptr = watch };

  *watch = (CordWatch){ self->loop, fd, epoll_events, func, data };
  if (epoll_ctl(self->loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
    GST_ERROR("cannot watch descriptor %d: %s", fd, g_strerror(errno));
  return watch;
}

/**
 * cord_watch_set_events: (skip)
 * @watch: a watch, on its worker
 * @epoll_events: what to wait for from now on
 */
void
cord_watch_set_events(CordWatch *watch, guint epoll_events)
{
  struct epoll_event event = { .events = epoll_events, .data.ptr = watch };

  if (watch->events == epoll_events)
    return;
  watch->events = epoll_events;
  epoll_ctl(watch->loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event);
}

/**
 * cord_watch_remove: (skip)
 * @watch: a watch, on its worker; also from inside its own or another's function
 *
 * Its function is not called again.
 */
void
cord_watch_remove(CordWatch *watch)
{
  Loop *loop = watch->loop;

  epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
  watch->func = NULL;
  /* events of the same batch may still point to it */
  if (loop->dispatching)
    loop->dead_watches = g_slist_prepend(loop->dead_watches, watch);
  else
    g_free(watch);
}

/**
 * cord_worker_add_tick: (skip)
 * @self: a worker, on its thread
 * @func: called every 20 ms, together with all other ticks of the worker
 * @data: for @func
 *
 * A tick that is missed is not made up for; @func learns the time and sees for itself.
 *
 * Returns: the tick; end it with cord_tick_remove()
 */
CordTick *
cord_worker_add_tick(CordWorker *self, CordTickFunc func, gpointer data)
{
  Loop *loop = self->loop;
  CordTick *tick = g_new0(CordTick, 1);

  *tick = (CordTick){ loop, func, data };
  g_ptr_array_add(loop->ticks, tick);
  if (!loop->ticking) {
    loop->ticking = TRUE;
    loop->next_tick = loop_time(loop) + CORD_TICK_NS;
    loop_arm(loop);
  }
  return tick;
}

/**
 * cord_tick_remove: (skip)
 * @tick: a tick, on its worker; also from inside its own function
 */
void
cord_tick_remove(CordTick *tick)
{
  /* swept after the next tick, because ticks may be running now */
  tick->func = NULL;
}

/**
 * cord_worker_add_timer: (skip)
 * @self: a worker, on its thread
 * @delay: from now, ns
 * @func: called once, on the worker
 * @data: for @func
 *
 * Returns: the timer, valid until @func is called or cord_timer_remove()
 */
CordTimer *
cord_worker_add_timer(CordWorker *self, GstClockTime delay, CordFunc func, gpointer data)
{
  Loop *loop = self->loop;
  CordTimer *timer = g_new0(CordTimer, 1);

  *timer = (CordTimer){ loop, loop_time(loop) + delay, loop->timers->len, func, data };
  g_ptr_array_add(loop->timers, timer);
  heap_up(loop->timers, timer->index);
  loop_arm(loop);
  return timer;
}

/**
 * cord_timer_remove: (skip)
 * @timer: a timer that has not fired, on its worker
 */
void
cord_timer_remove(CordTimer *timer)
{
  Loop *loop = timer->loop;

  heap_remove(loop->timers, timer);
  g_free(timer);
  loop_arm(loop);
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
  Loop *loop = self->loop;
  GstClockTime end = loop->manual_time + duration;

  g_return_if_fail(loop->manual);
  cord_worker_iterate(self);
  for (;;) {
    GstClockTime due = loop_next_due(loop);

    if (due > end)
      break;
    loop->manual_time = MAX(loop->manual_time, due);
    loop_dispatch(loop);
    cord_worker_iterate(self);
  }
  loop->manual_time = end;
}
