/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

gchar *cord_twiml_connect_stream(const gchar *url, const gchar *token);
gchar *cord_twiml_say(const gchar *text, const gchar *language);
gchar *cord_twiml_dial(const gchar *number);
gchar *cord_twiml_hang_up(void);
gchar *cord_twiml_reject(const gchar *reason);

G_END_DECLS
