/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * CordOutage:
 *
 * What the connections to one server know of its absence together: while it is away one of them
 * tries again, at growing intervals, and the others fail at once instead of waiting each for
 * itself. Any thread.
 */
typedef struct _CordOutage CordOutage;

CordOutage *cord_outage_new(void);
CordOutage *cord_outage_ref(CordOutage *self);
void cord_outage_unref(CordOutage *self);

gboolean cord_outage_may_try(CordOutage *self, gchar **why);
void cord_outage_failed(CordOutage *self, const gchar *why);
void cord_outage_passed(CordOutage *self);
void cord_outage_ended(CordOutage *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordOutage, cord_outage_unref)

G_END_DECLS
