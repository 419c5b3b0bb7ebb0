/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/gst.h>
#include <string.h>

#include "call-rig.h"
#include "sim-rig.h"

/* Whole calls over the simulators: one for each combination of the README's table. */

#define AT_ONCE 16 /* calls */

/* A row of the table: what an agent says to get it, and what must be there. */
typedef struct {
  const gchar *name;
  const gchar *setting; /* of the agent: JSON, or a model's name */
  const gchar *element;
  const gchar *method; /* a request that its simulator knows; NULL: it needs none */
  const gchar *path;
} Row;

static const Row ears[] = {
  { "pocketsphinx", "{\"provider\":\"offline\"}", "pocketsphinxstt", NULL, NULL },
  { "nova", "{\"provider\":\"deepgram\",\"model\":\"nova-3\"}", "deepgramstt", "GET",
    "/deepgram/v1/listen" },
  { "flux", "{\"provider\":\"deepgram\",\"model\":\"flux-general-en\"}", "deepgramstt", "GET",
    "/deepgram/v2/listen" },
  { "openai", "{\"provider\":\"openai\",\"model\":\"whisper-1\"}", "openaistt", "POST",
    "/openai/v1/audio/transcriptions" },
  { "groq", "{\"provider\":\"groq\"}", "openaistt", "POST",
    "/groq/openai/v1/audio/transcriptions" },
};

static const Row minds[] = {
  { "script", "scripted", "llmtextgen", NULL, NULL },
  { "openai", "gpt-4o-mini", "llmtextgen", "POST", "/openai/v1/chat/completions" },
  { "anthropic", "claude-haiku-4-5", "llmtextgen", "POST", "/anthropic/v1/messages" },
  { "gemini", "gemini-2.5-flash", "llmtextgen", "POST",
    "/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent" },
  { "deepseek", "deepseek-chat", "llmtextgen", "POST", "/deepseek/chat/completions" },
  { "groq", "llama-3.3-70b-versatile", "llmtextgen", "POST", "/groq/openai/v1/chat/completions" },
  { "local", "local/llama3", "llmtextgen", "POST", "/openai/v1/chat/completions" },
};

static const Row voices[] = {
  { "flite", "{\"provider\":\"offline\",\"voice\":\"slt\"}", "flitetts", NULL, NULL },
  { "elevenlabs", "{\"provider\":\"elevenlabs\",\"voice\":\"21m00Tcm4TlvDq8ikWAM\"}",
    "elevenlabstts", "POST", "/elevenlabs/v1/text-to-speech/21m00Tcm4TlvDq8ikWAM/stream" },
  { "cartesia", "{\"provider\":\"cartesia\",\"voice\":\"694f9389-aac1-45b6-b726-9d9369183238\"}",
    "cartesiatts", "GET", "/cartesia/tts/websocket" },
  { "openai", "{\"provider\":\"openai\",\"voice\":\"nova\"}", "openaitts", "POST",
    "/openai/v1/audio/speech" },
};

static const Row speech_to_speech = { "realtime", "gpt-realtime", "openairealtime", "GET",
                                      "/openai/v1/realtime" };

typedef struct {
  SimRig *sims;
  CallRig *rig;
  GPtrArray *waiting; /* Job */
  guint running;
  guint done;
} Calls;

typedef struct {
  Calls *calls;
  gchar *name;
  gchar *number;
  GSubprocess *phone;
} Job;

static void
free_job(Job *job)
{
  g_clear_object(&job->phone);
  g_free(job->name);
  g_free(job->number);
  g_free(job);
}

static gboolean
is_there(Calls *calls, const Row *row)
{
  g_autoptr(GstElementFactory) factory = gst_element_factory_find(row->element);
  gboolean there =
      factory && (row->path == NULL || sim_rig_knows(calls->sims, row->method, row->path));

  if (!there)
    g_test_message("%s is not there yet: %s", row->name, row->element);
  return there;
}

static Calls *
calls_new(void)
{
  Calls *calls = g_new0(Calls, 1);
  g_auto(GStrv) environ = NULL;

  calls->sims = sim_rig_new(NULL);
  environ = sim_rig_dup_environ(calls->sims);
  calls->rig = call_rig_new_with(NULL, NULL, environ);
  calls->waiting = g_ptr_array_new();
  return calls;
}

static void
calls_free(Calls *calls)
{
  call_rig_free(calls->rig);
  sim_rig_free(calls->sims);
  g_ptr_array_unref(calls->waiting);
  g_free(calls);
}

/* An agent with a number of its own. */
static void
add_agent(Calls *calls, const gchar *name, const gchar *model, const gchar *settings)
{
  static guint count;
  Job *job = g_new0(Job, 1);
  g_autofree gchar *json = g_strdup_printf(
      "{\"name\":\"%s\",\"llm_model\":\"%s\",\"metadata\":{\"cordboard\":{\"greeting\":\"Hello.\","
      "\"hints\":[\"good morning\"],%s}}}",
      name, model, settings);
  g_autofree gchar *agents = g_strconcat(calls->rig->url, "/api/agents", NULL);
  g_autofree gchar *numbers = g_strconcat(calls->rig->url, "/api/phone-numbers", NULL);
  g_autofree gchar *registration = NULL;
  guint status;
  g_autoptr(JsonNode) agent = call_rig_send(calls->rig, "POST", agents, json, &status);
  g_autoptr(JsonNode) number = NULL;

  g_assert_cmpuint(status / 100, ==, 2);
  job->calls = calls;
  job->name = g_strdup(name);
  job->number = g_strdup_printf("+1500555%04u", ++count);
  registration = g_strdup_printf("{\"number\":\"%s\",\"agent_id\":\"%s\"}", job->number,
                                 json_object_get_string_member(json_node_get_object(agent), "id"));
  number = call_rig_send(calls->rig, "POST", numbers, registration, &status);
  g_assert_cmpuint(status / 100, ==, 2);
  g_ptr_array_add(calls->waiting, job);
}

static void
check(Job *job, JsonObject *result)
{
  g_autofree gchar *caller = call_rig_said(result, "user");
  g_autofree gchar *agent = call_rig_said(result, "assistant");

  if (!json_object_get_boolean_member(result, "ok") || *caller == '\0' ||
      strchr(agent, '\n') == strrchr(agent, '\n')) {
    g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
    g_autofree gchar *text = NULL;

    json_node_set_object(node, result);
    text = json_to_string(node, FALSE);
    g_error("%s: %s", job->name, text);
  }
}

static void place_next(Calls *calls);

static void
on_call_over(GObject *source, GAsyncResult *result, gpointer data)
{
  Job *job = data;
  Calls *calls = job->calls;
  g_autofree gchar *text = NULL;
  g_autoptr(GError) error = NULL;
  g_autoptr(JsonNode) node = NULL;

  g_subprocess_communicate_utf8_finish(G_SUBPROCESS(source), result, &text, NULL, &error);
  g_assert_no_error(error);
  node = json_from_string(text, &error);
  g_assert_no_error(error);
  check(job, json_node_get_object(node));
  calls->running--;
  calls->done++;
  free_job(job);
  place_next(calls);
}

static void
place_next(Calls *calls)
{
  while (calls->running < AT_ONCE && calls->waiting->len > 0) {
    Job *job = g_ptr_array_steal_index(calls->waiting, 0);
    const gchar *arguments[] = { "--to", job->number, "--say", "good morning", NULL };

    job->phone = call_rig_dial(calls->rig, arguments);
    calls->running++;
    g_subprocess_communicate_utf8_async(job->phone, NULL, NULL, on_call_over, job);
  }
}

static void
place_all(Calls *calls)
{
  guint count = calls->waiting->len;

  place_next(calls);
  while (calls->done < count)
    g_main_context_iteration(NULL, TRUE);
  g_test_message("%u calls", count);
}

static void
assert_there(Calls *calls, const Row *rows, guint n)
{
  for (guint i = 0; i < n; i++)
    g_assert_true(is_there(calls, &rows[i]));
}

static void
test_combinations(void)
{
  Calls *calls = calls_new();

  assert_there(calls, ears, G_N_ELEMENTS(ears));
  assert_there(calls, minds, G_N_ELEMENTS(minds));
  assert_there(calls, voices, G_N_ELEMENTS(voices));

  for (guint i = 0; i < G_N_ELEMENTS(ears); i++) {
    for (guint j = 0; j < G_N_ELEMENTS(minds); j++) {
      for (guint k = 0; k < G_N_ELEMENTS(voices); k++) {
        g_autofree gchar *name =
            g_strdup_printf("%s, %s, %s", ears[i].name, minds[j].name, voices[k].name);
        g_autofree gchar *settings =
            g_strdup_printf("\"stt\":%s,\"tts\":%s", ears[i].setting, voices[k].setting);

        add_agent(calls, name, minds[j].setting, settings);
      }
    }
  }
  place_all(calls);
  calls_free(calls);
}

static void
test_realtime(void)
{
  Calls *calls = calls_new();

  assert_there(calls, &speech_to_speech, 1);
  add_agent(calls, speech_to_speech.name, speech_to_speech.setting, "\"pipeline\":\"realtime\"");
  place_all(calls);
  calls_free(calls);
}

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/providers/every ear, mind and voice of the table talk with each other",
                  test_combinations);
  g_test_add_func("/providers/speech to speech", test_realtime);
  return g_test_run();
}
