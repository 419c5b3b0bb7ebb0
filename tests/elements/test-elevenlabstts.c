/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "tts-rig.h"

#define VOICE "elevenlabstts base-url=http://127.0.0.1:PORT api-key=KEY voice-id=VOICE "
#define PATH "/v1/text-to-speech/VOICE/"

typedef struct {
  const gchar *name;
  TtsRigDialect dialect;
  TtsRigFormat format;
  const gchar *launch;
  void (*func)(TtsRig *f, gconstpointer data);
} Case;

static void
setup(TtsRig *f, gconstpointer data)
{
  const Case *test = data;

  tts_rig_init(f, test->dialect, test->format, test->launch);
  if (test->dialect != TTS_RIG_HTTP)
    tts_rig_accept(f);
}

static void
teardown(TtsRig *f, gconstpointer data)
{
  tts_rig_clear(f);
}

static void
forget(TtsRig *f)
{
  cord_worker_iterate(f->worker);
  g_string_truncate(f->came, 0);
  g_byte_array_set_size(f->audio, 0);
}

/* Asked for by the caps: what comes leaves as it is, byte for byte. */
static void
test_mulaw(TtsRig *f, gconstpointer data)
{
  g_autofree guint8 *all = g_malloc(256);
  g_autofree gchar *encoded = NULL;
  g_autofree gchar *json = NULL;

  g_assert_true(g_str_has_prefix(
      f->head, "GET " PATH "multi-stream-input?output_format=ulaw_8000&model_id=eleven_turbo_v2"));
  g_assert_nonnull(strstr(f->head, "\r\nxi-api-key: " TTS_RIG_KEY "\r\n"));
  for (guint i = 0; i < 256; i++)
    all[i] = (guint8)i;
  encoded = g_base64_encode(all, 256);
  tts_rig_assert_came(f, "mulaw 8000; segment; ");
  tts_rig_say(f, 1, "w1.");
  tts_rig_assert_got(f, "open t1-1; say 'w1. ' in t1-1; ");
  json = g_strdup_printf("{\"audio\":\"%s\",\"contextId\":\"t1-1\"}", encoded);
  tts_rig_tell(f, json);
  tts_rig_assert_came(f, "+audio 1 0-32; ");
  g_assert_cmpmem(f->audio->data, f->audio->len, all, 256);
}

static void
test_pcm(TtsRig *f, gconstpointer data)
{
  g_assert_nonnull(strstr(f->head, "output_format=pcm_16000&"));
  tts_rig_assert_came(f, "pcm 16000; segment; ");
  tts_rig_say(f, 1, "w1.");
  tts_rig_speak(f, 1);
  tts_rig_assert_came(f, "+audio 1 0-100; ");
}

/* Half a sample is carried into the next message. */
static void
test_odd_bytes(TtsRig *f, gconstpointer data)
{
  static const guint sizes[] = { 1, 1, 3, 2, 640, 33, 41, 1 };
  guint8 value = 0;

  tts_rig_say(f, 1, "w1.");
  tts_rig_listen(f);
  forget(f);
  for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
    g_autofree guint8 *bytes = g_malloc(sizes[i]);
    g_autofree gchar *encoded = NULL;
    g_autofree gchar *json = NULL;

    for (guint n = 0; n < sizes[i]; n++)
      bytes[n] = value++;
    encoded = g_base64_encode(bytes, sizes[i]);
    json = g_strdup_printf("{\"audio\":\"%s\",\"contextId\":\"t1-1\"}", encoded);
    tts_rig_tell(f, json);
    g_assert_cmpuint(f->audio->len % 2, ==, 0);
  }
  g_assert_cmpuint(f->audio->len, ==, 722);
  for (guint n = 0; n < f->audio->len; n++)
    g_assert_cmpuint(f->audio->data[n], ==, n % 256);
}

/* The next piece is asked for when the last of the one before has come, in the same context; its
 * audio leaves as it comes. */
static void
test_turn(TtsRig *f, gconstpointer data)
{
  gboolean multi = f->dialect == TTS_RIG_ELEVENLABS_MULTI;

  forget(f);
  tts_rig_say(f, 3, "w1 w2.");
  tts_rig_say(f, 3, "w3.");
  tts_rig_finish_turn(f, 3);
  tts_rig_assert_got(f, multi ? "open t3-1; say 'w1 w2. ' in t3-1; "
                              : "open it; say 'w1 w2. ' in it; ");
  tts_rig_speak(f, 1);
  tts_rig_assert_came(f, "+audio 3 0-100; ");
  tts_rig_assert_got(f, "");
  tts_rig_speak(f, 1);
  tts_rig_assert_came(f, "audio 3 100-200; ");
  tts_rig_assert_got(f, multi ? "say 'w3. ' in t3-1; " : "say 'w3. ' in it; ");
  tts_rig_speak(f, 1);
  tts_rig_assert_came(f, "audio 3 200-300; finished 3; ");
  tts_rig_assert_got(f, multi ? "close t3-1; " : "close it; goodbye; ");
  tts_rig_end_context(f);
  tts_rig_assert_audio(f, "1:100 2:100 3:100");
  g_assert_cmpstr(f->posted->str, ==, "");
}

static void
test_next_turn(TtsRig *f, gconstpointer data)
{
  tts_rig_say(f, 1, "w1.");
  tts_rig_speak(f, 1);
  tts_rig_finish_turn(f, 1);
  tts_rig_assert_got(f, "open t1-1; say 'w1. ' in t1-1; close t1-1; ");
  tts_rig_say(f, 2, "w2.");
  tts_rig_assert_got(f, "open t2-2; say 'w2. ' in t2-2; ");
  /* the end of the one before comes late */
  tts_rig_tell(f, "{\"isFinal\":true,\"contextId\":\"t1-1\"}");
  tts_rig_speak(f, 1);
  tts_rig_assert_audio(f, "1:100 2:100");
}

/* The service ends the connection with the turn; the next one has been made when the next turn
 * begins, and nobody is told of an outage. However short turns are, that goes on. */
static void
test_socket_a_turn(TtsRig *f, gconstpointer data)
{
  g_autoptr(GString) expected = g_string_new(NULL);

  for (guint turn = 1; turn <= 20; turn++) {
    tts_rig_say(f, turn, "w1.");
    tts_rig_speak(f, 1);
    tts_rig_finish_turn(f, turn);
    tts_rig_assert_got(f, "open it; say 'w1. ' in it; close it; goodbye; ");
    tts_rig_end_context(f);
    tts_rig_send(f, 0x88, "\x03\xe8", 2);
    tts_rig_upgrade(f);
    cord_worker_advance(f->worker, GST_SECOND);
    g_assert_cmpstr(f->posted->str, ==, "");
  }
}

static void
test_barge_in(TtsRig *f, gconstpointer data)
{
  tts_rig_say(f, 1, "w1 w2 w3.");
  tts_rig_say(f, 1, "w4.");
  tts_rig_speak(f, 1);
  tts_rig_assert_got(f, "open t1-1; say 'w1 w2 w3. ' in t1-1; ");
  forget(f);
  tts_rig_flush(f);
  tts_rig_assert_got(f, "close t1-1; ");
  /* what is on its way still comes, and goes nowhere */
  tts_rig_speak(f, 1);
  tts_rig_assert_audio(f, "");
  tts_rig_say(f, 2, "w5.");
  tts_rig_tell(f, "{\"audio\":\"AgICAg==\",\"contextId\":\"t1-1\"}");
  tts_rig_tell(f, "{\"isFinal\":true,\"contextId\":\"t1-1\"}");
  tts_rig_assert_got(f, "open t2-2; say 'w5. ' in t2-2; ");
  tts_rig_speak(f, 1);
  tts_rig_assert_audio(f, "5:100");
  g_assert_cmpstr(f->posted->str, ==, "");
}

/* Where a socket has one context its silence is the end of the socket. */
static void
test_barge_in_single(TtsRig *f, gconstpointer data)
{
  tts_rig_say(f, 1, "w1 w2 w3.");
  tts_rig_speak(f, 1);
  forget(f);
  tts_rig_flush(f);
  tts_rig_say(f, 2, "w5.");
  tts_rig_upgrade(f);
  while (f->context == NULL && f->asked->len == 0) {
    g_main_context_iteration(cord_worker_get_main_context(f->worker), FALSE);
    tts_rig_listen(f);
  }
  tts_rig_speak(f, 1);
  tts_rig_assert_audio(f, "5:100");
  g_assert_cmpstr(f->posted->str, ==, "");
}

static void
test_barge_in_at_once(TtsRig *f, gconstpointer data)
{
  tts_rig_say(f, 1, "w1.");
  tts_rig_flush(f);
  tts_rig_assert_got(f, "open t1-1; say 'w1. ' in t1-1; close t1-1; ");
  cord_worker_advance(f->worker, 30 * GST_SECOND);
  tts_rig_assert_got(f, "");
  g_assert_cmpstr(f->posted->str, ==, "");
}

/* What was heard is known to the word. */
static void
test_words(TtsRig *f, gconstpointer data)
{
  tts_rig_say(f, 1, "w1 w2 w3 w4.");
  tts_rig_speak(f, 4);
  g_assert_cmpint(tts_rig_heard(f, 1, 20, CORD_PLAYOUT_INTERRUPTED), ==, 0);
  g_assert_cmpint(tts_rig_heard(f, 1, 105, CORD_PLAYOUT_INTERRUPTED), ==, 2);
  g_assert_cmpint(tts_rig_heard(f, 1, 190, CORD_PLAYOUT_INTERRUPTED), ==, 5);
  g_assert_cmpint(tts_rig_heard(f, 1, 310, CORD_PLAYOUT_INTERRUPTED), ==, 8);
  g_assert_cmpint(tts_rig_heard(f, 1, 400, CORD_PLAYOUT_DONE), ==, 12);
}

/* HTTP */

static void
test_http(TtsRig *f, gconstpointer data)
{
  forget(f);
  tts_rig_say(f, 1, "w1 w2.");
  tts_rig_say(f, 1, "w3.");
  tts_rig_take_request(f);
  g_assert_true(g_str_has_prefix(f->head, "POST " PATH "stream?output_format=ulaw_8000"
                                          "&optimize_streaming_latency=3 HTTP/1.1\r\n"));
  g_assert_nonnull(strstr(f->head, "\r\nxi-api-key: " TTS_RIG_KEY "\r\n"));
  g_assert_nonnull(strstr(f->body, "{\"text\":\"w1 w2.\",\"model_id\":\"eleven_turbo_v2\","));
  g_assert_null(strstr(f->body, "previous_text"));
  tts_rig_begin_answer(f, "audio/basic");
  tts_rig_write_words(f, 1, 1);
  tts_rig_await_audio(f, "1:100");
  tts_rig_write_words(f, 2, 2);
  tts_rig_await_audio(f, "2:100");
  tts_rig_end_answer(f);
  tts_rig_take_request(f);
  g_assert_nonnull(strstr(f->body, "\"text\":\"w3.\""));
  g_assert_nonnull(strstr(f->body, "\"previous_text\":\"w1 w2.\""));
  tts_rig_begin_answer(f, "audio/basic");
  tts_rig_write_words(f, 3, 3);
  tts_rig_end_answer(f);
  tts_rig_await_audio(f, "3:100");
}

static void
test_http_odd(TtsRig *f, gconstpointer data)
{
  g_autofree guint8 *bytes = g_malloc(320);

  memset(bytes, 7, 320);
  tts_rig_say(f, 1, "w7.");
  tts_rig_take_request(f);
  g_assert_nonnull(strstr(f->head, "output_format=pcm_16000"));
  tts_rig_begin_answer(f, "audio/mpeg");
  for (guint i = 0; i < 10; i++) {
    tts_rig_write(f, bytes, 1);
    tts_rig_write(f, bytes, 319);
  }
  tts_rig_end_answer(f);
  tts_rig_await_audio(f, "7:100");
}

static void
test_http_barge_in(TtsRig *f, gconstpointer data)
{
  tts_rig_say(f, 1, "w1 w2.");
  tts_rig_say(f, 1, "w3.");
  tts_rig_take_request(f);
  tts_rig_begin_answer(f, "audio/basic");
  tts_rig_write_words(f, 1, 1);
  tts_rig_await_audio(f, "1:100");
  tts_rig_flush(f);
  g_assert_true(http_peer_is_gone(&f->peer));
  http_peer_hang_up(&f->peer);
  tts_rig_say(f, 2, "w5.");
  tts_rig_take_request(f);
  /* of what was broken off the next turn knows nothing */
  g_assert_null(strstr(f->body, "previous_text"));
  tts_rig_begin_answer(f, "audio/basic");
  tts_rig_write_words(f, 5, 5);
  tts_rig_end_answer(f);
  tts_rig_await_audio(f, "5:100");
}

static const Case cases[] = {
  { "mu-law passes as it is", TTS_RIG_ELEVENLABS_MULTI, TTS_RIG_MULAW, VOICE, test_mulaw },
  { "where mu-law is not wanted there is PCM", TTS_RIG_ELEVENLABS_MULTI, TTS_RIG_PCM_16000, VOICE,
    test_pcm },
  { "samples may be cut anywhere", TTS_RIG_ELEVENLABS_MULTI, TTS_RIG_PCM_16000, VOICE,
    test_odd_bytes },
  { "a turn is a context", TTS_RIG_ELEVENLABS_MULTI, TTS_RIG_MULAW, VOICE, test_turn },
  { "a turn is a socket", TTS_RIG_ELEVENLABS_SINGLE, TTS_RIG_MULAW, VOICE "transport=stream-input",
    test_turn },
  { "the next turn is the next context", TTS_RIG_ELEVENLABS_MULTI, TTS_RIG_MULAW, VOICE,
    test_next_turn },
  { "many short turns, each a socket", TTS_RIG_ELEVENLABS_SINGLE, TTS_RIG_MULAW,
    VOICE "transport=stream-input", test_socket_a_turn },
  { "an interruption closes the context", TTS_RIG_ELEVENLABS_MULTI, TTS_RIG_MULAW, VOICE,
    test_barge_in },
  { "an interruption closes the socket", TTS_RIG_ELEVENLABS_SINGLE, TTS_RIG_MULAW,
    VOICE "transport=stream-input", test_barge_in_single },
  { "an interruption before the first audio", TTS_RIG_ELEVENLABS_MULTI, TTS_RIG_MULAW, VOICE,
    test_barge_in_at_once },
  { "what was heard is known to the word", TTS_RIG_ELEVENLABS_MULTI, TTS_RIG_MULAW, VOICE,
    test_words },
  { "over HTTP, a request a sentence", TTS_RIG_HTTP, TTS_RIG_MULAW,
    VOICE "preconnect=false transport=http optimize-streaming-latency=3", test_http },
  { "over HTTP samples may be cut anywhere", TTS_RIG_HTTP, TTS_RIG_PCM_16000,
    VOICE "preconnect=false transport=http", test_http_odd },
  { "over HTTP an interruption ends the request", TTS_RIG_HTTP, TTS_RIG_MULAW,
    VOICE "preconnect=false transport=http", test_http_barge_in },
};

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree gchar *name = g_strdup_printf("/elevenlabstts/%s", cases[i].name);

    g_test_add(name, TtsRig, &cases[i], setup, cases[i].func, teardown);
  }
  return g_test_run();
}
