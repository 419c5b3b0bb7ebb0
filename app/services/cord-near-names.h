/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

guint cord_edit_distance(const gchar *a, const gchar *b);
GStrv cord_near_names(const gchar *name, GPtrArray *names, guint max);

G_END_DECLS
