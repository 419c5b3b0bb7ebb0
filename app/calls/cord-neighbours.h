/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-call-feed.h"
#include "cord-store-watch.h"

G_BEGIN_DECLS

/**
 * CordNeighbours:
 *
 * What happens in the calls of other servers on the same database, as far as they write it there:
 * their beginning and end, their states, what is said. For whoever watches all calls. Main thread.
 */
typedef struct _CordNeighbours CordNeighbours;

CordNeighbours *cord_neighbours_new(CordStore *store, CordStoreWatch *changes,
                                    const gchar *server_id);
void cord_neighbours_free(CordNeighbours *self);
guint cord_neighbours_watch(CordNeighbours *self, CordCallFeedFunc func, gpointer data);
void cord_neighbours_unwatch(CordNeighbours *self, guint watch);

G_END_DECLS
