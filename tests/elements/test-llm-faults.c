/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every fault at every step of every provider's protocol: the turn ends once, with what came or
 * with an apology, nothing is said twice, no request is left over and no key is seen. */
#include "llm-rig.h"

#include <string.h>

#define SORRY "[Sorry?]."
#define GOOD "[Good day to you.][How are you today?]."

/* Answers as the services write them. An @ is a step at which a fault happens: in the first event,
 * in the middle of the text, before the end. */
typedef struct {
  const gchar *name;
  const gchar *properties;
  const gchar *text;
  const gchar *call;  /* the @ is in the middle of the arguments */
  const gchar *error; /* in the stream, and passing */
} Provider;

#define CHUNK(delta, reason)                                                                       \
  "data: {\"choices\":[{\"index\":0,\"delta\":" delta ",\"finish_reason\":" reason "}]}\n\n"
#define OPENAI_TEXT                                                                                \
  "data: "                                                                                         \
  "{\"choices\":[{\"index\":0,@\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n" CHUNK(  \
      "{\"content\":\"Good day to you. \"}", "null")                                               \
      CHUNK("{\"content\":\"How are you\"}",                                                       \
            "null") "data: {\"choices\":@[{\"index\":0,\"delta\":{\"content\":\" "                 \
                    "today?\"}}]}\n\n@" CHUNK(                                                     \
                        "{}", "\"stop\"") "data: "                                                 \
                                          "{\"choices\":[],\"usage\":{\"prompt_"                   \
                                          "tokens\":9,\"completion_tokens\":3}}\n\n"               \
                                          "data: [DONE]\n\n"
#define OPENAI_CALL                                                                                \
  CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"type\":\"function\",\"function\":{"         \
        "\"name\":\"look\",\"arguments\":\"\"}}]}",                                                \
        "null")                                                                                    \
  CHUNK("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"a\\\":\"}}]}", "null")   \
  "@" CHUNK("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"1}\"}}]}", "null")        \
      CHUNK("{}", "\"tool_calls\"") "data: [DONE]\n\n"
#define OPENAI_ERROR                                                                               \
  "data: {\"error\":{\"message\":\"The server had an error\",\"type\":\"server_error\"}}\n\n"

#define EVENT(type, rest) "event: " type "\ndata: {\"type\":\"" type "\"" rest "}\n\n"
#define DELTA(text)                                                                                \
  EVENT("content_block_delta",                                                                     \
        ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"" text "\"}")
#define ANTHROPIC_TEXT                                                                             \
  "event: message_start\ndata: {\"type\":@\"message_start\",\"message\":{\"usage\":{"              \
  "\"input_tokens\":9,\"output_tokens\":1}}}\n\n" EVENT(                                           \
      "content_block_start", ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}")   \
      EVENT("ping", "") DELTA("Good day to you. ") EVENT("ping", "")                               \
          DELTA("How are you") "event: content_block_delta\ndata: "                                \
                               "{\"type\":@\"content_block_delta\",\"index\":0,\"delta\":{"        \
                               "\"type\":\"text_delta\",\"text\":\" today?\"}}\n\n@" EVENT(        \
                                   "content_block_stop", ",\"index\":0")                           \
                                   EVENT("message_delta",                                          \
                                         ",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{"   \
                                         "\"output_tokens\":3}") EVENT("message_stop", "")
#define ANTHROPIC_CALL                                                                             \
  EVENT("message_start", ",\"message\":{\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}")      \
  EVENT("content_block_start",                                                                     \
        ",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"c1\",\"name\":\"look\","   \
        "\"input\":{}}")                                                                           \
  EVENT("content_block_delta",                                                                     \
        ",\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"a\\\":\"}") \
  "@" EVENT("content_block_delta",                                                                 \
            ",\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"1}\"}")      \
      EVENT("content_block_stop", ",\"index\":0")                                                  \
          EVENT("message_delta",                                                                   \
                ",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{\"output_tokens\":3}")       \
              EVENT("message_stop", "")
#define ANTHROPIC_ERROR                                                                            \
  EVENT("error", ",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}")

#define PART(part)                                                                                 \
  "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[" part "]}}]}\r\n\r\n"
#define GEMINI_END                                                                                 \
  "data: {\"candidates\":[{\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":9," \
  "\"candidatesTokenCount\":3}}\r\n\r\n"
#define GEMINI_TEXT                                                                                \
  "data: {\"usageMetadata\":@{\"promptTokenCount\":9}}\r\n\r\n" PART(                              \
      "{\"text\":\"Good day to you. \"}")                                                          \
      PART("{\"text\":\"How are you\"}") "data: "                                                  \
                                         "{\"candidates\":@[{\"content\":{\"parts\":[{\"text\":"   \
                                         "\" today?\"}]}}]}\r\n\r\n@" GEMINI_END
#define GEMINI_CALL                                                                                \
  "data: {\"usageMetadata\":{\"promptTokenCount\":9}}\r\n\r\ndata: {\"candidates\":[{\"content\":" \
  "{\"parts\":[{\"functionCall\":{\"name\":\"look\",@\"args\":{\"a\":1}}}]}}]}\r\n\r\n" GEMINI_END
#define GEMINI_ERROR                                                                               \
  "data: {\"error\":{\"code\":503,\"message\":\"Overloaded\",\"status\":\"UNAVAILABLE\"}}\r\n\r\n"

static const Provider providers[] = {
  { "openai", "model-id=gpt-4o base-url=http://127.0.0.1:PORT/v1", OPENAI_TEXT, OPENAI_CALL,
    OPENAI_ERROR },
  { "groq", "model-id=llama-3.3-70b-versatile base-url=http://127.0.0.1:PORT/openai/v1",
    OPENAI_TEXT, OPENAI_CALL, OPENAI_ERROR },
  { "deepseek", "model-id=deepseek-chat base-url=http://127.0.0.1:PORT", OPENAI_TEXT, OPENAI_CALL,
    OPENAI_ERROR },
  { "local", "model-id=ollama/qwen3 base-url=http://127.0.0.1:PORT/v1", OPENAI_TEXT, OPENAI_CALL,
    OPENAI_ERROR },
  { "anthropic", "model-id=claude-sonnet-4-5 base-url=http://127.0.0.1:PORT/v1", ANTHROPIC_TEXT,
    ANTHROPIC_CALL, ANTHROPIC_ERROR },
  { "gemini", "model-id=gemini-2.5-flash base-url=http://127.0.0.1:PORT/v1beta", GEMINI_TEXT,
    GEMINI_CALL, GEMINI_ERROR },
};

/* Up to the step, counted from 1; G_MAXUINT: the whole */
static gchar *
cut(const gchar *text, guint step)
{
  g_autoptr(GString) out = g_string_new(NULL);

  for (; *text; text++) {
    if (*text != '@')
      g_string_append_c(out, *text);
    else if (--step == 0)
      break;
  }
  return g_strdup(out->str);
}

typedef enum {
  BEFORE_HEADERS,
  IN_HEADERS,
  BEFORE_FIRST_EVENT,
  IN_FIRST_EVENT,
  IN_ARGUMENTS,
  IN_TEXT,
  BEFORE_END,
  N_STEPS,
} Step;

static const gchar *const step_names[N_STEPS] = {
  "before the headers",         "in the headers", "before the first event", "in the first event",
  "in the arguments of a call", "in the text",    "before the end",
};

typedef enum {
  RESET,
  CLOSE,
  STALL,
  CHATTER,
  GARBAGE,
  ERROR_EVENT,
  N_FAULTS,
} Fault;

static const gchar *const fault_names[N_FAULTS] = {
  "reset", "closed", "stalled", "stalled with comments", "garbage", "an error event",
};

static const LlmRigEnding endings[N_FAULTS] = {
  LLM_RIG_RESET, LLM_RIG_CLOSE, LLM_RIG_STALL, LLM_RIG_CHATTER, LLM_RIG_COMPLETE, LLM_RIG_COMPLETE,
};

typedef struct {
  const Provider *provider;
  Fault fault;
  Step step;
} Case;

static void
start(LlmRig *f, const gchar *properties)
{
  g_autofree gchar *all = g_strdup_printf("%s fallback-text=Sorry?", properties);

  llm_rig_init(f);
  llm_rig_start(f, all, FALSE);
}

static void
assert_said(LlmRig *f, const gchar *expected)
{
  g_autofree gchar *said = NULL;

  llm_rig_await_end(f);
  /* and nothing comes after the end */
  llm_rig_pass(f, GST_SECOND);
  said = llm_rig_take_said(f);
  g_assert_cmpstr(said, ==, expected);
}

static void
add_fault(LlmRig *f, const Case *test)
{
  LlmRigEnding ending = endings[test->fault];
  g_autofree gchar *body = NULL;
  g_autoptr(GString) bytes = NULL;

  if (test->step <= IN_HEADERS) {
    llm_rig_raw(f, test->step == BEFORE_HEADERS ? "" : "HTTP/1.1 200 OK\r\nContent-Ty", ending);
    return;
  }
  if (test->step == BEFORE_FIRST_EVENT)
    body = g_strdup("");
  else if (test->step == IN_ARGUMENTS)
    body = cut(test->provider->call, 1);
  else
    body = cut(test->provider->text, test->step == IN_FIRST_EVENT ? 1 : test->step - IN_TEXT + 2);
  bytes = g_string_new(body);
  if (test->fault == GARBAGE)
    g_string_append(bytes, "\n\ndata: {\"choices\":[{]}\n\n");
  else if (test->fault == ERROR_EVENT)
    g_string_append_printf(bytes, "\n\n%s", test->provider->error);
  llm_rig_stream(f, bytes->str, ending, 0);
}

/* Comments come between events. */
static gboolean
is_possible(const Case *test)
{
  gboolean in_stream = test->fault == GARBAGE || test->fault == ERROR_EVENT;

  if (test->fault == CHATTER)
    return test->step == BEFORE_FIRST_EVENT || test->step == BEFORE_END;
  return test->step > IN_HEADERS || !in_stream;
}

static gboolean
is_stall(Fault fault)
{
  return fault == STALL || fault == CHATTER;
}

static void
test_fault(gconstpointer data)
{
  const Case *test = data;
  g_autofree gchar *whole = cut(test->provider->text, G_MAXUINT);
  gboolean spoken = test->step >= IN_TEXT;
  gboolean again = !spoken && !is_stall(test->fault);
  LlmRig f;

  start(&f, test->provider->properties);
  add_fault(&f, test);
  if (again)
    llm_rig_stream(&f, whole, LLM_RIG_COMPLETE, 0);
  llm_rig_say(&f, 1, "hello");
  assert_said(&f, test->step == BEFORE_END ? GOOD
                  : test->step == IN_TEXT  ? "[Good day to you.][How are you]."
                  : is_stall(test->fault)  ? SORRY
                                           : GOOD);
  g_assert_cmpuint(f.requests->len, ==, again ? 2 : 1);
  g_assert_cmpstr(f.posted->str, ==, again ? "" : "warning;");
  g_assert_cmpuint(llm_rig_count_open(&f), ==, 0);
  /* the conversation goes on, and knows what was said */
  llm_rig_stream(&f, whole, LLM_RIG_COMPLETE, 0);
  llm_rig_say(&f, 2, "and now?");
  assert_said(&f, GOOD);
  g_assert_nonnull(strstr(g_ptr_array_index(f.requests, f.requests->len - 1),
                          test->step == BEFORE_END || again ? "How are you today?"
                          : test->step == IN_TEXT           ? "Good day to you. How are you\""
                                                            : "Sorry?"));
  llm_rig_clear(&f);
}

/* Answers that are whole, however they are written */

static void
test_shapes(gconstpointer data)
{
  const Provider *provider = data;
  g_autofree gchar *whole = cut(provider->text, G_MAXUINT);
  g_auto(GStrv) lines = g_strsplit(whole, "\n", -1);
  g_autofree gchar *crlf = g_strjoinv("\r\n", lines);
  g_auto(GStrv) spaces = g_strsplit(whole, "data: ", -1);
  g_autofree gchar *tight = g_strjoinv("data:", spaces);
  g_autofree gchar *comments =
      g_strconcat(": keep-alive\n\n\n: OPENROUTER PROCESSING\n\n", whole, ": bye\n\n", NULL);
  const gchar *const bodies[] = { whole, crlf, tight, comments };

  for (guint i = 0; i < G_N_ELEMENTS(bodies); i++) {
    for (guint size = 0; size < 2; size++) {
      LlmRig f;

      start(&f, provider->properties);
      llm_rig_stream(&f, bodies[i], LLM_RIG_COMPLETE, size);
      llm_rig_say(&f, 1, "hello");
      assert_said(&f, GOOD);
      g_assert_cmpstr(f.posted->str, ==, "");
      g_assert_nonnull(strstr(f.seen->str, "input-tokens=(gint64)9, output-tokens=(gint64)3"));
      llm_rig_clear(&f);
    }
  }
}

/* The end is known before the connection's. */
static void
test_end_without_close(gconstpointer data)
{
  const Provider *provider = data;
  g_autofree gchar *whole = cut(provider->text, G_MAXUINT);
  LlmRig f;

  start(&f, provider->properties);
  llm_rig_stream(&f, whole, LLM_RIG_STALL, 0);
  llm_rig_say(&f, 1, "hello");
  llm_rig_pass(&f, GST_SECOND);
  assert_said(&f, GOOD);
  g_assert_cmpstr(f.posted->str, ==, "");
  g_assert_cmpuint(llm_rig_count_open(&f), ==, 0);
  llm_rig_clear(&f);
}

static void
test_tool(gconstpointer data)
{
  const Provider *provider = data;
  g_autofree gchar *call = cut(provider->call, G_MAXUINT);
  g_autofree gchar *text = cut(provider->text, G_MAXUINT);
  LlmRig f;

  start(&f, provider->properties);
  llm_rig_stream(&f, call, LLM_RIG_COMPLETE, 0);
  llm_rig_stream(&f, text, LLM_RIG_COMPLETE, 0);
  llm_rig_say(&f, 1, "hello");
  llm_rig_await_tool(&f);
  g_assert_cmpstr(f.posted->str, ==, "tool look {\"a\":1};");
  llm_rig_submit(&f, "{\"answer\":\"forty-two\"}");
  assert_said(&f, GOOD);
  g_assert_nonnull(strstr(g_ptr_array_index(f.requests, 1), "forty-two"));
  llm_rig_clear(&f);
}

static void
test_interrupted(gconstpointer data)
{
  const Provider *provider = data;
  g_autofree gchar *begun = cut(provider->text, 2);
  g_autofree gchar *whole = cut(provider->text, G_MAXUINT);
  g_autofree gchar *said = NULL;
  GstSegment segment;
  LlmRig f;

  start(&f, provider->properties);
  llm_rig_stream(&f, begun, LLM_RIG_STALL, 0);
  llm_rig_say(&f, 1, "hello");
  llm_rig_await_request(&f, 1);
  llm_rig_step(&f);
  gst_harness_push_event(f.harness, gst_event_new_flush_start());
  gst_harness_push_event(f.harness, gst_event_new_flush_stop(FALSE));
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(f.harness, gst_event_new_segment(&segment));
  llm_rig_step(&f);
  g_assert_cmpuint(llm_rig_count_open(&f), ==, 0);
  said = llm_rig_take_said(&f);
  g_assert_cmpstr(said, ==, "[Good day to you.]");
  llm_rig_stream(&f, whole, LLM_RIG_COMPLETE, 0);
  llm_rig_say(&f, 2, "again");
  assert_said(&f, GOOD);
  g_assert_null(strstr(g_ptr_array_index(f.requests, 1), "Good day to you"));
  llm_rig_clear(&f);
}

/* Answers that refuse */
typedef struct {
  const gchar *name;
  guint provider;
  const gchar *head;
  const gchar *body;
  gint wait_ms; /* until it is asked again; -1: it is not */
} Refusal;

#define QUOTED(code, type)                                                                         \
  "{\"error\":{\"message\":\"no\",\"type\":\"" type "\",\"code\":\"" code "\"}}"
#define OPENAI 0
#define GROQ 1
#define LOCAL 3
#define ANTHROPIC 4
#define GEMINI 5

static const Refusal refusals[] = {
  { "wrong key", OPENAI, "401 Unauthorized", QUOTED("invalid_api_key", "invalid_request_error"),
    -1 },
  { "forbidden", OPENAI, "403 Forbidden", QUOTED("x", "x"), -1 },
  { "unknown model", OPENAI, "404 Not Found", QUOTED("model_not_found", "invalid_request_error"),
    -1 },
  { "too long", OPENAI, "400 Bad Request", QUOTED("context_length_exceeded", "x"), -1 },
  { "no credit", OPENAI, "429 Too Many Requests",
    QUOTED("insufficient_quota", "insufficient_quota"), -1 },
  { "rate limit", OPENAI, "429 Too Many Requests", QUOTED("rate_limit_exceeded", "requests"), 250 },
  { "rate limit for a second", OPENAI, "429 Too Many Requests\r\nretry-after: 1",
    QUOTED("rate_limit_exceeded", "requests"), 1000 },
  { "rate limit for 700 ms", OPENAI,
    "429 Too Many Requests\r\nretry-after: 1\r\nretry-after-ms: 700",
    QUOTED("rate_limit_exceeded", "requests"), 700 },
  { "rate limit for a minute", OPENAI, "429 Too Many Requests\r\nretry-after: 60",
    QUOTED("rate_limit_exceeded", "requests"), -1 },
  { "a page", OPENAI, "500 Internal Server Error\r\nContent-Type: text/html",
    "<html><body>" LLM_RIG_KEY "</body></html>", 250 },
  { "bad gateway", OPENAI, "502 Bad Gateway", "", 250 },
  { "unavailable", OPENAI, "503 Service Unavailable", QUOTED("x", "server_error"), 250 },
  { "an error that repeats the key", OPENAI, "401 Unauthorized",
    "{\"error\":{\"message\":\"Incorrect API key provided: " LLM_RIG_KEY "\"}}", -1 },
  { "at capacity", GROQ, "498 Capacity", QUOTED("x", "x"), -1 },
  { "balance", 2, "402 Payment Required", QUOTED("x", "x"), -1 },
  { "loading", LOCAL, "503 Service Unavailable",
    "{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}",
    250 },
  { "wrong key", ANTHROPIC, "401 Unauthorized",
    "{\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":\"invalid "
    "x-api-key\"}}",
    -1 },
  { "overloaded", ANTHROPIC, "529 Overloaded",
    "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}",
    250 },
  { "rate limit", ANTHROPIC, "429 Too Many Requests\r\nretry-after: 1", "", 1000 },
  { "wrong key", GEMINI, "400 Bad Request",
    "{\"error\":{\"code\":400,\"message\":\"API key not valid.\",\"status\":\"INVALID_ARGUMENT\"}}",
    -1 },
  { "rate limit in the body", GEMINI, "429 Too Many Requests",
    "{\"error\":{\"code\":429,\"message\":\"m\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":[{"
    "\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"1.5s\"}]}}",
    1500 },
  { "a long rate limit in the body", GEMINI, "429 Too Many Requests",
    "{\"error\":{\"code\":429,\"message\":\"m\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":[{"
    "\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"34.4s\"}]}}",
    -1 },
};

static void
test_refusal(gconstpointer data)
{
  const Refusal *test = data;
  const Provider *provider = &providers[test->provider];
  g_autofree gchar *whole = cut(provider->text, G_MAXUINT);
  LlmRig f;

  start(&f, provider->properties);
  llm_rig_answer(&f, test->head, test->body);
  if (test->wait_ms >= 0)
    llm_rig_stream(&f, whole, LLM_RIG_COMPLETE, 0);
  llm_rig_say(&f, 1, "hello");
  assert_said(&f, test->wait_ms >= 0 ? GOOD : SORRY);
  g_assert_cmpstr(f.posted->str, ==, test->wait_ms >= 0 ? "" : "warning;");
  if (test->wait_ms >= 0) {
    GstClockTime waited =
        g_array_index(f.times, GstClockTime, 1) - g_array_index(f.times, GstClockTime, 0);

    g_assert_cmpuint(waited, >=, test->wait_ms * GST_MSECOND);
    g_assert_cmpuint(waited, <=, (test->wait_ms + 400) * GST_MSECOND);
  }
  llm_rig_clear(&f);
}

static void
test_language(void)
{
  LlmRig f;

  llm_rig_init(&f);
  llm_rig_start(&f, "model-id=gpt-4o base-url=http://127.0.0.1:PORT/v1 language-code=de-AT", FALSE);
  llm_rig_answer(&f, "401 Unauthorized", "");
  llm_rig_say(&f, 1, "hallo");
  assert_said(&f, "[Entschuldigung, das habe ich nicht verstanden.]"
                  "[K\xc3\xb6nnen Sie das bitte wiederholen?].");
  llm_rig_clear(&f);
}

static void
test_three_times(void)
{
  LlmRig f;

  start(&f, providers[OPENAI].properties);
  for (guint i = 0; i < 3; i++)
    llm_rig_answer(&f, "503 Service Unavailable", "");
  llm_rig_say(&f, 1, "hello");
  assert_said(&f, SORRY);
  g_assert_cmpuint(f.requests->len, ==, 3);
  llm_rig_clear(&f);
}

/* Answers that are odd */
typedef struct {
  const gchar *name;
  guint provider;
  const gchar *body;
  const gchar *said;
} Oddity;

static const Oddity oddities[] = {
  { "cut by the longest answer", OPENAI, CHUNK("{\"content\":\"Well, I\"}", "\"length\""),
    "[Well, I]." },
  { "filtered", OPENAI, CHUNK("{}", "\"content_filter\""), SORRY },
  { "only spaces", OPENAI, CHUNK("{\"content\":\" \\n\"}", "\"stop\""), SORRY },
  { "only thoughts", 2, CHUNK("{\"reasoning_content\":\"Hm.\"}", "null") CHUNK("{}", "\"stop\""),
    SORRY },
  { "thoughts and words", 2,
    CHUNK("{\"content\":null,\"reasoning_content\":\"Hm.\"}", "null")
        CHUNK("{\"content\":\"Yes.\",\"reasoning_content\":null}", "\"stop\""),
    "[Yes.]." },
  { "a JSON array in place of events", GEMINI, "[{\"candidates\":[]}]", NULL },
  { "blocked", GEMINI, "data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}\n\n", SORRY },
  { "recitation after words", GEMINI,
    PART("{\"text\":\"Well.\"}") "data: {\"candidates\":[{\"finishReason\":\"RECITATION\"}]}\n\n",
    "[Well.]." },
  { "refused", ANTHROPIC,
    EVENT("message_delta", ",\"delta\":{\"stop_reason\":\"refusal\"}") EVENT("message_stop", ""),
    SORRY },
  { "no credit in the stream", OPENAI,
    "data: {\"error\":{\"message\":\"no\",\"code\":\"insufficient_quota\"}}\n\n", SORRY },
};

static void
test_oddity(gconstpointer data)
{
  const Oddity *test = data;
  LlmRig f;

  start(&f, providers[test->provider].properties);
  /* what says nothing is asked for thrice */
  for (guint i = 0; i < (test->said ? 1 : 3); i++)
    llm_rig_stream(&f, test->body, LLM_RIG_COMPLETE, 0);
  llm_rig_say(&f, 1, "hello");
  assert_said(&f, test->said ? test->said : SORRY);
  g_assert_cmpuint(f.requests->len, ==, test->said ? 1 : 3);
  llm_rig_clear(&f);
}

static void
add_faults(void)
{
  for (guint i = 0; i < G_N_ELEMENTS(providers); i++) {
    for (guint j = 0; j < N_FAULTS * N_STEPS; j++) {
      Case *test = g_new0(Case, 1);
      g_autofree gchar *path = NULL;

      *test = (Case){ &providers[i], j / N_STEPS, j % N_STEPS };
      path = g_strdup_printf("/llm-faults/%s/%s/%s", providers[i].name, fault_names[test->fault],
                             step_names[test->step]);
      if (is_possible(test))
        g_test_add_data_func_full(path, test, test_fault, g_free);
      else
        g_free(test);
    }
  }
}

static void
add_for_each(const gchar *name, GTestDataFunc func)
{
  for (guint i = 0; i < G_N_ELEMENTS(providers); i++) {
    g_autofree gchar *path = g_strdup_printf("/llm-faults/%s/%s", providers[i].name, name);

    g_test_add_data_func(path, &providers[i], func);
  }
}

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  add_faults();
  add_for_each("an answer may be written in many ways", test_shapes);
  add_for_each("the end of the answer is not that of the connection", test_end_without_close);
  add_for_each("a tool is called, and the model goes on", test_tool);
  add_for_each("a caller who interrupts ends the request", test_interrupted);
  for (guint i = 0; i < G_N_ELEMENTS(refusals); i++) {
    g_autofree gchar *path = g_strdup_printf(
        "/llm-faults/%s/refused/%s", providers[refusals[i].provider].name, refusals[i].name);

    g_test_add_data_func(path, &refusals[i], test_refusal);
  }
  for (guint i = 0; i < G_N_ELEMENTS(oddities); i++) {
    g_autofree gchar *path = g_strdup_printf(
        "/llm-faults/%s/odd/%s", providers[oddities[i].provider].name, oddities[i].name);

    g_test_add_data_func(path, &oddities[i], test_oddity);
  }
  g_test_add_func("/llm-faults/it is sorry in the caller's language", test_language);
  g_test_add_func("/llm-faults/it is asked three times", test_three_times);
  return g_test_run();
}
