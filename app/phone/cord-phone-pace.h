/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * CordPhonePace:
 * @frames: 20 ms of audio that came
 * @late: how many of them came more than 40 ms behind the pace
 * @worst: the furthest that one was behind, ns
 *
 * How evenly a server sends audio. A paced server sends some frames ahead and then one every 20 ms;
 * whatever comes later than that, measured from the earliest of its utterance, is behind the pace.
 */
typedef struct {
  guint64 frames;
  guint64 late;
  GstClockTime worst;
  /*< private >*/
  GstClockTimeDiff earliest; /* arrival minus position, of the frame that was most ahead */
  GstClockTime position;     /* of the next frame in its utterance */
  GstClockTime last;         /* when the last one came; 0: none */
} CordPhonePace;

void cord_phone_pace_arrived(CordPhonePace *self, GstClockTime now, gsize bytes);
void cord_phone_pace_break(CordPhonePace *self);

G_END_DECLS
