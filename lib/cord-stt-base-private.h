/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-inbox.h"
#include "cord-stt-base.h"

G_BEGIN_DECLS

/* Inside of CordSttBase: the element (cord-stt-base.c) and what streams through it
 * (cord-stt-stream.c). */

typedef struct {
  guint id;
  GstClockTime start, end;
  gboolean ended;
  gboolean done;
  GPtrArray *finals; /* CordTranscript */
  gchar *interim;
} Utterance;

typedef struct {
  GstPad *sink, *src;
  CordInbox *inbox;
  CordWorker *worker;

  /* properties; object lock */
  gchar *context;
  gchar *language;
  guint final_timeout_ms;

  /* worker only */
  CordSttFormat format;
  GstSegment segment;
  gboolean voice_detected; /* somebody upstream cuts */
  gboolean asked;
  GQueue pre_roll; /* GstBuffer with running time as PTS */
  GstClockTime pre_roll_time;
  Utterance *open;
  GQueue waiting; /* Utterance, ended, oldest first */
  guint last_id;
  CordTimer *deadline;
  GstEvent *eos;
  GstClockTime position;
} CordSttBasePrivate;

G_GNUC_INTERNAL CordSttBasePrivate *cord_stt_base_get_private(CordSttBase *self);

G_GNUC_INTERNAL void cord_stt_stream_cancel_all(CordSttBase *self);
G_GNUC_INTERNAL GstFlowReturn cord_stt_stream_on_object(GstMiniObject *object, gpointer data);
G_GNUC_INTERNAL GstFlowReturn cord_stt_stream_sink_chain(GstPad *pad, GstObject *parent,
                                                         GstBuffer *buffer);
G_GNUC_INTERNAL gboolean cord_stt_stream_sink_event(GstPad *pad, GstObject *parent,
                                                    GstEvent *event);

G_END_DECLS
