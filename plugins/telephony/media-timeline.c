/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "media-timeline.h"

#include <string.h>

#define MAX_TIMESTAMP_MS (G_GINT64_CONSTANT(1) << 40) /* 34 years: more is nonsense */

static guint64
to_bytes(const MediaTimeline *self, guint64 duration_ns)
{
  return media_format_to_bytes(self->format, duration_ns);
}

static gint64
second(const MediaTimeline *self)
{
  return (gint64)media_format_from_ms(self->format, 1000);
}

/* Jitter that means nothing. */
static gint64
slack(const MediaTimeline *self)
{
  return self->format->frame_bytes;
}

/* Where the next byte will stand. */
static gint64
line_end(const MediaTimeline *self)
{
  return (gint64)(self->position + self->partial_length);
}

/* Where it would stand if the line went with the clock. */
static gint64
real_end(const MediaTimeline *self, guint64 now)
{
  return (gint64)to_bytes(self, now - self->started);
}

/* Who sends a file at once is heard; who sends without end is not. */
static gint64
max_ahead(const MediaTimeline *self)
{
  return 60 * second(self);
}

static void
emit(MediaTimeline *self, const guint8 *frame)
{
  gboolean discont = self->discont;

  self->discont = FALSE;
  if (!self->stopped)
    self->stopped = !self->func(frame, self->position, discont, self->data);
  self->position += self->format->frame_bytes;
}

/* A frame that the caller's side has sent. */
static void
emit_heard(MediaTimeline *self, const guint8 *frame)
{
  MediaDriftVerdict verdict = MEDIA_DRIFT_KEEP;

  if (self->untimed)
    verdict =
        media_drift_judge(&self->drift, self->format->is_quiet(frame, self->format->frame_bytes));
  if (verdict == MEDIA_DRIFT_LEAVE_OUT) {
    self->stats.left_out += self->format->frame_bytes;
    return;
  }
  emit(self, frame);
  if (verdict == MEDIA_DRIFT_STRETCH) {
    self->stats.made_up += self->format->frame_bytes;
    emit(self, NULL);
  }
}

static void
append(MediaTimeline *self, const guint8 *audio, gsize length)
{
  const gsize frame = self->format->frame_bytes;

  if (self->partial_length > 0) {
    gsize part = MIN(length, frame - self->partial_length);
    memcpy(self->partial + self->partial_length, audio, part);
    self->partial_length += part;
    audio += part;
    length -= part;
    if (self->partial_length < frame)
      return;
    self->partial_length = 0;
    emit_heard(self, self->partial);
  }
  for (; length >= frame && !self->stopped; length -= frame, audio += frame)
    emit_heard(self, audio);
  if (length < frame) {
    memcpy(self->partial, audio, length);
    self->partial_length = length;
  }
}

static void
append_silence(MediaTimeline *self, guint64 bytes)
{
  const gsize frame = self->format->frame_bytes;

  while (bytes > 0 && !self->stopped) {
    guint64 part = MIN(bytes, frame - self->partial_length);
    memset(self->partial + self->partial_length, self->format->silence, part);
    bytes -= part;
    self->partial_length += part;
    if (self->partial_length < frame)
      return;
    self->partial_length = 0;
    emit(self, part == frame ? NULL : self->partial);
  }
}

/* Leaves a hole: everything before it goes out first. */
static void
leap_to(MediaTimeline *self, gint64 target)
{
  media_timeline_finish(self);
  if (target > (gint64)self->position)
    self->position = target;
  self->discont = TRUE;
}

static gboolean
try_other_offset(MediaTimeline *self, gint64 timestamp)
{
  gint64 other = self->other_offset;

  if (ABS(timestamp + other - line_end(self)) >= slack(self))
    return FALSE;
  self->other_offset = self->offset;
  self->offset = other;
  return TRUE;
}

static void
fill_gap(MediaTimeline *self, gint64 timestamp, gint64 gap, guint64 now)
{
  gint64 real = real_end(self, now);
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
come_late(MediaTimeline *self, gint64 timestamp, gint64 late)
{
  self->stats.reversals++;
  if (late <= (gint64)self->late_allowed + second(self) || try_other_offset(self, timestamp))
    return;
  self->other_offset = self->offset;
  self->offset += late;
}

/* Returns whether the audio is to be left out. */
static gboolean
align(MediaTimeline *self, gint64 timestamp, const guint8 *audio, gsize length, guint64 now)
{
  gint64 difference;

  if (!self->anchored) {
    self->anchored = TRUE;
    difference = timestamp - line_end(self);
    if (difference > second(self) || difference < 0)
      self->offset = -difference;
    self->other_offset = self->offset;
  }
  difference = timestamp + self->offset - line_end(self);
  if (difference >= slack(self)) {
    fill_gap(self, timestamp, difference, now);
  } else if (difference <= -slack(self)) {
    come_late(self, timestamp, -difference);
    if (self->late_allowed > 0 && (gint64)length <= -difference &&
        self->format->is_quiet(audio, length)) {
      self->stats.left_out += length;
      return TRUE;
    }
  } else {
    self->late_allowed = 0;
  }
  return FALSE;
}

/**
 * media_timeline_start:
 * @self: a time line with format, func, data, silence_after and max_gap set
 * @now: the worker's time, ns: position 0
 */
void
media_timeline_start(MediaTimeline *self, guint64 now)
{
  MediaTimeline fresh = {
    .format = self->format,
    .func = self->func,
    .data = self->data,
    .silence_after = self->silence_after,
    .max_gap = self->max_gap,
    .untimed = self->untimed,
    .started = now,
    .arrived = now,
  };

  *self = fresh;
}

/**
 * media_timeline_push:
 * @self: a time line
 * @timestamp_ms: the carrier's, or -1
 * @audio: (array length=length): in the line's format
 * @length: how much, any
 * @now: the worker's time, ns
 */
void
media_timeline_push(MediaTimeline *self, gint64 timestamp_ms, const guint8 *audio, gsize length,
                    guint64 now)
{
  gboolean leave_out = FALSE;

  if (timestamp_ms >= 0 && timestamp_ms < MAX_TIMESTAMP_MS)
    leave_out = align(self, (gint64)media_format_from_ms(self->format, (guint64)timestamp_ms),
                      audio, length, now);
  if (self->untimed && line_end(self) + (gint64)length - real_end(self, now) > max_ahead(self)) {
    self->stats.flooded += length;
    leave_out = TRUE;
  }
  if (!leave_out)
    append(self, audio, length);
  self->arrived = now;
  self->arrived_at = line_end(self);
  if (self->untimed)
    media_drift_arrived(&self->drift,
                        (real_end(self, now) - line_end(self)) / self->format->frame_bytes, now);
}

/**
 * media_timeline_tick:
 * @self: a time line
 * @now: the worker's time, ns
 *
 * Keeps the line going while nothing arrives.
 */
void
media_timeline_tick(MediaTimeline *self, guint64 now)
{
  gint64 target, missing;

  if (self->silence_after == 0 || now < self->arrived + self->silence_after)
    return;
  target = (gint64)(self->arrived_at + to_bytes(self, now - self->arrived));
  missing = target - line_end(self);
  if (missing > (gint64)self->max_gap + second(self)) { /* the machine slept */
    leap_to(self, target - second(self));
    missing = target - line_end(self);
  }
  if (self->partial_length == 0)
    missing -= missing % self->format->frame_bytes;
  missing -= missing % self->format->sample_bytes;
  if (missing <= 0)
    return;
  self->stats.made_up += missing;
  self->late_allowed += missing;
  append_silence(self, missing);
}

/**
 * media_timeline_finish:
 * @self: a time line
 *
 * Pads the frame that has begun, if any, and lets it go.
 */
void
media_timeline_finish(MediaTimeline *self)
{
  if (self->partial_length > 0)
    append_silence(self, self->format->frame_bytes - self->partial_length);
}
