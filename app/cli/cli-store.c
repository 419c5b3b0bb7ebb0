/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli-store.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>

/**
 * cli_state_dir:
 * @config: the settings
 *
 * Returns: (transfer full): the folder of the database and the journal
 */
gchar *
cli_state_dir(CordConfig *config)
{
  const gchar *set = cord_config_get_string(config, "server.state-dir");
  const gchar *systemd = g_getenv("STATE_DIRECTORY");

  if (set)
    return g_canonicalize_filename(set, NULL);
  if (systemd && *systemd)
    return g_strdup(systemd);
  return g_build_filename(g_get_user_state_dir(), "cordboard", NULL);
}

/**
 * cli_routes_dir:
 * @config: the settings
 *
 * Returns: (transfer full): the folder of the recordings that routes are answered by
 */
gchar *
cli_routes_dir(CordConfig *config)
{
  const gchar *set = cord_config_get_string(config, "router.location");
  g_autofree gchar *state = cli_state_dir(config);

  return set ? g_canonicalize_filename(set, NULL) : g_build_filename(state, "routes", NULL);
}

/**
 * cli_database_uri:
 * @config: the settings
 * @error: return location for an error
 *
 * Makes the state folder when SQLite is to live in it.
 *
 * Returns: (transfer full): the database of a server with these settings
 */
gchar *
cli_database_uri(CordConfig *config, GError **error)
{
  const gchar *set = cord_config_get_string(config, "store.database-url");
  g_autofree gchar *dir = cli_state_dir(config);
  g_autofree gchar *path = NULL;

  if (set && *set)
    return g_strdup(set);
  if (cord_config_get_string(config, "store.supabase-url"))
    g_warning("SUPABASE_URL is set but DATABASE_URL is not: Cordboard speaks to a Supabase project "
              "as to the PostgreSQL that it is. Put its connection string (Project settings, "
              "Database) into DATABASE_URL. Until then SQLite is used.");
  if (g_mkdir_with_parents(dir, 0700) < 0) {
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno),
                _("cannot make the folder %s: %s; choose another with --state-dir"), dir,
                g_strerror(errno));
    return NULL;
  }
  path = g_build_filename(dir, "cordboard.db", NULL);
  return g_strconcat("sqlite:", path, NULL);
}

/**
 * cli_open_store:
 * @config: the settings
 * @error: return location for an error
 *
 * Returns: (transfer full): the store of a server with these settings
 */
CordStore *
cli_open_store(CordConfig *config, GError **error)
{
  g_autofree gchar *uri = cli_database_uri(config, error);

  return uri ? cord_store_open(uri, error) : NULL;
}

/**
 * cli_open_vault:
 * @config: the settings
 * @error: return location for an error
 *
 * Returns: (transfer full): what seals the credentials in the store
 */
CordVault *
cli_open_vault(CordConfig *config, GError **error)
{
  g_autofree gchar *dir = cli_state_dir(config);
  g_autofree gchar *file = g_build_filename(dir, "vault.key", NULL);

  g_mkdir_with_parents(dir, 0700);
  return cord_vault_open(cord_config_get_string(config, "vault.key"),
                         cord_config_get_string(config, "vault.file"), file, error);
}

/**
 * cli_load_config:
 * @file: (nullable): settings that the command line names
 * @state_dir: (nullable): the state folder that the command line names
 * @error: return location for an error
 *
 * Returns: (transfer full): the settings as a server that is started here would have them
 */
CordConfig *
cli_load_config(const gchar *file, const gchar *state_dir, GError **error)
{
  g_autoptr(CordConfig) config = cord_config_new();

  if (!cord_config_load(config, file, ".env", error) ||
      (state_dir &&
       !cord_config_set(config, "server.state-dir", state_dir, _("command line"), error)))
    return NULL;
  return g_steal_pointer(&config);
}
