/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * FrameFormat:
 * @rate: samples a second, 0 while unknown
 * @sample_bytes: bytes of a sample
 * @silence: the byte that silence is made of
 *
 * What frames are made of; always one channel.
 */
typedef struct {
  guint rate;
  guint sample_bytes;
  guint8 silence;
} FrameFormat;

gboolean frame_format_from_caps(FrameFormat *self, GstCaps *caps);
GstClockTime frame_format_get_time(const FrameFormat *self, gsize bytes);
gsize frame_format_get_frame_bytes(const FrameFormat *self);

/**
 * FrameQueue:
 *
 * Audio buffers of any size and events go in, whole 20 ms frames and the events come out, in order.
 * A response ends with a whole frame: before an event that ends one, and before another turn's
 * audio, an unfinished frame is filled up with silence.
 */
typedef struct _FrameQueue FrameQueue;

/**
 * FrameQueueNext:
 * @FRAME_QUEUE_NOTHING: not even a whole frame
 * @FRAME_QUEUE_FRAME: a frame
 * @FRAME_QUEUE_EVENT: an event
 *
 * What is next.
 */
typedef enum {
  FRAME_QUEUE_NOTHING,
  FRAME_QUEUE_FRAME,
  FRAME_QUEUE_EVENT,
} FrameQueueNext;

typedef void (*FrameQueueEventFunc)(GstEvent *event, gpointer data);

FrameQueue *frame_queue_new(void);
void frame_queue_free(FrameQueue *self);
void frame_queue_set_format(FrameQueue *self, const FrameFormat *format);
void frame_queue_push_buffer(FrameQueue *self, GstBuffer *buffer, GstClockTime time,
                             GstClockTime now);
void frame_queue_push_event(FrameQueue *self, GstEvent *event);
FrameQueueNext frame_queue_peek(FrameQueue *self);
GstClockTime frame_queue_get_frame_time(FrameQueue *self);
GstClockTime frame_queue_get_frame_arrival(FrameQueue *self);
GstBuffer *frame_queue_pop_frame(FrameQueue *self);
GstEvent *frame_queue_pop_event(FrameQueue *self);
GstClockTime frame_queue_get_level(FrameQueue *self);
void frame_queue_clear(FrameQueue *self, FrameQueueEventFunc event_func, gpointer data);

G_END_DECLS
