/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/check/gstharness.h>
#include <string.h>

#include "cordboard.h"

#define SCRIPT                                                                                     \
  "{\"rules\":[{\"patterns\":[\"hours\"],\"replies\":[\"We are open from nine, every day. Come "   \
  "in.\"]},"                                                                                       \
  "{\"patterns\":[\"bye\"],\"replies\":[\"Goodbye.\"],\"tool\":{\"name\":\"end_call\"}}],"         \
  "\"fallback\":[\"What was that?\"]}"

typedef struct {
  CordWorker *worker;
  GstHarness *harness;
  GstBus *bus;
} Fixture;

static void
setup(Fixture *f, gconstpointer data)
{
  g_autoptr(GstContext) context = NULL;

  f->worker = cord_worker_new_manual();
  f->harness = gst_harness_new_parse("llmtextgen name=llm provider=scripted");
  {
    g_autoptr(GstElement) llm = gst_harness_find_element(f->harness, "llmtextgen");

    context = cord_worker_to_gst_context(f->worker);
    gst_element_set_state(f->harness->element, GST_STATE_NULL);
    gst_element_set_context(f->harness->element, context);
    g_object_set(llm, "script", SCRIPT, "greeting", data, NULL);
  }
  f->bus = gst_bus_new();
  gst_element_set_bus(f->harness->element, f->bus);
  gst_harness_play(f->harness);
  gst_harness_set_src_caps_str(f->harness, "text/x-raw,format=utf8");
}

static void
teardown(Fixture *f, gconstpointer data)
{
  gst_bus_set_flushing(f->bus, TRUE);
  gst_harness_teardown(f->harness);
  gst_object_unref(f->bus);
  g_object_unref(f->worker);
}

static void
say(Fixture *f, guint number, const gchar *text)
{
  GstBuffer *buffer = gst_buffer_new_memdup(text, strlen(text));
  g_autoptr(CordTurn) turn = cord_turn_new(number);

  cord_buffer_set_turn(buffer, turn);
  g_assert_cmpint(gst_harness_push(f->harness, buffer), ==, GST_FLOW_OK);
}

static void
assert_piece(Fixture *f, guint number, const gchar *text)
{
  g_autoptr(GstBuffer) buffer = gst_harness_try_pull(f->harness);
  g_autofree gchar *said = NULL;
  gpointer copy = NULL;
  gsize size = 0;

  g_assert_nonnull(buffer);
  gst_buffer_extract_dup(buffer, 0, gst_buffer_get_size(buffer), &copy, &size);
  said = g_strndup(copy, size);
  g_free(copy);
  g_assert_cmpstr(said, ==, text);
  g_assert_cmpuint(cord_turn_get_number(cord_buffer_get_turn(buffer)), ==, number);
}

static void
assert_heard(Fixture *f, const gchar *text, gboolean interrupted)
{
  g_autoptr(GstMessage) message = NULL;

  while ((message = gst_bus_pop_filtered(f->bus, GST_MESSAGE_ELEMENT))) {
    const GstStructure *structure = gst_message_get_structure(message);

    if (gst_structure_has_name(structure, CORD_EVENT_HEARD)) {
      gboolean cut = !interrupted;

      gst_structure_get_boolean(structure, "interrupted", &cut);
      g_assert_cmpstr(gst_structure_get_string(structure, "text"), ==, text);
      g_assert_cmpint(cut, ==, interrupted);
      return;
    }
    g_clear_pointer(&message, gst_message_unref);
  }
  g_assert_not_reached();
}

static void
tell_playout(Fixture *f, guint turn, CordPlayoutState state, gint64 text_bytes)
{
  CordPlayout playout = { turn, GST_SECOND, GST_SECOND, state, text_bytes };

  gst_harness_push_upstream_event(f->harness,
                                  cord_event_new_upstream(cord_structure_new_playout(&playout)));
}

static void
test_greeting(Fixture *f, gconstpointer data)
{
  assert_piece(f, 0, "Hello there.");
  g_assert_null(gst_harness_try_pull(f->harness));
}

static void
test_answer_in_pieces(Fixture *f, gconstpointer data)
{
  say(f, 1, "what are your hours");
  assert_piece(f, 1, "We are open from nine,");
  assert_piece(f, 1, "every day.");
  assert_piece(f, 1, "Come in.");
  tell_playout(f, 1, CORD_PLAYOUT_DONE, 41);
  assert_heard(f, "We are open from nine, every day. Come in.", FALSE);
}

static void
test_interrupted(Fixture *f, gconstpointer data)
{
  say(f, 1, "what are your hours");
  gst_harness_push_event(f->harness, gst_event_new_flush_start());
  /* the sink tells it while the flush ends; here the test is the sink */
  tell_playout(f, 1, CORD_PLAYOUT_PLAYING, 5);
  gst_harness_push_event(f->harness, gst_event_new_flush_stop(FALSE));
  assert_heard(f, "", TRUE);
}

static void
test_tool_call(Fixture *f, gconstpointer data)
{
  g_autoptr(GstMessage) message = NULL;
  gboolean called = FALSE;

  say(f, 1, "bye");
  assert_piece(f, 1, "Goodbye.");
  while ((message = gst_bus_pop_filtered(f->bus, GST_MESSAGE_ELEMENT))) {
    const GstStructure *structure = gst_message_get_structure(message);

    if (gst_structure_has_name(structure, CORD_EVENT_TOOL_CALL)) {
      g_autoptr(GstElement) llm = gst_harness_find_element(f->harness, "llmtextgen");

      g_assert_cmpstr(gst_structure_get_string(structure, "name"), ==, "end_call");
      g_signal_emit_by_name(llm, "submit-tool-result", gst_structure_get_string(structure, "id"),
                            "{}");
      called = TRUE;
    }
    g_clear_pointer(&message, gst_message_unref);
  }
  g_assert_true(called);
  cord_worker_iterate(f->worker);
  say(f, 2, "nonsense");
  assert_piece(f, 2, "What was that?");
}

static void
test_end_waits_for_the_tool(Fixture *f, gconstpointer data)
{
  say(f, 1, "bye");
  assert_piece(f, 1, "Goodbye.");
  gst_harness_push_event(f->harness, gst_event_new_eos());
  g_assert_false(GST_PAD_IS_EOS(f->harness->sinkpad));
  /* nobody answers: the tool's deadline ends the turn */
  cord_worker_advance(f->worker, 11 * GST_SECOND);
  g_assert_true(GST_PAD_IS_EOS(f->harness->sinkpad));
}

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
#define ADD(name, greeting, func)                                                                  \
  g_test_add("/llmtextgen/" name, Fixture, greeting, setup, func, teardown)
  ADD("greets when the stream begins", "Hello there.", test_greeting);
  ADD("answers in pieces that can be spoken", NULL, test_answer_in_pieces);
  ADD("what was not heard was not said", NULL, test_interrupted);
  ADD("a tool is called and its result taken", NULL, test_tool_call);
  ADD("the end waits for what is under way", NULL, test_end_waits_for_the_tool);
  return g_test_run();
}
