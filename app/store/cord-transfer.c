/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cord-tables.h"

#define BATCH_ROWS 500    /* read at once */
#define INSERT_PARAMS 800 /* of one statement; SQLite's limit was 999 for long */

/* Reading: pages in the order of the primary key, so that no table must fit into memory */

static gchar *
join(gchar **names, const gchar *prefix)
{
  GString *text = g_string_new(NULL);

  for (guint i = 0; names[i]; i++) {
    g_string_append(text, i > 0 ? ", " : "");
    if (prefix)
      g_string_append_printf(text, "%s%u", prefix, i + 1);
    else
      g_string_append(text, names[i]);
  }
  return g_string_free(text, FALSE);
}

static gchar *
page_sql(const CordTable *table, gboolean first)
{
  g_autofree gchar *columns = join(table->columns, NULL);
  g_autofree gchar *keys = join(table->keys, NULL);
  g_autofree gchar *values = join(table->keys, "$");
  g_autofree gchar *after =
      first ? g_strdup("") : g_strdup_printf(" WHERE (%s) > (%s)", keys, values);

  return g_strdup_printf("SELECT %s FROM %s%s ORDER BY %s LIMIT %d", columns, table->name, after,
                         keys, BATCH_ROWS);
}

static guint
find_column(const CordTable *table, const gchar *name)
{
  guint i = 0;

  while (!g_str_equal(table->columns[i], name))
    i++;
  return i;
}

/* The page after the one in @last, the first when there is none. */
static CordRows *
read_page(CordDatabase *from, const CordTable *table, const CordRows *last, GError **error)
{
  g_autofree gchar *sql = page_sql(table, last == NULL);
  g_autoptr(GPtrArray) params = g_ptr_array_new();

  for (guint i = 0; last && table->keys[i]; i++)
    g_ptr_array_add(params, (gpointer)cord_rows_get(last, cord_rows_length(last) - 1,
                                                    find_column(table, table->keys[i])));
  return cord_database_query(from, sql, (const gchar *const *)params->pdata, params->len, error);
}

/* Writing: many rows a statement */

static gchar *
insert_sql(const CordTable *table, guint n_rows)
{
  g_autofree gchar *columns = join(table->columns, NULL);
  guint n_columns = g_strv_length(table->columns);
  GString *sql = g_string_new(NULL);

  g_string_printf(sql, "INSERT INTO %s (%s) VALUES ", table->name, columns);
  for (guint i = 0; i < n_rows * n_columns; i++)
    g_string_append_printf(sql, "%s$%u%s",
                           i % n_columns > 0 ? ", "
                           : i > 0           ? ", ("
                                             : "(",
                           i + 1, i % n_columns == n_columns - 1 ? ")" : "");
  return g_string_free(sql, FALSE);
}

/* PostgreSQL prints t and reads 1; SQLite must not be given a t. */
static const gchar *
neutral(const CordTable *table, const CordRows *rows, guint row, guint column)
{
  const gchar *value = cord_rows_get(rows, row, column);

  if (!value || !table->is_boolean->data[column])
    return value;
  return cord_rows_get_boolean(rows, row, column) ? "1" : "0";
}

static gboolean
write_rows(CordDatabase *to, const CordTable *table, const CordRows *rows, GError **error)
{
  guint n_columns = g_strv_length(table->columns);
  guint at_once = MAX(INSERT_PARAMS / n_columns, 1);
  guint n;

  for (guint row = 0; row < cord_rows_length(rows); row += n) {
    g_autofree gchar *sql = NULL;
    g_autoptr(GPtrArray) params = g_ptr_array_new();

    n = MIN(at_once, cord_rows_length(rows) - row);
    sql = insert_sql(table, n);
    for (guint i = 0; i < n * n_columns; i++)
      g_ptr_array_add(params, (gpointer)neutral(table, rows, row + i / n_columns, i % n_columns));
    if (!cord_database_run(to, sql, (const gchar *const *)params->pdata, params->len, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
copy_table(CordDatabase *from, CordDatabase *to, const CordTable *table, CordTransfer *transfer,
           GError **error)
{
  gint64 total = cord_database_count_rows(from, table, error);
  g_autoptr(CordRows) page = NULL;
  gint64 done = 0;
  guint n;

  if (total < 0)
    return FALSE;
  do {
    CordRows *next = read_page(from, table, page, error);

    g_clear_pointer(&page, cord_rows_free);
    page = next;
    if (!page || !write_rows(to, table, page, error)) {
      g_prefix_error(error, "%s: ", table->name);
      return FALSE;
    }
    n = cord_rows_length(page);
    done += n;
    if (transfer->progress)
      transfer->progress(table->name, done, total, transfer->data);
  } while (n == BATCH_ROWS);
  transfer->n_rows += done;
  return TRUE;
}

/* The whole */

static gboolean
same_table(const CordTable *a, const CordTable *b)
{
  return g_str_equal(a->name, b->name) &&
         g_strv_equal((const gchar *const *)a->columns, (const gchar *const *)b->columns) &&
         *a->keys;
}

static gboolean
same_tables(GPtrArray *a, GPtrArray *b)
{
  for (guint i = 0; i < a->len; i++)
    if (i >= b->len || !same_table(a->pdata[i], b->pdata[i]))
      return FALSE;
  return a->len == b->len;
}

/* The rows of others go with those that they refer to, so the last table is the first. */
static gboolean
make_room(CordDatabase *to, GPtrArray *tables, gboolean replace, GError **error)
{
  for (guint i = tables->len; i > 0; i--) {
    const CordTable *table = tables->pdata[i - 1];
    g_autofree gchar *sql = g_strdup_printf("DELETE FROM %s", table->name);
    gint64 n = cord_database_count_rows(to, table, error);

    if (n > 0 && !replace)
      g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_INVALID,
                  "The target is not empty (%s has %" G_GINT64_FORMAT
                  " rows); --replace removes what it holds",
                  table->name, n);
    if (n < 0 || (n > 0 && !replace) ||
        (n > 0 && !cord_database_run(to, sql, CORD_NO_PARAMS, error)))
      return FALSE;
  }
  return TRUE;
}

/* Others are told once that all has changed, not of each row. */
static gboolean
silence(CordDatabase *to, GError **error)
{
  return !cord_database_is_postgres(to) ||
         (cord_database_run(to, "SELECT set_config('cordboard.silent', 'on', TRUE)", CORD_NO_PARAMS,
                            error) &&
          cord_database_run(to, "SELECT pg_notify('cordboard', '')", CORD_NO_PARAMS, error));
}

static gboolean
copy_all(CordDatabase *from, CordDatabase *to, CordTransfer *transfer, GError **error)
{
  g_autoptr(GPtrArray) tables = cord_database_list_tables(from, error);
  g_autoptr(GPtrArray) targets = tables ? cord_database_list_tables(to, error) : NULL;

  if (!targets)
    return FALSE;
  if (!same_tables(tables, targets)) {
    g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_SCHEMA,
                "The tables differ; bring the source up to date first with \"cordboard db "
                "migrate\"");
    return FALSE;
  }
  if (!cord_database_take_turn(to, "transfer", error) || !silence(to, error) ||
      !make_room(to, targets, transfer->replace, error))
    return FALSE;
  for (guint i = 0; i < tables->len; i++)
    if (!copy_table(from, to, tables->pdata[i], transfer, error))
      return FALSE;
  transfer->n_tables = tables->len;
  return TRUE;
}

/**
 * cord_database_copy:
 * @from: a database whose schema is up to date; servers may go on writing to it
 * @to: another, which is brought up to date
 * @transfer: how, and what has come of it
 * @error: return location for an error
 *
 * Copies @from as it is now, in one transaction: all comes or nothing.
 *
 * Returns: whether all was copied
 */
gboolean
cord_database_copy(CordDatabase *from, CordDatabase *to, CordTransfer *transfer, GError **error)
{
  gboolean ok;

  transfer->n_rows = transfer->n_tables = 0;
  if (!cord_database_migrate(to, error) || !cord_database_begin_snapshot(from, error))
    return FALSE;
  ok = cord_database_begin(to, error) && copy_all(from, to, transfer, error) &&
       cord_database_commit(to, error);
  if (!ok)
    cord_database_rollback(to);
  cord_database_rollback(from);
  return ok;
}

static gboolean
fail(GError **error, const gchar *what, const gchar *path)
{
  g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_UNAVAILABLE, "Cannot %s %s: %s", what, path,
              g_strerror(errno));
  return FALSE;
}

/* Write-ahead logs beside a backup would be forgotten by whoever moves it. */
static gboolean
fill_backup(CordDatabase *from, const gchar *path, CordTransfer *transfer, GError **error)
{
  g_autoptr(CordDatabase) to = cord_database_sqlite_open(path, error);

  return to && cord_database_copy(from, to, transfer, error) &&
         cord_database_script(to, "PRAGMA journal_mode = DELETE", error);
}

static gboolean
sync_folder_of(const gchar *file, GError **error)
{
  g_autofree gchar *folder = g_path_get_dirname(file);
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean ok = fd >= 0 && fsync(fd) == 0;

  if (!ok)
    fail(error, "sync", folder);
  if (fd >= 0)
    close(fd);
  return ok;
}

static void
remove_database(const gchar *path)
{
  static const gchar *const suffixes[] = { "", "-wal", "-shm", "-journal" };

  for (guint i = 0; i < G_N_ELEMENTS(suffixes); i++) {
    g_autofree gchar *name = g_strconcat(path, suffixes[i], NULL);

    g_unlink(name);
  }
}

/**
 * cord_database_backup:
 * @from: a database; servers may go on writing to it
 * @file: a file that is made, readable by its owner alone
 * @transfer: how, and what has come of it; with @replace a file that is there is replaced
 * @error: return location for an error
 *
 * Writes a file of SQLite with all that the database holds now. It has its name when it is
 * complete.
 *
 * Returns: whether it was written
 */
gboolean
cord_database_backup(CordDatabase *from, const gchar *file, CordTransfer *transfer, GError **error)
{
  g_autofree gchar *partial = g_strconcat(file, ".XXXXXX", NULL);
  int fd;
  gboolean ok;

  if (!transfer->replace && g_file_test(file, G_FILE_TEST_EXISTS)) {
    g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_INVALID,
                "%s is there already; --replace overwrites it", file);
    return FALSE;
  }
  fd = g_mkstemp_full(partial, O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail(error, "write", file);
  close(fd);
  ok = fill_backup(from, partial, transfer, error) &&
       (g_rename(partial, file) == 0 || fail(error, "write", file)) && sync_folder_of(file, error);
  if (!ok)
    remove_database(partial);
  return ok;
}

static CordDatabase *
open_backup(const gchar *file, const gchar *scratch, GError **error)
{
  g_autoptr(GFile) source = g_file_new_for_path(file);
  g_autoptr(GFile) target = g_file_new_for_path(scratch);
  g_autoptr(CordDatabase) database = NULL;
  g_autoptr(CordRows) rows = NULL;

  if (!g_file_copy(source, target, G_FILE_COPY_OVERWRITE | G_FILE_COPY_TARGET_DEFAULT_PERMS, NULL,
                   NULL, NULL, error))
    return NULL;
  database = cord_database_sqlite_open(scratch, error);
  if (!database)
    return NULL;
  rows = cord_database_query(database, "SELECT 1 FROM sqlite_master WHERE name = $1",
                             CORD_PARAMS("schema_migration"), error);
  if (rows && cord_rows_length(rows) == 0)
    g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_INVALID, "%s is no backup of Cordboard",
                file);
  if (!rows || cord_rows_length(rows) == 0 || !cord_database_migrate(database, error))
    return NULL;
  return g_steal_pointer(&database);
}

/**
 * cord_database_restore:
 * @to: a database
 * @file: what cord_database_backup() wrote, with this version or an older one
 * @scratch_dir: a folder in which it may be unpacked; the file itself is not touched
 * @transfer: how, and what has come of it
 * @error: return location for an error
 *
 * Returns: whether the database holds what the backup holds
 */
gboolean
cord_database_restore(CordDatabase *to, const gchar *file, const gchar *scratch_dir,
                      CordTransfer *transfer, GError **error)
{
  g_autofree gchar *scratch = g_build_filename(scratch_dir, "restore.XXXXXX", NULL);
  int fd = g_mkstemp_full(scratch, O_RDWR | O_CLOEXEC, 0600);
  CordDatabase *from;
  gboolean ok;

  if (fd < 0)
    return fail(error, "write in", scratch_dir);
  close(fd);
  from = open_backup(file, scratch, error);
  if (!from)
    g_prefix_error(error, "%s: ", file);
  ok = from && cord_database_copy(from, to, transfer, error);
  g_clear_object(&from);
  remove_database(scratch);
  return ok;
}
