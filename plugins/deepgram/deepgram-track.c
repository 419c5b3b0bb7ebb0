/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deepgram-track.h"

#include <string.h>

#define MAX_MESSAGE_MS 250          /* of audio in one message */
#define SAME_TIME (2 * GST_MSECOND) /* rounding of time stamps */

/* From byte @at of the track on, audio was spoken at @running, without a gap. */
typedef struct {
  guint64 at;
  GstClockTime running;
} Span;

typedef struct {
  guint64 at;
  guint mark;
  gboolean sent;
} Mark;

struct _DeepgramTrack {
  CordSttFormat format;
  guint chunk_size;   /* bytes of the smallest message */
  guint message_size; /* bytes of the largest */
  guint kept_size;    /* bytes that are kept at most */

  /* positions are bytes since the track began */
  GByteArray *data; /* of what may have to be sent again, and of what was not sent yet */
  guint64 base;     /* where @data begins */
  guint64 sent;     /* until where it was sent over this connection */
  guint64 origin;   /* where this connection began: the service's time 0 */
  GArray *spans;    /* Span */
  GQueue marks;     /* Mark */
};

static guint
sample_size(const DeepgramTrack *self)
{
  return self->format.mulaw ? 1 : 2;
}

static guint
bytes_of_ms(const DeepgramTrack *self, guint ms)
{
  return (guint)((guint64)ms * self->format.rate / 1000) * sample_size(self);
}

static GstClockTime
time_of(const DeepgramTrack *self, guint64 bytes)
{
  return gst_util_uint64_scale(bytes / sample_size(self), GST_SECOND, self->format.rate);
}

static guint64
tail(const DeepgramTrack *self)
{
  return self->base + self->data->len;
}

DeepgramTrack *
deepgram_track_new(const CordSttFormat *format, guint chunk_ms, guint keep_ms)
{
  DeepgramTrack *self = g_new0(DeepgramTrack, 1);

  self->format = *format;
  self->chunk_size = bytes_of_ms(self, chunk_ms);
  self->message_size = MAX(bytes_of_ms(self, MAX_MESSAGE_MS), self->chunk_size);
  self->kept_size = bytes_of_ms(self, keep_ms);
  self->data = g_byte_array_new();
  self->spans = g_array_new(FALSE, FALSE, sizeof(Span));
  g_queue_init(&self->marks);
  return self;
}

void
deepgram_track_free(DeepgramTrack *self)
{
  g_byte_array_unref(self->data);
  g_array_unref(self->spans);
  g_queue_clear_full(&self->marks, g_free);
  g_free(self);
}

static Span *
find_span(DeepgramTrack *self, guint64 at)
{
  for (guint i = self->spans->len; i-- > 0;) {
    Span *span = &g_array_index(self->spans, Span, i);

    if (span->at <= at || i == 0)
      return span;
  }
  return NULL;
}

static GstClockTime
running_at(DeepgramTrack *self, guint64 at)
{
  const Span *span = find_span(self, at);

  if (span == NULL)
    return 0;
  return span->running + (at > span->at ? time_of(self, at - span->at) : 0);
}

/* Forgets all before @at. */
static void
drop_until(DeepgramTrack *self, guint64 at)
{
  guint first = 0;

  at = MIN(at, tail(self));
  if (at <= self->base)
    return;
  g_byte_array_remove_range(self->data, 0, (guint)(at - self->base));
  self->base = at;
  /* what is skipped takes no time of the service */
  if (at > self->sent)
    self->origin += at - self->sent;
  self->sent = MAX(self->sent, at);
  while (first + 1 < self->spans->len && g_array_index(self->spans, Span, first + 1).at <= at)
    first++;
  if (first > 0)
    g_array_remove_range(self->spans, 0, first);
}

static void
append(DeepgramTrack *self, gconstpointer bytes, gsize size, GstClockTime running)
{
  GstClockTime expected = running_at(self, tail(self));
  GstClockTime apart = running > expected ? running - expected : expected - running;

  if (self->spans->len == 0 || apart > SAME_TIME) {
    Span span = { tail(self), running };

    g_array_append_val(self->spans, span);
  }
  g_byte_array_append(self->data, bytes, (guint)size);
  if (self->data->len > self->kept_size)
    drop_until(self, tail(self) - self->kept_size);
}

/**
 * deepgram_track_add:
 * @self: a track
 * @audio: of its format, its running time as PTS
 *
 * What was spoken next.
 */
void
deepgram_track_add(DeepgramTrack *self, GstBuffer *audio)
{
  GstMapInfo map;

  if (!gst_buffer_map(audio, &map, GST_MAP_READ))
    return;
  if (map.size > 0)
    append(self, map.data, map.size - map.size % sample_size(self), GST_BUFFER_PTS(audio));
  gst_buffer_unmap(audio, &map);
}

/**
 * deepgram_track_add_silence:
 * @self: a track
 * @ms: how much
 *
 * Silence that nobody was heard to keep: it takes no running time.
 */
void
deepgram_track_add_silence(DeepgramTrack *self, guint ms)
{
  gsize size = bytes_of_ms(self, ms);
  g_autofree guint8 *silence = g_malloc(size);
  GstClockTime running = running_at(self, tail(self));
  Span after;

  memset(silence, self->format.mulaw ? 0xff : 0, size);
  append(self, silence, size, running);
  after = (Span){ tail(self), running };
  g_array_append_val(self->spans, after);
}

/**
 * deepgram_track_add_mark:
 * @self: a track
 * @mark: a number
 *
 * A mark behind all audio so far.
 */
void
deepgram_track_add_mark(DeepgramTrack *self, guint mark)
{
  Mark *item = g_new0(Mark, 1);

  item->at = tail(self);
  item->mark = mark;
  g_queue_push_tail(&self->marks, item);
}

void
deepgram_track_drop_mark(DeepgramTrack *self, guint mark)
{
  for (GList *l = self->marks.head; l; l = l->next) {
    Mark *item = l->data;

    if (item->mark == mark) {
      g_free(item);
      g_queue_delete_link(&self->marks, l);
      return;
    }
  }
}

static Mark *
next_mark(DeepgramTrack *self)
{
  for (GList *l = self->marks.head; l; l = l->next) {
    Mark *item = l->data;

    if (!item->sent)
      return item;
  }
  return NULL;
}

/**
 * deepgram_track_send:
 * @self: a track
 * @funcs: who sends; each returns whether it could
 * @data: for @funcs
 *
 * Hands out what was not sent over this connection, in messages that are neither small, but before
 * a mark, nor large.
 *
 * Returns: whether all could be sent
 */
gboolean
deepgram_track_send(DeepgramTrack *self, const DeepgramTrackFuncs *funcs, gpointer data)
{
  for (;;) {
    Mark *mark = next_mark(self);
    guint64 until = mark ? MAX(mark->at, self->sent) : tail(self);
    guint size = (guint)MIN(until - self->sent, self->message_size);

    if (mark && size == 0) {
      mark->sent = TRUE;
      if (!funcs->mark(mark->mark, data))
        return FALSE;
      continue;
    }
    if (size == 0 || (mark == NULL && size < self->chunk_size))
      return TRUE;
    if (!funcs->audio(self->data->data + (self->sent - self->base), size, data))
      return FALSE;
    self->sent += size;
  }
}

/**
 * deepgram_track_rewind:
 * @self: a track
 *
 * There is another connection: what is not settled will be sent again.
 */
void
deepgram_track_rewind(DeepgramTrack *self)
{
  self->origin = self->sent = self->base;
  for (GList *l = self->marks.head; l; l = l->next)
    ((Mark *)l->data)->sent = FALSE;
}

static guint64
position_of(const DeepgramTrack *self, GstClockTime time)
{
  return self->origin +
         gst_util_uint64_scale(time, self->format.rate, GST_SECOND) * sample_size(self);
}

/**
 * deepgram_track_settle:
 * @self: a track
 * @time: of the service
 *
 * What was said until then is known for good.
 */
void
deepgram_track_settle(DeepgramTrack *self, GstClockTime time)
{
  drop_until(self, MIN(position_of(self, time), self->sent));
}

/**
 * deepgram_track_trim:
 * @self: a track
 * @keep_ms: of audio
 *
 * Of what was sent no more than that is of interest.
 */
void
deepgram_track_trim(DeepgramTrack *self, guint keep_ms)
{
  guint64 keep = bytes_of_ms(self, keep_ms);

  if (tail(self) > keep)
    drop_until(self, MIN(self->sent, tail(self) - keep));
}

/**
 * deepgram_track_to_running:
 * @self: a track
 * @time: of the service: of the audio that it got over this connection
 *
 * Returns: when that was spoken, running time
 */
GstClockTime
deepgram_track_to_running(DeepgramTrack *self, GstClockTime time)
{
  return running_at(self, MIN(position_of(self, time), tail(self)));
}

/**
 * deepgram_track_get_position:
 * @self: a track
 *
 * Returns: the running time at which its audio ends
 */
GstClockTime
deepgram_track_get_position(DeepgramTrack *self)
{
  return running_at(self, tail(self));
}

/**
 * deepgram_track_was_sent:
 * @self: a track
 *
 * Returns: whether any audio has gone over this connection
 */
gboolean
deepgram_track_was_sent(DeepgramTrack *self)
{
  return self->sent > self->origin;
}
