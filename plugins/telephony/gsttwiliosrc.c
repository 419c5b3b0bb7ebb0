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
 * Without a #GstTwilioSrc:connection it listens itself: it answers the carrier's webhook with TwiML
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

#include <cordboard.h>

#include "gsttwilioelements.h"
#include "twilio-inbound.h"

GST_DEBUG_CATEGORY(twiliosrc_debug);
#define GST_CAT_DEFAULT twiliosrc_debug

#define DEFAULT_ADDRESS "127.0.0.1"
#define DEFAULT_PORT 8080
#define DEFAULT_PATH "/stream"
#define DEFAULT_SESSION "default"
#define DEFAULT_START_TIMEOUT 10000 /* ms */
#define DEFAULT_SILENCE_AFTER 750   /* ms */
#define DEFAULT_MAX_GAP_FILL 10000  /* ms */

enum {
  PROP_0,
  PROP_ADDRESS,
  PROP_PORT,
  PROP_CURRENT_PORT,
  PROP_PATH,
  PROP_SESSION,
  PROP_CONNECTION,
  PROP_CONTEXT,
  PROP_START_TIMEOUT,
  PROP_SILENCE_AFTER,
  PROP_MAX_GAP_FILL,
  PROP_CALL_SID,
  PROP_STREAM_SID,
  PROP_PARAMETERS,
  PROP_STATS,
};

enum { SIGNAL_ACCEPT, N_SIGNALS };
static guint signals[N_SIGNALS];

#define GST_TYPE_TWILIO_SRC (gst_twilio_src_get_type())
G_DECLARE_FINAL_TYPE(GstTwilioSrc, gst_twilio_src, GST, TWILIO_SRC, GstElement)

struct _GstTwilioSrc {
  GstElement parent_instance;
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
  gchar *call_sid;
  gchar *stream_sid;
  GstStructure *parameters;
  TwilioInbound inbound;
};

G_DEFINE_FINAL_TYPE(GstTwilioSrc, gst_twilio_src, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE(twiliosrc, "twiliosrc", GST_RANK_NONE, GST_TYPE_TWILIO_SRC)

static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(TWILIO_CAPS));

/* Runs @func on the worker: now if this is it, else soon. */
static void
run_on_worker(GstTwilioSrc *self, CordFunc func)
{
  if (cord_worker_is_current(self->inbound.worker))
    func(self);
  else
    cord_worker_post(self->inbound.worker, func, gst_object_ref(self), gst_object_unref);
}

/* ---- what the worker half tells ---- */

static void
remember_call(GstTwilioSrc *self, const TwilioStart *start)
{
  GST_OBJECT_LOCK(self);
  g_free(self->call_sid);
  g_free(self->stream_sid);
  g_clear_pointer(&self->parameters, gst_structure_free);
  self->call_sid = start ? g_strdup(start->call_sid) : NULL;
  self->stream_sid = start ? g_strdup(start->stream_sid) : NULL;
  self->parameters = start ? gst_structure_copy(start->parameters) : NULL;
  GST_OBJECT_UNLOCK(self);
}

static gboolean
on_started(GstElement *element, const TwilioStart *start, GstStructure *structure)
{
  gboolean accepted = TRUE;

  remember_call(GST_TWILIO_SRC(element), start);
  if (g_signal_has_handler_pending(element, signals[SIGNAL_ACCEPT], 0, FALSE))
    g_signal_emit(element, signals[SIGNAL_ACCEPT], 0, structure, &accepted);
  return accepted;
}

static void
on_listening(GstElement *element, guint port)
{
  GstTwilioSrc *self = GST_TWILIO_SRC(element);

  GST_OBJECT_LOCK(self);
  self->current_port = port;
  GST_OBJECT_UNLOCK(self);
  GST_INFO_OBJECT(self, "listening on port %u", port);
  g_object_notify(G_OBJECT(self), "current-port");
}

static const TwilioInboundFuncs inbound_funcs = { on_started, on_listening };

/* ---- states ---- */

static void
attach(gpointer data)
{
  GstTwilioSrc *self = data;
  TwilioInboundSettings settings;

  GST_OBJECT_LOCK(self);
  settings = (TwilioInboundSettings){
    .connection = self->connection ? g_object_ref(self->connection) : NULL,
    .address = g_strdup(self->address),
    .port = self->port,
    .path = g_strdup(self->path),
    .start_timeout = self->start_timeout_ms * GST_MSECOND,
    .silence_after = self->silence_after_ms * GST_MSECOND,
    .max_gap = (guint64)self->max_gap_fill_ms * TWILIO_SAMPLES_PER_MS,
  };
  GST_OBJECT_UNLOCK(self);
  twilio_inbound_attach(&self->inbound, &settings);
}

static void
play(gpointer data)
{
  twilio_inbound_play(&GST_TWILIO_SRC(data)->inbound);
}

static void
detach(gpointer data)
{
  GstTwilioSrc *self = data;

  twilio_inbound_detach(&self->inbound);
  remember_call(self, NULL);
  GST_OBJECT_LOCK(self);
  self->current_port = 0;
  GST_OBJECT_UNLOCK(self);
}

static gboolean
open_session(GstTwilioSrc *self)
{
  g_autofree gchar *name = NULL, *context = NULL;

  GST_OBJECT_LOCK(self);
  name = g_strdup(self->session_name);
  context = g_strdup(self->context);
  GST_OBJECT_UNLOCK(self);
  self->inbound.session = twilio_session_acquire(name);
  if (!twilio_session_claim_source(self->inbound.session, TRUE)) {
    g_clear_pointer(&self->inbound.session, twilio_session_release);
    GST_ELEMENT_ERROR(self, RESOURCE, BUSY, ("Another twiliosrc has the session \"%s\".", name),
                      ("Give each twiliosrc a session of its own."));
    return FALSE;
  }
  self->inbound.worker =
      twilio_session_adopt_worker(self->inbound.session, GST_ELEMENT(self), context);
  return TRUE;
}

static void
close_session(GstTwilioSrc *self)
{
  if (!self->inbound.session)
    return;
  twilio_session_claim_source(self->inbound.session, FALSE);
  g_clear_pointer(&self->inbound.session, twilio_session_release);
  g_clear_object(&self->inbound.worker);
}

static GstStateChangeReturn
gst_twilio_src_change_state(GstElement *element, GstStateChange transition)
{
  GstTwilioSrc *self = GST_TWILIO_SRC(element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !open_session(self))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    run_on_worker(self, attach);
  if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    g_atomic_int_set(&self->inbound.playing, FALSE);

  result = GST_ELEMENT_CLASS(gst_twilio_src_parent_class)->change_state(element, transition);
  if (result == GST_STATE_CHANGE_FAILURE)
    return result;

  switch (transition) {
  case GST_STATE_CHANGE_READY_TO_PAUSED:
  case GST_STATE_CHANGE_PLAYING_TO_PAUSED:
    return GST_STATE_CHANGE_NO_PREROLL;
  case GST_STATE_CHANGE_PAUSED_TO_PLAYING:
    g_atomic_int_set(&self->inbound.playing, TRUE);
    run_on_worker(self, play);
    break;
  case GST_STATE_CHANGE_PAUSED_TO_READY:
    cord_worker_call(self->inbound.worker, detach, self);
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
  twilio_inbound_finish(&GST_TWILIO_SRC(data)->inbound);
}

static gboolean
gst_twilio_src_send_event(GstElement *element, GstEvent *event)
{
  GstTwilioSrc *self = GST_TWILIO_SRC(element);

  if (GST_EVENT_TYPE(event) != GST_EVENT_EOS || !self->inbound.worker)
    return GST_ELEMENT_CLASS(gst_twilio_src_parent_class)->send_event(element, event);
  run_on_worker(self, finish);
  gst_event_unref(event);
  return TRUE;
}

static gboolean
gst_twilio_src_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
    return gst_pad_query_default(pad, parent, query);
  gst_query_set_latency(query, TRUE, TWILIO_FRAME_DURATION, GST_CLOCK_TIME_NONE);
  return TRUE;
}

/* ---- properties ---- */

static void
gst_twilio_src_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstTwilioSrc *self = GST_TWILIO_SRC(object);

  GST_OBJECT_LOCK(self);
  switch (id) {
  case PROP_ADDRESS:
    g_value_set_string(value, self->address);
    break;
  case PROP_PORT:
    g_value_set_uint(value, self->port);
    break;
  case PROP_CURRENT_PORT:
    g_value_set_uint(value, self->current_port);
    break;
  case PROP_PATH:
    g_value_set_string(value, self->path);
    break;
  case PROP_SESSION:
    g_value_set_string(value, self->session_name);
    break;
  case PROP_CONNECTION:
    g_value_set_object(value, self->connection);
    break;
  case PROP_CONTEXT:
    g_value_set_string(value, self->context);
    break;
  case PROP_START_TIMEOUT:
    g_value_set_uint(value, self->start_timeout_ms);
    break;
  case PROP_SILENCE_AFTER:
    g_value_set_uint(value, self->silence_after_ms);
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
  case PROP_STATS:
    g_value_take_boxed(value, twilio_inbound_make_stats(&self->inbound));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    break;
  }
  GST_OBJECT_UNLOCK(self);
}

static void
take_string(gchar **place, const GValue *value, const gchar *fallback)
{
  const gchar *text = g_value_get_string(value);

  g_free(*place);
  *place = g_strdup(text ? text : fallback);
}

static void
gst_twilio_src_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstTwilioSrc *self = GST_TWILIO_SRC(object);

  GST_OBJECT_LOCK(self);
  switch (id) {
  case PROP_ADDRESS:
    take_string(&self->address, value, DEFAULT_ADDRESS);
    break;
  case PROP_PORT:
    self->port = g_value_get_uint(value);
    break;
  case PROP_PATH:
    take_string(&self->path, value, DEFAULT_PATH);
    break;
  case PROP_SESSION:
    take_string(&self->session_name, value, DEFAULT_SESSION);
    break;
  case PROP_CONNECTION:
    g_set_object(&self->connection, g_value_get_object(value));
    break;
  case PROP_CONTEXT:
    take_string(&self->context, value, NULL);
    break;
  case PROP_START_TIMEOUT:
    self->start_timeout_ms = g_value_get_uint(value);
    break;
  case PROP_SILENCE_AFTER:
    self->silence_after_ms = g_value_get_uint(value);
    break;
  case PROP_MAX_GAP_FILL:
    self->max_gap_fill_ms = g_value_get_uint(value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    break;
  }
  GST_OBJECT_UNLOCK(self);
}

static void
gst_twilio_src_finalize(GObject *object)
{
  GstTwilioSrc *self = GST_TWILIO_SRC(object);

  g_free(self->address);
  g_free(self->path);
  g_free(self->session_name);
  g_free(self->context);
  g_free(self->call_sid);
  g_free(self->stream_sid);
  g_clear_pointer(&self->parameters, gst_structure_free);
  g_clear_object(&self->connection);
  twilio_inbound_clear(&self->inbound);
  G_OBJECT_CLASS(gst_twilio_src_parent_class)->finalize(object);
}

static void
install_settings(GObjectClass *klass)
{
  const GParamFlags ready = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  g_object_class_install_property(klass, PROP_ADDRESS,
                                  g_param_spec_string("address", "Address",
                                                      "Address to listen on, without a connection",
                                                      DEFAULT_ADDRESS, ready));
  g_object_class_install_property(
      klass, PROP_PORT,
      g_param_spec_uint("port", "Port",
                        "TCP port to listen on, without a connection (0 = any free port)", 0, 65535,
                        DEFAULT_PORT, ready));
  g_object_class_install_property(klass, PROP_PATH,
                                  g_param_spec_string("path", "Path",
                                                      "Path of the WebSocket, without a connection",
                                                      DEFAULT_PATH, ready));
  g_object_class_install_property(
      klass, PROP_SESSION,
      g_param_spec_string("session", "Session",
                          "Name under which a twiliosink finds this stream in the process",
                          DEFAULT_SESSION, ready));
  g_object_class_install_property(
      klass, PROP_CONNECTION,
      g_param_spec_object("connection", "Connection",
                          "WebSocket of a carrier that an application has accepted",
                          CORD_TYPE_WEBSOCKET, ready));
  g_object_class_install_property(
      klass, PROP_CONTEXT,
      g_param_spec_string("context", "Context",
                          "Name of the media thread to share (unset = the application's or a "
                          "private one)",
                          NULL, ready));
  g_object_class_install_property(
      klass, PROP_START_TIMEOUT,
      g_param_spec_uint("start-timeout", "Start timeout",
                        "How long a carrier may take to start its stream, ms (0 = for ever)", 0,
                        G_MAXUINT, DEFAULT_START_TIMEOUT, ready));
  g_object_class_install_property(
      klass, PROP_SILENCE_AFTER,
      g_param_spec_uint("silence-after", "Silence after",
                        "How long nothing may arrive before silence is made in its place, ms "
                        "(0 = never)",
                        0, G_MAXUINT, DEFAULT_SILENCE_AFTER, ready));
  g_object_class_install_property(
      klass, PROP_MAX_GAP_FILL,
      g_param_spec_uint("max-gap-fill", "Maximum gap fill",
                        "Longest gap of the carrier's timestamps that is filled with silence, ms; "
                        "a longer one becomes a discontinuity",
                        0, 600000, DEFAULT_MAX_GAP_FILL, ready));
}

static void
install_facts(GObjectClass *klass)
{
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  g_object_class_install_property(klass, PROP_CURRENT_PORT,
                                  g_param_spec_uint("current-port", "Current port",
                                                    "TCP port it listens on (0 = none)", 0, 65535,
                                                    0, readable));
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
  g_object_class_install_property(klass, PROP_STATS,
                                  g_param_spec_boxed("stats", "Statistics",
                                                     "Counters of the stream and of its faults",
                                                     GST_TYPE_STRUCTURE, readable));
}

static void
gst_twilio_src_init(GstTwilioSrc *self)
{
  self->address = g_strdup(DEFAULT_ADDRESS);
  self->path = g_strdup(DEFAULT_PATH);
  self->session_name = g_strdup(DEFAULT_SESSION);
  self->port = DEFAULT_PORT;
  self->start_timeout_ms = DEFAULT_START_TIMEOUT;
  self->silence_after_ms = DEFAULT_SILENCE_AFTER;
  self->max_gap_fill_ms = DEFAULT_MAX_GAP_FILL;
  self->pad = gst_pad_new_from_static_template(&src_template, "src");
  gst_pad_set_query_function(self->pad, gst_twilio_src_query);
  gst_pad_use_fixed_caps(self->pad);
  gst_element_add_pad(GST_ELEMENT(self), self->pad);
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SOURCE);
  twilio_inbound_init(&self->inbound, GST_ELEMENT(self), self->pad, &inbound_funcs);
}

static void
gst_twilio_src_class_init(GstTwilioSrcClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);

  GST_DEBUG_CATEGORY_INIT(twiliosrc_debug, "twiliosrc", 0, "Twilio media stream source");
  object_class->get_property = gst_twilio_src_get_property;
  object_class->set_property = gst_twilio_src_set_property;
  object_class->finalize = gst_twilio_src_finalize;
  element_class->change_state = gst_twilio_src_change_state;
  element_class->send_event = gst_twilio_src_send_event;
  install_settings(object_class);
  install_facts(object_class);

  /**
   * GstTwilioSrc::accept:
   * @self: the source
   * @start: a cordboard/call-started structure: call-sid, stream-sid, account-sid, parameters
   *
   * A carrier starts a stream; emitted on the worker before anything is pushed. An application may
   * look at the parameters, link the rest of the pipeline and set its state.
   *
   * Returns: FALSE to refuse the stream, which is then closed with code 1008
   */
  signals[SIGNAL_ACCEPT] = g_signal_new("accept", G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_LAST, 0,
                                        g_signal_accumulator_first_wins, NULL, NULL, G_TYPE_BOOLEAN,
                                        1, GST_TYPE_STRUCTURE | G_SIGNAL_TYPE_STATIC_SCOPE);

  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "Twilio media stream source", "Source/Network/Audio",
      "Receives the caller's voice of a telephone call over Twilio Media Streams",
      "Cordboard developers");
}
