/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-call-registry.h"
#include "cord-dial-policy.h"
#include "cord-journal.h"

G_BEGIN_DECLS

/**
 * CordOutboundCall:
 * @id: our id of the call
 * @call_sid: (nullable): the carrier's, once it has said so
 * @agent_id: who speaks
 * @from: our number
 * @to: who is called
 * @hang_up_on_machine: whether a machine is not spoken to
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
  gboolean hang_up_on_machine;
  JsonObject *metadata;

  /*< private >*/
  gint sequence;
  gboolean ended;
  guint linger;
} CordOutboundCall;

/**
 * CordOutbound:
 *
 * The calls that we place: their limits, their records until their streams take over, and what the
 * carrier says of them, which may be late, twice and out of order. Main thread.
 */
typedef struct _CordOutbound CordOutbound;

CordOutbound *cord_outbound_new(CordJournal *journal, const CordDialLimits *limits);
void cord_outbound_free(CordOutbound *self);
CordDialPolicy *cord_outbound_get_policy(CordOutbound *self);
CordOutboundCall *cord_outbound_place(CordOutbound *self, const gchar *agent_id, const gchar *from,
                                      const gchar *to, const gchar *key, GError **error);
CordOutboundCall *cord_outbound_find(CordOutbound *self, const gchar *id);
void cord_outbound_set_sid(CordOutbound *self, CordOutboundCall *call, const gchar *call_sid);
void cord_outbound_note(CordOutbound *self, CordOutboundCall *call, const gchar *name,
                        JsonNode *value);
void cord_outbound_fail(CordOutbound *self, CordOutboundCall *call, const gchar *reason);
gboolean cord_outbound_set_status(CordOutbound *self, CordOutboundCall *call, const gchar *status,
                                  gint sequence, gint duration_seconds, gboolean streaming);

G_END_DECLS
