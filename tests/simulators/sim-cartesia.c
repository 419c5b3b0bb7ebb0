/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-json.h"
#include "sim-modules.h"

/* Cartesia's voices over a WebSocket: contexts, continuations, flush, cancel, word times. */

#define MS_A_CHARACTER 60

typedef struct {
  gchar *id;
  guint rate;
  gboolean mulaw;
  guint spoken_ms;
  guint flushes;
  gboolean cancelled;
  guint pending; /* words that are still to be said */
  GQueue after;  /* gchar: what is to be told then */
} Context;

static void
free_context(gpointer data)
{
  Context *context = data;

  g_queue_clear_full(&context->after, g_free);
  g_free(context->id);
  g_free(context);
}

static void
free_table(gpointer table)
{
  g_hash_table_unref(table);
}

static gboolean
admit(SimExchange *exchange)
{
  const gchar *key = sim_exchange_get_header(exchange, "authorization");

  if (!key)
    key = sim_exchange_get_header(exchange, "x-api-key");
  if (!key)
    key = sim_exchange_get_query(exchange, "api_key");
  if (key && !strstr(key, "wrong") &&
      (sim_exchange_get_header(exchange, "cartesia-version") ||
       sim_exchange_get_query(exchange, "cartesia_version")))
    return TRUE;
  sim_exchange_answer(exchange, 401, "application/json", "{\"error\":\"Invalid API key\"}", -1);
  return FALSE;
}

static void
on_opened(SimSocket *socket)
{
  sim_socket_set_data(socket, g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_context),
                      free_table);
}

/* What will be said, one message at a time, unless the context is cancelled before. */
typedef struct {
  gchar *id;
  gchar *message;
  gboolean word; /* the last message of one */
} Saying;

static void
free_saying(gpointer data)
{
  Saying *saying = data;

  g_free(saying->id);
  g_free(saying->message);
  g_free(saying);
}

static void
tell(SimSocket *socket, const Context *context, const gchar *message)
{
  if (!context->cancelled)
    sim_socket_send_text(socket, message, -1);
}

static void
say(SimSocket *socket, gpointer data)
{
  Saying *saying = data;
  Context *context = g_hash_table_lookup(sim_socket_get_data(socket), saying->id);

  tell(socket, context, saying->message);
  if (saying->word)
    context->pending--;
  while (context->pending == 0 && !g_queue_is_empty(&context->after)) {
    g_autofree gchar *message = g_queue_pop_head(&context->after);

    tell(socket, context, message);
  }
}

static void
schedule(SimSocket *socket, GstClockTime delay, Context *context, gchar *message, gboolean word)
{
  Saying *saying = g_new0(Saying, 1);

  saying->id = g_strdup(context->id);
  saying->message = message;
  saying->word = word;
  context->pending += word;
  sim_socket_schedule(socket, delay, say, saying, free_saying);
}

/* When all that was asked for has been said */
static void
tell_after(SimSocket *socket, Context *context, gchar *message)
{
  if (context->pending > 0)
    g_queue_push_tail(&context->after, message);
  else
    schedule(socket, 0, context, message, FALSE);
}

static gchar *
chunk(const Context *context, const gchar *word)
{
  g_autoptr(GByteArray) audio = sim_render(word, context->rate, context->mulaw);
  g_autofree gchar *encoded = g_base64_encode(audio->data, audio->len);

  return g_strdup_printf("{\"type\":\"chunk\",\"context_id\":\"%s\",\"data\":\"%s\",\"done\":false,"
                         "\"status_code\":206,\"step_time\":12.5}",
                         context->id, encoded);
}

static gchar *
timestamps(const Context *context, const gchar *word, guint ms)
{
  g_autofree gchar *bare = g_strchomp(g_strdup(word));
  g_autofree gchar *quoted = sim_quote(bare);

  return g_strdup_printf(
      "{\"type\":\"timestamps\",\"context_id\":\"%s\",\"done\":false,\"status_code\":206,"
      "\"word_timestamps\":{\"words\":[%s],\"start\":[%u.%03u],\"end\":[%u.%03u]}}",
      context->id, quoted, context->spoken_ms / 1000, context->spoken_ms % 1000,
      (context->spoken_ms + ms) / 1000, (context->spoken_ms + ms) % 1000);
}

static void
speak(SimSocket *socket, Context *context, const gchar *text)
{
  SimServer *server = sim_socket_get_server(socket);
  GstClockTime delay = *text ? sim_server_get_first_byte(server, "cartesia") : 0;

  while (*text) {
    gsize length = strcspn(text, " ");
    g_autofree gchar *word = NULL;
    guint ms;

    length += text[length] == ' ';
    word = g_strndup(text, length);
    ms = (guint)g_utf8_strlen(word, -1) * MS_A_CHARACTER;
    schedule(socket, delay, context, timestamps(context, word, ms), FALSE);
    schedule(socket, delay, context, chunk(context, word), TRUE);
    context->spoken_ms += ms;
    delay += sim_server_get_token_delay(server, "cartesia");
    text += length;
  }
}

static Context *
find_context(SimSocket *socket, const gchar *id, JsonObject *message)
{
  GHashTable *contexts = sim_socket_get_data(socket);
  JsonObject *format = cord_json_peek_object(message, "output_format");
  Context *context = g_hash_table_lookup(contexts, id);

  if (context)
    return context;
  context = g_new0(Context, 1);
  context->id = g_strdup(id);
  context->rate = format ? (guint)cord_json_peek_int(format, "sample_rate", 16000) : 16000;
  context->mulaw =
      format && g_str_equal(cord_json_peek_string(format, "encoding", ""), "pcm_mulaw");
  g_hash_table_insert(contexts, context->id, context);
  return context;
}

static void
refuse(SimSocket *socket, const gchar *id, const gchar *message)
{
  g_autofree gchar *text = g_strdup_printf(
      "{\"type\":\"error\",%s%s%s\"status_code\":400,\"title\":\"Bad request\",\"message\":\"%s\","
      "\"done\":true}",
      id ? "\"context_id\":\"" : "", id ? id : "", id ? "\"," : "", message);

  sim_socket_send_text(socket, text, -1);
}

static void
on_text(SimSocket *socket, const gchar *text, gsize length)
{
  g_autoptr(JsonObject) message = cord_json_parse_object(text, (gssize)length, NULL);
  const gchar *id = message ? cord_json_peek_string(message, "context_id", NULL) : NULL;
  const gchar *transcript = message ? cord_json_peek_string(message, "transcript", NULL) : NULL;
  Context *context;

  if (!message || !id) {
    refuse(socket, id, message ? "context_id is missing" : "the message is not JSON");
    return;
  }
  if (cord_json_peek_boolean(message, "cancel", FALSE)) {
    context = g_hash_table_lookup(sim_socket_get_data(socket), id);
    if (context)
      context->cancelled = TRUE;
    return;
  }
  if (!transcript || !json_object_has_member(message, "model_id") ||
      !json_object_has_member(message, "voice")) {
    refuse(socket, id, "transcript, model_id and voice are required");
    return;
  }
  context = find_context(socket, id, message);
  speak(socket, context, transcript);
  if (cord_json_peek_boolean(message, "flush", FALSE))
    tell_after(socket, context,
               g_strdup_printf("{\"type\":\"flush_done\",\"context_id\":\"%s\",\"flush_id\":%u,"
                               "\"flush_done\":true,\"done\":false,\"status_code\":206}",
                               id, ++context->flushes));
  if (!cord_json_peek_boolean(message, "continue", FALSE))
    tell_after(socket, context,
               g_strdup_printf("{\"type\":\"done\",\"context_id\":\"%s\",\"done\":true,"
                               "\"status_code\":200}",
                               id));
}

void
sim_cartesia_add(SimServer *server)
{
  static const SimRoute route = { .provider = "cartesia",
                                  .path = "/tts/websocket",
                                  .opened = on_opened,
                                  .text = on_text,
                                  .admit = admit };

  sim_server_add(server, &route);
}
