/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * How who is told knows that it was us, as the Standard Webhooks specification has it:
 *
 *   webhook-id: ID
 *   webhook-timestamp: SECONDS since 1970
 *   webhook-signature: v1,BASE64(HMAC-SHA256(key, "ID.SECONDS.BODY"))
 *
 * The key is what follows "whsec_" in the secret, decoded from base64; a secret without that prefix
 * is the key itself. Who is told refuses a time stamp that is more than five minutes away, and may
 * remember the ids of these minutes: then nothing that was overheard can be told once more.
 */
#define CORD_WEBHOOK_TOLERANCE 300 /* s */

gchar *cord_webhook_new_secret(void);
gchar *cord_webhook_sign(const gchar *secret, const gchar *id, gint64 timestamp, const gchar *body);
gboolean cord_webhook_verify(const gchar *secret, const gchar *id, const gchar *timestamp,
                             const gchar *signatures, const gchar *body, gint64 now);

G_END_DECLS
