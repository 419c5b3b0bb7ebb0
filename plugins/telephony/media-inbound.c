/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "media-inbound.h"

#include <string.h>

#define GST_CAT_DEFAULT media_session_debug

static void
begin_stream(MediaInbound *self, const gchar *stream_sid)
{
  g_autofree gchar *id = NULL;
  g_autoptr(GstCaps) caps = NULL;
  GstSegment segment;
  GstEvent *event;

  if (self->begun)
    return;
  self->begun = TRUE;
  id = gst_pad_create_stream_id(self->pad, self->element, stream_sid);
  event = gst_event_new_stream_start(id);
  gst_event_set_group_id(event, gst_util_group_id_next());
  gst_pad_push_event(self->pad, event);
  caps = gst_caps_from_string(self->protocol->format->caps);
  gst_pad_push_event(self->pad, gst_event_new_caps(caps));
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_push_event(self->pad, gst_event_new_segment(&segment));
}

static void
end_stream(MediaInbound *self)
{
  if (self->ended)
    return;
  self->ended = TRUE;
  if (self->tick)
    cord_tick_remove(g_steal_pointer(&self->tick));
  begin_stream(self, "none");
  gst_pad_push_event(self->pad, gst_event_new_eos());
}

static void
handle_flow(MediaInbound *self)
{
  GstFlowReturn flow = self->flow;

  if (flow == GST_FLOW_FLUSHING)
    return;
  GST_DEBUG_OBJECT(self->element, "downstream returned %s", gst_flow_get_name(flow));
  if (flow != GST_FLOW_EOS)
    GST_ELEMENT_FLOW_ERROR(self->element, flow);
  media_session_close(self->session, flow == GST_FLOW_EOS ? 1000 : 1011,
                      flow == GST_FLOW_EOS ? "eos" : "error");
}

static GstBuffer *
make_buffer(MediaInbound *self, const guint8 *frame)
{
  const gsize size = self->protocol->format->frame_bytes;
  GstBuffer *buffer;

  if (frame) {
    buffer = gst_buffer_new_allocate(NULL, size, NULL);
    gst_buffer_fill(buffer, 0, frame, size);
  } else {
    buffer = gst_buffer_new();
    gst_buffer_append_memory(buffer, gst_memory_ref(self->silence));
  }
  return buffer;
}

static gboolean
push_frame(const guint8 *frame, guint64 position, gboolean discont, gpointer data)
{
  MediaInbound *self = data;
  GstBuffer *buffer;

  if (!g_atomic_int_get(&self->playing)) {
    self->skipped = TRUE;
    return TRUE;
  }
  buffer = make_buffer(self, frame);
  GST_BUFFER_PTS(buffer) = self->base + media_format_to_time(self->protocol->format, position);
  GST_BUFFER_DURATION(buffer) = MEDIA_FRAME_DURATION;
  if (discont || self->skipped || self->frames == 0)
    GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  self->skipped = FALSE;
  self->frames++;
  self->flow = gst_pad_push(self->pad, buffer);
  /* only a flush of downstream passes by itself */
  return self->flow == GST_FLOW_OK || self->flow == GST_FLOW_FLUSHING;
}

/* ---- what the session tells ---- */

static void
on_tick(GstClockTime now, gpointer data)
{
  MediaInbound *self = data;

  media_timeline_tick(&self->timeline, now);
  if (G_UNLIKELY(self->timeline.stopped) && !self->ended)
    handle_flow(self);
}

static void
on_media(gint64 timestamp_ms, const guint8 *audio, gsize length, gpointer data)
{
  MediaInbound *self = data;
  guint64 odd = self->timeline.stats.jumps + self->timeline.stats.reversals;
  guint64 flooded = self->timeline.stats.flooded;

  media_timeline_push(&self->timeline, timestamp_ms, audio, length,
                      cord_worker_get_time(self->worker));
  if (G_UNLIKELY(self->timeline.stopped))
    handle_flow(self);
  else if (G_UNLIKELY(self->timeline.stats.jumps + self->timeline.stats.reversals != odd))
    media_session_report(self->session, MEDIA_PROBLEM_TIMESTAMP,
                         "The carrier's timestamps leap at %" G_GINT64_FORMAT " ms", timestamp_ms);
  else if (G_UNLIKELY(self->timeline.stats.flooded != flooded))
    media_session_report(self->session, MEDIA_PROBLEM_FLOOD,
                         "The %s sends faster than anybody speaks; what is more than a minute "
                         "ahead is left out",
                         self->protocol->peer);
}

static void
on_dtmf(gchar digit, gpointer data)
{
  MediaInbound *self = data;
  GstStructure *structure = cord_structure_new_dtmf(digit);

  if (!structure)
    return;
  cord_element_post(self->element, gst_structure_copy(structure));
  gst_pad_push_event(self->pad, cord_event_new(structure));
}

static gboolean
on_started(const MediaStart *start, gpointer data)
{
  MediaInbound *self = data;
  g_autoptr(GstStructure) structure = media_start_to_structure(start);

  if (!self->funcs->started(self->element, start, structure))
    return FALSE;
  self->accepted = TRUE;
  self->base = gst_element_get_current_running_time(self->element);
  if (!GST_CLOCK_TIME_IS_VALID(self->base))
    self->base = 0;
  media_timeline_start(&self->timeline, cord_worker_get_time(self->worker));
  cord_element_post(self->element, g_steal_pointer(&structure));
  begin_stream(self, start->stream_sid);
  self->tick = cord_worker_add_tick(self->worker, on_tick, self);
  self->funcs->begun(self->element);
  return TRUE;
}

static void
on_problem(const GError *problem, gpointer data)
{
  cord_element_post_warning(((MediaInbound *)data)->element, problem);
}

static void
on_stopped(const gchar *reason, const GError *error, gpointer data)
{
  MediaInbound *self = data;
  GstStructure *structure;

  /* who only knocked at our own door does not end the pipeline */
  if (self->listener && !self->accepted) {
    if (error)
      cord_element_post_warning(self->element, error);
    return;
  }
  if (!self->timeline.stopped && self->accepted)
    media_timeline_finish(&self->timeline);
  structure = gst_structure_new(CORD_EVENT_CALL_STOPPED, "reason", G_TYPE_STRING, reason, NULL);
  cord_element_post(self->element, structure);
  if (error && g_str_equal(reason, self->protocol->gone))
    cord_element_post_warning(self->element, error);
  else if (error)
    cord_element_post_error(self->element, error);
  end_stream(self);
}

static const MediaSourceFuncs session_funcs = {
  .started = on_started,
  .media = on_media,
  .dtmf = on_dtmf,
  .problem = on_problem,
  .stopped = on_stopped,
};

/* ---- the server of its own ---- */

static gboolean
listener_busy(gpointer data)
{
  MediaInbound *self = data;
  MediaSessionState state = media_session_get_state(self->session);

  return !g_atomic_int_get(&self->playing) || self->accepted || self->ended ||
         state == MEDIA_SESSION_WAITING || state == MEDIA_SESSION_STREAMING;
}

static void
listener_connected(CordWebsocket *websocket, gpointer data)
{
  MediaInbound *self = data;

  if (listener_busy(self))
    cord_websocket_close(websocket, 1013, "busy");
  else
    media_session_open(self->session, websocket, self->settings.start_timeout);
}

static const MediaListenerFuncs listener_funcs = {
  .busy = listener_busy,
  .connected = listener_connected,
};

/* ---- its life ---- */

static GstMemory *
make_silence(const MediaFormat *format)
{
  GstMemory *memory = gst_allocator_alloc(NULL, format->frame_bytes, NULL);
  GstMapInfo map;

  gst_memory_map(memory, &map, GST_MAP_WRITE);
  memset(map.data, format->silence, map.size);
  gst_memory_unmap(memory, &map);
  GST_MINI_OBJECT_FLAG_SET(memory, GST_MEMORY_FLAG_READONLY);
  return memory;
}

void
media_inbound_init(MediaInbound *self, const MediaProtocol *protocol, GstElement *element,
                   GstPad *pad, const MediaInboundFuncs *funcs)
{
  self->protocol = protocol;
  self->element = element;
  self->pad = pad;
  self->funcs = funcs;
  self->silence = make_silence(protocol->format);
}

static void
clear_settings(MediaInboundSettings *settings)
{
  g_clear_object(&settings->connection);
  g_clear_pointer(&settings->address, g_free);
  g_clear_pointer(&settings->path, g_free);
}

void
media_inbound_clear(MediaInbound *self)
{
  clear_settings(&self->settings);
  gst_memory_unref(self->silence);
}

static void
listen(MediaInbound *self)
{
  const MediaInboundSettings *settings = &self->settings;
  g_autoptr(GError) error = NULL;

  self->listener =
      media_listener_new(self->protocol, self->worker, settings->address, settings->port,
                         settings->path, &listener_funcs, self, &error);
  if (self->listener)
    self->funcs->listening(self->element, media_listener_get_port(self->listener));
  else
    cord_element_post_error(self->element, error);
}

/**
 * media_inbound_attach:
 * @self: an inbound half, on its worker
 * @settings: (transfer full): the settings; its members are taken
 *
 * READY to PAUSED: takes the source's place in the session.
 */
void
media_inbound_attach(MediaInbound *self, MediaInboundSettings *settings)
{
  if (settings->connection != self->settings.connection)
    self->spent = FALSE;
  clear_settings(&self->settings);
  self->settings = *settings;
  memset(settings, 0, sizeof *settings);
  if (self->attached)
    return;
  self->attached = TRUE;
  self->flow = GST_FLOW_OK;
  self->reading = self->accepted = self->begun = self->ended = self->skipped = FALSE;
  self->frames = 0;
  self->timeline.func = push_frame;
  self->timeline.data = self;
  self->timeline.silence_after = self->settings.silence_after;
  self->timeline.format = self->protocol->format;
  self->timeline.untimed = self->protocol->untimed;
  self->timeline.max_gap = media_format_to_bytes(self->protocol->format, self->settings.max_gap);
  media_session_set_source(self->session, &session_funcs, self);
  if (!self->settings.connection)
    listen(self);
}

/**
 * media_inbound_play:
 * @self: an inbound half, on its worker
 *
 * PLAYING: begins to read, the first time.
 */
void
media_inbound_play(MediaInbound *self)
{
  if (!self->attached || self->reading)
    return;
  self->reading = TRUE;
  if (!self->settings.connection)
    return;
  if (self->spent || cord_websocket_get_worker(self->settings.connection) != self->worker) {
    GST_ELEMENT_ERROR(self->element, RESOURCE, SETTINGS,
                      ("The connection cannot be used%s.", self->spent ? " twice" : " here"),
                      ("It must be a new one, on the worker of the element."));
    end_stream(self);
    return;
  }
  self->spent = TRUE;
  media_session_open(self->session, self->settings.connection, self->settings.start_timeout);
}

/**
 * media_inbound_finish:
 * @self: an inbound half, on its worker
 *
 * The application wants the stream to end: hangs up and sends EOS.
 */
void
media_inbound_finish(MediaInbound *self)
{
  if (!self->attached)
    return;
  media_session_close(self->session, 1000, "eos");
  end_stream(self);
}

/**
 * media_inbound_detach:
 * @self: an inbound half, on its worker
 *
 * PAUSED to READY: forgets the stream.
 */
void
media_inbound_detach(MediaInbound *self)
{
  if (!self->attached)
    return;
  self->attached = FALSE;
  media_session_set_source(self->session, NULL, NULL);
  media_session_close(self->session, 1001, "shutdown");
  g_clear_pointer(&self->listener, media_listener_free);
  if (self->tick)
    cord_tick_remove(g_steal_pointer(&self->tick));
}

/**
 * media_inbound_make_stats:
 * @self: an inbound half; any thread
 *
 * Returns: (transfer full): the counters
 */
GstStructure *
media_inbound_make_stats(MediaInbound *self)
{
  const MediaFormat *format = self->protocol->format;
  const MediaTimelineStats *line = &self->timeline.stats;
  GstStructure *stats = gst_structure_new(
      self->protocol->source, "frames", G_TYPE_UINT64, self->frames, "gaps", G_TYPE_UINT64,
      line->gaps, "jumps", G_TYPE_UINT64, line->jumps, "reversals", G_TYPE_UINT64, line->reversals,
      "silence-filled", G_TYPE_UINT64, media_format_to_time(format, line->filled), "silence-made",
      G_TYPE_UINT64, media_format_to_time(format, line->made_up), "silence-dropped", G_TYPE_UINT64,
      media_format_to_time(format, line->left_out), NULL);

  if (self->session)
    media_session_fill_stats(self->session, stats);
  return stats;
}
