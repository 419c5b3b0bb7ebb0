/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "call-rig.h"
#include "key-agent.h"
#include "pg-rig.h"

/* PostgreSQL away under calls: no call notices, and nothing is lost or doubled when it is back.
 * CORDBOARD_OUTAGE_CALLS and CORDBOARD_OUTAGE_SECONDS make more of it. */

#define DISK 192 /* MiB */

typedef struct {
  PgRig *postgres;
  CallRig *rig;
  gchar *data;
  GPtrArray *phones; /* GSubprocess */
} World;

static guint
from_environment(const gchar *name, guint fallback)
{
  const gchar *value = g_getenv(name);

  return value ? (guint)atoi(value) : fallback;
}

static gboolean
world_init(World *world, guint disk_mib)
{
  const gchar *why_not = NULL;
  g_autofree gchar *database = NULL;

  world->postgres = pg_rig_new(disk_mib, &why_not);
  if (!world->postgres) {
    g_test_skip(why_not);
    return FALSE;
  }
  database = g_strconcat("DATABASE_URL=", world->postgres->uri, NULL);
  world->data = key_agent_dir_new();
  world->rig = call_rig_new_with(world->data, "secret-of-twilio", (gchar *[]){ database, NULL });
  world->phones = g_ptr_array_new();
  return TRUE;
}

static void
world_clear(World *world)
{
  call_rig_free(world->rig);
  pg_rig_free(world->postgres);
  key_agent_dir_remove(world->data);
  g_free(world->data);
  g_ptr_array_unref(world->phones);
}

static guint
get_seconds(void)
{
  return from_environment("CORDBOARD_OUTAGE_SECONDS", 3);
}

/* Calls outlast the outage: what a caller presses and hears takes more than a second. */
static guint
get_presses(void)
{
  return get_seconds() + 2;
}

static void
dial(World *world)
{
  g_auto(GStrv) presses = key_agent_presses(get_presses());

  g_ptr_array_add(world->phones, call_rig_dial(world->rig, (const gchar *const *)presses));
}

static guint
count_lines(World *world)
{
  g_autofree gchar *n = pg_rig_ask(world->postgres, "SELECT COUNT(*) FROM transcript_entries");

  return n ? (guint)atoi(n) : 0;
}

/* Calls that talk: each has a line in the store. */
static void
begin_calls(World *world)
{
  guint n = from_environment("CORDBOARD_OUTAGE_CALLS", 2);

  for (guint i = 0; i < n; i++) {
    dial(world);
    /* who begins many calls at once is sent away */
    g_usleep(200000);
  }
  while (count_lines(world) < n)
    g_usleep(50000);
}

static guint
ask(CallRig *rig, const gchar *path)
{
  guint status;
  g_autoptr(JsonNode) answer = call_rig_get(rig, path, &status);

  return status;
}

/* While the database is away the server lives, says that it is not ready, and takes a call. */
static void
endure(World *world)
{
  gint64 until = g_get_monotonic_time() + get_seconds() * G_TIME_SPAN_SECOND;
  gint64 slowest = 0;
  gboolean told = FALSE;

  dial(world);
  while (g_get_monotonic_time() < until || !told) {
    gint64 asked = g_get_monotonic_time();

    g_assert_cmpuint(ask(world->rig, "/health"), ==, 200);
    slowest = MAX(slowest, g_get_monotonic_time() - asked);
    told = told || ask(world->rig, "/ready") == 503;
    g_usleep(100000);
  }
  g_test_message("the slowest answer took %d ms", (int)(slowest / 1000));
}

static gboolean
is_ready(CallRig *rig)
{
  return ask(rig, "/ready") == 200;
}

static JsonNode *
get_stored(CallRig *rig, const gchar *sid, const gchar *what)
{
  g_autofree gchar *path = g_strconcat("/api/calls/", sid, what, NULL);
  guint status;
  JsonNode *node = call_rig_get(rig, path, &status);

  if (status != 200)
    g_clear_pointer(&node, json_node_unref);
  return node;
}

/* Waits for the journal to have brought the call's end. */
static void
wait_stored(CallRig *rig, const gchar *sid)
{
  gboolean stored = FALSE;

  while (!stored) {
    g_autoptr(JsonNode) node = get_stored(rig, sid, "");

    stored = node && json_object_get_string_member_with_default(json_node_get_object(node),
                                                                "ended_at", NULL);
    if (!stored)
      g_usleep(100000);
  }
}

static gchar *
to_text(JsonArray *lines)
{
  GString *text = g_string_new(NULL);

  for (guint i = 0; i < json_array_get_length(lines); i++) {
    JsonObject *line = json_array_get_object_element(lines, i);

    g_string_append_printf(text, "%s: %s\n", json_object_get_string_member(line, "role"),
                           json_object_get_string_member(line, "content"));
  }
  return g_string_free(text, FALSE);
}

/* What the store must hold, line by line: what the phone was told of, and what it has pressed. */
static void
check_call(World *world, GSubprocess *phone)
{
  int code;
  g_autoptr(JsonObject) result = call_rig_finish(phone, &code);
  const gchar *sid = json_object_get_string_member(result, "call_sid");
  g_autofree gchar *said = to_text(json_object_get_array_member(result, "transcript"));
  g_autoptr(JsonNode) node = NULL;
  g_autofree gchar *stored = NULL;

  g_assert_cmpint(code, ==, 0);
  g_assert_cmpstr(json_object_get_string_member(result, "status"), ==, "completed");
  g_test_message("%d gaps", (int)json_object_get_int_member(result, "gaps"));
  wait_stored(world->rig, sid);
  node = get_stored(world->rig, sid, "/transcript");
  stored = to_text(json_node_get_array(node));
  g_assert_cmpstr(stored, ==, said);
  key_agent_check_user_lines(json_node_get_array(node), get_presses());
}

static void
check_calls(World *world)
{
  g_autofree gchar *doubled = NULL;

  call_rig_wait_until(world->rig, is_ready);
  for (guint i = 0; i < world->phones->len; i++)
    check_call(world, world->phones->pdata[i]);
  doubled = pg_rig_ask(world->postgres, "SELECT COUNT(*) - COUNT(DISTINCT (call_id, seq)) "
                                        "FROM transcript_entries");
  g_assert_cmpstr(doubled, ==, "0");
}

static void
test_stopped(void)
{
  World world = { 0 };

  if (!world_init(&world, 0))
    return;
  begin_calls(&world);
  pg_rig_stop_time(world.postgres);
  endure(&world);
  pg_rig_go_on(world.postgres);
  check_calls(&world);
  world_clear(&world);
}

static void
test_killed(void)
{
  World world = { 0 };

  if (!world_init(&world, 0))
    return;
  begin_calls(&world);
  pg_rig_kill(world.postgres);
  endure(&world);
  pg_rig_start(world.postgres);
  check_calls(&world);
  world_clear(&world);
}

static void
test_disk_full(void)
{
  World world = { 0 };

  if (!world_init(&world, DISK))
    return;
  begin_calls(&world);
  pg_rig_fill_disk(world.postgres);
  endure(&world);
  pg_rig_free_disk(world.postgres);
  check_calls(&world);
  world_clear(&world);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/outages/a database that stands still disturbs no call", test_stopped);
  g_test_add_func("/outages/a database that is killed disturbs no call", test_killed);
  g_test_add_func("/outages/a database whose disk is full disturbs no call", test_disk_full);
  return g_test_run();
}
