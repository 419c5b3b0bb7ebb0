/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pacer-inbox.h"

#include "cordboard.h"
#include "frame-queue.h"
#include "pacer-clock.h"

#define WAITING_SIZE_TIME (1 * GST_SECOND) /* where whoever brings audio can be made to wait */

struct _PacerInbox {
  GstPad *src_pad; /* not owned: the element's, as this is */

  GMutex lock; /* leaf; guards what follows */
  GCond room;
  guint waiting; /* threads, for room; to signal costs a system call even for none */
  FrameQueue *queue;
  FrameFormat format; /* of the newest audio */
  gboolean flushing;
  gboolean overrun;
  GstFlowReturn flow;
  guint generation; /* counts what drops everything */
  PacerClock clock;
  guint64 dropped; /* buffers */
};

/**
 * pacer_inbox_new:
 * @src_pad: where what comes out is going to be pushed
 *
 * Returns: (transfer full): an inbox that takes nothing until pacer_inbox_start()
 */
PacerInbox *
pacer_inbox_new(GstPad *src_pad)
{
  PacerInbox *self = g_new0(PacerInbox, 1);

  self->src_pad = src_pad;
  g_mutex_init(&self->lock);
  g_cond_init(&self->room);
  self->queue = frame_queue_new();
  self->flushing = TRUE;
  self->flow = GST_FLOW_FLUSHING;
  return self;
}

/**
 * pacer_inbox_free:
 * @self: (transfer full): an inbox
 */
void
pacer_inbox_free(PacerInbox *self)
{
  frame_queue_free(self->queue);
  g_cond_clear(&self->room);
  g_mutex_clear(&self->lock);
  g_free(self);
}

/* Dropped with everything else, an event that sticks to pads must still be there afterwards. */
static void
keep_sticky_event(GstEvent *event, gpointer data)
{
  PacerInbox *self = data;
  FrameFormat format;
  GstCaps *caps;

  if (!GST_EVENT_IS_STICKY(event) || GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT ||
      GST_EVENT_TYPE(event) == GST_EVENT_EOS)
    return;
  gst_pad_store_sticky_event(self->src_pad, event);
  if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS)
    return;
  gst_event_parse_caps(event, &caps);
  if (frame_format_from_caps(&format, caps))
    frame_queue_set_format(self->queue, &format);
}

static void
drop_all(PacerInbox *self, GstFlowReturn flow)
{
  frame_queue_clear(self->queue, keep_sticky_event, self);
  self->flow = flow;
  self->generation++;
  self->overrun = FALSE;
  pacer_clock_restart(&self->clock);
  g_cond_broadcast(&self->room);
}

/**
 * pacer_inbox_start:
 * @self: an inbox
 *
 * A new stream may come.
 */
void
pacer_inbox_start(PacerInbox *self)
{
  g_mutex_lock(&self->lock);
  frame_queue_clear(self->queue, NULL, NULL);
  drop_all(self, GST_FLOW_OK);
  self->flushing = FALSE;
  self->format = (FrameFormat){ 0 };
  self->clock = (PacerClock){ 0 };
  self->dropped = 0;
  g_mutex_unlock(&self->lock);
}

/**
 * pacer_inbox_stop:
 * @self: an inbox
 *
 * Drops everything, takes nothing more and lets go whoever waits.
 */
void
pacer_inbox_stop(PacerInbox *self)
{
  g_mutex_lock(&self->lock);
  self->flushing = TRUE;
  frame_queue_clear(self->queue, NULL, NULL);
  drop_all(self, GST_FLOW_FLUSHING);
  g_mutex_unlock(&self->lock);
}

/**
 * pacer_inbox_begin_flush:
 * @self: an inbox
 *
 * As pacer_inbox_stop(), but the stream goes on: what sticks to pads is kept.
 */
void
pacer_inbox_begin_flush(PacerInbox *self)
{
  g_mutex_lock(&self->lock);
  self->flushing = TRUE;
  drop_all(self, GST_FLOW_FLUSHING);
  g_mutex_unlock(&self->lock);
}

/**
 * pacer_inbox_end_flush:
 * @self: an inbox
 */
void
pacer_inbox_end_flush(PacerInbox *self)
{
  g_mutex_lock(&self->lock);
  drop_all(self, GST_FLOW_OK);
  self->flushing = FALSE;
  g_mutex_unlock(&self->lock);
}

/* Waits for room, where that is allowed, or finds that there is none. */
static GstFlowReturn
make_room(PacerInbox *self, GstClockTime limit, gboolean may_wait)
{
  while (may_wait && !self->flushing && self->flow == GST_FLOW_OK &&
         frame_queue_get_level(self->queue) >= limit) {
    self->waiting++;
    g_cond_wait(&self->room, &self->lock);
    self->waiting--;
  }
  if (self->flow == GST_FLOW_OK && self->format.rate == 0)
    return GST_FLOW_NOT_NEGOTIATED;
  return self->flow;
}

/**
 * pacer_inbox_add_buffer:
 * @self: an inbox
 * @buffer: (transfer full): audio
 * @now: the time
 * @limits: how much may wait
 * @may_wait: whether the calling thread may be made to wait for room
 * @overrun_began: (out): whether there was no room, for the first time
 *
 * Returns: what to tell upstream
 */
GstFlowReturn
pacer_inbox_add_buffer(PacerInbox *self, GstBuffer *buffer, GstClockTime now,
                       const PacerLimits *limits, gboolean may_wait, gboolean *overrun_began)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&self->lock);
  const GstClockTime limit =
      may_wait ? MIN(limits->max_size_time, WAITING_SIZE_TIME) : limits->max_size_time;
  const GstFlowReturn flow = make_room(self, limit, may_wait);
  gboolean overrun;

  *overrun_began = FALSE;
  if (flow != GST_FLOW_OK) {
    gst_buffer_unref(buffer);
    return flow;
  }
  overrun = frame_queue_get_level(self->queue) >= limit;
  *overrun_began = overrun && !self->overrun;
  self->overrun = overrun;
  if (overrun) {
    self->dropped++;
    gst_buffer_unref(buffer);
  } else {
    frame_queue_push_buffer(self->queue, buffer,
                            frame_format_get_time(&self->format, gst_buffer_get_size(buffer)), now);
  }
  return GST_FLOW_OK;
}

/**
 * pacer_inbox_add_event:
 * @self: an inbox
 * @event: (transfer full): a serialized event
 *
 * Returns: whether it was taken
 */
gboolean
pacer_inbox_add_event(PacerInbox *self, GstEvent *event)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&self->lock);
  FrameFormat format = self->format;
  gboolean ok = !self->flushing;
  GstCaps *caps;

  if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
    gst_event_parse_caps(event, &caps);
    ok &= frame_format_from_caps(&format, caps);
  }
  if (!ok) {
    gst_event_unref(event);
    return FALSE;
  }
  self->format = format;
  frame_queue_push_event(self->queue, event);
  return TRUE;
}

static GstEvent *
take_event(PacerInbox *self)
{
  GstEvent *event = frame_queue_pop_event(self->queue);
  FrameFormat format;
  GstCaps *caps;

  if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
    gst_event_parse_caps(event, &caps);
    frame_format_from_caps(&format, caps);
    frame_queue_set_format(self->queue, &format);
  } else if (GST_EVENT_TYPE(event) == GST_EVENT_EOS ||
             cord_event_is(event, CORD_EVENT_RESPONSE_FINISHED)) {
    pacer_clock_end_response(&self->clock);
  }
  return event;
}

static GstBuffer *
take_frame(PacerInbox *self, GstClockTime now, GstClockTime look_ahead)
{
  const GstClockTime frame = frame_queue_get_frame_time(self->queue);

  if (!pacer_clock_allows(&self->clock, now, frame, look_ahead))
    return NULL;
  pacer_clock_send(&self->clock, now, frame, look_ahead,
                   frame_queue_get_frame_arrival(self->queue));
  if (self->waiting > 0)
    g_cond_signal(&self->room);
  return frame_queue_pop_frame(self->queue);
}

/**
 * pacer_inbox_take:
 * @self: an inbox
 * @now: the time
 * @limits: how far ahead frames may leave
 * @generation: (out): for pacer_inbox_fail()
 *
 * Returns: (transfer full) (nullable): the frame or event that may leave now
 */
GstMiniObject *
pacer_inbox_take(PacerInbox *self, GstClockTime now, const PacerLimits *limits, guint *generation)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&self->lock);

  *generation = self->generation;
  if (self->flow != GST_FLOW_OK)
    return NULL;
  switch (frame_queue_peek(self->queue)) {
  case FRAME_QUEUE_EVENT:
    return GST_MINI_OBJECT_CAST(take_event(self));
  case FRAME_QUEUE_FRAME:
    return (GstMiniObject *)take_frame(self, now, limits->look_ahead);
  default:
    return NULL;
  }
}

/**
 * pacer_inbox_fail:
 * @self: an inbox
 * @flow: what downstream said to a frame
 * @generation: what came with the frame
 *
 * Downstream takes no more. Counts only if nothing was dropped since the frame was taken.
 *
 * Returns: whether it counts
 */
gboolean
pacer_inbox_fail(PacerInbox *self, GstFlowReturn flow, guint generation)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&self->lock);

  if (generation != self->generation || flow == GST_FLOW_FLUSHING)
    return FALSE;
  drop_all(self, flow);
  return TRUE;
}

/**
 * pacer_inbox_has_frame:
 * @self: an inbox
 *
 * Returns: whether a whole frame waits for its time
 */
gboolean
pacer_inbox_has_frame(PacerInbox *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&self->lock);

  return self->flow == GST_FLOW_OK && frame_queue_peek(self->queue) == FRAME_QUEUE_FRAME;
}

/**
 * pacer_inbox_get_flow:
 * @self: an inbox
 *
 * Returns: what to tell upstream
 */
GstFlowReturn
pacer_inbox_get_flow(PacerInbox *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&self->lock);

  return self->flow;
}

/**
 * pacer_inbox_get_stats:
 * @self: an inbox
 *
 * Returns: (transfer full): what waits and what was counted
 */
GstStructure *
pacer_inbox_get_stats(PacerInbox *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&self->lock);
  GstStructure *stats = pacer_clock_to_structure(&self->clock);

  gst_structure_set(stats, "queued", G_TYPE_UINT64, frame_queue_get_level(self->queue), "dropped",
                    G_TYPE_UINT64, self->dropped, NULL);
  return stats;
}
