/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Elements in the places of the services, for measuring what is ours: teststt understands the same
 * sentence in everything after a fixed delay, testtts says a tone as long as the text would take.
 */
#include "config.h"

#include <string.h>

#include "cord-g711.h"
#include "cord-stt-base.h"
#include "cord-tts-base.h"

#define STT_DELAY (150 * GST_MSECOND)
#define TTS_DELAY (80 * GST_MSECOND)
#define MS_PER_BYTE 60 /* of text: about as fast as people speak */

/* Hearing */

#define TEST_TYPE_STT (test_stt_get_type())
G_DECLARE_FINAL_TYPE(TestStt, test_stt, TEST, STT, CordSttBase)

struct _TestStt {
  CordSttBase parent_instance;
  gchar *text;
  GHashTable *timers; /* utterance -> Wait */
};

typedef struct {
  TestStt *self;
  guint utterance;
  CordTimer *timer;
} Wait;

enum {
  PROP_0,
  PROP_TEXT,
};

G_DEFINE_FINAL_TYPE(TestStt, test_stt, CORD_TYPE_STT_BASE)
GST_ELEMENT_REGISTER_DECLARE(teststt)
GST_ELEMENT_REGISTER_DECLARE(testtts)
GST_ELEMENT_REGISTER_DEFINE(teststt, "teststt", GST_RANK_NONE, TEST_TYPE_STT)

static void
free_wait(gpointer data)
{
  Wait *wait = data;

  g_clear_pointer(&wait->timer, cord_timer_remove);
  g_free(wait);
}

static void
understood(gpointer data)
{
  Wait *wait = data;
  CordSttBase *base = CORD_STT_BASE(wait->self);
  guint utterance = wait->utterance;
  GstClockTime start = cord_stt_base_get_utterance_start(base, utterance);
  g_autoptr(CordTranscript) transcript = cord_transcript_new(wait->self->text, TRUE, start, start);

  wait->timer = NULL;
  g_hash_table_remove(wait->self->timers, GUINT_TO_POINTER(utterance));
  cord_stt_base_take_transcript(base, utterance, transcript);
  cord_stt_base_utterance_done(base, utterance, NULL);
}

static gboolean
test_stt_start(CordSttBase *base, GError **error)
{
  return TRUE;
}

static void
test_stt_stop(CordSttBase *base)
{
  g_hash_table_remove_all(TEST_STT(base)->timers);
}

static void
test_stt_begin(CordSttBase *base, guint utterance, const CordSttFormat *format)
{
}

static void
test_stt_send_audio(CordSttBase *base, guint utterance, GstBuffer *audio)
{
}

static void
test_stt_end(CordSttBase *base, guint utterance)
{
  Wait *wait = g_new0(Wait, 1);

  *wait = (Wait){ TEST_STT(base), utterance, NULL };
  wait->timer = cord_worker_add_timer(cord_stt_base_get_worker(base), STT_DELAY, understood, wait);
  g_hash_table_insert(TEST_STT(base)->timers, GUINT_TO_POINTER(utterance), wait);
}

static void
test_stt_cancel(CordSttBase *base, guint utterance)
{
  g_hash_table_remove(TEST_STT(base)->timers, GUINT_TO_POINTER(utterance));
}

static void
test_stt_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  g_free(TEST_STT(object)->text);
  TEST_STT(object)->text = g_value_dup_string(value);
}

static void
test_stt_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_set_string(value, TEST_STT(object)->text);
}

static void
test_stt_finalize(GObject *object)
{
  g_free(TEST_STT(object)->text);
  g_hash_table_unref(TEST_STT(object)->timers);
  G_OBJECT_CLASS(test_stt_parent_class)->finalize(object);
}

static void
test_stt_class_init(TestSttClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  CordSttBaseClass *base_class = CORD_STT_BASE_CLASS(klass);

  object_class->set_property = test_stt_set_property;
  object_class->get_property = test_stt_get_property;
  object_class->finalize = test_stt_finalize;
  base_class->start = test_stt_start;
  base_class->stop = test_stt_stop;
  base_class->begin = test_stt_begin;
  base_class->send_audio = test_stt_send_audio;
  base_class->end = test_stt_end;
  base_class->cancel = test_stt_cancel;
  g_object_class_install_property(object_class, PROP_TEXT,
                                  g_param_spec_string("text", "Text",
                                                      "What is understood in everything", "hello",
                                                      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Test speech to text",
                                        "Audio/Text/Filter", "Understands the same in everything",
                                        "Cordboard developers");
  cord_stt_base_class_add_pads(base_class, "audio/x-mulaw, rate=8000, channels=1");
}

static void
test_stt_init(TestStt *self)
{
  self->text = g_strdup("hello");
  self->timers = g_hash_table_new_full(NULL, NULL, NULL, free_wait);
}

/* Speaking */

#define TEST_TYPE_TTS (test_tts_get_type())
G_DECLARE_FINAL_TYPE(TestTts, test_tts, TEST, TTS, CordTtsBase)

struct _TestTts {
  CordTtsBase parent_instance;
  CordTimer *timer;
  guint piece;
  gsize length;
};

G_DEFINE_FINAL_TYPE(TestTts, test_tts, CORD_TYPE_TTS_BASE)
GST_ELEMENT_REGISTER_DEFINE(testtts, "testtts", GST_RANK_NONE, TEST_TYPE_TTS)

static void
spoken(gpointer data)
{
  TestTts *self = data;
  gsize size = self->length * MS_PER_BYTE * (CORD_G711_RATE / 1000);
  g_autofree guint8 *audio = g_malloc(size);

  self->timer = NULL;
  for (gsize i = 0; i < size; i++)
    audio[i] = i % 8 < 4 ? 0x9e : 0x1e;
  cord_tts_base_take_audio(CORD_TTS_BASE(self), self->piece, audio, size);
  cord_tts_base_piece_done(CORD_TTS_BASE(self), self->piece, NULL);
}

static gboolean
test_tts_start(CordTtsBase *base, GError **error)
{
  cord_tts_base_set_format(base, CORD_G711_RATE, TRUE);
  return TRUE;
}

static void
test_tts_stop(CordTtsBase *base)
{
  g_clear_pointer(&TEST_TTS(base)->timer, cord_timer_remove);
}

static void
test_tts_speak(CordTtsBase *base, guint piece, guint turn, const gchar *text)
{
  TestTts *self = TEST_TTS(base);

  self->piece = piece;
  self->length = strlen(text);
  self->timer = cord_worker_add_timer(cord_tts_base_get_worker(base), TTS_DELAY, spoken, self);
}

static void
test_tts_cancel(CordTtsBase *base, guint piece)
{
  g_clear_pointer(&TEST_TTS(base)->timer, cord_timer_remove);
}

static void
test_tts_class_init(TestTtsClass *klass)
{
  CordTtsBaseClass *base_class = CORD_TTS_BASE_CLASS(klass);

  base_class->start = test_tts_start;
  base_class->stop = test_tts_stop;
  base_class->speak = test_tts_speak;
  base_class->cancel = test_tts_cancel;
  gst_element_class_set_static_metadata(
      GST_ELEMENT_CLASS(klass), "Test text to speech", "Audio/Text/Filter",
      "Says a tone as long as the text takes", "Cordboard developers");
  cord_tts_base_class_add_pads(base_class, "audio/x-mulaw, rate=8000, channels=1");
}

static void
test_tts_init(TestTts *self)
{
}

static gboolean
plugin_init(GstPlugin *plugin)
{
  return GST_ELEMENT_REGISTER(teststt, plugin) && GST_ELEMENT_REGISTER(testtts, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, cordboardtest,
                  "Elements in the places of services", plugin_init, PACKAGE_VERSION, "LGPL",
                  "Cordboard tests", PACKAGE_ORIGIN)
