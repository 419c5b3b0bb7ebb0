/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-twiliosrc
 * @title: twiliosrc
 * @short_description: The caller's voice from a Twilio media stream
 *
 * Receives the audio of a telephone call over the Twilio Media Streams protocol and pushes it in
 * whole frames of 20 ms, without holes: gaps in the carrier's timestamps become silence, and while
 * the carrier sends nothing silence is made in real time.
 *
 * Without a #GstMediaSrc:connection it listens itself: it answers the carrier's webhook with TwiML
 * that leads to its own WebSocket, accepts one stream, and ends with EOS when the caller hangs up.
 * Keep it behind a tunnel or a proxy; it checks no signatures. #GstTwilioSink with the same session
 * name speaks on the same call.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 twiliosrc port=8080 ! mulawcodec ! audio/x-raw ! wavenc ! filesink
 * location=caller.wav
 * ]|
 * Records a call.
 */

#include "gstmediasrc.h"
#include "gsttwilioelements.h"
#include "twilio-protocol.h"

#define DEFAULT_START_TIMEOUT 10000 /* ms */
#define DEFAULT_MAX_GAP_FILL 10000  /* ms */

enum {
  PROP_START_TIMEOUT = MEDIA_SRC_N_PROPS,
  PROP_MAX_GAP_FILL,
  PROP_CALL_SID,
  PROP_STREAM_SID,
  PROP_PARAMETERS,
};

#define GST_TYPE_TWILIO_SRC (gst_twilio_src_get_type())
G_DECLARE_FINAL_TYPE(GstTwilioSrc, gst_twilio_src, GST, TWILIO_SRC, GstMediaSrc)

struct _GstTwilioSrc {
  GstMediaSrc parent_instance;
  /* properties, under the object lock */
  guint start_timeout_ms;
  guint max_gap_fill_ms;
  gchar *call_sid;
  gchar *stream_sid;
  GstStructure *parameters;
};

G_DEFINE_FINAL_TYPE(GstTwilioSrc, gst_twilio_src, GST_TYPE_MEDIA_SRC)
GST_ELEMENT_REGISTER_DEFINE(twiliosrc, "twiliosrc", GST_RANK_NONE, GST_TYPE_TWILIO_SRC)

static void
gst_twilio_src_remember(GstMediaSrc *src, const MediaStart *start)
{
  GstTwilioSrc *self = GST_TWILIO_SRC(src);

  GST_OBJECT_LOCK(self);
  g_free(self->call_sid);
  g_free(self->stream_sid);
  g_clear_pointer(&self->parameters, gst_structure_free);
  self->call_sid = start ? g_strdup(start->call_sid) : NULL;
  self->stream_sid = start ? g_strdup(start->stream_sid) : NULL;
  self->parameters = start ? gst_structure_copy(start->parameters) : NULL;
  GST_OBJECT_UNLOCK(self);
}

static void
gst_twilio_src_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstTwilioSrc *self = GST_TWILIO_SRC(object);

  if (id < MEDIA_SRC_N_PROPS) {
    G_OBJECT_CLASS(gst_twilio_src_parent_class)->get_property(object, id, value, pspec);
    return;
  }
  GST_OBJECT_LOCK(self);
  switch (id) {
  case PROP_START_TIMEOUT:
    g_value_set_uint(value, self->start_timeout_ms);
    break;
  case PROP_MAX_GAP_FILL:
    g_value_set_uint(value, self->max_gap_fill_ms);
    break;
  case PROP_CALL_SID:
    g_value_set_string(value, self->call_sid);
    break;
  case PROP_STREAM_SID:
    g_value_set_string(value, self->stream_sid);
    break;
  case PROP_PARAMETERS:
    g_value_set_boxed(value, self->parameters);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    break;
  }
  GST_OBJECT_UNLOCK(self);
}

static void
gst_twilio_src_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstTwilioSrc *self = GST_TWILIO_SRC(object);

  if (id < MEDIA_SRC_N_PROPS) {
    G_OBJECT_CLASS(gst_twilio_src_parent_class)->set_property(object, id, value, pspec);
    return;
  }
  GST_OBJECT_LOCK(self);
  switch (id) {
  case PROP_START_TIMEOUT:
    self->start_timeout_ms = g_value_get_uint(value);
    break;
  case PROP_MAX_GAP_FILL:
    self->max_gap_fill_ms = g_value_get_uint(value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    break;
  }
  gst_media_src_set_limits(GST_MEDIA_SRC(self), self->start_timeout_ms, self->max_gap_fill_ms);
  GST_OBJECT_UNLOCK(self);
}

static void
gst_twilio_src_finalize(GObject *object)
{
  GstTwilioSrc *self = GST_TWILIO_SRC(object);

  g_free(self->call_sid);
  g_free(self->stream_sid);
  g_clear_pointer(&self->parameters, gst_structure_free);
  G_OBJECT_CLASS(gst_twilio_src_parent_class)->finalize(object);
}

static void
install_properties(GObjectClass *klass)
{
  const GParamFlags ready = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  g_object_class_install_property(
      klass, PROP_START_TIMEOUT,
      g_param_spec_uint("start-timeout", "Start timeout",
                        "How long a carrier may take to start its stream, ms (0 = for ever)", 0,
                        G_MAXUINT, DEFAULT_START_TIMEOUT, ready));
  g_object_class_install_property(
      klass, PROP_MAX_GAP_FILL,
      g_param_spec_uint("max-gap-fill", "Maximum gap fill",
                        "Longest gap of the carrier's timestamps that is filled with silence, ms; "
                        "a longer one becomes a discontinuity",
                        0, 600000, DEFAULT_MAX_GAP_FILL, ready));
  g_object_class_install_property(klass, PROP_CALL_SID,
                                  g_param_spec_string("call-sid", "Call SID",
                                                      "The carrier's name of the call", NULL,
                                                      readable));
  g_object_class_install_property(klass, PROP_STREAM_SID,
                                  g_param_spec_string("stream-sid", "Stream SID",
                                                      "The carrier's name of the stream", NULL,
                                                      readable));
  g_object_class_install_property(
      klass, PROP_PARAMETERS,
      g_param_spec_boxed("parameters", "Parameters",
                         "Custom parameters that the TwiML handed to the stream",
                         GST_TYPE_STRUCTURE, readable));
}

static void
gst_twilio_src_init(GstTwilioSrc *self)
{
  self->start_timeout_ms = DEFAULT_START_TIMEOUT;
  self->max_gap_fill_ms = DEFAULT_MAX_GAP_FILL;
  gst_media_src_set_limits(GST_MEDIA_SRC(self), DEFAULT_START_TIMEOUT, DEFAULT_MAX_GAP_FILL);
}

static void
gst_twilio_src_class_init(GstTwilioSrcClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);

  object_class->get_property = gst_twilio_src_get_property;
  object_class->set_property = gst_twilio_src_set_property;
  object_class->finalize = gst_twilio_src_finalize;
  GST_MEDIA_SRC_CLASS(klass)->remember = gst_twilio_src_remember;
  gst_media_src_class_set_protocol(GST_MEDIA_SRC_CLASS(klass), &twilio_protocol);
  install_properties(object_class);
  gst_element_class_set_static_metadata(
      GST_ELEMENT_CLASS(klass), "Twilio media stream source", "Source/Network/Audio",
      "Receives the caller's voice of a telephone call over Twilio Media Streams",
      "Cordboard developers");
}
