/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-api-private.h"

/* What all routes know of carriers: under which addresses they reach us, in whose name we ask them.
 */

static void
add_base(GPtrArray *bases, const gchar *scheme, const gchar *rest)
{
  gchar *base = g_strconcat(scheme, rest, NULL);
  gsize length = strlen(base);

  while (length > 0 && base[length - 1] == '/')
    base[--length] = '\0';
  g_ptr_array_add(bases, base);
}

/**
 * cord_api_list_bases:
 * @api: the API
 * @exchange: a request
 *
 * Returns: (transfer full) (element-type utf8): the addresses under which the outside may know this
 *   server, the likeliest first: what was configured, what a proxy on this machine says, what the
 *   client says
 */
GPtrArray *
cord_api_list_bases(CordApi *api, CordExchange *exchange)
{
  GPtrArray *bases = g_ptr_array_new_with_free_func(g_free);
  g_autofree gchar *url = cord_config_dup_address(api->config, "server.app-url");
  g_autofree gchar *public_host = cord_config_dup_address(api->config, "server.public-host");
  const gchar *host = cord_exchange_get_header(exchange, "Host");
  const gchar *scheme = cord_exchange_get_header(exchange, "X-Forwarded-Proto");
  const gchar *forwarded = cord_exchange_get_header(exchange, "X-Forwarded-Host");

  if (cord_config_is_set(api->config, "server.app-url"))
    g_ptr_array_add(bases, g_steal_pointer(&url));
  if (public_host)
    g_ptr_array_add(bases, g_steal_pointer(&public_host));
  if (cord_exchange_is_loopback(exchange) && scheme && (forwarded || host))
    add_base(bases, g_str_equal(scheme, "https") ? "https://" : "http://",
             forwarded ? forwarded : host);
  add_base(bases, "http://", host ? host : "localhost");
  return bases;
}

/**
 * cord_api_to_websocket:
 * @base: one of cord_api_list_bases()
 * @rest: the path
 *
 * Returns: (transfer full): the address of a WebSocket: https becomes wss, http becomes ws
 */
gchar *
cord_api_to_websocket(const gchar *base, const gchar *rest)
{
  return g_strconcat("ws", base + strlen("http"), rest, NULL);
}

/**
 * cord_api_public_url:
 * @api: the API
 * @exchange: a request
 * @path: a path
 * @websocket: whether a WebSocket is there
 *
 * Returns: (transfer full): where the outside finds it
 */
gchar *
cord_api_public_url(CordApi *api, CordExchange *exchange, const gchar *path, gboolean websocket)
{
  g_autoptr(GPtrArray) bases = cord_api_list_bases(api, exchange);

  return websocket ? cord_api_to_websocket(bases->pdata[0], path)
                   : g_strconcat(bases->pdata[0], path, NULL);
}

/**
 * cord_api_find_token:
 * @api: the API
 * @number: (nullable): one of our numbers
 *
 * Returns: (transfer none) (nullable): the secret by which its carrier is known
 */
const gchar *
cord_api_find_token(CordApi *api, const gchar *number)
{
  const CordNumber *own = cord_directory_find_number(api->directory, number);

  return own && own->auth_token ? own->auth_token
                                : cord_config_get_string(api->config, "twilio.auth-token");
}

/**
 * cord_api_find_account:
 * @api: the API
 * @number: (nullable): one of our numbers
 * @account: (out): in whose name to ask the carrier, valid until the main loop runs again
 *
 * Returns: whether there is an account
 */
gboolean
cord_api_find_account(CordApi *api, const gchar *number, CordTwilioAccount *account)
{
  const CordNumber *own = cord_directory_find_number(api->directory, number);

  account->account_sid = cord_config_get_string(api->config, "twilio.account-sid");
  account->auth_token = cord_config_get_string(api->config, "twilio.auth-token");
  if (own && own->account_sid && own->auth_token) {
    account->account_sid = own->account_sid;
    account->auth_token = own->auth_token;
  }
  return account->account_sid && account->auth_token;
}

/**
 * cord_api_answer_twilio_error:
 * @exchange: a request
 * @error: what the carrier said
 */
void
cord_api_answer_twilio_error(CordExchange *exchange, const GError *error)
{
  cord_exchange_problem(exchange, 502, "%s.", error->message);
}
