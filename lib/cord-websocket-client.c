/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-websocket-client.h"

#include <string.h>

#include "cord-error.h"
#include "cord-http-error.h"
#include "cord-http.h"
#include "cord-websocket-private.h"

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455, section 1.3 */
#define MAX_ANSWER 16384                            /* bytes */
#define DEFAULT_TIMEOUT (10 * GST_SECOND)

/* One dialling: connect, write the request, read the answer. */
typedef struct {
  CordWorker *worker;
  GUri *uri;
  gchar *request;
  gchar *key;
  gchar *protocol;
  GTlsDatabase *tls_database;
  GTlsConnection *tls; /* while its handshake is not over */
  GSocketClient *client;
  GIOStream *stream;
  GByteArray *answer;
  gchar *head; /* of the answer, once it is whole */
  gsize head_size;
  gsize wanted; /* bytes of an answer that refuses */
  guint status;
  GStrv secrets;
  GCancellable *cancellable; /* ours: cancelled by the deadline and by the caller's */
  GCancellable *callers;
  gulong callers_id;
  CordTimer *deadline;
  gboolean late;
  guint8 buffer[2048];
} Dialling;

static void
free_dialling(gpointer data)
{
  Dialling *dialling = data;

  g_clear_pointer(&dialling->deadline, cord_timer_remove);
  if (dialling->callers)
    g_cancellable_disconnect(dialling->callers, dialling->callers_id);
  g_clear_object(&dialling->callers);
  g_clear_object(&dialling->cancellable);
  g_clear_object(&dialling->stream);
  g_clear_object(&dialling->client);
  g_clear_object(&dialling->tls_database);
  g_clear_object(&dialling->tls);
  g_clear_object(&dialling->worker);
  g_clear_pointer(&dialling->uri, g_uri_unref);
  g_clear_pointer(&dialling->answer, g_byte_array_unref);
  g_free(dialling->head);
  g_strfreev(dialling->secrets);
  g_free(dialling->request);
  g_free(dialling->key);
  g_free(dialling->protocol);
  g_free(dialling);
}

/* Says of any error whom it concerns, and takes the task's reference. */
static void
fail(GTask *task, CordError code, const gchar *message)
{
  Dialling *dialling = g_task_get_task_data(task);

  if (dialling->callers && g_cancellable_is_cancelled(dialling->callers))
    g_task_return_new_error(task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "Cancelled");
  else if (dialling->late)
    g_task_return_new_error(task, CORD_ERROR, CORD_ERROR_TIMEOUT,
                            "%s did not answer the WebSocket handshake in time",
                            g_uri_get_host(dialling->uri));
  else
    g_task_return_new_error(task, CORD_ERROR, code, "%s: %s", g_uri_get_host(dialling->uri),
                            message);
  g_object_unref(task);
}

/* The value of a header in a block of lines, or NULL. */
static gchar *
find_header(const gchar *head, const gchar *name)
{
  g_auto(GStrv) lines = g_strsplit(head, "\r\n", -1);
  gsize length = strlen(name);

  for (guint i = 1; lines[0] && lines[i]; i++) {
    if (g_ascii_strncasecmp(lines[i], name, length) == 0 && lines[i][length] == ':')
      return g_strdup(g_strstrip(lines[i] + length + 1));
  }
  return NULL;
}

static gchar *
accept_key(const gchar *key)
{
  g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA1);
  guint8 digest[20];
  gsize size = sizeof digest;

  g_checksum_update(checksum, (const guchar *)key, -1);
  g_checksum_update(checksum, (const guchar *)GUID, -1);
  g_checksum_get_digest(checksum, digest, &size);
  return g_base64_encode(digest, size);
}

static gboolean
has_token(const gchar *list, const gchar *token)
{
  g_auto(GStrv) tokens = g_strsplit(list ? list : "", ",", -1);

  for (guint i = 0; tokens[i]; i++) {
    if (g_ascii_strcasecmp(g_strstrip(tokens[i]), token) == 0)
      return TRUE;
  }
  return FALSE;
}

/* Says why we were refused: the status, and what the body says of it, as far as it has come. */
static void
refuse(GTask *task)
{
  Dialling *dialling = g_task_get_task_data(task);
  const gchar *body = (const gchar *)dialling->answer->data + dialling->head_size;
  gsize size = dialling->answer->len - dialling->head_size;
  g_autofree gchar *encoding = find_header(dialling->head, "Transfer-Encoding");
  g_autofree gchar *said = NULL;
  g_autofree gchar *message = NULL;
  const gchar *chunk = has_token(encoding, "chunked") ? memmem(body, size, "\r\n", 2) : NULL;

  if (chunk) {
    gsize chunk_size = (gsize)g_ascii_strtoull(body, NULL, 16);

    size -= (gsize)(chunk + 2 - body);
    size = MIN(size, chunk_size);
    body = chunk + 2;
  }
  said = cord_http_describe_body(body, size, (const gchar *const *)dialling->secrets);
  message = g_strdup_printf("the WebSocket was refused with status %u%s%s", dialling->status,
                            *said ? ": " : "", said);
  dialling->late = FALSE;
  fail(task, cord_http_error_code(dialling->status), message);
}

/* Returns what is wrong with an answer of status 101, or NULL. */
static const gchar *
check_upgrade(Dialling *dialling)
{
  g_autofree gchar *upgrade = find_header(dialling->head, "Upgrade");
  g_autofree gchar *connection = find_header(dialling->head, "Connection");
  g_autofree gchar *accepted = find_header(dialling->head, "Sec-WebSocket-Accept");
  g_autofree gchar *extensions = find_header(dialling->head, "Sec-WebSocket-Extensions");
  g_autofree gchar *protocol = find_header(dialling->head, "Sec-WebSocket-Protocol");
  g_autofree gchar *expected = accept_key(dialling->key);

  if (!has_token(upgrade, "websocket") || !has_token(connection, "upgrade"))
    return "the answer to the WebSocket handshake is no upgrade";
  if (g_strcmp0(accepted, expected) != 0)
    return "the answer to the WebSocket handshake is not to our key";
  if (extensions && *extensions)
    return "the server uses an extension that was not offered";
  if (protocol && !has_token(dialling->protocol, protocol))
    return "the server uses a subprotocol that was not offered";
  return NULL;
}

static void
take_connection(GTask *task)
{
  Dialling *dialling = g_task_get_task_data(task);
  const gchar *problem = check_upgrade(dialling);
  g_autoptr(GBytes) rest = NULL;
  g_autoptr(GError) error = NULL;
  CordWebsocket *websocket;

  if (problem) {
    fail(task, CORD_ERROR_PROTOCOL, problem);
    return;
  }
  rest = g_bytes_new(dialling->answer->data + dialling->head_size,
                     dialling->answer->len - dialling->head_size);
  websocket =
      cord_websocket_new(dialling->worker, dialling->stream, CORD_WEBSOCKET_CLIENT, rest, &error);
  if (websocket == NULL) {
    fail(task, CORD_ERROR_FAILED, error->message);
    return;
  }
  g_task_return_pointer(task, websocket, g_object_unref);
  g_object_unref(task);
}

/* The head of the answer is whole. Returns whether more is wanted: the body of a refusal. */
static gboolean
take_head(GTask *task)
{
  Dialling *dialling = g_task_get_task_data(task);
  const gchar *head = dialling->head;
  g_autofree gchar *length = NULL;

  if (strlen(head) < 12 || !g_str_has_prefix(head, "HTTP/1.1 ") || !g_ascii_isdigit(head[9])) {
    fail(task, CORD_ERROR_PROTOCOL, "the answer is not HTTP/1.1");
    return FALSE;
  }
  dialling->status = (guint)g_ascii_strtoull(head + 9, NULL, 10);
  if (dialling->status == 101) {
    take_connection(task);
    return FALSE;
  }
  length = find_header(head, "Content-Length");
  dialling->wanted = dialling->head_size + CORD_HTTP_MAX_ERROR_BODY;
  if (length)
    dialling->wanted = dialling->head_size +
                       (gsize)MIN(g_ascii_strtoull(length, NULL, 10), CORD_HTTP_MAX_ERROR_BODY);
  if (dialling->answer->len < dialling->wanted)
    return TRUE;
  refuse(task);
  return FALSE;
}

/* Returns whether more is wanted; if not, the task has its result. */
static gboolean
take_answer(GTask *task)
{
  Dialling *dialling = g_task_get_task_data(task);
  GByteArray *answer = dialling->answer;
  const guint8 *end;

  if (dialling->head) {
    if (answer->len < dialling->wanted)
      return TRUE;
    refuse(task);
    return FALSE;
  }
  end = memmem(answer->data, answer->len, "\r\n\r\n", 4);
  if (end) {
    dialling->head_size = (gsize)(end - answer->data) + 4;
    dialling->head = g_strndup((const gchar *)answer->data, dialling->head_size - 4);
    return take_head(task);
  }
  if (answer->len <= MAX_ANSWER)
    return TRUE;
  fail(task, CORD_ERROR_TOO_LARGE, "the answer to the WebSocket handshake has no end");
  return FALSE;
}

static void read_more(GTask *task);

static void
on_read(GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Dialling *dialling = g_task_get_task_data(task);
  g_autoptr(GError) error = NULL;
  gssize n = g_input_stream_read_finish(G_INPUT_STREAM(source), result, &error);

  if (n <= 0 && dialling->head) {
    refuse(task);
    return;
  }
  if (n <= 0) {
    fail(task, CORD_ERROR_NETWORK,
         n < 0 ? error->message : "closed during the WebSocket handshake");
    return;
  }
  g_byte_array_append(dialling->answer, dialling->buffer, (guint)n);
  if (take_answer(task))
    read_more(task);
}

static void
read_more(GTask *task)
{
  Dialling *dialling = g_task_get_task_data(task);

  g_input_stream_read_async(g_io_stream_get_input_stream(dialling->stream), dialling->buffer,
                            sizeof dialling->buffer, G_PRIORITY_DEFAULT, dialling->cancellable,
                            on_read, task);
}

static void
on_written(GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  g_autoptr(GError) error = NULL;

  if (g_output_stream_write_all_finish(G_OUTPUT_STREAM(source), result, NULL, &error))
    read_more(task);
  else
    fail(task, CORD_ERROR_NETWORK, error->message);
}

static void
on_connected(GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Dialling *dialling = g_task_get_task_data(task);
  g_autoptr(GError) error = NULL;
  GSocketConnection *connection =
      g_socket_client_connect_to_host_finish(G_SOCKET_CLIENT(source), result, &error);

  if (connection == NULL) {
    fail(task, CORD_ERROR_NETWORK,
         cord_http_explain_tls(
             error,
             dialling->tls ? g_tls_connection_get_peer_certificate_errors(dialling->tls) : 0));
    return;
  }
  g_clear_object(&dialling->tls);
  dialling->stream = G_IO_STREAM(connection);
  if (G_IS_TCP_WRAPPER_CONNECTION(connection)) {
    dialling->stream = g_object_ref(
        g_tcp_wrapper_connection_get_base_io_stream(G_TCP_WRAPPER_CONNECTION(connection)));
    g_object_unref(connection);
  }
  g_output_stream_write_all_async(g_io_stream_get_output_stream(dialling->stream),
                                  dialling->request, strlen(dialling->request), G_PRIORITY_DEFAULT,
                                  dialling->cancellable, on_written, task);
}

static void
on_deadline(gpointer data)
{
  Dialling *dialling = g_task_get_task_data(data);

  dialling->deadline = NULL;
  dialling->late = TRUE;
  g_cancellable_cancel(dialling->cancellable);
}

static void
on_callers_cancelled(GCancellable *callers, gpointer cancellable)
{
  g_cancellable_cancel(cancellable);
}

static void
on_event(GSocketClient *client, GSocketClientEvent event, GSocketConnectable *connectable,
         GIOStream *connection, Dialling *dialling)
{
  if (event != G_SOCKET_CLIENT_TLS_HANDSHAKING)
    return;
  g_set_object(&dialling->tls, G_TLS_CONNECTION(connection));
  if (dialling->tls_database)
    g_tls_connection_set_database(dialling->tls, dialling->tls_database);
}

static gchar *
make_key(void)
{
  guint32 random[4] = { cord_websocket_random(), cord_websocket_random(), cord_websocket_random(),
                        cord_websocket_random() };

  return g_base64_encode((const guchar *)random, sizeof random);
}

static gchar *
make_request(Dialling *dialling, const gchar *const *headers)
{
  GUri *uri = dialling->uri;
  const gchar *path = g_uri_get_path(uri);
  GString *text = g_string_new("GET ");
  gboolean v6 = strchr(g_uri_get_host(uri), ':') != NULL;

  g_string_append(text, *path ? path : "/");
  if (g_uri_get_query(uri))
    g_string_append_printf(text, "?%s", g_uri_get_query(uri));
  g_string_append_printf(text, " HTTP/1.1\r\nHost: %s%s%s", v6 ? "[" : "", g_uri_get_host(uri),
                         v6 ? "]" : "");
  if (g_uri_get_port(uri) > 0)
    g_string_append_printf(text, ":%d", g_uri_get_port(uri));
  g_string_append_printf(text,
                         "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n",
                         dialling->key);
  if (dialling->protocol)
    g_string_append_printf(text, "Sec-WebSocket-Protocol: %s\r\n", dialling->protocol);
  for (guint i = 0; headers && headers[i] && headers[i + 1]; i += 2)
    g_string_append_printf(text, "%s: %s\r\n", headers[i], headers[i + 1]);
  g_string_append(text, "\r\n");
  return g_string_free(text, FALSE);
}

/* A line break in any part of the request would make it another request. */
static gboolean
is_one_line(const gchar *text)
{
  for (const gchar *p = text ? text : ""; *p; p++) {
    if ((guchar)*p < 0x20 || *p == 0x7f)
      return FALSE;
  }
  return TRUE;
}

static gboolean
check_request(const CordWebsocketRequest *request)
{
  gboolean good = request->url && is_one_line(request->url) && strchr(request->url, ' ') == NULL &&
                  is_one_line(request->protocol);

  for (guint i = 0; good && request->headers && request->headers[i]; i++)
    good = is_one_line(request->headers[i]);
  return good;
}

/**
 * cord_websocket_connect_async: (skip)
 * @worker: where the WebSocket will live; the caller runs on it
 * @request: whom to dial
 * @cancellable: (nullable): a cancellable
 * @callback: called on @worker
 * @user_data: for @callback
 *
 * Dials. Certificates are verified; no extensions are offered.
 */
void
cord_websocket_connect_async(CordWorker *worker, const CordWebsocketRequest *request,
                             GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  GTask *task = g_task_new(NULL, cancellable, callback, user_data);
  Dialling *dialling = g_new0(Dialling, 1);
  gboolean secure;

  g_task_set_task_data(task, dialling, free_dialling);
  g_task_set_check_cancellable(task, FALSE);
  dialling->worker = g_object_ref(worker);
  if (check_request(request))
    dialling->uri = g_uri_parse(request->url, G_URI_FLAGS_ENCODED, NULL);
  secure = dialling->uri && g_str_equal(g_uri_get_scheme(dialling->uri), "wss");
  if (dialling->uri == NULL || g_uri_get_host(dialling->uri) == NULL ||
      *g_uri_get_host(dialling->uri) == '\0' ||
      (!secure && !g_str_equal(g_uri_get_scheme(dialling->uri), "ws"))) {
    g_task_return_new_error(task, CORD_ERROR, CORD_ERROR_INVALID,
                            "a WebSocket wants a ws:// or wss:// address, and headers of one line");
    g_object_unref(task);
    return;
  }
  dialling->key = make_key();
  dialling->protocol = g_strdup(request->protocol);
  dialling->request = make_request(dialling, request->headers);
  dialling->secrets = cord_http_collect_secrets(dialling->uri, request->headers);
  dialling->answer = g_byte_array_new();
  dialling->cancellable = g_cancellable_new();
  if (cancellable) {
    dialling->callers = g_object_ref(cancellable);
    dialling->callers_id =
        g_cancellable_connect(cancellable, G_CALLBACK(on_callers_cancelled),
                              g_object_ref(dialling->cancellable), g_object_unref);
  }
  dialling->client = g_socket_client_new();
  g_socket_client_set_tls(dialling->client, secure);
  dialling->tls_database = request->tls_database ? g_object_ref(request->tls_database) : NULL;
  g_signal_connect(dialling->client, "event", G_CALLBACK(on_event), dialling);
  dialling->deadline = cord_worker_add_timer(
      worker, request->timeout ? request->timeout : DEFAULT_TIMEOUT, on_deadline, task);
  g_socket_client_connect_to_host_async(dialling->client, g_uri_get_host(dialling->uri),
                                        g_uri_get_port(dialling->uri) > 0
                                            ? (guint16)g_uri_get_port(dialling->uri)
                                        : secure ? 443
                                                 : 80,
                                        dialling->cancellable, on_connected, task);
}

/**
 * cord_websocket_connect_finish: (skip)
 * @result: what the callback got
 * @error: return location for an error; it names the host
 *
 * Returns: (transfer full): a WebSocket that was not started, or %NULL
 */
CordWebsocket *
cord_websocket_connect_finish(GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer(G_TASK(result), error);
}

/**
 * cord_websocket_connect_get_status: (skip)
 * @result: what the callback got
 *
 * Returns: the HTTP status of the answer, 0 where there was none
 */
guint
cord_websocket_connect_get_status(GAsyncResult *result)
{
  Dialling *dialling = g_task_get_task_data(G_TASK(result));

  return dialling->status;
}

/**
 * cord_websocket_connect_get_retry_after: (skip)
 * @result: what the callback got
 *
 * Reads `Retry-After` (seconds or a date) and `retry-after-ms` of an answer that refuses.
 *
 * Returns: how long the service wants to be left alone, 0 where it does not say
 */
GstClockTime
cord_websocket_connect_get_retry_after(GAsyncResult *result)
{
  Dialling *dialling = g_task_get_task_data(G_TASK(result));
  g_autofree gchar *ms = NULL;
  g_autofree gchar *text = NULL;

  if (dialling->head == NULL)
    return 0;
  ms = find_header(dialling->head, "retry-after-ms");
  text = find_header(dialling->head, "Retry-After");
  return cord_http_parse_retry_after(ms, text);
}
