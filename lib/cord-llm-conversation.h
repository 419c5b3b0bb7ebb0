/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * CordLlmRole:
 * @CORD_LLM_USER: the caller
 * @CORD_LLM_ASSISTANT: the agent
 * @CORD_LLM_TOOL: the result of a tool
 */
typedef enum {
  CORD_LLM_USER,
  CORD_LLM_ASSISTANT,
  CORD_LLM_TOOL,
} CordLlmRole;

/**
 * CordLlmToolCall:
 * @id: by which its result is matched
 * @name: the tool
 * @arguments: a JSON object as text
 * @opaque: (nullable): what the provider wants back with it, in the provider's words
 */
typedef struct {
  gchar *id;
  gchar *name;
  gchar *arguments;
  gchar *opaque;
} CordLlmToolCall;

/**
 * CordLlmMessage:
 * @role: whose it is
 * @turn: the turn it belongs to
 * @text: what was said, or the tool's result
 * @tool_calls: (nullable) (element-type CordLlmToolCall): what the assistant asked for
 * @tool_call_id: (nullable): which of them this answers
 * @opaque: (nullable): what the provider wants back with it, in the provider's words
 */
typedef struct {
  CordLlmRole role;
  guint turn;
  gchar *text;
  GPtrArray *tool_calls;
  gchar *tool_call_id;
  gchar *opaque;
} CordLlmMessage;

/**
 * CordLlmConversation:
 *
 * What was said, as it was heard: the history that a model is given. It lives on one worker.
 */
typedef struct _CordLlmConversation CordLlmConversation;

CordLlmConversation *cord_llm_conversation_new(void);
void cord_llm_conversation_free(CordLlmConversation *self);
void cord_llm_conversation_clear(CordLlmConversation *self);
void cord_llm_conversation_set_max_turns(CordLlmConversation *self, guint max_turns);

void cord_llm_conversation_add_user(CordLlmConversation *self, guint turn, const gchar *text);
void cord_llm_conversation_remove_turn(CordLlmConversation *self, guint turn);
void cord_llm_conversation_set_assistant(CordLlmConversation *self, guint turn, const gchar *text);
gchar *cord_llm_conversation_cut_assistant(CordLlmConversation *self, guint turn, gsize bytes);
void cord_llm_conversation_add_tool_calls(CordLlmConversation *self, guint turn, GPtrArray *calls,
                                          const gchar *opaque);
void cord_llm_conversation_add_tool_result(CordLlmConversation *self, guint turn, const gchar *id,
                                           const gchar *result);

guint cord_llm_conversation_get_length(CordLlmConversation *self);
const CordLlmMessage *cord_llm_conversation_get(CordLlmConversation *self, guint index);
const gchar *cord_llm_conversation_get_last_user(CordLlmConversation *self);

CordLlmToolCall *cord_llm_tool_call_new(const gchar *id, const gchar *name, const gchar *arguments);
void cord_llm_tool_call_free(CordLlmToolCall *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordLlmConversation, cord_llm_conversation_free)

G_END_DECLS
