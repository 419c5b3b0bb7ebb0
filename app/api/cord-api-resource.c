/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-api-private.h"
#include "cord-json.h"

/* Rows of a table as a resource: the same five operations for each, see cord-resources.c. */

#define DELETED 0 /* a status that is none */

/* What is done to a body before it is written; FALSE when the request was answered. */
typedef gboolean (*Prepare)(CordApi *api, CordExchange *exchange);

typedef struct {
  CordApi *api;
  const CordResource *resource;
  Prepare prepare;
} Door;

/* One request under way. */
typedef struct {
  CordApi *api;
  CordExchange *exchange;
  const CordResource *resource;
  guint status; /* when it goes well */
  gchar *json;  /* what was written */
} Asking;

/**
 * cord_api_answer_error:
 * @exchange: a request
 * @error: what the store said
 *
 * Answers with the problem document that fits.
 */
void
cord_api_answer_error(CordExchange *exchange, const GError *error)
{
  static const struct {
    CordStoreError code;
    guint status;
  } table[] = {
    { CORD_STORE_ERROR_NOT_FOUND, 404 }, { CORD_STORE_ERROR_CONSTRAINT, 409 },
    { CORD_STORE_ERROR_CHANGED, 412 },   { CORD_STORE_ERROR_INVALID, 422 },
    { CORD_STORE_ERROR_BUSY, 503 },      { CORD_STORE_ERROR_UNAVAILABLE, 503 },
  };
  guint status = 500;

  for (guint i = 0; i < G_N_ELEMENTS(table); i++)
    if (g_error_matches(error, CORD_STORE_ERROR, (gint)table[i].code))
      status = table[i].status;
  if (status == 503)
    cord_exchange_set_header(exchange, "Retry-After", "5");
  if (status == 409)
    cord_exchange_problem(exchange, status,
                          "There is one of that name already, or it refers to something that "
                          "does not exist.");
  else if (status >= 500)
    /* what the engine says may show how it is built; the log has it */
    g_warning("request %s: %s", exchange->id, error->message);
  if (status >= 500)
    cord_exchange_problem(exchange, status, "The store does not answer now; try again later.");
  else if (status != 409)
    cord_exchange_problem(exchange, status, "%s.", error->message);
}

/**
 * cord_api_answer_tagged:
 * @exchange: a request
 * @status: the status
 * @json: a row
 * @etag: its entity tag
 *
 * The same as cord_api_answer_row() where the ETag is known.
 */
void
cord_api_answer_tagged(CordExchange *exchange, guint status, const gchar *json, const gchar *etag)
{
  const gchar *known = cord_exchange_get_header(exchange, "If-None-Match");

  cord_exchange_set_header(exchange, "ETag", etag);
  if (status == 200 && known && strstr(known, etag))
    cord_exchange_answer(exchange, 304, NULL, NULL);
  else
    cord_exchange_answer(exchange, status, "application/json", json);
}

/**
 * cord_api_answer_row:
 * @exchange: a request
 * @status: the status
 * @json: a row
 *
 * Answers with the row and its ETag, or with 304 when the client has it.
 */
void
cord_api_answer_row(CordExchange *exchange, guint status, const gchar *json)
{
  g_autofree gchar *etag = cord_resource_etag(json);

  cord_api_answer_tagged(exchange, status, json, etag);
}

static Asking *
asking_new(Door *door, CordExchange *exchange, guint status)
{
  Asking *asking = g_new0(Asking, 1);

  asking->api = door->api;
  asking->exchange = cord_exchange_hold(exchange);
  asking->resource = door->resource;
  asking->status = status;
  return asking;
}

static void
asking_free(Asking *asking)
{
  cord_exchange_release(asking->exchange);
  g_free(asking->json);
  g_free(asking);
}

static void
list_handler(CordExchange *exchange, gpointer data)
{
  Door *door = data;

  cord_api_read(door->api, door->resource, exchange, TRUE);
}

static void
set_location(Asking *asking)
{
  g_autoptr(JsonObject) row = cord_json_parse_object(asking->json, -1, NULL);
  g_autofree gchar *location =
      g_strconcat(asking->exchange->path, "/", cord_json_peek_string(row, "id", ""), NULL);

  cord_exchange_set_header(asking->exchange, "Location", location);
}

static gboolean
answer_written(gpointer data)
{
  Asking *asking = data;

  if (asking->status == 201)
    set_location(asking);
  if (asking->status == DELETED)
    cord_exchange_answer(asking->exchange, 200, "application/json", "{\"deleted\": true}");
  else
    cord_api_answer_row(asking->exchange, asking->status, asking->json);
  asking_free(asking);
  return G_SOURCE_REMOVE;
}

/* Who is told that something was written may rely on it: the next call is answered so. */
static void
on_written(GObject *source, GAsyncResult *result, gpointer data)
{
  Asking *asking = data;
  g_autoptr(GError) error = NULL;

  asking->json = cord_resource_row_finish(CORD_STORE(source), result, &error);
  if (!asking->json) {
    cord_api_answer_error(asking->exchange, error);
    asking_free(asking);
  } else if (asking->resource == &cord_resource_agents ||
             asking->resource == &cord_resource_phone_numbers) {
    cord_directory_refresh(asking->api->directory, answer_written, asking);
  } else {
    answer_written(asking);
  }
}

static void
get_handler(CordExchange *exchange, gpointer data)
{
  Door *door = data;

  cord_api_read(door->api, door->resource, exchange, FALSE);
}

/**
 * cord_api_read_idempotency_key:
 * @exchange: a request
 * @key: (out) (transfer none) (nullable): its Idempotency-Key
 *
 * Returns: whether it is good or missing; if not, it was answered
 */
gboolean
cord_api_read_idempotency_key(CordExchange *exchange, const gchar **key)
{
  *key = cord_exchange_get_header(exchange, "Idempotency-Key");
  if (*key == NULL || (strlen(*key) <= MAX_IDEMPOTENCY_KEY && g_utf8_validate(*key, -1, NULL)))
    return TRUE;
  cord_exchange_problem(exchange, 422, "The Idempotency-Key is too long.");
  return FALSE;
}

static void
create_handler(CordExchange *exchange, gpointer data)
{
  Door *door = data;
  const gchar *key;

  if (!cord_api_read_idempotency_key(exchange, &key) ||
      (door->prepare && !door->prepare(door->api, exchange)))
    return;
  cord_resource_create_async(door->resource, door->api->store, exchange->body, key, NULL,
                             on_written, asking_new(door, exchange, 201));
}

static void
update_handler(CordExchange *exchange, gpointer data)
{
  Door *door = data;

  if (door->prepare && !door->prepare(door->api, exchange))
    return;
  cord_resource_update_async(door->resource, door->api->store, exchange->parameters[0],
                             exchange->body, cord_exchange_get_header(exchange, "If-Match"), NULL,
                             on_written, asking_new(door, exchange, 200));
}

static void
delete_handler(CordExchange *exchange, gpointer data)
{
  Door *door = data;

  cord_resource_delete_async(door->resource, door->api->store, exchange->parameters[0],
                             cord_exchange_get_header(exchange, "If-Match"), NULL, on_written,
                             asking_new(door, exchange, DELETED));
}

static Door *
door_new(CordApi *api, const CordResource *resource)
{
  Door *door = g_new0(Door, 1);

  door->api = api;
  door->resource = resource;
  g_ptr_array_add(api->doors, door);
  return door;
}

static void
bind(CordApi *api, const gchar *verb, const gchar *name, CordHandler handler, Door *door)
{
  g_autofree gchar *operation = g_strconcat(verb, name, NULL);

  cord_openapi_bind(api->openapi, operation, handler, door);
}

/**
 * cord_api_resources_add:
 * @api: the API
 *
 * Adds the resources that are no more than rows of a table.
 */
void
cord_api_resources_add(CordApi *api)
{
  static const struct {
    const CordResource *resource;
    const gchar *one, *plural;
    Prepare prepare;
  } table[] = {
    { &cord_resource_agents, "Agent", "Agents" },
    { &cord_resource_system_prompts, "SystemPrompt", "SystemPrompts" },
    { &cord_resource_custom_functions, "CustomFunction", "CustomFunctions" },
    { &cord_resource_customers, "Customer", "Customers" },
    { &cord_resource_phone_numbers, "PhoneNumber", "PhoneNumbers", cord_api_seal_credentials },
    { &cord_resource_webhooks, "Webhook", "Webhooks", cord_api_seal_webhook },
  };
  Door *calls = door_new(api, &cord_resource_calls);
  Door *conversations = door_new(api, &cord_resource_sessions);
  Door *deliveries = door_new(api, &cord_resource_webhook_deliveries);

  for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
    Door *door = door_new(api, table[i].resource);

    door->prepare = table[i].prepare;
    bind(api, "list", table[i].plural, list_handler, door);
    bind(api, "create", table[i].one, create_handler, door);
    bind(api, "get", table[i].one, get_handler, door);
    bind(api, "update", table[i].one, update_handler, door);
    bind(api, "delete", table[i].one, delete_handler, door);
  }
  bind(api, "list", "Conversations", list_handler, conversations);
  bind(api, "get", "Conversation", get_handler, conversations);
  bind(api, "delete", "Conversation", delete_handler, conversations);
  bind(api, "list", "Calls", list_handler, calls);
  bind(api, "delete", "Call", delete_handler, calls);
  bind(api, "list", "WebhookDeliveries", list_handler, deliveries);
  bind(api, "get", "WebhookDelivery", get_handler, deliveries);
}
