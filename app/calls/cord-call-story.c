/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-call-private.h"
#include "cord-json.h"
#include "cord-structure-json.h"
#include "cord-tools.h"

/* What the messages of a call's pipeline mean for its record, its listeners and its end. */

#define MAX_LOST 3           /* failures of a service in a row that a caller bears */
#define MAX_MODEL_FAILURES 2 /* turns in a row that a model does not answer */
#define GOODBYE_DEADLINE                                                                           \
  (20 * GST_SECOND) /* from the model's end_call to the end, whatever is playing */

static void
say_goodbye(gpointer data)
{
  CordCall *self = data;

  self->goodbye = NULL;
  cord_call_hang_up(self, "agent-hangup");
}

static void
submit_tool_result(CordCall *self, const gchar *signal, const gchar *id, const gchar *json)
{
  /* whichever of them thinks */
  static const gchar *const minds[] = { "llm", "realtime" };

  for (guint i = 0; i < G_N_ELEMENTS(minds); i++) {
    g_autoptr(GstElement) mind = gst_bin_get_by_name(GST_BIN(self->pipeline), minds[i]);

    if (mind)
      g_signal_emit_by_name(mind, signal, id, json);
  }
}

typedef struct {
  CordCall *call;
  const gchar *signal;
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

  if (result->call->phase == CORD_CALL_RUNNING)
    submit_tool_result(result->call, result->signal, result->id, result->result);
}

/* What a tool has come to, for those who listen. */
static void
tell_tool_result(CordCall *self, const GstStructure *structure, const CordFunctionCall *run)
{
  g_autoptr(JsonObject) object = json_object_new();
  g_autofree gchar *json = NULL;

  json_object_set_int_member(object, "turn", cord_structure_get_turn(structure));
  json_object_set_string_member(object, "name", run->function_name ? run->function_name : "");
  if (run->arguments)
    json_object_set_member(object, "arguments", json_node_copy(run->arguments));
  if (run->result)
    json_object_set_member(object, "result", json_node_copy(run->result));
  json_object_set_string_member(object, "status", run->status);
  if (run->error_message)
    json_object_set_string_member(object, "error", run->error_message);
  json = cord_json_print_object(object);
  self->owner.event(self, "tool-result", json, self->owner_data);
}

static void
on_tool_call(CordCall *self, const GstStructure *structure)
{
  const gchar *name = gst_structure_get_string(structure, "name");
  const gchar *arguments = gst_structure_get_string(structure, "arguments");
  CordFunctionCall *run = cord_function_call_new();
  ToolResult *result = g_new0(ToolResult, 1);
  gboolean known = cord_tools_run(name, &result->result);

  if (known) {
    self->goodbye_turn = (gint)cord_structure_get_turn(structure);
    if (self->goodbye == NULL)
      self->goodbye = cord_worker_add_timer(self->worker, GOODBYE_DEADLINE, say_goodbye, self);
  }
  run->call_id = g_strdup(self->admission->call_id);
  run->function_name = g_strdup(name);
  run->arguments = arguments ? cord_json_parse(arguments, -1, 0, 0, NULL) : NULL;
  run->status = g_strdup(known ? "completed" : "failed");
  run->error_message = known ? NULL : g_strdup_printf("there is no tool \"%s\"", name);
  run->result = known ? cord_json_parse(result->result, -1, 0, 0, NULL) : NULL;
  cord_journal_function_call(self->journal, run);
  tell_tool_result(self, structure, run);
  /* the element is still inside the call; it gets its answer when it has come out */
  result->call = g_object_ref(self);
  result->signal = cord_tools_get_signal(known);
  result->id = g_strdup(gst_structure_get_string(structure, "id"));
  if (self->leg == CORD_LEG_BROWSER)
    cord_call_tell_browser_tool(self, name, arguments, result->result);
  cord_worker_post(self->worker, deliver_tool_result, result, free_tool_result);
  cord_function_call_unref(run);
}

/* The turn is answered by a recording, and the call may be over behind it. */
static void
on_route(CordCall *self, const GstStructure *structure)
{
  CordRoute route;

  if (!cord_structure_get_route(structure, &route))
    return;
  cord_call_log(self, G_LOG_LEVEL_DEBUG, "turn %u takes the route \"%s\"", route.turn, route.name);
  if (!route.hang_up)
    return;
  self->goodbye_turn = (gint)route.turn;
  if (self->goodbye == NULL)
    self->goodbye =
        cord_worker_add_timer(self->worker, route.duration + GOODBYE_DEADLINE, say_goodbye, self);
}

static void
forget_goodbye(CordCall *self)
{
  self->goodbye_turn = -1;
  g_clear_pointer(&self->goodbye, cord_timer_remove);
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
    forget_goodbye(self);
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
  /* whose end is not there yet has something else to talk of */
  if (self->goodbye_turn >= 0 && (gint)cord_structure_get_turn(structure) > self->goodbye_turn)
    forget_goodbye(self);
}

static void
on_call_stopped(CordCall *self, const GstStructure *structure)
{
  const gchar *reason = gst_structure_get_string(structure, "reason");

  /* EOS follows and ends the call; what it is called is known here */
  if (self->end_reason == NULL && self->phase == CORD_CALL_RUNNING)
    cord_call_log(self, G_LOG_LEVEL_DEBUG, "the stream stopped: %s", reason ? reason : "no reason");
  if (self->expected_end)
    reason = self->expected_end;
  cord_call_end(self, "completed", reason ? reason : "caller-hangup");
}

/* What a service has lost: a voice that has never been heard will not be, others may have had bad
 * luck. A model that fails says so by the agent's own voice. */
static void
on_service(CordCall *self, const GstStructure *structure)
{
  const gchar *service = gst_structure_get_string(structure, "service");
  gboolean mute = service && g_str_has_suffix(service, "tts") && !self->voice_heard;
  CordServiceState state;
  gboolean permanent;

  if (service == NULL || g_str_equal(service, "llmtextgen") ||
      !cord_structure_get_service(structure, &state, &permanent))
    return;
  if (state == CORD_SERVICE_FAILED)
    cord_call_apologize(self, "service-failed");
  else if (state == CORD_SERVICE_LOST && (mute || ++self->lost >= MAX_LOST))
    cord_call_apologize(self, "service-lost");
}

/* Once the agent may ask its caller to say it again. */
void
cord_call_note_model_failure(CordCall *self, const GError *error)
{
  /* what a next try cannot mend */
  static const gint final[] = { GST_RESOURCE_ERROR_NOT_AUTHORIZED, GST_RESOURCE_ERROR_NO_SPACE_LEFT,
                                GST_RESOURCE_ERROR_NOT_FOUND, GST_RESOURCE_ERROR_SETTINGS };
  gboolean over = ++self->model_failures >= MAX_MODEL_FAILURES;

  self->model_failed = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS(final); i++)
    over = over || g_error_matches(error, GST_RESOURCE_ERROR, final[i]);
  if (over)
    cord_call_apologize(self, "service-failed");
}

static void
on_response_finished(CordCall *self, const GstStructure *structure)
{
  const gchar *text = gst_structure_get_string(structure, "text");

  /* the model had nothing to say to it, even when it was asked */
  if (self->goodbye_turn == (gint)cord_structure_get_turn(structure) && (!text || !*text))
    cord_call_hang_up(self, "agent-hangup");
  if (!self->model_failed)
    self->model_failures = 0;
  self->model_failed = FALSE;
}

static void
on_playout(CordCall *self, const GstStructure *structure)
{
  CordPlayout playout;

  if (!cord_structure_get_playout(structure, &playout) || playout.position == 0)
    return;
  self->voice_heard = TRUE;
  self->lost = 0;
}

static const struct {
  const gchar *name;
  void (*handle)(CordCall *self, const GstStructure *structure);
} handlers[] = {
  { CORD_EVENT_TOOL_CALL, on_tool_call },
  { CORD_EVENT_ROUTE, on_route },
  { CORD_EVENT_HEARD, on_heard },
  { CORD_EVENT_TURN_ENDED, on_turn_ended },
  { CORD_EVENT_CALL_STOPPED, on_call_stopped },
  { CORD_EVENT_SERVICE, on_service },
  { CORD_EVENT_PLAYOUT, on_playout },
  { CORD_EVENT_RESPONSE_FINISHED, on_response_finished },
};

/* Makes of a message of the running pipeline what it means for the call. */
void
cord_call_tell(CordCall *self, const GstStructure *structure)
{
  const gchar *name = gst_structure_get_name(structure);

  if (!g_str_equal(name, CORD_EVENT_PLAYOUT)) {
    g_autoptr(GstStructure) shown = gst_structure_copy(structure);
    g_autofree gchar *json = NULL;

    /* a token is nobody's business, used up or not */
    if (g_str_equal(name, CORD_EVENT_CALL_STARTED))
      gst_structure_remove_field(shown, "parameters");
    json = cord_structure_to_json(shown);

    self->owner.event(self,
                      g_str_has_prefix(name, "cordboard/") ? name + strlen("cordboard/") : "dtmf",
                      json, self->owner_data);
  }
  if (self->leg == CORD_LEG_BROWSER)
    cord_call_tell_browser(self, structure);
  cord_call_show_state(self, structure);
  for (guint i = 0; i < G_N_ELEMENTS(handlers); i++) {
    if (g_str_equal(name, handlers[i].name))
      handlers[i].handle(self, structure);
  }
}
