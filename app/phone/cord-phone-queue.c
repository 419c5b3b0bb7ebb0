/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-phone-queue.h"

#include <string.h>

#include "cord-g711.h"

#define MAX_LENGTH (10 * 60 * CORD_G711_RATE) /* bytes; what Twilio keeps, more is discarded */

typedef struct {
  guint64 position; /* bytes that must have been played */
  gchar *name;
} Mark;

struct _CordPhoneQueue {
  GByteArray *audio;
  gsize offset; /* of what is to be played next */
  guint64 pushed;
  guint64 played;
  GQueue marks;
  CordPhoneQueueMark mark;
  gpointer data;
};

/**
 * cord_phone_queue_new:
 * @mark: called for each mark that is due
 * @data: for @mark
 *
 * Returns: (transfer full): an empty queue
 */
CordPhoneQueue *
cord_phone_queue_new(CordPhoneQueueMark mark, gpointer data)
{
  CordPhoneQueue *self = g_new0(CordPhoneQueue, 1);

  self->audio = g_byte_array_new();
  g_queue_init(&self->marks);
  self->mark = mark;
  self->data = data;
  return self;
}

static void
mark_free(gpointer data)
{
  Mark *mark = data;

  g_free(mark->name);
  g_free(mark);
}

void
cord_phone_queue_free(CordPhoneQueue *self)
{
  g_queue_clear_full(&self->marks, mark_free);
  g_byte_array_unref(self->audio);
  g_free(self);
}

static void
echo_due(CordPhoneQueue *self)
{
  Mark *mark;

  while ((mark = g_queue_peek_head(&self->marks)) && mark->position <= self->played) {
    g_queue_pop_head(&self->marks);
    self->mark(mark->name, self->data);
    mark_free(mark);
  }
}

/**
 * cord_phone_queue_push:
 * @self: a queue
 * @audio: (array length=length): mu-law
 * @length: bytes
 *
 * Returns: %FALSE when ten minutes are waiting already; the audio is then discarded
 */
gboolean
cord_phone_queue_push(CordPhoneQueue *self, const guint8 *audio, gsize length)
{
  if (cord_phone_queue_get_length(self) + length > MAX_LENGTH)
    return FALSE;
  if (self->offset > 0 && self->offset == self->audio->len) {
    g_byte_array_set_size(self->audio, 0);
    self->offset = 0;
  }
  g_byte_array_append(self->audio, audio, length);
  self->pushed += length;
  return TRUE;
}

/**
 * cord_phone_queue_mark:
 * @self: a queue
 * @name: echoed when all that was pushed before is played
 */
void
cord_phone_queue_mark(CordPhoneQueue *self, const gchar *name)
{
  Mark *mark = g_new0(Mark, 1);

  mark->position = self->pushed;
  mark->name = g_strdup(name);
  g_queue_push_tail(&self->marks, mark);
  echo_due(self);
}

/**
 * cord_phone_queue_play:
 * @self: a queue
 * @audio: (out caller-allocates) (array length=length): mu-law, silence where there is nothing
 * @length: bytes
 *
 * Plays on, and echoes the marks that are due.
 *
 * Returns: how many of the bytes came from the queue
 */
gsize
cord_phone_queue_play(CordPhoneQueue *self, guint8 *audio, gsize length)
{
  gsize n = MIN(length, cord_phone_queue_get_length(self));

  if (n > 0)
    memcpy(audio, self->audio->data + self->offset, n);
  memset(audio + n, CORD_G711_SILENCE, length - n);
  self->offset += n;
  self->played += n;
  if (self->offset > MAX_LENGTH / 16) {
    g_byte_array_remove_range(self->audio, 0, self->offset);
    self->offset = 0;
  }
  echo_due(self);
  return n;
}

/**
 * cord_phone_queue_clear:
 * @self: a queue
 *
 * Throws away what waits, and echoes all marks.
 *
 * Returns: how many bytes were not played
 */
gsize
cord_phone_queue_clear(CordPhoneQueue *self)
{
  gsize unplayed = cord_phone_queue_get_length(self);

  self->played = self->pushed;
  self->offset = 0;
  g_byte_array_set_size(self->audio, 0);
  echo_due(self);
  return unplayed;
}

gsize
cord_phone_queue_get_length(CordPhoneQueue *self)
{
  return self->audio->len - self->offset;
}

guint
cord_phone_queue_count_marks(CordPhoneQueue *self)
{
  return self->marks.length;
}
