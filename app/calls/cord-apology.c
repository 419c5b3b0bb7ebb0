/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-apology.h"

#include <string.h>

#define FOLDER "audio"
#define PREFIX "apology-"
#define SUFFIX ".mulaw"
#define STOCK "en" /* the language of last resort */

struct _CordApology {
  GHashTable *audio; /* language -> GBytes, mu-law 8 kHz */
};

/* The same sentence, for the carrier's own voice. */
static const struct {
  const gchar *language;
  const gchar *text;
} texts[] = {
  { "en", "I am sorry. Something has gone wrong and I cannot take this call. Please call again "
          "later." },
  { "de", "Es tut mir leid. Etwas ist schiefgegangen, und ich kann diesen Anruf nicht annehmen. "
          "Bitte rufen Sie später noch einmal an." },
};

static gchar *
primary(const gchar *language)
{
  g_autofree gchar *start = g_strndup(language, strcspn(language, "-_"));

  return g_ascii_strdown(start, -1);
}

static void
load_file(CordApology *self, const gchar *folder, const gchar *name)
{
  g_autofree gchar *path = g_build_filename(folder, name, NULL);
  gsize length = strlen(name) - strlen(PREFIX) - strlen(SUFFIX);
  g_autoptr(GError) error = NULL;
  gchar *bytes;
  gsize size;

  if (g_file_get_contents(path, &bytes, &size, &error))
    g_hash_table_replace(self->audio, g_strndup(name + strlen(PREFIX), length),
                         g_bytes_new_take(bytes, size));
  else
    g_warning("%s", error->message);
}

/**
 * cord_apology_load:
 * @data_dir: where the folder "audio" is, with a file "apology-LANGUAGE.mulaw" a language
 *
 * Reads the recordings. Blocks; for the start of the server.
 *
 * Returns: (transfer full): the recordings there are
 */
CordApology *
cord_apology_load(const gchar *data_dir)
{
  CordApology *self = g_atomic_rc_box_new0(CordApology);
  g_autofree gchar *folder = g_build_filename(data_dir, FOLDER, NULL);
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  const gchar *name;

  self->audio =
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
  while (dir && (name = g_dir_read_name(dir))) {
    if (g_str_has_prefix(name, PREFIX) && g_str_has_suffix(name, SUFFIX))
      load_file(self, folder, name);
  }
  return self;
}

/**
 * cord_apology_ref:
 * @self: recordings
 *
 * Returns: (transfer full): @self
 */
CordApology *
cord_apology_ref(CordApology *self)
{
  return g_atomic_rc_box_acquire(self);
}

static void
clear(gpointer data)
{
  g_hash_table_unref(((CordApology *)data)->audio);
}

/**
 * cord_apology_unref:
 * @self: (transfer full): recordings
 */
void
cord_apology_unref(CordApology *self)
{
  g_atomic_rc_box_release_full(self, clear);
}

/**
 * cord_apology_get_audio:
 * @self: recordings
 * @language: (nullable): BCP 47
 *
 * Returns: (transfer none) (nullable): the recording in @language or, if there is none, in English;
 *   mu-law, 8 kHz
 */
GBytes *
cord_apology_get_audio(CordApology *self, const gchar *language)
{
  g_autofree gchar *wanted = language ? primary(language) : NULL;
  GBytes *audio = wanted ? g_hash_table_lookup(self->audio, wanted) : NULL;

  return audio ? audio : g_hash_table_lookup(self->audio, STOCK);
}

/**
 * cord_apology_get_text:
 * @language: (nullable): BCP 47
 *
 * Returns: the sentence in @language, or %NULL if it is not known in it
 */
const gchar *
cord_apology_get_text(const gchar *language)
{
  g_autofree gchar *wanted = primary(language ? language : STOCK);

  for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
    if (g_str_equal(texts[i].language, wanted))
      return texts[i].text;
  }
  return NULL;
}
