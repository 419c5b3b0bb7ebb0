/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "route-match.h"

#include <math.h>
#include <string.h>

#include "route-words.h"

#define PAIR 0.5 /* what a pair of words weighs beside its words */

/* A sentence: what is in it -> how much it weighs, a gdouble */
typedef struct {
  GHashTable *features; /* gchar * -> gdouble * */
  gdouble norm;
  gboolean negated;
  guint route;
  gboolean unlike; /* not meant by it */
} Sentence;

struct _RouteMatcher {
  guint n_routes;
  GPtrArray *examples;  /* Sentence */
  GHashTable *in_route; /* feature -> GHashTable of routes that have it */
};

static void
free_sentence(gpointer data)
{
  Sentence *sentence = data;

  g_hash_table_unref(sentence->features);
  g_free(sentence);
}

/**
 * route_matcher_new:
 * @n_routes: how many routes there are
 *
 * Returns: (transfer full): a matcher without examples
 */
RouteMatcher *
route_matcher_new(guint n_routes)
{
  RouteMatcher *self = g_new0(RouteMatcher, 1);

  self->n_routes = n_routes;
  self->examples = g_ptr_array_new_with_free_func(free_sentence);
  self->in_route =
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
  return self;
}

/**
 * route_matcher_free:
 * @self: (transfer full): a matcher
 */
void
route_matcher_free(RouteMatcher *self)
{
  g_ptr_array_unref(self->examples);
  g_hash_table_unref(self->in_route);
  g_free(self);
}

static void
add_feature(GHashTable *features, gchar *name, gdouble weight)
{
  gdouble *value = g_new(gdouble, 1);

  *value = weight;
  g_hash_table_replace(features, name, value);
}

/* What it is made of, weighted by the kinds of its words alone. */
static Sentence *
read_sentence(const gchar *text)
{
  Sentence *self = g_new0(Sentence, 1);
  RouteWords words;

  route_words_read(&words, text);
  self->features = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  self->negated = words.negated;
  for (guint i = 0; i < words.words->len; i++) {
    const RouteWord *word = &g_array_index(words.words, RouteWord, i);
    const RouteWord *before = i > 0 ? &g_array_index(words.words, RouteWord, i - 1) : NULL;

    add_feature(self->features, g_strdup(word->stem), word->weight);
    if (before && !g_str_equal(before->stem, word->stem))
      add_feature(self->features, g_strjoin(" ", before->stem, word->stem, NULL),
                  PAIR * sqrt(before->weight * word->weight));
  }
  route_words_clear(&words);
  return self;
}

static void
add(RouteMatcher *self, guint route, const gchar *example, gboolean unlike)
{
  Sentence *sentence = read_sentence(example);
  GHashTableIter iter;
  gpointer name;

  sentence->route = route;
  sentence->unlike = unlike;
  g_hash_table_iter_init(&iter, sentence->features);
  while (g_hash_table_iter_next(&iter, &name, NULL)) {
    GHashTable *routes = g_hash_table_lookup(self->in_route, name);

    if (routes == NULL) {
      routes = g_hash_table_new(NULL, NULL);
      g_hash_table_insert(self->in_route, g_strdup(name), routes);
    }
    g_hash_table_add(routes, GUINT_TO_POINTER(route));
  }
  g_ptr_array_add(self->examples, sentence);
}

/**
 * route_matcher_add:
 * @self: a matcher
 * @route: the number of a route
 * @example: what somebody may say who wants it
 */
void
route_matcher_add(RouteMatcher *self, guint route, const gchar *example)
{
  add(self, route, example, FALSE);
}

/**
 * route_matcher_add_unlike:
 * @self: a matcher
 * @route: the number of a route
 * @example: what sounds like it and is something else
 */
void
route_matcher_add_unlike(RouteMatcher *self, guint route, const gchar *example)
{
  add(self, route, example, TRUE);
}

/* The fewer routes have it, the more it tells; what none has, as much as what one has. */
static gdouble
rarity(const RouteMatcher *self, const gchar *feature)
{
  GHashTable *routes = g_hash_table_lookup(self->in_route, feature);
  guint n = routes ? g_hash_table_size(routes) : 1;

  return log(1.0 + (gdouble)self->n_routes / n);
}

static void
weigh(const RouteMatcher *self, Sentence *sentence)
{
  GHashTableIter iter;
  gpointer name, value;
  gdouble squares = 0;

  g_hash_table_iter_init(&iter, sentence->features);
  while (g_hash_table_iter_next(&iter, &name, &value)) {
    gdouble *weight = value;

    *weight *= rarity(self, name);
    squares += *weight * *weight;
  }
  sentence->norm = sqrt(squares);
}

/**
 * route_matcher_seal:
 * @self: a matcher that has all its examples
 */
void
route_matcher_seal(RouteMatcher *self)
{
  for (guint i = 0; i < self->examples->len; i++)
    weigh(self, self->examples->pdata[i]);
}

/* The cosine of the angle between two sentences */
static gdouble
compare(const Sentence *a, const Sentence *b)
{
  gdouble product = 0;
  GHashTableIter iter;
  gpointer name, value;

  if (a->negated != b->negated || a->norm <= 0 || b->norm <= 0)
    return 0;
  g_hash_table_iter_init(&iter, a->features);
  while (g_hash_table_iter_next(&iter, &name, &value)) {
    const gdouble *other = g_hash_table_lookup(b->features, name);

    if (other)
      product += *(gdouble *)value * *other;
  }
  return MIN(product / (a->norm * b->norm), 1.0);
}

/**
 * route_matcher_score:
 * @self: a matcher
 * @text: what somebody said; any bytes
 * @scores: (out caller-allocates) (array): how much it is like each route, from 0 to 1
 */
void
route_matcher_score(const RouteMatcher *self, const gchar *text, gdouble *scores)
{
  g_autofree gdouble *unlike = g_new0(gdouble, MAX(self->n_routes, 1));
  Sentence *sentence = read_sentence(text);

  weigh(self, sentence);
  memset(scores, 0, self->n_routes * sizeof *scores);
  for (guint i = 0; i < self->examples->len; i++) {
    const Sentence *example = self->examples->pdata[i];
    gdouble *best = example->unlike ? unlike : scores;

    best[example->route] = MAX(best[example->route], compare(example, sentence));
  }
  for (guint i = 0; i < self->n_routes; i++)
    if (unlike[i] > scores[i])
      scores[i] = 0;
  free_sentence(sentence);
}
