/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "cord-api-private.h"

typedef struct {
  gint64 started_us;
} Service;

static void
index_handler(CordExchange *exchange, gpointer data)
{
  cord_exchange_answer(exchange, 200, "application/json",
                       "{\"status\":\"ok\",\"service\":\"Voice AI Platform\"}");
}

/* What two kinds of clients look for: the word, and the truth with its age. */
static void
health_handler(CordExchange *exchange, gpointer data)
{
  const Service *service = data;
  gint64 age_us = g_get_monotonic_time() - service->started_us;
  JsonNode *node = json_node_new(JSON_NODE_OBJECT);
  JsonObject *object = json_object_new();

  json_object_set_string_member(object, "status", "healthy");
  json_object_set_boolean_member(object, "ok", TRUE);
  json_object_set_string_member(object, "version", PACKAGE_VERSION);
  json_object_set_double_member(object, "uptime", (gdouble)(age_us / 1000) / 1000.0);
  json_node_take_object(node, object);
  cord_exchange_answer_json(exchange, 200, node);
}

typedef struct {
  CordApi *api;
  CordExchange *exchange;
} Ready;

/* What a server lacks, by what it found when it looked last. */
static JsonArray *
list_missing(CordApi *api, const GError *store_error)
{
  JsonArray *what = json_array_new();
  GPtrArray *checks = cord_checkup_get_checks(api->checkup);
  const GError *pipelines_error = cord_call_registry_get_error(api->calls);
  g_autofree gchar *trouble = cord_journal_dup_trouble(api->journal);

  if (store_error)
    json_array_add_string_element(what, store_error->message);
  else if (trouble)
    json_array_add_string_element(what, trouble);
  if (pipelines_error)
    json_array_add_string_element(what, pipelines_error->message);
  for (guint i = 0; i < checks->len; i++) {
    const CordCheck *check = checks->pdata[i];
    g_autofree gchar *line = g_strdup_printf("%s %s: %s", check->area, check->name, check->detail);

    if (check->state == CORD_CHECK_FAILED)
      json_array_add_string_element(what, line);
  }
  if (cord_call_registry_get_draining(api->calls))
    json_array_add_string_element(what, "the server is shutting down");
  return what;
}

static void
on_ping(GObject *source, GAsyncResult *result, gpointer data)
{
  Ready *ready = data;
  g_autoptr(GError) error = NULL;
  JsonNode *node = json_node_new(JSON_NODE_OBJECT);
  JsonObject *object = json_object_new();
  JsonArray *missing;
  gboolean all;

  cord_store_ping_finish(CORD_STORE(source), result, &error);
  missing = list_missing(ready->api, error);
  all = json_array_get_length(missing) == 0;
  json_node_take_object(node, object);
  json_object_set_boolean_member(object, "ready", all);
  if (all)
    json_array_unref(missing);
  else
    json_object_set_array_member(object, "missing", missing);
  cord_exchange_answer_json(ready->exchange, all ? 200 : 503, node);
  cord_exchange_release(ready->exchange);
  g_free(ready);
}

static void
ready_handler(CordExchange *exchange, gpointer data)
{
  Ready *ready = g_new0(Ready, 1);

  ready->api = data;
  ready->exchange = cord_exchange_hold(exchange);
  cord_store_ping_async(ready->api->store, NULL, on_ping, ready);
}

static void
document_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  GBytes *document = cord_openapi_get_document(api->openapi);
  g_autofree gchar *text = g_strndup(g_bytes_get_data(document, NULL), g_bytes_get_size(document));

  cord_exchange_answer(exchange, 200, "application/json", text);
}

/**
 * cord_api_index_add:
 * @api: the API
 *
 * Adds what the service says of itself.
 */
void
cord_api_index_add(CordApi *api)
{
  Service *service = g_new0(Service, 1);

  service->started_us = g_get_monotonic_time();
  g_ptr_array_add(api->doors, service);
  cord_openapi_bind(api->openapi, "getIndex", index_handler, api);
  cord_openapi_bind(api->openapi, "getHealth", health_handler, service);
  cord_openapi_bind(api->openapi, "getReady", ready_handler, api);
  cord_openapi_bind(api->openapi, "getOpenapi", document_handler, api);
}
