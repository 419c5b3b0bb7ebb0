/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of a turn in which the model calls tools. */
#include "llm-rig.h"

#include <string.h>

#define CHUNK(delta, reason)                                                                       \
  "data: {\"choices\":[{\"index\":0,\"delta\":" delta ",\"finish_reason\":" reason "}]}\n\n"
#define SAYS(text) CHUNK("{\"content\":\"" text "\"}", "null")
#define CALLS(index, id, name)                                                                     \
  CHUNK("{\"tool_calls\":[{\"index\":" index ",\"id\":\"" id "\",\"function\":{\"name\":\"" name   \
        "\",\"arguments\":\"{}\"}}]}",                                                             \
        "null")
#define ENDS(reason) CHUNK("{}", "\"" reason "\"")

static void
start(LlmRig *f)
{
  llm_rig_init(f);
  llm_rig_start(f, "model-id=gpt-4o base-url=http://127.0.0.1:PORT/v1 fallback-text=Sorry?", FALSE);
}

static void
assert_said(LlmRig *f, const gchar *expected)
{
  g_autofree gchar *said = NULL;

  llm_rig_await_end(f);
  said = llm_rig_take_said(f);
  g_assert_cmpstr(said, ==, expected);
}

static void
test_two_calls(void)
{
  LlmRig f;
  g_autofree gchar *first = NULL;

  start(&f);
  llm_rig_stream(&f,
                 CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"x\","
                       "\"arguments\":\"{\"}},{\"index\":1,\"id\":\"b\",\"function\":{\"name\":"
                       "\"y\",\"arguments\":\"\"}}]}",
                       "null")
                     CHUNK("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"}\"}}]}",
                           "\"tool_calls\""),
                 LLM_RIG_COMPLETE, 0);
  llm_rig_stream(&f, CHUNK("{\"content\":\"Done.\"}", "\"stop\""), LLM_RIG_COMPLETE, 0);
  llm_rig_say(&f, 1, "hello");
  llm_rig_await_tool(&f);
  g_assert_cmpstr(f.posted->str, ==, "tool x {};tool y {};");
  llm_rig_submit(&f, "2");
  llm_rig_pass(&f, GST_SECOND);
  g_assert_cmpuint(f.requests->len, ==, 1);
  g_signal_emit_by_name(f.element, "submit-tool-result", "a", "1");
  assert_said(&f, "[Done.].");
  g_assert_nonnull(strstr(g_ptr_array_index(f.requests, 1),
                          "{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"1\"},{\"role\":"
                          "\"tool\",\"tool_call_id\":\"b\",\"content\":\"2\"}]"));
  llm_rig_clear(&f);
}

static void
test_arguments_that_are_none(void)
{
  LlmRig f;

  start(&f);
  llm_rig_stream(&f,
                 CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"x\","
                       "\"arguments\":\"{oops\"}}]}",
                       "\"tool_calls\""),
                 LLM_RIG_COMPLETE, 0);
  llm_rig_stream(&f, CHUNK("{\"content\":\"Done.\"}", "\"stop\""), LLM_RIG_COMPLETE, 0);
  llm_rig_say(&f, 1, "hello");
  assert_said(&f, "[Done.].");
  g_assert_cmpstr(f.posted->str, ==, "");
  g_assert_nonnull(strstr(g_ptr_array_index(f.requests, 1), "no JSON object"));
  g_assert_null(strstr(g_ptr_array_index(f.requests, 1), "oops"));
  llm_rig_clear(&f);
}

/* What was said before a tool was called stays before it. */
static void
test_words_around_a_tool(void)
{
  LlmRig f;

  start(&f);
  llm_rig_stream(&f,
                 CHUNK("{\"content\":\"Let me see.\"}", "null")
                     CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":"
                           "\"x\",\"arguments\":\"{}\"}}]}",
                           "\"tool_calls\""),
                 LLM_RIG_COMPLETE, 0);
  llm_rig_stream(&f, CHUNK("{\"content\":\"It is nine.\"}", "\"stop\""), LLM_RIG_COMPLETE, 0);
  llm_rig_stream(&f, CHUNK("{\"content\":\"Bye.\"}", "\"stop\""), LLM_RIG_COMPLETE, 0);
  llm_rig_say(&f, 1, "when");
  llm_rig_await_tool(&f);
  llm_rig_submit(&f, "9");
  assert_said(&f, "[Let me see.][It is nine.].");
  llm_rig_say(&f, 2, "thanks");
  assert_said(&f, "[Bye.].");
  g_assert_nonnull(
      strstr(g_ptr_array_index(f.requests, 2),
             "{\"role\":\"assistant\",\"content\":\"Let me see.\"},{\"role\":\"assistant\","
             "\"content\":null,\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\",\"function\":{"
             "\"name\":\"x\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"a\","
             "\"content\":\"9\"},{\"role\":\"assistant\",\"content\":\"It is nine.\"}"));
  llm_rig_clear(&f);
}

/* Tools of whose result nothing needs to be said */

/* What came of @first, when the model called c1 (and c2, where it is one of @ids) in it. */
static void
run_final(const gchar *first, const gchar *const *ids, const gchar *said, guint requests)
{
  LlmRig f;

  start(&f);
  llm_rig_stream(&f, first, LLM_RIG_COMPLETE, 0);
  llm_rig_stream(&f, SAYS("Bye then.") ENDS("stop"), LLM_RIG_COMPLETE, 0);
  llm_rig_stream(&f, SAYS("Still here.") ENDS("stop"), LLM_RIG_COMPLETE, 0);
  llm_rig_say(&f, 1, "bye");
  llm_rig_await_tool(&f);
  for (guint i = 0; ids[i]; i++)
    g_signal_emit_by_name(
        f.element, g_str_equal(ids[i], "c1") ? "submit-final-tool-result" : "submit-tool-result",
        ids[i], "{\"ok\":true}");
  assert_said(&f, said);
  g_assert_cmpuint(f.requests->len, ==, requests);
  llm_rig_clear(&f);
}

static void
test_final_after_words(void)
{
  static const gchar *const ids[] = { "c1", NULL };

  run_final(SAYS("Goodbye.") CALLS("0", "c1", "end_call") ENDS("tool_calls"), ids, "[Goodbye.].",
            1);
}

static void
test_final_without_words(void)
{
  static const gchar *const ids[] = { "c1", NULL };

  run_final(CALLS("0", "c1", "end_call") ENDS("tool_calls"), ids, "[Bye then.].", 2);
  run_final(SAYS(" \\n") CALLS("0", "c1", "end_call") ENDS("tool_calls"), ids, "[Bye then.].", 2);
}

/* Whatever else it wanted to know it has yet to say. */
static void
test_final_beside_another(void)
{
  static const gchar *const ids[] = { "c2", "c1", NULL };

  run_final(SAYS("Goodbye.") CALLS("0", "c1", "end_call") CALLS("1", "c2", "book")
                ENDS("tool_calls"),
            ids, "[Goodbye.][Bye then.].", 2);
}

/* A tool that answers twice has answered once. */
static void
test_final_after_the_fact(void)
{
  static const gchar *const ids[] = { "c2", "c2", "c1", "c1", NULL };

  run_final(SAYS("Goodbye.") CALLS("0", "c1", "end_call") CALLS("1", "c2", "book")
                ENDS("tool_calls"),
            ids, "[Goodbye.][Bye then.].", 2);
}

/* The caller who has something to say after all finds a model that knows what it has done. */
static void
test_after_a_final_one(void)
{
  LlmRig f;

  start(&f);
  llm_rig_stream(&f, SAYS("Goodbye.") CALLS("0", "c1", "end_call") ENDS("tool_calls"),
                 LLM_RIG_COMPLETE, 0);
  llm_rig_stream(&f, SAYS("Yes?") ENDS("stop"), LLM_RIG_COMPLETE, 0);
  llm_rig_say(&f, 1, "bye");
  llm_rig_await_tool(&f);
  g_signal_emit_by_name(f.element, "submit-final-tool-result", "c1", "{}");
  assert_said(&f, "[Goodbye.].");
  llm_rig_say(&f, 2, "one more thing");
  assert_said(&f, "[Yes?].");
  g_assert_nonnull(strstr(g_ptr_array_index(f.requests, 1),
                          "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"{}\"},{"
                          "\"role\":\"user\",\"content\":\"one more thing\"}"));
  llm_rig_clear(&f);
}

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/llm-tools/two calls wait for each other", test_two_calls);
  g_test_add_func("/llm-tools/arguments that are none are not run", test_arguments_that_are_none);
  g_test_add_func("/llm-tools/words stay around the tool", test_words_around_a_tool);
  g_test_add_func("/llm-tools/who has said goodbye is not asked again", test_final_after_words);
  g_test_add_func("/llm-tools/who ends without a word is asked for one", test_final_without_words);
  g_test_add_func("/llm-tools/who wants something else as well is asked",
                  test_final_beside_another);
  g_test_add_func("/llm-tools/a result that comes twice counts once", test_final_after_the_fact);
  g_test_add_func("/llm-tools/the conversation may go on after the end", test_after_a_final_one);
  return g_test_run();
}
