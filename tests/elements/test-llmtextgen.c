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
say_and_reply(Fixture *f, guint number, const gchar *text, const gchar *reply, GBytes *clip)
{
  GstBuffer *buffer = *text ? gst_buffer_new_memdup(text, strlen(text)) : gst_buffer_new();
  g_autoptr(CordTurn) turn = cord_turn_new(number);

  cord_buffer_set_turn(buffer, turn);
  if (reply)
    cord_buffer_set_reply(buffer, reply, clip);
  g_assert_cmpint(gst_harness_push(f->harness, buffer), ==, GST_FLOW_OK);
}

static void
say(Fixture *f, guint number, const gchar *text)
{
  say_and_reply(f, number, text, NULL, NULL);
}

/* with the sound that goes with it */
static void
assert_clip(Fixture *f, guint number, const gchar *text, GBytes *clip)
{
  g_autoptr(GstBuffer) buffer = gst_harness_try_pull(f->harness);
  GBytes *sound = NULL;
  g_autofree gchar *said = NULL;
  gpointer copy = NULL;
  gsize size = 0;

  g_assert_nonnull(buffer);
  gst_buffer_extract_dup(buffer, 0, gst_buffer_get_size(buffer), &copy, &size);
  said = g_strndup(copy, size);
  g_free(copy);
  g_assert_cmpstr(said, ==, text);
  g_assert_cmpuint(cord_turn_get_number(cord_buffer_get_turn(buffer)), ==, number);
  g_assert_cmpint(cord_buffer_get_reply(buffer, NULL, &sound), ==, clip != NULL);
  g_assert_true(sound == clip);
}

static void
assert_piece(Fixture *f, guint number, const gchar *text)
{
  assert_clip(f, number, text, NULL);
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

static void
test_reply(Fixture *f, gconstpointer data)
{
  g_autoptr(GBytes) clip = g_bytes_new_static("\xff\xff", 2);

  /* the script has another answer to this */
  say_and_reply(f, 1, "what are your hours", "We never close. Come in!", NULL);
  assert_piece(f, 1, "We never close.");
  assert_piece(f, 1, "Come in!");
  say_and_reply(f, 2, "what does it cost", "Nothing. Nothing at all.", clip);
  assert_clip(f, 2, "Nothing. Nothing at all.", clip);
  tell_playout(f, 2, CORD_PLAYOUT_DONE, 24);
  assert_heard(f, "Nothing. Nothing at all.", FALSE);
}

static void
test_own_accord(Fixture *f, gconstpointer data)
{
  say(f, 1, "");
  g_assert_null(gst_harness_try_pull(f->harness));
  say_and_reply(f, 2, "", "Are you still there?", NULL);
  assert_piece(f, 2, "Are you still there?");
  tell_playout(f, 2, CORD_PLAYOUT_DONE, 20);
  assert_heard(f, "Are you still there?", FALSE);
}

/* A part of it would be said again with the next. */
static void
test_reply_of_copies(void)
{
  g_autoptr(GstBuffer) buffer = gst_buffer_new_memdup("said", 4);
  g_autoptr(GstBuffer) copy = NULL;
  g_autoptr(GstBuffer) part = NULL;
  const gchar *text;

  cord_buffer_set_reply(buffer, "one", NULL);
  cord_buffer_set_reply(buffer, "two", NULL);
  copy = gst_buffer_copy(buffer);
  part = gst_buffer_copy_region(buffer, GST_BUFFER_COPY_ALL, 0, 2);
  g_assert_true(cord_buffer_get_reply(copy, &text, NULL));
  g_assert_cmpstr(text, ==, "two");
  g_assert_false(cord_buffer_get_reply(part, &text, NULL));
  g_assert_null(text);
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
  ADD("a reply that is known needs no model", NULL, test_reply);
  ADD("a reply to nothing is said, nothing alone is not answered", NULL, test_own_accord);
  g_test_add_func("/llmtextgen/a reply belongs to the whole of a buffer", test_reply_of_copies);
  ADD("the end waits for what is under way", NULL, test_end_waits_for_the_tool);
  return g_test_run();
}
