/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cord-journal-record.h"
#include "journal-rig.h"

/* A journal whose store, files or process fail. */

#define CHILD_VARIABLE "CORD_TEST_JOURNAL_CHILD" /* set: be the process that is killed */
#define N_KILLS 25

static void
test_store_down(void)
{
  JournalRig rig = { 0 };

  journal_rig_init(&rig);
  journal_rig_drain(&rig);
  g_atomic_int_set(&rig.database->down, TRUE);
  journal_rig_create_call(rig.journal, "c1", NULL);
  journal_rig_append_lines(rig.journal, "c1", 0, 100);
  journal_rig_sync(rig.journal);
  g_assert_cmpuint(cord_journal_get_applied(rig.journal), <, cord_journal_get_durable(rig.journal));
  g_atomic_int_set(&rig.database->down, FALSE);
  journal_rig_drain(&rig);
  journal_rig_assert_lines(rig.store, "c1", 100);
  journal_rig_clear(&rig);
}

/* Whatever operation of the store fails, each record arrives once. */
static void
test_fail_at_every_step(void)
{
  gboolean failed = TRUE;

  for (gint k = 0; failed; k++) {
    JournalRig rig = { 0 };
    g_autoptr(CordCallRecord) call = NULL;

    journal_rig_init(&rig);
    journal_rig_drain(&rig);
    g_atomic_int_set(&rig.database->operation, 0);
    g_atomic_int_set(&rig.database->fail_at, k);
    journal_rig_create_call(rig.journal, "c1", NULL);
    journal_rig_append_lines(rig.journal, "c1", 0, 4);
    cord_journal_call_ended(rig.journal, "c1", "completed", "done", 3);
    journal_rig_drain(&rig);
    failed = g_atomic_int_get(&rig.database->operation) > k;
    g_atomic_int_set(&rig.database->fail_at, -1);
    journal_rig_assert_lines(rig.store, "c1", 4);
    call = test_store_get_call(rig.store, "c1");
    g_assert_cmpstr(call->status, ==, "completed");
    journal_rig_clear(&rig);
  }
}

static void
test_database_locked(void)
{
  JournalRig rig = { 0 };
  g_autofree gchar *path = NULL;
  sqlite3 *other = NULL;

  if (test_is_postgres()) {
    g_test_skip("Only SQLite has one lock for all");
    return;
  }
  journal_rig_init(&rig);
  journal_rig_drain(&rig);
  path = g_build_filename(rig.dir, "cordboard.db", NULL);
  g_assert_cmpint(sqlite3_open(path, &other), ==, SQLITE_OK);
  g_assert_cmpint(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), ==, SQLITE_OK);
  journal_rig_create_call(rig.journal, "c1", NULL);
  journal_rig_append_lines(rig.journal, "c1", 0, 10);
  journal_rig_sync(rig.journal);
  g_assert_cmpint(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), ==, SQLITE_OK);
  sqlite3_close(other);
  journal_rig_drain(&rig);
  journal_rig_assert_lines(rig.store, "c1", 10);
  journal_rig_clear(&rig);
}

/* No file may grow: neither journal nor database take a byte until the limit is lifted. */
static void
test_disk_full(void)
{
  JournalRig rig = { 0 };
  struct rlimit full = { 16, RLIM_INFINITY };
  struct rlimit lifted = { RLIM_INFINITY, RLIM_INFINITY };

  signal(SIGXFSZ, SIG_IGN);
  if (getrlimit(RLIMIT_FSIZE, &lifted) < 0 || lifted.rlim_max != RLIM_INFINITY) {
    g_test_skip("The size of files is limited here");
    return;
  }
  journal_rig_init(&rig);
  journal_rig_drain(&rig);
  g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &full), ==, 0);
  journal_rig_create_call(rig.journal, "c1", NULL);
  journal_rig_append_lines(rig.journal, "c1", 0, 50);
  g_usleep(100 * 1000); /* lets the writer fail; nothing is asserted about time */
  g_assert_cmpuint(cord_journal_get_durable(rig.journal), ==, 1);
  g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &lifted), ==, 0);
  journal_rig_append_lines(rig.journal, "c1", 50, 60);
  journal_rig_drain(&rig);
  journal_rig_assert_lines(rig.store, "c1", 60);
  journal_rig_clear(&rig);
}

static void
test_rejected(void)
{
  JournalRig rig = { 0 };
  g_autofree gchar *rejected = NULL;
  g_autofree gchar *text = NULL;

  journal_rig_init(&rig);
  journal_rig_create_call(rig.journal, "c1", NULL);
  journal_rig_append_lines(rig.journal, "c1", 0, 3);
  cord_journal_transcript(rig.journal, "c1", "parrot", "no such role");
  journal_rig_append_lines(rig.journal, "c1", 3, 6);
  journal_rig_drain(&rig);
  journal_rig_assert_lines(rig.store, "c1", 6);
  rejected = g_build_filename(rig.dir, "journal", "rejected.log", NULL);
  g_assert_true(g_file_get_contents(rejected, &text, NULL, NULL));
  g_assert_nonnull(strstr(text, "parrot"));
  journal_rig_clear(&rig);
}

static gchar *
newest_segment(const gchar *dir)
{
  g_autofree gchar *journal_dir = g_build_filename(dir, "journal", NULL);
  g_autoptr(GDir) list = g_dir_open(journal_dir, 0, NULL);
  g_autofree gchar *newest = NULL;
  const gchar *name;

  while ((name = g_dir_read_name(list)))
    if (g_str_has_prefix(name, "journal-") && g_strcmp0(name, newest) > 0) {
      g_free(newest);
      newest = g_strdup(name);
    }
  return g_build_filename(journal_dir, newest, NULL);
}

/* The tail of a record that was being written, and a line that something else damaged. */
static void
test_torn_tail(void)
{
  JournalRig rig = { 0 };
  g_autofree gchar *path = NULL;
  g_autofree gchar *text = NULL;
  gchar *line;
  gsize length;

  journal_rig_init(&rig);
  journal_rig_drain(&rig);
  g_atomic_int_set(&rig.database->down, TRUE);
  journal_rig_create_call(rig.journal, "c1", NULL);
  journal_rig_append_lines(rig.journal, "c1", 0, 5);
  cord_journal_close(rig.journal, 0);
  g_clear_object(&rig.journal);
  path = newest_segment(rig.dir);
  g_assert_true(g_file_get_contents(path, &text, &length, NULL));
  line = strstr(text, "line 4");
  line[5] = '5';
  g_assert_true(g_file_set_contents(path, text, length, NULL));
  {
    g_autoptr(GFile) file = g_file_new_for_path(path);
    g_autoptr(GFileOutputStream) out = g_file_append_to(file, 0, NULL, NULL);

    g_output_stream_write_all(G_OUTPUT_STREAM(out), "0a1b2c3d 99 400 {\"ty", 20, NULL, NULL, NULL);
  }
  g_clear_object(&rig.store);
  g_clear_object(&rig.database);
  journal_rig_open(&rig);
  journal_rig_append_lines(rig.journal, "c1", 4, 6);
  journal_rig_drain(&rig);
  journal_rig_assert_lines(rig.store, "c1", 6);
  journal_rig_clear(&rig);
}

static guint
count_segments(const gchar *dir)
{
  g_autofree gchar *journal_dir = g_build_filename(dir, "journal", NULL);
  g_autoptr(GDir) list = g_dir_open(journal_dir, 0, NULL);
  const gchar *name;
  guint n = 0;

  while ((name = g_dir_read_name(list)))
    n += g_str_has_prefix(name, "journal-");
  return n;
}

static void
test_rotation(void)
{
  JournalRig rig = { 0 };
  g_autofree gchar *big = g_strnfill(200 * 1024, 'x');

  journal_rig_init(&rig);
  journal_rig_create_call(rig.journal, "c1", NULL);
  for (guint i = 0; i < 100; i++) {
    cord_journal_transcript(rig.journal, "c1", "user", big);
    if (i % 10 == 9)
      journal_rig_sync(rig.journal);
  }
  journal_rig_drain(&rig);
  journal_rig_close(&rig);
  journal_rig_open(&rig);
  journal_rig_drain(&rig);
  journal_rig_close(&rig);
  g_assert_cmpuint(count_segments(rig.dir), <=, 2);
  journal_rig_open(&rig);
  {
    g_autoptr(GPtrArray) lines = test_store_get_transcript(rig.store, "c1");

    g_assert_cmpuint(lines->len, ==, 100);
  }
  journal_rig_clear(&rig);
}

/* The database was lost, the journal was not, or the other way round. */
static void
test_lost_segments(void)
{
  JournalRig rig = { 0 };
  g_autofree gchar *path = NULL;

  journal_rig_init(&rig);
  journal_rig_create_call(rig.journal, "c1", NULL);
  journal_rig_append_lines(rig.journal, "c1", 0, 5);
  journal_rig_close(&rig);
  path = newest_segment(rig.dir);
  g_assert_cmpint(g_unlink(path), ==, 0);
  journal_rig_open(&rig);
  journal_rig_append_lines(rig.journal, "c1", 5, 7);
  journal_rig_drain(&rig);
  journal_rig_assert_lines(rig.store, "c1", 7);
  journal_rig_clear(&rig);
}

static void
test_too_large(void)
{
  JournalRig rig = { 0 };
  g_autofree gchar *big = g_strnfill(CORD_JOURNAL_MAX_RECORD, 'x');

  journal_rig_init(&rig);
  g_assert_cmpuint(cord_journal_transcript(rig.journal, "c1", "user", big), ==, 0);
  cord_journal_close(rig.journal, 1000);
  g_assert_cmpuint(cord_journal_transcript(rig.journal, "c1", "user", "late"), ==, 0);
  journal_rig_clear(&rig);
}

static gpointer
append_from_thread(gpointer data)
{
  CordJournal *journal = data;

  for (guint i = 0; i < 200; i++)
    cord_journal_transcript(journal, "c1", "user", "x");
  return NULL;
}

static void
test_many_threads(void)
{
  JournalRig rig = { 0 };
  GThread *threads[4];
  g_autoptr(GPtrArray) lines = NULL;

  journal_rig_init(&rig);
  journal_rig_create_call(rig.journal, "c1", NULL);
  for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
    threads[i] = g_thread_new("append", append_from_thread, rig.journal);
  for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
    g_thread_join(threads[i]);
  journal_rig_drain(&rig);
  lines = test_store_get_transcript(rig.store, "c1");
  g_assert_cmpuint(lines->len, ==, 800);
  journal_rig_clear(&rig);
}

static void
test_record_format(void)
{
  static const gchar *const bad[] = { "", "0", "00000000 ", "zzzzzzzz 1 2 {}",
                                      "00000000 1 13 {\"type\":\"x\"}" };
  g_autoptr(GString) line = g_string_new(NULL);
  g_autoptr(CordJournalRecord) record = NULL;

  cord_journal_record_format(line, 42, "{\"type\":\"x\",\"id\":\"y\"}");
  record = cord_journal_record_parse(line->str, line->len - 1, NULL);
  g_assert_cmpuint(record->seq, ==, 42);
  g_assert_cmpstr(cord_journal_record_get(record, "id"), ==, "y");
  g_assert_null(cord_journal_record_get(record, "none"));
  for (gsize i = 0; i < line->len - 1; i++) {
    line->str[i] ^= 1;
    g_assert_null(cord_journal_record_parse(line->str, line->len - 1, NULL));
    line->str[i] ^= 1;
  }
  for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autoptr(GError) error = NULL;

    g_assert_null(cord_journal_record_parse(bad[i], strlen(bad[i]), &error));
    g_assert_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_INVALID);
  }
}

/* Killing. The child appends to calls of its own and says on its output which lines are durable;
 * whatever it said before it died must be in the store once. */

static void
run_child(const gchar *dir)
{
  g_autofree gchar *id = g_strdup_printf("call-%d-%" G_GINT64_FORMAT, getpid(), g_get_real_time());
  JournalRig rig = { .dir = (gchar *)dir };

  journal_rig_open(&rig);
  journal_rig_create_call(rig.journal, id, NULL);
  for (guint i = 0;; i++) {
    g_autofree gchar *text = g_strdup_printf("%s %u", id, i);
    g_autofree gchar *line = g_strdup_printf("%s\n", text);

    cord_journal_transcript(rig.journal, id, "user", text);
    if (i % 3 == 0)
      journal_rig_sync(rig.journal);
    else
      continue;
    if (write(STDOUT_FILENO, line, strlen(line)) < 0)
      _exit(1);
  }
}

/* Starts a child, reads what it acknowledges, kills it after n_lines and some microseconds. */
static void
kill_child(const gchar *dir, guint n_lines, guint pause_us, GPtrArray *acknowledged)
{
  g_autoptr(GSubprocessLauncher) launcher =
      g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autoptr(GSubprocess) child = NULL;
  g_autoptr(GDataInputStream) lines = NULL;
  gchar *line;

  g_subprocess_launcher_setenv(launcher, CHILD_VARIABLE, dir, TRUE);
  child = g_subprocess_launcher_spawn(launcher, NULL, "/proc/self/exe", NULL);
  g_assert_nonnull(child);
  lines = g_data_input_stream_new(g_subprocess_get_stdout_pipe(child));
  for (guint i = 0; i < n_lines; i++) {
    line = g_data_input_stream_read_line(lines, NULL, NULL, NULL);
    g_assert_nonnull(line);
    g_ptr_array_add(acknowledged, line);
  }
  g_usleep(pause_us);
  g_subprocess_force_exit(child);
  while ((line = g_data_input_stream_read_line(lines, NULL, NULL, NULL)))
    g_ptr_array_add(acknowledged, line);
  g_subprocess_wait(child, NULL, NULL);
}

static void
test_kill(void)
{
  JournalRig rig = { .dir = test_dir_new() };
  g_autoptr(GPtrArray) acknowledged = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GPtrArray) calls = NULL;
  g_autoptr(GRand) rand = g_rand_new_with_seed(20260131);
  g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < N_KILLS; i++)
    kill_child(rig.dir, g_rand_int_range(rand, 0, 12), g_rand_int_range(rand, 0, 3000),
               acknowledged);
  journal_rig_open(&rig);
  journal_rig_drain(&rig);
  calls = test_store_list_calls(rig.store);
  for (guint i = 0; i < calls->len; i++) {
    CordCallRecord *call = calls->pdata[i];
    g_autoptr(GPtrArray) lines = test_store_get_transcript(rig.store, call->id);

    g_assert_cmpstr(call->end_reason, ==, "interrupted");
    for (guint j = 0; j < lines->len; j++) {
      g_autofree gchar *expected = g_strdup_printf("%s %u", call->id, j);
      CordTranscriptEntry *entry = lines->pdata[j];

      g_assert_cmpstr(entry->content, ==, expected);
      g_assert_true(g_hash_table_add(seen, g_strdup(entry->content)));
    }
  }
  for (guint i = 0; i < acknowledged->len; i++)
    g_assert_true(g_hash_table_contains(seen, acknowledged->pdata[i]));
  g_test_message("%u acknowledged, %u found", acknowledged->len, g_hash_table_size(seen));
  journal_rig_clear(&rig);
}

int
main(int argc, char **argv)
{
  const gchar *dir = g_getenv(CHILD_VARIABLE);

  if (dir)
    run_child(dir);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/journal-faults/a store that is down costs no record", test_store_down);
  g_test_add_func("/journal-faults/a store that fails at any step costs no record",
                  test_fail_at_every_step);
  g_test_add_func("/journal-faults/a locked database costs no record", test_database_locked);
  g_test_add_func("/journal-faults/a full disk costs no record", test_disk_full);
  g_test_add_func("/journal-faults/a record that breaks the schema blocks nothing", test_rejected);
  g_test_add_func("/journal-faults/a torn tail and a damaged line are passed over", test_torn_tail);
  g_test_add_func("/journal-faults/old segments go away", test_rotation);
  g_test_add_func("/journal-faults/counting goes on when segments were lost", test_lost_segments);
  g_test_add_func("/journal-faults/too large or too late is refused", test_too_large);
  g_test_add_func("/journal-faults/many threads append at once", test_many_threads);
  g_test_add_func("/journal-faults/a record with any bit changed is refused", test_record_format);
  g_test_add_func("/journal-faults/a killed process loses nothing it acknowledged", test_kill);
  return g_test_run();
}
