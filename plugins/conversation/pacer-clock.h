/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * PacerClock:
 *
 * When frames may leave: no more than a look-ahead before they are heard. It starts with the first
 * frame, and again with the first one after all that had left was heard. Times are those of a
 * #CordWorker, ns. A zeroed one is ready.
 */
typedef struct {
  GstClockTime play_end; /* when all that has left will have been heard */
  gboolean in_response;  /* a frame has left, and no end of the response since */
  guint64 frames;
  guint64 late_frames;
  guint64 underruns;
  GstClockTime max_lateness;
} PacerClock;

void pacer_clock_restart(PacerClock *self);
void pacer_clock_end_response(PacerClock *self);
gboolean pacer_clock_allows(const PacerClock *self, GstClockTime now, GstClockTime frame,
                            GstClockTime look_ahead);
void pacer_clock_send(PacerClock *self, GstClockTime now, GstClockTime frame,
                      GstClockTime look_ahead, GstClockTime arrival);
GstStructure *pacer_clock_to_structure(const PacerClock *self);

G_END_DECLS
