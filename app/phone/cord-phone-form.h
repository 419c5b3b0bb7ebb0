/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * CordPhoneForm:
 *
 * The parameters of a carrier's request, and the signature under them.
 */
typedef struct _CordPhoneForm CordPhoneForm;

CordPhoneForm *cord_phone_form_new(void);
void cord_phone_form_free(CordPhoneForm *self);
void cord_phone_form_add(CordPhoneForm *self, const gchar *name, const gchar *value);
gchar *cord_phone_form_encode(CordPhoneForm *self);
gchar *cord_phone_form_sign(CordPhoneForm *self, const gchar *url, const gchar *auth_token);
gchar *cord_phone_sign_url(const gchar *url, const gchar *auth_token);
gchar *cord_phone_new_sid(const gchar *prefix);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordPhoneForm, cord_phone_form_free)

G_END_DECLS
