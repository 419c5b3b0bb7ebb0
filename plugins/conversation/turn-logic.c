/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "turn-logic.h"
#include "turn-words.h"

#include <string.h>

#define SECOND G_GUINT64_CONSTANT(1000000000)
#define STALE_AFTER (2 * SECOND) /* words this old at the end of an answer were not a reply */
#define STALLED_AFTER                                                                              \
  (5 * SECOND) /* an answer of which nothing is heard so long holds nobody up                      \
                */
#define UNREPORTED_FLOOR (3 * SECOND) /* the floor's length when no sink reports what it plays */

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
};

static void
append_text(TurnLogic *self, const gchar *text)
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
static const gchar *
new_words(TurnLogic *self, const gchar *text, guint64 start)
{
  if (text == NULL)
    return "";
  if (self->used_words == 0 || (start != TURN_TIME_NONE && start >= self->used_until))
    return text;
  return turn_words_skip(text, self->used_words);
}

static void
use_interim(TurnLogic *self, guint64 until)
{
  if (self->interim == NULL)
    return;
  self->used_words += turn_words_count(self->interim);
  self->used_until = until;
  if (self->interim_start != TURN_TIME_NONE)
    self->used_until = MAX(until, self->interim_start + 1);
  append_text(self, self->interim);
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
commit(TurnLogic *self, TurnReason reason)
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

  self->agent_floor = TRUE;
  self->agent_heard = FALSE;
  self->agent_turn = self->last_turn;
  self->agent_seen = self->now;
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
  append_text(self, later);
}

static void
interrupt(TurnLogic *self)
{
  add_action(self, TURN_ACTION_INTERRUPT, self->agent_turn);
  self->over_turn = self->agent_turn;
  self->agent_floor = FALSE;
  self->stale = FALSE;
  take_up_last_turn(self);
}

/* Words are surer than sound: before the answer is heard any will do. */
static void
consider_words(TurnLogic *self, guint n_words)
{
  const guint enough = self->settings.min_interruption_words;

  if (!self->agent_floor || !self->settings.allow_interruptions || self->spent || n_words == 0)
    return;
  if ((enough > 0 && n_words >= enough) || (!self->agent_heard && self->agent_turn > 0))
    interrupt(self);
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
    interrupt(self);
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
  use_interim(self, self->speech_end);
  consider_words(self, n_words);
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
    interrupt(self);
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

static void
decide(TurnLogic *self)
{
  consider_giving_up(self);
  consider_speech(self);
  consider_stall(self);
  if (self->text->len == 0 && !self->speaking && self->outstanding == 0) {
    self->position = TURN_TIME_NONE;
    self->gave_up = FALSE;
  }
  if (self->agent_floor)
    return;
  if (has_spoken_too_long(self) && self->text->len == 0)
    use_interim(self, self->now);
  if (self->text->len == 0 || self->stale)
    return;
  open_turn(self);
  if (is_paused(self))
    commit(self, reason_of_pause(self));
  else if (has_spoken_too_long(self))
    commit(self, TURN_REASON_MAX_TURN);
}

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
  decide(self);
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
  decide(self);
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
  decide(self);
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
  self->interim = g_strstrip(g_strdup(new_words(self, text, start)));
  if (*self->interim == '\0')
    g_clear_pointer(&self->interim, g_free);
  consider_words(self, turn_words_count(self->interim));
  decide(self);
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
  const gchar *words = new_words(self, text, start);

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
    append_text(self, words);
    consider_words(self, turn_words_count(words));
  }
  decide(self);
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
  append_text(self, text);
  if (self->text->len > 0)
    commit(self, TURN_REASON_TEXT);
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
    interrupt(self);
  if (self->position == TURN_TIME_NONE)
    self->position = self->now;
  if (self->ends_in_digit)
    g_string_append_c(self->text, digit);
  else
    append_text(self, text);
  self->digits = self->ends_in_digit = TRUE;
  self->stale = FALSE;
  self->speech_end = self->now;
  self->digit_deadline = self->now + (digit == '#' ? 0 : self->settings.dtmf_timeout);
  decide(self);
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
  use_interim(self, self->now);
  if (self->text->len > 0)
    commit(self, TURN_REASON_EOS);
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
