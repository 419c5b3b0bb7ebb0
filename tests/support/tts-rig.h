/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/check/gstharness.h>
#include <json-glib/json-glib.h>

#include "cordboard.h"
#include "http-peer.h"

G_BEGIN_DECLS

/*
 * A text-to-speech element on a manual worker, an agent who has texts of numbered words ("w1 w2"),
 * and a service that speaks them: a word is 100 ms of samples of one value, its number. What is
 * said twice, or not, is heard in the audio.
 *
 * got:  what the service was sent: "open t1-1; say 'w1 w2. ' in t1-1; flush t1-1; close t1-1; "
 * came: what left the element: "mulaw 8000; segment; audio 3 0-100; +audio 3 500-600; finished 3; "
 *       (ms; + is DISCONT)
 */

#define TTS_RIG_KEY "sk-never-to-be-seen"
#define TTS_RIG_WORD_MS 100

typedef enum {
  TTS_RIG_MULAW,
  TTS_RIG_PCM_16000,
  TTS_RIG_PCM_24000,
  TTS_RIG_ANY, /* the service's is mu-law */
  N_TTS_RIG_FORMATS,
} TtsRigFormat;

typedef enum {
  TTS_RIG_ELEVENLABS_MULTI,
  TTS_RIG_ELEVENLABS_SINGLE,
  TTS_RIG_CARTESIA,
  TTS_RIG_HTTP,
} TtsRigDialect;

typedef struct {
  CordWorker *worker;
  HttpPeer peer;
  GstElement *element;
  GstHarness *harness;
  GstBus *bus;
  TtsRigDialect dialect;
  TtsRigFormat format;

  GString *posted; /* "up;down;failed;error;warning;" */
  GString *said;   /* everything that was ever posted, in full */
  GString *came;
  GByteArray *audio; /* that left the element */

  gchar *head; /* of the last request */
  gchar *body; /* of the last HTTP request */
  GByteArray *raw;
  GString *got;
  gchar *context;   /* that was spoken to last, or NULL */
  GString *asked;   /* what it was told to say and did not yet say */
  gsize spoken;     /* bytes of that */
  guint context_ms; /* of its audio so far */
  guint flushes;    /* that it has answered in it */
} TtsRig;

void tts_rig_init(TtsRig *self, TtsRigDialect dialect, TtsRigFormat format, const gchar *launch);
void tts_rig_begin(TtsRig *self, TtsRigDialect dialect, TtsRigFormat format);
void tts_rig_plug(TtsRig *self, const gchar *launch, guint port);
void tts_rig_clear(TtsRig *self);
/* Nothing of these categories may hold the key */
void tts_rig_watch_log(const gchar *categories);

/* The agent */
void tts_rig_say(TtsRig *self, guint turn, const gchar *text);
void tts_rig_finish_turn(TtsRig *self, guint turn);
void tts_rig_flush(TtsRig *self);
gint64 tts_rig_heard(TtsRig *self, guint turn, guint ms, CordPlayoutState state);

/* The service, over a WebSocket */
void tts_rig_upgrade(TtsRig *self);
void tts_rig_accept(TtsRig *self);
void tts_rig_refuse(TtsRig *self, const gchar *answer);
void tts_rig_wait(TtsRig *self, const gchar *posted);
void tts_rig_listen(TtsRig *self);
void tts_rig_tell(TtsRig *self, const gchar *json);
void tts_rig_send(TtsRig *self, guint8 first, const void *payload, gsize length);
void tts_rig_assert_got(TtsRig *self, const gchar *expected);
gboolean tts_rig_somebody_comes(TtsRig *self);
/* … speaks so many of the words that it was asked to, and says that it has spoken all of them */
void tts_rig_speak(TtsRig *self, guint n_words);
void tts_rig_end_piece(TtsRig *self);
void tts_rig_end_context(TtsRig *self);
gchar *tts_rig_make_audio(TtsRig *self, guint value, guint ms); /* base 64 */

/* … over HTTP */
void tts_rig_take_request(TtsRig *self);
void tts_rig_answer(TtsRig *self, const gchar *status, const gchar *type, const gchar *body);
void tts_rig_begin_answer(TtsRig *self, const gchar *type);
void tts_rig_write(TtsRig *self, const void *data, gsize size);
void tts_rig_write_words(TtsRig *self, guint first, guint last);
void tts_rig_end_answer(TtsRig *self);

/* What came of it */
void tts_rig_assert_came(TtsRig *self, const gchar *expected);
void tts_rig_assert_audio(TtsRig *self, const gchar *expected); /* "1:100 2:100" words and ms */
void tts_rig_await_audio(TtsRig *self, const gchar *expected);

G_END_DECLS
