/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "turn-logic-private.h"
#include "turn-words.h"

#define SECOND G_GUINT64_CONSTANT(1000000000)
/* an answer of which nothing is heard so long holds nobody up */
#define STALLED_AFTER (5 * SECOND)
/* the floor's length when no sink reports what it plays */
#define UNREPORTED_FLOOR (3 * SECOND)

void
turn_rules_append(TurnLogic *self, const gchar *text)
{
  g_autofree gchar *clean = g_strstrip(g_strdup(text));

  if (*clean == '\0')
    return;
  if (self->text->len > 0)
    g_string_append_c(self->text, ' ');
  g_string_append(self->text, clean);
  self->stale = FALSE;
  self->ends_in_digit = FALSE;
}

/* What an interim or final transcript adds to what was already taken from an interim. */
const gchar *
turn_rules_new_words(TurnLogic *self, const gchar *text, guint64 start)
{
  if (text == NULL)
    return "";
  if (self->used_words == 0 || (start != TURN_TIME_NONE && start >= self->used_until))
    return text;
  return turn_words_skip(text, self->used_words);
}

void
turn_rules_use_interim(TurnLogic *self, guint64 until)
{
  if (self->interim == NULL)
    return;
  self->used_words += turn_words_count(self->interim);
  self->used_until = until;
  if (self->interim_start != TURN_TIME_NONE)
    self->used_until = MAX(until, self->interim_start + 1);
  turn_rules_append(self, self->interim);
  g_clear_pointer(&self->interim, g_free);
}

static TurnAction *
add_action(TurnLogic *self, TurnActionKind kind, guint turn)
{
  TurnAction *action = g_new0(TurnAction, 1);

  action->kind = kind;
  action->turn = turn;
  action->continues = self->continues;
  action->position = self->position;
  action->speech_end = self->speech_end;
  action->stt_final = self->stt_final;
  action->now = self->now;
  g_queue_push_tail(&self->actions, action);
  return action;
}

static void
open_turn(TurnLogic *self)
{
  if (self->turn_open)
    return;
  self->turn_open = TRUE;
  if (self->position == TURN_TIME_NONE)
    self->position = self->now;
  add_action(self, TURN_ACTION_STARTED, ++self->last_turn);
}

static void
give_floor(TurnLogic *self)
{
  self->agent_floor = TRUE;
  self->agent_heard = FALSE;
  self->agent_turn = self->last_turn;
  self->agent_seen = self->now;
}

void
turn_rules_commit(TurnLogic *self, TurnReason reason)
{
  TurnAction *action;

  open_turn(self);
  action = add_action(self, TURN_ACTION_COMMIT, self->last_turn);
  action->text = g_strdup(self->text->str);
  action->reason = reason;

  g_free(self->last_text);
  self->last_text = g_strdup(self->text->str);
  self->last_position = self->position;
  g_string_truncate(self->text, 0);
  self->turn_open = self->digits = self->ends_in_digit = self->gave_up = self->stale = FALSE;
  self->continues = -1;
  self->position = self->speaking ? self->now : TURN_TIME_NONE;
  self->stt_final = TURN_TIME_NONE;
  self->spent = self->speaking;
  self->prompts = 0;
  give_floor(self);
}

/* Nothing of the answer was heard: to the caller it is still the same turn. */
static void
take_up_last_turn(TurnLogic *self)
{
  g_autofree gchar *later = g_strdup(self->text->str);

  if (self->agent_heard || self->agent_turn <= 0 || self->turn_open || self->last_text == NULL)
    return;
  self->continues = self->agent_turn;
  self->position = self->last_position;
  g_string_assign(self->text, self->last_text);
  turn_rules_append(self, later);
}

void
turn_rules_interrupt(TurnLogic *self)
{
  add_action(self, TURN_ACTION_INTERRUPT, self->agent_turn);
  self->over_turn = self->agent_turn;
  self->agent_floor = FALSE;
  self->stale = FALSE;
  take_up_last_turn(self);
}

/* Words are surer than sound: before the answer is heard any will do. */
void
turn_rules_consider_words(TurnLogic *self, guint n_words)
{
  const guint enough = self->settings.min_interruption_words;

  if (!self->agent_floor || !self->settings.allow_interruptions || self->spent || n_words == 0)
    return;
  if ((enough > 0 && n_words >= enough) || (!self->agent_heard && self->agent_turn > 0))
    turn_rules_interrupt(self);
}

static void
consider_speech(TurnLogic *self)
{
  const guint64 enough = self->settings.barge_in_min_speech;
  guint64 duration = self->active;

  if (!self->agent_floor || !self->speaking || self->spent || enough == 0 ||
      !self->settings.allow_interruptions)
    return;
  if (!self->active_seen)
    duration = self->now > self->speech_start ? self->now - self->speech_start : 0;
  if (duration >= enough)
    turn_rules_interrupt(self);
}

static void
consider_giving_up(TurnLogic *self)
{
  guint n_words;

  if (self->outstanding == 0 || self->speaking ||
      self->now < self->stopped_at + self->settings.final_timeout)
    return;
  self->outstanding = 0;
  self->gave_up = TRUE;
  n_words = turn_words_count(self->interim);
  turn_rules_use_interim(self, self->speech_end);
  turn_rules_consider_words(self, n_words);
}

static gboolean
is_paused(const TurnLogic *self)
{
  if (self->speaking || self->outstanding > 0)
    return FALSE;
  if (self->digits)
    return self->now >= self->digit_deadline;
  return self->speech_end == TURN_TIME_NONE ||
         self->now >= self->speech_end + self->settings.endpointing;
}

/* Every gate has a deadline, the agent's floor too. */
static void
consider_stall(TurnLogic *self)
{
  if (!self->agent_floor)
    return;
  if (!self->playout_seen && self->now >= self->agent_seen + UNREPORTED_FLOOR)
    self->agent_floor = FALSE;
  else if (self->text->len > 0 && is_paused(self) && self->now >= self->agent_seen + STALLED_AFTER)
    turn_rules_interrupt(self);
}

static gboolean
has_spoken_too_long(const TurnLogic *self)
{
  return (self->speaking || self->outstanding > 0) && self->position != TURN_TIME_NONE &&
         self->settings.max_turn > 0 && self->now >= self->position + self->settings.max_turn;
}

static TurnReason
reason_of_pause(const TurnLogic *self)
{
  if (self->gave_up)
    return TURN_REASON_FINAL_TIMEOUT;
  return self->digits ? TURN_REASON_DTMF : TURN_REASON_SILENCE;
}

/* Whether the caller has ended a turn. */
static void
consider_turn(TurnLogic *self)
{
  if (self->text->len == 0 && !self->speaking && self->outstanding == 0) {
    self->position = TURN_TIME_NONE;
    self->gave_up = FALSE;
  }
  if (self->agent_floor)
    return;
  if (has_spoken_too_long(self) && self->text->len == 0)
    turn_rules_use_interim(self, self->now);
  if (self->text->len == 0 || self->stale)
    return;
  open_turn(self);
  if (is_paused(self))
    turn_rules_commit(self, reason_of_pause(self));
  else if (has_spoken_too_long(self))
    turn_rules_commit(self, TURN_REASON_MAX_TURN);
}

/* Only behind something that the agent has said: where it waits for the caller's first word, or
 * nobody tells what is heard of it, silence means nothing. */
static void
consider_silence(TurnLogic *self)
{
  const TurnSettings *settings = &self->settings;
  gboolean quiet = !self->agent_floor && !self->speaking && self->outstanding == 0 &&
                   !self->turn_open && (self->text->len == 0 || self->stale);

  if (!quiet)
    self->quiet_since = self->now;
  if (!quiet || settings->silence_timeout == 0 || !self->playout_seen ||
      self->prompts >= settings->silence_prompts ||
      self->now < self->quiet_since + settings->silence_timeout)
    return;
  self->prompts++;
  add_action(self, TURN_ACTION_PROMPT, ++self->last_turn)->position = self->quiet_since;
  /* who cuts in on this does not take up what he said before it */
  g_clear_pointer(&self->last_text, g_free);
  give_floor(self);
}

void
turn_rules_decide(TurnLogic *self)
{
  consider_giving_up(self);
  consider_speech(self);
  consider_stall(self);
  consider_turn(self);
  consider_silence(self);
}
