/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * ElevenlabsSettings:
 * @base_url: "https://api.elevenlabs.io" or a compatible server
 * @api_key: the key
 * @voice_id: who speaks
 * @model_id: the model
 * @language_code: (nullable): ISO 639-1
 * @rate: of the audio
 * @mulaw: whether mu-law, else S16LE
 * @stability: 0 to 1
 * @similarity_boost: 0 to 1
 * @style: 0 to 1
 * @use_speaker_boost: closer to the original speaker, slower
 * @speed: 0.7 to 1.2
 * @optimize_latency: 0 to 4, or -1 to leave it out; HTTP only
 *
 * How to speak.
 */
typedef struct {
  gchar *base_url;
  gchar *api_key;
  gchar *voice_id;
  gchar *model_id;
  gchar *language_code;
  guint rate;
  gboolean mulaw;
  gdouble stability;
  gdouble similarity_boost;
  gdouble style;
  gboolean use_speaker_boost;
  gdouble speed;
  gint optimize_latency;
} ElevenlabsSettings;

void elevenlabs_settings_clear(ElevenlabsSettings *self);
gchar *elevenlabs_http_url(const ElevenlabsSettings *settings);
gchar *elevenlabs_socket_url(const ElevenlabsSettings *settings, gboolean multi);
gchar *elevenlabs_http_body(const ElevenlabsSettings *settings, const gchar *text,
                            const gchar *previous_text);
gchar *elevenlabs_open_context(const ElevenlabsSettings *settings, const gchar *context);
gchar *elevenlabs_send_text(const gchar *text, const gchar *context, gboolean flush);
gchar *elevenlabs_close_context(const gchar *context);

G_END_DECLS
