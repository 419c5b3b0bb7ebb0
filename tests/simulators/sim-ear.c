/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sim-ear.h"

#include <string.h>

#include "cord-g711.h"
#include "cord-json.h"

#define LOUD (600.0 * 600.0) /* mean square above which somebody speaks */
#define VOICED 60            /* ms of sound that are a beginning */

void
sim_ear_init(SimEar *self, SimSocket *socket)
{
  const gchar *rate = sim_socket_get_query(socket, "sample_rate");

  memset(self, 0, sizeof *self);
  self->server = sim_socket_get_server(socket);
  self->provider = sim_socket_get_provider(socket);
  self->tag = g_strdup(sim_socket_get_query(socket, "tag"));
  self->rate = rate ? (guint)g_ascii_strtoull(rate, NULL, 10) : 8000;
  self->rate = CLAMP(self->rate, 8000, 48000);
  self->mulaw = g_strcmp0(sim_socket_get_query(socket, "encoding"), "mulaw") == 0;
}

void
sim_ear_clear(SimEar *self)
{
  g_free(self->tag);
  g_strfreev(self->words);
}

/* {"tags": {TAG: [TEXT…]}, "utterances": [TEXT…]}: each stream begins at the first. */
static const gchar *
next_text(SimEar *self)
{
  JsonObject *script = sim_server_get_script(self->server, self->provider);
  JsonObject *tags = script ? cord_json_peek_object(script, "tags") : NULL;
  JsonArray *list = tags && self->tag ? cord_json_peek_array(tags, self->tag) : NULL;
  guint n;

  if (list == NULL && script)
    list = cord_json_peek_array(script, "utterances");
  n = list ? json_array_get_length(list) : 0;
  return n > 0 ? json_array_get_string_element(list, self->spoken++ % n) : "hello there";
}

static void
begin(SimEar *self)
{
  self->speaking = TRUE;
  self->start = self->now - MIN(self->now, VOICED);
  g_strfreev(self->words);
  self->words = g_strsplit(next_text(self), " ", -1);
}

static void
end_frame(SimEar *self)
{
  gboolean loud = self->energy / self->samples > LOUD;

  self->energy = self->samples = 0;
  self->now += SIM_EAR_FRAME;
  self->voiced = loud ? self->voiced + SIM_EAR_FRAME : 0;
  if (loud)
    self->loud = self->now;
  if (!self->speaking && self->voiced >= VOICED)
    begin(self);
}

/* Returns whether a sample is complete. */
static gboolean
take_byte(SimEar *self, guint8 byte, gint16 *sample)
{
  if (self->mulaw) {
    *sample = cord_g711_decode_sample(byte);
    return TRUE;
  }
  self->has_half = !self->has_half;
  if (self->has_half)
    self->half = byte;
  else
    *sample = (gint16)(self->half | byte << 8);
  return !self->has_half;
}

void
sim_ear_feed(SimEar *self, const guint8 *data, gsize length, void (*frame)(gpointer data),
             gpointer user_data)
{
  guint whole = self->rate * SIM_EAR_FRAME / 1000;

  for (gsize i = 0; i < length; i++) {
    gint16 sample;

    if (!take_byte(self, data[i], &sample))
      continue;
    self->energy += (gdouble)sample * sample;
    if (++self->samples < whole)
      continue;
    end_frame(self);
    frame(user_data);
  }
}

void
sim_ear_end(SimEar *self)
{
  self->speaking = FALSE;
  self->voiced = 0;
}

guint
sim_ear_count(const SimEar *self, gboolean all)
{
  guint n = self->words ? g_strv_length(self->words) : 0;

  if (!self->speaking)
    return 0;
  return all ? n : MIN(n, (self->loud - MIN(self->start, self->loud)) / SIM_EAR_WORD);
}

gchar *
sim_ear_text(const SimEar *self, guint n_words)
{
  GString *text = g_string_new(NULL);

  for (guint i = 0; i < n_words; i++)
    g_string_append_printf(text, "%s%s", i > 0 ? " " : "", self->words[i]);
  return g_string_free(text, FALSE);
}

/* The words share the sound, as far as it goes. */
guint
sim_ear_word_end(const SimEar *self, guint index, guint n_words)
{
  guint length = self->loud - MIN(self->start, self->loud);
  guint each = MIN(SIM_EAR_WORD, length / MAX(n_words, 1));

  return self->start + (index + 1) * each;
}
