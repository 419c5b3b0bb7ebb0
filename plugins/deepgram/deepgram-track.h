/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-stt-base.h"

G_BEGIN_DECLS

/**
 * DeepgramTrack:
 *
 * The audio that goes to the service: what is still to be sent, what was sent and may have to be
 * sent again over another connection, and when each sample was spoken. It knows no socket and no
 * clock.
 */
typedef struct _DeepgramTrack DeepgramTrack;

/**
 * DeepgramTrackFuncs:
 * @audio: some of the audio; never empty
 * @mark: all audio up to a mark was handed out
 *
 * Who sends.
 */
typedef struct {
  gboolean (*audio)(gconstpointer bytes, gsize size, gpointer data);
  gboolean (*mark)(guint mark, gpointer data);
} DeepgramTrackFuncs;

DeepgramTrack *deepgram_track_new(const CordSttFormat *format, guint chunk_ms, guint keep_ms);
void deepgram_track_free(DeepgramTrack *self);
void deepgram_track_add(DeepgramTrack *self, GstBuffer *audio);
void deepgram_track_add_silence(DeepgramTrack *self, guint ms);
void deepgram_track_add_mark(DeepgramTrack *self, guint mark);
void deepgram_track_drop_mark(DeepgramTrack *self, guint mark);
gboolean deepgram_track_send(DeepgramTrack *self, const DeepgramTrackFuncs *funcs, gpointer data);
void deepgram_track_rewind(DeepgramTrack *self);
void deepgram_track_settle(DeepgramTrack *self, GstClockTime time);
void deepgram_track_trim(DeepgramTrack *self, guint keep_ms);
GstClockTime deepgram_track_to_running(DeepgramTrack *self, GstClockTime time);
GstClockTime deepgram_track_get_position(DeepgramTrack *self);
gboolean deepgram_track_was_sent(DeepgramTrack *self);

G_END_DECLS
