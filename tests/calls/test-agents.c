/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <unistd.h>

#include "raw-client.h"

/* Agents that cannot do what they should, and what a caller hears of it. */

#define TOKEN "secret-of-twilio"
#define AGENT                                                                                      \
  "{\"name\":\"Desk\",\"language\":\"%s\",\"llm_model\":\"scripted\",\"metadata\":{\"cordboard\":" \
  "%s}}"

static void
write_file(const gchar *dir, const gchar *folder, const gchar *name, const gchar *text)
{
  g_autofree gchar *where = g_build_filename(dir, folder, NULL);
  g_autofree gchar *path = g_build_filename(where, name, NULL);

  g_assert_cmpint(g_mkdir_with_parents(where, 0700), ==, 0);
  g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* A server whose only agent has these settings. */
static CallRig *
start_with_agent(const gchar *language, const gchar *settings, const gchar *conf)
{
  g_autofree gchar *dir = g_dir_make_tmp("cordboard-agents-XXXXXX", NULL);
  g_autofree gchar *agent = g_strdup_printf(AGENT, language, settings);
  g_autofree gchar *audio = g_build_filename(dir, "audio", NULL);
  g_autofree gchar *stock = g_build_filename(g_getenv("CORDBOARD_DATA_DIR"), "audio", NULL);
  g_autofree gchar *lines = g_strdup_printf("[server]\npipelines=%s/pipelines\n%s", dir, conf);
  CallRig *rig;

  write_file(dir, "agents", "desk.json", agent);
  write_file(dir, "pipelines", "broken.pipeline", "$source ! identity error-after=2 ! $sink\n");
  g_assert_cmpint(symlink(stock, audio), ==, 0);
  rig = call_rig_new(dir, TOKEN);
  call_rig_stop(rig);
  write_file(rig->dir, "cordboard", "cordboard.conf", lines);
  call_rig_start(rig);
  return rig;
}

static JsonObject *
dup_record(CallRig *rig)
{
  guint status;
  g_autoptr(JsonNode) calls = call_rig_get(rig, "/api/calls", &status);
  JsonArray *array = json_node_get_array(calls);

  g_assert_cmpuint(json_array_get_length(array), <=, 1);
  return json_array_get_length(array) ? json_object_ref(json_array_get_object_element(array, 0))
                                      : NULL;
}

/* The store hears of a call, and of its end, after the caller does. */
static gboolean
is_over(CallRig *rig)
{
  g_autoptr(JsonObject) record = dup_record(rig);

  return record && !json_object_get_null_member(record, "end_reason");
}

static void
assert_failed(CallRig *rig, const gchar *reason)
{
  g_autoptr(JsonObject) record = NULL;

  call_rig_wait_until(rig, is_over);
  record = dup_record(rig);
  g_assert_cmpstr(json_object_get_string_member(record, "status"), ==, "failed");
  g_assert_cmpstr(json_object_get_string_member(record, "end_reason"), ==, reason);
}

static void
test_missing_element(void)
{
  static const struct {
    const gchar *language;
    const gchar *settings;
    const gchar *says;
  } agents[] = {
    { "en-US", "{\"stt\":{\"element\":\"nosuchstt\"}}", "<Say language=\"en-US\">I am sorry." },
    { "de-DE", "{\"tts\":{\"element\":\"nosuchtts\"}}",
      "<Say language=\"de-DE\">Es tut mir leid." },
    { "fi-FI", "{\"pipeline\":\"nosuchpipeline\"}", "<Say>I am sorry." },
    { "en-GB", "{\"turn\":{\"properties\":{\"nosuchproperty\":1}}}", "<Say language=\"en-GB\">" },
  };

  for (guint i = 0; i < G_N_ELEMENTS(agents); i++) {
    CallRig *rig = start_with_agent(agents[i].language, agents[i].settings, "");

    /* the carrier asks again when an answer was slow */
    for (guint j = 0; j < 2; j++) {
      guint status;
      g_autofree gchar *twiml = raw_ring(rig, "CA1", &status);

      g_test_message("%s", twiml);
      g_assert_cmpuint(status, ==, 200);
      g_assert_nonnull(strstr(twiml, agents[i].says));
      g_assert_true(g_str_has_suffix(twiml, "</Say><Hangup/></Response>"));
    }
    assert_failed(rig, "agent-not-usable");
    call_rig_free(rig);
  }
}

static void
assert_apology(GByteArray *heard)
{
  g_autofree gchar *stock =
      g_build_filename(g_getenv("CORDBOARD_DATA_DIR"), "audio", "apology-en.mulaw", NULL);
  g_autofree gchar *expected = NULL;
  gsize size;

  g_assert_true(g_file_get_contents(stock, &expected, &size, NULL));
  g_assert_cmpuint(heard->len, >=, size);
  g_assert_nonnull(memmem(heard->data, heard->len, expected, size));
}

/* What goes wrong when the caller is on the line is told him by a recording, all of it. */
static void
test_failure_in_a_call(void)
{
  CallRig *rig = start_with_agent("en-US", "{\"pipeline\":\"broken\"}", "");
  g_autofree gchar *path = NULL;
  guint status;
  g_autofree gchar *token = raw_admit(rig, "CA1", &path, &status);
  g_autoptr(GSocket) stream = raw_open_stream(rig, path, TRUE, &status);
  g_autoptr(GByteArray) heard = g_byte_array_new();

  raw_start(stream, "CA1", token);
  for (guint i = 0; i < 3; i++)
    raw_media(stream, i);
  g_assert_cmpuint(raw_hear(stream, heard), ==, 1000);
  assert_apology(heard);
  assert_failed(rig, "pipeline-error");
  call_rig_free(rig);
}

static void
test_no_agents(void)
{
  g_autofree gchar *dir = g_dir_make_tmp("cordboard-agents-XXXXXX", NULL);
  CallRig *rig = call_rig_new(dir, TOKEN);
  guint status;
  g_autofree gchar *twiml = raw_ring(rig, "CA1", &status);

  g_assert_cmpuint(status, ==, 200);
  g_assert_nonnull(strstr(twiml, "<Reject reason=\"busy\"/>"));
  call_rig_free(rig);
}

/* Who ends a call and has nothing to say to it ends it then. */
static void
test_end_without_a_word(void)
{
  static const gchar *const arguments[] = { "--dtmf", "1#", "--max-duration", "60", NULL };
  CallRig *rig = start_with_agent(
      "en-US",
      "{\"greeting\":\"Yes?\",\"stt\":{\"element\":\"pocketsphinxstt\"},\"llm\":{\"properties\":{"
      "\"script\":\"{\\\"rules\\\":[{\\\"patterns\\\":[\\\"1\\\"],\\\"replies\\\":[\\\"\\\"],"
      "\\\"tool\\\":{\\\"name\\\":\\\"end_call\\\"}}],\\\"fallback\\\":[\\\"What?\\\"]}\"}},"
      "\"tts\":{\"element\":\"flitetts\",\"voice\":\"slt\"}}",
      "");
  g_autoptr(JsonObject) result = NULL, record = NULL;
  int code;

  result = call_rig_call(rig, arguments, &code);
  g_assert_cmpint(code, ==, 0);
  call_rig_wait_until(rig, is_over);
  record = dup_record(rig);
  g_assert_cmpstr(json_object_get_string_member(record, "end_reason"), ==, "agent-hangup");
  /* not when the goodbye's deadline came */
  g_assert_cmpint(json_object_get_int_member(record, "duration_seconds"), <, 15);
  call_rig_free(rig);
}

/* Telephone silence of some seconds, in a file. */
static gchar *
write_silence(CallRig *rig, guint seconds)
{
  static const gchar head[] = "RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0"
                              "\x80\x3e\0\0\x02\0\x10\0data";
  g_autoptr(GByteArray) file = g_byte_array_new();
  guint32 size = GUINT32_TO_LE(seconds * 16000);
  gsize start = sizeof head - 1 + sizeof size;
  gchar *path = g_build_filename(rig->dir, "silence.wav", NULL);

  g_byte_array_append(file, (const guint8 *)head, sizeof head - 1);
  g_byte_array_append(file, (const guint8 *)&size, sizeof size);
  g_byte_array_set_size(file, (guint)(start + seconds * 16000));
  memset(file->data + start, 0, seconds * 16000);
  g_assert_true(g_file_set_contents(path, (gchar *)file->data, file->len, NULL));
  return path;
}

/* A caller who says nothing is asked twice whether he is there, in the agent's language. */
static void
test_silent_caller(void)
{
  CallRig *rig = start_with_agent("de-DE",
                                  "{\"greeting\":\"Ja?\",\"stt\":{\"element\":\"pocketsphinxstt\"},"
                                  "\"tts\":{\"element\":\"flitetts\",\"voice\":\"slt\"}}",
                                  "[conversation]\nsilence-timeout=0.3\n");
  g_autofree gchar *silence = write_silence(rig, 9);
  const gchar *arguments[] = { "--wav", silence, "--max-duration", "60", NULL };
  g_autoptr(JsonObject) result = NULL;
  g_autofree gchar *caller = NULL, *path = NULL;
  g_autoptr(JsonNode) said = NULL;
  JsonArray *entries;
  guint status;
  int code;

  result = call_rig_call(rig, arguments, &code);
  g_assert_cmpint(code, ==, 0);
  caller = call_rig_said(result, "user");
  g_assert_cmpstr(caller, ==, "");
  call_rig_wait_until(rig, is_over);
  path = g_strdup_printf("/api/calls/%s/transcript",
                         json_object_get_string_member(result, "call_sid"));
  said = call_rig_get(rig, path, &status);
  entries = json_node_get_array(said);
  g_assert_cmpuint(json_array_get_length(entries), ==, 3);
  for (guint i = 1; i < 3; i++)
    g_assert_cmpstr(
        json_object_get_string_member(json_array_get_object_element(entries, i), "content"), ==,
        "Sind Sie noch da?");
  call_rig_free(rig);
}

/* Who follows a silent call is told that it is still there. */
static void
test_heartbeat(void)
{
  CallRig *rig = start_with_agent("en-US", "{\"pipeline\":\"echo\"}", "[http]\nheartbeat=1\n");
  guint status;
  g_autofree gchar *token = raw_admit(rig, "CA1", NULL, &status);
  g_autoptr(GSocket) follower = raw_dial(rig);
  g_autoptr(GString) got = g_string_new(NULL);

  g_assert_nonnull(token);
  raw_send_text(follower, "GET /api/calls/CA1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  while (strstr(got->str, ": still there\n\n") == NULL) {
    gchar bytes[512];
    gssize n = g_socket_receive(follower, bytes, sizeof bytes, NULL, NULL);

    g_assert_cmpint(n, >, 0);
    g_string_append_len(got, bytes, n);
  }
  g_assert_nonnull(strstr(got->str, "text/event-stream"));
  call_rig_free(rig);
}

/* A service that answers questions about itself and keeps everybody else waiting. */
typedef struct {
  GSocket *socket;
  GAsyncQueue *told; /* the first line of a request that waits; "gone" when its client is */
  GThread *thread;
  gboolean refuses;
} Service;

static void
serve_one(Service *service, GSocket *client)
{
  static const gchar models[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                "Content-Length: 10\r\nConnection: close\r\n\r\n{\"stt\":[]}";
  static const gchar refusal[] = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n"
                                 "Connection: close\r\n\r\n";
  g_autoptr(GString) head = g_string_new(NULL);
  gchar byte;

  while (!g_str_has_suffix(head->str, "\r\n\r\n") &&
         g_socket_receive(client, &byte, 1, NULL, NULL) == 1)
    g_string_append_c(head, byte);
  if (service->refuses) {
    raw_send_text(client, refusal);
    return;
  }
  if (g_str_has_prefix(head->str, "GET /v1/models ")) {
    raw_send_text(client, models);
    return;
  }
  g_async_queue_push(service->told, g_strndup(head->str, strcspn(head->str, "\r")));
  while (g_socket_receive(client, &byte, 1, NULL, NULL) > 0)
    ;
  g_async_queue_push(service->told, g_strdup("gone"));
}

static gpointer
serve(gpointer data)
{
  Service *service = data;

  for (;;) {
    g_autoptr(GSocket) client = g_socket_accept(service->socket, NULL, NULL);

    if (client == NULL)
      return NULL;
    serve_one(service, client);
  }
}

static void
service_start(Service *service)
{
  g_autoptr(GSocketAddress) address = g_inet_socket_address_new_from_string("127.0.0.1", 0);
  g_autoptr(GError) error = NULL;

  service->socket =
      g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &error);
  g_socket_bind(service->socket, address, TRUE, &error);
  g_assert_no_error(error);
  g_socket_listen(service->socket, &error);
  g_assert_no_error(error);
  service->told = g_async_queue_new_full(g_free);
  service->thread = g_thread_new("service", serve, service);
}

static void
service_stop(Service *service)
{
  g_socket_shutdown(service->socket, TRUE, TRUE, NULL);
  g_thread_join(service->thread);
  g_object_unref(service->socket);
  g_async_queue_unref(service->told);
}

static gchar *
make_conf(Service *service)
{
  g_autoptr(GSocketAddress) address = g_socket_get_local_address(service->socket, NULL);

  return g_strdup_printf("[twilio]\ntoken-lifetime=2\n"
                         "[deepgram]\napi-key=k\nbase-url=http://127.0.0.1:%u\n",
                         g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(address)));
}

/* Nobody is left who could hear the caller: he is told, in place of silence. */
static void
test_refused_key(void)
{
  Service service = { .refuses = TRUE };
  g_autofree gchar *conf = NULL, *path = NULL, *token = NULL;
  g_autoptr(GByteArray) heard = g_byte_array_new();
  g_autoptr(GSocket) stream = NULL;
  CallRig *rig;
  guint status;

  service_start(&service);
  conf = make_conf(&service);
  rig = start_with_agent("en-US", "{\"stt\":{\"provider\":\"deepgram\"}}", conf);
  token = raw_admit(rig, "CA1", &path, &status);
  stream = raw_open_stream(rig, path, TRUE, &status);
  raw_start(stream, "CA1", token);
  g_assert_cmpuint(raw_hear(stream, heard), ==, 1000);
  assert_apology(heard);
  call_rig_free(rig);
  service_stop(&service);
}

/* The connection is there while the phone rings, and goes when nobody comes. */
static void
test_prepared(void)
{
  Service service = { NULL };
  g_autofree gchar *conf = NULL, *token = NULL, *request = NULL, *gone = NULL;
  CallRig *rig;
  guint status;

  service_start(&service);
  conf = make_conf(&service);
  rig = start_with_agent("en-US", "{\"stt\":{\"provider\":\"deepgram\"}}", conf);
  token = raw_admit(rig, "CA1", NULL, &status);
  g_assert_nonnull(token);
  request = g_async_queue_pop(service.told);
  g_assert_true(g_str_has_prefix(request, "GET /v1/listen?"));
  /* and it knows what a telephone sounds like before it has heard it */
  g_assert_nonnull(strstr(request, "encoding=mulaw"));
  g_assert_nonnull(strstr(request, "sample_rate=8000"));
  gone = g_async_queue_pop(service.told);
  g_assert_cmpstr(gone, ==, "gone");
  assert_failed(rig, "no-stream");
  call_rig_free(rig);
  service_stop(&service);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/agents/one that cannot be built has the carrier apologize",
                  test_missing_element);
  g_test_add_func("/agents/one that fails in a call apologizes and hangs up",
                  test_failure_in_a_call);
  g_test_add_func("/agents/without any the server still answers", test_no_agents);
  g_test_add_func("/agents/one is ready while the phone rings, and dismissed when nobody comes",
                  test_prepared);
  g_test_add_func("/agents/one whose service refuses the key apologizes", test_refused_key);
  g_test_add_func("/agents/one that ends the call without a word has ended it",
                  test_end_without_a_word);
  g_test_add_func("/agents/a caller who says nothing is asked whether he is there",
                  test_silent_caller);
  g_test_add_func("/agents/a silent call has a heart that beats", test_heartbeat);
  return g_test_run();
}
