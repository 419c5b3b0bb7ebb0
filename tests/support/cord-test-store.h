/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib/gstdio.h>
#include <unistd.h>

#include "cord-store.h"

/* Helpers of tests that use a store: asynchronous calls made to look like plain ones. */

static inline void
test_take_result(GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref(result);
}

static inline GAsyncResult *
test_wait(GAsyncResult **result)
{
  while (!*result)
    g_main_context_iteration(NULL, TRUE);
  return *result;
}

/* Whether the tests run on the PostgreSQL that tests/support/with-postgres started. */
static inline gboolean
test_is_postgres(void)
{
  return g_getenv("CORDBOARD_TEST_POSTGRES") != NULL;
}

/* A database of its own for each path, and a new one each time for ":memory:"; made when missing.
 */
static inline gchar *
test_database_uri(const gchar *path)
{
  static guint n_memory;
  const gchar *server = g_getenv("CORDBOARD_TEST_POSTGRES");
  g_autoptr(CordDatabase) database = NULL;
  g_autoptr(CordRows) rows = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree gchar *sum = NULL, *name = NULL, *sql = NULL;

  if (!server)
    return g_strconcat("sqlite:", path, NULL);
  if (g_str_equal(path, ":memory:"))
    name = g_strdup_printf("m%d_%u", (int)getpid(), n_memory++);
  else
    name = g_strdup_printf("f%.16s", sum = g_compute_checksum_for_string(G_CHECKSUM_MD5, path, -1));
  database = cord_database_open(server, &error);
  g_assert_no_error(error);
  rows = cord_database_query(database, "SELECT 1 FROM pg_database WHERE datname = $1",
                             CORD_PARAMS(name), &error);
  g_assert_no_error(error);
  sql = g_strdup_printf("CREATE DATABASE %s", name);
  if (cord_rows_length(rows) == 0)
    g_assert_true(cord_database_run(database, sql, CORD_NO_PARAMS, NULL));
  return g_strdup_printf("postgresql://cordboard@/%s?host=%s", name,
                         g_getenv("CORDBOARD_TEST_POSTGRES_DIR"));
}

static inline CordStore *
test_store_new(const gchar *path)
{
  g_autoptr(GError) error = NULL;
  g_autofree gchar *uri = test_database_uri(path);
  CordStore *store = cord_store_open(uri, &error);

  g_assert_no_error(error);
  return store;
}

static inline gchar *
test_dir_new(void)
{
  return g_dir_make_tmp("cordboard-test-XXXXXX", NULL);
}

static inline void
test_dir_remove(const gchar *dir)
{
  g_autoptr(GDir) list = g_dir_open(dir, 0, NULL);
  const gchar *name;

  while (list && (name = g_dir_read_name(list))) {
    g_autofree gchar *path = g_build_filename(dir, name, NULL);

    if (g_file_test(path, G_FILE_TEST_IS_DIR))
      test_dir_remove(path);
    else
      g_remove(path);
  }
  g_rmdir(dir);
}

static inline GPtrArray *
test_store_list_calls(CordStore *store)
{
  g_autoptr(GAsyncResult) result = NULL;

  cord_store_list_calls_async(store, 100, NULL, test_take_result, &result);
  return cord_store_list_calls_finish(store, test_wait(&result), NULL);
}

static inline CordCallRecord *
test_store_get_call_by_sid(CordStore *store, const gchar *sid)
{
  g_autoptr(GAsyncResult) result = NULL;

  cord_store_get_call_by_sid_async(store, sid, NULL, test_take_result, &result);
  return cord_store_get_call_by_sid_finish(store, test_wait(&result), NULL);
}

static inline CordCallRecord *
test_store_get_call(CordStore *store, const gchar *id)
{
  g_autoptr(GAsyncResult) result = NULL;

  cord_store_get_call_async(store, id, NULL, test_take_result, &result);
  return cord_store_get_call_finish(store, test_wait(&result), NULL);
}

static inline GPtrArray *
test_store_get_transcript(CordStore *store, const gchar *call_id)
{
  g_autoptr(GAsyncResult) result = NULL;

  cord_store_get_transcript_async(store, call_id, NULL, test_take_result, &result);
  return cord_store_get_transcript_finish(store, test_wait(&result), NULL);
}

static inline GPtrArray *
test_store_get_function_calls(CordStore *store, const gchar *call_id)
{
  g_autoptr(GAsyncResult) result = NULL;

  cord_store_get_function_calls_async(store, call_id, NULL, test_take_result, &result);
  return cord_store_get_function_calls_finish(store, test_wait(&result), NULL);
}
