/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-json.h"
#include "sim-chat.h"
#include "sim-modules.h"

/* Chat completions as OpenAI, Groq and DeepSeek serve them. */

#define CHUNK                                                                                      \
  "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"            \
  "\"model\":\"sim\",\"choices\":[{\"index\":0,\"delta\":%s,\"finish_reason\":%s}]}"

#define USAGE "{\"prompt_tokens\":9,\"completion_tokens\":3,\"total_tokens\":12}"

static gchar *
content_chunk(const gchar *word)
{
  g_autofree gchar *quoted = sim_quote(word);
  g_autofree gchar *delta = g_strdup_printf("{\"content\":%s}", quoted);

  return g_strdup_printf(CHUNK, delta, "null");
}

static gchar *
reasoning_chunk(const gchar *word)
{
  g_autofree gchar *quoted = sim_quote(word);
  g_autofree gchar *delta = g_strdup_printf("{\"content\":null,\"reasoning_content\":%s}", quoted);

  return g_strdup_printf(CHUNK, delta, "null");
}

/* OpenAI and DeepSeek send the name, then pieces of the arguments; Groq sends a call whole. */
static void
add_tools(SimStream *stream, SimExchange *exchange, JsonArray *tools)
{
  gboolean whole = g_str_equal(sim_exchange_get_provider(exchange), "groq");

  for (guint i = 0; i < json_array_get_length(tools); i++) {
    JsonObject *tool = json_array_get_object_element(tools, i);
    JsonObject *object = cord_json_peek_object(tool, "arguments");
    g_autofree gchar *arguments = object ? cord_json_print_object(object) : g_strdup("");
    g_autofree gchar *quoted = sim_quote(arguments);
    g_autofree gchar *id = sim_id(sim_exchange_get_server(exchange), "call_");
    gsize half = strlen(arguments) / 2;
    g_autofree gchar *first = g_strndup(arguments, half);
    g_autofree gchar *begin = sim_quote(first);
    g_autofree gchar *rest = sim_quote(arguments + half);
    const gchar *pieces[] = { begin, rest };
    g_autofree gchar *open = g_strdup_printf(
        "{\"tool_calls\":[{\"index\":%u,\"id\":\"%s\",\"type\":\"function\",\"function\":"
        "{\"name\":\"%s\",\"arguments\":%s}}]}",
        i, id, cord_json_peek_string(tool, "name", ""), whole ? quoted : "\"\"");

    sim_stream_add(stream, NULL, g_strdup_printf(CHUNK, open, "null"));
    for (guint j = 0; !whole && j < 2; j++) {
      g_autofree gchar *piece = g_strdup_printf(
          "{\"tool_calls\":[{\"index\":%u,\"function\":{\"arguments\":%s}}]}", i, pieces[j]);

      sim_stream_add(stream, NULL, g_strdup_printf(CHUNK, piece, "null"));
    }
  }
}

static void
find_last(JsonArray *messages, const gchar **said, const gchar **result)
{
  guint n = json_array_get_length(messages);
  JsonObject *last;

  for (guint i = 0; i < n; i++) {
    JsonObject *message = json_array_get_object_element(messages, i);

    if (g_str_equal(cord_json_peek_string(message, "role", ""), "user"))
      *said = cord_json_peek_string(message, "content", "");
  }
  last = n > 0 ? json_array_get_object_element(messages, n - 1) : NULL;
  if (last && g_str_equal(cord_json_peek_string(last, "role", ""), "tool"))
    *result = cord_json_peek_string(last, "content", "");
}

static void
refuse(SimExchange *exchange, guint status, const gchar *type, const gchar *code,
       const gchar *message)
{
  g_autofree gchar *text = g_strdup_printf(
      "{\"error\":{\"message\":\"%s\",\"type\":\"%s\",\"param\":null,\"code\":\"%s\"}}", message,
      type, code);

  sim_exchange_answer(exchange, status, "application/json", text, -1);
}

/* An assistant's calls must each be answered, directly behind them. */
static gboolean
check_messages(JsonArray *messages)
{
  guint waiting = 0;

  for (guint i = 0; i < json_array_get_length(messages); i++) {
    JsonObject *message = json_array_get_object_element(messages, i);
    JsonArray *calls = cord_json_peek_array(message, "tool_calls");
    gboolean tool = g_str_equal(cord_json_peek_string(message, "role", ""), "tool");

    if ((waiting > 0) != tool)
      return FALSE;
    waiting = calls ? json_array_get_length(calls) : tool ? waiting - 1 : 0;
  }
  return waiting == 0;
}

/* OpenAI counts in a chunk without choices, the others in the last one with them. */
static void
add_end(SimStream *stream, SimExchange *exchange, const gchar *reason)
{
  const gchar *provider = sim_exchange_get_provider(exchange);
  g_autofree gchar *quoted = sim_quote(reason);
  g_autofree gchar *last = g_strdup_printf(
      CHUNK,
      g_str_equal(provider, "deepseek") ? "{\"content\":\"\",\"reasoning_content\":null}" : "{}",
      quoted);

  if (g_str_equal(provider, "openai")) {
    sim_stream_add(stream, NULL, g_steal_pointer(&last));
    sim_stream_add(
        stream, NULL,
        g_strdup("{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\","
                 "\"created\":1700000000,\"model\":\"sim\",\"choices\":[],\"usage\":" USAGE "}"));
    return;
  }
  /* the chunk's last bracket is opened again */
  last[strlen(last) - 1] = '\0';
  sim_stream_add(stream, NULL,
                 g_str_equal(provider, "groq")
                     ? g_strdup_printf("%s,\"x_groq\":{\"id\":\"req_1\",\"usage\":" USAGE
                                       "},\"usage\":" USAGE "}",
                                       last)
                     : g_strdup_printf("%s,\"usage\":" USAGE "}", last));
}

/* DeepSeek: what was thought before a call must come back with it, if only as an empty text. */
static gboolean
lacks_reasoning(SimExchange *exchange, JsonObject *body, JsonArray *messages)
{
  JsonObject *thinking = cord_json_peek_object(body, "thinking");

  if (!g_str_equal(sim_exchange_get_provider(exchange), "deepseek") ||
      g_str_equal(cord_json_peek_string(thinking, "type", ""), "disabled"))
    return FALSE;
  for (guint i = 0; i < json_array_get_length(messages); i++) {
    JsonObject *message = json_array_get_object_element(messages, i);

    if (cord_json_peek_array(message, "tool_calls") &&
        !cord_json_peek_string(message, "reasoning_content", NULL))
      return TRUE;
  }
  return FALSE;
}

static void
on_request(SimExchange *exchange)
{
  JsonObject *body = sim_exchange_get_json(exchange);
  JsonArray *messages = body ? cord_json_peek_array(body, "messages") : NULL;
  const gchar *key = sim_exchange_get_header(exchange, "authorization");
  const gchar *said = NULL, *result = NULL;
  SimStream *stream;
  SimReply *reply;

  if (key && strstr(key, "wrong")) {
    refuse(exchange, 401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided");
    return;
  }
  if (!messages || !check_messages(messages)) {
    refuse(exchange, 400, "invalid_request_error", "invalid_value",
           "messages are missing, or a tool call was not answered");
    return;
  }
  if (lacks_reasoning(exchange, body, messages)) {
    refuse(exchange, 400, "invalid_request_error", "invalid_request_error",
           "The reasoning_content in the thinking mode must be passed back to the API.");
    return;
  }
  find_last(messages, &said, &result);
  reply = sim_reply_new(exchange, said, result);
  stream = sim_stream_new();
  sim_stream_add(stream, NULL,
                 g_strdup_printf(CHUNK, "{\"role\":\"assistant\",\"content\":\"\"}", "null"));
  if (reply->reasoning)
    sim_stream_add_words(stream, NULL, reply->reasoning, reasoning_chunk);
  sim_stream_add_words(stream, NULL, reply->text, content_chunk);
  if (reply->tools)
    add_tools(stream, exchange, reply->tools);
  add_end(stream, exchange, reply->tools ? "tool_calls" : "stop");
  sim_stream_add(stream, NULL, g_strdup("[DONE]"));
  sim_reply_free(reply);
  sim_stream_start(stream, exchange);
}

void
sim_openai_chat_add(SimServer *server)
{
  static const SimRoute routes[] = {
    { .provider = "openai",
      .method = "POST",
      .path = "/v1/chat/completions",
      .request = on_request },
    { .provider = "groq",
      .method = "POST",
      .path = "/openai/v1/chat/completions",
      .request = on_request },
    { .provider = "deepseek",
      .method = "POST",
      .path = "/chat/completions",
      .request = on_request },
  };

  for (guint i = 0; i < G_N_ELEMENTS(routes); i++)
    sim_server_add(server, &routes[i]);
}
