/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/check/gstharness.h>

#include "cordboard.h"
#include "http-peer.h"

G_BEGIN_DECLS

/*
 * A speech-to-text element on a manual worker, a caller whose words can be told from their bytes,
 * and a service that understands them: a word is 200 ms of mu-law of one value, its number; then
 * there are 100 ms of silence. What is said twice, or not, is seen in the text.
 */

#define STT_RIG_KEY "sk-never-to-be-seen"
#define STT_RIG_FRAME 160      /* bytes: 20 ms */
#define STT_RIG_WORD_FRAMES 15 /* of a word and the silence after it */
#define STT_RIG_SILENCE 0xff

typedef struct {
  CordWorker *worker;
  HttpPeer peer;
  GstHarness *harness;
  GstElement *element; /* the one that is tested */
  GstBus *bus;
  GString *posted;       /* "up;down;failed;error 3;warning;" */
  GString *said;         /* everything that was ever posted, in full */
  GByteArray *raw;       /* unread bytes of the service's connection */
  GByteArray *audio;     /* that came over it */
  GString *texts;        /* text frames that came over it: their types, with ; behind each */
  gsize settled;         /* bytes of the audio that the service has made final */
  GString *pushed;       /* every mu-law byte that was pushed */
  GstClockTime position; /* of the caller's stream */
  gchar *head;           /* of the last request */
} SttRig;

void stt_rig_begin(SttRig *self);
void stt_rig_plug(SttRig *self, const gchar *factory, const gchar *base, const gchar *properties,
                  guint port);
void stt_rig_init(SttRig *self, const gchar *factory, const gchar *base, const gchar *properties);
void stt_rig_clear(SttRig *self);

/* The caller */
void stt_rig_detect_voice(SttRig *self);
void stt_rig_start_speech(SttRig *self);
void stt_rig_stop_speech(SttRig *self);
void stt_rig_push(SttRig *self, guint8 value, guint frames);
void stt_rig_say(SttRig *self, guint first, guint last);

/* The service */
void stt_rig_upgrade(SttRig *self);
void stt_rig_accept(SttRig *self);
void stt_rig_refuse(SttRig *self, const gchar *answer);
void stt_rig_wait(SttRig *self, const gchar *posted);
void stt_rig_listen(SttRig *self);
void stt_rig_tell(SttRig *self, const gchar *json);
void stt_rig_send(SttRig *self, guint8 first, const void *payload, gsize length);
gchar *stt_rig_understand(SttRig *self, const gchar *flags);

/* What came of it */
gchar *stt_rig_take_text(SttRig *self);
gchar *stt_rig_take_events(SttRig *self);
void stt_rig_assert_text(SttRig *self, const gchar *text);

G_END_DECLS
