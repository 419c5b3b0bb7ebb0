/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-worker.h"

G_BEGIN_DECLS

/**
 * CordServiceSocket:
 *
 * A WebSocket to a service that speaks JSON, which is there as long as it is wanted: over as many
 * connections, one after the other, as that takes. Everything happens on the worker.
 */
typedef struct _CordServiceSocket CordServiceSocket;

/**
 * CordServiceSocketSettings:
 * @name: what the service is called in errors
 * @url: ws:// or wss://
 * @headers: (nullable) (array zero-terminated=1): names and values by turns
 * @connect_ms: how long one attempt may take
 * @give_up_ms: how long an outage may last
 * @keep_alive_ms: after how long without traffic `keep_alive` is called, 0: never
 * @max_message: the longest message that is taken, bytes; 0: 1 MiB
 *
 * Whom to talk to. Copied.
 */
typedef struct {
  const gchar *name;
  const gchar *url;
  const gchar *const *headers;
  guint connect_ms;
  guint give_up_ms;
  guint keep_alive_ms;
  gsize max_message;
} CordServiceSocketSettings;

/**
 * CordServiceSocketFuncs:
 * @connected: there is a connection; the service knows nothing of an earlier one
 * @message: a text message
 * @lost: the connection is gone, and being made again
 * @failed: there is none, and none is tried; @permanent: none ever will
 * @keep_alive: (nullable): nothing was sent for a while
 *
 * Who is told. Each may send; none may free the socket.
 */
typedef struct {
  void (*connected)(gpointer data);
  void (*message)(const gchar *text, gsize length, gpointer data);
  void (*lost)(const GError *error, gpointer data);
  void (*failed)(const GError *error, gboolean permanent, gpointer data);
  void (*keep_alive)(gpointer data);
} CordServiceSocketFuncs;

CordServiceSocket *cord_service_socket_new(CordWorker *worker,
                                           const CordServiceSocketSettings *settings,
                                           const CordServiceSocketFuncs *funcs, gpointer data);
void cord_service_socket_free(CordServiceSocket *self);
gboolean cord_service_socket_is_up(CordServiceSocket *self);
gboolean cord_service_socket_send(CordServiceSocket *self, const gchar *text);
gchar *cord_service_socket_hide_secrets(CordServiceSocket *self, const gchar *text);
void cord_service_socket_renew(CordServiceSocket *self);
void cord_service_socket_lose(CordServiceSocket *self, GError *error);
void cord_service_socket_fail(CordServiceSocket *self, GError *error);

G_END_DECLS
