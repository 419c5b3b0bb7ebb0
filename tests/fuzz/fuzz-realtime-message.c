/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "cord-error.h"
#include "openai-realtime-message.h"

/* Whatever the service says is a message whose calls can be answered and whose errors say
 * something, or an error. */

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

static void
check_text(const gchar *text)
{
  if (text && !g_utf8_validate(text, -1, NULL))
    abort();
}

static void
check_calls(const RealtimeMessage *message)
{
  for (guint i = 0; message->calls && i < message->calls->len; i++) {
    const RealtimeCall *call = message->calls->pdata[i];

    if (!call->id || !call->name || !call->arguments || !*call->arguments)
      abort();
    check_text(call->arguments);
  }
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(RealtimeMessage) message = realtime_message_parse((const gchar *)data, size, &error);

  if ((message == NULL) != (error != NULL) || (error && error->domain != CORD_ERROR))
    abort();
  if (message == NULL)
    return 0;
  if (message->kind == REALTIME_ERROR && (!message->problem || !message->description))
    abort();
  if ((message->kind == REALTIME_TEXT || message->kind == REALTIME_USER_TRANSCRIPT) &&
      !message->text)
    abort();
  if ((message->audio == NULL) != (message->size == 0))
    abort();
  check_text(message->text);
  check_text(message->description);
  check_calls(message);
  return 0;
}
