/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "call-rig.h"
#include "cord-twilio-signature.h"
#include "sim-rig.h"

/* Our phone numbers: whose they are, by which secret their carrier is known, and what it is told.
 */

#define FIRST "+15005550006"
#define SECOND "+15005550007"
#define ACCOUNT "AC000000000000000000000000000000%02x"

static SimRig *sims;
static CallRig *rig;

static JsonObject *
ask(const gchar *method, const gchar *path, const gchar *body, guint wanted)
{
  g_autofree gchar *url = g_strconcat(rig->url, path, NULL);
  guint status;
  g_autoptr(JsonNode) node = call_rig_send(rig, method, url, body, &status);

  g_assert_cmpuint(status, ==, wanted);
  return node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_dup_object(node) : json_object_new();
}

static gchar *
add_agent(const gchar *name)
{
  g_autofree gchar *body =
      g_strdup_printf("{\"name\":\"%s\",\"llm_model\":\"scripted\",\"metadata\":{\"cordboard\":{"
                      "\"greeting\":\"Hello.\",\"stt\":{\"provider\":\"offline\"},\"tts\":{"
                      "\"provider\":\"offline\"},"
                      "\"llm\":{\"provider\":\"scripted\",\"script\":\"scripts/dental.json\"}}}}",
                      name);
  g_autoptr(JsonObject) row = ask("POST", "/api/agents", body, 201);

  return g_strdup(json_object_get_string_member(row, "id"));
}

static gchar *
add_number(const gchar *number, const gchar *agent_id, guint account, const gchar *token)
{
  g_autofree gchar *body = g_strdup_printf("{\"number\":\"%s\",\"agent_id\":\"%s\","
                                           "\"account_sid\":\"" ACCOUNT "\",\"auth_token\":\"%s\"}",
                                           number, agent_id, account, token);
  g_autoptr(JsonObject) row = ask("POST", "/api/phone-numbers", body, 201);

  g_assert_false(json_object_has_member(row, "auth_token"));
  g_assert_false(json_object_has_member(row, "credentials"));
  g_assert_true(json_object_get_boolean_member(row, "has_credentials"));
  return g_strdup(json_object_get_string_member(row, "id"));
}

/* Rings as the carrier does, signed with @token; the status. */
static guint
ring(const gchar *to, const gchar *token, const gchar *sid, gchar **answer)
{
  g_autofree gchar *url = g_strconcat(rig->url, "/api/twilio/incoming", NULL);
  g_autofree gchar *escaped = g_uri_escape_string(to, NULL, FALSE);
  g_autofree gchar *body = g_strdup_printf(
      "CallSid=%s&From=%%2B15551230001&To=%s&AccountSid=AC1&CallStatus=ringing", sid, escaped);
  g_autoptr(CordForm) form = cord_form_parse(body, strlen(body), NULL);
  g_autofree gchar *signature = cord_twilio_sign(token, url, form);

  return call_rig_post(rig, "/api/twilio/incoming", body, signature, answer);
}

static void
assert_rings(const gchar *to, const gchar *token, guint wanted, const gchar *agent)
{
  static guint count;
  g_autofree gchar *sid = g_strdup_printf("CA%032x", ++count);
  g_autofree gchar *path = g_strconcat("/api/calls/", sid, NULL);
  g_autofree gchar *answer = NULL;

  g_assert_cmpuint(ring(to, token, sid, &answer), ==, wanted);
  for (guint i = 0; wanted == 200 && agent; i++) {
    guint status;
    g_autoptr(JsonNode) row = call_rig_get(rig, path, &status);
    JsonObject *agents =
        status == 200 ? json_object_get_object_member(json_node_get_object(row), "agents") : NULL;

    if (agents == NULL)
      continue;
    g_assert_cmpstr(json_object_get_string_member(agents, "name"), ==, agent);
    break;
  }
}

static void
test_numbers(void)
{
  g_autofree gchar *sales = add_agent("Sales");
  g_autofree gchar *support = add_agent("Support");
  g_autofree gchar *first = add_number(FIRST, sales, 1, "token-of-the-first");
  g_autofree gchar *second = add_number(SECOND, support, 2, "token-of-the-second");
  g_autofree gchar *path = g_strconcat("/api/phone-numbers/", second, NULL);
  g_autofree gchar *database = g_build_filename(rig->dir, "cordboard.db", NULL);
  g_autofree gchar *log = g_strconcat(database, "-wal", NULL);
  const gchar *files[] = { database, log };

  /* each is known by its own secret, and by no other */
  assert_rings(FIRST, "token-of-the-first", 200, "Sales");
  assert_rings(SECOND, "token-of-the-second", 200, "Support");
  assert_rings(FIRST, "token-of-the-second", 403, NULL);
  assert_rings(SECOND, "secret-of-twilio", 403, NULL);
  assert_rings("+15005550008", "secret-of-twilio", 200, "Dental practice");
  assert_rings("+15005550008", "token-of-the-first", 403, NULL);
  /* the secrets are nowhere to be read */
  for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
    g_autoptr(GMappedFile) file = g_mapped_file_new(files[i], FALSE, NULL);

    if (file && g_mapped_file_get_length(file) > 0)
      g_assert_null(memmem(g_mapped_file_get_contents(file), g_mapped_file_get_length(file),
                           "token-of-the", strlen("token-of-the")));
  }
  /* a new secret, another agent, at once */
  {
    g_autofree gchar *change =
        g_strdup_printf("{\"auth_token\":\"token-of-now\",\"agent_id\":\"%s\"}", sales);

    json_object_unref(ask("PUT", path, change, 200));
  }
  assert_rings(SECOND, "token-of-the-second", 403, NULL);
  assert_rings(SECOND, "token-of-now", 200, "Sales");
  /* not taken any more; then nobody's, as any other */
  json_object_unref(ask("PUT", path, "{\"is_active\":false}", 200));
  {
    g_autofree gchar *answer = NULL;

    g_assert_cmpuint(ring(SECOND, "token-of-now", "CAnotactive", &answer), ==, 200);
    g_assert_nonnull(strstr(answer, "<Reject"));
  }
  json_object_unref(ask("DELETE", path, NULL, 200));
  json_object_unref(ask("DELETE", path, NULL, 404));
  assert_rings(SECOND, "token-of-now", 403, NULL);
  assert_rings(SECOND, "secret-of-twilio", 200, "Dental practice");
  json_object_unref(ask("GET", path, NULL, 404));
}

static void
test_refused(void)
{
  static const gchar *const bodies[] = {
    "{\"number\":\"0301234\"}",
    "{\"number\":\"+49\",\"auth_token\":\"\"}",
    "{\"number\":\"+4930123456\",\"account_sid\":\"12\"}",
    "{\"number\":\"+4930123456\",\"credentials\":\"x\"}",
    "{\"label\":\"no number\"}",
  };

  for (guint i = 0; i < G_N_ELEMENTS(bodies); i++)
    json_object_unref(ask("POST", "/api/phone-numbers", bodies[i], 422));
  json_object_unref(ask("POST", "/api/phone-numbers", "{\"number\":\"+4930123456\"}", 201));
  json_object_unref(ask("POST", "/api/phone-numbers", "{\"number\":\"+4930123456\"}", 409));
}

/* The request is sealed anew each time, and is the same request. */
static void
test_idempotency(void)
{
  g_autofree gchar *url = g_strconcat(rig->url, "/api/phone-numbers", NULL);
  const gchar *body = "{\"number\":\"+4930123457\",\"auth_token\":\"some-token\"}";
  g_autofree gchar *answers[2] = { NULL };

  for (guint i = 0; i < 2; i++) {
    g_autoptr(SoupMessage) message = soup_message_new("POST", url);
    g_autoptr(GBytes) bytes = g_bytes_new(body, strlen(body));
    g_autoptr(GBytes) answer = NULL;

    soup_message_set_request_body_from_bytes(message, "application/json", bytes);
    soup_message_headers_append(soup_message_get_request_headers(message), "Idempotency-Key", "n");
    answer = soup_session_send_and_read(rig->session, message, NULL, NULL);
    g_assert_cmpuint(soup_message_get_status(message), ==, 201);
    answers[i] = g_strndup(g_bytes_get_data(answer, NULL), g_bytes_get_size(answer));
  }
  g_assert_cmpstr(answers[0], ==, answers[1]);
  g_free(g_steal_pointer(&answers[1]));
}

static void
test_webhooks(void)
{
  g_autofree gchar *agent = add_agent("Desk");
  g_autofree gchar *own = add_number("+15005550010", agent, 3, "token");
  g_autofree gchar *foreign = add_number("+15005550011", agent, 3, "token");
  g_autofree gchar *locked = add_number("+15005550012", agent, 4, "wrong-token");
  g_autofree gchar *own_path = g_strdup_printf("/api/phone-numbers/%s/webhooks", own);
  g_autofree gchar *foreign_path = g_strdup_printf("/api/phone-numbers/%s/webhooks", foreign);
  g_autofree gchar *locked_path = g_strdup_printf("/api/phone-numbers/%s/webhooks", locked);
  g_autofree gchar *voice_url = g_strconcat(rig->url, "/api/twilio/incoming", NULL);
  g_autoptr(JsonObject) shown = NULL, missing = NULL, refused = NULL;
  g_autoptr(JsonNode) journal = NULL;
  g_autofree gchar *told = NULL;

  sim_rig_script(sims, "{\"script\":{\"twilio\":{\"numbers\":[\"+15005550010\"]}}}");
  shown = ask("GET", own_path, NULL, 200);
  g_assert_cmpstr(json_object_get_string_member(shown, "voice_url"), ==, voice_url);
  g_assert_true(g_str_has_prefix(json_object_get_string_member(shown, "stream_url"), "ws://"));
  json_object_unref(ask("PUT", own_path, "{}", 200));
  missing = ask("PUT", foreign_path, "{}", 502);
  g_assert_nonnull(
      strstr(json_object_get_string_member(missing, "detail"), "does not have the number"));
  refused = ask("PUT", locked_path, "{}", 502);
  g_assert_nonnull(strstr(json_object_get_string_member(refused, "detail"), "does not accept"));
  g_assert_null(strstr(json_object_get_string_member(refused, "detail"), "wrong-token"));
  json_object_unref(ask("PUT", "/api/phone-numbers/nobody/webhooks", "{}", 404));
  journal = sim_rig_dup_journal(sims);
  told = json_to_string(journal, FALSE);
  g_assert_nonnull(strstr(told, "VoiceUrl"));
}

int
main(int argc, char *argv[])
{
  g_autofree gchar *base = NULL;
  const gchar *environ[2] = { NULL };
  int result;

  g_test_init(&argc, &argv, NULL);
  sims = sim_rig_new(NULL);
  environ[0] = base = g_strconcat("TWILIO_BASE_URL=", sims->url, NULL);
  rig = call_rig_new_with(NULL, "secret-of-twilio", (GStrv)environ);
  g_test_add_func("/numbers/a-number-has-its-agent-and-its-secret", test_numbers);
  g_test_add_func("/numbers/what-is-no-number-is-refused", test_refused);
  g_test_add_func("/numbers/the-same-request-is-one-number", test_idempotency);
  g_test_add_func("/numbers/the-carrier-is-told-where-we-are", test_webhooks);
  result = g_test_run();
  call_rig_free(rig);
  sim_rig_free(sims);
  return result;
}
