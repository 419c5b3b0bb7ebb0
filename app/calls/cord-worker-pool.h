/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-worker.h"

G_BEGIN_DECLS

/**
 * CordWorkerPool:
 *
 * The media threads of the server and how many calls each of them has. Any thread.
 */
typedef struct _CordWorkerPool CordWorkerPool;

CordWorkerPool *cord_worker_pool_new(guint workers);
void cord_worker_pool_free(CordWorkerPool *self);
CordWorker *cord_worker_pool_pick(CordWorkerPool *self);
void cord_worker_pool_add_load(CordWorkerPool *self, CordWorker *worker, gint calls);
guint cord_worker_pool_get_lateness(CordWorkerPool *self);
gboolean cord_worker_pool_has_room(CordWorkerPool *self, guint max_lateness_us);

G_END_DECLS
