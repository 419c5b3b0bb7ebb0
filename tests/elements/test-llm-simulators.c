/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each provider against the stand-in of its service, in one process and in virtual time: an answer,
 * a tool and what goes back with it. */
#include <string.h>

#include "llm-rig.h"
#include "sim.h"

#define REPLIES                                                                                    \
  "{\"replies\":[{\"match\":\"look\",\"text\":\"\",\"reasoning\":\"Hm, "                           \
  "hm.\",\"tools\":[{\"name\":"                                                                    \
  "\"look\",\"arguments\":{\"a\":1}},{\"name\":\"look\",\"arguments\":{\"a\":2}}]},"               \
  "{\"match\":\"write\",\"text\":\"{\\\"name\\\": \\\"**Ada**. B.\\\"}\"}]}"
#define SCRIPT                                                                                     \
  "{\"seed\":1,\"script\":{\"openai\":" REPLIES ",\"groq\":" REPLIES ",\"deepseek\":" REPLIES      \
  ",\"anthropic\":" REPLIES ",\"gemini\":" REPLIES                                                 \
  "},\"profile\":{\"default\":{\"first_byte_ms\":50,\"token_ms\":10}}}"

typedef struct {
  const gchar *name;
  const gchar *properties;
} Case;

static const Case cases[] = {
  { "openai", "model-id=gpt-4o base-url=http://127.0.0.1:PORT/openai/v1" },
  { "local", "model-id=local/mine base-url=http://127.0.0.1:PORT/openai/v1" },
  { "groq", "model-id=llama-3.3-70b-versatile base-url=http://127.0.0.1:PORT/groq/openai/v1" },
  { "deepseek", "model-id=deepseek-chat base-url=http://127.0.0.1:PORT/deepseek" },
  { "deepseek's reasoner", "model-id=deepseek-reasoner base-url=http://127.0.0.1:PORT/deepseek" },
  { "anthropic", "model-id=claude-haiku-4-5 base-url=http://127.0.0.1:PORT/anthropic/v1" },
  { "gemini", "model-id=gemini-2.5-flash base-url=http://127.0.0.1:PORT/gemini/v1beta" },
};

typedef struct {
  LlmRig rig;
  SimServer *server;
} Fixture;

static void
setup(Fixture *f, gconstpointer data)
{
  const Case *test = data;
  g_autoptr(GError) error = NULL;

  llm_rig_init(&f->rig);
  f->server = sim_server_new(f->rig.worker, 0, NULL, NULL, &error);
  g_assert_no_error(error);
  sim_server_add_all(f->server);
  sim_server_set_script(f->server, SCRIPT, &error);
  g_assert_no_error(error);
  f->rig.port = sim_server_get_port(f->server);
  llm_rig_start(&f->rig, test->properties, TRUE);
}

static void
teardown(Fixture *f, gconstpointer data)
{
  gst_element_set_state(f->rig.harness->element, GST_STATE_NULL);
  llm_rig_pass(&f->rig, GST_SECOND);
  sim_server_free(f->server);
  llm_rig_clear(&f->rig);
}

static void
assert_said(Fixture *f, const gchar *expected)
{
  g_autofree gchar *said = NULL;

  llm_rig_await_end(&f->rig);
  said = llm_rig_take_said(&f->rig);
  g_assert_cmpstr(said, ==, expected);
}

static void
test_conversation(Fixture *f, gconstpointer data)
{
  llm_rig_say(&f->rig, 1, "Good day");
  assert_said(f, "[You said: Good day.].");
  llm_rig_say(&f->rig, 2, "Please look");
  llm_rig_await_tool(&f->rig);
  g_assert_cmpstr(f->rig.posted->str, ==, "tool look {\"a\":1};tool look {\"a\":2};");
  /* the first one's deadline passes, the other answers */
  llm_rig_submit(&f->rig, "{\"found\":\"it\"}");
  llm_rig_await_end(&f->rig);
  g_assert_nonnull(strstr(f->rig.said->str, "The tool says"));
  g_assert_null(strstr(f->rig.said->str, "Hm"));
  g_string_truncate(f->rig.said, 0);
  llm_rig_say(&f->rig, 3, "Thank you");
  assert_said(f, "[You said: Thank you.].");
  g_assert_null(strstr(f->rig.posted->str, "warning"));
}

static const Case json_cases[] = {
  { "openai's JSON", "model-id=gpt-4o base-url=http://127.0.0.1:PORT/openai/v1 json-mode=true" },
  { "anthropic's JSON",
    "model-id=claude-haiku-4-5 base-url=http://127.0.0.1:PORT/anthropic/v1 json-mode=true" },
};

/* It is for a program: what a voice would leave out, or cut, stays. */
static void
test_json(Fixture *f, gconstpointer data)
{
  llm_rig_say(&f->rig, 1, "Please write");
  assert_said(f, "[{\"name\": \"**Ada**. B.\"}].");
}

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree gchar *path = g_strdup_printf("/llm-simulators/%s", cases[i].name);

    g_test_add(path, Fixture, &cases[i], setup, test_conversation, teardown);
  }
  for (guint i = 0; i < G_N_ELEMENTS(json_cases); i++) {
    g_autofree gchar *path = g_strdup_printf("/llm-simulators/%s", json_cases[i].name);

    g_test_add(path, Fixture, &json_cases[i], setup, test_json, teardown);
  }
  return g_test_run();
}
