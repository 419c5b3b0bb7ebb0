/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "speech-lab.h"

#include <math.h>
#include <string.h>

#ifdef HAVE_FLITE
#  include <flite/flite.h>

cst_voice *register_cmu_us_kal16(const char *voxdir);
cst_voice *register_cmu_us_rms(const char *voxdir);
#endif

#define N_VOICES 2
#define FRAME 80 /* samples */

static const gchar *const sentences[] = {
  "yes please",
  "I would like to make an appointment for next tuesday morning",
  "no",
  "my number is four two seven nine",
  "hello can you hear me",
  "six",
  "thank you that is all",
  "could you please tell me what a cleaning costs",
};

const gchar *
lab_noise_name(LabNoise noise)
{
  static const gchar *const names[] = { "clean", "white", "pink", "hum", "babble" };

  return names[noise];
}

gboolean
lab_has_voices(void)
{
#ifdef HAVE_FLITE
  return TRUE;
#else
  return FALSE;
#endif
}

gdouble
lab_rms(const gfloat *samples, gsize n_samples)
{
  gdouble sum = 0;

  for (gsize i = 0; i < n_samples; i++)
    sum += samples[i] * samples[i];
  return n_samples ? sqrt(sum / n_samples) : 0;
}

static GArray *
lab_array(gsize n_samples)
{
  GArray *array = g_array_sized_new(FALSE, TRUE, sizeof(gfloat), n_samples);

  g_array_set_size(array, n_samples);
  return array;
}

#ifdef HAVE_FLITE
static GArray *
halve_rate(const short *samples, gsize n_samples)
{
  GArray *out = lab_array(n_samples / 2);

  for (gsize i = 0; i < out->len; i++) {
    gdouble sum = 0;

    for (gint k = -24; k <= 24; k++) {
      const gssize at = (gssize)i * 2 + k;
      const gdouble window = 0.54 + 0.46 * cos(G_PI * k / 24.0);
      const gdouble sinc = k ? sin(G_PI * 0.46 * k) / (G_PI * k) : 0.46;

      if (at >= 0 && at < (gssize)n_samples)
        sum += samples[at] / 32768.0 * window * sinc;
    }
    g_array_index(out, gfloat, i) = sum;
  }
  return out;
}

/* Cuts what lies more than 40 dB under the loudest 10 ms at either end. */
static void
trim(GArray *samples)
{
  gfloat *x = (gfloat *)samples->data;
  const gsize n_frames = samples->len / FRAME;
  gdouble peak = 0;
  gsize first = 0, last = n_frames;

  for (gsize i = 0; i < n_frames; i++)
    peak = MAX(peak, lab_rms(x + i * FRAME, FRAME));
  while (first < last && lab_rms(x + first * FRAME, FRAME) < peak * 0.01)
    first++;
  while (last > first && lab_rms(x + (last - 1) * FRAME, FRAME) < peak * 0.01)
    last--;
  g_array_set_size(samples, last * FRAME);
  g_array_remove_range(samples, 0, first * FRAME);
}

static GArray *
synthesize(const gchar *text, guint voice)
{
  static cst_voice *voices[N_VOICES];
  cst_wave *wave;
  GArray *samples;

  if (voices[0] == NULL) {
    flite_init();
    voices[0] = register_cmu_us_kal16(NULL);
    voices[1] = register_cmu_us_rms(NULL);
  }
  wave = flite_text_to_wave(text, voices[voice % N_VOICES]);
  g_assert_cmpint(wave->sample_rate, ==, 16000);
  samples = halve_rate(wave->samples, wave->num_samples);
  delete_wave(wave);
  trim(samples);
  return samples;
}
#else
static GArray *
synthesize(const gchar *text, guint voice)
{
  return lab_array(0);
}
#endif

GArray *
lab_say(const gchar *text, guint voice)
{
  static GHashTable *said;
  g_autofree gchar *key = g_strdup_printf("%u %s", voice % N_VOICES, text);
  GArray *speech;

  if (said == NULL)
    said = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
  speech = g_hash_table_lookup(said, key);
  if (speech == NULL) {
    speech = synthesize(text, voice);
    g_hash_table_insert(said, g_steal_pointer(&key), speech);
  }
  return g_array_copy(speech);
}

static gfloat
gaussian(GRand *rand)
{
  gdouble sum = 0;

  for (guint i = 0; i < 12; i++)
    sum += g_rand_double(rand);
  return sum - 6.0;
}

/* Paul Kellet's filter: pink within 0.05 dB above 9.2 Hz at 44.1 kHz, good enough here */
static gfloat
pink(gfloat white, gdouble b[7])
{
  gdouble sum;

  b[0] = 0.99886 * b[0] + white * 0.0555179;
  b[1] = 0.99332 * b[1] + white * 0.0750759;
  b[2] = 0.96900 * b[2] + white * 0.1538520;
  b[3] = 0.86650 * b[3] + white * 0.3104856;
  b[4] = 0.55000 * b[4] + white * 0.5329522;
  b[5] = -0.7616 * b[5] - white * 0.0168980;
  sum = b[0] + b[1] + b[2] + b[3] + b[4] + b[5] + b[6] + white * 0.5362;
  b[6] = white * 0.115926;
  return sum;
}

static void
add_babble(GArray *out, GRand *rand)
{
  static const gchar *const talk =
      "and then we went to the market where she bought some apples and "
      "a large melon before the rain came down on all of us again";

  for (guint voice = 0; voice < 6; voice++) {
    g_autoptr(GArray) speech = lab_say(talk, voice);
    const gsize shift = g_rand_int_range(rand, 0, MAX(speech->len, 1));

    for (gsize i = 0; i < out->len && speech->len > 0; i++)
      g_array_index(out, gfloat, i) +=
          g_array_index(speech, gfloat, (i + shift + voice * 7919) % speech->len);
  }
}

/* Noise of RMS 1. */
GArray *
lab_noise(LabNoise kind, gsize n_samples, guint32 seed)
{
  g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
  GArray *out = lab_array(n_samples);
  gfloat *x = (gfloat *)out->data;
  gdouble state[7] = { 0 }, rms;

  for (gsize i = 0; i < n_samples; i++) {
    const gdouble t = 2 * G_PI * i / LAB_RATE;

    if (kind == LAB_NOISE_WHITE)
      x[i] = gaussian(rand);
    else if (kind == LAB_NOISE_PINK)
      x[i] = pink(gaussian(rand), state);
    else if (kind == LAB_NOISE_HUM)
      x[i] = sin(50 * t) + 0.5 * sin(150 * t + 1) + 0.3 * sin(250 * t + 2) + 0.2 * sin(350 * t);
  }
  if (kind == LAB_NOISE_BABBLE)
    add_babble(out, rand);
  rms = lab_rms(x, n_samples);
  for (gsize i = 0; i < n_samples && rms > 0; i++)
    x[i] /= rms;
  return out;
}

/* Sentences of two voices in noise, pauses of 2 s between them. The speech stands at level_db dBFS,
 * the noise snr_db under it. */
GArray *
lab_scene(LabNoise kind, gdouble snr_db, gdouble level_db, GArray **spans)
{
  const gdouble level = pow(10, level_db / 20);
  GArray *scene = lab_array(3 * LAB_RATE);

  *spans = g_array_new(FALSE, TRUE, sizeof(LabSpan));
  for (guint i = 0; i < G_N_ELEMENTS(sentences); i++) {
    g_autoptr(GArray) speech = lab_say(sentences[i], i);
    g_autoptr(GArray) pause = lab_array(2 * LAB_RATE + i * 371);
    const gdouble rms = lab_rms((gfloat *)speech->data, speech->len);
    const LabSpan span = { scene->len, scene->len + speech->len };

    for (gsize k = 0; k < speech->len; k++)
      g_array_index(speech, gfloat, k) *= level / rms;
    g_array_append_vals(scene, speech->data, speech->len);
    g_array_append_vals(scene, pause->data, pause->len);
    g_array_append_val(*spans, span);
  }
  if (kind != LAB_NOISE_NONE) {
    g_autoptr(GArray) noise = lab_noise(kind, scene->len, 42);

    for (gsize i = 0; i < scene->len; i++)
      g_array_index(scene, gfloat, i) +=
          g_array_index(noise, gfloat, i) * level * pow(10, -snr_db / 20);
  }
  return scene;
}

static guint8
mulaw_encode(gint sample)
{
  const guint8 sign = sample < 0 ? 0x80 : 0;
  gint magnitude = MIN(ABS(sample), 32635) + 132;
  gint exponent = 7;

  while (exponent > 0 && !(magnitude & (0x80 << exponent)))
    exponent--;
  return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 0x0f));
}

/* Bytes of mu-law. */
GArray *
lab_through_mulaw(GArray *samples)
{
  GArray *out = g_array_sized_new(FALSE, FALSE, 1, samples->len);

  g_array_set_size(out, samples->len);
  for (gsize i = 0; i < samples->len; i++)
    g_array_index(out, guint8, i) =
        mulaw_encode(CLAMP(lrintf(g_array_index(samples, gfloat, i) * 32768), -32768, 32767));
  return out;
}

static gboolean
overlap(const LabSpan *a, const LabSpan *b)
{
  return a->start < b->end && b->start < a->end;
}

static void
score_span(LabScore *score, const LabSpan *span, GArray *detections)
{
  gboolean hit = FALSE;
  gsize last_end = 0;

  for (guint i = 0; i < detections->len; i++) {
    const LabDetection *d = &g_array_index(detections, LabDetection, i);
    const gdouble error = ((gdouble)d->span.start - span->start) * 1000 / LAB_RATE;

    if (!overlap(&d->span, span))
      continue;
    last_end = d->span.end;
    if (hit) {
      score->splits++;
      continue;
    }
    hit = TRUE;
    score->hits++;
    score->onset_error_ms += fabs(error);
    score->worst_onset_ms = MAX(score->worst_onset_ms, error);
    score->latency_ms += ((gdouble)d->decided - span->start) * 1000 / LAB_RATE;
  }
  if (hit)
    score->end_error_ms += fabs((gdouble)last_end - span->end) * 1000 / LAB_RATE;
}

LabScore
lab_score(GArray *detections, GArray *spans, gsize n_samples)
{
  LabScore score = { .n_spans = spans->len };
  g_autofree guint8 *truth = g_malloc0(n_samples), *found = g_malloc0(n_samples);
  gsize speech = 0, silence = 0, covered = 0, wrong = 0;

  for (guint i = 0; i < spans->len; i++) {
    const LabSpan *span = &g_array_index(spans, LabSpan, i);

    memset(truth + span->start, 1, span->end - span->start);
    score_span(&score, span, detections);
  }
  for (guint i = 0; i < detections->len; i++) {
    const LabDetection *d = &g_array_index(detections, LabDetection, i);
    gboolean touches = FALSE;

    for (guint k = 0; k < spans->len; k++)
      touches |= overlap(&d->span, &g_array_index(spans, LabSpan, k));
    score.false_alarms += !touches;
    memset(found + d->span.start, 1, MIN(d->span.end, n_samples) - d->span.start);
  }
  for (gsize i = 0; i < n_samples; i++) {
    speech += truth[i];
    silence += !truth[i];
    covered += truth[i] && found[i];
    wrong += !truth[i] && found[i];
  }
  score.covered = speech ? (gdouble)covered / speech : 0;
  score.false_share = silence ? (gdouble)wrong / silence : 0;
  if (score.hits > 0) {
    score.onset_error_ms /= score.hits;
    score.latency_ms /= score.hits;
    score.end_error_ms /= score.hits;
  }
  return score;
}
