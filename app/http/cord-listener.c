/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#define BACKLOG 1024
#define ACCEPT_AT_ONCE 32
#define PAUSE_MS 100                         /* when there are no more descriptors */
#define COMPLAIN_EVERY (10 * G_USEC_PER_SEC) /* about a flood */

#define BUSY                                                                                       \
  "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nContent-Length: 0\r\nConnection: "       \
  "close\r\n\r\n"

struct _CordListener {
  GObject parent_instance;
  SoupServer *server;
  CordListenerLimits limits;
  GSocket *socket;
  GSource *source; /* of connections, or of the end of a pause */
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

/* One line about many, now and then. */
static void
complain(CordListener *self, const gchar *why)
{
  gint64 now = g_get_monotonic_time();

  self->refused++;
  if (self->complained && now - self->complained < COMPLAIN_EVERY)
    return;
  self->complained = now;
  g_warning("too many connections: %u refused since the last line, the latest %s", self->refused,
            why);
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

static void
welcome(CordListener *self, GSocketConnection *connection)
{
  GSocket *socket = g_socket_connection_get_socket(connection);
  g_autoptr(GSocketAddress) remote = g_socket_connection_get_remote_address(connection, NULL);
  g_autoptr(GSocketAddress) local = g_socket_connection_get_local_address(connection, NULL);
  GInetAddress *inet = G_IS_INET_SOCKET_ADDRESS(remote)
                           ? g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(remote))
                           : NULL;
  g_autofree gchar *text = NULL;

  if (inet == NULL || local == NULL)
    return;
  text = g_inet_address_to_string(inet);
  if (!cord_census_enter(self->census, text, g_inet_address_get_is_loopback(inet))) {
    g_autofree gchar *why = g_strdup_printf("from %s", text);

    g_socket_send_with_blocking(socket, BUSY, strlen(BUSY), FALSE, NULL, NULL);
    complain(self, why);
    return;
  }
  g_socket_set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
  serve(self, connection, text, local, remote);
}

static void
set_source(CordListener *self, GSource *source, GSourceFunc func)
{
  if (self->source)
    g_source_destroy(self->source);
  g_clear_pointer(&self->source, g_source_unref);
  self->source = source;
  if (source) {
    g_source_set_callback(source, func, self, NULL);
    g_source_attach(source, g_main_context_get_thread_default());
  }
}

static gboolean on_pause_over(gpointer data);

static gboolean
on_incoming(GSocket *socket, GIOCondition condition, gpointer data)
{
  CordListener *self = data;

  for (guint i = 0; i < ACCEPT_AT_ONCE; i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GSocket) accepted = g_socket_accept(socket, NULL, &error);
    g_autoptr(GSocketConnection) connection = NULL;

    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
      break;
    if (accepted == NULL) {
      /* mostly for want of descriptors: the connection waits in the kernel, so must we */
      complain(self, error->message);
      set_source(self, g_timeout_source_new(PAUSE_MS), on_pause_over);
      return G_SOURCE_REMOVE;
    }
    connection = g_socket_connection_factory_create_connection(accepted);
    welcome(self, connection);
  }
  return G_SOURCE_CONTINUE;
}

static void
start(CordListener *self)
{
  set_source(self, g_socket_create_source(self->socket, G_IO_IN, NULL), G_SOURCE_FUNC(on_incoming));
}

static gboolean
on_pause_over(gpointer data)
{
  start(data);
  return G_SOURCE_REMOVE;
}

/* "localhost" is meant as a loopback address; no other name is looked up. */
static GSocketAddress *
parse_address(const gchar *address, GError **error)
{
  g_autoptr(GSocketConnectable) parsed = g_network_address_parse(address, 8000, NULL);
  GSocketAddress *wanted = NULL;

  if (parsed) {
    GNetworkAddress *network = G_NETWORK_ADDRESS(parsed);
    const gchar *host = g_network_address_get_hostname(network);

    if (g_ascii_strcasecmp(host, "localhost") == 0)
      host = "127.0.0.1";
    wanted = g_inet_socket_address_new_from_string(host, g_network_address_get_port(network));
  }
  if (wanted == NULL)
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                "\"%s\" is not an address and a port, as 127.0.0.1:8000 or [::1]:8000", address);
  return wanted;
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
  g_autoptr(GSocketAddress) wanted = parse_address(address, error);
  g_autoptr(GSocket) socket = NULL;

  if (wanted == NULL)
    return NULL;
  socket = g_socket_new(g_socket_address_get_family(wanted), G_SOCKET_TYPE_STREAM,
                        G_SOCKET_PROTOCOL_TCP, error);
  if (socket == NULL)
    return NULL;
  g_socket_set_blocking(socket, FALSE);
  g_socket_set_listen_backlog(socket, BACKLOG);
  if (!g_socket_bind(socket, wanted, TRUE, error) || !g_socket_listen(socket, error)) {
    g_prefix_error(error, "cannot listen on %s: ", address);
    return NULL;
  }
  g_set_object(&self->socket, socket);
  start(self);
  return g_socket_get_local_address(socket, error);
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
  set_source(self, NULL, NULL);
  if (self->socket)
    g_socket_close(self->socket, NULL);
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
  g_clear_object(&self->socket);
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
