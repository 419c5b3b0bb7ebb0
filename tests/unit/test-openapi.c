/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The OpenAPI document itself: whether it has all that users expect, and whether we understand all
 * that it says. */
#include <string.h>

#include "cord-error.h"
#include "cord-json-schema.h"
#include "cord-json.h"
#include "cord-openapi.h"
#include "openapi-rig.h"

static OpenapiOperation *
find_route(OpenapiRig *rig, const gchar *method, const gchar *path)
{
  for (guint i = 0; i < rig->operations->len; i++) {
    OpenapiOperation *operation = rig->operations->pdata[i];

    if (g_str_equal(operation->method, method) && g_str_equal(operation->path, path))
      return operation;
  }
  return NULL;
}

static gboolean
is_websocket(const OpenapiOperation *operation)
{
  return json_object_has_member(cord_json_peek_object(operation->object, "responses"), "101");
}

static void
test_surface(void)
{
  g_autoptr(OpenapiRig) rig = openapi_rig_new();
  g_autofree gchar *file =
      g_build_filename(g_getenv("CORDBOARD_TEST_DATA"), "surface", "routes", NULL);
  g_autofree gchar *text = NULL;
  g_auto(GStrv) lines = NULL;
  guint n = 0;

  g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
  lines = g_strsplit(text, "\n", -1);
  for (gchar **line = lines; *line; line++) {
    g_auto(GStrv) words = g_strsplit(*line, " ", 2);
    gboolean websocket;
    OpenapiOperation *operation;

    if (**line == '#' || **line == '\0')
      continue;
    websocket = g_str_equal(words[0], "WS");
    operation = find_route(rig, websocket ? "GET" : words[0], words[1]);
    n++;
    if (operation == NULL)
      g_error("%s is not in the OpenAPI document", *line);
    if (is_websocket(operation) != websocket)
      g_error("%s is not what the OpenAPI document says", *line);
  }
  g_assert_cmpuint(n, ==, 60);
}

/* Every operation says who may use it, what comes back, and what goes wrong. */
static void
test_operations(void)
{
  static const gchar *const scopes[] = {
    "public", "carrier", "read", "write", "call", "admin", NULL
  };
  g_autoptr(OpenapiRig) rig = openapi_rig_new();

  for (guint i = 0; i < rig->operations->len; i++) {
    OpenapiOperation *operation = rig->operations->pdata[i];
    JsonObject *object = operation->object;
    const gchar *scope = cord_json_peek_string(object, "x-cordboard-scope", "");
    JsonObject *responses = cord_json_peek_object(object, "responses");
    gboolean open = g_str_equal(scope, "public") || g_str_equal(scope, "carrier");

    g_test_message("%s %s", operation->method, operation->path);
    g_assert_true(g_strv_contains(scopes, scope));
    g_assert_cmpint(open, ==, json_object_has_member(object, "security"));
    g_assert_nonnull(cord_json_peek_string(object, "summary", NULL));
    g_assert_nonnull(cord_json_peek_array(object, "tags"));
    g_assert_true(json_object_has_member(responses, "default"));
    g_assert_cmpuint(json_object_get_size(responses), >=, 2);
    if (strchr(operation->path, '{'))
      g_assert_nonnull(cord_json_peek_array(operation->item, "parameters"));
  }
}

static void check_keywords(JsonNode *node, gboolean names);

/* A keyword that the checker does not know would be a promise that nobody keeps. */
static void
check_schema(JsonObject *schema)
{
  static const gchar *const known[] = { "type", "properties", "required", "additionalProperties",
                                        "items", "minItems", "maxItems", "enum", "const", "minimum",
                                        "maximum", "minLength", "maxLength", "pattern", "format",
                                        "allOf", "anyOf", "$ref", "default",
                                        /* these say something to readers */
                                        "description", "readOnly", "writeOnly", "title", "examples",
                                        "example", "contentEncoding", "contentMediaType", NULL };
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *value;

  json_object_iter_init(&iter, schema);
  while (json_object_iter_next(&iter, &name, &value)) {
    if (!g_strv_contains(known, name))
      g_error("a schema says \"%s\", which cord-json-schema.c does not know", name);
    if (g_str_equal(name, "properties"))
      check_keywords(value, TRUE);
    else if (g_str_equal(name, "items") || g_str_equal(name, "allOf") ||
             g_str_equal(name, "anyOf") || g_str_equal(name, "additionalProperties"))
      check_keywords(value, FALSE);
  }
}

static void
check_keywords(JsonNode *node, gboolean names)
{
  if (JSON_NODE_HOLDS_ARRAY(node)) {
    JsonArray *array = json_node_get_array(node);

    for (guint i = 0; i < json_array_get_length(array); i++)
      check_keywords(json_array_get_element(array, i), FALSE);
  } else if (JSON_NODE_HOLDS_OBJECT(node) && names) {
    JsonObjectIter iter;
    const gchar *name;
    JsonNode *value;

    json_object_iter_init(&iter, json_node_get_object(node));
    while (json_object_iter_next(&iter, &name, &value))
      check_keywords(value, FALSE);
  } else if (JSON_NODE_HOLDS_OBJECT(node)) {
    check_schema(json_node_get_object(node));
  }
}

static void
test_keywords(void)
{
  g_autoptr(OpenapiRig) rig = openapi_rig_new();
  JsonObject *components = cord_json_peek_object(rig->root, "components");

  check_keywords(json_object_get_member(components, "schemas"), TRUE);
}

/* References lead somewhere. */
static void
check_references(OpenapiRig *rig, JsonNode *node)
{
  if (JSON_NODE_HOLDS_ARRAY(node)) {
    JsonArray *array = json_node_get_array(node);

    for (guint i = 0; i < json_array_get_length(array); i++)
      check_references(rig, json_array_get_element(array, i));
  } else if (JSON_NODE_HOLDS_OBJECT(node)) {
    JsonObject *object = json_node_get_object(node);
    JsonObjectIter iter;
    const gchar *name;
    JsonNode *value;

    if (cord_json_peek_string(object, "$ref", NULL) && !cord_json_schema_resolve(rig->root, object))
      g_error("%s leads nowhere", cord_json_peek_string(object, "$ref", NULL));
    json_object_iter_init(&iter, object);
    while (json_object_iter_next(&iter, &name, &value))
      check_references(rig, value);
  }
}

static void
test_references(void)
{
  g_autoptr(OpenapiRig) rig = openapi_rig_new();

  check_references(rig, rig->node);
}

static void
test_documents(void)
{
  static const struct {
    const gchar *document;
    gboolean fine;
  } documents[] = {
    { "{\"paths\":{\"/a\":{\"get\":{\"operationId\":\"a\"}}}}", TRUE },
    { "{\"paths\":{\"/a\":{\"get\":{}}}}", FALSE },
    { "{\"paths\":{\"/a\":{\"get\":{\"operationId\":\"a\"},\"put\":{\"operationId\":\"a\"}}}}",
      FALSE },
    { "{", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS(documents); i++) {
    g_autoptr(CordHttpServer) http = cord_http_server_new();
    g_autoptr(GBytes) bytes =
        g_bytes_new_static(documents[i].document, strlen(documents[i].document));
    g_autoptr(GError) error = NULL;
    g_autoptr(CordOpenapi) api = cord_openapi_new(http, bytes, &error);
    g_auto(GStrv) unbound = api ? cord_openapi_list_unbound(api) : NULL;

    g_assert_cmpint(api != NULL, ==, documents[i].fine);
    if (api)
      g_assert_cmpstr(unbound[0], ==, "a");
    else
      g_assert_error(error, CORD_ERROR, CORD_ERROR_INVALID);
  }
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/openapi/what users expect to find is in the document", test_surface);
  g_test_add_func("/openapi/every operation says who may use it and what comes back",
                  test_operations);
  g_test_add_func("/openapi/every keyword of a schema is one that is checked", test_keywords);
  g_test_add_func("/openapi/every reference leads somewhere", test_references);
  g_test_add_func("/openapi/a document without names for its operations is refused",
                  test_documents);
  return g_test_run();
}
