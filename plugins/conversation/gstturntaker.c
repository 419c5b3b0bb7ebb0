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
#include "turn-logic.h"
#include "turn-words.h"

#include <cordboard.h>
#include <string.h>

GST_DEBUG_CATEGORY_STATIC(turn_taker_debug);
#define GST_CAT_DEFAULT turn_taker_debug

#define DEFAULT_MIN_INTERRUPTION_WORDS 3
#define DEFAULT_ALLOW_INTERRUPTIONS TRUE

#define TEXT_CAPS "text/x-raw, format = (string) utf8"

#define GST_TYPE_TURN_TAKER (gst_turn_taker_get_type())
G_DECLARE_FINAL_TYPE(GstTurnTaker, gst_turn_taker, GST, TURN_TAKER, GstElement)

struct _GstTurnTaker {
  GstElement parent;

  GstPad *sinkpad;
  GstPad *srcpad;

  /* streaming thread */
  GstSegment segment;
  gboolean need_segment; /* a flush took it */

  /* object lock: reports of the playout may come from another thread */
  TurnLogic *logic;
  TurnSettings settings;
  CordWorker *worker; /* whose clock is used, if any */
  guint n_turns;
  guint n_interruptions;
  guint n_continued;
};

enum {
  PROP_0,
  PROP_ENDPOINTING,
  PROP_FINAL_TIMEOUT,
  PROP_BARGE_IN_MIN_SPEECH,
  PROP_MIN_INTERRUPTION_WORDS,
  PROP_ALLOW_INTERRUPTIONS,
  PROP_DTMF_TIMEOUT,
  PROP_MAX_TURN,
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
};

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(TEXT_CAPS));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(TEXT_CAPS));

G_DEFINE_FINAL_TYPE(GstTurnTaker, gst_turn_taker, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE(turntaker, "turntaker", GST_RANK_NONE, GST_TYPE_TURN_TAKER)

static GstClockTime
monotonic_now(GstTurnTaker *self)
{
  g_autoptr(CordWorker) worker = NULL;

  GST_OBJECT_LOCK(self);
  g_set_object(&worker, self->worker);
  GST_OBJECT_UNLOCK(self);
  return worker ? cord_worker_get_time(worker) : (GstClockTime)g_get_monotonic_time() * GST_USECOND;
}

/* A position in the stream as monotonic time: as long before now as it is before the stream's. */
static GstClockTime
monotonic_at(GstClockTime now, guint64 stream_now, guint64 position)
{
  const GstClockTime ago = stream_now > position ? stream_now - position : 0;

  return now > ago ? now - ago : 0;
}

static void
ensure_segment(GstTurnTaker *self)
{
  if (!self->need_segment)
    return;
  self->need_segment = FALSE;
  if (self->segment.format != GST_FORMAT_UNDEFINED)
    gst_pad_push_event(self->srcpad, gst_event_new_segment(&self->segment));
}

static void
do_start(GstTurnTaker *self, const TurnAction *action)
{
  GstStructure *structure =
      cord_structure_new_turn_started(action->turn, action->position, action->continues);

  ensure_segment(self);
  gst_pad_push_event(self->srcpad, cord_event_new(gst_structure_copy(structure)));
  cord_element_post(GST_ELEMENT(self), structure);
}

static void
do_interrupt(GstTurnTaker *self, const TurnAction *action)
{
  const guint32 seqnum = gst_util_seqnum_next();
  GstEvent *start = gst_event_new_flush_start();
  GstEvent *stop = gst_event_new_flush_stop(FALSE);

  GST_INFO_OBJECT(self, "turn %u is interrupted at %" GST_TIME_FORMAT, action->turn,
                  GST_TIME_ARGS(action->now));
  gst_event_set_seqnum(start, seqnum);
  gst_event_set_seqnum(stop, seqnum);
  self->need_segment = TRUE;
  gst_pad_push_event(self->srcpad, start);
  gst_pad_push_event(self->srcpad, stop);
  cord_element_post(GST_ELEMENT(self),
                    cord_structure_new_turn(CORD_EVENT_INTERRUPTED, action->turn));
}

static CordTurn *
create_turn(GstTurnTaker *self, const TurnAction *action)
{
  CordTurn *turn = cord_turn_new(action->turn);
  const GstClockTime now = monotonic_now(self);

  if (action->speech_end != TURN_TIME_NONE)
    cord_turn_stamp(turn, CORD_TURN_STAMP_SPEECH_END,
                    monotonic_at(now, action->now, action->speech_end));
  if (action->stt_final != TURN_TIME_NONE)
    cord_turn_stamp(turn, CORD_TURN_STAMP_STT_FINAL, action->stt_final);
  cord_turn_stamp(turn, CORD_TURN_STAMP_TURN_END, now);
  return turn;
}

static GstFlowReturn
do_commit(GstTurnTaker *self, const TurnAction *action)
{
  g_autoptr(CordTurn) turn = create_turn(self, action);
  GstBuffer *buffer = gst_buffer_new_memdup(action->text, strlen(action->text));
  GstStructure *structure =
      cord_structure_new_turn_text(CORD_EVENT_TURN_ENDED, action->turn, action->text);

  GST_INFO_OBJECT(self, "turn %u ended at %" GST_TIME_FORMAT " by %s: %s", action->turn,
                  GST_TIME_ARGS(action->now), turn_reason_name(action->reason), action->text);
  if (self->segment.format == GST_FORMAT_TIME) {
    GST_BUFFER_PTS(buffer) =
        gst_segment_position_from_running_time(&self->segment, GST_FORMAT_TIME, action->position);
    GST_BUFFER_DURATION(buffer) = action->now - MIN(action->position, action->now);
  }
  cord_buffer_set_turn(buffer, turn);
  gst_structure_set(structure, "reason", G_TYPE_STRING, turn_reason_name(action->reason), NULL);
  cord_element_post(GST_ELEMENT(self), structure);
  ensure_segment(self);
  return gst_pad_push(self->srcpad, buffer);
}

static gboolean
pop_action(GstTurnTaker *self, TurnAction *action)
{
  gboolean popped;

  GST_OBJECT_LOCK(self);
  popped = turn_logic_pop(self->logic, action);
  if (popped && action->kind == TURN_ACTION_COMMIT) {
    self->n_turns++;
    self->n_continued += action->continues >= 0;
  } else if (popped && action->kind == TURN_ACTION_INTERRUPT) {
    self->n_interruptions++;
  }
  GST_OBJECT_UNLOCK(self);
  return popped;
}

/* Only the streaming thread calls this, and no lock is held. */
static GstFlowReturn
act(GstTurnTaker *self)
{
  GstFlowReturn ret = GST_FLOW_OK;
  TurnAction action;

  while (pop_action(self, &action)) {
    if (action.kind == TURN_ACTION_STARTED)
      do_start(self, &action);
    else if (action.kind == TURN_ACTION_INTERRUPT)
      do_interrupt(self, &action);
    else
      ret = do_commit(self, &action);
    turn_action_clear(&action);
  }
  return ret;
}

static GstClockTime
running_time(GstTurnTaker *self, GstClockTime pts)
{
  if (self->segment.format != GST_FORMAT_TIME || !GST_CLOCK_TIME_IS_VALID(pts))
    return GST_CLOCK_TIME_NONE;
  return gst_segment_to_running_time(&self->segment, GST_FORMAT_TIME, pts);
}

static void
take_final(GstTurnTaker *self, CordTranscript *transcript)
{
  GstClockTime created = cord_transcript_get_created(transcript);

  if (!GST_CLOCK_TIME_IS_VALID(created))
    created = monotonic_now(self);
  GST_OBJECT_LOCK(self);
  turn_logic_final(self->logic, cord_transcript_get_text(transcript),
                   cord_transcript_get_start(transcript), cord_transcript_get_end(transcript),
                   created);
  GST_OBJECT_UNLOCK(self);
}

static void
take_text(GstTurnTaker *self, GstBuffer *buffer)
{
  const GstClockTime now = running_time(self, GST_BUFFER_PTS(buffer));
  g_autofree gchar *text = NULL;
  GstMapInfo map;

  if (!gst_buffer_map(buffer, &map, GST_MAP_READ))
    return;
  text = g_utf8_make_valid(map.size ? (const gchar *)map.data : "", map.size);
  gst_buffer_unmap(buffer, &map);
  GST_OBJECT_LOCK(self);
  turn_logic_advance(self->logic, now);
  turn_logic_text(self->logic, text);
  GST_OBJECT_UNLOCK(self);
}

static GstFlowReturn
gst_turn_taker_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstTurnTaker *self = GST_TURN_TAKER(parent);
  CordTranscript *transcript = cord_buffer_get_transcript(buffer);

  if (transcript)
    take_final(self, transcript);
  else
    take_text(self, buffer);
  gst_buffer_unref(buffer);
  return act(self);
}

static gboolean
take_gap(GstTurnTaker *self, GstEvent *event)
{
  GstClockTime pts, duration, now;

  gst_event_parse_gap(event, &pts, &duration);
  now = running_time(self, pts);
  if (GST_CLOCK_TIME_IS_VALID(now) && GST_CLOCK_TIME_IS_VALID(duration))
    now += duration;
  GST_OBJECT_LOCK(self);
  turn_logic_advance(self->logic, now);
  GST_OBJECT_UNLOCK(self);
  gst_event_unref(event);
  return act(self) >= GST_FLOW_OK;
}

static void
take_transcript(GstTurnTaker *self, CordTranscript *transcript)
{
  if (cord_transcript_get_final(transcript)) {
    /* one with text comes as a buffer too */
    if (turn_words_count(cord_transcript_get_text(transcript)) == 0)
      take_final(self, transcript);
    return;
  }
  GST_OBJECT_LOCK(self);
  turn_logic_interim(self->logic, cord_transcript_get_text(transcript),
                     cord_transcript_get_start(transcript));
  GST_OBJECT_UNLOCK(self);
}

static void
take_fact(GstTurnTaker *self, GstEvent *event)
{
  const GstStructure *structure = gst_event_get_structure(event);

  if (cord_event_is(event, CORD_EVENT_TRANSCRIPT)) {
    CordTranscript *transcript = cord_structure_get_transcript(structure);

    if (transcript)
      take_transcript(self, transcript);
    return;
  }
  GST_OBJECT_LOCK(self);
  if (cord_event_is(event, CORD_EVENT_SPEECH_STARTED))
    turn_logic_speech_started(self->logic, cord_structure_get_position(structure));
  else if (cord_event_is(event, CORD_EVENT_SPEECH_ACTIVE))
    turn_logic_speech_active(self->logic, cord_structure_get_duration(structure));
  else if (cord_event_is(event, CORD_EVENT_SPEECH_STOPPED))
    turn_logic_speech_stopped(self->logic, cord_structure_get_position(structure));
  else if (cord_event_is(event, CORD_EVENT_DTMF) && cord_structure_get_digit(structure))
    turn_logic_digit(self->logic, cord_structure_get_digit(structure));
  GST_OBJECT_UNLOCK(self);
}

static gboolean
gst_turn_taker_sink_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstTurnTaker *self = GST_TURN_TAKER(parent);

  switch (GST_EVENT_TYPE(event)) {
  case GST_EVENT_GAP:
    return take_gap(self, event);
  case GST_EVENT_SEGMENT:
    gst_event_copy_segment(event, &self->segment);
    self->need_segment = FALSE;
    break;
  case GST_EVENT_CUSTOM_DOWNSTREAM:
    /* a flush that it decides would take it along */
    take_fact(self, event);
    act(self);
    ensure_segment(self);
    break;
  case GST_EVENT_EOS:
    GST_OBJECT_LOCK(self);
    turn_logic_finish(self->logic);
    GST_OBJECT_UNLOCK(self);
    act(self);
    ensure_segment(self);
    break;
  case GST_EVENT_FLUSH_STOP:
    GST_OBJECT_LOCK(self);
    turn_logic_reset(self->logic);
    GST_OBJECT_UNLOCK(self);
    gst_segment_init(&self->segment, GST_FORMAT_UNDEFINED);
    self->need_segment = FALSE;
    break;
  default:
    break;
  }
  return gst_pad_event_default(pad, parent, event);
}

/* Upstream: no decision is taken here, that is the streaming thread's with its next event. */
static gboolean
gst_turn_taker_src_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstTurnTaker *self = GST_TURN_TAKER(parent);
  CordPlayout playout;

  if (cord_event_is(event, CORD_EVENT_PLAYOUT) &&
      cord_structure_get_playout(gst_event_get_structure(event), &playout)) {
    GST_OBJECT_LOCK(self);
    if (playout.state == CORD_PLAYOUT_PLAYING)
      turn_logic_playing(self->logic, playout.turn, playout.position);
    else
      turn_logic_played(self->logic, playout.turn);
    GST_OBJECT_UNLOCK(self);
  }
  return gst_pad_event_default(pad, parent, event);
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
    turn_logic_configure(self->logic, &self->settings);
    self->n_turns = self->n_interruptions = self->n_continued = 0;
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
                           "interruptions", G_TYPE_UINT, self->n_interruptions, NULL);
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
  else if (id == PROP_STATS)
    g_value_take_boxed(value, create_stats(self));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  GST_OBJECT_UNLOCK(self);
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
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  turn_logic_configure(self->logic, &self->settings);
  GST_OBJECT_UNLOCK(self);
}

static void
gst_turn_taker_finalize(GObject *object)
{
  GstTurnTaker *self = GST_TURN_TAKER(object);

  turn_logic_free(self->logic);
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
  self->logic = turn_logic_new();
  turn_logic_configure(self->logic, &self->settings);
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
  props[PROP_STATS] = g_param_spec_boxed(
      "stats", "Statistics", "state, and how many turns, turns continued and interruptions so far",
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
