/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "sim.h"

G_BEGIN_DECLS

#define SIM_STAMP_SIZE 16 /* bytes at the beginning of stamped audio */

gchar *sim_stamp_text(const gchar *text);
gint64 sim_stamp_read_text(const gchar *text);
void sim_stamp_audio(guint8 *audio, gsize length);
gint64 sim_stamp_read_audio(const guint8 *audio, gsize length);

void sim_stamp_note(SimServer *server, const gchar *text);
gchar *sim_stamp_report(SimServer *server);

G_END_DECLS
