/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "turn-logic.h"

#include <string.h>

#define MS G_GUINT64_CONSTANT(1000000)
#define S (1000 * MS)

static const TurnSettings defaults = {
  .endpointing = 500 * MS,
  .final_timeout = 3000 * MS,
  .barge_in_min_speech = 240 * MS,
  .dtmf_timeout = 1500 * MS,
  .max_turn = 60 * S,
  .min_interruption_words = 3,
  .allow_interruptions = TRUE,
};

static TurnLogic *
new_logic(const TurnSettings *settings)
{
  TurnLogic *logic = turn_logic_new();

  turn_logic_configure(logic, settings ? settings : &defaults);
  return logic;
}

/* What there is to do, one word each: "start1 commit1(silence:hello)". */
static gchar *
actions(TurnLogic *logic)
{
  GString *out = g_string_new(NULL);
  TurnAction action;

  while (turn_logic_pop(logic, &action)) {
    if (out->len > 0)
      g_string_append_c(out, ' ');
    if (action.kind == TURN_ACTION_INTERRUPT)
      g_string_append_printf(out, "interrupt%u", action.turn);
    else if (action.kind == TURN_ACTION_STARTED && action.continues >= 0)
      g_string_append_printf(out, "start%u<%d", action.turn, (gint)action.continues);
    else if (action.kind == TURN_ACTION_STARTED)
      g_string_append_printf(out, "start%u", action.turn);
    else
      g_string_append_printf(out, "commit%u(%s:%s)", action.turn, turn_reason_name(action.reason),
                             action.text);
    turn_action_clear(&action);
  }
  return g_string_free(out, FALSE);
}

#define assert_actions(logic, expected)                                                            \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree gchar *found = actions(logic);                                                      \
    g_assert_cmpstr(found, ==, expected);                                                          \
  }                                                                                                \
  G_STMT_END

/* Time in steps of a frame, as the stream gives it. */
static void
pass(TurnLogic *logic, guint64 *now, guint64 duration)
{
  const guint64 end = *now + duration;

  while (*now < end)
    turn_logic_advance(logic, *now += 20 * MS);
}

/* Speech of a given length, noticed after 60 ms and stopped after 250 ms of silence. */
static void
speak(TurnLogic *logic, guint64 *now, guint64 duration)
{
  const guint64 start = *now;

  pass(logic, now, 60 * MS);
  turn_logic_speech_started(logic, start);
  while (*now < start + duration) {
    pass(logic, now, 20 * MS);
    turn_logic_speech_active(logic, *now - start);
  }
  pass(logic, now, 260 * MS);
  turn_logic_speech_stopped(logic, start + duration);
}

static void
say(TurnLogic *logic, guint64 *now, guint64 duration, const gchar *text)
{
  const guint64 start = *now;

  speak(logic, now, duration);
  turn_logic_final(logic, text, start, start + duration, 1);
}

static void
test_silence(void)
{
  TurnLogic *logic = new_logic(NULL);
  guint64 now = 0;
  TurnAction action;

  pass(logic, &now, S);
  say(logic, &now, S, "hello");
  assert_actions(logic, "start1");
  pass(logic, &now, 220 * MS);
  assert_actions(logic, "");
  pass(logic, &now, 20 * MS);
  g_assert_true(turn_logic_pop(logic, &action));
  g_assert_cmpstr(action.text, ==, "hello");
  g_assert_cmpuint(action.position, ==, 1 * S);
  g_assert_cmpuint(action.speech_end, ==, 2 * S);
  g_assert_cmpuint(action.now, ==, 2500 * MS);
  g_assert_cmpuint(action.stt_final, ==, 1);
  turn_action_clear(&action);
  g_assert_cmpint(turn_logic_get_state(logic), ==, TURN_STATE_AGENT_PENDING);
  turn_logic_free(logic);
}

static void
test_late_final(void)
{
  TurnLogic *logic = new_logic(NULL);
  guint64 now = 0;

  speak(logic, &now, S);
  pass(logic, &now, S);
  g_assert_cmpint(turn_logic_get_state(logic), ==, TURN_STATE_WAIT_FINAL);
  assert_actions(logic, "");
  turn_logic_final(logic, "hello", 0, S, 1);
  assert_actions(logic, "start1 commit1(silence:hello)");
  turn_logic_free(logic);
}

static void
test_resume(void)
{
  TurnLogic *logic = new_logic(NULL);
  guint64 now = 0;

  say(logic, &now, S, " I would like ");
  pass(logic, &now, 100 * MS);
  say(logic, &now, S, "an appointment");
  pass(logic, &now, S);
  assert_actions(logic, "start1 commit1(silence:I would like an appointment)");
  turn_logic_free(logic);
}

static void
test_resume_before_final(void)
{
  TurnLogic *logic = new_logic(NULL);
  guint64 now = 0;

  speak(logic, &now, S);
  speak(logic, &now, S);
  turn_logic_final(logic, "one", 0, S, 1);
  pass(logic, &now, S);
  assert_actions(logic, "start1");
  turn_logic_final(logic, "two", S, 2 * S, 1);
  assert_actions(logic, "commit1(silence:one two)");
  turn_logic_free(logic);
}

static void
test_continue(void)
{
  TurnLogic *logic = new_logic(NULL);
  guint64 now = 0;

  say(logic, &now, S, "I would like");
  pass(logic, &now, S);
  assert_actions(logic, "start1 commit1(silence:I would like)");
  say(logic, &now, S, "an appointment");
  assert_actions(logic, "interrupt1 start2<1");
  pass(logic, &now, S);
  assert_actions(logic, "commit2(silence:I would like an appointment)");
  turn_logic_playing(logic, 2, 0);
  say(logic, &now, S, "please");
  pass(logic, &now, S);
  assert_actions(logic, "interrupt2 start3<2 commit3(silence:I would like an appointment please)");
  turn_logic_free(logic);
}

static void
test_continue_with_noise(void)
{
  TurnLogic *logic = new_logic(NULL);
  guint64 now = 0;

  say(logic, &now, S, "what time is it");
  pass(logic, &now, S);
  assert_actions(logic, "start1 commit1(silence:what time is it)");
  say(logic, &now, S, "");
  pass(logic, &now, S);
  assert_actions(logic, "interrupt1 start2<1 commit2(silence:what time is it)");
  turn_logic_free(logic);
}

static void
test_barge_in(void)
{
  TurnLogic *logic = new_logic(NULL);
  guint64 now = 0;

  turn_logic_playing(logic, 0, 20 * MS);
  turn_logic_speech_started(logic, now);
  turn_logic_speech_active(logic, 200 * MS);
  assert_actions(logic, "");
  turn_logic_speech_active(logic, 240 * MS);
  assert_actions(logic, "interrupt0");
  turn_logic_playing(logic, 0, 300 * MS);
  turn_logic_played(logic, 0);
  now = S;
  turn_logic_speech_stopped(logic, now);
  turn_logic_final(logic, "stop it", 0, now, 1);
  pass(logic, &now, S);
  assert_actions(logic, "start1 commit1(silence:stop it)");
  turn_logic_free(logic);
}

static void
test_barge_in_by_clock(void)
{
  TurnLogic *logic = new_logic(NULL);
  guint64 now = S;

  turn_logic_playing(logic, 0, 20 * MS);
  turn_logic_speech_started(logic, now);
  pass(logic, &now, 220 * MS);
  assert_actions(logic, "");
  pass(logic, &now, 20 * MS);
  assert_actions(logic, "interrupt0");
  turn_logic_free(logic);
}

static void
test_cough(void)
{
  TurnLogic *logic = new_logic(NULL);
  guint64 now = 0;

  turn_logic_playing(logic, 0, 20 * MS);
  say(logic, &now, 120 * MS, "");
  pass(logic, &now, S);
  turn_logic_played(logic, 0);
  say(logic, &now, 200 * MS, "");
  pass(logic, &now, S);
  assert_actions(logic, "");
  g_assert_cmpint(turn_logic_get_state(logic), ==, TURN_STATE_IDLE);
  turn_logic_free(logic);
}

static void
test_empty_barge_in(void)
{
  TurnLogic *logic = new_logic(NULL);
  guint64 now = 0;

  turn_logic_playing(logic, 0, 20 * MS);
  say(logic, &now, S, "");
  pass(logic, &now, 10 * S);
  assert_actions(logic, "interrupt0");
  turn_logic_free(logic);
}

static void
test_words(void)
{
  TurnSettings settings = defaults;
  TurnLogic *logic;

  settings.barge_in_min_speech = 0;
  logic = new_logic(&settings);
  turn_logic_playing(logic, 0, 20 * MS);
  turn_logic_speech_started(logic, 0);
  turn_logic_advance(logic, 5 * S);
  turn_logic_interim(logic, "well I", 0);
  assert_actions(logic, "");
  turn_logic_interim(logic, "well I think", 0);
  assert_actions(logic, "interrupt0");
  turn_logic_free(logic);
}

static void
test_not_allowed(void)
{
  TurnSettings settings = defaults;
  TurnLogic *logic;
  guint64 now = 0;

  settings.allow_interruptions = FALSE;
  logic = new_logic(&settings);
  turn_logic_playing(logic, 0, 20 * MS);
  say(logic, &now, S, "let me say something");
  for (guint i = 0; i < 5; i++) {
    pass(logic, &now, S);
    turn_logic_playing(logic, 0, now);
  }
  assert_actions(logic, "");
  turn_logic_played(logic, 0);
  assert_actions(logic, "");
  pass(logic, &now, 20 * MS);
  assert_actions(logic, "start1 commit1(silence:let me say something)");
  turn_logic_free(logic);
}

static void
test_reply_at_the_end(void)
{
  TurnLogic *logic = new_logic(NULL);
  guint64 now = 0;

  turn_logic_playing(logic, 0, 20 * MS);
  say(logic, &now, 200 * MS, "yes");
  pass(logic, &now, S);
  assert_actions(logic, "");
  turn_logic_played(logic, 0);
  pass(logic, &now, 20 * MS);
  assert_actions(logic, "start1 commit1(silence:yes)");
  turn_logic_free(logic);
}

static void
test_backchannel(void)
{
  TurnLogic *logic = new_logic(NULL);
  guint64 now = 0;

  turn_logic_playing(logic, 0, 20 * MS);
  say(logic, &now, 200 * MS, "mhm");
  for (guint i = 0; i < 4; i++) {
    pass(logic, &now, S);
    turn_logic_playing(logic, 0, now);
  }
  turn_logic_played(logic, 0);
  pass(logic, &now, 5 * S);
  assert_actions(logic, "");
  say(logic, &now, S, "I see");
  pass(logic, &now, S);
  assert_actions(logic, "start1 commit1(silence:mhm I see)");
  turn_logic_free(logic);
}

static void
test_stalled_agent(void)
{
  TurnLogic *logic = new_logic(NULL);
  guint64 now = 0;

  turn_logic_playing(logic, 0, 20 * MS);
  say(logic, &now, 200 * MS, "hello");
  pass(logic, &now, 4500 * MS);
  assert_actions(logic, "");
  pass(logic, &now, 200 * MS);
  assert_actions(logic, "interrupt0 start1 commit1(silence:hello)");
  turn_logic_free(logic);
}

static void
test_no_reports(void)
{
  TurnLogic *logic = new_logic(NULL);
  guint64 now = 0;

  say(logic, &now, S, "one");
  pass(logic, &now, 4 * S);
  say(logic, &now, S, "two");
  pass(logic, &now, 4 * S);
  assert_actions(logic, "start1 commit1(silence:one) start2 commit2(silence:two)");
  turn_logic_free(logic);
}

static void
test_final_timeout(void)
{
  TurnLogic *logic = new_logic(NULL);
  guint64 now = 0;

  turn_logic_interim(logic, "book a", 0);
  speak(logic, &now, S);
  pass(logic, &now, 2980 * MS);
  assert_actions(logic, "");
  pass(logic, &now, 20 * MS);
  assert_actions(logic, "start1 commit1(final-timeout:book a)");
  turn_logic_final(logic, "book a table", 0, S, 1);
  assert_actions(logic, "interrupt1 start2<1 commit2(silence:book a table)");
  turn_logic_free(logic);
}

static void
test_final_timeout_without_interim(void)
{
  TurnLogic *logic = new_logic(NULL);
  guint64 now = 0;

  speak(logic, &now, S);
  pass(logic, &now, 5 * S);
  assert_actions(logic, "");
  g_assert_cmpint(turn_logic_get_state(logic), ==, TURN_STATE_IDLE);
  turn_logic_final(logic, "late", 0, S, 1);
  assert_actions(logic, "start1 commit1(silence:late)");
  turn_logic_free(logic);
}

static void
test_max_turn(void)
{
  TurnLogic *logic = new_logic(NULL);
  guint64 now = 0;

  turn_logic_speech_started(logic, 0);
  turn_logic_final(logic, "first", 0, 10 * S, 1);
  turn_logic_interim(logic, "second", 10 * S);
  pass(logic, &now, 59 * S);
  assert_actions(logic, "start1");
  pass(logic, &now, S);
  assert_actions(logic, "commit1(max-turn:first)");
  turn_logic_speech_active(logic, 61 * S);
  turn_logic_interim(logic, "second third fourth", 10 * S);
  turn_logic_playing(logic, 1, S);
  pass(logic, &now, S);
  assert_actions(logic, "");
  turn_logic_speech_stopped(logic, now);
  turn_logic_final(logic, "second third fourth", 10 * S, now, 1);
  turn_logic_played(logic, 1);
  pass(logic, &now, S);
  assert_actions(logic, "start2 commit2(silence:second third fourth)");
  turn_logic_free(logic);
}

static void
test_max_turn_by_interim(void)
{
  TurnLogic *logic = new_logic(NULL);
  guint64 now = 0;

  turn_logic_speech_started(logic, 0);
  turn_logic_interim(logic, "on and", 0);
  pass(logic, &now, 60 * S);
  assert_actions(logic, "start1 commit1(max-turn:on and)");
  turn_logic_playing(logic, 1, S);
  turn_logic_played(logic, 1);
  turn_logic_speech_stopped(logic, now);
  turn_logic_final(logic, "on and on", 0, now, 1);
  pass(logic, &now, S);
  assert_actions(logic, "start2 commit2(silence:on)");
  turn_logic_free(logic);
}

static void
test_digits(void)
{
  TurnLogic *logic = new_logic(NULL);
  guint64 now = 0;

  turn_logic_playing(logic, 0, 20 * MS);
  turn_logic_digit(logic, '4');
  assert_actions(logic, "interrupt0 start1");
  pass(logic, &now, S);
  turn_logic_digit(logic, '2');
  pass(logic, &now, 1480 * MS);
  assert_actions(logic, "");
  pass(logic, &now, 20 * MS);
  assert_actions(logic, "commit1(dtmf:42)");
  turn_logic_playing(logic, 1, S);
  turn_logic_played(logic, 1);
  turn_logic_digit(logic, '7');
  turn_logic_digit(logic, '#');
  assert_actions(logic, "start2 commit2(dtmf:7#)");
  turn_logic_free(logic);
}

static void
test_text(void)
{
  TurnLogic *logic = new_logic(NULL);

  turn_logic_text(logic, "hello\n");
  turn_logic_text(logic, " \n");
  turn_logic_text(logic, "again");
  assert_actions(logic, "start1 commit1(text:hello) start2 commit2(text:again)");
  turn_logic_free(logic);
}

static void
test_finish(void)
{
  TurnLogic *logic = new_logic(NULL);
  guint64 now = 0;

  say(logic, &now, S, "bye");
  turn_logic_speech_started(logic, now);
  turn_logic_interim(logic, "then", now);
  turn_logic_finish(logic);
  assert_actions(logic, "start1 commit1(eos:bye then)");
  turn_logic_finish(logic);
  assert_actions(logic, "");
  turn_logic_free(logic);
}

static void
test_reset(void)
{
  TurnLogic *logic = new_logic(NULL);
  guint64 now = 0;

  turn_logic_text(logic, "one");
  say(logic, &now, S, "two");
  turn_logic_reset(logic);
  assert_actions(logic, "");
  turn_logic_playing(logic, 1, S);
  g_assert_cmpint(turn_logic_get_state(logic), ==, TURN_STATE_IDLE);
  turn_logic_text(logic, "three");
  assert_actions(logic, "start3 commit3(text:three)");
  turn_logic_free(logic);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/turn-logic/silence-after-speech-ends-a-turn", test_silence);
  g_test_add_func("/turn-logic/a-late-transcript-is-waited-for", test_late_final);
  g_test_add_func("/turn-logic/speaking-on-in-time-continues-the-turn", test_resume);
  g_test_add_func("/turn-logic/each-utterance-has-its-transcript", test_resume_before_final);
  g_test_add_func("/turn-logic/speaking-on-before-the-answer-takes-the-turn-up", test_continue);
  g_test_add_func("/turn-logic/noise-before-the-answer-loses-no-turn", test_continue_with_noise);
  g_test_add_func("/turn-logic/speech-interrupts-the-agent", test_barge_in);
  g_test_add_func("/turn-logic/speech-is-measured-by-the-clock-if-need-be", test_barge_in_by_clock);
  g_test_add_func("/turn-logic/a-cough-is-no-turn-and-no-interruption", test_cough);
  g_test_add_func("/turn-logic/after-an-empty-interruption-all-is-quiet", test_empty_barge_in);
  g_test_add_func("/turn-logic/words-interrupt-the-agent", test_words);
  g_test_add_func("/turn-logic/an-agent-that-may-not-be-interrupted-is-not", test_not_allowed);
  g_test_add_func("/turn-logic/a-reply-into-the-last-word-is-a-turn", test_reply_at_the_end);
  g_test_add_func("/turn-logic/an-old-mhm-waits-for-the-next-turn", test_backchannel);
  g_test_add_func("/turn-logic/an-answer-that-stalls-holds-nobody-up", test_stalled_agent);
  g_test_add_func("/turn-logic/without-reports-the-floor-comes-back", test_no_reports);
  g_test_add_func("/turn-logic/a-missing-final-is-replaced-by-the-interim", test_final_timeout);
  g_test_add_func("/turn-logic/a-final-after-giving-up-is-not-lost",
                  test_final_timeout_without_interim);
  g_test_add_func("/turn-logic/who-never-pauses-is-answered-too", test_max_turn);
  g_test_add_func("/turn-logic/words-given-from-an-interim-are-not-repeated",
                  test_max_turn_by_interim);
  g_test_add_func("/turn-logic/keypresses-are-a-turn", test_digits);
  g_test_add_func("/turn-logic/written-text-is-a-turn-at-once", test_text);
  g_test_add_func("/turn-logic/the-end-commits-what-there-is", test_finish);
  g_test_add_func("/turn-logic/a-reset-forgets-all-but-the-number", test_reset);
  return g_test_run();
}
