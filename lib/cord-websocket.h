/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "cord-websocket-codec.h"
#include "cord-worker.h"

G_BEGIN_DECLS

#define CORD_TYPE_WEBSOCKET (cord_websocket_get_type())
G_DECLARE_FINAL_TYPE(CordWebsocket, cord_websocket, CORD, WEBSOCKET, GObject)

/**
 * CordWebsocketHandlers:
 * @message: a whole message came: %CORD_WEBSOCKET_TEXT (checked UTF-8, no terminating zero) or
 *   %CORD_WEBSOCKET_BINARY; @data is valid during the call
 * @closed: (nullable): the connection is over, told exactly once: the close code (1006 where there
 *   was no close frame), the peer's reason or %NULL, and an error unless it was closed in order
 * @drained: (nullable): all that was queued has been written
 *
 * What the owner of a #CordWebsocket is told, on its worker. The owner may close or unref the
 * WebSocket, and take its handlers away, inside each of them.
 */
typedef struct {
  void (*message)(CordWebsocket *websocket, CordWebsocketMessageType type, const guint8 *data,
                  gsize length, gpointer user_data);
  void (*closed)(CordWebsocket *websocket, guint16 code, const gchar *reason, const GError *error,
                 gpointer user_data);
  void (*drained)(CordWebsocket *websocket, gpointer user_data);
} CordWebsocketHandlers;

/**
 * CordWebsocketStats:
 * @messages_received: messages
 * @messages_sent: messages
 * @bytes_received: bytes of the stream
 * @bytes_sent: bytes of the stream
 */
typedef struct {
  guint64 messages_received;
  guint64 messages_sent;
  guint64 bytes_received;
  guint64 bytes_sent;
} CordWebsocketStats;

CordWebsocket *cord_websocket_new(CordWorker *worker, GIOStream *stream, CordWebsocketRole role,
                                  GBytes *already_read, GError **error);
void cord_websocket_set_handlers(CordWebsocket *self, const CordWebsocketHandlers *handlers,
                                 gpointer user_data);
void cord_websocket_start(CordWebsocket *self);

gboolean cord_websocket_send_text(CordWebsocket *self, const gchar *text, gssize length,
                                  GError **error);
gboolean cord_websocket_send_binary(CordWebsocket *self, gconstpointer data, gsize length,
                                    GError **error);
void cord_websocket_send_ping(CordWebsocket *self);
void cord_websocket_cork(CordWebsocket *self);
void cord_websocket_uncork(CordWebsocket *self);
void cord_websocket_close(CordWebsocket *self, guint16 code, const gchar *reason);

void cord_websocket_set_max_message(CordWebsocket *self, gsize bytes);
void cord_websocket_set_max_queued(CordWebsocket *self, gsize bytes);
void cord_websocket_set_stall_timeout(CordWebsocket *self, GstClockTime timeout);
void cord_websocket_set_keep_alive(CordWebsocket *self, GstClockTime interval);

gboolean cord_websocket_is_open(CordWebsocket *self);
gsize cord_websocket_get_queued(CordWebsocket *self);
CordWorker *cord_websocket_get_worker(CordWebsocket *self);
void cord_websocket_get_stats(CordWebsocket *self, CordWebsocketStats *stats);

G_END_DECLS
