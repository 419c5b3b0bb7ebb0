/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "twilio-base64.h"
#include "twilio-dialect.h"

#include <string.h>

struct _TwilioFormatter {
  const TwilioDialect *dialect;
  gsize media_tail; /* bytes */
  gsize media_head; /* bytes; they already stand in media */
  GString *media;
  gchar *mark_head;
  GString *mark;
  gchar *clear;
};

static void
append_escaped(GString *out, const gchar *text)
{
  for (; *text; text++) {
    guchar c = *text;
    if (c == '"' || c == '\\')
      g_string_append_c(out, '\\');
    if (c < 0x20)
      g_string_append_printf(out, "\\u%04x", c);
    else
      g_string_append_c(out, c);
  }
}

/* The template with the stream's name in the place of its %s. */
static gchar *
fill_in(const gchar *template, const gchar *stream_sid)
{
  const gchar *place = strstr(template, "%s");
  GString *out;

  if (!place)
    return g_strdup(template);
  out = g_string_new_len(template, place - template);
  append_escaped(out, stream_sid);
  g_string_append(out, place + 2);
  return g_string_free(out, FALSE);
}

/**
 * twilio_formatter_new:
 * @dialect: how the carrier speaks
 * @stream_sid: the stream's name
 *
 * A formatter writes the messages to the carrier. What it returns lives until its next call.
 *
 * Returns: (transfer full): a formatter
 */
TwilioFormatter *
twilio_formatter_new(const TwilioDialect *dialect, const gchar *stream_sid)
{
  TwilioFormatter *self = g_new0(TwilioFormatter, 1);
  g_autofree gchar *head = fill_in(dialect->media.head, stream_sid);

  self->dialect = dialect;
  self->media_tail = strlen(dialect->media.tail);
  self->media_head = strlen(head);
  self->media = g_string_sized_new(self->media_head + TWILIO_BASE64_ENCODED(160) + 32);
  g_string_append(self->media, head);
  self->mark_head = fill_in(dialect->mark.head, stream_sid);
  self->mark = g_string_sized_new(128);
  self->clear = fill_in(dialect->clear, stream_sid);
  return self;
}

void
twilio_formatter_free(TwilioFormatter *self)
{
  g_string_free(self->media, TRUE);
  g_string_free(self->mark, TRUE);
  g_free(self->mark_head);
  g_free(self->clear);
  g_free(self);
}

/**
 * twilio_formatter_media:
 * @self: a formatter
 * @audio: (array length=length): the audio
 * @length: in bytes
 * @out_length: (out): the message's length in bytes
 *
 * Returns: (transfer none): the message
 */
const gchar *
twilio_formatter_media(TwilioFormatter *self, const guint8 *audio, gsize length, gsize *out_length)
{
  gsize encoded = TWILIO_BASE64_ENCODED(length);
  gchar *out;

  g_string_set_size(self->media, self->media_head + encoded + self->media_tail);
  out = self->media->str + self->media_head;
  twilio_base64_encode(audio, length, out);
  memcpy(out + encoded, self->dialect->media.tail, self->media_tail);
  *out_length = self->media->len;
  return self->media->str;
}

const gchar *
twilio_formatter_mark(TwilioFormatter *self, const gchar *name, gsize *out_length)
{
  g_string_assign(self->mark, self->mark_head);
  append_escaped(self->mark, name);
  g_string_append(self->mark, self->dialect->mark.tail);
  *out_length = self->mark->len;
  return self->mark->str;
}

const gchar *
twilio_formatter_clear(TwilioFormatter *self, gsize *out_length)
{
  *out_length = strlen(self->clear);
  return self->clear;
}
