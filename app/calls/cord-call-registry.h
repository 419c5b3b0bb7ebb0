/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cordboard.h"
#include "cord-call-pipeline.h"
#include "cord-admission.h"
#include "cord-config.h"
#include "cord-directory.h"
#include "cord-journal.h"
#include "cord-stream-tokens.h"

G_BEGIN_DECLS

/**
 * CordCallRegistry:
 *
 * The set of running calls. It admits a call (main thread: chooses the agent, writes the record,
 * mints the stream's token), joins the carrier's stream to it (on a worker: takes the token, builds
 * the pipeline), tells its story to whoever listens, and ends it.
 *
 * All functions belong to the main thread unless they say otherwise.
 */
#define CORD_TYPE_CALL_REGISTRY (cord_call_registry_get_type())
G_DECLARE_FINAL_TYPE(CordCallRegistry, cord_call_registry, CORD, CALL_REGISTRY, GObject)

/**
 * CordIncomingCall:
 * @call_sid: the carrier's name of the call
 * @from: the caller's number
 * @to: the number that was called
 * @account_sid: the carrier's account
 * @direction: "inbound", "outbound" or "browser"
 * @call_id: (nullable): its id, when we have placed it and it has a record
 * @agent_id: (nullable): who speaks, when that is decided
 *
 * What a carrier's webhook says of a call.
 */
typedef struct {
  const gchar *call_sid;
  const gchar *from;
  const gchar *to;
  const gchar *account_sid;
  const gchar *direction;
  const gchar *call_id;
  const gchar *agent_id;
} CordIncomingCall;

/**
 * CordCallOptions:
 * @workers: number of media threads, 0 for one a core
 * @max_calls: calls at once, 0 for no limit
 * @max_lateness_us: how late all media threads may run before calls are refused, 0 for no limit
 * @max_prepared: calls that are made ready while their phones ring
 * @pipelines: (nullable): folder of pipeline files in place of the built-in ones
 * @data_dir: where agents' scripts are looked for
 * @config: which services there are
 *
 * What a registry is to be told.
 */
typedef struct {
  guint workers;
  guint max_calls;
  guint max_lateness_us;
  guint max_prepared;
  const gchar *pipelines;
  const gchar *data_dir;
  CordConfig *config;
} CordCallOptions;

/* A call of now by its id or the carrier's: its SID and, if wanted, its numbers */
const gchar *cord_call_registry_find_call(CordCallRegistry *self, const gchar *call_id,
                                          const gchar **from, const gchar **to);
const CordAdmission *cord_call_registry_find_admission(CordCallRegistry *self,
                                                       const gchar *call_id);
gboolean cord_call_registry_is_streaming(CordCallRegistry *self, const gchar *call_id);
void cord_call_registry_expect_end(CordCallRegistry *self, const gchar *call_id,
                                   const gchar *reason);
GPtrArray *cord_call_registry_list_streaming(CordCallRegistry *self);
gboolean cord_call_registry_hang_up(CordCallRegistry *self, const gchar *call_id,
                                    const gchar *reason);
CordCallRegistry *cord_call_registry_new(CordDirectory *directory, CordJournal *journal,
                                         CordStreamTokens *tokens, const CordCallOptions *options);

/* Admission: answers the call's id; the stream's token comes from the CordStreamTokens and is
 * handed out through @token. Fails with CORD_ERROR_NOT_FOUND (no active agent), CORD_ERROR_QUOTA
 * (too many calls, or draining), CORD_ERROR_NOT_AUTHORIZED (the call has had its stream),
 * CORD_ERROR_FAILED (the agent cannot be built; @language is set) */
void cord_call_registry_admit_async(CordCallRegistry *self, const CordIncomingCall *incoming,
                                    GCancellable *cancellable, GAsyncReadyCallback callback,
                                    gpointer user_data);
gchar *cord_call_registry_admit_finish(CordCallRegistry *self, GAsyncResult *result, gchar **token,
                                       gchar **language, GError **error);

/* Who is in a browser; and whether there is room for one more, wherever he is */
CordAdmission *cord_call_registry_admit_browser(CordCallRegistry *self, const gchar *agent_id,
                                                GError **error);
gboolean cord_call_registry_check_room(CordCallRegistry *self, GError **error);

/* What the carrier says of a call later; unknown calls are ignored. sequence: -1 when not given */
void cord_call_registry_set_carrier_status(CordCallRegistry *self, const gchar *call_sid,
                                           const gchar *status, gint sequence,
                                           gint duration_seconds);

/**
 * CordCallEventFunc:
 * @call_id: the call
 * @name: the event's name without its prefix: "transcript", "turn-ended", "call-ended", …
 * @json: the event as one line of JSON
 * @data: what cord_call_registry_subscribe() was given
 *
 * Called on the main thread, first for what has happened already, then for all that happens until
 * "call-ended", which is the last.
 */
typedef void (*CordCallEventFunc)(const gchar *call_id, const gchar *name, const gchar *json,
                                  gpointer data);
guint cord_call_registry_subscribe(CordCallRegistry *self, const gchar *call_id_or_sid,
                                   CordCallEventFunc func, gpointer data, GDestroyNotify notify);
void cord_call_registry_unsubscribe(CordCallRegistry *self, guint subscription);

/* All that happens in all calls from now on, first "call-admitted" of each */
guint cord_call_registry_watch(CordCallRegistry *self, CordCallEventFunc func, gpointer data);
void cord_call_registry_tell(CordCallRegistry *self, const gchar *call_id, const gchar *name,
                             const gchar *json);
void cord_call_registry_add_event(CordCallRegistry *self, const gchar *call_id, const gchar *name,
                                  const gchar *json);
void cord_call_registry_unwatch(CordCallRegistry *self, guint watch);

/* What calls are made of; NULL when they cannot be made. Lives as long as the registry */
CordPipelines *cord_call_registry_get_pipelines(CordCallRegistry *self);

/* All of them */
guint cord_call_registry_get_lateness(CordCallRegistry *self);
guint cord_call_registry_get_prepared(CordCallRegistry *self);
guint cord_call_registry_get_count(CordCallRegistry *self);
gboolean cord_call_registry_get_draining(CordCallRegistry *self);
const GError *cord_call_registry_get_error(CordCallRegistry *self);
void cord_call_registry_drain_async(CordCallRegistry *self, guint deadline_ms,
                                    GAsyncReadyCallback callback, gpointer user_data);
gboolean cord_call_registry_drain_finish(CordCallRegistry *self, GAsyncResult *result,
                                         GError **error);
void cord_call_registry_hang_up_all(CordCallRegistry *self, const gchar *reason);

G_END_DECLS
