/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-json.h"
#include "sim-modules.h"

/* OpenAI's voices: 24 kHz S16LE for "pcm", in chunks that end anywhere. */

#define RATE 24000
#define STEP 4097           /* bytes, in the middle of a sample */
#define MAX_CHARACTERS 4096 /* characters */

typedef struct {
  GByteArray *audio;
  gsize sent;
} Stream;

static void
free_stream(gpointer data)
{
  Stream *stream = data;

  g_byte_array_unref(stream->audio);
  g_free(stream);
}

static void
write_more(SimExchange *exchange)
{
  Stream *stream = sim_exchange_get_data(exchange);
  gsize size = MIN(STEP, stream->audio->len - stream->sent);

  sim_exchange_write(exchange, stream->audio->data + stream->sent, (gssize)size);
  stream->sent += size;
  if (stream->sent == stream->audio->len)
    sim_exchange_end(exchange);
  else
    sim_exchange_schedule(exchange,
                          sim_server_get_token_delay(sim_exchange_get_server(exchange), "openai"),
                          write_more);
}

static void
begin(SimExchange *exchange)
{
  sim_exchange_begin(exchange, 200, "audio/pcm");
  write_more(exchange);
}

static void
refuse(SimExchange *exchange, guint status, const gchar *code, const gchar *message)
{
  g_autofree gchar *text =
      g_strdup_printf("{\"error\":{\"message\":\"%s\",\"type\":\"invalid_request_error\","
                      "\"param\":null,\"code\":\"%s\"}}",
                      message, code);

  sim_exchange_answer(exchange, status, "application/json", text, -1);
}

static void
on_request(SimExchange *exchange)
{
  JsonObject *body = sim_exchange_get_json(exchange);
  const gchar *key = sim_exchange_get_header(exchange, "authorization");
  const gchar *text = body ? cord_json_peek_string(body, "input", NULL) : NULL;
  Stream *stream;

  if (!key || strstr(key, "wrong")) {
    refuse(exchange, 401, "invalid_api_key", "Incorrect API key provided");
    return;
  }
  if (!text || g_utf8_strlen(text, -1) > MAX_CHARACTERS ||
      !g_str_equal(cord_json_peek_string(body, "response_format", "mp3"), "pcm")) {
    refuse(exchange, 400, "invalid_value", "input, and the response_format pcm, are wanted here");
    return;
  }
  stream = g_new0(Stream, 1);
  stream->audio = sim_render(text, RATE, FALSE);
  sim_exchange_set_data(exchange, stream, free_stream);
  sim_exchange_schedule(
      exchange, sim_server_get_first_byte(sim_exchange_get_server(exchange), "openai"), begin);
}

void
sim_openai_speech_add(SimServer *server)
{
  static const SimRoute route = {
    .provider = "openai", .method = "POST", .path = "/v1/audio/speech", .request = on_request
  };

  sim_server_add(server, &route);
}
