/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sim-stamp.h"

#include <string.h>

#include "cord-json.h"

/*
 * How long what we send is on its way through the program under test. The time of sending is
 * written into what is sent, where it survives: as a word of the model's text, and as the first
 * bytes of the voice's audio.
 */

#define PLACE "{time}"
#define DIGITS 16

/* A word of letters, so that nobody reads it as a number. */
static void
append_time(GString *out)
{
  guint64 now = (guint64)g_get_monotonic_time();

  g_string_append_c(out, 'q');
  for (guint i = 0; i < DIGITS; i++)
    g_string_append_c(out, (gchar)('a' + (now >> (4 * (DIGITS - 1 - i)) & 15)));
}

/* Returns: (nullable): @text with the time in its place; %NULL when it has none */
gchar *
sim_stamp_text(const gchar *text)
{
  const gchar *place = strstr(text, PLACE);
  GString *out;

  if (place == NULL)
    return NULL;
  out = g_string_new_len(text, place - text);
  append_time(out);
  g_string_append(out, place + strlen(PLACE));
  return g_string_free(out, FALSE);
}

static gboolean
read_time(const gchar *word, guint64 *time)
{
  *time = 0;
  for (guint i = 0; i < DIGITS; i++) {
    if (word[i] < 'a' || word[i] > 'p')
      return FALSE;
    *time = *time << 4 | (guint64)(word[i] - 'a');
  }
  return TRUE;
}

/* Returns: how long ago the text was stamped, µs, or -1 */
gint64
sim_stamp_read_text(const gchar *text)
{
  guint64 time;

  for (const gchar *q = strchr(text, 'q'); q; q = strchr(q + 1, 'q'))
    if (read_time(q + 1, &time))
      return g_get_monotonic_time() - (gint64)time;
  return -1;
}

static const guint8 magic[8] = { 0x55, 0x2a, 0x55, 0x2a, 0x13, 0x37, 0x55, 0x2a };

void
sim_stamp_audio(guint8 *audio, gsize length)
{
  guint64 now = GUINT64_TO_BE((guint64)g_get_monotonic_time());

  if (length < SIM_STAMP_SIZE)
    return;
  memcpy(audio, magic, sizeof magic);
  memcpy(audio + sizeof magic, &now, sizeof now);
}

/* Returns: how long ago the audio was stamped, µs, or -1 */
gint64
sim_stamp_read_audio(const guint8 *audio, gsize length)
{
  const guint8 *at = memmem(audio, length, magic, sizeof magic);
  guint64 time;

  if (at == NULL || (gsize)(audio + length - at) < SIM_STAMP_SIZE)
    return -1;
  memcpy(&time, at + sizeof magic, sizeof time);
  return g_get_monotonic_time() - (gint64)GUINT64_FROM_BE(time);
}

/* Collecting */

void
sim_stamp_note(SimServer *server, const gchar *text)
{
  gint64 age = sim_stamp_read_text(text);

  if (age >= 0)
    g_array_append_val(sim_server_get_ages(server), age);
}

static gint
compare(gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;

  return x < y ? -1 : x > y;
}

static gdouble
percentile_ms(GArray *ages, guint percent)
{
  guint index = ages->len * percent / 100;

  return ages->len > 0 ? (gdouble)g_array_index(ages, gint64, MIN(index, ages->len - 1)) / 1000 : 0;
}

/* {"count": N, "p50_ms": …, "p99_ms": …, "max_ms": …} of the words noted since the last time. */
gchar *
sim_stamp_report(SimServer *server)
{
  GArray *ages = sim_server_get_ages(server);
  gchar *text;

  g_array_sort(ages, compare);
  text = sim_json("{\"count\":%u,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}", ages->len,
                  percentile_ms(ages, 50), percentile_ms(ages, 99), percentile_ms(ages, 100));
  g_array_set_size(ages, 0);
  return text;
}
