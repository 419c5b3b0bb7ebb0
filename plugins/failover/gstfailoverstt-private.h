/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "gstfailover.h"
#include "stt-replay.h"

G_BEGIN_DECLS

/* Inside of failoverstt: the element (gstfailoverstt.c) and what streams through it
 * (gstfailoverstt-stream.c). */

#define AUDIO_CAPS                                                                                 \
  "audio/x-mulaw, rate = (int) 8000, channels = (int) 1; "                                         \
  "audio/x-raw, format = (string) S16LE, rate = (int) [ 8000, 48000 ], channels = (int) 1, "       \
  "layout = (string) interleaved"
#define TEXT_CAPS "text/x-raw, format = (string) utf8"

#define GST_TYPE_FAILOVER_STT (gst_failover_stt_get_type())
G_DECLARE_FINAL_TYPE(GstFailoverStt, gst_failover_stt, GST, FAILOVER_STT, GstFailover)

struct _GstFailoverStt {
  GstFailover base;

  /* worker only */
  SttReplay *replay;
  GstSegment segment;
  GstEvent *stream_start;
  GstCaps *caps;
  guint rate;
  guint sample; /* bytes */
  GstClockTime position;
  gboolean introduced;                          /* the active one knows the stream */
  gboolean told_start, told_caps, told_segment; /* to those who follow */
};

extern const FailoverGroupFuncs gst_failover_stt_group_funcs;

GstFlowReturn gst_failover_stt_on_object(GstMiniObject *object, gpointer data);
void gst_failover_stt_set_pad_functions(GstFailover *base);

G_END_DECLS
