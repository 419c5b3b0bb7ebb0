/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "energy-detector.h"

#include <math.h>
#include <string.h>

/*
 * Sound is compared with the noise in four bands, each against its own floor: the floor is the
 * minimum of the last 1.5 s (minimum statistics), which speech cannot lift because it pauses and
 * which a new noise lifts after that time. Standing above the floor opens a candidate; only voiced
 * and unsteady sound makes speech of it, so that a noise that grows louder, a click and a tone
 * (keypress, hum, beep) do not.
 */
#define FRAME 80                       /* samples at 8 kHz: 10 ms */
#define DECIMATION 4                   /* 8 kHz to 2 kHz */
#define LOW_FRAME (FRAME / DECIMATION) /* samples at 2 kHz */
#define SLOT_FRAMES 25                 /* 250 ms */
#define WARM_UP_FRAMES 50              /* 500 ms */
#define MAX_GAP 8                      /* frames without activity that end a candidate */
#define MAX_ONSET 50                   /* frames that an onset can lie back */
#define RUN 3                          /* active frames in a row that end a silence */
#define MIN_VOICED 3                   /* voiced frames that make speech of a candidate */
#define STRONG 4.0f                    /* 6 dB above the threshold it is sure sooner: */
#define STRONG_ACTIVE 5                /* 50 ms; in fewer a tone that begins is not steady yet */
#define STRONG_VOICED 2
#define MIN_LAG 6  /* at 2 kHz: 333 Hz */
#define MAX_LAG 34 /* at 2 kHz: 59 Hz */
#define VOICED_WINDOW (ENERGY_DETECTOR_HISTORY - MAX_LAG)
#define VOICED 0.6f                 /* of the normalized autocorrelation */
#define STEADY 1.26f                /* largest to smallest frame: 1 dB */
#define HYSTERESIS_DB 1.5           /* dB */
#define UNREST_MAX 8.0f             /* 9 dB */
#define UNREST_STEP 0.01f           /* of a frame: 1 s */
#define UNREST_STEP_SPEAKING 0.001f /* of a frame: 10 s, lest babble be speech for ever */
#define DECAY 0.3f /* a frame this far below the smoothed level is the tail of a click or tone */
#define NOISE_MIN 1e-8f       /* of a band: -80 dBFS */
#define NOISE_WARM_UP 2.5e-6f /* of a band: -56 dBFS */
#define SILENT 1e-20f         /* before the filters' tails become denormal and slow */
#define PEAK_RANGE 3e-4f      /* 35 dB below the loudest part nothing is speech */
#define PEAK_DECAY 0.977f     /* a frame: 10 dB a second */

/* band-pass filters 200-500, 500-1000, 1000-2000, 2000-3700 Hz at 8 kHz (RBJ cookbook) */
static const EnergyBands filter_b0 = { 0.104426f, 0.157122f, 0.240578f, 0.208726f };
static const EnergyBands filter_a1 = { -1.736188f, -1.432405f, -0.674391f, 0.848280f };
static const EnergyBands filter_a2 = { 0.791148f, 0.685757f, 0.518844f, 0.582547f };

/* how far the minimum of 1.5 s of noise lies below its mean; the narrower the band, the farther */
static const EnergyBands minimum_bias = { 1.4f, 1.3f, 1.25f, 1.25f };

static EnergyBands
bands_all(gfloat value)
{
  return (EnergyBands){ value, value, value, value };
}

static EnergyBands
bands_min(EnergyBands a, EnergyBands b)
{
  return (EnergyBands){ MIN(a[0], b[0]), MIN(a[1], b[1]), MIN(a[2], b[2]), MIN(a[3], b[3]) };
}

static EnergyBands
bands_max(EnergyBands a, EnergyBands b)
{
  return (EnergyBands){ MAX(a[0], b[0]), MAX(a[1], b[1]), MAX(a[2], b[2]), MAX(a[3], b[3]) };
}

static gfloat
bands_sum(EnergyBands a)
{
  return a[0] + a[1] + a[2] + a[3];
}

static gfloat
from_db(gdouble db)
{
  return pow(10.0, db / 10.0);
}

/**
 * energy_detector_configure:
 * @self: a detector
 * @settings: what to listen for
 *
 * Takes effect with the next frame.
 */
void
energy_detector_configure(EnergyDetector *self, const EnergyDetectorSettings *settings)
{
  self->on_ratio = from_db(settings->threshold);
  self->off_ratio = from_db(MAX(settings->threshold - HYSTERESIS_DB, settings->threshold / 2));
  self->minimum_energy = from_db(settings->minimum_level);
  self->min_speech = (settings->min_speech_ms + 9) / 10;
  self->min_silence = MAX((settings->min_silence_ms + 9) / 10, 1);
}

static void
forget_noise(EnergyDetector *self)
{
  self->minimum = bands_all(G_MAXFLOAT);
  for (guint i = 0; i < ENERGY_DETECTOR_SLOTS; i++)
    self->slots[i] = bands_all(G_MAXFLOAT);
  self->noise = bands_all(NOISE_MIN);
}

/**
 * energy_detector_init:
 * @self: memory for a detector
 * @rate: 8000, 16000, 24000 or 48000
 *
 * Sets it up with the default settings and nothing heard.
 */
void
energy_detector_init(EnergyDetector *self, guint rate)
{
  const EnergyDetectorSettings settings = ENERGY_DETECTOR_DEFAULT_SETTINGS;

  memset(self, 0, sizeof *self);
  self->factor = MAX(rate / 8000, 1);
  forget_noise(self);
  energy_detector_configure(self, &settings);
}

static void
follow_noise(EnergyDetector *self, EnergyBands energy)
{
  EnergyBands lowest;

  if (self->frames == 0)
    self->slow = self->fast = energy;
  self->fast += 0.5f * (energy - self->fast);
  self->slow += 0.2f * (energy - self->slow);
  self->minimum = bands_min(self->minimum, self->slow);
  lowest = self->minimum;
  for (guint i = 0; i < ENERGY_DETECTOR_SLOTS; i++)
    lowest = bands_min(lowest, self->slots[i]);
  self->noise = bands_max(lowest * minimum_bias, bands_all(NOISE_MIN));
  if (self->frames < WARM_UP_FRAMES)
    self->noise = bands_min(self->noise, bands_all(NOISE_WARM_UP));
  if (++self->slot_frames < SLOT_FRAMES)
    return;
  self->slots[self->slot] = self->minimum;
  self->slot = (self->slot + 1) % ENERGY_DETECTOR_SLOTS;
  self->slot_frames = 0;
  self->minimum = self->slow;
}

/* Voices in the background move far above their own minimum: they raise what counts as activity. */
static void
follow_unrest(EnergyDetector *self)
{
  if (!self->speaking)
    self->unrest += UNREST_STEP * (MIN(self->ratio, UNREST_MAX) - self->unrest);
  else if (self->ratio < UNREST_MAX)
    self->unrest += UNREST_STEP_SPEAKING * (self->ratio - self->unrest);
}

/* Voiced sound repeats itself at the pitch: autocorrelation of 31 ms of 200 to 1000 Hz. */
static gboolean
is_voiced(const EnergyDetector *self)
{
  const gfloat *x = self->history + MAX_LAG;
  gfloat energy = 0, energy_lag = 0;

  for (guint i = 0; i < VOICED_WINDOW; i++)
    energy += x[i] * x[i];
  for (guint i = 0; i < VOICED_WINDOW; i++)
    energy_lag += x[(gint)i - MIN_LAG] * x[(gint)i - MIN_LAG];
  for (gint lag = MIN_LAG; lag <= MAX_LAG; lag++) {
    gfloat sum = 0;

    for (guint i = 0; i < VOICED_WINDOW; i++)
      sum += x[i] * x[(gint)i - lag];
    if (sum > 0 && sum * sum > VOICED * VOICED * energy * energy_lag)
      return TRUE;
    energy_lag += x[-lag - 1] * x[-lag - 1];
    energy_lag -= x[(gint)VOICED_WINDOW - 1 - lag] * x[(gint)VOICED_WINDOW - 1 - lag];
  }
  return FALSE;
}

static gboolean
is_steady(const EnergyDetector *self)
{
  gfloat low = self->recent[0], high = self->recent[0];

  for (guint i = 1; i < ENERGY_DETECTOR_RECENT; i++) {
    low = MIN(low, self->recent[i]);
    high = MAX(high, self->recent[i]);
  }
  return high < low * STEADY;
}

static gboolean
is_active(const EnergyDetector *self)
{
  const gfloat ratio = self->speaking ? self->off_ratio : self->on_ratio;

  if (self->ratio < ratio * MAX(self->unrest, 1.0f) || self->level < self->minimum_energy)
    return FALSE;
  if (self->speaking)
    return self->level >= self->peak * PEAK_RANGE;
  return self->recent[self->frames % ENERGY_DETECTOR_RECENT] >= self->level * DECAY;
}

static gboolean
is_sure(const EnergyDetector *self)
{
  const gboolean strong = self->ratio >= STRONG * self->on_ratio * MAX(self->unrest, 1.0f);

  return self->active_frames >=
             (strong ? MIN(self->min_speech, STRONG_ACTIVE) : self->min_speech) &&
         self->voiced_frames >= (strong ? STRONG_VOICED : MIN_VOICED);
}

static EnergyDetectorChange
listen_for_start(EnergyDetector *self, gboolean active)
{
  if (!active) {
    if (self->candidate && self->frames - self->last_active > MAX_GAP)
      self->candidate = FALSE;
    return ENERGY_DETECTOR_UNCHANGED;
  }
  if (!self->candidate) {
    self->candidate = TRUE;
    self->onset = self->frames;
    self->active_frames = self->voiced_frames = 0;
  }
  self->active_frames++;
  self->last_active = self->frames;
  if (is_steady(self))
    self->voiced_frames = 0;
  else if (is_voiced(self))
    self->voiced_frames++;
  if (!is_sure(self))
    return ENERGY_DETECTOR_UNCHANGED;
  if (self->frames - self->onset > MAX_ONSET)
    self->onset = self->frames - MAX_ONSET;
  self->candidate = FALSE;
  self->speaking = TRUE;
  return ENERGY_DETECTOR_STARTED;
}

static EnergyDetectorChange
listen_for_stop(EnergyDetector *self, gboolean active)
{
  self->run = active ? self->run + 1 : 0;
  self->active_frames += active;
  if (self->run >= RUN || (active && self->last_active + 1 == self->frames))
    self->last_active = self->frames;
  if (self->frames - self->last_active < self->min_silence)
    return ENERGY_DETECTOR_UNCHANGED;
  self->speaking = FALSE;
  self->peak = 0;
  return ENERGY_DETECTOR_STOPPED;
}

static EnergyDetectorChange
decide(EnergyDetector *self, gboolean active)
{
  return self->speaking ? listen_for_stop(self, active) : listen_for_start(self, active);
}

static EnergyDetectorChange
end_frame(EnergyDetector *self)
{
  const EnergyBands energy = self->energy * (1.0f / FRAME);
  EnergyDetectorChange change;

  follow_noise(self, energy);
  self->level = bands_sum(self->fast);
  self->ratio = bands_sum(self->fast / self->noise) / ENERGY_DETECTOR_BANDS;
  follow_unrest(self);
  self->peak = MAX(self->peak * PEAK_DECAY, self->level);
  self->recent[self->frames % ENERGY_DETECTOR_RECENT] = bands_sum(energy);
  change = decide(self, is_active(self));
  memmove(self->history, self->history + LOW_FRAME,
          sizeof(gfloat) * (ENERGY_DETECTOR_HISTORY - LOW_FRAME));
  if (bands_sum(energy) < SILENT)
    self->y1 = self->y2 = bands_all(0);
  self->energy = bands_all(0);
  self->filled = self->n_low = 0;
  self->frames++;
  return change;
}

/* Filters samples into the frame until it is full; gives back how many were taken. */
static gsize
fill_frame(EnergyDetector *self, const gint16 *samples, gsize n_samples)
{
  gfloat *low = self->history + ENERGY_DETECTOR_HISTORY - LOW_FRAME;
  const gfloat scale = 1.0f / (32768.0f * self->factor);
  EnergyBands y1 = self->y1, y2 = self->y2, energy = self->energy;
  gfloat x1 = self->x1, x2 = self->x2;
  gsize i = 0;

  while (i < n_samples && self->filled < FRAME) {
    EnergyBands y;
    gfloat x;

    self->sum += samples[i++];
    if (++self->phase < self->factor)
      continue;
    x = self->sum * scale;
    self->sum = 0;
    self->phase = 0;
    y = (x - x2) * filter_b0 - filter_a2 * y2 - filter_a1 * y1;
    x2 = x1;
    x1 = x;
    y2 = y1;
    y1 = y;
    energy += y * y;
    self->low_sum += y[0] + y[1];
    if (++self->filled % DECIMATION == 0) {
      low[self->n_low++] = self->low_sum;
      self->low_sum = 0;
    }
  }
  self->y1 = y1;
  self->y2 = y2;
  self->x1 = x1;
  self->x2 = x2;
  self->energy = energy;
  return i;
}

static guint64
frame_position(const EnergyDetector *self, guint64 frame)
{
  return MIN(self->origin + frame * FRAME * self->factor, self->position);
}

static guint64
change_position(const EnergyDetector *self, EnergyDetectorChange change)
{
  /* smoothing hides the first frame of an onset */
  if (change == ENERGY_DETECTOR_STARTED)
    return frame_position(self, self->onset > 0 ? self->onset - 1 : 0);
  return frame_position(self, self->last_active + 1);
}

/**
 * energy_detector_process:
 * @self: a detector
 * @samples: sound
 * @n_samples: how many
 * @n_used: (out): how many were used
 * @position: (out): where speech began or ended, in samples, at or before the last one used
 *
 * Listens until something changes or the samples are used up; after a change it is to be called
 * again with the rest.
 *
 * Returns: what changed
 */
EnergyDetectorChange
energy_detector_process(EnergyDetector *self, const gint16 *samples, gsize n_samples, gsize *n_used,
                        guint64 *position)
{
  *n_used = 0;
  while (*n_used < n_samples) {
    EnergyDetectorChange change;
    const gsize taken = fill_frame(self, samples + *n_used, n_samples - *n_used);

    *n_used += taken;
    self->position += taken;
    if (self->filled < FRAME)
      break;
    change = end_frame(self);
    if (change != ENERGY_DETECTOR_UNCHANGED) {
      *position = change_position(self, change);
      return change;
    }
  }
  return ENERGY_DETECTOR_UNCHANGED;
}

/**
 * energy_detector_skip:
 * @self: a detector
 * @n_samples: how many are missing
 * @position: (out): where speech ended, in samples
 *
 * Takes note of samples that were lost or never sent: they count as silence and say nothing about
 * the noise.
 *
 * Returns: %ENERGY_DETECTOR_STOPPED if that ended speech
 */
EnergyDetectorChange
energy_detector_skip(EnergyDetector *self, guint64 n_samples, guint64 *position)
{
  const guint frame = FRAME * self->factor;
  const guint64 n_frames = MAX(n_samples / frame, 1);
  const gboolean stops =
      self->speaking && self->frames + n_frames - self->last_active > self->min_silence;

  if (stops)
    *position = change_position(self, ENERGY_DETECTOR_STOPPED);
  self->position += n_samples;
  self->frames += n_frames;
  self->origin = self->position - MIN(self->frames * frame, self->position);
  self->y1 = self->y2 = self->energy = bands_all(0);
  self->x1 = self->x2 = self->sum = self->low_sum = 0;
  self->phase = self->filled = self->n_low = self->run = 0;
  memset(self->history, 0, sizeof self->history);
  self->candidate = FALSE;
  if (stops)
    self->speaking = FALSE;
  return stops ? ENERGY_DETECTOR_STOPPED : ENERGY_DETECTOR_UNCHANGED;
}

/**
 * energy_detector_finish:
 * @self: a detector
 * @position: (out): where speech ended, in samples
 *
 * Ends what is going on, as at the end of the stream; the noise is remembered.
 *
 * Returns: %ENERGY_DETECTOR_STOPPED if there was speech
 */
EnergyDetectorChange
energy_detector_finish(EnergyDetector *self, guint64 *position)
{
  self->candidate = FALSE;
  if (!self->speaking)
    return ENERGY_DETECTOR_UNCHANGED;
  self->speaking = FALSE;
  *position = change_position(self, ENERGY_DETECTOR_STOPPED);
  return ENERGY_DETECTOR_STOPPED;
}

/**
 * energy_detector_get_active:
 * @self: a detector
 *
 * Returns: how much of the speech that goes on was sound, in samples; 0 while nobody speaks
 */
guint64
energy_detector_get_active(const EnergyDetector *self)
{
  return self->speaking ? (guint64)self->active_frames * FRAME * self->factor : 0;
}

/**
 * energy_detector_get_levels:
 * @self: a detector
 *
 * Returns: what was heard last
 */
EnergyLevels
energy_detector_get_levels(const EnergyDetector *self)
{
  return (EnergyLevels){ self->level, bands_sum(self->noise), self->ratio };
}
