/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* One pattern of a script: "i [would] like to (make|book) an appointment [for {day}]". */

typedef struct _LlmPattern LlmPattern;

/**
 * LlmWordLists:
 *
 * The lists that slots name: list -> array of phrases, each a vector of words. The list "any" is
 * every one to three words.
 */
typedef GHashTable LlmWordLists;

LlmPattern *llm_pattern_new(const gchar *text, LlmWordLists *lists, GError **error);
void llm_pattern_free(LlmPattern *self);
gdouble llm_pattern_match(LlmPattern *self, GStrv words, LlmWordLists *lists, GHashTable *slots);
gchar *llm_pattern_to_hint(const gchar *text, LlmWordLists *lists);

GStrv llm_words_split(const gchar *text);

G_END_DECLS
