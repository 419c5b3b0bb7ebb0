/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-persona.h"

#include <string.h>

#include "cord-json.h"

/* The first is what a conversation has when nothing is said. */
static const CordPersona personas[] = {
  { "friendly_guide",
    "Friendly guide",
    "Explains things step by step and keeps the caller at ease.",
    "warm, patient, conversational",
    "Be warm and patient. Use simple words, explain one step at a time, and make sure that the "
    "caller is with you.",
    { "slt", "coral" } },
  { "calm_concierge",
    "Calm concierge",
    "Handles requests and complaints discreetly and without haste.",
    "calm, courteous, precise",
    "Be calm and courteous. Speak in short, precise sentences, stay composed when the caller is "
    "upset, and always say what happens next.",
    { "rms", "sage" } },
  { "energetic_host",
    "Energetic host",
    "Welcomes callers and keeps the conversation going.",
    "lively, upbeat, quick",
    "Be lively and upbeat. Keep the pace up, show enthusiasm, and come to the point quickly.",
    { "awb", "verse" } },
};

/**
 * cord_persona_get_all:
 * @n_personas: (out): how many
 *
 * Returns: (transfer none) (array length=n_personas): the table
 */
const CordPersona *
cord_persona_get_all(guint *n_personas)
{
  *n_personas = G_N_ELEMENTS(personas);
  return personas;
}

/**
 * cord_persona_find:
 * @name: (nullable): its name
 *
 * Returns: (transfer none) (nullable): the persona
 */
const CordPersona *
cord_persona_find(const gchar *name)
{
  for (guint i = 0; name && i < G_N_ELEMENTS(personas); i++)
    if (g_str_equal(personas[i].name, name))
      return &personas[i];
  return NULL;
}

/**
 * cord_persona_to_json:
 * @self: a persona
 *
 * Returns: (transfer full): it as the API shows it
 */
JsonObject *
cord_persona_to_json(const CordPersona *self)
{
  JsonObject *object = json_object_new();
  JsonObject *voices = json_object_new();

  for (const gchar *const *voice = self->voices; *voice; voice++)
    json_object_set_string_member(voices, cord_service_for_voice(*voice)->name, *voice);
  json_object_set_string_member(object, "name", self->name);
  json_object_set_string_member(object, "title", self->title);
  json_object_set_string_member(object, "description", self->description);
  json_object_set_string_member(object, "tone", self->tone);
  json_object_set_object_member(object, "voices", voices);
  return object;
}

/* Its voice at the service that speaks for the agent. */
static const gchar *
choose_voice(const CordPersona *self, const CordAgent *agent, CordConfig *config)
{
  g_autoptr(CordAgentPlan) plan = cord_agent_plan_new(agent, config);
  const CordService *service = cord_agent_plan_get(plan, CORD_SERVICE_TTS)->service;

  for (const gchar *const *voice = self->voices; *voice; voice++)
    if (cord_service_for_voice(*voice) == service)
      return *voice;
  return NULL;
}

static JsonObject *
ensure_object(JsonObject *parent, const gchar *name)
{
  JsonObject *object = cord_json_peek_object(parent, name);

  if (object == NULL) {
    object = json_object_new();
    json_object_set_object_member(parent, name, object);
  }
  return object;
}

static void
set_voice(JsonObject *agent, const gchar *voice)
{
  JsonObject *metadata = ensure_object(agent, "metadata");

  json_object_set_string_member(agent, "voice_id", voice);
  json_object_set_string_member(ensure_object(ensure_object(metadata, "cordboard"), "tts"), "voice",
                                voice);
}

static JsonObject *
copy_agent(CordAgent *agent)
{
  g_autoptr(JsonObject) object = cord_agent_to_json(agent);
  g_autofree gchar *text = cord_json_print_object(object);

  /* what it shows of the agent's own may not be written to */
  return cord_json_parse_object(text, -1, NULL);
}

/**
 * cord_persona_dress:
 * @self: (nullable): a persona
 * @agent: an agent
 * @voice: (nullable): the voice that is asked for, in place of the persona's
 * @config: which services there are
 *
 * Returns: (transfer full): the agent in the persona's manner and with its voice, where the service
 *   that speaks has it
 */
CordAgent *
cord_persona_dress(const CordPersona *self, CordAgent *agent, const gchar *voice,
                   CordConfig *config)
{
  const gchar *chosen = voice || self == NULL ? voice : choose_voice(self, agent, config);
  g_autoptr(JsonObject) object = NULL;
  CordAgent *dressed;

  if (self == NULL && chosen == NULL)
    return cord_agent_ref(agent);
  object = copy_agent(agent);
  if (object && self) {
    g_autofree gchar *prompt = g_strdup_printf(
        "%s\n\n%s", agent->system_prompt ? agent->system_prompt : "", self->instructions);

    json_object_set_string_member(object, "system_prompt", g_strstrip(prompt));
  }
  if (object && chosen)
    set_voice(object, chosen);
  dressed = object ? cord_agent_new_from_json(object, NULL) : NULL;
  return dressed ? dressed : cord_agent_ref(agent);
}
