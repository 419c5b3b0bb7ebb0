/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stt-rig.h"

#include <poll.h>
#include <string.h>

#define WHISPER "model-id=whisper-1 preconnect=false"
#define STREAM "model-id=gpt-4o-transcribe preconnect=false"

static void
setup(SttRig *f, gconstpointer data)
{
  stt_rig_init(f, "openaistt", "/v1", data);
}

static void
teardown(SttRig *f, gconstpointer data)
{
  stt_rig_clear(f);
}

static void
say(SttRig *f, guint frames, guint8 value)
{
  stt_rig_start_speech(f);
  stt_rig_push(f, value, frames);
  stt_rig_stop_speech(f);
}

static gboolean
somebody_comes(SttRig *f)
{
  struct pollfd poll_fd = { .fd = f->peer.listener, .events = POLLIN };

  cord_worker_iterate(f->worker);
  return poll(&poll_fd, 1, 0) > 0;
}

/* The body of the request that follows, on a new connection or on the same. */
static gchar *
take_request(SttRig *f, gsize *size)
{
  const gchar *length;

  if (f->peer.fd < 0 || somebody_comes(f))
    http_peer_accept(&f->peer);
  g_free(f->head);
  f->head = http_peer_read_head(&f->peer);
  length = strstr(f->head, "Content-Length: ");
  *size = length ? (gsize)g_ascii_strtoull(length + 16, NULL, 10) : 0;
  return http_peer_read(&f->peer, *size);
}

static void
skip_request(SttRig *f)
{
  gsize size;

  g_free(take_request(f, &size));
}

static void
answer(SttRig *f, const gchar *status, const gchar *type, const gchar *body)
{
  g_autofree gchar *text =
      g_strdup_printf("HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", status,
                      type, strlen(body), body);

  http_peer_write(&f->peer, text);
}

static void
answer_json(SttRig *f, const gchar *body)
{
  answer(f, "200 OK", "application/json", body);
}

/* Until the utterance has its end */
static gchar *
await_end(SttRig *f)
{
  g_autoptr(GString) events = g_string_new(NULL);

  for (;;) {
    g_autofree gchar *text = stt_rig_take_text(f);
    g_autofree gchar *more = stt_rig_take_events(f);

    g_string_append(events, more);
    if (text)
      return g_strconcat(events->str, text, NULL);
    if (strstr(events->str, "=''"))
      return g_strdup(events->str);
    g_main_context_iteration(cord_worker_get_main_context(f->worker), TRUE);
  }
}

static void
assert_end(SttRig *f, const gchar *expected)
{
  g_autofree gchar *end = await_end(f);

  g_assert_cmpstr(end, ==, expected);
  g_assert_null(stt_rig_take_text(f));
}

static const gchar *
find_part(const gchar *body, gsize size, const gchar *name)
{
  g_autofree gchar *head = g_strdup_printf("name=\"%s\"", name);
  const gchar *at = memmem(body, size, head, strlen(head));

  return at ? strstr(at, "\r\n\r\n") + 4 : NULL;
}

static void
assert_part(const gchar *body, gsize size, const gchar *name, const gchar *value)
{
  const gchar *part = find_part(body, size, name);

  g_assert_nonnull(part);
  g_assert_true(g_str_has_prefix(part, value) && part[strlen(value)] == '\r');
}

static void
test_request(SttRig *f, gconstpointer data)
{
  g_autofree gchar *body = NULL;
  const gchar *wav;
  gsize size;

  say(f, 50, 1);
  body = take_request(f, &size);
  g_assert_true(g_str_has_prefix(f->head, "POST /v1/audio/transcriptions HTTP/1.1\r\n"));
  g_assert_nonnull(strstr(f->head, "\r\nAuthorization: Bearer " STT_RIG_KEY "\r\n"));
  g_assert_nonnull(strstr(f->head, "\r\nContent-Type: multipart/form-data; boundary="));
  assert_part(body, size, "model", "whisper-1");
  assert_part(body, size, "language", "en");
  assert_part(body, size, "prompt", "Cordboard");
  assert_part(body, size, "temperature", "0.2");
  assert_part(body, size, "response_format", "verbose_json");
  assert_part(body, size, "timestamp_granularities[]", "word");
  g_assert_null(find_part(body, size, "stream"));
  g_assert_nonnull(memmem(body, size, "filename=\"utterance.wav\"", 24));
  wav = find_part(body, size, "file");
  g_assert_cmpmem(wav, 4, "RIFF", 4);
  g_assert_cmpmem(wav + 8, 8, "WAVEfmt ", 8);
  /* a second of PCM */
  g_assert_cmpuint((guint8)wav[40] | (guint8)wav[41] << 8, ==, 16000);
  for (guint i = 0; i < 8000; i++)
    g_assert_cmpint((gint16)((guint8)wav[44 + 2 * i] | (guint8)wav[45 + 2 * i] << 8), ==,
                    cord_g711_decode_sample(1));
  answer_json(f, "{\"text\":\"hello\"}");
  assert_end(f, "+;-;hello");
}

static void
test_word_times(SttRig *f, gconstpointer data)
{
  g_autoptr(GstBuffer) buffer = NULL;
  const CordWord *words;
  guint n;

  say(f, 5, STT_RIG_SILENCE);
  say(f, 50, 1);
  skip_request(f);
  answer_json(f, "{\"task\":\"transcribe\",\"language\":\"english\",\"duration\":1.0,\"text\":"
                 "\" Hello there. \",\"words\":[{\"word\":\"Hello\",\"start\":0.1,\"end\":0.5},{"
                 "\"word\":\"there.\",\"start\":0.5,\"end\":0.9}],\"segments\":[{\"text\":\" Hello "
                 "there.\",\"avg_logprob\":-0.1,\"no_speech_prob\":0.01}]}");
  while ((buffer = gst_harness_try_pull(f->harness)) == NULL)
    g_main_context_iteration(cord_worker_get_main_context(f->worker), TRUE);
  words = cord_transcript_get_words(cord_buffer_get_transcript(buffer), &n);
  g_assert_cmpuint(n, ==, 2);
  g_assert_cmpstr(words[1].text, ==, "there.");
  g_assert_cmpuint(words[1].start, ==, 600 * GST_MSECOND);
  g_assert_cmpuint(words[1].end, ==, 1000 * GST_MSECOND);
  g_assert_cmpfloat_with_epsilon(cord_transcript_get_confidence(cord_buffer_get_transcript(buffer)),
                                 0.905, 0.001);
  g_assert_cmpstr(cord_transcript_get_language(cord_buffer_get_transcript(buffer)), ==, "english");
}

static void
test_silence(SttRig *f, gconstpointer data)
{
  say(f, 50, STT_RIG_SILENCE);
  assert_end(f, "+;-;='';");
  say(f, 50, 0xf8); /* a hum, far below a voice */
  assert_end(f, "+;-;='';");
  say(f, 4, 1); /* 80 ms: the service would refuse it */
  assert_end(f, "+;-;='';");
  g_assert_false(somebody_comes(f));
}

static void
test_made_up(SttRig *f, gconstpointer data)
{
  say(f, 50, 1);
  skip_request(f);
  answer_json(f, "{\"text\":\" Hello. Thanks for watching!\",\"segments\":[{\"start\":0,\"end\":1,"
                 "\"text\":\" Hello.\",\"avg_logprob\":-0.2,\"no_speech_prob\":0.1},{\"start\":1,"
                 "\"end\":2,\"text\":\" Thanks for watching!\",\"avg_logprob\":-1.3,"
                 "\"no_speech_prob\":0.9}]}");
  assert_end(f, "+;-;Hello.");
}

static void
test_empty(SttRig *f, gconstpointer data)
{
  say(f, 50, 1);
  skip_request(f);
  answer_json(f, "{\"text\":\"\"}");
  assert_end(f, "+;-;='';");
  g_assert_null(strstr(f->posted->str, "warning"));
}

static void
test_plain_text(SttRig *f, gconstpointer data)
{
  say(f, 50, 1);
  skip_request(f);
  answer(f, "200 OK", "text/plain; charset=UTF-8", " Hello from there.");
  assert_end(f, "+;-;Hello from there.");
}

#define STREAM_HEAD                                                                                \
  "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"

static void
test_stream(SttRig *f, gconstpointer data)
{
  g_autofree gchar *body = NULL;
  gsize size;

  say(f, 50, 1);
  body = take_request(f, &size);
  assert_part(body, size, "stream", "true");
  assert_part(body, size, "response_format", "json");
  http_peer_write(&f->peer, STREAM_HEAD
                  ": hello\r\n\r\ndata:{\"type\":\"transcript.text.delta\",\"delta\":\"I see\"}\r\n"
                  "\r\ndata: {\"type\":\"transcript.text.delta\",\"delta\":\" skies\"}\n\n"
                  "data: {\"type\":\"transcript.text.weather\"}\n\ndata: nonsense\n\n"
                  "data: {\"type\":\"transcript.text.done\",\"text\":\"I see skies.\"}\n\n");
  http_peer_hang_up(&f->peer);
  assert_end(f, "+;-;'I see';'I see skies';I see skies.");
}

static void
test_stream_ignored(SttRig *f, gconstpointer data)
{
  say(f, 50, 1);
  skip_request(f);
  answer_json(f, "{\"text\":\"hello\",\"usage\":{\"type\":\"tokens\"}}");
  assert_end(f, "+;-;hello");
}

/* Each of them is asked again, and has an answer then. */
static void
test_stream_breaks(SttRig *f, gconstpointer data)
{
  static const gchar *const streams[] = {
    "",
    "data: {\"type\":\"transcript.text.delta\",\"delta\":\"I see\"}\n\n",
    "data: {\"type\":\"transcript.text.done\",\"te",
    "data: {\"error\":{\"message\":\"not " STT_RIG_KEY "\"}}\n\n",
  };

  for (guint i = 0; i < G_N_ELEMENTS(streams); i++) {
    g_autofree gchar *end = NULL;

    say(f, 50, 1);
    skip_request(f);
    http_peer_write(&f->peer, STREAM_HEAD);
    http_peer_write(&f->peer, streams[i]);
    http_peer_hang_up(&f->peer);
    while (!somebody_comes(f))
      cord_worker_advance(f->worker, 10 * GST_MSECOND);
    skip_request(f);
    answer_json(f, "{\"text\":\"hello\"}");
    end = await_end(f);
    g_assert_true(g_str_has_suffix(end, ";hello"));
    http_peer_hang_up(&f->peer);
  }
}

static void
test_kept_connection(SttRig *f, gconstpointer data)
{
  /* the connection that was made while it rang */
  skip_request(f);
  g_assert_true(g_str_has_prefix(f->head, "GET /v1/models HTTP/1.1\r\n"));
  answer_json(f, "{\"object\":\"list\",\"data\":[]}");
  stt_rig_wait(f, "up;");
  for (guint i = 0; i < 3; i++) {
    say(f, 50, 1);
    g_assert_false(somebody_comes(f));
    skip_request(f);
    answer_json(f, "{\"text\":\"hello\"}");
    g_free(await_end(f));
  }
}

static void
test_bad_key(SttRig *f, gconstpointer data)
{
  skip_request(f);
  answer(f, "401 Unauthorized", "application/json",
         "{\"error\":{\"message\":\"Incorrect API key provided: " STT_RIG_KEY
         "\",\"type\":\"invalid_request_error\",\"code\":\"invalid_api_key\"}}");
  stt_rig_wait(f, "failed for good;error;");
  say(f, 50, 1);
  assert_end(f, "+;-;='';");
  g_assert_false(somebody_comes(f));
}

static void
test_in_order(SttRig *f, gconstpointer data)
{
  int first;

  say(f, 50, 1);
  skip_request(f);
  first = f->peer.fd;
  f->peer.fd = -1;
  say(f, 50, 2);
  skip_request(f);
  answer_json(f, "{\"text\":\"second\"}");
  cord_worker_iterate(f->worker);
  g_assert_null(stt_rig_take_text(f));
  http_peer_hang_up(&f->peer);
  f->peer.fd = first;
  answer_json(f, "{\"text\":\"first\"}");
  g_free(await_end(f));
  stt_rig_assert_text(f, "second");
}

static void
test_cancelled(SttRig *f, gconstpointer data)
{
  say(f, 50, 1);
  skip_request(f);
  gst_harness_push_event(f->harness, gst_event_new_flush_start());
  gst_harness_push_event(f->harness, gst_event_new_flush_stop(FALSE));
  g_assert_true(http_peer_is_gone(&f->peer));
}

/* Answers that are none: how often it is asked, and how it ends */

typedef struct {
  const gchar *name;
  const gchar *head; /* status line and headers */
  const gchar *body;
  guint asked;
  const gchar *posted;
} Trouble;

#define LOST "lost;warning;"
#define FAILED "failed for good;error;warning;"

static const Trouble troubles[] = {
  { "400 too short", "400 Bad Request",
    "{\"error\":{\"message\":\"Audio file is too short\",\"code\":\"audio_too_short\"}}", 1, LOST },
  { "401", "401 Unauthorized", "{\"error\":{\"message\":\"no " STT_RIG_KEY "\"}}", 1, FAILED },
  { "402", "402 Payment Required", "{}", 1, FAILED },
  { "403", "403 Forbidden", "", 1, FAILED },
  { "404 model", "404 Not Found",
    "{\"error\":{\"message\":\"The model x does not exist\",\"code\":\"model_not_found\"}}", 1,
    FAILED },
  { "429", "429 Too Many Requests", "{\"error\":{\"code\":\"rate_limit_exceeded\"}}", 3, LOST },
  { "429 with Retry-After", "429 Too Many Requests\r\nRetry-After: 1", "", 3, LOST },
  { "429 with retry-after-ms", "429 Too Many Requests\r\nretry-after-ms: 900", "", 3, LOST },
  { "429 that asks for too much", "429 Too Many Requests\r\nRetry-After: 60", "", 1, LOST },
  { "429 without credit", "429 Too Many Requests",
    "{\"error\":{\"message\":\"You exceeded your current quota\",\"type\":\"insufficient_quota\","
    "\"code\":\"insufficient_quota\"}}",
    1, FAILED },
  { "500 with a page", "500 Internal Server Error\r\nContent-Type: text/html", "<html>no</html>", 3,
    LOST },
  { "503", "503 Service Unavailable", "", 3, LOST },
  { "200 with a page", "200 OK\r\nContent-Type: text/html", "<html>no</html>", 3, LOST },
  { "200 with an error", "200 OK\r\nContent-Type: application/json",
    "{\"error\":{\"message\":\"oh\"}}", 3, LOST },
  { "200 without text", "200 OK\r\nContent-Type: application/json", "{}", 3, LOST },
  { "200 with half a document", "200 OK\r\nContent-Type: application/json", "{\"text\":\"he", 3,
    LOST },
  { "a redirection", "302 Found\r\nLocation: http://127.0.0.1:1/", "", 1, NULL },
};

static void
setup_trouble(SttRig *f, gconstpointer data)
{
  stt_rig_init(f, "openaistt", "/v1", WHISPER " final-timeout=60000");
}

static void
test_trouble(SttRig *f, gconstpointer data)
{
  const Trouble *trouble = data;
  g_autofree gchar *text = g_strdup_printf("HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s",
                                           trouble->head, strlen(trouble->body), trouble->body);
  g_autofree gchar *events = NULL;
  GString *seen = g_string_new(NULL);
  guint asked = 0;

  say(f, 50, 1);
  while (strstr(seen->str, "=''") == NULL) {
    g_autofree gchar *more = NULL;

    if (somebody_comes(f)) {
      skip_request(f);
      http_peer_write(&f->peer, text);
      http_peer_hang_up(&f->peer);
      asked++;
    }
    cord_worker_iterate(f->worker);
    cord_worker_advance(f->worker, 20 * GST_MSECOND);
    more = stt_rig_take_events(f);
    g_string_append(seen, more);
    g_assert_cmpuint(cord_worker_get_time(f->worker), <, 3600 * GST_SECOND);
  }
  if (trouble->posted)
    g_assert_cmpuint(asked, ==, trouble->asked);
  if (trouble->posted)
    g_assert_cmpstr(f->posted->str, ==, trouble->posted);
  g_assert_null(stt_rig_take_text(f));
  g_string_free(seen, TRUE);
}

static void
test_slow(SttRig *f, gconstpointer data)
{
  say(f, 50, 1);
  skip_request(f);
  /* the first byte does not come: the deadline of the result passes first */
  cord_worker_advance(f->worker, 2600 * GST_MSECOND);
  assert_end(f, "+;-;='';");
  g_assert_true(http_peer_is_gone(&f->peer));
}

static void
test_no_key(void)
{
  SttRig rig;

  g_unsetenv("OPENAI_API_KEY");
  stt_rig_init(&rig, "openaistt", NULL, "");
  stt_rig_wait(&rig, "failed for good;error;");
  say(&rig, 50, 1);
  assert_end(&rig, "+;-;='';");
  stt_rig_clear(&rig);
}

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
#define ADD(name, properties, func)                                                                \
  g_test_add("/openaistt/" name, SttRig, properties, setup, func, teardown)
  ADD("an utterance is a request with a file", WHISPER " prompt=Cordboard temperature=0.2",
      test_request);
  ADD("words have their times", WHISPER, test_word_times);
  ADD("nothing is sent for silence", WHISPER, test_silence);
  ADD("what the model has made up is dropped", WHISPER, test_made_up);
  ADD("an utterance without words", WHISPER, test_empty);
  ADD("an answer in plain text", WHISPER, test_plain_text);
  ADD("the text is told as it comes", STREAM, test_stream);
  ADD("a server that does not stream", STREAM, test_stream_ignored);
  ADD("a stream that breaks is asked again", STREAM " final-timeout=60000", test_stream_breaks);
  ADD("one connection is made, while it rings", "", test_kept_connection);
  ADD("a wrong key is found out while it rings", "", test_bad_key);
  ADD("results leave in the order of the utterances", WHISPER, test_in_order);
  ADD("a flush ends the request", WHISPER, test_cancelled);
  ADD("a first byte that does not come", WHISPER, test_slow);
  for (guint i = 0; i < G_N_ELEMENTS(troubles); i++) {
    g_autofree gchar *name = g_strdup_printf("/openaistt/trouble: %s", troubles[i].name);

    g_test_add(name, SttRig, &troubles[i], setup_trouble, test_trouble, teardown);
  }
  g_test_add_func("/openaistt/there is no key", test_no_key);
  return g_test_run();
}
