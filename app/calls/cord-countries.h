/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* In which country a number is, by its prefix (ITU-T E.164, NANPA) */
const gchar *cord_countries_find(const gchar *number);
gboolean cord_countries_has(const gchar *country);

G_END_DECLS
