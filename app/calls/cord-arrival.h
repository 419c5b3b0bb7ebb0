/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-call-registry.h"
#include "cord-websocket.h"

G_BEGIN_DECLS

/**
 * CordArrival:
 *
 * A carrier's stream from its handshake, on the main thread, until it is a call, on its worker.
 */
typedef struct _CordArrival CordArrival;

CordArrival *cord_call_registry_expect_stream(CordCallRegistry *self, const gchar *call_id,
                                              GError **error);
CordWorker *cord_arrival_get_worker(CordArrival *self);
void cord_arrival_take(CordArrival *self, CordWebsocket *websocket);
void cord_arrival_free(CordArrival *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordArrival, cord_arrival_free)

G_END_DECLS
