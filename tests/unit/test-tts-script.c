/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tts-script.h"

#include <string.h>

#include "cord-turn.h"

#define MS(ms) ((ms)*GST_MSECOND)
#define BYTE_MS 100 /* of a voice that says a byte in so long */

typedef struct {
  TtsScript *script;
  guint asked;
  gsize all; /* that the voice at work was given of a turn, bytes */
} Fixture;

/* As bytes go by */
static gsize
on_ask(guint turn, GstClockTime position, CordPlayoutState state, gpointer data)
{
  Fixture *f = data;

  f->asked++;
  return state == CORD_PLAYOUT_DONE ? f->all : MIN(position / MS(BYTE_MS), f->all);
}

static void
setup(Fixture *f, gconstpointer data)
{
  gst_init(NULL, NULL);
  f->script = tts_script_new(on_ask, f);
}

static void
teardown(Fixture *f, gconstpointer data)
{
  tts_script_free(f->script);
}

static guint
add(Fixture *f, guint turn, const gchar *text)
{
  g_autoptr(GstBuffer) buffer = gst_buffer_new_memdup(text, strlen(text));
  g_autoptr(CordTurn) meta = cord_turn_new(turn);

  cord_buffer_set_turn(buffer, meta);
  return tts_script_add(f->script, GST_MINI_OBJECT_CAST(buffer));
}

static void
add_event(Fixture *f, guint turn)
{
  g_autoptr(GstEvent) event =
      cord_event_new(cord_structure_new_turn(CORD_EVENT_RESPONSE_STARTED, turn));

  tts_script_add(f->script, GST_MINI_OBJECT_CAST(event));
}

/* Everything behind @from, as a voice is given it */
static void
assert_rest(Fixture *f, guint from, const gchar *expected)
{
  g_autoptr(GString) text = g_string_new(NULL);
  GstMiniObject *object;

  while ((object = tts_script_next(f->script, &from))) {
    if (GST_IS_BUFFER(object)) {
      GstBuffer *buffer = GST_BUFFER_CAST(object);
      g_autofree gchar *said = g_malloc0(gst_buffer_get_size(buffer) + 1);

      gst_buffer_extract(buffer, 0, said, gst_buffer_get_size(buffer));
      g_string_append_printf(text, "%u:'%s';", cord_turn_get_number(cord_buffer_get_turn(buffer)),
                             said);
    } else {
      g_string_append(text, "event;");
    }
    gst_mini_object_unref(object);
  }
  g_assert_cmpstr(text->str, ==, expected);
}

static gsize
heard(Fixture *f, guint turn, guint ms, CordPlayoutState state)
{
  const CordPlayout playout = { turn, MS(ms), MS(ms), state, -1 };

  return tts_script_heard(f->script, &playout);
}

static void
test_order(Fixture *f, gconstpointer data)
{
  add_event(f, 1);
  g_assert_cmpuint(add(f, 1, " One. \n"), ==, 2);
  g_assert_cmpuint(add(f, 1, "  "), ==, 0);
  add(f, 1, "Two.");
  g_assert_false(tts_script_has_text_first(f->script));
  assert_rest(f, 0, "event;1:'One.';1:'Two.';");
  assert_rest(f, 2, "1:'Two.';");
  tts_script_done(f->script, 1);
  g_assert_true(tts_script_has_text_first(f->script));
  tts_script_done(f->script, 3);
  g_assert_true(tts_script_is_empty(f->script));
  add(f, 2, "Three.");
  tts_script_forget(f->script);
  g_assert_true(tts_script_is_empty(f->script));
}

/* "One two." then "Three.": the first voice breaks off behind "One", the second in "Three". */
static void
test_three_voices(Fixture *f, gconstpointer data)
{
  add(f, 1, "One two.");
  add(f, 1, "Three.");
  assert_rest(f, 0, "1:'One two.';1:'Three.';");
  f->all = 3;
  tts_script_add_audio(f->script, 1, MS(300));
  tts_script_change_voice(f->script);
  assert_rest(f, 0, "1:'two.';1:'Three.';");
  f->all = 7;
  tts_script_add_audio(f->script, 1, MS(400));
  tts_script_done(f->script, 1);
  tts_script_add_audio(f->script, 1, MS(300));
  tts_script_change_voice(f->script);
  assert_rest(f, 0, "1:'ree.';");
  f->all = 4;
  tts_script_add_audio(f->script, 1, MS(400));
  g_assert_cmpuint(heard(f, 1, 0, CORD_PLAYOUT_INTERRUPTED), ==, 0);
  g_assert_cmpuint(heard(f, 1, 210, CORD_PLAYOUT_INTERRUPTED), ==, 2);
  g_assert_cmpuint(heard(f, 1, 300, CORD_PLAYOUT_INTERRUPTED), ==, 3);
  g_assert_cmpuint(heard(f, 1, 550, CORD_PLAYOUT_INTERRUPTED), ==, 6);
  g_assert_cmpuint(heard(f, 1, 1000, CORD_PLAYOUT_INTERRUPTED), ==, 11);
  g_assert_cmpuint(heard(f, 1, 1200, CORD_PLAYOUT_INTERRUPTED), ==, 13);
  g_assert_cmpuint(heard(f, 1, 1400, CORD_PLAYOUT_DONE), ==, 15);
  g_assert_cmpuint(heard(f, 2, 1400, CORD_PLAYOUT_DONE), ==, 0);
}

/* What the first one had said, and was cut off before its end was told, is not said again. */
static void
test_all_was_said(Fixture *f, gconstpointer data)
{
  add(f, 1, "One.");
  add(f, 1, "Two.");
  assert_rest(f, 0, "1:'One.';1:'Two.';");
  f->all = 4;
  tts_script_add_audio(f->script, 1, MS(400));
  tts_script_change_voice(f->script);
  assert_rest(f, 0, "1:'Two.';");
}

static void
test_nothing_was_said(Fixture *f, gconstpointer data)
{
  add(f, 1, "One.");
  assert_rest(f, 0, "1:'One.';");
  tts_script_change_voice(f->script);
  tts_script_change_voice(f->script);
  assert_rest(f, 0, "1:'One.';");
  /* the voice that has gone is asked no more */
  f->asked = 0;
  f->all = 4;
  tts_script_add_audio(f->script, 1, MS(400));
  g_assert_cmpuint(heard(f, 1, 200, CORD_PLAYOUT_INTERRUPTED), ==, 2);
  g_assert_cmpuint(f->asked, ==, 1);
}

/* Two voices were given the same; the second is heard. */
static void
test_take_over(Fixture *f, gconstpointer data)
{
  add(f, 1, "One.");
  add(f, 1, "Two.");
  assert_rest(f, 0, "1:'One.';1:'Two.';");
  f->all = 4;
  tts_script_add_audio(f->script, 1, MS(400));
  tts_script_done(f->script, 1);
  assert_rest(f, 0, "1:'Two.';");
  tts_script_change_voice(f->script);
  tts_script_take_over(f->script, 2);
  f->all = 4;
  tts_script_add_audio(f->script, 1, MS(400));
  g_assert_cmpuint(heard(f, 1, 400, CORD_PLAYOUT_INTERRUPTED), ==, 4);
  g_assert_cmpuint(heard(f, 1, 600, CORD_PLAYOUT_INTERRUPTED), ==, 7);
  g_assert_cmpuint(heard(f, 1, 800, CORD_PLAYOUT_DONE), ==, 9);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
#define ADD(name, func) g_test_add("/tts-script/" name, Fixture, NULL, setup, func, teardown)
  ADD("texts and events keep their order", test_order);
  ADD("three voices for one turn", test_three_voices);
  ADD("what was said is not said again", test_all_was_said);
  ADD("what nobody has said is said", test_nothing_was_said);
  ADD("a second voice that was asked too", test_take_over);
  return g_test_run();
}
