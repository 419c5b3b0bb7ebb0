/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <cordboard.h>
#include <string.h>

#include "twilio-rig.h"

/*
 * What a carrier, or somebody who says to be one, may do wrong on a media stream. Each test says
 * what must come of it: a warning once and the call goes on, or the end with a code and a reason.
 */

static void
send_raw(TwilioRig *rig, const gchar *format, const gchar *inside)
{
  g_autoptr(GString) text = g_string_new(format);

  g_string_replace(text, "STREAM", TWILIO_PEER_STREAM, 0);
  g_string_replace(text, "INSIDE", inside ? inside : "", 0);
  twilio_peer_send_text(rig->peer, text->str);
  twilio_rig_run(rig);
}

static void
send_payload(TwilioRig *rig, const gchar *payload)
{
  send_raw(rig,
           "{\"event\":\"media\",\"streamSid\":\"STREAM\",\"media\":{\"track\":\"inbound\","
           "\"payload\":\"INSIDE\"}}",
           payload);
}

static void
assert_no_more_warnings(TwilioRig *rig)
{
  g_assert_null(twilio_rig_take_message(rig, GST_MESSAGE_WARNING, NULL));
}

/* The call is as good as before: what is said now is heard. */
static void
assert_goes_on(TwilioRig *rig)
{
  guint8 audio[160];
  g_autofree gchar *payload = NULL;

  memset(audio, 0x33, sizeof audio);
  payload = g_base64_encode(audio, sizeof audio);
  twilio_rig_count_frames(rig, 0);
  send_payload(rig, payload);
  g_assert_cmpuint(twilio_rig_count_frames(rig, 0x33), ==, 1);
  g_assert_null(twilio_peer_last(rig->peer, TWILIO_PEER_CLOSE));
}

static void
assert_ended(TwilioRig *rig, guint code, const gchar *part)
{
  TwilioPeerMessage *close = twilio_peer_last(rig->peer, TWILIO_PEER_CLOSE);

  g_assert_nonnull(close);
  g_assert_cmpuint(close->code, ==, code);
  twilio_rig_assert_error(rig, part);
  g_assert_true(twilio_rig_take_eos(rig));
}

static void
media_before_start_is_ignored(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new();

  twilio_rig_play(rig);
  twilio_peer_send_connected(rig->peer);
  twilio_peer_send_media(rig->peer, 0, 1, 160);
  twilio_peer_send_mark(rig->peer, "g1:t0:1");
  twilio_peer_send_dtmf(rig->peer, "1");
  twilio_rig_run(rig);
  twilio_rig_assert_warning(rig, "before it started");
  assert_no_more_warnings(rig);
  g_assert_cmpuint(twilio_rig_get_stat(rig, "messages-before-start"), ==, 3);
  g_assert_cmpuint(gst_harness_buffers_received(rig->in), ==, 0);
  twilio_peer_send_start(rig->peer, NULL);
  twilio_rig_run(rig);
  assert_goes_on(rig);
}

static void
a_second_start_is_ignored(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  twilio_peer_send_start(rig->peer, "{\"agent\":\"another\"}");
  twilio_peer_send_start(rig->peer, NULL);
  twilio_rig_run(rig);
  twilio_rig_assert_warning(rig, "twice");
  assert_no_more_warnings(rig);
  assert_goes_on(rig);
}

static void
no_start_in_time_closes(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new();

  twilio_rig_play(rig);
  twilio_peer_send_connected(rig->peer);
  twilio_rig_advance_ms(rig, 9980);
  g_assert_null(twilio_peer_last(rig->peer, TWILIO_PEER_CLOSE));
  twilio_rig_advance_ms(rig, 40);
  assert_ended(rig, 1008, "did not start a stream in time");
}

static void
an_unknown_event_is_ignored(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  for (guint i = 0; i < 100; i++)
    send_raw(rig, "{\"event\":\"telemetry\",\"streamSid\":\"STREAM\"}", NULL);
  send_raw(rig, "{\"hello\":1}", NULL);
  twilio_rig_assert_warning(rig, "telemetry");
  assert_no_more_warnings(rig);
  g_assert_cmpuint(twilio_rig_get_stat(rig, "unknown-events"), ==, 101);
  assert_goes_on(rig);
}

static void
malformed_json_ends_the_stream(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  send_raw(rig, "{\"event\":\"media\",", NULL);
  assert_ended(rig, 1007, "not JSON: a string was expected at byte 17");
}

static void
deep_nesting_ends_the_stream(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  g_autofree gchar *deep = g_strnfill(60000, '[');

  send_raw(rig, "{\"a\":INSIDE", deep);
  assert_ended(rig, 1007, "nested too deeply");
}

static void
a_hundred_and_thirty_thousand_brackets_are_too_long(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  g_autofree gchar *deep = g_strnfill(130000, '[');

  send_raw(rig, "INSIDE", deep);
  assert_ended(rig, 1009, "");
}

static void
a_message_without_end_in_fragments_is_too_long(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  g_autofree gchar *part = g_strnfill(4096, ' ');

  twilio_peer_send_frame(rig->peer, 0x01, part, 4096);
  for (guint i = 0; i < 64 && !twilio_peer_last(rig->peer, TWILIO_PEER_CLOSE); i++) {
    twilio_peer_send_frame(rig->peer, 0x00, part, 4096);
    twilio_rig_run(rig);
  }
  assert_ended(rig, 1009, "");
}

static void
invalid_utf8_ends_the_stream(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  twilio_peer_send_frame(rig->peer, 0x81, "{\"event\":\"\xc3\x28\"}", 14);
  twilio_rig_run(rig);
  assert_ended(rig, 1007, "");
}

static void
an_unmasked_frame_ends_the_stream(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  twilio_peer_send_bytes(rig->peer, "\x81\x02{}", 4);
  twilio_rig_run(rig);
  assert_ended(rig, 1002, "");
}

static void
a_binary_message_is_ignored(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  for (guint i = 0; i < 3; i++)
    twilio_peer_send_frame(rig->peer, 0x82, "\0\1\2\3", 4);
  twilio_rig_run(rig);
  twilio_rig_assert_warning(rig, "binary");
  assert_no_more_warnings(rig);
  g_assert_cmpuint(twilio_rig_get_stat(rig, "binary-messages"), ==, 3);
  assert_goes_on(rig);
}

static void
the_wrong_stream_is_ignored(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  send_raw(rig, "{\"event\":\"media\",\"streamSid\":\"MZother\",\"media\":{\"payload\":\"AAAA\"}}",
           NULL);
  send_raw(rig, "{\"event\":\"stop\",\"streamSid\":\"MZother\"}", NULL);
  twilio_rig_assert_warning(rig, "MZother");
  assert_no_more_warnings(rig);
  g_assert_cmpuint(twilio_rig_get_stat(rig, "wrong-streams"), ==, 2);
  assert_goes_on(rig);
}

static void
a_payload_that_is_not_base64_is_ignored_with_the_reason(void)
{
  static const struct {
    const gchar *payload, *reason;
  } cases[] = {
    { "AA-_", "the URL-safe alphabet" }, { "AAA", "the length is not a multiple of four" },
    { "AAAA\\nAAAA", "a line break" },   { "A=AA", "data after the padding" },
    { "AA AA AA", "white space" },       { "{{{{", "a character outside the alphabet" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(TwilioRig) rig = twilio_rig_new_started();
    send_payload(rig, cases[i].payload);
    send_payload(rig, cases[i].payload);
    twilio_rig_assert_warning(rig, cases[i].reason);
    assert_no_more_warnings(rig);
    g_assert_cmpuint(gst_harness_buffers_received(rig->in), ==, 0);
    assert_goes_on(rig);
  }
}

static void
a_media_message_without_payload_is_ignored(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  send_raw(rig, "{\"event\":\"media\",\"streamSid\":\"STREAM\",\"media\":{}}", NULL);
  send_raw(rig, "{\"event\":\"media\",\"streamSid\":\"STREAM\",\"media\":{\"payload\":null}}",
           NULL);
  send_raw(rig, "{\"event\":\"media\",\"streamSid\":\"STREAM\"}", NULL);
  twilio_rig_assert_warning(rig, "no payload");
  assert_goes_on(rig);
}

static void
an_empty_payload_is_ignored(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  send_payload(rig, "");
  send_payload(rig, "");
  twilio_rig_assert_warning(rig, "empty");
  assert_no_more_warnings(rig);
  assert_goes_on(rig);
}

static void
odd_payloads_and_single_bytes_are_audio(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  for (guint i = 0; i < 160; i++)
    send_payload(rig, "Zg==");
  g_assert_cmpuint(twilio_rig_count_frames(rig, 0x66), ==, 1);
  for (guint i = 0; i < 160; i++)
    send_payload(rig, "ZmZmZmZmZg=="); /* 7 bytes */
  g_assert_cmpuint(twilio_rig_count_frames(rig, 0x66), ==, 7);
  assert_no_more_warnings(rig);
}

static void
five_seconds_in_one_message_are_audio(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  twilio_peer_send_media(rig->peer, 0, 0x33, 40000);
  twilio_rig_run(rig);
  g_assert_cmpuint(twilio_rig_count_frames(rig, 0x33), ==, 250);
  assert_goes_on(rig);
}

static void
sixty_seconds_in_one_message_are_too_long(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();
  g_autofree gchar *payload = g_strnfill(640000, 'A');

  /* the head is enough: nobody waits for the rest */
  twilio_peer_send_bytes(rig->peer, "\x81\xff\0\0\0\0\0\x09\xc4\0\1\2\3\4", 14);
  twilio_peer_send_bytes(rig->peer, payload, 1000);
  twilio_rig_run(rig);
  assert_ended(rig, 1009, "");
}

static void
a_leap_of_the_sequence_is_reported_once(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  twilio_peer_send_media(rig->peer, 0, 1, 160);
  twilio_peer_skip_sequence(rig->peer, 10);
  twilio_peer_send_media(rig->peer, 20, 1, 160);
  twilio_peer_skip_sequence(rig->peer, -5);
  twilio_peer_send_media(rig->peer, 40, 1, 160);
  twilio_rig_run(rig);
  twilio_rig_assert_warning(rig, "follows message");
  assert_no_more_warnings(rig);
  g_assert_cmpuint(twilio_rig_get_stat(rig, "sequence-jumps"), ==, 2);
  g_assert_cmpuint(twilio_rig_count_frames(rig, 1), ==, 3);
}

static void
the_second_message_may_have_number_two_or_three(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  twilio_peer_skip_sequence(rig->peer, 1);
  twilio_peer_send_media(rig->peer, 0, 1, 160);
  twilio_rig_run(rig);
  assert_no_more_warnings(rig);
}

static void
timestamps_without_sense_cost_bounded_silence(void)
{
  static const gint64 timestamps[] = { 0,        999999999999999999, 5000, 10,        86400000,
                                       0,        172800000,          40,   259200000, 9999999,
                                       345600000 };
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  for (guint round = 0; round < 20; round++) {
    for (gsize i = 0; i < G_N_ELEMENTS(timestamps); i++)
      twilio_peer_send_media(rig->peer, timestamps[i], 0x33, 160);
    twilio_rig_run(rig);
  }
  twilio_rig_assert_warning(rig, "timestamps");
  assert_no_more_warnings(rig);
  g_assert_cmpuint(gst_harness_buffers_received(rig->in), <=, 20 * G_N_ELEMENTS(timestamps) + 500);
  g_assert_cmpuint(twilio_rig_count_frames(rig, 0x33), ==, 20 * G_N_ELEMENTS(timestamps));
  assert_goes_on(rig);
}

static void
a_key_that_no_telephone_has_is_ignored(void)
{
  static const gchar *const digits[] = { "", "12", "x", " ", "\\u0000", "\\\"" };
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  for (gsize i = 0; i < G_N_ELEMENTS(digits); i++)
    twilio_peer_send_dtmf(rig->peer, digits[i]);
  send_raw(rig, "{\"event\":\"dtmf\",\"streamSid\":\"STREAM\",\"dtmf\":{}}", NULL);
  twilio_rig_assert_warning(rig, "not a key");
  assert_no_more_warnings(rig);
  g_assert_cmpuint(twilio_rig_get_stat(rig, "bad-digits"), ==, G_N_ELEMENTS(digits) + 1);
  assert_goes_on(rig);
}

static void
another_encoding_is_refused(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new();

  twilio_rig_play(rig);
  send_raw(rig,
           "{\"event\":\"start\",\"streamSid\":\"STREAM\",\"start\":{\"mediaFormat\":{"
           "\"encoding\":\"audio/l16\",\"sampleRate\":16000,\"channels\":1}}}",
           NULL);
  assert_ended(rig, 1003, "audio/l16 at 16000 Hz");
}

static void
a_start_without_a_stream_is_refused(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new();

  twilio_rig_play(rig);
  send_raw(rig, "{\"event\":\"start\"}", NULL);
  assert_ended(rig, 1003, "names no stream");
}

static void
strange_parameters_are_left_out(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new();
  g_autoptr(GString) many = g_string_new("{\"good\":\"1\",\"1bad\":\"x\",\"b ad\":\"x\",\"\":\"x\","
                                         "\"obj\":{},\"\\u0000\":\"x\"");
  g_autoptr(GstStructure) parameters = NULL;

  for (guint i = 0; i < 100; i++)
    g_string_append_printf(many, ",\"strange%u\":\"x\"", i);
  g_string_append_c(many, '}');
  twilio_rig_play(rig);
  twilio_peer_send_start(rig->peer, many->str);
  twilio_rig_run(rig);
  twilio_rig_assert_warning(rig, "parameters");
  g_object_get(rig->src, "parameters", &parameters, NULL);
  g_assert_cmpint(gst_structure_n_fields(parameters), ==, 32);
  g_assert_true(gst_structure_has_field(parameters, "good"));
  assert_goes_on(rig);
}

static void
a_flood_of_pings_is_answered_and_bounded(void)
{
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  for (guint i = 0; i < 2000; i++) {
    twilio_peer_send_frame(rig->peer, 0x89, "ping", 4);
    if (i % 50 == 0) {
      twilio_rig_run(rig);
      twilio_peer_hear(rig->peer);
    }
  }
  twilio_rig_run(rig);
  assert_goes_on(rig);
}

static guint
count_keys(TwilioRig *rig)
{
  GstMessage *message;
  guint count = 0;

  while ((message = twilio_rig_take_message(rig, GST_MESSAGE_ELEMENT, CORD_EVENT_DTMF))) {
    gst_message_unref(message);
    count++;
  }
  return count;
}

/* Three messages in writes of every size: each is heard once. */
static void
however_the_bytes_are_written_each_message_is_heard_once(void)
{
  static const gchar text[] = "{\"event\":\"dtmf\",\"dtmf\":{\"digit\":\"7\"}}";
  const gsize size = sizeof text - 1 + 6;
  guint8 bytes[3 * (sizeof text + 6)];

  for (guint i = 0; i < 3; i++) {
    guint8 head[6] = { 0x81, 0x80 | (sizeof text - 1), 0, 0, 0, 0 };
    memcpy(bytes + i * size, head, sizeof head);
    memcpy(bytes + i * size + sizeof head, text, sizeof text - 1);
  }
  for (gsize part = 1; part <= 2 * size; part += part < 8 ? 1 : 7) {
    g_autoptr(TwilioRig) rig = twilio_rig_new_started();
    for (gsize at = 0; at < 3 * size; at += part) {
      twilio_peer_send_bytes(rig->peer, bytes + at, MIN(part, 3 * size - at));
      twilio_rig_run(rig);
    }
    g_assert_cmpuint(count_keys(rig), ==, 3);
    assert_goes_on(rig);
  }
}

static void
random_messages_break_nothing(void)
{
  static const gchar *const events[] = { "connected", "start", "media", "mark", "dtmf", "x" };
  static const gchar *const values[] = {
    "\"AAAA\"", "5", "null", "{}", "[1]", "\"\"", "-1", "true"
  };
  static const gchar *const names[] = { "payload",    "timestamp", "chunk",
                                        "name",       "digit",     "track",
                                        "streamSid",  "callSid",   "customParameters",
                                        "mediaFormat" };
  g_autoptr(TwilioRig) rig = twilio_rig_new_started();

  for (guint round = 0; round < 3000; round++) {
    const gchar *event = events[g_test_rand_int_range(0, G_N_ELEMENTS(events))];
    g_autofree gchar *text =
        g_strdup_printf("{\"event\":\"%s\",\"sequenceNumber\":%s,\"%s\":{\"%s\":%s,\"%s\":%s}}",
                        event, values[g_test_rand_int_range(0, G_N_ELEMENTS(values))], event,
                        names[g_test_rand_int_range(0, G_N_ELEMENTS(names))],
                        values[g_test_rand_int_range(0, G_N_ELEMENTS(values))],
                        names[g_test_rand_int_range(0, G_N_ELEMENTS(names))],
                        values[g_test_rand_int_range(0, G_N_ELEMENTS(values))]);
    twilio_peer_send_text(rig->peer, text);
    twilio_rig_run(rig);
  }
  g_assert_null(twilio_peer_last(rig->peer, TWILIO_PEER_CLOSE));
}

int
main(int argc, char **argv)
{
  gint result;

  g_test_init(&argc, &argv, NULL);
  gst_init(&argc, &argv);
#define ADD(name) g_test_add_func("/twilio-faults/" #name, name)
  ADD(media_before_start_is_ignored);
  ADD(a_second_start_is_ignored);
  ADD(no_start_in_time_closes);
  ADD(an_unknown_event_is_ignored);
  ADD(malformed_json_ends_the_stream);
  ADD(deep_nesting_ends_the_stream);
  ADD(a_hundred_and_thirty_thousand_brackets_are_too_long);
  ADD(a_message_without_end_in_fragments_is_too_long);
  ADD(invalid_utf8_ends_the_stream);
  ADD(an_unmasked_frame_ends_the_stream);
  ADD(a_binary_message_is_ignored);
  ADD(the_wrong_stream_is_ignored);
  ADD(a_payload_that_is_not_base64_is_ignored_with_the_reason);
  ADD(a_media_message_without_payload_is_ignored);
  ADD(an_empty_payload_is_ignored);
  ADD(odd_payloads_and_single_bytes_are_audio);
  ADD(five_seconds_in_one_message_are_audio);
  ADD(sixty_seconds_in_one_message_are_too_long);
  ADD(a_leap_of_the_sequence_is_reported_once);
  ADD(the_second_message_may_have_number_two_or_three);
  ADD(timestamps_without_sense_cost_bounded_silence);
  ADD(a_key_that_no_telephone_has_is_ignored);
  ADD(another_encoding_is_refused);
  ADD(a_start_without_a_stream_is_refused);
  ADD(strange_parameters_are_left_out);
  ADD(a_flood_of_pings_is_answered_and_bounded);
  ADD(however_the_bytes_are_written_each_message_is_heard_once);
  ADD(random_messages_break_nothing);
  result = g_test_run();
  gst_deinit(); /* the leaks tracer reports here */
  return result;
}
