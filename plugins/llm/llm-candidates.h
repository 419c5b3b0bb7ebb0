/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "llm-session.h"

G_BEGIN_DECLS

/* The models that may be asked, with copies of all that is needed to ask them. */
typedef struct {
  LlmCandidate list[LLM_MAX_CANDIDATES];
  guint n;
} LlmCandidates;

void llm_candidates_set_first(LlmCandidates *self, CordLlmProvider *provider,
                              const CordLlmSettings *settings);
gboolean llm_candidates_add(LlmCandidates *self, const gchar *models, GError **error);
void llm_candidates_clear(LlmCandidates *self);

G_END_DECLS
