/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-http-server.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cord-json.h"

#define MAX_REQUEST_ID 64
#define G_LOG_DOMAIN_HTTP "http"

typedef struct {
  gchar *method;
  GStrv pattern;
  CordHandler handler;
  gpointer data;
} Route;

struct _CordHttpServer {
  GObject parent_instance;
  SoupServer *soup;
  GPtrArray *routes;
  CordFilter filter;
  gpointer filter_data;
  int silence;
};

G_DEFINE_FINAL_TYPE(CordHttpServer, cord_http_server, G_TYPE_OBJECT)

static void
free_route(gpointer data)
{
  Route *route = data;

  g_free(route->method);
  g_strfreev(route->pattern);
  g_free(route);
}

static void
clear_exchange(gpointer data)
{
  CordExchange *self = data;

  g_object_unref(self->message);
  g_free(self->id);
  g_free(self->path);
  g_strfreev(self->parameters);
  g_clear_pointer(&self->query, g_hash_table_unref);
  g_clear_pointer(&self->body, json_object_unref);
  g_free(self->key_id);
}

/**
 * cord_exchange_hold:
 * @self: a request that will be answered later
 *
 * Returns: (transfer full): @self; released after the answer
 */
CordExchange *
cord_exchange_hold(CordExchange *self)
{
  if (!self->paused) {
    self->paused = TRUE;
    soup_server_message_pause(self->message);
  }
  return g_rc_box_acquire(self);
}

/**
 * cord_exchange_release:
 * @self: (transfer full): a request
 */
void
cord_exchange_release(CordExchange *self)
{
  g_rc_box_release_full(self, clear_exchange);
}

/**
 * cord_exchange_get_header:
 * @self: a request
 * @name: a header
 *
 * Returns: (nullable): its value
 */
const gchar *
cord_exchange_get_header(CordExchange *self, const gchar *name)
{
  return soup_message_headers_get_one(soup_server_message_get_request_headers(self->message), name);
}

/* A name that an attacker cannot give to this machine: a page in a browser may be made to ask us,
 * but it asks by its own name. */
static gboolean
is_own_name(const gchar *host)
{
  g_autofree gchar *name = NULL;

  if (host == NULL)
    return TRUE;
  if (*host == '[')
    name = g_strndup(host + 1, strcspn(host + 1, "]"));
  else
    name = g_strndup(host, strcspn(host, ":"));
  return g_ascii_strcasecmp(name, "localhost") == 0 || g_hostname_is_ip_address(name);
}

/**
 * cord_exchange_is_loopback:
 * @self: a request
 *
 * Returns: whether it comes from a program on this machine, which may be a proxy
 */
gboolean
cord_exchange_is_loopback(CordExchange *self)
{
  GSocketAddress *address = soup_server_message_get_remote_address(self->message);

  return G_IS_INET_SOCKET_ADDRESS(address) &&
         g_inet_address_get_is_loopback(
             g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(address)));
}

/**
 * cord_exchange_is_local:
 * @self: a request
 *
 * Returns: whether somebody on this machine asks for himself: neither a proxy for others, nor a
 *   browser for a page from elsewhere
 */
gboolean
cord_exchange_is_local(CordExchange *self)
{
  /* what proxies add, each in its own way */
  static const gchar *const traces[] = { "Forwarded", "X-Forwarded-For", "X-Forwarded-Host",
                                         "X-Real-IP", "Via" };

  for (guint i = 0; i < G_N_ELEMENTS(traces); i++)
    if (cord_exchange_get_header(self, traces[i]))
      return FALSE;
  return cord_exchange_is_loopback(self) && is_own_name(cord_exchange_get_header(self, "Host"));
}

/* The last address in X-Forwarded-For is the one that our own proxy saw; what stands before it
 * anybody may write. */
static GInetAddress *
forwarded_address(CordExchange *self)
{
  const gchar *list = soup_message_headers_get_list(
      soup_server_message_get_request_headers(self->message), "X-Forwarded-For");
  const gchar *last = list ? strrchr(list, ',') : NULL;
  g_autofree gchar *text = list ? g_strstrip(g_strdup(last ? last + 1 : list)) : NULL;

  return text && cord_exchange_is_loopback(self) ? g_inet_address_new_from_string(text) : NULL;
}

/**
 * cord_exchange_dup_client:
 * @self: a request
 *
 * Who is counted as one client: an address, or the network of 64 bits that one IPv6 customer has.
 *
 * Returns: (transfer full): its name
 */
gchar *
cord_exchange_dup_client(CordExchange *self)
{
  GSocketAddress *socket_address = soup_server_message_get_remote_address(self->message);
  g_autoptr(GInetAddress) address = forwarded_address(self);
  const guint8 *bytes;

  if (address == NULL && G_IS_INET_SOCKET_ADDRESS(socket_address))
    address =
        g_object_ref(g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(socket_address)));
  if (address == NULL)
    return g_strdup("");
  if (g_inet_address_get_family(address) == G_SOCKET_FAMILY_IPV4)
    return g_inet_address_to_string(address);
  bytes = g_inet_address_to_bytes(address);
  return g_strdup_printf("%02x%02x:%02x%02x:%02x%02x:%02x%02x::/64", bytes[0], bytes[1], bytes[2],
                         bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]);
}

/**
 * cord_http_phrase:
 * @status: an HTTP status
 *
 * Returns: its name
 */
const gchar *
cord_http_phrase(guint status)
{
  switch (status) {
  case 413:
    return "Content Too Large";
  case 414:
    return "URI Too Long";
  case 429:
    return "Too Many Requests";
  case 431:
    return "Request Header Fields Too Large";
  default:
    return soup_status_get_phrase(status);
  }
}

static void
finish_answer(CordExchange *self, guint status)
{
  g_log_structured(G_LOG_DOMAIN_HTTP, status >= 500 ? G_LOG_LEVEL_MESSAGE : G_LOG_LEVEL_DEBUG,
                   "REQUEST_ID", self->id, "MESSAGE", "%s %s: %u",
                   soup_server_message_get_method(self->message), self->path, status);
  if (self->paused) {
    self->paused = FALSE;
    soup_server_message_unpause(self->message);
  }
}

/**
 * cord_exchange_answer:
 * @self: a request
 * @status: the status
 * @type: (nullable): the body's type
 * @body: (nullable): the body
 */
void
cord_exchange_answer(CordExchange *self, guint status, const gchar *type, const gchar *body)
{
  soup_server_message_set_status(self->message, status, cord_http_phrase(status));
  if (body)
    soup_server_message_set_response(self->message, type, SOUP_MEMORY_COPY, body, strlen(body));
  finish_answer(self, status);
}

/**
 * cord_exchange_answer_bytes:
 * @self: a request
 * @status: the status
 * @type: the body's type
 * @body: the body
 */
void
cord_exchange_answer_bytes(CordExchange *self, guint status, const gchar *type, GBytes *body)
{
  soup_server_message_set_status(self->message, status, cord_http_phrase(status));
  soup_message_headers_set_content_type(soup_server_message_get_response_headers(self->message),
                                        type, NULL);
  soup_message_body_append_bytes(soup_server_message_get_response_body(self->message), body);
  finish_answer(self, status);
}

/**
 * cord_exchange_answer_json:
 * @self: a request
 * @status: the status
 * @node: (transfer full): the body
 */
void
cord_exchange_answer_json(CordExchange *self, guint status, JsonNode *node)
{
  g_autofree gchar *body = json_to_string(node, FALSE);

  json_node_unref(node);
  cord_exchange_answer(self, status, "application/json", body);
}

/**
 * cord_exchange_problem_with:
 * @self: a request
 * @status: the status
 * @detail: a sentence that says what to do
 * @member: (nullable): a member that the document has besides
 * @value: (transfer full) (nullable): its value
 *
 * Answers with a problem document (RFC 9457).
 */
void
cord_exchange_problem_with(CordExchange *self, guint status, const gchar *detail,
                           const gchar *member, JsonArray *value)
{
  JsonObject *object = json_object_new();
  g_autofree gchar *body = NULL;

  json_object_set_string_member(object, "type", "about:blank");
  json_object_set_string_member(object, "title", cord_http_phrase(status));
  json_object_set_int_member(object, "status", status);
  json_object_set_string_member(object, "detail", detail);
  json_object_set_string_member(object, "instance", self->path);
  json_object_set_string_member(object, "request_id", self->id);
  if (member)
    json_object_set_array_member(object, member, value);
  body = cord_json_print_object(object);
  json_object_unref(object);
  cord_exchange_answer(self, status, "application/problem+json", body);
}

/**
 * cord_exchange_problem:
 * @self: a request
 * @status: the status
 * @format: a sentence that says what to do, as printf() takes it
 * @...: its arguments
 *
 * Answers with a problem document (RFC 9457).
 */
void
cord_exchange_problem(CordExchange *self, guint status, const gchar *format, ...)
{
  g_autofree gchar *detail = NULL;
  va_list arguments;

  va_start(arguments, format);
  detail = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  cord_exchange_problem_with(self, status, detail, NULL, NULL);
}

/**
 * cord_exchange_get_query:
 * @self: a request
 * @name: a parameter of the operation
 *
 * Returns: (nullable): its value
 */
const gchar *
cord_exchange_get_query(CordExchange *self, const gchar *name)
{
  return self->query ? g_hash_table_lookup(self->query, name) : NULL;
}

/**
 * cord_exchange_set_header:
 * @self: a request
 * @name: a header of the answer
 * @value: its value
 */
void
cord_exchange_set_header(CordExchange *self, const gchar *name, const gchar *value)
{
  soup_message_headers_replace(soup_server_message_get_response_headers(self->message), name,
                               value);
}

/* "/api/calls/{}/transcript" against a path; the parts in place of {} are kept. */
static GStrv
match(GStrv pattern, GStrv parts)
{
  g_autoptr(GStrvBuilder) kept = NULL;
  guint i;

  if (g_strv_length(pattern) != g_strv_length(parts))
    return NULL;
  kept = g_strv_builder_new();
  for (i = 0; pattern[i]; i++) {
    if (g_str_equal(pattern[i], "{}") && *parts[i])
      g_strv_builder_add(kept, parts[i]);
    else if (!g_str_equal(pattern[i], parts[i]))
      return NULL;
  }
  return g_strv_builder_end(kept);
}

static gchar *
request_id(SoupServerMessage *message)
{
  const gchar *given = soup_message_headers_get_one(
      soup_server_message_get_request_headers(message), "X-Request-ID");
  gsize length = given ? strlen(given) : 0;

  for (gsize i = 0; i < length; i++) {
    if (!g_ascii_isalnum(given[i]) && !strchr("-_.", given[i]))
      length = 0;
  }
  return length > 0 && length <= MAX_REQUEST_ID ? g_strdup(given) : g_uuid_string_random();
}

/* What is no page does nothing in a browser, wherever somebody shows it. */
static const struct {
  const gchar *name;
  const gchar *value;
} usual_headers[] = {
  { "Cache-Control", "no-store" },
  { "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'" },
  { "Referrer-Policy", "no-referrer" },
  { "X-Content-Type-Options", "nosniff" },
  { "X-Frame-Options", "DENY" },
};

static CordExchange *
exchange_new(SoupServerMessage *message, const gchar *path)
{
  CordExchange *self = g_rc_box_new0(CordExchange);
  SoupMessageHeaders *headers = soup_server_message_get_response_headers(message);

  self->message = g_object_ref(message);
  self->id = request_id(message);
  self->path = g_strdup(path);
  soup_message_headers_replace(headers, "X-Request-ID", self->id);
  for (guint i = 0; i < G_N_ELEMENTS(usual_headers); i++)
    soup_message_headers_replace(headers, usual_headers[i].name, usual_headers[i].value);
  return self;
}

static void
not_found(CordExchange *exchange, GString *allowed)
{
  SoupServerMessage *message = exchange->message;
  const gchar *method = soup_server_message_get_method(message);

  if (allowed->len == 0 && !g_str_equal(exchange->path, "*")) {
    cord_exchange_problem(exchange, 404, "There is nothing at %s.", exchange->path);
    return;
  }
  g_string_append(allowed, allowed->len > 0 ? ", OPTIONS" : "OPTIONS");
  soup_message_headers_replace(soup_server_message_get_response_headers(message), "Allow",
                               allowed->str);
  if (g_str_equal(method, "OPTIONS"))
    cord_exchange_answer(exchange, 204, NULL, NULL);
  else
    cord_exchange_problem(exchange, 405, "%s takes %s, not %s.", exchange->path, allowed->str,
                          method);
}

/* The route of a request; without one, @allowed is what the path takes. */
static Route *
find_route(CordHttpServer *self, CordExchange *exchange, GString *allowed)
{
  const gchar *method = soup_server_message_get_method(exchange->message);
  const gchar *wanted = g_str_equal(method, "HEAD") ? "GET" : method;
  g_auto(GStrv) parts = g_strsplit(exchange->path, "/", 16);
  Route *best = NULL;

  for (guint i = 0; i < self->routes->len; i++) {
    Route *route = self->routes->pdata[i];
    GStrv parameters = match(route->pattern, parts);

    if (parameters == NULL)
      continue;
    /* what is named goes before what varies */
    if (g_str_equal(route->method, wanted) &&
        (best == NULL || g_strv_length(parameters) < g_strv_length(exchange->parameters))) {
      g_strfreev(exchange->parameters);
      exchange->parameters = parameters;
      best = route;
      continue;
    }
    g_strfreev(parameters);
    g_string_append_printf(allowed, "%s%s", allowed->len > 0 ? ", " : "", route->method);
    if (g_str_equal(route->method, "GET"))
      g_string_append(allowed, ", HEAD");
  }
  return best;
}

static void
on_request(SoupServer *soup, SoupServerMessage *message, const char *path, GHashTable *query,
           gpointer data)
{
  CordHttpServer *self = data;
  CordExchange *exchange = exchange_new(message, path);
  g_autoptr(GString) allowed = g_string_new(NULL);

  if (self->filter == NULL || self->filter(exchange, self->filter_data)) {
    Route *route = find_route(self, exchange, allowed);

    if (route)
      route->handler(exchange, route->data);
    else
      not_found(exchange, allowed);
  }
  /* the guard looks at nothing after a request to become a WebSocket, so nothing may follow it */
  if (cord_exchange_get_header(exchange, "Upgrade") &&
      soup_server_message_get_status(message) != SOUP_STATUS_SWITCHING_PROTOCOLS)
    soup_message_headers_replace(soup_server_message_get_response_headers(message), "Connection",
                                 "close");
  cord_exchange_release(exchange);
}

/**
 * cord_http_server_add:
 * @self: a server
 * @method: the method; GET answers HEAD too
 * @pattern: the path, "{}" for a part that varies
 * @handler: what answers
 * @data: for @handler
 */
void
cord_http_server_add(CordHttpServer *self, const gchar *method, const gchar *pattern,
                     CordHandler handler, gpointer data)
{
  Route *route = g_new0(Route, 1);

  *route = (Route){ g_strdup(method), g_strsplit(pattern, "/", -1), handler, data };
  g_ptr_array_add(self->routes, route);
}

/**
 * cord_http_server_set_filter:
 * @self: a server
 * @filter: (nullable): what every request has to pass first, also those for which there is no route
 * @data: for @filter
 */
void
cord_http_server_set_filter(CordHttpServer *self, CordFilter filter, gpointer data)
{
  self->filter = filter;
  self->filter_data = data;
}

/**
 * cord_http_server_get_soup:
 * @self: a server
 *
 * Returns: (transfer none): what it stands on
 */
SoupServer *
cord_http_server_get_soup(CordHttpServer *self)
{
  return self->soup;
}

static void
cord_http_server_finalize(GObject *object)
{
  CordHttpServer *self = CORD_HTTP_SERVER(object);

  soup_server_disconnect(self->soup);
  g_object_unref(self->soup);
  if (self->silence >= 0)
    close(self->silence);
  g_ptr_array_unref(self->routes);
  G_OBJECT_CLASS(cord_http_server_parent_class)->finalize(object);
}

static void
cord_http_server_class_init(CordHttpServerClass *klass)
{
  G_OBJECT_CLASS(klass)->finalize = cord_http_server_finalize;
}

/* libsoup keeps connections alive only while it listens somewhere itself. It listens to a socket
 * on which nobody ever calls. */
static void
listen_to_nobody(CordHttpServer *self)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GSocket) socket = NULL;
  int pair[2];

  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
    g_warning("connections will not be kept alive: %s", g_strerror(errno));
    return;
  }
  self->silence = pair[1];
  socket = g_socket_new_from_fd(pair[0], &error);
  if (socket == NULL || !soup_server_listen_socket(self->soup, socket, 0, &error))
    g_warning("connections will not be kept alive: %s", error->message);
}

static void
cord_http_server_init(CordHttpServer *self)
{
  self->silence = -1;
  self->routes = g_ptr_array_new_with_free_func(free_route);
  self->soup = soup_server_new("server-header", "Cordboard", NULL);
  soup_server_remove_websocket_extension(self->soup, SOUP_TYPE_WEBSOCKET_EXTENSION_DEFLATE);
  soup_server_add_handler(self->soup, NULL, on_request, self, NULL);
  listen_to_nobody(self);
}

/**
 * cord_http_server_new:
 *
 * Returns: (transfer full): a server without routes
 */
CordHttpServer *
cord_http_server_new(void)
{
  return g_object_new(CORD_TYPE_HTTP_SERVER, NULL);
}
