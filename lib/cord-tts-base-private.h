/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-inbox.h"
#include "cord-tts-base.h"

G_BEGIN_DECLS

/* Inside of CordTtsBase: the element (cord-tts-base.c) and what streams through it
 * (cord-tts-stream.c). */

/* What waits its turn: a piece of text or an event. */
typedef struct {
  gchar *text;  /* NULL: an event */
  GBytes *clip; /* how it sounds, if that was recorded: mu-law at 8 kHz */
  CordTurn *turn;
  GstClockTime pts;
  GstEvent *event;
} Item;

typedef struct {
  guint rate;
  gboolean mulaw; /* else S16LE */
} CordTtsFormat;

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
  gboolean need_segment;
  CordTtsFormat format;  /* the voice's; rate 0: not known yet */
  CordTtsFormat told;    /* the newest caps; rate 0: none */
  GstClockTime position; /* running time at which the last audio ends */
  gboolean discont;
  GByteArray *odd; /* half a sample */
} CordTtsBasePrivate;

G_GNUC_INTERNAL CordTtsBasePrivate *cord_tts_base_get_private(CordTtsBase *self);

G_GNUC_INTERNAL GstCaps *cord_tts_format_to_caps(const CordTtsFormat *format);

/* Whether those who follow take it */
G_GNUC_INTERNAL gboolean cord_tts_base_is_accepted(CordTtsBase *self, const CordTtsFormat *format);

G_GNUC_INTERNAL void cord_tts_stream_cancel_all(CordTtsBase *self);
G_GNUC_INTERNAL GstFlowReturn cord_tts_stream_on_object(GstMiniObject *object, gpointer data);
G_GNUC_INTERNAL GstFlowReturn cord_tts_stream_sink_chain(GstPad *pad, GstObject *parent,
                                                         GstBuffer *buffer);
G_GNUC_INTERNAL gboolean cord_tts_stream_sink_event(GstPad *pad, GstObject *parent,
                                                    GstEvent *event);
G_GNUC_INTERNAL gboolean cord_tts_stream_src_event(GstPad *pad, GstObject *parent, GstEvent *event);

G_END_DECLS
