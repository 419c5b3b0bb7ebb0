/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/check/gstharness.h>

#include "cordboard.h"
#include "pacer-clock.h"

#define MULAW "audio/x-mulaw,rate=8000,channels=1"
#define RAW(rate) "audio/x-raw,format=S16LE,layout=interleaved,channels=1,rate=" #rate
#define FRAME_MS 20

typedef struct {
  CordWorker *worker;
  GstHarness *h;
  GString *log;    /* a letter for each thing that comes out: f frame, else see on_output() */
  GByteArray *out; /* the bytes of all frames */
  guint frames;
  GstBuffer *last;
  void (*on_frame)(gpointer fixture); /* what downstream does with a frame */
} Fixture;

static gchar
event_letter(GstEvent *event)
{
  switch (GST_EVENT_TYPE(event)) {
  case GST_EVENT_CAPS:
    return 'c';
  case GST_EVENT_SEGMENT:
    return 's';
  case GST_EVENT_EOS:
    return 'e';
  case GST_EVENT_FLUSH_STOP:
    return 'x';
  default:
    if (cord_event_is(event, CORD_EVENT_RESPONSE_STARTED))
      return '(';
    return cord_event_is(event, CORD_EVENT_RESPONSE_FINISHED) ? ')' : 0;
  }
}

static GstPadProbeReturn
on_output(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Fixture *f = data;
  GstMapInfo map;
  gchar letter;

  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    gst_buffer_replace(&f->last, info->data);
    g_assert_true(gst_buffer_map(f->last, &map, GST_MAP_READ));
    g_byte_array_append(f->out, map.data, map.size);
    gst_buffer_unmap(f->last, &map);
    g_string_append_c(f->log, 'f');
    f->frames++;
    if (f->on_frame)
      f->on_frame(f);
    return GST_PAD_PROBE_OK;
  }
  letter = event_letter(info->data);
  if (letter)
    g_string_append_c(f->log, letter);
  return GST_PAD_PROBE_OK;
}

static void
setup(Fixture *f, gconstpointer caps)
{
  GstElement *pacer = gst_element_factory_make("audiopacer", NULL);
  GstContext *context;

  f->worker = cord_worker_new_manual();
  f->log = g_string_new(NULL);
  f->out = g_byte_array_new();
  context = cord_worker_to_gst_context(f->worker);
  gst_element_set_context(pacer, context);
  gst_context_unref(context);
  f->h = gst_harness_new_with_element(pacer, "sink", "src");
  gst_object_unref(pacer);
  gst_harness_set_drop_buffers(f->h, TRUE);
  gst_pad_add_probe(f->h->sinkpad,
                    GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM |
                        GST_PAD_PROBE_TYPE_EVENT_FLUSH,
                    on_output, f, NULL);
  gst_harness_set_src_caps_str(f->h, caps ? caps : MULAW);
  g_string_truncate(f->log, 0);
}

static void
teardown(Fixture *f, gconstpointer data)
{
  gst_harness_teardown(f->h);
  cord_worker_iterate(f->worker); /* what was posted before must not mind */
  gst_clear_buffer(&f->last);
  g_string_free(f->log, TRUE);
  g_byte_array_unref(f->out);
  g_object_unref(f->worker);
}

static GstBuffer *
new_audio(gsize bytes, guint8 value, GstClockTime pts)
{
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, bytes, NULL);

  gst_buffer_memset(buffer, 0, value, bytes);
  GST_BUFFER_PTS(buffer) = pts;
  return buffer;
}

static void
push_ms(Fixture *f, guint ms)
{
  g_assert_cmpint(gst_harness_push(f->h, new_audio(ms * 8, 0x11, 0)), ==, GST_FLOW_OK);
}

static void
push_turn_event(Fixture *f, const gchar *name, guint turn)
{
  gst_harness_push_event(f->h, cord_event_new(cord_structure_new_turn(name, turn)));
}

static void
push_flush(Fixture *f)
{
  GstSegment segment;

  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(f->h, gst_event_new_flush_start());
  gst_harness_push_event(f->h, gst_event_new_flush_stop(FALSE));
  gst_harness_push_event(f->h, gst_event_new_segment(&segment));
}

static guint64
get_stat(Fixture *f, const gchar *name)
{
  g_autoptr(GstStructure) stats = NULL;
  guint64 value;

  g_object_get(f->h->element, "stats", &stats, NULL);
  g_assert_true(gst_structure_get_uint64(stats, name, &value));
  return value;
}

static void
advance_ms(Fixture *f, guint ms)
{
  cord_worker_advance(f->worker, ms * GST_MSECOND);
}

static void
test_first_frames_leave_at_once(Fixture *f, gconstpointer data)
{
  push_ms(f, 1000);
  g_assert_cmpuint(f->frames, ==, 10);
  g_assert_cmpuint(get_stat(f, "queued"), ==, 800 * GST_MSECOND);
  for (guint i = 11; i <= 50; i++) {
    advance_ms(f, FRAME_MS);
    g_assert_cmpuint(f->frames, ==, i);
  }
  advance_ms(f, 1000);
  g_assert_cmpuint(f->frames, ==, 50);
  g_assert_cmpuint(get_stat(f, "queued"), ==, 0);
  g_assert_cmpuint(get_stat(f, "late-frames"), ==, 0);
  g_assert_cmpuint(get_stat(f, "max-lateness-us"), ==, 0);
}

static void
test_look_ahead_is_kept(Fixture *f, gconstpointer data)
{
  static const guint look_aheads[] = { 0, 10, 20, 50, 60, 1000 };

  for (guint i = 0; i < G_N_ELEMENTS(look_aheads); i++) {
    const guint ahead = MAX(look_aheads[i] / FRAME_MS, 1);

    push_flush(f);
    g_object_set(f->h->element, "look-ahead", look_aheads[i], NULL);
    f->frames = 0;
    push_ms(f, 2000);
    g_assert_cmpuint(f->frames, ==, ahead);
    advance_ms(f, 400);
    g_assert_cmpuint(f->frames, ==, ahead + 20);
  }
}

static void
test_audio_in_time_passes(Fixture *f, gconstpointer data)
{
  for (guint i = 1; i <= 100; i++) {
    push_ms(f, FRAME_MS);
    g_assert_cmpuint(f->frames, ==, i);
    advance_ms(f, FRAME_MS);
  }
  g_assert_cmpuint(get_stat(f, "underruns"), ==, 0);
}

static void
test_nothing_is_hurried_after_a_pause(Fixture *f, gconstpointer data)
{
  push_ms(f, 100);
  g_assert_cmpuint(f->frames, ==, 5);
  advance_ms(f, 3000);
  push_ms(f, 3000);
  g_assert_cmpuint(f->frames, ==, 15);
  advance_ms(f, 100);
  g_assert_cmpuint(f->frames, ==, 20);
  g_assert_cmpuint(get_stat(f, "underruns"), ==, 1);
}

static void
test_a_pause_between_responses_is_none(Fixture *f, gconstpointer data)
{
  push_ms(f, 100);
  push_turn_event(f, CORD_EVENT_RESPONSE_FINISHED, 1);
  advance_ms(f, 3000);
  push_ms(f, 100);
  g_assert_cmpuint(f->frames, ==, 10);
  g_assert_cmpuint(get_stat(f, "underruns"), ==, 0);
}

static void
test_events_keep_their_place(Fixture *f, gconstpointer data)
{
  push_turn_event(f, CORD_EVENT_RESPONSE_STARTED, 1);
  push_ms(f, 240);
  push_turn_event(f, CORD_EVENT_RESPONSE_FINISHED, 1);
  push_turn_event(f, CORD_EVENT_RESPONSE_STARTED, 2);
  push_ms(f, 40);
  gst_harness_push_event(f->h, gst_event_new_eos());
  g_assert_cmpstr(f->log->str, ==, "(ffffffffff");
  advance_ms(f, 40);
  g_assert_cmpstr(f->log->str, ==, "(ffffffffffff)(");
  advance_ms(f, 20);
  g_assert_cmpstr(f->log->str, ==, "(ffffffffffff)(f");
  advance_ms(f, 20);
  g_assert_cmpstr(f->log->str, ==, "(ffffffffffff)(ffe");
}

/* Pieces of all sizes in, whole frames out, the same bytes; the last frame filled up. */
static void
check_frames(Fixture *f, guint frame_bytes, guint8 silence)
{
  g_autoptr(GRand) rand = g_rand_new_with_seed(20);
  g_autoptr(GByteArray) in = g_byte_array_new();

  g_object_set(f->h->element, "look-ahead", 10000, NULL);
  while (in->len < 20 * frame_bytes) {
    const gsize bytes = (gsize)g_rand_int_range(rand, 0, 3 * (gint)frame_bytes);
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, bytes, NULL);
    const guint at = in->len;

    g_byte_array_set_size(in, at + (guint)bytes);
    for (guint i = at; i < in->len; i++)
      in->data[i] = (guint8)(i * 7 + 1);
    gst_buffer_fill(buffer, 0, in->data + at, bytes);
    gst_harness_push(f->h, buffer);
    g_assert_cmpuint(f->out->len, ==, in->len / frame_bytes * frame_bytes);
  }
  push_turn_event(f, CORD_EVENT_RESPONSE_FINISHED, 1);
  g_assert_cmpuint(f->out->len, ==, (in->len + frame_bytes - 1) / frame_bytes * frame_bytes);
  g_assert_cmpuint(f->frames, ==, f->out->len / frame_bytes);
  g_assert_cmpmem(f->out->data, in->len, in->data, in->len);
  for (guint i = in->len; i < f->out->len; i++)
    g_assert_cmpuint(f->out->data[i], ==, silence);
  g_assert_true(g_str_has_suffix(f->log->str, "f)"));
}

static void
test_whole_frames_of_mulaw(Fixture *f, gconstpointer data)
{
  check_frames(f, 160, 0xff);
}

static void
test_whole_frames_of_raw_audio(Fixture *f, gconstpointer data)
{
  check_frames(f, 960, 0);
}

static void
test_odd_rates_keep_time(Fixture *f, gconstpointer data)
{
  /* a frame is 220 samples, 19.95 ms: 1002 of them in 20 s */
  gst_harness_push(f->h, new_audio(2 * 11025 * 20, 1, 0));
  advance_ms(f, 19990);
  g_assert_cmpuint(f->frames, >=, 1001);
  push_turn_event(f, CORD_EVENT_RESPONSE_FINISHED, 1);
  advance_ms(f, 40);
  g_assert_cmpuint(f->out->len, ==, 1003 * 440);
}

static void
test_new_caps_begin_a_new_frame(Fixture *f, gconstpointer data)
{
  push_ms(f, 30);
  gst_harness_set_src_caps_str(f->h, RAW(16000));
  gst_harness_push(f->h, new_audio(640, 1, 0));
  g_assert_cmpstr(f->log->str, ==, "ffcsf");
  g_assert_cmpuint(f->out->len, ==, 160 + 160 + 640);
}

static void
test_times_run_on_inside_a_buffer(Fixture *f, gconstpointer data)
{
  GstBuffer *buffer = new_audio(1600, 0, 5 * GST_SECOND);

  GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  gst_harness_set_drop_buffers(f->h, FALSE);
  gst_harness_push(f->h, buffer);
  for (guint i = 0; i < 10; i++) {
    buffer = gst_harness_pull(f->h);
    g_assert_cmpuint(GST_BUFFER_PTS(buffer), ==, 5 * GST_SECOND + i * FRAME_MS * GST_MSECOND);
    g_assert_cmpuint(GST_BUFFER_DURATION(buffer), ==, FRAME_MS * GST_MSECOND);
    g_assert_cmpint(GST_BUFFER_IS_DISCONT(buffer), ==, i == 0);
    gst_buffer_unref(buffer);
  }
}

static void
test_a_whole_frame_is_not_copied(Fixture *f, gconstpointer data)
{
  GstBuffer *buffer = new_audio(160, 0, 0);

  gst_harness_push(f->h, buffer);
  g_assert_true(f->last == buffer);
}

static void
test_frames_belong_to_one_turn(Fixture *f, gconstpointer data)
{
  g_autoptr(CordTurn) one = cord_turn_new(1);
  g_autoptr(CordTurn) two = cord_turn_new(2);
  GstBuffer *buffer = new_audio(250, 1, 0);

  cord_buffer_set_turn(buffer, one);
  gst_harness_push(f->h, buffer);
  g_assert_true(cord_buffer_get_turn(f->last) == one);
  buffer = new_audio(10, 2, 0);
  cord_buffer_set_turn(buffer, two);
  gst_harness_push(f->h, buffer);
  g_assert_cmpuint(f->frames, ==, 2);
  g_assert_true(cord_buffer_get_turn(f->last) == one);
  g_assert_cmpuint(f->out->data[249], ==, 1);
  g_assert_cmpuint(f->out->data[250], ==, 0xff);
  gst_harness_push_event(f->h, gst_event_new_eos());
  g_assert_cmpuint(f->frames, ==, 3);
  g_assert_true(cord_buffer_get_turn(f->last) == two);
  g_assert_cmpuint(f->out->data[329], ==, 2);
  g_assert_cmpuint(f->out->data[330], ==, 0xff);
}

static void
test_a_flush_drops_everything(Fixture *f, gconstpointer data)
{
  push_turn_event(f, CORD_EVENT_RESPONSE_STARTED, 1);
  push_ms(f, 1010);
  push_turn_event(f, CORD_EVENT_RESPONSE_FINISHED, 1);
  advance_ms(f, 40);
  g_string_truncate(f->log, 0);
  push_flush(f);
  advance_ms(f, 2000);
  g_assert_cmpstr(f->log->str, ==, "xs");
  g_assert_cmpuint(get_stat(f, "queued"), ==, 0);
  push_ms(f, 1000);
  g_assert_cmpstr(f->log->str, ==, "xsffffffffff");
}

static void
test_nothing_passes_while_flushing(Fixture *f, gconstpointer data)
{
  push_ms(f, 500);
  f->frames = 0;
  gst_harness_push_event(f->h, gst_event_new_flush_start());
  advance_ms(f, 100);
  g_assert_cmpint(gst_harness_push(f->h, new_audio(160, 0, 0)), ==, GST_FLOW_FLUSHING);
  g_assert_cmpuint(f->frames, ==, 0);
  gst_harness_push_event(f->h, gst_event_new_flush_stop(FALSE));
}

static void
test_caps_survive_a_flush(Fixture *f, gconstpointer data)
{
  g_autoptr(GstCaps) caps = NULL;

  push_ms(f, 1000);
  gst_harness_set_src_caps_str(f->h, RAW(16000));
  gst_harness_push(f->h, new_audio(6400, 1, 0));
  push_flush(f);
  f->frames = 0;
  gst_harness_push(f->h, new_audio(1280, 1, 0));
  g_assert_cmpuint(f->frames, ==, 2);
  g_assert_cmpuint(gst_buffer_get_size(f->last), ==, 640);
  caps = gst_pad_get_current_caps(f->h->sinkpad);
  g_assert_true(gst_structure_has_name(gst_caps_get_structure(caps, 0), "audio/x-raw"));
}

static void
flush_at_third_frame(gpointer data)
{
  Fixture *f = data;

  if (f->frames == 3)
    push_flush(f);
}

static void
test_a_flush_from_downstream_of_a_frame(Fixture *f, gconstpointer data)
{
  f->on_frame = flush_at_third_frame;
  push_ms(f, 1000);
  advance_ms(f, 500);
  g_assert_cmpuint(f->frames, ==, 3);
  f->on_frame = NULL;
  push_ms(f, 1000);
  g_assert_cmpuint(f->frames, ==, 13);
}

static void
push_more_at_first_frame(gpointer data)
{
  Fixture *f = data;

  if (f->frames == 1)
    gst_harness_push(f->h, new_audio(160, 0x33, 0));
}

static void
test_audio_from_downstream_of_a_frame(Fixture *f, gconstpointer data)
{
  f->on_frame = push_more_at_first_frame;
  push_ms(f, 100);
  g_assert_cmpuint(f->frames, ==, 6);
  g_assert_cmpuint(f->out->data[799], ==, 0x11);
  g_assert_cmpuint(f->out->data[800], ==, 0x33);
}

static void
test_too_much_is_dropped_with_a_warning(Fixture *f, gconstpointer data)
{
  GstBus *bus = gst_bus_new();
  GstMessage *message;

  gst_element_set_bus(f->h->element, bus);
  g_object_set(f->h->element, "max-size-time", 2 * GST_SECOND, NULL);
  for (guint i = 0; i < 10; i++)
    push_ms(f, 500);
  g_assert_cmpuint(get_stat(f, "dropped"), ==, 5);
  g_assert_cmpuint(get_stat(f, "queued"), ==, 2300 * GST_MSECOND);
  message = gst_bus_pop_filtered(bus, GST_MESSAGE_WARNING);
  g_assert_nonnull(message);
  gst_message_unref(message);
  g_assert_null(gst_bus_pop_filtered(bus, GST_MESSAGE_WARNING));
  advance_ms(f, 5000);
  g_assert_cmpuint(f->frames, ==, 125);
  gst_element_set_bus(f->h->element, NULL);
  gst_object_unref(bus);
}

static gpointer
push_five_seconds(gpointer data)
{
  Fixture *f = data;

  for (guint i = 0; i < 500; i++)
    if (gst_harness_push(f->h, new_audio(80, (guint8)(i / 2), 0)) != GST_FLOW_OK)
      return GUINT_TO_POINTER(i);
  gst_harness_push_event(f->h, gst_event_new_eos());
  return GUINT_TO_POINTER(500);
}

static void
test_another_thread_has_to_wait(Fixture *f, gconstpointer data)
{
  GThread *thread = g_thread_new("foreign", push_five_seconds, f);

  while (strchr(f->log->str, 'e') == NULL) {
    g_assert_cmpuint(get_stat(f, "queued"), <=, 1020 * GST_MSECOND);
    advance_ms(f, 1);
  }
  g_assert_cmpuint(GPOINTER_TO_UINT(g_thread_join(thread)), ==, 500);
  g_assert_cmpuint(f->frames, ==, 250);
  for (guint i = 0; i < 250; i++) {
    g_assert_cmpuint(f->out->data[160 * i], ==, i);
    g_assert_cmpuint(f->out->data[160 * i + 159], ==, i);
  }
}

static void
test_a_flush_lets_the_other_thread_go(Fixture *f, gconstpointer data)
{
  GThread *thread = g_thread_new("foreign", push_five_seconds, f);

  while (get_stat(f, "queued") < GST_SECOND)
    g_thread_yield();
  gst_harness_push_event(f->h, gst_event_new_flush_start());
  g_assert_cmpuint(GPOINTER_TO_UINT(g_thread_join(thread)), <, 500);
  gst_harness_push_event(f->h, gst_event_new_flush_stop(FALSE));
}

static void
test_stopping_lets_the_other_thread_go(Fixture *f, gconstpointer data)
{
  GThread *thread = g_thread_new("foreign", push_five_seconds, f);

  while (get_stat(f, "queued") < GST_SECOND)
    g_thread_yield();
  gst_element_set_state(f->h->element, GST_STATE_NULL);
  g_assert_cmpuint(GPOINTER_TO_UINT(g_thread_join(thread)), <, 500);
}

static GstPadProbeReturn
refuse(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  gst_buffer_unref(info->data);
  GST_PAD_PROBE_INFO_FLOW_RETURN(info) = GST_FLOW_ERROR;
  return GST_PAD_PROBE_HANDLED;
}

static void
test_upstream_hears_of_errors(Fixture *f, gconstpointer data)
{
  push_ms(f, 1000);
  gst_pad_add_probe(f->h->sinkpad, GST_PAD_PROBE_TYPE_BUFFER, refuse, NULL, NULL);
  advance_ms(f, 20);
  g_assert_cmpint(gst_harness_push(f->h, new_audio(160, 0, 0)), ==, GST_FLOW_ERROR);
  g_assert_cmpuint(get_stat(f, "queued"), ==, 0);
}

static void
test_late_frames_are_counted(void)
{
  const GstClockTime ms = GST_MSECOND, start = 1000 * ms;
  PacerClock clock = { 0 };

  pacer_clock_send(&clock, start, 20 * ms, 40 * ms, start);
  pacer_clock_send(&clock, start, 20 * ms, 40 * ms, start);
  g_assert_false(pacer_clock_allows(&clock, start + 19 * ms, 20 * ms, 40 * ms));
  g_assert_true(pacer_clock_allows(&clock, start + 20 * ms, 20 * ms, 40 * ms));
  pacer_clock_send(&clock, start + 60 * ms, 20 * ms, 40 * ms, start);
  g_assert_cmpuint(clock.late_frames, ==, 0);
  g_assert_cmpuint(clock.max_lateness, ==, 40 * ms);
  g_assert_cmpuint(clock.underruns, ==, 1);
  /* due at 60, there at 70 only */
  pacer_clock_send(&clock, start + 110 * ms, 20 * ms, 40 * ms, start + 70 * ms);
  g_assert_cmpuint(clock.late_frames, ==, 0);
  /* due at 110 */
  pacer_clock_send(&clock, start + 151 * ms, 20 * ms, 40 * ms, start + 70 * ms);
  g_assert_cmpuint(clock.late_frames, ==, 1);
  g_assert_cmpuint(clock.max_lateness, ==, 41 * ms);
  g_assert_cmpuint(clock.frames, ==, 5);
}

#define TEST(name, caps, func) g_test_add("/audiopacer/" name, Fixture, caps, setup, func, teardown)

int
main(int argc, char **argv)
{
  int result;

  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  TEST("the first frames leave at once", NULL, test_first_frames_leave_at_once);
  TEST("no more than look-ahead leaves before its time", NULL, test_look_ahead_is_kept);
  TEST("audio that comes in time passes", NULL, test_audio_in_time_passes);
  TEST("nothing is hurried after a pause", NULL, test_nothing_is_hurried_after_a_pause);
  TEST("a pause between responses is no underrun", NULL, test_a_pause_between_responses_is_none);
  TEST("events keep their place in the audio", NULL, test_events_keep_their_place);
  TEST("any pieces of mu-law make whole frames", NULL, test_whole_frames_of_mulaw);
  TEST("any pieces of raw audio make whole frames", RAW(24000), test_whole_frames_of_raw_audio);
  TEST("a rate without a frame of 20 ms keeps time", RAW(11025), test_odd_rates_keep_time);
  TEST("new caps begin a new frame", NULL, test_new_caps_begin_a_new_frame);
  TEST("times run on inside a buffer", NULL, test_times_run_on_inside_a_buffer);
  TEST("a whole frame is not copied", NULL, test_a_whole_frame_is_not_copied);
  TEST("a frame belongs to one turn", NULL, test_frames_belong_to_one_turn);
  TEST("a flush drops everything at once", NULL, test_a_flush_drops_everything);
  TEST("nothing passes during a flush", NULL, test_nothing_passes_while_flushing);
  TEST("caps survive a flush", NULL, test_caps_survive_a_flush);
  TEST("a flush may come while a frame leaves", NULL, test_a_flush_from_downstream_of_a_frame);
  TEST("audio may come while a frame leaves", NULL, test_audio_from_downstream_of_a_frame);
  TEST("too much is dropped with one warning", NULL, test_too_much_is_dropped_with_a_warning);
  TEST("another thread has to wait for room", NULL, test_another_thread_has_to_wait);
  TEST("a flush lets a waiting thread go", NULL, test_a_flush_lets_the_other_thread_go);
  TEST("stopping lets a waiting thread go", NULL, test_stopping_lets_the_other_thread_go);
  TEST("upstream hears of errors downstream", NULL, test_upstream_hears_of_errors);
  g_test_add_func("/audiopacer/late frames are counted", test_late_frames_are_counted);
  result = g_test_run();
  gst_deinit();
  return result;
}
