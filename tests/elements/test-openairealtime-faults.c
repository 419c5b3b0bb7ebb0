/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What goes wrong with OpenAI's Realtime (and what it allows itself to say), at every step. */
#include <string.h>

#include "realtime-rig.h"
#include "ws-peer.h"

#define SERVER_ERROR                                                                               \
  "{\"type\":\"error\",\"event_id\":\"e\",\"error\":{\"type\":\"server_error\",\"code\":null,"     \
  "\"message\":\"The server had an error with " REALTIME_RIG_KEY                                   \
  "\",\"param\":null,\"event_id\":null}}"

static void
setup(RealtimeRig *f, gconstpointer data)
{
  realtime_rig_init(f, TRUE, "response-timeout=3000 connect-timeout=3000");
}

static void
teardown(RealtimeRig *f, gconstpointer data)
{
  realtime_rig_clear(f);
}

/* A connection that breaks, at every step */

typedef enum {
  STEP_OPEN,     /* when it has just been made */
  STEP_CREATED,  /* the session is created, and not as it is wanted */
  STEP_READY,    /* nobody has said anything */
  STEP_SPEECH,   /* while the caller speaks */
  STEP_ASKED,    /* he has spoken, and nothing is written down */
  STEP_WRITTEN,  /* it is */
  STEP_BEGUN,    /* the answer has begun, without a sound */
  STEP_FUNCTION, /* the model has called a function */
  STEP_SOUND,    /* it speaks */
  STEP_PLAYING,  /* the answer is complete, and being heard */
  N_STEPS,
} Step;

static const gchar *const steps[N_STEPS] = {
  "at the first moment",         "before session.updated",
  "before anything is said",     "while the caller speaks",
  "when he has spoken",          "when it is written down",
  "as the answer begins",        "while a function is under way",
  "in the middle of the answer", "while the answer is heard",
};

typedef struct {
  const gchar *name;
  guint16 code;
  const gchar *reason;
  const gchar *text;  /* a message before it */
  const gchar *bytes; /* a frame that is none */
  gboolean stall;
} Fault;

static const Fault faults[] = {
  { .name = "close 1000", .code = 1000 },
  { .name = "close 1001", .code = 1001 },
  { .name = "close 1008", .code = 1008, .reason = "policy" },
  { .name = "close 1011", .code = 1011, .reason = "keepalive ping timeout" },
  { .name = "no close frame", .code = 0 },
  { .name = "a frame that is none", .bytes = "\xff\x01" },
  { .name = "an error and then the end", .text = SERVER_ERROR, .code = 1011 },
  { .name = "silence", .stall = TRUE },
};

typedef struct {
  const Fault *fault;
  Step step;
} Case;

static void
send_close(RealtimeRig *f, const Fault *fault)
{
  g_autoptr(GByteArray) payload = g_byte_array_new();
  guint8 code[2] = { (guint8)(fault->code >> 8), (guint8)fault->code };

  g_byte_array_append(payload, code, 2);
  if (fault->reason)
    g_byte_array_append(payload, (const guint8 *)fault->reason, (guint)strlen(fault->reason));
  realtime_rig_send(f, WS_FIN | 8, payload->data, payload->len);
}

static void
break_down(RealtimeRig *f, const Fault *fault)
{
  if (fault->stall) {
    cord_worker_advance(f->worker, 3100 * GST_MSECOND);
    return;
  }
  if (fault->text)
    realtime_rig_tell(f, "%s", fault->text);
  if (fault->bytes) {
    g_autoptr(GBytes) bytes = g_bytes_new(fault->bytes, strlen(fault->bytes));

    ws_peer_send_bytes(f->peer.fd, bytes);
  }
  if (fault->code)
    send_close(f, fault);
  http_peer_hang_up(&f->peer);
}

/* What has happened when the step is reached; each is reached over those before it. */
static void
go_to(RealtimeRig *f, Step step)
{
  if (step <= STEP_CREATED) {
    realtime_rig_upgrade(f);
    if (step == STEP_CREATED)
      realtime_rig_tell(f, "{\"type\":\"session.created\",\"session\":{}}");
    return;
  }
  realtime_rig_accept(f);
  if (step >= STEP_SPEECH) {
    realtime_rig_talk(f, 200);
    realtime_rig_start_speech(f, "u1");
  }
  if (step >= STEP_ASKED)
    realtime_rig_stop_speech(f, "u1", 160);
  if (step >= STEP_WRITTEN)
    realtime_rig_write_down(f, "u1", "hello");
  if (step >= STEP_BEGUN)
    realtime_rig_respond(f, "r1");
  if (step == STEP_FUNCTION)
    realtime_rig_call(f, "r1", "c1", "f");
  if (step >= STEP_SOUND)
    realtime_rig_speak(f, "r1", "i1", "Good day.", 100);
  if (step == STEP_PLAYING)
    realtime_rig_finish(f, "r1", "completed");
}

/* What the next connection is told before anything else. */
static const gchar *const told[N_STEPS] = {
  [STEP_OPEN] = "",
  [STEP_CREATED] = "",
  [STEP_READY] = "",
  [STEP_SPEECH] = "audio 200; ",
  [STEP_ASKED] = "audio 200; ",
  [STEP_WRITTEN] = "user 'hello'; respond; audio 40; ",
  [STEP_BEGUN] = "user 'hello'; respond; audio 40; ",
  [STEP_FUNCTION] = "user 'hello'; call c1 f({}); audio 40; ",
  [STEP_SOUND] = "user 'hello'; audio 40; ",
  [STEP_PLAYING] = "user 'hello'; audio 40; ",
};

/* The rest of the turn, on the next connection. */
static void
finish_turn(RealtimeRig *f, Step step)
{
  if (step == STEP_FUNCTION) {
    realtime_rig_result(f, "c1", "1");
    realtime_rig_assert_got(f, "result c1 '1'; respond; ");
  }
  if (step <= STEP_READY)
    realtime_rig_talk(f, 200);
  if (step <= STEP_SPEECH)
    realtime_rig_start_speech(f, "u2");
  if (step <= STEP_ASKED) {
    realtime_rig_stop_speech(f, "u2", 160);
    realtime_rig_write_down(f, "u2", "hello");
  }
  if (step <= STEP_FUNCTION) {
    realtime_rig_respond(f, "r2");
    realtime_rig_speak(f, "r2", "i2", "Good day.", 100);
    realtime_rig_finish(f, "r2", "completed");
  }
}

static guint
count(const gchar *text, const gchar *part)
{
  guint n = 0;

  for (const gchar *at = text; (at = strstr(at, part)); at++)
    n++;
  return n;
}

/* Whatever happens: one text of the caller, one answer, one end of it. */
static void
test_breaks(RealtimeRig *f, gconstpointer data)
{
  const Case *test = data;
  const gchar *finished;
  guint turn;

  go_to(f, test->step);
  break_down(f, test->fault);
  realtime_rig_wait(f, "down; ");
  cord_worker_advance(f->worker, GST_SECOND);
  realtime_rig_accept(f);
  realtime_rig_assert_got(f, told[test->step]);
  finish_turn(f, test->step);
  finished = strstr(f->came->str, "finished ");
  g_assert_nonnull(finished);
  turn = (guint)g_ascii_strtoull(finished + strlen("finished "), NULL, 10);
  realtime_rig_played(f, turn, 100, CORD_PLAYOUT_DONE);
  g_assert_cmpuint(count(f->posted->str, "'hello'"), ==, 1);
  g_assert_cmpuint(count(f->posted->str, "'Good day.'"), ==, 1);
  g_assert_cmpuint(count(f->posted->str, "heard "), ==, 1);
  g_assert_cmpuint(count(f->came->str, "finished "), ==, 1);
  g_assert_cmpuint(count(f->posted->str, "tool "), ==, test->step == STEP_FUNCTION);
  g_assert_null(strstr(f->posted->str, "failed"));
  g_assert_cmpuint(f->audio->len, ==, 800);
}

/* Nothing of a stall where nothing is expected. */
static gboolean
is_possible(const Fault *fault, Step step)
{
  return !fault->stall || step <= STEP_CREATED || (step >= STEP_ASKED && step != STEP_PLAYING);
}

/* An answer that has failed */

typedef struct {
  const gchar *name;
  const gchar *answer;
  gboolean permanent;
} Refusal;

#define HTTP(status, head, body)                                                                   \
  "HTTP/1.1 " status "\r\n" head "Content-Type: application/json\r\nConnection: "                  \
  "close\r\n\r\n" body
#define BODY(type, code, message)                                                                  \
  "{\"error\":{\"message\":\"" message "\",\"type\":\"" type "\",\"param\":null,\"code\":\"" code  \
  "\"}}"

static const Refusal refusals[] = {
  { "401",
    HTTP("401 Unauthorized", "",
         BODY("invalid_request_error", "invalid_api_key",
              "Incorrect API key provided: " REALTIME_RIG_KEY)),
    TRUE },
  { "403", HTTP("403 Forbidden", "", BODY("invalid_request_error", "no_access", "no")), TRUE },
  { "404 model",
    HTTP("404 Not Found", "", BODY("invalid_request_error", "model_not_found", "no such model")),
    TRUE },
  { "429 retry-after",
    HTTP("429 Too Many Requests", "Retry-After: 1\r\n", BODY("requests", "rate_limit", "slow")),
    FALSE },
  { "429", HTTP("429 Too Many Requests", "", BODY("requests", "rate_limit", "slow")), FALSE },
  { "500 with HTML",
    "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
    "<html>oops</html>",
    FALSE },
  { "503", HTTP("503 Service Unavailable", "", "{}"), FALSE },
};

static void
test_refusal(RealtimeRig *f, gconstpointer data)
{
  const Refusal *refusal = data;

  realtime_rig_refuse(f, refusal->answer);
  if (refusal->permanent) {
    realtime_rig_wait(f, "failed for good; ");
    cord_worker_advance(f->worker, 10 * GST_SECOND);
    g_assert_false(realtime_rig_somebody_comes(f));
    return;
  }
  realtime_rig_wait(f, "down; ");
  cord_worker_advance(f->worker, 1100 * GST_MSECOND);
  realtime_rig_accept(f);
}

/* What is said before the session is there, or of all answers */

static const struct {
  const gchar *name;
  gboolean created; /* the session is */
  const gchar *text;
} finals[] = {
  { "a wrong key", FALSE,
    "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"code\":"
    "\"invalid_api_key\",\"message\":\"Incorrect API key provided: " REALTIME_RIG_KEY "\"}}" },
  { "an unknown voice", TRUE,
    "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"code\":\"invalid_value\","
    "\"message\":\"Invalid value: 'nobody'\",\"param\":\"session.audio.output.voice\"}}" },
  { "no money", TRUE,
    "{\"type\":\"response.done\",\"response\":{\"id\":\"r1\",\"status\":\"failed\","
    "\"status_details\":{\"type\":\"failed\",\"error\":{\"type\":\"insufficient_quota\",\"code\":"
    "\"insufficient_quota\",\"message\":\"You exceeded your current quota\"}},\"output\":[]}}" },
};

static void
test_final(RealtimeRig *f, gconstpointer data)
{
  guint i = GPOINTER_TO_UINT(data);

  realtime_rig_upgrade(f);
  if (finals[i].created)
    realtime_rig_tell(f, "{\"type\":\"session.created\",\"session\":{}}");
  realtime_rig_tell(f, "%s", finals[i].text);
  realtime_rig_wait(f, "warning; failed for good; ");
  cord_worker_advance(f->worker, 10 * GST_SECOND);
  g_assert_false(realtime_rig_somebody_comes(f));
}

/* A session that never begins is given up, and may be tried another day. */
static void
test_never_updated(RealtimeRig *f, gconstpointer data)
{
  for (guint i = 0; i < 20 && !strstr(f->posted->str, "failed; "); i++) {
    if (!realtime_rig_somebody_comes(f)) {
      cord_worker_advance(f->worker, 500 * GST_MSECOND);
      continue;
    }
    realtime_rig_upgrade(f);
    realtime_rig_tell(f, "{\"type\":\"session.created\",\"session\":{}}");
    cord_worker_advance(f->worker, 3100 * GST_MSECOND);
    http_peer_hang_up(&f->peer);
  }
  g_assert_nonnull(strstr(f->posted->str, "failed; "));
}

/* Messages that change nothing */

static const gchar *const harmless[] = {
  "{\"type\":\"rate_limits.updated\",\"rate_limits\":[]}",
  "{\"type\":\"some.new.event\",\"delta\":{\"a\":[1,2]}}",
  "{\"type\":\"response.output_audio.delta\",\"response_id\":\"other\",\"item_id\":\"x\","
  "\"delta\":\"AAAA\"}",
  "{\"type\":\"response.output_audio.delta\",\"response_id\":\"r1\",\"item_id\":\"i1\","
  "\"delta\":\"\"}",
  "{\"type\":\"response.output_audio.delta\",\"response_id\":\"r1\",\"item_id\":\"i1\","
  "\"delta\":\"***\"}",
  "{\"type\":\"response.output_audio.delta\",\"response_id\":\"r1\",\"item_id\":\"i1\","
  "\"delta\":7}",
  "{\"type\":\"response.output_audio_transcript.delta\",\"response_id\":\"r1\"}",
  "{\"type\":\"response.function_call_arguments.done\",\"response_id\":\"r1\",\"name\":\"f\"}",
  "{\"type\":\"conversation.item.input_audio_transcription.completed\",\"item_id\":\"gone\","
  "\"transcript\":\"hello\"}",
  "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"code\":"
  "\"conversation_already_has_active_response\",\"message\":\"wait\"}}",
  "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"code\":null,\"message\":"
  "\"Audio content of 100ms is already shorter than 200ms\"}}",
  "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"code\":null,\"message\":"
  "\"Only model output audio messages can be truncated\"}}",
  "{\"type\":\"session.updated\",\"session\":{}}",
  "{\"type\":\"response.done\",\"response\":{\"id\":\"other\",\"status\":\"cancelled\"}}",
  "{\"type\":null}",
  "{",
  "[]",
  "",
};

static void
test_harmless(RealtimeRig *f, gconstpointer data)
{
  realtime_rig_accept(f);
  realtime_rig_talk(f, 200);
  realtime_rig_start_speech(f, "u1");
  realtime_rig_stop_speech(f, "u1", 160);
  realtime_rig_write_down(f, "u1", "hello");
  realtime_rig_respond(f, "r1");
  realtime_rig_speak(f, "r1", "i1", "Good ", 100);
  realtime_rig_forget(f);
  for (guint i = 0; i < G_N_ELEMENTS(harmless); i++) {
    realtime_rig_tell(f, "%s", harmless[i]);
    realtime_rig_assert_posted(f, "");
    realtime_rig_assert_came(f, "");
    realtime_rig_assert_got(f, "");
  }
  realtime_rig_speak(f, "r1", "i1", "day.", 100);
  realtime_rig_finish(f, "r1", "completed");
  realtime_rig_played(f, 1, 200, CORD_PLAYOUT_DONE);
  realtime_rig_assert_posted(f, "heard 1 'Good day.'; ");
}

/* An error that says something is told, and the session goes on. */
static void
test_error(RealtimeRig *f, gconstpointer data)
{
  realtime_rig_accept(f);
  realtime_rig_tell(f, SERVER_ERROR);
  realtime_rig_assert_posted(f, "warning; ");
  realtime_rig_respond(f, "r1");
  realtime_rig_tell(f, "{\"type\":\"response.done\",\"response\":{\"id\":\"r1\",\"status\":"
                       "\"failed\",\"status_details\":{\"error\":{\"type\":\"server_error\","
                       "\"message\":\"oops\"}}}}");
  realtime_rig_assert_posted(f, "warning; lost; ");
  realtime_rig_assert_came(f, "mulaw 8000; segment; started 0; finished 0; ");
}

#define ADD(title, data, func)                                                                     \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree gchar *path_ = g_strconcat("/openairealtime-faults/", title, NULL);                 \
    g_test_add(path_, RealtimeRig, data, setup, func, teardown);                                   \
  }                                                                                                \
  G_STMT_END

int
main(int argc, char *argv[])
{
  static Case breaks[G_N_ELEMENTS(faults)][N_STEPS];

  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(faults); i++) {
    for (Step step = 0; step < N_STEPS; step++) {
      g_autofree gchar *title = g_strdup_printf("%s %s", faults[i].name, steps[step]);

      breaks[i][step] = (Case){ &faults[i], step };
      if (is_possible(&faults[i], step))
        ADD(title, &breaks[i][step], test_breaks);
    }
  }
  for (guint i = 0; i < G_N_ELEMENTS(refusals); i++) {
    g_autofree gchar *title = g_strconcat("refused with ", refusals[i].name, NULL);

    ADD(title, &refusals[i], test_refusal);
  }
  for (guint i = 0; i < G_N_ELEMENTS(finals); i++) {
    g_autofree gchar *title = g_strconcat(finals[i].name, " is final", NULL);

    ADD(title, GUINT_TO_POINTER(i), test_final);
  }
  ADD("a session that never begins is given up", NULL, test_never_updated);
  ADD("messages that change nothing", NULL, test_harmless);
  ADD("an error leaves the session as it was", NULL, test_error);
  return g_test_run();
}
