/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * CordPhoneSpeech:
 *
 * What the caller has yet to say, mu-law.
 */
typedef struct {
  /*< private >*/
  GQueue pieces; /* GBytes */
  gsize spoken;  /* of the first of them, bytes */
} CordPhoneSpeech;

void cord_phone_speech_init(CordPhoneSpeech *self);
void cord_phone_speech_clear(CordPhoneSpeech *self);
void cord_phone_speech_add(CordPhoneSpeech *self, GBytes *mulaw);
gboolean cord_phone_speech_is_empty(CordPhoneSpeech *self);
void cord_phone_speech_take(CordPhoneSpeech *self, guint8 *frame, gsize length);

G_END_DECLS
