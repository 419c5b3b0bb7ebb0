/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-api-private.h"
#include "cord-error.h"
#include "cord-json.h"

/* Calls that we place. */

#define MAX_FORM 40 /* names and values of a request to the carrier */

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

typedef struct {
  CordApi *api;
  CordExchange *exchange;
  gchar *call_id;
  gboolean replayed; /* it was placed before */
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

/* Whether a call that was placed with the same Idempotency-Key is the one that is asked for. */
static gboolean
is_same(Asking *asking, const gchar *json)
{
  g_autoptr(JsonObject) row = cord_json_parse_object(json, -1, NULL);
  JsonObject *body = asking->exchange->body;

  return row &&
         g_strcmp0(cord_json_peek_string(row, "agent_id", NULL),
                   cord_json_peek_string(body, "agent_id", NULL)) == 0 &&
         g_strcmp0(cord_json_peek_string(row, "caller_number", NULL),
                   cord_json_peek_string(body, "to_number", NULL)) == 0;
}

static void
on_call_row(GObject *source, GAsyncResult *result, gpointer data)
{
  Asking *asking = data;
  g_autoptr(GError) error = NULL;
  g_autofree gchar *json = cord_resource_row_finish(CORD_STORE(source), result, &error);

  if (json == NULL) {
    cord_api_answer_error(asking->exchange, error);
  } else if (asking->replayed && !is_same(asking, json)) {
    cord_exchange_problem(asking->exchange, 422,
                          "The Idempotency-Key was used for another request.");
  } else {
    if (asking->replayed)
      cord_exchange_set_header(asking->exchange, "Idempotent-Replayed", "true");
    cord_api_answer_row(asking->exchange, 201, json);
  }
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

/* The call is with the carrier, or it is not and says so in its record. */
static void
on_asked(GObject *source, GAsyncResult *result, gpointer data)
{
  Asking *asking = data;
  CordApi *api = asking->api;
  g_autoptr(GError) error = NULL;
  g_autoptr(JsonObject) answer =
      cord_twilio_client_ask_finish(CORD_TWILIO_CLIENT(source), result, &error);
  CordOutboundCall *call = cord_outbound_find(api->outbound, asking->call_id);
  const gchar *sid = answer ? cord_json_peek_string(answer, "sid", NULL) : NULL;

  if (sid == NULL) {
    gboolean refused = error && error->code != 0;

    if (call)
      cord_outbound_fail(api->outbound, call, refused ? "carrier-refused" : "carrier-unreachable");
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

/**
 * cord_api_callback_url:
 * @api: the API
 * @exchange: a request, whose address is ours where nothing else is set
 * @what: what the carrier tells there: "status", "recording", …
 * @call_id: of which call
 *
 * Returns: (transfer full): where it tells it
 */
gchar *
cord_api_callback_url(CordApi *api, CordExchange *exchange, const gchar *what, const gchar *call_id)
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
  add(form, "Url", cord_api_callback_url(api, exchange, "outbound-connect", call->id));
  add(form, "Method", g_strdup("POST"));
  add(form, "StatusCallback", cord_api_callback_url(api, exchange, "status", call->id));
  add(form, "StatusCallbackMethod", g_strdup("POST"));
  for (guint i = 0; i < G_N_ELEMENTS(events); i++)
    add(form, "StatusCallbackEvent", g_strdup(events[i]));
  add(form, "Timeout",
      g_strdup_printf("%" G_GINT64_FORMAT, cord_json_peek_int(body, "timeout", 60)));
  if (detection) {
    add(form, "MachineDetection", g_strdup(detection));
    add(form, "AsyncAmd", g_strdup("true"));
    add(form, "AsyncAmdStatusCallback", cord_api_callback_url(api, exchange, "amd", call->id));
  }
  if (cord_json_peek_boolean(body, "record", FALSE)) {
    add(form, "Record", g_strdup("true"));
    add(form, "RecordingChannels", g_strdup("dual"));
    add(form, "RecordingStatusCallback",
        cord_api_callback_url(api, exchange, "recording", call->id));
    add(form, "RecordingStatusCallbackEvent", g_strdup(CORD_API_RECORDING_EVENTS));
  }
  g_ptr_array_add(form, NULL);
  return form;
}

/**
 * cord_api_refuse_dial:
 * @exchange: a request to dial
 * @error: why it is not done
 *
 * Answers it.
 */
void
cord_api_refuse_dial(CordExchange *exchange, const GError *error)
{
  if (g_error_matches(error, CORD_ERROR, CORD_ERROR_QUOTA)) {
    cord_exchange_set_header(exchange, "Retry-After", "60");
    cord_exchange_problem(exchange, 429, "%s.", error->message);
  } else if (g_error_matches(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED)) {
    cord_exchange_problem(exchange, 403, "%s.", error->message);
  } else {
    cord_api_answer_error(exchange, error);
  }
}

static void
on_placed(GObject *source, GAsyncResult *result, gpointer data)
{
  Asking *asking = data;
  CordApi *api = asking->api;
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) form = NULL;
  CordOutboundCall *call = cord_outbound_place_finish(CORD_OUTBOUND(source), result, &error);
  CordTwilioAccount account;

  if (error) {
    cord_api_refuse_dial(asking->exchange, error);
    asking_free(asking);
  } else if (call == NULL) {
    asking->replayed = TRUE;
    cord_journal_drain_async(api->journal, NULL, on_drained, asking);
  } else if (!cord_api_find_account(api, call->from, &account)) {
    cord_outbound_fail(api->outbound, call, "no-credentials");
    cord_exchange_problem(asking->exchange, 409, "There are no credentials for %s any more.",
                          call->from);
    asking_free(asking);
  } else {
    form = make_form(api, asking->exchange, call);
    cord_twilio_client_ask_async(api->twilio, &account, "Calls.json",
                                 (const gchar *const *)form->pdata, NULL, on_asked, asking);
  }
}

/* A request that is sent twice is one call: its id follows from who asks and the key. */
static gchar *
make_id(CordExchange *exchange)
{
  const gchar *key = cord_exchange_get_header(exchange, "Idempotency-Key");
  g_autofree gchar *all = NULL, *sum = NULL;

  if (key == NULL)
    return cord_store_new_id();
  all = g_strdup_printf("outbound %s %s", exchange->key_id ? exchange->key_id : "", key);
  sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, all, -1);
  return g_strdup_printf("%.8s-%.4s-8%.3s-8%.3s-%.12s", sum, sum + 8, sum + 12, sum + 15, sum + 18);
}

static void
place_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  const gchar *agent_id = cord_json_peek_string(exchange->body, "agent_id", "");
  const gchar *key = cord_exchange_get_header(exchange, "Idempotency-Key");
  g_autoptr(CordAgent) agent = cord_directory_find_agent(api->directory, agent_id);
  g_autofree gchar *id = NULL;
  CordTwilioAccount account;
  CordOutboundRequest request = {
    .agent_id = agent_id,
    .to = cord_json_peek_string(exchange->body, "to_number", ""),
    .key = exchange->key_id,
    .ring_s = (guint)cord_json_peek_int(exchange->body, "timeout", 60),
    .hang_up_on_machine = cord_json_peek_boolean(exchange->body, "hang_up_on_machine", FALSE),
  };

  if (key && (strlen(key) > MAX_IDEMPOTENCY_KEY || !g_utf8_validate(key, -1, NULL))) {
    cord_exchange_problem(exchange, 422, "The Idempotency-Key is too long.");
    return;
  }
  if (agent == NULL || !agent->is_active) {
    cord_exchange_problem(exchange, agent ? 409 : 404,
                          agent ? "The agent is not active." : "There is no such agent.");
    return;
  }
  if (!find_from(api, exchange, agent_id, &request.from))
    return;
  if (!cord_api_find_account(api, request.from, &account)) {
    cord_exchange_problem(exchange, 409,
                          "There are no credentials for %s: set TWILIO_ACCOUNT_SID and "
                          "TWILIO_AUTH_TOKEN, or give the number its own.",
                          request.from);
    return;
  }
  request.id = id = make_id(exchange);
  cord_outbound_place_async(api->outbound, &request, on_placed, asking_new(api, exchange, id));
}

/* Calls of which nothing was heard for long: their callbacks may be lost */

typedef struct {
  CordApi *api;
  gchar *call_id;
} Question;

static void
free_question(Question *question)
{
  g_free(question->call_id);
  g_free(question);
}

static void
on_state(GObject *source, GAsyncResult *result, gpointer data)
{
  Question *question = data;
  CordOutbound *outbound = question->api->outbound;
  g_autoptr(GError) error = NULL;
  g_autoptr(JsonObject) answer =
      cord_twilio_client_ask_finish(CORD_TWILIO_CLIENT(source), result, &error);
  CordOutboundCall *call = cord_outbound_find(outbound, question->call_id);
  const gchar *status = answer ? cord_json_peek_string(answer, "status", NULL) : NULL;
  const gchar *duration = answer ? cord_json_peek_string(answer, "duration", NULL) : NULL;

  if (call && status)
    cord_outbound_set_status(outbound, call, status, -1,
                             duration ? (gint)g_ascii_strtoll(duration, NULL, 10) : -1);
  else if (call && error && error->code == CORD_TWILIO_NOT_FOUND)
    cord_outbound_fail(outbound, call, "carrier-lost");
  free_question(question);
}

/* Another server may have it: then that one knows. */
static void
on_record(GObject *source, GAsyncResult *result, gpointer data)
{
  Question *question = data;
  CordApi *api = question->api;
  g_autoptr(GError) error = NULL;
  g_autoptr(CordCallRecord) record = cord_store_get_call_finish(CORD_STORE(source), result, &error);
  CordOutboundCall *call = cord_outbound_find(api->outbound, question->call_id);
  g_autofree gchar *path = NULL;
  CordTwilioAccount account;

  if (call && record && record->ended_at) {
    cord_outbound_forget(api->outbound, call);
  } else if (call && record && call->call_sid && cord_api_find_account(api, call->from, &account)) {
    path = g_strconcat("Calls/", call->call_sid, ".json", NULL);
    cord_twilio_client_ask_async(api->twilio, &account, path, NULL, NULL, on_state, question);
    return;
  }
  free_question(question);
}

static void
on_overdue(CordOutboundCall *call, gpointer data)
{
  CordApi *api = data;
  Question *question = g_new0(Question, 1);

  question->api = api;
  question->call_id = g_strdup(call->id);
  cord_store_get_call_async(api->store, call->id, NULL, on_record, question);
}

/**
 * cord_api_outbound_add:
 * @api: the API
 *
 * Adds what places calls.
 */
void
cord_api_outbound_add(CordApi *api)
{
  cord_openapi_bind(api->openapi, "placeCall", place_handler, api);
  cord_outbound_set_overdue(api->outbound, on_overdue, api);
}
