/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "llm-providers.h"

#include "cord-error.h"

/* Who there is: one line a provider. */
static const struct {
  const gchar *nick;
  GType (*get_type)(void);
} providers[] = {
  { "scripted", llm_scripted_get_type },   { "openai", llm_openai_get_type },
  { "anthropic", llm_anthropic_get_type }, { "gemini", llm_gemini_get_type },
  { "groq", llm_groq_get_type },           { "deepseek", llm_deepseek_get_type },
  { "local", llm_local_get_type },
};

/* Whose a model is, by how its name begins; the first line that fits. */
static const struct {
  const gchar *prefix;
  const gchar *nick;
} models[] = {
  { "scripted", "scripted" },  { "gpt-oss", "groq" },        { "gpt-", "openai" },
  { "o1", "openai" },          { "o3", "openai" },           { "o4", "openai" },
  { "chatgpt-", "openai" },    { "claude-", "anthropic" },   { "gemini-", "gemini" },
  { "deepseek-", "deepseek" }, { "llama-", "groq" },         { "mixtral-", "groq" },
  { "gemma", "groq" },         { "qwen", "groq" },           { "meta-llama/", "groq" },
  { "moonshotai/", "groq" },   { "openai/gpt-oss", "groq" }, { "ollama/", "local" },
  { "local/", "local" },
};

/**
 * llm_provider_of_model:
 * @model: (nullable): a model
 *
 * Returns: (nullable): whose it is, by its name
 */
const gchar *
llm_provider_of_model(const gchar *model)
{
  for (guint i = 0; model && i < G_N_ELEMENTS(models); i++) {
    if (g_str_has_prefix(model, models[i].prefix))
      return models[i].nick;
  }
  return NULL;
}

/**
 * llm_provider_new:
 * @nick: (nullable): a provider, or %NULL to go by the model
 * @model: (nullable): a model
 * @error: return location for an error
 *
 * Returns: (transfer full): the provider, or %NULL
 */
CordLlmProvider *
llm_provider_new(const gchar *nick, const gchar *model, GError **error)
{
  const gchar *wanted = nick && *nick ? nick : llm_provider_of_model(model);

  for (guint i = 0; wanted && i < G_N_ELEMENTS(providers); i++) {
    if (g_str_equal(wanted, providers[i].nick))
      return g_object_new(providers[i].get_type(), NULL);
  }
  g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_FOUND,
              wanted
                  ? "there is no provider \"%s\"; set provider to one of those in the documentation"
                  : "nobody is known to have the model \"%s\"; set provider to one of those in the "
                    "documentation",
              wanted  ? wanted
              : model ? model
                      : "");
  return NULL;
}
