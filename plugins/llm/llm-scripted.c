/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-error.h"
#include "llm-providers.h"
#include "llm-script.h"

/* Answers from a script. It is no model: it knows what its rules say and nothing else. */

#define LLM_TYPE_SCRIPTED (llm_scripted_get_type())
G_DECLARE_FINAL_TYPE(LlmScripted, llm_scripted, LLM, SCRIPTED, CordLlmProvider)

struct _LlmScripted {
  CordLlmProvider parent_instance;
  LlmScript *script;
  guint calls;
};

G_DEFINE_FINAL_TYPE(LlmScripted, llm_scripted, CORD_TYPE_LLM_PROVIDER)

/* What it says when nobody has given it a script: enough to see that it works. */
static const gchar built_in[] =
    "{\"rules\":["
    "{\"patterns\":[\"(hello|hi|hey|good morning|good evening)\"],\"replies\":[\"Hello. What can I "
    "do for you?\"]},"
    "{\"patterns\":[\"tell me a joke\",\"joke\"],\"replies\":[\"Why did the telephone wear "
    "glasses? It had lost its contacts.\"]},"
    "{\"patterns\":[\"who are you\",\"what are you\"],\"replies\":[\"I am a script, not a model. I "
    "answer by rules.\"]},"
    "{\"patterns\":[\"(thanks|thank you|goodbye|bye)\"],\"replies\":[\"You are welcome. "
    "Goodbye.\"],\"tool\":{\"name\":\"end_call\"}}"
    "],\"fallback\":[\"I am only a script, and have no rule for that.\"]}";

static gboolean
llm_scripted_load(CordLlmProvider *provider, const gchar *text, GError **error)
{
  LlmScripted *self = LLM_SCRIPTED(provider);
  LlmScript *script = llm_script_new(text && *text ? text : built_in, error);

  if (script == NULL)
    return FALSE;
  g_clear_pointer(&self->script, llm_script_free);
  self->script = script;
  return TRUE;
}

/* A model streams tokens; so does this. */
static void
stream_words(const gchar *text, const CordLlmSink *sink, gpointer data)
{
  while (*text) {
    gsize length = strcspn(text + 1, " ") + 1;
    g_autofree gchar *token = g_strndup(text, length);

    sink->text(token, data);
    text += length;
  }
}

static gboolean
answers_a_tool(CordLlmConversation *conversation)
{
  guint length = cord_llm_conversation_get_length(conversation);

  return length > 0 && cord_llm_conversation_get(conversation, length - 1)->role == CORD_LLM_TOOL;
}

static gboolean
llm_scripted_generate(CordLlmProvider *provider, CordLlmConversation *conversation,
                      const CordLlmSink *sink, gpointer data, GError **error)
{
  LlmScripted *self = LLM_SCRIPTED(provider);
  const gchar *said = cord_llm_conversation_get_last_user(conversation);
  LlmScriptReply reply;

  if (answers_a_tool(conversation) || said == NULL) {
    /* a tool's result changes nothing in a script */
    sink->finish("stop", data);
    return TRUE;
  }
  if (self->script == NULL && !llm_scripted_load(provider, NULL, error))
    return FALSE;
  llm_script_answer(self->script, said, &reply);
  stream_words(reply.text, sink, data);
  if (reply.tool) {
    g_autofree gchar *id = g_strdup_printf("scripted-%u", ++self->calls);

    sink->tool_call(0, id, reply.tool, reply.arguments, data);
  }
  sink->finish(reply.tool ? "tool_calls" : "stop", data);
  llm_script_reply_clear(&reply);
  return TRUE;
}

static gchar *
llm_scripted_get_hints(CordLlmProvider *provider)
{
  LlmScripted *self = LLM_SCRIPTED(provider);

  return self->script ? llm_script_get_hints(self->script) : NULL;
}

static GstClockTime
llm_scripted_get_token_delay(CordLlmProvider *provider)
{
  LlmScripted *self = LLM_SCRIPTED(provider);

  return self->script ? llm_script_get_token_delay_ms(self->script) * GST_MSECOND : 0;
}

static void
llm_scripted_finalize(GObject *object)
{
  g_clear_pointer(&LLM_SCRIPTED(object)->script, llm_script_free);
  G_OBJECT_CLASS(llm_scripted_parent_class)->finalize(object);
}

static void
llm_scripted_class_init(LlmScriptedClass *klass)
{
  CordLlmProviderClass *provider_class = CORD_LLM_PROVIDER_CLASS(klass);

  G_OBJECT_CLASS(klass)->finalize = llm_scripted_finalize;
  provider_class->nick = "scripted";
  provider_class->generate = llm_scripted_generate;
  provider_class->load = llm_scripted_load;
  provider_class->get_hints = llm_scripted_get_hints;
  provider_class->get_token_delay = llm_scripted_get_token_delay;
}

static void
llm_scripted_init(LlmScripted *self)
{
}
