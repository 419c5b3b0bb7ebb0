/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "cord-error.h"
#include "openai-transcript.h"

/* Whatever a transcription answers is a text, or an error; so is an event of a stream. */

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) problem = NULL;
  g_autoptr(OpenaiTranscript) transcript =
      openai_transcript_parse((const gchar *)data, size, &error);
  g_autofree gchar *line = g_strndup(size > 0 ? (const gchar *)data : "", size);
  g_autofree gchar *text = NULL;

  if ((transcript == NULL) != (error != NULL) || (error && error->domain != CORD_ERROR))
    abort();
  if (transcript && !g_utf8_validate(transcript->text, -1, NULL))
    abort();
  if (openai_transcript_parse_event(line, &text, &problem) != OPENAI_TRANSCRIPT_OTHER &&
      (text == NULL || problem))
    abort();
  return 0;
}
