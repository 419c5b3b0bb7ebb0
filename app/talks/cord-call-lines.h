/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * CordCallLines:
 *
 * What was said in a call, as a model reads it: a line each, the newest of them within a limit.
 */
typedef struct _CordCallLines CordCallLines;

CordCallLines *cord_call_lines_new(void);
void cord_call_lines_free(CordCallLines *self);
void cord_call_lines_add(CordCallLines *self, gboolean caller, const gchar *text);
gboolean cord_call_lines_has_caller(const CordCallLines *self);
guint cord_call_lines_get_count(const CordCallLines *self);
gchar *cord_call_lines_print(const CordCallLines *self, const gchar *known);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordCallLines, cord_call_lines_free)

G_END_DECLS
