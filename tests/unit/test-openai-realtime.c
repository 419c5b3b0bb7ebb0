/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of openairealtime without a stream: messages, and audio that is kept. */
#include <json-glib/json-glib.h>
#include <string.h>

#include "openai-realtime-audio.h"
#include "openai-realtime-message.h"

#define AUDIO_MS 8 /* bytes a ms */

/* ---- messages ---- */

static const struct {
  const gchar *type;
  RealtimeKind kind;
} kinds[] = {
  { "input_audio_buffer.speech_started", REALTIME_SPEECH_STARTED },
  { "input_audio_buffer.speech_stopped", REALTIME_SPEECH_STOPPED },
  { "conversation.item.input_audio_transcription.completed", REALTIME_USER_TRANSCRIPT },
  { "conversation.item.input_audio_transcription.failed", REALTIME_USER_TRANSCRIPT_FAILED },
  { "response.output_audio.delta", REALTIME_AUDIO },
  { "response.output_audio_transcript.delta", REALTIME_TEXT },
  { "response.function_call_arguments.done", REALTIME_FUNCTION_CALL },
  { "response.done", REALTIME_RESPONSE_DONE },
  { "error", REALTIME_ERROR },
};

static RealtimeKind
find_kind(const gchar *type)
{
  for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
    if (g_str_equal(kinds[i].type, type))
      return kinds[i].kind;
  return REALTIME_OTHER;
}

/* Every event of which the vendor gives an example is understood or passed over; a part of one is
 * an error. */
static void
test_examples(void)
{
  g_autofree gchar *path =
      g_build_filename(g_getenv("CORDBOARD_TEST_DATA"), "openai", "realtime-examples.json", NULL);
  g_autoptr(JsonParser) parser = json_parser_new();
  JsonArray *examples;

  g_assert_true(json_parser_load_from_file(parser, path, NULL));
  examples = json_node_get_array(json_parser_get_root(parser));
  g_assert_cmpuint(json_array_get_length(examples), >, 30);
  for (guint i = 0; i < json_array_get_length(examples); i++) {
    JsonObject *object = json_array_get_object_element(examples, i);
    g_autofree gchar *text = json_to_string(json_array_get_element(examples, i), FALSE);
    g_autoptr(GError) error = NULL;
    g_autoptr(RealtimeMessage) message = realtime_message_parse(text, strlen(text), &error);

    g_assert_no_error(error);
    g_assert_cmpint(message->kind, ==, find_kind(json_object_get_string_member(object, "type")));
    for (gsize length = 0; length < strlen(text); length++)
      g_assert_null(realtime_message_parse(text, length, NULL));
  }
}

static RealtimeMessage *
parse(const gchar *text)
{
  g_autoptr(GError) error = NULL;
  RealtimeMessage *message = realtime_message_parse(text, strlen(text), &error);

  g_assert_no_error(error);
  return message;
}

static void
test_members(void)
{
  g_autoptr(RealtimeMessage) stopped = parse(
      "{\"type\":\"input_audio_buffer.speech_stopped\",\"audio_end_ms\":2000,\"item_id\":\"i\"}");
  g_autoptr(RealtimeMessage) audio = parse("{\"type\":\"response.audio.delta\",\"response_id\":"
                                           "\"r\",\"item_id\":\"i\",\"delta\":\"AAEC\"}");
  g_autoptr(RealtimeMessage) done = parse(
      "{\"type\":\"response.done\",\"response\":{\"id\":\"r\",\"status\":\"failed\","
      "\"status_details\":{\"error\":{\"type\":\"t\",\"message\":\"m\"}},\"output\":[7,{\"type\":"
      "\"function_call\",\"call_id\":\"c\",\"name\":\"f\"}],\"usage\":{\"input_tokens\":1,"
      "\"output_tokens\":2}}}");
  const RealtimeCall *call = done->calls->pdata[0];

  g_assert_cmpstr(stopped->item, ==, "i");
  g_assert_cmpuint(stopped->ms, ==, 2000);
  g_assert_cmpstr(audio->response, ==, "r");
  g_assert_cmpmem(audio->audio, audio->size, "\0\1\2", 3);
  g_assert_cmpstr(done->response, ==, "r");
  g_assert_cmpstr(done->status, ==, "failed");
  g_assert_cmpstr(done->problem, ==, "t");
  g_assert_cmpstr(done->description, ==, "m");
  g_assert_false(done->refused);
  g_assert_cmpint(done->input_tokens, ==, 1);
  g_assert_cmpint(done->output_tokens, ==, 2);
  g_assert_cmpuint(done->calls->len, ==, 1);
  g_assert_cmpstr(call->id, ==, "c");
  g_assert_cmpstr(call->arguments, ==, "{}");
}

/* ---- audio ---- */

static void
push(RealtimeAudio *audio, guint8 value, guint ms)
{
  g_autofree guint8 *bytes = g_malloc(ms * AUDIO_MS);

  memset(bytes, value, ms * AUDIO_MS);
  realtime_audio_push(audio, bytes, ms * AUDIO_MS, 1000 * AUDIO_MS);
}

/* "1 2 3": what is sent next, until there is no more */
static gchar *
take_all(RealtimeAudio *audio)
{
  GString *text = g_string_new(NULL);
  GBytes *bytes;

  while ((bytes = realtime_audio_take(audio)))
    g_string_append_printf(text, "%s%u", text->len > 0 ? " " : "",
                           *(const guint8 *)g_bytes_get_data(bytes, NULL));
  return g_string_free(text, FALSE);
}

static void
assert_takes(RealtimeAudio *audio, const gchar *expected)
{
  g_autofree gchar *text = take_all(audio);

  g_assert_cmpstr(text, ==, expected);
}

/* What was understood is not said again; what came after it is. */
static void
test_settled(void)
{
  RealtimeAudio audio;

  realtime_audio_init(&audio);
  for (guint8 i = 1; i <= 5; i++)
    push(&audio, i, 20);
  assert_takes(&audio, "1 2 3 4 5");
  realtime_audio_mark(&audio, 50 * AUDIO_MS);
  realtime_audio_settle(&audio);
  realtime_audio_rewind(&audio);
  assert_takes(&audio, "3 4 5");
  /* the next connection counts from what it was sent */
  realtime_audio_mark(&audio, 20 * AUDIO_MS);
  realtime_audio_settle(&audio);
  realtime_audio_rewind(&audio);
  assert_takes(&audio, "4 5");
  realtime_audio_mark(&audio, G_MAXUINT32);
  realtime_audio_settle(&audio);
  g_assert_cmpuint(audio.size, ==, 0);
  realtime_audio_clear(&audio);
}

/* Too much is kept of the end, and what was not sent is not settled. */
static void
test_limits(void)
{
  RealtimeAudio audio;

  realtime_audio_init(&audio);
  for (guint8 i = 1; i <= 60; i++)
    push(&audio, i, 100);
  g_assert_cmpuint(audio.size, ==, 1000 * AUDIO_MS);
  realtime_audio_mark(&audio, G_MAXUINT32);
  realtime_audio_settle(&audio);
  assert_takes(&audio, "51 52 53 54 55 56 57 58 59 60");
  g_assert_null(realtime_audio_take(&audio));
  realtime_audio_clear(&audio);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/openai-realtime/the vendor's examples are understood", test_examples);
  g_test_add_func("/openai-realtime/what a message says", test_members);
  g_test_add_func("/openai-realtime/what was understood is not said again", test_settled);
  g_test_add_func("/openai-realtime/of too much audio the end is kept", test_limits);
  return g_test_run();
}
