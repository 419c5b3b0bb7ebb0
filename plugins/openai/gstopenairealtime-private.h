/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-events.h"
#include "cord-inbox.h"
#include "cord-service-socket.h"
#include "cord-turn.h"
#include "openai-realtime-message.h"
#include "openai-realtime-request.h"

G_BEGIN_DECLS

/* Inside of openairealtime: the element (gstopenairealtime.c), what it sends and pushes
 * (gstopenairealtime-stream.c), and what the service's messages mean (gstopenairealtime-talk.c). */

#define GST_TYPE_OPENAI_REALTIME (gst_openai_realtime_get_type())
G_DECLARE_FINAL_TYPE(GstOpenaiRealtime, gst_openai_realtime, GST, OPENAI_REALTIME, GstElement)

/* An answer, until it is known what was heard of it. */
typedef struct {
  CordTurn *turn;
  gchar *item;     /* of the conversation */
  gchar *response; /* of the service */
  GString *text;
  guint64 bytes; /* of its audio */
  gboolean complete;
  gboolean cut;
} Answer;

/* A function that the model has called. */
typedef struct {
  gchar *id;
  gchar *result; /* NULL: it is not done */
} Call;

struct _GstOpenaiRealtime {
  GstElement parent_instance;
  GstPad *sink, *src;
  CordInbox *inbox;
  CordWorker *worker;

  /* properties; object lock */
  gchar *context;
  RealtimeSettings options;
  guint connect_ms, give_up_ms;

  /* worker only */
  RealtimeSettings settings; /* as they were at the start */
  CordServiceSocket *service;
  gboolean ready; /* the session is set up */
  gboolean greeted;
  gboolean responding; /* between response.created and response.done */
  gboolean wants_response;
  GQueue waiting; /* GBytes: audio until the session is set up */
  gsize waiting_bytes;
  GQueue answers;   /* Answer, oldest first */
  GQueue said;      /* gchar: role and text by turns, for a new connection */
  GPtrArray *calls; /* Call */
  guint turns;
  CordTurn *next_turn; /* of the answer to what was said last */
  gchar *user_text;
  GstClockTime position; /* of the audio that was pushed */
  GstClockTime running;  /* of the audio that came */
  gboolean started, need_caps, need_segment, discont;
  gint64 input_tokens, output_tokens;
};

G_GNUC_INTERNAL void gst_openai_realtime_free_answer(gpointer data);
G_GNUC_INTERNAL void gst_openai_realtime_free_call(gpointer data);

G_GNUC_INTERNAL void gst_openai_realtime_connect(GstOpenaiRealtime *self);
G_GNUC_INTERNAL void gst_openai_realtime_take_result(GstOpenaiRealtime *self, const gchar *id,
                                                     const gchar *result);
G_GNUC_INTERNAL void gst_openai_realtime_take_playout(GstOpenaiRealtime *self,
                                                      const CordPlayout *playout);
G_GNUC_INTERNAL void gst_openai_realtime_send_audio(GstOpenaiRealtime *self, const guint8 *audio,
                                                    gsize size);

G_GNUC_INTERNAL void gst_openai_realtime_push_event(GstOpenaiRealtime *self, GstEvent *event);
G_GNUC_INTERNAL void gst_openai_realtime_push_audio(GstOpenaiRealtime *self, Answer *answer,
                                                    const guint8 *audio, gsize size);
G_GNUC_INTERNAL void gst_openai_realtime_flush(GstOpenaiRealtime *self);
G_GNUC_INTERNAL GstFlowReturn gst_openai_realtime_on_object(GstMiniObject *object, gpointer data);
G_GNUC_INTERNAL GstFlowReturn gst_openai_realtime_sink_chain(GstPad *pad, GstObject *parent,
                                                             GstBuffer *buffer);
G_GNUC_INTERNAL gboolean gst_openai_realtime_sink_event(GstPad *pad, GstObject *parent,
                                                        GstEvent *event);
G_GNUC_INTERNAL gboolean gst_openai_realtime_src_event(GstPad *pad, GstObject *parent,
                                                       GstEvent *event);

G_END_DECLS
