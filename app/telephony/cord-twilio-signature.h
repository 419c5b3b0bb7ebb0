/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-form.h"

G_BEGIN_DECLS

gchar *cord_twilio_sign(const gchar *auth_token, const gchar *url, CordForm *form);
gboolean cord_twilio_signature_check(const gchar *auth_token, const gchar *url, CordForm *form,
                                     const gchar *signature);
gboolean cord_twilio_body_check(const gchar *url, gconstpointer body, gsize length);

G_END_DECLS
