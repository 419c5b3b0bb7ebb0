/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/**
 * CordMultipart:
 * @fields: (element-type utf8 utf8): names and values of what is text
 * @file: (nullable): the one part that is a file
 *
 * A form with a file in it (multipart/form-data, RFC 7578).
 */
typedef struct {
  GHashTable *fields;
  GBytes *file;
} CordMultipart;

CordMultipart *cord_multipart_read(SoupMessageHeaders *headers, GBytes *body,
                                   const gchar *const *fields, const gchar *const *files,
                                   GError **error);
void cord_multipart_free(CordMultipart *self);
const gchar *cord_multipart_get(const CordMultipart *self, const gchar *name);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordMultipart, cord_multipart_free)

G_END_DECLS
