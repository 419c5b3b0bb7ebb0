/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "cord-tts-base.h"

G_BEGIN_DECLS

/* libflite behind a pool of threads: text in, audio and word times out. No GStreamer pads here. */

typedef struct _FliteJob FliteJob;

/**
 * FliteSink:
 * @audio: samples of the voice's rate; called several times
 * @words: the piece's words, before the last audio
 * @done: the end, once; an error text, or %NULL
 *
 * Where a job's results go. Called on a thread of the pool.
 */
typedef struct {
  void (*audio)(const gint16 *samples, gsize n_samples, gpointer data);
  void (*words)(const CordTtsWord *words, guint n_words, gpointer data);
  void (*done)(const gchar *error, gpointer data);
} FliteSink;

const gchar *const *flite_voice_names(void);
guint flite_voice_get_rate(const gchar *name);
FliteJob *flite_job_start(const gchar *voice, gdouble rate, const gchar *text,
                          const FliteSink *sink, gpointer data, GDestroyNotify notify);
void flite_job_cancel(FliteJob *job);

G_END_DECLS
