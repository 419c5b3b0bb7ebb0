/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recorded answers of the services, and what they say, however their bytes were cut. */
#include <string.h>

#include "cord-error.h"
#include "cord-json.h"
#include "cord-sse.h"
#include "llm-providers.h"

#define SMALL 900 /* bytes: an answer of which every two halves are tried */

typedef struct {
  GString *text;
  GPtrArray *calls; /* CordLlmToolCall */
  gchar *reason;
  gint64 input, output;
  gsize reasoning; /* bytes */
  GError *error;
  CordLlmProvider *provider;
} Reply;

static void
take_text(const gchar *text, gpointer data)
{
  g_string_append(((Reply *)data)->text, text);
}

static CordLlmToolCall *
ensure_call(Reply *self, guint index)
{
  while (self->calls->len <= index)
    g_ptr_array_add(self->calls, cord_llm_tool_call_new(NULL, NULL, ""));
  return self->calls->pdata[index];
}

static void
append(gchar **text, const gchar *more)
{
  gchar *joined = g_strconcat(*text ? *text : "", more, NULL);

  g_free(*text);
  *text = joined;
}

static void
take_tool_call(guint index, const gchar *id, const gchar *name, const gchar *arguments,
               gpointer data)
{
  CordLlmToolCall *call = ensure_call(data, index);

  if (id && !call->id)
    call->id = g_strdup(id);
  if (name && !call->name)
    call->name = g_strdup(name);
  append(&call->arguments, arguments);
}

static void
take_finish(const gchar *reason, gpointer data)
{
  Reply *self = data;

  g_free(self->reason);
  self->reason = g_strdup(reason);
}

static void
take_usage(gint64 input, gint64 output, gpointer data)
{
  ((Reply *)data)->input += input;
  ((Reply *)data)->output += output;
}

static void
take_opaque(gint index, const gchar *text, gpointer data)
{
  Reply *self = data;

  if (index < 0)
    self->reasoning += strlen(text);
  else
    append(&ensure_call(self, (guint)index)->opaque, text);
}

static const CordLlmSink sink = { take_text, take_tool_call, take_finish, take_usage, take_opaque };

static void
reply_init(Reply *self, const gchar *nick)
{
  *self = (Reply){ .text = g_string_new(NULL) };
  self->calls = g_ptr_array_new_with_free_func((GDestroyNotify)cord_llm_tool_call_free);
  self->provider = llm_provider_new(nick, NULL, NULL);
  g_assert_nonnull(self->provider);
}

static void
reply_clear(Reply *self)
{
  g_string_free(self->text, TRUE);
  g_ptr_array_unref(self->calls);
  g_free(self->reason);
  g_clear_error(&self->error);
  g_object_unref(self->provider);
}

static gboolean
on_event(const gchar *event, const gchar *data, gpointer user_data)
{
  Reply *self = user_data;

  return CORD_LLM_PROVIDER_GET_CLASS(self->provider)
      ->parse_event(self->provider, event, data, &sink, self, &self->error);
}

/* Feeds the stream in pieces: up to @first, and then of @size. */
static void
read_stream(Reply *self, const gchar *stream, gsize first, gsize size)
{
  gsize length = strlen(stream);
  CordSseParser parser;

  cord_sse_parser_init(&parser, 0);
  for (gsize at = 0; at < length && self->error == NULL;) {
    gsize n = MIN(at == 0 && first > 0 ? first : size, length - at);

    g_assert_true(cord_sse_parser_feed(&parser, stream + at, n, on_event, self, NULL));
    at += n;
  }
  cord_sse_parser_clear(&parser);
}

static gchar *
canonical(const gchar *arguments)
{
  g_autoptr(JsonObject) object = cord_json_parse_object(arguments, -1, NULL);
  g_autoptr(GList) names = NULL;
  g_autoptr(JsonObject) sorted = NULL;

  if (object == NULL)
    return g_strdup(arguments);
  sorted = json_object_new();
  names = g_list_sort(json_object_get_members(object), (GCompareFunc)strcmp);
  for (GList *l = names; l; l = l->next)
    json_object_set_member(sorted, l->data, json_object_dup_member(object, l->data));
  return cord_json_print_object(sorted);
}

static void
assert_calls(const Reply *self, JsonArray *expected)
{
  guint n = 0;

  for (guint i = 0; i < self->calls->len; i++) {
    const CordLlmToolCall *call = self->calls->pdata[i];
    g_autofree gchar *arguments = canonical(call->arguments);
    g_autofree gchar *wanted = NULL;
    JsonObject *object;

    /* never completed: nobody runs it */
    if (call->name == NULL)
      continue;
    g_assert_cmpuint(n, <, json_array_get_length(expected));
    object = json_array_get_object_element(expected, n++);
    wanted = canonical(cord_json_peek_string(object, "arguments", ""));
    g_assert_cmpstr(call->name, ==, cord_json_peek_string(object, "name", NULL));
    g_assert_cmpstr(call->id, ==, cord_json_peek_string(object, "id", NULL));
    g_assert_cmpstr(arguments, ==, wanted);
    g_assert_cmpstr(call->opaque, ==, cord_json_peek_string(object, "signature", NULL));
  }
  g_assert_cmpuint(n, ==, json_array_get_length(expected));
}

static void
assert_reply(const Reply *self, JsonObject *expected)
{
  const gchar *reason = cord_json_peek_string(expected, "reason", NULL);
  gint64 reasoning = cord_json_peek_int(expected, "reasoning_length", -1);

  g_assert_cmpstr(self->text->str, ==, cord_json_peek_string(expected, "text", NULL));
  assert_calls(self, cord_json_peek_array(expected, "calls"));
  g_assert_cmpint(self->input, ==, cord_json_peek_int(expected, "input", -1));
  g_assert_cmpint(self->output, ==, cord_json_peek_int(expected, "output", -1));
  if (reasoning >= 0)
    g_assert_cmpint((gint64)self->reasoning, ==, reasoning);
  if (g_str_equal(reason, "refusal")) {
    g_assert_error(self->error, CORD_ERROR, CORD_ERROR_INVALID);
    return;
  }
  g_assert_no_error(self->error);
  g_assert_cmpstr(self->reason, ==, reason);
}

static gchar *
load(const gchar *path)
{
  g_autofree gchar *file = g_build_filename(g_getenv("CORDBOARD_TEST_DATA"), path, NULL);
  gchar *text;

  g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
  return text;
}

/* Of one event's data a line, the stream that a service would have sent. */
static gchar *
load_stream(const gchar *path, const gchar *line_end)
{
  g_autofree gchar *text = load(path);
  g_auto(GStrv) lines = NULL;
  g_autoptr(GString) stream = g_string_new(NULL);

  if (!g_str_has_suffix(path, ".chunks.txt"))
    return g_steal_pointer(&text);
  lines = g_strsplit(text, "\n", -1);
  for (guint i = 0; lines[i]; i++) {
    if (*lines[i])
      g_string_append_printf(stream, ": comment%sdata:%s%s%s%s", line_end, i % 2 ? " " : "",
                             lines[i], line_end, line_end);
  }
  if (!g_str_has_prefix(path, "anthropic") && !g_str_has_prefix(path, "gemini"))
    g_string_append_printf(stream, "data: [DONE]%s%s", line_end, line_end);
  return g_strdup(stream->str);
}

static void
check(const gchar *path, const gchar *stream, JsonObject *expected, gsize first, gsize size)
{
  g_autofree gchar *nick = g_path_get_dirname(path);
  Reply reply;

  reply_init(&reply, nick);
  read_stream(&reply, stream, first, size);
  assert_reply(&reply, expected);
  reply_clear(&reply);
}

static JsonObject *
load_expected(void)
{
  g_autofree gchar *text = load("llm/expected.json");
  JsonObject *object = cord_json_parse_object(text, -1, NULL);

  g_assert_nonnull(object);
  return object;
}

typedef void (*CheckFunc)(const gchar *path, JsonObject *expected);

static void
for_each_recording(CheckFunc func)
{
  g_autoptr(JsonObject) all = load_expected();
  g_autoptr(GList) paths = json_object_get_members(all);

  g_assert_cmpuint(g_list_length(paths), >=, 30);
  for (GList *l = paths; l; l = l->next) {
    g_test_message("%s", (const gchar *)l->data);
    func(l->data, json_object_get_object_member(all, l->data));
  }
}

static void
check_whole(const gchar *path, JsonObject *expected)
{
  static const gchar *const line_ends[] = { "\n", "\r\n", "\r" };

  for (guint i = 0; i < G_N_ELEMENTS(line_ends); i++) {
    g_autofree gchar *stream = load_stream(path, line_ends[i]);

    check(path, stream, expected, 0, G_MAXSIZE);
  }
}

static void
test_whole(void)
{
  for_each_recording(check_whole);
}

static void
check_split(const gchar *path, JsonObject *expected)
{
  g_autofree gchar *stream = load_stream(path, "\r\n");
  gsize length = strlen(stream);

  /* every boundary at once, and each of them alone */
  check(path, stream, expected, 0, 1);
  check(path, stream, expected, 0, 7);
  for (gsize at = 1; at < length && length <= SMALL; at++)
    check(path, stream, expected, at, G_MAXSIZE);
}

static void
test_split(void)
{
  for_each_recording(check_split);
}

/* What no recording holds */
typedef struct {
  const gchar *name;
  const gchar *nick;
  const gchar *stream;  /* one event's data a line */
  const gchar *outcome; /* text|calls|reason, or ! and the error */
} Case;

static const Case cases[] = {
  { "openai: two calls interleaved", "openai",
    "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":"
    "\"x\",\"arguments\":\"\"}}]}}]}\n"
    "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"b\",\"function\":{\"name\":"
    "\"y\",\"arguments\":\"{\"}}]}}]}\n"
    "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{}\"}},{"
    "\"index\":1,\"function\":{\"arguments\":\"}\"}}]}}]}\n"
    "{\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}",
    "|a x {};b y {};|tool_calls" },
  { "openai: calls without an index", "openai",
    "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"x\","
    "\"arguments\":\"{}\"}}]}}]}\n"
    "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"b\",\"function\":{\"name\":\"y\","
    "\"arguments\":\"{\"}}]}}]}\n"
    "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":\"}\"}}]}}]}",
    "|a x {};b y {};|(null)" },
  { "openai: unknown fields, no choices, null everywhere", "openai",
    "{\"choices\":[]}\n{\"object\":\"surprise\",\"choices\":null,\"usage\":null}\n"
    "{\"choices\":[{\"delta\":null}]}\n{\"choices\":[null]}\n{\"choices\":[7]}\n"
    "{\"choices\":[{\"delta\":{\"content\":null,\"refusal\":null,\"new\":[1],\"tool_calls\":[null]}"
    "}]}\n"
    "{\"choices\":[{\"delta\":{\"content\":\"Hi\",\"audio\":{}},\"finish_reason\":\"length\"}]}",
    "Hi||length" },
  { "openai: thoughts in the text", "local",
    "{\"choices\":[{\"delta\":{\"content\":\"\\n<th\"}}]}\n"
    "{\"choices\":[{\"delta\":{\"content\":\"ink>Should I say hi? Or rather \"}}]}\n"
    "{\"choices\":[{\"delta\":{\"content\":\"bye?</thi\"}}]}\n"
    "{\"choices\":[{\"delta\":{\"content\":\"nk>Good \"}}]}\n"
    "{\"choices\":[{\"delta\":{\"content\":\"day <think>.\"},\"finish_reason\":\"stop\"}]}",
    "Good day <think>.||stop" },
  { "openai: no thought after all", "local",
    "{\"choices\":[{\"delta\":{\"content\":\"<th\"},\"finish_reason\":\"stop\"}]}", "<th||stop" },
  { "openai: an error in the stream", "openai",
    "{\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n{\"error\":{\"message\":\"overloaded\","
    "\"code\":503}}",
    "!1 the model failed: overloaded" },
  { "openai: an error that is a string", "local", "{\"error\":\"out of memory\"}",
    "!1 the model failed: out of memory" },
  { "openai: no credit", "openai",
    "{\"error\":{\"message\":\"pay\",\"type\":\"insufficient_quota\",\"code\":\"insufficient_"
    "quota\"}}",
    "!4 the model failed: pay" },
  { "openai: not JSON", "openai", "{\"choices\":[", "!2 the model's reply: not JSON" },
  { "groq: usage in two places counts once", "groq",
    "{\"choices\":[],\"x_groq\":{\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}}\n"
    "{\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}",
    "||(null) 3/4" },
  { "anthropic: a delta of a block that was never opened", "anthropic",
    "{\"type\":\"content_block_delta\",\"index\":4,\"delta\":{\"type\":\"input_json_delta\","
    "\"partial_json\":\"{\"}}\n{\"type\":\"content_block_stop\",\"index\":4}\n"
    "{\"type\":\"invented_yesterday\"}\n{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{"
    "\"type\":\"text_delta\",\"text\":\"Hi\"}}\n{\"type\":\"message_stop\"}",
    "Hi||end_turn" },
  { "anthropic: thinking is not speech", "anthropic",
    "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\","
    "\"thinking\":\"Hm\"}}\n{\"type\":\"message_stop\"}",
    "||end_turn" },
  { "anthropic: overloaded after the beginning", "anthropic",
    "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}",
    "!1 the model failed: overloaded_error: Overloaded" },
  { "gemini: two calls of one name and without ids", "gemini",
    "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"x\",\"args\":{\"a\":1}"
    "}},{\"functionCall\":{\"name\":\"x\",\"args\":{\"a\":2}}}]},\"finishReason\":\"STOP\"}]}",
    "|- x {\"a\":1};- x {\"a\":2};|STOP" },
  { "gemini: neither content nor parts", "gemini",
    "{\"candidates\":[{}]}\n{\"candidates\":[{\"content\":{}}]}\n{\"candidates\":[{\"content\":{"
    "\"parts\":[{\"text\":\"Hi\"}]},\"finishReason\":\"MAX_TOKENS\"}]}",
    "Hi||MAX_TOKENS" },
  { "gemini: a blocked prompt", "gemini", "{\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}",
    "!6 the model did not answer (SAFETY)" },
  { "gemini: a malformed call", "gemini",
    "{\"candidates\":[{\"finishReason\":\"MALFORMED_FUNCTION_CALL\"}]}",
    "!1 the model did not answer (MALFORMED_FUNCTION_CALL)" },
  { "gemini: thoughts are not speech", "gemini",
    "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hm\",\"thought\":true}]}}]}",
    "||(null)" },
  { "gemini: an error in the stream", "gemini",
    "{\"error\":{\"code\":503,\"message\":\"loading\",\"status\":\"UNAVAILABLE\"}}",
    "!1 the model failed: loading" },
};

static gchar *
describe(const Reply *self)
{
  g_autoptr(GString) out = g_string_new(NULL);

  if (self->error)
    return g_strdup_printf("!%d %s", self->error->code, self->error->message);
  g_string_append_printf(out, "%s|", self->text->str);
  for (guint i = 0; i < self->calls->len; i++) {
    const CordLlmToolCall *call = self->calls->pdata[i];

    g_string_append_printf(out, "%s %s %s;", call->id ? call->id : "-", call->name,
                           call->arguments);
  }
  g_string_append_printf(out, "|%s", self->reason ? self->reason : "(null)");
  if (self->input > 0)
    g_string_append_printf(out, " %d/%d", (int)self->input, (int)self->output);
  return g_strdup(out->str);
}

static void
test_case(gconstpointer data)
{
  const Case *test = data;
  g_auto(GStrv) lines = g_strsplit(test->stream, "\n", -1);
  g_autofree gchar *outcome = NULL;
  Reply reply;

  reply_init(&reply, test->nick);
  for (guint i = 0; lines[i] && reply.error == NULL; i++)
    on_event("message", lines[i], &reply);
  outcome = describe(&reply);
  g_test_message("%s", outcome);
  g_assert_true(g_str_has_prefix(outcome, test->outcome));
  reply_clear(&reply);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/llm-replies/recordings say what they say", test_whole);
  g_test_add_func("/llm-replies/it does not matter where they are cut", test_split);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree gchar *path = g_strdup_printf("/llm-replies/%s", cases[i].name);

    g_test_add_data_func(path, &cases[i], test_case);
  }
  return g_test_run();
}
