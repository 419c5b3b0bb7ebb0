/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Audio before and after a call: rendered ahead, written afterwards. These block; not on a worker.
 */
GBytes *cord_phone_render_text(const gchar *text, const gchar *voice, GError **error);
GBytes *cord_phone_render_file(const gchar *path, GError **error);
guint cord_phone_trailing_silence_ms(GBytes *mulaw);
gboolean cord_phone_write_wav(const gchar *path, GByteArray *left, GByteArray *right,
                              GError **error);

G_END_DECLS
