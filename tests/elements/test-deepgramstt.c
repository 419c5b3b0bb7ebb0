/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stt-rig.h"

#include <string.h>

#include "ws-peer.h"

#define FINAL "\"is_final\":true,\"speech_final\":true"
#define FINALIZED "\"is_final\":true,\"from_finalize\":true"
static void
setup(SttRig *f, gconstpointer data)
{
  stt_rig_init(f, "deepgramstt", "", data);
}

static void
teardown(SttRig *f, gconstpointer data)
{
  stt_rig_clear(f);
}

/* One utterance from its start to the answer to Finalize. */
static void
say_utterance(SttRig *f, guint first, guint last)
{
  g_autofree gchar *understood = NULL;

  stt_rig_start_speech(f);
  stt_rig_say(f, first, last);
  stt_rig_stop_speech(f);
  stt_rig_listen(f);
  g_assert_true(g_str_has_suffix(f->texts->str, "Finalize;"));
  understood = stt_rig_understand(f, FINALIZED);
}

static void
assert_events(SttRig *f, const gchar *expected)
{
  g_autofree gchar *events = stt_rig_take_events(f);

  g_assert_cmpstr(events, ==, expected);
}

static void
test_utterance(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  say_utterance(f, 1, 3);
  stt_rig_assert_text(f, "w1 w2 w3");
  say_utterance(f, 4, 4);
  stt_rig_assert_text(f, "w4");
  g_assert_null(stt_rig_take_text(f));
  assert_events(f, "+;-;+;-;");
}

static void
test_query(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  g_assert_true(g_str_has_prefix(
      f->head,
      "GET /v1/listen?model=nova-3&encoding=mulaw&sample_rate=8000&channels=1&interim_results=true&"
      "smart_format=true&vad_events=true&endpointing=300&utterance_end_ms=1000&keyterm=foo&"
      "keyterm=bar%20baz&language=en-US HTTP/1.1\r\n"));
  g_assert_nonnull(strstr(f->head, "\r\nAuthorization: Token " STT_RIG_KEY "\r\n"));
}

static void
test_keywords(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  g_assert_nonnull(strstr(f->head, "&endpointing=false&keywords=foo%3A2&"));
  g_assert_null(strstr(f->head, "utterance_end_ms"));
}

static void
test_untouched(SttRig *f, gconstpointer data)
{
  g_autoptr(GRand) rand = g_rand_new_with_seed(7);

  stt_rig_accept(f);
  stt_rig_start_speech(f);
  for (guint i = 0; i < 100; i++)
    stt_rig_push(f, (guint8)g_rand_int(rand), 1);
  stt_rig_stop_speech(f);
  stt_rig_listen(f);
  g_assert_cmpmem(f->audio->data, f->audio->len, f->pushed->str, f->pushed->len);
}

static void
test_only_speech(SttRig *f, gconstpointer data)
{
  stt_rig_detect_voice(f);
  stt_rig_accept(f);
  stt_rig_push(f, STT_RIG_SILENCE, 100);
  stt_rig_listen(f);
  g_assert_cmpuint(f->audio->len, ==, 0);
  say_utterance(f, 1, 2);
  stt_rig_assert_text(f, "w1 w2");
  /* the pre-roll */
  g_assert_cmpuint(f->audio->len, ==, (15 + 2 * STT_RIG_WORD_FRAMES) * STT_RIG_FRAME);
}

static void
test_interim(SttRig *f, gconstpointer data)
{
  g_autofree gchar *first = NULL;
  g_autofree gchar *second = NULL;
  g_autofree gchar *third = NULL;

  stt_rig_accept(f);
  stt_rig_start_speech(f);
  stt_rig_say(f, 1, 1);
  first = stt_rig_understand(f, "");
  stt_rig_say(f, 2, 2);
  second = stt_rig_understand(f, "\"is_final\":true");
  stt_rig_say(f, 3, 3);
  third = stt_rig_understand(f, "");
  assert_events(f, "+;'w1';'w1 w2 w3';");
  stt_rig_stop_speech(f);
  g_free(stt_rig_understand(f, FINALIZED));
  stt_rig_assert_text(f, "w1 w2 w3");
}

static void
test_word_times(SttRig *f, gconstpointer data)
{
  g_autoptr(GstBuffer) buffer = NULL;
  CordTranscript *transcript;
  const CordWord *words;
  guint n;

  stt_rig_detect_voice(f);
  stt_rig_accept(f);
  stt_rig_push(f, STT_RIG_SILENCE, 50);
  say_utterance(f, 1, 2);
  buffer = gst_harness_try_pull(f->harness);
  transcript = cord_buffer_get_transcript(buffer);
  words = cord_transcript_get_words(transcript, &n);
  g_assert_cmpuint(n, ==, 2);
  g_assert_cmpstr(words[1].text, ==, "W2");
  g_assert_cmpuint(words[0].start, ==, GST_SECOND);
  g_assert_cmpuint(words[0].end, ==, 1200 * GST_MSECOND);
  g_assert_cmpuint(words[1].start, ==, 1300 * GST_MSECOND);
  g_assert_cmpfloat_with_epsilon(words[1].confidence, 0.9, 1e-6);
  g_assert_cmpfloat_with_epsilon(cord_transcript_get_confidence(transcript), 0.95, 1e-6);
}

static void
test_keep_alive(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  cord_worker_advance(f->worker, 9 * GST_SECOND);
  stt_rig_listen(f);
  g_assert_cmpstr(f->texts->str, ==, "KeepAlive;KeepAlive;");
  /* without any audio it would not count */
  g_assert_cmpuint(f->audio->len, ==, 640);
  say_utterance(f, 1, 1);
  stt_rig_assert_text(f, "w1");
}

static void
test_close_stream(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  say_utterance(f, 1, 1);
  gst_element_set_state(f->element, GST_STATE_READY);
  stt_rig_listen(f);
  g_assert_cmpstr(f->texts->str, ==, "Finalize;CloseStream;close;");
}

static void
test_while_it_rings(SttRig *f, gconstpointer data)
{
  stt_rig_upgrade(f);
  /* the caller is faster than the service */
  stt_rig_start_speech(f);
  stt_rig_say(f, 1, 2);
  stt_rig_wait(f, "up;");
  stt_rig_stop_speech(f);
  g_free(stt_rig_understand(f, FINALIZED));
  stt_rig_assert_text(f, "w1 w2");
}

/* The service cuts */

static void
test_service_cuts(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  stt_rig_say(f, 1, 2);
  stt_rig_tell(f, "{\"type\":\"SpeechStarted\",\"channel\":[0,1],\"timestamp\":0.01}");
  g_free(stt_rig_understand(f, ""));
  assert_events(f, "+;'w1 w2';");
  g_free(stt_rig_understand(f, FINAL));
  stt_rig_assert_text(f, "w1 w2");
  stt_rig_tell(f, "{\"type\":\"UtteranceEnd\",\"channel\":[0,1],\"last_word_end\":0.5}");
  stt_rig_say(f, 3, 3);
  /* without SpeechStarted, in two pieces, with UtteranceEnd only */
  g_free(stt_rig_understand(f, "\"is_final\":true"));
  stt_rig_say(f, 4, 4);
  g_free(stt_rig_understand(f, "\"is_final\":true"));
  stt_rig_tell(f, "{\"type\":\"UtteranceEnd\",\"channel\":[0,1],\"last_word_end\":1.1}");
  stt_rig_assert_text(f, "w3 w4");
  assert_events(f, "-;+;-;");
}

static void
test_end_is_not_told(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  stt_rig_say(f, 1, 1);
  g_free(stt_rig_understand(f, "\"is_final\":true"));
  g_assert_null(stt_rig_take_text(f));
  stt_rig_push(f, STT_RIG_SILENCE, 210);
  stt_rig_assert_text(f, "w1");
  assert_events(f, "+;-;");
}

static void
test_drain(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  stt_rig_say(f, 1, 2);
  gst_harness_push_event(f->harness, gst_event_new_eos());
  stt_rig_listen(f);
  g_assert_cmpstr(f->texts->str, ==, "CloseStream;");
  assert_events(f, "");
  g_free(stt_rig_understand(f, FINAL));
  stt_rig_tell(f, "{\"type\":\"Metadata\",\"duration\":0.6}");
  stt_rig_assert_text(f, "w1 w2");
  assert_events(f, "+;-;eos;");
}

static void
test_drain_without_close(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  stt_rig_say(f, 1, 2);
  g_free(stt_rig_understand(f, ""));
  gst_harness_push_event(f->harness, gst_event_new_eos());
  assert_events(f, "+;'w1 w2';");
  cord_worker_advance(f->worker, 3 * GST_SECOND);
  stt_rig_assert_text(f, "w1 w2");
  assert_events(f, "-;eos;");
}

static void
test_unheard_speech(SttRig *f, gconstpointer data)
{
  stt_rig_detect_voice(f);
  stt_rig_accept(f);
  /* too soft for the voice detector */
  stt_rig_say(f, 1, 2);
  g_free(stt_rig_understand(f, ""));
  g_free(stt_rig_understand(f, FINAL));
  stt_rig_assert_text(f, "w1 w2");
  assert_events(f, "+;-;");
}

/* Flux */

static void
turn(SttRig *f, guint index, const gchar *event, gdouble until, const gchar *text)
{
  g_auto(GStrv) words = g_strsplit(text, " ", -1);
  g_autoptr(GString) list = g_string_new(NULL);
  g_autofree gchar *json = NULL;

  for (guint i = 0; *text && words[i]; i++)
    g_string_append_printf(list, "%s{\"word\":\"%s\",\"confidence\":0.8}", i > 0 ? "," : "",
                           words[i]);
  json = g_strdup_printf("{\"type\":\"TurnInfo\",\"request_id\":\"r\",\"sequence_id\":1,\"event\":"
                         "\"%s\",\"turn_index\":%u,\"audio_window_start\":0.0,\"audio_window_end\":"
                         "%d.%02d,\"transcript\":\"%s\",\"words\":[%s],\"trigger\":\"moon\","
                         "\"end_of_turn_confidence\":0.5}",
                         event, index, (int)until, (int)(until * 100) % 100, text, list->str);
  stt_rig_tell(f, json);
}

static void
test_flux(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  g_assert_true(g_str_has_prefix(
      f->head, "GET /v2/listen?model=flux-general-en&encoding=mulaw&sample_rate=8000&"
               "eot_threshold=0.7&eager_eot_threshold=0.5&eot_timeout_ms=5000 HTTP/1.1\r\n"));
  stt_rig_tell(f, "{\"type\":\"Connected\",\"request_id\":\"r\",\"sequence_id\":0}");
  /* what the voice detector says does not count */
  stt_rig_start_speech(f);
  stt_rig_say(f, 1, 3);
  stt_rig_stop_speech(f);
  turn(f, 0, "StartOfTurn", 0.5, "one");
  turn(f, 0, "Update", 0.75, "one two");
  turn(f, 0, "EndOfTurn", 0.9, "one two three");
  assert_events(f, "+;'one';'one two';-;");
  stt_rig_assert_text(f, "one two three");
  turn(f, 0, "EndOfTurn", 0.9, "one two three");
  turn(f, 0, "Update", 0.9, "one two three");
  g_assert_null(stt_rig_take_text(f));
  assert_events(f, "");
}

static void
test_flux_eager(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  stt_rig_say(f, 1, 9);
  turn(f, 0, "StartOfTurn", 0.5, "one");
  turn(f, 0, "EagerEndOfTurn", 0.75, "one two");
  stt_rig_assert_text(f, "one two");
  turn(f, 0, "EndOfTurn", 0.9, "one two");
  g_assert_null(stt_rig_take_text(f));
  assert_events(f, "+;'one';-;");
  turn(f, 1, "StartOfTurn", 1.2, "three");
  turn(f, 1, "EagerEndOfTurn", 1.4, "three");
  stt_rig_assert_text(f, "three");
  turn(f, 1, "TurnResumed", 1.6, "three");
  turn(f, 1, "Update", 1.8, "three four");
  turn(f, 1, "EndOfTurn", 2.0, "three four five");
  stt_rig_assert_text(f, "four five");
  assert_events(f, "+;'three';-;+;'four';-;");
}

static void
test_flux_odd(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  stt_rig_say(f, 1, 9);
  turn(f, 0, "TurnResumed", 0.5, "one");
  turn(f, 0, "Nonsense", 0.6, "one two");
  turn(f, 0, "EndOfTurn", 0.75, "one two");
  stt_rig_assert_text(f, "one two");
  turn(f, 1, "EndOfTurn", 0.9, "");
  turn(f, 2, "EndOfTurn", 1.5, "three");
  stt_rig_assert_text(f, "three");
  g_assert_null(stt_rig_take_text(f));
}

static void
test_flux_silence(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  cord_worker_advance(f->worker, 9 * GST_SECOND);
  stt_rig_listen(f);
  g_assert_cmpstr(f->texts->str, ==, "");
  g_assert_cmpuint(f->audio->len, ==, 2 * 640);
}

static void
test_flux_error(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  stt_rig_say(f, 1, 2);
  turn(f, 0, "StartOfTurn", 0.5, "one");
  /* and the socket stays open */
  stt_rig_tell(f, "{\"type\":\"Error\",\"code\":\"INTERNAL\",\"description\":\"gone\"}");
  stt_rig_wait(f, "down;");
  cord_worker_advance(f->worker, GST_SECOND);
  stt_rig_accept(f);
  stt_rig_listen(f);
  /* the whole turn is heard again */
  g_assert_cmpuint(f->audio->len, ==, 2 * STT_RIG_WORD_FRAMES * STT_RIG_FRAME);
  turn(f, 0, "StartOfTurn", 0.5, "one");
  turn(f, 0, "EndOfTurn", 0.6, "one two");
  stt_rig_assert_text(f, "one two");
  g_assert_null(stt_rig_take_text(f));
}

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
#define ADD(name, properties, func)                                                                \
  g_test_add("/deepgramstt/" name, SttRig, properties, setup, func, teardown)
  ADD("an utterance becomes one text", "", test_utterance);
  ADD("the query says what is wanted", "keyterms=\"foo|bar baz\"", test_query);
  ADD("older models have keywords",
      "model-id=nova-2 keyterms=foo:2 endpointing=0 interim-results=false", test_keywords);
  ADD("telephone audio goes through untouched", "", test_untouched);
  ADD("only speech is sent where that is wanted", "continuous=false segmentation=upstream",
      test_only_speech);
  ADD("what is understood so far is told", "", test_interim);
  ADD("words have their times", "segmentation=upstream", test_word_times);
  ADD("the service is told that we are still there", "", test_keep_alive);
  ADD("the stream is closed in order", "", test_close_stream);
  ADD("what is said before the service is there is not lost", "", test_while_it_rings);
  ADD("without a voice detector the service cuts", "", test_service_cuts);
  ADD("an utterance ends though nobody tells it", "", test_end_is_not_told);
  ADD("at the end of the stream nothing is lost", "", test_drain);
  ADD("the end of the stream does not wait for ever", "", test_drain_without_close);
  ADD("what only the service has heard counts", "segmentation=upstream", test_unheard_speech);
#define FLUX "model-id=flux-general-en eager-eot-threshold=0.5"
  ADD("flux: a turn is an utterance", FLUX, test_flux);
  ADD("flux: an eager end can be taken back", FLUX, test_flux_eager);
  ADD("flux: what its protocol does not allow", FLUX, test_flux_odd);
  ADD("flux: silence keeps it alive", FLUX, test_flux_silence);
  ADD("flux: after an error the turn is heard again", FLUX, test_flux_error);
  return g_test_run();
}
