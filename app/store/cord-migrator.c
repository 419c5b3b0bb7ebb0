/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-database.h"
#include "cord-records.h"
#include "cord-schemas.h"

#define SCHEMAS_PATH "/org/cordboard/schemas"

#define SQL_TABLE                                                                                  \
  "CREATE TABLE IF NOT EXISTS schema_migration ("                                                  \
  "version TEXT PRIMARY KEY, sha256 TEXT NOT NULL, applied_at TEXT NOT NULL)"
#define SQL_LIST "SELECT version, sha256 FROM schema_migration ORDER BY version"
#define SQL_RECORD "INSERT INTO schema_migration (version, sha256, applied_at) VALUES ($1, $2, $3)"

static gint
compare_names(gconstpointer a, gconstpointer b)
{
  return g_strcmp0(*(const gchar *const *)a, *(const gchar *const *)b);
}

/* The files of a dialect in their order; the file's name is the version. */
static GStrv
list_migrations(GResource *resource, const gchar *folder, GError **error)
{
  GStrv names = g_resource_enumerate_children(resource, folder, 0, error);

  if (names)
    qsort(names, g_strv_length(names), sizeof(gchar *), compare_names);
  return names;
}

static GBytes *
load_migration(GResource *resource, const gchar *folder, const gchar *name, gchar **sha256,
               GError **error)
{
  g_autofree gchar *path = g_build_path("/", folder, name, NULL);
  GBytes *sql = g_resource_lookup_data(resource, path, 0, error);

  if (sql)
    *sha256 = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, sql);
  return sql;
}

/* What the database went through must be the beginning of what this program knows. */
static gboolean
check_applied(CordRows *applied, GResource *resource, const gchar *folder, GStrv names,
              GError **error)
{
  for (guint i = 0; i < cord_rows_length(applied); i++) {
    const gchar *version = cord_rows_get(applied, i, 0);
    g_autofree gchar *sha256 = NULL;
    g_autoptr(GBytes) sql = NULL;

    if (!g_strv_contains((const gchar *const *)names, version)) {
      g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_SCHEMA,
                  "The database was changed by a newer version of Cordboard (\"%s\" is unknown "
                  "here); start that version, or use another database",
                  version);
      return FALSE;
    }
    sql = load_migration(resource, folder, version, &sha256, error);
    if (!sql)
      return FALSE;
    if (g_strcmp0(sha256, cord_rows_get(applied, i, 1)) != 0) {
      g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_SCHEMA,
                  "The migration \"%s\" differs from the one that the database went through",
                  version);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
apply(CordDatabase *self, GResource *resource, const gchar *folder, const gchar *name,
      GError **error)
{
  g_autofree gchar *sha256 = NULL;
  g_autofree gchar *now = cord_store_now();
  g_autoptr(GBytes) sql = load_migration(resource, folder, name, &sha256, error);
  g_autofree gchar *text = NULL;

  if (!sql)
    return FALSE;
  text = g_strndup(g_bytes_get_data(sql, NULL), g_bytes_get_size(sql));
  if (!cord_database_script(self, text, error) ||
      !cord_database_run(self, SQL_RECORD, CORD_PARAMS(name, sha256, now), error)) {
    g_prefix_error(error, "Migration \"%s\": ", name);
    return FALSE;
  }
  return TRUE;
}

/* Applies the first migration that is missing, inside the caller's transaction. */
static gboolean
step(CordDatabase *self, GResource *resource, const gchar *folder, GStrv names, gboolean *done,
     GError **error)
{
  g_autoptr(CordRows) applied = NULL;
  guint n_applied;

  if (!cord_database_take_turn(self, "migration", error) ||
      !cord_database_script(self, SQL_TABLE, error))
    return FALSE;
  applied = cord_database_query(self, SQL_LIST, CORD_NO_PARAMS, error);
  if (!applied || !check_applied(applied, resource, folder, names, error))
    return FALSE;
  n_applied = cord_rows_length(applied);
  *done = names[n_applied] == NULL;
  return *done || apply(self, resource, folder, names[n_applied], error);
}

/**
 * cord_database_migrate:
 * @self: a database
 * @error: return location for an error
 *
 * Applies the migrations that the database has not been through, in order, each in a transaction of
 * its own. Servers that start at the same time on one database take turns.
 *
 * Returns: %FALSE when one failed, an old one was edited, or the database is newer than the program
 */
gboolean
cord_database_migrate(CordDatabase *self, GError **error)
{
  GResource *resource = cord_schemas_get_resource();
  g_autofree gchar *folder = g_build_path("/", SCHEMAS_PATH, cord_database_get_dialect(self), NULL);
  g_auto(GStrv) names = list_migrations(resource, folder, error);
  gboolean done = names == NULL;

  while (!done) {
    if (!cord_database_begin(self, error))
      return FALSE;
    if (!step(self, resource, folder, names, &done, error) || !cord_database_commit(self, error)) {
      cord_database_rollback(self);
      return FALSE;
    }
  }
  return names != NULL;
}

/* Whether the table of the migrations is there; asking for its rows would fail a transaction. */
static CordRows *
list_applied(CordDatabase *self, GError **error)
{
  g_autoptr(CordRows) rows =
      cord_database_query(self,
                          cord_database_is_postgres(self)
                              ? "SELECT 1 WHERE to_regclass('schema_migration') IS NOT NULL"
                              : "SELECT 1 FROM sqlite_master WHERE name = 'schema_migration'",
                          CORD_NO_PARAMS, error);

  if (rows && cord_rows_length(rows) > 0)
    return cord_database_query(self, SQL_LIST, CORD_NO_PARAMS, error);
  return g_steal_pointer(&rows);
}

/**
 * cord_database_list_migrations:
 * @self: a database
 * @applied: (out) (transfer full): those it has been through
 * @pending: (out) (transfer full): those it has not
 * @error: return location for an error
 *
 * Changes nothing.
 *
 * Returns: %FALSE as for cord_database_migrate(), also when the database is newer than the program
 */
gboolean
cord_database_list_migrations(CordDatabase *self, GStrv *applied, GStrv *pending, GError **error)
{
  GResource *resource = cord_schemas_get_resource();
  g_autofree gchar *folder = g_build_path("/", SCHEMAS_PATH, cord_database_get_dialect(self), NULL);
  g_auto(GStrv) names = list_migrations(resource, folder, error);
  g_autoptr(CordRows) rows = names ? list_applied(self, error) : NULL;
  g_autoptr(GStrvBuilder) done = g_strv_builder_new();
  guint n;

  if (!rows || !check_applied(rows, resource, folder, names, error))
    return FALSE;
  n = cord_rows_length(rows);
  for (guint i = 0; i < n; i++)
    g_strv_builder_add(done, cord_rows_get(rows, i, 0));
  *applied = g_strv_builder_end(done);
  *pending = g_strdupv(names + n);
  return TRUE;
}
