/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/socket.h>

#include "cord-error.h"
#include "cord-websocket.h"
#include "ws-peer.h"

G_BEGIN_DECLS

/* A WebSocket on a manual worker, and its peer: a fixture for g_test_add(). */

typedef enum {
  DO_NOTHING,
  DO_ECHO,
  DO_CLOSE,
  DO_UNREF,
} Reaction;

typedef struct {
  CordWorker *worker;
  CordWebsocket *websocket;
  GIOStream *stream;
  int fd;
  gboolean masked; /* the peer's frames */
  Reaction reaction;
  GString *heard;
  guint n_closed;
  guint16 code;
  gchar *reason;
  GError *error;
  guint n_drained;
} WsRig;

void ws_rig_setup(WsRig *f, gconstpointer data);
void ws_rig_setup_client(WsRig *f, gconstpointer data);
void ws_rig_setup_bare(WsRig *f, gconstpointer data);
void ws_rig_teardown(WsRig *f, gconstpointer data);
void ws_rig_open(WsRig *f, CordWebsocketRole role, int type, GBytes *already_read);
void ws_rig_say(WsRig *f, guint8 first, const gchar *payload);
void ws_rig_assert_received(WsRig *f, const gchar *expected);
void ws_rig_assert_closed(WsRig *f, guint16 code, gint error);

G_END_DECLS
