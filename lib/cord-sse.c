/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-sse.h"

#include <string.h>

#include "cord-error.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* What is kept of an event that is over is given back to the next one, unless it was a giant. */
#define KEPT_SIZE 4096 /* bytes */

static void
empty(GString **string)
{
  if ((*string)->allocated_len > KEPT_SIZE) {
    g_string_free(*string, TRUE);
    *string = g_string_new(NULL);
  } else {
    g_string_truncate(*string, 0);
  }
}

/* Bytes that are no UTF-8, and NUL, become U+FFFD, as in the standard's decoder. */
static gchar *
to_utf8(const GString *string)
{
  return g_utf8_make_valid(string->str, (gssize)string->len);
}

static gboolean
dispatch(CordSseParser *self, CordSseFunc func, gpointer user_data)
{
  g_autofree gchar *event = NULL;
  g_autofree gchar *data = NULL;

  if (self->data->len > 0) {
    g_string_truncate(self->data, self->data->len - 1);
    event = self->event->len > 0 ? to_utf8(self->event) : g_strdup("message");
    data = to_utf8(self->data);
  }
  empty(&self->event);
  empty(&self->data);
  return data == NULL || func(event, data, user_data);
}

static gboolean
is_field(const GString *line, gsize name_length, const gchar *name)
{
  return name_length == strlen(name) && memcmp(line->str, name, name_length) == 0;
}

/* A line is complete. `id` and `retry` are for a reader that connects again by itself: not here. */
static gboolean
take_line(CordSseParser *self, CordSseFunc func, gpointer user_data)
{
  GString *line = self->line;
  const gchar *colon = memchr(line->str, ':', line->len);
  gsize name_length = colon ? (gsize)(colon - line->str) : line->len;
  gsize value = colon ? name_length + 1 : line->len;
  gboolean go_on = TRUE;

  if (value < line->len && line->str[value] == ' ')
    value++;
  if (line->len == 0) {
    go_on = dispatch(self, func, user_data);
  } else if (is_field(line, name_length, "data")) {
    g_string_append_len(self->data, line->str + value, (gssize)(line->len - value));
    g_string_append_c(self->data, '\n');
  } else if (is_field(line, name_length, "event")) {
    g_string_truncate(self->event, 0);
    g_string_append_len(self->event, line->str + value, (gssize)(line->len - value));
  }
  empty(&self->line);
  return go_on;
}

static void
skip_byte_order_mark(CordSseParser *self)
{
  GString *line = self->line;

  if (line->len == 0 || self->begun)
    return;
  if (line->len >= 3 && memcmp(line->str, BYTE_ORDER_MARK, 3) == 0)
    g_string_erase(line, 0, 3);
  self->begun = TRUE;
}

/**
 * cord_sse_parser_init: (skip)
 * @self: where to put it
 * @max_event: the longest event that is taken, bytes; 0 for %CORD_SSE_MAX_EVENT
 */
void
cord_sse_parser_init(CordSseParser *self, gsize max_event)
{
  *self = (CordSseParser){
    .line = g_string_new(NULL),
    .event = g_string_new(NULL),
    .data = g_string_new(NULL),
    .max_event = max_event ? max_event : CORD_SSE_MAX_EVENT,
  };
}

/**
 * cord_sse_parser_clear: (skip)
 * @self: a parser, or zeroes
 *
 * Frees what it keeps. An event that was not finished by an empty line is no event.
 */
void
cord_sse_parser_clear(CordSseParser *self)
{
  if (self->line == NULL)
    return;
  g_string_free(self->line, TRUE);
  g_string_free(self->event, TRUE);
  g_string_free(self->data, TRUE);
  *self = (CordSseParser){ NULL };
}

/**
 * cord_sse_parser_feed: (skip)
 * @self: a parser
 * @bytes: (array length=length): the next bytes of the stream
 * @length: of @bytes
 * @func: called for each event that is complete
 * @user_data: for @func
 * @error: return location for an error
 *
 * Lines end with CR, LF or both, and an event with an empty line, however the bytes are cut.
 * When @func returns %FALSE, the rest of @bytes is not looked at.
 *
 * Returns: %FALSE with %CORD_ERROR_TOO_LARGE when an event is longer than the limit
 */
gboolean
cord_sse_parser_feed(CordSseParser *self, const gchar *bytes, gsize length, CordSseFunc func,
                     gpointer user_data, GError **error)
{
  const gchar *at = bytes;
  const gchar *end = bytes + length;
  gboolean go_on = TRUE;

  while (at < end && go_on) {
    const gchar *stop = at;

    if (self->after_cr && *at == '\n') {
      self->after_cr = FALSE;
      at++;
      continue;
    }
    self->after_cr = FALSE;
    while (stop < end && *stop != '\n' && *stop != '\r')
      stop++;
    if (self->line->len + self->data->len + (gsize)(stop - at) > self->max_event) {
      g_set_error(error, CORD_ERROR, CORD_ERROR_TOO_LARGE,
                  "an event of more than %zu bytes is not read", self->max_event);
      return FALSE;
    }
    g_string_append_len(self->line, at, stop - at);
    if (stop == end)
      return TRUE;
    self->after_cr = *stop == '\r';
    at = stop + 1;
    skip_byte_order_mark(self);
    self->begun = TRUE;
    go_on = take_line(self, func, user_data);
  }
  return TRUE;
}
