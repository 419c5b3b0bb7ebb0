/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#  include "config.h"
#endif

#include <string.h>

#include "cord-phrases.h"
#include "gstturntaker-private.h"
#include "turn-words.h"

GST_DEBUG_CATEGORY_EXTERN(turn_taker_debug);
#define GST_CAT_DEFAULT turn_taker_debug

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

/* A turn in which the caller said nothing, and the answer is known. */
static GstFlowReturn
do_prompt(GstTurnTaker *self, const TurnAction *action)
{
  g_autoptr(CordTurn) turn = cord_turn_new(action->turn);
  g_autofree gchar *prompt = NULL;
  GstBuffer *buffer = gst_buffer_new();

  GST_OBJECT_LOCK(self);
  prompt = g_strdup(self->silence_prompt ? self->silence_prompt
                                         : cord_phrase_in(CORD_PHRASE_STILL_THERE, self->language));
  GST_OBJECT_UNLOCK(self);
  cord_turn_stamp(turn, CORD_TURN_STAMP_TURN_END, monotonic_now(self));
  if (self->segment.format == GST_FORMAT_TIME)
    GST_BUFFER_PTS(buffer) =
        gst_segment_position_from_running_time(&self->segment, GST_FORMAT_TIME, action->now);
  cord_buffer_set_turn(buffer, turn);
  cord_buffer_set_reply(buffer, prompt, NULL);
  cord_element_post(GST_ELEMENT(self),
                    cord_structure_new_silence(action->turn, action->now - action->position));
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
  } else if (popped && action->kind == TURN_ACTION_PROMPT) {
    self->n_prompts++;
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
    else if (action.kind == TURN_ACTION_PROMPT)
      ret = do_prompt(self, &action);
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
  g_autofree gchar *text = cord_buffer_dup_text(buffer);

  GST_OBJECT_LOCK(self);
  turn_logic_advance(self->logic, now);
  turn_logic_text(self->logic, text);
  GST_OBJECT_UNLOCK(self);
}

GstFlowReturn
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

gboolean
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
gboolean
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
