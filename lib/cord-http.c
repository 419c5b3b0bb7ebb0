/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-http.h"

#include <libsoup/soup.h>
#include <string.h>
#include <sys/epoll.h>

#include "cord-http-error.h"
#include "cord-http-socket.h"
#include "cord-json.h"
#include "cord-sse.h"

#define DEFAULT_CONNECT (10 * GST_SECOND)
#define DEFAULT_FIRST_BYTE (30 * GST_SECOND)
#define DEFAULT_IDLE (30 * GST_SECOND)
#define DEFAULT_MAX_BODY (16 * 1024 * 1024) /* bytes */
#define READ_SIZE 8192                      /* bytes */
#define MAX_TURNS 16                        /* reads before others have their turn */
#define MAX_CONNECTIONS 4096                /* a worker; calls are what is limited, not these */
#define KEEP_CONNECTION 90                  /* s: a caller's next sentence finds it open */

typedef enum {
  PHASE_CONNECT,
  PHASE_FIRST_BYTE,
  PHASE_BODY,
  N_PHASES,
} Phase;

static const gchar *const too_late[N_PHASES] = {
  [PHASE_CONNECT] = "no connection in time",
  [PHASE_FIRST_BYTE] = "no answer in time",
  [PHASE_BODY] = "the answer has stopped coming",
};

/* One reference is the owner's until the end; another belongs to the operation under way. */
struct _CordHttpExchange {
  CordWorker *worker;
  SoupMessage *message;
  SoupMessage *spare; /* to ask again if a kept connection turns out to be dead; else NULL */
  gboolean fresh;     /* the connection was made for this */
  GInputStream *body;
  GSocket *socket;  /* (nullable): below the body, when nobody else reads from it */
  CordWatch *watch; /* waits for more of the body */
  GCancellable *cancellable;
  CordHttpHandlers handlers;
  gpointer user_data;

  Phase phase;
  GstClockTime timeouts[N_PHASES];
  CordTimer *deadline;
  gboolean complete;    /* the answer was read to its end */
  gboolean over;        /* nobody is told anything more */
  const gchar *problem; /* of the request itself */
  gboolean (*may_reach)(GInetAddress *address, gpointer data);
  gpointer may_reach_data;

  gchar *host;
  GStrv secrets;
  gsize received, max_body;
  GByteArray *refusal; /* the body of an answer that is none */
  CordSseParser events;
  guint8 buffer[READ_SIZE];
};

static void
clear_exchange(gpointer data)
{
  CordHttpExchange *self = data;

  g_clear_object(&self->message);
  g_clear_object(&self->spare);
  g_clear_object(&self->body);
  g_clear_object(&self->socket);
  g_clear_object(&self->cancellable);
  g_clear_object(&self->worker);
  g_clear_pointer(&self->refusal, g_byte_array_unref);
  g_strfreev(self->secrets);
  g_free(self->host);
  cord_sse_parser_clear(&self->events);
}

static void
drop(CordHttpExchange *self)
{
  g_rc_box_release_full(self, clear_exchange);
}

static void
on_closed(GObject *source, GAsyncResult *result, gpointer data)
{
  g_input_stream_close_finish(G_INPUT_STREAM(source), result, NULL);
}

/* Closing a body that is complete gives its connection back; else the connection is closed. */
static void
close_body(CordHttpExchange *self)
{
  g_input_stream_close_async(self->body, G_PRIORITY_DEFAULT,
                             self->complete ? NULL : self->cancellable, on_closed, NULL);
}

/* Nobody hears of the exchange any more; what is left of the answer is not waited for. */
static void
end(CordHttpExchange *self)
{
  self->over = TRUE;
  g_clear_pointer(&self->deadline, cord_timer_remove);
  g_clear_pointer(&self->watch, cord_watch_remove);
  g_signal_handlers_disconnect_by_data(self->message, self);
  if (!self->complete)
    g_cancellable_cancel(self->cancellable);
  if (self->body && !g_input_stream_has_pending(self->body))
    close_body(self);
}

static void
finish(CordHttpExchange *self, const GError *error)
{
  if (self->over)
    return;
  end(self);
  self->handlers.finished(self, error, self->user_data);
  drop(self);
}

static void
fail(CordHttpExchange *self, CordError code, const gchar *what)
{
  g_autofree gchar *said = cord_http_hide_secrets(what, (const gchar *const *)self->secrets);
  g_autoptr(GError) error = g_error_new(CORD_ERROR, (gint)code, "%s: %s", self->host, said);

  finish(self, error);
}

static void
on_deadline(gpointer data)
{
  CordHttpExchange *self = data;

  self->deadline = NULL;
  fail(self, CORD_ERROR_TIMEOUT, too_late[self->phase]);
}

static void
enter_phase(CordHttpExchange *self, Phase phase)
{
  self->phase = phase;
  g_clear_pointer(&self->deadline, cord_timer_remove);
  self->deadline = cord_worker_add_timer(self->worker, self->timeouts[phase], on_deadline, self);
}

/* The answer is complete. */
static void
conclude(CordHttpExchange *self)
{
  guint status = cord_http_get_status(self);
  g_autofree gchar *said = NULL, *what = NULL;

  if (SOUP_STATUS_IS_SUCCESSFUL(status)) {
    finish(self, NULL);
    return;
  }
  said = cord_http_describe_body((const gchar *)self->refusal->data, self->refusal->len,
                                 (const gchar *const *)self->secrets);
  what = g_strdup_printf("status %u%s%s", status, *said ? ": " : "", said);
  fail(self, cord_http_error_code(status), what);
}

static gboolean
on_event(const gchar *event, const gchar *data, gpointer user_data)
{
  CordHttpExchange *self = user_data;

  self->handlers.event(self, event, data, self->user_data);
  return !self->over;
}

static void
take_chunk(CordHttpExchange *self, gsize length)
{
  g_autoptr(GError) error = NULL;

  self->received += length;
  if (!SOUP_STATUS_IS_SUCCESSFUL(cord_http_get_status(self))) {
    g_byte_array_append(self->refusal, self->buffer, (guint)length);
    if (self->refusal->len >= CORD_HTTP_MAX_ERROR_BODY)
      conclude(self);
  } else if (self->received > self->max_body) {
    fail(self, CORD_ERROR_TOO_LARGE, "the answer is longer than it may be");
  } else if (self->handlers.event) {
    if (!cord_sse_parser_feed(&self->events, (const gchar *)self->buffer, length, on_event, self,
                              &error))
      fail(self, (CordError)error->code, error->message);
  } else if (self->handlers.chunk) {
    self->handlers.chunk(self, self->buffer, length, self->user_data);
  }
}

static void
take_read(CordHttpExchange *self, gssize n, const GError *error)
{
  if (n < 0) {
    fail(self, CORD_ERROR_NETWORK, error->message);
  } else if (n == 0) {
    self->complete = TRUE;
    conclude(self);
  } else {
    enter_phase(self, PHASE_BODY);
    take_chunk(self, (gsize)n);
  }
}

static void on_read(GObject *source, GAsyncResult *result, gpointer data);

static void
wait_for_libsoup(CordHttpExchange *self)
{
  g_input_stream_read_async(self->body, self->buffer, sizeof self->buffer, G_PRIORITY_DEFAULT,
                            self->cancellable, on_read, g_rc_box_acquire(self));
}

static void
on_read(GObject *source, GAsyncResult *result, gpointer data)
{
  CordHttpExchange *self = data;
  g_autoptr(GError) error = NULL;
  gssize n = g_input_stream_read_finish(G_INPUT_STREAM(source), result, &error);

  if (self->over) {
    close_body(self);
  } else {
    take_read(self, n, error);
    if (!self->over)
      wait_for_libsoup(self);
  }
  drop(self);
}

static void read_now(gpointer data);

static void
on_readable(guint events, gpointer data)
{
  read_now(data);
}

static void
drop_posted(gpointer data)
{
  drop(data);
}

/* All there is; layers above the socket may hold what the watch does not see. */
static void
read_now(gpointer data)
{
  CordHttpExchange *self = g_rc_box_acquire(data);
  gssize n = 1;

  for (guint i = 0; i < MAX_TURNS && n > 0 && !self->over; i++) {
    g_autoptr(GError) error = NULL;

    n = g_pollable_input_stream_read_nonblocking(G_POLLABLE_INPUT_STREAM(self->body), self->buffer,
                                                 sizeof self->buffer, self->cancellable, &error);
    if (n < 0 && g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
      break;
    take_read(self, n, error);
  }
  if (!self->over && n > 0)
    cord_worker_post(self->worker, read_now, g_rc_box_acquire(self), drop_posted);
  if (!self->over && self->watch == NULL)
    self->watch = cord_worker_add_watch(self->worker, g_socket_get_fd(self->socket), EPOLLIN,
                                        on_readable, self);
  drop(self);
}

static void
read_body(CordHttpExchange *self)
{
  enter_phase(self, PHASE_BODY);
  if (self->socket && G_IS_POLLABLE_INPUT_STREAM(self->body) &&
      g_pollable_input_stream_can_poll(G_POLLABLE_INPUT_STREAM(self->body)))
    read_now(self);
  else
    wait_for_libsoup(self);
}

/* The worker's own: its connections are found open by the next request of any of its calls. */
static SoupSession *
get_session(CordWorker *worker)
{
  static GQuark quark;
  SoupSession *session;

  if (quark == 0)
    quark = g_quark_from_static_string("cord-http-session");
  session = g_object_get_qdata(G_OBJECT(worker), quark);
  if (session == NULL) {
    session = soup_session_new_with_options("max-conns", MAX_CONNECTIONS, "max-conns-per-host",
                                            MAX_CONNECTIONS, "timeout", 0, "idle-timeout",
                                            KEEP_CONNECTION, "user-agent", "cordboard ", NULL);
    /* a compressed stream comes in lumps, and may unpack to more than anybody has */
    soup_session_remove_feature_by_type(session, SOUP_TYPE_CONTENT_DECODER);
    g_object_set_qdata_full(G_OBJECT(worker), quark, session, g_object_unref);
  }
  return session;
}

/* A connection of HTTP/2 has several answers, which libsoup reads and sorts. */
static void
find_socket(CordHttpExchange *self)
{
  guint64 connection = soup_message_get_connection_id(self->message);

  if (self->socket)
    cord_http_socket_note(self->worker, connection, self->socket);
  else
    self->socket = cord_http_socket_find(self->worker, connection);
  if (soup_message_get_http_version(self->message) == SOUP_HTTP_2_0)
    g_clear_object(&self->socket);
}

static void
on_starting(SoupMessage *message, CordHttpExchange *self)
{
  enter_phase(self, PHASE_FIRST_BYTE);
}

static void
on_network_event(SoupMessage *message, GSocketClientEvent event, GIOStream *connection,
                 CordHttpExchange *self)
{
  self->fresh = TRUE;
  if (event == G_SOCKET_CLIENT_CONNECTING && self->may_reach &&
      !cord_http_socket_check(connection, self->may_reach, self->may_reach_data))
    self->problem = "it leads to a private address";
  if (event == G_SOCKET_CLIENT_CONNECTED && G_IS_SOCKET_CONNECTION(connection))
    g_set_object(&self->socket, g_socket_connection_get_socket(G_SOCKET_CONNECTION(connection)));
}

static void on_sent(GObject *source, GAsyncResult *result, gpointer data);

static void
send_message(CordHttpExchange *self)
{
  g_signal_connect(self->message, "starting", G_CALLBACK(on_starting), self);
  g_signal_connect(self->message, "network-event", G_CALLBACK(on_network_event), self);
  enter_phase(self, PHASE_CONNECT);
  soup_session_send_async(get_session(self->worker), self->message, G_PRIORITY_DEFAULT,
                          self->cancellable, on_sent, g_rc_box_acquire(self));
}

/* The service may close a kept connection while we ask on it: that is nobody's fault. */
static gboolean
ask_again(CordHttpExchange *self)
{
  if (self->spare == NULL || self->fresh || cord_http_get_status(self) != 0)
    return FALSE;
  g_signal_handlers_disconnect_by_data(self->message, self);
  g_object_unref(self->message);
  self->message = g_steal_pointer(&self->spare);
  send_message(self);
  return TRUE;
}

static void
on_sent(GObject *source, GAsyncResult *result, gpointer data)
{
  CordHttpExchange *self = data;
  g_autoptr(GError) error = NULL;

  self->body = soup_session_send_finish(SOUP_SESSION(source), result, &error);
  if (self->over && self->body) {
    close_body(self);
  } else if (!self->over && self->body == NULL) {
    if (self->problem)
      fail(self, CORD_ERROR_NOT_AUTHORIZED, self->problem);
    else if (!ask_again(self))
      fail(self, CORD_ERROR_NETWORK, cord_http_explain(error, self->message));
  } else if (!self->over) {
    g_clear_object(&self->spare);
    if (self->handlers.headers)
      self->handlers.headers(self, cord_http_get_status(self), self->user_data);
    find_socket(self);
    if (!self->over)
      read_body(self);
  }
  drop(self);
}

/* Returns what is wrong with @request, or NULL. */
static const gchar *
check_request(const CordHttpRequest *request, GUri *uri)
{
  const gchar *scheme = uri ? g_uri_get_scheme(uri) : NULL;

  if (scheme == NULL || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0) ||
      g_uri_get_host(uri) == NULL || *g_uri_get_host(uri) == '\0')
    return "an http:// or https:// address is wanted";
  for (guint i = 0; request->headers && request->headers[i]; i++) {
    if (strpbrk(request->headers[i], "\r\n"))
      return "a header may not hold a line break";
  }
  return NULL;
}

static SoupMessage *
make_message(const CordHttpRequest *request, GUri *uri, SoupMessageFlags flags)
{
  const gchar *method = request->method ? request->method : request->body ? "POST" : "GET";
  SoupMessage *message = soup_message_new_from_uri(method, uri);
  SoupMessageHeaders *headers = soup_message_get_request_headers(message);

  /* no key goes to where an answer points */
  soup_message_add_flags(message,
                         flags | SOUP_MESSAGE_NO_REDIRECT | SOUP_MESSAGE_DO_NOT_USE_AUTH_CACHE);
  if (request->body)
    soup_message_set_request_body_from_bytes(
        message, request->content_type ? request->content_type : "application/json", request->body);
  for (guint i = 0; request->headers && request->headers[i] && request->headers[i + 1]; i += 2)
    soup_message_headers_replace(headers, request->headers[i], request->headers[i + 1]);
  return message;
}

static void
refuse_request(gpointer data)
{
  CordHttpExchange *self = data;

  fail(self, CORD_ERROR_INVALID, self->problem);
}

/**
 * cord_http_start: (skip)
 * @worker: on which the caller runs
 * @request: what to ask
 * @handlers: whom to tell; copied
 * @user_data: for @handlers
 *
 * Asks. Redirections are not followed, certificates are verified, and an error names the host and
 * what it said, but none of the request's headers or query.
 *
 * Returns: (transfer none): the exchange
 */
CordHttpExchange *
cord_http_start(CordWorker *worker, const CordHttpRequest *request,
                const CordHttpHandlers *handlers, gpointer user_data)
{
  CordHttpExchange *self = g_rc_box_new0(CordHttpExchange);
  g_autoptr(GUri) uri = g_uri_parse(request->url, SOUP_HTTP_URI_FLAGS, NULL);

  self->worker = g_object_ref(worker);
  self->handlers = *handlers;
  self->user_data = user_data;
  self->cancellable = g_cancellable_new();
  self->refusal = g_byte_array_new();
  self->may_reach = request->may_reach;
  self->may_reach_data = request->may_reach_data;
  self->max_body = request->max_body ? request->max_body : DEFAULT_MAX_BODY;
  self->timeouts[PHASE_CONNECT] =
      request->connect_timeout ? request->connect_timeout : DEFAULT_CONNECT;
  self->timeouts[PHASE_FIRST_BYTE] =
      request->first_byte_timeout ? request->first_byte_timeout : DEFAULT_FIRST_BYTE;
  self->timeouts[PHASE_BODY] = request->idle_timeout ? request->idle_timeout : DEFAULT_IDLE;
  cord_sse_parser_init(&self->events, 0);
  self->problem = check_request(request, uri);
  if (self->problem) {
    self->host = g_strdup("the request");
    self->message = soup_message_new("GET", "http://localhost/");
    cord_worker_post(worker, refuse_request, g_rc_box_acquire(self), drop_posted);
    return self;
  }
  self->host = g_strdup(g_uri_get_host(uri));
  self->secrets = cord_http_collect_secrets(uri, request->headers);
  /* without this flag, libsoup makes a new connection for every POST */
  self->message = make_message(
      request, uri, request->once ? SOUP_MESSAGE_NEW_CONNECTION : SOUP_MESSAGE_IDEMPOTENT);
  if (!request->once)
    self->spare = make_message(request, uri, SOUP_MESSAGE_NEW_CONNECTION);
  send_message(self);
  return self;
}

/**
 * cord_http_cancel: (skip)
 * @exchange: (transfer full): an exchange that has not finished, on its worker
 *
 * Ends it: nobody is told anything more, and the connection is closed.
 */
void
cord_http_cancel(CordHttpExchange *exchange)
{
  g_return_if_fail(!exchange->over);
  end(exchange);
  drop(exchange);
}

/**
 * cord_http_prepare: (skip)
 * @worker: on which the caller runs
 * @url: of a service that will soon be asked
 *
 * Opens a connection, so that the first request finds it open. What goes wrong is told to that
 * request.
 */
void
cord_http_prepare(CordWorker *worker, const gchar *url)
{
  g_autoptr(GUri) uri = g_uri_parse(url, SOUP_HTTP_URI_FLAGS, NULL);
  CordHttpRequest request = { .url = url };
  g_autoptr(SoupMessage) message = NULL;

  if (check_request(&request, uri))
    return;
  message = make_message(&request, uri, SOUP_MESSAGE_IDEMPOTENT);
  soup_session_preconnect_async(get_session(worker), message, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
}

/**
 * cord_http_get_status: (skip)
 * @exchange: an exchange
 *
 * Returns: the answer's status, 0 while there is none
 */
guint
cord_http_get_status(CordHttpExchange *exchange)
{
  return soup_message_get_status(exchange->message);
}

/**
 * cord_http_get_header: (skip)
 * @exchange: an exchange
 * @name: of a header
 *
 * Returns: (transfer none) (nullable): its value in the answer
 */
const gchar *
cord_http_get_header(CordHttpExchange *exchange, const gchar *name)
{
  return soup_message_headers_get_one(soup_message_get_response_headers(exchange->message), name);
}

/**
 * cord_http_get_retry_after: (skip)
 * @exchange: an exchange
 *
 * Reads `Retry-After` (seconds or a date) and `retry-after-ms`, else what the body says of it.
 *
 * Returns: how long the service wants to be left alone, 0 where it does not say
 */
GstClockTime
cord_http_get_retry_after(CordHttpExchange *exchange)
{
  const GByteArray *body = exchange->refusal;
  GstClockTime wait = cord_http_parse_retry_after(cord_http_get_header(exchange, "retry-after-ms"),
                                                  cord_http_get_header(exchange, "Retry-After"));

  return wait > 0 ? wait : cord_http_parse_retry_delay((const gchar *)body->data, body->len);
}

/**
 * cord_http_is_out_of_credit: (skip)
 * @exchange: an exchange that has finished with an error
 *
 * Returns: whether the service says that the account has no credit left: status 402, or what some
 * answer with 429 and `insufficient_quota`
 */
gboolean
cord_http_is_out_of_credit(CordHttpExchange *exchange)
{
  g_autoptr(JsonObject) root = NULL;
  JsonObject *problem;

  if (cord_http_get_status(exchange) == SOUP_STATUS_PAYMENT_REQUIRED)
    return TRUE;
  root = cord_json_parse_object((const gchar *)exchange->refusal->data,
                                (gssize)exchange->refusal->len, NULL);
  problem = root ? cord_json_peek_object(root, "error") : NULL;
  return problem &&
         (g_str_equal(cord_json_peek_string(problem, "code", ""), "insufficient_quota") ||
          g_str_equal(cord_json_peek_string(problem, "type", ""), "insufficient_quota"));
}

/**
 * cord_http_may_ask_again: (skip)
 * @exchange: an exchange that has finished with an error
 *
 * Returns: whether the same question may get a better answer: no answer came, or one with status
 * 408, 409, 429 or 500 and above, and there is credit
 */
gboolean
cord_http_may_ask_again(CordHttpExchange *exchange)
{
  guint status = cord_http_get_status(exchange);

  if (status >= 400 && status < 500 && status != 408 && status != 409 && status != 429)
    return FALSE;
  return exchange->problem == NULL && !cord_http_is_out_of_credit(exchange);
}
