/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* More than one model: fail-over, the way back, races, and connections that are open early. */
#include <string.h>

#include "llm-rig.h"

#define WHOLE                                                                                      \
  "data: {\"choices\":[{\"delta\":{\"content\":\"I am %s.\"},\"finish_reason\":\"stop\"}]}\n\n"    \
  "data: [DONE]\n\n"
#define BEGUN "data: {\"choices\":[{\"delta\":{\"content\":\"I am \"}}]}\n\n"
#define QUIET_PROPERTIES "fallback-text=Sorry? "
#define TWO                                                                                        \
  QUIET_PROPERTIES "model-id=gpt-4o base-url=http://127.0.0.1:PORT/v1 "                            \
                   "fallback-models=local/second,scripted "

typedef struct {
  LlmRig rig;
} Fixture;

static void
setup(Fixture *f, gconstpointer data)
{
  g_autofree gchar *url = NULL;

  llm_rig_init(&f->rig);
  url = g_strdup_printf("http://127.0.0.1:%u/local/v1", f->rig.port);
  g_setenv("LOCAL_BASE_URL", url, TRUE);
  llm_rig_start(&f->rig, data, !strstr(data, "fallback-models"));
}

static void
teardown(Fixture *f, gconstpointer data)
{
  llm_rig_clear(&f->rig);
  g_unsetenv("LOCAL_BASE_URL");
}

static void
add_whole(Fixture *f, const gchar *who)
{
  g_autofree gchar *body = g_strdup_printf(WHOLE, who);

  llm_rig_stream(&f->rig, body, LLM_RIG_COMPLETE, 0);
}

static const gchar *
request(Fixture *f, guint n)
{
  return g_ptr_array_index(f->rig.requests, n);
}

/* Between the first two requests */
static GstClockTime
wait_of(Fixture *f)
{
  return g_array_index(f->rig.times, GstClockTime, 1) -
         g_array_index(f->rig.times, GstClockTime, 0);
}

static void
assert_turn(Fixture *f, guint turn, const gchar *expected)
{
  g_autofree gchar *said = NULL;

  llm_rig_say(&f->rig, turn, "hello");
  llm_rig_await_end(&f->rig);
  llm_rig_pass(&f->rig, GST_SECOND);
  said = llm_rig_take_said(&f->rig);
  g_assert_cmpstr(said, ==, expected);
}

static void
test_next_model(Fixture *f, gconstpointer data)
{
  llm_rig_answer(&f->rig, "401 Unauthorized", "{}");
  add_whole(f, "second");
  assert_turn(f, 1, "[I am second.].");
  g_assert_cmpstr(f->rig.posted->str, ==, "gpt-4o>local/second;");
  g_assert_true(g_str_has_prefix(request(f, 0), "POST /v1/chat/completions"));
  g_assert_true(g_str_has_prefix(request(f, 1), "POST /local/v1/chat/completions"));
  /* no key goes to somebody else */
  g_assert_null(strstr(request(f, 1), LLM_RIG_KEY));
  /* the next turn does not wait for the first again */
  add_whole(f, "second");
  assert_turn(f, 2, "[I am second.].");
  g_assert_cmpuint(f->rig.requests->len, ==, 3);
}

static void
test_stall(Fixture *f, gconstpointer data)
{
  llm_rig_stream(&f->rig, "", LLM_RIG_CHATTER, 0);
  add_whole(f, "second");
  assert_turn(f, 1, "[I am second.].");
  g_assert_cmpuint(llm_rig_count_open(&f->rig), ==, 0);
  g_assert_cmpuint(wait_of(f), <=, 11 * GST_SECOND);
}

static void
test_not_after_words(Fixture *f, gconstpointer data)
{
  llm_rig_stream(&f->rig, BEGUN, LLM_RIG_RESET, 0);
  assert_turn(f, 1, "[I am].");
  g_assert_cmpstr(f->rig.posted->str, ==, "warning;");
}

static void
test_script_comes_last(Fixture *f, gconstpointer data)
{
  llm_rig_answer(&f->rig, "404 Not Found", "{}");
  llm_rig_answer(&f->rig, "503 Service Unavailable", "{}");
  assert_turn(f, 1, "[Hello.][What can I do for you?].");
  g_assert_cmpstr(f->rig.posted->str, ==, "gpt-4o>local/second;local/second>scripted;");
}

static guint
count_probes(Fixture *f)
{
  guint n = 0;

  for (guint i = 0; i < f->rig.requests->len; i++)
    n += g_str_has_prefix(request(f, i), "GET /v1/models ");
  return n;
}

static void
test_way_back(Fixture *f, gconstpointer data)
{
  llm_rig_answer(&f->rig, "503 Service Unavailable", "{}");
  add_whole(f, "second");
  assert_turn(f, 1, "[I am second.].");
  llm_rig_pass(&f->rig, 31 * GST_SECOND);
  /* still dead: nobody waits for it */
  add_whole(f, "second");
  assert_turn(f, 2, "[I am second.].");
  g_assert_cmpuint(count_probes(f), ==, 1);
  add_whole(f, "second");
  assert_turn(f, 3, "[I am second.].");
  llm_rig_pass(&f->rig, 61 * GST_SECOND);
  f->rig.models = "200 OK";
  add_whole(f, "second");
  assert_turn(f, 4, "[I am second.].");
  g_assert_cmpuint(count_probes(f), ==, 2);
  add_whole(f, "first");
  assert_turn(f, 5, "[I am first.].");
  g_assert_true(g_str_has_prefix(request(f, 7), "POST /v1/chat/completions"));
}

static void
test_race(Fixture *f, gconstpointer data)
{
  llm_rig_stream(&f->rig, "", LLM_RIG_STALL, 0);
  add_whole(f, "second");
  assert_turn(f, 1, "[I am second.].");
  /* the loser was cancelled */
  g_assert_cmpuint(llm_rig_count_open(&f->rig), ==, 0);
  g_assert_cmpuint(wait_of(f), <=, 400 * GST_MSECOND);
  g_assert_cmpstr(f->rig.posted->str, ==, "");
}

static void
test_no_race(Fixture *f, gconstpointer data)
{
  add_whole(f, "first");
  assert_turn(f, 1, "[I am first.].");
  g_assert_cmpuint(f->rig.requests->len, ==, 1);
}

static void
test_both_lose(Fixture *f, gconstpointer data)
{
  llm_rig_stream(&f->rig, "", LLM_RIG_STALL, 0);
  llm_rig_stream(&f->rig, "", LLM_RIG_STALL, 0);
  assert_turn(f, 1, "[Sorry?].");
  g_assert_cmpuint(llm_rig_count_open(&f->rig), ==, 0);
}

static void
test_silence_of_the_first_to_fail(Fixture *f, gconstpointer data)
{
  /* the second fails while the first still thinks */
  llm_rig_stream(&f->rig, "", LLM_RIG_STALL, 0);
  llm_rig_answer(&f->rig, "500 Internal Server Error", "");
  assert_turn(f, 1, "[Sorry?].");
  g_assert_cmpuint(f->rig.requests->len, ==, 2);
}

static void
test_connects_early(Fixture *f, gconstpointer data)
{
  llm_rig_pass(&f->rig, GST_SECOND);
  g_assert_cmpuint(f->rig.peers->len, ==, 1);
  add_whole(f, "first");
  assert_turn(f, 1, "[I am first.].");
  add_whole(f, "first");
  assert_turn(f, 2, "[I am first.].");
  g_assert_cmpuint(f->rig.peers->len, ==, 1);
}

static void
test_unknown_model(void)
{
  g_autoptr(GstElement) element = gst_element_factory_make("llmtextgen", NULL);

  gst_object_ref_sink(element);
  g_object_set(element, "model-id", "gpt-4o", "fallback-models", "nobodys-model", NULL);
  g_assert_cmpint(gst_element_set_state(element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
  gst_element_set_state(element, GST_STATE_NULL);
}

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
#define ADD(name, properties, func)                                                                \
  g_test_add("/llm-failover/" name, Fixture, properties, setup, func, teardown)
  ADD("when a model fails, the next", TWO, test_next_model);
  ADD("a model that is silent has failed", TWO, test_stall);
  ADD("not after something was spoken", TWO, test_not_after_words);
  ADD("a script may come last", TWO, test_script_comes_last);
  ADD("the way back", TWO, test_way_back);
  ADD("the first to answer is heard", TWO "hedge=300", test_race);
  ADD("who answers in time races nobody", TWO "hedge=300", test_no_race);
  ADD("both may lose",
      QUIET_PROPERTIES "model-id=gpt-4o base-url=http://127.0.0.1:PORT/v1 "
                       "fallback-models=local/second hedge=300",
      test_both_lose);
  ADD("who still thinks is waited for",
      QUIET_PROPERTIES "model-id=gpt-4o base-url=http://127.0.0.1:PORT/v1 "
                       "fallback-models=local/second hedge=300",
      test_silence_of_the_first_to_fail);
  ADD("the connection is open before anybody speaks",
      "model-id=gpt-4o base-url=http://127.0.0.1:PORT/v1", test_connects_early);
  g_test_add_func("/llm-failover/an unknown model is refused at start", test_unknown_model);
  return g_test_run();
}
