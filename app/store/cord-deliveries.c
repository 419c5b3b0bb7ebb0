/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-deliveries.h"

#include "cord-resource.h"

/* The first of a call that a webhook was not told yet: what came later waits for it. */
#define SQL_DUE                                                                                    \
  "SELECT d.id, d.webhook_id, d.event, d.body, d.attempts, w.url, w.sealed_secret "                \
  "FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id "                              \
  "WHERE d.status = 'pending' AND d.next_attempt <= $1 AND w.is_active "                           \
  "AND $2 NOT LIKE '%' || d.webhook_id || '%' "                                                    \
  "AND NOT EXISTS (SELECT 1 FROM webhook_deliveries e WHERE e.webhook_id = d.webhook_id "          \
  "AND e.call_id = d.call_id AND e.seq < d.seq AND e.status = 'pending') "                         \
  "ORDER BY d.next_attempt, d.created_at, d.seq LIMIT 1"
/* two servers never wait for each other, nor take the same */
#define SQL_LOCKED " FOR UPDATE OF d SKIP LOCKED"
#define SQL_TAKE                                                                                   \
  "UPDATE webhook_deliveries SET attempts = attempts + 1, next_attempt = $2, updated_at = $3 "     \
  "WHERE id = $1"
#define SQL_NEXT                                                                                   \
  "SELECT MIN(d.next_attempt) FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id "   \
  "WHERE d.status = 'pending' AND w.is_active AND d.next_attempt > $1"
#define SQL_SETTLE                                                                                 \
  "UPDATE webhook_deliveries SET status = $2, response_status = CAST($3 AS BIGINT), "              \
  "last_error = $4, next_attempt = $5, updated_at = $6 "                                           \
  "WHERE id = $1 AND status = 'pending' AND attempts = CAST($7 AS BIGINT)"
#define SQL_RESEND                                                                                 \
  "UPDATE webhook_deliveries SET status = 'pending', attempts = 0, last_error = NULL, "            \
  "next_attempt = $2, updated_at = $2 WHERE id = $1"
#define SQL_RESEND_DEAD                                                                            \
  "UPDATE webhook_deliveries SET status = 'pending', attempts = 0, last_error = NULL, "            \
  "next_attempt = $2, updated_at = $2 WHERE webhook_id = $1 AND status = 'dead' RETURNING id"
#define SQL_ADD                                                                                    \
  "INSERT INTO webhook_deliveries (id, webhook_id, event, body, status, next_attempt, seq, "       \
  "created_at, updated_at) SELECT $1, w.id, $3, $4, 'pending', $5, 0, $5, $5 FROM webhooks w "     \
  "WHERE w.id = $2"
#define SQL_FIND_WEBHOOK "SELECT sealed_secret FROM webhooks WHERE id = $1"
#define SQL_FORGET "DELETE FROM webhook_deliveries WHERE status = 'delivered' AND created_at < $1"

#define DAY (24 * 3600)

/**
 * cord_delivery_free:
 * @self: (transfer full): a delivery
 */
void
cord_delivery_free(CordDelivery *self)
{
  g_free(self->id);
  g_free(self->webhook_id);
  g_free(self->event);
  g_free(self->body);
  g_free(self->url);
  g_free(self->sealed_secret);
  g_free(self);
}

/**
 * cord_delivery_batch_free:
 * @self: (transfer full): what was taken
 */
void
cord_delivery_batch_free(CordDeliveryBatch *self)
{
  g_ptr_array_unref(self->deliveries);
  g_free(self);
}

/**
 * cord_delivery_outcome_free:
 * @self: (transfer full): an outcome
 */
void
cord_delivery_outcome_free(CordDeliveryOutcome *self)
{
  g_free(self->id);
  g_free(self->error);
  g_free(self);
}

/* On a thread of the store */

typedef struct {
  guint n, n_each, lease_ms;
  gchar *busy;
} Taking;

static void
free_taking(gpointer data)
{
  Taking *taking = data;

  g_free(taking->busy);
  g_free(taking);
}

static CordDelivery *
read_delivery(const CordRows *rows)
{
  CordDelivery *self = g_new0(CordDelivery, 1);

  self->id = g_strdup(cord_rows_get(rows, 0, 0));
  self->webhook_id = g_strdup(cord_rows_get(rows, 0, 1));
  self->event = g_strdup(cord_rows_get(rows, 0, 2));
  self->body = g_strdup(cord_rows_get(rows, 0, 3));
  self->attempts = (guint)cord_rows_get_int(rows, 0, 4, 0) + 1;
  self->url = g_strdup(cord_rows_get(rows, 0, 5));
  self->sealed_secret = g_strdup(cord_rows_get(rows, 0, 6));
  return self;
}

/* Takes one; FALSE when there is none, or with @error set. */
static gboolean
take_one(CordDatabase *database, const gchar *busy, guint lease_ms, GPtrArray *taken,
         GError **error)
{
  gboolean postgres = g_str_equal(cord_database_get_dialect(database), "postgres");
  g_autofree gchar *now = cord_store_now();
  g_autofree gchar *lease = cord_store_time_after_ms(lease_ms);
  g_autoptr(CordRows) rows = cord_database_query(database, postgres ? SQL_DUE SQL_LOCKED : SQL_DUE,
                                                 CORD_PARAMS(now, busy), error);
  CordDelivery *delivery;

  if (!rows || cord_rows_length(rows) == 0)
    return FALSE;
  delivery = read_delivery(rows);
  g_ptr_array_add(taken, delivery);
  return cord_database_run(database, SQL_TAKE, CORD_PARAMS(delivery->id, lease, now), error);
}

static guint
count_of(GPtrArray *taken, const gchar *webhook_id)
{
  guint count = 0;

  for (guint i = 0; i < taken->len; i++)
    count += g_str_equal(((CordDelivery *)taken->pdata[i])->webhook_id, webhook_id);
  return count;
}

static gint64
ms_until(const gchar *time)
{
  g_autoptr(GDateTime) then = time ? g_date_time_new_from_iso8601(time, NULL) : NULL;
  g_autoptr(GDateTime) now = g_date_time_new_now_utc();

  return then ? MAX(g_date_time_difference(then, now) / G_TIME_SPAN_MILLISECOND, 0) : -1;
}

static gpointer
take_rows(CordDatabase *database, gpointer data, GError **error)
{
  Taking *taking = data;
  g_autoptr(GPtrArray) taken = g_ptr_array_new_with_free_func((GDestroyNotify)cord_delivery_free);
  g_autoptr(GString) busy = g_string_new(taking->busy);
  g_autoptr(CordRows) next = NULL;
  g_autofree gchar *now = cord_store_now();
  GError *problem = NULL;
  CordDeliveryBatch *batch;

  while (taken->len < taking->n &&
         take_one(database, busy->str, taking->lease_ms, taken, &problem)) {
    const CordDelivery *last = taken->pdata[taken->len - 1];

    if (count_of(taken, last->webhook_id) >= taking->n_each)
      g_string_append_printf(busy, " %s", last->webhook_id);
  }
  next = problem ? NULL : cord_database_query(database, SQL_NEXT, CORD_PARAMS(now), &problem);
  if (problem) {
    g_propagate_error(error, problem);
    return NULL;
  }
  batch = g_new0(CordDeliveryBatch, 1);
  batch->deliveries = g_steal_pointer(&taken);
  batch->next_ms = ms_until(cord_rows_get(next, 0, 0));
  return batch;
}

static gpointer
settle_row(CordDatabase *database, gpointer data, GError **error)
{
  const CordDeliveryOutcome *outcome = data;
  const gchar *status = !outcome->error ? "delivered" : outcome->retry_ms < 0 ? "dead" : "pending";
  g_autofree gchar *now = cord_store_now();
  g_autofree gchar *next = cord_store_time_after_ms(MAX(outcome->retry_ms, 0));
  g_autofree gchar *attempts = g_strdup_printf("%u", outcome->attempts);
  g_autofree gchar *answered =
      outcome->response_status ? g_strdup_printf("%u", outcome->response_status) : NULL;

  if (!cord_database_run(
          database, SQL_SETTLE,
          CORD_PARAMS(outcome->id, status, answered, outcome->error, next, now, attempts), error))
    return NULL;
  return GINT_TO_POINTER(TRUE);
}

static gpointer
resend_row(CordDatabase *database, gpointer data, GError **error)
{
  g_autofree gchar *now = cord_store_now();

  if (!cord_database_run(database, SQL_RESEND, CORD_PARAMS(data, now), error))
    return NULL;
  return cord_resource_read(&cord_resource_webhook_deliveries, database, data, error);
}

static gpointer
get_secret(CordDatabase *database, gpointer data, GError **error)
{
  g_autoptr(CordRows) rows =
      cord_database_query(database, SQL_FIND_WEBHOOK, CORD_PARAMS(data), error);

  if (rows && cord_rows_length(rows) > 0)
    return g_strdup(cord_rows_get(rows, 0, 0));
  if (rows)
    g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_NOT_FOUND, "No such webhook");
  return NULL;
}

static gboolean
has_webhook(CordDatabase *database, const gchar *id, GError **error)
{
  g_autofree gchar *secret = get_secret(database, (gpointer)id, error);

  return secret != NULL;
}

typedef struct {
  gchar *webhook_id, *event, *body;
} Adding;

static void
free_adding(gpointer data)
{
  Adding *adding = data;

  g_free(adding->webhook_id);
  g_free(adding->event);
  g_free(adding->body);
  g_free(adding);
}

static gpointer
add_row(CordDatabase *database, gpointer data, GError **error)
{
  const Adding *adding = data;
  g_autofree gchar *id = cord_store_new_id();
  g_autofree gchar *now = cord_store_now();

  if (!has_webhook(database, adding->webhook_id, error) ||
      !cord_database_run(database, SQL_ADD,
                         CORD_PARAMS(id, adding->webhook_id, adding->event, adding->body, now),
                         error))
    return NULL;
  return cord_resource_read(&cord_resource_webhook_deliveries, database, id, error);
}

static gpointer
resend_dead_rows(CordDatabase *database, gpointer data, GError **error)
{
  g_autofree gchar *now = cord_store_now();
  g_autoptr(CordRows) rows = NULL;

  if (!has_webhook(database, data, error))
    return NULL;
  rows = cord_database_query(database, SQL_RESEND_DEAD, CORD_PARAMS(data, now), error);
  /* one more than there were: none is no failure */
  return rows ? GUINT_TO_POINTER(cord_rows_length(rows) + 1) : NULL;
}

static gpointer
forget_rows(CordDatabase *database, gpointer data, GError **error)
{
  if (!cord_database_run(database, SQL_FORGET, CORD_PARAMS(data), error))
    return NULL;
  return GINT_TO_POINTER(TRUE);
}

/* Asking */

void
cord_deliveries_take_async(CordStore *store, guint n, guint n_each, const gchar *busy,
                           guint lease_ms, GAsyncReadyCallback callback, gpointer user_data)
{
  Taking *taking = g_new0(Taking, 1);

  *taking = (Taking){ n, n_each, lease_ms, g_strdup(busy) };
  cord_store_do_async(store, take_rows, TRUE, taking, free_taking,
                      (GDestroyNotify)cord_delivery_batch_free, NULL, callback, user_data);
}

/**
 * cord_deliveries_take_finish:
 *
 * Returns: (transfer full): what was taken
 */
CordDeliveryBatch *
cord_deliveries_take_finish(CordStore *store, GAsyncResult *result, GError **error)
{
  return cord_store_do_finish(store, result, error);
}

/**
 * cord_deliveries_settle_async:
 * @outcome: (transfer full): what has come of it
 */
void
cord_deliveries_settle_async(CordStore *store, CordDeliveryOutcome *outcome,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  cord_store_do_async(store, settle_row, FALSE, outcome, (GDestroyNotify)cord_delivery_outcome_free,
                      NULL, NULL, callback, user_data);
}

gboolean
cord_deliveries_settle_finish(CordStore *store, GAsyncResult *result, GError **error)
{
  return cord_store_do_finish(store, result, error) != NULL;
}

/* Ends with cord_resource_row_finish(). */
void
cord_deliveries_resend_async(CordStore *store, const gchar *id, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  cord_store_do_async(store, resend_row, TRUE, g_strdup(id), g_free, g_free, NULL, callback,
                      user_data);
}

void
cord_deliveries_add_async(CordStore *store, const gchar *webhook_id, const gchar *event,
                          const gchar *body, GAsyncReadyCallback callback, gpointer user_data)
{
  Adding *adding = g_new0(Adding, 1);

  *adding = (Adding){ g_strdup(webhook_id), g_strdup(event), g_strdup(body) };
  cord_store_do_async(store, add_row, TRUE, adding, free_adding, g_free, NULL, callback, user_data);
}

void
cord_deliveries_get_secret_async(CordStore *store, const gchar *webhook_id,
                                 GAsyncReadyCallback callback, gpointer user_data)
{
  cord_store_do_async(store, get_secret, FALSE, g_strdup(webhook_id), g_free, g_free, NULL,
                      callback, user_data);
}

/**
 * cord_deliveries_get_secret_finish:
 *
 * Returns: (transfer full): the secret by which a webhook is signed, sealed
 */
gchar *
cord_deliveries_get_secret_finish(CordStore *store, GAsyncResult *result, GError **error)
{
  return cord_store_do_finish(store, result, error);
}

void
cord_deliveries_resend_dead_async(CordStore *store, const gchar *webhook_id,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
  cord_store_do_async(store, resend_dead_rows, TRUE, g_strdup(webhook_id), g_free, NULL, NULL,
                      callback, user_data);
}

/**
 * cord_deliveries_resend_dead_finish:
 *
 * Returns: how many are due once more, -1 with @error set
 */
gint64
cord_deliveries_resend_dead_finish(CordStore *store, GAsyncResult *result, GError **error)
{
  return (gint64)GPOINTER_TO_UINT(cord_store_do_finish(store, result, error)) - 1;
}

void
cord_deliveries_forget_async(CordStore *store, guint days)
{
  cord_store_do_async(store, forget_rows, FALSE, cord_store_time_before(days * DAY), g_free, NULL,
                      NULL, NULL, NULL);
}
