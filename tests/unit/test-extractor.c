/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/gst.h>
#include <libsoup/soup.h>
#include <string.h>

#include "cord-extractor.h"
#include "cord-test-store.h"

/* Calls that are told by the test, and a model that answers when the test wants it to. */

#define ANSWER                                                                                     \
  "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"{\\\"name\\\": \\\"%s\\\"}\"},"       \
  "\"finish_reason\":null}]}\n\n"                                                                  \
  "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"                \
  "data: [DONE]\n\n"

typedef struct {
  gchar *dir;
  CordStore *store;
  CordJournal *journal;
  CordVault *vault;
  CordConfig *config;
  CordCallRegistry *calls;
  CordExtractor *extractor;
  guint watch;
  GPtrArray *told; /* "CALL NAME"; "CALL done" */

  SoupServer *model;
  GPtrArray *questions; /* Question */
} Fixture;

typedef struct {
  SoupServerMessage *message;
  gchar *body;
} Question;

static void
free_question(gpointer data)
{
  Question *question = data;

  g_object_unref(question->message);
  g_free(question->body);
  g_free(question);
}

/* ---- the model ---- */

static void
on_question(SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
            gpointer data)
{
  Fixture *f = data;
  Question *question;
  g_autoptr(GBytes) bytes = NULL;

  if (!g_str_has_suffix(path, "/chat/completions")) {
    soup_server_message_set_status(message, 404, NULL);
    return;
  }
  question = g_new0(Question, 1);
  bytes = soup_message_body_flatten(soup_server_message_get_request_body(message));
  question->message = g_object_ref(message);
  question->body = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
  g_ptr_array_add(f->questions, question);
  soup_server_message_pause(message);
}

static void
answer(Fixture *f, guint index, const gchar *name)
{
  Question *question = f->questions->pdata[index];
  g_autofree gchar *text = g_strdup_printf(ANSWER, name);

  soup_server_message_set_status(question->message, 200, NULL);
  soup_server_message_set_response(question->message, "text/event-stream", SOUP_MEMORY_COPY, text,
                                   strlen(text));
  soup_server_message_unpause(question->message);
}

static gboolean
asks_about(Fixture *f, guint index, const gchar *said)
{
  return strstr(((Question *)f->questions->pdata[index])->body, said) != NULL;
}

/* ---- the calls ---- */

static void
on_event(const gchar *call_id, const gchar *name, const gchar *json, gpointer data)
{
  if (g_str_equal(name, CORD_EXTRACTION))
    g_ptr_array_add(((Fixture *)data)->told, g_strdup_printf("%s %s", call_id, json));
}

static void
on_done(const gchar *call_id, gpointer data)
{
  g_ptr_array_add(((Fixture *)data)->told, g_strdup_printf("%s done", call_id));
}

static void
tell(Fixture *f, const gchar *call, const gchar *name, const gchar *text)
{
  g_autofree gchar *json = g_strdup_printf("{\"text\":\"%s\"}", text);

  cord_call_registry_tell(f->calls, call, name, json);
}

/* The caller says something, and hears an answer. */
static void
turn(Fixture *f, const gchar *call, const gchar *text)
{
  tell(f, call, "turn-ended", text);
  tell(f, call, "heard", "Good.");
}

static void
end(Fixture *f, const gchar *call)
{
  cord_call_registry_tell(f->calls, call, "call-ended", "{}");
}

static guint
count_told(Fixture *f, const gchar *prefix)
{
  guint n = 0;

  for (guint i = 0; i < f->told->len; i++)
    n += g_str_has_prefix(f->told->pdata[i], prefix);
  return n;
}

static void
await_questions(Fixture *f, guint n)
{
  while (f->questions->len < n)
    g_main_context_iteration(NULL, TRUE);
  g_assert_cmpuint(f->questions->len, ==, n);
}

static void
await_told(Fixture *f, const gchar *prefix)
{
  while (count_told(f, prefix) == 0)
    g_main_context_iteration(NULL, TRUE);
}

static void
await_counts(Fixture *f, guint64 found, guint64 failed)
{
  CordExtractorCounts counts;

  for (;;) {
    cord_extractor_get_counts(f->extractor, &counts);
    if (counts.found == found && counts.failed == failed)
      return;
    g_main_context_iteration(NULL, TRUE);
  }
}

/* ---- life ---- */

static void
set(Fixture *f, const gchar *name, const gchar *value)
{
  g_autoptr(GError) error = NULL;

  cord_config_set(f->config, name, value, "test", &error);
  g_assert_no_error(error);
}

static void
start_model(Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autofree gchar *url = NULL;
  GSList *uris;

  f->questions = g_ptr_array_new_with_free_func(free_question);
  f->model = soup_server_new(NULL, NULL);
  soup_server_add_handler(f->model, NULL, on_question, f, NULL);
  soup_server_listen_local(f->model, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, &error);
  g_assert_no_error(error);
  uris = soup_server_get_uris(f->model);
  url = g_uri_to_string(uris->data);
  g_slist_free_full(uris, (GDestroyNotify)g_uri_unref);
  set(f, "local.base-url", url);
}

static void
open_calls(Fixture *f)
{
  g_autofree gchar *journal = g_build_filename(f->dir, "journal", NULL);
  g_autofree gchar *key = g_build_filename(f->dir, "key", NULL);
  g_autoptr(CordStreamTokens) tokens = cord_stream_tokens_new(1000, 10);
  g_autoptr(CordDirectory) directory = NULL;
  g_autoptr(GError) error = NULL;
  CordCallOptions options = { .workers = 1,
                              .data_dir = g_getenv("CORDBOARD_DATA_DIR"),
                              .config = f->config };

  f->store = test_store_new(":memory:");
  f->vault = cord_vault_open(NULL, NULL, key, &error);
  g_assert_no_error(error);
  directory = cord_directory_new(f->store, f->vault, &error);
  g_assert_no_error(error);
  f->journal = cord_journal_open(journal, f->store, &error);
  g_assert_no_error(error);
  f->calls = cord_call_registry_new(directory, f->journal, tokens, &options);
}

static void
set_up(Fixture *f, gconstpointer timeout)
{
  f->dir = test_dir_new();
  f->config = cord_config_new();
  f->told = g_ptr_array_new_with_free_func(g_free);
  start_model(f);
  set(f, "extraction.enabled", "true");
  set(f, "extraction.model", "local/reader");
  set(f, "extraction.at-once", "2");
  set(f, "extraction.timeout", timeout);
  open_calls(f);
  f->extractor = cord_extractor_new(f->calls, f->journal, f->config);
  cord_extractor_set_done(f->extractor, on_done, f);
  f->watch = cord_call_registry_watch(f->calls, on_event, f);
}

static void
tear_down(Fixture *f, gconstpointer timeout)
{
  cord_extractor_free(f->extractor);
  cord_call_registry_unwatch(f->calls, f->watch);
  g_object_unref(f->calls);
  cord_journal_close(f->journal, 10000);
  g_object_unref(f->journal);
  g_object_unref(f->store);
  cord_vault_free(f->vault);
  g_object_unref(f->config);
  soup_server_disconnect(f->model);
  g_object_unref(f->model);
  g_ptr_array_unref(f->questions);
  g_ptr_array_unref(f->told);
  test_dir_remove(f->dir);
  g_free(f->dir);
}

/* ---- tests ---- */

/* What is said while the model reads is read with the next question, all of it. */
static void
test_one_at_a_time(Fixture *f, gconstpointer data)
{
  turn(f, "c1", "one");
  await_questions(f, 1);
  turn(f, "c1", "two");
  turn(f, "c1", "three");
  answer(f, 0, "A");
  await_questions(f, 2);
  g_assert_true(asks_about(f, 0, "Caller: one\\n"));
  g_assert_false(asks_about(f, 0, "two"));
  g_assert_true(asks_about(f, 1,
                           "Caller: one\\nAgent: Good.\\nCaller: two\\nAgent: Good.\\n"
                           "Caller: three\\nAgent: Good."));
  answer(f, 1, "A");
  await_counts(f, 2, 0);
  /* what is known is not told again */
  g_assert_cmpuint(count_told(f, "c1 {\"intent\":null,\"name\":\"A\""), ==, 1);
  g_assert_false(cord_extractor_expects(f->extractor, "c1"));
  end(f, "c1");
  g_assert_cmpuint(count_told(f, "c1 done"), ==, 1);
  await_questions(f, 2);
}

static void
test_few_calls_at_once(Fixture *f, gconstpointer data)
{
  static const gchar *const ids[] = { "c1", "c2", "c3", "c4" };
  CordExtractorCounts counts;

  for (guint i = 0; i < G_N_ELEMENTS(ids); i++)
    turn(f, ids[i], ids[i]);
  await_questions(f, 2);
  cord_extractor_get_counts(f->extractor, &counts);
  g_assert_cmpuint(counts.busy, ==, 2);
  g_assert_cmpuint(counts.waiting, ==, 2);
  /* who waits is read as he is when his turn comes */
  turn(f, "c3", "more");
  for (guint i = 0; i < G_N_ELEMENTS(ids); i++) {
    answer(f, i, "A");
    await_questions(f, MIN(i + 3, G_N_ELEMENTS(ids)));
  }
  await_counts(f, G_N_ELEMENTS(ids), 0);
  g_assert_cmpuint(asks_about(f, 2, "more") + asks_about(f, 3, "more"), ==, 1);
}

/* At the end the whole call is read at once: who reads a part of it is not waited for. */
static void
test_end(Fixture *f, gconstpointer data)
{
  turn(f, "c1", "one");
  await_questions(f, 1);
  tell(f, "c1", "turn-ended", "and that was all");
  g_assert_true(cord_extractor_expects(f->extractor, "c1"));
  end(f, "c1");
  g_assert_true(cord_extractor_expects(f->extractor, "c1"));
  await_questions(f, 2);
  g_assert_true(asks_about(f, 1, "and that was all"));
  g_assert_cmpuint(f->told->len, ==, 0);
  answer(f, 1, "B");
  await_told(f, "c1 done");
  /* first what was found, then that it is over */
  g_assert_true(g_str_has_prefix(f->told->pdata[0], "c1 {"));
  g_assert_cmpuint(f->told->len, ==, 2);
  await_counts(f, 1, 0);
}

static void
test_nothing_said(Fixture *f, gconstpointer data)
{
  tell(f, "c1", "heard", "Hello?");
  g_assert_false(cord_extractor_expects(f->extractor, "c1"));
  end(f, "c1");
  end(f, "c2");
  g_assert_cmpuint(count_told(f, "c1 done"), ==, 1);
  g_assert_cmpuint(f->questions->len, ==, 0);
}

/* A model that says nothing keeps nobody waiting for longer than a question may take. */
static void
test_deadline(Fixture *f, gconstpointer data)
{
  turn(f, "c1", "one");
  end(f, "c1");
  await_told(f, "c1 done");
  g_assert_cmpuint(f->told->len, ==, 1);
  await_counts(f, 0, 1);
}

static void
test_close(Fixture *f, gconstpointer data)
{
  turn(f, "c1", "one");
  turn(f, "c2", "two");
  turn(f, "c3", "waits");
  await_questions(f, 2);
  end(f, "c2");
  end(f, "c3");
  cord_extractor_close(f->extractor);
  g_assert_cmpuint(count_told(f, "c1"), ==, 0);
  g_assert_cmpuint(count_told(f, "c2 done"), ==, 1);
  g_assert_cmpuint(count_told(f, "c3 done"), ==, 1);
  /* nobody listens any more */
  turn(f, "c4", "hello?");
  g_assert_false(cord_extractor_expects(f->extractor, "c4"));
}

#define TEST(name, timeout, func)                                                                  \
  g_test_add("/extractor/" name, Fixture, timeout, set_up, func, tear_down)

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  /* a model that fails is worth a warning, and no more */
  g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_FLAG_RECURSION);
  TEST("a call is read by one at a time", "25", test_one_at_a_time);
  TEST("a few calls are read at once", "25", test_few_calls_at_once);
  TEST("at the end the whole call is read", "25", test_end);
  TEST("where nothing was said there is nothing to read", "25", test_nothing_said);
  TEST("a reader that says nothing is not waited for", "1", test_deadline);
  TEST("a server that stops lets its readers go", "25", test_close);
  return g_test_run();
}
