/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-openapi.h"

#include <string.h>

#include "cord-error.h"
#include "cord-json-schema.h"
#include "cord-json.h"

#define MAX_DOCUMENT (4 * 1024 * 1024)
#define SCOPE_KEY "x-cordboard-scope"

/* One operation of the document. */
typedef struct {
  CordOpenapi *api;
  gchar *method;
  gchar *pattern; /* "/api/agents/{}" */
  JsonObject *object;
  const gchar *scope;
  CordHandler handler;
  gpointer data;
} Operation;

struct _CordOpenapi {
  CordHttpServer *http;
  GBytes *document;
  JsonNode *node;
  JsonObject *root;
  GHashTable *operations; /* operationId -> Operation */
  CordAuthorize authorize;
  gpointer authorize_data;
};

static void
free_operation(gpointer data)
{
  Operation *operation = data;

  g_free(operation->method);
  g_free(operation->pattern);
  g_free(operation);
}

/**
 * cord_exchange_faults:
 * @self: a request
 * @status: the status
 * @detail: what is wrong with the whole
 * @faults: (element-type CordJsonFault): and with its parts
 *
 * Answers with a problem document that names each part ("errors", as RFC 9457 shows it).
 */
void
cord_exchange_faults(CordExchange *self, guint status, const gchar *detail, GPtrArray *faults)
{
  JsonArray *errors = json_array_new();

  for (guint i = 0; i < faults->len; i++) {
    const CordJsonFault *fault = faults->pdata[i];
    JsonObject *error = json_object_new();
    g_autofree gchar *pointer = g_strconcat("#", fault->pointer, NULL);

    json_object_set_string_member(error, "pointer", pointer);
    json_object_set_string_member(error, "detail", fault->detail);
    json_array_add_object_element(errors, error);
  }
  cord_exchange_problem_with(self, status, detail, "errors", errors);
}

/* Checking a request */

static void
refuse_parameter(CordExchange *exchange, const gchar *name, const gchar *fault)
{
  cord_exchange_problem(exchange, 422, "The parameter \"%s\" %s.", name, fault);
}

/* A parameter is text; its schema says as what it is to be read. */
static JsonNode *
parameter_node(JsonObject *schema, const gchar *text)
{
  const gchar *type = cord_json_peek_string(schema, "type", "string");
  gint64 number;

  if (g_str_equal(type, "integer") &&
      g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, &number, NULL))
    return json_node_init_int(json_node_alloc(), number);
  if (g_str_equal(type, "boolean") && (g_str_equal(text, "true") || g_str_equal(text, "false")))
    return json_node_init_boolean(json_node_alloc(), g_str_equal(text, "true"));
  return json_node_init_string(json_node_alloc(), text);
}

static JsonObject *
find_parameter(Operation *operation, const gchar *name)
{
  JsonArray *parameters = cord_json_peek_array(operation->object, "parameters");

  for (guint i = 0; parameters && i < json_array_get_length(parameters); i++) {
    JsonObject *parameter = cord_json_schema_resolve(operation->api->root,
                                                     json_array_get_object_element(parameters, i));

    if (g_str_equal(cord_json_peek_string(parameter, "name", ""), name) &&
        g_str_equal(cord_json_peek_string(parameter, "in", ""), "query"))
      return parameter;
  }
  return NULL;
}

static gboolean
check_parameter(Operation *operation, CordExchange *exchange, const gchar *name, const gchar *text)
{
  JsonObject *parameter = find_parameter(operation, name);
  JsonObject *schema;
  g_autoptr(JsonNode) node = NULL;
  g_autoptr(GPtrArray) faults = NULL;

  if (!parameter) {
    refuse_parameter(exchange, name, "is not known here");
    return FALSE;
  }
  schema =
      cord_json_schema_resolve(operation->api->root, cord_json_peek_object(parameter, "schema"));
  node = parameter_node(schema, text);
  faults = cord_json_schema_check(operation->api->root, schema, node, "");
  if (faults->len == 0)
    return TRUE;
  refuse_parameter(exchange, name, ((CordJsonFault *)faults->pdata[0])->detail);
  return FALSE;
}

/* The query's names and values, each name once. */
static gboolean
read_query(Operation *operation, CordExchange *exchange)
{
  const gchar *query = g_uri_get_query(soup_server_message_get_uri(exchange->message));
  GHashTableIter iter;
  gpointer name, value;

  if (!query)
    return TRUE;
  exchange->query = g_uri_parse_params(query, -1, "&", G_URI_PARAMS_WWW_FORM, NULL);
  if (!exchange->query) {
    cord_exchange_problem(exchange, 400, "The query is not what a form would send.");
    return FALSE;
  }
  g_hash_table_iter_init(&iter, exchange->query);
  while (g_hash_table_iter_next(&iter, &name, &value)) {
    if (!g_utf8_validate(name, -1, NULL) || !g_utf8_validate(value, -1, NULL)) {
      cord_exchange_problem(exchange, 400, "The query is not UTF-8.");
      return FALSE;
    }
    if (!check_parameter(operation, exchange, name, value))
      return FALSE;
  }
  return TRUE;
}

/* The schema of a JSON body, or NULL when the operation takes none. */
static JsonObject *
body_schema(Operation *operation, gboolean *required)
{
  JsonObject *body = cord_json_peek_object(operation->object, "requestBody");
  JsonObject *content = body ? cord_json_peek_object(body, "content") : NULL;
  JsonObject *json = content ? cord_json_peek_object(content, "application/json") : NULL;

  *required = body && cord_json_peek_boolean(body, "required", FALSE);
  return json ? cord_json_peek_object(json, "schema") : NULL;
}

static gboolean
is_json(CordExchange *exchange)
{
  const gchar *type = soup_message_headers_get_content_type(
      soup_server_message_get_request_headers(exchange->message), NULL);

  return type &&
         (g_ascii_strcasecmp(type, "application/json") == 0 || g_str_has_suffix(type, "+json"));
}

static gboolean
take_body(Operation *operation, CordExchange *exchange, JsonObject *schema, GBytes *bytes)
{
  JsonObject *root = operation->api->root;
  g_autoptr(GError) error = NULL;
  g_autoptr(JsonNode) node = NULL;
  g_autoptr(GPtrArray) faults = NULL;

  if (!is_json(exchange)) {
    cord_exchange_problem(exchange, 415,
                          "The body must be JSON, with Content-Type: "
                          "application/json.");
    return FALSE;
  }
  node = cord_json_parse(g_bytes_get_data(bytes, NULL), (gssize)g_bytes_get_size(bytes),
                         CORD_JSON_MAX_DEPTH, CORD_JSON_MAX_BYTES, &error);
  if (!node) {
    cord_exchange_problem(exchange, 400, "The body is not JSON: %s.", error->message);
    return FALSE;
  }
  faults = cord_json_schema_check(root, schema, node, "");
  if (faults->len > 0) {
    const CordJsonFault *first = faults->pdata[0];
    g_autofree gchar *detail =
        g_strdup_printf("%s %s.", *first->pointer ? first->pointer + 1 : "The body", first->detail);

    cord_exchange_faults(exchange, 422, detail, faults);
    return FALSE;
  }
  if (JSON_NODE_HOLDS_OBJECT(node)) {
    exchange->body = json_node_dup_object(node);
    cord_json_schema_fill(root, schema, exchange->body);
  }
  return TRUE;
}

static gboolean
read_body(Operation *operation, CordExchange *exchange)
{
  gboolean required;
  JsonObject *schema = body_schema(operation, &required);
  g_autoptr(GBytes) bytes = NULL;

  if (!schema)
    return TRUE;
  bytes = soup_message_body_flatten(soup_server_message_get_request_body(exchange->message));
  if (g_bytes_get_size(bytes) > 0)
    return take_body(operation, exchange, schema, bytes);
  if (required)
    cord_exchange_problem(exchange, 422, "A body is missing: %s wants JSON.", exchange->path);
  return !required;
}

static void
dispatch(CordExchange *exchange, gpointer data)
{
  Operation *operation = data;
  CordOpenapi *api = operation->api;

  if (api->authorize && !api->authorize(exchange, operation->scope, api->authorize_data))
    return;
  /* what carriers send has a form of its own, and its signature is checked first */
  if (!g_str_equal(operation->scope, "carrier") &&
      (!read_query(operation, exchange) || !read_body(operation, exchange)))
    return;
  operation->handler(exchange, operation->data);
}

/* The document */

static gchar *
pattern_of(const gchar *path)
{
  g_autoptr(GRegex) regex = g_regex_new("\\{[^/}]*\\}", 0, 0, NULL);

  return g_regex_replace_literal(regex, path, -1, 0, "{}", 0, NULL);
}

static gboolean
add_operation(CordOpenapi *self, const gchar *path, const gchar *method, JsonObject *object,
              GError **error)
{
  const gchar *id = cord_json_peek_string(object, "operationId", NULL);
  Operation *operation;

  if (!id || g_hash_table_contains(self->operations, id)) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID,
                "the OpenAPI document has no or the same operationId at %s %s", method, path);
    return FALSE;
  }
  operation = g_new0(Operation, 1);
  operation->api = self;
  operation->method = g_ascii_strup(method, -1);
  operation->pattern = pattern_of(path);
  operation->object = object;
  operation->scope = cord_json_peek_string(object, SCOPE_KEY, "admin");
  g_hash_table_insert(self->operations, g_strdup(id), operation);
  return TRUE;
}

static gboolean
add_path(CordOpenapi *self, const gchar *path, JsonObject *item, GError **error)
{
  static const gchar *const methods[] = { "get", "post", "put", "patch", "delete" };

  for (guint i = 0; i < G_N_ELEMENTS(methods); i++) {
    JsonObject *object = cord_json_peek_object(item, methods[i]);

    if (object && !add_operation(self, path, methods[i], object, error))
      return FALSE;
  }
  return TRUE;
}

/**
 * cord_openapi_new:
 * @http: where the routes go
 * @document: the OpenAPI document, JSON
 * @error: return location for an error
 *
 * Returns: (transfer full): the operations, none bound yet
 */
CordOpenapi *
cord_openapi_new(CordHttpServer *http, GBytes *document, GError **error)
{
  g_autoptr(CordOpenapi) self = g_new0(CordOpenapi, 1);
  JsonObjectIter iter;
  const gchar *path;
  JsonNode *item;

  self->http = g_object_ref(http);
  self->document = g_bytes_ref(document);
  self->operations = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_operation);
  self->node = cord_json_parse(g_bytes_get_data(document, NULL), (gssize)g_bytes_get_size(document),
                               CORD_JSON_MAX_DEPTH, MAX_DOCUMENT, error);
  if (!self->node)
    return NULL;
  self->root = json_node_get_object(self->node);
  json_object_iter_init(&iter, cord_json_peek_object(self->root, "paths"));
  while (json_object_iter_next(&iter, &path, &item))
    if (!add_path(self, path, json_node_get_object(item), error))
      return NULL;
  return g_steal_pointer(&self);
}

/**
 * cord_openapi_free:
 * @self: (transfer full): the operations; no request may come any more
 */
void
cord_openapi_free(CordOpenapi *self)
{
  g_clear_pointer(&self->operations, g_hash_table_unref);
  g_clear_pointer(&self->node, json_node_unref);
  g_clear_pointer(&self->document, g_bytes_unref);
  g_clear_object(&self->http);
  g_free(self);
}

/**
 * cord_openapi_set_authorize:
 * @self: the operations
 * @authorize: who may use them
 * @data: for @authorize
 */
void
cord_openapi_set_authorize(CordOpenapi *self, CordAuthorize authorize, gpointer data)
{
  self->authorize = authorize;
  self->authorize_data = data;
}

/**
 * cord_openapi_bind:
 * @self: the operations
 * @operation_id: which of them
 * @handler: what answers, once the request was checked
 * @data: for @handler
 *
 * It is a fault of the program to bind what the document does not have, or twice.
 */
void
cord_openapi_bind(CordOpenapi *self, const gchar *operation_id, CordHandler handler, gpointer data)
{
  Operation *operation = g_hash_table_lookup(self->operations, operation_id);

  if (!operation || operation->handler)
    g_error("the OpenAPI document does not have the operation %s once", operation_id);
  operation->handler = handler;
  operation->data = data;
  cord_http_server_add(self->http, operation->method, operation->pattern, dispatch, operation);
}

/**
 * cord_openapi_list_unbound:
 * @self: the operations
 *
 * Returns: (transfer full): operations that the document promises and nobody answers
 */
GStrv
cord_openapi_list_unbound(CordOpenapi *self)
{
  g_autoptr(GStrvBuilder) names = g_strv_builder_new();
  GHashTableIter iter;
  gpointer name, operation;

  g_hash_table_iter_init(&iter, self->operations);
  while (g_hash_table_iter_next(&iter, &name, &operation))
    if (!((Operation *)operation)->handler)
      g_strv_builder_add(names, name);
  return g_strv_builder_end(names);
}

/**
 * cord_openapi_get_document:
 * @self: the operations
 *
 * Returns: (transfer none): the document as it was read
 */
GBytes *
cord_openapi_get_document(CordOpenapi *self)
{
  return self->document;
}

/**
 * cord_openapi_get_root:
 * @self: the operations
 *
 * Returns: (transfer none): the document
 */
JsonObject *
cord_openapi_get_root(CordOpenapi *self)
{
  return self->root;
}
