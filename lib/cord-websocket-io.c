/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "cord-websocket-private.h"
#include "cord-worker-loop.h"

#define READ_SIZE 65536     /* bytes a turn, shared by all of a thread */
#define KEPT_SIZE 512       /* bytes of queue that stay allocated while it is empty */
#define MAX_PONG_QUEUE 4096 /* bytes that wait, above which pings are not answered */
#define MAX_DROPPED 262144  /* bytes that are read to be dropped */
#define MAX_TURNS 16        /* reads of a TLS stream before others have their turn */

/* Keys that a peer's content cannot foresee (RFC 6455, section 10.3), a system call for many. */
guint32
cord_websocket_random(void)
{
  static __thread guint32 pool[64]; /* 256 bytes: as much as getrandom() gives in one piece */
  static __thread guint left;

  if (left == 0) {
    if (getrandom(pool, sizeof pool, 0) != sizeof pool)
      return g_random_int();
    left = G_N_ELEMENTS(pool);
  }
  return pool[--left];
}

/* Writing. Returns bytes written, 0 when it would block, -1 for a broken connection. */
static gssize
write_some(CordWebsocket *self, const guint8 *data, gsize length)
{
  g_autoptr(GError) error = NULL;
  gssize n;

  if (self->tls_output == NULL) {
    do
      n = send(self->fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n >= 0 ? n : errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
  }
  n = g_pollable_output_stream_write_nonblocking(self->tls_output, data, length, NULL, &error);
  return n >= 0 ? n : g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK) ? 0 : -1;
}

static void
on_stall(gpointer data)
{
  CordWebsocket *self = data;

  self->stall = NULL;
  cord_websocket_finish_error(self, CORD_WEBSOCKET_CLOSE_ABNORMAL, CORD_ERROR_TIMEOUT,
                              "the peer has stopped taking what it is sent");
}

static void
set_blocked(CordWebsocket *self, gboolean blocked)
{
  if (self->blocked == blocked)
    return;
  self->blocked = blocked;
  cord_watch_set_events(self->watch, blocked ? EPOLLIN | EPOLLOUT : EPOLLIN);
  g_clear_pointer(&self->stall, cord_timer_remove);
  if (blocked && GST_CLOCK_TIME_IS_VALID(self->stall_timeout))
    self->stall = cord_worker_add_timer(self->worker, self->stall_timeout, on_stall, self);
}

gboolean
cord_websocket_flush(CordWebsocket *self)
{
  while (self->written < self->queue->len) {
    gssize n =
        write_some(self, self->queue->data + self->written, self->queue->len - self->written);

    if (n < 0)
      return FALSE;
    if (n == 0)
      break;
    self->written += (gsize)n;
    self->stats.bytes_sent += (guint64)n;
    if (self->stall && self->written < self->queue->len) {
      /* slow is not stalled */
      cord_timer_remove(self->stall);
      self->stall = cord_worker_add_timer(self->worker, self->stall_timeout, on_stall, self);
    }
  }
  if (self->written == self->queue->len) {
    self->written = 0;
    if (self->queue->len > KEPT_SIZE) {
      g_byte_array_unref(self->queue);
      self->queue = g_byte_array_new();
    } else {
      g_byte_array_set_size(self->queue, 0);
    }
    set_blocked(self, FALSE);
  } else {
    if (self->written > READ_SIZE) {
      g_byte_array_remove_range(self->queue, 0, (guint)self->written);
      self->written = 0;
    }
    set_blocked(self, TRUE);
  }
  return TRUE;
}

static void
break_off(gpointer data)
{
  cord_websocket_finish_error(data, CORD_WEBSOCKET_CLOSE_ABNORMAL, CORD_ERROR_NETWORK,
                              "the connection broke");
}

static void
drop_hold(gpointer data)
{
  cord_websocket_drop(data);
}

static void
flush_at_end(gpointer data)
{
  CordWebsocket *self = data;

  self->ending = FALSE;
  /* nobody expects to be told in the middle of something else */
  if (!self->blocked && !cord_websocket_flush(self))
    cord_worker_post(self->worker, break_off, cord_websocket_hold(self), drop_hold);
}

/* Writes the queue at the end of the worker's turn, at once when it has none. */
gboolean
cord_websocket_flush_soon(CordWebsocket *self)
{
  if (!self->ending)
    self->ending = cord_loop_at_end(cord_worker_get_loop(self->worker), flush_at_end, self);
  return self->ending || cord_websocket_flush(self);
}

/* Writes now what was put off, as the last that is written. */
void
cord_websocket_flush_put_off(CordWebsocket *self)
{
  if (!self->ending)
    return;
  self->ending = FALSE;
  cord_loop_not_at_end(cord_worker_get_loop(self->worker), self);
  if (!self->blocked)
    cord_websocket_flush(self);
}

static void
append_frame(CordWebsocket *self, const guint8 *header, gsize header_size, const guint8 *data,
             gsize length, guint32 mask)
{
  guint at;

  g_byte_array_append(self->queue, header, (guint)header_size);
  at = self->queue->len;
  g_byte_array_append(self->queue, data, (guint)length);
  if (self->role == CORD_WEBSOCKET_CLIENT)
    cord_websocket_mask(self->queue->data + at, length, mask);
}

gboolean
cord_websocket_send_frame(CordWebsocket *self, CordWebsocketMessageType type, const guint8 *data,
                          gsize length)
{
  guint8 header[CORD_WEBSOCKET_MAX_HEADER];
  guint32 mask = self->role == CORD_WEBSOCKET_CLIENT ? cord_websocket_random() : 0;
  gsize header_size = cord_websocket_format_header(header, self->role, type, length, mask);

  append_frame(self, header, header_size, data, length, mask);
  return self->corked > 0 || self->blocked || cord_websocket_flush_soon(self);
}

/* Reading */

/* The peer is told what it did wrong, as far as it listens, and nothing of it is read any more. */
static void
peer_is_at_fault(CordWebsocket *self, const CordWebsocketFault *fault)
{
  guint8 rest[4096];
  gsize dropped = 0;

  if (self->state == STATE_OPEN)
    cord_websocket_send_close(self, fault->code, fault->reason);
  cord_websocket_flush_put_off(self);
  /* closing with bytes unread would reset the connection, and our last words with it */
  shutdown(self->fd, SHUT_WR);
  while (dropped < MAX_DROPPED) {
    gssize n = recv(self->fd, rest, sizeof rest, MSG_DONTWAIT);

    if (n <= 0)
      break;
    dropped += (gsize)n;
  }
  cord_websocket_finish_error(self, fault->code, CORD_ERROR_PROTOCOL, fault->reason);
}

static void
peer_closes(CordWebsocket *self, const guint8 *data, gsize length)
{
  g_autofree gchar *reason = NULL;
  CordWebsocketFault fault;
  guint16 code;

  if (!cord_websocket_close_parse(data, length, &code, &reason, &fault)) {
    peer_is_at_fault(self, &fault);
    return;
  }
  if (self->state == STATE_OPEN)
    cord_websocket_send_frame(self, CORD_WEBSOCKET_CLOSE, data, MIN(length, 2));
  cord_websocket_finish(self, code, reason, NULL);
}

/* Whoever was just told may have dropped the last reference but ours: then nobody is told more. */
static void
check_abandoned(CordWebsocket *self)
{
  if (self->state == STATE_OPEN &&
      (guint)g_atomic_int_get(&G_OBJECT(self)->ref_count) == self->holds)
    self->state = STATE_CLOSED;
}

static gboolean
on_parsed(CordWebsocketMessageType type, guint8 *data, gsize length, gpointer user_data)
{
  CordWebsocket *self = user_data;

  switch (type) {
  case CORD_WEBSOCKET_TEXT:
  case CORD_WEBSOCKET_BINARY:
    self->stats.messages_received++;
    if (self->state == STATE_OPEN && self->handlers.message)
      self->handlers.message(self, type, data, length, self->user_data);
    check_abandoned(self);
    break;
  case CORD_WEBSOCKET_CLOSE:
    peer_closes(self, data, length);
    break;
  case CORD_WEBSOCKET_PING:
    /* who floods us with pings while it does not read gets no more of them back */
    if (self->state == STATE_OPEN && self->queue->len < MAX_PONG_QUEUE &&
        !cord_websocket_send_frame(self, CORD_WEBSOCKET_PONG, data, length))
      cord_websocket_finish_error(self, CORD_WEBSOCKET_CLOSE_ABNORMAL, CORD_ERROR_NETWORK,
                                  "the connection broke");
    break;
  case CORD_WEBSOCKET_PONG:
  default:
    break;
  }
  return self->state == STATE_OPEN || self->state == STATE_CLOSING;
}

static void
take_bytes(CordWebsocket *self, guint8 *data, gsize length)
{
  g_autoptr(GByteArray) pending = g_steal_pointer(&self->pending);
  CordWebsocketFault fault;
  gsize consumed;

  self->heard = TRUE;
  self->stats.bytes_received += length;
  if (pending) {
    g_byte_array_append(pending, data, (guint)length);
    data = pending->data;
    length = pending->len;
  }
  if (!cord_websocket_parser_feed(&self->parser, data, length, &consumed, on_parsed, self,
                                  &fault)) {
    peer_is_at_fault(self, &fault);
    return;
  }
  if (self->state == STATE_CLOSED || consumed == length)
    return;
  if (pending == NULL) {
    pending = g_byte_array_new();
    g_byte_array_append(pending, data + consumed, (guint)(length - consumed));
  } else if (consumed > 0) {
    g_byte_array_remove_range(pending, 0, (guint)consumed);
  }
  self->pending = g_steal_pointer(&pending);
}

/* Returns bytes read, 0 at the end, -1 when it would block, -2 for a broken connection. */
static gssize
read_some(CordWebsocket *self, guint8 *buffer, gsize size)
{
  g_autoptr(GError) error = NULL;
  gssize n;

  if (self->tls_input == NULL) {
    do
      n = recv(self->fd, buffer, size, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n >= 0 ? n : errno == EAGAIN || errno == EWOULDBLOCK ? -1 : -2;
  }
  n = g_pollable_input_stream_read_nonblocking(self->tls_input, buffer, size, NULL, &error);
  return n >= 0 ? n : g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK) ? -1 : -2;
}

static void
end_of_stream(CordWebsocket *self, const gchar *what)
{
  if (self->state == STATE_CLOSING)
    cord_websocket_finish(self, self->close_code, self->close_reason, NULL);
  else
    cord_websocket_finish_error(self, CORD_WEBSOCKET_CLOSE_ABNORMAL, CORD_ERROR_CLOSED, what);
}

/* The first bytes are those that came with the handshake. */
static void
take_already_read(CordWebsocket *self)
{
  g_autoptr(GBytes) bytes = g_steal_pointer(&self->already_read);
  gsize size = g_bytes_get_size(bytes);
  g_autofree guint8 *copy = g_memdup2(g_bytes_get_data(bytes, NULL), size);

  if (size > 0)
    take_bytes(self, copy, size);
}

static void
read_ready(CordWebsocket *self)
{
  static __thread guint8 buffer[READ_SIZE];
  guint turns = self->tls_input ? MAX_TURNS : 1;

  if (self->already_read)
    take_already_read(self);
  while (self->state != STATE_CLOSED && turns-- > 0) {
    gssize n = read_some(self, buffer, sizeof buffer);

    if (n == -1)
      return;
    if (n <= 0) {
      end_of_stream(self, n == 0 ? "the peer went without a close frame" : "the connection broke");
      return;
    }
    take_bytes(self, buffer, (gsize)n);
  }
  /* a TLS stream may hold more than the descriptor shows; a socket says so again by itself */
  if (self->state != STATE_CLOSED && self->tls_input)
    cord_websocket_read_later(self);
}

static void
read_now(gpointer data)
{
  CordWebsocket *self = data;

  if (self->state == STATE_OPEN || self->state == STATE_CLOSING)
    read_ready(self);
}

void
cord_websocket_read_later(CordWebsocket *self)
{
  cord_worker_post(self->worker, read_now, cord_websocket_hold(self), drop_hold);
}

static void
serve(CordWebsocket *self, guint events)
{
  if (events & EPOLLOUT) {
    if (!cord_websocket_flush(self)) {
      cord_websocket_finish_error(self, CORD_WEBSOCKET_CLOSE_ABNORMAL, CORD_ERROR_NETWORK,
                                  "the connection broke");
      return;
    }
    if (self->queue->len == 0 && self->handlers.drained)
      self->handlers.drained(self, self->user_data);
    check_abandoned(self);
  }
  if (self->state != STATE_CLOSED && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
    read_ready(self);
}

void
cord_websocket_on_ready(guint events, gpointer data)
{
  cord_websocket_hold(data);
  serve(data, events);
  cord_websocket_drop(data);
}
