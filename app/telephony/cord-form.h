/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * CordForm:
 *
 * The fields of an application/x-www-form-urlencoded text, decoded and checked: valid UTF-8 without
 * zero bytes, a bounded number of fields. A name may occur more than once.
 */
typedef struct _CordForm CordForm;

CordForm *cord_form_new(void);
CordForm *cord_form_parse(const gchar *text, gsize length, GError **error);
void cord_form_free(CordForm *self);
void cord_form_add(CordForm *self, const gchar *name, const gchar *value);
const gchar *cord_form_get(const CordForm *self, const gchar *name);
gint64 cord_form_get_int(const CordForm *self, const gchar *name, gint64 fallback);
guint cord_form_get_length(const CordForm *self);
const gchar *cord_form_get_name(const CordForm *self, guint index);
const gchar *cord_form_get_value(const CordForm *self, guint index);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordForm, cord_form_free)

G_END_DECLS
