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
 * it keeps at most #GstTwilioSink:look-ahead with the carrier; in front of a conversation put
 * audiopacer.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 twiliosrc port=8080 ! fakesink \
 *   flitetts text="Hello, caller" ! mulawcodec ! twiliosink
 * ]|
 * Answers a call, says a sentence and hangs up.
 */

#include <cordboard.h>

#include "gsttwilioelements.h"
#include "twilio-outbound.h"

GST_DEBUG_CATEGORY(twiliosink_debug);
#define GST_CAT_DEFAULT twiliosink_debug

#define DEFAULT_SESSION "default"
#define DEFAULT_LOOK_AHEAD 5000 /* ms */
#define DEFAULT_HANGUP_ON_EOS TRUE

enum {
  PROP_0,
  PROP_SESSION,
  PROP_CONTEXT,
  PROP_LOOK_AHEAD,
  PROP_HANGUP_ON_EOS,
  PROP_STATS,
};

#define GST_TYPE_TWILIO_SINK (gst_twilio_sink_get_type())
G_DECLARE_FINAL_TYPE(GstTwilioSink, gst_twilio_sink, GST, TWILIO_SINK, GstElement)

struct _GstTwilioSink {
  GstElement parent_instance;
  GstPad *pad;
  /* properties, under the object lock */
  gchar *session_name;
  gchar *context;
  guint look_ahead_ms;
  gboolean hangup_on_eos;
  TwilioOutbound outbound;
};

G_DEFINE_FINAL_TYPE(GstTwilioSink, gst_twilio_sink, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE(twiliosink, "twiliosink", GST_RANK_NONE, GST_TYPE_TWILIO_SINK)

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(TWILIO_CAPS));

/* ---- data ---- */

static GstFlowReturn
gst_twilio_sink_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  return twilio_outbound_submit(&GST_TWILIO_SINK(parent)->outbound, GST_MINI_OBJECT_CAST(buffer));
}

static void
post_stream_start(GstTwilioSink *self, GstEvent *event)
{
  GstMessage *message = gst_message_new_stream_start(GST_OBJECT(self));
  guint group_id;

  if (gst_event_parse_group_id(event, &group_id))
    gst_message_set_group_id(message, group_id);
  gst_message_set_seqnum(message, gst_event_get_seqnum(event));
  gst_element_post_message(GST_ELEMENT(self), message);
}

static gboolean
gst_twilio_sink_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstTwilioSink *self = GST_TWILIO_SINK(parent);

  switch (GST_EVENT_TYPE(event)) {
  case GST_EVENT_FLUSH_START:
    twilio_outbound_flush_start(&self->outbound);
    break;
  case GST_EVENT_FLUSH_STOP:
    twilio_outbound_flush_stop(&self->outbound);
    break;
  case GST_EVENT_STREAM_START:
    post_stream_start(self, event);
    break;
  case GST_EVENT_EOS:
  case GST_EVENT_CUSTOM_DOWNSTREAM:
    twilio_outbound_submit(&self->outbound, GST_MINI_OBJECT_CAST(event));
    return TRUE;
  default:
    break;
  }
  gst_event_unref(event);
  return TRUE;
}

/* ---- states ---- */

static void
attach(gpointer data)
{
  GstTwilioSink *self = data;
  gboolean hangup_on_eos;
  guint look_ahead_ms;

  GST_OBJECT_LOCK(self);
  look_ahead_ms = self->look_ahead_ms;
  hangup_on_eos = self->hangup_on_eos;
  GST_OBJECT_UNLOCK(self);
  twilio_outbound_attach(&self->outbound, look_ahead_ms, hangup_on_eos);
}

static void
play(gpointer data)
{
  twilio_outbound_play(&GST_TWILIO_SINK(data)->outbound);
}

static void
detach(gpointer data)
{
  twilio_outbound_detach(&GST_TWILIO_SINK(data)->outbound);
}

static void
run_on_worker(GstTwilioSink *self, CordFunc func)
{
  if (cord_worker_is_current(self->outbound.worker))
    func(self);
  else
    cord_worker_post(self->outbound.worker, func, gst_object_ref(self), gst_object_unref);
}

static gboolean
open_session(GstTwilioSink *self)
{
  TwilioOutbound *outbound = &self->outbound;
  g_autofree gchar *name = NULL, *context = NULL;

  GST_OBJECT_LOCK(self);
  name = g_strdup(self->session_name);
  context = g_strdup(self->context);
  GST_OBJECT_UNLOCK(self);
  outbound->session = twilio_session_acquire(name);
  if (!twilio_session_claim_sink(outbound->session, TRUE)) {
    g_clear_pointer(&outbound->session, twilio_session_release);
    GST_ELEMENT_ERROR(self, RESOURCE, BUSY, ("Another twiliosink has the session \"%s\".", name),
                      ("Give each twiliosink a session of its own."));
    return FALSE;
  }
  outbound->worker = twilio_session_adopt_worker(outbound->session, GST_ELEMENT(self), context);
  return TRUE;
}

static void
close_session(GstTwilioSink *self)
{
  TwilioOutbound *outbound = &self->outbound;

  if (!outbound->session)
    return;
  twilio_session_claim_sink(outbound->session, FALSE);
  g_clear_pointer(&outbound->session, twilio_session_release);
  g_clear_object(&outbound->worker);
}

static GstStateChangeReturn
gst_twilio_sink_change_state(GstElement *element, GstStateChange transition)
{
  GstTwilioSink *self = GST_TWILIO_SINK(element);
  GstStateChangeReturn result;

  switch (transition) {
  case GST_STATE_CHANGE_NULL_TO_READY:
    if (!open_session(self))
      return GST_STATE_CHANGE_FAILURE;
    break;
  case GST_STATE_CHANGE_READY_TO_PAUSED:
    twilio_outbound_set_active(&self->outbound, TRUE);
    run_on_worker(self, attach);
    break;
  case GST_STATE_CHANGE_PLAYING_TO_PAUSED:
    g_atomic_int_set(&self->outbound.playing, FALSE);
    break;
  case GST_STATE_CHANGE_PAUSED_TO_READY:
    twilio_outbound_set_active(&self->outbound, FALSE);
    break;
  default:
    break;
  }

  result = GST_ELEMENT_CLASS(gst_twilio_sink_parent_class)->change_state(element, transition);
  if (result == GST_STATE_CHANGE_FAILURE)
    return result;

  switch (transition) {
  case GST_STATE_CHANGE_PAUSED_TO_PLAYING:
    g_atomic_int_set(&self->outbound.playing, TRUE);
    run_on_worker(self, play);
    break;
  case GST_STATE_CHANGE_PAUSED_TO_READY:
    cord_worker_call(self->outbound.worker, detach, self);
    break;
  case GST_STATE_CHANGE_READY_TO_NULL:
    close_session(self);
    break;
  default:
    break;
  }
  return result;
}

/* ---- queries and properties ---- */

static gboolean
gst_twilio_sink_query(GstElement *element, GstQuery *query)
{
  GstTwilioSink *self = GST_TWILIO_SINK(element);
  GstFormat format;

  switch (GST_QUERY_TYPE(query)) {
  case GST_QUERY_LATENCY:
    /* it adds none: what comes goes out at once */
    return gst_pad_peer_query(self->pad, query);
  case GST_QUERY_POSITION:
    gst_query_parse_position(query, &format, NULL);
    if (format != GST_FORMAT_TIME || !self->outbound.worker)
      return FALSE;
    gst_query_set_position(query, format, twilio_outbound_get_position(&self->outbound));
    return TRUE;
  default:
    return GST_ELEMENT_CLASS(gst_twilio_sink_parent_class)->query(element, query);
  }
}

static GstStructure *
make_stats(GstTwilioSink *self)
{
  GstStructure *stats = gst_structure_new_empty("twilio-stats");

  if (self->outbound.session)
    twilio_session_fill_stats(self->outbound.session, stats);
  return stats;
}

static void
gst_twilio_sink_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstTwilioSink *self = GST_TWILIO_SINK(object);

  GST_OBJECT_LOCK(self);
  switch (id) {
  case PROP_SESSION:
    g_value_set_string(value, self->session_name);
    break;
  case PROP_CONTEXT:
    g_value_set_string(value, self->context);
    break;
  case PROP_LOOK_AHEAD:
    g_value_set_uint(value, self->look_ahead_ms);
    break;
  case PROP_HANGUP_ON_EOS:
    g_value_set_boolean(value, self->hangup_on_eos);
    break;
  case PROP_STATS:
    g_value_take_boxed(value, make_stats(self));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    break;
  }
  GST_OBJECT_UNLOCK(self);
}

static void
gst_twilio_sink_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstTwilioSink *self = GST_TWILIO_SINK(object);

  GST_OBJECT_LOCK(self);
  switch (id) {
  case PROP_SESSION:
    g_free(self->session_name);
    self->session_name = g_value_dup_string(value);
    if (!self->session_name)
      self->session_name = g_strdup(DEFAULT_SESSION);
    break;
  case PROP_CONTEXT:
    g_free(self->context);
    self->context = g_value_dup_string(value);
    break;
  case PROP_LOOK_AHEAD:
    self->look_ahead_ms = g_value_get_uint(value);
    break;
  case PROP_HANGUP_ON_EOS:
    self->hangup_on_eos = g_value_get_boolean(value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    break;
  }
  GST_OBJECT_UNLOCK(self);
}

static void
gst_twilio_sink_finalize(GObject *object)
{
  GstTwilioSink *self = GST_TWILIO_SINK(object);

  g_free(self->session_name);
  g_free(self->context);
  twilio_outbound_clear(&self->outbound);
  G_OBJECT_CLASS(gst_twilio_sink_parent_class)->finalize(object);
}

static void
install_properties(GObjectClass *klass)
{
  const GParamFlags ready = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  g_object_class_install_property(
      klass, PROP_SESSION,
      g_param_spec_string("session", "Session",
                          "Name of the stream, the same as the session of a twiliosrc",
                          DEFAULT_SESSION, ready));
  g_object_class_install_property(
      klass, PROP_CONTEXT,
      g_param_spec_string("context", "Context",
                          "Name of the media thread to share (unset = the session's, the "
                          "application's or a private one)",
                          NULL, ready));
  g_object_class_install_property(
      klass, PROP_LOOK_AHEAD,
      g_param_spec_uint("look-ahead", "Look-ahead",
                        "Most audio that waits with the carrier when it comes faster than it is "
                        "played, ms (0 = no limit)",
                        0, 600000, DEFAULT_LOOK_AHEAD, ready));
  g_object_class_install_property(
      klass, PROP_HANGUP_ON_EOS,
      g_param_spec_boolean("hangup-on-eos", "Hang up on EOS",
                           "End the call when the caller has heard everything up to EOS",
                           DEFAULT_HANGUP_ON_EOS, ready));
  g_object_class_install_property(
      klass, PROP_STATS,
      g_param_spec_boxed("stats", "Statistics", "Counters of the stream and of its faults",
                         GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
gst_twilio_sink_init(GstTwilioSink *self)
{
  self->session_name = g_strdup(DEFAULT_SESSION);
  self->look_ahead_ms = DEFAULT_LOOK_AHEAD;
  self->hangup_on_eos = DEFAULT_HANGUP_ON_EOS;
  self->pad = gst_pad_new_from_static_template(&sink_template, "sink");
  gst_pad_set_chain_function(self->pad, gst_twilio_sink_chain);
  gst_pad_set_event_function(self->pad, gst_twilio_sink_event);
  gst_element_add_pad(GST_ELEMENT(self), self->pad);
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SINK);
  twilio_outbound_init(&self->outbound, GST_ELEMENT(self), self->pad);
}

static void
gst_twilio_sink_class_init(GstTwilioSinkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);

  GST_DEBUG_CATEGORY_INIT(twiliosink_debug, "twiliosink", 0, "Twilio media stream sink");
  object_class->get_property = gst_twilio_sink_get_property;
  object_class->set_property = gst_twilio_sink_set_property;
  object_class->finalize = gst_twilio_sink_finalize;
  element_class->change_state = gst_twilio_sink_change_state;
  element_class->query = gst_twilio_sink_query;
  install_properties(object_class);

  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_set_static_metadata(
      element_class, "Twilio media stream sink", "Sink/Network/Audio",
      "Sends the agent's voice to the caller of a telephone call over Twilio Media Streams",
      "Cordboard developers");
}
