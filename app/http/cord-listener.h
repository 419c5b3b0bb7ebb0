/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/**
 * CordListenerLimits:
 * @connections: at once
 * @connections_per_address: at once from one address that is not this machine's
 * @head_ms: how long the head of a request may take
 * @body_ms: how long its body may take
 * @idle_ms: how long a connection may wait for its next request
 * @max_body: bytes
 */
typedef struct {
  guint connections;
  guint connections_per_address;
  guint head_ms;
  guint body_ms;
  guint idle_ms;
  gsize max_body;
} CordListenerLimits;

/**
 * CordListener:
 *
 * Accepts connections for a #SoupServer that is not made for the open Internet: counts them, sets
 * them deadlines and lets only well-formed requests through. Main thread.
 */
#define CORD_TYPE_LISTENER (cord_listener_get_type())
G_DECLARE_FINAL_TYPE(CordListener, cord_listener, CORD, LISTENER, GObject)

CordListener *cord_listener_new(SoupServer *server, const CordListenerLimits *limits);
GSocketAddress *cord_listener_listen(CordListener *self, const gchar *address, GError **error);
void cord_listener_stop(CordListener *self);
guint cord_listener_get_count(CordListener *self);

G_END_DECLS
