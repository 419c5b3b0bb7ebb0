/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-api-private.h"
#include "cord-deliveries.h"
#include "cord-json-schema.h"
#include "cord-json.h"
#include "cord-webhook-events.h"
#include "cord-webhook-sign.h"

/* Webhooks and what they are told: rows of two tables, but for the secret by which it is signed. */

static void
refuse_url(CordExchange *exchange, const gchar *why)
{
  CordJsonFault fault = { (gchar *)"/url", (gchar *)why };
  g_autoptr(GPtrArray) faults = g_ptr_array_new();

  g_ptr_array_add(faults, &fault);
  cord_exchange_faults(exchange, 422, "The webhook cannot be told there.", faults);
}

/**
 * cord_api_seal_webhook:
 * @api: the API
 * @exchange: a request to create or change a webhook
 *
 * Checks where it leads, and puts the sealed secret into the place of the plain one; a new webhook
 * without a secret gets one.
 *
 * Returns: whether the request may go on; if not, it was answered
 */
gboolean
cord_api_seal_webhook(CordApi *api, CordExchange *exchange)
{
  JsonObject *body = exchange->body;
  const gchar *url = cord_json_peek_string(body, "url", NULL);
  const gchar *secret = cord_json_peek_string(body, "secret", NULL);
  gboolean is_new = exchange->parameters == NULL || exchange->parameters[0] == NULL;
  g_autofree gchar *made = NULL, *sealed = NULL;
  g_autoptr(GError) error = NULL;

  if (url && !cord_address_guard_check_url(api->guard, url, &error)) {
    refuse_url(exchange, error->message);
    return FALSE;
  }
  if (!is_new && !json_object_has_member(body, "secret"))
    return TRUE;
  if (secret == NULL)
    secret = made = cord_webhook_new_secret();
  sealed = cord_vault_seal(api->vault, CORD_VAULT_WEBHOOK, secret, &error);
  if (sealed == NULL) {
    cord_exchange_problem(exchange, 500, "The secret could not be sealed.");
    return FALSE;
  }
  json_object_remove_member(body, "secret");
  json_object_set_string_member(body, "sealed_secret", sealed);
  return TRUE;
}

typedef struct {
  CordApi *api;
  CordExchange *exchange;
} Asking;

static Asking *
asking_new(CordApi *api, CordExchange *exchange)
{
  Asking *asking = g_new0(Asking, 1);

  asking->api = api;
  asking->exchange = cord_exchange_hold(exchange);
  return asking;
}

static void
asking_free(Asking *asking)
{
  cord_exchange_release(asking->exchange);
  g_free(asking);
}

static void
on_secret(GObject *source, GAsyncResult *result, gpointer data)
{
  Asking *asking = data;
  g_autoptr(GError) error = NULL;
  g_autofree gchar *sealed = cord_deliveries_get_secret_finish(CORD_STORE(source), result, &error);
  g_autofree gchar *secret = NULL;
  JsonNode *node;
  JsonObject *object;

  if (sealed)
    secret = cord_vault_unseal(asking->api->vault, CORD_VAULT_WEBHOOK, sealed, &error);
  if (secret) {
    node = json_node_new(JSON_NODE_OBJECT);
    object = json_object_new();
    json_object_set_string_member(object, "secret", secret);
    json_node_take_object(node, object);
    cord_exchange_answer_json(asking->exchange, 200, node);
  } else if (sealed) {
    cord_exchange_problem(asking->exchange, 409,
                          "The secret was sealed with a key that is not here any more; set a new "
                          "one.");
  } else {
    cord_api_answer_error(asking->exchange, error);
  }
  asking_free(asking);
}

static void
secret_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;

  cord_deliveries_get_secret_async(api->store, exchange->parameters[0], on_secret,
                                   asking_new(api, exchange));
}

/* A delivery that is due now */
static void
on_due(GObject *source, GAsyncResult *result, gpointer data)
{
  Asking *asking = data;
  g_autoptr(GError) error = NULL;
  g_autofree gchar *json = cord_resource_row_finish(CORD_STORE(source), result, &error);

  if (json) {
    cord_webhooks_wake(asking->api->webhooks);
    cord_exchange_answer(asking->exchange, 202, "application/json", json);
  } else {
    cord_api_answer_error(asking->exchange, error);
  }
  asking_free(asking);
}

static void
test_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  const gchar *id = exchange->parameters[0];
  JsonObject *object = json_object_new();
  g_autofree gchar *body = NULL;

  json_object_set_string_member(object, "webhook_id", id);
  body = cord_webhook_body(CORD_WEBHOOK_TEST, object);
  cord_deliveries_add_async(api->store, id, CORD_WEBHOOK_TEST, body, on_due,
                            asking_new(api, exchange));
}

static void
resend_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;

  cord_deliveries_resend_async(api->store, exchange->parameters[0], on_due,
                               asking_new(api, exchange));
}

static void
on_dead_due(GObject *source, GAsyncResult *result, gpointer data)
{
  Asking *asking = data;
  g_autoptr(GError) error = NULL;
  gint64 count = cord_deliveries_resend_dead_finish(CORD_STORE(source), result, &error);
  g_autofree gchar *json = g_strdup_printf("{\"resent\": %" G_GINT64_FORMAT "}", count);

  if (count >= 0) {
    cord_webhooks_wake(asking->api->webhooks);
    cord_exchange_answer(asking->exchange, 202, "application/json", json);
  } else {
    cord_api_answer_error(asking->exchange, error);
  }
  asking_free(asking);
}

static void
resend_dead_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;

  cord_deliveries_resend_dead_async(api->store, exchange->parameters[0], on_dead_due,
                                    asking_new(api, exchange));
}

/**
 * cord_api_webhooks_add:
 * @api: the API
 *
 * Adds what webhooks have besides their rows.
 */
void
cord_api_webhooks_add(CordApi *api)
{
  cord_openapi_bind(api->openapi, "getWebhookSecret", secret_handler, api);
  cord_openapi_bind(api->openapi, "testWebhook", test_handler, api);
  cord_openapi_bind(api->openapi, "resendWebhook", resend_dead_handler, api);
  cord_openapi_bind(api->openapi, "resendWebhookDelivery", resend_handler, api);
}
