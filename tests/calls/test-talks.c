/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "call-rig.h"

/* Agents without a call: conversations in writing, recordings that are heard, texts that are read
 * out, over the API of a real server. */

#define BOOK "I would like to book an appointment"
#define NOBODY "00000000-0000-4000-8000-000000000000"
#define BOUNDARY "a-line-that-is-not-in-the-file"

typedef struct {
  guint status;
  gchar *type;
  GBytes *body;
} Answer;

static void
clear_answer(Answer *answer)
{
  g_free(answer->type);
  g_clear_pointer(&answer->body, g_bytes_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Answer, clear_answer)

static SoupMessage *
new_request(CallRig *rig, const gchar *method, const gchar *path, const gchar *type, GBytes *body)
{
  g_autofree gchar *url = g_strconcat(rig->url, path, NULL);
  SoupMessage *message = soup_message_new(method, url);

  if (body)
    soup_message_set_request_body_from_bytes(message, type, body);
  return message;
}

static Answer
send_message(CallRig *rig, SoupMessage *message)
{
  g_autoptr(GError) error = NULL;
  Answer answer = { 0 };

  answer.body = soup_session_send_and_read(rig->session, message, NULL, &error);
  g_assert_no_error(error);
  answer.status = soup_message_get_status(message);
  answer.type = g_strdup(
      soup_message_headers_get_content_type(soup_message_get_response_headers(message), NULL));
  return answer;
}

static Answer
ask(CallRig *rig, const gchar *path, const gchar *type, GBytes *body)
{
  g_autoptr(SoupMessage) message = new_request(rig, "POST", path, type, body);

  return send_message(rig, message);
}

static gchar *
get_text(const Answer *answer)
{
  return g_strndup(g_bytes_get_data(answer->body, NULL), g_bytes_get_size(answer->body));
}

static JsonObject *
get_object(const Answer *answer)
{
  g_autofree gchar *text = get_text(answer);
  g_autoptr(GError) error = NULL;
  g_autoptr(JsonNode) node = json_from_string(text, &error);

  g_test_message("%u %.200s", answer->status, text);
  g_assert_no_error(error);
  return json_node_dup_object(node);
}

/* A POST of JSON, and what is in the answer. */
static JsonObject *
ask_json(CallRig *rig, const gchar *path, const gchar *json, guint status)
{
  g_autoptr(GBytes) body = json ? g_bytes_new(json, strlen(json)) : NULL;
  g_auto(Answer) answer = ask(rig, path, "application/json", body);
  JsonObject *object = get_object(&answer);

  g_assert_cmpuint(answer.status, ==, status);
  return object;
}

static gchar *
start(CallRig *rig, const gchar *query)
{
  g_autofree gchar *path = g_strconcat("/conversation/start", query, NULL);
  g_autoptr(JsonObject) object = ask_json(rig, path, NULL, 200);

  g_assert_nonnull(strstr(json_object_get_string_member(object, "agent_response"), "Maple Street"));
  return g_strdup(json_object_get_string_member(object, "session_id"));
}

static JsonObject *
say(CallRig *rig, const gchar *id, const gchar *text, guint status)
{
  g_autofree gchar *json = g_strdup_printf("{\"session_id\":\"%s\",\"text\":\"%s\"}", id, text);

  return ask_json(rig, "/conversation/process", json, status);
}

static void
assert_says(JsonObject *object, const gchar *what)
{
  g_assert_nonnull(strstr(json_object_get_string_member(object, "agent_response"), what));
}

static void
test_conversation(void)
{
  CallRig *rig = call_rig_new(NULL, NULL);
  g_autofree gchar *id = start(rig, "?customer_id=c-17&persona=calm_concierge");
  g_autoptr(JsonObject) first = say(rig, id, BOOK, 200);
  g_autoptr(JsonObject) second = say(rig, id, "On Tuesday at ten", 200);
  g_autoptr(JsonObject) last = NULL;
  g_autoptr(JsonObject) refused = NULL;
  g_autofree gchar *path = g_strconcat("/conversation/", id, NULL);
  g_autoptr(JsonNode) row = NULL;
  JsonObject *object;
  guint status;

  assert_says(first, "Which day and time");
  assert_says(second, "at ten is free");
  g_assert_cmpstr(json_object_get_string_member(second, "persona"), ==, "calm_concierge");
  g_assert_cmpint(json_object_get_int_member(second, "turn"), ==, 2);
  g_assert_false(json_object_get_boolean_member(second, "ended"));

  /* the row is all that is kept: another server goes on with it */
  call_rig_kill(rig);
  call_rig_start(rig);
  last = say(rig, id, "goodbye", 200);
  g_assert_true(json_object_get_boolean_member(last, "ended"));
  refused = say(rig, id, "Are you still there?", 409);
  row = call_rig_get(rig, path, &status);
  object = json_node_get_object(row);
  g_assert_cmpuint(status, ==, 200);
  g_assert_cmpstr(json_object_get_string_member(object, "customer_id"), ==, "c-17");
  g_assert_cmpuint(json_array_get_length(json_object_get_array_member(object, "history")), ==, 7);
  call_rig_free(rig);
}

/* As a form's fields in the query, as the tools' doors and with an agent's name. */
static void
test_doors(void)
{
  CallRig *rig = call_rig_new(NULL, NULL);
  g_autoptr(JsonObject) started = ask_json(rig, "/tools/conversation/start", "{}", 200);
  const gchar *id = json_object_get_string_member(started, "session_id");
  g_autofree gchar *path = g_strdup_printf(
      "/tools/conversation/process?session_id=%s&user_input=I+would+like+to+book+an+appointment",
      id);
  g_autoptr(JsonObject) answer = ask_json(rig, path, NULL, 200);
  guint status;
  g_autoptr(JsonNode) personas = call_rig_get(rig, "/personas", &status);
  g_autoptr(JsonNode) persona = call_rig_get(rig, "/personas/energetic_host", &status);
  g_autoptr(JsonNode) nobody = NULL;

  assert_says(answer, "Which day and time");
  g_assert_cmpuint(json_array_get_length(json_node_get_array(personas)), ==, 3);
  g_assert_cmpuint(status, ==, 200);
  nobody = call_rig_get(rig, "/personas/nobody", &status);
  g_assert_cmpuint(status, ==, 404);
  call_rig_free(rig);
}

/* The answer as the model writes it. */
static void
test_stream(void)
{
  CallRig *rig = call_rig_new(NULL, NULL);
  g_autofree gchar *id = start(rig, NULL);
  g_autofree gchar *json = g_strdup_printf("{\"session_id\":\"%s\",\"text\":\"" BOOK "\"}", id);
  g_autoptr(GBytes) body = g_bytes_new(json, strlen(json));
  g_autoptr(SoupMessage) message =
      new_request(rig, "POST", "/conversation/process", "application/json", body);
  g_auto(Answer) answer = { 0 };
  g_autofree gchar *text = NULL;
  const gchar *done;

  soup_message_headers_append(soup_message_get_request_headers(message), "Accept",
                              "text/event-stream");
  answer = send_message(rig, message);
  text = get_text(&answer);
  g_assert_cmpuint(answer.status, ==, 200);
  g_assert_cmpstr(answer.type, ==, "text/event-stream");
  done = strstr(text, "event: done\ndata: {");
  g_assert_nonnull(done);
  g_assert_true(strstr(text, "event: piece\ndata: {\"text\":\"") < done);
  g_assert_nonnull(strstr(done, "\"turn\":1"));
  call_rig_free(rig);
}

/* Who has not heard the answer may ask again without saying it twice. */
static void
test_idempotency(void)
{
  CallRig *rig = call_rig_new(NULL, NULL);
  g_autofree gchar *id = start(rig, NULL);
  g_autofree gchar *path = g_strconcat("/conversation/", id, NULL);
  g_autofree gchar *json = g_strdup_printf("{\"session_id\":\"%s\",\"text\":\"goodbye\"}", id);
  g_autoptr(GBytes) body = g_bytes_new(json, strlen(json));
  g_autoptr(JsonNode) row = NULL;
  guint status;

  for (guint i = 0; i < 2; i++) {
    g_autoptr(SoupMessage) message =
        new_request(rig, "POST", "/conversation/process", "application/json", body);
    g_auto(Answer) answer = { 0 };
    g_autoptr(JsonObject) object = NULL;

    soup_message_headers_append(soup_message_get_request_headers(message), "Idempotency-Key",
                                "turn-1");
    answer = send_message(rig, message);
    object = get_object(&answer);
    g_assert_cmpuint(answer.status, ==, 200);
    assert_says(object, "Goodbye");
    g_assert_true(json_object_get_boolean_member(object, "ended"));
    g_assert_cmpint(json_object_get_int_member(object, "turn"), ==, 1);
  }
  row = call_rig_get(rig, path, &status);
  g_assert_cmpuint(
      json_array_get_length(json_object_get_array_member(json_node_get_object(row), "history")), ==,
      3);
  call_rig_free(rig);
}

static void
test_bad_turns(void)
{
  static const struct {
    const gchar *path, *json;
    guint status;
  } cases[] = {
    { "/conversation/start", "{\"persona\":\"nobody\"}", 422 },
    { "/conversation/start?persona=nobody", NULL, 422 },
    { "/conversation/start", "{\"agent_id\":\"" NOBODY "\"}", 404 },
    { "/conversation/start", "{\"agent\":\"x\"}", 422 },
    { "/conversation/start", "[1]", 422 },
    { "/conversation/process", "{\"text\":\"hello\"}", 422 },
    { "/conversation/process", "{\"session_id\":\"" NOBODY "\"}", 422 },
    { "/conversation/process", "{\"session_id\":\"" NOBODY "\",\"text\":\"\"}", 422 },
    { "/conversation/process", "{\"session_id\":\"" NOBODY "\",\"text\":\"hello\"}", 404 },
    { "/conversation/process", "{\"session_id\":7,\"text\":\"hello\"}", 422 },
    { "/conversation/process", "{\"session_id\":", 400 },
    { "/voice/text-to-speech", "{\"text\":\"\"}", 422 },
    { "/voice/text-to-speech", "{\"text\":\"hello\",\"format\":\"midi\"}", 422 },
    { "/voice/text-to-speech", "{\"text\":\"hello\",\"agent_id\":\"" NOBODY "\"}", 404 },
    { "/voice/speech-to-text", "{\"text\":\"hello\"}", 415 },
    { "/voice-agent/process", "{}", 415 },
  };
  CallRig *rig = call_rig_new(NULL, NULL);

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(JsonObject) problem = ask_json(rig, cases[i].path, cases[i].json, cases[i].status);

    g_assert_true(json_object_has_member(problem, "detail"));
  }
  call_rig_free(rig);
}

/* Voice */

static GBytes *
read_out(CallRig *rig, const gchar *text, const gchar *format, const gchar *type)
{
  g_autofree gchar *json =
      g_strdup_printf("{\"text\":\"%s\",\"format\":\"%s\",\"voice\":\"slt\"}", text, format);
  g_autoptr(GBytes) body = g_bytes_new(json, strlen(json));
  g_auto(Answer) answer = ask(rig, "/voice/text-to-speech", "application/json", body);

  g_assert_cmpuint(answer.status, ==, 200);
  g_assert_cmpstr(answer.type, ==, type);
  return g_bytes_ref(answer.body);
}

/* A form with a file; fields: names and values by turns. */
static GBytes *
make_form(const gchar *name, GBytes *file, const gchar *const *fields)
{
  GString *form = g_string_new(NULL);

  for (guint i = 0; fields && fields[i]; i += 2)
    g_string_append_printf(form,
                           "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n"
                           "%s\r\n",
                           fields[i], fields[i + 1]);
  if (file) {
    g_string_append_printf(form,
                           "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"%s\"; "
                           "filename=\"speech\"\r\nContent-Type: application/octet-stream\r\n\r\n",
                           name);
    g_string_append_len(form, g_bytes_get_data(file, NULL), (gssize)g_bytes_get_size(file));
    g_string_append(form, "\r\n");
  }
  g_string_append(form, "--" BOUNDARY "--\r\n");
  return g_string_free_to_bytes(form);
}

static JsonObject *
send_form(CallRig *rig, const gchar *path, GBytes *form, guint status)
{
  g_auto(Answer) answer = ask(rig, path, "multipart/form-data; boundary=\"" BOUNDARY "\"", form);
  JsonObject *object = get_object(&answer);

  g_assert_cmpuint(answer.status, ==, status);
  return object;
}

/* What is read out is heard again, in each of the formats. */
static void
test_formats(void)
{
  static const struct {
    const gchar *format, *type, *magic;
  } formats[] = {
    { "wav", "audio/wav", "RIFF" },
    { "mp3", "audio/mpeg", "\xff" },
    { "opus", "audio/ogg", "OggS" },
  };
  CallRig *rig = call_rig_new(NULL, NULL);

  for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
    g_autoptr(GBytes) audio = read_out(rig, BOOK, formats[i].format, formats[i].type);
    g_autoptr(GBytes) form = make_form("audio_file", audio, NULL);
    g_autoptr(JsonObject) heard = send_form(rig, "/voice/speech-to-text", form, 200);
    g_auto(Answer) raw = ask(rig, "/tools/understanding/speech-to-text", formats[i].type, audio);
    g_autoptr(JsonObject) same = get_object(&raw);

    g_assert_true(
        memcmp(g_bytes_get_data(audio, NULL), formats[i].magic, strlen(formats[i].magic)) == 0);
    g_assert_cmpstr(json_object_get_string_member(heard, "text"), ==,
                    "i would like to book an appointment");
    g_assert_cmpstr(json_object_get_string_member(same, "text"), ==,
                    "i would like to book an appointment");
  }
  call_rig_free(rig);
}

/* The length that the header tells is the file's. */
static void
test_wav(void)
{
  CallRig *rig = call_rig_new(NULL, NULL);
  g_autoptr(GBytes) audio = read_out(rig, "Hello.", "wav", "audio/wav");
  gsize size;
  const guint8 *data = g_bytes_get_data(audio, &size);
  guint32 riff, samples;

  memcpy(&riff, data + 4, 4);
  memcpy(&samples, data + 40, 4);
  g_assert_cmpuint(GUINT32_FROM_LE(riff), ==, size - 8);
  g_assert_cmpuint(GUINT32_FROM_LE(samples), ==, size - 44);
  g_assert_cmpuint(size, >, 8000);
  call_rig_free(rig);
}

/* Hearing, thinking and speaking in one request. */
static void
test_whole_turn(void)
{
  CallRig *rig = call_rig_new(NULL, NULL);
  g_autofree gchar *id = start(rig, NULL);
  const gchar *const fields[] = { "session_id", id,    "persona", "energetic_host",
                                  "format",     "wav", NULL };
  g_autoptr(GBytes) audio = read_out(rig, BOOK, "wav", "audio/wav");
  g_autoptr(GBytes) form = make_form("audio_file", audio, fields);
  g_autoptr(JsonObject) answer = send_form(rig, "/voice-agent/process", form, 200);
  g_autofree guchar *spoken = NULL;
  gsize size;

  g_assert_cmpstr(json_object_get_string_member(answer, "session_id"), ==, id);
  g_assert_cmpstr(json_object_get_string_member(answer, "user_input"), ==,
                  "i would like to book an appointment");
  assert_says(answer, "Which day and time");
  g_assert_cmpstr(json_object_get_string_member(answer, "persona"), ==, "energetic_host");
  g_assert_cmpstr(json_object_get_string_member(answer, "voice"), ==, "awb");
  spoken = g_base64_decode(json_object_get_string_member(answer, "audio_base64"), &size);
  g_assert_true(g_str_has_prefix((const gchar *)spoken, "RIFF"));
  g_assert_cmpuint(size, >, 2 * 16000); /* a second */
  call_rig_free(rig);
}

static GBytes *
make_wav(guint seconds)
{
  guint8 header[] = "RIFF\377\377\377\177WAVEfmt \20\0\0\0\1\0\1\0\100\37\0\0\100\37\0\0\1\0\10\0"
                    "data\377\377\377\177";
  gsize size = sizeof header - 1 + seconds * 8000;
  guint8 *data = g_malloc(size);

  memset(data, 128, size);
  memcpy(data, header, sizeof header - 1);
  return g_bytes_new_take(data, size);
}

static void
test_bad_recordings(void)
{
  CallRig *rig = call_rig_new(NULL, NULL);
  const gchar *const unknown[] = { "colour", "blue", NULL };
  const gchar *const twice[] = { "persona", "calm_concierge", "persona", "energetic_host", NULL };
  const gchar *const no_session[] = { "session_id", NOBODY, NULL };
  const gchar *const no_format[] = { "format", "midi", NULL };
  g_autoptr(GBytes) noise = g_bytes_new_static("this is no audio at all, it is a text", 37);
  g_autoptr(GBytes) nothing = g_bytes_new_static("", 0);
  g_autoptr(GBytes) silence = make_wav(2);
  g_autoptr(GBytes) endless = make_wav(130);
  const struct {
    const gchar *path, *name;
    GBytes *file;
    const gchar *const *fields;
    guint status;
  } cases[] = {
    { "/voice/speech-to-text", "audio_file", noise, NULL, 422 },
    { "/voice/speech-to-text", "audio_file", nothing, NULL, 422 },
    { "/voice/speech-to-text", "audio_file", NULL, NULL, 422 },
    { "/voice/speech-to-text", "picture", silence, NULL, 422 },
    { "/voice/speech-to-text", "audio_file", silence, unknown, 422 },
    { "/voice/speech-to-text", "audio_file", silence, twice, 422 },
    { "/voice/speech-to-text", "audio_file", silence, no_format, 422 },
    { "/voice/speech-to-text", "audio_file", silence, NULL, 200 },
    { "/voice/speech-to-text", "audio_file", endless, NULL, 413 },
    { "/voice-agent/process", "audio_file", silence, NULL, 422 },
    { "/voice-agent/process", "audio_file", silence, no_session, 404 },
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GBytes) form = make_form(cases[i].name, cases[i].file, cases[i].fields);
    g_autoptr(JsonObject) answer = send_form(rig, cases[i].path, form, cases[i].status);

    if (cases[i].status == 200)
      g_assert_cmpstr(json_object_get_string_member(answer, "text"), ==, "");
  }
  call_rig_free(rig);
}

/* In the terminal */

static gchar *
chat(CallRig *rig, const gchar *input, const gchar *const *arguments, int *code)
{
  g_autoptr(GPtrArray) argv = g_ptr_array_new();
  g_autoptr(GSubprocess) process = NULL;
  g_autoptr(GError) error = NULL;
  gchar *out = NULL;

  g_ptr_array_add(argv, (gpointer)g_getenv("CORDBOARD"));
  g_ptr_array_add(argv, (gpointer) "chat");
  g_ptr_array_add(argv, (gpointer) "--url");
  g_ptr_array_add(argv, rig->url);
  for (; *arguments; arguments++)
    g_ptr_array_add(argv, (gpointer)*arguments);
  g_ptr_array_add(argv, NULL);
  process =
      g_subprocess_newv((const gchar *const *)argv->pdata,
                        G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
  g_assert_no_error(error);
  g_subprocess_communicate_utf8(process, input, NULL, &out, NULL, &error);
  g_assert_no_error(error);
  *code = g_subprocess_get_exit_status(process);
  g_test_message("%s", out);
  return out;
}

static void
test_chat(void)
{
  CallRig *rig = call_rig_new(NULL, NULL);
  const gchar *const turns[] = { BOOK, "On Tuesday at ten", NULL };
  const gchar *const json[] = { "--json", BOOK, NULL };
  const gchar *const lines[] = { "--persona", "calm_concierge", NULL };
  const gchar *const nobody[] = { "--session", NOBODY, "hello", NULL };
  int code;
  g_autofree gchar *said = chat(rig, NULL, turns, &code);
  g_autofree gchar *objects = NULL;
  g_autofree gchar *talked = NULL;
  g_autofree gchar *refused = NULL;

  g_assert_cmpint(code, ==, 0);
  g_assert_nonnull(strstr(said, "Which day and time would suit you?\n"));
  g_assert_nonnull(strstr(said, "is free."));
  objects = chat(rig, NULL, json, &code);
  g_assert_nonnull(strstr(objects, "\"turn\":1"));
  talked = chat(rig, BOOK "\n\ngoodbye\nhello\n", lines, &code);
  g_assert_cmpint(code, ==, 0);
  g_assert_true(g_str_has_prefix(talked, "Maple Street Dental"));
  g_assert_nonnull(strstr(talked, "Goodbye"));
  refused = chat(rig, NULL, nobody, &code);
  g_assert_cmpint(code, ==, 1);
  g_assert_cmpstr(refused, ==, "");
  call_rig_free(rig);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/talks/a conversation outlives the server, until the agent ends it",
                  test_conversation);
  g_test_add_func("/talks/all doors lead to the same agent", test_doors);
  g_test_add_func("/talks/an answer can be read as it is written", test_stream);
  g_test_add_func("/talks/a turn that is sent twice is said once", test_idempotency);
  g_test_add_func("/talks/a turn that is none is refused", test_bad_turns);
  g_test_add_func("/talks/what is read out is heard again, in each format", test_formats);
  g_test_add_func("/talks/a WAV file says how long it is", test_wav);
  g_test_add_func("/talks/a recording is heard, answered and spoken to", test_whole_turn);
  g_test_add_func("/talks/a recording that is none is refused", test_bad_recordings);
  g_test_add_func("/talks/cordboard chat talks with an agent", test_chat);
  return g_test_run();
}
