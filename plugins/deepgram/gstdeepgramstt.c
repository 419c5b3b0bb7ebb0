/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-deepgramstt
 * @title: deepgramstt
 * @short_description: understands speech with Deepgram
 *
 * Speech to text by Deepgram's streaming service: the nova models (/v1/listen), and Flux
 * (/v2/listen), which decides by itself when a turn is over. The connection is made when the
 * element goes to PAUSED; when it breaks another one is made, and what was not understood is heard
 * again. Telephone audio (mu-law, 8 kHz) goes to the service untouched.
 *
 * The key is #GstDeepgramStt:api-key, or DEEPGRAM_API_KEY in the environment.
 *
 * |[
 * gst-launch-1.0 -q filesrc location=call.wav ! wavparse ! audioconvert ! audioresample !
 * deepgramstt model-id=nova-3 ! fdsink
 * ]|
 */
#include "config.h"

#include "cord-error.h"
#include "cord-events.h"
#include "deepgram-elements.h"
#include "gstdeepgramstt-private.h"

GST_DEBUG_CATEGORY(deepgramstt_debug);
#define GST_CAT_DEFAULT deepgramstt_debug

#define KEEP_QUIET 3000 /* ms of audio in which nobody was heard to speak */
#define QUIET_STALL 5   /* times the stall timeout, while nobody speaks */
#define CAPS                                                                                       \
  "audio/x-mulaw, rate = (int) 8000, channels = (int) 1; "                                         \
  "audio/x-raw, format = (string) S16LE, rate = (int) { 8000, 16000, 24000, 48000 }, "             \
  "channels = (int) 1, layout = (string) interleaved"

G_DEFINE_FINAL_TYPE(GstDeepgramStt, gst_deepgram_stt, CORD_TYPE_STT_BASE)
GST_ELEMENT_REGISTER_DEFINE(deepgramstt, "deepgramstt", GST_RANK_NONE, GST_TYPE_DEEPGRAM_STT)

/* For the messages */

GstClockTime
gst_deepgram_stt_start_time(GstDeepgramStt *self, GstClockTime time)
{
  return deepgram_session_to_running(self->session, time);
}

/* The last sample of what ends there, not the first of what follows. */
GstClockTime
gst_deepgram_stt_end_time(GstDeepgramStt *self, GstClockTime time)
{
  GstClockTime inside = time - MIN(time, GST_MSECOND);

  return deepgram_session_to_running(self->session, inside) + (time - inside);
}

static void
add_word(GstDeepgramStt *self, CordTranscript *transcript, const DeepgramWord *word)
{
  GstClockTime start = cord_transcript_get_start(transcript);
  GstClockTime end = cord_transcript_get_end(transcript);

  if (GST_CLOCK_TIME_IS_VALID(word->start))
    start = gst_deepgram_stt_start_time(self, word->start);
  if (GST_CLOCK_TIME_IS_VALID(word->end))
    end = gst_deepgram_stt_end_time(self, word->end);
  cord_transcript_add_word(transcript, word->text, start, MAX(start, end), word->confidence);
}

static gchar *
join_words(const DeepgramMessage *message, guint skip)
{
  GString *text = g_string_new(NULL);

  for (guint i = skip; i < message->words->len; i++) {
    g_string_append(text, text->len > 0 ? " " : "");
    g_string_append(text, deepgram_message_get_word(message, i)->text);
  }
  return g_string_free(text, FALSE);
}

/* What a message has understood, in our time, without its first @skip words. */
CordTranscript *
gst_deepgram_stt_make_transcript(GstDeepgramStt *self, const DeepgramMessage *message, guint skip,
                                 gboolean final)
{
  g_autofree gchar *text = skip > 0 ? join_words(message, skip) : g_strdup(message->text);
  GstClockTime start = gst_deepgram_stt_start_time(
      self, GST_CLOCK_TIME_IS_VALID(message->start) ? message->start : message->end);
  GstClockTime end = gst_deepgram_stt_end_time(self, message->end);
  CordTranscript *transcript = cord_transcript_new(text, final, start, MAX(start, end));

  for (guint i = skip; i < message->words->len; i++)
    add_word(self, transcript, deepgram_message_get_word(message, i));
  cord_transcript_set_confidence(transcript, message->confidence);
  cord_transcript_set_language(transcript, message->language);
  return transcript;
}

/* How soon audio ought to be answered depends on whether somebody speaks. */
void
gst_deepgram_stt_update_expectation(GstDeepgramStt *self)
{
  guint ms = self->answer_ms;

  if (g_queue_is_empty(&self->live))
    ms = cord_stt_base_service_cuts(CORD_STT_BASE(self)) ? ms * QUIET_STALL : 0;
  if (self->session)
    deepgram_session_expect(self->session, ms);
}

/* The session */

static void
on_session_message(const DeepgramMessage *message, gpointer data)
{
  GstDeepgramStt *self = data;

  if (self->flux)
    gst_deepgram_stt_flux_take(self, message);
  else
    gst_deepgram_stt_listen_take(self, message);
}

static void
on_session_finalized(guint utterance, gpointer data)
{
  GstDeepgramStt *self = data;

  self->finalizes++;
  for (GList *l = self->live.head; l; l = l->next) {
    Live *live = l->data;

    if (live->id == utterance)
      live->asked = TRUE;
  }
}

static void
on_session_connected(gpointer data)
{
  GstDeepgramStt *self = data;

  if (self->flux)
    gst_deepgram_stt_flux_reset(self);
  else
    gst_deepgram_stt_listen_reset(self);
}

/* Nobody will understand what is being said. */
static void
end_all(GstDeepgramStt *self)
{
  GQueue live = self->live;
  Live *item;

  g_queue_init(&self->live);
  g_clear_pointer(&self->quiet, cord_timer_remove);
  while ((item = g_queue_pop_head(&live))) {
    cord_stt_base_utterance_done(
        CORD_STT_BASE(self), item->id,
        g_error_new(CORD_ERROR, CORD_ERROR_CLOSED, "what was said is lost: Deepgram is gone"));
    g_free(item);
  }
}

static void
on_session_state(CordServiceState state, gboolean permanent, const GError *error, gpointer data)
{
  GstDeepgramStt *self = data;

  cord_element_post_service(GST_ELEMENT(self), state, permanent, error);
  if (state == CORD_SERVICE_DOWN)
    cord_element_post_warning(GST_ELEMENT(self), error);
  if (state != CORD_SERVICE_FAILED)
    return;
  self->failed = TRUE;
  cord_element_post_error(GST_ELEMENT(self), error);
  end_all(self);
}

static void
on_session_closed(gpointer data)
{
  cord_stt_base_drained(CORD_STT_BASE(data));
}

static const DeepgramSessionFuncs session_funcs = {
  on_session_message, on_session_finalized, on_session_connected,
  on_session_state,   on_session_closed,
};

static gchar *
get_key(GstDeepgramStt *self)
{
  gchar *key;

  GST_OBJECT_LOCK(self);
  key = g_strdup(self->api_key && *self->api_key ? self->api_key : g_getenv(DEEPGRAM_KEY_VARIABLE));
  GST_OBJECT_UNLOCK(self);
  return key;
}

/* A server of one's own may want no key; the service does. */
static gboolean
check_key(GstDeepgramStt *self, const gchar *key)
{
  g_autoptr(GError) error = NULL;
  gboolean good;

  GST_OBJECT_LOCK(self);
  good = (key && *key) || !g_str_equal(self->options.base_url, DEEPGRAM_BASE_URL);
  GST_OBJECT_UNLOCK(self);
  if (good)
    return TRUE;
  error = g_error_new(CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED,
                      "Deepgram needs a key: set api-key or " DEEPGRAM_KEY_VARIABLE);
  on_session_state(CORD_SERVICE_FAILED, TRUE, error, self);
  return FALSE;
}

static void
open_session(GstDeepgramStt *self, const CordSttFormat *format)
{
  g_autofree gchar *language = NULL;
  DeepgramSettings settings = { .flux = self->flux, .format = *format };

  g_clear_pointer(&self->session, deepgram_session_free);
  self->over = FALSE;
  self->format = *format;
  settings.api_key = get_key(self);
  if (!check_key(self, settings.api_key)) {
    deepgram_settings_clear(&settings);
    return;
  }
  g_object_get(self, "language-code", &language, NULL);
  GST_OBJECT_LOCK(self);
  settings.url = deepgram_build_url(&self->options, format, language);
  settings.chunk_ms = self->chunk_ms;
  settings.keep_alive_ms = self->keep_alive_ms;
  settings.connect_ms = self->connect_ms;
  settings.give_up_ms = self->outage_ms;
  self->answer_ms = self->stall_ms;
  GST_OBJECT_UNLOCK(self);
  self->session = deepgram_session_new(cord_stt_base_get_worker(CORD_STT_BASE(self)), &settings,
                                       &session_funcs, self);
  gst_deepgram_stt_update_expectation(self);
}

static void
ensure_session(GstDeepgramStt *self, const CordSttFormat *format)
{
  if (self->failed)
    return;
  if (self->session == NULL || self->over || self->format.rate != format->rate ||
      self->format.mulaw != format->mulaw)
    open_session(self, format);
}

/* What the audio will most likely be: the first that both sides can. */
static CordSttFormat
guess_format(GstDeepgramStt *self)
{
  g_autoptr(GstPad) pad = gst_element_get_static_pad(GST_ELEMENT(self), "sink");
  g_autoptr(GstCaps) caps = gst_pad_get_allowed_caps(pad);
  CordSttFormat format = { 8000, TRUE };
  const GstStructure *structure;
  gint rate;

  if (caps == NULL || gst_caps_is_empty(caps) || gst_caps_is_any(caps))
    return format;
  caps = gst_caps_fixate(g_steal_pointer(&caps));
  structure = gst_caps_get_structure(caps, 0);
  format.mulaw = gst_structure_has_name(structure, "audio/x-mulaw");
  if (gst_structure_get_int(structure, "rate", &rate))
    format.rate = (guint)rate;
  return format;
}

/* The class */

static gboolean
gst_deepgram_stt_start(CordSttBase *base, GError **error)
{
  GstDeepgramStt *self = GST_DEEPGRAM_STT(base);
  CordSttFormat format = guess_format(self);
  CordSttCutter cutter;
  gboolean continuous;

  GST_OBJECT_LOCK(self);
  self->flux = deepgram_model_is_flux(self->options.model);
  cutter = self->flux ? CORD_STT_CUT_SERVICE : self->segmentation;
  continuous = self->continuous || cutter != CORD_STT_CUT_UPSTREAM;
  GST_OBJECT_UNLOCK(self);
  self->failed = FALSE;
  self->last_end = 0;
  self->turn = (FluxTurn){ .over = -1 };
  cord_stt_base_set_listening(base, continuous, cutter);
  open_session(self, &format);
  return TRUE;
}

static void
gst_deepgram_stt_stop(CordSttBase *base)
{
  GstDeepgramStt *self = GST_DEEPGRAM_STT(base);

  g_clear_pointer(&self->session, deepgram_session_free);
  g_clear_pointer(&self->quiet, cord_timer_remove);
  g_queue_clear_full(&self->live, g_free);
}

static void
gst_deepgram_stt_begin(CordSttBase *base, guint utterance, const CordSttFormat *format)
{
  GstDeepgramStt *self = GST_DEEPGRAM_STT(base);
  Live *live = g_new0(Live, 1);

  /* one that the service begins may come after the end of the stream */
  if (!self->over || !cord_stt_base_service_cuts(base))
    ensure_session(self, format);
  live->id = utterance;
  live->start = cord_stt_base_get_utterance_start(base, utterance);
  live->end = GST_CLOCK_TIME_NONE;
  g_queue_push_tail(&self->live, live);
  gst_deepgram_stt_update_expectation(self);
}

static void
gst_deepgram_stt_send_audio(CordSttBase *base, guint utterance, GstBuffer *audio)
{
  GstDeepgramStt *self = GST_DEEPGRAM_STT(base);

  if (self->session)
    deepgram_session_send_audio(self->session, audio);
}

static void
gst_deepgram_stt_listen(CordSttBase *base, GstBuffer *audio, const CordSttFormat *format)
{
  GstDeepgramStt *self = GST_DEEPGRAM_STT(base);

  ensure_session(self, format);
  if (self->session == NULL)
    return;
  deepgram_session_send_audio(self->session, audio);
  if (g_queue_is_empty(&self->live))
    deepgram_session_trim(self->session, KEEP_QUIET);
}

static void
gst_deepgram_stt_end(CordSttBase *base, guint utterance)
{
  GstDeepgramStt *self = GST_DEEPGRAM_STT(base);

  if (self->failed || self->session == NULL) {
    end_all(self);
    return;
  }
  self->last_end = deepgram_session_get_position(self->session);
  for (GList *l = self->live.head; l; l = l->next) {
    Live *live = l->data;

    if (live->id == utterance)
      live->end = self->last_end;
  }
  deepgram_session_finalize(self->session, utterance);
}

static void
gst_deepgram_stt_cancel(CordSttBase *base, guint utterance)
{
  GstDeepgramStt *self = GST_DEEPGRAM_STT(base);

  for (GList *l = self->live.head; l; l = l->next) {
    Live *live = l->data;

    if (live->id != utterance)
      continue;
    g_free(live);
    g_queue_delete_link(&self->live, l);
    break;
  }
  if (self->session == NULL)
    return;
  deepgram_session_forget(self->session, utterance);
  gst_deepgram_stt_update_expectation(self);
}

static void
gst_deepgram_stt_drain(CordSttBase *base)
{
  GstDeepgramStt *self = GST_DEEPGRAM_STT(base);

  if (self->session && !self->failed)
    deepgram_session_finish(self->session);
  else
    cord_stt_base_drained(base);
  self->over = TRUE;
}

static void
gst_deepgram_stt_finalize(GObject *object)
{
  GstDeepgramStt *self = GST_DEEPGRAM_STT(object);

  gst_deepgram_stt_clear_properties(self);
  G_OBJECT_CLASS(gst_deepgram_stt_parent_class)->finalize(object);
}

static void
gst_deepgram_stt_class_init(GstDeepgramSttClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  CordSttBaseClass *base_class = CORD_STT_BASE_CLASS(klass);

  GST_DEBUG_CATEGORY_INIT(deepgramstt_debug, "deepgramstt", 0, "speech to text by Deepgram");
  object_class->finalize = gst_deepgram_stt_finalize;
  base_class->start = gst_deepgram_stt_start;
  base_class->stop = gst_deepgram_stt_stop;
  base_class->begin = gst_deepgram_stt_begin;
  base_class->send_audio = gst_deepgram_stt_send_audio;
  base_class->listen = gst_deepgram_stt_listen;
  base_class->end = gst_deepgram_stt_end;
  base_class->cancel = gst_deepgram_stt_cancel;
  base_class->drain = gst_deepgram_stt_drain;
  gst_deepgram_stt_install_properties(object_class);
  gst_element_class_set_static_metadata(
      GST_ELEMENT_CLASS(klass), "Deepgram speech to text", "Audio/Text/Filter",
      "Understands speech with Deepgram (nova by /v1/listen, Flux by /v2/listen)",
      "Cordboard developers");
  cord_stt_base_class_add_pads(base_class, CAPS);
}

static void
gst_deepgram_stt_init(GstDeepgramStt *self)
{
  g_queue_init(&self->live);
  gst_deepgram_stt_init_properties(self);
}
