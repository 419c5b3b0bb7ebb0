/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-voicewssrc
 * @title: voicewssrc
 * @short_description: The caller's voice from a browser's WebSocket
 *
 * Receives 16 kHz PCM from a web page, in binary messages of any length or in base64 in JSON, and
 * pushes it in whole frames of 20 ms. Nothing is held back: what comes in a burst leaves in a
 * burst, with the time stamps of when it was spoken. Where nothing comes for
 * #GstMediaSrc:silence-after, silence is made in real time; what comes late all the same is kept,
 * and the lag, like the difference between two clocks, is made up for in the caller's pauses.
 * Whoever plays the sound in time with the clock is told of that much latency.
 *
 * Without a #GstMediaSrc:connection it listens itself, and answers a browser that comes for a page
 * with one that speaks and listens through it. It takes one stream, and ends with EOS when the
 * caller goes. #GstVoicewsSink with the same session name speaks on the same stream.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 voicewssrc port=8080 ! voicewssink
 * ]|
 * Sends the caller's voice back: open http://localhost:8080 in a browser.
 * |[
 * gst-launch-1.0 voicewssrc port=8080 ! wavenc ! filesink location=caller.wav
 * ]|
 * Records it.
 */

#include "gstmediasrc.h"
#include "gstvoicewselements.h"
#include "voicews-protocol.h"

enum { PROP_AGENT_NAME = MEDIA_SRC_N_PROPS };
enum { SIGNAL_SEND_MESSAGE, SIGNAL_HANG_UP, N_SIGNALS };
static guint signals[N_SIGNALS];

#define GST_TYPE_VOICEWS_SRC (gst_voicews_src_get_type())
G_DECLARE_FINAL_TYPE(GstVoicewsSrc, gst_voicews_src, GST, VOICEWS_SRC, GstMediaSrc)

struct _GstVoicewsSrc {
  GstMediaSrc parent_instance;
  gchar *agent_name; /* under the object lock */
  /* worker only */
  gboolean begun;
  GQueue early; /* messages that may not come before session_started */
};

G_DEFINE_FINAL_TYPE(GstVoicewsSrc, gst_voicews_src, GST_TYPE_MEDIA_SRC)
GST_ELEMENT_REGISTER_DEFINE(voicewssrc, "voicewssrc", GST_RANK_NONE, GST_TYPE_VOICEWS_SRC)

static void
gst_voicews_src_begun(GstMediaSrc *src, MediaSession *session)
{
  GstVoicewsSrc *self = GST_VOICEWS_SRC(src);
  g_autofree gchar *agent = NULL;
  gchar *text;

  g_object_get(src, "agent-name", &agent, NULL);
  voicews_send_started(session, agent);
  self->begun = TRUE;
  while ((text = g_queue_pop_head(&self->early))) {
    voicews_send_text(session, text);
    g_free(text);
  }
}

static void
gst_voicews_src_remember(GstMediaSrc *src, const MediaStart *start)
{
  GstVoicewsSrc *self = GST_VOICEWS_SRC(src);

  self->begun = FALSE;
  g_queue_clear_full(&self->early, g_free);
}

/* ---- what an application orders, on the worker ---- */

typedef struct {
  GstMediaSrc *src;
  gchar *text;
} Order;

static void
free_order(gpointer data)
{
  Order *order = data;

  gst_object_unref(order->src);
  g_free(order->text);
  g_free(order);
}

static void
send_message(gpointer data)
{
  Order *order = data;
  GstVoicewsSrc *self = GST_VOICEWS_SRC(order->src);
  MediaSession *session = gst_media_src_get_session(order->src);

  /* an application that is just accepting the stream has its agent speak already */
  if (session && media_session_get_state(session) == MEDIA_SESSION_STREAMING && !self->begun)
    g_queue_push_tail(&self->early, g_steal_pointer(&order->text));
  else if (session)
    voicews_send_text(session, order->text);
}

static void
hang_up(gpointer data)
{
  Order *order = data;
  MediaSession *session = gst_media_src_get_session(order->src);

  if (session)
    media_session_close(session, 1000, order->text);
}

static void
give_order(GstVoicewsSrc *self, CordFunc func, const gchar *text)
{
  Order *order;

  if (!text || !gst_media_src_get_session(GST_MEDIA_SRC(self)))
    return;
  order = g_new0(Order, 1);
  *order = (Order){ gst_object_ref(self), g_strdup(text) };
  gst_media_src_run(GST_MEDIA_SRC(self), func, order, free_order);
}

static void
gst_voicews_src_send_message(GstVoicewsSrc *self, const gchar *json)
{
  give_order(self, send_message, json);
}

static void
gst_voicews_src_hang_up(GstVoicewsSrc *self, const gchar *reason)
{
  give_order(self, hang_up, reason);
}

/* ---- properties ---- */

static void
gst_voicews_src_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id != PROP_AGENT_NAME) {
    G_OBJECT_CLASS(gst_voicews_src_parent_class)->get_property(object, id, value, pspec);
    return;
  }
  GST_OBJECT_LOCK(object);
  g_value_set_string(value, GST_VOICEWS_SRC(object)->agent_name);
  GST_OBJECT_UNLOCK(object);
}

static void
gst_voicews_src_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstVoicewsSrc *self = GST_VOICEWS_SRC(object);

  if (id != PROP_AGENT_NAME) {
    G_OBJECT_CLASS(gst_voicews_src_parent_class)->set_property(object, id, value, pspec);
    return;
  }
  GST_OBJECT_LOCK(self);
  g_free(self->agent_name);
  self->agent_name = g_value_dup_string(value);
  GST_OBJECT_UNLOCK(self);
}

static void
gst_voicews_src_finalize(GObject *object)
{
  g_free(GST_VOICEWS_SRC(object)->agent_name);
  g_queue_clear_full(&GST_VOICEWS_SRC(object)->early, g_free);
  G_OBJECT_CLASS(gst_voicews_src_parent_class)->finalize(object);
}

static void
install_signals(GType type)
{
  /**
   * GstVoicewsSrc::send-message:
   * @self: the source
   * @json: one JSON object
   *
   * Sends a text message to the browser; lost unless a stream is running. Any thread.
   */
  signals[SIGNAL_SEND_MESSAGE] = g_signal_new_class_handler(
      "send-message", type, G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
      G_CALLBACK(gst_voicews_src_send_message), NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);

  /**
   * GstVoicewsSrc::hang-up:
   * @self: the source
   * @reason: why, for the browser's `session_ended`
   *
   * Ends the stream from this side; EOS follows. Any thread.
   */
  signals[SIGNAL_HANG_UP] = g_signal_new_class_handler(
      "hang-up", type, G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION, G_CALLBACK(gst_voicews_src_hang_up),
      NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
gst_voicews_src_init(GstVoicewsSrc *self)
{
  g_queue_init(&self->early);
}

static void
gst_voicews_src_class_init(GstVoicewsSrcClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);

  object_class->get_property = gst_voicews_src_get_property;
  object_class->set_property = gst_voicews_src_set_property;
  object_class->finalize = gst_voicews_src_finalize;
  GST_MEDIA_SRC_CLASS(klass)->remember = gst_voicews_src_remember;
  GST_MEDIA_SRC_CLASS(klass)->begun = gst_voicews_src_begun;
  gst_media_src_class_set_protocol(GST_MEDIA_SRC_CLASS(klass), &voicews_protocol);
  g_object_class_install_property(
      object_class, PROP_AGENT_NAME,
      g_param_spec_string("agent-name", "Agent name",
                          "Who the browser is told it speaks with, when its stream starts", NULL,
                          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  install_signals(G_TYPE_FROM_CLASS(klass));
  gst_element_class_set_static_metadata(
      GST_ELEMENT_CLASS(klass), "Browser voice source", "Source/Network/Audio",
      "Receives the voice of a caller in a browser over a WebSocket", "Cordboard developers");
}
