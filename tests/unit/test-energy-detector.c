/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "energy-detector.h"
#include "speech-lab.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SECONDS(n) ((gsize)((n)*LAB_RATE))

static void
scale(GArray *samples, gdouble dbfs, gsize from, gsize to)
{
  const gdouble gain = pow(10, dbfs / 20);

  for (gsize i = from; i < MIN(to, samples->len); i++)
    g_array_index(samples, gfloat, i) *= gain;
}

static gint16 *
to_pcm(GArray *samples)
{
  gint16 *pcm = g_new(gint16, samples->len);

  for (gsize i = 0; i < samples->len; i++)
    pcm[i] = CLAMP(lrintf(g_array_index(samples, gfloat, i) * 32768), -32768, 32767);
  return pcm;
}

/* All changes, as "+start -end" in samples. */
static gchar *
detect(EnergyDetector *detector, const gint16 *pcm, gsize n_samples, gsize chunk)
{
  GString *out = g_string_new(NULL);
  guint64 position;

  for (gsize at = 0; at < n_samples; at += chunk) {
    const gsize n_chunk = MIN(chunk, n_samples - at);
    gsize done = 0;

    while (done < n_chunk) {
      gsize n_used;
      const EnergyDetectorChange change =
          energy_detector_process(detector, pcm + at + done, n_chunk - done, &n_used, &position);

      done += n_used;
      if (change != ENERGY_DETECTOR_UNCHANGED)
        g_string_append_printf(out, "%c%" G_GUINT64_FORMAT " ",
                               change == ENERGY_DETECTOR_STARTED ? '+' : '-', position);
    }
  }
  if (energy_detector_finish(detector, &position) == ENERGY_DETECTOR_STOPPED)
    g_string_append_printf(out, "-%" G_GUINT64_FORMAT " ", position);
  return g_string_free(out, FALSE);
}

static gchar *
detect_all(GArray *samples)
{
  g_autofree gint16 *pcm = to_pcm(samples);
  EnergyDetector detector;

  energy_detector_init(&detector, LAB_RATE);
  return detect(&detector, pcm, samples->len, 160);
}

/* Syllables of a voice at 120 Hz, four a second, between from and to. */
static GArray *
vowels(gsize n_samples, gsize from, gsize to, guint rate)
{
  GArray *out = g_array_sized_new(FALSE, TRUE, sizeof(gfloat), n_samples);

  g_array_set_size(out, n_samples);
  for (gsize i = from; i < to; i++) {
    const gdouble t = (gdouble)(i - from) / rate;
    gdouble sum = 0;

    for (guint k = 1; k < 20; k++)
      sum += sin(2 * G_PI * 120 * k * t + k * k) / k;
    g_array_index(out, gfloat, i) = 0.2 * sum * pow(sin(2 * G_PI * 2 * t), 2);
  }
  return out;
}

static void
test_stationary(void)
{
  for (LabNoise kind = LAB_NOISE_WHITE; kind <= LAB_NOISE_HUM; kind++)
    for (gint level = -50; level <= -20; level += 10) {
      g_autoptr(GArray) noise = lab_noise(kind, SECONDS(60), kind * 100 - level);
      g_autofree gchar *found = NULL;

      scale(noise, level, 0, noise->len);
      found = detect_all(noise);
      g_test_message("%s at %d dBFS: %s", lab_noise_name(kind), level, *found ? found : "silent");
      g_assert_cmpstr(found, ==, "");
    }
}

static void
test_jump(void)
{
  for (LabNoise kind = LAB_NOISE_WHITE; kind <= LAB_NOISE_HUM; kind++)
    for (gint jump = 10; jump <= 30; jump += 10) {
      g_autoptr(GArray) noise = lab_noise(kind, SECONDS(20), 7);
      g_autofree gchar *found = NULL;

      scale(noise, -50, 0, noise->len);
      scale(noise, jump, SECONDS(5), SECONDS(12));
      found = detect_all(noise);
      g_assert_cmpstr(found, ==, "");
    }
}

static void
test_floor_follows(void)
{
  g_autoptr(GArray) noise = lab_noise(LAB_NOISE_WHITE, SECONDS(10), 7);
  g_autofree gint16 *pcm = NULL;
  EnergyDetector detector;
  g_autofree gchar *found = NULL;
  gfloat before;

  scale(noise, -50, 0, noise->len);
  scale(noise, 20, SECONDS(5), noise->len);
  pcm = to_pcm(noise);
  energy_detector_init(&detector, LAB_RATE);
  found = detect(&detector, pcm, SECONDS(5), 160);
  before = energy_detector_get_levels(&detector).noise;
  g_free(g_steal_pointer(&found));
  found = detect(&detector, pcm + SECONDS(5), SECONDS(2), 160);
  g_assert_cmpfloat(energy_detector_get_levels(&detector).noise, >, before * 50);
  g_assert_cmpfloat(energy_detector_get_levels(&detector).ratio, <, 2);
}

static void
test_clicks(void)
{
  for (gint level = -30; level <= -6; level += 12) {
    g_autoptr(GArray) sound = lab_noise(LAB_NOISE_WHITE, SECONDS(20), 3);
    g_autofree gchar *found = NULL;

    scale(sound, -55, 0, sound->len);
    for (gsize i = SECONDS(2); i < sound->len; i++)
      if (i % SECONDS(1) < SECONDS(0.01))
        g_array_index(sound, gfloat, i) += (i % 8 < 4 ? 1 : -1) * pow(10, level / 20.0);
    found = detect_all(sound);
    g_assert_cmpstr(found, ==, "");
  }
}

/* Keys of 100 ms, that begin anywhere in a frame. */
static GArray *
keypresses(gdouble dbfs, gsize shift)
{
  static const gint rows[] = { 697, 770, 852, 941 }, columns[] = { 1209, 1336, 1477, 1633 };
  GArray *sound = lab_noise(LAB_NOISE_WHITE, SECONDS(20), 3);

  scale(sound, -55, 0, sound->len);
  for (gsize i = SECONDS(2); i < sound->len; i++) {
    const guint key = (i + shift) / SECONDS(0.5);
    const gdouble t = 2 * G_PI * i / LAB_RATE;

    if ((i + shift) % SECONDS(0.5) < SECONDS(0.1))
      g_array_index(sound, gfloat, i) +=
          pow(10, dbfs / 20) * (sin(rows[key % 4] * t) + sin(columns[key / 4 % 4] * t));
  }
  return sound;
}

static void
test_keypresses(void)
{
  for (gint level = -30; level <= -10; level += 10)
    for (gsize shift = 0; shift < 80; shift += 13) {
      g_autoptr(GArray) sound = keypresses(level, shift);
      g_autofree gchar *found = detect_all(sound);

      g_assert_cmpstr(found, ==, "");
    }
}

static void
test_tone(void)
{
  g_autoptr(GArray) sound = lab_noise(LAB_NOISE_WHITE, SECONDS(10), 3);
  g_autofree gchar *found = NULL;

  scale(sound, -55, 0, sound->len);
  for (gsize i = SECONDS(3); i < SECONDS(7); i++)
    g_array_index(sound, gfloat, i) += 0.1 * sin(2 * G_PI * 440 * i / LAB_RATE);
  found = detect_all(sound);
  g_assert_cmpstr(found, ==, "");
}

static void
assert_spans(const gchar *found, gdouble start, gdouble end, gdouble rate)
{
  guint64 from, to;
  gint length = 0;

  g_assert_cmpint(
      sscanf(found, "+%" G_GUINT64_FORMAT " -%" G_GUINT64_FORMAT " %n", &from, &to, &length), ==,
      2);
  g_assert_cmpuint(strlen(found), ==, length);
  g_assert_cmpfloat_with_epsilon(from / rate, start, 0.06);
  g_assert_cmpfloat_with_epsilon(to / rate, end, 0.08);
}

static void
test_any_chunk(void)
{
  static const gsize chunks[] = { 1, 7, 79, 80, 81, 160, 333, 1 << 20 };
  g_autoptr(GArray) sound = vowels(SECONDS(6), SECONDS(2), SECONDS(4), LAB_RATE);
  g_autofree gint16 *pcm = to_pcm(sound);
  g_autofree gchar *first = NULL;

  for (guint i = 0; i < G_N_ELEMENTS(chunks); i++) {
    EnergyDetector detector;
    g_autofree gchar *found = NULL;

    energy_detector_init(&detector, LAB_RATE);
    found = detect(&detector, pcm, sound->len, chunks[i]);
    assert_spans(found, 2, 4, LAB_RATE);
    if (first == NULL)
      first = g_strdup(found);
    g_assert_cmpstr(found, ==, first);
  }
}

static void
test_any_rate(void)
{
  static const guint rates[] = { 8000, 16000, 24000, 48000 };

  for (guint i = 0; i < G_N_ELEMENTS(rates); i++) {
    g_autoptr(GArray) sound = vowels(rates[i] * 6, rates[i] * 2, rates[i] * 4, rates[i]);
    g_autofree gint16 *pcm = to_pcm(sound);
    EnergyDetector detector;
    g_autofree gchar *found = NULL;

    energy_detector_init(&detector, rates[i]);
    found = detect(&detector, pcm, sound->len, rates[i] / 50);
    assert_spans(found, 2, 4, rates[i]);
  }
}

static void
test_settings(void)
{
  g_autoptr(GArray) sound = vowels(SECONDS(6), SECONDS(2), SECONDS(4), LAB_RATE);
  g_autofree gint16 *pcm = to_pcm(sound);
  EnergyDetectorSettings settings = ENERGY_DETECTOR_DEFAULT_SETTINGS;
  EnergyDetector detector;
  g_autofree gchar *quiet = NULL;
  g_autofree gchar *split = NULL;

  settings.minimum_level = -3;
  energy_detector_init(&detector, LAB_RATE);
  energy_detector_configure(&detector, &settings);
  quiet = detect(&detector, pcm, sound->len, 160);
  g_assert_cmpstr(quiet, ==, "");

  settings = ENERGY_DETECTOR_DEFAULT_SETTINGS;
  settings.minimum_level = -30;
  settings.min_silence_ms = 20;
  energy_detector_init(&detector, LAB_RATE);
  energy_detector_configure(&detector, &settings);
  split = detect(&detector, pcm, sound->len, 160);
  g_assert_nonnull(strchr(strchr(split, '+') + 1, '+'));
}

/* A vowel is known for what it is when it has lasted 50 ms; the first 10 are too quiet here. */
static void
test_soon(void)
{
  g_autoptr(GArray) sound = vowels(SECONDS(4), SECONDS(2), SECONDS(4), LAB_RATE);
  g_autofree gint16 *pcm = to_pcm(sound);
  EnergyDetector detector;
  guint64 position;
  gsize n_used, done = 0;

  energy_detector_init(&detector, LAB_RATE);
  while (!detector.speaking) {
    energy_detector_process(&detector, pcm + done, 80, &n_used, &position);
    done += n_used;
  }
  g_test_message("decided after %.0f ms", (done - SECONDS(2)) / 8.0);
  g_assert_cmpuint(done, <=, SECONDS(2.07));
}

static void
test_skip(void)
{
  g_autoptr(GArray) sound = vowels(SECONDS(4), SECONDS(2), SECONDS(4), LAB_RATE);
  g_autofree gint16 *pcm = to_pcm(sound);
  EnergyDetector detector;
  guint64 position = 0;
  gsize done = 0;

  energy_detector_init(&detector, LAB_RATE);
  while (done < sound->len) {
    gsize n_used;

    energy_detector_process(&detector, pcm + done, sound->len - done, &n_used, &position);
    done += n_used;
  }
  g_assert_true(detector.speaking);
  g_assert_cmpint(energy_detector_skip(&detector, SECONDS(0.1), &position), ==,
                  ENERGY_DETECTOR_UNCHANGED);
  g_assert_cmpint(energy_detector_skip(&detector, SECONDS(1), &position), ==,
                  ENERGY_DETECTOR_STOPPED);
  g_assert_cmpuint(position, <=, SECONDS(4));
  g_assert_cmpuint(position, >, SECONDS(3.9));
  g_assert_cmpuint(detector.position, ==, SECONDS(5.1));
  g_assert_cmpint(energy_detector_finish(&detector, &position), ==, ENERGY_DETECTOR_UNCHANGED);
}

static void
test_cost(void)
{
  g_autoptr(GArray) noise = lab_noise(LAB_NOISE_PINK, SECONDS(60), 1);
  g_autofree gint16 *pcm = NULL;
  g_autofree gchar *found = NULL;
  EnergyDetector detector;
  gint64 start;

  scale(noise, -30, 0, noise->len);
  pcm = to_pcm(noise);
  energy_detector_init(&detector, LAB_RATE);
  start = g_get_monotonic_time();
  found = detect(&detector, pcm, noise->len, 160);
  g_test_message("%.2f us for 20 ms, %" G_GSIZE_FORMAT " bytes of state",
                 (g_get_monotonic_time() - start) / 3000.0, sizeof detector);
  g_assert_cmpuint(sizeof detector, <, 4096);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/energy-detector/stationary-noise-is-no-speech", test_stationary);
  g_test_add_func("/energy-detector/noise-that-grows-louder-is-no-speech", test_jump);
  g_test_add_func("/energy-detector/the-floor-follows-within-two-seconds", test_floor_follows);
  g_test_add_func("/energy-detector/a-click-is-no-speech", test_clicks);
  g_test_add_func("/energy-detector/keypresses-are-no-speech", test_keypresses);
  g_test_add_func("/energy-detector/a-tone-is-no-speech", test_tone);
  g_test_add_func("/energy-detector/the-size-of-chunks-does-not-matter", test_any_chunk);
  g_test_add_func("/energy-detector/every-rate-gives-the-same-bounds", test_any_rate);
  g_test_add_func("/energy-detector/settings-are-heeded", test_settings);
  g_test_add_func("/energy-detector/a-vowel-is-known-soon", test_soon);
  g_test_add_func("/energy-detector/lost-sound-counts-as-silence", test_skip);
  g_test_add_func("/energy-detector/it-is-small", test_cost);
  return g_test_run();
}
