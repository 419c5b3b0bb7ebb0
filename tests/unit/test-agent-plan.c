/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-agent-plan.h"

/* name=value settings, "|" between them; an agent's model, voice and metadata; what comes of it:
 * pipeline, then element[:model][@voice] for each role, "," between those in turn. */
static const struct {
  const gchar *title;
  const gchar *settings;
  const gchar *model;
  const gchar *voice;
  const gchar *metadata;
  const gchar *plan;
} cases[] = {
  { "no key: this machine", "", "gpt-4", "21m00Tcm4TlvDq8ikWAM", "{}",
    "cascade pocketsphinxstt llmtextgen flitetts" },
  { "keys: the cloud", "deepgram.api-key=k|elevenlabs.api-key=k|openai.api-key=k", "gpt-4",
    "21m00Tcm4TlvDq8ikWAM", "{}",
    "cascade deepgramstt llmtextgen:gpt-4 elevenlabstts@21m00Tcm4TlvDq8ikWAM" },
  { "one key does what it can", "openai.api-key=k", "gpt-4o-mini", "nova", "{}",
    "cascade openaistt llmtextgen:gpt-4o-mini openaitts@nova" },
  { "a voice goes to its owner", "elevenlabs.api-key=k|cartesia.api-key=k", "scripted",
    "694f9389-aac1-45b6-b726-9d9369183238", "{}",
    "cascade pocketsphinxstt llmtextgen:scripted "
    "cartesiatts@694f9389-aac1-45b6-b726-9d9369183238" },
  { "a voice whose owner has no key is replaced by the configured one",
    "cartesia.api-key=k|cartesia.voice-id=694f9389-aac1-45b6-b726-9d9369183238", "scripted",
    "21m00Tcm4TlvDq8ikWAM", "{}",
    "cascade pocketsphinxstt llmtextgen:scripted "
    "cartesiatts@694f9389-aac1-45b6-b726-9d9369183238" },
  { "models by their names", "anthropic.api-key=k", "claude-3-5-haiku-latest", NULL, "{}",
    "cascade pocketsphinxstt llmtextgen:claude-3-5-haiku-latest flitetts" },
  { "a model whose owner has no key is replaced by another's",
    "groq.api-key=k|groq.model=llama-3.1-8b-instant", "gpt-4", NULL, "{}",
    "cascade openaistt:whisper-large-v3 llmtextgen:llama-3.1-8b-instant flitetts" },
  { "Flux", "deepgram.api-key=k|deepgram.flux=true", "scripted", NULL, "{}",
    "cascade deepgramstt:flux-general-en llmtextgen:scripted flitetts" },
  { "the configuration chooses",
    "deepgram.api-key=k|openai.api-key=k|speech.stt=openai|speech.tts=offline", "gpt-4", NULL, "{}",
    "cascade openaistt llmtextgen:gpt-4 flitetts" },
  { "the agent chooses over it", "deepgram.api-key=k|openai.api-key=k|speech.stt=openai", "gpt-4",
    NULL,
    "{\"cordboard\":{\"stt\":{\"provider\":\"deepgram\"},\"tts\":{\"element\":\"flitetts\"}}}",
    "cascade deepgramstt llmtextgen:gpt-4 flitetts" },
  { "the agent's own models", "deepgram.api-key=k|openai.api-key=k|deepgram.model=nova-2", "gpt-4",
    NULL, "{\"cordboard\":{\"stt\":{\"model\":\"nova-3\"},\"llm\":{\"model\":\"gpt-4o\"}}}",
    "cascade deepgramstt:nova-3 llmtextgen:gpt-4o openaitts" },
  { "an element of the user's own", "deepgram.api-key=k", "scripted", "v",
    "{\"cordboard\":{\"tts\":{\"element\":\"mytts\"}}}",
    "cascade deepgramstt llmtextgen:scripted mytts@v" },
  { "a local model", "local.base-url=http://127.0.0.1:11434/v1", "ollama/llama3", NULL, "{}",
    "cascade pocketsphinxstt llmtextgen:ollama/llama3 flitetts" },
  { "fail-over from the configuration, without those that have no key",
    "deepgram.api-key=k|openai.api-key=k|elevenlabs.api-key=k|"
    "speech.stt-fallback=openai, offline|speech.tts-fallback=cartesia,offline",
    "gpt-4", NULL, "{}",
    "cascade deepgramstt,openaistt,pocketsphinxstt llmtextgen:gpt-4 elevenlabstts,flitetts" },
  { "fail-over from the agent", "openai.api-key=k|anthropic.api-key=k|llm.fallback-models=gpt-4o",
    "gpt-4", NULL,
    "{\"cordboard\":{\"llm\":{\"fallback\":[\"claude-3-5-haiku-latest\",\"gpt-4\"]}}}",
    "cascade openaistt llmtextgen:gpt-4,llmtextgen:claude-3-5-haiku-latest openaitts" },
  { "speech to speech", "openai.api-key=k|openai.realtime-voice=marin", "gpt-realtime", NULL, "{}",
    "realtime openairealtime:gpt-realtime@marin" },
};

static CordAgent *
make_agent(guint i)
{
  CordAgent *agent = cord_agent_new();

  agent->llm_model = g_strdup(cases[i].model);
  agent->voice_id = g_strdup(cases[i].voice);
  agent->metadata = json_from_string(cases[i].metadata, NULL);
  return agent;
}

static CordConfig *
make_config(guint i)
{
  CordConfig *config = cord_config_new();
  g_auto(GStrv) settings = g_strsplit(cases[i].settings, "|", -1);

  for (guint j = 0; settings[j]; j++) {
    g_auto(GStrv) pair = g_strsplit(settings[j], "=", 2);
    g_autoptr(GError) error = NULL;

    if (*settings[j])
      cord_config_set(config, pair[0], pair[1], "test", &error);
    g_assert_no_error(error);
  }
  return config;
}

static void
append_choices(GString *text, GPtrArray *choices)
{
  for (guint i = 0; i < choices->len; i++) {
    const CordPlanChoice *choice = choices->pdata[i];

    g_string_append(text, i > 0 ? "," : " ");
    g_string_append(text, choice->element);
    if (choice->model)
      g_string_append_printf(text, ":%s", choice->model);
    if (choice->voice)
      g_string_append_printf(text, "@%s", choice->voice);
  }
}

static void
test_plan(gconstpointer data)
{
  guint i = GPOINTER_TO_UINT(data);
  g_autoptr(CordAgent) agent = make_agent(i);
  g_autoptr(CordConfig) config = make_config(i);
  g_autoptr(CordAgentPlan) plan = cord_agent_plan_new(agent, config);
  g_autoptr(GString) text = g_string_new(plan->pipeline);

  for (guint role = 0; role < CORD_SERVICE_ROLES; role++) {
    if (!plan->realtime || role == CORD_SERVICE_LLM)
      append_choices(text, plan->choices[role]);
  }
  g_assert_cmpstr(text->str, ==, cases[i].plan);
}

/* openaistt is OpenAI's own, and Groq's when it is told where that is. */
static void
test_shared_element(void)
{
  g_autoptr(CordConfig) config = cord_config_new();
  g_autoptr(CordAgent) agent = cord_agent_new();
  g_autoptr(CordAgentPlan) plan = NULL, configured = NULL;

  g_assert_true(cord_config_set(config, "groq.api-key", "k", "test", NULL));
  plan = cord_agent_plan_new(agent, config);
  g_assert_cmpstr(cord_agent_plan_get(plan, CORD_SERVICE_STT)->base_url, ==,
                  "https://api.groq.com/openai/v1");
  g_assert_true(cord_config_set(config, "groq.base-url", "http://127.0.0.1/v1", "test", NULL));
  configured = cord_agent_plan_new(agent, config);
  g_assert_cmpstr(cord_agent_plan_get(configured, CORD_SERVICE_STT)->base_url, ==,
                  "http://127.0.0.1/v1");
  g_assert_cmpstr(cord_agent_plan_get(configured, CORD_SERVICE_LLM)->base_url, ==,
                  "http://127.0.0.1/v1");
}

static void
test_table(void)
{
  g_autoptr(CordConfig) config = cord_config_new();
  guint n;
  const CordService *services = cord_service_get_all(&n);

  for (guint i = 0; i < n; i++) {
    g_autofree gchar *key = g_strconcat(services[i].name, ".api-key", NULL);

    g_assert_true(cord_service_find(services[i].name) == &services[i]);
    if (services[i].key)
      g_assert_true(cord_config_has(config, key));
    for (guint role = 0; role < CORD_SERVICE_ROLES; role++) {
      if (services[i].models[role])
        g_assert_true(cord_config_has(config, services[i].models[role]));
    }
    if (services[i].voice)
      g_assert_true(cord_config_has(config, services[i].voice));
  }
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree gchar *path = g_strconcat("/agent-plan/", cases[i].title, NULL);

    g_test_add_data_func(path, GUINT_TO_POINTER(i), test_plan);
  }
  g_test_add_func("/agent-plan/an element of two services is told whose it is",
                  test_shared_element);
  g_test_add_func("/agent-plan/the table of services fits the settings", test_table);
  return g_test_run();
}
