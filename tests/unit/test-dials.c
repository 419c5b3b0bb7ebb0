/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>

#include "cord-dials.h"
#include "cord-error.h"
#include "cord-journal.h"
#include "cord-test-store.h"

#define MANY 1000

typedef struct {
  guint n_left;
  guint taken, refused, known, failed;
} Counts;

static void
on_taken(GObject *source, GAsyncResult *result, gpointer data)
{
  Counts *counts = data;
  g_autoptr(GError) error = NULL;

  switch (cord_dials_take_finish(CORD_STORE(source), result, &error)) {
  case CORD_DIAL_TAKEN:
    counts->taken++;
    break;
  case CORD_DIAL_KNOWN:
    counts->known++;
    break;
  case CORD_DIAL_REFUSED:
    if (g_error_matches(error, CORD_ERROR, CORD_ERROR_QUOTA))
      counts->refused++;
    else
      g_error("%s", error->message);
    break;
  }
  counts->n_left--;
}

static void
start(CordStore *store, const CordDialCaps *caps, const gchar *id, const gchar *server,
      const gchar *key, gboolean lasting, Counts *counts)
{
  g_autofree gchar *new_id = id ? NULL : cord_store_new_id();
  const CordDial dial = { id ? id : new_id, server, key, lasting };

  counts->n_left++;
  cord_dials_take_async(store, caps, &dial, on_taken, counts);
}

static void
wait_all(Counts *counts)
{
  while (counts->n_left > 0)
    g_main_context_iteration(NULL, TRUE);
}

static void
take(CordStore *store, const CordDialCaps *caps, const gchar *id, const gchar *key,
     gboolean lasting, Counts *counts)
{
  start(store, caps, id, "s", key, lasting, counts);
  wait_all(counts);
}

static void
test_at_once(void)
{
  static const CordDialCaps caps = { .at_once = 7 };
  g_autoptr(CordStore) store = test_store_new(":memory:");
  Counts counts = { 0 };

  for (guint i = 0; i < MANY; i++)
    start(store, &caps, NULL, "s", NULL, TRUE, &counts);
  wait_all(&counts);
  g_assert_cmpuint(counts.taken, ==, 7);
  g_assert_cmpuint(counts.refused, ==, MANY - 7);
}

static void
test_per_hour_and_key(void)
{
  static const CordDialCaps caps = { .per_hour = 30, .per_key = 20 };
  g_autoptr(CordStore) store = test_store_new(":memory:");
  Counts counts[3] = { 0 };

  for (guint i = 0; i < 60; i++)
    start(store, &caps, NULL, "s", "k1", TRUE, &counts[0]);
  wait_all(&counts[0]);
  for (guint i = 0; i < 60; i++)
    start(store, &caps, NULL, "s", NULL, FALSE, &counts[1]);
  wait_all(&counts[1]);
  start(store, &caps, NULL, "s", "k2", TRUE, &counts[2]);
  wait_all(&counts[2]);
  g_assert_cmpuint(counts[0].taken, ==, 20);
  g_assert_cmpuint(counts[1].taken, ==, 10);
  g_assert_cmpuint(counts[2].taken, ==, 0);
}

static gboolean
age(CordDatabase *database, gpointer data, GError **error)
{
  return cord_database_script(database, data, error);
}

static void
test_an_hour_later(void)
{
  static const CordDialCaps caps = { .at_once = 5, .per_hour = 2 };
  g_autoptr(CordStore) store = test_store_new(":memory:");
  g_autofree gchar *then = cord_store_time_before(3601);
  g_autofree gchar *long_ago = cord_store_time_before(6 * 3600);
  g_autofree gchar *sql = g_strdup_printf("UPDATE outbound_dials SET placed_at = '%s'", then);
  g_autofree gchar *lost = g_strdup_printf("UPDATE outbound_dials SET placed_at = '%s'", long_ago);
  Counts counts = { 0 };

  for (guint i = 0; i < 3; i++)
    take(store, &caps, NULL, NULL, TRUE, &counts);
  g_assert_cmpuint(counts.taken, ==, 2);
  g_assert_true(cord_store_run(store, age, sql, NULL));
  for (guint i = 0; i < 3; i++)
    take(store, &caps, NULL, NULL, TRUE, &counts);
  g_assert_cmpuint(counts.taken, ==, 4);
  /* calls that have not ended still count at once; but not for ever */
  g_assert_true(cord_store_run(store, age, sql, NULL));
  for (guint i = 0; i < 3; i++)
    take(store, &caps, NULL, NULL, TRUE, &counts);
  g_assert_cmpuint(counts.taken, ==, 5);
  g_assert_true(cord_store_run(store, age, lost, NULL));
  take(store, &caps, NULL, NULL, TRUE, &counts);
  g_assert_cmpuint(counts.taken, ==, 6);
}

static void
test_known(void)
{
  static const CordDialCaps caps = { .at_once = 1 };
  g_autoptr(CordStore) store = test_store_new(":memory:");
  Counts counts = { 0 };

  take(store, &caps, "same", NULL, TRUE, &counts);
  take(store, &caps, "same", NULL, TRUE, &counts);
  g_assert_cmpuint(counts.taken, ==, 1);
  g_assert_cmpuint(counts.known, ==, 1);
}

static CordJournal *
open_journal(const gchar *dir, CordStore *store)
{
  g_autoptr(GError) error = NULL;
  g_autofree gchar *path = g_build_filename(dir, "journal", NULL);
  CordJournal *journal = cord_journal_open(path, store, &error);

  g_assert_no_error(error);
  g_assert_true(cord_journal_catch_up(journal, 60000));
  return journal;
}

/* A place is free when the journal has the end of its call, or its server is started anew. */
static void
test_ends(void)
{
  static const CordDialCaps caps = { .at_once = 2 };
  g_autofree gchar *dir = test_dir_new();
  g_autoptr(CordStore) store = test_store_new(":memory:");
  CordJournal *journal = open_journal(dir, store);
  g_autofree gchar *server = g_strdup(cord_journal_get_server_id(journal));
  g_autofree gchar *then = cord_store_time_before(1);
  g_autofree gchar *sql = g_strdup_printf("UPDATE outbound_dials SET placed_at = '%s'", then);
  Counts counts = { 0 };

  /* asked together, they may be answered in any order: the one that ends shall have a place */
  start(store, &caps, "one", server, NULL, TRUE, &counts);
  wait_all(&counts);
  start(store, &caps, "two", server, NULL, TRUE, &counts);
  start(store, &caps, "three", server, NULL, TRUE, &counts);
  wait_all(&counts);
  g_assert_cmpuint(counts.taken, ==, 2);
  cord_journal_call_ended(journal, "one", "completed", "completed", 1);
  g_assert_true(cord_journal_catch_up(journal, 60000));
  start(store, &caps, "four", server, NULL, TRUE, &counts);
  start(store, &caps, "five", server, NULL, TRUE, &counts);
  wait_all(&counts);
  g_assert_cmpuint(counts.taken, ==, 3);
  start(store, &caps, "of another server", "another", NULL, TRUE, &counts);
  wait_all(&counts);
  cord_journal_close(journal, 60000);
  g_object_unref(journal);
  /* the clock has milliseconds, and what was placed in that of the start is after it */
  g_assert_true(cord_store_run(store, age, sql, NULL));
  journal = open_journal(dir, store);
  start(store, &caps, "six", server, NULL, TRUE, &counts);
  start(store, &caps, "seven", server, NULL, TRUE, &counts);
  start(store, &caps, "eight", server, NULL, TRUE, &counts);
  wait_all(&counts);
  g_assert_cmpuint(counts.taken, ==, 5);
  cord_journal_close(journal, 60000);
  g_object_unref(journal);
  test_dir_remove(dir);
}

/* Two servers, one purse: a thousand requests at once, each at one of two servers, in rounds in
 * which calls end; never more than the cap at once. */
static void
test_two_servers(void)
{
  static const CordDialCaps caps = { .at_once = 11, .per_hour = 33 };
  g_autofree gchar *dir = test_dir_new();
  g_autofree gchar *path = g_build_filename(dir, "two.db", NULL);
  g_autoptr(CordStore) one = test_store_new(path);
  g_autoptr(CordStore) other = test_store_new(path);
  Counts counts = { 0 };
  guint per_round[] = { 11, 22, 33, 33 };

  for (guint round = 0; round < G_N_ELEMENTS(per_round); round++) {
    for (guint i = 0; i < MANY / G_N_ELEMENTS(per_round); i++) {
      gboolean first = i % 2 == 0;

      start(first ? one : other, &caps, NULL, first ? "a" : "b", NULL, TRUE, &counts);
    }
    wait_all(&counts);
    g_assert_cmpuint(counts.taken, ==, per_round[round]);
    g_assert_true(cord_store_run(one, age,
                                 "UPDATE outbound_dials SET ended_at = placed_at "
                                 "WHERE ended_at IS NULL",
                                 NULL));
  }
  g_assert_cmpuint(counts.taken + counts.refused, ==, MANY);
  test_dir_remove(dir);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/dials/a-thousand-requests-take-no-more-places-than-there-are", test_at_once);
  g_test_add_func("/dials/an-hour-and-a-key-have-their-caps", test_per_hour_and_key);
  g_test_add_func("/dials/an-hour-later-there-is-room", test_an_hour_later);
  g_test_add_func("/dials/the-same-call-is-not-placed-twice", test_known);
  g_test_add_func("/dials/a-call-that-has-ended-gives-its-place-back", test_ends);
  g_test_add_func("/dials/two-servers-have-one-purse", test_two_servers);
  return g_test_run();
}
