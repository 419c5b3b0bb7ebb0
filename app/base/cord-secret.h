/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean cord_secret_equal(const gchar *a, const gchar *b);
gchar *cord_secret_new(gsize bytes);
const gchar *cord_secret_mask(const gchar *secret);

G_END_DECLS
