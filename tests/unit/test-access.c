/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-access.h"
#include "cord-listener.h"
#include "cord-openapi.h"

#define READER "cb_reader"
#define WRITER "cb_writer"
#define OLD "cb_old"
#define PAGE "https://app.example.com"
#define PER_MINUTE 8

static const gchar document[] =
    "{\"paths\":{"
    "\"/open\":{\"get\":{\"operationId\":\"open\",\"x-cordboard-scope\":\"public\"}},"
    "\"/hook\":{\"post\":{\"operationId\":\"hook\",\"x-cordboard-scope\":\"carrier\"}},"
    "\"/things\":{\"get\":{\"operationId\":\"read\",\"x-cordboard-scope\":\"read\"},"
    "\"post\":{\"operationId\":\"write\",\"x-cordboard-scope\":\"write\"}},"
    "\"/secrets\":{\"get\":{\"operationId\":\"secrets\"}}}}";

typedef struct {
  CordHttpServer *server;
  CordListener *listener;
  CordOpenapi *openapi;
  CordAccess *access;
  SoupSession *session;
  gchar *base;
} Rig;

static void
who_handler(CordExchange *exchange, gpointer data)
{
  cord_exchange_answer(exchange, 200, "text/plain", exchange->key_id ? exchange->key_id : "nobody");
}

static void
add_key(GPtrArray *keys, const gchar *text, const gchar *scopes, const gchar *expires_at)
{
  g_autofree gchar *hash = cord_access_hash(text);

  g_ptr_array_add(keys, cord_key_new(text, hash, scopes, expires_at));
}

static void
set_up(Rig *rig, gconstpointer data)
{
  static const gchar *const operations[] = { "open", "hook", "read", "write", "secrets" };
  static const CordListenerLimits limits = {
    40, 40, 10000, { 10000, 10000, 10000, 10000, 10000, 10000 }
  };
  g_autoptr(GBytes) bytes = g_bytes_new_static(document, strlen(document));
  g_autoptr(GSocketAddress) address = NULL;
  g_autoptr(GError) error = NULL;
  GPtrArray *keys = g_ptr_array_new();

  rig->server = cord_http_server_new();
  rig->access = cord_access_new(PAGE ", https://other.example.com", PER_MINUTE);
  add_key(keys, READER, "read", NULL);
  add_key(keys, WRITER, "read,write", "2999-01-01T00:00:00Z");
  add_key(keys, OLD, "admin", "2020-01-01T00:00:00Z");
  add_key(keys, "cb_admin", "admin", NULL);
  cord_access_set_keys(rig->access, keys);
  rig->openapi = cord_openapi_new(rig->server, bytes, &error);
  g_assert_no_error(error);
  cord_openapi_set_authorize(rig->openapi, cord_access_authorize, rig->access);
  cord_http_server_set_filter(rig->server, cord_access_filter, rig->access);
  for (guint i = 0; i < G_N_ELEMENTS(operations); i++)
    cord_openapi_bind(rig->openapi, operations[i], who_handler, NULL);
  rig->listener = cord_listener_new(cord_http_server_get_soup(rig->server), &limits);
  address = cord_listener_listen(rig->listener, "127.0.0.1:0", &error);
  g_assert_no_error(error);
  rig->base = g_strdup_printf("http://127.0.0.1:%d",
                              g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(address)));
  rig->session = soup_session_new();
}

static void
tear_down(Rig *rig, gconstpointer data)
{
  soup_session_abort(rig->session);
  g_object_unref(rig->session);
  g_object_unref(rig->server);
  g_object_unref(rig->listener);
  cord_openapi_free(rig->openapi);
  cord_access_free(rig->access);
  g_free(rig->base);
}

static void
on_answer(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GError) error = NULL;

  *(GBytes **)data = soup_session_send_and_read_finish(SOUP_SESSION(source), result, &error);
  g_assert_no_error(error);
}

/* Asks with headers, names and values by turns; the message with its answer. */
static SoupMessage *
ask(Rig *rig, const gchar *method, const gchar *path, const gchar *const *headers)
{
  g_autofree gchar *url = g_strconcat(rig->base, path, NULL);
  SoupMessage *message = soup_message_new(method, url);
  GBytes *body = NULL;

  for (guint i = 0; headers && headers[i]; i += 2)
    soup_message_headers_replace(soup_message_get_request_headers(message), headers[i],
                                 headers[i + 1]);
  soup_session_send_and_read_async(rig->session, message, G_PRIORITY_DEFAULT, NULL, on_answer,
                                   &body);
  while (body == NULL)
    g_main_context_iteration(NULL, TRUE);
  g_bytes_unref(body);
  return message;
}

#define HEADERS(...) ((const gchar *const[]){ __VA_ARGS__, NULL })
#define AFAR "X-Forwarded-For", "203.0.113.5"
#define KEY(key) "Authorization", "Bearer " key

static guint
ask_status(Rig *rig, const gchar *method, const gchar *path, const gchar *const *headers)
{
  g_autoptr(SoupMessage) message = ask(rig, method, path, headers);

  return soup_message_get_status(message);
}

static const gchar *
get_header(SoupMessage *message, const gchar *name)
{
  return soup_message_headers_get_one(soup_message_get_response_headers(message), name);
}

static void
test_local(Rig *rig, gconstpointer data)
{
  g_autoptr(SoupMessage) afar = ask(rig, "GET", "/things", HEADERS(AFAR));

  g_assert_cmpuint(ask_status(rig, "GET", "/things", NULL), ==, 200);
  g_assert_cmpuint(ask_status(rig, "GET", "/secrets", NULL), ==, 200);
  g_assert_cmpuint(soup_message_get_status(afar), ==, 401);
  g_assert_cmpstr(get_header(afar, "WWW-Authenticate"), ==, "Bearer");
  g_assert_cmpuint(ask_status(rig, "GET", "/things", HEADERS("Host", "rebound.example.com")), ==,
                   401);
  g_assert_cmpuint(ask_status(rig, "GET", "/things", HEADERS("Via", "1.1 proxy")), ==, 401);
  g_assert_cmpuint(ask_status(rig, "GET", "/things", HEADERS("X-Real-IP", "203.0.113.5")), ==, 401);
  g_assert_cmpuint(ask_status(rig, "GET", "/open", HEADERS(AFAR)), ==, 200);
}

static void
test_scopes(Rig *rig, gconstpointer data)
{
  g_assert_cmpuint(ask_status(rig, "GET", "/things", HEADERS(AFAR, KEY(READER))), ==, 200);
  g_assert_cmpuint(ask_status(rig, "POST", "/things", HEADERS(AFAR, KEY(READER))), ==, 403);
  g_assert_cmpuint(ask_status(rig, "POST", "/things", HEADERS(AFAR, KEY(WRITER))), ==, 200);
  g_assert_cmpuint(ask_status(rig, "GET", "/secrets", HEADERS(AFAR, KEY(WRITER))), ==, 403);
  g_assert_cmpuint(ask_status(rig, "GET", "/secrets", HEADERS(AFAR, KEY("cb_admin"))), ==, 200);
  g_assert_cmpuint(ask_status(rig, "POST", "/things", HEADERS(AFAR, KEY("cb_admin"))), ==, 200);
  g_assert_cmpuint(ask_status(rig, "GET", "/things", HEADERS(AFAR, KEY(OLD))), ==, 401);
  /* who shows a key is held to it, also on this machine */
  g_assert_cmpuint(ask_status(rig, "POST", "/things", HEADERS(KEY(READER))), ==, 403);
}

static void
test_lock_out(Rig *rig, gconstpointer data)
{
  g_autoptr(SoupMessage) locked = NULL;

  for (guint i = 0; i < 10; i++)
    g_assert_cmpuint(ask_status(rig, "GET", "/things", HEADERS(AFAR, KEY("wrong"))), ==, 401);
  locked = ask(rig, "GET", "/things", HEADERS(AFAR, KEY(READER)));
  g_assert_cmpuint(soup_message_get_status(locked), ==, 429);
  g_assert_cmpstr(get_header(locked, "Retry-After"), ==, "60");
  /* another is another, and what a client writes before the proxy's word is not heard */
  g_assert_cmpuint(
      ask_status(rig, "GET", "/things", HEADERS("X-Forwarded-For", "198.51.100.7", KEY(READER))),
      ==, 200);
  g_assert_cmpuint(ask_status(rig, "GET", "/things",
                              HEADERS("X-Forwarded-For", "198.51.100.7, 203.0.113.5", KEY(READER))),
                   ==, 429);
}

static void
test_cookie(Rig *rig, gconstpointer data)
{
  static const struct {
    const gchar *cookie;
    guint status;
  } cookies[] = {
    { "cordboard_key=" READER, 200 },           { "a=b; cordboard_key=" READER "; c=d", 200 },
    { "x_cordboard_key=" READER, 401 },         { "cordboard_key=wrong", 401 },
    { "other=cordboard_key=" READER "x", 401 },
  };

  for (guint i = 0; i < G_N_ELEMENTS(cookies); i++)
    g_assert_cmpuint(ask_status(rig, "GET", "/things", HEADERS(AFAR, "Cookie", cookies[i].cookie)),
                     ==, cookies[i].status);
  /* a page from elsewhere cannot use it */
  g_assert_cmpuint(ask_status(rig, "GET", "/things",
                              HEADERS(AFAR, "Cookie", "cordboard_key=" READER, "Origin",
                                      "https://evil.example.com")),
                   ==, 403);
}

static void
test_origins(Rig *rig, gconstpointer data)
{
  g_autofree gchar *own = g_strdup(rig->base);
  g_autoptr(SoupMessage) friend = ask(rig, "GET", "/things", HEADERS("Origin", PAGE));
  g_autoptr(SoupMessage) preflight = ask(
      rig, "OPTIONS", "/things", HEADERS("Origin", PAGE, "Access-Control-Request-Method", "PUT"));
  g_autoptr(SoupMessage) stranger =
      ask(rig, "OPTIONS", "/things", HEADERS("Origin", "https://evil.example.com"));
  g_autoptr(SoupMessage) nowhere = ask(rig, "GET", "/nowhere", HEADERS("Origin", PAGE));

  g_assert_cmpuint(ask_status(rig, "POST", "/things", HEADERS("Origin", own)), ==, 200);
  g_assert_cmpuint(ask_status(rig, "POST", "/things", HEADERS("Origin", "null")), ==, 403);
  g_assert_cmpuint(
      ask_status(rig, "POST", "/things", HEADERS("Origin", "https://evil.example.com")), ==, 403);
  g_assert_cmpuint(soup_message_get_status(friend), ==, 200);
  g_assert_cmpstr(get_header(friend, "Access-Control-Allow-Origin"), ==, PAGE);
  g_assert_cmpstr(get_header(friend, "Vary"), ==, "Origin");
  g_assert_cmpuint(soup_message_get_status(preflight), ==, 204);
  g_assert_nonnull(strstr(get_header(preflight, "Access-Control-Allow-Methods"), "PUT"));
  g_assert_nonnull(strstr(get_header(preflight, "Access-Control-Allow-Headers"), "If-Match"));
  g_assert_null(get_header(stranger, "Access-Control-Allow-Origin"));
  /* a page may read what went wrong, too */
  g_assert_cmpuint(soup_message_get_status(nowhere), ==, 404);
  g_assert_cmpstr(get_header(nowhere, "Access-Control-Allow-Origin"), ==, PAGE);
}

static void
test_rates(Rig *rig, gconstpointer data)
{
  g_autoptr(SoupMessage) last = NULL;

  for (guint i = 0; i < PER_MINUTE; i++) {
    g_autoptr(SoupMessage) message = ask(rig, "GET", "/things", HEADERS(AFAR, KEY(READER)));
    g_autofree gchar *left = g_strdup_printf("%u", PER_MINUTE - 1 - i);

    g_assert_cmpuint(soup_message_get_status(message), ==, 200);
    g_assert_cmpstr(get_header(message, "RateLimit-Limit"), ==, G_STRINGIFY(PER_MINUTE));
    g_assert_cmpstr(get_header(message, "RateLimit-Remaining"), ==, left);
    g_assert_nonnull(get_header(message, "RateLimit-Reset"));
    g_assert_null(get_header(message, "Retry-After"));
  }
  last = ask(rig, "GET", "/things", HEADERS("X-Forwarded-For", "198.51.100.7", KEY(READER)));
  g_assert_cmpuint(soup_message_get_status(last), ==, 429);
  g_assert_nonnull(get_header(last, "Retry-After"));
  /* another key has its own, this machine needs none, and a carrier is not to be kept waiting */
  g_assert_cmpuint(ask_status(rig, "GET", "/things", HEADERS(AFAR, KEY(WRITER))), ==, 200);
  for (guint i = 0; i < 2 * PER_MINUTE; i++) {
    g_assert_cmpuint(ask_status(rig, "GET", "/things", NULL), ==, 200);
    g_assert_cmpuint(ask_status(rig, "POST", "/hook", HEADERS(AFAR)), ==, 200);
  }
}

static void
test_addresses(Rig *rig, gconstpointer data)
{
  for (guint i = 0; i < PER_MINUTE; i++)
    g_assert_cmpuint(ask_status(rig, "GET", "/open", HEADERS("X-Forwarded-For", "2001:db8::1")), ==,
                     200);
  /* one customer has many addresses of IPv6 */
  g_assert_cmpuint(ask_status(rig, "GET", "/open", HEADERS("X-Forwarded-For", "2001:db8::2")), ==,
                   429);
  g_assert_cmpuint(ask_status(rig, "GET", "/open", HEADERS("X-Forwarded-For", "2001:db8:0:1::1")),
                   ==, 200);
}

#define TEST(name, func) g_test_add("/access/" name, Rig, NULL, set_up, func, tear_down)

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  TEST("this machine needs no key, whoever comes through it does", test_local);
  TEST("a key opens what its scopes say, until it expires", test_scopes);
  TEST("who brings wrong keys is locked out, and nobody else", test_lock_out);
  TEST("our own pages bring the key as a cookie", test_cookie);
  TEST("pages from elsewhere may ask when the settings name them", test_origins);
  TEST("a key has so many requests a minute", test_rates);
  TEST("and so has an address without one", test_addresses);
  return g_test_run();
}
