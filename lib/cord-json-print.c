/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "cord-json.h"

/*
 * json-glib 1.6 writes 1e22 as "1e+22.0", which nobody reads, and 0.1 with seventeen digits. This
 * writes JSON, on one line.
 */

static void append_node(GString *text, JsonNode *node);

/**
 * cord_json_append_string:
 * @text: where to
 * @string: UTF-8
 *
 * Appends @string as a JSON string, with its quotation marks.
 */
void
cord_json_append_string(GString *text, const gchar *string)
{
  g_string_append_c(text, '"');
  for (const gchar *p = string; *p; p++) {
    gsize plain = 0;

    while ((guchar)p[plain] >= 0x20 && p[plain] != '"' && p[plain] != '\\')
      plain++;
    g_string_append_len(text, p, (gssize)plain);
    p += plain;
    if (*p == '\0')
      break;
    if (*p == '"' || *p == '\\')
      g_string_append_printf(text, "\\%c", *p);
    else if (*p == '\n')
      g_string_append(text, "\\n");
    else
      g_string_append_printf(text, "\\u%04x", (guint)(guchar)*p);
  }
  g_string_append_c(text, '"');
}

/* As few digits as it takes to read the same number again. */
static void
append_double(GString *text, gdouble value)
{
  static const gchar *const formats[] = { "%.15g", "%.16g", "%.17g" };
  gchar digits[G_ASCII_DTOSTR_BUF_SIZE];

  if (!isfinite(value)) {
    g_string_append(text, "null");
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
    g_ascii_formatd(digits, sizeof digits, formats[i], value);
    if (g_ascii_strtod(digits, NULL) == value)
      break;
  }
  g_string_append(text, digits);
  if (strpbrk(digits, ".e") == NULL)
    g_string_append(text, ".0");
}

static void
append_value(GString *text, JsonNode *node)
{
  switch (json_node_get_value_type(node)) {
  case G_TYPE_STRING:
    if (json_node_get_string(node))
      cord_json_append_string(text, json_node_get_string(node));
    else
      g_string_append(text, "null");
    break;
  case G_TYPE_BOOLEAN:
    g_string_append(text, json_node_get_boolean(node) ? "true" : "false");
    break;
  case G_TYPE_INT64:
    g_string_append_printf(text, "%" G_GINT64_FORMAT, json_node_get_int(node));
    break;
  default:
    append_double(text, json_node_get_double(node));
    break;
  }
}

static void
append_array(GString *text, JsonArray *array)
{
  guint n = json_array_get_length(array);

  g_string_append_c(text, '[');
  for (guint i = 0; i < n; i++) {
    if (i > 0)
      g_string_append_c(text, ',');
    append_node(text, json_array_get_element(array, i));
  }
  g_string_append_c(text, ']');
}

static void
append_object(GString *text, JsonObject *object)
{
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *member;
  gboolean first = TRUE;

  g_string_append_c(text, '{');
  json_object_iter_init_ordered(&iter, object);
  while (json_object_iter_next_ordered(&iter, &name, &member)) {
    if (!first)
      g_string_append_c(text, ',');
    first = FALSE;
    cord_json_append_string(text, name);
    g_string_append_c(text, ':');
    append_node(text, member);
  }
  g_string_append_c(text, '}');
}

static void
append_node(GString *text, JsonNode *node)
{
  switch (json_node_get_node_type(node)) {
  case JSON_NODE_OBJECT:
    append_object(text, json_node_get_object(node));
    break;
  case JSON_NODE_ARRAY:
    append_array(text, json_node_get_array(node));
    break;
  case JSON_NODE_VALUE:
    append_value(text, node);
    break;
  case JSON_NODE_NULL:
  default:
    g_string_append(text, "null");
    break;
  }
}

/**
 * cord_json_print:
 * @node: a node
 *
 * Returns: (transfer full): @node on one line
 */
gchar *
cord_json_print(JsonNode *node)
{
  GString *text = g_string_new(NULL);

  append_node(text, node);
  return g_string_free(text, FALSE);
}

/**
 * cord_json_print_object:
 * @object: an object
 *
 * Returns: (transfer full): @object on one line
 */
gchar *
cord_json_print_object(JsonObject *object)
{
  GString *text = g_string_new(NULL);

  append_object(text, object);
  return g_string_free(text, FALSE);
}
