/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * CordStoreError:
 * @CORD_STORE_ERROR_FAILED: anything that has no code of its own
 * @CORD_STORE_ERROR_BUSY: another connection holds the database; trying again helps
 * @CORD_STORE_ERROR_UNAVAILABLE: disk full, no connection, I/O error; trying again later may help
 * @CORD_STORE_ERROR_CONSTRAINT: the row breaks a rule of the schema; trying again does not help
 * @CORD_STORE_ERROR_NOT_FOUND: no such row
 * @CORD_STORE_ERROR_SCHEMA: the database belongs to another version of the program
 * @CORD_STORE_ERROR_CHANGED: the row is not any more what the caller believes
 * @CORD_STORE_ERROR_INVALID: an argument or document is not valid
 *
 * The codes of %CORD_STORE_ERROR.
 */
typedef enum {
  CORD_STORE_ERROR_FAILED,
  CORD_STORE_ERROR_BUSY,
  CORD_STORE_ERROR_UNAVAILABLE,
  CORD_STORE_ERROR_CONSTRAINT,
  CORD_STORE_ERROR_NOT_FOUND,
  CORD_STORE_ERROR_SCHEMA,
  CORD_STORE_ERROR_INVALID,
  CORD_STORE_ERROR_CHANGED,
} CordStoreError;

#define CORD_STORE_ERROR (cord_store_error_quark())
GQuark cord_store_error_quark(void);
gboolean cord_store_error_is_transient(const GError *error);

/**
 * CordRows:
 *
 * The rows a statement returned. Every value is text as the engine prints it, or %NULL.
 */
typedef struct _CordRows CordRows;

CordRows *cord_rows_new(guint n_columns);
void cord_rows_free(CordRows *self);
void cord_rows_take(CordRows *self, gchar *value);
guint cord_rows_length(const CordRows *self);
const gchar *cord_rows_get(const CordRows *self, guint row, guint column);
gint64 cord_rows_get_int(const CordRows *self, guint row, guint column, gint64 fallback);
gboolean cord_rows_get_boolean(const CordRows *self, guint row, guint column);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordRows, cord_rows_free)

/**
 * CordDatabase:
 *
 * An engine that runs SQL: the seam under the store. All calls block and are made on the store's
 * own thread. Parameters are $1 to $n, given as text or %NULL.
 */
#define CORD_TYPE_DATABASE (cord_database_get_type())
G_DECLARE_INTERFACE(CordDatabase, cord_database, CORD, DATABASE, GObject)

struct _CordDatabaseInterface {
  GTypeInterface parent;
  CordRows *(*query)(CordDatabase *self, const gchar *sql, const gchar *const *params,
                     guint n_params, GError **error);
  gboolean (*script)(CordDatabase *self, const gchar *sql, GError **error);
  gboolean (*begin)(CordDatabase *self, GError **error);
  gboolean (*finish)(CordDatabase *self, gboolean commit, GError **error);
  const gchar *(*get_dialect)(CordDatabase *self);
  /* may be absent */
  gboolean (*begin_snapshot)(CordDatabase *self, GError **error);
  void (*set_patience)(CordDatabase *self, guint milliseconds);
  CordDatabase *(*dup)(CordDatabase *self, GError **error);
  gchar *(*describe)(CordDatabase *self);
  gboolean (*listen)(CordDatabase *self, const gchar *channel, GError **error);
  gboolean (*wait)(CordDatabase *self, int wake_fd, GPtrArray *payloads, GError **error);
};

/* The parameters of a statement: cord_database_query (db, SQL, CORD_PARAMS (a, b), &error) */
#define CORD_PARAMS(...)                                                                           \
  ((const gchar *const[]){ __VA_ARGS__ }),                                                         \
      (sizeof((const gchar *const[]){ __VA_ARGS__ }) / sizeof(gchar *))
#define CORD_NO_PARAMS NULL, 0

CordDatabase *cord_database_open(const gchar *uri, GError **error);
gchar *cord_database_get_file(const gchar *uri);
CordRows *cord_database_query(CordDatabase *self, const gchar *sql, const gchar *const *params,
                              guint n_params, GError **error);
gboolean cord_database_run(CordDatabase *self, const gchar *sql, const gchar *const *params,
                           guint n_params, GError **error);
gboolean cord_database_script(CordDatabase *self, const gchar *sql, GError **error);
gboolean cord_database_begin(CordDatabase *self, GError **error);
gboolean cord_database_begin_snapshot(CordDatabase *self, GError **error);
gboolean cord_database_commit(CordDatabase *self, GError **error);
void cord_database_rollback(CordDatabase *self);
const gchar *cord_database_get_dialect(CordDatabase *self);
gboolean cord_database_is_postgres(CordDatabase *self);
gchar *cord_database_describe(CordDatabase *self);
void cord_database_set_patience(CordDatabase *self, guint milliseconds);
CordDatabase *cord_database_dup(CordDatabase *self, GError **error);
gboolean cord_database_listen(CordDatabase *self, const gchar *channel, GError **error);
gboolean cord_database_wait(CordDatabase *self, int wake_fd, GPtrArray *payloads, GError **error);
gboolean cord_database_take_turn(CordDatabase *self, const gchar *what, GError **error);

/* One file an engine */
CordDatabase *cord_database_postgres_open(const gchar *uri, GError **error);
CordDatabase *cord_database_sqlite_open(const gchar *path, GError **error);

/* Brings the schema up to date; cord-migrator.c */
gboolean cord_database_migrate(CordDatabase *self, GError **error);
gboolean cord_database_list_migrations(CordDatabase *self, GStrv *applied, GStrv *pending,
                                       GError **error);

G_END_DECLS
