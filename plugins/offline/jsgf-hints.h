/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * HintsKnowsFunc:
 * @word: a word in lower case
 * @data: what jsgf_from_hints() was given
 *
 * Returns: whether the dictionary has @word
 */
typedef gboolean (*HintsKnowsFunc)(const gchar *word, gpointer data);

gchar *jsgf_from_hints(const gchar *hints, HintsKnowsFunc knows, gpointer data, GPtrArray *missing);
gdouble hints_similarity(const gchar *a, const gchar *b);

G_END_DECLS
