/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-resource-private.h"

#include <string.h>

#include "cord-json.h"

#define IDEMPOTENCY_HOURS 24

#define SQL_GET_ANSWER "SELECT request, answer FROM idempotency_keys WHERE key = $1"
#define SQL_KEEP_ANSWER                                                                            \
  "INSERT INTO idempotency_keys (key, request, status, answer, created_at) "                       \
  "VALUES ($1, $2, $3, $4, $5)"
#define SQL_FORGET_ANSWERS "DELETE FROM idempotency_keys WHERE created_at < $1"

/**
 * cord_resource_etag:
 * @json: a row
 *
 * Returns: (transfer full): the row's entity tag, with its quotation marks
 */
gchar *
cord_resource_etag(const gchar *json)
{
  g_autofree gchar *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, json, -1);

  return g_strdup_printf("\"%.24s\"", sum);
}

/* SQL */

static void
append_columns(GString *sql, const CordResource *self)
{
  for (guint i = 0; i < self->n_columns; i++) {
    const CordColumn *column = &self->columns[i];

    g_string_append_printf(sql, "%s%s", i > 0 ? ", " : "",
                           column->expression ? column->expression : column->name);
  }
}

GString *
cord_resource_select(const CordResource *self)
{
  GString *sql = g_string_new("SELECT ");

  append_columns(sql, self);
  g_string_append_printf(sql, " FROM %s", self->table);
  return sql;
}

/* Parameters with their numbers. */
void
cord_resource_append_parameter(GString *sql, GPtrArray *params, const gchar *value)
{
  g_ptr_array_add(params, g_strdup(value));
  g_string_append_printf(sql, "$%u", params->len);
}

CordRows *
cord_resource_run(CordDatabase *database, GString *sql, GPtrArray *params, GError **error)
{
  return cord_database_query(database, sql->str, (const gchar *const *)params->pdata, params->len,
                             error);
}

/* Rows as JSON */

static void
append_value(GString *json, const CordColumn *column, const CordRows *rows, guint row, guint i)
{
  const gchar *value = cord_rows_get(rows, row, i);

  cord_json_append_string(json, column->name);
  g_string_append_c(json, ':');
  if (!value) {
    g_string_append(json, "null");
    return;
  }
  switch (column->kind) {
  case CORD_COLUMN_TEXT:
    cord_json_append_string(json, value);
    break;
  case CORD_COLUMN_BOOLEAN:
    g_string_append(json, cord_rows_get_boolean(rows, row, i) ? "true" : "false");
    break;
  case CORD_COLUMN_NAME:
    g_string_append(json, "{\"name\":");
    cord_json_append_string(json, value);
    g_string_append_c(json, '}');
    break;
  case CORD_COLUMN_JSON:
  case CORD_COLUMN_INTEGER:
    g_string_append(json, value);
    break;
  }
}

void
cord_resource_append_row(GString *json, const CordResource *self, const CordRows *rows, guint row)
{
  gboolean first = TRUE;

  g_string_append_c(json, '{');
  for (guint i = 0; i < self->n_columns; i++) {
    if (self->columns[i].flags & CORD_COLUMN_HIDDEN)
      continue;
    if (!first)
      g_string_append_c(json, ',');
    first = FALSE;
    append_value(json, &self->columns[i], rows, row, i);
  }
  g_string_append_c(json, '}');
}

/* The one row of an answer, or an error that says that there is none. */
static gchar *
take_row(const CordResource *self, const CordRows *rows, GError **error)
{
  GString *json;

  if (!rows)
    return NULL;
  if (cord_rows_length(rows) == 0) {
    g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_NOT_FOUND, "No such %s", self->what);
    return NULL;
  }
  json = g_string_new(NULL);
  cord_resource_append_row(json, self, rows, 0);
  return g_string_free(json, FALSE);
}

/* Values as parameters */

static gchar *
value_to_text(const CordColumn *column, JsonNode *node)
{
  if (JSON_NODE_HOLDS_NULL(node))
    return NULL;
  switch (column->kind) {
  case CORD_COLUMN_JSON:
    return cord_json_print(node);
  case CORD_COLUMN_BOOLEAN:
    return g_strdup(json_node_get_boolean(node) ? "1" : "0");
  case CORD_COLUMN_INTEGER:
    return g_strdup_printf("%" G_GINT64_FORMAT, json_node_get_int(node));
  case CORD_COLUMN_TEXT:
    return g_strdup(json_node_get_string(node));
  case CORD_COLUMN_NAME:
    break;
  }
  return NULL;
}

/* What a column is set to by @values; FALSE when it is left alone. */
static gboolean
get_value(const CordColumn *column, JsonObject *values, gchar **value)
{
  JsonNode *node = json_object_get_member(values, column->name);

  if (!node || column->flags & CORD_COLUMN_FIXED || column->kind == CORD_COLUMN_NAME)
    return FALSE;
  *value = value_to_text(column, node);
  return TRUE;
}

/**
 * cord_resource_read:
 * @self: a resource
 * @database: the engine
 * @id: which row
 * @error: return location for an error
 *
 * Returns: (transfer full): the row
 */
gchar *
cord_resource_read(const CordResource *self, CordDatabase *database, const gchar *id,
                   GError **error)
{
  g_autoptr(GString) sql = cord_resource_select(self);
  g_autoptr(CordRows) rows = NULL;

  g_string_append(sql, " WHERE id = $1");
  rows = cord_database_query(database, sql->str, CORD_PARAMS(id), error);
  return take_row(self, rows, error);
}

/**
 * cord_resource_insert:
 * @self: a resource
 * @database: the engine
 * @values: what the columns hold
 * @error: return location for an error
 *
 * Returns: (transfer full): the row as it was written
 */
gchar *
cord_resource_insert(const CordResource *self, CordDatabase *database, JsonObject *values,
                     GError **error)
{
  g_autoptr(GString) sql = g_string_new("INSERT INTO ");
  g_autoptr(GString) numbers = g_string_new(NULL);
  g_autoptr(GPtrArray) params = g_ptr_array_new_with_free_func(g_free);
  g_autofree gchar *id = cord_store_new_id();
  g_autofree gchar *now = cord_store_now();
  g_autoptr(CordRows) rows = NULL;

  g_string_append_printf(sql, "%s (id", self->table);
  cord_resource_append_parameter(numbers, params, id);
  for (guint i = 1; i < self->n_columns; i++) {
    const CordColumn *column = &self->columns[i];
    g_autofree gchar *value = NULL;

    if (g_str_equal(column->name, "created_at") || g_str_equal(column->name, "updated_at"))
      value = g_strdup(now);
    else if (!get_value(column, values, &value))
      continue;
    g_string_append_printf(sql, ", %s", column->name);
    g_string_append(numbers, ", ");
    cord_resource_append_parameter(numbers, params, value);
  }
  g_string_append_printf(sql, ") VALUES (%s) RETURNING ", numbers->str);
  append_columns(sql, self);
  rows = cord_resource_run(database, sql, params, error);
  return take_row(self, rows, error);
}

/* Work on the store's thread */

typedef struct {
  const CordResource *resource;
  gchar *id; /* when creating, the idempotency key */
  JsonObject *values;
  gchar *if_match;
} Job;

static void
free_job(gpointer data)
{
  Job *job = data;

  g_free(job->id);
  g_clear_pointer(&job->values, json_object_unref);
  g_free(job->if_match);
  g_free(job);
}

static Job *
job_new(const CordResource *resource, const gchar *id)
{
  Job *job = g_new0(Job, 1);

  job->resource = resource;
  job->id = g_strdup(id);
  return job;
}

static gpointer
get_row(CordDatabase *database, gpointer data, GError **error)
{
  Job *job = data;

  return cord_resource_read(job->resource, database, job->id, error);
}

/* What was answered to the same key before. Sets @error when that was another request. */
static gchar *
find_answer(CordDatabase *database, const gchar *key, const gchar *request, GError **error)
{
  g_autoptr(CordRows) rows = cord_database_query(database, SQL_GET_ANSWER, CORD_PARAMS(key), error);

  if (!rows || cord_rows_length(rows) == 0)
    return NULL;
  if (g_strcmp0(cord_rows_get(rows, 0, 0), request) == 0)
    return g_strdup(cord_rows_get(rows, 0, 1));
  g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_INVALID,
              "The Idempotency-Key was used for another request");
  return NULL;
}

/* What makes a request the same one: all but what is sealed, which is another text each time. */
static gchar *
print_request(const Job *job)
{
  g_autoptr(JsonObject) shown = json_object_new();
  g_autoptr(GList) names = json_object_get_members(job->values);

  for (GList *link = names; link; link = link->next) {
    const CordColumn *column = cord_resource_find(job->resource, link->data);

    if (!column || !(column->flags & CORD_COLUMN_HIDDEN))
      json_object_set_member(shown, link->data, json_object_dup_member(job->values, link->data));
  }
  return cord_json_print_object(shown);
}

static gpointer
create_row(CordDatabase *database, gpointer data, GError **error)
{
  Job *job = data;
  g_autofree gchar *key = NULL, *request = NULL, *sum = NULL, *now = NULL, *old = NULL;
  g_autofree gchar *json = NULL;
  g_autoptr(GError) problem = NULL;

  if (!job->id)
    return cord_resource_insert(job->resource, database, job->values, error);
  key = g_strdup_printf("%s %s", job->resource->table, job->id);
  request = print_request(job);
  sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, request, -1);
  now = cord_store_now();
  old = cord_store_time_before(IDEMPOTENCY_HOURS * 3600);
  /* who sends twice at once waits for the first answer */
  if (!cord_database_take_turn(database, key, error) ||
      !cord_database_run(database, SQL_FORGET_ANSWERS, CORD_PARAMS(old), error))
    return NULL;
  json = find_answer(database, key, sum, &problem);
  if (json)
    return g_steal_pointer(&json);
  if (problem) {
    g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
  }
  json = cord_resource_insert(job->resource, database, job->values, error);
  if (!json ||
      !cord_database_run(database, SQL_KEEP_ANSWER, CORD_PARAMS(key, sum, "201", json, now), error))
    return NULL;
  return g_steal_pointer(&json);
}

/* In a transaction that nobody else can come between: on SQLite it has the database for itself, on
 * PostgreSQL it holds the row. */
static gboolean
check_match(CordDatabase *database, const Job *job, GError **error)
{
  gboolean postgres = cord_database_is_postgres(database);
  g_autofree gchar *lock =
      g_strdup_printf("SELECT id FROM %s WHERE id = $1 FOR UPDATE", job->resource->table);
  g_autofree gchar *json = NULL;
  g_autofree gchar *etag = NULL;

  if (!job->if_match)
    return TRUE;
  if (postgres && !cord_database_run(database, lock, CORD_PARAMS(job->id), error))
    return FALSE;
  json = cord_resource_read(job->resource, database, job->id, error);
  if (!json)
    return FALSE;
  etag = cord_resource_etag(json);
  if (g_str_equal(job->if_match, "*") || strstr(job->if_match, etag))
    return TRUE;
  g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_CHANGED,
              "The %s was changed meanwhile; it is now %s", job->resource->what, etag);
  return FALSE;
}

static gpointer
update_row(CordDatabase *database, gpointer data, GError **error)
{
  Job *job = data;
  const CordResource *self = job->resource;
  g_autoptr(GString) sql = g_string_new(NULL);
  g_autoptr(GPtrArray) params = g_ptr_array_new_with_free_func(g_free);
  g_autofree gchar *now = cord_store_now();
  g_autoptr(CordRows) rows = NULL;

  if (!check_match(database, job, error))
    return NULL;
  g_string_append_printf(sql, "UPDATE %s SET updated_at = ", self->table);
  cord_resource_append_parameter(sql, params, now);
  for (guint i = 1; i < self->n_columns; i++) {
    g_autofree gchar *value = NULL;

    if (!get_value(&self->columns[i], job->values, &value))
      continue;
    g_string_append_printf(sql, ", %s = ", self->columns[i].name);
    cord_resource_append_parameter(sql, params, value);
  }
  g_string_append(sql, " WHERE id = ");
  cord_resource_append_parameter(sql, params, job->id);
  g_string_append(sql, " RETURNING ");
  append_columns(sql, self);
  rows = cord_resource_run(database, sql, params, error);
  return take_row(self, rows, error);
}

static gpointer
delete_row(CordDatabase *database, gpointer data, GError **error)
{
  Job *job = data;
  g_autoptr(GString) sql = g_string_new("DELETE FROM ");
  g_autoptr(CordRows) rows = NULL;

  if (!check_match(database, job, error))
    return NULL;
  g_string_append_printf(sql, "%s WHERE id = $1 RETURNING ", job->resource->table);
  append_columns(sql, job->resource);
  rows = cord_database_query(database, sql->str, CORD_PARAMS(job->id), error);
  return take_row(job->resource, rows, error);
}

/* Asking */

void
cord_resource_get_async(const CordResource *self, CordStore *store, const gchar *id,
                        GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  cord_store_do_async(store, get_row, FALSE, job_new(self, id), free_job, g_free, cancellable,
                      callback, user_data);
}

void
cord_resource_create_async(const CordResource *self, CordStore *store, JsonObject *values,
                           const gchar *idempotency_key, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  Job *job = job_new(self, idempotency_key);

  job->values = json_object_ref(values);
  cord_store_do_async(store, create_row, idempotency_key != NULL, job, free_job, g_free,
                      cancellable, callback, user_data);
}

void
cord_resource_update_async(const CordResource *self, CordStore *store, const gchar *id,
                           JsonObject *values, const gchar *if_match, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  Job *job = job_new(self, id);

  job->values = json_object_ref(values);
  job->if_match = g_strdup(if_match);
  cord_store_do_async(store, update_row, if_match != NULL, job, free_job, g_free, cancellable,
                      callback, user_data);
}

void
cord_resource_delete_async(const CordResource *self, CordStore *store, const gchar *id,
                           const gchar *if_match, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  Job *job = job_new(self, id);

  job->if_match = g_strdup(if_match);
  cord_store_do_async(store, delete_row, if_match != NULL, job, free_job, g_free, cancellable,
                      callback, user_data);
}

/**
 * cord_resource_row_finish:
 *
 * Returns: (transfer full): the row that was read, created, updated or deleted
 */
gchar *
cord_resource_row_finish(CordStore *store, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer(G_TASK(result), error);
}
