/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstmediasink.h"

#define GST_CAT_DEFAULT media_session_debug

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

typedef struct {
  GstPad *pad;
  /* properties, under the object lock */
  gchar *session_name;
  gchar *context;
  guint look_ahead_ms;
  gboolean hangup_on_eos;
  MediaOutbound outbound;
} GstMediaSinkPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE(GstMediaSink, gst_media_sink, GST_TYPE_ELEMENT)

static GstMediaSinkPrivate *
get_private(gpointer self)
{
  return gst_media_sink_get_instance_private(self);
}

static const MediaProtocol *
get_protocol(gpointer self)
{
  return GST_MEDIA_SINK_GET_CLASS(self)->protocol;
}

/* ---- data ---- */

static GstFlowReturn
gst_media_sink_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  return media_outbound_submit(&get_private(parent)->outbound, GST_MINI_OBJECT_CAST(buffer));
}

static void
post_stream_start(GstElement *self, GstEvent *event)
{
  GstMessage *message = gst_message_new_stream_start(GST_OBJECT(self));
  guint group_id;

  if (gst_event_parse_group_id(event, &group_id))
    gst_message_set_group_id(message, group_id);
  gst_message_set_seqnum(message, gst_event_get_seqnum(event));
  gst_element_post_message(self, message);
}

static gboolean
gst_media_sink_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  MediaOutbound *outbound = &get_private(parent)->outbound;

  switch (GST_EVENT_TYPE(event)) {
  case GST_EVENT_FLUSH_START:
    media_outbound_flush_start(outbound);
    break;
  case GST_EVENT_FLUSH_STOP:
    media_outbound_flush_stop(outbound);
    break;
  case GST_EVENT_STREAM_START:
    post_stream_start(GST_ELEMENT(parent), event);
    break;
  case GST_EVENT_EOS:
  case GST_EVENT_CUSTOM_DOWNSTREAM:
    media_outbound_submit(outbound, GST_MINI_OBJECT_CAST(event));
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
  GstMediaSinkPrivate *priv = get_private(data);
  gboolean hangup_on_eos;
  guint look_ahead_ms;

  GST_OBJECT_LOCK(data);
  look_ahead_ms = priv->look_ahead_ms;
  hangup_on_eos = priv->hangup_on_eos;
  GST_OBJECT_UNLOCK(data);
  media_outbound_attach(&priv->outbound, look_ahead_ms, hangup_on_eos);
}

static void
play(gpointer data)
{
  media_outbound_play(&get_private(data)->outbound);
}

static void
detach(gpointer data)
{
  media_outbound_detach(&get_private(data)->outbound);
}

static void
run_on_worker(GstMediaSink *self, CordFunc func)
{
  CordWorker *worker = get_private(self)->outbound.worker;

  if (cord_worker_is_current(worker))
    func(self);
  else
    cord_worker_post(worker, func, gst_object_ref(self), gst_object_unref);
}

static gboolean
open_session(GstMediaSink *self)
{
  GstMediaSinkPrivate *priv = get_private(self);
  const MediaProtocol *protocol = get_protocol(self);
  MediaOutbound *outbound = &priv->outbound;
  g_autofree gchar *name = NULL, *context = NULL;

  GST_OBJECT_LOCK(self);
  name = g_strdup(priv->session_name);
  context = g_strdup(priv->context);
  GST_OBJECT_UNLOCK(self);
  outbound->session = media_session_acquire(protocol, name);
  if (!media_session_claim_sink(outbound->session, TRUE)) {
    g_clear_pointer(&outbound->session, media_session_release);
    GST_ELEMENT_ERROR(self, RESOURCE, BUSY,
                      ("Another %s has the session \"%s\".", protocol->sink, name),
                      ("Give each %s a session of its own.", protocol->sink));
    return FALSE;
  }
  outbound->worker = media_session_adopt_worker(outbound->session, GST_ELEMENT(self), context);
  return TRUE;
}

static void
close_session(GstMediaSink *self)
{
  MediaOutbound *outbound = &get_private(self)->outbound;

  if (!outbound->session)
    return;
  media_session_claim_sink(outbound->session, FALSE);
  g_clear_pointer(&outbound->session, media_session_release);
  g_clear_object(&outbound->worker);
}

static GstStateChangeReturn
gst_media_sink_change_state(GstElement *element, GstStateChange transition)
{
  GstMediaSink *self = GST_MEDIA_SINK(element);
  MediaOutbound *outbound = &get_private(self)->outbound;
  GstStateChangeReturn result;

  switch (transition) {
  case GST_STATE_CHANGE_NULL_TO_READY:
    if (!open_session(self))
      return GST_STATE_CHANGE_FAILURE;
    break;
  case GST_STATE_CHANGE_READY_TO_PAUSED:
    media_outbound_set_active(outbound, TRUE);
    run_on_worker(self, attach);
    break;
  case GST_STATE_CHANGE_PLAYING_TO_PAUSED:
    g_atomic_int_set(&outbound->playing, FALSE);
    break;
  case GST_STATE_CHANGE_PAUSED_TO_READY:
    media_outbound_set_active(outbound, FALSE);
    break;
  default:
    break;
  }

  result = GST_ELEMENT_CLASS(gst_media_sink_parent_class)->change_state(element, transition);
  if (result == GST_STATE_CHANGE_FAILURE)
    return result;

  switch (transition) {
  case GST_STATE_CHANGE_PAUSED_TO_PLAYING:
    g_atomic_int_set(&outbound->playing, TRUE);
    run_on_worker(self, play);
    break;
  case GST_STATE_CHANGE_PAUSED_TO_READY:
    cord_worker_call(outbound->worker, detach, self);
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
gst_media_sink_query(GstElement *element, GstQuery *query)
{
  GstMediaSinkPrivate *priv = get_private(element);
  GstFormat format;

  switch (GST_QUERY_TYPE(query)) {
  case GST_QUERY_LATENCY:
    /* it adds none: what comes goes out at once */
    return gst_pad_peer_query(priv->pad, query);
  case GST_QUERY_POSITION:
    gst_query_parse_position(query, &format, NULL);
    if (format != GST_FORMAT_TIME || !priv->outbound.worker)
      return FALSE;
    gst_query_set_position(query, format, media_outbound_get_position(&priv->outbound));
    return TRUE;
  default:
    return GST_ELEMENT_CLASS(gst_media_sink_parent_class)->query(element, query);
  }
}

static GstStructure *
make_stats(GObject *self)
{
  MediaSession *session = get_private(self)->outbound.session;
  GstStructure *stats = gst_structure_new_empty(get_protocol(self)->sink);

  if (session)
    media_session_fill_stats(session, stats);
  return stats;
}

static void
gst_media_sink_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstMediaSinkPrivate *priv = get_private(object);

  GST_OBJECT_LOCK(object);
  switch (id) {
  case PROP_SESSION:
    g_value_set_string(value, priv->session_name);
    break;
  case PROP_CONTEXT:
    g_value_set_string(value, priv->context);
    break;
  case PROP_LOOK_AHEAD:
    g_value_set_uint(value, priv->look_ahead_ms);
    break;
  case PROP_HANGUP_ON_EOS:
    g_value_set_boolean(value, priv->hangup_on_eos);
    break;
  case PROP_STATS:
    g_value_take_boxed(value, make_stats(object));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    break;
  }
  GST_OBJECT_UNLOCK(object);
}

static void
gst_media_sink_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstMediaSinkPrivate *priv = get_private(object);

  GST_OBJECT_LOCK(object);
  switch (id) {
  case PROP_SESSION:
    g_free(priv->session_name);
    priv->session_name = g_value_dup_string(value);
    if (!priv->session_name)
      priv->session_name = g_strdup(DEFAULT_SESSION);
    break;
  case PROP_CONTEXT:
    g_free(priv->context);
    priv->context = g_value_dup_string(value);
    break;
  case PROP_LOOK_AHEAD:
    priv->look_ahead_ms = g_value_get_uint(value);
    break;
  case PROP_HANGUP_ON_EOS:
    priv->hangup_on_eos = g_value_get_boolean(value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    break;
  }
  GST_OBJECT_UNLOCK(object);
}

static void
gst_media_sink_finalize(GObject *object)
{
  GstMediaSinkPrivate *priv = get_private(object);

  g_free(priv->session_name);
  g_free(priv->context);
  media_outbound_clear(&priv->outbound);
  G_OBJECT_CLASS(gst_media_sink_parent_class)->finalize(object);
}

static void
install_properties(GObjectClass *klass)
{
  const GParamFlags ready = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  g_object_class_install_property(
      klass, PROP_SESSION,
      g_param_spec_string("session", "Session",
                          "Name of the stream, the same as the session of its source",
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
                        "Most audio that waits at the other end when it comes faster than it is "
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

/**
 * gst_media_sink_class_set_protocol:
 * @klass: a class, which takes the pad and the common properties
 * @protocol: what it speaks
 */
void
gst_media_sink_class_set_protocol(GstMediaSinkClass *klass, const MediaProtocol *protocol)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);
  g_autoptr(GstCaps) caps = gst_caps_from_string(protocol->format->caps);

  klass->protocol = protocol;
  /* these two are not inherited */
  object_class->get_property = gst_media_sink_get_property;
  object_class->set_property = gst_media_sink_set_property;
  install_properties(object_class);
  gst_element_class_add_pad_template(
      element_class, gst_pad_template_new("sink", GST_PAD_SINK, GST_PAD_ALWAYS, caps));
}

/* What the class says is known from here on, not in init. */
static void
gst_media_sink_constructed(GObject *object)
{
  GstMediaSinkPrivate *priv = get_private(object);
  GstPadTemplate *template =
      gst_element_class_get_pad_template(GST_ELEMENT_GET_CLASS(object), "sink");

  G_OBJECT_CLASS(gst_media_sink_parent_class)->constructed(object);
  priv->pad = gst_pad_new_from_template(template, "sink");
  gst_pad_set_chain_function(priv->pad, gst_media_sink_chain);
  gst_pad_set_event_function(priv->pad, gst_media_sink_event);
  gst_element_add_pad(GST_ELEMENT(object), priv->pad);
  media_outbound_init(&priv->outbound, GST_ELEMENT(object), priv->pad,
                      get_protocol(object)->format);
}

static void
gst_media_sink_init(GstMediaSink *self)
{
  GstMediaSinkPrivate *priv = get_private(self);

  priv->session_name = g_strdup(DEFAULT_SESSION);
  priv->look_ahead_ms = DEFAULT_LOOK_AHEAD;
  priv->hangup_on_eos = DEFAULT_HANGUP_ON_EOS;
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SINK);
}

static void
gst_media_sink_class_init(GstMediaSinkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);

  object_class->constructed = gst_media_sink_constructed;
  object_class->finalize = gst_media_sink_finalize;
  element_class->change_state = gst_media_sink_change_state;
  element_class->query = gst_media_sink_query;
  gst_type_mark_as_plugin_api(G_TYPE_FROM_CLASS(klass), 0);
}
