/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-api-private.h"
#include "cord-api-sse.h"

typedef struct {
  CordApi *api;
  CordExchange *exchange;
  gboolean by_sid;
  gboolean functions; /* not the transcript */
} Reading;

static Reading *
reading_new(CordApi *api, CordExchange *exchange)
{
  Reading *reading = g_new0(Reading, 1);

  reading->api = api;
  reading->exchange = cord_exchange_hold(exchange);
  return reading;
}

static void
reading_free(Reading *reading)
{
  cord_exchange_release(reading->exchange);
  g_free(reading);
}

/**
 * cord_api_is_sid:
 * @id: a call
 *
 * Returns: whether it is the carrier's name of it
 */
gboolean
cord_api_is_sid(const gchar *id)
{
  return g_str_has_prefix(id, "CA") && strlen(id) == 34;
}

static void
on_call(GObject *source, GAsyncResult *result, gpointer data)
{
  Reading *reading = data;
  g_autoptr(GError) error = NULL;
  g_autofree gchar *json = cord_resource_row_finish(CORD_STORE(source), result, &error);

  if (json)
    cord_api_answer_row(reading->exchange, 200, json);
  else
    cord_api_answer_error(reading->exchange, error);
  reading_free(reading);
}

static void
on_call_by_sid(GObject *source, GAsyncResult *result, gpointer data)
{
  Reading *reading = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(CordCallRecord) call =
      cord_store_get_call_by_sid_finish(CORD_STORE(source), result, &error);

  if (call) {
    cord_resource_get_async(&cord_resource_calls, CORD_STORE(source), call->id, NULL, on_call,
                            reading);
    return;
  }
  cord_api_answer_error(reading->exchange, error);
  reading_free(reading);
}

static void
get_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  const gchar *id = exchange->parameters[0];

  if (cord_api_is_sid(id))
    cord_store_get_call_by_sid_async(api->store, id, NULL, on_call_by_sid,
                                     reading_new(api, exchange));
  else
    cord_resource_get_async(&cord_resource_calls, api->store, id, NULL, on_call,
                            reading_new(api, exchange));
}

static void
on_transcript(GObject *source, GAsyncResult *result, gpointer data)
{
  Reading *reading = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) entries =
      cord_store_get_transcript_finish(CORD_STORE(source), result, &error);

  if (entries) {
    JsonNode *node = json_node_new(JSON_NODE_ARRAY);
    JsonArray *array = json_array_new();

    for (guint i = 0; i < entries->len; i++)
      json_array_add_object_element(array, cord_transcript_entry_to_json(entries->pdata[i]));
    json_node_take_array(node, array);
    cord_exchange_answer_json(reading->exchange, 200, node);
  } else {
    cord_api_answer_error(reading->exchange, error);
  }
  reading_free(reading);
}

static void
on_functions(GObject *source, GAsyncResult *result, gpointer data)
{
  Reading *reading = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) runs =
      cord_store_get_function_calls_finish(CORD_STORE(source), result, &error);

  if (runs) {
    JsonNode *node = json_node_new(JSON_NODE_ARRAY);
    JsonArray *array = json_array_new();

    for (guint i = 0; i < runs->len; i++)
      json_array_add_object_element(array, cord_function_call_to_json(runs->pdata[i]));
    json_node_take_array(node, array);
    cord_exchange_answer_json(reading->exchange, 200, node);
  } else {
    cord_api_answer_error(reading->exchange, error);
  }
  reading_free(reading);
}

static void
on_call_for_transcript(GObject *source, GAsyncResult *result, gpointer data)
{
  Reading *reading = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(CordCallRecord) call =
      reading->by_sid ? cord_store_get_call_by_sid_finish(CORD_STORE(source), result, &error)
                      : cord_store_get_call_finish(CORD_STORE(source), result, &error);

  if (call) {
    if (reading->functions)
      cord_store_get_function_calls_async(reading->api->store, call->id, NULL, on_functions,
                                          reading);
    else
      cord_store_get_transcript_async(reading->api->store, call->id, NULL, on_transcript, reading);
    return;
  }
  cord_api_answer_error(reading->exchange, error);
  reading_free(reading);
}

static void
read_lines(CordApi *api, CordExchange *exchange, gboolean functions)
{
  const gchar *id = exchange->parameters[0];
  Reading *reading = reading_new(api, exchange);

  reading->functions = functions;
  reading->by_sid = cord_api_is_sid(id);
  if (reading->by_sid)
    cord_store_get_call_by_sid_async(api->store, id, NULL, on_call_for_transcript, reading);
  else
    cord_store_get_call_async(api->store, id, NULL, on_call_for_transcript, reading);
}

static void
transcript_handler(CordExchange *exchange, gpointer data)
{
  read_lines(data, exchange, FALSE);
}

static void
functions_handler(CordExchange *exchange, gpointer data)
{
  read_lines(data, exchange, TRUE);
}

/* Server-sent events: the answer stays open until the call or the client ends. */

typedef struct {
  CordApi *api;
  CordSse *sse;
  guint subscription;
} Listener;

static void
on_event(const gchar *call_id, const gchar *name, const gchar *json, gpointer data)
{
  Listener *listener = data;

  cord_sse_send(listener->sse, name, json);
  if (g_str_equal(name, "call-ended"))
    cord_sse_end(listener->sse);
}

static void
on_gone(gpointer data)
{
  Listener *listener = data;

  cord_call_registry_unsubscribe(listener->api->calls, listener->subscription);
  g_free(listener);
}

static void
events_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  const gchar *id = exchange->parameters[0];
  Listener *listener;

  if (cord_call_registry_find_admission(api->calls, id) == NULL) {
    cord_exchange_problem(exchange, 404, "There is no running call %s.", id);
    return;
  }
  listener = g_new0(Listener, 1);
  listener->api = api;
  listener->sse = cord_sse_begin(
      exchange, (guint)cord_config_get_int(api->config, "http.heartbeat"), on_gone, listener);
  listener->subscription = cord_call_registry_subscribe(api->calls, id, on_event, listener, NULL);
}

/**
 * cord_api_calls_add:
 * @api: the API
 *
 * Adds what is more than a row of calls: transcript, tools, events. A call may be named by the
 * carrier's SID.
 */
void
cord_api_calls_add(CordApi *api)
{
  cord_openapi_bind(api->openapi, "getCall", get_handler, api);
  cord_openapi_bind(api->openapi, "getTranscript", transcript_handler, api);
  cord_openapi_bind(api->openapi, "getFunctionCalls", functions_handler, api);
  cord_openapi_bind(api->openapi, "followCall", events_handler, api);
}
