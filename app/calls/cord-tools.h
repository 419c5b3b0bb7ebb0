/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-records.h"

G_BEGIN_DECLS

/* The tools that every conversation has, by telephone or in writing. */

const gchar *cord_tools_describe(const CordAgent *agent);
gboolean cord_tools_run(const gchar *name, gchar **result);
const gchar *cord_tools_get_signal(gboolean known);

G_END_DECLS
