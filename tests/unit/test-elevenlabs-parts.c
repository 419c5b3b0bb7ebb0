/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is sent to ElevenLabs and read from it, beside the vendor's own description. */
#include <string.h>

#include "api-document.h"
#include "cord-error.h"
#include "elevenlabs-message.h"
#include "elevenlabs-request.h"

typedef struct {
  JsonNode *document;
  ElevenlabsSettings settings;
} Fixture;

static void
setup(Fixture *f, gconstpointer data)
{
  f->document = api_document_load("elevenlabs/asyncapi.messages.json");
  f->settings = (ElevenlabsSettings){
    .base_url = g_strdup("https://api.elevenlabs.io/"),
    .api_key = g_strdup("k"),
    .voice_id = g_strdup("V/1"),
    .model_id = g_strdup("eleven_flash_v2_5"),
    .language_code = g_strdup("de"),
    .rate = 8000,
    .mulaw = TRUE,
    .stability = 0.5,
    .similarity_boost = 0.75,
    .speed = 1,
    .optimize_latency = -1,
  };
}

static void
teardown(Fixture *f, gconstpointer data)
{
  json_node_unref(f->document);
  elevenlabs_settings_clear(&f->settings);
}

static void
assert_is(Fixture *f, const gchar *schema, gchar *message)
{
  g_autofree gchar *text = message;
  g_autoptr(GError) error = NULL;
  g_autoptr(JsonNode) node = json_from_string(text, &error);
  g_autofree gchar *faults = NULL;

  g_assert_no_error(error);
  faults = api_document_check(f->document, schema, node);
  g_test_message("%s: %s", schema, text);
  g_assert_cmpstr(faults, ==, "");
}

static void
test_messages(Fixture *f, gconstpointer data)
{
  assert_is(f, "InitializeConnection", elevenlabs_open_context(&f->settings, NULL));
  assert_is(f, "SendText", elevenlabs_send_text("Gr\xc3\xbc\xc3\x9f \"Gott\". ", NULL, TRUE));
  assert_is(f, "CloseConnection", elevenlabs_close_context(NULL));
  assert_is(f, "InitializeConnectionMulti", elevenlabs_open_context(&f->settings, "t1-1"));
  assert_is(f, "SendTextMulti", elevenlabs_send_text("Hello. ", "t1-1", TRUE));
  assert_is(f, "CloseContext", elevenlabs_close_context("t1-1"));
}

static void
assert_url(Fixture *f, gboolean multi, const gchar *begin, const gchar *schema)
{
  g_autofree gchar *url = elevenlabs_socket_url(&f->settings, multi);
  g_autoptr(GError) error = NULL;
  g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, &error);
  g_autoptr(JsonNode) query = NULL;
  g_autofree gchar *unknown = NULL;

  g_assert_no_error(error);
  g_assert_true(g_str_has_prefix(url, begin));
  query = api_document_from_query(g_uri_get_query(uri));
  unknown = api_document_find_unknown(f->document, schema, query);
  g_assert_cmpstr(unknown, ==, "");
  g_assert_null(strstr(url, "key"));
}

static void
test_addresses(Fixture *f, gconstpointer data)
{
  assert_url(f, TRUE, "wss://api.elevenlabs.io/v1/text-to-speech/V%2F1/multi-stream-input?",
             "MultiStreamInputQuery");
  assert_url(f, FALSE, "wss://api.elevenlabs.io/v1/text-to-speech/V%2F1/stream-input?",
             "StreamInputQuery");
}

/* Every format that may be asked for is one of theirs. */
static void
test_formats(Fixture *f, gconstpointer data)
{
  static const guint rates[] = { 8000, 16000, 22050, 24000, 44100 };

  for (guint i = 0; i <= G_N_ELEMENTS(rates); i++) {
    g_autofree gchar *url = NULL;
    g_autofree gchar *format = NULL;
    g_autofree gchar *quoted = NULL;

    f->settings.mulaw = i == G_N_ELEMENTS(rates);
    f->settings.rate = f->settings.mulaw ? 8000 : rates[i];
    url = elevenlabs_http_url(&f->settings);
    format = g_strdup(strstr(url, "output_format=") + strlen("output_format="));
    format[strcspn(format, "&")] = '\0';
    quoted = g_strdup_printf("\"%s\"", format);
    assert_is(f, "TextToSpeechOutputFormatEnum", g_steal_pointer(&quoted));
  }
}

/* The example of their document */
static void
test_example(Fixture *f, gconstpointer data)
{
  static const gchar text[] =
      "{\"audio\":\"Y3VyaW91cyBtaW5kcyB0aGluayBhbGlrZSA6KQ==\",\"isFinal\":false,"
      "\"normalizedAlignment\":{\"charStartTimesMs\":[0,3,7,9,11,12,13,15,17,19,21],"
      "\"charsDurationsMs\":[3,4,2,2,1,1,2,2,2,2,3],"
      "\"chars\":[\"H\",\"e\",\"l\",\"l\",\"o\",\" \",\"w\",\"o\",\"r\",\"l\",\"d\"]},"
      "\"alignment\":{\"charStartTimesMs\":[0,3,7,9,11,12,13,15,17,19,21],"
      "\"charsDurationsMs\":[3,4,2,2,1,1,2,2,2,2,3],"
      "\"chars\":[\"H\",\"e\",\"l\",\"l\",\"o\",\" \",\"w\",\"o\",\"r\",\"l\",\"d\"]}}";
  g_autoptr(GError) error = NULL;
  g_autoptr(ElevenlabsMessage) message = elevenlabs_message_parse(text, strlen(text), &error);

  g_assert_no_error(error);
  g_assert_cmpmem(message->audio, message->size, "curious minds think alike :)", 28);
  g_assert_cmpstr(message->text, ==, "Hello world");
  g_assert_cmpuint(message->ends[0], ==, 3 * GST_MSECOND);
  g_assert_cmpuint(message->ends[10], ==, 24 * GST_MSECOND);
  g_assert_false(message->final);
  /* cut anywhere it is an error, and nothing worse */
  for (gsize length = 0; length < strlen(text); length++) {
    g_autoptr(GError) problem = NULL;
    g_autofree gchar *part = g_strndup(text, length);

    g_assert_null(elevenlabs_message_parse(part, length, &problem));
    g_assert_error(problem, CORD_ERROR, CORD_ERROR_INVALID);
  }
}

static void
test_many_bytes(Fixture *f, gconstpointer data)
{
  static const gchar text[] = "{\"alignment\":{\"chars\":[\"\xc3\xbc\",\"\xe2\x82\xac\"],"
                              "\"charStartTimesMs\":[0,100],\"charDurationsMs\":[100,50]}}";
  g_autoptr(ElevenlabsMessage) message = elevenlabs_message_parse(text, strlen(text), NULL);
  static const guint ends[] = { 100, 100, 150, 150, 150 };

  g_assert_cmpstr(message->text, ==, "\xc3\xbc\xe2\x82\xac");
  for (guint i = 0; i < G_N_ELEMENTS(ends); i++)
    g_assert_cmpuint(message->ends[i], ==, ends[i] * GST_MSECOND);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
#define ADD(name, func) g_test_add("/elevenlabs-parts/" name, Fixture, NULL, setup, func, teardown)
  ADD("what is sent is what the vendor describes", test_messages);
  ADD("so are the addresses", test_addresses);
  ADD("and the formats", test_formats);
  ADD("the vendor's example is understood", test_example);
  ADD("a character of many bytes ends with all of them", test_many_bytes);
  return g_test_run();
}
