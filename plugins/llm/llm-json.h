/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-llm-provider.h"

G_BEGIN_DECLS

#define LLM_OWN_ID "call-" /* how ids begin that are ours and not the service's */

/**
 * LlmUsage:
 * @input: tokens that were read
 * @output: tokens that were written
 *
 * What was counted of one reply.
 */
typedef struct {
  gint64 input;
  gint64 output;
} LlmUsage;

/* What the providers share in writing their requests and reading the replies. */
void llm_json_add_string(JsonBuilder *builder, const gchar *name, const gchar *value);
JsonNode *llm_json_parse_arguments(const gchar *arguments);
JsonObject *llm_json_tool_function(JsonArray *tools, guint index);
JsonObject *llm_json_parse_event(const gchar *text, GError **error);
gboolean llm_json_check_key(CordLlmProvider *provider, const CordLlmSettings *settings,
                            gchar **base_url, GError **error);
void llm_usage_report(LlmUsage *self, gint64 input, gint64 output, const CordLlmSink *sink,
                      gpointer data);

G_END_DECLS
