/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "media-playout.h"

#include <string.h>

typedef struct {
  guint number;
  guint64 position; /* bytes before it */
} Mark;

void
media_turn_free(MediaTurn *self)
{
  g_clear_pointer(&self->turn, cord_turn_unref);
  g_free(self);
}

void
media_playout_init(MediaPlayout *self, const MediaFormat *format)
{
  *self = (MediaPlayout){ .format = format, .generation = 1, .next_mark = 1 };
  self->marks = g_array_new(FALSE, FALSE, sizeof(Mark));
  g_queue_init(&self->turns);
}

void
media_playout_clear(MediaPlayout *self)
{
  g_clear_pointer(&self->marks, g_array_unref);
  g_queue_clear_full(&self->turns, (GDestroyNotify)media_turn_free);
}

/**
 * media_playout_open_turn:
 * @self: the books
 *
 * Returns: (transfer none) (nullable): the turn of which more audio may come
 */
MediaTurn *
media_playout_open_turn(MediaPlayout *self)
{
  MediaTurn *last = g_queue_peek_tail(&self->turns);

  return last && !last->finished ? last : NULL;
}

/**
 * media_playout_get_turn:
 * @self: the books, the open turn of which is @number or none
 * @number: a turn
 * @turn: (nullable): the same with its stamps
 *
 * Returns: (transfer none): the entry of that turn, a new one if need be
 */
MediaTurn *
media_playout_get_turn(MediaPlayout *self, guint number, CordTurn *turn)
{
  MediaTurn *entry = media_playout_open_turn(self);

  if (entry)
    return entry;
  entry = g_new0(MediaTurn, 1);
  entry->number = number;
  entry->turn = turn ? cord_turn_ref(turn) : cord_turn_new(number);
  entry->start = self->sent;
  g_queue_push_tail(&self->turns, entry);
  return entry;
}

/* Where playing would be if the carrier never ran dry. */
static guint64
extrapolate(const MediaPlayout *self, GstClockTime now)
{
  return self->anchor + media_format_to_bytes(self->format, now - self->anchor_time);
}

/**
 * media_playout_count_frame:
 * @self: the books
 * @turn: whose audio it is
 * @length: bytes that were sent
 * @now: the worker's time
 */
void
media_playout_count_frame(MediaPlayout *self, MediaTurn *turn, gsize length, GstClockTime now)
{
  /* the carrier's queue was empty: playing begins again, with this */
  if (self->sent == 0 || extrapolate(self, now) >= self->sent) {
    self->anchor = self->sent;
    self->anchor_time = now;
  }
  self->sent += length;
  turn->sent += length;
}

/** media_playout_unmarked: how many bytes were sent since the last mark. */
guint64
media_playout_unmarked(const MediaPlayout *self)
{
  return self->sent - self->marked;
}

/**
 * media_playout_make_mark:
 * @self: the books
 * @name: (out caller-allocates): the name of the mark that is to be sent now
 */
void
media_playout_make_mark(MediaPlayout *self, gchar name[MEDIA_MAX_MARK_NAME])
{
  const MediaTurn *turn = g_queue_peek_tail(&self->turns);
  Mark mark = { self->next_mark++, self->sent };

  g_snprintf(name, MEDIA_MAX_MARK_NAME, "g%u:t%u:%u", self->generation, turn ? turn->number : 0,
             mark.number);
  g_array_append_val(self->marks, mark);
  self->marked = self->sent;
}

static gboolean
parse_part(const gchar **text, const gchar *prefix, guint *value)
{
  gchar *end = NULL;
  guint64 number;

  if (!g_str_has_prefix(*text, prefix) || !g_ascii_isdigit((*text)[strlen(prefix)]))
    return FALSE;
  number = g_ascii_strtoull(*text + strlen(prefix), &end, 10);
  *text = end;
  *value = (guint)MIN(number, G_MAXUINT);
  return TRUE;
}

static void
settle(MediaPlayout *self, guint n_marks)
{
  self->played = g_array_index(self->marks, Mark, n_marks - 1).position;
  g_array_remove_range(self->marks, 0, n_marks);
}

/**
 * media_playout_take_echo:
 * @self: the books
 * @name: of a mark that came back
 * @now: the worker's time
 *
 * Everything before the mark was played; marks before it whose echoes were lost are settled too.
 */
MediaEcho
media_playout_take_echo(MediaPlayout *self, const gchar *name, GstClockTime now)
{
  guint generation, turn, number;

  if (!parse_part(&name, "g", &generation) || !parse_part(&name, ":t", &turn) ||
      !parse_part(&name, ":", &number) || *name || generation == 0 || number == 0)
    return MEDIA_ECHO_UNKNOWN;
  if (generation < self->generation)
    return MEDIA_ECHO_OLD;
  if (generation > self->generation || number >= self->next_mark)
    return MEDIA_ECHO_UNKNOWN;
  for (guint i = 0; i < self->marks->len; i++) {
    if (g_array_index(self->marks, Mark, i).number != number)
      continue;
    settle(self, i + 1);
    self->anchor = self->played;
    self->anchor_time = now;
    return MEDIA_ECHO_PLAYED;
  }
  return MEDIA_ECHO_DUPLICATE;
}

/**
 * media_playout_take_deadline:
 * @self: the books
 * @grace: how long an echo may take after its audio should have been played
 * @now: the worker's time
 *
 * Returns: whether a mark's echo is overdue; what is before it then counts as played
 */
gboolean
media_playout_take_deadline(MediaPlayout *self, GstClockTime grace, GstClockTime now)
{
  guint n = 0;

  while (n < self->marks->len && now > self->anchor_time + grace &&
         self->anchor + media_format_to_bytes(self->format, now - self->anchor_time - grace) >=
             g_array_index(self->marks, Mark, n).position)
    n++;
  if (n == 0)
    return FALSE;
  settle(self, n);
  return TRUE;
}

/** media_playout_is_pending: whether audio was sent of which the carrier has not said so. */
gboolean
media_playout_is_pending(const MediaPlayout *self)
{
  return self->sent > self->played || self->marks->len > 0;
}

/** media_playout_get_limit: the first mark that has not come back, or the end, in bytes. */
guint64
media_playout_get_limit(const MediaPlayout *self)
{
  guint64 limit = self->marks->len > 0 ? g_array_index(self->marks, Mark, 0).position : self->sent;

  return MAX(limit, self->played);
}

/**
 * media_playout_get_position:
 * @self: the books
 * @now: the worker's time
 *
 * Returns: how many bytes of the generation were played: exact at an echo, between two by the
 *   clock, and never past a mark that has not come back
 */
guint64
media_playout_get_position(const MediaPlayout *self, GstClockTime now)
{
  if (self->sent == 0)
    return 0;
  return CLAMP(extrapolate(self, now), self->played, media_playout_get_limit(self));
}

/** media_playout_get_ahead: how many bytes the carrier still has to play, by the clock. */
guint64
media_playout_get_ahead(const MediaPlayout *self, GstClockTime now)
{
  guint64 position = MAX(self->sent == 0 ? 0 : extrapolate(self, now), self->played);

  return self->sent > position ? self->sent - position : 0;
}

/**
 * media_playout_take_done:
 * @self: the books
 *
 * Returns: (transfer full) (nullable): the next turn of which everything was played
 */
MediaTurn *
media_playout_take_done(MediaPlayout *self)
{
  MediaTurn *first = g_queue_peek_head(&self->turns);

  if (!first || !first->finished || self->played < first->start + first->sent)
    return NULL;
  return g_queue_pop_head(&self->turns);
}

/**
 * media_playout_describe:
 * @self: the books
 * @turn: one of its turns
 * @position: what was played of the generation, bytes
 * @state: how far the turn is
 * @out: (out caller-allocates): what the playout event says
 */
void
media_playout_describe(const MediaPlayout *self, const MediaTurn *turn, guint64 position,
                       CordPlayoutState state, CordPlayout *out)
{
  guint64 in_turn = position > turn->start ? MIN(position - turn->start, turn->sent) : 0;

  *out = (CordPlayout){
    .turn = turn->number,
    .position = media_format_to_time(self->format, in_turn),
    .sent = media_format_to_time(self->format, turn->sent),
    .state = state,
    .text_bytes = -1,
  };
}

/**
 * media_playout_flush:
 * @self: the books
 * @now: the worker's time
 *
 * Begins a new generation. Its turns, which must have been taken care of, are forgotten.
 */
void
media_playout_flush(MediaPlayout *self, GstClockTime now)
{
  self->earlier += media_playout_get_position(self, now);
  self->generation++;
  self->next_mark = 1;
  self->sent = self->marked = self->played = self->anchor = 0;
  self->anchor_time = now;
  g_array_set_size(self->marks, 0);
  g_queue_clear_full(&self->turns, (GDestroyNotify)media_turn_free);
}
