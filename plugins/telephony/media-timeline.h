/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "media-drift.h"
#include "media-format.h"

G_BEGIN_DECLS

/*
 * The caller's audio on its way from messages of any length, with the carrier's timestamps if it
 * sends any, to whole frames on a time line without holes. Pure: it knows neither clock nor pads.
 * Positions are bytes.
 *
 * Audio that is where the time line stands, give or take a frame, is appended. Where the timestamps
 * leap forward, silence is put in between, at most max_gap of it; what is more becomes a
 * discontinuity, and the time line goes no further than real time has. Audio that comes late (the
 * network stood still and the tick has put silence in its place) is not thrown away: the line runs
 * ahead, and makes up for it by leaving out frames in which the caller is quiet.
 *
 * Audio without timestamps is appended as it comes; see media-drift.h for how it is kept near to
 * real time.
 */

/**
 * MediaFrameFunc:
 * @frame: one frame, or %NULL for silence
 * @position: of its first byte
 * @discont: whether the time line leapt before it
 * @data: as given
 *
 * Returns: FALSE to stop
 */
typedef gboolean (*MediaFrameFunc)(const guint8 *frame, guint64 position, gboolean discont,
                                   gpointer data);

typedef struct {
  guint64 gaps;      /* forward leaps of the timestamps that were filled */
  guint64 jumps;     /* leaps too long to be filled */
  guint64 reversals; /* timestamps that ran backwards, or late audio */
  guint64 filled;    /* bytes of silence put into gaps */
  guint64 made_up;   /* bytes of silence made while nothing arrived, or too little */
  guint64 flooded;   /* bytes that came too far ahead of real time */
  guint64 left_out;  /* quiet bytes that were dropped to catch up */
} MediaTimelineStats;

typedef struct {
  const MediaFormat *format;
  MediaFrameFunc func;
  gpointer data;
  guint64 silence_after; /* ns; 0: never */
  guint64 max_gap;       /* bytes */
  guint64 started;       /* ns, worker's time */
  guint64 arrived;       /* ns, when the last audio came */
  guint64 arrived_at;    /* bytes, where the line stood then */
  guint64 position;      /* bytes, of the first one in partial */
  gint64 offset;         /* bytes, from the carrier's timestamps to the line */
  gint64 other_offset;   /* bytes, the one before the last leap */
  guint64 late_allowed;  /* bytes of silence made up since the line was last true */
  guint partial_length;
  gboolean untimed; /* no message has a timestamp */
  gboolean anchored;
  gboolean discont;
  gboolean stopped;
  MediaTimelineStats stats;
  MediaDrift drift;
  guint8 partial[MEDIA_MAX_FRAME];
} MediaTimeline;

void media_timeline_start(MediaTimeline *self, guint64 now);
void media_timeline_push(MediaTimeline *self, gint64 timestamp_ms, const guint8 *audio,
                         gsize length, guint64 now);
void media_timeline_tick(MediaTimeline *self, guint64 now);
void media_timeline_finish(MediaTimeline *self);

G_END_DECLS
