/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-http.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http-peer.h"

#define KEY "sk-do-not-tell-anybody"
#define OK_HEAD                                                                                    \
  "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

typedef struct {
  CordWorker *worker;
  HttpPeer peer;
  CordHttpExchange *exchange;
  GString *heard; /* what came, in order */
  guint status;
  guint n_events;
  GError *error;
  GstClockTime retry_after;
  gboolean begun;
  gboolean finished;
  gboolean any_event;
  gboolean cancel_in_headers;
  gboolean cancel_in_event;
  gboolean once;
} Fixture;

static void
on_headers(CordHttpExchange *exchange, guint status, gpointer data)
{
  Fixture *f = data;

  f->status = status;
  f->begun = TRUE;
  if (f->cancel_in_headers)
    cord_http_cancel(exchange);
}

static void
on_chunk(CordHttpExchange *exchange, const guint8 *data, gsize length, gpointer user_data)
{
  Fixture *f = user_data;

  g_string_append_len(f->heard, (const gchar *)data, (gssize)length);
}

static void
on_event(CordHttpExchange *exchange, const gchar *event, const gchar *text, gpointer data)
{
  Fixture *f = data;

  g_string_append_printf(f->heard, "%s=%s;", event, text);
  f->n_events++;
  f->any_event = TRUE;
  if (f->cancel_in_event)
    cord_http_cancel(exchange);
}

static void
on_finished(CordHttpExchange *exchange, const GError *error, gpointer data)
{
  Fixture *f = data;

  g_assert_false(f->finished);
  f->finished = TRUE;
  f->error = error ? g_error_copy(error) : NULL;
  f->retry_after = cord_http_get_retry_after(exchange);
}

static const CordHttpHandlers chunk_handlers = { on_headers, on_chunk, NULL, on_finished };
static const CordHttpHandlers event_handlers = { on_headers, NULL, on_event, on_finished };

static void
setup(Fixture *f, gconstpointer data)
{
  *f = (Fixture){ .worker = cord_worker_new_manual(), .heard = g_string_new(NULL) };
  http_peer_init(&f->peer, f->worker);
}

static void
teardown(Fixture *f, gconstpointer data)
{
  http_peer_clear(&f->peer);
  cord_worker_iterate(f->worker);
  g_string_free(f->heard, TRUE);
  g_clear_error(&f->error);
  g_assert_finalize_object(f->worker);
}

static void
start(Fixture *f, const CordHttpHandlers *handlers, const gchar *body)
{
  const gchar *headers[] = { "Authorization", "Bearer " KEY, NULL };
  g_autofree gchar *url = http_peer_url(&f->peer, "http", "/v1/say?key=" KEY);
  g_autoptr(GBytes) bytes = body ? g_bytes_new_static(body, strlen(body)) : NULL;
  CordHttpRequest request = { .url = url, .headers = headers, .body = bytes, .once = f->once };

  f->exchange = cord_http_start(f->worker, &request, handlers, f);
}

/* Asks, answers with @answer, hangs up, and waits for the end. */
static void
ask(Fixture *f, const CordHttpHandlers *handlers, const gchar *answer)
{
  g_autofree gchar *head = NULL;

  start(f, handlers, NULL);
  http_peer_accept(&f->peer);
  head = http_peer_read_head(&f->peer);
  http_peer_write(&f->peer, answer);
  http_peer_hang_up(&f->peer);
  http_peer_spin(f->worker, &f->finished);
}

static void
test_request(Fixture *f, gconstpointer data)
{
  g_autofree gchar *head = NULL;
  g_autofree gchar *body = NULL;

  start(f, &chunk_handlers, "{\"a\":1}");
  http_peer_accept(&f->peer);
  head = http_peer_read_head(&f->peer);
  body = http_peer_read(&f->peer, 7);
  g_assert_true(g_str_has_prefix(head, "POST /v1/say?key=" KEY " HTTP/1.1\r\n"));
  g_assert_nonnull(strstr(head, "\r\nAuthorization: Bearer " KEY "\r\n"));
  g_assert_nonnull(strstr(head, "\r\nContent-Type: application/json\r\n"));
  g_assert_null(strstr(head, "Accept-Encoding"));
  g_assert_cmpstr(body, ==, "{\"a\":1}");
  http_peer_write(&f->peer, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
  http_peer_spin(f->worker, &f->begun);
  http_peer_write(&f->peer, "lo");
  http_peer_spin(f->worker, &f->finished);
  g_assert_no_error(f->error);
  g_assert_cmpuint(f->status, ==, 200);
  g_assert_cmpstr(f->heard->str, ==, "hello");
}

/* A connection is used again: the same descriptor carries the second request. */
static void
test_connection_kept(Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 3; i++) {
    g_autofree gchar *head = NULL;

    f->finished = FALSE;
    start(f, &chunk_handlers, "{}");
    if (i == 0)
      http_peer_accept(&f->peer);
    head = http_peer_read_head(&f->peer);
    g_free(http_peer_read(&f->peer, 2));
    http_peer_write(&f->peer, i == 1 ? "HTTP/1.1 429 No\r\nContent-Length: 2\r\n\r\nno"
                                     : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    http_peer_spin(f->worker, &f->finished);
    g_clear_error(&f->error);
  }
  g_assert_cmpstr(f->heard->str, ==, "hihi");
}

/* The service has closed a connection that was kept: the next request makes a new one. */
static void
test_connection_stale(Fixture *f, gconstpointer data)
{
  const gchar *answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

  for (guint i = 0; i < 2; i++) {
    g_autofree gchar *head = NULL;

    f->finished = FALSE;
    start(f, &chunk_handlers, "{}");
    http_peer_accept(&f->peer);
    head = http_peer_read_head(&f->peer);
    g_free(http_peer_read(&f->peer, 2));
    http_peer_write(&f->peer, answer);
    http_peer_spin(f->worker, &f->finished);
    g_assert_no_error(f->error);
    http_peer_hang_up(&f->peer);
  }
  g_assert_cmpstr(f->heard->str, ==, "hihi");
}

/* Asks twice; the second time the service closes after it has read the question. */
static void
break_second(Fixture *f, gboolean once)
{
  g_autofree gchar *first = NULL;
  g_autofree gchar *second = NULL;

  f->once = once;
  start(f, &chunk_handlers, "{}");
  http_peer_accept(&f->peer);
  first = http_peer_read_head(&f->peer);
  g_free(http_peer_read(&f->peer, 2));
  http_peer_write(&f->peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  http_peer_spin(f->worker, &f->finished);
  f->finished = FALSE;
  start(f, &chunk_handlers, "{}");
  if (once)
    http_peer_accept(&f->peer);
  second = http_peer_read_head(&f->peer);
  g_free(http_peer_read(&f->peer, 2));
  http_peer_hang_up(&f->peer);
}

static void
test_connection_breaks(Fixture *f, gconstpointer data)
{
  g_autofree gchar *head = NULL;

  break_second(f, FALSE);
  http_peer_accept(&f->peer);
  head = http_peer_read_head(&f->peer);
  g_free(http_peer_read(&f->peer, 2));
  http_peer_write(&f->peer, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n ho");
  http_peer_spin(f->worker, &f->finished);
  g_assert_no_error(f->error);
  g_assert_cmpstr(f->heard->str, ==, "hi ho");
}

static void
test_once(Fixture *f, gconstpointer data)
{
  break_second(f, TRUE);
  http_peer_spin(f->worker, &f->finished);
  g_assert_error(f->error, CORD_ERROR, CORD_ERROR_NETWORK);
}

static void
test_events(Fixture *f, gconstpointer data)
{
  g_autofree gchar *head = NULL;

  start(f, &event_handlers, "{}");
  http_peer_accept(&f->peer);
  head = http_peer_read_head(&f->peer);
  http_peer_write(&f->peer, OK_HEAD "11\r\ndata: one\n\ndata: \r\n");
  http_peer_spin(f->worker, &f->any_event);
  g_assert_cmpstr(f->heard->str, ==, "message=one;");
  http_peer_write(&f->peer, "18\r\ntwo\n\nevent: x\ndata: 3\n\n\n\r\n0\r\n\r\n");
  http_peer_spin(f->worker, &f->finished);
  g_assert_no_error(f->error);
  g_assert_cmpstr(f->heard->str, ==, "message=one;message=two;x=3;");
}

typedef struct {
  guint status;
  const gchar *body;
  CordError code;
  const gchar *said;
} Refusal;

static const Refusal refusals[] = {
  { 401, "{\"error\":{\"message\":\"no such key\"}}", CORD_ERROR_NOT_AUTHORIZED, ": no such key" },
  { 403, "{\"error\":\"gone\"}\n", CORD_ERROR_NOT_AUTHORIZED, ": gone" },
  { 404, "{\"detail\":{\"message\":\"no voice\"}}", CORD_ERROR_NOT_FOUND, ": no voice" },
  { 402, "{\"err_msg\":\"no credit\"}", CORD_ERROR_QUOTA, ": no credit" },
  { 429, "", CORD_ERROR_QUOTA, "" },
  { 422, "bad\nline\n", CORD_ERROR_INVALID, ": bad line" },
  { 400, "{\"message\":\"" KEY " is wrong\"}", CORD_ERROR_INVALID, ": (...) is wrong" },
  { 400, "{\"error\":7}", CORD_ERROR_INVALID, ": {\"error\":7}" },
  { 400, "{\"error\":", CORD_ERROR_INVALID, ": {\"error\":" },
  { 500, " <html></html>", CORD_ERROR_NETWORK, "" },
  { 504, "", CORD_ERROR_TIMEOUT, "" },
  { 302, "", CORD_ERROR_PROTOCOL, "" },
};

static void
test_refusal(Fixture *f, gconstpointer data)
{
  const Refusal *refusal = data;
  g_autofree gchar *answer = g_strdup_printf("HTTP/1.1 %u No\r\nLocation: http://127.0.0.1:1/\r\n"
                                             "Content-Length: %zu\r\n\r\n%s",
                                             refusal->status, strlen(refusal->body), refusal->body);
  g_autofree gchar *said =
      g_strdup_printf("127.0.0.1: status %u%s", refusal->status, refusal->said);

  ask(f, &event_handlers, answer);
  g_assert_error(f->error, CORD_ERROR, (gint)refusal->code);
  g_assert_cmpstr(f->error->message, ==, said);
  g_assert_cmpstr(f->heard->str, ==, "");
}

static void
test_retry_after(Fixture *f, gconstpointer data)
{
  ask(f, &event_handlers, "HTTP/1.1 429 No\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n");
  g_assert_cmpuint(f->retry_after, ==, 7 * GST_SECOND);
  f->finished = FALSE;
  g_clear_error(&f->error);
  ask(f, &event_handlers, "HTTP/1.1 503 No\r\nretry-after-ms: 250\r\nContent-Length: 0\r\n\r\n");
  g_assert_cmpuint(f->retry_after, ==, 250 * GST_MSECOND);
  f->finished = FALSE;
  g_clear_error(&f->error);
  ask(f, &event_handlers,
      "HTTP/1.1 503 No\r\nRetry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\nContent-Length: 0\r\n\r\n");
  g_assert_cmpuint(f->retry_after, ==, 0);
}

static void
test_endless_refusal(Fixture *f, gconstpointer data)
{
  g_autofree gchar *head = NULL;
  g_autofree gchar *block = g_strnfill(65536, 'x');

  start(f, &chunk_handlers, NULL);
  http_peer_accept(&f->peer);
  head = http_peer_read_head(&f->peer);
  http_peer_write(&f->peer, "HTTP/1.1 400 No\r\n\r\n");
  http_peer_write(&f->peer, block);
  http_peer_spin(f->worker, &f->finished);
  g_assert_error(f->error, CORD_ERROR, CORD_ERROR_INVALID);
  g_assert_cmpuint(strlen(f->error->message), <, 400);
  g_assert_true(http_peer_is_gone(&f->peer));
}

static void
test_body_bound(Fixture *f, gconstpointer data)
{
  g_autofree gchar *head = NULL;
  g_autofree gchar *url = http_peer_url(&f->peer, "http", "/");
  CordHttpRequest request = { .url = url, .max_body = 10 };

  cord_http_start(f->worker, &request, &chunk_handlers, f);
  http_peer_accept(&f->peer);
  head = http_peer_read_head(&f->peer);
  http_peer_write(&f->peer, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n12345678901");
  http_peer_spin(f->worker, &f->finished);
  g_assert_error(f->error, CORD_ERROR, CORD_ERROR_TOO_LARGE);
  g_assert_true(http_peer_is_gone(&f->peer));
}

static void
test_cut_off(Fixture *f, gconstpointer data)
{
  ask(f, &event_handlers, OK_HEAD "1b\r\ndata: one\n\n");
  g_assert_error(f->error, CORD_ERROR, CORD_ERROR_NETWORK);
  g_assert_cmpstr(f->heard->str, ==, "message=one;");
}

static void
test_no_listener(Fixture *f, gconstpointer data)
{
  CordHttpRequest request = { .url = "http://127.0.0.1:1/" };

  cord_http_start(f->worker, &request, &chunk_handlers, f);
  g_assert_false(f->finished);
  http_peer_spin(f->worker, &f->finished);
  g_assert_error(f->error, CORD_ERROR, CORD_ERROR_NETWORK);
  g_assert_true(g_str_has_prefix(f->error->message, "127.0.0.1: "));
}

static void
test_first_byte_deadline(Fixture *f, gconstpointer data)
{
  g_autofree gchar *head = NULL;

  start(f, &chunk_handlers, NULL);
  http_peer_accept(&f->peer);
  head = http_peer_read_head(&f->peer);
  cord_worker_advance(f->worker, 29 * GST_SECOND);
  g_assert_false(f->finished);
  cord_worker_advance(f->worker, 2 * GST_SECOND);
  g_assert_true(f->finished);
  g_assert_error(f->error, CORD_ERROR, CORD_ERROR_TIMEOUT);
  g_assert_cmpstr(f->error->message, ==, "127.0.0.1: no answer in time");
  g_assert_true(http_peer_is_gone(&f->peer));
}

static void
test_idle_deadline(Fixture *f, gconstpointer data)
{
  g_autofree gchar *head = NULL;

  start(f, &event_handlers, NULL);
  http_peer_accept(&f->peer);
  head = http_peer_read_head(&f->peer);
  http_peer_write(&f->peer, OK_HEAD "b\r\ndata: one\n\n\r\n");
  http_peer_spin(f->worker, &f->any_event);
  cord_worker_advance(f->worker, 29 * GST_SECOND);
  g_assert_false(f->finished);
  cord_worker_advance(f->worker, 2 * GST_SECOND);
  g_assert_error(f->error, CORD_ERROR, CORD_ERROR_TIMEOUT);
  g_assert_true(http_peer_is_gone(&f->peer));
}

/* A stream that would never end is left at once, and its connection with it. */
static void
test_cancel_in_stream(Fixture *f, gconstpointer data)
{
  g_autofree gchar *head = NULL;

  f->cancel_in_event = data != NULL;
  start(f, &event_handlers, NULL);
  http_peer_accept(&f->peer);
  head = http_peer_read_head(&f->peer);
  http_peer_write(&f->peer, OK_HEAD "16\r\ndata: one\n\ndata: two\n\n\r\n");
  http_peer_spin(f->worker, &f->any_event);
  if (!f->cancel_in_event)
    cord_http_cancel(f->exchange);
  http_peer_write(&f->peer, "b\r\ndata: 333\n\n\r\n");
  g_assert_true(http_peer_is_gone(&f->peer));
  g_assert_cmpuint(f->n_events, ==, f->cancel_in_event ? 1 : 2);
  g_assert_false(f->finished);
}

static void
test_cancel_in_headers(Fixture *f, gconstpointer data)
{
  g_autofree gchar *head = NULL;

  f->cancel_in_headers = TRUE;
  start(f, &event_handlers, NULL);
  http_peer_accept(&f->peer);
  head = http_peer_read_head(&f->peer);
  http_peer_write(&f->peer, OK_HEAD "b\r\ndata: one\n\n\r\n");
  http_peer_spin(f->worker, &f->begun);
  g_assert_true(http_peer_is_gone(&f->peer));
  g_assert_cmpuint(f->n_events, ==, 0);
  g_assert_false(f->finished);
}

static void
test_cancel_at_once(Fixture *f, gconstpointer data)
{
  start(f, &event_handlers, NULL);
  cord_http_cancel(f->exchange);
  cord_worker_iterate(f->worker);
  g_assert_false(f->finished);
  start(f, &event_handlers, NULL);
  http_peer_accept(&f->peer);
  cord_http_cancel(f->exchange);
  cord_worker_advance(f->worker, 60 * GST_SECOND);
  g_assert_false(f->finished);
}

static void
test_bad_request(Fixture *f, gconstpointer data)
{
  const gchar *headers[] = { "X-Key", "a\r\nHost: evil", NULL };
  const CordHttpRequest requests[] = {
    { .url = "ftp://127.0.0.1/" },
    { .url = "no address" },
    { .url = "http://127.0.0.1/", .headers = headers },
  };

  for (guint i = 0; i < G_N_ELEMENTS(requests); i++) {
    f->finished = FALSE;
    cord_http_start(f->worker, &requests[i], &chunk_handlers, f);
    g_assert_false(f->finished);
    cord_worker_iterate(f->worker);
    g_assert_true(f->finished);
    g_assert_error(f->error, CORD_ERROR, CORD_ERROR_INVALID);
    g_clear_error(&f->error);
  }
  f->exchange = cord_http_start(f->worker, &requests[0], &chunk_handlers, f);
  f->finished = FALSE;
  cord_http_cancel(f->exchange);
  cord_worker_iterate(f->worker);
  g_assert_false(f->finished);
}

/* The other end of a connection that is kept: returns when that is closed. */
static gpointer
serve_until_closed(gpointer data)
{
  static const gchar answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
  int fd = accept(GPOINTER_TO_INT(data), NULL, NULL);
  const struct timeval patience = { 10, 0 };
  gchar buffer[1024];
  gssize n;

  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  g_assert_cmpint(recv(fd, buffer, sizeof buffer, 0), >, 0);
  g_assert_cmpint(send(fd, answer, strlen(answer), MSG_NOSIGNAL), ==, strlen(answer));
  n = recv(fd, buffer, sizeof buffer, 0);
  close(fd);
  return GINT_TO_POINTER(n);
}

static void
on_real_finished(CordHttpExchange *exchange, const GError *error, gpointer data)
{
  g_assert_no_error(error);
  g_async_queue_push(data, "finished");
}

typedef struct {
  CordWorker *worker;
  gchar *url;
  GAsyncQueue *told;
} RealWorker;

static void
start_really(gpointer data)
{
  static const CordHttpHandlers handlers = { NULL, NULL, NULL, on_real_finished };
  RealWorker *real = data;
  CordHttpRequest request = { .url = real->url };

  cord_http_start(real->worker, &request, &handlers, real->told);
}

static void
do_nothing(gpointer data)
{
}

static void
test_session_goes_with_worker(Fixture *f, gconstpointer data)
{
  g_autofree gchar *url = http_peer_url(&f->peer, "http", "/");
  g_autoptr(GAsyncQueue) told = g_async_queue_new();
  GThread *server = g_thread_new("server", serve_until_closed, GINT_TO_POINTER(f->peer.listener));
  RealWorker real = { cord_worker_acquire(NULL), url, told };

  cord_worker_call(real.worker, start_really, &real);
  g_assert_cmpstr(g_async_queue_timeout_pop(told, 10 * G_TIME_SPAN_SECOND), ==, "finished");
  cord_worker_call(real.worker, do_nothing, NULL);
  g_assert_finalize_object(real.worker);
  g_assert_cmpint(GPOINTER_TO_INT(g_thread_join(server)), ==, 0);
}

static void
add(const gchar *path, gconstpointer data, void (*test)(Fixture *, gconstpointer))
{
  g_test_add(path, Fixture, data, setup, test, teardown);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  add("/http/a request carries its body and headers", NULL, test_request);
  add("/http/a connection serves again, also after a refusal", NULL, test_connection_kept);
  add("/http/a connection that was closed meanwhile is made anew", NULL, test_connection_stale);
  add("/http/a connection that breaks before the answer is made anew", NULL,
      test_connection_breaks);
  add("/http/what may be asked but once is asked but once", NULL, test_once);
  add("/http/events come as they come", NULL, test_events);
  for (guint i = 0; i < G_N_ELEMENTS(refusals); i++) {
    g_autofree gchar *path =
        g_strdup_printf("/http/a refusal says why/%u (%u)", refusals[i].status, i);

    add(path, &refusals[i], test_refusal);
  }
  add("/http/how long to wait is read in each of its forms", NULL, test_retry_after);
  add("/http/a refusal without end is cut", NULL, test_endless_refusal);
  add("/http/a body over the limit is refused", NULL, test_body_bound);
  add("/http/an answer that is cut off is an error", NULL, test_cut_off);
  add("/http/a host without a server is an error", NULL, test_no_listener);
  add("/http/no answer in time is an error", NULL, test_first_byte_deadline);
  add("/http/a stream that stops is an error", NULL, test_idle_deadline);
  add("/http/cancelling a stream closes it", NULL, test_cancel_in_stream);
  add("/http/cancelling inside an event stops the events", "inside", test_cancel_in_stream);
  add("/http/cancelling inside the headers stops all", NULL, test_cancel_in_headers);
  add("/http/cancelling before there is a connection", NULL, test_cancel_at_once);
  add("/http/a request that is not valid fails later", NULL, test_bad_request);
  add("/http/connections that were kept go with their worker", NULL, test_session_goes_with_worker);
  return g_test_run();
}
