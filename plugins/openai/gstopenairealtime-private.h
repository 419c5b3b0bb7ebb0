/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-events.h"
#include "cord-inbox.h"
#include "cord-service-socket.h"
#include "cord-turn.h"
#include "openai-realtime-audio.h"
#include "openai-realtime-message.h"
#include "openai-realtime-request.h"

G_BEGIN_DECLS

/* Inside of openairealtime: the element (gstopenairealtime.c), what it takes and pushes
 * (gstopenairealtime-stream.c), its properties (gstopenairealtime-properties.c), its answers
 * (gstopenairealtime-answer.c), its connection (gstopenairealtime-service.c) and what the service's
 * messages mean (gstopenairealtime-talk.c). */

#define GST_OPENAI_REALTIME_BASE_URL "https://api.openai.com/v1"
#define GST_OPENAI_REALTIME_KEY "OPENAI_API_KEY" /* in the environment */

#define GST_TYPE_OPENAI_REALTIME (gst_openai_realtime_get_type())
G_DECLARE_FINAL_TYPE(GstOpenaiRealtime, gst_openai_realtime, GST, OPENAI_REALTIME, GstElement)

/* An item of the conversation that is spoken */
typedef struct {
  gchar *id;
  guint64 bytes; /* of its audio */
} Part;

/* An answer, until it is known what was heard of it. */
typedef struct {
  CordTurn *turn;
  gchar *response;  /* of the service */
  GPtrArray *parts; /* Part */
  GString *text;
  guint64 bytes;      /* of its audio */
  GstClockTime start; /* of its audio */
  guint8 half;        /* of a sample that was cut in two */
  gboolean has_half;
  gboolean continues; /* after what a function has come to, or on another connection */
  gboolean complete;
  gboolean cut;
} Answer;

/* A function that the model has called. */
typedef struct {
  RealtimeCall *call;
  gchar *result;  /* NULL: it is not done */
  gboolean final; /* nothing needs to be said of it */
} Call;

/* What the caller has said, until it is written down. */
typedef struct {
  gchar *item;
  guint turn;
} Utterance;

struct _GstOpenaiRealtime {
  GstElement parent_instance;
  GstPad *sink, *src;
  CordInbox *inbox;
  CordWorker *worker;

  /* properties; object lock */
  gchar *context;
  RealtimeSettings options;
  guint connect_ms, give_up_ms, answer_ms, keys_ms;
  gint64 input_tokens, output_tokens;

  /* worker only */
  RealtimeSettings settings; /* as they were at the start */
  CordServiceSocket *service;
  CordTimer *setup; /* the deadline of the session's beginning */
  CordTimer *stall; /* of the answer's next sign of life */
  CordTimer *feed;  /* until more audio may be sent */
  CordTimer *drain; /* until EOS goes on */
  CordTimer *pause; /* that ends a row of keys */
  gboolean ready;   /* the session is set up */
  gboolean greeted;
  gboolean speaking;   /* the caller, as the service hears it */
  gboolean expecting;  /* an answer was asked for … */
  gboolean responding; /* … and is on its way */
  gboolean unanswered; /* what was asked for went with the connection */
  gboolean written;    /* what the caller has said last */
  gboolean reports;    /* somebody tells what is heard */
  RealtimeAudio audio;
  GString *keys;          /* pressed since the last turn */
  GstClockTime pressed;   /* monotonic, the last of them */
  GstClockTime fed_since; /* monotonic */
  gsize fed;              /* bytes since then */
  GstEvent *eos;
  GQueue answers;    /* Answer, oldest first */
  GQueue utterances; /* Utterance, oldest first */
  GQueue said;       /* gchar: role and text by turns, for a new connection */
  GPtrArray *calls;  /* Call */
  guint turns;
  gint64 answered;       /* the last turn that has an answer, -1: none */
  CordTurn *next_turn;   /* of the answer to what was said last */
  GstClockTime position; /* of the audio that was pushed */
  GstClockTime running;  /* of the audio that came */
  gboolean started, need_caps, need_segment, discont;
};

G_GNUC_INTERNAL void gst_openai_realtime_install_properties(GObjectClass *klass);
G_GNUC_INTERNAL void gst_openai_realtime_init_properties(GstOpenaiRealtime *self);

G_GNUC_INTERNAL void gst_openai_realtime_free_answer(gpointer data);
G_GNUC_INTERNAL void gst_openai_realtime_free_call(gpointer data);
G_GNUC_INTERNAL void gst_openai_realtime_free_utterance(gpointer data);

/* the connection */
G_GNUC_INTERNAL void gst_openai_realtime_connect(GstOpenaiRealtime *self);
G_GNUC_INTERNAL void gst_openai_realtime_disconnect(GstOpenaiRealtime *self);
G_GNUC_INTERNAL void gst_openai_realtime_send(GstOpenaiRealtime *self, gchar *text);
G_GNUC_INTERNAL void gst_openai_realtime_send_audio(GstOpenaiRealtime *self, const guint8 *audio,
                                                    gsize size);
G_GNUC_INTERNAL void gst_openai_realtime_set_ready(GstOpenaiRealtime *self);
G_GNUC_INTERNAL void gst_openai_realtime_watch(GstOpenaiRealtime *self);
G_GNUC_INTERNAL void gst_openai_realtime_lose_answer(GstOpenaiRealtime *self, const GError *error);
G_GNUC_INTERNAL void gst_openai_realtime_begin_drain(GstOpenaiRealtime *self, GstEvent *eos);
G_GNUC_INTERNAL void gst_openai_realtime_take_message(const gchar *text, gsize length,
                                                      gpointer data);

/* keys */
G_GNUC_INTERNAL void gst_openai_realtime_take_key(GstOpenaiRealtime *self, gchar key);

/* answers */
G_GNUC_INTERNAL Answer *gst_openai_realtime_get_answer(GstOpenaiRealtime *self);
G_GNUC_INTERNAL void gst_openai_realtime_begin_answer(GstOpenaiRealtime *self,
                                                      const gchar *response);
G_GNUC_INTERNAL void gst_openai_realtime_finish_answer(GstOpenaiRealtime *self, Answer *answer);
G_GNUC_INTERNAL void gst_openai_realtime_interrupt(GstOpenaiRealtime *self);
G_GNUC_INTERNAL void gst_openai_realtime_take_playout(GstOpenaiRealtime *self,
                                                      const CordPlayout *playout);
G_GNUC_INTERNAL void gst_openai_realtime_remember(GstOpenaiRealtime *self, const gchar *role,
                                                  const gchar *text);
G_GNUC_INTERNAL void gst_openai_realtime_take_call(GstOpenaiRealtime *self,
                                                   const RealtimeCall *call);
G_GNUC_INTERNAL void gst_openai_realtime_take_result(GstOpenaiRealtime *self, const gchar *id,
                                                     const gchar *result, gboolean final);
G_GNUC_INTERNAL void gst_openai_realtime_go_on(GstOpenaiRealtime *self);

/* the stream */
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
