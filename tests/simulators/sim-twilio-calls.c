/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-json.h"
#include "sim-twilio.h"

#define MAX_TWIML 4000 /* characters */
#define CALLS SIM_TWILIO_API "*/Calls"

/* Calls.json and Calls/CA….json. The script says what becomes of the next calls, one item each:
 * {"calls": [{"outcome": "busy"}, {"refuse": {"status": 400, "code": 21215, "message": "…"}}]} */

/* The numbers that Twilio has for tests, and what it says of them */
static const struct {
  const gchar *to;
  gint code;
  const gchar *message;
} magic[] = {
  { "+15005550001", 21217, "The phone number you are attempting to call, %s, is not valid." },
  { "+15005550002", 21214, "The phone number you are attempting to call, %s, cannot be reached." },
  { "+15005550003", 21215,
    "Account not authorized to call %s. Perhaps you need to enable some international "
    "permissions." },
  { "+15005550004", 21216, "Account not allowed to call %s" },
};

static gboolean
is_address(const gchar *text)
{
  return g_regex_match_simple("^(\\+[1-9][0-9]{6,14}|(sip|client):.+)$", text, 0, 0);
}

static gboolean
is_url(const gchar *text)
{
  return g_regex_match_simple("^https?://[^/ ]+", text, 0, 0) &&
         g_uri_is_valid(text, G_URI_FLAGS_ENCODED, NULL);
}

static gboolean
owns(SimTwilio *twilio, const gchar *number)
{
  JsonObject *script = sim_server_get_script(twilio->server, "twilio");
  JsonArray *numbers = script ? cord_json_peek_array(script, "numbers") : NULL;

  for (guint i = 0; numbers && i < json_array_get_length(numbers); i++)
    if (g_str_equal(json_array_get_string_element(numbers, i), number))
      return TRUE;
  return numbers == NULL;
}

static gboolean
check_to(SimExchange *exchange, const gchar *to)
{
  if (!to || !*to) {
    sim_twilio_refuse(exchange, 400, 21201, "No 'To' number is specified");
    return FALSE;
  }
  for (guint i = 0; i < G_N_ELEMENTS(magic); i++)
    if (g_str_equal(magic[i].to, to)) {
      g_auto(GStrv) parts = g_strsplit(magic[i].message, "%s", 2);

      sim_twilio_refuse(exchange, 400, magic[i].code, "%s%s%s", parts[0], to, parts[1]);
      return FALSE;
    }
  if (!is_address(to))
    sim_twilio_refuse(exchange, 400, 21211,
                      "The phone number you are attempting to call, %s, is not valid.", to);
  return is_address(to);
}

static gboolean
check_from(SimExchange *exchange, SimTwilio *twilio, const gchar *from)
{
  if (!from || !*from)
    sim_twilio_refuse(exchange, 400, 21213, "No 'From' number is specified");
  else if (!is_address(from))
    sim_twilio_refuse(exchange, 400, 21212, "Invalid From Number (caller ID): %s", from);
  else if (!owns(twilio, from))
    sim_twilio_refuse(exchange, 400, 21210,
                      "The source phone number provided, %s, is not yet verified for your account. "
                      "You may only make calls from phone numbers that you've verified or "
                      "purchased from Twilio.",
                      from);
  else
    return TRUE;
  return FALSE;
}

static gboolean
check_instructions(SimExchange *exchange, CordForm *form)
{
  const gchar *url = cord_form_get(form, "Url"), *twiml = cord_form_get(form, "Twiml");

  if (!url && !twiml && !cord_form_get(form, "ApplicationSid"))
    sim_twilio_refuse(exchange, 400, 21205, "Url parameter is required.");
  else if (url && !is_url(url))
    sim_twilio_refuse(exchange, 400, 21205, "Url is not a valid URL: %s", url);
  else if (!url && twiml && g_utf8_strlen(twiml, -1) > MAX_TWIML)
    sim_twilio_refuse(exchange, 400, 21205, "Twiml is longer than %d characters", MAX_TWIML);
  else
    return TRUE;
  return FALSE;
}

static gboolean
refuse_as_scripted(SimExchange *exchange, JsonObject *script)
{
  JsonObject *refuse = script ? cord_json_peek_object(script, "refuse") : NULL;
  guint status;

  if (!refuse)
    return FALSE;
  status = (guint)cord_json_peek_int(refuse, "status", 400);
  sim_twilio_refuse(
      exchange, status, (gint)cord_json_peek_int(refuse, "code", status == 429 ? 20429 : 20500),
      "%s",
      cord_json_peek_string(refuse, "message", status == 429 ? "Too Many Requests" : "Refused"));
  return TRUE;
}

SimTwilioCall *
sim_twilio_find_call(SimTwilio *twilio, const gchar *sid)
{
  for (guint i = 0; i < twilio->calls->len; i++)
    if (g_str_equal(sim_twilio_call_get_sid(twilio->calls->pdata[i]), sid))
      return twilio->calls->pdata[i];
  return NULL;
}

static void
answer_created(SimExchange *exchange)
{
  SimTwilio *twilio = sim_twilio_get(sim_exchange_get_server(exchange));
  SimTwilioCall *call = sim_twilio_find_call(twilio, sim_exchange_get_data(exchange));
  g_autoptr(JsonObject) object = call ? sim_twilio_call_describe(call) : NULL;

  if (!call) {
    sim_twilio_refuse_unknown(exchange);
    return;
  }
  /* it was made, and nothing has happened yet: that is what is said, however late */
  json_object_set_string_member(object, "status", "queued");
  json_object_set_null_member(object, "start_time");
  json_object_set_null_member(object, "answered_by");
  sim_twilio_answer(exchange, 201, object);
}

static void
create_call(SimExchange *exchange)
{
  SimTwilio *twilio = sim_twilio_enter(exchange);
  g_autoptr(CordForm) form = twilio ? sim_twilio_read_form(exchange) : NULL;
  g_autofree gchar *token = NULL;
  SimTwilioCall *call;
  JsonNode *node;
  JsonObject *script;

  if (!form || !check_to(exchange, cord_form_get(form, "To")) ||
      !check_from(exchange, twilio, cord_form_get(form, "From")) ||
      !check_instructions(exchange, form))
    return;
  node = sim_server_take_next(twilio->server, "twilio", "calls");
  script = node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
  if (refuse_as_scripted(exchange, script))
    return;
  token = sim_twilio_dup_token(exchange);
  call = sim_twilio_call_new(twilio, sim_exchange_get_index(exchange),
                             sim_exchange_get_part(exchange, 0), token, g_steal_pointer(&form),
                             script);
  g_ptr_array_add(twilio->calls, call);
  sim_exchange_set_data(exchange, g_strdup(sim_twilio_call_get_sid(call)), g_free);
  if (sim_twilio_call_peek(call, "reply_ms", 0) > 0)
    sim_exchange_schedule(exchange,
                          (GstClockTime)sim_twilio_call_peek(call, "reply_ms", 0) * GST_MSECOND,
                          answer_created);
  else
    answer_created(exchange);
  sim_twilio_call_start(call);
}

/* One call */

static SimTwilioCall *
find_call(SimTwilio *twilio, SimExchange *exchange)
{
  g_autofree gchar *sid = sim_twilio_dup_sid(exchange, 1);
  SimTwilioCall *call = sim_twilio_find_call(twilio, sid);

  if (!call)
    sim_twilio_refuse_unknown(exchange);
  return call;
}

static void
answer_call(SimExchange *exchange, SimTwilioCall *call)
{
  g_autoptr(JsonObject) object = sim_twilio_call_describe(call);

  sim_twilio_answer(exchange, 200, object);
}

static void
fetch_call(SimExchange *exchange)
{
  SimTwilio *twilio = sim_twilio_enter(exchange);
  SimTwilioCall *call = twilio ? find_call(twilio, exchange) : NULL;

  if (call)
    answer_call(exchange, call);
}

static gboolean
may_end(SimTwilioCall *call, const gchar *status)
{
  gboolean answered = g_str_equal(sim_twilio_call_get_status(call), "in-progress");

  return !sim_twilio_call_is_over(call) && (!answered || g_str_equal(status, "completed"));
}

static void
update_call(SimExchange *exchange)
{
  SimTwilio *twilio = sim_twilio_enter(exchange);
  SimTwilioCall *call = twilio ? find_call(twilio, exchange) : NULL;
  g_autoptr(CordForm) form = call ? sim_twilio_read_form(exchange) : NULL;
  const gchar *status, *url, *twiml;

  if (!form)
    return;
  status = cord_form_get(form, "Status");
  url = cord_form_get(form, "Url");
  twiml = cord_form_get(form, "Twiml");
  if (status && !g_str_equal(status, "completed") && !g_str_equal(status, "canceled")) {
    sim_twilio_refuse(exchange, 400, 21218, "Invalid Status: %s", status);
  } else if (url && !is_url(url)) {
    sim_twilio_refuse(exchange, 400, 21205, "Url is not a valid URL: %s", url);
  } else if (status ? !may_end(call, status)
                    : !g_str_equal(sim_twilio_call_get_status(call), "in-progress")) {
    sim_twilio_refuse(exchange, 400, 21220, "Call is not in-progress. Cannot redirect.");
  } else {
    if (status)
      sim_twilio_call_hang_up(call);
    else if (url || twiml)
      sim_twilio_call_redirect(call, url, twiml);
    answer_call(exchange, call);
  }
}

static void
delete_call(SimExchange *exchange)
{
  SimTwilio *twilio = sim_twilio_enter(exchange);
  SimTwilioCall *call = twilio ? find_call(twilio, exchange) : NULL;

  if (!call)
    return;
  if (!sim_twilio_call_is_over(call)) {
    sim_twilio_refuse(exchange, 400, 20009, "Cannot delete a call that is in progress");
    return;
  }
  g_ptr_array_remove(twilio->calls, call);
  sim_exchange_answer(exchange, 204, "application/json", "", 0);
}

static gboolean
matches(SimExchange *exchange, JsonObject *object)
{
  static const gchar *const filters[][2] = {
    { "To", "to" },
    { "From", "from" },
    { "Status", "status" },
  };

  for (guint i = 0; i < G_N_ELEMENTS(filters); i++) {
    const gchar *wanted = sim_exchange_get_query(exchange, filters[i][0]);

    if (wanted && !g_str_equal(wanted, cord_json_peek_string(object, filters[i][1], "")))
      return FALSE;
  }
  return TRUE;
}

/* The newest first, as Twilio does */
static void
list_calls(SimExchange *exchange)
{
  SimTwilio *twilio = sim_twilio_enter(exchange);
  g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func((GDestroyNotify)json_object_unref);
  g_autofree gchar *path = NULL;

  if (!twilio)
    return;
  for (guint i = twilio->calls->len; i > 0; i--) {
    JsonObject *object = sim_twilio_call_describe(twilio->calls->pdata[i - 1]);

    if (matches(exchange, object))
      g_ptr_array_add(items, object);
    else
      json_object_unref(object);
  }
  path = g_strconcat(SIM_TWILIO_API, sim_exchange_get_part(exchange, 0), "/Calls.json", NULL);
  sim_twilio_answer_list(exchange, "calls", path, items);
}

void
sim_twilio_calls_add(SimServer *server)
{
  static const SimRoute routes[] = {
    { .provider = "twilio", .method = "POST", .path = CALLS ".json", .request = create_call },
    { .provider = "twilio", .method = "GET", .path = CALLS ".json", .request = list_calls },
    { .provider = "twilio", .method = "GET", .path = CALLS "/*", .request = fetch_call },
    { .provider = "twilio", .method = "POST", .path = CALLS "/*", .request = update_call },
    { .provider = "twilio", .method = "DELETE", .path = CALLS "/*", .request = delete_call },
  };

  for (guint i = 0; i < G_N_ELEMENTS(routes); i++)
    sim_server_add(server, &routes[i]);
}
