/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cordboard.h"

static void
test_turn_survives_copies(void)
{
  g_autoptr(CordTurn) turn = cord_turn_new(7);
  g_autoptr(GstBuffer) whole = gst_buffer_new_allocate(NULL, 320, NULL);
  g_autoptr(GstBuffer) part = NULL;

  cord_buffer_set_turn(whole, turn);
  part = gst_buffer_copy_region(whole, GST_BUFFER_COPY_ALL, 0, 160);
  g_assert_true(cord_buffer_get_turn(part) == turn);
}

static void
test_first_stamp_counts(void)
{
  g_autoptr(CordTurn) turn = cord_turn_new(1);
  g_autoptr(GstStructure) structure = NULL;
  guint64 time;

  g_assert_cmpuint(cord_turn_get_stamp(turn, CORD_TURN_STAMP_FIRST_FRAME), ==, GST_CLOCK_TIME_NONE);
  g_assert_true(cord_turn_stamp(turn, CORD_TURN_STAMP_FIRST_FRAME, 5));
  g_assert_false(cord_turn_stamp(turn, CORD_TURN_STAMP_FIRST_FRAME, 6));
  structure = cord_turn_to_structure(turn);
  g_assert_true(gst_structure_get_uint64(structure, "first-frame", &time));
  g_assert_cmpuint(time, ==, 5);
  g_assert_false(gst_structure_has_field(structure, "heard"));
}

static void
test_transcript_travels_on_its_buffer(void)
{
  g_autoptr(CordTranscript) transcript =
      cord_transcript_new(" two  words ", TRUE, GST_SECOND, 3 * GST_SECOND);
  g_autoptr(GstBuffer) buffer = NULL;
  g_autoptr(GstBuffer) copy = NULL;
  guint n;

  cord_transcript_add_word(transcript, "two", GST_SECOND, 2 * GST_SECOND, 0.5);
  buffer = cord_transcript_to_buffer(transcript);
  copy = gst_buffer_copy(buffer);
  g_assert_cmpuint(GST_BUFFER_PTS(buffer), ==, GST_SECOND);
  g_assert_cmpuint(GST_BUFFER_DURATION(buffer), ==, 2 * GST_SECOND);
  g_assert_true(cord_buffer_get_transcript(copy) == transcript);
  g_assert_cmpuint(cord_transcript_count_words(transcript), ==, 2);
  g_assert_cmpstr(cord_transcript_get_words(transcript, &n)->text, ==, "two");
  g_assert_cmpuint(n, ==, 1);
}

static void
test_playout_is_read_as_written(void)
{
  CordPlayout out = { 3, 40 * GST_MSECOND, GST_SECOND, CORD_PLAYOUT_INTERRUPTED, -1 }, in;
  g_autoptr(GstEvent) event = cord_event_new_upstream(cord_structure_new_playout(&out));

  g_assert_true(cord_event_is(event, CORD_EVENT_PLAYOUT));
  g_assert_false(cord_event_is(event, CORD_EVENT_HEARD));
  g_assert_true(cord_structure_get_playout(gst_event_get_structure(event), &in));
  g_assert_cmpuint(in.turn, ==, 3);
  g_assert_cmpuint(in.position, ==, out.position);
  g_assert_cmpint(in.state, ==, CORD_PLAYOUT_INTERRUPTED);
  g_assert_cmpint(in.text_bytes, ==, -1);
}

static void
test_keys_have_their_numbers(void)
{
  static const gchar digits[] = "0123456789*#ABCD";

  for (guint i = 0; digits[i]; i++) {
    g_autoptr(GstStructure) structure = cord_structure_new_dtmf(digits[i]);
    gint number;

    g_assert_true(gst_structure_get_int(structure, "number", &number));
    g_assert_cmpint(number, ==, (gint)i);
    g_assert_cmpint(cord_structure_get_digit(structure), ==, digits[i]);
  }
  g_assert_null(cord_structure_new_dtmf('x'));
  g_assert_null(cord_structure_new_dtmf('\0'));
}

int
main(int argc, char *argv[])
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/events/a turn survives copies of its buffer", test_turn_survives_copies);
  g_test_add_func("/events/only the first stamp of a kind counts", test_first_stamp_counts);
  g_test_add_func("/events/a transcript travels on its buffer",
                  test_transcript_travels_on_its_buffer);
  g_test_add_func("/events/playout is read as it was written", test_playout_is_read_as_written);
  g_test_add_func("/events/keys have their RFC 4733 numbers", test_keys_have_their_numbers);
  return g_test_run();
}
