/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "llm-pattern.h"

#include <string.h>

#include "cord-error.h"

#define MAX_SEQUENCES 128 /* ways to say one pattern */
#define MAX_ELEMENTS 24   /* words and slots in one of them */
#define MAX_WORDS 60      /* of what was said */
#define EXTRA 0.13        /* cost of a word that the pattern has not */
#define MISSING 1.0       /* cost of a word that was not said */
#define MISSING_SHORT 0.5 /* of one that recognisers lose: "i", "to", "the" */
#define SHORT 3           /* letters */
#define ALIKE 0.66        /* similarity from which two words are one, misheard */
#define SLOT_WORDS 4      /* the longest phrase of a list */

/* A word, or with `slot` a place for one phrase of a list. */
typedef struct {
  gchar *text; /* the word, or the list's name */
  gchar *slot; /* the slot's name, or NULL */
} Element;

struct _LlmPattern {
  GPtrArray *sequences; /* GPtrArray of Element (shared) */
  GPtrArray *elements;  /* owned */
};

static void
free_element(gpointer data)
{
  Element *element = data;

  g_free(element->text);
  g_free(element->slot);
  g_free(element);
}

/* "i'd" is "i would", however it was written. Returns where the second word begins, or NULL. */
static const gchar *
find_contraction(const gchar *word, const gchar **second)
{
  static const struct {
    const gchar *end, *word;
  } ends[] = {
    { "'d", "would" }, { "'s", "is" },    { "'m", "am" },
    { "'re", "are" },  { "'ll", "will" }, { "'ve", "have" },
  };

  for (guint i = 0; i < G_N_ELEMENTS(ends); i++) {
    if (g_str_has_suffix(word, ends[i].end) && strlen(word) > strlen(ends[i].end)) {
      *second = ends[i].word;
      return word + strlen(word) - strlen(ends[i].end);
    }
  }
  return NULL;
}

static void
add_word(GStrvBuilder *builder, GString *word)
{
  const gchar *second;
  const gchar *end = find_contraction(word->str, &second);

  if (end)
    g_string_truncate(word, (gsize)(end - word->str));
  g_strv_builder_add(builder, word->str);
  if (end)
    g_strv_builder_add(builder, second);
  g_string_truncate(word, 0);
}

/**
 * llm_words_split:
 * @text: what somebody said
 *
 * Returns: (transfer full): its words in lower case, without punctuation
 */
GStrv
llm_words_split(const gchar *text)
{
  g_autofree gchar *valid = g_utf8_make_valid(text, -1);
  g_autofree gchar *lower = g_utf8_strdown(valid, -1);
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  g_autoptr(GString) word = g_string_new(NULL);

  for (const gchar *p = lower;; p = g_utf8_next_char(p)) {
    gunichar c = *p ? g_utf8_get_char(p) : 0;

    if (c && (g_unichar_isalnum(c) || c == '\'')) {
      g_string_append_unichar(word, c);
    } else if (word->len > 0) {
      add_word(builder, word);
    }
    if (c == 0)
      return g_strv_builder_end(builder);
  }
}

/* Reading: a recursive descent that carries all sequences so far. */
typedef struct {
  const gchar *at;
  LlmPattern *pattern;
  LlmWordLists *lists;
  guint depth;
  GError **error;
} Reader;

static GPtrArray *read_alternatives(Reader *reader);

static GPtrArray *
new_sequences(void)
{
  return g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
}

static gboolean
refuse(Reader *reader, const gchar *what)
{
  if (reader->error && *reader->error == NULL)
    g_set_error(reader->error, CORD_ERROR, CORD_ERROR_INVALID, "%s, at \"%s\"", what, reader->at);
  return FALSE;
}

/* Every way so far, followed by every way of `next`. */
static GPtrArray *
multiply(GPtrArray *so_far, GPtrArray *next)
{
  GPtrArray *all = new_sequences();

  for (guint i = 0; i < so_far->len; i++) {
    for (guint j = 0; j < next->len && all->len < MAX_SEQUENCES; j++) {
      GPtrArray *joined = g_ptr_array_copy(so_far->pdata[i], NULL, NULL);

      g_ptr_array_extend(joined, next->pdata[j], NULL, NULL);
      if (joined->len > MAX_ELEMENTS)
        g_ptr_array_set_size(joined, MAX_ELEMENTS);
      g_ptr_array_add(all, joined);
    }
  }
  g_ptr_array_unref(so_far);
  g_ptr_array_unref(next);
  return all;
}

static GPtrArray *
one_element(Reader *reader, gchar *text, gchar *slot)
{
  GPtrArray *sequences = new_sequences();
  GPtrArray *sequence = g_ptr_array_new();
  Element *element = g_new0(Element, 1);

  *element = (Element){ text, slot };
  g_ptr_array_add(reader->pattern->elements, element);
  g_ptr_array_add(sequence, element);
  g_ptr_array_add(sequences, sequence);
  return sequences;
}

static GPtrArray *
read_slot(Reader *reader)
{
  const gchar *end = strchr(reader->at, '}');
  g_autofree gchar *inside = NULL;
  g_auto(GStrv) parts = NULL;
  const gchar *list;

  if (end == NULL) {
    refuse(reader, "a { without }");
    return NULL;
  }
  inside = g_strndup(reader->at + 1, (gsize)(end - reader->at - 1));
  parts = g_strsplit(inside, ":", 2);
  list = parts[0] && parts[1] ? parts[1] : parts[0];
  if (list == NULL || (!g_str_equal(list, "any") && !g_hash_table_contains(reader->lists, list))) {
    refuse(reader, "a slot of a list that does not exist");
    return NULL;
  }
  reader->at = end + 1;
  return one_element(reader, g_strdup(list), g_strdup(parts[0]));
}

static GPtrArray *
read_group(Reader *reader, gchar close)
{
  gboolean optional = close == ']';
  GPtrArray *inside;

  reader->at++;
  inside = read_alternatives(reader);
  if (inside == NULL)
    return NULL;
  if (*reader->at != close) {
    refuse(reader, "a bracket without its end");
    g_ptr_array_unref(inside);
    return NULL;
  }
  reader->at++;
  if (optional)
    g_ptr_array_insert(inside, 0, g_ptr_array_new());
  return inside;
}

static GPtrArray *
read_word(Reader *reader)
{
  const gchar *start = reader->at;
  g_autofree gchar *word = NULL;
  const gchar *end, *second;

  while (*reader->at && !strchr(" \t|()[]{}", *reader->at))
    reader->at++;
  if (reader->at == start) {
    refuse(reader, "a bracket that was not opened");
    return NULL;
  }
  word = g_utf8_strdown(start, reader->at - start);
  end = find_contraction(word, &second);
  if (end)
    return multiply(one_element(reader, g_strndup(word, (gsize)(end - word)), NULL),
                    one_element(reader, g_strdup(second), NULL));
  return one_element(reader, g_steal_pointer(&word), NULL);
}

static GPtrArray *
read_sequence(Reader *reader)
{
  GPtrArray *sequences = new_sequences();

  g_ptr_array_add(sequences, g_ptr_array_new());
  for (;;) {
    GPtrArray *next;

    while (g_ascii_isspace(*reader->at))
      reader->at++;
    if (*reader->at == '\0' || strchr("|)]", *reader->at))
      return sequences;
    next = *reader->at == '{'   ? read_slot(reader)
           : *reader->at == '(' ? read_group(reader, ')')
           : *reader->at == '[' ? read_group(reader, ']')
                                : read_word(reader);
    if (next == NULL) {
      g_ptr_array_unref(sequences);
      return NULL;
    }
    sequences = multiply(sequences, next);
  }
}

static GPtrArray *
read_alternatives(Reader *reader)
{
  GPtrArray *all;

  if (++reader->depth > 8) {
    refuse(reader, "brackets nested too deeply");
    return NULL;
  }
  all = read_sequence(reader);
  while (all && *reader->at == '|') {
    GPtrArray *other;

    reader->at++;
    other = read_sequence(reader);
    if (other == NULL) {
      g_ptr_array_unref(all);
      return NULL;
    }
    g_ptr_array_extend_and_steal(all, other);
  }
  reader->depth--;
  return all;
}

/**
 * llm_pattern_new:
 * @text: the pattern
 * @lists: what slots may name
 * @error: return location for an error
 *
 * Returns: (transfer full): the pattern, or %NULL
 */
LlmPattern *
llm_pattern_new(const gchar *text, LlmWordLists *lists, GError **error)
{
  LlmPattern *self = g_new0(LlmPattern, 1);
  Reader reader = { text, self, lists, 0, error };

  self->elements = g_ptr_array_new_with_free_func(free_element);
  self->sequences = read_alternatives(&reader);
  if (self->sequences && *reader.at == '\0')
    return self;
  if (self->sequences)
    refuse(&reader, "a bracket that was not opened");
  g_prefix_error(error, "pattern \"%s\": ", text);
  llm_pattern_free(self);
  return NULL;
}

/**
 * llm_pattern_free:
 * @self: (transfer full): a pattern
 */
void
llm_pattern_free(LlmPattern *self)
{
  g_clear_pointer(&self->sequences, g_ptr_array_unref);
  g_ptr_array_unref(self->elements);
  g_free(self);
}

/* How alike two words are: one minus the edit distance as a share of the longer one. */
static gdouble
word_similarity(const gchar *a, const gchar *b)
{
  gsize n = strlen(a), m = strlen(b);
  guint row[33];

  if (strcmp(a, b) == 0)
    return 1;
  if (n == 0 || m == 0 || n > 32 || m > 32 || n + m < 6)
    return 0;
  for (gsize j = 0; j <= m; j++)
    row[j] = (guint)j;
  for (gsize i = 1; i <= n; i++) {
    guint diagonal = row[0];

    row[0] = (guint)i;
    for (gsize j = 1; j <= m; j++) {
      guint above = row[j];

      row[j] = MIN(MIN(above, row[j - 1]) + 1, diagonal + (a[i - 1] != b[j - 1]));
      diagonal = above;
    }
  }
  return 1.0 - (gdouble)row[m] / (gdouble)MAX(n, m);
}

/* The best a pattern can do from a word on; which phrase a slot takes there. */
typedef struct {
  gdouble score;
  guint taken; /* words that the element takes here; 0: the word is extra; G_MAXUINT: element
                  missing */
} Cell;

static guint
phrase_fits(GStrv phrase, GStrv words, guint at, guint n_words, gdouble *quality)
{
  guint length = g_strv_length(phrase);

  if (length == 0 || length > SLOT_WORDS || at + length > n_words)
    return 0;
  *quality = 0;
  for (guint i = 0; i < length; i++) {
    gdouble similarity = word_similarity(phrase[i], words[at + i]);

    if (similarity < 0.75)
      return 0;
    /* a slot weighs as much as a word, however many words its phrase has */
    *quality += similarity / length;
  }
  return length;
}

/* Tries all that the element can take at a word, and keeps the best. */
static void
try_slot(const Element *element, LlmWordLists *lists, GStrv words, guint at, guint n_words,
         const Cell *next_row, Cell *best)
{
  GPtrArray *phrases = g_hash_table_lookup(lists, element->text);

  if (phrases == NULL) {
    for (guint k = 1; k <= 3 && at + k <= n_words; k++) {
      gdouble score = 0.5 + next_row[at + k].score;

      if (score > best->score)
        *best = (Cell){ score, k };
    }
    return;
  }
  for (guint i = 0; i < phrases->len; i++) {
    gdouble quality;
    guint length = phrase_fits(phrases->pdata[i], words, at, n_words, &quality);

    if (length > 0 && quality + next_row[at + length].score > best->score)
      *best = (Cell){ quality + next_row[at + length].score, length };
  }
}

static void
fill_cell(const Element *element, LlmWordLists *lists, GStrv words, guint at, guint n_words,
          Cell *row, const Cell *next_row)
{
  gboolean is_short = element->slot == NULL && strlen(element->text) <= SHORT;
  Cell best = { next_row[at].score - (is_short ? MISSING_SHORT : MISSING), G_MAXUINT };

  if (at < n_words) {
    gdouble similarity;

    if (row[at + 1].score - EXTRA > best.score)
      best = (Cell){ row[at + 1].score - EXTRA, 0 };
    if (element->slot) {
      try_slot(element, lists, words, at, n_words, next_row, &best);
    } else {
      similarity = word_similarity(element->text, words[at]);
      if (similarity >= ALIKE && similarity + next_row[at + 1].score > best.score)
        best = (Cell){ similarity + next_row[at + 1].score, 1 };
    }
  }
  row[at] = best;
}

/* What was said there; of a list, the phrase that was meant. */
static gchar *
read_phrase(const Element *element, LlmWordLists *lists, GStrv words, guint at, guint taken)
{
  GPtrArray *phrases = g_hash_table_lookup(lists, element->text);
  g_autoptr(GString) value = g_string_new(words[at]);
  gdouble highest = 0;
  GStrv meant = NULL;

  for (guint i = 0; phrases && i < phrases->len; i++) {
    gdouble quality = 0;

    if (phrase_fits(phrases->pdata[i], words, at, at + taken, &quality) == taken &&
        quality > highest) {
      highest = quality;
      meant = phrases->pdata[i];
    }
  }
  if (meant)
    return g_strjoinv(" ", meant);
  for (guint i = 1; i < taken; i++)
    g_string_append_printf(value, " %s", words[at + i]);
  return g_strdup(value->str);
}

static void
read_slots(GPtrArray *sequence, LlmWordLists *lists, GStrv words, guint n_words,
           Cell (*table)[MAX_WORDS + 2], GHashTable *slots)
{
  guint at = 0;

  for (guint e = 0; e < sequence->len && at <= n_words;) {
    const Element *element = sequence->pdata[e];
    const Cell *cell = &table[e][at];

    if (cell->taken == 0) {
      at++;
      continue;
    }
    if (cell->taken != G_MAXUINT) {
      if (element->slot)
        g_hash_table_replace(slots, g_strdup(element->slot),
                             read_phrase(element, lists, words, at, cell->taken));
      at += cell->taken;
    }
    e++;
  }
}

static gdouble
match_sequence(GPtrArray *sequence, GStrv words, guint n_words, LlmWordLists *lists,
               GHashTable *slots)
{
  static __thread Cell table[MAX_ELEMENTS + 1][MAX_WORDS + 2];
  gdouble total;

  if (sequence->len == 0)
    return 0;
  for (guint at = 0; at <= n_words; at++)
    table[sequence->len][at] = (Cell){ -EXTRA * (gdouble)(n_words - at), 0 };
  for (guint e = sequence->len; e > 0; e--) {
    for (guint at = n_words + 1; at > 0; at--)
      fill_cell(sequence->pdata[e - 1], lists, words, at - 1, n_words, table[e - 1], table[e]);
  }
  total = table[0][0].score / (gdouble)sequence->len;
  /* of two that fit, the one that says more */
  total += 0.02 * (gdouble)MIN(sequence->len, 10);
  if (slots)
    read_slots(sequence, lists, words, n_words, table, slots);
  return total;
}

/**
 * llm_pattern_match:
 * @self: a pattern
 * @words: what was said
 * @lists: the lists of its slots
 * @slots: gets what the slots hold, if it matches
 *
 * How well @words fit: about 1 when they are just what the pattern says, less for each word that is
 * missing, misheard or not in it.
 *
 * Returns: the score of the best way to say the pattern
 */
gdouble
llm_pattern_match(LlmPattern *self, GStrv words, LlmWordLists *lists, GHashTable *slots)
{
  guint n_words = MIN(g_strv_length(words), MAX_WORDS);
  GPtrArray *best = NULL;
  gdouble highest = -G_MAXDOUBLE;

  for (guint i = 0; i < self->sequences->len; i++) {
    gdouble score = match_sequence(self->sequences->pdata[i], words, n_words, lists, NULL);

    if (score > highest) {
      highest = score;
      best = self->sequences->pdata[i];
    }
  }
  if (best)
    match_sequence(best, words, n_words, lists, slots);
  return highest;
}

/**
 * llm_pattern_to_hint:
 * @text: a pattern
 * @lists: the lists of its slots
 *
 * The pattern as speech-to-text takes hints: its slots written out.
 *
 * Returns: (transfer full) (nullable): the hint, or %NULL for a pattern with a slot for any words
 */
gchar *
llm_pattern_to_hint(const gchar *text, LlmWordLists *lists)
{
  g_autoptr(GString) hint = g_string_new(NULL);

  for (const gchar *p = text; *p; p++) {
    const gchar *end = *p == '{' ? strchr(p, '}') : NULL;
    const gchar *colon;
    g_autofree gchar *list = NULL;
    GPtrArray *phrases;

    if (end == NULL) {
      g_string_append_c(hint, *p);
      continue;
    }
    colon = memchr(p, ':', (gsize)(end - p));
    list = g_strndup(colon ? colon + 1 : p + 1, (gsize)(end - (colon ? colon + 1 : p + 1)));
    phrases = g_hash_table_lookup(lists, list);
    if (phrases == NULL)
      return NULL;
    for (guint i = 0; i < phrases->len; i++) {
      g_autofree gchar *phrase = g_strjoinv(" ", phrases->pdata[i]);

      g_string_append_printf(hint, "%s%s", i == 0 ? "(" : "|", phrase);
    }
    g_string_append_c(hint, ')');
    p = end;
  }
  return g_strdup(hint->str);
}
