/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "gstfailover.h"
#include "tts-script.h"

G_BEGIN_DECLS

/* Inside of failovertts: the element (gstfailovertts.c) and what streams through it
 * (gstfailovertts-stream.c). */

#define AUDIO_CAPS                                                                                 \
  "audio/x-mulaw, rate = (int) 8000, channels = (int) 1; "                                         \
  "audio/x-raw, format = (string) S16LE, rate = (int) [ 8000, 48000 ], channels = (int) 1, "       \
  "layout = (string) interleaved"
#define TEXT_CAPS "text/x-raw, format = (string) utf8"

#define GST_TYPE_FAILOVER_TTS (gst_failover_tts_get_type())
G_DECLARE_FINAL_TYPE(GstFailoverTts, gst_failover_tts, GST, FAILOVER_TTS, GstFailover)

struct _GstFailoverTts {
  GstFailover base;

  /* property; object lock */
  guint hedge_after_ms;

  /* worker only */
  TtsScript *script;
  GstSegment segment;
  GstEvent *stream_start;
  GstCaps *caps;                     /* as told to those who follow */
  FailoverMember *voice;             /* at work */
  guint fed;                         /* number of the last that it was given */
  gboolean introduced;               /* it knows the stream */
  gboolean told_start, told_segment; /* to those who follow */
  GstClockTime position;             /* where the last audio ends */
  gint64 last_turn;                  /* whose it is, or -1 */
  gint64 answer;                     /* bytes, of the voice at work */

  FailoverMember *rival; /* was asked for the same, or NULL */
  guint rival_fed;
  CordTimer *hedge; /* until one is */
};

extern const FailoverGroupFuncs gst_failover_tts_group_funcs;

GstFlowReturn gst_failover_tts_on_object(GstMiniObject *object, gpointer data);
void gst_failover_tts_set_pad_functions(GstFailover *base);
gsize gst_failover_tts_ask(guint turn, GstClockTime position, CordPlayoutState state,
                           gpointer data);

G_END_DECLS
