/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-call-registry.h"
#include "cord-dial-policy.h"
#include "cord-dials.h"
#include "cord-journal.h"

G_BEGIN_DECLS

/**
 * CordOutboundCall:
 * @id: our id of the call
 * @call_sid: (nullable): the carrier's, once it has said so
 * @agent_id: (nullable): who speaks
 * @from: our number
 * @to: who is called
 * @ended: whether it is over
 * @unwanted: whether it is hung up as soon as its stream comes: a machine has answered
 * @metadata: what is told of it in its record
 *
 * A call that we place, from the request to its end.
 */
typedef struct {
  gchar *id;
  gchar *call_sid;
  gchar *agent_id;
  gchar *from;
  gchar *to;
  gboolean ended;
  gboolean unwanted;
  JsonObject *metadata;

  /*< private >*/
  gint sequence;
  guint timer; /* to the next question, or until it is forgotten */
  guint ring_s;
} CordOutboundCall;

/**
 * CordOutboundRequest:
 * @id: (nullable): what the call is to be called; the same call is not placed twice
 * @agent_id: who speaks
 * @from: our number
 * @to: who is called
 * @key: (nullable): the API key that asks
 * @ring_s: how long it may ring
 * @hang_up_on_machine: whether a machine is not spoken to
 *
 * Whom to call.
 */
typedef struct {
  const gchar *id;
  const gchar *agent_id;
  const gchar *from;
  const gchar *to;
  const gchar *key;
  guint ring_s;
  gboolean hang_up_on_machine;
} CordOutboundRequest;

/**
 * CordOutbound:
 *
 * The calls that we place: their limits, their records until their streams take over, and what the
 * carrier says of them, which may be late, twice, out of order and to another server than the one
 * that has placed the call. Main thread.
 */
#define CORD_TYPE_OUTBOUND (cord_outbound_get_type())
G_DECLARE_FINAL_TYPE(CordOutbound, cord_outbound, CORD, OUTBOUND, GObject)

/**
 * CordOutboundFunc:
 * @call: a call of which the carrier has not said for long how it is; it may be asked
 * @data: what cord_outbound_set_overdue() was given
 */
typedef void (*CordOutboundFunc)(CordOutboundCall *call, gpointer data);

CordOutbound *cord_outbound_new(CordStore *store, CordJournal *journal, CordCallRegistry *calls,
                                CordDialPolicy *policy, const CordDialCaps *caps);
CordOutbound *cord_outbound_open(CordConfig *config, CordStore *store, CordJournal *journal,
                                 CordCallRegistry *calls, GError **error);
void cord_outbound_set_overdue(CordOutbound *self, CordOutboundFunc func, gpointer data);
guint cord_outbound_get_count(CordOutbound *self);

/* Placing: takes a place and writes the call's record; the carrier is asked by the caller of this.
 * Fails with CORD_ERROR_NOT_AUTHORIZED (such numbers are not dialled), CORD_ERROR_QUOTA (too many)
 * or an error of the store. NULL without an error: that id is known already. */
void cord_outbound_place_async(CordOutbound *self, const CordOutboundRequest *request,
                               GAsyncReadyCallback callback, gpointer user_data);
CordOutboundCall *cord_outbound_place_finish(CordOutbound *self, GAsyncResult *result,
                                             GError **error);

/* Dialling for a call that there is already: it counts, but not as one more at once */
void cord_outbound_transfer_async(CordOutbound *self, const gchar *to, const gchar *key,
                                  GAsyncReadyCallback callback, gpointer user_data);
gboolean cord_outbound_transfer_finish(CordOutbound *self, GAsyncResult *result, GError **error);

/* A call by our id or the carrier's: of those that are known here; or, by our id, of any server */
CordOutboundCall *cord_outbound_find(CordOutbound *self, const gchar *id);
void cord_outbound_find_async(CordOutbound *self, const gchar *id, GAsyncReadyCallback callback,
                              gpointer user_data);
CordOutboundCall *cord_outbound_find_finish(CordOutbound *self, GAsyncResult *result);

/* What becomes of it */
void cord_outbound_set_sid(CordOutbound *self, CordOutboundCall *call, const gchar *call_sid);
void cord_outbound_note(CordOutbound *self, CordOutboundCall *call, const gchar *name,
                        JsonNode *value);
void cord_outbound_forget(CordOutbound *self, CordOutboundCall *call);
void cord_outbound_fail(CordOutbound *self, CordOutboundCall *call, const gchar *reason);
gboolean cord_outbound_set_status(CordOutbound *self, CordOutboundCall *call, const gchar *status,
                                  gint sequence, gint duration_seconds);
gboolean cord_outbound_hangs_up_on_machines(const CordOutboundCall *call);

G_END_DECLS
