/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stt-rig.h"

#include <string.h>

#include "cord-stt-base.h"

#define FINAL "\"is_final\":true"
#define FINALIZED "\"is_final\":true,\"from_finalize\":true"
#define DEEPGRAM "deepgramstt base-url=http://127.0.0.1:PORT api-key=" STT_RIG_KEY

/* An element that understands the rig's words by itself, or fails as it is told. */

typedef enum {
  FAKE_WORKS,
  FAKE_LOSES, /* every utterance */
  FAKE_FAILS, /* for good, at once */
  FAKE_MUTE,  /* never answers */
} FakeMood;

G_DECLARE_FINAL_TYPE(FakeStt, fake_stt, FAKE, STT, CordSttBase)

struct _FakeStt {
  CordSttBase parent_instance;
  gint mood;
  GByteArray *audio;
};

G_DEFINE_FINAL_TYPE(FakeStt, fake_stt, CORD_TYPE_STT_BASE)

static void
tell(FakeStt *self, CordServiceState state, gboolean permanent)
{
  cord_element_post(GST_ELEMENT(self),
                    cord_structure_new_service("fakestt", state, permanent, "as it was told"));
}

static gboolean
fake_start(CordSttBase *base, GError **error)
{
  FakeStt *self = FAKE_STT(base);

  if (self->mood == FAKE_FAILS)
    tell(self, CORD_SERVICE_FAILED, TRUE);
  return TRUE;
}

static void
fake_stop(CordSttBase *base)
{
}

static void
fake_begin(CordSttBase *base, guint utterance, const CordSttFormat *format)
{
  g_byte_array_set_size(FAKE_STT(base)->audio, 0);
}

static void
fake_send_audio(CordSttBase *base, guint utterance, GstBuffer *audio)
{
  GstMapInfo map;

  gst_buffer_map(audio, &map, GST_MAP_READ);
  g_byte_array_append(FAKE_STT(base)->audio, map.data, (guint)map.size);
  gst_buffer_unmap(audio, &map);
}

static gchar *
understand(const GByteArray *audio)
{
  GString *text = g_string_new(NULL);

  for (guint i = 0; i < audio->len; i++) {
    guint8 value = audio->data[i];

    if (value != STT_RIG_SILENCE && (i == 0 || audio->data[i - 1] != value))
      g_string_append_printf(text, "%sf%u", text->len > 0 ? " " : "", value);
  }
  return g_string_free(text, FALSE);
}

static void
fake_end(CordSttBase *base, guint utterance)
{
  FakeStt *self = FAKE_STT(base);
  g_autofree gchar *text = understand(self->audio);
  g_autoptr(CordTranscript) transcript = cord_transcript_new(text, TRUE, 0, 0);

  if (self->mood == FAKE_MUTE)
    return;
  if (self->mood == FAKE_LOSES) {
    tell(self, CORD_SERVICE_LOST, FALSE);
    cord_stt_base_utterance_done(base, utterance,
                                 g_error_new(CORD_ERROR, CORD_ERROR_NETWORK, "as it was told"));
    return;
  }
  cord_stt_base_take_transcript(base, utterance, transcript);
  cord_stt_base_utterance_done(base, utterance, NULL);
}

static void
fake_cancel(CordSttBase *base, guint utterance)
{
}

static void
fake_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  FAKE_STT(object)->mood = g_value_get_int(value);
}

static void
fake_finalize(GObject *object)
{
  g_byte_array_unref(FAKE_STT(object)->audio);
  G_OBJECT_CLASS(fake_stt_parent_class)->finalize(object);
}

static void
fake_stt_class_init(FakeSttClass *klass)
{
  CordSttBaseClass *base = CORD_STT_BASE_CLASS(klass);

  G_OBJECT_CLASS(klass)->set_property = fake_set_property;
  G_OBJECT_CLASS(klass)->finalize = fake_finalize;
  base->start = fake_start;
  base->stop = fake_stop;
  base->begin = fake_begin;
  base->send_audio = fake_send_audio;
  base->end = fake_end;
  base->cancel = fake_cancel;
  g_object_class_install_property(
      G_OBJECT_CLASS(klass), 1,
      g_param_spec_int("mood", "Mood", "What it does", 0, 9, 0, G_PARAM_WRITABLE));
  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Fake", "Audio/Text/Filter",
                                        "For the tests", "Cordboard developers");
  cord_stt_base_class_add_pads(base, "audio/x-mulaw,rate=8000,channels=1");
}

static void
fake_stt_init(FakeStt *self)
{
  self->audio = g_byte_array_new();
}

/* The tests */

static void
setup(SttRig *f, gconstpointer data)
{
  stt_rig_init(f, "failoverstt", NULL, data);
  stt_rig_detect_voice(f);
}

static void
teardown(SttRig *f, gconstpointer data)
{
  stt_rig_clear(f);
}

static void
assert_events(SttRig *f, const gchar *expected)
{
  g_autofree gchar *events = stt_rig_take_events(f);

  g_assert_cmpstr(events, ==, expected);
}

static void
assert_active(SttRig *f, const gchar *expected)
{
  g_autofree gchar *active = NULL;

  cord_worker_iterate(f->worker);
  g_object_get(f->element, "active", &active, NULL);
  g_assert_cmpstr(active, ==, expected);
}

static void
say_to_fake(SttRig *f, guint word, const gchar *text)
{
  stt_rig_start_speech(f);
  stt_rig_say(f, word, word);
  stt_rig_stop_speech(f);
  cord_worker_iterate(f->worker);
  stt_rig_assert_text(f, text);
}

static void
say_to_deepgram(SttRig *f, guint word, const gchar *text)
{
  stt_rig_start_speech(f);
  stt_rig_say(f, word, word);
  stt_rig_stop_speech(f);
  g_free(stt_rig_understand(f, FINALIZED));
  stt_rig_assert_text(f, text);
}

static void
test_first_works(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  assert_active(f, "deepgramstt");
  say_to_deepgram(f, 1, "w1");
  say_to_deepgram(f, 2, "w2");
  assert_events(f, "+;-;+;-;");
  g_assert_null(strchr(f->posted->str, '>'));
}

static void
test_refused(SttRig *f, gconstpointer data)
{
  stt_rig_refuse(f, "HTTP/1.1 401 Unauthorized\r\n\r\n{}");
  stt_rig_start_speech(f);
  stt_rig_say(f, 1, 2);
  stt_rig_wait(f, "deepgramstt>fakestt;");
  stt_rig_stop_speech(f);
  stt_rig_assert_text(f, "f1 f2");
  assert_events(f, "+;-;");
  /* an error of one is none of all */
  g_assert_null(strstr(f->posted->str, "error"));
  cord_worker_advance(f->worker, 60 * GST_SECOND);
  assert_active(f, "fakestt");
}

static void
test_outage(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  say_to_deepgram(f, 1, "w1");
  stt_rig_start_speech(f);
  stt_rig_say(f, 2, 2);
  g_free(stt_rig_understand(f, ""));
  stt_rig_say(f, 3, 3);
  g_free(stt_rig_understand(f, FINAL));
  http_peer_clear(&f->peer);
  stt_rig_wait(f, "down;");
  /* a second of speech, with nobody there for 800 ms of it */
  stt_rig_say(f, 4, 6);
  stt_rig_wait(f, "deepgramstt>fakestt;");
  stt_rig_say(f, 7, 7);
  stt_rig_stop_speech(f);
  stt_rig_assert_text(f, "f2 f3 f4 f5 f6 f7");
  g_assert_null(stt_rig_take_text(f));
  assert_events(f, "+;-;+;'w2';-;");
  http_peer_init(&f->peer, f->worker);
}

static void
test_short_outage(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  stt_rig_start_speech(f);
  stt_rig_say(f, 1, 2);
  http_peer_hang_up(&f->peer);
  stt_rig_wait(f, "down;");
  cord_worker_advance(f->worker, 500 * GST_MSECOND);
  stt_rig_accept(f);
  stt_rig_say(f, 3, 3);
  stt_rig_stop_speech(f);
  g_free(stt_rig_understand(f, FINALIZED));
  stt_rig_assert_text(f, "w1 w2 w3");
  g_assert_null(strchr(f->posted->str, '>'));
}

/* Finalize has gone, and then the service has. */
static void
test_outage_at_the_end(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  stt_rig_start_speech(f);
  stt_rig_say(f, 1, 2);
  stt_rig_stop_speech(f);
  http_peer_clear(&f->peer);
  stt_rig_wait(f, "down;");
  cord_worker_advance(f->worker, 900 * GST_MSECOND);
  stt_rig_assert_text(f, "f1 f2");
  g_assert_null(stt_rig_take_text(f));
  assert_events(f, "+;-;");
  http_peer_init(&f->peer, f->worker);
}

static void
test_no_answer(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  stt_rig_start_speech(f);
  stt_rig_say(f, 1, 2);
  stt_rig_stop_speech(f);
  /* it takes everything and says nothing */
  cord_worker_advance(f->worker, 2600 * GST_MSECOND);
  stt_rig_wait(f, "deepgramstt>fakestt;");
  stt_rig_assert_text(f, "f1 f2");
  g_assert_null(stt_rig_take_text(f));
  assert_events(f, "+;-;");
}

static void
test_goes_back(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  http_peer_hang_up(&f->peer);
  stt_rig_wait(f, "down;");
  /* nobody takes the next connections */
  cord_worker_advance(f->worker, 900 * GST_MSECOND);
  assert_active(f, "fakestt");
  say_to_fake(f, 1, "f1");
  cord_worker_advance(f->worker, 10 * GST_SECOND);
  stt_rig_start_speech(f);
  stt_rig_say(f, 2, 2);
  /* connections that were tried meanwhile are in the queue */
  g_string_truncate(f->posted, 0);
  while (strstr(f->posted->str, "up;") == NULL) {
    stt_rig_upgrade(f);
    cord_worker_iterate(f->worker);
    cord_worker_advance(f->worker, 100 * GST_MSECOND);
  }
  /* not in the middle of an utterance */
  assert_active(f, "fakestt");
  stt_rig_stop_speech(f);
  stt_rig_assert_text(f, "f2");
  stt_rig_wait(f, "fakestt>deepgramstt;");
  assert_active(f, "deepgramstt");
  say_to_deepgram(f, 3, "w3");
  assert_events(f, "+;-;+;-;+;-;");
}

static void
test_every_utterance_is_lost(SttRig *f, gconstpointer data)
{
  say_to_fake(f, 1, "f1");
  stt_rig_wait(f, "fakestt>fakestt;");
  say_to_fake(f, 2, "f2");
  assert_events(f, "+;-;+;-;");
}

static void
test_nobody_works(SttRig *f, gconstpointer data)
{
  stt_rig_wait(f, "fakestt>;");
  stt_rig_start_speech(f);
  stt_rig_say(f, 1, 1);
  stt_rig_stop_speech(f);
  gst_harness_push_event(f->harness, gst_event_new_eos());
  assert_events(f, "+;-;eos;");
}

static void
test_lost_by_the_only_one(SttRig *f, gconstpointer data)
{
  stt_rig_start_speech(f);
  stt_rig_say(f, 1, 1);
  stt_rig_stop_speech(f);
  cord_worker_iterate(f->worker);
  assert_events(f, "+;-;='';");
  assert_active(f, "fakestt");
}

static void
test_end_of_stream(SttRig *f, gconstpointer data)
{
  stt_rig_start_speech(f);
  stt_rig_say(f, 1, 2);
  gst_harness_push_event(f->harness, gst_event_new_eos());
  cord_worker_iterate(f->worker);
  stt_rig_assert_text(f, "f1 f2");
  g_assert_true(GST_PAD_IS_EOS(f->harness->sinkpad));
}

static void
test_flush(SttRig *f, gconstpointer data)
{
  GstSegment segment;

  stt_rig_start_speech(f);
  stt_rig_say(f, 1, 1);
  gst_harness_push_event(f->harness, gst_event_new_flush_start());
  gst_harness_push_event(f->harness, gst_event_new_flush_stop(FALSE));
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(f->harness, gst_event_new_segment(&segment));
  say_to_fake(f, 2, "f2");
}

static void
test_flux_is_silent(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  /* it never says a word: only the voice detector knows that somebody speaks */
  stt_rig_start_speech(f);
  stt_rig_say(f, 1, 3);
  http_peer_clear(&f->peer);
  stt_rig_wait(f, "down;");
  cord_worker_advance(f->worker, 900 * GST_MSECOND);
  assert_active(f, "fakestt");
  stt_rig_say(f, 4, 4);
  stt_rig_stop_speech(f);
  stt_rig_assert_text(f, "f1 f2 f3 f4");
  assert_events(f, "+;-;");
  http_peer_init(&f->peer, f->worker);
}

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  gst_element_register(NULL, "fakestt", GST_RANK_NONE, fake_stt_get_type());
#define ADD(name, elements, func)                                                                  \
  g_test_add("/failoverstt/" name, SttRig, "elements=\"" elements "\"", setup, func, teardown)
#define BOTH DEEPGRAM " ; fakestt"
  ADD("while the first works nobody else does", BOTH, test_first_works);
  ADD("one that is refused is left", BOTH, test_refused);
  ADD("an outage in an utterance loses no word", BOTH, test_outage);
  ADD("a short outage is none", BOTH, test_short_outage);
  ADD("an outage at the end of an utterance", BOTH, test_outage_at_the_end);
  ADD("a service that never answers is left", BOTH, test_no_answer);
  ADD("the best is gone back to between utterances", BOTH, test_goes_back);
  ADD("an utterance that one loses the next one hears", "fakestt mood=1 ; fakestt",
      test_every_utterance_is_lost);
  ADD("where nobody works the stream goes on", "fakestt mood=2 ; fakestt mood=2",
      test_nobody_works);
  ADD("the only one stays", "fakestt mood=1", test_lost_by_the_only_one);
  ADD("the end of the stream comes after the last text", "fakestt", test_end_of_stream);
  ADD("a flush forgets", "fakestt", test_flush);
  ADD("one that cuts by itself and says nothing", DEEPGRAM " model-id=flux-general-en ; fakestt",
      test_flux_is_silent);
  return g_test_run();
}
