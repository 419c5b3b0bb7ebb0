/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

#include "cord-websocket.h"
#include "sim.h"

G_BEGIN_DECLS

/* Inside of the server. */

#define SIM_BEFORE -1  /* the place of faults that come before the first piece */
#define SIM_UPGRADE -2 /* and of those that refuse a WebSocket */

typedef struct {
  gchar *provider; /* NULL: any */
  gint connection; /* -1: any */
  gint message;    /* which piece, SIM_BEFORE: before them */
  const gchar *kind;
  JsonObject *object;
  gint times; /* left */
} SimFault;

/* What an exchange and a socket have in common: their place among the provider's, and what goes
 * out. */
typedef struct _SimConnection SimConnection;
struct _SimConnection {
  SimServer *server;
  const SimRoute *route;
  gint index;      /* among the provider's, since the last reset */
  gint sent;       /* pieces */
  gboolean silent; /* a fault has made it so; what is sent is swallowed */
  GBytes *held;    /* joined with the next piece */
  void (*emit)(SimConnection *self, gboolean text, gconstpointer data, gsize length);
  void (*reset)(SimConnection *self, gboolean hard); /* RST or FIN */
  void (*close)(SimConnection *self, guint16 code, const gchar *reason);
  void (*later)(SimConnection *self, GstClockTime delay, gboolean text, GBytes *piece);
};

struct _SimServer {
  CordWorker *worker;
  SoupServer *soup;
  guint16 port;
  GPtrArray *routes;       /* SimRoute */
  GHashTable *connections; /* provider -> how many there were */
  GHashTable *positions;   /* provider/list -> the next of a scripted list */
  JsonNode *script;
  GPtrArray *faults;  /* SimFault */
  GPtrArray *journal; /* JSON texts */
  gboolean quiet;     /* nothing is written down */
  GArray *ages;       /* gint64, µs */
  GRand *random;
  guint ids;
  gchar *record; /* folder, or NULL */
  GHashTable *states; /* provider -> State of its module */
};

void sim_connection_init(SimConnection *self, SimServer *server, const SimRoute *route);
void sim_connection_clear(SimConnection *self);
SimFault *sim_fault_find(SimConnection *self, gint message);
void sim_connection_send(SimConnection *self, gboolean text, gconstpointer data, gsize length);
void sim_faults_load(SimServer *server, JsonArray *faults);

void sim_journal_add(SimConnection *self, const gchar *direction, const gchar *kind,
                     gconstpointer data, gsize length);
void sim_journal_add_request(SimConnection *self, SoupServerMessage *message, GBytes *body);

SimExchange *sim_exchange_new(SimServer *server, const SimRoute *route, SoupServerMessage *message,
                              GStrv parts);
void sim_exchange_free(SimExchange *self);
void sim_exchange_refuse(SimExchange *self, const SimFault *fault);
void sim_exchange_start(SimServer *server, const SimRoute *route, SoupServerMessage *message,
                        GStrv parts);
gboolean sim_exchange_admit(SimServer *server, const SimRoute *route, SoupServerMessage *message,
                            GStrv parts, gint *index);
void sim_socket_start(SimServer *server, const SimRoute *route, SoupServerMessage *message,
                      GStrv parts);

void sim_server_record(SimServer *self, const gchar *folder);

/* The request of both */
const gchar *sim_message_header(SoupServerMessage *message, const gchar *name);
GHashTable *sim_message_query(SoupServerMessage *message);
void sim_message_cut(SoupServerMessage *message, gboolean hard);

G_END_DECLS
