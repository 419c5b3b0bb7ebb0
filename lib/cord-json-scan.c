/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-error.h"
#include "cord-json.h"
#include "cord-websocket-codec.h"

/*
 * json-glib 1.6 recurses without a limit and takes more than JSON (comments, 01, 1e999). This is
 * the strict and linear look at a text before it: RFC 8259, with a depth of its own stack of bits.
 */

#define MAX_STACK 1024 /* levels that the bits below can hold */
#define MAX_NUMBER 64  /* characters */

typedef struct {
  const guchar *start;
  const guchar *at;
  const guchar *end;
  guint max_depth;
  guint depth;
  guint8 objects[MAX_STACK / 8]; /* a bit for each level: whether it is an object */
  const gchar *problem;
  CordError code;
} Scan;

static gboolean
bad(Scan *scan, const gchar *problem)
{
  if (scan->problem == NULL)
    scan->problem = problem;
  return FALSE;
}

static void
skip_space(Scan *scan)
{
  while (scan->at < scan->end &&
         (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n' || *scan->at == '\r'))
    scan->at++;
}

static gboolean
scan_hex(Scan *scan, gunichar *unit)
{
  *unit = 0;
  for (guint i = 0; i < 4; i++, scan->at++) {
    if (scan->at >= scan->end || !g_ascii_isxdigit(*scan->at))
      return bad(scan, "\\u without four hexadecimal digits");
    *unit = *unit << 4 | (gunichar)g_ascii_xdigit_value((gchar)*scan->at);
  }
  return TRUE;
}

/* After \u. Halves of a pair and NUL are grammar, but no text that anybody could be given. */
static gboolean
scan_code_point(Scan *scan)
{
  gunichar unit, low;

  if (!scan_hex(scan, &unit))
    return FALSE;
  if (unit == 0)
    return bad(scan, "a NUL in a string");
  if (unit < 0xd800 || unit > 0xdfff)
    return TRUE;
  if (unit > 0xdbff || scan->end - scan->at < 2 || scan->at[0] != '\\' || scan->at[1] != 'u')
    return bad(scan, "half of a surrogate pair");
  scan->at += 2;
  if (!scan_hex(scan, &low))
    return FALSE;
  return (low >= 0xdc00 && low <= 0xdfff) || bad(scan, "half of a surrogate pair");
}

static gboolean
scan_escape(Scan *scan)
{
  if (scan->at >= scan->end)
    return bad(scan, "a string without an end");
  if (*scan->at == 'u') {
    scan->at++;
    return scan_code_point(scan);
  }
  return (*scan->at && strchr("\"\\/bfnrt", *scan->at++)) || bad(scan, "an unknown escape");
}

static gboolean
scan_string(Scan *scan)
{
  scan->at++;
  while (scan->at < scan->end && *scan->at != '"') {
    guchar byte = *scan->at++;

    if (byte < 0x20)
      return bad(scan, "a control character in a string");
    if (byte == '\\' && !scan_escape(scan))
      return FALSE;
  }
  if (scan->at >= scan->end)
    return bad(scan, "a string without an end");
  scan->at++;
  return TRUE;
}

static gboolean
scan_digits(Scan *scan)
{
  const guchar *first = scan->at;

  while (scan->at < scan->end && g_ascii_isdigit(*scan->at))
    scan->at++;
  return scan->at > first || bad(scan, "a number without digits");
}

/* json-glib wraps an integer that is no gint64 and takes what is too large for infinity. */
static gboolean
check_range(Scan *scan, const guchar *first, gboolean integer)
{
  gsize length = (gsize)(scan->at - first);
  gchar text[MAX_NUMBER + 1];
  gdouble value;

  if (length > MAX_NUMBER)
    return bad(scan, "a number of more than 64 characters");
  if (length < 19 && integer)
    return TRUE;
  memcpy(text, first, length);
  text[length] = '\0';
  if (integer)
    return g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, NULL, NULL) ||
           bad(scan, "an integer out of range");
  value = g_ascii_strtod(text, NULL);
  return (value >= -G_MAXDOUBLE && value <= G_MAXDOUBLE) || bad(scan, "a number out of range");
}

static gboolean
scan_number(Scan *scan)
{
  const guchar *first = scan->at;
  gboolean integer = TRUE;

  if (*scan->at == '-')
    scan->at++;
  if (scan->at + 1 < scan->end && scan->at[0] == '0' && g_ascii_isdigit(scan->at[1]))
    return bad(scan, "a number that begins with 0");
  if (!scan_digits(scan))
    return FALSE;
  if (scan->at < scan->end && *scan->at == '.') {
    integer = FALSE;
    scan->at++;
    if (!scan_digits(scan))
      return FALSE;
  }
  if (scan->at < scan->end && (*scan->at == 'e' || *scan->at == 'E')) {
    integer = FALSE;
    scan->at++;
    if (scan->at < scan->end && (*scan->at == '+' || *scan->at == '-'))
      scan->at++;
    if (!scan_digits(scan))
      return FALSE;
  }
  return check_range(scan, first, integer);
}

static gboolean
scan_word(Scan *scan, const gchar *word)
{
  gsize length = strlen(word);

  if ((gsize)(scan->end - scan->at) < length || memcmp(scan->at, word, length) != 0)
    return bad(scan, "an unknown word");
  scan->at += length;
  return TRUE;
}

static gboolean
scan_scalar(Scan *scan)
{
  switch (*scan->at) {
  case '"':
    return scan_string(scan);
  case 't':
    return scan_word(scan, "true");
  case 'f':
    return scan_word(scan, "false");
  case 'n':
    return scan_word(scan, "null");
  default:
    return g_ascii_isdigit(*scan->at) || *scan->at == '-'
               ? scan_number(scan)
               : bad(scan, "not the beginning of a value");
  }
}

static gboolean
in_object(const Scan *scan)
{
  return scan->depth > 0 && (scan->objects[(scan->depth - 1) / 8] >> ((scan->depth - 1) % 8) & 1);
}

static gboolean
enter(Scan *scan, gboolean object)
{
  guint8 bit = (guint8)(1 << (scan->depth % 8));

  if (scan->depth >= scan->max_depth) {
    scan->code = CORD_ERROR_TOO_LARGE;
    return bad(scan, "nested too deeply");
  }
  if (object)
    scan->objects[scan->depth / 8] |= bit;
  else
    scan->objects[scan->depth / 8] &= (guint8)~bit;
  scan->depth++;
  scan->at++;
  return TRUE;
}

static gboolean
scan_name(Scan *scan)
{
  skip_space(scan);
  if (scan->at >= scan->end || *scan->at != '"')
    return bad(scan, "a member without a name");
  if (!scan_string(scan))
    return FALSE;
  skip_space(scan);
  if (scan->at >= scan->end || *scan->at != ':')
    return bad(scan, "a name without a colon");
  scan->at++;
  return TRUE;
}

/* After a value: what closes, and whether another value follows. */
static gboolean
scan_after(Scan *scan, gboolean *more)
{
  for (;;) {
    skip_space(scan);
    if (scan->depth == 0) {
      *more = FALSE;
      return scan->at == scan->end || bad(scan, "something after the end");
    }
    if (scan->at >= scan->end)
      return bad(scan, "it ends too early");
    if (*scan->at == ',') {
      scan->at++;
      *more = TRUE;
      return !in_object(scan) || scan_name(scan);
    }
    if (*scan->at != (in_object(scan) ? '}' : ']'))
      return bad(scan, "a comma or the end of the list is missing");
    scan->at++;
    scan->depth--;
  }
}

/* One value; of an object or array only what precedes its first member. */
static gboolean
scan_value(Scan *scan, gboolean *complete)
{
  gboolean object;

  skip_space(scan);
  *complete = TRUE;
  if (scan->at >= scan->end)
    return bad(scan, "it ends too early");
  if (*scan->at != '{' && *scan->at != '[')
    return scan_scalar(scan);
  object = *scan->at == '{';
  if (!enter(scan, object))
    return FALSE;
  skip_space(scan);
  if (scan->at < scan->end && *scan->at == (object ? '}' : ']')) {
    scan->at++;
    scan->depth--;
    return TRUE;
  }
  *complete = FALSE;
  return !object || scan_name(scan);
}

/**
 * cord_json_scan:
 * @text: a text from outside
 * @length: of @text, bytes
 * @max_depth: how deep arrays and objects may be nested, at most 1024
 * @error: return location for an error
 *
 * Whether @text is JSON (RFC 8259) in UTF-8, not too deep, and such that json-glib gets its strings
 * and integers right. Takes linear time and a constant stack.
 *
 * Returns: %FALSE with %CORD_ERROR_INVALID, or %CORD_ERROR_TOO_LARGE for the depth; the error says
 * what is wrong at which byte
 */
gboolean
cord_json_scan(const gchar *text, gsize length, guint max_depth, GError **error)
{
  Scan scan = { .start = (const guchar *)text,
                .at = (const guchar *)text,
                .code = CORD_ERROR_INVALID };
  gboolean more = TRUE;
  guint32 utf8 = 0;

  scan.end = scan.start + length;
  scan.max_depth = MIN(max_depth, MAX_STACK);
  if (!cord_utf8_check(&utf8, scan.start, length) || utf8 != 0) {
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_INVALID, "not JSON: it is not UTF-8");
    return FALSE;
  }
  while (more && scan.problem == NULL) {
    gboolean complete;

    if (scan_value(&scan, &complete) && complete)
      scan_after(&scan, &more);
  }
  if (scan.problem == NULL)
    return TRUE;
  g_set_error(error, CORD_ERROR, (gint)scan.code, "not JSON: %s, at byte %zu", scan.problem,
              (gsize)(scan.at - scan.start));
  return FALSE;
}
