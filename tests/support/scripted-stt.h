/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/check/gstharness.h>

#include "cordboard.h"

G_BEGIN_DECLS

/*
 * A recogniser that understands what the test tells it, on a manual worker: CordSttBase with
 * nothing behind it. What it was asked and what leaves it are kept as text, in order.
 *
 * asked: "begin 1 mulaw 8000; audio 1 400-1000; end 1; cancel 1; " (ms of running time)
 * came:  "started 700; 'hello' 400-1100; interim 'hel'; ''; stopped 1100; eos; "
 */

typedef enum {
  STT_WAITS,          /* for what the test says */
  STT_ANSWERS_AT_END, /* with the utterance's number */
  STT_FAILS_AT_BEGIN, /* the service is not there */
  STT_FAILS_AT_AUDIO,
  STT_ENDS_AFTER_AUDIO, /* the service cuts by itself after a buffer */
  STT_TALKS_AT_CANCEL,  /* though nobody asks */
} SttManner;

typedef struct {
  CordWorker *worker;
  GstHarness *harness;
  GstBus *bus;
  SttManner manner;
  gboolean detects_voice; /* somebody upstream; to be cleared before the first audio */
  GString *asked;
  GString *came;
  GstClockTime now; /* of the stream */
  guint rate;
  gboolean mulaw;
  guint audio; /* the utterance whose audio was sent last, 0 for none */
  GstClockTime audio_from, audio_to;
  guint silence; /* bytes sent that were silence */
} ScriptedStt;

void scripted_stt_setup(ScriptedStt *self, gconstpointer data);
void scripted_stt_teardown(ScriptedStt *self, gconstpointer data);

/* The caller */
void scripted_stt_hear(ScriptedStt *self, guint ms);
void scripted_stt_hear_at_once(ScriptedStt *self, guint ms);
void scripted_stt_start_speech(ScriptedStt *self, guint position_ms);
void scripted_stt_stop_speech(ScriptedStt *self, guint position_ms);
void scripted_stt_speak(ScriptedStt *self);
void scripted_stt_set_format(ScriptedStt *self, gboolean mulaw, guint rate);
void scripted_stt_eos(ScriptedStt *self);
void scripted_stt_flush(ScriptedStt *self);

/* The service */
CordSttBase *scripted_stt_base(ScriptedStt *self);
void scripted_stt_understand(ScriptedStt *self, guint utterance, const gchar *text, gboolean final);
void scripted_stt_finish(ScriptedStt *self, guint utterance, const gchar *error);

/* What came of it */
void scripted_stt_assert_asked(ScriptedStt *self, const gchar *expected);
void scripted_stt_assert_came(ScriptedStt *self, const gchar *expected);
guint scripted_stt_count_warnings(ScriptedStt *self);

G_END_DECLS
