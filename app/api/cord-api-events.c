/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-api-private.h"
#include "cord-json.h"

/* Seeing: the counters, and the events of all calls as they happen. */

#define HEARTBEAT ": still there\n\n"
#define MAX_BEHIND (1024 * 1024) /* bytes that a listener may leave unread */

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
  SoupServerMessage *message;
  guint watch;
  guint neighbours_watch;
  guint heartbeat;
  gsize behind; /* bytes that were not written yet */
} Listener;

static void
send_text(Listener *listener, const gchar *text)
{
  gsize length = strlen(text);

  /* who does not listen must not be waited for, nor remembered without end */
  if (listener->behind + length > MAX_BEHIND)
    return;
  listener->behind += length;
  soup_message_body_append(soup_server_message_get_response_body(listener->message),
                           SOUP_MEMORY_COPY, text, length);
  soup_server_message_unpause(listener->message);
}

static void
on_event(const gchar *call_id, const gchar *name, const gchar *json, gpointer data)
{
  g_autofree gchar *text = NULL;

  /* {"call_id": …} in front of the event's own members */
  text = g_strdup_printf("event: %s\ndata: {\"call_id\":\"%s\"%s%s\n\n", name, call_id,
                         json[1] == '}' ? "" : ",", json + 1);
  send_text(data, text);
}

static gboolean
on_heartbeat(gpointer data)
{
  send_text(data, HEARTBEAT);
  return G_SOURCE_CONTINUE;
}

static void
on_wrote(SoupServerMessage *message, guint length, gpointer data)
{
  Listener *listener = data;

  listener->behind -= MIN(listener->behind, length);
}

static void
on_gone(SoupServerMessage *message, gpointer data)
{
  Listener *listener = data;

  g_clear_handle_id(&listener->heartbeat, g_source_remove);
  cord_call_registry_unwatch(listener->api->calls, listener->watch);
  if (listener->neighbours_watch)
    cord_neighbours_unwatch(listener->api->neighbours, listener->neighbours_watch);
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
  Listener *listener = g_new0(Listener, 1);

  listener->api = api;
  listener->message = message;
  soup_server_message_set_status(message, 200, NULL);
  soup_message_headers_set_encoding(headers, SOUP_ENCODING_CHUNKED);
  soup_message_headers_set_content_type(headers, "text/event-stream", NULL);
  soup_message_headers_replace(headers, "Cache-Control", "no-cache");
  soup_message_body_set_accumulate(soup_server_message_get_response_body(message), FALSE);
  g_signal_connect_data(message, "finished", G_CALLBACK(on_gone), listener, free_listener, 0);
  g_signal_connect(message, "wrote-body-data", G_CALLBACK(on_wrote), listener);
  send_text(listener, ": connected\n\n");
  listener->watch = cord_call_registry_watch(api->calls, on_event, listener);
  if (api->neighbours)
    listener->neighbours_watch = cord_neighbours_watch(api->neighbours, on_event, listener);
  listener->heartbeat = g_timeout_add_seconds(
      (guint)cord_config_get_int(api->config, "http.heartbeat"), on_heartbeat, listener);
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
