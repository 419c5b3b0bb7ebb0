/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-websocket-client.h"

#include <string.h>
#include <unistd.h>

#include "cord-error.h"
#include "http-peer.h"
#include "ws-peer.h"

#define KEY "sk-do-not-tell-anybody"
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

typedef struct {
  CordWorker *worker;
  HttpPeer peer;
  GCancellable *cancellable;
  CordWebsocket *websocket;
  GError *error;
  gboolean done;
  GString *heard;
  gboolean any_message;
  gchar *head; /* of the request */
} Fixture;

static void
on_message(CordWebsocket *websocket, CordWebsocketMessageType type, const guint8 *data,
           gsize length, gpointer user_data)
{
  Fixture *f = user_data;

  g_string_append_len(f->heard, (const gchar *)data, (gssize)length);
  g_string_append_c(f->heard, ';');
  f->any_message = TRUE;
}

static void
on_connected(GObject *source, GAsyncResult *result, gpointer data)
{
  static const CordWebsocketHandlers handlers = { on_message, NULL, NULL };
  Fixture *f = data;

  g_assert_false(f->done);
  f->done = TRUE;
  f->websocket = cord_websocket_connect_finish(result, &f->error);
  if (f->websocket) {
    cord_websocket_set_handlers(f->websocket, &handlers, f);
    cord_websocket_start(f->websocket);
  }
}

static void
setup(Fixture *f, gconstpointer data)
{
  *f = (Fixture){ .worker = cord_worker_new_manual(), .heard = g_string_new(NULL) };
  f->cancellable = g_cancellable_new();
  http_peer_init(&f->peer, f->worker);
}

static void
teardown(Fixture *f, gconstpointer data)
{
  g_clear_object(&f->websocket);
  g_clear_object(&f->cancellable);
  http_peer_clear(&f->peer);
  cord_worker_iterate(f->worker);
  g_clear_error(&f->error);
  g_string_free(f->heard, TRUE);
  g_free(f->head);
  g_assert_finalize_object(f->worker);
}

static void
dial_only(Fixture *f)
{
  static const gchar *const headers[] = { "Authorization", "Bearer " KEY, NULL };
  g_autofree gchar *url = http_peer_url(&f->peer, "ws", "/listen?model=a&key=" KEY);
  CordWebsocketRequest request = { .url = url, .headers = headers, .protocol = "one, two" };

  cord_websocket_connect_async(f->worker, &request, f->cancellable, on_connected, f);
}

static void
dial(Fixture *f)
{
  dial_only(f);
  http_peer_accept(&f->peer);
  f->head = http_peer_read_head(&f->peer);
}

/* What the server has to say to the key of the request. */
static gchar *
accept_key(const gchar *head)
{
  const gchar *key = strstr(head, "Sec-WebSocket-Key: ") + strlen("Sec-WebSocket-Key: ");
  g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA1);
  guint8 digest[20];
  gsize size = sizeof digest;

  g_checksum_update(checksum, (const guchar *)key, strcspn(key, "\r"));
  g_checksum_update(checksum, (const guchar *)GUID, -1);
  g_checksum_get_digest(checksum, digest, &size);
  return g_base64_encode(digest, size);
}

static void
answer(Fixture *f, const gchar *more)
{
  g_autofree gchar *key = accept_key(f->head);
  g_autofree gchar *text =
      g_strdup_printf("HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\n"
                      "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s",
                      key, more);

  http_peer_write(&f->peer, text);
}

static void
test_connects(Fixture *f, gconstpointer data)
{
  g_autofree gchar *frame = NULL;

  dial(f);
  g_assert_true(
      g_str_has_prefix(f->head, "GET /listen?model=a&key=" KEY " HTTP/1.1\r\nHost: 127.0.0.1:"));
  g_assert_nonnull(strstr(f->head, "\r\nUpgrade: websocket\r\n"));
  g_assert_nonnull(strstr(f->head, "\r\nConnection: Upgrade\r\n"));
  g_assert_nonnull(strstr(f->head, "\r\nSec-WebSocket-Version: 13\r\n"));
  g_assert_nonnull(strstr(f->head, "\r\nSec-WebSocket-Protocol: one, two\r\n"));
  g_assert_nonnull(strstr(f->head, "\r\nAuthorization: Bearer " KEY "\r\n"));
  g_assert_null(strstr(f->head, "Sec-WebSocket-Extensions"));
  answer(f, "Sec-WebSocket-Protocol: two\r\n\r\n");
  http_peer_spin(f->worker, &f->done);
  g_assert_no_error(f->error);
  g_assert_true(cord_websocket_get_worker(f->websocket) == f->worker);
  g_assert_true(cord_websocket_send_text(f->websocket, "hi", -1, NULL));
  frame = http_peer_read(&f->peer, 8);
  g_assert_cmpint((guint8)frame[0], ==, 0x81);
  g_assert_cmpint((guint8)frame[1], ==, 0x82);
  g_assert_cmpint(frame[2] ^ frame[6], ==, 'h');
}

static void
test_frames_with_answer(Fixture *f, gconstpointer data)
{
  dial(f);
  answer(f, "\r\n\x81\x05Hello\x81\x05W");
  http_peer_spin(f->worker, &f->any_message);
  http_peer_write(&f->peer, "orld");
  f->any_message = FALSE;
  http_peer_spin(f->worker, &f->any_message);
  g_assert_cmpstr(f->heard->str, ==, "Hello;World;");
}

static void
test_answer_byte_by_byte(Fixture *f, gconstpointer data)
{
  g_autofree gchar *key = NULL;
  g_autofree gchar *text = NULL;

  dial(f);
  key = accept_key(f->head);
  text = g_strdup_printf("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
                         "Sec-WebSocket-Accept: %s\r\n\r\n",
                         key);
  for (const gchar *p = text; *p; p++) {
    const gchar byte[] = { *p, '\0' };

    g_assert_false(f->done);
    http_peer_write(&f->peer, byte);
    cord_worker_iterate(f->worker);
  }
  http_peer_spin(f->worker, &f->done);
  g_assert_no_error(f->error);
}

typedef struct {
  const gchar *name;
  const gchar *answer;
  gboolean hang_up;
  CordError code;
  const gchar *said;
} Refusal;

#define WRONG "127.0.0.1: the answer to the WebSocket handshake is "
#define REFUSED "127.0.0.1: the WebSocket was refused with status "
#define SWITCH "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"

static const Refusal refusals[] = {
  { "a wrong key", SWITCH "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", FALSE,
    CORD_ERROR_PROTOCOL, WRONG "not to our key" },
  { "no key", SWITCH "\r\n", FALSE, CORD_ERROR_PROTOCOL, WRONG "not to our key" },
  { "no upgrade", "HTTP/1.1 101 x\r\nConnection: upgrade\r\n\r\n", FALSE, CORD_ERROR_PROTOCOL,
    WRONG "no upgrade" },
  { "another protocol", "SSH-2.0-OpenSSH_9.2 hello\r\n\r\n", FALSE, CORD_ERROR_PROTOCOL,
    "127.0.0.1: the answer is not HTTP/1.1" },
  { "200", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", FALSE, CORD_ERROR_PROTOCOL,
    REFUSED "200: hi" },
  { "401 with a reason",
    "HTTP/1.1 401 No\r\nContent-Length: 35\r\n\r\n{\"err_msg\":\"the key is not valid  \"}", FALSE,
    CORD_ERROR_NOT_AUTHORIZED, REFUSED "401: the key is not valid" },
  { "401 with our key in it",
    "HTTP/1.1 401 No\r\nContent-Length: 32\r\n\r\nno: sk-do-not-tell-anybody ?????", FALSE,
    CORD_ERROR_NOT_AUTHORIZED, REFUSED "401: no: (...) ?????" },
  { "404 until the end", "HTTP/1.1 404 No\r\n\r\nnothing", TRUE, CORD_ERROR_NOT_FOUND,
    REFUSED "404: nothing" },
  { "429 in chunks", "HTTP/1.1 429 No\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nlater\r\n0\r\n\r\n",
    TRUE, CORD_ERROR_QUOTA, REFUSED "429: later" },
  { "503 with a page", "HTTP/1.1 503 No\r\nContent-Length: 6\r\n\r\n<html>", FALSE,
    CORD_ERROR_NETWORK, REFUSED "503" },
  { "half an answer", "HTTP/1.1 101 x\r\nUpgr", TRUE, CORD_ERROR_NETWORK,
    "127.0.0.1: closed during the WebSocket handshake" },
};

static void
test_refusal(Fixture *f, gconstpointer data)
{
  const Refusal *refusal = data;

  dial(f);
  http_peer_write(&f->peer, refusal->answer);
  if (refusal->hang_up)
    http_peer_hang_up(&f->peer);
  http_peer_spin(f->worker, &f->done);
  g_assert_null(f->websocket);
  g_assert_error(f->error, CORD_ERROR, (gint)refusal->code);
  g_assert_cmpstr(f->error->message, ==, refusal->said);
}

static void
test_not_offered(Fixture *f, gconstpointer data)
{
  dial(f);
  answer(f, data);
  http_peer_spin(f->worker, &f->done);
  g_assert_error(f->error, CORD_ERROR, CORD_ERROR_PROTOCOL);
}

static void
test_endless_answer(Fixture *f, gconstpointer data)
{
  g_autofree gchar *filler = g_strnfill(20000, 'x');

  dial(f);
  http_peer_write(&f->peer, "HTTP/1.1 101 x\r\nX-Filler: ");
  http_peer_write(&f->peer, filler);
  http_peer_spin(f->worker, &f->done);
  g_assert_error(f->error, CORD_ERROR, CORD_ERROR_TOO_LARGE);
}

static void
test_deadline(Fixture *f, gconstpointer data)
{
  dial(f);
  http_peer_write(&f->peer, "HTTP/1.1 101 x\r\n");
  cord_worker_advance(f->worker, 9900 * GST_MSECOND);
  g_assert_false(f->done);
  cord_worker_advance(f->worker, 200 * GST_MSECOND);
  http_peer_spin(f->worker, &f->done);
  g_assert_error(f->error, CORD_ERROR, CORD_ERROR_TIMEOUT);
  g_assert_nonnull(strstr(f->error->message, "127.0.0.1"));
  g_assert_true(http_peer_is_gone(&f->peer));
}

static void
test_cancel(Fixture *f, gconstpointer data)
{
  dial(f);
  g_cancellable_cancel(f->cancellable);
  http_peer_spin(f->worker, &f->done);
  g_assert_error(f->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_true(http_peer_is_gone(&f->peer));
}

static void
test_nobody_listens(Fixture *f, gconstpointer data)
{
  CordWebsocketRequest request = { .url = "ws://127.0.0.1:1/" };

  cord_websocket_connect_async(f->worker, &request, NULL, on_connected, f);
  http_peer_spin(f->worker, &f->done);
  g_assert_error(f->error, CORD_ERROR, CORD_ERROR_NETWORK);
  g_assert_true(g_str_has_prefix(f->error->message, "127.0.0.1: "));
}

static void
test_bad_request(Fixture *f, gconstpointer data)
{
  static const gchar *const headers[] = { "X", "a\r\nHost: evil", NULL };
  const CordWebsocketRequest requests[] = {
    { .url = "http://127.0.0.1/?key=" KEY },
    { .url = "no address" },
    { .url = "ws:" },
    { .url = "ws://127.0.0.1/", .headers = headers },
    { .url = "ws://127.0.0.1/", .protocol = "a\r\nHost: evil" },
    { .url = "ws://127.0.0.1/a b\r\nHost: evil" },
  };

  for (guint i = 0; i < G_N_ELEMENTS(requests); i++) {
    f->done = FALSE;
    cord_websocket_connect_async(f->worker, &requests[i], NULL, on_connected, f);
    http_peer_spin(f->worker, &f->done);
    g_assert_error(f->error, CORD_ERROR, CORD_ERROR_INVALID);
    g_assert_null(strstr(f->error->message, KEY));
    g_clear_error(&f->error);
  }
}

#define ADD(path, data, test)                                                                      \
  g_test_add("/websocket-client/" path, Fixture, data, setup, test, teardown)

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  ADD("connects, asks for what it was told, and speaks", NULL, test_connects);
  ADD("frames may come with the answer", NULL, test_frames_with_answer);
  ADD("an answer may come byte by byte", NULL, test_answer_byte_by_byte);
  for (guint i = 0; i < G_N_ELEMENTS(refusals); i++) {
    g_autofree gchar *path =
        g_strconcat("/websocket-client/is refused by/", refusals[i].name, NULL);

    g_test_add(path, Fixture, &refusals[i], setup, test_refusal, teardown);
  }
  ADD("an extension that was not offered is refused",
      "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", test_not_offered);
  ADD("a subprotocol that was not offered is refused", "Sec-WebSocket-Protocol: three\r\n\r\n",
      test_not_offered);
  ADD("an answer without end is refused", NULL, test_endless_answer);
  ADD("an answer has a deadline", NULL, test_deadline);
  ADD("is cancelled", NULL, test_cancel);
  ADD("an address without a server is an error", NULL, test_nobody_listens);
  ADD("a request that is not valid is refused without its key", NULL, test_bad_request);
  return g_test_run();
}
