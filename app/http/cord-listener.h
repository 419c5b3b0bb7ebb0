/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

#include "cord-guard-stream.h"

G_BEGIN_DECLS

/**
 * CordListenerLimits:
 * @connections: at once
 * @connections_per_address: at once from one address that is not this machine's
 * @bodies: of all requests at once, bytes
 * @guard: of each connection
 */
typedef struct {
  guint connections;
  guint connections_per_address;
  gsize bodies;
  CordGuardLimits guard;
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
