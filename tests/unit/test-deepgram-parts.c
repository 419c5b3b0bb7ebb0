/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-json.h"
#include "deepgram-message.h"
#include "deepgram-query.h"
#include "deepgram-track.h"

/* The track: what was sent, when it was spoken */

typedef struct {
  GString *sent; /* sizes, and marks as #number */
  GByteArray *bytes;
  gboolean broken;
} Sender;

static gboolean
on_audio(gconstpointer bytes, gsize size, gpointer data)
{
  Sender *sender = data;

  if (sender->broken)
    return FALSE;
  g_string_append_printf(sender->sent, "%zu ", size);
  g_byte_array_append(sender->bytes, bytes, (guint)size);
  return TRUE;
}

static gboolean
on_mark(guint mark, gpointer data)
{
  g_string_append_printf(((Sender *)data)->sent, "#%u ", mark);
  return TRUE;
}

static void
send_track(DeepgramTrack *track, Sender *sender, const gchar *expected)
{
  static const DeepgramTrackFuncs funcs = { on_audio, on_mark };

  deepgram_track_send(track, &funcs, sender);
  g_assert_cmpstr(sender->sent->str, ==, expected);
  g_string_truncate(sender->sent, 0);
}

static void
add(DeepgramTrack *track, guint ms, guint duration_ms, guint8 value)
{
  gsize size = duration_ms * 8;
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, size, NULL);

  gst_buffer_memset(buffer, 0, value, size);
  GST_BUFFER_PTS(buffer) = ms * GST_MSECOND;
  deepgram_track_add(track, buffer);
  gst_buffer_unref(buffer);
}

#define assert_running(track, ms, expected_ms)                                                     \
  g_assert_cmpuint(deepgram_track_to_running(track, (ms)*GST_MSECOND), ==,                         \
                   (expected_ms)*GST_MSECOND)

static void
test_track(void)
{
  const CordSttFormat format = { 8000, TRUE };
  DeepgramTrack *track = deepgram_track_new(&format, 40, 1000);
  Sender sender = { g_string_new(NULL), g_byte_array_new(), FALSE };

  add(track, 100, 20, 1);
  send_track(track, &sender, ""); /* less than a message */
  add(track, 120, 20, 2);
  send_track(track, &sender, "320 ");
  /* what was not spoken takes no time of the service */
  add(track, 1000, 20, 3);
  deepgram_track_add_mark(track, 7);
  send_track(track, &sender, "160 #7 ");
  assert_running(track, 0, 100);
  assert_running(track, 39, 139);
  assert_running(track, 40, 1000);
  assert_running(track, 50, 1010);
  /* another connection: what is not settled goes again, and its time begins anew */
  deepgram_track_settle(track, 20 * GST_MSECOND);
  deepgram_track_rewind(track);
  g_byte_array_set_size(sender.bytes, 0);
  send_track(track, &sender, "320 #7 ");
  g_assert_cmpuint(sender.bytes->data[0], ==, 2);
  assert_running(track, 0, 120);
  assert_running(track, 20, 1000);
  deepgram_track_drop_mark(track, 7);
  deepgram_track_rewind(track);
  sender.broken = TRUE;
  send_track(track, &sender, "");
  sender.broken = FALSE;
  send_track(track, &sender, "320 ");
  g_string_free(sender.sent, TRUE);
  g_byte_array_unref(sender.bytes);
  deepgram_track_free(track);
}

static void
test_track_is_bounded(void)
{
  const CordSttFormat format = { 8000, TRUE };
  DeepgramTrack *track = deepgram_track_new(&format, 20, 1000);
  Sender sender = { g_string_new(NULL), g_byte_array_new(), FALSE };

  for (guint i = 0; i < 100; i++)
    add(track, i * 20, 20, (guint8)i);
  g_assert_cmpuint(deepgram_track_get_position(track), ==, 2 * GST_SECOND);
  send_track(track, &sender, "2000 2000 2000 2000 ");
  /* the last second is there */
  g_assert_cmpuint(sender.bytes->data[0], ==, 50);
  assert_running(track, 0, 1000);
  deepgram_track_trim(track, 100);
  deepgram_track_rewind(track);
  send_track(track, &sender, "800 ");
  assert_running(track, 0, 1900);
  g_string_free(sender.sent, TRUE);
  g_byte_array_unref(sender.bytes);
  deepgram_track_free(track);
}

static void
test_silence_takes_no_time(void)
{
  const CordSttFormat format = { 16000, FALSE };
  DeepgramTrack *track = deepgram_track_new(&format, 20, 1000);
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, 640, NULL);

  GST_BUFFER_PTS(buffer) = 0;
  deepgram_track_add(track, buffer);
  deepgram_track_add_silence(track, 80);
  GST_BUFFER_PTS(buffer) = 20 * GST_MSECOND;
  deepgram_track_add(track, buffer);
  assert_running(track, 10, 10);
  assert_running(track, 100, 20);
  assert_running(track, 110, 30);
  gst_buffer_unref(buffer);
  deepgram_track_free(track);
}

/* The query */

static void
test_query(void)
{
  DeepgramOptions options = {
    .base_url = (gchar *)"https://example.org/",
    .model = (gchar *)"flux-general-multi",
    .keyterms = (gchar *)"a b|\n c|",
    .tag = (gchar *)"x&y",
    .parameters = (gchar *)"redact=numbers",
    .eot_threshold = 0.85,
    .eager_eot_threshold = 0.4,
    .eot_timeout_ms = 4000,
    .numerals = TRUE,
    .smart_format = TRUE,
  };
  const CordSttFormat format = { 16000, FALSE };
  g_autofree gchar *flux = deepgram_build_url(&options, &format, "de-AT");
  g_autofree gchar *nova = NULL;

  g_assert_cmpstr(flux, ==,
                  "wss://example.org/v2/listen?model=flux-general-multi&encoding=linear16&"
                  "sample_rate=16000&eot_threshold=0.85&eager_eot_threshold=0.4&eot_timeout_ms=4000"
                  "&numerals=true&keyterm=a%20b&keyterm=c&language_hint=de&tag=x%26y&"
                  "redact=numbers");
  options.base_url = (gchar *)"ws://127.0.0.1:1";
  options.model = (gchar *)"nova-2-phonecall";
  options.tag = options.parameters = NULL;
  nova = deepgram_build_url(&options, &format, NULL);
  g_assert_cmpstr(nova, ==,
                  "ws://127.0.0.1:1/v1/listen?model=nova-2-phonecall&encoding=linear16&"
                  "sample_rate=16000&channels=1&smart_format=true&numerals=true&endpointing=false&"
                  "keywords=a%20b&keywords=c");
}

/* The messages */

static void
test_message(void)
{
  static const gchar *const text =
      "{\"type\":\"Results\",\"start\":5.99,\"duration\":1.98,\"is_final\":false,\"speech_final\":"
      "true,\"channel\":{\"alternatives\":[{\"transcript\":\"hello\",\"confidence\":0.5,"
      "\"languages\":[\"de\"],\"words\":[{\"word\":\"hello\",\"start\":6,\"end\":6.3,"
      "\"punctuated_word\":\"Hello.\"},{\"word\":\"\"},7,{\"start\":1}]}]}}";
  g_autoptr(DeepgramMessage) message = deepgram_message_parse(text, strlen(text), NULL);

  g_assert_cmpint(message->kind, ==, DEEPGRAM_RESULTS);
  g_assert_true(message->is_final); /* follows from speech_final */
  g_assert_cmpuint(message->start, ==, 5990 * GST_MSECOND);
  g_assert_cmpuint(message->end, ==, 7970 * GST_MSECOND);
  g_assert_cmpuint(deepgram_message_count_words(message), ==, 1);
  g_assert_cmpstr(deepgram_message_get_word(message, 0)->text, ==, "Hello.");
  g_assert_cmpfloat(deepgram_message_get_word(message, 0)->confidence, <, 0);
  g_assert_cmpstr(message->language, ==, "de");
}

/* No byte of a message may be missing. */
static void
test_message_cut(void)
{
  static const gchar *const text =
      "{\"type\":\"TurnInfo\",\"event\":\"EndOfTurn\",\"turn_index\":3,\"audio_window_end\":1.5,"
      "\"transcript\":\"so\",\"words\":[{\"word\":\"so\",\"confidence\":0.5}]}";
  g_autoptr(DeepgramMessage) message = deepgram_message_parse(text, strlen(text), NULL);

  g_assert_cmpint(message->event, ==, DEEPGRAM_TURN_END);
  g_assert_cmpint(message->turn, ==, 3);
  for (gsize length = 0; length < strlen(text); length++)
    g_assert_null(deepgram_message_parse(text, length, NULL));
}

/* A recorded transcript of a file, in the words of a stream: the alternatives are the same. */
static void
test_message_recorded(void)
{
  g_autofree gchar *path = g_build_filename(g_getenv("CORDBOARD_TEST_DATA"), "deepgram",
                                            "vercel-ai.deepgram-transcription.json", NULL);
  g_autofree gchar *text = NULL;
  g_autofree gchar *channel = NULL;
  g_autofree gchar *json = NULL;
  g_autoptr(JsonObject) root = NULL;
  g_autoptr(DeepgramMessage) message = NULL;
  JsonArray *channels;

  g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
  root = cord_json_parse_object(text, -1, NULL);
  channels = cord_json_peek_array(cord_json_peek_object(root, "results"), "channels");
  channel = cord_json_print_object(json_array_get_object_element(channels, 0));
  json = g_strdup_printf("{\"type\":\"Results\",\"start\":0,\"duration\":36.744,\"is_final\":true,"
                         "\"channel\":%s}",
                         channel);
  message = deepgram_message_parse(json, strlen(json), NULL);
  g_assert_true(g_str_has_prefix(message->text, "galileo was an american robotic space program"));
  g_assert_cmpuint(deepgram_message_count_words(message), >, 60);
  g_assert_cmpstr(deepgram_message_get_word(message, 0)->text, ==, "galileo");
  g_assert_cmpuint(deepgram_message_get_word(message, 0)->start, ==, 160 * GST_MSECOND);
  g_assert_cmpfloat_with_epsilon(message->confidence, 0.99902344, 1e-6);
}

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/deepgram/the track knows what was spoken when", test_track);
  g_test_add_func("/deepgram/the track is bounded", test_track_is_bounded);
  g_test_add_func("/deepgram/silence that is made up takes no time", test_silence_takes_no_time);
  g_test_add_func("/deepgram/the query", test_query);
  g_test_add_func("/deepgram/a message", test_message);
  g_test_add_func("/deepgram/a message that is cut is an error", test_message_cut);
  g_test_add_func("/deepgram/a recorded transcript", test_message_recorded);
  return g_test_run();
}
