/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http-peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455 */

/* Lets the worker work until *until. Sockets wake it; a test that hangs is ended by its runner. */
void
http_peer_spin(CordWorker *worker, const gboolean *until)
{
  while (!*until)
    g_main_context_iteration(cord_worker_get_main_context(worker), TRUE);
}

static gboolean
on_readable(gint fd, GIOCondition condition, gpointer data)
{
  *(gboolean *)data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Lets the worker work until the descriptor has something. */
static void
spin_for(HttpPeer *self, int fd)
{
  g_autoptr(GSource) source = g_unix_fd_source_new(fd, G_IO_IN | G_IO_HUP);
  gboolean readable = FALSE;

  g_source_set_callback(source, G_SOURCE_FUNC(on_readable), &readable, NULL);
  g_source_attach(source, cord_worker_get_main_context(self->worker));
  http_peer_spin(self->worker, &readable);
}

void
http_peer_init(HttpPeer *self, CordWorker *worker)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  socklen_t size = sizeof address;

  self->worker = worker;
  self->fd = -1;
  self->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(self->listener, (struct sockaddr *)&address, size) < 0 ||
      listen(self->listener, 8) < 0 ||
      getsockname(self->listener, (struct sockaddr *)&address, &size) < 0)
    g_error("listen: %s", g_strerror(errno));
  self->port = ntohs(address.sin_port);
}

void
http_peer_clear(HttpPeer *self)
{
  http_peer_hang_up(self);
  close(self->listener);
}

gchar *
http_peer_url(HttpPeer *self, const gchar *scheme, const gchar *path)
{
  return g_strdup_printf("%s://127.0.0.1:%u%s", scheme, self->port, path);
}

void
http_peer_accept(HttpPeer *self)
{
  const int one = 1;

  http_peer_hang_up(self);
  spin_for(self, self->listener);
  self->fd = accept4(self->listener, NULL, NULL, SOCK_CLOEXEC);
  g_assert_cmpint(self->fd, >=, 0);
  /* what is sent is there, however little it is */
  setsockopt(self->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

gchar *
http_peer_read(HttpPeer *self, gsize length)
{
  g_autofree gchar *bytes = g_malloc0(length + 1);
  gsize have = 0;

  while (have < length) {
    gssize n;

    spin_for(self, self->fd);
    n = recv(self->fd, bytes + have, length - have, 0);
    if (n <= 0)
      g_error("the other side has gone");
    have += (gsize)n;
  }
  return g_steal_pointer(&bytes);
}

/* The request line and the headers, with the empty line. */
gchar *
http_peer_read_head(HttpPeer *self)
{
  g_autoptr(GString) head = g_string_new(NULL);

  while (!g_str_has_suffix(head->str, "\r\n\r\n")) {
    g_autofree gchar *byte = http_peer_read(self, 1);

    g_string_append(head, byte);
  }
  return g_string_free(g_steal_pointer(&head), FALSE);
}

void
http_peer_write(HttpPeer *self, const gchar *bytes)
{
  gsize length = strlen(bytes);

  while (length > 0) {
    gssize n = send(self->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN) {
      cord_worker_iterate(self->worker);
      continue;
    }
    if (n < 0)
      return;
    bytes += n;
    length -= (gsize)n;
  }
}

static gchar *
accept_key(const gchar *head)
{
  const gchar *key = strstr(head, "Sec-WebSocket-Key: ");
  g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA1);
  guint8 digest[20];
  gsize size = sizeof digest;

  g_assert_nonnull(key);
  key += strlen("Sec-WebSocket-Key: ");
  g_checksum_update(checksum, (const guchar *)key, strcspn(key, "\r"));
  g_checksum_update(checksum, (const guchar *)GUID, -1);
  g_checksum_get_digest(checksum, digest, &size);
  return g_base64_encode(digest, size);
}

/* Makes the connection a WebSocket, as @head has asked for. */
void
http_peer_upgrade(HttpPeer *self, const gchar *head)
{
  g_autofree gchar *key = accept_key(head);
  g_autofree gchar *text =
      g_strdup_printf("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                      "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                      key);

  http_peer_write(self, text);
}

void
http_peer_hang_up(HttpPeer *self)
{
  if (self->fd >= 0)
    close(self->fd);
  self->fd = -1;
}

/* Whether the other side closes its connection, once it had the time to. */
gboolean
http_peer_is_gone(HttpPeer *self)
{
  gchar byte;

  spin_for(self, self->fd);
  return recv(self->fd, &byte, 1, 0) <= 0;
}
