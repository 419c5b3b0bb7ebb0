/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-api-private.h"
#include "cord-arrival.h"
#include "cord-error.h"
#include "cord-json.h"
#include "cord-voice-sockets.h"
#include "cord-websocket-server.h"

/* Callers who come with a browser, and the sockets that are open. */

/* Before anything is made of a request: a record of a call that cannot be one helps nobody. */
static gboolean
check_handshake(CordExchange *exchange)
{
  g_autoptr(GError) error = NULL;

  if (soup_websocket_server_check_handshake(exchange->message, NULL, NULL, NULL, &error))
    return TRUE;
  cord_exchange_problem(exchange, 400, "A WebSocket is wanted here: %s.", error->message);
  return FALSE;
}

static void
answer_refusal(CordExchange *exchange, const GError *error)
{
  gboolean busy = g_error_matches(error, CORD_ERROR, CORD_ERROR_QUOTA);
  gboolean unknown = g_error_matches(error, CORD_ERROR, CORD_ERROR_NOT_FOUND);

  if (busy)
    cord_exchange_set_header(exchange, "Retry-After", "5");
  cord_exchange_problem(exchange, unknown ? 404 : 503, "No call can come here: %s.",
                        error->message);
}

/* A call from a browser */

static void
on_taken(CordWebsocket *websocket, gpointer data)
{
  cord_arrival_take(data, websocket);
}

static void
browser_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  g_autoptr(GError) error = NULL;
  CordAdmission *admission;
  CordArrival *arrival = NULL;

  if (!check_handshake(exchange))
    return;
  admission = cord_call_registry_admit_browser(
      api->calls, cord_exchange_get_query(exchange, "agent_id"), &error);
  if (admission)
    arrival = cord_call_registry_expect_stream(api->calls, admission->call_id, &error);
  if (arrival == NULL) {
    answer_refusal(exchange, error);
    return;
  }
  cord_websocket_server_take(exchange->message, cord_arrival_get_worker(arrival), on_taken, arrival,
                             (GDestroyNotify)cord_arrival_free);
}

/* A conversation by messages */

static gboolean
read_options(CordExchange *exchange, CordVoiceSocketOptions *options)
{
  const gchar *format = cord_exchange_get_query(exchange, "format");
  const gchar *persona = cord_exchange_get_query(exchange, "persona");

  *options = (CordVoiceSocketOptions){
    .session_id = exchange->parameters[0],
    .agent_id = cord_exchange_get_query(exchange, "agent_id"),
    .persona = persona,
    .format = CORD_AUDIO_MP3,
  };
  if (persona && !cord_persona_find(persona)) {
    cord_exchange_problem(exchange, 422,
                          "There is no persona of that name; GET /personas lists them.");
    return FALSE;
  }
  return !format || cord_audio_format_find(format, &options->format);
}

/* Calls come first: they do not count these, these count them. */
static gboolean
check_room(CordApi *api, GError **error)
{
  guint max = (guint)cord_config_get_int(api->config, "server.max-calls");

  if (!cord_call_registry_check_room(api->calls, error))
    return FALSE;
  if (max == 0 ||
      cord_call_registry_get_count(api->calls) + cord_voice_sockets_get_count(api->sockets) < max)
    return TRUE;
  g_set_error(error, CORD_ERROR, CORD_ERROR_QUOTA, "all %u lines are busy", max);
  return FALSE;
}

static void
voice_agent_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  g_autoptr(GError) error = NULL;
  CordVoiceSocketOptions options;

  if (!read_options(exchange, &options) || !check_handshake(exchange))
    return;
  if (!check_room(api, &error)) {
    answer_refusal(exchange, error);
    return;
  }
  if (cord_voice_sockets_has(api->sockets, options.session_id)) {
    cord_exchange_problem(exchange, 409, "This conversation has a socket already.");
    return;
  }
  cord_voice_sockets_take(api->sockets, exchange->message, &options);
}

/* What is open */

static void
add_socket(JsonArray *array, const gchar *id, const gchar *kind, const gchar *agent, gint64 time)
{
  JsonObject *object = json_object_new();
  g_autoptr(GDateTime) since = g_date_time_new_from_unix_utc(time / G_USEC_PER_SEC);
  g_autofree gchar *text = g_date_time_format_iso8601(since);

  json_object_set_string_member(object, "session_id", id);
  json_object_set_string_member(object, "kind", kind);
  if (agent)
    json_object_set_string_member(object, "agent", agent);
  else
    json_object_set_null_member(object, "agent");
  json_object_set_string_member(object, "connected_at", text);
  json_array_add_object_element(array, object);
}

static void
add_voice_socket(const gchar *id, const gchar *agent, gint64 time, gpointer data)
{
  add_socket(data, id, "voice-agent", agent, time);
}

static void
status_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  g_autoptr(GPtrArray) calls = cord_call_registry_list_streaming(api->calls);
  g_autoptr(JsonObject) object = json_object_new();
  JsonArray *sessions = json_array_new();
  g_autofree gchar *text = NULL;

  for (guint i = 0; i < calls->len; i++) {
    const CordAdmission *call = calls->pdata[i];

    add_socket(sessions, call->call_id, cord_admission_is_browser(call) ? "browser" : "phone",
               call->agent->name, call->time);
  }
  cord_voice_sockets_foreach(api->sockets, add_voice_socket, sessions);
  json_object_set_int_member(object, "active_connections", json_array_get_length(sessions));
  json_object_set_array_member(object, "sessions", sessions);
  text = cord_json_print_object(object);
  cord_exchange_answer(exchange, 200, "application/json", text);
}

static void
disconnect_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  const gchar *id = exchange->parameters[0];
  g_autoptr(JsonObject) object = NULL;
  g_autofree gchar *text = NULL;

  if (!cord_call_registry_hang_up(api->calls, id, "disconnected") &&
      !cord_voice_sockets_disconnect(api->sockets, id)) {
    cord_exchange_problem(exchange, 404,
                          "No socket of that name is open; GET /ws/status lists them.");
    return;
  }
  object = json_object_new();
  json_object_set_boolean_member(object, "disconnected", TRUE);
  json_object_set_string_member(object, "session_id", id);
  text = cord_json_print_object(object);
  cord_exchange_answer(exchange, 200, "application/json", text);
}

/**
 * cord_api_sockets_add:
 * @api: the API
 *
 * Adds browsers' calls, conversations by messages, and what tells of and closes them.
 */
void
cord_api_sockets_add(CordApi *api)
{
  cord_openapi_bind(api->openapi, "voiceBrowser", browser_handler, api);
  cord_openapi_bind(api->openapi, "voiceAgentSocket", voice_agent_handler, api);
  cord_openapi_bind(api->openapi, "listSockets", status_handler, api);
  cord_openapi_bind(api->openapi, "disconnectSocket", disconnect_handler, api);
}
