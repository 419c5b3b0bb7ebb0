/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-error.h"
#include "cord-form.h"

static CordForm *
parse(const gchar *text)
{
  g_autoptr(GError) error = NULL;
  CordForm *form = cord_form_parse(text, strlen(text), &error);

  g_assert_no_error(error);
  return form;
}

static void
assert_refused(const gchar *text, gsize length, gint code)
{
  g_autoptr(GError) error = NULL;

  g_assert_null(cord_form_parse(text, length, &error));
  g_assert_error(error, CORD_ERROR, code);
}

static void
test_decodes(void)
{
  g_autoptr(CordForm) form =
      parse("CallSid=CA1&SpeechResult=one+%2B+two&City=M%C3%BCnchen&Empty=&Bare");

  g_assert_cmpuint(cord_form_get_length(form), ==, 5);
  g_assert_cmpstr(cord_form_get(form, "SpeechResult"), ==, "one + two");
  g_assert_cmpstr(cord_form_get(form, "City"), ==, "München");
  g_assert_cmpstr(cord_form_get(form, "Empty"), ==, "");
  g_assert_cmpstr(cord_form_get(form, "Bare"), ==, "");
  g_assert_null(cord_form_get(form, "Absent"));
}

static void
test_order_and_repeats(void)
{
  g_autoptr(CordForm) form = parse("&a=2&b=1&&a=1&");

  g_assert_cmpuint(cord_form_get_length(form), ==, 3);
  g_assert_cmpstr(cord_form_get(form, "a"), ==, "2");
  g_assert_cmpstr(cord_form_get_name(form, 2), ==, "a");
  g_assert_cmpstr(cord_form_get_value(form, 2), ==, "1");
}

static void
test_numbers(void)
{
  g_autoptr(CordForm) form = parse("a=12&b=-3&c=12x&d=99999999999999999999&e=");

  g_assert_cmpint(cord_form_get_int(form, "a", 7), ==, 12);
  g_assert_cmpint(cord_form_get_int(form, "b", 7), ==, -3);
  for (const gchar *name = "cdef"; *name; name++) {
    const gchar field[] = { *name, 0 };

    g_assert_cmpint(cord_form_get_int(form, field, 7), ==, 7);
  }
}

static void
test_broken(void)
{
  static const gchar *const broken[] = { "a=%",   "a=%4",  "a=%zz",       "%=1",       "a=%00",
                                         "a=%FF", "%C3=1", "a=%ED%A0%80", "a=\xc0\x80" };

  for (guint i = 0; i < G_N_ELEMENTS(broken); i++)
    assert_refused(broken[i], strlen(broken[i]), CORD_ERROR_INVALID);
  assert_refused("a=\0b", 4, CORD_ERROR_INVALID);
}

static void
test_too_much(void)
{
  g_autofree gchar *lengthy = g_strnfill(65537, 'a');
  g_autoptr(GString) many = g_string_new(NULL);

  assert_refused(lengthy, 65537, CORD_ERROR_TOO_LARGE);
  for (guint i = 0; i < 256; i++)
    g_string_append(many, "a=1&");
  cord_form_free(parse(many->str));
  g_string_append(many, "a=1");
  assert_refused(many->str, many->len, CORD_ERROR_TOO_LARGE);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/form/names and values are decoded", test_decodes);
  g_test_add_func("/form/order is kept and the first of a name is got", test_order_and_repeats);
  g_test_add_func("/form/what is no number is the fallback", test_numbers);
  g_test_add_func("/form/broken escapes, zero bytes and bad UTF-8 are refused", test_broken);
  g_test_add_func("/form/too many bytes or fields are refused", test_too_much);
  return g_test_run();
}
