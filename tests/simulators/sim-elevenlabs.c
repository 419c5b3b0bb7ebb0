/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "cord-json.h"
#include "sim-modules.h"
#include "sim-stamp.h"

/*
 * ElevenLabs' voices: HTTP stream, stream-input and multi-stream-input. A text is rendered as
 * tones, 60 ms a character, in pieces of a word each, with their alignment.
 */

#define MS_A_CHARACTER 60

typedef struct {
  gchar *id;        /* NULL: of a socket with one context */
  gboolean spoken;  /* some of it was */
  GString *waiting; /* text that was not yet spoken */
} Context;

typedef struct {
  guint rate;
  gboolean mulaw;
  gboolean multi;
  GHashTable *contexts; /* id -> Context */
} Voice;

static void
free_context(gpointer data)
{
  Context *context = data;

  g_free(context->id);
  g_string_free(context->waiting, TRUE);
  g_free(context);
}

static void
free_voice(gpointer data)
{
  Voice *voice = data;

  g_hash_table_unref(voice->contexts);
  g_free(voice);
}

/* "ulaw_8000", "pcm_16000" */
static void
read_format(const gchar *format, guint *rate, gboolean *mulaw)
{
  const gchar *underscore = format ? strchr(format, '_') : NULL;

  *mulaw = format && g_str_has_prefix(format, "ulaw");
  *rate = underscore ? (guint)strtoul(underscore + 1, NULL, 10) : 16000;
  if (*rate < 8000)
    *rate = 16000;
}

static gboolean
check_key(SimExchange *exchange)
{
  const gchar *key = sim_exchange_get_header(exchange, "xi-api-key");

  if (key && *key && !strstr(key, "wrong"))
    return TRUE;
  sim_exchange_answer(
      exchange, 401, "application/json",
      "{\"detail\":{\"status\":\"invalid_api_key\",\"message\":\"Invalid API key\"}}", -1);
  return FALSE;
}

/* WebSockets */

static void
append_alignment(GString *json, const gchar *name, const gchar *word)
{
  g_autoptr(GString) starts = g_string_new(NULL);
  g_autoptr(GString) durations = g_string_new(NULL);
  guint n = 0;

  g_string_append_printf(json, ",\"%s\":{\"chars\":[", name);
  for (const gchar *p = word; *p; p = g_utf8_next_char(p), n++) {
    g_autofree gchar *one = g_strndup(p, (gsize)(g_utf8_next_char(p) - p));
    const gchar *comma = n > 0 ? "," : "";

    g_string_append(json, comma);
    cord_json_append_string(json, one);
    g_string_append_printf(starts, "%s%u", comma, n * MS_A_CHARACTER);
    g_string_append_printf(durations, "%s%d", comma, MS_A_CHARACTER);
  }
  g_string_append_printf(json, "],\"charStartTimesMs\":[%s],\"charDurationsMs\":[%s]}", starts->str,
                         durations->str);
}

static void
append_context(GString *json, const gchar *id)
{
  if (!id)
    return;
  g_string_append(json, ",\"contextId\":");
  cord_json_append_string(json, id);
}

typedef struct {
  gchar *id;
  gchar *word; /* NULL: the end of the context */
  gboolean stamped;
} Saying;

static void
free_saying(gpointer data)
{
  Saying *saying = data;

  g_free(saying->id);
  g_free(saying->word);
  g_free(saying);
}

/* "stamp": true in the script: the first bytes of an answer tell when they were sent. */
static gboolean
is_stamped(SimServer *server)
{
  JsonObject *script = sim_server_get_script(server, "elevenlabs");

  return script && cord_json_peek_boolean(script, "stamp", FALSE);
}

static void
say(SimSocket *socket, gpointer data)
{
  Saying *saying = data;
  Voice *voice = sim_socket_get_data(socket);
  g_autoptr(GString) json = g_string_new("{");
  g_autoptr(GByteArray) audio = NULL;
  g_autofree gchar *encoded = NULL;

  if (!saying->word) {
    g_string_append(json, "\"audio\":null,\"isFinal\":true");
    append_context(json, saying->id);
    g_string_append_c(json, '}');
    sim_socket_send_text(socket, json->str, -1);
    if (!voice->multi)
      sim_socket_close(socket, 1000, NULL);
    return;
  }
  audio = sim_render(saying->word, voice->rate, voice->mulaw);
  if (saying->stamped)
    sim_stamp_audio(audio->data, audio->len);
  encoded = g_base64_encode(audio->data, audio->len);
  g_string_append_printf(json, "\"audio\":\"%s\",\"isFinal\":null", encoded);
  append_alignment(json, "alignment", saying->word);
  append_alignment(json, "normalizedAlignment", saying->word);
  append_context(json, saying->id);
  g_string_append_c(json, '}');
  sim_socket_send_text(socket, json->str, -1);
}

static void
schedule_say(SimSocket *socket, GstClockTime delay, const gchar *id, const gchar *word,
             gboolean stamped)
{
  Saying *saying = g_new0(Saying, 1);

  saying->id = g_strdup(id);
  saying->word = g_strdup(word);
  saying->stamped = stamped;
  sim_socket_schedule(socket, delay, say, saying, free_saying);
}

/* Speaks what has come, a word at a time. */
static GstClockTime
speak(SimSocket *socket, Context *context)
{
  SimServer *server = sim_socket_get_server(socket);
  const gchar *provider = sim_socket_get_provider(socket);
  GstClockTime delay = sim_server_get_first_byte(server, provider);
  const gchar *start = context->waiting->str;

  while (*start == ' ')
    start++;
  while (*start) {
    gsize length = strcspn(start, " ");
    g_autofree gchar *word = NULL;

    length += start[length] == ' ';
    word = g_strndup(start, length);
    schedule_say(socket, delay, context->id, word, !context->spoken && is_stamped(server));
    context->spoken = TRUE;
    delay += sim_server_get_token_delay(server, provider);
    start += length;
  }
  g_string_truncate(context->waiting, 0);
  return delay;
}

static Context *
find_context(Voice *voice, const gchar *id)
{
  const gchar *name = id ? id : "";
  Context *context = g_hash_table_lookup(voice->contexts, name);

  if (context)
    return context;
  context = g_new0(Context, 1);
  context->id = g_strdup(id);
  context->waiting = g_string_new(NULL);
  g_hash_table_insert(voice->contexts, g_strdup(name), context);
  return context;
}

static void
on_opened(SimSocket *socket)
{
  Voice *voice = g_new0(Voice, 1);

  voice->contexts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_context);
  read_format(sim_socket_get_query(socket, "output_format"), &voice->rate, &voice->mulaw);
  sim_socket_set_data(socket, voice, free_voice);
}

static void
on_opened_multi(SimSocket *socket)
{
  on_opened(socket);
  ((Voice *)sim_socket_get_data(socket))->multi = TRUE;
}

static void
refuse(SimSocket *socket, const gchar *name, const gchar *message)
{
  g_autofree gchar *text =
      g_strdup_printf("{\"message\":\"%s\",\"error\":\"%s\",\"code\":1008}", message, name);

  sim_socket_send_text(socket, text, -1);
  sim_socket_close(socket, 1008, name);
}

static void
on_text(SimSocket *socket, const gchar *text, gsize length)
{
  Voice *voice = sim_socket_get_data(socket);
  g_autoptr(JsonObject) message = cord_json_parse_object(text, (gssize)length, NULL);
  const gchar *id = message ? cord_json_peek_string(message, "context_id", NULL) : NULL;
  const gchar *words = message ? cord_json_peek_string(message, "text", NULL) : NULL;
  gboolean flush, end;
  GstClockTime delay = 0;
  Context *context;

  if (!message) {
    refuse(socket, "invalid_message", "The message is not JSON");
    return;
  }
  if (cord_json_peek_boolean(message, "close_socket", FALSE)) {
    sim_socket_close(socket, 1000, NULL);
    return;
  }
  context = find_context(voice, voice->multi ? id : NULL);
  if (g_hash_table_size(voice->contexts) > 5) {
    refuse(socket, "max_active_conversations",
           "Maximum simultaneous contexts per WebSocket connection exceeded (5)");
    return;
  }
  end = voice->multi ? cord_json_peek_boolean(message, "close_context", FALSE)
                     : words && *words == '\0';
  flush = end || cord_json_peek_boolean(message, "flush", FALSE);
  if (words) {
    sim_stamp_note(sim_socket_get_server(socket), words);
    g_string_append(context->waiting, words);
  }
  if (flush)
    delay = speak(socket, context);
  if (end) {
    schedule_say(socket, delay, context->id, NULL, FALSE);
    g_hash_table_remove(voice->contexts, voice->multi && id ? id : "");
  }
}

/* HTTP: all of it, in pieces that end anywhere */

typedef struct {
  GByteArray *audio;
  gsize sent;
  gsize step;
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
  gsize size = MIN(stream->step, stream->audio->len - stream->sent);

  sim_exchange_write(exchange, stream->audio->data + stream->sent, (gssize)size);
  stream->sent += size;
  if (stream->sent == stream->audio->len)
    sim_exchange_end(exchange);
  else
    sim_exchange_schedule(exchange,
                          sim_server_get_token_delay(sim_exchange_get_server(exchange),
                                                     sim_exchange_get_provider(exchange)),
                          write_more);
}

static void
begin(SimExchange *exchange)
{
  Stream *stream = sim_exchange_get_data(exchange);

  if (is_stamped(sim_exchange_get_server(exchange)))
    sim_stamp_audio(stream->audio->data, stream->audio->len);
  sim_exchange_begin(exchange, 200, "audio/basic");
  write_more(exchange);
}

static void
on_request(SimExchange *exchange)
{
  JsonObject *body = sim_exchange_get_json(exchange);
  const gchar *text = body ? cord_json_peek_string(body, "text", NULL) : NULL;
  Stream *stream;
  guint rate;
  gboolean mulaw;

  if (!check_key(exchange))
    return;
  if (!text || !*text) {
    sim_exchange_answer(exchange, 422, "application/json",
                        "{\"detail\":[{\"loc\":[\"body\",\"text\"],\"msg\":\"field required\","
                        "\"type\":\"value_error.missing\"}]}",
                        -1);
    return;
  }
  read_format(sim_exchange_get_query(exchange, "output_format"), &rate, &mulaw);
  sim_stamp_note(sim_exchange_get_server(exchange), text);
  stream = g_new0(Stream, 1);
  stream->audio = sim_render(text, rate, mulaw);
  stream->step = 4097; /* in the middle of a sample */
  sim_exchange_set_data(exchange, stream, free_stream);
  sim_exchange_schedule(
      exchange, sim_server_get_first_byte(sim_exchange_get_server(exchange), "elevenlabs"), begin);
}

void
sim_elevenlabs_add(SimServer *server)
{
  static const SimRoute routes[] = {
    { .provider = "elevenlabs",
      .method = "POST",
      .path = "/v1/text-to-speech/*/stream",
      .request = on_request },
    { .provider = "elevenlabs",
      .path = "/v1/text-to-speech/*/stream-input",
      .opened = on_opened,
      .text = on_text,
      .admit = check_key },
    { .provider = "elevenlabs",
      .path = "/v1/text-to-speech/*/multi-stream-input",
      .opened = on_opened_multi,
      .text = on_text,
      .admit = check_key },
  };

  for (guint i = 0; i < G_N_ELEMENTS(routes); i++)
    sim_server_add(server, &routes[i]);
}
