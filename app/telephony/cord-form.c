/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-form.h"

#include <string.h>

#include "cord-error.h"

#define MAX_FIELDS 256
#define MAX_BYTES 65536 /* a carrier's own limit is 64 KB */

typedef struct {
  gchar *name;
  gchar *value;
} Field;

struct _CordForm {
  GArray *fields;
};

static void
clear_field(gpointer data)
{
  Field *field = data;

  g_free(field->name);
  g_free(field->value);
}

/**
 * cord_form_new:
 *
 * Returns: (transfer full): a form without fields
 */
CordForm *
cord_form_new(void)
{
  CordForm *self = g_new0(CordForm, 1);

  self->fields = g_array_new(FALSE, FALSE, sizeof(Field));
  g_array_set_clear_func(self->fields, clear_field);
  return self;
}

/**
 * cord_form_free:
 * @self: (transfer full): a form
 */
void
cord_form_free(CordForm *self)
{
  g_array_unref(self->fields);
  g_free(self);
}

/**
 * cord_form_add:
 * @self: a form
 * @name: a field's name
 * @value: its value
 */
void
cord_form_add(CordForm *self, const gchar *name, const gchar *value)
{
  Field field = { g_strdup(name), g_strdup(value) };

  g_array_append_val(self->fields, field);
}

/* A name or value: "+" is a space, %XX a byte. NULL when it is no valid text. */
static gchar *
decode(const gchar *text, gsize length)
{
  g_autofree gchar *out = g_malloc(length + 1);
  gsize n = 0;

  for (gsize i = 0; i < length; i++) {
    gchar c = text[i];

    if (c == '%') {
      if (i + 2 >= length || !g_ascii_isxdigit(text[i + 1]) || !g_ascii_isxdigit(text[i + 2]))
        return NULL;
      c = (gchar)(g_ascii_xdigit_value(text[i + 1]) << 4 | g_ascii_xdigit_value(text[i + 2]));
      i += 2;
    } else if (c == '+') {
      c = ' ';
    }
    if (c == '\0')
      return NULL;
    out[n++] = c;
  }
  out[n] = '\0';
  return g_utf8_validate(out, (gssize)n, NULL) ? g_steal_pointer(&out) : NULL;
}

static gboolean
add_pair(CordForm *self, const gchar *pair, gsize length)
{
  const gchar *equals = memchr(pair, '=', length);
  gsize name_length = equals ? (gsize)(equals - pair) : length;
  Field field;

  field.name = decode(pair, name_length);
  field.value = equals ? decode(equals + 1, length - name_length - 1) : g_strdup("");
  if (field.name == NULL || field.value == NULL) {
    clear_field(&field);
    return FALSE;
  }
  g_array_append_val(self->fields, field);
  return TRUE;
}

/**
 * cord_form_parse:
 * @text: the encoded form, not terminated
 * @length: bytes
 * @error: return location for an error
 *
 * Returns: (transfer full): its fields in order, or %NULL
 */
CordForm *
cord_form_parse(const gchar *text, gsize length, GError **error)
{
  g_autoptr(CordForm) self = cord_form_new();
  const gchar *at = text, *end = text + length;

  if (length > MAX_BYTES) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_TOO_LARGE,
                "the form has %" G_GSIZE_FORMAT " bytes, at most %d are allowed", length,
                MAX_BYTES);
    return NULL;
  }
  while (at < end) {
    const gchar *ampersand = memchr(at, '&', (gsize)(end - at));
    gsize pair = (gsize)((ampersand ? ampersand : end) - at);

    if (self->fields->len == MAX_FIELDS) {
      g_set_error(error, CORD_ERROR, CORD_ERROR_TOO_LARGE, "the form has more than %d fields",
                  MAX_FIELDS);
      return NULL;
    }
    if (pair > 0 && !add_pair(self, at, pair)) {
      g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID,
                  "field %u of the form is not URL-encoded UTF-8", self->fields->len + 1);
      return NULL;
    }
    at += pair + 1;
  }
  return g_steal_pointer(&self);
}

/**
 * cord_form_get:
 * @self: a form
 * @name: a field's name
 *
 * Returns: (nullable): the value of the first field of that name
 */
const gchar *
cord_form_get(const CordForm *self, const gchar *name)
{
  for (guint i = 0; i < self->fields->len; i++) {
    Field *field = &g_array_index(self->fields, Field, i);

    if (g_str_equal(field->name, name))
      return field->value;
  }
  return NULL;
}

/**
 * cord_form_get_int:
 * @self: a form
 * @name: a field's name
 * @fallback: what stands for a field that is missing or no number of 32 bits
 *
 * Returns: its value as a number
 */
gint64
cord_form_get_int(const CordForm *self, const gchar *name, gint64 fallback)
{
  const gchar *value = cord_form_get(self, name);
  gint64 number;

  if (value && g_ascii_string_to_signed(value, 10, G_MININT32, G_MAXINT32, &number, NULL))
    return number;
  return fallback;
}

/**
 * cord_form_get_length:
 * @self: a form
 *
 * Returns: the number of its fields
 */
guint
cord_form_get_length(const CordForm *self)
{
  return self->fields->len;
}

/**
 * cord_form_get_name:
 * @self: a form
 * @index: which field
 *
 * Returns: (transfer none): its name
 */
const gchar *
cord_form_get_name(const CordForm *self, guint index)
{
  return g_array_index(self->fields, Field, index).name;
}

/**
 * cord_form_get_value:
 * @self: a form
 * @index: which field
 *
 * Returns: (transfer none): its value
 */
const gchar *
cord_form_get_value(const CordForm *self, guint index)
{
  return g_array_index(self->fields, Field, index).value;
}
