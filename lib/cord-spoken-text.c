/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-spoken-text.h"

#include <string.h>

#define HALF 2 /* a word counts as heard when half of it was */

typedef struct {
  gchar *text;
  gsize text_start; /* in the turn's text, bytes */
  GstClockTime audio_start, audio_duration;
  GArray *words; /* CordTtsWord; NULL where the voice gives no times */
} Piece;

struct _CordSpokenText {
  guint turn;
  GArray *pieces;
  GstClockTime duration;
  gsize length;
};

static void
clear_piece(gpointer data)
{
  Piece *piece = data;

  g_free(piece->text);
  g_clear_pointer(&piece->words, g_array_unref);
}

CordSpokenText *
cord_spoken_text_new(guint turn)
{
  CordSpokenText *self = g_new0(CordSpokenText, 1);

  self->turn = turn;
  self->pieces = g_array_new(FALSE, TRUE, sizeof(Piece));
  g_array_set_clear_func(self->pieces, clear_piece);
  return self;
}

void
cord_spoken_text_free(CordSpokenText *self)
{
  g_array_unref(self->pieces);
  g_free(self);
}

guint
cord_spoken_text_get_turn(CordSpokenText *self)
{
  return self->turn;
}

/* The text of a turn is its pieces with single spaces between them. */
void
cord_spoken_text_begin_piece(CordSpokenText *self, const gchar *text)
{
  Piece piece = { g_strdup(text), self->length + (self->pieces->len > 0 ? 1 : 0), self->duration, 0,
                  NULL };

  g_array_append_val(self->pieces, piece);
  self->length = piece.text_start + strlen(text);
}

static Piece *
last_piece(CordSpokenText *self)
{
  return self->pieces->len > 0 ? &g_array_index(self->pieces, Piece, self->pieces->len - 1) : NULL;
}

void
cord_spoken_text_add_audio(CordSpokenText *self, GstClockTime duration)
{
  Piece *piece = last_piece(self);

  if (piece)
    piece->audio_duration += duration;
  self->duration += duration;
}

void
cord_spoken_text_set_words(CordSpokenText *self, const CordTtsWord *words, guint n_words)
{
  Piece *piece = last_piece(self);

  if (piece == NULL || n_words == 0)
    return;
  g_clear_pointer(&piece->words, g_array_unref);
  piece->words = g_array_new(FALSE, FALSE, sizeof(CordTtsWord));
  g_array_append_vals(piece->words, words, n_words);
}

static gsize
heard_by_words(const Piece *piece, GstClockTime position)
{
  GstClockTime previous = 0;
  gsize bytes = 0;

  for (guint i = 0; i < piece->words->len; i++) {
    const CordTtsWord *word = &g_array_index(piece->words, CordTtsWord, i);

    if (position < previous + (word->audio_end - MIN(previous, word->audio_end)) / HALF)
      break;
    bytes = word->text_end;
    previous = word->audio_end;
  }
  return MIN(bytes, strlen(piece->text));
}

/* In proportion, and then back to the end of the last whole word. */
static gsize
heard_by_share(const Piece *piece, GstClockTime position)
{
  gsize length = strlen(piece->text);
  gsize bytes = piece->audio_duration > 0
                    ? (gsize)gst_util_uint64_scale(length, position, piece->audio_duration)
                    : 0;

  if (bytes >= length)
    return length;
  while (bytes > 0 && !g_ascii_isspace(piece->text[bytes]))
    bytes--;
  return bytes;
}

gsize
cord_spoken_text_heard(CordSpokenText *self, GstClockTime position)
{
  gsize heard = 0;

  for (guint i = 0; i < self->pieces->len; i++) {
    const Piece *piece = &g_array_index(self->pieces, Piece, i);
    gsize in_piece;

    if (position < piece->audio_start || piece->audio_duration == 0)
      break;
    if (position >= piece->audio_start + piece->audio_duration)
      in_piece = strlen(piece->text);
    else if (piece->words)
      in_piece = heard_by_words(piece, position - piece->audio_start);
    else
      in_piece = heard_by_share(piece, position - piece->audio_start);
    if (in_piece > 0)
      heard = piece->text_start + in_piece;
  }
  return heard;
}

gsize
cord_spoken_text_length(CordSpokenText *self)
{
  return self->length;
}
