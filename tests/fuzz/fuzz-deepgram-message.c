/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "cord-error.h"
#include "deepgram-message.h"

/* Whatever the service says is a message with checked times and words, or an error. */

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

static void
check_words(const DeepgramMessage *message)
{
  for (guint i = 0; i < deepgram_message_count_words(message); i++) {
    const DeepgramWord *word = deepgram_message_get_word(message, i);

    if (word->text == NULL || !g_utf8_validate(word->text, -1, NULL))
      abort();
  }
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DeepgramMessage) message = deepgram_message_parse((const gchar *)data, size, &error);

  if ((message == NULL) != (error != NULL) || (error && error->domain != CORD_ERROR))
    abort();
  if (message == NULL)
    return 0;
  if ((message->kind == DEEPGRAM_RESULTS || message->kind == DEEPGRAM_TURN) &&
      message->text == NULL)
    abort();
  if (message->kind == DEEPGRAM_ERROR && message->description == NULL)
    abort();
  if (message->speech_final && !message->is_final)
    abort();
  check_words(message);
  return 0;
}
