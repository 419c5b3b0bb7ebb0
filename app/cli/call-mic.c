/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "call-mic.h"

#include <glib/gi18n.h>
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>

struct _CallMic {
  GstElement *mic, *speaker;
  GstElement *source; /* of the speaker */
  CallMicFunc func;
  gpointer data;
};

static GstFlowReturn
on_sample(GstAppSink *sink, gpointer data)
{
  CallMic *self = data;
  GstSample *sample = gst_app_sink_pull_sample(sink);
  GstMapInfo map;

  if (sample == NULL)
    return GST_FLOW_EOS;
  if (gst_buffer_map(gst_sample_get_buffer(sample), &map, GST_MAP_READ)) {
    g_autoptr(GBytes) audio = g_bytes_new(map.data, map.size);

    self->func(audio, self->data);
    gst_buffer_unmap(gst_sample_get_buffer(sample), &map);
  }
  gst_sample_unref(sample);
  return GST_FLOW_OK;
}

static gboolean
build(CallMic *self, GError **error)
{
  self->mic = gst_parse_launch_full(
      "autoaudiosrc ! audioconvert ! audioresample ! "
      "audio/x-raw,format=S16LE,rate=8000,channels=1 ! mulawcodec mode=encode ! "
      "appsink name=sink sync=false",
      NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);
  if (self->mic == NULL)
    return FALSE;
  self->speaker =
      gst_parse_launch_full("appsrc name=source is-live=true format=time do-timestamp=true "
                            "caps=audio/x-mulaw,rate=8000,channels=1 ! mulawcodec mode=decode ! "
                            "audioconvert ! audioresample ! autoaudiosink",
                            NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);
  return self->speaker != NULL;
}

/**
 * call_mic_new:
 * @func: given what the microphone hears, on a thread of its own
 * @data: for @func
 * @error: return location for an error
 *
 * Returns: (transfer full): both at work, or %NULL
 */
CallMic *
call_mic_new(CallMicFunc func, gpointer data, GError **error)
{
  CallMic *self = g_new0(CallMic, 1);
  g_autoptr(GstElement) sink = NULL;
  GstAppSinkCallbacks callbacks = { .new_sample = on_sample };

  self->func = func;
  self->data = data;
  if (!build(self, error)) {
    call_mic_free(self);
    return NULL;
  }
  sink = gst_bin_get_by_name(GST_BIN(self->mic), "sink");
  gst_app_sink_set_callbacks(GST_APP_SINK(sink), &callbacks, self, NULL);
  self->source = gst_bin_get_by_name(GST_BIN(self->speaker), "source");
  if (gst_element_set_state(self->speaker, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE &&
      gst_element_set_state(self->mic, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE)
    return self;
  call_mic_free(self);
  g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED,
                      _("there is no microphone or loudspeaker; use --say TEXT"));
  return NULL;
}

/**
 * call_mic_play:
 * @self: the loudspeaker
 * @mulaw: (array length=length): what the caller hears
 * @length: bytes
 */
void
call_mic_play(CallMic *self, const guint8 *mulaw, gsize length)
{
  gst_app_src_push_buffer(GST_APP_SRC(self->source), gst_buffer_new_memdup(mulaw, length));
}

/**
 * call_mic_free:
 * @self: (transfer full): microphone and loudspeaker
 */
void
call_mic_free(CallMic *self)
{
  if (self->mic)
    gst_element_set_state(self->mic, GST_STATE_NULL);
  if (self->speaker)
    gst_element_set_state(self->speaker, GST_STATE_NULL);
  gst_clear_object(&self->source);
  gst_clear_object(&self->mic);
  gst_clear_object(&self->speaker);
  g_free(self);
}
