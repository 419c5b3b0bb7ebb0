/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "twilio-base64.h"
#include "twilio-message.h"

static void
assert_text(const TwilioText *text, const gchar *expected)
{
  g_autofree gchar *copy = twilio_text_dup(text);
  g_assert_cmpstr(copy, ==, expected);
}

static void
assert_parsed(const gchar *text, TwilioMessage *message)
{
  TwilioParseError error = { NULL };

  if (!twilio_message_parse(&twilio_dialect, text, strlen(text), message, &error))
    g_error("%s at %" G_GSIZE_FORMAT " of %s", error.reason, error.offset, text);
}

static void
assert_refused(const gchar *text, gsize length, const gchar *reason)
{
  TwilioMessage message;
  TwilioParseError error = { NULL };

  g_assert_false(twilio_message_parse(&twilio_dialect, text, length, &message, &error));
  g_assert_cmpstr(error.reason, ==, reason);
  g_assert_cmpuint(error.offset, <=, length);
}

static void
reads_every_documented_message(void)
{
  TwilioMessage m;

  assert_parsed("{\"event\":\"connected\",\"protocol\":\"Call\",\"version\":\"1.0.0\"}", &m);
  g_assert_cmpint(m.event, ==, TWILIO_EVENT_CONNECTED);
  g_assert_null(m.stream_sid.text);
  g_assert_cmpint(m.sequence, ==, -1);

  assert_parsed(
      "{\"event\":\"start\",\"sequenceNumber\":\"1\",\"streamSid\":\"MZ1\",\"start\":{"
      "\"accountSid\":\"AC1\",\"streamSid\":\"MZ1\",\"callSid\":\"CA1\",\"tracks\":[\"inbound\"],"
      "\"mediaFormat\":{\"encoding\":\"audio/x-mulaw\",\"sampleRate\":8000,\"channels\":1},"
      "\"customParameters\":{\"agent\":\"sales\"}}}",
      &m);
  g_assert_cmpint(m.event, ==, TWILIO_EVENT_START);
  assert_text(&m.stream_sid, "MZ1");
  assert_text(&m.inner_stream_sid, "MZ1");
  assert_text(&m.call_sid, "CA1");
  assert_text(&m.account_sid, "AC1");
  assert_text(&m.encoding, "audio/x-mulaw");
  g_assert_cmpint(m.sequence, ==, 1);
  g_assert_cmpint(m.sample_rate, ==, 8000);
  g_assert_cmpint(m.channels, ==, 1);

  assert_parsed("{\"event\":\"media\",\"sequenceNumber\":\"3\",\"streamSid\":\"MZ1\",\"media\":{"
                "\"track\":\"inbound\",\"chunk\":\"1\",\"timestamp\":\"5\",\"payload\":\"//8=\"}}",
                &m);
  g_assert_cmpint(m.event, ==, TWILIO_EVENT_MEDIA);
  assert_text(&m.track, "inbound");
  assert_text(&m.payload, "//8=");
  g_assert_cmpint(m.chunk, ==, 1);
  g_assert_cmpint(m.timestamp_ms, ==, 5);

  assert_parsed("{\"event\":\"dtmf\",\"sequenceNumber\":\"5\",\"streamSid\":\"MZ1\","
                "\"dtmf\":{\"track\":\"inbound_track\",\"digit\":\"#\"}}",
                &m);
  g_assert_cmpint(m.event, ==, TWILIO_EVENT_DTMF);
  assert_text(&m.digit, "#");

  assert_parsed("{\"event\":\"mark\",\"sequenceNumber\":\"4\",\"streamSid\":\"MZ1\","
                "\"mark\":{\"name\":\"m1\"}}",
                &m);
  g_assert_cmpint(m.event, ==, TWILIO_EVENT_MARK);
  assert_text(&m.mark, "m1");

  assert_parsed("{\"event\":\"stop\",\"sequenceNumber\":\"7\",\"streamSid\":\"MZ1\","
                "\"stop\":{\"accountSid\":\"AC1\",\"callSid\":\"CA1\"}}",
                &m);
  g_assert_cmpint(m.event, ==, TWILIO_EVENT_STOP);
  assert_text(&m.call_sid, "CA1");
}

static void
order_white_space_and_unknown_fields_do_not_matter(void)
{
  TwilioMessage m;

  assert_parsed(" \r\n\t{ \"x\" : [ 1 , { \"event\" : \"stop\" } , [ ] , { } , null ] ,\n"
                "\"media\" : { \"new\" : -1.5e+3 , \"payload\" : \"AAAA\" , \"timestamp\" : 20 ,"
                " \"more\" : { \"payload\" : \"BBBB\" } } , \"y\":true, \"z\":false ,"
                "\"streamSid\" : \"MZ\" , \"event\" : \"media\" } \n",
                &m);
  g_assert_cmpint(m.event, ==, TWILIO_EVENT_MEDIA);
  assert_text(&m.payload, "AAAA");
  assert_text(&m.stream_sid, "MZ");
  g_assert_cmpint(m.timestamp_ms, ==, 20);
}

static void
numbers_may_be_strings_or_numbers(void)
{
  TwilioMessage m;

  assert_parsed("{\"sequenceNumber\":12,\"media\":{\"timestamp\":\"34\",\"chunk\":5.0}}", &m);
  g_assert_cmpint(m.sequence, ==, 12);
  g_assert_cmpint(m.timestamp_ms, ==, 34);
  g_assert_cmpint(m.chunk, ==, 5);
  assert_parsed("{\"sequenceNumber\":\"-1\",\"media\":{\"timestamp\":\"1e3\",\"chunk\":"
                "\"9999999999999999999\"}}",
                &m);
  g_assert_cmpint(m.sequence, ==, -1);
  g_assert_cmpint(m.timestamp_ms, ==, -1);
  g_assert_cmpint(m.chunk, ==, -1);
  assert_parsed("{\"dtmf\":{\"digit\":7}}", &m);
  assert_text(&m.digit, "7");
}

static void
fields_of_the_wrong_kind_count_as_absent(void)
{
  TwilioMessage m;

  assert_parsed("{\"event\":null,\"streamSid\":{\"a\":1},\"media\":[1],\"mark\":\"x\",\"dtmf\":7}",
                &m);
  g_assert_cmpint(m.event, ==, TWILIO_EVENT_UNKNOWN);
  g_assert_null(m.name.text);
  g_assert_null(m.stream_sid.text);
  g_assert_null(m.payload.text);
  g_assert_null(m.mark.text);
}

static void
escapes_are_understood_in_names_and_values(void)
{
  TwilioMessage m;
  guint8 audio[64];
  const gchar *reason = NULL;

  assert_parsed("{\"\\u0065vent\":\"m\\u0061rk\",\"mark\":{\"name\":"
                "\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\ud83d\\ude00\\ud83d\\u0000z\"}}",
                &m);
  g_assert_cmpint(m.event, ==, TWILIO_EVENT_MARK);
  assert_text(&m.mark, "a\"\\/\b\f\n\r\t\xc3\xa4\xf0\x9f\x98\x80\xef\xbf\xbd\xef\xbf\xbdz");

  assert_parsed("{\"event\":\"media\",\"media\":{\"payload\":\"\\/\\/\\/\\/f38=\"}}", &m);
  g_assert_cmpint(twilio_message_decode_payload(&m, audio, sizeof audio, &reason), ==, 5);
  g_assert_cmpmem(audio, 5, "\xff\xff\xff\x7f\x7f", 5);
}

static void
a_long_escaped_payload_is_decoded_whole(void)
{
  g_autoptr(GString) text = g_string_new("{\"media\":{\"payload\":\"");
  g_autofree guint8 *audio = g_malloc(4096);
  const gchar *reason = NULL;
  TwilioMessage m;

  for (guint i = 0; i < 1000; i++)
    g_string_append(text, "\\/w\\/\\u002f"); /* four characters, three bytes */
  g_string_append(text, "\"}}");
  assert_parsed(text->str, &m);
  g_assert_cmpint(twilio_message_decode_payload(&m, audio, 4096, &reason), ==, -1);
  audio = g_realloc(audio, TWILIO_BASE64_DECODED_MAX(m.payload.length));
  g_assert_cmpint(twilio_message_decode_payload(
                      &m, audio, TWILIO_BASE64_DECODED_MAX(m.payload.length), &reason),
                  ==, 3000);
  for (guint i = 0; i < 3000; i += 3)
    g_assert_cmpmem(audio + i, 3, "\xff\x0f\xff", 3);
}

static void
malformed_json_is_refused_with_a_reason(void)
{
  static const struct {
    const gchar *text, *reason;
  } cases[] = {
    { "", "an empty message" },
    { "  ", "an empty message" },
    { "[]", "not an object" },
    { "\"event\"", "not an object" },
    { "{", "a string was expected" },
    { "{}{}", "more after the object's end" },
    { "{,}", "a string was expected" },
    { "{\"a\":1,}", "a string was expected" },
    { "{\"a\" 1}", "a colon was expected" },
    { "{\"a\":1 \"b\":2}", "a comma was expected" },
    { "{\"a\":1", "the message ends too early" },
    { "{\"a\":", "the message ends too early" },
    { "{\"a\":[1,2", "the message ends too early" },
    { "{\"a\":[1}", "a comma was expected" },
    { "{\"a\":01}", "a comma was expected" },
    { "{\"a\":-}", "a number without digits" },
    { "{\"a\":1.}", "a number without digits" },
    { "{\"a\":1e}", "a number without digits" },
    { "{\"a\":nul}", "an unknown word" },
    { "{\"a\":NaN}", "a value was expected" },
    { "{\"a\":'b'}", "a value was expected" },
    { "{\"a", "a string without end" },
    { "{\"a\\", "a string without end" },
    { "{\"a\\x\":1}", "an unknown escape sequence" },
    { "{\"a\":\"\\u12g4\"}", "an escape sequence without four hexadecimal digits" },
    { "{\"a\":\"line\nbreak\"}", "a control character in a string" },
    { "{\"a\":1}/* no */", "more after the object's end" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
    assert_refused(cases[i].text, strlen(cases[i].text), cases[i].reason);
  assert_refused("{\"a\":\"\0\"}", 9, "a control character in a string");
}

static void
deep_nesting_is_only_an_error(void)
{
  gsize n = 130000;
  g_autofree gchar *text = g_malloc(n + 6);

  memcpy(text, "{\"a\":", 5);
  memset(text + 5, '[', n);
  assert_refused(text, n + 5, "nested too deeply");
  for (gsize i = 0; i + 5 < n; i += 5)
    memcpy(text + i, "{\"a\":", 5);
  assert_refused(text, n, "nested too deeply");
  memset(text, '[', n);
  assert_refused(text, n, "not an object");
}

static void
a_message_cut_anywhere_is_refused(void)
{
  static const gchar text[] =
      "{\"event\":\"start\",\"n\":[1.5e+3,true,null],\"start\":{\"callSid\":"
      "\"\\u0041\",\"customParameters\":{\"a\":\"b\"}}}";
  TwilioMessage message;
  TwilioParseError error;

  for (gsize length = 0; length < sizeof text - 1; length++) {
    g_autofree gchar *copy = g_memdup2(text, MAX(length, 1));
    g_assert_false(twilio_message_parse(&twilio_dialect, copy, length, &message, &error));
  }
}

static void
parameters_are_listed_in_order(void)
{
  TwilioMessage m;
  TwilioText name, value;

  assert_parsed("{\"start\":{\"customParameters\": { \"token\":\"a\\u0062\" , \"n\":5,\"o\":{},"
                "\"last\":\"\" } }}",
                &m);
  g_assert_true(twilio_message_next_parameter(&m.parameters, &name, &value));
  assert_text(&name, "token");
  assert_text(&value, "ab");
  g_assert_true(twilio_message_next_parameter(&m.parameters, &name, &value));
  assert_text(&name, "n");
  assert_text(&value, "5");
  g_assert_true(twilio_message_next_parameter(&m.parameters, &name, &value));
  assert_text(&name, "o");
  g_assert_null(value.text);
  g_assert_true(twilio_message_next_parameter(&m.parameters, &name, &value));
  assert_text(&name, "last");
  assert_text(&value, "");
  g_assert_false(twilio_message_next_parameter(&m.parameters, &name, &value));

  assert_parsed("{\"start\":{\"customParameters\":[]}}", &m);
  g_assert_false(twilio_message_next_parameter(&m.parameters, &name, &value));
  assert_parsed("{\"start\":{\"customParameters\":{}}}", &m);
  g_assert_false(twilio_message_next_parameter(&m.parameters, &name, &value));
  assert_parsed("{\"start\":{}}", &m);
  g_assert_false(twilio_message_next_parameter(&m.parameters, &name, &value));
}

static void
text_is_cut_at_whole_characters(void)
{
  TwilioText text = { "ab\xc3\xa4\xc3\xa4zz", 8, FALSE };
  TwilioText escaped = { "abcd\\u00e4x", 11, TRUE };
  gchar out[8];

  g_assert_cmpuint(twilio_text_copy(&text, out, 8), ==, 7);
  g_assert_cmpstr(out, ==, "ab\xc3\xa4\xc3\xa4z");
  text = (TwilioText){ "abcde\xf0\x9f\x98\x80", 9, FALSE };
  g_assert_cmpuint(twilio_text_copy(&text, out, 8), ==, 5);
  g_assert_cmpuint(twilio_text_copy(&escaped, out, 8), ==, 7);
  g_assert_cmpstr(out, ==, "abcd\xc3\xa4x");
}

static void
base64_round_trips_every_length(void)
{
  guint8 data[256], back[264];
  gchar text[400];

  for (guint i = 0; i < sizeof data; i++)
    data[i] = i * 167 + 13;
  for (gsize length = 0; length <= sizeof data; length++) {
    const gchar *reason = NULL;
    gsize encoded = twilio_base64_encode(data, length, text);
    g_autofree gchar *reference = g_base64_encode(data, length);
    g_assert_cmpmem(text, encoded, reference, strlen(reference));
    g_assert_cmpuint(encoded, ==, TWILIO_BASE64_ENCODED(length));
    g_assert_cmpint(twilio_base64_decode(text, encoded, back, sizeof back, &reason), ==,
                    (gssize)length);
    g_assert_cmpmem(back, length, data, length);
  }
}

static void
base64_is_refused_with_a_reason(void)
{
  static const struct {
    const gchar *text, *reason;
  } cases[] = {
    { "A", "the length is not a multiple of four" },
    { "AAA", "the length is not a multiple of four" },
    { "AAAAA", "the length is not a multiple of four" },
    { "AA=", "the length is not a multiple of four" },
    { "AA==AAAA", "data after the padding" },
    { "=AAA", "data after the padding" },
    { "A===", "data after the padding" },
    { "====", "data after the padding" },
    { "AAAA\nAAA", "a line break" },
    { "AAAA\r\n", "a line break" },
    { "AA A", "white space" },
    { "AA-_", "the URL-safe alphabet" },
    { "AA__AA", "the URL-safe alphabet" },
    { "A*AA", "a character outside the alphabet" },
    { "\xc3\xa4"
      "AA",
      "a character outside the alphabet" },
    { "AB==", "bits set after the end" },
    { "AAB=", "bits set after the end" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    guint8 out[16];
    const gchar *reason = NULL;
    g_assert_cmpint(
        twilio_base64_decode(cases[i].text, strlen(cases[i].text), out, sizeof out, &reason), ==,
        -1);
    g_assert_cmpstr(reason, ==, cases[i].reason);
  }
}

static void
writes_media_mark_and_clear(void)
{
  g_autoptr(TwilioFormatter) formatter = twilio_formatter_new(&twilio_dialect, "MZ\"1");
  guint8 audio[160];
  const gchar *text;
  gsize length;

  memset(audio, 0xff, sizeof audio);
  text = twilio_formatter_media(formatter, audio, 2, &length);
  g_assert_cmpstr(
      text, ==, "{\"event\":\"media\",\"streamSid\":\"MZ\\\"1\",\"media\":{\"payload\":\"//8=\"}}");
  g_assert_cmpuint(length, ==, strlen(text));
  text = twilio_formatter_media(formatter, audio, sizeof audio, &length);
  g_assert_cmpuint(length, ==, strlen(text));
  text = twilio_formatter_mark(formatter, "g1:t2:3", &length);
  g_assert_cmpstr(text, ==,
                  "{\"event\":\"mark\",\"streamSid\":\"MZ\\\"1\",\"mark\":{\"name\":\"g1:t2:3\"}}");
  g_assert_cmpuint(length, ==, strlen(text));
  text = twilio_formatter_clear(formatter, &length);
  g_assert_cmpstr(text, ==, "{\"event\":\"clear\",\"streamSid\":\"MZ\\\"1\"}");
  g_assert_cmpuint(length, ==, strlen(text));
}

static void
what_it_writes_it_can_read(void)
{
  g_autoptr(TwilioFormatter) formatter = twilio_formatter_new(&twilio_dialect, "MZ1");
  guint8 audio[160], back[TWILIO_BASE64_DECODED_MAX(216)];
  const gchar *reason = NULL;
  gsize length;
  const gchar *text;
  TwilioMessage m;

  for (guint i = 0; i < sizeof audio; i++)
    audio[i] = i;
  text = twilio_formatter_media(formatter, audio, sizeof audio, &length);
  assert_parsed(text, &m);
  g_assert_cmpint(m.event, ==, TWILIO_EVENT_MEDIA);
  g_assert_cmpint(twilio_message_decode_payload(&m, back, sizeof back, &reason), ==, 160);
  g_assert_cmpmem(back, 160, audio, 160);
  text = twilio_formatter_mark(formatter, "\"\x01\\", &length);
  assert_parsed(text, &m);
  assert_text(&m.mark, "\"\x01\\");
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/twilio-message/" #name, name)
  ADD(reads_every_documented_message);
  ADD(order_white_space_and_unknown_fields_do_not_matter);
  ADD(numbers_may_be_strings_or_numbers);
  ADD(fields_of_the_wrong_kind_count_as_absent);
  ADD(escapes_are_understood_in_names_and_values);
  ADD(a_long_escaped_payload_is_decoded_whole);
  ADD(malformed_json_is_refused_with_a_reason);
  ADD(deep_nesting_is_only_an_error);
  ADD(a_message_cut_anywhere_is_refused);
  ADD(parameters_are_listed_in_order);
  ADD(text_is_cut_at_whole_characters);
  ADD(base64_round_trips_every_length);
  ADD(base64_is_refused_with_a_reason);
  ADD(writes_media_mark_and_clear);
  ADD(what_it_writes_it_can_read);
  return g_test_run();
}
