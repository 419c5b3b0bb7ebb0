/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-inbox.h"

#define ROOM 64 /* what the inbox holds */

typedef struct {
  CordWorker *worker;
  CordInbox *inbox;
  GString *handled; /* the letters of the buffers, "|" for an event */
  GstFlowReturn answer;
  gboolean flush_inside;
  guint pushes_inside;
  guint before_marker;
  gboolean marked;
} Fixture;

static GstMiniObject *
make(gchar letter)
{
  return GST_MINI_OBJECT_CAST(gst_buffer_new_memdup(&letter, 1));
}

static GstMiniObject *
make_segment(void)
{
  GstSegment segment;

  gst_segment_init(&segment, GST_FORMAT_TIME);
  return GST_MINI_OBJECT_CAST(gst_event_new_segment(&segment));
}

/* A foreign streaming thread that lives for one push. */
typedef struct {
  CordInbox *inbox;
  GstMiniObject *object;
} Push;

static gpointer
push_thread(gpointer data)
{
  Push *push = data;

  return GINT_TO_POINTER(cord_inbox_push(push->inbox, push->object));
}

static GstFlowReturn
push_from_elsewhere(Fixture *f, GstMiniObject *object)
{
  Push push = { f->inbox, object };

  return GPOINTER_TO_INT(g_thread_join(g_thread_new("pusher", push_thread, &push)));
}

static void
on_marker(gpointer data)
{
  Fixture *f = data;

  f->marked = TRUE;
  f->before_marker = (guint)f->handled->len;
}

static GstFlowReturn
on_object(GstMiniObject *object, gpointer data)
{
  Fixture *f = data;
  gchar letter = '|';

  g_assert_true(cord_worker_is_current(f->worker));
  if (GST_IS_BUFFER(object))
    gst_buffer_extract(GST_BUFFER_CAST(object), 0, &letter, 1);
  gst_mini_object_unref(object);
  g_string_append_c(f->handled, letter);
  if (f->flush_inside) {
    cord_inbox_set_flushing(f->inbox, TRUE);
    cord_inbox_set_flushing(f->inbox, FALSE);
  }
  if (f->pushes_inside > 0) {
    f->pushes_inside--;
    push_from_elsewhere(f, make('i'));
  }
  return f->answer;
}

static void
setup(Fixture *f, gconstpointer data)
{
  *f = (Fixture){ .worker = cord_worker_new_manual(), .handled = g_string_new(NULL) };
  f->inbox = cord_inbox_new(on_object, f);
  cord_inbox_open(f->inbox, f->worker);
}

static void
teardown(Fixture *f, gconstpointer data)
{
  cord_inbox_close(f->inbox);
  g_clear_pointer(&f->inbox, cord_inbox_free);
  cord_worker_iterate(f->worker);
  g_string_free(f->handled, TRUE);
  g_assert_finalize_object(f->worker);
}

static void
test_on_worker(Fixture *f, gconstpointer data)
{
  f->answer = GST_FLOW_EOS;
  g_assert_cmpint(cord_inbox_push(f->inbox, make('a')), ==, GST_FLOW_EOS);
  g_assert_cmpstr(f->handled->str, ==, "a");
  f->answer = GST_FLOW_OK;
  g_assert_cmpint(cord_inbox_push(f->inbox, make('b')), ==, GST_FLOW_OK);
  g_assert_cmpstr(f->handled->str, ==, "ab");
}

static void
test_from_elsewhere(Fixture *f, gconstpointer data)
{
  g_assert_cmpint(push_from_elsewhere(f, make('a')), ==, GST_FLOW_OK);
  g_assert_cmpint(push_from_elsewhere(f, GST_MINI_OBJECT_CAST(gst_event_new_eos())), ==,
                  GST_FLOW_OK);
  g_assert_cmpint(push_from_elsewhere(f, make('b')), ==, GST_FLOW_OK);
  g_assert_cmpstr(f->handled->str, ==, "");
  cord_worker_iterate(f->worker);
  g_assert_cmpstr(f->handled->str, ==, "a|b");
}

static void
test_order(Fixture *f, gconstpointer data)
{
  push_from_elsewhere(f, make('a'));
  push_from_elsewhere(f, make('b'));
  cord_inbox_push(f->inbox, make('c'));
  g_assert_cmpstr(f->handled->str, ==, "abc");
  cord_worker_iterate(f->worker);
  g_assert_cmpstr(f->handled->str, ==, "abc");
}

static void
test_outcome(Fixture *f, gconstpointer data)
{
  f->answer = GST_FLOW_NOT_LINKED;
  g_assert_cmpint(push_from_elsewhere(f, make('a')), ==, GST_FLOW_OK);
  cord_worker_iterate(f->worker);
  g_assert_cmpint(push_from_elsewhere(f, make('b')), ==, GST_FLOW_NOT_LINKED);
  g_assert_cmpint(push_from_elsewhere(f, GST_MINI_OBJECT_CAST(gst_event_new_eos())), ==,
                  GST_FLOW_NOT_LINKED);
  f->answer = GST_FLOW_OK;
  cord_worker_iterate(f->worker);
  g_assert_cmpstr(f->handled->str, ==, "a|");
  g_assert_cmpint(push_from_elsewhere(f, make('c')), ==, GST_FLOW_NOT_LINKED);
  push_from_elsewhere(f, make_segment());
  cord_worker_iterate(f->worker);
  g_assert_cmpint(push_from_elsewhere(f, make('d')), ==, GST_FLOW_OK);
}

static void
test_flush(Fixture *f, gconstpointer data)
{
  f->answer = GST_FLOW_ERROR;
  push_from_elsewhere(f, make('a'));
  cord_worker_iterate(f->worker);
  f->answer = GST_FLOW_OK;
  push_from_elsewhere(f, GST_MINI_OBJECT_CAST(gst_event_new_eos()));
  cord_inbox_set_flushing(f->inbox, TRUE);
  g_assert_cmpint(push_from_elsewhere(f, make('b')), ==, GST_FLOW_FLUSHING);
  g_assert_cmpint(cord_inbox_push(f->inbox, make('c')), ==, GST_FLOW_FLUSHING);
  cord_worker_iterate(f->worker);
  cord_inbox_set_flushing(f->inbox, FALSE);
  g_assert_cmpint(push_from_elsewhere(f, make('d')), ==, GST_FLOW_OK);
  cord_worker_iterate(f->worker);
  g_assert_cmpstr(f->handled->str, ==, "ad");
}

static void
test_outcome_from_before_a_flush(Fixture *f, gconstpointer data)
{
  f->answer = GST_FLOW_FLUSHING;
  f->flush_inside = TRUE;
  push_from_elsewhere(f, make('a'));
  push_from_elsewhere(f, make('b'));
  cord_worker_iterate(f->worker);
  g_assert_cmpstr(f->handled->str, ==, "a");
  g_assert_cmpint(push_from_elsewhere(f, make('c')), ==, GST_FLOW_OK);
}

static void
test_room(Fixture *f, gconstpointer how)
{
  Push push = { f->inbox, make('z') };
  GstFlowReturn expected = GST_FLOW_OK;
  GstFlowReturn flow;
  GThread *thread;

  for (guint i = 0; i < ROOM; i++)
    g_assert_cmpint(push_from_elsewhere(f, make('a')), ==, GST_FLOW_OK);
  thread = g_thread_new("waits", push_thread, &push);
  if (g_str_equal(how, "drain")) {
    while (f->handled->len < ROOM + 1)
      cord_worker_iterate(f->worker);
  } else if (g_str_equal(how, "flush")) {
    cord_inbox_set_flushing(f->inbox, TRUE);
    expected = GST_FLOW_FLUSHING;
  } else {
    cord_inbox_close(f->inbox);
    expected = GST_FLOW_FLUSHING;
  }
  flow = GPOINTER_TO_INT(g_thread_join(thread));
  g_assert_cmpint(flow, ==, expected);
  cord_worker_iterate(f->worker);
  g_assert_cmpuint(f->handled->len, ==, expected == GST_FLOW_OK ? ROOM + 1 : 0);
}

static void
test_fairness(Fixture *f, gconstpointer data)
{
  f->pushes_inside = 1000;
  push_from_elsewhere(f, make('a'));
  cord_worker_post(f->worker, on_marker, f, NULL);
  cord_worker_iterate(f->worker);
  g_assert_true(f->marked);
  g_assert_cmpuint(f->before_marker, <=, ROOM);
  g_assert_cmpuint(f->handled->len, ==, 1001);
}

static void
test_closed(Fixture *f, gconstpointer data)
{
  push_from_elsewhere(f, make('a'));
  cord_inbox_close(f->inbox);
  g_assert_cmpint(push_from_elsewhere(f, make('b')), ==, GST_FLOW_FLUSHING);
  g_assert_cmpint(cord_inbox_push(f->inbox, make('c')), ==, GST_FLOW_FLUSHING);
  cord_inbox_open(f->inbox, f->worker);
  g_assert_cmpint(push_from_elsewhere(f, make('d')), ==, GST_FLOW_OK);
  cord_worker_iterate(f->worker);
  g_assert_cmpstr(f->handled->str, ==, "d");
}

static void
test_never_opened(Fixture *f, gconstpointer data)
{
  CordInbox *inbox = cord_inbox_new(on_object, f);

  g_assert_cmpint(cord_inbox_push(inbox, make('a')), ==, GST_FLOW_FLUSHING);
  cord_inbox_free(inbox);
}

static void
test_freed_before_it_is_drained(Fixture *f, gconstpointer data)
{
  CordInbox *inbox = cord_inbox_new(on_object, f);
  Push push = { inbox, make('a') };

  cord_inbox_open(inbox, f->worker);
  g_thread_join(g_thread_new("pusher", push_thread, &push));
  cord_inbox_close(inbox);
  cord_inbox_free(inbox);
  cord_worker_iterate(f->worker);
  g_assert_cmpuint(f->handled->len, ==, 0);
}

#define ADD(name, data, func) g_test_add("/inbox/" name, Fixture, data, setup, func, teardown)

int
main(int argc, char **argv)
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  ADD("on the worker it is handled inside the push", NULL, test_on_worker);
  ADD("from elsewhere it is handled on the worker", NULL, test_from_elsewhere);
  ADD("what was left before comes first", NULL, test_order);
  ADD("another thread learns the outcome later, its events pass, a segment begins anew", NULL,
      test_outcome);
  ADD("a flush drops what waits and what was wrong", NULL, test_flush);
  ADD("an outcome from before a flush is forgotten", NULL, test_outcome_from_before_a_flush);
  ADD("who finds it full waits until there is room", "drain", test_room);
  ADD("who waits is let go by a flush", "flush", test_room);
  ADD("who waits is let go when it is closed", "close", test_room);
  ADD("who pushes without end does not keep the worker", NULL, test_fairness);
  ADD("nothing goes into a closed one, and it opens again", NULL, test_closed);
  ADD("nothing goes into one that was never open", NULL, test_never_opened);
  ADD("freed before it is drained", NULL, test_freed_before_it_is_drained);
  return g_test_run();
}
