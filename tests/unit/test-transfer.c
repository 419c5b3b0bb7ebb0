/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cord-tables.h"
#include "cord-test-store.h"
#include "cord-transfer.h"

#define N_LINES 1234 /* more than one page, and not a multiple of it */

static CordDatabase *
open_database(const gchar *uri)
{
  g_autoptr(GError) error = NULL;
  CordDatabase *database = cord_database_open(uri, &error);

  g_assert_no_error(error);
  return database;
}

/* On the engine that is tested. */
static CordDatabase *
new_database(void)
{
  g_autofree gchar *uri = test_database_uri(":memory:");

  return open_database(uri);
}

static void
run(CordDatabase *database, const gchar *sql)
{
  g_autoptr(GError) error = NULL;

  cord_database_script(database, sql, &error);
  g_assert_no_error(error);
}

static void
migrate(CordDatabase *database)
{
  g_autoptr(GError) error = NULL;

  cord_database_migrate(database, &error);
  g_assert_no_error(error);
}

static gint64
count(CordDatabase *database, const gchar *what)
{
  g_autofree gchar *sql = g_strconcat("SELECT COUNT(*) FROM ", what, NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(CordRows) rows = cord_database_query(database, sql, CORD_NO_PARAMS, &error);

  g_assert_no_error(error);
  return cord_rows_get_int(rows, 0, 0, -1);
}

/* A server's database, with what engines see differently: booleans, NULL, and other alphabets. */
static void
fill(CordDatabase *database)
{
  g_autoptr(GString) lines = g_string_new(
      "INSERT INTO transcript_entries (id, call_id, role, content, timestamp, seq) VALUES ");

  migrate(database);
  run(database,
      "INSERT INTO agents (id, name, system_prompt, voice_id, language, llm_model, is_active, "
      "metadata, created_at, updated_at) VALUES "
      "('a1', 'One', 'p', 'v', 'l', 'm', TRUE, NULL, 't', 't'), "
      "('a2', '\xc3\x89t\xc3\xa9 \xf0\x9f\x98\x80', '', 'v', 'l', 'm', FALSE, '{\"a\":\"''\"}', "
      "'t', 't'); "
      "INSERT INTO calls (id, agent_id, direction, status, started_at, duration_seconds, "
      "extracted) "
      "VALUES ('c1', 'a1', 'inbound', 'completed', 't', 9007199254740993, '{\"name\":\"A\"}'), "
      "('c2', NULL, 'browser', 'failed', 't', NULL, NULL); "
      "INSERT INTO phone_numbers (id, number, agent_id, credentials, is_active, created_at, "
      "updated_at) VALUES ('n1', '+1', 'a2', 'v1:x:y', FALSE, 't', 't'); "
      "INSERT INTO webhooks (id, url, agent_id, sealed_secret, created_at, updated_at) VALUES "
      "('w1', 'https://x', 'a1', 's', 't', 't'); "
      "INSERT INTO webhook_deliveries (id, webhook_id, event, body, status, next_attempt, seq, "
      "created_at, updated_at) VALUES ('d1', 'w1', 'e', '{}', 'dead', 't', 7, 't', 't'); "
      "INSERT INTO journal_positions (server_id, seq) VALUES ('s1', 42)");
  for (guint i = 0; i < N_LINES; i++)
    g_string_append_printf(lines, "%s('l%u', 'c1', 'user', 'line %u', 't', %u)", i > 0 ? ", " : "",
                           i, i, i);
  run(database, lines->str);
}

static gint
compare_lines(gconstpointer a, gconstpointer b)
{
  return strcmp(*(const gchar *const *)a, *(const gchar *const *)b);
}

/* All rows of all tables, the same for the same content on either engine. */
static gchar *
dump(CordDatabase *database)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) tables = cord_database_list_tables(database, &error);
  g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

  g_assert_no_error(error);
  for (guint t = 0; t < tables->len; t++) {
    const CordTable *table = tables->pdata[t];
    g_autofree gchar *columns = g_strjoinv(", ", table->columns);
    g_autofree gchar *sql = g_strdup_printf("SELECT %s FROM %s", columns, table->name);
    g_autoptr(CordRows) rows = cord_database_query(database, sql, CORD_NO_PARAMS, &error);

    g_assert_no_error(error);
    for (guint row = 0; row < cord_rows_length(rows); row++) {
      GString *line = g_string_new(table->name);

      for (guint i = 0; table->columns[i]; i++) {
        const gchar *value = cord_rows_get(rows, row, i);

        if (value && table->is_boolean->data[i])
          value = cord_rows_get_boolean(rows, row, i) ? "yes" : "no";
        g_string_append_printf(line, "|%s", value ? value : "NULL");
      }
      g_ptr_array_add(lines, g_string_free(line, FALSE));
    }
  }
  g_ptr_array_sort(lines, compare_lines);
  g_ptr_array_add(lines, NULL);
  return g_strjoinv("\n", (gchar **)lines->pdata);
}

static void
assert_same(CordDatabase *one, CordDatabase *other)
{
  g_autofree gchar *a = dump(one);
  g_autofree gchar *b = dump(other);

  g_assert_cmpstr(a, ==, b);
}

static void
copy(CordDatabase *from, CordDatabase *to, gboolean replace)
{
  CordTransfer transfer = { .replace = replace };
  g_autoptr(GError) error = NULL;

  cord_database_copy(from, to, &transfer, &error);
  g_assert_no_error(error);
  assert_same(from, to);
}

static void
test_round_trip(void)
{
  g_autoptr(CordDatabase) first = new_database();
  g_autoptr(CordDatabase) file = open_database("sqlite::memory:");
  g_autoptr(CordDatabase) last = new_database();
  CordTransfer transfer = { 0 };
  g_autoptr(GError) error = NULL;

  fill(first);
  cord_database_copy(first, file, &transfer, &error);
  g_assert_no_error(error);
  g_assert_cmpint(transfer.n_rows, ==, N_LINES + 8);
  g_assert_cmpuint(transfer.n_tables, >=, 10);
  assert_same(first, file);
  copy(file, last, FALSE);
  assert_same(first, last);
  /* a server takes it for its own */
  g_assert_cmpint(count(last, "agents WHERE is_active"), ==, 1);
}

static void
test_not_empty(void)
{
  g_autoptr(CordDatabase) from = open_database("sqlite::memory:");
  g_autoptr(CordDatabase) to = new_database();
  CordTransfer transfer = { 0 };
  g_autoptr(GError) error = NULL;

  fill(from);
  migrate(to);
  run(to, "INSERT INTO journal_positions (server_id, seq) VALUES ('mine', 1)");
  g_assert_false(cord_database_copy(from, to, &transfer, &error));
  g_assert_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_INVALID);
  g_assert_nonnull(strstr(error->message, "journal_positions"));
  g_assert_nonnull(strstr(error->message, "--replace"));
  g_assert_cmpint(count(to, "agents"), ==, 0);
  copy(from, to, TRUE);
  copy(from, to, TRUE);
}

static void
test_old_source(void)
{
  g_autoptr(CordDatabase) from = open_database("sqlite::memory:");
  g_autoptr(CordDatabase) to = new_database();
  CordTransfer transfer = { 0 };
  g_autoptr(GError) error = NULL;

  g_assert_false(cord_database_copy(from, to, &transfer, &error));
  g_assert_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_SCHEMA);
}

/* A copy that breaks off in its last table. */
static void
test_failed_copy(void)
{
  g_autoptr(CordDatabase) from = open_database("sqlite::memory:");
  g_autoptr(CordDatabase) to = new_database();
  CordTransfer transfer = { .replace = TRUE };
  g_autoptr(GError) error = NULL;

  fill(from);
  fill(to);
  run(to, "DELETE FROM transcript_entries; UPDATE agents SET name = 'kept'");
  run(from, "PRAGMA foreign_keys = OFF; UPDATE transcript_entries SET call_id = 'nobody' "
            "WHERE id = 'l999'");
  g_assert_false(cord_database_copy(from, to, &transfer, &error));
  g_assert_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_CONSTRAINT);
  g_assert_cmpint(count(to, "agents WHERE name = 'kept'"), ==, 2);
  g_assert_cmpint(count(to, "transcript_entries"), ==, 0);
}

/* A server goes on writing while it is copied. */
static void
write_more(const gchar *table, gint64 done, gint64 total, gpointer data)
{
  g_autofree gchar *sql = g_strdup_printf(
      "INSERT INTO agents (id, name, system_prompt, voice_id, language, llm_model, created_at, "
      "updated_at) VALUES ('new-%s-%d', 'n', 'p', 'v', 'l', 'm', 't', 't'); "
      "DELETE FROM transcript_entries WHERE id = 'l%d'",
      table, (int)done, (int)done);

  run(data, sql);
}

static void
test_one_moment(void)
{
  g_autofree gchar *dir = test_dir_new();
  g_autofree gchar *path = g_build_filename(dir, "x.db", NULL);
  g_autofree gchar *uri = test_database_uri(path);
  g_autoptr(CordDatabase) from = open_database(uri);
  g_autoptr(CordDatabase) writer = open_database(uri);
  g_autoptr(CordDatabase) to = open_database("sqlite::memory:");
  CordTransfer transfer = { .progress = write_more, .data = writer };
  g_autoptr(GError) error = NULL;

  fill(from);
  cord_database_copy(from, to, &transfer, &error);
  g_assert_no_error(error);
  g_assert_cmpint(transfer.n_rows, ==, N_LINES + 8);
  g_assert_cmpint(count(to, "agents"), ==, 2);
  g_assert_cmpint(count(from, "agents"), >, 10);
  g_clear_object(&from);
  g_clear_object(&writer);
  test_dir_remove(dir);
}

static void
test_backup(void)
{
  g_autofree gchar *dir = test_dir_new();
  g_autofree gchar *file = g_build_filename(dir, "backup", NULL);
  g_autoptr(CordDatabase) from = new_database();
  g_autoptr(CordDatabase) to = new_database();
  CordTransfer transfer = { 0 };
  g_autoptr(GError) error = NULL;
  g_autoptr(GDir) folder = NULL;
  struct stat status;

  fill(from);
  cord_database_backup(from, file, &transfer, &error);
  g_assert_no_error(error);
  g_assert_cmpint(stat(file, &status), ==, 0);
  g_assert_cmpint(status.st_mode & 0777, ==, 0600);
  folder = g_dir_open(dir, 0, NULL);
  g_assert_cmpstr(g_dir_read_name(folder), ==, "backup");
  g_assert_null(g_dir_read_name(folder));

  g_assert_false(cord_database_backup(from, file, &transfer, &error));
  g_assert_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_INVALID);
  g_clear_error(&error);

  cord_database_restore(to, file, dir, &transfer, &error);
  g_assert_no_error(error);
  assert_same(from, to);
  transfer.replace = TRUE;
  run(from, "DELETE FROM calls");
  g_assert_true(cord_database_backup(from, file, &transfer, NULL));
  g_assert_true(cord_database_restore(to, file, dir, &transfer, NULL));
  g_assert_cmpint(count(to, "transcript_entries"), ==, 0);
  test_dir_remove(dir);
}

static void
test_no_backup(void)
{
  g_autofree gchar *dir = test_dir_new();
  g_autofree gchar *text = g_build_filename(dir, "text", NULL);
  g_autofree gchar *missing = g_build_filename(dir, "missing", NULL);
  g_autofree gchar *other = g_build_filename(dir, "other", NULL);
  const gchar *const files[] = { text, missing, other };
  g_autoptr(CordDatabase) to = new_database();
  g_autoptr(CordDatabase) strange = open_database(other);

  g_assert_true(g_file_set_contents(text, "no database at all", -1, NULL));
  run(strange, "CREATE TABLE x (y TEXT)");
  g_clear_object(&strange);
  for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
    CordTransfer transfer = { .replace = TRUE };
    g_autoptr(GError) error = NULL;

    g_assert_false(cord_database_restore(to, files[i], dir, &transfer, &error));
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, files[i]));
  }
  test_dir_remove(dir);
}

/* Databases of older versions */

static gchar *
read_old(const gchar *dialect)
{
  g_autofree gchar *name = g_strdup_printf("version-1-%s.sql", dialect);
  g_autofree gchar *path = g_build_filename(g_getenv("CORDBOARD_TEST_DATA"), "store", name, NULL);
  gchar *sql = NULL;

  g_assert_true(g_file_get_contents(path, &sql, NULL, NULL));
  return sql;
}

static void
assert_old_rows(CordDatabase *database)
{
  g_assert_cmpint(count(database, "agents WHERE name = 'Front desk' AND is_active"), ==, 1);
  g_assert_cmpint(count(database, "calls"), ==, 2);
  g_assert_cmpint(count(database, "calls WHERE agent_id IS NULL AND summary IS NULL"), ==, 1);
  g_assert_cmpint(count(database, "transcript_entries WHERE content = 'Gr\xc3\xb6\xc3\x9f"
                                  "e ''41'', \xe2\x80\x9cplease\xe2\x80\x9d.'"),
                  ==, 1);
  g_assert_cmpint(count(database, "function_call_logs"), ==, 1);
  g_assert_cmpint(count(database, "journal_positions WHERE seq = 8"), ==, 1);
  g_assert_cmpint(count(database, "webhook_deliveries"), ==, 0);
}

static void
test_migration(void)
{
  g_autoptr(CordDatabase) database = new_database();
  g_autofree gchar *old = read_old(cord_database_get_dialect(database));
  g_auto(GStrv) applied = NULL;
  g_auto(GStrv) pending = NULL;
  g_auto(GStrv) now_applied = NULL;
  g_auto(GStrv) none = NULL;
  g_autoptr(GError) error = NULL;

  run(database, old);
  g_assert_true(cord_database_list_migrations(database, &applied, &pending, &error));
  g_assert_no_error(error);
  g_assert_cmpuint(g_strv_length(applied), ==, 1);
  g_assert_cmpuint(g_strv_length(pending), >, 2);
  migrate(database);
  assert_old_rows(database);
  g_assert_true(cord_database_list_migrations(database, &now_applied, &none, &error));
  g_assert_cmpuint(g_strv_length(now_applied), ==, 1 + g_strv_length(pending));
  g_assert_cmpuint(g_strv_length(none), ==, 0);
}

static void
test_old_backup(void)
{
  g_autofree gchar *dir = test_dir_new();
  g_autofree gchar *file = g_build_filename(dir, "old", NULL);
  g_autofree gchar *old = read_old("sqlite");
  g_autofree gchar *before = NULL;
  g_autofree gchar *after = NULL;
  g_autoptr(CordDatabase) backup = open_database(file);
  g_autoptr(CordDatabase) to = new_database();
  CordTransfer transfer = { 0 };
  g_autoptr(GError) error = NULL;
  gsize size, size_after;

  run(backup, old);
  run(backup, "PRAGMA journal_mode = DELETE");
  g_clear_object(&backup);
  g_assert_true(g_file_get_contents(file, &before, &size, NULL));
  cord_database_restore(to, file, dir, &transfer, &error);
  g_assert_no_error(error);
  assert_old_rows(to);
  g_assert_true(g_file_get_contents(file, &after, &size_after, NULL));
  g_assert_cmpmem(before, size, after, size_after);
  test_dir_remove(dir);
}

static void
test_new_database(void)
{
  g_autoptr(CordDatabase) database = new_database();
  g_auto(GStrv) applied = NULL;
  g_auto(GStrv) pending = NULL;
  g_autofree gchar *name = cord_database_describe(database);
  g_autoptr(GError) error = NULL;

  g_assert_true(cord_database_list_migrations(database, &applied, &pending, &error));
  g_assert_no_error(error);
  g_assert_cmpuint(g_strv_length(applied), ==, 0);
  g_assert_cmpuint(g_strv_length(pending), >, 2);
  g_assert_true(g_str_has_prefix(name, test_is_postgres() ? "postgresql:///m" : "sqlite::memory:"));
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/transfer/all arrives on another engine and comes back", test_round_trip);
  g_test_add_func("/transfer/rows that are there are not replaced unasked", test_not_empty);
  g_test_add_func("/transfer/a source of another version is refused", test_old_source);
  g_test_add_func("/transfer/a copy that fails changes nothing", test_failed_copy);
  g_test_add_func("/transfer/a copy shows one moment while others write", test_one_moment);
  g_test_add_func("/transfer/a backup is one file and restores all", test_backup);
  g_test_add_func("/transfer/what is no backup is refused by its name", test_no_backup);
  g_test_add_func("/transfer/a database of the first version comes forward", test_migration);
  g_test_add_func("/transfer/a backup of the first version restores", test_old_backup);
  g_test_add_func("/transfer/a new database has been through nothing", test_new_database);
  return g_test_run();
}
