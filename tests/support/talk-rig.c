/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "talk-rig.h"

#include <string.h>

#define FRAME (20 * GST_MSECOND)
#define HANGOVER 240 /* ms of silence after which speech is over */

static GstElement *
make(const gchar *factory, const gchar *name)
{
  GstElement *element = gst_element_factory_make(factory, name);

  g_assert_nonnull(element);
  return element;
}

/* From the caller's turns to the carrier's socket, in one bin. */
static GstElement *
build(TalkRig *self, const gchar *script)
{
  GstElement *bin = gst_bin_new("talk");
  GstElement *taker = make("turntaker", "turn"), *pacer = make("audiopacer", "pacer");
  GstElement *router = make("speechrouter", "router");
  g_autoptr(GstPad) sink = gst_element_get_static_pad(taker, "sink");
  g_autoptr(GstContext) context = cord_worker_to_gst_context(self->call->worker);

  self->llm = make("llmtextgen", "llm");
  g_object_set(self->llm, "provider", "scripted", "script", script, "greeting", "Hello, friend.",
               NULL);
  g_object_set(router, "location", self->routes, NULL);
  gst_bin_add_many(GST_BIN(bin), taker, router, self->llm, scripted_tts_new_element(&self->voice),
                   pacer, self->call->sink, NULL);
  g_assert_true(gst_element_link_many(taker, router, self->llm, self->voice.element, pacer,
                                      self->call->sink, NULL));
  gst_element_add_pad(bin, gst_ghost_pad_new("sink", sink));
  gst_element_set_context(bin, context);
  gst_element_set_bus(bin, self->call->bus);
  return bin;
}

void
talk_rig_setup(TalkRig *self, gconstpointer script)
{
  GstElement *bin;

  self->call = twilio_rig_new();
  self->voice = (ScriptedTts){
    .worker = self->call->worker,
    .manner = TTS_TIMES_ITS_WORDS,
    .mulaw = TRUE,
    .rate = 8000,
    .value = 'a' - 1,
  };
  g_queue_init(&self->playing);
  self->played = g_string_new(NULL);
  self->sent = g_string_new(NULL);
  self->heard = g_string_new(NULL);
  bin = build(self, script);
  self->call->in = gst_harness_new_with_element(self->call->src, NULL, "src");
  gst_harness_play(self->call->in);
  twilio_peer_send_connected(self->call->peer);
  twilio_peer_send_start(self->call->peer, NULL);
  twilio_rig_run(self->call);
  self->harness = gst_harness_new_with_element(bin, "sink", NULL);
  gst_harness_set_src_caps_str(self->harness, "text/x-raw,format=utf8");
}

void
talk_rig_teardown(TalkRig *self, gconstpointer script)
{
  gst_element_set_state(self->harness->element, GST_STATE_NULL);
  gst_element_set_bus(self->harness->element, NULL);
  gst_harness_teardown(self->harness);
  twilio_rig_free(self->call);
  scripted_tts_clear(&self->voice);
  g_queue_clear(&self->playing);
  g_string_free(self->played, TRUE);
  g_string_free(self->sent, TRUE);
  g_string_free(self->heard, TRUE);
  g_free(self->tool);
}

/* The telephone */

static void
take_clear(TalkRig *self)
{
  TwilioPeerMessage *message;

  self->n_clears++;
  self->cleared = cord_worker_get_time(self->call->worker);
  while ((message = g_queue_pop_head(&self->playing))) {
    if (message->kind == TWILIO_PEER_MARK)
      twilio_peer_send_mark(self->call->peer, message->name);
  }
}

static void
take_messages(TalkRig *self)
{
  GPtrArray *heard = twilio_peer_hear(self->call->peer);

  for (; self->n_read < heard->len; self->n_read++) {
    TwilioPeerMessage *message = heard->pdata[self->n_read];

    if (message->kind == TWILIO_PEER_CLEAR)
      take_clear(self);
    else if (message->kind == TWILIO_PEER_MEDIA || message->kind == TWILIO_PEER_MARK)
      g_queue_push_tail(&self->playing, message);
    if (message->kind == TWILIO_PEER_MEDIA)
      g_string_append_c(self->sent, *(const gchar *)g_bytes_get_data(message->audio, NULL));
  }
}

/* Plays one frame and echoes the marks behind it. */
static void
play_frame(TalkRig *self)
{
  TwilioPeerMessage *message = g_queue_peek_head(&self->playing);

  if (message && message->kind == TWILIO_PEER_MEDIA) {
    g_string_append_c(self->played, *(const gchar *)g_bytes_get_data(message->audio, NULL));
    g_queue_pop_head(&self->playing);
  }
  while ((message = g_queue_peek_head(&self->playing)) && message->kind == TWILIO_PEER_MARK) {
    twilio_peer_send_mark(self->call->peer, message->name);
    g_queue_pop_head(&self->playing);
  }
}

static void
note_heard(TalkRig *self, const gchar *text, const GstStructure *structure)
{
  const gchar *full = gst_structure_get_string(structure, "full-text");
  gboolean interrupted = FALSE;

  gst_structure_get_boolean(structure, "interrupted", &interrupted);
  g_string_append_printf(self->heard, "%u'%s'", cord_structure_get_turn(structure), text);
  if (interrupted)
    g_string_append_printf(self->heard, " of '%s'", full);
  g_string_append(self->heard, "; ");
}

static void
read_bus(TalkRig *self)
{
  GstMessage *message;

  while ((message = gst_bus_pop(self->call->bus))) {
    const GstStructure *structure = gst_message_get_structure(message);

    g_assert_cmpint(GST_MESSAGE_TYPE(message), !=, GST_MESSAGE_ERROR);
    if (structure && gst_structure_has_name(structure, CORD_EVENT_HEARD)) {
      note_heard(self, gst_structure_get_string(structure, "text"), structure);
    } else if (structure && gst_structure_has_name(structure, CORD_EVENT_TOOL_CALL)) {
      self->n_tools++;
      g_free(self->tool);
      self->tool = g_strdup(gst_structure_get_string(structure, "id"));
    }
    gst_message_unref(message);
  }
}

/* Time, for all: the worker, the caller's stream, the telephone. */
static void
step(TalkRig *self)
{
  cord_worker_advance(self->call->worker, FRAME);
  gst_harness_push_event(self->harness, gst_event_new_gap(self->now, FRAME));
  self->now += FRAME;
  take_messages(self);
  play_frame(self);
  twilio_rig_run(self->call);
  take_messages(self);
  read_bus(self);
}

/** talk_rig_pass: the caller is silent. */
void
talk_rig_pass(TalkRig *self, guint ms)
{
  for (guint i = 0; i < ms / 20; i++)
    step(self);
}

static void
push_fact(TalkRig *self, GstStructure *structure)
{
  gst_harness_push_event(self->harness, cord_event_new(structure));
  twilio_rig_run(self->call);
  take_messages(self);
  read_bus(self);
}

void
talk_rig_start_speech(TalkRig *self)
{
  self->onset = self->now;
  push_fact(self, cord_structure_new_speech(CORD_EVENT_SPEECH_STARTED, self->now));
}

/** talk_rig_speak: the caller speaks on, and is reported to every 40 ms. */
void
talk_rig_speak(TalkRig *self, guint ms)
{
  for (guint i = 0; i < ms / 40; i++) {
    talk_rig_pass(self, 40);
    push_fact(self, cord_structure_new_speech_active(self->onset, self->now - self->onset));
  }
}

/** talk_rig_stop_speech: the last sound was now; its end and its transcript come later. */
void
talk_rig_stop_speech(TalkRig *self, const gchar *text)
{
  GstClockTime end = self->now;
  g_autoptr(CordTranscript) transcript = cord_transcript_new(text, TRUE, end, end);

  talk_rig_pass(self, HANGOVER);
  push_fact(self, cord_structure_new_speech(CORD_EVENT_SPEECH_STOPPED, end));
  cord_transcript_set_created(transcript, cord_worker_get_time(self->call->worker));
  if (*text)
    gst_harness_push(self->harness, cord_transcript_to_buffer(transcript));
  else
    push_fact(self, cord_structure_new_transcript(transcript));
  take_messages(self);
  read_bus(self);
}

/** talk_rig_say: 400 ms of speech, and silence until it is a turn. */
void
talk_rig_say(TalkRig *self, const gchar *text)
{
  talk_rig_start_speech(self);
  talk_rig_speak(self, 400);
  talk_rig_stop_speech(self, text);
  talk_rig_pass(self, 300);
}

void
talk_rig_press(TalkRig *self, gchar digit)
{
  push_fact(self, cord_structure_new_dtmf(digit));
  read_bus(self);
}

void
talk_rig_answer_tool(TalkRig *self, const gchar *result)
{
  g_assert_nonnull(self->tool);
  g_signal_emit_by_name(self->llm, "submit-tool-result", self->tool, result);
  twilio_rig_run(self->call);
  read_bus(self);
}

void
talk_rig_assert_heard(TalkRig *self, const gchar *expected)
{
  read_bus(self);
  g_assert_cmpstr(self->heard->str, ==, expected);
  g_string_truncate(self->heard, 0);
}

/** talk_rig_count: how many frames of a piece have arrived at the telephone. */
guint
talk_rig_count(TalkRig *self, gchar piece)
{
  guint count = 0;

  take_messages(self);
  for (gsize i = 0; i < self->sent->len; i++)
    count += self->sent->str[i] == piece;
  return count;
}
