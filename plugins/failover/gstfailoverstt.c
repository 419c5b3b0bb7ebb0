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

#include "cord-error.h"
#include "cord-events.h"
#include "failover-elements.h"
#include "gstfailoverstt-private.h"

GST_DEBUG_CATEGORY(failoverstt_debug);
#define GST_CAT_DEFAULT failoverstt_debug

#define DEFAULT_FAILOVER_AFTER 800   /* ms */
#define DEFAULT_PROBE_INTERVAL 10000 /* ms */
enum {
  PROP_0,
  PROP_CONTEXT,
  PROP_ELEMENTS,
  PROP_FAILOVER_AFTER,
  PROP_PROBE_INTERVAL,
  PROP_ACTIVE,
};

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(AUDIO_CAPS));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(TEXT_CAPS));

G_DEFINE_FINAL_TYPE(GstFailoverStt, gst_failover_stt, GST_TYPE_BIN)
GST_ELEMENT_REGISTER_DEFINE(failoverstt, "failoverstt", GST_RANK_NONE, GST_TYPE_FAILOVER_STT)

/* Life */

static void
handle_message(GstBin *bin, GstMessage *message)
{
  GstFailoverStt *self = GST_FAILOVER_STT(bin);
  GstBinClass *parent_class = GST_BIN_CLASS(gst_failover_stt_parent_class);
  g_autoptr(GError) error = NULL;
  g_autofree gchar *debug = NULL;

  if (!failover_group_take_message(self->group, message)) {
    parent_class->handle_message(bin, message);
    return;
  }
  /* no error while there is somebody else */
  gst_message_parse_error(message, &error, &debug);
  parent_class->handle_message(bin,
                               gst_message_new_warning(GST_MESSAGE_SRC(message), error, debug));
  gst_message_unref(message);
}

static void
run_clear(gpointer data)
{
  GstFailoverStt *self = data;

  stt_replay_clear(self->replay);
  gst_clear_event(&self->stream_start);
  gst_clear_caps(&self->caps);
  gst_segment_init(&self->segment, GST_FORMAT_UNDEFINED);
  self->position = 0;
  self->introduced = self->told_start = self->told_caps = self->told_segment = FALSE;
}

static void
get_ready(GstFailoverStt *self)
{
  g_autoptr(GError) problem = NULL;

  GST_OBJECT_LOCK(self);
  problem = self->problem ? g_error_copy(self->problem) : NULL;
  GST_OBJECT_UNLOCK(self);
  if (problem)
    cord_element_post_warning(GST_ELEMENT(self), problem);
  self->worker = cord_worker_for_element(GST_ELEMENT(self), self->context);
  failover_group_prepare(self->group, self->worker);
}

static void
start_up(GstFailoverStt *self)
{
  GST_OBJECT_LOCK(self);
  failover_group_set_times(self->group, self->failover_after_ms, self->probe_interval_ms);
  GST_OBJECT_UNLOCK(self);
  cord_worker_call(self->worker, run_clear, self);
  failover_group_start(self->group);
  cord_inbox_open(self->inbox, self->worker);
}

static GstStateChangeReturn
change_state(GstElement *element, GstStateChange transition)
{
  GstFailoverStt *self = GST_FAILOVER_STT(element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_NULL_TO_READY)
    get_ready(self);
  else if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    start_up(self);
  else if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    cord_inbox_close(self->inbox);

  result = GST_ELEMENT_CLASS(gst_failover_stt_parent_class)->change_state(element, transition);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    failover_group_stop(self->group);
    cord_worker_call(self->worker, run_clear, self);
  } else if (transition == GST_STATE_CHANGE_READY_TO_NULL) {
    failover_group_unprepare(self->group);
    g_clear_object(&self->worker);
  }
  return result;
}

static void
set_elements(GstFailoverStt *self, const gchar *elements)
{
  GError *problem = NULL;
  GstState state;

  GST_OBJECT_LOCK(self);
  state = GST_STATE(self);
  GST_OBJECT_UNLOCK(self);
  if (state != GST_STATE_NULL) {
    g_warning("failoverstt: the elements can be changed in NULL only");
    return;
  }
  failover_group_set_elements(self->group, elements, &problem);
  GST_OBJECT_LOCK(self);
  g_free(self->elements);
  self->elements = g_strdup(elements);
  g_clear_error(&self->problem);
  self->problem = problem;
  GST_OBJECT_UNLOCK(self);
}

static void
set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstFailoverStt *self = GST_FAILOVER_STT(object);

  if (id == PROP_ELEMENTS) {
    set_elements(self, g_value_get_string(value));
    return;
  }
  GST_OBJECT_LOCK(self);
  switch (id) {
  case PROP_CONTEXT:
    g_free(self->context);
    self->context = g_value_dup_string(value);
    break;
  case PROP_FAILOVER_AFTER:
    self->failover_after_ms = g_value_get_uint(value);
    break;
  case PROP_PROBE_INTERVAL:
    self->probe_interval_ms = g_value_get_uint(value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
  GST_OBJECT_UNLOCK(self);
}

static void
get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstFailoverStt *self = GST_FAILOVER_STT(object);

  GST_OBJECT_LOCK(self);
  switch (id) {
  case PROP_CONTEXT:
    g_value_set_string(value, self->context);
    break;
  case PROP_ELEMENTS:
    g_value_set_string(value, self->elements);
    break;
  case PROP_FAILOVER_AFTER:
    g_value_set_uint(value, self->failover_after_ms);
    break;
  case PROP_PROBE_INTERVAL:
    g_value_set_uint(value, self->probe_interval_ms);
    break;
  case PROP_ACTIVE:
    g_value_set_string(value, self->active);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
  GST_OBJECT_UNLOCK(self);
}

static void
dispose(GObject *object)
{
  GstFailoverStt *self = GST_FAILOVER_STT(object);

  if (self->group)
    failover_group_set_elements(self->group, NULL, NULL);
  G_OBJECT_CLASS(gst_failover_stt_parent_class)->dispose(object);
}

static void
finalize(GObject *object)
{
  GstFailoverStt *self = GST_FAILOVER_STT(object);

  failover_group_free(self->group);
  stt_replay_free(self->replay);
  cord_inbox_free(self->inbox);
  gst_clear_event(&self->stream_start);
  gst_clear_caps(&self->caps);
  g_free(self->context);
  g_free(self->elements);
  g_free(self->active);
  g_clear_error(&self->problem);
  G_OBJECT_CLASS(gst_failover_stt_parent_class)->finalize(object);
}

static void
install(GObjectClass *klass, guint id, GParamSpec *spec)
{
  spec->flags |= G_PARAM_STATIC_STRINGS;
  g_object_class_install_property(klass, id, spec);
}

static void
install_properties(GObjectClass *klass)
{
  install(klass, PROP_CONTEXT,
          g_param_spec_string("context", "Context", "Name of the media thread to share", NULL,
                              G_PARAM_READWRITE | GST_PARAM_MUTABLE_READY));
  /**
   * GstFailoverStt:elements:
   *
   * The elements, described as for gst-launch, the best first, with ";" between them. They are made
   * at once, and can be reached by #GstChildProxy until the element leaves NULL.
   */
  install(klass, PROP_ELEMENTS,
          g_param_spec_string("elements", "Elements",
                              "Speech-to-text elements with their properties, the best first, with "
                              "; between them",
                              NULL, G_PARAM_READWRITE));
  install(klass, PROP_FAILOVER_AFTER,
          g_param_spec_uint("failover-after", "Fail over after",
                            "How long the service at work may be gone (ms)", 0, 60000,
                            DEFAULT_FAILOVER_AFTER, G_PARAM_READWRITE | GST_PARAM_MUTABLE_READY));
  install(klass, PROP_PROBE_INTERVAL,
          g_param_spec_uint("probe-interval", "Probe interval",
                            "After how long an element that has failed is tried again (ms; each "
                            "later time after twice that)",
                            100, 3600000, DEFAULT_PROBE_INTERVAL,
                            G_PARAM_READWRITE | GST_PARAM_MUTABLE_READY));
  install(
      klass, PROP_ACTIVE,
      g_param_spec_string("active", "Active", "Which element is at work", NULL, G_PARAM_READABLE));
}

static void
gst_failover_stt_class_init(GstFailoverSttClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);

  GST_DEBUG_CATEGORY_INIT(failoverstt_debug, "failoverstt", 0, "speech to text that fails over");
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->dispose = dispose;
  object_class->finalize = finalize;
  element_class->change_state = change_state;
  GST_BIN_CLASS(klass)->handle_message = handle_message;
  install_properties(object_class);
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "Speech to text with fail-over", "Audio/Text/Filter/Bin",
      "Understands speech with the first of several elements that works", "Cordboard developers");
}

static void
gst_failover_stt_init(GstFailoverStt *self)
{
  self->failover_after_ms = DEFAULT_FAILOVER_AFTER;
  self->probe_interval_ms = DEFAULT_PROBE_INTERVAL;
  self->replay = stt_replay_new();
  self->group = failover_group_new(GST_BIN(self), &gst_failover_stt_group_funcs, self);
  self->inbox = cord_inbox_new(gst_failover_stt_on_object, self);
  gst_segment_init(&self->segment, GST_FORMAT_UNDEFINED);
  self->sink = gst_pad_new_from_static_template(&sink_template, "sink");
  gst_element_add_pad(GST_ELEMENT(self), self->sink);
  self->src = gst_pad_new_from_static_template(&src_template, "src");
  gst_pad_use_fixed_caps(self->src);
  gst_element_add_pad(GST_ELEMENT(self), self->src);
  gst_failover_stt_set_functions(self);
}
