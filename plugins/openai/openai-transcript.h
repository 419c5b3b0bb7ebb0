/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * OpenaiWord:
 * @text: as it is written
 * @start: in the audio, ns, or %GST_CLOCK_TIME_NONE
 * @end: the same
 */
typedef struct {
  gchar *text;
  GstClockTime start;
  GstClockTime end;
} OpenaiWord;

/**
 * OpenaiTranscript:
 * @text: what was said; may be empty
 * @words: (element-type OpenaiWord)
 * @language: (nullable): as the service calls it
 * @confidence: 0 to 1, or negative
 *
 * The answer to a transcription.
 */
typedef struct {
  gchar *text;
  GArray *words;
  gchar *language;
  gdouble confidence;
} OpenaiTranscript;

typedef enum {
  OPENAI_TRANSCRIPT_OTHER,
  OPENAI_TRANSCRIPT_DELTA, /* more of the text */
  OPENAI_TRANSCRIPT_DONE,  /* all of it */
} OpenaiTranscriptEvent;

OpenaiTranscript *openai_transcript_parse(const gchar *body, gsize length, GError **error);
OpenaiTranscriptEvent openai_transcript_parse_event(const gchar *data, gchar **text,
                                                    GError **error);
void openai_transcript_free(OpenaiTranscript *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OpenaiTranscript, openai_transcript_free)

G_END_DECLS
