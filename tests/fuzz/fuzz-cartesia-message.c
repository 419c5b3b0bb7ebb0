/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "cartesia-message.h"
#include "cord-error.h"

/* Whatever the service says is a message with checked audio and times, or an error. */

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CartesiaMessage) message = cartesia_message_parse((const gchar *)data, size, &error);

  if ((message == NULL) != (error != NULL) || (error && error->domain != CORD_ERROR))
    abort();
  if (message == NULL)
    return 0;
  if (message->size > 0 && (message->audio == NULL || message->kind != CARTESIA_CHUNK))
    abort();
  if ((message->kind == CARTESIA_ERROR) != (message->description != NULL))
    abort();
  if (message->n_words != (message->words ? g_strv_length(message->words) : 0))
    abort();
  for (guint i = 0; i < message->n_words; i++) {
    if (message->ends[i] > 3600 * GST_SECOND || !g_utf8_validate(message->words[i], -1, NULL))
      abort();
  }
  return 0;
}
