/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is sent to the services: the same as their own SDKs send. */
#include <string.h>

#include "cord-json.h"
#include "llm-providers.h"

#define LOOKUP                                                                                     \
  "[{\"type\":\"function\",\"function\":{\"name\":\"lookup\",\"description\":\"d\","               \
  "\"parameters\":{\"type\":\"object\",\"properties\":{\"q\":{\"type\":\"string\"}}%s}}}]"
#define F                                                                                          \
  "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"d\",\"parameters\":{"    \
  "\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}}}}}]"

static JsonNode *
sort(JsonNode *node)
{
  if (JSON_NODE_HOLDS_OBJECT(node)) {
    JsonObject *object = json_node_get_object(node);
    JsonObject *sorted = json_object_new();
    g_autoptr(GList) names = g_list_sort(json_object_get_members(object), (GCompareFunc)strcmp);
    JsonNode *result = json_node_new(JSON_NODE_OBJECT);

    for (GList *l = names; l; l = l->next)
      json_object_set_member(sorted, l->data, sort(json_object_get_member(object, l->data)));
    json_node_take_object(result, sorted);
    return result;
  }
  if (JSON_NODE_HOLDS_ARRAY(node)) {
    JsonArray *array = json_node_get_array(node);
    JsonArray *sorted = json_array_new();
    JsonNode *result = json_node_new(JSON_NODE_ARRAY);

    for (guint i = 0; i < json_array_get_length(array); i++)
      json_array_add_element(sorted, sort(json_array_get_element(array, i)));
    json_node_take_array(result, sorted);
    return result;
  }
  return json_node_copy(node);
}

static gchar *
canonical(JsonNode *node)
{
  g_autoptr(JsonNode) sorted = sort(node);

  return cord_json_print(sorted);
}

typedef struct {
  CordLlmConversation *conversation;
  CordLlmSettings settings;
  JsonNode *tools;
} Question;

static void
question_init(Question *self, const gchar *model, const gchar *tools)
{
  *self = (Question){ cord_llm_conversation_new(), { .model = model, .temperature = -1 }, NULL };
  self->settings.api_key = "sk-test";
  if (tools) {
    self->tools = cord_json_parse(tools, -1, 0, 0, NULL);
    self->settings.tools = json_node_get_array(self->tools);
  }
}

static void
question_clear(Question *self)
{
  cord_llm_conversation_free(self->conversation);
  g_clear_pointer(&self->tools, json_node_unref);
}

/* The body in a fixed order; request->url and headers stay. */
static gchar *
write_request(Question *self, CordLlmRequest *request)
{
  g_autoptr(CordLlmProvider) provider = llm_provider_new(NULL, self->settings.model, NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(JsonNode) body = NULL;

  g_assert_nonnull(provider);
  g_assert_true(CORD_LLM_PROVIDER_GET_CLASS(provider)->create_request(
      provider, self->conversation, &self->settings, request, &error));
  g_assert_no_error(error);
  body = cord_json_parse(request->body, -1, 0, 0, NULL);
  g_assert_nonnull(body);
  return canonical(body);
}

static const gchar *
find_header(const CordLlmRequest *request, const gchar *name)
{
  for (guint i = 0; request->headers[i]; i += 2) {
    if (g_ascii_strcasecmp(request->headers[i], name) == 0)
      return request->headers[i + 1];
  }
  return NULL;
}

/* As the SDK wrote it, but for what it leaves to the service and we do not. */
static void
assert_as_sdk(Question *self, const gchar *label, const gchar *drop)
{
  g_autofree gchar *path =
      g_build_filename(g_getenv("CORDBOARD_TEST_DATA"), "llm", "requests.json", NULL);
  g_autofree gchar *text = NULL;
  g_autofree gchar *body = NULL;
  g_autofree gchar *expected = NULL;
  g_autoptr(JsonObject) all = NULL;
  g_autoptr(JsonObject) ours = NULL;
  g_autofree gchar *left = NULL;
  CordLlmRequest request = { NULL };
  JsonObject *sdk;

  g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
  all = cord_json_parse_object(text, -1, NULL);
  sdk = cord_json_peek_object(all, label);
  g_assert_nonnull(sdk);
  expected = canonical(json_object_get_member(sdk, "body"));
  body = write_request(self, &request);
  ours = cord_json_parse_object(body, -1, NULL);
  if (drop)
    json_object_remove_member(ours, drop);
  left = cord_json_print_object(ours);
  g_assert_cmpstr(left, ==, expected);
  g_assert_true(g_str_has_suffix(request.url, cord_json_peek_string(sdk, "url", "?")));
  cord_llm_request_clear(&request);
}

static void
test_openai(void)
{
  g_autofree gchar *tools = g_strdup_printf(LOOKUP, ",\"required\":[\"q\"]");
  Question question;

  question_init(&question, "gpt-4o-mini", tools);
  question.settings.system_prompt = "s";
  cord_llm_conversation_add_user(question.conversation, 1, "hi");
  assert_as_sdk(&question, "openai.chat.stream", NULL);
  question_clear(&question);
}

static void
test_groq(void)
{
  g_autofree gchar *tools = g_strdup_printf(LOOKUP, ",\"required\":[\"q\"]");
  Question question;

  question_init(&question, "llama-3.3-70b-versatile", tools);
  cord_llm_conversation_add_user(question.conversation, 1, "hi");
  assert_as_sdk(&question, "groq.chat.stream", "stream_options");
  question_clear(&question);
}

static void
test_anthropic(void)
{
  g_autofree gchar *tools = g_strdup_printf(LOOKUP, "");
  CordLlmRequest request = { NULL };
  g_autofree gchar *body = NULL;
  Question question;

  question_init(&question, "claude-sonnet-4-5", tools);
  question.settings.system_prompt = "s";
  question.settings.max_tokens = 100;
  cord_llm_conversation_add_user(question.conversation, 1, "hi");
  body = write_request(&question, &request);
  /* a text of one block and a plain text are the same to the service */
  g_assert_cmpstr(
      body, ==,
      "{\"max_tokens\":100,\"messages\":[{\"content\":[{\"text\":\"hi\",\"type\":\"text\"}],"
      "\"role\":\"user\"}],\"model\":\"claude-sonnet-4-5\",\"stream\":true,\"system\":\"s\","
      "\"tools\":[{\"description\":\"d\",\"input_schema\":{\"properties\":{\"q\":{\"type\":"
      "\"string\"}},\"type\":\"object\"},\"name\":\"lookup\"}]}");
  g_assert_cmpstr(find_header(&request, "x-api-key"), ==, "sk-test");
  g_assert_cmpstr(find_header(&request, "anthropic-version"), ==, "2023-06-01");
  g_assert_cmpstr(request.url, ==, "https://api.anthropic.com/v1/messages");
  cord_llm_request_clear(&request);
  question_clear(&question);
}

static void
test_gemini(void)
{
  CordLlmRequest request = { NULL };
  g_autofree gchar *body = NULL;
  Question question;

  question_init(&question, "gemini-2.0-flash", F);
  question.settings.system_prompt = "s";
  question.settings.temperature = 0.5;
  cord_llm_conversation_add_user(question.conversation, 1, "hi");
  body = write_request(&question, &request);
  g_assert_cmpstr(
      body, ==,
      "{\"contents\":[{\"parts\":[{\"text\":\"hi\"}],\"role\":\"user\"}],\"generationConfig\":{"
      "\"temperature\":0.5},\"systemInstruction\":{\"parts\":[{\"text\":\"s\"}]},\"tools\":[{"
      "\"functionDeclarations\":[{\"description\":\"d\",\"name\":\"f\",\"parametersJsonSchema\":{"
      "\"properties\":{\"a\":{\"type\":\"integer\"}},\"type\":\"object\"}}]}]}");
  g_assert_cmpstr(find_header(&request, "x-goog-api-key"), ==, "sk-test");
  g_assert_null(strstr(request.url, "sk-test"));
  cord_llm_request_clear(&request);
  question_clear(&question);
}

static void
add_call(Question *question, const gchar *id, const gchar *name, const gchar *arguments,
         const gchar *opaque, const gchar *message_opaque, const gchar *result)
{
  g_autoptr(GPtrArray) calls =
      g_ptr_array_new_with_free_func((GDestroyNotify)cord_llm_tool_call_free);
  CordLlmToolCall *call = cord_llm_tool_call_new(id, name, arguments);

  call->opaque = g_strdup(opaque);
  g_ptr_array_add(calls, call);
  cord_llm_conversation_add_tool_calls(question->conversation, 1, calls, message_opaque);
  cord_llm_conversation_add_tool_result(question->conversation, 1, id, result);
}

static void
test_gemini_call(void)
{
  Question question;

  question_init(&question, "gemini-2.5-flash", NULL);
  cord_llm_conversation_add_user(question.conversation, 1, "hi");
  add_call(&question, "c1", "f", "{\"a\":1}", "AAAA", NULL, "{\"output\":\"ok\"}");
  assert_as_sdk(&question, "gemini.functionResponse", "generationConfig");
  question_clear(&question);
}

/* What one model has called, another may have to read. */
static void
test_call_of_another(void)
{
  static const struct {
    const gchar *model, *expected;
  } cases[] = {
    { "claude-haiku-4-5",
      "\"messages\":[{\"content\":[{\"text\":\"(The caller has just been connected.)\",\"type\":"
      "\"text\"}],\"role\":\"user\"},{\"content\":[{\"text\":\"Hello!\",\"type\":\"text\"}],"
      "\"role\":\"assistant\"},{\"content\":[{\"text\":\"hi\",\"type\":\"text\"}],\"role\":"
      "\"user\"},{\"content\":[{\"id\":\"call-1\",\"input\":{},\"name\":\"f\",\"type\":"
      "\"tool_use\"}],\"role\":\"assistant\"},{\"content\":[{\"content\":\"ok\",\"tool_use_id\":"
      "\"call-1\",\"type\":\"tool_result\"},{\"text\":\"and?\",\"type\":\"text\"}],\"role\":"
      "\"user\"}]" },
    { "gemini-2.0-flash",
      "\"contents\":[{\"parts\":[{\"text\":\"(The caller has just been connected.)\"}],\"role\":"
      "\"user\"},{\"parts\":[{\"text\":\"Hello!\"}],\"role\":\"model\"},{\"parts\":[{\"text\":"
      "\"hi\"}],\"role\":\"user\"},{\"parts\":[{\"functionCall\":{\"args\":{},\"name\":\"f\"},"
      "\"thoughtSignature\":\"SIG\"}],\"role\":\"model\"},{\"parts\":[{\"functionResponse\":{"
      "\"name\":\"f\",\"response\":{\"output\":\"ok\"}}},{\"text\":\"and?\"}],\"role\":\"user\"}"
      "]" },
    { "gpt-4o",
      "\"messages\":[{\"content\":\"Hello!\",\"role\":\"assistant\"},{\"content\":\"hi\",\"role\":"
      "\"user\"},{\"content\":null,\"role\":\"assistant\",\"tool_calls\":[{\"function\":{"
      "\"arguments\":\"{}\",\"name\":\"f\"},\"id\":\"call-1\",\"type\":\"function\"}]},{"
      "\"content\":\"ok\",\"role\":\"tool\",\"tool_call_id\":\"call-1\"},{\"content\":\"and?\","
      "\"role\":\"user\"}]" },
    { "deepseek-chat", "\"reasoning_content\":\"Hm.\",\"role\":\"assistant\",\"tool_calls\"" },
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    CordLlmRequest request = { NULL };
    g_autofree gchar *body = NULL;
    Question question;

    question_init(&question, cases[i].model, NULL);
    cord_llm_conversation_set_assistant(question.conversation, 0, "Hello!");
    cord_llm_conversation_add_user(question.conversation, 1, "hi");
    add_call(&question, "call-1", "f", "{}", "SIG", "Hm.", "ok");
    cord_llm_conversation_add_user(question.conversation, 2, "and?");
    body = write_request(&question, &request);
    g_test_message("%s", body);
    g_assert_nonnull(strstr(body, cases[i].expected));
    cord_llm_request_clear(&request);
    question_clear(&question);
  }
}

static void
test_settings(void)
{
  static const struct {
    const gchar *model, *there, *not_there;
  } cases[] = {
    { "gpt-4o", "\"max_completion_tokens\":50", "\"max_tokens\"" },
    { "gpt-4o", "\"temperature\":0.5", "thinking" },
    { "o3-mini", "\"max_completion_tokens\":50", "temperature" },
    { "gpt-5-mini", "\"max_completion_tokens\":50", "temperature" },
    { "deepseek-chat", "\"thinking\":{\"type\":\"disabled\"}", "max_completion_tokens" },
    { "deepseek-reasoner", "\"max_tokens\":50", "disabled" },
    { "ollama/qwen3:8b", "\"model\":\"qwen3:8b\"", "ollama" },
    { "local/mine", "\"max_tokens\":50", "max_completion_tokens" },
    { "claude-opus-4-1", "\"max_tokens\":50", "max_completion_tokens" },
    { "gemini-2.5-flash", "\"maxOutputTokens\":50", "max_tokens" },
    { "gemini-2.5-flash", "\"thinkingBudget\":0", "max_tokens" },
    { "gemini-2.5-pro", "\"maxOutputTokens\":50", "thinkingBudget" },
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    CordLlmRequest request = { NULL };
    g_autofree gchar *body = NULL;
    Question question;

    question_init(&question, cases[i].model, NULL);
    question.settings.max_tokens = 50;
    question.settings.temperature = 0.5;
    cord_llm_conversation_add_user(question.conversation, 1, "hi");
    body = write_request(&question, &request);
    g_test_message("%s", body);
    g_assert_nonnull(strstr(body, cases[i].there));
    g_assert_null(strstr(body, cases[i].not_there));
    cord_llm_request_clear(&request);
    question_clear(&question);
  }
}

/* Only of those that are known to take it. */
static void
test_json_mode(void)
{
  static const struct {
    const gchar *model, *mode;
  } cases[] = {
    { "gpt-4o", "\"response_format\":{\"type\":\"json_object\"}" },
    { "gpt-4-turbo", "\"response_format\":{\"type\":\"json_object\"}" },
    { "gpt-4", NULL },
    { "gpt-4-0613", NULL },
    { "deepseek-chat", "\"response_format\":{\"type\":\"json_object\"}" },
    { "ollama/qwen3:8b", "\"response_format\":{\"type\":\"json_object\"}" },
    { "gemini-2.5-flash", "\"responseMimeType\":\"application/json\"" },
    { "llama-3.3-70b-versatile", NULL },
    { "claude-haiku-4-5", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases) * 2; i++) {
    CordLlmRequest request = { NULL };
    const gchar *mode = cases[i / 2].mode;
    g_autofree gchar *body = NULL;
    Question question;

    question_init(&question, cases[i / 2].model, NULL);
    question.settings.json = i % 2;
    cord_llm_conversation_add_user(question.conversation, 1, "hi");
    body = write_request(&question, &request);
    g_test_message("%s", body);
    if (question.settings.json && mode)
      g_assert_nonnull(strstr(body, mode));
    else
      g_assert_true(strstr(body, "response_format") == NULL &&
                    strstr(body, "responseMimeType") == NULL);
    cord_llm_request_clear(&request);
    question_clear(&question);
  }
}

static void
test_providers(void)
{
  static const struct {
    const gchar *model, *nick;
  } cases[] = {
    { "gpt-4o", "openai" },
    { "gpt-4.1-nano", "openai" },
    { "o3", "openai" },
    { "o4-mini", "openai" },
    { "chatgpt-4o-latest", "openai" },
    { "claude-sonnet-4-5", "anthropic" },
    { "gemini-2.5-flash", "gemini" },
    { "deepseek-chat", "deepseek" },
    { "llama-3.3-70b-versatile", "groq" },
    { "mixtral-8x7b-32768", "groq" },
    { "gemma2-9b-it", "groq" },
    { "openai/gpt-oss-120b", "groq" },
    { "ollama/llama3", "local" },
    { "local/x", "local" },
    { "scripted", "scripted" },
    { "nobodys", NULL },
    { "", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
    g_assert_cmpstr(llm_provider_of_model(cases[i].model), ==, cases[i].nick);
}

static void
test_no_key(void)
{
  g_autoptr(CordLlmProvider) provider = llm_provider_new(NULL, "claude-haiku-4-5", NULL);
  g_autoptr(GError) error = NULL;
  CordLlmRequest request = { NULL };
  Question question;

  question_init(&question, "claude-haiku-4-5", NULL);
  question.settings.api_key = NULL;
  g_assert_false(CORD_LLM_PROVIDER_GET_CLASS(provider)->create_request(
      provider, question.conversation, &question.settings, &request, &error));
  g_assert_nonnull(strstr(error->message, "ANTHROPIC_API_KEY"));
  question_clear(&question);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/llm-requests/openai's as its SDK", test_openai);
  g_test_add_func("/llm-requests/groq's as its SDK", test_groq);
  g_test_add_func("/llm-requests/anthropic's as its SDK", test_anthropic);
  g_test_add_func("/llm-requests/gemini's as its SDK", test_gemini);
  g_test_add_func("/llm-requests/gemini's signature goes back", test_gemini_call);
  g_test_add_func("/llm-requests/calls of another model are understood", test_call_of_another);
  g_test_add_func("/llm-requests/settings have everybody's names", test_settings);
  g_test_add_func("/llm-requests/JSON is asked for where that is known", test_json_mode);
  g_test_add_func("/llm-requests/a model tells its provider", test_providers);
  g_test_add_func("/llm-requests/a key that is missing is named", test_no_key);
  return g_test_run();
}
