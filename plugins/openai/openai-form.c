/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "openai-form.h"

#include <libsoup/soup.h>
#include <string.h>

#define WAV_HEADER 44 /* bytes */
#define SAMPLE 2      /* bytes */

struct _OpenaiForm {
  SoupMultipart *parts;
};

OpenaiForm *
openai_form_new(void)
{
  OpenaiForm *self = g_new0(OpenaiForm, 1);

  self->parts = soup_multipart_new(SOUP_FORM_MIME_TYPE_MULTIPART);
  return self;
}

void
openai_form_add(OpenaiForm *self, const gchar *name, const gchar *value)
{
  soup_multipart_append_form_string(self->parts, name, value);
}

static void
put(guint8 *at, guint32 value, guint size)
{
  for (guint i = 0; i < size; i++)
    at[i] = (guint8)(value >> (8 * i));
}

/* RIFF/WAVE with one chunk of format and one of data; all numbers little-endian. */
static void
write_header(guint8 *header, gsize data_size, guint rate)
{
  memcpy(header, "RIFF\0\0\0\0WAVEfmt ", 16);
  put(header + 4, (guint32)(WAV_HEADER - 8 + data_size), 4);
  put(header + 16, 16, 4); /* size of the format */
  put(header + 20, 1, 2);  /* PCM */
  put(header + 22, 1, 2);  /* channels */
  put(header + 24, rate, 4);
  put(header + 28, rate * SAMPLE, 4);
  put(header + 32, SAMPLE, 2);
  put(header + 34, 8 * SAMPLE, 2);
  memcpy(header + 36, "data", 4);
  put(header + 40, (guint32)data_size, 4);
}

/**
 * openai_form_add_wav:
 * @self: a form
 * @name: of the part
 * @samples: (array length=n_samples): one channel
 * @n_samples: how many
 * @rate: samples a second
 *
 * Adds a part with a file.
 */
void
openai_form_add_wav(OpenaiForm *self, const gchar *name, const gint16 *samples, gsize n_samples,
                    guint rate)
{
  gsize size = n_samples * SAMPLE;
  guint8 *wav = g_malloc(WAV_HEADER + size);
  g_autoptr(GBytes) file = NULL;

  write_header(wav, size, rate);
  for (gsize i = 0; i < n_samples; i++)
    put(wav + WAV_HEADER + i * SAMPLE, (guint16)samples[i], SAMPLE);
  file = g_bytes_new_take(wav, WAV_HEADER + size);
  soup_multipart_append_form_file(self->parts, name, "utterance.wav", "audio/wav", file);
}

/**
 * openai_form_end:
 * @self: (transfer full): a form
 * @content_type: (out) (transfer full): with the boundary
 *
 * Returns: (transfer full): the body
 */
GBytes *
openai_form_end(OpenaiForm *self, gchar **content_type)
{
  SoupMessageHeaders *headers = soup_message_headers_new(SOUP_MESSAGE_HEADERS_MULTIPART);
  GBytes *body = NULL;

  soup_multipart_to_message(self->parts, headers, &body);
  *content_type = g_strdup(soup_message_headers_get_one(headers, "Content-Type"));
  soup_message_headers_unref(headers);
  soup_multipart_free(self->parts);
  g_free(self);
  return body;
}
