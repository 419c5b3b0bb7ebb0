/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * CORD_VAULT_ERROR:
 *
 * The domain of errors of the vault.
 */
#define CORD_VAULT_ERROR (cord_vault_error_quark())
GQuark cord_vault_error_quark(void);
typedef enum {
  CORD_VAULT_ERROR_KEY,    /* there is none, or it is not one */
  CORD_VAULT_ERROR_SEALED, /* sealed by a key that is not here, or damaged */
} CordVaultError;

/**
 * CordVault:
 *
 * Seals secrets that are kept in the database, with AES-256-GCM. A sealed text names the key it was
 * sealed with: a vault opens with all keys it has and seals with the first, so that keys can be
 * replaced while the server runs: keys that another program adds to the file are found when they
 * are needed. Any thread.
 */
typedef struct _CordVault CordVault;

CordVault *cord_vault_new(const gchar *keys, GError **error);
CordVault *cord_vault_open(const gchar *keys, const gchar *file, const gchar *fallback,
                           GError **error);
void cord_vault_free(CordVault *self);
gchar *cord_vault_seal(CordVault *self, const gchar *purpose, const gchar *secret, GError **error);
gchar *cord_vault_unseal(CordVault *self, const gchar *purpose, const gchar *sealed,
                         GError **error);
gboolean cord_vault_is_current(CordVault *self, const gchar *sealed);
gchar *cord_vault_new_key(void);

/* Replacing keys */
const gchar *cord_vault_get_file(CordVault *self);
GStrv cord_vault_list_keys(CordVault *self);
gboolean cord_vault_add_key(CordVault *self, GError **error);
gboolean cord_vault_forget_old(CordVault *self, GError **error);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordVault, cord_vault_free)

G_END_DECLS
