/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <cordboard.h>

#include "twilio-rig.h"

/* A twiliosink that is fed and flushed by another thread than its worker's. */

typedef struct {
  TwilioRig *rig;
  GThread *thread;
  gint pushed; /* buffers, atomic */
  gint flow;   /* the last one, atomic */
} Feeder;

static gpointer
feed(gpointer data)
{
  Feeder *feeder = data;

  for (guint i = 0; i < 500; i++) {
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, 160, NULL);
    GstFlowReturn flow;
    gst_buffer_memset(buffer, 0, 7, 160);
    flow = gst_harness_push(feeder->rig->out, buffer);
    g_atomic_int_set(&feeder->flow, flow);
    if (flow != GST_FLOW_OK)
      return NULL;
    g_atomic_int_inc(&feeder->pushed);
  }
  gst_harness_push_event(feeder->rig->out, gst_event_new_eos());
  return NULL;
}

/* The one place that waits for another thread: until it can do no more. */
static void
wait_until_blocked(Feeder *feeder, gint n)
{
  while (g_atomic_int_get(&feeder->pushed) < n)
    g_thread_yield();
}

static void
another_thread_waits_while_two_seconds_are_queued(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  Feeder feeder = { .rig = rig };
  GstMessage *message;

  feeder.thread = g_thread_new("feeder", feed, &feeder);
  wait_until_blocked(&feeder, 100);
  g_assert_cmpint(g_atomic_int_get(&feeder.pushed), ==, 100);
  /* the carrier plays in real time; 5 s are the look-ahead */
  for (guint ms = 0; ms < 600000 && !(message = gst_bus_pop_filtered(rig->bus, GST_MESSAGE_EOS));
       ms += 20) {
    twilio_rig_advance_ms(rig, 20);
    twilio_peer_echo_marks(rig->peer);
    g_thread_yield();
  }
  g_assert_nonnull(message);
  gst_message_unref(message);
  g_thread_join(feeder.thread);
  g_assert_cmpuint(twilio_rig_count_media(rig, 7), ==, 500);
}

static void
a_flush_frees_another_thread(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  Feeder feeder = { .rig = rig };

  feeder.thread = g_thread_new("feeder", feed, &feeder);
  wait_until_blocked(&feeder, 100);
  gst_harness_push_event(rig->out, gst_event_new_flush_start());
  g_thread_join(feeder.thread);
  g_assert_cmpint(feeder.flow, ==, GST_FLOW_FLUSHING);
  gst_harness_push_event(rig->out, gst_event_new_flush_stop(FALSE));
  twilio_rig_run(rig);
  g_assert_cmpuint(twilio_rig_count_media(rig, 7), ==, 0);
}

static void
going_down_frees_another_thread(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  Feeder feeder = { .rig = rig };

  feeder.thread = g_thread_new("feeder", feed, &feeder);
  wait_until_blocked(&feeder, 100);
  gst_element_set_state(rig->sink, GST_STATE_READY);
  g_thread_join(feeder.thread);
  g_assert_cmpint(feeder.flow, ==, GST_FLOW_FLUSHING);
}

static gpointer
flush_from_afar(gpointer data)
{
  gst_harness_push_event(((TwilioRig *)data)->out, gst_event_new_flush_start());
  gst_harness_push_event(((TwilioRig *)data)->out, gst_event_new_flush_stop(FALSE));
  return NULL;
}

static void
a_flush_of_another_thread_clears_too(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  g_autoptr(CordTurn) turn = cord_turn_new(1);
  CordPlayout playout;

  twilio_rig_push_audio(rig, turn, 7, 1600);
  while (twilio_rig_take_playout(rig, &playout))
    ;
  g_thread_join(g_thread_new("flusher", flush_from_afar, rig));
  twilio_rig_run(rig);
  g_assert_cmpuint(twilio_peer_count(rig->peer, TWILIO_PEER_CLEAR), ==, 1);
  twilio_rig_assert_playout(rig, 1, CORD_PLAYOUT_INTERRUPTED, 0, 200);
}

int
main(int argc, char **argv)
{
  gint result;

  g_test_init(&argc, &argv, NULL);
  gst_init(&argc, &argv);
#define ADD(name) g_test_add_func("/twiliosink-threads/" #name, name)
  ADD(another_thread_waits_while_two_seconds_are_queued);
  ADD(a_flush_frees_another_thread);
  ADD(going_down_frees_another_thread);
  ADD(a_flush_of_another_thread_clears_too);
  result = g_test_run();
  gst_deinit(); /* the leaks tracer reports here */
  return result;
}
