/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scripted-stt.h"

#include <string.h>

#define FRAME (20 * GST_MSECOND)
#define MS(time) ((guint)((time) / GST_MSECOND))

#define TEST_TYPE_STT (test_stt_get_type())
G_DECLARE_FINAL_TYPE(TestStt, test_stt, TEST, STT, CordSttBase)

struct _TestStt {
  CordSttBase parent_instance;

  ScriptedStt *script;
};

G_DEFINE_FINAL_TYPE(TestStt, test_stt, CORD_TYPE_STT_BASE)

static void
note_audio(ScriptedStt *script)
{
  if (script->audio)
    g_string_append_printf(script->asked, "audio %u %u-%u; ", script->audio, MS(script->audio_from),
                           MS(script->audio_to));
  script->audio = 0;
}

static void
answer(CordSttBase *base, guint utterance, const gchar *text)
{
  g_autoptr(CordTranscript) transcript = cord_transcript_new(text, TRUE, 0, 0);

  cord_stt_base_take_transcript(base, utterance, transcript);
  cord_stt_base_utterance_done(base, utterance, NULL);
}

static GError *
broken(void)
{
  return g_error_new_literal(CORD_ERROR, CORD_ERROR_FAILED, "the service is not there");
}

static gboolean
test_stt_start(CordSttBase *base, GError **error)
{
  return TRUE;
}

static void
test_stt_stop(CordSttBase *base)
{
  g_string_append(TEST_STT(base)->script->asked, "stop; ");
}

static void
test_stt_begin(CordSttBase *base, guint utterance, const CordSttFormat *format)
{
  ScriptedStt *script = TEST_STT(base)->script;

  note_audio(script);
  g_string_append_printf(script->asked, "begin %u %s %u; ", utterance,
                         format->mulaw ? "mulaw" : "pcm", format->rate);
  g_assert_true(GST_CLOCK_TIME_IS_VALID(cord_stt_base_get_utterance_start(base, utterance)));
  if (script->manner == STT_FAILS_AT_BEGIN)
    cord_stt_base_utterance_done(base, utterance, broken());
}

static void
count_silence(ScriptedStt *script, GstBuffer *audio)
{
  guint8 silence = script->mulaw ? 0xff : 0;
  GstMapInfo map;

  gst_buffer_map(audio, &map, GST_MAP_READ);
  for (gsize i = 0; i < map.size; i++)
    script->silence += map.data[i] == silence;
  gst_buffer_unmap(audio, &map);
}

static void
test_stt_send_audio(CordSttBase *base, guint utterance, GstBuffer *audio)
{
  ScriptedStt *script = TEST_STT(base)->script;

  if (script->audio != utterance || script->audio_to != GST_BUFFER_PTS(audio)) {
    note_audio(script);
    script->audio = utterance;
    script->audio_from = GST_BUFFER_PTS(audio);
  }
  script->audio_to = GST_BUFFER_PTS(audio) + GST_BUFFER_DURATION(audio);
  count_silence(script, audio);
  if (script->manner == STT_FAILS_AT_AUDIO)
    cord_stt_base_utterance_done(base, utterance, broken());
  else if (script->manner == STT_ENDS_AFTER_AUDIO)
    answer(base, utterance, "done");
}

static void
test_stt_end(CordSttBase *base, guint utterance)
{
  ScriptedStt *script = TEST_STT(base)->script;

  note_audio(script);
  g_string_append_printf(script->asked, "end %u; ", utterance);
  if (script->manner == STT_ANSWERS_AT_END) {
    g_autofree gchar *text = g_strdup_printf("number %u", utterance);

    answer(base, utterance, text);
  }
}

static void
test_stt_cancel(CordSttBase *base, guint utterance)
{
  ScriptedStt *script = TEST_STT(base)->script;

  note_audio(script);
  g_string_append_printf(script->asked, "cancel %u; ", utterance);
  if (script->manner == STT_TALKS_AT_CANCEL)
    answer(base, utterance, "not wanted");
}

static void
test_stt_class_init(TestSttClass *klass)
{
  CordSttBaseClass *base_class = CORD_STT_BASE_CLASS(klass);

  base_class->start = test_stt_start;
  base_class->stop = test_stt_stop;
  base_class->begin = test_stt_begin;
  base_class->send_audio = test_stt_send_audio;
  base_class->end = test_stt_end;
  base_class->cancel = test_stt_cancel;
  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Test", "Test", "Test", "Test");
  cord_stt_base_class_add_pads(base_class,
                               "audio/x-mulaw, rate = (int) 8000, channels = (int) 1; audio/x-raw, "
                               "format = (string) S16LE, rate = (int) { 8000, 16000 }, "
                               "channels = (int) 1");
}

static void
test_stt_init(TestStt *self)
{
}

static void
note_transcript(ScriptedStt *self, const GstStructure *structure)
{
  CordTranscript *transcript = cord_structure_get_transcript(structure);

  g_string_append_printf(self->came, "%s'%s'; ",
                         cord_transcript_get_final(transcript) ? "" : "interim ",
                         cord_transcript_get_text(transcript));
}

static void
note_event(ScriptedStt *self, GstEvent *event)
{
  const GstStructure *structure = gst_event_get_structure(event);

  if (GST_EVENT_TYPE(event) == GST_EVENT_EOS)
    g_string_append(self->came, "eos; ");
  else if (cord_event_is(event, CORD_EVENT_TRANSCRIPT))
    note_transcript(self, structure);
  else if (cord_event_is(event, CORD_EVENT_SPEECH_STARTED))
    g_string_append_printf(self->came, "started %u; ", MS(cord_structure_get_position(structure)));
  else if (cord_event_is(event, CORD_EVENT_SPEECH_STOPPED))
    g_string_append_printf(self->came, "stopped %u; ", MS(cord_structure_get_position(structure)));
}

static GstPadProbeReturn
on_output(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  ScriptedStt *self = data;
  GstMiniObject *object = GST_PAD_PROBE_INFO_DATA(info);

  if (GST_IS_BUFFER(object)) {
    CordTranscript *transcript = cord_buffer_get_transcript(GST_BUFFER_CAST(object));

    g_string_append_printf(self->came, "'%s' %u-%u; ", cord_transcript_get_text(transcript),
                           MS(cord_transcript_get_start(transcript)),
                           MS(cord_transcript_get_end(transcript)));
  } else {
    note_event(self, GST_EVENT_CAST(object));
  }
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
on_query(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY(info);
  const GstStructure *structure = gst_query_get_structure(query);

  if (structure && gst_structure_has_name(structure, CORD_QUERY_VOICE_ACTIVITY) &&
      ((ScriptedStt *)data)->detects_voice)
    return GST_PAD_PROBE_HANDLED;
  return GST_PAD_PROBE_OK;
}

void
scripted_stt_setup(ScriptedStt *self, gconstpointer data)
{
  g_autoptr(GstContext) context = NULL;
  TestStt *element = g_object_new(TEST_TYPE_STT, NULL);

  element->script = self;
  self->asked = g_string_new(NULL);
  self->came = g_string_new(NULL);
  self->worker = cord_worker_new_manual();
  self->bus = gst_bus_new();
  context = cord_worker_to_gst_context(self->worker);
  gst_element_set_context(GST_ELEMENT(element), context);
  gst_element_set_bus(GST_ELEMENT(element), self->bus);
  self->harness = gst_harness_new_with_element(GST_ELEMENT(element), "sink", "src");
  gst_pad_add_probe(self->harness->sinkpad, GST_PAD_PROBE_TYPE_DATA_DOWNSTREAM, on_output, self,
                    NULL);
  gst_pad_add_probe(self->harness->srcpad, GST_PAD_PROBE_TYPE_QUERY_UPSTREAM, on_query, self, NULL);
  self->detects_voice = TRUE;
  scripted_stt_set_format(self, TRUE, 8000);
}

void
scripted_stt_teardown(ScriptedStt *self, gconstpointer data)
{
  gst_element_set_bus(self->harness->element, NULL);
  gst_harness_teardown(self->harness);
  gst_object_unref(self->bus);
  g_object_unref(self->worker);
  g_string_free(self->asked, TRUE);
  g_string_free(self->came, TRUE);
}

CordSttBase *
scripted_stt_base(ScriptedStt *self)
{
  return CORD_STT_BASE(self->harness->element);
}

void
scripted_stt_set_format(ScriptedStt *self, gboolean mulaw, guint rate)
{
  g_autofree gchar *caps =
      g_strdup_printf(mulaw ? "audio/x-mulaw,rate=%u,channels=1"
                            : "audio/x-raw,format=S16LE,rate=%u,channels=1,layout=interleaved",
                      rate);

  self->mulaw = mulaw;
  self->rate = rate;
  gst_harness_set_src_caps_str(self->harness, caps);
}

static void
push_frames(ScriptedStt *self, guint ms, gboolean in_real_time)
{
  gsize size = self->rate / 50 * (self->mulaw ? 1 : 2);

  for (guint i = 0; i < ms / 20; i++) {
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, size, NULL);

    gst_buffer_memset(buffer, 0, 7, size);
    GST_BUFFER_PTS(buffer) = self->now;
    if (in_real_time)
      cord_worker_advance(self->worker, FRAME);
    g_assert_cmpint(gst_harness_push(self->harness, buffer), ==, GST_FLOW_OK);
    self->now += FRAME;
  }
}

/** scripted_stt_hear: audio in real time, in frames of 20 ms. */
void
scripted_stt_hear(ScriptedStt *self, guint ms)
{
  push_frames(self, ms, TRUE);
}

/** scripted_stt_hear_at_once: audio as it comes out of a file. */
void
scripted_stt_hear_at_once(ScriptedStt *self, guint ms)
{
  push_frames(self, ms, FALSE);
}

static void
push_speech(ScriptedStt *self, const gchar *name, guint position_ms)
{
  g_assert_true(gst_harness_push_event(
      self->harness, cord_event_new(cord_structure_new_speech(name, position_ms * GST_MSECOND))));
}

void
scripted_stt_start_speech(ScriptedStt *self, guint position_ms)
{
  push_speech(self, CORD_EVENT_SPEECH_STARTED, position_ms);
}

void
scripted_stt_stop_speech(ScriptedStt *self, guint position_ms)
{
  push_speech(self, CORD_EVENT_SPEECH_STOPPED, position_ms);
}

/** scripted_stt_speak: 600 ms of speech, told 100 ms after its onset, and 300 ms of silence. */
void
scripted_stt_speak(ScriptedStt *self)
{
  guint onset = MS(self->now);

  scripted_stt_hear(self, 100);
  scripted_stt_start_speech(self, onset);
  scripted_stt_hear(self, 800);
  scripted_stt_stop_speech(self, onset + 600);
}

void
scripted_stt_eos(ScriptedStt *self)
{
  gst_harness_push_event(self->harness, gst_event_new_eos());
}

void
scripted_stt_flush(ScriptedStt *self)
{
  GstSegment segment;

  gst_harness_push_event(self->harness, gst_event_new_flush_start());
  gst_harness_push_event(self->harness, gst_event_new_flush_stop(FALSE));
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(self->harness, gst_event_new_segment(&segment));
}

/** scripted_stt_understand: the service has understood something. */
void
scripted_stt_understand(ScriptedStt *self, guint utterance, const gchar *text, gboolean final)
{
  CordSttBase *base = scripted_stt_base(self);
  g_autoptr(CordTranscript) transcript = cord_transcript_new(text, final, 0, 0);

  cord_transcript_add_word(transcript, text, 0, GST_MSECOND, -1);
  cord_stt_base_take_transcript(base, utterance, transcript);
}

/** scripted_stt_finish: the service says no more of an utterance. */
void
scripted_stt_finish(ScriptedStt *self, guint utterance, const gchar *error)
{
  cord_stt_base_utterance_done(scripted_stt_base(self), utterance,
                               error ? g_error_new_literal(CORD_ERROR, CORD_ERROR_FAILED, error)
                                     : NULL);
}

void
scripted_stt_assert_asked(ScriptedStt *self, const gchar *expected)
{
  note_audio(self);
  g_assert_cmpstr(self->asked->str, ==, expected);
  g_string_truncate(self->asked, 0);
}

void
scripted_stt_assert_came(ScriptedStt *self, const gchar *expected)
{
  g_assert_cmpstr(self->came->str, ==, expected);
  g_string_truncate(self->came, 0);
}

guint
scripted_stt_count_warnings(ScriptedStt *self)
{
  GstMessage *message;
  guint count = 0;

  while ((message = gst_bus_pop(self->bus))) {
    g_assert_cmpint(GST_MESSAGE_TYPE(message), !=, GST_MESSAGE_ERROR);
    count += GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING;
    gst_message_unref(message);
  }
  return count;
}
