/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-error.h"
#include "cord-json.h"
#include "llm-json.h"
#include "llm-providers.h"

/* Chat completions as OpenAI defined them and everybody else serves them. */

#define LLM_TYPE_OPENAI (llm_openai_get_type())
G_DECLARE_DERIVABLE_TYPE(LlmOpenai, llm_openai, LLM, OPENAI, CordLlmProvider)

/**
 * LlmOpenaiClass:
 * @max_tokens: what the longest answer is called
 * @takes_reasoning_back: what the model thought goes back with the tools it called
 * @switch_thinking_off: its models think unless they are told not to
 *
 * A dialect.
 */
struct _LlmOpenaiClass {
  CordLlmProviderClass parent_class;

  const gchar *max_tokens;
  gboolean takes_reasoning_back;
  gboolean switch_thinking_off;
};

G_DEFINE_TYPE(LlmOpenai, llm_openai, CORD_TYPE_LLM_PROVIDER)

static void
add_message(JsonBuilder *builder, const gchar *role, const gchar *text)
{
  json_builder_begin_object(builder);
  llm_json_add_string(builder, "role", role);
  llm_json_add_string(builder, "content", text);
  json_builder_end_object(builder);
}

static void
add_tool_calls(JsonBuilder *builder, const CordLlmMessage *message, gboolean reasoning)
{
  GPtrArray *calls = message->tool_calls;

  json_builder_begin_object(builder);
  llm_json_add_string(builder, "role", "assistant");
  json_builder_set_member_name(builder, "content");
  json_builder_add_null_value(builder);
  if (reasoning)
    llm_json_add_string(builder, "reasoning_content", message->opaque);
  json_builder_set_member_name(builder, "tool_calls");
  json_builder_begin_array(builder);
  for (guint i = 0; i < calls->len; i++) {
    const CordLlmToolCall *call = calls->pdata[i];

    json_builder_begin_object(builder);
    llm_json_add_string(builder, "id", call->id);
    llm_json_add_string(builder, "type", "function");
    json_builder_set_member_name(builder, "function");
    json_builder_begin_object(builder);
    llm_json_add_string(builder, "name", call->name);
    llm_json_add_string(builder, "arguments", call->arguments);
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
  llm_json_add_string(builder, "role", "tool");
  llm_json_add_string(builder, "tool_call_id", message->tool_call_id);
  llm_json_add_string(builder, "content", message->text);
  json_builder_end_object(builder);
}

static void
add_messages(JsonBuilder *builder, CordLlmConversation *conversation, const gchar *system_prompt,
             gboolean reasoning)
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
      add_tool_calls(builder, message, reasoning);
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
make_body(const LlmOpenaiClass *dialect, CordLlmConversation *conversation,
          const CordLlmSettings *settings)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();
  g_autoptr(JsonNode) root = NULL;
  const gchar *model = model_of(settings);

  json_builder_begin_object(builder);
  llm_json_add_string(builder, "model", model);
  json_builder_set_member_name(builder, "stream");
  json_builder_add_boolean_value(builder, TRUE);
  json_builder_set_member_name(builder, "stream_options");
  json_builder_begin_object(builder);
  json_builder_set_member_name(builder, "include_usage");
  json_builder_add_boolean_value(builder, TRUE);
  json_builder_end_object(builder);
  add_messages(builder, conversation, settings->system_prompt, dialect->takes_reasoning_back);
  if (settings->tools && json_array_get_length(settings->tools) > 0) {
    json_builder_set_member_name(builder, "tools");
    json_builder_add_value(builder, json_node_init_array(json_node_alloc(), settings->tools));
  }
  if (settings->temperature >= 0 && !is_reasoning_model(model)) {
    json_builder_set_member_name(builder, "temperature");
    json_builder_add_double_value(builder, settings->temperature);
  }
  if (settings->max_tokens > 0) {
    json_builder_set_member_name(builder, dialect->max_tokens);
    json_builder_add_int_value(builder, settings->max_tokens);
  }
  if (dialect->switch_thinking_off && strstr(model, "reasoner") == NULL) {
    json_builder_set_member_name(builder, "thinking");
    json_builder_begin_object(builder);
    llm_json_add_string(builder, "type", "disabled");
    json_builder_end_object(builder);
  }
  json_builder_end_object(builder);
  root = json_builder_get_root(builder);
  return cord_json_print(root);
}

static gboolean
llm_openai_create_request(CordLlmProvider *provider, CordLlmConversation *conversation,
                          const CordLlmSettings *settings, CordLlmRequest *request, GError **error)
{
  g_autofree gchar *base = NULL;
  GStrvBuilder *headers;

  if (!llm_json_check_key(provider, settings, &base, error))
    return FALSE;
  request->url = g_strconcat(base, "/chat/completions", NULL);
  headers = g_strv_builder_new();
  if (settings->api_key && *settings->api_key) {
    g_autofree gchar *value = g_strconcat("Bearer ", settings->api_key, NULL);

    g_strv_builder_add(headers, "Authorization");
    g_strv_builder_add(headers, value);
  }
  request->headers = g_strv_builder_end(headers);
  g_strv_builder_unref(headers);
  request->body = make_body(LLM_OPENAI_GET_CLASS(provider), conversation, settings);
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
  const gchar *thought = cord_json_peek_string(delta, "reasoning_content", NULL);
  JsonArray *calls = cord_json_peek_array(delta, "tool_calls");
  const gchar *reason = cord_json_peek_string(choice, "finish_reason", NULL);

  /* never spoken */
  if (thought)
    sink->opaque(-1, thought, data);
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
  klass->max_tokens = "max_completion_tokens";
}

static void
llm_openai_init(LlmOpenai *self)
{
}

/* Groq: Llama and other open models, fast. */

typedef LlmOpenai LlmGroq;
typedef LlmOpenaiClass LlmGroqClass;
G_DEFINE_TYPE(LlmGroq, llm_groq, LLM_TYPE_OPENAI)

static void
llm_groq_class_init(LlmGroqClass *klass)
{
  CordLlmProviderClass *provider_class = CORD_LLM_PROVIDER_CLASS(klass);

  provider_class->nick = "groq";
  provider_class->default_url = "https://api.groq.com/openai/v1";
  provider_class->key_variable = "GROQ_API_KEY";
}

static void
llm_groq_init(LlmGroq *self)
{
}

/* DeepSeek: its reasoner's thoughts come beside the text, and go back with the tools it called. */

typedef LlmOpenai LlmDeepseek;
typedef LlmOpenaiClass LlmDeepseekClass;
G_DEFINE_TYPE(LlmDeepseek, llm_deepseek, LLM_TYPE_OPENAI)

static void
llm_deepseek_class_init(LlmDeepseekClass *klass)
{
  CordLlmProviderClass *provider_class = CORD_LLM_PROVIDER_CLASS(klass);

  provider_class->nick = "deepseek";
  provider_class->default_url = "https://api.deepseek.com";
  provider_class->key_variable = "DEEPSEEK_API_KEY";
  klass->max_tokens = "max_tokens";
  klass->takes_reasoning_back = TRUE;
  klass->switch_thinking_off = TRUE;
}

static void
llm_deepseek_init(LlmDeepseek *self)
{
}

/* A server of one's own: Ollama, llama.cpp, vLLM, … */

typedef LlmOpenai LlmLocal;
typedef LlmOpenaiClass LlmLocalClass;
G_DEFINE_TYPE(LlmLocal, llm_local, LLM_TYPE_OPENAI)

static void
llm_local_class_init(LlmLocalClass *klass)
{
  CordLlmProviderClass *provider_class = CORD_LLM_PROVIDER_CLASS(klass);

  provider_class->nick = "local";
  provider_class->default_url = "http://127.0.0.1:11434/v1";
  provider_class->key_variable = "LOCAL_API_KEY";
  klass->max_tokens = "max_tokens";
}

static void
llm_local_init(LlmLocal *self)
{
}
