/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-http-guard.h"

#define MAX_BODY 4096 /* bytes */

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

/* All requests of a connection, each answered at once. */
static void
feed(CordHttpGuard *guard, const guint8 *data, gsize size, gsize piece, GByteArray *passed)
{
  gsize at = 0;

  while (at < size && guard->phase != CORD_HTTP_REFUSED) {
    if (guard->phase == CORD_HTTP_ANSWER)
      cord_http_guard_next(guard);
    at += cord_http_guard_feed(guard, data + at, MIN(piece, size - at), passed);
  }
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
  g_autoptr(GByteArray) whole = g_byte_array_new();
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  CordHttpGuard a, b;

  cord_http_guard_init(&a, MAX_BODY);
  cord_http_guard_init(&b, MAX_BODY);
  feed(&a, data, size, G_MAXSIZE, whole);
  feed(&b, data, size, 1, bytes);
  if (a.phase != b.phase || a.status != b.status)
    g_error("the pieces in which it comes matter");
  if (whole->len != bytes->len || (whole->len && memcmp(whole->data, bytes->data, whole->len) != 0))
    g_error("the pieces in which it comes change what passes");
  if (whole->len > size)
    g_error("more passes than came");
  cord_http_guard_clear(&a);
  cord_http_guard_clear(&b);
  return 0;
}
