/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "cord-worker.h"

G_BEGIN_DECLS

/*
 * Inside of the HTTP client: which sockets a worker's kept connections have. libsoup tells it only
 * when one is made, and an answer is best read with a watch on its socket: libsoup's own waiting
 * nests one source a layer, and each makes the thread wake itself, some twenty system calls for a
 * token; and all that wait are asked again in every turn of the context.
 */
G_GNUC_INTERNAL void cord_http_socket_note(CordWorker *worker, guint64 connection, GSocket *socket);
G_GNUC_INTERNAL GSocket *cord_http_socket_find(CordWorker *worker, guint64 connection);
G_GNUC_INTERNAL gboolean cord_http_socket_check(GIOStream *connection,
                                                gboolean (*may_reach)(GInetAddress *, gpointer),
                                                gpointer data);

G_END_DECLS
