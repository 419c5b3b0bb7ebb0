/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-json.h"
#include "sim-chat.h"
#include "sim-modules.h"

/* Anthropic's Messages. */

static gchar *
text_delta(const gchar *word)
{
  g_autofree gchar *quoted = sim_quote(word);

  return g_strdup_printf("{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
                         "\"text_delta\",\"text\":%s}}",
                         quoted);
}

static void
refuse(SimExchange *exchange, guint status, const gchar *type, const gchar *message)
{
  g_autofree gchar *text = g_strdup_printf("{\"type\":\"error\",\"error\":{\"type\":\"%s\","
                                           "\"message\":\"%s\"},\"request_id\":\"req_1\"}",
                                           type, message);

  sim_exchange_answer(exchange, status, "application/json", text, -1);
}

/* What was said last: a text, or the result of a tool. */
static gboolean
read_last(JsonArray *messages, const gchar **said, const gchar **result)
{
  const gchar *before = "assistant";

  for (guint i = 0; i < json_array_get_length(messages); i++) {
    JsonObject *message = json_array_get_object_element(messages, i);
    const gchar *role = cord_json_peek_string(message, "role", "");
    JsonArray *blocks = cord_json_peek_array(message, "content");

    if (g_str_equal(role, before))
      return FALSE;
    before = role;
    *result = NULL;
    for (guint j = 0; blocks && j < json_array_get_length(blocks); j++) {
      JsonObject *block = json_array_get_object_element(blocks, j);
      const gchar *type = cord_json_peek_string(block, "type", "");

      if (g_str_equal(role, "user") && g_str_equal(type, "text"))
        *said = cord_json_peek_string(block, "text", "");
      else if (g_str_equal(type, "tool_result"))
        *result = cord_json_peek_string(block, "content", "");
    }
  }
  return g_str_equal(before, "user");
}

static void
add_text(SimStream *stream, const gchar *text)
{
  sim_stream_add(stream, "content_block_start",
                 g_strdup("{\"type\":\"content_block_start\",\"index\":0,\"content_block\":"
                          "{\"type\":\"text\",\"text\":\"\"}}"));
  sim_stream_add(stream, "ping", g_strdup("{\"type\":\"ping\"}"));
  sim_stream_add_words(stream, "content_block_delta", text, text_delta);
  sim_stream_add(stream, "content_block_stop",
                 g_strdup("{\"type\":\"content_block_stop\",\"index\":0}"));
}

static void
add_tools(SimStream *stream, SimExchange *exchange, JsonArray *tools)
{
  for (guint i = 0; i < json_array_get_length(tools); i++) {
    JsonObject *tool = json_array_get_object_element(tools, i);
    JsonObject *object = cord_json_peek_object(tool, "arguments");
    g_autofree gchar *arguments = object ? cord_json_print_object(object) : NULL;
    g_autofree gchar *quoted = arguments ? sim_quote(arguments) : NULL;
    g_autofree gchar *id = sim_id(sim_exchange_get_server(exchange), "toolu_");

    sim_stream_add(stream, "content_block_start",
                   g_strdup_printf("{\"type\":\"content_block_start\",\"index\":%u,"
                                   "\"content_block\":{\"type\":\"tool_use\",\"id\":\"%s\","
                                   "\"name\":\"%s\",\"input\":{}}}",
                                   i + 1, id, cord_json_peek_string(tool, "name", "")));
    if (quoted)
      sim_stream_add(stream, "content_block_delta",
                     g_strdup_printf("{\"type\":\"content_block_delta\",\"index\":%u,\"delta\":"
                                     "{\"type\":\"input_json_delta\",\"partial_json\":%s}}",
                                     i + 1, quoted));
    sim_stream_add(stream, "content_block_stop",
                   g_strdup_printf("{\"type\":\"content_block_stop\",\"index\":%u}", i + 1));
  }
}

static void
on_request(SimExchange *exchange)
{
  JsonObject *body = sim_exchange_get_json(exchange);
  JsonArray *messages = body ? cord_json_peek_array(body, "messages") : NULL;
  const gchar *key = sim_exchange_get_header(exchange, "x-api-key");
  const gchar *said = NULL, *result = NULL;
  SimStream *stream;
  SimReply *reply;

  if (!key)
    key = sim_exchange_get_header(exchange, "authorization");
  if (!key || strstr(key, "wrong")) {
    refuse(exchange, 401, "authentication_error", "invalid x-api-key");
    return;
  }
  if (!messages || !cord_json_peek_int(body, "max_tokens", 0) ||
      !sim_exchange_get_header(exchange, "anthropic-version") ||
      !read_last(messages, &said, &result)) {
    refuse(exchange, 400, "invalid_request_error",
           "max_tokens, a version, and messages of alternating roles are required");
    return;
  }
  reply = sim_reply_new(exchange, said, result);
  stream = sim_stream_new();
  sim_stream_add(stream, "message_start",
                 g_strdup("{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":"
                          "\"message\",\"role\":\"assistant\",\"model\":\"sim\",\"content\":[],"
                          "\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":"
                          "9,\"output_tokens\":1}}}"));
  if (*reply->text)
    add_text(stream, reply->text);
  if (reply->tools)
    add_tools(stream, exchange, reply->tools);
  sim_stream_add(stream, "message_delta",
                 g_strdup_printf("{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"%s\","
                                 "\"stop_sequence\":null},\"usage\":{\"output_tokens\":3}}",
                                 reply->tools ? "tool_use" : "end_turn"));
  sim_stream_add(stream, "message_stop", g_strdup("{\"type\":\"message_stop\"}"));
  sim_reply_free(reply);
  sim_stream_start(stream, exchange);
}

void
sim_anthropic_add(SimServer *server)
{
  static const SimRoute route = {
    .provider = "anthropic", .method = "POST", .path = "/v1/messages", .request = on_request
  };

  sim_server_add(server, &route);
}
