/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-worker-loop.h"

#include <errno.h>
#include <unistd.h>

#define FEW_FDS 8                        /* of libraries, that may be asked in every turn */
#define LIBRARIES_NS (2 * GST_MSECOND)   /* between two turns of them, when there are more */
#define MANUAL_START (1000 * GST_SECOND) /* any instant that is not 0 */

typedef struct {
  CordFunc func;
  gpointer data;
  GDestroyNotify notify;
} Post;

typedef struct {
  GSource source;
  CordLoop *loop;
} LoopSource;

struct _CordWatch {
  CordLoop *loop;
  int fd;
  guint events;
  CordWatchFunc func;
  gpointer data;
};

struct _CordTick {
  CordLoop *loop;
  CordTickFunc func;
  gpointer data;
};

struct _CordTimer {
  CordLoop *loop;
  GstClockTime due;
  guint index;
  CordFunc func;
  gpointer data;
};

static GPrivate running; /* the thread's loop */

GstClockTime
cord_loop_time(CordLoop *loop)
{
  return loop->manual ? loop->manual_time : (GstClockTime)g_get_monotonic_time() * 1000;
}

CordLoop *
cord_loop_ref(CordLoop *loop)
{
  g_atomic_ref_count_inc(&loop->ref_count);
  return loop;
}

void
cord_loop_unref(CordLoop *loop)
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

GstClockTime
cord_loop_next_due(CordLoop *loop)
{
  GstClockTime due = GST_CLOCK_TIME_NONE;

  if (loop->ticking)
    due = loop->next_tick;
  if (loop->timers->len > 0)
    due = MIN(due, ((CordTimer *)loop->timers->pdata[0])->due);
  return due;
}

static void
loop_run_posts(CordLoop *loop)
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
loop_run_watches(CordLoop *loop)
{
  struct epoll_event *events = loop->events;

  if (loop->n_events == 0)
    loop->n_events = epoll_wait(loop->epoll_fd, events, CORD_LOOP_EVENTS, 0);
  for (int i = 0; i < loop->n_events; i++) {
    CordWatch *watch = events[i].data.ptr;

    if (watch && watch->func)
      watch->func(events[i].events, watch->data);
  }
  loop->n_events = 0;
}

static void
loop_run_ticks(CordLoop *loop, GstClockTime now)
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
  if (!loop->ticking)
    g_atomic_int_set(&loop->lateness_us,
                     0); /* nobody is left whom it could harm, or who measures */
  else
    loop->next_tick += ((now - loop->next_tick) / CORD_TICK_NS + 1) * CORD_TICK_NS;
}

static void
loop_run_due(CordLoop *loop)
{
  GstClockTime now = cord_loop_time(loop);

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

void
cord_loop_dispatch(CordLoop *loop)
{
  loop->dispatching++;
  loop_run_posts(loop);
  loop_run_watches(loop);
  loop_run_due(loop);
  cord_loop_run_endings(loop);
  loop->dispatching--;
  if (loop->dispatching == 0)
    g_slist_free_full(g_steal_pointer(&loop->dead_watches), g_free);
}

static gboolean
loop_has_posts(CordLoop *loop)
{
  gboolean any;

  g_mutex_lock(&loop->lock);
  any = loop->posts->len > 0;
  g_mutex_unlock(&loop->lock);
  return any;
}

/* How long the thread may sleep. Not by g_source_set_ready_time(), and the source may recurse:
 * either would have the thread wake itself through a descriptor, several system calls a turn. */
static gboolean
source_prepare(GSource *source, gint *timeout)
{
  CordLoop *loop = ((LoopSource *)source)->loop;
  GstClockTime due = loop->manual ? GST_CLOCK_TIME_NONE : cord_loop_next_due(loop);
  GstClockTime now;

  *timeout = -1;
  if (loop->dispatching)
    return FALSE;
  if (due != GST_CLOCK_TIME_NONE) {
    now = cord_loop_time(loop);
    /* rounded up: waking too early would only cost another turn */
    *timeout = due <= now ? 0 : (gint)MIN((due - now + GST_MSECOND - 1) / GST_MSECOND, G_MAXINT);
  }
  return *timeout == 0 || loop_has_posts(loop);
}

static gboolean
source_check(GSource *source)
{
  CordLoop *loop = ((LoopSource *)source)->loop;

  if (loop->dispatching)
    return FALSE;
  return g_source_query_unix_fd(source, loop->poll_tag) != 0 || loop_has_posts(loop) ||
         (!loop->manual && cord_loop_next_due(loop) <= cord_loop_time(loop));
}

static gboolean
source_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
  cord_loop_dispatch(((LoopSource *)source)->loop);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {
  .prepare = source_prepare,
  .check = source_check,
  .dispatch = source_dispatch,
};

CordLoop *
cord_loop_new(gboolean manual)
{
  CordLoop *loop = g_new0(CordLoop, 1);

  g_atomic_ref_count_init(&loop->ref_count);
  g_mutex_init(&loop->lock);
  loop->manual = manual;
  loop->manual_time = MANUAL_START;
  loop->wakeup_fd = -1;
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
  g_source_set_can_recurse(loop->source, TRUE);
  loop->poll_tag = g_source_add_unix_fd(loop->source, loop->epoll_fd, G_IO_IN);
  g_source_attach(loop->source, loop->context);
  return loop;
}

/* The descriptor by which other threads wake the context, watched like any other; it is known only
 * here. */
static gboolean
watch_wakeup(CordLoop *loop, int fd)
{
  struct epoll_event event = { .events = EPOLLIN };

  if (loop->wakeup_fd != fd && epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
    loop->wakeup_fd = fd;
  return loop->wakeup_fd == fd;
}

static gint
to_ms(GstClockTime now, GstClockTime until)
{
  return until <= now ? 0 : (gint)MIN((until - now + GST_MSECOND - 1) / GST_MSECOND, G_MAXINT);
}

/* Waits once and keeps what there is. Returns whether the context is to be woken. */
static gboolean
fetch(CordLoop *loop, gint timeout)
{
  gboolean woken = FALSE;

  loop->n_events = MAX(epoll_wait(loop->epoll_fd, loop->events, CORD_LOOP_EVENTS, timeout), 0);
  for (int i = 0; i < loop->n_events; i++)
    woken |= loop->events[i].data.ptr == NULL;
  return woken;
}

/* Serves our own alone for a while, or until the context is woken. */
static gint
serve_own(CordLoop *loop, GPollFD *wakeup, GstClockTime until)
{
  GstClockTime now = cord_loop_time(loop);

  while (now < until && !loop->quit && wakeup->revents == 0) {
    gboolean idle = !loop_has_posts(loop);

    if (fetch(loop, idle ? to_ms(now, MIN(until, cord_loop_next_due(loop))) : 0))
      wakeup->revents = G_IO_IN;
    cord_loop_dispatch(loop);
    now = cord_loop_time(loop);
  }
  return wakeup->revents != 0;
}

static GPollFD *
find_fd(GPollFD *fds, guint n_fds, int fd)
{
  for (guint i = 0; i < n_fds; i++) {
    if (fds[i].fd == fd)
      return &fds[i];
  }
  return NULL;
}

/* In place of poll(). While nobody but us waits, one system call does, and brings what there is.
 * While libraries wait for many descriptors, each turn of the context would ask all of them and all
 * of their sources: they have theirs every LIBRARIES_NS. */
static gint
poll_context(GPollFD *fds, guint n_fds, gint timeout)
{
  CordLoop *loop = g_private_get(&running);
  GPollFD *own = find_fd(fds, n_fds, loop->epoll_fd);
  GPollFD *wakeup = own && n_fds == 2 ? &fds[own == fds] : find_fd(fds, n_fds, loop->wakeup_fd);
  GstClockTime now = cord_loop_time(loop);
  GstClockTime until = loop->libraries_due;

  if (own == NULL || wakeup == NULL || !watch_wakeup(loop, wakeup->fd))
    return g_poll(fds, n_fds, timeout);
  if (n_fds == 2) {
    wakeup->revents = fetch(loop, timeout) ? G_IO_IN : 0;
    own->revents = loop->n_events > (wakeup->revents != 0) ? G_IO_IN : 0;
    return loop->n_events;
  }
  if (n_fds > FEW_FDS && timeout != 0 && now < until) {
    for (guint i = 0; i < n_fds; i++)
      fds[i].revents = 0;
    if (timeout > 0)
      until = MIN(until, now + (GstClockTime)timeout * GST_MSECOND);
    return serve_own(loop, wakeup, until);
  }
  loop->libraries_due = now + LIBRARIES_NS;
  return g_poll(fds, n_fds, timeout);
}

/* Until somebody sets quit. */
void
cord_loop_run(CordLoop *loop)
{
  g_private_set(&running, loop);
  g_main_context_set_poll_func(loop->context, poll_context);
  while (!loop->quit)
    g_main_context_iteration(loop->context, TRUE);
}

void
cord_loop_stop(CordLoop *loop)
{
  while (loop_has_posts(loop))
    loop_run_posts(loop);
  while (g_main_context_iteration(loop->context, FALSE))
    ;
  g_source_destroy(loop->source);
  g_source_unref(loop->source);
  loop->source = NULL;
}

void
cord_loop_post(CordLoop *loop, CordFunc func, gpointer data, GDestroyNotify notify)
{
  Post post = { func, data, notify };

  g_mutex_lock(&loop->lock);
  g_array_append_val(loop->posts, post);
  g_mutex_unlock(&loop->lock);
  /* its own thread looks before it sleeps */
  if (!g_main_context_is_owner(loop->context))
    g_main_context_wakeup(loop->context);
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

  *watch = (CordWatch){ cord_worker_get_loop(self), fd, epoll_events, func, data };
  if (epoll_ctl(cord_worker_get_loop(self)->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
    g_critical("cannot watch descriptor %d: %s", fd, g_strerror(errno));
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
  CordLoop *loop = watch->loop;

  epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
  watch->func = NULL;
  /* events of the same batch may still point to it */
  if (loop->dispatching || loop->n_events > 0)
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
  CordLoop *loop = cord_worker_get_loop(self);
  CordTick *tick = g_new0(CordTick, 1);

  *tick = (CordTick){ loop, func, data };
  g_ptr_array_add(loop->ticks, tick);
  if (!loop->ticking) {
    loop->ticking = TRUE;
    loop->next_tick = cord_loop_time(loop) + CORD_TICK_NS;
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
  CordLoop *loop = cord_worker_get_loop(self);
  CordTimer *timer = g_new0(CordTimer, 1);

  *timer = (CordTimer){ loop, cord_loop_time(loop) + delay, loop->timers->len, func, data };
  g_ptr_array_add(loop->timers, timer);
  heap_up(loop->timers, timer->index);
  return timer;
}

/**
 * cord_timer_remove: (skip)
 * @timer: a timer that has not fired, on its worker
 */
void
cord_timer_remove(CordTimer *timer)
{
  CordLoop *loop = timer->loop;

  heap_remove(loop->timers, timer);
  g_free(timer);
}
