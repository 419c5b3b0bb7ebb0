/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <cordboard.h>
#include <gst/check/gstharness.h>
#include <string.h>

#define FRAME (20 * GST_MSECOND)

typedef struct {
  GstHarness *h;
  GstBus *bus;
  CordWorker *worker;
  GstClockTime now;   /* of the stream */
  GstClockTime start; /* monotonic, where that was 0 */
} Fixture;

static void
setup(Fixture *f)
{
  g_autoptr(GstElement) element = gst_element_factory_make("turntaker", NULL);
  g_autoptr(GstContext) context = NULL;

  g_assert_nonnull(element);
  f->worker = cord_worker_new_manual();
  f->start = cord_worker_get_time(f->worker);
  context = cord_worker_to_gst_context(f->worker);
  gst_element_set_context(element, context);
  f->h = gst_harness_new_with_element(element, "sink", "src");
  gst_object_ref_sink(element);
  f->bus = gst_bus_new();
  gst_element_set_bus(f->h->element, f->bus);
  gst_harness_set_src_caps_str(f->h, "text/x-raw,format=utf8");
  f->now = 0;
}

static void
teardown(Fixture *f)
{
  gst_element_set_bus(f->h->element, NULL);
  gst_harness_teardown(f->h);
  gst_object_unref(f->bus);
  g_object_unref(f->worker);
}

/* The stream's clock: a GAP a frame; the monotonic clock goes with it. */
static void
pass(Fixture *f, GstClockTime duration)
{
  const GstClockTime end = f->now + duration;

  for (; f->now < end; f->now += FRAME) {
    cord_worker_advance(f->worker, FRAME);
    g_assert_true(gst_harness_push_event(f->h, gst_event_new_gap(f->now, FRAME)));
  }
}

static void
push_speech(Fixture *f, const gchar *name, GstClockTime position)
{
  gst_harness_push_event(f->h, cord_event_new(cord_structure_new_speech(name, position)));
}

static void
push_transcript_event(Fixture *f, const gchar *text, gboolean final)
{
  g_autoptr(CordTranscript) transcript = cord_transcript_new(text, final, 0, f->now);

  gst_harness_push_event(f->h, cord_event_new(cord_structure_new_transcript(transcript)));
}

static void
push_final(Fixture *f, const gchar *text, GstClockTime start, GstClockTime end)
{
  g_autoptr(CordTranscript) transcript = cord_transcript_new(text, TRUE, start, end);

  cord_transcript_set_created(transcript, cord_worker_get_time(f->worker));
  gst_harness_push(f->h, cord_transcript_to_buffer(transcript));
}

/* One second of speech with its hangover and its transcript. */
static void
say(Fixture *f, const gchar *text)
{
  const GstClockTime start = f->now;

  pass(f, 60 * GST_MSECOND);
  push_speech(f, CORD_EVENT_SPEECH_STARTED, start);
  pass(f, 1200 * GST_MSECOND);
  push_speech(f, CORD_EVENT_SPEECH_STOPPED, start + GST_SECOND);
  if (*text)
    push_final(f, text, start, start + GST_SECOND);
  else
    push_transcript_event(f, "", TRUE);
}

static void
push_playout(Fixture *f, guint turn, GstClockTime position, CordPlayoutState state)
{
  const CordPlayout playout = { turn, position, position, state, -1 };

  /* refused while pads flush */
  gst_harness_push_upstream_event(f->h,
                                  cord_event_new_upstream(cord_structure_new_playout(&playout)));
}

static GstEvent *
next_event(Fixture *f, GstEventType type)
{
  GstEvent *event;

  while ((event = gst_harness_try_pull_event(f->h))) {
    if (GST_EVENT_TYPE(event) == type)
      return event;
    gst_event_unref(event);
  }
  return NULL;
}

static void
drop_events(Fixture *f)
{
  g_assert_null(next_event(f, GST_EVENT_UNKNOWN));
}

static GstMessage *
next_message(Fixture *f, const gchar *name)
{
  GstMessage *message;

  while ((message = gst_bus_pop_filtered(f->bus, GST_MESSAGE_ELEMENT))) {
    if (gst_message_has_name(message, name))
      return message;
    gst_message_unref(message);
  }
  return NULL;
}

static void
assert_text(GstBuffer *buffer, const gchar *text)
{
  g_assert_nonnull(buffer);
  g_assert_cmpuint(gst_buffer_get_size(buffer), ==, strlen(text));
  g_assert_cmpint(gst_buffer_memcmp(buffer, 0, text, strlen(text)), ==, 0);
}

static void
test_commit(void)
{
  Fixture f;
  g_autoptr(GstBuffer) buffer = NULL;
  g_autoptr(GstMessage) message = NULL;
  const GstStructure *structure;
  CordTurn *turn;

  setup(&f);
  pass(&f, GST_SECOND);
  say(&f, "hello there");
  g_assert_null(gst_harness_try_pull(f.h));
  pass(&f, GST_SECOND);
  buffer = gst_harness_try_pull(f.h);
  assert_text(buffer, "hello there");
  g_assert_cmpuint(GST_BUFFER_PTS(buffer), ==, GST_SECOND);
  g_assert_null(gst_harness_try_pull(f.h));

  turn = cord_buffer_get_turn(buffer);
  g_assert_nonnull(turn);
  g_assert_cmpuint(cord_turn_get_number(turn), ==, 1);
  g_assert_cmpuint(cord_turn_get_stamp(turn, CORD_TURN_STAMP_SPEECH_END), ==,
                   f.start + 2 * GST_SECOND);
  g_assert_cmpuint(cord_turn_get_stamp(turn, CORD_TURN_STAMP_STT_FINAL), ==,
                   f.start + 2260 * GST_MSECOND);
  g_assert_cmpuint(cord_turn_get_stamp(turn, CORD_TURN_STAMP_TURN_END), ==,
                   f.start + 2500 * GST_MSECOND);

  message = next_message(&f, CORD_EVENT_TURN_ENDED);
  g_assert_nonnull(message);
  structure = gst_message_get_structure(message);
  g_assert_cmpuint(cord_structure_get_turn(structure), ==, 1);
  g_assert_cmpstr(gst_structure_get_string(structure, "text"), ==, "hello there");
  g_assert_cmpstr(gst_structure_get_string(structure, "reason"), ==, "silence");
  teardown(&f);
}

static void
test_gaps_end_here(void)
{
  Fixture f;
  g_autoptr(GstEvent) event = NULL;

  setup(&f);
  drop_events(&f);
  pass(&f, GST_SECOND);
  g_assert_null(next_event(&f, GST_EVENT_GAP));
  push_speech(&f, CORD_EVENT_SPEECH_STARTED, 0);
  event = next_event(&f, GST_EVENT_CUSTOM_DOWNSTREAM);
  g_assert_true(event && cord_event_is(event, CORD_EVENT_SPEECH_STARTED));
  teardown(&f);
}

/* FLUSH_START, FLUSH_STOP, nothing between; the segment stands before what comes next. */
static void
assert_flush(Fixture *f)
{
  g_autoptr(GstEvent) start = gst_harness_try_pull_event(f->h);
  g_autoptr(GstEvent) stop = gst_harness_try_pull_event(f->h);
  gboolean reset_time = TRUE;

  g_assert_nonnull(start);
  g_assert_nonnull(stop);
  g_assert_cmpint(GST_EVENT_TYPE(start), ==, GST_EVENT_FLUSH_START);
  g_assert_cmpint(GST_EVENT_TYPE(stop), ==, GST_EVENT_FLUSH_STOP);
  g_assert_cmpuint(gst_event_get_seqnum(start), ==, gst_event_get_seqnum(stop));
  gst_event_parse_flush_stop(stop, &reset_time);
  g_assert_false(reset_time);
}

static void
assert_next_is_segment(Fixture *f)
{
  g_autoptr(GstEvent) event = gst_harness_try_pull_event(f->h);
  const GstSegment *segment;

  g_assert_nonnull(event);
  g_assert_cmpint(GST_EVENT_TYPE(event), ==, GST_EVENT_SEGMENT);
  gst_event_parse_segment(event, &segment);
  g_assert_cmpint(segment->format, ==, GST_FORMAT_TIME);
}

static void
test_barge_in(void)
{
  Fixture f;
  g_autoptr(GstMessage) message = NULL;
  g_autoptr(GstBuffer) buffer = NULL;

  setup(&f);
  pass(&f, GST_SECOND);
  push_playout(&f, 0, 100 * GST_MSECOND, CORD_PLAYOUT_PLAYING);
  push_speech(&f, CORD_EVENT_SPEECH_STARTED, f.now - 60 * GST_MSECOND);
  pass(&f, 160 * GST_MSECOND);
  drop_events(&f);
  g_assert_null(next_message(&f, CORD_EVENT_INTERRUPTED));

  /* the deciding GAP has not returned when the flush is out */
  pass(&f, FRAME);
  assert_flush(&f);
  message = next_message(&f, CORD_EVENT_INTERRUPTED);
  g_assert_nonnull(message);
  g_assert_cmpuint(cord_structure_get_turn(gst_message_get_structure(message)), ==, 0);

  pass(&f, GST_SECOND);
  push_speech(&f, CORD_EVENT_SPEECH_STOPPED, f.now - 250 * GST_MSECOND);
  assert_next_is_segment(&f);
  push_final(&f, "wait", 0, f.now);
  pass(&f, GST_SECOND);
  buffer = gst_harness_try_pull(f.h);
  assert_text(buffer, "wait");
  g_assert_null(next_event(&f, GST_EVENT_FLUSH_START));
  teardown(&f);
}

static void
test_segment_before_data(void)
{
  Fixture f;
  g_autoptr(GstBuffer) buffer = NULL;

  setup(&f);
  push_playout(&f, 0, 100 * GST_MSECOND, CORD_PLAYOUT_PLAYING);
  drop_events(&f);
  gst_harness_push_event(f.h, cord_event_new(cord_structure_new_dtmf('5')));
  assert_flush(&f);
  assert_next_is_segment(&f);
  pass(&f, 2 * GST_SECOND);
  buffer = gst_harness_try_pull(f.h);
  assert_text(buffer, "5");
  g_assert_null(next_event(&f, GST_EVENT_SEGMENT));
  teardown(&f);
}

static void
test_continues(void)
{
  Fixture f;
  g_autoptr(GstBuffer) first = NULL;
  g_autoptr(GstBuffer) second = NULL;
  g_autoptr(GstEvent) event = NULL;
  guint continues = 0;

  setup(&f);
  say(&f, "I would like");
  pass(&f, GST_SECOND);
  first = gst_harness_try_pull(f.h);
  assert_text(first, "I would like");
  push_playout(&f, 1, 0, CORD_PLAYOUT_PLAYING);
  drop_events(&f);
  say(&f, "an appointment");
  do {
    g_clear_pointer(&event, gst_event_unref);
    event = next_event(&f, GST_EVENT_CUSTOM_DOWNSTREAM);
    g_assert_nonnull(event);
  } while (!cord_event_is(event, CORD_EVENT_TURN_STARTED));
  g_assert_true(cord_structure_get_continues(gst_event_get_structure(event), &continues));
  g_assert_cmpuint(continues, ==, 1);
  g_assert_cmpuint(cord_structure_get_turn(gst_event_get_structure(event)), ==, 2);
  pass(&f, GST_SECOND);
  second = gst_harness_try_pull(f.h);
  assert_text(second, "I would like an appointment");
  teardown(&f);
}

static void
test_noise_is_no_turn(void)
{
  Fixture f;

  setup(&f);
  say(&f, "");
  pass(&f, 5 * GST_SECOND);
  g_assert_null(gst_harness_try_pull(f.h));
  g_assert_null(next_message(&f, CORD_EVENT_TURN_STARTED));
  teardown(&f);
}

static void
test_playout_goes_upstream(void)
{
  Fixture f;
  g_autoptr(GstEvent) event = NULL;

  setup(&f);
  push_playout(&f, 0, GST_SECOND, CORD_PLAYOUT_DONE);
  do {
    g_clear_pointer(&event, gst_event_unref);
    event = gst_harness_try_pull_upstream_event(f.h);
    g_assert_nonnull(event);
  } while (!cord_event_is(event, CORD_EVENT_PLAYOUT));
  teardown(&f);
}

static void
test_plain_text(void)
{
  Fixture f;
  g_autoptr(GstBuffer) buffer = NULL;

  setup(&f);
  gst_harness_push(f.h, gst_buffer_new_memdup("hello\n", 6));
  buffer = gst_harness_try_pull(f.h);
  assert_text(buffer, "hello");
  teardown(&f);
}

static void
test_broken_text(void)
{
  Fixture f;
  g_autoptr(GstBuffer) buffer = NULL;

  setup(&f);
  gst_harness_push(f.h, gst_buffer_new_memdup("a\xff\0b", 4));
  buffer = gst_harness_try_pull(f.h);
  assert_text(buffer, "a\xef\xbf\xbd\xef\xbf\xbd"
                      "b");
  gst_harness_push(f.h, gst_buffer_new());
  g_assert_null(gst_harness_try_pull(f.h));
  teardown(&f);
}

static void
test_eos(void)
{
  Fixture f;
  g_autoptr(GstBuffer) buffer = NULL;
  g_autoptr(GstEvent) event = NULL;
  g_autoptr(GstMessage) message = NULL;

  setup(&f);
  say(&f, "bye");
  gst_harness_push_event(f.h, gst_event_new_eos());
  buffer = gst_harness_try_pull(f.h);
  assert_text(buffer, "bye");
  event = next_event(&f, GST_EVENT_EOS);
  g_assert_nonnull(event);
  message = next_message(&f, CORD_EVENT_TURN_ENDED);
  g_assert_cmpstr(gst_structure_get_string(gst_message_get_structure(message), "reason"), ==,
                  "eos");
  teardown(&f);
}

static void
test_flush_from_upstream(void)
{
  Fixture f;
  GstSegment segment;
  g_autoptr(GstBuffer) buffer = NULL;

  setup(&f);
  say(&f, "lost");
  gst_harness_push_event(f.h, gst_event_new_flush_start());
  gst_harness_push_event(f.h, gst_event_new_flush_stop(TRUE));
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(f.h, gst_event_new_segment(&segment));
  pass(&f, GST_SECOND);
  g_assert_null(gst_harness_try_pull(f.h));
  say(&f, "kept");
  pass(&f, GST_SECOND);
  buffer = gst_harness_try_pull(f.h);
  assert_text(buffer, "kept");
  teardown(&f);
}

static gpointer
report_playout(gpointer data)
{
  Fixture *f = data;

  for (guint i = 0; i < 2000; i++)
    push_playout(f, i / 100, i * GST_MSECOND,
                 i % 100 == 99 ? CORD_PLAYOUT_DONE : CORD_PLAYOUT_PLAYING);
  return NULL;
}

static void
test_foreign_thread(void)
{
  Fixture f;
  GThread *thread;

  setup(&f);
  thread = g_thread_new("playout", report_playout, &f);
  for (guint i = 0; i < 50; i++)
    say(&f, "word");
  g_thread_join(thread);
  gst_harness_push_event(f.h, gst_event_new_eos());
  g_assert_cmpuint(gst_harness_buffers_in_queue(f.h), >, 0);
  teardown(&f);
}

static void
test_reuse(void)
{
  Fixture f;
  g_autoptr(GstStructure) stats = NULL;

  setup(&f);
  say(&f, "one");
  pass(&f, GST_SECOND);
  g_object_get(f.h->element, "stats", &stats, NULL);
  g_assert_cmpstr(gst_structure_get_string(stats, "state"), ==, "agent-pending");
  g_clear_pointer(&stats, gst_structure_free);
  gst_element_set_state(f.h->element, GST_STATE_NULL);
  g_object_get(f.h->element, "stats", &stats, NULL);
  g_assert_cmpstr(gst_structure_get_string(stats, "state"), ==, "idle");
  teardown(&f);
}

/* The agent's own turn: no text of the caller's, the answer with it, nothing to flush. */
static void
test_silence(void)
{
  Fixture f;
  g_autoptr(GstBuffer) buffer = NULL;
  g_autoptr(GstMessage) message = NULL;
  GstClockTime duration;
  const gchar *reply;

  setup(&f);
  g_object_set(f.h->element, "silence-timeout", 2000, "language-code", "de-AT", NULL);
  push_playout(&f, 0, GST_SECOND, CORD_PLAYOUT_DONE);
  pass(&f, 1980 * GST_MSECOND);
  g_assert_null(gst_harness_try_pull(f.h));
  pass(&f, 40 * GST_MSECOND);
  buffer = gst_harness_try_pull(f.h);
  g_assert_nonnull(buffer);
  g_assert_cmpuint(gst_buffer_get_size(buffer), ==, 0);
  g_assert_true(cord_buffer_get_reply(buffer, &reply, NULL));
  g_assert_cmpstr(reply, ==, "Sind Sie noch da?");
  g_assert_cmpuint(cord_turn_get_number(cord_buffer_get_turn(buffer)), ==, 1);
  message = next_message(&f, CORD_EVENT_SILENCE);
  g_assert_nonnull(message);
  duration = cord_structure_get_duration(gst_message_get_structure(message));
  g_assert_cmpuint(duration, ==, 2 * GST_SECOND);
  g_assert_null(next_event(&f, GST_EVENT_FLUSH_START));
  teardown(&f);
}

static void
test_own_prompt(void)
{
  Fixture f;
  g_autoptr(GstBuffer) buffer = NULL;
  const gchar *reply;

  setup(&f);
  g_object_set(f.h->element, "silence-timeout", 1000, "silence-prompt", "", NULL);
  push_playout(&f, 0, GST_SECOND, CORD_PLAYOUT_DONE);
  pass(&f, 10 * GST_SECOND);
  g_assert_null(gst_harness_try_pull(f.h));
  g_object_set(f.h->element, "silence-prompt", "Hello?", NULL);
  pass(&f, FRAME);
  buffer = gst_harness_try_pull(f.h);
  g_assert_nonnull(buffer);
  g_assert_true(cord_buffer_get_reply(buffer, &reply, NULL));
  g_assert_cmpstr(reply, ==, "Hello?");
  teardown(&f);
}

int
main(int argc, char **argv)
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/turntaker/a-turn-is-one-buffer-with-its-stamps", test_commit);
  g_test_add_func("/turntaker/the-stream-clock-ends-here", test_gaps_end_here);
  g_test_add_func("/turntaker/barge-in-flushes-in-the-call-that-decides", test_barge_in);
  g_test_add_func("/turntaker/after-a-flush-a-segment-comes-first", test_segment_before_data);
  g_test_add_func("/turntaker/a-turn-taken-up-names-the-one-it-replaces", test_continues);
  g_test_add_func("/turntaker/sound-without-words-is-no-turn", test_noise_is_no_turn);
  g_test_add_func("/turntaker/playout-reports-go-on-upstream", test_playout_goes_upstream);
  g_test_add_func("/turntaker/plain-text-is-a-turn-at-once", test_plain_text);
  g_test_add_func("/turntaker/broken-text-is-made-valid", test_broken_text);
  g_test_add_func("/turntaker/the-last-words-come-before-eos", test_eos);
  g_test_add_func("/turntaker/a-flush-from-upstream-forgets", test_flush_from_upstream);
  g_test_add_func("/turntaker/playout-may-come-from-another-thread", test_foreign_thread);
  g_test_add_func("/turntaker/a-silent-caller-is-asked-in-his-language", test_silence);
  g_test_add_func("/turntaker/what-is-asked-can-be-set-empty-is-nothing", test_own_prompt);
  g_test_add_func("/turntaker/null-forgets-the-conversation", test_reuse);
  return g_test_run();
}
