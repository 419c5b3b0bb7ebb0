/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-g711.h"

/* Of the ITU-T Software Tool Library: the codes of -32768 to 32767 in order (sweep-r.u) */
#define ITU_ENCODE_SHA256 "90c29de505fb68e766118303bd552a16005dcf810873698bee1d8f3b247ce28c"

/* and the samples of its decoder */
static const gint16 itu_decode[256] = {
  -32124, -31100, -30076, -29052, -28028, -27004, -25980, -24956, -23932, -22908, -21884, -20860,
  -19836, -18812, -17788, -16764, -15996, -15484, -14972, -14460, -13948, -13436, -12924, -12412,
  -11900, -11388, -10876, -10364, -9852,  -9340,  -8828,  -8316,  -7932,  -7676,  -7420,  -7164,
  -6908,  -6652,  -6396,  -6140,  -5884,  -5628,  -5372,  -5116,  -4860,  -4604,  -4348,  -4092,
  -3900,  -3772,  -3644,  -3516,  -3388,  -3260,  -3132,  -3004,  -2876,  -2748,  -2620,  -2492,
  -2364,  -2236,  -2108,  -1980,  -1884,  -1820,  -1756,  -1692,  -1628,  -1564,  -1500,  -1436,
  -1372,  -1308,  -1244,  -1180,  -1116,  -1052,  -988,   -924,   -876,   -844,   -812,   -780,
  -748,   -716,   -684,   -652,   -620,   -588,   -556,   -524,   -492,   -460,   -428,   -396,
  -372,   -356,   -340,   -324,   -308,   -292,   -276,   -260,   -244,   -228,   -212,   -196,
  -180,   -164,   -148,   -132,   -120,   -112,   -104,   -96,    -88,    -80,    -72,    -64,
  -56,    -48,    -40,    -32,    -24,    -16,    -8,     0,      32124,  31100,  30076,  29052,
  28028,  27004,  25980,  24956,  23932,  22908,  21884,  20860,  19836,  18812,  17788,  16764,
  15996,  15484,  14972,  14460,  13948,  13436,  12924,  12412,  11900,  11388,  10876,  10364,
  9852,   9340,   8828,   8316,   7932,   7676,   7420,   7164,   6908,   6652,   6396,   6140,
  5884,   5628,   5372,   5116,   4860,   4604,   4348,   4092,   3900,   3772,   3644,   3516,
  3388,   3260,   3132,   3004,   2876,   2748,   2620,   2492,   2364,   2236,   2108,   1980,
  1884,   1820,   1756,   1692,   1628,   1564,   1500,   1436,   1372,   1308,   1244,   1180,
  1116,   1052,   988,    924,    876,    844,    812,    780,    748,    716,    684,    652,
  620,    588,    556,    524,    492,    460,    428,    396,    372,    356,    340,    324,
  308,    292,    276,    260,    244,    228,    212,    196,    180,    164,    148,    132,
  120,    112,    104,    96,     88,     80,     72,     64,     56,     48,     40,     32,
  24,     16,     8,      0,
};

static const struct {
  gint16 sample;
  guint8 code;
} examples[] = {
  { -32768, 0x00 }, { -32767, 0x00 }, { -32636, 0x00 }, { -32635, 0x00 }, { -32634, 0x00 },
  { -32124, 0x00 }, { -8160, 0x1f },  { -4, 0x7f },     { -3, 0x7f },     { -2, 0x7f },
  { -1, 0x7f },     { 0, 0xff },      { 1, 0xff },      { 2, 0xff },      { 3, 0xff },
  { 4, 0xfe },      { 5, 0xfe },      { 7, 0xfe },      { 8, 0xfe },      { 100, 0xf2 },
  { 1000, 0xce },   { -1000, 0x4e },  { 8031, 0xa0 },   { 8159, 0x9f },   { 16000, 0x90 },
  { -16000, 0x10 }, { 32124, 0x80 },  { 32634, 0x80 },  { 32635, 0x80 },  { 32636, 0x80 },
  { 32767, 0x80 },
};

/* G.711, table 5: 1 kHz at 0 dBm0 */
static const guint8 reference_tone[] = { 0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e };

static void
sweep(gint16 *samples)
{
  for (gint i = 0; i < 65536; i++)
    samples[i] = (gint16)(i - 32768);
}

static void
test_encode_equals_itu(void)
{
  g_autofree gint16 *samples = g_new(gint16, 65536);
  g_autofree guint8 *codes = g_new(guint8, 65536);
  g_autofree gchar *sum = NULL;

  sweep(samples);
  cord_g711_encode(samples, codes, 65536);
  sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, codes, 65536);
  g_assert_cmpstr(sum, ==, ITU_ENCODE_SHA256);
  for (guint i = 0; i < 65536; i++)
    g_assert_cmpuint(cord_g711_encode_sample(samples[i]), ==, codes[i]);
}

static void
test_examples(void)
{
  for (guint i = 0; i < G_N_ELEMENTS(examples); i++)
    g_assert_cmpuint(cord_g711_encode_sample(examples[i].sample), ==, examples[i].code);
}

static void
test_decode_equals_itu(void)
{
  guint8 codes[256];
  gint16 samples[256];

  for (guint i = 0; i < 256; i++)
    codes[i] = (guint8)i;
  cord_g711_decode(codes, samples, 256);
  for (guint i = 0; i < 256; i++) {
    g_assert_cmpint(samples[i], ==, itu_decode[i]);
    g_assert_cmpint(cord_g711_decode_sample((guint8)i), ==, itu_decode[i]);
  }
}

static void
test_codes_survive(void)
{
  for (guint i = 0; i < 256; i++)
    g_assert_cmpuint(cord_g711_encode_sample(cord_g711_decode_sample((guint8)i)), ==,
                     i == 0x7f ? 0xff : i);
}

static void
test_silence(void)
{
  g_assert_cmpuint(cord_g711_encode_sample(0), ==, CORD_G711_SILENCE);
  g_assert_cmpint(cord_g711_decode_sample(CORD_G711_SILENCE), ==, 0);
  g_assert_cmpint(cord_g711_decode_sample(0x7f), ==, 0);
}

static void
test_reference_tone(void)
{
  gint16 samples[G_N_ELEMENTS(reference_tone)];
  guint8 codes[G_N_ELEMENTS(reference_tone)];

  cord_g711_decode(reference_tone, samples, G_N_ELEMENTS(samples));
  for (guint i = 0; i < 4; i++)
    g_assert_cmpint(samples[i], ==, -samples[i + 4]);
  cord_g711_encode(samples, codes, G_N_ELEMENTS(codes));
  g_assert_cmpmem(codes, sizeof codes, reference_tone, sizeof reference_tone);
}

static void
test_any_length_and_alignment(void)
{
  gint16 samples[100], back[100];
  guint8 codes[101];

  for (guint i = 0; i < G_N_ELEMENTS(samples); i++)
    samples[i] = (gint16)(i * 653 - 32000);
  for (guint n = 0; n < 64; n++) {
    for (guint from = 0; from < 32; from++) {
      memset(codes, 0x55, sizeof codes);
      cord_g711_encode(samples + from, codes + from, n);
      g_assert_cmpuint(codes[from + n], ==, 0x55);
      g_assert_true(from == 0 || codes[from - 1] == 0x55);
      cord_g711_decode(codes + from, back + from, n);
      for (guint i = from; i < from + n; i++) {
        g_assert_cmpuint(codes[i], ==, cord_g711_encode_sample(samples[i]));
        g_assert_cmpint(back[i], ==, cord_g711_decode_sample(codes[i]));
      }
    }
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/g711/encodes every sample as the ITU-T does", test_encode_equals_itu);
  g_test_add_func("/g711/encodes known samples to known codes", test_examples);
  g_test_add_func("/g711/decodes every code as the ITU-T does", test_decode_equals_itu);
  g_test_add_func("/g711/every code but negative zero survives", test_codes_survive);
  g_test_add_func("/g711/silence is 0xff and both zeros are silent", test_silence);
  g_test_add_func("/g711/the reference tone survives", test_reference_tone);
  g_test_add_func("/g711/takes any length from any address", test_any_length_and_alignment);
  return g_test_run();
}
