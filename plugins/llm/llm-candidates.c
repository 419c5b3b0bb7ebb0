/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "llm-candidates.h"

#include "llm-providers.h"

static gchar *
get_url(const gchar *nick)
{
  g_autofree gchar *name = g_strconcat(nick, "_BASE_URL", NULL);
  g_autofree gchar *variable = g_ascii_strup(name, -1);

  return g_strdup(g_getenv(variable));
}

/* Takes the provider. */
static void
add(LlmCandidates *self, CordLlmProvider *provider, const CordLlmSettings *settings)
{
  LlmCandidate *candidate = &self->list[self->n++];

  candidate->provider = provider;
  candidate->settings = *settings;
  candidate->settings.model = g_strdup(settings->model);
  candidate->settings.url = g_strdup(settings->url);
  candidate->settings.api_key = g_strdup(settings->api_key);
  candidate->settings.system_prompt = g_strdup(settings->system_prompt);
}

/**
 * llm_candidates_set_first:
 * @self: the models
 * @provider: (transfer none): who has the preferred one
 * @settings: for it; copied, but for the tools
 */
void
llm_candidates_set_first(LlmCandidates *self, CordLlmProvider *provider,
                         const CordLlmSettings *settings)
{
  llm_candidates_clear(self);
  add(self, g_object_ref(provider), settings);
}

/**
 * llm_candidates_add:
 * @self: the models
 * @models: (nullable): more models, separated by commas, in the order in which they are asked
 * @error: return location for an error
 *
 * Each is asked with what the first one is asked with, but with the key of its own provider's
 * environment variable, and at the address of PROVIDER_BASE_URL if that is set.
 *
 * Returns: whether all are somebody's
 */
gboolean
llm_candidates_add(LlmCandidates *self, const gchar *models, GError **error)
{
  g_auto(GStrv) names = g_strsplit(models ? models : "", ",", -1);

  for (gchar **name = names; *name && self->n < LLM_MAX_CANDIDATES; name++) {
    CordLlmSettings settings = self->list[0].settings;
    g_autofree gchar *url = NULL;
    CordLlmProvider *provider;
    CordLlmProviderClass *klass;

    if (*g_strstrip(*name) == '\0')
      continue;
    provider = llm_provider_new(NULL, *name, error);
    if (provider == NULL)
      return FALSE;
    klass = CORD_LLM_PROVIDER_GET_CLASS(provider);
    url = get_url(klass->nick);
    settings.model = *name;
    settings.url = url;
    settings.api_key = klass->key_variable ? g_getenv(klass->key_variable) : NULL;
    add(self, provider, &settings);
  }
  return TRUE;
}

/**
 * llm_candidates_clear:
 * @self: the models
 */
void
llm_candidates_clear(LlmCandidates *self)
{
  for (guint i = 0; i < self->n; i++) {
    CordLlmSettings *settings = &self->list[i].settings;

    g_object_unref(self->list[i].provider);
    g_free((gchar *)settings->model);
    g_free((gchar *)settings->url);
    g_free((gchar *)settings->api_key);
    g_free((gchar *)settings->system_prompt);
  }
  self->n = 0;
}
