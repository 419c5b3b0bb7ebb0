/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What users write, and its schemas. */
#include <string.h>

#include "cord-json-schema.h"
#include "cord-json.h"

static JsonNode *
load(const gchar *first, const gchar *second, const gchar *third)
{
  g_autofree gchar *path =
      g_build_filename(g_getenv("CORDBOARD_DATA_DIR"), first, second, third, NULL);
  g_autofree gchar *text = NULL;
  g_autoptr(GError) error = NULL;
  JsonNode *node;

  g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
  node = cord_json_parse(text, -1, 0, 0, &error);
  g_assert_no_error(error);
  return node;
}

static JsonNode *
load_schema(const gchar *name)
{
  g_autofree gchar *file = g_strconcat(name, ".schema.json", NULL);
  g_autofree gchar *below = g_build_filename("schemas", "json", file, NULL);

  return load("..", below, NULL);
}

/* "POINTER what is wrong;" for each */
static gchar *
check(const gchar *schema_name, JsonNode *document)
{
  g_autoptr(JsonNode) schema = load_schema(schema_name);
  JsonObject *root = json_node_get_object(schema);
  g_autoptr(GPtrArray) faults = cord_json_schema_check(root, root, document, "");
  g_autoptr(GString) text = g_string_new(NULL);

  for (guint i = 0; faults && i < faults->len; i++) {
    const CordJsonFault *fault = faults->pdata[i];

    g_string_append_printf(text, "%s %s;", fault->pointer, fault->detail);
  }
  return g_strdup(text->str);
}

static void
check_folder(const gchar *schema, const gchar *below)
{
  g_autofree gchar *path = g_build_filename(g_getenv("CORDBOARD_DATA_DIR"), below, NULL);
  g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
  const gchar *name;
  guint n = 0;

  g_assert_nonnull(folder);
  while ((name = g_dir_read_name(folder))) {
    g_autoptr(JsonNode) document = NULL;
    g_autofree gchar *faults = NULL;

    if (!g_str_has_suffix(name, ".json"))
      continue;
    document = load(below, name, NULL);
    faults = check(schema, document);
    g_test_message("%s: %s", name, faults);
    g_assert_cmpstr(faults, ==, "");
    n++;
  }
  g_assert_cmpuint(n, >, 0);
}

static void
test_stock_agents(void)
{
  check_folder("agent", "agents");
  check_folder("script", "agents/scripts");
}

static void
test_mistakes(void)
{
  static const struct {
    const gchar *schema, *document, *pointer;
  } cases[] = {
    { "agent", "{}", "/name" },
    { "agent", "{\"name\":\"\"}", "/name" },
    { "agent", "{\"name\":\"a\",\"prompt\":\"x\"}", "/prompt" },
    { "agent", "{\"name\":\"a\",\"tools_enabled\":\"end_call\"}", "/tools_enabled" },
    { "agent", "{\"name\":\"a\",\"metadata\":{\"cordboard\":{\"sst\":{}}}}",
      "/metadata/cordboard/sst" },
    { "agent", "{\"name\":\"a\",\"metadata\":{\"cordboard\":{\"turn\":{\"endpointing\":-1}}}}",
      "/metadata/cordboard/turn/endpointing" },
    { "agent", "{\"name\":\"a\",\"metadata\":{\"cordboard\":{\"llm\":{\"fallback\":\"gpt-4o\"}}}}",
      "/metadata/cordboard/llm/fallback" },
    { "script", "{\"rules\":[]}", "/fallback" },
    { "script", "{\"rules\":[{\"patterns\":[],\"replies\":[\"x\"]}],\"fallback\":[\"x\"]}",
      "/rules/0/patterns" },
    { "script",
      "{\"rules\":[{\"pattern\":[\"x\"],\"patterns\":[\"x\"],\"replies\":[\"x\"]}],\"fallback\":["
      "\"x\"]}",
      "/rules/0/pattern" },
    { "script",
      "{\"rules\":[{\"patterns\":[\"x\"],\"replies\":[\"x\"],\"tool\":{}}],\"fallback\":[\"x\"]}",
      "/rules/0/tool/name" },
    { "script", "{\"lists\":{\"day\":[]},\"rules\":[],\"fallback\":[\"x\"]}", "/lists/day" },
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(JsonNode) document = cord_json_parse(cases[i].document, -1, 0, 0, NULL);
    g_autofree gchar *faults = check(cases[i].schema, document);

    g_test_message("%s", faults);
    g_assert_nonnull(strstr(faults, cases[i].pointer));
  }
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/schemas/the stock agents are as their schemas say", test_stock_agents);
  g_test_add_func("/schemas/mistakes are found", test_mistakes);
  return g_test_run();
}
