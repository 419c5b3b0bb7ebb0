/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-tts-words.h"

#include <string.h>

#define MS(ms) ((ms)*GST_MSECOND)

static void
setup(CordTtsWords **words, gconstpointer data)
{
  *words = cord_tts_words_new();
}

static void
teardown(CordTtsWords **words, gconstpointer data)
{
  cord_tts_words_free(*words);
}

/* As if each byte took 10 ms */
static void
add(CordTtsWords *words, const gchar *text, guint offset_ms)
{
  GstClockTime ends[64];

  for (gsize i = 0; i < strlen(text); i++)
    ends[i] = MS((i + 1) * 10);
  cord_tts_words_add_characters(words, text, ends, MS(offset_ms));
}

static void
assert_words(CordTtsWords *words, const gchar *expected)
{
  g_autoptr(GString) text = g_string_new(NULL);
  guint n;
  const CordTtsWord *list = cord_tts_words_get(words, &n);

  for (guint i = 0; i < n; i++)
    g_string_append_printf(text, "%zu@%u;", list[i].text_end,
                           (guint)(list[i].audio_end / GST_MSECOND));
  g_assert_cmpstr(text->str, ==, expected);
}

static void
test_characters(CordTtsWords **words, gconstpointer data)
{
  cord_tts_words_begin(*words, "Well, yes.");
  /* the space that was behind the text before it */
  add(*words, " Wel", 0);
  g_assert_false(cord_tts_words_are_all(*words));
  add(*words, "l, ye", 40);
  assert_words(*words, "5@60;");
  add(*words, "s. and more", 90);
  assert_words(*words, "5@60;10@110;");
  g_assert_true(cord_tts_words_are_all(*words));
}

static void
test_words(CordTtsWords **words, gconstpointer data)
{
  cord_tts_words_begin(*words, "On May 14, \"really\".");
  cord_tts_words_add_word(*words, "On", MS(100));
  cord_tts_words_add_word(*words, "May", MS(200));
  cord_tts_words_add_word(*words, "fourteen", MS(300));
  cord_tts_words_add_word(*words, "", MS(350));
  cord_tts_words_add_word(*words, "really", MS(400));
  assert_words(*words, "2@100;6@200;20@400;");
}

static void
test_resume(CordTtsWords **words, gconstpointer data)
{
  cord_tts_words_begin(*words, "One two  three.");
  add(*words, "One two ", 0);
  /* of "two" 20 of 30 ms were heard */
  g_assert_true(cord_tts_words_resume(*words, MS(60)));
  g_assert_cmpstr(cord_tts_words_get_rest(*words), ==, "two  three.");
  assert_words(*words, "3@30;");
  add(*words, "two  ", 60);
  assert_words(*words, "3@30;7@90;");
  g_assert_true(cord_tts_words_resume(*words, MS(90)));
  g_assert_cmpstr(cord_tts_words_get_rest(*words), ==, "three.");
  add(*words, "three.", 90);
  g_assert_false(cord_tts_words_resume(*words, MS(150)));
}

static void
test_resume_unknown(CordTtsWords **words, gconstpointer data)
{
  cord_tts_words_begin(*words, "One two.");
  g_assert_true(cord_tts_words_resume(*words, 0));
  g_assert_cmpstr(cord_tts_words_get_rest(*words), ==, "One two.");
  /* some of it was heard, nobody knows what */
  g_assert_false(cord_tts_words_resume(*words, MS(10)));
  /* half a word */
  add(*words, "On", 0);
  g_assert_true(cord_tts_words_resume(*words, MS(20)));
  g_assert_cmpstr(cord_tts_words_get_rest(*words), ==, "One two.");
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
#define ADD(name, func) g_test_add("/tts-words/" name, CordTtsWords *, NULL, setup, func, teardown)
  ADD("characters come in any pieces", test_characters);
  ADD("words come without punctuation, or are others", test_words);
  ADD("what was not wholly heard is said again", test_resume);
  ADD("where nobody knows what was heard", test_resume_unknown);
  return g_test_run();
}
