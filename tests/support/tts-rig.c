/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tts-rig.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "rig-notes.h"

#define SERVICE_MOMENT 1 /* ms that the kernel has to carry bytes */

static GstStaticPadTemplate text_pad = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("text/x-raw, format = (string) utf8"));
#define PCM(rate)                                                                                  \
  GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS,                                    \
                          GST_STATIC_CAPS("audio/x-raw, format = S16LE, channels = 1, "            \
                                          "layout = interleaved, rate = " rate))
static GstStaticPadTemplate audio_pads[N_TTS_RIG_FORMATS] = {
  [TTS_RIG_MULAW] =
      GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                              GST_STATIC_CAPS("audio/x-mulaw, rate = 8000, channels = 1")),
  [TTS_RIG_PCM_16000] = PCM("16000"),
  [TTS_RIG_PCM_24000] = PCM("24000"),
  [TTS_RIG_ANY] = GST_STATIC_PAD_TEMPLATE(
      "sink", GST_PAD_SINK, GST_PAD_ALWAYS,
      GST_STATIC_CAPS("audio/x-mulaw, rate = 8000, channels = 1; audio/x-raw")),
};
static const guint bytes_a_ms[N_TTS_RIG_FORMATS] = { 8, 32, 48, 8 };

static GstBusSyncReply
on_posted(GstBus *bus, GstMessage *message, gpointer data)
{
  TtsRig *self = data;

  rig_notes_message(self->posted, self->said, message);
  gst_message_unref(message);
  return GST_BUS_DROP;
}

/* Life */

void
tts_rig_begin(TtsRig *self, TtsRigDialect dialect, TtsRigFormat format)
{
  *self = (TtsRig){ .worker = cord_worker_new_manual(), .dialect = dialect, .format = format };
  self->posted = g_string_new(NULL);
  self->said = g_string_new(NULL);
  self->came = g_string_new(NULL);
  self->got = g_string_new(NULL);
  self->asked = g_string_new(NULL);
  self->audio = g_byte_array_new();
  self->raw = g_byte_array_new();
  http_peer_init(&self->peer, self->worker);
}

/* @launch: an element and its properties, PORT and KEY in it stand for themselves */
void
tts_rig_plug(TtsRig *self, const gchar *launch, guint port)
{
  g_autoptr(GString) text = g_string_new(launch);
  g_autofree gchar *number = g_strdup_printf("%u", port);
  g_autoptr(GstContext) context = cord_worker_to_gst_context(self->worker);

  g_string_replace(text, "PORT", number, 0);
  g_string_replace(text, "KEY", TTS_RIG_KEY, 0);
  self->element = gst_parse_launch(text->str, NULL);
  g_assert_nonnull(self->element);
  gst_object_ref_sink(self->element);
  gst_element_set_context(self->element, context);
  self->bus = gst_bus_new();
  gst_bus_set_sync_handler(self->bus, on_posted, self, NULL);
  gst_element_set_bus(self->element, self->bus);
  self->harness = gst_harness_new_empty();
  gst_harness_add_element_full(self->harness, self->element, &text_pad, "sink",
                               &audio_pads[self->format], "src");
  rig_notes_watch(self->harness->sinkpad, self->came, self->audio, TRUE);
  gst_harness_set_src_caps_str(self->harness, "text/x-raw,format=utf8");
  cord_worker_iterate(self->worker);
}

void
tts_rig_init(TtsRig *self, TtsRigDialect dialect, TtsRigFormat format, const gchar *launch)
{
  tts_rig_begin(self, dialect, format);
  tts_rig_plug(self, launch, self->peer.port);
}

void
tts_rig_clear(TtsRig *self)
{
  g_assert_null(strstr(self->said->str, TTS_RIG_KEY));
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
  g_string_free(self->asked, TRUE);
  g_byte_array_unref(self->audio);
  g_byte_array_unref(self->raw);
  g_free(self->context);
  g_free(self->head);
  g_free(self->body);
  g_assert_finalize_object(self->worker);
}

static void
check_log(GstDebugCategory *category, GstDebugLevel level, const gchar *file, const gchar *function,
          gint line, GObject *object, GstDebugMessage *message, gpointer data)
{
  const gchar *text = gst_debug_message_get(message);

  if (text && strstr(text, TTS_RIG_KEY))
    g_error("the key is in the log: %s", text);
}

void
tts_rig_watch_log(const gchar *categories)
{
  gst_debug_remove_log_function(gst_debug_log_default);
  gst_debug_add_log_function(check_log, NULL, NULL);
  gst_debug_set_threshold_from_string(categories, TRUE);
}

/* The agent */

void
tts_rig_say(TtsRig *self, guint turn, const gchar *text)
{
  GstBuffer *buffer = gst_buffer_new_memdup(text, strlen(text));
  g_autoptr(CordTurn) meta = turn > 0 ? cord_turn_new(turn) : NULL;

  if (meta)
    cord_buffer_set_turn(buffer, meta);
  g_assert_cmpint(gst_harness_push(self->harness, buffer), ==, GST_FLOW_OK);
}

void
tts_rig_finish_turn(TtsRig *self, guint turn)
{
  gst_harness_push_event(self->harness, cord_event_new(cord_structure_new_turn_text(
                                            CORD_EVENT_RESPONSE_FINISHED, turn, "")));
}

void
tts_rig_flush(TtsRig *self)
{
  GstSegment segment;

  gst_harness_push_event(self->harness, gst_event_new_flush_start());
  gst_harness_push_event(self->harness, gst_event_new_flush_stop(FALSE));
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(self->harness, gst_event_new_segment(&segment));
}

/* What the voice adds to a playout event on its way upstream */
gint64
tts_rig_heard(TtsRig *self, guint turn, guint ms, CordPlayoutState state)
{
  CordPlayout playout = { turn, ms * GST_MSECOND, ms * GST_MSECOND, state, -1 };
  GstEvent *event;

  gst_harness_push_upstream_event(self->harness,
                                  cord_event_new_upstream(cord_structure_new_playout(&playout)));
  while ((event = gst_harness_try_pull_upstream_event(self->harness))) {
    gboolean found = cord_event_is(event, CORD_EVENT_PLAYOUT);

    if (found)
      g_assert_true(cord_structure_get_playout(gst_event_get_structure(event), &playout));
    gst_event_unref(event);
    if (found)
      return playout.text_bytes;
  }
  g_assert_not_reached();
}

/* What came of it */

void
tts_rig_assert_came(TtsRig *self, const gchar *expected)
{
  cord_worker_iterate(self->worker);
  g_assert_cmpstr(self->came->str, ==, expected);
  g_string_truncate(self->came, 0);
}

static gchar *
describe_audio(TtsRig *self)
{
  g_autoptr(GString) text = g_string_new(NULL);
  guint width = self->format == TTS_RIG_MULAW ? 1 : 2;

  g_assert_cmpuint(self->audio->len % width, ==, 0);
  for (guint at = 0, end; at < self->audio->len; at = end) {
    for (end = at; end < self->audio->len && self->audio->data[end] == self->audio->data[at];)
      end++;
    g_string_append_printf(text, "%s%u:%u", at > 0 ? " " : "", self->audio->data[at],
                           (end - at) / bytes_a_ms[self->format]);
  }
  return g_string_free(g_steal_pointer(&text), FALSE);
}

/* All audio since the last time */
void
tts_rig_assert_audio(TtsRig *self, const gchar *expected)
{
  g_autofree gchar *text = NULL;

  cord_worker_iterate(self->worker);
  text = describe_audio(self);
  g_assert_cmpstr(text, ==, expected);
  g_byte_array_set_size(self->audio, 0);
}

/* For a service that needs its time to be read; a test that hangs is ended by its runner. */
void
tts_rig_await_audio(TtsRig *self, const gchar *expected)
{
  for (;;) {
    g_autofree gchar *text = describe_audio(self);

    if (g_str_equal(text, expected))
      break;
    if (strlen(text) >= strlen(expected) && !g_str_has_prefix(expected, text))
      g_error("heard \"%s\" instead of \"%s\"", text, expected);
    g_main_context_iteration(cord_worker_get_main_context(self->worker), TRUE);
  }
  tts_rig_assert_audio(self, expected);
}
