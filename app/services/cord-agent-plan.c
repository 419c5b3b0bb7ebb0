/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-agent-plan.h"

#include <string.h>

#define REALTIME_ELEMENT "openairealtime"
#define FLUX_MODEL "flux-general-en"

/* Where the agent and the configuration say who does what. */
static const struct {
  const gchar *element;  /* of the agent: a factory */
  const gchar *provider; /* of the agent: a service */
  const gchar *model;    /* of the agent, in place of the service's */
  const gchar *fallback; /* of the agent: services or models */
  const gchar *chosen;   /* of the configuration */
  const gchar *fallbacks;
} sources[CORD_SERVICE_ROLES] = {
  [CORD_SERVICE_STT] = { "stt/element", "stt/provider", "stt/model", "stt/fallback", "speech.stt",
                         "speech.stt-fallback" },
  [CORD_SERVICE_LLM] = { NULL, "llm/provider", "llm/model", "llm/fallback", NULL,
                         "llm.fallback-models" },
  [CORD_SERVICE_TTS] = { "tts/element", "tts/provider", "tts/model", "tts/fallback", "speech.tts",
                         "speech.tts-fallback" },
};

static void
free_choice(gpointer data)
{
  CordPlanChoice *choice = data;

  g_free(choice->element);
  g_free(choice->model);
  g_free(choice->voice);
  g_free(choice->base_url);
  g_free(choice);
}

/* The first service that can be used in a role; at the end of the table stands this machine. */
static const CordService *
first_usable(CordServiceRole role, CordConfig *config)
{
  guint n;
  const CordService *services = cord_service_get_all(&n);

  for (guint i = 0; i < n; i++) {
    if (services[i].elements[role] && cord_service_is_usable(&services[i], config))
      return &services[i];
  }
  return cord_service_find("offline");
}

/* A service by its name, by its element, or as llmtextgen calls it. */
static const CordService *
find_named(const gchar *name, CordServiceRole role)
{
  const CordService *service;

  if (name == NULL)
    return NULL;
  if (role == CORD_SERVICE_LLM && g_str_equal(name, "scripted"))
    return cord_service_find("offline");
  service = cord_service_find(name);
  if (service == NULL)
    service = cord_service_for_element(name, role);
  return service && service->elements[role] ? service : NULL;
}

static const gchar *
choose_model(const CordService *service, CordServiceRole role, CordConfig *config)
{
  const gchar *model = cord_service_get_model(service, role, config);

  if (model == NULL && g_str_equal(service->name, "deepgram") &&
      cord_config_get_boolean(config, "deepgram.flux"))
    return FLUX_MODEL;
  return model;
}

/* The agent's voice, if it is this service's; else the one that is configured for it. */
static const gchar *
choose_voice(const CordService *service, const CordAgent *agent, CordConfig *config)
{
  const gchar *voice = cord_agent_get_string(agent, "tts/voice", agent->voice_id);
  const CordService *owner = voice && *voice ? cord_service_for_voice(voice) : NULL;

  if (owner == service || (owner == NULL && voice && *voice))
    return voice;
  return cord_service_get_voice(service, config);
}

/* An element that several services share knows where the first of them is. */
static const gchar *
choose_base_url(const CordService *service, CordServiceRole role, CordConfig *config)
{
  const gchar *configured = cord_service_get_base_url(service, config);
  gboolean shared = role != CORD_SERVICE_LLM &&
                    cord_service_for_element(service->elements[role], role) != service;

  return configured || !shared ? configured : service->base_url;
}

static CordPlanChoice *
choose(const CordService *service, CordServiceRole role, const CordAgent *agent, CordConfig *config)
{
  CordPlanChoice *choice = g_new0(CordPlanChoice, 1);

  choice->service = service;
  choice->element = g_strdup(service->elements[role]);
  choice->model = g_strdup(choose_model(service, role, config));
  choice->base_url = g_strdup(choose_base_url(service, role, config));
  if (role == CORD_SERVICE_TTS)
    choice->voice = g_strdup(choose_voice(service, agent, config));
  return choice;
}

static void
add(CordAgentPlan *self, CordServiceRole role, CordPlanChoice *choice)
{
  g_ptr_array_add(self->choices[role], choice);
}

/* An element of the user's own gets what the agent says, and nothing of any service. */
static CordPlanChoice *
choose_element(const gchar *element, CordServiceRole role, const CordAgent *agent,
               CordConfig *config)
{
  const CordService *service = cord_service_for_element(element, role);
  CordPlanChoice *choice;

  if (service)
    return choose(service, role, agent, config);
  choice = g_new0(CordPlanChoice, 1);
  choice->element = g_strdup(element);
  choice->voice = g_strdup(cord_agent_get_string(agent, "tts/voice", agent->voice_id));
  return choice;
}

/* A model that the agent names is that of its first choice. */
static CordPlanChoice *
with_model(CordPlanChoice *choice, const gchar *model)
{
  if (model && *model) {
    g_free(choice->model);
    choice->model = g_strdup(model);
  }
  return choice;
}

/* Who hears or speaks: what the agent names, what is configured, whose the voice is, who has a
 * key. */
static CordPlanChoice *
choose_speech(CordServiceRole role, const CordAgent *agent, CordConfig *config)
{
  const gchar *element = cord_agent_get_string(agent, sources[role].element, NULL);
  const gchar *provider = cord_agent_get_string(agent, sources[role].provider, NULL);
  const gchar *model = cord_agent_get_string(agent, sources[role].model, NULL);
  const gchar *voice = cord_agent_get_string(agent, "tts/voice", agent->voice_id);
  const CordService *service = find_named(provider, role);

  if (element)
    return with_model(choose_element(element, role, agent, config), model);
  if (service == NULL)
    service = find_named(cord_config_get_string(config, sources[role].chosen), role);
  if (service == NULL && role == CORD_SERVICE_TTS && voice && *voice) {
    service = cord_service_for_voice(voice);
    if (service && !cord_service_is_usable(service, config))
      service = NULL;
  }
  return with_model(choose(service ? service : first_usable(role, config), role, agent, config),
                    model);
}

static CordPlanChoice *
choose_for_model(const gchar *model, const CordService *service, const CordAgent *agent,
                 CordConfig *config)
{
  return with_model(choose(service, CORD_SERVICE_LLM, agent, config), model);
}

/* Who thinks: the owner of the agent's model. Where that one has no key but another has, that one's
 * model; where none has, the script. */
static CordPlanChoice *
choose_llm(const CordAgent *agent, CordConfig *config)
{
  const gchar *model =
      cord_agent_get_string(agent, sources[CORD_SERVICE_LLM].model, agent->llm_model);
  const CordService *named =
      find_named(cord_agent_get_string(agent, "llm/provider", NULL), CORD_SERVICE_LLM);
  const CordService *service = named             ? named
                               : model && *model ? cord_service_for_model(model)
                                                 : NULL;
  CordPlanChoice *choice;

  if (named && cord_agent_get_string(agent, "llm/base-url", NULL)) {
    choice = choose_for_model(model, named, agent, config);
    g_free(choice->base_url);
    choice->base_url = g_strdup(cord_agent_get_string(agent, "llm/base-url", NULL));
    return choice;
  }
  if (service && cord_service_is_usable(service, config))
    return choose_for_model(model, service, agent, config);
  return choose(first_usable(CORD_SERVICE_LLM, config), CORD_SERVICE_LLM, agent, config);
}

/* Names with commas, from the agent or from the configuration. */
static GStrv
list_fallbacks(CordServiceRole role, const CordAgent *agent, CordConfig *config)
{
  const gchar *configured = cord_config_get_string(config, sources[role].fallbacks);

  if (cord_agent_get_setting(agent, sources[role].fallback))
    return cord_agent_dup_strv(agent, sources[role].fallback);
  return g_strsplit(configured ? configured : "", ",", -1);
}

static CordPlanChoice *
choose_fallback(const gchar *name, CordServiceRole role, const CordAgent *agent, CordConfig *config)
{
  const CordService *service =
      role == CORD_SERVICE_LLM ? cord_service_for_model(name) : find_named(name, role);

  if (service == NULL || !cord_service_is_usable(service, config))
    return NULL;
  return role == CORD_SERVICE_LLM ? choose_for_model(name, service, agent, config)
                                  : choose(service, role, agent, config);
}

static void
add_fallbacks(CordAgentPlan *self, CordServiceRole role, const CordAgent *agent, CordConfig *config)
{
  const CordPlanChoice *first = cord_agent_plan_get(self, role);
  g_auto(GStrv) names = list_fallbacks(role, agent, config);

  for (guint i = 0; names[i]; i++) {
    CordPlanChoice *choice = choose_fallback(g_strstrip(names[i]), role, agent, config);

    if (choice == NULL)
      continue;
    if (g_strcmp0(choice->element, first->element) == 0 && choice->service == first->service &&
        g_strcmp0(choice->model, first->model) == 0)
      free_choice(choice);
    else
      add(self, role, choice);
  }
}

static CordPlanChoice *
choose_realtime(const CordAgent *agent, CordConfig *config)
{
  const CordService *openai = cord_service_find("openai");
  const CordService *owner = agent->voice_id ? cord_service_for_voice(agent->voice_id) : NULL;
  gboolean named = agent->llm_model && strstr(agent->llm_model, "realtime");
  CordPlanChoice *choice = g_new0(CordPlanChoice, 1);

  choice->service = openai;
  choice->element = g_strdup(REALTIME_ELEMENT);
  choice->model =
      g_strdup(named ? agent->llm_model : cord_config_get_string(config, "openai.realtime-model"));
  choice->voice = g_strdup(
      owner == openai ? agent->voice_id : cord_config_get_string(config, "openai.realtime-voice"));
  choice->base_url = g_strdup(cord_service_get_base_url(openai, config));
  return choice;
}

/**
 * cord_agent_plan_new:
 * @agent: an agent
 * @config: the settings
 *
 * Returns: (transfer full): what its calls are plugged into
 */
CordAgentPlan *
cord_agent_plan_new(const CordAgent *agent, CordConfig *config)
{
  CordAgentPlan *self = g_new0(CordAgentPlan, 1);
  const gchar *pipeline = cord_agent_get_string(agent, "pipeline", NULL);

  self->realtime = pipeline ? g_str_equal(pipeline, "realtime")
                            : agent->llm_model && strstr(agent->llm_model, "realtime");
  self->pipeline = g_strdup(pipeline ? pipeline : self->realtime ? "realtime" : "cascade");
  for (guint role = 0; role < CORD_SERVICE_ROLES; role++)
    self->choices[role] = g_ptr_array_new_with_free_func(free_choice);
  add(self, CORD_SERVICE_STT, choose_speech(CORD_SERVICE_STT, agent, config));
  add(self, CORD_SERVICE_LLM,
      self->realtime ? choose_realtime(agent, config) : choose_llm(agent, config));
  add(self, CORD_SERVICE_TTS, choose_speech(CORD_SERVICE_TTS, agent, config));
  for (guint role = 0; role < CORD_SERVICE_ROLES && !self->realtime; role++)
    add_fallbacks(self, role, agent, config);
  return self;
}

/**
 * cord_agent_plan_free:
 * @self: (transfer full): a plan
 */
void
cord_agent_plan_free(CordAgentPlan *self)
{
  for (guint role = 0; role < CORD_SERVICE_ROLES; role++)
    g_ptr_array_unref(self->choices[role]);
  g_free(self->pipeline);
  g_free(self);
}

/**
 * cord_agent_plan_get:
 * @self: a plan
 * @role: a role
 *
 * Returns: (transfer none): who does it first
 */
const CordPlanChoice *
cord_agent_plan_get(const CordAgentPlan *self, CordServiceRole role)
{
  return g_ptr_array_index(self->choices[role], 0);
}
