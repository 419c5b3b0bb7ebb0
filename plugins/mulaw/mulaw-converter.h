/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * MulawFormat:
 * @mulaw: mu-law if %TRUE, signed 16-bit samples in little-endian order if not
 * @rate: samples a second
 *
 * What flows through one side of the codec; always one channel.
 */
typedef struct {
  gboolean mulaw;
  gint rate;
} MulawFormat;

#define MULAW_FORMAT_BYTES(format) ((format)->mulaw ? 1u : 2u)

static inline gboolean
mulaw_format_equal(const MulawFormat *a, const MulawFormat *b)
{
  return a->mulaw == b->mulaw && a->rate == b->rate;
}

/**
 * MulawConverter:
 *
 * Turns a stream of samples of one format into another. Output sample k belongs to the moment of
 * input sample k * in_rate / out_rate exactly; it comes out when the filter has seen
 * mulaw_converter_get_delay() of what follows.
 */
typedef struct _MulawConverter MulawConverter;

MulawConverter *mulaw_converter_new(const MulawFormat *in, const MulawFormat *out);
void mulaw_converter_free(MulawConverter *self);
GstClockTime mulaw_converter_get_delay(MulawConverter *self);
gsize mulaw_converter_get_out_samples(MulawConverter *self, gsize n_in);
void mulaw_converter_process(MulawConverter *self, const guint8 *in, gsize n_in, guint8 *out,
                             gsize n_out);
gsize mulaw_converter_get_tail_samples(MulawConverter *self);
void mulaw_converter_drain(MulawConverter *self, guint8 *out, gsize n_out);
void mulaw_converter_reset(MulawConverter *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MulawConverter, mulaw_converter_free)

G_END_DECLS
