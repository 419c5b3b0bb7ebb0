/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-stt-base.h"

G_BEGIN_DECLS

/**
 * DeepgramOptions:
 *
 * What the service is asked to do; the element's properties of the same names.
 */
typedef struct {
  gchar *base_url;
  gchar *model;
  gchar *keyterms; /* one a line, or parted by | */
  gchar *tag;
  gchar *parameters; /* more of the query, as it is */
  gboolean interim_results;
  gboolean smart_format;
  gboolean punctuate;
  gboolean numerals;
  gboolean profanity_filter;
  gboolean vad_events;
  gboolean mip_opt_out;
  guint endpointing_ms;   /* 0: off */
  guint utterance_end_ms; /* 0: off */
  gdouble eot_threshold;
  gdouble eager_eot_threshold; /* 0: off */
  guint eot_timeout_ms;
} DeepgramOptions;

gboolean deepgram_model_is_flux(const gchar *model);
gchar *deepgram_build_url(const DeepgramOptions *options, const CordSttFormat *format,
                          const gchar *language);

G_END_DECLS
