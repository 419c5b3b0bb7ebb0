/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * CordCensus:
 *
 * How many connections there are, from which addresses, and how much of their requests' bodies is
 * held in memory. Shared with the connections, which may end on another thread after the listener
 * is gone. Any thread.
 */
typedef struct _CordCensus CordCensus;

CordCensus *cord_census_new(guint max_connections, guint max_per_address, gsize max_bodies);
CordCensus *cord_census_ref(CordCensus *self);
void cord_census_unref(CordCensus *self);

gboolean cord_census_enter(CordCensus *self, const gchar *address, gboolean local);
void cord_census_leave(CordCensus *self, const gchar *address);
gboolean cord_census_hold(CordCensus *self, gsize bytes);
void cord_census_release(CordCensus *self, gsize bytes);
guint cord_census_get_count(CordCensus *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordCensus, cord_census_unref)

G_END_DECLS
