/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sim-twilio.h"

#include <string.h>

#include "cord-json.h"
#include "sim-modules.h"

#define PAGE 50 /* items, unless asked for more or less */
#define MAX_PAGE 1000

/* What is common to all of Twilio's routes. Any account and secret are right but those that
 * contain "wrong"; a script may fix them: {"account_sid": "AC…", "auth_token": "…"}. */

static void
free_number(gpointer data)
{
  SimTwilioNumber *number = data;

  g_free(number->sid);
  g_free(number->number);
  cord_form_free(number->form);
  g_free(number);
}

static void
free_twilio(gpointer data)
{
  SimTwilio *self = data;

  g_ptr_array_unref(self->calls);
  g_ptr_array_unref(self->numbers);
  g_ptr_array_unref(self->recordings);
  g_free(self);
}

SimTwilio *
sim_twilio_get(SimServer *server)
{
  SimTwilio *self = sim_server_get_state(server, "twilio");

  if (self)
    return self;
  self = g_new0(SimTwilio, 1);
  self->server = server;
  self->calls = g_ptr_array_new_with_free_func((GDestroyNotify)sim_twilio_call_free);
  self->numbers = g_ptr_array_new_with_free_func(free_number);
  self->recordings = g_ptr_array_new_with_free_func((GDestroyNotify)sim_twilio_recording_free);
  sim_server_set_state(server, "twilio", self, free_twilio);
  return self;
}

gchar *
sim_twilio_now(void)
{
  g_autoptr(GDateTime) now = g_date_time_new_now_utc();

  return g_date_time_format(now, "%a, %d %b %Y %H:%M:%S +0000");
}

/* Answers */

void
sim_twilio_answer(SimExchange *exchange, guint status, JsonObject *object)
{
  g_autofree gchar *text = cord_json_print_object(object);

  sim_exchange_set_header(exchange, "Twilio-Request-Id", "RQ00000000000000000000000000000000");
  sim_exchange_answer(exchange, status, "application/json", text, -1);
}

void
sim_twilio_refuse(SimExchange *exchange, guint status, gint code, const gchar *format, ...)
{
  g_autoptr(JsonObject) object = json_object_new();
  g_autofree gchar *more = g_strdup_printf("https://www.twilio.com/docs/errors/%d", code);
  g_autofree gchar *message = NULL;
  va_list arguments;

  va_start(arguments, format);
  message = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  json_object_set_int_member(object, "code", code);
  json_object_set_string_member(object, "message", message);
  json_object_set_string_member(object, "more_info", more);
  json_object_set_int_member(object, "status", status);
  sim_twilio_answer(exchange, status, object);
}

void
sim_twilio_refuse_unknown(SimExchange *exchange)
{
  sim_twilio_refuse(exchange, 404, 20404, "The requested resource %s was not found",
                    sim_exchange_get_uri(exchange));
}

static gint64
get_number(SimExchange *exchange, const gchar *name, gint64 fallback, gint64 most)
{
  const gchar *text = sim_exchange_get_query(exchange, name);
  gint64 number;

  return text && g_ascii_string_to_signed(text, 10, 0, most, &number, NULL) ? number : fallback;
}

static void
set_page_uri(JsonObject *object, const gchar *member, const gchar *path, gint64 page, gint64 size,
             gboolean exists)
{
  g_autofree gchar *uri =
      g_strdup_printf("%s?PageSize=%" G_GINT64_FORMAT "&Page=%" G_GINT64_FORMAT, path, size, page);

  if (exists)
    json_object_set_string_member(object, member, uri);
  else
    json_object_set_null_member(object, member);
}

/**
 * sim_twilio_answer_list:
 * @items: (element-type JsonObject): all of them
 *
 * Answers with the page that was asked for.
 */
void
sim_twilio_answer_list(SimExchange *exchange, const gchar *name, const gchar *path,
                       GPtrArray *items)
{
  g_autoptr(JsonObject) object = json_object_new();
  JsonArray *array = json_array_new();
  gint64 size = MAX(get_number(exchange, "PageSize", PAGE, MAX_PAGE), 1);
  gint64 page = get_number(exchange, "Page", 0, G_MAXINT32);
  gint64 begin = MIN(page * size, (gint64)items->len);
  gint64 end = MIN(begin + size, (gint64)items->len);

  for (gint64 i = begin; i < end; i++)
    json_array_add_object_element(array, json_object_ref(items->pdata[i]));
  json_object_set_array_member(object, name, array);
  json_object_set_int_member(object, "page", page);
  json_object_set_int_member(object, "page_size", size);
  json_object_set_int_member(object, "start", begin);
  json_object_set_int_member(object, "end", MAX(end - 1, 0));
  set_page_uri(object, "uri", path, page, size, TRUE);
  set_page_uri(object, "first_page_uri", path, 0, size, TRUE);
  set_page_uri(object, "next_page_uri", path, page + 1, size, end < (gint64)items->len);
  set_page_uri(object, "previous_page_uri", path, page - 1, size, page > 0);
  sim_twilio_answer(exchange, 200, object);
}

/* Requests */

/* "user:secret" of the header, or NULL */
static GStrv
read_credentials(SimExchange *exchange)
{
  const gchar *header = sim_exchange_get_header(exchange, "authorization");
  g_autofree guchar *plain = NULL;
  g_autofree gchar *text = NULL;
  gsize length;

  if (!header || !g_str_has_prefix(header, "Basic "))
    return NULL;
  plain = g_base64_decode(header + strlen("Basic "), &length);
  text = g_strndup((const gchar *)plain, length);
  return strchr(text, ':') ? g_strsplit(text, ":", 2) : NULL;
}

static JsonObject *
get_script(SimExchange *exchange)
{
  return sim_server_get_script(sim_exchange_get_server(exchange), "twilio");
}

/* The account's secret, which callbacks are signed with; an API key's own is not that. */
gchar *
sim_twilio_dup_token(SimExchange *exchange)
{
  g_auto(GStrv) credentials = read_credentials(exchange);
  JsonObject *script = get_script(exchange);

  return g_strdup(cord_json_peek_string(script, "auth_token", credentials ? credentials[1] : NULL));
}

static gboolean
is_known(SimExchange *exchange)
{
  g_auto(GStrv) credentials = read_credentials(exchange);
  JsonObject *script = get_script(exchange);
  const gchar *account = sim_exchange_get_part(exchange, 0);
  gboolean key = credentials && g_str_has_prefix(credentials[0], "SK");

  if (!credentials || strstr(credentials[0], "wrong") || strstr(credentials[1], "wrong"))
    return FALSE;
  if (!key && !g_str_equal(credentials[0], account))
    return FALSE;
  return g_str_equal(account, cord_json_peek_string(script, "account_sid", account)) &&
         (key ||
          g_str_equal(credentials[1], cord_json_peek_string(script, "auth_token", credentials[1])));
}

/**
 * sim_twilio_enter:
 *
 * Returns: (nullable): what there is, for those who may; others were answered
 */
SimTwilio *
sim_twilio_enter(SimExchange *exchange)
{
  if (is_known(exchange))
    return sim_twilio_get(sim_exchange_get_server(exchange));
  sim_exchange_set_header(exchange, "WWW-Authenticate", "Basic realm=\"Twilio API\"");
  sim_twilio_refuse(exchange, 401, 20003, "Authenticate");
  return NULL;
}

/* (nullable): refused and answered when it cannot be read */
CordForm *
sim_twilio_read_form(SimExchange *exchange)
{
  gsize length;
  const gchar *text = g_bytes_get_data(sim_exchange_get_body(exchange), &length);
  CordForm *form = cord_form_parse(text ? text : "", length, NULL);

  if (!form)
    sim_twilio_refuse(exchange, 400, 20001, "The body is no form");
  return form;
}

gchar *
sim_twilio_dup_sid(SimExchange *exchange, guint part)
{
  gchar *sid = g_strdup(sim_exchange_get_part(exchange, part));

  if (sid && g_str_has_suffix(sid, ".json"))
    sid[strlen(sid) - strlen(".json")] = '\0';
  return sid;
}

static void
on_unknown(SimExchange *exchange)
{
  if (sim_twilio_enter(exchange))
    sim_twilio_refuse_unknown(exchange);
}

void
sim_twilio_add(SimServer *server)
{
  static const SimRoute any = { .provider = "twilio",
                                .path = SIM_TWILIO_API "*/**",
                                .request = on_unknown };

  sim_twilio_calls_add(server);
  sim_twilio_recordings_add(server);
  sim_twilio_numbers_add(server);
  sim_server_add(server, &any);
}
