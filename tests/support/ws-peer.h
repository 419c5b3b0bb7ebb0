/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "cord-worker.h"

G_BEGIN_DECLS

/* The other end of a WebSocket: a descriptor and frames made by hand, right or wrong. */

#define WS_FIN 0x80

int ws_peer_pair(int type, GIOStream **far_end);
GBytes *ws_peer_make(guint8 first, gboolean masked, const void *payload, gsize length);
void ws_peer_send_bytes(int fd, GBytes *bytes);
void ws_peer_send(int fd, guint8 first, gboolean masked, const gchar *payload);
gchar *ws_peer_receive(int fd);

G_END_DECLS
