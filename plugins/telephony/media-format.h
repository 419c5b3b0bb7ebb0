/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define MEDIA_FRAME_MS 20      /* ms */
#define MEDIA_MAX_FRAME 640    /* bytes: 20 ms of the widest format */
#define MEDIA_MAX_MARK_NAME 48 /* bytes, the terminating zero included */

/**
 * MediaFormat:
 * @caps: what it is to GStreamer
 * @frame_bytes: a frame of 20 ms, bytes
 * @sample_bytes: a sample, bytes
 * @ns_per_byte: how long a byte sounds, ns
 * @silence: the byte that silence is made of
 * @is_quiet: whether nobody speaks in @length bytes
 *
 * What flows through a media stream, in both directions. Positions are counted in bytes.
 */
typedef struct {
  const gchar *caps;
  guint frame_bytes;
  guint sample_bytes;
  guint ns_per_byte;
  guint8 silence;
  gboolean (*is_quiet)(const guint8 *audio, gsize length);
} MediaFormat;

static inline guint64
media_format_to_bytes(const MediaFormat *self, guint64 duration_ns)
{
  return duration_ns / self->ns_per_byte;
}

static inline guint64
media_format_to_time(const MediaFormat *self, guint64 bytes)
{
  return bytes * self->ns_per_byte;
}

static inline guint64
media_format_from_ms(const MediaFormat *self, guint64 ms)
{
  return ms * (self->frame_bytes / MEDIA_FRAME_MS);
}

G_END_DECLS
