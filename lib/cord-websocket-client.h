/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-websocket.h"

G_BEGIN_DECLS

/**
 * CordWebsocketRequest:
 * @url: ws:// or wss://
 * @headers: (nullable) (array zero-terminated=1): names and values by turns
 * @protocol: (nullable): the subprotocols to ask for, with commas between them
 * @tls_database: (nullable): in place of the system's
 * @timeout: for all of it, from the name to the answer; 0: 10 s
 *
 * Whom to dial, and how. Copied.
 */
typedef struct {
  const gchar *url;
  const gchar *const *headers;
  const gchar *protocol;
  GTlsDatabase *tls_database;
  GstClockTime timeout;
} CordWebsocketRequest;

void cord_websocket_connect_async(CordWorker *worker, const CordWebsocketRequest *request,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data);
CordWebsocket *cord_websocket_connect_finish(GAsyncResult *result, GError **error);
guint cord_websocket_connect_get_status(GAsyncResult *result);
GstClockTime cord_websocket_connect_get_retry_after(GAsyncResult *result);

G_END_DECLS
