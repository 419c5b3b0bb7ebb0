/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-error.h"
#include "cord-json.h"
#include "llm-json.h"
#include "llm-providers.h"

#define MAX_CALLS 128 /* in one reply */
#define THOUGHT "<think>"
#define THOUGHT_END "</think>"

/* Chat completions as OpenAI defined them and everybody else serves them. */

#define LLM_TYPE_OPENAI (llm_openai_get_type())
G_DECLARE_DERIVABLE_TYPE(LlmOpenai, llm_openai, LLM, OPENAI, CordLlmProvider)

/* Where in a reply of a model that thinks aloud we are. */
typedef enum {
  BEGINNING, /* it may turn out to be a thought */
  THINKING,
  SPEAKING,
} Mode;

/* Of the reply that is read. */
typedef struct {
  LlmUsage usage;
  Mode mode;
  GString *text; /* that is not understood yet */
  guint calls;   /* that came without an index */
  gchar *last_id;
} Reply;

/**
 * LlmOpenaiClass:
 * @max_tokens: what the longest answer is called
 * @takes_reasoning_back: what the model thought goes back with the tools it called
 * @switch_thinking_off: its models think unless they are told not to
 * @has_json_mode: an answer can be asked for that is a JSON object, while it is streamed
 *
 * A dialect.
 */
struct _LlmOpenaiClass {
  CordLlmProviderClass parent_class;

  const gchar *max_tokens;
  gboolean takes_reasoning_back;
  gboolean switch_thinking_off;
  gboolean has_json_mode;
};

typedef Reply LlmOpenaiPrivate;
G_DEFINE_TYPE_WITH_PRIVATE(LlmOpenai, llm_openai, CORD_TYPE_LLM_PROVIDER)

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

/* The first GPT-4s refuse to be asked for it. */
static gboolean
has_json_mode(const LlmOpenaiClass *dialect, const gchar *model)
{
  return dialect->has_json_mode && !g_str_equal(model, "gpt-4") &&
         !g_str_has_prefix(model, "gpt-4-0") && !g_str_has_prefix(model, "gpt-4-32k");
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
  if (settings->json && has_json_mode(dialect, model)) {
    json_builder_set_member_name(builder, "response_format");
    json_builder_begin_object(builder);
    llm_json_add_string(builder, "type", "json_object");
    json_builder_end_object(builder);
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

static void
reset(Reply *reply)
{
  reply->usage = (LlmUsage){ 0 };
  reply->mode = BEGINNING;
  reply->calls = 0;
  g_string_truncate(reply->text, 0);
  g_clear_pointer(&reply->last_id, g_free);
}

static gboolean
llm_openai_create_request(CordLlmProvider *provider, CordLlmConversation *conversation,
                          const CordLlmSettings *settings, CordLlmRequest *request, GError **error)
{
  g_autofree gchar *base = NULL;
  GStrvBuilder *headers;

  if (!llm_json_check_key(provider, settings, &base, error))
    return FALSE;
  reset(llm_openai_get_instance_private(LLM_OPENAI(provider)));
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

/* Not everybody numbers them: then a new one is told by its id, and a piece belongs to the last. */
static gint64
index_of_call(Reply *reply, JsonObject *call)
{
  gint64 index = cord_json_peek_int(call, "index", -1);
  const gchar *id = cord_json_peek_string(call, "id", NULL);

  if (index >= 0)
    return index;
  if (reply->calls == 0 || (id && *id && g_strcmp0(id, reply->last_id) != 0)) {
    reply->calls++;
    g_free(reply->last_id);
    reply->last_id = g_strdup(id);
  }
  return (gint64)reply->calls - 1;
}

static void
read_tool_calls(Reply *reply, JsonArray *calls, const CordLlmSink *sink, gpointer data)
{
  for (guint i = 0; i < json_array_get_length(calls); i++) {
    JsonNode *node = json_array_get_element(calls, i);
    JsonObject *call = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
    JsonObject *function = call ? cord_json_peek_object(call, "function") : NULL;
    gint64 index = call ? index_of_call(reply, call) : -1;

    if (function && index >= 0 && index < MAX_CALLS)
      sink->tool_call((guint)index, cord_json_peek_string(call, "id", NULL),
                      cord_json_peek_string(function, "name", NULL),
                      cord_json_peek_string(function, "arguments", ""), data);
  }
}

/* What is in doubt is kept until there is more of it. */
static void
read_thoughts(Reply *reply, const CordLlmSink *sink, gpointer data)
{
  const gchar *text = reply->text->str;
  const gchar *end;

  if (reply->mode == BEGINNING) {
    while (g_ascii_isspace(*text))
      text++;
    if (g_str_has_prefix(text, THOUGHT))
      reply->mode = THINKING;
    else if (!g_str_has_prefix(THOUGHT, text))
      reply->mode = SPEAKING;
  }
  if (reply->mode == THINKING) {
    end = strstr(text, THOUGHT_END);
    sink->opaque(-1, "", data);
    if (end) {
      g_string_erase(reply->text, 0, end + strlen(THOUGHT_END) - reply->text->str);
      reply->mode = SPEAKING;
    } else if (reply->text->len > 2 * strlen(THOUGHT)) {
      /* only its beginning, and what may be the beginning of its end, are still of use */
      g_string_erase(reply->text, strlen(THOUGHT),
                     (gssize)(reply->text->len - 2 * strlen(THOUGHT)));
    }
  }
  if (reply->mode == SPEAKING && reply->text->len > 0) {
    sink->text(reply->text->str, data);
    g_string_truncate(reply->text, 0);
  }
}

/* Models of one's own write what they think into the text: <think>…</think>, and then the answer.
 */
static void
read_text(Reply *reply, const gchar *text, const CordLlmSink *sink, gpointer data)
{
  if (reply->mode == SPEAKING) {
    sink->text(text, data);
    return;
  }
  g_string_append(reply->text, text);
  read_thoughts(reply, sink, data);
}

static void
read_choice(Reply *reply, JsonObject *choice, const CordLlmSink *sink, gpointer data)
{
  JsonObject *delta = cord_json_peek_object(choice, "delta");
  const gchar *text = delta ? cord_json_peek_string(delta, "content", NULL) : NULL;
  const gchar *thought = delta ? cord_json_peek_string(delta, "reasoning_content", NULL) : NULL;
  JsonArray *calls = delta ? cord_json_peek_array(delta, "tool_calls") : NULL;
  const gchar *reason = cord_json_peek_string(choice, "finish_reason", NULL);

  /* never spoken */
  if (thought)
    sink->opaque(-1, thought, data);
  if (text && *text)
    read_text(reply, text, sink, data);
  if (calls)
    read_tool_calls(reply, calls, sink, data);
  if (reason && reply->mode == BEGINNING && reply->text->len > 0) {
    /* it was no thought after all */
    reply->mode = SPEAKING;
    read_thoughts(reply, sink, data);
  }
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
  if (g_str_equal(type, "invalid_request_error") || g_str_equal(type, "authentication_error"))
    return CORD_ERROR_INVALID;
  return CORD_ERROR_NETWORK;
}

/* {"error": {"message": …}}, or {"error": "…"} */
static gboolean
read_error(JsonObject *root, GError **error)
{
  JsonObject *problem = cord_json_peek_object(root, "error");
  const gchar *text = cord_json_peek_string(root, "error", NULL);

  if (problem == NULL && text == NULL)
    return TRUE;
  g_set_error(error, CORD_ERROR, problem ? error_code(problem) : CORD_ERROR_NETWORK,
              "the model failed: %s",
              problem ? cord_json_peek_string(problem, "message", "it does not say why") : text);
  return FALSE;
}

static void
read_usage(Reply *reply, JsonObject *root, const CordLlmSink *sink, gpointer data)
{
  JsonObject *groq = cord_json_peek_object(root, "x_groq");
  JsonObject *usage = cord_json_peek_object(root, "usage");

  if (usage == NULL && groq)
    usage = cord_json_peek_object(groq, "usage");
  if (usage)
    llm_usage_report(&reply->usage, cord_json_peek_int(usage, "prompt_tokens", 0),
                     cord_json_peek_int(usage, "completion_tokens", 0), sink, data);
}

static gboolean
llm_openai_parse_event(CordLlmProvider *provider, const gchar *event, const gchar *text,
                       const CordLlmSink *sink, gpointer data, GError **error)
{
  Reply *reply = llm_openai_get_instance_private(LLM_OPENAI(provider));
  g_autoptr(JsonObject) root = NULL;
  JsonArray *choices;

  if (g_str_equal(text, "[DONE]"))
    return TRUE;
  root = llm_json_parse_event(text, error);
  if (root == NULL)
    return FALSE;
  if (!read_error(root, error))
    return FALSE;
  choices = cord_json_peek_array(root, "choices");
  if (choices && json_array_get_length(choices) > 0 &&
      JSON_NODE_HOLDS_OBJECT(json_array_get_element(choices, 0)))
    read_choice(reply, json_array_get_object_element(choices, 0), sink, data);
  read_usage(reply, root, sink, data);
  return TRUE;
}

static void
llm_openai_finalize(GObject *object)
{
  Reply *reply = llm_openai_get_instance_private(LLM_OPENAI(object));

  g_string_free(reply->text, TRUE);
  g_free(reply->last_id);
  G_OBJECT_CLASS(llm_openai_parent_class)->finalize(object);
}

static void
llm_openai_class_init(LlmOpenaiClass *klass)
{
  CordLlmProviderClass *provider_class = CORD_LLM_PROVIDER_CLASS(klass);

  G_OBJECT_CLASS(klass)->finalize = llm_openai_finalize;
  provider_class->nick = "openai";
  provider_class->default_url = "https://api.openai.com/v1";
  provider_class->key_variable = "OPENAI_API_KEY";
  provider_class->create_request = llm_openai_create_request;
  provider_class->parse_event = llm_openai_parse_event;
  klass->max_tokens = "max_completion_tokens";
  klass->has_json_mode = TRUE;
}

static void
llm_openai_init(LlmOpenai *self)
{
  Reply *reply = llm_openai_get_instance_private(self);

  reply->text = g_string_new(NULL);
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
  /* it has refused to stream such an answer, and nothing says that it does no more */
  klass->has_json_mode = FALSE;
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
