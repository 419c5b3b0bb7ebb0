/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-countries.h"
#include "cord-dial-policy.h"
#include "cord-error.h"

static gboolean
may_dial(const CordDialLimits *limits, const gchar *number)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CordDialPolicy) policy = cord_dial_policy_new(limits, &error);
  gboolean may;

  g_assert_no_error(error);
  may = cord_dial_policy_check_number(policy, number, &error);
  if (!may)
    g_assert_error(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED);
  return may;
}

static void
test_prefixes(void)
{
  static const CordDialLimits limits = { .allowed = "+1, +49", .denied = "+1900,+49900" };

  g_assert_true(may_dial(&limits, "+15005550006"));
  g_assert_true(may_dial(&limits, "+4930123456"));
  g_assert_false(may_dial(&limits, "+19005550006"));
  g_assert_false(may_dial(&limits, "+4990012345"));
  g_assert_false(may_dial(&limits, "+33123456789"));
}

static void
test_no_limits(void)
{
  static const CordDialLimits limits = { 0 }, empty = { "", " , ", "" };

  g_assert_true(may_dial(&limits, "+33123456789"));
  g_assert_true(may_dial(&empty, "+33123456789"));
}

/* The islands of +1 are where the money is stolen. */
static void
test_country_limits(void)
{
  static const CordDialLimits limits = { .countries = "us, DE", .denied = "+1900" };

  g_assert_true(may_dial(&limits, "+12125550100"));
  g_assert_true(may_dial(&limits, "+4930123456"));
  g_assert_false(may_dial(&limits, "+18765550100"));
  g_assert_false(may_dial(&limits, "+14165550100"));
  g_assert_false(may_dial(&limits, "+447700900123"));
  g_assert_false(may_dial(&limits, "+881612345678"));
  g_assert_false(may_dial(&limits, "+19005550006"));
}

static void
test_countries(void)
{
  static const struct {
    const gchar *number, *country;
  } table[] = {
    { "+12125550100", "US" },
    { "+14165550100", "CA" },
    { "+18765550100", "JM" },
    { "+18095550100", "DO" },
    { "+441534123456", "JE" },
    { "+447700900123", "GB" },
    { "+79161234567", "RU" },
    { "+77011234567", "KZ" },
    { "+4930123456", "DE" },
    { "+390669812345", "VA" },
    { "+390612345678", "IT" },
    { "+35818123456", "AX" },
    { "+358401234567", "FI" },
    { "+59991234567", "CW" },
    { "+881612345678", NULL },
    { "+883123456789", NULL },
    { "+", NULL },
    { "", NULL },
    { "0301234", NULL },
    { "+210123", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS(table); i++)
    g_assert_cmpstr(cord_countries_find(table[i].number), ==, table[i].country);
  g_assert_true(cord_countries_has("ZW"));
  g_assert_false(cord_countries_has("XX"));
}

static void
test_bad_limits(void)
{
  static const CordDialLimits bad[] = {
    { .countries = "Germany" },
    { .allowed = "49" },
    { .denied = "+1900, *" },
    { .denied = "+"
                "x" },
  };

  for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autoptr(GError) error = NULL;

    g_assert_null(cord_dial_policy_new(&bad[i], &error));
    g_assert_error(error, CORD_ERROR, CORD_ERROR_INVALID);
  }
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/dial-policy/prefixes-allow-and-deny", test_prefixes);
  g_test_add_func("/dial-policy/without-limits-everything-goes", test_no_limits);
  g_test_add_func("/dial-policy/only-the-countries-that-were-named", test_country_limits);
  g_test_add_func("/dial-policy/a-number-is-in-the-country-of-its-longest-prefix", test_countries);
  g_test_add_func("/dial-policy/what-is-no-limit-is-refused", test_bad_limits);
  return g_test_run();
}
