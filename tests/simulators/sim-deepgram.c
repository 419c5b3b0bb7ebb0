/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-json.h"
#include "sim-ear.h"
#include "sim-modules.h"

/*
 * Deepgram's /v1/listen. Script: {"deepgram": {"utterances": ["…"], "tags": {"TAG": ["…"]}}}; each
 * stream begins at the first text, with `tag=TAG` at the first of that list. Results leave after
 * the profile's first byte. Idle streams are closed after 10 s ("idle_ms" in the script).
 */

#define INTERIM 500    /* ms of audio between two interim results */
#define EMPTY 3000     /* ms of silence that are settled in one go */
#define IDLE 10000     /* ms */
#define ENDPOINTING 10 /* ms; the service's own default */

typedef struct {
  SimSocket *socket;
  SimEar ear;
  gchar *id;
  gchar *model;
  gboolean interim, vad;
  guint endpointing;   /* ms, 0: off */
  guint utterance_end; /* ms, 0: off */
  guint settled;       /* ms of audio */
  guint told;          /* when the last result left, ms of audio */
  guint last_word;     /* where the last word ended, 0: that was told */
  GstClockTime delay;
  gint64 heard; /* of the idle deadline: how many signs of life there were */
  gboolean closing;
} Listener;

static void
free_listener(gpointer data)
{
  Listener *self = data;

  sim_ear_clear(&self->ear);
  g_free(self->id);
  g_free(self->model);
  g_free(self);
}

static gboolean
is_true(SimSocket *socket, const gchar *name)
{
  return g_strcmp0(sim_socket_get_query(socket, name), "true") == 0;
}

static guint
number(SimSocket *socket, const gchar *name, guint fallback)
{
  const gchar *text = sim_socket_get_query(socket, name);

  if (text && g_str_equal(text, "false"))
    return 0;
  return text ? (guint)g_ascii_strtoull(text, NULL, 10) : fallback;
}

static void
send_later(SimSocket *socket, gpointer data)
{
  sim_socket_send_text(socket, data, -1);
}

/* Takes the text. */
static void
say(Listener *self, gchar *text)
{
  if (self->delay > 0) {
    sim_socket_schedule(self->socket, self->delay, send_later, text, g_free);
    return;
  }
  sim_socket_send_text(self->socket, text, -1);
  g_free(text);
}

static void
append_seconds(GString *json, const gchar *name, guint ms)
{
  g_string_append_printf(json, ",\"%s\":%u.%03u", name, ms / 1000, ms % 1000);
}

static void
append_words(Listener *self, GString *json, guint n)
{
  g_string_append(json, ",\"words\":[");
  for (guint i = 0; i < n; i++) {
    guint end = sim_ear_word_end(&self->ear, i, n);
    guint start = i > 0 ? sim_ear_word_end(&self->ear, i - 1, n) : self->ear.start;
    g_autofree gchar *word = sim_quote(self->ear.words[i]);

    g_string_append_printf(json, "%s{\"word\":%s", i > 0 ? "," : "", word);
    append_seconds(json, "start", start);
    append_seconds(json, "end", end);
    g_string_append_printf(json, ",\"confidence\":0.98,\"punctuated_word\":%s}", word);
    self->last_word = end;
  }
  g_string_append_c(json, ']');
}

static const gchar *
flag(gboolean set)
{
  return set ? "true" : "false";
}

static void
send_results(Listener *self, gboolean final, gboolean speech_final, gboolean from_finalize)
{
  guint n = sim_ear_count(&self->ear, final && (speech_final || from_finalize));
  g_autofree gchar *text = sim_ear_text(&self->ear, n);
  g_autofree gchar *quoted = sim_quote(text);
  GString *json = g_string_new("{\"type\":\"Results\",\"channel_index\":[0,1]");

  append_seconds(json, "duration", self->ear.now - self->settled);
  append_seconds(json, "start", self->settled);
  g_string_append_printf(json,
                         ",\"is_final\":%s,\"speech_final\":%s,\"channel\":{\"alternatives\":[{"
                         "\"transcript\":%s,\"confidence\":%s",
                         flag(final), flag(speech_final), quoted, n > 0 ? "0.98" : "0.0");
  append_words(self, json, n);
  g_string_append_printf(json,
                         "}]},\"metadata\":{\"request_id\":\"%s\",\"model_info\":{\"name\":"
                         "\"%s\",\"version\":\"2025-01-01.0\",\"arch\":\"%s\"},\"model_uuid\":"
                         "\"%s\"},\"from_finalize\":%s}",
                         self->id, self->model, self->model, self->id, flag(from_finalize));
  say(self, g_string_free(json, FALSE));
  self->told = self->ear.now;
  if (!final)
    return;
  self->settled = self->ear.now;
  if (speech_final || from_finalize)
    sim_ear_end(&self->ear);
}

static void
send_speech_started(Listener *self)
{
  GString *json = g_string_new("{\"type\":\"SpeechStarted\",\"channel\":[0,1]");

  append_seconds(json, "timestamp", self->ear.start);
  g_string_append_c(json, '}');
  say(self, g_string_free(json, FALSE));
}

static void
send_utterance_end(Listener *self)
{
  GString *json = g_string_new("{\"type\":\"UtteranceEnd\",\"channel\":[0,1]");

  append_seconds(json, "last_word_end", self->last_word);
  g_string_append_c(json, '}');
  say(self, g_string_free(json, FALSE));
  self->last_word = 0;
}

static void
on_frame(gpointer data)
{
  Listener *self = data;
  SimEar *ear = &self->ear;
  guint quiet = ear->now - ear->loud;

  if (ear->speaking && ear->start + 3 * SIM_EAR_FRAME == ear->now && self->vad)
    send_speech_started(self);
  if (ear->speaking && self->endpointing > 0 && quiet >= MAX(self->endpointing, SIM_EAR_FRAME))
    send_results(self, TRUE, TRUE, FALSE);
  else if (ear->speaking && self->interim && ear->now - self->told >= INTERIM)
    send_results(self, FALSE, FALSE, FALSE);
  else if (!ear->speaking && ear->now - self->settled >= EMPTY)
    send_results(self, TRUE, FALSE, FALSE);
  if (!ear->speaking && self->last_word > 0 && self->utterance_end > 0 &&
      ear->now - self->last_word >= self->utterance_end)
    send_utterance_end(self);
}

/* Idle streams */

static guint
idle_ms(Listener *self)
{
  JsonObject *script = sim_server_get_script(self->ear.server, self->ear.provider);

  return (guint)(script ? cord_json_peek_int(script, "idle_ms", IDLE) : IDLE);
}

static void on_idle(SimSocket *socket, gpointer data);

static void
arm_idle(Listener *self)
{
  gint64 *heard = g_new(gint64, 1);

  *heard = self->heard;
  sim_socket_schedule(self->socket, idle_ms(self) * GST_MSECOND, on_idle, heard, g_free);
}

static void
on_idle(SimSocket *socket, gpointer data)
{
  Listener *self = sim_socket_get_data(socket);

  if (self->closing)
    return;
  if (*(gint64 *)data == self->heard)
    sim_socket_close(socket, 1011, "NET-0001");
  else
    arm_idle(self);
}

/* The end */

static void
close_later(SimSocket *socket, gpointer data)
{
  sim_socket_close(socket, 1000, NULL);
}

static void
finish(Listener *self)
{
  GString *json;

  if (self->closing)
    return;
  if (self->ear.now > self->settled)
    send_results(self, TRUE, self->ear.speaking, FALSE);
  json = g_string_new("{\"type\":\"Metadata\",\"transaction_key\":\"deprecated\"");
  g_string_append_printf(json, ",\"request_id\":\"%s\",\"sha256\":\"%064d\"", self->id, 0);
  append_seconds(json, "duration", self->ear.now);
  g_string_append(json, ",\"created\":\"2026-01-01T00:00:00.000Z\",\"channels\":1}");
  say(self, g_string_free(json, FALSE));
  self->closing = TRUE;
  sim_socket_schedule(self->socket, self->delay + GST_MSECOND, close_later, NULL, NULL);
}

static void
on_text(SimSocket *socket, const gchar *text, gsize length)
{
  Listener *self = sim_socket_get_data(socket);
  g_autoptr(JsonObject) message = cord_json_parse_object(text, (gssize)length, NULL);
  const gchar *type = message ? cord_json_peek_string(message, "type", "") : "";

  if (g_str_equal(type, "CloseStream"))
    finish(self);
  else if (g_str_equal(type, "Finalize"))
    send_results(self, TRUE, FALSE, TRUE);
  else if (g_str_equal(type, "KeepAlive"))
    self->heard += self->ear.now > 0; /* alone it is not enough */
  else
    sim_socket_close(socket, 1008, "DATA-0000");
}

static void
on_binary(SimSocket *socket, const guint8 *data, gsize length)
{
  Listener *self = sim_socket_get_data(socket);

  self->heard++;
  if (length == 0)
    finish(self);
  else if (!self->closing)
    sim_ear_feed(&self->ear, data, length, on_frame, self);
}

static void
on_opened(SimSocket *socket)
{
  Listener *self = g_new0(Listener, 1);

  self->socket = socket;
  sim_ear_init(&self->ear, socket);
  self->id = sim_id(self->ear.server, "");
  self->model = g_strdup(sim_socket_get_query(socket, "model"));
  self->interim = is_true(socket, "interim_results");
  self->vad = is_true(socket, "vad_events");
  self->endpointing = number(socket, "endpointing", ENDPOINTING);
  self->utterance_end = number(socket, "utterance_end_ms", 0);
  /* the same for all of a stream, so that nothing overtakes */
  self->delay = sim_server_get_first_byte(self->ear.server, self->ear.provider);
  sim_socket_set_data(socket, self, free_listener);
  arm_idle(self);
}

static void
refuse(SimExchange *exchange, guint status, const gchar *code, const gchar *message)
{
  g_autofree gchar *id = sim_id(sim_exchange_get_server(exchange), "");
  g_autofree gchar *body = g_strdup_printf(
      "{\"err_code\":\"%s\",\"err_msg\":\"%s\",\"request_id\":\"%s\"}", code, message, id);

  sim_exchange_set_header(exchange, "dg-request-id", id);
  sim_exchange_set_header(exchange, "dg-error", message);
  sim_exchange_answer(exchange, status, "application/json", body, -1);
}

/* Who may open a stream, here and in Flux. Returns FALSE after an answer. */
gboolean
sim_deepgram_admit(SimExchange *exchange)
{
  const gchar *key = sim_exchange_get_header(exchange, "authorization");
  const gchar *encoding = sim_exchange_get_query(exchange, "encoding");
  const gchar *interim = sim_exchange_get_query(exchange, "interim_results");
  const gchar *end = sim_exchange_get_query(exchange, "utterance_end_ms");

  if (!key || strstr(key, "wrong") ||
      (!g_str_has_prefix(key, "Token ") && !g_str_has_prefix(key, "token ") &&
       !g_str_has_prefix(key, "Bearer "))) {
    refuse(exchange, 401, "INVALID_AUTH", "Invalid credentials.");
    return FALSE;
  }
  if (!sim_exchange_get_query(exchange, "model") ||
      (encoding && !sim_exchange_get_query(exchange, "sample_rate"))) {
    refuse(exchange, 400, "Bad Request", "model, and sample_rate with an encoding, are needed");
    return FALSE;
  }
  if (end && (g_strcmp0(interim, "true") != 0 || g_ascii_strtoull(end, NULL, 10) < 1000)) {
    refuse(exchange, 400, "Bad Request", "utterance_end_ms needs interim_results, and 1000");
    return FALSE;
  }
  return TRUE;
}

void
sim_deepgram_add(SimServer *server)
{
  static const SimRoute route = {
    .provider = "deepgram",
    .path = "/v1/listen",
    .opened = on_opened,
    .text = on_text,
    .binary = on_binary,
    .admit = sim_deepgram_admit,
  };

  sim_server_add(server, &route);
}
