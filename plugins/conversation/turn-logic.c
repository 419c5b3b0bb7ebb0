/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "turn-logic.h"

#include <string.h>

#include "turn-logic-private.h"
#include "turn-words.h"

#define SECOND G_GUINT64_CONSTANT(1000000000)
#define STALE_AFTER (2 * SECOND) /* words this old at the end of an answer were not a reply */

/* Configure it before anything else. */
TurnLogic *
turn_logic_new(void)
{
  TurnLogic *self = g_new0(TurnLogic, 1);

  self->text = g_string_new(NULL);
  g_queue_init(&self->actions);
  turn_logic_reset(self);
  return self;
}

void
turn_logic_free(TurnLogic *self)
{
  turn_logic_reset(self);
  g_string_free(self->text, TRUE);
  g_free(self);
}

/**
 * turn_logic_configure:
 * @self: a machine
 * @settings: its settings, effective from the next call on
 */
void
turn_logic_configure(TurnLogic *self, const TurnSettings *settings)
{
  self->settings = *settings;
}

/**
 * turn_logic_reset:
 * @self: a machine
 *
 * Forgets what is going on; turns are still numbered on.
 */
void
turn_logic_reset(TurnLogic *self)
{
  const TurnSettings settings = self->settings;
  const guint last_turn = self->last_turn;
  GString *text = self->text;
  TurnAction action;

  while (turn_logic_pop(self, &action))
    turn_action_clear(&action);
  g_free(self->interim);
  g_free(self->last_text);
  memset(self, 0, sizeof *self);
  self->settings = settings;
  self->last_turn = last_turn;
  self->text = g_string_truncate(text, 0);
  self->speech_start = self->speech_end = self->position = self->stt_final = TURN_TIME_NONE;
  self->continues = self->agent_turn = -1;
  self->over_turn = last_turn > 0 ? (gint64)last_turn : -1;
  g_queue_init(&self->actions);
}

/**
 * turn_logic_advance:
 * @self: a machine
 * @now: the stream's time; it never goes back
 */
void
turn_logic_advance(TurnLogic *self, guint64 now)
{
  if (now != TURN_TIME_NONE)
    self->now = MAX(self->now, now);
  turn_rules_decide(self);
}

/**
 * turn_logic_speech_started:
 * @self: a machine
 * @position: when the caller began to speak
 */
void
turn_logic_speech_started(TurnLogic *self, guint64 position)
{
  self->speech_seen = self->speaking = TRUE;
  self->spent = self->digits = FALSE;
  self->active = 0;
  self->speech_start = position;
  if (self->position == TURN_TIME_NONE)
    self->position = position;
  turn_logic_advance(self, position);
}

/**
 * turn_logic_speech_active:
 * @self: a machine
 * @duration: how much of the speech that goes on was sound, pauses not counted
 *
 * Optional. Without it speech is taken to last until the detector says that it stopped.
 */
void
turn_logic_speech_active(TurnLogic *self, guint64 duration)
{
  self->active_seen = TRUE;
  self->active = duration;
  turn_rules_decide(self);
}

/**
 * turn_logic_speech_stopped:
 * @self: a machine
 * @position: when the caller's last sound was
 */
void
turn_logic_speech_stopped(TurnLogic *self, guint64 position)
{
  if (!self->speaking)
    return;
  self->speaking = FALSE;
  self->speech_end = position;
  self->outstanding++;
  self->now = MAX(self->now, position);
  self->stopped_at = self->now;
  turn_rules_decide(self);
}

/**
 * turn_logic_interim:
 * @self: a machine
 * @text: what the utterance seems to be so far
 * @start: when it began
 */
void
turn_logic_interim(TurnLogic *self, const gchar *text, guint64 start)
{
  g_free(self->interim);
  self->interim_start = start;
  self->interim = g_strstrip(g_strdup(turn_rules_new_words(self, text, start)));
  if (*self->interim == '\0')
    g_clear_pointer(&self->interim, g_free);
  turn_rules_consider_words(self, turn_words_count(self->interim));
  turn_rules_decide(self);
}

/**
 * turn_logic_final:
 * @self: a machine
 * @text: (nullable): what was said; empty where it was nothing after all
 * @start: when it began
 * @end: when it ended
 * @created: when the transcript was made, on any clock
 */
void
turn_logic_final(TurnLogic *self, const gchar *text, guint64 start, guint64 end, guint64 created)
{
  const gchar *words = turn_rules_new_words(self, text, start);

  self->used_words = 0;
  g_clear_pointer(&self->interim, g_free);
  if (self->outstanding > 0)
    self->outstanding--;
  if (turn_words_count(words) > 0) {
    if (self->position == TURN_TIME_NONE)
      self->position = start;
    if (!self->speech_seen && end != TURN_TIME_NONE)
      self->speech_end = self->speech_end == TURN_TIME_NONE ? end : MAX(self->speech_end, end);
    self->stt_final = created;
    turn_rules_append(self, words);
    turn_rules_consider_words(self, turn_words_count(words));
  }
  turn_rules_decide(self);
}

/**
 * turn_logic_text:
 * @self: a machine
 * @text: what was written
 *
 * Written text is a turn at once, with what was said before it; it interrupts nobody.
 */
void
turn_logic_text(TurnLogic *self, const gchar *text)
{
  turn_rules_append(self, text);
  if (self->text->len > 0)
    turn_rules_commit(self, TURN_REASON_TEXT);
}

/**
 * turn_logic_digit:
 * @self: a machine
 * @digit: the key that was pressed; # ends the row
 */
void
turn_logic_digit(TurnLogic *self, gchar digit)
{
  const gchar text[] = { digit, '\0' };

  if (self->agent_floor && self->settings.allow_interruptions)
    turn_rules_interrupt(self);
  if (self->position == TURN_TIME_NONE)
    self->position = self->now;
  if (self->ends_in_digit)
    g_string_append_c(self->text, digit);
  else
    turn_rules_append(self, text);
  self->digits = self->ends_in_digit = TRUE;
  self->stale = FALSE;
  self->speech_end = self->now;
  self->digit_deadline = self->now + (digit == '#' ? 0 : self->settings.dtmf_timeout);
  turn_rules_decide(self);
}

/**
 * turn_logic_finish:
 * @self: a machine
 *
 * Nothing more will come: what there is becomes a turn.
 */
void
turn_logic_finish(TurnLogic *self)
{
  self->speaking = FALSE;
  self->outstanding = 0;
  turn_rules_use_interim(self, self->now);
  if (self->text->len > 0)
    turn_rules_commit(self, TURN_REASON_EOS);
}

/**
 * turn_logic_playing:
 * @self: a machine
 * @turn: the turn that is being answered
 * @position: how much of the answer was heard, ns
 *
 * Decides nothing by itself, so any thread may tell it: the next call does.
 */
void
turn_logic_playing(TurnLogic *self, guint turn, guint64 position)
{
  if ((gint64)turn <= self->over_turn)
    return;
  self->playout_seen = TRUE;
  self->agent_seen = self->now;
  if ((gint64)turn < self->agent_turn)
    return;
  if ((gint64)turn > self->agent_turn)
    self->agent_heard = FALSE;
  self->agent_floor = TRUE;
  self->agent_turn = turn;
  self->agent_heard |= position > 0;
}

/**
 * turn_logic_played:
 * @self: a machine
 * @turn: the turn whose answer is over, played or cut
 *
 * Decides nothing by itself, like turn_logic_playing().
 */
void
turn_logic_played(TurnLogic *self, guint turn)
{
  if ((gint64)turn <= self->over_turn)
    return;
  self->playout_seen = TRUE;
  self->over_turn = turn;
  if (self->agent_turn != (gint64)turn || !self->agent_floor)
    return;
  self->agent_floor = FALSE;
  self->stale = self->text->len > 0 && self->settings.allow_interruptions && !self->digits &&
                !self->speaking && self->outstanding == 0 && self->speech_end != TURN_TIME_NONE &&
                self->now > self->speech_end + STALE_AFTER;
}

/**
 * turn_logic_pop:
 * @self: a machine
 * @action: (out): what to do next; turn_action_clear() it afterwards
 *
 * Returns: whether there was anything to do
 */
gboolean
turn_logic_pop(TurnLogic *self, TurnAction *action)
{
  g_autofree TurnAction *head = g_queue_pop_head(&self->actions);

  if (head == NULL)
    return FALSE;
  *action = *head;
  return TRUE;
}

/**
 * turn_action_clear:
 * @action: an action
 */
void
turn_action_clear(TurnAction *action)
{
  g_clear_pointer(&action->text, g_free);
}

/**
 * turn_logic_get_state:
 * @self: a machine
 *
 * Returns: where the conversation stands
 */
TurnState
turn_logic_get_state(const TurnLogic *self)
{
  if (self->agent_floor)
    return self->agent_heard ? TURN_STATE_AGENT_SPEAKING : TURN_STATE_AGENT_PENDING;
  if (self->speaking)
    return TURN_STATE_USER_SPEAKING;
  if (self->outstanding > 0)
    return TURN_STATE_WAIT_FINAL;
  return self->text->len > 0 && !self->stale ? TURN_STATE_ENDPOINTING : TURN_STATE_IDLE;
}
