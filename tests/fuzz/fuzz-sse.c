/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "cord-sse.h"

/* The first byte says how the rest is cut; what comes of it must not depend on the cut. */

#define MAX_EVENT 4096 /* bytes */

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

static gboolean
on_event(const gchar *event, const gchar *data, gpointer user_data)
{
  GString *seen = user_data;

  if (!g_utf8_validate(event, -1, NULL) || !g_utf8_validate(data, -1, NULL) || *event == '\0')
    abort();
  g_string_append_printf(seen, "%s\n%s\n", event, data);
  return TRUE;
}

static gboolean
parse(const guint8 *data, gsize size, gsize step, GString *seen)
{
  CordSseParser parser;
  gboolean good = TRUE;

  cord_sse_parser_init(&parser, MAX_EVENT);
  for (gsize at = 0; at < size && good; at += step) {
    gsize length = MIN(step, size - at);
    g_autofree gchar *exact = g_memdup2(data + at, length);

    good = cord_sse_parser_feed(&parser, exact, length, on_event, seen, NULL);
    if (parser.line->len + parser.data->len > MAX_EVENT + 1)
      abort();
  }
  cord_sse_parser_clear(&parser);
  return good;
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
  g_autoptr(GString) whole = g_string_new(NULL);
  g_autoptr(GString) cut = g_string_new(NULL);
  gboolean good;

  if (size < 1)
    return 0;
  good = parse(data + 1, size - 1, size, whole);
  if (parse(data + 1, size - 1, 1 + (data[0] & 31), cut) != good || !g_string_equal(whole, cut))
    abort();
  return 0;
}
