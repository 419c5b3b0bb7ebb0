/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "load-usage.h"

#include <stdlib.h>
#include <string.h>

static glong
status_field(const gchar *status, const gchar *name)
{
  const gchar *at = strstr(status, name);

  return at ? strtol(at + strlen(name), NULL, 10) : 0;
}

/* The scheduler's own count of each thread: that of stat comes in steps of 10 ms. A thread that
 * ended meanwhile is not counted. */
static void
add_run_times(gint pid, LoadUsage *usage)
{
  g_autofree gchar *path = g_strdup_printf("/proc/%d/task", pid);
  g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
  const gchar *thread;

  while (dir && (thread = g_dir_read_name(dir))) {
    g_autofree gchar *file = g_build_filename(path, thread, "schedstat", NULL);
    g_autofree gchar *text = NULL;

    gchar *waited;

    if (!g_file_get_contents(file, &text, NULL, NULL))
      continue;
    usage->cpu_seconds += (gdouble)g_ascii_strtoull(text, &waited, 10) / 1e9;
    usage->waited_seconds += (gdouble)g_ascii_strtoull(waited, NULL, 10) / 1e9;
  }
}

LoadUsage
load_usage_of(gint pid)
{
  LoadUsage usage = { 0 };
  g_autofree gchar *path = g_strdup_printf("/proc/%d/status", pid);
  g_autofree gchar *status = NULL;

  if (!g_file_get_contents(path, &status, NULL, NULL))
    return usage;
  add_run_times(pid, &usage);
  usage.rss_kib = status_field(status, "VmRSS:");
  usage.threads = status_field(status, "Threads:");
  return usage;
}

void
load_times_add(LoadTimes *self, guint64 us)
{
  self->buckets[MIN(us / LOAD_BUCKET_US, LOAD_BUCKETS - 1)]++;
  self->count++;
  self->max_us = MAX(self->max_us, us);
}

void
load_times_merge(LoadTimes *self, const LoadTimes *other)
{
  for (guint i = 0; i < LOAD_BUCKETS; i++)
    self->buckets[i] += other->buckets[i];
  self->count += other->count;
  self->max_us = MAX(self->max_us, other->max_us);
}

/* In milliseconds; 0 when nothing was measured. */
gdouble
load_times_percentile(const LoadTimes *self, gdouble share)
{
  guint64 below = 0;

  for (guint i = 0; i < LOAD_BUCKETS && self->count > 0; i++) {
    below += self->buckets[i];
    if ((gdouble)below >= share * (gdouble)self->count)
      return (i + 1) * LOAD_BUCKET_US / 1000.0;
  }
  return 0;
}
