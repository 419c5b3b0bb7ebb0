/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ws-rig.h"

#include <malloc.h>
#include <unistd.h>

static void
test_too_big(WsRig *f, gconstpointer data)
{
  g_autofree gchar *text = g_strnfill(1001, 'x');
  g_autofree gchar *received = NULL;

  cord_websocket_set_max_message(f->websocket, 1000);
  text[1000] = '\0';
  ws_rig_say(f, WS_FIN | 1, text);
  cord_worker_iterate(f->worker);
  g_assert_cmpuint(f->heard->len, ==, 1003);
  text[1000] = 'x';
  ws_rig_say(f, WS_FIN | 1, text);
  ws_rig_assert_closed(f, CORD_WEBSOCKET_CLOSE_TOO_BIG, CORD_ERROR_PROTOCOL);
}

static void
test_flood_of_fragments(WsRig *f, gconstpointer data)
{
  g_autofree gchar *payload = g_strnfill(GPOINTER_TO_SIZE(data), 'x');

  ws_rig_say(f, 1, payload);
  for (guint i = 0; i < 2000 && f->n_closed == 0; i++) {
    ws_rig_say(f, 0, payload);
    cord_worker_iterate(f->worker);
  }
  ws_rig_assert_closed(f, data ? CORD_WEBSOCKET_CLOSE_TOO_BIG : CORD_WEBSOCKET_CLOSE_POLICY,
                       CORD_ERROR_PROTOCOL);
}

/* Fills the socket, so that more is queued. Returns how many messages were taken. */
static guint
fill(WsRig *f, gsize until)
{
  g_autofree gchar *text = g_strnfill(1000, 'x');
  guint n = 0;

  while (cord_websocket_get_queued(f->websocket) < until &&
         cord_websocket_send_text(f->websocket, text, 1000, NULL))
    n++;
  return n;
}

static void
test_queue_bound(WsRig *f, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  g_autofree gchar *text = g_strnfill(1000, 'x');

  cord_websocket_set_max_queued(f->websocket, 50000);
  fill(f, G_MAXSIZE);
  g_assert_cmpuint(cord_websocket_get_queued(f->websocket), <=, 50000);
  g_assert_cmpuint(cord_websocket_get_queued(f->websocket), >, 48000);
  g_assert_false(cord_websocket_send_text(f->websocket, text, 1000, &error));
  g_assert_error(error, CORD_ERROR, CORD_ERROR_TOO_LARGE);
  g_assert_cmpuint(f->n_closed, ==, 0);
}

/* All of it comes, in order, when the peer reads again. */
static void
test_drain(WsRig *f, gconstpointer data)
{
  guint n = fill(f, 100000);
  guint received = 0;
  guint8 buffer[65536];

  f->reaction = data ? DO_UNREF : DO_NOTHING;
  for (guint i = 0; i < 1000 && f->n_drained == 0; i++) {
    received += (guint)recv(f->fd, buffer, sizeof buffer, 0);
    cord_worker_iterate(f->worker);
  }
  g_assert_cmpuint(f->n_drained, ==, 1);
  for (gssize got; (got = recv(f->fd, buffer, sizeof buffer, 0)) > 0;)
    received += (guint)got;
  g_assert_cmpuint(received, ==, n * 1004);
  if (data) {
    ws_rig_assert_received(f, "EOF");
  } else {
    g_assert_cmpuint(cord_websocket_get_queued(f->websocket), ==, 0);
    cord_websocket_send_text(f->websocket, "and on", -1, NULL);
    ws_rig_assert_received(f, "1:and on;");
  }
}

static void
test_stall(WsRig *f, gconstpointer data)
{
  guint8 buffer[65536];

  fill(f, 900000);
  for (guint i = 0; i < 3; i++) {
    /* slow is not stalled */
    cord_worker_advance(f->worker, 29 * GST_SECOND);
    g_assert_cmpuint(f->n_closed, ==, 0);
    while (recv(f->fd, buffer, sizeof buffer, 0) > 0)
      ;
    cord_worker_iterate(f->worker);
  }
  cord_worker_advance(f->worker, 31 * GST_SECOND);
  ws_rig_assert_closed(f, CORD_WEBSOCKET_CLOSE_ABNORMAL, CORD_ERROR_TIMEOUT);
}

static void
test_ping_flood(WsRig *f, gconstpointer data)
{
  g_autofree gchar *payload = g_strnfill(125, 'p');

  fill(f, 1);
  for (guint i = 0; i < 5000; i++) {
    ws_rig_say(f, WS_FIN | 9, payload);
    cord_worker_iterate(f->worker);
  }
  g_assert_cmpuint(cord_websocket_get_queued(f->websocket), <, 8192);
  g_assert_cmpuint(f->n_closed, ==, 0);
}

static void
test_cork(WsRig *f, gconstpointer data)
{
  gchar packet[256];

  ws_rig_open(f, CORD_WEBSOCKET_SERVER, SOCK_SEQPACKET, NULL);
  cord_websocket_start(f->websocket);
  cord_websocket_cork(f->websocket);
  cord_websocket_cork(f->websocket);
  cord_websocket_send_text(f->websocket, "a", -1, NULL);
  cord_websocket_uncork(f->websocket);
  cord_websocket_send_text(f->websocket, "b", -1, NULL);
  g_assert_cmpint(recv(f->fd, packet, sizeof packet, 0), ==, -1);
  cord_websocket_send_binary(f->websocket, "c", 1, NULL);
  cord_websocket_uncork(f->websocket);
  g_assert_cmpint(recv(f->fd, packet, sizeof packet, 0), ==, 9);
  cord_websocket_send_text(f->websocket, "d", -1, NULL);
  g_assert_cmpint(recv(f->fd, packet, sizeof packet, 0), ==, 3);
  g_assert_cmpuint(cord_websocket_get_queued(f->websocket), ==, 0);
}

static void
test_keep_alive(WsRig *f, gconstpointer data)
{
  ws_rig_open(f, CORD_WEBSOCKET_SERVER, SOCK_STREAM, NULL);
  cord_websocket_set_keep_alive(f->websocket, 10 * GST_SECOND);
  cord_websocket_start(f->websocket);
  for (guint i = 0; i < 5; i++) {
    cord_worker_advance(f->worker, 10 * GST_SECOND);
    ws_rig_assert_received(f, "9:;");
    ws_rig_say(f, WS_FIN | 10, "");
    cord_worker_iterate(f->worker);
  }
  cord_worker_advance(f->worker, 10 * GST_SECOND);
  g_assert_cmpuint(f->n_closed, ==, 0);
  cord_worker_advance(f->worker, 10 * GST_SECOND);
  ws_rig_assert_closed(f, CORD_WEBSOCKET_CLOSE_ABNORMAL, CORD_ERROR_TIMEOUT);
}

#define N_IDLE 100

/* What a connection that has spoken and is silent costs beside its socket. */
static void
test_idle_memory(WsRig *f, gconstpointer data)
{
  CordWebsocket *websockets[N_IDLE];
  GIOStream *streams[N_IDLE];
  int fds[N_IDLE];
  gsize before, after;

  f->reaction = DO_NOTHING;
  for (guint i = 0; i < N_IDLE; i++)
    fds[i] = ws_peer_pair(SOCK_STREAM, &streams[i]);
  before = mallinfo2().uordblks;
  for (guint i = 0; i < N_IDLE; i++) {
    websockets[i] = cord_websocket_new(f->worker, streams[i], CORD_WEBSOCKET_SERVER, NULL, NULL);
    cord_websocket_start(websockets[i]);
    ws_peer_send(fds[i], 1, TRUE, "Hel");
    cord_worker_iterate(f->worker);
    ws_peer_send(fds[i], WS_FIN, TRUE, "lo");
    cord_worker_iterate(f->worker);
    cord_websocket_cork(websockets[i]);
    for (guint k = 0; k < 5; k++)
      cord_websocket_send_text(websockets[i], "a frame of a certain length", -1, NULL);
    cord_websocket_uncork(websockets[i]);
  }
  after = mallinfo2().uordblks;
  g_test_message("%zu bytes a connection", (after - before) / N_IDLE);
  g_assert_cmpuint((after - before) / N_IDLE, <=, 1024);
  for (guint i = 0; i < N_IDLE; i++) {
    g_object_unref(websockets[i]);
    g_object_unref(streams[i]);
    close(fds[i]);
  }
}

#define ADD(path, data, setup_func, test)                                                          \
  g_test_add("/websocket-limits/" path, WsRig, data, setup_func, test, ws_rig_teardown)

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  ADD("a message over the limit is refused", NULL, ws_rig_setup, test_too_big);
  ADD("empty fragments without end are refused", NULL, ws_rig_setup, test_flood_of_fragments);
  ADD("fragments without end are refused", GSIZE_TO_POINTER(100), ws_rig_setup,
      test_flood_of_fragments);
  ADD("what waits for a slow peer is bounded", NULL, ws_rig_setup, test_queue_bound);
  ADD("what waited comes in order", NULL, ws_rig_setup, test_drain);
  ADD("the owner may let go when all is written", "unref", ws_rig_setup, test_drain);
  ADD("a stalled peer is given up, a slow one is not", NULL, ws_rig_setup, test_stall);
  ADD("pings without end fill no memory", NULL, ws_rig_setup, test_ping_flood);
  ADD("what is corked leaves in one write", NULL, ws_rig_setup_bare, test_cork);
  ADD("a peer that answers no ping is given up", NULL, ws_rig_setup_bare, test_keep_alive);
  ADD("an idle connection keeps little", NULL, ws_rig_setup_bare, test_idle_memory);
  return g_test_run();
}
