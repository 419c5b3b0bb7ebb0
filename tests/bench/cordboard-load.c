/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Many telephones at once: calls a server with N of the phones of `cordboard call`, holds the calls
 * for some seconds and tells what they cost the server (processor time, memory, threads) and what
 * the callers noticed. Loopback only; ends by itself.
 */

#include <gio/gio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load-caller.h"

#define MAX_GROUPS 16     /* threads, one a core */
#define SETTLE_MS 2000    /* between the last call and the measuring */
#define PATIENCE_MS 20000 /* for the calls to come up, and to end */
#define WARM_UP_CALLS 8

typedef struct {
  gint calls, seconds, ramp, pid, brief;
  gchar *url, *mode;
} Options;

typedef struct {
  Options options;
  GMainLoop *loop;
  LoadGroup groups[MAX_GROUPS];
  guint n_groups;
  LoadStats stats;
  LoadUsage idle, before, after;
  LoadUsage own_before, own_after; /* the phones' */
  gint up;                         /* when it was measured */
  guint phones_late_us;
  gdouble us_per_pair; /* the median second's: neighbours of a shared machine come and go */
} Load;

static gboolean
quit(gpointer loop)
{
  g_main_loop_quit(loop);
  return G_SOURCE_REMOVE;
}

static void
wait_ms(Load *load, guint ms)
{
  g_timeout_add(ms, quit, load->loop);
  g_main_loop_run(load->loop);
}

static void
show_progress(Load *load, const gchar *what, gint n, gint of)
{
  if (isatty(STDERR_FILENO))
    fprintf(stderr, "\r\033[K%s %d of %d", what, n, of);
}

static void
end_progress(void)
{
  if (isatty(STDERR_FILENO))
    fprintf(stderr, "\r\033[K");
}

static gint
count(Load *load, gboolean failed)
{
  gint n = 0;

  for (guint i = 0; i < load->n_groups; i++)
    n += g_atomic_int_get(failed ? &load->groups[i].failed : &load->groups[i].up);
  return n;
}

/* Dials, a tenth of a second's worth at a time, and waits until all are up or have failed. */
static void
dial(Load *load, gint calls)
{
  gint step = MAX(load->options.ramp / 10, 1);

  for (gint i = 0; i < calls; i += step) {
    for (gint j = i; j < MIN(i + step, calls); j++)
      load_group_dial(&load->groups[j % load->n_groups], 1);
    wait_ms(load, 100);
    show_progress(load, "calls up:", count(load, FALSE), calls);
  }
  for (guint waited = 0; waited < PATIENCE_MS && count(load, FALSE) + count(load, TRUE) < calls;
       waited += 100)
    wait_ms(load, 100);
}

static void
hang_up(Load *load)
{
  for (guint i = 0; i < load->n_groups; i++)
    load_group_hang_up(&load->groups[i]);
  for (guint waited = 0; waited < PATIENCE_MS && count(load, FALSE) > 0; waited += 100)
    wait_ms(load, 100);
  for (guint i = 0; i < load->n_groups; i++)
    load_group_forget(&load->groups[i]);
}

/* What is allocated once, at the first calls, belongs to no call. */
static void
warm_up(Load *load)
{
  dial(load, WARM_UP_CALLS);
  wait_ms(load, SETTLE_MS);
  hang_up(load);
  wait_ms(load, 500);
  load->idle = load_usage_of(load->options.pid);
}

static guint
generator_lateness_us(Load *load)
{
  guint worst = 0;

  for (guint i = 0; i < load->n_groups; i++)
    worst = MAX(worst, cord_worker_get_lateness_us(load->groups[i].worker));
  return worst;
}

static guint64
frames_sent(Load *load)
{
  guint64 sent = 0;

  for (guint i = 0; i < load->n_groups; i++)
    sent += load_group_get_sent(&load->groups[i]);
  return sent;
}

static int
compare(gconstpointer a, gconstpointer b)
{
  gdouble difference = *(const gdouble *)a - *(const gdouble *)b;

  return difference < 0 ? -1 : difference > 0;
}

static void
measure_seconds(Load *load)
{
  g_autofree gdouble *costs = g_new(gdouble, load->options.seconds);
  LoadUsage usage = load->before;
  guint64 sent = 0;

  for (gint s = 0; s < load->options.seconds; s++) {
    gdouble cpu = usage.cpu_seconds;
    guint64 sent_before = sent;

    show_progress(load, "measuring, second", s + 1, load->options.seconds);
    wait_ms(load, 1000);
    usage = load_usage_of(load->options.pid);
    sent = frames_sent(load);
    costs[s] = (usage.cpu_seconds - cpu) * 1e6 / (gdouble)MAX(sent - sent_before, 1);
    load->phones_late_us = MAX(load->phones_late_us, generator_lateness_us(load));
  }
  load->after = usage;
  qsort(costs, load->options.seconds, sizeof *costs, compare);
  load->us_per_pair = costs[load->options.seconds / 2];
}

static void
measure(Load *load)
{
  for (guint i = 0; i < load->n_groups; i++)
    load_group_measure(&load->groups[i], TRUE);
  load->before = load_usage_of(load->options.pid);
  load->own_before = load_usage_of(getpid());
  measure_seconds(load);
  load->own_after = load_usage_of(getpid());
  load->up = count(load, FALSE);
  for (guint i = 0; i < load->n_groups; i++) {
    load_group_measure(&load->groups[i], FALSE);
    load_stats_merge(&load->stats, &load->groups[i].stats);
  }
  end_progress();
}

static void
report(Load *load)
{
  const LoadStats *stats = &load->stats;
  gdouble cpu = load->after.cpu_seconds - load->before.cpu_seconds;

  printf("{\"mode\":\"%s\",\"calls\":%d,\"up\":%d,\"failed\":%d,\"seconds\":%d,"
         "\"frames_sent\":%" G_GUINT64_FORMAT ",\"frames_received\":%" G_GUINT64_FORMAT
         ",\"late_frames\":%" G_GUINT64_FORMAT ",\"worst_ms\":%.1f,\"holes\":%" G_GUINT64_FORMAT,
         load->options.mode, load->options.calls, load->up, count(load, TRUE),
         load->options.seconds, stats->sent, stats->frames, stats->late,
         (gdouble)stats->worst_us / 1000, stats->holes);
  if (stats->round_trip.count > 0)
    printf(",\"round_trip_ms\":{\"p50\":%.1f,\"p99\":%.1f,\"max\":%.1f}",
           load_times_percentile(&stats->round_trip, 0.5),
           load_times_percentile(&stats->round_trip, 0.99),
           (gdouble)stats->round_trip.max_us / 1000);
  if (stats->answers + stats->unanswered > 0)
    printf(",\"answers\":%" G_GUINT64_FORMAT ",\"unanswered\":%" G_GUINT64_FORMAT
           ",\"answer_ms\":{\"p50\":%.0f,\"p95\":%.0f,\"max\":%.0f}",
           stats->answers, stats->unanswered, load_times_percentile(&stats->answer, 0.5),
           load_times_percentile(&stats->answer, 0.95), (gdouble)stats->answer.max_us / 1000);
  if (stats->voice.count > 0)
    printf(",\"voice_ms\":{\"count\":%" G_GUINT64_FORMAT ",\"p50\":%.1f,\"p99\":%.1f,\"max\":%.1f}",
           stats->voice.count, load_times_percentile(&stats->voice, 0.5),
           load_times_percentile(&stats->voice, 0.99), (gdouble)stats->voice.max_us / 1000);
  printf(",\"cpu_percent\":%.1f,\"us_per_frame_pair\":%.2f,\"kib_per_call\":%.0f,\"rss_kib\":%ld,"
         "\"threads_idle\":%ld,\"threads\":%ld,\"waited_percent\":%.1f,"
         "\"phones_late_ms\":%.1f,\"phones_cpu_percent\":%.1f}\n",
         100 * cpu / load->options.seconds, load->us_per_pair,
         load->up > 0 ? (gdouble)(load->after.rss_kib - load->idle.rss_kib) / load->up : 0,
         load->after.rss_kib, load->idle.threads, load->after.threads,
         100 * (load->after.waited_seconds - load->before.waited_seconds) / load->options.seconds,
         load->phones_late_us / 1000.0,
         100 * (load->own_after.cpu_seconds - load->own_before.cpu_seconds) /
             load->options.seconds);
}

/* Many calls one after the other, some at a time, each put down in the middle of whatever it is. */
static void
place_brief_calls(Load *load)
{
  gint placed;

  for (guint i = 0; i < load->n_groups; i++)
    load_group_measure(&load->groups[i], TRUE);
  for (placed = 0; placed < load->options.brief; placed += load->options.calls) {
    dial(load, MIN(load->options.calls, load->options.brief - placed));
    wait_ms(load, (guint)load->options.seconds * 1000);
    hang_up(load);
    show_progress(load, "calls made:", placed, load->options.brief);
  }
  for (guint i = 0; i < load->n_groups; i++)
    load_stats_merge(&load->stats, &load->groups[i].stats);
  end_progress();
  printf("{\"calls\":%d,\"failed\":%d,\"answers\":%" G_GUINT64_FORMAT "}\n", load->options.brief,
         count(load, TRUE), load->stats.answers);
}

static void
place_long_calls(Load *load)
{
  warm_up(load);
  dial(load, load->options.calls);
  wait_ms(load, SETTLE_MS);
  measure(load);
  report(load);
  hang_up(load);
}

static gboolean
read_options(Options *options, int argc, char *argv[], GError **error)
{
  const GOptionEntry entries[] = {
    { "url", 0, 0, G_OPTION_ARG_STRING, &options->url, "Voice webhook, or ws:// stream", "URL" },
    { "mode", 0, 0, G_OPTION_ARG_STRING, &options->mode,
      "echo: sound all the time; talk: speak, wait for the answer, speak again (echo)", "MODE" },
    { "calls", 0, 0, G_OPTION_ARG_INT, &options->calls, "Calls at once (100)", "N" },
    { "seconds", 0, 0, G_OPTION_ARG_INT, &options->seconds, "How long to measure (8)", "S" },
    { "short", 0, 0, G_OPTION_ARG_INT, &options->brief,
      "This many calls in all, put down after so many seconds, instead of measuring", "N" },
    { "ramp", 0, 0, G_OPTION_ARG_INT, &options->ramp, "Calls to begin in a second (200)", "N" },
    { "pid", 0, 0, G_OPTION_ARG_INT, &options->pid, "Process of the server", "PID" },
    { NULL },
  };
  g_autoptr(GOptionContext) context = g_option_context_new(NULL);

  *options = (Options){ .calls = 100, .seconds = 8, .ramp = 200 };
  g_option_context_add_main_entries(context, entries, NULL);
  if (!g_option_context_parse(context, &argc, &argv, error))
    return FALSE;
  if (options->mode == NULL)
    options->mode = g_strdup("echo");
  if (options->url && strstr(options->url, "://127.") && options->calls > 0 &&
      options->calls <= 5000 && options->seconds > 0 && options->seconds <= 120)
    return TRUE;
  g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
              "wanted: --url http://127.0.0.1:…, up to 5000 calls, up to 120 s");
  return FALSE;
}

int
main(int argc, char *argv[])
{
  static Load load;
  g_autoptr(GError) error = NULL;
  LoadMode mode;

  if (!read_options(&load.options, argc, argv, &error)) {
    fprintf(stderr, "cordboard-load: %s\n", error->message);
    return 2;
  }
  gst_init(NULL, NULL);
  mode = g_str_equal(load.options.mode, "talk") ? LOAD_TALK : LOAD_ECHO;
  load.loop = g_main_loop_new(NULL, FALSE);
  load.n_groups = MIN(g_get_num_processors(), MAX_GROUPS);
  for (guint i = 0; i < load.n_groups; i++)
    load_group_init(&load.groups[i], i, load.options.url, mode);
  if (load.options.brief > 0)
    place_brief_calls(&load);
  else
    place_long_calls(&load);
  for (guint i = 0; i < load.n_groups; i++)
    load_group_clear(&load.groups[i]);
  g_main_loop_unref(load.loop);
  return count(&load, TRUE) > 0 || (gint)load.stats.answers < load.options.brief;
}
