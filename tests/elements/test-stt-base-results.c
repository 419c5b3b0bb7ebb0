/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scripted-stt.h"

/* Each utterance has one end, whatever the service does. */

#define ASKED(text) scripted_stt_assert_asked(f, text)
#define CAME(text) scripted_stt_assert_came(f, text)

static void
forget(ScriptedStt *f)
{
  g_string_truncate(f->asked, 0);
  g_string_truncate(f->came, 0);
  f->audio = 0;
}

static void
test_pieces(ScriptedStt *f, gconstpointer data)
{
  scripted_stt_speak(f);
  forget(f);
  scripted_stt_understand(f, 1, "one", FALSE);
  scripted_stt_understand(f, 1, "one", FALSE);
  scripted_stt_understand(f, 1, "one two ", TRUE);
  scripted_stt_understand(f, 1, "thr", FALSE);
  scripted_stt_understand(f, 1, "", TRUE);
  scripted_stt_understand(f, 1, "three", TRUE);
  CAME("interim 'one'; interim 'one two thr'; ");
  scripted_stt_finish(f, 1, NULL);
  CAME("'one two three' 0-600; ");
}

static void
test_words(ScriptedStt *f, gconstpointer data)
{
  g_autoptr(GstBuffer) buffer = NULL;
  const CordWord *words;
  guint n;

  scripted_stt_speak(f);
  scripted_stt_understand(f, 1, "one", TRUE);
  scripted_stt_understand(f, 1, "two", TRUE);
  scripted_stt_finish(f, 1, NULL);
  buffer = gst_harness_pull(f->harness);
  words = cord_transcript_get_words(cord_buffer_get_transcript(buffer), &n);
  g_assert_cmpuint(n, ==, 2);
  g_assert_cmpstr(words[1].text, ==, "two");
  g_assert_cmpuint(GST_BUFFER_PTS(buffer), ==, 0);
  g_assert_cmpuint(GST_BUFFER_DURATION(buffer), ==, 600 * GST_MSECOND);
}

static void
test_lines(ScriptedStt *f, gconstpointer data)
{
  g_autoptr(GstBuffer) buffer = NULL;

  g_object_set(f->harness->element, "append-newline", TRUE, NULL);
  scripted_stt_speak(f);
  scripted_stt_understand(f, 1, "one", TRUE);
  scripted_stt_finish(f, 1, NULL);
  buffer = gst_harness_pull(f->harness);
  g_assert_cmpint(gst_buffer_memcmp(buffer, 0, "one\n", 4), ==, 0);
  g_assert_cmpuint(gst_buffer_get_size(buffer), ==, 4);
  g_assert_cmpstr(cord_transcript_get_text(cord_buffer_get_transcript(buffer)), ==, "one");
}

static void
test_out_of_order(ScriptedStt *f, gconstpointer data)
{
  for (guint i = 0; i < 3; i++)
    scripted_stt_speak(f);
  forget(f);
  scripted_stt_understand(f, 3, "three", TRUE);
  scripted_stt_finish(f, 3, NULL);
  scripted_stt_understand(f, 1, "one", TRUE);
  CAME("");
  scripted_stt_finish(f, 1, NULL);
  CAME("'one' 0-600; ");
  scripted_stt_finish(f, 2, NULL);
  CAME("''; 'three' 1800-2400; ");
}

static void
test_once(ScriptedStt *f, gconstpointer data)
{
  scripted_stt_speak(f);
  forget(f);
  scripted_stt_understand(f, 1, "one", TRUE);
  scripted_stt_finish(f, 1, NULL);
  scripted_stt_finish(f, 1, NULL);
  scripted_stt_understand(f, 1, "one", TRUE);
  scripted_stt_understand(f, 1, "one", FALSE);
  scripted_stt_finish(f, 1, NULL);
  scripted_stt_finish(f, 7, NULL);
  CAME("'one' 0-600; ");
}

static void
test_never(ScriptedStt *f, gconstpointer data)
{
  scripted_stt_speak(f);
  scripted_stt_understand(f, 1, "what was", TRUE);
  scripted_stt_understand(f, 1, "believed", FALSE);
  forget(f);
  cord_worker_advance(f->worker, 2499 * GST_MSECOND);
  CAME("");
  cord_worker_advance(f->worker, GST_MSECOND);
  CAME("'what was believed' 0-600; ");
  ASKED("cancel 1; ");
  g_assert_cmpuint(scripted_stt_count_warnings(f), ==, 1);
  scripted_stt_understand(f, 1, "too late", TRUE);
  scripted_stt_finish(f, 1, NULL);
  CAME("");
}

static void
test_never_of_many(ScriptedStt *f, gconstpointer data)
{
  scripted_stt_speak(f);
  scripted_stt_speak(f);
  forget(f);
  /* each has its own deadline; the first does not put off the second */
  cord_worker_advance(f->worker, 1600 * GST_MSECOND);
  CAME("''; ");
  cord_worker_advance(f->worker, 900 * GST_MSECOND);
  CAME("''; ");
  ASKED("cancel 1; cancel 2; ");
}

static void
test_second_waits_for_first(ScriptedStt *f, gconstpointer data)
{
  scripted_stt_speak(f);
  scripted_stt_speak(f);
  forget(f);
  scripted_stt_understand(f, 2, "two", TRUE);
  scripted_stt_finish(f, 2, NULL);
  CAME("");
  cord_worker_advance(f->worker, 1600 * GST_MSECOND);
  CAME("''; 'two' 900-1500; ");
}

static void
test_timeout_is_settable(ScriptedStt *f, gconstpointer data)
{
  g_object_set(f->harness->element, "final-timeout", 200, NULL);
  scripted_stt_speak(f);
  forget(f);
  cord_worker_advance(f->worker, 200 * GST_MSECOND);
  CAME("''; ");
}

/* Otherwise the turn would be over before its text is there. */
static void
test_sooner_than_turntaker(ScriptedStt *f, gconstpointer data)
{
  g_autoptr(GstElement) taker = gst_element_factory_make("turntaker", NULL);
  guint here, there;

  g_assert_nonnull(taker);
  g_object_get(f->harness->element, "final-timeout", &here, NULL);
  g_object_get(taker, "final-timeout", &there, NULL);
  g_assert_cmpuint(here, <, there);
}

static void
test_from_a_file(ScriptedStt *f, gconstpointer data)
{
  f->detects_voice = FALSE;
  scripted_stt_hear_at_once(f, 10000);
  scripted_stt_eos(f);
  cord_worker_advance(f->worker, 12 * GST_SECOND);
  CAME("");
  cord_worker_advance(f->worker, GST_SECOND);
  CAME("''; eos; ");
}

static void
test_fails(ScriptedStt *f, gconstpointer data)
{
  f->manner = GPOINTER_TO_UINT(data);
  scripted_stt_speak(f);
  CAME("started 0; stopped 600; ''; ");
  g_assert_cmpuint(scripted_stt_count_warnings(f), ==, 1);
  f->manner = STT_ANSWERS_AT_END;
  scripted_stt_speak(f);
  CAME("started 900; stopped 1500; 'number 2' 900-1500; ");
}

static void
test_fails_where_nobody_cuts(ScriptedStt *f, gconstpointer data)
{
  f->detects_voice = FALSE;
  f->manner = STT_FAILS_AT_BEGIN;
  scripted_stt_hear(f, 5000);
  /* asked again once a second, not for each frame */
  g_assert_cmpuint(scripted_stt_count_warnings(f), <=, 6);
  scripted_stt_eos(f);
  g_assert_true(g_str_has_suffix(f->came->str, "''; eos; "));
}

static void
test_fails_at_the_end(ScriptedStt *f, gconstpointer data)
{
  scripted_stt_speak(f);
  forget(f);
  scripted_stt_understand(f, 1, "half", TRUE);
  scripted_stt_finish(f, 1, "the line is dead");
  CAME("'half' 0-600; ");
  g_assert_cmpuint(scripted_stt_count_warnings(f), ==, 1);
}

static void
test_service_cuts(ScriptedStt *f, gconstpointer data)
{
  scripted_stt_hear(f, 100);
  scripted_stt_start_speech(f, 0);
  scripted_stt_hear(f, 200);
  scripted_stt_understand(f, 1, "one", TRUE);
  scripted_stt_finish(f, 1, NULL);
  scripted_stt_hear(f, 200);
  scripted_stt_stop_speech(f, 400);
  CAME("started 0; 'one' 0-300; stopped 400; ");
  ASKED("begin 1 mulaw 8000; audio 1 0-300; begin 2 mulaw 8000; audio 2 300-500; end 2; ");
  scripted_stt_finish(f, 2, NULL);
  CAME("''; ");
}

static void
test_answers_within_calls(ScriptedStt *f, gconstpointer data)
{
  f->manner = STT_ENDS_AFTER_AUDIO;
  scripted_stt_hear(f, 40);
  scripted_stt_start_speech(f, 0);
  scripted_stt_hear(f, 20);
  scripted_stt_stop_speech(f, 60);
  CAME("started 0; 'done' 0-40; 'done' 40-60; stopped 60; ");
}

/* Flush in every state */

static void
assert_works(ScriptedStt *f)
{
  SttManner manner = f->manner;
  guint onset = (guint)(f->now / GST_MSECOND);
  g_autofree gchar *expected = NULL;

  forget(f);
  f->manner = STT_ANSWERS_AT_END;
  scripted_stt_speak(f);
  expected = g_strdup_printf("started %u; stopped %u; 'number ", onset, onset + 600);
  g_assert_true(g_str_has_prefix(f->came->str, expected));
  f->manner = manner;
}

static void
test_flush_before(ScriptedStt *f, gconstpointer data)
{
  scripted_stt_flush(f);
  assert_works(f);
}

static void
test_flush_pre_roll(ScriptedStt *f, gconstpointer data)
{
  scripted_stt_speak(f);
  scripted_stt_hear(f, 500);
  scripted_stt_flush(f);
  forget(f);
  scripted_stt_hear(f, 100);
  scripted_stt_start_speech(f, 1400);
  ASKED("begin 2 mulaw 8000; audio 2 1400-1500; ");
}

static void
test_flush_open(ScriptedStt *f, gconstpointer data)
{
  f->manner = GPOINTER_TO_UINT(data);
  scripted_stt_hear(f, 100);
  scripted_stt_start_speech(f, 0);
  forget(f);
  scripted_stt_flush(f);
  ASKED("cancel 1; ");
  scripted_stt_understand(f, 1, "old", TRUE);
  scripted_stt_finish(f, 1, NULL);
  cord_worker_advance(f->worker, 10 * GST_SECOND);
  CAME("");
  /* who spoke before the flush is forgotten */
  scripted_stt_hear(f, 100);
  ASKED("");
  assert_works(f);
}

static void
test_flush_waiting(ScriptedStt *f, gconstpointer data)
{
  f->manner = GPOINTER_TO_UINT(data);
  scripted_stt_speak(f);
  scripted_stt_speak(f);
  scripted_stt_understand(f, 2, "two", TRUE);
  scripted_stt_finish(f, 2, NULL);
  forget(f);
  scripted_stt_flush(f);
  ASKED("cancel 1; ");
  scripted_stt_finish(f, 1, NULL);
  cord_worker_advance(f->worker, 10 * GST_SECOND);
  CAME("");
  assert_works(f);
}

static void
test_flush_eos(ScriptedStt *f, gconstpointer data)
{
  scripted_stt_speak(f);
  scripted_stt_eos(f);
  forget(f);
  scripted_stt_flush(f);
  cord_worker_advance(f->worker, 10 * GST_SECOND);
  CAME("");
  assert_works(f);
}

/* The end of the stream */

static void
test_eos_at_once(ScriptedStt *f, gconstpointer data)
{
  f->manner = STT_ANSWERS_AT_END;
  scripted_stt_speak(f);
  forget(f);
  scripted_stt_eos(f);
  CAME("eos; ");
}

static void
test_eos_waits(ScriptedStt *f, gconstpointer data)
{
  scripted_stt_speak(f);
  scripted_stt_speak(f);
  forget(f);
  scripted_stt_eos(f);
  scripted_stt_finish(f, 1, NULL);
  CAME("''; ");
  scripted_stt_finish(f, 2, NULL);
  CAME("''; eos; ");
}

static void
test_eos_in_speech(ScriptedStt *f, gconstpointer data)
{
  scripted_stt_hear(f, 100);
  scripted_stt_start_speech(f, 0);
  scripted_stt_eos(f);
  ASKED("begin 1 mulaw 8000; audio 1 0-100; end 1; ");
  CAME("started 0; ");
  cord_worker_advance(f->worker, 3 * GST_SECOND);
  CAME("''; eos; ");
}

/* State changes */

static void
test_stop_in_speech(ScriptedStt *f, gconstpointer data)
{
  scripted_stt_speak(f);
  scripted_stt_hear(f, 100);
  scripted_stt_start_speech(f, 900);
  forget(f);
  gst_element_set_state(f->harness->element, GST_STATE_READY);
  ASKED("cancel 2; cancel 1; stop; ");
  scripted_stt_understand(f, 1, "old", TRUE);
  scripted_stt_finish(f, 1, NULL);
  scripted_stt_finish(f, 2, NULL);
  cord_worker_advance(f->worker, 10 * GST_SECOND);
  CAME("");

  gst_harness_play(f->harness);
  gst_harness_set_src_caps_str(f->harness, "audio/x-mulaw,rate=8000,channels=1");
  f->now = 0;
  f->manner = STT_ANSWERS_AT_END;
  scripted_stt_speak(f);
  CAME("started 0; stopped 600; 'number 3' 0-600; ");
}

static void
test_pause_in_speech(ScriptedStt *f, gconstpointer data)
{
  f->manner = STT_ANSWERS_AT_END;
  scripted_stt_hear(f, 100);
  scripted_stt_start_speech(f, 0);
  gst_element_set_state(f->harness->element, GST_STATE_PAUSED);
  gst_element_set_state(f->harness->element, GST_STATE_PLAYING);
  scripted_stt_hear(f, 100);
  scripted_stt_stop_speech(f, 200);
  CAME("started 0; stopped 200; 'number 1' 0-200; ");
}

static void
add_results(void)
{
#define ADD_WITH(name, manner, func)                                                               \
  g_test_add("/stt-base/" name, ScriptedStt, GUINT_TO_POINTER(manner), scripted_stt_setup, func,   \
             scripted_stt_teardown)
#define ADD(name, func) ADD_WITH(name, STT_WAITS, func)
  ADD("pieces are joined, what is believed follows them", test_pieces);
  ADD("words of all pieces are kept", test_words);
  ADD("texts may be lines", test_lines);
  ADD("results leave in the order of what was said", test_out_of_order);
  ADD("an utterance ends once", test_once);
  ADD("a result that never comes is not waited for", test_never);
  ADD("each result has its own deadline", test_never_of_many);
  ADD("one that waits for another is not lost", test_second_waits_for_first);
  ADD("the deadline can be set", test_timeout_is_settable);
  ADD("the deadline is sooner than the turn's", test_sooner_than_turntaker);
  ADD("audio from a file may take its time", test_from_a_file);
  ADD_WITH("a service that is not there is one warning", STT_FAILS_AT_BEGIN, test_fails);
  ADD_WITH("a service that breaks is one warning", STT_FAILS_AT_AUDIO, test_fails);
  ADD("a service is not asked for each frame", test_fails_where_nobody_cuts);
  ADD("what was understood before a failure is kept", test_fails_at_the_end);
  ADD("after a cut of the service the rest is another utterance", test_service_cuts);
  ADD("a service may answer within a call", test_answers_within_calls);
}

static void
add_ends(void)
{
  ADD("a flush before anything", test_flush_before);
  ADD("a flush forgets what was heard before", test_flush_pre_roll);
  ADD("a flush in speech", test_flush_open);
  ADD_WITH("a flush in speech, the service talks on", STT_TALKS_AT_CANCEL, test_flush_open);
  ADD("a flush while results are outstanding", test_flush_waiting);
  ADD_WITH("a flush while a service talks on", STT_TALKS_AT_CANCEL, test_flush_waiting);
  ADD("a flush takes the end back", test_flush_eos);
  ADD("the end comes at once where nothing is outstanding", test_eos_at_once);
  ADD("the end waits for results", test_eos_waits);
  ADD("the end in speech", test_eos_in_speech);
  ADD("stopping in speech, and again from the beginning", test_stop_in_speech);
  ADD("a pause in speech changes nothing", test_pause_in_speech);
}

int
main(int argc, char **argv)
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  add_results();
  add_ends();
  return g_test_run();
}
