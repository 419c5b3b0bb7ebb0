/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-api-private.h"
#include "cord-json.h"
#include "cord-twiml-writer.h"

/* What is done to running calls through the carrier: also to those of other servers. */

#define RECORDINGS "/Recordings.json"

typedef struct {
  CordApi *api;
  CordExchange *exchange;
  gchar *what;   /* below the call's own address */
  GStrv form;    /* names and values by turns */
  gchar *number; /* where a call is given to */
} Control;

static Control *
control_new(CordApi *api, CordExchange *exchange, const gchar *what, const gchar *const *form)
{
  Control *control = g_new0(Control, 1);

  control->api = api;
  control->exchange = cord_exchange_hold(exchange);
  control->what = g_strdup(what);
  control->form = g_strdupv((gchar **)form);
  return control;
}

static void
control_free(Control *control)
{
  cord_exchange_release(control->exchange);
  g_free(control->what);
  g_strfreev(control->form);
  g_free(control->number);
  g_free(control);
}

static const gchar *
get_id(Control *control)
{
  return control->exchange->parameters[0];
}

static void
answer_done(CordExchange *exchange)
{
  cord_exchange_answer(exchange, 200, "application/json", "{\"ok\": true}");
}

static void
on_done(GObject *source, GAsyncResult *result, gpointer data)
{
  Control *control = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(JsonObject) answer =
      cord_twilio_client_ask_finish(CORD_TWILIO_CLIENT(source), result, &error);

  if (answer) {
    answer_done(control->exchange);
  } else {
    if (control->number)
      cord_call_registry_expect_end(control->api->calls, get_id(control), NULL);
    cord_api_answer_twilio_error(control->exchange, error);
  }
  control_free(control);
}

/* What is recorded is told to us when it is over, and that it goes on. */
static void
add_recording_callback(Control *control, const gchar *call_id)
{
  g_autofree gchar *url =
      cord_api_callback_url(control->api, control->exchange, "recording", call_id);
  const gchar *callback[] = { "RecordingStatusCallback", url, "RecordingStatusCallbackEvent",
                              CORD_API_RECORDING_EVENTS, NULL };
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

  g_strv_builder_addv(builder, (const gchar **)control->form);
  g_strv_builder_addv(builder, callback);
  g_strfreev(control->form);
  control->form = g_strv_builder_end(builder);
}

/* @number: ours, in the call */
static void
ask_carrier(Control *control, const gchar *call_id, const gchar *sid, const gchar *number)
{
  CordApi *api = control->api;
  g_autofree gchar *path = g_strconcat("Calls/", sid, control->what, NULL);
  CordTwilioAccount account;

  if (g_str_equal(control->what, RECORDINGS))
    add_recording_callback(control, call_id);
  if (cord_api_find_account(api, number, &account)) {
    if (control->number)
      cord_call_registry_expect_end(api->calls, get_id(control), "transferred");
    cord_twilio_client_ask_async(api->twilio, &account, path, (const gchar *const *)control->form,
                                 NULL, on_done, control);
    return;
  }
  cord_exchange_problem(control->exchange, 409,
                        "There are no credentials for the carrier: set TWILIO_ACCOUNT_SID and "
                        "TWILIO_AUTH_TOKEN.");
  control_free(control);
}

static void
answer_unknown(Control *control)
{
  cord_exchange_problem(control->exchange, 404, "There is no running call %s.", get_id(control));
  control_free(control);
}

static void
on_record(GObject *source, GAsyncResult *result, gpointer data)
{
  Control *control = data;
  gboolean by_sid = cord_api_is_sid(get_id(control));
  g_autoptr(GError) error = NULL;
  g_autoptr(CordCallRecord) record =
      by_sid ? cord_store_get_call_by_sid_finish(CORD_STORE(source), result, &error)
             : cord_store_get_call_finish(CORD_STORE(source), result, &error);
  JsonObject *metadata = record && record->metadata && JSON_NODE_HOLDS_OBJECT(record->metadata)
                             ? json_node_get_object(record->metadata)
                             : NULL;

  if (record && !record->ended_at && record->twilio_call_sid) {
    ask_carrier(control, record->id, record->twilio_call_sid,
                metadata ? cord_json_peek_string(metadata, "from", NULL) : NULL);
  } else if (record || g_error_matches(error, CORD_STORE_ERROR, CORD_STORE_ERROR_NOT_FOUND)) {
    answer_unknown(control);
  } else {
    cord_api_answer_error(control->exchange, error);
    control_free(control);
  }
}

static gboolean
is_from_browser(CordApi *api, const gchar *id)
{
  const CordAdmission *admission = cord_call_registry_find_admission(api->calls, id);

  return admission && cord_admission_is_browser(admission);
}

/* Finds the call, here or in the store. */
static void
run(Control *control)
{
  CordApi *api = control->api;
  const gchar *id = get_id(control);
  CordOutboundCall *outbound = cord_outbound_find(api->outbound, id);
  const gchar *from = NULL, *to = NULL;
  const gchar *sid = cord_call_registry_find_call(api->calls, id, &from, &to);

  if (outbound && outbound->ended) {
    answer_unknown(control);
  } else if (is_from_browser(api, id)) {
    cord_exchange_problem(control->exchange, 409,
                          "The caller is in a browser: no carrier has the call.");
    control_free(control);
  } else if (outbound && outbound->call_sid == NULL) {
    cord_exchange_set_header(control->exchange, "Retry-After", "1");
    cord_exchange_problem(control->exchange, 409,
                          "The carrier has not answered yet that it has the call.");
    control_free(control);
  } else if (outbound) {
    ask_carrier(control, outbound->id, outbound->call_sid, outbound->from);
  } else if (sid) {
    ask_carrier(control, cord_call_registry_find_admission(api->calls, id)->call_id, sid,
                cord_directory_find_number(api->directory, to) ? to : from);
  } else if (cord_api_is_sid(id)) {
    cord_store_get_call_by_sid_async(api->store, id, NULL, on_record, control);
  } else {
    cord_store_get_call_async(api->store, id, NULL, on_record, control);
  }
}

static void
hang_up_handler(CordExchange *exchange, gpointer data)
{
  /* of a call that rings, too */
  static const gchar *const form[] = { "Status", "completed", NULL };
  CordApi *api = data;

  if (cord_call_registry_hang_up(api->calls, exchange->parameters[0], "api-hangup"))
    answer_done(exchange);
  else
    run(control_new(api, exchange, ".json", form));
}

static void
on_may_dial(GObject *source, GAsyncResult *result, gpointer data)
{
  Control *control = data;
  g_autoptr(GError) error = NULL;

  if (cord_outbound_transfer_finish(CORD_OUTBOUND(source), result, &error)) {
    run(control);
    return;
  }
  cord_api_refuse_dial(control->exchange, error);
  control_free(control);
}

static void
transfer_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  const gchar *to = cord_json_peek_string(exchange->body, "to_number", "");
  g_autofree gchar *twiml = cord_twiml_dial(to);
  const gchar *form[] = { "Twiml", twiml, NULL };
  Control *control = control_new(api, exchange, ".json", form);

  control->number = g_strdup(to);
  cord_outbound_transfer_async(api->outbound, to, exchange->key_id, on_may_dial, control);
}

static void
record_handler(CordExchange *exchange, gpointer data)
{
  static const struct {
    const gchar *action;
    const gchar *path;
    const gchar *form[3];
  } table[] = {
    { "start", RECORDINGS, { "RecordingChannels", "dual" } },
    { "stop", "/Recordings/Twilio.CURRENT.json", { "Status", "stopped" } },
    { "pause", "/Recordings/Twilio.CURRENT.json", { "Status", "paused" } },
    { "resume", "/Recordings/Twilio.CURRENT.json", { "Status", "in-progress" } },
  };
  const gchar *action = cord_json_peek_string(exchange->body, "action", "");

  for (guint i = 0; i < G_N_ELEMENTS(table); i++)
    if (g_str_equal(table[i].action, action))
      run(control_new(data, exchange, table[i].path, table[i].form));
}

/**
 * cord_api_control_add:
 * @api: the API
 *
 * Adds what is done to running calls.
 */
void
cord_api_control_add(CordApi *api)
{
  cord_openapi_bind(api->openapi, "hangUpCall", hang_up_handler, api);
  cord_openapi_bind(api->openapi, "transferCall", transfer_handler, api);
  cord_openapi_bind(api->openapi, "recordCall", record_handler, api);
}
