/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-store.h"

G_BEGIN_DECLS

/**
 * CordColumnKind:
 * @CORD_COLUMN_TEXT: a string
 * @CORD_COLUMN_JSON: any JSON, kept as text
 * @CORD_COLUMN_BOOLEAN: true or false
 * @CORD_COLUMN_INTEGER: a number
 * @CORD_COLUMN_NAME: an expression that gives a name, shown as {"name": …}
 *
 * What a column holds and how it is shown.
 */
typedef enum {
  CORD_COLUMN_TEXT,
  CORD_COLUMN_JSON,
  CORD_COLUMN_BOOLEAN,
  CORD_COLUMN_INTEGER,
  CORD_COLUMN_NAME,
} CordColumnKind;

/**
 * CordColumnFlags:
 * @CORD_COLUMN_FIXED: made here, never taken from a client: id and times
 * @CORD_COLUMN_HIDDEN: never shown
 * @CORD_COLUMN_FILTER: lists may be cut down to one value of it
 * @CORD_COLUMN_SORT: lists may be sorted by it; it is never NULL
 */
typedef enum {
  CORD_COLUMN_FIXED = 1 << 0,
  CORD_COLUMN_HIDDEN = 1 << 1,
  CORD_COLUMN_FILTER = 1 << 2,
  CORD_COLUMN_SORT = 1 << 3,
} CordColumnFlags;

/**
 * CordColumn:
 * @name: in the table and in JSON
 * @kind: what it holds
 * @flags: what may be done with it
 * @expression: (nullable): SQL in place of the column
 */
typedef struct {
  const gchar *name;
  CordColumnKind kind;
  CordColumnFlags flags;
  const gchar *expression;
} CordColumn;

/**
 * CordResource:
 * @table: the table
 * @what: what one row is called
 * @columns: its columns, the first is "id"
 * @n_columns: how many
 * @order: the column that a list is sorted by when nothing is said
 * @descending: whether that list begins at the end
 *
 * A table that the API shows: from this alone it is listed, read, written and deleted.
 */
typedef struct {
  const gchar *table;
  const gchar *what;
  const CordColumn *columns;
  guint n_columns;
  const gchar *order;
  gboolean descending;
} CordResource;

extern const CordResource cord_resource_agents;
extern const CordResource cord_resource_calls;
extern const CordResource cord_resource_system_prompts;
extern const CordResource cord_resource_custom_functions;
extern const CordResource cord_resource_phone_numbers;
extern const CordResource cord_resource_customers;
extern const CordResource cord_resource_sessions;
extern const CordResource cord_resource_webhooks;
extern const CordResource cord_resource_webhook_deliveries;

const CordColumn *cord_resource_find(const CordResource *self, const gchar *name);

/**
 * CordPageRequest:
 * @limit: how many rows at most
 * @cursor: (nullable): where the last page ended, as it said
 * @sort: (nullable): a column with %CORD_COLUMN_SORT
 * @descending: whether from the end; only with @sort
 * @filters: (nullable): names and values by turns, columns with %CORD_COLUMN_FILTER
 *
 * Which rows of a resource.
 */
typedef struct {
  guint limit;
  const gchar *cursor;
  const gchar *sort;
  gboolean descending;
  const gchar *const *filters;
} CordPageRequest;

/**
 * CordPage:
 * @json: the rows, a JSON array
 * @next: (nullable): the cursor of the page after this
 */
typedef struct {
  gchar *json;
  gchar *next;
} CordPage;

void cord_page_free(CordPage *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordPage, cord_page_free)

gchar *cord_resource_etag(const gchar *json);

/* Rows are JSON texts, ready to be sent. Columns not in @values keep their values on update and get
 * the schema's default on create. idempotency_key, or NULL: what was created with it before is what
 * is returned. if_match, or NULL: the ETag that the row must have */
void cord_resource_list_async(const CordResource *self, CordStore *store,
                              const CordPageRequest *request, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);
void cord_resource_get_async(const CordResource *self, CordStore *store, const gchar *id,
                             GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data);
void cord_resource_create_async(const CordResource *self, CordStore *store, JsonObject *values,
                                const gchar *idempotency_key, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);
void cord_resource_update_async(const CordResource *self, CordStore *store, const gchar *id,
                                JsonObject *values, const gchar *if_match,
                                GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data);
void cord_resource_delete_async(const CordResource *self, CordStore *store, const gchar *id,
                                const gchar *if_match, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);

CordPage *cord_resource_list_finish(CordStore *store, GAsyncResult *result, GError **error);
gchar *cord_resource_row_finish(CordStore *store, GAsyncResult *result, GError **error);

/* The same, blocking, on a thread of the store: for work that is more than one of them */
gchar *cord_resource_read(const CordResource *self, CordDatabase *database, const gchar *id,
                          GError **error);
gchar *cord_resource_insert(const CordResource *self, CordDatabase *database, JsonObject *values,
                            GError **error);

G_END_DECLS
