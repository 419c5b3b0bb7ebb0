/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-keys.h"

#define SQL_ADD                                                                                    \
  "INSERT INTO api_keys (id, name, prefix, hash, scopes, created_at, expires_at) "                 \
  "VALUES ($1, $2, $3, $4, $5, $6, $7)"
#define SQL_LIST                                                                                   \
  "SELECT id, name, prefix, hash, scopes, created_at, expires_at FROM api_keys "                   \
  "ORDER BY created_at, id"
#define SQL_REMOVE "DELETE FROM api_keys WHERE id = $1 OR prefix = $1 RETURNING id"

void
cord_key_row_free(CordKeyRow *self)
{
  g_free(self->id);
  g_free(self->name);
  g_free(self->prefix);
  g_free(self->hash);
  g_free(self->scopes);
  g_free(self->created_at);
  g_free(self->expires_at);
  g_free(self);
}

static gboolean
add(CordDatabase *database, gpointer data, GError **error)
{
  const CordKeyRow *key = data;

  return cord_database_run(database, SQL_ADD,
                           CORD_PARAMS(key->id, key->name, key->prefix, key->hash, key->scopes,
                                       key->created_at, key->expires_at),
                           error);
}

/**
 * cord_keys_add:
 * @store: a store
 * @key: a new key
 * @error: return location for an error
 *
 * Returns: whether it was written
 */
gboolean
cord_keys_add(CordStore *store, const CordKeyRow *key, GError **error)
{
  return cord_store_run(store, add, (gpointer)key, error);
}

static gboolean
remove_key(CordDatabase *database, gpointer data, GError **error)
{
  g_autoptr(CordRows) rows = cord_database_query(database, SQL_REMOVE, CORD_PARAMS(data), error);

  if (rows && cord_rows_length(rows) == 0)
    g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_NOT_FOUND, "No such key: %s",
                (const gchar *)data);
  return rows && cord_rows_length(rows) > 0;
}

/**
 * cord_keys_remove:
 * @store: a store
 * @id_or_prefix: which key
 * @error: return location for an error
 *
 * Returns: whether it is gone
 */
gboolean
cord_keys_remove(CordStore *store, const gchar *id_or_prefix, GError **error)
{
  return cord_store_run(store, remove_key, (gpointer)id_or_prefix, error);
}

static gpointer
list(CordDatabase *database, gpointer data, GError **error)
{
  g_autoptr(CordRows) rows = cord_database_query(database, SQL_LIST, CORD_NO_PARAMS, error);
  GPtrArray *keys;

  if (!rows)
    return NULL;
  keys = g_ptr_array_new_with_free_func((GDestroyNotify)cord_key_row_free);
  for (guint i = 0; i < cord_rows_length(rows); i++) {
    CordKeyRow *key = g_new0(CordKeyRow, 1);

    key->id = g_strdup(cord_rows_get(rows, i, 0));
    key->name = g_strdup(cord_rows_get(rows, i, 1));
    key->prefix = g_strdup(cord_rows_get(rows, i, 2));
    key->hash = g_strdup(cord_rows_get(rows, i, 3));
    key->scopes = g_strdup(cord_rows_get(rows, i, 4));
    key->created_at = g_strdup(cord_rows_get(rows, i, 5));
    key->expires_at = g_strdup(cord_rows_get(rows, i, 6));
    g_ptr_array_add(keys, key);
  }
  return keys;
}

static gboolean
list_now(CordDatabase *database, gpointer data, GError **error)
{
  GPtrArray **keys = data;

  *keys = list(database, NULL, error);
  return *keys != NULL;
}

/**
 * cord_keys_list:
 * @store: a store
 * @error: return location for an error
 *
 * Returns: (transfer full) (element-type CordKeyRow): all keys, the oldest first
 */
GPtrArray *
cord_keys_list(CordStore *store, GError **error)
{
  GPtrArray *keys = NULL;

  cord_store_run(store, list_now, &keys, error);
  return keys;
}

void
cord_keys_list_async(CordStore *store, GAsyncReadyCallback callback, gpointer user_data)
{
  cord_store_do_async(store, list, FALSE, NULL, NULL, (GDestroyNotify)g_ptr_array_unref, NULL,
                      callback, user_data);
}

/**
 * cord_keys_list_finish:
 *
 * Returns: (transfer full) (element-type CordKeyRow): as cord_keys_list()
 */
GPtrArray *
cord_keys_list_finish(CordStore *store, GAsyncResult *result, GError **error)
{
  return cord_store_do_finish(store, result, error);
}
