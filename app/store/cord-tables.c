/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-tables.h"

#include <string.h>

/* The migrations are the only place in which tables are listed: all else asks the database. */

#define SQLITE_TABLES                                                                              \
  "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "              \
  "AND name <> 'schema_migration' ORDER BY name"
#define SQLITE_COLUMNS "SELECT name, UPPER(type), pk FROM pragma_table_info($1) ORDER BY cid"
#define SQLITE_REFERENCES "SELECT \"table\" FROM pragma_foreign_key_list($1)"

#define POSTGRES_TABLES                                                                            \
  "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema() "                \
  "AND tablename <> 'schema_migration' ORDER BY tablename"
#define POSTGRES_COLUMNS                                                                           \
  "SELECT a.attname, UPPER(format_type(a.atttypid, NULL)), "                                       \
  "COALESCE(array_position(i.indkey::int2[], a.attnum) + 1, 0) "                                   \
  "FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_index i "                                \
  "ON i.indrelid = a.attrelid AND i.indisprimary "                                                 \
  "WHERE a.attrelid = to_regclass(quote_ident($1)) AND a.attnum > 0 AND NOT a.attisdropped "       \
  "ORDER BY a.attnum"
#define POSTGRES_REFERENCES                                                                        \
  "SELECT p.relname FROM pg_catalog.pg_constraint c "                                              \
  "JOIN pg_catalog.pg_class p ON p.oid = c.confrelid "                                             \
  "WHERE c.contype = 'f' AND c.conrelid = to_regclass(quote_ident($1))"

/**
 * cord_table_free:
 * @self: (transfer full): a table
 */
void
cord_table_free(CordTable *self)
{
  g_free(self->name);
  g_strfreev(self->columns);
  g_strfreev(self->keys);
  g_clear_pointer(&self->is_boolean, g_byte_array_unref);
  g_free(self);
}

static CordTable *
load_table(CordDatabase *database, const gchar *name, GError **error)
{
  gboolean postgres = cord_database_is_postgres(database);
  g_autoptr(CordRows) rows = cord_database_query(
      database, postgres ? POSTGRES_COLUMNS : SQLITE_COLUMNS, CORD_PARAMS(name), error);
  g_autoptr(GStrvBuilder) columns = g_strv_builder_new();
  g_autoptr(GStrvBuilder) keys = g_strv_builder_new();
  CordTable *self;

  if (!rows)
    return NULL;
  self = g_new0(CordTable, 1);
  self->name = g_strdup(name);
  self->is_boolean = g_byte_array_new();
  for (guint i = 0; i < cord_rows_length(rows); i++) {
    guint8 is_boolean = g_strcmp0(cord_rows_get(rows, i, 1), "BOOLEAN") == 0;

    g_strv_builder_add(columns, cord_rows_get(rows, i, 0));
    g_byte_array_append(self->is_boolean, &is_boolean, 1);
  }
  for (guint place = 1; place <= cord_rows_length(rows); place++)
    for (guint i = 0; i < cord_rows_length(rows); i++)
      if (cord_rows_get_int(rows, i, 2, 0) == place)
        g_strv_builder_add(keys, cord_rows_get(rows, i, 0));
  self->columns = g_strv_builder_end(columns);
  self->keys = g_strv_builder_end(keys);
  return self;
}

static gboolean
is_listed(GPtrArray *tables, const gchar *name)
{
  for (guint i = 0; i < tables->len; i++)
    if (g_str_equal(((CordTable *)tables->pdata[i])->name, name))
      return TRUE;
  return FALSE;
}

/* Whether all that the table's rows refer to is in the tables before it. */
static gboolean
may_follow(CordDatabase *database, GPtrArray *tables, const gchar *name, gboolean *may,
           GError **error)
{
  gboolean postgres = cord_database_is_postgres(database);
  g_autoptr(CordRows) rows = cord_database_query(
      database, postgres ? POSTGRES_REFERENCES : SQLITE_REFERENCES, CORD_PARAMS(name), error);

  *may = TRUE;
  for (guint i = 0; rows && i < cord_rows_length(rows); i++) {
    const gchar *parent = cord_rows_get(rows, i, 0);

    *may = *may && (g_str_equal(parent, name) || is_listed(tables, parent));
  }
  return rows != NULL;
}

/* One round; the names that must wait stay in @names. */
static gboolean
add_round(CordDatabase *database, GPtrArray *tables, GPtrArray *names, GError **error)
{
  for (guint i = 0; i < names->len;) {
    const gchar *name = names->pdata[i];
    CordTable *table;
    gboolean may;

    if (!may_follow(database, tables, name, &may, error))
      return FALSE;
    if (!may) {
      i++;
      continue;
    }
    table = load_table(database, name, error);
    if (!table)
      return FALSE;
    g_ptr_array_add(tables, table);
    g_ptr_array_remove_index(names, i);
  }
  return TRUE;
}

/**
 * cord_database_list_tables:
 * @self: a database
 * @error: return location for an error
 *
 * Returns: (transfer full) (element-type CordTable): its tables except that of the migrations;
 *   what rows refer to comes before them
 */
GPtrArray *
cord_database_list_tables(CordDatabase *self, GError **error)
{
  g_autoptr(CordRows) rows =
      cord_database_query(self, cord_database_is_postgres(self) ? POSTGRES_TABLES : SQLITE_TABLES,
                          CORD_NO_PARAMS, error);
  g_autoptr(GPtrArray) tables = g_ptr_array_new_with_free_func((GDestroyNotify)cord_table_free);
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

  if (!rows)
    return NULL;
  for (guint i = 0; i < cord_rows_length(rows); i++)
    g_ptr_array_add(names, g_strdup(cord_rows_get(rows, i, 0)));
  while (names->len > 0) {
    guint before = names->len;

    if (!add_round(self, tables, names, error))
      return NULL;
    if (names->len == before) {
      g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_FAILED,
                  "The tables refer to each other in a circle, by \"%s\"",
                  (const gchar *)names->pdata[0]);
      return NULL;
    }
  }
  return g_steal_pointer(&tables);
}

/**
 * cord_database_count_rows:
 * @self: a database
 * @table: one of its tables
 * @error: return location for an error
 *
 * Returns: how many rows it has, -1 with an error
 */
gint64
cord_database_count_rows(CordDatabase *self, const CordTable *table, GError **error)
{
  g_autofree gchar *sql = g_strdup_printf("SELECT COUNT(*) FROM %s", table->name);
  g_autoptr(CordRows) rows = cord_database_query(self, sql, CORD_NO_PARAMS, error);

  return rows ? cord_rows_get_int(rows, 0, 0, 0) : -1;
}
