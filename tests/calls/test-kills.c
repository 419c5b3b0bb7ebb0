/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "call-rig.h"
#include "cord-journal-log.h"
#include "key-agent.h"
#include "pg-rig.h"

/* Kill -9 of the server at random moments under calls. What must hold each time: what the journal
 * had on disk is in the store once, in its order, and nothing else is; calls that ran are told to
 * be interrupted; what a phone was told of is there, but for what was said in the very last moment.
 * CORDBOARD_KILLS and CORDBOARD_SEED choose how often and when. */

#define KILLS 4
#define SEED 20260131
#define PHONES 2
#define PRESSES 8
#define LATEST_MS 4500 /* after the phones have dialled */

typedef struct {
  CallRig *rig;
  gchar *data;
  GRand *rand;
  GHashTable *written; /* id of a line -> its text, all that the journal ever had on disk */
} World;

static void
world_init(World *world, const gchar *database)
{
  g_autofree gchar *variable = database ? g_strconcat("DATABASE_URL=", database, NULL) : NULL;

  world->data = key_agent_dir_new();
  world->rig = call_rig_new_with(world->data, "secret-of-twilio", (gchar *[]){ variable, NULL });
  world->written = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static void
world_clear(World *world)
{
  call_rig_free(world->rig);
  g_hash_table_unref(world->written);
  g_rand_free(world->rand);
  key_agent_dir_remove(world->data);
  g_free(world->data);
}

/* What is on disk when the server is dead: numbers without a gap, each record whole. */
static void
read_journal(World *world)
{
  g_autofree gchar *dir = g_build_filename(world->rig->dir, "journal", NULL);
  g_autoptr(GError) error = NULL;
  CordJournalLog *log = cord_journal_log_open(dir, &error);
  guint64 last = 0;
  guint n = 1;

  g_assert_no_error(error);
  while (n > 0) {
    g_autoptr(GPtrArray) records = cord_journal_log_read(log, G_MAXUINT64, 100, &error);

    g_assert_no_error(error);
    n = records->len;
    for (guint i = 0; i < n; i++) {
      CordJournalRecord *record = records->pdata[i];

      g_assert_true(last == 0 || record->seq == last + 1);
      last = record->seq;
      if (g_strcmp0(cord_journal_record_get(record, "type"), CORD_JOURNAL_TRANSCRIPT) == 0)
        g_hash_table_insert(world->written, g_strdup(cord_journal_record_get(record, "id")),
                            g_strdup(cord_journal_record_get(record, "content")));
    }
  }
  cord_journal_log_free(log);
}

static void
kill_under_calls(World *world, JsonObject **results)
{
  g_auto(GStrv) keys = key_agent_presses(PRESSES);
  GSubprocess *phones[PHONES];
  int code;

  for (guint i = 0; i < PHONES; i++)
    phones[i] = call_rig_dial(world->rig, (const gchar *const *)keys);
  g_usleep((gulong)g_rand_int_range(world->rand, 0, LATEST_MS) * 1000);
  call_rig_kill(world->rig);
  for (guint i = 0; i < PHONES; i++)
    results[i] = call_rig_finish(phones[i], &code);
}

static JsonArray *
get_lines(CallRig *rig, const gchar *sid)
{
  g_autofree gchar *path = g_strconcat("/api/calls/", sid, "/transcript", NULL);
  guint status;
  g_autoptr(JsonNode) node = call_rig_get(rig, path, &status);

  return status == 200 ? json_node_dup_array(node) : json_array_new();
}

/* The first lines of what the phone was told are the first of what is stored. */
static void
check_phone(World *world, JsonObject *result)
{
  const gchar *sid = json_object_get_string_member_with_default(result, "call_sid", "none");
  JsonArray *told = json_object_get_array_member(result, "transcript");
  g_autoptr(JsonArray) stored = get_lines(world->rig, sid);
  guint n_told = json_array_get_length(told), n_stored = json_array_get_length(stored);

  g_test_message("%s was told %u lines, %u are stored", sid, n_told, n_stored);
  g_assert_cmpuint(n_stored + 1, >=, n_told);
  g_assert_cmpuint(n_stored, <=, n_told + 1);
  for (guint i = 0; i < MIN(n_told, n_stored); i++)
    g_assert_cmpstr(
        json_object_get_string_member(json_array_get_object_element(told, i), "content"), ==,
        json_object_get_string_member(json_array_get_object_element(stored, i), "content"));
}

/* The store holds the journal's lines, each once, and calls that have all ended. */
static void
check_store(World *world)
{
  guint status, n_lines = 0;
  g_autoptr(JsonNode) calls = call_rig_get(world->rig, "/api/calls?limit=1000", &status);
  g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  JsonArray *array = json_node_get_array(calls);

  g_assert_cmpuint(status, ==, 200);
  for (guint i = 0; i < json_array_get_length(array); i++) {
    JsonObject *call = json_array_get_object_element(array, i);
    g_autoptr(JsonArray) lines = get_lines(world->rig, json_object_get_string_member(call, "id"));

    g_assert_true(g_strv_contains((const gchar *const[]){ "completed", "failed", NULL },
                                  json_object_get_string_member(call, "status")));
    g_assert_false(json_object_get_null_member(call, "ended_at"));
    n_lines += json_array_get_length(lines);
    for (guint j = 0; j < json_array_get_length(lines); j++) {
      JsonObject *line = json_array_get_object_element(lines, j);
      const gchar *id = json_object_get_string_member(line, "id");

      g_assert_true(g_hash_table_add(seen, g_strdup(id)));
      g_assert_cmpstr(g_hash_table_lookup(world->written, id), ==,
                      json_object_get_string_member(line, "content"));
    }
  }
  g_assert_cmpuint(n_lines, ==, g_hash_table_size(world->written));
}

static void
kill_often(const gchar *database)
{
  const gchar *kills = g_getenv("CORDBOARD_KILLS");
  const gchar *seed = g_getenv("CORDBOARD_SEED");
  guint n = kills ? (guint)atoi(kills) : KILLS;
  World world = { .rand = g_rand_new_with_seed(seed ? (guint32)atoi(seed) : SEED) };

  world_init(&world, database);
  for (guint i = 0; i < n; i++) {
    JsonObject *results[PHONES];

    kill_under_calls(&world, results);
    read_journal(&world);
    call_rig_start(world.rig);
    for (guint j = 0; j < PHONES; j++) {
      check_phone(&world, results[j]);
      json_object_unref(results[j]);
    }
    check_store(&world);
    g_test_message("kill %u of %u: %u lines", i + 1, n, g_hash_table_size(world.written));
  }
  g_assert_cmpuint(g_hash_table_size(world.written), >, 0);
  world_clear(&world);
}

static void
test_sqlite(void)
{
  kill_often(NULL);
}

static void
test_postgres(void)
{
  const gchar *why_not = NULL;
  PgRig *postgres = g_getenv("CORDBOARD_KILLS") ? pg_rig_new(0, &why_not) : NULL;

  if (!postgres) {
    g_test_skip(why_not ? why_not : "Only with CORDBOARD_KILLS, because it takes long");
    return;
  }
  kill_often(postgres->uri);
  pg_rig_free(postgres);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/kills/a server that is killed loses and doubles no line", test_sqlite);
  g_test_add_func("/kills/nor does it on PostgreSQL", test_postgres);
  return g_test_run();
}
