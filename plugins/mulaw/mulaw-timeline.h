/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * MulawTimeline:
 *
 * When the samples that come out of the codec are heard. Output is counted in samples from where
 * the stream began, so timestamps neither drift nor gather rounding errors, however long a call.
 */
typedef struct {
  gboolean untimed; /* the input has no times: the output begins at 0 and runs on */
  gint in_rate;
  gint out_rate;
  GstClockTime base_pts; /* of sample 0 */
  guint64 base_offset;
  guint64 n_in; /* samples since */
  guint64 n_out;
} MulawTimeline;

void mulaw_timeline_begin(MulawTimeline *self, gboolean untimed);
void mulaw_timeline_restart(MulawTimeline *self);
void mulaw_timeline_feed(MulawTimeline *self, GstBuffer *buffer, gsize n_samples);
gboolean mulaw_timeline_deviates(const MulawTimeline *self, GstBuffer *buffer);
void mulaw_timeline_stamp(MulawTimeline *self, GstBuffer *buffer, gsize n_samples);

G_END_DECLS
