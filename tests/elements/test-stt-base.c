/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scripted-stt.h"

/* What belongs to which utterance. */

#define ASKED(text) scripted_stt_assert_asked(f, text)
#define CAME(text) scripted_stt_assert_came(f, text)

static void
test_pre_roll(ScriptedStt *f, gconstpointer data)
{
  scripted_stt_hear(f, 1000);
  ASKED("");
  scripted_stt_start_speech(f, 900);
  ASKED("begin 1 mulaw 8000; audio 1 600-1000; ");
  scripted_stt_hear(f, 500);
  scripted_stt_stop_speech(f, 1240);
  ASKED("audio 1 1000-1500; end 1; ");
  scripted_stt_hear(f, 200);
  ASKED("");
  CAME("started 900; stopped 1240; ");
}

static void
test_late_onset(ScriptedStt *f, gconstpointer data)
{
  scripted_stt_hear(f, 3000);
  scripted_stt_start_speech(f, 2500);
  ASKED("begin 1 mulaw 8000; audio 1 2200-3000; ");
}

static void
test_first_sound(ScriptedStt *f, gconstpointer data)
{
  scripted_stt_hear(f, 100);
  scripted_stt_start_speech(f, 0);
  ASKED("begin 1 mulaw 8000; audio 1 0-100; ");
}

static void
test_nothing_twice(ScriptedStt *f, gconstpointer data)
{
  f->manner = STT_ANSWERS_AT_END;
  scripted_stt_hear(f, 100);
  scripted_stt_speak(f);
  scripted_stt_speak(f);
  ASKED("begin 1 mulaw 8000; audio 1 0-1000; end 1; "
        "begin 2 mulaw 8000; audio 2 1000-1900; end 2; ");
  CAME("started 100; stopped 700; 'number 1' 0-700; "
       "started 1000; stopped 1600; 'number 2' 1000-1600; ");
}

static void
test_start_without_stop(ScriptedStt *f, gconstpointer data)
{
  scripted_stt_hear(f, 400);
  scripted_stt_start_speech(f, 300);
  scripted_stt_hear(f, 200);
  scripted_stt_start_speech(f, 500);
  ASKED("begin 1 mulaw 8000; audio 1 0-600; end 1; begin 2 mulaw 8000; ");
  scripted_stt_hear(f, 40);
  scripted_stt_stop_speech(f, 620);
  scripted_stt_stop_speech(f, 620);
  ASKED("audio 2 600-640; end 2; ");
}

static void
test_nobody_cuts(ScriptedStt *f, gconstpointer data)
{
  f->detects_voice = FALSE;
  f->manner = STT_ANSWERS_AT_END;
  scripted_stt_hear(f, 400);
  ASKED("begin 1 mulaw 8000; audio 1 0-400; ");
  scripted_stt_eos(f);
  ASKED("end 1; ");
  CAME("'number 1' 0-400; eos; ");
}

static void
test_endless(ScriptedStt *f, gconstpointer data)
{
  f->detects_voice = FALSE;
  f->manner = STT_ANSWERS_AT_END;
  scripted_stt_hear(f, 62000);
  ASKED("begin 1 mulaw 8000; audio 1 0-60020; end 1; begin 2 mulaw 8000; audio 2 60020-62000; ");
  CAME("'number 1' 0-60020; ");
}

static void
test_endless_speech(ScriptedStt *f, gconstpointer data)
{
  f->manner = STT_ANSWERS_AT_END;
  scripted_stt_hear(f, 400);
  scripted_stt_start_speech(f, 300);
  scripted_stt_hear(f, 61000);
  scripted_stt_stop_speech(f, 61200);
  scripted_stt_hear(f, 200);
  ASKED("begin 1 mulaw 8000; audio 1 0-60020; end 1; "
        "begin 2 mulaw 8000; audio 2 60020-61400; end 2; ");
  CAME("started 300; 'number 1' 0-60020; stopped 61200; 'number 2' 60020-61200; ");
}

static void
test_format_changes(ScriptedStt *f, gconstpointer data)
{
  f->manner = STT_ANSWERS_AT_END;
  scripted_stt_hear(f, 400);
  scripted_stt_start_speech(f, 300);
  scripted_stt_set_format(f, TRUE, 8000);
  ASKED("begin 1 mulaw 8000; audio 1 0-400; ");
  scripted_stt_set_format(f, FALSE, 16000);
  ASKED("end 1; ");
  scripted_stt_hear(f, 100);
  scripted_stt_stop_speech(f, 480);
  ASKED("begin 2 pcm 16000; audio 2 400-500; end 2; ");
  CAME("started 300; 'number 1' 0-400; stopped 480; 'number 2' 400-480; ");
}

static void
test_old_format_is_no_pre_roll(ScriptedStt *f, gconstpointer data)
{
  scripted_stt_hear(f, 400);
  scripted_stt_start_speech(f, 300);
  scripted_stt_stop_speech(f, 400);
  scripted_stt_hear(f, 200);
  scripted_stt_set_format(f, FALSE, 8000);
  scripted_stt_hear(f, 100);
  scripted_stt_start_speech(f, 600);
  ASKED("begin 1 mulaw 8000; audio 1 0-400; end 1; begin 2 pcm 8000; audio 2 600-700; ");
}

static void
test_short_hole(ScriptedStt *f, gconstpointer data)
{
  f->detects_voice = FALSE;
  scripted_stt_hear(f, 100);
  f->now += 300 * GST_MSECOND;
  scripted_stt_hear(f, 100);
  ASKED("begin 1 mulaw 8000; audio 1 0-500; ");
  g_assert_cmpuint(f->silence, ==, 2400);
}

static void
test_long_hole(ScriptedStt *f, gconstpointer data)
{
  f->detects_voice = FALSE;
  scripted_stt_hear(f, 100);
  f->now += 2 * GST_SECOND;
  scripted_stt_hear(f, 100);
  ASKED("begin 1 mulaw 8000; audio 1 0-100; end 1; begin 2 mulaw 8000; audio 2 2100-2200; ");
  g_assert_cmpuint(f->silence, ==, 0);
}

static void
test_gap_event(ScriptedStt *f, gconstpointer data)
{
  f->detects_voice = FALSE;
  scripted_stt_set_format(f, FALSE, 16000);
  scripted_stt_hear(f, 100);
  gst_harness_push_event(f->harness, gst_event_new_gap(100 * GST_MSECOND, 200 * GST_MSECOND));
  f->now += 200 * GST_MSECOND;
  scripted_stt_hear(f, 100);
  ASKED("begin 1 pcm 16000; audio 1 0-400; ");
  g_assert_cmpuint(f->silence, ==, 6400);
  gst_harness_push_event(f->harness, gst_event_new_gap(400 * GST_MSECOND, 5 * GST_SECOND));
  ASKED("end 1; ");
}

static void
test_no_time_stamps(ScriptedStt *f, gconstpointer data)
{
  f->detects_voice = FALSE;
  for (guint i = 0; i < 10; i++)
    gst_harness_push(f->harness, gst_buffer_new_allocate(NULL, 160, NULL));
  scripted_stt_eos(f);
  ASKED("begin 1 mulaw 8000; audio 1 0-200; end 1; ");
}

/* So that whoever follows has the stream's clock. */
static void
test_gaps_for_audio(ScriptedStt *f, gconstpointer data)
{
  GstClockTime end = 0;
  GstEvent *event;

  scripted_stt_hear(f, 200);
  while ((event = gst_harness_try_pull_event(f->harness))) {
    if (GST_EVENT_TYPE(event) == GST_EVENT_GAP) {
      GstClockTime pts, duration;

      gst_event_parse_gap(event, &pts, &duration);
      g_assert_cmpuint(pts, ==, end);
      end += duration;
    }
    gst_event_unref(event);
  }
  g_assert_cmpuint(end, ==, 200 * GST_MSECOND);
}

int
main(int argc, char **argv)
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
#define ADD(name, func)                                                                            \
  g_test_add("/stt-base/" name, ScriptedStt, NULL, scripted_stt_setup, func, scripted_stt_teardown)
  ADD("an utterance begins 300 ms before its onset", test_pre_roll);
  ADD("an onset that is told late loses nothing", test_late_onset);
  ADD("whoever speaks first has nothing before it", test_first_sound);
  ADD("no audio is in two utterances", test_nothing_twice);
  ADD("speech that starts anew ends what went on", test_start_without_stop);
  ADD("without a voice detector all is one utterance", test_nobody_cuts);
  ADD("what does not end is cut after a minute", test_endless);
  ADD("speech that is cut after a minute goes on", test_endless_speech);
  ADD("another format is another utterance", test_format_changes);
  ADD("audio of another format is forgotten", test_old_format_is_no_pre_roll);
  ADD("a short hole is silence", test_short_hole);
  ADD("a long hole ends an utterance", test_long_hole);
  ADD("a gap is a hole", test_gap_event);
  ADD("without time stamps samples count", test_no_time_stamps);
  ADD("each buffer becomes a gap", test_gaps_for_audio);
  return g_test_run();
}
