/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-service-link.h"

#include <string.h>

#include "cord-error.h"

typedef struct {
  CordWorker *worker;
  CordServiceLink *link;
  GString *told;
} Fixture;

static void
note(gpointer data, const gchar *what)
{
  g_string_append_printf(((Fixture *)data)->told, "%s;", what);
}

static void
on_connect(gpointer data)
{
  note(data, "connect");
}

static void
on_disconnect(gpointer data)
{
  note(data, "disconnect");
}

static void
on_up(gpointer data)
{
  note(data, "up");
}

static void
on_down(const GError *error, gpointer data)
{
  note(data, "down");
}

static void
on_failed(const GError *error, gpointer data)
{
  note(data, "failed");
}

static void
on_keep_alive(gpointer data)
{
  note(data, "alive");
}

static const CordServiceLinkHandlers handlers = {
  on_connect, on_disconnect, on_up, on_down, on_failed, on_keep_alive,
};

static void
setup(Fixture *f, gconstpointer data)
{
  const CordServiceLinkTimes times = { 1000, 20000, 4000 };

  f->worker = cord_worker_new_manual();
  f->told = g_string_new(NULL);
  f->link = cord_service_link_new(f->worker, &times, &handlers, f);
  cord_service_link_start(f->link);
}

static void
teardown(Fixture *f, gconstpointer data)
{
  g_clear_pointer(&f->link, cord_service_link_free);
  g_string_free(f->told, TRUE);
  g_assert_finalize_object(f->worker);
}

static void
assert_told(Fixture *f, const gchar *expected)
{
  g_assert_cmpstr(f->told->str, ==, expected);
  g_string_truncate(f->told, 0);
}

static void
lose(Fixture *f)
{
  cord_service_link_down(f->link, g_error_new(CORD_ERROR, CORD_ERROR_NETWORK, "it broke"));
}

static void
pass(Fixture *f, guint ms)
{
  cord_worker_advance(f->worker, ms * GST_MSECOND);
}

static void
test_growing_waits(Fixture *f, gconstpointer data)
{
  static const guint waits[] = { 250, 500, 1000, 2000, 4000, 4000 };

  assert_told(f, "connect;");
  for (guint i = 0; i < G_N_ELEMENTS(waits); i++) {
    lose(f);
    assert_told(f, i == 0 ? "down;" : "");
    pass(f, waits[i] - 1);
    assert_told(f, "");
    pass(f, 1);
    assert_told(f, "connect;");
  }
}

static void
test_lost_after_long(Fixture *f, gconstpointer data)
{
  cord_service_link_up(f->link);
  pass(f, 6000);
  assert_told(f, "connect;up;alive;");
  lose(f);
  pass(f, 0);
  assert_told(f, "down;connect;");
  /* and a second time not at once */
  cord_service_link_up(f->link);
  lose(f);
  pass(f, 200);
  assert_told(f, "up;down;");
  pass(f, 50);
  assert_told(f, "connect;");
}

/* A connection that was for one thing, and the next one */
static void
test_renewed(Fixture *f, gconstpointer data)
{
  cord_service_link_renew(f->link);
  assert_told(f, "connect;");
  for (guint i = 0; i < 30; i++) {
    cord_service_link_up(f->link);
    pass(f, 1000);
    cord_service_link_renew(f->link);
    assert_told(f, "up;connect;");
  }
  lose(f);
  assert_told(f, "down;");
  pass(f, 250);
  assert_told(f, "connect;");
}

static void
test_connect_deadline(Fixture *f, gconstpointer data)
{
  pass(f, 1000);
  assert_told(f, "connect;disconnect;down;");
}

static void
test_gives_up(Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 1000 && strstr(f->told->str, "failed") == NULL; i++) {
    lose(f);
    pass(f, 100);
  }
  g_assert_true(g_str_has_suffix(f->told->str, "failed;"));
  g_string_truncate(f->told, 0);
  pass(f, 60000);
  assert_told(f, "");
}

static void
test_hopeless(Fixture *f, gconstpointer data)
{
  cord_service_link_down(f->link,
                         g_error_new(CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED, "a wrong key"));
  pass(f, 60000);
  assert_told(f, "connect;failed;");
}

static void
test_fail(Fixture *f, gconstpointer data)
{
  cord_service_link_fail(f->link, g_error_new(CORD_ERROR, CORD_ERROR_QUOTA, "no credit"));
  pass(f, 60000);
  assert_told(f, "connect;failed;");
}

static void
test_told_to_wait(Fixture *f, gconstpointer data)
{
  cord_service_link_down_for(f->link, g_error_new(CORD_ERROR, CORD_ERROR_QUOTA, "later"),
                             3 * GST_SECOND);
  pass(f, 2999);
  assert_told(f, "connect;down;");
  pass(f, 1);
  assert_told(f, "connect;");
  /* longer than anybody waits */
  cord_service_link_down_for(f->link, g_error_new(CORD_ERROR, CORD_ERROR_QUOTA, "later"),
                             60 * GST_SECOND);
  assert_told(f, "failed;");
}

static void
test_keep_alive(Fixture *f, gconstpointer data)
{
  cord_service_link_up(f->link);
  for (guint i = 0; i < 5; i++) {
    pass(f, 1000);
    cord_service_link_used(f->link);
  }
  assert_told(f, "connect;up;");
  pass(f, 4100);
  assert_told(f, "alive;");
}

static void
test_freed(Fixture *f, gconstpointer data)
{
  cord_service_link_up(f->link);
  g_clear_pointer(&f->link, cord_service_link_free);
  assert_told(f, "connect;up;disconnect;");
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
#define ADD(name, func) g_test_add("/service-link/" name, Fixture, NULL, setup, func, teardown)
  ADD("waits grow", test_growing_waits);
  ADD("one that lasted is there again at once", test_lost_after_long);
  ADD("one that has done its work is followed by another", test_renewed);
  ADD("an attempt has a deadline", test_connect_deadline);
  ADD("an outage without end is given up", test_gives_up);
  ADD("what will not get better is not tried again", test_hopeless);
  ADD("whoever knows better can say so", test_fail);
  ADD("a service that asks for time gets it", test_told_to_wait);
  ADD("keep-alive comes where nothing was sent", test_keep_alive);
  ADD("nothing is left behind", test_freed);
  return g_test_run();
}
