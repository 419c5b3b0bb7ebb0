/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <libsoup/soup.h>
#include <string.h>

#include "cord-json.h"
#include "sim-modules.h"

/*
 * Transcriptions of OpenAI and of Groq. Script: {"openai": {"transcriptions": ["…"]}}: the answers,
 * one after the other. The file has to be a WAV of at least 0.1 s; whisper-1 does not stream.
 */

#define WAV_HEADER 44 /* bytes */
#define SHORTEST 10   /* parts of a second */

typedef struct {
  gchar *text;
  gchar **words;
  guint sent;
  gchar *format;
  gdouble duration; /* s */
} Answer;

static void
free_answer(gpointer data)
{
  Answer *answer = data;

  g_free(answer->text);
  g_strfreev(answer->words);
  g_free(answer->format);
  g_free(answer);
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

/* The parts of a form: names and contents. */
static GHashTable *
read_form(SimExchange *exchange)
{
  const gchar *type = sim_exchange_get_header(exchange, "content-type");
  SoupMessageHeaders *headers = soup_message_headers_new(SOUP_MESSAGE_HEADERS_REQUEST);
  GHashTable *form =
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
  SoupMultipart *parts;
  gsize length;
  gconstpointer data = g_bytes_get_data(sim_exchange_get_body(exchange), &length);
  GByteArray *ended = g_byte_array_new();
  g_autoptr(GBytes) whole = NULL;

  /* libsoup wants a line's end where some clients have none */
  g_byte_array_append(ended, data, (guint)length);
  g_byte_array_append(ended, (const guint8 *)"\r\n", 2);
  whole = g_byte_array_free_to_bytes(ended);
  soup_message_headers_append(headers, "Content-Type", type ? type : "");
  parts = soup_multipart_new_from_message(headers, whole);
  soup_message_headers_unref(headers);
  for (gint i = 0; parts && i < soup_multipart_get_length(parts); i++) {
    g_autoptr(GHashTable) params = NULL;
    g_autofree gchar *disposition = NULL;
    const gchar *name;
    GBytes *body;

    soup_multipart_get_part(parts, i, &headers, &body);
    if (!soup_message_headers_get_content_disposition(headers, &disposition, &params))
      continue;
    name = g_hash_table_lookup(params, "name");
    /* a file wants a name */
    if (name && (!g_str_equal(name, "file") || g_hash_table_contains(params, "filename")))
      g_hash_table_insert(form, g_strdup(name), g_bytes_ref(body));
  }
  g_clear_pointer(&parts, soup_multipart_free);
  return form;
}

static gchar *
get_text(GHashTable *form, const gchar *name, const gchar *fallback)
{
  GBytes *value = g_hash_table_lookup(form, name);

  return value ? g_strndup(g_bytes_get_data(value, NULL), g_bytes_get_size(value))
               : g_strdup(fallback);
}

/* How long the file is, or less than nothing where it is none. */
static gdouble
measure(GBytes *file)
{
  gsize size = file ? g_bytes_get_size(file) : 0;
  const guint8 *wav = size > WAV_HEADER ? g_bytes_get_data(file, NULL) : NULL;
  guint32 rate;

  if (wav == NULL || memcmp(wav, "RIFF", 4) != 0 || memcmp(wav + 8, "WAVE", 4) != 0)
    return -1;
  rate = (guint32)(wav[28] | wav[29] << 8 | wav[30] << 16);
  return rate > 0 ? (gdouble)(size - WAV_HEADER) / rate : -1;
}

static gchar *
usage(const Answer *answer)
{
  return g_strdup_printf("{\"type\":\"duration\",\"seconds\":%d}", (int)(answer->duration + 0.999));
}

/* The answer in one piece */

static void
append_words(GString *json, const Answer *answer)
{
  guint n = g_strv_length(answer->words);

  g_string_append(json, ",\"words\":[");
  for (guint i = 0; i < n; i++) {
    g_autofree gchar *word = sim_quote(answer->words[i]);

    g_string_append_printf(json, "%s{\"word\":%s,\"start\":%.3f,\"end\":%.3f}", i > 0 ? "," : "",
                           word, answer->duration * i / n, answer->duration * (i + 1) / n);
  }
  g_string_append_printf(json, "],\"segments\":[");
  if (n > 0) {
    g_autofree gchar *text = sim_quote(answer->text);

    g_string_append_printf(json,
                           "{\"id\":0,\"seek\":0,\"start\":0.0,\"end\":%.3f,\"text\":%s,\"tokens\":"
                           "[50364],\"temperature\":0.0,\"avg_logprob\":-0.2,"
                           "\"compression_ratio\":1.2,\"no_speech_prob\":0.01}",
                           answer->duration, text);
  }
  g_string_append_c(json, ']');
}

static void
send_whole(SimExchange *exchange)
{
  const Answer *answer = sim_exchange_get_data(exchange);
  g_autofree gchar *text = sim_quote(answer->text);
  g_autofree gchar *used = usage(answer);
  g_autoptr(GString) json = g_string_new(NULL);

  if (g_str_equal(answer->format, "text")) {
    sim_exchange_answer(exchange, 200, "text/plain; charset=utf-8", answer->text, -1);
    return;
  }
  if (g_str_equal(answer->format, "verbose_json")) {
    g_string_append_printf(
        json, "{\"task\":\"transcribe\",\"language\":\"english\",\"duration\":%.3f,\"text\":%s",
        answer->duration, text);
    append_words(json, answer);
  } else {
    g_string_append_printf(json, "{\"text\":%s", text);
  }
  g_string_append_printf(json, ",\"usage\":%s}", used);
  sim_exchange_answer(exchange, 200, "application/json", json->str, -1);
}

/* And as a stream */

static void
send_delta(SimExchange *exchange)
{
  Answer *answer = sim_exchange_get_data(exchange);
  SimServer *server = sim_exchange_get_server(exchange);
  const gchar *word = answer->words[answer->sent];
  g_autofree gchar *piece = word ? g_strconcat(answer->sent > 0 ? " " : "", word, NULL) : NULL;
  g_autofree gchar *quoted = sim_quote(piece ? piece : answer->text);
  g_autofree gchar *event = NULL;

  if (piece == NULL) {
    g_autofree gchar *used = usage(answer);

    event = g_strdup_printf("{\"type\":\"transcript.text.done\",\"text\":%s,\"usage\":%s}", quoted,
                            used);
    sim_exchange_write_event(exchange, NULL, event);
    sim_exchange_end(exchange);
    return;
  }
  event = g_strdup_printf("{\"type\":\"transcript.text.delta\",\"delta\":%s}", quoted);
  sim_exchange_write_event(exchange, NULL, event);
  answer->sent++;
  sim_exchange_schedule(exchange,
                        sim_server_get_token_delay(server, sim_exchange_get_provider(exchange)),
                        send_delta);
}

static void
begin_stream(SimExchange *exchange)
{
  sim_exchange_begin(exchange, 200, "text/event-stream");
  send_delta(exchange);
}

static const gchar *
next_text(SimExchange *exchange)
{
  JsonNode *node = sim_server_take_next(sim_exchange_get_server(exchange),
                                        sim_exchange_get_provider(exchange), "transcriptions");

  return node && JSON_NODE_HOLDS_VALUE(node) ? json_node_get_string(node) : "hello there";
}

/* Returns whether it was answered. */
static gboolean
check(SimExchange *exchange, GHashTable *form, gdouble duration)
{
  const gchar *key = sim_exchange_get_header(exchange, "authorization");

  if (!key || !g_str_has_prefix(key, "Bearer ") || strstr(key, "wrong"))
    refuse(exchange, 401, "invalid_api_key", "Incorrect API key provided");
  else if (!g_hash_table_contains(form, "model"))
    refuse(exchange, 400, "missing_required_parameter", "you must provide a model parameter");
  else if (!g_hash_table_contains(form, "file"))
    refuse(exchange, 400, "missing_required_parameter", "you must provide a file");
  else if (duration < 0)
    refuse(exchange, 400, "invalid_value", "Invalid file format.");
  else if (duration < 1.0 / SHORTEST)
    refuse(exchange, 400, "audio_too_short",
           "Audio file is too short. Minimum audio length is 0.1 seconds.");
  else
    return FALSE;
  return TRUE;
}

static void
on_request(SimExchange *exchange)
{
  g_autoptr(GHashTable) form = read_form(exchange);
  g_autofree gchar *model = get_text(form, "model", "");
  g_autofree gchar *stream = get_text(form, "stream", "false");
  gboolean whisper = strstr(model, "whisper") != NULL;
  gdouble duration = measure(g_hash_table_lookup(form, "file"));
  GstClockTime delay;
  Answer *answer;

  if (check(exchange, form, duration))
    return;
  answer = g_new0(Answer, 1);
  answer->format = get_text(form, "response_format", "json");
  answer->duration = duration;
  sim_exchange_set_data(exchange, answer, free_answer);
  if (!whisper && !g_str_equal(answer->format, "json")) {
    refuse(exchange, 400, "unsupported_value", "response_format is not compatible with the model");
    return;
  }
  answer->text = g_strdup(next_text(exchange));
  answer->words = *answer->text ? g_strsplit(answer->text, " ", -1) : g_new0(gchar *, 1);
  delay = sim_server_get_first_byte(sim_exchange_get_server(exchange),
                                    sim_exchange_get_provider(exchange));
  sim_exchange_schedule(exchange, delay,
                        g_str_equal(stream, "true") && !whisper ? begin_stream : send_whole);
}

void
sim_openai_transcriptions_add(SimServer *server)
{
  static const SimRoute routes[] = {
    { .provider = "openai",
      .method = "POST",
      .path = "/v1/audio/transcriptions",
      .request = on_request },
    { .provider = "groq",
      .method = "POST",
      .path = "/openai/v1/audio/transcriptions",
      .request = on_request },
  };

  for (guint i = 0; i < G_N_ELEMENTS(routes); i++)
    sim_server_add(server, &routes[i]);
}
