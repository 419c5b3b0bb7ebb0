/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define CORD_TYPE_WORKER (cord_worker_get_type())
G_DECLARE_FINAL_TYPE(CordWorker, cord_worker, CORD, WORKER, GObject)

/**
 * CORD_WORKER_CONTEXT_TYPE:
 *
 * The type of the #GstContext that carries a #CordWorker (field "worker") to the elements of a bin.
 */
#define CORD_WORKER_CONTEXT_TYPE "cordboard.worker"

/**
 * CORD_TICK_NS:
 *
 * The period of a worker's tick: 20 ms, one telephone frame.
 */
#define CORD_TICK_NS (20 * GST_MSECOND)

typedef struct _CordWatch CordWatch;
typedef struct _CordTick CordTick;
typedef struct _CordTimer CordTimer;

typedef void (*CordFunc)(gpointer data);
typedef void (*CordWatchFunc)(guint epoll_events, gpointer data);
typedef void (*CordTickFunc)(GstClockTime now, gpointer data);

/* Getting one */
CordWorker *cord_worker_acquire(const gchar *name);
CordWorker *cord_worker_new_manual(void);
CordWorker *cord_worker_for_element(GstElement *element, const gchar *context_name);
GstContext *cord_worker_to_gst_context(CordWorker *self);

/* From any thread */
gboolean cord_worker_is_current(CordWorker *self);
GMainContext *cord_worker_get_main_context(CordWorker *self);
GstClockTime cord_worker_get_time(CordWorker *self);
void cord_worker_post(CordWorker *self, CordFunc func, gpointer data, GDestroyNotify notify);
void cord_worker_call(CordWorker *self, CordFunc func, gpointer data);
guint cord_worker_get_lateness_us(CordWorker *self);

/* Only on the worker */
CordWatch *cord_worker_add_watch(CordWorker *self, int fd, guint epoll_events, CordWatchFunc func,
                                 gpointer data);
void cord_watch_set_events(CordWatch *watch, guint epoll_events);
void cord_watch_remove(CordWatch *watch);
CordTick *cord_worker_add_tick(CordWorker *self, CordTickFunc func, gpointer data);
void cord_tick_remove(CordTick *tick);
CordTimer *cord_worker_add_timer(CordWorker *self, GstClockTime delay, CordFunc func,
                                 gpointer data);
void cord_timer_remove(CordTimer *timer);

/* Driving a manual worker from a test */
void cord_worker_iterate(CordWorker *self);
void cord_worker_advance(CordWorker *self, GstClockTime duration);

G_END_DECLS
