/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-call-pipeline.h"
#include "cord-worker.h"

G_BEGIN_DECLS

/**
 * CordExtractOrder:
 * @pipelines: what agents are made of
 * @worker: whose thread the request is made on
 * @agent: whose model is asked
 * @transcript: what it is asked about
 * @timeout_ms: how long all of it may take
 *
 * One question to a model: what was found out?
 */
typedef struct {
  CordPipelines *pipelines;
  CordWorker *worker;
  CordAgent *agent;
  const gchar *transcript;
  guint timeout_ms;
} CordExtractOrder;

JsonObject *cord_extract(const CordExtractOrder *order, GCancellable *cancellable, GError **error);

G_END_DECLS
