/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "twilio-outbound-private.h"

/*
 * The sending side of twiliosink's worker half: whole frames, marks, and what upstream and the bus
 * are told about them. A send that fails ends the session, which takes the turns away: nothing of a
 * turn may be touched after it.
 */

/* ---- telling upstream and the bus; worker ---- */

void
twilio_outbound_tell_playout(TwilioOutbound *self, const CordPlayout *playout)
{
  GstStructure *structure = cord_structure_new_playout(playout);

  if (playout->state != CORD_PLAYOUT_PLAYING)
    cord_element_post(self->element, gst_structure_copy(structure));
  gst_pad_push_event(self->pad, cord_event_new_upstream(structure));
}

void
twilio_outbound_tell_metrics(TwilioOutbound *self, TwilioTurn *turn)
{
  if (turn->sent == 0)
    return;
  cord_turn_stamp(turn->turn, CORD_TURN_STAMP_HEARD, cord_worker_get_time(self->worker));
  cord_element_post(self->element, cord_turn_to_structure(turn->turn));
}

void
twilio_outbound_post_eos(TwilioOutbound *self)
{
  GstMessage *message = gst_message_new_eos(GST_OBJECT(self->element));

  self->eos = FALSE;
  gst_message_set_seqnum(message, self->eos_seqnum);
  gst_element_post_message(self->element, message);
  if (self->hang_up)
    twilio_session_close(self->session, 1000, "hangup");
}

/* After anything was played: ends the turns that are through, and the stream. */
void
twilio_outbound_settle(TwilioOutbound *self)
{
  TwilioTurn *turn;

  while ((turn = twilio_playout_take_done(&self->playout))) {
    CordPlayout playout;
    twilio_playout_describe(&self->playout, turn, self->playout.played, CORD_PLAYOUT_DONE,
                            &playout);
    twilio_outbound_tell_metrics(self, turn);
    twilio_turn_free(turn);
    twilio_outbound_tell_playout(self, &playout);
  }
  if (self->eos && g_queue_is_empty(&self->playout.turns))
    twilio_outbound_post_eos(self);
}

void
twilio_outbound_tell_progress(TwilioOutbound *self)
{
  TwilioTurn *turn = g_queue_peek_head(&self->playout.turns);
  CordPlayout playout;

  if (!turn || self->playout.played < turn->start)
    return;
  twilio_playout_describe(&self->playout, turn, self->playout.played, CORD_PLAYOUT_PLAYING,
                          &playout);
  twilio_outbound_tell_playout(self, &playout);
}

/* ---- sending; worker ---- */

gboolean
twilio_outbound_can_send(TwilioOutbound *self)
{
  return g_atomic_int_get(&self->playing) && !g_atomic_int_get(&self->flushing) &&
         twilio_session_get_state(self->session) == TWILIO_SESSION_STREAMING;
}

static gboolean
send_mark(TwilioOutbound *self)
{
  gchar name[TWILIO_MARK_NAME_MAX];

  twilio_playout_make_mark(&self->playout, name);
  return twilio_session_send_mark(self->session, name);
}

static gboolean
send_frame(TwilioOutbound *self, TwilioTurn *turn, const guint8 *frame)
{
  GstClockTime now = cord_worker_get_time(self->worker);

  if (!twilio_session_send_media(self->session, frame, TWILIO_FRAME))
    return FALSE;
  twilio_playout_count_frame(&self->playout, turn, TWILIO_FRAME, now);
  cord_turn_stamp(turn->turn, CORD_TURN_STAMP_FIRST_FRAME, now);
  twilio_outbound_start_tick(self);
  return twilio_playout_unmarked(&self->playout) < TWILIO_MARK_EVERY || send_mark(self);
}

/* Pads what is left of the open turn, marks its end. */
static void
finish_turn(TwilioOutbound *self)
{
  TwilioTurn *turn = twilio_playout_open_turn(&self->playout);

  if (!turn)
    return;
  twilio_session_cork(self->session);
  if (self->partial_length > 0) {
    memset(self->partial + self->partial_length, TWILIO_SILENCE,
           TWILIO_FRAME - self->partial_length);
    self->partial_length = 0;
    if (!send_frame(self, turn, self->partial))
      return;
  }
  turn->finished = TRUE;
  if (twilio_playout_unmarked(&self->playout) > 0)
    send_mark(self);
  twilio_session_uncork(self->session);
}

static TwilioTurn *
turn_for(TwilioOutbound *self, GstBuffer *buffer)
{
  CordTurn *turn = cord_buffer_get_turn(buffer);
  TwilioTurn *open = twilio_playout_open_turn(&self->playout);

  if (open && turn && open->number != cord_turn_get_number(turn)) {
    finish_turn(self);
    open = NULL;
  }
  return open
             ? open
             : twilio_playout_get_turn(&self->playout, turn ? cord_turn_get_number(turn) : 0, turn);
}

/* Sends what it may of @size bytes; returns how many were used. */
static gsize
send_bytes(TwilioOutbound *self, TwilioTurn *turn, const guint8 *data, gsize size)
{
  gsize used = 0;

  if (self->partial_length > 0) {
    used = MIN(size, TWILIO_FRAME - self->partial_length);
    memcpy(self->partial + self->partial_length, data, used);
    self->partial_length += used;
    if (self->partial_length < TWILIO_FRAME)
      return used;
    self->partial_length = 0;
    if (!send_frame(self, turn, self->partial))
      return size;
  }
  for (; size - used >= TWILIO_FRAME; used += TWILIO_FRAME)
    if (!twilio_outbound_can_send(self) || !send_frame(self, turn, data + used))
      return size;
  memcpy(self->partial, data + used, size - used);
  self->partial_length = size - used;
  return size;
}

/* Sends a part of a buffer and says how the turn begins. */
GstFlowReturn
twilio_outbound_send_part(TwilioOutbound *self, GstBuffer *buffer, gsize offset, gsize size)
{
  guint generation = self->playout.generation;
  TwilioTurn *turn = turn_for(self, buffer);
  gboolean first = turn->sent == 0;
  GstMapInfo map;

  if (!gst_buffer_map(buffer, &map, GST_MAP_READ))
    return GST_FLOW_ERROR;
  twilio_session_cork(self->session);
  send_bytes(self, turn, map.data + offset, MIN(size, map.size - offset));
  twilio_session_uncork(self->session);
  gst_buffer_unmap(buffer, &map);
  /* a stall ends the session, and with it the turn */
  if (g_atomic_int_get(&self->stopped))
    return GST_FLOW_EOS;
  if (generation != self->playout.generation || g_atomic_int_get(&self->flushing))
    return GST_FLOW_FLUSHING;
  if (first && turn->sent > 0 && turn == g_queue_peek_head(&self->playout.turns))
    twilio_outbound_tell_progress(self);
  return GST_FLOW_OK;
}

static void
finish_response(TwilioOutbound *self, guint number)
{
  TwilioTurn *open = twilio_playout_open_turn(&self->playout);

  if (open && open->number != number) {
    finish_turn(self);
    open = NULL;
  }
  if (!open)
    twilio_playout_get_turn(&self->playout, number, NULL); /* it had no audio */
  finish_turn(self);
  twilio_outbound_settle(self);
}

void
twilio_outbound_take_event(TwilioOutbound *self, GstEvent *event)
{
  if (cord_event_is(event, CORD_EVENT_RESPONSE_FINISHED) && !g_atomic_int_get(&self->stopped)) {
    finish_response(self, cord_structure_get_turn(gst_event_get_structure(event)));
  } else if (GST_EVENT_TYPE(event) == GST_EVENT_EOS) {
    self->eos = TRUE;
    self->eos_seqnum = gst_event_get_seqnum(event);
    finish_turn(self);
    twilio_outbound_settle(self);
  }
}
