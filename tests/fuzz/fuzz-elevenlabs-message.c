/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "cord-error.h"
#include "elevenlabs-message.h"

/* Whatever the service says is a message with checked audio and times, or an error; and a refusal
 * is a text or nothing. */

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(ElevenlabsMessage) message =
      elevenlabs_message_parse((const gchar *)data, size, &error);
  g_autofree gchar *body = g_strndup(size > 0 ? (const gchar *)data : "", size);
  g_autofree gchar *problem = elevenlabs_read_problem(body);

  if ((message == NULL) != (error != NULL) || (error && error->domain != CORD_ERROR))
    abort();
  if (problem && !g_utf8_validate(problem, -1, NULL))
    abort();
  if (message == NULL)
    return 0;
  if (message->size > 0 && message->audio == NULL)
    abort();
  if ((message->text == NULL) != (message->ends == NULL))
    abort();
  for (gsize i = 0; message->text && i < strlen(message->text); i++) {
    if (message->ends[i] > 3600 * GST_SECOND)
      abort();
  }
  return 0;
}
