/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "turn-logic.h"

#define MS G_GUINT64_CONSTANT(1000000)
#define S (1000 * MS)

typedef struct {
  TurnLogic *logic;
  TurnSettings settings;
  guint64 now;
} Fixture;

static void
setup(Fixture *f, gconstpointer data)
{
  f->settings = (TurnSettings){
    .endpointing = 500 * MS,
    .final_timeout = 3000 * MS,
    .barge_in_min_speech = 240 * MS,
    .dtmf_timeout = 1500 * MS,
    .silence_timeout = 4500 * MS,
    .silence_prompts = 2,
    .min_interruption_words = 3,
    .allow_interruptions = TRUE,
  };
  f->logic = turn_logic_new();
  turn_logic_configure(f->logic, &f->settings);
}

static void
teardown(Fixture *f, gconstpointer data)
{
  turn_logic_free(f->logic);
}

static void
pass(Fixture *f, guint64 duration)
{
  const guint64 end = f->now + duration;

  while (f->now < end)
    turn_logic_advance(f->logic, f->now += 20 * MS);
}

/* The agent is heard for a second. */
static void
answer(Fixture *f, guint turn)
{
  turn_logic_playing(f->logic, turn, 20 * MS);
  pass(f, S);
  turn_logic_played(f->logic, turn);
}

static void
say(Fixture *f, const gchar *text)
{
  const guint64 start = f->now;

  turn_logic_speech_started(f->logic, start);
  pass(f, S);
  turn_logic_speech_stopped(f->logic, f->now);
  turn_logic_final(f->logic, text, start, f->now, 1);
}

static void
assert_nothing(Fixture *f)
{
  TurnAction action;

  g_assert_false(turn_logic_pop(f->logic, &action));
}

static void
assert_action(Fixture *f, TurnActionKind kind, guint turn)
{
  TurnAction action;

  g_assert_true(turn_logic_pop(f->logic, &action));
  g_assert_cmpint(action.kind, ==, kind);
  g_assert_cmpuint(action.turn, ==, turn);
  if (kind == TURN_ACTION_PROMPT)
    g_assert_cmpuint(action.now - action.position, >=, f->settings.silence_timeout);
  turn_action_clear(&action);
}

static void
assert_turn(Fixture *f, guint turn)
{
  assert_action(f, TURN_ACTION_STARTED, turn);
  assert_action(f, TURN_ACTION_COMMIT, turn);
  assert_nothing(f);
}

static void
test_asks(Fixture *f, gconstpointer data)
{
  answer(f, 0);
  pass(f, 4480 * MS);
  assert_nothing(f);
  pass(f, 40 * MS);
  assert_action(f, TURN_ACTION_PROMPT, 1);
  g_assert_cmpint(turn_logic_get_state(f->logic), ==, TURN_STATE_AGENT_PENDING);
  answer(f, 1);
  pass(f, 4520 * MS);
  assert_action(f, TURN_ACTION_PROMPT, 2);
  answer(f, 2);
  pass(f, 60 * S);
  assert_nothing(f);
  /* somebody is there after all, and may fall silent again */
  say(f, "yes I am here");
  pass(f, S);
  assert_turn(f, 3);
  answer(f, 3);
  pass(f, 5 * S);
  assert_action(f, TURN_ACTION_PROMPT, 4);
}

/* Not before the agent has said something, nor while it is about to. */
static void
test_waits(Fixture *f, gconstpointer data)
{
  pass(f, 60 * S);
  assert_nothing(f);
  say(f, "hello");
  pass(f, S);
  assert_turn(f, 1);
  turn_logic_playing(f->logic, 1, 0);
  pass(f, 60 * S);
  assert_nothing(f);
  answer(f, 1);
  pass(f, 5 * S);
  assert_action(f, TURN_ACTION_PROMPT, 2);
}

/* Whatever the caller does begins the silence anew. */
static void
test_sounds(Fixture *f, gconstpointer data)
{
  answer(f, 0);
  pass(f, 4 * S);
  say(f, "");
  pass(f, 4 * S);
  turn_logic_speech_started(f->logic, f->now);
  pass(f, 10 * S);
  turn_logic_speech_stopped(f->logic, f->now);
  pass(f, 2 * S); /* for its transcript */
  turn_logic_final(f->logic, "", 0, f->now, 1);
  pass(f, 4 * S);
  assert_nothing(f);
  turn_logic_digit(f->logic, '1');
  pass(f, 2 * S);
  assert_turn(f, 1);
  answer(f, 1);
  pass(f, 5 * S);
  assert_action(f, TURN_ACTION_PROMPT, 2);
}

/* An old "mhm" is no word that is on its way. */
static void
test_stale_words(Fixture *f, gconstpointer data)
{
  turn_logic_playing(f->logic, 0, 20 * MS);
  turn_logic_speech_started(f->logic, f->now);
  pass(f, 200 * MS);
  turn_logic_speech_stopped(f->logic, f->now);
  turn_logic_final(f->logic, "mhm", 0, f->now, 1);
  pass(f, 4 * S);
  turn_logic_played(f->logic, 0);
  pass(f, 5 * S);
  assert_action(f, TURN_ACTION_PROMPT, 1);
  answer(f, 1);
  say(f, "yes");
  pass(f, S);
  assert_turn(f, 2);
}

/* Who cuts in on the question does not take up what he said before it. */
static void
test_cut(Fixture *f, gconstpointer data)
{
  TurnAction action;

  say(f, "one");
  pass(f, S);
  assert_turn(f, 1);
  answer(f, 1);
  pass(f, 5 * S);
  assert_action(f, TURN_ACTION_PROMPT, 2);
  say(f, "two");
  assert_action(f, TURN_ACTION_INTERRUPT, 2);
  pass(f, S);
  assert_action(f, TURN_ACTION_STARTED, 3);
  g_assert_true(turn_logic_pop(f->logic, &action));
  g_assert_cmpint(action.kind, ==, TURN_ACTION_COMMIT);
  g_assert_cmpint(action.continues, ==, -1);
  g_assert_cmpstr(action.text, ==, "two");
  turn_action_clear(&action);
}

static void
test_never(Fixture *f, gconstpointer data)
{
  f->settings.silence_timeout = 0;
  turn_logic_configure(f->logic, &f->settings);
  answer(f, 0);
  pass(f, 60 * S);
  assert_nothing(f);
  f->settings.silence_timeout = S;
  f->settings.silence_prompts = 0;
  turn_logic_configure(f->logic, &f->settings);
  pass(f, 60 * S);
  assert_nothing(f);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
#define ADD(name, func) g_test_add("/turn-silence/" name, Fixture, NULL, setup, func, teardown)
  ADD("the agent asks twice, and again once somebody has answered", test_asks);
  ADD("it asks only behind what was heard of it", test_waits);
  ADD("sounds and keys begin the silence anew", test_sounds);
  ADD("an old word does not count as one to come", test_stale_words);
  ADD("who cuts in on the question begins a turn of his own", test_cut);
  ADD("it can be told not to", test_never);
  return g_test_run();
}
