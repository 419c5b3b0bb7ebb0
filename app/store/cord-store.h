/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-database.h"
#include "cord-records.h"

G_BEGIN_DECLS

/**
 * CordStore:
 *
 * Agents, calls, transcripts and tool calls in a database. Each call is asynchronous: the SQL runs
 * on the store's own thread, the answer comes in the thread-default main context of the asker.
 * What happens in a running call is not written here but appended to #CordJournal, which brings it
 * into the store by itself.
 *
 * A getter that finds nothing fails with %CORD_STORE_ERROR_NOT_FOUND.
 */
#define CORD_TYPE_STORE (cord_store_get_type())
G_DECLARE_FINAL_TYPE(CordStore, cord_store, CORD, STORE, GObject)

/* Opening: blocks, applies what migrations are missing */
CordStore *cord_store_open(const gchar *uri, GError **error);
CordStore *cord_store_new(CordDatabase *database, GError **error);
CordDatabase *cord_store_connect(CordStore *self, GError **error);
gboolean cord_store_is_shared(CordStore *self);
guint cord_store_get_waiting(CordStore *self);
gboolean cord_store_seed_agents(CordStore *self, const gchar *directory, GError **error);

/* Agents. Lists are GPtrArrays of CordAgent */
void cord_store_list_agents_async(CordStore *self, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *cord_store_list_agents_finish(CordStore *self, GAsyncResult *result, GError **error);
void cord_store_get_agent_async(CordStore *self, const gchar *id, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);
CordAgent *cord_store_get_agent_finish(CordStore *self, GAsyncResult *result, GError **error);
void cord_store_get_active_agent_async(CordStore *self, GCancellable *cancellable,
                                       GAsyncReadyCallback callback, gpointer user_data);
CordAgent *cord_store_get_active_agent_finish(CordStore *self, GAsyncResult *result,
                                              GError **error);
void cord_store_put_agent_async(CordStore *self, CordAgent *agent, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);
CordAgent *cord_store_put_agent_finish(CordStore *self, GAsyncResult *result, GError **error);
void cord_store_delete_agent_async(CordStore *self, const gchar *id, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
gboolean cord_store_delete_agent_finish(CordStore *self, GAsyncResult *result, GError **error);

/* Calls. Lists are GPtrArrays of CordCallRecord, CordTranscriptEntry, CordFunctionCall */
void cord_store_list_calls_async(CordStore *self, guint limit, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *cord_store_list_calls_finish(CordStore *self, GAsyncResult *result, GError **error);
void cord_store_get_call_async(CordStore *self, const gchar *id, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);
CordCallRecord *cord_store_get_call_finish(CordStore *self, GAsyncResult *result, GError **error);
void cord_store_get_call_by_sid_async(CordStore *self, const gchar *twilio_call_sid,
                                      GCancellable *cancellable, GAsyncReadyCallback callback,
                                      gpointer user_data);
CordCallRecord *cord_store_get_call_by_sid_finish(CordStore *self, GAsyncResult *result,
                                                  GError **error);
void cord_store_delete_call_async(CordStore *self, const gchar *id, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data);
gboolean cord_store_delete_call_finish(CordStore *self, GAsyncResult *result, GError **error);
void cord_store_get_transcript_async(CordStore *self, const gchar *call_id,
                                     GCancellable *cancellable, GAsyncReadyCallback callback,
                                     gpointer user_data);
GPtrArray *cord_store_get_transcript_finish(CordStore *self, GAsyncResult *result, GError **error);
void cord_store_get_function_calls_async(CordStore *self, const gchar *call_id,
                                         GCancellable *cancellable, GAsyncReadyCallback callback,
                                         gpointer user_data);
GPtrArray *cord_store_get_function_calls_finish(CordStore *self, GAsyncResult *result,
                                                GError **error);

/* Whether the database answers, and soon: for /ready */
void cord_store_ping_async(CordStore *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data);
gboolean cord_store_ping_finish(CordStore *self, GAsyncResult *result, GError **error);

/**
 * CordStoreFunc:
 * @database: the engine
 * @data: what cord_store_run() was given
 * @error: return location for an error
 *
 * Work on the store's thread, inside one transaction that is committed when it returns %TRUE.
 */
typedef gboolean (*CordStoreFunc)(CordDatabase *database, gpointer data, GError **error);
gboolean cord_store_run(CordStore *self, CordStoreFunc func, gpointer data, GError **error);

/**
 * CordStoreWork:
 * @database: the engine
 * @data: what cord_store_do_async() was given
 * @error: return location for an error
 *
 * Work on a thread of the store that is waited for by nobody.
 *
 * Returns: the result, or %NULL with @error set
 */
typedef gpointer (*CordStoreWork)(CordDatabase *database, gpointer data, GError **error);
void cord_store_do_async(CordStore *self, CordStoreWork work, gboolean transaction, gpointer data,
                         GDestroyNotify free_data, GDestroyNotify free_result,
                         GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data);
gpointer cord_store_do_finish(CordStore *self, GAsyncResult *result, GError **error);

G_END_DECLS
