/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-admission.h"
#include "cord-call-feed.h"

G_BEGIN_DECLS

/* How loud both sides are: only of interest now, to those who follow the call */
#define CORD_CALL_LEVELS "levels"

/**
 * CordCallEntry:
 * @admission: what was decided when the call came in
 * @feed: its story
 * @carrier_sequence: the number of the carrier's last status callback, or -1
 * @streaming: whether its stream has come
 * @ended: whether it is over
 * @refused: whether its agent could not take it
 *
 * A call as the main thread knows it, from its webhook until a little after its end.
 */
typedef struct {
  CordAdmission *admission;
  CordCallFeed *feed;
  gint carrier_sequence;
  gboolean streaming;
  gboolean ended;
  gboolean refused;
} CordCallEntry;

/**
 * CordCallTable:
 *
 * The calls of now and of a moment ago, by our id and by the carrier's. Main thread.
 */
typedef struct _CordCallTable CordCallTable;

CordCallTable *cord_call_table_new(void);
void cord_call_table_free(CordCallTable *self);
CordCallEntry *cord_call_table_add(CordCallTable *self, CordAdmission *admission);
CordCallEntry *cord_call_table_find(CordCallTable *self, const gchar *id_or_sid);
void cord_call_table_add_event(CordCallTable *self, CordCallEntry *entry, const gchar *name,
                               const gchar *json);
void cord_call_table_end(CordCallTable *self, CordCallEntry *entry, const gchar *status,
                         const gchar *reason, gint duration_seconds);
void cord_call_table_foreach(CordCallTable *self, GFunc func, gpointer data);
guint cord_call_table_subscribe(CordCallTable *self, const gchar *id_or_sid, CordCallFeedFunc func,
                                gpointer data, GDestroyNotify notify);
CordCallEntry *cord_call_table_unsubscribe(CordCallTable *self, guint subscription);

/* All that happens in all calls from now on, first "call-admitted" of each */
guint cord_call_table_watch(CordCallTable *self, CordCallFeedFunc func, gpointer data);
void cord_call_table_tell(CordCallTable *self, const gchar *call_id, const gchar *name,
                          const gchar *json);
void cord_call_table_unwatch(CordCallTable *self, guint watch);

G_END_DECLS
