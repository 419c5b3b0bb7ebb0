/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "jsgf-hints.h"

#include <string.h>

#define HEAD "#JSGF V1.0;\ngrammar hints;\npublic <hint> = "

static gboolean
knows(const gchar *word, gpointer data)
{
  return strstr(word, "xyzzy") == NULL &&
         (!g_str_has_suffix(word, ".") || g_str_equal(word, "p.m."));
}

static void
assert_grammar(const gchar *hints, const gchar *expected)
{
  g_autofree gchar *grammar = jsgf_from_hints(hints, knows, NULL, NULL);
  g_autofree gchar *whole = expected ? g_strdup_printf(HEAD "%s;\n", expected) : NULL;

  g_assert_cmpstr(grammar, ==, whole);
}

static void
test_phrases(void)
{
  assert_grammar("yes please", "yes please ");
  assert_grammar("yes|no", "yes | no ");
  assert_grammar("yes\nno\n\n", "yes | no ");
  assert_grammar("Yes, please!", "yes please ");
  assert_grammar("I don't know", "i don't know ");
  assert_grammar("Dr. Smith at 5 p.m.", "dr smith at 5 p.m. ");
}

static void
test_choices(void)
{
  assert_grammar("on (monday|tuesday) morning", "on ( monday | tuesday ) morning ");
  assert_grammar("[yes] please", "[ yes ] please ");
  assert_grammar("a (b [c] | d)|e", "a ( b [ c ] | d ) | e ");
}

static void
test_unusable(void)
{
  assert_grammar("", NULL);
  assert_grammar("|||", NULL);
  assert_grammar("!?", NULL);
  assert_grammar("()", NULL);
  assert_grammar("a (b", NULL);
  assert_grammar("a b)", NULL);
  assert_grammar("a (b]", NULL);
  assert_grammar("a (b|)", NULL);
  assert_grammar("a (|b)", NULL);
  assert_grammar("(a|", NULL);
  /* what is wrong in one phrase does not spoil the next */
  assert_grammar("a (b\nyes", "yes ");
  assert_grammar("a )b|no", "no ");
}

/* A grammar is a language of its own; nothing of a phrase may become a part of it. */
static void
test_no_grammar_in_phrases(void)
{
  assert_grammar("a; public <x> = b", "a public x b ");
  assert_grammar("/1.5/ <NULL> {tag} \"quoted\" *+=", "1.5 null tag quoted ");
  assert_grammar("// comment", "comment ");
}

static void
test_missing(void)
{
  g_autoptr(GPtrArray) missing = g_ptr_array_new_with_free_func(g_free);
  g_autofree gchar *grammar =
      jsgf_from_hints("ask Xyzzyplugh|yes|xyzzyplugh again|xyzzy", knows, NULL, missing);

  g_assert_cmpstr(grammar, ==, HEAD "yes ;\n");
  g_assert_cmpuint(missing->len, ==, 2);
  g_assert_cmpstr(missing->pdata[0], ==, "xyzzyplugh");
  g_assert_cmpstr(missing->pdata[1], ==, "xyzzy");
}

static void
test_too_many(void)
{
  g_autoptr(GString) hints = g_string_new(NULL);
  g_autofree gchar *grammar = NULL;
  guint bars = 0;

  for (guint i = 0; i < 2000; i++)
    g_string_append_printf(hints, "word %u\n", i);
  grammar = jsgf_from_hints(hints->str, knows, NULL, NULL);
  for (const gchar *at = grammar; (at = strchr(at, '|')); at++)
    bars++;
  g_assert_cmpuint(bars, ==, 499);
}

static void
test_similarity(void)
{
  g_assert_cmpfloat(hints_similarity("", ""), ==, 1);
  g_assert_cmpfloat(hints_similarity("", "a"), ==, 0);
  g_assert_cmpfloat(hints_similarity("same", "same"), ==, 1);
  g_assert_cmpfloat(hints_similarity("abcd", "abxd"), ==, 0.75);
  g_assert_cmpfloat(hints_similarity("abcd", "abcde"), ==, 0.8);
  g_assert_cmpfloat(hints_similarity("abc", "xyz"), ==, 0);
  g_assert_cmpfloat(hints_similarity("kitten", "sitting"), ==,
                    hints_similarity("sitting", "kitten"));
}

static void
test_similarity_of_much(void)
{
  g_autofree gchar *a = g_strnfill(100000, 'a');
  g_autofree gchar *b = g_strnfill(100000, 'b');

  g_assert_cmpfloat(hints_similarity(a, a), ==, 1);
  g_assert_cmpfloat(hints_similarity(a, b), ==, 0);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/jsgf-hints/each phrase is an utterance", test_phrases);
  g_test_add_func("/jsgf-hints/choices and what may be left out", test_choices);
  g_test_add_func("/jsgf-hints/a phrase that makes no sense is left out", test_unusable);
  g_test_add_func("/jsgf-hints/a phrase is no grammar", test_no_grammar_in_phrases);
  g_test_add_func("/jsgf-hints/words that are not in the dictionary are told once", test_missing);
  g_test_add_func("/jsgf-hints/there is an end to phrases", test_too_many);
  g_test_add_func("/jsgf-hints/how alike two texts are", test_similarity);
  g_test_add_func("/jsgf-hints/long texts are compared in short time", test_similarity_of_much);
  return g_test_run();
}
