/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-dials.h"

#include "cord-error.h"

#define HOUR 3600          /* s */
#define LONGEST (5 * HOUR) /* no carrier lets a call last so long: its end was lost */
#define KEPT (48 * HOUR)
#define TURN "outbound dials"

#define SQL_KNOWN                                                                                  \
  "SELECT id FROM outbound_dials WHERE id = $1 UNION SELECT id FROM calls WHERE id = $1"
#define SQL_AT_ONCE "SELECT COUNT(*) FROM outbound_dials WHERE ended_at IS NULL AND placed_at > $1"
#define SQL_PER_HOUR "SELECT COUNT(*) FROM outbound_dials WHERE placed_at > $1"
#define SQL_PER_KEY SQL_PER_HOUR " AND COALESCE(key_id, '') = $2"
#define SQL_TAKE                                                                                   \
  "INSERT INTO outbound_dials (id, server_id, key_id, placed_at, ended_at) "                       \
  "VALUES ($1, $2, $3, $4, $5)"
#define SQL_END "UPDATE outbound_dials SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL"
#define SQL_END_ALL                                                                                \
  "UPDATE outbound_dials SET ended_at = $2 "                                                       \
  "WHERE server_id = $1 AND ended_at IS NULL AND placed_at < $2"
#define SQL_FORGET "DELETE FROM outbound_dials WHERE placed_at < $1"

typedef struct {
  CordDialCaps caps;
  gchar *id, *server_id, *key_id;
  gboolean lasting;
} Taking;

static void
free_taking(gpointer data)
{
  Taking *taking = data;

  g_free(taking->id);
  g_free(taking->server_id);
  g_free(taking->key_id);
  g_free(taking);
}

/* On a thread of the store */

/* Whether a count is below its cap. */
static gboolean
check(CordDatabase *database, const gchar *sql, guint age_s, const gchar *key, guint cap,
      const gchar *what, GError **error)
{
  g_autofree gchar *since = cord_store_time_before(age_s);
  g_autoptr(CordRows) rows = NULL;

  if (cap == 0)
    return TRUE;
  rows = key ? cord_database_query(database, sql, CORD_PARAMS(since, key), error)
             : cord_database_query(database, sql, CORD_PARAMS(since), error);
  if (!rows)
    return FALSE;
  if (cord_rows_get_int(rows, 0, 0, G_MAXINT64) < cap)
    return TRUE;
  g_set_error(error, CORD_ERROR, CORD_ERROR_QUOTA, "%s: the limit is %u", what, cap);
  return FALSE;
}

static gboolean
check_all(CordDatabase *database, const Taking *taking, GError **error)
{
  const CordDialCaps *caps = &taking->caps;
  const gchar *key = taking->key_id ? taking->key_id : "";

  return (!taking->lasting || check(database, SQL_AT_ONCE, LONGEST, NULL, caps->at_once,
                                    "too many outbound calls at once", error)) &&
         check(database, SQL_PER_HOUR, HOUR, NULL, caps->per_hour,
               "too many outbound calls in an hour", error) &&
         check(database, SQL_PER_KEY, HOUR, key, caps->per_key,
               "too many outbound calls in an hour with this key", error);
}

static gpointer
take(CordDatabase *database, gpointer data, GError **error)
{
  const Taking *taking = data;
  g_autofree gchar *now = NULL;
  g_autofree gchar *old = cord_store_time_before(KEPT);
  g_autoptr(CordRows) known = NULL;

  /* counting and taking are one step, for all servers */
  if (!cord_database_take_turn(database, TURN, error) ||
      !cord_database_run(database, SQL_FORGET, CORD_PARAMS(old), error))
    return NULL;
  known = cord_database_query(database, SQL_KNOWN, CORD_PARAMS(taking->id), error);
  if (!known)
    return NULL;
  if (cord_rows_length(known) > 0)
    return GINT_TO_POINTER(CORD_DIAL_KNOWN);
  now = cord_store_now();
  if (!check_all(database, taking, error) ||
      !cord_database_run(database, SQL_TAKE,
                         CORD_PARAMS(taking->id, taking->server_id, taking->key_id, now,
                                     taking->lasting ? NULL : now),
                         error))
    return NULL;
  return GINT_TO_POINTER(CORD_DIAL_TAKEN);
}

/**
 * cord_dials_end:
 * @database: the store's database
 * @id: a call, that need not be one of them
 * @time: when it has ended
 * @error: return location for an error
 *
 * Returns: whether its place is free
 */
gboolean
cord_dials_end(CordDatabase *database, const gchar *id, const gchar *time, GError **error)
{
  return cord_database_run(database, SQL_END, CORD_PARAMS(id, time), error);
}

/**
 * cord_dials_end_all:
 * @database: the store's database
 * @server_id: a server that has started
 * @before: when
 * @error: return location for an error
 *
 * The calls of its earlier life are over.
 *
 * Returns: whether their places are free
 */
gboolean
cord_dials_end_all(CordDatabase *database, const gchar *server_id, const gchar *before,
                   GError **error)
{
  return cord_database_run(database, SQL_END_ALL, CORD_PARAMS(server_id, before), error);
}

/* Asking */

void
cord_dials_take_async(CordStore *store, const CordDialCaps *caps, const CordDial *dial,
                      GAsyncReadyCallback callback, gpointer user_data)
{
  Taking *taking = g_new0(Taking, 1);

  *taking = (Taking){ *caps, g_strdup(dial->id), g_strdup(dial->server_id), g_strdup(dial->key_id),
                      dial->lasting };
  cord_store_do_async(store, take, TRUE, taking, free_taking, NULL, NULL, callback, user_data);
}

/**
 * cord_dials_take_finish:
 *
 * Returns: whether the call may be placed; @error is set when not
 */
CordDialAnswer
cord_dials_take_finish(CordStore *store, GAsyncResult *result, GError **error)
{
  return GPOINTER_TO_INT(cord_store_do_finish(store, result, error));
}
