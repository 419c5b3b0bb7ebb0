/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-near-names.h"

#include <string.h>

#define MAX_NAME 128 /* bytes that are compared */

/**
 * cord_edit_distance:
 * @a: a name
 * @b: another
 *
 * Returns: how many letters must be put in, taken out or replaced to make one of the other, by
 *   their first 128 bytes
 */
guint
cord_edit_distance(const gchar *a, const gchar *b)
{
  gsize m = MIN(strlen(a), MAX_NAME);
  gsize n = MIN(strlen(b), MAX_NAME);
  guint row[MAX_NAME + 1];

  for (gsize j = 0; j <= n; j++)
    row[j] = (guint)j;
  for (gsize i = 1; i <= m; i++) {
    guint diagonal = row[0];

    row[0] = (guint)i;
    for (gsize j = 1; j <= n; j++) {
      guint above = row[j];
      guint replaced = diagonal + (g_ascii_tolower(a[i - 1]) != g_ascii_tolower(b[j - 1]));

      row[j] = MIN(replaced, MIN(above, row[j - 1]) + 1);
      diagonal = above;
    }
  }
  return row[n];
}

typedef struct {
  const gchar *name;
  guint distance;
} Near;

static gint
compare(gconstpointer a, gconstpointer b)
{
  const Near *left = a, *right = b;

  return left->distance != right->distance ? (left->distance < right->distance ? -1 : 1)
                                           : strcmp(left->name, right->name);
}

/**
 * cord_near_names:
 * @name: a name that does not exist
 * @names: (element-type utf8): those that do
 * @max: how many are wanted
 *
 * Returns: (transfer full): those of which it may be a slip, the nearest first
 */
GStrv
cord_near_names(const gchar *name, GPtrArray *names, guint max)
{
  g_autoptr(GArray) near = g_array_new(FALSE, FALSE, sizeof(Near));
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  guint limit = MAX(2, (guint)strlen(name) / 2);

  for (guint i = 0; i < names->len; i++) {
    Near one = { names->pdata[i], cord_edit_distance(name, names->pdata[i]) };

    if (one.distance <= limit)
      g_array_append_val(near, one);
  }
  g_array_sort(near, compare);
  for (guint i = 0; i < MIN(near->len, max); i++)
    g_strv_builder_add(builder, g_array_index(near, Near, i).name);
  return g_strv_builder_end(builder);
}
