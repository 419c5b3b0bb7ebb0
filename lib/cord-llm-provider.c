/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-llm-provider.h"

/**
 * CordLlmProvider:
 *
 * The base of those who write the agent's answers: how to ask a service and how to read its reply,
 * or how to answer without one. The element that uses it does the talking: HTTP, retries, time,
 * flush.
 */
G_DEFINE_ABSTRACT_TYPE(CordLlmProvider, cord_llm_provider, G_TYPE_OBJECT)

static void
cord_llm_provider_class_init(CordLlmProviderClass *klass)
{
}

static void
cord_llm_provider_init(CordLlmProvider *self)
{
}

/**
 * cord_llm_request_clear: (skip)
 * @request: a request
 *
 * Frees what is in it.
 */
void
cord_llm_request_clear(CordLlmRequest *request)
{
  g_clear_pointer(&request->url, g_free);
  g_clear_pointer(&request->headers, g_strfreev);
  g_clear_pointer(&request->body, g_free);
}
