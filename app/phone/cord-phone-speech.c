/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-phone-speech.h"

#include <string.h>

#include "cord-g711.h"

void
cord_phone_speech_init(CordPhoneSpeech *self)
{
  g_queue_init(&self->pieces);
  self->spoken = 0;
}

void
cord_phone_speech_clear(CordPhoneSpeech *self)
{
  g_queue_clear_full(&self->pieces, (GDestroyNotify)g_bytes_unref);
}

/**
 * cord_phone_speech_add:
 * @self: what he has yet to say
 * @mulaw: what comes after that
 */
void
cord_phone_speech_add(CordPhoneSpeech *self, GBytes *mulaw)
{
  if (g_bytes_get_size(mulaw) > 0)
    g_queue_push_tail(&self->pieces, g_bytes_ref(mulaw));
}

gboolean
cord_phone_speech_is_empty(CordPhoneSpeech *self)
{
  return g_queue_is_empty(&self->pieces);
}

/**
 * cord_phone_speech_take:
 * @self: what he has yet to say
 * @frame: (out caller-allocates) (array length=length): the next of it, silence where there is none
 * @length: bytes
 */
void
cord_phone_speech_take(CordPhoneSpeech *self, guint8 *frame, gsize length)
{
  gsize filled = 0;

  while (filled < length && !g_queue_is_empty(&self->pieces)) {
    gsize size;
    const guint8 *bytes = g_bytes_get_data(g_queue_peek_head(&self->pieces), &size);
    gsize n = MIN(size - self->spoken, length - filled);

    memcpy(frame + filled, bytes + self->spoken, n);
    filled += n;
    self->spoken += n;
    if (self->spoken == size) {
      g_bytes_unref(g_queue_pop_head(&self->pieces));
      self->spoken = 0;
    }
  }
  memset(frame + filled, CORD_G711_SILENCE, length - filled);
}
