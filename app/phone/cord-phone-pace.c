/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-phone-pace.h"

#include "cord-g711.h"

#define LATE (40 * GST_MSECOND)
#define PAUSE (500 * GST_MSECOND) /* after which another utterance begins */

/**
 * cord_phone_pace_arrived:
 * @self: a pace
 * @now: the time
 * @bytes: of mu-law that came
 */
void
cord_phone_pace_arrived(CordPhonePace *self, GstClockTime now, gsize bytes)
{
  GstClockTimeDiff offset;
  GstClockTime behind;

  if (self->last == 0 || now > self->last + PAUSE) {
    self->position = 0;
    self->earliest = (GstClockTimeDiff)now;
  }
  offset = (GstClockTimeDiff)now - (GstClockTimeDiff)self->position;
  self->earliest = MIN(self->earliest, offset);
  behind = (GstClockTime)(offset - self->earliest);
  self->worst = MAX(self->worst, behind);
  self->late += behind > LATE;
  self->frames += bytes / (CORD_G711_RATE / 50);
  self->position += gst_util_uint64_scale_int(bytes, GST_SECOND, CORD_G711_RATE);
  self->last = now;
}

/**
 * cord_phone_pace_break:
 * @self: a pace
 *
 * The utterance was cut: what comes next belongs to another.
 */
void
cord_phone_pace_break(CordPhonePace *self)
{
  self->last = 0;
}
