/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "call-rig.h"
#include "sim-rig.h"

/* Agents without a call over the services' stand-ins: each model answers, each voice is heard by
 * each ear, and what fails is said. */

#define HELLO "good morning"

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

static JsonObject *
ask(Fixture *fixture, const gchar *path, const gchar *json, guint *status)
{
  g_autofree gchar *url = g_strconcat(fixture->rig->url, path, NULL);
  g_autoptr(JsonNode) node = call_rig_send(fixture->rig, "POST", url, json, status);
  g_autofree gchar *text = json_to_string(node, FALSE);

  g_test_message("%s: %u %s", path, *status, text);
  return json_node_dup_object(node);
}

static gchar *
add_agent(Fixture *fixture, const gchar *model, const gchar *settings)
{
  g_autofree gchar *json =
      g_strdup_printf("{\"name\":\"Desk\",\"llm_model\":\"%s\",\"tools_enabled\":[\"end_call\"],"
                      "\"metadata\":{\"cordboard\":{\"hints\":[\"" HELLO "\"]%s%s}}}",
                      model, settings ? "," : "", settings ? settings : "");
  guint status;
  g_autoptr(JsonObject) agent = ask(fixture, "/api/agents", json, &status);

  g_assert_cmpuint(status, ==, 201);
  return g_strdup(json_object_get_string_member(agent, "id"));
}

/* What an agent with this model answers. */
static JsonObject *
converse(Fixture *fixture, const gchar *model, const gchar *settings, guint *status)
{
  g_autofree gchar *agent = add_agent(fixture, model, settings);
  g_autofree gchar *path = g_strconcat("/conversation/start?agent_id=", agent, NULL);
  g_autoptr(JsonObject) started = ask(fixture, path, NULL, status);
  g_autofree gchar *turn = NULL;

  g_assert_cmpuint(*status, ==, 200);
  turn = g_strdup_printf("{\"session_id\":\"%s\",\"text\":\"" HELLO "\"}",
                         json_object_get_string_member(started, "session_id"));
  return ask(fixture, "/conversation/process", turn, status);
}

static void
test_models(Fixture *fixture, gconstpointer data)
{
  static const gchar *const models[] = {
    "gpt-4o-mini",   "claude-haiku-4-5",        "gemini-2.5-flash",
    "deepseek-chat", "llama-3.3-70b-versatile", "local/llama3",
    "gpt-realtime",
  };

  for (guint i = 0; i < G_N_ELEMENTS(models); i++) {
    guint status;
    g_autoptr(JsonObject) answer = converse(fixture, models[i], NULL, &status);

    g_assert_cmpuint(status, ==, 200);
    g_assert_cmpuint(strlen(json_object_get_string_member(answer, "agent_response")), >, 3);
  }
}

/* The model is told what was said before. */
static void
test_history(Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *agent = add_agent(fixture, "gpt-4o-mini", "\"greeting\":\"Who is there?\"");
  g_autofree gchar *path = g_strconcat("/conversation/start?agent_id=", agent, NULL);
  guint status;
  g_autoptr(JsonObject) started = ask(fixture, path, NULL, &status);
  g_autofree gchar *turn = g_strdup_printf("{\"session_id\":\"%s\",\"text\":\"My name is Ada\"}",
                                           json_object_get_string_member(started, "session_id"));
  g_autoptr(JsonObject) first = ask(fixture, "/conversation/process", turn, &status);
  g_autoptr(JsonObject) second = ask(fixture, "/conversation/process", turn, &status);
  g_autoptr(JsonNode) journal = sim_rig_dup_journal(fixture->sims);
  g_autofree gchar *requests = json_to_string(journal, FALSE);
  const gchar *greeting = g_strrstr(requests, "Who is there?");

  g_assert_cmpuint(status, ==, 200);
  g_assert_nonnull(greeting);
  /* greeting, turn, answer, turn: in the last request */
  g_assert_nonnull(strstr(greeting, "My name is Ada"));
  g_assert_nonnull(strstr(strstr(greeting, "My name is Ada") + 1, "My name is Ada"));
}

/* One goodbye is enough; without one, the model is asked for it. */
static void
test_end(Fixture *fixture, gconstpointer data)
{
  static const gchar *const texts[] = { "Goodbye then.", "" };

  for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
    g_autofree gchar *script = g_strdup_printf(
        "{\"script\":{\"openai\":{\"replies\":[{\"match\":\"" HELLO "\",\"text\":\"%s\","
        "\"tools\":[{\"name\":\"end_call\",\"arguments\":{}}]}]}}}",
        texts[i]);
    g_autoptr(JsonObject) answer = NULL;
    guint status;

    sim_rig_script(fixture->sims, script);
    answer = converse(fixture, "gpt-4o-mini", NULL, &status);
    g_assert_cmpuint(status, ==, 200);
    g_assert_cmpstr(json_object_get_string_member(answer, "agent_response"), ==,
                    *texts[i] ? texts[i] : "The tool says {\"ok\":true}.");
    g_assert_true(json_object_get_boolean_member(answer, "ended"));
  }
}

/* Where tools are switched off a model is offered nothing but to end the call. */
static void
test_offered_tools(Fixture *fixture, gconstpointer data)
{
  static const gchar tool[] =
      "\"llm\":{\"properties\":{\"tools\":\"[{\\\"type\\\":\\\"function\\\",\\\"function\\\":{"
      "\\\"name\\\":\\\"check_availability\\\"}}]\"}}";
  static const gchar *const enabled[] = { "true", "false" };

  for (guint i = 0; i < G_N_ELEMENTS(enabled); i++) {
    g_autoptr(JsonObject) answer = NULL;
    g_autoptr(JsonNode) journal = NULL;
    g_autofree gchar *requests = NULL;
    guint status;

    call_rig_stop(fixture->rig);
    fixture->rig->environ =
        g_environ_setenv(fixture->rig->environ, "VOICE_AGENT_MCP_ENABLED", enabled[i], TRUE);
    call_rig_start(fixture->rig);
    sim_rig_script(fixture->sims, "{}");
    answer = converse(fixture, "gpt-4o-mini", tool, &status);
    g_assert_cmpuint(status, ==, 200);
    journal = sim_rig_dup_journal(fixture->sims);
    requests = json_to_string(journal, FALSE);
    g_assert_cmpint(strstr(requests, "check_availability") != NULL, ==, i == 0);
    g_assert_cmpint(strstr(requests, "end_call") != NULL, ==, i == 1);
  }
}

static GBytes *
read_out(Fixture *fixture, const gchar *agent, guint *status)
{
  g_autofree gchar *url = g_strconcat(fixture->rig->url, "/voice/text-to-speech", NULL);
  g_autofree gchar *json =
      g_strdup_printf("{\"text\":\"" HELLO ".\",\"format\":\"wav\",\"agent_id\":\"%s\"}", agent);
  g_autoptr(SoupMessage) message = soup_message_new("POST", url);
  g_autoptr(GBytes) body = g_bytes_new(json, strlen(json));
  g_autoptr(GError) error = NULL;
  GBytes *answer;

  soup_message_set_request_body_from_bytes(message, "application/json", body);
  answer = soup_session_send_and_read(fixture->rig->session, message, NULL, &error);
  g_assert_no_error(error);
  *status = soup_message_get_status(message);
  return answer;
}

static void
test_voices(Fixture *fixture, gconstpointer data)
{
  static const gchar *const voices[] = {
    "\"tts\":{\"provider\":\"elevenlabs\",\"voice\":\"21m00Tcm4TlvDq8ikWAM\"}",
    "\"tts\":{\"provider\":\"cartesia\",\"voice\":\"694f9389-aac1-45b6-b726-9d9369183238\"}",
    "\"tts\":{\"provider\":\"openai\",\"voice\":\"nova\"}",
  };

  for (guint i = 0; i < G_N_ELEMENTS(voices); i++) {
    g_autofree gchar *agent = add_agent(fixture, "scripted", voices[i]);
    guint status;
    g_autoptr(GBytes) audio = read_out(fixture, agent, &status);

    g_assert_cmpuint(status, ==, 200);
    g_assert_cmpuint(g_bytes_get_size(audio), >, 8000);
    g_assert_true(memcmp(g_bytes_get_data(audio, NULL), "RIFF", 4) == 0);
  }
}

/* A recording, heard by an agent. */
static JsonObject *
hear(Fixture *fixture, const gchar *agent, GBytes *audio, guint *status)
{
  g_autofree gchar *url = g_strconcat(fixture->rig->url, "/voice/speech-to-text", NULL);
  SoupMultipart *form = soup_multipart_new(SOUP_FORM_MIME_TYPE_MULTIPART);
  g_autoptr(SoupMessage) message = NULL;
  g_autoptr(GBytes) answer = NULL;
  g_autoptr(JsonNode) node = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree gchar *text = NULL;

  soup_multipart_append_form_string(form, "agent_id", agent);
  soup_multipart_append_form_file(form, "audio_file", "speech.wav", "audio/wav", audio);
  message = soup_message_new_from_multipart(url, form);
  soup_multipart_free(form);
  answer = soup_session_send_and_read(fixture->rig->session, message, NULL, &error);
  g_assert_no_error(error);
  *status = soup_message_get_status(message);
  text = g_strndup(g_bytes_get_data(answer, NULL), g_bytes_get_size(answer));
  g_test_message("%u %s", *status, text);
  node = json_from_string(text, &error);
  g_assert_no_error(error);
  return json_node_dup_object(node);
}

static GBytes *
record(Fixture *fixture)
{
  g_autofree gchar *agent =
      add_agent(fixture, "scripted", "\"tts\":{\"provider\":\"offline\",\"voice\":\"slt\"}");
  guint status;
  GBytes *audio = read_out(fixture, agent, &status);

  g_assert_cmpuint(status, ==, 200);
  return audio;
}

static void
test_ears(Fixture *fixture, gconstpointer data)
{
  static const gchar *const ears[] = {
    "\"stt\":{\"provider\":\"deepgram\",\"model\":\"nova-3\"}",
    "\"stt\":{\"provider\":\"deepgram\",\"model\":\"flux-general-en\"}",
    "\"stt\":{\"provider\":\"openai\",\"model\":\"whisper-1\"}",
    "\"stt\":{\"provider\":\"groq\"}",
  };
  g_autoptr(GBytes) audio = record(fixture);

  for (guint i = 0; i < G_N_ELEMENTS(ears); i++) {
    g_autofree gchar *agent = add_agent(fixture, "scripted", ears[i]);
    guint status;
    g_autoptr(JsonObject) answer = hear(fixture, agent, audio, &status);

    /* what they say they have heard is in their scripts */
    g_assert_cmpuint(status, ==, 200);
    g_assert_cmpuint(strlen(json_object_get_string_member(answer, "text")), >, 3);
  }
}

#define FAULTS                                                                                     \
  "{\"faults\":["                                                                                  \
  "{\"provider\":\"openai\",\"fault\":\"status\",\"status\":500,\"times\":1000},"                  \
  "{\"provider\":\"elevenlabs\",\"fault\":\"reset\",\"times\":1000},"                              \
  "{\"provider\":\"anthropic\",\"fault\":\"status\",\"status\":401,\"times\":1000}]}"

/* Nothing is answered for a service that fails, nothing is kept of a turn that came to nothing, and
 * no key is shown. */
static void
test_failures(Fixture *fixture, gconstpointer data)
{
  static const gchar *const models[] = { "gpt-4o-mini", "claude-haiku-4-5" };
  g_autofree gchar *mute =
      add_agent(fixture, "scripted", "\"tts\":{\"provider\":\"elevenlabs\",\"voice\":\"v\"}");
  g_autofree gchar *deaf =
      add_agent(fixture, "scripted", "\"stt\":{\"provider\":\"openai\",\"model\":\"whisper-1\"}");
  g_autoptr(GBytes) audio = record(fixture);
  g_autoptr(GBytes) problem = NULL;
  g_autoptr(JsonObject) unheard = NULL;
  guint status;

  sim_rig_script(fixture->sims, FAULTS);
  for (guint i = 0; i < G_N_ELEMENTS(models); i++) {
    g_autoptr(JsonObject) answer = converse(fixture, models[i], NULL, &status);
    const gchar *detail = json_object_get_string_member(answer, "detail");

    g_assert_cmpuint(status, ==, 502);
    g_assert_null(strstr(detail, "sk-"));
  }
  problem = read_out(fixture, mute, &status);
  g_assert_cmpuint(status, ==, 502);
  unheard = hear(fixture, deaf, audio, &status);
  g_assert_cmpuint(status, ==, 502);
}

/* A model that does not answer in time is replaced by the next, as in a call. */
static void
test_failover(Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *agent =
      add_agent(fixture, "gpt-4o-mini", "\"llm\":{\"fallback\":[\"claude-haiku-4-5\"]}");
  g_autofree gchar *path = g_strconcat("/conversation/start?agent_id=", agent, NULL);
  guint status;
  g_autoptr(JsonObject) started = ask(fixture, path, NULL, &status);
  g_autofree gchar *turn = g_strdup_printf("{\"session_id\":\"%s\",\"text\":\"" HELLO "\"}",
                                           json_object_get_string_member(started, "session_id"));
  g_autoptr(JsonObject) answer = NULL;

  sim_rig_script(fixture->sims, "{\"faults\":[{\"provider\":\"openai\",\"fault\":\"status\","
                                "\"status\":500,\"times\":1000}]}");
  answer = ask(fixture, "/conversation/process", turn, &status);
  g_assert_cmpuint(status, ==, 200);
}

#define ADD(name, func) g_test_add("/talk-services/" name, Fixture, NULL, set_up, func, tear_down)

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  ADD("every model answers in writing", test_models);
  ADD("a model is told what was said before", test_history);
  ADD("one goodbye is enough", test_end);
  ADD("a model is offered tools where they are on", test_offered_tools);
  ADD("every voice reads a text out", test_voices);
  ADD("every ear hears a recording", test_ears);
  ADD("what fails is said, without a key", test_failures);
  ADD("who fails is replaced", test_failover);
  return g_test_run();
}
