/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-sealed.h"

/* The columns that a vault has sealed, each for the purpose of its name. */
static const struct {
  const gchar *purpose;
  const gchar *list;
  const gchar *update;
} columns[] = {
  { "phone_numbers.credentials",
    "SELECT id, credentials FROM phone_numbers WHERE credentials IS NOT NULL",
    "UPDATE phone_numbers SET credentials = $2 WHERE id = $1 AND credentials = $3" },
  { "webhooks.sealed_secret", "SELECT id, sealed_secret FROM webhooks",
    "UPDATE webhooks SET sealed_secret = $2 WHERE id = $1 AND sealed_secret = $3" },
};

typedef struct {
  CordReseal reseal;
  gpointer data;
  CordSealedCounts counts;
} Replacing;

static gboolean
replace_one(CordDatabase *database, Replacing *replacing, guint column, const gchar *id,
            const gchar *old, GError **error)
{
  g_autoptr(GError) reseal_error = NULL;
  g_autofree gchar *new =
      replacing->reseal(columns[column].purpose, old, replacing->data, &reseal_error);

  replacing->counts.n_sealed++;
  if (reseal_error) {
    replacing->counts.n_failed++;
    g_message("%s of %s: %s", columns[column].purpose, id, reseal_error->message);
  }
  if (!new)
    return TRUE;
  replacing->counts.n_changed++;
  /* what somebody has written meanwhile is newer */
  return cord_database_run(database, columns[column].update, CORD_PARAMS(id, new, old), error);
}

static gboolean
replace_all(CordDatabase *database, gpointer data, GError **error)
{
  Replacing *replacing = data;

  replacing->counts = (CordSealedCounts){ 0 };
  for (guint column = 0; column < G_N_ELEMENTS(columns); column++) {
    g_autoptr(CordRows) rows =
        cord_database_query(database, columns[column].list, CORD_NO_PARAMS, error);

    if (!rows)
      return FALSE;
    for (guint i = 0; i < cord_rows_length(rows); i++)
      if (!replace_one(database, replacing, column, cord_rows_get(rows, i, 0),
                       cord_rows_get(rows, i, 1), error))
        return FALSE;
  }
  return TRUE;
}

/**
 * cord_sealed_replace:
 * @store: a store
 * @reseal: seals anew
 * @data: for @reseal
 * @counts: (out): what has come of it
 * @error: return location for an error
 *
 * Goes through all that is sealed, in one transaction. What @reseal cannot open is told and left.
 *
 * Returns: whether the store took it
 */
gboolean
cord_sealed_replace(CordStore *store, CordReseal reseal, gpointer data, CordSealedCounts *counts,
                    GError **error)
{
  Replacing replacing = { reseal, data, { 0 } };
  gboolean ok = cord_store_run(store, replace_all, &replacing, error);

  *counts = replacing.counts;
  return ok;
}
