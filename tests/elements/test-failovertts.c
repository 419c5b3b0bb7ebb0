/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-tts-base.h"
#include "tts-rig.h"

#define ELEVENLABS "elevenlabstts base-url=http://127.0.0.1:PORT api-key=KEY"

/* A voice that speaks by itself, the word w1 as 101, or fails as it is told. */

typedef enum {
  FAKE_WORKS,
  FAKE_LOSES, /* every text */
  FAKE_FAILS, /* for good, at once */
  FAKE_MUTE,  /* says nothing, and not that it does not */
  FAKE_PCM,   /* works, in another format */
} FakeMood;

G_DECLARE_FINAL_TYPE(FakeTts, fake_tts, FAKE, TTS, CordTtsBase)

struct _FakeTts {
  CordTtsBase parent_instance;
  gint mood;
};

G_DEFINE_FINAL_TYPE(FakeTts, fake_tts, CORD_TYPE_TTS_BASE)

static void
tell(FakeTts *self, CordServiceState state, gboolean permanent)
{
  cord_element_post(GST_ELEMENT(self),
                    cord_structure_new_service("faketts", state, permanent, "as it was told"));
}

static gboolean
fake_start(CordTtsBase *base, GError **error)
{
  FakeTts *self = FAKE_TTS(base);
  gboolean pcm = self->mood == FAKE_PCM;

  cord_tts_base_set_format(base, pcm ? 16000 : 8000, !pcm);
  if (self->mood == FAKE_FAILS)
    tell(self, CORD_SERVICE_FAILED, TRUE);
  return TRUE;
}

static void
fake_stop(CordTtsBase *base)
{
}

static void
fake_cancel(CordTtsBase *base, guint piece)
{
}

/* 100 ms a word, and says when each ends */
static void
speak_words(FakeTts *self, guint piece, const gchar *text)
{
  CordTtsBase *base = CORD_TTS_BASE(self);
  g_autoptr(GArray) words = g_array_new(FALSE, FALSE, sizeof(CordTtsWord));
  gsize size = (self->mood == FAKE_PCM ? 32 : 8) * TTS_RIG_WORD_MS;
  g_autofree guint8 *audio = g_malloc(size);

  for (const gchar *at = text; *at;) {
    CordTtsWord word;

    memset(audio, 100 + (gint)g_ascii_strtoull(at + 1, NULL, 10), size);
    at += strcspn(at, " ");
    word.text_end = (gsize)(at - text);
    word.audio_end = (words->len + 1) * TTS_RIG_WORD_MS * GST_MSECOND;
    g_array_append_val(words, word);
    cord_tts_base_take_words(base, piece, (const CordTtsWord *)(gpointer)words->data, words->len);
    cord_tts_base_take_audio(base, piece, audio, size);
    at += *at == ' ';
  }
}

static void
fake_speak(CordTtsBase *base, guint piece, guint turn, const gchar *text)
{
  FakeTts *self = FAKE_TTS(base);

  if (self->mood == FAKE_MUTE || self->mood == FAKE_FAILS)
    return;
  if (self->mood == FAKE_LOSES) {
    tell(self, CORD_SERVICE_LOST, FALSE);
    cord_tts_base_piece_done(base, piece,
                             g_error_new(CORD_ERROR, CORD_ERROR_NETWORK, "as it was told"));
    return;
  }
  speak_words(self, piece, text);
  cord_tts_base_piece_done(base, piece, NULL);
}

static void
fake_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  FAKE_TTS(object)->mood = g_value_get_int(value);
}

static void
fake_tts_class_init(FakeTtsClass *klass)
{
  CordTtsBaseClass *base = CORD_TTS_BASE_CLASS(klass);

  G_OBJECT_CLASS(klass)->set_property = fake_set_property;
  base->start = fake_start;
  base->stop = fake_stop;
  base->speak = fake_speak;
  base->cancel = fake_cancel;
  g_object_class_install_property(
      G_OBJECT_CLASS(klass), 1,
      g_param_spec_int("mood", "Mood", "What it does", 0, 9, 0, G_PARAM_WRITABLE));
  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Fake", "Audio/Text/Filter",
                                        "For the tests", "Cordboard developers");
  cord_tts_base_class_add_pads(base, "audio/x-mulaw,rate=8000,channels=1; "
                                     "audio/x-raw,format=S16LE,rate=16000,channels=1");
}

static void
fake_tts_init(FakeTts *self)
{
}

/* The tests */

static void
setup(TtsRig *f, gconstpointer data)
{
  tts_rig_init(f, TTS_RIG_ELEVENLABS_MULTI, TTS_RIG_MULAW, data);
}

static void
teardown(TtsRig *f, gconstpointer data)
{
  tts_rig_clear(f);
}

static void
assert_active(TtsRig *f, const gchar *expected)
{
  g_autofree gchar *active = NULL;

  cord_worker_iterate(f->worker);
  g_object_get(f->element, "active", &active, NULL);
  g_assert_cmpstr(active, ==, expected);
}

static gint64
heard(TtsRig *f, guint turn, guint ms)
{
  return tts_rig_heard(f, turn, ms, CORD_PLAYOUT_INTERRUPTED);
}

static void
test_first_works(TtsRig *f, gconstpointer data)
{
  tts_rig_accept(f);
  assert_active(f, "elevenlabstts");
  g_string_truncate(f->came, 0);
  tts_rig_say(f, 1, "w1 w2.");
  tts_rig_say(f, 1, "w3.");
  tts_rig_finish_turn(f, 1);
  tts_rig_speak(f, 2);
  tts_rig_assert_got(f, "open t1-1; say 'w1 w2. ' in t1-1; say 'w3. ' in t1-1; ");
  tts_rig_speak(f, 1);
  tts_rig_assert_came(f, "mulaw 8000; segment; +audio 1 0-100; audio 1 100-200; "
                         "audio 1 200-300; finished 1; ");
  tts_rig_assert_got(f, "close t1-1; ");
  g_assert_cmpint(heard(f, 1, 160), ==, 6);
  g_assert_cmpint(tts_rig_heard(f, 1, 300, CORD_PLAYOUT_DONE), ==, 10);
  g_assert_null(strchr(f->posted->str, '>'));
}

/* The format is told with the first audio: of a voice that never speaks nobody hears. */
static void
test_refused(TtsRig *f, gconstpointer data)
{
  tts_rig_say(f, 1, "w1 w2.");
  tts_rig_finish_turn(f, 1);
  tts_rig_refuse(f, "HTTP/1.1 401 Unauthorized\r\n\r\n{}");
  tts_rig_wait(f, "elevenlabstts>faketts;");
  tts_rig_assert_audio(f, "101:100 102:100");
  tts_rig_assert_came(f, "mulaw 8000; segment; +audio 1 0-100; audio 1 100-200; finished 1; ");
  g_assert_cmpint(heard(f, 1, 160), ==, 6);
  /* an error of one is none of all */
  g_assert_null(strstr(f->posted->str, "error"));
  cord_worker_advance(f->worker, 60 * GST_SECOND);
  assert_active(f, "faketts");
}

/* From the word on at which the first one broke off; what was heard is known through both. */
static void
test_breaks_off(TtsRig *f, gconstpointer data)
{
  tts_rig_accept(f);
  tts_rig_say(f, 1, "w1 w2.");
  tts_rig_say(f, 1, "w3 w4 w5 w6.");
  tts_rig_say(f, 1, "w7.");
  tts_rig_finish_turn(f, 1);
  tts_rig_speak(f, 2);
  tts_rig_speak(f, 2);
  http_peer_clear(&f->peer);
  tts_rig_wait(f, "down;");
  cord_worker_advance(f->worker, 900 * GST_MSECOND);
  tts_rig_wait(f, "elevenlabstts>faketts;");
  tts_rig_assert_audio(f, "1:100 2:100 3:100 4:100 105:100 106:100 107:100");
  tts_rig_assert_came(f, "mulaw 8000; segment; +audio 1 0-100; audio 1 100-200; audio 1 200-300; "
                         "audio 1 300-400; audio 1 400-500; audio 1 500-600; audio 1 600-700; "
                         "finished 1; ");
  /* "w1 w2. w3 w4 w5 w6. w7." */
  g_assert_cmpint(heard(f, 1, 100), ==, 2);
  g_assert_cmpint(heard(f, 1, 200), ==, 6);
  g_assert_cmpint(heard(f, 1, 300), ==, 9);
  g_assert_cmpint(heard(f, 1, 400), ==, 12);
  g_assert_cmpint(heard(f, 1, 500), ==, 15);
  g_assert_cmpint(heard(f, 1, 600), ==, 19);
  g_assert_cmpint(heard(f, 1, 660), ==, 23);
  g_assert_cmpint(tts_rig_heard(f, 1, 700, CORD_PLAYOUT_DONE), ==, 23);
  http_peer_init(&f->peer, f->worker);
}

static void
test_short_outage(TtsRig *f, gconstpointer data)
{
  tts_rig_accept(f);
  tts_rig_say(f, 1, "w1 w2 w3.");
  tts_rig_speak(f, 1);
  http_peer_hang_up(&f->peer);
  tts_rig_wait(f, "down;");
  cord_worker_advance(f->worker, 500 * GST_MSECOND);
  tts_rig_accept(f);
  tts_rig_speak(f, 2);
  tts_rig_assert_audio(f, "1:100 2:100 3:100");
  g_assert_null(strchr(f->posted->str, '>'));
}

static void
test_no_audio(TtsRig *f, gconstpointer data)
{
  tts_rig_accept(f);
  tts_rig_say(f, 1, "w1.");
  tts_rig_finish_turn(f, 1);
  cord_worker_advance(f->worker, 4100 * GST_MSECOND);
  tts_rig_wait(f, "down;");
  cord_worker_advance(f->worker, 300 * GST_MSECOND);
  tts_rig_accept(f);
  cord_worker_advance(f->worker, 4100 * GST_MSECOND);
  tts_rig_wait(f, "elevenlabstts>faketts;");
  tts_rig_assert_audio(f, "101:100");
  tts_rig_assert_came(f, "mulaw 8000; segment; +audio 1 0-100; finished 1; ");
}

static void
test_goes_back(TtsRig *f, gconstpointer data)
{
  tts_rig_accept(f);
  http_peer_hang_up(&f->peer);
  tts_rig_wait(f, "down;");
  /* nobody takes the next connections */
  cord_worker_advance(f->worker, 900 * GST_MSECOND);
  assert_active(f, "faketts");
  tts_rig_say(f, 1, "w1.");
  tts_rig_finish_turn(f, 1);
  cord_worker_advance(f->worker, 10 * GST_SECOND);
  /* connections that were tried meanwhile are in the queue */
  g_string_truncate(f->posted, 0);
  while (strstr(f->posted->str, "up;") == NULL) {
    tts_rig_upgrade(f);
    cord_worker_iterate(f->worker);
    cord_worker_advance(f->worker, 100 * GST_MSECOND);
  }
  tts_rig_wait(f, "faketts>elevenlabstts;");
  assert_active(f, "elevenlabstts");
  tts_rig_say(f, 2, "w2.");
  tts_rig_finish_turn(f, 2);
  tts_rig_speak(f, 1);
  tts_rig_assert_audio(f, "101:100 2:100");
  g_assert_cmpint(heard(f, 1, 100), ==, 3);
  g_assert_cmpint(heard(f, 2, 100), ==, 3);
}

static void
test_every_text_is_lost(TtsRig *f, gconstpointer data)
{
  tts_rig_say(f, 1, "w1.");
  tts_rig_say(f, 1, "w2.");
  tts_rig_finish_turn(f, 1);
  tts_rig_wait(f, "faketts>faketts;");
  tts_rig_assert_audio(f, "101:100 102:100");
  tts_rig_assert_came(f, "mulaw 8000; segment; +audio 1 0-100; audio 1 100-200; finished 1; ");
}

/* So that the caller hears an apology */
static void
test_nobody_works(TtsRig *f, gconstpointer data)
{
  tts_rig_wait(f, "faketts>;");
  tts_rig_say(f, 1, "w1.");
  tts_rig_finish_turn(f, 1);
  gst_harness_push_event(f->harness, gst_event_new_eos());
  tts_rig_assert_came(f, "finished 1; eos; ");
  g_assert_nonnull(strstr(f->posted->str, "failed;warning;"));
}

static void
test_lost_by_the_only_one(TtsRig *f, gconstpointer data)
{
  tts_rig_say(f, 1, "w1.");
  tts_rig_finish_turn(f, 1);
  tts_rig_assert_came(f, "finished 1; ");
  assert_active(f, "faketts");
  /* once by the voice and once by the element that has no other */
  g_assert_cmpstr(f->posted->str, ==, "lost;lost;warning;");
}

static void
setup_any_format(TtsRig *f, gconstpointer data)
{
  tts_rig_init(f, TTS_RIG_ELEVENLABS_MULTI, TTS_RIG_ANY, data);
}

static void
test_other_format(TtsRig *f, gconstpointer data)
{
  tts_rig_accept(f);
  tts_rig_say(f, 1, "w1 w2.");
  tts_rig_speak(f, 1);
  http_peer_clear(&f->peer);
  tts_rig_wait(f, "down;");
  cord_worker_advance(f->worker, 900 * GST_MSECOND);
  tts_rig_wait(f, "elevenlabstts>faketts;");
  tts_rig_assert_came(f, "mulaw 8000; segment; +audio 1 0-100; pcm 16000; audio 1 100-200; ");
  http_peer_init(&f->peer, f->worker);
}

static void
test_flush(TtsRig *f, gconstpointer data)
{
  tts_rig_accept(f);
  tts_rig_say(f, 1, "w1 w2 w3.");
  tts_rig_say(f, 1, "w4.");
  tts_rig_speak(f, 1);
  tts_rig_assert_came(f, "mulaw 8000; segment; +audio 1 0-100; ");
  tts_rig_flush(f);
  tts_rig_speak(f, 1);
  tts_rig_assert_came(f, "flushed; ");
  tts_rig_say(f, 2, "w5.");
  tts_rig_assert_got(f, "open t1-1; say 'w1 w2 w3. ' in t1-1; close t1-1; "
                        "open t2-2; say 'w5. ' in t2-2; ");
  tts_rig_speak(f, 1);
  tts_rig_assert_came(f, "segment; +audio 2 100-200; ");
  g_assert_cmpint(heard(f, 1, 100), ==, 2);
}

/* What was interrupted nobody says later. */
static void
test_flush_in_outage(TtsRig *f, gconstpointer data)
{
  tts_rig_accept(f);
  tts_rig_say(f, 1, "w1 w2 w3.");
  tts_rig_speak(f, 1);
  http_peer_clear(&f->peer);
  tts_rig_wait(f, "down;");
  tts_rig_flush(f);
  cord_worker_advance(f->worker, 900 * GST_MSECOND);
  assert_active(f, "faketts");
  tts_rig_say(f, 2, "w5.");
  tts_rig_assert_audio(f, "1:100 105:100");
  g_assert_cmpint(heard(f, 1, 100), ==, 2);
  http_peer_init(&f->peer, f->worker);
}

static void
test_end_of_stream(TtsRig *f, gconstpointer data)
{
  tts_rig_accept(f);
  tts_rig_say(f, 1, "w1.");
  gst_harness_push_event(f->harness, gst_event_new_eos());
  g_assert_false(GST_PAD_IS_EOS(f->harness->sinkpad));
  tts_rig_speak(f, 1);
  g_assert_true(GST_PAD_IS_EOS(f->harness->sinkpad));
}

/* Races */

static void
test_slow(TtsRig *f, gconstpointer data)
{
  tts_rig_accept(f);
  tts_rig_say(f, 1, "w1.");
  tts_rig_speak(f, 1);
  tts_rig_say(f, 1, "w2 w3.");
  tts_rig_finish_turn(f, 1);
  cord_worker_advance(f->worker, 490 * GST_MSECOND);
  tts_rig_assert_audio(f, "1:100");
  cord_worker_advance(f->worker, 20 * GST_MSECOND);
  tts_rig_wait(f, "elevenlabstts>faketts;");
  tts_rig_assert_audio(f, "102:100 103:100");
  tts_rig_assert_got(
      f, "open t1-1; say 'w1. ' in t1-1; say 'w2 w3. ' in t1-1; close t1-1; close socket; "
         "goodbye; ");
  g_assert_cmpuint(strlen(f->came->str), >, 0);
  g_assert_nonnull(strstr(f->came->str, "finished 1; "));
  /* "w1. w2 w3." */
  g_assert_cmpint(heard(f, 1, 100), ==, 3);
  g_assert_cmpint(heard(f, 1, 200), ==, 6);
  g_assert_cmpint(heard(f, 1, 300), ==, 10);
}

static void
test_fast(TtsRig *f, gconstpointer data)
{
  tts_rig_accept(f);
  tts_rig_say(f, 1, "w1.");
  cord_worker_advance(f->worker, 510 * GST_MSECOND);
  /* the other was asked, and has not begun */
  tts_rig_speak(f, 1);
  tts_rig_assert_audio(f, "1:100");
  tts_rig_say(f, 1, "w2.");
  cord_worker_advance(f->worker, 510 * GST_MSECOND);
  tts_rig_flush(f);
  tts_rig_say(f, 2, "w3.");
  tts_rig_speak(f, 1);
  tts_rig_assert_audio(f, "3:100");
  g_assert_null(strchr(f->posted->str, '>'));
  assert_active(f, "elevenlabstts");
}

static void
test_both_fail(TtsRig *f, gconstpointer data)
{
  tts_rig_accept(f);
  tts_rig_say(f, 1, "w1.");
  cord_worker_advance(f->worker, 510 * GST_MSECOND);
  /* the second one is mute; then the first one goes, and the second is at work */
  http_peer_clear(&f->peer);
  tts_rig_wait(f, "down;");
  cord_worker_advance(f->worker, 900 * GST_MSECOND);
  tts_rig_wait(f, "elevenlabstts>faketts;");
  assert_active(f, "faketts");
  /* the third one is asked */
  cord_worker_advance(f->worker, 510 * GST_MSECOND);
  tts_rig_assert_audio(f, "101:100");
  http_peer_init(&f->peer, f->worker);
}

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  gst_element_register(NULL, "faketts", GST_RANK_NONE, fake_tts_get_type());
#define FAILOVER(elements) "failovertts elements=\"" elements "\""
#define ADD(name, launch, func)                                                                    \
  g_test_add("/failovertts/" name, TtsRig, launch, setup, func, teardown)
#define BOTH FAILOVER(ELEVENLABS " ; faketts")
  ADD("while the first works nobody else does", BOTH, test_first_works);
  ADD("one that is refused is left", BOTH, test_refused);
  ADD("the next one goes on where one broke off", BOTH, test_breaks_off);
  ADD("a short outage is none", BOTH, test_short_outage);
  ADD("one that gives no audio is left", BOTH, test_no_audio);
  ADD("the best is gone back to between turns", BOTH, test_goes_back);
  ADD("a text that one loses the next one says", FAILOVER("faketts mood=1 ; faketts"),
      test_every_text_is_lost);
  ADD("where nobody works that is told", FAILOVER("faketts mood=2 ; faketts mood=2"),
      test_nobody_works);
  ADD("the only one stays", FAILOVER("faketts mood=1"), test_lost_by_the_only_one);
  g_test_add("/failovertts/the next one may have another format", TtsRig,
             FAILOVER(ELEVENLABS " ; faketts mood=4"), setup_any_format, test_other_format,
             teardown);
  ADD("an interruption", BOTH, test_flush);
  ADD("an interruption in an outage", BOTH, test_flush_in_outage);
  ADD("the end of the stream comes after the last audio", BOTH, test_end_of_stream);
#define RACE(elements) FAILOVER(elements) " hedge-after=500"
  ADD("one that is slow is overtaken", RACE(ELEVENLABS " ; faketts"), test_slow);
  ADD("one that is faster after all goes on", RACE(ELEVENLABS " ; faketts mood=3"), test_fast);
  ADD("the third stands in for two", RACE(ELEVENLABS " ; faketts mood=3 ; faketts"),
      test_both_fail);
  return g_test_run();
}
