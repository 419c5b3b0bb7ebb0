/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "raw-client.h"

#define TOKEN "secret-of-twilio"
#define OPEN_DOOR "/ws/voice-twilio"
#define MUCH_KIB 8192 /* more than a server may grow by what strangers send */

/* The address sanitizer keeps what was freed. */
#ifdef __SANITIZE_ADDRESS__
#  define MEMORY_COUNTS FALSE
#else
#  define MEMORY_COUNTS TRUE
#endif

static void
assert_alive(CallRig *rig)
{
  g_autofree gchar *answer =
      raw_ask(rig, "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

  g_assert_cmpuint(raw_status(answer), ==, 200);
  g_assert_nonnull(strstr(answer, "\"status\":\"healthy\""));
}

/* A server with settings of its own. */
static CallRig *
start_with(const gchar *settings)
{
  CallRig *rig = call_rig_new(NULL, TOKEN);
  g_autofree gchar *dir = g_build_filename(rig->dir, "cordboard", NULL);
  g_autofree gchar *file = g_build_filename(dir, "cordboard.conf", NULL);

  call_rig_stop(rig);
  g_assert_cmpint(g_mkdir_with_parents(dir, 0700), ==, 0);
  g_assert_true(g_file_set_contents(file, settings, -1, NULL));
  call_rig_start(rig);
  return rig;
}

static void
test_routes(void)
{
  static const struct {
    const gchar *request;
    guint status;
    const gchar *says;
  } routes[] = {
    { "GET /", 200, "{\"status\":\"ok\",\"service\":\"Voice AI Platform\"}" },
    { "GET /health", 200, "\"status\":\"healthy\"" },
    { "GET /ready", 200, "\"ready\":true" },
    { "HEAD /health", 200, "\r\n\r\n" },
    { "GET /api/calls", 200, "[]" },
    { "GET /api/calls/CA0", 404, "\"status\":404" },
    { "GET /api/calls/CA0/events", 404, "\"status\":404" },
    { "GET /nothing", 404, "\"status\":404" },
    { "GET /../../etc/passwd", 400, "leads up" },
    { "GET /api/calls/%00", 400, "\"status\":400" },
    { "DELETE /health", 405, "Allow: GET" },
    { "GET /api/twilio/incoming", 405, "Allow: POST" },
    { "POST /api/twilio/incoming", 403, "signature" },
    { "POST /api/twilio/status", 403, "signature" },
    { "GET /ws/voice-twilio", 403, "signature" },
    { "GET /ws/voice-twilio/0", 403, "signature" },
  };
  CallRig *rig = call_rig_new(NULL, TOKEN);

  for (guint i = 0; i < G_N_ELEMENTS(routes); i++) {
    g_autofree gchar *request =
        g_strdup_printf("%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
                        "Connection: close\r\n\r\n",
                        routes[i].request);
    g_autofree gchar *answer = raw_ask(rig, request);
    g_autofree gchar *lower = g_utf8_strdown(answer, -1);
    g_autofree gchar *says = g_utf8_strdown(routes[i].says, -1);

    g_test_message("%s: %s", routes[i].request, answer);
    g_assert_cmpuint(raw_status(answer), ==, routes[i].status);
    g_assert_nonnull(strstr(lower, says));
    if (routes[i].status >= 400)
      g_assert_nonnull(strstr(lower, "content-type: application/problem+json"));
  }
  call_rig_free(rig);
}

static void
test_bad_requests(void)
{
  static const struct {
    const gchar *request;
    guint status;
  } faults[] = {
    { "GET /health HTTP/1.1\nHost: x\n\n", 400 },
    { "GET /health HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", 400 },
    { "GET /health HTTP/1.1\r\nHost : x\r\n\r\n", 400 },
    { "GET  /health HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
    { "\x16\x03\x01 x\r\n\r\n", 400 },
    { "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400 },
    { "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400 },
    { "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551617\r\n\r\n", 400 },
    { "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
      "0\r\n\r\n",
      400 },
    { "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501 },
    { "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400 },
    { "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n", 400 },
    { "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n", 413 },
    { "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 67108864\r\n\r\n", 413 },
  };
  CallRig *rig = call_rig_new(NULL, TOKEN);
  g_autofree gchar *filler = g_strnfill(20000, 'x');
  g_autofree gchar *large =
      g_strdup_printf("GET /health HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", filler);
  g_autofree gchar *answer = raw_ask(rig, large);

  g_assert_cmpuint(raw_status(answer), ==, 431);
  for (guint i = 0; i < G_N_ELEMENTS(faults); i++) {
    g_autofree gchar *reply = raw_ask(rig, faults[i].request);

    g_test_message("%s-> %s", faults[i].request, reply);
    g_assert_cmpuint(raw_status(reply), ==, faults[i].status);
  }
  assert_alive(rig);
  call_rig_free(rig);
}

static void
test_large_body(void)
{
  static const gchar *heads[] = {
    "POST /api/twilio/incoming HTTP/1.1\r\nHost: x\r\nContent-Length: 67108864\r\n\r\n",
    "POST /api/twilio/incoming HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    "4000000\r\n",
    "POST /api/twilio/incoming HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
    "Content-Length: 67108864\r\n\r\n",
  };
  CallRig *rig = call_rig_new(NULL, TOKEN);
  g_autofree gchar *filler = g_strnfill(1024 * 1024, 'x');
  gulong before;

  assert_alive(rig);
  before = raw_resident_kib(rig);
  for (guint i = 0; i < G_N_ELEMENTS(heads); i++) {
    g_autoptr(GSocket) socket = raw_dial(rig);

    raw_send_text(socket, heads[i]);
    for (guint j = 0; j < 64 && raw_send(socket, filler, 1024 * 1024); j++)
      assert_alive(rig);
  }
  if (MEMORY_COUNTS)
    g_assert_cmpuint(raw_resident_kib(rig), <, before + MUCH_KIB);
  call_rig_free(rig);
}

/* Ninety clients that send a head byte by byte, and one that has a question. */
static void
test_slow_heads(void)
{
  CallRig *rig = start_with("[http]\nheader-timeout=1\n");
  g_autoptr(GPtrArray) slow = g_ptr_array_new_with_free_func(g_object_unref);

  for (guint i = 0; i < 90; i++) {
    g_ptr_array_add(slow, raw_dial(rig));
    raw_send_text(slow->pdata[i], "GET /health HTTP/1.1\r\nX");
  }
  assert_alive(rig);
  for (guint i = 0; i < slow->len; i++) {
    g_autofree gchar *answer = raw_receive(slow->pdata[i]);

    g_assert_cmpuint(raw_status(answer), ==, 408);
  }
  assert_alive(rig);
  call_rig_free(rig);
}

static void
test_flood(void)
{
  CallRig *rig = start_with("[http]\nmax-connections=40\n");
  g_autoptr(GPtrArray) flood = g_ptr_array_new_with_free_func(g_object_unref);
  g_autofree gchar *answer = NULL;
  guint refused = 0;

  for (guint i = 0; i < 100; i++)
    g_ptr_array_add(flood, raw_dial(rig));
  /* the first forty wait for a request; the rest have had their answer */
  for (guint i = 40; i < flood->len; i++) {
    g_autofree gchar *refusal = raw_receive(flood->pdata[i]);

    refused += raw_status(refusal) == 503 || *refusal == '\0';
  }
  g_assert_cmpuint(refused, ==, 60);
  g_ptr_array_set_size(flood, 0);
  /* that they have gone is news that may come after the next client */
  do {
    g_free(answer);
    answer = raw_ask(rig, "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  } while (raw_status(answer) == 503);
  g_assert_cmpuint(raw_status(answer), ==, 200);
  call_rig_free(rig);
}

static void
assert_record(CallRig *rig, const gchar *call_sid, const gchar *status, const gchar *reason)
{
  guint http_status;
  g_autoptr(JsonNode) calls = call_rig_get(rig, "/api/calls", &http_status);
  JsonArray *array = json_node_get_array(calls);

  for (guint i = 0; i < json_array_get_length(array); i++) {
    JsonObject *record = json_array_get_object_element(array, i);

    if (g_strcmp0(json_object_get_string_member(record, "twilio_call_sid"), call_sid) == 0) {
      g_assert_cmpstr(json_object_get_string_member(record, "status"), ==, status);
      g_assert_cmpstr(json_object_get_string_member(record, "end_reason"), ==, reason);
      return;
    }
  }
  g_error("there is no record of %s", call_sid);
}

/* By the door that is open to whoever knows it: the token decides. */
static void
assert_refused(CallRig *rig, const gchar *call_sid, const gchar *token)
{
  guint status;
  g_autoptr(GSocket) stream = raw_open_stream(rig, OPEN_DOOR, TRUE, &status);

  g_assert_cmpuint(status, ==, 101);
  raw_start(stream, call_sid, token);
  g_assert_cmpuint(raw_receive_close(stream), ==, 1008);
}

/* By the call's own door: there is no connection at all. */
static void
assert_shut(CallRig *rig, const gchar *path)
{
  guint status;
  g_autoptr(GSocket) stream = raw_open_stream(rig, path, TRUE, &status);

  g_assert_null(stream);
  g_assert_cmpuint(status, ==, 403);
}

static void
test_door_of_the_stream(void)
{
  CallRig *rig = call_rig_new(NULL, TOKEN);
  guint status;
  g_autofree gchar *path = NULL;
  g_autofree gchar *token = raw_admit(rig, "CA1", &path, &status);
  g_autofree gchar *again = raw_admit(rig, "CA1", NULL, &status);
  g_autofree gchar *late = NULL;
  g_autoptr(GSocket) stream = NULL, unsigned_stream = NULL;

  g_assert_nonnull(token);
  g_assert_nonnull(again);
  g_assert_true(g_str_has_prefix(path, OPEN_DOOR "/"));
  unsigned_stream = raw_open_stream(rig, path, FALSE, &status);
  g_assert_null(unsigned_stream);
  g_assert_cmpuint(status, ==, 403);
  assert_refused(rig, "CA1", "0123456789abcdef0123456789abcdef");
  assert_refused(rig, "CA1", "");

  stream = raw_open_stream(rig, path, TRUE, &status);
  raw_start(stream, "CA1", token);
  g_assert_true(raw_wait_media(stream));
  /* a call has one stream, and its webhook is worth one call */
  assert_shut(rig, path);
  assert_refused(rig, "CA1", token);
  assert_refused(rig, "CA1", again);
  late = raw_admit(rig, "CA1", NULL, &status);
  g_assert_null(late);
  g_assert_cmpuint(status, ==, 403);

  raw_message(stream, "{\"event\":\"stop\",\"sequenceNumber\":\"2\",\"streamSid\":\"MZ1\"}");
  g_assert_cmpuint(raw_receive_close(stream), ==, 1000);
  late = raw_admit(rig, "CA1", NULL, &status);
  g_assert_cmpuint(status, ==, 403);
  assert_shut(rig, path);
  call_rig_free(rig);
}

/* The path of the stream names the call: who has none is refused before there is a connection. */
static void
test_door_of_a_call(void)
{
  CallRig *rig = call_rig_new(NULL, TOKEN);
  guint status;
  g_autofree gchar *path = NULL, *other_path = NULL;
  g_autofree gchar *token = raw_admit(rig, "CA1", &path, &status);
  g_autofree gchar *other = raw_admit(rig, "CA2", &other_path, &status);
  g_autoptr(GSocket) stream = NULL, second = NULL;

  assert_shut(rig, OPEN_DOOR "/CA1");
  assert_shut(rig, OPEN_DOOR "/00000000-0000-4000-8000-000000000000");
  /* one at a time; who goes without a word makes room */
  stream = raw_open_stream(rig, path, TRUE, &status);
  g_assert_cmpuint(status, ==, 101);
  assert_shut(rig, path);
  raw_start(stream, "CA2", other);
  g_assert_cmpuint(raw_receive_close(stream), ==, 1008);
  g_clear_object(&stream);
  while (stream == NULL)
    stream = raw_open_stream(rig, path, TRUE, &status);
  /* another call's token opens nothing here, and is still good there */
  second = raw_open_stream(rig, other_path, TRUE, &status);
  raw_start(second, "CA2", other);
  g_assert_true(raw_wait_media(second));
  raw_start(stream, "CA1", token);
  g_assert_true(raw_wait_media(stream));
  call_rig_free(rig);
}

static gboolean
has_lapsed(CallRig *rig)
{
  guint status;
  g_autoptr(JsonNode) calls = call_rig_get(rig, "/api/calls", &status);
  JsonArray *array = json_node_get_array(calls);

  return json_array_get_length(array) == 1 &&
         g_str_equal(
             json_object_get_string_member(json_array_get_object_element(array, 0), "status"),
             "failed");
}

static void
test_lapsed_call(void)
{
  CallRig *rig = start_with("[twilio]\ntoken-lifetime=1\n");
  guint status;
  g_autofree gchar *path = NULL;
  g_autofree gchar *token = raw_admit(rig, "CA1", &path, &status);

  g_assert_nonnull(token);
  call_rig_wait_until(rig, has_lapsed);
  assert_shut(rig, path);
  assert_record(rig, "CA1", "failed", "no-stream");
  call_rig_free(rig);
}

/* The server is told to go while one is on the phone, one is coming and one never comes. */
static void
test_stopped_in_a_call(void)
{
  CallRig *rig = call_rig_new(NULL, TOKEN);
  guint status;
  g_autofree gchar *path = NULL;
  g_autofree gchar *token = raw_admit(rig, "CA2", NULL, &status);
  g_autofree gchar *later = raw_admit(rig, "CA3", &path, &status);
  g_autofree gchar *never = raw_admit(rig, "CA4", NULL, &status);
  g_autoptr(GSocket) stream = NULL, coming = NULL, late = NULL;

  stream = raw_open_stream(rig, OPEN_DOOR, TRUE, &status);
  raw_start(stream, "CA2", token);
  g_assert_true(raw_wait_media(stream));
  coming = raw_open_stream(rig, path, TRUE, &status);
  g_assert_cmpuint(status, ==, 101);
  g_subprocess_send_signal(rig->server, SIGTERM);
  raw_start(coming, "CA3", later);
  /* --drain-timeout 1: they may go on for so long */
  g_assert_cmpuint(raw_receive_close(stream), ==, 1000);
  g_assert_cmpuint(raw_receive_close(coming), ==, 1000);
  late = raw_dial(rig);
  g_assert_null(late);
  g_assert_true(g_subprocess_wait_check(rig->server, NULL, NULL));
  g_clear_object(&rig->server);

  call_rig_start(rig);
  assert_record(rig, "CA2", "completed", "shutdown");
  assert_record(rig, "CA3", "completed", "shutdown");
  assert_record(rig, "CA4", "failed", "no-stream");
  call_rig_free(rig);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/server/every door answers, and says so when it is none", test_routes);
  g_test_add_func("/server/what is not quite HTTP is refused", test_bad_requests);
  g_test_add_func("/server/64 MiB of body do not become memory", test_large_body);
  g_test_add_func("/server/slow heads hold nobody up", test_slow_heads);
  g_test_add_func("/server/a flood is refused and forgotten", test_flood);
  g_test_add_func("/server/a stream needs a signature and a token that is new",
                  test_door_of_the_stream);
  g_test_add_func("/server/a stream for no call is refused at the handshake", test_door_of_a_call);
  g_test_add_func("/server/a stream that comes too late is refused at the handshake",
                  test_lapsed_call);
  g_test_add_func("/server/a call that runs at the end is hung up and written down",
                  test_stopped_in_a_call);
  return g_test_run();
}
