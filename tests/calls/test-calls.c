/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/gst.h>
#include <string.h>

#include "call-rig.h"

#define GOFORWARD "/usr/share/pocketsphinx/test/data/goforward.raw"
#define ATTEMPTS 3
#define GRAMMAR "/usr/share/pocketsphinx/test/data/goforward.gram"

static void
assert_contains(const gchar *text, const gchar *wanted)
{
  g_autofree gchar *lower = g_utf8_strdown(text, -1);

  if (strstr(lower, wanted) == NULL)
    g_error("\"%s\" is not in: %s", wanted, text);
}

static JsonArray *
transcript_of(CallRig *rig, JsonObject *result)
{
  g_autofree gchar *path = g_strdup_printf("/api/calls/%s/transcript",
                                           json_object_get_string_member(result, "call_sid"));
  guint status;
  g_autoptr(JsonNode) node = call_rig_get(rig, path, &status);

  g_assert_cmpuint(status, ==, 200);
  return json_node_dup_array(node);
}

/* A call in real time. On a machine that has others to serve at the same moment any may have holes;
 * a server that makes them makes them each time. */
static JsonObject *
call_without_gaps(CallRig *rig, const gchar *const *lines)
{
  for (guint attempt = 1;; attempt++) {
    int code;
    g_autoptr(JsonObject) result = call_rig_call(rig, lines, &code);
    gint64 gaps = json_object_get_int_member_with_default(result, "gaps", 0);

    g_assert_cmpint(code, ==, 0);
    if (gaps == 0)
      return g_steal_pointer(&result);
    g_test_message("call %u had %d holes", attempt, (int)gaps);
    g_assert_cmpuint(attempt, <, ATTEMPTS);
  }
}

static void
test_demonstration(void)
{
  const gchar *lines[] = { "--say", "I would like to book an appointment",
                           "--say", "Tuesday at ten in the morning please",
                           "--say", "What does a cleaning cost",
                           "--say", "Thank you, goodbye",
                           NULL };
  CallRig *rig = call_rig_new(NULL, "secret-of-twilio");
  g_autoptr(JsonObject) result = call_without_gaps(rig, lines);
  g_autofree gchar *caller = call_rig_said(result, "user");
  g_autofree gchar *agent = call_rig_said(result, "assistant");
  g_autoptr(JsonArray) stored = NULL;

  assert_contains(caller, "i would like to book an appointment");
  assert_contains(caller, "tuesday at ten in the morning");
  assert_contains(caller, "what does a cleaning cost");
  assert_contains(agent, "tuesday at ten in the morning is free");
  assert_contains(agent, "ninety dollars");
  assert_contains(agent, "goodbye");
  g_assert_cmpstr(json_object_get_string_member(result, "status"), ==, "completed");
  stored = transcript_of(rig, result);
  g_assert_cmpuint(json_array_get_length(stored), ==,
                   json_array_get_length(json_object_get_array_member(result, "transcript")));
  call_rig_free(rig);
}

static void
test_barge_in(void)
{
  const gchar *lines[] = { "--say", "what are your opening hours", "--barge-in", "900",
                           "--say", "what does a cleaning cost",   NULL };
  CallRig *rig = call_rig_new(NULL, NULL);
  int code;
  g_autoptr(JsonObject) result = call_rig_call(rig, lines, &code);
  JsonArray *said = json_object_get_array_member(result, "transcript");
  JsonArray *exchanges = json_object_get_array_member(result, "exchanges");
  g_autofree gchar *agent = call_rig_said(result, "assistant");
  gboolean cut = FALSE;

  g_assert_cmpint(code, ==, 0);
  for (guint i = 0; i < json_array_get_length(said); i++) {
    JsonObject *line = json_array_get_object_element(said, i);

    if (json_object_has_member(line, "interrupted")) {
      cut = TRUE;
      /* the end of the sentence was not heard, and is not in the history */
      g_assert_null(strstr(json_object_get_string_member(line, "content"), "afternoon"));
    }
  }
  g_assert_true(cut);
  g_assert_true(json_object_has_member(json_array_get_object_element(exchanges, 1), "clear_ms"));
  assert_contains(agent, "ninety dollars");
  call_rig_free(rig);
}

static gchar *
make_goforward_agent(const gchar *dir)
{
  g_autofree gchar *agents = g_build_filename(dir, "agents", NULL);
  g_autofree gchar *agent = g_build_filename(agents, "robot.json", NULL);
  g_autofree gchar *json =
      g_strdup_printf("{\"name\":\"Robot\",\"system_prompt\":\"\",\"llm_model\":\"scripted\","
                      "\"metadata\":{\"cordboard\":{"
                      "\"greeting\":\"Ready.\",\"stt\":{\"properties\":{\"grammar\":\"%s\"}},"
                      "\"llm\":{\"provider\":\"scripted\",\"properties\":{\"script\":%s}}}}}",
                      GRAMMAR,
                      "\"{\\\"rules\\\":[{\\\"patterns\\\":[\\\"go forward ten "
                      "meters\\\"],\\\"replies\\\":[\\\"Going "
                      "forward.\\\"]}],\\\"fallback\\\":[\\\"What?\\\"]}\"");

  g_assert_cmpint(g_mkdir_with_parents(agents, 0700), ==, 0);
  g_assert_true(g_file_set_contents(agent, json, -1, NULL));
  return g_strdup(dir);
}

/* The recording is raw; a phone wants a file that says what it is. */
static void
make_wav(const gchar *path)
{
  g_autofree gchar *text =
      g_strdup_printf("filesrc location=" GOFORWARD
                      " ! audio/x-raw,format=S16LE,rate=16000,channels=1,layout=interleaved ! "
                      "wavenc ! filesink location=%s",
                      path);
  g_autoptr(GError) error = NULL;
  g_autoptr(GstElement) pipeline = gst_parse_launch(text, &error);
  g_autoptr(GstBus) bus = NULL;
  g_autoptr(GstMessage) message = NULL;

  g_assert_no_error(error);
  bus = gst_element_get_bus(pipeline);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered(bus, 20 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull(message);
  g_assert_cmpint(GST_MESSAGE_TYPE(message), ==, GST_MESSAGE_EOS);
  gst_element_set_state(pipeline, GST_STATE_NULL);
}

static void
test_real_human(void)
{
  g_autofree gchar *dir = NULL;
  g_autofree gchar *data = NULL;
  g_autofree gchar *wav = NULL;
  const gchar *lines[] = { "--wav", NULL, NULL };
  g_autoptr(JsonObject) result = NULL;
  g_autofree gchar *caller = NULL;
  g_autofree gchar *agent = NULL;
  CallRig *rig;
  int code;

  if (!g_file_test(GOFORWARD, G_FILE_TEST_EXISTS)) {
    g_test_skip("Debian's package pocketsphinx-testdata is not installed");
    return;
  }
  dir = g_dir_make_tmp("cordboard-robot-XXXXXX", NULL);
  data = make_goforward_agent(dir);
  wav = g_build_filename(dir, "goforward.wav", NULL);
  make_wav(wav);
  lines[1] = wav;
  rig = call_rig_new(data, NULL);
  result = call_rig_call(rig, lines, &code);
  g_assert_cmpint(code, ==, 0);
  caller = call_rig_said(result, "user");
  agent = call_rig_said(result, "assistant");
  assert_contains(caller, "go forward ten meters");
  assert_contains(agent, "going forward");
  call_rig_free(rig);
}

/* Waits for a fact, not for a time: the server tells when the first turn is in its store. */
static gboolean
has_turn(CallRig *rig)
{
  guint status;
  g_autoptr(JsonNode) calls = call_rig_get(rig, "/api/calls", &status);
  JsonArray *array = json_node_get_array(calls);
  g_autofree gchar *path = NULL;
  g_autoptr(JsonNode) lines = NULL;

  if (json_array_get_length(array) == 0)
    return FALSE;
  path =
      g_strdup_printf("/api/calls/%s/transcript",
                      json_object_get_string_member(json_array_get_object_element(array, 0), "id"));
  lines = call_rig_get(rig, path, &status);
  return status == 200 && json_array_get_length(json_node_get_array(lines)) >= 2;
}

static void
test_killed_in_a_call(void)
{
  const gchar *lines[] = { "--say", "I would like to book an appointment", "--say",
                           "what are your opening hours", NULL };
  CallRig *rig = call_rig_new(NULL, NULL);
  GSubprocess *phone = call_rig_dial(rig, lines);
  g_autoptr(JsonObject) result = NULL;
  g_autoptr(JsonArray) stored = NULL;
  g_autoptr(JsonNode) call = NULL;
  g_autofree gchar *path = NULL;
  guint status;
  int code;

  call_rig_wait_until(rig, has_turn);
  call_rig_kill(rig);
  result = call_rig_finish(phone, &code);
  g_assert_cmpint(code, ==, 1);
  call_rig_start(rig);
  path = g_strdup_printf("/api/calls/%s", json_object_get_string_member(result, "call_sid"));
  call = call_rig_get(rig, path, &status);
  g_assert_cmpuint(status, ==, 200);
  g_assert_cmpstr(json_object_get_string_member(json_node_get_object(call), "status"), ==,
                  "failed");
  g_assert_cmpstr(json_object_get_string_member(json_node_get_object(call), "end_reason"), ==,
                  "interrupted");
  stored = transcript_of(rig, result);
  g_assert_cmpuint(json_array_get_length(stored), >=, 2);
  call_rig_free(rig);
}

static void
test_wrong_signature(void)
{
  CallRig *rig = call_rig_new(NULL, "secret-of-twilio");
  static const gchar body[] = "CallSid=CA00000000000000000000000000000001&From=%2B15005550006";
  const gchar *signatures[] = { NULL, "", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=" };
  guint status;

  for (guint i = 0; i < G_N_ELEMENTS(signatures); i++) {
    g_autofree gchar *answer = NULL;

    g_assert_cmpuint(call_rig_post(rig, "/api/twilio/incoming", body, signatures[i], &answer), ==,
                     403);
    assert_contains(answer, "signature");
    /* and it says nothing of the secret */
    g_assert_null(strstr(answer, "secret-of-twilio"));
  }
  {
    g_autoptr(JsonNode) calls = call_rig_get(rig, "/api/calls", &status);

    g_assert_cmpuint(json_array_get_length(json_node_get_array(calls)), ==, 0);
  }
  call_rig_free(rig);
}

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/calls/the demonstration is a conversation", test_demonstration);
  g_test_add_func("/calls/who is interrupted falls silent and knows what was heard", test_barge_in);
  g_test_add_func("/calls/a human is understood over the telephone", test_real_human);
  g_test_add_func("/calls/a server killed in a call has kept every finished turn",
                  test_killed_in_a_call);
  g_test_add_func("/calls/an unsigned webhook gets nothing", test_wrong_signature);
  return g_test_run();
}
