/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "openapi-rig.h"

#include <string.h>

#include "cord-json-schema.h"
#include "cord-json.h"

static void
free_operation(gpointer data)
{
  OpenapiOperation *self = data;

  g_free(self->method);
  g_free(self->path);
  g_free(self);
}

static void
add_path(OpenapiRig *self, const gchar *path, JsonObject *item)
{
  static const gchar *const methods[] = { "get", "post", "put", "patch", "delete" };

  for (guint i = 0; i < G_N_ELEMENTS(methods); i++) {
    JsonObject *object = cord_json_peek_object(item, methods[i]);
    OpenapiOperation *operation;

    if (object == NULL)
      continue;
    operation = g_new0(OpenapiOperation, 1);
    operation->method = g_ascii_strup(methods[i], -1);
    operation->path = g_strdup(path);
    operation->object = object;
    operation->item = item;
    g_ptr_array_add(self->operations, operation);
  }
}

OpenapiRig *
openapi_rig_new(void)
{
  OpenapiRig *self = g_new0(OpenapiRig, 1);
  g_autofree gchar *file =
      g_build_filename(g_getenv("CORDBOARD_DATA_DIR"), "..", "schemas", "openapi.json", NULL);
  g_autofree gchar *text = NULL;
  g_autoptr(GError) error = NULL;
  JsonObjectIter iter;
  const gchar *path;
  JsonNode *item;
  gsize length;

  g_assert_true(g_file_get_contents(file, &text, &length, NULL));
  self->node = cord_json_parse(text, (gssize)length, 0, length, &error);
  g_assert_no_error(error);
  self->root = json_node_get_object(self->node);
  self->operations = g_ptr_array_new_with_free_func(free_operation);
  json_object_iter_init(&iter, cord_json_peek_object(self->root, "paths"));
  while (json_object_iter_next(&iter, &path, &item))
    add_path(self, path, json_node_get_object(item));
  return self;
}

void
openapi_rig_free(OpenapiRig *self)
{
  g_ptr_array_unref(self->operations);
  json_node_unref(self->node);
  g_free(self);
}

const gchar *
openapi_operation_get_id(const OpenapiOperation *self)
{
  return cord_json_peek_string(self->object, "operationId", "");
}

OpenapiOperation *
openapi_rig_find(OpenapiRig *self, const gchar *id)
{
  for (guint i = 0; i < self->operations->len; i++)
    if (g_str_equal(openapi_operation_get_id(self->operations->pdata[i]), id))
      return self->operations->pdata[i];
  return NULL;
}

/* The schema of an operation's JSON body, or NULL when it takes none. */
JsonObject *
openapi_rig_get_body(OpenapiRig *self, const OpenapiOperation *operation)
{
  JsonObject *body = cord_json_peek_object(operation->object, "requestBody");
  JsonObject *content = body ? cord_json_peek_object(body, "content") : NULL;
  JsonObject *json = content ? cord_json_peek_object(content, "application/json") : NULL;

  return json ? cord_json_schema_resolve(self->root, cord_json_peek_object(json, "schema")) : NULL;
}

static gboolean
takes(JsonObject *schema, const gchar *type)
{
  const gchar *one = cord_json_peek_string(schema, "type", NULL);
  JsonArray *several = cord_json_peek_array(schema, "type");

  if (one)
    return g_str_equal(one, type) || (g_str_equal(one, "number") && g_str_equal(type, "integer"));
  for (guint i = 0; several && i < json_array_get_length(several); i++)
    if (g_str_equal(json_array_get_string_element(several, i), type))
      return TRUE;
  return several == NULL;
}

static gchar *
make_text(JsonObject *schema)
{
  static guint n;
  static const struct {
    const gchar *format;
    const gchar *text;
  } formats[] = {
    { "uuid", "00000000-0000-4000-8000-000000000000" },
    { "uri", "https://example.com/" },
    { "date-time", "2026-01-01T00:00:00Z" },
  };
  const gchar *format = cord_json_peek_string(schema, "format", "");
  gint64 longest = cord_json_peek_int(schema, "maxLength", 100);

  if (g_str_equal(format, "e164"))
    return g_strdup_printf("+1500%07u", n++);
  for (guint i = 0; i < G_N_ELEMENTS(formats); i++)
    if (g_str_equal(format, formats[i].format))
      return g_strdup(formats[i].text);
  if (cord_json_peek_string(schema, "pattern", NULL) && takes(schema, "null"))
    return NULL;
  return longest < 12 ? g_strdup("x") : g_strdup_printf("text_%u", n++);
}

static JsonNode *
make_object(OpenapiRig *self, JsonObject *schema)
{
  JsonObject *properties = cord_json_peek_object(schema, "properties");
  JsonArray *required = cord_json_peek_array(schema, "required");
  JsonObject *object = json_object_new();
  JsonNode *node = json_node_new(JSON_NODE_OBJECT);

  for (guint i = 0; required && i < json_array_get_length(required); i++) {
    const gchar *name = json_array_get_string_element(required, i);

    json_object_set_member(object, name,
                           openapi_rig_make(self, cord_json_peek_object(properties, name)));
  }
  json_node_take_object(node, object);
  return node;
}

/* Something that fits, with no more than it must have. */
JsonNode *
openapi_rig_make(OpenapiRig *self, JsonObject *schema)
{
  JsonArray *allowed, *any;
  g_autofree gchar *text = NULL;
  JsonNode *node;

  schema = cord_json_schema_resolve(self->root, schema);
  allowed = cord_json_peek_array(schema, "enum");
  any = cord_json_peek_array(schema, "anyOf");
  if (any)
    return openapi_rig_make(self, json_array_get_object_element(any, 0));
  if (allowed)
    return json_node_copy(json_array_get_element(allowed, 0));
  if (takes(schema, "object"))
    return make_object(self, schema);
  if (takes(schema, "string") && (text = make_text(schema)))
    return json_node_init_string(json_node_alloc(), text);
  if (takes(schema, "integer"))
    return json_node_init_int(json_node_alloc(), cord_json_peek_int(schema, "minimum", 1));
  if (takes(schema, "boolean"))
    return json_node_init_boolean(json_node_alloc(), TRUE);
  if (takes(schema, "array")) {
    node = json_node_new(JSON_NODE_ARRAY);
    json_node_take_array(node, json_array_new());
    return node;
  }
  return json_node_new(JSON_NODE_NULL);
}

/* Something of a type that does not fit, or NULL where all do. */
JsonNode *
openapi_rig_spoil(OpenapiRig *self, JsonObject *schema)
{
  static const gchar *const others[][2] = {
    { "integer", "7" }, { "string", "\"no such value\"" }, { "boolean", "true" }, { "array", "[]" },
    { "object", "{}" },
  };

  schema = cord_json_schema_resolve(self->root, schema);
  for (guint i = 0; i < G_N_ELEMENTS(others); i++) {
    JsonNode *node = json_from_string(others[i][1], NULL);
    g_autoptr(GPtrArray) faults = cord_json_schema_check(self->root, schema, node, "");

    if (faults->len > 0)
      return node;
    json_node_unref(node);
  }
  return NULL;
}

static JsonObject *
find_response(OpenapiRig *self, const OpenapiOperation *operation, guint status)
{
  JsonObject *responses = cord_json_peek_object(operation->object, "responses");
  g_autofree gchar *name = g_strdup_printf("%u", status);
  JsonObject *response = cord_json_peek_object(responses, name);

  if (response == NULL && status >= 400)
    response = cord_json_peek_object(responses, "default");
  return response ? cord_json_schema_resolve(self->root, response) : NULL;
}

static gchar *
check_json(OpenapiRig *self, JsonObject *media, const gchar *body, gsize length)
{
  JsonObject *schema = cord_json_peek_object(media, "schema");
  g_autoptr(GError) error = NULL;
  g_autoptr(JsonNode) node = cord_json_parse(body, (gssize)length, 0, 64 * 1024 * 1024, &error);
  g_autoptr(GPtrArray) faults = NULL;
  const CordJsonFault *fault;

  if (node == NULL)
    return g_strdup(error->message);
  if (schema == NULL)
    return g_strdup("the document has no schema for this answer");
  faults = cord_json_schema_check(self->root, schema, node, "");
  if (faults->len == 0)
    return NULL;
  fault = faults->pdata[0];
  return g_strdup_printf("%s %s", fault->pointer, fault->detail);
}

/* What is wrong with an answer, by what the document promises; NULL when nothing is. */
gchar *
openapi_rig_check(OpenapiRig *self, const OpenapiOperation *operation, guint status,
                  const gchar *type, const gchar *body, gsize length)
{
  JsonObject *response = find_response(self, operation, status);
  JsonObject *content = response ? cord_json_peek_object(response, "content") : NULL;
  g_autofree gchar *bare = type ? g_strndup(type, strcspn(type, ";")) : NULL;
  JsonObject *media = content && bare ? cord_json_peek_object(content, bare) : NULL;

  if (status == 304 || (status == 204 && response && length == 0))
    return NULL;
  if (response == NULL)
    return g_strdup_printf("the document does not know the status %u", status);
  if (length == 0 && content == NULL)
    return NULL;
  if (media == NULL)
    return g_strdup_printf("the document does not know the type %s of this answer", type);
  if (g_str_has_suffix(bare, "json"))
    return check_json(self, media, body, length);
  return NULL;
}
