/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/epoll.h>

#include "cord-worker.h"

G_BEGIN_DECLS

/* Inside of CordWorker: what its thread runs. Not installed. */

#define CORD_LOOP_EVENTS 256 /* that are fetched at once */
#define CORD_LOOP_ENDINGS 16 /* that are put off together */

typedef struct {
  CordFunc func;
  gpointer data;
} CordLoopEnding;

/* What the thread needs; outlives the worker when its last reference is dropped on the thread. */
typedef struct {
  gatomicrefcount ref_count;
  GMainContext *context;
  GSource *source;
  gpointer poll_tag;
  int epoll_fd;
  int wakeup_fd; /* the context's, once it is known */
  struct epoll_event events[CORD_LOOP_EVENTS];
  int n_events; /* that were fetched and are not dispatched */
  GstClockTime libraries_due;
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
  CordLoopEnding endings[CORD_LOOP_ENDINGS];
  guint n_endings;

  gint lateness_us; /* atomic */
} CordLoop;

G_GNUC_INTERNAL CordLoop *cord_loop_new(gboolean manual);
G_GNUC_INTERNAL CordLoop *cord_loop_ref(CordLoop *loop);
G_GNUC_INTERNAL void cord_loop_unref(CordLoop *loop);
G_GNUC_INTERNAL GstClockTime cord_loop_time(CordLoop *loop);
G_GNUC_INTERNAL GstClockTime cord_loop_next_due(CordLoop *loop);
G_GNUC_INTERNAL void cord_loop_post(CordLoop *loop, CordFunc func, gpointer data,
                                    GDestroyNotify notify);
G_GNUC_INTERNAL void cord_loop_dispatch(CordLoop *loop);
G_GNUC_INTERNAL gboolean cord_loop_at_end(CordLoop *loop, CordFunc func, gpointer data);
G_GNUC_INTERNAL void cord_loop_not_at_end(CordLoop *loop, gpointer data);
G_GNUC_INTERNAL void cord_loop_run_endings(CordLoop *loop);
G_GNUC_INTERNAL void cord_loop_run(CordLoop *loop);
G_GNUC_INTERNAL void cord_loop_stop(CordLoop *loop);
G_GNUC_INTERNAL CordLoop *cord_worker_get_loop(CordWorker *worker);

G_END_DECLS
