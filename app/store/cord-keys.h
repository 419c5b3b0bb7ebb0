/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-store.h"

G_BEGIN_DECLS

/* API keys as the store has them. All block: for the command line and for the start of a server,
 * and on the store's thread. */

/**
 * CordKeyRow:
 * @id: UUID
 * @name: what its owner calls it
 * @prefix: how its text begins, for people to tell keys apart
 * @hash: what the text hashes to
 * @scopes: what it allows, separated by commas
 * @created_at: when it was made
 * @expires_at: (nullable): when it ends
 *
 * An API key.
 */
typedef struct {
  gchar *id;
  gchar *name;
  gchar *prefix;
  gchar *hash;
  gchar *scopes;
  gchar *created_at;
  gchar *expires_at;
} CordKeyRow;

void cord_key_row_free(CordKeyRow *self);
gboolean cord_keys_add(CordStore *store, const CordKeyRow *key, GError **error);
gboolean cord_keys_remove(CordStore *store, const gchar *id_or_prefix, GError **error);
GPtrArray *cord_keys_list(CordStore *store, GError **error);
void cord_keys_list_async(CordStore *store, GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *cord_keys_list_finish(CordStore *store, GAsyncResult *result, GError **error);

G_END_DECLS
