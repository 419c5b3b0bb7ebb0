/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-websocket-server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cord-error.h"
#include "cord-websocket-client.h"
#include "http-peer.h"
#include "ws-peer.h"

#define REQUEST                                                                                    \
  "GET /media HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"        \
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

typedef struct {
  CordWorker *worker;
  SoupServer *server;
  guint port;
  CordWebsocket *websocket; /* the server's */
  CordWebsocket *client;
  GTlsDatabase *database;
  GString *heard;
  GError *error;
  gboolean taken;
  gboolean refused;
  gboolean freed;
  gboolean any_message;
  gboolean connected;
  gboolean closed;
  const gchar *host; /* where the server listens */
} Fixture;

static void
on_message(CordWebsocket *websocket, CordWebsocketMessageType type, const guint8 *data,
           gsize length, gpointer user_data)
{
  Fixture *f = user_data;

  g_string_append_len(f->heard, (const gchar *)data, (gssize)MIN(length, 40));
  g_string_append_printf(f->heard, "(%zu);", length);
  f->any_message = TRUE;
  if (websocket == f->websocket)
    g_assert_true(cord_websocket_send_text(websocket, (const gchar *)data, (gssize)length, NULL));
}

static void
on_closed(CordWebsocket *websocket, guint16 code, const gchar *reason, const GError *error,
          gpointer user_data)
{
  ((Fixture *)user_data)->closed = TRUE;
}

static const CordWebsocketHandlers handlers = { on_message, on_closed, NULL };

static void
on_taken(CordWebsocket *websocket, gpointer data)
{
  Fixture *f = data;

  f->taken = TRUE;
  f->websocket = g_object_ref(websocket);
  cord_websocket_set_handlers(websocket, &handlers, f);
  cord_websocket_start(websocket);
}

static void
on_freed(gpointer data)
{
  ((Fixture *)data)->freed = TRUE;
}

static void
on_request(SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
           gpointer data)
{
  Fixture *f = data;

  if (!cord_websocket_server_take(message, f->worker, on_taken, f, on_freed))
    f->refused = TRUE;
}

static void
listen_with(Fixture *f, SoupServerListenOptions options)
{
  g_autoptr(GSocketAddress) where = g_inet_socket_address_new_from_string(f->host, 0);
  g_autoptr(GSocketAddress) address = NULL;
  g_autoptr(GSList) sockets = NULL;
  GError *error = NULL;

  soup_server_add_handler(f->server, NULL, on_request, f, NULL);
  soup_server_listen(f->server, where, options, &error);
  g_assert_no_error(error);
  sockets = soup_server_get_listeners(f->server);
  address = g_socket_get_local_address(sockets->data, NULL);
  f->port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(address));
}

static gchar *
test_file(const gchar *name)
{
  return g_build_filename(g_getenv("CORDBOARD_TEST_DATA"), "tls", name, NULL);
}

static void
init_fixture(Fixture *f, const gchar *host)
{
  *f = (Fixture){ .worker = cord_worker_new_manual(), .heard = g_string_new(NULL), .host = host };
}

static void
setup(Fixture *f, gconstpointer data)
{
  init_fixture(f, "127.0.0.1");
  f->server = soup_server_new(NULL, NULL);
  listen_with(f, 0);
}

static void
setup_tls_at(Fixture *f, const gchar *host)
{
  g_autofree gchar *cert = test_file("cert.pem");
  g_autofree gchar *key = test_file("key.pem");
  g_autoptr(GTlsCertificate) certificate = NULL;
  GError *error = NULL;

  init_fixture(f, host);
  certificate = g_tls_certificate_new_from_files(cert, key, &error);
  g_assert_no_error(error);
  f->database = g_tls_file_database_new(cert, &error);
  g_assert_no_error(error);
  f->server = soup_server_new("tls-certificate", certificate, NULL);
  listen_with(f, SOUP_SERVER_LISTEN_HTTPS);
}

static void
setup_tls(Fixture *f, gconstpointer data)
{
  setup_tls_at(f, "127.0.0.1");
}

/* The certificate is for 127.0.0.1 and localhost. */
static void
setup_tls_elsewhere(Fixture *f, gconstpointer data)
{
  setup_tls_at(f, "127.0.0.2");
}

static void
teardown(Fixture *f, gconstpointer data)
{
  soup_server_disconnect(f->server);
  g_clear_object(&f->server);
  g_clear_object(&f->websocket);
  g_clear_object(&f->client);
  g_clear_object(&f->database);
  cord_worker_iterate(f->worker);
  g_clear_error(&f->error);
  g_string_free(f->heard, TRUE);
  g_assert_finalize_object(f->worker);
}

static int
dial_raw(Fixture *f)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons((guint16)f->port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
    g_error("connect: %s", g_strerror(errno));
  return fd;
}

static void
say(int fd, const void *bytes, gsize length)
{
  g_assert_cmpint(send(fd, bytes, length, MSG_NOSIGNAL), ==, (gssize)length);
}

/* The answer's head, while the worker works. */
static gchar *
read_head(Fixture *f, int fd)
{
  HttpPeer peer = { .worker = f->worker, .listener = -1, .fd = fd };

  return http_peer_read_head(&peer);
}

static void
test_takes(Fixture *f, gconstpointer data)
{
  g_autofree gchar *head = NULL;
  g_autofree gchar *echo = NULL;
  HttpPeer peer = { .worker = f->worker };
  int fd = dial_raw(f);

  say(fd, REQUEST "\r\n", strlen(REQUEST "\r\n"));
  head = read_head(f, fd);
  g_assert_true(g_str_has_prefix(head, "HTTP/1.1 101 "));
  g_assert_nonnull(strstr(head, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
  g_assert_null(strstr(head, "Sec-WebSocket-Extensions"));
  ws_peer_send(fd, WS_FIN | 1, TRUE, "Hello");
  http_peer_spin(f->worker, &f->any_message);
  peer.fd = fd;
  echo = http_peer_read(&peer, 7);
  g_assert_cmpstr(echo, ==, "\x81\x05Hello");
  g_assert_true(f->freed);
  close(fd);
  http_peer_spin(f->worker, &f->closed);
}

/* A carrier's first frames come with the handshake: they were read by the HTTP side. */
static void
test_frames_with_request(Fixture *f, gconstpointer data)
{
  g_autoptr(GBytes) frame = ws_peer_make(WS_FIN | 1, TRUE, "Hello", 5);
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  g_autofree gchar *head = NULL;
  gsize half = GPOINTER_TO_SIZE(data);
  int fd = dial_raw(f);

  g_byte_array_append(bytes, (const guint8 *)REQUEST "\r\n", strlen(REQUEST "\r\n"));
  g_byte_array_append(bytes, g_bytes_get_data(frame, NULL), (guint)g_bytes_get_size(frame));
  g_byte_array_append(bytes, g_bytes_get_data(frame, NULL), (guint)half);
  say(fd, bytes->data, bytes->len);
  head = read_head(f, fd);
  http_peer_spin(f->worker, &f->any_message);
  g_assert_cmpstr(f->heard->str, ==, "Hello(5);");
  f->any_message = FALSE;
  say(fd, (const guint8 *)g_bytes_get_data(frame, NULL) + half, g_bytes_get_size(frame) - half);
  http_peer_spin(f->worker, &f->any_message);
  g_assert_cmpstr(f->heard->str, ==, "Hello(5);Hello(5);");
  close(fd);
}

static void
test_no_extension(Fixture *f, gconstpointer data)
{
  static const gchar request[] =
      REQUEST "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
  g_autofree gchar *head = NULL;
  int fd = dial_raw(f);

  say(fd, request, strlen(request));
  head = read_head(f, fd);
  g_assert_true(g_str_has_prefix(head, "HTTP/1.1 101 "));
  g_assert_null(strstr(head, "permessage-deflate"));
  close(fd);
  http_peer_spin(f->worker, &f->taken);
}

static void
test_no_handshake(Fixture *f, gconstpointer data)
{
  g_autofree gchar *head = NULL;
  int fd = dial_raw(f);

  say(fd, data, strlen(data));
  head = read_head(f, fd);
  g_assert_true(g_str_has_prefix(head, "HTTP/1.1 400 "));
  g_assert_true(f->refused);
  g_assert_true(f->freed);
  g_assert_false(f->taken);
  close(fd);
}

static void
on_connected(GObject *source, GAsyncResult *result, gpointer data)
{
  Fixture *f = data;

  f->connected = TRUE;
  f->client = cord_websocket_connect_finish(result, &f->error);
  if (f->client) {
    cord_websocket_set_handlers(f->client, &handlers, f);
    cord_websocket_start(f->client);
  }
}

static void
dial(Fixture *f, const gchar *scheme, GTlsDatabase *database)
{
  g_autofree gchar *url = g_strdup_printf("%s://%s:%u/", scheme, f->host, f->port);
  CordWebsocketRequest request = { .url = url, .tls_database = database };

  cord_websocket_connect_async(f->worker, &request, NULL, on_connected, f);
  http_peer_spin(f->worker, &f->connected);
}

static void
test_end_to_end(Fixture *f, gconstpointer data)
{
  g_autofree gchar *text = g_strnfill(60000, 'x');
  guint n = 0;

  dial(f, data, f->database);
  g_assert_no_error(f->error);
  /* much at once, of which a TLS record is only a part, and small ones in a row */
  for (guint i = 0; i < 10; i++)
    g_assert_true(cord_websocket_send_text(f->client, text, -1, NULL));
  for (guint i = 0; i < 100; i++)
    g_assert_true(cord_websocket_send_text(f->client, "small", -1, NULL));
  while (n < 220) {
    f->any_message = FALSE;
    http_peer_spin(f->worker, &f->any_message);
    n = 0;
    for (const gchar *p = f->heard->str; (p = strchr(p, ';')); p++)
      n++;
  }
  g_assert_cmpuint(n, ==, 220);
  cord_websocket_close(f->client, 1000, "done");
  http_peer_spin(f->worker, &f->closed);
}

static void
test_unknown_certificate(Fixture *f, gconstpointer data)
{
  dial(f, "wss", NULL);
  g_assert_error(f->error, CORD_ERROR, CORD_ERROR_NETWORK);
  g_assert_true(g_str_has_prefix(f->error->message, "127.0.0.1: "));
  g_assert_nonnull(strstr(f->error->message, "certificate"));
  g_assert_false(f->taken);
}

static void
test_another_name(Fixture *f, gconstpointer data)
{
  dial(f, "wss", f->database);
  g_assert_error(f->error, CORD_ERROR, CORD_ERROR_NETWORK);
  g_assert_true(g_str_has_prefix(f->error->message, "127.0.0.2: "));
  g_assert_nonnull(strstr(f->error->message, "certificate"));
  g_assert_false(f->taken);
}

static void
test_plain_to_tls(Fixture *f, gconstpointer data)
{
  dial(f, "ws", NULL);
  g_assert_error(f->error, CORD_ERROR, CORD_ERROR_NETWORK);
}

/* The server waits for more of what it takes for a request; the deadline is for TLS too. */
static void
test_tls_to_plain(Fixture *f, gconstpointer data)
{
  g_autofree gchar *url = g_strdup_printf("wss://127.0.0.1:%u/", f->port);
  CordWebsocketRequest request = { .url = url };

  cord_websocket_connect_async(f->worker, &request, NULL, on_connected, f);
  cord_worker_advance(f->worker, 11 * GST_SECOND);
  http_peer_spin(f->worker, &f->connected);
  g_assert_error(f->error, CORD_ERROR, CORD_ERROR_TIMEOUT);
}

#define ADD(path, data, setup_func, test)                                                          \
  g_test_add("/websocket-server/" path, Fixture, data, setup_func, test, teardown)

/* GCC 12's LeakSanitizer falls over the threads in which GnuTLS, loaded at run time, has worked. */
int __lsan_is_turned_off(void);

int
__lsan_is_turned_off(void)
{
  return 1;
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  ADD("takes a connection from libsoup", NULL, setup, test_takes);
  ADD("frames may come with the request", NULL, setup, test_frames_with_request);
  ADD("half a frame may come with the request", GSIZE_TO_POINTER(6), setup,
      test_frames_with_request);
  ADD("no extension is agreed on", NULL, setup, test_no_extension);
  ADD("a request without a key is refused",
      "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\n\r\n",
      setup, test_no_handshake);
  ADD("a request that is no upgrade is refused", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", setup,
      test_no_handshake);
  ADD("client and server, plain", "ws", setup, test_end_to_end);
  ADD("client and server, over TLS", "wss", setup_tls, test_end_to_end);
  ADD("an unknown certificate is refused", NULL, setup_tls, test_unknown_certificate);
  ADD("a certificate for another name is refused", NULL, setup_tls_elsewhere, test_another_name);
  ADD("a plain server is no TLS server", NULL, setup, test_tls_to_plain);
  ADD("a TLS server is no plain server", NULL, setup_tls, test_plain_to_tls);
  return g_test_run();
}
