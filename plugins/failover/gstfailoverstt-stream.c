/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-events.h"
#include "gstfailoverstt-private.h"

GST_DEBUG_CATEGORY_EXTERN(failoverstt_debug);
#define GST_CAT_DEFAULT failoverstt_debug

/* What goes out */

static void
tell_once(GstFailoverStt *self, gboolean *told, GstEvent *event)
{
  if (!*told)
    gst_pad_push_event(self->base.src, event);
  else
    gst_event_unref(event);
  *told = TRUE;
}

static void
go_back_if_idle(GstFailoverStt *self)
{
  FailoverMember *active = failover_group_get_active(self->base.group);

  if (active && active->index > 0 && stt_replay_is_idle(self->replay))
    failover_group_consider(self->base.group);
}

static gboolean
send_on(GstFailoverStt *self, GstEvent *event)
{
  switch (GST_EVENT_TYPE(event)) {
  case GST_EVENT_STREAM_START:
    tell_once(self, &self->told_start, event);
    return TRUE;
  case GST_EVENT_CAPS:
    tell_once(self, &self->told_caps, event);
    return TRUE;
  case GST_EVENT_SEGMENT:
    tell_once(self, &self->told_segment, event);
    return TRUE;
  default:
    break;
  }
  if (!stt_replay_take_event(self->replay, event)) {
    gst_event_unref(event);
    return TRUE;
  }
  if (!gst_pad_push_event(self->base.src, event))
    return FALSE;
  go_back_if_idle(self);
  return TRUE;
}

static GstFailoverStt *
owner_of(FailoverMember *member)
{
  return GST_FAILOVER_STT(GST_OBJECT_PARENT(member->element));
}

static gboolean
drain_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  FailoverMember *member = pad->element_private;
  GstFailoverStt *self = owner_of(member);

  if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_START ||
      GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP) {
    /* they pass by beside the elements */
    gst_event_unref(event);
    return TRUE;
  }
  if (!failover_group_is_heard(self->base.group, member)) {
    gst_event_unref(event);
    return TRUE;
  }
  return send_on(self, event);
}

static GstFlowReturn
drain_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  FailoverMember *member = pad->element_private;
  GstFailoverStt *self = owner_of(member);
  GstFlowReturn flow;

  if (!failover_group_is_heard(self->base.group, member)) {
    gst_buffer_unref(buffer);
    return GST_FLOW_OK;
  }
  stt_replay_take_text(self->replay);
  flow = gst_pad_push(self->base.src, buffer);
  go_back_if_idle(self);
  return flow;
}

/* What goes to the element at work */

static gboolean
feed_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
  FailoverMember *member = pad->element_private;

  return gst_pad_peer_query(owner_of(member)->base.sink, query);
}

static gboolean
feed_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  FailoverMember *member = pad->element_private;

  return gst_pad_push_event(owner_of(member)->base.sink, event);
}

/* All times inside are running times. */
static void
introduce(GstFailoverStt *self, FailoverMember *member)
{
  GstSegment plain;

  if (self->introduced || self->caps == NULL)
    return;
  self->introduced = TRUE;
  gst_segment_init(&plain, GST_FORMAT_TIME);
  /* what it was told the last time does not count */
  gst_pad_set_active(member->feed, FALSE);
  gst_pad_set_active(member->feed, TRUE);
  gst_pad_push_event(member->feed, self->stream_start ? gst_event_ref(self->stream_start)
                                                      : gst_event_new_stream_start("failoverstt"));
  gst_pad_push_event(member->feed, gst_event_new_caps(self->caps));
  gst_pad_push_event(member->feed, gst_event_new_segment(&plain));
}

static GstFlowReturn
feed(GstFailoverStt *self, FailoverMember *member, GstMiniObject *object)
{
  introduce(self, member);
  if (GST_IS_BUFFER(object))
    return gst_pad_push(member->feed, GST_BUFFER_CAST(object));
  gst_pad_push_event(member->feed, GST_EVENT_CAST(object));
  return GST_FLOW_OK;
}

/* Where nobody is left to listen, those who follow keep the stream's time, and are told of speech.
 */
static void
pass_by(GstFailoverStt *self, GstMiniObject *object)
{
  g_autoptr(GstCaps) text = gst_caps_from_string(TEXT_CAPS);
  GstSegment plain;

  gst_segment_init(&plain, GST_FORMAT_TIME);
  send_on(self, self->stream_start ? gst_event_ref(self->stream_start)
                                   : gst_event_new_stream_start("failoverstt"));
  send_on(self, gst_event_new_caps(text));
  send_on(self, gst_event_new_segment(&plain));
  if (GST_IS_EVENT(object)) {
    send_on(self, GST_EVENT_CAST(object));
    return;
  }
  send_on(self, gst_event_new_gap(GST_BUFFER_PTS(object), GST_BUFFER_DURATION(object)));
  gst_mini_object_unref(object);
}

static void
deliver(GstFailoverStt *self, GstMiniObject *object)
{
  FailoverMember *active = failover_group_get_active(self->base.group);

  stt_replay_add(self->replay, object);
  if (active && failover_group_is_heard(self->base.group, active))
    feed(self, active, object);
  else if (active == NULL)
    pass_by(self, object);
  else
    gst_mini_object_unref(object); /* whoever takes over will hear it */
}

/* Somebody takes over. */
static void
on_activated(FailoverMember *member, gpointer data)
{
  GstFailoverStt *self = data;
  g_autoptr(GPtrArray) missed = NULL;

  gst_failover_set_active(data, member);
  self->introduced = FALSE;
  if (member == NULL)
    return;
  gst_pad_set_chain_function(member->drain, drain_chain);
  gst_pad_set_event_function(member->drain, drain_event);
  gst_pad_set_query_function(member->feed, feed_query);
  gst_pad_set_event_function(member->feed, feed_event);
  if (self->caps == NULL)
    return;
  missed = stt_replay_get(self->replay);
  GST_INFO_OBJECT(self, "%s takes over and hears %u again", member->name, missed->len);
  for (guint i = 0; i < missed->len && failover_group_is_heard(self->base.group, member); i++)
    feed(self, member, gst_mini_object_ref(missed->pdata[i]));
}

static gboolean
may_go_back(gpointer data)
{
  GstFailoverStt *self = data;

  return stt_replay_is_idle(self->replay);
}

const FailoverGroupFuncs gst_failover_stt_group_funcs = { on_activated, may_go_back };

/* What comes in, on the worker */

static void
take_caps(GstFailoverStt *self, GstEvent *event)
{
  FailoverMember *active = failover_group_get_active(self->base.group);
  const GstStructure *structure;
  GstCaps *caps;
  gint rate = 0;

  gst_event_parse_caps(event, &caps);
  structure = gst_caps_get_structure(caps, 0);
  gst_structure_get_int(structure, "rate", &rate);
  self->rate = (guint)rate;
  self->sample = gst_structure_has_name(structure, "audio/x-mulaw") ? 1 : 2;
  gst_caps_replace(&self->caps, caps);
  if (active && self->introduced)
    gst_pad_push_event(active->feed, gst_event_ref(event));
  gst_event_unref(event);
}

static GstClockTime
to_running(GstFailoverStt *self, GstClockTime pts)
{
  GstClockTime running = GST_CLOCK_TIME_NONE;

  if (self->segment.format == GST_FORMAT_TIME && GST_CLOCK_TIME_IS_VALID(pts))
    running = gst_segment_to_running_time(&self->segment, GST_FORMAT_TIME, pts);
  return GST_CLOCK_TIME_IS_VALID(running) ? running : self->position;
}

static void
take_buffer(GstFailoverStt *self, GstBuffer *buffer)
{
  gsize samples = gst_buffer_get_size(buffer) / MAX(self->sample, 1);

  buffer = gst_buffer_make_writable(buffer);
  GST_BUFFER_PTS(buffer) = to_running(self, GST_BUFFER_PTS(buffer));
  GST_BUFFER_DURATION(buffer) =
      self->rate ? gst_util_uint64_scale(samples, GST_SECOND, self->rate) : 0;
  self->position = GST_BUFFER_PTS(buffer) + GST_BUFFER_DURATION(buffer);
  deliver(self, GST_MINI_OBJECT_CAST(buffer));
}

static void
take_gap(GstFailoverStt *self, GstEvent *event)
{
  GstClockTime pts, duration;

  gst_event_parse_gap(event, &pts, &duration);
  gst_event_unref(event);
  pts = to_running(self, pts);
  if (GST_CLOCK_TIME_IS_VALID(duration))
    self->position = pts + duration;
  deliver(self, GST_MINI_OBJECT_CAST(gst_event_new_gap(pts, duration)));
}

static void
take_event(GstFailoverStt *self, GstEvent *event)
{
  switch (GST_EVENT_TYPE(event)) {
  case GST_EVENT_STREAM_START:
    gst_event_replace(&self->stream_start, event);
    gst_event_unref(event);
    break;
  case GST_EVENT_CAPS:
    take_caps(self, event);
    break;
  case GST_EVENT_SEGMENT:
    gst_event_copy_segment(event, &self->segment);
    gst_event_unref(event);
    break;
  case GST_EVENT_GAP:
    take_gap(self, event);
    break;
  default:
    deliver(self, GST_MINI_OBJECT_CAST(event));
  }
}

GstFlowReturn
gst_failover_stt_on_object(GstMiniObject *object, gpointer data)
{
  if (GST_IS_BUFFER(object))
    take_buffer(data, GST_BUFFER_CAST(object));
  else
    take_event(data, GST_EVENT_CAST(object));
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
  GstFailoverStt *self = data;
  FailoverMember *active = failover_group_get_active(self->base.group);

  stt_replay_clear(self->replay);
  self->told_segment = self->introduced = FALSE;
  if (active == NULL)
    return;
  gst_pad_push_event(active->feed, gst_event_new_flush_start());
  gst_pad_push_event(active->feed, gst_event_new_flush_stop(TRUE));
}

static gboolean
sink_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstFailoverStt *self = GST_FAILOVER_STT(parent);

  switch (GST_EVENT_TYPE(event)) {
  case GST_EVENT_FLUSH_START:
    cord_inbox_set_flushing(self->base.inbox, TRUE);
    return gst_pad_push_event(self->base.src, event);
  case GST_EVENT_FLUSH_STOP:
    cord_worker_call(self->base.worker, run_flush, self);
    cord_inbox_set_flushing(self->base.inbox, FALSE);
    return gst_pad_push_event(self->base.src, event);
  default:
    break;
  }
  if (GST_EVENT_IS_SERIALIZED(event))
    return cord_inbox_push(self->base.inbox, GST_MINI_OBJECT_CAST(event)) == GST_FLOW_OK;
  gst_event_unref(event);
  return TRUE;
}

/* The audio that all of the elements can hear. */
static GstCaps *
common_caps(GstFailoverStt *self)
{
  GPtrArray *members = failover_group_get_members(self->base.group);
  GstCaps *common = gst_caps_from_string(AUDIO_CAPS);

  for (guint i = 0; i < members->len; i++) {
    FailoverMember *member = members->pdata[i];
    g_autoptr(GstPad) pad = gst_element_get_static_pad(member->element, "sink");
    g_autoptr(GstCaps) theirs = gst_pad_get_pad_template_caps(pad);
    GstCaps *both = gst_caps_intersect_full(common, theirs, GST_CAPS_INTERSECT_FIRST);

    gst_caps_unref(common);
    common = both;
  }
  return common;
}

static gboolean
sink_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstFailoverStt *self = GST_FAILOVER_STT(parent);
  g_autoptr(GstCaps) common = NULL;
  GstCaps *caps;

  if (GST_QUERY_TYPE(query) == GST_QUERY_CAPS) {
    common = common_caps(self);
    gst_query_parse_caps(query, &caps);
    if (caps)
      gst_caps_take(&common, gst_caps_intersect_full(caps, common, GST_CAPS_INTERSECT_FIRST));
    gst_query_set_caps_result(query, common);
    return TRUE;
  }
  if (GST_QUERY_TYPE(query) == GST_QUERY_ACCEPT_CAPS) {
    common = common_caps(self);
    gst_query_parse_accept_caps(query, &caps);
    gst_query_set_accept_caps_result(query, gst_caps_is_subset(caps, common));
    return TRUE;
  }
  return gst_pad_query_default(pad, parent, query);
}

static gboolean
src_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  return gst_pad_push_event(GST_FAILOVER(parent)->sink, event);
}

static gboolean
src_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (GST_QUERY_TYPE(query) == GST_QUERY_CUSTOM)
    return gst_pad_peer_query(GST_FAILOVER(parent)->sink, query);
  return gst_pad_query_default(pad, parent, query);
}

void
gst_failover_stt_set_pad_functions(GstFailover *self)
{
  gst_pad_set_chain_function(self->sink, sink_chain);
  gst_pad_set_event_function(self->sink, sink_event);
  gst_pad_set_query_function(self->sink, sink_query);
  gst_pad_set_event_function(self->src, src_event);
  gst_pad_set_query_function(self->src, src_query);
}
