/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-config.h"
#include "cord-store.h"

G_BEGIN_DECLS

/**
 * KeysVaultOptions:
 * @no_new_key: only bring what is sealed to the newest key that is there
 * @forget_old: remove the keys by which nothing is sealed any more
 * @json: print for programs
 */
typedef struct {
  gboolean no_new_key;
  gboolean forget_old;
  gboolean json;
} KeysVaultOptions;

gboolean keys_vault_rotate(CordConfig *config, CordStore *store, const KeysVaultOptions *options,
                           GError **error);

G_END_DECLS
