/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What our clients send, beside what the vendors' own SDKs send (tests/data/sdk) and the vendors'
 * descriptions of it: the same method, path, kind of key and body, no unknown member. */
#include <string.h>

#include "api-document.h"
#include "cord-json.h"
#include "llm-rig.h"
#include "realtime-rig.h"
#include "sim.h"
#include "stt-rig.h"
#include "tts-rig.h"

#define TOOLS                                                                                      \
  "[{\"type\":\"function\",\"function\":{\"name\":\"lookup\",\"description\":\"d\","               \
  "\"parameters\":{\"type\":\"object\",\"properties\":{\"q\":{\"type\":\"string\"}},"              \
  "\"required\":[\"q\"]}}}]"
#define REPLIES                                                                                    \
  "{\"replies\":[{\"match\":\"look\",\"text\":\"\",\"tools\":[{\"name\":\"lookup\",\"arguments\":" \
  "{\"q\":\"x\"}}]}],\"transcriptions\":[\"one two\"],\"utterances\":[\"please look\"]}"
#define SCRIPT                                                                                     \
  "{\"seed\":1,\"script\":{\"openai\":" REPLIES ",\"groq\":" REPLIES ",\"anthropic\":" REPLIES     \
  ",\"gemini\":" REPLIES ",\"deepgram\":{\"utterances\":[\"one two\"]}}}"
#define STEPS 3000

typedef struct _Case Case;
struct _Case {
  const gchar *label; /* of the capture */
  const gchar *provider;
  void (*act)(const Case *test, JsonArray **journal);
  const gchar *launch;
  const gchar *base;
  const gchar *document; /* of the vendor, with its schemas of the query and the body */
  const gchar *query;
  const gchar *body;
  const gchar *key;      /* header and scheme, when another than the SDK's is as good */
  const gchar *messages; /* what the schemas of a WebSocket's messages begin with */
};

/* The journal of what the act made our client say */

static SimServer *
start(CordWorker *worker)
{
  g_autoptr(GError) error = NULL;
  SimServer *server = sim_server_new(worker, 0, NULL, NULL, &error);

  g_assert_no_error(error);
  sim_server_add_all(server);
  sim_server_set_script(server, SCRIPT, &error);
  g_assert_no_error(error);
  return server;
}

static JsonArray *
read_journal(SimServer *server)
{
  g_autofree gchar *text = sim_server_dup_journal(server);
  g_autoptr(GError) error = NULL;
  g_autoptr(JsonNode) node = json_from_string(text, &error);

  g_assert_no_error(error);
  return json_array_ref(json_node_get_array(node));
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
think(const Case *test, JsonArray **journal)
{
  g_autofree gchar *tools = g_strescape(TOOLS, NULL);
  g_autofree gchar *launch = g_strdup_printf(
      "%s system-prompt=s temperature=0.5 max-tokens=200 tools=\"%s\"", test->launch, tools);
  LlmRig rig;
  SimServer *server;

  llm_rig_init(&rig);
  server = start(rig.worker);
  rig.port = sim_server_get_port(server);
  llm_rig_start(&rig, launch, FALSE);
  llm_rig_say(&rig, 1, "Please look");
  llm_rig_await_tool(&rig);
  llm_rig_submit(&rig, "{\"found\":\"it\"}");
  llm_rig_await_end(&rig);
  *journal = read_journal(server);
  gst_element_set_state(rig.harness->element, GST_STATE_NULL);
  llm_rig_pass(&rig, GST_SECOND);
  sim_server_free(server);
  llm_rig_clear(&rig);
}

static void
hear(const Case *test, JsonArray **journal)
{
  SttRig rig;
  SimServer *server;
  g_autofree gchar *text = NULL;

  stt_rig_begin(&rig);
  server = start(rig.worker);
  stt_rig_plug(&rig, g_str_equal(test->provider, "deepgram") ? "deepgramstt" : "openaistt",
               test->base, test->launch, sim_server_get_port(server));
  stt_rig_detect_voice(&rig);
  stt_rig_start_speech(&rig);
  stt_rig_say(&rig, 1, 3);
  stt_rig_stop_speech(&rig);
  for (guint i = 0; i < STEPS && !text; i++) {
    stt_rig_push(&rig, STT_RIG_SILENCE, 1);
    let_bytes_travel(rig.worker);
    text = stt_rig_take_text(&rig);
  }
  g_assert_cmpstr(text, ==, "one two");
  gst_element_set_state(rig.element, GST_STATE_NULL);
  for (guint i = 0; i < 20; i++)
    let_bytes_travel(rig.worker);
  cord_worker_advance(rig.worker, 4 * GST_SECOND);
  *journal = read_journal(server);
  sim_server_free(server);
  stt_rig_clear(&rig);
}

static void
speak(const Case *test, JsonArray **journal)
{
  gboolean pcm = g_str_equal(test->provider, "openai");
  TtsRig rig;
  SimServer *server;

  tts_rig_begin(&rig, TTS_RIG_HTTP, pcm ? TTS_RIG_PCM_24000 : TTS_RIG_MULAW);
  server = start(rig.worker);
  tts_rig_plug(&rig, test->launch, sim_server_get_port(server));
  tts_rig_say(&rig, 1, "hi.");
  tts_rig_finish_turn(&rig, 1);
  for (guint i = 0; i < STEPS && rig.audio->len == 0; i++) {
    let_bytes_travel(rig.worker);
    cord_worker_advance(rig.worker, 10 * GST_MSECOND);
  }
  g_assert_cmpuint(rig.audio->len, >, 0);
  *journal = read_journal(server);
  gst_element_set_state(rig.element, GST_STATE_NULL);
  cord_worker_iterate(rig.worker);
  cord_worker_advance(rig.worker, 4 * GST_SECOND);
  sim_server_free(server);
  tts_rig_clear(&rig);
}

/* A tone, 20 ms at a time, and the time that it takes */
static void
sound(RealtimeRig *rig, guint8 value, guint ms)
{
  for (guint i = 0; i < ms; i += 20) {
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, 160, NULL);

    gst_buffer_memset(buffer, 0, value, 80);
    gst_buffer_memset(buffer, 80, value | 0x80, 80);
    realtime_rig_push(rig, buffer, 20);
    cord_worker_advance(rig->worker, 20 * GST_MSECOND);
    let_bytes_travel(rig->worker);
  }
}

/* What the service calls the call is in what it said. */
static void
answer_call(RealtimeRig *rig, SimServer *server)
{
  g_autofree gchar *journal = sim_server_dup_journal(server);
  g_autoptr(GRegex) regex = g_regex_new("call_[0-9a-f]{8}", 0, 0, NULL);
  g_autoptr(GMatchInfo) match = NULL;
  g_autofree gchar *id = NULL;

  g_assert_true(g_regex_match(regex, journal, 0, &match));
  id = g_match_info_fetch(match, 0);
  realtime_rig_result(rig, id, "{\"found\":\"it\"}");
}

static void
converse(const Case *test, JsonArray **journal)
{
  g_autofree gchar *tools = g_strescape(TOOLS, NULL);
  g_autofree gchar *launch = g_strdup_printf("%s tools=\"%s\"", test->launch, tools);
  RealtimeRig rig;
  SimServer *server;

  realtime_rig_begin(&rig);
  server = start(rig.worker);
  realtime_rig_plug(&rig, TRUE, launch, sim_server_get_port(server));
  realtime_rig_wait(&rig, "up; ");
  sound(&rig, 0x10, 800);
  for (guint i = 0; i < STEPS && !strstr(rig.posted->str, "tool "); i++)
    sound(&rig, 0x7f, 20);
  answer_call(&rig, server);
  for (guint i = 0; i < STEPS && rig.audio->len == 0; i++)
    sound(&rig, 0x7f, 20);
  *journal = read_journal(server);
  gst_element_set_state(rig.element, GST_STATE_NULL);
  let_bytes_travel(rig.worker);
  cord_worker_advance(rig.worker, 4 * GST_SECOND);
  sim_server_free(server);
  realtime_rig_clear(&rig);
}

/* Beside the SDK's */

static gchar *
describe_key(JsonObject *headers)
{
  static const gchar *const names[] = { "x-goog-api-key", "xi-api-key", "x-api-key" };
  const gchar *value = cord_json_peek_string(headers, "authorization", NULL);

  if (value)
    return g_strdup_printf("authorization %.*s", (int)strcspn(value, " "), value);
  for (guint i = 0; i < G_N_ELEMENTS(names); i++)
    if (json_object_has_member(headers, names[i]))
      return g_strdup(names[i]);
  return g_strdup("none");
}

static gchar *
describe_type(JsonObject *headers)
{
  const gchar *type = cord_json_peek_string(headers, "content-type", NULL);

  if (!type)
    type = cord_json_peek_string(headers, "Content-Type", "");
  return g_strndup(type, strcspn(type, ";"));
}

/* Names of the fields of multipart/form-data that are no files, and their values */
static JsonNode *
read_parts(const gchar *body)
{
  g_autoptr(JsonObject) object = json_object_new();
  g_autoptr(GRegex) part = g_regex_new(
      "name=\"([^\"]+)\"(; filename=\"[^\"]+\")?[^\\r]*\\r\\n(?:[A-Za-z-]+:[^\\r]*\\r\\n)*\\r\\n"
      "([^\\r]*)",
      G_REGEX_RAW, 0, NULL);
  g_autoptr(GMatchInfo) match = NULL;

  for (g_regex_match(part, body, 0, &match); g_match_info_matches(match);
       g_match_info_next(match, NULL)) {
    g_autofree gchar *name = g_match_info_fetch(match, 1);
    g_autofree gchar *file = g_match_info_fetch(match, 2);
    g_autofree gchar *value = g_match_info_fetch(match, 3);

    g_strdelimit(name, "[]", '\0'); /* of a list */
    json_object_set_string_member(object, name, *file ? "file" : value);
  }
  return json_node_init_object(json_node_alloc(), object);
}

static JsonNode *
read_body(JsonObject *entry, const gchar *type)
{
  JsonNode *data = json_object_get_member(entry, "data");
  g_autofree gchar *text = NULL;
  g_autoptr(GError) error = NULL;
  JsonNode *node;

  if (JSON_NODE_HOLDS_OBJECT(data)) {
    gsize length;
    g_autofree guchar *raw =
        g_base64_decode(cord_json_peek_string(json_node_get_object(data), "base64", ""), &length);

    text = g_malloc0(length + 1);
    for (gsize i = 0; i < length; i++) /* audio: its bytes do not matter here */
      text[i] = raw[i] > 0 && raw[i] < 128 ? (gchar)raw[i] : '.';
  } else {
    text = g_strdup(json_node_get_string(data));
  }
  if (g_str_equal(type, "multipart/form-data"))
    return read_parts(text);
  node = json_from_string(text, &error);
  g_assert_no_error(error);
  return node;
}

static const gchar *
path_end(const gchar *uri)
{
  return uri + strcspn(uri, "?");
}

/* The vendor's paths stand below the provider's name at a simulator. */
static void
assert_same_path(const Case *test, const gchar *ours, const gchar *theirs)
{
  g_autofree gchar *our_path = g_strndup(ours, (gsize)(path_end(ours) - ours));
  g_autofree gchar *their_path = g_strndup(theirs, (gsize)(path_end(theirs) - theirs));

  g_assert_true(g_str_has_suffix(our_path, their_path));
}

static void
assert_fits(const gchar *faults)
{
  g_assert_cmpstr(faults, ==, "");
}

static void
check_query(const Case *test, JsonNode *document, const gchar *uri, const gchar *theirs)
{
  g_autoptr(JsonNode) query = NULL, their_query = NULL;
  g_autofree gchar *faults = NULL;

  if (!*path_end(uri))
    return;
  query = api_document_from_query(path_end(uri) + 1);
  if (test->query) {
    faults = api_document_check(document, test->query, query);
    assert_fits(faults);
  } else {
    JsonObjectIter iter;
    const gchar *name;

    their_query = api_document_from_query(*path_end(theirs) ? path_end(theirs) + 1 : "");
    json_object_iter_init(&iter, json_node_get_object(query));
    while (json_object_iter_next(&iter, &name, NULL))
      g_assert_true(json_object_has_member(json_node_get_object(their_query), name));
  }
}

static void
check_body(const Case *test, JsonNode *document, JsonObject *entry, JsonObject *capture)
{
  JsonObject *headers = cord_json_peek_object(entry, "headers");
  g_autofree gchar *type = describe_type(headers);
  g_autoptr(JsonNode) ours = read_body(entry, type);
  const gchar *text = cord_json_peek_string(capture, "body", NULL);
  g_autofree gchar *shown = json_to_string(ours, FALSE);
  g_autoptr(JsonNode) theirs = NULL;
  g_autofree gchar *faults = NULL, *differences = NULL;

  g_test_message("sent %s", shown);
  if (text) {
    theirs =
        g_str_equal(type, "multipart/form-data") ? read_parts(text) : json_from_string(text, NULL);
    differences = api_document_compare(ours, theirs);
    g_assert_cmpstr(differences, ==, "");
  }
  if (!test->body)
    return;
  /* a form's values are all texts */
  faults = g_str_equal(type, "multipart/form-data")
               ? api_document_find_unknown(document, test->body, ours)
               : api_document_check(document, test->body, ours);
  assert_fits(faults);
}

static void
check_request(const Case *test, JsonNode *document, JsonObject *entry, JsonObject *capture)
{
  const gchar *method = cord_json_peek_string(capture, "method", NULL);
  JsonObject *headers = cord_json_peek_object(entry, "headers");
  JsonObject *their_headers = cord_json_peek_object(capture, "headers");
  const gchar *uri = cord_json_peek_string(entry, "uri", ""),
              *theirs = cord_json_peek_string(capture, "url", "");
  g_autofree gchar *key = describe_key(headers), *their_key = describe_key(their_headers);

  assert_same_path(test, uri, theirs);
  g_assert_cmpstr(key, ==, test->key ? test->key : their_key);
  check_query(test, document, uri, theirs);
  if (method) {
    g_autofree gchar *type = describe_type(headers), *their_type = describe_type(their_headers);

    g_assert_cmpstr(cord_json_peek_string(entry, "method", ""), ==, method);
    if (*their_type)
      g_assert_cmpstr(type, ==, their_type);
    check_body(test, document, entry, capture);
  }
}

/* "response.create" is described as PREFIXResponseCreate */
static gchar *
name_schema(const gchar *prefix, const gchar *type)
{
  GString *name = g_string_new(prefix);
  gboolean capital = TRUE;

  for (; *type; type++) {
    if (g_ascii_isalpha(*type))
      g_string_append_c(name, capital ? g_ascii_toupper(*type) : *type);
    capital = !g_ascii_isalpha(*type);
  }
  return g_string_free(name, FALSE);
}

/* A control message: known to the vendor's document, or one that the SDK sends */
static void
check_message(const Case *test, JsonNode *document, const gchar *text, JsonObject *capture)
{
  g_autoptr(JsonNode) ours = json_from_string(text, NULL);
  JsonArray *frames = cord_json_peek_array(capture, "frames");
  const gchar *type;
  gboolean known = FALSE;

  g_assert_nonnull(ours);
  g_test_message("sent %s", text);
  type = cord_json_peek_string(json_node_get_object(ours), "type", NULL);
  if (test->messages) {
    g_autofree gchar *schema = name_schema(test->messages, type);
    g_autofree gchar *faults = api_document_check(document, schema, ours);

    assert_fits(faults);
    known = TRUE;
  }
  for (guint i = 0; i < json_array_get_length(frames); i++) {
    const gchar *theirs =
        cord_json_peek_string(json_array_get_object_element(frames, i), "text", NULL);
    g_autoptr(JsonNode) frame = theirs ? json_from_string(theirs, NULL) : NULL;
    g_autofree gchar *differences = NULL;

    if (!frame ||
        g_strcmp0(type, cord_json_peek_string(json_node_get_object(frame), "type", NULL)) != 0)
      continue;
    known = TRUE;
    differences = api_document_compare(ours, frame);
    g_assert_cmpstr(differences, ==, "");
  }
  g_assert_true(known);
}

static void
test_requests(gconstpointer data)
{
  const Case *test = data;
  g_autoptr(JsonNode) captures = api_document_load("sdk/requests.json");
  g_autoptr(JsonNode) document = test->document ? api_document_load(test->document) : NULL;
  JsonObject *capture = api_document_find_capture(captures, test->label);
  g_autoptr(JsonArray) journal = NULL;
  guint n_requests = 0;

  test->act(test, &journal);
  for (guint i = 0; i < json_array_get_length(journal); i++) {
    JsonObject *entry = json_array_get_object_element(journal, i);
    const gchar *kind = cord_json_peek_string(entry, "kind", "");

    if (!g_str_equal(cord_json_peek_string(entry, "direction", ""), "in"))
      continue;
    if (g_str_equal(kind, "request")) {
      check_request(test, document, entry, capture);
      n_requests++;
    } else if (g_str_equal(kind, "text")) {
      check_message(test, document, cord_json_peek_string(entry, "data", ""), capture);
    } else if (g_str_equal(kind, "binary")) {
      /* an empty one would end Deepgram's stream */
      g_assert_cmpint(cord_json_peek_int(entry, "bytes", 0), >, 0);
    }
  }
  g_assert_cmpuint(n_requests, >, 0);
}

#define OPENAI "openai/openapi.requests.json"

/* The checks themselves: what is wrong is found. */
static void
test_checks(void)
{
  g_autoptr(JsonNode) document = api_document_load(OPENAI);
  g_autoptr(JsonNode) wrong = json_from_string(
      "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\",\"colour\":1}],"
      "\"temperature\":\"hot\",\"surprise\":true}",
      NULL);
  g_autoptr(JsonNode) other = json_from_string("{\"temperature\":1}", NULL);
  g_autofree gchar *faults = api_document_check(document, "CreateChatCompletionRequest", wrong);
  g_autofree gchar *differences = api_document_compare(wrong, other);

  g_assert_nonnull(strstr(faults, "/surprise is not known"));
  g_assert_nonnull(strstr(faults, "/messages/0/colour is not known"));
  g_assert_nonnull(strstr(faults, "/temperature "));
  g_assert_cmpstr(differences, ==, "/temperature is of another type; ");
}

#define HTTP "base-url=http://127.0.0.1:PORT/"

static const Case cases[] = {
  { "openai.chat.stream", "openai", think, "model-id=gpt-4o-mini " HTTP "openai/v1", NULL, OPENAI,
    NULL, "CreateChatCompletionRequest", NULL },
  { "groq.chat.stream", "groq", think, "model-id=llama-3.3-70b-versatile " HTTP "groq/openai/v1",
    NULL, OPENAI, NULL, "CreateChatCompletionRequest", NULL },
  /* its newer SDK sends a bearer, for which the API's version must be newer, too */
  { "anthropic.messages.stream", "anthropic", think,
    "model-id=claude-haiku-4-5 " HTTP "anthropic/v1", NULL, NULL, NULL, NULL, "x-api-key" },
  { "gemini.stream", "gemini", think, "model-id=gemini-2.5-flash " HTTP "gemini/v1beta", NULL, NULL,
    NULL, NULL, NULL },
  { "openai.transcriptions.whisper", "openai", hear,
    "model-id=whisper-1 preconnect=false final-timeout=60000 request-timeout=120000", "/openai/v1",
    OPENAI, NULL, "CreateTranscriptionRequest", NULL },
  { "openai.transcriptions.stream", "openai", hear,
    "model-id=gpt-4o-mini-transcribe preconnect=false final-timeout=60000 request-timeout=120000",
    "/openai/v1", OPENAI, NULL, "CreateTranscriptionRequest", NULL },
  { "groq.transcriptions", "groq", hear,
    "model-id=whisper-large-v3 preconnect=false final-timeout=60000 request-timeout=120000",
    "/groq/openai/v1", OPENAI, NULL, "CreateTranscriptionRequest", NULL },
  { "deepgram.listen.v1", "deepgram", hear, "", "/deepgram", "deepgram/asyncapi.listen.json",
    "ListenV1Query", NULL, NULL },
  { "deepgram.listen.v2", "deepgram", hear, "model-id=flux-general-en", "/deepgram",
    "deepgram/asyncapi.listen.json", "ListenV2Query", NULL, NULL },
  { "openai.speech.pcm", "openai", speak, "openaitts api-key=KEY " HTTP "openai/v1", NULL, OPENAI,
    NULL, "CreateSpeechRequest", NULL },
  { "elevenlabs.stream", "elevenlabs", speak,
    "elevenlabstts transport=http api-key=KEY voice-id=VOICE " HTTP "elevenlabs", NULL,
    "elevenlabs/openapi.requests.json", "TextToSpeechStreamQuery", "TextToSpeechStreamRequest",
    NULL },
  { "cartesia.ws", "cartesia", speak,
    "cartesiatts version=2026-08-14 api-key=KEY voice-id=v1 " HTTP "cartesia", NULL, NULL, NULL,
    NULL, NULL, NULL },
  { "openai.realtime.ga", "openai", converse, "", NULL, OPENAI, NULL, NULL, "authorization Bearer",
    "RealtimeClientEvent" },
};

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree gchar *path = g_strconcat("/sdk-requests/", cases[i].label, NULL);

    g_test_add_data_func(path, &cases[i], test_requests);
  }
  g_test_add_func("/sdk-requests/what is wrong is found", test_checks);
  return g_test_run();
}
