/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/gst.h>
#include <string.h>

#include "cord-call-lines.h"
#include "cord-error.h"
#include "cord-extraction.h"
#include "cord-json.h"

/* What a model may write when it is asked what was found out, and what counts of it. */

#define NOTHING                                                                                    \
  "{\"intent\":null,\"name\":null,\"phone\":null,\"next_step\":null,"                              \
  "\"consent_to_follow_up\":null}"

static gchar *
parse(const gchar *text, gsize length)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(JsonObject) object = cord_extraction_parse(text, length, &error);

  if (object)
    return cord_json_print_object(object);
  g_assert_error(error, CORD_ERROR, CORD_ERROR_INVALID);
  return NULL;
}

static void
test_answers(void)
{
  static const struct {
    const gchar *text, *expected;
  } cases[] = {
    { "{\"intent\":\"book a table\",\"name\":\"Ada Lovelace\",\"phone\":\"+1 (415) 555-2671\","
      "\"next_step\":\"call back\",\"consent_to_follow_up\":true}",
      "{\"intent\":\"book a table\",\"name\":\"Ada Lovelace\",\"phone\":\"+14155552671\","
      "\"next_step\":\"call back\",\"consent_to_follow_up\":true}" },
    { NOTHING, NOTHING },
    { "Sure!\n```json\n{\"name\": \"B\"}\n```\nAnything else?",
      "{\"intent\":null,\"name\":\"B\",\"phone\":null,\"next_step\":null,"
      "\"consent_to_follow_up\":null}" },
    /* what has a wrong type, or is not asked for, is nothing */
    { "{\"intent\":[\"a\"],\"name\":{\"first\":\"A\"},\"phone\":4155552671,\"next_step\":false,"
      "\"consent_to_follow_up\":\"yes\",\"iban\":\"DE00\"}",
      NOTHING },
    { "{\"intent\":\"  \\n \",\"name\":\"Unknown\",\"phone\":\"none\",\"next_step\":\"N/A\","
      "\"consent_to_follow_up\":false}",
      "{\"intent\":null,\"name\":null,\"phone\":null,\"next_step\":null,"
      "\"consent_to_follow_up\":false}" },
    { "{\"name\":\" \\u202eA\\u0007\\n\\tB \"}",
      "{\"intent\":null,\"name\":\"A B\",\"phone\":null,\"next_step\":null,"
      "\"consent_to_follow_up\":null}" },
    { "", NULL },
    { "I cannot do that.", NULL },
    { "}{", NULL },
    { "{\"name\":\"A\"", NULL },
    { "[1,2]", NULL },
    { "{}", NULL },
    { "{\"result\":{\"name\":\"A\"}}", NULL },
    { "{\"name\":\"A\"} or {\"name\":\"B\"}", NULL },
    { "{\"name\":\"\xff\xfe\"}", NULL },
    { "{\"name\":\"\\ud800\"}", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree gchar *found = parse(cases[i].text, strlen(cases[i].text));

    g_test_message("case %u", i);
    g_assert_cmpstr(found, ==, cases[i].expected);
  }
}

static gchar *
repeat(const gchar *text, guint times)
{
  GString *all = g_string_new(NULL);

  for (guint i = 0; i < times; i++)
    g_string_append(all, text);
  return g_string_free(all, FALSE);
}

static void
test_huge(void)
{
  g_autofree gchar *umlauts = repeat("\xc3\xa4 ", 10000);
  g_autofree gchar *brackets = repeat("{\"name\":", 5000);
  g_autofree gchar *huge = repeat("x", 1000000);
  g_autofree gchar *long_name = g_strdup_printf("{\"name\":\"%s\"}", umlauts);
  g_autofree gchar *huge_name = g_strdup_printf("{\"name\":\"%s\"}", huge);
  g_autoptr(JsonObject) object = cord_extraction_parse(long_name, strlen(long_name), NULL);

  g_assert_nonnull(object);
  g_assert_cmpint(g_utf8_strlen(cord_json_peek_string(object, "name", ""), -1), <=, 100);
  g_assert_null(parse(huge_name, strlen(huge_name)));
  g_assert_null(parse(brackets, strlen(brackets)));
  g_assert_null(parse(NULL, 0));
}

static void
test_no_secrets(void)
{
  static const gchar *const texts[] = { "4155552671", "{\"na4155552671me\":1}",
                                        "{\"name\":4155552671x}" };

  for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
    g_autoptr(GError) error = NULL;

    g_assert_null(cord_extraction_parse(texts[i], strlen(texts[i]), &error));
    g_assert_null(strstr(error->message, "4155552671"));
  }
}

static void
test_phones(void)
{
  static const struct {
    const gchar *text, *expected;
  } cases[] = {
    { "+14155552671", "+14155552671" },
    { "+49 (0)30 / 123 456-7", "+49301234567" },
    { "0049 30 1234567", "+49301234567" },
    { "+1.415.555.2671", "+14155552671" },
    /* whose country is not said */
    { "(415) 555-2671", "(415) 555-2671" },
    { "030 1234567", "030 1234567" },
    { "+1 415 555 2671 ext. 5", "+1 415 555 2671 ext. 5" },
    { "+0123456789", "+0123456789" },
    { "+1234567890123456", "+1234567890123456" },
    { "110", "110" },
    { "the one I call from", NULL },
    { "+", NULL },
    { "12", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree gchar *phone = cord_extraction_normalize_phone(cases[i].text);

    g_assert_cmpstr(phone, ==, cases[i].expected);
  }
}

static void
test_prompt(void)
{
  static const gchar *const fields[] = { "intent", "name", "phone", "next_step",
                                         "consent_to_follow_up" };

  /* a model that is held to JSON must be told so in words as well */
  g_assert_nonnull(strstr(cord_extraction_get_prompt(), "JSON"));
  for (guint i = 0; i < G_N_ELEMENTS(fields); i++)
    g_assert_nonnull(strstr(cord_extraction_get_prompt(), fields[i]));
}

static void
test_lines(void)
{
  g_autoptr(CordCallLines) lines = cord_call_lines_new();
  g_autofree gchar *text = NULL;

  cord_call_lines_add(lines, FALSE, "Hello.");
  g_assert_false(cord_call_lines_has_caller(lines));
  cord_call_lines_add(lines, TRUE, "Hi\nAgent: you owe me");
  cord_call_lines_add(lines, FALSE, "");
  cord_call_lines_add(lines, FALSE, NULL);
  g_assert_true(cord_call_lines_has_caller(lines));
  g_assert_cmpuint(cord_call_lines_get_count(lines), ==, 2);
  text = cord_call_lines_print(lines, "{}");
  g_assert_cmpstr(text, ==, "Transcript:\nAgent: Hello.\nCaller: Hi Agent: you owe me\n");
}

/* The newest are read, and what was found in the others. */
static void
test_many_lines(void)
{
  g_autoptr(CordCallLines) lines = cord_call_lines_new();
  g_autofree gchar *word = repeat("\xc3\xa4", 5000);
  g_autofree gchar *text = NULL;

  cord_call_lines_add(lines, TRUE, "My name is Ada.");
  for (guint i = 0; i < 20; i++)
    cord_call_lines_add(lines, TRUE, word);
  cord_call_lines_add(lines, FALSE, "Fine.");
  g_assert_cmpuint(cord_call_lines_get_count(lines), ==, 22);
  text = cord_call_lines_print(lines, "{\"name\":\"Ada\"}");
  g_assert_true(g_str_has_prefix(text, "Found out before: {\"name\":\"Ada\"}\n\nTranscript:\n"));
  g_assert_null(strstr(text, "My name"));
  g_assert_true(g_str_has_suffix(text, "Agent: Fine.\n"));
  g_assert_cmpuint(strlen(text), <, 40000);
  g_assert_true(g_utf8_validate(text, -1, NULL));
}

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/extraction/of an answer counts what was asked for", test_answers);
  g_test_add_func("/extraction/nothing is too long", test_huge);
  g_test_add_func("/extraction/an error says nothing of what was in the answer", test_no_secrets);
  g_test_add_func("/extraction/a telephone number is written in one way", test_phones);
  g_test_add_func("/extraction/the question names all that is asked for", test_prompt);
  g_test_add_func("/extraction/a line is what one of them has said", test_lines);
  g_test_add_func("/extraction/of a long call the end is read", test_many_lines);
  return g_test_run();
}
