/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-api-private.h"
#include "cord-json.h"

/* What a page has to know of who uses it, and how it keeps a key that its scripts cannot read. */

static const gchar *const all_scopes[] = { "read", "write", "call", "admin", NULL };

static void
answer_session(CordExchange *exchange, const CordKey *key)
{
  JsonNode *node = json_node_new(JSON_NODE_OBJECT);
  JsonObject *object = json_object_new();
  JsonArray *scopes = json_array_new();

  for (guint i = 0; all_scopes[i]; i++)
    if (key == NULL || cord_key_allows(key, all_scopes[i]))
      json_array_add_string_element(scopes, all_scopes[i]);
  json_object_set_boolean_member(object, "local", cord_exchange_is_local(exchange));
  json_object_set_array_member(object, "scopes", scopes);
  json_node_take_object(node, object);
  cord_exchange_answer_json(exchange, 200, node);
}

static void
get_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  g_autofree gchar *text = cord_access_dup_key(exchange);
  const CordKey *key = NULL;

  if (text && !(key = cord_access_try_key(api->access, exchange, text)))
    return;
  if (key || cord_exchange_is_local(exchange)) {
    answer_session(exchange, key);
    return;
  }
  cord_exchange_set_header(exchange, "WWW-Authenticate", "Bearer");
  cord_exchange_problem(exchange, 401, "Nobody is signed in: POST an API key here.");
}

static void
create_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  const gchar *text = cord_json_peek_string(exchange->body, "key", "");
  const CordKey *key = cord_access_try_key(api->access, exchange, text);

  if (key == NULL)
    return;
  cord_access_set_cookie(exchange, text);
  answer_session(exchange, key);
}

static void
delete_handler(CordExchange *exchange, gpointer data)
{
  cord_access_set_cookie(exchange, NULL);
  cord_exchange_answer(exchange, 200, "application/json", "{\"deleted\": true}");
}

/**
 * cord_api_session_add:
 * @api: the API
 *
 * Adds the session of a browser.
 */
void
cord_api_session_add(CordApi *api)
{
  cord_openapi_bind(api->openapi, "getSession", get_handler, api);
  cord_openapi_bind(api->openapi, "createSession", create_handler, api);
  cord_openapi_bind(api->openapi, "deleteSession", delete_handler, api);
}
