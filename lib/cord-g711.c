/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-g711.h"

#include <string.h>

/*
 * G.711 mu-law as the ITU-T Software Tool Library (G.191) defines it, for all 65,536 samples; the
 * widespread encoder of Sun's g711.c, GStreamer's among its children, is one code off at 127
 * negative decision values.
 *
 * A code is a small floating-point number: sign, three bits of exponent, four of mantissa, all
 * inverted, over a bias of 33 (in the standard's 14-bit samples). So the machine's own conversion
 * between integer and float finds the segment. There is no branch and no table in it: GCC makes
 * vector code of the blocks (0.035 us for 20 ms; 0.055 with a table of 64 KiB that is hot), and
 * nothing competes with a call's data for the first-level cache.
 */

#define BLOCK 16 /* samples; a constant, so that the inner loops become vector code */
#define BIAS_14_BIT 33
#define CLIP_14_BIT 0x1fff /* after the bias */
#define BIAS_16_BIT 132
#define MANTISSA_SHIFT 19                /* from the four bits of a code to those of a float */
#define ENCODE_EXPONENT ((127 + 5) << 4) /* a float's exponent field for segment 0, 33 to 63 */
#define DECODE_EXPONENT ((127 + 7) << 23 | 1 << 18) /* the same at 16 bits, in a step's middle */

static inline guint8
encode(gint16 sample)
{
  const gint sign = sample >> 15;
  gint magnitude = ((sample ^ sign) >> 2) + BIAS_14_BIT;
  gfloat number;
  gint32 bits;

  magnitude = MIN(magnitude, CLIP_14_BIT);
  number = (gfloat)magnitude;
  memcpy(&bits, &number, sizeof bits);
  return (guint8) ~(((bits >> MANTISSA_SHIFT) - ENCODE_EXPONENT) | (sign & 0x80));
}

static inline gint16
decode(guint8 code)
{
  const gint inverted = (guint8)~code;
  const gint sign = -(inverted >> 7);
  const gint32 bits = ((inverted & 0x7f) << MANTISSA_SHIFT) + DECODE_EXPONENT;
  gfloat number;
  gint magnitude;

  memcpy(&number, &bits, sizeof number);
  magnitude = (gint)number - BIAS_16_BIT;
  return (gint16)((magnitude ^ sign) - sign);
}

/**
 * cord_g711_encode_sample:
 * @sample: a sample
 *
 * Returns: its mu-law code
 */
guint8
cord_g711_encode_sample(gint16 sample)
{
  return encode(sample);
}

/**
 * cord_g711_decode_sample:
 * @code: a mu-law code
 *
 * Returns: its sample, -32124 to 32124
 */
gint16
cord_g711_decode_sample(guint8 code)
{
  return decode(code);
}

/**
 * cord_g711_encode:
 * @samples: (array length=n_samples): samples in the machine's byte order
 * @codes: (out caller-allocates) (array length=n_samples): room for as many codes
 * @n_samples: how many
 *
 * Makes mu-law of @samples, equal to the ITU-T's encoder for each sample.
 */
void
cord_g711_encode(const gint16 *restrict samples, guint8 *restrict codes, gsize n_samples)
{
  gsize i = 0;

  for (; i + BLOCK <= n_samples; i += BLOCK)
    for (gsize j = 0; j < BLOCK; j++)
      codes[i + j] = encode(samples[i + j]);
  for (; i < n_samples; i++)
    codes[i] = encode(samples[i]);
}

/**
 * cord_g711_decode:
 * @codes: (array length=n_samples): mu-law codes
 * @samples: (out caller-allocates) (array length=n_samples): room for as many samples
 * @n_samples: how many
 *
 * Makes samples of mu-law.
 */
void
cord_g711_decode(const guint8 *restrict codes, gint16 *restrict samples, gsize n_samples)
{
  gsize i = 0;

  for (; i + BLOCK <= n_samples; i += BLOCK)
    for (gsize j = 0; j < BLOCK; j++)
      samples[i + j] = decode(codes[i + j]);
  for (; i < n_samples; i++)
    samples[i] = decode(codes[i]);
}
