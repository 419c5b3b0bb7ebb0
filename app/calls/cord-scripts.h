/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * CordScripts:
 *
 * The scripts of agents, as they were when they were read last: a media thread takes them from
 * here, others read them anew. Any thread.
 */
typedef struct _CordScripts CordScripts;

CordScripts *cord_scripts_new(void);
void cord_scripts_free(CordScripts *self);
gchar *cord_scripts_get(CordScripts *self, const gchar *path, gboolean fresh);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordScripts, cord_scripts_free)

G_END_DECLS
