/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "media-session.h"

G_BEGIN_DECLS

/**
 * MediaListenerFuncs:
 * @busy: whether a stream would be refused now
 * @connected: a peer has connected; takes a reference if it wants the WebSocket
 *
 * What a source wants to know from its own little server. Both run on the worker.
 */
typedef struct {
  gboolean (*busy)(gpointer data);
  void (*connected)(CordWebsocket *websocket, gpointer data);
} MediaListenerFuncs;

typedef struct _MediaListener MediaListener;

MediaListener *media_listener_new(const MediaProtocol *protocol, CordWorker *worker,
                                  const gchar *address, guint port, const gchar *path,
                                  const MediaListenerFuncs *funcs, gpointer data, GError **error);
void media_listener_free(MediaListener *self);
guint media_listener_get_port(MediaListener *self);

G_END_DECLS
