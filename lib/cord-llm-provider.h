/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#include "cord-llm-conversation.h"

G_BEGIN_DECLS

#define CORD_TYPE_LLM_PROVIDER (cord_llm_provider_get_type())
G_DECLARE_DERIVABLE_TYPE(CordLlmProvider, cord_llm_provider, CORD, LLM_PROVIDER, GObject)

/**
 * CordLlmSettings:
 * @model: (nullable): the model in the provider's words
 * @url: (nullable): where the service is, in place of the provider's own
 * @api_key: (nullable): the key
 * @system_prompt: (nullable): what the model is told
 * @tools: (nullable): the tools it may call, an array as OpenAI writes it
 * @temperature: 0 to 2, or negative for the model's own
 * @max_tokens: the longest answer, or 0
 * @json: the answer is to be a JSON object; a provider without a mode for that leaves it to the
 *   prompt
 *
 * What a request is made with.
 */
typedef struct {
  const gchar *model;
  const gchar *url;
  const gchar *api_key;
  const gchar *system_prompt;
  JsonArray *tools;
  gdouble temperature;
  guint max_tokens;
  gboolean json;
} CordLlmSettings;

/**
 * CordLlmRequest:
 * @url: where to POST
 * @headers: names and values by turns
 * @body: JSON
 */
typedef struct {
  gchar *url;
  GStrv headers;
  gchar *body;
} CordLlmRequest;

/**
 * CordLlmSink:
 * @text: more of the answer
 * @tool_call: a fragment of the call @index: @id and @name in the first (else %NULL), a piece of
 * the arguments in each
 * @finish: the answer is complete, for this reason
 * @usage: tokens of the question and of the answer
 * @opaque: more of what the provider wants back with the call @index, or with the whole message
 *   when that is -1
 *
 * What an event of the reply means.
 */
typedef struct {
  void (*text)(const gchar *text, gpointer data);
  void (*tool_call)(guint index, const gchar *id, const gchar *name, const gchar *arguments,
                    gpointer data);
  void (*finish)(const gchar *reason, gpointer data);
  void (*usage)(gint64 input, gint64 output, gpointer data);
  void (*opaque)(gint index, const gchar *text, gpointer data);
} CordLlmSink;

/**
 * CordLlmProviderClass:
 * @nick: its name in the table of providers
 * @default_url: (nullable): where its service is
 * @key_variable: (nullable): the environment variable of its key
 * @create_request: (nullable): writes the HTTP request for the next answer
 * @parse_event: (nullable): reads one server-sent event of the reply
 * @generate: (nullable): in place of both: gives the answer at once
 * @load: (nullable): takes what the provider is configured with (a script)
 * @get_hints: (nullable): phrases that the caller is likely to say, for speech-to-text
 * @get_token_delay: (nullable): how long @generate's answers take per token, ns
 *
 * Who thinks. The functions are pure but for the state of a local provider, run on the worker, and
 * do not wait.
 */
struct _CordLlmProviderClass {
  GObjectClass parent_class;

  const gchar *nick;
  const gchar *default_url;
  const gchar *key_variable;

  gboolean (*create_request)(CordLlmProvider *self, CordLlmConversation *conversation,
                             const CordLlmSettings *settings, CordLlmRequest *request,
                             GError **error);
  gboolean (*parse_event)(CordLlmProvider *self, const gchar *event, const gchar *data,
                          const CordLlmSink *sink, gpointer sink_data, GError **error);
  gboolean (*generate)(CordLlmProvider *self, CordLlmConversation *conversation,
                       const CordLlmSink *sink, gpointer sink_data, GError **error);
  gboolean (*load)(CordLlmProvider *self, const gchar *text, GError **error);
  gchar *(*get_hints)(CordLlmProvider *self);
  GstClockTime (*get_token_delay)(CordLlmProvider *self);

  gpointer padding[8];
};

void cord_llm_request_clear(CordLlmRequest *request);

G_END_DECLS
