/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-phone-form.h"

#include <string.h>

typedef struct {
  gchar *name;
  gchar *value;
} Field;

struct _CordPhoneForm {
  GArray *fields;
};

static void
field_clear(gpointer data)
{
  Field *field = data;

  g_free(field->name);
  g_free(field->value);
}

CordPhoneForm *
cord_phone_form_new(void)
{
  CordPhoneForm *self = g_new0(CordPhoneForm, 1);

  self->fields = g_array_new(FALSE, FALSE, sizeof(Field));
  g_array_set_clear_func(self->fields, field_clear);
  return self;
}

void
cord_phone_form_free(CordPhoneForm *self)
{
  g_array_unref(self->fields);
  g_free(self);
}

void
cord_phone_form_add(CordPhoneForm *self, const gchar *name, const gchar *value)
{
  Field field = { g_strdup(name), g_strdup(value) };

  g_array_append_val(self->fields, field);
}

static void
append_encoded(GString *out, const gchar *text)
{
  g_autofree gchar *encoded = g_uri_escape_string(text, NULL, FALSE);

  g_string_append(out, encoded);
}

/**
 * cord_phone_form_encode:
 * @self: a form
 *
 * Returns: (transfer full): the body of a request, application/x-www-form-urlencoded
 */
gchar *
cord_phone_form_encode(CordPhoneForm *self)
{
  g_autoptr(GString) out = g_string_new(NULL);

  for (guint i = 0; i < self->fields->len; i++) {
    Field *field = &g_array_index(self->fields, Field, i);

    if (i > 0)
      g_string_append_c(out, '&');
    append_encoded(out, field->name);
    g_string_append_c(out, '=');
    append_encoded(out, field->value);
  }
  return g_string_free(g_steal_pointer(&out), FALSE);
}

static gint
compare_fields(gconstpointer a, gconstpointer b)
{
  const Field *first = a, *second = b;
  gint order = strcmp(first->name, second->name);

  return order != 0 ? order : strcmp(first->value, second->value);
}

static gchar *
sign(const gchar *text, const gchar *auth_token)
{
  g_autoptr(GHmac) hmac =
      g_hmac_new(G_CHECKSUM_SHA1, (const guchar *)auth_token, strlen(auth_token));
  guint8 digest[20];
  gsize length = sizeof(digest);

  g_hmac_update(hmac, (const guchar *)text, -1);
  g_hmac_get_digest(hmac, digest, &length);
  return g_base64_encode(digest, length);
}

/**
 * cord_phone_form_sign:
 * @self: a form
 * @url: where it is posted to
 * @auth_token: the account's secret
 *
 * Returns: (transfer full): the value of X-Twilio-Signature
 */
gchar *
cord_phone_form_sign(CordPhoneForm *self, const gchar *url, const gchar *auth_token)
{
  g_autoptr(GString) text = g_string_new(url);
  const Field *last = NULL;

  g_array_sort(self->fields, compare_fields);
  for (guint i = 0; i < self->fields->len; i++) {
    const Field *field = &g_array_index(self->fields, Field, i);

    if (last && compare_fields(last, field) == 0)
      continue;
    g_string_append(text, field->name);
    g_string_append(text, field->value);
    last = field;
  }
  return sign(text->str, auth_token);
}

/**
 * cord_phone_sign_url:
 * @url: of a WebSocket
 * @auth_token: the account's secret
 *
 * Returns: (transfer full): the value of X-Twilio-Signature
 */
gchar *
cord_phone_sign_url(const gchar *url, const gchar *auth_token)
{
  return sign(url, auth_token);
}

/**
 * cord_phone_new_sid:
 * @prefix: "CA", "MZ" or "AC"
 *
 * Returns: (transfer full): a name as Twilio makes them: the prefix and 32 hexadecimal digits
 */
gchar *
cord_phone_new_sid(const gchar *prefix)
{
  return g_strdup_printf("%s%08x%08x%08x%08x", prefix, g_random_int(), g_random_int(),
                         g_random_int(), g_random_int());
}
