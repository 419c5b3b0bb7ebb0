/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

#include "cord-websocket.h"

G_BEGIN_DECLS

/**
 * CordWebsocketTakenFunc:
 * @websocket: a WebSocket that was not started; referenced by whoever wants to keep it
 * @user_data: what cord_websocket_server_take() was given
 *
 * Called on the worker when a connection has become a WebSocket.
 */
typedef void (*CordWebsocketTakenFunc)(CordWebsocket *websocket, gpointer user_data);

gboolean cord_websocket_server_take(SoupServerMessage *message, CordWorker *worker,
                                    CordWebsocketTakenFunc func, gpointer user_data,
                                    GDestroyNotify notify);

G_END_DECLS
