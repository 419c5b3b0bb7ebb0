/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "twilio-base64.h"

/*
 * Base64 of the carriers: the standard alphabet of RFC 4648 section 4, padded, without line breaks.
 * Everything else is refused with a sentence that names what is wrong, because a payload that is
 * decoded leniently is heard as noise.
 */

static const gchar alphabet[64] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#define X 0x80 /* not in the alphabet; the bit survives an OR */
static const guint8 values[256] = {
  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  62, X,  X,  X,  63,
  52, 53, 54, 55, 56, 57, 58, 59, 60, 61, X,  X,  X,  X,  X,  X,  X,  0,  1,  2,  3,  4,  5,  6,
  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, X,  X,  X,  X,  X,
  X,  26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48,
  49, 50, 51, X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
};
#undef X

/* Only on the way to an error: says what the first wrong character is. */
static const gchar *
explain(const gchar *text, gsize length)
{
  for (gsize i = 0; i < length; i++) {
    gchar c = text[i];
    if (!(values[(guint8)c] & 0x80))
      continue;
    if (c == '=')
      return "data after the padding";
    if (c == '\n' || c == '\r')
      return "a line break";
    if (c == ' ' || c == '\t')
      return "white space";
    if (c == '-' || c == '_')
      return "the URL-safe alphabet";
    return "a character outside the alphabet";
  }
  return "the length is not a multiple of four";
}

/**
 * twilio_base64_decode:
 * @text: (array length=length): the characters
 * @length: how many
 * @out: where the bytes go
 * @size: room in @out, at least TWILIO_BASE64_DECODED_MAX(@length)
 * @reason: (out): on failure what was wrong, a static string
 *
 * Returns: the number of bytes, or -1
 */
gssize
twilio_base64_decode(const gchar *text, gsize length, guint8 *out, gsize size, const gchar **reason)
{
  const guint8 *in = (const guint8 *)text;
  guint8 *start = out;
  gsize padding = 0;
  guint wrong = 0;

  if (size < TWILIO_BASE64_DECODED_MAX(length)) {
    *reason = "longer than a message may be";
    return -1;
  }
  while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
    padding++;
  if (length % 4 != 0) {
    *reason = explain(text, length - padding);
    return -1;
  }
  for (gsize groups = (length - (padding ? 4 : 0)) / 4; groups > 0; groups--, in += 4, out += 3) {
    guint a = values[in[0]], b = values[in[1]], c = values[in[2]], d = values[in[3]];
    wrong |= a | b | c | d;
    out[0] = a << 2 | b >> 4;
    out[1] = b << 4 | c >> 2;
    out[2] = c << 6 | d;
  }
  if (padding > 0) {
    guint a = values[in[0]], b = values[in[1]], c = padding == 1 ? values[in[2]] : 0;
    wrong |= a | b | c;
    if (!(wrong & 0x80) && ((padding == 1 ? c << 6 : b << 4) & 0xff) != 0) {
      *reason = "bits set after the end";
      return -1;
    }
    *out++ = a << 2 | b >> 4;
    if (padding == 1)
      *out++ = b << 4 | c >> 2;
  }
  if (wrong & 0x80) {
    *reason = explain(text, length - padding);
    return -1;
  }
  return out - start;
}

/**
 * twilio_base64_encode:
 * @data: (array length=length): the bytes
 * @length: how many
 * @out: where TWILIO_BASE64_ENCODED(@length) characters go; no zero is added
 *
 * Returns: the number of characters
 */
gsize
twilio_base64_encode(const guint8 *data, gsize length, gchar *out)
{
  gchar *start = out;

  for (; length >= 3; length -= 3, data += 3, out += 4) {
    guint group = data[0] << 16 | data[1] << 8 | data[2];
    out[0] = alphabet[group >> 18];
    out[1] = alphabet[group >> 12 & 63];
    out[2] = alphabet[group >> 6 & 63];
    out[3] = alphabet[group & 63];
  }
  if (length > 0) {
    guint group = data[0] << 16 | (length == 2 ? data[1] << 8 : 0);
    out[0] = alphabet[group >> 18];
    out[1] = alphabet[group >> 12 & 63];
    out[2] = length == 2 ? alphabet[group >> 6 & 63] : '=';
    out[3] = '=';
    out += 4;
  }
  return out - start;
}
