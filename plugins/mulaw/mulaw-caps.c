/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mulaw-caps.h"

#include "cord-g711.h"

static GstStaticCaps any_format = GST_STATIC_CAPS(MULAW_CAPS);
static GstStaticCaps mulaw_only = GST_STATIC_CAPS(MULAW_CAPS_MULAW);
static GstStaticCaps raw_only = GST_STATIC_CAPS(MULAW_CAPS_RAW);

/**
 * mulaw_format_from_caps:
 * @format: (out): what @caps mean
 * @caps: fixed caps
 *
 * Returns: whether @caps are a format of the codec
 */
gboolean
mulaw_format_from_caps(MulawFormat *format, GstCaps *caps)
{
  const GstStructure *structure = gst_caps_get_structure(caps, 0);

  format->mulaw = gst_structure_has_name(structure, "audio/x-mulaw");
  return gst_structure_get_int(structure, "rate", &format->rate);
}

/**
 * mulaw_format_to_caps:
 * @format: a format
 *
 * Returns: (transfer full): fixed caps
 */
GstCaps *
mulaw_format_to_caps(const MulawFormat *format)
{
  GstCaps *caps = gst_static_caps_get(format->mulaw ? &mulaw_only : &raw_only);

  caps = gst_caps_make_writable(caps);
  gst_caps_set_simple(caps, "rate", G_TYPE_INT, format->rate, NULL);
  return caps;
}

/* What a side can be at all */
static GstCaps *
get_template(GstMulawCodecMode mode, GstPadDirection direction)
{
  if (direction == GST_PAD_SRC && mode == GST_MULAW_CODEC_MODE_ENCODE)
    return gst_static_caps_get(&mulaw_only);
  if (direction == GST_PAD_SRC && mode == GST_MULAW_CODEC_MODE_DECODE)
    return gst_static_caps_get(&raw_only);
  return gst_static_caps_get(&any_format);
}

/* First what passes through untouched, then the rest, raw before mu-law */
static GstCaps *
get_possible(GstMulawCodecMode mode, GstPadDirection here, GstPadDirection there,
             GstCaps *caps_there)
{
  g_autoptr(GstCaps) template_here = get_template(mode, here);
  g_autoptr(GstCaps) template_there = get_template(mode, there);
  g_autoptr(GstCaps) possible =
      gst_caps_intersect_full(caps_there, template_there, GST_CAPS_INTERSECT_FIRST);
  GstCaps *untouched;

  if (gst_caps_is_empty(possible))
    return g_steal_pointer(&possible);
  untouched = gst_caps_intersect_full(possible, template_here, GST_CAPS_INTERSECT_FIRST);
  return gst_caps_merge(untouched, g_steal_pointer(&template_here));
}

/**
 * mulaw_caps_answer_query:
 * @mode: which way the codec works
 * @pad: the pad that was asked
 * @other: the codec's other pad
 * @query: a CAPS query
 *
 * Answers what @pad can do, given what the neighbour on the other side can.
 */
void
mulaw_caps_answer_query(GstMulawCodecMode mode, GstPad *pad, GstPad *other, GstQuery *query)
{
  g_autoptr(GstCaps) caps_there = gst_pad_peer_query_caps(other, NULL);
  g_autoptr(GstCaps) caps =
      get_possible(mode, GST_PAD_DIRECTION(pad), GST_PAD_DIRECTION(other), caps_there);
  g_autoptr(GstCaps) filtered = NULL;
  GstCaps *filter;

  gst_query_parse_caps(query, &filter);
  if (filter)
    filtered = gst_caps_intersect_full(filter, caps, GST_CAPS_INTERSECT_FIRST);
  gst_query_set_caps_result(query, filter ? filtered : caps);
}

static gboolean
accepts(GstCaps *peer_caps, const MulawFormat *format)
{
  g_autoptr(GstCaps) caps = mulaw_format_to_caps(format);

  return gst_caps_can_intersect(peer_caps, caps);
}

/* The neighbour takes anything: the codec is there to convert. */
static void
choose_opposite(GstMulawCodecMode mode, const MulawFormat *in, MulawFormat *out)
{
  *out = *in;
  out->mulaw =
      mode == GST_MULAW_CODEC_MODE_ENCODE || (mode == GST_MULAW_CODEC_MODE_AUTO && !in->mulaw);
  if (out->mulaw)
    out->rate = CORD_G711_RATE;
}

/**
 * mulaw_caps_choose_output:
 * @mode: which way the codec works
 * @in: what comes in
 * @peer_caps: what the next element takes
 * @out: (out): what is to go there
 *
 * Decides what to make of the input: nothing where the next element takes it as it is, else what
 * the next element likes best, at the rate nearest to the input's. Where the next element takes
 * anything whatsoever, mu-law is decoded and raw audio is encoded.
 *
 * Returns: whether there is a way
 */
gboolean
mulaw_caps_choose_output(GstMulawCodecMode mode, const MulawFormat *in, GstCaps *peer_caps,
                         MulawFormat *out)
{
  g_autoptr(GstCaps) template = get_template(mode, GST_PAD_SRC);
  g_autoptr(GstCaps) possible = NULL;

  if (gst_caps_is_any(peer_caps)) {
    choose_opposite(mode, in, out);
    return TRUE;
  }
  possible = gst_caps_intersect_full(peer_caps, template, GST_CAPS_INTERSECT_FIRST);
  if (gst_caps_is_empty(possible))
    return FALSE;
  if (accepts(possible, in)) {
    *out = *in;
    return TRUE;
  }
  possible = gst_caps_truncate(gst_caps_make_writable(g_steal_pointer(&possible)));
  gst_structure_fixate_field_nearest_int(gst_caps_get_structure(possible, 0), "rate", in->rate);
  return mulaw_format_from_caps(out, possible);
}
