/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "twilio-timeline.h"

#include <string.h>

#define SLACK TWILIO_FRAME                            /* samples of jitter that mean nothing */
#define SECOND (1000 * TWILIO_SAMPLES_PER_MS)         /* samples */
#define MAX_TIMESTAMP_MS (G_GINT64_CONSTANT(1) << 40) /* 34 years: more is nonsense */

static guint64
to_samples(guint64 duration_ns)
{
  return duration_ns / TWILIO_NS_PER_SAMPLE;
}

/* Where the next sample will stand. */
static gint64
line_end(const TwilioTimeline *self)
{
  return (gint64)(self->position + self->partial_length);
}

static void
emit(TwilioTimeline *self, const guint8 *frame)
{
  gboolean discont = self->discont;

  self->discont = FALSE;
  if (!self->stopped)
    self->stopped = !self->func(frame, self->position, discont, self->data);
  self->position += TWILIO_FRAME;
}

static void
append(TwilioTimeline *self, const guint8 *audio, gsize length)
{
  if (self->partial_length > 0) {
    gsize part = MIN(length, TWILIO_FRAME - self->partial_length);
    memcpy(self->partial + self->partial_length, audio, part);
    self->partial_length += part;
    audio += part;
    length -= part;
    if (self->partial_length < TWILIO_FRAME)
      return;
    self->partial_length = 0;
    emit(self, self->partial);
  }
  for (; length >= TWILIO_FRAME && !self->stopped; length -= TWILIO_FRAME, audio += TWILIO_FRAME)
    emit(self, audio);
  if (length < TWILIO_FRAME) {
    memcpy(self->partial, audio, length);
    self->partial_length = length;
  }
}

static void
append_silence(TwilioTimeline *self, guint64 samples)
{
  static const guint8 silence[TWILIO_FRAME] = { [0 ... TWILIO_FRAME - 1] = TWILIO_SILENCE };

  while (samples > 0 && !self->stopped) {
    if (self->partial_length == 0 && samples >= TWILIO_FRAME) {
      emit(self, NULL);
      samples -= TWILIO_FRAME;
    } else {
      guint64 part = MIN(samples, TWILIO_FRAME - self->partial_length);
      append(self, silence, part);
      samples -= part;
    }
  }
}

/* Leaves a hole: everything before it goes out first. */
static void
leap_to(TwilioTimeline *self, gint64 target)
{
  twilio_timeline_finish(self);
  if (target > (gint64)self->position)
    self->position = target;
  self->discont = TRUE;
}

static gboolean
try_other_offset(TwilioTimeline *self, gint64 timestamp)
{
  gint64 other = self->other_offset;

  if (ABS(timestamp + other - line_end(self)) >= SLACK)
    return FALSE;
  self->other_offset = self->offset;
  self->offset = other;
  return TRUE;
}

static void
fill_gap(TwilioTimeline *self, gint64 timestamp, gint64 gap, guint64 now)
{
  gint64 real = (gint64)to_samples(now - self->started);
  gint64 ahead = MAX(line_end(self) - real, 0);
  gint64 room = MAX((gint64)self->max_gap - ahead, 0);
  gint64 fill = MIN(gap, room);

  self->late_allowed = 0;
  if (try_other_offset(self, timestamp))
    return;
  self->stats.gaps++;
  self->stats.filled += fill;
  append_silence(self, fill);
  if (fill == gap)
    return;
  self->stats.jumps++;
  leap_to(self, MIN(timestamp + self->offset, real));
  self->other_offset = self->offset;
  self->offset = line_end(self) - timestamp;
}

static void
come_late(TwilioTimeline *self, gint64 timestamp, gint64 late)
{
  self->stats.reversals++;
  if (late <= (gint64)self->late_allowed + SECOND || try_other_offset(self, timestamp))
    return;
  self->other_offset = self->offset;
  self->offset += late;
}

/* Below about -48 dB there is nobody speaking. */
static gboolean
is_quiet(const guint8 *audio, gsize length)
{
  for (gsize i = 0; i < length; i++)
    if ((audio[i] & 0x7f) < 0x70)
      return FALSE;
  return TRUE;
}

/* Returns whether the audio is to be left out. */
static gboolean
align(TwilioTimeline *self, gint64 timestamp, const guint8 *audio, gsize length, guint64 now)
{
  gint64 difference;

  if (!self->anchored) {
    self->anchored = TRUE;
    difference = timestamp - line_end(self);
    if (difference > SECOND || difference < 0)
      self->offset = -difference;
    self->other_offset = self->offset;
  }
  difference = timestamp + self->offset - line_end(self);
  if (difference >= SLACK) {
    fill_gap(self, timestamp, difference, now);
  } else if (difference <= -SLACK) {
    come_late(self, timestamp, -difference);
    if (self->late_allowed > 0 && (gint64)length <= -difference && is_quiet(audio, length)) {
      self->stats.left_out += length;
      return TRUE;
    }
  } else {
    self->late_allowed = 0;
  }
  return FALSE;
}

/**
 * twilio_timeline_start:
 * @self: a time line with func, data, silence_after and max_gap set
 * @now: the worker's time, ns: position 0
 */
void
twilio_timeline_start(TwilioTimeline *self, guint64 now)
{
  TwilioTimeline fresh = {
    .func = self->func,
    .data = self->data,
    .silence_after = self->silence_after,
    .max_gap = self->max_gap,
    .started = now,
    .arrived = now,
  };

  *self = fresh;
}

/**
 * twilio_timeline_push:
 * @self: a time line
 * @timestamp_ms: the carrier's, or -1
 * @audio: (array length=length): mu-law
 * @length: how much, any
 * @now: the worker's time, ns
 */
void
twilio_timeline_push(TwilioTimeline *self, gint64 timestamp_ms, const guint8 *audio, gsize length,
                     guint64 now)
{
  gboolean leave_out = FALSE;

  if (timestamp_ms >= 0 && timestamp_ms < MAX_TIMESTAMP_MS)
    leave_out = align(self, timestamp_ms * TWILIO_SAMPLES_PER_MS, audio, length, now);
  if (!leave_out)
    append(self, audio, length);
  self->arrived = now;
  self->arrived_at = line_end(self);
}

/**
 * twilio_timeline_tick:
 * @self: a time line
 * @now: the worker's time, ns
 *
 * Keeps the line going while nothing arrives.
 */
void
twilio_timeline_tick(TwilioTimeline *self, guint64 now)
{
  gint64 target, missing;

  if (self->silence_after == 0 || now < self->arrived + self->silence_after)
    return;
  target = (gint64)(self->arrived_at + to_samples(now - self->arrived));
  missing = target - line_end(self);
  if (missing > (gint64)self->max_gap + SECOND) { /* the machine slept */
    leap_to(self, target - SECOND);
    missing = target - line_end(self);
  }
  if (self->partial_length == 0)
    missing -= missing % TWILIO_FRAME;
  if (missing <= 0)
    return;
  self->stats.made_up += missing;
  self->late_allowed += missing;
  append_silence(self, missing);
}

/**
 * twilio_timeline_finish:
 * @self: a time line
 *
 * Pads the frame that has begun, if any, and lets it go.
 */
void
twilio_timeline_finish(TwilioTimeline *self)
{
  if (self->partial_length > 0)
    append_silence(self, TWILIO_FRAME - self->partial_length);
}
