/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <cordboard.h>

#include "twilio-rig.h"

static void
stays_silent_until_the_carrier_starts_the_stream(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new();

  twilio_rig_play(rig);
  g_assert_null(gst_harness_try_pull_event(rig->in));
  twilio_peer_send_connected(rig->peer);
  twilio_rig_run(rig);
  g_assert_null(gst_harness_try_pull_event(rig->in));
  g_assert_cmpuint(gst_harness_buffers_received(rig->in), ==, 0);
}

static void
begins_with_stream_start_caps_and_segment(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  const GstEventType expected[] = { GST_EVENT_STREAM_START, GST_EVENT_CAPS, GST_EVENT_SEGMENT };

  for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
    g_autoptr(GstEvent) event = gst_harness_try_pull_event(rig->in);
    guint group_id;
    g_assert_nonnull(event);
    g_assert_cmpint(GST_EVENT_TYPE(event), ==, expected[i]);
    if (i == 0)
      g_assert_true(gst_event_parse_group_id(event, &group_id));
  }
  g_assert_null(gst_harness_try_pull_event(rig->in));
}

static void
says_who_calls(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new();
  g_autoptr(GstMessage) message = NULL;
  g_autoptr(GstStructure) parameters = NULL;
  g_autofree gchar *call_sid = NULL, *stream_sid = NULL;
  const GstStructure *structure;

  twilio_rig_play(rig);
  twilio_peer_send_start(rig->peer, "{\"token\":\"t\",\"agent\":\"desk\"}");
  twilio_rig_run(rig);
  message = twilio_rig_take_message(rig, GST_MESSAGE_ELEMENT, CORD_EVENT_CALL_STARTED);
  g_assert_nonnull(message);
  structure = gst_message_get_structure(message);
  g_assert_cmpstr(gst_structure_get_string(structure, "call-sid"), ==, "CA1");
  g_assert_cmpstr(gst_structure_get_string(structure, "account-sid"), ==, "AC1");
  g_assert_cmpstr(gst_structure_get_string(structure, "stream-sid"), ==, TWILIO_PEER_STREAM);
  g_object_get(rig->src, "call-sid", &call_sid, "stream-sid", &stream_sid, "parameters",
               &parameters, NULL);
  g_assert_cmpstr(call_sid, ==, "CA1");
  g_assert_cmpstr(stream_sid, ==, TWILIO_PEER_STREAM);
  g_assert_cmpstr(gst_structure_get_string(parameters, "token"), ==, "t");
  g_assert_cmpstr(gst_structure_get_string(parameters, "agent"), ==, "desk");
}

static gboolean
look_and_answer(GstElement *src, GstStructure *start, gpointer data)
{
  GstStructure *parameters = NULL;
  gboolean ok;

  gst_structure_get(start, "parameters", GST_TYPE_STRUCTURE, &parameters, NULL);
  ok = g_strcmp0(gst_structure_get_string(parameters, "token"), "right") == 0;
  gst_structure_free(parameters);
  ++*(guint *)data;
  return ok;
}

static void
an_application_may_accept_the_stream(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new();
  guint asked = 0;

  g_signal_connect(rig->src, "accept", G_CALLBACK(look_and_answer), &asked);
  twilio_rig_play(rig);
  twilio_peer_send_start(rig->peer, "{\"token\":\"right\"}");
  twilio_peer_send_media(rig->peer, 0, 1, 160);
  twilio_rig_run(rig);
  g_assert_cmpuint(asked, ==, 1);
  g_assert_cmpuint(twilio_rig_count_frames(rig, 1), ==, 1);
}

static void
an_application_may_refuse_the_stream(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new();
  guint asked = 0;

  g_signal_connect(rig->src, "accept", G_CALLBACK(look_and_answer), &asked);
  twilio_rig_play(rig);
  twilio_peer_send_start(rig->peer, "{\"token\":\"wrong\"}");
  twilio_peer_send_media(rig->peer, 0, 1, 160);
  twilio_rig_run(rig);
  g_assert_cmpuint(asked, ==, 1);
  g_assert_cmpuint(twilio_peer_last(rig->peer, TWILIO_PEER_CLOSE)->code, ==, 1008);
  g_assert_cmpuint(gst_harness_buffers_received(rig->in), ==, 0);
  twilio_rig_assert_stopped(rig, "refused");
  g_assert_true(twilio_rig_take_eos(rig));
}

static void
pushes_frames_of_twenty_milliseconds_with_time_stamps(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  GstClockTime base = GST_CLOCK_TIME_NONE;

  for (guint i = 0; i < 5; i++)
    twilio_peer_send_media(rig->peer, 5 + 20 * i, i, 160);
  twilio_rig_run(rig);
  for (guint i = 0; i < 5; i++) {
    g_autoptr(GstBuffer) buffer = gst_harness_try_pull(rig->in);
    g_assert_nonnull(buffer);
    g_assert_cmpuint(gst_buffer_get_size(buffer), ==, 160);
    if (i == 0)
      base = GST_BUFFER_PTS(buffer);
    g_assert_cmpuint(GST_BUFFER_PTS(buffer), ==, base + i * 20 * GST_MSECOND);
    g_assert_cmpuint(GST_BUFFER_DURATION(buffer), ==, 20 * GST_MSECOND);
    g_assert_cmpint(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT), ==, i == 0);
    g_assert_cmpint(gst_buffer_memcmp(buffer, 0, &(guint8){ i }, 1), ==, 0);
  }
}

static void
cuts_payloads_of_any_length_into_whole_frames(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  static const guint lengths[] = { 1, 2, 157, 159, 1, 161, 479, 800, 160 };
  guint total = 0;

  for (guint i = 0; i < G_N_ELEMENTS(lengths); i++) {
    twilio_peer_send_media(rig->peer, total / 8, 7, lengths[i]);
    total += lengths[i];
  }
  twilio_rig_run(rig);
  g_assert_cmpuint(twilio_rig_count_frames(rig, 7), ==, total / 160);
}

static void
a_gap_in_the_timestamps_becomes_silence(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  GstClockTime first;
  GstBuffer *buffer;

  twilio_peer_send_media(rig->peer, 0, 1, 160);
  twilio_peer_send_media(rig->peer, 220, 1, 160);
  twilio_rig_run(rig);
  buffer = gst_harness_try_pull(rig->in);
  first = GST_BUFFER_PTS(buffer);
  gst_buffer_unref(buffer);
  for (guint i = 1; i <= 10; i++) {
    buffer = gst_harness_try_pull(rig->in);
    g_assert_cmpuint(GST_BUFFER_PTS(buffer), ==, first + i * 20 * GST_MSECOND);
    g_assert_cmpint(gst_buffer_memcmp(buffer, 0, "\xff\xff", 2), ==, 0);
    g_assert_false(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT));
    gst_buffer_unref(buffer);
  }
  g_assert_cmpuint(twilio_rig_count_frames(rig, 1), ==, 1);
  g_assert_cmpuint(twilio_rig_get_stat(rig, "silence-filled"), ==, 200 * GST_MSECOND);
}

static void
jitter_of_the_timestamps_below_a_frame_means_nothing(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  for (guint i = 0; i < 50; i++)
    twilio_peer_send_media(rig->peer, 20 * i + (i * 7) % 19, 1, 160);
  twilio_rig_run(rig);
  g_assert_cmpuint(twilio_rig_count_frames(rig, 1), ==, 50);
  g_assert_cmpuint(twilio_rig_get_stat(rig, "gaps"), ==, 0);
}

static void
a_gap_too_long_to_fill_becomes_a_discontinuity(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new();
  GstBuffer *buffer;
  guint n = 0, discont = 0;

  g_object_set(rig->src, "max-gap-fill", 100, NULL);
  twilio_rig_play(rig);
  twilio_peer_send_start(rig->peer, NULL);
  twilio_peer_send_media(rig->peer, 0, 1, 160);
  twilio_peer_send_media(rig->peer, 3600000, 2, 160);
  twilio_peer_send_media(rig->peer, 3600020, 2, 160);
  twilio_rig_run(rig);
  while ((buffer = gst_harness_try_pull(rig->in))) {
    if (n++ > 0)
      discont += GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT);
    gst_buffer_unref(buffer);
  }
  /* 80 ms of silence: the first frame is itself ahead of the clock, which stands still */
  g_assert_cmpuint(n, ==, 1 + 4 + 2);
  g_assert_cmpuint(discont, ==, 1);
  twilio_rig_assert_warning(rig, "timestamps");
}

static void
timestamps_that_run_back_lose_no_audio(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  GstClockTime last = 0;
  GstBuffer *buffer;
  guint n = 0;

  for (guint i = 0; i < 100; i++)
    twilio_peer_send_media(rig->peer, 20 * i, 1, 160);
  twilio_rig_run(rig);
  for (guint i = 0; i < 100; i++)
    twilio_peer_send_media(rig->peer, 20 * i, 2, 160);
  twilio_rig_run(rig);
  while ((buffer = gst_harness_try_pull(rig->in))) {
    g_assert_true(n == 0 || GST_BUFFER_PTS(buffer) == last + 20 * GST_MSECOND);
    last = GST_BUFFER_PTS(buffer);
    n++;
    gst_buffer_unref(buffer);
  }
  g_assert_cmpuint(n, ==, 200);
}

static void
one_wrong_timestamp_shifts_nothing(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  for (guint i = 0; i < 200; i++) {
    twilio_peer_send_media(rig->peer, i == 100 ? 3 : 20 * i, 1, 160);
    twilio_rig_run(rig);
  }
  g_assert_cmpuint(twilio_rig_count_frames(rig, 1), ==, 200);
  g_assert_cmpuint(twilio_rig_get_stat(rig, "silence-filled"), ==, 0);
}

static void
makes_silence_in_real_time_while_nothing_arrives(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  twilio_peer_send_media(rig->peer, 0, 1, 160);
  twilio_rig_run(rig);
  g_assert_cmpuint(twilio_rig_count_frames(rig, 1), ==, 1);
  twilio_rig_advance_ms(rig, 740);
  g_assert_cmpuint(twilio_rig_count_frames(rig, 0xff), ==, 0);
  twilio_rig_advance_ms(rig, 40);
  g_assert_cmpuint(twilio_rig_count_frames(rig, 0xff), >=, 37);
  twilio_rig_advance_ms(rig, 1000);
  g_assert_cmpuint(twilio_rig_count_frames(rig, 0xff), ==, 50);
}

static void
is_true_again_when_media_comes_back_with_its_time(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  g_autoptr(GstBuffer) first = NULL, back = NULL;
  GstBuffer *buffer;

  twilio_peer_send_media(rig->peer, 0, 1, 160);
  twilio_rig_run(rig);
  first = gst_harness_try_pull(rig->in);
  twilio_rig_advance_ms(rig, 2000);
  twilio_peer_send_media(rig->peer, 2100, 1, 160);
  twilio_rig_run(rig);
  while ((buffer = gst_harness_try_pull(rig->in))) {
    gst_clear_buffer(&back);
    back = buffer;
  }
  g_assert_cmpint(gst_buffer_memcmp(back, 0, "\x01", 1), ==, 0);
  g_assert_cmpuint(GST_BUFFER_PTS(back), ==, GST_BUFFER_PTS(first) + 2100 * GST_MSECOND);
}

static void
late_audio_is_kept_and_the_lag_made_up_in_quiet(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  twilio_peer_send_media(rig->peer, 0, 1, 160);
  twilio_rig_run(rig);
  twilio_rig_count_frames(rig, 1);
  twilio_rig_advance_ms(rig, 1000);
  twilio_rig_count_frames(rig, 0xff);
  for (guint i = 1; i <= 50; i++)
    twilio_peer_send_media(rig->peer, 20 * i, 1, 160);
  twilio_rig_run(rig);
  for (guint i = 51; i <= 150; i++)
    twilio_peer_send_media(rig->peer, 20 * i, 0xfe, 160);
  twilio_peer_send_media(rig->peer, 20 * 151, 2, 160);
  twilio_rig_run(rig);
  g_assert_cmpuint(gst_harness_buffers_in_queue(rig->in), ==, 50 + 50 + 1);
  g_assert_cmpuint(twilio_rig_get_stat(rig, "silence-dropped"), >, 900 * GST_MSECOND);
}

static void
tells_keys(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  g_autoptr(GstMessage) message = NULL;
  g_autoptr(GstEvent) event = NULL;

  twilio_peer_send_dtmf(rig->peer, "5");
  twilio_rig_run(rig);
  message = twilio_rig_take_message(rig, GST_MESSAGE_ELEMENT, CORD_EVENT_DTMF);
  g_assert_nonnull(message);
  g_assert_cmpint(cord_structure_get_digit(gst_message_get_structure(message)), ==, '5');
  for (guint i = 0; i < 4; i++) {
    gst_clear_event(&event);
    event = gst_harness_try_pull_event(rig->in);
  }
  g_assert_true(cord_event_is(event, CORD_EVENT_DTMF));
}

static void
ends_with_eos_at_stop(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  twilio_peer_send_media(rig->peer, 0, 1, 240);
  twilio_peer_send_stop(rig->peer);
  twilio_rig_run(rig);
  g_assert_cmpuint(gst_harness_buffers_received(rig->in), ==, 2);
  g_assert_true(twilio_rig_take_eos(rig));
  twilio_rig_assert_stopped(rig, "stop");
  g_assert_cmpuint(twilio_peer_last(rig->peer, TWILIO_PEER_CLOSE)->code, ==, 1000);
}

static void
answers_latency_as_a_live_source(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  g_autoptr(GstQuery) query = gst_query_new_latency();
  GstClockTime min, max;
  gboolean live;

  g_assert_true(gst_element_query(rig->src, query));
  gst_query_parse_latency(query, &live, &min, &max);
  g_assert_true(live);
  g_assert_cmpuint(min, ==, 20 * GST_MSECOND);
  g_assert_cmpuint(max, ==, GST_CLOCK_TIME_NONE);
}

static void
does_not_preroll_and_pushes_only_in_playing(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new();
  GstBuffer *buffer;

  g_assert_cmpint(gst_element_set_state(rig->src, GST_STATE_PAUSED), ==,
                  GST_STATE_CHANGE_NO_PREROLL);
  twilio_rig_play(rig);
  twilio_peer_send_start(rig->peer, NULL);
  twilio_peer_send_media(rig->peer, 0, 1, 160);
  twilio_rig_run(rig);
  g_assert_cmpuint(twilio_rig_count_frames(rig, 1), ==, 1);
  g_assert_cmpint(gst_element_set_state(rig->src, GST_STATE_PAUSED), ==,
                  GST_STATE_CHANGE_NO_PREROLL);
  twilio_peer_send_media(rig->peer, 20, 1, 160);
  twilio_rig_run(rig);
  g_assert_null(gst_harness_try_pull(rig->in));
  gst_element_set_state(rig->src, GST_STATE_PLAYING);
  twilio_peer_send_media(rig->peer, 40, 1, 160);
  twilio_rig_run(rig);
  buffer = gst_harness_try_pull(rig->in);
  g_assert_nonnull(buffer);
  g_assert_true(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT));
  gst_buffer_unref(buffer);
}

static GstPadProbeReturn
answer_eos(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GST_PAD_PROBE_INFO_FLOW_RETURN(info) = *(GstFlowReturn *)data;
  gst_buffer_unref(GST_PAD_PROBE_INFO_BUFFER(info));
  return GST_PAD_PROBE_HANDLED;
}

static void
check_flow(GstFlowReturn flow, guint code)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  GstFlowReturn answer = flow;

  gst_pad_add_probe(rig->in->sinkpad, GST_PAD_PROBE_TYPE_BUFFER, answer_eos, &answer, NULL);
  twilio_peer_send_media(rig->peer, 0, 1, 480);
  twilio_rig_run(rig);
  g_assert_true(twilio_rig_take_eos(rig));
  g_assert_cmpuint(twilio_peer_last(rig->peer, TWILIO_PEER_CLOSE)->code, ==, code);
  if (flow == GST_FLOW_EOS)
    twilio_rig_assert_stopped(rig, "eos");
  else
    twilio_rig_assert_error(rig, "");
}

static void
hangs_up_when_downstream_wants_no_more(void)
{
  check_flow(GST_FLOW_EOS, 1000);
}

static void
is_an_error_when_downstream_fails(void)
{
  check_flow(GST_FLOW_ERROR, 1011);
  check_flow(GST_FLOW_NOT_LINKED, 1011);
}

static void
goes_on_through_a_flush_of_downstream(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  GstFlowReturn answer = GST_FLOW_FLUSHING;
  gulong id =
      gst_pad_add_probe(rig->in->sinkpad, GST_PAD_PROBE_TYPE_BUFFER, answer_eos, &answer, NULL);

  twilio_peer_send_media(rig->peer, 0, 1, 480);
  twilio_rig_run(rig);
  gst_pad_remove_probe(rig->in->sinkpad, id);
  twilio_peer_send_media(rig->peer, 60, 1, 160);
  twilio_rig_run(rig);
  g_assert_cmpuint(twilio_rig_count_frames(rig, 1), ==, 1);
}

static void
an_eos_event_of_the_application_hangs_up(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  g_assert_true(gst_element_send_event(rig->src, gst_event_new_eos()));
  twilio_rig_run(rig);
  g_assert_cmpuint(twilio_peer_last(rig->peer, TWILIO_PEER_CLOSE)->code, ==, 1000);
  twilio_rig_assert_stopped(rig, "eos");
  g_assert_true(twilio_rig_take_eos(rig));
}

static void
going_down_closes_the_connection(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  gst_element_set_state(rig->src, GST_STATE_NULL);
  g_assert_cmpuint(twilio_peer_last(rig->peer, TWILIO_PEER_CLOSE)->code, ==, 1001);
}

static void
a_connection_cannot_be_used_twice(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  gst_element_set_state(rig->src, GST_STATE_READY);
  gst_element_set_state(rig->src, GST_STATE_PLAYING);
  twilio_rig_run(rig);
  twilio_rig_assert_error(rig, "twice");
}

static void
two_sources_cannot_have_one_session(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  GstElement *other = gst_element_factory_make("twiliosrc", NULL);

  g_object_set(other, "session", "rig", NULL);
  gst_element_set_bus(other, rig->bus);
  g_assert_cmpint(gst_element_set_state(other, GST_STATE_READY), ==, GST_STATE_CHANGE_FAILURE);
  twilio_rig_assert_error(rig, "session");
  gst_element_set_bus(other, NULL);
  gst_element_set_state(other, GST_STATE_NULL);
  gst_object_unref(other);
}

static void
survives_any_order_of_state_changes(void)
{
  static const GstState states[] = { GST_STATE_NULL, GST_STATE_READY, GST_STATE_PAUSED,
                                     GST_STATE_PLAYING };
  GstElement *src = gst_element_factory_make("twiliosrc", NULL);
  GstElement *sink = gst_element_factory_make("twiliosink", NULL);

  g_object_set(src, "port", 0, NULL);
  for (guint i = 0; i < 300; i++)
    g_assert_cmpint(gst_element_set_state(g_test_rand_int_range(0, 2) ? src : sink,
                                          states[g_test_rand_int_range(0, 4)]),
                    !=, GST_STATE_CHANGE_FAILURE);
  gst_element_set_state(src, GST_STATE_NULL);
  gst_element_set_state(sink, GST_STATE_NULL);
  gst_object_unref(src);
  gst_object_unref(sink);
}

int
main(int argc, char **argv)
{
  gint result;

  g_test_init(&argc, &argv, NULL);
  gst_init(&argc, &argv);
#define ADD(name) g_test_add_func("/twiliosrc/" #name, name)
  ADD(stays_silent_until_the_carrier_starts_the_stream);
  ADD(begins_with_stream_start_caps_and_segment);
  ADD(says_who_calls);
  ADD(an_application_may_accept_the_stream);
  ADD(an_application_may_refuse_the_stream);
  ADD(pushes_frames_of_twenty_milliseconds_with_time_stamps);
  ADD(cuts_payloads_of_any_length_into_whole_frames);
  ADD(a_gap_in_the_timestamps_becomes_silence);
  ADD(jitter_of_the_timestamps_below_a_frame_means_nothing);
  ADD(a_gap_too_long_to_fill_becomes_a_discontinuity);
  ADD(timestamps_that_run_back_lose_no_audio);
  ADD(one_wrong_timestamp_shifts_nothing);
  ADD(makes_silence_in_real_time_while_nothing_arrives);
  ADD(is_true_again_when_media_comes_back_with_its_time);
  ADD(late_audio_is_kept_and_the_lag_made_up_in_quiet);
  ADD(tells_keys);
  ADD(ends_with_eos_at_stop);
  ADD(answers_latency_as_a_live_source);
  ADD(does_not_preroll_and_pushes_only_in_playing);
  ADD(hangs_up_when_downstream_wants_no_more);
  ADD(is_an_error_when_downstream_fails);
  ADD(goes_on_through_a_flush_of_downstream);
  ADD(an_eos_event_of_the_application_hangs_up);
  ADD(going_down_closes_the_connection);
  ADD(a_connection_cannot_be_used_twice);
  ADD(two_sources_cannot_have_one_session);
  ADD(survives_any_order_of_state_changes);
  result = g_test_run();
  gst_deinit(); /* the leaks tracer reports here */
  return result;
}
