/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-api-private.h"

#define HEARTBEAT ": still there\n\n"

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
  SoupServerMessage *message;
  guint subscription;
  guint heartbeat;
  gboolean ended;
} Listener;

/* A call in which nobody speaks is still a call: proxies and clients must not think otherwise. */
static gboolean
on_heartbeat(gpointer data)
{
  Listener *listener = data;

  soup_message_body_append(soup_server_message_get_response_body(listener->message),
                           SOUP_MEMORY_STATIC, HEARTBEAT, strlen(HEARTBEAT));
  soup_server_message_unpause(listener->message);
  return G_SOURCE_CONTINUE;
}

static void
on_event(const gchar *call_id, const gchar *name, const gchar *json, gpointer data)
{
  Listener *listener = data;
  SoupMessageBody *body = soup_server_message_get_response_body(listener->message);
  g_autofree gchar *text = g_strdup_printf("event: %s\ndata: %s\n\n", name, json);

  if (listener->ended)
    return;
  soup_message_body_append(body, SOUP_MEMORY_COPY, text, strlen(text));
  if (g_str_equal(name, "call-ended")) {
    listener->ended = TRUE;
    g_clear_handle_id(&listener->heartbeat, g_source_remove);
    soup_message_body_complete(body);
  }
  soup_server_message_unpause(listener->message);
}

static void
on_listener_gone(SoupServerMessage *message, gpointer data)
{
  Listener *listener = data;

  listener->ended = TRUE;
  g_clear_handle_id(&listener->heartbeat, g_source_remove);
  if (listener->subscription)
    cord_call_registry_unsubscribe(listener->api->calls, listener->subscription);
}

static void
free_listener(gpointer data, GClosure *closure)
{
  g_free(data);
}

static void
events_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  SoupServerMessage *message = exchange->message;
  SoupMessageHeaders *headers = soup_server_message_get_response_headers(message);
  Listener *listener;

  listener = g_new0(Listener, 1);
  listener->api = api;
  listener->message = message;
  soup_server_message_set_status(message, 200, NULL);
  soup_message_headers_set_encoding(headers, SOUP_ENCODING_CHUNKED);
  soup_message_headers_set_content_type(headers, "text/event-stream", NULL);
  soup_message_headers_replace(headers, "Cache-Control", "no-cache");
  soup_message_body_set_accumulate(soup_server_message_get_response_body(message), FALSE);
  g_signal_connect_data(message, "finished", G_CALLBACK(on_listener_gone), listener, free_listener,
                        0);
  listener->subscription =
      cord_call_registry_subscribe(api->calls, exchange->parameters[0], on_event, listener, NULL);
  if (listener->subscription == 0) {
    listener->ended = TRUE;
    soup_message_headers_set_encoding(headers, SOUP_ENCODING_CONTENT_LENGTH);
    cord_exchange_problem(exchange, 404, "There is no running call %s.", exchange->parameters[0]);
  } else if (!listener->ended) {
    listener->heartbeat = g_timeout_add_seconds(
        (guint)cord_config_get_int(api->config, "http.heartbeat"), on_heartbeat, listener);
  }
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
