/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* A script: rules by which an agent answers without a model. Pure; schemas/json/script.schema.json
 * describes the file. */

typedef struct _LlmScript LlmScript;

/**
 * LlmScriptReply:
 * @text: what to say, slots filled in
 * @tool: (nullable): a tool to call after it
 * @arguments: (nullable): its arguments, JSON
 */
typedef struct {
  gchar *text;
  gchar *tool;
  gchar *arguments;
} LlmScriptReply;

LlmScript *llm_script_new(const gchar *json, GError **error);
void llm_script_free(LlmScript *self);
void llm_script_restart(LlmScript *self);
gboolean llm_script_answer(LlmScript *self, const gchar *said, LlmScriptReply *reply);
gchar *llm_script_get_hints(LlmScript *self);
guint llm_script_get_token_delay_ms(LlmScript *self);
const gchar *llm_script_get_slot(LlmScript *self, const gchar *name);
void llm_script_reply_clear(LlmScriptReply *reply);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LlmScript, llm_script_free)

G_END_DECLS
