/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#include "mulaw-converter.h"

G_BEGIN_DECLS

#define MULAW_CAPS_MULAW "audio/x-mulaw, rate = (int) 8000, channels = (int) 1"
#define MULAW_CAPS_RAW                                                                             \
  "audio/x-raw, format = (string) S16LE, layout = (string) interleaved, "                          \
  "rate = (int) { 8000, 16000, 24000, 48000 }, channels = (int) 1"
#define MULAW_CAPS MULAW_CAPS_RAW "; " MULAW_CAPS_MULAW

/**
 * GstMulawCodecMode:
 * @GST_MULAW_CODEC_MODE_AUTO: what the neighbours accept decides
 * @GST_MULAW_CODEC_MODE_ENCODE: mu-law comes out
 * @GST_MULAW_CODEC_MODE_DECODE: raw audio comes out
 *
 * Which way the codec works.
 */
typedef enum {
  GST_MULAW_CODEC_MODE_AUTO,
  GST_MULAW_CODEC_MODE_ENCODE,
  GST_MULAW_CODEC_MODE_DECODE,
} GstMulawCodecMode;

gboolean mulaw_format_from_caps(MulawFormat *format, GstCaps *caps);
GstCaps *mulaw_format_to_caps(const MulawFormat *format);
void mulaw_caps_answer_query(GstMulawCodecMode mode, GstPad *pad, GstPad *other, GstQuery *query);
gboolean mulaw_caps_choose_output(GstMulawCodecMode mode, const MulawFormat *in, GstCaps *peer_caps,
                                  MulawFormat *out);

G_END_DECLS
