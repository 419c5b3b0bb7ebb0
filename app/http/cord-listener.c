/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#define BACKLOG 1024
#define COMPLAIN_EVERY (10 * G_USEC_PER_SEC) /* about a flood */

#define BUSY                                                                                       \
  "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nContent-Length: 0\r\nConnection: "       \
  "close\r\n\r\n"

struct _CordListener {
  GObject parent_instance;
  SoupServer *server;
  CordListenerLimits limits;
  GSocketService *service;
  CordCensus *census;
  gint64 complained;
  guint refused;
};

/* Lives as long as the connection it counts. */
typedef struct {
  CordCensus *census;
  gchar *address;
} Counted;

G_DEFINE_FINAL_TYPE(CordListener, cord_listener, G_TYPE_OBJECT)

/* Runs where the last reference to the connection is dropped. */
static void
connection_gone(gpointer data)
{
  Counted *counted = data;

  cord_census_leave(counted->census, counted->address);
  cord_census_unref(counted->census);
  g_free(counted->address);
  g_free(counted);
}

static void
complain(CordListener *self, const gchar *address)
{
  gint64 now = g_get_monotonic_time();

  self->refused++;
  if (self->complained && now - self->complained < COMPLAIN_EVERY)
    return;
  self->complained = now;
  g_warning("too many connections: %u refused since the last line, the latest from %s",
            self->refused, address);
  self->refused = 0;
}

static void
serve(CordListener *self, GSocketConnection *connection, const gchar *text, GSocketAddress *local,
      GSocketAddress *remote)
{
  Counted *counted = g_new0(Counted, 1);
  g_autoptr(CordGuardStream) stream = NULL;
  g_autoptr(GError) error = NULL;

  counted->census = cord_census_ref(self->census);
  counted->address = g_strdup(text);
  g_object_set_data_full(G_OBJECT(connection), "cord-counted", counted, connection_gone);
  stream = cord_guard_stream_new(connection, &self->limits.guard, self->census);
  if (!soup_server_accept_iostream(self->server, G_IO_STREAM(stream), local, remote, &error))
    g_warning("a connection is lost: %s", error->message);
}

static gboolean
on_incoming(GSocketService *service, GSocketConnection *connection, GObject *source, gpointer data)
{
  CordListener *self = data;
  g_autoptr(GSocketAddress) remote = g_socket_connection_get_remote_address(connection, NULL);
  g_autoptr(GSocketAddress) local = g_socket_connection_get_local_address(connection, NULL);
  GInetAddress *inet = G_IS_INET_SOCKET_ADDRESS(remote)
                           ? g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(remote))
                           : NULL;
  g_autofree gchar *text = inet ? g_inet_address_to_string(inet) : g_strdup("?");

  if (remote == NULL || local == NULL)
    return TRUE;
  if (!cord_census_enter(self->census, text, inet && g_inet_address_get_is_loopback(inet))) {
    g_socket_send_with_blocking(g_socket_connection_get_socket(connection), BUSY, strlen(BUSY),
                                FALSE, NULL, NULL);
    complain(self, text);
    return TRUE;
  }
  g_socket_set_option(g_socket_connection_get_socket(connection), IPPROTO_TCP, TCP_NODELAY, 1,
                      NULL);
  serve(self, connection, text, local, remote);
  return TRUE;
}

/**
 * cord_listener_listen:
 * @self: a listener
 * @address: ADDRESS:PORT, with [ ] around an IPv6 address; port 0 for any
 * @error: return location for an error
 *
 * Returns: (transfer full): where it listens, or %NULL
 */
GSocketAddress *
cord_listener_listen(CordListener *self, const gchar *address, GError **error)
{
  g_autoptr(GSocketConnectable) parsed = g_network_address_parse(address, 8000, error);
  g_autoptr(GSocketAddress) wanted = NULL;
  GSocketAddress *effective = NULL;

  if (parsed == NULL)
    return NULL;
  wanted = g_inet_socket_address_new_from_string(
      g_network_address_get_hostname(G_NETWORK_ADDRESS(parsed)),
      g_network_address_get_port(G_NETWORK_ADDRESS(parsed)));
  if (wanted == NULL) {
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                "\"%s\" is not an address and a port, as 127.0.0.1:8000", address);
    return NULL;
  }
  g_socket_listener_set_backlog(G_SOCKET_LISTENER(self->service), BACKLOG);
  if (!g_socket_listener_add_address(G_SOCKET_LISTENER(self->service), wanted, G_SOCKET_TYPE_STREAM,
                                     G_SOCKET_PROTOCOL_TCP, NULL, &effective, error)) {
    g_prefix_error(error, "cannot listen on %s: ", address);
    return NULL;
  }
  g_socket_service_start(self->service);
  return effective;
}

/**
 * cord_listener_stop:
 * @self: a listener
 *
 * Accepts no more; what is connected stays.
 */
void
cord_listener_stop(CordListener *self)
{
  g_socket_service_stop(self->service);
  g_socket_listener_close(G_SOCKET_LISTENER(self->service));
}

/**
 * cord_listener_get_count:
 * @self: a listener
 *
 * Returns: the number of open connections, WebSockets included
 */
guint
cord_listener_get_count(CordListener *self)
{
  return cord_census_get_count(self->census);
}

static void
cord_listener_finalize(GObject *object)
{
  CordListener *self = CORD_LISTENER(object);

  cord_listener_stop(self);
  g_clear_object(&self->service);
  g_clear_object(&self->server);
  g_clear_pointer(&self->census, cord_census_unref);
  G_OBJECT_CLASS(cord_listener_parent_class)->finalize(object);
}

static void
cord_listener_class_init(CordListenerClass *klass)
{
  G_OBJECT_CLASS(klass)->finalize = cord_listener_finalize;
}

static void
cord_listener_init(CordListener *self)
{
  self->service = g_socket_service_new();
  g_socket_service_stop(self->service);
  g_signal_connect(self->service, "incoming", G_CALLBACK(on_incoming), self);
}

/**
 * cord_listener_new:
 * @server: who answers
 * @limits: how much
 *
 * Returns: (transfer full): a listener that listens nowhere
 */
CordListener *
cord_listener_new(SoupServer *server, const CordListenerLimits *limits)
{
  CordListener *self = g_object_new(CORD_TYPE_LISTENER, NULL);

  self->server = g_object_ref(server);
  self->limits = *limits;
  self->census =
      cord_census_new(limits->connections, limits->connections_per_address, limits->bodies);
  return self;
}
