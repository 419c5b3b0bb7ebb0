/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "speech-lab.h"

#include <cord-g711.h>
#include <cordboard.h>
#include <gst/check/gstharness.h>
#include <math.h>
#include <string.h>

#define FRAME 160 /* bytes of mu-law: 20 ms */
#define FRAME_TIME (20 * GST_MSECOND)

static GstHarness *
new_harness(const gchar *caps)
{
  GstHarness *h = gst_harness_new("voicedetect");

  gst_harness_set_src_caps_str(h, caps);
  return h;
}

static GstHarness *
new_mulaw_harness(void)
{
  return new_harness("audio/x-mulaw,rate=8000,channels=1");
}

/* Syllables of a voice, four a second, as mu-law. */
static GArray *
voice(gdouble seconds, gdouble from, gdouble to)
{
  g_autoptr(GArray) sound = lab_noise(LAB_NOISE_NONE, seconds * LAB_RATE, 1);

  for (gsize i = from * LAB_RATE; i < to * LAB_RATE; i++) {
    const gdouble t = (gdouble)i / LAB_RATE - from;
    gdouble sum = 0;

    for (guint k = 1; k < 20; k++)
      sum += sin(2 * G_PI * 120 * k * t + k * k) / k;
    g_array_index(sound, gfloat, i) = 0.2 * sum * pow(sin(2 * G_PI * 2 * t), 2);
  }
  return lab_through_mulaw(sound);
}

static GstBuffer *
frame_at(GArray *bytes, gsize at, gsize size)
{
  GstBuffer *buffer =
      gst_buffer_new_memdup(&g_array_index(bytes, guint8, at), MIN(size, bytes->len - at));

  GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(at, GST_SECOND, LAB_RATE);
  return buffer;
}

static void
push_all(GstHarness *h, GArray *bytes, gsize size)
{
  for (gsize at = 0; at < bytes->len; at += size)
    g_assert_cmpint(gst_harness_push(h, frame_at(bytes, at, size)), ==, GST_FLOW_OK);
}

static GstEvent *
next_speech_event(GstHarness *h, const gchar *name)
{
  GstEvent *event;

  while ((event = gst_harness_try_pull_event(h))) {
    if (cord_event_is(event, name))
      return event;
    gst_event_unref(event);
  }
  return NULL;
}

static GstClockTime
next_position(GstHarness *h, const gchar *name)
{
  g_autoptr(GstEvent) event = next_speech_event(h, name);

  return event ? cord_structure_get_position(gst_event_get_structure(event)) : GST_CLOCK_TIME_NONE;
}

#define assert_near(time, seconds)                                                                 \
  g_assert_cmpfloat_with_epsilon((gdouble)(time) / GST_SECOND, seconds, 0.08)

static void
test_pass_through(void)
{
  GstHarness *h = new_mulaw_harness();
  g_autoptr(GArray) bytes = voice(4, 1, 2);

  for (gsize at = 0; at < bytes->len; at += FRAME) {
    GstBuffer *in = frame_at(bytes, at, FRAME);
    GstBuffer *out;

    gst_harness_push(h, in);
    out = gst_harness_try_pull(h);
    g_assert_true(out == in);
    gst_buffer_unref(out);
  }
  gst_harness_teardown(h);
}

/* What goes by, in order: b for a buffer, + and - for speech. */
static GstPadProbeReturn
note(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GString *order = data;
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT(info);

  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER)
    g_string_append_c(order, 'b');
  else if (cord_event_is(event, CORD_EVENT_SPEECH_STARTED))
    g_string_append_c(order, '+');
  else if (cord_event_is(event, CORD_EVENT_SPEECH_STOPPED))
    g_string_append_c(order, '-');
  return GST_PAD_PROBE_OK;
}

static void
test_order(void)
{
  GstHarness *h = new_mulaw_harness();
  g_autoptr(GArray) bytes = voice(3, 1, 2);
  g_autoptr(GString) order = g_string_new(NULL);
  GstPad *pad = gst_element_get_static_pad(h->element, "src");

  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, note,
                    order, NULL);
  push_all(h, bytes, bytes->len);
  g_assert_cmpstr(order->str, ==, "+b-");
  g_string_truncate(order, 0);
  push_all(h, bytes, LAB_RATE * 3 / 2);
  g_assert_cmpstr(order->str, ==, "+bb-");
  gst_object_unref(pad);
  gst_harness_teardown(h);
}

static void
test_positions(void)
{
  GstHarness *h = new_mulaw_harness();
  g_autoptr(GArray) bytes = voice(4, 1, 2);
  g_autoptr(GstBus) bus = gst_bus_new();
  g_autoptr(GstMessage) started = NULL;
  g_autoptr(GstMessage) stopped = NULL;

  gst_element_set_bus(h->element, bus);
  push_all(h, bytes, FRAME);
  assert_near(next_position(h, CORD_EVENT_SPEECH_STARTED), 1);
  assert_near(next_position(h, CORD_EVENT_SPEECH_STOPPED), 2);
  started = gst_bus_pop_filtered(bus, GST_MESSAGE_ELEMENT);
  stopped = gst_bus_pop_filtered(bus, GST_MESSAGE_ELEMENT);
  g_assert_true(started && gst_message_has_name(started, CORD_EVENT_SPEECH_STARTED));
  g_assert_true(stopped && gst_message_has_name(stopped, CORD_EVENT_SPEECH_STOPPED));
  assert_near(cord_structure_get_position(gst_message_get_structure(stopped)), 2);
  gst_element_set_bus(h->element, NULL);
  gst_harness_teardown(h);
}

static void
test_active(void)
{
  GstHarness *h = new_mulaw_harness();
  g_autoptr(GArray) bytes = voice(4, 1, 2);
  GstClockTime duration = 0;
  GstEvent *event;

  push_all(h, bytes, FRAME);
  while ((event = next_speech_event(h, CORD_EVENT_SPEECH_ACTIVE))) {
    const GstStructure *structure = gst_event_get_structure(event);

    g_assert_cmpuint(cord_structure_get_duration(structure), >, duration);
    assert_near(cord_structure_get_position(structure), 1);
    duration = cord_structure_get_duration(structure);
    gst_event_unref(event);
  }
  g_assert_cmpuint(duration, >, 600 * GST_MSECOND);
  g_assert_cmpuint(duration, <, 1080 * GST_MSECOND);
  gst_harness_teardown(h);
}

static void
test_running_time(void)
{
  GstHarness *h = new_mulaw_harness();
  g_autoptr(GArray) bytes = voice(4, 1, 2);
  GstSegment segment;

  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.base = 100 * GST_SECOND;
  gst_harness_push_event(h, gst_event_new_segment(&segment));
  push_all(h, bytes, FRAME);
  assert_near(next_position(h, CORD_EVENT_SPEECH_STARTED), 101);
  gst_harness_teardown(h);
}

static void
test_pcm_rates(void)
{
  static const guint rates[] = { 8000, 16000, 24000, 48000 };
  g_autoptr(GArray) bytes = voice(4, 1, 2);

  for (guint i = 0; i < G_N_ELEMENTS(rates); i++) {
    g_autofree gchar *caps =
        g_strdup_printf("audio/x-raw,format=S16LE,layout=interleaved,channels=1,rate=%u", rates[i]);
    GstHarness *h = new_harness(caps);
    const guint factor = rates[i] / LAB_RATE;

    for (gsize at = 0; at < bytes->len; at += FRAME) {
      gint16 samples[FRAME * 6];
      GstBuffer *buffer;

      for (guint k = 0; k < FRAME * factor; k++)
        samples[k] = cord_g711_decode_sample(g_array_index(bytes, guint8, at + k / factor));
      buffer = gst_buffer_new_memdup(samples, FRAME * factor * 2);
      GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(at, GST_SECOND, LAB_RATE);
      gst_harness_push(h, buffer);
    }
    assert_near(next_position(h, CORD_EVENT_SPEECH_STARTED), 1);
    assert_near(next_position(h, CORD_EVENT_SPEECH_STOPPED), 2);
    gst_harness_teardown(h);
  }
}

static void
test_eos(void)
{
  GstHarness *h = new_mulaw_harness();
  g_autoptr(GArray) bytes = voice(2, 1, 2);

  push_all(h, bytes, FRAME);
  g_assert_cmpuint(next_position(h, CORD_EVENT_SPEECH_STARTED), !=, GST_CLOCK_TIME_NONE);
  gst_harness_push_event(h, gst_event_new_eos());
  assert_near(next_position(h, CORD_EVENT_SPEECH_STOPPED), 2);
  g_assert_cmpint(gst_harness_events_in_queue(h), ==, 1);
  gst_harness_teardown(h);
}

static void
test_gap(void)
{
  GstHarness *h = new_mulaw_harness();
  g_autoptr(GArray) bytes = voice(2, 1, 2);

  push_all(h, bytes, FRAME);
  gst_harness_push_event(h, gst_event_new_gap(2 * GST_SECOND, 100 * GST_MSECOND));
  g_assert_cmpuint(next_position(h, CORD_EVENT_SPEECH_STOPPED), ==, GST_CLOCK_TIME_NONE);
  gst_harness_push_event(h, gst_event_new_gap(2100 * GST_MSECOND, 400 * GST_MSECOND));
  assert_near(next_position(h, CORD_EVENT_SPEECH_STOPPED), 2);
  gst_harness_teardown(h);
}

static void
test_hole(void)
{
  GstHarness *h = new_mulaw_harness();
  g_autoptr(GArray) bytes = voice(2, 1, 2);
  g_autoptr(GArray) more = voice(2, 0, 1);

  push_all(h, bytes, FRAME);
  g_assert_cmpuint(next_position(h, CORD_EVENT_SPEECH_STARTED), !=, GST_CLOCK_TIME_NONE);
  for (gsize at = 0; at < more->len; at += FRAME) {
    GstBuffer *buffer = frame_at(more, at, FRAME);

    GST_BUFFER_PTS(buffer) += 10 * GST_SECOND;
    gst_harness_push(h, buffer);
  }
  assert_near(next_position(h, CORD_EVENT_SPEECH_STOPPED), 2);
  assert_near(next_position(h, CORD_EVENT_SPEECH_STARTED), 10);
  gst_harness_teardown(h);
}

static void
test_flush(void)
{
  GstHarness *h = new_mulaw_harness();
  g_autoptr(GArray) bytes = voice(2, 1, 2);
  g_autoptr(GArray) silence = voice(2, 0, 0);
  GstSegment segment;

  push_all(h, bytes, FRAME);
  gst_harness_push_event(h, gst_event_new_flush_start());
  gst_harness_push_event(h, gst_event_new_flush_stop(TRUE));
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(h, gst_event_new_segment(&segment));
  push_all(h, silence, FRAME);
  g_assert_null(next_speech_event(h, CORD_EVENT_SPEECH_STOPPED));
  gst_harness_teardown(h);
}

static void
test_no_timestamps(void)
{
  GstHarness *h = new_mulaw_harness();
  g_autoptr(GArray) bytes = voice(4, 1, 2);

  for (gsize at = 0; at < bytes->len; at += FRAME) {
    GstBuffer *buffer = frame_at(bytes, at, FRAME);

    GST_BUFFER_PTS(buffer) = GST_CLOCK_TIME_NONE;
    gst_harness_push(h, buffer);
  }
  assert_near(next_position(h, CORD_EVENT_SPEECH_STARTED), 1);
  gst_harness_teardown(h);
}

static void
test_stats(void)
{
  GstHarness *h = new_mulaw_harness();
  g_autoptr(GArray) bytes = voice(2, 1, 2);
  g_autoptr(GstStructure) stats = NULL;
  gboolean speaking = FALSE;
  gdouble level = 0;

  push_all(h, bytes, FRAME);
  g_object_get(h->element, "stats", &stats, NULL);
  g_assert_true(gst_structure_get(stats, "speaking", G_TYPE_BOOLEAN, &speaking, "level",
                                  G_TYPE_DOUBLE, &level, NULL));
  g_assert_true(speaking);
  g_assert_cmpfloat(level, >, -60);
  g_assert_cmpfloat(level, <, 0);
  gst_harness_teardown(h);
}

static void
test_query(void)
{
  GstHarness *h = new_mulaw_harness();
  GstQuery *query =
      gst_query_new_custom(GST_QUERY_CUSTOM, gst_structure_new_empty(CORD_QUERY_VOICE_ACTIVITY));

  g_assert_true(gst_pad_peer_query(h->sinkpad, query));
  gst_query_unref(query);
  gst_harness_teardown(h);
}

/* ---- against speech in noise, and against the stock detector on the same sound ---- */

static GArray *
detect_with_ours(GArray *mulaw)
{
  GstHarness *h = new_mulaw_harness();
  GArray *found = g_array_new(FALSE, TRUE, sizeof(LabDetection));
  LabDetection current = { 0 };

  for (gsize at = 0; at <= mulaw->len; at += FRAME) {
    GstEvent *event;

    if (at < mulaw->len)
      gst_buffer_unref(gst_harness_push_and_pull(h, frame_at(mulaw, at, FRAME)));
    else
      gst_harness_push_event(h, gst_event_new_eos());
    while ((event = gst_harness_try_pull_event(h))) {
      const GstStructure *s = gst_event_get_structure(event);

      if (cord_event_is(event, CORD_EVENT_SPEECH_STARTED)) {
        current.decided = MIN(at + FRAME, mulaw->len);
        current.span.start = cord_structure_get_position(s) * LAB_RATE / GST_SECOND;
      } else if (cord_event_is(event, CORD_EVENT_SPEECH_STOPPED)) {
        current.span.end = cord_structure_get_position(s) * LAB_RATE / GST_SECOND;
        g_array_append_val(found, current);
      }
      gst_event_unref(event);
    }
  }
  gst_harness_teardown(h);
  return found;
}

/* webrtcdsp from gst-plugins-bad, only its voice detection; NULL if it is not there */
static GArray *
detect_with_webrtc(GArray *mulaw)
{
  GstElement *dsp = gst_element_factory_make("webrtcdsp", NULL);
  g_autoptr(GstBus) bus = gst_bus_new();
  GArray *found;
  GstHarness *h;
  LabDetection current = { 0 };
  gboolean speaking = FALSE;

  if (dsp == NULL)
    return NULL;
  g_object_set(dsp, "voice-detection", TRUE, "echo-cancel", FALSE, "noise-suppression", FALSE,
               "gain-control", FALSE, "high-pass-filter", FALSE, NULL);
  h = gst_harness_new_with_element(dsp, "sink", "src");
  gst_element_set_bus(dsp, bus);
  gst_harness_set_src_caps_str(h,
                               "audio/x-raw,format=S16LE,layout=interleaved,channels=1,rate=8000");
  found = g_array_new(FALSE, TRUE, sizeof(LabDetection));
  for (gsize at = 0; at + FRAME <= mulaw->len; at += FRAME) {
    gint16 samples[FRAME];
    GstBuffer *buffer;
    GstMessage *message;

    cord_g711_decode(&g_array_index(mulaw, guint8, at), samples, FRAME);
    buffer = gst_buffer_new_memdup(samples, sizeof samples);
    GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(at, GST_SECOND, LAB_RATE);
    GST_BUFFER_DURATION(buffer) = FRAME_TIME;
    gst_harness_push(h, buffer);
    while ((buffer = gst_harness_try_pull(h)))
      gst_buffer_unref(buffer);
    while ((message = gst_bus_pop_filtered(bus, GST_MESSAGE_ELEMENT))) {
      gboolean has_voice = FALSE;

      gst_structure_get_boolean(gst_message_get_structure(message), "stream-has-voice", &has_voice);
      if (has_voice && !speaking) {
        current.span.start = at;
        current.decided = at + FRAME;
      } else if (!has_voice && speaking) {
        current.span.end = at;
        g_array_append_val(found, current);
      }
      speaking = has_voice;
      gst_message_unref(message);
    }
  }
  if (speaking) {
    current.span.end = mulaw->len;
    g_array_append_val(found, current);
  }
  gst_element_set_bus(dsp, NULL);
  gst_object_unref(dsp);
  gst_harness_teardown(h);
  return found;
}

static void
print_score(const gchar *who, LabNoise noise, gdouble snr, gdouble level, const LabScore *score)
{
  g_test_message("%-9s %-7s %4.0f dB %4.0f dBFS  %u/%u hit  %2u split  %2u false  %5.1f %% false "
                 "%5.1f %% covered  onset %3.0f ms (latest %3.0f)  decided +%3.0f ms  end %3.0f ms",
                 who, lab_noise_name(noise), noise == LAB_NOISE_NONE ? INFINITY : snr, level,
                 score->hits, score->n_spans, score->splits, score->false_alarms,
                 score->false_share * 100, score->covered * 100, score->onset_error_ms,
                 score->worst_onset_ms, score->latency_ms, score->end_error_ms);
}

static void
assert_score(LabNoise noise, gdouble snr, const LabScore *score)
{
  if (noise == LAB_NOISE_BABBLE) {
    /* other people's voices are voices: bounded is all that can be asked */
    g_assert_cmpuint(score->hits, >=, score->n_spans - 1);
    g_assert_cmpfloat(score->false_share, <, 0.5);
    return;
  }
  g_assert_cmpuint(score->hits, ==, score->n_spans);
  g_assert_cmpuint(score->false_alarms, ==, 0);
  g_assert_cmpfloat(score->false_share, <, 0.03);
  g_assert_cmpfloat(score->covered, >, snr >= 15 ? 0.88 : snr >= 10 ? 0.8 : 0.6);
  g_assert_cmpfloat(score->onset_error_ms, <, snr >= 15 ? 40 : 80);
  g_assert_cmpfloat(score->worst_onset_ms, <, 180);
  g_assert_cmpfloat(score->latency_ms, <, snr >= 15 ? 130 : 150);
  g_assert_cmpfloat(score->end_error_ms, <, snr >= 10 ? 150 : 250);
}

static void
measure(LabNoise noise, gdouble snr, gdouble level)
{
  g_autoptr(GArray) spans = NULL;
  g_autoptr(GArray) scene = lab_scene(noise, snr, level, &spans);
  g_autoptr(GArray) mulaw = lab_through_mulaw(scene);
  g_autoptr(GArray) ours = detect_with_ours(mulaw);
  g_autoptr(GArray) stock = detect_with_webrtc(mulaw);
  const LabScore score = lab_score(ours, spans, mulaw->len);

  print_score("ours", noise, snr, level, &score);
  if (stock) {
    const LabScore other = lab_score(stock, spans, mulaw->len);

    print_score("webrtcdsp", noise, snr, level, &other);
    if (noise == LAB_NOISE_WHITE || noise == LAB_NOISE_PINK)
      g_assert_cmpfloat(score.false_share, <=, other.false_share + 0.02);
  }
  assert_score(noise, snr, &score);
}

static void
test_speech_in_noise(void)
{
  static const LabNoise noises[] = { LAB_NOISE_WHITE, LAB_NOISE_PINK, LAB_NOISE_BABBLE };

  if (!lab_has_voices()) {
    g_test_skip("no flite voices to speak with");
    return;
  }
  for (gint level = -20; level >= -40; level -= 10)
    measure(LAB_NOISE_NONE, 100, level);
  for (guint i = 0; i < G_N_ELEMENTS(noises); i++)
    for (gint snr = 20; snr >= 5; snr -= 5)
      for (gint level = -20; level >= -40; level -= 10)
        measure(noises[i], snr, level);
}

static gdouble
false_share(GArray *detections, gsize n_samples)
{
  g_autoptr(GArray) nowhere = g_array_new(FALSE, FALSE, sizeof(LabSpan));

  return lab_score(detections, nowhere, n_samples).false_share;
}

static void
test_stationary_noise(void)
{
  for (LabNoise kind = LAB_NOISE_WHITE; kind <= LAB_NOISE_PINK; kind++)
    for (gint level = -50; level <= -20; level += 10) {
      g_autoptr(GArray) noise = lab_noise(kind, 60 * LAB_RATE, 5);
      g_autoptr(GArray) mulaw = NULL;
      g_autoptr(GArray) ours = NULL;
      g_autoptr(GArray) stock = NULL;

      for (gsize i = 0; i < noise->len; i++)
        g_array_index(noise, gfloat, i) *= pow(10, level / 20.0);
      mulaw = lab_through_mulaw(noise);
      ours = detect_with_ours(mulaw);
      stock = detect_with_webrtc(mulaw);
      g_test_message("60 s of %s noise at %d dBFS: ours %u starts, %.1f %% of the time; webrtcdsp "
                     "%d starts, %.1f %%",
                     lab_noise_name(kind), level, ours->len, 100 * false_share(ours, mulaw->len),
                     stock ? (gint)stock->len : -1,
                     stock ? 100 * false_share(stock, mulaw->len) : NAN);
      g_assert_cmpuint(ours->len, ==, 0);
    }
}

int
main(int argc, char **argv)
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/voicedetect/the-same-buffers-come-out", test_pass_through);
  g_test_add_func("/voicedetect/a-start-comes-before-its-buffer-an-end-after", test_order);
  g_test_add_func("/voicedetect/positions-are-those-of-the-sound", test_positions);
  g_test_add_func("/voicedetect/it-tells-how-much-was-sound", test_active);
  g_test_add_func("/voicedetect/positions-are-running-times", test_running_time);
  g_test_add_func("/voicedetect/pcm-of-every-rate-is-heard-alike", test_pcm_rates);
  g_test_add_func("/voicedetect/speech-ends-before-eos", test_eos);
  g_test_add_func("/voicedetect/a-gap-is-silence", test_gap);
  g_test_add_func("/voicedetect/a-hole-in-the-time-stamps-is-silence", test_hole);
  g_test_add_func("/voicedetect/a-flush-forgets-who-was-speaking", test_flush);
  g_test_add_func("/voicedetect/without-time-stamps-samples-count", test_no_timestamps);
  g_test_add_func("/voicedetect/levels-can-be-read", test_stats);
  g_test_add_func("/voicedetect/speech-to-text-can-ask-for-it", test_query);
  g_test_add_func("/voicedetect/speech-is-found-in-noise", test_speech_in_noise);
  g_test_add_func("/voicedetect/stationary-noise-is-left-alone", test_stationary_noise);
  return g_test_run();
}
