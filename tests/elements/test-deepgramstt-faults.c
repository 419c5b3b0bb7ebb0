/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What goes wrong with Deepgram (and what its protocol allows it to say), at every step. */
#include "stt-rig.h"

#include <poll.h>
#include <string.h>

#include "ws-peer.h"

#define FINAL "\"is_final\":true"
#define FINALIZED "\"is_final\":true,\"from_finalize\":true"

static void
setup(SttRig *f, gconstpointer data)
{
  stt_rig_init(f, "deepgramstt", "", "");
}

static void
teardown(SttRig *f, gconstpointer data)
{
  stt_rig_clear(f);
}

/* Nobody knocks. */
static void
assert_nobody_comes(SttRig *f)
{
  struct pollfd poll_fd = { .fd = f->peer.listener, .events = POLLIN };

  cord_worker_iterate(f->worker);
  g_assert_cmpint(poll(&poll_fd, 1, 0), ==, 0);
}

static void
assert_ends(SttRig *f, const gchar *text)
{
  g_autofree gchar *events = NULL;
  guint n = 0;

  stt_rig_assert_text(f, text);
  g_assert_null(stt_rig_take_text(f));
  events = stt_rig_take_events(f);
  for (const gchar *at = events; (at = strstr(at, "=''")); at++)
    n++;
  g_assert_cmpuint(n, ==, text ? 0 : 1);
}

/* A connection that breaks, at every step */

typedef enum {
  STEP_FIRST,    /* when it has just been made */
  STEP_SPEECH,   /* while somebody speaks, and nothing was understood */
  STEP_INTERIM,  /* something was, but is not final */
  STEP_FINAL,    /* something is final */
  STEP_FINALIZE, /* Finalize was sent */
  N_STEPS,
} Step;

static const gchar *const steps[N_STEPS] = {
  "at the first message", "in mid-utterance", "after an interim result",
  "after a final result", "at Finalize",
};

typedef struct {
  const gchar *name;
  guint16 code;
  const gchar *reason;
  const gchar *text;  /* a message */
  const gchar *bytes; /* a frame that is none */
  gboolean stall;
} Fault;

static const Fault faults[] = {
  { .name = "close 1000", .code = 1000 },
  { .name = "close 1001", .code = 1001 },
  { .name = "close 1008 DATA-0000", .code = 1008, .reason = "DATA-0000" },
  { .name = "close 1011 NET-0000", .code = 1011, .reason = "NET-0000" },
  { .name = "close 1011 NET-0001", .code = 1011, .reason = "NET-0001" },
  { .name = "close 1012", .code = 1012 },
  { .name = "close 1013", .code = 1013 },
  { .name = "close 4000", .code = 4000 },
  { .name = "no close frame", .code = 0 },
  { .name = "a frame that is none", .bytes = "\xff\x01" },
  { .name = "text that is no UTF-8", .bytes = "\x81\x01\xff" },
  { .name = "an error message",
    .text = "{\"type\":\"Error\",\"code\":\"X\",\"description\":\"" STT_RIG_KEY "\"}" },
  { .name = "silence", .stall = TRUE },
};

typedef struct {
  const Fault *fault;
  Step step;
} Case;

static void
send_close(SttRig *f, const Fault *fault)
{
  g_autoptr(GByteArray) payload = g_byte_array_new();
  guint8 code[2] = { (guint8)(fault->code >> 8), (guint8)fault->code };

  g_byte_array_append(payload, code, 2);
  if (fault->reason)
    g_byte_array_append(payload, (const guint8 *)fault->reason, (guint)strlen(fault->reason));
  stt_rig_send(f, WS_FIN | 8, payload->data, payload->len);
}

/* Whether anything has to happen for it: a stall is none where nothing is expected. */
static gboolean
break_down(SttRig *f, const Fault *fault)
{
  if (fault->stall) {
    cord_worker_advance(f->worker, 3100 * GST_MSECOND);
    return strstr(f->posted->str, "down;") != NULL;
  }
  if (fault->text)
    stt_rig_tell(f, fault->text);
  if (fault->bytes) {
    g_autoptr(GBytes) bytes = g_bytes_new(fault->bytes, strlen(fault->bytes));

    ws_peer_send_bytes(f->peer.fd, bytes);
  }
  if (fault->code)
    send_close(f, fault);
  if (!fault->text)
    http_peer_hang_up(&f->peer);
  return TRUE;
}

/* The service breaks and is there again within a second. */
static void
break_and_come_back(SttRig *f, const Fault *fault)
{
  if (!break_down(f, fault))
    return;
  stt_rig_wait(f, "down;");
  cord_worker_advance(f->worker, 900 * GST_MSECOND);
  stt_rig_accept(f);
}

static void
test_breaks(SttRig *f, gconstpointer data)
{
  const Case *test = data;
  gboolean late = test->fault->stall;

  stt_rig_accept(f);
  if (test->step == STEP_FIRST)
    break_and_come_back(f, test->fault);
  stt_rig_start_speech(f);
  stt_rig_say(f, 1, 2);
  stt_rig_listen(f);
  if (test->step == STEP_INTERIM)
    g_free(stt_rig_understand(f, ""));
  if (test->step == STEP_FINAL)
    g_free(stt_rig_understand(f, FINAL));
  if (test->step != STEP_FIRST && test->step != STEP_FINALIZE)
    break_and_come_back(f, test->fault);
  stt_rig_say(f, 3, 3);
  stt_rig_stop_speech(f);
  if (test->step == STEP_FINALIZE && !late)
    break_and_come_back(f, test->fault);
  if (test->step == STEP_FINALIZE && late) {
    /* the deadline of the result is the shorter one */
    cord_worker_advance(f->worker, 2600 * GST_MSECOND);
    assert_ends(f, NULL);
    return;
  }
  stt_rig_listen(f);
  g_assert_true(g_str_has_suffix(f->texts->str, "Finalize;"));
  g_free(stt_rig_understand(f, FINALIZED));
  assert_ends(f, "w1 w2 w3");
}

static void
test_breaks_at_close(SttRig *f, gconstpointer data)
{
  const Fault *fault = data;

  stt_rig_accept(f);
  stt_rig_say(f, 1, 1);
  g_free(stt_rig_understand(f, "\"is_final\":true,\"speech_final\":true"));
  gst_harness_push_event(f->harness, gst_event_new_eos());
  stt_rig_listen(f);
  g_assert_true(g_str_has_suffix(f->texts->str, "CloseStream;"));
  break_down(f, fault);
  cord_worker_advance(f->worker, 3 * GST_SECOND);
  stt_rig_assert_text(f, "w1");
  g_assert_true(GST_PAD_IS_EOS(f->harness->sinkpad));
  assert_nobody_comes(f);
}

/* A handshake that is refused */

typedef struct {
  const gchar *answer;
  gboolean final;
  guint wait_ms; /* before it is tried again */
} Refusal;

static const Refusal refusals[] = {
  { "400 Bad Request\r\ndg-error: x\r\nContent-Length: 2\r\n\r\n{}", TRUE, 0 },
  { "401 Unauthorized\r\ndg-error: Invalid credentials.\r\n\r\n{\"err_code\":\"INVALID_AUTH\","
    "\"err_msg\":\"Invalid credentials: " STT_RIG_KEY "\",\"request_id\":\"r\"}",
    TRUE, 0 },
  { "402 Payment Required\r\n\r\n{\"err_code\":\"ASR_PAYMENT_REQUIRED\",\"err_msg\":\"no credit\"}",
    TRUE, 0 },
  { "403 Forbidden\r\n\r\n{\"err_code\":\"INSUFFICIENT_PERMISSIONS\"}", TRUE, 0 },
  { "429 Too Many Requests\r\n\r\n{\"err_code\":\"TOO_MANY_REQUESTS\"}", FALSE, 250 },
  { "429 Too Many Requests\r\nRetry-After: 2\r\n\r\n", FALSE, 2000 },
  { "429 Too Many Requests\r\nretry-after-ms: 700\r\n\r\n", FALSE, 700 },
  { "500 Internal Server Error\r\nContent-Type: text/html\r\n\r\n<html>oh</html>", FALSE, 250 },
  { "503 Service Unavailable\r\n\r\n", FALSE, 250 },
  { "200 OK\r\n\r\n", FALSE, 250 },
  { "101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: bm90IHRoYXQ=\r\n\r\n",
    FALSE, 250 },
};

static void
test_refused(SttRig *f, gconstpointer data)
{
  const Refusal *refusal = data;
  g_autofree gchar *answer = g_strdup_printf("HTTP/1.1 %s", refusal->answer);

  stt_rig_refuse(f, answer);
  stt_rig_start_speech(f);
  stt_rig_say(f, 1, 1);
  if (refusal->final) {
    stt_rig_wait(f, "failed for good;error;");
    stt_rig_stop_speech(f);
    assert_ends(f, NULL);
    cord_worker_advance(f->worker, 60 * GST_SECOND);
    assert_nobody_comes(f);
    return;
  }
  stt_rig_wait(f, "down;warning;");
  if (refusal->wait_ms > 250) {
    cord_worker_advance(f->worker, (refusal->wait_ms - 350) * GST_MSECOND);
    assert_nobody_comes(f);
  }
  cord_worker_advance(f->worker, 400 * GST_MSECOND);
  stt_rig_accept(f);
  stt_rig_stop_speech(f);
  g_free(stt_rig_understand(f, FINALIZED));
  assert_ends(f, "w1");
}

static void
test_silent_handshake(SttRig *f, gconstpointer data)
{
  http_peer_accept(&f->peer);
  cord_worker_advance(f->worker, 5100 * GST_MSECOND);
  stt_rig_wait(f, "down;");
  cord_worker_advance(f->worker, 300 * GST_MSECOND);
  stt_rig_accept(f);
}

static void
test_gives_up(SttRig *f, gconstpointer data)
{
  gst_element_set_state(f->element, GST_STATE_READY);
  g_object_set(f->element, "outage-timeout", 3000, NULL);
  http_peer_clear(&f->peer);
  gst_element_set_state(f->element, GST_STATE_PLAYING);
  while (strstr(f->posted->str, "error;") == NULL) {
    cord_worker_iterate(f->worker);
    cord_worker_advance(f->worker, 10 * GST_MSECOND);
  }
  stt_rig_wait(f, "failed;error;");
  http_peer_init(&f->peer, f->worker);
}

/* Nobody is hurried: one that closes every connection at once is tried with growing waits. */
static void
test_closes_at_once(SttRig *f, gconstpointer data)
{
  GstClockTime start = cord_worker_get_time(f->worker);

  for (guint i = 0; i < 4; i++) {
    struct pollfd poll_fd = { .fd = f->peer.listener, .events = POLLIN };

    while (poll(&poll_fd, 1, 0) == 0) {
      cord_worker_advance(f->worker, 50 * GST_MSECOND);
      g_main_context_iteration(cord_worker_get_main_context(f->worker), FALSE);
    }
    stt_rig_accept(f);
    send_close(f, &faults[2]);
    http_peer_hang_up(&f->peer);
    stt_rig_wait(f, "down;");
  }
  g_assert_cmpuint(cord_worker_get_time(f->worker) - start, >=, 1750 * GST_MSECOND);
}

/* What its protocol does not forbid */

static void
test_unanswered_finalize(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  stt_rig_start_speech(f);
  stt_rig_say(f, 1, 2);
  g_free(stt_rig_understand(f, ""));
  stt_rig_stop_speech(f);
  cord_worker_advance(f->worker, 2600 * GST_MSECOND);
  assert_ends(f, "w1 w2");
  /* the late answer belongs to nobody, and the next one to the next utterance */
  g_free(stt_rig_understand(f, FINALIZED));
  stt_rig_start_speech(f);
  stt_rig_say(f, 3, 3);
  stt_rig_stop_speech(f);
  g_assert_null(stt_rig_take_text(f));
  g_free(stt_rig_understand(f, FINALIZED));
  assert_ends(f, "w3");
}

static void
test_finalize_without_mark(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  stt_rig_start_speech(f);
  stt_rig_say(f, 1, 2);
  stt_rig_stop_speech(f);
  /* final, and all there is, though it does not say that it is the answer */
  g_free(stt_rig_understand(f, FINAL));
  assert_ends(f, "w1 w2");
}

static void
test_nothing_understood(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  stt_rig_start_speech(f);
  stt_rig_push(f, STT_RIG_SILENCE, 20);
  g_free(stt_rig_understand(f, ""));
  g_free(stt_rig_understand(f, FINAL));
  stt_rig_stop_speech(f);
  g_free(stt_rig_understand(f, FINALIZED));
  assert_ends(f, NULL);
}

static void
test_out_of_order(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  stt_rig_start_speech(f);
  stt_rig_say(f, 1, 1);
  g_free(stt_rig_understand(f, FINAL));
  /* what is final is not taken back, and not said again */
  f->settled = 0;
  g_free(stt_rig_understand(f, ""));
  f->settled = 0;
  g_free(stt_rig_understand(f, FINAL));
  stt_rig_say(f, 2, 2);
  stt_rig_stop_speech(f);
  g_free(stt_rig_understand(f, FINALIZED));
  assert_ends(f, "w1 w2");
}

static void
test_odd_messages(SttRig *f, gconstpointer data)
{
  static const gchar *const messages[] = {
    "{\"type\":\"Brunch\"}",
    "{\"type\":7}",
    "{}",
    "[]",
    "{\"type\":\"Results\"",
    "",
    "{\"type\":\"Results\"}",
    "{\"type\":\"Results\",\"start\":-3,\"duration\":1}",
    "{\"type\":\"Results\",\"start\":1e300,\"duration\":1e300}",
    "{\"type\":\"Results\",\"start\":0,\"duration\":0,\"channel\":{\"alternatives\":[]}}",
    "{\"type\":\"Results\",\"start\":0,\"duration\":0,\"channel\":7}",
    "{\"type\":\"Results\",\"start\":0,\"channel\":{\"alternatives\":[7,{}]}}",
    "{\"type\":\"UtteranceEnd\"}",
    "{\"type\":\"UtteranceEnd\",\"last_word_end\":-1}",
    "{\"type\":\"SpeechStarted\"}",
    "{\"type\":\"SpeechStarted\",\"timestamp\":\"soon\"}",
    "{\"type\":\"Metadata\"}",
    "{\"type\":\"TurnInfo\",\"event\":\"EndOfTurn\",\"transcript\":\"no\"}",
  };

  stt_rig_accept(f);
  for (guint i = 0; i < G_N_ELEMENTS(messages); i++)
    stt_rig_tell(f, messages[i]);
  stt_rig_start_speech(f);
  stt_rig_say(f, 1, 1);
  for (guint i = 0; i < G_N_ELEMENTS(messages); i++)
    stt_rig_tell(f, messages[i]);
  stt_rig_send(f, WS_FIN | 2, "what is this", 12);
  stt_rig_stop_speech(f);
  g_free(stt_rig_understand(f, FINALIZED));
  assert_ends(f, "w1");
}

static void
test_text_without_words(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  stt_rig_start_speech(f);
  stt_rig_say(f, 1, 1);
  stt_rig_stop_speech(f);
  stt_rig_tell(f, "{\"type\":\"Results\",\"start\":0,\"duration\":0.3,\"is_final\":true,"
                  "\"from_finalize\":true,\"channel\":{\"alternatives\":[{\"transcript\":\"hello\"}"
                  "]}}");
  assert_ends(f, "hello");
}

static void
test_in_pieces(SttRig *f, gconstpointer data)
{
  static const gchar *const pieces[] = {
    "{\"type\":\"Results\",\"start\":0,\"duration\":0.3,\"is_final\":true,\"from_fin",
    "alize\":true,\"channel\":{\"alternatives\":[{\"transcript\":\"gr\xc3",
    "\xbc\xc3\x9f gott\"}]}}",
  };

  stt_rig_accept(f);
  stt_rig_start_speech(f);
  stt_rig_say(f, 1, 1);
  stt_rig_stop_speech(f);
  stt_rig_send(f, 1, pieces[0], strlen(pieces[0]));
  stt_rig_send(f, 0, pieces[1], strlen(pieces[1]));
  stt_rig_send(f, WS_FIN, pieces[2], strlen(pieces[2]));
  assert_ends(f, "gr\xc3\xbc\xc3\x9f gott");
}

static void
test_results_before_audio(SttRig *f, gconstpointer data)
{
  stt_rig_accept(f);
  stt_rig_tell(f, "{\"type\":\"Results\",\"start\":0,\"duration\":1,\"is_final\":true,\"channel\":{"
                  "\"alternatives\":[{\"transcript\":\"\"}]}}");
  stt_rig_start_speech(f);
  stt_rig_say(f, 1, 4);
  stt_rig_stop_speech(f);
  f->settled = 0;
  g_free(stt_rig_understand(f, FINALIZED));
  g_free(stt_rig_take_text(f));
  g_free(stt_rig_take_events(f));
}

static void
test_no_key(void)
{
  SttRig rig;

  g_unsetenv("DEEPGRAM_API_KEY");
  stt_rig_init(&rig, "deepgramstt", NULL, "");
  stt_rig_wait(&rig, "failed for good;error;");
  stt_rig_start_speech(&rig);
  stt_rig_push(&rig, 1, 10);
  stt_rig_stop_speech(&rig);
  assert_ends(&rig, NULL);
  stt_rig_clear(&rig);
}

/* Nothing that is written for the developer holds the key either. */
static void
check_log(GstDebugCategory *category, GstDebugLevel level, const gchar *file, const gchar *function,
          gint line, GObject *object, GstDebugMessage *message, gpointer data)
{
  const gchar *text = gst_debug_message_get(message);

  if (text && strstr(text, STT_RIG_KEY))
    g_error("the key is in the log: %s", text);
}

static void
add_breaks(void)
{
  for (Step step = 0; step < N_STEPS; step++) {
    for (guint i = 0; i < G_N_ELEMENTS(faults); i++) {
      g_autofree gchar *name =
          g_strdup_printf("/deepgramstt-faults/%s %s", faults[i].name, steps[step]);
      Case *test = g_new(Case, 1);

      *test = (Case){ &faults[i], step };
      g_test_add_vtable(name, sizeof(SttRig), test, (GTestFixtureFunc)(void *)setup,
                        (GTestFixtureFunc)(void *)test_breaks, (GTestFixtureFunc)(void *)teardown);
    }
  }
  for (guint i = 0; i < G_N_ELEMENTS(faults); i++) {
    g_autofree gchar *name =
        g_strdup_printf("/deepgramstt-faults/%s at CloseStream", faults[i].name);

    g_test_add(name, SttRig, &faults[i], setup, test_breaks_at_close, teardown);
  }
}

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  gst_debug_remove_log_function(gst_debug_log_default);
  gst_debug_add_log_function(check_log, NULL, NULL);
  gst_debug_set_threshold_from_string("deepgramstt:9,cordsttbase:9", TRUE);
  add_breaks();
  for (guint i = 0; i < G_N_ELEMENTS(refusals); i++) {
    g_autofree gchar *name = g_strdup_printf("/deepgramstt-faults/a handshake that is refused %u: "
                                             "%.3s",
                                             i, refusals[i].answer);

    g_test_add(name, SttRig, &refusals[i], setup, test_refused, teardown);
  }
#define ADD(name, func) g_test_add("/deepgramstt-faults/" name, SttRig, NULL, setup, func, teardown)
  ADD("a handshake that is not answered", test_silent_handshake);
  ADD("an outage without end is an error", test_gives_up);
  ADD("a service that closes at once is not hurried", test_closes_at_once);
  ADD("Finalize is not answered, or late", test_unanswered_finalize);
  ADD("the answer to Finalize does not say so", test_finalize_without_mark);
  ADD("nothing is understood", test_nothing_understood);
  ADD("what is final is told again", test_out_of_order);
  ADD("messages that nobody knows", test_odd_messages);
  ADD("a text without words", test_text_without_words);
  ADD("a message in pieces", test_in_pieces);
  ADD("results before any audio", test_results_before_audio);
  g_test_add_func("/deepgramstt-faults/there is no key", test_no_key);
  return g_test_run();
}
