/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "media-outbound-private.h"

#define GST_CAT_DEFAULT media_session_debug

#define MARK_GRACE (2 * GST_SECOND)     /* after its audio should have been played */
#define BLIND_GRACE (100 * GST_MSECOND) /* the same where nobody says what was played */
#define MAX_AT_ONCE GST_SECOND          /* that is sent in the caller's call */
#define MAX_FOREIGN (2 * GST_SECOND)    /* queued before another thread waits */
#define MAX_QUEUED (120 * GST_SECOND)   /* queued before audio is dropped */

/** media_outbound_to_bytes: how many bytes sound for so long. */
guint64
media_outbound_to_bytes(MediaOutbound *self, GstClockTime duration)
{
  return media_format_to_bytes(self->format, duration);
}

static void
release(gpointer data)
{
  gst_object_unref(((MediaOutbound *)data)->element);
}

static void
post(MediaOutbound *self, CordFunc func)
{
  gst_object_ref(self->element);
  cord_worker_post(self->worker, func, self, release);
}

static const gchar *
peer(MediaOutbound *self)
{
  return media_session_get_protocol(self->session)->peer;
}

/* ---- the queue ---- */

static GstMiniObject *
pop(MediaOutbound *self)
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
drain_current(MediaOutbound *self)
{
  gsize size = gst_buffer_get_size(self->current);

  while (self->current && self->current_offset < size) {
    gsize part = MIN(size - self->current_offset, media_outbound_to_bytes(self, MEDIA_MARK_EVERY));
    guint64 ahead = media_playout_get_ahead(&self->playout, cord_worker_get_time(self->worker));
    if (!media_outbound_can_send(self) || (self->look_ahead > 0 && ahead + part > self->look_ahead))
      return FALSE;
    self->current_offset += part;
    if (media_outbound_send_part(self, self->current, self->current_offset - part, part) !=
        GST_FLOW_OK)
      break;
  }
  gst_clear_buffer(&self->current);
  return TRUE;
}

/* What is known of the position, for queries of other threads. */
static void
publish(MediaOutbound *self)
{
  GstClockTime now = cord_worker_get_time(self->worker);

  g_mutex_lock(&self->lock);
  self->published = self->playout.earlier + media_playout_get_position(&self->playout, now);
  self->published_limit = self->playout.earlier + media_playout_get_limit(&self->playout);
  self->published_time = now;
  g_mutex_unlock(&self->lock);
}

/* ---- flush; worker ---- */

/* Notes how far each turn was heard, and forgets them. */
static void
cut_turns(MediaOutbound *self)
{
  GstClockTime now = cord_worker_get_time(self->worker);
  guint64 position = media_playout_get_position(&self->playout, now);

  for (GList *l = self->playout.turns.head; l; l = l->next) {
    MediaTurn *turn = l->data;
    CordPlayout playout;
    if (turn->sent == 0)
      continue;
    media_playout_describe(&self->playout, turn, position, CORD_PLAYOUT_INTERRUPTED, &playout);
    g_array_append_val(self->cut, playout);
    media_outbound_tell_metrics(self, turn);
  }
  media_playout_flush(&self->playout, now);
  publish(self);
  self->partial_length = 0;
  gst_clear_buffer(&self->current);
  if (self->tick)
    cord_tick_remove(g_steal_pointer(&self->tick));
}

static void
tell_cut(MediaOutbound *self)
{
  g_autoptr(GArray) cut = g_steal_pointer(&self->cut);

  self->cut = g_array_new(FALSE, FALSE, sizeof(CordPlayout));
  for (guint i = 0; i < cut->len; i++)
    media_outbound_tell_playout(self, &g_array_index(cut, CordPlayout, i));
}

/* Does what flush events of any thread have asked for, in their order. */
static void
flush(gpointer data)
{
  MediaOutbound *self = data;
  gboolean begun, ended;

  g_mutex_lock(&self->lock);
  begun = self->flush_begun;
  ended = self->flush_ended;
  self->flush_begun = self->flush_ended = FALSE;
  g_mutex_unlock(&self->lock);
  if (begun) {
    self->eos = FALSE;
    if (media_playout_is_pending(&self->playout))
      media_session_send_clear(self->session);
    cut_turns(self);
  }
  /* pads drop upstream events until the flush has ended */
  if (ended)
    tell_cut(self);
}

static void
drain(MediaOutbound *self)
{
  GstMiniObject *item;

  flush(self);
  while (g_atomic_int_get(&self->stopped) || media_outbound_can_send(self)) {
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
      media_outbound_take_event(self, GST_EVENT_CAST(item));
      gst_mini_object_unref(item);
    }
  }
  if (self->current)
    media_outbound_start_tick(self);
}

static void
on_tick(GstClockTime now, gpointer data)
{
  MediaOutbound *self = data;

  gboolean echoes = media_session_echoes(self->session);

  if (media_playout_take_deadline(&self->playout, echoes ? MARK_GRACE : BLIND_GRACE, now)) {
    if (echoes)
      media_session_report(self->session, MEDIA_PROBLEM_LOST_MARK,
                           "The %s did not echo a mark; its audio counts as played", peer(self));
    media_outbound_settle(self);
    media_outbound_tell_progress(self);
  }
  drain(self);
  publish(self);
  if (self->tick && !media_playout_is_pending(&self->playout) && !self->current)
    cord_tick_remove(g_steal_pointer(&self->tick));
}

void
media_outbound_start_tick(MediaOutbound *self)
{
  if (!self->tick)
    self->tick = cord_worker_add_tick(self->worker, on_tick, self);
}

/* ---- what the session tells ---- */

static void
on_started(gpointer data)
{
  MediaOutbound *self = data;

  g_atomic_int_set(&self->stopped, FALSE);
  drain(self);
}

static void
on_mark(const gchar *name, gpointer data)
{
  MediaOutbound *self = data;
  MediaEcho echo;

  echo = media_playout_take_echo(&self->playout, name, cord_worker_get_time(self->worker));
  if (echo == MEDIA_ECHO_UNKNOWN)
    media_session_report(self->session, MEDIA_PROBLEM_UNKNOWN_MARK,
                         "A mark came back that was never sent: \"%s\"", name);
  else if (echo == MEDIA_ECHO_DUPLICATE)
    media_session_report(self->session, MEDIA_PROBLEM_DUPLICATE_MARK,
                         "The mark \"%s\" came back twice", name);
  if (echo != MEDIA_ECHO_PLAYED)
    return;
  publish(self);
  media_outbound_settle(self);
  media_outbound_tell_progress(self);
  drain(self);
}

static void
on_stopped(gpointer data)
{
  MediaOutbound *self = data;

  g_mutex_lock(&self->lock);
  g_atomic_int_set(&self->stopped, TRUE);
  g_cond_broadcast(&self->room);
  g_mutex_unlock(&self->lock);
  cut_turns(self);
  tell_cut(self);
  if (self->eos)
    media_outbound_post_eos(self);
  drain(self);
}

static const MediaSinkFuncs session_funcs = {
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
enqueue(MediaOutbound *self, GstMiniObject *item)
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
submit_here(MediaOutbound *self, GstMiniObject *item)
{
  gboolean direct, full;
  gsize size = size_of(item);

  if (g_atomic_int_get(&self->flushing))
    return refuse(item, GST_FLOW_FLUSHING);
  if (GST_IS_BUFFER(item) && g_atomic_int_get(&self->stopped))
    return refuse(item, GST_FLOW_EOS);
  g_mutex_lock(&self->lock);
  direct = g_queue_is_empty(&self->queue) && !self->current &&
           size <= media_outbound_to_bytes(self, MAX_AT_ONCE);
  full = self->queued + size > media_outbound_to_bytes(self, MAX_QUEUED);
  g_mutex_unlock(&self->lock);
  if (direct && GST_IS_BUFFER(item) && media_outbound_can_send(self))
    return refuse(item, media_outbound_send_part(self, GST_BUFFER_CAST(item), 0, size));
  if (full && GST_IS_BUFFER(item)) {
    if (!self->warned)
      GST_ELEMENT_WARNING(
          self->element, RESOURCE, NO_SPACE_LEFT,
          ("More than two minutes of audio wait for the %s; the rest is lost.", peer(self)),
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
  MediaOutbound *self = data;

  g_mutex_lock(&self->lock);
  self->draining = FALSE;
  g_mutex_unlock(&self->lock);
  if (self->attached)
    drain(self);
}

static GstFlowReturn
submit_from_afar(MediaOutbound *self, GstMiniObject *item)
{
  GstFlowReturn flow = GST_FLOW_OK;
  gboolean due = FALSE;

  g_mutex_lock(&self->lock);
  while (GST_IS_BUFFER(item) && self->active && !self->flushing && !self->stopped &&
         self->queued >= media_outbound_to_bytes(self, MAX_FOREIGN))
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
 * media_outbound_submit:
 * @self: an outbound half
 * @item: (transfer full): a buffer or a serialized event
 *
 * Sends it, at once on the worker, else soon. Another thread waits while two seconds are queued.
 */
GstFlowReturn
media_outbound_submit(MediaOutbound *self, GstMiniObject *item)
{
  return cord_worker_is_current(self->worker) ? submit_here(self, item)
                                              : submit_from_afar(self, item);
}

static void
empty_queue(MediaOutbound *self)
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
ask_flush(MediaOutbound *self, gboolean begin)
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
media_outbound_flush_start(MediaOutbound *self)
{
  ask_flush(self, TRUE);
}

void
media_outbound_flush_stop(MediaOutbound *self)
{
  ask_flush(self, FALSE);
}

/**
 * media_outbound_get_position:
 * @self: an outbound half; any thread
 *
 * Returns: how much audio the caller has heard since the stream began, ns
 */
GstClockTime
media_outbound_get_position(MediaOutbound *self)
{
  guint64 position, passed;

  g_mutex_lock(&self->lock);
  passed = media_outbound_to_bytes(self, cord_worker_get_time(self->worker) - self->published_time);
  position = MIN(self->published + passed, MAX(self->published_limit, self->published));
  g_mutex_unlock(&self->lock);
  return media_format_to_time(self->format, position);
}

/* ---- its life ---- */

void
media_outbound_init(MediaOutbound *self, GstElement *element, GstPad *pad,
                    const MediaFormat *format)
{
  self->format = format;
  self->element = element;
  self->pad = pad;
  g_mutex_init(&self->lock);
  g_cond_init(&self->room);
  g_queue_init(&self->queue);
  media_playout_init(&self->playout, format);
  self->cut = g_array_new(FALSE, FALSE, sizeof(CordPlayout));
}

void
media_outbound_clear(MediaOutbound *self)
{
  empty_queue(self);
  media_playout_clear(&self->playout);
  g_array_unref(self->cut);
  g_mutex_clear(&self->lock);
  g_cond_clear(&self->room);
}

/**
 * media_outbound_set_active:
 * @self: an outbound half; any thread
 * @active: whether data may come
 *
 * Going down, lets a waiting thread go, before the pads are deactivated.
 */
void
media_outbound_set_active(MediaOutbound *self, gboolean active)
{
  g_mutex_lock(&self->lock);
  self->active = active;
  g_atomic_int_set(&self->flushing, !active);
  g_cond_broadcast(&self->room);
  g_mutex_unlock(&self->lock);
}

/**
 * media_outbound_attach:
 * @self: an outbound half, on its worker
 * @look_ahead_ms: how much may be with the carrier; 0 for any amount
 * @hang_up: whether EOS ends the call
 *
 * READY to PAUSED: takes the sink's place in the session.
 */
void
media_outbound_attach(MediaOutbound *self, guint look_ahead_ms, gboolean hang_up)
{
  if (self->attached)
    return;
  self->attached = TRUE;
  self->look_ahead = media_format_from_ms(self->format, look_ahead_ms);
  self->hang_up = hang_up;
  self->warned = self->eos = FALSE;
  g_atomic_int_set(&self->stopped, FALSE);
  media_session_set_sink(self->session, &session_funcs, self);
}

/**
 * media_outbound_play:
 * @self: an outbound half, on its worker
 *
 * PLAYING: sends what has been waiting.
 */
void
media_outbound_play(MediaOutbound *self)
{
  if (self->attached)
    drain(self);
}

/**
 * media_outbound_detach:
 * @self: an outbound half, on its worker
 *
 * PAUSED to READY: forgets everything; what is with the carrier stays there.
 */
void
media_outbound_detach(MediaOutbound *self)
{
  if (!self->attached)
    return;
  self->attached = FALSE;
  media_session_set_sink(self->session, NULL, NULL);
  empty_queue(self);
  cut_turns(self);
  g_array_set_size(self->cut, 0);
  self->playout.earlier = 0;
  publish(self);
}
