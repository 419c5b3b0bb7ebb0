/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-mulawcodec
 * @title: mulawcodec
 * @short_description: G.711 mu-law to raw audio or back, with the sample rate
 *
 * One element for either direction: what its neighbours accept decides. Where both sides can have
 * the same format, buffers pass through untouched; where the next element takes anything, mu-law
 * is decoded and raw audio is encoded (see #GstMulawCodec:mode). The sample rate changes between
 * 8, 16, 24 and 48 kHz on the way; this takes 4.5 ms of the stream, which the LATENCY query
 * reports and from which timestamps are free.
 *
 * What the filter still holds comes out before EOS, GAP, SEGMENT, new caps, a discontinuity and
 * the end of a response. Half a sample at the end of a buffer waits for its other half in the
 * next one.
 *
 * |[
 * gst-launch-1.0 filesrc location=call.wav ! wavparse ! mulawcodec ! filesink location=call.ul
 * ]| Telephone audio of a WAV file.
 */
#ifdef HAVE_CONFIG_H
#  include "config.h"
#endif

#include "cordboard.h"
#include "mulaw-buffer.h"
#include "mulaw-caps.h"
#include "mulaw-converter.h"
#include "mulaw-timeline.h"

#define DEFAULT_MODE GST_MULAW_CODEC_MODE_AUTO

#define GST_TYPE_MULAW_CODEC_MODE (gst_mulaw_codec_mode_get_type())
static GType gst_mulaw_codec_mode_get_type(void);
G_DEFINE_ENUM_TYPE(GstMulawCodecMode, gst_mulaw_codec_mode,
                   { GST_MULAW_CODEC_MODE_AUTO, "As the neighbours need it", "auto" },
                   { GST_MULAW_CODEC_MODE_ENCODE, "PCM to mu-law", "encode" },
                   { GST_MULAW_CODEC_MODE_DECODE, "mu-law to PCM", "decode" })

#define GST_TYPE_MULAW_CODEC (gst_mulaw_codec_get_type())
G_DECLARE_FINAL_TYPE(GstMulawCodec, gst_mulaw_codec, GST, MULAW_CODEC, GstElement)

struct _GstMulawCodec {
  GstElement parent_instance;
  GstPad *sink_pad;
  GstPad *src_pad;

  /* under the object lock */
  GstMulawCodecMode mode;
  const gchar *action; /* static */
  GstClockTime delay;

  /* streaming thread only, but for the last two, which others read */
  MulawFormat in;
  MulawFormat out;
  GstCaps *in_caps;
  gboolean pass_through;
  MulawConverter *converter; /* NULL while there is nothing to do or no format */
  GstBuffer *odd_byte;       /* the first half of a sample */
  CordTurn *turn;            /* of the newest input, for the tail of the filter */
  gboolean configured;       /* the source pad's caps follow from the sink pad's */
  gboolean discont;          /* before the next output */
  MulawTimeline timeline;
  guint64 total_in;  /* atomic */
  guint64 total_out; /* atomic */
};

G_DEFINE_FINAL_TYPE(GstMulawCodec, gst_mulaw_codec, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DECLARE(mulawcodec)
GST_ELEMENT_REGISTER_DEFINE(mulawcodec, "mulawcodec", GST_RANK_NONE, GST_TYPE_MULAW_CODEC)

GST_DEBUG_CATEGORY_STATIC(mulawcodec_debug);
#define GST_CAT_DEFAULT mulawcodec_debug

enum { PROP_MODE = 1, PROP_STATS, N_PROPS };
static GParamSpec *props[N_PROPS];

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(MULAW_CAPS));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(MULAW_CAPS));

static GstMulawCodecMode
get_mode(GstMulawCodec *self)
{
  GstMulawCodecMode mode;

  GST_OBJECT_LOCK(self);
  mode = self->mode;
  GST_OBJECT_UNLOCK(self);
  return mode;
}

static void
count(guint64 *total, gsize n)
{
  __atomic_store_n(total, *total + n, __ATOMIC_RELAXED);
}

/* The next input begins a new stream for the filter. */
static void
restart(GstMulawCodec *self)
{
  if (self->converter)
    mulaw_converter_reset(self->converter);
  mulaw_timeline_restart(&self->timeline);
}

static void
drop_odd_byte(GstMulawCodec *self)
{
  if (self->odd_byte)
    GST_WARNING_OBJECT(self, "half a sample has no other half");
  gst_clear_buffer(&self->odd_byte);
}

static void
forget_stream(GstMulawCodec *self)
{
  gst_clear_buffer(&self->odd_byte);
  g_clear_pointer(&self->turn, cord_turn_unref);
  restart(self);
  mulaw_timeline_begin(&self->timeline, self->timeline.untimed);
}

static void
stamp_output(GstMulawCodec *self, GstBuffer *buffer, gsize n)
{
  mulaw_timeline_stamp(&self->timeline, buffer, n);
  count(&self->total_out, n);
}

static void
drain(GstMulawCodec *self)
{
  gsize n;

  drop_odd_byte(self);
  n = self->converter ? mulaw_converter_get_tail_samples(self->converter) : 0;
  if (n > 0) {
    GstBuffer *tail = gst_buffer_new_allocate(NULL, n * MULAW_FORMAT_BYTES(&self->out), NULL);
    GstMapInfo map;

    gst_buffer_map(tail, &map, GST_MAP_WRITE);
    mulaw_converter_drain(self->converter, map.data, n);
    gst_buffer_unmap(tail, &map);
    stamp_output(self, tail, n);
    cord_buffer_set_turn(tail, self->turn);
    gst_pad_push(self->src_pad, tail);
  }
  restart(self);
}

static void
set_action(GstMulawCodec *self, const gchar *action, GstClockTime delay)
{
  gboolean changed;

  GST_OBJECT_LOCK(self);
  changed = self->delay != delay;
  self->action = action;
  self->delay = delay;
  GST_OBJECT_UNLOCK(self);
  GST_DEBUG_OBJECT(self, "%s, delay %" GST_TIME_FORMAT, action, GST_TIME_ARGS(delay));
  if (changed)
    gst_element_post_message(GST_ELEMENT(self), gst_message_new_latency(GST_OBJECT(self)));
}

static void
configure(GstMulawCodec *self, const MulawFormat *out)
{
  const gchar *action = "pass-through";

  g_clear_pointer(&self->converter, mulaw_converter_free);
  self->out = *out;
  self->pass_through = mulaw_format_equal(&self->in, out);
  if (!self->pass_through) {
    self->converter = mulaw_converter_new(&self->in, out);
    action = self->in.mulaw ? "decode" : out->mulaw ? "encode" : "resample";
  }
  restart(self);
  self->timeline.in_rate = self->in.rate;
  self->timeline.out_rate = out->rate;
  self->configured = TRUE;
  set_action(self, action, self->converter ? mulaw_converter_get_delay(self->converter) : 0);
}

static gboolean
negotiate(GstMulawCodec *self)
{
  g_autoptr(GstCaps) peer_caps = gst_pad_peer_query_caps(self->src_pad, NULL);
  g_autoptr(GstCaps) caps = NULL;
  MulawFormat out;

  if (!mulaw_caps_choose_output(get_mode(self), &self->in, peer_caps, &out)) {
    GST_INFO_OBJECT(self, "no way from %" GST_PTR_FORMAT " to %" GST_PTR_FORMAT, self->in_caps,
                    peer_caps);
    return FALSE;
  }
  if (self->configured && mulaw_format_equal(&out, &self->out))
    return TRUE;
  drain(self);
  configure(self, &out);
  caps = self->pass_through ? gst_caps_ref(self->in_caps) : mulaw_format_to_caps(&out);
  return gst_pad_push_event(self->src_pad, gst_event_new_caps(caps));
}

static gboolean
set_input_caps(GstMulawCodec *self, GstCaps *caps)
{
  MulawFormat in;

  if (!mulaw_format_from_caps(&in, caps))
    return FALSE;
  drain(self);
  g_clear_pointer(&self->converter, mulaw_converter_free);
  gst_caps_replace(&self->in_caps, caps);
  self->in = in;
  self->pass_through = self->configured = FALSE;
  gst_pad_check_reconfigure(self->src_pad);
  return negotiate(self);
}

static GstFlowReturn
renegotiate(GstMulawCodec *self)
{
  if (self->in_caps && negotiate(self))
    return GST_FLOW_OK;
  gst_pad_mark_reconfigure(self->src_pad);
  return GST_PAD_IS_FLUSHING(self->src_pad) ? GST_FLOW_FLUSHING : GST_FLOW_NOT_NEGOTIATED;
}

static void
follow_turn(GstMulawCodec *self, GstBuffer *buffer)
{
  CordTurn *turn = cord_buffer_get_turn(buffer);

  if (turn == self->turn)
    return;
  g_clear_pointer(&self->turn, cord_turn_unref);
  self->turn = turn ? cord_turn_ref(turn) : NULL;
}

static void
convert_bytes(GstMulawCodec *self, GstBuffer *in, gsize n_in, GstBuffer *out, gsize n_out)
{
  GstMapInfo in_map, out_map;

  if (!gst_buffer_map(in, &in_map, GST_MAP_READ))
    return;
  gst_buffer_map(out, &out_map, GST_MAP_WRITE);
  mulaw_converter_process(self->converter, in_map.data, n_in, out_map.data, n_out);
  gst_buffer_unmap(out, &out_map);
  gst_buffer_unmap(in, &in_map);
}

/* At the same rate the input's own times hold, sample for sample. */
static void
describe_output(GstMulawCodec *self, GstBuffer *in, GstBuffer *out, gsize n)
{
  const gboolean counted = self->timeline.untimed || self->in.rate != self->out.rate;

  gst_buffer_copy_into(out, in, GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS, 0, -1);
  mulaw_buffer_copy_metas(out, in);
  if (counted) {
    stamp_output(self, out, n);
  } else {
    GST_BUFFER_DURATION(out) = gst_util_uint64_scale_int(n, GST_SECOND, self->out.rate);
    count(&self->total_out, n);
  }
  if (self->discont)
    GST_BUFFER_FLAG_SET(out, GST_BUFFER_FLAG_DISCONT);
  else
    GST_BUFFER_FLAG_UNSET(out, GST_BUFFER_FLAG_DISCONT);
  self->discont = FALSE;
}

static GstFlowReturn
convert(GstMulawCodec *self, GstBuffer *buffer)
{
  g_autoptr(GstBuffer) in = NULL;
  GstBuffer *out;
  gsize n_in, n_out;

  if (mulaw_timeline_deviates(&self->timeline, buffer)) {
    drain(self);
    self->discont = TRUE;
  }
  in = self->in.mulaw ? buffer : mulaw_buffer_take_whole_samples(buffer, &self->odd_byte);
  n_in = gst_buffer_get_size(in) / MULAW_FORMAT_BYTES(&self->in);
  if (n_in == 0)
    return GST_FLOW_OK;
  mulaw_timeline_feed(&self->timeline, in, n_in);
  follow_turn(self, in);
  count(&self->total_in, n_in);
  n_out = mulaw_converter_get_out_samples(self->converter, n_in);
  out = gst_buffer_new_allocate(NULL, n_out * MULAW_FORMAT_BYTES(&self->out), NULL);
  convert_bytes(self, in, n_in, out, n_out);
  if (n_out == 0) {
    gst_buffer_unref(out);
    return GST_FLOW_OK;
  }
  describe_output(self, in, out, n_out);
  return gst_pad_push(self->src_pad, out);
}

/* Even untouched, a file of mu-law has neither times nor sample numbers of its own. */
static GstBuffer *
stamp_untouched(GstMulawCodec *self, GstBuffer *buffer)
{
  buffer = gst_buffer_make_writable(buffer);
  stamp_output(self, buffer, gst_buffer_get_size(buffer) / MULAW_FORMAT_BYTES(&self->in));
  return buffer;
}

static GstFlowReturn
gst_mulaw_codec_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstMulawCodec *self = GST_MULAW_CODEC(parent);

  if (G_UNLIKELY(gst_pad_check_reconfigure(self->src_pad))) {
    const GstFlowReturn flow = renegotiate(self);

    if (flow != GST_FLOW_OK) {
      gst_buffer_unref(buffer);
      return flow;
    }
  }
  if (self->pass_through)
    return gst_pad_push(self->src_pad,
                        self->timeline.untimed ? stamp_untouched(self, buffer) : buffer);
  if (G_UNLIKELY(self->converter == NULL)) {
    gst_buffer_unref(buffer);
    return GST_FLOW_NOT_NEGOTIATED;
  }
  return convert(self, buffer);
}

static GstEvent *
begin_segment(GstMulawCodec *self, GstEvent *event)
{
  const GstSegment *segment;
  GstSegment time_segment;
  GstEvent *time_event;

  gst_event_parse_segment(event, &segment);
  mulaw_timeline_begin(&self->timeline, segment->format != GST_FORMAT_TIME);
  if (!self->timeline.untimed)
    return event;
  gst_segment_init(&time_segment, GST_FORMAT_TIME);
  time_event = gst_event_new_segment(&time_segment);
  gst_event_set_seqnum(time_event, gst_event_get_seqnum(event));
  gst_event_unref(event);
  return time_event;
}

static gboolean
gst_mulaw_codec_sink_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstMulawCodec *self = GST_MULAW_CODEC(parent);
  GstCaps *caps;
  gboolean ok;

  switch (GST_EVENT_TYPE(event)) {
  case GST_EVENT_CAPS:
    gst_event_parse_caps(event, &caps);
    ok = set_input_caps(self, caps);
    gst_event_unref(event);
    return ok;
  case GST_EVENT_SEGMENT:
    drain(self);
    event = begin_segment(self, event);
    break;
  case GST_EVENT_FLUSH_STOP:
    forget_stream(self);
    break;
  case GST_EVENT_STREAM_START:
  case GST_EVENT_SEGMENT_DONE:
  case GST_EVENT_GAP:
  case GST_EVENT_EOS:
    drain(self);
    break;
  case GST_EVENT_CUSTOM_DOWNSTREAM:
    if (cord_event_is(event, CORD_EVENT_RESPONSE_FINISHED))
      drain(self);
    break;
  default:
    break;
  }
  return gst_pad_event_default(pad, parent, event);
}

static gboolean
answer_latency_query(GstMulawCodec *self, GstQuery *query)
{
  GstClockTime min, max, delay;
  gboolean live;

  if (!gst_pad_peer_query(self->sink_pad, query))
    return FALSE;
  gst_query_parse_latency(query, &live, &min, &max);
  GST_OBJECT_LOCK(self);
  delay = self->delay;
  GST_OBJECT_UNLOCK(self);
  min += delay;
  if (GST_CLOCK_TIME_IS_VALID(max))
    max += delay;
  gst_query_set_latency(query, live, min, max);
  return TRUE;
}

static gboolean
gst_mulaw_codec_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstMulawCodec *self = GST_MULAW_CODEC(parent);

  switch (GST_QUERY_TYPE(query)) {
  case GST_QUERY_CAPS:
    mulaw_caps_answer_query(get_mode(self), pad,
                            pad == self->src_pad ? self->sink_pad : self->src_pad, query);
    return TRUE;
  case GST_QUERY_ALLOCATION:
    return self->pass_through && gst_pad_peer_query(self->src_pad, query);
  case GST_QUERY_LATENCY:
    if (pad == self->src_pad)
      return answer_latency_query(self, query);
    break;
  default:
    break;
  }
  return gst_pad_query_default(pad, parent, query);
}

static void
reset(GstMulawCodec *self)
{
  forget_stream(self);
  g_clear_pointer(&self->converter, mulaw_converter_free);
  gst_caps_replace(&self->in_caps, NULL);
  self->pass_through = self->configured = self->discont = FALSE;
  mulaw_timeline_begin(&self->timeline, FALSE);
  __atomic_store_n(&self->total_in, 0, __ATOMIC_RELAXED);
  __atomic_store_n(&self->total_out, 0, __ATOMIC_RELAXED);
  GST_OBJECT_LOCK(self);
  self->action = "none";
  self->delay = 0;
  GST_OBJECT_UNLOCK(self);
}

static GstStateChangeReturn
gst_mulaw_codec_change_state(GstElement *element, GstStateChange transition)
{
  const GstStateChangeReturn ret =
      GST_ELEMENT_CLASS(gst_mulaw_codec_parent_class)->change_state(element, transition);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    reset(GST_MULAW_CODEC(element));
  return ret;
}

static GstStructure *
get_stats(GstMulawCodec *self)
{
  const gchar *action;
  GstClockTime delay;

  GST_OBJECT_LOCK(self);
  action = self->action;
  delay = self->delay;
  GST_OBJECT_UNLOCK(self);
  return gst_structure_new(
      "mulawcodec-stats", "action", G_TYPE_STRING, action, "delay", G_TYPE_UINT64, delay,
      "samples-in", G_TYPE_UINT64, __atomic_load_n(&self->total_in, __ATOMIC_RELAXED),
      "samples-out", G_TYPE_UINT64, __atomic_load_n(&self->total_out, __ATOMIC_RELAXED), NULL);
}

static void
gst_mulaw_codec_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstMulawCodec *self = GST_MULAW_CODEC(object);

  switch (id) {
  case PROP_MODE:
    g_value_set_enum(value, get_mode(self));
    break;
  case PROP_STATS:
    g_value_take_boxed(value, get_stats(self));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
}

static void
gst_mulaw_codec_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstMulawCodec *self = GST_MULAW_CODEC(object);

  switch (id) {
  case PROP_MODE:
    GST_OBJECT_LOCK(self);
    self->mode = g_value_get_enum(value);
    GST_OBJECT_UNLOCK(self);
    gst_pad_mark_reconfigure(self->src_pad);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
}

static void
gst_mulaw_codec_finalize(GObject *object)
{
  reset(GST_MULAW_CODEC(object));
  G_OBJECT_CLASS(gst_mulaw_codec_parent_class)->finalize(object);
}

static void
gst_mulaw_codec_init(GstMulawCodec *self)
{
  self->mode = DEFAULT_MODE;
  self->sink_pad = gst_pad_new_from_static_template(&sink_template, "sink");
  gst_pad_set_chain_function(self->sink_pad, gst_mulaw_codec_chain);
  gst_pad_set_event_function(self->sink_pad, gst_mulaw_codec_sink_event);
  gst_pad_set_query_function(self->sink_pad, gst_mulaw_codec_query);
  gst_element_add_pad(GST_ELEMENT(self), self->sink_pad);
  self->src_pad = gst_pad_new_from_static_template(&src_template, "src");
  gst_pad_set_query_function(self->src_pad, gst_mulaw_codec_query);
  gst_element_add_pad(GST_ELEMENT(self), self->src_pad);
  reset(self);
}

static void
gst_mulaw_codec_class_init(GstMulawCodecClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);

  GST_DEBUG_CATEGORY_INIT(mulawcodec_debug, "mulawcodec", 0, "G.711 mu-law codec");
  object_class->set_property = gst_mulaw_codec_set_property;
  object_class->get_property = gst_mulaw_codec_get_property;
  object_class->finalize = gst_mulaw_codec_finalize;
  element_class->change_state = gst_mulaw_codec_change_state;

  /**
   * GstMulawCodec:mode:
   *
   * Which way to work where the neighbours leave it open.
   */
  props[PROP_MODE] = g_param_spec_enum(
      "mode", "Mode", "Which way to work; auto lets what the neighbours accept decide",
      GST_TYPE_MULAW_CODEC_MODE, DEFAULT_MODE,
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
  /**
   * GstMulawCodec:stats:
   *
   * A "mulawcodec-stats" structure: what is done ("action": none, pass-through, encode, decode or
   * resample), the filter's "delay" (ns), "samples-in" and "samples-out". Buffers that pass
   * through are not counted.
   */
  props[PROP_STATS] =
      g_param_spec_boxed("stats", "Statistics", "What is done, delay in ns, samples converted",
                         GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties(object_class, N_PROPS, props);
  gst_type_mark_as_plugin_api(GST_TYPE_MULAW_CODEC_MODE, 0);

  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "G.711 mu-law codec", "Filter/Converter/Audio",
      "Encodes or decodes telephone audio, as its neighbours need it, and changes the sample rate",
      "Cordboard developers");
}
