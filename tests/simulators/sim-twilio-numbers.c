/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-json.h"
#include "sim-twilio.h"

#define NUMBERS SIM_TWILIO_API "*/IncomingPhoneNumbers"

/* IncomingPhoneNumbers. The account has those that the script names ({"numbers": ["+1…"]}), or,
 * when it names none, every number that somebody asks for. */

static SimTwilioNumber *
find_number(SimTwilio *twilio, const gchar *name)
{
  for (guint i = 0; i < twilio->numbers->len; i++) {
    SimTwilioNumber *number = twilio->numbers->pdata[i];

    if (g_str_equal(number->number, name) || g_str_equal(number->sid, name))
      return number;
  }
  return NULL;
}

static SimTwilioNumber *
add_number(SimTwilio *twilio, const gchar *name)
{
  SimTwilioNumber *number = find_number(twilio, name);
  g_autofree gchar *sum = g_compute_checksum_for_string(G_CHECKSUM_MD5, name, -1);

  if (number)
    return number;
  number = g_new0(SimTwilioNumber, 1);
  number->sid = g_strconcat("PN", sum, NULL);
  number->number = g_strdup(name);
  number->form = cord_form_new();
  g_ptr_array_add(twilio->numbers, number);
  return number;
}

static void
add_scripted(SimTwilio *twilio, const gchar *asked)
{
  JsonObject *script = sim_server_get_script(twilio->server, "twilio");
  JsonArray *numbers = script ? cord_json_peek_array(script, "numbers") : NULL;

  for (guint i = 0; numbers && i < json_array_get_length(numbers); i++)
    add_number(twilio, json_array_get_string_element(numbers, i));
  if (!numbers && asked && g_str_has_prefix(asked, "+"))
    add_number(twilio, asked);
}

/* What was set last is what counts. */
static const gchar *
get_last(SimTwilioNumber *number, const gchar *name, const gchar *fallback)
{
  const gchar *value = fallback;

  for (guint i = 0; i < cord_form_get_length(number->form); i++)
    if (g_str_equal(cord_form_get_name(number->form, i), name))
      value = cord_form_get_value(number->form, i);
  return value;
}

static JsonObject *
describe(SimTwilioNumber *number, const gchar *account)
{
  static const struct {
    const gchar *member;
    const gchar *field;
    const gchar *fallback;
  } fields[] = {
    { "friendly_name", "FriendlyName", NULL },
    { "voice_url", "VoiceUrl", "" },
    { "voice_method", "VoiceMethod", "POST" },
    { "voice_fallback_url", "VoiceFallbackUrl", "" },
    { "voice_fallback_method", "VoiceFallbackMethod", "POST" },
    { "voice_application_sid", "VoiceApplicationSid", "" },
    { "status_callback", "StatusCallback", "" },
    { "status_callback_method", "StatusCallbackMethod", "POST" },
    { "sms_url", "SmsUrl", "" },
    { "sms_method", "SmsMethod", "POST" },
  };
  JsonObject *object = json_object_new(), *capabilities = json_object_new();
  g_autofree gchar *uri =
      g_strdup_printf(SIM_TWILIO_API "%s/IncomingPhoneNumbers/%s.json", account, number->sid);

  json_object_set_string_member(object, "sid", number->sid);
  json_object_set_string_member(object, "account_sid", account);
  json_object_set_string_member(object, "phone_number", number->number);
  for (guint i = 0; i < G_N_ELEMENTS(fields); i++)
    json_object_set_string_member(
        object, fields[i].member,
        get_last(number, fields[i].field,
                 fields[i].fallback ? fields[i].fallback : number->number));
  json_object_set_boolean_member(capabilities, "voice", TRUE);
  json_object_set_boolean_member(capabilities, "sms", TRUE);
  json_object_set_boolean_member(capabilities, "mms", FALSE);
  json_object_set_boolean_member(capabilities, "fax", FALSE);
  json_object_set_object_member(object, "capabilities", capabilities);
  json_object_set_string_member(object, "api_version", "2010-04-01");
  json_object_set_string_member(object, "status", "in-use");
  json_object_set_string_member(object, "origin", "twilio");
  json_object_set_boolean_member(object, "beta", FALSE);
  json_object_set_string_member(object, "uri", uri);
  return object;
}

static void
list_numbers(SimExchange *exchange)
{
  SimTwilio *twilio = sim_twilio_enter(exchange);
  const gchar *wanted = sim_exchange_get_query(exchange, "PhoneNumber");
  const gchar *account = sim_exchange_get_part(exchange, 0);
  g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func((GDestroyNotify)json_object_unref);
  g_autofree gchar *path = NULL;

  if (!twilio)
    return;
  add_scripted(twilio, wanted);
  for (guint i = 0; i < twilio->numbers->len; i++) {
    SimTwilioNumber *number = twilio->numbers->pdata[i];

    if (!wanted || strstr(number->number, wanted))
      g_ptr_array_add(items, describe(number, account));
  }
  path = g_strconcat(SIM_TWILIO_API, account, "/IncomingPhoneNumbers.json", NULL);
  sim_twilio_answer_list(exchange, "incoming_phone_numbers", path, items);
}

static SimTwilioNumber *
find_asked(SimTwilio *twilio, SimExchange *exchange)
{
  g_autofree gchar *sid = sim_twilio_dup_sid(exchange, 1);
  SimTwilioNumber *number;

  add_scripted(twilio, NULL);
  number = find_number(twilio, sid);
  if (!number)
    sim_twilio_refuse_unknown(exchange);
  return number;
}

static void
answer_number(SimExchange *exchange, SimTwilioNumber *number)
{
  g_autoptr(JsonObject) object = describe(number, sim_exchange_get_part(exchange, 0));

  sim_twilio_answer(exchange, 200, object);
}

static void
fetch_number(SimExchange *exchange)
{
  SimTwilio *twilio = sim_twilio_enter(exchange);
  SimTwilioNumber *number = twilio ? find_asked(twilio, exchange) : NULL;

  if (number)
    answer_number(exchange, number);
}

static gboolean
check_urls(SimExchange *exchange, CordForm *form)
{
  static const gchar *const names[] = { "VoiceUrl", "VoiceFallbackUrl", "StatusCallback" };

  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    const gchar *url = cord_form_get(form, names[i]);

    if (url && *url && !g_regex_match_simple("^https?://[^/ ]+", url, 0, 0)) {
      sim_twilio_refuse(exchange, 400, 21402, "%s is not valid: %s", names[i], url);
      return FALSE;
    }
  }
  return TRUE;
}

static void
update_number(SimExchange *exchange)
{
  SimTwilio *twilio = sim_twilio_enter(exchange);
  SimTwilioNumber *number = twilio ? find_asked(twilio, exchange) : NULL;
  g_autoptr(CordForm) form = number ? sim_twilio_read_form(exchange) : NULL;

  if (!form || !check_urls(exchange, form))
    return;
  for (guint i = 0; i < cord_form_get_length(form); i++)
    cord_form_add(number->form, cord_form_get_name(form, i), cord_form_get_value(form, i));
  answer_number(exchange, number);
}

void
sim_twilio_numbers_add(SimServer *server)
{
  static const SimRoute routes[] = {
    { .provider = "twilio", .method = "GET", .path = NUMBERS ".json", .request = list_numbers },
    { .provider = "twilio", .method = "GET", .path = NUMBERS "/*", .request = fetch_number },
    { .provider = "twilio", .method = "POST", .path = NUMBERS "/*", .request = update_number },
  };

  for (guint i = 0; i < G_N_ELEMENTS(routes); i++)
    sim_server_add(server, &routes[i]);
}
