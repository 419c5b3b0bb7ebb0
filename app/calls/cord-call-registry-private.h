/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-admission.h"
#include "cord-call-registry.h"
#include "cord-call-table.h"
#include "cord-call.h"
#include "cord-worker-pool.h"

G_BEGIN_DECLS

/* What the files of the registry share: admission on the main thread, streams on the workers. */

struct _CordCallRegistry {
  GObject parent_instance;

  CordStore *store;
  CordJournal *journal;
  CordStreamTokens *tokens;
  CordPipelines *pipelines;
  GError *pipelines_error;
  CordWorkerPool *workers;
  guint max_calls;

  CordCallTable *table;
  gboolean draining;
  GTask *drain;
  guint drain_timeout;

  GMutex lock;       /* leaf; guards what follows */
  GHashTable *calls; /* CordCall, owned, from the first byte of its stream to its end */
  gint coming;       /* streams whose handshake is under way */
  gboolean closed;   /* a stream that comes now is hung up */
};

/* The streams of carriers: how many are at the door, any thread; one that has come, its worker */
void cord_call_registry_count_coming(CordCallRegistry *self, gint streams);
void cord_call_registry_take_stream(CordCallRegistry *self, CordAdmission *expected,
                                    CordWebsocket *websocket, CordWorker *worker);

/* The admission that a stream's token stands for, once; any thread */
CordAdmission *cord_call_registry_claim(CordCallRegistry *self, const gchar *token,
                                        const gchar *call_sid, GError **error);

G_END_DECLS
