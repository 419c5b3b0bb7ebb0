/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <string.h>

#include "call-rig.h"
#include "sim-rig.h"

/* A model that reads along, and one that does so badly: callers notice neither. */

#define CONF                                                                                       \
  "[server]\nmax-lateness=0\n"                                                                     \
  "[outgoing]\nprivate-networks=127.0.0.0/8\n"                                                     \
  "[extraction]\ntimeout=2\n"

#define FIRST                                                                                      \
  "{\"intent\":\"a table\",\"name\":null,\"phone\":null,\"next_step\":null,"                       \
  "\"consent_to_follow_up\":null}"
#define LAST                                                                                       \
  "{\"intent\":\"a table\",\"name\":\"Ada\",\"phone\":\"+14155552671\",\"next_step\":"             \
  "\"call back\",\"consent_to_follow_up\":true}"

/* What was said last decides: to the agent by the caller, or about both. */
#define READER                                                                                     \
  "{\"match\":\"(?s)Transcript:.*Caller: 1001\",\"text\":\"Here:\\n```json\\n{\\\"intent\\\": "    \
  "\\\"a table\\\", \\\"name\\\": \\\" Ada \\\", \\\"phone\\\": \\\"+1 (415) 555-2671\\\", "       \
  "\\\"next_step\\\": \\\"call back\\\", \\\"consent_to_follow_up\\\": true, \\\"mood\\\": "       \
  "\\\"**good**\\\"}\\n```\"},"                                                                    \
  "{\"match\":\"(?s)Transcript:.*Caller: 1000\",\"text\":\"{\\\"intent\\\": \\\"a "                \
  "table\\\"}\"}"
#define TALKER "{\"text\":\"Good.\"}"
#define SCRIPT                                                                                     \
  "{\"script\":{\"openai\":{\"replies\":[" READER "," TALKER                                       \
  "]},\"deepseek\":{\"replies\":[" TALKER "]}}%s}"

typedef struct {
  SimRig *sims;
  CallRig *rig;
  gchar *conf; /* a folder */
} Fixture;

static void
write_conf(const gchar *dir)
{
  g_autofree gchar *folder = g_build_filename(dir, "cordboard", NULL);
  g_autofree gchar *path = g_build_filename(folder, "cordboard.conf", NULL);

  g_assert_cmpint(g_mkdir(folder, 0700), ==, 0);
  g_assert_true(g_file_set_contents(path, CONF, -1, NULL));
}

/* The test's data are settings: NAME=value, with spaces between. */
static void
set_up(Fixture *fixture, gconstpointer data)
{
  const gchar *postgres = g_getenv("CORDBOARD_TEST_POSTGRES");
  g_autofree gchar *database = g_strconcat("DATABASE_URL=", postgres, NULL);
  g_autofree gchar *script = g_strdup_printf(SCRIPT, "");
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  g_auto(GStrv) services = NULL;
  g_auto(GStrv) settings = g_strsplit(data, " ", -1);
  g_auto(GStrv) environ = NULL;
  g_autofree gchar *home = NULL;

  fixture->conf = g_dir_make_tmp("cordboard-conf-XXXXXX", NULL);
  write_conf(fixture->conf);
  home = g_strconcat("XDG_CONFIG_HOME=", fixture->conf, NULL);
  fixture->sims = sim_rig_new(NULL);
  services = sim_rig_dup_environ(fixture->sims);
  g_strv_builder_addv(builder, (const gchar **)services);
  g_strv_builder_addv(builder, (const gchar **)settings);
  g_strv_builder_add(builder, home);
  if (postgres)
    g_strv_builder_add(builder, database);
  environ = g_strv_builder_end(builder);
  fixture->rig = call_rig_new_with(NULL, NULL, environ);
  sim_rig_script(fixture->sims, script);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *command = g_strdup_printf("rm -r %s", fixture->conf);

  call_rig_free(fixture->rig);
  sim_rig_free(fixture->sims);
  g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
  g_free(fixture->conf);
}

static JsonObject *
post(Fixture *fixture, const gchar *path, const gchar *json)
{
  g_autofree gchar *url = g_strconcat(fixture->rig->url, path, NULL);
  guint status;
  g_autoptr(JsonNode) made = call_rig_send(fixture->rig, "POST", url, json, &status);

  g_assert_cmpuint(status / 100, ==, 2);
  return json_node_dup_object(made);
}

/* An agent that is spoken to by keys, and its number. */
static gchar *
add_agent(Fixture *fixture, const gchar *model)
{
  static guint count;
  gchar *number = g_strdup_printf("+1500555%04u", ++count);
  g_autofree gchar *json = g_strdup_printf(
      "{\"name\":\"Desk %u\",\"llm_model\":\"%s\",\"metadata\":{\"cordboard\":{\"greeting\":"
      "\"Yes?\",\"stt\":{\"provider\":\"offline\"},\"tts\":{\"provider\":\"offline\"}}}}",
      count, model);
  g_autoptr(JsonObject) agent = post(fixture, "/api/agents", json);
  g_autofree gchar *registration =
      g_strdup_printf("{\"number\":\"%s\",\"agent_id\":\"%s\"}", number,
                      json_object_get_string_member(agent, "id"));

  json_object_unref(post(fixture, "/api/phone-numbers", registration));
  return number;
}

static JsonNode *
get(CallRig *rig, const gchar *before, const gchar *id)
{
  g_autofree gchar *path = g_strconcat(before, id, NULL);
  guint status;
  JsonNode *node = call_rig_get(rig, path, &status);

  g_assert_cmpuint(status, ==, 200);
  return node;
}

/* What a member holds, as text. */
static gchar *
show(JsonObject *object, const gchar *member)
{
  return json_to_string(json_object_get_member(object, member), FALSE);
}

static const gchar *sid; /* of the call that is waited for */
static const gchar *wanted;

static gchar *
dup_extracted(CallRig *rig)
{
  g_autoptr(JsonNode) call = get(rig, "/api/calls/", sid);

  return show(json_node_get_object(call), "extracted");
}

static gboolean
is_extracted(CallRig *rig)
{
  g_autofree gchar *extracted = dup_extracted(rig);

  return g_str_equal(extracted, wanted);
}

/* The data that webhooks are told of a call's analysis; NULL until then. */
static JsonObject *
dup_analysis(CallRig *rig)
{
  g_autoptr(JsonNode) call = get(rig, "/api/calls/", sid);
  const gchar *id = json_object_get_string_member(json_node_get_object(call), "id");
  g_autoptr(JsonNode) list = get(rig, "/api/webhook-deliveries?event=call.analysed&call_id=", id);
  JsonArray *rows = json_node_get_array(list);

  if (json_array_get_length(rows) == 0)
    return NULL;
  g_assert_cmpuint(json_array_get_length(rows), ==, 1);
  return json_object_ref(json_object_get_object_member(
      json_object_get_object_member(json_array_get_object_element(rows, 0), "body"), "data"));
}

static gboolean
is_analysed(CallRig *rig)
{
  g_autoptr(JsonObject) analysis = dup_analysis(rig);

  return analysis != NULL;
}

static void
assert_analysis(Fixture *fixture, const gchar *extracted)
{
  g_autoptr(JsonObject) analysis = NULL;
  g_autofree gchar *text = NULL;

  call_rig_wait_until(fixture->rig, is_analysed);
  analysis = dup_analysis(fixture->rig);
  text = show(analysis, "extracted");
  g_assert_cmpstr(text, ==, extracted);
}

static void
add_webhook(Fixture *fixture)
{
  /* nobody listens there; what he would be told is seen all the same */
  json_object_unref(post(fixture, "/api/webhooks",
                         "{\"url\":\"http://127.0.0.1:9/\",\"events\":[\"call.analysed\"]}"));
}

/* How often a provider's model was asked, and whether about a transcript. */
static guint
count_questions(Fixture *fixture, const gchar *provider, gboolean about)
{
  g_autoptr(JsonNode) node = sim_rig_dup_journal(fixture->sims);
  JsonArray *entries = json_node_get_array(node);
  guint n = 0;

  for (guint i = 0; i < json_array_get_length(entries); i++) {
    JsonObject *entry = json_array_get_object_element(entries, i);

    if (!g_str_equal(json_object_get_string_member(entry, "provider"), provider) ||
        !g_str_equal(json_object_get_string_member_with_default(entry, "method", ""), "POST") ||
        strstr(json_object_get_string_member(entry, "uri"), "/chat/completions") == NULL)
      continue;
    n += (strstr(json_object_get_string_member(entry, "data"), "Transcript:") != NULL) == about;
  }
  return n;
}

/* A caller who presses keys and hears an answer to each. */
static JsonObject *
call(Fixture *fixture, const gchar *number, gboolean twice)
{
  const gchar *once_keys[] = { "--to", number, "--dtmf", "1000#", NULL };
  const gchar *keys[] = { "--to", number, "--dtmf", "1000#", "--dtmf", "1001#", NULL };
  int code;
  JsonObject *result = call_rig_call(fixture->rig, twice ? keys : once_keys, &code);

  g_assert_cmpint(code, ==, 0);
  sid = json_object_get_string_member(result, "call_sid");
  return result;
}

/* The story of one call, which is told again to who comes late, and of all. */
static GSubprocess *
follow_all(Fixture *fixture)
{
  g_autofree gchar *url = g_strconcat(fixture->rig->url, "/api/events", NULL);
  g_autoptr(GError) error = NULL;
  GSubprocess *curl = g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, "curl", "--silent",
                                       "--no-buffer", "--max-time", "110", url, NULL);

  g_assert_no_error(error);
  return curl;
}

static gchar *
finish_following(GSubprocess *curl)
{
  g_autofree gchar *text = NULL;

  g_subprocess_send_signal(curl, SIGTERM);
  g_subprocess_communicate_utf8(curl, NULL, NULL, &text, NULL, NULL);
  g_object_unref(curl);
  return g_steal_pointer(&text);
}

static gchar *
get_story(Fixture *fixture)
{
  g_autofree gchar *url = g_strdup_printf("%s/api/calls/%s/events", fixture->rig->url, sid);
  g_autoptr(SoupMessage) message = soup_message_new("GET", url);
  g_autoptr(GBytes) bytes = soup_session_send_and_read(fixture->rig->session, message, NULL, NULL);

  return g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
}

static void
test_found(Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *number = add_agent(fixture, "gpt-4o-mini");
  GSubprocess *all = follow_all(fixture);
  g_autofree gchar *story = NULL, *told = NULL;
  g_autoptr(JsonObject) result = NULL;
  g_autoptr(JsonNode) metrics = NULL;

  add_webhook(fixture);
  result = call(fixture, number, TRUE);
  wanted = LAST;
  call_rig_wait_until(fixture->rig, is_extracted);
  assert_analysis(fixture, LAST);
  story = get_story(fixture);
  g_assert_nonnull(strstr(story, "event: extraction\ndata: " FIRST "\n"));
  told = finish_following(all);
  g_assert_nonnull(strstr(told, "event: extraction\ndata: {\"call_id\":"));
  g_assert_nonnull(strstr(told, &LAST[1]));
  /* each turn, and not more than once more */
  g_assert_cmpuint(count_questions(fixture, "openai", FALSE), ==, 2);
  g_assert_cmpuint(count_questions(fixture, "openai", TRUE), >=, 2);
  g_assert_cmpuint(count_questions(fixture, "openai", TRUE), <=, 3);
}

/* One service hears, answers and speaks for the one, and has another model that reads; for the
 * other nobody thinks. */
static void
test_others(Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *realtime = add_agent(fixture, "gpt-realtime");
  g_autofree gchar *scripted = add_agent(fixture, "scripted");
  const gchar *to_realtime[] = { "--to", realtime, "--say", "good morning", NULL };
  const gchar *to_scripted[] = { "--to", scripted, "--dtmf", "1000#", NULL };
  GSubprocess *phones[2];
  g_autoptr(JsonObject) one = NULL, other = NULL;
  int code;

  sim_rig_script(fixture->sims,
                 "{\"script\":{\"openai\":{\"replies\":[{\"match\":\"(?s)Transcript:.*Caller: \","
                 "\"text\":\"{\\\"intent\\\": \\\"a table\\\"}\"}," TALKER "]}}}");
  add_webhook(fixture);
  phones[0] = call_rig_dial(fixture->rig, to_realtime);
  phones[1] = call_rig_dial(fixture->rig, to_scripted);
  one = call_rig_finish(phones[0], &code);
  g_assert_cmpint(code, ==, 0);
  other = call_rig_finish(phones[1], &code);
  g_assert_cmpint(code, ==, 0);
  sid = json_object_get_string_member(one, "call_sid");
  wanted = FIRST;
  call_rig_wait_until(fixture->rig, is_extracted);
  sid = json_object_get_string_member(other, "call_sid");
  assert_analysis(fixture, "null");
  g_assert_cmpuint(count_questions(fixture, "openai", TRUE), <=, 2);
}

static void
test_off(Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *number = add_agent(fixture, "gpt-4o-mini");
  g_autoptr(JsonObject) result = NULL;
  g_autofree gchar *extracted = NULL, *story = NULL;

  add_webhook(fixture);
  result = call(fixture, number, FALSE);
  assert_analysis(fixture, "null");
  extracted = dup_extracted(fixture->rig);
  g_assert_cmpstr(extracted, ==, "null");
  story = get_story(fixture);
  g_assert_null(strstr(story, "extraction"));
  g_assert_cmpuint(count_questions(fixture, "openai", FALSE), ==, 1);
  g_assert_cmpuint(count_questions(fixture, "openai", TRUE), ==, 0);
}

/* Another model reads than answers, and does it badly. */
static void
test_faults(Fixture *fixture, gconstpointer data)
{
  static const gchar *const faults[] = {
    ",\"faults\":[{\"provider\":\"deepseek\",\"fault\":\"status\",\"status\":500,\"times\":1000}]",
    ",\"faults\":[{\"provider\":\"deepseek\",\"fault\":\"never\",\"times\":1000}]",
    "", /* it says something else */
  };
  g_autofree gchar *number = add_agent(fixture, "gpt-4o-mini");

  add_webhook(fixture);
  for (guint i = 0; i < G_N_ELEMENTS(faults); i++) {
    g_autofree gchar *script = g_strdup_printf(SCRIPT, faults[i]);
    g_autofree gchar *said = NULL;
    g_autofree gchar *extracted = NULL;
    g_autoptr(JsonObject) result = NULL;

    sim_rig_script(fixture->sims, script);
    result = call(fixture, number, FALSE);
    g_assert_true(json_object_get_boolean_member(result, "ok"));
    said = call_rig_said(result, "assistant");
    g_assert_cmpstr(said, ==, "Yes?\nGood.\n");
    assert_analysis(fixture, "null");
    extracted = dup_extracted(fixture->rig);
    g_assert_cmpstr(extracted, ==, "null");
    g_assert_cmpuint(count_questions(fixture, "deepseek", TRUE), >=, 1);
    g_assert_cmpuint(count_questions(fixture, "openai", TRUE), ==, 0);
  }
}

/* A server that is asked to stop while a model reads does not wait for it, and says what it knows.
 */
static void
test_stop(Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *script = g_strdup_printf(
      SCRIPT, ",\"faults\":[{\"provider\":\"deepseek\",\"fault\":\"never\",\"times\":1000}]");
  g_autofree gchar *number = add_agent(fixture, "gpt-4o-mini");
  g_autoptr(JsonObject) result = NULL;

  add_webhook(fixture);
  sim_rig_script(fixture->sims, script);
  result = call(fixture, number, FALSE);
  call_rig_stop(fixture->rig);
  sim_rig_script(fixture->sims, "{}");
  call_rig_start(fixture->rig);
  assert_analysis(fixture, "null");
}

#define ON "OUTLINES_ENABLED=true"
#define TEST(name, settings, func)                                                                 \
  g_test_add("/extraction-calls/" name, Fixture, settings, set_up, func, tear_down)

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  TEST("what the caller wants is found out as he says it", ON, test_found);
  TEST("also where one service does it all, and not where nobody thinks", ON, test_others);
  TEST("nobody is asked who was not wanted", "OUTLINES_ENABLED=false", test_off);
  TEST("a model that reads badly disturbs nobody", ON " EXTRACTION_MODEL=deepseek-chat",
       test_faults);
  TEST("a server that stops does not wait for its reader", ON " EXTRACTION_MODEL=deepseek-chat",
       test_stop);
  return g_test_run();
}
