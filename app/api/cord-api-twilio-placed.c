/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-api-private.h"
#include "cord-json.h"
#include "cord-twiml-writer.h"

/* What Twilio says of calls that we have placed, and of recordings: its addresses name the calls.
 */

/* A request that waits until it is known which call it is about. */
typedef struct {
  CordApi *api;
  CordExchange *exchange;
  CordForm *form;
  void (*handle)(CordApi *api, CordExchange *exchange, CordForm *form, CordOutboundCall *call);
} Waiting;

static void
on_found(GObject *source, GAsyncResult *result, gpointer data)
{
  Waiting *waiting = data;
  CordOutboundCall *call = cord_outbound_find_finish(CORD_OUTBOUND(source), result);
  const gchar *sid = cord_form_get(waiting->form, "CallSid");

  /* the callback may overtake the answer to our request */
  if (call && sid && !call->ended)
    cord_outbound_set_sid(waiting->api->outbound, call, sid);
  waiting->handle(waiting->api, waiting->exchange, waiting->form, call);
  cord_form_free(waiting->form);
  cord_exchange_release(waiting->exchange);
  g_free(waiting);
}

/* Of this server or another: who balances between servers does not know whose call it is. */
static void
find_placed(CordApi *api, CordExchange *exchange,
            void (*handle)(CordApi *api, CordExchange *exchange, CordForm *form,
                           CordOutboundCall *call))
{
  CordForm *form = cord_api_twilio_read_form(api, exchange);
  const gchar *sid = form ? cord_form_get(form, "CallSid") : NULL;
  Waiting *waiting;

  if (form == NULL)
    return;
  waiting = g_new0(Waiting, 1);
  *waiting = (Waiting){ api, cord_exchange_hold(exchange), form, handle };
  cord_outbound_find_async(api->outbound,
                           exchange->parameters && exchange->parameters[0] ? exchange->parameters[0]
                           : sid                                           ? sid
                                                                           : "",
                           on_found, waiting);
}

static void
handle_connect(CordApi *api, CordExchange *exchange, CordForm *form, CordOutboundCall *call)
{
  g_autofree gchar *hang_up = NULL;

  if (call == NULL) {
    cord_exchange_problem(exchange, 403, "This server has placed no such call.");
  } else if (call->ended) {
    /* who placed it was told that it has failed, or that a machine is not spoken to */
    hang_up = cord_twiml_hang_up();
    cord_exchange_answer(exchange, 200, "text/xml", hang_up);
  } else {
    cord_api_twilio_admit(api, exchange, form, call);
  }
}

static void
connect_handler(CordExchange *exchange, gpointer data)
{
  find_placed(data, exchange, handle_connect);
}

static void
handle_status(CordApi *api, CordExchange *exchange, CordForm *form, CordOutboundCall *call)
{
  const gchar *sid = cord_form_get(form, "CallSid");
  const gchar *status = cord_form_get(form, "CallStatus");
  gint sequence = cord_api_twilio_get_number(form, "SequenceNumber");
  gint duration = cord_api_twilio_get_number(form, "CallDuration");

  if (sid == NULL || status == NULL) {
    cord_exchange_problem(exchange, 400, "The form has no %s.", sid ? "CallStatus" : "CallSid");
    return;
  }
  if (call)
    cord_outbound_set_status(api->outbound, call, status, sequence, duration);
  cord_call_registry_set_carrier_status(api->calls, sid, status, sequence, duration);
  cord_exchange_answer(exchange, 204, NULL, NULL);
}

static void
status_handler(CordExchange *exchange, gpointer data)
{
  find_placed(data, exchange, handle_status);
}

static void
on_hung_up(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(JsonObject) answer =
      cord_twilio_client_ask_finish(CORD_TWILIO_CLIENT(source), result, &error);

  if (answer == NULL)
    g_warning("a machine has answered, and cannot be hung up on: %s", error->message);
}

/* Nobody wants to talk to it, whether its stream has come or not. */
static void
leave_machine(CordApi *api, CordOutboundCall *call)
{
  static const gchar *const form[] = { "Status", "completed", NULL };
  g_autofree gchar *path = NULL;
  CordTwilioAccount account;

  call->unwanted = TRUE;
  /* on its way to its agent: it ends when it comes */
  if (cord_call_registry_hang_up(api->calls, call->id, "machine") ||
      cord_call_registry_find_call(api->calls, call->id, NULL, NULL))
    return;
  cord_outbound_fail(api->outbound, call, "machine");
  if (call->call_sid && cord_api_find_account(api, call->from, &account)) {
    path = g_strconcat("Calls/", call->call_sid, ".json", NULL);
    cord_twilio_client_ask_async(api->twilio, &account, path, form, NULL, on_hung_up, NULL);
  }
}

static void
handle_machine(CordApi *api, CordExchange *exchange, CordForm *form, CordOutboundCall *call)
{
  const gchar *who = cord_form_get(form, "AnsweredBy");

  if (call && who && !call->ended) {
    cord_outbound_note(api->outbound, call, "answered_by",
                       json_node_init_string(json_node_alloc(), who));
    if (cord_outbound_hangs_up_on_machines(call) && !g_str_equal(who, "human") &&
        !g_str_equal(who, "unknown"))
      leave_machine(api, call);
  }
  cord_exchange_answer(exchange, 204, NULL, NULL);
}

static void
machine_handler(CordExchange *exchange, gpointer data)
{
  find_placed(data, exchange, handle_machine);
}

/* Of calls of both directions. It comes after the call's end, mostly. */
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
  g_autoptr(JsonObject) recording = json_object_new();

  if (form == NULL)
    return;
  if (cord_form_get(form, "RecordingSid") == NULL) {
    cord_exchange_problem(exchange, 400, "The form has no RecordingSid.");
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS(fields); i++)
    cord_json_set_string(recording, fields[i].name, cord_form_get(form, fields[i].field));
  cord_journal_call_recorded(api->journal, exchange->parameters[0], cord_form_get(form, "CallSid"),
                             recording);
  cord_exchange_answer(exchange, 204, NULL, NULL);
}

/**
 * cord_api_twilio_placed_add:
 * @api: the API
 *
 * Adds the webhooks of calls that we place, and of recordings.
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
