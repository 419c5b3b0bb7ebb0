/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sphinx-decoder.h"

#include <flite/flite.h>
#include <string.h>

#include "cord-g711.h"

#define MODELS "/usr/share/pocketsphinx/model/en-us/"
#define FRAME 320 /* samples */

cst_voice *register_cmu_us_kal16(const char *directory);
cst_voice *register_cmu_us_rms(const char *directory);

static SphinxDecoder *decoder;
static gboolean no_models;

static const SphinxModel model = {
  MODELS "en-us.lm.bin",
  MODELS "cmudict-en-us.dict",
  MODELS "en-us",
  NULL,
};

/* A sentence as pocketsphinx gets it from good microphones. */
static GArray *
say(const gchar *text, gboolean deep)
{
  static cst_voice *voices[2];
  GArray *samples = g_array_new(FALSE, TRUE, sizeof(gint16));
  cst_wave *wave;

  if (voices[0] == NULL) {
    flite_init();
    voices[0] = register_cmu_us_kal16(NULL);
    voices[1] = register_cmu_us_rms(NULL);
  }
  wave = flite_text_to_wave(text, voices[deep]);
  g_array_append_vals(samples, wave->samples, (guint)wave->num_samples);
  delete_wave(wave);
  return samples;
}

static CordTranscript *
decode(GArray *samples, gfloat *mean)
{
  sphinx_decoder_begin(decoder, mean);
  for (gsize at = 0; at < samples->len; at += FRAME)
    sphinx_decoder_process(decoder, &g_array_index(samples, gint16, at),
                           MIN(FRAME, samples->len - at));
  return sphinx_decoder_end(decoder, GST_SECOND, mean);
}

static CordTranscript *
try_hints(GArray *samples, const gchar *hints, const gfloat *mean, GPtrArray *missing)
{
  gfloat after[SPHINX_CEPSTRA];
  g_autoptr(CordTranscript) free_result = NULL;

  memcpy(after, mean, sizeof after);
  free_result = decode(samples, after);
  return sphinx_decoder_try_hints(decoder, hints, cord_transcript_get_text(free_result),
                                  (const gint16 *)samples->data, samples->len, GST_SECOND, mean,
                                  missing);
}

static gboolean
skipped(void)
{
  if (no_models)
    g_test_skip("Debian's package pocketsphinx-en-us is not installed");
  return no_models;
}

/* Two callers take turns on one decoder: each is understood as if it were alone. */
static void
test_mean_of_each_caller(void)
{
  g_autoptr(GArray) mine = say("what are your opening hours", FALSE);
  g_autoptr(GArray) yours = say("i would like to make an appointment", TRUE);
  g_autoptr(CordTranscript) alone = NULL;
  g_autoptr(CordTranscript) between = NULL;
  gfloat fresh[SPHINX_CEPSTRA], mean[SPHINX_CEPSTRA], other[SPHINX_CEPSTRA], first[SPHINX_CEPSTRA];

  if (skipped())
    return;
  sphinx_decoder_get_wideband_mean(decoder, fresh);
  memcpy(mean, fresh, sizeof mean);
  cord_transcript_unref(decode(mine, mean));
  memcpy(first, mean, sizeof mean);
  g_assert_cmpint(memcmp(first, fresh, sizeof fresh), !=, 0);
  alone = decode(mine, mean);

  memcpy(other, fresh, sizeof other);
  cord_transcript_unref(decode(yours, other));
  g_assert_cmpint(memcmp(first, other, sizeof other), !=, 0);
  between = decode(mine, first);
  g_assert_cmpmem(mean, sizeof mean, first, sizeof first);
  g_assert_cmpstr(cord_transcript_get_text(alone), ==, cord_transcript_get_text(between));
}

static void
test_words(void)
{
  g_autoptr(GArray) samples = say("what are your opening hours", FALSE);
  g_autoptr(CordTranscript) transcript = NULL;
  gfloat mean[SPHINX_CEPSTRA];
  GstClockTime before = GST_SECOND;
  const CordWord *words;
  guint n;

  if (skipped())
    return;
  sphinx_decoder_get_wideband_mean(decoder, mean);
  transcript = decode(samples, mean);
  words = cord_transcript_get_words(transcript, &n);
  g_assert_cmpuint(n, >=, 4);
  for (guint i = 0; i < n; i++) {
    g_assert_cmpuint(words[i].start, >=, before);
    g_assert_cmpuint(words[i].end, >, words[i].start);
    before = words[i].end;
  }
  g_assert_cmpuint(before, <=,
                   GST_SECOND + gst_util_uint64_scale(samples->len, GST_SECOND, SPHINX_RATE) +
                       10 * GST_MSECOND);
}

static void
test_silence(void)
{
  g_autoptr(GArray) samples = g_array_new(FALSE, TRUE, sizeof(gint16));
  g_autoptr(CordTranscript) transcript = NULL;
  gfloat mean[SPHINX_CEPSTRA];

  if (skipped())
    return;
  g_array_set_size(samples, SPHINX_RATE);
  sphinx_decoder_get_wideband_mean(decoder, mean);
  transcript = decode(samples, mean);
  g_assert_cmpstr(cord_transcript_get_text(transcript), ==, "");
  cord_transcript_unref(g_steal_pointer(&transcript));
  g_array_set_size(samples, 0);
  transcript = decode(samples, mean);
  g_assert_cmpstr(cord_transcript_get_text(transcript), ==, "");
}

static void
test_hints(void)
{
  g_autoptr(GArray) samples = say("my tooth hurts", FALSE);
  g_autoptr(GPtrArray) missing = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(CordTranscript) right = NULL;
  g_autoptr(CordTranscript) wrong = NULL;
  g_autoptr(CordTranscript) none = NULL;
  gfloat mean[SPHINX_CEPSTRA];

  if (skipped())
    return;
  sphinx_decoder_get_wideband_mean(decoder, mean);
  right = try_hints(samples, "my tooth hurts|where are you|ask xyzzyplugh", mean, missing);
  g_assert_nonnull(right);
  g_assert_cmpstr(cord_transcript_get_text(right), ==, "my tooth hurts");
  g_assert_cmpfloat(cord_transcript_get_confidence(right), >, 0);
  g_assert_cmpfloat(cord_transcript_get_confidence(right), <=, 1);
  g_assert_cmpuint(missing->len, ==, 1);
  g_assert_cmpstr(missing->pdata[0], ==, "xyzzyplugh");
  wrong = try_hints(samples, "please cancel my appointment|where are you", mean, missing);
  g_assert_null(wrong);
  none = try_hints(samples, "xyzzyplugh", mean, missing);
  g_assert_null(none);
}

/* A grammar finds one of its phrases in anything: in what was not expected it must not be believed.
 */
static void
test_unexpected(void)
{
  static const gchar *const said[] = {
    "could i order a large pizza with mushrooms", "what is the capital of france",
    "i left my umbrella in your waiting room",    "play some music",
    "my phone number is five five five one two",  "is the doctor married",
  };
  static const gchar hints[] = "i would like to (book|cancel) an appointment\n"
                               "what are your opening hours\ngoodbye\nyes\nno\n"
                               "(monday|tuesday) at (nine|ten)\nhow much is a cleaning";
  gfloat mean[SPHINX_CEPSTRA];
  guint believed = 0;

  if (skipped())
    return;
  sphinx_decoder_get_wideband_mean(decoder, mean);
  for (guint i = 0; i < 2 * G_N_ELEMENTS(said); i++) {
    g_autoptr(GPtrArray) missing = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GArray) samples = say(said[i / 2], i % 2);
    g_autoptr(CordTranscript) transcript = try_hints(samples, hints, mean, missing);

    if (transcript)
      g_test_message("\"%s\" is taken for \"%s\"", said[i / 2],
                     cord_transcript_get_text(transcript));
    believed += transcript != NULL;
  }
  g_assert_cmpuint(believed, <=, 1);
}

/* More agents than grammars are kept. */
static void
test_many_grammars(void)
{
  g_autoptr(GArray) samples = say("my tooth hurts", FALSE);
  g_autoptr(GPtrArray) missing = g_ptr_array_new_with_free_func(g_free);
  gfloat mean[SPHINX_CEPSTRA];

  if (skipped())
    return;
  sphinx_decoder_get_wideband_mean(decoder, mean);
  for (guint i = 0; i < 12; i++) {
    static const gchar *const days[] = { "monday", "tuesday", "friday", "sunday" };
    g_autofree gchar *hints = g_strdup_printf("my tooth hurts|%s at %s", days[i % 4],
                                              i < 4   ? "one"
                                              : i < 8 ? "two"
                                                      : "six");
    g_autoptr(CordTranscript) transcript = try_hints(samples, hints, mean, missing);

    g_assert_nonnull(transcript);
    g_assert_cmpstr(cord_transcript_get_text(transcript), ==, "my tooth hurts");
  }
}

static void
test_no_model(void)
{
  const SphinxModel nowhere = { "/nowhere/lm", model.dictionary, model.acoustic_model, NULL };
  g_autoptr(GError) error = NULL;

  if (skipped())
    return;
  g_assert_null(sphinx_decoder_new(&nowhere, &error));
  g_assert_nonnull(strstr(error->message, "/nowhere/lm"));
}

int
main(int argc, char **argv)
{
  int result;

  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  decoder = sphinx_decoder_new(&model, NULL);
  no_models = decoder == NULL;
  g_test_add_func("/sphinx-decoder/each caller has a mean", test_mean_of_each_caller);
  g_test_add_func("/sphinx-decoder/words have their times", test_words);
  g_test_add_func("/sphinx-decoder/silence is nothing", test_silence);
  g_test_add_func("/sphinx-decoder/a hint is believed when it was said", test_hints);
  g_test_add_func("/sphinx-decoder/what was not expected is no hint", test_unexpected);
  g_test_add_func("/sphinx-decoder/agents have grammars of their own", test_many_grammars);
  g_test_add_func("/sphinx-decoder/files that are not there are named", test_no_model);
  result = g_test_run();
  g_clear_pointer(&decoder, sphinx_decoder_free);
  return result;
}
