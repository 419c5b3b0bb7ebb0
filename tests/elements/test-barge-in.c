/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "talk-rig.h"

#include <string.h>

/* Who is interrupted falls silent at once, has said what was heard, and answers what was asked. */

#define SCRIPT                                                                                     \
  "{\"token_delay_ms\":0,\"rules\":["                                                              \
  "{\"patterns\":[\"hours\"],\"replies\":[\"We are open from nine until five. "                    \
  "On Fridays we close at noon.\"]},"                                                              \
  "{\"patterns\":[\"prices\"],\"replies\":[\"It is ten dollars.\"]},"                              \
  "{\"patterns\":[\"look it up\"],\"replies\":[\"One moment, I am looking it "                     \
  "up.\"],\"tool\":{\"name\":\"look\"}},"                                                          \
  "{\"patterns\":[\"12\"],\"replies\":[\"You chose twelve.\"]}"                                    \
  "],\"fallback\":[\"What was that?\"]}"
#define SLOW_SCRIPT                                                                                \
  "{\"token_delay_ms\":400,\"rules\":["                                                            \
  "{\"patterns\":[\"hours\"],\"replies\":[\"We are open from nine until five.\"]},"                \
  "{\"patterns\":[\"prices\"],\"replies\":[\"It is ten dollars.\"]}"                               \
  "],\"fallback\":[\"What was that?\"]}"

#define ENOUGH 240 /* ms of speech that interrupt */
#define HOURS "We are open from nine until five. On Fridays we close at noon."

/* Past the greeting, which is piece a. */
static void
greet(TalkRig *f)
{
  talk_rig_pass(f, 1000);
  talk_rig_assert_heard(f, "0'Hello, friend.'; ");
  g_assert_cmpuint(f->n_clears, ==, 0);
}

/* What has arrived since, of whatever turn. */
static void
assert_sent_since(TalkRig *f, gsize since, const gchar *expected)
{
  g_autoptr(GString) pieces = g_string_new(NULL);

  for (gsize i = since; i < f->sent->len; i++) {
    if (pieces->len == 0 || pieces->str[pieces->len - 1] != f->sent->str[i])
      g_string_append_c(pieces, f->sent->str[i]);
  }
  g_assert_cmpstr(pieces->str, ==, expected);
}

/* The caller asks for prices, and gets the answer to that in the voice's next piece, whole. */
static void
assert_answers_prices(TalkRig *f, gsize since, guint turn, gchar piece)
{
  const gchar expected[] = { piece, '\0' };
  g_autofree gchar *heard = g_strdup_printf("%u'It is ten dollars.'; ", turn);

  talk_rig_pass(f, 2000);
  assert_sent_since(f, since, expected);
  g_assert_cmpuint(talk_rig_count(f, piece), ==, strlen("It is ten dollars."));
  talk_rig_assert_heard(f, heard);
}

static void
test_silent_at_once(TalkRig *f, gconstpointer data)
{
  GstClockTime decided;
  gsize sent, played;

  greet(f);
  talk_rig_say(f, "hours");
  talk_rig_pass(f, 200);
  talk_rig_start_speech(f);
  talk_rig_speak(f, ENOUGH - 40);
  g_assert_cmpuint(f->n_clears, ==, 0);
  talk_rig_speak(f, 40);
  decided = cord_worker_get_time(f->call->worker);
  g_assert_cmpuint(f->n_clears, ==, 1);
  g_assert_cmpuint(decided - f->cleared, <=, 60 * GST_MSECOND);
  talk_rig_assert_heard(f, "1'We are open from nine until' of '" HOURS "'; ");
  sent = f->sent->len;
  played = f->played->len;
  talk_rig_speak(f, 2000);
  g_assert_cmpuint(f->sent->len, ==, sent);
  g_assert_cmpuint(f->played->len, ==, played);
  g_assert_cmpuint(f->n_clears, ==, 1);
  talk_rig_stop_speech(f, "prices");
  assert_answers_prices(f, sent, 2, 'd');
}

static void
test_too_short(TalkRig *f, gconstpointer data)
{
  greet(f);
  talk_rig_say(f, "hours");
  talk_rig_start_speech(f);
  talk_rig_speak(f, ENOUGH - 40);
  talk_rig_stop_speech(f, "uh");
  talk_rig_pass(f, 2000);
  g_assert_cmpuint(f->n_clears, ==, 0);
  /* but it is answered, when the agent has spoken */
  talk_rig_assert_heard(f, "1'" HOURS "'; 2'What was that?'; ");
}

static void
test_keypress(TalkRig *f, gconstpointer data)
{
  gsize sent;

  greet(f);
  talk_rig_say(f, "hours");
  talk_rig_pass(f, 200);
  talk_rig_press(f, '1');
  g_assert_cmpuint(f->n_clears, ==, 1);
  g_assert_cmpuint(f->cleared, ==, cord_worker_get_time(f->call->worker));
  sent = f->sent->len;
  talk_rig_assert_heard(f, "1'We are open' of '" HOURS "'; ");
  talk_rig_pass(f, 1000);
  talk_rig_press(f, '2');
  talk_rig_pass(f, 1480);
  g_assert_cmpuint(f->sent->len, ==, sent);
  talk_rig_pass(f, 1000);
  assert_sent_since(f, sent, "d");
  talk_rig_assert_heard(f, "2'You chose twelve.'; ");
}

static void
test_tool_while_speaking(TalkRig *f, gconstpointer data)
{
  gsize sent;

  greet(f);
  talk_rig_say(f, "look it up");
  talk_rig_pass(f, 240);
  g_assert_cmpuint(f->n_tools, ==, 1);
  talk_rig_press(f, '9');
  g_assert_cmpuint(f->n_clears, ==, 1);
  talk_rig_assert_heard(f, "1'One moment, I am' of 'One moment, I am looking it up.'; ");
  sent = f->sent->len;
  /* whatever it says comes too late */
  talk_rig_answer_tool(f, "{\"found\": true}");
  talk_rig_pass(f, 1000);
  g_assert_cmpuint(f->sent->len, ==, sent);
  talk_rig_press(f, '#');
  talk_rig_pass(f, 1000);
  assert_sent_since(f, sent, "c");
  talk_rig_assert_heard(f, "2'What was that?'; ");
}

static void
test_tool_in_silence(TalkRig *f, gconstpointer data)
{
  gsize sent;

  greet(f);
  talk_rig_say(f, "look it up");
  talk_rig_pass(f, 800);
  g_assert_cmpuint(f->n_tools, ==, 1);
  sent = f->sent->len;
  talk_rig_say(f, "prices");
  talk_rig_answer_tool(f, "{\"found\": true}");
  talk_rig_pass(f, 2000);
  assert_sent_since(f, sent, "c");
  g_assert_cmpuint(talk_rig_count(f, 'c'), ==, strlen("It is ten dollars."));
  /* one end each, and the old turn's comes first */
  g_assert_true(g_str_has_prefix(f->heard->str, "1'One moment, I am looking it up.'"));
  g_assert_true(g_str_has_suffix(f->heard->str, "; 2'It is ten dollars.'; "));
}

/* Nothing was heard yet: to the caller it is one turn. */
static void
test_before_the_first_token(TalkRig *f, gconstpointer data)
{
  gsize sent;

  talk_rig_pass(f, 1000);
  g_string_truncate(f->heard, 0);
  sent = f->sent->len;
  talk_rig_say(f, "hours");
  talk_rig_pass(f, 200);
  g_assert_cmpuint(f->sent->len, ==, sent);
  talk_rig_start_speech(f);
  talk_rig_speak(f, ENOUGH);
  talk_rig_stop_speech(f, "and prices");
  talk_rig_pass(f, 1000);
  g_assert_cmpuint(f->n_clears, ==, 0);
  g_string_truncate(f->voice.asked, 0);
  talk_rig_pass(f, 6000);
  /* one answer, to all that was said */
  g_assert_nonnull(strstr(f->heard->str, "2'"));
  g_assert_null(strstr(f->heard->str, "1'W"));
  g_assert_null(strstr(f->voice.asked->str, "of 1"));
  g_assert_nonnull(strstr(f->voice.asked->str, "of 2"));
}

static void
test_between_pieces(TalkRig *f, gconstpointer data)
{
  guint piece;
  gsize sent;

  greet(f);
  f->voice.manner = TTS_WAITS;
  talk_rig_say(f, "hours");
  piece = 2;
  scripted_tts_give(&f->voice, piece, 660);
  scripted_tts_finish(&f->voice, piece, NULL);
  talk_rig_pass(f, 1000);
  sent = f->sent->len;
  g_assert_cmpuint(talk_rig_count(f, 'b'), ==, 33);
  talk_rig_start_speech(f);
  talk_rig_speak(f, ENOUGH);
  talk_rig_assert_heard(f, "1'We are open from nine until five.' of '" HOURS "'; ");
  g_assert_nonnull(strstr(f->voice.asked->str, "cancel 3; "));
  scripted_tts_give(&f->voice, piece + 1, 560);
  scripted_tts_finish(&f->voice, piece + 1, NULL);
  talk_rig_speak(f, 1000);
  g_assert_cmpuint(f->sent->len, ==, sent);
  f->voice.manner = TTS_TIMES_ITS_WORDS;
  talk_rig_stop_speech(f, "prices");
  assert_answers_prices(f, sent, 2, 'd');
}

/* The whole answer, interrupted at each frame from its first to long after its last. */
static void
interrupt_at(TalkRig *f, guint ms)
{
  gboolean cut;
  gsize sent;

  greet(f);
  talk_rig_say(f, "hours");
  talk_rig_pass(f, ms);
  talk_rig_start_speech(f);
  talk_rig_speak(f, ENOUGH);
  sent = f->sent->len;
  talk_rig_speak(f, 400);
  g_assert_cmpuint(f->sent->len, ==, sent);
  talk_rig_stop_speech(f, "prices");
  talk_rig_pass(f, 2000);
  assert_sent_since(f, sent, "d");
  cut = strstr(f->heard->str, "' of '") != NULL;
  g_assert_cmpuint(f->n_clears, <=, 1);
  if (f->n_clears > 0)
    g_assert_true(cut);
  if (!cut)
    talk_rig_assert_heard(f, "1'" HOURS "'; 2'It is ten dollars.'; ");
  else
    g_assert_true(g_str_has_suffix(f->heard->str, " of '" HOURS "'; 2'It is ten dollars.'; "));
}

static void
test_at_each_frame(void)
{
  guint cut = 0, whole = 0;

  for (guint ms = 0; ms <= 1400; ms += 20) {
    TalkRig rig = { 0 };

    talk_rig_setup(&rig, SCRIPT);
    interrupt_at(&rig, ms);
    cut += rig.n_clears > 0;
    whole += rig.n_clears == 0;
    talk_rig_teardown(&rig, NULL);
  }
  g_test_message("%u times cut, %u times whole", cut, whole);
  g_assert_cmpuint(cut, >, 40);
  g_assert_cmpuint(whole, >, 10);
}

int
main(int argc, char **argv)
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
#define ADD(name, script, func)                                                                    \
  g_test_add("/barge-in/" name, TalkRig, script, talk_rig_setup, func, talk_rig_teardown)
  ADD("the agent is silent at once, and answers the next question", SCRIPT, test_silent_at_once);
  ADD("a sound is no interruption", SCRIPT, test_too_short);
  ADD("a key interrupts", SCRIPT, test_keypress);
  ADD("while a tool runs and the agent speaks", SCRIPT, test_tool_while_speaking);
  ADD("while a tool runs and nobody speaks", SCRIPT, test_tool_in_silence);
  ADD("before the first token", SLOW_SCRIPT, test_before_the_first_token);
  ADD("between two pieces", SCRIPT, test_between_pieces);
  g_test_add_func("/barge-in/at each frame of an answer", test_at_each_frame);
  return g_test_run();
}
