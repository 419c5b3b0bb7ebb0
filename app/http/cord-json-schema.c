/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-json-schema.h"

#include <string.h>

#include "cord-json.h"

/* The part of JSON Schema 2020-12 that our OpenAPI document uses. The schema is ours and trusted,
 * the value is not: how deep a value goes was checked when it was parsed. */

#define MAX_FAULTS 16
#define MAX_REFERENCES 16            /* in a row */
#define MAX_EXACT 9007199254740992.0 /* up to there a double has all integers */

typedef struct {
  JsonObject *root;
  GPtrArray *faults;
} Check;

static void check_node(Check *check, JsonObject *schema, JsonNode *value, const gchar *pointer);

static void
free_fault(gpointer data)
{
  CordJsonFault *fault = data;

  g_free(fault->pointer);
  g_free(fault->detail);
  g_free(fault);
}

static void G_GNUC_PRINTF(3, 4)
    add_fault(Check *check, const gchar *pointer, const gchar *format, ...)
{
  CordJsonFault *fault;
  va_list arguments;

  if (check->faults->len >= MAX_FAULTS)
    return;
  fault = g_new0(CordJsonFault, 1);
  fault->pointer = g_strdup(pointer);
  va_start(arguments, format);
  fault->detail = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_ptr_array_add(check->faults, fault);
}

/**
 * cord_json_schema_resolve:
 * @root: the document
 * @schema: a schema, which may be a reference ("#/components/schemas/Agent")
 *
 * Returns: (transfer none) (nullable): the schema itself
 */
JsonObject *
cord_json_schema_resolve(JsonObject *root, JsonObject *schema)
{
  for (guint i = 0; schema && i < MAX_REFERENCES; i++) {
    const gchar *reference = cord_json_peek_string(schema, "$ref", NULL);
    g_auto(GStrv) parts = NULL;

    if (!reference)
      return schema;
    parts = g_strsplit(reference, "/", -1);
    schema = root;
    for (gchar **part = parts + 1; schema && *parts && *part; part++)
      schema = cord_json_peek_object(schema, *part);
  }
  return NULL;
}

static const gchar *
type_name(JsonNode *value)
{
  switch (json_node_get_node_type(value)) {
  case JSON_NODE_OBJECT:
    return "object";
  case JSON_NODE_ARRAY:
    return "array";
  case JSON_NODE_NULL:
    return "null";
  case JSON_NODE_VALUE:
    break;
  }
  switch (json_node_get_value_type(value)) {
  case G_TYPE_STRING:
    return "string";
  case G_TYPE_BOOLEAN:
    return "boolean";
  case G_TYPE_INT64:
    return "integer";
  default:
    return "number";
  }
}

static gboolean
is_type(JsonNode *value, const gchar *wanted)
{
  const gchar *type = type_name(value);

  if (g_str_equal(wanted, "number") && g_str_equal(type, "integer"))
    return TRUE;
  /* 1.0 is an integer that was written at length */
  if (g_str_equal(wanted, "integer") && g_str_equal(type, "number")) {
    gdouble number = json_node_get_double(value);

    return number >= -MAX_EXACT && number <= MAX_EXACT && number == (gdouble)(gint64)number;
  }
  return g_str_equal(type, wanted);
}

/* "type" is a name or a list of names. */
static gboolean
check_type(Check *check, JsonObject *schema, JsonNode *value, const gchar *pointer)
{
  JsonArray *types = cord_json_peek_array(schema, "type");
  const gchar *type = cord_json_peek_string(schema, "type", NULL);
  g_autoptr(GString) names = g_string_new(NULL);

  if (!types && !type)
    return TRUE;
  if (type && is_type(value, type))
    return TRUE;
  for (guint i = 0; types && i < json_array_get_length(types); i++) {
    const gchar *name = json_array_get_string_element(types, i);

    if (is_type(value, name))
      return TRUE;
    g_string_append_printf(names, "%s%s", i > 0 ? " or " : "", name);
  }
  add_fault(check, pointer, "must be %s, not %s", type ? type : names->str, type_name(value));
  return FALSE;
}

static void
check_enum(Check *check, JsonObject *schema, JsonNode *value, const gchar *pointer)
{
  JsonArray *allowed = cord_json_peek_array(schema, "enum");
  JsonNode *only = json_object_get_member(schema, "const");
  g_autoptr(GString) names = g_string_new(NULL);

  if (only && !json_node_equal(only, value)) {
    g_autofree gchar *text = cord_json_print(only);

    add_fault(check, pointer, "must be %s", text);
  }
  if (!allowed)
    return;
  for (guint i = 0; i < json_array_get_length(allowed); i++) {
    JsonNode *node = json_array_get_element(allowed, i);
    g_autofree gchar *text = NULL;

    if (json_node_equal(node, value))
      return;
    text = cord_json_print(node);
    g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", text);
  }
  add_fault(check, pointer, "must be one of %s", names->str);
}

static gboolean
is_e164(const gchar *text)
{
  return g_regex_match_simple("^\\+[1-9][0-9]{6,14}\\z", text, 0, 0);
}

static gboolean
is_time(const gchar *text)
{
  g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text, NULL);

  return time != NULL;
}

static gboolean
is_http_url(const gchar *text)
{
  g_autoptr(GUri) uri = g_uri_parse(text, G_URI_FLAGS_NONE, NULL);
  const gchar *host = uri ? g_uri_get_host(uri) : NULL;
  const gchar *scheme = uri ? g_uri_get_scheme(uri) : NULL;

  return host && *host && (g_str_equal(scheme, "http") || g_str_equal(scheme, "https"));
}

static void
check_format(Check *check, const gchar *format, const gchar *text, const gchar *pointer)
{
  if (g_str_equal(format, "uuid") && !g_uuid_string_is_valid(text))
    add_fault(check, pointer, "must be a UUID");
  else if (g_str_equal(format, "date-time") && !is_time(text))
    add_fault(check, pointer, "must be a time as RFC 3339 writes it");
  else if (g_str_equal(format, "uri") && !is_http_url(text))
    add_fault(check, pointer, "must be an http:// or https:// address");
  else if (g_str_equal(format, "e164") && !is_e164(text))
    add_fault(check, pointer, "must be a number like +15005550006 (E.164)");
}

static void
check_string(Check *check, JsonObject *schema, const gchar *text, const gchar *pointer)
{
  gint64 shortest = cord_json_peek_int(schema, "minLength", 0);
  gint64 longest = cord_json_peek_int(schema, "maxLength", G_MAXINT64);
  const gchar *pattern = cord_json_peek_string(schema, "pattern", NULL);
  const gchar *format = cord_json_peek_string(schema, "format", NULL);
  gint64 length = g_utf8_strlen(text, -1);

  if (length < shortest && shortest == 1)
    add_fault(check, pointer, "must not be empty");
  else if (length < shortest)
    add_fault(check, pointer, "must have at least %" G_GINT64_FORMAT " characters", shortest);
  else if (length > longest)
    add_fault(check, pointer, "must have at most %" G_GINT64_FORMAT " characters", longest);
  /* "$" is the end, not the line's, as in JavaScript */
  else if (pattern && !g_regex_match_simple(pattern, text, G_REGEX_DOLLAR_ENDONLY, 0))
    add_fault(check, pointer, "must look like %s", pattern);
  else if (format)
    check_format(check, format, text, pointer);
}

static void
check_number(Check *check, JsonObject *schema, JsonNode *value, const gchar *pointer)
{
  gdouble number = json_node_get_double(value);

  if (json_object_has_member(schema, "minimum") &&
      number < cord_json_peek_double(schema, "minimum", 0))
    add_fault(check, pointer, "must be at least %g", cord_json_peek_double(schema, "minimum", 0));
  else if (json_object_has_member(schema, "maximum") &&
           number > cord_json_peek_double(schema, "maximum", 0))
    add_fault(check, pointer, "must be at most %g", cord_json_peek_double(schema, "maximum", 0));
}

static void
check_array(Check *check, JsonObject *schema, JsonArray *array, const gchar *pointer)
{
  JsonObject *items = cord_json_peek_object(schema, "items");
  guint length = json_array_get_length(array);

  if (length < cord_json_peek_int(schema, "minItems", 0) ||
      length > cord_json_peek_int(schema, "maxItems", G_MAXINT64)) {
    add_fault(check, pointer, "has %u items; that is too few or too many", length);
    return;
  }
  for (guint i = 0; items && i < length; i++) {
    g_autofree gchar *below = g_strdup_printf("%s/%u", pointer, i);

    check_node(check, items, json_array_get_element(array, i), below);
  }
}

/* A name as a part of a JSON Pointer. */
static gchar *
pointer_below(const gchar *pointer, const gchar *name)
{
  GString *text = g_string_new(pointer);

  g_string_append_c(text, '/');
  for (; *name; name++) {
    if (*name == '~')
      g_string_append(text, "~0");
    else if (*name == '/')
      g_string_append(text, "~1");
    else
      g_string_append_c(text, *name);
  }
  return g_string_free(text, FALSE);
}

static void
check_member(Check *check, JsonObject *schema, const gchar *name, JsonNode *value,
             const gchar *pointer)
{
  JsonObject *properties = cord_json_peek_object(schema, "properties");
  JsonObject *property = properties ? cord_json_peek_object(properties, name) : NULL;
  JsonObject *others = cord_json_peek_object(schema, "additionalProperties");
  g_autofree gchar *below = pointer_below(pointer, name);

  if (property)
    check_node(check, property, value, below);
  else if (others)
    check_node(check, others, value, below);
  else if (!cord_json_peek_boolean(schema, "additionalProperties", TRUE))
    add_fault(check, below, "is not known here");
}

static void
check_object(Check *check, JsonObject *schema, JsonObject *object, const gchar *pointer)
{
  JsonArray *required = cord_json_peek_array(schema, "required");
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *value;

  for (guint i = 0; required && i < json_array_get_length(required); i++) {
    g_autofree gchar *below = pointer_below(pointer, json_array_get_string_element(required, i));

    if (!json_object_has_member(object, json_array_get_string_element(required, i)))
      add_fault(check, below, "is missing");
  }
  json_object_iter_init(&iter, object);
  while (json_object_iter_next(&iter, &name, &value))
    check_member(check, schema, name, value, pointer);
}

static gboolean
fits(Check *check, JsonObject *schema, JsonNode *value)
{
  Check trial = { check->root, g_ptr_array_new_with_free_func(free_fault) };
  gboolean fit;

  check_node(&trial, schema, value, "");
  fit = trial.faults->len == 0;
  g_ptr_array_unref(trial.faults);
  return fit;
}

static void
check_combinations(Check *check, JsonObject *schema, JsonNode *value, const gchar *pointer)
{
  JsonArray *all = cord_json_peek_array(schema, "allOf");
  JsonArray *any = cord_json_peek_array(schema, "anyOf");

  for (guint i = 0; all && i < json_array_get_length(all); i++)
    check_node(check, json_array_get_object_element(all, i), value, pointer);
  if (!any)
    return;
  for (guint i = 0; i < json_array_get_length(any); i++)
    if (fits(check, json_array_get_object_element(any, i), value))
      return;
  add_fault(check, pointer, "has none of the forms that are taken here");
}

static void
check_node(Check *check, JsonObject *schema, JsonNode *value, const gchar *pointer)
{
  schema = cord_json_schema_resolve(check->root, schema);
  if (!schema || !check_type(check, schema, value, pointer))
    return;
  check_enum(check, schema, value, pointer);
  check_combinations(check, schema, value, pointer);
  if (JSON_NODE_HOLDS_OBJECT(value))
    check_object(check, schema, json_node_get_object(value), pointer);
  else if (JSON_NODE_HOLDS_ARRAY(value))
    check_array(check, schema, json_node_get_array(value), pointer);
  else if (is_type(value, "string"))
    check_string(check, schema, json_node_get_string(value), pointer);
  else if (is_type(value, "number"))
    check_number(check, schema, value, pointer);
}

/**
 * cord_json_schema_check:
 * @root: the document in which references point
 * @schema: the schema
 * @value: what is to fit
 * @pointer: where @value stands, "" for the whole
 *
 * Returns: (transfer full) (element-type CordJsonFault): what is wrong, the first sixteen
 */
GPtrArray *
cord_json_schema_check(JsonObject *root, JsonObject *schema, JsonNode *value, const gchar *pointer)
{
  Check check = { root, g_ptr_array_new_with_free_func(free_fault) };

  check_node(&check, schema, value, pointer);
  return check.faults;
}

static gboolean
takes_null(JsonObject *schema)
{
  JsonArray *types = cord_json_peek_array(schema, "type");

  for (guint i = 0; types && i < json_array_get_length(types); i++)
    if (g_str_equal(json_array_get_string_element(types, i), "null"))
      return TRUE;
  return FALSE;
}

/**
 * cord_json_schema_fill:
 * @root: the document in which references point
 * @schema: the schema
 * @value: an object that fits it
 *
 * Gives the members that are missing their defaults.
 */
void
cord_json_schema_fill(JsonObject *root, JsonObject *schema, JsonObject *value)
{
  JsonObject *resolved = cord_json_schema_resolve(root, schema);
  JsonArray *all = resolved ? cord_json_peek_array(resolved, "allOf") : NULL;
  JsonObject *properties = resolved ? cord_json_peek_object(resolved, "properties") : NULL;
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *node;

  for (guint i = 0; all && i < json_array_get_length(all); i++)
    cord_json_schema_fill(root, json_array_get_object_element(all, i), value);
  if (!properties)
    return;
  json_object_iter_init(&iter, properties);
  while (json_object_iter_next(&iter, &name, &node)) {
    JsonObject *property = cord_json_schema_resolve(root, json_node_get_object(node));
    JsonNode *fallback = property ? json_object_get_member(property, "default") : NULL;
    JsonNode *present = json_object_get_member(value, name);

    /* null means "as you like" where null is no value of its own */
    if (fallback && (!present || (JSON_NODE_HOLDS_NULL(present) && !takes_null(property))))
      json_object_set_member(value, name, json_node_copy(fallback));
  }
}
