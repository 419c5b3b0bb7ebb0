/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The simulators' fault script, byte for byte as a client sees it: an answer in four chunks, and a
 * WebSocket that says four messages, 10 ms apart. */
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#include "sim.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define PIECES 4
#define APART (10 * GST_MSECOND)
#define PATIENCE 20000
#define QUIET 25
#define FINE (5 * GST_MSECOND)
#define COARSE (400 * GST_MSECOND)

typedef struct {
  const gchar *name;
  const gchar *faults;
  const gchar *http;
  const gchar *websocket;
} Case;

/*
 * What is seen. HTTP: the status, the chunks with | between, a dot when the answer is complete.
 * WebSocket: 101 (or 101! with a wrong key), the messages; one in frames is m0 in m+0; #c a close
 * with code c, # one without, p a ping. Both: F the end of the connection, R a reset.
 */
static const Case cases[] = {
  { "nothing", "", "200 p0|p1|p2|p3.", "101 m0 m1 m2 m3" },
  { "a status", "{\"fault\":\"status\",\"status\":429,\"body\":\"slow\",\"headers\":{\"a\":\"b\"}}",
    "429 slow", "429 slow" },
  { "a refused upgrade",
    "{\"message\":\"upgrade\",\"fault\":\"status\",\"status\":403,\"body\":\"no\"}",
    "200 p0|p1|p2|p3.", "403 no" },
  { "a wrong key of the handshake", "{\"message\":\"upgrade\",\"fault\":\"accept\"}",
    "200 p0|p1|p2|p3.", "101! m0 m1 m2 m3" },
  { "accepted and silent", "{\"fault\":\"never\"}", "", "101" },
  { "a late first byte", "{\"fault\":\"delay\",\"ms\":1000}", "200 p0|p1|p2|p3.",
    "101 m0 m1 m2 m3" },
  { "silence for good", "{\"message\":1,\"fault\":\"stall\"}", "200 p0", "101 m0" },
  { "silence for a while", "{\"message\":1,\"fault\":\"pause\",\"ms\":1000}", "200 p0|p1|p2|p3.",
    "101 m0 m1 m2 m3" },
  { "a piece too late", "{\"message\":1,\"fault\":\"delay\",\"ms\":25}", "200 p0|p2|p3|p1.",
    "101 m0 m2 m3 m1" },
  { "a lost piece", "{\"message\":1,\"fault\":\"drop\"}", "200 p0|p2|p3.", "101 m0 m2 m3" },
  { "a piece twice", "{\"message\":1,\"fault\":\"duplicate\"}", "200 p0|p1|p1|p2|p3.",
    "101 m0 m1 m1 m2 m3" },
  { "two in the wrong order", "{\"message\":1,\"fault\":\"swap\"}", "200 p0|p2|p1|p3.",
    "101 m0 m2 m1 m3" },
  { "the last swapped with nothing", "{\"message\":3,\"fault\":\"swap\"}", "200 p0|p1|p2|p3.",
    "101 m0 m1 m2" },
  { "half a piece", "{\"message\":1,\"fault\":\"truncate\",\"bytes\":1}", "200 p0|p|p2|p3.",
    "101 m0 m m2 m3" },
  { "another piece", "{\"message\":1,\"fault\":\"replace\",\"body\":\"{oops\"}",
    "200 p0|{oops|p2|p3.", "101 m0 {oops m2 m3" },
  { "no UTF-8", "{\"message\":1,\"fault\":\"replace\",\"base64\":\"cf8=\"}", "200 p0|q\xff|p2|p3.",
    "101 m0 q\xff m2 m3" },
  { "one more piece", "{\"message\":1,\"fault\":\"insert\",\"body\":\"new\"}",
    "200 p0|new|p1|p2|p3.", "101 m0 new m1 m2 m3" },
  { "a piece in two", "{\"message\":1,\"fault\":\"split\",\"bytes\":1}", "200 p0|p|1|p2|p3.",
    "101 m0 m 1 m2 m3" },
  { "a byte at a time", "{\"message\":1,\"fault\":\"dribble\"}", "200 p0|p|1|p2|p3.",
    "101 m0 m1 m2 m3" },
  { "a message in frames", "{\"message\":1,\"fault\":\"fragment\"}", "200 p0|p|1|p2|p3.",
    "101 m0 m+1 m2 m3" },
  { "all in one", "{\"message\":\"every\",\"fault\":\"join\",\"times\":3}", "200 p0p1p2p3.",
    "101 m0m1m2m3" },
  { "pings", "{\"message\":1,\"fault\":\"ping\",\"count\":3}", "200 p0|p1|p2|p3.",
    "101 m0 p p p m1 m2 m3" },
  { "a reset", "{\"message\":1,\"fault\":\"reset\"}", "200 p0R", "101 m0R" },
  { "a reset in a piece", "{\"message\":1,\"fault\":\"close\",\"bytes\":1}", "200 p0|pF",
    "101 m0 mF" },
  { "an end", "{\"message\":1,\"fault\":\"close\"}", "200 p0F", "101 m0F" },
  { "half an end", "{\"message\":1,\"fault\":\"half\"}", "200 p0F", "101 m0F" },
  { "a close", "{\"message\":1,\"fault\":\"close\",\"code\":1011}", "200 p0F", "101 m0 #1011" },
  { "a close of the service's own", "{\"message\":1,\"fault\":\"close\",\"code\":4001}", "200 p0F",
    "101 m0 #4001" },
  { "a close without a code", "{\"message\":1,\"fault\":\"close\",\"code\":1005}", "200 p0F",
    "101 m0 #" },
  { "a close that is none", "{\"message\":1,\"fault\":\"close\",\"code\":1006}", "200 p0F",
    "101 m0F" },
  { "a code that may not be sent", "{\"message\":1,\"fault\":\"close\",\"code\":1015}", NULL,
    "101 m0 #1015" },
  { "a close before the first message", "{\"message\":-1,\"fault\":\"close\",\"code\":1008}", NULL,
    "101 #1008" },
  { "nobody there", "{\"message\":1,\"fault\":\"deaf\"}", "200 p0", "101 m0" },
  { "an end by the clock", "{\"at_ms\":25,\"fault\":\"close\"}", "200 p0|p1|p2F", "101 m0 m1 m2F" },
  { "silence by the clock", "{\"at_ms\":5,\"fault\":\"pause\",\"ms\":1500}", "200 p0|p1|p2|p3.",
    "101 m0 m1 m2 m3" },
  { "of another connection", "{\"connection\":7,\"message\":1,\"fault\":\"reset\"}",
    "200 p0|p1|p2|p3.", "101 m0 m1 m2 m3" },
  { "of another provider", "{\"provider\":\"other\",\"message\":1,\"fault\":\"reset\"}",
    "200 p0|p1|p2|p3.", "101 m0 m1 m2 m3" },
  { "two in a row",
    "{\"message\":1,\"fault\":\"pause\",\"ms\":100},{\"message\":2,\"fault\":\"drop\"}",
    "200 p0|p1|p3.", "101 m0 m1 m3" },
};

/* A service */

static void
write_next(SimExchange *exchange)
{
  guint n = GPOINTER_TO_UINT(sim_exchange_get_data(exchange));
  g_autofree gchar *piece = g_strdup_printf("p%u", n);

  sim_exchange_begin(exchange, 200, "text/plain");
  sim_exchange_write(exchange, piece, -1);
  sim_exchange_set_data(exchange, GUINT_TO_POINTER(n + 1), NULL);
  if (n + 1 == PIECES)
    sim_exchange_end(exchange);
  else
    sim_exchange_schedule(exchange, APART, write_next);
}

static void
say_one(SimSocket *socket, gpointer data)
{
  g_autofree gchar *text = g_strdup_printf("m%u", GPOINTER_TO_UINT(data));

  sim_socket_send_text(socket, text, -1);
}

static void
on_opened(SimSocket *socket)
{
  for (guint i = 0; i < PIECES; i++)
    sim_socket_schedule(socket, i * APART, say_one, GUINT_TO_POINTER(i), NULL);
}

static const SimRoute http_route = {
  .provider = "toy", .method = "GET", .path = "/pieces", .request = write_next
};
static const SimRoute socket_route = { .provider = "toy", .path = "/socket", .opened = on_opened };

/* A client */

typedef struct {
  CordWorker *worker;
  SimServer *server;
  GSocket *socket;
  GByteArray *bytes;
  gchar end; /* F, R or 0 */
} Fixture;

static gboolean
on_moment(gpointer data)
{
  return G_SOURCE_REMOVE;
}

/* The kernel carries the bytes in its own time, which is not ours. */
static void
let_bytes_travel(Fixture *f)
{
  g_autoptr(GSource) source = g_timeout_source_new(1);

  g_source_set_callback(source, on_moment, NULL, NULL);
  g_source_attach(source, cord_worker_get_main_context(f->worker));
  g_main_context_iteration(cord_worker_get_main_context(f->worker), TRUE);
  g_source_destroy(source);
  cord_worker_iterate(f->worker);
}

static void
read_some(Fixture *f)
{
  guint8 buffer[4096];
  gssize n = 1;

  while (n > 0 && !f->end) {
    g_autoptr(GError) error = NULL;

    n = g_socket_receive_with_blocking(f->socket, (gchar *)buffer, sizeof buffer, FALSE, NULL,
                                       &error);
    if (n > 0)
      g_byte_array_append(f->bytes, buffer, (guint)n);
    else if (n == 0)
      f->end = 'F';
    else if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
      f->end = 'R';
  }
}

static void
pass(Fixture *f, GstClockTime time, guint times)
{
  for (guint i = 0; i < times && !f->end; i++) {
    cord_worker_advance(f->worker, time);
    let_bytes_travel(f);
    read_some(f);
  }
}

/* Until nothing comes any more */
static void
settle(Fixture *f)
{
  guint before = f->bytes->len;

  for (guint quiet = 0; quiet < QUIET && !f->end; quiet++) {
    let_bytes_travel(f);
    read_some(f);
    if (f->bytes->len > before)
      quiet = 0;
    before = f->bytes->len;
  }
}

/* Until the request has come, no time passes; then until the connection is a WebSocket. */
static void
await_arrival(Fixture *f)
{
  gboolean here = FALSE;

  for (guint i = 0; !here; i++) {
    g_autofree gchar *journal = NULL;

    g_assert_cmpuint(i, <, PATIENCE);
    let_bytes_travel(f);
    journal = sim_server_dup_journal(f->server);
    here = strstr(journal, "request") != NULL;
  }
  for (guint i = 0; i < 20; i++)
    let_bytes_travel(f);
  read_some(f);
}

static void
ask(Fixture *f, const gchar *request)
{
  g_autoptr(GInetAddress) host = g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
  g_autoptr(GSocketAddress) address =
      g_inet_socket_address_new(host, sim_server_get_port(f->server));
  g_autoptr(GError) error = NULL;

  f->socket = g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, 0, &error);
  g_assert_no_error(error);
  g_socket_connect(f->socket, address, NULL, &error);
  g_assert_no_error(error);
  g_socket_send(f->socket, request, strlen(request), NULL, &error);
  g_assert_no_error(error);
  await_arrival(f);
  pass(f, FINE, 20);
  pass(f, COARSE, 4);
  pass(f, FINE, 20);
  settle(f);
}

static void
hang_up(Fixture *f)
{
  g_socket_close(f->socket, NULL);
  g_clear_object(&f->socket);
  g_byte_array_set_size(f->bytes, 0);
  f->end = '\0';
  for (guint i = 0; i < 5; i++)
    let_bytes_travel(f);
}

static const guint8 *
skip_head(Fixture *f, GString *seen)
{
  const guint8 *end =
      memmem(f->bytes->data ? f->bytes->data : (guint8 *)"", f->bytes->len, "\r\n\r\n", 4);

  if (!end)
    return NULL;
  g_string_append_len(seen, (const gchar *)f->bytes->data + strlen("HTTP/1.1 "), 3);
  return end + 4;
}

static void
see_chunks(GString *seen, const guint8 *at, const guint8 *end)
{
  gchar between = ' ';

  while (at < end) {
    gchar *after;
    gsize size = (gsize)g_ascii_strtoull((const gchar *)at, &after, 16);

    at = (const guint8 *)after + 2;
    if (size == 0) {
      g_string_append_c(seen, '.');
      return;
    }
    g_string_append_c(seen, between);
    g_string_append_len(seen, (const gchar *)at, (gssize)size);
    between = '|';
    at += size + 2;
  }
}

static gchar *
see_http(Fixture *f)
{
  GString *seen = g_string_new(NULL);
  const guint8 *body, *end;

  g_byte_array_append(f->bytes, (const guint8 *)"", 1);
  body = skip_head(f, seen);
  end = f->bytes->data + f->bytes->len - 1;
  if (body && strstr((const gchar *)f->bytes->data, "chunked"))
    see_chunks(seen, body, end);
  else if (body)
    g_string_append_printf(seen, " %s", (const gchar *)body);
  if (f->end)
    g_string_append_c(seen, f->end);
  return g_string_free(seen, FALSE);
}

static void
see_frame(GString *seen, guint8 first, const guint8 *data, gsize length)
{
  static gboolean unfinished;

  switch (first & 0x0f) {
  case 0x00:
  case 0x01:
    g_string_append_c(seen, unfinished ? '+' : ' ');
    g_string_append_len(seen, (const gchar *)data, (gssize)length);
    unfinished = !(first & 0x80);
    break;
  case 0x08:
    g_string_append(seen, " #");
    if (length >= 2)
      g_string_append_printf(seen, "%u", (guint)data[0] << 8 | data[1]);
    break;
  case 0x09:
    g_string_append(seen, " p");
    break;
  default:
    g_string_append_printf(seen, " ?%02x", first);
  }
}

static gchar *
see_websocket(Fixture *f)
{
  GString *seen = g_string_new(NULL);
  const guint8 *at = skip_head(f, seen);
  const guint8 *end = f->bytes->data + f->bytes->len;

  if (at && !g_str_equal(seen->str, "101")) {
    g_string_append_c(seen, ' ');
    g_string_append_len(seen, (const gchar *)at, end - at);
  } else if (at) {
    if (!memmem(f->bytes->data, f->bytes->len, ACCEPT, strlen(ACCEPT)))
      g_string_append_c(seen, '!');
    for (; end - at >= 2 && end - at >= 2 + at[1]; at += 2 + at[1])
      see_frame(seen, at[0], at + 2, at[1]);
    g_assert_true(at == end);
  }
  /* after a close both ends of the connection are closed */
  if (f->end && !strchr(seen->str, '#'))
    g_string_append_c(seen, f->end);
  return g_string_free(seen, FALSE);
}

static void
setup(Fixture *f, gconstpointer data)
{
  const Case *test = data;
  g_autofree gchar *script = g_strdup_printf("{\"faults\":[%s]}", test->faults);
  g_autoptr(GError) error = NULL;

  f->worker = cord_worker_new_manual();
  f->server = sim_server_new(f->worker, 0, NULL, NULL, &error);
  g_assert_no_error(error);
  sim_server_add(f->server, &http_route);
  sim_server_add(f->server, &socket_route);
  sim_server_set_script(f->server, script, &error);
  g_assert_no_error(error);
  f->bytes = g_byte_array_new();
}

static void
teardown(Fixture *f, gconstpointer data)
{
  sim_server_free(f->server);
  for (guint i = 0; i < 5; i++)
    let_bytes_travel(f);
  cord_worker_advance(f->worker, 10 * GST_SECOND);
  g_byte_array_unref(f->bytes);
  g_assert_finalize_object(f->worker);
}

static void
test_http(Fixture *f, gconstpointer data)
{
  const Case *test = data;
  g_autofree gchar *seen = NULL;

  ask(f, "GET /pieces HTTP/1.1\r\nHost: toy\r\n\r\n");
  seen = see_http(f);
  g_assert_cmpstr(seen, ==, test->http);
  hang_up(f);
}

static void
test_websocket(Fixture *f, gconstpointer data)
{
  const Case *test = data;
  g_autofree gchar *seen = NULL;

  ask(f, "GET /socket HTTP/1.1\r\nHost: toy\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY "\r\n\r\n");
  seen = see_websocket(f);
  g_assert_cmpstr(seen, ==, test->websocket);
  hang_up(f);
}

/* The service is away, for all, and comes back. */
static void
test_gone(Fixture *f, gconstpointer data)
{
  g_autoptr(GInetAddress) host = g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
  g_autoptr(GSocketAddress) address =
      g_inet_socket_address_new(host, sim_server_get_port(f->server));
  g_autoptr(GSocket) refused = g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, 0, NULL);
  g_autoptr(GError) error = NULL;
  g_autofree gchar *seen = NULL;

  ask(f, "GET /pieces HTTP/1.1\r\nHost: toy\r\n\r\n");
  g_assert_cmpint(f->end, ==, 'R');
  g_assert_false(g_socket_connect(refused, address, NULL, &error));
  g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  hang_up(f);
  cord_worker_advance(f->worker, 60 * GST_SECOND);
  ask(f, "GET /pieces HTTP/1.1\r\nHost: toy\r\n\r\n");
  seen = see_http(f);
  g_assert_cmpstr(seen, ==, "200 p0|p1|p2|p3.");
  hang_up(f);
}

/* Far more than a client takes */
static void
test_large(Fixture *f, gconstpointer data)
{
  ask(f, "GET /pieces HTTP/1.1\r\nHost: toy\r\n\r\n");
  g_assert_cmpuint(f->bytes->len, >, 1024 * 1024);
  hang_up(f);
}

static void
remove_folder(const gchar *folder)
{
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  const gchar *name;

  while ((name = g_dir_read_name(dir))) {
    g_autofree gchar *path = g_build_filename(folder, name, NULL);

    g_remove(path);
  }
  g_rmdir(folder);
}

/* What was recorded, faults and all, is played back the same, without the modules. */
static void
test_replay(Fixture *f, gconstpointer data)
{
  g_autofree gchar *folder = g_dir_make_tmp("cordboard-sim-XXXXXX", NULL);
  g_autoptr(GError) error = NULL;

  sim_server_record(f->server, folder);
  test_http(f, data);
  test_websocket(f, data);
  sim_server_free(f->server);
  f->server = sim_server_new(f->worker, 0, NULL, NULL, &error);
  g_assert_no_error(error);
  g_assert_true(sim_server_replay(f->server, folder, &error));
  g_assert_no_error(error);
  test_http(f, data);
  test_websocket(f, data);
  remove_folder(folder);
}

/* The same seed, the same times; another, others. */
static void
test_seed(void)
{
  g_autoptr(CordWorker) worker = cord_worker_new_manual();
  g_autoptr(GError) error = NULL;
  SimServer *server = sim_server_new(worker, 0, NULL, NULL, &error);
  GstClockTime times[3][20];
  const guint seeds[] = { 5, 5, 6 };

  g_assert_no_error(error);
  for (guint i = 0; i < G_N_ELEMENTS(seeds); i++) {
    g_autofree gchar *script = g_strdup_printf(
        "{\"seed\":%u,\"profile\":{\"default\":{\"first_byte_ms\":{\"lognormal\":[300,0.5]},"
        "\"token_ms\":{\"uniform\":[10,20]}},\"b\":{\"first_byte_ms\":7}}}",
        seeds[i]);

    sim_server_set_script(server, script, &error);
    g_assert_no_error(error);
    for (guint j = 0; j < 20; j += 2) {
      times[i][j] = sim_server_get_first_byte(server, "a");
      times[i][j + 1] = sim_server_get_token_delay(server, "a");
      g_assert_cmpuint(times[i][j + 1], >=, 10 * GST_MSECOND);
      g_assert_cmpuint(times[i][j + 1], <=, 20 * GST_MSECOND);
    }
    g_assert_cmpuint(sim_server_get_first_byte(server, "b"), ==, 7 * GST_MSECOND);
  }
  g_assert_cmpmem(times[0], sizeof times[0], times[1], sizeof times[1]);
  g_assert_cmpint(memcmp(times[0], times[2], sizeof times[0]), !=, 0);
  sim_server_free(server);
}

static const Case replays[] = {
  { "nothing", "", "200 p0|p1|p2|p3.", "101 m0 m1 m2 m3" },
  { "a pause", "{\"message\":1,\"fault\":\"pause\",\"ms\":1000,\"times\":2}", "200 p0|p1|p2|p3.",
    "101 m0 m1 m2 m3" },
  { "a message in frames", "{\"message\":1,\"fault\":\"fragment\",\"times\":2}",
    "200 p0|p|1|p2|p3.", "101 m0 m+1 m2 m3" },
  { "no UTF-8", "{\"message\":1,\"fault\":\"replace\",\"base64\":\"cf8=\",\"times\":2}",
    "200 p0|q\xff|p2|p3.", "101 m0 q\xff m2 m3" },
  { "a close", "{\"message\":1,\"fault\":\"close\",\"code\":1011,\"times\":2}", "200 p0F",
    "101 m0 #1011" },
  { "a reset", "{\"message\":1,\"fault\":\"reset\",\"times\":2}", "200 p0R", "101 m0R" },
  { "a refusal", "{\"fault\":\"status\",\"status\":429,\"body\":\"slow\",\"times\":2}", "429 slow",
    "429 slow" },
};

static const Case gone = { "", "{\"message\":1,\"fault\":\"gone\",\"ms\":60000}", NULL, NULL };
static const Case large = { "", "{\"message\":1,\"fault\":\"large\",\"bytes\":2097152}", NULL,
                            NULL };

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree gchar *http = g_strdup_printf("/sim-faults/http/%s", cases[i].name);
    g_autofree gchar *websocket = g_strdup_printf("/sim-faults/websocket/%s", cases[i].name);

    if (cases[i].http)
      g_test_add(http, Fixture, &cases[i], setup, test_http, teardown);
    g_test_add(websocket, Fixture, &cases[i], setup, test_websocket, teardown);
  }
  g_test_add("/sim-faults/the service is away for a while", Fixture, &gone, setup, test_gone,
             teardown);
  g_test_add("/sim-faults/a message that is too large", Fixture, &large, setup, test_large,
             teardown);
  for (guint i = 0; i < G_N_ELEMENTS(replays); i++) {
    g_autofree gchar *path = g_strdup_printf("/sim-faults/replay/%s", replays[i].name);

    g_test_add(path, Fixture, &replays[i], setup, test_replay, teardown);
  }
  g_test_add_func("/sim-faults/a seed repeats its times", test_seed);
  return g_test_run();
}
