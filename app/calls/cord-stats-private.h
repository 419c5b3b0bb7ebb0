/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-stats.h"

G_BEGIN_DECLS

/* What the files of the counters share: gathering, and printing. */

/* Seconds: upper bounds of the histograms' buckets. */
#define CORD_STATS_BOUNDS                                                                          \
  {                                                                                                \
    0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10                                            \
  }
#define CORD_STATS_BUCKETS 12

typedef struct {
  gchar *stage, *element, *provider;
  guint64 counts[CORD_STATS_BUCKETS + 1];
  guint64 count;
  gdouble sum;
} CordHistogram;

struct _CordStats {
  CordStatsSources sources;
  guint watch;
  guint64 begun, placed;
  guint64 turns, interruptions, silences, tool_calls, failed_tool_calls, failovers, routed_turns;
  guint64 frames, late_frames, underruns;
  guint64 max_lateness_us;
  GHashTable *parts;      /* call's id -> CordCallParts */
  GHashTable *ended;      /* "status\nreason" -> guint64 */
  GHashTable *histograms; /* "stage\nelement\nprovider" -> CordHistogram */
};

G_END_DECLS
