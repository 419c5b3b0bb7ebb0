/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-call-registry.h"

G_BEGIN_DECLS

/**
 * CordStatsSources:
 * @calls: what is watched
 * @journal: in front of the store
 * @store: the store
 * @config: which services there are
 * @add_more: (nullable): adds what else there is to tell, by cord_stats_add()
 * @data: for @add_more
 *
 * Where the figures come from; the objects are held.
 */
typedef struct _CordStats CordStats;
typedef struct {
  CordCallRegistry *calls;
  CordJournal *journal;
  CordStore *store;
  CordConfig *config;
  void (*add_more)(GString *text, JsonObject *object, gpointer data);
  gpointer data;
} CordStatsSources;

/**
 * CordStats:
 *
 * Counters and histograms since the start, for Prometheus and for people. Main thread.
 */
CordStats *cord_stats_new(const CordStatsSources *sources);
void cord_stats_free(CordStats *self);
gchar *cord_stats_to_prometheus(CordStats *self);
JsonObject *cord_stats_to_json(CordStats *self);

/* One figure, in both forms: for @add_more */
void cord_stats_add(GString *text, JsonObject *object, const gchar *name, const gchar *type,
                    const gchar *help, guint64 value);

G_END_DECLS
