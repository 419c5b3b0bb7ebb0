/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-api-private.h"
#include "cord-api-sse.h"
#include "cord-json.h"

/* Seeing: the counters, and the events of all calls as they happen. */

static void
metrics_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  const gchar *accept = cord_exchange_get_header(exchange, "Accept");
  g_autofree gchar *text = NULL;
  g_autoptr(JsonObject) object = NULL;

  if (accept && strstr(accept, "application/json")) {
    object = cord_stats_to_json(api->stats);
    text = cord_json_print_object(object);
    cord_exchange_answer(exchange, 200, "application/json", text);
    return;
  }
  text = cord_stats_to_prometheus(api->stats);
  cord_exchange_answer(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", text);
}

typedef struct {
  CordApi *api;
  CordSse *sse;
  guint watch;
  guint neighbours_watch;
} Listener;

static void
on_event(const gchar *call_id, const gchar *name, const gchar *json, gpointer data)
{
  Listener *listener = data;
  /* {"call_id": …} in front of the event's own members */
  g_autofree gchar *text =
      g_strdup_printf("{\"call_id\":\"%s\"%s%s", call_id, json[1] == '}' ? "" : ",", json + 1);

  cord_sse_send(listener->sse, name, text);
}

static void
on_gone(gpointer data)
{
  Listener *listener = data;

  cord_call_registry_unwatch(listener->api->calls, listener->watch);
  if (listener->neighbours_watch)
    cord_neighbours_unwatch(listener->api->neighbours, listener->neighbours_watch);
  g_free(listener);
}

static void
events_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  Listener *listener = g_new0(Listener, 1);

  listener->api = api;
  listener->sse = cord_sse_begin(
      exchange, (guint)cord_config_get_int(api->config, "http.heartbeat"), on_gone, listener);
  listener->watch = cord_call_registry_watch(api->calls, on_event, listener);
  if (api->neighbours)
    listener->neighbours_watch = cord_neighbours_watch(api->neighbours, on_event, listener);
}

/**
 * cord_api_events_add:
 * @api: the API
 *
 * Adds the counters and the stream of all events.
 */
void
cord_api_events_add(CordApi *api)
{
  cord_openapi_bind(api->openapi, "getMetrics", metrics_handler, api);
  cord_openapi_bind(api->openapi, "followAll", events_handler, api);
}
