/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "cord-guard-stream.h"

#define BACKLOG 1024
#define COMPLAIN_EVERY (10 * G_USEC_PER_SEC) /* about a flood */

/* Shared with the connections, which may end on a media thread after the listener is gone. */
typedef struct {
  gatomicrefcount ref_count;
  GMutex lock;           /* leaf; guards what follows */
  GHashTable *addresses; /* text -> GUINT of connections */
  guint count;
} Census;

struct _CordListener {
  GObject parent_instance;
  SoupServer *server;
  CordListenerLimits limits;
  GSocketService *service;
  Census *census;
  gint64 complained;
  guint refused;
};

typedef struct {
  CordListener *listener;
  Census *census;
  gchar *address;
  GSocket *socket;
  CordGuardStream *stream; /* not owned */
  guint deadline;
  CordHttpPhase phase;
} Connection;

G_DEFINE_FINAL_TYPE(CordListener, cord_listener, G_TYPE_OBJECT)

static void
census_unref(Census *census)
{
  if (!g_atomic_ref_count_dec(&census->ref_count))
    return;
  g_hash_table_unref(census->addresses);
  g_mutex_clear(&census->lock);
  g_free(census);
}

static gboolean
census_enter(CordListener *self, const gchar *address, gboolean local)
{
  Census *census = self->census;
  gboolean room;
  guint there;

  g_mutex_lock(&census->lock);
  there = GPOINTER_TO_UINT(g_hash_table_lookup(census->addresses, address));
  room = census->count < self->limits.connections &&
         (local || there < self->limits.connections_per_address);
  if (room) {
    census->count++;
    g_hash_table_insert(census->addresses, g_strdup(address), GUINT_TO_POINTER(there + 1));
  }
  g_mutex_unlock(&census->lock);
  return room;
}

static void
census_leave(Census *census, const gchar *address)
{
  guint there;

  g_mutex_lock(&census->lock);
  census->count--;
  there = GPOINTER_TO_UINT(g_hash_table_lookup(census->addresses, address));
  if (there > 1)
    g_hash_table_insert(census->addresses, g_strdup(address), GUINT_TO_POINTER(there - 1));
  else
    g_hash_table_remove(census->addresses, address);
  g_mutex_unlock(&census->lock);
}

/* Runs where the last reference to the stream is dropped. */
static void
connection_gone(gpointer data, GObject *stream)
{
  Connection *connection = data;

  g_clear_handle_id(&connection->deadline, g_source_remove);
  census_leave(connection->census, connection->address);
  census_unref(connection->census);
  g_object_unref(connection->socket);
  g_free(connection->address);
  g_free(connection);
}

static gboolean
on_deadline(gpointer data)
{
  Connection *connection = data;

  connection->deadline = 0;
  if (connection->phase == CORD_HTTP_HEAD || connection->phase == CORD_HTTP_BODY)
    cord_guard_stream_refuse(connection->stream, 408, "The request took too long to arrive.");
  /* whoever reads above sees the end of the stream */
  g_socket_shutdown(connection->socket, TRUE, TRUE, NULL);
  return G_SOURCE_REMOVE;
}

static void
arm(Connection *connection, guint ms)
{
  g_clear_handle_id(&connection->deadline, g_source_remove);
  if (ms > 0)
    connection->deadline = g_timeout_add(ms, on_deadline, connection);
}

static void
on_phase(CordGuardStream *stream, CordHttpPhase phase, gpointer data)
{
  Connection *connection = data;
  const CordListenerLimits *limits;

  connection->phase = phase;
  /* a connection that has become a WebSocket leaves HTTP, and with it this thread */
  if (phase == CORD_HTTP_PASS || connection->listener == NULL) {
    arm(connection, 0);
    return;
  }
  limits = &connection->listener->limits;
  arm(connection, phase == CORD_HTTP_HEAD   ? limits->head_ms
                  : phase == CORD_HTTP_BODY ? limits->body_ms
                                            : limits->idle_ms);
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
  Connection *record = g_new0(Connection, 1);
  g_autoptr(CordGuardStream) stream = NULL;
  g_autoptr(GError) error = NULL;

  record->listener = self;
  record->census = self->census;
  g_atomic_ref_count_inc(&self->census->ref_count);
  record->address = g_strdup(text);
  record->socket = g_object_ref(g_socket_connection_get_socket(connection));
  stream = cord_guard_stream_new(G_IO_STREAM(connection), self->limits.max_body, on_phase, record);
  record->stream = stream;
  g_object_weak_ref(G_OBJECT(stream), connection_gone, record);
  arm(record, self->limits.head_ms);
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
  if (!census_enter(self, text, inet && g_inet_address_get_is_loopback(inet))) {
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
  guint count;

  g_mutex_lock(&self->census->lock);
  count = self->census->count;
  g_mutex_unlock(&self->census->lock);
  return count;
}

static void
cord_listener_finalize(GObject *object)
{
  CordListener *self = CORD_LISTENER(object);

  cord_listener_stop(self);
  g_clear_object(&self->service);
  g_clear_object(&self->server);
  census_unref(self->census);
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
  self->census = g_new0(Census, 1);
  g_atomic_ref_count_init(&self->census->ref_count);
  g_mutex_init(&self->census->lock);
  self->census->addresses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  self->service = g_socket_service_new();
  g_socket_service_stop(self->service);
  g_signal_connect(self->service, "incoming", G_CALLBACK(on_incoming), self);
}

/**
 * cord_listener_new:
 * @server: who answers
 * @limits: how much
 *
 * The listener outlives the connections that are still HTTP.
 *
 * Returns: (transfer full): a listener that listens nowhere
 */
CordListener *
cord_listener_new(SoupServer *server, const CordListenerLimits *limits)
{
  CordListener *self = g_object_new(CORD_TYPE_LISTENER, NULL);

  self->server = g_object_ref(server);
  self->limits = *limits;
  return self;
}
