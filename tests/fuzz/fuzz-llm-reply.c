/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "cord-error.h"
#include "cord-sse.h"
#include "llm-providers.h"

/* The first letter names the provider, the rest is its stream of events. Whatever a service says is
 * text, calls and an end, or an error of ours. */

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

typedef struct {
  CordLlmProvider *provider;
  gint64 input, output;
  GError *error;
} Reader;

static void
check(const gchar *text)
{
  if (text == NULL || !g_utf8_validate(text, -1, NULL))
    abort();
}

static void
take_text(const gchar *text, gpointer data)
{
  check(text);
  if (*text == '\0')
    abort();
}

static void
take_tool_call(guint index, const gchar *id, const gchar *name, const gchar *arguments,
               gpointer data)
{
  check(id ? id : "");
  check(name ? name : "");
  check(arguments);
  if (index > 1000)
    abort();
}

static void
take_finish(const gchar *reason, gpointer data)
{
  check(reason);
}

static void
take_usage(gint64 input, gint64 output, gpointer data)
{
  Reader *self = data;

  self->input += input;
  self->output += output;
  if (input < 0 || output < 0 || self->input > G_MAXINT32 || self->output > G_MAXINT32)
    abort();
}

static void
take_opaque(gint index, const gchar *text, gpointer data)
{
  check(text);
  if (index < -1 || index > 1000)
    abort();
}

static gboolean
on_event(const gchar *event, const gchar *text, gpointer data)
{
  static const CordLlmSink sink = { take_text, take_tool_call, take_finish, take_usage,
                                    take_opaque };
  Reader *self = data;
  gboolean good = CORD_LLM_PROVIDER_GET_CLASS(self->provider)
                      ->parse_event(self->provider, event, text, &sink, self, &self->error);

  if (good != (self->error == NULL) || (self->error && self->error->domain != CORD_ERROR))
    abort();
  return good;
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
  static const gchar *const nicks[] = { "openai", "anthropic", "gemini", "deepseek", "local" };
  Reader self = { NULL };
  CordSseParser parser;

  if (size == 0)
    return 0;
  for (guint i = 0; i < G_N_ELEMENTS(nicks); i++) {
    if (data[0] == nicks[i][0])
      self.provider = llm_provider_new(nicks[i], NULL, NULL);
  }
  if (self.provider == NULL)
    return 0;
  cord_sse_parser_init(&parser, 0);
  cord_sse_parser_feed(&parser, (const gchar *)data + 1, size - 1, on_event, &self, NULL);
  cord_sse_parser_clear(&parser);
  g_clear_error(&self.error);
  g_object_unref(self.provider);
  return 0;
}
