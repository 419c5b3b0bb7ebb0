/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-openaitts
 * @title: openaitts
 * @short_description: speaks text with voices of OpenAI
 *
 * One request a sentence; the audio, 24 kHz, leaves as it comes.
 *
 * |[
 * gst-launch-1.0 openaitts text="Hello from GStreamer" ! audioconvert ! autoaudiosink
 * ]|
 */
#include "config.h"

#include <string.h>

#include "cord-error.h"
#include "cord-http.h"
#include "cord-json.h"
#include "cord-tts-base.h"
#include "cord-tts-http.h"
#include "openai-elements.h"

#define BASE_URL "https://api.openai.com/v1"
#define KEY_VARIABLE "OPENAI_API_KEY"
#define RATE 24000
#define CAPS                                                                                       \
  "audio/x-raw, format = (string) S16LE, rate = (int) 24000, channels = (int) 1, "                 \
  "layout = (string) interleaved"

#define GST_TYPE_OPENAI_TTS (gst_openai_tts_get_type())
G_DECLARE_FINAL_TYPE(GstOpenaiTts, gst_openai_tts, GST, OPENAI_TTS, CordTtsBase)

typedef struct {
  gchar *api_key;
  gchar *base_url;
  gchar *voice_id;
  gchar *model_id;
  gchar *instructions;
  gdouble speed;
} Settings;

struct _GstOpenaiTts {
  CordTtsBase parent_instance;

  /* properties; object lock */
  Settings options;
  guint connect_ms, first_byte_ms, idle_ms;
  gboolean preconnect;

  /* worker only */
  Settings settings; /* as they were at the start */
  CordTtsHttp *http;
};

G_DEFINE_FINAL_TYPE(GstOpenaiTts, gst_openai_tts, CORD_TYPE_TTS_BASE)
GST_ELEMENT_REGISTER_DEFINE(openaitts, "openaitts", GST_RANK_NONE, GST_TYPE_OPENAI_TTS)

enum {
  PROP_0,
  PROP_API_KEY,
  PROP_BASE_URL,
  PROP_VOICE_ID,
  PROP_MODEL_ID,
  PROP_INSTRUCTIONS,
  PROP_SPEED,
  PROP_PRECONNECT,
  PROP_CONNECT_TIMEOUT,
  PROP_FIRST_BYTE_TIMEOUT,
  PROP_IDLE_TIMEOUT,
  N_PROPS
};

#define FIELD(member) G_STRUCT_OFFSET(GstOpenaiTts, member)

static const struct {
  const gchar *name, *nick, *blurb, *fallback;
  gsize offset;
} texts[N_PROPS] = {
  [PROP_API_KEY] = { "api-key", "API key",
                     "The key; without it that of the environment's " KEY_VARIABLE, NULL,
                     FIELD(options.api_key) },
  [PROP_BASE_URL] = { "base-url", "Base URL", "Where the service is, with its version", BASE_URL,
                      FIELD(options.base_url) },
  [PROP_VOICE_ID] = { "voice-id", "Voice ID", "Who speaks: alloy, ash, coral, marin, …", "alloy",
                      FIELD(options.voice_id) },
  [PROP_MODEL_ID] = { "model-id", "Model", "gpt-4o-mini-tts, tts-1, tts-1-hd or another",
                      "gpt-4o-mini-tts", FIELD(options.model_id) },
  [PROP_INSTRUCTIONS] = { "instructions", "Instructions", "How to say it, in words; not for tts-1",
                          NULL, FIELD(options.instructions) },
};

static const struct {
  const gchar *name, *nick, *blurb;
  guint maximum, fallback;
  gsize offset;
} counts[N_PROPS] = {
  [PROP_CONNECT_TIMEOUT] = { "connect-timeout", "Connect timeout",
                             "How long one attempt to connect may take, ms", 60000, 4000,
                             FIELD(connect_ms) },
  [PROP_FIRST_BYTE_TIMEOUT] = { "first-byte-timeout", "First byte timeout",
                                "From a text to its first audio, ms; then it is asked again", 60000,
                                4000, FIELD(first_byte_ms) },
  [PROP_IDLE_TIMEOUT] = { "idle-timeout", "Idle timeout",
                          "Between two pieces of the audio of a text, ms", 60000, 3000,
                          FIELD(idle_ms) },
};

static void
clear_settings(Settings *settings)
{
  g_clear_pointer(&settings->api_key, g_free);
  g_clear_pointer(&settings->base_url, g_free);
  g_clear_pointer(&settings->voice_id, g_free);
  g_clear_pointer(&settings->model_id, g_free);
  g_clear_pointer(&settings->instructions, g_free);
}

/* What the request is, and what comes of it */

static void
add_member(GString *json, const gchar *name, const gchar *value)
{
  g_string_append_printf(json, "%s\"%s\":", json->len > 1 ? "," : "", name);
  cord_json_append_string(json, value);
}

static void
make_request(const gchar *text, const gchar *previous, gchar **url, GStrv *headers, gchar **body,
             gpointer data)
{
  const Settings *settings = &GST_OPENAI_TTS(data)->settings;
  g_autofree gchar *authorization =
      settings->api_key ? g_strconcat("Bearer ", settings->api_key, NULL) : NULL;
  const gchar *const key[] = { authorization ? "Authorization" : NULL, authorization, NULL };
  GString *json = g_string_new("{");
  gchar digits[G_ASCII_DTOSTR_BUF_SIZE];
  gsize length = strlen(settings->base_url);

  while (length > 0 && settings->base_url[length - 1] == '/')
    length--;
  *url = g_strdup_printf("%.*s/audio/speech", (gint)length, settings->base_url);
  *headers = g_strdupv((gchar **)key);
  add_member(json, "model", settings->model_id);
  add_member(json, "voice", settings->voice_id);
  add_member(json, "input", text);
  add_member(json, "response_format", "pcm");
  if (settings->instructions && *settings->instructions)
    add_member(json, "instructions", settings->instructions);
  if (settings->speed != 1)
    g_string_append_printf(json, ",\"speed\":%s",
                           g_ascii_formatd(digits, sizeof digits, "%.3g", settings->speed));
  g_string_append_c(json, '}');
  *body = g_string_free(json, FALSE);
}

static gchar *
read_problem(const gchar *body)
{
  g_autoptr(JsonObject) object = cord_json_parse_object(body, -1, NULL);
  JsonObject *error = object ? cord_json_peek_object(object, "error") : NULL;

  return error ? g_strdup(cord_json_peek_string(error, "message", NULL)) : NULL;
}

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
  cord_element_post(data, cord_structure_new_service("openaitts", state, permanent,
                                                     error ? error->message : NULL));
}

static const CordTtsHttpFuncs funcs = { make_request, read_problem, on_audio, on_done, on_state };

/* Life */

static void
copy_settings(GstOpenaiTts *self)
{
  const Settings *options = &self->options;
  const gchar *key = options->api_key ? options->api_key : g_getenv(KEY_VARIABLE);

  clear_settings(&self->settings);
  self->settings.api_key = key && *key ? g_strdup(key) : NULL;
  self->settings.base_url = g_strdup(options->base_url);
  self->settings.voice_id = g_strdup(options->voice_id);
  self->settings.model_id = g_strdup(options->model_id);
  self->settings.instructions = g_strdup(options->instructions);
  self->settings.speed = options->speed;
}

static gboolean
gst_openai_tts_start(CordTtsBase *base, GError **error)
{
  GstOpenaiTts *self = GST_OPENAI_TTS(base);
  CordTtsHttpSettings http = { .name = "OpenAI" };
  gboolean preconnect;

  GST_OBJECT_LOCK(self);
  copy_settings(self);
  http.connect_ms = self->connect_ms;
  http.first_byte_ms = self->first_byte_ms;
  http.idle_ms = self->idle_ms;
  preconnect = self->preconnect;
  GST_OBJECT_UNLOCK(self);
  if (self->settings.api_key == NULL && g_str_equal(self->settings.base_url, BASE_URL)) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED,
                "there is no key for OpenAI: set the property api-key or the environment's %s",
                KEY_VARIABLE);
    return FALSE;
  }
  cord_tts_base_set_format(base, RATE, FALSE);
  self->http = cord_tts_http_new(cord_tts_base_get_worker(base), &http, &funcs, self);
  if (preconnect)
    cord_http_prepare(cord_tts_base_get_worker(base), self->settings.base_url);
  return TRUE;
}

static void
gst_openai_tts_stop(CordTtsBase *base)
{
  g_clear_pointer(&GST_OPENAI_TTS(base)->http, cord_tts_http_free);
}

static void
gst_openai_tts_speak(CordTtsBase *base, guint piece, guint turn, const gchar *text)
{
  cord_tts_http_speak(GST_OPENAI_TTS(base)->http, piece, turn, text);
}

static void
gst_openai_tts_cancel(CordTtsBase *base, guint piece)
{
  GstOpenaiTts *self = GST_OPENAI_TTS(base);

  if (self->http)
    cord_tts_http_cancel(self->http);
}

/* Properties */

static void
gst_openai_tts_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstOpenaiTts *self = GST_OPENAI_TTS(object);

  GST_OBJECT_LOCK(self);
  if (id < N_PROPS && texts[id].name) {
    gchar **field = G_STRUCT_MEMBER_P(self, texts[id].offset);

    g_free(*field);
    *field = g_value_dup_string(value);
    if (*field == NULL)
      *field = g_strdup(texts[id].fallback);
  } else if (id < N_PROPS && counts[id].name) {
    G_STRUCT_MEMBER(guint, self, counts[id].offset) = g_value_get_uint(value);
  } else if (id == PROP_SPEED) {
    self->options.speed = g_value_get_double(value);
  } else if (id == PROP_PRECONNECT) {
    self->preconnect = g_value_get_boolean(value);
  } else {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
  GST_OBJECT_UNLOCK(self);
}

static void
gst_openai_tts_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstOpenaiTts *self = GST_OPENAI_TTS(object);

  GST_OBJECT_LOCK(self);
  if (id < N_PROPS && texts[id].name)
    g_value_set_string(value, G_STRUCT_MEMBER(gchar *, self, texts[id].offset));
  else if (id < N_PROPS && counts[id].name)
    g_value_set_uint(value, G_STRUCT_MEMBER(guint, self, counts[id].offset));
  else if (id == PROP_SPEED)
    g_value_set_double(value, self->options.speed);
  else if (id == PROP_PRECONNECT)
    g_value_set_boolean(value, self->preconnect);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  GST_OBJECT_UNLOCK(self);
}

static void
gst_openai_tts_finalize(GObject *object)
{
  GstOpenaiTts *self = GST_OPENAI_TTS(object);

  clear_settings(&self->options);
  clear_settings(&self->settings);
  G_OBJECT_CLASS(gst_openai_tts_parent_class)->finalize(object);
}

static GParamSpec *
make_spec(guint id, GParamFlags flags)
{
  if (texts[id].name)
    /* the key is written, not read */
    return g_param_spec_string(texts[id].name, texts[id].nick, texts[id].blurb, texts[id].fallback,
                               id == PROP_API_KEY ? flags & ~(GParamFlags)G_PARAM_READABLE : flags);
  if (counts[id].name)
    return g_param_spec_uint(counts[id].name, counts[id].nick, counts[id].blurb, 1,
                             counts[id].maximum, counts[id].fallback, flags);
  if (id == PROP_PRECONNECT)
    return g_param_spec_boolean("preconnect", "Connect early",
                                "Open the connection before the first text", TRUE, flags);
  return g_param_spec_double("speed", "Speed", "How fast it speaks, 1: as the voice does", 0.25, 4,
                             1, flags);
}

static void
gst_openai_tts_class_init(GstOpenaiTtsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  CordTtsBaseClass *base_class = CORD_TTS_BASE_CLASS(klass);

  object_class->set_property = gst_openai_tts_set_property;
  object_class->get_property = gst_openai_tts_get_property;
  object_class->finalize = gst_openai_tts_finalize;
  base_class->start = gst_openai_tts_start;
  base_class->stop = gst_openai_tts_stop;
  base_class->speak = gst_openai_tts_speak;
  base_class->cancel = gst_openai_tts_cancel;
  for (guint id = 1; id < N_PROPS; id++)
    g_object_class_install_property(
        object_class, id,
        make_spec(id, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "OpenAI text to speech",
                                        "Audio/Text/Filter", "Speaks text with voices of OpenAI",
                                        "Cordboard developers");
  cord_tts_base_class_add_pads(base_class, CAPS);
}

static void
gst_openai_tts_init(GstOpenaiTts *self)
{
  for (guint id = 1; id < N_PROPS; id++) {
    if (texts[id].name)
      G_STRUCT_MEMBER(gchar *, self, texts[id].offset) = g_strdup(texts[id].fallback);
    else if (counts[id].name)
      G_STRUCT_MEMBER(guint, self, counts[id].offset) = counts[id].fallback;
  }
  self->options.speed = 1;
  self->preconnect = TRUE;
}
