/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* openairealtime and the stand-in of its service, in one process and in virtual time: a greeting,
 * a turn, a function and an interruption, in each dialect and format. What either says is held
 * against the vendor's description and SDK. */
#include <string.h>

#include "api-document.h"
#include "cord-json.h"
#include "realtime-rig.h"
#include "sim.h"

#define SCRIPT                                                                                     \
  "{\"seed\":1,\"script\":{\"openai\":{\"utterances\":[\"good morning\",\"look it up\","           \
  "\"tell me all\",\"thank you\"],\"transcription_ms\":30,\"replies\":[{\"match\":\"look\","       \
  "\"text\":\"Let me see.\",\"tools\":[{\"name\":\"look_up\",\"arguments\":{\"q\":\"it\"}}]},{"    \
  "\"match\":\"all\",\"text\":\"one two three four five six seven eight nine ten eleven twelve\"}" \
  "]}},\"profile\":{\"default\":{\"first_byte_ms\":50,\"token_ms\":10}},\"faults\":[%s]}"
#define TOOLS                                                                                      \
  " tools=\"[{\\\"type\\\":\\\"function\\\",\\\"function\\\":{\\\"name\\\":\\\"look_up\\\","       \
  "\\\"description\\\":\\\"d\\\",\\\"parameters\\\":{\\\"type\\\":\\\"object\\\"}}}]\""
#define FRAME 20   /* ms */
#define STEPS 2000 /* frames: nothing takes longer */
#define CUT 400    /* ms of an answer that were heard */

typedef struct {
  const gchar *name;
  gboolean mulaw;
  const gchar *properties;
  const gchar *capture; /* of the SDK's session */
  const gchar *faults;
} Case;

static const Case cases[] = {
  { "today's, mu-law", TRUE, "", "openai.realtime.ga", "" },
  { "today's, PCM", FALSE, "", "openai.agents.realtime", "" },
  { "today's, with semantic detection", TRUE, "turn-detection=semantic-vad max-tokens=500",
    "openai.agents.realtime", "" },
  { "the beta's, mu-law", TRUE, "beta=true model-id=gpt-4o-realtime-preview",
    "openai.realtime.beta", "" },
  { "the beta's, PCM", FALSE, "beta=true model-id=gpt-4o-realtime-preview", NULL, "" },
  { "today's, reset as the caller speaks", TRUE, "", NULL,
    "{\"provider\":\"openai\",\"connection\":0,\"message\":20,\"fault\":\"reset\"}" },
  { "today's, closed between a word and its sound", TRUE, "", NULL,
    "{\"provider\":\"openai\",\"connection\":0,\"message\":7,\"fault\":\"close\",\"code\":1011}" },
  { "today's, refused twice", TRUE, "", NULL,
    "{\"provider\":\"openai\",\"message\":\"upgrade\",\"fault\":\"status\",\"status\":503,"
    "\"times\":2}" },
};

typedef struct {
  RealtimeRig rig;
  SimServer *server;
} Fixture;

static GstPadProbeReturn
on_event(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_FLUSH_STOP)
    realtime_rig_played(data, 3, CUT, CORD_PLAYOUT_INTERRUPTED);
  return GST_PAD_PROBE_OK;
}

static void
setup(Fixture *f, gconstpointer data)
{
  const Case *test = data;
  g_autofree gchar *script = g_strdup_printf(SCRIPT, test->faults);
  g_autofree gchar *properties = g_strconcat("greeting=Hello. ", test->properties, TOOLS, NULL);
  g_autoptr(GError) error = NULL;

  realtime_rig_begin(&f->rig);
  f->server = sim_server_new(f->rig.worker, 0, NULL, NULL, &error);
  g_assert_no_error(error);
  sim_server_add_all(f->server);
  sim_server_set_script(f->server, script, &error);
  g_assert_no_error(error);
  realtime_rig_plug(&f->rig, test->mulaw, properties, sim_server_get_port(f->server));
  gst_pad_add_probe(f->rig.harness->sinkpad,
                    GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM | GST_PAD_PROBE_TYPE_EVENT_FLUSH, on_event,
                    &f->rig, NULL);
}

static gboolean
on_moment(gpointer data)
{
  return G_SOURCE_REMOVE;
}

/* The kernel carries the bytes in its own time, which is not ours. */
static void
let_bytes_travel(CordWorker *worker)
{
  g_autoptr(GSource) source = g_timeout_source_new(1);

  g_source_set_callback(source, on_moment, NULL, NULL);
  g_source_attach(source, cord_worker_get_main_context(worker));
  g_main_context_iteration(cord_worker_get_main_context(worker), TRUE);
  g_source_destroy(source);
  cord_worker_iterate(worker);
}

static void
teardown(Fixture *f, gconstpointer data)
{
  gst_element_set_state(f->rig.element, GST_STATE_NULL);
  for (guint i = 0; i < 10; i++)
    let_bytes_travel(f->rig.worker);
  cord_worker_advance(f->rig.worker, 4 * GST_SECOND);
  sim_server_free(f->server);
  realtime_rig_clear(&f->rig);
}

/* The caller makes a noise, or none. */
static void
pass(Fixture *f, gboolean loud)
{
  gsize size = FRAME * (f->rig.mulaw ? 8 : 48);
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, size, NULL);

  /* as mu-law and as halves of samples far from and at zero */
  gst_buffer_memset(buffer, 0, loud ? 0x20 : f->rig.mulaw ? 0xff : 0, size);
  realtime_rig_push(&f->rig, buffer, FRAME);
  cord_worker_advance(f->rig.worker, FRAME * GST_MSECOND);
  let_bytes_travel(f->rig.worker);
}

static void
await(Fixture *f, GString *where, const gchar *text)
{
  for (guint i = 0; i < STEPS && !strstr(where->str, text); i++)
    pass(f, FALSE);
  if (!strstr(where->str, text))
    g_error("\"%s\" is not in \"%s\"", text, where->str);
}

static void
speak(Fixture *f)
{
  for (guint i = 0; i < 30; i++)
    pass(f, TRUE);
}

static void
converse(Fixture *f)
{
  RealtimeRig *rig = &f->rig;

  await(f, rig->came, "finished 0; ");
  realtime_rig_played(rig, 0, 360, CORD_PLAYOUT_DONE);
  await(f, rig->posted, "heard 0 'Hello.'; ");
  speak(f);
  await(f, rig->came, "finished 1; ");
  await(f, rig->posted, "turn 1 'good morning'; ");
  realtime_rig_played(rig, 1, 60000, CORD_PLAYOUT_DONE);
  speak(f);
  await(f, rig->posted, "tool 2 look_up({\"q\":\"it\"}); ");
  realtime_rig_result(rig, "call_none", "0");
  {
    const gchar *id = strstr(rig->said->str, "id=(string)call_");
    g_autofree gchar *call = g_strndup(id + 11, strcspn(id + 11, ",;"));

    realtime_rig_result(rig, call, "42");
  }
  await(f, rig->came, "finished 2; ");
  realtime_rig_played(rig, 2, 60000, CORD_PLAYOUT_DONE);
  g_assert_nonnull(strstr(rig->posted->str, "heard 2 'Let me see. The tool says 42.'; "));
  speak(f);
  await(f, rig->posted, "turn 3 'tell me all'; ");
  await(f, rig->came, "audio 3 ");
  speak(f);
  await(f, rig->posted, "turn 4 'thank you'; ");
  g_assert_nonnull(strstr(rig->posted->str, "cut 3 'one'"));
  await(f, rig->came, "finished 4; ");
  realtime_rig_played(rig, 4, 60000, CORD_PLAYOUT_DONE);
  await(f, rig->posted, "heard 4 'You said: thank you.'; ");
}

/* What was said */

static gchar *
find_schema(JsonNode *document, const gchar *prefix, const gchar *type)
{
  JsonObject *components = cord_json_peek_object(json_node_get_object(document), "components");
  JsonObject *schemas = cord_json_peek_object(components, "schemas");
  g_autoptr(GList) names = json_object_get_members(schemas);

  for (GList *link = names; link; link = link->next) {
    JsonObject *schema = cord_json_peek_object(schemas, link->data);
    JsonObject *properties = cord_json_peek_object(schema, "properties");
    JsonObject *kind = properties ? cord_json_peek_object(properties, "type") : NULL;
    JsonArray *values = kind ? cord_json_peek_array(kind, "enum") : NULL;
    const gchar *constant = kind ? cord_json_peek_string(kind, "const", "") : "";

    if (g_str_has_prefix(link->data, prefix) &&
        (g_str_equal(constant, type) ||
         (values && g_str_equal(json_array_get_string_element(values, 0), type))))
      return g_strdup(link->data);
  }
  g_error("the vendor knows no %s", type);
}

/* The description does not know that what is not set is said to be null; recordings do. */
static void
drop_nulls(JsonNode *node)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
  JsonArray *array = JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
  g_autoptr(GList) names = object ? json_object_get_members(object) : NULL;

  for (GList *link = names; link; link = link->next) {
    if (json_object_get_null_member(object, link->data))
      json_object_remove_member(object, link->data);
    else
      drop_nulls(json_object_get_member(object, link->data));
  }
  for (guint i = 0; array && i < json_array_get_length(array); i++)
    drop_nulls(json_array_get_element(array, i));
}

static void
check_message(JsonNode *document, const gchar *prefix, JsonNode *message)
{
  const gchar *type = cord_json_peek_string(json_node_get_object(message), "type", "");
  g_autofree gchar *schema = find_schema(document, prefix, type);
  g_autofree gchar *faults = NULL;

  drop_nulls(message);
  faults = api_document_check(document, schema, message);
  if (*faults != '\0')
    g_test_message("%s", json_to_string(message, FALSE));
  g_assert_cmpstr(faults, ==, "");
}

/* The SDK has no other types for what we have, too. */
static void
check_session(const Case *test, JsonNode *message)
{
  g_autoptr(JsonNode) captures = api_document_load("sdk/requests.json");
  JsonObject *capture = api_document_find_capture(captures, test->capture);
  JsonArray *frames = cord_json_peek_array(capture, "frames");
  guint n = 0;

  for (guint i = 0; i < json_array_get_length(frames); i++) {
    const gchar *text =
        cord_json_peek_string(json_array_get_object_element(frames, i), "text", "{}");
    g_autoptr(JsonNode) theirs = json_from_string(text, NULL);
    g_autofree gchar *faults = api_document_compare(message, theirs);

    g_assert_cmpstr(faults, ==, "");
    n++;
  }
  g_assert_cmpuint(n, >, 0);
}

static void
check_journal(Fixture *f, const Case *test)
{
  gboolean beta = strstr(test->properties, "beta") != NULL;
  g_autoptr(JsonNode) client = api_document_load("openai/openapi.requests.json");
  g_autoptr(JsonNode) server = api_document_load("openai/openapi.realtime.json");
  g_autofree gchar *text = sim_server_dup_journal(f->server);
  g_autoptr(JsonNode) journal = json_from_string(text, NULL);
  JsonArray *array = json_node_get_array(journal);

  for (guint i = 0; i < json_array_get_length(array); i++) {
    JsonObject *entry = json_array_get_object_element(array, i);
    gboolean in = g_str_equal(cord_json_peek_string(entry, "direction", ""), "in");
    g_autoptr(JsonNode) message = NULL;
    const gchar *type;

    if (!g_str_equal(cord_json_peek_string(entry, "kind", ""), "text"))
      continue;
    message = json_from_string(cord_json_peek_string(entry, "data", ""), NULL);
    /* what is long is cut short in the journal: audio */
    if (message == NULL) {
      g_assert_nonnull(strstr(cord_json_peek_string(entry, "data", ""), "audio"));
      continue;
    }
    type = cord_json_peek_string(json_node_get_object(message), "type", "");
    /* nothing of what we send is refused */
    g_assert_cmpstr(type, !=, "error");
    if (in && test->capture && g_str_equal(type, "session.update"))
      check_session(test, message);
    /* of the beta there is no description that holds */
    if (!beta)
      check_message(in ? client : server, in ? "RealtimeClientEvent" : "RealtimeServerEvent",
                    message);
  }
}

static void
test_conversation(Fixture *f, gconstpointer data)
{
  converse(f);
  check_journal(f, data);
}

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree gchar *path = g_strconcat("/realtime-simulators/", cases[i].name, NULL);

    g_test_add(path, Fixture, &cases[i], setup, test_conversation, teardown);
  }
  return g_test_run();
}
