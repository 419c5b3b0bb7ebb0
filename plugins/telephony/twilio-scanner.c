/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "twilio-scanner.h"

#include <string.h>

#define ONES G_GUINT64_CONSTANT(0x0101010101010101)
#define HIGHS G_GUINT64_CONSTANT(0x8080808080808080)

/* Whether one of eight bytes ends the plain part of a string: a control, a quote, a backslash. */
static inline gboolean
has_special(const gchar *p)
{
  guint64 word, quote, backslash;

  memcpy(&word, p, sizeof word);
  quote = word ^ ONES * '"';
  backslash = word ^ ONES * '\\';
  return ((((word - ONES * 0x20) & ~word) | ((quote - ONES) & ~quote) |
           ((backslash - ONES) & ~backslash)) &
          HIGHS) != 0;
}

gboolean
twilio_scanner_fail(TwilioScanner *self, const gchar *reason)
{
  self->reason = reason;
  return FALSE;
}

void
twilio_scanner_skip_space(TwilioScanner *self)
{
  while (self->p < self->end &&
         (*self->p == ' ' || *self->p == '\n' || *self->p == '\r' || *self->p == '\t'))
    self->p++;
}

/* With @p behind a backslash. */
static gboolean
read_escape(TwilioScanner *self)
{
  if (self->p == self->end)
    return twilio_scanner_fail(self, "a string without end");
  if (*self->p != 'u') {
    if (!memchr("\"\\/bfnrt", *self->p, 8))
      return twilio_scanner_fail(self, "an unknown escape sequence");
    self->p++;
    return TRUE;
  }
  self->p++;
  for (guint i = 0; i < 4; i++, self->p++)
    if (self->p == self->end || !g_ascii_isxdigit(*self->p))
      return twilio_scanner_fail(self, "an escape sequence without four hexadecimal digits");
  return TRUE;
}

gboolean
twilio_scanner_read_string(TwilioScanner *self, TwilioText *text)
{
  if (self->p == self->end || *self->p != '"')
    return twilio_scanner_fail(self, "a string was expected");
  text->text = ++self->p;
  text->escaped = FALSE;
  for (;;) {
    while (self->end - self->p >= 8 && !has_special(self->p))
      self->p += 8;
    while (self->p < self->end && *self->p != '"' && *self->p != '\\' && (guint8)*self->p >= 0x20)
      self->p++;
    if (self->p == self->end)
      return twilio_scanner_fail(self, "a string without end");
    if (*self->p == '"') {
      text->length = self->p++ - text->text;
      return TRUE;
    }
    if (*self->p != '\\')
      return twilio_scanner_fail(self, "a control character in a string");
    text->escaped = TRUE;
    self->p++;
    if (!read_escape(self))
      return FALSE;
  }
}

static gboolean
skip_digits(TwilioScanner *self)
{
  const gchar *start = self->p;

  while (self->p < self->end && g_ascii_isdigit(*self->p))
    self->p++;
  return self->p > start;
}

static gboolean
skip_number(TwilioScanner *self)
{
  gboolean zero;

  if (*self->p == '-')
    self->p++;
  zero = self->p < self->end && *self->p == '0';
  if (zero)
    self->p++;
  else if (!skip_digits(self))
    return twilio_scanner_fail(self, "a number without digits");
  if (self->p < self->end && *self->p == '.') {
    self->p++;
    if (!skip_digits(self))
      return twilio_scanner_fail(self, "a number without digits");
  }
  if (self->p < self->end && (*self->p == 'e' || *self->p == 'E')) {
    self->p++;
    if (self->p < self->end && (*self->p == '+' || *self->p == '-'))
      self->p++;
    if (!skip_digits(self))
      return twilio_scanner_fail(self, "a number without digits");
  }
  return TRUE;
}

static gboolean
skip_word(TwilioScanner *self, const gchar *word, gsize length)
{
  if ((gsize)(self->end - self->p) < length || memcmp(self->p, word, length) != 0)
    return twilio_scanner_fail(self, "an unknown word");
  self->p += length;
  return TRUE;
}

/* Reads what follows an element; *more says whether another one does. */
static gboolean
read_separator(TwilioScanner *self, gchar closing, gboolean *more)
{
  twilio_scanner_skip_space(self);
  if (self->p == self->end)
    return twilio_scanner_fail(self, "the message ends too early");
  if (*self->p != ',' && *self->p != closing)
    return twilio_scanner_fail(self, "a comma was expected");
  *more = *self->p++ == ',';
  twilio_scanner_skip_space(self);
  return TRUE;
}

/* With @p at the opening bracket; *empty says whether the closing one followed at once. */
static gboolean
open_bracket(TwilioScanner *self, gchar closing, guint depth, gboolean *empty)
{
  if (depth >= TWILIO_MESSAGE_MAX_DEPTH)
    return twilio_scanner_fail(self, "nested too deeply");
  self->p++;
  twilio_scanner_skip_space(self);
  *empty = self->p < self->end && *self->p == closing;
  if (*empty)
    self->p++;
  return TRUE;
}

gboolean
twilio_scanner_read_object(TwilioScanner *self, guint depth, TwilioMemberFunc member, gpointer data)
{
  gboolean done;

  if (!open_bracket(self, '}', depth, &done))
    return FALSE;
  while (!done) {
    TwilioText name;
    gboolean more;
    if (!twilio_scanner_read_string(self, &name))
      return FALSE;
    twilio_scanner_skip_space(self);
    if (self->p == self->end || *self->p != ':')
      return twilio_scanner_fail(self, "a colon was expected");
    self->p++;
    twilio_scanner_skip_space(self);
    if (!member(self, &name, depth + 1, data) || !read_separator(self, '}', &more))
      return FALSE;
    done = !more;
  }
  return TRUE;
}

static gboolean
skip_member(TwilioScanner *self, const TwilioText *name, guint depth, gpointer data)
{
  return twilio_scanner_skip_value(self, depth);
}

static gboolean
skip_array(TwilioScanner *self, guint depth)
{
  gboolean done;

  if (!open_bracket(self, ']', depth, &done))
    return FALSE;
  while (!done) {
    gboolean more;
    if (!twilio_scanner_skip_value(self, depth + 1) || !read_separator(self, ']', &more))
      return FALSE;
    done = !more;
  }
  return TRUE;
}

gboolean
twilio_scanner_skip_value(TwilioScanner *self, guint depth)
{
  TwilioText ignored;

  if (self->p == self->end)
    return twilio_scanner_fail(self, "the message ends too early");
  switch (*self->p) {
  case '"':
    return twilio_scanner_read_string(self, &ignored);
  case '{':
    return twilio_scanner_read_object(self, depth, skip_member, NULL);
  case '[':
    return skip_array(self, depth);
  case 't':
    return skip_word(self, "true", 4);
  case 'f':
    return skip_word(self, "false", 5);
  case 'n':
    return skip_word(self, "null", 4);
  default:
    if (*self->p != '-' && !g_ascii_isdigit(*self->p))
      return twilio_scanner_fail(self, "a value was expected");
    return skip_number(self);
  }
}
