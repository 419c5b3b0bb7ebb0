/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstopenairealtime-private.h"

/* The properties of openairealtime, and where each of them is kept. */

GType gst_openai_realtime_turn_detection_get_type(void);
G_DEFINE_ENUM_TYPE(GstOpenaiRealtimeTurnDetection, gst_openai_realtime_turn_detection,
                   { REALTIME_SERVER_VAD, "By silence", "server-vad" },
                   { REALTIME_SEMANTIC_VAD, "By silence and by what is said", "semantic-vad" })

GType gst_openai_realtime_eagerness_get_type(void);
G_DEFINE_ENUM_TYPE(GstOpenaiRealtimeEagerness, gst_openai_realtime_eagerness,
                   { REALTIME_EAGERNESS_AUTO, "As the service thinks best", "auto" },
                   { REALTIME_EAGERNESS_LOW, "Waits up to 8 s", "low" },
                   { REALTIME_EAGERNESS_MEDIUM, "Waits up to 4 s", "medium" },
                   { REALTIME_EAGERNESS_HIGH, "Waits up to 2 s", "high" })

GType gst_openai_realtime_noise_reduction_get_type(void);
G_DEFINE_ENUM_TYPE(GstOpenaiRealtimeNoiseReduction, gst_openai_realtime_noise_reduction,
                   { REALTIME_NOISE_KEPT, "None", "none" },
                   { REALTIME_NOISE_NEAR_FIELD, "For headsets and telephones", "near-field" },
                   { REALTIME_NOISE_FAR_FIELD, "For microphones in a room", "far-field" })

enum {
  PROP_0,
  PROP_CONTEXT,
  PROP_API_KEY,
  PROP_BASE_URL,
  PROP_MODEL_ID,
  PROP_VOICE_ID,
  PROP_INSTRUCTIONS,
  PROP_GREETING,
  PROP_LANGUAGE_CODE,
  PROP_TRANSCRIPTION_MODEL,
  PROP_TOOLS,
  PROP_BETA,
  PROP_TURN_DETECTION,
  PROP_EAGERNESS,
  PROP_NOISE_REDUCTION,
  PROP_THRESHOLD,
  PROP_SPEED,
  PROP_SILENCE,
  PROP_PREFIX,
  PROP_IDLE_TIMEOUT,
  PROP_MAX_TOKENS,
  PROP_CONNECT_TIMEOUT,
  PROP_OUTAGE_TIMEOUT,
  PROP_RESPONSE_TIMEOUT,
  PROP_DTMF_TIMEOUT,
  PROP_STATS,
  N_PROPS
};

#define FIELD(member) G_STRUCT_OFFSET(GstOpenaiRealtime, member)

static const struct {
  const gchar *name, *nick, *blurb, *fallback;
  gsize offset;
} texts[N_PROPS] = {
  [PROP_CONTEXT] = { "context", "Context", "Name of the media thread to share", NULL,
                     FIELD(context) },
  [PROP_API_KEY] = { "api-key", "API key",
                     "The key; without it that of the environment's " GST_OPENAI_REALTIME_KEY, NULL,
                     FIELD(options.api_key) },
  [PROP_BASE_URL] = { "base-url", "Base URL",
                      "Where the service is, with its version; http:// and ws:// are the same here",
                      GST_OPENAI_REALTIME_BASE_URL, FIELD(options.base_url) },
  [PROP_MODEL_ID] = { "model-id", "Model", "gpt-realtime or another", "gpt-realtime",
                      FIELD(options.model) },
  [PROP_VOICE_ID] = { "voice-id", "Voice ID", "Who speaks: marin, cedar, alloy, …", "marin",
                      FIELD(options.voice) },
  [PROP_INSTRUCTIONS] = { "instructions", "Instructions", "What the model is told to be", NULL,
                          FIELD(options.instructions) },
  [PROP_GREETING] = { "greeting", "Greeting", "What is said first", NULL, FIELD(options.greeting) },
  [PROP_LANGUAGE_CODE] = { "language-code", "Language code",
                           "Of the caller, BCP 47, for the transcript", NULL,
                           FIELD(options.language) },
  [PROP_TRANSCRIPTION_MODEL] = { "transcription-model", "Transcription model",
                                 "Who writes down what the caller says", "gpt-4o-mini-transcribe",
                                 FIELD(options.transcription_model) },
  [PROP_TOOLS] = { "tools", "Tools",
                   "The functions that the model may call: a JSON array as OpenAI's chat "
                   "completions have it",
                   NULL, FIELD(options.tools) },
};

static const struct {
  const gchar *name, *nick, *blurb;
  guint minimum, maximum, fallback;
  gsize offset;
} counts[N_PROPS] = {
  [PROP_SILENCE] = { "silence-duration", "Silence duration",
                     "Of silence after which the caller is done, ms", 100, 10000, 500,
                     FIELD(options.silence_ms) },
  [PROP_PREFIX] = { "prefix-padding", "Prefix padding",
                    "Of audio that counts before the caller's first sound, ms", 0, 5000, 300,
                    FIELD(options.prefix_ms) },
  [PROP_IDLE_TIMEOUT] = { "idle-timeout", "Idle timeout",
                          "Of silence after which the agent asks whether anybody is there, ms; 0: "
                          "never, else 5000 at least",
                          0, 30000, 0, FIELD(options.idle_ms) },
  [PROP_MAX_TOKENS] = { "max-tokens", "Maximum tokens",
                        "Longest answer in tokens, 0: the model's own", 0, 4096, 0,
                        FIELD(options.max_tokens) },
  [PROP_CONNECT_TIMEOUT] = { "connect-timeout", "Connect timeout",
                             "How long one attempt to connect may take, ms", 1, 60000, 4000,
                             FIELD(connect_ms) },
  [PROP_OUTAGE_TIMEOUT] = { "outage-timeout", "Outage timeout",
                            "How long the service may be away before it is given up, ms", 1, 600000,
                            10000, FIELD(give_up_ms) },
  [PROP_RESPONSE_TIMEOUT] = { "response-timeout", "Response timeout",
                              "How long the service may be silent while an answer is due, ms; then "
                              "it is asked on a new connection",
                              100, 600000, 15000, FIELD(answer_ms) },
  [PROP_DTMF_TIMEOUT] = { "dtmf-timeout", "DTMF timeout",
                          "Pause after a keypress that ends a turn, ms", 0, 60000, 1500,
                          FIELD(keys_ms) },
};

static const struct {
  const gchar *name, *nick, *blurb;
  GType (*type)(void);
  gint fallback;
  gsize offset;
} choices[N_PROPS] = {
  [PROP_TURN_DETECTION] = { "turn-detection", "Turn detection",
                            "How the service finds out that the caller is done",
                            gst_openai_realtime_turn_detection_get_type, REALTIME_SERVER_VAD,
                            FIELD(options.detection) },
  [PROP_EAGERNESS] = { "eagerness", "Eagerness",
                       "How long the caller is waited for who has not come to the end of his "
                       "sentence (semantic-vad)",
                       gst_openai_realtime_eagerness_get_type, REALTIME_EAGERNESS_AUTO,
                       FIELD(options.eagerness) },
  [PROP_NOISE_REDUCTION] = { "noise-reduction", "Noise reduction",
                             "What the service takes off the caller's audio",
                             gst_openai_realtime_noise_reduction_get_type, REALTIME_NOISE_KEPT,
                             FIELD(options.noise) },
};

static const struct {
  const gchar *name, *nick, *blurb;
  gdouble minimum, maximum, fallback;
  gsize offset;
} fractions[N_PROPS] = {
  [PROP_THRESHOLD] = { "threshold", "Threshold",
                       "Of the service's voice detection: the higher the louder (server-vad)", 0, 1,
                       0.5, FIELD(options.threshold) },
  [PROP_SPEED] = { "speed", "Speed", "Of the voice, 1: its own", 0.25, 1.5, 1,
                   FIELD(options.speed) },
};

static void
set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstOpenaiRealtime *self = GST_OPENAI_REALTIME(object);

  GST_OBJECT_LOCK(self);
  if (id < N_PROPS && texts[id].name) {
    gchar **field = G_STRUCT_MEMBER_P(self, texts[id].offset);

    g_free(*field);
    *field = g_value_dup_string(value);
    if (*field == NULL)
      *field = g_strdup(texts[id].fallback);
  } else if (id < N_PROPS && counts[id].name) {
    G_STRUCT_MEMBER(guint, self, counts[id].offset) = g_value_get_uint(value);
  } else if (id < N_PROPS && choices[id].name) {
    G_STRUCT_MEMBER(gint, self, choices[id].offset) = g_value_get_enum(value);
  } else if (id < N_PROPS && fractions[id].name) {
    G_STRUCT_MEMBER(gdouble, self, fractions[id].offset) = g_value_get_double(value);
  } else if (id == PROP_BETA) {
    self->options.beta = g_value_get_boolean(value);
  } else {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
  GST_OBJECT_UNLOCK(self);
}

static void
get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstOpenaiRealtime *self = GST_OPENAI_REALTIME(object);

  GST_OBJECT_LOCK(self);
  if (id < N_PROPS && texts[id].name)
    g_value_set_string(value, G_STRUCT_MEMBER(gchar *, self, texts[id].offset));
  else if (id < N_PROPS && counts[id].name)
    g_value_set_uint(value, G_STRUCT_MEMBER(guint, self, counts[id].offset));
  else if (id < N_PROPS && choices[id].name)
    g_value_set_enum(value, G_STRUCT_MEMBER(gint, self, choices[id].offset));
  else if (id < N_PROPS && fractions[id].name)
    g_value_set_double(value, G_STRUCT_MEMBER(gdouble, self, fractions[id].offset));
  else if (id == PROP_BETA)
    g_value_set_boolean(value, self->options.beta);
  else if (id == PROP_STATS)
    g_value_take_boxed(value,
                       gst_structure_new("stats", "input-tokens", G_TYPE_INT64, self->input_tokens,
                                         "output-tokens", G_TYPE_INT64, self->output_tokens, NULL));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  GST_OBJECT_UNLOCK(self);
}

static GParamSpec *
make_spec(guint id)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  if (texts[id].name)
    /* the key is written, not read */
    return g_param_spec_string(texts[id].name, texts[id].nick, texts[id].blurb, texts[id].fallback,
                               id == PROP_API_KEY ? flags & ~(GParamFlags)G_PARAM_READABLE : flags);
  if (counts[id].name)
    return g_param_spec_uint(counts[id].name, counts[id].nick, counts[id].blurb, counts[id].minimum,
                             counts[id].maximum, counts[id].fallback, flags);
  if (choices[id].name)
    return g_param_spec_enum(choices[id].name, choices[id].nick, choices[id].blurb,
                             choices[id].type(), choices[id].fallback, flags);
  if (fractions[id].name)
    return g_param_spec_double(fractions[id].name, fractions[id].nick, fractions[id].blurb,
                               fractions[id].minimum, fractions[id].maximum, fractions[id].fallback,
                               flags);
  if (id == PROP_BETA)
    return g_param_spec_boolean("beta", "Beta", "Speak the older dialect of the service", FALSE,
                                flags);
  return g_param_spec_boxed("stats", "Statistics",
                            "input-tokens and output-tokens, as the service counts",
                            GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
}

void
gst_openai_realtime_install_properties(GObjectClass *klass)
{
  klass->set_property = set_property;
  klass->get_property = get_property;
  for (guint id = 1; id < N_PROPS; id++) {
    g_object_class_install_property(klass, id, make_spec(id));
    if (choices[id].name)
      gst_type_mark_as_plugin_api(choices[id].type(), 0);
  }
}

void
gst_openai_realtime_init_properties(GstOpenaiRealtime *self)
{
  for (guint id = 1; id < N_PROPS; id++) {
    if (texts[id].name)
      G_STRUCT_MEMBER(gchar *, self, texts[id].offset) = g_strdup(texts[id].fallback);
    else if (counts[id].name)
      G_STRUCT_MEMBER(guint, self, counts[id].offset) = counts[id].fallback;
    else if (choices[id].name)
      G_STRUCT_MEMBER(gint, self, choices[id].offset) = choices[id].fallback;
    else if (fractions[id].name)
      G_STRUCT_MEMBER(gdouble, self, fractions[id].offset) = fractions[id].fallback;
  }
}
