/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-call.h"

#include <string.h>

#include "cord-structure-json.h"

#define G_LOG_DOMAIN_CALLS "calls"
#define GOODBYE_DEADLINE                                                                           \
  (20 * GST_SECOND) /* from the model's end_call to the end, whatever is playing */

typedef enum {
  PHASE_WAITING, /* for the carrier's start and its token */
  PHASE_RUNNING,
  PHASE_ENDING, /* no more messages are read */
  PHASE_ENDED,
} Phase;

struct _CordCall {
  GObject parent_instance;

  CordWorker *worker;
  CordPipelines *pipelines;
  CordJournal *journal;
  CordCallOwner owner;
  gpointer owner_data;

  Phase phase;
  CordAdmission *expected;  /* whose call the stream says it is; NULL: its token tells */
  CordAdmission *admission; /* whose call it is */
  GstElement *pipeline;
  GstElement *source;
  CordWebsocket *websocket;
  GstClockTime started;
  const gchar *status;
  gchar *end_reason;
  gint goodbye_turn; /* hang up when this turn was heard; -1: none */
  CordTimer *goodbye;
};

G_DEFINE_FINAL_TYPE(CordCall, cord_call, G_TYPE_OBJECT)

#define call_log(self, level, ...)                                                                 \
  g_log_structured(G_LOG_DOMAIN_CALLS, level, "CALL_ID",                                           \
                   (self)->admission ? (self)->admission->call_id : "-", "CALL_SID",               \
                   (self)->admission ? (self)->admission->call_sid : "-", "MESSAGE", __VA_ARGS__)

static void
cord_call_finalize(GObject *object)
{
  CordCall *self = CORD_CALL(object);

  g_clear_pointer(&self->expected, cord_admission_unref);
  g_clear_pointer(&self->admission, cord_admission_unref);
  g_clear_object(&self->websocket);
  g_clear_object(&self->worker);
  g_clear_object(&self->journal);
  g_free(self->end_reason);
  G_OBJECT_CLASS(cord_call_parent_class)->finalize(object);
}

static void
emit(CordCall *self, const gchar *name, const gchar *json)
{
  if (self->admission)
    self->owner.event(self, name, json, self->owner_data);
}

/* The end, in this order: the record, the pipeline, the owner. */
static void
finish(gpointer data)
{
  CordCall *self = data;
  gint64 seconds;

  if (self->phase == PHASE_ENDED)
    return;
  self->phase = PHASE_ENDED;
  g_clear_pointer(&self->goodbye, cord_timer_remove);
  gst_element_set_state(self->pipeline, GST_STATE_NULL);
  gst_clear_object(&self->source);
  gst_clear_object(&self->pipeline);
  if (self->admission) {
    g_autofree gchar *json = NULL;

    seconds = (gint64)((cord_worker_get_time(self->worker) - self->started + GST_SECOND / 2) /
                       GST_SECOND);
    cord_journal_call_ended(self->journal, self->admission->call_id, self->status, self->end_reason,
                            seconds);
    call_log(self, G_LOG_LEVEL_MESSAGE, "call %s after %d s: %s", self->status, (gint)seconds,
             self->end_reason);
    json = g_strdup_printf("{\"status\":\"%s\",\"reason\":\"%s\",\"duration\":%d}", self->status,
                           self->end_reason, (gint)seconds);
    emit(self, "call-ended", json);
  } else if (self->expected) {
    cord_admission_give_up(self->expected);
  }
  self->owner.ended(self, self->owner_data);
}

/* Ends the call for a reason; the first reason stands. Not from below a running chain function:
 * what follows is posted. */
static void
end(CordCall *self, const gchar *status, const gchar *reason)
{
  if (self->phase >= PHASE_ENDING)
    return;
  self->phase = PHASE_ENDING;
  self->status = status;
  self->end_reason = g_strdup(reason);
  cord_worker_post(self->worker, finish, g_object_ref(self), g_object_unref);
}

/* The token decides; a stream that came for a call must show that call's. */
static gboolean
admit(CordCall *self, const gchar *token, const gchar *call_sid, GError **error)
{
  if (self->expected && g_strcmp0(call_sid, self->expected->call_sid) != 0) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED, "it came for call %s",
                self->expected->call_sid);
    return FALSE;
  }
  self->admission = self->owner.admit(token, call_sid, self->owner_data, error);
  return self->admission != NULL;
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
  g_autofree gchar *session = NULL;
  CordCallRecord *changes;
  GstElement *rest;

  if (!admit(self, token, call_sid, &error)) {
    call_log(self, G_LOG_LEVEL_WARNING, "stream of call %s refused: %s",
             call_sid ? call_sid : "(none)", error->message);
    return FALSE;
  }
  self->started = cord_worker_get_time(self->worker);
  self->phase = PHASE_RUNNING;
  g_object_get(source, "session", &session, NULL);
  rest = cord_pipelines_build(self->pipelines, self->admission->agent, session, &error);
  if (rest == NULL) {
    call_log(self, G_LOG_LEVEL_CRITICAL, "agent \"%s\" cannot take calls: %s",
             self->admission->agent->name, error->message);
    end(self, "failed", "agent-not-usable");
    return FALSE;
  }
  gst_bin_add(GST_BIN(self->pipeline), rest);
  if (!gst_element_link(source, rest) || !gst_element_sync_state_with_parent(rest)) {
    call_log(self, G_LOG_LEVEL_CRITICAL, "the pipeline of agent \"%s\" cannot be started",
             self->admission->agent->name);
    end(self, "failed", "agent-not-usable");
    return FALSE;
  }
  changes = cord_call_record_new();
  changes->id = g_strdup(self->admission->call_id);
  changes->status = g_strdup("in-progress");
  changes->duration_seconds = -1;
  cord_journal_call_updated(self->journal, changes);
  cord_call_record_unref(changes);
  call_log(self, G_LOG_LEVEL_MESSAGE, "call from %s answered by \"%s\"",
           self->admission->from ? self->admission->from : "unknown", self->admission->agent->name);
  return TRUE;
}

static void
say_goodbye(gpointer data)
{
  CordCall *self = data;

  self->goodbye = NULL;
  cord_call_hang_up(self, "agent-hangup");
}

static void
submit_tool_result(CordCall *self, const gchar *id, const gchar *json)
{
  g_autoptr(GstElement) llm = gst_bin_get_by_name(GST_BIN(self->pipeline), "llm");

  if (llm)
    g_signal_emit_by_name(llm, "submit-tool-result", id, json);
}

typedef struct {
  CordCall *call;
  gchar *id;
  gchar *result;
} ToolResult;

static void
free_tool_result(gpointer data)
{
  ToolResult *result = data;

  g_object_unref(result->call);
  g_free(result->id);
  g_free(result->result);
  g_free(result);
}

static void
deliver_tool_result(gpointer data)
{
  ToolResult *result = data;

  if (result->call->phase == PHASE_RUNNING)
    submit_tool_result(result->call, result->id, result->result);
}

static void
on_tool_call(CordCall *self, const GstStructure *structure)
{
  const gchar *name = gst_structure_get_string(structure, "name");
  const gchar *arguments = gst_structure_get_string(structure, "arguments");
  gboolean known = g_strcmp0(name, "end_call") == 0;
  CordFunctionCall *run = cord_function_call_new();
  ToolResult *result = g_new0(ToolResult, 1);

  if (known) {
    self->goodbye_turn = (gint)cord_structure_get_turn(structure);
    if (self->goodbye == NULL)
      self->goodbye = cord_worker_add_timer(self->worker, GOODBYE_DEADLINE, say_goodbye, self);
  }
  run->call_id = g_strdup(self->admission->call_id);
  run->function_name = g_strdup(name);
  run->arguments = arguments ? json_from_string(arguments, NULL) : NULL;
  run->status = g_strdup(known ? "completed" : "failed");
  run->error_message = known ? NULL : g_strdup_printf("there is no tool \"%s\"", name);
  run->result = known ? json_from_string("{\"ok\":true}", NULL) : NULL;
  cord_journal_function_call(self->journal, run);
  /* the element is still inside the call; it gets its answer when it has come out */
  result->call = g_object_ref(self);
  result->id = g_strdup(gst_structure_get_string(structure, "id"));
  result->result = known ? g_strdup("{\"ok\":true}")
                         : g_strdup_printf("{\"error\":\"there is no tool %s\"}", name);
  cord_worker_post(self->worker, deliver_tool_result, result, free_tool_result);
  cord_function_call_unref(run);
}

static void
on_heard(CordCall *self, const GstStructure *structure)
{
  const gchar *text = gst_structure_get_string(structure, "text");

  if (text && *text)
    cord_journal_transcript(self->journal, self->admission->call_id, "assistant", text);
  if (self->goodbye_turn == (gint)cord_structure_get_turn(structure)) {
    gboolean interrupted = FALSE;

    /* a caller who cuts in on the goodbye has something to say */
    gst_structure_get_boolean(structure, "interrupted", &interrupted);
    self->goodbye_turn = -1;
    g_clear_pointer(&self->goodbye, cord_timer_remove);
    if (!interrupted)
      cord_call_hang_up(self, "agent-hangup");
  }
}

static void
on_turn_ended(CordCall *self, const GstStructure *structure)
{
  const gchar *text = gst_structure_get_string(structure, "text");

  if (text && *text)
    cord_journal_transcript(self->journal, self->admission->call_id, "user", text);
}

static void
on_call_stopped(CordCall *self, const GstStructure *structure)
{
  const gchar *reason = gst_structure_get_string(structure, "reason");

  /* EOS follows and ends the call; what it is called is known here */
  if (self->end_reason == NULL && self->phase == PHASE_RUNNING)
    call_log(self, G_LOG_LEVEL_DEBUG, "the stream stopped: %s", reason ? reason : "no reason");
  end(self, "completed", reason ? reason : "caller-hangup");
}

static const struct {
  const gchar *name;
  void (*handle)(CordCall *self, const GstStructure *structure);
} handlers[] = {
  { CORD_EVENT_TOOL_CALL, on_tool_call },
  { CORD_EVENT_HEARD, on_heard },
  { CORD_EVENT_TURN_ENDED, on_turn_ended },
  { CORD_EVENT_CALL_STOPPED, on_call_stopped },
};

static void
on_element_message(CordCall *self, const GstStructure *structure)
{
  const gchar *name = gst_structure_get_name(structure);

  if (!g_str_has_prefix(name, "cordboard/") && !g_str_equal(name, CORD_EVENT_DTMF))
    return;
  /* a stream that goes before it was let in is over as well */
  if (self->phase == PHASE_WAITING && g_str_equal(name, CORD_EVENT_CALL_STOPPED))
    end(self, "failed", "no-stream");
  if (self->phase != PHASE_RUNNING)
    return;
  if (!g_str_equal(name, CORD_EVENT_PLAYOUT)) {
    g_autofree gchar *json = cord_structure_to_json(structure);

    emit(self, g_str_has_prefix(name, "cordboard/") ? name + strlen("cordboard/") : "dtmf", json);
  }
  for (guint i = 0; i < G_N_ELEMENTS(handlers); i++) {
    if (g_str_equal(name, handlers[i].name))
      handlers[i].handle(self, structure);
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
  call_log(self, G_LOG_LEVEL_WARNING, "%s: %s", GST_MESSAGE_SRC_NAME(message), error->message);
  if (fatal)
    end(self, "failed", "pipeline-error");
}

static void
handle_message(CordCall *self, GstMessage *message)
{
  switch (GST_MESSAGE_TYPE(message)) {
  case GST_MESSAGE_ELEMENT:
    on_element_message(self, gst_message_get_structure(message));
    break;
  case GST_MESSAGE_ERROR:
  case GST_MESSAGE_WARNING:
    on_problem(self, message);
    break;
  case GST_MESSAGE_EOS:
    end(self, "completed", "stream-ended");
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
  self->goodbye_turn = -1;
  self->status = "failed";
}

/**
 * cord_call_new:
 * @worker: where it is to live
 * @pipelines: outlives the call
 * @journal: where what happens is written
 * @owner: whom to ask and tell
 * @data: for @owner
 *
 * Returns: (transfer full): a call without a stream
 */
CordCall *
cord_call_new(CordWorker *worker, CordPipelines *pipelines, CordJournal *journal,
              const CordCallOwner *owner, gpointer data)
{
  CordCall *self = g_object_new(CORD_TYPE_CALL, NULL);

  self->worker = g_object_ref(worker);
  self->pipelines = pipelines;
  self->journal = g_object_ref(journal);
  self->owner = *owner;
  self->owner_data = data;
  return self;
}

/**
 * cord_call_start:
 * @self: a new call, on its worker
 * @expected: (nullable): the call that the stream has come for; the door was opened to it with
 *   cord_admission_expect()
 * @websocket: (transfer none): the carrier's stream
 *
 * Puts up the source and waits for the carrier's start; the rest of the pipeline follows when the
 * stream's token was taken.
 */
void
cord_call_start(CordCall *self, CordAdmission *expected, CordWebsocket *websocket)
{
  static gint counter;
  g_autofree gchar *session = g_strdup_printf("call-%d", g_atomic_int_add(&counter, 1));
  g_autoptr(GstContext) context = cord_worker_to_gst_context(self->worker);
  g_autoptr(GstBus) bus = NULL;

  self->expected = expected ? cord_admission_ref(expected) : NULL;
  self->websocket = g_object_ref(websocket);
  self->pipeline = gst_object_ref_sink(gst_pipeline_new(session));
  self->source = gst_element_factory_make("twiliosrc", "src");
  gst_object_ref_sink(self->source);
  g_object_set(self->source, "session", session, "connection", websocket, NULL);
  g_signal_connect_object(self->source, "accept", G_CALLBACK(on_accept), self, 0);
  gst_element_set_context(self->pipeline, context);
  gst_bin_add(GST_BIN(self->pipeline), self->source);
  bus = gst_element_get_bus(self->pipeline);
  gst_bus_set_sync_handler(bus, on_bus, g_object_ref(self), g_object_unref);
  if (gst_element_set_state(self->pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
    end(self, "failed", "pipeline-error");
}

/**
 * cord_call_hang_up:
 * @self: a call, on its worker
 * @reason: why: "agent-hangup", "shutdown", …
 *
 * Closes the carrier's stream, which ends the call. Twilio then goes on after `<Connect>`.
 */
void
cord_call_hang_up(CordCall *self, const gchar *reason)
{
  if (self->phase >= PHASE_ENDING)
    return;
  end(self, self->phase == PHASE_RUNNING ? "completed" : "failed", reason);
  if (self->websocket)
    cord_websocket_close(self->websocket, 1000, NULL);
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
