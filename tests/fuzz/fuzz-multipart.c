/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-multipart.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
  static const gchar *const fields[] = { "persona", "session_id", NULL };
  static const gchar *const files[] = { "audio_file", NULL };
  SoupMessageHeaders *headers = soup_message_headers_new(SOUP_MESSAGE_HEADERS_REQUEST);
  g_autoptr(GBytes) body = g_bytes_new(data, size);
  g_autoptr(GError) error = NULL;
  g_autoptr(CordMultipart) form = NULL;

  soup_message_headers_append(headers, "Content-Type", "multipart/form-data; boundary=b");
  form = cord_multipart_read(headers, body, fields, files, &error);
  if ((form == NULL) == (error == NULL))
    g_error("a form and an error, or neither");
  if (form && cord_multipart_get(form, "persona") &&
      !g_utf8_validate(cord_multipart_get(form, "persona"), -1, NULL))
    g_error("a field that is no text");
  soup_message_headers_unref(headers);
  return 0;
}
