/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-worker.h"
#include "openai-transcript.h"

G_BEGIN_DECLS

/**
 * OpenaiTranscription:
 *
 * One utterance that is being transcribed: a request, and the next one where that has come to
 * nothing.
 */
typedef struct _OpenaiTranscription OpenaiTranscription;

/**
 * OpenaiTranscriptionSettings:
 * @base_url: with the version: https://api.openai.com/v1
 * @api_key: (nullable): the key
 * @model: who transcribes
 * @language: (nullable): ISO 639-1
 * @prompt: (nullable): words that are likely to be said
 * @temperature: 0 to 1, or negative to leave it to the service
 * @stream: whether the text is wanted as it comes, where the model can
 * @retries: how often it is tried again
 * @timeout_ms: how long one attempt may take to begin to answer
 */
typedef struct {
  gchar *base_url;
  gchar *api_key;
  gchar *model;
  gchar *language;
  gchar *prompt;
  gdouble temperature;
  gboolean stream;
  guint retries;
  guint timeout_ms;
} OpenaiTranscriptionSettings;

/**
 * OpenaiTranscriptionFuncs:
 * @partial: what there is of the text so far
 * @done: the end: a transcript or an error. @permanent: it will be the same next time
 *
 * Who is told, on the worker.
 */
typedef struct {
  void (*partial)(const gchar *text, gpointer data);
  void (*done)(OpenaiTranscript *transcript, const GError *error, gboolean permanent,
               gpointer data);
} OpenaiTranscriptionFuncs;

OpenaiTranscription *openai_transcription_start(CordWorker *worker,
                                                const OpenaiTranscriptionSettings *settings,
                                                const gint16 *samples, gsize n_samples, guint rate,
                                                const OpenaiTranscriptionFuncs *funcs,
                                                gpointer data);
void openai_transcription_cancel(OpenaiTranscription *self);
void openai_transcription_settings_clear(OpenaiTranscriptionSettings *self);
gboolean openai_model_streams(const gchar *model);

G_END_DECLS
