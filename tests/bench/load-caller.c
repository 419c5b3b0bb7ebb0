/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "load-caller.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cord-g711.h"
#include "sim-stamp.h"

#define N_PHASES 5      /* of the callers' streams, evenly spread over 20 ms */
#define RING 64         /* frames on their way at most */
#define QUIET_FRAMES 35 /* 700 ms: the agent has finished */
#define PATIENCE 400    /* frames: 8 s without an answer */
#define HOLE_FRAMES 25  /* a shorter silence within the agent's speech is a hole */
#define SPEECH_MS 1200  /* of an utterance */
#define MAGIC 0x55      /* first byte of a frame that is timed */

typedef struct {
  LoadGroup *group;
  CordPhone *phone;
  CordPhonePace pace;
  gboolean streaming, ended;

  guint number; /* of the next timed frame */
  GstClockTime sent_at[RING];

  gboolean speaking, answered;
  guint silent;              /* frames without audio from the agent */
  guint waited;              /* frames since the caller has finished */
  GstClockTime speech_ended; /* 0: not waiting for an answer */
} Caller;

/* A voice of sorts: harmonics of 120 Hz in syllables, so that a detector of speech takes it for
 * speech. */
static GBytes *
make_speech(void)
{
  gsize n = SPEECH_MS * CORD_G711_RATE / 1000;
  guint8 *codes = g_malloc(n);

  for (gsize i = 0; i < n; i++) {
    gdouble t = (gdouble)i / CORD_G711_RATE;
    gdouble syllable = pow(sin(G_PI * 4 * t), 2);
    gdouble sum = 0;

    for (guint h = 1; h <= 24; h++)
      sum += sin(2 * G_PI * 120 * h * t + h * h) / h;
    codes[i] = cord_g711_encode_sample((gint16)(4000 * (0.1 + syllable) * sum));
  }
  return g_bytes_new_take(codes, n);
}

static void
on_started(CordPhone *phone, gpointer data)
{
  Caller *caller = data;

  caller->streaming = TRUE;
  g_atomic_int_inc(&caller->group->up);
}

static void
on_ended(CordPhone *phone, const GError *error, gpointer data)
{
  Caller *caller = data;

  if (caller->streaming)
    g_atomic_int_add(&caller->group->up, -1);
  caller->ended = TRUE;
  if (error && g_atomic_int_add(&caller->group->failed, 1) == 0)
    fprintf(stderr, "A call failed: %s\n", error->message);
}

/* Timed frames */

static void
speak_timed_frame(Caller *caller)
{
  guint8 frame[CORD_PHONE_FRAME];
  g_autoptr(GBytes) bytes = NULL;

  memset(frame, 0x9e, sizeof frame);
  frame[0] = MAGIC;
  frame[1] = (guint8)caller->number;
  frame[2] = (guint8)(caller->number >> 8);
  caller->number++;
  bytes = g_bytes_new(frame, sizeof frame);
  cord_phone_speak(caller->phone, bytes);
}

static void
stamp_timed_frame(Caller *caller, const guint8 *frame, GstClockTime now)
{
  if (frame[0] == MAGIC)
    caller->sent_at[(frame[1] | frame[2] << 8) % RING] = now;
}

static void
take_timed_frames(Caller *caller, const guint8 *audio, gsize length, GstClockTime now)
{
  for (; length >= CORD_PHONE_FRAME; audio += CORD_PHONE_FRAME, length -= CORD_PHONE_FRAME) {
    GstClockTime sent = caller->sent_at[(audio[1] | audio[2] << 8) % RING];

    if (audio[0] == MAGIC && sent > 0)
      load_times_add(&caller->group->stats.round_trip, (now - sent) / 1000);
  }
}

/* Talking */

static void
take_stamp(Caller *caller, const guint8 *audio, gsize length)
{
  gint64 age = sim_stamp_read_audio(audio, length);

  if (age >= 0)
    load_times_add(&caller->group->stats.voice, (guint64)age);
}

static void
answer_begins(Caller *caller, GstClockTime now)
{
  LoadGroup *group = caller->group;

  if (caller->speech_ended > 0 && group->measuring) {
    group->stats.answers++;
    load_times_add(&group->stats.answer, (now - caller->speech_ended) / 1000);
  }
  caller->speech_ended = 0;
  caller->answered = TRUE;
}

static void
talk(Caller *caller, gsize heard_length, GstClockTime now)
{
  LoadGroup *group = caller->group;

  if (caller->speaking && !cord_phone_is_speaking(caller->phone)) {
    caller->speaking = FALSE;
    caller->speech_ended = now;
    caller->answered = FALSE;
    caller->waited = 0;
  }
  caller->waited++;
  if (heard_length > 0 && !caller->speaking && !caller->answered)
    answer_begins(caller, now);
  if (caller->speaking ||
      (caller->answered ? caller->silent < QUIET_FRAMES : caller->waited < PATIENCE))
    return;
  if (!caller->answered && group->measuring)
    group->stats.unanswered++;
  caller->speaking = TRUE;
  cord_phone_speak(caller->phone, group->speech);
}

static void
on_frame(CordPhone *phone, const guint8 *sent, const guint8 *heard, gsize length, gpointer data)
{
  Caller *caller = data;
  LoadGroup *group = caller->group;
  GstClockTime now = cord_worker_get_time(group->worker);

  if (group->measuring) {
    group->stats.sent++;
    group->stats.heard += length > 0;
    group->stats.holes += length > 0 && caller->silent > 0 && caller->silent < HOLE_FRAMES;
  }
  caller->silent = length > 0 ? 0 : caller->silent + 1;
  if (group->mode == LOAD_ECHO) {
    stamp_timed_frame(caller, sent, now);
    speak_timed_frame(caller);
  } else {
    talk(caller, length, now);
  }
}

static void
on_arrived(CordPhone *phone, const guint8 *audio, gsize length, gpointer data)
{
  Caller *caller = data;
  LoadStats *stats = &caller->group->stats;
  GstClockTime now = cord_worker_get_time(caller->group->worker);

  cord_phone_pace_arrived(&caller->pace, now, length);
  if (!caller->group->measuring)
    return;
  if (caller->group->mode == LOAD_ECHO)
    take_timed_frames(caller, audio, length, now);
  else if (!caller->answered)
    take_stamp(caller, audio, length);
  stats->frames++;
  stats->late += caller->pace.late;
  stats->worst_us = MAX(stats->worst_us, caller->pace.worst / 1000);
  caller->pace.late = 0;
  caller->pace.worst = 0;
}

static void
on_cleared(CordPhone *phone, gsize bytes, gpointer data)
{
  cord_phone_pace_break(&((Caller *)data)->pace);
}

static const CordPhoneHandlers handlers = {
  .started = on_started,
  .arrived = on_arrived,
  .frame = on_frame,
  .cleared = on_cleared,
  .ended = on_ended,
};

/* The group, from the main thread */

static void
free_caller(gpointer data)
{
  Caller *caller = data;

  cord_phone_free(caller->phone);
  g_free(caller);
}

/* By its ticks the worker knows how late it is. */
static void
tick(GstClockTime now, gpointer data)
{
}

/* Where processor time is measured the thread does not sleep: to wake it is work of whoever sends,
 * on the loopback the server. Where lateness is, it does: the others on the machine would have to
 * go to the server's core. */
static gint
poll_without_sleep(GPollFD *fds, guint n_fds, gint timeout)
{
  gint64 end = g_get_monotonic_time() + (gint64)timeout * 1000;
  gint n;

  do
    n = g_poll(fds, n_fds, 0);
  while (n == 0 && (timeout < 0 || g_get_monotonic_time() < end));
  return n;
}

static void
run_prepare(gpointer data)
{
  LoadGroup *self = data;

  cord_worker_add_tick(self->worker, tick, NULL);
  if (self->mode == LOAD_ECHO)
    g_main_context_set_poll_func(cord_worker_get_main_context(self->worker), poll_without_sleep);
}

void
load_group_init(LoadGroup *self, guint number, const gchar *url, LoadMode mode)
{
  g_autofree gchar *name = g_strdup_printf("load-%u", number);

  self->worker = cord_worker_acquire(name);
  self->call = (CordPhoneCall){ .url = url,
                                .from = "+15005550006",
                                .to = "+15005550001",
                                .auth_token = g_getenv("TWILIO_AUTH_TOKEN") };
  self->mode = mode;
  self->speech = make_speech();
  self->callers = g_ptr_array_new_with_free_func(free_caller);
  cord_worker_call(self->worker, run_prepare, self);
}

void
load_group_clear(LoadGroup *self)
{
  g_ptr_array_unref(self->callers);
  g_bytes_unref(self->speech);
  g_object_unref(self->worker);
}

static void
run_dial(gpointer data)
{
  LoadGroup *self = data;
  Caller *caller = g_new0(Caller, 1);

  caller->group = self;
  self->call.phase = 1 + self->callers->len % N_PHASES * CORD_TICK_NS / N_PHASES;
  caller->phone = cord_phone_new(self->worker, &self->call, &handlers, caller);
  g_ptr_array_add(self->callers, caller);
  cord_phone_dial(caller->phone);
}

void
load_group_dial(LoadGroup *self, guint n_calls)
{
  for (guint i = 0; i < n_calls; i++)
    cord_worker_post(self->worker, run_dial, self, NULL);
}

static void
run_start_measuring(gpointer data)
{
  LoadGroup *self = data;

  memset(&self->stats, 0, sizeof self->stats);
  for (guint i = 0; i < self->callers->len; i++) {
    Caller *caller = self->callers->pdata[i];

    caller->pace.late = 0;
    caller->pace.worst = 0;
  }
  self->measuring = TRUE;
}

static void
run_stop_measuring(gpointer data)
{
  ((LoadGroup *)data)->measuring = FALSE;
}

void
load_group_measure(LoadGroup *self, gboolean measuring)
{
  cord_worker_call(self->worker, measuring ? run_start_measuring : run_stop_measuring, self);
}

typedef struct {
  LoadGroup *group;
  guint64 sent;
} Sent;

static void
run_get_sent(gpointer data)
{
  Sent *sent = data;

  sent->sent = sent->group->stats.sent;
}

/* While it is measured. */
guint64
load_group_get_sent(LoadGroup *self)
{
  Sent sent = { self, 0 };

  cord_worker_call(self->worker, run_get_sent, &sent);
  return sent.sent;
}

void
load_stats_merge(LoadStats *self, const LoadStats *other)
{
  self->sent += other->sent;
  self->heard += other->heard;
  self->frames += other->frames;
  self->late += other->late;
  self->worst_us = MAX(self->worst_us, other->worst_us);
  self->holes += other->holes;
  self->answers += other->answers;
  self->unanswered += other->unanswered;
  load_times_merge(&self->round_trip, &other->round_trip);
  load_times_merge(&self->answer, &other->answer);
  load_times_merge(&self->voice, &other->voice);
}

static void
run_hang_up(gpointer data)
{
  LoadGroup *self = data;

  for (guint i = 0; i < self->callers->len; i++) {
    Caller *caller = self->callers->pdata[i];

    if (!caller->ended)
      cord_phone_hang_up(caller->phone);
  }
}

void
load_group_hang_up(LoadGroup *self)
{
  cord_worker_call(self->worker, run_hang_up, self);
}

static void
run_forget(gpointer data)
{
  g_ptr_array_set_size(((LoadGroup *)data)->callers, 0);
}

void
load_group_forget(LoadGroup *self)
{
  cord_worker_call(self->worker, run_forget, self);
}
