/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-phone-pace.h"
#include "cord-phone.h"
#include "load-usage.h"

G_BEGIN_DECLS

/*
 * ECHO: the caller makes a sound in every frame and times how long each takes to come back.
 * TALK: the caller says something, waits for the answer and its end, and says something again.
 */
typedef enum {
  LOAD_ECHO,
  LOAD_TALK,
} LoadMode;

/* What a group's callers have noticed while it was measured. */
typedef struct {
  guint64 sent;   /* frames */
  guint64 heard;  /* frames that had something to play */
  guint64 frames; /* frames that came */
  guint64 late;   /* of these, more than 40 ms behind the pace */
  guint64 worst_us;
  guint64 holes; /* in the agent's speech, as heard */
  guint64 answers, unanswered;
  LoadTimes round_trip; /* ECHO */
  LoadTimes answer;     /* TALK: last sound to first sound */
  LoadTimes voice;      /* TALK: first audio of an answer, from the simulated voice to here */
} LoadStats;

/* The callers of one thread. All but the last three is set up before they call. */
typedef struct {
  CordWorker *worker;
  CordPhoneCall call;
  LoadMode mode;
  GBytes *speech;
  GPtrArray *callers;
  gboolean measuring;
  LoadStats stats;
  gint up, failed; /* atomic */
} LoadGroup;

void load_group_init(LoadGroup *self, guint number, const gchar *url, LoadMode mode);
void load_group_clear(LoadGroup *self);
void load_group_dial(LoadGroup *self, guint n_calls);
void load_group_measure(LoadGroup *self, gboolean measuring);
guint64 load_group_get_sent(LoadGroup *self);
void load_stats_merge(LoadStats *self, const LoadStats *other);
void load_group_hang_up(LoadGroup *self);
void load_group_forget(LoadGroup *self);

G_END_DECLS
