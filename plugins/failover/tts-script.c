/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tts-script.h"

#include <string.h>

#include "cord-reply.h"
#include "cord-turn.h"

#define KEPT_TURNS 3            /* whose playout may still be reported */
#define STEP (50 * GST_MSECOND) /* in which is noted what a voice that is left has said */

typedef struct {
  guint number;
  GstMiniObject *object; /* of a text only what it comes with counts */
  gchar *text;           /* what is left to say of it; NULL: an event */
  GBytes *clip;          /* how all of it sounds; NULL: a voice speaks it */
  guint turn;
  gsize start; /* of @text in the turn's text, bytes */
} Entry;

/* A part of a turn that one voice speaks */
typedef struct {
  gsize start; /* in the turn's text, bytes */
  GstClockTime audio_start, duration;
  GArray *said; /* gsize: bytes of its text after each step; NULL: the voice at work knows */
} Stretch;

typedef struct {
  guint number;
  guint n_pieces;
  gsize length; /* of its text so far, bytes */
  GstClockTime duration;
  GArray *stretches;
} Turn;

struct _TtsScript {
  TtsScriptAsk ask;
  gpointer data;
  guint last; /* number */
  GQueue entries;
  GQueue turns; /* the newest first */
};

static void
free_entry(gpointer data)
{
  Entry *entry = data;

  gst_mini_object_unref(entry->object);
  g_free(entry->text);
  g_clear_pointer(&entry->clip, g_bytes_unref);
  g_free(entry);
}

static void
clear_stretch(gpointer data)
{
  g_clear_pointer(&((Stretch *)data)->said, g_array_unref);
}

static void
free_turn(gpointer data)
{
  Turn *turn = data;

  g_array_unref(turn->stretches);
  g_free(turn);
}

TtsScript *
tts_script_new(TtsScriptAsk ask, gpointer data)
{
  TtsScript *self = g_new0(TtsScript, 1);

  self->ask = ask;
  self->data = data;
  return self;
}

/* What has to be said has not to be said any more. */
void
tts_script_forget(TtsScript *self)
{
  g_queue_clear_full(&self->entries, free_entry);
}

void
tts_script_clear(TtsScript *self)
{
  tts_script_forget(self);
  g_queue_clear_full(&self->turns, free_turn);
}

void
tts_script_free(TtsScript *self)
{
  tts_script_clear(self);
  g_free(self);
}

static Turn *
find_turn(TtsScript *self, guint number)
{
  for (GList *l = self->turns.head; l; l = l->next) {
    if (((Turn *)l->data)->number == number)
      return l->data;
  }
  return NULL;
}

static Turn *
ensure_turn(TtsScript *self, guint number)
{
  Turn *turn = find_turn(self, number);

  if (turn)
    return turn;
  turn = g_new0(Turn, 1);
  turn->number = number;
  turn->stretches = g_array_new(FALSE, TRUE, sizeof(Stretch));
  g_array_set_clear_func(turn->stretches, clear_stretch);
  g_queue_push_head(&self->turns, turn);
  while (g_queue_get_length(&self->turns) > KEPT_TURNS)
    free_turn(g_queue_pop_tail(&self->turns));
  return turn;
}

static Stretch *
last_stretch(Turn *turn)
{
  guint n = turn->stretches->len;

  return n > 0 ? &g_array_index(turn->stretches, Stretch, n - 1) : NULL;
}

/* The text of a turn is its pieces with single spaces between them. */
static void
place(TtsScript *self, Entry *entry)
{
  CordTurn *meta = cord_buffer_get_turn(GST_BUFFER_CAST(entry->object));
  Turn *turn = ensure_turn(self, meta ? cord_turn_get_number(meta) : 0);

  entry->turn = turn->number;
  entry->start = turn->length + (turn->n_pieces++ > 0 ? 1 : 0);
  turn->length = entry->start + strlen(entry->text);
}

static GBytes *
read_clip(GstBuffer *buffer)
{
  GBytes *clip = NULL;

  cord_buffer_get_reply(buffer, NULL, &clip);
  return clip ? g_bytes_ref(clip) : NULL;
}

guint
tts_script_add(TtsScript *self, GstMiniObject *object)
{
  Entry *entry = g_new0(Entry, 1);

  entry->object = gst_mini_object_ref(object);
  entry->text = GST_IS_BUFFER(object) ? cord_buffer_dup_text(GST_BUFFER_CAST(object)) : NULL;
  entry->clip = GST_IS_BUFFER(object) ? read_clip(GST_BUFFER_CAST(object)) : NULL;
  if (entry->text && *entry->text == '\0' && entry->clip == NULL) {
    free_entry(entry);
    return 0;
  }
  if (entry->text)
    place(self, entry);
  entry->number = ++self->last;
  g_queue_push_tail(&self->entries, entry);
  return entry->number;
}

gboolean
tts_script_is_empty(TtsScript *self)
{
  return g_queue_is_empty(&self->entries);
}

gboolean
tts_script_has_text_first(TtsScript *self)
{
  const Entry *first = g_queue_peek_head(&self->entries);

  return first && first->text;
}

/* The voice at work speaks of the turn from here on. */
static void
begin_stretch(TtsScript *self, const Entry *entry)
{
  Turn *turn = ensure_turn(self, entry->turn);
  Stretch *last = last_stretch(turn);
  Stretch stretch = { entry->start, turn->duration, 0, NULL };

  if (last == NULL || last->said)
    g_array_append_val(turn->stretches, stretch);
}

static GstMiniObject *
make_object(const Entry *entry)
{
  GstBuffer *buffer;
  CordTurn *turn;

  if (entry->text == NULL)
    return gst_mini_object_ref(entry->object);
  buffer = gst_buffer_new_memdup(entry->text, strlen(entry->text));
  turn = cord_buffer_get_turn(GST_BUFFER_CAST(entry->object));
  if (turn)
    cord_buffer_set_turn(buffer, turn);
  if (entry->clip)
    cord_buffer_set_reply(buffer, entry->text, entry->clip);
  GST_BUFFER_PTS(buffer) = GST_BUFFER_PTS(GST_BUFFER_CAST(entry->object));
  return GST_MINI_OBJECT_CAST(buffer);
}

GstMiniObject *
tts_script_next(TtsScript *self, guint *number)
{
  for (GList *l = self->entries.head; l; l = l->next) {
    const Entry *entry = l->data;

    if (entry->number <= *number)
      continue;
    *number = entry->number;
    if (entry->text)
      begin_stretch(self, entry);
    return make_object(entry);
  }
  return NULL;
}

void
tts_script_done(TtsScript *self, guint number)
{
  const Entry *first;

  while ((first = g_queue_peek_head(&self->entries)) && first->number <= number)
    free_entry(g_queue_pop_head(&self->entries));
}

void
tts_script_add_audio(TtsScript *self, guint number, GstClockTime duration)
{
  Turn *turn = find_turn(self, number);
  Stretch *last = turn ? last_stretch(turn) : NULL;

  if (last == NULL)
    return;
  last->duration += duration;
  turn->duration += duration;
}

/* Before the voice has gone: afterwards it will not be able to tell. */
static void
note_what_was_said(TtsScript *self, Turn *turn)
{
  Stretch *last = last_stretch(turn);

  if (last == NULL || last->said)
    return;
  last->said = g_array_new(FALSE, FALSE, sizeof(gsize));
  for (GstClockTime at = 0; at < last->duration + STEP; at += STEP) {
    gsize bytes = last->duration == 0 ? 0
                                      : self->ask(turn->number, MIN(at, last->duration),
                                                  CORD_PLAYOUT_INTERRUPTED, self->data);

    g_array_append_val(last->said, bytes);
  }
}

/* Of what was begun only the rest has to be said, and that by a voice. */
static void
shorten(Entry *entry, gsize said_until)
{
  gsize said = said_until > entry->start ? said_until - entry->start : 0;
  gsize length = strlen(entry->text);

  said = MIN(said, length);
  while (entry->text[said] == ' ')
    said++;
  entry->start += said;
  if (said > 0)
    g_clear_pointer(&entry->clip, g_bytes_unref);
  memmove(entry->text, entry->text + said, length - said + 1);
}

static gsize
end_of(const Stretch *stretch)
{
  gsize said = g_array_index(stretch->said, gsize, stretch->said->len - 1);

  return said > 0 ? stretch->start + said : 0;
}

void
tts_script_change_voice(TtsScript *self)
{
  Entry *first = g_queue_peek_head(&self->entries);

  for (GList *l = self->turns.head; l; l = l->next)
    note_what_was_said(self, l->data);
  if (first && first->text) {
    Turn *turn = find_turn(self, first->turn);
    Stretch *last = turn ? last_stretch(turn) : NULL;

    if (last)
      shorten(first, end_of(last));
    if (*first->text == '\0' && first->clip == NULL)
      free_entry(g_queue_pop_head(&self->entries));
  }
}

void
tts_script_take_over(TtsScript *self, guint number)
{
  for (GList *l = self->entries.head; l && ((Entry *)l->data)->number <= number; l = l->next) {
    if (((Entry *)l->data)->text)
      begin_stretch(self, l->data);
  }
}

/* Of a stretch, bytes of the turn's text; 0: of it nothing */
static gsize
heard_of(TtsScript *self, const Turn *turn, const Stretch *stretch, GstClockTime position,
         CordPlayoutState state)
{
  gsize bytes;

  if (stretch->said == NULL) {
    bytes = self->ask(turn->number, position, state, self->data);
    return bytes > 0 ? stretch->start + bytes : 0;
  }
  if (state == CORD_PLAYOUT_DONE || position >= stretch->duration)
    return end_of(stretch);
  bytes = g_array_index(stretch->said, gsize, position / STEP);
  return bytes > 0 ? stretch->start + bytes : 0;
}

/**
 * tts_script_heard:
 * @self: a script
 * @playout: how far a turn was played
 *
 * Returns: how many bytes of the turn's text that is
 */
gsize
tts_script_heard(TtsScript *self, const CordPlayout *playout)
{
  Turn *turn = find_turn(self, playout->turn);
  gsize heard = 0;

  for (guint i = 0; turn && i < turn->stretches->len; i++) {
    const Stretch *stretch = &g_array_index(turn->stretches, Stretch, i);
    gboolean done = playout->state == CORD_PLAYOUT_DONE;
    gsize bytes;

    if (!done && playout->position < stretch->audio_start)
      break;
    bytes = heard_of(self, turn, stretch,
                     done ? stretch->duration : playout->position - stretch->audio_start,
                     playout->state);
    heard = MAX(heard, bytes);
  }
  return heard;
}
