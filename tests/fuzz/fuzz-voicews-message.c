/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "voicews-message.h"

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

/* A message is read whole or not at all, and what is read is bounded by what was sent. */
int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(VoicewsMessage) message = voicews_message_new((const gchar *)data, size, &error);
  g_autofree gchar *mark = NULL;

  if (!message) {
    if (!error)
      abort();
    return 0;
  }
  if (message->length > size || (message->length > 0 && !message->audio))
    abort();
  if (message->name && (strlen(message->name) > 64 || !g_utf8_validate(message->name, -1, NULL)))
    abort();
  mark = voicews_format_mark(message->name ? message->name : "");
  return 0;
}
