/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-failovertts
 * @title: failovertts
 * @short_description: text to speech by the first service that works
 *
 * A bin of text-to-speech elements of which one is at work. When that fails, or its service is gone
 * for longer than #GstFailover:failover-after, the next one takes over and says what was not yet
 * said, from the word on at which the first one broke off; those who follow hear one stream, in the
 * format of whoever speaks. What was heard of a turn is known through all voices that spoke it. The
 * elements that have failed are tried again in the background, and between two turns the best that
 * works is gone back to. Each change is told by a `cordboard/failover` message.
 *
 * |[
 * gst-launch-1.0 fdsrc ! text/x-raw,format=utf8 ! \
 *   failovertts elements="elevenlabstts ; openaitts ; flitetts" ! audioconvert ! autoaudiosink
 * ]|
 */
#include "config.h"

#include "failover-elements.h"
#include "gstfailovertts-private.h"

GST_DEBUG_CATEGORY(failovertts_debug);
#define GST_CAT_DEFAULT failovertts_debug

enum {
  PROP_0,
  PROP_HEDGE_AFTER,
};

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(TEXT_CAPS));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(AUDIO_CAPS));

G_DEFINE_FINAL_TYPE(GstFailoverTts, gst_failover_tts, GST_TYPE_FAILOVER)
GST_ELEMENT_REGISTER_DEFINE(failovertts, "failovertts", GST_RANK_NONE, GST_TYPE_FAILOVER_TTS)

static void
clear(GstFailover *base)
{
  GstFailoverTts *self = GST_FAILOVER_TTS(base);

  g_clear_pointer(&self->hedge, cord_timer_remove);
  self->voice = self->rival = NULL;
  tts_script_clear(self->script);
  gst_clear_event(&self->stream_start);
  gst_clear_caps(&self->caps);
  gst_segment_init(&self->segment, GST_FORMAT_UNDEFINED);
  self->position = 0;
  self->last_turn = -1;
  self->fed = 0;
  self->introduced = self->told_start = self->told_segment = FALSE;
}

static void
set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id != PROP_HEDGE_AFTER) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    return;
  }
  GST_OBJECT_LOCK(object);
  GST_FAILOVER_TTS(object)->hedge_after_ms = g_value_get_uint(value);
  GST_OBJECT_UNLOCK(object);
}

static void
get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id != PROP_HEDGE_AFTER) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    return;
  }
  GST_OBJECT_LOCK(object);
  g_value_set_uint(value, GST_FAILOVER_TTS(object)->hedge_after_ms);
  GST_OBJECT_UNLOCK(object);
}

static void
finalize(GObject *object)
{
  GstFailoverTts *self = GST_FAILOVER_TTS(object);

  tts_script_free(self->script);
  gst_clear_event(&self->stream_start);
  gst_clear_caps(&self->caps);
  G_OBJECT_CLASS(gst_failover_tts_parent_class)->finalize(object);
}

static void
gst_failover_tts_class_init(GstFailoverTtsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);
  GstFailoverClass *base_class = GST_FAILOVER_CLASS(klass);

  GST_DEBUG_CATEGORY_INIT(failovertts_debug, "failovertts", 0, "text to speech that fails over");
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  base_class->group_funcs = &gst_failover_tts_group_funcs;
  base_class->on_object = gst_failover_tts_on_object;
  base_class->set_pad_functions = gst_failover_tts_set_pad_functions;
  base_class->clear = clear;
  /**
   * GstFailoverTts:hedge-after:
   *
   * After how long without the first audio of a text the next element is asked for it, too; whoever
   * is first goes on, the other is cancelled. Costs what is asked for in vain. 0: never.
   */
  g_object_class_install_property(
      object_class, PROP_HEDGE_AFTER,
      g_param_spec_uint("hedge-after", "Hedge after",
                        "After how long without audio the next element is asked too (ms; 0: never)",
                        0, 60000, 0,
                        G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "Text to speech with fail-over", "Audio/Text/Filter/Bin",
      "Speaks text with the first of several elements that works", "Cordboard developers");
}

static void
gst_failover_tts_init(GstFailoverTts *self)
{
  self->script = tts_script_new(gst_failover_tts_ask, self);
  self->last_turn = -1;
  gst_segment_init(&self->segment, GST_FORMAT_UNDEFINED);
}
