/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-stt-base.h"
#include "sphinx-decoder.h"

G_BEGIN_DECLS

/* The decoders of the process: a few threads with one each, checked out per utterance. */

/**
 * SphinxSink:
 * @partial: what is believed so far, when it has changed
 * @done: the end, once: the result, the cepstral mean after it, words of the hints that the
 * dictionary has not (each nullable), or an error
 *
 * Where a job's results go. Called on a thread of the pool.
 */
typedef struct {
  void (*partial)(const gchar *text, gpointer data);
  void (*done)(CordTranscript *transcript, const gfloat *mean, GPtrArray *missing,
               const GError *error, gpointer data);
} SphinxSink;

/**
 * SphinxSettings:
 * @model: the files
 * @hints: (nullable): phrases
 * @mean: the cepstral mean to begin with; @has_mean says whether it is set
 * @has_mean: else the model's own
 * @format: of the audio
 * @start: running time of the first sample
 */
typedef struct {
  SphinxModel model;
  gchar *hints;
  gfloat mean[SPHINX_CEPSTRA];
  gboolean has_mean;
  CordSttFormat format;
  GstClockTime start;
} SphinxSettings;

typedef struct _SphinxJob SphinxJob;

void sphinx_pool_warm(const SphinxModel *model);
SphinxJob *sphinx_job_start(const SphinxSettings *settings, const SphinxSink *sink, gpointer data,
                            GDestroyNotify notify);
void sphinx_job_send(SphinxJob *job, GstBuffer *audio);
void sphinx_job_end(SphinxJob *job);
void sphinx_job_cancel(SphinxJob *job);

G_END_DECLS
