/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-pocketsphinxstt
 * @title: pocketsphinxstt
 * @short_description: understands English with libpocketsphinx
 *
 * Speech to text without network or key. A voicedetect before it cuts the stream into utterances;
 * without one, all up to EOS is one. Telephone audio (8 kHz) is understood because the cepstral
 * mean of the telephone band is its prior; phrases that are likely to be said make it good
 * (#GstPocketsphinxStt:hints).
 *
 * |[
 * gst-launch-1.0 -q filesrc location=call.wav ! wavparse ! audioconvert ! audioresample !
 * pocketsphinxstt ! fdsink
 * ]|
 */
#include "config.h"

#include <string.h>

#include "cord-error.h"
#include "cord-stt-base.h"
#include "decoder-pool.h"
#include "offline-elements.h"

GST_DEBUG_CATEGORY_STATIC(pocketsphinxstt_debug);
#define GST_CAT_DEFAULT pocketsphinxstt_debug

#define MODELS "/usr/share/pocketsphinx/model/en-us/"
#define CAPS                                                                                       \
  "audio/x-mulaw, rate = (int) 8000, channels = (int) 1; "                                         \
  "audio/x-raw, format = (string) S16LE, rate = (int) { 8000, 16000 }, channels = (int) 1, "       \
  "layout = (string) interleaved"

typedef enum {
  PRIOR_AUTO,
  PRIOR_NARROWBAND,
  PRIOR_WIDEBAND,
} Prior;

GType gst_pocketsphinx_stt_prior_get_type(void);
G_DEFINE_ENUM_TYPE(GstPocketsphinxSttPrior, gst_pocketsphinx_stt_prior,
                   { PRIOR_AUTO, "By the rate of the audio", "auto" },
                   { PRIOR_NARROWBAND, "The telephone, up to 4 kHz", "narrowband" },
                   { PRIOR_WIDEBAND, "A good microphone, up to 8 kHz", "wideband" })

/* The cepstral mean of speech over the telephone, measured on synthetic and human voices: it takes
 * the word error of a caller's first utterance from 92 % to 26 %. */
static const gfloat narrowband_mean[SPHINX_CEPSTRA] = {
  47.08f,  28.88f, -35.65f, 45.26f, -22.41f, -1.14f,  9.81f,
  -28.71f, 20.88f, -14.35f, 0.96f,  8.29f,   -14.89f,
};

#define GST_TYPE_POCKETSPHINX_STT (gst_pocketsphinx_stt_get_type())
G_DECLARE_FINAL_TYPE(GstPocketsphinxStt, gst_pocketsphinx_stt, GST, POCKETSPHINX_STT, CordSttBase)

struct _GstPocketsphinxStt {
  CordSttBase parent_instance;

  /* properties; object lock */
  SphinxModel model;
  gchar *hints;
  Prior prior;

  /* worker only */
  GHashTable *jobs; /* utterance -> SphinxJob */
  gfloat mean[SPHINX_CEPSTRA];
  gboolean has_mean; /* the caller has been heard before */
  gboolean told_missing;
};

enum {
  PROP_0,
  PROP_LANGUAGE_MODEL,
  PROP_DICTIONARY,
  PROP_ACOUSTIC_MODEL,
  PROP_GRAMMAR,
  PROP_HINTS,
  PROP_CMN_PRIOR,
};

G_DEFINE_FINAL_TYPE(GstPocketsphinxStt, gst_pocketsphinx_stt, CORD_TYPE_STT_BASE)
GST_ELEMENT_REGISTER_DEFINE(pocketsphinxstt, "pocketsphinxstt", GST_RANK_NONE,
                            GST_TYPE_POCKETSPHINX_STT)

/* From a thread of the pool to the worker */
typedef struct {
  GstPocketsphinxStt *self;
  CordWorker *worker;
  guint utterance;
} Route;

typedef struct {
  GstPocketsphinxStt *self;
  guint utterance;
  gchar *partial;
  CordTranscript *transcript;
  gfloat mean[SPHINX_CEPSTRA];
  gchar *missing;
  GError *error;
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
  g_free(result->partial);
  g_clear_pointer(&result->transcript, cord_transcript_unref);
  g_free(result->missing);
  g_clear_error(&result->error);
  g_free(result);
}

static void
tell_missing(GstPocketsphinxStt *self, const gchar *missing)
{
  g_autoptr(GError) error =
      g_error_new(CORD_ERROR, CORD_ERROR_NOT_FOUND,
                  "hints with words that the dictionary has not are left out: %s", missing);

  if (self->told_missing)
    return;
  self->told_missing = TRUE;
  cord_element_post_warning(GST_ELEMENT(self), error);
}

static void
deliver_partial(Result *result)
{
  CordSttBase *base = CORD_STT_BASE(result->self);
  GstClockTime start = cord_stt_base_get_utterance_start(base, result->utterance);
  g_autoptr(CordTranscript) interim = cord_transcript_new(result->partial, FALSE, start, start);

  cord_stt_base_take_transcript(base, result->utterance, interim);
}

static void
deliver(gpointer data)
{
  Result *result = data;
  GstPocketsphinxStt *self = result->self;

  /* a job that was cancelled has no one to answer to */
  if (!g_hash_table_contains(self->jobs, GUINT_TO_POINTER(result->utterance)))
    return;
  if (!result->done) {
    deliver_partial(result);
    return;
  }
  g_hash_table_remove(self->jobs, GUINT_TO_POINTER(result->utterance));
  if (result->transcript) {
    memcpy(self->mean, result->mean, sizeof self->mean);
    /* an utterance without words says nothing of the voice */
    self->has_mean = self->has_mean || *cord_transcript_get_text(result->transcript);
    cord_stt_base_take_transcript(CORD_STT_BASE(self), result->utterance, result->transcript);
  }
  if (result->missing)
    tell_missing(self, result->missing);
  cord_stt_base_utterance_done(CORD_STT_BASE(self), result->utterance,
                               g_steal_pointer(&result->error));
}

static Result *
new_result(const Route *route)
{
  Result *result = g_new0(Result, 1);

  result->self = gst_object_ref(route->self);
  result->utterance = route->utterance;
  return result;
}

static void
on_partial(const gchar *text, gpointer data)
{
  Route *route = data;
  Result *result = new_result(route);

  result->partial = g_strdup(text);
  cord_worker_post(route->worker, deliver, result, free_result);
}

static void
on_done(CordTranscript *transcript, const gfloat *mean, GPtrArray *missing, const GError *error,
        gpointer data)
{
  Route *route = data;
  Result *result = new_result(route);

  result->done = TRUE;
  if (transcript)
    result->transcript = cord_transcript_ref(transcript);
  if (mean)
    memcpy(result->mean, mean, sizeof result->mean);
  if (missing && missing->len > 0) {
    g_ptr_array_add(missing, NULL);
    result->missing = g_strjoinv(", ", (gchar **)missing->pdata);
    g_ptr_array_set_size(missing, (gint)missing->len - 1);
  }
  if (error)
    result->error = g_error_copy(error);
  cord_worker_post(route->worker, deliver, result, free_result);
}

static const SphinxSink sphinx_sink = { on_partial, on_done };

static gboolean
gst_pocketsphinx_stt_start(CordSttBase *base, GError **error)
{
  GstPocketsphinxStt *self = GST_POCKETSPHINX_STT(base);

  self->has_mean = self->told_missing = FALSE;
  GST_OBJECT_LOCK(self);
  sphinx_pool_warm(&self->model);
  GST_OBJECT_UNLOCK(self);
  return TRUE;
}

static void
gst_pocketsphinx_stt_stop(CordSttBase *base)
{
  g_hash_table_remove_all(GST_POCKETSPHINX_STT(base)->jobs);
}

static void
choose_mean(GstPocketsphinxStt *self, SphinxSettings *settings)
{
  gboolean narrow = self->prior == PRIOR_NARROWBAND ||
                    (self->prior == PRIOR_AUTO && settings->format.rate < SPHINX_RATE);

  settings->has_mean = self->has_mean || narrow;
  memcpy(settings->mean, self->has_mean ? self->mean : narrowband_mean, sizeof settings->mean);
}

static void
gst_pocketsphinx_stt_begin(CordSttBase *base, guint utterance, const CordSttFormat *format)
{
  GstPocketsphinxStt *self = GST_POCKETSPHINX_STT(base);
  Route *route = g_new0(Route, 1);
  SphinxSettings settings = { .format = *format };

  route->self = gst_object_ref(self);
  route->worker = g_object_ref(cord_stt_base_get_worker(base));
  route->utterance = utterance;
  settings.start = cord_stt_base_get_utterance_start(base, utterance);
  GST_OBJECT_LOCK(self);
  settings.model = self->model;
  settings.hints = self->hints;
  choose_mean(self, &settings);
  g_hash_table_insert(self->jobs, GUINT_TO_POINTER(utterance),
                      sphinx_job_start(&settings, &sphinx_sink, route, free_route));
  GST_OBJECT_UNLOCK(self);
}

static void
gst_pocketsphinx_stt_send_audio(CordSttBase *base, guint utterance, GstBuffer *audio)
{
  SphinxJob *job =
      g_hash_table_lookup(GST_POCKETSPHINX_STT(base)->jobs, GUINT_TO_POINTER(utterance));

  if (job)
    sphinx_job_send(job, audio);
}

static void
gst_pocketsphinx_stt_end(CordSttBase *base, guint utterance)
{
  SphinxJob *job =
      g_hash_table_lookup(GST_POCKETSPHINX_STT(base)->jobs, GUINT_TO_POINTER(utterance));

  if (job)
    sphinx_job_end(job);
}

static void
gst_pocketsphinx_stt_cancel(CordSttBase *base, guint utterance)
{
  g_hash_table_remove(GST_POCKETSPHINX_STT(base)->jobs, GUINT_TO_POINTER(utterance));
}

static gchar **
path_property(GstPocketsphinxStt *self, guint id)
{
  switch (id) {
  case PROP_LANGUAGE_MODEL:
    return &self->model.language_model;
  case PROP_DICTIONARY:
    return &self->model.dictionary;
  case PROP_ACOUSTIC_MODEL:
    return &self->model.acoustic_model;
  case PROP_GRAMMAR:
    return &self->model.grammar;
  case PROP_HINTS:
    return &self->hints;
  default:
    return NULL;
  }
}

static void
gst_pocketsphinx_stt_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstPocketsphinxStt *self = GST_POCKETSPHINX_STT(object);
  gchar **text = path_property(self, id);

  GST_OBJECT_LOCK(self);
  if (text) {
    g_free(*text);
    *text = g_value_dup_string(value);
  } else if (id == PROP_CMN_PRIOR) {
    self->prior = g_value_get_enum(value);
  } else {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
  GST_OBJECT_UNLOCK(self);
}

static void
gst_pocketsphinx_stt_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstPocketsphinxStt *self = GST_POCKETSPHINX_STT(object);
  gchar **text = path_property(self, id);

  GST_OBJECT_LOCK(self);
  if (text)
    g_value_set_string(value, *text);
  else if (id == PROP_CMN_PRIOR)
    g_value_set_enum(value, self->prior);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  GST_OBJECT_UNLOCK(self);
}

static void
gst_pocketsphinx_stt_finalize(GObject *object)
{
  GstPocketsphinxStt *self = GST_POCKETSPHINX_STT(object);

  g_hash_table_unref(self->jobs);
  for (guint id = PROP_LANGUAGE_MODEL; id <= PROP_HINTS; id++)
    g_free(*path_property(self, id));
  G_OBJECT_CLASS(gst_pocketsphinx_stt_parent_class)->finalize(object);
}

static void
install_string(GObjectClass *klass, guint id, const gchar *name, const gchar *nick,
               const gchar *blurb, const gchar *fallback, GParamFlags mutability)
{
  g_object_class_install_property(
      klass, id,
      g_param_spec_string(name, nick, blurb, fallback,
                          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | mutability));
}

static void
install_properties(GObjectClass *klass)
{
  install_string(klass, PROP_LANGUAGE_MODEL, "language-model", "Language model",
                 "Path of an n-gram language model", MODELS "en-us.lm.bin",
                 GST_PARAM_MUTABLE_READY);
  install_string(klass, PROP_DICTIONARY, "dictionary", "Dictionary",
                 "Path of a pronunciation dictionary", MODELS "cmudict-en-us.dict",
                 GST_PARAM_MUTABLE_READY);
  install_string(klass, PROP_ACOUSTIC_MODEL, "acoustic-model", "Acoustic model",
                 "Folder of an acoustic model for 16 kHz", MODELS "en-us", GST_PARAM_MUTABLE_READY);
  install_string(klass, PROP_GRAMMAR, "grammar", "Grammar",
                 "Path of a JSGF grammar that takes the language model's place", NULL,
                 GST_PARAM_MUTABLE_READY);
  /**
   * GstPocketsphinxStt:hints:
   *
   * Phrases that are likely to be said, one a line or parted by "|"; "(this|that)" is a choice,
   * "[perhaps]" may be left out. An utterance that resembles one of them is taken for it. Takes
   * effect with the next utterance.
   */
  install_string(klass, PROP_HINTS, "hints", "Hints",
                 "Phrases that are likely to be said, one a line or parted by |; (this|that) is a "
                 "choice, [perhaps] may be left out",
                 NULL, GST_PARAM_MUTABLE_PLAYING);
  g_object_class_install_property(
      klass, PROP_CMN_PRIOR,
      g_param_spec_enum("cmn-prior", "Cepstral mean prior",
                        "What the first utterance of a caller is expected to sound like",
                        gst_pocketsphinx_stt_prior_get_type(), PRIOR_AUTO,
                        G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  gst_type_mark_as_plugin_api(gst_pocketsphinx_stt_prior_get_type(), 0);
}

static void
gst_pocketsphinx_stt_class_init(GstPocketsphinxSttClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  CordSttBaseClass *base_class = CORD_STT_BASE_CLASS(klass);

  GST_DEBUG_CATEGORY_INIT(pocketsphinxstt_debug, "pocketsphinxstt", 0,
                          "speech to text by libpocketsphinx");
  object_class->set_property = gst_pocketsphinx_stt_set_property;
  object_class->get_property = gst_pocketsphinx_stt_get_property;
  object_class->finalize = gst_pocketsphinx_stt_finalize;
  base_class->start = gst_pocketsphinx_stt_start;
  base_class->stop = gst_pocketsphinx_stt_stop;
  base_class->begin = gst_pocketsphinx_stt_begin;
  base_class->send_audio = gst_pocketsphinx_stt_send_audio;
  base_class->end = gst_pocketsphinx_stt_end;
  base_class->cancel = gst_pocketsphinx_stt_cancel;
  install_properties(object_class);
  gst_element_class_set_static_metadata(
      GST_ELEMENT_CLASS(klass), "PocketSphinx speech to text", "Audio/Text/Filter",
      "Understands English with libpocketsphinx, without network or key, over the telephone too",
      "Cordboard developers");
  cord_stt_base_class_add_pads(base_class, CAPS);
}

static void
gst_pocketsphinx_stt_init(GstPocketsphinxStt *self)
{
  self->jobs = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)sphinx_job_cancel);
  self->model.language_model = g_strdup(MODELS "en-us.lm.bin");
  self->model.dictionary = g_strdup(MODELS "cmudict-en-us.dict");
  self->model.acoustic_model = g_strdup(MODELS "en-us");
}
