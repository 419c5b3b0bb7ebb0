/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gio/gio.h>
#include <string.h>
#include <sys/resource.h>

#include "cord-http-server.h"
#include "cord-listener.h"
#include "cord-websocket-server.h"

#define SHORT_MS 40   /* a deadline that is meant to pass */
#define LONG_MS 20000 /* one that is not */
#define STUCK_S 10    /* after which a test has failed */
#define LATER_MS (3 * SHORT_MS)
#define LARGE (32 * 1024 * 1024) /* bytes: more than sockets hold */

typedef struct {
  CordHttpServer *server;
  CordListener *listener;
  GSocketAddress *address;
  CordWorker *worker;
  guint stuck;
} Rig;

static const CordListenerLimits patient = {
  .connections = 100,
  .connections_per_address = 100,
  .bodies = 1024 * 1024,
  .guard = { LONG_MS, LONG_MS, LONG_MS, LONG_MS, SHORT_MS, 1000 },
};

/* Handlers */

static void
ok_handler(CordExchange *exchange, gpointer data)
{
  cord_exchange_answer(exchange, 200, "text/plain", "fine");
}

static gboolean
answer_later(gpointer data)
{
  cord_exchange_answer(data, 200, "text/plain", "late");
  cord_exchange_release(data);
  return G_SOURCE_REMOVE;
}

static void
later_handler(CordExchange *exchange, gpointer data)
{
  g_timeout_add(LATER_MS, answer_later, cord_exchange_hold(exchange));
}

static void
large_handler(CordExchange *exchange, gpointer data)
{
  g_autofree gchar *body = g_strnfill(LARGE, 'x');

  cord_exchange_answer(exchange, 200, "text/plain", body);
}

static void
on_message(CordWebsocket *websocket, CordWebsocketMessageType type, const guint8 *data,
           gsize length, gpointer user_data)
{
  g_autofree gchar *text = g_strndup((const gchar *)data, length);

  cord_websocket_send_text(websocket, text, -1, NULL);
  cord_websocket_close(websocket, 1000, "bye");
}

static void
on_closed(CordWebsocket *websocket, guint16 code, const gchar *reason, const GError *error,
          gpointer user_data)
{
  g_object_unref(websocket);
}

static void
on_taken(CordWebsocket *websocket, gpointer data)
{
  static const CordWebsocketHandlers handlers = { on_message, on_closed, NULL };

  cord_websocket_set_handlers(g_object_ref(websocket), &handlers, NULL);
  cord_websocket_start(websocket);
}

static void
websocket_handler(CordExchange *exchange, gpointer data)
{
  Rig *rig = data;

  if (!cord_websocket_server_take(exchange->message, rig->worker, on_taken, NULL, NULL))
    cord_exchange_problem(exchange, 400, "No WebSocket.");
}

/* The rig */

static gboolean
on_stuck(gpointer data)
{
  g_error("the test waits for something that does not come");
  return G_SOURCE_REMOVE;
}

static void
rig_start(Rig *rig, const CordListenerLimits *limits)
{
  g_autoptr(GError) error = NULL;

  rig->worker = cord_worker_new_manual();
  rig->server = cord_http_server_new();
  cord_http_server_add(rig->server, "GET", "/ok", ok_handler, rig);
  cord_http_server_add(rig->server, "POST", "/ok", ok_handler, rig);
  cord_http_server_add(rig->server, "GET", "/later", later_handler, rig);
  cord_http_server_add(rig->server, "GET", "/large", large_handler, rig);
  cord_http_server_add(rig->server, "GET", "/ws", websocket_handler, rig);
  rig->listener = cord_listener_new(cord_http_server_get_soup(rig->server), limits);
  rig->address = cord_listener_listen(rig->listener, "127.0.0.1:0", &error);
  g_assert_no_error(error);
  rig->stuck = g_timeout_add_seconds(STUCK_S, on_stuck, NULL);
}

static void
turn(Rig *rig)
{
  /* the worker is driven by hand, and may have got something from the other side */
  cord_worker_iterate(rig->worker);
  g_main_context_iteration(NULL, FALSE);
}

static void
wait_count(Rig *rig, guint count)
{
  while (cord_listener_get_count(rig->listener) != count)
    turn(rig);
}

static void
rig_stop(Rig *rig)
{
  wait_count(rig, 0);
  cord_listener_stop(rig->listener);
  g_clear_object(&rig->server);
  g_clear_object(&rig->listener);
  g_clear_object(&rig->address);
  g_clear_object(&rig->worker);
  g_source_remove(rig->stuck);
}

static GSocket *
dial(Rig *rig)
{
  g_autoptr(GError) error = NULL;
  GSocket *socket =
      g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &error);

  g_assert_no_error(error);
  g_socket_connect(socket, rig->address, NULL, &error);
  g_assert_no_error(error);
  g_socket_set_blocking(socket, FALSE);
  return socket;
}

/* Sends as much as the server takes. */
static gboolean
send_bytes(Rig *rig, GSocket *socket, const gchar *bytes, gsize length)
{
  gsize at = 0;

  while (at < length) {
    gssize n = g_socket_send(socket, bytes + at, length - at, NULL, NULL);

    if (n < 0 && (g_socket_condition_check(socket, G_IO_HUP | G_IO_ERR) & (G_IO_HUP | G_IO_ERR)))
      return FALSE;
    at += n > 0 ? (gsize)n : 0;
    turn(rig);
  }
  return TRUE;
}

static void
send_text(Rig *rig, GSocket *socket, const gchar *text)
{
  send_bytes(rig, socket, text, strlen(text));
}

/* What comes until the end, or until a text has come. */
static gchar *
receive(Rig *rig, GSocket *socket, const gchar *until)
{
  GString *got = g_string_new(NULL);

  for (;;) {
    gchar bytes[4096];
    g_autoptr(GError) error = NULL;
    gssize n = g_socket_receive(socket, bytes, sizeof bytes, NULL, &error);

    if (n > 0)
      g_string_append_len(got, bytes, n);
    if (n == 0 || (n < 0 && !g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)))
      break;
    if (until && strstr(got->str, until))
      break;
    turn(rig);
  }
  return g_string_free(got, FALSE);
}

static void
assert_answer(const gchar *answer, guint status)
{
  g_autofree gchar *start = g_strdup_printf("HTTP/1.1 %u ", status);

  g_assert_true(g_str_has_prefix(answer, start));
  if (status >= 400)
    g_assert_nonnull(strstr(answer, "Content-Type: application/problem+json\r\n"));
}

/* One request on a connection of its own. */
static gchar *
ask(Rig *rig, const gchar *request)
{
  g_autoptr(GSocket) socket = dial(rig);

  send_text(rig, socket, request);
  return receive(rig, socket, NULL);
}

/* Tests */

static void
test_kept_alive(void)
{
  Rig rig = { 0 };
  g_autoptr(GSocket) socket = NULL;

  rig_start(&rig, &patient);
  socket = dial(&rig);
  for (guint i = 0; i < 3; i++) {
    g_autofree gchar *answer = NULL;

    send_text(&rig, socket, "GET /ok HTTP/1.1\r\nHost: x\r\n\r\n");
    answer = receive(&rig, socket, "fine");
    assert_answer(answer, 200);
  }
  g_assert_cmpuint(cord_listener_get_count(rig.listener), ==, 1);
  /* a client that goes between two requests leaves nothing behind */
  g_clear_object(&socket);
  rig_stop(&rig);
}

static void
test_pipelined(void)
{
  Rig rig = { 0 };
  g_autofree gchar *answer = NULL;

  rig_start(&rig, &patient);
  answer = ask(&rig, "GET /ok HTTP/1.1\r\nHost: x\r\n\r\n"
                     "GET /no HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  assert_answer(answer, 200);
  assert_answer(strstr(answer, "fine") + strlen("fine"), 404);
  rig_stop(&rig);
}

static void
test_half_closed(void)
{
  Rig rig = { 0 };
  g_autoptr(GSocket) socket = NULL;
  g_autofree gchar *answer = NULL;

  rig_start(&rig, &patient);
  socket = dial(&rig);
  send_text(&rig, socket, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  g_socket_shutdown(socket, FALSE, TRUE, NULL);
  answer = receive(&rig, socket, NULL);
  assert_answer(answer, 200);
  g_assert_true(g_str_has_suffix(answer, "late"));
  rig_stop(&rig);
}

static void
test_slow_head(void)
{
  Rig rig = { 0 };
  CordListenerLimits limits = patient;
  g_autofree gchar *half = NULL, *nothing = NULL;

  limits.guard.head_ms = SHORT_MS;
  rig_start(&rig, &limits);
  half = ask(&rig, "GET /ok HTTP/1.1\r\nHost:");
  assert_answer(half, 408);
  nothing = ask(&rig, "");
  g_assert_cmpstr(nothing, ==, "");
  rig_stop(&rig);
}

static void
test_slow_second_head(void)
{
  Rig rig = { 0 };
  CordListenerLimits limits = patient;
  g_autofree gchar *answer = NULL;

  limits.guard.head_ms = SHORT_MS;
  rig_start(&rig, &limits);
  answer = ask(&rig, "GET /ok HTTP/1.1\r\nHost: x\r\n\r\nGET /ok");
  assert_answer(answer, 200);
  assert_answer(strstr(answer, "fine") + strlen("fine"), 408);
  rig_stop(&rig);
}

static void
test_slow_body(void)
{
  Rig rig = { 0 };
  CordListenerLimits limits = patient;
  g_autofree gchar *answer = NULL;

  limits.guard.body_ms = SHORT_MS;
  rig_start(&rig, &limits);
  answer = ask(&rig, "POST /ok HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  assert_answer(answer, 408);
  rig_stop(&rig);
}

static void
test_idle(void)
{
  Rig rig = { 0 };
  CordListenerLimits limits = patient;
  g_autofree gchar *answer = NULL;

  limits.guard.idle_ms = SHORT_MS;
  rig_start(&rig, &limits);
  answer = ask(&rig, "GET /ok HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_answer(answer, 200);
  g_assert_true(g_str_has_suffix(answer, "fine"));
  rig_stop(&rig);
}

static void
test_slow_answer(void)
{
  Rig rig = { 0 };
  CordListenerLimits limits = patient;
  g_autofree gchar *answer = NULL;

  limits.guard = (CordGuardLimits){ SHORT_MS, SHORT_MS, SHORT_MS, SHORT_MS, SHORT_MS, 1000 };
  rig_start(&rig, &limits);
  answer = ask(&rig, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_answer(answer, 200);
  rig_stop(&rig);
}

static void
test_stalled_reader(void)
{
  Rig rig = { 0 };
  CordListenerLimits limits = patient;
  g_autoptr(GSocket) socket = NULL;

  limits.guard.write_ms = SHORT_MS;
  rig_start(&rig, &limits);
  socket = dial(&rig);
  send_text(&rig, socket, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
  wait_count(&rig, 1);
  rig_stop(&rig);
}

static void
test_large_body(void)
{
  static const gchar *const heads[] = {
    "POST /ok HTTP/1.1\r\nHost: x\r\nContent-Length: 67108864\r\n\r\n",
    "POST /ok HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4000000\r\n",
  };
  g_autofree gchar *filler = g_strnfill(65536, 'x');

  for (guint i = 0; i < G_N_ELEMENTS(heads); i++) {
    Rig rig = { 0 };
    g_autoptr(GSocket) socket = NULL;
    g_autofree gchar *answer = NULL;

    rig_start(&rig, &patient);
    socket = dial(&rig);
    send_text(&rig, socket, heads[i]);
    for (guint j = 0; j < 4; j++)
      send_bytes(&rig, socket, filler, 65536);
    answer = receive(&rig, socket, NULL);
    assert_answer(answer, 413);
    rig_stop(&rig);
  }
}

static void
test_many_bodies(void)
{
  static const gchar request[] = "POST /ok HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n";
  g_autofree gchar *part = g_strnfill(700, 'x');
  Rig rig = { 0 };
  CordListenerLimits limits = patient;
  g_autoptr(GSocket) first = NULL, second = NULL;
  g_autofree gchar *one = NULL, *two = NULL;

  limits.bodies = 1500;
  rig_start(&rig, &limits);
  first = dial(&rig);
  send_text(&rig, first, request);
  send_text(&rig, first, part);
  second = dial(&rig);
  send_text(&rig, second, request);
  send_text(&rig, second, part);
  two = receive(&rig, second, NULL);
  assert_answer(two, 503);
  send_bytes(&rig, first, part, 300);
  one = receive(&rig, first, "fine");
  assert_answer(one, 200);
  g_clear_object(&first);
  rig_stop(&rig);
}

static void
test_flood(void)
{
  Rig rig = { 0 };
  CordListenerLimits limits = patient;
  g_autoptr(GSocket) one = NULL, two = NULL, three = NULL;
  g_autofree gchar *busy = NULL, *answer = NULL;

  limits.connections = 2;
  rig_start(&rig, &limits);
  one = dial(&rig);
  two = dial(&rig);
  wait_count(&rig, 2);
  g_test_expect_message(NULL, G_LOG_LEVEL_WARNING,
                        "too many connections: 1 refused*from 127.0.0.1");
  three = dial(&rig);
  busy = receive(&rig, three, NULL);
  g_test_assert_expected_messages();
  g_assert_true(g_str_has_prefix(busy, "HTTP/1.1 503 "));
  /* refused again, but the log has had its line */
  g_clear_object(&three);
  three = dial(&rig);
  g_free(busy);
  busy = receive(&rig, three, NULL);
  g_assert_true(g_str_has_prefix(busy, "HTTP/1.1 503 "));
  g_clear_object(&one);
  wait_count(&rig, 1);
  answer = ask(&rig, "GET /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  assert_answer(answer, 200);
  g_clear_object(&two);
  rig_stop(&rig);
}

static void
test_refused(void)
{
  Rig rig = { 0 };
  g_autofree gchar *answer = NULL;

  rig_start(&rig, &patient);
  answer = ask(&rig, "POST /ok HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /ok HTTP/1.1\r\n\r\n");
  assert_answer(answer, 400);
  g_assert_null(strstr(answer, "fine"));
  g_assert_nonnull(strstr(answer, "\"status\":400"));
  rig_stop(&rig);
}

static void
test_descriptors(void)
{
  Rig rig = { 0 };
  struct rlimit before, low;
  g_autoptr(GSocket) waiting = NULL;
  g_autofree gchar *answer = NULL;

  rig_start(&rig, &patient);
  waiting = dial(&rig);
  send_text(&rig, waiting, "");
  wait_count(&rig, 1);
  g_clear_object(&waiting);
  wait_count(&rig, 0);
  /* our own end takes the last descriptor, the server's is one too many */
  waiting = dial(&rig);
  getrlimit(RLIMIT_NOFILE, &before);
  low = before;
  low.rlim_cur = (rlim_t)g_socket_get_fd(waiting) + 1;
  setrlimit(RLIMIT_NOFILE, &low);
  g_test_expect_message(NULL, G_LOG_LEVEL_WARNING, "too many connections: 1 refused*");
  for (guint i = 0; i < 1000; i++)
    turn(&rig);
  g_test_assert_expected_messages();
  g_assert_cmpuint(cord_listener_get_count(rig.listener), ==, 0);
  setrlimit(RLIMIT_NOFILE, &before);
  wait_count(&rig, 1);
  send_text(&rig, waiting, "GET /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  answer = receive(&rig, waiting, NULL);
  assert_answer(answer, 200);
  rig_stop(&rig);
}

#define HANDSHAKE                                                                                  \
  "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                   \
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"                   \
  "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
#define FRAME "\x81\x82\x01\x02\x03\x04\x69\x6b" /* "hi", masked */

static void
test_websocket(void)
{
  Rig rig = { 0 };
  g_autoptr(GSocket) socket = NULL;
  g_autofree gchar *answer = NULL;

  rig_start(&rig, &patient);
  socket = dial(&rig);
  /* a client in a hurry: its first frame comes with the handshake */
  send_text(&rig, socket, HANDSHAKE FRAME);
  answer = receive(&rig, socket, "\x81\x02hi");
  g_assert_true(g_str_has_prefix(answer, "HTTP/1.1 101 "));
  g_assert_null(strstr(answer, "permessage-deflate"));
  g_assert_null(strstr(answer, "Connection: close"));
  g_assert_nonnull(strstr(answer, "\r\n\r\n\x81\x02hi"));
  g_clear_object(&socket);
  rig_stop(&rig);
}

static void
test_no_websocket(void)
{
  Rig rig = { 0 };
  g_autofree gchar *answer = NULL;

  rig_start(&rig, &patient);
  answer = ask(&rig, "GET /ok HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "\r\nGET /no HTTP/1.1\r\n\r\n");
  assert_answer(answer, 200);
  g_assert_true(g_str_has_suffix(answer, "fine"));
  rig_stop(&rig);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/listener/a connection serves one request after the other", test_kept_alive);
  g_test_add_func("/listener/requests sent together are answered in order", test_pipelined);
  g_test_add_func("/listener/a half-closed client gets its answer", test_half_closed);
  g_test_add_func("/listener/a slow head is answered 408, silence with silence", test_slow_head);
  g_test_add_func("/listener/the head of a later request has its own time", test_slow_second_head);
  g_test_add_func("/listener/a slow body is answered 408", test_slow_body);
  g_test_add_func("/listener/an idle connection is closed", test_idle);
  g_test_add_func("/listener/a slow answer is waited for", test_slow_answer);
  g_test_add_func("/listener/a client that takes nothing is let go", test_stalled_reader);
  g_test_add_func("/listener/a body of 64 MiB is answered 413 while it comes", test_large_body);
  g_test_add_func("/listener/the bodies of all are counted together", test_many_bodies);
  g_test_add_func("/listener/a flood is refused and told once", test_flood);
  g_test_add_func("/listener/without descriptors connections wait and the log is quiet",
                  test_descriptors);
  g_test_add_func("/listener/what was refused is not read on", test_refused);
  g_test_add_func("/listener/a WebSocket gets what came with its handshake", test_websocket);
  g_test_add_func("/listener/after a handshake that is none the connection ends",
                  test_no_websocket);
  return g_test_run();
}
