/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "openai-realtime-audio.h"

void
realtime_audio_init(RealtimeAudio *self)
{
  *self = (RealtimeAudio){ 0 };
  g_queue_init(&self->chunks);
}

void
realtime_audio_clear(RealtimeAudio *self)
{
  g_queue_clear_full(&self->chunks, (GDestroyNotify)g_bytes_unref);
  realtime_audio_init(self);
}

static void
drop_oldest(RealtimeAudio *self)
{
  GList *link = self->chunks.head;
  gsize size = g_bytes_get_size(link->data);

  if (self->next == link)
    self->next = link->next;
  self->first += size;
  self->size -= size;
  self->sent = MAX(self->sent, self->first);
  g_bytes_unref(link->data);
  g_queue_delete_link(&self->chunks, link);
}

/**
 * realtime_audio_push:
 * @self: what is kept
 * @audio: what comes
 * @size: of it, bytes
 * @most: how much is kept, bytes; the oldest goes
 */
void
realtime_audio_push(RealtimeAudio *self, const guint8 *audio, gsize size, gsize most)
{
  g_queue_push_tail(&self->chunks, g_bytes_new(audio, size));
  self->size += size;
  if (self->next == NULL)
    self->next = self->chunks.tail;
  while (self->size > most && self->chunks.length > 1)
    drop_oldest(self);
}

/**
 * realtime_audio_take:
 * @self: what is kept
 *
 * Returns: (transfer none) (nullable): what is to be sent next; it stays here
 */
GBytes *
realtime_audio_take(RealtimeAudio *self)
{
  GBytes *bytes = self->next ? self->next->data : NULL;

  if (bytes == NULL)
    return NULL;
  self->sent += g_bytes_get_size(bytes);
  self->next = self->next->next;
  return bytes;
}

/**
 * realtime_audio_rewind:
 * @self: what is kept
 *
 * There is a new connection, which knows nothing of it.
 */
void
realtime_audio_rewind(RealtimeAudio *self)
{
  self->next = self->chunks.head;
  self->base = self->sent = self->first;
  self->mark = self->first;
}

/**
 * realtime_audio_mark:
 * @self: what is kept
 * @bytes: of audio after which the caller had ended, as this connection counts
 */
void
realtime_audio_mark(RealtimeAudio *self, guint64 bytes)
{
  self->mark = MIN(self->base + bytes, self->sent);
}

/**
 * realtime_audio_settle:
 * @self: what is kept
 *
 * What was said up to the mark has been understood.
 */
void
realtime_audio_settle(RealtimeAudio *self)
{
  while (self->chunks.head && self->chunks.head != self->next &&
         self->first + g_bytes_get_size(self->chunks.head->data) <= self->mark)
    drop_oldest(self);
}
