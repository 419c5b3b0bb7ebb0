/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "flite-voice.h"

#define TEXT "Yes, of course. One moment, please: I am looking."

typedef struct {
  FliteJob *job;
  guint cancel_at; /* block of audio in which the job is cancelled, 0 for never */
  guint blocks;
  gsize samples;
  guint words;
  GAsyncQueue *ended; /* the error's text, "" for none */
} Speech;

static GMutex starting; /* held until the job is known to its speech */

static void
on_audio(const gint16 *samples, gsize n_samples, gpointer data)
{
  Speech *speech = data;

  speech->blocks++;
  speech->samples += n_samples;
  if (speech->blocks == speech->cancel_at) {
    g_mutex_lock(&starting);
    flite_job_cancel(g_steal_pointer(&speech->job));
    g_mutex_unlock(&starting);
  }
}

static void
on_words(const CordTtsWord *words, guint n_words, gpointer data)
{
  ((Speech *)data)->words = n_words;
}

static void
on_done(const gchar *error, gpointer data)
{
  g_async_queue_push(((Speech *)data)->ended, g_strdup(error ? error : ""));
}

/* Says TEXT and waits until it is said or cancelled. */
static Speech
speak(const gchar *voice, guint cancel_at)
{
  static const FliteSink sink = { on_audio, on_words, on_done };
  Speech speech = { .cancel_at = cancel_at, .ended = g_async_queue_new_full(g_free) };
  g_autofree gchar *error = NULL;

  g_mutex_lock(&starting);
  speech.job = flite_job_start(voice, 1.0, TEXT, &sink, &speech, NULL);
  g_mutex_unlock(&starting);
  g_assert_nonnull(speech.job);
  error = g_async_queue_pop(speech.ended);
  g_assert_cmpstr(error, ==, "");
  g_clear_pointer(&speech.ended, g_async_queue_unref);
  g_clear_pointer(&speech.job, flite_job_cancel);
  return speech;
}

static void
test_whole(gconstpointer data)
{
  Speech speech = speak(data, 0);

  g_assert_cmpuint(speech.words, ==, 9);
  g_assert_cmpuint(speech.blocks, >, 10);
  /* between one and six seconds */
  g_assert_cmpuint(speech.samples, >, flite_voice_get_rate(data));
  g_assert_cmpuint(speech.samples, <, flite_voice_get_rate(data) * 6);
}

/* In a word, in a pause, in the last block: whoever is interrupted says nothing more. */
static void
test_cancelled(gconstpointer data)
{
  guint blocks = speak(data, 0).blocks;
  guint step = g_str_equal(data, "slt") ? 16 : 1;

  for (guint at = 1; at <= blocks; at += step) {
    Speech speech = speak(data, at);

    g_assert_cmpuint(speech.blocks, ==, at);
  }
}

static void
test_unknown(void)
{
  static const FliteSink sink = { on_audio, on_words, on_done };

  g_assert_null(flite_job_start("nobody", 1.0, TEXT, &sink, NULL, NULL));
  g_assert_cmpuint(flite_voice_get_rate("nobody"), ==, 0);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_data_func("/flite-voice/kal says all words", "kal", test_whole);
  g_test_add_data_func("/flite-voice/slt says all words", "slt", test_whole);
  g_test_add_data_func("/flite-voice/kal falls silent at any block", "kal", test_cancelled);
  g_test_add_data_func("/flite-voice/slt falls silent at any block", "slt", test_cancelled);
  g_test_add_func("/flite-voice/an unknown voice is none", test_unknown);
  return g_test_run();
}
