/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scripted-tts.h"

#define ASKED(text) scripted_tts_assert_asked(f, text)
#define CAME(text) scripted_tts_assert_came(f, text)

static void
forget(ScriptedTts *f)
{
  g_string_truncate(f->asked, 0);
  g_string_truncate(f->came, 0);
}

static void
test_order(ScriptedTts *f, gconstpointer data)
{
  forget(f);
  scripted_tts_start_turn(f, 3);
  scripted_tts_say(f, 3, "One.");
  scripted_tts_say(f, 3, "Two.");
  scripted_tts_finish_turn(f, 3);
  scripted_tts_start_turn(f, 4);
  scripted_tts_say(f, 4, "Three.");
  ASKED("speak 1 of 3 'One.'; ");
  scripted_tts_give(f, 1, 100);
  /* not its turn yet, and no longer its turn */
  scripted_tts_give(f, 2, 100);
  scripted_tts_give(f, 1, 60);
  scripted_tts_finish(f, 1, NULL);
  scripted_tts_give(f, 1, 100);
  ASKED("speak 2 of 3 'Two.'; ");
  CAME("started 3; +audio 3 0-100; audio 3 100-160; ");
  scripted_tts_give(f, 2, 40);
  scripted_tts_finish(f, 2, NULL);
  ASKED("turn-done 3; speak 3 of 4 'Three.'; ");
  scripted_tts_give(f, 3, 40);
  CAME("audio 3 160-200; finished 3; started 4; +audio 4 200-240; ");
}

static void
test_words_of_no_turn(ScriptedTts *f, gconstpointer data)
{
  forget(f);
  scripted_tts_say(f, 0, "Hello.");
  CAME("+audio -1 0-120; ");
}

static void
test_nothing_to_say(ScriptedTts *f, gconstpointer data)
{
  GstBuffer *empty = gst_buffer_new();

  scripted_tts_say(f, 1, "  \n");
  gst_harness_push(f->harness, empty);
  ASKED("");
  scripted_tts_say(f, 1, " Yes. \n");
  ASKED("speak 1 of 1 'Yes.'; ");
}

static void
test_bad_text(ScriptedTts *f, gconstpointer data)
{
  scripted_tts_say(f, 1, "a\xff\xfe z");
  ASKED("speak 1 of 1 'a\xef\xbf\xbd\xef\xbf\xbd z'; ");
}

static void
test_odd_bytes(ScriptedTts *f, gconstpointer data)
{
  f->mulaw = FALSE;
  cord_tts_base_set_format(CORD_TTS_BASE(f->element), 8000, FALSE);
  forget(f);
  scripted_tts_say(f, 1, "One.");
  scripted_tts_say(f, 1, "Two.");
  scripted_tts_give_bytes(f, 1, 1);
  CAME("");
  scripted_tts_give_bytes(f, 1, 1);
  scripted_tts_give_bytes(f, 1, 317);
  scripted_tts_give_bytes(f, 1, 2);
  /* half a sample of one piece is not the beginning of the next */
  scripted_tts_finish(f, 1, NULL);
  scripted_tts_give_bytes(f, 2, 320);
  CAME("pcm 8000; +audio 1 0-0; audio 1 0-19; audio 1 19-20; audio 1 20-40; ");
}

static void
test_format(ScriptedTts *f, gconstpointer data)
{
  CAME("mulaw 8000; segment; ");
  scripted_tts_say(f, 1, "One.");
  scripted_tts_give(f, 1, 20);
  cord_tts_base_set_format(CORD_TTS_BASE(f->element), 8000, TRUE);
  scripted_tts_give(f, 1, 20);
  cord_tts_base_set_format(CORD_TTS_BASE(f->element), 16000, FALSE);
  f->mulaw = FALSE;
  f->rate = 16000;
  scripted_tts_give(f, 1, 20);
  CAME("+audio 1 0-20; audio 1 20-40; pcm 16000; audio 1 40-60; ");
}

static void
test_format_not_known_yet(ScriptedTts *f, gconstpointer data)
{
  gst_element_set_state(f->element, GST_STATE_NULL);
  f->rate = 0;
  cord_tts_base_set_format(CORD_TTS_BASE(f->element), 0, TRUE);
  forget(f);
  gst_harness_play(f->harness);
  gst_harness_set_src_caps_str(f->harness, "text/x-raw,format=utf8");
  CAME("");
  scripted_tts_say(f, 1, "One.");
  f->rate = 8000;
  cord_tts_base_set_format(CORD_TTS_BASE(f->element), 8000, TRUE);
  scripted_tts_give(f, 1, 20);
  CAME("mulaw 8000; segment; +audio 1 0-20; ");
}

static void
test_late_text(ScriptedTts *f, gconstpointer data)
{
  GstBuffer *buffer = gst_buffer_new_memdup("Hello.", 6);

  forget(f);
  scripted_tts_say(f, 1, "One.");
  GST_BUFFER_PTS(buffer) = GST_SECOND;
  gst_harness_push(f->harness, buffer);
  CAME("+audio 1 0-80; +audio -1 1000-1120; ");
}

static void
test_fails(ScriptedTts *f, gconstpointer data)
{
  forget(f);
  scripted_tts_start_turn(f, 1);
  scripted_tts_say(f, 1, "One.");
  scripted_tts_say(f, 1, "Two.");
  scripted_tts_finish_turn(f, 1);
  CAME("started 1; finished 1; ");
  g_assert_cmpuint(scripted_tts_count_warnings(f), ==, 2);
  /* what nobody could hear was not said */
  g_assert_cmpint(scripted_tts_heard(f, 1, 0, CORD_PLAYOUT_DONE), ==, 0);
}

static void
test_fails_in_the_middle(ScriptedTts *f, gconstpointer data)
{
  forget(f);
  scripted_tts_say(f, 1, "One.");
  scripted_tts_say(f, 1, "Two.");
  scripted_tts_give(f, 1, 40);
  scripted_tts_finish(f, 1, "the voice is hoarse");
  scripted_tts_give(f, 2, 40);
  scripted_tts_finish(f, 2, NULL);
  CAME("+audio 1 0-40; audio 1 40-80; ");
  g_assert_cmpuint(scripted_tts_count_warnings(f), ==, 1);
}

/* A voice that answers within the call must not climb the stack by a piece each. */
static void
test_many_at_once(ScriptedTts *f, gconstpointer data)
{
  scripted_tts_say(f, 1, "One.");
  for (guint i = 0; i < 20000; i++)
    scripted_tts_say(f, 1, "Two.");
  forget(f);
  f->manner = TTS_FAILS_AT_ONCE;
  scripted_tts_finish(f, 1, NULL);
  g_assert_true(g_str_has_suffix(f->asked->str, "speak 20001 of 1 'Two.'; "));
}

static void
test_flush(ScriptedTts *f, gconstpointer data)
{
  scripted_tts_start_turn(f, 1);
  scripted_tts_say(f, 1, "One.");
  scripted_tts_say(f, 1, "Two.");
  scripted_tts_finish_turn(f, 1);
  scripted_tts_give(f, 1, 100);
  forget(f);
  scripted_tts_flush(f, FALSE);
  ASKED("cancel 1; ");
  scripted_tts_give(f, 1, 100);
  scripted_tts_give(f, 2, 100);
  scripted_tts_finish(f, 1, NULL);
  CAME("segment; ");
  scripted_tts_say(f, 2, "Three.");
  ASKED("speak 2 of 2 'Three.'; ");
  scripted_tts_give(f, 1, 100);
  scripted_tts_give(f, 2, 100);
  CAME("+audio 2 100-200; ");
}

static void
test_flush_between(ScriptedTts *f, gconstpointer data)
{
  scripted_tts_say(f, 1, "One.");
  scripted_tts_give(f, 1, 100);
  scripted_tts_finish(f, 1, NULL);
  forget(f);
  scripted_tts_flush(f, FALSE);
  ASKED("");
  scripted_tts_finish_turn(f, 1);
  CAME("segment; finished 1; ");
}

static void
test_flush_before(ScriptedTts *f, gconstpointer data)
{
  forget(f);
  scripted_tts_flush(f, FALSE);
  scripted_tts_say(f, 1, "One.");
  scripted_tts_give(f, 1, 100);
  CAME("segment; +audio 1 0-100; ");
}

static void
test_flush_half_sample(ScriptedTts *f, gconstpointer data)
{
  f->mulaw = FALSE;
  cord_tts_base_set_format(CORD_TTS_BASE(f->element), 8000, FALSE);
  scripted_tts_say(f, 1, "One.");
  scripted_tts_give_bytes(f, 1, 321);
  scripted_tts_flush(f, FALSE);
  forget(f);
  scripted_tts_say(f, 2, "Two.");
  scripted_tts_give_bytes(f, 2, 320);
  CAME("+audio 2 20-40; ");
}

static void
test_flush_reset(ScriptedTts *f, gconstpointer data)
{
  scripted_tts_say(f, 1, "One.");
  scripted_tts_give(f, 1, 100);
  forget(f);
  scripted_tts_flush(f, TRUE);
  scripted_tts_say(f, 2, "Two.");
  scripted_tts_give(f, 2, 100);
  CAME("segment; +audio 2 0-100; ");
}

static void
test_flush_of_a_talker(ScriptedTts *f, gconstpointer data)
{
  scripted_tts_say(f, 1, "One.");
  forget(f);
  scripted_tts_flush(f, FALSE);
  ASKED("cancel 1; ");
  CAME("segment; ");
}

static void
test_end(ScriptedTts *f, gconstpointer data)
{
  scripted_tts_say(f, 1, "One.");
  scripted_tts_say(f, 1, "Two.");
  gst_harness_push_event(f->harness, gst_event_new_eos());
  forget(f);
  scripted_tts_give(f, 1, 20);
  scripted_tts_finish(f, 1, NULL);
  scripted_tts_give(f, 2, 20);
  CAME("+audio 1 0-20; audio 1 20-40; ");
  scripted_tts_finish(f, 2, NULL);
  CAME("eos; ");
}

static void
test_stop(ScriptedTts *f, gconstpointer data)
{
  scripted_tts_say(f, 1, "One.");
  scripted_tts_say(f, 1, "Two.");
  scripted_tts_give(f, 1, 100);
  forget(f);
  gst_element_set_state(f->element, GST_STATE_READY);
  ASKED("cancel 1; stop; ");
  scripted_tts_give(f, 1, 100);
  scripted_tts_finish(f, 1, NULL);
  CAME("");
  gst_harness_play(f->harness);
  gst_harness_set_src_caps_str(f->harness, "text/x-raw,format=utf8");
  scripted_tts_say(f, 2, "Three.");
  scripted_tts_give(f, 2, 100);
  CAME("mulaw 8000; segment; +audio 2 0-100; ");
}

static void
test_heard_by_words(ScriptedTts *f, gconstpointer data)
{
  scripted_tts_say(f, 1, "One two three.");
  scripted_tts_say(f, 1, "Four.");
  g_assert_cmpint(scripted_tts_heard(f, 1, 0, CORD_PLAYOUT_INTERRUPTED), ==, 0);
  g_assert_cmpint(scripted_tts_heard(f, 1, 60, CORD_PLAYOUT_PLAYING), ==, 3);
  g_assert_cmpint(scripted_tts_heard(f, 1, 279, CORD_PLAYOUT_INTERRUPTED), ==, 14);
  g_assert_cmpint(scripted_tts_heard(f, 1, 400, CORD_PLAYOUT_INTERRUPTED), ==, 20);
  g_assert_cmpint(scripted_tts_heard(f, 1, 380, CORD_PLAYOUT_DONE), ==, 20);
}

static void
test_heard_by_share(ScriptedTts *f, gconstpointer data)
{
  scripted_tts_say(f, 1, "One two three.");
  g_assert_cmpint(scripted_tts_heard(f, 1, 60, CORD_PLAYOUT_PLAYING), ==, 3);
  /* whole words only */
  g_assert_cmpint(scripted_tts_heard(f, 1, 279, CORD_PLAYOUT_PLAYING), ==, 7);
  g_assert_cmpint(scripted_tts_heard(f, 1, 280, CORD_PLAYOUT_PLAYING), ==, 14);
}

static void
test_heard_of_several_turns(ScriptedTts *f, gconstpointer data)
{
  for (guint turn = 1; turn <= 4; turn++)
    scripted_tts_say(f, turn, "Hello.");
  g_assert_cmpint(scripted_tts_heard(f, 4, 120, CORD_PLAYOUT_PLAYING), ==, 6);
  g_assert_cmpint(scripted_tts_heard(f, 2, 120, CORD_PLAYOUT_DONE), ==, 6);
  /* too long ago, and never */
  g_assert_cmpint(scripted_tts_heard(f, 1, 120, CORD_PLAYOUT_DONE), ==, -1);
  g_assert_cmpint(scripted_tts_heard(f, 9, 120, CORD_PLAYOUT_DONE), ==, -1);
}

/* The sink tells of an interruption while the flush goes through. */
static void
test_heard_after_flush(ScriptedTts *f, gconstpointer data)
{
  scripted_tts_say(f, 1, "This is rather a long sentence.");
  scripted_tts_give(f, 1, 400);
  scripted_tts_flush(f, FALSE);
  g_assert_cmpint(scripted_tts_heard(f, 1, 400, CORD_PLAYOUT_INTERRUPTED), ==, 4);
}

static void
test_first_audio_stamp(ScriptedTts *f, gconstpointer data)
{
  g_autoptr(GstBuffer) buffer = NULL;
  GstClockTime now = cord_worker_get_time(f->worker);
  CordTurn *turn;

  scripted_tts_say(f, 1, "One.");
  cord_worker_advance(f->worker, 80 * GST_MSECOND);
  scripted_tts_give(f, 1, 20);
  cord_worker_advance(f->worker, 80 * GST_MSECOND);
  scripted_tts_give(f, 1, 20);
  buffer = gst_harness_pull(f->harness);
  turn = cord_buffer_get_turn(buffer);
  g_assert_cmpuint(cord_turn_get_stamp(turn, CORD_TURN_STAMP_TTS_FIRST_AUDIO), ==,
                   now + 80 * GST_MSECOND);
}

static void
test_text_property(void)
{
  ScriptedTts script = { .manner = TTS_SPEAKS_AT_ONCE, .mulaw = TRUE, .rate = 8000 }, *f = &script;
  g_autoptr(GstContext) context = NULL;
  GstElement *element;
  GstHarness *harness;
  GstBuffer *buffer;
  gsize size = 0;

  f->worker = cord_worker_new_manual();
  element = scripted_tts_new_element(f);
  context = cord_worker_to_gst_context(f->worker);
  gst_element_set_context(element, context);
  g_object_set(element, "text", "Hello there.", NULL);
  harness = gst_harness_new_with_element(element, NULL, "src");
  gst_harness_play(harness);
  cord_worker_iterate(f->worker);
  while ((buffer = gst_harness_try_pull(harness))) {
    size += gst_buffer_get_size(buffer);
    gst_buffer_unref(buffer);
  }
  g_assert_cmpuint(size, ==, 12 * 160);
  g_assert_true(GST_PAD_IS_EOS(harness->sinkpad));
  gst_harness_teardown(harness);
  g_object_unref(f->worker);
  scripted_tts_clear(f);
}

#define ADD_WITH(name, manner, func)                                                               \
  g_test_add("/tts-base/" name, ScriptedTts, GUINT_TO_POINTER(manner), scripted_tts_setup, func,   \
             scripted_tts_teardown)
#define ADD(name, func) ADD_WITH(name, TTS_WAITS, func)

static void
add_streams(void)
{
  ADD("pieces and events keep their order", test_order);
  ADD_WITH("text may belong to no turn", TTS_SPEAKS_AT_ONCE, test_words_of_no_turn);
  ADD("nothing is not spoken", test_nothing_to_say);
  ADD("text that is none is made one", test_bad_text);
  ADD("audio may come in half samples", test_odd_bytes);
  ADD("the format may change", test_format);
  ADD("the format may be known late", test_format_not_known_yet);
  ADD_WITH("text has its time", TTS_SPEAKS_AT_ONCE, test_late_text);
  ADD_WITH("a voice that fails lets the turn end", TTS_FAILS_AT_ONCE, test_fails);
  ADD("a voice that fails in a piece goes on with the next", test_fails_in_the_middle);
  ADD("any number of pieces can come to nothing at once", test_many_at_once);
  ADD("the end waits for all pieces", test_end);
  ADD("stopping in a piece, and again from the beginning", test_stop);
  ADD("the first audio is stamped", test_first_audio_stamp);
  g_test_add_func("/tts-base/a voice with nothing before it says its property", test_text_property);
}

static void
add_flushes(void)
{
  ADD("after a flush late audio is dropped", test_flush);
  ADD("a flush between two pieces", test_flush_between);
  ADD("a flush before anything", test_flush_before);
  ADD("a flush forgets half a sample", test_flush_half_sample);
  ADD("a flush may start time anew", test_flush_reset);
  ADD_WITH("a voice that talks on while it is cancelled", TTS_TALKS_AT_CANCEL,
           test_flush_of_a_talker);
  ADD_WITH("what was heard is known by the times of words", TTS_TIMES_ITS_WORDS,
           test_heard_by_words);
  ADD_WITH("without times it is known in proportion", TTS_SPEAKS_AT_ONCE, test_heard_by_share);
  ADD_WITH("what was heard of a turn is known for some time", TTS_SPEAKS_AT_ONCE,
           test_heard_of_several_turns);
  ADD("what was heard is known after a flush", test_heard_after_flush);
}

int
main(int argc, char **argv)
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  add_streams();
  add_flushes();
  return g_test_run();
}
