/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <cordboard.h>
#include <string.h>

#include "twilio-rig.h"

static void
push_event(TwilioRig *rig, GstStructure *structure)
{
  g_assert_true(gst_harness_push_event(rig->out, cord_event_new(structure)));
}

static void
finish_response(TwilioRig *rig, guint turn)
{
  push_event(rig, cord_structure_new_turn_text(CORD_EVENT_RESPONSE_FINISHED, turn, "text"));
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

static void
sends_at_once_in_whole_frames(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  twilio_rig_push_audio(rig, NULL, 7, 100);
  g_assert_cmpuint(twilio_peer_count(rig->peer, TWILIO_PEER_MEDIA), ==, 0);
  twilio_rig_push_audio(rig, NULL, 7, 100);
  g_assert_cmpuint(twilio_rig_count_media(rig, 7), ==, 1);
  twilio_rig_push_audio(rig, NULL, 7, 600);
  g_assert_cmpuint(twilio_rig_count_media(rig, 7), ==, 5);
}

static void
pads_only_the_last_frame_of_a_response(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  g_autoptr(CordTurn) turn = cord_turn_new(3);
  TwilioPeerMessage *last;
  const guint8 *data;

  twilio_rig_push_audio(rig, turn, 7, 170);
  finish_response(rig, 3);
  last = twilio_peer_last(rig->peer, TWILIO_PEER_MEDIA);
  data = g_bytes_get_data(last->audio, NULL);
  g_assert_cmpuint(g_bytes_get_size(last->audio), ==, 160);
  g_assert_cmpuint(data[9], ==, 7);
  for (guint i = 10; i < 160; i++)
    g_assert_cmpuint(data[i], ==, 0xff);
}

static void
sets_a_mark_every_200_ms_and_at_the_end_all_different(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  g_autoptr(CordTurn) turn = cord_turn_new(4);
  g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
  GPtrArray *heard;
  guint frames = 0;

  for (guint i = 0; i < 55; i++)
    twilio_rig_push_audio(rig, turn, 7, 160);
  finish_response(rig, 4);
  heard = twilio_peer_hear(rig->peer);
  for (guint i = 0; i < heard->len; i++) {
    TwilioPeerMessage *message = heard->pdata[i];
    frames = message->kind == TWILIO_PEER_MEDIA ? frames + 1 : 0;
    g_assert_cmpuint(frames, <=, 10);
    if (message->kind == TWILIO_PEER_MARK) {
      g_assert_true(g_str_has_prefix(message->name, "g1:t4:"));
      g_assert_true(g_hash_table_add(names, message->name));
    }
  }
  g_assert_cmpuint(g_hash_table_size(names), ==, 6);
  g_assert_cmpint(((TwilioPeerMessage *)heard->pdata[heard->len - 1])->kind, ==, TWILIO_PEER_MARK);
}

static void
reports_what_was_played_and_when_all_was(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  g_autoptr(CordTurn) turn = cord_turn_new(1);
  g_autoptr(GstMessage) metrics = NULL;
  CordPlayout playout;

  twilio_rig_push_audio(rig, turn, 7, 160);
  twilio_rig_assert_playout(rig, 1, CORD_PLAYOUT_PLAYING, 0, 20);
  for (guint i = 1; i < 15; i++)
    twilio_rig_push_audio(rig, turn, 7, 160);
  finish_response(rig, 1);
  g_assert_false(twilio_rig_take_playout(rig, &playout));
  twilio_peer_send_mark(rig->peer, "g1:t1:1");
  twilio_rig_run(rig);
  twilio_rig_assert_playout(rig, 1, CORD_PLAYOUT_PLAYING, 200, 300);
  g_assert_false(twilio_rig_take_playout(rig, &playout));
  twilio_peer_send_mark(rig->peer, "g1:t1:2");
  twilio_rig_run(rig);
  twilio_rig_assert_playout(rig, 1, CORD_PLAYOUT_DONE, 300, 300);
  g_assert_false(twilio_rig_take_playout(rig, &playout));
  metrics = twilio_rig_take_message(rig, GST_MESSAGE_ELEMENT, CORD_EVENT_TURN_METRICS);
  g_assert_nonnull(metrics);
  g_assert_true(GST_CLOCK_TIME_IS_VALID(cord_turn_get_stamp(turn, CORD_TURN_STAMP_FIRST_FRAME)));
  g_assert_true(GST_CLOCK_TIME_IS_VALID(cord_turn_get_stamp(turn, CORD_TURN_STAMP_HEARD)));
}

static void
a_response_without_audio_is_done_at_once(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  finish_response(rig, 9);
  twilio_rig_assert_playout(rig, 9, CORD_PLAYOUT_DONE, 0, 0);
  g_assert_cmpuint(twilio_peer_count(rig->peer, TWILIO_PEER_MARK), ==, 0);
}

static void
turns_end_one_after_the_other(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  g_autoptr(CordTurn) one = cord_turn_new(1), two = cord_turn_new(2);
  CordPlayout playout;
  guint done = 0;

  twilio_rig_push_audio(rig, one, 1, 200); /* no response-finished: the next turn ends it */
  twilio_rig_push_audio(rig, two, 2, 320);
  finish_response(rig, 2);
  g_assert_cmpuint(twilio_peer_count(rig->peer, TWILIO_PEER_MEDIA), ==, 4);
  twilio_peer_echo_marks(rig->peer);
  twilio_rig_run(rig);
  while (twilio_rig_take_playout(rig, &playout))
    if (playout.state == CORD_PLAYOUT_DONE)
      g_assert_cmpuint(playout.turn, ==, ++done);
  g_assert_cmpuint(done, ==, 2);
}

static void
a_flush_clears_at_once_and_nothing_old_follows(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  g_autoptr(CordTurn) one = cord_turn_new(1), two = cord_turn_new(2);
  CordPlayout playout;
  GstSegment segment;

  for (guint i = 0; i < 30; i++)
    twilio_rig_push_audio(rig, one, 1, 160);
  twilio_rig_push_audio(rig, one, 1, 80);
  twilio_rig_advance_ms(rig, 150);
  twilio_peer_forget(rig->peer);
  while (twilio_rig_take_playout(rig, &playout))
    ;

  gst_harness_push_event(rig->out, gst_event_new_flush_start());
  /* no turn of the loop in between */
  g_assert_cmpuint(twilio_peer_hear(rig->peer)->len, ==, 1);
  g_assert_cmpuint(twilio_peer_count(rig->peer, TWILIO_PEER_CLEAR), ==, 1);
  gst_harness_push_event(rig->out, gst_event_new_flush_stop(FALSE));
  twilio_rig_assert_playout(rig, 1, CORD_PLAYOUT_INTERRUPTED, 150, 600);

  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(rig->out, gst_event_new_segment(&segment));
  twilio_rig_push_audio(rig, two, 2, 320);
  finish_response(rig, 2);
  g_assert_cmpuint(twilio_rig_count_media(rig, 1), ==, 0);
  g_assert_cmpuint(twilio_rig_count_media(rig, 2), ==, 2);
  g_assert_true(g_str_has_prefix(twilio_peer_last(rig->peer, TWILIO_PEER_MARK)->name, "g2:t2:"));
}

static void
echoes_of_a_cleared_generation_mean_nothing(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  g_autoptr(CordTurn) one = cord_turn_new(1), two = cord_turn_new(2);
  CordPlayout playout;

  for (guint i = 0; i < 30; i++)
    twilio_rig_push_audio(rig, one, 1, 160);
  flush(rig);
  for (guint i = 0; i < 30; i++)
    twilio_rig_push_audio(rig, two, 2, 160);
  while (twilio_rig_take_playout(rig, &playout))
    ;
  twilio_peer_send_mark(rig->peer, "g1:t1:1");
  twilio_peer_send_mark(rig->peer, "g1:t1:2");
  twilio_peer_send_mark(rig->peer, "g1:t1:3");
  twilio_rig_run(rig);
  g_assert_false(twilio_rig_take_playout(rig, &playout));
  g_assert_cmpuint(twilio_rig_get_stat(rig, "unknown-marks"), ==, 0);
  g_assert_cmpuint(twilio_rig_get_stat(rig, "duplicate-marks"), ==, 0);
}

static void
a_flush_when_all_was_played_clears_nothing(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  g_autoptr(CordTurn) turn = cord_turn_new(1);
  CordPlayout playout;

  twilio_rig_push_audio(rig, turn, 1, 320);
  finish_response(rig, 1);
  twilio_peer_echo_marks(rig->peer);
  twilio_rig_run(rig);
  while (twilio_rig_take_playout(rig, &playout))
    ;
  flush(rig);
  g_assert_cmpuint(twilio_peer_count(rig->peer, TWILIO_PEER_CLEAR), ==, 0);
  g_assert_false(twilio_rig_take_playout(rig, &playout));
}

static void
a_flush_after_the_last_frame_but_before_its_echo_clears(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  g_autoptr(CordTurn) turn = cord_turn_new(1);

  twilio_rig_push_audio(rig, turn, 1, 160);
  finish_response(rig, 1);
  twilio_rig_advance_ms(rig, 500);
  flush(rig);
  g_assert_cmpuint(twilio_peer_count(rig->peer, TWILIO_PEER_CLEAR), ==, 1);
}

static void
position_runs_with_the_clock_but_not_past_a_mark(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  g_autoptr(CordTurn) turn = cord_turn_new(1);
  gint64 position;

  for (guint i = 0; i < 30; i++)
    twilio_rig_push_audio(rig, turn, 1, 160);
  twilio_rig_advance_ms(rig, 100);
  g_assert_true(gst_element_query_position(rig->sink, GST_FORMAT_TIME, &position));
  g_assert_cmpint(position, ==, 100 * GST_MSECOND);
  twilio_rig_advance_ms(rig, 300);
  g_assert_true(gst_element_query_position(rig->sink, GST_FORMAT_TIME, &position));
  g_assert_cmpint(position, ==, 200 * GST_MSECOND);
  twilio_peer_echo_marks(rig->peer);
  twilio_rig_run(rig);
  g_assert_true(gst_element_query_position(rig->sink, GST_FORMAT_TIME, &position));
  g_assert_cmpint(position, ==, 600 * GST_MSECOND);
}

static void
eos_is_posted_when_the_last_frame_was_heard(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  GstEvent *eos = gst_event_new_eos();
  guint32 seqnum = gst_event_get_seqnum(eos);
  g_autoptr(GstMessage) message = NULL;

  twilio_rig_push_audio(rig, NULL, 1, 400);
  gst_harness_push_event(rig->out, eos);
  g_assert_cmpuint(twilio_peer_count(rig->peer, TWILIO_PEER_MEDIA), ==, 3);
  twilio_rig_advance_ms(rig, 60);
  g_assert_null(twilio_rig_take_message(rig, GST_MESSAGE_EOS, NULL));
  twilio_peer_echo_marks(rig->peer);
  twilio_rig_run(rig);
  message = twilio_rig_take_message(rig, GST_MESSAGE_EOS, NULL);
  g_assert_nonnull(message);
  g_assert_cmpuint(gst_message_get_seqnum(message), ==, seqnum);
  g_assert_cmpuint(twilio_peer_last(rig->peer, TWILIO_PEER_CLOSE)->code, ==, 1000);
  twilio_rig_assert_stopped(rig, "hangup");
}

static void
without_hangup_on_eos_the_call_goes_on(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new();
  g_autoptr(GstMessage) message = NULL;

  g_object_set(rig->sink, "hangup-on-eos", FALSE, NULL);
  twilio_rig_play(rig);
  twilio_peer_send_start(rig->peer, NULL);
  twilio_rig_run(rig);
  gst_harness_push_event(rig->out, gst_event_new_eos());
  message = twilio_rig_take_message(rig, GST_MESSAGE_EOS, NULL);
  g_assert_nonnull(message);
  g_assert_null(twilio_peer_last(rig->peer, TWILIO_PEER_CLOSE));
}

static void
a_mark_that_never_comes_back_counts_as_played_after_its_deadline(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  g_autoptr(CordTurn) turn = cord_turn_new(1);
  CordPlayout playout;

  twilio_rig_push_audio(rig, turn, 1, 1600);
  finish_response(rig, 1);
  while (twilio_rig_take_playout(rig, &playout))
    ;
  twilio_rig_advance_ms(rig, 2180);
  g_assert_false(twilio_rig_take_playout(rig, &playout));
  twilio_rig_advance_ms(rig, 60);
  twilio_rig_assert_playout(rig, 1, CORD_PLAYOUT_DONE, 200, 200);
  twilio_rig_assert_warning(rig, "mark");
  g_assert_cmpuint(twilio_rig_get_stat(rig, "lost-marks"), ==, 1);
}

static void
a_lost_echo_is_made_up_by_the_next(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  g_autoptr(CordTurn) turn = cord_turn_new(1);
  CordPlayout playout;

  twilio_rig_push_audio(rig, turn, 1, 3200);
  finish_response(rig, 1);
  while (twilio_rig_take_playout(rig, &playout))
    ;
  twilio_peer_send_mark(rig->peer, "g1:t1:2");
  twilio_rig_run(rig);
  twilio_rig_assert_playout(rig, 1, CORD_PLAYOUT_DONE, 400, 400);
}

static void
unknown_and_repeated_marks_are_counted_and_reported_once(void)
{
  static const gchar *const unknown[] = { "hello",    "g1:t1:99", "g9:t1:1", "g1:t1:0",
                                          "g1:t1:1x", "g1:t1:",   "g1",      "" };
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  g_autofree gchar *endless = g_strnfill(5000, 'g');

  twilio_rig_push_audio(rig, NULL, 1, 3200);
  for (guint i = 0; i < G_N_ELEMENTS(unknown); i++)
    twilio_peer_send_mark(rig->peer, unknown[i]);
  twilio_peer_send_mark(rig->peer, endless);
  twilio_rig_run(rig);
  twilio_rig_assert_warning(rig, "never sent");
  g_assert_null(twilio_rig_take_message(rig, GST_MESSAGE_WARNING, NULL));
  g_assert_cmpuint(twilio_rig_get_stat(rig, "unknown-marks"), ==, G_N_ELEMENTS(unknown) + 1);
  twilio_peer_send_mark(rig->peer, "g1:t0:1");
  twilio_peer_send_mark(rig->peer, "g1:t0:1");
  twilio_rig_run(rig);
  twilio_rig_assert_warning(rig, "twice");
  g_assert_cmpuint(twilio_rig_get_stat(rig, "duplicate-marks"), ==, 1);
}

static void
a_hang_up_interrupts_the_turn_and_ends_the_flow(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  g_autoptr(CordTurn) turn = cord_turn_new(1);
  CordPlayout playout;
  GstBuffer *buffer;

  twilio_rig_push_audio(rig, turn, 1, 1600);
  while (twilio_rig_take_playout(rig, &playout))
    ;
  twilio_rig_advance_ms(rig, 120);
  twilio_peer_send_stop(rig->peer);
  twilio_rig_run(rig);
  twilio_rig_assert_playout(rig, 1, CORD_PLAYOUT_INTERRUPTED, 120, 200);
  buffer = gst_buffer_new_allocate(NULL, 160, NULL);
  g_assert_cmpint(gst_harness_push(rig->out, buffer), ==, GST_FLOW_EOS);
  gst_harness_push_event(rig->out, gst_event_new_eos());
  gst_message_unref(twilio_rig_take_message(rig, GST_MESSAGE_EOS, NULL));
}

static void
audio_before_the_stream_starts_waits_for_it(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new();

  twilio_rig_play(rig);
  twilio_rig_push_audio(rig, NULL, 7, 320);
  twilio_rig_run(rig);
  g_assert_cmpuint(twilio_peer_hear(rig->peer)->len, ==, 0);
  twilio_peer_send_connected(rig->peer);
  twilio_peer_send_start(rig->peer, NULL);
  twilio_rig_run(rig);
  g_assert_cmpuint(twilio_rig_count_media(rig, 7), ==, 2);
}

static void
a_long_buffer_leaves_with_the_look_ahead(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new();

  g_object_set(rig->sink, "look-ahead", 1000, NULL);
  twilio_rig_play(rig);
  twilio_peer_send_start(rig->peer, NULL);
  twilio_rig_run(rig);
  twilio_rig_push_audio(rig, NULL, 7, 24000);
  g_assert_cmpuint(twilio_rig_count_media(rig, 7), ==, 50);
  twilio_rig_advance_ms(rig, 1000);
  g_assert_cmpuint(twilio_rig_count_media(rig, 7), ==, 100);
  twilio_rig_advance_ms(rig, 1000);
  g_assert_cmpuint(twilio_rig_count_media(rig, 7), ==, 150);
}

static void
two_minutes_that_nobody_plays_are_the_limit(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new();

  twilio_rig_play(rig);
  for (guint i = 0; i < 130; i++)
    twilio_rig_push_audio(rig, NULL, 7, 8000);
  twilio_rig_assert_warning(rig, "two minutes");
}

static void
media_and_mark_leave_together(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  GPtrArray *heard;

  twilio_rig_push_audio(rig, NULL, 7, 1600);
  heard = twilio_peer_hear(rig->peer);
  g_assert_cmpuint(heard->len, ==, 11);
  g_assert_cmpint(((TwilioPeerMessage *)heard->pdata[10])->kind, ==, TWILIO_PEER_MARK);
}

int
main(int argc, char **argv)
{
  gint result;

  g_test_init(&argc, &argv, NULL);
  gst_init(&argc, &argv);
#define ADD(name) g_test_add_func("/twiliosink/" #name, name)
  ADD(sends_at_once_in_whole_frames);
  ADD(pads_only_the_last_frame_of_a_response);
  ADD(sets_a_mark_every_200_ms_and_at_the_end_all_different);
  ADD(reports_what_was_played_and_when_all_was);
  ADD(a_response_without_audio_is_done_at_once);
  ADD(turns_end_one_after_the_other);
  ADD(a_flush_clears_at_once_and_nothing_old_follows);
  ADD(echoes_of_a_cleared_generation_mean_nothing);
  ADD(a_flush_when_all_was_played_clears_nothing);
  ADD(a_flush_after_the_last_frame_but_before_its_echo_clears);
  ADD(position_runs_with_the_clock_but_not_past_a_mark);
  ADD(eos_is_posted_when_the_last_frame_was_heard);
  ADD(without_hangup_on_eos_the_call_goes_on);
  ADD(a_mark_that_never_comes_back_counts_as_played_after_its_deadline);
  ADD(a_lost_echo_is_made_up_by_the_next);
  ADD(unknown_and_repeated_marks_are_counted_and_reported_once);
  ADD(a_hang_up_interrupts_the_turn_and_ends_the_flow);
  ADD(audio_before_the_stream_starts_waits_for_it);
  ADD(a_long_buffer_leaves_with_the_look_ahead);
  ADD(two_minutes_that_nobody_plays_are_the_limit);
  ADD(media_and_mark_leave_together);
  result = g_test_run();
  gst_deinit(); /* the leaks tracer reports here */
  return result;
}
