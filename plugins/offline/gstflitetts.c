/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-flitetts
 * @title: flitetts
 * @short_description: speaks text with libflite
 *
 * Speech without network or key, in milliseconds. The voices "slt", "rms" and "awb" sound best;
 * "kal16" gives the same samples each time; "kal" is native 8 kHz.
 *
 * |[
 * gst-launch-1.0 flitetts text="Hello from GStreamer" ! audioconvert ! audioresample !
 * autoaudiosink
 * ]|
 */
#include "config.h"

#include "cord-error.h"
#include "cord-tts-base.h"
#include "flite-voice.h"
#include "offline-elements.h"

GST_DEBUG_CATEGORY_STATIC(flitetts_debug);
#define GST_CAT_DEFAULT flitetts_debug

#define DEFAULT_VOICE "slt"
#define CAPS                                                                                       \
  "audio/x-raw, format = (string) S16LE, rate = (int) { 8000, 16000 }, channels = (int) 1, "       \
  "layout = (string) interleaved"

#define GST_TYPE_FLITE_TTS (gst_flite_tts_get_type())
G_DECLARE_FINAL_TYPE(GstFliteTts, gst_flite_tts, GST, FLITE_TTS, CordTtsBase)

struct _GstFliteTts {
  CordTtsBase parent_instance;

  /* properties; object lock */
  gchar *voice;
  gdouble speaking_rate;

  FliteJob *job; /* worker only */
};

enum {
  PROP_0,
  PROP_VOICE,
  PROP_VOICE_ID,
  PROP_SPEAKING_RATE,
};

G_DEFINE_FINAL_TYPE(GstFliteTts, gst_flite_tts, CORD_TYPE_TTS_BASE)
GST_ELEMENT_REGISTER_DEFINE(flitetts, "flitetts", GST_RANK_NONE, GST_TYPE_FLITE_TTS)

/* From a thread of the pool to the worker. A piece's number tells late results apart. */
typedef struct {
  GstFliteTts *self;
  CordWorker *worker;
  guint piece;
} Route;

typedef struct {
  GstFliteTts *self;
  guint piece;
  GBytes *audio;
  GArray *words;
  gchar *error;
  gboolean done;
} Result;

static void
free_route(gpointer data)
{
  Route *route = data;

  gst_object_unref(route->self);
  g_object_unref(route->worker);
  g_free(route);
}

static void
free_result(gpointer data)
{
  Result *result = data;

  gst_object_unref(result->self);
  g_clear_pointer(&result->audio, g_bytes_unref);
  g_clear_pointer(&result->words, g_array_unref);
  g_free(result->error);
  g_free(result);
}

static void
deliver(gpointer data)
{
  Result *result = data;
  CordTtsBase *base = CORD_TTS_BASE(result->self);

  if (result->audio) {
    gsize size;
    gconstpointer bytes = g_bytes_get_data(result->audio, &size);

    cord_tts_base_take_audio(base, result->piece, bytes, size);
  }
  if (result->words)
    cord_tts_base_take_words(base, result->piece, (CordTtsWord *)result->words->data,
                             result->words->len);
  if (result->done)
    cord_tts_base_piece_done(
        base, result->piece,
        result->error ? g_error_new_literal(CORD_ERROR, CORD_ERROR_INVALID, result->error) : NULL);
}

static Result *
new_result(const Route *route)
{
  Result *result = g_new0(Result, 1);

  result->self = gst_object_ref(route->self);
  result->piece = route->piece;
  return result;
}

static void
on_audio(const gint16 *samples, gsize n_samples, gpointer data)
{
  Route *route = data;
  Result *result = new_result(route);

  result->audio = g_bytes_new(samples, n_samples * sizeof *samples);
  cord_worker_post(route->worker, deliver, result, free_result);
}

static void
on_words(const CordTtsWord *words, guint n_words, gpointer data)
{
  Route *route = data;
  Result *result = new_result(route);

  result->words = g_array_new(FALSE, FALSE, sizeof(CordTtsWord));
  g_array_append_vals(result->words, words, n_words);
  cord_worker_post(route->worker, deliver, result, free_result);
}

static void
on_done(const gchar *error, gpointer data)
{
  Route *route = data;
  Result *result = new_result(route);

  result->error = g_strdup(error);
  result->done = TRUE;
  cord_worker_post(route->worker, deliver, result, free_result);
}

static const FliteSink flite_sink = { on_audio, on_words, on_done };

static gboolean
gst_flite_tts_start(CordTtsBase *base, GError **error)
{
  GstFliteTts *self = GST_FLITE_TTS(base);
  guint rate;

  GST_OBJECT_LOCK(self);
  rate = flite_voice_get_rate(self->voice);
  GST_OBJECT_UNLOCK(self);
  cord_tts_base_set_format(base, rate, FALSE);
  return TRUE;
}

static void
gst_flite_tts_speak(CordTtsBase *base, guint piece, guint turn, const gchar *text)
{
  GstFliteTts *self = GST_FLITE_TTS(base);
  Route *route = g_new0(Route, 1);
  g_autofree gchar *voice = NULL;
  gdouble rate;

  GST_OBJECT_LOCK(self);
  voice = g_strdup(self->voice);
  rate = self->speaking_rate;
  GST_OBJECT_UNLOCK(self);
  route->self = gst_object_ref(self);
  route->worker = g_object_ref(cord_tts_base_get_worker(base));
  route->piece = piece;
  g_clear_pointer(&self->job, flite_job_cancel);
  self->job = flite_job_start(voice, rate, text, &flite_sink, route, free_route);
}

static void
gst_flite_tts_cancel(CordTtsBase *base, guint piece)
{
  g_clear_pointer(&GST_FLITE_TTS(base)->job, flite_job_cancel);
}

static void
gst_flite_tts_stop(CordTtsBase *base)
{
  g_clear_pointer(&GST_FLITE_TTS(base)->job, flite_job_cancel);
}

static void
set_voice(GstFliteTts *self, const gchar *voice)
{
  /* an agent's voice may be another provider's; the default speaks for it */
  if (flite_voice_get_rate(voice) == 0) {
    GST_WARNING_OBJECT(self, "there is no voice \"%s\"; \"" DEFAULT_VOICE "\" speaks", voice);
    voice = DEFAULT_VOICE;
  }
  g_free(self->voice);
  self->voice = g_strdup(voice);
}

static void
gst_flite_tts_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstFliteTts *self = GST_FLITE_TTS(object);

  GST_OBJECT_LOCK(self);
  switch (id) {
  case PROP_VOICE:
  case PROP_VOICE_ID:
    set_voice(self, g_value_get_string(value));
    break;
  case PROP_SPEAKING_RATE:
    self->speaking_rate = g_value_get_double(value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
  GST_OBJECT_UNLOCK(self);
}

static void
gst_flite_tts_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstFliteTts *self = GST_FLITE_TTS(object);

  GST_OBJECT_LOCK(self);
  switch (id) {
  case PROP_VOICE:
  case PROP_VOICE_ID:
    g_value_set_string(value, self->voice);
    break;
  case PROP_SPEAKING_RATE:
    g_value_set_double(value, self->speaking_rate);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
  GST_OBJECT_UNLOCK(self);
}

static void
gst_flite_tts_finalize(GObject *object)
{
  g_free(GST_FLITE_TTS(object)->voice);
  G_OBJECT_CLASS(gst_flite_tts_parent_class)->finalize(object);
}

static void
gst_flite_tts_class_init(GstFliteTtsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  CordTtsBaseClass *base_class = CORD_TTS_BASE_CLASS(klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  GST_DEBUG_CATEGORY_INIT(flitetts_debug, "flitetts", 0, "speech by libflite");
  object_class->set_property = gst_flite_tts_set_property;
  object_class->get_property = gst_flite_tts_get_property;
  object_class->finalize = gst_flite_tts_finalize;
  base_class->start = gst_flite_tts_start;
  base_class->stop = gst_flite_tts_stop;
  base_class->speak = gst_flite_tts_speak;
  base_class->cancel = gst_flite_tts_cancel;

  /**
   * GstFliteTts:voice:
   *
   * slt, rms, awb, kal16 or kal.
   */
  g_object_class_install_property(
      object_class, PROP_VOICE,
      g_param_spec_string("voice", "Voice",
                          "Who speaks: slt, rms, awb, kal16 (16 kHz) or kal (8 kHz)", DEFAULT_VOICE,
                          flags));
  /**
   * GstFliteTts:voice-id:
   *
   * The same as #GstFliteTts:voice, under the name that other speech elements use.
   */
  g_object_class_install_property(
      object_class, PROP_VOICE_ID,
      g_param_spec_string("voice-id", "Voice ID", "The same as voice", DEFAULT_VOICE, flags));
  /**
   * GstFliteTts:speaking-rate:
   *
   * How fast it speaks; 1 is the voice's own rate.
   */
  g_object_class_install_property(
      object_class, PROP_SPEAKING_RATE,
      g_param_spec_double("speaking-rate", "Speaking rate",
                          "How fast it speaks, 1: as the voice does; of the next piece", 0.5, 2.0,
                          1.0,
                          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  gst_element_class_set_static_metadata(
      GST_ELEMENT_CLASS(klass), "Flite text to speech", "Audio/Text/Filter",
      "Speaks text with libflite, without network or key", "Cordboard developers");
  cord_tts_base_class_add_pads(base_class, CAPS);
}

static void
gst_flite_tts_init(GstFliteTts *self)
{
  self->voice = g_strdup(DEFAULT_VOICE);
  self->speaking_rate = 1.0;
}
