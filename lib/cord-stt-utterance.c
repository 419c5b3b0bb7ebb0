/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-stt-base-private.h"

Utterance *
cord_stt_utterance_new(guint id, GstClockTime start)
{
  Utterance *self = g_new0(Utterance, 1);

  self->id = id;
  self->start = self->end = start;
  self->finals = g_ptr_array_new_with_free_func((GDestroyNotify)cord_transcript_unref);
  return self;
}

void
cord_stt_utterance_free(Utterance *self)
{
  g_ptr_array_unref(self->finals);
  g_clear_pointer(&self->interim, cord_transcript_unref);
  g_free(self);
}

/* A final piece, or what is believed of the one that follows. Returns whether it is news. */
gboolean
cord_stt_utterance_take(Utterance *self, CordTranscript *transcript)
{
  if (cord_transcript_get_final(transcript)) {
    g_ptr_array_add(self->finals, cord_transcript_ref(transcript));
    g_clear_pointer(&self->interim, cord_transcript_unref);
    return TRUE;
  }
  if (self->interim &&
      g_str_equal(cord_transcript_get_text(self->interim), cord_transcript_get_text(transcript)))
    return FALSE;
  g_clear_pointer(&self->interim, cord_transcript_unref);
  self->interim = cord_transcript_ref(transcript);
  return TRUE;
}

static void
add_text(GString *text, CordTranscript *piece)
{
  g_autofree gchar *stripped = g_strstrip(g_strdup(cord_transcript_get_text(piece)));

  if (*stripped == '\0')
    return;
  if (text->len > 0)
    g_string_append_c(text, ' ');
  g_string_append(text, stripped);
}

static void
add_words(CordTranscript *self, CordTranscript *piece)
{
  guint n;
  const CordWord *words = cord_transcript_get_words(piece, &n);

  for (guint i = 0; i < n; i++)
    cord_transcript_add_word(self, words[i].text, words[i].start, words[i].end,
                             words[i].confidence);
}

/* One transcript of whatever number of pieces the service made of the utterance. */
CordTranscript *
cord_stt_utterance_join(Utterance *self, gboolean with_interim, gboolean final)
{
  g_autoptr(GPtrArray) pieces = g_ptr_array_new();
  g_autoptr(GString) text = g_string_new(NULL);
  CordTranscript *joined;
  gdouble lowest = -1;

  for (guint i = 0; i < self->finals->len; i++)
    g_ptr_array_add(pieces, self->finals->pdata[i]);
  if (with_interim && self->interim)
    g_ptr_array_add(pieces, self->interim);
  for (guint i = 0; i < pieces->len; i++)
    add_text(text, pieces->pdata[i]);
  joined = cord_transcript_new(text->str, final, self->start, self->end);
  for (guint i = 0; i < pieces->len; i++) {
    gdouble confidence = cord_transcript_get_confidence(pieces->pdata[i]);

    lowest = i == 0 ? confidence : MIN(lowest, confidence);
    add_words(joined, pieces->pdata[i]);
  }
  cord_transcript_set_confidence(joined, lowest);
  cord_transcript_set_language(
      joined, pieces->len > 0 ? cord_transcript_get_language(pieces->pdata[0]) : NULL);
  return joined;
}
