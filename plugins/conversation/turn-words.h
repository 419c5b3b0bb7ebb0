/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

guint turn_words_count(const gchar *text);
const gchar *turn_words_skip(const gchar *text, guint n_words);

G_END_DECLS
