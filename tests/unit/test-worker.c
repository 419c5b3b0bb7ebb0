/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib-unix.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cordboard.h"

typedef struct {
  CordWorker *worker;
  GArray *times; /* GstClockTime */
  CordTick *tick;
  CordTimer *timer;
  CordWatch *watch[2];
  int fd[2];
  guint calls;
} Fixture;

static void
note_tick(GstClockTime now, gpointer data)
{
  Fixture *f = data;

  g_array_append_val(f->times, now);
}

static void
note_timer(gpointer data)
{
  Fixture *f = data;
  GstClockTime now = cord_worker_get_time(f->worker);

  g_array_append_val(f->times, now);
}

static void
setup(Fixture *f, gconstpointer data)
{
  f->worker = cord_worker_new_manual();
  f->times = g_array_new(FALSE, FALSE, sizeof(GstClockTime));
}

static void
teardown(Fixture *f, gconstpointer data)
{
  g_array_unref(f->times);
  g_object_unref(f->worker);
}

static GstClockTime
nth(Fixture *f, guint i)
{
  g_assert_cmpuint(i, <, f->times->len);
  return g_array_index(f->times, GstClockTime, i);
}

static void
test_ticks_every_20_ms(Fixture *f, gconstpointer data)
{
  GstClockTime start = cord_worker_get_time(f->worker);
  CordTick *tick = cord_worker_add_tick(f->worker, note_tick, f);

  cord_worker_advance(f->worker, 100 * GST_MSECOND);
  g_assert_cmpuint(f->times->len, ==, 5);
  for (guint i = 0; i < 5; i++)
    g_assert_cmpuint(nth(f, i), ==, start + (i + 1) * CORD_TICK_NS);
  cord_tick_remove(tick);
  cord_worker_advance(f->worker, 100 * GST_MSECOND);
  g_assert_cmpuint(f->times->len, ==, 5);
}

static void
test_timers_in_order(Fixture *f, gconstpointer data)
{
  static const guint delays[] = { 50, 10, 90, 30, 70, 20, 40, 80, 60, 5 };
  GstClockTime start = cord_worker_get_time(f->worker);
  CordTimer *timers[G_N_ELEMENTS(delays)];

  for (guint i = 0; i < G_N_ELEMENTS(delays); i++)
    timers[i] = cord_worker_add_timer(f->worker, delays[i] * GST_MSECOND, note_timer, f);
  cord_timer_remove(timers[2]);
  cord_timer_remove(timers[9]);
  cord_worker_advance(f->worker, GST_SECOND);
  g_assert_cmpuint(f->times->len, ==, 8);
  for (guint i = 0; i < 8; i++)
    g_assert_cmpuint(nth(f, i), ==, start + (i + 1) * 10 * GST_MSECOND);
}

static void
count_and_remove_both(guint events, gpointer data)
{
  Fixture *f = data;

  f->calls++;
  cord_watch_remove(f->watch[0]);
  cord_watch_remove(f->watch[1]);
}

static void
test_watch_removed_in_its_batch_is_not_called(Fixture *f, gconstpointer data)
{
  g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, f->fd), ==, 0);
  g_assert_cmpint(write(f->fd[0], "a", 1), ==, 1);
  g_assert_cmpint(write(f->fd[1], "b", 1), ==, 1);
  for (guint i = 0; i < 2; i++)
    f->watch[i] = cord_worker_add_watch(f->worker, f->fd[i], EPOLLIN, count_and_remove_both, f);
  cord_worker_iterate(f->worker);
  cord_worker_iterate(f->worker);
  g_assert_cmpuint(f->calls, ==, 1);
  close(f->fd[0]);
  close(f->fd[1]);
}

static void
remove_own_tick(GstClockTime now, gpointer data)
{
  Fixture *f = data;

  f->calls++;
  cord_tick_remove(f->tick);
}

static void
test_tick_may_remove_itself(Fixture *f, gconstpointer data)
{
  f->tick = cord_worker_add_tick(f->worker, remove_own_tick, f);
  cord_worker_advance(f->worker, GST_SECOND);
  g_assert_cmpuint(f->calls, ==, 1);
}

static void
count_call(gpointer data)
{
  g_atomic_int_inc((gint *)data);
}

static void
test_named_workers_are_shared(void)
{
  g_autoptr(CordWorker) a = cord_worker_acquire("shared");
  g_autoptr(CordWorker) b = cord_worker_acquire("shared");
  g_autoptr(CordWorker) c = cord_worker_acquire("other");
  g_autoptr(CordWorker) d = cord_worker_acquire(NULL);

  g_assert_true(a == b);
  g_assert_true(a != c);
  g_assert_true(d != a && d != c);
}

static void
test_call_runs_on_the_worker(void)
{
  g_autoptr(CordWorker) worker = cord_worker_acquire("calls");
  gint count = 0;

  for (guint i = 0; i < 100; i++)
    cord_worker_post(worker, count_call, &count, NULL);
  cord_worker_call(worker, count_call, &count);
  g_assert_cmpint(count, ==, 101);
  g_assert_false(cord_worker_is_current(worker));
}

#define MAX_PAIRS 21

/* Descriptors that libraries wait for, and one of the worker's own. */
typedef struct {
  CordWorker *worker;
  int fd[MAX_PAIRS][2]; /* the first is the worker's */
  guint n;
  CordWatch *watch;
  guint watched, posted, fired, read; /* on the worker */
  GMutex lock;
  GCond cond;
  gboolean done;
} Beside;

static void
check_done(Beside *f)
{
  if (f->watched < 2 || f->posted < 3 || f->fired < f->n - 1 || f->read < f->n - 1)
    return;
  g_mutex_lock(&f->lock);
  f->done = TRUE;
  g_cond_signal(&f->cond);
  g_mutex_unlock(&f->lock);
}

static void
say_posted(gpointer data)
{
  ((Beside *)data)->posted++;
  check_done(data);
}

static void
on_watched(guint events, gpointer data)
{
  Beside *f = data;
  gchar byte;

  g_assert_cmpint(read(f->fd[0][0], &byte, 1), ==, 1);
  f->watched++;
  /* the worker need not be woken for what it does itself */
  cord_worker_post(f->worker, say_posted, f, NULL);
  for (guint i = 1; i < f->n && f->watched == 1; i++)
    g_assert_cmpint(write(f->fd[i][1], &byte, 1), ==, 1);
  if (f->watched == 2)
    cord_watch_remove(f->watch);
  check_done(f);
}

static void
say_fired(gpointer data)
{
  ((Beside *)data)->fired++;
  check_done(data);
}

static gboolean
on_library(gint fd, GIOCondition condition, gpointer data)
{
  Beside *f = data;

  f->read++;
  cord_worker_add_timer(f->worker, 2 * GST_MSECOND, say_fired, f);
  if (f->read == f->n - 1)
    g_assert_cmpint(write(f->fd[0][1], "b", 1), ==, 1);
  return G_SOURCE_REMOVE;
}

static void
begin_beside(gpointer data)
{
  Beside *f = data;

  f->watch = cord_worker_add_watch(f->worker, f->fd[0][0], EPOLLIN, on_watched, f);
  for (guint i = 1; i < f->n; i++) {
    g_autoptr(GSource) source = g_unix_fd_source_new(f->fd[i][0], G_IO_IN);

    g_source_set_callback(source, G_SOURCE_FUNC(on_library), f, NULL);
    g_source_attach(source, cord_worker_get_main_context(f->worker));
  }
}

static void
test_libraries_wait_beside_its_own(gconstpointer data)
{
  Beside f = { .worker = cord_worker_acquire(NULL), .n = GPOINTER_TO_UINT(data) };

  g_mutex_init(&f.lock);
  g_cond_init(&f.cond);
  for (guint i = 0; i < f.n; i++)
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, f.fd[i]), ==, 0);
  cord_worker_call(f.worker, begin_beside, &f);
  g_assert_cmpint(write(f.fd[0][1], "a", 1), ==, 1);
  /* from outside, while it sleeps or works */
  cord_worker_post(f.worker, say_posted, &f, NULL);
  g_mutex_lock(&f.lock);
  while (!f.done)
    g_cond_wait(&f.cond, &f.lock);
  g_mutex_unlock(&f.lock);
  g_object_unref(f.worker);
  for (guint i = 0; i < 2 * f.n; i++)
    close(f.fd[i / 2][i % 2]);
  g_cond_clear(&f.cond);
  g_mutex_clear(&f.lock);
}

typedef struct {
  CordWorker *worker;
  CordTick *tick;
  guint ticks;
  guint lateness_us;
} Late;

/* Holds up the worker until its next tick is due and past, and leaves with that one. */
static void
hold_up(GstClockTime now, gpointer data)
{
  Late *f = data;

  if (f->ticks++ == 0) {
    while (cord_worker_get_time(f->worker) < now + 2 * CORD_TICK_NS)
      ;
    return;
  }
  f->lateness_us = cord_worker_get_lateness_us(f->worker);
  cord_tick_remove(f->tick);
}

static void
begin_late(gpointer data)
{
  Late *f = data;

  f->tick = cord_worker_add_tick(f->worker, hold_up, f);
}

static void
take_no_notice(gpointer data)
{
}

static void
test_worker_without_ticks_is_not_late(void)
{
  Late f = { .worker = cord_worker_acquire(NULL) };

  cord_worker_call(f.worker, begin_late, &f);
  while (g_atomic_int_get(&f.ticks) < 2)
    cord_worker_call(f.worker, take_no_notice, NULL);
  cord_worker_call(f.worker, take_no_notice, NULL);
  g_assert_cmpuint(f.lateness_us, >=, 10000);
  g_assert_cmpuint(cord_worker_get_lateness_us(f.worker), ==, 0);
  g_object_unref(f.worker);
}

static void
drop(gpointer data)
{
  /* the last reference goes on the worker itself */
  g_object_unref(data);
}

static void
test_last_reference_on_the_worker_does_not_deadlock(void)
{
  for (guint i = 0; i < 50; i++) {
    CordWorker *worker = cord_worker_acquire(NULL);

    cord_worker_post(worker, drop, worker, NULL);
  }
}

static void
test_element_finds_its_worker(Fixture *f, gconstpointer data)
{
  g_autoptr(GstElement) bin = gst_object_ref_sink(gst_bin_new(NULL));
  GstElement *child = gst_element_factory_make("identity", NULL);
  g_autoptr(GstContext) context = cord_worker_to_gst_context(f->worker);
  g_autoptr(CordWorker) found = NULL;
  g_autoptr(CordWorker) named = NULL;

  gst_element_set_context(bin, context);
  gst_bin_add(GST_BIN(bin), child);
  found = cord_worker_for_element(child, NULL);
  g_assert_true(found == f->worker);
  named = cord_worker_for_element(child, "by-name");
  g_assert_true(named != f->worker);
}

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
#define ADD(name, func) g_test_add("/worker/" name, Fixture, NULL, setup, func, teardown)
  ADD("ticks every 20 ms", test_ticks_every_20_ms);
  ADD("timers fire in the order of their times", test_timers_in_order);
  ADD("a watch removed in its batch is not called", test_watch_removed_in_its_batch_is_not_called);
  ADD("a tick may remove itself", test_tick_may_remove_itself);
  ADD("an element finds its worker", test_element_finds_its_worker);
  g_test_add_func("/worker/named workers are shared", test_named_workers_are_shared);
  g_test_add_func("/worker/a call runs on the worker", test_call_runs_on_the_worker);
  g_test_add_func("/worker/a worker without ticks is not late",
                  test_worker_without_ticks_is_not_late);
  g_test_add_data_func("/worker/libraries wait beside its own descriptors", GUINT_TO_POINTER(2),
                       test_libraries_wait_beside_its_own);
  g_test_add_data_func("/worker/many libraries wait beside its own descriptors",
                       GUINT_TO_POINTER(MAX_PAIRS), test_libraries_wait_beside_its_own);
  g_test_add_func("/worker/the last reference may be dropped on the worker",
                  test_last_reference_on_the_worker_does_not_deadlock);
  return g_test_run();
}
