/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "twilio-rig.h"

#include <string.h>

#include "cord-websocket.h"

static TwilioRig *
rig_new(const gchar *source, const gchar *sink)
{
  TwilioRig *self = g_new0(TwilioRig, 1);
  g_autoptr(GSocketConnection) far_end = NULL;
  g_autoptr(CordWebsocket) websocket = NULL;
  g_autoptr(GstContext) context = NULL;

  self->worker = cord_worker_new_manual();
  self->peer = twilio_peer_new(&far_end);
  websocket =
      cord_websocket_new(self->worker, G_IO_STREAM(far_end), CORD_WEBSOCKET_SERVER, NULL, NULL);
  context = cord_worker_to_gst_context(self->worker);
  self->bus = gst_bus_new();
  self->src = gst_element_factory_make(source, NULL);
  self->sink = gst_element_factory_make(sink, NULL);
  g_assert_nonnull(self->src);
  g_assert_nonnull(self->sink);
  gst_element_set_context(self->src, context);
  gst_element_set_context(self->sink, context);
  gst_element_set_bus(self->src, self->bus);
  gst_element_set_bus(self->sink, self->bus);
  g_object_set(self->src, "connection", websocket, "session", "rig", NULL);
  g_object_set(self->sink, "session", "rig", NULL);
  gst_object_ref_sink(self->src);
  gst_object_ref_sink(self->sink);
  return self;
}

/**
 * twilio_rig_new:
 *
 * Returns: (transfer full): a call whose elements are in NULL, so that properties can be set
 */
TwilioRig *
twilio_rig_new(void)
{
  TwilioRig *self = rig_new("twiliosrc", "twiliosink");

  self->caps = "audio/x-mulaw,rate=8000,channels=1";
  self->frame = 160;
  return self;
}

/**
 * twilio_rig_new_browser:
 *
 * Returns: (transfer full): the same with a browser, voicewssrc and voicewssink
 */
TwilioRig *
twilio_rig_new_browser(void)
{
  TwilioRig *self = rig_new("voicewssrc", "voicewssink");

  self->caps = "audio/x-raw,format=S16LE,rate=16000,channels=1,layout=interleaved";
  self->frame = 640;
  twilio_peer_be_browser(self->peer);
  return self;
}

/** twilio_rig_play: puts the elements into harnesses and to PLAYING. */
void
twilio_rig_play(TwilioRig *self)
{
  self->in = gst_harness_new_with_element(self->src, NULL, "src");
  self->out = gst_harness_new_with_element(self->sink, "sink", NULL);
  gst_harness_set_src_caps_str(self->out, self->caps);
  gst_harness_play(self->in);
  gst_harness_play(self->out);
  twilio_rig_run(self);
}

TwilioRig *
twilio_rig_new_started(void)
{
  TwilioRig *self = twilio_rig_new();

  twilio_rig_play(self);
  twilio_peer_send_connected(self->peer);
  twilio_peer_send_start(self->peer, NULL);
  twilio_rig_run(self);
  return self;
}

void
twilio_rig_run(TwilioRig *self)
{
  cord_worker_iterate(self->worker);
}

void
twilio_rig_advance_ms(TwilioRig *self, guint ms)
{
  cord_worker_advance(self->worker, ms * GST_MSECOND);
}

void
twilio_rig_free(TwilioRig *self)
{
  gst_element_set_state(self->sink, GST_STATE_NULL);
  gst_element_set_state(self->src, GST_STATE_NULL);
  g_clear_pointer(&self->in, gst_harness_teardown);
  g_clear_pointer(&self->out, gst_harness_teardown);
  gst_element_set_bus(self->src, NULL);
  gst_element_set_bus(self->sink, NULL);
  gst_object_unref(self->src);
  gst_object_unref(self->sink);
  gst_object_unref(self->bus);
  twilio_peer_free(self->peer);
  cord_worker_iterate(self->worker);
  g_object_unref(self->worker);
  g_free(self);
}

/**
 * twilio_rig_take_message:
 * @self: a call
 * @type: of the message
 * @name: (nullable): of its structure
 *
 * Returns: (transfer full) (nullable): the first such message; those before it are lost
 */
GstMessage *
twilio_rig_take_message(TwilioRig *self, GstMessageType type, const gchar *name)
{
  GstMessage *message;

  while ((message = gst_bus_pop(self->bus))) {
    if (GST_MESSAGE_TYPE(message) == type &&
        (!name || gst_structure_has_name(gst_message_get_structure(message), name)))
      return message;
    gst_message_unref(message);
  }
  return NULL;
}

void
twilio_rig_assert_warning(TwilioRig *self, const gchar *part)
{
  g_autoptr(GstMessage) message = twilio_rig_take_message(self, GST_MESSAGE_WARNING, NULL);
  g_autoptr(GError) error = NULL;

  g_assert_nonnull(message);
  gst_message_parse_warning(message, &error, NULL);
  if (!strstr(error->message, part))
    g_error("the warning is \"%s\", not \"%s\"", error->message, part);
}

void
twilio_rig_assert_error(TwilioRig *self, const gchar *part)
{
  g_autoptr(GstMessage) message = twilio_rig_take_message(self, GST_MESSAGE_ERROR, NULL);
  g_autoptr(GError) error = NULL;

  g_assert_nonnull(message);
  gst_message_parse_error(message, &error, NULL);
  if (!strstr(error->message, part))
    g_error("the error is \"%s\", not \"%s\"", error->message, part);
}

void
twilio_rig_assert_stopped(TwilioRig *self, const gchar *reason)
{
  g_autoptr(GstMessage) message =
      twilio_rig_take_message(self, GST_MESSAGE_ELEMENT, CORD_EVENT_CALL_STOPPED);

  g_assert_nonnull(message);
  g_assert_cmpstr(gst_structure_get_string(gst_message_get_structure(message), "reason"), ==,
                  reason);
}

guint64
twilio_rig_get_stat(TwilioRig *self, const gchar *name)
{
  g_autoptr(GstStructure) stats = NULL;
  guint64 value = 0;

  g_object_get(self->src, "stats", &stats, NULL);
  g_assert_true(gst_structure_get_uint64(stats, name, &value));
  return value;
}

/** twilio_rig_take_eos: whether EOS came out of the source; events before it are lost. */
gboolean
twilio_rig_take_eos(TwilioRig *self)
{
  GstEvent *event;

  while ((event = gst_harness_try_pull_event(self->in))) {
    gboolean eos = GST_EVENT_TYPE(event) == GST_EVENT_EOS;
    gst_event_unref(event);
    if (eos)
      return TRUE;
  }
  return FALSE;
}

/**
 * twilio_rig_count_frames:
 * @self: a call
 * @value: of all bytes of a frame
 *
 * Takes what came out of the source.
 *
 * Returns: how many whole frames of @value there were; none may be of another length
 */
guint
twilio_rig_count_frames(TwilioRig *self, guint8 value)
{
  GstBuffer *buffer;
  guint count = 0;

  while ((buffer = gst_harness_try_pull(self->in))) {
    GstMapInfo map;
    gboolean all = TRUE;
    gst_buffer_map(buffer, &map, GST_MAP_READ);
    g_assert_cmpuint(map.size, ==, self->frame);
    for (gsize i = 0; i < map.size; i++)
      all = all && map.data[i] == value;
    count += all;
    gst_buffer_unmap(buffer, &map);
    gst_buffer_unref(buffer);
  }
  return count;
}

/** twilio_rig_push_audio: pushes @length bytes of @value into the sink, as audio of @turn. */
void
twilio_rig_push_audio(TwilioRig *self, CordTurn *turn, guint8 value, gsize length)
{
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, length, NULL);

  gst_buffer_memset(buffer, 0, value, length);
  cord_buffer_set_turn(buffer, turn);
  g_assert_cmpint(gst_harness_push(self->out, buffer), ==, GST_FLOW_OK);
}

/** twilio_rig_take_playout: the next playout event that went upstream from the sink. */
gboolean
twilio_rig_take_playout(TwilioRig *self, CordPlayout *playout)
{
  GstEvent *event;

  while ((event = gst_harness_try_pull_upstream_event(self->out))) {
    gboolean found = cord_event_is(event, CORD_EVENT_PLAYOUT) &&
                     cord_structure_get_playout(gst_event_get_structure(event), playout);
    gst_event_unref(event);
    if (found)
      return TRUE;
  }
  return FALSE;
}

/* Frames that begin with @value, whole ones all of them */
guint
twilio_rig_count_media(TwilioRig *rig, guint8 value)
{
  GPtrArray *heard = twilio_peer_hear(rig->peer);
  guint count = 0;

  for (guint i = 0; i < heard->len; i++) {
    TwilioPeerMessage *message = heard->pdata[i];
    const guint8 *data;
    gsize size;
    if (message->kind != TWILIO_PEER_MEDIA)
      continue;
    data = g_bytes_get_data(message->audio, &size);
    g_assert_cmpuint(size, ==, 160);
    count += data[0] == value;
  }
  return count;
}

/* The next that is told of playing */
void
twilio_rig_assert_playout(TwilioRig *rig, guint turn, CordPlayoutState state, guint position_ms,
                          guint sent_ms)
{
  CordPlayout playout;

  g_assert_true(twilio_rig_take_playout(rig, &playout));
  g_assert_cmpuint(playout.turn, ==, turn);
  g_assert_cmpint(playout.state, ==, state);
  g_assert_cmpuint(playout.position / GST_MSECOND, ==, position_ms);
  g_assert_cmpuint(playout.sent / GST_MSECOND, ==, sent_ms);
}
