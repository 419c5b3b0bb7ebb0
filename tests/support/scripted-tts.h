/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/check/gstharness.h>

#include "cordboard.h"

G_BEGIN_DECLS

/*
 * A voice that says what the test tells it to: CordTtsBase with nothing behind it. What it was
 * asked and what leaves it are kept as text, in order.
 *
 * asked: "speak 1 of 3 'Hello.'; cancel 1; turn-done 3; stop; "
 * came:  "mulaw 8000; segment; audio 3 0-100; +audio 3 500-600; finished 3; eos; " (ms; + is
 * DISCONT)
 */

typedef enum {
  TTS_WAITS,           /* for what the test says */
  TTS_SPEAKS_AT_ONCE,  /* TTS_BYTE_MS for each byte of text */
  TTS_TIMES_ITS_WORDS, /* that, and says when each word ends */
  TTS_FAILS_AT_ONCE,
  TTS_TALKS_AT_CANCEL, /* though nobody listens */
} TtsManner;

#define TTS_BYTE_MS 20 /* of audio for a byte of text: a frame */

typedef struct {
  CordWorker *worker;
  GstElement *element;
  GstHarness *harness;
  GstBus *bus;
  TtsManner manner;
  gboolean mulaw;
  guint rate;   /* of what start() says; 0 for later */
  guint8 value; /* of the audio's bytes; counts the pieces */
  GString *asked;
  GString *came;
} ScriptedTts;

GstElement *scripted_tts_new_element(ScriptedTts *self);
void scripted_tts_clear(ScriptedTts *self);

void scripted_tts_setup(ScriptedTts *self, gconstpointer data);
void scripted_tts_teardown(ScriptedTts *self, gconstpointer data);

/* The agent */
void scripted_tts_say(ScriptedTts *self, guint turn, const gchar *text);
void scripted_tts_start_turn(ScriptedTts *self, guint turn);
void scripted_tts_finish_turn(ScriptedTts *self, guint turn);
void scripted_tts_flush(ScriptedTts *self, gboolean reset_time);

/* The service */
void scripted_tts_give(ScriptedTts *self, guint piece, guint ms);
void scripted_tts_give_bytes(ScriptedTts *self, guint piece, gsize size);
void scripted_tts_finish(ScriptedTts *self, guint piece, const gchar *error);

/* What came of it */
void scripted_tts_assert_asked(ScriptedTts *self, const gchar *expected);
void scripted_tts_assert_came(ScriptedTts *self, const gchar *expected);
gint64 scripted_tts_heard(ScriptedTts *self, guint turn, guint ms, CordPlayoutState state);
guint scripted_tts_count_warnings(ScriptedTts *self);

G_END_DECLS
