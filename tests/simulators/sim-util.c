/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "cord-g711.h"
#include "cord-json.h"
#include "sim-private.h"

#define MS_A_CHARACTER 60
#define TONE 220 /* Hz; each word has another */
#define LEVEL 8000
#define MAX_KEPT 1000 /* texts */

gchar *
sim_id(SimServer *server, const gchar *prefix)
{
  return g_strdup_printf("%s%08x", prefix, ++server->ids);
}

gchar *
sim_json(const gchar *format, ...)
{
  gchar *text;
  va_list arguments;

  va_start(arguments, format);
  text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  return text;
}

gchar *
sim_quote(const gchar *text)
{
  GString *quoted = g_string_new(NULL);

  cord_json_append_string(quoted, text);
  return g_string_free(quoted, FALSE);
}

static GByteArray *
render(const gchar *text, guint rate, gboolean mulaw)
{
  GByteArray *audio = g_byte_array_new();
  guint samples = rate * MS_A_CHARACTER / 1000;
  guint word = 0;

  for (const gchar *p = text; *p; p = g_utf8_next_char(p)) {
    gboolean space = g_unichar_isspace(g_utf8_get_char(p));

    word += space;
    for (guint i = 0; i < samples; i++) {
      gdouble phase = 2 * G_PI * (TONE + 20 * (word % 8)) * i / rate;
      gint16 sample = space ? 0 : (gint16)(LEVEL * sin(phase) * sin(G_PI * i / samples));

      if (mulaw) {
        guint8 byte = cord_g711_encode_sample(sample);

        g_byte_array_append(audio, &byte, 1);
      } else {
        sample = GINT16_TO_LE(sample);
        g_byte_array_append(audio, (const guint8 *)&sample, sizeof sample);
      }
    }
  }
  return audio;
}

/* A tone a word, silent between words: what was rendered can be told from its length, and a word
 * from its pitch. Texts come again and again: what was rendered is kept. */
GByteArray *
sim_render(const gchar *text, guint rate, gboolean mulaw)
{
  static GMutex lock;
  static GHashTable *kept; /* text and format -> GByteArray */
  g_autofree gchar *key = g_strdup_printf("%u %d %s", rate, mulaw, text);
  GByteArray *audio, *copy;

  g_mutex_lock(&lock);
  if (!kept)
    kept =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_byte_array_unref);
  audio = g_hash_table_lookup(kept, key);
  if (!audio) {
    audio = render(text, rate, mulaw);
    if (g_hash_table_size(kept) >= MAX_KEPT)
      g_hash_table_remove_all(kept);
    g_hash_table_insert(kept, g_steal_pointer(&key), audio);
  }
  copy = g_byte_array_sized_new(audio->len);
  g_byte_array_append(copy, audio->data, audio->len);
  g_mutex_unlock(&lock);
  return copy;
}
