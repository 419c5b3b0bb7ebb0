/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Speech with known bounds in noise, as a telephone hears it: what voice detectors are measured
 * with. 8 kHz, 1.0 is full scale. */

#define LAB_RATE 8000

typedef enum {
  LAB_NOISE_NONE,
  LAB_NOISE_WHITE,
  LAB_NOISE_PINK,
  LAB_NOISE_HUM,
  LAB_NOISE_BABBLE,
} LabNoise;

/* Where speech begins and ends, in samples. */
typedef struct {
  gsize start;
  gsize end;
} LabSpan;

/* One detected span and the sample at which the detector had decided its start. */
typedef struct {
  LabSpan span;
  gsize decided;
} LabDetection;

typedef struct {
  guint n_spans;
  guint hits;
  guint splits;           /* detections beyond the first inside one utterance */
  guint false_alarms;     /* detections that touch no utterance */
  gdouble false_share;    /* of the time without speech, as decided at that time */
  gdouble covered;        /* of the time with speech, by span */
  gdouble onset_error_ms; /* mean of absolute values */
  gdouble worst_onset_ms; /* latest reported onset */
  gdouble latency_ms;     /* mean from true onset to decision */
  gdouble end_error_ms;   /* mean of absolute values */
} LabScore;

const gchar *lab_noise_name(LabNoise noise);
gboolean lab_has_voices(void);
GArray *lab_say(const gchar *text, guint voice);
GArray *lab_noise(LabNoise kind, gsize n_samples, guint32 seed);
gdouble lab_rms(const gfloat *samples, gsize n_samples);
GArray *lab_scene(LabNoise noise, gdouble snr_db, gdouble level_db, GArray **spans);
GArray *lab_through_mulaw(GArray *samples);
LabScore lab_score(GArray *detections, GArray *spans, gsize n_samples);
