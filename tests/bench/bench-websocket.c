/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cord-websocket.h"
#include "ws-peer.h"

/*
 * Processor time of an echoed text of 300 bytes, as a carrier sends one for each frame: epoll,
 * recv, unmasking, UTF-8, formatting, send. The peer's own system calls are not counted.
 *
 *   bench-websocket [CONNECTIONS [ROUNDS]]
 */

#define SIZE 300 /* bytes */

static void
on_message(CordWebsocket *websocket, CordWebsocketMessageType type, const guint8 *data,
           gsize length, gpointer user_data)
{
  cord_websocket_send_text(websocket, (const gchar *)data, (gssize)length, NULL);
}

static guint64
now_ns(void)
{
  struct timespec t;

  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (guint64)t.tv_sec * 1000000000 + (guint64)t.tv_nsec;
}

int
main(int argc, char **argv)
{
  static const CordWebsocketHandlers handlers = { on_message, NULL, NULL };
  guint n = argc > 1 ? (guint)atoi(argv[1]) : 100;
  guint rounds = argc > 2 ? (guint)atoi(argv[2]) : 200000 / n;
  g_autoptr(CordWorker) worker = cord_worker_new_manual();
  g_autoptr(GPtrArray) websockets = g_ptr_array_new_with_free_func(g_object_unref);
  g_autofree int *fds = g_new(int, n);
  g_autofree gchar *text = g_strnfill(SIZE, 'A');
  g_autoptr(GBytes) frame = ws_peer_make(WS_FIN | 1, TRUE, text, SIZE);
  guint8 buffer[1024];
  guint64 spent = 0;

  for (guint i = 0; i < n; i++) {
    g_autoptr(GIOStream) stream = NULL;
    CordWebsocket *websocket;

    fds[i] = ws_peer_pair(SOCK_STREAM, &stream);
    websocket = cord_websocket_new(worker, stream, CORD_WEBSOCKET_SERVER, NULL, NULL);
    cord_websocket_set_handlers(websocket, &handlers, NULL);
    cord_websocket_start(websocket);
    g_ptr_array_add(websockets, websocket);
  }
  for (guint round = 0; round < rounds; round++) {
    guint64 before;

    for (guint i = 0; i < n; i++)
      ws_peer_send_bytes(fds[i], frame);
    before = now_ns();
    cord_worker_iterate(worker);
    spent += now_ns() - before;
    for (guint i = 0; i < n; i++)
      g_assert_cmpint(recv(fds[i], buffer, sizeof buffer, 0), ==, SIZE + 4);
  }
  g_print("%u connections: %.0f ns of processor time an echoed message of %d bytes\n", n,
          (gdouble)spent / n / rounds, SIZE);
  for (guint i = 0; i < n; i++)
    close(fds[i]);
  return 0;
}
