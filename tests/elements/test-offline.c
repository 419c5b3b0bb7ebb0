/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <string.h>

/* Speech without a service, as a telephone carries it: what flitetts says and what pocketsphinxstt
 * understands of it. Both are deterministic. */

#define GOFORWARD "/usr/share/pocketsphinx/test/data/goforward.raw"
#define WORDS_OF_MODEL 0.60 /* word error that is borne without hints; 0.26 was measured */
#define LARGEST_STEP 28000  /* between two samples; hissing sounds come to 21,000 */
#define LOUD_EDGE 600       /* a first or last sample beyond it is heard as a click */

static const gchar *const phrases[] = {
  "what are your opening hours", "i would like to book an appointment",
  "do you take insurance",       "how much is a cleaning",
  "thank you goodbye",           "can i come on monday",
};

/* Runs a pipeline to its end; what came out of "out", and what was said on the bus. */
static GByteArray *
run(const gchar *description, GString *warnings)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GstElement) pipeline = gst_parse_launch(description, &error);
  g_autoptr(GstElement) out = NULL;
  g_autoptr(GstBus) bus = NULL;
  GByteArray *bytes = g_byte_array_new();
  GstSample *sample;

  g_assert_no_error(error);
  out = gst_bin_get_by_name(GST_BIN(pipeline), "out");
  bus = gst_element_get_bus(pipeline);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  while ((sample = gst_app_sink_pull_sample(GST_APP_SINK(out)))) {
    GstMapInfo map;

    g_assert_true(gst_buffer_map(gst_sample_get_buffer(sample), &map, GST_MAP_READ));
    g_byte_array_append(bytes, map.data, (guint)map.size);
    gst_buffer_unmap(gst_sample_get_buffer(sample), &map);
    gst_sample_unref(sample);
  }
  for (GstMessage *message; (message = gst_bus_pop(bus)); gst_message_unref(message)) {
    g_autoptr(GError) told = NULL;

    g_assert_cmpint(GST_MESSAGE_TYPE(message), !=, GST_MESSAGE_ERROR);
    if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_WARNING)
      continue;
    gst_message_parse_warning(message, &told, NULL);
    if (warnings)
      g_string_append(warnings, told->message);
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  return bytes;
}

static GByteArray *
say(const gchar *voice, const gchar *text)
{
  g_autofree gchar *description = g_strdup_printf(
      "flitetts voice=%s text=\"%s\" ! appsink name=out sync=false max-buffers=1", voice, text);

  return run(description, NULL);
}

static gchar *
understand(const gchar *voice, const gchar *text, const gchar *hints, GString *warnings)
{
  g_autofree gchar *description = g_strdup_printf(
      "flitetts voice=%s text=\"%s\" ! mulawcodec ! audio/x-mulaw ! pocketsphinxstt "
      "final-timeout=60000 cmn-prior=narrowband hints=\"%s\" ! appsink name=out sync=false",
      voice, text, hints);
  g_autoptr(GByteArray) bytes = run(description, warnings);

  return g_strndup((const gchar *)bytes->data, bytes->len);
}

static void
test_same_samples(void)
{
  g_autoptr(GByteArray) once = say("kal16", "one two three");
  g_autoptr(GByteArray) again = say("kal16", "one two three");

  g_assert_cmpuint(once->len, >, 16000);
  g_assert_cmpmem(once->data, once->len, again->data, again->len);
}

/* Two pieces follow each other without a jump, and begin and end in silence. */
static void
test_no_clicks(void)
{
  static const gchar *const voices[] = { "slt", "rms", "awb", "kal16", "kal" };

  for (guint i = 0; i < G_N_ELEMENTS(voices); i++) {
    g_autoptr(GByteArray) bytes = say(voices[i], "Yes, of course. One moment, please.");
    const gint16 *samples = (const gint16 *)(gconstpointer)bytes->data;
    gsize n = bytes->len / sizeof *samples;
    gint largest = 0;

    g_assert_cmpuint(n, >, 8000);
    for (gsize j = 1; j < n; j++)
      largest = MAX(largest, ABS(samples[j] - samples[j - 1]));
    g_test_message("%s: the largest step is %d, the edges are %d and %d", voices[i], largest,
                   samples[0], samples[n - 1]);
    g_assert_cmpint(largest, <, LARGEST_STEP);
    g_assert_cmpint(ABS(samples[0]), <, LOUD_EDGE);
    g_assert_cmpint(ABS(samples[n - 1]), <, LOUD_EDGE);
  }
}

/* Levenshtein's distance in words. */
static guint
word_errors(const gchar *wanted, const gchar *got)
{
  g_auto(GStrv) a = g_strsplit(wanted, " ", -1);
  g_auto(GStrv) b = g_strsplit(got, " ", -1);
  guint n = g_strv_length(a), m = *got ? g_strv_length(b) : 0;
  g_autofree guint *row = g_new(guint, m + 1);

  for (guint j = 0; j <= m; j++)
    row[j] = j;
  for (guint i = 1; i <= n; i++) {
    guint diagonal = row[0];

    row[0] = i;
    for (guint j = 1; j <= m; j++) {
      guint above = row[j];

      row[j] = MIN(MIN(row[j - 1], above) + 1, diagonal + !g_str_equal(a[i - 1], b[j - 1]));
      diagonal = above;
    }
  }
  return row[m];
}

static gdouble
word_error_rate(const gchar *hints, guint *exact)
{
  static const gchar *const voices[] = { "kal16", "rms" };
  guint errors = 0, words = 0;

  *exact = 0;
  for (guint i = 0; i < G_N_ELEMENTS(voices); i++) {
    for (guint j = 0; j < G_N_ELEMENTS(phrases); j++) {
      g_autofree gchar *got = understand(voices[i], phrases[j], hints, NULL);
      g_auto(GStrv) list = g_strsplit(phrases[j], " ", -1);
      guint wrong = word_errors(phrases[j], got);

      g_test_message("%s: \"%s\" is heard as \"%s\"", voices[i], phrases[j], got);
      errors += wrong;
      words += g_strv_length(list);
      *exact += wrong == 0;
    }
  }
  return (gdouble)errors / words;
}

static void
test_without_hints(void)
{
  guint exact;
  gdouble rate = word_error_rate("", &exact);

  g_test_message("word error without hints: %.2f, %u exact", rate, exact);
  g_assert_cmpfloat(rate, <, WORDS_OF_MODEL);
}

static void
test_with_hints(void)
{
  g_autofree gchar *hints =
      g_strjoinv("|", (gchar **)(const gchar *[]){ phrases[0], phrases[1], phrases[2], phrases[3],
                                                   phrases[4], phrases[5], NULL });
  guint exact;
  gdouble rate = word_error_rate(hints, &exact);

  g_test_message("word error with hints: %.2f, %u of %u exact", rate, exact,
                 2 * (guint)G_N_ELEMENTS(phrases));
  g_assert_cmpuint(exact, >=, 2 * G_N_ELEMENTS(phrases) - 1);
}

/* A hint is no order: what was said is not bent into it. */
static void
test_wrong_hints(void)
{
  g_autofree gchar *got =
      understand("rms", "what are your opening hours", "cancel my subscription", NULL);

  g_assert_cmpstr(got, !=, "cancel my subscription");
}

static void
test_missing_words(void)
{
  g_autoptr(GString) warnings = g_string_new(NULL);
  g_autofree gchar *got =
      understand("rms", "what are your opening hours", "my xyzzyplugh please", warnings);

  g_assert_nonnull(strstr(warnings->str, "xyzzyplugh"));
}

static void
test_real_human(void)
{
  g_autoptr(GByteArray) bytes = NULL;
  g_autofree gchar *got = NULL;

  if (!g_file_test(GOFORWARD, G_FILE_TEST_EXISTS)) {
    g_test_skip("Debian's package pocketsphinx-testdata is not installed");
    return;
  }
  bytes = run(
      "filesrc location=" GOFORWARD " ! rawaudioparse format=pcm pcm-format=s16le "
      "sample-rate=16000 num-channels=1 ! mulawcodec ! audio/x-mulaw,rate=8000 ! "
      "pocketsphinxstt final-timeout=60000 cmn-prior=narrowband hints=\"go forward ten meters\" ! "
      "appsink name=out sync=false",
      NULL);
  got = g_strndup((const gchar *)bytes->data, bytes->len);
  g_assert_cmpstr(got, ==, "go forward ten meters");
}

int
main(int argc, char **argv)
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/offline/a voice says the same each time", test_same_samples);
  g_test_add_func("/offline/voices do not click", test_no_clicks);
  g_test_add_func("/offline/much of it is understood over the telephone", test_without_hints);
  g_test_add_func("/offline/what was expected is understood", test_with_hints);
  g_test_add_func("/offline/a wrong hint is not heard", test_wrong_hints);
  g_test_add_func("/offline/words that the dictionary lacks are told", test_missing_words);
  g_test_add_func("/offline/a human is understood", test_real_human);
  return g_test_run();
}
