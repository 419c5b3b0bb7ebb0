/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-service.h"

#include <string.h>

/* Who there is: the only place in app/ that knows a service by name. In the order in which they are
 * preferred where an agent does not care. */
static const CordService services[] = {
  { .name = "deepgram",
    .title = "Deepgram",
    .key = "DEEPGRAM_API_KEY",
    .base_url = "https://api.deepgram.com",
    .elements = { [CORD_SERVICE_STT] = "deepgramstt" },
    .models = { [CORD_SERVICE_STT] = "deepgram.model" },
    .catalogue = "/v1/models" },
  { .name = "elevenlabs",
    .title = "ElevenLabs",
    .key = "ELEVENLABS_API_KEY",
    .base_url = "https://api.elevenlabs.io",
    .elements = { [CORD_SERVICE_TTS] = "elevenlabstts" },
    .models = { [CORD_SERVICE_TTS] = "elevenlabs.model" },
    .voice = "elevenlabs.voice-id",
    .catalogue = "/v1/models",
    .voices = "/v1/voices" },
  { .name = "cartesia",
    .title = "Cartesia",
    .key = "CARTESIA_API_KEY",
    .base_url = "https://api.cartesia.ai",
    .elements = { [CORD_SERVICE_TTS] = "cartesiatts" },
    .models = { [CORD_SERVICE_TTS] = "cartesia.model" },
    .voice = "cartesia.voice-id",
    .voices = "/voices" },
  { .name = "openai",
    .title = "OpenAI",
    .key = "OPENAI_API_KEY",
    .base_url = "https://api.openai.com/v1",
    .elements = { "openaistt", "llmtextgen", "openaitts" },
    .models = { "openai.transcription-model", "openai.model", "openai.speech-model" },
    .voice = "openai.voice-id",
    .catalogue = "/models" },
  { .name = "anthropic",
    .title = "Anthropic",
    .key = "ANTHROPIC_API_KEY",
    .base_url = "https://api.anthropic.com/v1",
    .elements = { [CORD_SERVICE_LLM] = "llmtextgen" },
    .models = { [CORD_SERVICE_LLM] = "anthropic.model" },
    .catalogue = "/models?limit=1000" },
  { .name = "gemini",
    .title = "Google Gemini",
    .key = "GOOGLE_API_KEY",
    .base_url = "https://generativelanguage.googleapis.com/v1beta",
    .elements = { [CORD_SERVICE_LLM] = "llmtextgen" },
    .models = { [CORD_SERVICE_LLM] = "gemini.model" },
    .catalogue = "/models?pageSize=1000" },
  { .name = "groq",
    .title = "Groq",
    .key = "GROQ_API_KEY",
    .base_url = "https://api.groq.com/openai/v1",
    .elements = { "openaistt", "llmtextgen", NULL },
    .models = { "groq.transcription-model", "groq.model", NULL },
    .catalogue = "/models" },
  { .name = "deepseek",
    .title = "DeepSeek",
    .key = "DEEPSEEK_API_KEY",
    .base_url = "https://api.deepseek.com",
    .elements = { [CORD_SERVICE_LLM] = "llmtextgen" },
    .models = { [CORD_SERVICE_LLM] = "deepseek.model" },
    .catalogue = "/models" },
  { .name = "local",
    .title = "A server with OpenAI's chat completions",
    .elements = { [CORD_SERVICE_LLM] = "llmtextgen" },
    .catalogue = "/models" },
  { .name = "offline",
    .title = "On this machine",
    .elements = { "pocketsphinxstt", "llmtextgen", "flitetts" } },
};

/* Whose a model is, by how its name begins; the first line that fits. */
static const struct {
  const gchar *prefix;
  const gchar *service;
} models[] = {
  { "scripted", "offline" },   { "local/", "local" },   { "ollama/", "local" },
  { "gpt-oss", "groq" },       { "gpt-", "openai" },    { "chatgpt-", "openai" },
  { "o1", "openai" },          { "o3", "openai" },      { "o4", "openai" },
  { "claude-", "anthropic" },  { "gemini-", "gemini" }, { "deepseek-r1-distill", "groq" },
  { "deepseek-", "deepseek" }, { "llama-", "groq" },    { "mixtral-", "groq" },
  { "llama3", "groq" },        { "gemma", "groq" },     { "qwen", "groq" },
  { "meta-llama/", "groq" },   { "openai/", "groq" },   { "moonshotai/", "groq" },
};

/* Voices that have names; those of others are known by their shape. */
static const struct {
  const gchar *voice;
  const gchar *service;
} voices[] = {
  { "slt", "offline" },    { "kal", "offline" },  { "kal16", "offline" }, { "awb", "offline" },
  { "rms", "offline" },    { "alloy", "openai" }, { "ash", "openai" },    { "ballad", "openai" },
  { "cedar", "openai" },   { "coral", "openai" }, { "echo", "openai" },   { "fable", "openai" },
  { "marin", "openai" },   { "nova", "openai" },  { "onyx", "openai" },   { "sage", "openai" },
  { "shimmer", "openai" }, { "verse", "openai" },
};

/**
 * cord_service_get_all:
 * @n_services: (out): how many
 *
 * Returns: (transfer none) (array length=n_services): the table
 */
const CordService *
cord_service_get_all(guint *n_services)
{
  *n_services = G_N_ELEMENTS(services);
  return services;
}

/**
 * cord_service_find:
 * @name: a service's name
 *
 * Returns: (nullable): the service
 */
const CordService *
cord_service_find(const gchar *name)
{
  for (guint i = 0; i < G_N_ELEMENTS(services); i++) {
    if (g_str_equal(services[i].name, name))
      return &services[i];
  }
  return NULL;
}

/**
 * cord_service_for_element:
 * @element: an element's factory
 * @role: what it does
 *
 * Returns: (nullable): the first service that it belongs to
 */
const CordService *
cord_service_for_element(const gchar *element, CordServiceRole role)
{
  for (guint i = 0; i < G_N_ELEMENTS(services); i++) {
    if (g_strcmp0(services[i].elements[role], element) == 0)
      return &services[i];
  }
  return NULL;
}

/**
 * cord_service_for_model:
 * @model: a language model's name
 *
 * Returns: (nullable): whose it is
 */
const CordService *
cord_service_for_model(const gchar *model)
{
  for (guint i = 0; i < G_N_ELEMENTS(models); i++) {
    if (g_str_has_prefix(model, models[i].prefix))
      return cord_service_find(models[i].service);
  }
  return NULL;
}

static gboolean
is_alphanumeric(const gchar *text, gsize length)
{
  if (strlen(text) != length)
    return FALSE;
  for (const gchar *p = text; *p; p++) {
    if (!g_ascii_isalnum(*p))
      return FALSE;
  }
  return TRUE;
}

/**
 * cord_service_for_voice:
 * @voice: a voice's id
 *
 * Returns: (nullable): whose it is
 */
const CordService *
cord_service_for_voice(const gchar *voice)
{
  for (guint i = 0; i < G_N_ELEMENTS(voices); i++) {
    if (g_str_equal(voices[i].voice, voice))
      return cord_service_find(voices[i].service);
  }
  if (g_uuid_string_is_valid(voice))
    return cord_service_find("cartesia");
  return is_alphanumeric(voice, 20) ? cord_service_find("elevenlabs") : NULL;
}

static const gchar *
get_setting(const CordService *self, const gchar *key, CordConfig *config)
{
  g_autofree gchar *name = g_strdup_printf("%s.%s", self->name, key);

  return cord_config_has(config, name) ? cord_config_get_string(config, name) : NULL;
}

/**
 * cord_service_get_key:
 * @self: a service
 * @config: the settings
 *
 * Returns: (nullable): its key
 */
const gchar *
cord_service_get_key(const CordService *self, CordConfig *config)
{
  return get_setting(self, "api-key", config);
}

/**
 * cord_service_get_base_url:
 * @self: a service
 * @config: the settings
 *
 * Returns: (nullable): where it is to be reached, if that was configured
 */
const gchar *
cord_service_get_base_url(const CordService *self, CordConfig *config)
{
  return get_setting(self, "base-url", config);
}

/**
 * cord_service_is_usable:
 * @self: a service
 * @config: the settings
 *
 * Returns: whether its key is there, or it needs none and it is known where it is
 */
gboolean
cord_service_is_usable(const CordService *self, CordConfig *config)
{
  if (self->key)
    return cord_service_get_key(self, config) != NULL;
  return self->catalogue == NULL || cord_service_get_base_url(self, config) != NULL;
}

/**
 * cord_service_get_model:
 * @self: a service
 * @role: for what
 * @config: the settings
 *
 * Returns: (nullable): the model that is configured
 */
const gchar *
cord_service_get_model(const CordService *self, CordServiceRole role, CordConfig *config)
{
  return self->models[role] ? cord_config_get_string(config, self->models[role]) : NULL;
}

/**
 * cord_service_get_voice:
 * @self: a service
 * @config: the settings
 *
 * Returns: (nullable): the voice that is configured
 */
const gchar *
cord_service_get_voice(const CordService *self, CordConfig *config)
{
  return self->voice ? cord_config_get_string(config, self->voice) : NULL;
}
