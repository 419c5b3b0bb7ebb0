/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-call-private.h"

#include <string.h>

#include "cord-error.h"

G_DEFINE_FINAL_TYPE(CordCall, cord_call, G_TYPE_OBJECT)

static void
cord_call_finalize(GObject *object)
{
  CordCall *self = CORD_CALL(object);

  g_clear_pointer(&self->expected, cord_admission_unref);
  g_clear_pointer(&self->admission, cord_admission_unref);
  g_clear_pointer(&self->apology, cord_apology_unref);
  g_clear_error(&self->failure);
  g_clear_object(&self->websocket);
  g_clear_object(&self->worker);
  g_clear_object(&self->journal);
  if (self->answer)
    g_string_free(self->answer, TRUE);
  g_free(self->session);
  g_free(self->end_reason);
  g_free(self->expected_end);
  g_free(self->media);
  G_OBJECT_CLASS(cord_call_parent_class)->finalize(object);
}

/* The record of a call that was let in. */
static void
write_end(CordCall *self)
{
  gint64 seconds =
      (gint64)((cord_worker_get_time(self->worker) - self->started + GST_SECOND / 2) / GST_SECOND);
  g_autofree gchar *json =
      g_strdup_printf("{\"status\":\"%s\",\"reason\":\"%s\",\"duration\":%d%s}", self->status,
                      self->end_reason, (gint)seconds, self->media);

  cord_journal_call_ended(self->journal, self->admission->call_id, self->status, self->end_reason,
                          seconds);
  cord_call_log(self, G_LOG_LEVEL_MESSAGE, "call %s after %d s: %s", self->status, (gint)seconds,
                self->end_reason);
  self->owner.event(self, "call-ended", json, self->owner_data);
}

/* The end, in this order: the pipeline, the record, the owner. */
static void
finish(gpointer data)
{
  CordCall *self = data;

  if (self->phase == CORD_CALL_ENDED)
    return;
  self->phase = CORD_CALL_ENDED;
  g_clear_pointer(&self->goodbye, cord_timer_remove);
  g_clear_pointer(&self->levels, cord_call_levels_free);
  self->media = cord_call_describe_media(self);
  if (self->rest)
    gst_element_set_locked_state(self->rest, FALSE);
  if (self->leg == CORD_LEG_BROWSER && self->source)
    g_signal_emit_by_name(self->source, "hang-up", self->end_reason);
  if (self->pipeline)
    gst_element_set_state(self->pipeline, GST_STATE_NULL);
  self->rest = NULL;
  gst_clear_object(&self->source);
  gst_clear_object(&self->pipeline);
  if (self->admission)
    write_end(self);
  else if (self->expected && self->websocket)
    cord_admission_give_up(self->expected);
  self->owner.ended(self, self->owner_data);
}

/* Not from below a running chain function: what follows is posted. */
void
cord_call_end(CordCall *self, const gchar *status, const gchar *reason)
{
  if (self->phase >= CORD_CALL_ENDING)
    return;
  self->phase = CORD_CALL_ENDING;
  if (self->end_reason == NULL) {
    self->status = status;
    self->end_reason = g_strdup(reason);
  }
  cord_worker_post(self->worker, finish, g_object_ref(self), g_object_unref);
}

/* ---- the stream is let in ---- */

/* A browser was let in before it had a stream. */
static gboolean
admit_browser(CordCall *self, GError **error)
{
  if (!cord_admission_claim(self->expected)) {
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED, "the call has its stream");
    return FALSE;
  }
  self->admission = cord_admission_ref(self->expected);
  return TRUE;
}

/* The token decides; a stream that came for a call must show that call's. */
static gboolean
admit(CordCall *self, const gchar *token, const gchar *call_sid, GError **error)
{
  if (self->leg == CORD_LEG_BROWSER)
    return admit_browser(self, error);
  if (self->expected && g_strcmp0(call_sid, self->expected->call_sid) != 0) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED, "it came for call %s",
                self->expected->call_sid);
    return FALSE;
  }
  self->admission = self->owner.admit(self, token, call_sid, self->owner_data, error);
  return self->admission != NULL;
}

static void
write_begin(CordCall *self)
{
  g_autoptr(CordCallRecord) changes = cord_call_record_new();

  changes->id = g_strdup(self->admission->call_id);
  changes->status = g_strdup("in-progress");
  changes->duration_seconds = -1;
  cord_journal_call_updated(self->journal, changes);
}

/* Takes what cord_pipelines_build() has made. */
static void
add_rest(CordCall *self, GstElement *rest)
{
  self->rest = rest;
  /* it is brought up by itself, before or after the source */
  gst_element_set_locked_state(rest, TRUE);
  gst_bin_add(GST_BIN(self->pipeline), rest);
}

/* The source of a call outlives its agent: what an element of the agent returns as an error ends
 * the agent, not the stream. */
static GstFlowReturn
chain_to_agent(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstFlowReturn flow = gst_proxy_pad_chain_default(pad, parent, buffer);

  if (flow != GST_FLOW_NOT_LINKED && flow > GST_FLOW_EOS)
    return flow;
  if (flow != GST_FLOW_EOS)
    cord_call_apologize(g_object_get_data(G_OBJECT(pad), "call"), "pipeline-error");
  return GST_FLOW_OK;
}

static gboolean
link_agent(CordCall *self)
{
  g_autoptr(GstPad) pad = gst_element_get_static_pad(self->rest, "sink");

  if (pad == NULL)
    return FALSE;
  g_object_set_data(G_OBJECT(pad), "call", self);
  gst_pad_set_chain_function(pad, chain_to_agent);
  return gst_element_link(self->source, self->rest);
}

/* The agent gets the caller, if it is ready or can be made so. */
static gboolean
connect_agent(CordCall *self, GError **error)
{
  if (self->rest == NULL && self->failure == NULL) {
    GstElement *rest = cord_pipelines_build(self->pipelines, self->admission->agent, self->leg,
                                            self->session, FALSE, &self->failure);

    if (rest)
      add_rest(self, rest);
  }
  if (self->failure) {
    g_propagate_error(error, g_error_copy(self->failure));
    return FALSE;
  }
  gst_element_set_locked_state(self->rest, FALSE);
  gst_element_set_base_time(self->rest, gst_element_get_base_time(self->pipeline));
  if (link_agent(self) && gst_element_sync_state_with_parent(self->rest))
    return TRUE;
  g_set_error_literal(error, CORD_ERROR, CORD_ERROR_FAILED, "its pipeline cannot be started");
  return FALSE;
}

static gboolean
on_accept(GstElement *source, GstStructure *start, CordCall *self)
{
  const gchar *call_sid = gst_structure_get_string(start, "call-sid");
  const GValue *value = gst_structure_get_value(start, "parameters");
  const gchar *token = value && GST_VALUE_HOLDS_STRUCTURE(value)
                           ? gst_structure_get_string(gst_value_get_structure(value), "token")
                           : NULL;
  g_autoptr(GError) error = NULL;

  if (!admit(self, token, call_sid, &error)) {
    cord_call_log(self, G_LOG_LEVEL_WARNING, "stream of call %s refused: %s",
                  call_sid ? call_sid : "(none)", error->message);
    return FALSE;
  }
  self->started = cord_worker_get_time(self->worker);
  self->phase = CORD_CALL_RUNNING;
  write_begin(self);
  if (connect_agent(self, &error)) {
    cord_call_log(self, G_LOG_LEVEL_MESSAGE, "call from %s answered by \"%s\"",
                  self->admission->from ? self->admission->from : "unknown",
                  self->admission->agent->name);
    return TRUE;
  }
  cord_call_log(self, G_LOG_LEVEL_WARNING, "agent \"%s\" cannot take the call: %s",
                self->admission->agent->name, error->message);
  cord_call_apologize(self, "agent-not-usable");
  return TRUE;
}

/* ---- what the pipeline says ---- */

/* How one member of a fail-over group is, is the group's business until it has no other. */
static gboolean
is_member(GstObject *source)
{
  g_autoptr(GstObject) parent = gst_object_get_parent(source);
  GstElementFactory *factory =
      GST_IS_ELEMENT(parent) ? gst_element_get_factory(GST_ELEMENT(parent)) : NULL;

  return factory && g_str_has_prefix(GST_OBJECT_NAME(factory), "failover");
}

static void
on_element_message(CordCall *self, const GstStructure *structure, GstObject *source)
{
  const gchar *name = gst_structure_get_name(structure);
  gboolean stopped = g_str_equal(name, CORD_EVENT_CALL_STOPPED);

  if (!g_str_has_prefix(name, "cordboard/") && !g_str_equal(name, CORD_EVENT_DTMF))
    return;
  /* a stream that goes before it was let in is over as well */
  if (stopped && self->phase == CORD_CALL_WAITING)
    cord_call_end(self, "failed", "no-stream");
  if (stopped && self->phase == CORD_CALL_APOLOGIZING)
    cord_call_end(self, self->status, self->end_reason);
  if (self->phase == CORD_CALL_RUNNING &&
      !(g_str_equal(name, CORD_EVENT_SERVICE) && is_member(source)))
    cord_call_tell(self, structure);
}

/* Once the agent cannot go on, what its elements still have to say changes nothing. */
static void
on_error(CordCall *self, const GError *error)
{
  switch (self->phase) {
  case CORD_CALL_PREPARED:
    if (self->failure == NULL)
      self->failure = g_error_copy(error);
    break;
  case CORD_CALL_WAITING:
    if (self->rest && self->failure == NULL)
      self->failure = g_error_copy(error);
    break;
  case CORD_CALL_RUNNING:
    cord_call_apologize(self, "pipeline-error");
    break;
  default:
    break;
  }
}

static void
on_problem(CordCall *self, GstMessage *message)
{
  gboolean fatal = GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR;
  g_autoptr(GError) error = NULL;
  g_autofree gchar *debug = NULL;

  if (fatal)
    gst_message_parse_error(message, &error, &debug);
  else
    gst_message_parse_warning(message, &error, &debug);
  if (self->phase < CORD_CALL_ENDING)
    cord_call_log(self, G_LOG_LEVEL_WARNING, "%s: %s", GST_MESSAGE_SRC_NAME(message),
                  error->message);
  if (!fatal && g_str_equal(GST_MESSAGE_SRC_NAME(message), "llm"))
    cord_call_note_model_failure(self, error);
  /* without its source a call has nobody to apologize to */
  if (fatal && self->source && GST_MESSAGE_SRC(message) == GST_OBJECT(self->source))
    cord_call_end(self, "failed", "pipeline-error");
  else if (fatal)
    on_error(self, error);
}

static void
handle_message(CordCall *self, GstMessage *message)
{
  switch (GST_MESSAGE_TYPE(message)) {
  case GST_MESSAGE_ELEMENT:
    on_element_message(self, gst_message_get_structure(message), GST_MESSAGE_SRC(message));
    break;
  case GST_MESSAGE_ERROR:
  case GST_MESSAGE_WARNING:
    on_problem(self, message);
    break;
  case GST_MESSAGE_EOS:
    cord_call_end(self, "completed", "stream-ended");
    break;
  default:
    break;
  }
}

typedef struct {
  CordCall *call;
  GstMessage *message;
} Posted;

static void
handle_posted(gpointer data)
{
  Posted *posted = data;

  handle_message(posted->call, posted->message);
}

static void
free_posted(gpointer data)
{
  Posted *posted = data;

  g_object_unref(posted->call);
  gst_message_unref(posted->message);
  g_free(posted);
}

/* On the worker, below the element that posts; no bus descriptor to poll. */
static GstBusSyncReply
on_bus(GstBus *bus, GstMessage *message, gpointer data)
{
  CordCall *self = data;

  if (cord_worker_is_current(self->worker)) {
    handle_message(self, message);
  } else if (GST_MESSAGE_TYPE(message) &
             (GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING)) {
    Posted *posted = g_new0(Posted, 1);

    posted->call = g_object_ref(self);
    posted->message = gst_message_ref(message);
    cord_worker_post(self->worker, handle_posted, posted, free_posted);
  }
  gst_message_unref(message);
  return GST_BUS_DROP;
}

static void
cord_call_class_init(CordCallClass *klass)
{
  G_OBJECT_CLASS(klass)->finalize = cord_call_finalize;
}

static void
cord_call_init(CordCall *self)
{
  static gint counter;

  self->session = g_strdup_printf("call-%d", g_atomic_int_add(&counter, 1));
  self->goodbye_turn = -1;
  self->status = "failed";
}

/**
 * cord_call_new:
 * @kit: what calls are made of; outlives the call
 * @worker: where it is to live
 * @expected: (nullable): the call that a stream comes for; %NULL when its token will tell
 * @owner: whom to ask and tell
 * @data: for @owner
 *
 * Returns: (transfer full): a call without a stream
 */
CordCall *
cord_call_new(const CordCallKit *kit, CordWorker *worker, CordAdmission *expected,
              const CordCallOwner *owner, gpointer data)
{
  CordCall *self = g_object_new(CORD_TYPE_CALL, NULL);

  self->worker = g_object_ref(worker);
  self->expected = expected ? cord_admission_ref(expected) : NULL;
  self->leg = expected && cord_admission_is_browser(expected) ? CORD_LEG_BROWSER : CORD_LEG_PHONE;
  self->pipelines = kit->pipelines;
  self->apology = cord_apology_ref(kit->apology);
  self->journal = g_object_ref(kit->journal);
  self->owner = *owner;
  self->owner_data = data;
  return self;
}

/* The pipeline without anything in it. */
static void
put_up(CordCall *self)
{
  g_autoptr(GstContext) context = cord_worker_to_gst_context(self->worker);
  g_autoptr(GstBus) bus = NULL;

  if (self->pipeline)
    return;
  self->pipeline = gst_object_ref_sink(gst_pipeline_new(self->session));
  gst_element_set_context(self->pipeline, context);
  bus = gst_element_get_bus(self->pipeline);
  gst_bus_set_sync_handler(bus, on_bus, g_object_ref(self), g_object_unref);
}

/**
 * cord_call_get_session:
 * @self: a call
 *
 * Returns: the name by which the ends of its pipeline find each other; any thread
 */
const gchar *
cord_call_get_session(CordCall *self)
{
  return self->session;
}

/**
 * cord_call_prepare:
 * @self: a new call, on its worker
 * @rest: (transfer floating): all of its pipeline behind the source
 *
 * Gets the agent ready while the phone rings: its elements go to PAUSED and open their connections.
 */
void
cord_call_prepare(CordCall *self, GstElement *rest)
{
  if (self->phase != CORD_CALL_PREPARED || self->rest) {
    gst_object_unref(gst_object_ref_sink(rest));
    return;
  }
  put_up(self);
  add_rest(self, rest);
  gst_element_set_state(rest, GST_STATE_PAUSED);
}

/**
 * cord_call_start:
 * @self: a call without a stream, on its worker
 * @websocket: (transfer none): the carrier's stream
 *
 * Puts up the source and waits for the carrier's start; the rest of the pipeline joins in when the
 * stream's token was taken.
 */
void
cord_call_start(CordCall *self, CordWebsocket *websocket)
{
  self->websocket = g_object_ref(websocket);
  if (self->phase != CORD_CALL_PREPARED) {
    cord_websocket_close(websocket, 1001, NULL);
    return;
  }
  self->phase = CORD_CALL_WAITING;
  put_up(self);
  self->source = gst_element_factory_make(cord_leg_get_source(self->leg), "src");
  if (self->source == NULL) {
    cord_call_log(self, G_LOG_LEVEL_WARNING,
                  "there is no element \"%s\": GStreamer does not find Cordboard's plugins",
                  cord_leg_get_source(self->leg));
    cord_websocket_close(websocket, 1011, NULL);
    cord_call_end(self, "failed", "agent-not-usable");
    return;
  }
  gst_object_ref_sink(self->source);
  g_object_set(self->source, "session", self->session, "connection", websocket, NULL);
  if (self->leg == CORD_LEG_BROWSER)
    g_object_set(self->source, "agent-name", self->expected->agent->name, NULL);
  g_signal_connect_object(self->source, "accept", G_CALLBACK(on_accept), self, 0);
  gst_bin_add(GST_BIN(self->pipeline), self->source);
  if (gst_element_set_state(self->pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
    cord_call_end(self, "failed", "pipeline-error");
}

/**
 * cord_call_hang_up:
 * @self: a call, on its worker
 * @reason: why: "agent-hangup", "shutdown", …
 *
 * Closes the stream, which ends the call. Twilio then goes on after `<Connect>`.
 */
void
cord_call_hang_up(CordCall *self, const gchar *reason)
{
  if (self->phase >= CORD_CALL_ENDING)
    return;
  cord_call_end(self, self->phase == CORD_CALL_RUNNING ? "completed" : "failed", reason);
  /* a browser is told why, at the end */
  if (self->websocket && self->leg != CORD_LEG_BROWSER)
    cord_websocket_close(self->websocket, 1000, NULL);
}

/**
 * cord_call_expect_end:
 * @self: a call, on its worker
 * @reason: (nullable): what its end is called if the carrier ends the stream: "transferred"; %NULL
 *   to expect nothing any more
 *
 * The carrier was asked to do something with the call that takes it from its agent.
 */
void
cord_call_expect_end(CordCall *self, const gchar *reason)
{
  g_free(self->expected_end);
  self->expected_end = g_strdup(reason);
}

/**
 * cord_call_get_worker:
 * @self: a call
 *
 * Returns: (transfer none): where it lives
 */
CordWorker *
cord_call_get_worker(CordCall *self)
{
  return self->worker;
}

/**
 * cord_call_get_expected:
 * @self: a call
 *
 * Returns: (nullable): the call that its stream has to be for
 */
const CordAdmission *
cord_call_get_expected(CordCall *self)
{
  return self->expected;
}

/**
 * cord_call_get_admission:
 * @self: a call
 *
 * Returns: (nullable): what was decided when it was let in; %NULL before
 */
const CordAdmission *
cord_call_get_admission(CordCall *self)
{
  return self->admission;
}

/**
 * cord_call_get_status:
 * @self: a call that has ended
 *
 * Returns: "completed" or "failed"
 */
const gchar *
cord_call_get_status(CordCall *self)
{
  return self->status;
}

/**
 * cord_call_get_end_reason:
 * @self: a call that has ended
 *
 * Returns: (nullable): why
 */
const gchar *
cord_call_get_end_reason(CordCall *self)
{
  return self->end_reason;
}
