/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <cordboard.h>

#include "twilio-rig.h"

/* The ways in which a carrier's connection may end, in order and not. */

static void
a_close_without_stop_ends_the_call_with_a_warning(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  GstMessage *message;

  twilio_peer_send_close(rig->peer, 1000);
  twilio_rig_run(rig);
  twilio_rig_assert_stopped(rig, "closed");
  message = twilio_rig_take_message(rig, GST_MESSAGE_WARNING, NULL);
  g_assert_nonnull(message);
  gst_message_unref(message);
  g_assert_true(twilio_rig_take_eos(rig));
}

static void
a_connection_that_breaks_ends_the_call_with_a_warning(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  twilio_peer_hang_up(rig->peer, FALSE);
  twilio_rig_run(rig);
  twilio_rig_assert_stopped(rig, "closed");
  twilio_rig_assert_warning(rig, "without \"stop\" (1006");
  g_assert_true(twilio_rig_take_eos(rig));
}

static void
a_half_closed_connection_ends_the_call(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  twilio_peer_hang_up(rig->peer, TRUE);
  twilio_rig_run(rig);
  twilio_rig_assert_stopped(rig, "closed");
  g_assert_true(twilio_rig_take_eos(rig));
}

static void
a_peer_that_falls_silent_is_given_up(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  twilio_rig_advance_ms(rig, 45000);
  twilio_rig_assert_stopped(rig, "closed");
  g_assert_true(twilio_rig_take_eos(rig));
}

static void
stop_without_close_ends_all_the_same(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  twilio_peer_send_stop(rig->peer);
  twilio_rig_run(rig);
  twilio_rig_assert_stopped(rig, "stop");
  g_assert_true(twilio_rig_take_eos(rig));
  /* the peer never answers our close: its socket is ended after a deadline */
  g_assert_false(twilio_peer_is_closed(rig->peer));
  twilio_rig_advance_ms(rig, 10000);
  g_assert_true(twilio_peer_is_closed(rig->peer));
}

static void
what_comes_after_stop_is_not_heard(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  twilio_peer_send_stop(rig->peer);
  twilio_peer_send_media(rig->peer, 0, 1, 160);
  twilio_peer_send_dtmf(rig->peer, "1");
  twilio_peer_send_stop(rig->peer);
  twilio_rig_run(rig);
  g_assert_cmpuint(gst_harness_buffers_received(rig->in), ==, 0);
  twilio_rig_assert_stopped(rig, "stop");
  g_assert_null(twilio_rig_take_message(rig, GST_MESSAGE_ELEMENT, CORD_EVENT_CALL_STOPPED));
}

static void
a_peer_that_does_not_read_is_given_up_in_bounded_memory(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  GstFlowReturn flow = GST_FLOW_OK;
  guint seconds = 0;

  /* media goes on flowing in while nothing is read */
  while (flow == GST_FLOW_OK && seconds < 300) {
    for (guint i = 0; i < 50 && flow == GST_FLOW_OK; i++) {
      GstBuffer *buffer = gst_buffer_new_allocate(NULL, 160, NULL);
      gst_buffer_memset(buffer, 0, 7, 160);
      flow = gst_harness_push(rig->out, buffer);
      if (flow == GST_FLOW_OK)
        twilio_peer_send_media(rig->peer, seconds * 1000 + i * 20, 1, 160);
      twilio_rig_advance_ms(rig, 20);
    }
    twilio_rig_count_frames(rig, 1);
    seconds++;
  }
  g_assert_cmpint(flow, ==, GST_FLOW_EOS);
  g_assert_cmpuint(seconds, <, 60);
  g_assert_true(twilio_rig_take_eos(rig));
}

int
main(int argc, char **argv)
{
  gint result;

  g_test_init(&argc, &argv, NULL);
  gst_init(&argc, &argv);
#define ADD(name) g_test_add_func("/twilio-endings/" #name, name)
  ADD(a_close_without_stop_ends_the_call_with_a_warning);
  ADD(a_connection_that_breaks_ends_the_call_with_a_warning);
  ADD(a_half_closed_connection_ends_the_call);
  ADD(a_peer_that_falls_silent_is_given_up);
  ADD(stop_without_close_ends_all_the_same);
  ADD(what_comes_after_stop_is_not_heard);
  ADD(a_peer_that_does_not_read_is_given_up_in_bounded_memory);
  result = g_test_run();
  gst_deinit(); /* the leaks tracer reports here */
  return result;
}
