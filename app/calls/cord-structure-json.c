/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-structure-json.h"

#include <json-glib/json-glib.h>

static gboolean add_field(GQuark field, const GValue *value, gpointer data);

static JsonNode *
node_from_structure(const GstStructure *structure)
{
  JsonNode *node = json_node_new(JSON_NODE_OBJECT);

  json_node_take_object(node, json_object_new());
  gst_structure_foreach(structure, add_field, json_node_get_object(node));
  return node;
}

/* Numbers, strings, booleans and structures; what has no form in JSON is left out. */
static JsonNode *
node_from_value(const GValue *value)
{
  JsonNode *node = json_node_alloc();

  if (G_VALUE_HOLDS_STRING(value))
    return g_value_get_string(value) ? json_node_init_string(node, g_value_get_string(value))
                                     : json_node_init_null(node);
  if (G_VALUE_HOLDS_BOOLEAN(value))
    return json_node_init_boolean(node, g_value_get_boolean(value));
  if (G_VALUE_HOLDS_DOUBLE(value))
    return json_node_init_double(node, g_value_get_double(value));
  if (G_VALUE_HOLDS_UINT64(value)) {
    guint64 number = g_value_get_uint64(value);

    /* GST_CLOCK_TIME_NONE is nobody's time */
    return number == G_MAXUINT64 ? json_node_init_null(node)
                                 : json_node_init_int(node, (gint64)number);
  }
  if (G_VALUE_HOLDS_INT64(value))
    return json_node_init_int(node, g_value_get_int64(value));
  if (G_VALUE_HOLDS_UINT(value))
    return json_node_init_int(node, g_value_get_uint(value));
  if (G_VALUE_HOLDS_INT(value))
    return json_node_init_int(node, g_value_get_int(value));
  json_node_free(node);
  return GST_VALUE_HOLDS_STRUCTURE(value) ? node_from_structure(gst_value_get_structure(value))
                                          : NULL;
}

static gboolean
add_field(GQuark field, const GValue *value, gpointer data)
{
  JsonNode *node = node_from_value(value);

  if (node)
    json_object_set_member(data, g_quark_to_string(field), node);
  return TRUE;
}

/**
 * cord_structure_to_json:
 * @structure: a structure of the vocabulary
 *
 * Returns: (transfer full): its fields as one line of JSON, under their own names
 */
gchar *
cord_structure_to_json(const GstStructure *structure)
{
  g_autoptr(JsonNode) node = node_from_structure(structure);

  return json_to_string(node, FALSE);
}
