/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-error.h"
#include "cord-http.h"
#include "cord-json.h"
#include "llm-json.h"
#include "llm-providers.h"

/* Google's Gemini: contents of parts, calls that come whole, and a signature of what the model
 * thought that has to be given back with them. */

#define MAX_CALLS 128             /* in one reply */
#define MAX_ARGUMENTS (64 * 1024) /* bytes */
#define NOT_UNDERSTOOD "?"        /* the argument of which that is so */
#define BEGINNING "(The caller has just been connected.)"

#define LLM_TYPE_GEMINI (llm_gemini_get_type())
G_DECLARE_FINAL_TYPE(LlmGemini, llm_gemini, LLM, GEMINI, CordLlmProvider)

struct _LlmGemini {
  CordLlmProvider parent_instance;

  /* of the reply that is read */
  guint calls;
  JsonObject *partial; /* arguments that come in pieces, or NULL */
  LlmUsage usage;
  gboolean any_text;
};

G_DEFINE_FINAL_TYPE(LlmGemini, llm_gemini, CORD_TYPE_LLM_PROVIDER)

/* The request */

static const gchar *
role_of(const CordLlmMessage *message)
{
  return message->role == CORD_LLM_ASSISTANT ? "model" : "user";
}

static void
add_text_part(JsonBuilder *builder, const gchar *text)
{
  if (text == NULL || *text == '\0')
    return;
  json_builder_begin_object(builder);
  llm_json_add_string(builder, "text", text);
  json_builder_end_object(builder);
}

/* Many a call has none of the service's. */
static void
add_id(JsonBuilder *builder, const gchar *id)
{
  if (id && !g_str_has_prefix(id, LLM_OWN_ID))
    llm_json_add_string(builder, "id", id);
}

static void
add_call_part(JsonBuilder *builder, const CordLlmToolCall *call)
{
  json_builder_begin_object(builder);
  json_builder_set_member_name(builder, "functionCall");
  json_builder_begin_object(builder);
  add_id(builder, call->id);
  llm_json_add_string(builder, "name", call->name);
  json_builder_set_member_name(builder, "args");
  json_builder_add_value(builder, llm_json_parse_arguments(call->arguments));
  json_builder_end_object(builder);
  if (call->opaque)
    llm_json_add_string(builder, "thoughtSignature", call->opaque);
  json_builder_end_object(builder);
}

/* A result is known by the tool's name: the calls before it say which. */
static const gchar *
name_of_call(CordLlmConversation *conversation, const gchar *id)
{
  for (guint i = cord_llm_conversation_get_length(conversation); i > 0; i--) {
    const CordLlmMessage *message = cord_llm_conversation_get(conversation, i - 1);

    for (guint j = 0; message->tool_calls && j < message->tool_calls->len; j++) {
      const CordLlmToolCall *call = message->tool_calls->pdata[j];

      if (g_strcmp0(call->id, id) == 0)
        return call->name;
    }
  }
  return "";
}

static void
add_result_part(JsonBuilder *builder, CordLlmConversation *conversation,
                const CordLlmMessage *message)
{
  g_autoptr(JsonNode) result = cord_json_parse(message->text, -1, 0, 0, NULL);

  json_builder_begin_object(builder);
  json_builder_set_member_name(builder, "functionResponse");
  json_builder_begin_object(builder);
  add_id(builder, message->tool_call_id);
  llm_json_add_string(builder, "name", name_of_call(conversation, message->tool_call_id));
  json_builder_set_member_name(builder, "response");
  if (result && JSON_NODE_HOLDS_OBJECT(result)) {
    json_builder_add_value(builder, json_node_copy(result));
  } else {
    json_builder_begin_object(builder);
    llm_json_add_string(builder, "output", message->text);
    json_builder_end_object(builder);
  }
  json_builder_end_object(builder);
  json_builder_end_object(builder);
}

static void
add_parts(JsonBuilder *builder, CordLlmConversation *conversation, const CordLlmMessage *message)
{
  if (message->role == CORD_LLM_TOOL) {
    add_result_part(builder, conversation, message);
    return;
  }
  add_text_part(builder, message->text);
  for (guint i = 0; message->tool_calls && i < message->tool_calls->len; i++)
    add_call_part(builder, message->tool_calls->pdata[i]);
}

static void
open_content(JsonBuilder *builder, const gchar *role)
{
  json_builder_begin_object(builder);
  llm_json_add_string(builder, "role", role);
  json_builder_set_member_name(builder, "parts");
  json_builder_begin_array(builder);
}

static void
close_content(JsonBuilder *builder)
{
  json_builder_end_array(builder);
  json_builder_end_object(builder);
}

static gboolean
is_empty(const CordLlmMessage *message)
{
  return message->role != CORD_LLM_TOOL && message->tool_calls == NULL &&
         (message->text == NULL || *message->text == '\0');
}

static void
add_contents(JsonBuilder *builder, CordLlmConversation *conversation)
{
  const gchar *role = NULL;

  json_builder_set_member_name(builder, "contents");
  json_builder_begin_array(builder);
  for (guint i = 0; i < cord_llm_conversation_get_length(conversation); i++) {
    const CordLlmMessage *message = cord_llm_conversation_get(conversation, i);

    if (is_empty(message))
      continue;
    if (role == NULL && message->role == CORD_LLM_ASSISTANT) {
      open_content(builder, role = "user");
      add_text_part(builder, BEGINNING);
    }
    if (role == NULL || !g_str_equal(role, role_of(message))) {
      if (role)
        close_content(builder);
      open_content(builder, role = role_of(message));
    }
    add_parts(builder, conversation, message);
  }
  if (role)
    close_content(builder);
  json_builder_end_array(builder);
}

static void
add_tools(JsonBuilder *builder, JsonArray *tools)
{
  json_builder_set_member_name(builder, "tools");
  json_builder_begin_array(builder);
  json_builder_begin_object(builder);
  json_builder_set_member_name(builder, "functionDeclarations");
  json_builder_begin_array(builder);
  for (guint i = 0; i < json_array_get_length(tools); i++) {
    JsonObject *function = llm_json_tool_function(tools, i);
    JsonNode *parameters = function ? json_object_get_member(function, "parameters") : NULL;

    if (function == NULL)
      continue;
    json_builder_begin_object(builder);
    llm_json_add_string(builder, "name", cord_json_peek_string(function, "name", ""));
    llm_json_add_string(builder, "description", cord_json_peek_string(function, "description", ""));
    if (parameters) {
      json_builder_set_member_name(builder, "parametersJsonSchema");
      json_builder_add_value(builder, json_node_copy(parameters));
    }
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
  json_builder_end_object(builder);
  json_builder_end_array(builder);
}

static void
add_generation_config(JsonBuilder *builder, const CordLlmSettings *settings)
{
  json_builder_set_member_name(builder, "generationConfig");
  json_builder_begin_object(builder);
  if (settings->temperature >= 0) {
    json_builder_set_member_name(builder, "temperature");
    json_builder_add_double_value(builder, settings->temperature);
  }
  if (settings->max_tokens > 0) {
    json_builder_set_member_name(builder, "maxOutputTokens");
    json_builder_add_int_value(builder, settings->max_tokens);
  }
  if (settings->json)
    llm_json_add_string(builder, "responseMimeType", "application/json");
  /* who thinks before he speaks is silent on the telephone; these models can be told not to */
  if (g_str_has_prefix(settings->model, "gemini-2.5-flash")) {
    json_builder_set_member_name(builder, "thinkingConfig");
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "thinkingBudget");
    json_builder_add_int_value(builder, 0);
    json_builder_end_object(builder);
  }
  json_builder_end_object(builder);
}

static gchar *
make_body(CordLlmConversation *conversation, const CordLlmSettings *settings)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();
  g_autoptr(JsonNode) root = NULL;

  json_builder_begin_object(builder);
  add_contents(builder, conversation);
  if (settings->system_prompt && *settings->system_prompt) {
    json_builder_set_member_name(builder, "systemInstruction");
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "parts");
    json_builder_begin_array(builder);
    add_text_part(builder, settings->system_prompt);
    json_builder_end_array(builder);
    json_builder_end_object(builder);
  }
  if (settings->tools && json_array_get_length(settings->tools) > 0)
    add_tools(builder, settings->tools);
  add_generation_config(builder, settings);
  json_builder_end_object(builder);
  root = json_builder_get_root(builder);
  return cord_json_print(root);
}

static gboolean
llm_gemini_create_request(CordLlmProvider *provider, CordLlmConversation *conversation,
                          const CordLlmSettings *settings, CordLlmRequest *request, GError **error)
{
  LlmGemini *self = LLM_GEMINI(provider);
  g_autofree gchar *base = NULL;
  g_autofree gchar *model = NULL;
  const gchar *headers[] = { NULL, NULL, NULL };

  if (!llm_json_check_key(provider, settings, &base, error))
    return FALSE;
  self->calls = 0;
  self->usage = (LlmUsage){ 0 };
  self->any_text = FALSE;
  g_clear_pointer(&self->partial, json_object_unref);
  if (settings->api_key && *settings->api_key) {
    headers[0] = "x-goog-api-key";
    headers[1] = settings->api_key;
  }
  model = g_uri_escape_string(settings->model, NULL, FALSE);
  request->url = g_strdup_printf("%s/models/%s:streamGenerateContent?alt=sse", base, model);
  request->headers = g_strdupv((gchar **)headers);
  request->body = make_body(conversation, settings);
  return TRUE;
}

/* The reply */

static void
complete_call(LlmGemini *self, const CordLlmSink *sink, gpointer data)
{
  g_autofree gchar *text = json_object_has_member(self->partial, NOT_UNDERSTOOD)
                               ? g_strdup(NOT_UNDERSTOOD)
                               : cord_json_print_object(self->partial);

  g_clear_pointer(&self->partial, json_object_unref);
  sink->tool_call(self->calls - 1, NULL, NULL, text, data);
}

static void
read_call(LlmGemini *self, JsonObject *part, JsonObject *call, const CordLlmSink *sink,
          gpointer data)
{
  JsonObject *args = cord_json_peek_object(call, "args");
  g_autofree gchar *arguments = args ? cord_json_print_object(args) : g_strdup("");
  const gchar *signature = cord_json_peek_string(part, "thoughtSignature", NULL);
  guint index;

  if (self->partial)
    complete_call(self, sink, data);
  index = self->calls++;
  if (cord_json_peek_boolean(call, "willContinue", FALSE))
    self->partial = json_object_new();
  sink->tool_call(index, cord_json_peek_string(call, "id", NULL),
                  cord_json_peek_string(call, "name", NULL), arguments, data);
  if (signature)
    sink->opaque((gint)index, signature, data);
}

/* "$.name": what lies deeper is not taken apart, and the tool is told so. */
static void
read_argument(LlmGemini *self, JsonObject *argument)
{
  const gchar *path = cord_json_peek_string(argument, "jsonPath", "");
  const gchar *name = g_str_has_prefix(path, "$.") ? path + 2 : "";
  const gchar *text = cord_json_peek_string(argument, "stringValue", NULL);
  static const gchar *const kinds[] = { "numberValue", "boolValue", "nullValue" };

  if (*name == '\0' || strpbrk(name, ".["))
    name = NOT_UNDERSTOOD;
  if (text) {
    g_autofree gchar *joined =
        g_strconcat(cord_json_peek_string(self->partial, name, ""), text, NULL);

    if (strlen(joined) <= MAX_ARGUMENTS)
      json_object_set_string_member(self->partial, name, joined);
  }
  for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
    if (json_object_has_member(argument, kinds[i]))
      json_object_set_member(self->partial, name,
                             json_node_copy(json_object_get_member(argument, kinds[i])));
  }
}

/* A call without a name goes on with the one before. */
static void
read_more_of_call(LlmGemini *self, JsonObject *call, const CordLlmSink *sink, gpointer data)
{
  JsonArray *arguments = cord_json_peek_array(call, "partialArgs");

  for (guint i = 0; arguments && i < json_array_get_length(arguments); i++) {
    JsonNode *node = json_array_get_element(arguments, i);

    if (JSON_NODE_HOLDS_OBJECT(node))
      read_argument(self, json_node_get_object(node));
  }
  if (cord_json_peek_boolean(call, "willContinue", FALSE))
    sink->tool_call(self->calls - 1, NULL, NULL, "", data);
  else
    complete_call(self, sink, data);
}

static void
read_part(LlmGemini *self, JsonObject *part, const CordLlmSink *sink, gpointer data)
{
  JsonObject *call = cord_json_peek_object(part, "functionCall");
  const gchar *text = cord_json_peek_string(part, "text", "");

  if (call && cord_json_peek_string(call, "name", NULL)) {
    if (self->calls < MAX_CALLS)
      read_call(self, part, call, sink, data);
  } else if (call && self->partial) {
    read_more_of_call(self, call, sink, data);
  } else if (*text && cord_json_peek_boolean(part, "thought", FALSE)) {
    /* never spoken */
    sink->opaque(-1, "", data);
  } else if (*text) {
    self->any_text = TRUE;
    sink->text(text, data);
  }
}

/* Reasons that mean that nothing more, or nothing at all, will be said. */
static gboolean
check_reason(LlmGemini *self, const gchar *reason, GError **error)
{
  if (g_str_equal(reason, "STOP") || g_str_equal(reason, "MAX_TOKENS") || self->any_text ||
      self->calls > 0)
    return TRUE;
  g_set_error(error, CORD_ERROR,
              g_str_equal(reason, "MALFORMED_FUNCTION_CALL") ? CORD_ERROR_NETWORK
                                                             : CORD_ERROR_INVALID,
              "the model did not answer (%s)", reason);
  return FALSE;
}

static gboolean
read_candidate(LlmGemini *self, JsonObject *candidate, const CordLlmSink *sink, gpointer data,
               GError **error)
{
  JsonObject *content = cord_json_peek_object(candidate, "content");
  JsonArray *parts = content ? cord_json_peek_array(content, "parts") : NULL;
  const gchar *reason = cord_json_peek_string(candidate, "finishReason", NULL);

  for (guint i = 0; parts && i < json_array_get_length(parts); i++) {
    JsonNode *part = json_array_get_element(parts, i);

    if (JSON_NODE_HOLDS_OBJECT(part))
      read_part(self, json_node_get_object(part), sink, data);
  }
  if (reason == NULL)
    return TRUE;
  if (!check_reason(self, reason, error))
    return FALSE;
  if (self->partial)
    complete_call(self, sink, data);
  sink->finish(reason, data);
  return TRUE;
}

static void
read_usage(LlmGemini *self, JsonObject *root, const CordLlmSink *sink, gpointer data)
{
  JsonObject *usage = cord_json_peek_object(root, "usageMetadata");

  if (usage)
    llm_usage_report(&self->usage, cord_json_peek_int(usage, "promptTokenCount", 0),
                     cord_json_peek_int(usage, "candidatesTokenCount", 0) +
                         cord_json_peek_int(usage, "thoughtsTokenCount", 0),
                     sink, data);
}

static gboolean
llm_gemini_parse_event(CordLlmProvider *provider, const gchar *event, const gchar *text,
                       const CordLlmSink *sink, gpointer data, GError **error)
{
  LlmGemini *self = LLM_GEMINI(provider);
  g_autoptr(JsonObject) root = llm_json_parse_event(text, error);
  JsonObject *problem, *feedback;
  JsonArray *candidates;

  if (root == NULL)
    return FALSE;
  problem = cord_json_peek_object(root, "error");
  if (problem) {
    g_set_error(error, CORD_ERROR,
                cord_http_error_code((guint)cord_json_peek_int(problem, "code", 500)),
                "the model failed: %s", cord_json_peek_string(problem, "message", ""));
    return FALSE;
  }
  feedback = cord_json_peek_object(root, "promptFeedback");
  if (feedback && cord_json_peek_string(feedback, "blockReason", NULL))
    return check_reason(self, cord_json_peek_string(feedback, "blockReason", NULL), error);
  read_usage(self, root, sink, data);
  candidates = cord_json_peek_array(root, "candidates");
  if (candidates && json_array_get_length(candidates) > 0 &&
      JSON_NODE_HOLDS_OBJECT(json_array_get_element(candidates, 0)))
    return read_candidate(self, json_array_get_object_element(candidates, 0), sink, data, error);
  return TRUE;
}

static void
llm_gemini_finalize(GObject *object)
{
  g_clear_pointer(&LLM_GEMINI(object)->partial, json_object_unref);
  G_OBJECT_CLASS(llm_gemini_parent_class)->finalize(object);
}

static void
llm_gemini_class_init(LlmGeminiClass *klass)
{
  CordLlmProviderClass *provider_class = CORD_LLM_PROVIDER_CLASS(klass);

  G_OBJECT_CLASS(klass)->finalize = llm_gemini_finalize;
  provider_class->nick = "gemini";
  provider_class->default_url = "https://generativelanguage.googleapis.com/v1beta";
  provider_class->key_variable = "GOOGLE_API_KEY";
  provider_class->create_request = llm_gemini_create_request;
  provider_class->parse_event = llm_gemini_parse_event;
}

static void
llm_gemini_init(LlmGemini *self)
{
}
