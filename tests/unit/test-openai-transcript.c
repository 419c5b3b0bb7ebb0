/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "openai-transcript.h"

#include <string.h>

#include "cord-json.h"

static gchar *
load(const gchar *name, gsize *length)
{
  g_autofree gchar *path = g_build_filename(g_getenv("CORDBOARD_TEST_DATA"), name, NULL);
  gchar *text;

  g_assert_true(g_file_get_contents(path, &text, length, NULL));
  return text;
}

static void
test_recorded_verbose(void)
{
  gsize length;
  g_autofree gchar *text = load("openai/vercel-ai.openai-transcription.json", &length);
  g_autoptr(OpenaiTranscript) transcript = openai_transcript_parse(text, length, NULL);

  g_assert_true(g_str_has_prefix(transcript->text, "Galileo was an American robotic"));
  g_assert_true(g_str_has_suffix(transcript->text, "solar system bodies."));
  g_assert_cmpstr(transcript->language, ==, "english");
  g_assert_cmpuint(transcript->words->len, ==, 5);
  g_assert_cmpstr(g_array_index(transcript->words, OpenaiWord, 4).text, ==, "robotic");
  g_assert_cmpuint(g_array_index(transcript->words, OpenaiWord, 4).start, ==, 1500 * GST_MSECOND);
  /* and no byte of it may be missing */
  for (gsize i = 1; i < length; i++) {
    g_autoptr(OpenaiTranscript) cut = openai_transcript_parse(text, i, NULL);

    g_assert_true(cut == NULL || i + 2 > length);
  }
}

static void
test_recorded_text(void)
{
  gsize length;
  g_autofree gchar *text = load("groq/vercel-ai.groq-transcription-text.json", &length);
  g_autoptr(JsonObject) recorded = cord_json_parse_object(text, (gssize)length, NULL);
  const gchar *body = cord_json_peek_string(recorded, "body", NULL);
  g_autoptr(OpenaiTranscript) transcript = openai_transcript_parse(body, strlen(body), NULL);

  g_assert_cmpstr(transcript->text, ==, "Hello from the Versal AISDK.");
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/openai-transcript/a recorded verbose answer", test_recorded_verbose);
  g_test_add_func("/openai-transcript/a recorded answer in plain text", test_recorded_text);
  return g_test_run();
}
