/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstmediasrc.h"

#define GST_CAT_DEFAULT media_session_debug

#define DEFAULT_ADDRESS "127.0.0.1"
#define DEFAULT_PORT 8080
#define DEFAULT_SESSION "default"
#define DEFAULT_MAX_GAP_FILL 10000 /* ms */

enum { SIGNAL_ACCEPT, N_SIGNALS };
static guint signals[N_SIGNALS];

typedef struct {
  GstPad *pad;
  /* properties, under the object lock */
  gchar *address;
  gchar *path;
  gchar *session_name;
  gchar *context;
  CordWebsocket *connection;
  guint port;
  guint current_port;
  guint start_timeout_ms;
  guint silence_after_ms;
  guint max_gap_fill_ms;
  MediaInbound inbound;
} GstMediaSrcPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE(GstMediaSrc, gst_media_src, GST_TYPE_ELEMENT)

static GstMediaSrcPrivate *
get_private(gpointer self)
{
  return gst_media_src_get_instance_private(self);
}

static const MediaProtocol *
get_protocol(gpointer self)
{
  return GST_MEDIA_SRC_GET_CLASS(self)->protocol;
}

/**
 * gst_media_src_run:
 * @self: a source that is not in NULL
 * @func: what to do on the worker: now if this is it, else soon
 * @data: for @func
 * @notify: (nullable): frees @data
 */
void
gst_media_src_run(GstMediaSrc *self, CordFunc func, gpointer data, GDestroyNotify notify)
{
  CordWorker *worker = get_private(self)->inbound.worker;

  if (!cord_worker_is_current(worker)) {
    cord_worker_post(worker, func, data, notify);
    return;
  }
  func(data);
  if (notify)
    notify(data);
}

static void
run_on_worker(GstMediaSrc *self, CordFunc func)
{
  gst_media_src_run(self, func, gst_object_ref(self), gst_object_unref);
}

/**
 * gst_media_src_get_session:
 * @self: a source, on its worker
 *
 * Returns: (transfer none) (nullable): its session, from READY on
 */
MediaSession *
gst_media_src_get_session(GstMediaSrc *self)
{
  return get_private(self)->inbound.session;
}

/**
 * gst_media_src_set_limits:
 * @self: a source
 * @start_timeout_ms: how long its peer may take to start, 0: for ever
 * @max_gap_fill_ms: longest gap that is filled with silence
 *
 * For a class that has properties for them.
 */
void
gst_media_src_set_limits(GstMediaSrc *self, guint start_timeout_ms, guint max_gap_fill_ms)
{
  GstMediaSrcPrivate *priv = get_private(self);

  priv->start_timeout_ms = start_timeout_ms;
  priv->max_gap_fill_ms = max_gap_fill_ms;
}

/* ---- what the worker half tells ---- */

static void
remember(GstMediaSrc *self, const MediaStart *start)
{
  GstMediaSrcClass *klass = GST_MEDIA_SRC_GET_CLASS(self);

  if (klass->remember)
    klass->remember(self, start);
}

static gboolean
on_started(GstElement *element, const MediaStart *start, GstStructure *structure)
{
  gboolean accepted = TRUE;

  remember(GST_MEDIA_SRC(element), start);
  if (g_signal_has_handler_pending(element, signals[SIGNAL_ACCEPT], 0, FALSE))
    g_signal_emit(element, signals[SIGNAL_ACCEPT], 0, structure, &accepted);
  return accepted;
}

static void
on_begun(GstElement *element)
{
  GstMediaSrc *self = GST_MEDIA_SRC(element);
  GstMediaSrcClass *klass = GST_MEDIA_SRC_GET_CLASS(self);

  if (klass->begun)
    klass->begun(self, gst_media_src_get_session(self));
}

static void
on_listening(GstElement *element, guint port)
{
  GST_OBJECT_LOCK(element);
  get_private(element)->current_port = port;
  GST_OBJECT_UNLOCK(element);
  GST_INFO_OBJECT(element, "listening on port %u", port);
  g_object_notify(G_OBJECT(element), "current-port");
}

static const MediaInboundFuncs inbound_funcs = { on_started, on_begun, on_listening };

/* ---- states ---- */

static void
attach(gpointer data)
{
  GstMediaSrcPrivate *priv = get_private(data);
  MediaInboundSettings settings;

  GST_OBJECT_LOCK(data);
  settings = (MediaInboundSettings){
    .connection = priv->connection ? g_object_ref(priv->connection) : NULL,
    .address = g_strdup(priv->address),
    .port = priv->port,
    .path = g_strdup(priv->path),
    .start_timeout = priv->start_timeout_ms * GST_MSECOND,
    .silence_after = priv->silence_after_ms * GST_MSECOND,
    .max_gap = priv->max_gap_fill_ms * GST_MSECOND,
  };
  GST_OBJECT_UNLOCK(data);
  media_inbound_attach(&priv->inbound, &settings);
}

static void
play(gpointer data)
{
  media_inbound_play(&get_private(data)->inbound);
}

static void
detach(gpointer data)
{
  GstMediaSrcPrivate *priv = get_private(data);

  media_inbound_detach(&priv->inbound);
  remember(data, NULL);
  GST_OBJECT_LOCK(data);
  priv->current_port = 0;
  GST_OBJECT_UNLOCK(data);
}

static gboolean
open_session(GstMediaSrc *self)
{
  GstMediaSrcPrivate *priv = get_private(self);
  const MediaProtocol *protocol = get_protocol(self);
  g_autofree gchar *name = NULL, *context = NULL;

  GST_OBJECT_LOCK(self);
  name = g_strdup(priv->session_name);
  context = g_strdup(priv->context);
  GST_OBJECT_UNLOCK(self);
  priv->inbound.session = media_session_acquire(protocol, name);
  if (!media_session_claim_source(priv->inbound.session, TRUE)) {
    g_clear_pointer(&priv->inbound.session, media_session_release);
    GST_ELEMENT_ERROR(self, RESOURCE, BUSY,
                      ("Another %s has the session \"%s\".", protocol->source, name),
                      ("Give each %s a session of its own.", protocol->source));
    return FALSE;
  }
  priv->inbound.worker =
      media_session_adopt_worker(priv->inbound.session, GST_ELEMENT(self), context);
  return TRUE;
}

static void
close_session(GstMediaSrc *self)
{
  GstMediaSrcPrivate *priv = get_private(self);

  if (!priv->inbound.session)
    return;
  media_session_claim_source(priv->inbound.session, FALSE);
  g_clear_pointer(&priv->inbound.session, media_session_release);
  g_clear_object(&priv->inbound.worker);
}

static GstStateChangeReturn
gst_media_src_change_state(GstElement *element, GstStateChange transition)
{
  GstMediaSrc *self = GST_MEDIA_SRC(element);
  MediaInbound *inbound = &get_private(self)->inbound;
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !open_session(self))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    run_on_worker(self, attach);
  if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    g_atomic_int_set(&inbound->playing, FALSE);

  result = GST_ELEMENT_CLASS(gst_media_src_parent_class)->change_state(element, transition);
  if (result == GST_STATE_CHANGE_FAILURE)
    return result;

  switch (transition) {
  case GST_STATE_CHANGE_READY_TO_PAUSED:
  case GST_STATE_CHANGE_PLAYING_TO_PAUSED:
    return GST_STATE_CHANGE_NO_PREROLL;
  case GST_STATE_CHANGE_PAUSED_TO_PLAYING:
    g_atomic_int_set(&inbound->playing, TRUE);
    run_on_worker(self, play);
    break;
  case GST_STATE_CHANGE_PAUSED_TO_READY:
    cord_worker_call(inbound->worker, detach, self);
    break;
  case GST_STATE_CHANGE_READY_TO_NULL:
    close_session(self);
    break;
  default:
    break;
  }
  return result;
}

/* ---- events and queries ---- */

static void
finish(gpointer data)
{
  media_inbound_finish(&get_private(data)->inbound);
}

static gboolean
gst_media_src_send_event(GstElement *element, GstEvent *event)
{
  GstMediaSrc *self = GST_MEDIA_SRC(element);

  if (GST_EVENT_TYPE(event) != GST_EVENT_EOS || !get_private(self)->inbound.worker)
    return GST_ELEMENT_CLASS(gst_media_src_parent_class)->send_event(element, event);
  run_on_worker(self, finish);
  gst_event_unref(event);
  return TRUE;
}

/* Without timestamps what comes late is not told from what is missing until silence takes its
 * place: whoever plays in time with the clock waits for it. */
static gboolean
gst_media_src_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstClockTime latency = MEDIA_FRAME_DURATION;

  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
    return gst_pad_query_default(pad, parent, query);
  GST_OBJECT_LOCK(parent);
  if (get_protocol(parent)->untimed)
    latency += get_private(parent)->silence_after_ms * GST_MSECOND;
  GST_OBJECT_UNLOCK(parent);
  gst_query_set_latency(query, TRUE, latency, GST_CLOCK_TIME_NONE);
  return TRUE;
}

/* ---- properties ---- */

static void
gst_media_src_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstMediaSrcPrivate *priv = get_private(object);

  GST_OBJECT_LOCK(object);
  switch (id) {
  case MEDIA_SRC_PROP_ADDRESS:
    g_value_set_string(value, priv->address);
    break;
  case MEDIA_SRC_PROP_PORT:
    g_value_set_uint(value, priv->port);
    break;
  case MEDIA_SRC_PROP_CURRENT_PORT:
    g_value_set_uint(value, priv->current_port);
    break;
  case MEDIA_SRC_PROP_PATH:
    g_value_set_string(value, priv->path);
    break;
  case MEDIA_SRC_PROP_SESSION:
    g_value_set_string(value, priv->session_name);
    break;
  case MEDIA_SRC_PROP_CONNECTION:
    g_value_set_object(value, priv->connection);
    break;
  case MEDIA_SRC_PROP_CONTEXT:
    g_value_set_string(value, priv->context);
    break;
  case MEDIA_SRC_PROP_SILENCE_AFTER:
    g_value_set_uint(value, priv->silence_after_ms);
    break;
  case MEDIA_SRC_PROP_STATS:
    g_value_take_boxed(value, media_inbound_make_stats(&priv->inbound));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    break;
  }
  GST_OBJECT_UNLOCK(object);
}

static void
take_string(gchar **place, const GValue *value, const gchar *fallback)
{
  const gchar *text = g_value_get_string(value);

  g_free(*place);
  *place = g_strdup(text ? text : fallback);
}

static void
gst_media_src_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstMediaSrcPrivate *priv = get_private(object);

  GST_OBJECT_LOCK(object);
  switch (id) {
  case MEDIA_SRC_PROP_ADDRESS:
    take_string(&priv->address, value, DEFAULT_ADDRESS);
    break;
  case MEDIA_SRC_PROP_PORT:
    priv->port = g_value_get_uint(value);
    break;
  case MEDIA_SRC_PROP_PATH:
    take_string(&priv->path, value, get_protocol(object)->path);
    break;
  case MEDIA_SRC_PROP_SESSION:
    take_string(&priv->session_name, value, DEFAULT_SESSION);
    break;
  case MEDIA_SRC_PROP_CONNECTION:
    g_set_object(&priv->connection, g_value_get_object(value));
    break;
  case MEDIA_SRC_PROP_CONTEXT:
    take_string(&priv->context, value, NULL);
    break;
  case MEDIA_SRC_PROP_SILENCE_AFTER:
    priv->silence_after_ms = g_value_get_uint(value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    break;
  }
  GST_OBJECT_UNLOCK(object);
}

static void
gst_media_src_finalize(GObject *object)
{
  GstMediaSrcPrivate *priv = get_private(object);

  g_free(priv->address);
  g_free(priv->path);
  g_free(priv->session_name);
  g_free(priv->context);
  g_clear_object(&priv->connection);
  media_inbound_clear(&priv->inbound);
  G_OBJECT_CLASS(gst_media_src_parent_class)->finalize(object);
}

static void
install_door(GObjectClass *klass, const MediaProtocol *protocol)
{
  const GParamFlags ready = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  g_object_class_install_property(klass, MEDIA_SRC_PROP_ADDRESS,
                                  g_param_spec_string("address", "Address",
                                                      "Address to listen on, without a connection",
                                                      DEFAULT_ADDRESS, ready));
  g_object_class_install_property(
      klass, MEDIA_SRC_PROP_PORT,
      g_param_spec_uint("port", "Port",
                        "TCP port to listen on, without a connection (0 = any free port)", 0, 65535,
                        DEFAULT_PORT, ready));
  g_object_class_install_property(klass, MEDIA_SRC_PROP_PATH,
                                  g_param_spec_string("path", "Path",
                                                      "Path of the WebSocket, without a connection",
                                                      protocol->path, ready));
  g_object_class_install_property(
      klass, MEDIA_SRC_PROP_CONNECTION,
      g_param_spec_object("connection", "Connection",
                          "WebSocket of a peer that an application has accepted",
                          CORD_TYPE_WEBSOCKET, ready));
}

static void
install_settings(GObjectClass *klass, const MediaProtocol *protocol)
{
  const GParamFlags ready = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  g_object_class_install_property(
      klass, MEDIA_SRC_PROP_SESSION,
      g_param_spec_string("session", "Session",
                          "Name under which a sink of the same kind finds this stream in the "
                          "process",
                          DEFAULT_SESSION, ready));
  g_object_class_install_property(
      klass, MEDIA_SRC_PROP_CONTEXT,
      g_param_spec_string("context", "Context",
                          "Name of the media thread to share (unset = the application's or a "
                          "private one)",
                          NULL, ready));
  g_object_class_install_property(
      klass, MEDIA_SRC_PROP_SILENCE_AFTER,
      g_param_spec_uint("silence-after", "Silence after",
                        "How long nothing may arrive before silence is made in its place, ms "
                        "(0 = never)",
                        0, G_MAXUINT, protocol->silence_after_ms, ready));
  g_object_class_install_property(klass, MEDIA_SRC_PROP_CURRENT_PORT,
                                  g_param_spec_uint("current-port", "Current port",
                                                    "TCP port it listens on (0 = none)", 0, 65535,
                                                    0, readable));
  g_object_class_install_property(klass, MEDIA_SRC_PROP_STATS,
                                  g_param_spec_boxed("stats", "Statistics",
                                                     "Counters of the stream and of its faults",
                                                     GST_TYPE_STRUCTURE, readable));
}

/**
 * gst_media_src_class_set_protocol:
 * @klass: a class, which takes the pad and the common properties
 * @protocol: what it speaks
 */
void
gst_media_src_class_set_protocol(GstMediaSrcClass *klass, const MediaProtocol *protocol)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);
  g_autoptr(GstCaps) caps = gst_caps_from_string(protocol->format->caps);

  klass->protocol = protocol;
  /* these two are not inherited */
  if (!object_class->get_property)
    object_class->get_property = gst_media_src_get_property;
  if (!object_class->set_property)
    object_class->set_property = gst_media_src_set_property;
  install_door(object_class, protocol);
  install_settings(object_class, protocol);
  gst_element_class_add_pad_template(
      element_class, gst_pad_template_new("src", GST_PAD_SRC, GST_PAD_ALWAYS, caps));
}

/* What the class says is known from here on, not in init. */
static void
gst_media_src_constructed(GObject *object)
{
  GstMediaSrcPrivate *priv = get_private(object);
  const MediaProtocol *protocol = get_protocol(object);
  GstPadTemplate *template =
      gst_element_class_get_pad_template(GST_ELEMENT_GET_CLASS(object), "src");

  G_OBJECT_CLASS(gst_media_src_parent_class)->constructed(object);
  if (!priv->path)
    priv->path = g_strdup(protocol->path);
  priv->silence_after_ms = protocol->silence_after_ms;
  priv->pad = gst_pad_new_from_template(template, "src");
  gst_pad_set_query_function(priv->pad, gst_media_src_query);
  gst_pad_use_fixed_caps(priv->pad);
  gst_element_add_pad(GST_ELEMENT(object), priv->pad);
  media_inbound_init(&priv->inbound, protocol, GST_ELEMENT(object), priv->pad, &inbound_funcs);
}

static void
gst_media_src_init(GstMediaSrc *self)
{
  GstMediaSrcPrivate *priv = get_private(self);

  priv->address = g_strdup(DEFAULT_ADDRESS);
  priv->session_name = g_strdup(DEFAULT_SESSION);
  priv->port = DEFAULT_PORT;
  priv->max_gap_fill_ms = DEFAULT_MAX_GAP_FILL;
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SOURCE);
}

static void
gst_media_src_class_init(GstMediaSrcClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);

  object_class->constructed = gst_media_src_constructed;
  object_class->get_property = gst_media_src_get_property;
  object_class->set_property = gst_media_src_set_property;
  object_class->finalize = gst_media_src_finalize;
  element_class->change_state = gst_media_src_change_state;
  element_class->send_event = gst_media_src_send_event;

  gst_type_mark_as_plugin_api(G_TYPE_FROM_CLASS(klass), 0);

  /**
   * GstMediaSrc::accept:
   * @self: the source
   * @start: a cordboard/call-started structure: call-sid, stream-sid, account-sid, parameters
   *
   * A peer starts a stream; emitted on the worker before anything is pushed. An application may
   * look at the parameters, link the rest of the pipeline and set its state.
   *
   * Returns: FALSE to refuse the stream, which is then closed with code 1008
   */
  signals[SIGNAL_ACCEPT] = g_signal_new("accept", G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_LAST, 0,
                                        g_signal_accumulator_first_wins, NULL, NULL, G_TYPE_BOOLEAN,
                                        1, GST_TYPE_STRUCTURE | G_SIGNAL_TYPE_STATIC_SCOPE);
}
