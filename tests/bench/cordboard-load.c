/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many telephones at once: calls a server with N of the phones of `cordboard call`, holds the calls
 * for some seconds and tells what it cost the server (processor time, memory, threads) and what the
 * callers noticed (late frames). Loopback only; ends by itself.
 */
#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cord-phone.h"

#define FRAME_NS (20 * GST_MSECOND)
#define LATE_FRAMES 2 /* 40 ms without audio in the middle of the agent's is late */

typedef struct {
  gint calls, seconds, pid;
  gchar *url;
  gboolean echo;
  gint ramp; /* calls a second */
} Options;

typedef struct {
  CordPhone *phone;
  guint silent; /* frames in a row without audio, after the first */
  gboolean heard;
  gboolean ended;
} Line;

typedef struct {
  Options options;
  CordWorker *worker;
  GMainLoop *loop;
  Line *lines;
  GBytes *tone;
  gint dialled, up, failed;
  guint64 frames, heard, late;
  gboolean measuring;
} Load;

static Load load;

static void
on_started(CordPhone *phone, gpointer data)
{
  load.up++;
}

static void
on_frame(CordPhone *phone, const guint8 *sent, const guint8 *heard, gsize length, gpointer data)
{
  Line *line = data;

  /* all the time, or a second every six, when the agent has been quiet for a while */
  if (!cord_phone_is_speaking(phone) && (load.options.echo || (line->heard && line->silent == 40)))
    cord_phone_speak(phone, load.tone);
  if (length > 0) {
    if (load.measuring && line->heard && line->silent >= LATE_FRAMES && line->silent < 25)
      load.late++;
    line->heard = TRUE;
    line->silent = 0;
  } else {
    line->silent++;
  }
  if (load.measuring) {
    load.frames++;
    load.heard += length > 0;
  }
}

static void
on_ended(CordPhone *phone, const GError *error, gpointer data)
{
  Line *line = data;

  line->ended = TRUE;
  load.up--;
  if (error && load.failed++ == 0)
    fprintf(stderr, "a call failed: %s\n", error->message);
}

static void
run_dial(gpointer data)
{
  static const CordPhoneHandlers handlers = { .started = on_started,
                                              .frame = on_frame,
                                              .ended = on_ended };
  CordPhoneCall call = { load.options.url, "+15005550006", "+15005550001",
                         g_getenv("TWILIO_AUTH_TOKEN"), NULL };
  Line *line = &load.lines[load.dialled++];

  line->phone = cord_phone_new(load.worker, &call, &handlers, line);
  cord_phone_dial(line->phone);
}

static void
run_hang_up(gpointer data)
{
  for (gint i = 0; i < load.dialled; i++) {
    if (!load.lines[i].ended)
      cord_phone_hang_up(load.lines[i].phone);
  }
}

static void
run_free(gpointer data)
{
  for (gint i = 0; i < load.dialled; i++)
    cord_phone_free(load.lines[i].phone);
}

/* What the kernel says of the server. */
typedef struct {
  gdouble cpu_seconds;
  glong rss_kib;
  glong threads;
} Usage;

static glong
status_field(const gchar *status, const gchar *name)
{
  const gchar *at = strstr(status, name);

  return at ? strtol(at + strlen(name), NULL, 10) : 0;
}

static Usage
usage_of(gint pid)
{
  Usage usage = { 0 };
  g_autofree gchar *stat_path = g_strdup_printf("/proc/%d/stat", pid);
  g_autofree gchar *status_path = g_strdup_printf("/proc/%d/status", pid);
  g_autofree gchar *text = NULL;
  g_autofree gchar *status = NULL;
  gulong user = 0, system = 0;

  if (!g_file_get_contents(stat_path, &text, NULL, NULL) ||
      !g_file_get_contents(status_path, &status, NULL, NULL))
    return usage;
  sscanf(strrchr(text, ')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
         &system);
  usage.cpu_seconds = (gdouble)(user + system) / (gdouble)sysconf(_SC_CLK_TCK);
  usage.rss_kib = status_field(status, "VmRSS:");
  usage.threads = status_field(status, "Threads:");
  return usage;
}

static gboolean
quit(gpointer data)
{
  g_main_loop_quit(load.loop);
  return G_SOURCE_REMOVE;
}

static void
wait_ms(guint ms)
{
  g_timeout_add(ms, quit, NULL);
  g_main_loop_run(load.loop);
}

static void
start_measuring(gpointer data)
{
  load.frames = load.heard = load.late = 0;
  load.measuring = TRUE;
}

static void
report(Usage idle, Usage before, Usage after)
{
  gdouble cpu = after.cpu_seconds - before.cpu_seconds;
  gdouble us = load.frames > 0 ? cpu * 1e6 / (gdouble)load.frames : 0;
  glong per_call = load.up > 0 ? (after.rss_kib - idle.rss_kib) / load.up : 0;

  printf("{\"calls\":%d,\"up\":%d,\"failed\":%d,\"seconds\":%d,\"frames\":%" G_GUINT64_FORMAT
         ",\"heard\":%" G_GUINT64_FORMAT ",\"late\":%" G_GUINT64_FORMAT
         ",\"cpu_percent\":%.1f,\"us_per_frame_pair\":%.2f,\"kib_per_call\":%ld,\"threads\":%ld}\n",
         load.options.calls, load.up, load.failed, load.options.seconds, load.frames, load.heard,
         load.late, 100 * cpu / load.options.seconds, us, per_call, after.threads);
}

int
main(int argc, char *argv[])
{
  Options *o = &load.options;
  const GOptionEntry entries[] = {
    { "url", 0, 0, G_OPTION_ARG_STRING, &o->url, "Voice webhook", "URL" },
    { "calls", 0, 0, G_OPTION_ARG_INT, &o->calls, "Calls at once (100)", "N" },
    { "seconds", 0, 0, G_OPTION_ARG_INT, &o->seconds, "How long to measure (10)", "S" },
    { "ramp", 0, 0, G_OPTION_ARG_INT, &o->ramp, "Calls to begin in a second (100)", "N" },
    { "pid", 0, 0, G_OPTION_ARG_INT, &o->pid, "Process of the server", "PID" },
    { "speak", 0, 0, G_OPTION_ARG_NONE, &o->echo, "Callers speak all the time", NULL },
    { NULL },
  };
  g_autoptr(GOptionContext) context = g_option_context_new(NULL);
  g_autoptr(GError) error = NULL;
  Usage idle, before, after;
  guint8 tone[8000];

  *o = (Options){ .calls = 100, .seconds = 10, .ramp = 100 };
  g_option_context_add_main_entries(context, entries, NULL);
  if (!g_option_context_parse(context, &argc, &argv, &error) || o->url == NULL ||
      strstr(o->url, "://127.") == NULL || o->calls < 1 || o->calls > 5000 || o->seconds > 120) {
    fprintf(stderr, "cordboard-load: %s\n",
            error ? error->message : "--url http://127.0.0.1:… is wanted");
    return 2;
  }
  gst_init(NULL, NULL);
  for (guint i = 0; i < sizeof tone; i++)
    tone[i] = (guint8)(i % 8 < 4 ? 0x9e : 0x1e);
  load.tone = g_bytes_new(tone, sizeof tone);
  load.lines = g_new0(Line, o->calls);
  load.loop = g_main_loop_new(NULL, FALSE);
  load.worker = cord_worker_acquire("load");
  idle = usage_of(o->pid);
  for (gint i = 0; i < o->calls; i++) {
    cord_worker_call(load.worker, run_dial, NULL);
    if (i % 10 == 9)
      wait_ms((guint)(10000 / MAX(o->ramp, 1)));
    if (isatty(STDERR_FILENO))
      fprintf(stderr, "\r%d of %d calls", i + 1, o->calls);
  }
  wait_ms(3000);
  if (isatty(STDERR_FILENO))
    fprintf(stderr, "\r%d calls are up, measuring for %d s\n", load.up, o->seconds);
  cord_worker_call(load.worker, start_measuring, NULL);
  before = usage_of(o->pid);
  wait_ms((guint)o->seconds * 1000);
  after = usage_of(o->pid);
  load.measuring = FALSE;
  report(idle, before, after);
  cord_worker_call(load.worker, run_hang_up, NULL);
  wait_ms(500);
  cord_worker_call(load.worker, run_free, NULL);
  return load.failed > 0;
}
