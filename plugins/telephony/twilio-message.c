/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "twilio-base64.h"
#include "twilio-dialect.h"
#include "twilio-scanner.h"

#include <string.h>

#define MAX_NAME 64        /* bytes: no field or event we know has a longer name */
#define MAX_NUMBER 18      /* digits: fits a gint64 */
#define REPLACEMENT 0xfffd /* what a lone surrogate or a zero becomes */

/* ---- strings ---- */

static guint
read_hex(const gchar *p)
{
  guint value = 0;

  for (guint i = 0; i < 4; i++)
    value = value << 4 | (guint)g_ascii_xdigit_value(p[i]);
  return value;
}

/* One escape sequence at @p, behind its backslash; the scanner has checked it. */
static const gchar *
unescape(const gchar *p, const gchar *end, gunichar *c)
{
  static const gchar from[] = "bfnrt", to[] = "\b\f\n\r\t";
  const gchar *found = memchr(from, *p, 5);

  if (*p != 'u') {
    *c = found ? to[found - from] : *p;
    return p + 1;
  }
  *c = read_hex(p + 1);
  p += 5;
  if (*c >= 0xd800 && *c < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
    guint low = read_hex(p + 2);
    if (low >= 0xdc00 && low < 0xe000) {
      *c = 0x10000 + ((*c - 0xd800) << 10) + (low - 0xdc00);
      return p + 6;
    }
  }
  if (*c == 0 || (*c >= 0xd800 && *c < 0xe000))
    *c = REPLACEMENT;
  return p;
}

/**
 * twilio_text_copy:
 * @text: a string of a message
 * @out: room for it
 * @size: how much, in bytes, at least 7
 *
 * Writes the string without its escape sequences, ended by a zero, cut at a whole character where
 * it does not fit. Unescaped text is never longer than it was escaped.
 *
 * Returns: the length without the zero
 */
gsize
twilio_text_copy(const TwilioText *text, gchar *out, gsize size)
{
  const gchar *p = text->text, *end = text->text + text->length;
  gsize length = 0;

  while (p < end) {
    const gchar *special = text->escaped ? memchr(p, '\\', end - p) : NULL;
    gsize run = (special ? special : end) - p;
    gunichar c;
    if (run > size - 1 - length) {
      run = size - 1 - length;
      while (run > 0 && ((guint8)p[run] & 0xc0) == 0x80)
        run--;
      special = NULL;
      end = p + run;
    }
    memcpy(out + length, p, run);
    length += run;
    p += run;
    if (!special)
      break;
    p = unescape(p + 1, end, &c);
    if (g_unichar_to_utf8(c, NULL) > (gint)(size - 1 - length))
      break;
    length += g_unichar_to_utf8(c, out + length);
  }
  out[length] = 0;
  return length;
}

/**
 * twilio_text_dup:
 * @text: a string of a message
 *
 * Returns: (transfer full) (nullable): the string without its escape sequences, or %NULL if the
 *   field was absent
 */
gchar *
twilio_text_dup(const TwilioText *text)
{
  gchar *copy;

  if (!text->text)
    return NULL;
  copy = g_malloc(text->length + 8);
  twilio_text_copy(text, copy, text->length + 8);
  return copy;
}

/**
 * twilio_text_equal:
 * @text: a string of a message
 * @other: what it is compared with
 *
 * Returns: whether both say the same; an absent field equals nothing
 */
gboolean
twilio_text_equal(const TwilioText *text, const gchar *other)
{
  gsize length = strlen(other);
  gchar copy[MAX_NAME * 4];

  if (!text->text)
    return FALSE;
  if (!text->escaped)
    return text->length == length && memcmp(text->text, other, length) == 0;
  if (length >= sizeof copy - 4)
    return FALSE;
  return twilio_text_copy(text, copy, sizeof copy) == length && memcmp(copy, other, length) == 0;
}

/* ---- reading ---- */

typedef struct {
  const TwilioDialect *dialect;
  TwilioMessage *message;
  TwilioObject object;
} Reading;

static gint64
parse_number(const TwilioText *text)
{
  gint64 value = 0;

  if (text->length == 0 || text->length > MAX_NUMBER)
    return -1;
  for (gsize i = 0; i < text->length; i++) {
    if (text->text[i] == '.' && i > 0)
      break;
    if (!g_ascii_isdigit(text->text[i]))
      return -1;
    value = value * 10 + (text->text[i] - '0');
  }
  return value;
}

static const TwilioField *
find_field(const Reading *reading, const TwilioText *name)
{
  const TwilioField *field;

  if (reading->object >= TWILIO_N_OBJECTS)
    return NULL;
  field = reading->dialect->fields[reading->object];
  for (; field && field->name; field++)
    if (field->name[0] == name->text[0] || name->escaped)
      if (twilio_text_equal(name, field->name))
        return field;
  return NULL;
}

/* A string's inside, or a number, true and false as they are written; nothing else is text. */
static gboolean
read_text(TwilioScanner *scanner, guint depth, TwilioText *text)
{
  const gchar *start = scanner->p;

  if (start < scanner->end && *start == '"')
    return twilio_scanner_read_string(scanner, text);
  if (!twilio_scanner_skip_value(scanner, depth))
    return FALSE;
  if (*start != '{' && *start != '[' && *start != 'n')
    *text = (TwilioText){ start, scanner->p - start, FALSE };
  return TRUE;
}

static gboolean
read_member(TwilioScanner *scanner, const TwilioText *name, guint depth, gpointer data)
{
  Reading *reading = data;
  const TwilioField *field = find_field(reading, name);
  TwilioText text = { NULL };
  const gchar *start = scanner->p;

  if (!field)
    return twilio_scanner_skip_value(scanner, depth);
  switch (field->kind) {
  case TWILIO_KIND_TEXT:
    return read_text(scanner, depth, G_STRUCT_MEMBER_P(reading->message, field->where));
  case TWILIO_KIND_NUMBER:
    if (!read_text(scanner, depth, &text))
      return FALSE;
    G_STRUCT_MEMBER(gint64, reading->message, field->where) = parse_number(&text);
    return TRUE;
  case TWILIO_KIND_RAW:
    if (!twilio_scanner_skip_value(scanner, depth))
      return FALSE;
    G_STRUCT_MEMBER(TwilioText, reading->message, field->where) =
        (TwilioText){ start, scanner->p - start, FALSE };
    return TRUE;
  case TWILIO_KIND_OBJECT:
    if (start < scanner->end && *start == '{') {
      Reading inner = { reading->dialect, reading->message, field->where };
      return twilio_scanner_read_object(scanner, depth, read_member, &inner);
    }
    return twilio_scanner_skip_value(scanner, depth);
  default:
    g_assert_not_reached();
  }
}

static TwilioEvent
find_event(const TwilioDialect *dialect, const TwilioText *name)
{
  for (const TwilioEventName *known = dialect->events; known->name; known++)
    if (twilio_text_equal(name, known->name))
      return known->event;
  return TWILIO_EVENT_UNKNOWN;
}

/**
 * twilio_message_parse:
 * @dialect: how the carrier speaks
 * @text: (array length=length): the message, UTF-8
 * @length: in bytes
 * @message: (out caller-allocates): what it says; refers to @text
 * @error: (out caller-allocates): on failure what was wrong and where
 *
 * Reads one message in one pass. Fields may come in any order, unknown ones are skipped, of a field
 * that stands twice the last one counts.
 *
 * Returns: whether it is one JSON object
 */
gboolean
twilio_message_parse(const TwilioDialect *dialect, const gchar *text, gsize length,
                     TwilioMessage *message, TwilioParseError *error)
{
  TwilioScanner scanner = { text, text, text + length, NULL };
  Reading reading = { dialect, message, TWILIO_OBJECT_TOP };
  gboolean ok;

  memset(message, 0, sizeof *message);
  message->sequence = message->chunk = message->timestamp_ms = -1;
  message->sample_rate = message->channels = -1;

  twilio_scanner_skip_space(&scanner);
  if (scanner.p == scanner.end)
    ok = twilio_scanner_fail(&scanner, "an empty message");
  else if (*scanner.p != '{')
    ok = twilio_scanner_fail(&scanner, "not an object");
  else
    ok = twilio_scanner_read_object(&scanner, 0, read_member, &reading);
  twilio_scanner_skip_space(&scanner);
  if (ok && scanner.p < scanner.end)
    ok = twilio_scanner_fail(&scanner, "more after the object's end");
  if (!ok) {
    *error = (TwilioParseError){ scanner.reason, scanner.p - scanner.start };
    return FALSE;
  }
  if (message->name.text)
    message->event = find_event(dialect, &message->name);
  return TRUE;
}

typedef struct {
  TwilioText name;
  TwilioText value;
  const gchar *behind;
  gboolean found;
} Parameter;

static gboolean
read_parameter(TwilioScanner *scanner, const TwilioText *name, guint depth, gpointer data)
{
  Parameter *parameter = data;

  parameter->name = *name;
  if (!read_text(scanner, depth, &parameter->value))
    return FALSE;
  parameter->behind = scanner->p;
  parameter->found = TRUE;
  return FALSE;
}

/**
 * twilio_message_next_parameter:
 * @rest: the message's parameters; advanced behind what was read
 * @name: (out): the next parameter's name
 * @value: (out): its value; its text is %NULL if it was no string, number or boolean
 *
 * Returns: whether there was one more
 */
gboolean
twilio_message_next_parameter(TwilioText *rest, TwilioText *name, TwilioText *value)
{
  TwilioScanner scanner;
  Parameter parameter = { { NULL } };

  if (!rest->text || rest->length == 0 || (*rest->text != '{' && *rest->text != ','))
    return FALSE;
  scanner = (TwilioScanner){ rest->text, rest->text, rest->text + rest->length, NULL };
  /* a comma takes the bracket's place: what is left reads like an object from its first member */
  twilio_scanner_read_object(&scanner, 0, read_parameter, &parameter);
  if (!parameter.found)
    return FALSE;
  scanner.p = parameter.behind;
  twilio_scanner_skip_space(&scanner);
  rest->text = scanner.p;
  rest->length = scanner.end - scanner.p;
  *name = parameter.name;
  *value = parameter.value;
  return TRUE;
}

/* A slash may be written with a backslash; no other character of a payload is ever escaped. */
static gssize
decode_escaped(const TwilioText *payload, guint8 *out, gsize size, const gchar **reason)
{
  const gchar *p = payload->text, *end = p + payload->length;
  gchar group[64];
  gsize length = 0, filled = 0;

  if (size < TWILIO_BASE64_DECODED_MAX(payload->length)) {
    *reason = "longer than a message may be";
    return -1;
  }
  while (p < end || filled > 0) {
    gssize decoded;
    while (p < end && filled < sizeof group) {
      gunichar c = (guint8)*p++;
      if (c == '\\')
        p = unescape(p, end, &c);
      group[filled++] = c < 0x80 ? (gchar)c : '?';
    }
    if (p < end && group[filled - 1] == '=') {
      *reason = "data after the padding";
      return -1;
    }
    decoded = twilio_base64_decode(group, filled, out + length, size - length, reason);
    if (decoded < 0)
      return -1;
    length += decoded;
    filled = 0;
  }
  return length;
}

/**
 * twilio_message_decode_payload:
 * @message: a media message that has a payload
 * @out: where the audio goes
 * @size: room in @out, at least TWILIO_BASE64_DECODED_MAX() of the payload's length
 * @reason: (out): on failure what was wrong, a static string
 *
 * Returns: the number of bytes, or -1
 */
gssize
twilio_message_decode_payload(const TwilioMessage *message, guint8 *out, gsize size,
                              const gchar **reason)
{
  const TwilioText *payload = &message->payload;

  if (payload->escaped)
    return decode_escaped(payload, out, size, reason);
  return twilio_base64_decode(payload->text, payload->length, out, size, reason);
}
