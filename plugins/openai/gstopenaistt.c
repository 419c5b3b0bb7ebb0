/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-openaistt
 * @title: openaistt
 * @short_description: understands speech with OpenAI, Groq and servers that speak their protocol
 *
 * Speech to text by `/v1/audio/transcriptions`: Whisper (with word times) and the gpt-4o models
 * (with the text as it comes). A voicedetect before it cuts the stream into utterances, each of
 * which is one request; nothing is sent for silence, in which such models hear words that nobody
 * said.
 *
 * The key is #GstOpenaiStt:api-key, or OPENAI_API_KEY in the environment (GROQ_API_KEY where the
 * base URL is Groq's).
 *
 * |[
 * gst-launch-1.0 -q filesrc location=call.wav ! wavparse ! audioconvert ! audioresample !
 * voicedetect ! openaistt model-id=whisper-1 ! fdsink
 * ]|
 */
#include "config.h"

#include <math.h>
#include <string.h>

#include "cord-error.h"
#include "cord-events.h"
#include "cord-g711.h"
#include "cord-http.h"
#include "cord-stt-base.h"
#include "openai-elements.h"
#include "openai-transcription.h"

GST_DEBUG_CATEGORY_STATIC(openaistt_debug);
#define GST_CAT_DEFAULT openaistt_debug

#define DEFAULT_BASE_URL "https://api.openai.com/v1"
#define DEFAULT_MODEL "gpt-4o-mini-transcribe"
#define SHORTEST 10                /* parts of a second: the service refuses less than that */
#define LEVEL_WINDOW 50            /* parts of a second over which loudness is measured */
#define TRY_AGAIN (5 * GST_SECOND) /* whether the service is there */
#define CAPS                                                                                       \
  "audio/x-mulaw, rate = (int) 8000, channels = (int) 1; "                                         \
  "audio/x-raw, format = (string) S16LE, rate = (int) { 8000, 16000, 24000, 48000 }, "             \
  "channels = (int) 1, layout = (string) interleaved"

#define GST_TYPE_OPENAI_STT (gst_openai_stt_get_type())
G_DECLARE_FINAL_TYPE(GstOpenaiStt, gst_openai_stt, GST, OPENAI_STT, CordSttBase)

struct _GstOpenaiStt {
  CordSttBase parent_instance;

  /* properties; object lock */
  OpenaiTranscriptionSettings settings;
  gdouble min_level; /* dBFS */
  gboolean preconnect;

  /* worker only */
  GHashTable *jobs; /* utterance -> Job */
  CordHttpExchange *greeting;
  CordTimer *greet_again;
  CordServiceState state;
  gboolean told; /* the state */
};

/* An utterance: its audio, then its request. */
typedef struct {
  GstOpenaiStt *self;
  guint utterance;
  guint rate;
  gboolean mulaw;
  GArray *samples; /* gint16 */
  gdouble loudest; /* mean square of the loudest window */
  OpenaiTranscription *transcription;
} Job;

enum {
  PROP_0,
  PROP_API_KEY,
  PROP_BASE_URL,
  PROP_MODEL_ID,
  PROP_PROMPT,
  PROP_TEMPERATURE,
  PROP_INTERIM_RESULTS,
  PROP_RETRIES,
  PROP_REQUEST_TIMEOUT,
  PROP_MIN_LEVEL,
  PROP_PRECONNECT,
};

G_DEFINE_FINAL_TYPE(GstOpenaiStt, gst_openai_stt, CORD_TYPE_STT_BASE)
GST_ELEMENT_REGISTER_DEFINE(openaistt, "openaistt", GST_RANK_NONE, GST_TYPE_OPENAI_STT)

static void
free_job(gpointer data)
{
  Job *job = data;

  g_clear_pointer(&job->transcription, openai_transcription_cancel);
  g_array_unref(job->samples);
  g_free(job);
}

/* How the service is */

static void
tell_state(GstOpenaiStt *self, CordServiceState state, gboolean permanent, const GError *error)
{
  if (self->told && self->state == state && state != CORD_SERVICE_LOST)
    return;
  self->told = TRUE;
  self->state = state;
  cord_element_post_service(GST_ELEMENT(self), state, permanent, error);
  if (state == CORD_SERVICE_FAILED)
    cord_element_post_error(GST_ELEMENT(self), error);
}

static gboolean
has_failed(GstOpenaiStt *self)
{
  return self->told && self->state == CORD_SERVICE_FAILED;
}

/* Whose key it is follows from whose address it is. */
static const gchar *
key_variable(const gchar *base_url)
{
  return strstr(base_url, "groq.com") ? "GROQ_API_KEY" : "OPENAI_API_KEY";
}

static OpenaiTranscriptionSettings
copy_settings(GstOpenaiStt *self)
{
  OpenaiTranscriptionSettings copy;
  g_autofree gchar *language = NULL;
  const gchar *key;

  g_object_get(self, "language-code", &language, NULL);
  GST_OBJECT_LOCK(self);
  copy = self->settings;
  copy.base_url = g_strdup(self->settings.base_url);
  copy.model = g_strdup(self->settings.model);
  copy.prompt = g_strdup(self->settings.prompt);
  key = self->settings.api_key;
  copy.api_key = g_strdup(key && *key ? key : g_getenv(key_variable(copy.base_url)));
  GST_OBJECT_UNLOCK(self);
  /* the service wants the language without the country */
  copy.language = language ? g_strndup(language, strcspn(language, "-_")) : NULL;
  copy.stream = copy.stream && openai_model_streams(copy.model);
  return copy;
}

static gboolean
check_key(GstOpenaiStt *self, const OpenaiTranscriptionSettings *settings)
{
  g_autoptr(GError) error = NULL;

  if (settings->api_key && *settings->api_key)
    return TRUE;
  /* a server of one's own may want none */
  if (!g_str_equal(settings->base_url, DEFAULT_BASE_URL) &&
      !g_str_equal(key_variable(settings->base_url), "GROQ_API_KEY"))
    return TRUE;
  error =
      g_error_new(CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED,
                  "the service needs a key: set api-key or %s", key_variable(settings->base_url));
  tell_state(self, CORD_SERVICE_FAILED, TRUE, error);
  return FALSE;
}

/* The connection is made, and the key looked at, before anybody has said anything. */

static void greet(gpointer data);

static void
on_greeted(CordHttpExchange *http, const GError *error, gpointer data)
{
  GstOpenaiStt *self = data;
  guint status = cord_http_get_status(http);

  self->greeting = NULL;
  if (g_error_matches(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED)) {
    tell_state(self, CORD_SERVICE_FAILED, TRUE, error);
  } else if (status == 0 || status >= 500) {
    tell_state(self, CORD_SERVICE_DOWN, FALSE, error);
    self->greet_again = cord_worker_add_timer(cord_stt_base_get_worker(CORD_STT_BASE(self)),
                                              TRY_AGAIN, greet, self);
  } else {
    /* whatever it says of its models: it is there */
    tell_state(self, CORD_SERVICE_UP, FALSE, NULL);
  }
}

static void
greet(gpointer data)
{
  static const CordHttpHandlers handlers = { .finished = on_greeted };
  GstOpenaiStt *self = data;
  OpenaiTranscriptionSettings settings = copy_settings(self);
  g_autofree gchar *url = g_strconcat(settings.base_url, "/models", NULL);
  g_autofree gchar *authorization = g_strconcat("Bearer ", settings.api_key, NULL);
  const gchar *headers[] = { settings.api_key ? "Authorization" : NULL, authorization, NULL };
  CordHttpRequest request = { .url = url, .headers = headers };

  self->greet_again = NULL;
  self->greeting =
      cord_http_start(cord_stt_base_get_worker(CORD_STT_BASE(self)), &request, &handlers, self);
  openai_transcription_settings_clear(&settings);
}

static gboolean
gst_openai_stt_start(CordSttBase *base, GError **error)
{
  GstOpenaiStt *self = GST_OPENAI_STT(base);
  OpenaiTranscriptionSettings settings = copy_settings(self);
  gboolean preconnect;

  self->told = FALSE;
  GST_OBJECT_LOCK(self);
  preconnect = self->preconnect;
  GST_OBJECT_UNLOCK(self);
  if (check_key(self, &settings) && preconnect)
    greet(self);
  openai_transcription_settings_clear(&settings);
  return TRUE;
}

static void
gst_openai_stt_stop(CordSttBase *base)
{
  GstOpenaiStt *self = GST_OPENAI_STT(base);

  g_hash_table_remove_all(self->jobs);
  g_clear_pointer(&self->greeting, cord_http_cancel);
  g_clear_pointer(&self->greet_again, cord_timer_remove);
}

/* Utterances */

static void
gst_openai_stt_begin(CordSttBase *base, guint utterance, const CordSttFormat *format)
{
  GstOpenaiStt *self = GST_OPENAI_STT(base);
  Job *job = g_new0(Job, 1);

  job->self = self;
  job->utterance = utterance;
  job->rate = format->rate;
  job->mulaw = format->mulaw;
  job->samples = g_array_new(FALSE, FALSE, sizeof(gint16));
  g_hash_table_insert(self->jobs, GUINT_TO_POINTER(utterance), job);
}

static void
measure(Job *job, guint from)
{
  guint window = MAX(job->rate / LEVEL_WINDOW, 1);

  for (guint at = from - from % window; at + window <= job->samples->len; at += window) {
    gdouble sum = 0;

    for (guint i = at; i < at + window; i++) {
      gdouble sample = g_array_index(job->samples, gint16, i);

      sum += sample * sample;
    }
    job->loudest = MAX(job->loudest, sum / window);
  }
}

static void
gst_openai_stt_send_audio(CordSttBase *base, guint utterance, GstBuffer *audio)
{
  Job *job = g_hash_table_lookup(GST_OPENAI_STT(base)->jobs, GUINT_TO_POINTER(utterance));
  GstMapInfo map;
  guint before;

  if (job == NULL || !gst_buffer_map(audio, &map, GST_MAP_READ))
    return;
  before = job->samples->len;
  g_array_set_size(job->samples, before + (guint)(job->mulaw ? map.size : map.size / 2));
  if (job->mulaw)
    cord_g711_decode(map.data, &g_array_index(job->samples, gint16, before), map.size);
  else
    memcpy(&g_array_index(job->samples, gint16, before), map.data, map.size / 2 * 2);
  gst_buffer_unmap(audio, &map);
  measure(job, before);
}

/* In silence these models hear what nobody has said. */
static gboolean
is_worth_sending(GstOpenaiStt *self, const Job *job)
{
  gdouble level = job->loudest > 0 ? 10 * log10(job->loudest / (32768.0 * 32768.0)) : -200;
  gdouble min_level;

  GST_OBJECT_LOCK(self);
  min_level = self->min_level;
  GST_OBJECT_UNLOCK(self);
  return job->samples->len >= job->rate / SHORTEST && level >= min_level;
}

static CordTranscript *
make_transcript(const Job *job, const OpenaiTranscript *answer, const gchar *text, gboolean final)
{
  CordSttBase *base = CORD_STT_BASE(job->self);
  GstClockTime start = cord_stt_base_get_utterance_start(base, job->utterance);
  GstClockTime end =
      start + gst_util_uint64_scale(job->samples->len, GST_SECOND, MAX(job->rate, 1));
  CordTranscript *transcript = cord_transcript_new(text, final, start, end);

  for (guint i = 0; answer && i < answer->words->len; i++) {
    const OpenaiWord *word = &g_array_index(answer->words, OpenaiWord, i);
    GstClockTime from = GST_CLOCK_TIME_IS_VALID(word->start) ? start + word->start : start;
    GstClockTime until = GST_CLOCK_TIME_IS_VALID(word->end) ? start + word->end : end;

    cord_transcript_add_word(transcript, word->text, from, MAX(from, until), -1);
  }
  if (answer) {
    cord_transcript_set_confidence(transcript, answer->confidence);
    cord_transcript_set_language(transcript, answer->language);
  }
  return transcript;
}

static void
on_partial(const gchar *text, gpointer data)
{
  Job *job = data;
  g_autoptr(CordTranscript) interim = make_transcript(job, NULL, text, FALSE);

  cord_stt_base_take_transcript(CORD_STT_BASE(job->self), job->utterance, interim);
}

/* A question that was refused for itself says nothing of the next one. */
static gboolean
is_fatal(const GError *error, gboolean permanent)
{
  return permanent && !g_error_matches(error, CORD_ERROR, CORD_ERROR_INVALID) &&
         !g_error_matches(error, CORD_ERROR, CORD_ERROR_TOO_LARGE);
}

static void
on_done(OpenaiTranscript *transcript, const GError *error, gboolean permanent, gpointer data)
{
  Job *job = data;
  GstOpenaiStt *self = job->self;
  CordSttBase *base = CORD_STT_BASE(self);
  guint utterance = job->utterance;

  job->transcription = NULL;
  if (transcript && *transcript->text) {
    g_autoptr(CordTranscript) final = make_transcript(job, transcript, transcript->text, TRUE);

    cord_stt_base_take_transcript(base, utterance, final);
  }
  g_hash_table_remove(self->jobs, GUINT_TO_POINTER(utterance));
  if (error && is_fatal(error, permanent))
    tell_state(self, CORD_SERVICE_FAILED, TRUE, error);
  else if (error)
    tell_state(self, CORD_SERVICE_LOST, FALSE, error);
  else
    tell_state(self, CORD_SERVICE_UP, FALSE, NULL);
  cord_stt_base_utterance_done(base, utterance, error ? g_error_copy(error) : NULL);
}

static void
gst_openai_stt_end(CordSttBase *base, guint utterance)
{
  static const OpenaiTranscriptionFuncs funcs = { on_partial, on_done };
  GstOpenaiStt *self = GST_OPENAI_STT(base);
  Job *job = g_hash_table_lookup(self->jobs, GUINT_TO_POINTER(utterance));
  OpenaiTranscriptionSettings settings;

  if (job == NULL)
    return;
  if (has_failed(self) || !is_worth_sending(self, job)) {
    GST_DEBUG_OBJECT(self, "utterance %u is not sent", utterance);
    g_hash_table_remove(self->jobs, GUINT_TO_POINTER(utterance));
    cord_stt_base_utterance_done(base, utterance, NULL);
    return;
  }
  settings = copy_settings(self);
  job->transcription = openai_transcription_start(cord_stt_base_get_worker(base), &settings,
                                                  (const gint16 *)(gpointer)job->samples->data,
                                                  job->samples->len, job->rate, &funcs, job);
  openai_transcription_settings_clear(&settings);
}

static void
gst_openai_stt_cancel(CordSttBase *base, guint utterance)
{
  g_hash_table_remove(GST_OPENAI_STT(base)->jobs, GUINT_TO_POINTER(utterance));
}

/* The class */

static gchar **
text_property(GstOpenaiStt *self, guint id)
{
  switch (id) {
  case PROP_API_KEY:
    return &self->settings.api_key;
  case PROP_BASE_URL:
    return &self->settings.base_url;
  case PROP_MODEL_ID:
    return &self->settings.model;
  case PROP_PROMPT:
    return &self->settings.prompt;
  default:
    return NULL;
  }
}

static void
set_text(gchar **text, guint id, const GValue *value)
{
  const gchar *fallback = id == PROP_BASE_URL   ? DEFAULT_BASE_URL
                          : id == PROP_MODEL_ID ? DEFAULT_MODEL
                                                : NULL;

  g_free(*text);
  *text = g_strdup(g_value_get_string(value) ? g_value_get_string(value) : fallback);
}

static void
gst_openai_stt_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstOpenaiStt *self = GST_OPENAI_STT(object);
  gchar **text = text_property(self, id);

  GST_OBJECT_LOCK(self);
  if (text)
    set_text(text, id, value);
  else if (id == PROP_TEMPERATURE)
    self->settings.temperature = g_value_get_double(value);
  else if (id == PROP_INTERIM_RESULTS)
    self->settings.stream = g_value_get_boolean(value);
  else if (id == PROP_RETRIES)
    self->settings.retries = g_value_get_uint(value);
  else if (id == PROP_REQUEST_TIMEOUT)
    self->settings.timeout_ms = g_value_get_uint(value);
  else if (id == PROP_MIN_LEVEL)
    self->min_level = g_value_get_double(value);
  else if (id == PROP_PRECONNECT)
    self->preconnect = g_value_get_boolean(value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  GST_OBJECT_UNLOCK(self);
}

static void
gst_openai_stt_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstOpenaiStt *self = GST_OPENAI_STT(object);
  gchar **text = text_property(self, id);

  GST_OBJECT_LOCK(self);
  if (text)
    g_value_set_string(value, *text);
  else if (id == PROP_TEMPERATURE)
    g_value_set_double(value, self->settings.temperature);
  else if (id == PROP_INTERIM_RESULTS)
    g_value_set_boolean(value, self->settings.stream);
  else if (id == PROP_RETRIES)
    g_value_set_uint(value, self->settings.retries);
  else if (id == PROP_REQUEST_TIMEOUT)
    g_value_set_uint(value, self->settings.timeout_ms);
  else if (id == PROP_MIN_LEVEL)
    g_value_set_double(value, self->min_level);
  else if (id == PROP_PRECONNECT)
    g_value_set_boolean(value, self->preconnect);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  GST_OBJECT_UNLOCK(self);
}

static void
gst_openai_stt_finalize(GObject *object)
{
  GstOpenaiStt *self = GST_OPENAI_STT(object);

  g_hash_table_unref(self->jobs);
  openai_transcription_settings_clear(&self->settings);
  G_OBJECT_CLASS(gst_openai_stt_parent_class)->finalize(object);
}

#define HOW (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)
#define HOW_PLAYING (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING)

static void
install_texts(GObjectClass *klass)
{
  /**
   * GstOpenaiStt:api-key:
   *
   * The key; without one, that in OPENAI_API_KEY or GROQ_API_KEY. It cannot be read back.
   */
  g_object_class_install_property(
      klass, PROP_API_KEY,
      g_param_spec_string("api-key", "API key",
                          "The key; if unset, that in OPENAI_API_KEY or, for Groq, GROQ_API_KEY",
                          NULL,
                          G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  g_object_class_install_property(
      klass, PROP_BASE_URL,
      g_param_spec_string("base-url", "Base URL",
                          "Where the service is, with the version of its protocol",
                          DEFAULT_BASE_URL, HOW));
  g_object_class_install_property(
      klass, PROP_MODEL_ID,
      g_param_spec_string("model-id", "Model",
                          "gpt-4o-transcribe, gpt-4o-mini-transcribe, whisper-1; Groq: "
                          "whisper-large-v3, whisper-large-v3-turbo",
                          DEFAULT_MODEL, HOW));
  g_object_class_install_property(
      klass, PROP_PROMPT,
      g_param_spec_string("prompt", "Prompt",
                          "Words and names that are likely to be said, from the next utterance on",
                          NULL, HOW_PLAYING));
}

static void
install_numbers(GObjectClass *klass)
{
  g_object_class_install_property(
      klass, PROP_TEMPERATURE,
      g_param_spec_double("temperature", "Temperature",
                          "How freely to guess, 0 to 1 (-1 = as the service does)", -1, 1, -1,
                          HOW_PLAYING));
  g_object_class_install_property(
      klass, PROP_INTERIM_RESULTS,
      g_param_spec_boolean("interim-results", "Interim results",
                           "Tell the text as it comes, where the model can", TRUE, HOW));
  g_object_class_install_property(
      klass, PROP_RETRIES,
      g_param_spec_uint("retries", "Retries",
                        "How often a request is repeated that may yet succeed", 0, 10, 2, HOW));
  g_object_class_install_property(
      klass, PROP_REQUEST_TIMEOUT,
      g_param_spec_uint("request-timeout", "Request timeout",
                        "How long one request may go without an answer (ms)", 100, 120000, 5000,
                        HOW));
  /**
   * GstOpenaiStt:min-level:
   *
   * An utterance that is nowhere as loud as that is not sent: in silence these models hear what
   * nobody has said.
   */
  g_object_class_install_property(
      klass, PROP_MIN_LEVEL,
      g_param_spec_double("min-level", "Smallest level",
                          "Loudness below which an utterance is not sent (dBFS)", -200, 0, -50,
                          HOW_PLAYING));
  g_object_class_install_property(
      klass, PROP_PRECONNECT,
      g_param_spec_boolean("preconnect", "Connect early",
                           "Connect, and have the key looked at, before anybody has spoken", TRUE,
                           HOW));
}

static void
gst_openai_stt_class_init(GstOpenaiSttClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  CordSttBaseClass *base_class = CORD_STT_BASE_CLASS(klass);

  GST_DEBUG_CATEGORY_INIT(openaistt_debug, "openaistt", 0, "speech to text by OpenAI");
  object_class->set_property = gst_openai_stt_set_property;
  object_class->get_property = gst_openai_stt_get_property;
  object_class->finalize = gst_openai_stt_finalize;
  base_class->start = gst_openai_stt_start;
  base_class->stop = gst_openai_stt_stop;
  base_class->begin = gst_openai_stt_begin;
  base_class->send_audio = gst_openai_stt_send_audio;
  base_class->end = gst_openai_stt_end;
  base_class->cancel = gst_openai_stt_cancel;
  install_texts(object_class);
  install_numbers(object_class);
  gst_element_class_set_static_metadata(
      GST_ELEMENT_CLASS(klass), "OpenAI speech to text", "Audio/Text/Filter",
      "Understands speech with OpenAI, Groq and servers that speak their protocol",
      "Cordboard developers");
  cord_stt_base_class_add_pads(base_class, CAPS);
}

static void
gst_openai_stt_init(GstOpenaiStt *self)
{
  self->jobs = g_hash_table_new_full(NULL, NULL, NULL, free_job);
  self->settings.base_url = g_strdup(DEFAULT_BASE_URL);
  self->settings.model = g_strdup(DEFAULT_MODEL);
  self->settings.temperature = -1;
  self->settings.stream = TRUE;
  self->settings.retries = 2;
  self->settings.timeout_ms = 5000;
  self->min_level = -50;
  self->preconnect = TRUE;
}
