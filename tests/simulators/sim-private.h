/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

#include "cord-websocket.h"
#include "sim.h"

G_BEGIN_DECLS

/* Inside of the server. */

#define SIM_BEFORE -1  /* the place of faults that come before the first piece */
#define SIM_UPGRADE -2 /* and of those that refuse a WebSocket */
#define SIM_EVERY -3   /* of those that concern each piece */

typedef struct {
  gchar *provider; /* NULL: any */
  gint connection; /* -1: any */
  gint message;    /* which piece, SIM_BEFORE: before them */
  gint64 at_ms;    /* in the place of that: its age, -1: none */
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
  gint number;     /* of its recording */
  gint sent;       /* pieces */
  gboolean silent; /* a fault has made it so; what is sent is swallowed */
  GstClockTime born;
  GBytes *held;          /* joined with the next piece */
  GBytes *swapped;       /* goes out behind the next piece */
  gboolean swapped_text; /* what kind it is */
  gboolean paused;
  GQueue waiting; /* SimPiece, meanwhile */
  GBytes *drip;   /* what goes out in small parts */
  gsize dripped, drip_step;
  GstClockTime drip_delay;
  const gchar *end_kind; /* how it ends, once the last bytes are out */
  JsonObject *end_object;

  void (*emit)(SimConnection *self, gboolean text, gconstpointer data, gsize length);
  /* past the WebSocket's framing: how many bytes were taken, or -1 where that cannot be */
  gssize (*raw)(SimConnection *self, gconstpointer data, gsize length);
  void (*reset)(SimConnection *self, gboolean hard); /* RST or FIN */
  void (*half)(SimConnection *self);                 /* FIN, and the other side may go on */
  void (*deaf)(SimConnection *self);                 /* neither reads nor answers any more */
  void (*close)(SimConnection *self, guint16 code, const gchar *reason);
  void (*finish)(SimConnection *self);
  void (*later)(SimConnection *self, GstClockTime delay, gboolean text, GBytes *piece);
  void (*schedule)(SimConnection *self, GstClockTime delay, void (*func)(SimConnection *self));
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
  gchar *record;        /* folder, or NULL */
  GHashTable *recorded; /* provider -> its connections before the last reset */
  GPtrArray *replay;    /* what is played back, or NULL */
  GHashTable *states;   /* provider -> State of its module */
  gboolean secure;
  CordTimer *away; /* nobody is let in */
  GstClockTime away_time;
  GArray *deaf; /* int, sockets without a reader */
};

/* Everything that goes out passes here */
void sim_connection_init(SimConnection *self, SimServer *server, const SimRoute *route, gint index);
void sim_connection_clear(SimConnection *self);
void sim_connection_begin(SimConnection *self); /* the time of its faults runs */
void sim_connection_send(SimConnection *self, gboolean text, gconstpointer data, gsize length);
void sim_connection_close(SimConnection *self, guint16 code, const gchar *reason);
void sim_connection_end(SimConnection *self);

void sim_faults_load(SimServer *server, JsonArray *faults);
SimFault *sim_fault_find(SimConnection *self, gint message);
SimFault *sim_fault_find_due(SimConnection *self, GstClockTime age);
GstClockTime sim_fault_get_ms(const SimFault *self, const gchar *name, gint64 fallback);
GBytes *sim_fault_get_body(const SimFault *self);

/* WebSocket frames made by hand, as a server sends them */
void sim_frame_append(GByteArray *frames, guint8 first, gconstpointer data, gsize length);
GBytes *sim_frame_fragments(gboolean text, const guint8 *data, gsize length, gsize step);
GBytes *sim_frame_close(guint16 code, const gchar *reason);

/* Nobody is let in for a while */
void sim_server_go_away(SimServer *self, GstClockTime time);
void sim_server_keep_fd(SimServer *self, int fd); /* until the next reset */

void sim_journal_add(SimConnection *self, const gchar *direction, const gchar *kind,
                     gconstpointer data, gsize length);
void sim_journal_add_request(SimConnection *self, SoupServerMessage *message, GBytes *body);

/* What is recorded: what came, and what really went */
void sim_record(SimConnection *self, const gchar *direction, const gchar *kind, gconstpointer data,
                gsize length);
void sim_record_request(SimConnection *self, SoupServerMessage *message, GBytes *body);
void sim_record_answer(SimConnection *self, SoupServerMessage *message, const gchar *kind,
                       gconstpointer data, gsize length);
void sim_record_close(SimConnection *self, guint16 code, const gchar *reason);

SimExchange *sim_exchange_new(SimServer *server, const SimRoute *route, SoupServerMessage *message,
                              GStrv parts);
void sim_exchange_free(SimExchange *self);
void sim_exchange_refuse(SimExchange *self, const SimFault *fault);
void sim_exchange_start(SimServer *server, const SimRoute *route, SoupServerMessage *message,
                        GStrv parts);
gboolean sim_exchange_admit(SimServer *server, const SimRoute *route, SoupServerMessage *message,
                            GStrv parts, gint *index, gboolean *wrong_key);
void sim_socket_start(SimServer *server, const SimRoute *route, SoupServerMessage *message,
                      GStrv parts);

/* The request of both */
const gchar *sim_message_header(SoupServerMessage *message, const gchar *name);
GHashTable *sim_message_query(SoupServerMessage *message);
void sim_message_cut(SoupServerMessage *message, gboolean hard);

G_END_DECLS
