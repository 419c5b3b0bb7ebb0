/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "route-words.h"

#include <string.h>

#define MAX_TEXT 4096 /* bytes that are looked at */
#define MIN_STEM 3    /* letters that an ending leaves */

#define WEIGHT_FULL 1.0
#define WEIGHT_QUESTION 0.5
#define WEIGHT_FUNCTION 0.25

/* All lists are of words without case and accents, English and German together: a word of one says
 * nothing else in the other that would matter here. */

/* Say nothing at all */
static const gchar *const fillers[] = {
  "a",     "an",    "the",   "please", "um",     "uh",       "uhm",   "er",    "hmm",   "hm",
  "hey",   "hi",    "hello", "well",   "so",     "okay",     "ok",    "oh",    "ah",    "yes",
  "yeah",  "yep",   "no",    "nope",   "thank",  "thanks",   "just",  "now",   "then",  "really",
  "right", "sorry", "maam",  "sir",    "madam",  "actually", "bitte", "danke", "ja",    "nein",
  "ahm",   "also",  "mal",   "doch",   "denn",   "hallo",    "jetzt", "nun",   "gut",   "der",
  "die",   "das",   "den",   "dem",    "des",    "ein",      "eine",  "einen", "einem", "einer",
  "eines", "ach",   "naja",  "genau",  "einmal", "eh",       "na",
};

/* Say little */
static const gchar *const functions[] = {
  "i",       "you",    "he",      "she",       "it",      "we",      "they",  "me",     "my",
  "your",    "our",    "us",      "them",      "is",      "are",     "am",    "was",    "be",
  "been",    "do",     "did",     "does",      "can",     "could",   "would", "should", "will",
  "shall",   "may",    "have",    "has",       "had",     "to",      "of",    "for",    "with",
  "in",      "on",     "that",    "this",      "there",   "and",     "or",    "but",    "if",
  "as",      "about",  "like",    "want",      "know",    "tell",    "say",   "ask",    "let",
  "need",    "good",   "morning", "afternoon", "evening", "day",     "ich",   "du",     "er",
  "sie",     "es",     "wir",     "ihr",       "mir",     "mich",    "dir",   "dich",   "uns",
  "ihnen",   "mein",   "dein",    "ihre",      "ihren",   "ihrem",   "deine", "meine",  "ist",
  "sind",    "bin",    "bist",    "war",       "habe",    "hat",     "haben", "kann",   "konnen",
  "konnten", "konnte", "wurde",   "wurden",    "mochte",  "mochten", "will",  "wollen", "wollte",
  "wissen",  "sagen",  "und",     "oder",      "aber",    "wenn",    "zu",    "von",    "fur",
  "mit",     "im",     "am",      "an",        "bei",     "nach",    "uber",  "dass",   "gern",
  "gerne",   "da",     "guten",   "guter",     "tag",     "morgen",  "abend", "hier",
};

/* Say that something is asked, but not what */
static const gchar *const questions[] = {
  "how", "much", "many", "what", "which", "when",  "where",  "why",
  "wie", "viel", "was",  "wann", "wo",    "warum", "welche", "welcher",
};

static const gchar *const negations[] = {
  "not",   "never",  "cannot",  "dont",     "doesnt",  "didnt", "cant",    "wont",
  "isnt",  "arent",  "wouldnt", "shouldnt", "nicht",   "nie",   "niemals", "kein",
  "keine", "keinen", "keinem",  "keiner",   "without", "ohne",
};

/* What may be left of "who's", "I'd", "geht's" behind the apostrophe */
static const gchar *const contractions[] = { "s", "d", "ll", "m", "re", "ve" };

/* The longest first */
static const gchar *const endings[] = { "ing", "est", "ed", "es", "en", "et", "e", "s" };

static const struct {
  const gchar *const *words;
  guint n;
  gdouble weight;
} classes[] = {
  { fillers, G_N_ELEMENTS(fillers), 0 },
  { questions, G_N_ELEMENTS(questions), WEIGHT_QUESTION },
  { functions, G_N_ELEMENTS(functions), WEIGHT_FUNCTION },
};

static gboolean
is_one_of(const gchar *word, const gchar *const *words, guint n)
{
  for (guint i = 0; i < n; i++)
    if (g_str_equal(words[i], word))
      return TRUE;
  return FALSE;
}

static gdouble
weigh(const gchar *word)
{
  for (guint i = 0; i < G_N_ELEMENTS(classes); i++)
    if (is_one_of(word, classes[i].words, classes[i].n))
      return classes[i].weight;
  return WEIGHT_FULL;
}

static gboolean
is_apostrophe(gunichar c)
{
  return c == '\'' || c == 0x2019 || c == 0x02bc;
}

/* Without case and accents; ASCII signs stay. */
static gchar *
fold(const gchar *text)
{
  g_autofree gchar *valid = g_utf8_make_valid(text, (gssize)strnlen(text, MAX_TEXT));
  g_autofree gchar *plain = g_utf8_casefold(valid, -1);
  g_autofree gchar *apart = g_utf8_normalize(plain, -1, G_NORMALIZE_ALL);
  GString *folded = g_string_new(NULL);

  for (const gchar *at = apart; at && *at; at = g_utf8_next_char(at)) {
    gunichar c = g_utf8_get_char(at);

    if (is_apostrophe(c))
      g_string_append_c(folded, '\'');
    else if (!g_unichar_ismark(c))
      g_string_append_unichar(folded, c);
  }
  return g_string_free(folded, FALSE);
}

static gboolean
drop_ending(gchar *word)
{
  gsize length = strlen(word);

  for (guint i = 0; i < G_N_ELEMENTS(endings); i++) {
    gsize ending = strlen(endings[i]);

    if (length < ending + MIN_STEM || !g_str_has_suffix(word, endings[i]))
      continue;
    word[length - ending] = '\0';
    return TRUE;
  }
  return FALSE;
}

/* As light as it can be: "prices", "pricing" and "price" come to the same, and "kosten" and
 * "kostet". */
static void
stem(gchar *word)
{
  gsize length;

  while (drop_ending(word))
    ;
  length = strlen(word);
  if (length > MIN_STEM && word[length - 1] == word[length - 2] &&
      g_ascii_isalpha(word[length - 1]))
    word[length - 1] = '\0';
}

static void
add_word(RouteWords *self, const gchar *text)
{
  RouteWord word;

  if (is_one_of(text, negations, G_N_ELEMENTS(negations))) {
    self->negated = TRUE;
    return;
  }
  word = (RouteWord){ NULL, weigh(text) };
  if (word.weight <= 0)
    return;
  word.stem = g_strdup(text);
  stem(word.stem);
  g_array_append_val(self->words, word);
}

/* "don't" is "do" and denied; "who's" is "who". */
static void
add_token(RouteWords *self, gchar *token)
{
  gchar *apostrophe = strchr(token, '\'');

  if (apostrophe == NULL) {
    add_word(self, token);
    return;
  }
  *apostrophe = '\0';
  if (g_str_has_prefix(apostrophe + 1, "t") && g_str_has_suffix(token, "n")) {
    self->negated = TRUE;
    return;
  }
  if (*token)
    add_word(self, token);
  g_strdelimit(apostrophe + 1, "'", ' ');
  g_strstrip(apostrophe + 1);
  if (apostrophe[1] && !is_one_of(apostrophe + 1, contractions, G_N_ELEMENTS(contractions)))
    add_word(self, apostrophe + 1);
}

static void
clear_word(gpointer data)
{
  g_free(((RouteWord *)data)->stem);
}

static void
split(RouteWords *self, const gchar *folded)
{
  g_autoptr(GString) token = g_string_new(NULL);
  guint n = 0;

  for (const gchar *at = folded;; at = g_utf8_next_char(at)) {
    gunichar c = g_utf8_get_char(at);

    if (c == '\'' || g_unichar_isalnum(c)) {
      g_string_append_unichar(token, c);
      continue;
    }
    if (token->len > 0 && ++n > ROUTE_MAX_WORDS) {
      self->too_long = TRUE;
      return;
    }
    if (token->len > 0)
      add_token(self, token->str);
    g_string_truncate(token, 0);
    if (c == 0)
      return;
  }
}

/**
 * route_words_read:
 * @self: (out caller-allocates): what it comes down to
 * @text: what somebody said; any bytes
 */
void
route_words_read(RouteWords *self, const gchar *text)
{
  g_autofree gchar *folded = NULL;

  *self = (RouteWords){ g_array_new(FALSE, FALSE, sizeof(RouteWord)), FALSE, FALSE };
  g_array_set_clear_func(self->words, clear_word);
  self->too_long = strnlen(text, MAX_TEXT + 1) > MAX_TEXT;
  if (self->too_long)
    return;
  folded = fold(text);
  split(self, folded);
  if (self->too_long)
    g_array_set_size(self->words, 0);
}

/**
 * route_words_clear:
 * @self: what was read
 */
void
route_words_clear(RouteWords *self)
{
  g_clear_pointer(&self->words, g_array_unref);
}
