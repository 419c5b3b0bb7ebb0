/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "media-drift.h"

#define WINDOW (2 * G_GUINT64_CONSTANT(1000000000)) /* ns */
#define TOLERATED 2                                 /* frames either way */
#define KEPT 10                                     /* frames of each pause that stay as they are */

/**
 * media_drift_arrived:
 * @self: the drift
 * @lag_frames: by how many frames the line is behind real time after what has arrived
 * @now: the worker's time, ns
 */
void
media_drift_arrived(MediaDrift *self, gint64 lag_frames, guint64 now)
{
  if (self->window_end == 0) {
    self->window_end = now + WINDOW;
    self->least = lag_frames;
  } else if (now >= self->window_end) {
    self->owed = ABS(self->least) > TOLERATED ? self->least : 0;
    self->window_end = now + WINDOW;
    self->least = lag_frames;
  }
  self->least = MIN(self->least, lag_frames);
}

/**
 * media_drift_judge:
 * @self: the drift
 * @quiet: whether nobody speaks in the next frame
 *
 * Returns: what becomes of the frame
 */
MediaDriftVerdict
media_drift_judge(MediaDrift *self, gboolean quiet)
{
  self->quiet = quiet ? self->quiet + 1 : 0;
  if (self->owed == 0 || self->quiet <= KEPT || self->quiet % 2 == 0)
    return MEDIA_DRIFT_KEEP;
  /* what was measured before it is changed with it */
  if (self->owed > 0) {
    self->owed--;
    self->least--;
    return MEDIA_DRIFT_STRETCH;
  }
  self->owed++;
  self->least++;
  return MEDIA_DRIFT_LEAVE_OUT;
}
