/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-twiliosink
 * @title: twiliosink
 * @short_description: The agent's voice into a Twilio media stream
 *
 * Sends audio to the caller of the #GstTwilioSrc with the same session name, in whole frames of
 * 20 ms, and learns by marks what was played: it reports the position upstream
 * (`cordboard/playout`), and posts EOS only when the caller has heard the last frame. A flush
 * empties the carrier's queue too.
 *
 * It does not wait for a clock: the carrier queues what comes early. Fed from a thread of its own
 * it keeps at most #GstMediaSink:look-ahead with the carrier; in front of a conversation put
 * audiopacer.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 twiliosrc port=8080 ! fakesink \
 *   flitetts text="Hello, caller" ! mulawcodec ! twiliosink
 * ]|
 * Answers a call, says a sentence and hangs up.
 */

#include "gstmediasink.h"
#include "gsttwilioelements.h"
#include "twilio-protocol.h"

#define GST_TYPE_TWILIO_SINK (gst_twilio_sink_get_type())
G_DECLARE_FINAL_TYPE(GstTwilioSink, gst_twilio_sink, GST, TWILIO_SINK, GstMediaSink)

struct _GstTwilioSink {
  GstMediaSink parent_instance;
};

G_DEFINE_FINAL_TYPE(GstTwilioSink, gst_twilio_sink, GST_TYPE_MEDIA_SINK)
GST_ELEMENT_REGISTER_DEFINE(twiliosink, "twiliosink", GST_RANK_NONE, GST_TYPE_TWILIO_SINK)

static void
gst_twilio_sink_init(GstTwilioSink *self)
{
}

static void
gst_twilio_sink_class_init(GstTwilioSinkClass *klass)
{
  gst_media_sink_class_set_protocol(GST_MEDIA_SINK_CLASS(klass), &twilio_protocol);
  gst_element_class_set_static_metadata(
      GST_ELEMENT_CLASS(klass), "Twilio media stream sink", "Sink/Network/Audio",
      "Sends the agent's voice to the caller of a telephone call over Twilio Media Streams",
      "Cordboard developers");
}
