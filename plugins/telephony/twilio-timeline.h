/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * The caller's audio on its way from messages of any length, with the carrier's timestamps, to
 * whole frames on a time line without holes. Pure: it knows neither clock nor pads.
 *
 * Audio that is where the time line stands, give or take a frame, is appended. Where the timestamps
 * leap forward, silence is put in between, at most max_gap of it; what is more becomes a
 * discontinuity, and the time line goes no further than real time has. Audio that comes late (the
 * network stood still and the tick has put silence in its place) is not thrown away: the line runs
 * ahead, and makes up for it by leaving out frames in which the caller is quiet.
 */

#define TWILIO_FRAME 160            /* samples, and bytes: 20 ms */
#define TWILIO_SAMPLES_PER_MS 8     /* mu-law, 8000 Hz */
#define TWILIO_NS_PER_SAMPLE 125000 /* ns */
#define TWILIO_SILENCE 0xff         /* mu-law +0 */

/**
 * TwilioFrameFunc:
 * @frame: one frame, or %NULL for silence
 * @position: of its first sample
 * @discont: whether the time line leapt before it
 * @data: as given
 *
 * Returns: FALSE to stop
 */
typedef gboolean (*TwilioFrameFunc)(const guint8 *frame, guint64 position, gboolean discont,
                                    gpointer data);

typedef struct {
  guint64 gaps;      /* forward leaps of the timestamps that were filled */
  guint64 jumps;     /* leaps too long to be filled */
  guint64 reversals; /* timestamps that ran backwards, or late audio */
  guint64 filled;    /* samples of silence put into gaps */
  guint64 made_up;   /* samples of silence made while nothing arrived */
  guint64 left_out;  /* quiet samples that were dropped to catch up */
} TwilioTimelineStats;

typedef struct {
  TwilioFrameFunc func;
  gpointer data;
  guint64 silence_after; /* ns; 0: never */
  guint64 max_gap;       /* samples */
  guint64 started;       /* ns, worker's time */
  guint64 arrived;       /* ns, when the last audio came */
  guint64 arrived_at;    /* samples, where the line stood then */
  guint64 position;      /* samples, of the first one in partial */
  gint64 offset;         /* samples, from the carrier's timestamps to the line */
  gint64 other_offset;   /* samples, the one before the last leap */
  guint64 late_allowed;  /* samples of silence made up since the line was last true */
  guint partial_length;
  gboolean anchored;
  gboolean discont;
  gboolean stopped;
  TwilioTimelineStats stats;
  guint8 partial[TWILIO_FRAME];
} TwilioTimeline;

void twilio_timeline_start(TwilioTimeline *self, guint64 now);
void twilio_timeline_push(TwilioTimeline *self, gint64 timestamp_ms, const guint8 *audio,
                          gsize length, guint64 now);
void twilio_timeline_tick(TwilioTimeline *self, guint64 now);
void twilio_timeline_finish(TwilioTimeline *self);

G_END_DECLS
