/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-error.h"
#include "cord-stream-tokens.h"

#define LIFETIME_MS 60000

static void
lapsed(gpointer data)
{
  ++*(guint *)data;
}

static void
assert_refused(CordStreamTokens *tokens, const gchar *token, const gchar *call_sid)
{
  g_autoptr(GError) error = NULL;
  gpointer data = NULL;

  g_assert_false(cord_stream_tokens_take(tokens, token, call_sid, &data, &error));
  g_assert_error(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED);
  g_assert_null(strstr(error->message, *token ? token : "-"));
}

static void
test_once(void)
{
  g_autoptr(CordStreamTokens) tokens = cord_stream_tokens_new(LIFETIME_MS, 8);
  guint count = 0;
  gpointer data = NULL;
  g_autofree gchar *token = cord_stream_tokens_mint(tokens, "CA1", &count, lapsed);

  g_assert_true(cord_stream_tokens_take(tokens, token, "CA1", &data, NULL));
  g_assert_true(data == &count);
  assert_refused(tokens, token, "CA1");
  g_assert_cmpuint(count, ==, 0);
}

static void
test_wrong(void)
{
  g_autoptr(CordStreamTokens) tokens = cord_stream_tokens_new(LIFETIME_MS, 8);
  guint count = 0;
  g_autofree gchar *token = cord_stream_tokens_mint(tokens, "CA1", &count, lapsed);
  g_autofree gchar *longer = g_strconcat(token, "0", NULL);
  g_autofree gchar *changed = g_strdup(token);
  gpointer data;

  changed[strlen(changed) - 1] ^= 1;
  g_assert_cmpuint(strlen(token), >=, 32);
  assert_refused(tokens, "", "CA1");
  assert_refused(tokens, "nonsense", "CA1");
  assert_refused(tokens, longer, "CA1");
  assert_refused(tokens, changed, "CA1");
  g_assert_true(cord_stream_tokens_take(tokens, token, "CA1", &data, NULL));
}

static void
test_other_call(void)
{
  g_autoptr(CordStreamTokens) tokens = cord_stream_tokens_new(LIFETIME_MS, 8);
  guint count = 0;
  g_autofree gchar *token = cord_stream_tokens_mint(tokens, "CA1", &count, lapsed);

  assert_refused(tokens, token, "CA2");
  assert_refused(tokens, token, "CA1");
  g_assert_cmpuint(cord_stream_tokens_expire(tokens, g_get_monotonic_time()), ==, 1);
  g_assert_cmpuint(count, ==, 1);
}

static void
test_lapse(void)
{
  g_autoptr(CordStreamTokens) tokens = cord_stream_tokens_new(LIFETIME_MS, 8);
  guint count = 0;
  gint64 now = g_get_monotonic_time();
  g_autofree gchar *token = cord_stream_tokens_mint(tokens, "CA1", &count, lapsed);

  g_assert_cmpuint(cord_stream_tokens_expire(tokens, now + 59 * G_USEC_PER_SEC), ==, 0);
  g_assert_cmpuint(cord_stream_tokens_expire(tokens, now + 61 * G_USEC_PER_SEC), ==, 1);
  g_assert_cmpuint(count, ==, 1);
  assert_refused(tokens, token, "CA1");
}

static void
test_bounded(void)
{
  g_autoptr(CordStreamTokens) tokens = cord_stream_tokens_new(LIFETIME_MS, 8);
  guint count = 0;
  gpointer data;
  g_autofree gchar *first = cord_stream_tokens_mint(tokens, "CA1", &count, lapsed);
  g_autofree gchar *last = NULL;

  for (guint i = 0; i < 8; i++) {
    g_free(last);
    last = cord_stream_tokens_mint(tokens, "CA2", &count, lapsed);
  }
  g_assert_cmpuint(cord_stream_tokens_get_count(tokens), ==, 8);
  g_assert_cmpuint(count, ==, 1);
  assert_refused(tokens, first, "CA1");
  g_assert_true(cord_stream_tokens_take(tokens, last, "CA2", &data, NULL));
  g_clear_object(&tokens);
  g_assert_cmpuint(count, ==, 8);
}

static void
test_different(void)
{
  g_autoptr(CordStreamTokens) tokens = cord_stream_tokens_new(LIFETIME_MS, 10000);
  g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < 1000; i++)
    g_assert_true(g_hash_table_add(seen, cord_stream_tokens_mint(tokens, "CA1", NULL, NULL)));
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/tokens/a token is good once", test_once);
  g_test_add_func("/tokens/what was not minted is refused and spoils nothing", test_wrong);
  g_test_add_func("/tokens/another call's token is refused and used up", test_other_call);
  g_test_add_func("/tokens/an old token lapses", test_lapse);
  g_test_add_func("/tokens/the oldest makes way when there are too many", test_bounded);
  g_test_add_func("/tokens/no two are alike", test_different);
  return g_test_run();
}
