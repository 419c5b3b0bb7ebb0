/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * How a line of audio without timestamps is kept near to real time. A browser's audio comes in
 * bursts and late, but all of it comes (TCP), so what matters is not when one message arrived but
 * how far the line is off whenever it is best off: the least lag of a while. What that is too much
 * (the browser's clock is slow, or some was lost) is made up by silence in the caller's pauses;
 * what it is too little (its clock is fast, or silence was made and the audio came after all) by
 * leaving out every second quiet frame. Speech is never touched, and a pause never loses its
 * beginning. Pure.
 */

/**
 * MediaDriftVerdict:
 * @MEDIA_DRIFT_KEEP: nothing is to be done
 * @MEDIA_DRIFT_LEAVE_OUT: the frame is not to be let through
 * @MEDIA_DRIFT_STRETCH: a frame of silence is to follow it
 *
 * What becomes of a frame.
 */
typedef enum {
  MEDIA_DRIFT_KEEP,
  MEDIA_DRIFT_LEAVE_OUT,
  MEDIA_DRIFT_STRETCH,
} MediaDriftVerdict;

typedef struct {
  guint64 window_end; /* ns, when the while is over; 0: it has not begun */
  gint64 least;       /* frames that the line is behind real time, at best in this while */
  gint64 owed;        /* frames of silence that are to be added, or left out if negative */
  guint quiet;        /* frames in a row */
} MediaDrift;

void media_drift_arrived(MediaDrift *self, gint64 lag_frames, guint64 now);
MediaDriftVerdict media_drift_judge(MediaDrift *self, gboolean quiet);

G_END_DECLS
