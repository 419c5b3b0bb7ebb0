/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a server has to do with the machine that it runs on. */

void serve_tell_host(const gchar *state);
void serve_start_watchdog(void);
void serve_raise_limits(void);

G_END_DECLS
