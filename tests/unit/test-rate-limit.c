/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-rate-limit.h"

#define SECOND G_TIME_SPAN_SECOND

static void
test_minute(void)
{
  g_autoptr(CordRateLimit) limit = cord_rate_limit_new(60);
  CordRateState state;

  for (guint i = 0; i < 60; i++) {
    g_assert_true(cord_rate_limit_take(limit, "a", 1000, &state));
    g_assert_cmpuint(state.limit, ==, 60);
    g_assert_cmpuint(state.remaining, ==, 59 - i);
    g_assert_cmpuint(state.reset, ==, i + 1);
  }
  g_assert_false(cord_rate_limit_take(limit, "a", 1000, &state));
  g_assert_cmpuint(state.remaining, ==, 0);
  g_assert_cmpuint(state.retry, ==, 1);
  /* a refusal costs nothing */
  g_assert_true(cord_rate_limit_take(limit, "a", 1000 + SECOND, &state));
  g_assert_false(cord_rate_limit_take(limit, "a", 1000 + SECOND, &state));
}

static void
test_clients(void)
{
  g_autoptr(CordRateLimit) limit = cord_rate_limit_new(1);
  CordRateState state;

  g_assert_true(cord_rate_limit_take(limit, "a", 0, &state));
  g_assert_false(cord_rate_limit_take(limit, "a", 0, &state));
  g_assert_cmpuint(state.retry, ==, 60);
  g_assert_true(cord_rate_limit_take(limit, "b", 0, &state));
  g_assert_true(cord_rate_limit_take(limit, "a", 60 * SECOND, &state));
}

/* Patience is not saved up: a minute's requests are the most there is. */
static void
test_burst(void)
{
  g_autoptr(CordRateLimit) limit = cord_rate_limit_new(10);
  CordRateState state;
  guint taken = 0;

  g_assert_true(cord_rate_limit_take(limit, "a", 0, &state));
  while (cord_rate_limit_take(limit, "a", 3600 * SECOND, &state))
    taken++;
  g_assert_cmpuint(taken, ==, 10);
}

static void
test_none(void)
{
  g_autoptr(CordRateLimit) limit = cord_rate_limit_new(0);
  CordRateState state;

  for (guint i = 0; i < 1000; i++)
    g_assert_true(cord_rate_limit_take(limit, "a", 0, &state));
  g_assert_cmpuint(state.limit, ==, 0);
  g_assert_cmpuint(cord_rate_limit_get_count(limit), ==, 0);
}

static void
test_memory(void)
{
  g_autoptr(CordRateLimit) limit = cord_rate_limit_new(60);
  CordRateState state;

  for (guint i = 0; i < 100000; i++) {
    g_autofree gchar *name = g_strdup_printf("%u", i);

    g_assert_true(cord_rate_limit_take(limit, name, i * 1000, &state));
    g_assert_cmpuint(cord_rate_limit_get_count(limit), <=, 10000);
  }
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/rate limit/a client has so many requests a minute, and is told how it stands",
                  test_minute);
  g_test_add_func("/rate limit/one client's requests are not another's", test_clients);
  g_test_add_func("/rate limit/who comes late has no more than who comes often", test_burst);
  g_test_add_func("/rate limit/none is none", test_none);
  g_test_add_func("/rate limit/ever new clients do not fill the memory", test_memory);
  return g_test_run();
}
