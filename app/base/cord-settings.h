/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-config.h"

G_BEGIN_DECLS

/* The table of all settings, for CordConfig alone; others ask that. */
#define CORD_MAX_SETTINGS 160

extern const CordSetting cord_settings[];
extern const guint cord_n_settings;

G_END_DECLS
