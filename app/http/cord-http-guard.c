/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-http-guard.h"

#include <string.h>

#define MAX_HEAD 16384 /* bytes */
#define MAX_HEADERS 100
#define MAX_TARGET 8192   /* bytes */
#define MAX_LINE 256      /* bytes of a chunk's size, its extensions included */
#define MAX_TRAILERS 4096 /* bytes */

/* Steps of a body */
enum {
  BODY_LENGTH,
  CHUNK_SIZE,
  CHUNK_EXTENSION,
  CHUNK_SIZE_LF,
  CHUNK_DATA,
  CHUNK_CR,
  CHUNK_LF,
  TRAILER_START,
  TRAILER_LINE,
  TRAILER_LF,
  TRAILER_END_LF,
};

/**
 * cord_http_guard_init:
 * @self: where to put it
 * @max_body: the longest body that passes, bytes
 */
void
cord_http_guard_init(CordHttpGuard *self, gsize max_body)
{
  memset(self, 0, sizeof *self);
  self->max_body = max_body;
  self->head = g_byte_array_new();
}

/**
 * cord_http_guard_clear:
 * @self: a guard
 */
void
cord_http_guard_clear(CordHttpGuard *self)
{
  g_byte_array_unref(self->head);
}

static gboolean
refuse(CordHttpGuard *self, guint status, const gchar *reason)
{
  self->phase = CORD_HTTP_REFUSED;
  self->status = status;
  self->reason = reason;
  return FALSE;
}

/* What matters of a head. */
typedef struct {
  gboolean old; /* HTTP/1.0 */
  gboolean get;
  guint hosts;
  gboolean has_length;
  guint64 length;
  gboolean chunked;
  gboolean upgrade;
} Framing;

static gboolean
is_token(const gchar *text, gsize length)
{
  for (gsize i = 0; i < length; i++) {
    if (!g_ascii_isalnum(text[i]) && (text[i] == '\0' || !strchr("!#$%&'*+-.^_`|~", text[i])))
      return FALSE;
  }
  return length > 0;
}

/* Visible ASCII, escapes that are escapes, no zero byte behind one, no fragment. */
static gboolean
is_target(const gchar *target, gsize length)
{
  if (length == 0 || (*target != '/' && g_ascii_strncasecmp(target, "http", 4) != 0 &&
                      !(length == 1 && *target == '*')))
    return FALSE;
  for (gsize i = 0; i < length; i++) {
    guchar c = (guchar)target[i];

    if (c <= ' ' || c >= 0x7f || c == '#')
      return FALSE;
    if (c == '%' && (i + 2 >= length || !g_ascii_isxdigit(target[i + 1]) ||
                     !g_ascii_isxdigit(target[i + 2]) || memcmp(target + i, "%00", 3) == 0))
      return FALSE;
  }
  return TRUE;
}

/* Whether a part of the path leads upwards, however it is written: libsoup would refuse it without
 * a word. */
static gboolean
leads_up(const gchar *target, gsize length)
{
  const gchar *query = memchr(target, '?', length);
  g_autofree gchar *path = g_uri_unescape_segment(target, query ? query : target + length, NULL);

  return path && (strstr(path, "/../") || g_str_has_suffix(path, "/.."));
}

static gboolean
check_request_line(CordHttpGuard *self, const gchar *line, gsize length, Framing *framing)
{
  const gchar *first = memchr(line, ' ', length);
  const gchar *last = first ? memrchr(line, ' ', length) : NULL;
  const gchar *target = first ? first + 1 : NULL;
  gsize target_length, version_length;

  if (first == NULL || first == last || !is_token(line, (gsize)(first - line)) || first - line > 16)
    return refuse(self, 400, "The first line is not a method, a target and HTTP/1.1.");
  target_length = (gsize)(last - target);
  version_length = length - (gsize)(last + 1 - line);
  if (target_length > MAX_TARGET)
    return refuse(self, 414, "The request's target is longer than 8 KiB.");
  if (!is_target(target, target_length))
    return refuse(self, 400, "The request's target is not an encoded path.");
  if (leads_up(target, target_length))
    return refuse(self, 400, "The request's target leads up with \"..\".");
  if (version_length != 8 || memcmp(last + 1, "HTTP/1.", 7) != 0 ||
      (last[8] != '0' && last[8] != '1'))
    return refuse(self, 505, "Only HTTP/1.0 and HTTP/1.1 are spoken here.");
  framing->old = last[8] == '0';
  framing->get = first - line == 3 && memcmp(line, "GET", 3) == 0;
  return TRUE;
}

static gboolean
value_is(const gchar *value, gsize length, const gchar *text)
{
  return length == strlen(text) && g_ascii_strncasecmp(value, text, length) == 0;
}

static gboolean
read_length(CordHttpGuard *self, const gchar *value, gsize length, Framing *framing)
{
  g_autofree gchar *text = g_strndup(value, length);

  if (framing->has_length)
    return refuse(self, 400, "There is more than one Content-Length.");
  if (length == 0 || length > 18 || strspn(text, "0123456789") != length)
    return refuse(self, 400, "The Content-Length is not a number.");
  framing->has_length = TRUE;
  framing->length = g_ascii_strtoull(text, NULL, 10);
  return TRUE;
}

static gboolean
check_host(CordHttpGuard *self, const gchar *value, gsize length)
{
  for (gsize i = 0; i < length; i++) {
    if (!g_ascii_isalnum(value[i]) && !strchr("-._~:[]%", value[i]))
      return refuse(self, 400, "The Host is not a name or address and a port.");
  }
  return TRUE;
}

static gboolean
check_header(CordHttpGuard *self, const gchar *line, gsize length, Framing *framing)
{
  const gchar *colon = memchr(line, ':', length);
  const gchar *value;
  gsize name_length, value_length;

  if (colon == NULL || !is_token(line, (gsize)(colon - line)))
    return refuse(self, 400, "A header has no name, a space in its name, or is folded.");
  name_length = (gsize)(colon - line);
  value = colon + 1;
  value_length = length - name_length - 1;
  for (gsize i = 0; i < value_length; i++) {
    if (((guchar)value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f)
      return refuse(self, 400, "A header holds a control character.");
  }
  while (value_length > 0 && (*value == ' ' || *value == '\t')) {
    value++;
    value_length--;
  }
  while (value_length > 0 && (value[value_length - 1] == ' ' || value[value_length - 1] == '\t'))
    value_length--;
  if (value_is(line, name_length, "content-length"))
    return read_length(self, value, value_length, framing);
  if (value_is(line, name_length, "transfer-encoding")) {
    if (framing->chunked || !value_is(value, value_length, "chunked"))
      return refuse(self, 501, "The only transfer encoding that is known here is chunked.");
    framing->chunked = TRUE;
  } else if (value_is(line, name_length, "upgrade")) {
    framing->upgrade = value_is(value, value_length, "websocket");
  } else if (value_is(line, name_length, "host")) {
    framing->hosts++;
    return check_host(self, value, value_length);
  } else if (value_is(line, name_length, "expect") &&
             !value_is(value, value_length, "100-continue")) {
    return refuse(self, 417, "The only expectation that is known here is 100-continue.");
  }
  return TRUE;
}

static gboolean
check_lines(CordHttpGuard *self, Framing *framing)
{
  const gchar *at = (const gchar *)self->head->data;
  const gchar *end = at + self->head->len - 2;

  for (guint number = 0; at < end; number++) {
    const gchar *eol = memchr(at, '\n', (gsize)(end - at));
    gsize length;

    if (eol == NULL || eol == at || eol[-1] != '\r')
      return refuse(self, 400, "A line does not end with carriage return and line feed.");
    length = (gsize)(eol - at) - 1;
    if (memchr(at, '\r', length) || memchr(at, '\0', length))
      return refuse(self, 400, "A line holds a carriage return or a zero byte.");
    if (number > MAX_HEADERS)
      return refuse(self, 431, "There are more than 100 headers.");
    if (!(number == 0 ? check_request_line(self, at, length, framing)
                      : check_header(self, at, length, framing)))
      return FALSE;
    at = eol + 1;
  }
  return TRUE;
}

static gboolean
check_framing(CordHttpGuard *self, const Framing *framing)
{
  if (framing->hosts > 1 || (framing->hosts == 0 && !framing->old))
    return refuse(self, 400, "There must be one Host.");
  if (framing->chunked && framing->has_length)
    return refuse(self, 400, "There is both a Content-Length and a Transfer-Encoding.");
  if (framing->chunked && framing->old)
    return refuse(self, 400, "HTTP/1.0 has no transfer encodings.");
  if (framing->length > self->max_body)
    return refuse(self, 413, "The body is longer than what is taken here.");
  return TRUE;
}

/* The head is complete: where does its body end? */
static gboolean
take_head(CordHttpGuard *self, GByteArray *passed)
{
  Framing framing = { 0 };

  if (!check_lines(self, &framing) || !check_framing(self, &framing))
    return FALSE;
  g_byte_array_append(passed, self->head->data, self->head->len);
  g_byte_array_set_size(self->head, 0);
  self->body = self->trailers = self->line = 0;
  self->digits = FALSE;
  self->remaining = framing.length;
  self->step = framing.chunked ? CHUNK_SIZE : BODY_LENGTH;
  if (framing.chunked || framing.length > 0)
    self->phase = CORD_HTTP_BODY;
  else if (framing.upgrade && framing.get && !framing.old)
    self->phase = CORD_HTTP_PASS;
  else
    self->phase = CORD_HTTP_ANSWER;
  return TRUE;
}

static gsize
feed_head(CordHttpGuard *self, const guint8 *data, gsize length, GByteArray *passed)
{
  for (gsize i = 0; i < length; i++) {
    guint size;

    /* empty lines before a request are nobody's */
    if (self->phase == CORD_HTTP_IDLE && (data[i] == '\r' || data[i] == '\n'))
      continue;
    self->phase = CORD_HTTP_HEAD;
    g_byte_array_append(self->head, &data[i], 1);
    size = self->head->len;
    if (size >= 4 && memcmp(self->head->data + size - 4, "\r\n\r\n", 4) == 0) {
      take_head(self, passed);
      return i + 1;
    }
    if (size >= 2 && memcmp(self->head->data + size - 2, "\n\n", 2) == 0) {
      refuse(self, 400, "Lines must end with carriage return and line feed.");
      return i + 1;
    }
    if (size > MAX_HEAD) {
      refuse(self, 431, "The request's head is longer than 16 KiB.");
      return i + 1;
    }
  }
  return length;
}

static gboolean
expect(CordHttpGuard *self, guint8 byte, guint8 wanted, guint next)
{
  if (byte != wanted)
    return refuse(self, 400, "The chunks of the body are not where they should be.");
  self->step = next;
  return TRUE;
}

static gboolean
feed_chunk_size(CordHttpGuard *self, guint8 byte)
{
  if (++self->line > MAX_LINE)
    return refuse(self, 400, "The size of a chunk does not end.");
  if (self->step == CHUNK_SIZE && g_ascii_isxdigit(byte)) {
    self->digits = TRUE;
    self->remaining = self->remaining << 4 | (guint)g_ascii_xdigit_value(byte);
    if (self->body + self->remaining > self->max_body)
      return refuse(self, 413, "The body is longer than what is taken here.");
    return TRUE;
  }
  if (!self->digits || byte == '\n' || byte == '\0')
    return refuse(self, 400, "The size of a chunk is not a hexadecimal number.");
  if (byte == '\r')
    self->step = CHUNK_SIZE_LF;
  else if (self->step == CHUNK_SIZE && byte != ';')
    return refuse(self, 400, "The size of a chunk is not a hexadecimal number.");
  else
    self->step = CHUNK_EXTENSION;
  return TRUE;
}

static gboolean
feed_trailer(CordHttpGuard *self, guint8 byte)
{
  if (++self->trailers > MAX_TRAILERS)
    return refuse(self, 431, "The trailers of the body are longer than 4 KiB.");
  if (self->step == TRAILER_START && byte == '\r') {
    self->step = TRAILER_END_LF;
  } else if (byte == '\r') {
    self->step = TRAILER_LF;
  } else if (byte == '\n' || byte == '\0') {
    return refuse(self, 400, "A trailer does not end with carriage return and line feed.");
  } else {
    self->step = TRAILER_LINE;
  }
  return TRUE;
}

static gboolean
feed_framing(CordHttpGuard *self, guint8 byte)
{
  switch (self->step) {
  case CHUNK_SIZE:
  case CHUNK_EXTENSION:
    return feed_chunk_size(self, byte);
  case CHUNK_SIZE_LF:
    self->body += self->remaining;
    self->line = 0;
    self->digits = FALSE;
    return expect(self, byte, '\n', self->remaining > 0 ? CHUNK_DATA : TRAILER_START);
  case CHUNK_CR:
    return expect(self, byte, '\r', CHUNK_LF);
  case CHUNK_LF:
    return expect(self, byte, '\n', CHUNK_SIZE);
  case TRAILER_START:
  case TRAILER_LINE:
    return feed_trailer(self, byte);
  case TRAILER_LF:
    return expect(self, byte, '\n', TRAILER_START);
  default: /* TRAILER_END_LF */
    if (!expect(self, byte, '\n', BODY_LENGTH))
      return FALSE;
    self->phase = CORD_HTTP_ANSWER;
    return TRUE;
  }
}

static gsize
feed_body(CordHttpGuard *self, const guint8 *data, gsize length, GByteArray *passed)
{
  gsize i = 0;

  while (i < length && self->phase == CORD_HTTP_BODY) {
    if (self->step == BODY_LENGTH || self->step == CHUNK_DATA) {
      gsize n = (gsize)MIN(self->remaining, length - i);

      g_byte_array_append(passed, data + i, (guint)n);
      i += n;
      self->remaining -= n;
      if (self->remaining == 0 && self->step == BODY_LENGTH)
        self->phase = CORD_HTTP_ANSWER;
      else if (self->remaining == 0)
        self->step = CHUNK_CR;
      continue;
    }
    if (feed_framing(self, data[i]))
      g_byte_array_append(passed, &data[i], 1);
    i++;
  }
  return i;
}

/**
 * cord_http_guard_feed:
 * @self: a guard
 * @data: the next bytes of the client
 * @length: of @data
 * @passed: gets what may go on: a head only when it is complete
 *
 * Looks at bytes up to the end of a request; what follows is for after cord_http_guard_next(). When
 * a rule was broken, the phase is %CORD_HTTP_REFUSED, and @status and @reason say why.
 *
 * Returns: how many of the bytes were looked at
 */
gsize
cord_http_guard_feed(CordHttpGuard *self, const guint8 *data, gsize length, GByteArray *passed)
{
  gsize at = 0;

  while (at < length && self->phase != CORD_HTTP_REFUSED && self->phase != CORD_HTTP_ANSWER) {
    if (self->phase == CORD_HTTP_PASS) {
      g_byte_array_append(passed, data + at, (guint)(length - at));
      return length;
    }
    if (self->phase == CORD_HTTP_BODY)
      at += feed_body(self, data + at, length - at, passed);
    else
      at += feed_head(self, data + at, length - at, passed);
  }
  return at;
}

/**
 * cord_http_guard_next:
 * @self: a guard whose phase is %CORD_HTTP_ANSWER
 *
 * The answer has gone out: the next request may come.
 */
void
cord_http_guard_next(CordHttpGuard *self)
{
  g_return_if_fail(self->phase == CORD_HTTP_ANSWER);
  self->phase = CORD_HTTP_IDLE;
}
