/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-store.h"

G_BEGIN_DECLS

/*
 * What webhooks are still to be told. An event becomes one row for each webhook it is for, in the
 * transaction that brings the event from the journal into the store. Whoever tells webhooks takes
 * rows that are due, on lease: several servers on one database share the work, and what a server
 * that died had taken is due again.
 */

/**
 * CordDelivery:
 * @id: the row's; the same in every attempt
 * @webhook_id: who is told
 * @event: what: "call.started"
 * @body: the JSON
 * @url: where
 * @sealed_secret: by which it is signed
 * @attempts: how often it was tried, this time included
 *
 * Something that a webhook is to be told now.
 */
typedef struct {
  gchar *id;
  gchar *webhook_id;
  gchar *event;
  gchar *body;
  gchar *url;
  gchar *sealed_secret;
  guint attempts;
} CordDelivery;

void cord_delivery_free(CordDelivery *self);

/**
 * CordDeliveryBatch:
 * @deliveries: (element-type CordDelivery): what was taken, in the order in which it is to be told
 * @next_ms: when the next is due, ms from now; -1 when there is none
 */
typedef struct {
  GPtrArray *deliveries;
  gint64 next_ms;
} CordDeliveryBatch;

void cord_delivery_batch_free(CordDeliveryBatch *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordDeliveryBatch, cord_delivery_batch_free)

/* Takes up to @n rows that are due, none of the webhooks in @busy (their ids in one text) and no
 * more than @n_each of one, for @lease_ms */
void cord_deliveries_take_async(CordStore *store, guint n, guint n_each, const gchar *busy,
                                guint lease_ms, GAsyncReadyCallback callback, gpointer user_data);
CordDeliveryBatch *cord_deliveries_take_finish(CordStore *store, GAsyncResult *result,
                                               GError **error);

/**
 * CordDeliveryOutcome:
 * @id: the delivery
 * @attempts: which attempt it was
 * @response_status: what was answered, 0 when nothing was
 * @error: (nullable): what went wrong; %NULL: it was delivered
 * @retry_ms: when to try again, -1: never, it is a dead letter
 */
typedef struct {
  gchar *id;
  guint attempts;
  guint response_status;
  gchar *error;
  gint64 retry_ms;
} CordDeliveryOutcome;

void cord_delivery_outcome_free(CordDeliveryOutcome *self);

/* Writes what has come of it; what another server has taken since is left alone */
void cord_deliveries_settle_async(CordStore *store, CordDeliveryOutcome *outcome,
                                  GAsyncReadyCallback callback, gpointer user_data);
gboolean cord_deliveries_settle_finish(CordStore *store, GAsyncResult *result, GError **error);

/* Makes it due once more, as if it had never been tried; answers the row */
void cord_deliveries_resend_async(CordStore *store, const gchar *id, GAsyncReadyCallback callback,
                                  gpointer user_data);

/* Makes one for a webhook, whatever events it is for; answers the row. Body is the JSON. Ends with
 * cord_resource_row_finish() */
void cord_deliveries_add_async(CordStore *store, const gchar *webhook_id, const gchar *event,
                               const gchar *body, GAsyncReadyCallback callback, gpointer user_data);

/* The sealed secret of a webhook */
void cord_deliveries_get_secret_async(CordStore *store, const gchar *webhook_id,
                                      GAsyncReadyCallback callback, gpointer user_data);
gchar *cord_deliveries_get_secret_finish(CordStore *store, GAsyncResult *result, GError **error);

/* Makes all dead letters of a webhook due once more; answers how many, -1 with an error */
void cord_deliveries_resend_dead_async(CordStore *store, const gchar *webhook_id,
                                       GAsyncReadyCallback callback, gpointer user_data);
gint64 cord_deliveries_resend_dead_finish(CordStore *store, GAsyncResult *result, GError **error);

/* Forgets what was delivered longer ago than that; dead letters are kept */
void cord_deliveries_forget_async(CordStore *store, guint days);

G_END_DECLS
