/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <gio/gio.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <gst/gst.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "call-mic.h"
#include "call-options.h"
#include "call-report.h"
#include "cord-commands.h"
#include "cord-http.h"
#include "cord-phone-audio.h"
#include "cord-phone-pace.h"
#include "cord-worker.h"

#define EVENTS_LINGER_MS 1500 /* for the server's last words after the call */

typedef struct {
  CallOptions options;
  GMainLoop *loop;
  CordWorker *worker;
  CordPhone *phone;
  CordPhoneTalk *talk;
  CallReport *report;
  CordHttpExchange *events;
  GError *error;
  gboolean over;
  gboolean events_over;
  CordTimer *deadline;
  CordTimer *linger;
  CordPhonePace pace;
  CallMic *mic;
} Call;

/* The worker's side */

static gboolean
quit(gpointer data)
{
  g_main_loop_quit(data);
  return G_SOURCE_REMOVE;
}

static void
finish(gpointer data)
{
  Call *call = data;

  call->linger = NULL;
  g_main_context_invoke(NULL, quit, call->loop);
}

static void
finish_when_over(Call *call)
{
  if (!call->over)
    return;
  g_clear_pointer(&call->linger, cord_timer_remove);
  call->linger = cord_worker_add_timer(
      call->worker, call->events_over ? 0 : EVENTS_LINGER_MS * GST_MSECOND, finish, call);
}

static void
on_server_event(CordHttpExchange *exchange, const gchar *event, const gchar *text, gpointer data)
{
  Call *call = data;

  call_report_event(call->report, event, text);
}

static void
on_events_finished(CordHttpExchange *exchange, const GError *error, gpointer data)
{
  Call *call = data;

  /* a server that is no Cordboard tells nothing; that is no failure */
  call->events = NULL;
  call->events_over = TRUE;
  finish_when_over(call);
}

static void
follow_events(Call *call)
{
  static const CordHttpHandlers handlers = { .event = on_server_event,
                                             .finished = on_events_finished };
  const gchar *path = strstr(call->options.url, "/api/twilio/");
  g_autofree gchar *base = NULL;
  g_autofree gchar *url = NULL;
  CordHttpRequest request = { .method = "GET", .max_body = 16 * 1024 * 1024 };

  if (path == NULL) {
    call->events_over = TRUE;
    return;
  }
  base = g_strndup(call->options.url, (gsize)(path - call->options.url));
  url = g_strdup_printf("%s/api/calls/%s/events", base, cord_phone_get_call_sid(call->phone));
  request.url = url;
  request.idle_timeout = 3600 * GST_SECOND;
  call->events = cord_http_start(call->worker, &request, &handlers, call);
}

static void
on_started(CordPhone *phone, gpointer data)
{
  follow_events(data);
}

static void
on_frame(CordPhone *phone, const guint8 *sent, const guint8 *heard, gsize length, gpointer data)
{
  Call *call = data;

  if (call->mic)
    call_mic_play(call->mic, heard, CORD_PHONE_FRAME);
  cord_phone_talk_frame(call->talk, phone, sent, heard, length);
}

static void
on_arrived(CordPhone *phone, const guint8 *audio, gsize length, gpointer data)
{
  Call *call = data;

  cord_phone_pace_arrived(&call->pace, cord_worker_get_time(call->worker), length);
}

static void
on_told(CordPhone *phone, const gchar *json, gpointer data)
{
  Call *call = data;

  call_report_told(call->report, json);
}

static void
on_cleared(CordPhone *phone, gsize bytes, gpointer data)
{
  Call *call = data;

  cord_phone_pace_break(&call->pace);
  cord_phone_talk_cleared(call->talk);
}

static void
on_verb(CordPhone *phone, const CordTwimlVerb *verb, gpointer data)
{
  Call *call = data;

  if (!call->options.quiet && !call->options.json)
    printf("<%s>%s%s\n", verb->name, verb->text->len > 0 ? " " : "", verb->text->str);
}

static void
on_ended(CordPhone *phone, const GError *error, gpointer data)
{
  Call *call = data;

  if (error && call->error == NULL)
    call->error = g_error_copy(error);
  call->over = TRUE;
  if (call->events == NULL)
    call->events_over = TRUE;
  g_clear_pointer(&call->deadline, cord_timer_remove);
  finish_when_over(call);
}

static void
on_said(const CordPhoneLine *line, gpointer data)
{
  call_report_line(((Call *)data)->report, line);
}

static void
on_all_said(gpointer data)
{
  Call *call = data;

  if (!call->options.mic)
    cord_phone_hang_up(call->phone);
}

static void
on_max_duration(gpointer data)
{
  Call *call = data;

  call->deadline = NULL;
  if (call->error == NULL)
    call->error = g_error_new(G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                              _("the call lasted longer than %d s"), call->options.max_duration);
  cord_phone_hang_up(call->phone);
}

static void
run_dial(gpointer data)
{
  static const CordPhoneHandlers handlers = {
    .verb = on_verb,
    .started = on_started,
    .arrived = on_arrived,
    .frame = on_frame,
    .told = on_told,
    .cleared = on_cleared,
    .ended = on_ended,
  };
  Call *call = data;
  CordPhoneCall whom = {
    .url = call->options.url,
    .status_url = call->options.status_url,
    .from = call->options.from,
    .to = call->options.to,
    .auth_token = call->options.auth_token,
    .browser = call->options.browser,
    .api_key = call->options.browser ? call->options.key : NULL,
    .jitter_ms = (guint)call->options.jitter_ms,
  };

  call->phone = cord_phone_new(call->worker, &whom, &handlers, call);
  call->deadline = cord_worker_add_timer(
      call->worker, (GstClockTime)call->options.max_duration * GST_SECOND, on_max_duration, call);
  cord_phone_dial(call->phone);
}

static void
run_hang_up(gpointer data)
{
  cord_phone_hang_up(((Call *)data)->phone);
}

static void
run_close(gpointer data)
{
  Call *call = data;

  g_clear_pointer(&call->events, cord_http_cancel);
  g_clear_pointer(&call->linger, cord_timer_remove);
  g_clear_pointer(&call->deadline, cord_timer_remove);
}

static void
run_free(gpointer data)
{
  cord_phone_free(((Call *)data)->phone);
}

/* The main thread's side */

/* From the microphone's thread. */

typedef struct {
  Call *call;
  GBytes *audio;
} Spoken;

static void
run_spoken(gpointer data)
{
  Spoken *spoken = data;

  if (!spoken->call->over)
    cord_phone_speak(spoken->call->phone, spoken->audio);
}

static void
free_spoken(gpointer data)
{
  g_bytes_unref(((Spoken *)data)->audio);
  g_free(data);
}

static void
on_mic(GBytes *audio, gpointer data)
{
  Call *call = data;
  Spoken *spoken = g_new0(Spoken, 1);

  spoken->call = call;
  spoken->audio = g_bytes_ref(audio);
  cord_worker_post(call->worker, run_spoken, spoken, free_spoken);
}

static gboolean
open_mic(Call *call, GError **error)
{
  call->mic = call_mic_new(on_mic, call, error);
  return call->mic != NULL;
}

static gboolean
on_interrupt(gpointer data)
{
  Call *call = data;

  if (call->phone)
    cord_worker_post(call->worker, run_hang_up, call, NULL);
  return G_SOURCE_CONTINUE;
}

static gboolean
prepare_lines(Call *call, GError **error)
{
  for (guint i = 0; i < call->options.wishes->len; i++) {
    const CallWish *wish = call->options.wishes->pdata[i];
    g_autoptr(GBytes) audio = NULL;

    if (wish->kind == 's')
      audio = cord_phone_render_text(wish->value, call->options.voice, error);
    else if (wish->kind == 'w')
      audio = cord_phone_render_file(wish->value, error);
    if (wish->kind != 'd' && audio == NULL)
      return FALSE;
    cord_phone_talk_add(call->talk, wish->kind == 'd' ? NULL : wish->value, audio,
                        wish->kind == 'd' ? wish->value : NULL, wish->barge_in_ms);
  }
  return TRUE;
}

static gboolean
write_recordings(Call *call, GError **error)
{
  g_autofree gchar *heard = g_strconcat(call->options.record, "-heard.wav", NULL);
  g_autofree gchar *stereo = g_strconcat(call->options.record, "-stereo.wav", NULL);
  GByteArray *left = cord_phone_talk_get_sent(call->talk);
  GByteArray *right = cord_phone_talk_get_heard(call->talk);

  return cord_phone_write_wav(heard, right, NULL, error) &&
         cord_phone_write_wav(stereo, left, right, error);
}

static void
check_result(Call *call)
{
  g_autofree gchar *transcript = NULL;
  g_autofree gchar *lower = NULL;

  if (call->error)
    return;
  if (!cord_phone_talk_has_heard(call->talk)) {
    call->error = g_error_new_literal(G_IO_ERROR, G_IO_ERROR_FAILED, _("the agent never spoke"));
    return;
  }
  transcript = call_report_get_transcript(call->report);
  lower = g_utf8_strdown(transcript, -1);
  for (guint i = 0; call->options.expect && call->options.expect[i]; i++) {
    g_autofree gchar *wanted = g_utf8_strdown(call->options.expect[i], -1);

    if (strstr(lower, wanted) == NULL) {
      call->error = g_error_new(G_IO_ERROR, G_IO_ERROR_FAILED, _("\"%s\" is not in the transcript"),
                                call->options.expect[i]);
      return;
    }
  }
}

/* Prints the result, and writes it beside the recordings. */
static void
print_result(Call *call)
{
  g_autofree gchar *json = call_report_to_json(call->report, call->talk, &call->pace,
                                               cord_phone_get_call_sid(call->phone),
                                               call->error ? call->error->message : NULL);

  if (call->options.record) {
    g_autofree gchar *path = g_strconcat(call->options.record, ".json", NULL);
    g_autoptr(GError) error = NULL;

    if (!g_file_set_contents(path, json, -1, &error))
      fprintf(stderr, _("cordboard: %s\n"), error->message);
  }
  if (call->options.json)
    printf("%s\n", json);
  else if (!call->options.quiet && cord_phone_talk_has_heard(call->talk))
    call_report_print_table(call->report, call->talk, &call->pace);
  if (call->error && !call->options.json)
    fprintf(stderr, _("cordboard: the call failed: %s\n"), call->error->message);
}

static int
run(Call *call)
{
  g_autoptr(GError) error = NULL;
  guint signal_id;
  int code;

  call->worker = cord_worker_acquire("phone");
  call->report = call_report_new(call->options.quiet || call->options.json,
                                 isatty(STDOUT_FILENO) && g_getenv("NO_COLOR") == NULL);
  call->talk = cord_phone_talk_new(on_said, on_all_said, call);
  if (call->options.record)
    cord_phone_talk_keep_audio(call->talk);
  if (!prepare_lines(call, &error) || (call->options.mic && !open_mic(call, &error))) {
    fprintf(stderr, _("cordboard: %s\n"), error->message);
    return CORD_EXIT_FAILED;
  }
  call->loop = g_main_loop_new(NULL, FALSE);
  signal_id = g_unix_signal_add(SIGINT, on_interrupt, call);
  cord_worker_call(call->worker, run_dial, call);
  g_main_loop_run(call->loop);
  g_source_remove(signal_id);
  g_clear_pointer(&call->mic, call_mic_free);
  cord_worker_call(call->worker, run_close, call);
  if (call->options.record && !write_recordings(call, &error) && call->error == NULL)
    call->error = g_steal_pointer(&error);
  check_result(call);
  print_result(call);
  code = call->error ? CORD_EXIT_FAILED : CORD_EXIT_OK;
  cord_worker_call(call->worker, run_free, call);
  return code;
}

static void
clear_call(Call *call)
{
  g_clear_pointer(&call->talk, cord_phone_talk_free);
  g_clear_pointer(&call->report, call_report_free);
  g_clear_pointer(&call->loop, g_main_loop_unref);
  g_clear_object(&call->worker);
  g_clear_error(&call->error);
  call_options_clear(&call->options);
}

/**
 * cord_cmd_call:
 * @argc: number of arguments
 * @argv: arguments
 *
 * `cordboard call`.
 *
 * Returns: the exit code
 */
int
cord_cmd_call(int argc, char *argv[])
{
  Call call = { 0 };
  g_autoptr(GError) error = NULL;
  int code = CORD_EXIT_USAGE;

  if (call_options_read(&call.options, argc, argv, &error)) {
    gst_init(NULL, NULL);
    code = run(&call);
  } else {
    fprintf(stderr, _("cordboard: %s\n"), error->message);
  }
  clear_call(&call);
  return code;
}
