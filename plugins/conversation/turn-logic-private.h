/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "turn-logic.h"

G_BEGIN_DECLS

/* Inside of TurnLogic: what it is told (turn-logic.c), and what follows (turn-rules.c). */

/*
 * Whose turn it is follows from few facts: whether the agent has the floor (from a commit, or the
 * first report of its audio, until the audio is played or the caller interrupts), whether the
 * caller speaks, how many utterances have no final transcript yet, and the text so far. Text that
 * comes while the agent keeps the floor is held; no word is dropped or given twice.
 */
struct _TurnLogic {
  TurnSettings settings;
  GQueue actions;
  guint64 now;

  /* the caller's voice */
  gboolean speaking;
  gboolean spent;       /* this speech was answered already: it interrupts nobody */
  gboolean speech_seen; /* there is a voice detector */
  gboolean active_seen; /* and it tells how long there was sound */
  guint64 active;
  guint64 speech_start;
  guint64 speech_end;
  guint64 stopped_at;
  guint outstanding; /* utterances without final transcript */

  /* the caller's words */
  GString *text;
  gchar *interim;
  guint64 interim_start;
  guint64 used_until; /* of speech before this, so many words were taken from an interim */
  guint used_words;
  guint64 position;
  guint64 stt_final;
  gboolean gave_up;
  gboolean stale;
  gboolean digits;
  gboolean ends_in_digit;
  guint64 digit_deadline;

  /* turns */
  guint last_turn;
  gboolean turn_open;
  gint64 continues;
  gchar *last_text;
  guint64 last_position;

  /* the agent */
  gboolean agent_floor;
  gboolean agent_heard;
  gint64 agent_turn;
  gint64 over_turn; /* this and older turns are played or cut */
  guint64 agent_seen;
  gboolean playout_seen;

  /* silence */
  guint64 quiet_since; /* nobody says anything, or is about to */
  guint prompts;       /* of the agent, without an answer */
};

G_GNUC_INTERNAL void turn_rules_append(TurnLogic *self, const gchar *text);
G_GNUC_INTERNAL const gchar *turn_rules_new_words(TurnLogic *self, const gchar *text,
                                                  guint64 start);
G_GNUC_INTERNAL void turn_rules_use_interim(TurnLogic *self, guint64 until);
G_GNUC_INTERNAL void turn_rules_commit(TurnLogic *self, TurnReason reason);
G_GNUC_INTERNAL void turn_rules_interrupt(TurnLogic *self);
G_GNUC_INTERNAL void turn_rules_consider_words(TurnLogic *self, guint n_words);
G_GNUC_INTERNAL void turn_rules_decide(TurnLogic *self);

G_END_DECLS
