/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * CordAudioFormat:
 * @CORD_AUDIO_WAV: RIFF WAVE, 16 bit, at the voice's own rate
 * @CORD_AUDIO_MP3: MP3, 64 kbit/s
 * @CORD_AUDIO_OPUS: Opus in Ogg
 *
 * How audio is handed out.
 */
typedef enum {
  CORD_AUDIO_WAV,
  CORD_AUDIO_MP3,
  CORD_AUDIO_OPUS,
} CordAudioFormat;

gboolean cord_audio_format_find(const gchar *name, CordAudioFormat *format);
const gchar *cord_audio_format_get_name(CordAudioFormat self);
const gchar *cord_audio_format_get_type(CordAudioFormat self);
const gchar *cord_audio_format_get_elements(CordAudioFormat self);
void cord_audio_add_wav_header(GByteArray *samples, GstCaps *caps);
gboolean cord_audio_may_decode(GstElementFactory *factory);

G_END_DECLS
