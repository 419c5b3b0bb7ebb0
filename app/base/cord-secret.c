/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-secret.h"

#include <string.h>
#include <sys/random.h>

/**
 * cord_secret_equal:
 * @a: (nullable): a secret
 * @b: (nullable): what somebody says it is
 *
 * Compares in a time that tells nothing but the lengths.
 *
 * Returns: whether both are there and equal
 */
gboolean
cord_secret_equal(const gchar *a, const gchar *b)
{
  gsize length;
  volatile guint8 difference = 0;

  if (a == NULL || b == NULL)
    return FALSE;
  length = strlen(a);
  if (strlen(b) != length)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    difference |= (guint8)(a[i] ^ b[i]);
  return difference == 0;
}

/**
 * cord_secret_new:
 * @bytes: how many, at most 64
 *
 * Returns: (transfer full): as many bytes from the kernel's generator, in lower-case hexadecimal
 */
gchar *
cord_secret_new(gsize bytes)
{
  guint8 buffer[64];
  GString *text = g_string_sized_new(bytes * 2);

  g_return_val_if_fail(bytes <= sizeof buffer, g_string_free(text, FALSE));
  if (getrandom(buffer, bytes, 0) != (gssize)bytes)
    g_error("The kernel gives no random numbers");
  for (gsize i = 0; i < bytes; i++)
    g_string_append_printf(text, "%02x", buffer[i]);
  return g_string_free(text, FALSE);
}

/**
 * cord_secret_mask:
 * @secret: (nullable): a secret
 *
 * Returns: (nullable): what may be shown of it: that it is there
 */
const gchar *
cord_secret_mask(const gchar *secret)
{
  return secret && *secret ? "********" : secret;
}
