/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-tts-words.h"

#include <string.h>

struct _CordTtsWords {
  gchar *text;
  gsize from;    /* where in the text the voice was last asked to begin, bytes */
  gsize matched; /* how far from there it has said what it says; bytes */
  GArray *words; /* CordTtsWord */
  gboolean told; /* it says something */
};

CordTtsWords *
cord_tts_words_new(void)
{
  CordTtsWords *self = g_new0(CordTtsWords, 1);

  self->words = g_array_new(FALSE, FALSE, sizeof(CordTtsWord));
  return self;
}

void
cord_tts_words_free(CordTtsWords *self)
{
  g_array_unref(self->words);
  g_free(self->text);
  g_free(self);
}

void
cord_tts_words_begin(CordTtsWords *self, const gchar *text)
{
  g_free(self->text);
  self->text = g_strdup(text);
  self->from = self->matched = 0;
  self->told = FALSE;
  g_array_set_size(self->words, 0);
}

/* What the voice has to be asked for. */
const gchar *
cord_tts_words_get_rest(CordTtsWords *self)
{
  return self->text + self->from;
}

static void
add(CordTtsWords *self, GstClockTime end)
{
  CordTtsWord word = { self->from + self->matched, end };

  g_array_append_val(self->words, word);
}

/* The text comes again, character by character, with the time at which each byte of it ends, from
 * @offset on. Words end where a space follows, and at the end. */
void
cord_tts_words_add_characters(CordTtsWords *self, const gchar *text, const GstClockTime *ends,
                              GstClockTime offset)
{
  const gchar *rest = cord_tts_words_get_rest(self);
  gsize length = strlen(rest);
  gsize i = 0;

  self->told = TRUE;
  while (self->matched == 0 && text[i] == ' ')
    i++;
  for (; text[i] && self->matched < length; i++) {
    self->matched++;
    if (rest[self->matched - 1] != ' ' && (self->matched == length || rest[self->matched] == ' '))
      add(self, offset + ends[i]);
  }
}

/* The text comes word by word, perhaps without its punctuation; what is not found in it was made
 * of something else ("14" "fourteen") and does not count. */
void
cord_tts_words_add_word(CordTtsWords *self, const gchar *word, GstClockTime end)
{
  const gchar *rest = cord_tts_words_get_rest(self);
  const gchar *found = *word ? strstr(rest + self->matched, word) : NULL;

  self->told = TRUE;
  if (!found)
    return;
  self->matched = (gsize)(found - rest) + strlen(word);
  while (rest[self->matched] && rest[self->matched] != ' ')
    self->matched++;
  add(self, end);
}

gboolean
cord_tts_words_are_all(CordTtsWords *self)
{
  return self->matched >= strlen(cord_tts_words_get_rest(self));
}

const CordTtsWord *
cord_tts_words_get(CordTtsWords *self, guint *n_words)
{
  *n_words = self->words->len;
  return (const CordTtsWord *)(gconstpointer)self->words->data;
}

/* After so much audio the voice broke off: what is left of the text begins behind the last whole
 * word of that. Returns FALSE where nothing is left, or nobody knows what. */
gboolean
cord_tts_words_resume(CordTtsWords *self, GstClockTime heard)
{
  guint n = self->words->len;

  if (heard > 0 && !self->told)
    return FALSE;
  while (n > 0 && g_array_index(self->words, CordTtsWord, n - 1).audio_end > heard)
    n--;
  g_array_set_size(self->words, n);
  self->matched = 0;
  if (n > 0)
    self->from = g_array_index(self->words, CordTtsWord, n - 1).text_end;
  while (self->text[self->from] == ' ')
    self->from++;
  return self->text[self->from] != '\0';
}
