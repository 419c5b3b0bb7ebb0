/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-error.h"
#include "cord-websocket.h"

G_BEGIN_DECLS

/* Inside of CordWebsocket: its state, its life (cord-websocket.c) and its bytes
 * (cord-websocket-io.c). */

typedef enum {
  STATE_NEW,
  STATE_OPEN,
  STATE_CLOSING, /* our close frame is on its way; waiting for the peer's */
  STATE_CLOSED,
} State;

struct _CordWebsocket {
  GObject parent_instance;

  CordWorker *worker;
  GIOStream *stream;
  GSocket *socket;
  int fd;
  GPollableInputStream *tls_input; /* NULL for a plain socket */
  GPollableOutputStream *tls_output;
  CordWatch *watch;

  State state;
  guint holds; /* references that are this file's own */
  CordWebsocketRole role;
  CordWebsocketParser parser;
  CordWebsocketHandlers handlers;
  gpointer user_data;
  GBytes *already_read;
  GByteArray *pending; /* the beginning of a frame; NULL when there is none */

  GByteArray *queue;
  gsize written; /* of queue */
  guint corked;
  gboolean blocked; /* EPOLLOUT is waited for */
  gboolean ending;  /* the queue is written at the end of the worker's turn */
  gsize max_queued;

  guint16 close_code;
  gchar *close_reason;
  CordTimer *stall;
  GstClockTime stall_timeout;
  CordTimer *close_deadline;
  CordTimer *keep_alive;
  GstClockTime keep_alive_interval;
  gboolean heard; /* since the last keep-alive */
  CordWebsocketStats stats;
};

G_GNUC_INTERNAL void cord_websocket_finish(CordWebsocket *self, guint16 code, const gchar *reason,
                                           const GError *error);
G_GNUC_INTERNAL void cord_websocket_finish_error(CordWebsocket *self, guint16 code,
                                                 CordError error_code, const gchar *message);
G_GNUC_INTERNAL CordWebsocket *cord_websocket_hold(CordWebsocket *self);
G_GNUC_INTERNAL void cord_websocket_drop(CordWebsocket *self);
G_GNUC_INTERNAL void cord_websocket_send_close(CordWebsocket *self, guint16 code,
                                               const gchar *reason);
G_GNUC_INTERNAL guint32 cord_websocket_random(void);
G_GNUC_INTERNAL void cord_websocket_read_later(CordWebsocket *self);
G_GNUC_INTERNAL gboolean cord_websocket_send_frame(CordWebsocket *self,
                                                   CordWebsocketMessageType type,
                                                   const guint8 *data, gsize length);
G_GNUC_INTERNAL gboolean cord_websocket_flush(CordWebsocket *self);
G_GNUC_INTERNAL gboolean cord_websocket_flush_soon(CordWebsocket *self);
G_GNUC_INTERNAL void cord_websocket_flush_put_off(CordWebsocket *self);
G_GNUC_INTERNAL void cord_websocket_on_ready(guint events, gpointer data);

G_END_DECLS
