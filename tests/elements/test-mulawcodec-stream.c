/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What mulawcodec does in time: resampling quality, timestamps, flushes, gaps, ends. */
#include <gst/audio/audio.h>
#include <gst/check/gstharness.h>
#include <malloc.h>
#include <math.h>
#include <string.h>

#include "cordboard.h"

#define MULAW "audio/x-mulaw,rate=8000,channels=1"
#define DELAY (4500 * GST_USECOND)
#define MAX_RIPPLE 0.05 /* dB, to 3.4 kHz */
#define MAX_ALIAS -80.0 /* dB below the tone */
#define AMPLITUDE 29000.0

static gchar *
raw_caps(gint rate)
{
  return g_strdup_printf("audio/x-raw,format=S16LE,layout=interleaved,channels=1,rate=%d", rate);
}

static GstHarness *
start(const gchar *in, const gchar *out)
{
  GstHarness *h = gst_harness_new("mulawcodec");

  gst_harness_set_sink_caps_str(h, out);
  gst_harness_set_src_caps_str(h, in);
  return h;
}

static GstHarness *
start_raw(gint in_rate, gint out_rate)
{
  g_autofree gchar *in = raw_caps(in_rate);
  g_autofree gchar *out = raw_caps(out_rate);

  return start(in, out);
}

static GstBuffer *
new_tone(gdouble frequency, gint rate, gsize n)
{
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, 2 * n, NULL);
  GstMapInfo map;

  g_assert_true(gst_buffer_map(buffer, &map, GST_MAP_WRITE));
  for (gsize i = 0; i < n; i++)
    GST_WRITE_UINT16_LE(map.data + 2 * i,
                        (guint16)lrint(AMPLITUDE * sin(2 * G_PI * frequency * i / rate)));
  gst_buffer_unmap(buffer, &map);
  GST_BUFFER_PTS(buffer) = 0;
  return buffer;
}

static GstBuffer *
new_silence(gsize bytes, GstClockTime pts)
{
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, bytes, NULL);

  gst_buffer_memset(buffer, 0, 0, bytes);
  GST_BUFFER_PTS(buffer) = pts;
  return buffer;
}

/* Amplitude of one frequency, in dB of the tone that went in; a window hides the neighbours. */
static gdouble
measure(const gint16 *samples, gsize n, gdouble frequency, gint rate)
{
  const gdouble step = 2 * G_PI * frequency / rate;
  gdouble re = 0, im = 0, sum = 0;

  for (gsize i = 0; i < n; i++) {
    const gdouble hann = 0.5 - 0.5 * cos(2 * G_PI * (i + 0.5) / n);
    const gdouble weight = hann * hann;

    sum += weight;
    re += weight * samples[i] * cos(step * i);
    im += weight * samples[i] * sin(step * i);
  }
  return 20 * log10(2 * hypot(re, im) / sum / AMPLITUDE + 1e-9);
}

typedef struct {
  gint in_rate;
  gint out_rate;
  gdouble lowest;
  gdouble highest;
  gdouble alias;
} Response;

/* Half a second of one tone; what comes out without beginning and end. */
static GBytes *
resample_tone(Response *r, gdouble frequency)
{
  GstHarness *h = start_raw(r->in_rate, r->out_rate);
  g_autoptr(GstBuffer) out = NULL;
  gpointer samples;
  gsize size;

  gst_harness_push(h, new_tone(frequency, r->in_rate, (gsize)r->in_rate / 2));
  out = gst_harness_pull(h);
  gst_harness_teardown(h);
  gst_buffer_extract_dup(out, (gsize)r->out_rate / 10 * 2, (gsize)r->out_rate / 10 * 6, &samples,
                         &size);
  return g_bytes_new_take(samples, size);
}

static void
sweep_pass_band(Response *r)
{
  for (gdouble f = 100; f <= 3400; f += 100) {
    g_autoptr(GBytes) bytes = resample_tone(r, f);
    const gint16 *samples = g_bytes_get_data(bytes, NULL);
    const gsize n = g_bytes_get_size(bytes) / 2;
    const gdouble gain = measure(samples, n, f, r->out_rate);

    r->lowest = MIN(r->lowest, gain);
    r->highest = MAX(r->highest, gain);
    for (gdouble image = r->in_rate; image - f < r->out_rate / 2.0; image += r->in_rate) {
      r->alias = MAX(r->alias, measure(samples, n, image - f, r->out_rate));
      if (image + f < r->out_rate / 2.0)
        r->alias = MAX(r->alias, measure(samples, n, image + f, r->out_rate));
    }
  }
}

static void
sweep_stop_band(Response *r)
{
  const gdouble nyquist = r->out_rate / 2.0;

  for (gdouble f = nyquist + 30; f < r->in_rate / 2.0; f += 170) {
    g_autoptr(GBytes) bytes = resample_tone(r, f);
    const gdouble folded = fabs(f - r->out_rate * round(f / r->out_rate));

    r->alias = MAX(r->alias, measure(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes) / 2,
                                     folded, r->out_rate));
  }
}

static gdouble
time_frames(gint in_rate, gint out_rate)
{
  GstHarness *h = start_raw(in_rate, out_rate);
  GstBuffer *frame = new_tone(440, in_rate, (gsize)in_rate / 50);
  gint64 begin;

  GST_BUFFER_PTS(frame) = GST_CLOCK_TIME_NONE;
  gst_harness_set_drop_buffers(h, TRUE);
  for (guint i = 0; i < 100; i++)
    gst_harness_push(h, gst_buffer_ref(frame));
  begin = g_get_monotonic_time();
  for (guint i = 0; i < 2000; i++)
    gst_harness_push(h, gst_buffer_ref(frame));
  begin = g_get_monotonic_time() - begin;
  gst_buffer_unref(frame);
  gst_harness_teardown(h);
  return begin / 2000.0;
}

static void
test_resampling_quality(void)
{
  static const gint rates[] = { 16000, 24000, 48000 };

  for (guint i = 0; i < 2 * G_N_ELEMENTS(rates); i++) {
    const gboolean up = i % 2 == 0;
    Response r = { up ? 8000 : rates[i / 2], up ? rates[i / 2] : 8000, 99, -99, -999 };

    sweep_pass_band(&r);
    if (!up)
      sweep_stop_band(&r);
    g_test_message("%5d to %5d Hz: %+.4f to %+.4f dB up to 3.4 kHz, %s %.1f dB; "
                   "%.2f us for 20 ms",
                   r.in_rate, r.out_rate, r.lowest, r.highest, up ? "images" : "aliases", r.alias,
                   time_frames(r.in_rate, r.out_rate));
    g_assert_cmpfloat(r.lowest, >=, -MAX_RIPPLE);
    g_assert_cmpfloat(r.highest, <=, MAX_RIPPLE);
    g_assert_cmpfloat(r.alias, <=, MAX_ALIAS);
  }
}

static gdouble
time_mulaw(const gchar *in, const gchar *out, gsize bytes)
{
  GstHarness *h = start(in, out);
  GstBuffer *frame = new_silence(bytes, GST_CLOCK_TIME_NONE);
  gint64 begin;

  gst_harness_set_drop_buffers(h, TRUE);
  begin = g_get_monotonic_time();
  for (guint i = 0; i < 10000; i++)
    gst_harness_push(h, gst_buffer_ref(frame));
  begin = g_get_monotonic_time() - begin;
  gst_buffer_unref(frame);
  gst_harness_teardown(h);
  return begin / 10000.0;
}

static gsize
measure_memory(const gchar *in, const gchar *out, gsize bytes)
{
  enum { N = 50 };
  GstElement *elements[N];
  GstHarness *h[N];
  struct mallinfo2 before, after;
  gsize harness_bytes;

  before = mallinfo2();
  for (guint i = 0; i < N; i++) {
    elements[i] = gst_element_factory_make("identity", NULL);
    h[i] = gst_harness_new_with_element(elements[i], "sink", "src");
    gst_harness_set_src_caps_str(h[i], in);
    gst_harness_set_drop_buffers(h[i], TRUE);
    gst_harness_push(h[i], new_silence(bytes, 0));
  }
  after = mallinfo2();
  harness_bytes = (after.uordblks - before.uordblks) / N;
  for (guint i = 0; i < N; i++) {
    gst_object_unref(elements[i]);
    gst_harness_teardown(h[i]);
  }
  before = mallinfo2();
  for (guint i = 0; i < N; i++) {
    h[i] = start(in, out);
    gst_harness_set_drop_buffers(h[i], TRUE);
    for (guint j = 0; j < 5; j++)
      gst_harness_push(h[i], new_silence(bytes, j * 20 * GST_MSECOND));
  }
  after = mallinfo2();
  for (guint i = 0; i < N; i++)
    gst_harness_teardown(h[i]);
  g_test_message("%s to %s: %zu bytes an element with its test harness (an identity: %zu)", in, out,
                 (after.uordblks - before.uordblks) / N, harness_bytes);
  return (after.uordblks - before.uordblks) / N;
}

static void
test_cost(void)
{
  g_autofree gchar *raw8 = raw_caps(8000);
  g_autofree gchar *raw16 = raw_caps(16000);
  g_autofree gchar *raw48 = raw_caps(48000);

  g_test_message("20 ms of mu-law: %.2f us passed on, %.2f us decoded, %.2f us decoded to 16 kHz",
                 time_mulaw(MULAW, MULAW, 160), time_mulaw(MULAW, raw8, 160),
                 time_mulaw(MULAW, raw16, 160));
  g_test_message("20 ms to mu-law: %.2f us at 8 kHz, %.2f us from 16 kHz, %.2f us from 48 kHz",
                 time_mulaw(raw8, MULAW, 320), time_mulaw(raw16, MULAW, 640),
                 time_mulaw(raw48, MULAW, 1920));
  measure_memory(MULAW, MULAW, 160);
  measure_memory(MULAW, raw8, 160);
  g_assert_cmpuint(measure_memory(raw48, MULAW, 1920), <, 64 * 1024);
}

/* A click comes out at the moment at which it went in. */
static void
test_delay_is_taken_back(void)
{
  static const gint rates[] = { 8000, 16000, 24000, 48000 };

  for (guint i = 0; i < 16; i++) {
    const gint in_rate = rates[i / 4], out_rate = rates[i % 4];
    const gsize click = (gsize)in_rate / 100;
    GstHarness *h = start_raw(in_rate, out_rate);
    GstBuffer *buffer = new_silence((gsize)in_rate / 50 * 2, 0);
    guint8 high[] = { 0xff, 0x7f };
    GstMapInfo map;
    gsize best = 0;

    gst_buffer_fill(buffer, 2 * click, high, 2);
    gst_harness_push(h, buffer);
    buffer = gst_harness_pull(h);
    g_assert_cmpuint(GST_BUFFER_PTS(buffer), ==, 0);
    g_assert_true(gst_buffer_map(buffer, &map, GST_MAP_READ));
    for (gsize j = 0; j < map.size / 2; j++)
      if (ABS(((gint16 *)map.data)[j]) > ABS(((gint16 *)map.data)[best]))
        best = j;
    g_assert_cmpuint(best, ==, (gsize)out_rate / 100);
    gst_buffer_unmap(buffer, &map);
    gst_buffer_unref(buffer);
    gst_harness_teardown(h);
  }
}

static GstClockTime
query_latency(GstHarness *h)
{
  gst_harness_set_upstream_latency(h, 20 * GST_MSECOND);
  return gst_harness_query_latency(h);
}

static void
test_latency_is_told(void)
{
  GstHarness *h = start_raw(48000, 8000);

  g_assert_cmpuint(query_latency(h), >=, 20 * GST_MSECOND + 4 * GST_MSECOND);
  g_assert_cmpuint(query_latency(h), <=, 20 * GST_MSECOND + DELAY);
  gst_harness_teardown(h);
  h = start(MULAW, MULAW);
  g_assert_cmpuint(query_latency(h), ==, 20 * GST_MSECOND);
  gst_harness_teardown(h);
}

/* An hour in pieces that fit no clock: the last sample is where it belongs. */
static void
test_times_do_not_drift(void)
{
  const gsize piece = 24007;
  const guint64 pieces = 24000 * 3600ull / piece;
  const GstClockTime begin = 12345 * GST_MSECOND;
  GstHarness *h = start_raw(24000, 8000);
  guint64 n_out = 0;

  for (guint64 i = 0; i < pieces; i++) {
    GstBuffer *in =
        new_silence(2 * piece, begin + gst_util_uint64_scale_int(i * piece, GST_SECOND, 24000));
    GstBuffer *out;

    GST_BUFFER_OFFSET(in) = i * piece;
    gst_harness_push(h, in);
    out = gst_harness_pull(h);
    g_assert_cmpuint(GST_BUFFER_PTS(out), ==,
                     begin + gst_util_uint64_scale_int(n_out, GST_SECOND, 8000));
    g_assert_cmpuint(GST_BUFFER_OFFSET(out), ==, n_out);
    n_out += gst_buffer_get_size(out) / 2;
    g_assert_cmpuint(GST_BUFFER_OFFSET_END(out), ==, n_out);
    g_assert_cmpuint(GST_BUFFER_PTS(out) + GST_BUFFER_DURATION(out), ==,
                     begin + gst_util_uint64_scale_int(n_out, GST_SECOND, 8000));
    gst_buffer_unref(out);
  }
  g_assert_cmpuint(n_out, >, 28790000);
  gst_harness_teardown(h);
}

static void
assert_output(GstHarness *h, gsize samples, GstClockTime pts, gboolean discont)
{
  g_autoptr(GstBuffer) out = gst_harness_pull(h);

  g_assert_cmpuint(gst_buffer_get_size(out), ==, 2 * samples);
  g_assert_cmpuint(GST_BUFFER_PTS(out), ==, pts);
  g_assert_cmpint(GST_BUFFER_IS_DISCONT(out), ==, discont);
}

static void
test_a_hole_ends_what_was_before(void)
{
  GstHarness *h = start_raw(16000, 8000);
  GstBuffer *buffer = new_silence(640, GST_SECOND);

  gst_harness_push(h, new_silence(640, 0));
  assert_output(h, 124, 0, FALSE);
  /* by its flag */
  GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  gst_harness_push(h, buffer);
  assert_output(h, 36, 124 * 125 * GST_USECOND, FALSE);
  assert_output(h, 124, GST_SECOND, TRUE);
  /* by its time */
  gst_harness_push(h, new_silence(640, 2 * GST_SECOND));
  assert_output(h, 36, GST_SECOND + 124 * 125 * GST_USECOND, FALSE);
  assert_output(h, 124, 2 * GST_SECOND, TRUE);
  /* a little jitter is none */
  gst_harness_push(h, new_silence(640, 2 * GST_SECOND + 25 * GST_MSECOND));
  assert_output(h, 160, 2 * GST_SECOND + 124 * 125 * GST_USECOND, FALSE);
  gst_harness_teardown(h);
}

static void
push_drain_event(GstHarness *h, guint which)
{
  GstSegment segment;

  gst_segment_init(&segment, GST_FORMAT_TIME);
  switch (which) {
  case 0:
    gst_harness_push_event(h, gst_event_new_gap(20 * GST_MSECOND, 20 * GST_MSECOND));
    break;
  case 1:
    gst_harness_push_event(h, gst_event_new_segment(&segment));
    break;
  case 2:
    gst_harness_push_event(
        h, cord_event_new(cord_structure_new_turn_text(CORD_EVENT_RESPONSE_FINISHED, 1, "")));
    break;
  default:
    gst_harness_push_event(h, gst_event_new_eos());
  }
}

static void
test_the_tail_comes_before_events(void)
{
  g_autoptr(CordTurn) turn = cord_turn_new(3);

  for (guint i = 0; i < 4; i++) {
    GstHarness *h = start_raw(16000, 8000);
    GstBuffer *buffer = new_silence(640, 0);

    cord_buffer_set_turn(buffer, turn);
    gst_harness_push(h, buffer);
    assert_output(h, 124, 0, FALSE);
    push_drain_event(h, i);
    buffer = gst_harness_pull(h);
    g_assert_cmpuint(gst_buffer_get_size(buffer), ==, 72);
    g_assert_true(cord_buffer_get_turn(buffer) == turn);
    gst_buffer_unref(buffer);
    gst_harness_teardown(h);
  }
}

static GBytes *
pull_bytes(GstHarness *h)
{
  g_autoptr(GstBuffer) buffer = gst_harness_pull(h);
  gpointer data;
  gsize size;

  gst_buffer_extract_dup(buffer, 0, gst_buffer_get_size(buffer), &data, &size);
  return g_bytes_new_take(data, size);
}

static void
test_a_flush_leaves_no_trace(void)
{
  GstHarness *fresh = start_raw(16000, 8000), *flushed = start_raw(16000, 8000);
  g_autoptr(GBytes) want = NULL, got = NULL;
  GstSegment segment;

  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push(flushed, new_tone(1000, 16000, 777));
  gst_harness_push(flushed, new_silence(1, 0));
  gst_harness_push_event(flushed, gst_event_new_flush_start());
  gst_harness_push_event(flushed, gst_event_new_flush_stop(FALSE));
  gst_harness_push_event(flushed, gst_event_new_segment(&segment));
  while (gst_harness_buffers_in_queue(flushed) > 0)
    gst_buffer_unref(gst_harness_pull(flushed));
  gst_harness_push(flushed, new_tone(300, 16000, 640));
  gst_harness_push(fresh, new_tone(300, 16000, 640));
  want = pull_bytes(fresh);
  got = pull_bytes(flushed);
  g_assert_true(g_bytes_equal(want, got));
  gst_harness_teardown(fresh);
  gst_harness_teardown(flushed);
}

static void
test_metas_stay(void)
{
  g_autofree gchar *raw8 = raw_caps(8000);
  g_autofree gchar *raw16 = raw_caps(16000);
  const gchar *const in[] = { MULAW, MULAW, raw8, raw16 };
  const gchar *const out[] = { raw8, raw16, MULAW, MULAW };
  g_autoptr(CordTurn) turn = cord_turn_new(7);
  GstAudioInfo info;

  gst_audio_info_set_format(&info, GST_AUDIO_FORMAT_S16LE, 8000, 1, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(in); i++) {
    GstHarness *h = start(in[i], out[i]);
    GstBuffer *buffer = new_silence(640, 0);

    cord_buffer_set_turn(buffer, turn);
    gst_buffer_add_audio_meta(buffer, &info, 320, NULL);
    gst_harness_push(h, buffer);
    buffer = gst_harness_pull(h);
    g_assert_true(cord_buffer_get_turn(buffer) == turn);
    g_assert_null(gst_buffer_get_audio_meta(buffer));
    gst_buffer_unref(buffer);
    gst_harness_teardown(h);
  }
}

static void
test_files_get_times(void)
{
  static const gchar *const out[] = {
    MULAW, "audio/x-raw,format=S16LE,layout=interleaved,channels=1,rate=8000"
  };

  for (guint i = 0; i < G_N_ELEMENTS(out); i++) {
    GstHarness *h = start(MULAW, out[i]);
    const GstSegment *got;
    GstSegment bytes;
    GstEvent *event;
    GstBuffer *buffer;

    gst_segment_init(&bytes, GST_FORMAT_BYTES);
    gst_harness_push_event(h, gst_event_new_segment(&bytes));
    event = gst_pad_get_sticky_event(h->sinkpad, GST_EVENT_SEGMENT, 0);
    gst_event_parse_segment(event, &got);
    g_assert_cmpint(got->format, ==, GST_FORMAT_TIME);
    gst_event_unref(event);
    gst_harness_push(h, new_silence(800, GST_CLOCK_TIME_NONE));
    gst_harness_push_event(h, gst_event_new_gap(0, 1));
    gst_harness_push(h, new_silence(160, GST_CLOCK_TIME_NONE));
    gst_buffer_unref(gst_harness_pull(h));
    buffer = gst_harness_pull(h);
    g_assert_cmpuint(GST_BUFFER_PTS(buffer), ==, 100 * GST_MSECOND);
    g_assert_cmpuint(GST_BUFFER_DURATION(buffer), ==, 20 * GST_MSECOND);
    gst_buffer_unref(buffer);
    gst_harness_teardown(h);
  }
}

int
main(int argc, char **argv)
{
  int result;

  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/mulawcodec/the filter is flat and lets nothing fold back",
                  test_resampling_quality);
  g_test_add_func("/mulawcodec/costs little time and memory", test_cost);
  g_test_add_func("/mulawcodec/a click comes out when it went in", test_delay_is_taken_back);
  g_test_add_func("/mulawcodec/latency is told", test_latency_is_told);
  g_test_add_func("/mulawcodec/times do not drift in an hour", test_times_do_not_drift);
  g_test_add_func("/mulawcodec/a hole ends what was before", test_a_hole_ends_what_was_before);
  g_test_add_func("/mulawcodec/the tail comes before events and keeps its turn",
                  test_the_tail_comes_before_events);
  g_test_add_func("/mulawcodec/a flush leaves no trace", test_a_flush_leaves_no_trace);
  g_test_add_func("/mulawcodec/turns stay on the audio, its form's metas do not", test_metas_stay);
  g_test_add_func("/mulawcodec/files without times get them", test_files_get_times);
  result = g_test_run();
  gst_deinit();
  return result;
}
