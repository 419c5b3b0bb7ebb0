/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <cordboard.h>

#include "cord-websocket.h"

G_BEGIN_DECLS

/**
 * TwilioListenerFuncs:
 * @busy: whether a stream would be refused now
 * @connected: a carrier has connected; takes a reference if it wants the WebSocket
 *
 * What twiliosrc wants to know from its own little server. Both run on the worker.
 */
typedef struct {
  gboolean (*busy)(gpointer data);
  void (*connected)(CordWebsocket *websocket, gpointer data);
} TwilioListenerFuncs;

typedef struct _TwilioListener TwilioListener;

TwilioListener *twilio_listener_new(CordWorker *worker, const gchar *address, guint port,
                                    const gchar *path, const TwilioListenerFuncs *funcs,
                                    gpointer data, GError **error);
void twilio_listener_free(TwilioListener *self);
guint twilio_listener_get_port(TwilioListener *self);
gchar *twilio_listener_make_twiml(const gchar *host, const gchar *forwarded_proto,
                                  const gchar *path);

G_END_DECLS
