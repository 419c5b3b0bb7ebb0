/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * RealtimeAudio:
 *
 * What the caller says, until it is known to have been understood. A new connection is told again
 * what the old one was told in vain.
 */
typedef struct {
  GQueue chunks; /* GBytes */
  GList *next;   /* the first that was not sent on this connection, NULL: all were */
  guint64 first; /* offset of the first chunk in all that came, bytes */
  guint64 sent;  /* offset of the first byte that was not sent */
  guint64 base;  /* offset at which this connection began */
  guint64 mark;  /* offset of the end of what was said last */
  gsize size;    /* of the chunks, bytes */
} RealtimeAudio;

void realtime_audio_init(RealtimeAudio *self);
void realtime_audio_clear(RealtimeAudio *self);
void realtime_audio_push(RealtimeAudio *self, const guint8 *audio, gsize size, gsize most);
GBytes *realtime_audio_take(RealtimeAudio *self);
void realtime_audio_rewind(RealtimeAudio *self);
void realtime_audio_mark(RealtimeAudio *self, guint64 bytes);
void realtime_audio_settle(RealtimeAudio *self);

G_END_DECLS
