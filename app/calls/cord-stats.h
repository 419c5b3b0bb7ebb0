/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-call-registry.h"

G_BEGIN_DECLS

/**
 * CordStats:
 *
 * What happened in all calls, counted: for /metrics. It watches the registry. Main thread.
 */
typedef struct _CordStats CordStats;

CordStats *cord_stats_new(CordCallRegistry *calls, CordJournal *journal);
void cord_stats_free(CordStats *self);
gchar *cord_stats_to_prometheus(CordStats *self);
JsonObject *cord_stats_to_json(CordStats *self);

G_END_DECLS
