/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-service-socket.h"

#include "cord-error.h"
#include "cord-http-error.h"
#include "cord-service-link.h"
#include "cord-websocket-client.h"

#define MAX_MESSAGE (1024 * 1024) /* bytes */
#define MAX_QUEUED (1024 * 1024)  /* bytes */
#define WRITE_STALL (5 * GST_SECOND)
#define PAYMENT_REQUIRED 402 /* HTTP */

struct _CordServiceSocket {
  CordWorker *worker;
  gchar *name;
  gchar *url;
  GStrv headers;
  GStrv secrets;
  guint connect_ms;
  gsize max_message;
  const CordServiceSocketFuncs *funcs;
  gpointer data;

  CordServiceLink *link;
  GCancellable *dialling;
  CordWebsocket *websocket;
  gboolean permanent;
};

static void
hang_up(CordServiceSocket *self)
{
  if (self->websocket == NULL)
    return;
  cord_websocket_set_handlers(self->websocket, NULL, NULL);
  cord_websocket_close(self->websocket, 1000, NULL);
  g_clear_object(&self->websocket);
}

/**
 * cord_service_socket_hide_secrets: (skip)
 * @self: a socket
 * @text: what the service says
 *
 * Returns: (transfer full): the same without the keys that it was told, to be shown to people
 */
gchar *
cord_service_socket_hide_secrets(CordServiceSocket *self, const gchar *text)
{
  return cord_http_hide_secrets(text, (const gchar *const *)self->secrets);
}

/* The connection */

static void
on_message(CordWebsocket *websocket, CordWebsocketMessageType type, const guint8 *data,
           gsize length, gpointer user_data)
{
  CordServiceSocket *self = user_data;

  if (type == CORD_WEBSOCKET_TEXT)
    self->funcs->message((const gchar *)data, length, self->data);
}

static void
on_closed(CordWebsocket *websocket, guint16 code, const gchar *reason, const GError *error,
          gpointer user_data)
{
  CordServiceSocket *self = user_data;
  g_autofree gchar *why = reason ? cord_service_socket_hide_secrets(self, reason) : NULL;
  gboolean reasoned = why && *why;

  g_clear_object(&self->websocket);
  cord_service_link_down(self->link,
                         error ? g_error_copy(error)
                               : g_error_new(CORD_ERROR, CORD_ERROR_CLOSED,
                                             "%s closed the connection (%u%s%s)", self->name, code,
                                             reasoned ? " " : "", reasoned ? why : ""));
}

static void
on_connected(GObject *source, GAsyncResult *result, gpointer data)
{
  static const CordWebsocketHandlers handlers = { .message = on_message, .closed = on_closed };
  CordServiceSocket *self = data;
  g_autoptr(GError) error = NULL;
  CordWebsocket *websocket = cord_websocket_connect_finish(result, &error);

  /* after a cancellation there may be no socket */
  if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  g_clear_object(&self->dialling);
  if (websocket == NULL) {
    self->permanent = cord_websocket_connect_get_status(result) == PAYMENT_REQUIRED;
    if (self->permanent)
      cord_service_link_fail(self->link, g_steal_pointer(&error));
    else
      cord_service_link_down_for(self->link, g_steal_pointer(&error),
                                 cord_websocket_connect_get_retry_after(result));
    return;
  }
  self->websocket = websocket;
  cord_websocket_set_handlers(websocket, &handlers, self);
  cord_websocket_set_max_message(websocket, self->max_message);
  cord_websocket_set_max_queued(websocket, MAX_QUEUED);
  cord_websocket_set_stall_timeout(websocket, WRITE_STALL);
  cord_websocket_start(websocket);
  cord_service_link_up(self->link);
}

/* The link */

static void
link_connect(gpointer data)
{
  CordServiceSocket *self = data;
  CordWebsocketRequest request = {
    .url = self->url,
    .headers = (const gchar *const *)self->headers,
    .timeout = self->connect_ms * GST_MSECOND,
  };

  self->dialling = g_cancellable_new();
  cord_websocket_connect_async(self->worker, &request, self->dialling, on_connected, self);
}

static void
link_disconnect(gpointer data)
{
  CordServiceSocket *self = data;

  if (self->dialling) {
    g_cancellable_cancel(self->dialling);
    g_clear_object(&self->dialling);
  }
  hang_up(self);
}

static void
link_up(gpointer data)
{
  CordServiceSocket *self = data;

  self->funcs->connected(self->data);
}

static void
link_down(const GError *error, gpointer data)
{
  CordServiceSocket *self = data;

  self->funcs->lost(error, self->data);
}

static void
link_failed(const GError *error, gpointer data)
{
  CordServiceSocket *self = data;

  self->funcs->failed(error,
                      self->permanent ||
                          g_error_matches(error, CORD_ERROR, CORD_ERROR_NOT_AUTHORIZED) ||
                          g_error_matches(error, CORD_ERROR, CORD_ERROR_INVALID) ||
                          g_error_matches(error, CORD_ERROR, CORD_ERROR_NOT_FOUND),
                      self->data);
}

static void
link_keep_alive(gpointer data)
{
  CordServiceSocket *self = data;

  if (self->funcs->keep_alive)
    self->funcs->keep_alive(self->data);
}

static const CordServiceLinkHandlers link_handlers = {
  link_connect, link_disconnect, link_up, link_down, link_failed, link_keep_alive,
};

/**
 * cord_service_socket_new: (skip)
 * @worker: where it lives
 * @settings: whom to talk to
 * @funcs: whom to tell; not from inside this call; must outlive the socket
 * @data: for @funcs
 *
 * Returns: (transfer full): a socket that is being connected
 */
CordServiceSocket *
cord_service_socket_new(CordWorker *worker, const CordServiceSocketSettings *settings,
                        const CordServiceSocketFuncs *funcs, gpointer data)
{
  CordServiceSocket *self = g_new0(CordServiceSocket, 1);
  g_autoptr(GUri) uri = g_uri_parse(settings->url, G_URI_FLAGS_ENCODED, NULL);
  CordServiceLinkTimes times = { settings->connect_ms, settings->give_up_ms,
                                 settings->keep_alive_ms };

  self->worker = g_object_ref(worker);
  self->name = g_strdup(settings->name);
  self->url = g_strdup(settings->url);
  self->headers = g_strdupv((gchar **)settings->headers);
  self->secrets = uri ? cord_http_collect_secrets(uri, settings->headers) : NULL;
  self->connect_ms = settings->connect_ms;
  self->max_message = settings->max_message ? settings->max_message : MAX_MESSAGE;
  self->funcs = funcs;
  self->data = data;
  self->link = cord_service_link_new(worker, &times, &link_handlers, self);
  cord_service_link_start(self->link);
  return self;
}

/**
 * cord_service_socket_free: (skip)
 * @self: (transfer full): a socket
 */
void
cord_service_socket_free(CordServiceSocket *self)
{
  cord_service_link_free(self->link);
  hang_up(self);
  g_object_unref(self->worker);
  g_strfreev(self->headers);
  g_strfreev(self->secrets);
  g_free(self->url);
  g_free(self->name);
  g_free(self);
}

/**
 * cord_service_socket_is_up: (skip)
 * @self: a socket
 *
 * Returns: whether something can be sent now
 */
gboolean
cord_service_socket_is_up(CordServiceSocket *self)
{
  return self->websocket != NULL;
}

/**
 * cord_service_socket_send: (skip)
 * @self: a socket
 * @text: a message
 *
 * Returns: whether it is on its way; if not, there is no connection (any more)
 */
gboolean
cord_service_socket_send(CordServiceSocket *self, const gchar *text)
{
  g_autoptr(GError) error = NULL;

  if (self->websocket == NULL)
    return FALSE;
  if (cord_websocket_send_text(self->websocket, text, -1, &error)) {
    cord_service_link_used(self->link);
    return TRUE;
  }
  cord_service_socket_lose(self, g_steal_pointer(&error));
  return FALSE;
}

/**
 * cord_service_socket_renew: (skip)
 * @self: a socket
 *
 * The connection has done what it was for: it is closed, and another is made at once.
 */
void
cord_service_socket_renew(CordServiceSocket *self)
{
  hang_up(self);
  cord_service_link_renew(self->link);
}

/**
 * cord_service_socket_lose: (skip)
 * @self: a socket
 * @error: (transfer full): why
 *
 * The connection is no good any more: another is made.
 */
void
cord_service_socket_lose(CordServiceSocket *self, GError *error)
{
  hang_up(self);
  cord_service_link_down(self->link, error);
}

/**
 * cord_service_socket_fail: (skip)
 * @self: a socket
 * @error: (transfer full): why
 *
 * The service has said that nothing will come of it: no other connection is made.
 */
void
cord_service_socket_fail(CordServiceSocket *self, GError *error)
{
  hang_up(self);
  self->permanent = TRUE;
  cord_service_link_fail(self->link, error);
}
