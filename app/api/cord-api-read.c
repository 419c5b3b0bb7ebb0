/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-api-private.h"

/*
 * Reading rows. Who asks for what others are asking for waits with them for the next answer of the
 * store, which is asked once for all of them: nobody gets an answer that is older than his
 * question, and a page that a hundred browsers have open costs one question at a time.
 */

typedef struct {
  CordApi *api;
  const CordResource *resource;
  gboolean list;
  gchar *key;
  GPtrArray *asked;   /* whom the store's next answer is for */
  GPtrArray *waiting; /* who came after it was asked */
} Question;

static void
free_question(gpointer data)
{
  Question *self = data;

  g_ptr_array_unref(self->asked);
  g_ptr_array_unref(self->waiting);
  g_free(self->key);
  g_free(self);
}

static GPtrArray *
new_askers(void)
{
  return g_ptr_array_new_with_free_func((GDestroyNotify)cord_exchange_release);
}

/* The next page as RFC 8288 writes it: the same query with another cursor. */
static void
set_next(CordExchange *exchange, const gchar *cursor)
{
  g_autoptr(GString) link = g_string_new("<");
  g_autofree gchar *escaped = g_uri_escape_string(cursor, NULL, FALSE);
  GHashTableIter iter;
  gpointer name, value;

  g_string_append_printf(link, "%s?cursor=%s", exchange->path, escaped);
  if (exchange->query) {
    g_hash_table_iter_init(&iter, exchange->query);
    while (g_hash_table_iter_next(&iter, &name, &value)) {
      g_autofree gchar *text = g_uri_escape_string(value, NULL, FALSE);

      if (!g_str_equal(name, "cursor"))
        g_string_append_printf(link, "&%s=%s", (gchar *)name, text);
    }
  }
  g_string_append(link, ">; rel=\"next\"");
  cord_exchange_set_header(exchange, "Link", link->str);
  cord_exchange_set_header(exchange, "X-Next-Cursor", cursor);
}

/* Answering */

static void
answer_page(CordExchange *exchange, const CordPage *page)
{
  if (page->next)
    set_next(exchange, page->next);
  cord_exchange_answer(exchange, 200, "application/json", page->json);
}

static void ask(Question *self);

/* Those who were asked for; meanwhile the store is asked for those who wait. */
static GPtrArray *
take_askers(Question *self)
{
  GPtrArray *askers = g_steal_pointer(&self->asked);

  self->asked = self->waiting;
  self->waiting = new_askers();
  if (self->asked->len > 0)
    ask(self);
  else
    g_hash_table_remove(self->api->questions, self->key);
  return askers;
}

static void
on_page(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CordPage) page = cord_resource_list_finish(CORD_STORE(source), result, &error);
  g_autoptr(GPtrArray) askers = take_askers(data);

  for (guint i = 0; i < askers->len; i++) {
    if (page)
      answer_page(askers->pdata[i], page);
    else
      cord_api_answer_error(askers->pdata[i], error);
  }
}

static void
on_row(GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GError) error = NULL;
  g_autofree gchar *json = cord_resource_row_finish(CORD_STORE(source), result, &error);
  g_autofree gchar *etag = json ? cord_resource_etag(json) : NULL;
  g_autoptr(GPtrArray) askers = take_askers(data);

  for (guint i = 0; i < askers->len; i++) {
    if (json)
      cord_api_answer_tagged(askers->pdata[i], 200, json, etag);
    else
      cord_api_answer_error(askers->pdata[i], error);
  }
}

/* Asking */

static void
ask_page(Question *self, CordExchange *exchange)
{
  const gchar *limit = cord_exchange_get_query(exchange, "limit");
  const gchar *sort = cord_exchange_get_query(exchange, "sort");
  g_autoptr(GPtrArray) filters = g_ptr_array_new();
  gboolean calls = self->resource == &cord_resource_calls;
  CordPageRequest request = {
    .limit = limit   ? (guint)g_ascii_strtoull(limit, NULL, 10)
             : calls ? 100
                     : 1000,
    .cursor = cord_exchange_get_query(exchange, "cursor"),
    .sort = sort && *sort == '-' ? sort + 1 : sort,
    .descending = sort && *sort == '-',
  };

  for (guint i = 0; i < self->resource->n_columns; i++) {
    const CordColumn *column = &self->resource->columns[i];
    const gchar *value = cord_exchange_get_query(exchange, column->name);

    if (value) {
      g_ptr_array_add(filters, (gpointer)column->name);
      g_ptr_array_add(filters, (gpointer)value);
    }
  }
  g_ptr_array_add(filters, NULL);
  request.filters = (const gchar *const *)filters->pdata;
  cord_resource_list_async(self->resource, self->api->store, &request, NULL, on_page, self);
}

static void
ask(Question *self)
{
  CordExchange *exchange = self->asked->pdata[0];

  if (self->list)
    ask_page(self, exchange);
  else
    cord_resource_get_async(self->resource, self->api->store, exchange->parameters[0], NULL, on_row,
                            self);
}

static gint
compare(gconstpointer a, gconstpointer b)
{
  return strcmp(*(const gchar *const *)a, *(const gchar *const *)b);
}

/* Equal for those who are to have the same answer. */
static gchar *
make_key(const CordResource *resource, CordExchange *exchange, gboolean list)
{
  g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(g_free);
  GHashTableIter iter;
  gpointer name, value;

  if (!list)
    return g_strdup_printf("%p/%s", (gconstpointer)resource, exchange->parameters[0]);
  if (exchange->query) {
    g_hash_table_iter_init(&iter, exchange->query);
    while (g_hash_table_iter_next(&iter, &name, &value)) {
      g_autofree gchar *text = g_uri_escape_string(value, NULL, FALSE);

      g_ptr_array_add(parts, g_strdup_printf("&%s=%s", (gchar *)name, text));
    }
  }
  g_ptr_array_sort(parts, compare);
  g_ptr_array_insert(parts, 0, g_strdup_printf("%p?", (gconstpointer)resource));
  g_ptr_array_add(parts, NULL);
  return g_strjoinv(NULL, (gchar **)parts->pdata);
}

/**
 * cord_api_read:
 * @api: the API
 * @resource: what is asked for
 * @exchange: a request
 * @list: whether for a page of it, by its query; else for the row that its first parameter names
 *
 * Answers with what the store holds, or with 304 when the client has it.
 */
void
cord_api_read(CordApi *api, const CordResource *resource, CordExchange *exchange, gboolean list)
{
  g_autofree gchar *key = make_key(resource, exchange, list);
  Question *question = g_hash_table_lookup(api->questions, key);

  if (question) {
    g_ptr_array_add(question->waiting, cord_exchange_hold(exchange));
    return;
  }
  question = g_new0(Question, 1);
  *question = (Question){ .api = api, .resource = resource, .list = list };
  question->key = g_steal_pointer(&key);
  question->asked = new_askers();
  question->waiting = new_askers();
  g_ptr_array_add(question->asked, cord_exchange_hold(exchange));
  g_hash_table_insert(api->questions, question->key, question);
  ask(question);
}

/**
 * cord_api_new_questions:
 *
 * Returns: (transfer full): what is asked at a time, by what is asked
 */
GHashTable *
cord_api_new_questions(void)
{
  return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_question);
}
