/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "realtime-rig.h"

#include <string.h>

#include "rig-notes.h"

#define FRAME 20 /* ms */

static GstStaticPadTemplate mulaw_pads[] = {
  GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS,
                          GST_STATIC_CAPS("audio/x-mulaw, rate = 8000, channels = 1")),
  GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                          GST_STATIC_CAPS("audio/x-mulaw, rate = 8000, channels = 1")),
};
#define PCM "audio/x-raw, format = S16LE, rate = 24000, channels = 1, layout = interleaved"
static GstStaticPadTemplate pcm_pads[] = {
  GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(PCM)),
  GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(PCM)),
};

/* What is posted */

static void
note_text(RealtimeRig *self, const gchar *what, const GstStructure *structure)
{
  const gchar *text = gst_structure_get_string(structure, "text");

  g_string_append_printf(self->posted, "%s %u '%s'; ", what, cord_structure_get_turn(structure),
                         text ? text : "");
}

static void
note_message(RealtimeRig *self, const GstStructure *structure)
{
  gboolean flag = FALSE;

  if (gst_structure_has_name(structure, CORD_EVENT_SERVICE)) {
    gst_structure_get_boolean(structure, "permanent", &flag);
    g_string_append_printf(self->posted, "%s%s; ", gst_structure_get_string(structure, "state"),
                           flag ? " for good" : "");
  } else if (gst_structure_has_name(structure, CORD_EVENT_SPEECH_STARTED)) {
    g_string_append(self->posted, "speech; ");
  } else if (gst_structure_has_name(structure, CORD_EVENT_SPEECH_STOPPED)) {
    g_string_append(self->posted, "silence; ");
  } else if (gst_structure_has_name(structure, CORD_EVENT_INTERRUPTED)) {
    g_string_append_printf(self->posted, "interrupted %u; ", cord_structure_get_turn(structure));
  } else if (gst_structure_has_name(structure, CORD_EVENT_TURN_ENDED)) {
    note_text(self, "turn", structure);
  } else if (gst_structure_has_name(structure, CORD_EVENT_HEARD)) {
    gst_structure_get_boolean(structure, "interrupted", &flag);
    note_text(self, flag ? "cut" : "heard", structure);
  } else if (gst_structure_has_name(structure, CORD_EVENT_TOOL_CALL)) {
    g_string_append_printf(self->posted, "tool %u %s(%s); ", cord_structure_get_turn(structure),
                           gst_structure_get_string(structure, "name"),
                           gst_structure_get_string(structure, "arguments"));
  }
}

static GstBusSyncReply
on_posted(GstBus *bus, GstMessage *message, gpointer data)
{
  RealtimeRig *self = data;
  const GstStructure *structure = gst_message_get_structure(message);
  g_autofree gchar *text = structure ? gst_structure_to_string(structure) : NULL;

  g_string_append_printf(self->said, "%s\n", text ? text : "");
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
    g_string_append(self->posted, "error; ");
  else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING)
    g_string_append(self->posted, "warning; ");
  else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ELEMENT)
    note_message(self, structure);
  gst_message_unref(message);
  return GST_BUS_DROP;
}

/* Life */

void
realtime_rig_plug(RealtimeRig *self, gboolean mulaw, const gchar *properties, guint port)
{
  g_autofree gchar *launch = g_strdup_printf(
      "openairealtime base-url=http://127.0.0.1:%u/v1 api-key=" REALTIME_RIG_KEY " %s", port,
      properties);
  g_autoptr(GstContext) context = cord_worker_to_gst_context(self->worker);
  GstStaticPadTemplate *pads = mulaw ? mulaw_pads : pcm_pads;

  self->mulaw = mulaw;
  self->element = gst_parse_launch(launch, NULL);
  g_assert_nonnull(self->element);
  gst_object_ref_sink(self->element);
  gst_element_set_context(self->element, context);
  self->bus = gst_bus_new();
  gst_bus_set_sync_handler(self->bus, on_posted, self, NULL);
  gst_element_set_bus(self->element, self->bus);
  self->harness = gst_harness_new_empty();
  gst_harness_add_element_full(self->harness, self->element, &pads[0], "sink", &pads[1], "src");
  rig_notes_watch(self->harness->sinkpad, self->came, self->audio, TRUE);
  gst_harness_set_src_caps_str(self->harness,
                               mulaw ? "audio/x-mulaw,rate=8000,channels=1"
                                     : "audio/x-raw,format=S16LE,rate=24000,channels=1,layout="
                                       "interleaved");
  cord_worker_iterate(self->worker);
}

void
realtime_rig_begin(RealtimeRig *self)
{
  *self = (RealtimeRig){ .worker = cord_worker_new_manual() };
  self->posted = g_string_new(NULL);
  self->said = g_string_new(NULL);
  self->came = g_string_new(NULL);
  self->got = g_string_new(NULL);
  self->audio = g_byte_array_new();
  self->caller = g_byte_array_new();
  self->raw = g_byte_array_new();
  http_peer_init(&self->peer, self->worker);
}

void
realtime_rig_init(RealtimeRig *self, gboolean mulaw, const gchar *properties)
{
  realtime_rig_begin(self);
  realtime_rig_plug(self, mulaw, properties, self->peer.port);
}

void
realtime_rig_clear(RealtimeRig *self)
{
  g_assert_null(strstr(self->said->str, REALTIME_RIG_KEY));
  gst_harness_teardown(self->harness);
  gst_object_unref(self->element);
  gst_bus_set_sync_handler(self->bus, NULL, NULL, NULL);
  gst_object_unref(self->bus);
  http_peer_clear(&self->peer);
  cord_worker_iterate(self->worker);
  cord_worker_advance(self->worker, 4 * GST_SECOND); /* closing handshakes */
  g_string_free(self->posted, TRUE);
  g_string_free(self->said, TRUE);
  g_string_free(self->came, TRUE);
  g_string_free(self->got, TRUE);
  g_byte_array_unref(self->audio);
  g_byte_array_unref(self->caller);
  g_byte_array_unref(self->raw);
  g_free(self->session);
  g_free(self->head);
  g_assert_finalize_object(self->worker);
}

/* The caller */

void
realtime_rig_push(RealtimeRig *self, GstBuffer *buffer, guint ms)
{
  GST_BUFFER_PTS(buffer) = self->position * GST_MSECOND;
  GST_BUFFER_DURATION(buffer) = ms * GST_MSECOND;
  self->position += ms;
  g_assert_cmpint(gst_harness_push(self->harness, buffer), ==, GST_FLOW_OK);
}

/* Frames of the number that they are. */
void
realtime_rig_talk(RealtimeRig *self, guint ms)
{
  gsize size = FRAME * (self->mulaw ? 8 : 48);

  for (guint i = 0; i < ms; i += FRAME) {
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, size, NULL);

    gst_buffer_memset(buffer, 0, (guint8)(self->position / FRAME), size);
    realtime_rig_push(self, buffer, FRAME);
  }
}

void
realtime_rig_played(RealtimeRig *self, guint turn, guint ms, CordPlayoutState state)
{
  CordPlayout playout = { turn, ms * GST_MSECOND, ms * GST_MSECOND, state, -1 };

  gst_harness_push_upstream_event(self->harness,
                                  cord_event_new_upstream(cord_structure_new_playout(&playout)));
  cord_worker_iterate(self->worker);
}

void
realtime_rig_result(RealtimeRig *self, const gchar *id, const gchar *json)
{
  g_signal_emit_by_name(self->element, "submit-tool-result", id, json);
  cord_worker_iterate(self->worker);
}

void
realtime_rig_final_result(RealtimeRig *self, const gchar *id, const gchar *json)
{
  g_signal_emit_by_name(self->element, "submit-final-tool-result", id, json);
  cord_worker_iterate(self->worker);
}

/* What came of it */

/* Lets the worker work until that was posted; what came before it is forgotten, too. */
void
realtime_rig_wait(RealtimeRig *self, const gchar *posted)
{
  rig_notes_wait(self->worker, self->posted, posted);
}

void
realtime_rig_assert_came(RealtimeRig *self, const gchar *expected)
{
  cord_worker_iterate(self->worker);
  g_assert_cmpstr(self->came->str, ==, expected);
  g_string_truncate(self->came, 0);
}

void
realtime_rig_assert_posted(RealtimeRig *self, const gchar *expected)
{
  cord_worker_iterate(self->worker);
  g_assert_cmpstr(self->posted->str, ==, expected);
  g_string_truncate(self->posted, 0);
}
