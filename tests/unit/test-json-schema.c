/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-json-schema.h"
#include "cord-json.h"

/* "POINTER what is wrong;" for each, after a value was held against a schema. */
static gchar *
check(const gchar *schema, const gchar *value)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(JsonNode) document = cord_json_parse(schema, -1, 0, 0, &error);
  g_autoptr(JsonNode) node = NULL;
  g_autoptr(GPtrArray) faults = NULL;
  g_autoptr(GString) text = g_string_new(NULL);
  JsonObject *root;

  g_assert_no_error(error);
  node = cord_json_parse(value, -1, 0, 0, &error);
  g_assert_no_error(error);
  root = json_node_get_object(document);
  faults = cord_json_schema_check(root, root, node, "");
  for (guint i = 0; i < faults->len; i++) {
    const CordJsonFault *fault = faults->pdata[i];

    g_string_append_printf(text, "%s %s;", fault->pointer, fault->detail);
  }
  return g_strdup(text->str);
}

typedef struct {
  const gchar *schema;
  const gchar *value;
  const gchar *faults;
} Case;

static void
run(const Case *cases, guint n)
{
  for (guint i = 0; i < n; i++) {
    g_autofree gchar *faults = check(cases[i].schema, cases[i].value);

    g_test_message("%s against %s", cases[i].value, cases[i].schema);
    g_assert_cmpstr(faults, ==, cases[i].faults);
  }
}

static void
test_types(void)
{
  static const Case cases[] = {
    { "{}", "12", "" },
    { "{\"type\":\"string\"}", "\"a\"", "" },
    { "{\"type\":\"string\"}", "1", " must be string, not integer;" },
    { "{\"type\":\"integer\"}", "1.5", " must be integer, not number;" },
    { "{\"type\":\"integer\"}", "1.0", "" },
    { "{\"type\":\"number\"}", "1", "" },
    { "{\"type\":\"boolean\"}", "0", " must be boolean, not integer;" },
    { "{\"type\":[\"string\",\"null\"]}", "null", "" },
    { "{\"type\":[\"string\",\"null\"]}", "[]", " must be string or null, not array;" },
    { "{\"const\":true}", "true", "" },
    { "{\"const\":true}", "false", " must be true;" },
    { "{\"enum\":[\"a\",null]}", "null", "" },
    { "{\"enum\":[\"a\",1]}", "\"b\"", " must be one of \"a\", 1;" },
  };

  run(cases, G_N_ELEMENTS(cases));
}

static void
test_strings(void)
{
  static const Case cases[] = {
    { "{\"minLength\":1}", "\"\"", " must not be empty;" },
    { "{\"maxLength\":2}", "\"\xc3\xa4\xc3\xb6\"", "" },
    { "{\"maxLength\":2}", "\"abc\"", " must have at most 2 characters;" },
    { "{\"pattern\":\"^[a-z]+$\"}", "\"ab\"", "" },
    { "{\"pattern\":\"^[a-z]+$\"}", "\"ab\\n\"", " must look like ^[a-z]+$;" },
    { "{\"format\":\"uuid\"}", "\"x\"", " must be a UUID;" },
    { "{\"format\":\"uuid\"}", "\"00000000-0000-4000-8000-000000000000\"", "" },
    { "{\"format\":\"date-time\"}", "\"yesterday\"", " must be a time as RFC 3339 writes it;" },
    { "{\"format\":\"date-time\"}", "\"2026-01-02T03:04:05Z\"", "" },
    { "{\"format\":\"uri\"}", "\"https://example.com/a?b\"", "" },
    { "{\"format\":\"uri\"}", "\"file:///etc/passwd\"",
      " must be an http:// or https:// address;" },
    { "{\"format\":\"uri\"}", "\"javascript:alert(1)\"",
      " must be an http:// or https:// address;" },
    { "{\"format\":\"e164\"}", "\"+15005550006\"", "" },
    { "{\"format\":\"e164\"}", "\"+15005550006\\n\"",
      " must be a number like +15005550006 (E.164);" },
    { "{\"format\":\"e164\"}", "\"0049\"", " must be a number like +15005550006 (E.164);" },
    { "{\"format\":\"unknown\"}", "\"x\"", "" },
  };

  run(cases, G_N_ELEMENTS(cases));
}

static void
test_numbers(void)
{
  static const Case cases[] = {
    { "{\"minimum\":1,\"maximum\":3}", "1", "" },
    { "{\"minimum\":1,\"maximum\":3}", "3", "" },
    { "{\"minimum\":1}", "0.5", " must be at least 1;" },
    { "{\"maximum\":3}", "4", " must be at most 3;" },
    { "{\"minimum\":1}", "\"no number\"", "" },
  };

  run(cases, G_N_ELEMENTS(cases));
}

static void
test_structures(void)
{
  static const Case cases[] = {
    { "{\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"]}", "{}",
      "/a is missing;" },
    { "{\"properties\":{\"a\":{\"type\":\"string\"}},\"additionalProperties\":false}",
      "{\"a\":\"x\",\"b/c~d\":1}", "/b~1c~0d is not known here;" },
    { "{\"additionalProperties\":{\"type\":\"integer\"}}", "{\"a\":1,\"b\":\"x\"}",
      "/b must be integer, not string;" },
    { "{\"items\":{\"type\":\"string\"}}", "[\"a\",1,2]",
      "/1 must be string, not integer;/2 must be string, not integer;" },
    { "{\"maxItems\":1}", "[1,2]", " has 2 items; that is too few or too many;" },
    { "{\"minItems\":1}", "[]", " has 0 items; that is too few or too many;" },
    { "{\"allOf\":[{\"type\":\"string\"},{\"minLength\":2}]}", "\"a\"",
      " must have at least 2 characters;" },
    { "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", "1",
      " has none of the forms that are taken here;" },
    { "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", "null", "" },
    { "{\"$ref\":\"#/d\",\"d\":{\"type\":\"null\"}}", "1", " must be null, not integer;" },
    { "{\"properties\":{\"a\":{\"properties\":{\"b\":{\"items\":{\"enum\":[1]}}}}}}",
      "{\"a\":{\"b\":[1,2]}}", "/a/b/1 must be one of 1;" },
  };

  run(cases, G_N_ELEMENTS(cases));
}

/* A document that is wrong everywhere does not make an answer without end; a reference to itself
 * does not make a check without end. */
static void
test_limits(void)
{
  g_autoptr(GString) value = g_string_new("[");
  g_autofree gchar *faults = NULL, *loop = NULL;
  guint n = 0;

  for (guint i = 0; i < 1000; i++)
    g_string_append(value, i > 0 ? ",1" : "1");
  g_string_append_c(value, ']');
  faults = check("{\"items\":{\"type\":\"string\"}}", value->str);
  for (const gchar *c = faults; *c; c++)
    n += *c == ';';
  g_assert_cmpuint(n, ==, 16);
  loop = check("{\"$ref\":\"#/a\",\"a\":{\"$ref\":\"#/a\"}}", "1");
  g_assert_cmpstr(loop, ==, "");
}

static JsonNode *
fill(const gchar *schema, const gchar *value)
{
  g_autoptr(JsonObject) root = cord_json_parse_object(schema, -1, NULL);
  JsonNode *node = json_from_string(value, NULL);

  cord_json_schema_fill(root, root, json_node_get_object(node));
  return node;
}

static void
test_defaults(void)
{
  static const gchar schema[] =
      "{\"properties\":{\"a\":{\"type\":\"string\",\"default\":\"x\"},"
      "\"b\":{\"type\":[\"integer\",\"null\"],\"default\":1},\"c\":{\"type\":\"string\"}}}";
  static const gchar *const values[][2] = {
    { "{}", "{\"a\":\"x\",\"b\":1}" },
    { "{\"a\":\"y\",\"b\":2}", "{\"a\":\"y\",\"b\":2}" },
    /* null stays where it means something */
    { "{\"a\":null,\"b\":null}", "{\"a\":\"x\",\"b\":null}" },
  };

  for (guint i = 0; i < G_N_ELEMENTS(values); i++) {
    g_autoptr(JsonNode) filled = fill(schema, values[i][0]);
    g_autoptr(JsonNode) expected = json_from_string(values[i][1], NULL);

    g_assert_true(json_node_equal(filled, expected));
  }
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/json schema/a value is of the type that is wanted", test_types);
  g_test_add_func("/json schema/a text is as long and looks as it should", test_strings);
  g_test_add_func("/json schema/a number is within its bounds", test_numbers);
  g_test_add_func("/json schema/objects and arrays are looked into", test_structures);
  g_test_add_func("/json schema/much that is wrong is told in few words", test_limits);
  g_test_add_func("/json schema/what is missing gets its default", test_defaults);
  return g_test_run();
}
