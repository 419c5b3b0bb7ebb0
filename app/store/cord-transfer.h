/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-database.h"

G_BEGIN_DECLS

/*
 * All of a database into another, whatever engine either has. A backup is such a copy: a file of
 * SQLite, also of a PostgreSQL. All block.
 */

/**
 * CordTransferProgress:
 * @table: what is copied now
 * @done: rows of it that were copied
 * @total: rows that it has
 * @data: as given
 *
 * Told after each batch, and once for an empty table.
 */
typedef void (*CordTransferProgress)(const gchar *table, gint64 done, gint64 total, gpointer data);

/**
 * CordTransfer:
 * @replace: whether the rows that the target has are removed; else it must have none
 * @progress: (nullable): who wants to see it go on
 * @data: for @progress
 * @n_tables: (out): how many tables were copied
 * @n_rows: (out): how many rows
 *
 * How to copy, and what has come of it.
 */
typedef struct {
  gboolean replace;
  CordTransferProgress progress;
  gpointer data;
  guint n_tables;
  gint64 n_rows;
} CordTransfer;

gboolean cord_database_copy(CordDatabase *from, CordDatabase *to, CordTransfer *transfer,
                            GError **error);
gboolean cord_database_backup(CordDatabase *from, const gchar *file, CordTransfer *transfer,
                              GError **error);
gboolean cord_database_restore(CordDatabase *to, const gchar *file, const gchar *scratch_dir,
                               CordTransfer *transfer, GError **error);

G_END_DECLS
