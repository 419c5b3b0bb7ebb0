/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-transcript.h"
#include "cord-worker.h"

G_BEGIN_DECLS

#define CORD_TYPE_STT_BASE (cord_stt_base_get_type())
G_DECLARE_DERIVABLE_TYPE(CordSttBase, cord_stt_base, CORD, STT_BASE, GstElement)

/**
 * CordSttFormat:
 * @rate: samples a second
 * @mulaw: whether the samples are G.711 mu-law bytes, else S16LE; always one channel
 */
typedef struct {
  guint rate;
  gboolean mulaw;
} CordSttFormat;

/**
 * CordSttCutter:
 * @CORD_STT_CUT_UPSTREAM: a voicedetect upstream; without one, all up to EOS is one utterance
 * @CORD_STT_CUT_SERVICE: the service; what is said of speech upstream ends at the element
 * @CORD_STT_CUT_AUTO: a voicedetect upstream; without one, the service
 *
 * Who says where an utterance begins and ends.
 */
typedef enum {
  CORD_STT_CUT_UPSTREAM,
  CORD_STT_CUT_SERVICE,
  CORD_STT_CUT_AUTO,
} CordSttCutter;

/**
 * CordSttBaseClass:
 * @start: gets ready to work (PAUSED); must not wait
 * @stop: forgets everything (READY)
 * @begin: an utterance begins; its audio follows
 * @send_audio: audio of the utterance, in order, the first up to 300 ms before its onset
 * @end: the utterance is over: cord_stt_base_utterance_done() is expected soon
 * @cancel: no result of this utterance is wanted any more
 * @listen: (nullable): all audio, spoken or not, in place of @send_audio; for services that want to
 *   hear everything (cord_stt_base_set_listening())
 * @drain: (nullable): there is no more audio and the service cuts: cord_stt_base_drained() is
 *   expected when its last result is there
 *
 * What a speech-to-text element does. All are called on the element's worker and must not wait. The
 * base class does the rest: pads, caps, cutting by voicedetect's events, time, deadlines, events
 * and messages.
 */
struct _CordSttBaseClass {
  GstElementClass parent_class;

  gboolean (*start)(CordSttBase *self, GError **error);
  void (*stop)(CordSttBase *self);
  void (*begin)(CordSttBase *self, guint utterance, const CordSttFormat *format);
  void (*send_audio)(CordSttBase *self, guint utterance, GstBuffer *audio);
  void (*end)(CordSttBase *self, guint utterance);
  void (*cancel)(CordSttBase *self, guint utterance);

  void (*listen)(CordSttBase *self, GstBuffer *audio, const CordSttFormat *format);
  void (*drain)(CordSttBase *self);

  gpointer padding[6];
};

void cord_stt_base_class_add_pads(CordSttBaseClass *klass, const gchar *sink_caps);
CordWorker *cord_stt_base_get_worker(CordSttBase *self);
void cord_stt_base_set_listening(CordSttBase *self, gboolean continuous, CordSttCutter cutter);

/* Results, on the worker; those of an utterance that is over are dropped */
void cord_stt_base_take_transcript(CordSttBase *self, guint utterance, CordTranscript *transcript);
void cord_stt_base_utterance_done(CordSttBase *self, guint utterance, GError *error);
GstClockTime cord_stt_base_get_utterance_start(CordSttBase *self, guint utterance);

/* What a service says of speech, where it cuts */
gboolean cord_stt_base_service_cuts(CordSttBase *self);
guint cord_stt_base_speech_started(CordSttBase *self, GstClockTime position);
void cord_stt_base_speech_active(CordSttBase *self, GstClockTime duration);
void cord_stt_base_speech_stopped(CordSttBase *self, GstClockTime position);
void cord_stt_base_drained(CordSttBase *self);

G_END_DECLS
