/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-outage.h"

static gboolean
may_try(CordOutage *outage)
{
  g_autofree gchar *why = NULL;
  gboolean may = cord_outage_may_try(outage, &why);

  g_assert_true(may == (why == NULL));
  return may;
}

/* The next who looks may have to wait a little. */
static void
try_again(CordOutage *outage)
{
  while (!may_try(outage))
    g_thread_yield();
}

static void
test_there(void)
{
  CordOutage *outage = cord_outage_new();

  g_assert_true(may_try(outage));
  g_assert_true(may_try(outage));
  cord_outage_passed(outage);
  g_assert_true(may_try(outage));
  cord_outage_unref(outage);
}

static void
test_away(void)
{
  CordOutage *outage = cord_outage_new();
  g_autofree gchar *why = NULL;

  cord_outage_failed(outage, "it is down");
  try_again(outage);
  for (guint i = 0; i < 3; i++)
    g_assert_false(may_try(outage));
  g_assert_false(cord_outage_may_try(outage, &why));
  g_assert_cmpstr(why, ==, "it is down");
  cord_outage_failed(outage, "it is still down");
  try_again(outage);
  g_assert_false(may_try(outage));
  cord_outage_ended(outage);
  g_assert_true(may_try(outage));
  g_assert_true(may_try(outage));
  cord_outage_unref(outage);
}

/* Whoever looked lost its own connection, which says nothing of the server. */
static void
test_passed(void)
{
  CordOutage *outage = cord_outage_new();

  cord_outage_failed(outage, "it is down");
  try_again(outage);
  cord_outage_passed(outage);
  try_again(outage);
  g_assert_false(may_try(outage));
  cord_outage_unref(outage);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/outage/all may ask a server that is there", test_there);
  g_test_add_func("/outage/one looks after a server that is away", test_away);
  g_test_add_func("/outage/who lost a connection lets the next one look", test_passed);
  return g_test_run();
}
