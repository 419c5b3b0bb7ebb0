/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "jsgf-hints.h"

#include <string.h>

#define MAX_PHRASES 500
#define MAX_COMPARED 400 /* characters */

/* One phrase on its way into the grammar. */
typedef struct {
  HintsKnowsFunc knows;
  gpointer data;
  GPtrArray *missing;
  GString *out;
  GString *open; /* the brackets that are open, innermost last */
  gboolean usable;
  gboolean need_word; /* an alternative or a group has just begun */
} Phrase;

static void
add_word(Phrase *phrase, const gchar *start, gsize length)
{
  g_autofree gchar *word = g_utf8_strdown(start, (gssize)length);

  if (!phrase->knows(word, phrase->data)) {
    phrase->usable = FALSE;
    if (phrase->missing &&
        !g_ptr_array_find_with_equal_func(phrase->missing, word, g_str_equal, NULL))
      g_ptr_array_add(phrase->missing, g_steal_pointer(&word));
    return;
  }
  g_string_append(phrase->out, word);
  g_string_append_c(phrase->out, ' ');
  phrase->need_word = FALSE;
}

/* A full stop ends a phrase, except where it belongs to the word: p.m. */
static gsize
word_length(Phrase *phrase, const gchar *start, gsize length)
{
  g_autofree gchar *whole = g_utf8_strdown(start, (gssize)length);

  if (phrase->knows(whole, phrase->data))
    return length;
  while (length > 0 && start[length - 1] == '.')
    length--;
  return length;
}

static gboolean
is_word_character(gunichar c)
{
  return g_unichar_isalnum(c) || c == '\'' || c == '.' || c == '_';
}

/* Brackets and bars are JSGF's own: (this|that) and [perhaps]. */
static void
add_bracket(Phrase *phrase, gchar c)
{
  gchar open = c == ')' ? '(' : '[';

  switch (c) {
  case '(':
  case '[':
    g_string_append_c(phrase->open, c);
    phrase->need_word = TRUE;
    break;
  case '|':
    phrase->usable &= !phrase->need_word && phrase->open->len > 0;
    phrase->need_word = TRUE;
    break;
  default:
    if (phrase->need_word || phrase->open->len == 0 ||
        phrase->open->str[phrase->open->len - 1] != open) {
      phrase->usable = FALSE;
      return;
    }
    g_string_truncate(phrase->open, phrase->open->len - 1);
  }
  g_string_append_c(phrase->out, c);
  g_string_append_c(phrase->out, ' ');
}

static gchar *
read_phrase(const gchar *text, HintsKnowsFunc knows, gpointer data, GPtrArray *missing)
{
  g_autoptr(GString) open = g_string_new(NULL);
  Phrase phrase = { knows, data, missing, g_string_new(NULL), open, TRUE, TRUE };
  const gchar *p = text;

  while (*p) {
    const gchar *start = p;

    if (strchr("()[]|", *p)) {
      add_bracket(&phrase, *p++);
      continue;
    }
    while (*p && is_word_character(g_utf8_get_char(p)))
      p = g_utf8_next_char(p);
    if (p > start) {
      gsize length = word_length(&phrase, start, (gsize)(p - start));

      if (length > 0)
        add_word(&phrase, start, length);
    } else {
      p = g_utf8_next_char(p);
    }
  }
  phrase.usable &= open->len == 0 && !phrase.need_word;
  return g_string_free(phrase.out, !phrase.usable);
}

/* Phrases are parted by line breaks and by bars that stand in no bracket. */
static GPtrArray *
split(const gchar *hints)
{
  GPtrArray *phrases = g_ptr_array_new_with_free_func(g_free);
  const gchar *start = hints;
  gint depth = 0;

  for (const gchar *p = hints;; p++) {
    if (*p == '\0' || *p == '\n' || (*p == '|' && depth == 0)) {
      if (p > start)
        g_ptr_array_add(phrases, g_strndup(start, (gsize)(p - start)));
      start = p + 1;
      depth = 0;
      if (*p == '\0')
        return phrases;
    } else if (*p == '(' || *p == '[') {
      depth++;
    } else if ((*p == ')' || *p == ']') && depth > 0) {
      depth--;
    }
  }
}

/**
 * jsgf_from_hints:
 * @hints: valid UTF-8: phrases that are likely to be said, one a line or parted by "|"; in a phrase
 *   "(this|that)" is a choice and "[perhaps]" may be left out
 * @knows: whether the dictionary has a word
 * @data: for @knows
 * @missing: (nullable): gets the words that it has not; their phrases are left out
 *
 * Returns: (transfer full) (nullable): a grammar in which each phrase is a whole utterance, or
 * %NULL when no phrase is usable
 */
gchar *
jsgf_from_hints(const gchar *hints, HintsKnowsFunc knows, gpointer data, GPtrArray *missing)
{
  g_autoptr(GPtrArray) phrases = split(hints);
  GString *grammar = g_string_new("#JSGF V1.0;\ngrammar hints;\npublic <hint> = ");
  guint used = 0;

  for (guint i = 0; i < phrases->len && used < MAX_PHRASES; i++) {
    g_autofree gchar *phrase = read_phrase(phrases->pdata[i], knows, data, missing);

    if (phrase == NULL)
      continue;
    g_string_append_printf(grammar, "%s%s", used > 0 ? "| " : "", phrase);
    used++;
  }
  g_string_append(grammar, ";\n");
  return g_string_free(grammar, used == 0);
}

/**
 * hints_similarity:
 * @a: a text
 * @b: another
 *
 * How alike they are: one minus the edit distance in characters, as a share of the longer one.
 *
 * Returns: 0 to 1
 */
gdouble
hints_similarity(const gchar *a, const gchar *b)
{
  gsize n = MIN(strlen(a), MAX_COMPARED), m = MIN(strlen(b), MAX_COMPARED);
  guint row[MAX_COMPARED + 1];

  if (n == 0 || m == 0)
    return n == m ? 1 : 0;
  for (gsize j = 0; j <= m; j++)
    row[j] = (guint)j;
  for (gsize i = 1; i <= n; i++) {
    guint diagonal = row[0];

    row[0] = (guint)i;
    for (gsize j = 1; j <= m; j++) {
      guint above = row[j];
      guint change = diagonal + (a[i - 1] != b[j - 1]);

      row[j] = MIN(MIN(above, row[j - 1]) + 1, change);
      diagonal = above;
    }
  }
  return 1.0 - (gdouble)row[m] / (gdouble)MAX(n, m);
}
