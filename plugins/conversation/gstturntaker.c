/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-turntaker
 * @title: turntaker
 *
 * Decides whose turn it is. Final transcripts come in, one text buffer for each of the caller's
 * turns goes out, when the caller has been silent for #GstTurnTaker:endpointing and no transcript
 * is outstanding. The time is the stream's own: that of buffers, of events and of the GAP events
 * that speech-to-text sends with each buffer of sound. They end here; all other events pass.
 *
 * - A caller who speaks on in time continues the same turn; the texts are joined by a space.
 * - A caller who speaks on before anything of the answer was heard takes the turn up again: the
 *   answer is flushed, and the next turn holds the text of both. Its `cordboard/turn-started` has
 *   the number of the turn whose place it takes in `continues`.
 * - While the agent is heard, #GstTurnTaker:barge-in-min-speech of speech,
 *   #GstTurnTaker:min-interruption-words or a keypress interrupt it: FLUSH_START and FLUSH_STOP go
 *   downstream at once, before the function that brought the deciding event returns. If the
 *   transcript turns out empty the agent stays quiet.
 * - Less than that does not interrupt. Its text is held until the answer is played and then is a
 *   turn, or, if it is older than 2 s by then, the beginning of the next.
 * - Sound without text is no turn.
 * - A final transcript that is #GstTurnTaker:final-timeout late is not waited for; the last interim
 *   one is taken, and of the late one only what it adds.
 * - After #GstTurnTaker:max-turn without a pause the caller is answered all the same.
 * - Keypresses are a turn after #GstTurnTaker:dtmf-timeout, or at once after #.
 * - Text without a transcript (typed, from a file) is a turn of its own at once.
 * - When nobody has said anything for #GstTurnTaker:silence-timeout after the agent was heard, it
 *   asks #GstTurnTaker:silence-prompt, which is a turn without words of the caller's: a buffer
 *   without text that has the answer as a reply (cord_buffer_set_reply()).
 * - At EOS what there is becomes a turn.
 *
 * Whether the answer is heard it learns from the `cordboard/playout` events that come upstream from
 * the sink. Where no sink sends them the agent has the floor for 3 s after each turn.
 *
 * |[
 * echo "hello" | gst-launch-1.0 -m fdsrc ! text/x-raw,format=utf8 ! turntaker ! fdsink
 * ]|
 */

#ifdef HAVE_CONFIG_H
#  include "config.h"
#endif

#include "conversation-elements.h"
#include "gstturntaker-private.h"

GST_DEBUG_CATEGORY(turn_taker_debug);
#define GST_CAT_DEFAULT turn_taker_debug

#define DEFAULT_MIN_INTERRUPTION_WORDS 3
#define DEFAULT_ALLOW_INTERRUPTIONS TRUE
#define DEFAULT_SILENCE_PROMPTS 2

#define TEXT_CAPS "text/x-raw, format = (string) utf8"

enum {
  PROP_0,
  PROP_ENDPOINTING,
  PROP_FINAL_TIMEOUT,
  PROP_BARGE_IN_MIN_SPEECH,
  PROP_MIN_INTERRUPTION_WORDS,
  PROP_ALLOW_INTERRUPTIONS,
  PROP_DTMF_TIMEOUT,
  PROP_MAX_TURN,
  PROP_SILENCE_TIMEOUT,
  PROP_SILENCE_PROMPT,
  PROP_SILENCE_PROMPTS,
  PROP_LANGUAGE_CODE,
  PROP_STATS,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

/* the properties that are durations */
static const struct {
  gsize offset;
  GstClockTime unit;
  const gchar *name;
  const gchar *nick;
  const gchar *blurb;
  guint maximum;
  guint value;
} durations[N_PROPS] = {
  [PROP_ENDPOINTING] = { G_STRUCT_OFFSET(TurnSettings, endpointing), GST_MSECOND, "endpointing",
                         "Endpointing",
                         "Silence after the caller's last sound that ends a turn, in milliseconds",
                         60000, 500 },
  [PROP_FINAL_TIMEOUT] = { G_STRUCT_OFFSET(TurnSettings, final_timeout), GST_MSECOND,
                           "final-timeout", "Final timeout",
                           "How long to wait for the final transcript once speech has stopped, in "
                           "milliseconds",
                           600000, 3000 },
  [PROP_BARGE_IN_MIN_SPEECH] = { G_STRUCT_OFFSET(TurnSettings, barge_in_min_speech), GST_MSECOND,
                                 "barge-in-min-speech", "Barge-in speech",
                                 "Speech that interrupts the agent, in milliseconds (0 = speech "
                                 "alone does not)",
                                 60000, 240 },
  [PROP_DTMF_TIMEOUT] = { G_STRUCT_OFFSET(TurnSettings, dtmf_timeout), GST_MSECOND, "dtmf-timeout",
                          "DTMF timeout",
                          "Pause after a keypress that ends a turn, in milliseconds", 60000, 1500 },
  [PROP_MAX_TURN] = { G_STRUCT_OFFSET(TurnSettings, max_turn), GST_SECOND, "max-turn",
                      "Longest turn",
                      "After how long a caller who does not pause is answered all the same, in "
                      "seconds (0 = never)",
                      3600, 60 },
  [PROP_SILENCE_TIMEOUT] = { G_STRUCT_OFFSET(TurnSettings, silence_timeout), GST_MSECOND,
                             "silence-timeout", "Silence timeout",
                             "Silence after the agent was heard, in which the caller says nothing, "
                             "until the agent asks whether he is there, in milliseconds (0 = "
                             "never)",
                             3600000, 0 },
};

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(TEXT_CAPS));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(TEXT_CAPS));

G_DEFINE_FINAL_TYPE(GstTurnTaker, gst_turn_taker, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE(turntaker, "turntaker", GST_RANK_NONE, GST_TYPE_TURN_TAKER)

/* With the object lock, or before anybody knows of it. */
static void
configure(GstTurnTaker *self)
{
  TurnSettings settings = self->settings;

  if (self->silence_prompt && *self->silence_prompt == '\0')
    settings.silence_timeout = 0;
  turn_logic_configure(self->logic, &settings);
}

static GstStateChangeReturn
gst_turn_taker_change_state(GstElement *element, GstStateChange transition)
{
  GstTurnTaker *self = GST_TURN_TAKER(element);
  const GstStateChangeReturn ret =
      GST_ELEMENT_CLASS(gst_turn_taker_parent_class)->change_state(element, transition);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    gst_segment_init(&self->segment, GST_FORMAT_UNDEFINED);
    self->need_segment = FALSE;
    GST_OBJECT_LOCK(self);
    turn_logic_free(self->logic);
    self->logic = turn_logic_new();
    configure(self);
    self->n_turns = self->n_interruptions = self->n_continued = self->n_prompts = 0;
    GST_OBJECT_UNLOCK(self);
  }
  return ret;
}

/* It needs no thread of a worker, only its clock, which a test may drive. */
static void
gst_turn_taker_set_context(GstElement *element, GstContext *context)
{
  GstTurnTaker *self = GST_TURN_TAKER(element);

  if (gst_context_has_context_type(context, CORD_WORKER_CONTEXT_TYPE)) {
    g_autoptr(CordWorker) worker = NULL;

    gst_structure_get(gst_context_get_structure(context), "worker", CORD_TYPE_WORKER, &worker,
                      NULL);
    GST_OBJECT_LOCK(self);
    g_set_object(&self->worker, worker);
    GST_OBJECT_UNLOCK(self);
  }
  GST_ELEMENT_CLASS(gst_turn_taker_parent_class)->set_context(element, context);
}

static GstStructure *
create_stats(GstTurnTaker *self)
{
  return gst_structure_new("application/x-turntaker-stats", "state", G_TYPE_STRING,
                           turn_state_name(turn_logic_get_state(self->logic)), "turns", G_TYPE_UINT,
                           self->n_turns, "continued", G_TYPE_UINT, self->n_continued,
                           "interruptions", G_TYPE_UINT, self->n_interruptions, "prompts",
                           G_TYPE_UINT, self->n_prompts, NULL);
}

static guint64 *
duration_setting(GstTurnTaker *self, guint id)
{
  return G_STRUCT_MEMBER_P(&self->settings, durations[id].offset);
}

static void
gst_turn_taker_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstTurnTaker *self = GST_TURN_TAKER(object);

  GST_OBJECT_LOCK(self);
  if (id < N_PROPS && durations[id].unit)
    g_value_set_uint(value, *duration_setting(self, id) / durations[id].unit);
  else if (id == PROP_MIN_INTERRUPTION_WORDS)
    g_value_set_uint(value, self->settings.min_interruption_words);
  else if (id == PROP_ALLOW_INTERRUPTIONS)
    g_value_set_boolean(value, self->settings.allow_interruptions);
  else if (id == PROP_SILENCE_PROMPT)
    g_value_set_string(value, self->silence_prompt);
  else if (id == PROP_LANGUAGE_CODE)
    g_value_set_string(value, self->language);
  else if (id == PROP_SILENCE_PROMPTS)
    g_value_set_uint(value, self->settings.silence_prompts);
  else if (id == PROP_STATS)
    g_value_take_boxed(value, create_stats(self));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  GST_OBJECT_UNLOCK(self);
}

static void
set_text(gchar **text, const gchar *value)
{
  g_free(*text);
  *text = value ? g_utf8_make_valid(value, -1) : NULL;
}

static void
gst_turn_taker_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstTurnTaker *self = GST_TURN_TAKER(object);

  GST_OBJECT_LOCK(self);
  if (id < N_PROPS && durations[id].unit)
    *duration_setting(self, id) = g_value_get_uint(value) * durations[id].unit;
  else if (id == PROP_MIN_INTERRUPTION_WORDS)
    self->settings.min_interruption_words = g_value_get_uint(value);
  else if (id == PROP_ALLOW_INTERRUPTIONS)
    self->settings.allow_interruptions = g_value_get_boolean(value);
  else if (id == PROP_SILENCE_PROMPT)
    set_text(&self->silence_prompt, g_value_get_string(value));
  else if (id == PROP_LANGUAGE_CODE)
    set_text(&self->language, g_value_get_string(value));
  else if (id == PROP_SILENCE_PROMPTS)
    self->settings.silence_prompts = g_value_get_uint(value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  configure(self);
  GST_OBJECT_UNLOCK(self);
}

static void
gst_turn_taker_finalize(GObject *object)
{
  GstTurnTaker *self = GST_TURN_TAKER(object);

  turn_logic_free(self->logic);
  g_free(self->silence_prompt);
  g_free(self->language);
  g_clear_object(&self->worker);
  G_OBJECT_CLASS(gst_turn_taker_parent_class)->finalize(object);
}

static void
gst_turn_taker_init(GstTurnTaker *self)
{
  for (guint i = 0; i < N_PROPS; i++)
    if (durations[i].unit)
      *duration_setting(self, i) = durations[i].value * durations[i].unit;
  self->settings.min_interruption_words = DEFAULT_MIN_INTERRUPTION_WORDS;
  self->settings.allow_interruptions = DEFAULT_ALLOW_INTERRUPTIONS;
  self->settings.silence_prompts = DEFAULT_SILENCE_PROMPTS;
  self->logic = turn_logic_new();
  configure(self);
  gst_segment_init(&self->segment, GST_FORMAT_UNDEFINED);

  self->sinkpad = gst_pad_new_from_static_template(&sink_template, "sink");
  gst_pad_set_chain_function(self->sinkpad, gst_turn_taker_chain);
  gst_pad_set_event_function(self->sinkpad, gst_turn_taker_sink_event);
  GST_PAD_SET_PROXY_CAPS(self->sinkpad);
  gst_element_add_pad(GST_ELEMENT(self), self->sinkpad);

  self->srcpad = gst_pad_new_from_static_template(&src_template, "src");
  gst_pad_set_event_function(self->srcpad, gst_turn_taker_src_event);
  GST_PAD_SET_PROXY_CAPS(self->srcpad);
  gst_element_add_pad(GST_ELEMENT(self), self->srcpad);
}

static void
install_properties(GObjectClass *object_class)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;

  for (guint i = 0; i < N_PROPS; i++)
    if (durations[i].unit)
      props[i] = g_param_spec_uint(durations[i].name, durations[i].nick, durations[i].blurb, 0,
                                   durations[i].maximum, durations[i].value, flags);
  props[PROP_MIN_INTERRUPTION_WORDS] =
      g_param_spec_uint("min-interruption-words", "Interruption words",
                        "Words in a transcript that interrupt the agent (0 = words alone do not)",
                        0, 1000, DEFAULT_MIN_INTERRUPTION_WORDS, flags);
  props[PROP_ALLOW_INTERRUPTIONS] = g_param_spec_boolean(
      "allow-interruptions", "Allow interruptions", "Whether the caller can interrupt the agent",
      DEFAULT_ALLOW_INTERRUPTIONS, flags);
  props[PROP_SILENCE_PROMPT] = g_param_spec_string(
      "silence-prompt", "Silence prompt",
      "What the agent asks when nobody says anything; by default a sentence in the language, "
      "empty: nothing",
      NULL, flags);
  props[PROP_LANGUAGE_CODE] = g_param_spec_string(
      "language-code", "Language code", "Language of the silence prompt, BCP 47", NULL, flags);
  props[PROP_SILENCE_PROMPTS] =
      g_param_spec_uint("silence-prompts", "Silence prompts",
                        "How often in a row the agent asks, before the caller says something", 0,
                        1000, DEFAULT_SILENCE_PROMPTS, flags);
  props[PROP_STATS] = g_param_spec_boxed(
      "stats", "Statistics",
      "state, and how many turns, turns continued, interruptions and prompts so far",
      GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties(object_class, N_PROPS, props);
}

static void
gst_turn_taker_class_init(GstTurnTakerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);

  object_class->get_property = gst_turn_taker_get_property;
  object_class->set_property = gst_turn_taker_set_property;
  object_class->finalize = gst_turn_taker_finalize;
  install_properties(object_class);

  element_class->change_state = GST_DEBUG_FUNCPTR(gst_turn_taker_change_state);
  element_class->set_context = GST_DEBUG_FUNCPTR(gst_turn_taker_set_context);
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "Turn taker", "Filter/Analyzer/Text",
      "Turns transcripts into the caller's turns and flushes the agent's answer when interrupted",
      "Cordboard developers");

  GST_DEBUG_CATEGORY_INIT(turn_taker_debug, "turntaker", 0, "turn taker");
}
