/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-stt-base.h"
#include "deepgram-query.h"
#include "deepgram-session.h"

G_BEGIN_DECLS

/* Inside of deepgramstt: the element (gstdeepgramstt.c), its properties
 * (gstdeepgramstt-properties.c), and what it makes of the messages of
 * /v1/listen (deepgram-listen.c) and of /v2/listen (deepgram-flux.c). */

#define GST_TYPE_DEEPGRAM_STT (gst_deepgram_stt_get_type())
G_DECLARE_FINAL_TYPE(GstDeepgramStt, gst_deepgram_stt, GST, DEEPGRAM_STT, CordSttBase)

/* An utterance that has no end yet. Running times. */
typedef struct {
  guint id;
  GstClockTime start;
  GstClockTime end; /* of its audio, or none while it goes on */
  gboolean asked;   /* Finalize has gone */
} Live;

/* What is known of the turn that goes on. */
typedef struct {
  gboolean speaking;
  gboolean eager;       /* the end was told on trust */
  guint skip;           /* words that earlier utterances of this turn have told */
  guint words;          /* in the newest transcript */
  GstClockTime changed; /* service's time, when it became so many */
  gint64 over;          /* the last turn that has ended, or -1 */
} FluxTurn;

struct _GstDeepgramStt {
  CordSttBase parent_instance;

  /* properties; object lock */
  gchar *api_key;
  DeepgramOptions options;
  CordSttCutter segmentation;
  gboolean continuous;
  guint chunk_ms;
  guint keep_alive_ms;
  guint stall_ms;
  guint connect_ms;
  guint outage_ms;

  /* worker only */
  gboolean flux;
  DeepgramSession *session;
  gboolean over;   /* the session was finished, at EOS */
  gboolean failed; /* there will be no service any more */
  CordSttFormat format;
  guint answer_ms;
  GQueue live;           /* Live, oldest first */
  GstClockTime settled;  /* service's time: what was said until then is known */
  GstClockTime last_end; /* running time: of the last utterance */
  guint finalizes;       /* that were not answered */
  CordTimer *quiet;      /* nobody tells the end of an utterance */
  FluxTurn turn;
};

#define DEEPGRAM_BASE_URL "https://api.deepgram.com"
#define DEEPGRAM_KEY_VARIABLE "DEEPGRAM_API_KEY"

void gst_deepgram_stt_install_properties(GObjectClass *klass);
void gst_deepgram_stt_init_properties(GstDeepgramStt *self);
void gst_deepgram_stt_clear_properties(GstDeepgramStt *self);

void gst_deepgram_stt_listen_take(GstDeepgramStt *self, const DeepgramMessage *message);
void gst_deepgram_stt_listen_reset(GstDeepgramStt *self);
void gst_deepgram_stt_flux_take(GstDeepgramStt *self, const DeepgramMessage *message);
void gst_deepgram_stt_flux_reset(GstDeepgramStt *self);

GstClockTime gst_deepgram_stt_start_time(GstDeepgramStt *self, GstClockTime time);
GstClockTime gst_deepgram_stt_end_time(GstDeepgramStt *self, GstClockTime time);
CordTranscript *gst_deepgram_stt_make_transcript(GstDeepgramStt *self,
                                                 const DeepgramMessage *message, guint skip,
                                                 gboolean final);
void gst_deepgram_stt_update_expectation(GstDeepgramStt *self);

G_END_DECLS
