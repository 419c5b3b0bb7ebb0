/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-dial-policy.h"
#include "cord-error.h"

#define MINUTE (60 * G_TIME_SPAN_SECOND)

static gint
code_of(CordDialPolicy *policy, const gchar *number, const gchar *key, gint64 now)
{
  g_autoptr(GError) error = NULL;

  if (cord_dial_policy_take(policy, number, key, now, &error))
    return -1;
  g_assert_true(error->domain == CORD_ERROR);
  return error->code;
}

static void
test_numbers(void)
{
  static const CordDialLimits limits = { .allowed = "+1, +49", .denied = "+1900,+49900" };
  g_autoptr(CordDialPolicy) policy = cord_dial_policy_new(&limits);

  g_assert_cmpint(code_of(policy, "+15005550006", NULL, 0), ==, -1);
  g_assert_cmpint(code_of(policy, "+4930123456", NULL, 0), ==, -1);
  g_assert_cmpint(code_of(policy, "+19005550006", NULL, 0), ==, CORD_ERROR_NOT_AUTHORIZED);
  g_assert_cmpint(code_of(policy, "+4990012345", NULL, 0), ==, CORD_ERROR_NOT_AUTHORIZED);
  g_assert_cmpint(code_of(policy, "+33123456789", NULL, 0), ==, CORD_ERROR_NOT_AUTHORIZED);
}

static void
test_no_limits(void)
{
  static const CordDialLimits limits = { 0 };
  g_autoptr(CordDialPolicy) policy = cord_dial_policy_new(&limits);

  for (guint i = 0; i < 1000; i++)
    g_assert_cmpint(code_of(policy, "+33123456789", NULL, 0), ==, -1);
}

/* However many ask, the limit holds, and a place that was given back is a place again. */
static void
test_at_once(void)
{
  static const CordDialLimits limits = { .at_once = 7 };
  g_autoptr(CordDialPolicy) policy = cord_dial_policy_new(&limits);
  guint taken = 0;

  for (guint i = 0; i < 1000; i++)
    taken += code_of(policy, "+15005550006", NULL, 0) == -1;
  g_assert_cmpuint(taken, ==, 7);
  cord_dial_policy_give_back(policy);
  g_assert_cmpint(code_of(policy, "+15005550006", NULL, 0), ==, -1);
  g_assert_cmpint(code_of(policy, "+15005550006", NULL, 0), ==, CORD_ERROR_QUOTA);
}

static void
test_per_hour(void)
{
  static const CordDialLimits limits = { .per_hour = 60 };
  g_autoptr(CordDialPolicy) policy = cord_dial_policy_new(&limits);

  for (guint i = 0; i < 60; i++) {
    g_assert_cmpint(code_of(policy, "+15005550006", NULL, i * MINUTE), ==, -1);
    cord_dial_policy_give_back(policy);
  }
  g_assert_cmpint(code_of(policy, "+15005550006", NULL, 59 * MINUTE), ==, CORD_ERROR_QUOTA);
  g_assert_cmpint(code_of(policy, "+15005550006", NULL, 60 * MINUTE), ==, -1);
  g_assert_cmpint(code_of(policy, "+15005550006", NULL, 60 * MINUTE), ==, CORD_ERROR_QUOTA);
}

static void
test_per_key(void)
{
  static const CordDialLimits limits = { .per_key = 2 };
  g_autoptr(CordDialPolicy) policy = cord_dial_policy_new(&limits);

  g_assert_cmpint(code_of(policy, "+15005550006", "a", 0), ==, -1);
  g_assert_cmpint(code_of(policy, "+15005550006", "a", 0), ==, -1);
  g_assert_cmpint(code_of(policy, "+15005550006", "a", 0), ==, CORD_ERROR_QUOTA);
  g_assert_cmpint(code_of(policy, "+15005550006", "b", 0), ==, -1);
  g_assert_cmpint(code_of(policy, "+15005550006", NULL, 0), ==, -1);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/dial-policy/numbers are allowed and denied by prefix", test_numbers);
  g_test_add_func("/dial-policy/without limits all is allowed", test_no_limits);
  g_test_add_func("/dial-policy/calls at once are limited", test_at_once);
  g_test_add_func("/dial-policy/calls in an hour are limited", test_per_hour);
  g_test_add_func("/dial-policy/calls of a key are limited", test_per_key);
  return g_test_run();
}
