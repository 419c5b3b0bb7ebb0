/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-error.h"
#include "cord-turn.h"
#include "gstfailovertts-private.h"

GST_DEBUG_CATEGORY_EXTERN(failovertts_debug);
#define GST_CAT_DEFAULT failovertts_debug

/* An event that a voice sends on when it has said all that it was given before. */
#define MARK "cordboard-failover-mark"

static GstFailoverTts *
owner_of(FailoverMember *member)
{
  return GST_FAILOVER_TTS(GST_OBJECT_PARENT(member->element));
}

/* What goes out */

static void
tell_start(GstFailoverTts *self)
{
  if (!self->told_start)
    gst_pad_push_event(self->base.src, self->stream_start
                                           ? gst_event_ref(self->stream_start)
                                           : gst_event_new_stream_start("failovertts"));
  self->told_start = TRUE;
}

/* Not before the format */
static void
tell_segment(GstFailoverTts *self)
{
  GstSegment plain;

  gst_segment_init(&plain, GST_FORMAT_TIME);
  if (self->told_segment || self->caps == NULL)
    return;
  gst_pad_push_event(self->base.src, gst_event_new_segment(&plain));
  self->told_segment = TRUE;
}

/* The format is that of whoever speaks. */
static void
tell_caps(GstFailoverTts *self, GstCaps *caps)
{
  tell_start(self);
  if (caps && (self->caps == NULL || !gst_caps_is_equal(self->caps, caps))) {
    gst_caps_replace(&self->caps, caps);
    gst_pad_push_event(self->base.src, gst_event_new_caps(caps));
  }
  tell_segment(self);
}

static void
go_back_if_idle(GstFailoverTts *self)
{
  FailoverMember *active = failover_group_get_active(self->base.group);

  if (active && active->index > 0 && tts_script_is_empty(self->script))
    failover_group_consider(self->base.group);
}

/* What goes to a voice */

static gboolean
feed_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
  FailoverMember *member = pad->element_private;

  return gst_pad_peer_query(owner_of(member)->base.sink, query);
}

/* An answer to us, or something for those before us */
static gboolean
feed_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  FailoverMember *member = pad->element_private;
  GstFailoverTts *self = owner_of(member);
  CordPlayout playout;

  if (cord_event_is(event, CORD_EVENT_PLAYOUT)) {
    if (member == self->voice &&
        cord_structure_get_playout(gst_event_get_structure(event), &playout))
      self->answer = playout.text_bytes;
    gst_event_unref(event);
    return TRUE;
  }
  return gst_pad_push_event(self->base.sink, event);
}

/* Times inside are running times. */
static void
introduce(GstFailoverTts *self, FailoverMember *member)
{
  g_autoptr(GstCaps) text = gst_caps_from_string(TEXT_CAPS);
  GstSegment plain;

  gst_segment_init(&plain, GST_FORMAT_TIME);
  /* what it was told the last time does not count */
  gst_pad_set_active(member->feed, FALSE);
  gst_pad_set_active(member->feed, TRUE);
  gst_pad_push_event(member->feed, self->stream_start ? gst_event_ref(self->stream_start)
                                                      : gst_event_new_stream_start("failovertts"));
  gst_pad_push_event(member->feed, gst_event_new_caps(text));
  gst_pad_push_event(member->feed, gst_event_new_segment(&plain));
}

static void
feed(FailoverMember *member, GstMiniObject *object, guint number)
{
  if (GST_IS_BUFFER(object)) {
    gst_pad_push(member->feed, GST_BUFFER_CAST(object));
  } else {
    gboolean last = GST_EVENT_TYPE(GST_EVENT_CAST(object)) == GST_EVENT_EOS;

    gst_pad_push_event(member->feed, GST_EVENT_CAST(object));
    /* nothing comes behind it */
    if (last)
      return;
  }
  gst_pad_push_event(
      member->feed,
      gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM,
                           gst_structure_new(MARK, "number", G_TYPE_UINT, number, NULL)));
}

/* All that it was not given yet */
static void
feed_all(GstFailoverTts *self, FailoverMember *member, guint *fed)
{
  GstMiniObject *object;

  while (failover_group_is_well(member) && (object = tts_script_next(self->script, fed)))
    feed(member, object, *fed);
}

/* A race */

static void
end_race(GstFailoverTts *self)
{
  FailoverMember *rival = self->rival;

  g_clear_pointer(&self->hedge, cord_timer_remove);
  self->rival = NULL;
  if (rival)
    failover_group_settle(self->base.group, rival, FALSE);
}

static void set_drain_functions(FailoverMember *member);

static void
on_hedge(gpointer data)
{
  GstFailoverTts *self = data;

  self->hedge = NULL;
  if (self->rival || !tts_script_has_text_first(self->script))
    return;
  self->rival = failover_group_race(self->base.group);
  if (self->rival == NULL)
    return;
  GST_INFO_OBJECT(self, "%s is slow, %s is asked too", self->voice->name, self->rival->name);
  set_drain_functions(self->rival);
  introduce(self, self->rival);
  self->rival_fed = 0;
  feed_all(self, self->rival, &self->rival_fed);
}

/* The text that is first now was just begun, or comes next. */
static void
start_race(GstFailoverTts *self)
{
  guint after_ms;

  GST_OBJECT_LOCK(self);
  after_ms = self->hedge_after_ms;
  GST_OBJECT_UNLOCK(self);
  end_race(self);
  if (after_ms > 0 && self->voice && tts_script_has_text_first(self->script))
    self->hedge = cord_worker_add_timer(self->base.worker, after_ms * GST_MSECOND, on_hedge, self);
}

static void
win_race(GstFailoverTts *self)
{
  FailoverMember *rival = self->rival;

  self->rival = NULL;
  tts_script_change_voice(self->script);
  tts_script_take_over(self->script, self->rival_fed);
  self->voice = rival;
  self->fed = self->rival_fed;
  gst_failover_set_active(&self->base, rival);
  failover_group_settle(self->base.group, rival, TRUE);
}

/* What a voice says */

static void
take_mark(GstFailoverTts *self, GstEvent *event)
{
  guint number = 0;

  gst_structure_get_uint(gst_event_get_structure(event), "number", &number);
  gst_event_unref(event);
  tts_script_done(self->script, number);
  start_race(self);
  go_back_if_idle(self);
}

static gboolean
drain_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  FailoverMember *member = pad->element_private;
  GstFailoverTts *self = owner_of(member);
  gboolean heard = member == self->voice && failover_group_is_heard(self->base.group, member);

  switch (heard ? GST_EVENT_TYPE(event) : GST_EVENT_UNKNOWN) {
  case GST_EVENT_UNKNOWN:
  case GST_EVENT_STREAM_START:
  case GST_EVENT_SEGMENT:
  case GST_EVENT_CAPS:        /* told with the first audio: it may yet be that of another voice */
  case GST_EVENT_FLUSH_START: /* they pass by beside the elements */
  case GST_EVENT_FLUSH_STOP:
    gst_event_unref(event);
    return TRUE;
  case GST_EVENT_EOS:
    tts_script_forget(self->script);
    break;
  default:
    break;
  }
  if (cord_event_is(event, MARK)) {
    take_mark(self, event);
    return TRUE;
  }
  tell_start(self);
  tell_segment(self);
  return gst_pad_push_event(self->base.src, event);
}

static GstFlowReturn
send_audio(GstFailoverTts *self, GstBuffer *buffer)
{
  CordTurn *meta = cord_buffer_get_turn(buffer);
  guint turn = meta ? cord_turn_get_number(meta) : 0;
  gboolean jumps = GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT) &&
                   GST_BUFFER_PTS(buffer) > self->position;

  buffer = gst_buffer_make_writable(buffer);
  if (jumps)
    self->position = GST_BUFFER_PTS(buffer);
  GST_BUFFER_PTS(buffer) = self->position;
  self->position += GST_BUFFER_DURATION(buffer);
  if (jumps || self->last_turn != turn)
    GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  else
    GST_BUFFER_FLAG_UNSET(buffer, GST_BUFFER_FLAG_DISCONT);
  self->last_turn = turn;
  tts_script_add_audio(self->script, turn, GST_BUFFER_DURATION(buffer));
  return gst_pad_push(self->base.src, buffer);
}

static GstFlowReturn
drain_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  FailoverMember *member = pad->element_private;
  GstFailoverTts *self = owner_of(member);
  g_autoptr(GstCaps) caps = gst_pad_get_current_caps(pad);

  if (member == self->rival)
    win_race(self);
  if (member != self->voice || !failover_group_is_heard(self->base.group, member)) {
    gst_buffer_unref(buffer);
    return GST_FLOW_OK;
  }
  end_race(self);
  tell_caps(self, caps);
  return send_audio(self, buffer);
}

/* Which format a voice chooses is a matter of those who follow. */
static gboolean
drain_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
  FailoverMember *member = pad->element_private;

  if (GST_QUERY_TYPE(query) == GST_QUERY_CAPS || GST_QUERY_TYPE(query) == GST_QUERY_ACCEPT_CAPS)
    return gst_pad_peer_query(owner_of(member)->base.src, query);
  return gst_pad_query_default(pad, parent, query);
}

static void
set_drain_functions(FailoverMember *member)
{
  gst_pad_set_chain_function(member->drain, drain_chain);
  gst_pad_set_event_function(member->drain, drain_event);
  gst_pad_set_query_function(member->drain, drain_query);
  gst_pad_set_query_function(member->feed, feed_query);
  gst_pad_set_event_function(member->feed, feed_event);
}

/* What was heard of a turn */

gsize
gst_failover_tts_ask(guint turn, GstClockTime position, CordPlayoutState state, gpointer data)
{
  GstFailoverTts *self = data;
  CordPlayout playout = { turn, position, position, state, -1 };

  self->answer = 0;
  if (self->voice)
    gst_pad_push_event(self->voice->drain,
                       cord_event_new_upstream(cord_structure_new_playout(&playout)));
  return self->answer > 0 ? (gsize)self->answer : 0;
}

typedef struct {
  GstFailoverTts *self;
  CordPlayout *playout;
} Heard;

static void
run_heard(gpointer data)
{
  Heard *heard = data;

  heard->playout->text_bytes = (gint64)tts_script_heard(heard->self->script, heard->playout);
}

static gboolean
src_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstFailoverTts *self = GST_FAILOVER_TTS(parent);
  CordPlayout playout;

  if (cord_event_is(event, CORD_EVENT_PLAYOUT) &&
      cord_structure_get_playout(gst_event_get_structure(event), &playout) &&
      playout.text_bytes < 0) {
    Heard heard = { self, &playout };
    guint32 seqnum = gst_event_get_seqnum(event);

    cord_worker_call(self->base.worker, run_heard, &heard);
    gst_event_unref(event);
    event = cord_event_new_upstream(cord_structure_new_playout(&playout));
    gst_event_set_seqnum(event, seqnum);
  }
  return gst_pad_push_event(self->base.sink, event);
}

/* Who speaks */

/* Where nobody is left to speak, those who follow are told of the rest. */
static void
pass_by(GstFailoverTts *self)
{
  GstMiniObject *object;
  guint number = 0;

  while ((object = tts_script_next(self->script, &number))) {
    tts_script_done(self->script, number);
    if (GST_IS_BUFFER(object)) {
      g_autoptr(GError) error =
          g_error_new(CORD_ERROR, CORD_ERROR_FAILED, "nobody is left to say what there is to say");

      cord_element_post_warning(GST_ELEMENT(self), error);
      gst_mini_object_unref(object);
      continue;
    }
    tell_start(self);
    tell_segment(self);
    gst_pad_push_event(self->base.src, GST_EVENT_CAST(object));
  }
}

/* Whoever takes over later is given what is left. */
static void
go_on(GstFailoverTts *self)
{
  gboolean first = self->hedge == NULL && self->rival == NULL;

  if (self->voice == NULL) {
    pass_by(self);
    return;
  }
  if (!failover_group_is_heard(self->base.group, self->voice) || self->stream_start == NULL)
    return;
  if (!self->introduced)
    introduce(self, self->voice);
  self->introduced = TRUE;
  if (first && tts_script_has_text_first(self->script))
    start_race(self);
  while (self->voice && failover_group_is_heard(self->base.group, self->voice)) {
    GstMiniObject *object = tts_script_next(self->script, &self->fed);

    if (object == NULL)
      break;
    feed(self->voice, object, self->fed);
  }
  if (self->rival)
    feed_all(self, self->rival, &self->rival_fed);
}

/* Somebody takes over. */
static void
on_activated(FailoverMember *member, gpointer data)
{
  GstFailoverTts *self = data;
  gboolean raced = member && member == self->rival;

  if (raced)
    self->rival = NULL;
  end_race(self);
  tts_script_change_voice(self->script);
  if (raced)
    tts_script_take_over(self->script, self->rival_fed);
  self->voice = member;
  self->introduced = raced;
  self->fed = raced ? self->rival_fed : 0;
  gst_failover_set_active(&self->base, member);
  if (member)
    set_drain_functions(member);
  go_on(self);
}

static gboolean
may_go_back(gpointer data)
{
  GstFailoverTts *self = data;

  return tts_script_is_empty(self->script);
}

const FailoverGroupFuncs gst_failover_tts_group_funcs = { on_activated, may_go_back };

/* What comes in, on the worker */

static GstClockTime
to_running(GstFailoverTts *self, GstClockTime pts)
{
  if (self->segment.format != GST_FORMAT_TIME || !GST_CLOCK_TIME_IS_VALID(pts))
    return GST_CLOCK_TIME_NONE;
  return gst_segment_to_running_time(&self->segment, GST_FORMAT_TIME, pts);
}

GstFlowReturn
gst_failover_tts_on_object(GstMiniObject *object, gpointer data)
{
  GstFailoverTts *self = data;
  GstEventType type = GST_IS_EVENT(object) ? GST_EVENT_TYPE(GST_EVENT_CAST(object)) : 0;

  if (type == GST_EVENT_STREAM_START) {
    gst_event_replace(&self->stream_start, GST_EVENT_CAST(object));
    go_on(self);
  } else if (type == GST_EVENT_SEGMENT) {
    gst_event_copy_segment(GST_EVENT_CAST(object), &self->segment);
  } else if (type != GST_EVENT_CAPS && type != GST_EVENT_GAP) {
    if (type == 0) {
      GstBuffer *buffer = gst_buffer_make_writable(GST_BUFFER_CAST(object));

      GST_BUFFER_PTS(buffer) = to_running(self, GST_BUFFER_PTS(buffer));
      object = GST_MINI_OBJECT_CAST(buffer);
    }
    tts_script_add(self->script, object);
    go_on(self);
  }
  gst_mini_object_unref(object);
  return GST_FLOW_OK;
}

/* What comes in, on any thread */

static GstFlowReturn
sink_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  return cord_inbox_push(GST_FAILOVER(parent)->inbox, GST_MINI_OBJECT_CAST(buffer));
}

static void
run_flush(gpointer data)
{
  GstFailoverTts *self = data;

  tts_script_forget(self->script);
  end_race(self);
  self->told_segment = FALSE;
  if (self->voice == NULL || !self->introduced)
    return;
  self->introduced = FALSE;
  gst_pad_push_event(self->voice->feed, gst_event_new_flush_start());
  gst_pad_push_event(self->voice->feed, gst_event_new_flush_stop(FALSE));
}

static void
run_reset_time(gpointer data)
{
  GST_FAILOVER_TTS(data)->position = 0;
}

static gboolean
sink_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstFailover *self = GST_FAILOVER(parent);
  gboolean reset_time;

  switch (GST_EVENT_TYPE(event)) {
  case GST_EVENT_FLUSH_START:
    cord_inbox_set_flushing(self->inbox, TRUE);
    /* on the worker nothing is under way below us: it is silent before anything else can happen */
    if (cord_worker_is_current(self->worker))
      run_flush(self);
    return gst_pad_push_event(self->src, event);
  case GST_EVENT_FLUSH_STOP:
    cord_worker_call(self->worker, run_flush, self);
    gst_event_parse_flush_stop(event, &reset_time);
    if (reset_time)
      cord_worker_call(self->worker, run_reset_time, self);
    cord_inbox_set_flushing(self->inbox, FALSE);
    return gst_pad_push_event(self->src, event);
  default:
    break;
  }
  if (GST_EVENT_IS_SERIALIZED(event))
    return cord_inbox_push(self->inbox, GST_MINI_OBJECT_CAST(event)) == GST_FLOW_OK;
  return gst_pad_event_default(pad, parent, event);
}

void
gst_failover_tts_set_pad_functions(GstFailover *self)
{
  gst_pad_set_chain_function(self->sink, sink_chain);
  gst_pad_set_event_function(self->sink, sink_event);
  gst_pad_set_event_function(self->src, src_event);
}
