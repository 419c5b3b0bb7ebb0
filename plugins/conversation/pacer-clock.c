/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pacer-clock.h"

#define LATE (40 * GST_MSECOND)

/**
 * pacer_clock_restart:
 * @self: a clock
 *
 * Nothing of what has left will be heard; the next frame starts the clock.
 */
void
pacer_clock_restart(PacerClock *self)
{
  self->play_end = 0;
  self->in_response = FALSE;
}

/**
 * pacer_clock_end_response:
 * @self: a clock
 *
 * A pause from now on is meant to be one.
 */
void
pacer_clock_end_response(PacerClock *self)
{
  self->in_response = FALSE;
}

/**
 * pacer_clock_allows:
 * @self: a clock
 * @now: the time
 * @frame: how long the next frame sounds
 * @look_ahead: how far ahead of its being heard audio may leave
 *
 * Returns: whether the frame may leave
 */
gboolean
pacer_clock_allows(const PacerClock *self, GstClockTime now, GstClockTime frame,
                   GstClockTime look_ahead)
{
  return self->play_end <= now || self->play_end + frame <= now + look_ahead;
}

/**
 * pacer_clock_send:
 * @self: a clock
 * @now: the time
 * @frame: how long the frame sounds
 * @look_ahead: how far ahead of its being heard it was allowed to leave
 * @arrival: since when it could have left
 *
 * Notes that a frame leaves.
 */
void
pacer_clock_send(PacerClock *self, GstClockTime now, GstClockTime frame, GstClockTime look_ahead,
                 GstClockTime arrival)
{
  GstClockTime due = arrival;

  if (self->play_end + frame > due + look_ahead)
    due = self->play_end + frame - look_ahead;
  if (now > due) {
    self->max_lateness = MAX(self->max_lateness, now - due);
    if (now - due > LATE)
      self->late_frames++;
  }
  if (self->in_response && self->play_end < now)
    self->underruns++;
  self->frames++;
  self->in_response = TRUE;
  self->play_end = MAX(self->play_end, now) + frame;
}

/**
 * pacer_clock_to_structure:
 * @self: a clock
 *
 * Returns: (transfer full): what it has counted
 */
GstStructure *
pacer_clock_to_structure(const PacerClock *self)
{
  return gst_structure_new("audiopacer-stats", "frames", G_TYPE_UINT64, self->frames, "late-frames",
                           G_TYPE_UINT64, self->late_frames, "max-lateness-us", G_TYPE_UINT64,
                           self->max_lateness / GST_USECOND, "underruns", G_TYPE_UINT64,
                           self->underruns, NULL);
}
