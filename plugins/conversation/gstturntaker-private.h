/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <cordboard.h>

#include "turn-logic.h"

G_BEGIN_DECLS

/* Inside of turntaker: the element (gstturntaker.c) and what streams through it
 * (gstturntaker-stream.c). */

#define GST_TYPE_TURN_TAKER (gst_turn_taker_get_type())
G_DECLARE_FINAL_TYPE(GstTurnTaker, gst_turn_taker, GST, TURN_TAKER, GstElement)

struct _GstTurnTaker {
  GstElement parent;

  GstPad *sinkpad;
  GstPad *srcpad;

  /* streaming thread */
  GstSegment segment;
  gboolean need_segment; /* a flush took it */

  /* object lock: reports of the playout may come from another thread */
  TurnLogic *logic;
  TurnSettings settings;
  gchar *language, *silence_prompt;
  CordWorker *worker; /* whose clock is used, if any */
  guint n_turns;
  guint n_interruptions;
  guint n_continued;
  guint n_prompts;
};

G_GNUC_INTERNAL GstFlowReturn gst_turn_taker_chain(GstPad *pad, GstObject *parent,
                                                   GstBuffer *buffer);
G_GNUC_INTERNAL gboolean gst_turn_taker_sink_event(GstPad *pad, GstObject *parent, GstEvent *event);
G_GNUC_INTERNAL gboolean gst_turn_taker_src_event(GstPad *pad, GstObject *parent, GstEvent *event);

G_END_DECLS
