/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-json.h"
#include "sim-ear.h"
#include "sim-modules.h"

/*
 * Deepgram's Flux, /v2/listen: turns. The script is that of /v1/listen. The end of a turn is told
 * after a silence that grows with eot_threshold, an eager one after one that grows with
 * eager_eot_threshold.
 */

#define UPDATE 240     /* ms of audio between two messages */
#define NO_STATUS 1005 /* the service closes without a code */
#define SILENCE 1000   /* ms at threshold 1; half of it at 0.5 */

typedef struct {
  SimSocket *socket;
  SimEar ear;
  gchar *id;
  guint sequence;
  guint turn;
  gdouble threshold, eager;
  guint timeout;  /* ms */
  guint told;     /* ms of audio */
  gboolean open;  /* StartOfTurn was told */
  gboolean ended; /* on trust */
  guint words;    /* when it was */
  GstClockTime delay;
  gboolean closing;
} Listener;

static void
free_listener(gpointer data)
{
  Listener *self = data;

  sim_ear_clear(&self->ear);
  g_free(self->id);
  g_free(self);
}

static void
send_later(SimSocket *socket, gpointer data)
{
  sim_socket_send_text(socket, data, -1);
}

/* Takes the rest of the message, which begins behind the sequence number. */
static void
say(Listener *self, const gchar *type, gchar *rest)
{
  gchar *text = g_strdup_printf("{\"type\":\"%s\",\"request_id\":\"%s\",\"sequence_id\":%u%s}",
                                type, self->id, self->sequence++, rest);

  g_free(rest);
  if (self->delay > 0) {
    sim_socket_schedule(self->socket, self->delay, send_later, text, g_free);
    return;
  }
  sim_socket_send_text(self->socket, text, -1);
  g_free(text);
}

static void
append_words(Listener *self, GString *json, guint n)
{
  g_string_append(json, ",\"words\":[");
  for (guint i = 0; i < n; i++) {
    g_autofree gchar *word = sim_quote(self->ear.words[i]);
    guint end = sim_ear_word_end(&self->ear, i, n);

    g_string_append_printf(json, "%s{\"word\":%s,\"confidence\":0.97,\"end\":%u.%03u}",
                           i > 0 ? "," : "", word, end / 1000, end % 1000);
  }
  g_string_append_c(json, ']');
}

static void
send_turn(Listener *self, const gchar *event, guint n, const gchar *trigger)
{
  GString *json = g_string_new(NULL);
  g_autofree gchar *text = sim_ear_text(&self->ear, n);
  g_autofree gchar *quoted = sim_quote(text);
  guint start = self->open ? self->ear.start : self->told;

  g_string_append_printf(json,
                         ",\"event\":\"%s\",\"turn_index\":%u,\"audio_window_start\":%u.%03u,"
                         "\"audio_window_end\":%u.%03u,\"transcript\":%s",
                         event, self->turn, start / 1000, start % 1000, self->ear.now / 1000,
                         self->ear.now % 1000, quoted);
  append_words(self, json, n);
  g_string_append_printf(json, ",\"end_of_turn_confidence\":%s", trigger ? "0.9" : "0.1");
  if (trigger)
    g_string_append_printf(json, ",\"trigger\":\"%s\"", trigger);
  say(self, "TurnInfo", g_string_free(json, FALSE));
  self->told = self->ear.now;
}

static void
end_turn(Listener *self, const gchar *trigger)
{
  if (!self->open)
    return;
  /* what was told on trust is the truth, unless more was said */
  send_turn(self, "EndOfTurn", self->ended ? self->words : sim_ear_count(&self->ear, TRUE),
            trigger);
  sim_ear_end(&self->ear);
  self->turn++;
  self->open = self->ended = FALSE;
}

static void
follow_turn(Listener *self, guint quiet)
{
  guint all = sim_ear_count(&self->ear, TRUE);

  if (self->ended && quiet == 0) {
    self->ended = FALSE;
    send_turn(self, "TurnResumed", self->words, NULL);
  } else if (quiet >= MIN((guint)(self->threshold * SILENCE), self->timeout)) {
    end_turn(self, "model");
  } else if (!self->ended && self->eager > 0 && quiet >= (guint)(self->eager * SILENCE) / 2) {
    self->ended = TRUE;
    self->words = all;
    send_turn(self, "EagerEndOfTurn", all, NULL);
  } else if (self->ear.now - self->told >= UPDATE) {
    send_turn(self, "Update", self->ended ? self->words : MAX(sim_ear_count(&self->ear, FALSE), 1),
              NULL);
  }
}

static void
on_frame(gpointer data)
{
  Listener *self = data;

  if (self->open) {
    follow_turn(self, self->ear.now - self->ear.loud);
  } else if (sim_ear_count(&self->ear, FALSE) > 0) {
    self->open = TRUE;
    send_turn(self, "StartOfTurn", 1, NULL);
  } else if (self->ear.speaking && self->ear.now - self->ear.loud >= SILENCE / 2) {
    sim_ear_end(&self->ear); /* too short for a word */
  } else if (self->ear.now - self->told >= UPDATE) {
    send_turn(self, "Update", 0, NULL);
  }
}

static void
close_later(SimSocket *socket, gpointer data)
{
  sim_socket_close(socket, NO_STATUS, NULL);
}

static void
configure(Listener *self, JsonObject *message)
{
  JsonObject *thresholds = cord_json_peek_object(message, "thresholds");

  if (thresholds == NULL) {
    say(self, "ConfigureFailure", g_strdup(""));
    return;
  }
  self->threshold = cord_json_peek_double(thresholds, "eot_threshold", self->threshold);
  self->eager = cord_json_peek_double(thresholds, "eager_eot_threshold", self->eager);
  say(self, "ConfigureSuccess",
      g_strdup_printf(",\"thresholds\":{\"eot_threshold\":%.2f},\"keyterms\":[]", self->threshold));
}

static void
on_text(SimSocket *socket, const gchar *text, gsize length)
{
  Listener *self = sim_socket_get_data(socket);
  g_autoptr(JsonObject) message = cord_json_parse_object(text, (gssize)length, NULL);
  const gchar *type = message ? cord_json_peek_string(message, "type", "") : "";

  if (g_str_equal(type, "CloseStream")) {
    end_turn(self, "manual");
    self->closing = TRUE;
    sim_socket_schedule(socket, self->delay + GST_MSECOND, close_later, NULL, NULL);
  } else if (g_str_equal(type, "ForceEndTurn")) {
    end_turn(self, "manual");
  } else if (g_str_equal(type, "Configure")) {
    configure(self, message);
  } else {
    say(self, "Error",
        g_strdup(",\"code\":\"UNPARSABLE_CLIENT_MESSAGE\",\"description\":\"unknown message\""));
    sim_socket_close(socket, 1008, "DATA-0000");
  }
}

static void
on_binary(SimSocket *socket, const guint8 *data, gsize length)
{
  Listener *self = sim_socket_get_data(socket);

  if (!self->closing)
    sim_ear_feed(&self->ear, data, length, on_frame, self);
}

static gdouble
fraction(SimSocket *socket, const gchar *name, gdouble fallback)
{
  const gchar *text = sim_socket_get_query(socket, name);

  return text ? g_ascii_strtod(text, NULL) : fallback;
}

static void
on_opened(SimSocket *socket)
{
  Listener *self = g_new0(Listener, 1);

  self->socket = socket;
  sim_ear_init(&self->ear, socket);
  self->id = sim_id(self->ear.server, "");
  self->threshold = fraction(socket, "eot_threshold", 0.7);
  self->eager = fraction(socket, "eager_eot_threshold", 0);
  self->timeout = (guint)fraction(socket, "eot_timeout_ms", 5000);
  self->delay = sim_server_get_first_byte(self->ear.server, self->ear.provider);
  sim_socket_set_data(socket, self, free_listener);
  say(self, "Connected", g_strdup(""));
}

void
sim_deepgram_flux_add(SimServer *server)
{
  static const SimRoute route = {
    .provider = "deepgram",
    .path = "/v2/listen",
    .opened = on_opened,
    .text = on_text,
    .binary = on_binary,
    .admit = sim_deepgram_admit,
  };

  sim_server_add(server, &route);
}
