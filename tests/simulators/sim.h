/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "cord-worker.h"

G_BEGIN_DECLS

/*
 * Local stand-ins for the services. The server (sim-server.c) knows HTTP, WebSockets, time, faults
 * and the journal of what was said; a module a provider (sim-PROVIDER.c) knows what the provider
 * says, and nothing of the rest. Everything happens on the server's worker, so that with a manual
 * worker a test is deterministic.
 */
typedef struct _SimServer SimServer;
typedef struct _SimExchange SimExchange; /* one HTTP request and its answer */
typedef struct _SimSocket SimSocket;     /* one WebSocket */

/* A path's parts; "*" stands for any one part, a last "**" for any rest. "openai" is also found
 * below
 * "/openai/…", for vendors whose paths collide. */
typedef struct {
  const gchar *provider;
  const gchar *method; /* NULL: any */
  const gchar *path;
  void (*request)(SimExchange *exchange);
  void (*opened)(SimSocket *socket); /* a WebSocket, when set */
  void (*text)(SimSocket *socket, const gchar *text, gsize length);
  void (*binary)(SimSocket *socket, const guint8 *data, gsize length);
  void (*closed)(SimSocket *socket, guint16 code);
  /* refuses the upgrade by answering; NULL: anybody may come */
  gboolean (*admit)(SimExchange *exchange);
} SimRoute;

/* The server. tls: both files or none. Listens on loopback; port 0 chooses one. */
SimServer *sim_server_new(CordWorker *worker, guint16 port, const gchar *tls_cert,
                          const gchar *tls_key, GError **error);
void sim_server_free(SimServer *self);
guint16 sim_server_get_port(SimServer *self);
void sim_server_add(SimServer *self, const SimRoute *route);
void sim_server_add_all(SimServer *self); /* every module there is */
/* Writes down what is said, into a folder; and plays such a folder back in the modules' place */
void sim_server_record(SimServer *self, const gchar *folder);
gboolean sim_server_replay(SimServer *self, const gchar *folder, GError **error);

/* What is scripted: {"seed": 1, "script": {PROVIDER: …}, "profile": {PROVIDER or "default":
 * {"first_byte_ms": DELAY, "token_ms": DELAY}}, "faults": [FAULT…]}; see README.md */
gboolean sim_server_set_script(SimServer *self, const gchar *json, GError **error);
JsonObject *sim_server_get_script(SimServer *self, const gchar *provider); /* (nullable) */
JsonNode *sim_server_take_next(SimServer *self, const gchar *provider, const gchar *list);
gchar *sim_server_dup_journal(SimServer *self); /* JSON array */
void sim_server_reset(SimServer *self);
GArray *sim_server_get_ages(SimServer *self); /* µs, of stamped texts (sim-stamp.h) */
GstClockTime sim_server_get_first_byte(SimServer *self, const gchar *provider);
GstClockTime sim_server_get_token_delay(SimServer *self, const gchar *provider);

CordWorker *sim_server_get_worker(SimServer *self);
/* What a module keeps between requests, gone with the next reset */
void sim_server_set_state(SimServer *self, const gchar *provider, gpointer state,
                          GDestroyNotify destroy);
gpointer sim_server_get_state(SimServer *self, const gchar *provider);
/* Into the journal: what it does of itself */
void sim_server_note(SimServer *self, const gchar *provider, gint connection, const gchar *kind,
                     const gchar *text);

/* An exchange: what was asked */
SimServer *sim_exchange_get_server(SimExchange *self);
const gchar *sim_exchange_get_provider(SimExchange *self);
gint sim_exchange_get_index(SimExchange *self); /* among the provider's connections */
const gchar *sim_exchange_get_method(SimExchange *self);
const gchar *sim_exchange_get_path(SimExchange *self); /* of its route */
const gchar *sim_exchange_get_uri(SimExchange *self);  /* the path that was asked for */
const gchar *sim_exchange_get_part(SimExchange *self, guint index); /* what stood for each star */
const gchar *sim_exchange_get_header(SimExchange *self, const gchar *name);
const gchar *sim_exchange_get_query(SimExchange *self, const gchar *name);
GBytes *sim_exchange_get_body(SimExchange *self);
JsonObject *sim_exchange_get_json(SimExchange *self); /* (nullable): the body */

/* … and the answer: at once, or piece by piece. A piece is what faults count. */
void sim_exchange_set_header(SimExchange *self, const gchar *name, const gchar *value);
void sim_exchange_answer(SimExchange *self, guint status, const gchar *type, gconstpointer data,
                         gssize length);
void sim_exchange_begin(SimExchange *self, guint status, const gchar *type);
void sim_exchange_write(SimExchange *self, gconstpointer data, gssize length);
void sim_exchange_write_event(SimExchange *self, const gchar *event, const gchar *data);
void sim_exchange_end(SimExchange *self);
void sim_exchange_set_data(SimExchange *self, gpointer data, GDestroyNotify destroy);
gpointer sim_exchange_get_data(SimExchange *self);
/* Called once unless the client goes first; one at a time */
void sim_exchange_schedule(SimExchange *self, GstClockTime delay, void (*func)(SimExchange *));

/* A socket */
SimServer *sim_socket_get_server(SimSocket *self);
const gchar *sim_socket_get_provider(SimSocket *self);
const gchar *sim_socket_get_part(SimSocket *self, guint index);
const gchar *sim_socket_get_header(SimSocket *self, const gchar *name);
const gchar *sim_socket_get_query(SimSocket *self, const gchar *name);
void sim_socket_send_text(SimSocket *self, const gchar *text, gssize length);
void sim_socket_send_binary(SimSocket *self, gconstpointer data, gsize length);
void sim_socket_close(SimSocket *self, guint16 code, const gchar *reason);
void sim_socket_set_data(SimSocket *self, gpointer data, GDestroyNotify destroy);
gpointer sim_socket_get_data(SimSocket *self);
/* As for an exchange, but any number at once; @data is the caller's, freed by @destroy */
void sim_socket_schedule(SimSocket *self, GstClockTime delay,
                         void (*func)(SimSocket *socket, gpointer data), gpointer data,
                         GDestroyNotify destroy);

/* For all modules */
gchar *sim_id(SimServer *server, const gchar *prefix); /* the same ones in the same order */
gchar *sim_json(const gchar *format, ...) G_GNUC_PRINTF(1, 2);
gchar *sim_quote(const gchar *text); /* as a JSON string, for sim_json() */
/* Speech-like audio of a text: S16LE or mu-law, 60 ms a character; the same each time */
GByteArray *sim_render(const gchar *text, guint rate, gboolean mulaw);

G_END_DECLS
