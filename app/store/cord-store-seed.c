/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-store-rows.h"
#include "cord-store.h"

#define SQL_COUNT_AGENTS "SELECT COUNT(*) FROM agents"

static gboolean
seed(CordDatabase *database, gpointer data, GError **error)
{
  GPtrArray *agents = data;
  g_autoptr(CordRows) count = NULL;

  /* two servers that begin on one database must not both find it empty */
  if (!cord_database_take_turn(database, "seed", error))
    return FALSE;
  count = cord_database_query(database, SQL_COUNT_AGENTS, CORD_NO_PARAMS, error);
  if (!count)
    return FALSE;
  if (cord_rows_get_int(count, 0, 0, 0) > 0)
    return TRUE;
  for (guint i = 0; i < agents->len; i++) {
    g_autoptr(CordRows) row = cord_agent_write(database, agents->pdata[i], error);

    if (!row)
      return FALSE;
  }
  return TRUE;
}

/* A file that holds no object with a name is no agent, but what an agent refers to. */
static CordAgent *
load_agent(const gchar *path, GError **error)
{
  g_autoptr(JsonParser) parser = json_parser_new_immutable();
  JsonNode *root;

  if (!json_parser_load_from_file(parser, path, error))
    return NULL;
  root = json_parser_get_root(parser);
  if (!root || !JSON_NODE_HOLDS_OBJECT(root) ||
      !json_object_has_member(json_node_get_object(root), "name"))
    return NULL;
  return cord_agent_new_from_json(json_node_get_object(root), error);
}

static gint
compare_names(gconstpointer a, gconstpointer b)
{
  return g_strcmp0(*(const gchar *const *)a, *(const gchar *const *)b);
}

static GPtrArray *
list_json_files(const gchar *directory, GError **error)
{
  g_autoptr(GDir) dir = g_dir_open(directory, 0, error);
  GPtrArray *names;
  const gchar *name;

  if (!dir)
    return NULL;
  names = g_ptr_array_new_with_free_func(g_free);
  while ((name = g_dir_read_name(dir)))
    if (g_str_has_suffix(name, ".json"))
      g_ptr_array_add(names, g_strdup(name));
  g_ptr_array_sort(names, compare_names);
  return names;
}

/**
 * cord_store_seed_agents:
 * @self: a store
 * @directory: a folder with agents, one JSON file each
 * @error: return location for an error
 *
 * Writes the stock agents into a store that has none. Blocks; for start-up.
 *
 * Returns: whether there was nothing to do or all were written
 */
gboolean
cord_store_seed_agents(CordStore *self, const gchar *directory, GError **error)
{
  g_autoptr(GPtrArray) names = list_json_files(directory, error);
  g_autoptr(GPtrArray) agents = g_ptr_array_new_with_free_func((GDestroyNotify)cord_agent_unref);

  if (!names)
    return FALSE;
  for (guint i = 0; i < names->len; i++) {
    g_autofree gchar *path = g_build_filename(directory, names->pdata[i], NULL);
    g_autoptr(GError) load_error = NULL;
    CordAgent *agent = load_agent(path, &load_error);

    if (load_error) {
      g_propagate_prefixed_error(error, g_steal_pointer(&load_error), "%s: ", path);
      return FALSE;
    }
    if (agent)
      g_ptr_array_add(agents, agent);
  }
  return cord_store_run(self, seed, agents, error);
}
