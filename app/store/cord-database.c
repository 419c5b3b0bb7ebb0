/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-database.h"

struct _CordRows {
  guint n_columns;
  GPtrArray *values;
};

/* by hand: clang-format takes the name of G_DEFINE_QUARK for a difference */
GQuark
cord_store_error_quark(void)
{
  return g_quark_from_static_string("cord-store-error-quark");
}
G_DEFINE_INTERFACE(CordDatabase, cord_database, G_TYPE_OBJECT)

static void
cord_database_default_init(CordDatabaseInterface *interface)
{
}

/**
 * cord_store_error_is_transient:
 * @error: an error of the store
 *
 * Returns: whether the same work may succeed later
 */
gboolean
cord_store_error_is_transient(const GError *error)
{
  return g_error_matches(error, CORD_STORE_ERROR, CORD_STORE_ERROR_BUSY) ||
         g_error_matches(error, CORD_STORE_ERROR, CORD_STORE_ERROR_UNAVAILABLE);
}

/**
 * cord_rows_new:
 * @n_columns: how many values a row has
 *
 * Returns: (transfer full): no rows yet
 */
CordRows *
cord_rows_new(guint n_columns)
{
  CordRows *self = g_new0(CordRows, 1);

  self->n_columns = n_columns;
  self->values = g_ptr_array_new_with_free_func(g_free);
  return self;
}

void
cord_rows_free(CordRows *self)
{
  g_ptr_array_unref(self->values);
  g_free(self);
}

/**
 * cord_rows_take:
 * @self: the rows
 * @value: (transfer full) (nullable): the next value, row by row
 *
 * Adds a value; for engines.
 */
void
cord_rows_take(CordRows *self, gchar *value)
{
  g_ptr_array_add(self->values, value);
}

guint
cord_rows_length(const CordRows *self)
{
  return self->n_columns > 0 ? self->values->len / self->n_columns : 0;
}

const gchar *
cord_rows_get(const CordRows *self, guint row, guint column)
{
  g_return_val_if_fail(row < cord_rows_length(self) && column < self->n_columns, NULL);

  return self->values->pdata[row * self->n_columns + column];
}

gint64
cord_rows_get_int(const CordRows *self, guint row, guint column, gint64 fallback)
{
  const gchar *value = cord_rows_get(self, row, column);

  return value ? g_ascii_strtoll(value, NULL, 10) : fallback;
}

/**
 * cord_rows_get_boolean:
 * @self: the rows
 * @row: which row
 * @column: which column
 *
 * Returns: the value of a column of type BOOLEAN, which SQLite prints as 1 and PostgreSQL as t
 */
gboolean
cord_rows_get_boolean(const CordRows *self, guint row, guint column)
{
  const gchar *value = cord_rows_get(self, row, column);

  return value && (*value == '1' || *value == 't');
}

/* What other systems name besides the engine, as in postgresql+asyncpg://, is none of our business.
 */
static gchar *
drop_driver(const gchar *uri)
{
  static const gchar *const engines[] = { "postgresql", "postgres", "sqlite" };

  for (guint i = 0; i < G_N_ELEMENTS(engines); i++) {
    gsize length = strlen(engines[i]);
    const gchar *rest = uri + length;

    if (!g_str_has_prefix(uri, engines[i]) || *rest != '+')
      continue;
    rest += strcspn(rest, ":");
    return g_strconcat(engines[i], rest, NULL);
  }
  return g_strdup(uri);
}

/**
 * cord_database_get_file:
 * @uri: what cord_database_open() takes
 *
 * Three slashes after sqlite: are a path that is relative, and four one that is not, as other
 * systems write it.
 *
 * Returns: (transfer full) (nullable): the file of an SQLite database, or ":memory:"; %NULL: it is
 *   none
 */
gchar *
cord_database_get_file(const gchar *uri)
{
  g_autofree gchar *plain = drop_driver(uri);
  g_autofree gchar *scheme = g_uri_parse_scheme(plain);
  const gchar *path = plain + strlen("sqlite:");

  if (!g_str_has_prefix(plain, "sqlite:"))
    return scheme ? NULL : g_strdup(uri);
  if (g_str_has_prefix(path, "///"))
    path += strlen("///");
  else if (g_str_equal(path, "//"))
    path = ":memory:";
  return g_strdup(path);
}

/**
 * cord_database_open:
 * @uri: "sqlite:PATH", "sqlite::memory:", a bare path, or "postgresql://…" as libpq takes it
 * @error: return location for an error
 *
 * Returns: (transfer full): the engine that the URI names, connected
 */
CordDatabase *
cord_database_open(const gchar *uri, GError **error)
{
  g_autofree gchar *file = cord_database_get_file(uri);
  g_autofree gchar *plain = drop_driver(uri);
  g_autofree gchar *scheme = NULL;

  if (file)
    return cord_database_sqlite_open(file, error);
  if (g_str_has_prefix(plain, "postgres://") || g_str_has_prefix(plain, "postgresql://"))
    return cord_database_postgres_open(plain, error);
  scheme = g_uri_parse_scheme(uri);
  g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_INVALID,
              "No database engine for \"%s:\"; use sqlite:PATH or postgresql://…", scheme);
  return NULL;
}

/**
 * cord_database_query:
 * @self: a database
 * @sql: one statement
 * @params: (array length=n_params) (nullable): its parameters
 * @n_params: how many
 * @error: return location for an error
 *
 * Returns: (transfer full): the rows it gave, none for a statement that gives none
 */
CordRows *
cord_database_query(CordDatabase *self, const gchar *sql, const gchar *const *params,
                    guint n_params, GError **error)
{
  return CORD_DATABASE_GET_IFACE(self)->query(self, sql, params, n_params, error);
}

/**
 * cord_database_run:
 * @self: a database
 * @sql: one statement
 * @params: (array length=n_params) (nullable): its parameters
 * @n_params: how many
 * @error: return location for an error
 *
 * As cord_database_query(), for a statement whose rows are of no interest.
 *
 * Returns: whether it succeeded
 */
gboolean
cord_database_run(CordDatabase *self, const gchar *sql, const gchar *const *params, guint n_params,
                  GError **error)
{
  g_autoptr(CordRows) rows = cord_database_query(self, sql, params, n_params, error);

  return rows != NULL;
}

/**
 * cord_database_script:
 * @self: a database
 * @sql: statements
 * @error: return location for an error
 *
 * Returns: whether all succeeded
 */
gboolean
cord_database_script(CordDatabase *self, const gchar *sql, GError **error)
{
  return CORD_DATABASE_GET_IFACE(self)->script(self, sql, error);
}

gboolean
cord_database_begin(CordDatabase *self, GError **error)
{
  return CORD_DATABASE_GET_IFACE(self)->begin(self, error);
}

/**
 * cord_database_begin_snapshot:
 * @self: a database
 * @error: return location for an error
 *
 * Begins a transaction that only reads, and sees the database as it is now until it ends. Nobody
 * waits for it.
 *
 * Returns: whether it has begun
 */
gboolean
cord_database_begin_snapshot(CordDatabase *self, GError **error)
{
  CordDatabaseInterface *interface = CORD_DATABASE_GET_IFACE(self);

  return interface->begin_snapshot ? interface->begin_snapshot(self, error)
                                   : interface->begin(self, error);
}

gboolean
cord_database_commit(CordDatabase *self, GError **error)
{
  return CORD_DATABASE_GET_IFACE(self)->finish(self, TRUE, error);
}

void
cord_database_rollback(CordDatabase *self)
{
  CORD_DATABASE_GET_IFACE(self)->finish(self, FALSE, NULL);
}

/**
 * cord_database_get_dialect:
 * @self: a database
 *
 * Returns: "sqlite" or "postgres": the folder of schemas/ whose migrations it takes
 */
const gchar *
cord_database_get_dialect(CordDatabase *self)
{
  return CORD_DATABASE_GET_IFACE(self)->get_dialect(self);
}

gboolean
cord_database_is_postgres(CordDatabase *self)
{
  return g_str_equal(cord_database_get_dialect(self), "postgres");
}

/**
 * cord_database_describe:
 * @self: a database
 *
 * Returns: (transfer full): which it is, without any password
 */
gchar *
cord_database_describe(CordDatabase *self)
{
  CordDatabaseInterface *interface = CORD_DATABASE_GET_IFACE(self);

  return interface->describe ? interface->describe(self)
                             : g_strdup(cord_database_get_dialect(self));
}

/**
 * cord_database_set_patience:
 * @self: a database
 * @milliseconds: how long to wait for an answer, 0 for ever
 *
 * For work that takes long: a server that is silent is otherwise taken for dead.
 */
void
cord_database_set_patience(CordDatabase *self, guint milliseconds)
{
  CordDatabaseInterface *interface = CORD_DATABASE_GET_IFACE(self);

  if (interface->set_patience)
    interface->set_patience(self, milliseconds);
}

/**
 * cord_database_dup:
 * @self: a database
 * @error: return location for an error
 *
 * Returns: (transfer full): another connection to it, made when it is first used
 */
CordDatabase *
cord_database_dup(CordDatabase *self, GError **error)
{
  CordDatabaseInterface *interface = CORD_DATABASE_GET_IFACE(self);

  if (interface->dup)
    return interface->dup(self, error);
  g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_INVALID,
              "This database has one connection only");
  return NULL;
}

/**
 * cord_database_listen:
 * @self: a database
 * @channel: on which others tell what they have done
 * @error: return location for an error
 *
 * Returns: whether cord_database_wait() will hear them
 */
gboolean
cord_database_listen(CordDatabase *self, const gchar *channel, GError **error)
{
  CordDatabaseInterface *interface = CORD_DATABASE_GET_IFACE(self);

  if (interface->listen)
    return interface->listen(self, channel, error);
  g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_INVALID,
              "This database tells nobody of its changes");
  return FALSE;
}

/**
 * cord_database_wait:
 * @self: a database that listens
 * @wake_fd: a descriptor that ends the waiting when it can be read
 * @payloads: (element-type utf8): where what was told is appended
 * @error: return location for an error
 *
 * Waits for somebody to tell something.
 *
 * Returns: %FALSE when the connection is lost
 */
gboolean
cord_database_wait(CordDatabase *self, int wake_fd, GPtrArray *payloads, GError **error)
{
  return CORD_DATABASE_GET_IFACE(self)->wait(self, wake_fd, payloads, error);
}

/**
 * cord_database_take_turn:
 * @self: a database, in a transaction
 * @what: what must not be done twice at once
 * @error: return location for an error
 *
 * Waits until no other transaction is at the same work. SQLite's has the database for itself;
 * PostgreSQL's has to ask.
 *
 * Returns: whether it is our turn, until the transaction ends
 */
gboolean
cord_database_take_turn(CordDatabase *self, const gchar *what, GError **error)
{
  return !cord_database_is_postgres(self) ||
         cord_database_run(self, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
                           CORD_PARAMS(what), error);
}
