/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "cord-voice-message.h"

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

/* A message is a recording or a text, never both, and no larger than what was sent. */
int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CordVoiceMessage) message = cord_voice_message_new((const gchar *)data, size, &error);

  if (!message) {
    if (!error)
      abort();
    return 0;
  }
  if ((message->audio != NULL) == (message->text != NULL))
    abort();
  if (message->audio && g_bytes_get_size(message->audio) > size)
    abort();
  return 0;
}
