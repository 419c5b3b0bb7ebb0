/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-resource-private.h"

/* Lists of a resource, by pages: a page says where it ended by the last row's place in the order,
 * so that rows which come and go meanwhile move nothing. */

#define MAX_CURSOR 2048 /* bytes */

typedef struct {
  const CordResource *resource;
  guint limit;
  gchar *after_value, *after_id;
  const CordColumn *sort;
  gboolean descending;
  GPtrArray *filters; /* names and values by turns */
} Job;

static void
free_job(gpointer data)
{
  Job *job = data;

  g_free(job->after_value);
  g_free(job->after_id);
  g_clear_pointer(&job->filters, g_ptr_array_unref);
  g_free(job);
}

void
cord_page_free(CordPage *self)
{
  g_free(self->json);
  g_free(self->next);
  g_free(self);
}

static gchar *
make_cursor(const gchar *value, const gchar *id)
{
  g_autofree gchar *text = g_strdup_printf("%s\n%s", id, value);

  return g_base64_encode((const guchar *)text, strlen(text));
}

static void
append_conditions(GString *sql, GPtrArray *params, const Job *job)
{
  const gchar *joint = " WHERE ";

  for (guint i = 0; job->filters && i < job->filters->len; i += 2) {
    const CordColumn *column = cord_resource_find(job->resource, job->filters->pdata[i]);

    g_string_append_printf(sql, "%s%s = ", joint, column->name);
    cord_resource_append_parameter(sql, params, job->filters->pdata[i + 1]);
    joint = " AND ";
  }
  if (job->after_id) {
    g_string_append_printf(sql, "%s(%s, id) %c (", joint, job->sort->name,
                           job->descending ? '<' : '>');
    cord_resource_append_parameter(sql, params, job->after_value);
    g_string_append(sql, ", ");
    cord_resource_append_parameter(sql, params, job->after_id);
    g_string_append_c(sql, ')');
  }
}

static gpointer
list_rows(CordDatabase *database, gpointer data, GError **error)
{
  Job *job = data;
  const CordResource *self = job->resource;
  g_autoptr(GString) sql = cord_resource_select(self);
  g_autoptr(GPtrArray) params = g_ptr_array_new_with_free_func(g_free);
  g_autofree gchar *limit = g_strdup_printf("%u", job->limit + 1);
  const gchar *direction = job->descending ? "DESC" : "ASC";
  g_autoptr(CordRows) rows = NULL;
  g_autoptr(GString) json = g_string_new("[");
  CordPage *page;
  guint n;

  append_conditions(sql, params, job);
  g_string_append_printf(sql, " ORDER BY %s %s, id %s LIMIT ", job->sort->name, direction,
                         direction);
  cord_resource_append_parameter(sql, params, limit);
  rows = cord_resource_run(database, sql, params, error);
  if (!rows)
    return NULL;
  n = MIN(cord_rows_length(rows), job->limit);
  for (guint i = 0; i < n; i++) {
    if (i > 0)
      g_string_append_c(json, ',');
    cord_resource_append_row(json, self, rows, i);
  }
  g_string_append_c(json, ']');
  page = g_new0(CordPage, 1);
  page->json = g_string_free(g_steal_pointer(&json), FALSE);
  if (cord_rows_length(rows) > n && n > 0)
    page->next = make_cursor(cord_rows_get(rows, n - 1, (guint)(job->sort - self->columns)),
                             cord_rows_get(rows, n - 1, 0));
  return page;
}

/* Fills in where the last page ended; FALSE when the cursor is not one of ours. */
static gboolean
read_cursor(Job *job, const gchar *cursor)
{
  g_autofree guchar *bytes = NULL;
  g_autofree gchar *text = NULL;
  gchar *newline;
  gsize size;

  if (strlen(cursor) > MAX_CURSOR)
    return FALSE;
  bytes = g_base64_decode(cursor, &size);
  text = g_strndup((const gchar *)bytes, size);
  newline = strchr(text, '\n');
  if (!newline || !g_utf8_validate(text, -1, NULL))
    return FALSE;
  job->after_id = g_strndup(text, (gsize)(newline - text));
  job->after_value = g_strdup(newline + 1);
  return TRUE;
}

static gboolean
read_filters(Job *job, const gchar *const *filters, GError **error)
{
  job->filters = g_ptr_array_new_with_free_func(g_free);
  for (guint i = 0; filters && filters[i]; i += 2) {
    const CordColumn *column = cord_resource_find(job->resource, filters[i]);
    const gchar *value = filters[i + 1];

    if (!column || !(column->flags & CORD_COLUMN_FILTER)) {
      g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_INVALID,
                  "A list cannot be filtered by \"%s\"", filters[i]);
      return FALSE;
    }
    if (column->kind == CORD_COLUMN_BOOLEAN)
      value = g_str_equal(value, "true") || g_str_equal(value, "1") ? "1" : "0";
    g_ptr_array_add(job->filters, g_strdup(filters[i]));
    g_ptr_array_add(job->filters, g_strdup(value));
  }
  return TRUE;
}

static gboolean
read_request(Job *job, const CordPageRequest *request, GError **error)
{
  const CordResource *self = job->resource;
  const gchar *sort = request->sort ? request->sort : self->order;

  job->limit = request->limit;
  job->sort = cord_resource_find(self, sort);
  job->descending = request->sort ? request->descending : self->descending;
  if (!job->sort || !(job->sort->flags & CORD_COLUMN_SORT)) {
    g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_INVALID,
                "A list cannot be sorted by \"%s\"", sort);
    return FALSE;
  }
  if (request->cursor && !read_cursor(job, request->cursor)) {
    g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_INVALID,
                "The cursor is not one that this server gave");
    return FALSE;
  }
  return read_filters(job, request->filters, error);
}

void
cord_resource_list_async(const CordResource *self, CordStore *store, const CordPageRequest *request,
                         GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  Job *job = g_new0(Job, 1);
  GError *error = NULL;

  job->resource = self;
  if (!read_request(job, request, &error)) {
    free_job(job);
    g_task_report_error(store, callback, user_data, (gpointer)cord_resource_list_async, error);
    return;
  }
  cord_store_do_async(store, list_rows, FALSE, job, free_job, (GDestroyNotify)cord_page_free,
                      cancellable, callback, user_data);
}

/**
 * cord_resource_list_finish:
 *
 * Returns: (transfer full): a page of rows
 */
CordPage *
cord_resource_list_finish(CordStore *store, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer(G_TASK(result), error);
}
