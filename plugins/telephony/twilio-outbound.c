/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "twilio-outbound-private.h"

#include "gsttwilioelements.h"

#define GST_CAT_DEFAULT twiliosink_debug

#define MARK_GRACE (2 * GST_SECOND)                /* after its audio should have been played */
#define MAX_AT_ONCE TWILIO_BYTES_PER_SECOND        /* bytes that are sent in the caller's call */
#define MAX_FOREIGN (2 * TWILIO_BYTES_PER_SECOND)  /* bytes queued before another thread waits */
#define MAX_QUEUED (120 * TWILIO_BYTES_PER_SECOND) /* bytes queued before audio is dropped */

static void
release(gpointer data)
{
  gst_object_unref(((TwilioOutbound *)data)->element);
}

static void
post(TwilioOutbound *self, CordFunc func)
{
  gst_object_ref(self->element);
  cord_worker_post(self->worker, func, self, release);
}

/* ---- the queue ---- */

static GstMiniObject *
pop(TwilioOutbound *self)
{
  GstMiniObject *item;

  g_mutex_lock(&self->lock);
  item = g_queue_pop_head(&self->queue);
  if (item && GST_IS_BUFFER(item)) {
    self->queued -= gst_buffer_get_size(GST_BUFFER_CAST(item));
    g_cond_signal(&self->room);
  }
  g_mutex_unlock(&self->lock);
  return item;
}

/* Sends the half-sent buffer on; FALSE if it must wait. */
static gboolean
drain_current(TwilioOutbound *self)
{
  gsize size = gst_buffer_get_size(self->current);

  while (self->current && self->current_offset < size) {
    gsize part = MIN(size - self->current_offset, TWILIO_MARK_EVERY);
    guint64 ahead = twilio_playout_get_ahead(&self->playout, cord_worker_get_time(self->worker));
    if (!twilio_outbound_can_send(self) ||
        (self->look_ahead > 0 && ahead + part > self->look_ahead))
      return FALSE;
    self->current_offset += part;
    if (twilio_outbound_send_part(self, self->current, self->current_offset - part, part) !=
        GST_FLOW_OK)
      break;
  }
  gst_clear_buffer(&self->current);
  return TRUE;
}

/* What is known of the position, for queries of other threads. */
static void
publish(TwilioOutbound *self)
{
  GstClockTime now = cord_worker_get_time(self->worker);

  g_mutex_lock(&self->lock);
  self->published = self->playout.earlier + twilio_playout_get_position(&self->playout, now);
  self->published_limit = self->playout.earlier + twilio_playout_get_limit(&self->playout);
  self->published_time = now;
  g_mutex_unlock(&self->lock);
}

/* ---- flush; worker ---- */

/* Notes how far each turn was heard, and forgets them. */
static void
cut_turns(TwilioOutbound *self)
{
  GstClockTime now = cord_worker_get_time(self->worker);
  guint64 position = twilio_playout_get_position(&self->playout, now);

  for (GList *l = self->playout.turns.head; l; l = l->next) {
    TwilioTurn *turn = l->data;
    CordPlayout playout;
    if (turn->sent == 0)
      continue;
    twilio_playout_describe(&self->playout, turn, position, CORD_PLAYOUT_INTERRUPTED, &playout);
    g_array_append_val(self->cut, playout);
    twilio_outbound_tell_metrics(self, turn);
  }
  twilio_playout_flush(&self->playout, now);
  publish(self);
  self->partial_length = 0;
  gst_clear_buffer(&self->current);
  if (self->tick)
    cord_tick_remove(g_steal_pointer(&self->tick));
}

static void
tell_cut(TwilioOutbound *self)
{
  g_autoptr(GArray) cut = g_steal_pointer(&self->cut);

  self->cut = g_array_new(FALSE, FALSE, sizeof(CordPlayout));
  for (guint i = 0; i < cut->len; i++)
    twilio_outbound_tell_playout(self, &g_array_index(cut, CordPlayout, i));
}

/* Does what flush events of any thread have asked for, in their order. */
static void
flush(gpointer data)
{
  TwilioOutbound *self = data;
  gboolean begun, ended;

  g_mutex_lock(&self->lock);
  begun = self->flush_begun;
  ended = self->flush_ended;
  self->flush_begun = self->flush_ended = FALSE;
  g_mutex_unlock(&self->lock);
  if (begun) {
    self->eos = FALSE;
    if (twilio_playout_is_pending(&self->playout))
      twilio_session_send_clear(self->session);
    cut_turns(self);
  }
  /* pads drop upstream events until the flush has ended */
  if (ended)
    tell_cut(self);
}

static void
drain(TwilioOutbound *self)
{
  GstMiniObject *item;

  flush(self);
  while (g_atomic_int_get(&self->stopped) || twilio_outbound_can_send(self)) {
    if (self->current && g_atomic_int_get(&self->stopped))
      gst_clear_buffer(&self->current);
    if (self->current && !drain_current(self))
      break;
    item = pop(self);
    if (!item)
      return;
    if (GST_IS_BUFFER(item)) {
      self->current = GST_BUFFER_CAST(item);
      self->current_offset = 0;
    } else {
      twilio_outbound_take_event(self, GST_EVENT_CAST(item));
      gst_mini_object_unref(item);
    }
  }
  if (self->current)
    twilio_outbound_start_tick(self);
}

static void
on_tick(GstClockTime now, gpointer data)
{
  TwilioOutbound *self = data;

  if (twilio_playout_take_deadline(&self->playout, MARK_GRACE, now)) {
    twilio_session_report(self->session, TWILIO_PROBLEM_LOST_MARK,
                          "The carrier did not echo a mark; its audio counts as played");
    twilio_outbound_settle(self);
    twilio_outbound_tell_progress(self);
  }
  drain(self);
  publish(self);
  if (self->tick && !twilio_playout_is_pending(&self->playout) && !self->current)
    cord_tick_remove(g_steal_pointer(&self->tick));
}

void
twilio_outbound_start_tick(TwilioOutbound *self)
{
  if (!self->tick)
    self->tick = cord_worker_add_tick(self->worker, on_tick, self);
}

/* ---- what the session tells ---- */

static void
on_started(gpointer data)
{
  TwilioOutbound *self = data;

  g_atomic_int_set(&self->stopped, FALSE);
  drain(self);
}

static void
on_mark(const TwilioText *text, gpointer data)
{
  TwilioOutbound *self = data;
  gchar name[TWILIO_MARK_NAME_MAX + 8] = "?";
  TwilioEcho echo;

  if (text->length < TWILIO_MARK_NAME_MAX)
    twilio_text_copy(text, name, sizeof name);
  echo = twilio_playout_take_echo(&self->playout, name, cord_worker_get_time(self->worker));
  if (echo == TWILIO_ECHO_UNKNOWN)
    twilio_session_report(self->session, TWILIO_PROBLEM_UNKNOWN_MARK,
                          "A mark came back that was never sent: \"%.*s\"",
                          (gint)MIN(text->length, 40), text->text);
  else if (echo == TWILIO_ECHO_DUPLICATE)
    twilio_session_report(self->session, TWILIO_PROBLEM_DUPLICATE_MARK,
                          "The mark \"%s\" came back twice", name);
  if (echo != TWILIO_ECHO_PLAYED)
    return;
  publish(self);
  twilio_outbound_settle(self);
  twilio_outbound_tell_progress(self);
  drain(self);
}

static void
on_stopped(gpointer data)
{
  TwilioOutbound *self = data;

  g_mutex_lock(&self->lock);
  g_atomic_int_set(&self->stopped, TRUE);
  g_cond_broadcast(&self->room);
  g_mutex_unlock(&self->lock);
  cut_turns(self);
  tell_cut(self);
  if (self->eos)
    twilio_outbound_post_eos(self);
  drain(self);
}

static const TwilioSinkFuncs session_funcs = {
  .started = on_started,
  .mark = on_mark,
  .stopped = on_stopped,
};

/* ---- coming in; any thread ---- */

static gsize
size_of(GstMiniObject *item)
{
  return GST_IS_BUFFER(item) ? gst_buffer_get_size(GST_BUFFER_CAST(item)) : 0;
}

/* With the lock held. */
static void
enqueue(TwilioOutbound *self, GstMiniObject *item)
{
  g_queue_push_tail(&self->queue, item);
  self->queued += size_of(item);
}

static GstFlowReturn
refuse(GstMiniObject *item, GstFlowReturn flow)
{
  gst_mini_object_unref(item);
  return flow;
}

static GstFlowReturn
submit_here(TwilioOutbound *self, GstMiniObject *item)
{
  gboolean direct, full;
  gsize size = size_of(item);

  if (g_atomic_int_get(&self->flushing))
    return refuse(item, GST_FLOW_FLUSHING);
  if (GST_IS_BUFFER(item) && g_atomic_int_get(&self->stopped))
    return refuse(item, GST_FLOW_EOS);
  g_mutex_lock(&self->lock);
  direct = g_queue_is_empty(&self->queue) && !self->current && size <= MAX_AT_ONCE;
  full = self->queued + size > MAX_QUEUED;
  g_mutex_unlock(&self->lock);
  if (direct && GST_IS_BUFFER(item) && twilio_outbound_can_send(self))
    return refuse(item, twilio_outbound_send_part(self, GST_BUFFER_CAST(item), 0, size));
  if (full && GST_IS_BUFFER(item)) {
    if (!self->warned)
      GST_ELEMENT_WARNING(
          self->element, RESOURCE, NO_SPACE_LEFT,
          ("More than two minutes of audio wait for the carrier; the rest is lost."),
          ("Put an audiopacer in front of the sink."));
    self->warned = TRUE;
    return refuse(item, GST_FLOW_OK);
  }
  g_mutex_lock(&self->lock);
  enqueue(self, item);
  g_mutex_unlock(&self->lock);
  drain(self);
  return GST_FLOW_OK;
}

static void
drain_posted(gpointer data)
{
  TwilioOutbound *self = data;

  g_mutex_lock(&self->lock);
  self->draining = FALSE;
  g_mutex_unlock(&self->lock);
  if (self->attached)
    drain(self);
}

static GstFlowReturn
submit_from_afar(TwilioOutbound *self, GstMiniObject *item)
{
  GstFlowReturn flow = GST_FLOW_OK;
  gboolean due = FALSE;

  g_mutex_lock(&self->lock);
  while (GST_IS_BUFFER(item) && self->active && !self->flushing && !self->stopped &&
         self->queued >= MAX_FOREIGN)
    g_cond_wait(&self->room, &self->lock);
  if (!self->active || self->flushing)
    flow = GST_FLOW_FLUSHING;
  else if (GST_IS_BUFFER(item) && self->stopped)
    flow = GST_FLOW_EOS;
  if (flow == GST_FLOW_OK) {
    enqueue(self, item);
    due = !self->draining;
    self->draining = TRUE;
  }
  g_mutex_unlock(&self->lock);
  if (flow != GST_FLOW_OK)
    return refuse(item, flow);
  if (due)
    post(self, drain_posted);
  return GST_FLOW_OK;
}

/**
 * twilio_outbound_submit:
 * @self: an outbound half
 * @item: (transfer full): a buffer or a serialized event
 *
 * Sends it, at once on the worker, else soon. Another thread waits while two seconds are queued.
 */
GstFlowReturn
twilio_outbound_submit(TwilioOutbound *self, GstMiniObject *item)
{
  return cord_worker_is_current(self->worker) ? submit_here(self, item)
                                              : submit_from_afar(self, item);
}

static void
empty_queue(TwilioOutbound *self)
{
  GQueue queue = G_QUEUE_INIT;

  g_mutex_lock(&self->lock);
  queue = self->queue;
  g_queue_init(&self->queue);
  self->queued = 0;
  g_cond_broadcast(&self->room);
  g_mutex_unlock(&self->lock);
  g_queue_clear_full(&queue, (GDestroyNotify)gst_mini_object_unref);
}

static void
ask_flush(TwilioOutbound *self, gboolean begin)
{
  g_mutex_lock(&self->lock);
  g_atomic_int_set(&self->flushing, begin);
  if (begin)
    self->flush_begun = TRUE;
  else
    self->flush_ended = TRUE;
  g_mutex_unlock(&self->lock);
  if (begin)
    empty_queue(self);
  if (cord_worker_is_current(self->worker))
    flush(self);
  else
    post(self, flush);
}

void
twilio_outbound_flush_start(TwilioOutbound *self)
{
  ask_flush(self, TRUE);
}

void
twilio_outbound_flush_stop(TwilioOutbound *self)
{
  ask_flush(self, FALSE);
}

/**
 * twilio_outbound_get_position:
 * @self: an outbound half; any thread
 *
 * Returns: how much audio the caller has heard since the stream began, ns
 */
GstClockTime
twilio_outbound_get_position(TwilioOutbound *self)
{
  guint64 position, passed;

  g_mutex_lock(&self->lock);
  passed = (cord_worker_get_time(self->worker) - self->published_time) / TWILIO_NS_PER_SAMPLE;
  position = MIN(self->published + passed, MAX(self->published_limit, self->published));
  g_mutex_unlock(&self->lock);
  return position * TWILIO_NS_PER_SAMPLE;
}

/* ---- its life ---- */

void
twilio_outbound_init(TwilioOutbound *self, GstElement *element, GstPad *pad)
{
  self->element = element;
  self->pad = pad;
  g_mutex_init(&self->lock);
  g_cond_init(&self->room);
  g_queue_init(&self->queue);
  twilio_playout_init(&self->playout);
  self->cut = g_array_new(FALSE, FALSE, sizeof(CordPlayout));
}

void
twilio_outbound_clear(TwilioOutbound *self)
{
  empty_queue(self);
  twilio_playout_clear(&self->playout);
  g_array_unref(self->cut);
  g_mutex_clear(&self->lock);
  g_cond_clear(&self->room);
}

/**
 * twilio_outbound_set_active:
 * @self: an outbound half; any thread
 * @active: whether data may come
 *
 * Going down, lets a waiting thread go, before the pads are deactivated.
 */
void
twilio_outbound_set_active(TwilioOutbound *self, gboolean active)
{
  g_mutex_lock(&self->lock);
  self->active = active;
  g_atomic_int_set(&self->flushing, !active);
  g_cond_broadcast(&self->room);
  g_mutex_unlock(&self->lock);
}

/**
 * twilio_outbound_attach:
 * @self: an outbound half, on its worker
 * @look_ahead_ms: how much may be with the carrier; 0 for any amount
 * @hang_up: whether EOS ends the call
 *
 * READY to PAUSED: takes the sink's place in the session.
 */
void
twilio_outbound_attach(TwilioOutbound *self, guint look_ahead_ms, gboolean hang_up)
{
  if (self->attached)
    return;
  self->attached = TRUE;
  self->look_ahead = (guint64)look_ahead_ms * TWILIO_SAMPLES_PER_MS;
  self->hang_up = hang_up;
  self->warned = self->eos = FALSE;
  g_atomic_int_set(&self->stopped, FALSE);
  twilio_session_set_sink(self->session, &session_funcs, self);
}

/**
 * twilio_outbound_play:
 * @self: an outbound half, on its worker
 *
 * PLAYING: sends what has been waiting.
 */
void
twilio_outbound_play(TwilioOutbound *self)
{
  if (self->attached)
    drain(self);
}

/**
 * twilio_outbound_detach:
 * @self: an outbound half, on its worker
 *
 * PAUSED to READY: forgets everything; what is with the carrier stays there.
 */
void
twilio_outbound_detach(TwilioOutbound *self)
{
  if (!self->attached)
    return;
  self->attached = FALSE;
  twilio_session_set_sink(self->session, NULL, NULL);
  empty_queue(self);
  cut_turns(self);
  g_array_set_size(self->cut, 0);
  self->playout.earlier = 0;
  publish(self);
}
