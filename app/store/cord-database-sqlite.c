/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sqlite3.h>

#include "cord-database.h"

#define BUSY_TIMEOUT 2000  /* ms; a longer wait is the journal's business */
#define MAX_STATEMENTS 200 /* prepared; lists have many forms */

#define CORD_TYPE_DATABASE_SQLITE (cord_database_sqlite_get_type())
G_DECLARE_FINAL_TYPE(CordDatabaseSqlite, cord_database_sqlite, CORD, DATABASE_SQLITE, GObject)

/* A file of SQLite: write-ahead log, foreign keys on, statements prepared once. */
struct _CordDatabaseSqlite {
  GObject parent_instance;
  sqlite3 *handle;
  GHashTable *statements; /* SQL -> sqlite3_stmt */
};

static CordStoreError
map_code(int code)
{
  switch (code & 0xff) {
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return CORD_STORE_ERROR_BUSY;
  case SQLITE_FULL:
  case SQLITE_IOERR:
  case SQLITE_CANTOPEN:
  case SQLITE_READONLY:
  case SQLITE_NOMEM:
  case SQLITE_PROTOCOL:
    return CORD_STORE_ERROR_UNAVAILABLE;
  case SQLITE_CONSTRAINT:
  case SQLITE_TOOBIG:
  case SQLITE_MISMATCH:
    return CORD_STORE_ERROR_CONSTRAINT;
  default:
    return CORD_STORE_ERROR_FAILED;
  }
}

static void
set_error(CordDatabaseSqlite *self, int code, GError **error)
{
  g_set_error(error, CORD_STORE_ERROR, map_code(code), "SQLite: %s",
              self->handle ? sqlite3_errmsg(self->handle) : sqlite3_errstr(code));
}

static sqlite3_stmt *
prepare(CordDatabaseSqlite *self, const gchar *sql, GError **error)
{
  sqlite3_stmt *statement = g_hash_table_lookup(self->statements, sql);
  int code;

  if (statement)
    return statement;
  if (g_hash_table_size(self->statements) >= MAX_STATEMENTS)
    g_hash_table_remove_all(self->statements);
  code = sqlite3_prepare_v3(self->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
  if (code != SQLITE_OK) {
    set_error(self, code, error);
    return NULL;
  }
  g_hash_table_insert(self->statements, g_strdup(sql), statement);
  return statement;
}

static void
bind(sqlite3_stmt *statement, const gchar *const *params, guint n_params)
{
  int n_places = sqlite3_bind_parameter_count(statement);

  /* SQLite numbers its places as they come, $1 is but a name */
  for (int place = 1; place <= n_places; place++) {
    const gchar *name = sqlite3_bind_parameter_name(statement, place);
    guint64 number = name ? g_ascii_strtoull(name + 1, NULL, 10) : 0;

    if (number > 0 && number <= n_params && params[number - 1])
      sqlite3_bind_text(statement, place, params[number - 1], -1, SQLITE_TRANSIENT);
  }
}

static CordRows *
cord_database_sqlite_query(CordDatabase *database, const gchar *sql, const gchar *const *params,
                           guint n_params, GError **error)
{
  CordDatabaseSqlite *self = CORD_DATABASE_SQLITE(database);
  sqlite3_stmt *statement = prepare(self, sql, error);
  g_autoptr(CordRows) rows = NULL;
  int n_columns, code;

  if (!statement)
    return NULL;
  bind(statement, params, n_params);
  n_columns = sqlite3_column_count(statement);
  rows = cord_rows_new(n_columns);
  while ((code = sqlite3_step(statement)) == SQLITE_ROW)
    for (int i = 0; i < n_columns; i++)
      cord_rows_take(rows, g_strdup((const gchar *)sqlite3_column_text(statement, i)));
  if (code != SQLITE_DONE)
    set_error(self, code, error);
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  return code == SQLITE_DONE ? g_steal_pointer(&rows) : NULL;
}

static gboolean
cord_database_sqlite_script(CordDatabase *database, const gchar *sql, GError **error)
{
  CordDatabaseSqlite *self = CORD_DATABASE_SQLITE(database);
  int code = sqlite3_exec(self->handle, sql, NULL, NULL, NULL);

  if (code != SQLITE_OK)
    set_error(self, code, error);
  return code == SQLITE_OK;
}

/* IMMEDIATE, so that a writer waits for its turn here and not in the middle. */
static gboolean
cord_database_sqlite_begin(CordDatabase *database, GError **error)
{
  return cord_database_sqlite_script(database, "BEGIN IMMEDIATE", error);
}

static gboolean
cord_database_sqlite_finish(CordDatabase *database, gboolean commit, GError **error)
{
  return cord_database_sqlite_script(database, commit ? "COMMIT" : "ROLLBACK", error);
}

static const gchar *
cord_database_sqlite_get_dialect(CordDatabase *database)
{
  return "sqlite";
}

/* The first reading is what holds the state of things. */
static gboolean
cord_database_sqlite_begin_snapshot(CordDatabase *database, GError **error)
{
  return cord_database_sqlite_script(database, "BEGIN; SELECT COUNT(*) FROM sqlite_master", error);
}

static void
cord_database_sqlite_set_patience(CordDatabase *database, guint milliseconds)
{
  sqlite3_busy_timeout(CORD_DATABASE_SQLITE(database)->handle,
                       milliseconds ? (int)milliseconds : G_MAXINT);
}

static CordDatabase *
cord_database_sqlite_dup(CordDatabase *database, GError **error)
{
  const gchar *file = sqlite3_db_filename(CORD_DATABASE_SQLITE(database)->handle, "main");

  if (file && *file)
    return cord_database_sqlite_open(file, error);
  g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_INVALID,
              "A database in memory has one connection only");
  return NULL;
}

static gchar *
cord_database_sqlite_describe(CordDatabase *database)
{
  const gchar *file = sqlite3_db_filename(CORD_DATABASE_SQLITE(database)->handle, "main");

  return g_strconcat("sqlite:", file && *file ? file : ":memory:", NULL);
}

static void
cord_database_sqlite_interface_init(CordDatabaseInterface *interface)
{
  interface->query = cord_database_sqlite_query;
  interface->script = cord_database_sqlite_script;
  interface->begin = cord_database_sqlite_begin;
  interface->finish = cord_database_sqlite_finish;
  interface->get_dialect = cord_database_sqlite_get_dialect;
  interface->begin_snapshot = cord_database_sqlite_begin_snapshot;
  interface->set_patience = cord_database_sqlite_set_patience;
  interface->dup = cord_database_sqlite_dup;
  interface->describe = cord_database_sqlite_describe;
}

G_DEFINE_FINAL_TYPE_WITH_CODE(CordDatabaseSqlite, cord_database_sqlite, G_TYPE_OBJECT,
                              G_IMPLEMENT_INTERFACE(CORD_TYPE_DATABASE,
                                                    cord_database_sqlite_interface_init))

static void
finalize_statement(gpointer statement)
{
  sqlite3_finalize(statement);
}

static void
cord_database_sqlite_finalize(GObject *object)
{
  CordDatabaseSqlite *self = CORD_DATABASE_SQLITE(object);

  g_hash_table_unref(self->statements);
  sqlite3_close(self->handle);
  G_OBJECT_CLASS(cord_database_sqlite_parent_class)->finalize(object);
}

static void
cord_database_sqlite_class_init(CordDatabaseSqliteClass *klass)
{
  G_OBJECT_CLASS(klass)->finalize = cord_database_sqlite_finalize;
}

static void
cord_database_sqlite_init(CordDatabaseSqlite *self)
{
  self->statements = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, finalize_statement);
}

/**
 * cord_database_sqlite_open:
 * @path: a file, made when it is missing, or ":memory:"
 * @error: return location for an error
 *
 * Returns: (transfer full): the database
 */
CordDatabase *
cord_database_sqlite_open(const gchar *path, GError **error)
{
  g_autoptr(CordDatabaseSqlite) self = g_object_new(CORD_TYPE_DATABASE_SQLITE, NULL);
  int code = sqlite3_open_v2(
      path, &self->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);

  if (code != SQLITE_OK) {
    set_error(self, code, error);
    g_prefix_error(error, "Cannot open %s: ", path);
    return NULL;
  }
  sqlite3_extended_result_codes(self->handle, 1);
  sqlite3_busy_timeout(self->handle, BUSY_TIMEOUT);
  if (!cord_database_sqlite_script(CORD_DATABASE(self),
                                   "PRAGMA journal_mode = WAL;"
                                   "PRAGMA synchronous = FULL;"
                                   "PRAGMA foreign_keys = ON;",
                                   error)) {
    g_prefix_error(error, "Cannot open %s: ", path);
    return NULL;
  }
  return CORD_DATABASE(g_steal_pointer(&self));
}
