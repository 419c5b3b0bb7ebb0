/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-llm-provider.h"

G_BEGIN_DECLS

GType llm_openai_get_type(void);
GType llm_scripted_get_type(void);

CordLlmProvider *llm_provider_new(const gchar *nick, const gchar *model, GError **error);

G_END_DECLS
