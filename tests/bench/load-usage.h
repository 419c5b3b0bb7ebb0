/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the kernel says of a process, and a distribution of times. */

typedef struct {
  gdouble cpu_seconds;    /* user and system, all threads */
  gdouble waited_seconds; /* ready to run and not run, all threads: what others took */
  glong rss_kib;
  glong threads;
} LoadUsage;

#define LOAD_BUCKETS 30000
#define LOAD_BUCKET_US 100

typedef struct {
  guint buckets[LOAD_BUCKETS];
  guint64 count;
  guint64 max_us;
} LoadTimes;

LoadUsage load_usage_of(gint pid);
void load_times_add(LoadTimes *self, guint64 us);
void load_times_merge(LoadTimes *self, const LoadTimes *other);
gdouble load_times_percentile(const LoadTimes *self, gdouble share);

G_END_DECLS
