/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <sys/socket.h>

#include "cord-json.h"
#include "sim-private.h"

struct _SimExchange {
  SimConnection base; /* first: they are cast */
  SoupServerMessage *message;
  GStrv parts;
  GHashTable *query;
  GBytes *body;
  JsonObject *json;
  gboolean begun, ended, gone;
  CordTimer *timer;
  void (*func)(SimExchange *exchange);
  GPtrArray *late; /* Late */
  gpointer data;
  GDestroyNotify destroy;
};

/* A piece, or a function, whose time comes later */
typedef struct {
  SimExchange *exchange;
  CordTimer *timer;
  GBytes *piece;
  void (*func)(SimConnection *connection);
} Late;

/* The request */

const gchar *
sim_message_header(SoupServerMessage *message, const gchar *name)
{
  return soup_message_headers_get_one(soup_server_message_get_request_headers(message), name);
}

GHashTable *
sim_message_query(SoupServerMessage *message)
{
  const gchar *query = g_uri_get_query(soup_server_message_get_uri(message));
  GHashTable *table =
      query ? g_uri_parse_params(query, -1, "&", G_URI_PARAMS_WWW_FORM, NULL) : NULL;

  return table ? table : g_hash_table_new(g_str_hash, g_str_equal);
}

/* Cuts the connection: with RST what is under way is lost, with FIN it arrives. */
void
sim_message_cut(SoupServerMessage *message, gboolean hard)
{
  GSocket *socket = soup_server_message_get_socket(message);
  struct linger linger = { 1, 0 };

  if (!socket)
    return;
  if (hard) {
    setsockopt(g_socket_get_fd(socket), SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    g_socket_close(socket, NULL);
  } else {
    g_socket_shutdown(socket, TRUE, TRUE, NULL);
  }
}

/* What goes out */

static void
emit(SimConnection *base, gboolean text, gconstpointer data, gsize length)
{
  SimExchange *self = (SimExchange *)base;

  if (self->gone || self->ended || length == 0)
    return;
  sim_record(base, "out", text ? "text" : "binary", data, length);
  soup_message_body_append(soup_server_message_get_response_body(self->message), SOUP_MEMORY_COPY,
                           data, length);
  soup_server_message_unpause(self->message);
}

/* A chunk is what comes closest */
static gssize
write_raw(SimConnection *base, gconstpointer data, gsize length)
{
  emit(base, TRUE, data, length);
  return (gssize)length;
}

static void
half(SimConnection *base)
{
  GSocket *socket = soup_server_message_get_socket(((SimExchange *)base)->message);

  sim_record(base, "out", "half", "", 0);
  if (socket)
    g_socket_shutdown(socket, FALSE, TRUE, NULL);
}

static void
deaf(SimConnection *base)
{
}

static void
cut(SimConnection *base, gboolean hard)
{
  SimExchange *self = (SimExchange *)base;

  if (self->gone)
    return;
  sim_record(base, "out", hard ? "reset" : "cut", "", 0);
  sim_message_cut(self->message, hard);
  /* libsoup finds out when it writes */
  if (!self->begun)
    soup_server_message_set_status(self->message, 500, NULL);
  soup_message_body_complete(soup_server_message_get_response_body(self->message));
  soup_server_message_unpause(self->message);
}

static void
close_it(SimConnection *base, guint16 code, const gchar *reason)
{
  cut(base, FALSE);
}

static void
free_late(gpointer data)
{
  Late *late = data;

  g_clear_pointer(&late->timer, cord_timer_remove);
  g_clear_pointer(&late->piece, g_bytes_unref);
  g_free(late);
}

static gboolean
has_late_pieces(SimExchange *self)
{
  for (guint i = 0; i < self->late->len; i++)
    if (((Late *)self->late->pdata[i])->piece)
      return TRUE;
  return FALSE;
}

static void
finish(SimConnection *base)
{
  SimExchange *self = (SimExchange *)base;

  if (self->gone || self->ended)
    return;
  self->ended = TRUE;
  if (has_late_pieces(self))
    return;
  sim_record(base, "out", "end", "", 0);
  soup_message_body_complete(soup_server_message_get_response_body(self->message));
  soup_server_message_unpause(self->message);
}

static void
on_late(gpointer data)
{
  Late *late = data;
  SimExchange *self = late->exchange;
  void (*func)(SimConnection *) = late->func;
  g_autoptr(GBytes) piece = g_steal_pointer(&late->piece);
  gboolean ended = self->ended;

  late->timer = NULL;
  g_ptr_array_remove(self->late, late);
  if (func) {
    func(&self->base);
    return;
  }
  /* it was to be the end, but for this */
  self->ended = FALSE;
  emit(&self->base, TRUE, g_bytes_get_data(piece, NULL), g_bytes_get_size(piece));
  if (ended)
    finish(&self->base);
}

static void
add_late(SimExchange *self, GstClockTime delay, GBytes *piece, void (*func)(SimConnection *))
{
  Late *late = g_new0(Late, 1);

  late->exchange = self;
  late->piece = piece ? g_bytes_ref(piece) : NULL;
  late->func = func;
  late->timer = cord_worker_add_timer(self->base.server->worker, delay, on_late, late);
  g_ptr_array_add(self->late, late);
}

static void
send_later(SimConnection *base, GstClockTime delay, gboolean text, GBytes *piece)
{
  add_late((SimExchange *)base, delay, piece, NULL);
}

static void
schedule(SimConnection *base, GstClockTime delay, void (*func)(SimConnection *connection))
{
  add_late((SimExchange *)base, delay, NULL, func);
}

void
sim_exchange_set_header(SimExchange *self, const gchar *name, const gchar *value)
{
  soup_message_headers_replace(soup_server_message_get_response_headers(self->message), name,
                               value);
}

void
sim_exchange_begin(SimExchange *self, guint status, const gchar *type)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers(self->message);

  if (self->gone || self->begun)
    return;
  self->begun = TRUE;
  soup_server_message_set_status(self->message, status, NULL);
  soup_message_headers_set_encoding(headers, SOUP_ENCODING_CHUNKED);
  soup_message_headers_replace(headers, "Content-Type", type);
  soup_message_body_set_accumulate(soup_server_message_get_response_body(self->message), FALSE);
  sim_record_answer(&self->base, self->message, "head", "", 0);
  soup_server_message_unpause(self->message);
}

void
sim_exchange_write(SimExchange *self, gconstpointer data, gssize length)
{
  sim_connection_send(&self->base, TRUE, data, length < 0 ? strlen(data) : (gsize)length);
}

void
sim_exchange_write_event(SimExchange *self, const gchar *event, const gchar *data)
{
  g_autofree gchar *text = event ? g_strdup_printf("event: %s\ndata: %s\n\n", event, data)
                                 : g_strdup_printf("data: %s\n\n", data);

  sim_exchange_write(self, text, -1);
}

void
sim_exchange_end(SimExchange *self)
{
  if (!self->gone && !self->ended)
    sim_connection_end(&self->base);
}

void
sim_exchange_answer(SimExchange *self, guint status, const gchar *type, gconstpointer data,
                    gssize length)
{
  gsize size = length < 0 ? strlen(data) : (gsize)length;

  if (self->gone || self->begun)
    return;
  self->begun = TRUE;
  self->ended = TRUE;
  sim_journal_add(&self->base, "out", "answer", data, size);
  soup_server_message_set_status(self->message, status, NULL);
  soup_server_message_set_response(self->message, type, SOUP_MEMORY_COPY, data, size);
  sim_record_answer(&self->base, self->message, "answer", data, size);
  soup_server_message_unpause(self->message);
}

/* Time */

static void
on_timer(gpointer data)
{
  SimExchange *self = data;
  void (*func)(SimExchange *) = self->func;

  self->timer = NULL;
  func(self);
}

void
sim_exchange_schedule(SimExchange *self, GstClockTime delay, void (*func)(SimExchange *))
{
  g_clear_pointer(&self->timer, cord_timer_remove);
  if (self->gone || self->base.silent)
    return;
  self->func = func;
  self->timer = cord_worker_add_timer(self->base.server->worker, delay, on_timer, self);
}

/* What was asked */

SimServer *
sim_exchange_get_server(SimExchange *self)
{
  return self->base.server;
}

const gchar *
sim_exchange_get_provider(SimExchange *self)
{
  return self->base.route->provider;
}

gint
sim_exchange_get_index(SimExchange *self)
{
  return self->base.index;
}

const gchar *
sim_exchange_get_path(SimExchange *self)
{
  return self->base.route->path;
}

const gchar *
sim_exchange_get_uri(SimExchange *self)
{
  return g_uri_get_path(soup_server_message_get_uri(self->message));
}

const gchar *
sim_exchange_get_method(SimExchange *self)
{
  return soup_server_message_get_method(self->message);
}

const gchar *
sim_exchange_get_part(SimExchange *self, guint index)
{
  return index < g_strv_length(self->parts) ? self->parts[index] : NULL;
}

const gchar *
sim_exchange_get_header(SimExchange *self, const gchar *name)
{
  return sim_message_header(self->message, name);
}

const gchar *
sim_exchange_get_query(SimExchange *self, const gchar *name)
{
  return g_hash_table_lookup(self->query, name);
}

GBytes *
sim_exchange_get_body(SimExchange *self)
{
  return self->body;
}

JsonObject *
sim_exchange_get_json(SimExchange *self)
{
  if (!self->json && g_bytes_get_size(self->body) > 0)
    self->json = cord_json_parse_object(g_bytes_get_data(self->body, NULL),
                                        (gssize)g_bytes_get_size(self->body), NULL);
  return self->json;
}

void
sim_exchange_set_data(SimExchange *self, gpointer data, GDestroyNotify destroy)
{
  if (self->destroy)
    self->destroy(self->data);
  self->data = data;
  self->destroy = destroy;
}

gpointer
sim_exchange_get_data(SimExchange *self)
{
  return self->data;
}

/* Life */

void
sim_exchange_free(SimExchange *self)
{
  g_clear_pointer(&self->timer, cord_timer_remove);
  g_ptr_array_unref(self->late);
  if (self->destroy)
    self->destroy(self->data);
  sim_connection_clear(&self->base);
  g_strfreev(self->parts);
  g_hash_table_unref(self->query);
  g_bytes_unref(self->body);
  g_clear_pointer(&self->json, json_object_unref);
  g_object_unref(self->message);
  g_free(self);
}

static void
on_finished(SoupServerMessage *message, gpointer data)
{
  SimExchange *self = data;

  self->gone = TRUE;
  sim_exchange_free(self);
}

static void
go(SimExchange *self)
{
  sim_connection_begin(&self->base);
  if (self->base.route->request)
    self->base.route->request(self);
}

static void
set_fault_headers(SimExchange *self, JsonObject *headers)
{
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *value;

  if (!headers)
    return;
  json_object_iter_init(&iter, headers);
  while (json_object_iter_next(&iter, &name, &value))
    sim_exchange_set_header(self, name, json_node_get_string(value));
}

/* A fault before there is an answer. */
void
sim_exchange_refuse(SimExchange *self, const SimFault *fault)
{
  const gchar *body = cord_json_peek_string(fault->object, "body", "");

  if (g_str_equal(fault->kind, "status")) {
    set_fault_headers(self, cord_json_peek_object(fault->object, "headers"));
    sim_exchange_answer(self, (guint)cord_json_peek_int(fault->object, "status", 500),
                        cord_json_peek_string(fault->object, "type", "application/json"), body, -1);
    return;
  }
  if (g_str_equal(fault->kind, "delay")) {
    sim_exchange_schedule(self, sim_fault_get_ms(fault, "ms", 1000), go);
    return;
  }
  self->base.silent = TRUE;
  if (g_str_equal(fault->kind, "gone"))
    sim_server_go_away(self->base.server, sim_fault_get_ms(fault, "ms", 1000));
  if (g_str_equal(fault->kind, "half"))
    half(&self->base);
  else if (g_str_equal(fault->kind, "reset") || g_str_equal(fault->kind, "close") ||
           g_str_equal(fault->kind, "gone"))
    cut(&self->base, !g_str_equal(fault->kind, "close"));
}

/* Freed when the message is finished. */
SimExchange *
sim_exchange_new(SimServer *server, const SimRoute *route, SoupServerMessage *message, GStrv parts)
{
  SimExchange *self = g_new0(SimExchange, 1);

  sim_connection_init(&self->base, server, route, -1);
  self->base.emit = emit;
  self->base.reset = cut;
  self->base.close = close_it;
  self->base.raw = write_raw;
  self->base.half = half;
  self->base.deaf = deaf;
  self->base.finish = finish;
  self->base.later = send_later;
  self->base.schedule = schedule;
  self->message = g_object_ref(message);
  self->parts = parts;
  self->query = sim_message_query(message);
  self->body = soup_message_body_flatten(soup_server_message_get_request_body(message));
  self->late = g_ptr_array_new_with_free_func(free_late);
  sim_journal_add_request(&self->base, message, self->body);
  return self;
}

void
sim_exchange_start(SimServer *server, const SimRoute *route, SoupServerMessage *message,
                   GStrv parts)
{
  SimExchange *self = sim_exchange_new(server, route, message, parts);
  SimFault *fault;

  soup_server_message_pause(message);
  g_signal_connect(message, "finished", G_CALLBACK(on_finished), self);
  fault = sim_fault_find(&self->base, SIM_BEFORE);
  if (fault)
    sim_exchange_refuse(self, fault);
  else
    go(self);
}

/**
 * Lets a WebSocket come, or answers in its place: by a fault, or because the module says so.
 */
gboolean
sim_exchange_admit(SimServer *server, const SimRoute *route, SoupServerMessage *message,
                   GStrv parts, gint *index, gboolean *wrong_key)
{
  SimExchange *self = sim_exchange_new(server, route, message, g_strdupv(parts));
  SimFault *fault = sim_fault_find(&self->base, SIM_UPGRADE);
  gboolean come = FALSE;

  *index = self->base.index;
  *wrong_key = fault && g_str_equal(fault->kind, "accept");
  if (fault && !*wrong_key && !g_str_equal(fault->kind, "status"))
    soup_server_message_pause(message);
  if (fault && !*wrong_key)
    sim_exchange_refuse(self, fault);
  else
    come = !route->admit || route->admit(self);
  if (come)
    sim_exchange_free(self);
  else
    g_signal_connect(message, "finished", G_CALLBACK(on_finished), self);
  return come;
}
