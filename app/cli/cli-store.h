/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-config.h"
#include "cord-store.h"
#include "cord-vault.h"

G_BEGIN_DECLS

/* Where a server of these settings keeps what it knows: for all commands that work on it. */
gchar *cli_state_dir(CordConfig *config);
gchar *cli_routes_dir(CordConfig *config);
gchar *cli_database_uri(CordConfig *config, GError **error);
CordStore *cli_open_store(CordConfig *config, GError **error);
CordVault *cli_open_vault(CordConfig *config, GError **error);
CordConfig *cli_load_config(const gchar *file, const gchar *state_dir, GError **error);

G_END_DECLS
