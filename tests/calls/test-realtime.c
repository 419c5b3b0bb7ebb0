/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/gst.h>
#include <string.h>

#include "call-rig.h"
#include "sim-rig.h"

/* Calls that one service hears, answers and speaks. */

#define STORY                                                                                      \
  "Once upon a time there was a very long telephone line between two small towns on a hill and "   \
  "nobody in either of them ever had anything to say to the other."
#define MS_A_CHARACTER 60 /* of the simulators' voice */
#define SLACK 1500        /* ms */

typedef struct {
  SimRig *sims;
  CallRig *rig;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
  g_auto(GStrv) environ = NULL;

  fixture->sims = sim_rig_new(NULL);
  environ = sim_rig_dup_environ(fixture->sims);
  fixture->rig = call_rig_new_with(NULL, NULL, environ);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
  call_rig_free(fixture->rig);
  sim_rig_free(fixture->sims);
}

static void
post(Fixture *fixture, const gchar *path, const gchar *json, gchar **id)
{
  g_autofree gchar *url = g_strconcat(fixture->rig->url, path, NULL);
  guint status;
  g_autoptr(JsonNode) made = call_rig_send(fixture->rig, "POST", url, json, &status);

  g_assert_cmpuint(status / 100, ==, 2);
  if (id)
    *id = g_strdup(json_object_get_string_member(json_node_get_object(made), "id"));
}

#define NUMBER "+15005550100"

static void
add_agent(Fixture *fixture, const gchar *greeting)
{
  g_autofree gchar *json = g_strdup_printf(
      "{\"name\":\"Desk\",\"llm_model\":\"gpt-realtime\",\"tools_enabled\":[\"end_call\"],"
      "\"metadata\":{\"cordboard\":{\"greeting\":\"%s\"}}}",
      greeting);
  g_autofree gchar *id = NULL;
  g_autofree gchar *registration = NULL;

  post(fixture, "/api/agents", json, &id);
  registration = g_strdup_printf("{\"number\":\"" NUMBER "\",\"agent_id\":\"%s\"}", id);
  post(fixture, "/api/phone-numbers", registration, NULL);
}

/* What the store has of a call, once it is over. */
static JsonArray *
dup_list(Fixture *fixture, JsonObject *result, const gchar *list)
{
  g_autofree gchar *path =
      g_strdup_printf("/api/calls/%s/%s", json_object_get_string_member(result, "call_sid"), list);
  guint status;
  g_autoptr(JsonNode) node = call_rig_get(fixture->rig, path, &status);

  g_assert_cmpuint(status, ==, 200);
  return json_array_ref(json_node_get_array(node));
}

static gboolean
is_over(CallRig *rig)
{
  guint status;
  g_autoptr(JsonNode) calls = call_rig_get(rig, "/api/calls", &status);
  JsonArray *array = json_node_get_array(calls);

  return json_array_get_length(array) > 0 &&
         !json_object_get_null_member(json_array_get_object_element(array, 0), "end_reason");
}

static void
assert_said(JsonArray *transcript, const gchar *role, const gchar *text)
{
  for (guint i = 0; i < json_array_get_length(transcript); i++) {
    JsonObject *entry = json_array_get_object_element(transcript, i);

    if (g_str_equal(json_object_get_string_member(entry, "role"), role) &&
        g_str_has_prefix(json_object_get_string_member(entry, "content"), text))
      return;
  }
  g_error("%s has not said \"%s\"", role, text);
}

/* The model says goodbye, calls the function, and the call ends when that was heard. */
static void
test_function(Fixture *fixture, gconstpointer data)
{
  static const gchar *const arguments[] = { "--to",  NUMBER,         "--say", "good morning",
                                            "--say", "that was all", NULL };
  g_autoptr(JsonObject) result = NULL;
  g_autoptr(JsonArray) transcript = NULL, functions = NULL;
  JsonObject *function, *last;
  int code;

  sim_rig_script(fixture->sims,
                 "{\"script\":{\"openai\":{\"utterances\":[\"good morning\",\"that was all\"],"
                 "\"replies\":[{\"match\":\"all\",\"text\":\"Goodbye then.\",\"tools\":[{\"name\":"
                 "\"end_call\",\"arguments\":{\"reason\":\"done\"}}]}]}}}");
  add_agent(fixture, "Hello.");
  result = call_rig_call(fixture->rig, arguments, &code);
  g_assert_cmpint(code, ==, 0);
  call_rig_wait_until(fixture->rig, is_over);
  transcript = dup_list(fixture, result, "transcript");
  assert_said(transcript, "assistant", "Hello.");
  assert_said(transcript, "user", "good morning");
  assert_said(transcript, "assistant", "You said: good morning.");
  assert_said(transcript, "user", "that was all");
  last = json_array_get_object_element(transcript, json_array_get_length(transcript) - 1);
  g_assert_cmpstr(json_object_get_string_member(last, "content"), ==, "Goodbye then.");
  functions = dup_list(fixture, result, "functions");
  g_assert_cmpuint(json_array_get_length(functions), ==, 1);
  function = json_array_get_object_element(functions, 0);
  g_assert_cmpstr(json_object_get_string_member(function, "function_name"), ==, "end_call");
  g_assert_cmpstr(json_object_get_string_member(function, "status"), ==, "completed");
  g_assert_cmpstr(json_object_get_string_member(result, "end_reason"), ==, "agent-hangup");
}

/* What a client sent as @type, the last time. */
static JsonObject *
dup_sent(Fixture *fixture, const gchar *type)
{
  g_autoptr(JsonNode) journal = sim_rig_dup_journal(fixture->sims);
  JsonArray *array = json_node_get_array(journal);

  for (guint i = json_array_get_length(array); i-- > 0;) {
    JsonObject *entry = json_array_get_object_element(array, i);
    const gchar *text = json_object_get_string_member_with_default(entry, "data", "");
    g_autoptr(JsonNode) node = NULL;

    if (!g_str_equal(json_object_get_string_member(entry, "direction"), "in") ||
        !strstr(text, type))
      continue;
    node = json_from_string(text, NULL);
    return json_object_ref(json_node_get_object(node));
  }
  g_error("nobody has sent %s", type);
}

/* The record and the model's memory agree on what the caller has heard. */
static void
test_interruption(Fixture *fixture, gconstpointer data)
{
  static const gchar *const arguments[] = { "--to",  NUMBER,         "--barge-in", "2000",
                                            "--say", "good morning", NULL };
  g_autoptr(JsonObject) result = NULL, cut = NULL;
  g_autoptr(JsonArray) transcript = NULL;
  const gchar *heard = NULL;
  gint64 ms;
  int code;

  sim_rig_script(fixture->sims, "{\"script\":{\"openai\":{\"utterances\":[\"thank you\"]}}}");
  add_agent(fixture, STORY);
  result = call_rig_call(fixture->rig, arguments, &code);
  g_assert_cmpint(code, ==, 0);
  call_rig_wait_until(fixture->rig, is_over);
  transcript = dup_list(fixture, result, "transcript");
  for (guint i = 0; i < json_array_get_length(transcript); i++) {
    JsonObject *entry = json_array_get_object_element(transcript, i);

    if (g_str_has_prefix(json_object_get_string_member(entry, "content"), "Once"))
      heard = json_object_get_string_member(entry, "content");
  }
  g_assert_nonnull(heard);
  assert_said(transcript, "user", "thank you");
  assert_said(transcript, "assistant", "You said: thank you.");
  cut = dup_sent(fixture, "conversation.item.truncate");
  ms = json_object_get_int_member(cut, "audio_end_ms");
  g_test_message("after %" G_GINT64_FORMAT " ms: %s", ms, heard);
  g_assert_cmpint(ms, >, 1000);
  g_assert_cmpint(ms, <, (gint64)strlen(STORY) * MS_A_CHARACTER);
  g_assert_true(g_str_has_prefix(STORY, heard));
  g_assert_cmpint((gint64)strlen(heard) * MS_A_CHARACTER, <=, ms);
  g_assert_cmpint((gint64)strlen(heard) * MS_A_CHARACTER, >, ms - SLACK);
}

/* The caller's words and the agent's answer outlive the connection. */
static void
test_loss(Fixture *fixture, gconstpointer data)
{
  static const gchar *const arguments[] = { "--to", NUMBER, "--say", "good morning", NULL };
  g_autoptr(JsonObject) result = NULL;
  g_autoptr(JsonArray) transcript = NULL;
  int code;

  /* the greeting's own messages are the first eighteen */
  sim_rig_script(fixture->sims,
                 "{\"script\":{\"openai\":{\"utterances\":[\"good morning\"]}},\"faults\":[{"
                 "\"provider\":\"openai\",\"connection\":0,\"message\":20,\"fault\":\"reset\"}]}");
  add_agent(fixture, "Hello.");
  result = call_rig_call(fixture->rig, arguments, &code);
  g_assert_cmpint(code, ==, 0);
  call_rig_wait_until(fixture->rig, is_over);
  transcript = dup_list(fixture, result, "transcript");
  assert_said(transcript, "assistant", "Hello.");
  assert_said(transcript, "user", "good morning");
  assert_said(transcript, "assistant", "You said: good morning.");
}

#define TEST(name, func) g_test_add("/realtime/" name, Fixture, NULL, set_up, func, tear_down)

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  TEST("a function ends the call when the goodbye was heard", test_function);
  TEST("who interrupts is remembered to have heard what he has heard", test_interruption);
  TEST("a connection that breaks is not the caller's concern", test_loss);
  return g_test_run();
}
