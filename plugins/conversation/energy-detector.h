/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define ENERGY_DETECTOR_BANDS 4
#define ENERGY_DETECTOR_SLOTS 6    /* minima kept: 6 of 250 ms */
#define ENERGY_DETECTOR_HISTORY 96 /* samples at 2 kHz: 48 ms */
#define ENERGY_DETECTOR_RECENT 4   /* frames looked at for steadiness */

/* four bands side by side: one multiplication serves them all */
typedef gfloat EnergyBands __attribute__((vector_size(16), aligned(4)));

/**
 * EnergyDetectorSettings:
 * @threshold: dB above the noise at which a frame counts as active
 * @minimum_level: dBFS below which no frame counts as active
 * @min_speech_ms: activity it takes to call it speech, ms
 * @min_silence_ms: inactivity it takes to call it over, ms
 */
typedef struct {
  gdouble threshold;
  gdouble minimum_level;
  guint min_speech_ms;
  guint min_silence_ms;
} EnergyDetectorSettings;

#define ENERGY_DETECTOR_DEFAULT_SETTINGS                                                           \
  ((EnergyDetectorSettings){                                                                       \
      .threshold = 3.5, .minimum_level = -55.0, .min_speech_ms = 60, .min_silence_ms = 250 })

/**
 * EnergyDetectorChange:
 * @ENERGY_DETECTOR_UNCHANGED: all samples are used up
 * @ENERGY_DETECTOR_STARTED: speech began
 * @ENERGY_DETECTOR_STOPPED: speech ended
 */
typedef enum {
  ENERGY_DETECTOR_UNCHANGED,
  ENERGY_DETECTOR_STARTED,
  ENERGY_DETECTOR_STOPPED,
} EnergyDetectorChange;

/**
 * EnergyLevels:
 * @level: energy of the last frames between 200 and 3700 Hz, 1.0 at full scale
 * @noise: energy of the noise there
 * @ratio: how far the last frames stand above the noise, what the threshold is compared with
 *
 * What was heard last.
 */
typedef struct {
  gfloat level;
  gfloat noise;
  gfloat ratio;
} EnergyLevels;

/**
 * EnergyDetector:
 *
 * A voice detector without memory of its own: embed it, init it, feed it. Positions are samples of
 * the input since energy_detector_init().
 */
typedef struct {
  /* settings, the dB already linear */
  gfloat on_ratio;
  gfloat off_ratio;
  gfloat minimum_energy;
  guint min_speech;  /* frames */
  guint min_silence; /* frames */

  /* input at `factor` times 8 kHz */
  guint factor;
  guint phase;
  gfloat sum;

  /* the filters at 8 kHz */
  EnergyBands y1, y2;
  gfloat x1, x2;

  /* the frame that is being filled */
  EnergyBands energy;
  guint filled; /* samples at 8 kHz */
  gfloat low_sum;
  gfloat history[ENERGY_DETECTOR_HISTORY]; /* 200 to 1000 Hz, at 2 kHz */
  guint n_low;

  /* the noise */
  EnergyBands fast;
  EnergyBands slow;
  EnergyBands minimum;
  EnergyBands slots[ENERGY_DETECTOR_SLOTS];
  EnergyBands noise;
  guint slot;
  guint slot_frames;

  /* the decision */
  guint64 frames;
  guint64 position;                      /* samples of the input */
  guint64 origin;                        /* position of frame 0 */
  gfloat recent[ENERGY_DETECTOR_RECENT]; /* energy of the last frames */
  gfloat peak;
  gfloat ratio;
  gfloat unrest; /* mean ratio of what is not speech: 1 for stationary noise */
  gfloat level;
  gboolean speaking;
  gboolean candidate;
  guint64 onset;       /* frame */
  guint64 last_active; /* frame */
  guint active_frames; /* since the onset */
  guint voiced_frames;
  guint run; /* active frames in a row */
} EnergyDetector;

void energy_detector_init(EnergyDetector *self, guint rate);
void energy_detector_configure(EnergyDetector *self, const EnergyDetectorSettings *settings);
EnergyDetectorChange energy_detector_process(EnergyDetector *self, const gint16 *samples,
                                             gsize n_samples, gsize *n_used, guint64 *position);
EnergyDetectorChange energy_detector_skip(EnergyDetector *self, guint64 n_samples,
                                          guint64 *position);
EnergyDetectorChange energy_detector_finish(EnergyDetector *self, guint64 *position);
guint64 energy_detector_get_active(const EnergyDetector *self);
EnergyLevels energy_detector_get_levels(const EnergyDetector *self);

G_END_DECLS
