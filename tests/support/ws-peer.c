/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ws-peer.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Returns our descriptor; @far_end is the stream of the code under test. */
int
ws_peer_pair(int type, GIOStream **far_end)
{
  g_autoptr(GSocket) socket = NULL;
  int pair[2];

  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
    g_error("socketpair: %s", g_strerror(errno));
  socket = g_socket_new_from_fd(pair[1], NULL);
  *far_end = G_IO_STREAM(g_object_new(G_TYPE_SOCKET_CONNECTION, "socket", socket, NULL));
  return pair[0];
}

GBytes *
ws_peer_make(guint8 first, gboolean masked, const void *payload, gsize length)
{
  static const guint8 key[4] = { 0x37, 0xfa, 0x21, 0x3d };
  GByteArray *frame = g_byte_array_new();
  guint8 bit = masked ? 0x80 : 0;
  guint8 head[10] = { first, bit };
  guint size = 2;

  if (length < 126) {
    head[1] |= (guint8)length;
  } else if (length < 65536) {
    head[1] |= 126;
    head[2] = (guint8)(length >> 8);
    head[3] = (guint8)length;
    size = 4;
  } else {
    guint64 be = GUINT64_TO_BE((guint64)length);

    head[1] |= 127;
    memcpy(head + 2, &be, 8);
    size = 10;
  }
  g_byte_array_append(frame, head, size);
  if (masked)
    g_byte_array_append(frame, key, 4);
  for (gsize i = 0; i < length; i++) {
    guint8 byte = ((const guint8 *)payload)[i] ^ (masked ? key[i % 4] : 0);

    g_byte_array_append(frame, &byte, 1);
  }
  return g_byte_array_free_to_bytes(frame);
}

void
ws_peer_send_bytes(int fd, GBytes *bytes)
{
  gsize length;
  const gchar *data = g_bytes_get_data(bytes, &length);

  if (send(fd, data, length, MSG_NOSIGNAL) != (gssize)length)
    g_error("the test says more than the socket holds: %s", g_strerror(errno));
}

void
ws_peer_send(int fd, guint8 first, gboolean masked, const gchar *payload)
{
  g_autoptr(GBytes) frame = ws_peer_make(first, masked, payload, strlen(payload));

  ws_peer_send_bytes(fd, frame);
}

/* All frames that have come, as "opcode:payload;" (a close frame's code in figures). "EOF" when the
 * other side has gone. */
gchar *
ws_peer_receive(int fd)
{
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  GString *heard = g_string_new(NULL);
  guint8 buffer[65536];
  gssize n;

  while ((n = recv(fd, buffer, sizeof buffer, 0)) > 0)
    g_byte_array_append(bytes, buffer, (guint)n);
  for (gsize at = 0; at + 2 <= bytes->len;) {
    const guint8 *frame = bytes->data + at;
    gboolean masked = frame[1] & 0x80;
    gsize length = frame[1] & 0x7f;
    gsize header = 2;
    gsize skip = 0;

    if (length == 126) {
      length = (gsize)(frame[2] << 8 | frame[3]);
      header = 4;
    }
    g_assert_cmpuint(at + header + (masked ? 4 : 0) + length, <=, bytes->len);
    for (gsize i = 0; masked && i < length; i++)
      bytes->data[at + header + 4 + i] ^= bytes->data[at + header + i % 4];
    header += masked ? 4 : 0;
    g_string_append_printf(heard, "%s%d:", masked ? "m" : "", frame[0] & 0x0f);
    if ((frame[0] & 0x0f) == 8 && length >= 2) {
      g_string_append_printf(heard, "%d", frame[header] << 8 | frame[header + 1]);
      skip = 2;
    }
    g_string_append_len(heard, (const gchar *)frame + header + skip, (gssize)(length - skip));
    g_string_append_c(heard, ';');
    at += header + length;
  }
  if (n == 0 || (n < 0 && errno != EAGAIN))
    g_string_append(heard, "EOF");
  return g_string_free(heard, FALSE);
}
