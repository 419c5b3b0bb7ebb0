/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What goes wrong with voices over WebSockets (and what their protocols allow them to say), at
 * every step. */
#include <string.h>

#include "tts-rig.h"
#include "ws-peer.h"

#define SERVER " base-url=http://127.0.0.1:PORT api-key=KEY outage-timeout=20000"

typedef struct {
  const gchar *name;
  const gchar *launch;
  TtsRigDialect dialect;
} Voice;

static const Voice voices[] = {
  { "multi-stream-input", "elevenlabstts" SERVER, TTS_RIG_ELEVENLABS_MULTI },
  { "stream-input", "elevenlabstts transport=stream-input" SERVER, TTS_RIG_ELEVENLABS_SINGLE },
  { "cartesia", "cartesiatts" SERVER, TTS_RIG_CARTESIA },
};
#define N_VOICES 3

typedef enum {
  STEP_FIRST,     /* when the connection has just been made */
  STEP_ASKED,     /* a text was sent, nothing was heard */
  STEP_SPEAKING,  /* some words were heard */
  STEP_AFTER_ONE, /* the first sentence was heard, and the second was asked for */
  STEP_IDLE,      /* the turn is over */
  N_STEPS,
} Step;

static const gchar *const steps[N_STEPS] = {
  "at first", "before the first audio", "in mid-sentence", "between sentences", "between turns",
};

typedef struct {
  const gchar *name;
  guint16 code;
  const gchar *reason;
  const gchar *texts[N_VOICES]; /* a message */
  const gchar *bytes;           /* a frame that is none */
  gboolean stall;
  gboolean once; /* is like another one: in mid-sentence is enough */
} Fault;

#define ALL(text)                                                                                  \
  {                                                                                                \
    text, text, text                                                                               \
  }
#define ELEVENLABS_ERROR(name)                                                                     \
  "{\"message\":\"" TTS_RIG_KEY "\",\"error\":\"" name "\",\"code\":1008}"

static const Fault faults[] = {
  { .name = "close 1000", .code = 1000 },
  { .name = "close 1001", .code = 1001, .once = TRUE },
  { .name = "close 1008 with the key", .code = 1008, .reason = TTS_RIG_KEY },
  { .name = "close 1009", .code = 1009, .once = TRUE },
  { .name = "close 1011", .code = 1011 },
  { .name = "close 1012", .code = 1012, .once = TRUE },
  { .name = "close 1013", .code = 1013, .once = TRUE },
  { .name = "close 4000", .code = 4000, .once = TRUE },
  { .name = "no close frame", .code = 0 },
  { .name = "a frame that is none", .bytes = "\xff\x01" },
  { .name = "text that is no UTF-8", .bytes = "\x81\x01\xff" },
  { .name = "an error and 1008",
    .code = 1008,
    .texts = { ELEVENLABS_ERROR("input_timeout_exceeded"),
               ELEVENLABS_ERROR("input_timeout_exceeded"),
               "{\"type\":\"error\",\"status_code\":500,\"title\":\"Internal " TTS_RIG_KEY
               "\",\"message\":\"oh\",\"error_code\":\"internal\",\"request_id\":\"r\"}" } },
  { .name = "another error",
    .texts = { ELEVENLABS_ERROR("max_active_conversations"), ELEVENLABS_ERROR("system_busy"),
               "{\"type\":\"error\",\"status_code\":429,\"done\":true,\"error\":\"too many "
               "contexts\"}" } },
  { .name = "silence", .stall = TRUE },
};

typedef struct {
  guint voice;
  const Fault *fault;
  Step step;
} Case;

static void
setup(TtsRig *f, gconstpointer data)
{
  const Voice *voice = &voices[((const Case *)data)->voice];

  tts_rig_init(f, voice->dialect, TTS_RIG_MULAW, voice->launch);
}

static void
teardown(TtsRig *f, gconstpointer data)
{
  tts_rig_clear(f);
}

static void
send_close(TtsRig *f, guint16 code, const gchar *reason)
{
  g_autoptr(GByteArray) payload = g_byte_array_new();
  const guint8 bytes[2] = { (guint8)(code >> 8), (guint8)code };

  g_byte_array_append(payload, bytes, 2);
  if (reason)
    g_byte_array_append(payload, (const guint8 *)reason, (guint)strlen(reason));
  tts_rig_send(f, WS_FIN | 8, payload->data, payload->len);
}

static void
break_down(TtsRig *f, guint voice, const Fault *fault)
{
  if (fault->texts[voice])
    tts_rig_tell(f, fault->texts[voice]);
  if (fault->bytes) {
    g_autoptr(GBytes) bytes = g_bytes_new(fault->bytes, strlen(fault->bytes));

    ws_peer_send_bytes(f->peer.fd, bytes);
  }
  if (fault->code)
    send_close(f, fault->code, fault->reason);
  http_peer_hang_up(&f->peer);
}

/* The service breaks and is there again. */
static void
break_and_come_back(TtsRig *f, guint voice, const Fault *fault)
{
  if (fault->stall)
    cord_worker_advance(f->worker, 4100 * GST_MSECOND);
  else
    break_down(f, voice, fault);
  tts_rig_wait(f, "down;");
  cord_worker_advance(f->worker, 900 * GST_MSECOND);
  tts_rig_accept(f);
}

static void
speak_all(TtsRig *f)
{
  tts_rig_listen(f);
  while (f->asked->str[f->spoken])
    tts_rig_speak(f, 1);
  tts_rig_end_piece(f);
}

static guint
count(TtsRig *f, const gchar *text, const gchar *what)
{
  guint n = 0;

  for (const gchar *at = text; (at = strstr(at, what)); at++)
    n++;
  return n;
}

/* The rest would come too late to be one sentence. */
static void
check_stall(TtsRig *f)
{
  cord_worker_advance(f->worker, 3100 * GST_MSECOND);
  tts_rig_wait(f, "warning;");
  if (f->dialect == TTS_RIG_ELEVENLABS_SINGLE)
    tts_rig_upgrade(f);
  while (f->spoken == f->asked->len || strstr(f->asked->str, "w1"))
    tts_rig_listen(f);
  speak_all(f);
  tts_rig_assert_audio(f, "1:100 2:100 4:100 5:100");
  g_assert_cmpstr(f->posted->str, ==, "");
}

/* What was heard is not said again, what was not is. */
static void
test_breaks(TtsRig *f, gconstpointer data)
{
  const Case *test = data;

  tts_rig_accept(f);
  if (test->step == STEP_FIRST)
    break_and_come_back(f, test->voice, test->fault);
  tts_rig_say(f, 1, "w1 w2 w3.");
  tts_rig_say(f, 1, "w4 w5.");
  tts_rig_finish_turn(f, 1);
  if (test->step == STEP_ASKED)
    break_and_come_back(f, test->voice, test->fault);
  if (test->step == STEP_SPEAKING) {
    tts_rig_speak(f, 2);
    if (test->fault->stall) {
      check_stall(f);
      return;
    }
    break_and_come_back(f, test->voice, test->fault);
  }
  speak_all(f);
  if (test->step == STEP_AFTER_ONE)
    break_and_come_back(f, test->voice, test->fault);
  speak_all(f);
  if (test->step == STEP_IDLE) {
    if (f->dialect == TTS_RIG_ELEVENLABS_SINGLE)
      tts_rig_upgrade(f);
    cord_worker_iterate(f->worker);
    break_and_come_back(f, test->voice, test->fault);
  }
  tts_rig_assert_audio(f, "1:100 2:100 3:100 4:100 5:100");
  g_assert_cmpuint(count(f, f->came->str, "finished 1;"), ==, 1);
  g_assert_cmpuint(count(f, f->posted->str, "lost;"), ==, 0);
  g_assert_cmpuint(count(f, f->posted->str, "error;"), ==, 0);
}

/* The connection breaks and does not come back; the turn has its end all the same. */
static void
test_gone(TtsRig *f, gconstpointer data)
{
  tts_rig_accept(f);
  tts_rig_say(f, 1, "w1 w2 w3.");
  tts_rig_say(f, 1, "w4 w5.");
  tts_rig_finish_turn(f, 1);
  tts_rig_speak(f, 1);
  http_peer_clear(&f->peer);
  while (strstr(f->posted->str, "failed;") == NULL) {
    g_main_context_iteration(cord_worker_get_main_context(f->worker), FALSE);
    cord_worker_advance(f->worker, 50 * GST_MSECOND);
  }
  g_assert_cmpuint(count(f, f->came->str, "finished 1;"), ==, 1);
  tts_rig_assert_audio(f, "1:100");
  http_peer_init(&f->peer, f->worker);
}

/* A handshake that is refused */

typedef struct {
  const gchar *answer;
  gboolean final;
  guint wait_ms; /* before it is tried again */
} Refusal;

static const Refusal refusals[] = {
  { "401 Unauthorized\r\n\r\n{\"detail\":{\"status\":\"invalid_api_key\",\"message\":"
    "\"Invalid " TTS_RIG_KEY "\"}}",
    TRUE, 0 },
  { "401 Unauthorized\r\n\r\n{\"detail\":\"" TTS_RIG_KEY "\"}", TRUE, 0 },
  { "402 Payment Required\r\n\r\n{\"error\":\"no credit\"}", TRUE, 0 },
  { "403 Forbidden\r\n\r\n{}", TRUE, 0 },
  { "404 Not Found\r\n\r\n{\"detail\":{\"status\":\"voice_not_found\"}}", TRUE, 0 },
  { "422 Unprocessable Entity\r\n\r\n{\"detail\":[{\"loc\":[\"query\"],\"msg\":\"no\"}]}", TRUE,
    0 },
  { "429 Too Many Requests\r\n\r\n{}", FALSE, 250 },
  { "429 Too Many Requests\r\nRetry-After: 2\r\n\r\n", FALSE, 2000 },
  { "500 Internal Server Error\r\nContent-Type: text/html\r\n\r\n<html>oh</html>", FALSE, 250 },
  { "503 Service Unavailable\r\n\r\n", FALSE, 250 },
  { "200 OK\r\n\r\n", FALSE, 250 },
  { "101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: bm90IHRoYXQ=\r\n\r\n",
    FALSE, 250 },
};

static void
test_refused(TtsRig *f, gconstpointer data)
{
  const Case *test = data;
  const Refusal *refusal = &refusals[test->step];
  g_autofree gchar *answer = g_strdup_printf("HTTP/1.1 %s", refusal->answer);

  tts_rig_say(f, 1, "w1.");
  tts_rig_finish_turn(f, 1);
  tts_rig_refuse(f, answer);
  if (refusal->final) {
    tts_rig_wait(f, "failed for good;warning;");
    tts_rig_say(f, 2, "w2.");
    tts_rig_finish_turn(f, 2);
    cord_worker_advance(f->worker, 60 * GST_SECOND);
    tts_rig_assert_came(f, "mulaw 8000; segment; finished 1; finished 2; ");
    g_assert_false(tts_rig_somebody_comes(f));
    return;
  }
  tts_rig_wait(f, "down;");
  if (refusal->wait_ms > 250) {
    cord_worker_advance(f->worker, (refusal->wait_ms - 350) * GST_MSECOND);
    g_assert_false(tts_rig_somebody_comes(f));
  }
  cord_worker_advance(f->worker, 400 * GST_MSECOND);
  tts_rig_accept(f);
  speak_all(f);
  tts_rig_assert_audio(f, "1:100");
}

/* What they may say */

static const gchar *const odd_elevenlabs[] = {
  "{}",
  "[]",
  "7",
  "",
  "{\"audio\"",
  "{\"audio\":null,\"isFinal\":null}",
  "{\"audio\":\"\",\"contextId\":\"t1-1\"}",
  "{\"audio\":\"!no base 64!\",\"contextId\":\"t1-1\"}",
  "{\"audio\":7,\"contextId\":\"t1-1\"}",
  "{\"audio\":\"CQkJCQ==\",\"contextId\":\"nobody's\"}",
  "{\"audio\":\"CQkJCQ==\",\"contextId\":7}",
  "{\"isFinal\":true,\"contextId\":\"nobody's\"}",
  "{\"isFinal\":\"yes\",\"contextId\":\"t1-1\"}",
  "{\"alignment\":null,\"contextId\":\"t1-1\"}",
  "{\"alignment\":7,\"contextId\":\"t1-1\"}",
  "{\"alignment\":{\"chars\":null},\"contextId\":\"t1-1\"}",
  "{\"alignment\":{\"chars\":[],\"charStartTimesMs\":[1,2]},\"contextId\":\"t1-1\"}",
  "{\"alignment\":{\"chars\":[7,null]},\"contextId\":\"t1-1\"}",
};

static const gchar *const odd_cartesia[] = {
  "{}",
  "[]",
  "7",
  "",
  "{\"type\":\"chunk\"",
  "{\"type\":\"brunch\",\"context_id\":\"t1-1\"}",
  "{\"type\":7,\"context_id\":\"t1-1\"}",
  "{\"type\":\"chunk\",\"context_id\":\"t1-1\",\"data\":\"\"}",
  "{\"type\":\"chunk\",\"context_id\":\"t1-1\",\"data\":null}",
  "{\"type\":\"chunk\",\"context_id\":\"t1-1\",\"data\":\"!no base 64!\"}",
  "{\"type\":\"chunk\",\"context_id\":\"nobody's\",\"data\":\"CQkJCQ==\"}",
  "{\"type\":\"chunk\",\"data\":\"CQkJCQ==\"}",
  "{\"type\":\"done\",\"context_id\":\"nobody's\",\"done\":true}",
  "{\"type\":\"timestamps\",\"context_id\":\"t1-1\"}",
  "{\"type\":\"timestamps\",\"context_id\":\"t1-1\",\"word_timestamps\":{\"words\":[\"w1\",7],"
  "\"end\":[]}}",
  "{\"type\":\"timestamps\",\"context_id\":\"t1-1\",\"word_timestamps\":{\"words\":[7],"
  "\"start\":[0],\"end\":[\"soon\"]}}",
  "{\"type\":\"phoneme_timestamps\",\"context_id\":\"t1-1\",\"phoneme_timestamps\":{}}",
  "{\"type\":\"error\",\"context_id\":\"nobody's\",\"status_code\":400,\"message\":\"no\"}",
};

static void
test_odd_messages(TtsRig *f, gconstpointer data)
{
  gboolean cartesia = f->dialect == TTS_RIG_CARTESIA;
  const gchar *const *odd = cartesia ? odd_cartesia : odd_elevenlabs;
  guint n = cartesia ? G_N_ELEMENTS(odd_cartesia) : G_N_ELEMENTS(odd_elevenlabs);

  tts_rig_accept(f);
  for (guint i = 0; i < n; i++)
    tts_rig_tell(f, odd[i]);
  tts_rig_say(f, 1, "w1 w2.");
  tts_rig_finish_turn(f, 1);
  tts_rig_listen(f);
  for (guint i = 0; i < n; i++) {
    /* without names everything is about the only context */
    if (f->dialect != TTS_RIG_ELEVENLABS_SINGLE ||
        !(strstr(odd[i], "nobody's") || strstr(odd[i], "CQkJ")))
      tts_rig_tell(f, odd[i]);
  }
  tts_rig_send(f, WS_FIN | 2, "what is this", 12);
  speak_all(f);
  tts_rig_assert_audio(f, "1:100 2:100");
  g_assert_cmpuint(count(f, f->came->str, "finished 1;"), ==, 1);
  g_assert_cmpstr(f->posted->str, ==, "");
}

/* A message that comes in pieces is one. */
static void
test_in_pieces(TtsRig *f, gconstpointer data)
{
  g_autofree gchar *audio = tts_rig_make_audio(f, 1, 100);
  g_autofree gchar *json = NULL;
  gsize length;

  tts_rig_accept(f);
  tts_rig_say(f, 1, "w1.");
  tts_rig_listen(f);
  json = g_strdup_printf(f->dialect == TTS_RIG_CARTESIA
                             ? "{\"type\":\"chunk\",\"context_id\":\"t1-1\",\"data\":\"%s\"}"
                             : "{\"audio\":\"%s\",\"contextId\":\"t1-1\"}",
                         audio);
  length = strlen(json);
  tts_rig_send(f, 1, json, 10);
  tts_rig_send(f, 0, json + 10, length - 11);
  tts_rig_send(f, WS_FIN, json + length - 1, 1);
  tts_rig_assert_audio(f, "1:100");
}

static void
say_cut(TtsRig *f, const gchar *json, gsize cut)
{
  g_autoptr(GBytes) frame = ws_peer_make(WS_FIN | 1, FALSE, json, strlen(json));
  const gsize length = g_bytes_get_size(frame);
  g_autoptr(GBytes) head = g_bytes_new_from_bytes(frame, 0, cut);
  g_autoptr(GBytes) rest = g_bytes_new_from_bytes(frame, cut, length - cut);

  ws_peer_send_bytes(f->peer.fd, head);
  cord_worker_iterate(f->worker);
  ws_peer_send_bytes(f->peer.fd, rest);
  cord_worker_iterate(f->worker);
}

/* Wherever the network cuts what is said, it is the same sound. */
static void
test_cut_anywhere(TtsRig *f, gconstpointer data)
{
  const gchar *format =
      f->dialect == TTS_RIG_CARTESIA
          ? "{\"type\":\"chunk\",\"context_id\":\"t1-1\",\"data\":\"CQkJCQ==\",\"done\":false}"
          : "{\"audio\":\"CQkJCQ==\",\"contextId\":\"t1-1\",\"alignment\":{\"chars\":[\"\"]}}";

  tts_rig_accept(f);
  tts_rig_say(f, 1, "w1.");
  tts_rig_listen(f);
  for (gsize cut = 1; cut < strlen(format) + 2; cut++) {
    say_cut(f, format, cut);
    g_assert_cmpuint(f->audio->len, ==, 4 * cut);
  }
}

/* It says that it is done, and gave nothing: it is asked once more, and then left alone. */
static void
test_empty(TtsRig *f, gconstpointer data)
{
  tts_rig_accept(f);
  tts_rig_say(f, 1, "w1.");
  tts_rig_finish_turn(f, 1);
  for (guint i = 0; i < 2; i++) {
    tts_rig_listen(f);
    g_assert_nonnull(strstr(f->asked->str, "w1. "));
    tts_rig_end_piece(f);
    tts_rig_end_context(f);
    cord_worker_advance(f->worker, 1100 * GST_MSECOND);
    if (i > 0)
      break;
    tts_rig_wait(f, "down;");
    cord_worker_advance(f->worker, 900 * GST_MSECOND);
    tts_rig_accept(f);
  }
  tts_rig_wait(f, "lost;warning;");
  tts_rig_assert_came(f, "mulaw 8000; segment; finished 1; ");
}

/* Of a voice that gives no times the end of a piece is the end of its context. */
static void
test_without_times(TtsRig *f, gconstpointer data)
{
  gboolean multi = f->dialect == TTS_RIG_ELEVENLABS_MULTI;

  tts_rig_accept(f);
  tts_rig_say(f, 1, "w1.");
  tts_rig_say(f, 1, "w2.");
  tts_rig_finish_turn(f, 1);
  for (guint word = 1; word <= 2; word++) {
    g_autofree gchar *audio = tts_rig_make_audio(f, word, 50);
    g_autofree gchar *json = NULL;

    tts_rig_listen(f);
    json = g_strdup_printf("{\"audio\":\"%s\",\"alignment\":null,\"contextId\":\"%s\"}", audio,
                           f->context ? f->context : "");
    g_string_truncate(f->got, 0);
    tts_rig_tell(f, json);
    tts_rig_assert_got(f, multi ? (word == 1 ? "close t1-1; " : "close t1-2; ") : "close it; ");
    tts_rig_tell(f, json);
    tts_rig_end_context(f);
    if (!multi)
      tts_rig_upgrade(f);
    while (!multi && word == 1 && f->asked->len == 0) {
      g_main_context_iteration(cord_worker_get_main_context(f->worker), FALSE);
      tts_rig_listen(f);
    }
  }
  tts_rig_assert_came(f, "mulaw 8000; segment; +audio 1 0-50; audio 1 50-100; audio 1 100-150; "
                         "audio 1 150-200; finished 1; ");
  g_assert_cmpstr(f->posted->str, ==, "");
}

/* Half of them is of another spelling. */
static void
test_spellings(TtsRig *f, gconstpointer data)
{
  tts_rig_accept(f);
  tts_rig_say(f, 1, "w1 x.");
  tts_rig_finish_turn(f, 1);
  tts_rig_listen(f);
  tts_rig_tell(f, "{\"audio\":\"AQEBAQEBAQE=\",\"is_final\":false,\"context_id\":\"t1-1\","
                  "\"alignment\":{\"chars\":[\"w\",\"1\",\" \",\"x\",\".\"],"
                  "\"charStartTimesMs\":[0,0,0,0],\"charsDurationsMs\":[1]}}");
  tts_rig_assert_came(f, "mulaw 8000; segment; +audio 1 0-1; finished 1; ");
}

/* A text that it will not speak is no reason to leave it. */
static void
test_bad_text(TtsRig *f, gconstpointer data)
{
  tts_rig_accept(f);
  tts_rig_say(f, 1, "w1.");
  tts_rig_say(f, 1, "w2.");
  tts_rig_listen(f);
  tts_rig_tell(f, "{\"type\":\"error\",\"context_id\":\"t1-1\",\"status_code\":400,\"done\":true,"
                  "\"title\":\"Bad\",\"message\":\"" TTS_RIG_KEY "\"}");
  g_assert_cmpstr(f->posted->str, ==, "lost;warning;");
  tts_rig_listen(f);
  g_assert_cmpstr(f->context, ==, "t1-2");
  speak_all(f);
  tts_rig_assert_audio(f, "2:100");
}

/* What another connection would not change */
static void
test_permanent(TtsRig *f, gconstpointer data)
{
  tts_rig_accept(f);
  tts_rig_say(f, 1, "w1.");
  tts_rig_finish_turn(f, 1);
  tts_rig_listen(f);
  tts_rig_tell(f, f->dialect == TTS_RIG_CARTESIA
                      ? "{\"type\":\"error\",\"status_code\":402,\"message\":\"no credit\"}"
                      : ELEVENLABS_ERROR("quota_exceeded"));
  g_assert_cmpstr(f->posted->str, ==, "failed for good;warning;");
  tts_rig_assert_came(f, "mulaw 8000; segment; finished 1; ");
  cord_worker_advance(f->worker, 60 * GST_SECOND);
  g_assert_false(tts_rig_somebody_comes(f));
}

/* Nobody waits for what is interrupted, wherever the connection is. */
static void
test_flush_in_outage(TtsRig *f, gconstpointer data)
{
  tts_rig_accept(f);
  tts_rig_say(f, 1, "w1 w2.");
  tts_rig_speak(f, 1);
  http_peer_hang_up(&f->peer);
  tts_rig_wait(f, "down;");
  tts_rig_flush(f);
  g_byte_array_set_size(f->audio, 0);
  cord_worker_advance(f->worker, 900 * GST_MSECOND);
  tts_rig_accept(f);
  g_string_truncate(f->got, 0);
  tts_rig_assert_got(f, "");
  tts_rig_say(f, 2, "w3.");
  speak_all(f);
  tts_rig_assert_audio(f, "3:100");
}

static void
add(guint voice, const Fault *fault, guint step, const gchar *what,
    void (*func)(TtsRig *f, gconstpointer data))
{
  Case *test = g_new(Case, 1);
  g_autofree gchar *name = g_strdup_printf("/tts-socket-faults/%s/%s", voices[voice].name, what);

  *test = (Case){ voice, fault, (Step)step };
  g_test_add_vtable(name, sizeof(TtsRig), test, (GTestFixtureFunc)(void *)setup,
                    (GTestFixtureFunc)(void *)func, (GTestFixtureFunc)(void *)teardown);
}

static void
add_breaks(guint voice)
{
  for (guint i = 0; i < G_N_ELEMENTS(faults); i++) {
    for (Step step = 0; step < N_STEPS; step++) {
      g_autofree gchar *what = g_strdup_printf("%s %s", faults[i].name, steps[step]);

      /* silence is none where nothing is expected */
      if (faults[i].stall && (step == STEP_FIRST || step == STEP_IDLE))
        continue;
      if (!faults[i].once || step == STEP_SPEAKING)
        add(voice, &faults[i], step, what, test_breaks);
    }
  }
  for (guint i = 0; i < G_N_ELEMENTS(refusals); i++) {
    g_autofree gchar *what =
        g_strdup_printf("a handshake that is refused %u: %.3s", i, refusals[i].answer);

    add(voice, NULL, i, what, test_refused);
  }
}

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  tts_rig_watch_log("elevenlabstts:9,cartesiatts:9,cordttsbase:9");
  for (guint voice = 0; voice < N_VOICES; voice++) {
    add_breaks(voice);
    add(voice, NULL, 0, "an outage without end", test_gone);
    add(voice, NULL, 0, "messages that nobody knows", test_odd_messages);
    add(voice, NULL, 0, "a message in pieces", test_in_pieces);
    add(voice, NULL, 0, "a message that is cut anywhere", test_cut_anywhere);
    add(voice, NULL, 0, "no audio for a text", test_empty);
    add(voice, NULL, 0, "an error that stays", test_permanent);
    add(voice, NULL, 0, "an interruption in an outage", test_flush_in_outage);
  }
  add(0, NULL, 0, "no times", test_without_times);
  add(1, NULL, 0, "no times", test_without_times);
  add(0, NULL, 0, "two spellings, and lists that are too short", test_spellings);
  add(2, NULL, 0, "a text that is refused", test_bad_text);
  return g_test_run();
}
