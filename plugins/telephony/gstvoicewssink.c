/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-voicewssink
 * @title: voicewssink
 * @short_description: The agent's voice into a browser's WebSocket
 *
 * Sends audio to the browser of the #GstVoicewsSrc with the same session name, in binary messages
 * of 20 ms of 16 kHz PCM. It reports upstream how much was heard (`cordboard/playout`): by the
 * marks that a page sends back when it has said that it does, else by the clock. A flush empties
 * the page's queue too, where the page takes `clear`. EOS is posted when the last frame was heard.
 *
 * It does not wait for a clock. Fed from a thread of its own it keeps at most
 * #GstMediaSink:look-ahead with the browser; in front of a conversation put audiopacer.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 voicewssrc port=8080 ! fakesink \
 *   flitetts text="Hello, caller" ! mulawcodec ! voicewssink
 * ]|
 * Says a sentence to whoever opens http://localhost:8080, and hangs up.
 */

#include "gstmediasink.h"
#include "gstvoicewselements.h"
#include "voicews-protocol.h"

#define GST_TYPE_VOICEWS_SINK (gst_voicews_sink_get_type())
G_DECLARE_FINAL_TYPE(GstVoicewsSink, gst_voicews_sink, GST, VOICEWS_SINK, GstMediaSink)

struct _GstVoicewsSink {
  GstMediaSink parent_instance;
};

G_DEFINE_FINAL_TYPE(GstVoicewsSink, gst_voicews_sink, GST_TYPE_MEDIA_SINK)
GST_ELEMENT_REGISTER_DEFINE(voicewssink, "voicewssink", GST_RANK_NONE, GST_TYPE_VOICEWS_SINK)

static void
gst_voicews_sink_init(GstVoicewsSink *self)
{
}

static void
gst_voicews_sink_class_init(GstVoicewsSinkClass *klass)
{
  gst_media_sink_class_set_protocol(GST_MEDIA_SINK_CLASS(klass), &voicews_protocol);
  gst_element_class_set_static_metadata(
      GST_ELEMENT_CLASS(klass), "Browser voice sink", "Sink/Network/Audio",
      "Sends the agent's voice to a caller in a browser over a WebSocket", "Cordboard developers");
}
