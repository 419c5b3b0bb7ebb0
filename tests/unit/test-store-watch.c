/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>

#include "cord-journal.h"
#include "cord-keys.h"
#include "cord-store-watch.h"
#include "cord-test-store.h"

/* Two servers' stores on one database, and what the first hears. */
typedef struct {
  CordStore *ours;
  CordStore *other;
  CordStoreWatch *watch;
  GPtrArray *heard; /* "table id server how" */
} World;

static void
on_changed(CordStoreWatch *watch, const gchar *table, const gchar *id, const gchar *server_id,
           const gchar *how, gpointer data)
{
  World *world = data;

  g_test_message("%s %s", table ? table : "all", id ? id : "");
  g_ptr_array_add(world->heard, g_strjoin(" ", table ? table : "all", id, server_id, how, NULL));
}

static gboolean
has_heard(World *world, const gchar *text)
{
  for (guint i = 0; i < world->heard->len; i++)
    if (g_str_equal(world->heard->pdata[i], text))
      return TRUE;
  return FALSE;
}

/* Waits until it is told, and forgets all that was. */
static void
wait_for(World *world, const gchar *text)
{
  while (!has_heard(world, text))
    g_main_context_iteration(NULL, TRUE);
  g_ptr_array_set_size(world->heard, 0);
}

static gboolean
world_init(World *world)
{
  g_autofree gchar *uri = NULL;
  g_autoptr(GError) error = NULL;

  if (!test_is_postgres()) {
    g_test_skip("SQLite has one server only");
    return FALSE;
  }
  uri = test_database_uri(":memory:");
  world->ours = cord_store_open(uri, &error);
  world->other = world->ours ? cord_store_open(uri, &error) : NULL;
  g_assert_no_error(error);
  world->heard = g_ptr_array_new_with_free_func(g_free);
  world->watch = cord_store_watch_new(world->ours, &error);
  g_assert_no_error(error);
  g_signal_connect(world->watch, "changed", G_CALLBACK(on_changed), world);
  wait_for(world, "all");
  return TRUE;
}

static void
world_clear(World *world)
{
  g_clear_object(&world->watch);
  g_object_unref(world->ours);
  g_object_unref(world->other);
  g_ptr_array_unref(world->heard);
}

static gboolean
run_script(CordDatabase *database, gpointer sql, GError **error)
{
  return cord_database_script(database, sql, error);
}

static void
write_there(World *world, const gchar *sql)
{
  g_autoptr(GError) error = NULL;

  cord_store_run(world->other, run_script, (gpointer)sql, &error);
  g_assert_no_error(error);
}

#define NEW_AGENT                                                                                  \
  "INSERT INTO agents (id, name, system_prompt, voice_id, language, llm_model, created_at, "       \
  "updated_at) VALUES ('a', 'n', 'p', 'v', 'l', 'm', 't', 't')"

static void
test_tables(void)
{
  World world = { 0 };
  CordKeyRow key = { "k", "n", "cb_", "h", "read", "t", NULL };

  if (!world_init(&world))
    return;
  write_there(&world, NEW_AGENT);
  wait_for(&world, "agents");
  write_there(&world, "UPDATE agents SET name = 'm'");
  wait_for(&world, "agents");
  write_there(&world, "INSERT INTO phone_numbers (id, number, created_at, updated_at) VALUES "
                      "('p', '+1', 't', 't')");
  wait_for(&world, "phone_numbers");
  g_assert_true(cord_keys_add(world.other, &key, NULL));
  wait_for(&world, "api_keys");
  write_there(&world, "DELETE FROM agents");
  wait_for(&world, "agents");
  world_clear(&world);
}

static void
test_calls(void)
{
  World world = { 0 };
  g_autofree gchar *dir = test_dir_new();
  g_autoptr(CordJournal) journal = NULL;
  g_autoptr(CordCallRecord) call = cord_call_record_new();
  g_autofree gchar *inserted = NULL, *updated = NULL;
  const gchar *server;

  if (!world_init(&world)) {
    test_dir_remove(dir);
    return;
  }
  journal = cord_journal_open(dir, world.other, NULL);
  server = cord_journal_get_server_id(journal);
  inserted = g_strdup_printf("calls c1 %s insert", server);
  updated = g_strdup_printf("calls c1 %s update", server);
  call->id = g_strdup("c1");
  call->direction = g_strdup("inbound");
  call->status = g_strdup("in-progress");
  cord_journal_call_created(journal, call);
  wait_for(&world, inserted);
  cord_journal_transcript(journal, "c1", "user", "hello");
  while (world.heard->len == 0)
    g_main_context_iteration(NULL, TRUE);
  g_assert_true(g_str_has_prefix(world.heard->pdata[0], "transcript_entries "));
  g_assert_nonnull(strstr(world.heard->pdata[0], server));
  cord_journal_call_ended(journal, "c1", "completed", "x", 1);
  wait_for(&world, updated);
  cord_journal_close(journal, 10000);
  world_clear(&world);
  test_dir_remove(dir);
}

static gboolean
write_and_fail(CordDatabase *database, gpointer data, GError **error)
{
  g_assert_true(cord_database_script(database, NEW_AGENT, error));
  g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_FAILED, "on purpose");
  return FALSE;
}

static void
test_rolled_back(void)
{
  World world = { 0 };

  if (!world_init(&world))
    return;
  g_assert_false(cord_store_run(world.other, write_and_fail, NULL, NULL));
  write_there(&world, "INSERT INTO phone_numbers (id, number, created_at, updated_at) VALUES "
                      "('p', '+1', 't', 't')");
  while (!has_heard(&world, "phone_numbers"))
    g_main_context_iteration(NULL, TRUE);
  g_assert_cmpuint(world.heard->len, ==, 1);
  world_clear(&world);
}

/* What was written while nobody listened is made up for. */
static void
test_cut(void)
{
  World world = { 0 };

  if (!world_init(&world))
    return;
  for (guint i = 0; i < 3; i++) {
    write_there(&world, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE datname = current_database() AND query LIKE 'LISTEN%'");
    wait_for(&world, "all");
    write_there(&world, "UPDATE agents SET name = name");
    wait_for(&world, "agents");
  }
  world_clear(&world);
}

static void
test_gone(void)
{
  World world = { 0 };

  if (!world_init(&world))
    return;
  write_there(&world, NEW_AGENT);
  g_clear_object(&world.watch);
  write_there(&world, "UPDATE agents SET name = 'x'");
  while (g_main_context_iteration(NULL, FALSE))
    ;
  g_assert_cmpuint(world.heard->len, ==, 0);
  world_clear(&world);
}

static void
test_single(void)
{
  g_autoptr(CordStore) store = cord_store_open("sqlite::memory:", NULL);
  g_autoptr(GError) error = NULL;

  g_assert_false(cord_store_is_shared(store));
  g_assert_null(cord_store_watch_new(store, &error));
  g_assert_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_INVALID);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/store-watch/what another server writes is heard", test_tables);
  g_test_add_func("/store-watch/calls and lines come with row and server", test_calls);
  g_test_add_func("/store-watch/what was rolled back is not heard", test_rolled_back);
  g_test_add_func("/store-watch/a watch that was cut off comes back", test_cut);
  g_test_add_func("/store-watch/a watch that has gone hears nothing", test_gone);
  g_test_add_func("/store-watch/a database of one server is not watched", test_single);
  return g_test_run();
}
