/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <gst/check/gstharness.h>
#include <string.h>

#include "cordboard.h"

typedef struct {
  gchar *dir;
  GstElement *element;
  GstHarness *harness;
  GstBus *bus;
} Fixture;

static void
write_clip(Fixture *f, const gchar *name, gsize size)
{
  g_autofree gchar *path = g_strdup_printf("%s/%s.mulaw", f->dir, name);
  g_autofree gchar *data = g_malloc(MAX(size, 1));

  memset(data, 0x55, size);
  g_assert_true(g_file_set_contents(path, data, (gssize)size, NULL));
}

static void
open_element(Fixture *f)
{
  f->element = gst_element_factory_make("speechrouter", NULL);
  g_object_set(f->element, "location", f->dir, NULL);
  f->bus = gst_bus_new();
  gst_element_set_bus(f->element, f->bus);
  f->harness = gst_harness_new_with_element(f->element, "sink", "src");
  gst_object_unref(f->element);
  gst_harness_set_src_caps_str(f->harness, "text/x-raw,format=utf8");
}

static void
setup_empty(Fixture *f, gconstpointer data)
{
  f->dir = g_dir_make_tmp("speechrouter-XXXXXX", NULL);
  open_element(f);
}

static void
setup(Fixture *f, gconstpointer data)
{
  f->dir = g_dir_make_tmp("speechrouter-XXXXXX", NULL);
  write_clip(f, "stop", 8000);
  open_element(f);
}

static void
teardown(Fixture *f, gconstpointer data)
{
  g_autoptr(GDir) dir = g_dir_open(f->dir, 0, NULL);
  const gchar *name;

  gst_element_set_bus(f->element, NULL);
  gst_harness_teardown(f->harness);
  gst_object_unref(f->bus);
  while ((name = g_dir_read_name(dir))) {
    g_autofree gchar *path = g_build_filename(f->dir, name, NULL);

    g_remove(path);
  }
  g_rmdir(f->dir);
  g_free(f->dir);
}

static GstBuffer *
new_turn(guint number, const gchar *text)
{
  GstBuffer *buffer = *text ? gst_buffer_new_memdup(text, strlen(text)) : gst_buffer_new();
  g_autoptr(CordTurn) turn = cord_turn_new(number);

  cord_buffer_set_turn(buffer, turn);
  return buffer;
}

/* What leaves of it */
static GstBuffer *
route(Fixture *f, GstBuffer *buffer)
{
  g_assert_cmpint(gst_harness_push(f->harness, buffer), ==, GST_FLOW_OK);
  return gst_harness_pull(f->harness);
}

static void
check_untouched(Fixture *f, const gchar *text)
{
  GstBuffer *buffer = new_turn(1, text);
  g_autoptr(GstBuffer) out = route(f, buffer);

  g_assert_true(out == buffer);
  g_assert_false(cord_buffer_get_reply(out, NULL, NULL));
}

static gboolean
pop_route(Fixture *f, CordRoute *found, GstMessage **message)
{
  while ((*message = gst_bus_pop_filtered(f->bus, GST_MESSAGE_ELEMENT))) {
    if (cord_structure_get_route(gst_message_get_structure(*message), found))
      return TRUE;
    gst_message_unref(*message);
  }
  return FALSE;
}

static guint
count_warnings(Fixture *f)
{
  GstMessage *message;
  guint n = 0;

  while ((message = gst_bus_pop_filtered(f->bus, GST_MESSAGE_WARNING))) {
    gst_message_unref(message);
    n++;
  }
  return n;
}

static void
test_routed(Fixture *f, gconstpointer data)
{
  g_autoptr(GstBuffer) out = route(f, new_turn(7, "Please stop."));
  g_autoptr(GstMessage) message = NULL;
  const gchar *text;
  GBytes *clip;
  CordRoute found;

  g_assert_true(cord_buffer_get_reply(out, &text, &clip));
  g_assert_cmpstr(text, ==, "All right. Thank you for calling, and goodbye.");
  g_assert_cmpuint(g_bytes_get_size(clip), ==, 8000);
  /* what was said, and its turn, are still there */
  g_assert_cmpint(gst_buffer_memcmp(out, 0, "Please stop.", 12), ==, 0);
  g_assert_cmpuint(cord_turn_get_number(cord_buffer_get_turn(out)), ==, 7);
  g_assert_true(pop_route(f, &found, &message));
  g_assert_cmpuint(found.turn, ==, 7);
  g_assert_cmpstr(found.name, ==, "stop");
  g_assert_cmpfloat(found.score, >, 0.9);
  g_assert_true(found.hang_up);
  g_assert_cmpuint(found.duration, ==, GST_SECOND);
}

static void
test_not_routed(Fixture *f, gconstpointer data)
{
  g_autoptr(GstMessage) message = NULL;
  CordRoute found;

  check_untouched(f, "Don't stop.");
  check_untouched(f, "I'd like an appointment.");
  check_untouched(f, "");
  check_untouched(f, "\xff\xfe\xfd");
  /* it has no recording */
  check_untouched(f, "How much does it cost?");
  g_assert_false(pop_route(f, &found, &message));
}

static void
test_no_recordings(Fixture *f, gconstpointer data)
{
  check_untouched(f, "Stop.");
  g_assert_cmpuint(count_warnings(f), ==, 0);
}

static void
test_answered_before(Fixture *f, gconstpointer data)
{
  GstBuffer *buffer = new_turn(1, "stop");
  g_autoptr(GstBuffer) out = NULL;
  const gchar *text;

  cord_buffer_set_reply(buffer, "Are you still there?", NULL);
  out = route(f, buffer);
  g_assert_true(out == buffer);
  g_assert_true(cord_buffer_get_reply(out, &text, NULL));
  g_assert_cmpstr(text, ==, "Are you still there?");
}

static void
test_switched(Fixture *f, gconstpointer data)
{
  g_autoptr(GstBuffer) out = NULL;

  g_object_set(f->element, "enabled", FALSE, NULL);
  check_untouched(f, "stop");
  g_object_set(f->element, "enabled", TRUE, NULL);
  out = route(f, new_turn(1, "stop"));
  g_assert_true(cord_buffer_get_reply(out, NULL, NULL));
}

static void
test_threshold(Fixture *f, gconstpointer data)
{
  g_autoptr(GstBuffer) out = NULL;

  write_clip(f, "pricing", 800);
  gst_element_set_state(f->element, GST_STATE_READY);
  g_object_set(f->element, "threshold", 0.99, NULL);
  gst_harness_play(f->harness);
  gst_harness_set_src_caps_str(f->harness, "text/x-raw,format=utf8");
  check_untouched(f, "Was kostet das Ganze?");
  g_object_set(f->element, "threshold", 0.5, NULL);
  out = route(f, new_turn(1, "Was kostet das Ganze?"));
  g_assert_true(cord_buffer_get_reply(out, NULL, NULL));
}

/* Whoever is made ready later finds what was built meanwhile. */
static void
test_built_later(Fixture *f, gconstpointer data)
{
  g_autoptr(GstBuffer) out = NULL;

  check_untouched(f, "stop");
  write_clip(f, "stop", 800);
  check_untouched(f, "stop");
  gst_element_set_state(f->element, GST_STATE_READY);
  gst_harness_play(f->harness);
  gst_harness_set_src_caps_str(f->harness, "text/x-raw,format=utf8");
  out = route(f, new_turn(1, "stop"));
  g_assert_true(cord_buffer_get_reply(out, NULL, NULL));
}

/* A media thread that starts it reads no file then. */
static void
test_read_before(Fixture *f, gconstpointer data)
{
  g_autoptr(GstStructure) known = NULL;
  g_autoptr(GstBuffer) out = NULL;

  gst_element_set_state(f->element, GST_STATE_READY);
  g_object_get(f->element, "known-routes", &known, NULL);
  write_clip(f, "stop", 800);
  gst_harness_play(f->harness);
  gst_harness_set_src_caps_str(f->harness, "text/x-raw,format=utf8");
  check_untouched(f, "stop");
  /* another folder is another matter */
  gst_element_set_state(f->element, GST_STATE_READY);
  g_clear_pointer(&known, gst_structure_free);
  g_object_set(f->element, "location", "/nonexistent", NULL);
  g_object_get(f->element, "known-routes", &known, NULL);
  g_object_set(f->element, "location", f->dir, NULL);
  gst_harness_play(f->harness);
  gst_harness_set_src_caps_str(f->harness, "text/x-raw,format=utf8");
  out = route(f, new_turn(1, "stop"));
  g_assert_true(cord_buffer_get_reply(out, NULL, NULL));
}

static void
test_told_once(Fixture *f, gconstpointer data)
{
  write_clip(f, "pricing", 0);
  gst_element_set_state(f->element, GST_STATE_READY);
  gst_harness_play(f->harness);
  g_assert_cmpuint(count_warnings(f), ==, 1);
  gst_element_set_state(f->element, GST_STATE_READY);
  gst_harness_play(f->harness);
  g_assert_cmpuint(count_warnings(f), ==, 0);
}

static void
test_flush(Fixture *f, gconstpointer data)
{
  g_autoptr(GstBuffer) out = NULL;
  GstSegment segment;

  gst_harness_push_event(f->harness, gst_event_new_flush_start());
  gst_harness_push_event(f->harness, gst_event_new_flush_stop(FALSE));
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(f->harness, gst_event_new_segment(&segment));
  out = route(f, new_turn(2, "stop"));
  g_assert_true(cord_buffer_get_reply(out, NULL, NULL));
}

static void
test_reports(Fixture *f, gconstpointer data)
{
  g_autoptr(GstStructure) stats = NULL, known = NULL, match = NULL, none = NULL;
  const GValue *routes;
  const GstStructure *stop;
  gboolean cached = FALSE, matches = FALSE;
  guint64 routed, turns;

  check_untouched(f, "Hello.");
  gst_clear_buffer(&(GstBuffer *){ route(f, new_turn(2, "stop")) });
  g_object_get(f->element, "stats", &stats, "known-routes", &known, NULL);
  g_assert_true(gst_structure_get_uint64(stats, "turns", &turns));
  g_assert_true(gst_structure_get_uint64(stats, "routed", &routed));
  g_assert_cmpuint(turns, ==, 2);
  g_assert_cmpuint(routed, ==, 1);
  routes = gst_structure_get_value(known, "routes");
  g_assert_cmpuint(gst_value_array_get_size(routes), ==, 3);
  stop = gst_value_get_structure(gst_value_array_get_value(routes, 2));
  g_assert_cmpstr(gst_structure_get_string(stop, "name"), ==, "stop");
  g_assert_true(gst_structure_get_boolean(stop, "cached", &cached) && cached);
  /* of routes without recording, too */
  g_signal_emit_by_name(f->element, "match", "How much is it?", &match);
  g_assert_cmpstr(gst_structure_get_string(match, "route"), ==, "pricing");
  g_assert_true(gst_structure_get_boolean(match, "matches", &matches) && matches);
  g_assert_true(gst_structure_get_boolean(match, "cached", &cached) && !cached);
  g_signal_emit_by_name(f->element, "match", "", &none);
  g_assert_null(none);
}

#define ADD_WITH(name, setup, func)                                                                \
  g_test_add("/speechrouter/" name, Fixture, NULL, setup, func, teardown)
#define ADD(name, func) ADD_WITH(name, setup, func)

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  ADD("what is like a route gets its answer", test_routed);
  ADD("what is like none passes untouched", test_not_routed);
  ADD_WITH("without recordings everything passes untouched", setup_empty, test_no_recordings);
  ADD("what has its answer keeps it", test_answered_before);
  ADD("it can be switched off and on while it runs", test_switched);
  ADD("the threshold decides", test_threshold);
  ADD_WITH("recordings count from the next start on", setup_empty, test_built_later);
  ADD_WITH("what was asked for before the start is not read at it", setup_empty, test_read_before);
  ADD("a bad recording is told of by one element", test_told_once);
  ADD("a flush changes nothing", test_flush);
  ADD("it says what it knows", test_reports);
  return g_test_run();
}
