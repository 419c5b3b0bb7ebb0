/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-llm-provider.h"

G_BEGIN_DECLS

/* What the providers share in writing their requests. */
void llm_json_add_string(JsonBuilder *builder, const gchar *name, const gchar *value);
JsonNode *llm_json_parse_arguments(const gchar *arguments);
JsonObject *llm_json_tool_function(JsonArray *tools, guint index);
gboolean llm_json_check_key(CordLlmProvider *provider, const CordLlmSettings *settings,
                            gchar **base_url, GError **error);

G_END_DECLS
