/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cord-journal-record.h"
#include "cord-journal.h"
#include "cord-test-store.h"

#define CHILD_VARIABLE "CORD_TEST_JOURNAL_CHILD" /* set: be the process that is killed */
#define N_KILLS 25

/* A database that fails when told to. */

#define TEST_TYPE_DATABASE (test_database_get_type())
G_DECLARE_FINAL_TYPE(TestDatabase, test_database, TEST, DATABASE, GObject)

struct _TestDatabase {
  GObject parent_instance;
  CordDatabase *real;
  gint fail_at; /* this operation fails; atomic */
  gint operation;
  gint down; /* all fail; atomic */
};

static gboolean
works(TestDatabase *self, GError **error)
{
  gint operation = g_atomic_int_add(&self->operation, 1);

  if (!g_atomic_int_get(&self->down) && operation != g_atomic_int_get(&self->fail_at))
    return TRUE;
  g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_UNAVAILABLE, "told to fail");
  return FALSE;
}

static CordRows *
test_database_query(CordDatabase *database, const gchar *sql, const gchar *const *params,
                    guint n_params, GError **error)
{
  TestDatabase *self = TEST_DATABASE(database);

  return works(self, error) ? cord_database_query(self->real, sql, params, n_params, error) : NULL;
}

static gboolean
test_database_script(CordDatabase *database, const gchar *sql, GError **error)
{
  TestDatabase *self = TEST_DATABASE(database);

  return works(self, error) && cord_database_script(self->real, sql, error);
}

static gboolean
test_database_begin(CordDatabase *database, GError **error)
{
  TestDatabase *self = TEST_DATABASE(database);

  return works(self, error) && cord_database_begin(self->real, error);
}

/* A commit may fail before it is done, or be done and seem to have failed. */
static gboolean
test_database_finish(CordDatabase *database, gboolean commit, GError **error)
{
  TestDatabase *self = TEST_DATABASE(database);

  if (!commit) {
    cord_database_rollback(self->real);
    return TRUE;
  }
  if (works(self, error))
    return cord_database_commit(self->real, error);
  if (g_atomic_int_get(&self->fail_at) % 2 == 0)
    cord_database_commit(self->real, NULL);
  return FALSE;
}

static const gchar *
test_database_get_dialect(CordDatabase *database)
{
  return cord_database_get_dialect(TEST_DATABASE(database)->real);
}

static void
test_database_interface_init(CordDatabaseInterface *interface)
{
  interface->query = test_database_query;
  interface->script = test_database_script;
  interface->begin = test_database_begin;
  interface->finish = test_database_finish;
  interface->get_dialect = test_database_get_dialect;
}

G_DEFINE_FINAL_TYPE_WITH_CODE(TestDatabase, test_database, G_TYPE_OBJECT,
                              G_IMPLEMENT_INTERFACE(CORD_TYPE_DATABASE,
                                                    test_database_interface_init))

static void
test_database_finalize(GObject *object)
{
  g_object_unref(TEST_DATABASE(object)->real);
  G_OBJECT_CLASS(test_database_parent_class)->finalize(object);
}

static void
test_database_class_init(TestDatabaseClass *klass)
{
  G_OBJECT_CLASS(klass)->finalize = test_database_finalize;
}

static void
test_database_init(TestDatabase *self)
{
  self->fail_at = -1;
}

/* A directory with a journal and a store */

typedef struct {
  gchar *dir;
  TestDatabase *database;
  CordStore *store;
  CordJournal *journal;
} World;

static void
world_open(World *world)
{
  g_autofree gchar *path = g_build_filename(world->dir, "cordboard.db", NULL);
  g_autofree gchar *uri = test_database_uri(path);
  g_autofree gchar *journal_dir = g_build_filename(world->dir, "journal", NULL);
  g_autoptr(GError) error = NULL;

  world->database = g_object_new(TEST_TYPE_DATABASE, NULL);
  world->database->real = cord_database_open(uri, &error);
  g_assert_no_error(error);
  world->store = cord_store_new(CORD_DATABASE(world->database), &error);
  g_assert_no_error(error);
  world->journal = cord_journal_open(journal_dir, world->store, &error);
  g_assert_no_error(error);
}

static void
world_close(World *world)
{
  cord_journal_close(world->journal, 10000);
  g_clear_object(&world->journal);
  g_clear_object(&world->store);
  g_clear_object(&world->database);
}

static void
world_init(World *world)
{
  world->dir = test_dir_new();
  world_open(world);
}

static void
world_clear(World *world)
{
  if (world->journal)
    world_close(world);
  test_dir_remove(world->dir);
  g_free(world->dir);
}

static void
drain(World *world)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  cord_journal_drain_async(world->journal, NULL, test_take_result, &result);
  cord_journal_drain_finish(world->journal, test_wait(&result), &error);
  g_assert_no_error(error);
}

static void
sync_journal(CordJournal *journal)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  cord_journal_sync_async(journal, NULL, test_take_result, &result);
  cord_journal_sync_finish(journal, test_wait(&result), &error);
  g_assert_no_error(error);
}

static void
create_call(CordJournal *journal, const gchar *id, const gchar *sid)
{
  g_autoptr(CordCallRecord) call = cord_call_record_new();

  call->id = g_strdup(id);
  call->direction = g_strdup("inbound");
  call->status = g_strdup("ringing");
  call->twilio_call_sid = g_strdup(sid);
  call->metadata = json_from_string("{\"to\":\"+1\"}", NULL);
  g_assert_cmpuint(cord_journal_call_created(journal, call), >, 0);
}

static void
find_out(CordJournal *journal, const gchar *text)
{
  g_autoptr(JsonNode) node = json_from_string(text, NULL);

  cord_journal_call_extracted(journal, "c1", json_node_get_object(node));
}

static void
assert_extracted(CordStore *store, const gchar *text)
{
  g_autoptr(CordCallRecord) call = test_store_get_call(store, "c1");
  g_autofree gchar *found = call->extracted ? json_to_string(call->extracted, FALSE) : NULL;

  g_assert_cmpstr(found, ==, text);
}

/* The newest counts, also after the end, and nothing else of the call changes with it. */
static void
test_extracted(void)
{
  World world = { 0 };
  g_autoptr(CordCallRecord) call = NULL;

  world_init(&world);
  create_call(world.journal, "c1", "CA1");
  drain(&world);
  assert_extracted(world.store, NULL);
  find_out(world.journal, "{\"name\":null}");
  find_out(world.journal, "{\"name\":\"\xc3\x89va \\\"E\\\"\"}");
  cord_journal_call_ended(world.journal, "c1", "completed", "caller_hangup", 12);
  drain(&world);
  assert_extracted(world.store, "{\"name\":\"\xc3\x89va \\\"E\\\"\"}");
  find_out(world.journal, "{\"name\":\"Eva\"}");
  /* whoever reads the journal again changes nothing */
  world_close(&world);
  world_open(&world);
  drain(&world);
  assert_extracted(world.store, "{\"name\":\"Eva\"}");
  call = test_store_get_call(world.store, "c1");
  g_assert_cmpstr(call->status, ==, "completed");
  g_assert_cmpint(call->duration_seconds, ==, 12);
  g_assert_nonnull(call->metadata);
  world_clear(&world);
}

static void
test_a_call(void)
{
  World world = { 0 };
  g_autoptr(CordCallRecord) changes = cord_call_record_new();
  g_autoptr(CordCallRecord) call = NULL;
  g_autoptr(CordFunctionCall) run = cord_function_call_new();
  g_autoptr(GPtrArray) lines = NULL;
  g_autoptr(GPtrArray) runs = NULL;

  world_init(&world);
  create_call(world.journal, "c1", "CA1");
  changes->id = g_strdup("c1");
  changes->status = g_strdup("in-progress");
  cord_journal_call_updated(world.journal, changes);
  cord_journal_transcript(world.journal, "c1", "assistant", "Good \"morning\"\n\xf0\x9f\x98\x80");
  cord_journal_transcript(world.journal, "c1", "user", "broken \xff byte");
  run->id = g_strdup("f1");
  run->call_id = g_strdup("c1");
  run->function_name = g_strdup("end_call");
  run->status = g_strdup("pending");
  cord_journal_function_call(world.journal, run);
  g_free(run->status);
  run->status = g_strdup("completed");
  run->result = json_from_string("[1]", NULL);
  cord_journal_function_call(world.journal, run);
  cord_journal_call_ended(world.journal, "c1", "completed", "caller_hangup", 12);
  drain(&world);
  call = test_store_get_call(world.store, "c1");
  g_assert_cmpstr(call->status, ==, "completed");
  g_assert_cmpstr(call->end_reason, ==, "caller_hangup");
  g_assert_cmpstr(call->twilio_call_sid, ==, "CA1");
  g_assert_cmpint(call->duration_seconds, ==, 12);
  g_assert_nonnull(call->ended_at);
  g_assert_nonnull(call->metadata);
  lines = test_store_get_transcript(world.store, "c1");
  g_assert_cmpuint(lines->len, ==, 2);
  g_assert_cmpstr(((CordTranscriptEntry *)lines->pdata[0])->content, ==,
                  "Good \"morning\"\n\xf0\x9f\x98\x80");
  runs = test_store_get_function_calls(world.store, "c1");
  g_assert_cmpuint(runs->len, ==, 1);
  g_assert_cmpstr(((CordFunctionCall *)runs->pdata[0])->status, ==, "completed");
  world_clear(&world);
}

/* That there was a call is kept, and not what was said in it. */
static void
test_discreet(void)
{
  World world = { 0 };
  g_autoptr(CordCallRecord) call = NULL;
  g_autoptr(CordFunctionCall) run = cord_function_call_new();
  g_autoptr(GPtrArray) lines = NULL, runs = NULL;

  world_init(&world);
  cord_journal_set_discreet(world.journal, TRUE);
  create_call(world.journal, "c1", "CA1");
  cord_journal_transcript(world.journal, "c1", "user", "My secret");
  find_out(world.journal, "{\"name\":\"My name\"}");
  run->call_id = g_strdup("c1");
  run->function_name = g_strdup("end_call");
  run->status = g_strdup("completed");
  cord_journal_function_call(world.journal, run);
  cord_journal_call_ended(world.journal, "c1", "completed", "caller_hangup", 12);
  drain(&world);
  call = test_store_get_call(world.store, "c1");
  g_assert_cmpstr(call->status, ==, "completed");
  g_assert_null(call->extracted);
  lines = test_store_get_transcript(world.store, "c1");
  g_assert_cmpuint(lines->len, ==, 0);
  runs = test_store_get_function_calls(world.store, "c1");
  g_assert_cmpuint(runs->len, ==, 0);
  world_clear(&world);
}

static void
test_interrupted(void)
{
  World world = { 0 };
  g_autoptr(CordCallRecord) running = NULL;
  g_autoptr(CordCallRecord) ended = NULL;
  g_autoptr(CordCallRecord) new = NULL;

  world_init(&world);
  create_call(world.journal, "running", NULL);
  create_call(world.journal, "ended", NULL);
  cord_journal_transcript(world.journal, "running", "assistant", "Hello");
  cord_journal_call_ended(world.journal, "ended", "completed", "done", 1);
  world_close(&world);
  world_open(&world);
  create_call(world.journal, "new", NULL);
  drain(&world);
  running = test_store_get_call(world.store, "running");
  g_assert_cmpstr(running->status, ==, "failed");
  g_assert_cmpstr(running->end_reason, ==, "interrupted");
  g_assert_nonnull(running->ended_at);
  g_assert_cmpint(running->duration_seconds, >=, 0);
  ended = test_store_get_call(world.store, "ended");
  g_assert_cmpstr(ended->end_reason, ==, "done");
  new = test_store_get_call(world.store, "new");
  g_assert_cmpstr(new->status, ==, "ringing");
  world_clear(&world);
}

/* What a server says when it starts must not lag behind what the last one did. */
static void
test_catch_up(void)
{
  World world = { 0 };
  g_autoptr(CordCallRecord) running = NULL;

  world_init(&world);
  create_call(world.journal, "running", NULL);
  world_close(&world);
  world_open(&world);
  g_assert_true(cord_journal_catch_up(world.journal, 60000));
  running = test_store_get_call(world.store, "running");
  g_assert_cmpstr(running->end_reason, ==, "interrupted");
  world_clear(&world);
}

/* Another server on the same database is alive: its calls are not ours to end. */
static void
test_other_server(void)
{
  World world = { 0 };
  g_autofree gchar *other_dir = NULL;
  g_autoptr(CordJournal) other = NULL;
  g_autoptr(CordCallRecord) call = NULL;

  world_init(&world);
  create_call(world.journal, "ours", NULL);
  drain(&world);
  other_dir = g_build_filename(world.dir, "other", NULL);
  other = cord_journal_open(other_dir, world.store, NULL);
  g_assert_cmpstr(cord_journal_get_server_id(other), !=, cord_journal_get_server_id(world.journal));
  cord_journal_close(other, 10000);
  call = test_store_get_call(world.store, "ours");
  g_assert_cmpstr(call->status, ==, "ringing");
  world_clear(&world);
}

static void
test_one_process(void)
{
  World world = { 0 };
  g_autofree gchar *dir = NULL;
  g_autoptr(GError) error = NULL;

  world_init(&world);
  dir = g_build_filename(world.dir, "journal", NULL);
  g_assert_null(cord_journal_open(dir, world.store, &error));
  g_assert_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_BUSY);
  world_clear(&world);
}

static void
assert_lines(CordStore *store, const gchar *call_id, guint n)
{
  g_autoptr(GPtrArray) lines = test_store_get_transcript(store, call_id);

  g_assert_cmpuint(lines->len, ==, n);
  for (guint i = 0; i < n; i++) {
    g_autofree gchar *expected = g_strdup_printf("line %u", i);

    g_assert_cmpstr(((CordTranscriptEntry *)lines->pdata[i])->content, ==, expected);
  }
}

static void
append_lines(CordJournal *journal, const gchar *call_id, guint from, guint to)
{
  for (guint i = from; i < to; i++) {
    g_autofree gchar *text = g_strdup_printf("line %u", i);

    g_assert_cmpuint(cord_journal_transcript(journal, call_id, "user", text), >, 0);
  }
}

static void
test_store_down(void)
{
  World world = { 0 };

  world_init(&world);
  drain(&world);
  g_atomic_int_set(&world.database->down, TRUE);
  create_call(world.journal, "c1", NULL);
  append_lines(world.journal, "c1", 0, 100);
  sync_journal(world.journal);
  g_assert_cmpuint(cord_journal_get_applied(world.journal), <,
                   cord_journal_get_durable(world.journal));
  g_atomic_int_set(&world.database->down, FALSE);
  drain(&world);
  assert_lines(world.store, "c1", 100);
  world_clear(&world);
}

/* Whatever operation of the store fails, each record arrives once. */
static void
test_fail_at_every_step(void)
{
  gboolean failed = TRUE;

  for (gint k = 0; failed; k++) {
    World world = { 0 };
    g_autoptr(CordCallRecord) call = NULL;

    world_init(&world);
    drain(&world);
    g_atomic_int_set(&world.database->operation, 0);
    g_atomic_int_set(&world.database->fail_at, k);
    create_call(world.journal, "c1", NULL);
    append_lines(world.journal, "c1", 0, 4);
    cord_journal_call_ended(world.journal, "c1", "completed", "done", 3);
    drain(&world);
    failed = g_atomic_int_get(&world.database->operation) > k;
    g_atomic_int_set(&world.database->fail_at, -1);
    assert_lines(world.store, "c1", 4);
    call = test_store_get_call(world.store, "c1");
    g_assert_cmpstr(call->status, ==, "completed");
    world_clear(&world);
  }
}

static void
test_database_locked(void)
{
  World world = { 0 };
  g_autofree gchar *path = NULL;
  sqlite3 *other = NULL;

  if (test_is_postgres()) {
    g_test_skip("Only SQLite has one lock for all");
    return;
  }
  world_init(&world);
  drain(&world);
  path = g_build_filename(world.dir, "cordboard.db", NULL);
  g_assert_cmpint(sqlite3_open(path, &other), ==, SQLITE_OK);
  g_assert_cmpint(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), ==, SQLITE_OK);
  create_call(world.journal, "c1", NULL);
  append_lines(world.journal, "c1", 0, 10);
  sync_journal(world.journal);
  g_assert_cmpint(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), ==, SQLITE_OK);
  sqlite3_close(other);
  drain(&world);
  assert_lines(world.store, "c1", 10);
  world_clear(&world);
}

/* No file may grow: neither journal nor database take a byte until the limit is lifted. */
static void
test_disk_full(void)
{
  World world = { 0 };
  struct rlimit full = { 16, RLIM_INFINITY };
  struct rlimit lifted = { RLIM_INFINITY, RLIM_INFINITY };

  signal(SIGXFSZ, SIG_IGN);
  if (getrlimit(RLIMIT_FSIZE, &lifted) < 0 || lifted.rlim_max != RLIM_INFINITY) {
    g_test_skip("The size of files is limited here");
    return;
  }
  world_init(&world);
  drain(&world);
  g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &full), ==, 0);
  create_call(world.journal, "c1", NULL);
  append_lines(world.journal, "c1", 0, 50);
  g_usleep(100 * 1000); /* lets the writer fail; nothing is asserted about time */
  g_assert_cmpuint(cord_journal_get_durable(world.journal), ==, 1);
  g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &lifted), ==, 0);
  append_lines(world.journal, "c1", 50, 60);
  drain(&world);
  assert_lines(world.store, "c1", 60);
  world_clear(&world);
}

static void
test_rejected(void)
{
  World world = { 0 };
  g_autofree gchar *rejected = NULL;
  g_autofree gchar *text = NULL;

  world_init(&world);
  create_call(world.journal, "c1", NULL);
  append_lines(world.journal, "c1", 0, 3);
  cord_journal_transcript(world.journal, "c1", "parrot", "no such role");
  append_lines(world.journal, "c1", 3, 6);
  drain(&world);
  assert_lines(world.store, "c1", 6);
  rejected = g_build_filename(world.dir, "journal", "rejected.log", NULL);
  g_assert_true(g_file_get_contents(rejected, &text, NULL, NULL));
  g_assert_nonnull(strstr(text, "parrot"));
  world_clear(&world);
}

static gboolean
delete_call(CordDatabase *database, gpointer data, GError **error)
{
  return cord_database_run(database, "DELETE FROM calls WHERE id = $1",
                           CORD_PARAMS((const gchar *)data), error);
}

static void
test_deleted_call(void)
{
  World world = { 0 };

  world_init(&world);
  create_call(world.journal, "c1", NULL);
  create_call(world.journal, "c2", NULL);
  drain(&world);
  g_assert_true(cord_store_run(world.store, delete_call, (gpointer) "c1", NULL));
  append_lines(world.journal, "c1", 0, 3);
  append_lines(world.journal, "c2", 0, 3);
  drain(&world);
  assert_lines(world.store, "c1", 0);
  assert_lines(world.store, "c2", 3);
  world_clear(&world);
}

static void
test_same_call_sid(void)
{
  World world = { 0 };

  world_init(&world);
  create_call(world.journal, "c1", "CA1");
  create_call(world.journal, "c2", "CA1");
  append_lines(world.journal, "c2", 0, 2);
  drain(&world);
  assert_lines(world.store, "c2", 2);
  world_clear(&world);
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
  World world = { 0 };
  g_autofree gchar *path = NULL;
  g_autofree gchar *text = NULL;
  gchar *line;
  gsize length;

  world_init(&world);
  drain(&world);
  g_atomic_int_set(&world.database->down, TRUE);
  create_call(world.journal, "c1", NULL);
  append_lines(world.journal, "c1", 0, 5);
  cord_journal_close(world.journal, 0);
  g_clear_object(&world.journal);
  path = newest_segment(world.dir);
  g_assert_true(g_file_get_contents(path, &text, &length, NULL));
  line = strstr(text, "line 4");
  line[5] = '5';
  g_assert_true(g_file_set_contents(path, text, length, NULL));
  {
    g_autoptr(GFile) file = g_file_new_for_path(path);
    g_autoptr(GFileOutputStream) out = g_file_append_to(file, 0, NULL, NULL);

    g_output_stream_write_all(G_OUTPUT_STREAM(out), "0a1b2c3d 99 400 {\"ty", 20, NULL, NULL, NULL);
  }
  g_clear_object(&world.store);
  g_clear_object(&world.database);
  world_open(&world);
  append_lines(world.journal, "c1", 4, 6);
  drain(&world);
  assert_lines(world.store, "c1", 6);
  world_clear(&world);
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
  World world = { 0 };
  g_autofree gchar *big = g_strnfill(200 * 1024, 'x');

  world_init(&world);
  create_call(world.journal, "c1", NULL);
  for (guint i = 0; i < 100; i++) {
    cord_journal_transcript(world.journal, "c1", "user", big);
    if (i % 10 == 9)
      sync_journal(world.journal);
  }
  drain(&world);
  world_close(&world);
  world_open(&world);
  drain(&world);
  world_close(&world);
  g_assert_cmpuint(count_segments(world.dir), <=, 2);
  world_open(&world);
  {
    g_autoptr(GPtrArray) lines = test_store_get_transcript(world.store, "c1");

    g_assert_cmpuint(lines->len, ==, 100);
  }
  world_clear(&world);
}

/* The database was lost, the journal was not, or the other way round. */
static void
test_lost_segments(void)
{
  World world = { 0 };
  g_autofree gchar *path = NULL;

  world_init(&world);
  create_call(world.journal, "c1", NULL);
  append_lines(world.journal, "c1", 0, 5);
  world_close(&world);
  path = newest_segment(world.dir);
  g_assert_cmpint(g_unlink(path), ==, 0);
  world_open(&world);
  append_lines(world.journal, "c1", 5, 7);
  drain(&world);
  assert_lines(world.store, "c1", 7);
  world_clear(&world);
}

static void
test_too_large(void)
{
  World world = { 0 };
  g_autofree gchar *big = g_strnfill(CORD_JOURNAL_MAX_RECORD, 'x');

  world_init(&world);
  g_assert_cmpuint(cord_journal_transcript(world.journal, "c1", "user", big), ==, 0);
  cord_journal_close(world.journal, 1000);
  g_assert_cmpuint(cord_journal_transcript(world.journal, "c1", "user", "late"), ==, 0);
  world_clear(&world);
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
  World world = { 0 };
  GThread *threads[4];
  g_autoptr(GPtrArray) lines = NULL;

  world_init(&world);
  create_call(world.journal, "c1", NULL);
  for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
    threads[i] = g_thread_new("append", append_from_thread, world.journal);
  for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
    g_thread_join(threads[i]);
  drain(&world);
  lines = test_store_get_transcript(world.store, "c1");
  g_assert_cmpuint(lines->len, ==, 800);
  world_clear(&world);
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
  World world = { .dir = (gchar *)dir };

  world_open(&world);
  create_call(world.journal, id, NULL);
  for (guint i = 0;; i++) {
    g_autofree gchar *text = g_strdup_printf("%s %u", id, i);
    g_autofree gchar *line = g_strdup_printf("%s\n", text);

    cord_journal_transcript(world.journal, id, "user", text);
    if (i % 3 == 0)
      sync_journal(world.journal);
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
  World world = { .dir = test_dir_new() };
  g_autoptr(GPtrArray) acknowledged = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GPtrArray) calls = NULL;
  g_autoptr(GRand) rand = g_rand_new_with_seed(20260131);
  g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < N_KILLS; i++)
    kill_child(world.dir, g_rand_int_range(rand, 0, 12), g_rand_int_range(rand, 0, 3000),
               acknowledged);
  world_open(&world);
  drain(&world);
  calls = test_store_list_calls(world.store);
  for (guint i = 0; i < calls->len; i++) {
    CordCallRecord *call = calls->pdata[i];
    g_autoptr(GPtrArray) lines = test_store_get_transcript(world.store, call->id);

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
  world_clear(&world);
}

int
main(int argc, char **argv)
{
  const gchar *dir = g_getenv(CHILD_VARIABLE);

  if (dir)
    run_child(dir);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/journal/a call arrives in the store", test_a_call);
  g_test_add_func("/journal/what was found out is what was found out last", test_extracted);
  g_test_add_func("/journal/a discreet one keeps nothing of what was said", test_discreet);
  g_test_add_func("/journal/running calls of a dead process are interrupted", test_interrupted);
  g_test_add_func("/journal/a server can wait for what its predecessor left", test_catch_up);
  g_test_add_func("/journal/calls of another server are left alone", test_other_server);
  g_test_add_func("/journal/a directory belongs to one process", test_one_process);
  g_test_add_func("/journal/a store that is down costs no record", test_store_down);
  g_test_add_func("/journal/a store that fails at any step costs no record",
                  test_fail_at_every_step);
  g_test_add_func("/journal/a locked database costs no record", test_database_locked);
  g_test_add_func("/journal/a full disk costs no record", test_disk_full);
  g_test_add_func("/journal/a record that breaks the schema blocks nothing", test_rejected);
  g_test_add_func("/journal/lines of a deleted call are dropped", test_deleted_call);
  g_test_add_func("/journal/a call named twice keeps its lines", test_same_call_sid);
  g_test_add_func("/journal/a torn tail and a damaged line are passed over", test_torn_tail);
  g_test_add_func("/journal/old segments go away", test_rotation);
  g_test_add_func("/journal/counting goes on when segments were lost", test_lost_segments);
  g_test_add_func("/journal/too large or too late is refused", test_too_large);
  g_test_add_func("/journal/many threads append at once", test_many_threads);
  g_test_add_func("/journal/a record with any bit changed is refused", test_record_format);
  g_test_add_func("/journal/a killed process loses nothing it acknowledged", test_kill);
  return g_test_run();
}
