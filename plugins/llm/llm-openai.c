/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-error.h"
#include "cord-json.h"
#include "llm-providers.h"

/* Chat completions as OpenAI defined them and everybody else serves them. */

#define LLM_TYPE_OPENAI (llm_openai_get_type())
G_DECLARE_FINAL_TYPE(LlmOpenai, llm_openai, LLM, OPENAI, CordLlmProvider)

struct _LlmOpenai {
  CordLlmProvider parent_instance;
};

G_DEFINE_FINAL_TYPE(LlmOpenai, llm_openai, CORD_TYPE_LLM_PROVIDER)

static void
add_message(JsonBuilder *builder, const gchar *role, const gchar *text)
{
  json_builder_begin_object(builder);
  json_builder_set_member_name(builder, "role");
  json_builder_add_string_value(builder, role);
  json_builder_set_member_name(builder, "content");
  json_builder_add_string_value(builder, text);
  json_builder_end_object(builder);
}

static void
add_string(JsonBuilder *builder, const gchar *name, const gchar *value)
{
  json_builder_set_member_name(builder, name);
  json_builder_add_string_value(builder, value);
}

static void
add_tool_calls(JsonBuilder *builder, GPtrArray *calls)
{
  json_builder_begin_object(builder);
  add_string(builder, "role", "assistant");
  json_builder_set_member_name(builder, "content");
  json_builder_add_null_value(builder);
  json_builder_set_member_name(builder, "tool_calls");
  json_builder_begin_array(builder);
  for (guint i = 0; i < calls->len; i++) {
    const CordLlmToolCall *call = calls->pdata[i];

    json_builder_begin_object(builder);
    add_string(builder, "id", call->id);
    add_string(builder, "type", "function");
    json_builder_set_member_name(builder, "function");
    json_builder_begin_object(builder);
    add_string(builder, "name", call->name);
    add_string(builder, "arguments", call->arguments);
    json_builder_end_object(builder);
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
  json_builder_end_object(builder);
}

static void
add_tool_result(JsonBuilder *builder, const CordLlmMessage *message)
{
  json_builder_begin_object(builder);
  add_string(builder, "role", "tool");
  add_string(builder, "tool_call_id", message->tool_call_id);
  add_string(builder, "content", message->text);
  json_builder_end_object(builder);
}

static void
add_messages(JsonBuilder *builder, CordLlmConversation *conversation, const gchar *system_prompt)
{
  json_builder_set_member_name(builder, "messages");
  json_builder_begin_array(builder);
  if (system_prompt && *system_prompt)
    add_message(builder, "system", system_prompt);
  for (guint i = 0; i < cord_llm_conversation_get_length(conversation); i++) {
    const CordLlmMessage *message = cord_llm_conversation_get(conversation, i);

    if (message->role == CORD_LLM_TOOL)
      add_tool_result(builder, message);
    else if (message->tool_calls)
      add_tool_calls(builder, message->tool_calls);
    else
      add_message(builder, message->role == CORD_LLM_USER ? "user" : "assistant", message->text);
  }
  json_builder_end_array(builder);
}

/* They think before they answer, and refuse a temperature. */
static gboolean
is_reasoning_model(const gchar *model)
{
  return g_str_has_prefix(model, "o1") || g_str_has_prefix(model, "o3") ||
         g_str_has_prefix(model, "o4") || g_str_has_prefix(model, "gpt-5");
}

/* "ollama/llama3" is the model llama3 of a server of one's own. */
static const gchar *
model_of(const CordLlmSettings *settings)
{
  const gchar *model = settings->model && *settings->model ? settings->model : "gpt-4";

  if (g_str_has_prefix(model, "ollama/") || g_str_has_prefix(model, "local/"))
    return strchr(model, '/') + 1;
  return model;
}

static gchar *
make_body(CordLlmConversation *conversation, const CordLlmSettings *settings)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();
  g_autoptr(JsonNode) root = NULL;
  const gchar *model = model_of(settings);

  json_builder_begin_object(builder);
  add_string(builder, "model", model);
  json_builder_set_member_name(builder, "stream");
  json_builder_add_boolean_value(builder, TRUE);
  json_builder_set_member_name(builder, "stream_options");
  json_builder_begin_object(builder);
  json_builder_set_member_name(builder, "include_usage");
  json_builder_add_boolean_value(builder, TRUE);
  json_builder_end_object(builder);
  add_messages(builder, conversation, settings->system_prompt);
  if (settings->tools && json_array_get_length(settings->tools) > 0) {
    json_builder_set_member_name(builder, "tools");
    json_builder_add_value(builder, json_node_init_array(json_node_alloc(), settings->tools));
  }
  if (settings->temperature >= 0 && !is_reasoning_model(model)) {
    json_builder_set_member_name(builder, "temperature");
    json_builder_add_double_value(builder, settings->temperature);
  }
  if (settings->max_tokens > 0) {
    json_builder_set_member_name(builder, "max_completion_tokens");
    json_builder_add_int_value(builder, settings->max_tokens);
  }
  json_builder_end_object(builder);
  root = json_builder_get_root(builder);
  return cord_json_print(root);
}

static gboolean
llm_openai_create_request(CordLlmProvider *provider, CordLlmConversation *conversation,
                          const CordLlmSettings *settings, CordLlmRequest *request, GError **error)
{
  CordLlmProviderClass *klass = CORD_LLM_PROVIDER_GET_CLASS(provider);
  gboolean own_url = settings->url && *settings->url;
  const gchar *url = own_url ? settings->url : klass->default_url;
  gsize length = strlen(url);
  GStrvBuilder *headers;

  if (!own_url && (settings->api_key == NULL || *settings->api_key == '\0')) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED,
                "there is no key for %s: set the property api-key or the environment's %s", url,
                klass->key_variable);
    return FALSE;
  }
  while (length > 0 && url[length - 1] == '/')
    length--;
  request->url = g_strdup_printf("%.*s/chat/completions", (gint)length, url);
  headers = g_strv_builder_new();
  if (settings->api_key && *settings->api_key) {
    g_autofree gchar *value = g_strconcat("Bearer ", settings->api_key, NULL);

    g_strv_builder_add(headers, "Authorization");
    g_strv_builder_add(headers, value);
  }
  request->headers = g_strv_builder_end(headers);
  g_strv_builder_unref(headers);
  request->body = make_body(conversation, settings);
  return TRUE;
}

static void
read_tool_calls(JsonArray *calls, const CordLlmSink *sink, gpointer data)
{
  for (guint i = 0; i < json_array_get_length(calls); i++) {
    JsonNode *node = json_array_get_element(calls, i);
    JsonObject *call = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
    JsonObject *function = cord_json_peek_object(call, "function");
    gint64 index = cord_json_peek_int(call, "index", (gint64)i);

    if (call && index >= 0 && index < 128)
      sink->tool_call((guint)index, cord_json_peek_string(call, "id", NULL),
                      cord_json_peek_string(function, "name", NULL),
                      cord_json_peek_string(function, "arguments", ""), data);
  }
}

static void
read_choice(JsonObject *choice, const CordLlmSink *sink, gpointer data)
{
  JsonObject *delta = cord_json_peek_object(choice, "delta");
  const gchar *text = cord_json_peek_string(delta, "content", NULL);
  JsonArray *calls = cord_json_peek_array(delta, "tool_calls");
  const gchar *reason = cord_json_peek_string(choice, "finish_reason", NULL);

  if (text && *text)
    sink->text(text, data);
  if (calls)
    read_tool_calls(calls, sink, data);
  if (reason)
    sink->finish(reason, data);
}

static CordError
error_code(JsonObject *object)
{
  const gchar *code = cord_json_peek_string(object, "code", "");
  const gchar *type = cord_json_peek_string(object, "type", "");

  if (g_str_equal(code, "insufficient_quota") || g_str_equal(type, "insufficient_quota"))
    return CORD_ERROR_QUOTA;
  return CORD_ERROR_NETWORK;
}

static gboolean
llm_openai_parse_event(CordLlmProvider *provider, const gchar *event, const gchar *text,
                       const CordLlmSink *sink, gpointer data, GError **error)
{
  g_autoptr(JsonObject) root = NULL;
  JsonObject *problem, *usage;
  JsonArray *choices;

  if (g_str_equal(text, "[DONE]"))
    return TRUE;
  root = cord_json_parse_object(text, -1, error);
  if (root == NULL) {
    g_prefix_error(error, "the model's reply: ");
    return FALSE;
  }
  problem = cord_json_peek_object(root, "error");
  if (problem) {
    g_set_error(error, CORD_ERROR, error_code(problem), "the model failed: %s",
                cord_json_peek_string(problem, "message", "it does not say why"));
    return FALSE;
  }
  choices = cord_json_peek_array(root, "choices");
  if (choices && json_array_get_length(choices) > 0 &&
      JSON_NODE_HOLDS_OBJECT(json_array_get_element(choices, 0)))
    read_choice(json_array_get_object_element(choices, 0), sink, data);
  usage = cord_json_peek_object(root, "usage");
  if (usage)
    sink->usage(cord_json_peek_int(usage, "prompt_tokens", 0),
                cord_json_peek_int(usage, "completion_tokens", 0), data);
  return TRUE;
}

static void
llm_openai_class_init(LlmOpenaiClass *klass)
{
  CordLlmProviderClass *provider_class = CORD_LLM_PROVIDER_CLASS(klass);

  provider_class->nick = "openai";
  provider_class->default_url = "https://api.openai.com/v1";
  provider_class->key_variable = "OPENAI_API_KEY";
  provider_class->create_request = llm_openai_create_request;
  provider_class->parse_event = llm_openai_parse_event;
}

static void
llm_openai_init(LlmOpenai *self)
{
}
