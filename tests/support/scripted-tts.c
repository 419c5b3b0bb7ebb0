/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scripted-tts.h"

#include <string.h>

#include "rig-notes.h"

#define TEST_TYPE_TTS (test_tts_get_type())
G_DECLARE_FINAL_TYPE(TestTts, test_tts, TEST, TTS, CordTtsBase)

struct _TestTts {
  CordTtsBase parent_instance;

  ScriptedTts *script;
};

G_DEFINE_FINAL_TYPE(TestTts, test_tts, CORD_TYPE_TTS_BASE)

static gboolean
test_tts_start(CordTtsBase *base, GError **error)
{
  ScriptedTts *script = TEST_TTS(base)->script;

  if (script->rate)
    cord_tts_base_set_format(base, script->rate, script->mulaw);
  return TRUE;
}

static void
test_tts_stop(CordTtsBase *base)
{
  g_string_append(TEST_TTS(base)->script->asked, "stop; ");
}

static void
give_bytes(CordTtsBase *base, guint piece, gsize size)
{
  g_autofree guint8 *bytes = g_malloc(size);

  memset(bytes, TEST_TTS(base)->script->value, size);
  cord_tts_base_take_audio(base, piece, bytes, size);
}

static gsize
bytes_of(const ScriptedTts *script, guint ms)
{
  return (gsize)script->rate * ms / 1000 * (script->mulaw ? 1 : 2);
}

static void
time_words(CordTtsBase *base, guint piece, const gchar *text)
{
  g_autoptr(GArray) words = g_array_new(FALSE, FALSE, sizeof(CordTtsWord));

  for (const gchar *at = text; *at; at++) {
    CordTtsWord word = { (gsize)(at + 1 - text),
                         (gsize)(at + 1 - text) * TTS_BYTE_MS * GST_MSECOND };

    if (*at != ' ' && (at[1] == ' ' || at[1] == '\0'))
      g_array_append_val(words, word);
  }
  cord_tts_base_take_words(base, piece, (CordTtsWord *)words->data, words->len);
}

static void
test_tts_speak(CordTtsBase *base, guint piece, guint turn, const gchar *text)
{
  ScriptedTts *script = TEST_TTS(base)->script;

  g_string_append_printf(script->asked, "speak %u of %u '%s'; ", piece, turn, text);
  script->value++;
  switch (script->manner) {
  case TTS_TIMES_ITS_WORDS:
    time_words(base, piece, text);
    /* fall through */
  case TTS_SPEAKS_AT_ONCE:
    give_bytes(base, piece, bytes_of(script, (guint)strlen(text) * TTS_BYTE_MS));
    cord_tts_base_piece_done(base, piece, NULL);
    break;
  case TTS_FAILS_AT_ONCE:
    cord_tts_base_piece_done(
        base, piece, g_error_new_literal(CORD_ERROR, CORD_ERROR_FAILED, "the voice is hoarse"));
    break;
  default:
    break;
  }
}

static void
test_tts_cancel(CordTtsBase *base, guint piece)
{
  ScriptedTts *script = TEST_TTS(base)->script;

  g_string_append_printf(script->asked, "cancel %u; ", piece);
  if (script->manner == TTS_TALKS_AT_CANCEL) {
    give_bytes(base, piece, bytes_of(script, 100));
    cord_tts_base_piece_done(base, piece, NULL);
  }
}

static void
test_tts_turn_done(CordTtsBase *base, guint turn)
{
  g_string_append_printf(TEST_TTS(base)->script->asked, "turn-done %u; ", turn);
}

static void
test_tts_class_init(TestTtsClass *klass)
{
  CordTtsBaseClass *base_class = CORD_TTS_BASE_CLASS(klass);

  base_class->start = test_tts_start;
  base_class->stop = test_tts_stop;
  base_class->speak = test_tts_speak;
  base_class->cancel = test_tts_cancel;
  base_class->turn_done = test_tts_turn_done;
  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Test", "Test", "Test", "Test");
  cord_tts_base_class_add_pads(base_class,
                               "audio/x-mulaw, rate = (int) 8000, channels = (int) 1; audio/x-raw, "
                               "format = (string) S16LE, rate = (int) { 8000, 16000 }, "
                               "channels = (int) 1, layout = (string) interleaved");
}

static void
test_tts_init(TestTts *self)
{
}

/**
 * scripted_tts_new_element:
 * @self: a script, zeroed but for what it says of the voice
 *
 * Returns: (transfer floating): the voice, for a pipeline of the test's own
 */
GstElement *
scripted_tts_new_element(ScriptedTts *self)
{
  TestTts *element = g_object_new(TEST_TYPE_TTS, "name", "tts", NULL);

  self->asked = g_string_new(NULL);
  self->came = g_string_new(NULL);
  element->script = self;
  self->element = GST_ELEMENT(element);
  return self->element;
}

/** scripted_tts_clear: when the element is gone. */
void
scripted_tts_clear(ScriptedTts *self)
{
  g_string_free(self->asked, TRUE);
  g_string_free(self->came, TRUE);
}

/** scripted_tts_setup: a voice in a harness; @data is its manner. */
void
scripted_tts_setup(ScriptedTts *self, gconstpointer data)
{
  g_autoptr(GstContext) context = NULL;
  GstElement *element;

  self->manner = (TtsManner)GPOINTER_TO_UINT(data);
  self->mulaw = TRUE;
  self->rate = 8000;
  self->worker = cord_worker_new_manual();
  self->bus = gst_bus_new();
  element = scripted_tts_new_element(self);
  context = cord_worker_to_gst_context(self->worker);
  gst_element_set_context(element, context);
  gst_element_set_bus(element, self->bus);
  self->harness = gst_harness_new_with_element(element, "sink", "src");
  rig_notes_watch(self->harness->sinkpad, self->came, NULL, FALSE);
  gst_harness_set_src_caps_str(self->harness, "text/x-raw,format=utf8");
}

void
scripted_tts_teardown(ScriptedTts *self, gconstpointer data)
{
  gst_element_set_bus(self->harness->element, NULL);
  gst_harness_teardown(self->harness);
  gst_object_unref(self->bus);
  g_object_unref(self->worker);
  scripted_tts_clear(self);
}

/** scripted_tts_say: a piece of text; turn 0 is that of text without one. */
void
scripted_tts_say(ScriptedTts *self, guint turn, const gchar *text)
{
  GstBuffer *buffer = gst_buffer_new_memdup(text, strlen(text));
  g_autoptr(CordTurn) meta = turn > 0 ? cord_turn_new(turn) : NULL;

  if (meta)
    cord_buffer_set_turn(buffer, meta);
  g_assert_cmpint(gst_harness_push(self->harness, buffer), ==, GST_FLOW_OK);
}

void
scripted_tts_start_turn(ScriptedTts *self, guint turn)
{
  gst_harness_push_event(
      self->harness, cord_event_new(cord_structure_new_turn(CORD_EVENT_RESPONSE_STARTED, turn)));
}

void
scripted_tts_finish_turn(ScriptedTts *self, guint turn)
{
  gst_harness_push_event(self->harness, cord_event_new(cord_structure_new_turn_text(
                                            CORD_EVENT_RESPONSE_FINISHED, turn, "")));
}

void
scripted_tts_flush(ScriptedTts *self, gboolean reset_time)
{
  GstSegment segment;

  gst_harness_push_event(self->harness, gst_event_new_flush_start());
  gst_harness_push_event(self->harness, gst_event_new_flush_stop(reset_time));
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(self->harness, gst_event_new_segment(&segment));
}

void
scripted_tts_give(ScriptedTts *self, guint piece, guint ms)
{
  give_bytes(CORD_TTS_BASE(self->element), piece, bytes_of(self, ms));
}

void
scripted_tts_give_bytes(ScriptedTts *self, guint piece, gsize size)
{
  give_bytes(CORD_TTS_BASE(self->element), piece, size);
}

void
scripted_tts_finish(ScriptedTts *self, guint piece, const gchar *error)
{
  cord_tts_base_piece_done(CORD_TTS_BASE(self->element), piece,
                           error ? g_error_new_literal(CORD_ERROR, CORD_ERROR_FAILED, error)
                                 : NULL);
}

void
scripted_tts_assert_asked(ScriptedTts *self, const gchar *expected)
{
  g_assert_cmpstr(self->asked->str, ==, expected);
  g_string_truncate(self->asked, 0);
}

void
scripted_tts_assert_came(ScriptedTts *self, const gchar *expected)
{
  g_assert_cmpstr(self->came->str, ==, expected);
  g_string_truncate(self->came, 0);
}

/** scripted_tts_heard: what the voice adds to a playout event on its way upstream. */
gint64
scripted_tts_heard(ScriptedTts *self, guint turn, guint ms, CordPlayoutState state)
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

guint
scripted_tts_count_warnings(ScriptedTts *self)
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
