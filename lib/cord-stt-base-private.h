/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-inbox.h"
#include "cord-stt-base.h"

G_BEGIN_DECLS

/* Inside of CordSttBase: the element (cord-stt-base.c), what streams through it (cord-stt-stream.c)
 * what is understood of one utterance (cord-stt-utterance.c) and services that cut by themselves
 * (cord-stt-service.c). */

typedef struct {
  guint id;
  GstClockTime start, end; /* running time */
  GstClockTime heard;      /* when its first audio was heard, if it comes in real time; monotonic */
  GstClockTime deadline;   /* for its result, once it has ended; monotonic */
  GstClockTime failed;     /* running time, of an open one that has come to nothing */
  gboolean done;
  GPtrArray *finals; /* CordTranscript */
  CordTranscript *interim;
} Utterance;

typedef struct {
  GstPad *sink, *src;
  CordInbox *inbox;
  CordWorker *worker;

  /* properties; object lock */
  gchar *context;
  gchar *language;
  guint final_timeout_ms;
  gboolean append_newline;

  /* worker only */
  CordSttFormat format;
  gboolean continuous; /* the subclass hears everything */
  CordSttCutter cutter;
  CordTimer *drain; /* the deadline of a service that has still something to say at EOS */
  GstSegment segment;
  gboolean voice_detected; /* somebody upstream cuts */
  gboolean asked;
  GstClockTime first_came; /* monotonic: the first audio … */
  GstClockTime first_at;   /* … and its running time */
  gboolean speaking;       /* as the voice detector says */
  GQueue pre_roll;         /* GstBuffer with running time as PTS */
  GstClockTime pre_roll_time;
  Utterance *open;
  GQueue waiting; /* Utterance, ended, oldest first */
  guint last_id;
  CordTimer *deadline;
  GstEvent *eos;
  GstClockTime position;
} CordSttBasePrivate;

G_GNUC_INTERNAL CordSttBasePrivate *cord_stt_base_get_private(CordSttBase *self);

G_GNUC_INTERNAL Utterance *cord_stt_utterance_new(guint id, GstClockTime start);
G_GNUC_INTERNAL void cord_stt_utterance_free(Utterance *self);
G_GNUC_INTERNAL gboolean cord_stt_utterance_take(Utterance *self, CordTranscript *transcript);
G_GNUC_INTERNAL CordTranscript *cord_stt_utterance_join(Utterance *self, gboolean with_interim,
                                                        gboolean final);

G_GNUC_INTERNAL void cord_stt_stream_cancel_all(CordSttBase *self);
G_GNUC_INTERNAL void cord_stt_stream_begin(CordSttBase *self, GstClockTime onset);
G_GNUC_INTERNAL void cord_stt_stream_end(CordSttBase *self, GstClockTime end);
G_GNUC_INTERNAL void cord_stt_stream_push_eos(CordSttBase *self);
G_GNUC_INTERNAL gboolean cord_stt_service_takes_event(CordSttBase *self, GstEvent *event);
G_GNUC_INTERNAL gboolean cord_stt_service_drain(CordSttBase *self);
G_GNUC_INTERNAL GstFlowReturn cord_stt_stream_on_object(GstMiniObject *object, gpointer data);
G_GNUC_INTERNAL GstFlowReturn cord_stt_stream_sink_chain(GstPad *pad, GstObject *parent,
                                                         GstBuffer *buffer);
G_GNUC_INTERNAL gboolean cord_stt_stream_sink_event(GstPad *pad, GstObject *parent,
                                                    GstEvent *event);

G_END_DECLS
