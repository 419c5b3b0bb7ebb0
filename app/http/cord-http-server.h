/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>
#include <libsoup/soup.h>

G_BEGIN_DECLS

/**
 * CordExchange:
 * @message: the request and its answer
 * @id: the request's id, also in the answer and the log
 * @path: the path
 * @parameters: what stood for each {} of the route
 * @query: (nullable): names and values that the operation knows
 * @body: (nullable): as the operation's schema wants it, with its defaults
 * @key_id: (nullable): by which key it was allowed
 *
 * One request on its way through a handler. Reference counted, for handlers that answer later: they
 * hold it with cord_exchange_hold() until they have answered.
 */
typedef struct {
  SoupServerMessage *message;
  gchar *id;
  gchar *path;
  GStrv parameters;
  GHashTable *query;
  JsonObject *body;
  gchar *key_id;
  gboolean paused;
} CordExchange;

/**
 * CordHandler:
 * @exchange: the request
 * @data: what cord_http_server_add() was given
 */
typedef void (*CordHandler)(CordExchange *exchange, gpointer data);

/**
 * CordFilter:
 * @exchange: a request, before anybody has looked for its route
 * @data: what cord_http_server_set_filter() was given
 *
 * Returns: whether it may go on; if not, it was answered
 */
typedef gboolean (*CordFilter)(CordExchange *exchange, gpointer data);

/**
 * CordHttpServer:
 *
 * A table of routes on a #SoupServer. Main thread.
 */
#define CORD_TYPE_HTTP_SERVER (cord_http_server_get_type())
G_DECLARE_FINAL_TYPE(CordHttpServer, cord_http_server, CORD, HTTP_SERVER, GObject)

CordHttpServer *cord_http_server_new(void);
SoupServer *cord_http_server_get_soup(CordHttpServer *self);
void cord_http_server_add(CordHttpServer *self, const gchar *method, const gchar *pattern,
                          CordHandler handler, gpointer data);
void cord_http_server_set_filter(CordHttpServer *self, CordFilter filter, gpointer data);

const gchar *cord_http_phrase(guint status);

CordExchange *cord_exchange_hold(CordExchange *self);
void cord_exchange_release(CordExchange *self);
const gchar *cord_exchange_get_header(CordExchange *self, const gchar *name);
gboolean cord_exchange_is_loopback(CordExchange *self);
gboolean cord_exchange_is_local(CordExchange *self);
gchar *cord_exchange_dup_client(CordExchange *self);

void cord_exchange_answer(CordExchange *self, guint status, const gchar *type, const gchar *body);
void cord_exchange_answer_bytes(CordExchange *self, guint status, const gchar *type, GBytes *body);
void cord_exchange_answer_json(CordExchange *self, guint status, JsonNode *node);
void cord_exchange_problem_with(CordExchange *self, guint status, const gchar *detail,
                                const gchar *member, JsonArray *value);
const gchar *cord_exchange_get_query(CordExchange *self, const gchar *name);
void cord_exchange_set_header(CordExchange *self, const gchar *name, const gchar *value);
void cord_exchange_problem(CordExchange *self, guint status, const gchar *format, ...)
    G_GNUC_PRINTF(3, 4);

G_END_DECLS
