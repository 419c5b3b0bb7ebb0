/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "tts-rig.h"

#define EARLY "openaitts base-url=http://127.0.0.1:PORT/v1/ api-key=KEY voice-id=coral "
#define VOICE EARLY "preconnect=false "

typedef struct {
  const gchar *name;
  const gchar *launch;
  void (*func)(TtsRig *f, gconstpointer data);
} Case;

static void
setup(TtsRig *f, gconstpointer data)
{
  tts_rig_init(f, TTS_RIG_HTTP, TTS_RIG_PCM_24000, ((const Case *)data)->launch);
}

static void
teardown(TtsRig *f, gconstpointer data)
{
  tts_rig_clear(f);
}

static void
test_request(TtsRig *f, gconstpointer data)
{
  tts_rig_assert_came(f, "pcm 24000; segment; ");
  tts_rig_say(f, 1, "\"w1\" w2.");
  tts_rig_take_request(f);
  g_assert_true(g_str_has_prefix(f->head, "POST /v1/audio/speech HTTP/1.1\r\n"));
  g_assert_nonnull(strstr(f->head, "\r\nAuthorization: Bearer " TTS_RIG_KEY "\r\n"));
  g_assert_nonnull(strstr(f->head, "\r\nContent-Type: application/json"));
  g_assert_cmpstr(f->body, ==,
                  "{\"model\":\"gpt-4o-mini-tts\",\"voice\":\"coral\",\"input\":\"\\\"w1\\\" w2.\","
                  "\"response_format\":\"pcm\"}");
  tts_rig_begin_answer(f, "audio/pcm");
  tts_rig_write_words(f, 1, 2);
  tts_rig_end_answer(f);
  tts_rig_await_audio(f, "1:100 2:100");
}

static void
test_manner(TtsRig *f, gconstpointer data)
{
  tts_rig_say(f, 1, "w1.");
  tts_rig_take_request(f);
  g_assert_nonnull(strstr(f->body, "\"model\":\"tts-1-hd\","));
  g_assert_nonnull(strstr(f->body, "\"instructions\":\"Softly.\""));
  g_assert_nonnull(strstr(f->body, "\"speed\":1.25}"));
}

/* Its audio leaves as it comes; the next piece is asked for when the last of it has come. */
static void
test_turn(TtsRig *f, gconstpointer data)
{
  tts_rig_say(f, 3, "w1 w2.");
  tts_rig_say(f, 3, "w3.");
  tts_rig_finish_turn(f, 3);
  tts_rig_take_request(f);
  g_string_truncate(f->came, 0);
  tts_rig_begin_answer(f, "audio/pcm");
  tts_rig_write_words(f, 1, 1);
  tts_rig_await_audio(f, "1:100");
  g_assert_false(tts_rig_somebody_comes(f));
  tts_rig_write_words(f, 2, 2);
  tts_rig_end_answer(f);
  tts_rig_take_request(f);
  g_assert_nonnull(strstr(f->body, "\"input\":\"w3.\""));
  tts_rig_begin_answer(f, "audio/pcm");
  tts_rig_write_words(f, 3, 3);
  tts_rig_end_answer(f);
  tts_rig_await_audio(f, "2:100 3:100");
  tts_rig_wait(f, "up;up;");
  g_assert_true(g_str_has_prefix(f->came->str, "+audio 3 0-"));
  g_assert_true(g_str_has_suffix(f->came->str, "-299; finished 3; ") ||
                g_str_has_suffix(f->came->str, "-300; finished 3; "));
}

static void
test_odd_bytes(TtsRig *f, gconstpointer data)
{
  guint8 bytes[256];

  for (guint i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8)i;
  tts_rig_say(f, 1, "w1.");
  tts_rig_take_request(f);
  tts_rig_begin_answer(f, "audio/pcm");
  for (guint i = 0; i < sizeof bytes; i++)
    tts_rig_write(f, bytes + i, 1);
  tts_rig_end_answer(f);
  tts_rig_wait(f, "up;");
  g_assert_cmpmem(f->audio->data, f->audio->len, bytes, sizeof bytes);
}

static void
test_barge_in(TtsRig *f, gconstpointer data)
{
  tts_rig_say(f, 1, "w1 w2.");
  tts_rig_say(f, 1, "w3.");
  tts_rig_take_request(f);
  tts_rig_begin_answer(f, "audio/pcm");
  tts_rig_write_words(f, 1, 1);
  tts_rig_await_audio(f, "1:100");
  tts_rig_flush(f);
  g_assert_true(http_peer_is_gone(&f->peer));
  http_peer_hang_up(&f->peer);
  tts_rig_say(f, 2, "w5.");
  tts_rig_take_request(f);
  g_assert_nonnull(strstr(f->body, "\"input\":\"w5.\""));
  tts_rig_begin_answer(f, "audio/pcm");
  tts_rig_write_words(f, 5, 5);
  tts_rig_end_answer(f);
  tts_rig_await_audio(f, "5:100");
}

/* Without times what was heard is known by its share of the audio. */
static void
test_heard(TtsRig *f, gconstpointer data)
{
  tts_rig_say(f, 1, "w1 w2 w3 w4.");
  tts_rig_take_request(f);
  tts_rig_begin_answer(f, "audio/pcm");
  tts_rig_write_words(f, 1, 4);
  tts_rig_end_answer(f);
  tts_rig_wait(f, "up;");
  g_assert_cmpint(tts_rig_heard(f, 1, 0, CORD_PLAYOUT_INTERRUPTED), ==, 0);
  g_assert_cmpint(tts_rig_heard(f, 1, 200, CORD_PLAYOUT_INTERRUPTED), ==, 5);
  g_assert_cmpint(tts_rig_heard(f, 1, 400, CORD_PLAYOUT_DONE), ==, 12);
}

/* The connection is there before the first text, which takes it. */
static void
test_preconnects(TtsRig *f, gconstpointer data)
{
  http_peer_accept(&f->peer);
  for (guint i = 0; i < 20; i++)
    cord_worker_iterate(f->worker);
  tts_rig_say(f, 1, "w1.");
  tts_rig_take_request(f);
  g_assert_nonnull(strstr(f->body, "\"input\":\"w1.\""));
}

static const Case cases[] = {
  { "what is asked", VOICE, test_request },
  { "how it is to be said", VOICE "model-id=tts-1-hd instructions=Softly. speed=1.25",
    test_manner },
  { "a turn is a request a piece", VOICE, test_turn },
  { "samples may be cut anywhere", VOICE, test_odd_bytes },
  { "an interruption ends the request", VOICE, test_barge_in },
  { "what was heard is estimated", VOICE, test_heard },
  { "the connection is there before it is needed", EARLY, test_preconnects },
};

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree gchar *name = g_strdup_printf("/openaitts/%s", cases[i].name);

    g_test_add(name, TtsRig, &cases[i], setup, cases[i].func, teardown);
  }
  return g_test_run();
}
