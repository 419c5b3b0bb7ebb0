/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "cord-database.h"

G_BEGIN_DECLS

/* The metadata of a call, that several servers may add to. Inside a transaction. Private to the
 * store. */

gboolean cord_call_metadata_merge(CordDatabase *database, const gchar *call_id,
                                  const gchar *members, gchar **merged, GError **error);
gboolean cord_call_metadata_add_recording(CordDatabase *database, const gchar *call_id,
                                          const gchar *call_sid, const gchar *recording,
                                          GError **error);

G_END_DECLS
