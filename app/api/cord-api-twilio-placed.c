/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-api-private.h"

/* What Twilio says of calls that we have placed: its addresses name them. */

static CordOutboundCall *
find_placed(CordApi *api, CordExchange *exchange, CordForm *form)
{
  const gchar *sid = cord_form_get(form, "CallSid");
  const gchar *id = exchange->parameters && exchange->parameters[0] ? exchange->parameters[0] : sid;
  CordOutboundCall *call = id ? cord_outbound_find(api->outbound, id) : NULL;

  /* the callback may overtake the answer to our request */
  if (call && sid)
    cord_outbound_set_sid(api->outbound, call, sid);
  return call;
}

static void
connect_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  g_autoptr(CordForm) form = cord_api_twilio_read_form(api, exchange);
  CordOutboundCall *call;

  if (form == NULL)
    return;
  call = find_placed(api, exchange, form);
  if (call == NULL)
    cord_exchange_problem(exchange, 403, "This server has placed no such call.");
  else
    cord_api_twilio_admit(api, exchange, form, call);
}

static void
status_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  g_autoptr(CordForm) form = cord_api_twilio_read_form(api, exchange);
  CordOutboundCall *call;
  const gchar *status, *sid;
  gint sequence, duration;

  if (form == NULL)
    return;
  sid = cord_form_get(form, "CallSid");
  status = cord_form_get(form, "CallStatus");
  if (sid == NULL || status == NULL) {
    cord_exchange_problem(exchange, 400, "The form has no %s.", sid ? "CallStatus" : "CallSid");
    return;
  }
  call = find_placed(api, exchange, form);
  sequence = cord_api_twilio_get_number(form, "SequenceNumber");
  duration = cord_api_twilio_get_number(form, "CallDuration");
  if (call)
    cord_outbound_set_status(api->outbound, call, status, sequence, duration,
                             cord_call_registry_find_call(api->calls, sid, NULL, NULL) != NULL);
  cord_call_registry_set_carrier_status(api->calls, sid, status, sequence, duration);
  cord_exchange_answer(exchange, 204, NULL, NULL);
}

static void
machine_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  g_autoptr(CordForm) form = cord_api_twilio_read_form(api, exchange);
  CordOutboundCall *call;
  const gchar *who;

  if (form == NULL)
    return;
  who = cord_form_get(form, "AnsweredBy");
  call = find_placed(api, exchange, form);
  if (call && who) {
    cord_outbound_note(api->outbound, call, "answered_by",
                       json_node_init_string(json_node_alloc(), who));
    if (call->hang_up_on_machine && !g_str_equal(who, "human") && !g_str_equal(who, "unknown"))
      cord_call_registry_hang_up(api->calls, call->id, "machine");
  }
  cord_exchange_answer(exchange, 204, NULL, NULL);
}

static void
recording_handler(CordExchange *exchange, gpointer data)
{
  static const struct {
    const gchar *field;
    const gchar *name;
  } fields[] = {
    { "RecordingSid", "sid" },
    { "RecordingUrl", "url" },
    { "RecordingStatus", "status" },
    { "RecordingDuration", "duration" },
  };
  CordApi *api = data;
  g_autoptr(CordForm) form = cord_api_twilio_read_form(api, exchange);
  CordOutboundCall *call;
  JsonNode *node;
  JsonObject *object;

  if (form == NULL)
    return;
  call = find_placed(api, exchange, form);
  if (call) {
    node = json_node_new(JSON_NODE_OBJECT);
    object = json_object_new();
    for (guint i = 0; i < G_N_ELEMENTS(fields); i++)
      if (cord_form_get(form, fields[i].field))
        json_object_set_string_member(object, fields[i].name, cord_form_get(form, fields[i].field));
    json_node_take_object(node, object);
    cord_outbound_note(api->outbound, call, "recording", node);
  }
  cord_exchange_answer(exchange, 204, NULL, NULL);
}

/**
 * cord_api_twilio_placed_add:
 * @api: the API
 *
 * Adds the webhooks of calls that we place.
 */
void
cord_api_twilio_placed_add(CordApi *api)
{
  cord_openapi_bind(api->openapi, "outboundConnect", connect_handler, api);
  cord_openapi_bind(api->openapi, "outboundConnectOfCall", connect_handler, api);
  cord_openapi_bind(api->openapi, "twilioStatusOfCall", status_handler, api);
  cord_openapi_bind(api->openapi, "twilioMachineDetection", machine_handler, api);
  cord_openapi_bind(api->openapi, "twilioRecording", recording_handler, api);
}
