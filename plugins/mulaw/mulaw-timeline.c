/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mulaw-timeline.h"

#define MAX_DEVIATION (40 * GST_MSECOND) /* of timestamps from the count of samples */

static GstClockTime
duration_of(guint64 n_samples, gint rate)
{
  return rate > 0 ? gst_util_uint64_scale_int(n_samples, GST_SECOND, rate) : 0;
}

/**
 * mulaw_timeline_begin:
 * @self: a timeline
 * @untimed: whether the input has no times
 *
 * A segment begins, or everything was flushed.
 */
void
mulaw_timeline_begin(MulawTimeline *self, gboolean untimed)
{
  self->untimed = untimed;
  self->n_in = self->n_out = 0;
  self->base_pts = untimed ? 0 : GST_CLOCK_TIME_NONE;
  self->base_offset = untimed ? 0 : GST_BUFFER_OFFSET_NONE;
}

/**
 * mulaw_timeline_restart:
 * @self: a timeline
 *
 * All output of the input until now is out; the next input tells its time anew.
 */
void
mulaw_timeline_restart(MulawTimeline *self)
{
  const GstClockTime end = self->base_pts + duration_of(self->n_out, self->out_rate);
  const guint64 end_offset = self->base_offset + self->n_out;

  mulaw_timeline_begin(self, self->untimed);
  if (self->untimed) {
    self->base_pts = end;
    self->base_offset = end_offset;
  }
}

/**
 * mulaw_timeline_feed:
 * @self: a timeline
 * @buffer: input
 * @n_samples: how many samples it has
 */
void
mulaw_timeline_feed(MulawTimeline *self, GstBuffer *buffer, gsize n_samples)
{
  const guint64 offset = GST_BUFFER_OFFSET(buffer);

  if (self->n_in == 0 && !self->untimed) {
    self->base_pts = GST_BUFFER_PTS(buffer);
    if (offset != GST_BUFFER_OFFSET_NONE)
      self->base_offset = gst_util_uint64_scale_int(offset, self->out_rate, self->in_rate);
  }
  self->n_in += n_samples;
}

/**
 * mulaw_timeline_deviates:
 * @self: a timeline
 * @buffer: input that is about to be fed
 *
 * Returns: whether it does not follow what was fed before
 */
gboolean
mulaw_timeline_deviates(const MulawTimeline *self, GstBuffer *buffer)
{
  GstClockTime expected;

  if (GST_BUFFER_IS_DISCONT(buffer))
    return TRUE;
  if (self->untimed || self->n_in == 0 || !GST_BUFFER_PTS_IS_VALID(buffer) ||
      !GST_CLOCK_TIME_IS_VALID(self->base_pts))
    return FALSE;
  expected = self->base_pts + duration_of(self->n_in, self->in_rate);
  return ABS(GST_CLOCK_DIFF(expected, GST_BUFFER_PTS(buffer))) > (GstClockTimeDiff)MAX_DEVIATION;
}

/**
 * mulaw_timeline_stamp:
 * @self: a timeline
 * @buffer: the next output
 * @n_samples: how many samples it has
 *
 * Gives @buffer its times and sample numbers.
 */
void
mulaw_timeline_stamp(MulawTimeline *self, GstBuffer *buffer, gsize n_samples)
{
  const GstClockTime begin = duration_of(self->n_out, self->out_rate);
  const GstClockTime end = duration_of(self->n_out + n_samples, self->out_rate);

  GST_BUFFER_DURATION(buffer) = end - begin;
  GST_BUFFER_PTS(buffer) =
      GST_CLOCK_TIME_IS_VALID(self->base_pts) ? self->base_pts + begin : GST_CLOCK_TIME_NONE;
  GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
  GST_BUFFER_OFFSET(buffer) = GST_BUFFER_OFFSET_END(buffer) = GST_BUFFER_OFFSET_NONE;
  if (self->base_offset != GST_BUFFER_OFFSET_NONE) {
    GST_BUFFER_OFFSET(buffer) = self->base_offset + self->n_out;
    GST_BUFFER_OFFSET_END(buffer) = self->base_offset + self->n_out + n_samples;
  }
  self->n_out += n_samples;
}
