/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "call-rig.h"
#include "raw-client.h"
#include "sim-rig.h"

/* Calls that we place, with a carrier that is slow, forgetful and confused. */

#define OUR_NUMBER "+15005550006"
#define THEIR_NUMBER "+15551230002"
#define CALLER_SID "CA000000000000000000000000000000aa"
#define MANY 1000
#define AT_ONCE 5

static SimRig *sims;
static CallRig *rig;
static gchar *agent_id;
static gchar *wanted_id; /* of the call that is waited for */

static CallRig *
start_server(const gchar *conf)
{
  const gchar *postgres = g_getenv("CORDBOARD_TEST_POSTGRES");
  g_autofree gchar *base = g_strconcat("TWILIO_BASE_URL=", sims->url, NULL);
  g_autofree gchar *database = g_strconcat("DATABASE_URL=", postgres, NULL);
  const gchar *environ[] = { base, "TWILIO_ACCOUNT_SID=AC00000000000000000000000000000001",
                             "TWILIO_PHONE_NUMBER=" OUR_NUMBER, postgres ? database : NULL, NULL };
  CallRig *server = call_rig_new_with(NULL, "secret-of-twilio", (GStrv)environ);
  g_autofree gchar *folder = g_build_filename(server->dir, "cordboard", NULL);
  g_autofree gchar *path = g_build_filename(folder, "cordboard.conf", NULL);

  call_rig_stop(server);
  g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
  g_assert_true(g_file_set_contents(path, conf, -1, NULL));
  call_rig_start(server);
  return server;
}

static void
script(const gchar *calls)
{
  g_autofree gchar *json = g_strdup_printf("{\"script\":{\"twilio\":{\"calls\":[%s]}}}", calls);

  sim_rig_script(sims, json);
}

static JsonObject *
ask(const gchar *method, const gchar *path, const gchar *body, guint wanted)
{
  g_autofree gchar *url = g_strconcat(rig->url, path, NULL);
  guint status;
  g_autoptr(JsonNode) node = call_rig_send(rig, method, url, body, &status);

  if (status != wanted)
    g_test_message("%s", json_to_string(node, FALSE));
  g_assert_cmpuint(status, ==, wanted);
  return json_node_dup_object(node);
}

static gchar *
make_body(const gchar *more)
{
  return g_strdup_printf("{\"agent_id\":\"%s\",\"to_number\":\"%s\"%s}", agent_id, THEIR_NUMBER,
                         more);
}

/* Its id, in wanted_id, too. */
static const gchar *
place(const gchar *more)
{
  g_autofree gchar *body = make_body(more);
  g_autoptr(JsonObject) row = ask("POST", "/api/calls/outbound", body, 201);

  g_assert_cmpstr(json_object_get_string_member(row, "direction"), ==, "outbound");
  g_assert_cmpstr(json_object_get_string_member(row, "caller_number"), ==, THEIR_NUMBER);
  g_free(wanted_id);
  wanted_id = g_strdup(json_object_get_string_member(row, "id"));
  return wanted_id;
}

static JsonObject *
read_call(void)
{
  g_autofree gchar *path = g_strconcat("/api/calls/", wanted_id, NULL);

  return ask("GET", path, NULL, 200);
}

static gboolean
has_ended(CallRig *unused)
{
  g_autoptr(JsonObject) row = read_call();

  return !json_object_get_null_member(row, "ended_at");
}

static gboolean
is_in_progress(CallRig *unused)
{
  g_autoptr(JsonObject) row = read_call();

  return g_str_equal(json_object_get_string_member(row, "status"), "in-progress");
}

static gint64
read_figure(CallRig *server, const gchar *name)
{
  g_autofree gchar *url = g_strconcat(server->url, "/metrics", NULL);
  g_autoptr(SoupMessage) message = soup_message_new("GET", url);
  g_autoptr(GBytes) bytes = NULL;
  g_autofree gchar *text = NULL;
  g_autoptr(JsonNode) node = NULL;

  soup_message_headers_append(soup_message_get_request_headers(message), "Accept",
                              "application/json");
  bytes = soup_session_send_and_read(server->session, message, NULL, NULL);
  text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
  node = json_from_string(text, NULL);
  return json_object_get_int_member(json_node_get_object(node), name);
}

/* The carrier says that it was answered before its stream has come. */
static gboolean
is_streaming(CallRig *unused)
{
  return is_in_progress(unused) && read_figure(rig, "calls_active") > 0 &&
         read_figure(rig, "calls_prepared") == 0;
}

static gboolean
is_ringing(CallRig *unused)
{
  g_autoptr(JsonObject) row = read_call();

  return g_str_equal(json_object_get_string_member(row, "status"), "ringing");
}

static gboolean
has_recording(CallRig *unused)
{
  g_autoptr(JsonObject) row = read_call();
  JsonObject *metadata = json_object_get_null_member(row, "metadata")
                             ? NULL
                             : json_object_get_object_member(row, "metadata");
  JsonObject *recording = metadata && json_object_has_member(metadata, "recording")
                              ? json_object_get_object_member(metadata, "recording")
                              : NULL;

  return recording && g_str_equal(json_object_get_string_member(recording, "status"), "completed");
}

/* @reason: NULL: whoever was faster says it, the stream or the carrier */
static void
expect_end(const gchar *status, const gchar *reason)
{
  g_autoptr(JsonObject) row = NULL;

  call_rig_wait_until(rig, has_ended);
  row = read_call();
  g_assert_cmpstr(json_object_get_string_member(row, "status"), ==, status);
  if (reason)
    g_assert_cmpstr(json_object_get_string_member(row, "end_reason"), ==, reason);
}

static void
control(const gchar *what, const gchar *body, guint wanted)
{
  g_autofree gchar *path = g_strdup_printf("/api/calls/%s/%s", wanted_id, what);

  json_object_unref(ask("POST", path, body, wanted));
}

static void
test_answered(void)
{
  g_autoptr(JsonObject) row = NULL;

  /* late, twice, and not in the order in which it happened */
  script("{\"talk_ms\":1200,\"reply_ms\":300,\"order\":[\"ringing\",\"initiated\",\"initiated\","
         "\"answered\",\"ringing\",\"completed\",\"completed\"]}");
  place("");
  expect_end("completed", NULL);
  row = read_call();
  g_assert_true(g_str_has_prefix(json_object_get_string_member(row, "twilio_call_sid"), "CA"));
}

static void
test_not_answered(void)
{
  static const gchar *const outcomes[] = { "busy", "no-answer", "failed" };

  for (guint i = 0; i < G_N_ELEMENTS(outcomes); i++) {
    g_autofree gchar *call = g_strdup_printf("{\"outcome\":\"%s\",\"answer_ms\":50}", outcomes[i]);

    script(call);
    place("");
    expect_end("failed", outcomes[i]);
  }
}

/* The end is told before everything else, and nothing else is told. */
static void
test_only_the_end(void)
{
  script("{\"talk_ms\":300,\"order\":[\"completed\",\"answered\",\"ringing\",\"initiated\"]}");
  place("");
  expect_end("completed", NULL);
}

static void
test_machine(void)
{
  g_autoptr(JsonObject) row = NULL;

  script("{\"answered_by\":\"machine_end_beep\",\"machine_ms\":700}");
  place(",\"machine_detection\":\"DetectMessageEnd\",\"hang_up_on_machine\":true");
  expect_end("completed", "machine");
  row = read_call();
  g_assert_cmpstr(
      json_object_get_string_member(json_object_get_object_member(row, "metadata"), "answered_by"),
      ==, "machine_end_beep");
}

static void
test_recording(void)
{
  script("{}");
  place(",\"record\":true");
  call_rig_wait_until(rig, is_in_progress);
  control("recording", "{\"action\":\"pause\"}", 200);
  control("recording", "{\"action\":\"resume\"}", 200);
  control("hangup", "{}", 200);
  call_rig_wait_until(rig, has_recording);
  expect_end("completed", NULL);
}

static gboolean
has_two_recordings(CallRig *unused)
{
  g_autoptr(JsonObject) row = read_call();
  JsonObject *metadata = json_object_get_object_member(row, "metadata");

  return has_recording(unused) &&
         json_array_get_length(json_object_get_array_member(metadata, "recordings")) == 2;
}

/* One that is begun in a call, and another after it. */
static void
test_recordings(void)
{
  script("{}");
  place("");
  call_rig_wait_until(rig, is_in_progress);
  control("recording", "{\"action\":\"start\"}", 200);
  control("recording", "{\"action\":\"stop\"}", 200);
  call_rig_wait_until(rig, has_recording);
  control("recording", "{\"action\":\"start\"}", 200);
  control("hangup", "{}", 200);
  call_rig_wait_until(rig, has_two_recordings);
  expect_end("completed", NULL);
}

static void
tell_recording(const gchar *sid, const gchar *status, guint wanted)
{
  g_autofree gchar *path = g_strconcat("/api/twilio/recording/", wanted_id, NULL);
  g_autofree gchar *body = g_strdup_printf(
      "CallSid=" CALLER_SID "&AccountSid=AC00000000000000000000000000000001%s%s&RecordingStatus=%s&"
      "RecordingUrl=https%%3A%%2F%%2Fapi.example%%2F%s&RecordingDuration=7",
      sid ? "&RecordingSid=" : "", sid ? sid : "", status, sid ? sid : "");

  g_assert_cmpuint(raw_tell(rig, path, body), ==, wanted);
}

static gboolean
has_caller(CallRig *unused)
{
  guint status;
  g_autoptr(JsonNode) node = call_rig_get(rig, "/api/calls/" CALLER_SID, &status);

  if (status != 200)
    return FALSE;
  g_free(wanted_id);
  wanted_id = g_strdup(json_object_get_string_member(json_node_get_object(node), "id"));
  return TRUE;
}

/* A caller's call is recorded as one that was placed is. */
static void
test_recording_of_a_caller(void)
{
  guint status;
  g_autofree gchar *twiml = raw_ring(rig, CALLER_SID, &status);
  g_autofree gchar *callback = NULL;
  g_autofree gchar *journal = NULL;
  g_autoptr(JsonNode) node = NULL;
  g_autoptr(JsonObject) row = NULL;
  JsonObject *recording;

  g_assert_nonnull(twiml);
  call_rig_wait_until(rig, has_caller);
  /* the stand-in does not know the caller's call, but it hears what is wanted */
  control("recording", "{\"action\":\"start\"}", 502);
  node = sim_rig_dup_journal(sims);
  journal = json_to_string(node, FALSE);
  callback = g_strconcat("recording%2F", wanted_id, NULL);
  g_assert_nonnull(strstr(journal, callback));
  tell_recording("RE1", "completed", 204);
  tell_recording("RE1", "in-progress", 204);
  tell_recording("RE1", "completed", 204);
  tell_recording(NULL, "completed", 400);
  call_rig_wait_until(rig, has_recording);
  row = read_call();
  recording =
      json_object_get_object_member(json_object_get_object_member(row, "metadata"), "recording");
  g_assert_cmpstr(json_object_get_string_member(recording, "url"), ==, "https://api.example/RE1");
  g_assert_cmpstr(json_object_get_string_member(recording, "duration"), ==, "7");
  g_assert_cmpuint(raw_tell(rig, "/api/twilio/status",
                            "CallSid=" CALLER_SID "&CallStatus=completed&CallDuration=9"),
                   ==, 204);
}

static void
test_hang_up(void)
{
  script("{\"answer_ms\":60000}, {}");
  place("");
  call_rig_wait_until(rig, is_ringing);
  control("hangup", "{}", 200);
  expect_end("failed", "canceled");
  control("hangup", "{}", 404);
  place("");
  call_rig_wait_until(rig, is_in_progress);
  control("hangup", "{}", 200);
  /* by its stream, or by the carrier when that has not come yet */
  expect_end("completed", NULL);
}

static void
test_transfer(void)
{
  script("{}");
  place("");
  call_rig_wait_until(rig, is_streaming);
  control("transfer", "{\"to_number\":\"+19005550001\"}", 403);
  control("transfer", "{\"to_number\":\"+15551230003\"}", 200);
  expect_end("completed", "transferred");
}

static void
test_refused(void)
{
  g_autofree gchar *body = make_body("");
  g_autofree gchar *denied =
      g_strdup_printf("{\"agent_id\":\"%s\",\"to_number\":\"+19005550001\"}", agent_id);
  g_autofree gchar *foreign =
      g_strdup_printf("{\"agent_id\":\"%s\",\"to_number\":\"%s\",\"from_number\":\"+15551239999\"}",
                      agent_id, THEIR_NUMBER);

  /* nobody's place is kept by what never was a call: there are five */
  for (guint i = 0; i < AT_ONCE + 1; i++) {
    g_autoptr(JsonObject) problem = NULL;

    script("{\"refuse\":{\"status\":400,\"code\":21215,\"message\":\"not there\"}}");
    problem = ask("POST", "/api/calls/outbound", body, 502);
    g_assert_nonnull(strstr(json_object_get_string_member(problem, "detail"), "21215"));
  }
  json_object_unref(ask("POST", "/api/calls/outbound", denied, 403));
  json_object_unref(ask("POST", "/api/calls/outbound", foreign, 422));
}

/* The server dies while it rings; the one that follows knows the call. */
static void
test_restart(void)
{
  script("{\"answer_ms\":2500,\"talk_ms\":500}");
  place("");
  call_rig_wait_until(rig, is_ringing);
  call_rig_kill(rig);
  call_rig_start(rig);
  expect_end("failed", "interrupted");
}

static gchar *
place_with_key(const gchar *key, const gchar *to, guint wanted)
{
  g_autofree gchar *url = g_strconcat(rig->url, "/api/calls/outbound", NULL);
  g_autoptr(SoupMessage) message = soup_message_new("POST", url);
  g_autofree gchar *body =
      g_strdup_printf("{\"agent_id\":\"%s\",\"to_number\":\"%s\"}", agent_id, to);
  g_autoptr(GBytes) bytes = g_bytes_new(body, strlen(body));
  g_autoptr(GBytes) answer = NULL;
  g_autofree gchar *text = NULL;
  g_autoptr(JsonNode) node = NULL;

  soup_message_set_request_body_from_bytes(message, "application/json", bytes);
  soup_message_headers_append(soup_message_get_request_headers(message), "Idempotency-Key", key);
  answer = soup_session_send_and_read(rig->session, message, NULL, NULL);
  g_assert_cmpuint(soup_message_get_status(message), ==, wanted);
  text = g_strndup(g_bytes_get_data(answer, NULL), g_bytes_get_size(answer));
  node = json_from_string(text, NULL);
  return wanted == 201 ? g_strdup(json_object_get_string_member(json_node_get_object(node), "id"))
                       : NULL;
}

static void
test_idempotency(void)
{
  g_autofree gchar *key = g_uuid_string_random();
  g_autofree gchar *first = NULL, *second = NULL;

  script("{\"talk_ms\":100}, {\"outcome\":\"busy\"}");
  first = place_with_key(key, THEIR_NUMBER, 201);
  second = place_with_key(key, THEIR_NUMBER, 201);
  g_assert_cmpstr(first, ==, second);
  g_free(place_with_key(key, "+15551230009", 422));
  g_free(wanted_id);
  wanted_id = g_strdup(first);
  expect_end("completed", NULL);
}

/* ---- many at once ---- */

typedef struct {
  guint n_left, placed, refused, others;
} Counts;

static void
on_answer(GObject *source, GAsyncResult *result, gpointer data)
{
  Counts *counts = data;
  g_autoptr(GError) error = NULL;
  SoupMessage *message = soup_session_get_async_result_message(SOUP_SESSION(source), result);
  g_autoptr(GBytes) bytes = soup_session_send_and_read_finish(SOUP_SESSION(source), result, &error);
  guint status = bytes ? soup_message_get_status(message) : 0;

  counts->placed += status == 201;
  /* 503: a machine so loaded that the store does not say how many there are; nothing at all: one on
   * which a connection was not served in time */
  counts->refused += status == 429;
  counts->others += status == 503 || status == 0;
  g_assert_true(status == 201 || status == 429 || status == 503 || status == 0);
  counts->n_left--;
}

/* The calls that have been placed and not ended. */
static guint
count_waiting(void)
{
  static const gchar *const states[] = { "queued", "ringing" };
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS(states); i++) {
    g_autofree gchar *path = g_strdup_printf("/api/calls?direction=outbound&status=%s", states[i]);
    guint status;
    g_autoptr(JsonNode) rows = call_rig_get(rig, path, &status);

    n += json_array_get_length(json_node_get_array(rows));
  }
  return n;
}

static void
test_many(void)
{
  gboolean two = g_getenv("CORDBOARD_TEST_POSTGRES") != NULL;
  /* test-dials asks a thousand times of either engine; this is the way through HTTP */
  guint many = two ? MANY : MANY / 4;
  CallRig *other = two ? start_server("[outbound]\nat-once=5\nper-hour=0\nper-client=0\n") : NULL;
  g_autoptr(SoupSession) session =
      soup_session_new_with_options("max-conns", 64, "max-conns-per-host", 32, NULL);
  g_autofree gchar *body = make_body("");
  g_autoptr(GBytes) bytes = g_bytes_new(body, strlen(body));
  g_autoptr(GString) calls = g_string_new("{\"answer_ms\":60000}");
  Counts counts = { many, 0, 0, 0 };

  for (guint i = 1; i < many; i++)
    g_string_append(calls, ",{\"answer_ms\":60000}");
  script(calls->str);
  for (guint i = 0; i < many; i++) {
    g_autofree gchar *url =
        g_strconcat(two && i % 2 ? other->url : rig->url, "/api/calls/outbound", NULL);
    g_autoptr(SoupMessage) message = soup_message_new("POST", url);

    soup_message_set_request_body_from_bytes(message, "application/json", bytes);
    soup_session_send_and_read_async(session, message, G_PRIORITY_DEFAULT, NULL, on_answer,
                                     &counts);
  }
  while (counts.n_left > 0)
    g_main_context_iteration(NULL, TRUE);
  g_test_message("%u placed, %u refused, %u others", counts.placed, counts.refused, counts.others);
  g_assert_cmpuint(counts.placed, <=, AT_ONCE);
  g_assert_cmpuint(counts.others, <, many / 4);
  /* whatever was answered: this is what rings */
  g_assert_cmpuint(count_waiting(), ==, AT_ONCE);
  if (other)
    call_rig_free(other);
}

/* ---- two servers ---- */

/* One server places the call, and all that the carrier says of it comes to the other. */
static void
test_other_server(void)
{
  CallRig *other;
  g_autofree gchar *url = g_strconcat(rig->url, "/api/calls/outbound", NULL);
  g_autoptr(SoupMessage) message = soup_message_new("POST", url);
  g_autofree gchar *body = make_body("");
  g_autoptr(GBytes) bytes = g_bytes_new(body, strlen(body));
  g_autoptr(GBytes) answer = NULL;
  g_autofree gchar *text = NULL;
  g_autoptr(JsonNode) node = NULL;

  if (g_getenv("CORDBOARD_TEST_POSTGRES") == NULL) {
    g_test_skip("two servers need PostgreSQL");
    return;
  }
  other = start_server("");
  script("{}");
  soup_message_set_request_body_from_bytes(message, "application/json", bytes);
  soup_message_headers_replace(soup_message_get_request_headers(message), "Host",
                               other->url + strlen("http://"));
  answer = soup_session_send_and_read(rig->session, message, NULL, NULL);
  g_assert_cmpuint(soup_message_get_status(message), ==, 201);
  text = g_strndup(g_bytes_get_data(answer, NULL), g_bytes_get_size(answer));
  node = json_from_string(text, NULL);
  g_free(wanted_id);
  wanted_id = g_strdup(json_object_get_string_member(json_node_get_object(node), "id"));
  call_rig_wait_until(rig, is_in_progress);
  g_assert_cmpint(read_figure(other, "calls_total"), ==, 1);
  /* it is hung up by the server that does not have it */
  control("hangup", "{}", 200);
  expect_end("completed", NULL);
  call_rig_free(other);
}

int
main(int argc, char *argv[])
{
  guint status;
  int result;

  g_test_init(&argc, &argv, NULL);
  sims = sim_rig_new(NULL);
  rig = start_server("[outbound]\nat-once=5\nper-hour=0\nper-client=0\n");
  {
    g_autoptr(JsonNode) agents = call_rig_get(rig, "/api/agents", &status);

    agent_id = g_strdup(json_object_get_string_member(
        json_array_get_object_element(json_node_get_array(agents), 0), "id"));
  }
  g_test_add_func("/outbound/callbacks-may-be-late-and-twice-and-out-of-order", test_answered);
  g_test_add_func("/outbound/a-call-that-nobody-answers-says-why", test_not_answered);
  g_test_add_func("/outbound/the-end-may-be-told-before-the-beginning", test_only_the_end);
  g_test_add_func("/outbound/a-machine-is-not-spoken-to", test_machine);
  g_test_add_func("/outbound/a-recording-is-in-the-record-of-its-call", test_recording);
  g_test_add_func("/outbound/a-recording-may-be-begun-in-a-call", test_recordings);
  g_test_add_func("/outbound/servers/a-recording-of-a-caller-is-kept-alike",
                  test_recording_of_a_caller);
  g_test_add_func("/outbound/a-call-is-hung-up-while-it-rings-and-while-it-talks", test_hang_up);
  g_test_add_func("/outbound/a-call-is-given-to-somebody-else", test_transfer);
  g_test_add_func("/outbound/what-is-refused-keeps-no-place", test_refused);
  g_test_add_func("/outbound/the-same-request-is-one-call", test_idempotency);
  g_test_add_func("/outbound/a-call-does-not-outlive-its-server", test_restart);
  g_test_add_func("/outbound/servers/another-one-takes-the-call", test_other_server);
  g_test_add_func("/outbound/servers/many-requests-at-once-never-exceed-the-cap", test_many);
  result = g_test_run();
  call_rig_free(rig);
  sim_rig_free(sims);
  g_free(agent_id);
  g_free(wanted_id);
  return result;
}
