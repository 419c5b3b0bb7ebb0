/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-failoverstt
 * @title: failoverstt
 * @short_description: speech to text by the first service that works
 *
 * A bin of speech-to-text elements of which one is at work. When that fails, or its service is gone
 * for longer than #GstFailoverStt:failover-after, the next one takes over and hears again what was
 * not yet understood; those who follow see one stream, in which every utterance still has exactly
 * one end. The elements that have failed are tried again in the background, and between two
 * utterances the best that works is gone back to. Each change is told by a `cordboard/failover`
 * message.
 *
 * |[
 * gst-launch-1.0 -m filesrc location=call.wav ! wavparse ! audioconvert ! audioresample !
 * voicedetect ! failoverstt elements="deepgramstt ; openaistt ; pocketsphinxstt" ! fdsink
 * ]|
 */
#include "config.h"

#include "failover-elements.h"
#include "gstfailoverstt-private.h"

GST_DEBUG_CATEGORY(failoverstt_debug);
#define GST_CAT_DEFAULT failoverstt_debug

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(AUDIO_CAPS));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(TEXT_CAPS));

G_DEFINE_FINAL_TYPE(GstFailoverStt, gst_failover_stt, GST_TYPE_FAILOVER)
GST_ELEMENT_REGISTER_DEFINE(failoverstt, "failoverstt", GST_RANK_NONE, GST_TYPE_FAILOVER_STT)

static void
clear(GstFailover *base)
{
  GstFailoverStt *self = GST_FAILOVER_STT(base);

  stt_replay_clear(self->replay);
  gst_clear_event(&self->stream_start);
  gst_clear_caps(&self->caps);
  gst_segment_init(&self->segment, GST_FORMAT_UNDEFINED);
  self->position = 0;
  self->introduced = self->told_start = self->told_caps = self->told_segment = FALSE;
}

static void
finalize(GObject *object)
{
  GstFailoverStt *self = GST_FAILOVER_STT(object);

  stt_replay_free(self->replay);
  gst_clear_event(&self->stream_start);
  gst_clear_caps(&self->caps);
  G_OBJECT_CLASS(gst_failover_stt_parent_class)->finalize(object);
}

static void
gst_failover_stt_class_init(GstFailoverSttClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);
  GstFailoverClass *base_class = GST_FAILOVER_CLASS(klass);

  GST_DEBUG_CATEGORY_INIT(failoverstt_debug, "failoverstt", 0, "speech to text that fails over");
  G_OBJECT_CLASS(klass)->finalize = finalize;
  base_class->group_funcs = &gst_failover_stt_group_funcs;
  base_class->on_object = gst_failover_stt_on_object;
  base_class->set_pad_functions = gst_failover_stt_set_pad_functions;
  base_class->clear = clear;
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "Speech to text with fail-over", "Audio/Text/Filter/Bin",
      "Understands speech with the first of several elements that works", "Cordboard developers");
}

static void
gst_failover_stt_init(GstFailoverStt *self)
{
  self->replay = stt_replay_new();
  gst_segment_init(&self->segment, GST_FORMAT_UNDEFINED);
}
