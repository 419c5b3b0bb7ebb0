/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-stt-base.h"

#include <string.h>

#include "cord-error.h"
#include "cord-events.h"
#include "cord-inbox.h"
#include "cord-stt-base-private.h"

GST_DEBUG_CATEGORY_STATIC(stt_base_debug);
#define GST_CAT_DEFAULT stt_base_debug

/* shorter than turntaker waits, so that what was understood until then is still a turn */
#define DEFAULT_FINAL_TIMEOUT 2500 /* ms */

/**
 * CordSttBase:
 *
 * The base of elements that turn speech into text. It cuts utterances by the speech events of a
 * voicedetect upstream (without one, all audio up to EOS is one utterance of at most 60 s), hands
 * their audio to its subclass and brings the results into the stream: one text buffer an utterance,
 * with a #CordTranscript and the running time in which it was spoken, interim transcripts as
 * events, and a GAP for each audio buffer, so that whoever follows has the stream's clock.
 *
 * Each utterance has exactly one end: a text buffer, or a final transcript event with empty text.
 * After a minute an utterance is cut and the next one begins. Holes in the stream are filled with
 * silence; one of more than a second ends the utterance.
 */

enum {
  PROP_0,
  PROP_CONTEXT,
  PROP_LANGUAGE_CODE,
  PROP_FINAL_TIMEOUT,
  PROP_APPEND_NEWLINE,
};

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE(CordSttBase, cord_stt_base, GST_TYPE_ELEMENT)

#define PRIV(self) ((CordSttBasePrivate *)cord_stt_base_get_instance_private(self))

CordSttBasePrivate *
cord_stt_base_get_private(CordSttBase *self)
{
  return PRIV(self);
}

/* Life */

static void
run_stop(gpointer data)
{
  CordSttBase *self = data;

  cord_stt_stream_cancel_all(self);
  CORD_STT_BASE_GET_CLASS(self)->stop(self);
}

typedef struct {
  CordSttBase *self;
  gboolean ok;
  GError *error;
} Start;

static void
run_start(gpointer data)
{
  Start *start = data;

  start->ok = CORD_STT_BASE_GET_CLASS(start->self)->start(start->self, &start->error);
}

static gboolean
start_up(CordSttBase *self)
{
  CordSttBasePrivate *priv = PRIV(self);
  Start start = { self, TRUE, NULL };

  gst_segment_init(&priv->segment, GST_FORMAT_TIME);
  priv->voice_detected = priv->asked = priv->continuous = FALSE;
  priv->cutter = CORD_STT_CUT_UPSTREAM;
  priv->position = 0;
  cord_worker_call(priv->worker, run_start, &start);
  if (!start.ok) {
    cord_element_post_error(GST_ELEMENT(self), start.error);
    g_clear_error(&start.error);
    return FALSE;
  }
  cord_inbox_open(priv->inbox, priv->worker);
  return TRUE;
}

static GstStateChangeReturn
change_state(GstElement *element, GstStateChange transition)
{
  CordSttBase *self = CORD_STT_BASE(element);
  CordSttBasePrivate *priv = PRIV(self);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_NULL_TO_READY)
    priv->worker = cord_worker_for_element(element, priv->context);
  else if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start_up(self))
    return GST_STATE_CHANGE_FAILURE;
  else if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    cord_inbox_close(priv->inbox);

  result = GST_ELEMENT_CLASS(cord_stt_base_parent_class)->change_state(element, transition);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    cord_worker_call(priv->worker, run_stop, self);
  else if (transition == GST_STATE_CHANGE_READY_TO_NULL)
    g_clear_object(&priv->worker);
  return result;
}

static void
set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  CordSttBasePrivate *priv = PRIV(CORD_STT_BASE(object));

  GST_OBJECT_LOCK(object);
  switch (id) {
  case PROP_CONTEXT:
    g_free(priv->context);
    priv->context = g_value_dup_string(value);
    break;
  case PROP_LANGUAGE_CODE:
    g_free(priv->language);
    priv->language = g_value_dup_string(value);
    break;
  case PROP_FINAL_TIMEOUT:
    priv->final_timeout_ms = g_value_get_uint(value);
    break;
  case PROP_APPEND_NEWLINE:
    priv->append_newline = g_value_get_boolean(value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
  GST_OBJECT_UNLOCK(object);
}

static void
get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  CordSttBasePrivate *priv = PRIV(CORD_STT_BASE(object));

  GST_OBJECT_LOCK(object);
  switch (id) {
  case PROP_CONTEXT:
    g_value_set_string(value, priv->context);
    break;
  case PROP_LANGUAGE_CODE:
    g_value_set_string(value, priv->language);
    break;
  case PROP_FINAL_TIMEOUT:
    g_value_set_uint(value, priv->final_timeout_ms);
    break;
  case PROP_APPEND_NEWLINE:
    g_value_set_boolean(value, priv->append_newline);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
  GST_OBJECT_UNLOCK(object);
}

/* The pads come from the subclass's templates, which its instance does not see in init. */
static void
constructed(GObject *object)
{
  CordSttBasePrivate *priv = PRIV(CORD_STT_BASE(object));
  GstElement *element = GST_ELEMENT(object);
  GstElementClass *klass = GST_ELEMENT_GET_CLASS(element);

  priv->sink = gst_pad_new_from_template(gst_element_class_get_pad_template(klass, "sink"), "sink");
  gst_pad_set_chain_function(priv->sink, cord_stt_stream_sink_chain);
  gst_pad_set_event_function(priv->sink, cord_stt_stream_sink_event);
  gst_element_add_pad(element, priv->sink);
  priv->src = gst_pad_new_from_template(gst_element_class_get_pad_template(klass, "src"), "src");
  gst_pad_use_fixed_caps(priv->src);
  gst_element_add_pad(element, priv->src);
  G_OBJECT_CLASS(cord_stt_base_parent_class)->constructed(object);
}

static void
finalize(GObject *object)
{
  CordSttBasePrivate *priv = PRIV(CORD_STT_BASE(object));

  cord_inbox_free(priv->inbox);
  g_free(priv->context);
  g_free(priv->language);
  G_OBJECT_CLASS(cord_stt_base_parent_class)->finalize(object);
}

static void
cord_stt_base_class_init(CordSttBaseClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);

  GST_DEBUG_CATEGORY_INIT(stt_base_debug, "cordsttbase", 0, "speech-to-text base class");
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->constructed = constructed;
  object_class->finalize = finalize;
  GST_ELEMENT_CLASS(klass)->change_state = change_state;

  /**
   * CordSttBase:context:
   *
   * The media thread to work on, by name; elements with the same name share one.
   */
  g_object_class_install_property(
      object_class, PROP_CONTEXT,
      g_param_spec_string("context", "Context", "Name of the media thread to share", NULL,
                          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  /**
   * CordSttBase:language-code:
   *
   * The language that is spoken, as a BCP 47 tag.
   */
  g_object_class_install_property(
      object_class, PROP_LANGUAGE_CODE,
      g_param_spec_string("language-code", "Language code", "Language that is spoken (BCP 47)",
                          "en-US",
                          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  /**
   * CordSttBase:final-timeout:
   *
   * How long after the end of an utterance its result is waited for, in ms. Where audio comes
   * faster than it is spoken (from a file), the time that it would have taken is added.
   */
  g_object_class_install_property(
      object_class, PROP_FINAL_TIMEOUT,
      g_param_spec_uint("final-timeout", "Final timeout",
                        "How long to wait for the result after the end of an utterance (ms)", 100,
                        60000, DEFAULT_FINAL_TIMEOUT,
                        G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  /**
   * CordSttBase:append-newline:
   *
   * Ends each text with a line break, so that fdsink and filesink write lines. Whoever reads the
   * #CordTranscript of a buffer does not see it.
   */
  g_object_class_install_property(
      object_class, PROP_APPEND_NEWLINE,
      g_param_spec_boolean("append-newline", "Append newline",
                           "End each text with a line break, for fdsink", FALSE,
                           G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  gst_type_mark_as_plugin_api(CORD_TYPE_STT_BASE, 0);
}

static void
cord_stt_base_init(CordSttBase *self)
{
  CordSttBasePrivate *priv = PRIV(self);

  g_queue_init(&priv->pre_roll);
  g_queue_init(&priv->waiting);
  priv->final_timeout_ms = DEFAULT_FINAL_TIMEOUT;
  priv->language = g_strdup("en-US");
  priv->inbox = cord_inbox_new(cord_stt_stream_on_object, self);
}

/**
 * cord_stt_base_class_add_pads: (skip)
 * @klass: a subclass, in its class_init
 * @sink_caps: the audio that it takes: audio/x-mulaw or audio/x-raw, one channel
 *
 * Adds the pad templates "sink" and "src".
 */
void
cord_stt_base_class_add_pads(CordSttBaseClass *klass, const gchar *sink_caps)
{
  g_autoptr(GstCaps) in = gst_caps_from_string(sink_caps);
  g_autoptr(GstCaps) out = gst_caps_from_string("text/x-raw, format = (string) utf8");
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);

  gst_element_class_add_pad_template(
      element_class, gst_pad_template_new("sink", GST_PAD_SINK, GST_PAD_ALWAYS, in));
  gst_element_class_add_pad_template(element_class,
                                     gst_pad_template_new("src", GST_PAD_SRC, GST_PAD_ALWAYS, out));
}

/**
 * cord_stt_base_get_worker: (skip)
 * @self: an element in READY or above
 *
 * Returns: (transfer none): the worker that it lives on
 */
CordWorker *
cord_stt_base_get_worker(CordSttBase *self)
{
  return PRIV(self)->worker;
}
