/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** TWILIO_BASE64_DECODED_MAX: what decoding @length characters may need at most, in bytes. */
#define TWILIO_BASE64_DECODED_MAX(length) ((length) / 4 * 3 + 3)

/** TWILIO_BASE64_ENCODED: the characters that @length bytes become. */
#define TWILIO_BASE64_ENCODED(length) (((length) + 2) / 3 * 4)

gssize twilio_base64_decode(const gchar *text, gsize length, guint8 *out, gsize size,
                            const gchar **reason);
gsize twilio_base64_encode(const guint8 *data, gsize length, gchar *out);

G_END_DECLS
