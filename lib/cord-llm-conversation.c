/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-llm-conversation.h"

#include <string.h>

struct _CordLlmConversation {
  GPtrArray *messages; /* CordLlmMessage */
  guint max_turns;     /* 0: all */
};

static void
free_message(gpointer data)
{
  CordLlmMessage *message = data;

  g_free(message->text);
  g_free(message->tool_call_id);
  g_free(message->opaque);
  g_clear_pointer(&message->tool_calls, g_ptr_array_unref);
  g_free(message);
}

/**
 * cord_llm_tool_call_new: (skip)
 * @id: by which its result is matched
 * @name: the tool
 * @arguments: a JSON object as text
 *
 * Returns: (transfer full): a call
 */
CordLlmToolCall *
cord_llm_tool_call_new(const gchar *id, const gchar *name, const gchar *arguments)
{
  CordLlmToolCall *self = g_new0(CordLlmToolCall, 1);

  self->id = g_strdup(id);
  self->name = g_strdup(name);
  self->arguments = g_strdup(arguments);
  return self;
}

/**
 * cord_llm_tool_call_free: (skip)
 * @self: (transfer full): a call
 */
void
cord_llm_tool_call_free(CordLlmToolCall *self)
{
  g_free(self->id);
  g_free(self->name);
  g_free(self->arguments);
  g_free(self->opaque);
  g_free(self);
}

/**
 * cord_llm_conversation_new: (skip)
 *
 * Returns: (transfer full): a conversation in which nothing was said
 */
CordLlmConversation *
cord_llm_conversation_new(void)
{
  CordLlmConversation *self = g_new0(CordLlmConversation, 1);

  self->messages = g_ptr_array_new_with_free_func(free_message);
  return self;
}

/**
 * cord_llm_conversation_free: (skip)
 * @self: (transfer full): a conversation
 */
void
cord_llm_conversation_free(CordLlmConversation *self)
{
  g_ptr_array_unref(self->messages);
  g_free(self);
}

/**
 * cord_llm_conversation_clear: (skip)
 * @self: a conversation
 */
void
cord_llm_conversation_clear(CordLlmConversation *self)
{
  g_ptr_array_set_size(self->messages, 0);
}

/**
 * cord_llm_conversation_set_max_turns: (skip)
 * @self: a conversation
 * @max_turns: how many turns are kept, 0 for all; the oldest go first, each as a whole
 */
void
cord_llm_conversation_set_max_turns(CordLlmConversation *self, guint max_turns)
{
  self->max_turns = max_turns;
}

static CordLlmMessage *
add(CordLlmConversation *self, CordLlmRole role, guint turn, const gchar *text)
{
  CordLlmMessage *message = g_new0(CordLlmMessage, 1);

  message->role = role;
  message->turn = turn;
  message->text = g_strdup(text);
  g_ptr_array_add(self->messages, message);
  return message;
}

static void
forget_oldest(CordLlmConversation *self)
{
  guint turns = 0, last = G_MAXUINT;

  if (self->max_turns == 0)
    return;
  for (guint i = self->messages->len; i > 0; i--) {
    CordLlmMessage *message = self->messages->pdata[i - 1];

    if (message->turn != last) {
      turns++;
      last = message->turn;
    }
    if (turns > self->max_turns) {
      g_ptr_array_remove_range(self->messages, 0, i);
      return;
    }
  }
}

/**
 * cord_llm_conversation_add_user: (skip)
 * @self: a conversation
 * @turn: the turn
 * @text: what the caller said
 */
void
cord_llm_conversation_add_user(CordLlmConversation *self, guint turn, const gchar *text)
{
  add(self, CORD_LLM_USER, turn, text);
  forget_oldest(self);
}

/**
 * cord_llm_conversation_remove_turn: (skip)
 * @self: a conversation
 * @turn: a turn that another one has taken up again
 */
void
cord_llm_conversation_remove_turn(CordLlmConversation *self, guint turn)
{
  for (guint i = self->messages->len; i > 0; i--) {
    if (((CordLlmMessage *)self->messages->pdata[i - 1])->turn == turn)
      g_ptr_array_remove_index(self->messages, i - 1);
  }
}

static gboolean
is_words(const CordLlmMessage *message, guint turn)
{
  return message->turn == turn && message->role == CORD_LLM_ASSISTANT &&
         message->tool_calls == NULL;
}

/**
 * cord_llm_conversation_set_assistant: (skip)
 * @self: a conversation
 * @turn: the turn
 * @text: all that the agent says in it, so far
 *
 * What was said before a tool was called stays before it, as long as @text begins with it.
 */
void
cord_llm_conversation_set_assistant(CordLlmConversation *self, guint turn, const gchar *text)
{
  CordLlmMessage *last = NULL;
  const gchar *rest = text;

  for (guint i = 0; i < self->messages->len; i++) {
    CordLlmMessage *message = self->messages->pdata[i];

    if (is_words(message, turn)) {
      last = message;
    } else if (message->turn == turn && last) {
      /* a tool stands behind it: it is complete */
      rest = g_str_has_prefix(rest, last->text) ? rest + strlen(last->text) : rest;
      rest += *rest == ' ';
      last = NULL;
    }
  }
  if (last == NULL) {
    if (*rest || rest == text)
      add(self, CORD_LLM_ASSISTANT, turn, rest);
    return;
  }
  g_free(last->text);
  last->text = g_strdup(rest);
}

/* At the end of a word. */
static void
cut_words(gchar *text, gsize bytes)
{
  if (bytes >= strlen(text))
    return;
  while (bytes > 0 && !g_ascii_isspace(text[bytes]))
    bytes--;
  text[bytes] = '\0';
  g_strchomp(text);
}

/**
 * cord_llm_conversation_cut_assistant: (skip)
 * @self: a conversation
 * @turn: the turn
 * @bytes: how much of its text was heard
 *
 * Cuts what the agent said in @turn to what was heard, at the end of a word. What was not heard at
 * all was not said.
 *
 * Returns: (transfer full): what is left
 */
gchar *
cord_llm_conversation_cut_assistant(CordLlmConversation *self, guint turn, gsize bytes)
{
  g_autoptr(GString) heard = g_string_new(NULL);

  for (guint i = 0; i < self->messages->len; i++) {
    CordLlmMessage *message = self->messages->pdata[i];
    gsize length;

    if (!is_words(message, turn))
      continue;
    length = strlen(message->text);
    cut_words(message->text, bytes);
    /* and the space between two of them */
    bytes -= MIN(bytes, length + 1);
    if (*message->text == '\0') {
      g_ptr_array_remove_index(self->messages, i--);
      continue;
    }
    g_string_append_printf(heard, "%s%s", heard->len > 0 ? " " : "", message->text);
  }
  return g_strdup(heard->str);
}

/**
 * cord_llm_conversation_add_tool_calls: (skip)
 * @self: a conversation
 * @turn: the turn
 * @calls: (element-type CordLlmToolCall): what the assistant asks for
 * @opaque: (nullable): what the provider wants back with it
 */
void
cord_llm_conversation_add_tool_calls(CordLlmConversation *self, guint turn, GPtrArray *calls,
                                     const gchar *opaque)
{
  CordLlmMessage *message = add(self, CORD_LLM_ASSISTANT, turn, "");

  message->tool_calls = g_ptr_array_ref(calls);
  message->opaque = g_strdup(opaque);
}

/**
 * cord_llm_conversation_add_tool_result: (skip)
 * @self: a conversation
 * @turn: the turn
 * @id: the call's id
 * @result: JSON
 */
void
cord_llm_conversation_add_tool_result(CordLlmConversation *self, guint turn, const gchar *id,
                                      const gchar *result)
{
  add(self, CORD_LLM_TOOL, turn, result)->tool_call_id = g_strdup(id);
}

/**
 * cord_llm_conversation_get_length: (skip)
 * @self: a conversation
 *
 * Returns: the number of messages
 */
guint
cord_llm_conversation_get_length(CordLlmConversation *self)
{
  return self->messages->len;
}

/**
 * cord_llm_conversation_get: (skip)
 * @self: a conversation
 * @index: of a message, oldest first
 *
 * Returns: (transfer none): the message
 */
const CordLlmMessage *
cord_llm_conversation_get(CordLlmConversation *self, guint index)
{
  return self->messages->pdata[index];
}

/**
 * cord_llm_conversation_get_last_user: (skip)
 * @self: a conversation
 *
 * Returns: (transfer none) (nullable): what the caller said last
 */
const gchar *
cord_llm_conversation_get_last_user(CordLlmConversation *self)
{
  for (guint i = self->messages->len; i > 0; i--) {
    CordLlmMessage *message = self->messages->pdata[i - 1];

    if (message->role == CORD_LLM_USER)
      return message->text;
  }
  return NULL;
}
