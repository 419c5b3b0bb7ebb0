/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "gstopenairealtime-private.h"

/* What streams through openairealtime. */

static GstCaps *
make_caps(gboolean mulaw)
{
  return mulaw ? gst_caps_from_string("audio/x-mulaw, rate = (int) 8000, channels = (int) 1")
               : gst_caps_from_string("audio/x-raw, format = (string) S16LE, rate = (int) 24000, "
                                      "channels = (int) 1, layout = (string) interleaved");
}

static void
push_preamble(GstOpenaiRealtime *self)
{
  if (!self->started) {
    g_autofree gchar *id = gst_pad_create_stream_id(self->src, GST_ELEMENT(self), NULL);
    GstEvent *event = gst_event_new_stream_start(id);

    gst_event_set_group_id(event, gst_util_group_id_next());
    gst_pad_push_event(self->src, event);
    self->started = TRUE;
  }
  if (self->need_caps) {
    g_autoptr(GstCaps) caps = make_caps(self->settings.mulaw_out);

    gst_pad_push_event(self->src, gst_event_new_caps(caps));
    self->need_caps = FALSE;
  }
  if (self->need_segment) {
    GstSegment segment;

    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_pad_push_event(self->src, gst_event_new_segment(&segment));
    self->need_segment = FALSE;
  }
}

void
gst_openai_realtime_push_event(GstOpenaiRealtime *self, GstEvent *event)
{
  push_preamble(self);
  gst_pad_push_event(self->src, event);
}

/* Half a sample waits for its other half. */
static GstBuffer *
make_buffer(Answer *answer, const guint8 *audio, gsize size, gboolean whole)
{
  gsize all = size + answer->has_half;
  gsize used = whole ? all : all / 2 * 2;
  GstBuffer *buffer;
  GstMapInfo map;

  if (used == 0) {
    answer->half = audio[0];
    answer->has_half = TRUE;
    return NULL;
  }
  buffer = gst_buffer_new_allocate(NULL, used, NULL);
  gst_buffer_map(buffer, &map, GST_MAP_WRITE);
  if (answer->has_half)
    map.data[0] = answer->half;
  memcpy(map.data + answer->has_half, audio, used - answer->has_half);
  gst_buffer_unmap(buffer, &map);
  answer->has_half = used < all;
  if (answer->has_half)
    answer->half = audio[size - 1];
  return buffer;
}

void
gst_openai_realtime_push_audio(GstOpenaiRealtime *self, Answer *answer, const guint8 *audio,
                               gsize size)
{
  gboolean mulaw = self->settings.mulaw_out;
  GstBuffer *buffer = make_buffer(answer, audio, size, mulaw);
  GstClockTime now = cord_worker_get_time(self->worker);

  if (!buffer)
    return;
  cord_turn_stamp(answer->turn, CORD_TURN_STAMP_LLM_FIRST_TOKEN, now);
  cord_turn_stamp(answer->turn, CORD_TURN_STAMP_TTS_FIRST_AUDIO, now);
  if (self->running > self->position) {
    self->position = self->running;
    self->discont = TRUE;
  }
  if (answer->bytes == 0)
    answer->start = self->position;
  answer->bytes += gst_buffer_get_size(buffer);
  cord_buffer_set_turn(buffer, answer->turn);
  GST_BUFFER_PTS(buffer) = self->position;
  GST_BUFFER_DURATION(buffer) =
      gst_util_uint64_scale(gst_buffer_get_size(buffer), GST_SECOND, mulaw ? 8000 : 48000);
  self->position += GST_BUFFER_DURATION(buffer);
  if (self->discont)
    GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  self->discont = FALSE;
  push_preamble(self);
  gst_pad_push(self->src, buffer);
}

/* Barge-in: nothing of what was pushed is to be heard any more. */
void
gst_openai_realtime_flush(GstOpenaiRealtime *self)
{
  GstEvent *start = gst_event_new_flush_start();
  GstEvent *stop = gst_event_new_flush_stop(FALSE);

  gst_event_set_seqnum(stop, gst_event_get_seqnum(start));
  gst_pad_push_event(self->src, start);
  gst_pad_push_event(self->src, stop);
  self->need_segment = TRUE;
  self->discont = TRUE;
  /* what was not heard takes no time */
  self->position = MIN(self->position, self->running);
}

static GstFlowReturn
take_buffer(GstOpenaiRealtime *self, GstBuffer *buffer)
{
  GstMapInfo map;

  if (GST_BUFFER_PTS_IS_VALID(buffer))
    self->running = GST_BUFFER_PTS(buffer) +
                    (GST_BUFFER_DURATION_IS_VALID(buffer) ? GST_BUFFER_DURATION(buffer) : 0);
  if (gst_buffer_map(buffer, &map, GST_MAP_READ)) {
    gst_openai_realtime_send_audio(self, map.data, map.size);
    gst_buffer_unmap(buffer, &map);
  }
  gst_buffer_unref(buffer);
  return GST_FLOW_OK;
}

static void
take_caps(GstOpenaiRealtime *self, GstEvent *event)
{
  GstCaps *caps;
  gboolean mulaw;

  gst_event_parse_caps(event, &caps);
  mulaw = gst_structure_has_name(gst_caps_get_structure(caps, 0), "audio/x-mulaw");
  if (mulaw != self->settings.mulaw_in) {
    realtime_audio_clear(&self->audio);
    self->settings.mulaw_in = mulaw;
    gst_openai_realtime_send(self, realtime_session_update(&self->settings));
  }
  gst_event_unref(event);
}

static void
take_custom(GstOpenaiRealtime *self, GstEvent *event)
{
  gchar key = cord_event_is(event, CORD_EVENT_DTMF)
                  ? cord_structure_get_digit(gst_event_get_structure(event))
                  : '\0';

  gst_openai_realtime_push_event(self, event);
  if (key)
    gst_openai_realtime_take_key(self, key);
}

GstFlowReturn
gst_openai_realtime_on_object(GstMiniObject *object, gpointer data)
{
  GstOpenaiRealtime *self = data;
  GstEvent *event;

  if (GST_IS_BUFFER(object))
    return take_buffer(self, GST_BUFFER_CAST(object));
  event = GST_EVENT_CAST(object);
  switch (GST_EVENT_TYPE(event)) {
  case GST_EVENT_CAPS:
    take_caps(self, event);
    break;
  case GST_EVENT_SEGMENT:
    gst_event_unref(event);
    self->need_segment = TRUE;
    push_preamble(self);
    break;
  case GST_EVENT_GAP:
    gst_event_unref(event);
    break;
  case GST_EVENT_EOS:
    gst_openai_realtime_begin_drain(self, event);
    break;
  case GST_EVENT_STREAM_START:
    self->started = TRUE;
    gst_pad_push_event(self->src, event);
    break;
  case GST_EVENT_CUSTOM_DOWNSTREAM:
    take_custom(self, event);
    break;
  default:
    gst_openai_realtime_push_event(self, event);
  }
  return GST_FLOW_OK;
}

GstFlowReturn
gst_openai_realtime_sink_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  return cord_inbox_push(GST_OPENAI_REALTIME(parent)->inbox, GST_MINI_OBJECT_CAST(buffer));
}

gboolean
gst_openai_realtime_sink_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstOpenaiRealtime *self = GST_OPENAI_REALTIME(parent);

  if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_START)
    cord_inbox_set_flushing(self->inbox, TRUE);
  else if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP)
    cord_inbox_set_flushing(self->inbox, FALSE);
  else if (GST_EVENT_IS_SERIALIZED(event))
    return cord_inbox_push(self->inbox, GST_MINI_OBJECT_CAST(event)) == GST_FLOW_OK;
  return gst_pad_push_event(self->src, event);
}

typedef struct {
  GstOpenaiRealtime *self;
  CordPlayout playout;
} Played;

static void
free_played(gpointer data)
{
  gst_object_unref(((Played *)data)->self);
  g_free(data);
}

static void
run_played(gpointer data)
{
  Played *played = data;

  gst_openai_realtime_take_playout(played->self, &played->playout);
}

gboolean
gst_openai_realtime_src_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstOpenaiRealtime *self = GST_OPENAI_REALTIME(parent);
  CordPlayout playout;

  if (cord_event_is(event, CORD_EVENT_PLAYOUT) &&
      cord_structure_get_playout(gst_event_get_structure(event), &playout)) {
    if (cord_worker_is_current(self->worker)) {
      gst_openai_realtime_take_playout(self, &playout);
    } else {
      Played *played = g_new0(Played, 1);

      played->self = gst_object_ref(self);
      played->playout = playout;
      cord_worker_post(self->worker, run_played, played, free_played);
    }
  }
  return gst_pad_event_default(pad, parent, event);
}
