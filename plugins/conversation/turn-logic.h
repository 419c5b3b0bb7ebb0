/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** TURN_TIME_NONE: no time. All other times are running times of the stream in ns. */
#define TURN_TIME_NONE G_MAXUINT64

/**
 * TurnState:
 * @TURN_STATE_IDLE: nobody speaks, nothing is expected
 * @TURN_STATE_USER_SPEAKING: the caller speaks and has the floor
 * @TURN_STATE_WAIT_FINAL: the caller stopped, the transcript is on its way
 * @TURN_STATE_ENDPOINTING: the text is there, the caller may go on
 * @TURN_STATE_AGENT_PENDING: the agent has the floor and was not heard yet
 * @TURN_STATE_AGENT_SPEAKING: the agent is being heard
 *
 * Where the conversation stands.
 */
typedef enum {
  TURN_STATE_IDLE,
  TURN_STATE_USER_SPEAKING,
  TURN_STATE_WAIT_FINAL,
  TURN_STATE_ENDPOINTING,
  TURN_STATE_AGENT_PENDING,
  TURN_STATE_AGENT_SPEAKING,
} TurnState;

/**
 * TurnReason:
 * @TURN_REASON_SILENCE: the caller was silent for long enough
 * @TURN_REASON_FINAL_TIMEOUT: the final transcript did not come in time
 * @TURN_REASON_DTMF: the caller pressed keys
 * @TURN_REASON_MAX_TURN: the caller did not pause
 * @TURN_REASON_TEXT: the text was written, not spoken
 * @TURN_REASON_EOS: the stream ended
 *
 * Why a turn ended.
 */
typedef enum {
  TURN_REASON_SILENCE,
  TURN_REASON_FINAL_TIMEOUT,
  TURN_REASON_DTMF,
  TURN_REASON_MAX_TURN,
  TURN_REASON_TEXT,
  TURN_REASON_EOS,
} TurnReason;

/**
 * TurnActionKind:
 * @TURN_ACTION_STARTED: the caller has begun a turn
 * @TURN_ACTION_COMMIT: the turn is over, the agent has the floor
 * @TURN_ACTION_INTERRUPT: the caller took the floor from the agent
 * @TURN_ACTION_PROMPT: nobody says anything: the agent has the floor and asks
 *
 * What the machine wants done.
 */
typedef enum {
  TURN_ACTION_STARTED,
  TURN_ACTION_COMMIT,
  TURN_ACTION_INTERRUPT,
  TURN_ACTION_PROMPT,
} TurnActionKind;

/**
 * TurnAction:
 * @kind: what to do
 * @turn: the caller's turn, or the agent's one that is cut, or of which it makes a beginning
 * @continues: the unanswered turn that this one takes up again, or -1
 * @position: when the caller began to speak, or the silence
 * @speech_end: when the caller's last sound was
 * @stt_final: when the last final transcript was made, as it was told to turn_logic_final()
 * @now: the stream time of the decision
 * @text: what the caller said
 * @reason: why the turn ended
 *
 * @speech_end, @stt_final, @text and @reason belong to a commit, @continues to a start and a
 * commit.
 */
typedef struct {
  TurnActionKind kind;
  guint turn;
  gint64 continues;
  guint64 position;
  guint64 speech_end;
  guint64 stt_final;
  guint64 now;
  gchar *text;
  TurnReason reason;
} TurnAction;

/**
 * TurnSettings:
 * @endpointing: silence that ends a turn, counted from the last sound, ns
 * @final_timeout: how long to wait for a final transcript, ns
 * @barge_in_min_speech: speech that takes the floor from the agent, ns; 0 for never
 * @dtmf_timeout: pause that ends a row of keypresses, ns
 * @max_turn: after how long a caller who does not pause is answered all the same, ns; 0 for never
 * @silence_timeout: after how long a silence the agent asks whether the caller is there, ns; 0 for
 *   never
 * @silence_prompts: how often it asks before the caller says something
 * @min_interruption_words: words that take the floor from the agent; 0 for never
 * @allow_interruptions: whether the agent can be interrupted at all
 */
typedef struct {
  guint64 endpointing;
  guint64 final_timeout;
  guint64 barge_in_min_speech;
  guint64 dtmf_timeout;
  guint64 max_turn;
  guint64 silence_timeout;
  guint silence_prompts;
  guint min_interruption_words;
  gboolean allow_interruptions;
} TurnSettings;

/**
 * TurnLogic:
 *
 * Who has the floor: a machine that is told what happens and says what to do. It knows no clock, no
 * thread and no stream; the time is what it was told last. After each call the actions are fetched
 * with turn_logic_pop() until there is none.
 */
typedef struct _TurnLogic TurnLogic;

TurnLogic *turn_logic_new(void);
void turn_logic_free(TurnLogic *self);
void turn_logic_configure(TurnLogic *self, const TurnSettings *settings);
void turn_logic_reset(TurnLogic *self);

/* What the caller does */
void turn_logic_advance(TurnLogic *self, guint64 now);
void turn_logic_speech_started(TurnLogic *self, guint64 position);
void turn_logic_speech_active(TurnLogic *self, guint64 duration);
void turn_logic_speech_stopped(TurnLogic *self, guint64 position);
void turn_logic_interim(TurnLogic *self, const gchar *text, guint64 start);
void turn_logic_final(TurnLogic *self, const gchar *text, guint64 start, guint64 end,
                      guint64 created);
void turn_logic_text(TurnLogic *self, const gchar *text);
void turn_logic_digit(TurnLogic *self, gchar digit);
void turn_logic_finish(TurnLogic *self);

/* What the agent does */
void turn_logic_playing(TurnLogic *self, guint turn, guint64 position);
void turn_logic_played(TurnLogic *self, guint turn);

/* What follows */
const gchar *turn_reason_name(TurnReason reason);
const gchar *turn_state_name(TurnState state);
gboolean turn_logic_pop(TurnLogic *self, TurnAction *action);
void turn_action_clear(TurnAction *action);
TurnState turn_logic_get_state(const TurnLogic *self);

G_END_DECLS
