/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define CORD_VOICE_MAX_MESSAGE (12 * 1024 * 1024) /* bytes: five minutes of 16 kHz in base64 */

/**
 * CordVoiceMessage:
 * @audio: (nullable): what was recorded
 * @text: (nullable): what was written
 *
 * What a client says in a conversation by messages: one of the two.
 */
typedef struct {
  GBytes *audio;
  gchar *text;
} CordVoiceMessage;

CordVoiceMessage *cord_voice_message_new(const gchar *text, gsize length, GError **error);
void cord_voice_message_free(CordVoiceMessage *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordVoiceMessage, cord_voice_message_free)

/* Writing */
gchar *cord_voice_message_format(const gchar *type, const gchar *member, const gchar *value);
gchar *cord_voice_message_format_audio(GBytes *audio, const gchar *format);

G_END_DECLS
