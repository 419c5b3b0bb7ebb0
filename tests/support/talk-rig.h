/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "scripted-tts.h"
#include "twilio-rig.h"

G_BEGIN_DECLS

/*
 * A conversation on a manual worker: turntaker, speechrouter, llmtextgen with a script, a voice that takes 20 ms
 * for each letter, audiopacer, twiliosink, and a telephone that plays what it gets in real time and
 * echoes its marks when it comes to them. What the caller says is told to turntaker as
 * speech-to-text would tell it.
 */
typedef struct {
  TwilioRig *call;
  gchar *routes; /* before setup: the folder of recordings; NULL: none */
  ScriptedTts voice;
  GstHarness *harness;
  GstElement *llm;
  GstClockTime now; /* of the caller's stream */
  GstClockTime onset;
  guint n_tools;
  gchar *tool; /* the id of the one that was called last */

  /* the telephone */
  guint n_read;    /* messages */
  GQueue playing;  /* TwilioPeerMessage: media and marks */
  GString *played; /* a letter a frame: a for the voice's first piece, b for the second … */
  GString *sent;   /* the same, as it arrived */
  guint n_clears;
  GstClockTime cleared; /* worker's time of the last one */
  GString *heard;       /* of the bus: "0'Hello.'; 1'We are' of 'We are open.' cut; " */
} TalkRig;

void talk_rig_setup(TalkRig *self, gconstpointer script);
void talk_rig_teardown(TalkRig *self, gconstpointer script);

/* The caller */
void talk_rig_pass(TalkRig *self, guint ms);
void talk_rig_start_speech(TalkRig *self);
void talk_rig_speak(TalkRig *self, guint ms);
void talk_rig_stop_speech(TalkRig *self, const gchar *text);
void talk_rig_say(TalkRig *self, const gchar *text);
void talk_rig_press(TalkRig *self, gchar digit);
void talk_rig_answer_tool(TalkRig *self, const gchar *result);

/* What came of it */
void talk_rig_assert_heard(TalkRig *self, const gchar *expected);
guint talk_rig_count(TalkRig *self, gchar piece);

G_END_DECLS
