/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-store.h"

G_BEGIN_DECLS

/**
 * CordStoreWatch:
 *
 * Hears what others write into a database that several servers have: PostgreSQL's LISTEN, on a
 * connection and a thread of its own, which comes back by itself when it is lost.
 */
#define CORD_TYPE_STORE_WATCH (cord_store_watch_get_type())
G_DECLARE_FINAL_TYPE(CordStoreWatch, cord_store_watch, CORD, STORE_WATCH, GObject)

CordStoreWatch *cord_store_watch_new(CordStore *store, GError **error);

G_END_DECLS
