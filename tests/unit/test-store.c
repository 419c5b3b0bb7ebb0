/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>

#include "cord-store.h"
#include "cord-test-store.h"

static CordAgent *
new_agent(const gchar *json)
{
  g_autoptr(JsonNode) node = json_from_string(json, NULL);
  g_autoptr(GError) error = NULL;
  CordAgent *agent = cord_agent_new_from_json(json_node_get_object(node), &error);

  g_assert_no_error(error);
  return agent;
}

static CordAgent *
put_agent(CordStore *store, const gchar *json)
{
  g_autoptr(CordAgent) agent = new_agent(json);
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;
  CordAgent *written;

  cord_store_put_agent_async(store, agent, NULL, test_take_result, &result);
  written = cord_store_put_agent_finish(store, test_wait(&result), &error);
  g_assert_no_error(error);
  return written;
}

static void
test_agent_round_trip(void)
{
  g_autoptr(CordStore) store = test_store_new(":memory:");
  g_autoptr(CordAgent) written = put_agent(
      store,
      "{\"name\":\"Desk\",\"tools_enabled\":[\"end_call\",\"x\"],\"is_active\":false,"
      "\"metadata\":{\"mine\":1,\"cordboard\":{\"greeting\":\"Hi\",\"hints\":[\"yes\",\"no\"],"
      "\"turn\":{\"endpointing\":450}}}}");
  g_autoptr(CordAgent) read = NULL;
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) hints = NULL;

  cord_store_get_agent_async(store, written->id, NULL, test_take_result, &result);
  read = cord_store_get_agent_finish(store, test_wait(&result), &error);
  g_assert_no_error(error);
  g_assert_cmpstr(read->name, ==, "Desk");
  g_assert_cmpstr(read->system_prompt, ==, "You are a helpful voice AI assistant.");
  g_assert_cmpstr(read->voice_id, ==, "21m00Tcm4TlvDq8ikWAM");
  g_assert_cmpstr(read->language, ==, "en-US");
  g_assert_cmpstr(read->llm_model, ==, "gpt-4");
  g_assert_cmpstr(read->tools_enabled[1], ==, "x");
  g_assert_false(read->is_active);
  g_assert_cmpstr(cord_agent_get_string(read, "greeting", NULL), ==, "Hi");
  g_assert_cmpint(cord_agent_get_int(read, "turn/endpointing", 1), ==, 450);
  g_assert_cmpint(cord_agent_get_int(read, "greeting", 7), ==, 7);
  g_assert_null(cord_agent_get_setting(read, "turn/none/deeper"));
  hints = cord_agent_dup_strv(read, "hints");
  g_assert_cmpuint(g_strv_length(hints), ==, 2);
  g_assert_cmpstr(read->created_at, ==, written->created_at);
}

static void
test_agent_replaced(void)
{
  g_autoptr(CordStore) store = test_store_new(":memory:");
  g_autoptr(CordAgent) first = put_agent(store, "{\"id\":\"a\",\"name\":\"One\"}");
  g_autoptr(CordAgent) second =
      put_agent(store, "{\"id\":\"a\",\"name\":\"Two\",\"created_at\":\"never\"}");

  g_assert_cmpstr(second->name, ==, "Two");
  g_assert_cmpstr(second->created_at, ==, first->created_at);
}

static void
test_first_active_agent(void)
{
  g_autoptr(CordStore) store = test_store_new(":memory:");
  g_autoptr(CordAgent) off = put_agent(
      store, "{\"name\":\"Off\",\"is_active\":false,\"created_at\":\"2020-01-01T00:00:00.000Z\"}");
  g_autoptr(CordAgent) late =
      put_agent(store, "{\"name\":\"Late\",\"created_at\":\"2022-01-01T00:00:00.000Z\"}");
  g_autoptr(CordAgent) early =
      put_agent(store, "{\"name\":\"Early\",\"created_at\":\"2021-01-01T00:00:00.000Z\"}");
  g_autoptr(CordAgent) found = NULL;
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  cord_store_get_active_agent_async(store, NULL, test_take_result, &result);
  found = cord_store_get_active_agent_finish(store, test_wait(&result), &error);
  g_assert_no_error(error);
  g_assert_cmpstr(found->name, ==, "Early");
}

static void
test_not_found(void)
{
  g_autoptr(CordStore) store = test_store_new(":memory:");
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  cord_store_get_agent_async(store, "nobody", NULL, test_take_result, &result);
  g_assert_null(cord_store_get_agent_finish(store, test_wait(&result), &error));
  g_assert_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_NOT_FOUND);
  g_clear_error(&error);
  g_clear_object(&result);
  cord_store_delete_call_async(store, "none", NULL, test_take_result, &result);
  g_assert_false(cord_store_delete_call_finish(store, test_wait(&result), &error));
  g_assert_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_NOT_FOUND);
}

static void
test_bad_agents(void)
{
  static const gchar *const bad[] = { "{}",
                                      "{\"name\":\"\"}",
                                      "{\"name\":3}",
                                      "{\"name\":\"x\",\"tools_enabled\":\"y\"}",
                                      "{\"name\":\"x\",\"tools_enabled\":[1]}",
                                      "{\"name\":\"x\",\"is_active\":\"yes\"}",
                                      "{\"name\":\"x\",\"language\":{}}" };

  for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autoptr(JsonNode) node = json_from_string(bad[i], NULL);
    g_autoptr(GError) error = NULL;

    g_assert_null(cord_agent_new_from_json(json_node_get_object(node), &error));
    g_assert_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_INVALID);
  }
}

static gboolean
fill_calls(CordDatabase *database, gpointer data, GError **error)
{
  return cord_database_script(
      database,
      "INSERT INTO calls (id, agent_id, direction, twilio_call_sid, status, started_at) VALUES "
      "('c1', 'a', 'inbound', 'CA1', 'completed', '2026-01-01T00:00:01.000Z'),"
      "('c2', NULL, 'inbound', 'CA2', 'in-progress', '2026-01-01T00:00:02.000Z');"
      "INSERT INTO transcript_entries VALUES ('t2', 'c1', 'assistant', 'Bye', 'x', 2),"
      "('t1', 'c1', 'user', 'Hello', 'x', 1);"
      "INSERT INTO function_call_logs VALUES "
      "('f1', 'c1', 'end_call', '{\"a\":1}', NULL, 'completed', NULL, 'x', 3)",
      error);
}

static void
test_calls(void)
{
  g_autoptr(CordStore) store = test_store_new(":memory:");
  g_autoptr(CordAgent) agent = put_agent(store, "{\"id\":\"a\",\"name\":\"Desk\"}");
  g_autoptr(GPtrArray) calls = NULL;
  g_autoptr(GPtrArray) lines = NULL;
  g_autoptr(GPtrArray) runs = NULL;
  g_autoptr(CordCallRecord) call = NULL;
  g_autoptr(JsonObject) json = NULL;
  g_autoptr(GError) error = NULL;

  g_assert_true(cord_store_run(store, fill_calls, NULL, &error));
  calls = test_store_list_calls(store);
  g_assert_cmpuint(calls->len, ==, 2);
  g_assert_cmpstr(((CordCallRecord *)calls->pdata[0])->id, ==, "c2");
  call = test_store_get_call_by_sid(store, "CA1");
  g_assert_cmpstr(call->agent_name, ==, "Desk");
  g_assert_cmpint(call->duration_seconds, ==, -1);
  json = cord_call_record_to_json(call);
  g_assert_cmpstr(
      json_object_get_string_member(json_object_get_object_member(json, "agents"), "name"), ==,
      "Desk");
  g_assert_true(json_object_get_null_member(json, "duration_seconds"));
  lines = test_store_get_transcript(store, "c1");
  g_assert_cmpuint(lines->len, ==, 2);
  g_assert_cmpstr(((CordTranscriptEntry *)lines->pdata[0])->content, ==, "Hello");
  runs = test_store_get_function_calls(store, "c1");
  g_assert_cmpuint(runs->len, ==, 1);
  g_assert_cmpstr(((CordFunctionCall *)runs->pdata[0])->function_name, ==, "end_call");
}

static void
test_deleting(void)
{
  g_autoptr(CordStore) store = test_store_new(":memory:");
  g_autoptr(CordAgent) agent = put_agent(store, "{\"id\":\"a\",\"name\":\"Desk\"}");
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(CordCallRecord) call = NULL;
  g_autoptr(GPtrArray) lines = NULL;
  g_autoptr(GPtrArray) runs = NULL;
  g_autoptr(GError) error = NULL;

  g_assert_true(cord_store_run(store, fill_calls, NULL, &error));
  cord_store_delete_agent_async(store, "a", NULL, test_take_result, &result);
  g_assert_true(cord_store_delete_agent_finish(store, test_wait(&result), &error));
  call = test_store_get_call_by_sid(store, "CA1");
  g_assert_null(call->agent_id);
  g_assert_null(call->agent_name);
  g_clear_object(&result);
  cord_store_delete_call_async(store, "c1", NULL, test_take_result, &result);
  g_assert_true(cord_store_delete_call_finish(store, test_wait(&result), &error));
  lines = test_store_get_transcript(store, "c1");
  runs = test_store_get_function_calls(store, "c1");
  g_assert_cmpuint(lines->len, ==, 0);
  g_assert_cmpuint(runs->len, ==, 0);
}

static void
test_cancelled(void)
{
  g_autoptr(CordStore) store = test_store_new(":memory:");
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  g_cancellable_cancel(cancellable);
  cord_store_list_agents_async(store, cancellable, test_take_result, &result);
  g_assert_null(cord_store_list_agents_finish(store, test_wait(&result), &error));
  g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_reopening(void)
{
  g_autofree gchar *dir = test_dir_new();
  g_autofree gchar *path = g_build_filename(dir, "x.db", NULL);
  g_autoptr(CordStore) store = test_store_new(path);
  g_autoptr(CordAgent) agent = put_agent(store, "{\"id\":\"a\",\"name\":\"Desk\"}");
  g_autoptr(GAsyncResult) result = NULL;

  g_clear_object(&store);
  store = test_store_new(path);
  cord_store_ping_async(store, NULL, test_take_result, &result);
  g_assert_true(cord_store_ping_finish(store, test_wait(&result), NULL));
  g_clear_object(&store);
  test_dir_remove(dir);
}

static void
refuse_after(const gchar *script, const gchar *message)
{
  g_autoptr(GError) error = NULL;
  g_autofree gchar *uri = test_database_uri(":memory:");
  g_autoptr(CordDatabase) database = cord_database_open(uri, &error);

  g_assert_no_error(error);
  g_assert_true(cord_database_migrate(database, &error));
  g_assert_true(cord_database_script(database, script, &error));
  g_assert_false(cord_database_migrate(database, &error));
  g_assert_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_SCHEMA);
  g_assert_nonnull(strstr(error->message, message));
}

static void
test_newer_database(void)
{
  refuse_after("INSERT INTO schema_migration VALUES ('9999-future.sql', 'x', 'y')",
               "newer version of Cordboard");
}

static void
test_edited_migration(void)
{
  refuse_after("UPDATE schema_migration SET sha256 = 'x'", "differs");
}

static void
test_failed_migration(void)
{
  g_autoptr(GError) error = NULL;
  g_autofree gchar *uri = test_database_uri(":memory:");
  g_autoptr(CordDatabase) database = cord_database_open(uri, &error);
  g_autoptr(CordRows) rows = NULL;

  g_assert_true(cord_database_script(database, "CREATE TABLE journal_positions (x TEXT)", &error));
  g_assert_false(cord_database_migrate(database, &error));
  rows = cord_database_query(database,
                             test_is_postgres()
                                 ? "SELECT tablename FROM pg_tables WHERE tablename = 'agents'"
                                 : "SELECT name FROM sqlite_master WHERE name = 'agents'",
                             CORD_NO_PARAMS, NULL);
  g_assert_cmpuint(cord_rows_length(rows), ==, 0);
}

static void
test_no_database(void)
{
  g_autoptr(GError) error = NULL;

  g_assert_null(cord_store_open("sqlite:/nonexistent/x.db", &error));
  g_assert_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_UNAVAILABLE);
  g_clear_error(&error);
  g_assert_null(cord_store_open("oracle://x", &error));
  g_assert_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_INVALID);
}

static void
write_file(const gchar *dir, const gchar *name, const gchar *text)
{
  g_autofree gchar *path = g_build_filename(dir, name, NULL);

  g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static guint
count_agents(CordStore *store)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GPtrArray) agents = NULL;

  cord_store_list_agents_async(store, NULL, test_take_result, &result);
  agents = cord_store_list_agents_finish(store, test_wait(&result), NULL);
  return agents->len;
}

static void
test_seeding(void)
{
  g_autofree gchar *dir = test_dir_new();
  g_autoptr(CordStore) store = test_store_new(":memory:");
  g_autoptr(GError) error = NULL;

  write_file(dir, "desk.json", "{\"name\":\"Desk\"}");
  write_file(dir, "script.json", "{\"rules\":[]}");
  write_file(dir, "notes.txt", "not an agent");
  g_assert_true(cord_store_seed_agents(store, dir, &error));
  g_assert_no_error(error);
  g_assert_cmpuint(count_agents(store), ==, 1);
  write_file(dir, "second.json", "{\"name\":\"Second\"}");
  g_assert_true(cord_store_seed_agents(store, dir, &error));
  g_assert_cmpuint(count_agents(store), ==, 1);
  write_file(dir, "broken.json", "{");
  g_assert_false(cord_store_seed_agents(store, dir, &error));
  g_assert_nonnull(strstr(error->message, "broken.json"));
  test_dir_remove(dir);
}

static void
test_timestamps(void)
{
  g_autofree gchar *now = cord_store_now();
  g_autoptr(GDateTime) parsed = g_date_time_new_from_iso8601(now, NULL);

  g_assert_cmpuint(strlen(now), ==, strlen("2026-01-31T12:00:00.000Z"));
  g_assert_nonnull(parsed);
}

/* Addresses as other systems write them, with the name of their driver. */
static void
test_addresses(void)
{
  static const struct {
    const gchar *uri, *file;
  } addresses[] = {
    { "sqlite:a.db", "a.db" },
    { "sqlite:/a/b.db", "/a/b.db" },
    { "sqlite:///a.db", "a.db" },
    { "sqlite:///./a.db", "./a.db" },
    { "sqlite:////a/b.db", "/a/b.db" },
    { "sqlite+aiosqlite:///./a.db", "./a.db" },
    { "sqlite::memory:", ":memory:" },
    { "sqlite://", ":memory:" },
    { "sqlite:///:memory:", ":memory:" },
    { "/a/b.db", "/a/b.db" },
    { "postgresql://u@h/d", NULL },
    { "postgresql+asyncpg://u@h/d", NULL },
    { "mysql://u@h/d", NULL },
  };
  g_autoptr(CordDatabase) none = NULL;
  g_autoptr(GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS(addresses); i++) {
    g_autofree gchar *file = cord_database_get_file(addresses[i].uri);

    g_assert_cmpstr(file, ==, addresses[i].file);
  }
  none = cord_database_open("postgresql+asyncpg://u@127.0.0.1:1/d", &error);
  g_assert_null(none);
  g_assert_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_UNAVAILABLE);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/store/an agent comes back as it was written", test_agent_round_trip);
  g_test_add_func("/store/an agent written again keeps its age", test_agent_replaced);
  g_test_add_func("/store/the oldest active agent takes calls", test_first_active_agent);
  g_test_add_func("/store/what is not there is told so", test_not_found);
  g_test_add_func("/store/agents of the wrong shape are refused", test_bad_agents);
  g_test_add_func("/store/calls come with agent transcript and tools", test_calls);
  g_test_add_func("/store/deleting keeps calls and takes lines", test_deleting);
  g_test_add_func("/store/a cancelled question has no answer", test_cancelled);
  g_test_add_func("/store/a database opens again", test_reopening);
  g_test_add_func("/store/a newer database is refused", test_newer_database);
  g_test_add_func("/store/an edited migration is refused", test_edited_migration);
  g_test_add_func("/store/a failed migration leaves nothing behind", test_failed_migration);
  g_test_add_func("/store/a database that cannot be opened is told", test_no_database);
  g_test_add_func("/store/addresses of other systems are understood", test_addresses);
  g_test_add_func("/store/stock agents go into an empty store only", test_seeding);
  g_test_add_func("/store/times are RFC 3339 with milliseconds", test_timestamps);
  return g_test_run();
}
