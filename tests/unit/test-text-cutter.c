/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-llm-conversation.h"
#include "cord-text-cutter.h"

static void
take_all(CordTextCutter *cutter, GString *pieces)
{
  gchar *piece;

  while ((piece = cord_text_cutter_pop(cutter))) {
    g_string_append_printf(pieces, "[%s]", piece);
    g_free(piece);
  }
}

/* The text in fragments of a size, with a look for pieces after each. */
static gchar *
cut(const gchar *text, gsize size)
{
  g_autoptr(CordTextCutter) cutter = cord_text_cutter_new();
  GString *pieces = g_string_new(NULL);

  for (gsize at = 0; at < strlen(text); at += size) {
    g_autofree gchar *fragment = g_strndup(text + at, MIN(size, strlen(text) - at));

    cord_text_cutter_feed(cutter, fragment);
    take_all(cutter, pieces);
  }
  cord_text_cutter_finish(cutter);
  take_all(cutter, pieces);
  return g_string_free(pieces, FALSE);
}

static const struct {
  const gchar *text;
  const gchar *pieces;
} cases[] = {
  { "Hello. How are you?", "[Hello.][How are you?]" },
  { "Of course I can, that is no problem. Tell me more.",
    "[Of course I can,][that is no problem.][Tell me more.]" },
  { "Yes, sure.", "[Yes, sure.]" },
  { "It costs 3.50 or 1,000 in all. Fine.", "[It costs 3.50 or 1,000 in all.][Fine.]" },
  { "Dr. Baker comes at 9 a.m. on Monday. Then Mr. Lee.",
    "[Dr. Baker comes at 9 a.m. on Monday.][Then Mr. Lee.]" },
  { "We open at 9 a.m. Please come.", "[We open at 9 a.m.][Please come.]" },
  { "See www.example.com for it. Bye!", "[See example.com for it.][Bye!]" },
  { "Go to https://www.example.com/a/b?c=1.5&d=2. Then call.", "[Go to example.com.][Then call.]" },
  { "Mail: (https://example.org), or http://a.example/x!", "[Mail: (example.org), or a.example!]" },
  { "How wonderful, what a happy day.", "[How wonderful, what a happy day.]" },
  { "![a cat](http://x.example/c.png) It is a <b>cat</b>.<br>Is 1 < 2?",
    "[a cat It is a cat.Is 1 < 2?]" },
  { "\xe2\x80\xa2 One\n\xe2\x80\xa2 Two\n", "[One][Two]" },
  { "| Day | Time |\n|---|---|\n| Monday | nine |\n", "[Day Time][Monday nine]" },
  { "## Our hours\n\nWe open at 9.", "[Our hours][We open at 9.]" },
  { "> quoted\n- a\n- b\n", "[quoted][a][b]" },
  { "Er kommt am 3. Mai um 9 Uhr. Gut.", "[Er kommt am 3. Mai um 9 Uhr.][Gut.]" },
  { "It opens at 9. Maybe later.", "[It opens at 9.][Maybe later.]" },
  { "Das ist z.B. die Nr. 5 in der Str. dort. Ja.",
    "[Das ist z.B. die Nr. 5 in der Str. dort.][Ja.]" },
  { "\xe4\xbd\xa0\xe5\xa5\xbd\xe3\x80\x82\xe5\x86\x8d\xe8\xa7\x81\xe3\x80\x82",
    "[\xe4\xbd\xa0\xe5\xa5\xbd\xe3\x80\x82][\xe5\x86\x8d\xe8\xa7\x81\xe3\x80\x82]" },
  { "1\xef\xb8\x8f\xe2\x83\xa3 first \xe2\xad\x90 \xf0\x9f\x87\xa9\xf0\x9f\x87\xaa ok",
    "[1 first ok]" },
  { "Version 2.0.1 of e.g. U.S. law, i.e. No. 5, costs $3.50. Ok?",
    "[Version 2.0.1 of e.g. U.S. law,][i.e. No. 5, costs $3.50.][Ok?]" },
  { "Use `ls -l`:\n```sh\nls -l\n```\nThat is all.", "[Use ls -l:][That is all.]" },
  { "**Bold** and `code` and [a link](http://x.example/).", "[Bold and code and a link.]" },
  { "Look: ```int x = 1; return.``` Done.", "[Look: Done.]" },
  { "Gr\xc3\xbc\xc3\x9f Gott! \xf0\x9f\x98\x80 Ja.", "[Gr\xc3\xbc\xc3\x9f Gott!][Ja.]" },
  { "1. First\n2. Second\n", "[1. First][2. Second]" },
  { "", "" },
  { "...", "" },
};

static void
test_pieces(void)
{
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree gchar *whole = cut(cases[i].text, 10000);

    g_assert_cmpstr(whole, ==, cases[i].pieces);
  }
}

static void
test_fragments_do_not_matter(void)
{
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    for (gsize size = 1; size <= strlen(cases[i].text); size++) {
      g_autofree gchar *pieces = cut(cases[i].text, size);

      g_assert_cmpstr(pieces, ==, cases[i].pieces);
    }
  }
}

static void
test_code_without_end(void)
{
  g_autoptr(CordTextCutter) cutter = cord_text_cutter_new();
  g_autoptr(GString) pieces = g_string_new(NULL);

  cord_text_cutter_feed(cutter, "Look: ```");
  for (guint i = 0; i < 100000; i++) {
    cord_text_cutter_feed(cutter, "int i; ``");
    take_all(cutter, pieces);
  }
  cord_text_cutter_feed(cutter, "``` Done.");
  cord_text_cutter_finish(cutter);
  take_all(cutter, pieces);
  g_assert_cmpstr(pieces->str, ==, "[Look: Done.]");
}

/* JSON is not for a voice. */
static void
test_verbatim(void)
{
  const gchar *text = " ```json\n{\"name\": \"**Ada** \xf0\x9f\x98\x80\", \"n\": [1. 2]}\n``` ";
  g_autoptr(CordTextCutter) cutter = cord_text_cutter_new();
  g_autofree gchar *piece = NULL;

  cord_text_cutter_set_verbatim(cutter, TRUE);
  for (const gchar *p = text; *p; p++) {
    gchar fragment[] = { *p, '\0' };

    cord_text_cutter_feed(cutter, fragment);
    g_assert_null(cord_text_cutter_pop(cutter));
  }
  cord_text_cutter_finish(cutter);
  piece = cord_text_cutter_pop(cutter);
  g_assert_cmpstr(piece, ==, text);
  g_assert_null(cord_text_cutter_pop(cutter));
}

static void
test_verbatim_without_end(void)
{
  g_autoptr(CordTextCutter) cutter = cord_text_cutter_new();
  g_autofree gchar *piece = NULL;

  cord_text_cutter_set_verbatim(cutter, TRUE);
  for (guint i = 0; i < 1000000; i++)
    cord_text_cutter_feed(cutter, "{\xc3");
  cord_text_cutter_finish(cutter);
  piece = cord_text_cutter_pop(cutter);
  g_assert_cmpuint(strlen(piece), <, 1024 * 1024);
  g_assert_true(g_utf8_validate(piece, -1, NULL));
}

static void
test_history_is_what_was_heard(void)
{
  g_autoptr(CordLlmConversation) conversation = cord_llm_conversation_new();
  g_autofree gchar *heard = NULL;
  g_autofree gchar *nothing = NULL;

  cord_llm_conversation_add_user(conversation, 1, "hello");
  cord_llm_conversation_set_assistant(conversation, 1, "Good morning to you");
  heard = cord_llm_conversation_cut_assistant(conversation, 1, 14);
  g_assert_cmpstr(heard, ==, "Good morning");
  g_assert_cmpuint(cord_llm_conversation_get_length(conversation), ==, 2);
  nothing = cord_llm_conversation_cut_assistant(conversation, 1, 0);
  g_assert_cmpstr(nothing, ==, "");
  g_assert_cmpuint(cord_llm_conversation_get_length(conversation), ==, 1);
}

static void
test_oldest_turns_go_first(void)
{
  g_autoptr(CordLlmConversation) conversation = cord_llm_conversation_new();

  cord_llm_conversation_set_max_turns(conversation, 2);
  for (guint turn = 1; turn <= 5; turn++) {
    cord_llm_conversation_add_user(conversation, turn, "question");
    cord_llm_conversation_set_assistant(conversation, turn, "answer");
  }
  g_assert_cmpuint(cord_llm_conversation_get(conversation, 0)->turn, ==, 4);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/llm/text is cut where it can be spoken", test_pieces);
  g_test_add_func("/llm/pieces do not depend on the fragments", test_fragments_do_not_matter);
  g_test_add_func("/llm/code without end costs no time", test_code_without_end);
  g_test_add_func("/llm/what is for a program is left as it is", test_verbatim);
  g_test_add_func("/llm/what is for a program has an end", test_verbatim_without_end);
  g_test_add_func("/llm/the history holds what was heard", test_history_is_what_was_heard);
  g_test_add_func("/llm/the oldest turns go first", test_oldest_turns_go_first);
  return g_test_run();
}
