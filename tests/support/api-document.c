/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api-document.h"

#include "cord-json-schema.h"
#include "cord-json.h"

JsonNode *
api_document_load(const gchar *name)
{
  g_autofree gchar *path = g_build_filename(g_getenv("CORDBOARD_TEST_DATA"), name, NULL);
  g_autoptr(JsonParser) parser = json_parser_new();
  g_autoptr(GError) error = NULL;

  json_parser_load_from_file(parser, path, &error);
  g_assert_no_error(error);
  return json_parser_steal_root(parser);
}

JsonObject *
api_document_find_capture(JsonNode *captures, const gchar *label)
{
  JsonArray *all = cord_json_peek_array(json_node_get_object(captures), "requests");

  for (guint i = 0; i < json_array_get_length(all); i++) {
    JsonObject *each = json_array_get_object_element(all, i);

    if (g_str_equal(cord_json_peek_string(each, "label", ""), label))
      return each;
  }
  g_error("there is no capture %s", label);
}

/* What a schema knows, in all of its forms */

static gboolean
is_object(JsonObject *schema)
{
  JsonArray *types = cord_json_peek_array(schema, "type");

  for (guint i = 0; types && i < json_array_get_length(types); i++)
    if (g_str_equal(json_array_get_string_element(types, i), "object"))
      return TRUE;
  return g_str_equal(cord_json_peek_string(schema, "type", ""), "object");
}

static void
collect(JsonObject *root, JsonObject *schema, const gchar *name, GPtrArray *found,
        gboolean *any_name)
{
  static const gchar *const forms[] = { "allOf", "anyOf" };
  JsonObject *properties;

  schema = cord_json_schema_resolve(root, schema);
  if (!schema)
    return;
  properties = cord_json_peek_object(schema, "properties");
  if (properties && json_object_has_member(properties, name))
    g_ptr_array_add(found, json_object_get_object_member(properties, name));
  /* an object that tells nothing of its members may have any */
  if (is_object(schema) &&
      (!properties || cord_json_peek_boolean(schema, "additionalProperties", FALSE) ||
       cord_json_peek_object(schema, "additionalProperties")))
    *any_name = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS(forms); i++) {
    JsonArray *list = cord_json_peek_array(schema, forms[i]);

    for (guint j = 0; list && j < json_array_get_length(list); j++)
      collect(root, json_array_get_object_element(list, j), name, found, any_name);
  }
}

static void
collect_items(JsonObject *root, JsonObject *schema, GPtrArray *found)
{
  static const gchar *const forms[] = { "allOf", "anyOf" };

  schema = cord_json_schema_resolve(root, schema);
  if (!schema)
    return;
  if (cord_json_peek_object(schema, "items"))
    g_ptr_array_add(found, cord_json_peek_object(schema, "items"));
  for (guint i = 0; i < G_N_ELEMENTS(forms); i++) {
    JsonArray *list = cord_json_peek_array(schema, forms[i]);

    for (guint j = 0; list && j < json_array_get_length(list); j++)
      collect_items(root, json_array_get_object_element(list, j), found);
  }
}

static void find_unknown(JsonObject *root, GPtrArray *schemas, JsonNode *value,
                         const gchar *pointer, GString *faults);

static void
find_unknown_member(JsonObject *root, GPtrArray *schemas, const gchar *name, JsonNode *value,
                    const gchar *pointer, GString *faults)
{
  g_autoptr(GPtrArray) found = g_ptr_array_new();
  g_autofree gchar *below = g_strdup_printf("%s/%s", pointer, name);
  gboolean any_name = FALSE;

  for (guint i = 0; i < schemas->len; i++)
    collect(root, schemas->pdata[i], name, found, &any_name);
  if (found->len > 0)
    find_unknown(root, found, value, below, faults);
  else if (!any_name)
    g_string_append_printf(faults, "%s is not known; ", below);
}

static void
find_unknown(JsonObject *root, GPtrArray *schemas, JsonNode *value, const gchar *pointer,
             GString *faults)
{
  if (JSON_NODE_HOLDS_OBJECT(value)) {
    JsonObjectIter iter;
    const gchar *name;
    JsonNode *member;

    json_object_iter_init(&iter, json_node_get_object(value));
    while (json_object_iter_next(&iter, &name, &member))
      find_unknown_member(root, schemas, name, member, pointer, faults);
  } else if (JSON_NODE_HOLDS_ARRAY(value)) {
    JsonArray *array = json_node_get_array(value);
    g_autoptr(GPtrArray) items = g_ptr_array_new();

    for (guint i = 0; i < schemas->len; i++)
      collect_items(root, schemas->pdata[i], items);
    for (guint i = 0; i < json_array_get_length(array) && items->len > 0; i++) {
      g_autofree gchar *below = g_strdup_printf("%s/%u", pointer, i);

      find_unknown(root, items, json_array_get_element(array, i), below, faults);
    }
  }
}

static JsonObject *
find_schema(JsonNode *document, const gchar *name)
{
  JsonObject *components = cord_json_peek_object(json_node_get_object(document), "components");
  JsonObject *schema = cord_json_peek_object(cord_json_peek_object(components, "schemas"), name);

  g_assert_nonnull(schema);
  return schema;
}

/**
 * api_document_find_unknown:
 *
 * Returns: (transfer full): which members the schema does not know, "" when there are none
 */
gchar *
api_document_find_unknown(JsonNode *document, const gchar *schema, JsonNode *value)
{
  g_autoptr(GPtrArray) forms = g_ptr_array_new();
  GString *text = g_string_new(NULL);

  g_ptr_array_add(forms, find_schema(document, schema));
  find_unknown(json_node_get_object(document), forms, value, "", text);
  return g_string_free(text, FALSE);
}

/**
 * api_document_check:
 *
 * Returns: (transfer full): what is wrong, "" when nothing is
 */
gchar *
api_document_check(JsonNode *document, const gchar *schema, JsonNode *value)
{
  g_autoptr(GPtrArray) faults = cord_json_schema_check(json_node_get_object(document),
                                                       find_schema(document, schema), value, "");
  g_autofree gchar *unknown = api_document_find_unknown(document, schema, value);
  GString *text = g_string_new(unknown);

  for (guint i = 0; i < faults->len; i++) {
    CordJsonFault *fault = faults->pdata[i];

    g_string_append_printf(text, "%s %s; ", fault->pointer, fault->detail);
  }
  return g_string_free(text, FALSE);
}

static void
add_value(JsonObject *object, const gchar *name, const gchar *value)
{
  JsonNode *old = json_object_get_member(object, name);
  JsonArray *list;

  if (!old) {
    json_object_set_string_member(object, name, value);
    return;
  }
  if (JSON_NODE_HOLDS_ARRAY(old)) {
    json_array_add_string_element(json_node_get_array(old), value);
    return;
  }
  list = json_array_new();
  json_array_add_string_element(list, json_node_get_string(old));
  json_array_add_string_element(list, value);
  json_object_set_array_member(object, name, list);
}

JsonNode *
api_document_from_query(const gchar *query)
{
  g_autoptr(JsonObject) object = json_object_new();
  GUriParamsIter iter;
  gchar *name, *value;

  g_uri_params_iter_init(&iter, query, -1, "&", G_URI_PARAMS_WWW_FORM);
  while (g_uri_params_iter_next(&iter, &name, &value, NULL)) {
    add_value(object, name, value);
    g_free(name);
    g_free(value);
  }
  return json_node_init_object(json_node_alloc(), object);
}

static void
compare(JsonNode *ours, JsonNode *theirs, const gchar *pointer, GString *faults)
{
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *member;

  if (json_node_get_node_type(ours) != json_node_get_node_type(theirs) ||
      (JSON_NODE_HOLDS_VALUE(ours) && (json_node_get_value_type(ours) == G_TYPE_STRING) !=
                                          (json_node_get_value_type(theirs) == G_TYPE_STRING))) {
    g_string_append_printf(faults, "%s is of another type; ", pointer);
    return;
  }
  if (!JSON_NODE_HOLDS_OBJECT(ours))
    return;
  json_object_iter_init(&iter, json_node_get_object(ours));
  while (json_object_iter_next(&iter, &name, &member)) {
    JsonNode *other = json_object_get_member(json_node_get_object(theirs), name);
    g_autofree gchar *below = g_strdup_printf("%s/%s", pointer, name);

    if (other)
      compare(member, other, below, faults);
  }
}

/**
 * api_document_compare:
 *
 * Returns: (transfer full): which members that both have are of different types, "" for none
 */
gchar *
api_document_compare(JsonNode *ours, JsonNode *theirs)
{
  GString *faults = g_string_new(NULL);

  compare(ours, theirs, "", faults);
  return g_string_free(faults, FALSE);
}
