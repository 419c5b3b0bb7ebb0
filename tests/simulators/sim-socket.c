/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cord-json.h"
#include "cord-websocket-server.h"
#include "sim-private.h"

#define MAX_MESSAGE (16 * 1024 * 1024)

struct _SimSocket {
  SimConnection base; /* first: they are cast */
  CordWebsocket *websocket;
  GSocket *socket;
  GStrv parts;
  GHashTable *query;
  GHashTable *headers;
  GPtrArray *tasks; /* Task */
  guint busy;       /* a handler runs: not freed before it returns */
  gboolean over;
  gpointer data;
  GDestroyNotify destroy;
};

typedef struct {
  SimSocket *socket;
  CordTimer *timer;
  void (*func)(SimSocket *socket, gpointer data);
  gpointer data;
  GDestroyNotify destroy;
  gboolean text; /* of a late piece */
} Task;

static void
free_task(gpointer data)
{
  Task *task = data;

  g_clear_pointer(&task->timer, cord_timer_remove);
  if (task->destroy)
    task->destroy(task->data);
  g_free(task);
}

static void
free_socket(SimSocket *self)
{
  g_ptr_array_unref(self->tasks);
  if (self->destroy)
    self->destroy(self->data);
  sim_connection_clear(&self->base);
  if (self->websocket)
    cord_websocket_set_handlers(self->websocket, NULL, NULL);
  g_clear_object(&self->websocket);
  g_clear_object(&self->socket);
  g_strfreev(self->parts);
  g_hash_table_unref(self->query);
  g_hash_table_unref(self->headers);
  g_free(self);
}

static void
leave(SimSocket *self)
{
  self->busy--;
  if (self->over && self->busy == 0)
    free_socket(self);
}

/* What goes out */

static void
emit(SimConnection *base, gboolean text, gconstpointer data, gsize length)
{
  SimSocket *self = (SimSocket *)base;

  if (self->over)
    return;
  sim_record(base, "out", text ? "text" : "binary", data, length);
  if (text)
    cord_websocket_send_text(self->websocket, data, (gssize)length, NULL);
  else
    cord_websocket_send_binary(self->websocket, data, length, NULL);
}

static void
cut(SimConnection *base, gboolean hard)
{
  SimSocket *self = (SimSocket *)base;
  struct linger linger = { 1, 0 };

  if (self->over || !self->socket)
    return;
  sim_record(base, "out", hard ? "reset" : "cut", "", 0);
  if (!hard) {
    g_socket_shutdown(self->socket, TRUE, TRUE, NULL);
    return;
  }
  /* with this a socket that is closed sends RST; our own side must not see it any more */
  setsockopt(g_socket_get_fd(self->socket), SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  cord_websocket_set_handlers(self->websocket, NULL, NULL);
  g_clear_object(&self->websocket);
  g_socket_close(self->socket, NULL);
  self->over = TRUE;
}

static void
half(SimConnection *base)
{
  SimSocket *self = (SimSocket *)base;

  if (self->over || !self->socket)
    return;
  sim_record(base, "out", "half", "", 0);
  g_socket_shutdown(self->socket, FALSE, TRUE, NULL);
}

/* The connection stays open, but nobody is there: what was the socket is a number without a
 * reader. */
static void
deaf(SimConnection *base)
{
  SimSocket *self = (SimSocket *)base;

  if (self->over || !self->socket)
    return;
  sim_server_keep_fd(base->server, dup(g_socket_get_fd(self->socket)));
  cord_websocket_set_handlers(self->websocket, NULL, NULL);
  g_clear_object(&self->websocket);
  self->over = TRUE;
}

/* Past the engine, when it has nothing of its own to write. TLS has no such way. */
static gssize
write_raw(SimConnection *base, gconstpointer data, gsize length)
{
  SimSocket *self = (SimSocket *)base;
  g_autoptr(GError) error = NULL;
  gssize n;

  if (self->over || !self->socket || base->server->secure)
    return -1;
  if (cord_websocket_get_queued(self->websocket) > 0)
    return 0;
  n = g_socket_send_with_blocking(self->socket, data, length, FALSE, NULL, &error);
  if (n < 0)
    return g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK) ? 0 : -1;
  sim_record(base, "out", "raw", data, (gsize)n);
  return n;
}

static void
finish(SimConnection *base)
{
}

static void
close_it(SimConnection *base, guint16 code, const gchar *reason)
{
  SimSocket *self = (SimSocket *)base;

  if (self->over)
    return;
  sim_record_close(base, code, reason);
  cord_websocket_close(self->websocket, code, reason);
}

static void
emit_late(SimSocket *self, gpointer data)
{
  GBytes *piece = data;

  emit(&self->base, TRUE, g_bytes_get_data(piece, NULL), g_bytes_get_size(piece));
}

static void
emit_late_binary(SimSocket *self, gpointer data)
{
  GBytes *piece = data;

  emit(&self->base, FALSE, g_bytes_get_data(piece, NULL), g_bytes_get_size(piece));
}

static void
send_later(SimConnection *base, GstClockTime delay, gboolean text, GBytes *piece)
{
  sim_socket_schedule((SimSocket *)base, delay, text ? emit_late : emit_late_binary,
                      g_bytes_ref(piece), (GDestroyNotify)g_bytes_unref);
}

void
sim_socket_send_text(SimSocket *self, const gchar *text, gssize length)
{
  sim_connection_send(&self->base, TRUE, text, length < 0 ? strlen(text) : (gsize)length);
}

void
sim_socket_send_binary(SimSocket *self, gconstpointer data, gsize length)
{
  sim_connection_send(&self->base, FALSE, data, length);
}

void
sim_socket_close(SimSocket *self, guint16 code, const gchar *reason)
{
  sim_connection_close(&self->base, code, reason);
}

/* Time */

static void
on_task(gpointer data)
{
  Task *task = data;
  SimSocket *self = task->socket;

  task->timer = NULL;
  self->busy++;
  task->func(self, task->data);
  g_ptr_array_remove(self->tasks, task);
  leave(self);
}

void
sim_socket_schedule(SimSocket *self, GstClockTime delay,
                    void (*func)(SimSocket *socket, gpointer data), gpointer data,
                    GDestroyNotify destroy)
{
  Task *task = g_new0(Task, 1);

  *task = (Task){ self, NULL, func, data, destroy, FALSE };
  task->timer = cord_worker_add_timer(self->base.server->worker, delay, on_task, task);
  g_ptr_array_add(self->tasks, task);
}

/* What comes in */

static void
on_message(CordWebsocket *websocket, CordWebsocketMessageType type, const guint8 *data,
           gsize length, gpointer user_data)
{
  SimSocket *self = user_data;
  const SimRoute *route = self->base.route;

  if (self->base.silent || self->over)
    return;
  self->busy++;
  sim_journal_add(&self->base, "in", type == CORD_WEBSOCKET_TEXT ? "text" : "binary", data, length);
  if (type == CORD_WEBSOCKET_TEXT && route->text) {
    g_autofree gchar *text = g_strndup((const gchar *)data, length);

    route->text(self, text, length);
  } else if (type == CORD_WEBSOCKET_BINARY && route->binary) {
    route->binary(self, data, length);
  }
  leave(self);
}

static void
on_closed(CordWebsocket *websocket, guint16 code, const gchar *reason, const GError *error,
          gpointer user_data)
{
  SimSocket *self = user_data;
  g_autofree gchar *text = g_strdup_printf("%u %s", code, reason ? reason : "");

  self->busy++;
  sim_journal_add(&self->base, "in", "close", text, strlen(text));
  self->over = TRUE;
  if (self->base.route->closed)
    self->base.route->closed(self, code);
  leave(self);
}

/* What was asked */

SimServer *
sim_socket_get_server(SimSocket *self)
{
  return self->base.server;
}

const gchar *
sim_socket_get_provider(SimSocket *self)
{
  return self->base.route->provider;
}

const gchar *
sim_socket_get_part(SimSocket *self, guint index)
{
  return index < g_strv_length(self->parts) ? self->parts[index] : NULL;
}

const gchar *
sim_socket_get_header(SimSocket *self, const gchar *name)
{
  g_autofree gchar *lower = g_ascii_strdown(name, -1);

  return g_hash_table_lookup(self->headers, lower);
}

const gchar *
sim_socket_get_query(SimSocket *self, const gchar *name)
{
  return g_hash_table_lookup(self->query, name);
}

void
sim_socket_set_data(SimSocket *self, gpointer data, GDestroyNotify destroy)
{
  if (self->destroy)
    self->destroy(self->data);
  self->data = data;
  self->destroy = destroy;
}

gpointer
sim_socket_get_data(SimSocket *self)
{
  return self->data;
}

/* Life */

static void
keep_header(const char *name, const char *value, gpointer data)
{
  g_hash_table_replace(data, g_ascii_strdown(name, -1), g_strdup(value));
}

typedef struct {
  void (*func)(SimConnection *connection);
} Call;

static void
make_call(SimSocket *self, gpointer data)
{
  Call *call = data;

  call->func(&self->base);
}

static void
schedule(SimConnection *base, GstClockTime delay, void (*func)(SimConnection *connection))
{
  Call *call = g_new(Call, 1);

  call->func = func;
  sim_socket_schedule((SimSocket *)base, delay, make_call, call, g_free);
}

static const CordWebsocketHandlers handlers = { on_message, on_closed, NULL };

/* Before the first message: the upgrade was accepted. */
static void
open_now(SimSocket *self, gpointer data)
{
  SimFault *fault = sim_fault_find(&self->base, SIM_BEFORE);

  sim_connection_begin(&self->base);
  if (fault && g_str_equal(fault->kind, "delay")) {
    sim_socket_schedule(self,
                        (GstClockTime)cord_json_peek_int(fault->object, "ms", 1000) * GST_MSECOND,
                        open_now, NULL, NULL);
    return;
  }
  if (fault) {
    self->base.silent = TRUE;
    if (g_str_equal(fault->kind, "gone"))
      sim_server_go_away(self->base.server, sim_fault_get_ms(fault, "ms", 1000));
    if (g_str_equal(fault->kind, "close"))
      close_it(&self->base, (guint16)cord_json_peek_int(fault->object, "code", 1011),
               cord_json_peek_string(fault->object, "reason", ""));
    else if (g_str_equal(fault->kind, "reset") || g_str_equal(fault->kind, "gone"))
      cut(&self->base, TRUE);
    else if (g_str_equal(fault->kind, "half"))
      half(&self->base);
    else if (g_str_equal(fault->kind, "deaf"))
      deaf(&self->base);
    return;
  }
  if (self->base.route->opened)
    self->base.route->opened(self);
}

static void
on_taken(CordWebsocket *websocket, gpointer data)
{
  SimSocket *self = data;

  self->websocket = g_object_ref(websocket);
  cord_websocket_set_max_message(websocket, MAX_MESSAGE);
  cord_websocket_set_max_queued(websocket, 4 * MAX_MESSAGE);
  cord_websocket_set_handlers(websocket, &handlers, self);
  cord_websocket_start(websocket);
  /* until never_taken() */
  self->busy++;
  open_now(self, NULL);
}

static void
never_taken(gpointer data)
{
  SimSocket *self = data;

  if (self->busy > 0)
    leave(self);
  else
    free_socket(self);
}

void
sim_socket_start(SimServer *server, const SimRoute *route, SoupServerMessage *message, GStrv parts)
{
  SimSocket *self;
  gint index;
  gboolean wrong_key;

  if (!sim_exchange_admit(server, route, message, parts, &index, &wrong_key)) {
    g_strfreev(parts);
    return;
  }
  self = g_new0(SimSocket, 1);
  sim_connection_init(&self->base, server, route, index);
  self->base.emit = emit;
  self->base.reset = cut;
  self->base.close = close_it;
  self->base.raw = write_raw;
  self->base.half = half;
  self->base.deaf = deaf;
  self->base.finish = finish;
  self->base.later = send_later;
  self->base.schedule = schedule;
  self->parts = parts;
  self->query = sim_message_query(message);
  self->headers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  soup_message_headers_foreach(soup_server_message_get_request_headers(message), keep_header,
                               self->headers);
  self->tasks = g_ptr_array_new_with_free_func(free_task);
  self->socket = soup_server_message_get_socket(message);
  if (self->socket)
    g_object_ref(self->socket);
  if (!cord_websocket_server_take(message, server->worker, on_taken, self, never_taken))
    soup_server_message_set_status(message, 426, NULL);
  if (wrong_key)
    soup_message_headers_replace(soup_server_message_get_response_headers(message),
                                 "Sec-WebSocket-Accept", "bm90IHRoZSByaWdodCBvbmU=");
}
