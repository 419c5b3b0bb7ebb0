/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * CartesiaSettings:
 * @base_url: "https://api.cartesia.ai" or a compatible server
 * @api_key: the key
 * @version: of the protocol, a date
 * @voice_id: who speaks, a UUID
 * @model_id: the model
 * @language_code: ISO 639-1
 * @rate: of the audio
 * @mulaw: whether mu-law, else S16LE
 * @speed: 0.6 to 1.5
 * @volume: 0.5 to 2
 * @emotion: (nullable): "neutral", …
 *
 * How to speak.
 */
typedef struct {
  gchar *base_url;
  gchar *api_key;
  gchar *version;
  gchar *voice_id;
  gchar *model_id;
  gchar *language_code;
  guint rate;
  gboolean mulaw;
  gdouble speed;
  gdouble volume;
  gchar *emotion;
} CartesiaSettings;

void cartesia_settings_clear(CartesiaSettings *self);
gchar *cartesia_socket_url(const CartesiaSettings *settings);
gchar *cartesia_say(const CartesiaSettings *settings, const gchar *context, const gchar *text,
                    gboolean more, gboolean flush);
gchar *cartesia_cancel(const gchar *context);

G_END_DECLS
