/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Twilio's simulator: what it answers is what Twilio describes, and what it posts is signed and in
 * the order of its script. Its REST API is tried by Twilio's own SDK in ./dev referees. */
#include <string.h>

#include "api-document.h"
#include "cord-form.h"
#include "cord-http.h"
#include "cord-json.h"
#include "cord-twilio-signature.h"
#include "sim.h"

#define ACCOUNT "AC00000000000000000000000000000001"
#define CALLS "/2010-04-01/Accounts/" ACCOUNT "/Calls"
#define TOKEN "secret"
#define EVENTS                                                                                     \
  "&StatusCallbackEvent=initiated&StatusCallbackEvent=ringing&StatusCallbackEvent=answered"        \
  "&StatusCallbackEvent=completed"
#define PATIENCE 20000

typedef struct {
  CordWorker *worker;
  SimServer *server;
  JsonNode *document;
  gchar *base;
  gboolean done;
  guint status;
  GByteArray *answer;
} Fixture;

static void
on_hook(SimExchange *exchange)
{
  sim_exchange_answer(exchange, 200, "text/xml", "<Response><Say>Hello</Say><Hangup/></Response>",
                      -1);
}

static const SimRoute hook = {
  .provider = "hook", .method = "POST", .path = "/hook/**", .request = on_hook
};

static void
setup(Fixture *f, gconstpointer script)
{
  g_autofree gchar *text =
      g_strdup_printf("{\"script\":{\"twilio\":%s}}", script ? (const gchar *)script : "{}");
  g_autoptr(GError) error = NULL;

  f->worker = cord_worker_new_manual();
  f->server = sim_server_new(f->worker, 0, NULL, NULL, &error);
  g_assert_no_error(error);
  sim_server_add(f->server, &hook);
  sim_server_add_all(f->server);
  sim_server_set_script(f->server, text, &error);
  g_assert_no_error(error);
  f->base = g_strdup_printf("http://127.0.0.1:%u", sim_server_get_port(f->server));
  f->document = api_document_load("twilio/openapi.calls.json");
  f->answer = g_byte_array_new();
}

static gboolean
on_moment(gpointer data)
{
  return G_SOURCE_REMOVE;
}

/* The kernel carries the bytes in its own time, which is not ours. */
static void
let_bytes_travel(Fixture *f)
{
  g_autoptr(GSource) source = g_timeout_source_new(1);

  g_source_set_callback(source, on_moment, NULL, NULL);
  g_source_attach(source, cord_worker_get_main_context(f->worker));
  g_main_context_iteration(cord_worker_get_main_context(f->worker), TRUE);
  g_source_destroy(source);
  cord_worker_iterate(f->worker);
}

static void
pass(Fixture *f, guint ms)
{
  for (guint i = 0; i < ms; i += 10) {
    cord_worker_advance(f->worker, 10 * GST_MSECOND);
    for (guint j = 0; j < 3; j++)
      let_bytes_travel(f);
  }
}

static void
teardown(Fixture *f, gconstpointer script)
{
  sim_server_free(f->server);
  for (guint i = 0; i < 5; i++)
    let_bytes_travel(f);
  cord_worker_advance(f->worker, 10 * GST_SECOND);
  json_node_unref(f->document);
  g_byte_array_unref(f->answer);
  g_free(f->base);
  g_object_unref(f->worker);
}

static void
on_chunk(CordHttpExchange *exchange, const guint8 *data, gsize length, gpointer user_data)
{
  g_byte_array_append(((Fixture *)user_data)->answer, data, (guint)length);
}

static void
on_finished(CordHttpExchange *exchange, const GError *error, gpointer data)
{
  Fixture *f = data;

  f->status = cord_http_get_status(exchange);
  f->done = TRUE;
}

/* Returns: (nullable): the answer, of a status that is a success */
static JsonNode *
ask(Fixture *f, const gchar *path, const gchar *form)
{
  static const CordHttpHandlers handlers = { .chunk = on_chunk, .finished = on_finished };
  g_autofree gchar *encoded =
      g_base64_encode((const guchar *)ACCOUNT ":" TOKEN, strlen(ACCOUNT ":" TOKEN));
  g_autofree gchar *authorization = g_strconcat("Basic ", encoded, NULL);
  g_autofree gchar *url = g_strconcat(f->base, path, NULL);
  g_autoptr(GBytes) body = form ? g_bytes_new(form, strlen(form)) : NULL;
  const gchar *headers[] = { "Authorization", authorization, NULL };
  CordHttpRequest request = { .url = url,
                              .headers = headers,
                              .content_type = "application/x-www-form-urlencoded",
                              .body = body };

  g_byte_array_set_size(f->answer, 0);
  f->done = FALSE;
  cord_http_start(f->worker, &request, &handlers, f);
  for (guint i = 0; !f->done; i++) {
    g_assert_cmpuint(i, <, PATIENCE);
    let_bytes_travel(f);
    if (i % 20 == 19)
      cord_worker_advance(f->worker, 10 * GST_MSECOND);
  }
  g_byte_array_append(f->answer, (const guint8 *)"", 1);
  return f->status < 300 ? json_from_string((const gchar *)f->answer->data, NULL) : NULL;
}

static gchar *
place(Fixture *f, const gchar *more)
{
  g_autofree gchar *form =
      g_strdup_printf("To=%%2B15551230000&From=%%2B15551230001&Url=%s/hook/voice"
                      "&StatusCallback=%s/hook/status%s%s",
                      f->base, f->base, EVENTS, more ? more : "");
  g_autoptr(JsonNode) call = ask(f, CALLS ".json", form);

  g_assert_nonnull(call);
  g_assert_cmpstr(cord_json_peek_string(json_node_get_object(call), "status", ""), ==, "queued");
  return g_strdup(cord_json_peek_string(json_node_get_object(call), "sid", ""));
}

static JsonNode *
read_journal(Fixture *f)
{
  g_autofree gchar *text = sim_server_dup_journal(f->server);

  return json_from_string(text, NULL);
}

/* What was posted to the hooks, one word each; every signature is right. */
static gchar *
dup_posts(Fixture *f)
{
  static const gchar *const fields[] = { "RecordingStatus", "AnsweredBy", "CallStatus" };
  g_autoptr(JsonNode) node = read_journal(f);
  JsonArray *journal = json_node_get_array(node);
  GString *posts = g_string_new(NULL);

  for (guint i = 0; i < json_array_get_length(journal); i++) {
    JsonObject *entry = json_array_get_object_element(journal, i);
    const gchar *data = cord_json_peek_string(entry, "data", "");
    g_autoptr(CordForm) form = NULL;
    const gchar *word = NULL;

    if (!g_str_equal(cord_json_peek_string(entry, "provider", ""), "hook") ||
        !g_str_equal(cord_json_peek_string(entry, "kind", ""), "request"))
      continue;
    form = cord_form_parse(data, strlen(data), NULL);
    g_assert_true(
        cord_twilio_signature_check(TOKEN, cord_json_peek_string(entry, "uri", ""), form,
                                    cord_json_peek_string(cord_json_peek_object(entry, "headers"),
                                                          "x-twilio-signature", NULL)));
    for (guint j = 0; j < G_N_ELEMENTS(fields) && !word; j++)
      word = cord_form_get(form, fields[j]);
    if (strstr(cord_json_peek_string(entry, "uri", ""), "/voice"))
      word = "twiml";
    g_string_append_printf(posts, "%s ", word);
  }
  return g_string_free(posts, FALSE);
}

static void
assert_posts(Fixture *f, const gchar *expected)
{
  g_autofree gchar *posts = NULL;

  pass(f, 600);
  posts = dup_posts(f);
  g_assert_cmpstr(posts, ==, expected);
}

static void
assert_described(Fixture *f, const gchar *schema, JsonNode *value)
{
  g_autofree gchar *faults = api_document_check(f->document, schema, value);

  g_assert_cmpstr(faults, ==, "");
}

static JsonNode *
fetch(Fixture *f, const gchar *sid)
{
  g_autofree gchar *path = g_strdup_printf(CALLS "/%s.json", sid);

  return ask(f, path, NULL);
}

static void
assert_status(Fixture *f, const gchar *sid, const gchar *status)
{
  g_autoptr(JsonNode) call = fetch(f, sid);

  assert_described(f, "api.v2010.account.call", call);
  g_assert_cmpstr(cord_json_peek_string(json_node_get_object(call), "status", ""), ==, status);
}

static void
test_answered(Fixture *f, gconstpointer data)
{
  g_autofree gchar *sid = place(f, NULL);

  assert_posts(f, "initiated ringing in-progress twiml completed ");
  assert_status(f, sid, "completed");
}

static void
test_busy(Fixture *f, gconstpointer data)
{
  g_autofree gchar *sid = place(f, NULL);

  assert_posts(f, "initiated ringing busy ");
  assert_status(f, sid, "busy");
}

static void
test_unreachable(Fixture *f, gconstpointer data)
{
  g_autofree gchar *sid = place(f, NULL);

  assert_posts(f, "initiated failed ");
  assert_status(f, sid, "failed");
}

static void
test_order(Fixture *f, gconstpointer data)
{
  g_autofree gchar *sid = place(f, NULL);

  assert_posts(f, "twiml completed initiated initiated in-progress ");
}

static void
test_late_answer(Fixture *f, gconstpointer data)
{
  g_autofree gchar *sid = place(f, NULL);
  g_autofree gchar *posts = dup_posts(f);

  /* its callbacks have overtaken it */
  g_assert_true(g_str_has_prefix(posts, "initiated "));
}

static void
test_canceled(Fixture *f, gconstpointer data)
{
  g_autofree gchar *sid = place(f, NULL);
  g_autofree gchar *path = g_strdup_printf(CALLS "/%s.json", sid);
  g_autoptr(JsonNode) canceled = NULL, again = NULL;

  pass(f, 50);
  canceled = ask(f, path, "Status=canceled");
  assert_described(f, "api.v2010.account.call", canceled);
  assert_posts(f, "initiated ringing canceled ");
  again = ask(f, path, "Status=completed");
  g_assert_null(again);
  g_assert_cmpuint(f->status, ==, 400);
}

static void
test_machine(Fixture *f, gconstpointer data)
{
  g_autofree gchar *more = g_strdup_printf(
      "&MachineDetection=Enable&AsyncAmd=true&AsyncAmdStatusCallback=%s/hook/amd", f->base);
  g_autofree gchar *sid = place(f, more);
  g_autofree gchar *posts = NULL;
  g_autoptr(JsonNode) call = NULL;

  pass(f, 600);
  posts = dup_posts(f);
  g_assert_nonnull(strstr(posts, " machine_start "));
  call = fetch(f, sid);
  g_assert_cmpstr(cord_json_peek_string(json_node_get_object(call), "answered_by", ""), ==,
                  "machine_start");
}

static void
test_recording(Fixture *f, gconstpointer data)
{
  g_autofree gchar *more =
      g_strdup_printf("&Record=true&RecordingStatusCallback=%s/hook/recording", f->base);
  g_autofree gchar *sid = place(f, more);
  g_autofree gchar *path = g_strdup_printf(CALLS "/%s/Recordings.json", sid);
  g_autoptr(JsonNode) list = NULL, all = NULL;
  JsonArray *recordings;

  assert_posts(f, "initiated ringing in-progress twiml completed completed ");
  list = ask(f, path, NULL);
  recordings = cord_json_peek_array(json_node_get_object(list), "recordings");
  g_assert_cmpuint(json_array_get_length(recordings), ==, 1);
  assert_described(f, "api.v2010.account.call.call_recording",
                   json_array_get_element(recordings, 0));
  all = ask(f, "/2010-04-01/Accounts/" ACCOUNT "/Recordings.json", NULL);
  recordings = cord_json_peek_array(json_node_get_object(all), "recordings");
  assert_described(f, "api.v2010.account.recording", json_array_get_element(recordings, 0));
}

/* A reset in the middle of calls leaves nothing behind. */
static void
test_reset(Fixture *f, gconstpointer data)
{
  g_autofree gchar *first = place(f, NULL), *second = NULL;
  g_autoptr(JsonNode) gone = NULL;

  pass(f, 100);
  second = place(f, NULL);
  sim_server_reset(f->server);
  pass(f, 500);
  gone = fetch(f, first);
  g_assert_null(gone);
  g_assert_cmpuint(f->status, ==, 404);
}

int
main(int argc, char *argv[])
{
  static const struct {
    const gchar *name;
    const gchar *script;
    void (*func)(Fixture *f, gconstpointer data);
  } tests[] = {
    { "an answered call", NULL, test_answered },
    { "a busy one", "{\"calls\":[{\"outcome\":\"busy\"}]}", test_busy },
    { "a number that is not there", "{\"calls\":[{\"outcome\":\"failed\"}]}", test_unreachable },
    { "callbacks out of order, twice and lost",
      "{\"calls\":[{\"order\":[\"completed\",\"initiated\",\"initiated\",\"answered\"]}]}",
      test_order },
    { "callbacks before the answer", "{\"calls\":[{\"reply_ms\":150}]}", test_late_answer },
    { "a call is canceled", "{\"calls\":[{\"answer_ms\":5000}]}", test_canceled },
    { "a machine", "{\"calls\":[{\"answered_by\":\"machine_start\",\"machine_ms\":0}]}",
      test_machine },
    { "a recording", NULL, test_recording },
    { "a reset", "{\"calls\":[{\"answer_ms\":100}]}", test_reset },
  };

  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(tests); i++) {
    g_autofree gchar *path = g_strdup_printf("/sim-twilio/%s", tests[i].name);

    g_test_add(path, Fixture, tests[i].script, setup, tests[i].func, teardown);
  }
  return g_test_run();
}
