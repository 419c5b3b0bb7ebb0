/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "media-outbound-private.h"

/*
 * The sending side of a sink's worker half: whole frames, marks, and what upstream and the bus
 * are told about them. A send that fails ends the session, which takes the turns away: nothing of a
 * turn may be touched after it.
 */

/* ---- telling upstream and the bus; worker ---- */

void
media_outbound_tell_playout(MediaOutbound *self, const CordPlayout *playout)
{
  GstStructure *structure = cord_structure_new_playout(playout);

  if (playout->state != CORD_PLAYOUT_PLAYING)
    cord_element_post(self->element, gst_structure_copy(structure));
  gst_pad_push_event(self->pad, cord_event_new_upstream(structure));
}

void
media_outbound_tell_metrics(MediaOutbound *self, MediaTurn *turn)
{
  if (turn->sent == 0)
    return;
  cord_turn_stamp(turn->turn, CORD_TURN_STAMP_HEARD, cord_worker_get_time(self->worker));
  cord_element_post(self->element, cord_turn_to_structure(turn->turn));
}

void
media_outbound_post_eos(MediaOutbound *self)
{
  GstMessage *message = gst_message_new_eos(GST_OBJECT(self->element));

  self->eos = FALSE;
  gst_message_set_seqnum(message, self->eos_seqnum);
  gst_element_post_message(self->element, message);
  if (self->hang_up)
    media_session_close(self->session, 1000, "hangup");
}

/* After anything was played: ends the turns that are through, and the stream. */
void
media_outbound_settle(MediaOutbound *self)
{
  MediaTurn *turn;

  while ((turn = media_playout_take_done(&self->playout))) {
    CordPlayout playout;
    media_playout_describe(&self->playout, turn, self->playout.played, CORD_PLAYOUT_DONE, &playout);
    media_outbound_tell_metrics(self, turn);
    media_turn_free(turn);
    media_outbound_tell_playout(self, &playout);
  }
  if (self->eos && g_queue_is_empty(&self->playout.turns))
    media_outbound_post_eos(self);
}

void
media_outbound_tell_progress(MediaOutbound *self)
{
  MediaTurn *turn = g_queue_peek_head(&self->playout.turns);
  CordPlayout playout;

  if (!turn || self->playout.played < turn->start)
    return;
  media_playout_describe(&self->playout, turn, self->playout.played, CORD_PLAYOUT_PLAYING,
                         &playout);
  media_outbound_tell_playout(self, &playout);
}

/* ---- sending; worker ---- */

gboolean
media_outbound_can_send(MediaOutbound *self)
{
  return g_atomic_int_get(&self->playing) && !g_atomic_int_get(&self->flushing) &&
         media_session_get_state(self->session) == MEDIA_SESSION_STREAMING;
}

static gboolean
send_mark(MediaOutbound *self)
{
  gchar name[MEDIA_MAX_MARK_NAME];

  media_playout_make_mark(&self->playout, name);
  return media_session_send_mark(self->session, name);
}

static gboolean
send_frame(MediaOutbound *self, MediaTurn *turn, const guint8 *frame)
{
  GstClockTime now = cord_worker_get_time(self->worker);

  if (!media_session_send_media(self->session, frame, self->format->frame_bytes))
    return FALSE;
  media_playout_count_frame(&self->playout, turn, self->format->frame_bytes, now);
  cord_turn_stamp(turn->turn, CORD_TURN_STAMP_FIRST_FRAME, now);
  media_outbound_start_tick(self);
  return media_playout_unmarked(&self->playout) < media_outbound_to_bytes(self, MEDIA_MARK_EVERY) ||
         send_mark(self);
}

/* Pads what is left of the open turn, marks its end. */
static void
finish_turn(MediaOutbound *self)
{
  MediaTurn *turn = media_playout_open_turn(&self->playout);

  if (!turn)
    return;
  media_session_cork(self->session);
  if (self->partial_length > 0) {
    memset(self->partial + self->partial_length, self->format->silence,
           self->format->frame_bytes - self->partial_length);
    self->partial_length = 0;
    if (!send_frame(self, turn, self->partial))
      return;
  }
  turn->finished = TRUE;
  if (media_playout_unmarked(&self->playout) > 0)
    send_mark(self);
  media_session_uncork(self->session);
}

static MediaTurn *
turn_for(MediaOutbound *self, GstBuffer *buffer)
{
  CordTurn *turn = cord_buffer_get_turn(buffer);
  MediaTurn *open = media_playout_open_turn(&self->playout);

  if (open && turn && open->number != cord_turn_get_number(turn)) {
    finish_turn(self);
    open = NULL;
  }
  return open ? open
              : media_playout_get_turn(&self->playout, turn ? cord_turn_get_number(turn) : 0, turn);
}

/* Sends what it may of @size bytes; returns how many were used. */
static gsize
send_bytes(MediaOutbound *self, MediaTurn *turn, const guint8 *data, gsize size)
{
  const gsize frame = self->format->frame_bytes;
  gsize used = 0;

  if (self->partial_length > 0) {
    used = MIN(size, frame - self->partial_length);
    memcpy(self->partial + self->partial_length, data, used);
    self->partial_length += used;
    if (self->partial_length < frame)
      return used;
    self->partial_length = 0;
    if (!send_frame(self, turn, self->partial))
      return size;
  }
  for (; size - used >= frame; used += frame)
    if (!media_outbound_can_send(self) || !send_frame(self, turn, data + used))
      return size;
  memcpy(self->partial, data + used, size - used);
  self->partial_length = size - used;
  return size;
}

/* Sends a part of a buffer and says how the turn begins. */
GstFlowReturn
media_outbound_send_part(MediaOutbound *self, GstBuffer *buffer, gsize offset, gsize size)
{
  guint generation = self->playout.generation;
  MediaTurn *turn = turn_for(self, buffer);
  gboolean first = turn->sent == 0;
  GstMapInfo map;

  if (!gst_buffer_map(buffer, &map, GST_MAP_READ))
    return GST_FLOW_ERROR;
  media_session_cork(self->session);
  send_bytes(self, turn, map.data + offset, MIN(size, map.size - offset));
  media_session_uncork(self->session);
  gst_buffer_unmap(buffer, &map);
  /* a stall ends the session, and with it the turn */
  if (g_atomic_int_get(&self->stopped))
    return GST_FLOW_EOS;
  if (generation != self->playout.generation || g_atomic_int_get(&self->flushing))
    return GST_FLOW_FLUSHING;
  if (first && turn->sent > 0 && turn == g_queue_peek_head(&self->playout.turns))
    media_outbound_tell_progress(self);
  return GST_FLOW_OK;
}

static void
finish_response(MediaOutbound *self, guint number)
{
  MediaTurn *open = media_playout_open_turn(&self->playout);

  if (open && open->number != number) {
    finish_turn(self);
    open = NULL;
  }
  if (!open)
    media_playout_get_turn(&self->playout, number, NULL); /* it had no audio */
  finish_turn(self);
  media_outbound_settle(self);
}

void
media_outbound_take_event(MediaOutbound *self, GstEvent *event)
{
  if (cord_event_is(event, CORD_EVENT_RESPONSE_FINISHED) && !g_atomic_int_get(&self->stopped)) {
    finish_response(self, cord_structure_get_turn(gst_event_get_structure(event)));
  } else if (GST_EVENT_TYPE(event) == GST_EVENT_EOS) {
    self->eos = TRUE;
    self->eos_seqnum = gst_event_get_seqnum(event);
    finish_turn(self);
    media_outbound_settle(self);
  }
}
