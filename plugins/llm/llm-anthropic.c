/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-error.h"
#include "cord-json.h"
#include "llm-json.h"
#include "llm-providers.h"

/* Anthropic's Messages: blocks in messages of alternating roles, events with a type in their data.
 */

#define VERSION "2023-06-01"
#define MAX_TOKENS 1024 /* the service wants a number */
#define MAX_BLOCKS 256
#define MAX_ARGUMENTS (64 * 1024) /* bytes */
#define BEGINNING "(The caller has just been connected.)"

#define LLM_TYPE_ANTHROPIC (llm_anthropic_get_type())
G_DECLARE_FINAL_TYPE(LlmAnthropic, llm_anthropic, LLM, ANTHROPIC, CordLlmProvider)

struct _LlmAnthropic {
  CordLlmProvider parent_instance;

  /* of the reply that is read */
  GHashTable *blocks; /* index -> Block: the calls that are not complete */
  guint calls;
  LlmUsage usage;
  gboolean any_text;
  gchar *stop_reason;
};

/* A call whose arguments are still coming. */
typedef struct {
  guint number;
  gchar *id, *name;
  GString *arguments;
} Block;

static void
free_block(gpointer data)
{
  Block *block = data;

  g_free(block->id);
  g_free(block->name);
  g_string_free(block->arguments, TRUE);
  g_free(block);
}

G_DEFINE_FINAL_TYPE(LlmAnthropic, llm_anthropic, CORD_TYPE_LLM_PROVIDER)

/* The request */

static const gchar *
role_of(const CordLlmMessage *message)
{
  return message->role == CORD_LLM_ASSISTANT ? "assistant" : "user";
}

static void
add_text_block(JsonBuilder *builder, const gchar *text)
{
  /* the service refuses an empty one */
  if (text == NULL || *text == '\0')
    return;
  json_builder_begin_object(builder);
  llm_json_add_string(builder, "type", "text");
  llm_json_add_string(builder, "text", text);
  json_builder_end_object(builder);
}

static void
add_tool_use(JsonBuilder *builder, const CordLlmToolCall *call)
{
  json_builder_begin_object(builder);
  llm_json_add_string(builder, "type", "tool_use");
  llm_json_add_string(builder, "id", call->id);
  llm_json_add_string(builder, "name", call->name);
  json_builder_set_member_name(builder, "input");
  json_builder_add_value(builder, llm_json_parse_arguments(call->arguments));
  json_builder_end_object(builder);
}

static void
add_blocks(JsonBuilder *builder, const CordLlmMessage *message)
{
  if (message->role == CORD_LLM_TOOL) {
    json_builder_begin_object(builder);
    llm_json_add_string(builder, "type", "tool_result");
    llm_json_add_string(builder, "tool_use_id", message->tool_call_id);
    llm_json_add_string(builder, "content", message->text);
    json_builder_end_object(builder);
    return;
  }
  add_text_block(builder, message->text);
  for (guint i = 0; message->tool_calls && i < message->tool_calls->len; i++)
    add_tool_use(builder, message->tool_calls->pdata[i]);
}

static gboolean
is_empty(const CordLlmMessage *message)
{
  return message->role != CORD_LLM_TOOL && message->tool_calls == NULL &&
         (message->text == NULL || *message->text == '\0');
}

static void
open_message(JsonBuilder *builder, const gchar *role)
{
  json_builder_begin_object(builder);
  llm_json_add_string(builder, "role", role);
  json_builder_set_member_name(builder, "content");
  json_builder_begin_array(builder);
}

static void
close_message(JsonBuilder *builder)
{
  json_builder_end_array(builder);
  json_builder_end_object(builder);
}

/* What one side says in a row is one message, and the user begins. */
static void
add_messages(JsonBuilder *builder, CordLlmConversation *conversation)
{
  const gchar *role = NULL;

  json_builder_set_member_name(builder, "messages");
  json_builder_begin_array(builder);
  for (guint i = 0; i < cord_llm_conversation_get_length(conversation); i++) {
    const CordLlmMessage *message = cord_llm_conversation_get(conversation, i);

    if (is_empty(message))
      continue;
    if (role == NULL && message->role == CORD_LLM_ASSISTANT) {
      open_message(builder, role = "user");
      add_text_block(builder, BEGINNING);
    }
    if (role == NULL || !g_str_equal(role, role_of(message))) {
      if (role)
        close_message(builder);
      open_message(builder, role = role_of(message));
    }
    add_blocks(builder, message);
  }
  if (role)
    close_message(builder);
  json_builder_end_array(builder);
}

static void
add_tools(JsonBuilder *builder, JsonArray *tools)
{
  json_builder_set_member_name(builder, "tools");
  json_builder_begin_array(builder);
  for (guint i = 0; i < json_array_get_length(tools); i++) {
    JsonObject *function = llm_json_tool_function(tools, i);
    JsonNode *parameters;

    if (function == NULL)
      continue;
    parameters = json_object_get_member(function, "parameters");
    json_builder_begin_object(builder);
    llm_json_add_string(builder, "name", cord_json_peek_string(function, "name", ""));
    llm_json_add_string(builder, "description", cord_json_peek_string(function, "description", ""));
    json_builder_set_member_name(builder, "input_schema");
    json_builder_add_value(
        builder, parameters ? json_node_copy(parameters)
                            : llm_json_parse_arguments("{\"type\":\"object\",\"properties\":{}}"));
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
}

static gchar *
make_body(CordLlmConversation *conversation, const CordLlmSettings *settings)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();
  g_autoptr(JsonNode) root = NULL;

  json_builder_begin_object(builder);
  llm_json_add_string(builder, "model", settings->model);
  json_builder_set_member_name(builder, "max_tokens");
  json_builder_add_int_value(builder, settings->max_tokens ? settings->max_tokens : MAX_TOKENS);
  json_builder_set_member_name(builder, "stream");
  json_builder_add_boolean_value(builder, TRUE);
  if (settings->system_prompt && *settings->system_prompt)
    llm_json_add_string(builder, "system", settings->system_prompt);
  if (settings->temperature >= 0) {
    json_builder_set_member_name(builder, "temperature");
    json_builder_add_double_value(builder, MIN(settings->temperature, 1));
  }
  if (settings->tools && json_array_get_length(settings->tools) > 0)
    add_tools(builder, settings->tools);
  add_messages(builder, conversation);
  json_builder_end_object(builder);
  root = json_builder_get_root(builder);
  return cord_json_print(root);
}

static gboolean
llm_anthropic_create_request(CordLlmProvider *provider, CordLlmConversation *conversation,
                             const CordLlmSettings *settings, CordLlmRequest *request,
                             GError **error)
{
  LlmAnthropic *self = LLM_ANTHROPIC(provider);
  g_autofree gchar *base = NULL;
  const gchar *headers[] = { "anthropic-version", VERSION, NULL, NULL, NULL };

  if (!llm_json_check_key(provider, settings, &base, error))
    return FALSE;
  g_hash_table_remove_all(self->blocks);
  g_clear_pointer(&self->stop_reason, g_free);
  self->usage = (LlmUsage){ 0 };
  self->calls = 0;
  self->any_text = FALSE;
  if (settings->api_key && *settings->api_key) {
    headers[2] = "x-api-key";
    headers[3] = settings->api_key;
  }
  request->url = g_strconcat(base, "/messages", NULL);
  request->headers = g_strdupv((gchar **)headers);
  request->body = make_body(conversation, settings);
  return TRUE;
}

/* The reply */

static gpointer
key_of(JsonObject *object)
{
  return GINT_TO_POINTER((gint)CLAMP(cord_json_peek_int(object, "index", -1), -1, MAX_BLOCKS));
}

static void
read_block_start(LlmAnthropic *self, JsonObject *object, const CordLlmSink *sink, gpointer data)
{
  JsonObject *content = cord_json_peek_object(object, "content_block");
  Block *block;

  if (g_strcmp0(cord_json_peek_string(content, "type", NULL), "tool_use") != 0 ||
      self->calls >= MAX_BLOCKS)
    return;
  block = g_new0(Block, 1);
  block->number = self->calls++;
  block->id = g_strdup(cord_json_peek_string(content, "id", NULL));
  block->name = g_strdup(cord_json_peek_string(content, "name", NULL));
  block->arguments = g_string_new(NULL);
  g_hash_table_replace(self->blocks, key_of(object), block);
  /* a sign of life; what it is, is told when it is complete */
  sink->tool_call(block->number, NULL, NULL, "", data);
}

static void
read_block_delta(LlmAnthropic *self, JsonObject *object, const CordLlmSink *sink, gpointer data)
{
  JsonObject *delta = cord_json_peek_object(object, "delta");
  const gchar *type = cord_json_peek_string(delta, "type", "");
  const gchar *text;
  Block *block;

  if (g_str_equal(type, "text_delta")) {
    text = cord_json_peek_string(delta, "text", "");
    self->any_text = self->any_text || *text;
    if (*text)
      sink->text(text, data);
  } else if (g_str_equal(type, "input_json_delta")) {
    block = g_hash_table_lookup(self->blocks, key_of(object));
    /* of a block that was never opened nobody knows what it is */
    if (block == NULL || block->arguments->len > MAX_ARGUMENTS)
      return;
    g_string_append(block->arguments, cord_json_peek_string(delta, "partial_json", ""));
    sink->tool_call(block->number, NULL, NULL, "", data);
  }
}

static void
tell_call(const Block *block, const CordLlmSink *sink, gpointer data)
{
  sink->tool_call(block->number, block->id, block->name, block->arguments->str, data);
}

static void
read_block_stop(LlmAnthropic *self, JsonObject *object, const CordLlmSink *sink, gpointer data)
{
  Block *block = g_hash_table_lookup(self->blocks, key_of(object));

  if (block == NULL)
    return;
  tell_call(block, sink, data);
  g_hash_table_remove(self->blocks, key_of(object));
}

static void
read_usage(LlmAnthropic *self, JsonObject *object, const CordLlmSink *sink, gpointer data)
{
  JsonObject *usage = cord_json_peek_object(object, "usage");

  if (usage)
    llm_usage_report(&self->usage, cord_json_peek_int(usage, "input_tokens", 0),
                     cord_json_peek_int(usage, "output_tokens", 0), sink, data);
}

/* It may come twice, and even in the middle of a message that is then told anew: a call that was
 * not complete is none. */
static void
read_message_start(LlmAnthropic *self, JsonObject *object, const CordLlmSink *sink, gpointer data)
{
  g_hash_table_remove_all(self->blocks);
  read_usage(self, cord_json_peek_object(object, "message"), sink, data);
}

static void
read_message_delta(LlmAnthropic *self, JsonObject *object, const CordLlmSink *sink, gpointer data)
{
  const gchar *reason =
      cord_json_peek_string(cord_json_peek_object(object, "delta"), "stop_reason", NULL);

  if (reason) {
    g_free(self->stop_reason);
    self->stop_reason = g_strdup(reason);
  }
  read_usage(self, object, sink, data);
}

static gboolean
read_message_stop(LlmAnthropic *self, const CordLlmSink *sink, gpointer data, GError **error)
{
  const gchar *reason = self->stop_reason ? self->stop_reason : "end_turn";

  if (g_str_equal(reason, "refusal") && !self->any_text) {
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_INVALID, "the model refused to answer");
    return FALSE;
  }
  sink->finish(reason, data);
  return TRUE;
}

static gboolean
read_error(JsonObject *object, GError **error)
{
  JsonObject *problem = cord_json_peek_object(object, "error");
  const gchar *type = problem ? cord_json_peek_string(problem, "type", "") : "";
  gboolean final = g_str_equal(type, "invalid_request_error") ||
                   g_str_equal(type, "authentication_error") ||
                   g_str_equal(type, "permission_error") || g_str_equal(type, "not_found_error");

  g_set_error(error, CORD_ERROR, final ? CORD_ERROR_INVALID : CORD_ERROR_NETWORK,
              "the model failed: %s: %s", type,
              problem ? cord_json_peek_string(problem, "message", "") : "");
  return FALSE;
}

static gboolean
llm_anthropic_parse_event(CordLlmProvider *provider, const gchar *event, const gchar *text,
                          const CordLlmSink *sink, gpointer data, GError **error)
{
  LlmAnthropic *self = LLM_ANTHROPIC(provider);
  g_autoptr(JsonObject) object = llm_json_parse_event(text, error);
  const gchar *type;

  if (object == NULL)
    return FALSE;
  type = cord_json_peek_string(object, "type", "");
  if (g_str_equal(type, "content_block_delta"))
    read_block_delta(self, object, sink, data);
  else if (g_str_equal(type, "content_block_start"))
    read_block_start(self, object, sink, data);
  else if (g_str_equal(type, "content_block_stop"))
    read_block_stop(self, object, sink, data);
  else if (g_str_equal(type, "message_start"))
    read_message_start(self, object, sink, data);
  else if (g_str_equal(type, "message_delta"))
    read_message_delta(self, object, sink, data);
  else if (g_str_equal(type, "message_stop"))
    return read_message_stop(self, sink, data, error);
  else if (g_str_equal(type, "error"))
    return read_error(object, error);
  /* pings, and what is yet to be invented */
  return TRUE;
}

static void
llm_anthropic_finalize(GObject *object)
{
  LlmAnthropic *self = LLM_ANTHROPIC(object);

  g_hash_table_unref(self->blocks);
  g_free(self->stop_reason);
  G_OBJECT_CLASS(llm_anthropic_parent_class)->finalize(object);
}

static void
llm_anthropic_class_init(LlmAnthropicClass *klass)
{
  CordLlmProviderClass *provider_class = CORD_LLM_PROVIDER_CLASS(klass);

  G_OBJECT_CLASS(klass)->finalize = llm_anthropic_finalize;
  provider_class->nick = "anthropic";
  provider_class->default_url = "https://api.anthropic.com/v1";
  provider_class->key_variable = "ANTHROPIC_API_KEY";
  provider_class->create_request = llm_anthropic_create_request;
  provider_class->parse_event = llm_anthropic_parse_event;
}

static void
llm_anthropic_init(LlmAnthropic *self)
{
  self->blocks = g_hash_table_new_full(NULL, NULL, NULL, free_block);
}
