/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-store.h"

G_BEGIN_DECLS

/**
 * CordDialCaps:
 * @at_once: calls at once, 0 for any number
 * @per_hour: calls within an hour, 0 for any number
 * @per_key: calls within an hour that one API key may place, 0 for any number
 *
 * How many calls all servers of one database may place together.
 */
typedef struct {
  guint at_once;
  guint per_hour;
  guint per_key;
} CordDialCaps;

/**
 * CordDial:
 * @id: the call's
 * @server_id: who places it, see cord_journal_get_server_id()
 * @key_id: (nullable): the API key that asks, %NULL for the server's own machine
 * @lasting: whether it counts as a call at once until it has ended
 *
 * A call that is to be placed. Copied.
 */
typedef struct {
  const gchar *id;
  const gchar *server_id;
  const gchar *key_id;
  gboolean lasting;
} CordDial;

/**
 * CordDialAnswer:
 * @CORD_DIAL_REFUSED: a cap is reached (%CORD_ERROR_QUOTA), or it cannot be known
 * @CORD_DIAL_TAKEN: it may be placed
 * @CORD_DIAL_KNOWN: a call of that id was placed before
 */
typedef enum {
  CORD_DIAL_REFUSED,
  CORD_DIAL_TAKEN,
  CORD_DIAL_KNOWN,
} CordDialAnswer;

/*
 * Places are counted in the store, before the carrier is asked: no number of requests at once, and
 * of servers, goes beyond the caps. While the store does not answer nothing is dialled. A place is
 * free again when the journal brings the end of the call, or the restart of its server, into the
 * store. That it was placed counts for an hour.
 */
void cord_dials_take_async(CordStore *store, const CordDialCaps *caps, const CordDial *dial,
                           GAsyncReadyCallback callback, gpointer user_data);
CordDialAnswer cord_dials_take_finish(CordStore *store, GAsyncResult *result, GError **error);

/* For the journal, in its transaction */
gboolean cord_dials_end(CordDatabase *database, const gchar *id, const gchar *time, GError **error);
gboolean cord_dials_end_all(CordDatabase *database, const gchar *server_id, const gchar *before,
                            GError **error);

G_END_DECLS
