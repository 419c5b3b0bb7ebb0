/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "tts-rig.h"

#define VOICE "cartesiatts base-url=http://127.0.0.1:PORT api-key=KEY voice-id=VOICE "

typedef struct {
  const gchar *name;
  TtsRigFormat format;
  void (*func)(TtsRig *f, gconstpointer data);
} Case;

static void
setup(TtsRig *f, gconstpointer data)
{
  const Case *test = data;

  tts_rig_init(f, TTS_RIG_CARTESIA, test->format, VOICE);
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

static void
send_chunk(TtsRig *f, const gchar *context, const guint8 *bytes, gsize size)
{
  g_autofree gchar *encoded = g_base64_encode(bytes, size);
  g_autofree gchar *json =
      g_strdup_printf("{\"type\":\"chunk\",\"context_id\":\"%s\",\"data\":\"%s\",\"done\":false,"
                      "\"status_code\":206}",
                      context, encoded);

  tts_rig_tell(f, json);
}

/* Asked for by the caps: what comes leaves as it is, byte for byte. */
static void
test_mulaw(TtsRig *f, gconstpointer data)
{
  guint8 all[256];

  g_assert_true(g_str_has_prefix(f->head, "GET /tts/websocket HTTP/1.1\r\n"));
  g_assert_nonnull(strstr(f->head, "\r\nAuthorization: Bearer " TTS_RIG_KEY "\r\n"));
  g_assert_nonnull(strstr(f->head, "\r\nCartesia-Version: "));
  for (guint i = 0; i < 256; i++)
    all[i] = (guint8)i;
  tts_rig_assert_came(f, "mulaw 8000; segment; ");
  tts_rig_say(f, 1, "w1.");
  tts_rig_assert_got(f, "say 'w1. ' in t1-1; flush t1-1; ");
  send_chunk(f, "t1-1", all, sizeof all);
  tts_rig_assert_came(f, "+audio 1 0-32; ");
  g_assert_cmpmem(f->audio->data, f->audio->len, all, 256);
}

static void
test_pcm(TtsRig *f, gconstpointer data)
{
  tts_rig_assert_came(f, "pcm 24000; segment; ");
  tts_rig_say(f, 1, "w1.");
  tts_rig_speak(f, 1);
  tts_rig_assert_came(f, "+audio 1 0-100; ");
}

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

    for (guint n = 0; n < sizes[i]; n++)
      bytes[n] = value++;
    send_chunk(f, "t1-1", bytes, sizes[i]);
    g_assert_cmpuint(f->audio->len % 2, ==, 0);
  }
  g_assert_cmpuint(f->audio->len, ==, 722);
  for (guint n = 0; n < f->audio->len; n++)
    g_assert_cmpuint(f->audio->data[n], ==, n % 256);
}

/* A context continues with the next piece when the one before has been spoken; its audio leaves as
 * it comes. */
static void
test_turn(TtsRig *f, gconstpointer data)
{
  forget(f);
  tts_rig_say(f, 3, "w1 w2.");
  tts_rig_say(f, 3, "w3.");
  tts_rig_finish_turn(f, 3);
  tts_rig_assert_got(f, "say 'w1 w2. ' in t3-1; flush t3-1; ");
  tts_rig_speak(f, 1);
  tts_rig_assert_came(f, "+audio 3 0-100; ");
  tts_rig_speak(f, 1);
  tts_rig_assert_came(f, "audio 3 100-200; ");
  tts_rig_assert_got(f, "");
  tts_rig_end_piece(f);
  tts_rig_assert_got(f, "say 'w3. ' in t3-1; flush t3-1; ");
  tts_rig_speak(f, 1);
  tts_rig_end_piece(f);
  tts_rig_assert_came(f, "audio 3 200-300; finished 3; ");
  tts_rig_assert_got(f, "close t3-1; ");
  tts_rig_end_context(f);
  tts_rig_assert_audio(f, "1:100 2:100 3:100");
  g_assert_cmpstr(f->posted->str, ==, "");
}

static void
test_next_turn(TtsRig *f, gconstpointer data)
{
  tts_rig_say(f, 1, "w1.");
  tts_rig_speak(f, 1);
  tts_rig_end_piece(f);
  tts_rig_finish_turn(f, 1);
  tts_rig_say(f, 2, "w2.");
  tts_rig_assert_got(f, "say 'w1. ' in t1-1; flush t1-1; close t1-1; "
                        "say 'w2. ' in t2-2; flush t2-2; ");
  /* the end of the one before comes late */
  tts_rig_tell(f, "{\"type\":\"done\",\"context_id\":\"t1-1\",\"done\":true,\"status_code\":200}");
  tts_rig_speak(f, 1);
  tts_rig_assert_audio(f, "1:100 2:100");
}

static void
test_barge_in(TtsRig *f, gconstpointer data)
{
  const guint8 late[] = { 9, 9, 9, 9 };

  tts_rig_say(f, 1, "w1 w2 w3.");
  tts_rig_say(f, 1, "w4.");
  tts_rig_speak(f, 1);
  tts_rig_assert_got(f, "say 'w1 w2 w3. ' in t1-1; flush t1-1; ");
  forget(f);
  tts_rig_flush(f);
  tts_rig_assert_got(f, "cancel t1-1; ");
  /* what was begun is not stopped */
  tts_rig_speak(f, 1);
  tts_rig_assert_audio(f, "");
  tts_rig_say(f, 2, "w5.");
  send_chunk(f, "t1-1", late, sizeof late);
  tts_rig_tell(f, "{\"type\":\"done\",\"context_id\":\"t1-1\",\"done\":true,\"status_code\":200}");
  tts_rig_assert_got(f, "say 'w5. ' in t2-2; flush t2-2; ");
  tts_rig_speak(f, 1);
  tts_rig_end_piece(f);
  tts_rig_assert_audio(f, "5:100");
  g_assert_cmpstr(f->posted->str, ==, "");
}

static void
test_words(TtsRig *f, gconstpointer data)
{
  tts_rig_say(f, 1, "w1 w2.");
  tts_rig_speak(f, 2);
  tts_rig_end_piece(f);
  /* in the second piece the context's times go on */
  tts_rig_say(f, 1, "w3 w4.");
  tts_rig_speak(f, 2);
  g_assert_cmpint(tts_rig_heard(f, 1, 20, CORD_PLAYOUT_INTERRUPTED), ==, 0);
  g_assert_cmpint(tts_rig_heard(f, 1, 110, CORD_PLAYOUT_INTERRUPTED), ==, 2);
  g_assert_cmpint(tts_rig_heard(f, 1, 210, CORD_PLAYOUT_INTERRUPTED), ==, 6);
  g_assert_cmpint(tts_rig_heard(f, 1, 310, CORD_PLAYOUT_INTERRUPTED), ==, 9);
  g_assert_cmpint(tts_rig_heard(f, 1, 390, CORD_PLAYOUT_INTERRUPTED), ==, 13);
}

/* Nothing for five minutes, and the service would hang up. */
static void
test_keep_alive(TtsRig *f, gconstpointer data)
{
  cord_worker_advance(f->worker, 119 * GST_SECOND);
  tts_rig_assert_got(f, "");
  cord_worker_advance(f->worker, 122 * GST_SECOND);
  tts_rig_assert_got(f, "cancel keep-alive; cancel keep-alive; ");
}

static void
test_expired(TtsRig *f, gconstpointer data)
{
  tts_rig_say(f, 1, "w1.");
  tts_rig_speak(f, 1);
  tts_rig_end_piece(f);
  tts_rig_assert_got(f, "say 'w1. ' in t1-1; flush t1-1; ");
  /* a second later it has forgotten the context, and says so when it is just spoken to again */
  cord_worker_advance(f->worker, GST_SECOND);
  tts_rig_say(f, 1, "w2 w3.");
  tts_rig_end_context(f);
  f->context_ms = f->flushes = 0;
  tts_rig_speak(f, 2);
  tts_rig_end_piece(f);
  tts_rig_assert_audio(f, "1:100 2:100 3:100");
  g_assert_cmpint(tts_rig_heard(f, 1, 210, CORD_PLAYOUT_INTERRUPTED), ==, 6);
  g_assert_cmpstr(f->posted->str, ==, "");
}

static void
test_expired_in_silence(TtsRig *f, gconstpointer data)
{
  tts_rig_say(f, 1, "w1.");
  tts_rig_speak(f, 1);
  tts_rig_end_piece(f);
  tts_rig_end_context(f);
  tts_rig_assert_got(f, "say 'w1. ' in t1-1; flush t1-1; ");
  tts_rig_say(f, 1, "w2.");
  tts_rig_listen(f);
  tts_rig_speak(f, 1);
  tts_rig_assert_audio(f, "1:100 2:100");
}

/* The end of the piece before is told twice, in the middle of the next one. */
static void
test_late_flush(TtsRig *f, gconstpointer data)
{
  tts_rig_say(f, 1, "w1.");
  tts_rig_say(f, 1, "w2 w3.");
  tts_rig_say(f, 1, "w4.");
  tts_rig_speak(f, 1);
  tts_rig_end_piece(f);
  tts_rig_speak(f, 1);
  tts_rig_tell(f, "{\"type\":\"flush_done\",\"context_id\":\"t1-1\",\"flush_id\":1,"
                  "\"flush_done\":true,\"done\":false,\"status_code\":206}");
  tts_rig_assert_got(f, "say 'w1. ' in t1-1; flush t1-1; say 'w2 w3. ' in t1-1; flush t1-1; ");
  tts_rig_speak(f, 1);
  tts_rig_assert_audio(f, "1:100 2:100 3:100");
}

/* It says that all was said, and only then says it: the end of the words is the end. */
static void
test_early_flush(TtsRig *f, gconstpointer data)
{
  tts_rig_say(f, 1, "w1 w2.");
  tts_rig_say(f, 1, "w3.");
  tts_rig_listen(f);
  tts_rig_end_piece(f);
  tts_rig_speak(f, 1);
  tts_rig_assert_got(f, "say 'w1 w2. ' in t1-1; flush t1-1; ");
  tts_rig_speak(f, 1);
  tts_rig_assert_got(f, "say 'w3. ' in t1-1; flush t1-1; ");
  tts_rig_assert_audio(f, "1:100 2:100");
  g_assert_cmpstr(f->posted->str, ==, "");
}

static const Case cases[] = {
  { "mu-law passes as it is", TTS_RIG_MULAW, test_mulaw },
  { "where mu-law is not wanted there is PCM", TTS_RIG_PCM_24000, test_pcm },
  { "samples may be cut anywhere", TTS_RIG_PCM_16000, test_odd_bytes },
  { "a turn is a context", TTS_RIG_MULAW, test_turn },
  { "the next turn is the next context", TTS_RIG_MULAW, test_next_turn },
  { "an interruption cancels the context", TTS_RIG_MULAW, test_barge_in },
  { "what was heard is known to the word", TTS_RIG_MULAW, test_words },
  { "a connection that nobody uses is kept", TTS_RIG_MULAW, test_keep_alive },
  { "a context that has just expired begins anew", TTS_RIG_MULAW, test_expired },
  { "a context that expired is followed by another", TTS_RIG_MULAW, test_expired_in_silence },
  { "an end that is told too early", TTS_RIG_MULAW, test_early_flush },
  { "an end that is told twice", TTS_RIG_MULAW, test_late_flush },
};

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree gchar *name = g_strdup_printf("/cartesiatts/%s", cases[i].name);

    g_test_add(name, TtsRig, &cases[i], setup, cases[i].func, teardown);
  }
  return g_test_run();
}
