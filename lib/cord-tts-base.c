/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-tts-base.h"

#include <string.h>

#include "cord-error.h"
#include "cord-events.h"
#include "cord-g711.h"
#include "cord-inbox.h"
#include "cord-spoken-text.h"
#include "cord-tts-base-private.h"

GST_DEBUG_CATEGORY_STATIC(tts_base_debug);
#define GST_CAT_DEFAULT tts_base_debug

/**
 * CordTtsBase:
 *
 * The base of elements that turn text into speech. Text comes in pieces, each a buffer; they are
 * spoken one after another, with the events between them in their places. It knows which audio
 * holds which words: a playout event on its way upstream gets the number of bytes of the turn's
 * text that were heard.
 *
 * A piece that comes with a recording (cord_buffer_set_reply()) is not spoken: the recording goes
 * out in its place, untouched as mu-law at 8 kHz where those who follow take that, else decoded.
 * The caps change for it and, with the next piece, back.
 */

#define CLIP_CAPS                                                                                  \
  "audio/x-mulaw, rate = (int) 8000, channels = (int) 1; "                                         \
  "audio/x-raw, format = (string) S16LE, layout = (string) interleaved, rate = (int) 8000, "       \
  "channels = (int) 1"

enum {
  PROP_0,
  PROP_CONTEXT,
  PROP_TEXT,
};

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE(CordTtsBase, cord_tts_base, GST_TYPE_ELEMENT)

#define PRIV(self) ((CordTtsBasePrivate *)cord_tts_base_get_instance_private(self))

CordTtsBasePrivate *
cord_tts_base_get_private(CordTtsBase *self)
{
  return PRIV(self);
}

/* Life */

static void
run_stop(gpointer data)
{
  CordTtsBase *self = data;
  CordTtsBasePrivate *priv = PRIV(self);

  cord_tts_stream_cancel_all(self);
  CORD_TTS_BASE_GET_CLASS(self)->stop(self);
  g_queue_clear_full(&priv->turns, (GDestroyNotify)cord_spoken_text_free);
}

typedef struct {
  CordTtsBase *self;
  gboolean ok;
  GError *error;
} Start;

static void
run_start(gpointer data)
{
  Start *start = data;
  CordTtsBasePrivate *priv = PRIV(start->self);

  gst_segment_init(&priv->segment, GST_FORMAT_TIME);
  priv->started = FALSE;
  priv->need_segment = priv->discont = TRUE;
  priv->told.rate = 0;
  priv->position = 0;
  start->ok = CORD_TTS_BASE_GET_CLASS(start->self)->start(start->self, &start->error);
}

static gboolean
start_up(CordTtsBase *self)
{
  Start start = { self, TRUE, NULL };

  cord_worker_call(PRIV(self)->worker, run_start, &start);
  if (!start.ok) {
    cord_element_post_error(GST_ELEMENT(self), start.error);
    g_clear_error(&start.error);
    return FALSE;
  }
  cord_inbox_open(PRIV(self)->inbox, PRIV(self)->worker);
  return TRUE;
}

/* An element whose sink is not linked speaks its property and is done. */
static void
say_property(CordTtsBase *self)
{
  g_autofree gchar *text = NULL;

  GST_OBJECT_LOCK(self);
  text = g_strdup(PRIV(self)->text);
  GST_OBJECT_UNLOCK(self);
  if (text == NULL || gst_pad_is_linked(PRIV(self)->sink))
    return;
  cord_inbox_push(PRIV(self)->inbox,
                  GST_MINI_OBJECT_CAST(gst_buffer_new_memdup(text, strlen(text))));
  cord_inbox_push(PRIV(self)->inbox, GST_MINI_OBJECT_CAST(gst_event_new_eos()));
}

static GstStateChangeReturn
change_state(GstElement *element, GstStateChange transition)
{
  CordTtsBase *self = CORD_TTS_BASE(element);
  CordTtsBasePrivate *priv = PRIV(self);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_NULL_TO_READY)
    priv->worker = cord_worker_for_element(element, priv->context);
  else if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start_up(self))
    return GST_STATE_CHANGE_FAILURE;
  else if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    cord_inbox_close(priv->inbox);

  result = GST_ELEMENT_CLASS(cord_tts_base_parent_class)->change_state(element, transition);

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && result != GST_STATE_CHANGE_FAILURE)
    say_property(self);
  else if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    cord_worker_call(priv->worker, run_stop, self);
  else if (transition == GST_STATE_CHANGE_READY_TO_NULL)
    g_clear_object(&priv->worker);
  return result;
}

static void
set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  CordTtsBasePrivate *priv = PRIV(CORD_TTS_BASE(object));

  GST_OBJECT_LOCK(object);
  switch (id) {
  case PROP_CONTEXT:
    g_free(priv->context);
    priv->context = g_value_dup_string(value);
    break;
  case PROP_TEXT:
    g_free(priv->text);
    priv->text = g_value_dup_string(value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
  GST_OBJECT_UNLOCK(object);
}

static void
get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  CordTtsBasePrivate *priv = PRIV(CORD_TTS_BASE(object));

  GST_OBJECT_LOCK(object);
  switch (id) {
  case PROP_CONTEXT:
    g_value_set_string(value, priv->context);
    break;
  case PROP_TEXT:
    g_value_set_string(value, priv->text);
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
  CordTtsBasePrivate *priv = PRIV(CORD_TTS_BASE(object));
  GstElement *element = GST_ELEMENT(object);
  GstElementClass *klass = GST_ELEMENT_GET_CLASS(element);

  priv->sink = gst_pad_new_from_template(gst_element_class_get_pad_template(klass, "sink"), "sink");
  gst_pad_set_chain_function(priv->sink, cord_tts_stream_sink_chain);
  gst_pad_set_event_function(priv->sink, cord_tts_stream_sink_event);
  gst_element_add_pad(element, priv->sink);
  priv->src = gst_pad_new_from_template(gst_element_class_get_pad_template(klass, "src"), "src");
  gst_pad_set_event_function(priv->src, cord_tts_stream_src_event);
  gst_pad_use_fixed_caps(priv->src);
  gst_element_add_pad(element, priv->src);
  G_OBJECT_CLASS(cord_tts_base_parent_class)->constructed(object);
}

static void
finalize(GObject *object)
{
  CordTtsBasePrivate *priv = PRIV(CORD_TTS_BASE(object));

  cord_inbox_free(priv->inbox);
  g_byte_array_unref(priv->odd);
  g_free(priv->context);
  g_free(priv->text);
  G_OBJECT_CLASS(cord_tts_base_parent_class)->finalize(object);
}

static void
cord_tts_base_class_init(CordTtsBaseClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);

  GST_DEBUG_CATEGORY_INIT(tts_base_debug, "cordttsbase", 0, "text-to-speech base class");
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->constructed = constructed;
  object_class->finalize = finalize;
  GST_ELEMENT_CLASS(klass)->change_state = change_state;

  /**
   * CordTtsBase:context:
   *
   * The media thread to work on, by name; elements with the same name share one.
   */
  g_object_class_install_property(
      object_class, PROP_CONTEXT,
      g_param_spec_string("context", "Context", "Name of the media thread to share", NULL,
                          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  /**
   * CordTtsBase:text:
   *
   * What to say when the sink pad is not linked: then the element is a source that ends with it.
   */
  g_object_class_install_property(
      object_class, PROP_TEXT,
      g_param_spec_string("text", "Text", "What to say when nothing is linked to the sink pad",
                          NULL,
                          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  gst_type_mark_as_plugin_api(CORD_TYPE_TTS_BASE, 0);
}

static void
cord_tts_base_init(CordTtsBase *self)
{
  CordTtsBasePrivate *priv = PRIV(self);

  g_queue_init(&priv->items);
  g_queue_init(&priv->turns);
  priv->odd = g_byte_array_new();
  priv->inbox = cord_inbox_new(cord_tts_stream_on_object, self);
}

/**
 * cord_tts_base_class_add_pads: (skip)
 * @klass: a subclass, in its class_init
 * @src_caps: the audio that it gives: audio/x-mulaw or audio/x-raw,S16LE, one channel
 *
 * Adds the pad templates "sink" and "src". Recordings may leave in their own format as well.
 */
void
cord_tts_base_class_add_pads(CordTtsBaseClass *klass, const gchar *src_caps)
{
  g_autoptr(GstCaps) in = gst_caps_from_string("text/x-raw, format = (string) utf8");
  g_autoptr(GstCaps) out =
      gst_caps_merge(gst_caps_from_string(src_caps), gst_caps_from_string(CLIP_CAPS));
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);

  gst_element_class_add_pad_template(
      element_class, gst_pad_template_new("sink", GST_PAD_SINK, GST_PAD_ALWAYS, in));
  gst_element_class_add_pad_template(element_class,
                                     gst_pad_template_new("src", GST_PAD_SRC, GST_PAD_ALWAYS, out));
}

/**
 * cord_tts_base_get_worker: (skip)
 * @self: an element in READY or above
 *
 * Returns: (transfer none): the worker that it lives on
 */
CordWorker *
cord_tts_base_get_worker(CordTtsBase *self)
{
  return PRIV(self)->worker;
}

GstCaps *
cord_tts_format_to_caps(const CordTtsFormat *format)
{
  if (format->mulaw)
    return gst_caps_new_simple("audio/x-mulaw", "rate", G_TYPE_INT, (gint)format->rate, "channels",
                               G_TYPE_INT, 1, NULL);
  return gst_caps_new_simple("audio/x-raw", "format", G_TYPE_STRING, "S16LE", "rate", G_TYPE_INT,
                             (gint)format->rate, "channels", G_TYPE_INT, 1, "layout", G_TYPE_STRING,
                             "interleaved", NULL);
}

gboolean
cord_tts_base_is_accepted(CordTtsBase *self, const CordTtsFormat *format)
{
  g_autoptr(GstCaps) caps = cord_tts_format_to_caps(format);
  g_autoptr(GstCaps) wanted = gst_pad_peer_query_caps(PRIV(self)->src, caps);

  return wanted && !gst_caps_is_empty(wanted);
}

/**
 * cord_tts_base_choose_format: (skip)
 * @self: an element, in start
 * @rates: (array length=n_rates): rates of S16LE, the best first
 * @n_rates: how many
 * @rate: (out): samples a second
 * @mulaw: (out): whether mu-law, which is taken wherever downstream takes it: then nothing is
 *   transcoded on the telephone
 *
 * Chooses the format that a service is asked for, by what is linked.
 */
void
cord_tts_base_choose_format(CordTtsBase *self, const guint *rates, guint n_rates, guint *rate,
                            gboolean *mulaw)
{
  CordTtsBasePrivate *priv = PRIV(self);

  *mulaw = gst_pad_is_linked(priv->src) &&
           cord_tts_base_is_accepted(self, &(CordTtsFormat){ CORD_G711_RATE, TRUE });
  *rate = *mulaw ? CORD_G711_RATE : rates[0];
  for (guint i = 0; !*mulaw && i < n_rates; i++) {
    if (!cord_tts_base_is_accepted(self, &(CordTtsFormat){ rates[i], FALSE }))
      continue;
    *rate = rates[i];
    break;
  }
  cord_tts_base_set_format(self, *rate, *mulaw);
}
