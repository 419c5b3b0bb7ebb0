/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keys-vault.h"

#include <glib/gi18n.h>
#include <stdio.h>
#include <unistd.h>

#include "cli-store.h"
#include "cord-sealed.h"

static gchar *
reseal(const gchar *purpose, const gchar *sealed, gpointer data, GError **error)
{
  CordVault *vault = data;
  g_autofree gchar *secret = NULL;

  if (cord_vault_is_current(vault, sealed))
    return NULL;
  secret = cord_vault_unseal(vault, purpose, sealed, error);
  return secret ? cord_vault_seal(vault, purpose, secret, error) : NULL;
}

static gboolean
is_writable(CordVault *vault)
{
  const gchar *file = cord_vault_get_file(vault);

  return file && access(file, W_OK) == 0;
}

/* Makes a new key where we can; elsewhere somebody must have put one in front. */
static gboolean
prepare(CordVault *vault, const KeysVaultOptions *options, GError **error)
{
  g_auto(GStrv) names = NULL;

  if (!options->no_new_key && is_writable(vault))
    return cord_vault_add_key(vault, error);
  names = cord_vault_list_keys(vault);
  if (g_strv_length(names) > 1)
    return TRUE;
  g_set_error(
      error, CORD_VAULT_ERROR, CORD_VAULT_ERROR_KEY,
      _("the vault has the key %s only: put a new one (openssl rand -hex 32) in front of it "
        "where your keys are kept, restart the server, and say this again"),
      names[0]);
  return FALSE;
}

static void
tell(CordVault *vault, const CordSealedCounts *counts, const KeysVaultOptions *options)
{
  g_auto(GStrv) names = cord_vault_list_keys(vault);
  guint n_old = g_strv_length(names) - 1;

  if (options->json) {
    printf("{\"key\":\"%s\",\"sealed\":%u,\"changed\":%u,\"failed\":%u,\"old_keys\":%u}\n",
           names[0], counts->n_sealed, counts->n_changed, counts->n_failed, n_old);
    return;
  }
  printf(_("%u of %u credentials were sealed anew; all are sealed with the key %s now.\n"),
         counts->n_changed, counts->n_sealed, names[0]);
  if (n_old > 0 && is_writable(vault))
    printf(_("The old keys stay in %s for backups; --forget-old removes them.\n"),
           cord_vault_get_file(vault));
  else if (n_old > 0)
    puts(_("The old keys are needed for older backups only."));
}

/**
 * keys_vault_rotate:
 * @config: the settings
 * @store: the store
 * @options: how
 * @error: return location for an error
 *
 * Seals all stored credentials with a new key. A server that runs finds the key in the vault's file
 * when it needs it.
 *
 * Returns: whether all is sealed with the newest key
 */
gboolean
keys_vault_rotate(CordConfig *config, CordStore *store, const KeysVaultOptions *options,
                  GError **error)
{
  g_autoptr(CordVault) vault = cli_open_vault(config, error);
  CordSealedCounts counts;

  if (!vault || !prepare(vault, options, error) ||
      !cord_sealed_replace(store, reseal, vault, &counts, error))
    return FALSE;
  if (counts.n_failed > 0) {
    g_set_error(
        error, CORD_VAULT_ERROR, CORD_VAULT_ERROR_SEALED,
        _("%u of %u credentials cannot be opened with the keys that are here; they were left "
          "as they are"),
        counts.n_failed, counts.n_sealed);
    return FALSE;
  }
  if (options->forget_old && !cord_vault_forget_old(vault, error))
    return FALSE;
  tell(vault, &counts, options);
  return TRUE;
}
