/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-config.h"

G_BEGIN_DECLS

/* The table of all settings, for CordConfig alone; others ask that. */
#define CORD_MAX_SETTINGS 160

extern const CordSetting cord_settings[];
extern const guint cord_n_settings;

/**
 * CordAlias:
 * @variable: another name in the environment and in .env
 * @setting: what it sets, when the setting's own variable does not
 */
typedef struct {
  const gchar *variable;
  const gchar *setting;
} CordAlias;

extern const CordAlias cord_aliases[];
extern const guint cord_n_aliases;

G_END_DECLS
