/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "cord-worker.h"

G_BEGIN_DECLS

/* A service on loopback that a test plays by hand, on the thread of its manual worker. */
typedef struct {
  CordWorker *worker;
  int listener;
  int fd; /* the connection under way, or -1 */
  guint port;
} HttpPeer;

void http_peer_init(HttpPeer *self, CordWorker *worker);
void http_peer_clear(HttpPeer *self);
gchar *http_peer_url(HttpPeer *self, const gchar *scheme, const gchar *path);
void http_peer_accept(HttpPeer *self);
gchar *http_peer_read_head(HttpPeer *self);
gchar *http_peer_read(HttpPeer *self, gsize length);
void http_peer_write(HttpPeer *self, const gchar *bytes);
void http_peer_upgrade(HttpPeer *self, const gchar *head);
void http_peer_hang_up(HttpPeer *self);
gboolean http_peer_is_gone(HttpPeer *self);
void http_peer_spin(CordWorker *worker, const gboolean *until);

G_END_DECLS
