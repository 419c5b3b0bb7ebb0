/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* An agent that is spoken to by keys: it costs next to nothing, and what its callers say is known
 * exactly. */
gchar *key_agent_dir_new(void);
void key_agent_dir_remove(const gchar *dir);
GStrv key_agent_presses(guint n);
void key_agent_check_user_lines(JsonArray *lines, guint n);

G_END_DECLS
