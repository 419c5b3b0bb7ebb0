/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-multipart.h"

#include <string.h>

#include "cord-error.h"

#define MAX_FIELD 4096 /* bytes */
#define MAX_HEAD 8192  /* bytes, of a part */
#define MAX_PARTS 64
#define MAX_BOUNDARY 70 /* RFC 2046 */
#define DISPOSITION "Content-Disposition:"

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

/* The parts, one after the other. libsoup's own parser reads beyond the end of a body that is cut
 * off. */
typedef struct {
  GBytes *body;
  const gchar *data; /* of the body */
  gsize size, at;
  gchar *delimiter; /* "\r\n--" and the boundary */
  gsize delimiter_size;
} Reader;

/* Where @what begins, from @from on; the size of the body when it does not. */
static gsize
find(const Reader *self, gsize from, const gchar *what, gsize size)
{
  const gchar *found = memmem(self->data + from, self->size - from, what, size);

  return found ? (gsize)(found - self->data) : self->size;
}

static gboolean
skip(Reader *self, const gchar *what)
{
  gsize size = strlen(what);

  if (self->size - self->at < size || memcmp(self->data + self->at, what, size) != 0)
    return FALSE;
  self->at += size;
  return TRUE;
}

/* To behind the first delimiter; what stands before it is nobody's. */
static gboolean
skip_preamble(Reader *self)
{
  gsize found;

  if (skip(self, self->delimiter + 2))
    return TRUE;
  found = find(self, 0, self->delimiter, self->delimiter_size);
  self->at = MIN(found + self->delimiter_size, self->size);
  return found < self->size;
}

/* The parameters of a part's Content-Disposition. */
static GHashTable *
parse_disposition(const gchar *head)
{
  g_auto(GStrv) lines = g_strsplit(head, "\r\n", -1);

  for (gchar **line = lines; *line; line++)
    if (g_ascii_strncasecmp(*line, DISPOSITION, strlen(DISPOSITION)) == 0)
      return soup_header_parse_semi_param_list(*line + strlen(DISPOSITION));
  return NULL;
}

static gboolean
take_part(CordMultipart *self, const gchar *head, GBytes *body, const gchar *const *fields,
          const gchar *const *files, GError **error)
{
  g_autoptr(GHashTable) parameters = parse_disposition(head);
  const gchar *name = parameters ? g_hash_table_lookup(parameters, "name") : NULL;

  if (name == NULL) {
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

static gboolean
set_malformed(GError **error)
{
  g_set_error_literal(error, CORD_ERROR, CORD_ERROR_INVALID,
                      "The body is not a form as multipart/form-data has it");
  return FALSE;
}

/* From behind a delimiter to behind the next. */
static gboolean
read_part(Reader *self, CordMultipart *form, const gchar *const *fields, const gchar *const *files,
          GError **error)
{
  g_autofree gchar *head = NULL;
  g_autoptr(GBytes) body = NULL;
  gsize begin = self->at, end, next;

  /* the line of the delimiter ends, and an empty line ends the head */
  end = find(self, begin, "\r\n\r\n", 4);
  if (end == self->size || end - begin > MAX_HEAD)
    return set_malformed(error);
  head = g_strndup(self->data + begin, end - begin);
  next = find(self, end + 2, self->delimiter, self->delimiter_size);
  if (next == self->size)
    return set_malformed(error);
  /* a part without a body ends where its head does */
  body = g_bytes_new_from_bytes(self->body, MIN(end + 4, next), next - MIN(end + 4, next));
  self->at = next + self->delimiter_size;
  return take_part(form, head, body, fields, files, error);
}

static gboolean
read_parts(Reader *self, CordMultipart *form, const gchar *const *fields, const gchar *const *files,
           GError **error)
{
  guint n = 0;

  if (!skip_preamble(self))
    return set_malformed(error);
  while (!skip(self, "--"))
    if (++n > MAX_PARTS || !read_part(self, form, fields, files, error))
      return n > MAX_PARTS ? set_malformed(error) : FALSE;
  return TRUE;
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
  g_autoptr(GHashTable) parameters = NULL;
  g_autofree gchar *delimiter = NULL;
  const gchar *boundary = NULL;
  Reader reader = { .body = body };

  self->fields = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  soup_message_headers_get_content_type(headers, &parameters);
  if (parameters)
    boundary = g_hash_table_lookup(parameters, "boundary");
  if (boundary == NULL || *boundary == '\0' || strlen(boundary) > MAX_BOUNDARY) {
    set_malformed(error);
    return NULL;
  }
  delimiter = g_strconcat("\r\n--", boundary, NULL);
  reader.data = g_bytes_get_data(body, &reader.size);
  reader.delimiter = delimiter;
  reader.delimiter_size = strlen(delimiter);
  if (reader.size == 0)
    set_malformed(error);
  else if (read_parts(&reader, self, fields, files, error))
    return g_steal_pointer(&self);
  return NULL;
}
