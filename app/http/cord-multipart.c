/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-multipart.h"

#include <string.h>

#include "cord-error.h"

#define MAX_FIELD 4096 /* bytes */

/**
 * cord_multipart_free:
 * @self: (transfer full): a form
 */
void
cord_multipart_free(CordMultipart *self)
{
  g_hash_table_unref(self->fields);
  g_clear_pointer(&self->file, g_bytes_unref);
  g_free(self);
}

/**
 * cord_multipart_get:
 * @self: a form
 * @name: a field
 *
 * Returns: (nullable): its value; %NULL when it is missing or empty
 */
const gchar *
cord_multipart_get(const CordMultipart *self, const gchar *name)
{
  const gchar *value = g_hash_table_lookup(self->fields, name);

  return value && *value ? value : NULL;
}

static gboolean
take_field(CordMultipart *self, const gchar *name, GBytes *body, GError **error)
{
  gsize length;
  const gchar *text = g_bytes_get_data(body, &length);

  if (length > MAX_FIELD || !g_utf8_validate_len(text ? text : "", length, NULL)) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID,
                "The field \"%s\" is not UTF-8 of at most %d bytes", name, MAX_FIELD);
    return FALSE;
  }
  if (!g_hash_table_insert(self->fields, g_strdup(name), g_strndup(text ? text : "", length))) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID, "The field \"%s\" is there twice", name);
    return FALSE;
  }
  return TRUE;
}

static gboolean
take_file(CordMultipart *self, const gchar *name, GBytes *body, GError **error)
{
  if (self->file) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID, "There is more than one file: \"%s\"", name);
    return FALSE;
  }
  self->file = g_bytes_ref(body);
  return TRUE;
}

static gboolean
take_part(CordMultipart *self, SoupMessageHeaders *headers, GBytes *body,
          const gchar *const *fields, const gchar *const *files, GError **error)
{
  g_autofree gchar *disposition = NULL;
  g_autoptr(GHashTable) parameters = NULL;
  const gchar *name;

  if (!soup_message_headers_get_content_disposition(headers, &disposition, &parameters) ||
      !(name = g_hash_table_lookup(parameters, "name"))) {
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_INVALID, "A part of the form has no name");
    return FALSE;
  }
  if (g_strv_contains(files, name))
    return take_file(self, name, body, error);
  if (g_strv_contains(fields, name))
    return take_field(self, name, body, error);
  g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID, "The field \"%s\" is not known here", name);
  return FALSE;
}

/**
 * cord_multipart_read:
 * @headers: of the request, with the boundary
 * @body: of the request
 * @fields: (array zero-terminated=1): the texts that are known
 * @files: (array zero-terminated=1): the names that the file may have
 * @error: return location for an error: %CORD_ERROR_INVALID, with a sentence for the client
 *
 * Returns: (transfer full): the form, or %NULL
 */
CordMultipart *
cord_multipart_read(SoupMessageHeaders *headers, GBytes *body, const gchar *const *fields,
                    const gchar *const *files, GError **error)
{
  g_autoptr(CordMultipart) self = g_new0(CordMultipart, 1);
  SoupMultipart *multipart = soup_multipart_new_from_message(headers, body);
  gboolean ok = multipart != NULL;

  self->fields = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  if (!ok)
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_INVALID,
                        "The body is not a form as multipart/form-data has it");
  for (gint i = 0; ok && i < soup_multipart_get_length(multipart); i++) {
    SoupMessageHeaders *part_headers;
    GBytes *part;

    soup_multipart_get_part(multipart, i, &part_headers, &part);
    ok = take_part(self, part_headers, part, fields, files, error);
  }
  g_clear_pointer(&multipart, soup_multipart_free);
  return ok ? g_steal_pointer(&self) : NULL;
}
