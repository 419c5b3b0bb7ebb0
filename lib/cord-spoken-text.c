/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-spoken-text.h"

#include <string.h>

#define HALF 2 /* a word counts as heard when half of it was */
#define USUAL_BYTE                                                                                 \
  (65 * GST_MSECOND) /* of text, as long as nothing was spoken: 15 letters a second */

typedef struct {
  gchar *text;
  gsize text_start; /* in the turn's text, bytes */
  GstClockTime audio_start, audio_duration;
  GArray *words;  /* CordTtsWord; NULL where the voice gives no times */
  gboolean ended; /* all of its audio is there */
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

static Piece *
last_piece(CordSpokenText *self)
{
  return self->pieces->len > 0 ? &g_array_index(self->pieces, Piece, self->pieces->len - 1) : NULL;
}

/* No more audio of the last piece will come. */
void
cord_spoken_text_end_piece(CordSpokenText *self)
{
  Piece *piece = last_piece(self);

  if (piece)
    piece->ended = TRUE;
}

/* The text of a turn is its pieces with single spaces between them. */
void
cord_spoken_text_begin_piece(CordSpokenText *self, const gchar *text)
{
  Piece piece = { g_strdup(text), self->length + (self->pieces->len > 0 ? 1 : 0),
                  self->duration, 0,
                  NULL,           FALSE };

  cord_spoken_text_end_piece(self);
  g_array_append_val(self->pieces, piece);
  self->length = piece.text_start + strlen(text);
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

/* How long a piece will be whose audio is still coming, as the pieces before it were. */
static GstClockTime
expected_duration(CordSpokenText *self, const Piece *piece)
{
  GstClockTime duration = 0;
  gsize length = 0;

  for (guint i = 0; i < self->pieces->len; i++) {
    const Piece *before = &g_array_index(self->pieces, Piece, i);

    if (!before->ended || before->audio_duration == 0)
      continue;
    duration += before->audio_duration;
    length += strlen(before->text);
  }
  if (length == 0)
    return strlen(piece->text) * USUAL_BYTE;
  return gst_util_uint64_scale(strlen(piece->text), duration, length);
}

/* Between words, or between any two characters of a script that has no spaces. */
static gboolean
may_end_before(const gchar *at)
{
  return g_ascii_isspace(*at) ||
         (((guchar)*at & 0xc0) != 0x80 && g_unichar_iswide(g_utf8_get_char(at)));
}

/* In proportion, and then back to the end of the last whole word. */
static gsize
heard_by_share(CordSpokenText *self, const Piece *piece, GstClockTime position)
{
  gsize length = strlen(piece->text);
  GstClockTime duration = piece->audio_duration;
  gsize bytes;

  if (!piece->ended)
    duration = MAX(duration, expected_duration(self, piece));
  bytes = duration > 0 ? (gsize)gst_util_uint64_scale(length, position, duration) : 0;
  if (bytes >= length)
    return length;
  while (bytes > 0 && !may_end_before(piece->text + bytes))
    bytes--;
  return bytes;
}

static gsize
heard_of_piece(CordSpokenText *self, const Piece *piece, GstClockTime position)
{
  if (piece->ended && position >= piece->audio_duration)
    return strlen(piece->text);
  /* the voice may be further with its audio than with the words' times */
  position = MIN(position, piece->audio_duration);
  return piece->words ? heard_by_words(piece, position) : heard_by_share(self, piece, position);
}

/* How much of the text was heard when so much audio was: bytes, up to the end of a word. Of a piece
 * without audio nothing was. */
gsize
cord_spoken_text_heard(CordSpokenText *self, GstClockTime position)
{
  gsize heard = 0;

  for (guint i = 0; i < self->pieces->len; i++) {
    const Piece *piece = &g_array_index(self->pieces, Piece, i);
    gsize in_piece;

    if (position < piece->audio_start)
      break;
    if (piece->audio_duration == 0)
      continue;
    in_piece = heard_of_piece(self, piece, position - piece->audio_start);
    if (in_piece > 0)
      heard = piece->text_start + in_piece;
  }
  return heard;
}

/* All that was spoken; what could not be does not count at the end. */
gsize
cord_spoken_text_length(CordSpokenText *self)
{
  for (guint i = self->pieces->len; i > 0; i--) {
    const Piece *piece = &g_array_index(self->pieces, Piece, i - 1);

    if (piece->audio_duration > 0)
      return piece->text_start + strlen(piece->text);
  }
  return 0;
}
