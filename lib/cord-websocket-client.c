/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-websocket-client.h"

#include <string.h>

#include "cord-error.h"

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455, section 1.3 */
#define MAX_ANSWER 16384                            /* bytes */
#define DEFAULT_TIMEOUT (10 * GST_SECOND)
#define SHOWN_BODY 200 /* bytes of a refusal that an error quotes */

/* One dialling: connect, write the request, read the answer. */
typedef struct {
  CordWorker *worker;
  GUri *uri;
  gchar *request;
  gchar *key;
  gchar *protocol;
  GTlsDatabase *tls_database;
  GSocketClient *client;
  GIOStream *stream;
  GByteArray *answer;
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
  g_clear_object(&dialling->worker);
  g_clear_pointer(&dialling->uri, g_uri_unref);
  g_clear_pointer(&dialling->answer, g_byte_array_unref);
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

static CordError
code_of_status(guint status)
{
  switch (status) {
  case 401:
  case 403:
    return CORD_ERROR_NOT_AUTHORIZED;
  case 404:
    return CORD_ERROR_NOT_FOUND;
  case 402:
  case 429:
    return CORD_ERROR_QUOTA;
  default:
    return status >= 500 ? CORD_ERROR_NETWORK : CORD_ERROR_PROTOCOL;
  }
}

static void
refuse(GTask *task, const gchar *head, guint status, const gchar *body, gsize body_size)
{
  g_autofree gchar *line = g_strndup(head, strcspn(head, "\r\n"));
  g_autofree gchar *quoted = g_utf8_make_valid(body, (gssize)MIN(body_size, SHOWN_BODY));
  g_autofree gchar *message = g_strdup_printf("the WebSocket was refused: %s%s%s", line,
                                              *quoted ? ": " : "", g_strstrip(quoted));

  fail(task, code_of_status(status), message);
}

static void
check_answer(GTask *task, gchar *head, const gchar *body, gsize body_size)
{
  Dialling *dialling = g_task_get_task_data(task);
  g_autofree gchar *upgrade = find_header(head, "Upgrade");
  g_autofree gchar *accepted = find_header(head, "Sec-WebSocket-Accept");
  g_autofree gchar *extensions = find_header(head, "Sec-WebSocket-Extensions");
  g_autofree gchar *expected = accept_key(dialling->key);
  g_autoptr(GBytes) rest = NULL;
  g_autoptr(GError) error = NULL;
  CordWebsocket *websocket;
  guint status = 0;

  if (strlen(head) < 12 || !g_str_has_prefix(head, "HTTP/1.1 ")) {
    fail(task, CORD_ERROR_PROTOCOL, "the answer is not HTTP/1.1");
    return;
  }
  status = (guint)g_ascii_strtoull(head + 9, NULL, 10);
  if (status != 101) {
    refuse(task, head, status, body, body_size);
    return;
  }
  if (upgrade == NULL || g_ascii_strcasecmp(upgrade, "websocket") != 0 ||
      g_strcmp0(accepted, expected) != 0 || extensions != NULL) {
    fail(task, CORD_ERROR_PROTOCOL, "the answer to the WebSocket handshake is wrong");
    return;
  }
  rest = g_bytes_new(body, body_size);
  websocket =
      cord_websocket_new(dialling->worker, dialling->stream, CORD_WEBSOCKET_CLIENT, rest, &error);
  if (websocket == NULL) {
    fail(task, CORD_ERROR_FAILED, error->message);
    return;
  }
  g_task_return_pointer(task, websocket, g_object_unref);
  g_object_unref(task);
}

static void read_more(GTask *task);

static void
on_read(GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Dialling *dialling = g_task_get_task_data(task);
  g_autoptr(GError) error = NULL;
  gssize n = g_input_stream_read_finish(G_INPUT_STREAM(source), result, &error);
  const guint8 *end;

  if (n <= 0) {
    fail(task, CORD_ERROR_NETWORK,
         n < 0 ? error->message : "closed during the WebSocket handshake");
    return;
  }
  g_byte_array_append(dialling->answer, dialling->buffer, (guint)n);
  end = memmem(dialling->answer->data, dialling->answer->len, "\r\n\r\n", 4);
  if (end) {
    gsize size = (gsize)(end - dialling->answer->data);
    g_autofree gchar *head = g_strndup((const gchar *)dialling->answer->data, size);

    check_answer(task, head, (const gchar *)end + 4, dialling->answer->len - size - 4);
  } else if (dialling->answer->len > MAX_ANSWER) {
    fail(task, CORD_ERROR_TOO_LARGE, "the answer to the WebSocket handshake has no end");
  } else {
    read_more(task);
  }
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
    fail(task, CORD_ERROR_NETWORK, error->message);
    return;
  }
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
  if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING)
    g_tls_connection_set_database(G_TLS_CONNECTION(connection), dialling->tls_database);
}

static gchar *
make_key(void)
{
  guint32 random[4] = { g_random_int(), g_random_int(), g_random_int(), g_random_int() };

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

/* A header with a line break in it would be another header. */
static gboolean
check_headers(const gchar *const *headers)
{
  for (guint i = 0; headers && headers[i]; i++) {
    if (strpbrk(headers[i], "\r\n"))
      return FALSE;
  }
  return TRUE;
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
  g_autoptr(GError) error = NULL;
  gboolean secure;

  g_task_set_task_data(task, dialling, free_dialling);
  g_task_set_check_cancellable(task, FALSE);
  dialling->worker = g_object_ref(worker);
  dialling->uri = g_uri_parse(request->url, G_URI_FLAGS_ENCODED, &error);
  secure = dialling->uri && g_str_equal(g_uri_get_scheme(dialling->uri), "wss");
  if (dialling->uri == NULL || g_uri_get_host(dialling->uri) == NULL ||
      (!secure && !g_str_equal(g_uri_get_scheme(dialling->uri), "ws")) ||
      !check_headers(request->headers)) {
    g_task_return_new_error(task, CORD_ERROR, CORD_ERROR_INVALID,
                            "cannot dial \"%s\": a ws:// or wss:// address is wanted",
                            request->url);
    g_object_unref(task);
    return;
  }
  dialling->key = make_key();
  dialling->protocol = g_strdup(request->protocol);
  dialling->request = make_request(dialling, request->headers);
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
  if (request->tls_database) {
    dialling->tls_database = g_object_ref(request->tls_database);
    g_signal_connect(dialling->client, "event", G_CALLBACK(on_event), dialling);
  }
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
