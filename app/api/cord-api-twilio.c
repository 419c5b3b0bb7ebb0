/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-api-private.h"
#include "cord-apology.h"
#include "cord-arrival.h"
#include "cord-error.h"
#include "cord-form.h"
#include "cord-twilio-signature.h"
#include "cord-twiml-writer.h"
#include "cord-websocket-server.h"

/* Where the stream of a call goes that came in by a door: what the users of that door let through.
 */
static const struct {
  const gchar *door;
  const gchar *stream;
} streams[] = {
  { "/twiml", "/ws" },
  { "/incoming-call", "/ws" },
  { "/twilio/answer", "/ws/twilio" },
  { "/voice", "/media" },
  { "/webhooks/twilio/incoming", "/webhooks/twilio/stream" },
};

static const gchar *
find_stream(const gchar *door)
{
  for (guint i = 0; i < G_N_ELEMENTS(streams); i++)
    if (g_str_equal(streams[i].door, door))
      return streams[i].stream;
  return "/ws/voice-twilio";
}

/* The address of the streams that was configured, as if it were a page's: https for wss. */
static gchar *
dup_stream_base(CordApi *api)
{
  return cord_config_dup_address(api->config, "server.public-ws-url");
}

/* The path names the call, so that a stream can be refused before it is one. Not a query: Twilio
 * drops that. Where somebody has configured a path, a proxy may know no other. */
static gchar *
stream_url(CordApi *api, CordExchange *exchange, const gchar *call_id)
{
  g_autoptr(GPtrArray) bases = cord_api_list_bases(api, exchange);
  g_autofree gchar *path =
      g_strconcat(find_stream(exchange->path), call_id ? "/" : NULL, call_id, NULL);
  g_autofree gchar *own = dup_stream_base(api);
  g_autoptr(GUri) uri = own ? g_uri_parse(own, G_URI_FLAGS_NONE, NULL) : NULL;

  if (uri && strlen(g_uri_get_path(uri)) > 1)
    return cord_api_to_websocket(own, "");
  return cord_api_to_websocket(uri ? own : bases->pdata[0], path);
}

static GPtrArray *
list_urls(CordApi *api, CordExchange *exchange, gboolean websocket)
{
  GPtrArray *urls = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GPtrArray) bases = cord_api_list_bases(api, exchange);
  GUri *uri = soup_server_message_get_uri(exchange->message);
  const gchar *query = g_uri_get_query(uri);
  g_autofree gchar *rest = g_strconcat(g_uri_get_path(uri), query ? "?" : NULL, query, NULL);
  g_autofree gchar *own = websocket ? dup_stream_base(api) : NULL;
  g_autoptr(GUri) own_uri = own ? g_uri_parse(own, G_URI_FLAGS_NONE, NULL) : NULL;

  /* a proxy may have cut off the front of the path */
  if (own_uri && strlen(g_uri_get_path(own_uri)) > 1)
    g_ptr_array_add(urls, cord_api_to_websocket(own, ""));
  else if (own_uri)
    g_ptr_array_add(bases, g_strdup(own));
  for (guint i = 0; i < bases->len; i++)
    g_ptr_array_add(urls, websocket ? cord_api_to_websocket(bases->pdata[i], rest)
                                    : g_strconcat(bases->pdata[i], rest, NULL));
  return urls;
}

/* Without a secret nothing can be checked: this machine may try things out, nobody else. */
static gboolean
check_without_token(CordExchange *exchange)
{
  static gboolean told;

  if (!cord_exchange_is_local(exchange)) {
    cord_exchange_problem(
        exchange, 403,
        "The server cannot tell whether this comes from Twilio: set TWILIO_AUTH_TOKEN.");
    return FALSE;
  }
  if (!told)
    g_warning(
        "TWILIO_AUTH_TOKEN is not set: requests of this machine are taken unsigned, others are not "
        "taken at all");
  told = TRUE;
  return TRUE;
}

/* The secret that the request must be signed with: that of the number it is about. */
static const gchar *
find_token(CordApi *api, CordExchange *exchange, CordForm *form)
{
  const gchar *to = form ? cord_form_get(form, "To") : NULL;
  const gchar *from = form ? cord_form_get(form, "From") : NULL;
  const gchar *call_id = exchange->parameters ? exchange->parameters[0] : NULL;
  CordOutboundCall *placed = call_id ? cord_outbound_find(api->outbound, call_id) : NULL;

  if (placed)
    return cord_api_find_token(api, placed->from);
  if (!form && call_id)
    cord_call_registry_find_call(api->calls, call_id, &from, &to);
  /* of an outbound call our number is the one it comes from */
  return cord_api_find_token(api,
                             cord_directory_find_number(api->directory, to) || !from ? to : from);
}

static gboolean
check_signature(CordApi *api, CordExchange *exchange, gboolean websocket, CordForm *form,
                CordForm *about)
{
  const gchar *token = find_token(api, exchange, about);
  const gchar *signature = cord_exchange_get_header(exchange, "X-Twilio-Signature");
  g_autoptr(GPtrArray) urls = NULL;

  if (token == NULL)
    return check_without_token(exchange);
  urls = list_urls(api, exchange, websocket);
  for (guint i = 0; i < urls->len; i++) {
    if (cord_twilio_signature_check(token, urls->pdata[i], form, signature))
      return TRUE;
  }
  g_log_structured(
      "twilio", G_LOG_LEVEL_WARNING, "REQUEST_ID", exchange->id, "MESSAGE",
      "a request to %s was refused: its signature is %s; the address that was signed must "
      "be %s (APP_URL)",
      exchange->path, signature ? "wrong" : "missing", (gchar *)urls->pdata[0]);
  cord_exchange_problem(exchange, 403, "The X-Twilio-Signature is %s.",
                        signature ? "wrong" : "missing");
  return FALSE;
}

/**
 * cord_api_twilio_read_form:
 * @api: the API
 * @exchange: a webhook
 *
 * Returns: (transfer full) (nullable): its form, or %NULL when it has been answered already
 */
CordForm *
cord_api_twilio_read_form(CordApi *api, CordExchange *exchange)
{
  SoupMessageBody *body = soup_server_message_get_request_body(exchange->message);
  g_autoptr(GBytes) bytes = soup_message_body_flatten(body);
  g_autoptr(CordForm) form = NULL;
  g_autoptr(GError) error = NULL;
  const gchar *query = g_uri_get_query(soup_server_message_get_uri(exchange->message));
  gboolean get = g_str_equal(soup_server_message_get_method(exchange->message), "GET");
  gsize size;
  const gchar *text = g_bytes_get_data(bytes, &size);
  const gchar *type = soup_message_headers_get_content_type(
      soup_server_message_get_request_headers(exchange->message), NULL);

  /* a GET carries its form in the address, which is signed with it */
  if (get)
    form = cord_form_parse(query ? query : "", query ? strlen(query) : 0, &error);
  else
    form = cord_form_parse(text ? text : "", size, &error);
  /* an unsigned request learns nothing but that */
  if (form == NULL && cord_config_get_string(api->config, "twilio.auth-token")) {
    cord_exchange_problem(exchange, 403, "The X-Twilio-Signature is wrong.");
    return NULL;
  }
  if (form == NULL) {
    gboolean large = g_error_matches(error, CORD_ERROR, CORD_ERROR_TOO_LARGE);

    cord_exchange_problem(exchange, large ? 413 : 400, "%s", error->message);
    return NULL;
  }
  if (!check_signature(api, exchange, FALSE, get ? NULL : form, form))
    return NULL;
  if (!get && size > 0 && g_strcmp0(type, "application/x-www-form-urlencoded") != 0) {
    cord_exchange_problem(exchange, 415, "The body must be application/x-www-form-urlencoded.");
    return NULL;
  }
  return g_steal_pointer(&form);
}

typedef struct {
  CordApi *api;
  CordExchange *exchange;
} Admission;

/* By the carrier's voice: it is there when none of ours may be. */
static gchar *
apology(const gchar *language)
{
  const gchar *text = cord_apology_get_text(language);

  return text ? cord_twiml_say(text, language) : cord_twiml_say(cord_apology_get_text(NULL), NULL);
}

static void
on_admitted(GObject *source, GAsyncResult *result, gpointer data)
{
  Admission *admission = data;
  CordExchange *exchange = admission->exchange;
  g_autofree gchar *token = NULL, *language = NULL;
  g_autofree gchar *twiml = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree gchar *call_id = cord_call_registry_admit_finish(CORD_CALL_REGISTRY(source), result,
                                                              &token, &language, &error);

  if (g_error_matches(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED)) {
    g_warning("%s", error->message);
    cord_exchange_problem(exchange, 403, "%s", error->message);
    cord_exchange_release(exchange);
    g_free(admission);
    return;
  }
  if (call_id) {
    g_autofree gchar *url = stream_url(admission->api, exchange, call_id);

    twiml = cord_twiml_connect_stream(url, token);
  } else if (language) {
    twiml = apology(language);
  } else {
    g_warning("a call was refused: %s", error->message);
    twiml = cord_twiml_reject("busy");
  }
  cord_exchange_answer(exchange, 200, "text/xml", twiml);
  cord_exchange_release(exchange);
  g_free(admission);
}

/**
 * cord_api_twilio_admit:
 * @api: the API
 * @exchange: a webhook
 * @form: its form
 * @placed: (nullable): the call, when we have placed it
 *
 * Lets the call in and answers with the way to its stream, or does not.
 */
void
cord_api_twilio_admit(CordApi *api, CordExchange *exchange, CordForm *form,
                      const CordOutboundCall *placed)
{
  CordIncomingCall call = { NULL };
  Admission *admission;

  call.call_sid = cord_form_get(form, "CallSid");
  call.from = cord_form_get(form, "From");
  call.to = cord_form_get(form, "To");
  call.account_sid = cord_form_get(form, "AccountSid");
  call.direction = placed ? "outbound" : "inbound";
  call.call_id = placed ? placed->id : NULL;
  call.agent_id = placed ? placed->agent_id : NULL;
  if (call.call_sid == NULL || *call.call_sid == '\0' || strlen(call.call_sid) > 64) {
    cord_exchange_problem(exchange, 400, "The form has no CallSid.");
    return;
  }
  if (!cord_config_get_boolean(api->config, "server.answer")) {
    g_autofree gchar *twiml = cord_twiml_reject("busy");

    cord_exchange_answer(exchange, 200, "text/xml", twiml);
    return;
  }
  admission = g_new0(Admission, 1);
  admission->api = api;
  admission->exchange = cord_exchange_hold(exchange);
  cord_call_registry_admit_async(api->calls, &call, NULL, on_admitted, admission);
}

/* Somebody who wants to see what a carrier would be told. */
static void
show(CordApi *api, CordExchange *exchange)
{
  g_autofree gchar *url = stream_url(api, exchange, NULL);
  g_autofree gchar *twiml = cord_twiml_connect_stream(url, NULL);

  cord_exchange_answer(exchange, 200, "text/xml", twiml);
}

static void
twiml_handler(CordExchange *exchange, gpointer data)
{
  g_autoptr(CordForm) form = cord_api_twilio_read_form(data, exchange);

  if (form && cord_form_get(form, "CallSid"))
    cord_api_twilio_admit(data, exchange, form, NULL);
  else if (form)
    show(data, exchange);
}

static void
incoming_handler(CordExchange *exchange, gpointer data)
{
  g_autoptr(CordForm) form = cord_api_twilio_read_form(data, exchange);

  if (form)
    cord_api_twilio_admit(data, exchange, form, NULL);
}

/**
 * cord_api_twilio_get_number:
 * @form: a webhook's form
 * @name: a parameter
 *
 * Returns: the number in it, or -1
 */
gint
cord_api_twilio_get_number(CordForm *form, const gchar *name)
{
  const gchar *text = cord_form_get(form, name);
  gint64 number;

  return text && g_ascii_string_to_signed(text, 10, 0, G_MAXINT, &number, NULL) ? (gint)number : -1;
}

static void
status_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  g_autoptr(CordForm) form = cord_api_twilio_read_form(api, exchange);
  const gchar *sid, *status;

  if (form == NULL)
    return;
  sid = cord_form_get(form, "CallSid");
  status = cord_form_get(form, "CallStatus");
  if (sid == NULL || status == NULL) {
    cord_exchange_problem(exchange, 400, "The form has no %s.", sid ? "CallStatus" : "CallSid");
    return;
  }
  cord_call_registry_set_carrier_status(api->calls, sid, status,
                                        cord_api_twilio_get_number(form, "SequenceNumber"),
                                        cord_api_twilio_get_number(form, "CallDuration"));
  cord_exchange_answer(exchange, 204, NULL, NULL);
}

static void
on_taken(CordWebsocket *websocket, gpointer data)
{
  cord_arrival_take(data, websocket);
}

/* Refuses at the handshake whatever can be told by then: a stream that nobody may come with is
 * never a connection. The single-use token follows in the stream's first message. */
static void
stream_handler(CordExchange *exchange, gpointer data)
{
  CordApi *api = data;
  g_autoptr(GError) error = NULL;
  CordArrival *arrival;

  if (!check_signature(api, exchange, TRUE, NULL, NULL))
    return;
  if (cord_call_registry_get_draining(api->calls)) {
    cord_exchange_problem(exchange, 503, "The server is shutting down.");
    return;
  }
  arrival = cord_call_registry_expect_stream(
      api->calls, exchange->parameters ? exchange->parameters[0] : NULL, &error);
  if (arrival == NULL) {
    g_log_structured("twilio", G_LOG_LEVEL_WARNING, "REQUEST_ID", exchange->id, "MESSAGE",
                     "a stream was refused: %s", error->message);
    cord_exchange_problem(exchange, 403, "No stream can come here: %s.", error->message);
    return;
  }
  if (!cord_websocket_server_take(exchange->message, cord_arrival_get_worker(arrival), on_taken,
                                  arrival, (GDestroyNotify)cord_arrival_free))
    cord_exchange_problem(exchange, 400,
                          "This is the door for Media Streams: a WebSocket is wanted.");
}

/* The doors by which carriers come in: paths that users know, and the one handler behind them. */
static const struct {
  const gchar *operation;
  CordHandler handler;
} doors[] = {
  { "apiTwilioIncoming", incoming_handler },
  { "webhooksTwilioIncoming", incoming_handler },
  { "bridgeTwilioIncoming", incoming_handler },
  { "voiceTwilioIncoming", incoming_handler },
  { "twimlPost", twiml_handler },
  { "twimlGet", twiml_handler },
  { "incomingCallPost", twiml_handler },
  { "incomingCallGet", twiml_handler },
  { "apiTwilioStatus", status_handler },
  { "webhooksTwilioStatus", status_handler },
  { "apiTwilioStream", stream_handler },
  { "webhooksTwilioStream", stream_handler },
  { "lowLatencyTwilioStream", stream_handler },
  { "bridgeTwilioStream", stream_handler },
  { "duplexTwilioStream", stream_handler },
  { "twilioStreamOfCall", stream_handler },
  { "webhooksTwilioStreamOfCall", stream_handler },
  { "lowLatencyTwilioStreamOfCall", stream_handler },
  { "bridgeTwilioStreamOfCall", stream_handler },
  { "duplexTwilioStreamOfCall", stream_handler },
};

/**
 * cord_api_twilio_add:
 * @api: the API
 *
 * Adds Twilio's webhooks and its Media Streams.
 */
void
cord_api_twilio_add(CordApi *api)
{
  for (guint i = 0; i < G_N_ELEMENTS(doors); i++)
    cord_openapi_bind(api->openapi, doors[i].operation, doors[i].handler, api);
}
