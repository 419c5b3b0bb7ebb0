/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-scripts.h"

#define MAX_SCRIPT (4 * 1024 * 1024) /* bytes; what llmtextgen reads itself */

struct _CordScripts {
  GMutex lock;
  GHashTable *texts; /* path -> text */
};

/**
 * cord_scripts_new:
 *
 * Returns: (transfer full): no scripts yet
 */
CordScripts *
cord_scripts_new(void)
{
  CordScripts *self = g_new0(CordScripts, 1);

  g_mutex_init(&self->lock);
  self->texts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

/**
 * cord_scripts_free:
 * @self: (transfer full): the scripts
 */
void
cord_scripts_free(CordScripts *self)
{
  g_hash_table_unref(self->texts);
  g_mutex_clear(&self->lock);
  g_free(self);
}

/**
 * cord_scripts_get:
 * @self: the scripts
 * @path: of one
 * @fresh: whether it is read anew, which blocks; otherwise only when it was not read before
 *
 * Returns: (transfer full) (nullable): its text; %NULL when it cannot be read, or is too long
 */
gchar *
cord_scripts_get(CordScripts *self, const gchar *path, gboolean fresh)
{
  gchar *text = NULL;
  gsize size = 0;

  g_mutex_lock(&self->lock);
  if (!fresh)
    text = g_strdup(g_hash_table_lookup(self->texts, path));
  g_mutex_unlock(&self->lock);
  if (text)
    return text;
  if (!g_file_get_contents(path, &text, &size, NULL) || size > MAX_SCRIPT)
    g_clear_pointer(&text, g_free);
  g_mutex_lock(&self->lock);
  if (text)
    g_hash_table_replace(self->texts, g_strdup(path), g_strdup(text));
  else
    g_hash_table_remove(self->texts, path);
  g_mutex_unlock(&self->lock);
  return text;
}
