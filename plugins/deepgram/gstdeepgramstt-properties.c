/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstdeepgramstt-private.h"

/* The properties of deepgramstt, and where each of them is kept. */

GType gst_deepgram_stt_segmentation_get_type(void);
G_DEFINE_ENUM_TYPE(GstDeepgramSttSegmentation, gst_deepgram_stt_segmentation,
                   { CORD_STT_CUT_UPSTREAM, "A voicedetect upstream", "upstream" },
                   { CORD_STT_CUT_SERVICE, "The service", "service" },
                   { CORD_STT_CUT_AUTO, "A voicedetect upstream; without one, the service",
                     "auto" })

enum {
  PROP_0,
  PROP_API_KEY,
  PROP_BASE_URL,
  PROP_MODEL_ID,
  PROP_KEYTERMS,
  PROP_TAG,
  PROP_PARAMETERS,
  PROP_SEGMENTATION,
  PROP_CONTINUOUS,
  PROP_INTERIM_RESULTS,
  PROP_SMART_FORMAT,
  PROP_PUNCTUATE,
  PROP_NUMERALS,
  PROP_PROFANITY_FILTER,
  PROP_VAD_EVENTS,
  PROP_MIP_OPT_OUT,
  PROP_ENDPOINTING,
  PROP_UTTERANCE_END,
  PROP_EOT_TIMEOUT,
  PROP_CHUNK_DURATION,
  PROP_KEEP_ALIVE,
  PROP_STALL_TIMEOUT,
  PROP_CONNECT_TIMEOUT,
  PROP_OUTAGE_TIMEOUT,
  PROP_EOT_THRESHOLD,
  PROP_EAGER_EOT_THRESHOLD,
  N_PROPS
};

#define FIELD(member) G_STRUCT_OFFSET(GstDeepgramStt, member)

static const struct {
  const gchar *name, *nick, *blurb, *fallback;
  gsize offset;
} texts[N_PROPS] = {
  [PROP_BASE_URL] = { "base-url", "Base URL",
                      "Where the service is; http:// and ws:// are the same here",
                      DEEPGRAM_BASE_URL, FIELD(options.base_url) },
  [PROP_MODEL_ID] = { "model-id", "Model", "nova-3, nova-2 or another; flux-* speaks /v2/listen",
                      "nova-3", FIELD(options.model) },
  [PROP_KEYTERMS] = { "keyterms", "Key terms",
                      "Words that are likely to be said, one a line or parted by | (for models "
                      "before nova-3: keywords, WORD:BOOST)",
                      NULL, FIELD(options.keyterms) },
  [PROP_TAG] = { "tag", "Tag", "A label for the service's usage reports", NULL,
                 FIELD(options.tag) },
  [PROP_PARAMETERS] = { "parameters", "Parameters",
                        "More of the query, as the service spells it: NAME=VALUE&NAME=VALUE", NULL,
                        FIELD(options.parameters) },
};

static const struct {
  const gchar *name, *nick, *blurb;
  gboolean fallback;
  gsize offset;
} flags[N_PROPS] = {
  [PROP_CONTINUOUS] = { "continuous", "Continuous",
                        "Send all audio, not only that in which a voicedetect upstream hears "
                        "speech (always so where the service cuts)",
                        TRUE, FIELD(continuous) },
  [PROP_INTERIM_RESULTS] = { "interim-results", "Interim results",
                             "Tell what is understood while it is being said", TRUE,
                             FIELD(options.interim_results) },
  [PROP_SMART_FORMAT] = { "smart-format", "Smart format", "Write dates, amounts and the like out",
                          TRUE, FIELD(options.smart_format) },
  [PROP_PUNCTUATE] = { "punctuate", "Punctuate", "Punctuation and capital letters", FALSE,
                       FIELD(options.punctuate) },
  [PROP_NUMERALS] = { "numerals", "Numerals", "Numbers as figures", FALSE,
                      FIELD(options.numerals) },
  [PROP_PROFANITY_FILTER] = { "profanity-filter", "Profanity filter", "Leave out bad words", FALSE,
                              FIELD(options.profanity_filter) },
  [PROP_VAD_EVENTS] = { "vad-events", "VAD events",
                        "Let the service tell when somebody begins to speak", TRUE,
                        FIELD(options.vad_events) },
  [PROP_MIP_OPT_OUT] = { "mip-opt-out", "Opt out",
                         "Keep the audio out of the service's model improvement programme", FALSE,
                         FIELD(options.mip_opt_out) },
};

static const struct {
  const gchar *name, *nick, *blurb;
  guint minimum, maximum, fallback;
  gsize offset;
} numbers[N_PROPS] = {
  [PROP_ENDPOINTING] = { "endpointing", "Endpointing",
                         "Silence after which the service takes speech for paused (ms, 0 = off)", 0,
                         10000, 300, FIELD(options.endpointing_ms) },
  [PROP_UTTERANCE_END] = { "utterance-end", "Utterance end",
                           "Gap between words after which the service takes an utterance for over "
                           "(ms, at least 1000, 0 = off)",
                           0, 5000, 1000, FIELD(options.utterance_end_ms) },
  [PROP_EOT_TIMEOUT] = { "eot-timeout", "End-of-turn timeout",
                         "Flux: silence that ends a turn whatever was said (ms)", 500, 60000, 5000,
                         FIELD(options.eot_timeout_ms) },
  [PROP_CHUNK_DURATION] = { "chunk-duration", "Chunk duration",
                            "Audio in one message to the service (ms)", 10, 250, 80,
                            FIELD(chunk_ms) },
  [PROP_KEEP_ALIVE] = { "keep-alive", "Keep-alive",
                        "After how long without audio the service is told that we are still there "
                        "(ms, 0 = never; it closes after 10 s)",
                        0, 9000, 4000, FIELD(keep_alive_ms) },
  [PROP_STALL_TIMEOUT] = { "stall-timeout", "Stall timeout",
                           "How long the service may say nothing while somebody speaks before "
                           "another connection is made (ms, 0 = for ever)",
                           0, 60000, 3000, FIELD(stall_ms) },
  [PROP_CONNECT_TIMEOUT] = { "connect-timeout", "Connect timeout",
                             "How long one attempt to connect may take (ms)", 100, 60000, 5000,
                             FIELD(connect_ms) },
  [PROP_OUTAGE_TIMEOUT] = { "outage-timeout", "Outage timeout",
                            "How long the service may be gone before that is an error (ms)", 0,
                            3600000, 60000, FIELD(outage_ms) },
};

static const struct {
  const gchar *name, *nick, *blurb;
  gdouble minimum, maximum, fallback;
  gsize offset;
} fractions[N_PROPS] = {
  [PROP_EOT_THRESHOLD] = { "eot-threshold", "End-of-turn threshold",
                           "Flux: how sure it has to be that a turn is over", 0.5, 1, 0.7,
                           FIELD(options.eot_threshold) },
  [PROP_EAGER_EOT_THRESHOLD] = { "eager-eot-threshold", "Eager end-of-turn threshold",
                                 "Flux: how sure to let the answer be prepared, 0.3 to 0.9 "
                                 "(0 = not before the turn is over)",
                                 0, 0.9, 0, FIELD(options.eager_eot_threshold) },
};

static gpointer
field(GstDeepgramStt *self, gsize offset)
{
  return (guint8 *)self + offset;
}

static void
gst_deepgram_stt_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstDeepgramStt *self = GST_DEEPGRAM_STT(object);

  GST_OBJECT_LOCK(self);
  if (id == PROP_API_KEY) {
    g_free(self->api_key);
    self->api_key = g_value_dup_string(value);
  } else if (id == PROP_SEGMENTATION) {
    self->segmentation = g_value_get_enum(value);
  } else if (texts[id].name) {
    gchar **text = field(self, texts[id].offset);

    g_free(*text);
    *text = g_strdup(g_value_get_string(value) ? g_value_get_string(value) : texts[id].fallback);
  } else if (flags[id].name) {
    *(gboolean *)field(self, flags[id].offset) = g_value_get_boolean(value);
  } else if (numbers[id].name) {
    *(guint *)field(self, numbers[id].offset) = g_value_get_uint(value);
  } else {
    *(gdouble *)field(self, fractions[id].offset) = g_value_get_double(value);
  }
  GST_OBJECT_UNLOCK(self);
}

static void
gst_deepgram_stt_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstDeepgramStt *self = GST_DEEPGRAM_STT(object);

  GST_OBJECT_LOCK(self);
  if (id == PROP_SEGMENTATION)
    g_value_set_enum(value, self->segmentation);
  else if (texts[id].name)
    g_value_set_string(value, *(gchar **)field(self, texts[id].offset));
  else if (flags[id].name)
    g_value_set_boolean(value, *(gboolean *)field(self, flags[id].offset));
  else if (numbers[id].name)
    g_value_set_uint(value, *(guint *)field(self, numbers[id].offset));
  else
    g_value_set_double(value, *(gdouble *)field(self, fractions[id].offset));
  GST_OBJECT_UNLOCK(self);
}

static void
install_table(GObjectClass *klass, guint id)
{
  const GParamFlags how = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;
  GParamSpec *spec = NULL;

  if (texts[id].name)
    spec = g_param_spec_string(texts[id].name, texts[id].nick, texts[id].blurb, texts[id].fallback,
                               how);
  else if (flags[id].name)
    spec = g_param_spec_boolean(flags[id].name, flags[id].nick, flags[id].blurb, flags[id].fallback,
                                how);
  else if (numbers[id].name)
    spec = g_param_spec_uint(numbers[id].name, numbers[id].nick, numbers[id].blurb,
                             numbers[id].minimum, numbers[id].maximum, numbers[id].fallback, how);
  else if (fractions[id].name)
    spec = g_param_spec_double(fractions[id].name, fractions[id].nick, fractions[id].blurb,
                               fractions[id].minimum, fractions[id].maximum, fractions[id].fallback,
                               how);
  if (spec)
    g_object_class_install_property(klass, id, spec);
}

void
gst_deepgram_stt_install_properties(GObjectClass *klass)
{
  klass->set_property = gst_deepgram_stt_set_property;
  klass->get_property = gst_deepgram_stt_get_property;
  for (guint id = 1; id < N_PROPS; id++)
    install_table(klass, id);
  /**
   * GstDeepgramStt:api-key:
   *
   * The key; without one, that in DEEPGRAM_API_KEY. It cannot be read back.
   */
  g_object_class_install_property(
      klass, PROP_API_KEY,
      g_param_spec_string("api-key", "API key", "The key; if unset, that in " DEEPGRAM_KEY_VARIABLE,
                          NULL,
                          G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  /**
   * GstDeepgramStt:segmentation:
   *
   * Who says where an utterance begins and ends: a voicedetect upstream, the service, or, by
   * itself, a voicedetect if there is one. Flux always cuts by itself.
   */
  g_object_class_install_property(
      klass, PROP_SEGMENTATION,
      g_param_spec_enum("segmentation", "Segmentation",
                        "Who says where an utterance begins and ends",
                        gst_deepgram_stt_segmentation_get_type(), CORD_STT_CUT_AUTO,
                        G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  gst_type_mark_as_plugin_api(gst_deepgram_stt_segmentation_get_type(), 0);
}

void
gst_deepgram_stt_init_properties(GstDeepgramStt *self)
{
  self->segmentation = CORD_STT_CUT_AUTO;
  for (guint id = 1; id < N_PROPS; id++) {
    if (texts[id].name)
      *(gchar **)field(self, texts[id].offset) = g_strdup(texts[id].fallback);
    else if (flags[id].name)
      *(gboolean *)field(self, flags[id].offset) = flags[id].fallback;
    else if (numbers[id].name)
      *(guint *)field(self, numbers[id].offset) = numbers[id].fallback;
    else if (fractions[id].name)
      *(gdouble *)field(self, fractions[id].offset) = fractions[id].fallback;
  }
}

void
gst_deepgram_stt_clear_properties(GstDeepgramStt *self)
{
  g_free(self->api_key);
  for (guint id = 1; id < N_PROPS; id++) {
    if (texts[id].name)
      g_free(*(gchar **)field(self, texts[id].offset));
  }
}
