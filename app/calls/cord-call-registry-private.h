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

  CordDirectory *directory;
  CordStreamTokens *tokens;
  CordCallKit kit;
  GError *pipelines_error;
  CordWorkerPool *workers;
  guint max_calls;
  guint max_lateness_us;
  guint max_prepared;

  CordCallTable *table;
  gboolean draining;
  GTask *drain;
  guint drain_timeout;

  GMutex lock;          /* leaf; guards what follows */
  GHashTable *calls;    /* CordCall, owned, from the first byte of its stream to its end */
  GHashTable *prepared; /* call's id -> CordCall, owned, until its stream comes or is given up */
  gint coming;          /* streams whose handshake is under way */
  gboolean closed;      /* a stream that comes now is hung up */
};

/* The streams of carriers: how many are at the door, any thread; one that has come, its worker */
void cord_call_registry_count_coming(CordCallRegistry *self, gint streams);
void cord_call_registry_take_stream(CordCallRegistry *self, CordAdmission *expected,
                                    CordWebsocket *websocket, CordWorker *worker);

/* A call that was let in and for whose stream nobody comes; main thread */
void cord_call_registry_give_up(CordCallRegistry *self, CordAdmission *admission);

/* The admission that a stream's token stands for, once; on the worker of its call */
CordAdmission *cord_call_registry_claim(CordCallRegistry *self, CordCall *call, const gchar *token,
                                        const gchar *call_sid, GError **error);

/* Calls that wait for their stream with everything ready; any thread but for the first */
gboolean cord_call_registry_prepare(CordCallRegistry *self, CordAdmission *admission,
                                    GError **error);
CordCall *cord_call_registry_take_prepared(CordCallRegistry *self, CordAdmission *admission,
                                           CordWorker *worker);
CordWorker *cord_call_registry_dup_prepared_worker(CordCallRegistry *self,
                                                   CordAdmission *admission);
void cord_call_registry_dismiss(CordCallRegistry *self, CordAdmission *admission, CordCall *unless);
void cord_call_registry_order_hang_up(CordCall *call, const gchar *reason);
void cord_call_registry_order_levels(CordCallRegistry *self, const CordCallEntry *entry,
                                     gboolean wanted);

/* What calls ask and tell */
extern const CordCallOwner cord_call_registry_owner;

G_END_DECLS
