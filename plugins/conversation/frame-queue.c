/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame-queue.h"

#include <gst/base/gstqueuearray.h>

#include "cordboard.h"

#define FRAMES_A_SECOND 50
#define INITIAL_ITEMS 16

typedef struct {
  GstMiniObject *object; /* buffer or event */
  gsize size;            /* bytes of a buffer */
  GstClockTime time;     /* how long it sounds */
  GstClockTime arrival;
} Item;

struct _FrameQueue {
  GstQueueArray *items;
  gsize head_used;    /* bytes of the first item that are in frames already */
  GstClockTime time;  /* of all items */
  FrameFormat format; /* of the first item */
  gsize frame_bytes;
  GstBuffer *frame;     /* the next one, whole when frame_used is frame_bytes */
  gsize frame_used;     /* bytes */
  GstClockTime arrival; /* of the last byte in it */
};

/**
 * frame_format_from_caps:
 * @self: (out): what @caps mean
 * @caps: fixed caps
 *
 * Returns: whether they have frames
 */
gboolean
frame_format_from_caps(FrameFormat *self, GstCaps *caps)
{
  const GstStructure *structure = gst_caps_get_structure(caps, 0);
  const gboolean mulaw = gst_structure_has_name(structure, "audio/x-mulaw");
  gint rate;

  if (!gst_structure_get_int(structure, "rate", &rate) || rate < FRAMES_A_SECOND)
    return FALSE;
  self->rate = (guint)rate;
  self->sample_bytes = mulaw ? 1 : 2;
  self->silence = mulaw ? CORD_G711_SILENCE : 0;
  return TRUE;
}

/**
 * frame_format_get_time:
 * @self: a format
 * @bytes: a number of bytes
 *
 * Returns: how long they sound
 */
GstClockTime
frame_format_get_time(const FrameFormat *self, gsize bytes)
{
  return gst_util_uint64_scale_int(bytes / self->sample_bytes, GST_SECOND, (gint)self->rate);
}

/**
 * frame_format_get_frame_bytes:
 * @self: a format
 *
 * Returns: the size of a frame
 */
gsize
frame_format_get_frame_bytes(const FrameFormat *self)
{
  return (gsize)self->rate / FRAMES_A_SECOND * self->sample_bytes;
}

/**
 * frame_queue_new:
 *
 * Returns: (transfer full): an empty queue without a format
 */
FrameQueue *
frame_queue_new(void)
{
  FrameQueue *self = g_new0(FrameQueue, 1);

  self->items = gst_queue_array_new_for_struct(sizeof(Item), INITIAL_ITEMS);
  return self;
}

/**
 * frame_queue_free:
 * @self: (transfer full): a queue
 */
void
frame_queue_free(FrameQueue *self)
{
  frame_queue_clear(self, NULL, NULL);
  gst_queue_array_free(self->items);
  g_free(self);
}

/**
 * frame_queue_set_format:
 * @self: a queue of which a caps event has just come out
 * @format: what the caps mean
 */
void
frame_queue_set_format(FrameQueue *self, const FrameFormat *format)
{
  self->format = *format;
  self->frame_bytes = frame_format_get_frame_bytes(format);
}

/**
 * frame_queue_push_buffer:
 * @self: a queue
 * @buffer: (transfer full): audio
 * @time: how long it sounds
 * @now: when it arrived
 */
void
frame_queue_push_buffer(FrameQueue *self, GstBuffer *buffer, GstClockTime time, GstClockTime now)
{
  Item item = { GST_MINI_OBJECT_CAST(buffer), gst_buffer_get_size(buffer), time, now };

  if (item.size == 0) {
    gst_buffer_unref(buffer);
    return;
  }
  self->time += time;
  gst_queue_array_push_tail_struct(self->items, &item);
}

/**
 * frame_queue_push_event:
 * @self: a queue
 * @event: (transfer full): a serialized event
 */
void
frame_queue_push_event(FrameQueue *self, GstEvent *event)
{
  Item item = { GST_MINI_OBJECT_CAST(event), 0, 0, 0 };

  gst_queue_array_push_tail_struct(self->items, &item);
}

static gboolean
ends_response(GstEvent *event)
{
  switch (GST_EVENT_TYPE(event)) {
  case GST_EVENT_EOS:
  case GST_EVENT_CAPS:
  case GST_EVENT_SEGMENT:
  case GST_EVENT_SEGMENT_DONE:
  case GST_EVENT_STREAM_START:
    return TRUE;
  default:
    return cord_event_is(event, CORD_EVENT_RESPONSE_FINISHED) ||
           cord_event_is(event, CORD_EVENT_RESPONSE_STARTED);
  }
}

static void
use_head(FrameQueue *self, Item *head, gsize bytes)
{
  self->arrival = head->arrival;
  self->head_used += bytes;
  self->frame_used += bytes;
  if (self->head_used < head->size)
    return;
  self->time -= head->time;
  self->head_used = 0;
  gst_clear_mini_object(&head->object);
  gst_queue_array_pop_head_struct(self->items);
}

static void
stamp_frame(FrameQueue *self, Item *head)
{
  GstBuffer *buffer = GST_BUFFER_CAST(head->object);
  const GstClockTime before = frame_format_get_time(&self->format, self->head_used);

  GST_BUFFER_PTS(self->frame) =
      GST_BUFFER_PTS_IS_VALID(buffer) ? GST_BUFFER_PTS(buffer) + before : GST_CLOCK_TIME_NONE;
  GST_BUFFER_DURATION(self->frame) = frame_format_get_time(&self->format, self->frame_bytes);
  if (self->head_used == 0 && GST_BUFFER_IS_DISCONT(buffer))
    GST_BUFFER_FLAG_SET(self->frame, GST_BUFFER_FLAG_DISCONT);
}

/* A frame inside one buffer is that buffer or shares its memory; most are. */
static void
cut_frame(FrameQueue *self, Item *head)
{
  if (head->size == self->frame_bytes) {
    self->frame = gst_buffer_make_writable(GST_BUFFER_CAST(g_steal_pointer(&head->object)));
    GST_BUFFER_DURATION(self->frame) = head->time;
  } else {
    self->frame = gst_buffer_copy_region(GST_BUFFER_CAST(head->object),
                                         GST_BUFFER_COPY_MEMORY | GST_BUFFER_COPY_META,
                                         self->head_used, self->frame_bytes);
    stamp_frame(self, head);
  }
  use_head(self, head, self->frame_bytes);
}

static void
begin_frame(FrameQueue *self, Item *head)
{
  self->frame = gst_buffer_new_allocate(NULL, self->frame_bytes, NULL);
  cord_buffer_set_turn(self->frame, cord_buffer_get_turn(GST_BUFFER_CAST(head->object)));
  stamp_frame(self, head);
}

static void
fill_with_silence(FrameQueue *self)
{
  gst_buffer_memset(self->frame, self->frame_used, self->format.silence,
                    self->frame_bytes - self->frame_used);
  self->frame_used = self->frame_bytes;
}

static void
fill_frame(FrameQueue *self, Item *head)
{
  GstBuffer *buffer = GST_BUFFER_CAST(head->object);
  const gsize bytes = MIN(self->frame_bytes - self->frame_used, head->size - self->head_used);
  GstMapInfo map;

  if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) {
    use_head(self, head, head->size - self->head_used);
    return;
  }
  gst_buffer_fill(self->frame, self->frame_used, map.data + self->head_used, bytes);
  gst_buffer_unmap(buffer, &map);
  use_head(self, head, bytes);
}

static void
take_audio(FrameQueue *self, Item *head)
{
  if (self->frame == NULL && head->size - self->head_used >= self->frame_bytes) {
    cut_frame(self, head);
    return;
  }
  if (self->frame == NULL)
    begin_frame(self, head);
  else if (cord_buffer_get_turn(self->frame) !=
           cord_buffer_get_turn(GST_BUFFER_CAST(head->object))) {
    fill_with_silence(self);
    return;
  }
  fill_frame(self, head);
}

/**
 * frame_queue_peek:
 * @self: a queue
 *
 * Returns: what is next
 */
FrameQueueNext
frame_queue_peek(FrameQueue *self)
{
  Item *head;

  while (self->frame == NULL || self->frame_used < self->frame_bytes) {
    head = gst_queue_array_peek_head_struct(self->items);
    if (head == NULL)
      return FRAME_QUEUE_NOTHING;
    if (GST_IS_BUFFER(head->object))
      take_audio(self, head);
    else if (self->frame && ends_response(GST_EVENT_CAST(head->object)))
      fill_with_silence(self);
    else
      return FRAME_QUEUE_EVENT;
  }
  return FRAME_QUEUE_FRAME;
}

/**
 * frame_queue_get_frame_time:
 * @self: a queue of which a frame is next
 *
 * Returns: how long a frame sounds: 20 ms, or as near to it as whole samples come
 */
GstClockTime
frame_queue_get_frame_time(FrameQueue *self)
{
  return frame_format_get_time(&self->format, self->frame_bytes);
}

/**
 * frame_queue_get_frame_arrival:
 * @self: a queue of which a frame is next
 *
 * Returns: when the frame's last sound arrived
 */
GstClockTime
frame_queue_get_frame_arrival(FrameQueue *self)
{
  return self->arrival;
}

/**
 * frame_queue_pop_frame:
 * @self: a queue of which a frame is next
 *
 * Returns: (transfer full): the frame
 */
GstBuffer *
frame_queue_pop_frame(FrameQueue *self)
{
  self->frame_used = 0;
  return g_steal_pointer(&self->frame);
}

/**
 * frame_queue_pop_event:
 * @self: a queue of which an event is next
 *
 * Returns: (transfer full): the event
 */
GstEvent *
frame_queue_pop_event(FrameQueue *self)
{
  Item *head = gst_queue_array_pop_head_struct(self->items);

  return GST_EVENT_CAST(g_steal_pointer(&head->object));
}

/**
 * frame_queue_get_level:
 * @self: a queue
 *
 * Returns: how long what is in it sounds
 */
GstClockTime
frame_queue_get_level(FrameQueue *self)
{
  const gsize used = self->format.rate ? self->frame_used : 0;
  GstClockTime level = self->time;

  if (self->head_used > 0)
    level -= frame_format_get_time(&self->format, self->head_used);
  return used ? level + frame_format_get_time(&self->format, used) : level;
}

/**
 * frame_queue_clear:
 * @self: a queue
 * @event_func: (nullable): called with each event that is dropped
 * @data: for @event_func
 *
 * Drops all that is in it; the format stays.
 */
void
frame_queue_clear(FrameQueue *self, FrameQueueEventFunc event_func, gpointer data)
{
  Item *head;

  while ((head = gst_queue_array_pop_head_struct(self->items))) {
    if (event_func && GST_IS_EVENT(head->object))
      event_func(GST_EVENT_CAST(head->object), data);
    gst_clear_mini_object(&head->object);
  }
  gst_clear_buffer(&self->frame);
  self->head_used = self->frame_used = 0;
  self->time = 0;
}
