/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mulaw-converter.h"

#include <gst/audio/audio-resampler.h>
#include <string.h>

#include "cord-g711.h"

/*
 * The filter is GStreamer's Kaiser-windowed sinc, in float: its 16-bit variant rounds the taps to
 * 15 bits, which alone leaves aliases at -66 dB. The pass band ends at 3.4 kHz and the stop band
 * begins at 4 kHz (of an 8 kHz side), so nothing at all folds back into telephone audio; this
 * takes 72 taps and 4.5 ms. The tables of a pair of telephone rates are 0.3 to 2 KiB, too small to
 * be worth sharing between calls.
 */
#define CUTOFF 0.925          /* of half the lower rate: 3.7 kHz, the middle of the transition */
#define TRANSITION 0.075      /* of the lower rate: 600 Hz */
#define STOP_ATTENUATION 85.0 /* dB; more would take 80 taps */
#define CHUNK 960 /* samples: 20 ms at 48 kHz; bounds the stack and the library's buffer */
#define BLOCK 16  /* samples; a constant, so that the loops become vector code */

struct _MulawConverter {
  MulawFormat in;
  MulawFormat out;
  GstAudioResampler *resampler; /* NULL when the rates are equal */
  gsize chunk;                  /* input samples of which the output fits in CHUNK */
  guint64 n_in;
  guint64 n_out;
};

static GstAudioResampler *
resampler_new(gint in_rate, gint out_rate)
{
  g_autoptr(GstStructure) options = gst_structure_new(
      "options", GST_AUDIO_RESAMPLER_OPT_CUTOFF, G_TYPE_DOUBLE, CUTOFF,
      GST_AUDIO_RESAMPLER_OPT_STOP_ATTENUATION, G_TYPE_DOUBLE, STOP_ATTENUATION,
      GST_AUDIO_RESAMPLER_OPT_TRANSITION_BANDWIDTH, G_TYPE_DOUBLE, TRANSITION,
      GST_AUDIO_RESAMPLER_OPT_FILTER_MODE, GST_TYPE_AUDIO_RESAMPLER_FILTER_MODE,
      GST_AUDIO_RESAMPLER_FILTER_MODE_FULL, GST_AUDIO_RESAMPLER_OPT_FILTER_INTERPOLATION,
      GST_TYPE_AUDIO_RESAMPLER_FILTER_INTERPOLATION, GST_AUDIO_RESAMPLER_FILTER_INTERPOLATION_NONE,
      NULL);

  return gst_audio_resampler_new(GST_AUDIO_RESAMPLER_METHOD_KAISER, GST_AUDIO_RESAMPLER_FLAG_NONE,
                                 GST_AUDIO_FORMAT_F32, 1, in_rate, out_rate, options);
}

static inline gint16
round_sample(gfloat value)
{
  const gfloat clipped = CLAMP(value, (gfloat)G_MININT16, (gfloat)G_MAXINT16);

  return (gint16)(gint)(clipped + (clipped < 0 ? -0.5f : 0.5f));
}

/* little-endian bytes at any address to samples, and back: the same operation */
static void
copy_samples(gpointer to, gconstpointer from, gsize n)
{
  memcpy(to, from, n * sizeof(gint16));
#if G_BYTE_ORDER == G_BIG_ENDIAN
  for (guint8 *byte = to; n > 0; n--, byte += 2) {
    const guint8 first = byte[0];

    byte[0] = byte[1];
    byte[1] = first;
  }
#endif
}

static void
floats_from_samples(gfloat *floats, const gint16 *samples, gsize n)
{
  gsize i = 0;

  for (; i + BLOCK <= n; i += BLOCK)
    for (gsize j = 0; j < BLOCK; j++)
      floats[i + j] = samples[i + j];
  for (; i < n; i++)
    floats[i] = samples[i];
}

static void
samples_from_floats(gint16 *samples, const gfloat *floats, gsize n)
{
  gsize i = 0;

  for (; i + BLOCK <= n; i += BLOCK)
    for (gsize j = 0; j < BLOCK; j++)
      samples[i + j] = round_sample(floats[i + j]);
  for (; i < n; i++)
    samples[i] = round_sample(floats[i]);
}

static void
read_samples(const MulawFormat *format, const guint8 *in, gint16 *samples, gsize n)
{
  if (format->mulaw)
    cord_g711_decode(in, samples, n);
  else
    copy_samples(samples, in, n);
}

static void
write_samples(const MulawFormat *format, const gint16 *samples, guint8 *out, gsize n)
{
  if (format->mulaw)
    cord_g711_encode(samples, out, n);
  else
    copy_samples(out, samples, n);
}

/**
 * mulaw_converter_new:
 * @in: what comes in
 * @out: what is to come out
 *
 * Returns: (transfer full): a converter at the beginning of a stream
 */
MulawConverter *
mulaw_converter_new(const MulawFormat *in, const MulawFormat *out)
{
  MulawConverter *self = g_new0(MulawConverter, 1);

  self->in = *in;
  self->out = *out;
  self->chunk = CHUNK;
  if (out->rate > in->rate)
    self->chunk = (gsize)CHUNK * in->rate / out->rate;
  if (in->rate != out->rate)
    self->resampler = resampler_new(in->rate, out->rate);
  return self;
}

/**
 * mulaw_converter_free:
 * @self: (transfer full): a converter
 */
void
mulaw_converter_free(MulawConverter *self)
{
  g_clear_pointer(&self->resampler, gst_audio_resampler_free);
  g_free(self);
}

/**
 * mulaw_converter_get_delay:
 * @self: a converter
 *
 * Returns: how much of the input the filter must see before a sample of the same time comes out
 */
GstClockTime
mulaw_converter_get_delay(MulawConverter *self)
{
  if (self->resampler == NULL)
    return 0;
  return gst_util_uint64_scale_int_ceil(gst_audio_resampler_get_max_latency(self->resampler),
                                        GST_SECOND, self->in.rate);
}

/**
 * mulaw_converter_get_out_samples:
 * @self: a converter
 * @n_in: samples of the input
 *
 * Returns: how many samples come out when @n_in more go in
 */
gsize
mulaw_converter_get_out_samples(MulawConverter *self, gsize n_in)
{
  if (self->resampler == NULL)
    return n_in;
  return gst_audio_resampler_get_out_frames(self->resampler, n_in);
}

/* Takes n_in samples, or as many of silence where in is NULL, and gives at most max_out. */
static gsize
process_chunk(MulawConverter *self, const guint8 *in, gsize n_in, guint8 *out, gsize max_out)
{
  gint16 samples[CHUNK + 8];
  gfloat before[CHUNK], after[CHUNK + 8];
  gpointer planes_in[] = { before }, planes_out[] = { after };
  gsize n_out = MIN(gst_audio_resampler_get_out_frames(self->resampler, n_in), max_out);

  g_assert(n_in <= CHUNK && n_out <= G_N_ELEMENTS(after));
  if (in) {
    read_samples(&self->in, in, samples, n_in);
    floats_from_samples(before, samples, n_in);
  }
  gst_audio_resampler_resample(self->resampler, in ? planes_in : NULL, n_in, planes_out, n_out);
  if (n_out > 0) {
    samples_from_floats(samples, after, n_out);
    write_samples(&self->out, samples, out, n_out);
  }
  return n_out;
}

static void
process_same_rate(MulawConverter *self, const guint8 *in, gsize n, guint8 *out)
{
  gint16 samples[CHUNK];

  for (gsize i = 0; i < n; i += CHUNK) {
    const gsize part = MIN(CHUNK, n - i);

    read_samples(&self->in, in + i * MULAW_FORMAT_BYTES(&self->in), samples, part);
    write_samples(&self->out, samples, out + i * MULAW_FORMAT_BYTES(&self->out), part);
  }
}

/**
 * mulaw_converter_process:
 * @self: a converter
 * @in: the next bytes of the input, at any address
 * @n_in: how many samples they are
 * @out: room for the output
 * @n_out: how many samples: mulaw_converter_get_out_samples() of @n_in
 *
 * Converts. However a stream is cut, what comes out is the same.
 */
void
mulaw_converter_process(MulawConverter *self, const guint8 *in, gsize n_in, guint8 *out,
                        gsize n_out)
{
  self->n_in += n_in;
  self->n_out += n_out;
  if (self->resampler == NULL) {
    process_same_rate(self, in, n_in, out);
    return;
  }
  while (n_in > 0) {
    const gsize part = MIN(self->chunk, n_in);
    const gsize made = process_chunk(self, in, part, out, n_out);

    in += part * MULAW_FORMAT_BYTES(&self->in);
    n_in -= part;
    out += made * MULAW_FORMAT_BYTES(&self->out);
    n_out -= made;
  }
}

/**
 * mulaw_converter_get_tail_samples:
 * @self: a converter
 *
 * Returns: how many samples are still to come of what has gone in
 */
gsize
mulaw_converter_get_tail_samples(MulawConverter *self)
{
  if (self->resampler == NULL)
    return 0;
  return gst_util_uint64_scale_int_ceil(self->n_in, self->out.rate, self->in.rate) - self->n_out;
}

/**
 * mulaw_converter_drain:
 * @self: a converter
 * @out: room for the output
 * @n_out: how many samples: mulaw_converter_get_tail_samples()
 *
 * Gives what is still to come, as if silence followed, and begins a new stream.
 */
void
mulaw_converter_drain(MulawConverter *self, guint8 *out, gsize n_out)
{
  while (n_out > 0) {
    const gsize made = process_chunk(self, NULL, self->chunk, out, n_out);

    out += made * MULAW_FORMAT_BYTES(&self->out);
    n_out -= made;
  }
  mulaw_converter_reset(self);
}

/**
 * mulaw_converter_reset:
 * @self: a converter
 *
 * Forgets what has gone in and begins a new stream.
 */
void
mulaw_converter_reset(MulawConverter *self)
{
  if (self->n_in == 0)
    return;
  self->n_in = self->n_out = 0;
  if (self->resampler == NULL)
    return;
  /* gst_audio_resampler_reset() keeps the phase of the old stream */
  gst_audio_resampler_free(self->resampler);
  self->resampler = resampler_new(self->in.rate, self->out.rate);
}
