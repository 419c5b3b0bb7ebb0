/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-json.h"
#include "sim-chat.h"
#include "sim-modules.h"

/* Google's Gemini: chunks end with the connection, calls come whole and without an id. */

#define SIGNATURE "c2ltdWxhdGVk"
#define WRONG_KEY                                                                                  \
  "{\"error\":{\"code\":400,\"message\":\"API key not valid.\",\"status\":\"INVALID_ARGUMENT\","   \
  "\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\","                          \
  "\"reason\":\"API_KEY_INVALID\"}]}}"

static gchar *
text_chunk(const gchar *word)
{
  g_autofree gchar *quoted = sim_quote(word);

  return g_strdup_printf("{\"candidates\":[{\"content\":{\"parts\":[{\"text\":%s}],\"role\":"
                         "\"model\"},\"index\":0}],\"modelVersion\":\"sim\"}",
                         quoted);
}

static void
refuse(SimExchange *exchange, guint status, const gchar *name, const gchar *message)
{
  g_autofree gchar *text = g_strdup_printf(
      "{\"error\":{\"code\":%u,\"message\":\"%s\",\"status\":\"%s\"}}", status, message, name);

  sim_exchange_answer(exchange, status, "application/json", text, -1);
}

/* Calls must come back with the signature that they were given with. */
static gboolean
read_last(JsonArray *contents, const gchar **said, gchar **result)
{
  for (guint i = 0; i < json_array_get_length(contents); i++) {
    JsonObject *content = json_array_get_object_element(contents, i);
    JsonArray *parts = cord_json_peek_array(content, "parts");
    gboolean user = g_str_equal(cord_json_peek_string(content, "role", ""), "user");

    g_clear_pointer(result, g_free);
    for (guint j = 0; parts && j < json_array_get_length(parts); j++) {
      JsonObject *part = json_array_get_object_element(parts, j);
      JsonObject *response = cord_json_peek_object(part, "functionResponse");

      if (json_object_has_member(part, "functionCall") &&
          g_strcmp0(cord_json_peek_string(part, "thoughtSignature", NULL), SIGNATURE) != 0)
        return FALSE;
      if (response && cord_json_peek_object(response, "response")) {
        g_free(*result);
        *result = cord_json_print_object(cord_json_peek_object(response, "response"));
      } else if (user) {
        *said = cord_json_peek_string(part, "text", "");
      }
    }
  }
  return json_array_get_length(contents) > 0;
}

static void
add_tools(SimStream *stream, JsonArray *tools)
{
  for (guint i = 0; i < json_array_get_length(tools); i++) {
    JsonObject *tool = json_array_get_object_element(tools, i);
    JsonObject *object = cord_json_peek_object(tool, "arguments");
    g_autofree gchar *arguments = object ? cord_json_print_object(object) : g_strdup("{}");

    sim_stream_add(stream, NULL,
                   g_strdup_printf("{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":"
                                   "{\"name\":\"%s\",\"args\":%s},\"thoughtSignature\":\"%s\"}],"
                                   "\"role\":\"model\"},\"index\":0}]}",
                                   cord_json_peek_string(tool, "name", ""), arguments, SIGNATURE));
  }
}

static void
on_request(SimExchange *exchange)
{
  JsonObject *body = sim_exchange_get_json(exchange);
  JsonArray *contents = body ? cord_json_peek_array(body, "contents") : NULL;
  const gchar *key = sim_exchange_get_header(exchange, "x-goog-api-key");
  const gchar *said = NULL;
  g_autofree gchar *result = NULL;
  SimStream *stream;
  SimReply *reply;

  if (!key || strstr(key, "wrong")) {
    sim_exchange_answer(exchange, 400, "application/json", WRONG_KEY, -1);
    return;
  }
  if (!contents || !read_last(contents, &said, &result)) {
    refuse(exchange, 400, "INVALID_ARGUMENT",
           "contents are missing, or a call lacks its thought signature");
    return;
  }
  reply = sim_reply_new(exchange, said, result);
  stream = sim_stream_new();
  sim_stream_add_words(stream, NULL, reply->text, text_chunk);
  if (reply->tools)
    add_tools(stream, reply->tools);
  sim_stream_add(stream, NULL,
                 g_strdup("{\"candidates\":[{\"content\":{\"role\":\"model\"},\"finishReason\":"
                          "\"STOP\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":9,"
                          "\"candidatesTokenCount\":3,\"totalTokenCount\":12}}"));
  sim_reply_free(reply);
  sim_stream_start(stream, exchange);
}

void
sim_gemini_add(SimServer *server)
{
  static const SimRoute route = {
    .provider = "gemini", .method = "POST", .path = "/v1beta/models/*", .request = on_request
  };

  sim_server_add(server, &route);
}
