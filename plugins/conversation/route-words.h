/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* More words than that are a story, not a request. */
#define ROUTE_MAX_WORDS 48

/**
 * RouteWord:
 * @stem: the word without case, accents and endings
 * @weight: what it says about what somebody wants, from 0 to 1
 */
typedef struct {
  gchar *stem;
  gdouble weight;
} RouteWord;

/**
 * RouteWords:
 * @words: (element-type RouteWord): those that say something, in order
 * @negated: whether something is denied
 * @too_long: whether there were more than %ROUTE_MAX_WORDS; then there are no @words
 *
 * What a sentence comes down to.
 */
typedef struct {
  GArray *words;
  gboolean negated;
  gboolean too_long;
} RouteWords;

void route_words_read(RouteWords *self, const gchar *text);
void route_words_clear(RouteWords *self);

G_END_DECLS
