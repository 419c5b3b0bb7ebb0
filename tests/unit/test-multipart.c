/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-error.h"
#include "cord-multipart.h"

/* Forms with a file in them, as clients send them and as they do not. */

#define PART(name, rest) "--b\r\nContent-Disposition: form-data; name=\"" name "\"" rest "\r\n\r\n"
#define END "\r\n--b--\r\n"

static const gchar *const fields[] = { "persona", "session_id", NULL };
static const gchar *const files[] = { "audio_file", "file", NULL };

static CordMultipart *
read_form(const gchar *text, gsize length, GError **error)
{
  SoupMessageHeaders *headers = soup_message_headers_new(SOUP_MESSAGE_HEADERS_REQUEST);
  g_autoptr(GBytes) body = g_bytes_new(text, length);
  CordMultipart *form;

  soup_message_headers_append(headers, "Content-Type", "multipart/form-data; boundary=b");
  form = cord_multipart_read(headers, body, fields, files, error);
  soup_message_headers_unref(headers);
  return form;
}

static void
test_form(void)
{
  static const gchar text[] = PART("persona", "") "calm\xc3\xa9\r\n" PART(
      "audio_file", "; filename=\"a \\\"b\\\".wav\"") "RIFF\0\r\n\xff" END;
  g_autoptr(GError) error = NULL;
  g_autoptr(CordMultipart) form = read_form(text, sizeof text - 1, &error);

  g_assert_no_error(error);
  g_assert_cmpstr(cord_multipart_get(form, "persona"), ==, "calm\xc3\xa9");
  g_assert_null(cord_multipart_get(form, "session_id"));
  g_assert_cmpmem(g_bytes_get_data(form->file, NULL), g_bytes_get_size(form->file),
                  "RIFF\0\r\n\xff", 8);
}

/* An empty field is as good as none. */
static void
test_empty(void)
{
  static const gchar text[] = PART("persona", "") END;
  g_autoptr(GError) error = NULL;
  g_autoptr(CordMultipart) form = read_form(text, sizeof text - 1, &error);

  g_assert_no_error(error);
  g_assert_null(cord_multipart_get(form, "persona"));
  g_assert_null(form->file);
}

static void
test_refused(void)
{
  static const struct {
    const gchar *text;
    const gchar *says;
  } cases[] = {
    { "no form at all", "not a form" },
    { "", "not a form" },
    { PART("colour", "") "blue" END, "\"colour\" is not known" },
    { PART("persona", "") "a\r\n" PART("persona", "") "b" END, "there twice" },
    { PART("file", "") "a\r\n" PART("audio_file", "") "b" END, "more than one file" },
    { PART("persona", "") "\xff\xfe" END, "not UTF-8" },
    { "--b\r\nContent-Type: text/plain\r\n\r\nx" END, "no name" },
    { "--b\r\nContent-Disposition: form-data\r\n\r\nx" END, "no name" },
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(CordMultipart) form = read_form(cases[i].text, strlen(cases[i].text), &error);

    g_assert_null(form);
    g_assert_error(error, CORD_ERROR, CORD_ERROR_INVALID);
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, cases[i].says));
  }
}

/* A field is no place for a file. */
static void
test_long_field(void)
{
  g_autofree gchar *value = g_strnfill(5000, 'x');
  g_autofree gchar *text = g_strconcat(PART("persona", ""), value, END, NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(CordMultipart) form = read_form(text, strlen(text), &error);

  g_assert_null(form);
  g_assert_error(error, CORD_ERROR, CORD_ERROR_INVALID);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/multipart/fields and a file", test_form);
  g_test_add_func("/multipart/an empty field is none", test_empty);
  g_test_add_func("/multipart/what is no such form is refused", test_refused);
  g_test_add_func("/multipart/a long field is refused", test_long_field);
  return g_test_run();
}
