/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-spoken-text.h"

#include <string.h>

#define MS GST_MSECOND

static void
add_piece(CordSpokenText *spoken, const gchar *text, guint ms)
{
  cord_spoken_text_begin_piece(spoken, text);
  cord_spoken_text_add_audio(spoken, ms * MS / 2);
  cord_spoken_text_add_audio(spoken, ms * MS - ms * MS / 2);
  cord_spoken_text_end_piece(spoken);
}

static void
assert_heard(CordSpokenText *spoken, const gchar *text, guint ms, const gchar *expected)
{
  gsize heard = cord_spoken_text_heard(spoken, ms * MS);
  g_autofree gchar *prefix = g_strndup(text, heard);

  g_assert_cmpstr(prefix, ==, expected);
}

static void
test_by_words(void)
{
  const CordTtsWord words[] = { { 3, 200 * MS }, { 8, 400 * MS }, { 14, 1000 * MS } };
  CordSpokenText *spoken = cord_spoken_text_new(1);
  const gchar *text = "One two, three";

  cord_spoken_text_begin_piece(spoken, text);
  cord_spoken_text_set_words(spoken, words, G_N_ELEMENTS(words));
  cord_spoken_text_add_audio(spoken, 1200 * MS);
  cord_spoken_text_end_piece(spoken);
  assert_heard(spoken, text, 0, "");
  /* half a word is a word */
  assert_heard(spoken, text, 99, "");
  assert_heard(spoken, text, 100, "One");
  assert_heard(spoken, text, 299, "One");
  assert_heard(spoken, text, 300, "One two,");
  assert_heard(spoken, text, 699, "One two,");
  assert_heard(spoken, text, 700, "One two, three");
  assert_heard(spoken, text, 9000, "One two, three");
  cord_spoken_text_free(spoken);
}

static void
test_by_share(void)
{
  CordSpokenText *spoken = cord_spoken_text_new(1);
  const gchar *text = "One two three";

  add_piece(spoken, text, 1300);
  assert_heard(spoken, text, 0, "");
  assert_heard(spoken, text, 290, "");
  assert_heard(spoken, text, 300, "One");
  assert_heard(spoken, text, 699, "One");
  assert_heard(spoken, text, 700, "One two");
  assert_heard(spoken, text, 1299, "One two");
  assert_heard(spoken, text, 1300, "One two three");
  cord_spoken_text_free(spoken);
}

static void
test_pieces(void)
{
  CordSpokenText *spoken = cord_spoken_text_new(1);
  const gchar *text = "One two. Three four.";

  add_piece(spoken, "One two.", 800);
  add_piece(spoken, "Three four.", 1100);
  assert_heard(spoken, text, 799, "One");
  assert_heard(spoken, text, 800, "One two.");
  assert_heard(spoken, text, 1200, "One two.");
  assert_heard(spoken, text, 1400, "One two. Three");
  assert_heard(spoken, text, 1900, text);
  g_assert_cmpuint(cord_spoken_text_length(spoken), ==, strlen(text));
  cord_spoken_text_free(spoken);
}

/* Of audio that is still coming, the little that is there is not the whole text. */
static void
test_still_coming(void)
{
  CordSpokenText *spoken = cord_spoken_text_new(1);
  const gchar *text = "This sentence is long and of its audio there is not yet much";

  cord_spoken_text_begin_piece(spoken, text);
  assert_heard(spoken, text, 0, "");
  cord_spoken_text_add_audio(spoken, 400 * MS);
  assert_heard(spoken, text, 400, "This");
  assert_heard(spoken, text, 9000, "This");
  cord_spoken_text_add_audio(spoken, 3500 * MS);
  cord_spoken_text_end_piece(spoken);
  assert_heard(spoken, text, 3900, text);
  cord_spoken_text_free(spoken);
}

static void
test_as_fast_as_before(void)
{
  CordSpokenText *spoken = cord_spoken_text_new(1);
  const gchar *text = "One two three four five six";

  add_piece(spoken, "One two three", 1300);
  cord_spoken_text_begin_piece(spoken, "four five six");
  cord_spoken_text_add_audio(spoken, 650 * MS);
  assert_heard(spoken, text, 1300 + 650, "One two three four");
  cord_spoken_text_free(spoken);
}

static void
test_words_still_coming(void)
{
  const CordTtsWord words[] = { { 3, 200 * MS }, { 7, 400 * MS }, { 13, 900 * MS } };
  CordSpokenText *spoken = cord_spoken_text_new(1);
  const gchar *text = "One two three";

  cord_spoken_text_begin_piece(spoken, text);
  cord_spoken_text_add_audio(spoken, 450 * MS);
  cord_spoken_text_set_words(spoken, words, 2);
  assert_heard(spoken, text, 450, "One two");
  cord_spoken_text_set_words(spoken, words, 3);
  assert_heard(spoken, text, 450, "One two");
  assert_heard(spoken, text, 900, "One two");
  cord_spoken_text_add_audio(spoken, 500 * MS);
  assert_heard(spoken, text, 900, "One two three");
  cord_spoken_text_free(spoken);
}

static void
test_unspoken(void)
{
  CordSpokenText *spoken = cord_spoken_text_new(1);
  const gchar *text = "One two. Nothing. Three four. Nothing more.";

  add_piece(spoken, "One two.", 800);
  add_piece(spoken, "Nothing.", 0);
  add_piece(spoken, "Three four.", 1100);
  add_piece(spoken, "Nothing more.", 0);
  assert_heard(spoken, text, 900, "One two.");
  assert_heard(spoken, text, 1900, "One two. Nothing. Three four.");
  g_assert_cmpuint(cord_spoken_text_length(spoken), ==, strlen("One two. Nothing. Three four."));
  cord_spoken_text_free(spoken);
}

static void
test_nothing(void)
{
  CordSpokenText *spoken = cord_spoken_text_new(7);

  g_assert_cmpuint(cord_spoken_text_get_turn(spoken), ==, 7);
  g_assert_cmpuint(cord_spoken_text_heard(spoken, GST_SECOND), ==, 0);
  g_assert_cmpuint(cord_spoken_text_length(spoken), ==, 0);
  cord_spoken_text_end_piece(spoken);
  cord_spoken_text_add_audio(spoken, GST_SECOND);
  add_piece(spoken, "Nothing.", 0);
  g_assert_cmpuint(cord_spoken_text_heard(spoken, 9 * GST_SECOND), ==, 0);
  g_assert_cmpuint(cord_spoken_text_length(spoken), ==, 0);
  cord_spoken_text_free(spoken);
}

/* No character is cut, whatever the script; where there are no spaces, between two characters. */
static void
test_scripts(void)
{
  static const gchar *const texts[] = {
    "Grüße aus Köln, schöne Straße",
    "您好，我能帮您什么吗？",
    "🎉🎉🎉 fête",
    "Отлично, до встречи",
  };

  for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
    CordSpokenText *spoken = cord_spoken_text_new(1);
    gsize before = 0;

    add_piece(spoken, texts[i], 1000);
    for (guint ms = 0; ms <= 1000; ms++) {
      gsize heard = cord_spoken_text_heard(spoken, ms * MS);

      g_assert_cmpuint(heard, >=, before);
      g_assert_true(g_utf8_validate(texts[i], (gssize)heard, NULL));
      before = heard;
    }
    g_assert_cmpuint(before, ==, strlen(texts[i]));
    cord_spoken_text_free(spoken);
  }
}

static void
test_no_spaces(void)
{
  CordSpokenText *spoken = cord_spoken_text_new(1);
  const gchar *text = "您好我能帮您";

  add_piece(spoken, text, 600);
  assert_heard(spoken, text, 350, "您好我");
  cord_spoken_text_free(spoken);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/spoken-text/a voice that times its words", test_by_words);
  g_test_add_func("/spoken-text/a voice that does not, in proportion", test_by_share);
  g_test_add_func("/spoken-text/pieces follow each other", test_pieces);
  g_test_add_func("/spoken-text/audio that is still coming", test_still_coming);
  g_test_add_func("/spoken-text/a voice is as fast as before", test_as_fast_as_before);
  g_test_add_func("/spoken-text/words are known before they are heard", test_words_still_coming);
  g_test_add_func("/spoken-text/what could not be spoken was not heard", test_unspoken);
  g_test_add_func("/spoken-text/of nothing nothing is heard", test_nothing);
  g_test_add_func("/spoken-text/no character is cut", test_scripts);
  g_test_add_func("/spoken-text/scripts without spaces", test_no_spaces);
  return g_test_run();
}
