/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "twilio-listener.h"

#include <libsoup/soup.h>
#include <string.h>

#include "cord-websocket-server.h"

#define MAX_HOST 255 /* bytes */

/*
 * The little server of a twiliosrc without a connection: it answers a carrier's webhook with TwiML
 * that names its own WebSocket, and takes that. It runs on the worker.
 */
struct _TwilioListener {
  CordWorker *worker;
  SoupServer *server;
  gchar *path;
  guint port;
  const TwilioListenerFuncs *funcs; /* NULL when it has closed */
  gpointer data;
};

static gboolean
host_is_plain(const gchar *host)
{
  if (!host || !*host || strlen(host) > MAX_HOST)
    return FALSE;
  for (const gchar *p = host; *p; p++)
    if (!g_ascii_isalnum(*p) && !strchr(".-:[]", *p))
      return FALSE;
  return TRUE;
}

/**
 * twilio_listener_make_twiml:
 * @host: (nullable): the Host header of the carrier's request
 * @forwarded_proto: (nullable): its X-Forwarded-Proto header
 * @path: of the WebSocket
 *
 * Returns: (transfer full) (nullable): TwiML that connects the call, or %NULL if @host is none
 */
gchar *
twilio_listener_make_twiml(const gchar *host, const gchar *forwarded_proto, const gchar *path)
{
  g_autofree gchar *escaped = NULL;
  gboolean secure;

  if (!host_is_plain(host))
    return NULL;
  secure = forwarded_proto && g_ascii_strncasecmp(forwarded_proto, "https", 5) == 0;
  escaped = g_markup_escape_text(path, -1);
  return g_strdup_printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Connect>"
                         "<Stream url=\"%s://%s%s\"/></Connect></Response>",
                         secure ? "wss" : "ws", host, escaped);
}

static void
clear(gpointer data)
{
  TwilioListener *self = data;

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
  TwilioListener *self = data;

  if (self->funcs)
    self->funcs->connected(websocket, self->data);
}

static void
answer_webhook(TwilioListener *self, SoupServerMessage *message)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers(message);
  g_autofree gchar *twiml = twilio_listener_make_twiml(
      soup_message_headers_get_one(headers, "Host"),
      soup_message_headers_get_one(headers, "X-Forwarded-Proto"), self->path);

  if (!twiml) {
    soup_server_message_set_status(message, SOUP_STATUS_BAD_REQUEST, NULL);
    return;
  }
  soup_server_message_set_status(message, SOUP_STATUS_OK, NULL);
  soup_server_message_set_response(message, "text/xml", SOUP_MEMORY_COPY, twiml, strlen(twiml));
}

static void
on_request(SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
           gpointer data)
{
  TwilioListener *self = data;
  const char *method = soup_server_message_get_method(message);
  SoupMessageHeaders *headers = soup_server_message_get_request_headers(message);
  const char *upgrade = soup_message_headers_get_one(headers, "Upgrade");

  if (upgrade && g_ascii_strcasecmp(upgrade, "websocket") == 0) {
    if (strcmp(path, self->path) != 0)
      soup_server_message_set_status(message, SOUP_STATUS_NOT_FOUND, NULL);
    else if (self->funcs->busy(self->data))
      soup_server_message_set_status(message, SOUP_STATUS_SERVICE_UNAVAILABLE, NULL);
    else
      cord_websocket_server_take(message, self->worker, on_websocket, g_atomic_rc_box_acquire(self),
                                 release);
  } else if (strcmp(method, "GET") == 0 || strcmp(method, "POST") == 0) {
    answer_webhook(self, message);
  } else {
    soup_server_message_set_status(message, SOUP_STATUS_METHOD_NOT_ALLOWED, NULL);
  }
}

/* A webhook's form is of no interest here: it is not kept, however long it is. */
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
start_listening(TwilioListener *self, const gchar *address, guint port, GError **error)
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
 * twilio_listener_new:
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
TwilioListener *
twilio_listener_new(CordWorker *worker, const gchar *address, guint port, const gchar *path,
                    const TwilioListenerFuncs *funcs, gpointer data, GError **error)
{
  TwilioListener *self = g_atomic_rc_box_new0(TwilioListener);

  self->worker = g_object_ref(worker);
  self->path = g_strconcat(*path == '/' ? "" : "/", path, NULL);
  self->funcs = funcs;
  self->data = data;
  self->server = soup_server_new("server-header", "cordboard ", NULL);
  soup_server_add_early_handler(self->server, NULL, on_headers, self, NULL);
  soup_server_add_handler(self->server, NULL, on_request, self, NULL);
  if (!start_listening(self, address, port, error))
    g_clear_pointer(&self, twilio_listener_free);
  return self;
}

void
twilio_listener_free(TwilioListener *self)
{
  self->funcs = NULL;
  soup_server_disconnect(self->server);
  g_clear_object(&self->server);
  release(self);
}

guint
twilio_listener_get_port(TwilioListener *self)
{
  return self->port;
}
