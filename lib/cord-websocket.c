/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-websocket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>

#include "cord-websocket-private.h"

#define DEFAULT_MAX_MESSAGE 65536        /* bytes */
#define DEFAULT_MAX_QUEUED (1024 * 1024) /* bytes */
#define DEFAULT_STALL (30 * GST_SECOND)
#define CLOSE_DEADLINE (3 * GST_SECOND)

/**
 * CordWebsocket:
 *
 * A WebSocket (RFC 6455) of either role on the worker's epoll descriptor, over a plain socket or a
 * TLS stream, after the handshake. It offers no extensions. What the peer can make it keep is
 * bounded: one message of at most 64 KiB, a send queue of at most 1 MiB, and a time for everything.
 * All functions belong to the worker, except cord_websocket_new().
 */

G_DEFINE_FINAL_TYPE(CordWebsocket, cord_websocket, G_TYPE_OBJECT)

/* References of our own are counted, so that we see when nobody else has one. */
CordWebsocket *
cord_websocket_hold(CordWebsocket *self)
{
  self->holds++;
  return g_object_ref(self);
}

void
cord_websocket_drop(CordWebsocket *self)
{
  self->holds--;
  g_object_unref(self);
}

static void
release(CordWebsocket *self)
{
  cord_websocket_flush_put_off(self);
  g_clear_pointer(&self->watch, cord_watch_remove);
  g_clear_pointer(&self->stall, cord_timer_remove);
  g_clear_pointer(&self->close_deadline, cord_timer_remove);
  g_clear_pointer(&self->keep_alive, cord_timer_remove);
  g_clear_pointer(&self->pending, g_byte_array_unref);
  g_byte_array_set_size(self->queue, 0);
  self->written = 0;
  if (self->socket)
    g_socket_close(self->socket, NULL);
  g_clear_object(&self->stream);
  g_clear_object(&self->socket);
}

/* The one end of every connection. */
void
cord_websocket_finish(CordWebsocket *self, guint16 code, const gchar *reason, const GError *error)
{
  gboolean was_closing = self->state == STATE_CLOSING;

  if (self->state == STATE_CLOSED)
    return;
  self->state = STATE_CLOSED;
  cord_websocket_hold(self);
  release(self);
  if (self->handlers.closed)
    self->handlers.closed(self, code, reason, error, self->user_data);
  if (was_closing)
    cord_websocket_drop(self); /* taken when closing began */
  cord_websocket_drop(self);
}

void
cord_websocket_finish_error(CordWebsocket *self, guint16 code, CordError error_code,
                            const gchar *message)
{
  g_autoptr(GError) error = g_error_new_literal(CORD_ERROR, error_code, message);

  cord_websocket_finish(self, code, NULL, error);
}

static void
on_close_deadline(gpointer data)
{
  CordWebsocket *self = data;

  self->close_deadline = NULL;
  cord_websocket_finish(self, self->close_code, self->close_reason, NULL);
}

void
cord_websocket_send_close(CordWebsocket *self, guint16 code, const gchar *reason)
{
  guint8 payload[CORD_WEBSOCKET_MAX_CONTROL];
  gsize length = reason ? MIN(strlen(reason), sizeof payload - 2) : 0;
  const gchar *end;

  payload[0] = (guint8)(code >> 8);
  payload[1] = (guint8)code;
  /* a reason that is cut is cut between characters */
  if (length > 0 && !g_utf8_validate(reason, (gssize)length, &end))
    length = (gsize)(end - reason);
  if (length > 0)
    memcpy(payload + 2, reason, length);
  self->corked = 0;
  /* "no status" is told by saying nothing */
  cord_websocket_send_frame(self, CORD_WEBSOCKET_CLOSE, payload,
                            code == CORD_WEBSOCKET_CLOSE_NO_STATUS ? 0 : 2 + length);
}

static void
on_keep_alive(gpointer data)
{
  CordWebsocket *self = data;

  self->keep_alive = NULL;
  if (self->state != STATE_OPEN)
    return;
  if (!self->heard) {
    cord_websocket_finish_error(self, CORD_WEBSOCKET_CLOSE_ABNORMAL, CORD_ERROR_TIMEOUT,
                                "the peer does not answer pings");
    return;
  }
  self->heard = FALSE;
  self->keep_alive =
      cord_worker_add_timer(self->worker, self->keep_alive_interval, on_keep_alive, self);
  cord_websocket_send_ping(self);
}

static void
cord_websocket_finalize(GObject *object)
{
  CordWebsocket *self = CORD_WEBSOCKET(object);

  release(self);
  cord_websocket_parser_clear(&self->parser);
  g_byte_array_unref(self->queue);
  g_clear_pointer(&self->already_read, g_bytes_unref);
  g_clear_object(&self->worker);
  g_free(self->close_reason);
  G_OBJECT_CLASS(cord_websocket_parent_class)->finalize(object);
}

static void
cord_websocket_class_init(CordWebsocketClass *klass)
{
  G_OBJECT_CLASS(klass)->finalize = cord_websocket_finalize;
}

static void
cord_websocket_init(CordWebsocket *self)
{
  self->queue = g_byte_array_new();
  self->max_queued = DEFAULT_MAX_QUEUED;
  self->stall_timeout = DEFAULT_STALL;
}

/* libsoup and guards wrap the connection; each of them tells what it wraps by a property. */
static GIOStream *
get_base(GIOStream *stream)
{
  const gchar *name = G_IS_TLS_CONNECTION(stream) ? "base-io-stream" : "base-iostream";
  GIOStream *base = NULL;

  if (g_object_class_find_property(G_OBJECT_GET_CLASS(stream), name))
    g_object_get(stream, name, &base, NULL);
  return base;
}

static gboolean
open_stream(CordWebsocket *self, GIOStream *stream, GError **error)
{
  g_autoptr(GIOStream) at = g_object_ref(stream);

  while (at && !G_IS_SOCKET_CONNECTION(at)) {
    GIOStream *base = get_base(at);

    if (G_IS_TLS_CONNECTION(at)) {
      self->tls_input = G_POLLABLE_INPUT_STREAM(g_io_stream_get_input_stream(at));
      self->tls_output = G_POLLABLE_OUTPUT_STREAM(g_io_stream_get_output_stream(at));
    }
    g_object_unref(at);
    at = base;
  }
  if (at == NULL) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID,
                "a WebSocket needs a socket below it, not a %s", G_OBJECT_TYPE_NAME(stream));
    return FALSE;
  }
  self->stream = g_object_ref(stream);
  self->socket = g_object_ref(g_socket_connection_get_socket(G_SOCKET_CONNECTION(at)));
  self->fd = g_socket_get_fd(self->socket);
  g_socket_set_blocking(self->socket, FALSE);
  /* frames are small and timed: none may wait for another */
  if (g_socket_get_family(self->socket) != G_SOCKET_FAMILY_UNIX)
    g_socket_set_option(self->socket, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
  return TRUE;
}

/**
 * cord_websocket_new:
 * @worker: where it will live
 * @stream: after the handshake: a #GSocketConnection, a #GTlsConnection, or a stream that says by a
 *   property "base-iostream" what it wraps and that is not read any more
 * @role: ours
 * @already_read: (nullable): bytes of the peer that were read with the handshake
 * @error: return location for an error
 *
 * Any thread; all else belongs to @worker.
 *
 * Returns: (transfer full): a WebSocket that does not read yet, or %NULL
 */
CordWebsocket *
cord_websocket_new(CordWorker *worker, GIOStream *stream, CordWebsocketRole role,
                   GBytes *already_read, GError **error)
{
  g_autoptr(CordWebsocket) self = g_object_new(CORD_TYPE_WEBSOCKET, NULL);

  if (!open_stream(self, stream, error))
    return NULL;
  self->worker = g_object_ref(worker);
  self->role = role;
  cord_websocket_parser_init(&self->parser, role, DEFAULT_MAX_MESSAGE);
  self->already_read = already_read ? g_bytes_ref(already_read) : NULL;
  return g_steal_pointer(&self);
}

/**
 * cord_websocket_set_handlers: (skip)
 * @self: a WebSocket
 * @handlers: (nullable): whom to tell; copied. %NULL: nobody
 * @user_data: for @handlers
 */
void
cord_websocket_set_handlers(CordWebsocket *self, const CordWebsocketHandlers *handlers,
                            gpointer user_data)
{
  self->handlers = handlers ? *handlers : (CordWebsocketHandlers){ NULL };
  self->user_data = user_data;
}

/**
 * cord_websocket_start:
 * @self: a new WebSocket, on its worker
 *
 * Begins to read. The handlers are called from the worker's loop, never from inside this call.
 */
void
cord_websocket_start(CordWebsocket *self)
{
  g_return_if_fail(self->state == STATE_NEW);
  self->state = STATE_OPEN;
  self->watch =
      cord_worker_add_watch(self->worker, self->fd, EPOLLIN, cord_websocket_on_ready, self);
  /* bytes that the descriptor does not show */
  if (self->already_read || self->tls_input)
    cord_websocket_read_later(self);
  if (self->keep_alive_interval > 0) {
    self->heard = TRUE;
    self->keep_alive =
        cord_worker_add_timer(self->worker, self->keep_alive_interval, on_keep_alive, self);
  }
}

static gboolean
send_message(CordWebsocket *self, CordWebsocketMessageType type, const guint8 *data, gsize length,
             GError **error)
{
  if (self->state != STATE_OPEN) {
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_CLOSED, "the WebSocket is not open");
    return FALSE;
  }
  if (cord_websocket_get_queued(self) + length > self->max_queued) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_TOO_LARGE,
                "the peer reads too slowly: %zu bytes are waiting for it",
                cord_websocket_get_queued(self));
    return FALSE;
  }
  if (!cord_websocket_send_frame(self, type, data, length)) {
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_NETWORK, "the connection broke");
    return FALSE;
  }
  self->stats.messages_sent++;
  return TRUE;
}

/**
 * cord_websocket_send_text:
 * @self: an open WebSocket
 * @text: UTF-8
 * @length: of @text in bytes, or -1
 * @error: return location for an error
 *
 * Writes a text message: at the end of the worker's turn, or as soon as the socket takes it.
 *
 * Returns: %FALSE when it is not open, has broken, or the queue is full (%CORD_ERROR_TOO_LARGE);
 * the message is then not sent, and `closed` is not called from inside
 */
gboolean
cord_websocket_send_text(CordWebsocket *self, const gchar *text, gssize length, GError **error)
{
  return send_message(self, CORD_WEBSOCKET_TEXT, (const guint8 *)text,
                      length < 0 ? strlen(text) : (gsize)length, error);
}

/**
 * cord_websocket_send_binary:
 * @self: an open WebSocket
 * @data: (array length=length) (element-type guint8): bytes
 * @length: of @data
 * @error: return location for an error
 *
 * The same for a binary message.
 *
 * Returns: as cord_websocket_send_text()
 */
gboolean
cord_websocket_send_binary(CordWebsocket *self, gconstpointer data, gsize length, GError **error)
{
  return send_message(self, CORD_WEBSOCKET_BINARY, data, length, error);
}

/**
 * cord_websocket_send_ping:
 * @self: an open WebSocket
 */
void
cord_websocket_send_ping(CordWebsocket *self)
{
  if (self->state == STATE_OPEN)
    cord_websocket_send_frame(self, CORD_WEBSOCKET_PING, NULL, 0);
}

/**
 * cord_websocket_cork:
 * @self: a WebSocket
 *
 * What is sent from here to cord_websocket_uncork() leaves in one write.
 */
void
cord_websocket_cork(CordWebsocket *self)
{
  if (self->state == STATE_OPEN)
    self->corked++;
}

/**
 * cord_websocket_uncork:
 * @self: a WebSocket
 *
 * Ends cord_websocket_cork().
 */
void
cord_websocket_uncork(CordWebsocket *self)
{
  if (self->state != STATE_OPEN || self->corked == 0 || --self->corked > 0)
    return;
  if (self->queue->len > 0 && !self->blocked)
    cord_websocket_flush_soon(self);
}

/**
 * cord_websocket_close:
 * @self: a WebSocket
 * @code: the close code: 1000 for a good end
 * @reason: (nullable): for the peer, at most 123 bytes of it
 *
 * Begins the closing handshake; `closed` is called when the peer has answered or gone, or after 3
 * s, with the peer's code where it sent one, else with @code. It may be unreffed at once: it stays
 * until then.
 */
void
cord_websocket_close(CordWebsocket *self, guint16 code, const gchar *reason)
{
  if (self->state == STATE_NEW)
    cord_websocket_start(self);
  if (self->state != STATE_OPEN)
    return;
  self->state = STATE_CLOSING;
  cord_websocket_hold(self);
  self->close_code = code;
  self->close_reason = g_strdup(reason);
  self->close_deadline =
      cord_worker_add_timer(self->worker, CLOSE_DEADLINE, on_close_deadline, self);
  /* a connection that has broken tells so by its descriptor */
  cord_websocket_send_close(self, code, reason);
}

/**
 * cord_websocket_set_max_message:
 * @self: a WebSocket
 * @bytes: the longest message that is taken (default 65536)
 */
void
cord_websocket_set_max_message(CordWebsocket *self, gsize bytes)
{
  self->parser.max_message = bytes;
}

/**
 * cord_websocket_set_max_queued:
 * @self: a WebSocket
 * @bytes: how much may wait to be written (default 1 MiB)
 */
void
cord_websocket_set_max_queued(CordWebsocket *self, gsize bytes)
{
  self->max_queued = bytes;
}

/**
 * cord_websocket_set_stall_timeout:
 * @self: a WebSocket
 * @timeout: how long the peer may take nothing of what waits for it (default 30 s), or
 *   %GST_CLOCK_TIME_NONE
 */
void
cord_websocket_set_stall_timeout(CordWebsocket *self, GstClockTime timeout)
{
  self->stall_timeout = timeout;
}

/**
 * cord_websocket_set_keep_alive:
 * @self: a WebSocket that was not started
 * @interval: between pings, 0 (the default) for none; a peer from which nothing comes in an
 * interval is given up
 */
void
cord_websocket_set_keep_alive(CordWebsocket *self, GstClockTime interval)
{
  self->keep_alive_interval = interval;
}

/**
 * cord_websocket_is_open:
 * @self: a WebSocket
 *
 * Returns: whether messages can be sent
 */
gboolean
cord_websocket_is_open(CordWebsocket *self)
{
  return self->state == STATE_OPEN;
}

/**
 * cord_websocket_get_queued:
 * @self: a WebSocket
 *
 * Returns: how many bytes wait to be written
 */
gsize
cord_websocket_get_queued(CordWebsocket *self)
{
  return self->queue->len - self->written;
}

/**
 * cord_websocket_get_worker:
 * @self: a WebSocket
 *
 * Returns: (transfer none): where it lives
 */
CordWorker *
cord_websocket_get_worker(CordWebsocket *self)
{
  return self->worker;
}

/**
 * cord_websocket_get_stats: (skip)
 * @self: a WebSocket
 * @stats: (out): counters
 */
void
cord_websocket_get_stats(CordWebsocket *self, CordWebsocketStats *stats)
{
  *stats = self->stats;
}
