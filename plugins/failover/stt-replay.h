/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * SttReplay:
 *
 * What the next speech-to-text element has to hear when it takes over in the middle: the audio and
 * the speech events of every utterance that has no end yet, and a little before it. It also says
 * what of an element's output is news to those who follow. Positions are running times.
 */
typedef struct _SttReplay SttReplay;

SttReplay *stt_replay_new(void);
void stt_replay_free(SttReplay *self);
void stt_replay_clear(SttReplay *self);

/* What comes in: a buffer with its running time as PTS, or an event */
void stt_replay_add(SttReplay *self, GstMiniObject *object);
/* What goes out. Returns whether it is news. */
gboolean stt_replay_take_event(SttReplay *self, GstEvent *event);
gboolean stt_replay_take_text(SttReplay *self);

gboolean stt_replay_is_idle(SttReplay *self);
/* (transfer full) (element-type GstMiniObject): what to push, in order */
GPtrArray *stt_replay_get(SttReplay *self);

G_END_DECLS
