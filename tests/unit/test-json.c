/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-json.h"

#include <string.h>

#include "cord-error.h"

static const gchar *const good[] = {
  "{}",
  "[]",
  " \t\r\n[ 1 , 2 ] \n",
  "null",
  "true",
  "\"\"",
  "0",
  "-0",
  "-0.5e-3",
  "1E+2",
  "9223372036854775807",
  "-9223372036854775808",
  "1e308",
  "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\ud83d\\ude00\"",
  "\"gr\xc3\xbc\xc3\x9f"
  "e\"",
  "{\"a\":{\"b\":[{\"c\":null}]},\"d\":[]}",
  "{\"a\":1,\"a\":2}",
  "\"\x7f\"",
};

static const gchar *const bad[] = {
  "",
  " ",
  "{",
  "[",
  "}",
  "]",
  "[1",
  "[1,",
  "[1,]",
  "[,1]",
  "[1 2]",
  "[1}",
  "{\"a\"}",
  "{\"a\":}",
  "{\"a\":1,}",
  "{,}",
  "{a:1}",
  "{'a':1}",
  "{1:2}",
  "{\"a\" 1}",
  "{\"a\":1]",
  "[]]",
  "1 2",
  "nul",
  "nulll",
  "True",
  "NaN",
  "-",
  "+1",
  "01",
  "-01",
  "1.",
  ".5",
  "1e",
  "1e+",
  "0x10",
  "1e999",
  "-1e999",
  "9223372036854775808",
  "-9223372036854775809",
  "\"",
  "\"\\",
  "\"\\\"",
  "\"\\x\"",
  "\"\\u12\"",
  "\"\\u12g4\"",
  "\"\\ud800\"",
  "\"\\ud800x\"",
  "\"\\ud800\\n\"",
  "\"\\ud800\\ud800\"",
  "\"\\udc00\"",
  "\"\\u0000\"",
  "\"\t\"",
  "\"\n\"",
  "/* */1",
  "1 // x",
  "\xef\xbb\xbf"
  "1",
  "\"\xff\"",
  "\"\xc0\xaf\"",
  "\"\xed\xa0\x80\"",
  "\"\xe2\x82",
};

static void
test_good(void)
{
  for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonNode) node = cord_json_parse(good[i], -1, 0, 0, &error);

    g_assert_no_error(error);
    g_assert_nonnull(node);
  }
}

static void
test_bad(void)
{
  for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonNode) node = cord_json_parse(bad[i], -1, 0, 0, &error);

    if (node)
      g_error("%s was read", bad[i]);
    g_assert_error(error, CORD_ERROR, CORD_ERROR_INVALID);
  }
}

/* A text that is cut anywhere is refused, and nothing behind the cut is looked at. */
static void
test_cut(void)
{
  const gchar *text = "{\"event\":\"start\",\"n\":-1.5e3,\"b\":[true,false,null,\"\\u00e4\\\\\"]}";

  for (gsize size = 0; size < strlen(text); size++) {
    g_autoptr(GError) error = NULL;
    g_autofree gchar *exact = g_memdup2(text, size);

    g_assert_null(cord_json_parse(exact, (gssize)size, 0, 0, &error));
    g_assert_error(error, CORD_ERROR, CORD_ERROR_INVALID);
  }
}

static void
test_nul(void)
{
  g_autoptr(GError) error = NULL;

  g_assert_false(cord_json_scan("[1]\0", 4, 32, &error));
  g_assert_error(error, CORD_ERROR, CORD_ERROR_INVALID);
  g_assert_cmpstr(error->message, ==, "not JSON: something after the end, at byte 3");
}

static void
test_depth(void)
{
  g_autofree gchar *brackets = g_strnfill(130000, '[');
  g_autofree gchar *objects = g_malloc(130000);
  g_autoptr(JsonNode) deepest = NULL;
  g_autoptr(GString) text = g_string_new(NULL);
  g_autoptr(GError) error = NULL;

  g_assert_null(cord_json_parse(brackets, -1, 0, 0, &error));
  g_assert_error(error, CORD_ERROR, CORD_ERROR_TOO_LARGE);
  g_clear_error(&error);
  for (guint i = 0; i < 26000; i++)
    memcpy(objects + 5 * i, "[{\"\":", 5);
  g_assert_null(cord_json_parse(objects, 130000, 0, 0, &error));
  g_assert_error(error, CORD_ERROR, CORD_ERROR_TOO_LARGE);
  g_clear_error(&error);

  /* 32 levels are taken, 33 are not; siblings do not add up */
  for (guint i = 0; i < 31; i++)
    g_string_append(text, "[[],[],");
  g_string_append(text, "[]");
  for (guint i = 0; i < 31; i++)
    g_string_append(text, "]");
  deepest = cord_json_parse(text->str, -1, 32, 0, &error);
  g_assert_no_error(error);
  g_assert_null(cord_json_parse(text->str, -1, 31, 0, &error));
  g_assert_error(error, CORD_ERROR, CORD_ERROR_TOO_LARGE);
  g_clear_error(&error);
  g_assert_null(cord_json_parse(brackets, -1, G_MAXUINT, 0, &error));
  g_assert_error(error, CORD_ERROR, CORD_ERROR_TOO_LARGE);
}

static void
test_size(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(JsonNode) node = cord_json_parse("[1,2,3]", -1, 0, 7, &error);

  g_assert_no_error(error);
  g_assert_null(cord_json_parse("[1,2,34]", -1, 0, 7, &error));
  g_assert_error(error, CORD_ERROR, CORD_ERROR_TOO_LARGE);
}

static void
test_getters(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(JsonObject) object = cord_json_parse_object(
      "{\"s\":\"x\",\"i\":7,\"d\":0.5,\"b\":true,\"o\":{},\"a\":[],\"n\":null}", -1, &error);
  gint64 integer = 0;
  gdouble number = 0;
  gboolean truth = FALSE;

  g_assert_no_error(error);
  g_assert_cmpstr(cord_json_get_string(object, "s", &error), ==, "x");
  g_assert_true(cord_json_get_int(object, "i", &integer, &error));
  g_assert_cmpint(integer, ==, 7);
  g_assert_true(cord_json_get_double(object, "d", &number, &error));
  g_assert_cmpfloat(number, ==, 0.5);
  g_assert_true(cord_json_get_double(object, "i", &number, &error));
  g_assert_cmpfloat(number, ==, 7);
  g_assert_true(cord_json_get_boolean(object, "b", &truth, &error));
  g_assert_true(truth);
  g_assert_nonnull(cord_json_get_object(object, "o", &error));
  g_assert_nonnull(cord_json_get_array(object, "a", &error));
  g_assert_no_error(error);

  g_assert_null(cord_json_get_string(object, "i", &error));
  g_assert_error(error, CORD_ERROR, CORD_ERROR_INVALID);
  g_assert_cmpstr(error->message, ==, "\"i\" is not a string");
  g_clear_error(&error);
  g_assert_false(cord_json_get_int(object, "d", &integer, &error));
  g_assert_cmpstr(error->message, ==, "\"d\" is not an integer");
  g_clear_error(&error);
  g_assert_null(cord_json_get_object(object, "n", &error));
  g_assert_cmpstr(error->message, ==, "\"n\" is not an object");
  g_clear_error(&error);
  g_assert_null(cord_json_get_array(object, "z", &error));
  g_assert_cmpstr(error->message, ==, "\"z\" is missing; an array is wanted");
  g_clear_error(&error);
  g_assert_false(cord_json_get_boolean(NULL, "z", &truth, &error));
  g_assert_error(error, CORD_ERROR, CORD_ERROR_INVALID);

  g_assert_cmpstr(cord_json_peek_string(object, "i", "else"), ==, "else");
  g_assert_cmpint(cord_json_peek_int(object, "s", 3), ==, 3);
  g_assert_cmpfloat(cord_json_peek_double(object, "i", 3), ==, 7);
  g_assert_true(cord_json_peek_boolean(object, "s", TRUE));
  g_assert_null(cord_json_peek_object(NULL, "o"));
  g_assert_null(cord_json_peek_array(object, "o"));
}

static void
test_not_an_object(void)
{
  g_autoptr(GError) error = NULL;

  g_assert_null(cord_json_parse_object("[]", -1, &error));
  g_assert_error(error, CORD_ERROR, CORD_ERROR_INVALID);
}

static void
test_print(void)
{
  static const gchar *const lines[] = {
    "{\"a\":1,\"b\":[true,false,null],\"c\":{\"d\":\"e\"}}",
    "[0.1,0.7,1e+22,1e-07,5.0,-0.0,1e+308,0.30000000000000004]",
    "[\"\\\"\\\\\\n\\u0001/\",\"gr\xc3\xbc\xc3\x9f"
    "e\",\"\"]",
    "[]",
    "{}",
    "\"x\"",
    "{\"\":{\"z\":1,\"a\":2}}",
  };

  for (guint i = 0; i < G_N_ELEMENTS(lines); i++) {
    g_autoptr(JsonNode) node = cord_json_parse(lines[i], -1, 0, 0, NULL);
    g_autofree gchar *text = NULL;

    g_assert_nonnull(node);
    text = cord_json_print(node);
    g_assert_cmpstr(text, ==, lines[i]);
    if (JSON_NODE_HOLDS_OBJECT(node)) {
      g_autofree gchar *same = cord_json_print_object(json_node_get_object(node));

      g_assert_cmpstr(same, ==, lines[i]);
    }
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/json/what is JSON is read", test_good);
  g_test_add_func("/json/what is not is refused", test_bad);
  g_test_add_func("/json/a text that is cut anywhere is refused", test_cut);
  g_test_add_func("/json/a NUL does not end a text", test_nul);
  g_test_add_func("/json/130,000 brackets are an error", test_depth);
  g_test_add_func("/json/a text over its limit is refused", test_size);
  g_test_add_func("/json/getters say which member is wrong", test_getters);
  g_test_add_func("/json/a list is no object", test_not_an_object);
  g_test_add_func("/json/what is written is what was read", test_print);
  return g_test_run();
}
