/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-inbox.h"

#define ROOM 64 /* objects; a foreign thread that brings more waits */

struct _CordInbox {
  gatomicrefcount ref_count;
  CordInboxFunc func;
  gpointer user_data;
  CordWorker *worker;

  GMutex lock; /* leaf; guards what follows */
  GCond room;
  GQueue objects;
  gboolean posted;
  gboolean flushing;
  guint epoch; /* counts the flushes */
  GstFlowReturn flow;
};

static void
inbox_unref(gpointer data)
{
  CordInbox *self = data;

  if (!g_atomic_ref_count_dec(&self->ref_count))
    return;
  g_queue_clear_full(&self->objects, (GDestroyNotify)gst_mini_object_unref);
  g_mutex_clear(&self->lock);
  g_cond_clear(&self->room);
  g_free(self);
}

static GstMiniObject *
take(CordInbox *self, guint *epoch)
{
  GstMiniObject *object;

  g_mutex_lock(&self->lock);
  object = g_queue_pop_head(&self->objects);
  *epoch = self->epoch;
  g_cond_broadcast(&self->room);
  g_mutex_unlock(&self->lock);
  return object;
}

/* Buffers tell how the stream fares, and a segment begins anew; other events say nothing of it, nor
 * does what was there before a flush say anything of what comes after it. */
static void
handle(CordInbox *self, GstMiniObject *object, guint epoch)
{
  gboolean tells =
      GST_IS_BUFFER(object) || GST_EVENT_TYPE(GST_EVENT_CAST(object)) == GST_EVENT_SEGMENT;
  GstFlowReturn flow = self->func(object, self->user_data);

  g_mutex_lock(&self->lock);
  if (tells && self->epoch == epoch)
    self->flow = flow;
  g_cond_broadcast(&self->room);
  g_mutex_unlock(&self->lock);
}

static void drain(gpointer data);

static void
post_drain(CordInbox *self)
{
  g_atomic_ref_count_inc(&self->ref_count);
  cord_worker_post(self->worker, drain, self, inbox_unref);
}

/* Handles what lies there now; who pushes on meanwhile may not keep the worker to himself. */
static void
drain(gpointer data)
{
  CordInbox *self = data;
  GstMiniObject *object;
  gboolean post;
  guint epoch, n;

  g_mutex_lock(&self->lock);
  self->posted = FALSE;
  n = g_queue_get_length(&self->objects);
  g_mutex_unlock(&self->lock);
  while (n-- > 0 && (object = take(self, &epoch)))
    handle(self, object, epoch);
  g_mutex_lock(&self->lock);
  post = !self->posted && !g_queue_is_empty(&self->objects);
  self->posted |= post;
  g_mutex_unlock(&self->lock);
  if (post)
    post_drain(self);
}

/**
 * cord_inbox_new: (skip)
 * @func: what handles the objects
 * @user_data: for @func; outlives the inbox's last cord_inbox_close()
 *
 * Returns: (transfer full): a closed inbox
 */
CordInbox *
cord_inbox_new(CordInboxFunc func, gpointer user_data)
{
  CordInbox *self = g_new0(CordInbox, 1);

  g_atomic_ref_count_init(&self->ref_count);
  g_mutex_init(&self->lock);
  g_cond_init(&self->room);
  g_queue_init(&self->objects);
  self->func = func;
  self->user_data = user_data;
  self->flushing = TRUE;
  return self;
}

/**
 * cord_inbox_free: (skip)
 * @self: (transfer full): a closed inbox
 */
void
cord_inbox_free(CordInbox *self)
{
  inbox_unref(self);
}

/**
 * cord_inbox_open: (skip)
 * @self: a closed inbox
 * @worker: (transfer none): where its objects are handled; outlives the last pusher
 */
void
cord_inbox_open(CordInbox *self, CordWorker *worker)
{
  self->worker = worker;
  cord_inbox_set_flushing(self, FALSE);
}

/**
 * cord_inbox_close: (skip)
 * @self: an inbox
 *
 * Any thread. Drops what lies in it and lets go of a pusher that waits: the pads can then be
 * deactivated. Only what the worker is just handling goes on, until a cord_worker_call() is back.
 */
void
cord_inbox_close(CordInbox *self)
{
  cord_inbox_set_flushing(self, TRUE);
}

/**
 * cord_inbox_set_flushing: (skip)
 * @self: an inbox
 * @flushing: whether to refuse and drop everything
 *
 * Any thread. A pusher that waits is let go at once.
 */
void
cord_inbox_set_flushing(CordInbox *self, gboolean flushing)
{
  g_mutex_lock(&self->lock);
  self->flushing = flushing;
  self->epoch++;
  self->flow = GST_FLOW_OK;
  g_queue_clear_full(&self->objects, (GDestroyNotify)gst_mini_object_unref);
  g_cond_broadcast(&self->room);
  g_mutex_unlock(&self->lock);
}

static GstFlowReturn
leave(CordInbox *self, GstMiniObject *object)
{
  GstFlowReturn flow;
  gboolean post = FALSE;

  g_mutex_lock(&self->lock);
  while (!self->flushing && self->flow == GST_FLOW_OK && g_queue_get_length(&self->objects) >= ROOM)
    g_cond_wait(&self->room, &self->lock);
  flow = self->flushing ? GST_FLOW_FLUSHING : self->flow;
  /* an event goes in whatever became of the buffers before it: it may be EOS */
  if (!self->flushing && (flow == GST_FLOW_OK || GST_IS_EVENT(object))) {
    g_queue_push_tail(&self->objects, g_steal_pointer(&object));
    post = !self->posted;
    self->posted = TRUE;
  }
  g_mutex_unlock(&self->lock);
  g_clear_pointer(&object, gst_mini_object_unref);
  if (post)
    post_drain(self);
  return flow;
}

/**
 * cord_inbox_push: (skip)
 * @self: an open inbox
 * @object: (transfer full): a buffer or a serialized event
 *
 * Hands @object in. On the worker it is handled inside; a foreign thread learns the outcome with a
 * later push.
 *
 * Returns: how the stream fares; %GST_FLOW_FLUSHING when it is closed
 */
GstFlowReturn
cord_inbox_push(CordInbox *self, GstMiniObject *object)
{
  GstFlowReturn flow;
  gboolean flushing;

  if (self->worker == NULL || !cord_worker_is_current(self->worker))
    return leave(self, object);
  drain(self);
  g_mutex_lock(&self->lock);
  flushing = self->flushing;
  g_mutex_unlock(&self->lock);
  if (flushing) {
    gst_mini_object_unref(object);
    return GST_FLOW_FLUSHING;
  }
  flow = self->func(object, self->user_data);
  return flow;
}
