/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "call-rig.h"
#include "cord-database.h"
#include "key-agent.h"
#include "pg-rig.h"

/* Two servers on one PostgreSQL: what one writes, the other knows. */
typedef struct {
  PgRig *postgres;
  gchar *data;
  CallRig *one;
  CallRig *other;
  GInputStream *events; /* of the other */
  GString *heard;
} World;

static void
follow(World *world)
{
  g_autofree gchar *url = g_strconcat(world->other->url, "/api/events", NULL);
  g_autoptr(SoupMessage) message = soup_message_new("GET", url);
  g_autoptr(GError) error = NULL;

  world->events = soup_session_send(world->other->session, message, NULL, &error);
  g_assert_no_error(error);
  world->heard = g_string_new(NULL);
}

/* Reads on until the other server has told it. */
static void
wait_for(World *world, const gchar *text)
{
  while (!strstr(world->heard->str, text)) {
    gchar buffer[4096];
    g_autoptr(GError) error = NULL;
    gssize n = g_input_stream_read(world->events, buffer, sizeof buffer, NULL, &error);

    g_assert_no_error(error);
    g_assert_cmpint(n, >, 0);
    g_string_append_len(world->heard, buffer, n);
  }
}

static gboolean
world_init(World *world)
{
  const gchar *why_not = NULL;
  g_autofree gchar *database = NULL;

  world->postgres = pg_rig_new(0, &why_not);
  if (!world->postgres) {
    g_test_skip(why_not);
    return FALSE;
  }
  database = g_strconcat("DATABASE_URL=", world->postgres->uri, NULL);
  world->data = key_agent_dir_new();
  world->one = call_rig_new_with(world->data, NULL, (gchar *[]){ database, NULL });
  world->other = call_rig_new_with(world->data, NULL, (gchar *[]){ database, NULL });
  follow(world);
  return TRUE;
}

static void
world_clear(World *world)
{
  g_input_stream_close(world->events, NULL, NULL);
  g_object_unref(world->events);
  g_string_free(world->heard, TRUE);
  call_rig_free(world->one);
  call_rig_free(world->other);
  pg_rig_free(world->postgres);
  key_agent_dir_remove(world->data);
  g_free(world->data);
}

static void
test_calls(void)
{
  g_auto(GStrv) presses = key_agent_presses(1);
  World world = { 0 };
  g_autoptr(JsonObject) result = NULL;
  int code;

  if (!world_init(&world))
    return;
  result = call_rig_call(world.one, (const gchar *const *)presses, &code);
  g_assert_cmpint(code, ==, 0);
  wait_for(&world, "\"status\":\"completed\"");
  g_test_message("%s", world.heard->str);
  g_assert_nonnull(strstr(world.heard->str, "event: call-admitted"));
  g_assert_nonnull(strstr(world.heard->str, "event: turn-ended"));
  g_assert_nonnull(strstr(world.heard->str, "event: heard"));
  g_assert_nonnull(strstr(world.heard->str, "\"text\":\"1000#\""));
  g_assert_nonnull(strstr(world.heard->str, "event: call-ended"));
  world_clear(&world);
}

/* As the server that has the call writes it. */
static void
test_extraction(void)
{
  g_auto(GStrv) presses = key_agent_presses(0);
  World world = { 0 };
  g_autoptr(CordDatabase) database = NULL;
  g_autoptr(JsonObject) result = NULL;
  g_autoptr(GError) error = NULL;
  const gchar *ended;
  int code;

  if (!world_init(&world))
    return;
  result = call_rig_call(world.one, (const gchar *const *)presses, &code);
  wait_for(&world, "event: call-ended");
  database = cord_database_open(world.postgres->uri, &error);
  g_assert_no_error(error);
  g_assert_true(cord_database_run(database, "UPDATE calls SET extracted = $1",
                                  CORD_PARAMS("{\"name\":\"Ada\"}"), &error));
  wait_for(&world, "\"name\":\"Ada\"}");
  g_test_message("%s", world.heard->str);
  g_assert_nonnull(strstr(world.heard->str, "event: extraction\ndata: {\"call_id\":"));
  /* it is over once */
  ended = strstr(world.heard->str, "event: call-ended");
  g_assert_null(strstr(ended + 1, "event: call-ended"));
  world_clear(&world);
}

static gboolean
answers(CallRig *rig)
{
  static guint n_calls;
  g_autofree gchar *body =
      g_strdup_printf("CallSid=CA%032u&From=%%2B15005550006&To=%%2B15005550001", ++n_calls);
  g_autofree gchar *answer = NULL;

  call_rig_post(rig, "/api/twilio/incoming", body, NULL, &answer);
  g_test_message("%s", answer);
  return strstr(answer, "<Stream") != NULL;
}

static gboolean
answers_no_more(CallRig *rig)
{
  return !answers(rig);
}

static void
test_agents(void)
{
  World world = { 0 };
  g_autofree gchar *url = NULL;
  g_autoptr(JsonNode) agents = NULL;
  guint status;

  if (!world_init(&world))
    return;
  agents = call_rig_get(world.one, "/api/agents", &status);
  g_assert_cmpuint(json_array_get_length(json_node_get_array(agents)), ==, 1);
  g_assert_true(answers(world.other));
  url = g_strconcat(world.one->url, "/api/agents/",
                    json_object_get_string_member(
                        json_array_get_object_element(json_node_get_array(agents), 0), "id"),
                    NULL);
  {
    g_autoptr(JsonNode) answer =
        call_rig_send(world.one, "PUT", url, "{\"is_active\":false}", &status);

    g_assert_cmpuint(status, ==, 200);
  }
  call_rig_wait_until(world.other, answers_no_more);
  world_clear(&world);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/neighbours/a call of one server is told by the other", test_calls);
  g_test_add_func("/neighbours/what was found out in a call of one is told by the other",
                  test_extraction);
  g_test_add_func("/neighbours/an agent that one switches off answers at neither", test_agents);
  return g_test_run();
}
