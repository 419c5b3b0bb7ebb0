/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-call-private.h"

#define FRAME 160 /* bytes: 20 ms */
#define RATE 8000
#define GRACE (5 * GST_SECOND) /* after the recording should have been heard */

/* The sink goes on: it knows what the carrier still plays. The rest of the agent is taken down. */
static GstElement *
keep_sink(CordCall *self)
{
  GstElement *sink = self->rest ? gst_bin_get_by_name(GST_BIN(self->rest), "sink") : NULL;
  g_autoptr(GstObject) parent = NULL;

  if (sink) {
    g_autoptr(GstPad) pad = gst_element_get_static_pad(sink, "sink");
    g_autoptr(GstPad) peer = gst_pad_get_peer(pad);

    if (peer)
      gst_pad_unlink(peer, pad);
    parent = gst_object_get_parent(GST_OBJECT(sink));
    gst_bin_remove(GST_BIN(parent), sink);
  } else {
    sink = gst_element_factory_make(cord_leg_get_sink(self->leg), "sink");
    if (sink == NULL)
      return NULL;
    gst_object_ref_sink(sink);
    g_object_set(sink, "session", self->session, NULL);
  }
  return sink;
}

static void
drop_rest(CordCall *self)
{
  if (self->rest == NULL)
    return;
  gst_element_set_locked_state(self->rest, TRUE);
  gst_element_set_state(self->rest, GST_STATE_NULL);
  gst_element_unlink(self->source, self->rest);
  gst_bin_remove(GST_BIN(self->pipeline), self->rest);
  self->rest = NULL;
}

/* What the caller says from here on is heard by nobody. */
static void
drop_caller(CordCall *self)
{
  GstElement *nobody = gst_element_factory_make("fakesink", NULL);

  if (nobody == NULL)
    return;
  g_object_set(nobody, "sync", FALSE, "async", FALSE, "enable-last-sample", FALSE, NULL);
  gst_bin_add(GST_BIN(self->pipeline), nobody);
  gst_element_link(self->source, nobody);
  gst_element_sync_state_with_parent(nobody);
}

static GstBuffer *
take_frame(GBytes *audio, gsize at)
{
  gsize size;
  const guint8 *bytes = g_bytes_get_data(audio, &size);
  gsize length = MIN(FRAME, size - at);
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, FRAME, NULL);

  gst_buffer_memset(buffer, 0, 0xff, FRAME);
  gst_buffer_fill(buffer, 0, bytes + at, length);
  GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(at, GST_SECOND, RATE);
  GST_BUFFER_DURATION(buffer) = gst_util_uint64_scale(FRAME, GST_SECOND, RATE);
  return buffer;
}

/* The recording is mu-law; a browser takes something else. */
static GstElement *
put_codec_before(CordCall *self, GstElement *sink)
{
  GstElement *codec = gst_element_factory_make("mulawcodec", NULL);

  if (codec == NULL || !gst_bin_add(GST_BIN(self->pipeline), codec) ||
      !gst_element_link(codec, sink) || !gst_element_sync_state_with_parent(codec))
    return NULL;
  return codec;
}

static void
play(GstElement *codec, GBytes *audio)
{
  g_autoptr(GstPad) pad = gst_pad_new("apology", GST_PAD_SRC);
  g_autoptr(GstPad) peer = gst_element_get_static_pad(codec, "sink");
  g_autoptr(GstCaps) caps = gst_caps_new_simple("audio/x-mulaw", "rate", G_TYPE_INT, RATE,
                                                "channels", G_TYPE_INT, 1, NULL);
  GstSegment segment;

  gst_object_ref_sink(pad);
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_set_active(pad, TRUE);
  if (gst_pad_link(pad, peer) != GST_PAD_LINK_OK)
    return;
  gst_pad_push_event(pad, gst_event_new_stream_start("apology"));
  gst_pad_push_event(pad, gst_event_new_caps(caps));
  gst_pad_push_event(pad, gst_event_new_segment(&segment));
  for (gsize at = 0; at < g_bytes_get_size(audio); at += FRAME)
    gst_pad_push(pad, take_frame(audio, at));
  /* the sink hangs up when the caller has heard all of it */
  gst_pad_push_event(pad, gst_event_new_eos());
  gst_pad_set_active(pad, FALSE);
  gst_pad_unlink(pad, peer);
}

static void
on_deadline(gpointer data)
{
  CordCall *self = data;

  self->goodbye = NULL;
  cord_call_hang_up(self, self->end_reason);
}

static void
apologize(gpointer data)
{
  CordCall *self = data;
  const gchar *language = self->admission ? self->admission->agent->language : NULL;
  GBytes *audio = cord_apology_get_audio(self->apology, language);
  g_autoptr(GstElement) sink = NULL;
  GstElement *codec = NULL;

  if (self->phase != CORD_CALL_APOLOGIZING)
    return;
  sink = audio ? keep_sink(self) : NULL;
  drop_rest(self);
  drop_caller(self);
  if (sink == NULL || !gst_bin_add(GST_BIN(self->pipeline), sink) ||
      !gst_element_sync_state_with_parent(sink) || !(codec = put_codec_before(self, sink))) {
    cord_call_hang_up(self, self->end_reason);
    return;
  }
  g_clear_pointer(&self->goodbye, cord_timer_remove);
  self->goodbye = cord_worker_add_timer(
      self->worker, gst_util_uint64_scale(g_bytes_get_size(audio), GST_SECOND, RATE) + GRACE,
      on_deadline, self);
  play(codec, audio);
}

/* Not from below a running chain function: the work is posted. */
void
cord_call_apologize(CordCall *self, const gchar *reason)
{
  if (self->phase != CORD_CALL_RUNNING)
    return;
  self->phase = CORD_CALL_APOLOGIZING;
  self->status = "failed";
  self->end_reason = g_strdup(reason);
  cord_worker_post(self->worker, apologize, g_object_ref(self), g_object_unref);
}
