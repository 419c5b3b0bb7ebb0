/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * CordCallFeed:
 *
 * The story of one call for those who listen: its latest events and its subscribers. Main thread.
 */
typedef struct _CordCallFeed CordCallFeed;

typedef void (*CordCallFeedFunc)(const gchar *call_id, const gchar *name, const gchar *json,
                                 gpointer data);

CordCallFeed *cord_call_feed_new(const gchar *call_id);
void cord_call_feed_free(CordCallFeed *self);
void cord_call_feed_add(CordCallFeed *self, const gchar *name, const gchar *json);
void cord_call_feed_tell(CordCallFeed *self, const gchar *name, const gchar *json);
gboolean cord_call_feed_has_subscribers(CordCallFeed *self);
void cord_call_feed_subscribe(CordCallFeed *self, guint id, CordCallFeedFunc func, gpointer data,
                              GDestroyNotify notify);
gboolean cord_call_feed_unsubscribe(CordCallFeed *self, guint id);

G_END_DECLS
