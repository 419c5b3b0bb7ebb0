/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "media-listener.h"

#include <libsoup/soup.h>
#include <string.h>

#include "cord-websocket-server.h"

/*
 * The little server of a source without a connection: it takes the WebSocket, and answers whatever
 * else is asked with what its protocol has to say of the way there. It runs on the worker.
 */
struct _MediaListener {
  const MediaProtocol *protocol;
  CordWorker *worker;
  SoupServer *server;
  gchar *path;
  guint port;
  const MediaListenerFuncs *funcs; /* NULL when it has closed */
  gpointer data;
};

/* A browser says for which page it asks: one from elsewhere has no business here. */
static gboolean
is_welcome(SoupMessageHeaders *headers)
{
  const char *origin = soup_message_headers_get_one(headers, "Origin");
  const char *host = soup_message_headers_get_one(headers, "Host");
  const char *start = origin ? strstr(origin, "://") : NULL;

  return !origin || (host && start && g_ascii_strcasecmp(start + 3, host) == 0);
}

static void
clear(gpointer data)
{
  MediaListener *self = data;

  g_object_unref(self->worker);
  g_free(self->path);
}

/* Handshakes in progress hold the listener; any thread. */
static void
release(gpointer data)
{
  g_atomic_rc_box_release_full(data, clear);
}

static void
on_websocket(CordWebsocket *websocket, gpointer data)
{
  MediaListener *self = data;

  if (self->funcs)
    self->funcs->connected(websocket, self->data);
}

static void
answer_request(MediaListener *self, SoupServerMessage *message)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers(message);
  const gchar *type = NULL;
  g_autofree gchar *text = self->protocol->answer(
      soup_message_headers_get_one(headers, "Host"),
      soup_message_headers_get_one(headers, "X-Forwarded-Proto"), self->path, &type);

  if (!text) {
    soup_server_message_set_status(message, SOUP_STATUS_BAD_REQUEST, NULL);
    return;
  }
  soup_server_message_set_status(message, SOUP_STATUS_OK, NULL);
  soup_server_message_set_response(message, type, SOUP_MEMORY_COPY, text, strlen(text));
}

static void
on_request(SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
           gpointer data)
{
  MediaListener *self = data;
  const char *method = soup_server_message_get_method(message);
  SoupMessageHeaders *headers = soup_server_message_get_request_headers(message);
  const char *upgrade = soup_message_headers_get_one(headers, "Upgrade");

  if (upgrade && g_ascii_strcasecmp(upgrade, "websocket") == 0) {
    if (strcmp(path, self->path) != 0)
      soup_server_message_set_status(message, SOUP_STATUS_NOT_FOUND, NULL);
    else if (!is_welcome(headers))
      soup_server_message_set_status(message, SOUP_STATUS_FORBIDDEN, NULL);
    else if (self->funcs->busy(self->data))
      soup_server_message_set_status(message, SOUP_STATUS_SERVICE_UNAVAILABLE, NULL);
    else
      cord_websocket_server_take(message, self->worker, on_websocket, g_atomic_rc_box_acquire(self),
                                 release);
  } else if (strcmp(method, "GET") == 0 || strcmp(method, "POST") == 0) {
    answer_request(self, message);
  } else {
    soup_server_message_set_status(message, SOUP_STATUS_METHOD_NOT_ALLOWED, NULL);
  }
}

/* A request's body is of no interest here: it is not kept, however long it is. */
static void
on_headers(SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
           gpointer data)
{
  soup_message_body_set_accumulate(soup_server_message_get_request_body(message), FALSE);
}

/* soup_server_get_uris() would tell too, but loses the addresses it asks for (libsoup 3.2). */
static guint
find_port(SoupServer *server)
{
  g_autoptr(GSList) sockets = soup_server_get_listeners(server);
  g_autoptr(GSocketAddress) address = g_socket_get_local_address(sockets->data, NULL);

  return g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(address));
}

static gboolean
start_listening(MediaListener *self, const gchar *address, guint port, GError **error)
{
  g_autoptr(GSocketAddress) where = g_inet_socket_address_new_from_string(address, port);
  g_autoptr(GError) local = NULL;

  if (!where) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID, "\"%s\" is not an address to listen on",
                address);
    return FALSE;
  }
  if (!soup_server_listen(self->server, where, 0, &local)) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_NETWORK, "Cannot listen on %s port %u: %s", address,
                port, local->message);
    return FALSE;
  }
  self->port = find_port(self->server);
  return TRUE;
}

/**
 * media_listener_new:
 * @protocol: of the stream
 * @worker: the worker, on whose thread this is called
 * @address: where to listen
 * @port: where to listen, 0 for any
 * @path: of the WebSocket
 * @funcs: whom to ask and tell
 * @data: for @funcs
 * @error: return location
 *
 * Returns: (transfer full) (nullable): a listener
 */
MediaListener *
media_listener_new(const MediaProtocol *protocol, CordWorker *worker, const gchar *address,
                   guint port, const gchar *path, const MediaListenerFuncs *funcs, gpointer data,
                   GError **error)
{
  MediaListener *self = g_atomic_rc_box_new0(MediaListener);

  self->protocol = protocol;
  self->worker = g_object_ref(worker);
  self->path = g_strconcat(*path == '/' ? "" : "/", path, NULL);
  self->funcs = funcs;
  self->data = data;
  self->server = soup_server_new("server-header", "cordboard ", NULL);
  soup_server_add_early_handler(self->server, NULL, on_headers, self, NULL);
  soup_server_add_handler(self->server, NULL, on_request, self, NULL);
  if (!start_listening(self, address, port, error))
    g_clear_pointer(&self, media_listener_free);
  return self;
}

void
media_listener_free(MediaListener *self)
{
  self->funcs = NULL;
  soup_server_disconnect(self->server);
  g_clear_object(&self->server);
  release(self);
}

guint
media_listener_get_port(MediaListener *self)
{
  return self->port;
}
