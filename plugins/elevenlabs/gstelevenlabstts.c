/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-elevenlabstts
 * @title: elevenlabstts
 * @short_description: speaks text with voices of ElevenLabs
 *
 * Over one WebSocket for all turns (the default), over one a turn, or over HTTP. Where downstream
 * takes mu-law at 8 kHz the service is asked for it, and nothing is transcoded on the telephone.
 * The service tells when each word is spoken: what was heard of an interrupted sentence is known to
 * the word.
 *
 * |[
 * gst-launch-1.0 elevenlabstts text="Hello from GStreamer" ! audioconvert ! autoaudiosink
 * ]|
 */
#include "config.h"

#include <string.h>

#include "cord-error.h"
#include "cord-http.h"
#include "cord-tts-http.h"
#include "elevenlabs-elements.h"
#include "elevenlabs-message.h"
#include "elevenlabs-socket.h"

GST_DEBUG_CATEGORY(elevenlabstts_debug);
#define GST_CAT_DEFAULT elevenlabstts_debug

#define BASE_URL "https://api.elevenlabs.io"
#define KEY_VARIABLE "ELEVENLABS_API_KEY"
#define CAPS                                                                                       \
  "audio/x-mulaw, rate = (int) 8000, channels = (int) 1; "                                         \
  "audio/x-raw, format = (string) S16LE, rate = (int) { 8000, 16000, 22050, 24000, 44100 }, "      \
  "channels = (int) 1, layout = (string) interleaved"

typedef enum {
  TRANSPORT_MULTI,
  TRANSPORT_SINGLE,
  TRANSPORT_HTTP,
} Transport;

GType gst_elevenlabs_tts_transport_get_type(void);
G_DEFINE_ENUM_TYPE(GstElevenlabsTtsTransport, gst_elevenlabs_tts_transport,
                   { TRANSPORT_MULTI, "One WebSocket for all turns", "multi-stream-input" },
                   { TRANSPORT_SINGLE, "One WebSocket a turn", "stream-input" },
                   { TRANSPORT_HTTP, "One request a sentence", "http" })

#define GST_TYPE_ELEVENLABS_TTS (gst_elevenlabs_tts_get_type())
G_DECLARE_FINAL_TYPE(GstElevenlabsTts, gst_elevenlabs_tts, GST, ELEVENLABS_TTS, CordTtsBase)

struct _GstElevenlabsTts {
  CordTtsBase parent_instance;

  /* properties; object lock */
  ElevenlabsSettings options;
  CordTtsSocketTimes times;
  Transport transport;
  gboolean preconnect;

  /* worker only */
  ElevenlabsSettings settings; /* as they were at the start */
  CordTtsSocket *socket;
  CordTtsHttp *http;
};

G_DEFINE_FINAL_TYPE(GstElevenlabsTts, gst_elevenlabs_tts, CORD_TYPE_TTS_BASE)
GST_ELEMENT_REGISTER_DEFINE(elevenlabstts, "elevenlabstts", GST_RANK_NONE, GST_TYPE_ELEVENLABS_TTS)

enum {
  PROP_0,
  PROP_API_KEY,
  PROP_BASE_URL,
  PROP_VOICE_ID,
  PROP_MODEL_ID,
  PROP_LANGUAGE_CODE,
  PROP_TRANSPORT,
  PROP_STABILITY,
  PROP_SIMILARITY_BOOST,
  PROP_STYLE,
  PROP_USE_SPEAKER_BOOST,
  PROP_SPEED,
  PROP_OPTIMIZE_LATENCY,
  PROP_PRECONNECT,
  PROP_CONNECT_TIMEOUT,
  PROP_OUTAGE_TIMEOUT,
  PROP_FIRST_BYTE_TIMEOUT,
  PROP_IDLE_TIMEOUT,
  N_PROPS
};

#define FIELD(member) G_STRUCT_OFFSET(GstElevenlabsTts, member)

static const struct {
  const gchar *name, *nick, *blurb, *fallback;
  gsize offset;
} texts[N_PROPS] = {
  [PROP_API_KEY] = { "api-key", "API key",
                     "The key; without it that of the environment's " KEY_VARIABLE, NULL,
                     FIELD(options.api_key) },
  [PROP_BASE_URL] = { "base-url", "Base URL", "Where the service is", BASE_URL,
                      FIELD(options.base_url) },
  [PROP_VOICE_ID] = { "voice-id", "Voice ID", "Who speaks", "21m00Tcm4TlvDq8ikWAM",
                      FIELD(options.voice_id) },
  [PROP_MODEL_ID] = { "model-id", "Model", "eleven_turbo_v2, eleven_flash_v2_5 or another",
                      "eleven_turbo_v2", FIELD(options.model_id) },
  [PROP_LANGUAGE_CODE] = { "language-code", "Language code",
                           "ISO 639-1 (en), or BCP 47 of which that is taken; none: by the text",
                           NULL, FIELD(options.language_code) },
};

static const struct {
  const gchar *name, *nick, *blurb;
  gdouble minimum, maximum, fallback;
  gsize offset;
} numbers[N_PROPS] = {
  [PROP_STABILITY] = { "stability", "Stability", "How alike each reading is, 0 to 1", 0, 1, 0.5,
                       FIELD(options.stability) },
  [PROP_SIMILARITY_BOOST] = { "similarity-boost", "Similarity boost",
                              "How close to the original voice, 0 to 1", 0, 1, 0.75,
                              FIELD(options.similarity_boost) },
  [PROP_STYLE] = { "style", "Style", "How exaggerated the style is, 0 to 1; more costs time", 0, 1,
                   0, FIELD(options.style) },
  [PROP_SPEED] = { "speed", "Speed", "How fast it speaks, 1: as the voice does", 0.7, 1.2, 1,
                   FIELD(options.speed) },
};

static const struct {
  const gchar *name, *nick, *blurb;
  guint maximum, fallback;
  gsize offset;
} counts[N_PROPS] = {
  [PROP_CONNECT_TIMEOUT] = { "connect-timeout", "Connect timeout",
                             "How long one attempt to connect may take, ms", 60000, 4000,
                             FIELD(times.connect_ms) },
  [PROP_OUTAGE_TIMEOUT] = { "outage-timeout", "Outage timeout",
                            "How long the service may be away before it is given up, ms", 600000,
                            10000, FIELD(times.give_up_ms) },
  [PROP_FIRST_BYTE_TIMEOUT] = { "first-byte-timeout", "First byte timeout",
                                "From a text to its first audio, ms; then it is asked once more",
                                60000, 4000, FIELD(times.first_byte_ms) },
  [PROP_IDLE_TIMEOUT] = { "idle-timeout", "Idle timeout",
                          "Between two pieces of the audio of a text, ms", 60000, 3000,
                          FIELD(times.idle_ms) },
};

/* Over HTTP */

static void
on_audio(guint piece, const guint8 *audio, gsize size, gpointer data)
{
  cord_tts_base_take_audio(data, piece, audio, size);
}

static void
on_done(guint piece, GError *error, gpointer data)
{
  cord_tts_base_piece_done(data, piece, error);
}

static void
on_state(CordServiceState state, gboolean permanent, const GError *error, gpointer data)
{
  cord_element_post(data, cord_structure_new_service("elevenlabstts", state, permanent,
                                                     error ? error->message : NULL));
}

static void
make_request(const gchar *text, const gchar *previous, gchar **url, GStrv *headers, gchar **body,
             gpointer data)
{
  GstElevenlabsTts *self = data;
  const gchar *const key[] = { self->settings.api_key ? "xi-api-key" : NULL, self->settings.api_key,
                               NULL };

  *url = elevenlabs_http_url(&self->settings);
  *headers = g_strdupv((gchar **)key);
  *body = elevenlabs_http_body(&self->settings, text, previous);
}

static const CordTtsHttpFuncs http_funcs = { make_request, elevenlabs_read_problem, on_audio,
                                             on_done, on_state };

/* Life */

static void
copy_settings(GstElevenlabsTts *self)
{
  const ElevenlabsSettings *options = &self->options;
  const gchar *key = options->api_key ? options->api_key : g_getenv(KEY_VARIABLE);

  elevenlabs_settings_clear(&self->settings);
  self->settings = *options;
  self->settings.api_key = key && *key ? g_strdup(key) : NULL;
  self->settings.base_url = g_strdup(options->base_url);
  self->settings.voice_id = g_strdup(options->voice_id);
  self->settings.model_id = g_strdup(options->model_id);
  /* "en-US" is "en" there */
  self->settings.language_code =
      options->language_code && *options->language_code
          ? g_strndup(options->language_code, strcspn(options->language_code, "-_"))
          : NULL;
}

static gboolean
gst_elevenlabs_tts_start(CordTtsBase *base, GError **error)
{
  static const guint rates[] = { 16000, 24000, 22050, 44100, 8000 };
  GstElevenlabsTts *self = GST_ELEVENLABS_TTS(base);
  CordTtsHttpSettings http = { .name = "ElevenLabs" };
  Transport transport;
  CordTtsSocketTimes times;
  gboolean preconnect;

  GST_OBJECT_LOCK(self);
  copy_settings(self);
  transport = self->transport;
  preconnect = self->preconnect;
  times = self->times;
  GST_OBJECT_UNLOCK(self);
  if (self->settings.api_key == NULL && g_str_equal(self->settings.base_url, BASE_URL)) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED,
                "there is no key for ElevenLabs: set the property api-key or the environment's "
                "%s",
                KEY_VARIABLE);
    return FALSE;
  }
  cord_tts_base_choose_format(base, rates, G_N_ELEMENTS(rates), &self->settings.rate,
                              &self->settings.mulaw);
  http.connect_ms = times.connect_ms;
  http.first_byte_ms = times.first_byte_ms;
  http.idle_ms = times.idle_ms;
  if (transport == TRANSPORT_HTTP)
    self->http = cord_tts_http_new(cord_tts_base_get_worker(base), &http, &http_funcs, self);
  else
    self->socket =
        elevenlabs_socket_new(base, &self->settings, &times, transport == TRANSPORT_MULTI);
  if (self->http && preconnect)
    cord_http_prepare(cord_tts_base_get_worker(base), self->settings.base_url);
  return TRUE;
}

static void
gst_elevenlabs_tts_stop(CordTtsBase *base)
{
  GstElevenlabsTts *self = GST_ELEVENLABS_TTS(base);

  g_clear_pointer(&self->socket, cord_tts_socket_free);
  g_clear_pointer(&self->http, cord_tts_http_free);
}

static void
gst_elevenlabs_tts_speak(CordTtsBase *base, guint piece, guint turn, const gchar *text)
{
  GstElevenlabsTts *self = GST_ELEVENLABS_TTS(base);

  if (self->http)
    cord_tts_http_speak(self->http, piece, turn, text);
  else
    cord_tts_socket_speak(self->socket, piece, turn, text);
}

static void
gst_elevenlabs_tts_cancel(CordTtsBase *base, guint piece)
{
  GstElevenlabsTts *self = GST_ELEVENLABS_TTS(base);

  if (self->http)
    cord_tts_http_cancel(self->http);
  else if (self->socket)
    cord_tts_socket_cancel(self->socket);
}

static void
gst_elevenlabs_tts_turn_done(CordTtsBase *base, guint turn)
{
  GstElevenlabsTts *self = GST_ELEVENLABS_TTS(base);

  if (self->socket)
    cord_tts_socket_turn_done(self->socket);
}

/* Properties */

static void
gst_elevenlabs_tts_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstElevenlabsTts *self = GST_ELEVENLABS_TTS(object);

  GST_OBJECT_LOCK(self);
  if (id < N_PROPS && texts[id].name) {
    gchar **field = G_STRUCT_MEMBER_P(self, texts[id].offset);

    g_free(*field);
    *field = g_value_dup_string(value);
    if (*field == NULL)
      *field = g_strdup(texts[id].fallback);
  } else if (id < N_PROPS && numbers[id].name) {
    G_STRUCT_MEMBER(gdouble, self, numbers[id].offset) = g_value_get_double(value);
  } else if (id < N_PROPS && counts[id].name) {
    G_STRUCT_MEMBER(guint, self, counts[id].offset) = g_value_get_uint(value);
  } else if (id == PROP_TRANSPORT) {
    self->transport = g_value_get_enum(value);
  } else if (id == PROP_PRECONNECT) {
    self->preconnect = g_value_get_boolean(value);
  } else if (id == PROP_USE_SPEAKER_BOOST) {
    self->options.use_speaker_boost = g_value_get_boolean(value);
  } else if (id == PROP_OPTIMIZE_LATENCY) {
    self->options.optimize_latency = g_value_get_int(value);
  } else {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
  GST_OBJECT_UNLOCK(self);
}

static void
gst_elevenlabs_tts_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstElevenlabsTts *self = GST_ELEVENLABS_TTS(object);

  GST_OBJECT_LOCK(self);
  if (id < N_PROPS && texts[id].name)
    g_value_set_string(value, G_STRUCT_MEMBER(gchar *, self, texts[id].offset));
  else if (id < N_PROPS && numbers[id].name)
    g_value_set_double(value, G_STRUCT_MEMBER(gdouble, self, numbers[id].offset));
  else if (id < N_PROPS && counts[id].name)
    g_value_set_uint(value, G_STRUCT_MEMBER(guint, self, counts[id].offset));
  else if (id == PROP_TRANSPORT)
    g_value_set_enum(value, self->transport);
  else if (id == PROP_PRECONNECT)
    g_value_set_boolean(value, self->preconnect);
  else if (id == PROP_USE_SPEAKER_BOOST)
    g_value_set_boolean(value, self->options.use_speaker_boost);
  else if (id == PROP_OPTIMIZE_LATENCY)
    g_value_set_int(value, self->options.optimize_latency);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  GST_OBJECT_UNLOCK(self);
}

static void
gst_elevenlabs_tts_finalize(GObject *object)
{
  GstElevenlabsTts *self = GST_ELEVENLABS_TTS(object);

  elevenlabs_settings_clear(&self->options);
  elevenlabs_settings_clear(&self->settings);
  G_OBJECT_CLASS(gst_elevenlabs_tts_parent_class)->finalize(object);
}

static GParamSpec *
make_spec(guint id, GParamFlags flags)
{
  if (texts[id].name)
    /* the key is written, not read */
    return g_param_spec_string(texts[id].name, texts[id].nick, texts[id].blurb, texts[id].fallback,
                               id == PROP_API_KEY ? flags & ~(GParamFlags)G_PARAM_READABLE : flags);
  if (numbers[id].name)
    return g_param_spec_double(numbers[id].name, numbers[id].nick, numbers[id].blurb,
                               numbers[id].minimum, numbers[id].maximum, numbers[id].fallback,
                               flags);
  if (counts[id].name)
    return g_param_spec_uint(counts[id].name, counts[id].nick, counts[id].blurb, 1,
                             counts[id].maximum, counts[id].fallback, flags);
  if (id == PROP_TRANSPORT)
    return g_param_spec_enum("transport", "Transport",
                             "multi-stream-input: one WebSocket for all turns; stream-input: one a "
                             "turn; http: one request a sentence",
                             gst_elevenlabs_tts_transport_get_type(), TRANSPORT_MULTI, flags);
  if (id == PROP_PRECONNECT)
    return g_param_spec_boolean("preconnect", "Connect early",
                                "Open the connection before the first text; of WebSockets always",
                                TRUE, flags);
  if (id == PROP_USE_SPEAKER_BOOST)
    return g_param_spec_boolean("use-speaker-boost", "Use speaker boost",
                                "Closer to the original speaker, a little later", FALSE, flags);
  return g_param_spec_int("optimize-streaming-latency", "Optimize streaming latency",
                          "0 to 4: the sooner the less well; -1: as the service likes; HTTP only",
                          -1, 4, -1, flags);
}

static void
gst_elevenlabs_tts_class_init(GstElevenlabsTtsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  CordTtsBaseClass *base_class = CORD_TTS_BASE_CLASS(klass);

  GST_DEBUG_CATEGORY_INIT(elevenlabstts_debug, "elevenlabstts", 0, "voices of ElevenLabs");
  object_class->set_property = gst_elevenlabs_tts_set_property;
  object_class->get_property = gst_elevenlabs_tts_get_property;
  object_class->finalize = gst_elevenlabs_tts_finalize;
  base_class->start = gst_elevenlabs_tts_start;
  base_class->stop = gst_elevenlabs_tts_stop;
  base_class->speak = gst_elevenlabs_tts_speak;
  base_class->cancel = gst_elevenlabs_tts_cancel;
  base_class->turn_done = gst_elevenlabs_tts_turn_done;
  for (guint id = 1; id < N_PROPS; id++)
    g_object_class_install_property(
        object_class, id,
        make_spec(id, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  gst_type_mark_as_plugin_api(gst_elevenlabs_tts_transport_get_type(), 0);
  gst_element_class_set_static_metadata(
      GST_ELEMENT_CLASS(klass), "ElevenLabs text to speech", "Audio/Text/Filter",
      "Speaks text with voices of ElevenLabs", "Cordboard developers");
  cord_tts_base_class_add_pads(base_class, CAPS);
}

static void
gst_elevenlabs_tts_init(GstElevenlabsTts *self)
{
  for (guint id = 1; id < N_PROPS; id++) {
    if (texts[id].name)
      G_STRUCT_MEMBER(gchar *, self, texts[id].offset) = g_strdup(texts[id].fallback);
    else if (numbers[id].name)
      G_STRUCT_MEMBER(gdouble, self, numbers[id].offset) = numbers[id].fallback;
    else if (counts[id].name)
      G_STRUCT_MEMBER(guint, self, counts[id].offset) = counts[id].fallback;
  }
  self->options.optimize_latency = -1;
  self->preconnect = TRUE;
}
