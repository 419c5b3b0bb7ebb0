/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * ElevenlabsMessage:
 * @context: (nullable): whose it is
 * @audio: (nullable): audio
 * @size: of @audio, bytes
 * @text: (nullable): the characters that the audio holds
 * @ends: (array): when each byte of @text has been spoken, ns from the begin of this audio
 * @final: the context has no more
 * @flush_done: all text so far has been spoken
 * @error: (nullable): the name of what went wrong
 * @description: (nullable): and its words
 *
 * A message of the service, of either WebSocket.
 */
typedef struct {
  gchar *context;
  guint8 *audio;
  gsize size;
  gchar *text;
  GstClockTime *ends;
  gboolean final;
  gboolean flush_done;
  gchar *error;
  gchar *description;
} ElevenlabsMessage;

ElevenlabsMessage *elevenlabs_message_parse(const gchar *text, gsize length, GError **error);
void elevenlabs_message_free(ElevenlabsMessage *self);
gchar *elevenlabs_read_problem(const gchar *body);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ElevenlabsMessage, elevenlabs_message_free)

G_END_DECLS
