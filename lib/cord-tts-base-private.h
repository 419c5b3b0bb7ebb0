/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-inbox.h"
#include "cord-tts-base.h"

G_BEGIN_DECLS

/* Inside of CordTtsBase: the element (cord-tts-base.c) and what streams through it
 * (cord-tts-stream.c). */

/* What waits its turn: a piece of text or an event. */
typedef struct {
  gchar *text; /* NULL: an event */
  CordTurn *turn;
  GstClockTime pts;
  GstEvent *event;
} Item;

typedef struct {
  GstPad *sink, *src;
  CordInbox *inbox;
  CordWorker *worker;

  /* properties; object lock */
  gchar *context;
  gchar *text;

  /* worker only */
  GQueue items; /* Item */
  Item *speaking;
  gboolean going_on;
  guint piece;  /* the number of what is spoken, or of the last one */
  GQueue turns; /* CordSpokenText, newest first */
  GstSegment segment;
  gboolean started; /* stream-start was pushed */
  gboolean need_caps;
  gboolean need_segment;
  guint rate;
  gboolean mulaw;
  GstClockTime position; /* running time at which the last audio ends */
  gboolean discont;
  GByteArray *odd; /* half a sample */
} CordTtsBasePrivate;

G_GNUC_INTERNAL CordTtsBasePrivate *cord_tts_base_get_private(CordTtsBase *self);

G_GNUC_INTERNAL void cord_tts_stream_cancel_all(CordTtsBase *self);
G_GNUC_INTERNAL GstFlowReturn cord_tts_stream_on_object(GstMiniObject *object, gpointer data);
G_GNUC_INTERNAL GstFlowReturn cord_tts_stream_sink_chain(GstPad *pad, GstObject *parent,
                                                         GstBuffer *buffer);
G_GNUC_INTERNAL gboolean cord_tts_stream_sink_event(GstPad *pad, GstObject *parent,
                                                    GstEvent *event);
G_GNUC_INTERNAL gboolean cord_tts_stream_src_event(GstPad *pad, GstObject *parent, GstEvent *event);

G_END_DECLS
