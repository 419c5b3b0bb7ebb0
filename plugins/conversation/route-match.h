/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * RouteMatcher:
 *
 * Tells which of several routes a sentence is like, by example. Sentences are compared by the words
 * and pairs of neighbouring words that they share, each weighted by what it tells: a word that
 * belongs to one route tells more than one of all, a question word little, a pronoun next to
 * nothing. A word that no example has counts against all. What denies is only like what denies.
 * A sentence that is more like one that a route is not for than like its examples is not like it.
 */
typedef struct _RouteMatcher RouteMatcher;

RouteMatcher *route_matcher_new(guint n_routes);
void route_matcher_free(RouteMatcher *self);

/* First all examples */
void route_matcher_add(RouteMatcher *self, guint route, const gchar *example);
void route_matcher_add_unlike(RouteMatcher *self, guint route, const gchar *example);
void route_matcher_seal(RouteMatcher *self);

/* Then sentences, on any thread */
void route_matcher_score(const RouteMatcher *self, const gchar *text, gdouble *scores);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RouteMatcher, route_matcher_free)

G_END_DECLS
