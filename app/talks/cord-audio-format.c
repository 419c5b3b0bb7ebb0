/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-audio-format.h"

#include <string.h>

/* What audio comes in and goes out as. */

#define RAW "audio/x-raw,format=S16LE,channels=1,layout=interleaved"
#define WAV_HEADER 44 /* bytes */

static const struct {
  const gchar *name, *type, *elements;
} formats[] = {
  [CORD_AUDIO_WAV] = { "wav", "audio/wav", RAW },
  [CORD_AUDIO_MP3] = { "mp3", "audio/mpeg",
                       "lamemp3enc target=bitrate bitrate=64 cbr=true mono=true" },
  [CORD_AUDIO_OPUS] = { "opus", "audio/ogg", RAW ",rate=48000 ! opusenc bitrate=32000 ! oggmux" },
};

/**
 * cord_audio_format_find:
 * @name: "wav", "mp3" or "opus"
 * @format: (out): which
 *
 * Returns: whether there is one of that name
 */
gboolean
cord_audio_format_find(const gchar *name, CordAudioFormat *format)
{
  for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
    if (g_str_equal(formats[i].name, name)) {
      *format = (CordAudioFormat)i;
      return TRUE;
    }
  }
  return FALSE;
}

/**
 * cord_audio_format_get_name:
 * @self: a format
 *
 * Returns: its name
 */
const gchar *
cord_audio_format_get_name(CordAudioFormat self)
{
  return formats[self].name;
}

/**
 * cord_audio_format_get_type:
 * @self: a format
 *
 * Returns: its media type
 */
const gchar *
cord_audio_format_get_type(CordAudioFormat self)
{
  return formats[self].type;
}

/**
 * cord_audio_format_get_elements:
 * @self: a format
 *
 * Returns: launch text that makes it of raw audio; of WAV only the samples
 */
const gchar *
cord_audio_format_get_elements(CordAudioFormat self)
{
  return formats[self].elements;
}

static void
put(guint8 *header, guint at, guint32 value, guint bytes)
{
  for (guint i = 0; i < bytes; i++)
    header[at + i] = (guint8)(value >> (8 * i));
}

/**
 * cord_audio_add_wav_header:
 * @samples: 16 bit samples, one channel
 * @caps: what they are
 *
 * Makes a RIFF WAVE file of them: its header holds the length, which is known only now.
 */
void
cord_audio_add_wav_header(GByteArray *samples, GstCaps *caps)
{
  guint8 header[WAV_HEADER] = "RIFF....WAVEfmt ";
  gint rate = 8000;

  gst_structure_get_int(gst_caps_get_structure(caps, 0), "rate", &rate);
  put(header, 4, samples->len + WAV_HEADER - 8, 4);
  put(header, 16, 16, 4);
  put(header, 20, 1, 2); /* PCM */
  put(header, 22, 1, 2);
  put(header, 24, (guint32)rate, 4);
  put(header, 28, (guint32)rate * 2, 4);
  put(header, 32, 2, 2);
  put(header, 34, 16, 2);
  memcpy(header + 36, "data", 4);
  put(header, 40, samples->len, 4);
  g_byte_array_prepend(samples, header, WAV_HEADER);
}

/**
 * cord_audio_may_decode:
 * @factory: an element that offers to decode
 *
 * What users send is read by few and well-kept elements, not by whatever is installed.
 *
 * Returns: whether it is one of them
 */
gboolean
cord_audio_may_decode(GstElementFactory *factory)
{
  static const gchar *const allowed[] = {
    "aacparse",  "alawdec",  "avdec_aac",     "faad",           "fdkaacdec",      "flacdec",
    "flacparse", "id3demux", "matroskademux", "mpegaudioparse", "mpg123audiodec", "mulawdec",
    "oggdemux",  "opusdec",  "opusparse",     "qtdemux",        "vorbisdec",      "wavparse",
    NULL,
  };

  return g_strv_contains(allowed, GST_OBJECT_NAME(factory));
}
