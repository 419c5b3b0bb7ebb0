/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-webhook-sign.h"

#include <string.h>
#include <sys/random.h>

#include "cord-secret.h"

#define PREFIX "whsec_"
#define KEY_BYTES 32

/**
 * cord_webhook_new_secret:
 *
 * Returns: (transfer full): a secret that nobody knows
 */
gchar *
cord_webhook_new_secret(void)
{
  guint8 key[KEY_BYTES];
  g_autofree gchar *text = NULL;

  if (getrandom(key, sizeof key, 0) != (gssize)sizeof key)
    g_error("The kernel gives no random numbers");
  text = g_base64_encode(key, sizeof key);
  return g_strconcat(PREFIX, text, NULL);
}

static guchar *
read_key(const gchar *secret, gsize *size)
{
  if (g_str_has_prefix(secret, PREFIX))
    return g_base64_decode(secret + strlen(PREFIX), size);
  *size = strlen(secret);
  return (guchar *)g_strdup(secret);
}

/**
 * cord_webhook_sign:
 * @secret: what both sides know
 * @id: the message's
 * @timestamp: when it is sent, s since 1970
 * @body: what is sent
 *
 * Returns: (transfer full): the signature, "v1,…"
 */
gchar *
cord_webhook_sign(const gchar *secret, const gchar *id, gint64 timestamp, const gchar *body)
{
  g_autofree gchar *head = g_strdup_printf("%s.%" G_GINT64_FORMAT ".", id, timestamp);
  gsize size;
  g_autofree guchar *key = read_key(secret, &size);
  GHmac *hmac = g_hmac_new(G_CHECKSUM_SHA256, key, size);
  guint8 digest[32];
  gsize length = sizeof digest;
  g_autofree gchar *text = NULL;

  g_hmac_update(hmac, (const guchar *)head, (gssize)strlen(head));
  g_hmac_update(hmac, (const guchar *)body, (gssize)strlen(body));
  g_hmac_get_digest(hmac, digest, &length);
  g_hmac_unref(hmac);
  text = g_base64_encode(digest, length);
  return g_strconcat("v1,", text, NULL);
}

/**
 * cord_webhook_verify:
 * @secret: what both sides know
 * @id: the header webhook-id
 * @timestamp: the header webhook-timestamp
 * @signatures: the header webhook-signature: one or more, with spaces
 * @body: what was sent
 * @now: the time of day, s since 1970
 *
 * What who is told has to do; here for tests and as the description of it.
 *
 * Returns: whether it comes from who knows the secret, and now
 */
gboolean
cord_webhook_verify(const gchar *secret, const gchar *id, const gchar *timestamp,
                    const gchar *signatures, const gchar *body, gint64 now)
{
  g_auto(GStrv) list = g_strsplit(signatures, " ", -1);
  g_autofree gchar *wanted = NULL;
  gint64 then;

  if (!g_ascii_string_to_signed(timestamp, 10, 0, G_MAXINT64, &then, NULL) ||
      ABS(now - then) > CORD_WEBHOOK_TOLERANCE)
    return FALSE;
  wanted = cord_webhook_sign(secret, id, then, body);
  for (gchar **each = list; *each; each++)
    if (cord_secret_equal(*each, wanted))
      return TRUE;
  return FALSE;
}
