/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-api-private.h"
#include "cord-json.h"

/* Phone numbers: rows of a table, but for the secret in them and for what the carrier is told. */

/**
 * cord_api_seal_credentials:
 * @api: the API
 * @exchange: a request to create or change a phone number
 *
 * Puts the sealed secret into the place of the plain one.
 *
 * Returns: whether the request may go on; if not, it was answered
 */
gboolean
cord_api_seal_credentials(CordApi *api, CordExchange *exchange)
{
  JsonObject *body = exchange->body;
  const gchar *token = cord_json_peek_string(body, "auth_token", NULL);
  g_autofree gchar *sealed = NULL;
  g_autoptr(GError) error = NULL;

  if (!json_object_has_member(body, "auth_token"))
    return TRUE;
  if (token && !(sealed = cord_vault_seal(api->vault, CORD_VAULT_NUMBER, token, &error))) {
    cord_exchange_problem(exchange, 500, "The auth token could not be sealed.");
    return FALSE;
  }
  json_object_remove_member(body, "auth_token");
  if (sealed)
    json_object_set_string_member(body, "credentials", sealed);
  else
    json_object_set_null_member(body, "credentials");
  return TRUE;
}

typedef struct {
  CordApi *api;
  CordExchange *exchange;
  gboolean set; /* tell the carrier, too */
  gchar *voice_url, *status_callback, *stream_url;
} Webhooks;

static void
free_webhooks(Webhooks *webhooks)
{
  cord_exchange_release(webhooks->exchange);
  g_free(webhooks->voice_url);
  g_free(webhooks->status_callback);
  g_free(webhooks->stream_url);
  g_free(webhooks);
}

static void
answer_webhooks(Webhooks *webhooks)
{
  JsonNode *node = json_node_new(JSON_NODE_OBJECT);
  JsonObject *object = json_object_new();

  json_object_set_string_member(object, "voice_url", webhooks->voice_url);
  json_object_set_string_member(object, "status_callback", webhooks->status_callback);
  json_object_set_string_member(object, "stream_url", webhooks->stream_url);
  json_node_take_object(node, object);
  cord_exchange_answer_json(webhooks->exchange, 200, node);
}

static void
on_webhooks_set(GObject *source, GAsyncResult *result, gpointer data)
{
  Webhooks *webhooks = data;
  g_autoptr(GError) error = NULL;

  if (cord_twilio_client_set_webhooks_finish(CORD_TWILIO_CLIENT(source), result, &error))
    answer_webhooks(webhooks);
  else
    cord_api_answer_twilio_error(webhooks->exchange, error);
  free_webhooks(webhooks);
}

static void
on_number(GObject *source, GAsyncResult *result, gpointer data)
{
  Webhooks *webhooks = data;
  CordApi *api = webhooks->api;
  g_autoptr(GError) error = NULL;
  g_autofree gchar *json = cord_resource_row_finish(CORD_STORE(source), result, &error);
  g_autoptr(JsonObject) row = json ? cord_json_parse_object(json, -1, NULL) : NULL;
  const gchar *number = row ? cord_json_peek_string(row, "number", NULL) : NULL;
  CordTwilioAccount account;

  if (!json) {
    cord_api_answer_error(webhooks->exchange, error);
  } else if (!webhooks->set) {
    answer_webhooks(webhooks);
  } else if (!cord_api_find_account(api, number, &account)) {
    cord_exchange_problem(webhooks->exchange, 409,
                          "There are no credentials for %s: give the number an account_sid and an "
                          "auth_token, or set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.",
                          number);
  } else {
    cord_twilio_client_set_webhooks_async(api->twilio, &account, number, webhooks->voice_url,
                                          webhooks->status_callback, NULL, on_webhooks_set,
                                          webhooks);
    return;
  }
  free_webhooks(webhooks);
}

static void
ask_webhooks(CordApi *api, CordExchange *exchange, gboolean set)
{
  Webhooks *webhooks = g_new0(Webhooks, 1);

  webhooks->api = api;
  webhooks->set = set;
  webhooks->exchange = cord_exchange_hold(exchange);
  webhooks->voice_url = cord_api_public_url(api, exchange, "/api/twilio/incoming", FALSE);
  webhooks->status_callback = cord_api_public_url(api, exchange, "/api/twilio/status", FALSE);
  webhooks->stream_url = cord_api_public_url(api, exchange, "/ws/voice-twilio", TRUE);
  cord_resource_get_async(&cord_resource_phone_numbers, api->store, exchange->parameters[0], NULL,
                          on_number, webhooks);
}

static void
get_webhooks_handler(CordExchange *exchange, gpointer data)
{
  ask_webhooks(data, exchange, FALSE);
}

static void
set_webhooks_handler(CordExchange *exchange, gpointer data)
{
  ask_webhooks(data, exchange, TRUE);
}

/**
 * cord_api_numbers_add:
 * @api: the API
 *
 * Adds what phone numbers have besides their rows.
 */
void
cord_api_numbers_add(CordApi *api)
{
  cord_openapi_bind(api->openapi, "getWebhooks", get_webhooks_handler, api);
  cord_openapi_bind(api->openapi, "setWebhooks", set_webhooks_handler, api);
}
