/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-api-private.h"
#include "cord-error.h"
#include "cord-json.h"
#include "cord-twiml-writer.h"

/* Calls that we place, and what is done to running calls through the carrier. */

#define MAX_FORM 40 /* names and values of a request to the carrier */

typedef struct {
  CordApi *api;
  CordExchange *exchange;
  gchar *call_id;
} Asking;

static Asking *
asking_new(CordApi *api, CordExchange *exchange, const gchar *call_id)
{
  Asking *asking = g_new0(Asking, 1);

  asking->api = api;
  asking->exchange = cord_exchange_hold(exchange);
  asking->call_id = g_strdup(call_id);
  return asking;
}

static void
asking_free(Asking *asking)
{
  cord_exchange_release(asking->exchange);
  g_free(asking->call_id);
  g_free(asking);
}

/* Placing */

/* The number that the callee sees: asked for, the agent's, or the one in the settings. It is one of
 * ours: nobody may call in the name of another. */
static gboolean
find_from(CordApi *api, CordExchange *exchange, const gchar *agent_id, const gchar **from)
{
  const gchar *asked = cord_json_peek_string(exchange->body, "from_number", NULL);
  const gchar *configured = cord_config_get_string(api->config, "twilio.phone-number");

  *from = asked ? asked : cord_directory_find_number_of(api->directory, agent_id);
  if (*from == NULL)
    *from = configured;
  if (*from == NULL) {
    cord_exchange_problem(exchange, 409,
                          "There is no number to call from: register one, or set "
                          "TWILIO_PHONE_NUMBER.");
    return FALSE;
  }
  if (cord_directory_find_number(api->directory, *from) == NULL &&
      g_strcmp0(*from, configured) != 0) {
    cord_exchange_problem(exchange, 422, "from_number %s is not one of ours; register it first.",
                          *from);
    return FALSE;
  }
  return TRUE;
}

static void
on_call_row(GObject *source, GAsyncResult *result, gpointer data)
{
  Asking *asking = data;
  g_autoptr(GError) error = NULL;
  g_autofree gchar *json = cord_resource_row_finish(CORD_STORE(source), result, &error);

  if (json)
    cord_api_answer_row(asking->exchange, 201, json);
  else
    cord_api_answer_error(asking->exchange, error);
  asking_free(asking);
}

static void
on_drained(GObject *source, GAsyncResult *result, gpointer data)
{
  Asking *asking = data;

  cord_journal_drain_finish(CORD_JOURNAL(source), result, NULL);
  cord_resource_get_async(&cord_resource_calls, asking->api->store, asking->call_id, NULL,
                          on_call_row, asking);
}

static void
on_placed(GObject *source, GAsyncResult *result, gpointer data)
{
  Asking *asking = data;
  CordApi *api = asking->api;
  g_autoptr(GError) error = NULL;
  g_autoptr(JsonObject) answer =
      cord_twilio_client_ask_finish(CORD_TWILIO_CLIENT(source), result, &error);
  CordOutboundCall *call = cord_outbound_find(api->outbound, asking->call_id);
  const gchar *sid = answer ? cord_json_peek_string(answer, "sid", NULL) : NULL;

  if (sid == NULL) {
    if (call)
      cord_outbound_fail(api->outbound, call, "carrier-refused");
    if (answer)
      cord_exchange_problem(asking->exchange, 502, "Twilio's answer names no call.");
    else
      cord_api_answer_twilio_error(asking->exchange, error);
    asking_free(asking);
    return;
  }
  if (call)
    cord_outbound_set_sid(api->outbound, call, sid);
  cord_journal_drain_async(api->journal, NULL, on_drained, asking);
}

static void
add(GPtrArray *form, const gchar *name, gchar *value)
{
  g_ptr_array_add(form, g_strdup(name));
  g_ptr_array_add(form, value);
}

static gchar *
callback(CordApi *api, CordExchange *exchange, const gchar *what, const gchar *call_id)
{
  g_autofree gchar *path = g_strdup_printf("/api/twilio/%s/%s", what, call_id);

  return cord_api_public_url(api, exchange, path, FALSE);
}

static GPtrArray *
make_form(CordApi *api, CordExchange *exchange, const CordOutboundCall *call)
{
  static const gchar *const events[] = { "initiated", "ringing", "answered", "completed" };
  GPtrArray *form = g_ptr_array_new_full(MAX_FORM, g_free);
  JsonObject *body = exchange->body;
  const gchar *detection = cord_json_peek_string(body, "machine_detection", NULL);

  add(form, "To", g_strdup(call->to));
  add(form, "From", g_strdup(call->from));
  add(form, "Url", callback(api, exchange, "outbound-connect", call->id));
  add(form, "Method", g_strdup("POST"));
  add(form, "StatusCallback", callback(api, exchange, "status", call->id));
  add(form, "StatusCallbackMethod", g_strdup("POST"));
  for (guint i = 0; i < G_N_ELEMENTS(events); i++)
    add(form, "StatusCallbackEvent", g_strdup(events[i]));
  add(form, "Timeout",
      g_strdup_printf("%" G_GINT64_FORMAT, cord_json_peek_int(body, "timeout", 60)));
  if (detection) {
    add(form, "MachineDetection", g_strdup(detection));
    add(form, "AsyncAmd", g_strdup("true"));
    add(form, "AsyncAmdStatusCallback", callback(api, exchange, "amd", call->id));
  }
  if (cord_json_peek_boolean(body, "record", FALSE)) {
    add(form, "Record", g_strdup("true"));
    add(form, "RecordingChannels", g_strdup("dual"));
    add(form, "RecordingStatusCallback", callback(api, exchange, "recording", call->id));
  }
  g_ptr_array_add(form, NULL);
  return form;
}

static void
refuse(CordExchange *exchange, const GError *error)
{
  if (g_error_matches(error, CORD_ERROR, CORD_ERROR_QUOTA)) {
    cord_exchange_set_header(exchange, "Retry-After", "60");
    cord_exchange_problem(exchange, 429, "%s.", error->message);
  } else {
    cord_exchange_problem(exchange, 403, "%s.", error->message);
  }
}

static void
place_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  const gchar *agent_id = cord_json_peek_string(exchange->body, "agent_id", "");
  const gchar *to = cord_json_peek_string(exchange->body, "to_number", "");
  g_autoptr(CordAgent) agent = cord_directory_find_agent(api->directory, agent_id);
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) form = NULL;
  CordTwilioAccount account;
  CordOutboundCall *call;
  const gchar *from;

  if (agent == NULL || !agent->is_active) {
    cord_exchange_problem(exchange, agent ? 409 : 404,
                          agent ? "The agent is not active." : "There is no such agent.");
    return;
  }
  if (!find_from(api, exchange, agent_id, &from))
    return;
  if (!cord_api_find_account(api, from, &account)) {
    cord_exchange_problem(exchange, 409,
                          "There are no credentials for %s: set TWILIO_ACCOUNT_SID and "
                          "TWILIO_AUTH_TOKEN, or give the number its own.",
                          from);
    return;
  }
  call = cord_outbound_place(api->outbound, agent_id, from, to, exchange->key_id, &error);
  if (call == NULL) {
    refuse(exchange, error);
    return;
  }
  call->hang_up_on_machine = cord_json_peek_boolean(exchange->body, "hang_up_on_machine", FALSE);
  form = make_form(api, exchange, call);
  cord_twilio_client_ask_async(api->twilio, &account, "Calls.json",
                               (const gchar *const *)form->pdata, NULL, on_placed,
                               asking_new(api, exchange, call->id));
}

/* Controlling */

static void
answer_done(CordExchange *exchange)
{
  cord_exchange_answer(exchange, 200, "application/json", "{\"ok\": true}");
}

static void
on_done(GObject *source, GAsyncResult *result, gpointer data)
{
  Asking *asking = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(JsonObject) answer =
      cord_twilio_client_ask_finish(CORD_TWILIO_CLIENT(source), result, &error);

  if (answer)
    answer_done(asking->exchange);
  else
    cord_api_answer_twilio_error(asking->exchange, error);
  asking_free(asking);
}

/* Asks the carrier to do something with a call of now. */
static void
ask_carrier(CordApi *api, CordExchange *exchange, const gchar *what, const gchar *const *form)
{
  const gchar *id = exchange->parameters[0];
  CordOutboundCall *outbound = cord_outbound_find(api->outbound, id);
  const gchar *from = outbound ? outbound->from : NULL, *to = NULL;
  const gchar *sid = outbound ? outbound->call_sid : NULL;
  g_autofree gchar *path = NULL;
  CordTwilioAccount account;

  if (sid == NULL)
    sid = cord_call_registry_find_call(api->calls, id, &from, &to);
  if (sid == NULL) {
    cord_exchange_problem(exchange, 404, "There is no running call %s.", id);
    return;
  }
  if (!cord_api_find_account(api, cord_directory_find_number(api->directory, to) ? to : from,
                             &account)) {
    cord_exchange_problem(exchange, 409,
                          "There are no credentials for the carrier: set "
                          "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.");
    return;
  }
  path = g_strconcat("Calls/", sid, what, NULL);
  cord_twilio_client_ask_async(api->twilio, &account, path, form, NULL, on_done,
                               asking_new(api, exchange, NULL));
}

static void
hang_up_handler(CordExchange *exchange, gpointer data)
{
  static const gchar *const cancel[] = { "Status", "canceled", NULL };
  CordApi *api = data;
  const gchar *id = exchange->parameters[0];

  if (cord_call_registry_hang_up(api->calls, id, "api-hangup"))
    answer_done(exchange);
  else
    ask_carrier(api, exchange, ".json", cancel);
}

static void
transfer_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  const gchar *to = cord_json_peek_string(exchange->body, "to_number", "");
  g_autofree gchar *twiml = cord_twiml_dial(to);
  const gchar *form[] = { "Twiml", twiml, NULL };
  g_autoptr(GError) error = NULL;

  if (!cord_dial_policy_check_number(cord_outbound_get_policy(api->outbound), to, &error))
    refuse(exchange, error);
  else
    ask_carrier(api, exchange, ".json", form);
}

static void
record_handler(CordExchange *exchange, gpointer data)
{
  static const struct {
    const gchar *action;
    const gchar *path;
    const gchar *form[3];
  } table[] = {
    { "start", "/Recordings.json", { "RecordingChannels", "dual" } },
    { "stop", "/Recordings/Twilio.CURRENT.json", { "Status", "stopped" } },
    { "pause", "/Recordings/Twilio.CURRENT.json", { "Status", "paused" } },
    { "resume", "/Recordings/Twilio.CURRENT.json", { "Status", "in-progress" } },
  };
  const gchar *action = cord_json_peek_string(exchange->body, "action", "");

  for (guint i = 0; i < G_N_ELEMENTS(table); i++)
    if (g_str_equal(table[i].action, action))
      ask_carrier(data, exchange, table[i].path, table[i].form);
}

/**
 * cord_api_outbound_add:
 * @api: the API
 *
 * Adds what places and controls calls.
 */
void
cord_api_outbound_add(CordApi *api)
{
  cord_openapi_bind(api->openapi, "placeCall", place_handler, api);
  cord_openapi_bind(api->openapi, "hangUpCall", hang_up_handler, api);
  cord_openapi_bind(api->openapi, "transferCall", transfer_handler, api);
  cord_openapi_bind(api->openapi, "recordCall", record_handler, api);
}
