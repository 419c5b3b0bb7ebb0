/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "turn-words.h"

/**
 * turn_words_count:
 * @text: (nullable): text
 *
 * Returns: the number of words in it, a word being what stands between white space
 */
guint
turn_words_count(const gchar *text)
{
  gboolean in_word = FALSE;
  guint n_words = 0;

  for (; text && *text; text++) {
    const gboolean is_word = !g_ascii_isspace(*text);

    n_words += is_word && !in_word;
    in_word = is_word;
  }
  return n_words;
}

/**
 * turn_words_skip:
 * @text: text
 * @n_words: how many words to leave out
 *
 * Returns: what follows after so many words, perhaps nothing
 */
const gchar *
turn_words_skip(const gchar *text, guint n_words)
{
  for (; n_words > 0; n_words--) {
    while (g_ascii_isspace(*text))
      text++;
    while (*text && !g_ascii_isspace(*text))
      text++;
  }
  return text;
}
