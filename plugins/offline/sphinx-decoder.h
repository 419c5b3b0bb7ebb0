/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#include "cord-transcript.h"

G_BEGIN_DECLS

#define SPHINX_RATE 16000 /* Hz, what the acoustic model was made of */
#define SPHINX_CEPSTRA 13

/**
 * SphinxModel:
 * @language_model: path of an n-gram model
 * @dictionary: path of a pronunciation dictionary
 * @acoustic_model: folder
 * @grammar: (nullable): path of a JSGF grammar that takes the language model's place
 */
typedef struct {
  gchar *language_model;
  gchar *dictionary;
  gchar *acoustic_model;
  gchar *grammar;
} SphinxModel;

/* One libpocketsphinx decoder. It belongs to one thread; loading it takes 0.2 to 0.5 s and up to 93
 * MiB. */
typedef struct _SphinxDecoder SphinxDecoder;

SphinxDecoder *sphinx_decoder_new(const SphinxModel *model, GError **error);
void sphinx_decoder_free(SphinxDecoder *self);
gboolean sphinx_decoder_is_for(SphinxDecoder *self, const SphinxModel *model);

void sphinx_decoder_get_wideband_mean(SphinxDecoder *self, gfloat *mean);
void sphinx_decoder_begin(SphinxDecoder *self, const gfloat *mean);
void sphinx_decoder_process(SphinxDecoder *self, const gint16 *samples, gsize n_samples);
gchar *sphinx_decoder_get_partial(SphinxDecoder *self);
CordTranscript *sphinx_decoder_end(SphinxDecoder *self, GstClockTime start, gfloat *mean);
CordTranscript *sphinx_decoder_try_hints(SphinxDecoder *self, const gchar *hints,
                                         const gchar *free_text, const gint16 *samples,
                                         gsize n_samples, GstClockTime start, const gfloat *mean,
                                         GPtrArray *missing);

G_END_DECLS
