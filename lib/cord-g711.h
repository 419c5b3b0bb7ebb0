/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * CORD_G711_RATE:
 *
 * Samples a second of telephone audio.
 */
#define CORD_G711_RATE 8000

/**
 * CORD_G711_SILENCE:
 *
 * The mu-law code of silence; 0x7f, its negative twin, decodes to 0 as well.
 */
#define CORD_G711_SILENCE 0xff

guint8 cord_g711_encode_sample(gint16 sample);
gint16 cord_g711_decode_sample(guint8 code);
void cord_g711_encode(const gint16 *samples, guint8 *codes, gsize n_samples);
void cord_g711_decode(const guint8 *codes, gint16 *samples, gsize n_samples);

G_END_DECLS
