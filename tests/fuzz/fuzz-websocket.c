/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "cord-websocket-codec.h"

/*
 * The first byte says the role and how the rest is cut. What comes of it must not depend on the
 * cut, and must keep to the limits.
 */

#define MAX_MESSAGE 4096 /* bytes */

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

typedef struct {
  GChecksum *seen;
  guint16 fault;
} Result;

static gboolean
on_parsed(CordWebsocketMessageType type, guint8 *data, gsize length, gpointer user_data)
{
  Result *result = user_data;
  guint8 head[3] = { (guint8)type, (guint8)(length >> 8), (guint8)length };
  g_autofree gchar *reason = NULL;
  CordWebsocketFault fault;
  guint32 state = 0;
  guint16 code;

  if (length > MAX_MESSAGE || (type >= CORD_WEBSOCKET_CLOSE && length > 125))
    abort();
  if (type == CORD_WEBSOCKET_TEXT && memchr(data, 0, length) == NULL &&
      !g_utf8_validate((const gchar *)data, (gssize)length, NULL))
    abort();
  if (type == CORD_WEBSOCKET_TEXT && (!cord_utf8_check(&state, data, length) || state != 0))
    abort();
  if (type == CORD_WEBSOCKET_CLOSE)
    cord_websocket_close_parse(data, length, &code, &reason, &fault);
  g_checksum_update(result->seen, head, sizeof head);
  g_checksum_update(result->seen, data, (gssize)length);
  return TRUE;
}

static Result
parse(CordWebsocketRole role, const guint8 *data, gsize size, gsize step)
{
  Result result = { .seen = g_checksum_new(G_CHECKSUM_MD5) };
  GByteArray *pending = g_byte_array_new();
  CordWebsocketParser parser;
  CordWebsocketFault fault = { 0, NULL };
  gsize consumed;

  cord_websocket_parser_init(&parser, role, MAX_MESSAGE);
  for (gsize at = 0; at < size && fault.code == 0; at += step) {
    g_autofree guint8 *exact = NULL;

    g_byte_array_append(pending, data + at, (guint)MIN(step, size - at));
    exact = g_memdup2(pending->data, pending->len);
    if (!cord_websocket_parser_feed(&parser, exact, pending->len, &consumed, on_parsed, &result,
                                    &fault)) {
      if (fault.code == 0 || fault.reason == NULL)
        abort();
      break;
    }
    if (consumed > pending->len)
      abort();
    if (consumed > 0)
      g_byte_array_remove_range(pending, 0, (guint)consumed);
    if (pending->len > MAX_MESSAGE + CORD_WEBSOCKET_MAX_HEADER + step)
      abort();
  }
  result.fault = fault.code;
  cord_websocket_parser_clear(&parser);
  g_byte_array_unref(pending);
  return result;
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
  CordWebsocketRole role;
  Result whole, cut;
  gsize step;

  if (size < 1)
    return 0;
  role = data[0] & 1 ? CORD_WEBSOCKET_CLIENT : CORD_WEBSOCKET_SERVER;
  step = 1 + (data[0] >> 1);
  whole = parse(role, data + 1, size - 1, size);
  cut = parse(role, data + 1, size - 1, step);
  if (whole.fault != cut.fault ||
      strcmp(g_checksum_get_string(whole.seen), g_checksum_get_string(cut.seen)) != 0)
    abort();
  g_checksum_free(whole.seen);
  g_checksum_free(cut.seen);
  return 0;
}
