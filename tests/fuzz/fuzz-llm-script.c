/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "cord-error.h"
#include "llm-script.h"

/* A script that somebody wrote, and behind a NUL what a caller says to it. */

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

static void
check(const gchar *text)
{
  if (text && !g_utf8_validate(text, -1, NULL))
    abort();
}

static void
talk(LlmScript *script, const gchar *said)
{
  LlmScriptReply reply;

  for (guint i = 0; i < 3; i++) {
    llm_script_answer(script, said, &reply);
    if (reply.text == NULL || (reply.tool == NULL) != (reply.arguments == NULL))
      abort();
    check(reply.text);
    check(reply.arguments);
    llm_script_reply_clear(&reply);
  }
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
  g_autoptr(GError) error = NULL;
  g_autofree gchar *text = g_strndup(size > 0 ? (const gchar *)data : "", size);
  gsize length = strlen(text);
  g_autofree gchar *said = length < size ? g_utf8_make_valid((const gchar *)data + length + 1,
                                                             (gssize)(size - length - 1))
                                         : NULL;
  g_autoptr(LlmScript) script = llm_script_new(text, &error);
  g_autofree gchar *hints = NULL;

  if ((script == NULL) != (error != NULL) || (error && error->domain != CORD_ERROR))
    abort();
  if (script == NULL)
    return 0;
  hints = llm_script_get_hints(script);
  check(hints);
  talk(script, said ? said : "hello");
  return 0;
}
