/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <string.h>

#include "cord-database.h"
#include "cord-outage.h"

#define CONNECT_TIMEOUT "5" /* s */
#define ANSWER_TIMEOUT 5000 /* ms; a server that says nothing for so long is as good as down */
#define MAX_STATEMENTS 200  /* prepared on one connection; lists have many forms */

#define CORD_TYPE_DATABASE_POSTGRES (cord_database_postgres_get_type())
G_DECLARE_FINAL_TYPE(CordDatabasePostgres, cord_database_postgres, CORD, DATABASE_POSTGRES, GObject)

/* A connection to PostgreSQL: made anew when it was lost, statements prepared once. */
struct _CordDatabasePostgres {
  GObject parent_instance;
  gchar *uri;
  PGconn *connection;
  GHashTable *statements; /* SQL -> its name on this connection */
  CordOutage *outage;     /* shared by all connections of a pool */
  guint patience;         /* ms; 0: for ever */
  gboolean in_transaction;
};

/* What follows the class decides; see appendix A of PostgreSQL's manual. */
static CordStoreError
map_state(const gchar *state)
{
  static const struct {
    const gchar *prefix;
    CordStoreError code;
  } table[] = {
    { "08", CORD_STORE_ERROR_UNAVAILABLE },    /* connection */
    { "53", CORD_STORE_ERROR_UNAVAILABLE },    /* disk full, out of memory, too many clients */
    { "57", CORD_STORE_ERROR_UNAVAILABLE },    /* shutting down, starting up, cancelled */
    { "58", CORD_STORE_ERROR_UNAVAILABLE },    /* I/O */
    { "XX", CORD_STORE_ERROR_UNAVAILABLE },    /* damaged */
    { "25006", CORD_STORE_ERROR_UNAVAILABLE }, /* read-only: a standby */
    { "40", CORD_STORE_ERROR_BUSY },           /* serialization, deadlock */
    { "55P03", CORD_STORE_ERROR_BUSY },        /* lock not available */
    { "23", CORD_STORE_ERROR_CONSTRAINT },     /* integrity */
    { "22", CORD_STORE_ERROR_CONSTRAINT },     /* a value that its type does not take */
    { "54", CORD_STORE_ERROR_CONSTRAINT },     /* too large */
  };

  for (guint i = 0; state && i < G_N_ELEMENTS(table); i++)
    if (g_str_has_prefix(state, table[i].prefix))
      return table[i].code;
  return state ? CORD_STORE_ERROR_FAILED : CORD_STORE_ERROR_UNAVAILABLE;
}

static void
drop_connection(CordDatabasePostgres *self)
{
  g_clear_pointer(&self->connection, PQfinish);
  g_hash_table_remove_all(self->statements);
}

static void
set_connection_error(CordDatabasePostgres *self, GError **error)
{
  g_autofree gchar *text = g_strdup(PQerrorMessage(self->connection));

  g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_UNAVAILABLE, "PostgreSQL: %s",
              text && *g_strstrip(text) ? text : "the connection was lost");
}

static void
set_result_error(const PGresult *result, GError **error)
{
  const gchar *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

  g_set_error(error, CORD_STORE_ERROR, map_state(PQresultErrorField(result, PG_DIAG_SQLSTATE)),
              "PostgreSQL: %s", text ? text : "an error without words");
}

/* What the URI says counts more than what is said here. */
static gboolean
connect_anew(CordDatabasePostgres *self, GError **error)
{
  const gchar *const names[] = { "connect_timeout",
                                 "application_name",
                                 "keepalives",
                                 "keepalives_idle",
                                 "keepalives_interval",
                                 "tcp_user_timeout",
                                 "options",
                                 "client_encoding",
                                 "dbname",
                                 NULL };
  const gchar *const values[] = {
    CONNECT_TIMEOUT, "cordboard", "1", "10", "5", "20000", "-c client_min_messages=warning",
    "UTF8",          self->uri,   NULL
  };

  drop_connection(self);
  self->connection = PQconnectdbParams(names, values, TRUE);
  if (PQstatus(self->connection) == CONNECTION_OK) {
    PQsetnonblocking(self->connection, 1);
    cord_outage_ended(self->outage);
    return TRUE;
  }
  set_connection_error(self, error);
  cord_outage_failed(self->outage, PQerrorMessage(self->connection));
  drop_connection(self);
  return FALSE;
}

/* In a transaction a lost connection is an error: what was done in it is gone. */
static gboolean
ensure_connection(CordDatabasePostgres *self, GError **error)
{
  g_autofree gchar *why = NULL;
  gboolean connected = self->connection && PQstatus(self->connection) == CONNECTION_OK;

  if (self->in_transaction) {
    if (!connected)
      g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_UNAVAILABLE,
                  "PostgreSQL: the connection was lost in a transaction");
    return connected;
  }
  if (!cord_outage_may_try(self->outage, &why)) {
    g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_UNAVAILABLE, "PostgreSQL: %s",
                g_strstrip(why));
    return FALSE;
  }
  return connected || connect_anew(self, error);
}

/* Waits for the socket; FALSE when the time is over. */
static gboolean
wait_socket(CordDatabasePostgres *self, short events, gint64 until)
{
  gint64 left = until - g_get_monotonic_time();
  struct pollfd poll_fd = { PQsocket(self->connection), events, 0 };
  int n;

  if (until > 0 && left <= 0)
    return FALSE;
  n = poll(&poll_fd, 1, until > 0 ? (int)(left / 1000) + 1 : -1);
  return n > 0 || (n < 0 && errno == EINTR);
}

static gint64
get_deadline(CordDatabasePostgres *self)
{
  return self->patience ? g_get_monotonic_time() + self->patience * G_TIME_SPAN_MILLISECOND : 0;
}

/* A server that is silent is told to the other connections; one that hung up may be back at once.
 */
static void
lose_connection(CordDatabasePostgres *self, gboolean silent, GError **error)
{
  if (silent) {
    g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_UNAVAILABLE,
                "PostgreSQL: no answer within %u ms", self->patience);
    cord_outage_failed(self->outage, "the server does not answer");
  } else {
    set_connection_error(self, error);
    cord_outage_passed(self->outage);
  }
  drop_connection(self);
}

/* Writes what libpq holds: a server that does not read must not block us. */
static gboolean
flush(CordDatabasePostgres *self, gint64 until, GError **error)
{
  int left;

  while ((left = PQflush(self->connection)) == 1) {
    gboolean silent = !wait_socket(self, POLLIN | POLLOUT, until);

    if (!silent && PQconsumeInput(self->connection))
      continue;
    lose_connection(self, silent, error);
    return FALSE;
  }
  if (left < 0)
    lose_connection(self, FALSE, error);
  return left == 0;
}

/* The last result of what was sent; NULL when the connection is lost or silent. */
static PGresult *
receive(CordDatabasePostgres *self, GError **error)
{
  gint64 until = get_deadline(self);
  PGresult *last = NULL;
  PGresult *next;

  if (!flush(self, until, error))
    return NULL;
  do {
    while (PQisBusy(self->connection)) {
      gboolean silent = !wait_socket(self, POLLIN, until);

      if (!silent && PQconsumeInput(self->connection))
        continue;
      PQclear(last);
      lose_connection(self, silent, error);
      return NULL;
    }
    next = PQgetResult(self->connection);
    if (next) {
      /* of several statements the first that failed counts */
      if (last && PQresultStatus(last) == PGRES_FATAL_ERROR) {
        PQclear(next);
        continue;
      }
      PQclear(last);
      last = next;
    }
  } while (next);
  cord_outage_ended(self->outage);
  return last;
}

/* Statements that the server has forgotten, or whose tables were changed under them: a new
 * connection prepares them anew. */
static gboolean
is_stale(const PGresult *result)
{
  const gchar *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const gchar *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

  return g_strcmp0(state, "26000") == 0 ||
         (g_strcmp0(state, "0A000") == 0 && text && strstr(text, "cached plan"));
}

static gboolean
is_success(const PGresult *result)
{
  ExecStatusType status = PQresultStatus(result);

  return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY;
}

/* Waits for the answer to what was sent, if it was sent. */
static PGresult *
finish(CordDatabasePostgres *self, int sent, GError **error)
{
  PGresult *result;

  if (!sent) {
    lose_connection(self, FALSE, error);
    return NULL;
  }
  result = receive(self, error);
  if (result && !is_success(result)) {
    set_result_error(result, error);
    if (PQstatus(self->connection) != CONNECTION_OK || is_stale(result))
      drop_connection(self);
    g_clear_pointer(&result, PQclear);
  }
  return result;
}

static const gchar *
prepare(CordDatabasePostgres *self, const gchar *sql, GError **error)
{
  const gchar *name = g_hash_table_lookup(self->statements, sql);
  gchar *new_name;
  PGresult *result;

  if (name)
    return name;
  if (g_hash_table_size(self->statements) >= MAX_STATEMENTS) {
    result = finish(self, PQsendQuery(self->connection, "DEALLOCATE ALL"), error);
    if (!result)
      return NULL;
    PQclear(result);
    g_hash_table_remove_all(self->statements);
  }
  new_name = g_strdup_printf("s%u", g_hash_table_size(self->statements));
  result = finish(self, PQsendPrepare(self->connection, new_name, sql, 0, NULL), error);
  if (!result) {
    g_free(new_name);
    return NULL;
  }
  PQclear(result);
  g_hash_table_insert(self->statements, g_strdup(sql), new_name);
  return new_name;
}

static CordRows *
read_rows(const PGresult *result)
{
  int n_columns = PQnfields(result);
  CordRows *rows = cord_rows_new((guint)n_columns);

  for (int row = 0; row < PQntuples(result); row++)
    for (int column = 0; column < n_columns; column++)
      cord_rows_take(rows, PQgetisnull(result, row, column)
                               ? NULL
                               : g_strdup(PQgetvalue(result, row, column)));
  return rows;
}

static CordRows *
query_once(CordDatabasePostgres *self, const gchar *sql, const gchar *const *params, guint n_params,
           GError **error)
{
  const gchar *name;
  PGresult *result;
  CordRows *rows;

  if (!ensure_connection(self, error))
    return NULL;
  name = prepare(self, sql, error);
  if (!name)
    return NULL;
  result = finish(self,
                  PQsendQueryPrepared(self->connection, name, (int)n_params, params, NULL, NULL, 0),
                  error);
  if (!result)
    return NULL;
  rows = read_rows(result);
  PQclear(result);
  return rows;
}

static CordRows *
cord_database_postgres_query(CordDatabase *database, const gchar *sql, const gchar *const *params,
                             guint n_params, GError **error)
{
  CordDatabasePostgres *self = CORD_DATABASE_POSTGRES(database);
  gboolean had_connection = self->connection != NULL;
  g_autoptr(GError) first = NULL;
  CordRows *rows = query_once(self, sql, params, n_params, &first);

  if (rows)
    return rows;
  /* a connection that died in the meantime is found out by its next use; what only reads may be
   * asked again on a new one */
  if (had_connection && !self->connection && !self->in_transaction &&
      g_ascii_strncasecmp(sql, "SELECT", 6) == 0)
    return query_once(self, sql, params, n_params, error);
  g_propagate_error(error, g_steal_pointer(&first));
  return NULL;
}

static gboolean
cord_database_postgres_script(CordDatabase *database, const gchar *sql, GError **error)
{
  CordDatabasePostgres *self = CORD_DATABASE_POSTGRES(database);
  PGresult *result;

  if (!ensure_connection(self, error))
    return FALSE;
  result = finish(self, PQsendQuery(self->connection, sql), error);
  PQclear(result);
  return result != NULL;
}

static gboolean
cord_database_postgres_begin(CordDatabase *database, GError **error)
{
  CordDatabasePostgres *self = CORD_DATABASE_POSTGRES(database);
  gboolean had_connection = self->connection != NULL;

  self->in_transaction = FALSE;
  if (!cord_database_postgres_script(database, "BEGIN", error)) {
    /* the connection may have been dead for long: nothing was done on it yet */
    if (!had_connection || self->connection)
      return FALSE;
    g_clear_error(error);
    if (!cord_database_postgres_script(database, "BEGIN", error))
      return FALSE;
  }
  self->in_transaction = TRUE;
  return TRUE;
}

/* PostgreSQL calls it a success to roll back in place of a COMMIT when a statement had failed. */
static gboolean
commit_once(CordDatabasePostgres *self, GError **error)
{
  PGresult *result;
  gboolean committed;

  if (!ensure_connection(self, error))
    return FALSE;
  result = finish(self, PQsendQuery(self->connection, "COMMIT"), error);
  if (!result)
    return FALSE;
  committed = g_str_equal(PQcmdStatus(result), "COMMIT");
  PQclear(result);
  if (!committed)
    g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_FAILED,
                "PostgreSQL: the transaction was rolled back, because a statement in it failed");
  return committed;
}

static gboolean
cord_database_postgres_finish(CordDatabase *database, gboolean commit, GError **error)
{
  CordDatabasePostgres *self = CORD_DATABASE_POSTGRES(database);
  gboolean lost = !self->connection || PQstatus(self->connection) != CONNECTION_OK;
  gboolean ok;

  if (lost && !commit) {
    self->in_transaction = FALSE;
    return TRUE;
  }
  ok = commit ? commit_once(self, error)
              : cord_database_postgres_script(database, "ROLLBACK", error);
  self->in_transaction = FALSE;
  return ok;
}

static gboolean
cord_database_postgres_begin_snapshot(CordDatabase *database, GError **error)
{
  CordDatabasePostgres *self = CORD_DATABASE_POSTGRES(database);

  self->in_transaction = cord_database_postgres_script(
      database, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", error);
  return self->in_transaction;
}

static void
cord_database_postgres_set_patience(CordDatabase *database, guint milliseconds)
{
  CORD_DATABASE_POSTGRES(database)->patience = milliseconds;
}

static CordDatabase *
cord_database_postgres_dup(CordDatabase *database, GError **error)
{
  CordDatabasePostgres *self = CORD_DATABASE_POSTGRES(database);
  CordDatabasePostgres *another = g_object_new(CORD_TYPE_DATABASE_POSTGRES, NULL);

  another->uri = g_strdup(self->uri);
  another->outage = cord_outage_ref(self->outage);
  return CORD_DATABASE(another);
}

static gboolean
cord_database_postgres_listen(CordDatabase *database, const gchar *channel, GError **error)
{
  g_autofree gchar *sql = g_strdup_printf("LISTEN %s", channel);

  return cord_database_postgres_script(database, sql, error);
}

static gboolean
cord_database_postgres_wait(CordDatabase *database, int wake_fd, GPtrArray *payloads,
                            GError **error)
{
  CordDatabasePostgres *self = CORD_DATABASE_POSTGRES(database);
  struct pollfd fds[2] = { { PQsocket(self->connection), POLLIN, 0 }, { wake_fd, POLLIN, 0 } };
  guint before = payloads->len;
  PGnotify *notify;

  for (;;) {
    while ((notify = PQnotifies(self->connection))) {
      g_ptr_array_add(payloads, g_strdup(notify->extra));
      PQfreemem(notify);
    }
    if (payloads->len > before || fds[1].revents)
      return TRUE;
    if (poll(fds, 2, -1) < 0 && errno != EINTR)
      fds[1].revents = POLLERR;
    if (fds[0].revents && !PQconsumeInput(self->connection)) {
      lose_connection(self, FALSE, error);
      return FALSE;
    }
  }
}

static gchar *
cord_database_postgres_describe(CordDatabase *database)
{
  CordDatabasePostgres *self = CORD_DATABASE_POSTGRES(database);
  const gchar *host = self->connection ? PQhost(self->connection) : NULL;

  if (!host)
    return g_strdup("postgresql:");
  return *host == '/' ? g_strdup_printf("postgresql:///%s?host=%s", PQdb(self->connection), host)
                      : g_strdup_printf("postgresql://%s:%s/%s", host, PQport(self->connection),
                                        PQdb(self->connection));
}

static const gchar *
cord_database_postgres_get_dialect(CordDatabase *database)
{
  return "postgres";
}

static void
cord_database_postgres_interface_init(CordDatabaseInterface *interface)
{
  interface->query = cord_database_postgres_query;
  interface->script = cord_database_postgres_script;
  interface->begin = cord_database_postgres_begin;
  interface->finish = cord_database_postgres_finish;
  interface->get_dialect = cord_database_postgres_get_dialect;
  interface->begin_snapshot = cord_database_postgres_begin_snapshot;
  interface->set_patience = cord_database_postgres_set_patience;
  interface->dup = cord_database_postgres_dup;
  interface->describe = cord_database_postgres_describe;
  interface->listen = cord_database_postgres_listen;
  interface->wait = cord_database_postgres_wait;
}

G_DEFINE_FINAL_TYPE_WITH_CODE(CordDatabasePostgres, cord_database_postgres, G_TYPE_OBJECT,
                              G_IMPLEMENT_INTERFACE(CORD_TYPE_DATABASE,
                                                    cord_database_postgres_interface_init))

static void
cord_database_postgres_finalize(GObject *object)
{
  CordDatabasePostgres *self = CORD_DATABASE_POSTGRES(object);

  drop_connection(self);
  g_hash_table_unref(self->statements);
  g_clear_pointer(&self->outage, cord_outage_unref);
  g_free(self->uri);
  G_OBJECT_CLASS(cord_database_postgres_parent_class)->finalize(object);
}

static void
cord_database_postgres_class_init(CordDatabasePostgresClass *klass)
{
  G_OBJECT_CLASS(klass)->finalize = cord_database_postgres_finalize;
}

static void
cord_database_postgres_init(CordDatabasePostgres *self)
{
  self->patience = ANSWER_TIMEOUT;
  self->statements = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

/**
 * cord_database_postgres_open:
 * @uri: as libpq takes it: "postgresql://user@host/database?…" or "postgresql:///db?host=/run/…"
 * @error: return location for an error
 *
 * Returns: (transfer full): the database, connected
 */
CordDatabase *
cord_database_postgres_open(const gchar *uri, GError **error)
{
  g_autoptr(CordDatabasePostgres) self = g_object_new(CORD_TYPE_DATABASE_POSTGRES, NULL);

  self->uri = g_strdup(uri);
  self->outage = cord_outage_new();
  if (!connect_anew(self, error)) {
    g_prefix_error(error, "Cannot open the database: ");
    return NULL;
  }
  return CORD_DATABASE(g_steal_pointer(&self));
}
