/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "journal-rig.h"

/* A database that fails when told to. */

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

void
journal_rig_open(JournalRig *self)
{
  g_autofree gchar *path = g_build_filename(self->dir, "cordboard.db", NULL);
  g_autofree gchar *uri = test_database_uri(path);
  g_autofree gchar *journal_dir = g_build_filename(self->dir, "journal", NULL);
  g_autoptr(GError) error = NULL;

  self->database = g_object_new(TEST_TYPE_DATABASE, NULL);
  self->database->real = cord_database_open(uri, &error);
  g_assert_no_error(error);
  self->store = cord_store_new(CORD_DATABASE(self->database), &error);
  g_assert_no_error(error);
  self->journal = cord_journal_open(journal_dir, self->store, &error);
  g_assert_no_error(error);
}

void
journal_rig_close(JournalRig *self)
{
  cord_journal_close(self->journal, 10000);
  g_clear_object(&self->journal);
  g_clear_object(&self->store);
  g_clear_object(&self->database);
}

void
journal_rig_init(JournalRig *self)
{
  self->dir = test_dir_new();
  journal_rig_open(self);
}

void
journal_rig_clear(JournalRig *self)
{
  if (self->journal)
    journal_rig_close(self);
  test_dir_remove(self->dir);
  g_free(self->dir);
}

void
journal_rig_drain(JournalRig *self)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  cord_journal_drain_async(self->journal, NULL, test_take_result, &result);
  cord_journal_drain_finish(self->journal, test_wait(&result), &error);
  g_assert_no_error(error);
}

void
journal_rig_sync(CordJournal *journal)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  cord_journal_sync_async(journal, NULL, test_take_result, &result);
  cord_journal_sync_finish(journal, test_wait(&result), &error);
  g_assert_no_error(error);
}

void
journal_rig_create_call(CordJournal *journal, const gchar *id, const gchar *sid)
{
  g_autoptr(CordCallRecord) call = cord_call_record_new();

  call->id = g_strdup(id);
  call->direction = g_strdup("inbound");
  call->status = g_strdup("ringing");
  call->twilio_call_sid = g_strdup(sid);
  call->metadata = json_from_string("{\"to\":\"+1\"}", NULL);
  g_assert_cmpuint(cord_journal_call_created(journal, call), >, 0);
}

void
journal_rig_assert_lines(CordStore *store, const gchar *call_id, guint n)
{
  g_autoptr(GPtrArray) lines = test_store_get_transcript(store, call_id);

  g_assert_cmpuint(lines->len, ==, n);
  for (guint i = 0; i < n; i++) {
    g_autofree gchar *expected = g_strdup_printf("line %u", i);

    g_assert_cmpstr(((CordTranscriptEntry *)lines->pdata[i])->content, ==, expected);
  }
}

void
journal_rig_append_lines(CordJournal *journal, const gchar *call_id, guint from, guint to)
{
  for (guint i = from; i < to; i++) {
    g_autofree gchar *text = g_strdup_printf("line %u", i);

    g_assert_cmpuint(cord_journal_transcript(journal, call_id, "user", text), >, 0);
  }
}
