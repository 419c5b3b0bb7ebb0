/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What goes wrong with voices over HTTP, at every step. */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "tts-rig.h"

#define OPENAI "openaitts preconnect=false base-url=http://127.0.0.1:PORT/v1 api-key=KEY"
#define ELEVENLABS                                                                                 \
  "elevenlabstts transport=http preconnect=false base-url=http://127.0.0.1:PORT api-key=KEY"

typedef struct {
  const gchar *name;
  const gchar *launch;
  TtsRigFormat format;
} Voice;

static const Voice voices[] = {
  { "openaitts", OPENAI, TTS_RIG_PCM_24000 },
  { "elevenlabstts", ELEVENLABS, TTS_RIG_MULAW },
};

typedef enum {
  PASSES,   /* it is asked again, and then goes well */
  REFUSES,  /* this text is not spoken, the next one is */
  CUTS,     /* what came is what there is */
  ENDS_ALL, /* nothing will be spoken */
} Outcome;

typedef struct {
  const gchar *name;
  Outcome outcome;
  const gchar *answer; /* after "HTTP/1.1 "; NULL: none */
  guint words;         /* of the text that are heard before */
  gboolean stalls;     /* else it hangs up */
  guint wait_ms;       /* before it is asked again */
} Fault;

#define JSON "\r\nContent-Type: application/json\r\n\r\n"
#define KEY TTS_RIG_KEY

static const Fault faults[] = {
  { "400", REFUSES, "400 Bad Request" JSON "{\"error\":{\"message\":\"no " KEY "\"}}" },
  { "401 with an object", ENDS_ALL,
    "401 Unauthorized" JSON "{\"detail\":{\"status\":\"invalid_api_key\",\"message\":\"Invalid " KEY
    "\"}}" },
  { "401 with a text", ENDS_ALL, "401 Unauthorized" JSON "{\"detail\":\"Invalid " KEY "\"}" },
  { "401 of OpenAI", ENDS_ALL,
    "401 Unauthorized" JSON "{\"error\":{\"message\":\"Incorrect API key provided: " KEY
    "\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"invalid_api_key\"}}" },
  { "402", ENDS_ALL, "402 Payment Required" JSON "{}" },
  { "403", ENDS_ALL,
    "403 Forbidden" JSON "{\"detail\":{\"status\":\"only_for_creator+\",\"message\":\"no\"}}" },
  { "404", ENDS_ALL, "404 Not Found" JSON "{\"error\":{\"code\":\"model_not_found\"}}" },
  { "422 with a list", REFUSES,
    "422 Unprocessable Entity" JSON
    "{\"detail\":[{\"loc\":[\"body\",\"text\"],\"msg\":\"too long\",\"type\":\"value_error\"}]}" },
  { "429", PASSES, "429 Too Many Requests" JSON "{}", .wait_ms = 250 },
  { "429 for two seconds", PASSES, "429 Too Many Requests\r\nRetry-After: 2" JSON "{}",
    .wait_ms = 2000 },
  { "429 for some milliseconds", PASSES, "429 Too Many Requests\r\nretry-after-ms: 700" JSON "{}",
    .wait_ms = 700 },
  { "429 for an hour", REFUSES, "429 Too Many Requests\r\nRetry-After: 3600" JSON "{}" },
  { "429 without credit", ENDS_ALL,
    "429 Too Many Requests" JSON "{\"error\":{\"code\":\"insufficient_quota\"}}" },
  { "500 with a page", PASSES, "500 Internal Server Error\r\nContent-Type: text/html\r\n\r\n<html>",
    .wait_ms = 250 },
  { "503", PASSES, "503 Service Unavailable\r\n\r\n", .wait_ms = 250 },
  { "nothing", PASSES, "200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: 0\r\n\r\n" },
  { "an error that calls itself audio", PASSES,
    "200 OK\r\nContent-Type: audio/mpeg\r\n\r\n"
    "{\"detail\":{\"status\":\"system_busy\",\"message\":\"busy " KEY "\"}}" },
  { "an error with status 200", PASSES,
    "200 OK" JSON "[{\"error\":{\"message\":\"busy " KEY "\"}}]" },
  { "no answer", PASSES },
  { "no answer, and no end", PASSES, .stalls = TRUE, .wait_ms = 4000 },
  { "an end before the first audio", PASSES,
    "200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: 9000\r\n\r\n" },
  { "silence before the first audio", PASSES,
    "200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: 9000\r\n\r\n", .stalls = TRUE },
  { "an end in the middle", CUTS,
    "200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: 9000\r\n\r\n", .words = 1 },
  { "silence in the middle", CUTS,
    "200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: 9000\r\n\r\n", .words = 1,
    .stalls = TRUE },
};

typedef struct {
  const Voice *voice;
  const Fault *fault;
  gboolean second; /* the first sentence goes well */
} Case;

static void
setup(TtsRig *f, gconstpointer data)
{
  const Voice *voice = ((const Case *)data)->voice;

  tts_rig_init(f, TTS_RIG_HTTP, voice->format, voice->launch);
}

static void
teardown(TtsRig *f, gconstpointer data)
{
  tts_rig_clear(f);
}

static gboolean
on_moment(gpointer data)
{
  return G_SOURCE_REMOVE;
}

/* The kernel carries the bytes in its own time, which is not ours. */
static void
pass_time(TtsRig *f)
{
  g_autoptr(GSource) source = g_timeout_source_new(1);

  g_source_set_callback(source, on_moment, NULL, NULL);
  g_source_attach(source, cord_worker_get_main_context(f->worker));
  g_main_context_iteration(cord_worker_get_main_context(f->worker), TRUE);
  g_source_destroy(source);
  cord_worker_advance(f->worker, 20 * GST_MSECOND);
}

static gboolean
is_asked(TtsRig *f)
{
  struct pollfd fds[] = { { f->peer.listener, POLLIN, 0 }, { f->peer.fd, POLLIN, 0 } };
  gchar byte;

  poll(fds, f->peer.fd < 0 ? 1 : 2, 0);
  return fds[0].revents ||
         (f->peer.fd >= 0 && (fds[1].revents & POLLIN) && recv(f->peer.fd, &byte, 1, MSG_PEEK) > 0);
}

static void
await_request(TtsRig *f, const gchar *text)
{
  g_autofree gchar *quoted = g_strdup_printf("\"%s\"", text);

  while (!is_asked(f))
    pass_time(f);
  tts_rig_take_request(f);
  g_assert_nonnull(strstr(f->body, quoted));
}

static void
answer_well(TtsRig *f, guint first, guint last)
{
  tts_rig_begin_answer(f, "audio/mpeg");
  tts_rig_write_words(f, first, last);
  tts_rig_end_answer(f);
}

static void
apply(TtsRig *f, const Fault *fault, guint first_word)
{
  g_autofree gchar *answer = fault->answer ? g_strconcat("HTTP/1.1 ", fault->answer, NULL) : NULL;

  if (answer)
    http_peer_write(&f->peer, answer);
  if (fault->words > 0) {
    g_autofree guint8 *audio = g_malloc(8 * TTS_RIG_WORD_MS * 6);
    gsize size = TTS_RIG_WORD_MS * (f->format == TTS_RIG_MULAW ? 8 : 48);

    memset(audio, (gint)first_word, size);
    g_string_truncate(f->came, 0);
    send(f->peer.fd, audio, size, MSG_NOSIGNAL);
    while (strstr(f->came->str, "audio") == NULL)
      g_main_context_iteration(cord_worker_get_main_context(f->worker), TRUE);
  }
  if (!fault->stalls)
    http_peer_hang_up(&f->peer);
}

static guint
count(TtsRig *f, const gchar *what)
{
  guint n = 0;

  for (const gchar *at = f->posted->str; (at = strstr(at, what)); at++)
    n++;
  return n;
}

static void
await_finish(TtsRig *f)
{
  while (strstr(f->came->str, "finished 1; ") == NULL)
    pass_time(f);
}

/* What is heard of a sentence */
static void
add_words(GString *text, guint first, guint n)
{
  for (guint word = first; word < first + n; word++)
    g_string_append_printf(text, "%s%u:100", text->len > 0 ? " " : "", word);
}

static gchar *
describe(const Case *test)
{
  static const guint heard[] = { [PASSES] = 2, [REFUSES] = 0, [CUTS] = 1, [ENDS_ALL] = 0 };
  GString *text = g_string_new(NULL);
  guint n = heard[test->fault->outcome];
  guint other = test->fault->outcome == ENDS_ALL && !test->second ? 0 : 2;

  add_words(text, 1, test->second ? other : n);
  add_words(text, 3, test->second ? n : other);
  return g_string_free(text, FALSE);
}

/* Two sentences of which one meets the fault; a third one after it. */
static void
test_fault(TtsRig *f, gconstpointer data)
{
  const Case *test = data;
  const Fault *fault = test->fault;
  const gchar *text = test->second ? "w3 w4." : "w1 w2.";
  guint first = test->second ? 3 : 1;
  g_autofree gchar *expected = NULL;
  GstClockTime begin;

  tts_rig_say(f, 1, "w1 w2.");
  tts_rig_say(f, 1, "w3 w4.");
  tts_rig_finish_turn(f, 1);
  if (test->second) {
    await_request(f, "w1 w2.");
    answer_well(f, 1, 2);
  }
  await_request(f, text);
  begin = cord_worker_get_time(f->worker);
  apply(f, fault, first);
  if (fault->outcome == PASSES) {
    await_request(f, text);
    g_assert_cmpuint(cord_worker_get_time(f->worker) - begin, >=, fault->wait_ms * GST_MSECOND);
    answer_well(f, first, first + 1);
  }
  if (fault->outcome == ENDS_ALL) {
    g_string_truncate(f->posted, 0);
    tts_rig_wait(f, "failed for good;warning;");
  }
  if (!test->second) {
    await_request(f, "w3 w4.");
    if (fault->outcome == ENDS_ALL)
      apply(f, fault, 3);
    else
      answer_well(f, 3, 4);
  }
  await_finish(f);
  g_assert_cmpuint(count(f, "error"), ==, 0);
  if (fault->outcome == PASSES)
    g_assert_cmpuint(count(f, "lost") + count(f, "warning"), ==, 0);
  if (fault->outcome == REFUSES)
    g_assert_cmpuint(count(f, "lost;warning;"), ==, 1);
  if (fault->outcome == CUTS)
    g_assert_cmpuint(count(f, "warning;"), ==, 1);
  expected = describe(test);
  tts_rig_assert_audio(f, expected);
  g_assert_false(is_asked(f));
}

/* Three times, and no more */
static void
test_is_given_up(TtsRig *f, gconstpointer data)
{
  tts_rig_say(f, 1, "w1 w2.");
  tts_rig_finish_turn(f, 1);
  for (guint i = 0; i < 3; i++) {
    await_request(f, "w1 w2.");
    http_peer_write(&f->peer, "HTTP/1.1 503 Service Unavailable\r\n\r\n");
    http_peer_hang_up(&f->peer);
  }
  await_finish(f);
  g_assert_cmpstr(f->posted->str, ==, "lost;warning;");
  tts_rig_assert_audio(f, "");
  for (guint i = 0; i < 100; i++)
    pass_time(f);
  g_assert_false(is_asked(f));
}

/* Half a sample at the end of one is not the beginning of the next. */
static void
test_odd_end(TtsRig *f, gconstpointer data)
{
  tts_rig_say(f, 1, "w1.");
  tts_rig_say(f, 1, "w2.");
  await_request(f, "w1.");
  tts_rig_begin_answer(f, "audio/mpeg");
  tts_rig_write_words(f, 1, 1);
  tts_rig_write(f, "\x09", 1);
  tts_rig_end_answer(f);
  await_request(f, "w2.");
  answer_well(f, 2, 2);
  tts_rig_await_audio(f, f->format == TTS_RIG_MULAW ? "1:100 9:0 2:100" : "1:100 2:100");
}

static const gchar *
find_end(const gchar *bytes)
{
  return strstr(bytes, "\r\n\r\n") + 4;
}

/* Whatever pieces an answer comes in, it is the same sound. */
static void
test_cut_anywhere(TtsRig *f, gconstpointer data)
{
  static const gchar answer[] = "HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\n"
                                "Transfer-Encoding: chunked\r\n\r\n"
                                "3\r\nabc\r\n5\r\ndefgh\r\n0\r\n\r\n";
  const gsize length = strlen(answer);

  for (gsize cut = 1; cut < length; cut++) {
    g_autofree gchar *head = g_strndup(answer, cut);
    guint before = f->audio->len;

    tts_rig_say(f, 1, "w1.");
    await_request(f, "w1.");
    http_peer_write(&f->peer, head);
    for (guint i = 0; i < 2; i++)
      pass_time(f);
    /* what is there of the audio has left */
    if (answer + cut > find_end(answer) + 6)
      g_assert_cmpuint(f->audio->len - before, >=, 2);
    http_peer_write(&f->peer, answer + cut);
    tts_rig_wait(f, "up;");
    g_assert_cmpmem(f->audio->data + before, f->audio->len - before, "abcdefgh", 8);
  }
}

/* An interruption in the wait for the next try is the end of it. */
static void
test_flush_between_tries(TtsRig *f, gconstpointer data)
{
  tts_rig_say(f, 1, "w1.");
  await_request(f, "w1.");
  http_peer_write(&f->peer, "HTTP/1.1 503 Service Unavailable\r\n\r\n");
  http_peer_hang_up(&f->peer);
  for (guint i = 0; i < 5; i++)
    pass_time(f);
  tts_rig_flush(f);
  for (guint i = 0; i < 100; i++)
    pass_time(f);
  g_assert_false(is_asked(f));
  g_assert_cmpstr(f->posted->str, ==, "");
}

static void
add(const Voice *voice, const Fault *fault, gboolean second, const gchar *what,
    void (*func)(TtsRig *f, gconstpointer data))
{
  Case *test = g_new(Case, 1);
  g_autofree gchar *name =
      g_strdup_printf("/tts-http-faults/%s/%s%s", voice->name, fault ? fault->name : what,
                      second ? ", in the second sentence" : "");

  *test = (Case){ voice, fault, second };
  g_test_add_vtable(name, sizeof(TtsRig), test, (GTestFixtureFunc)(void *)setup,
                    (GTestFixtureFunc)(void *)func, (GTestFixtureFunc)(void *)teardown);
}

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  tts_rig_watch_log("elevenlabstts:9,cordttsbase:9");
  for (guint v = 0; v < G_N_ELEMENTS(voices); v++) {
    for (guint i = 0; i < G_N_ELEMENTS(faults); i++) {
      /* what one does in its first sentence and the other in its second, both do in both */
      add(&voices[v], &faults[i], (i + v) % 2 == 1, NULL, test_fault);
    }
    add(&voices[v], NULL, FALSE, "one that never works is given up", test_is_given_up);
    add(&voices[v], NULL, FALSE, "half a sample at the end", test_odd_end);
    add(&voices[v], NULL, FALSE, "an answer that is cut anywhere", test_cut_anywhere);
    add(&voices[v], NULL, FALSE, "an interruption between two tries", test_flush_between_tries);
  }
  return g_test_run();
}
