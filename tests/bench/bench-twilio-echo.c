/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Processor time of the media thread for each 20 ms that comes in and goes out again:
 * `twiliosrc ! twiliosink` for many calls on one worker, in real time, each call with a phase of
 * its own. The carriers are threads of the same process over socketpairs; their time is not
 * counted.
 *
 *   bench-twilio-echo [CALLS [SECONDS]]
 */

#include <cordboard.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cord-websocket.h"

#define STREAM "MZ00000000000000000000000000000001"
#define PHASES 20 /* of 1 ms */

typedef struct {
  int fd;
  guint sequence;
  GByteArray *input;
  GstElement *pipeline;
} Call;

typedef struct {
  CordWorker *worker;
  Call *calls;
  guint n_calls;
  guint frames_sent;
  guint frames_received;
  gdouble cpu; /* s, of the worker's thread */
} Bench;

static void
send_text(Call *call, const gchar *text, gsize length)
{
  guint8 frame[1024] = { 0x81 };
  gsize head = 2;

  if (length < 126) {
    frame[1] = 0x80 | length;
  } else {
    frame[1] = 0x80 | 126;
    frame[2] = length >> 8;
    frame[3] = length & 0xff;
    head = 4;
  }
  memcpy(frame + head, "\x11\x22\x33\x44", 4);
  for (gsize i = 0; i < length; i++)
    frame[head + 4 + i] = text[i] ^ (0x11 * (i % 4 + 1));
  if (send(call->fd, frame, head + 4 + length, MSG_NOSIGNAL) < 0)
    g_printerr("a frame was lost: %s\n", g_strerror(errno));
}

static void
send_media(Call *call)
{
  static const guint8 audio[160] = { 1, 2, 3 };
  g_autofree gchar *payload = g_base64_encode(audio, sizeof audio);
  gchar text[600];
  gint length;

  length = g_snprintf(
      text, sizeof text,
      "{\"event\":\"media\",\"sequenceNumber\":\"%u\",\"media\":{\"track\":\"inbound\","
      "\"chunk\":\"%u\",\"timestamp\":\"%u\",\"payload\":\"%s\"},\"streamSid\":\"" STREAM "\"}",
      call->sequence + 2, call->sequence + 1, call->sequence * 20, payload);
  call->sequence++;
  send_text(call, text, length);
}

static void
hear(Bench *bench, Call *call, const gchar *text, gsize length)
{
  const gchar *name;

  if (g_str_has_prefix(text, "{\"event\":\"media\"")) {
    bench->frames_received++;
  } else if ((name = memmem(text, length, "\"name\":\"", 8))) {
    gchar mark[200];
    gint n = g_snprintf(mark, sizeof mark,
                        "{\"event\":\"mark\",\"streamSid\":\"" STREAM "\",\"mark\":{%.*s}}",
                        (gint)(strcspn(name + 8, "\"") + 9), name);
    send_text(call, mark, n);
  }
}

static void
receive(Bench *bench, Call *call)
{
  guint8 buffer[8192];
  gssize n;
  gsize at = 0;

  while ((n = recv(call->fd, buffer, sizeof buffer, 0)) > 0)
    g_byte_array_append(call->input, buffer, n);
  for (;;) {
    const guint8 *p = call->input->data + at;
    gsize have = call->input->len - at, head = 2, length;
    if (have < 4)
      break;
    length = p[1];
    if (length == 126) {
      length = p[2] << 8 | p[3];
      head = 4;
    }
    if (have < head + length)
      break;
    hear(bench, call, (const gchar *)p + head, length);
    at += head + length;
  }
  if (at > 0)
    g_byte_array_remove_range(call->input, 0, at);
}

static gdouble
thread_cpu(void)
{
  struct timespec now;

  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

static void
read_cpu(gpointer data)
{
  ((Bench *)data)->cpu = thread_cpu();
}

static gdouble
worker_cpu(Bench *bench)
{
  cord_worker_call(bench->worker, read_cpu, bench);
  return bench->cpu;
}

static GSocketConnection *
make_pair(Call *call)
{
  g_autoptr(GSocket) socket = NULL;
  int pair[2];

  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
    g_error("socketpair: %s", g_strerror(errno));
  call->fd = pair[0];
  socket = g_socket_new_from_fd(pair[1], NULL);
  return g_socket_connection_factory_create_connection(socket);
}

static void
start_calls(gpointer data)
{
  Bench *bench = data;
  g_autoptr(GstContext) context = cord_worker_to_gst_context(bench->worker);

  for (guint i = 0; i < bench->n_calls; i++) {
    Call *call = &bench->calls[i];
    g_autoptr(GSocketConnection) far_end = make_pair(call);
    g_autoptr(CordWebsocket) websocket =
        cord_websocket_new(bench->worker, G_IO_STREAM(far_end), CORD_WEBSOCKET_SERVER, NULL, NULL);
    g_autofree gchar *name = g_strdup_printf("call-%u", i);
    GstElement *src = gst_element_factory_make("twiliosrc", NULL);
    GstElement *sink = gst_element_factory_make("twiliosink", NULL);

    call->input = g_byte_array_new();
    call->pipeline = gst_pipeline_new(NULL);
    g_object_set(src, "connection", websocket, "session", name, NULL);
    g_object_set(sink, "session", name, NULL);
    gst_bin_add_many(GST_BIN(call->pipeline), src, sink, NULL);
    gst_element_link(src, sink);
    gst_element_set_context(call->pipeline, context);
    gst_element_set_state(call->pipeline, GST_STATE_PLAYING);
  }
}

static void
stop_calls(gpointer data)
{
  Bench *bench = data;

  for (guint i = 0; i < bench->n_calls; i++) {
    gst_element_set_state(bench->calls[i].pipeline, GST_STATE_NULL);
    gst_object_unref(bench->calls[i].pipeline);
    g_byte_array_unref(bench->calls[i].input);
    close(bench->calls[i].fd);
  }
}

/* One round is 20 ms: each call once, in its phase. */
static void
run_rounds(Bench *bench, guint rounds)
{
  gint64 due = g_get_monotonic_time();

  for (guint step = 0; step < rounds * PHASES; step++) {
    for (guint i = step % PHASES; i < bench->n_calls; i += PHASES) {
      receive(bench, &bench->calls[i]);
      send_media(&bench->calls[i]);
      bench->frames_sent++;
    }
    due += 1000;
    while (g_get_monotonic_time() < due)
      g_usleep(MAX(due - g_get_monotonic_time(), 1));
  }
}

int
main(int argc, char **argv)
{
  static const gchar start[] =
      "{\"event\":\"start\",\"sequenceNumber\":\"1\",\"streamSid\":\"" STREAM
      "\",\"start\":{\"streamSid\":\"" STREAM "\",\"callSid\":\"CA1\"}}";
  Bench bench = { NULL };
  guint seconds;
  gdouble cpu;

  gst_init(&argc, &argv);
  bench.n_calls = argc > 1 ? atoi(argv[1]) : 100;
  seconds = argc > 2 ? atoi(argv[2]) : 5;
  bench.calls = g_new0(Call, bench.n_calls);
  bench.worker = cord_worker_acquire("bench");
  cord_worker_call(bench.worker, start_calls, &bench);
  for (guint i = 0; i < bench.n_calls; i++)
    send_text(&bench.calls[i], start, sizeof start - 1);
  run_rounds(&bench, 25);

  bench.frames_sent = bench.frames_received = 0;
  cpu = worker_cpu(&bench);
  run_rounds(&bench, seconds * 50);
  cpu = worker_cpu(&bench) - cpu;
  printf("%u calls, %u s: %u frames in, %u out, %.2f us of processor time per frame pair, late %u "
         "us\n",
         bench.n_calls, seconds, bench.frames_sent, bench.frames_received,
         cpu * 1e6 / MAX(bench.frames_sent, 1), cord_worker_get_lateness_us(bench.worker));

  cord_worker_call(bench.worker, stop_calls, &bench);
  g_object_unref(bench.worker);
  g_free(bench.calls);
  return bench.frames_received < bench.frames_sent * 0.95;
}
