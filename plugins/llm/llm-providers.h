/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-llm-provider.h"

G_BEGIN_DECLS

GType llm_anthropic_get_type(void);
GType llm_deepseek_get_type(void);
GType llm_gemini_get_type(void);
GType llm_groq_get_type(void);
GType llm_local_get_type(void);
GType llm_openai_get_type(void);
GType llm_scripted_get_type(void);

const gchar *llm_provider_of_model(const gchar *model);
CordLlmProvider *llm_provider_new(const gchar *nick, const gchar *model, GError **error);

G_END_DECLS
