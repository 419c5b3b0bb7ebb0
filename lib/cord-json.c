/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-json.h"

#include <string.h>

#include "cord-error.h"

/**
 * cord_json_parse:
 * @text: a text from outside
 * @length: of @text in bytes, or -1
 * @max_depth: see cord_json_scan(); 0 for %CORD_JSON_MAX_DEPTH
 * @max_bytes: the longest text that is looked at; 0 for %CORD_JSON_MAX_BYTES
 * @error: return location for an error
 *
 * The one way from a text to JSON: nothing reaches json-glib that was not scanned before. Any
 * thread.
 *
 * Returns: (transfer full): the node, or %NULL with %CORD_ERROR_INVALID or %CORD_ERROR_TOO_LARGE
 */
JsonNode *
cord_json_parse(const gchar *text, gssize length, guint max_depth, gsize max_bytes, GError **error)
{
  gsize size = length < 0 ? strlen(text) : (gsize)length;
  gsize limit = max_bytes ? max_bytes : CORD_JSON_MAX_BYTES;
  g_autoptr(JsonParser) parser = NULL;
  g_autoptr(GError) inner = NULL;

  if (size > limit) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_TOO_LARGE, "%zu bytes of JSON, at most %zu are read",
                size, limit);
    return NULL;
  }
  if (!cord_json_scan(text, size, max_depth ? max_depth : CORD_JSON_MAX_DEPTH, error))
    return NULL;
  parser = json_parser_new_immutable();
  if (!json_parser_load_from_data(parser, text, (gssize)size, &inner)) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID, "not JSON: %s", inner->message);
    return NULL;
  }
  return json_parser_steal_root(parser);
}

/**
 * cord_json_parse_object:
 * @text: a text from outside
 * @length: of @text in bytes, or -1
 * @error: return location for an error
 *
 * The same for a text that must be an object.
 *
 * Returns: (transfer full): the object, or %NULL
 */
JsonObject *
cord_json_parse_object(const gchar *text, gssize length, GError **error)
{
  g_autoptr(JsonNode) node = cord_json_parse(text, length, 0, 0, error);

  if (node == NULL)
    return NULL;
  if (!JSON_NODE_HOLDS_OBJECT(node)) {
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_INVALID, "a JSON object is wanted");
    return NULL;
  }
  return json_node_dup_object(node);
}

static JsonNode *
get_member(JsonObject *object, const gchar *name, const gchar *kind, GError **error)
{
  JsonNode *node = object ? json_object_get_member(object, name) : NULL;

  if (node == NULL)
    g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID, "\"%s\" is missing; %s is wanted", name,
                kind);
  return node;
}

static void
set_wrong(const gchar *name, const gchar *kind, GError **error)
{
  g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID, "\"%s\" is not %s", name, kind);
}

/**
 * cord_json_get_string:
 * @object: (nullable): an object
 * @name: the member
 * @error: return location for an error that names the member
 *
 * Returns: (transfer none): the string, or %NULL
 */
const gchar *
cord_json_get_string(JsonObject *object, const gchar *name, GError **error)
{
  JsonNode *node = get_member(object, name, "a string", error);

  if (node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING)
    return json_node_get_string(node);
  if (node)
    set_wrong(name, "a string", error);
  return NULL;
}

/**
 * cord_json_get_int:
 * @object: (nullable): an object
 * @name: the member
 * @value: (out): the number
 * @error: return location for an error that names the member
 *
 * Returns: whether it is an integer
 */
gboolean
cord_json_get_int(JsonObject *object, const gchar *name, gint64 *value, GError **error)
{
  JsonNode *node = get_member(object, name, "an integer", error);

  if (node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_INT64) {
    *value = json_node_get_int(node);
    return TRUE;
  }
  if (node)
    set_wrong(name, "an integer", error);
  return FALSE;
}

/**
 * cord_json_get_double:
 * @object: (nullable): an object
 * @name: the member
 * @value: (out): the number
 * @error: return location for an error that names the member
 *
 * Returns: whether it is a number
 */
gboolean
cord_json_get_double(JsonObject *object, const gchar *name, gdouble *value, GError **error)
{
  JsonNode *node = get_member(object, name, "a number", error);
  GType type = node && JSON_NODE_HOLDS_VALUE(node) ? json_node_get_value_type(node) : G_TYPE_NONE;

  if (type == G_TYPE_INT64 || type == G_TYPE_DOUBLE) {
    *value = json_node_get_double(node);
    return TRUE;
  }
  if (node)
    set_wrong(name, "a number", error);
  return FALSE;
}

/**
 * cord_json_get_boolean:
 * @object: (nullable): an object
 * @name: the member
 * @value: (out): the truth
 * @error: return location for an error that names the member
 *
 * Returns: whether it is true or false
 */
gboolean
cord_json_get_boolean(JsonObject *object, const gchar *name, gboolean *value, GError **error)
{
  JsonNode *node = get_member(object, name, "a boolean", error);

  if (node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_BOOLEAN) {
    *value = json_node_get_boolean(node);
    return TRUE;
  }
  if (node)
    set_wrong(name, "a boolean", error);
  return FALSE;
}

/**
 * cord_json_get_object:
 * @object: (nullable): an object
 * @name: the member
 * @error: return location for an error that names the member
 *
 * Returns: (transfer none): the object, or %NULL
 */
JsonObject *
cord_json_get_object(JsonObject *object, const gchar *name, GError **error)
{
  JsonNode *node = get_member(object, name, "an object", error);

  if (node && JSON_NODE_HOLDS_OBJECT(node))
    return json_node_get_object(node);
  if (node)
    set_wrong(name, "an object", error);
  return NULL;
}

/**
 * cord_json_get_array:
 * @object: (nullable): an object
 * @name: the member
 * @error: return location for an error that names the member
 *
 * Returns: (transfer none): the array, or %NULL
 */
JsonArray *
cord_json_get_array(JsonObject *object, const gchar *name, GError **error)
{
  JsonNode *node = get_member(object, name, "an array", error);

  if (node && JSON_NODE_HOLDS_ARRAY(node))
    return json_node_get_array(node);
  if (node)
    set_wrong(name, "an array", error);
  return NULL;
}

/**
 * cord_json_peek_string:
 * @object: (nullable): an object
 * @name: the member
 * @fallback: (nullable): for a member that is missing or no string
 *
 * Returns: (transfer none) (nullable): the string or @fallback
 */
const gchar *
cord_json_peek_string(JsonObject *object, const gchar *name, const gchar *fallback)
{
  const gchar *text = cord_json_get_string(object, name, NULL);

  return text ? text : fallback;
}

/**
 * cord_json_peek_int:
 * @object: (nullable): an object
 * @name: the member
 * @fallback: for a member that is missing or no integer
 *
 * Returns: the number or @fallback
 */
gint64
cord_json_peek_int(JsonObject *object, const gchar *name, gint64 fallback)
{
  gint64 value;

  return cord_json_get_int(object, name, &value, NULL) ? value : fallback;
}

/**
 * cord_json_peek_double:
 * @object: (nullable): an object
 * @name: the member
 * @fallback: for a member that is missing or no number
 *
 * Returns: the number or @fallback
 */
gdouble
cord_json_peek_double(JsonObject *object, const gchar *name, gdouble fallback)
{
  gdouble value;

  return cord_json_get_double(object, name, &value, NULL) ? value : fallback;
}

/**
 * cord_json_peek_boolean:
 * @object: (nullable): an object
 * @name: the member
 * @fallback: for a member that is missing or neither true nor false
 *
 * Returns: the truth or @fallback
 */
gboolean
cord_json_peek_boolean(JsonObject *object, const gchar *name, gboolean fallback)
{
  gboolean value;

  return cord_json_get_boolean(object, name, &value, NULL) ? value : fallback;
}

/**
 * cord_json_peek_object:
 * @object: (nullable): an object
 * @name: the member
 *
 * Returns: (transfer none) (nullable): the object, or %NULL when there is none
 */
JsonObject *
cord_json_peek_object(JsonObject *object, const gchar *name)
{
  return cord_json_get_object(object, name, NULL);
}

/**
 * cord_json_peek_array:
 * @object: (nullable): an object
 * @name: the member
 *
 * Returns: (transfer none) (nullable): the array, or %NULL when there is none
 */
JsonArray *
cord_json_peek_array(JsonObject *object, const gchar *name)
{
  return cord_json_get_array(object, name, NULL);
}

/**
 * cord_json_set_string:
 * @object: an object
 * @name: a member
 * @value: (nullable): its value; %NULL is written as null
 */
void
cord_json_set_string(JsonObject *object, const gchar *name, const gchar *value)
{
  if (value)
    json_object_set_string_member(object, name, value);
  else
    json_object_set_null_member(object, name);
}
