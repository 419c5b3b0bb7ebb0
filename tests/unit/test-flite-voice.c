/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "flite-voice.h"

#include <string.h>

#define TEXT "Yes, of course. One moment, please: I am looking."
#define KAL16_SHA256 "5bbe3cdfa057726c2309e26b684cdaf71e477b26afddf171be81d94d29fd8ed5" /* of TEXT, on this processor */

typedef struct {
  FliteJob *job;
  guint cancel_at; /* block of audio in which the job is cancelled, 0 for never */
  guint blocks;
  gsize samples;
  guint words;
  GChecksum *checksum;
  GstClockTime last_word; /* where it ends in the audio */
  gsize text_end;
  GAsyncQueue *ended; /* the error's text, "" for none */
} Speech;

static GMutex starting; /* held until the job is known to its speech */

static void
on_audio(const gint16 *samples, gsize n_samples, gpointer data)
{
  Speech *speech = data;

  speech->blocks++;
  speech->samples += n_samples;
  if (speech->checksum)
    g_checksum_update(speech->checksum, (const guchar *)samples,
                      (gssize)(n_samples * sizeof *samples));
  if (speech->blocks == speech->cancel_at) {
    g_mutex_lock(&starting);
    flite_job_cancel(g_steal_pointer(&speech->job));
    g_mutex_unlock(&starting);
  }
}

static void
on_words(const CordTtsWord *words, guint n_words, gpointer data)
{
  Speech *speech = data;

  speech->words = n_words;
  for (guint i = 0; i < n_words; i++) {
    g_assert_cmpuint(words[i].text_end, >, speech->text_end);
    g_assert_cmpuint(words[i].audio_end, >, speech->last_word);
    speech->text_end = words[i].text_end;
    speech->last_word = words[i].audio_end;
  }
}

static void
on_done(const gchar *error, gpointer data)
{
  g_async_queue_push(((Speech *)data)->ended, g_strdup(error ? error : ""));
}

/* Says TEXT and waits until it is said or cancelled. */
static Speech
speak_into(const gchar *voice, guint cancel_at, GChecksum *checksum)
{
  static const FliteSink sink = { on_audio, on_words, on_done };
  Speech speech = { .cancel_at = cancel_at,
                    .checksum = checksum,
                    .ended = g_async_queue_new_full(g_free) };
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

static Speech
speak(const gchar *voice, guint cancel_at)
{
  return speak_into(voice, cancel_at, NULL);
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

/* Each word ends after the one before it, the last one where text and audio do. */
static void
test_word_times(void)
{
  for (const gchar *const *voice = flite_voice_names(); *voice; voice++) {
    Speech speech = speak(*voice, 0);
    GstClockTime audio =
        gst_util_uint64_scale(speech.samples, GST_SECOND, flite_voice_get_rate(*voice));

    g_assert_cmpuint(speech.words, ==, 9);
    g_assert_cmpuint(speech.text_end, ==, strlen(TEXT));
    g_assert_cmpuint(speech.last_word, <=, audio);
    g_assert_cmpuint(speech.last_word + 500 * GST_MSECOND, >, audio);
  }
}

/* What golden files are made of. */
static void
test_same_samples(void)
{
  g_autofree gchar *first = NULL;

  for (guint i = 0; i < 3; i++) {
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);

    speak_into("kal16", 0, checksum);
    if (first == NULL)
      first = g_strdup(g_checksum_get_string(checksum));
    g_assert_cmpstr(g_checksum_get_string(checksum), ==, first);
  }
#ifdef __x86_64__
  g_assert_cmpstr(first, ==, KAL16_SHA256);
#endif
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
  g_test_add_func("/flite-voice/words end in order, inside of the audio", test_word_times);
  g_test_add_func("/flite-voice/kal16 says the same samples each time", test_same_samples);
  g_test_add_func("/flite-voice/an unknown voice is none", test_unknown);
  return g_test_run();
}
