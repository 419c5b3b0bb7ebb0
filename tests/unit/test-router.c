/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-http-server.h"
#include "cord-listener.h"

typedef struct {
  CordHttpServer *server;
  CordListener *listener;
  SoupSession *session;
  gchar *base;
} Rig;

static void
tell_handler(CordExchange *exchange, gpointer data)
{
  g_autofree gchar *text = g_strjoinv("|", exchange->parameters);

  cord_exchange_answer(exchange, 200, "text/plain", text);
}

static void
local_handler(CordExchange *exchange, gpointer data)
{
  if (cord_exchange_is_local(exchange))
    cord_exchange_answer(exchange, 200, "text/plain", "local");
  else
    cord_exchange_problem(exchange, 403, "Not you.");
}

static void
set_up(Rig *rig, gconstpointer data)
{
  static const CordListenerLimits limits = {
    10, 10, 10000, { 10000, 10000, 10000, 10000, 10000, 10000 }
  };
  g_autoptr(GSocketAddress) address = NULL;
  g_autoptr(GError) error = NULL;

  rig->server = cord_http_server_new();
  cord_http_server_add(rig->server, "GET", "/", tell_handler, NULL);
  cord_http_server_add(rig->server, "GET", "/things", tell_handler, NULL);
  cord_http_server_add(rig->server, "POST", "/things", tell_handler, NULL);
  cord_http_server_add(rig->server, "GET", "/things/{}/parts/{}", tell_handler, NULL);
  cord_http_server_add(rig->server, "GET", "/things/{}", tell_handler, NULL);
  cord_http_server_add(rig->server, "GET", "/things/local", local_handler, NULL);
  cord_http_server_add(rig->server, "GET", "/local", local_handler, NULL);
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
  g_free(rig->base);
}

static void
on_answer(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GError) error = NULL;

  *(GBytes **)data = soup_session_send_and_read_finish(SOUP_SESSION(source), result, &error);
  g_assert_no_error(error);
}

static SoupMessage *
message_new(Rig *rig, const gchar *method, const gchar *path)
{
  g_autofree gchar *url = g_strconcat(rig->base, path, NULL);

  return soup_message_new(method, url);
}

static gchar *
send_message(Rig *rig, SoupMessage *message)
{
  GBytes *body = NULL;
  gsize length;
  gchar *text;

  soup_session_send_and_read_async(rig->session, message, G_PRIORITY_DEFAULT, NULL, on_answer,
                                   &body);
  while (body == NULL)
    g_main_context_iteration(NULL, TRUE);
  length = g_bytes_get_size(body);
  text = length > 0 ? g_strndup(g_bytes_get_data(body, NULL), length) : g_strdup("");
  g_bytes_unref(body);
  return text;
}

static void
assert_answers(Rig *rig, const gchar *method, const gchar *path, guint status, const gchar *text)
{
  g_autoptr(SoupMessage) message = message_new(rig, method, path);
  g_autofree gchar *body = send_message(rig, message);

  g_assert_cmpuint(soup_message_get_status(message), ==, status);
  if (text)
    g_assert_cmpstr(body, ==, text);
}

static void
test_routes(Rig *rig, gconstpointer data)
{
  assert_answers(rig, "GET", "/", 200, "");
  assert_answers(rig, "GET", "/things?a=b", 200, "");
  assert_answers(rig, "POST", "/things", 200, "");
  assert_answers(rig, "GET", "/things/12/parts/a%20b", 200, "12|a b");
  assert_answers(rig, "GET", "/things/local", 200, "local");
  assert_answers(rig, "GET", "/things/", 404, NULL);
  assert_answers(rig, "GET", "/things/12", 200, "12");
  assert_answers(rig, "GET", "/things//parts/1", 404, NULL);
  assert_answers(rig, "GET", "/things/12/parts/1/2", 404, NULL);
}

static void
test_head(Rig *rig, gconstpointer data)
{
  assert_answers(rig, "HEAD", "/local", 200, "");
  assert_answers(rig, "HEAD", "/nothing", 404, "");
}

static void
test_methods(Rig *rig, gconstpointer data)
{
  g_autoptr(SoupMessage) wrong = message_new(rig, "DELETE", "/things");
  g_autofree gchar *problem = send_message(rig, wrong);
  g_autoptr(SoupMessage) options = message_new(rig, "OPTIONS", "/things");
  g_autofree gchar *nothing = send_message(rig, options);

  g_assert_cmpuint(soup_message_get_status(wrong), ==, 405);
  g_assert_cmpstr(soup_message_headers_get_one(soup_message_get_response_headers(wrong), "Allow"),
                  ==, "GET, HEAD, POST, OPTIONS");
  g_assert_nonnull(strstr(problem, "DELETE"));
  g_assert_cmpuint(soup_message_get_status(options), ==, 204);
  g_assert_cmpstr(soup_message_headers_get_one(soup_message_get_response_headers(options), "Allow"),
                  ==, "GET, HEAD, POST, OPTIONS");
}

static void
test_problem(Rig *rig, gconstpointer data)
{
  g_autoptr(SoupMessage) message = message_new(rig, "GET", "/%22nothing%22");
  SoupMessageHeaders *headers = soup_message_get_response_headers(message);
  g_autofree gchar *body = NULL;
  g_autoptr(JsonNode) node = NULL;
  JsonObject *object;

  soup_message_headers_append(soup_message_get_request_headers(message), "X-Request-ID", "abc-1");
  body = send_message(rig, message);
  g_assert_cmpstr(soup_message_headers_get_content_type(headers, NULL), ==,
                  "application/problem+json");
  g_assert_cmpstr(soup_message_headers_get_one(headers, "X-Request-ID"), ==, "abc-1");
  node = json_from_string(body, NULL);
  object = json_node_get_object(node);
  g_assert_cmpint(json_object_get_int_member(object, "status"), ==, 404);
  g_assert_cmpstr(json_object_get_string_member(object, "title"), ==, "Not Found");
  g_assert_cmpstr(json_object_get_string_member(object, "type"), ==, "about:blank");
  g_assert_cmpstr(json_object_get_string_member(object, "instance"), ==, "/\"nothing\"");
  g_assert_cmpstr(json_object_get_string_member(object, "request_id"), ==, "abc-1");
}

static void
test_request_id(Rig *rig, gconstpointer data)
{
  static const gchar *const given[] = { "a b", "a\"b", "",
                                        "0123456789012345678901234567890123456789"
                                        "0123456789012345678901234567890123456789" };

  for (guint i = 0; i < G_N_ELEMENTS(given); i++) {
    g_autoptr(SoupMessage) message = message_new(rig, "GET", "/");
    const gchar *id;
    g_autofree gchar *body = NULL;

    soup_message_headers_append(soup_message_get_request_headers(message), "X-Request-ID",
                                given[i]);
    body = send_message(rig, message);
    id = soup_message_headers_get_one(soup_message_get_response_headers(message), "X-Request-ID");
    g_assert_true(g_uuid_string_is_valid(id));
  }
}

static guint
ask_local(Rig *rig, const gchar *name, const gchar *value)
{
  g_autoptr(SoupMessage) message = message_new(rig, "GET", "/local");
  g_autofree gchar *body = NULL;

  soup_message_headers_replace(soup_message_get_request_headers(message), name, value);
  body = send_message(rig, message);
  return soup_message_get_status(message);
}

static void
test_local(Rig *rig, gconstpointer data)
{
  g_assert_cmpuint(ask_local(rig, "Host", "127.0.0.1:8000"), ==, 200);
  g_assert_cmpuint(ask_local(rig, "Host", "LocalHost"), ==, 200);
  g_assert_cmpuint(ask_local(rig, "Host", "[::1]:8000"), ==, 200);
  g_assert_cmpuint(ask_local(rig, "Host", "evil.example"), ==, 403);
  g_assert_cmpuint(ask_local(rig, "Host", "127.0.0.1.evil.example"), ==, 403);
  g_assert_cmpuint(ask_local(rig, "X-Forwarded-For", "1.2.3.4"), ==, 403);
  g_assert_cmpuint(ask_local(rig, "Forwarded", "for=1.2.3.4"), ==, 403);
}

#define TEST(name, func) g_test_add("/router/" name, Rig, NULL, set_up, func, tear_down)

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  TEST("a path is matched part by part", test_routes);
  TEST("what answers GET answers HEAD, without a body", test_head);
  TEST("a wrong method is told the right ones", test_methods);
  TEST("an error is a problem document", test_problem);
  TEST("a request id that could break a log is replaced", test_request_id);
  TEST("only who asks for himself on this machine is local", test_local);
  return g_test_run();
}
