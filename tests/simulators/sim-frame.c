/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "sim-private.h"

/* WebSocket frames that our engine would not send. */

#define FIN 0x80
#define CONTINUATION 0x00
#define TEXT 0x01
#define BINARY 0x02
#define CLOSE 0x08
#define NO_STATUS 1005

void
sim_frame_append(GByteArray *frames, guint8 first, gconstpointer data, gsize length)
{
  guint8 head[10] = { first };
  guint size = 2;

  if (length < 126) {
    head[1] = (guint8)length;
  } else if (length <= G_MAXUINT16) {
    head[1] = 126;
    head[2] = (guint8)(length >> 8);
    head[3] = (guint8)length;
    size = 4;
  } else {
    head[1] = 127;
    for (guint i = 0; i < 8; i++)
      head[2 + i] = (guint8)((guint64)length >> (56 - 8 * i));
    size = 10;
  }
  g_byte_array_append(frames, head, size);
  g_byte_array_append(frames, data, (guint)length);
}

/* A message in frames of so many bytes each; 0: in one. */
GBytes *
sim_frame_fragments(gboolean text, const guint8 *data, gsize length, gsize step)
{
  GByteArray *frames = g_byte_array_new();
  guint8 opcode = text ? TEXT : BINARY;

  if (step == 0 || step > length)
    step = length;
  do {
    gsize n = MIN(step, length);

    sim_frame_append(frames, (guint8)(opcode | (n == length ? FIN : 0)), data, n);
    opcode = CONTINUATION;
    data += n;
    length -= n;
  } while (length > 0);
  return g_byte_array_free_to_bytes(frames);
}

/* With any code, also those that may not be sent; 1005: with none. */
GBytes *
sim_frame_close(guint16 code, const gchar *reason)
{
  GByteArray *frames = g_byte_array_new();
  g_autoptr(GByteArray) body = g_byte_array_new();
  guint8 number[] = { (guint8)(code >> 8), (guint8)code };

  if (code != NO_STATUS) {
    g_byte_array_append(body, number, sizeof number);
    g_byte_array_append(body, (const guint8 *)reason, (guint)strlen(reason));
  }
  sim_frame_append(frames, FIN | CLOSE, body->data, body->len);
  return g_byte_array_free_to_bytes(frames);
}
