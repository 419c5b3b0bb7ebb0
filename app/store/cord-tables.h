/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-database.h"

G_BEGIN_DECLS

/**
 * CordTable:
 * @name: its name
 * @columns: (array zero-terminated=1): its columns, in their order
 * @keys: (array zero-terminated=1): those that make its primary key
 * @is_boolean: for each column, whether the engines print it differently
 *
 * A table as the database itself describes it.
 */
typedef struct {
  gchar *name;
  GStrv columns;
  GStrv keys;
  GByteArray *is_boolean;
} CordTable;

void cord_table_free(CordTable *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordTable, cord_table_free)

GPtrArray *cord_database_list_tables(CordDatabase *self, GError **error);
gint64 cord_database_count_rows(CordDatabase *self, const CordTable *table, GError **error);

G_END_DECLS
