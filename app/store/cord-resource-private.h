/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-resource.h"

G_BEGIN_DECLS

/* What rows and lists of a resource share: SQL and JSON in pieces. */
GString *cord_resource_select(const CordResource *self);
void cord_resource_append_parameter(GString *sql, GPtrArray *params, const gchar *value);
CordRows *cord_resource_run(CordDatabase *database, GString *sql, GPtrArray *params,
                            GError **error);
void cord_resource_append_row(GString *json, const CordResource *self, const CordRows *rows,
                              guint row);

G_END_DECLS
