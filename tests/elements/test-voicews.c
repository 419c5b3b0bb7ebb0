/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <cordboard.h>
#include <string.h>

#include "twilio-rig.h"

/* voicewssrc and voicewssink with a page that keeps to the protocol, or does not. */

#define FRAME 640 /* bytes: 20 ms */
#define LOUD 0x20 /* both bytes of a sample: about -12 dB */

static TwilioRig *
new_started(void)
{
  TwilioRig *rig = twilio_rig_new_browser();

  g_object_set(rig->src, "agent-name", "Ann \"Z\"", NULL);
  twilio_rig_play(rig);
  return rig;
}

static TwilioRig *
new_with_features(void)
{
  TwilioRig *rig = new_started();

  twilio_peer_send_text(rig->peer, "{\"type\":\"start\",\"features\":[\"clear\",\"mark\",7]}");
  twilio_rig_run(rig);
  return rig;
}

static void
say(TwilioRig *rig, guint8 value, gsize length)
{
  g_autofree guint8 *audio = g_malloc(MAX(length, 1));

  memset(audio, value, length);
  twilio_peer_send_frame(rig->peer, 0x82, audio, length);
  twilio_rig_run(rig);
}

static const gchar *
last_text(TwilioRig *rig)
{
  return twilio_peer_last(rig->peer, TWILIO_PEER_OTHER)->text;
}

static guint
count_all(TwilioRig *rig)
{
  guint n = 0;
  GstBuffer *buffer;

  while ((buffer = gst_harness_try_pull(rig->in))) {
    gst_buffer_unref(buffer);
    n++;
  }
  return n;
}

static void
finish_response(TwilioRig *rig, guint turn)
{
  GstStructure *structure =
      cord_structure_new_turn_text(CORD_EVENT_RESPONSE_FINISHED, turn, "text");

  g_assert_true(gst_harness_push_event(rig->out, cord_event_new(structure)));
}

static void
flush(TwilioRig *rig)
{
  GstSegment segment;

  gst_harness_push_event(rig->out, gst_event_new_flush_start());
  gst_harness_push_event(rig->out, gst_event_new_flush_stop(FALSE));
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(rig->out, gst_event_new_segment(&segment));
}

static CordPlayout
take_last_playout(TwilioRig *rig)
{
  CordPlayout playout, last = { .turn = G_MAXUINT };

  while (twilio_rig_take_playout(rig, &playout))
    last = playout;
  g_assert_cmpuint(last.turn, !=, G_MAXUINT);
  return last;
}

/* ---- what a page says ---- */

static void
the_page_is_told_first_who_speaks(void)
{
  g_autoptr(TwilioRig) rig = new_started();
  g_autoptr(GstMessage) message = NULL;

  g_assert_cmpstr(last_text(rig), ==, "{\"type\":\"session_started\",\"agent\":\"Ann \\\"Z\\\"\"}");
  message = twilio_rig_take_message(rig, GST_MESSAGE_ELEMENT, CORD_EVENT_CALL_STARTED);
  g_assert_nonnull(message);
}

static void
binary_of_any_length_becomes_whole_frames(void)
{
  g_autoptr(TwilioRig) rig = new_started();

  say(rig, LOUD, 100);
  g_assert_cmpuint(count_all(rig), ==, 0);
  say(rig, LOUD, FRAME);
  g_assert_cmpuint(twilio_rig_count_frames(rig, LOUD), ==, 1);
  say(rig, LOUD, 8 * FRAME - 100); /* a ScriptProcessor's burst */
  g_assert_cmpuint(twilio_rig_count_frames(rig, LOUD), ==, 8);
}

static void
base64_in_json_is_audio_too(void)
{
  g_autoptr(TwilioRig) rig = new_started();
  guint8 audio[FRAME];
  g_autofree gchar *base64 = NULL, *text = NULL;

  memset(audio, LOUD, sizeof audio);
  base64 = g_base64_encode(audio, sizeof audio);
  text = g_strdup_printf("{\"type\":\"audio\",\"data\":\"%s\"}", base64);
  twilio_peer_send_text(rig->peer, text);
  twilio_rig_run(rig);
  g_assert_cmpuint(twilio_rig_count_frames(rig, LOUD), ==, 1);
}

static void
end_ends_it_and_says_so(void)
{
  g_autoptr(TwilioRig) rig = new_started();

  twilio_rig_advance_ms(rig, 1500);
  twilio_peer_send_text(rig->peer, "{\"type\":\"end\"}");
  twilio_rig_run(rig);
  g_assert_cmpstr(
      last_text(rig), ==,
      "{\"type\":\"session_ended\",\"reason\":\"browser_disconnect\",\"duration\":1.5}");
  g_assert_cmpuint(twilio_peer_last(rig->peer, TWILIO_PEER_CLOSE)->code, ==, 1000);
  twilio_rig_assert_stopped(rig, "browser_disconnect");
  g_assert_true(twilio_rig_take_eos(rig));
}

static void
a_page_that_is_closed_ends_it_without_a_warning(void)
{
  g_autoptr(TwilioRig) rig = new_started();
  g_autoptr(GstMessage) warning = NULL;

  twilio_peer_send_close(rig->peer, 1001);
  twilio_rig_run(rig);
  g_assert_true(twilio_rig_take_eos(rig));
  warning = twilio_rig_take_message(rig, GST_MESSAGE_WARNING, NULL);
  g_assert_null(warning);
}

static void
a_connection_that_breaks_ends_it_with_a_warning(void)
{
  g_autoptr(TwilioRig) rig = new_started();

  twilio_peer_hang_up(rig->peer, FALSE);
  twilio_rig_run(rig);
  twilio_rig_assert_stopped(rig, "browser_disconnect");
  twilio_rig_assert_warning(rig, "without \"end\"");
  g_assert_true(twilio_rig_take_eos(rig));
}

static void
a_ping_is_answered(void)
{
  g_autoptr(TwilioRig) rig = new_started();

  twilio_peer_send_text(rig->peer, "{\"type\":\"ping\"}");
  twilio_rig_run(rig);
  g_assert_cmpstr(last_text(rig), ==, "{\"type\":\"pong\"}");
}

static const struct {
  const gchar *text;
  const gchar *stat;
} odd[] = {
  { "{\"type\":\"dance\"}", "unknown-events" },
  { "{\"type\":7}", "unknown-events" },
  { "{}", "unknown-events" },
  { "{\"type\":\"audio\"}", "bad-payloads" },
  { "{\"type\":\"audio\",\"data\":\"%%%\"}", "bad-payloads" },
  { "{\"type\":\"audio\",\"data\":[]}", "bad-payloads" },
  { "{\"type\":\"audio\",\"data\":\"\"}", "empty-payloads" },
  { "{\"type\":\"audio\",\"data\":\"AAAA\"}", "bad-payloads" },
  { "{\"type\":\"mark\",\"name\":\"g9:t9:9\"}", "unknown-marks" },
  { "{\"type\":\"mark\"}", "unknown-marks" },
};

static void
what_makes_no_sense_is_counted_and_ignored(void)
{
  for (guint i = 0; i < G_N_ELEMENTS(odd); i++) {
    g_autoptr(TwilioRig) rig = new_started();

    twilio_peer_send_text(rig->peer, odd[i].text);
    twilio_peer_send_text(rig->peer, odd[i].text);
    twilio_rig_run(rig);
    g_assert_cmpuint(twilio_rig_get_stat(rig, odd[i].stat), ==, 2);
    say(rig, LOUD, 2 * FRAME);
    g_assert_cmpuint(twilio_rig_count_frames(rig, LOUD), >=, 1);
  }
}

static void
half_a_sample_is_left_out(void)
{
  g_autoptr(TwilioRig) rig = new_started();

  say(rig, LOUD, FRAME + 1);
  say(rig, LOUD, FRAME);
  g_assert_cmpuint(twilio_rig_count_frames(rig, LOUD), ==, 2);
  twilio_rig_assert_warning(rig, "half a sample");
}

static void
what_is_not_json_ends_it(void)
{
  static const gchar *const bad[] = { "hello", "[1]", "{\"type\":", "\"audio\"" };

  for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autoptr(TwilioRig) rig = new_started();

    twilio_peer_send_text(rig->peer, bad[i]);
    twilio_rig_run(rig);
    twilio_rig_assert_error(rig, "cannot be read");
    g_assert_cmpuint(twilio_peer_last(rig->peer, TWILIO_PEER_CLOSE)->code, ==, 1007);
  }
}

static void
a_message_that_is_too_long_ends_it(void)
{
  g_autoptr(TwilioRig) rig = new_started();
  guint8 head[14] = { 0x82, 0xff, 0, 0, 0, 0, 0, 4, 0, 1 }; /* 256 KiB and a byte to come */

  twilio_peer_send_bytes(rig->peer, head, sizeof head);
  twilio_rig_run(rig);
  g_assert_cmpuint(twilio_peer_last(rig->peer, TWILIO_PEER_CLOSE)->code, ==, 1009);
}

/* ---- time ---- */

static void
while_nothing_comes_there_is_silence_in_real_time(void)
{
  g_autoptr(TwilioRig) rig = new_started();

  say(rig, LOUD, FRAME);
  twilio_rig_advance_ms(rig, 480);
  g_assert_cmpuint(twilio_rig_count_frames(rig, 0), ==, 0);
  twilio_rig_advance_ms(rig, 520);
  g_assert_cmpuint(twilio_rig_count_frames(rig, 0), ==, 50);
}

static void
a_stall_shorter_than_that_leaves_no_trace(void)
{
  g_autoptr(TwilioRig) rig = new_started();

  for (guint i = 0; i < 20; i++) {
    twilio_rig_advance_ms(rig, 200);
    say(rig, LOUD, 10 * FRAME);
  }
  g_assert_cmpuint(twilio_rig_count_frames(rig, LOUD), ==, 200);
  g_assert_cmpuint(twilio_rig_get_stat(rig, "silence-made"), ==, 0);
}

/* A page's second: a word, and a pause that may be changed. */
static void
say_a_second(TwilioRig *rig, gsize pause_frames)
{
  for (guint i = 0; i < 50; i++) {
    twilio_rig_advance_ms(rig, 20);
    say(rig, i < 50 - pause_frames ? LOUD : 0, FRAME);
  }
}

static void
what_comes_late_is_kept_and_made_up_for_in_pauses(void)
{
  g_autoptr(TwilioRig) rig = new_started();
  guint64 dropped;

  say_a_second(rig, 0);
  twilio_rig_advance_ms(rig, 1000);
  say(rig, LOUD, 50 * FRAME);
  g_assert_cmpuint(twilio_rig_count_frames(rig, LOUD), ==, 100);
  /* a second too much; speech goes on, nothing is left out */
  say_a_second(rig, 0);
  say_a_second(rig, 0);
  say_a_second(rig, 0);
  g_assert_cmpuint(twilio_rig_get_stat(rig, "silence-dropped"), ==, 0);
  for (guint i = 0; i < 10; i++)
    say_a_second(rig, 40);
  dropped = twilio_rig_get_stat(rig, "silence-dropped");
  g_assert_cmpuint(dropped, >=, 900 * GST_MSECOND);
  g_assert_cmpuint(dropped, <=, 1100 * GST_MSECOND);
}

static void
a_slow_clock_is_made_up_for_in_pauses(void)
{
  g_autoptr(TwilioRig) rig = new_started();
  guint64 made;

  /* 1 %: ten times worse than any real one, so that the test is short */
  for (guint i = 0; i < 60; i++) {
    say_a_second(rig, 30);
    twilio_rig_advance_ms(rig, 10);
  }
  made = twilio_rig_get_stat(rig, "silence-made");
  g_assert_cmpuint(made, >=, 450 * GST_MSECOND);
  g_assert_cmpuint(made, <=, 650 * GST_MSECOND);
}

static void
a_fast_clock_is_made_up_for_in_pauses(void)
{
  g_autoptr(TwilioRig) rig = new_started();
  guint64 dropped;

  for (guint i = 0; i < 60; i++) {
    say_a_second(rig, 30);
    say(rig, 0, FRAME / 2);
  }
  dropped = twilio_rig_get_stat(rig, "silence-dropped");
  g_assert_cmpuint(dropped, >=, 450 * GST_MSECOND);
  g_assert_cmpuint(dropped, <=, 650 * GST_MSECOND);
}

static void
a_file_at_once_is_heard_but_not_without_end(void)
{
  g_autoptr(TwilioRig) rig = new_started();

  for (guint i = 0; i < 59; i++)
    say(rig, LOUD, 50 * FRAME);
  g_assert_cmpuint(twilio_rig_count_frames(rig, LOUD), ==, 59 * 50);
  for (guint i = 0; i < 20; i++)
    say(rig, LOUD, 50 * FRAME);
  g_assert_cmpuint(twilio_rig_count_frames(rig, LOUD), ==, 50);
  g_assert_cmpuint(twilio_rig_get_stat(rig, "floods"), >, 0);
}

/* ---- what the agent says ---- */

static void
the_agent_is_sent_in_binary_frames(void)
{
  g_autoptr(TwilioRig) rig = new_started();
  g_autoptr(CordTurn) turn = cord_turn_new(1);

  twilio_rig_push_audio(rig, turn, 7, 3 * FRAME + 2);
  finish_response(rig, 1);
  g_assert_cmpuint(twilio_peer_count(rig->peer, TWILIO_PEER_MEDIA), ==, 4);
  g_assert_cmpuint(g_bytes_get_size(twilio_peer_last(rig->peer, TWILIO_PEER_MEDIA)->audio), ==,
                   FRAME);
  g_assert_cmpuint(twilio_peer_count(rig->peer, TWILIO_PEER_MARK), ==, 0);
}

static void
without_marks_the_clock_tells_what_was_heard(void)
{
  g_autoptr(TwilioRig) rig = new_started();
  g_autoptr(CordTurn) turn = cord_turn_new(1);
  CordPlayout playout;

  twilio_rig_push_audio(rig, turn, 7, 30 * FRAME);
  finish_response(rig, 1);
  twilio_rig_advance_ms(rig, 600);
  playout = take_last_playout(rig);
  g_assert_cmpint(playout.state, ==, CORD_PLAYOUT_PLAYING);
  g_assert_cmpuint(playout.position, ==, 400 * GST_MSECOND);
  twilio_rig_advance_ms(rig, 140);
  playout = take_last_playout(rig);
  g_assert_cmpint(playout.state, ==, CORD_PLAYOUT_DONE);
  g_assert_cmpuint(playout.position, ==, 600 * GST_MSECOND);
  g_assert_cmpuint(twilio_rig_get_stat(rig, "lost-marks"), ==, 0);
}

static void
with_marks_the_page_tells(void)
{
  g_autoptr(TwilioRig) rig = new_with_features();
  g_autoptr(CordTurn) turn = cord_turn_new(1);
  CordPlayout playout;

  twilio_rig_push_audio(rig, turn, 7, 30 * FRAME);
  finish_response(rig, 1);
  twilio_rig_advance_ms(rig, 900); /* its loudspeaker began late */
  playout = take_last_playout(rig);
  g_assert_cmpint(playout.state, ==, CORD_PLAYOUT_PLAYING);
  g_assert_cmpuint(playout.position, ==, 0);
  g_assert_cmpuint(twilio_peer_echo_marks(rig->peer), ==, 3);
  twilio_rig_run(rig);
  playout = take_last_playout(rig);
  g_assert_cmpint(playout.state, ==, CORD_PLAYOUT_DONE);
}

static void
an_interruption_is_told_to_a_page_that_takes_it(void)
{
  g_autoptr(TwilioRig) rig = new_with_features();
  g_autoptr(CordTurn) turn = cord_turn_new(1);
  CordPlayout playout;

  twilio_rig_push_audio(rig, turn, 7, 30 * FRAME);
  twilio_rig_advance_ms(rig, 100);
  flush(rig);
  g_assert_cmpuint(twilio_peer_count(rig->peer, TWILIO_PEER_CLEAR), ==, 1);
  playout = take_last_playout(rig);
  g_assert_cmpint(playout.state, ==, CORD_PLAYOUT_INTERRUPTED);
  g_assert_cmpuint(playout.position, ==, 100 * GST_MSECOND);
}

static void
another_page_is_told_nothing_it_does_not_know(void)
{
  g_autoptr(TwilioRig) rig = new_started();
  g_autoptr(CordTurn) turn = cord_turn_new(1);

  twilio_rig_push_audio(rig, turn, 7, 30 * FRAME);
  twilio_rig_advance_ms(rig, 100);
  flush(rig);
  g_assert_cmpuint(twilio_peer_count(rig->peer, TWILIO_PEER_CLEAR), ==, 0);
  g_assert_cmpint(take_last_playout(rig).state, ==, CORD_PLAYOUT_INTERRUPTED);
}

static void
an_application_speaks_to_the_page_and_hangs_up(void)
{
  g_autoptr(TwilioRig) rig = new_started();

  g_signal_emit_by_name(rig->src, "send-message", "{\"type\":\"x\"}");
  g_assert_cmpstr(last_text(rig), ==, "{\"type\":\"x\"}");
  g_signal_emit_by_name(rig->src, "hang-up", "agent-hangup");
  g_assert_nonnull(strstr(last_text(rig), "\"reason\":\"agent_hangup\""));
  g_assert_cmpuint(twilio_peer_last(rig->peer, TWILIO_PEER_CLOSE)->code, ==, 1000);
  g_signal_emit_by_name(rig->src, "send-message", "{\"type\":\"y\"}");
  g_assert_true(twilio_rig_take_eos(rig));
}

static gboolean
greet(GstElement *src, GstStructure *start, gpointer data)
{
  g_signal_emit_by_name(src, "send-message", "{\"type\":\"x\"}");
  return TRUE;
}

static void
nothing_comes_before_who_speaks(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_browser();
  TwilioPeerMessage *first;

  g_signal_connect(rig->src, "accept", G_CALLBACK(greet), NULL);
  twilio_rig_play(rig);
  first = twilio_peer_hear(rig->peer)->pdata[0];
  g_assert_nonnull(strstr(first->text, "session_started"));
  g_assert_cmpstr(last_text(rig), ==, "{\"type\":\"x\"}");
}

static gboolean
refuse(GstElement *src, GstStructure *start, gpointer data)
{
  return FALSE;
}

static void
an_application_may_refuse(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_browser();

  g_signal_connect(rig->src, "accept", G_CALLBACK(refuse), NULL);
  twilio_rig_play(rig);
  g_assert_cmpuint(twilio_peer_last(rig->peer, TWILIO_PEER_CLOSE)->code, ==, 1008);
}

static void
a_page_that_does_not_read_is_given_up(void)
{
  g_autoptr(TwilioRig) rig = new_started();

  for (guint i = 0; i < 60 && !gst_bus_have_pending(rig->bus); i++)
    twilio_rig_push_audio(rig, NULL, 7, FRAME);
  for (guint i = 0; i < 2000; i++) {
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, 10 * FRAME, NULL);

    gst_buffer_memset(buffer, 0, 7, 10 * FRAME);
    if (gst_harness_push(rig->out, buffer) == GST_FLOW_EOS)
      break;
  }
  twilio_rig_assert_error(rig, "does not take its audio");
}

static void
latency_is_what_may_come_late(void)
{
  g_autoptr(TwilioRig) rig = new_started();

  g_assert_cmpuint(gst_harness_query_latency(rig->in), ==, 520 * GST_MSECOND);
}

int
main(int argc, char **argv)
{
  gint result;

  g_test_init(&argc, &argv, NULL);
  gst_init(&argc, &argv);
#define ADD(name) g_test_add_func("/voicews/" #name, name)
  ADD(the_page_is_told_first_who_speaks);
  ADD(binary_of_any_length_becomes_whole_frames);
  ADD(base64_in_json_is_audio_too);
  ADD(end_ends_it_and_says_so);
  ADD(a_page_that_is_closed_ends_it_without_a_warning);
  ADD(a_connection_that_breaks_ends_it_with_a_warning);
  ADD(a_ping_is_answered);
  ADD(what_makes_no_sense_is_counted_and_ignored);
  ADD(half_a_sample_is_left_out);
  ADD(what_is_not_json_ends_it);
  ADD(a_message_that_is_too_long_ends_it);
  ADD(while_nothing_comes_there_is_silence_in_real_time);
  ADD(a_stall_shorter_than_that_leaves_no_trace);
  ADD(what_comes_late_is_kept_and_made_up_for_in_pauses);
  ADD(a_slow_clock_is_made_up_for_in_pauses);
  ADD(a_fast_clock_is_made_up_for_in_pauses);
  ADD(a_file_at_once_is_heard_but_not_without_end);
  ADD(the_agent_is_sent_in_binary_frames);
  ADD(without_marks_the_clock_tells_what_was_heard);
  ADD(with_marks_the_page_tells);
  ADD(an_interruption_is_told_to_a_page_that_takes_it);
  ADD(another_page_is_told_nothing_it_does_not_know);
  ADD(an_application_speaks_to_the_page_and_hangs_up);
  ADD(nothing_comes_before_who_speaks);
  ADD(an_application_may_refuse);
  ADD(a_page_that_does_not_read_is_given_up);
  ADD(latency_is_what_may_come_late);
  result = g_test_run();
  gst_deinit();
  return result;
}
