/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-cartesiatts
 * @title: cartesiatts
 * @short_description: speaks text with voices of Cartesia
 *
 * Over one WebSocket with a context a turn. Where downstream takes mu-law at 8 kHz the service is
 * asked for it, and nothing is transcoded on the telephone. The service tells when each word is
 * spoken: what was heard of an interrupted sentence is known to the word.
 *
 * |[
 * gst-launch-1.0 cartesiatts text="Hello from GStreamer" ! audioconvert ! autoaudiosink
 * ]|
 */
#include "config.h"

#include <string.h>

#include "cord-error.h"
#include "cartesia-elements.h"
#include "cartesia-socket.h"

GST_DEBUG_CATEGORY(cartesiatts_debug);
#define GST_CAT_DEFAULT cartesiatts_debug

#define BASE_URL "https://api.cartesia.ai"
#define KEY_VARIABLE "CARTESIA_API_KEY"
#define CAPS                                                                                       \
  "audio/x-mulaw, rate = (int) 8000, channels = (int) 1; "                                         \
  "audio/x-raw, format = (string) S16LE, rate = (int) { 8000, 16000, 22050, 24000, 44100 }, "      \
  "channels = (int) 1, layout = (string) interleaved"

#define GST_TYPE_CARTESIA_TTS (gst_cartesia_tts_get_type())
G_DECLARE_FINAL_TYPE(GstCartesiaTts, gst_cartesia_tts, GST, CARTESIA_TTS, CordTtsBase)

struct _GstCartesiaTts {
  CordTtsBase parent_instance;

  /* properties; object lock */
  CartesiaSettings options;
  CordTtsSocketTimes times;

  /* worker only */
  CartesiaSettings settings; /* as they were at the start */
  CordTtsSocket *socket;
};

G_DEFINE_FINAL_TYPE(GstCartesiaTts, gst_cartesia_tts, CORD_TYPE_TTS_BASE)
GST_ELEMENT_REGISTER_DEFINE(cartesiatts, "cartesiatts", GST_RANK_NONE, GST_TYPE_CARTESIA_TTS)

enum {
  PROP_0,
  PROP_API_KEY,
  PROP_BASE_URL,
  PROP_VOICE_ID,
  PROP_MODEL_ID,
  PROP_LANGUAGE_CODE,
  PROP_VERSION,
  PROP_EMOTION,
  PROP_SPEED,
  PROP_VOLUME,
  PROP_CONNECT_TIMEOUT,
  PROP_OUTAGE_TIMEOUT,
  PROP_FIRST_BYTE_TIMEOUT,
  PROP_IDLE_TIMEOUT,
  N_PROPS
};

#define FIELD(member) G_STRUCT_OFFSET(GstCartesiaTts, member)

static const struct {
  const gchar *name, *nick, *blurb, *fallback;
  gsize offset;
} texts[N_PROPS] = {
  [PROP_API_KEY] = { "api-key", "API key",
                     "The key; without it that of the environment's " KEY_VARIABLE, NULL,
                     FIELD(options.api_key) },
  [PROP_BASE_URL] = { "base-url", "Base URL", "Where the service is", BASE_URL,
                      FIELD(options.base_url) },
  [PROP_VOICE_ID] = { "voice-id", "Voice ID", "Who speaks, a UUID",
                      "694f9389-aac1-45b6-b726-9d9369183238", FIELD(options.voice_id) },
  [PROP_MODEL_ID] = { "model-id", "Model", "sonic-3, sonic-latest or another", "sonic-3",
                      FIELD(options.model_id) },
  [PROP_LANGUAGE_CODE] = { "language-code", "Language code",
                           "ISO 639-1 (en), or BCP 47 of which that is taken", "en",
                           FIELD(options.language_code) },
  [PROP_VERSION] = { "version", "Version", "Of the service's protocol, a date", "2026-03-01",
                     FIELD(options.version) },
  [PROP_EMOTION] = { "emotion", "Emotion", "How it is said: neutral, content, sad, …", NULL,
                     FIELD(options.emotion) },
};

static const struct {
  const gchar *name, *nick, *blurb;
  gdouble minimum, maximum, fallback;
  gsize offset;
} numbers[N_PROPS] = {
  [PROP_SPEED] = { "speed", "Speed", "How fast it speaks, 1: as the voice does", 0.6, 1.5, 1,
                   FIELD(options.speed) },
  [PROP_VOLUME] = { "volume", "Volume", "How loud it speaks, 1: as the voice does", 0.5, 2, 1,
                    FIELD(options.volume) },
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

/* Life */

static void
copy_settings(GstCartesiaTts *self)
{
  const CartesiaSettings *options = &self->options;
  const gchar *key = options->api_key ? options->api_key : g_getenv(KEY_VARIABLE);

  cartesia_settings_clear(&self->settings);
  self->settings = *options;
  self->settings.api_key = key && *key ? g_strdup(key) : NULL;
  self->settings.base_url = g_strdup(options->base_url);
  self->settings.voice_id = g_strdup(options->voice_id);
  self->settings.model_id = g_strdup(options->model_id);
  self->settings.version = g_strdup(options->version);
  self->settings.emotion = g_strdup(options->emotion);
  /* "en-US" is "en" there */
  self->settings.language_code =
      g_strndup(options->language_code, strcspn(options->language_code, "-_"));
}

static gboolean
gst_cartesia_tts_start(CordTtsBase *base, GError **error)
{
  static const guint rates[] = { 16000, 24000, 22050, 44100, 8000 };
  GstCartesiaTts *self = GST_CARTESIA_TTS(base);
  CordTtsSocketTimes times;

  GST_OBJECT_LOCK(self);
  copy_settings(self);
  times = self->times;
  GST_OBJECT_UNLOCK(self);
  if (self->settings.api_key == NULL && g_str_equal(self->settings.base_url, BASE_URL)) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED,
                "there is no key for Cartesia: set the property api-key or the environment's "
                "%s",
                KEY_VARIABLE);
    return FALSE;
  }
  cord_tts_base_choose_format(base, rates, G_N_ELEMENTS(rates), &self->settings.rate,
                              &self->settings.mulaw);
  self->socket = cartesia_socket_new(base, &self->settings, &times);
  return TRUE;
}

static void
gst_cartesia_tts_stop(CordTtsBase *base)
{
  GstCartesiaTts *self = GST_CARTESIA_TTS(base);

  g_clear_pointer(&self->socket, cord_tts_socket_free);
}

static void
gst_cartesia_tts_speak(CordTtsBase *base, guint piece, guint turn, const gchar *text)
{
  cord_tts_socket_speak(GST_CARTESIA_TTS(base)->socket, piece, turn, text);
}

static void
gst_cartesia_tts_cancel(CordTtsBase *base, guint piece)
{
  GstCartesiaTts *self = GST_CARTESIA_TTS(base);

  if (self->socket)
    cord_tts_socket_cancel(self->socket);
}

static void
gst_cartesia_tts_turn_done(CordTtsBase *base, guint turn)
{
  GstCartesiaTts *self = GST_CARTESIA_TTS(base);

  if (self->socket)
    cord_tts_socket_turn_done(self->socket);
}

/* Properties */

static void
gst_cartesia_tts_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstCartesiaTts *self = GST_CARTESIA_TTS(object);

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
  } else {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
  GST_OBJECT_UNLOCK(self);
}

static void
gst_cartesia_tts_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstCartesiaTts *self = GST_CARTESIA_TTS(object);

  GST_OBJECT_LOCK(self);
  if (id < N_PROPS && texts[id].name)
    g_value_set_string(value, G_STRUCT_MEMBER(gchar *, self, texts[id].offset));
  else if (id < N_PROPS && numbers[id].name)
    g_value_set_double(value, G_STRUCT_MEMBER(gdouble, self, numbers[id].offset));
  else if (id < N_PROPS && counts[id].name)
    g_value_set_uint(value, G_STRUCT_MEMBER(guint, self, counts[id].offset));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  GST_OBJECT_UNLOCK(self);
}

static void
gst_cartesia_tts_finalize(GObject *object)
{
  GstCartesiaTts *self = GST_CARTESIA_TTS(object);

  cartesia_settings_clear(&self->options);
  cartesia_settings_clear(&self->settings);
  G_OBJECT_CLASS(gst_cartesia_tts_parent_class)->finalize(object);
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
  return g_param_spec_uint(counts[id].name, counts[id].nick, counts[id].blurb, 1,
                           counts[id].maximum, counts[id].fallback, flags);
}

static void
gst_cartesia_tts_class_init(GstCartesiaTtsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  CordTtsBaseClass *base_class = CORD_TTS_BASE_CLASS(klass);

  GST_DEBUG_CATEGORY_INIT(cartesiatts_debug, "cartesiatts", 0, "voices of Cartesia");
  object_class->set_property = gst_cartesia_tts_set_property;
  object_class->get_property = gst_cartesia_tts_get_property;
  object_class->finalize = gst_cartesia_tts_finalize;
  base_class->start = gst_cartesia_tts_start;
  base_class->stop = gst_cartesia_tts_stop;
  base_class->speak = gst_cartesia_tts_speak;
  base_class->cancel = gst_cartesia_tts_cancel;
  base_class->turn_done = gst_cartesia_tts_turn_done;
  for (guint id = 1; id < N_PROPS; id++)
    g_object_class_install_property(
        object_class, id,
        make_spec(id, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Cartesia text to speech",
                                        "Audio/Text/Filter", "Speaks text with voices of Cartesia",
                                        "Cordboard developers");
  cord_tts_base_class_add_pads(base_class, CAPS);
}

static void
gst_cartesia_tts_init(GstCartesiaTts *self)
{
  for (guint id = 1; id < N_PROPS; id++) {
    if (texts[id].name)
      G_STRUCT_MEMBER(gchar *, self, texts[id].offset) = g_strdup(texts[id].fallback);
    else if (numbers[id].name)
      G_STRUCT_MEMBER(gdouble, self, numbers[id].offset) = numbers[id].fallback;
    else if (counts[id].name)
      G_STRUCT_MEMBER(guint, self, counts[id].offset) = counts[id].fallback;
  }
}
