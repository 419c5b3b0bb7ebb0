/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-inbox.h"
#include "failover-group.h"
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
G_DECLARE_FINAL_TYPE(GstFailoverStt, gst_failover_stt, GST, FAILOVER_STT, GstBin)

struct _GstFailoverStt {
  GstBin parent_instance;
  GstPad *sink, *src;
  CordInbox *inbox;
  CordWorker *worker;
  FailoverGroup *group;

  /* properties; object lock */
  gchar *context;
  gchar *elements;
  guint failover_after_ms;
  guint probe_interval_ms;
  gchar *active;   /* who is at work */
  GError *problem; /* with the elements */

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
void gst_failover_stt_set_functions(GstFailoverStt *self);

G_END_DECLS
