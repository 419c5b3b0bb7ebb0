/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * RealtimeKind:
 *
 * What a message of the Realtime API is, whichever of its dialects it speaks.
 */
typedef enum {
  REALTIME_OTHER,
  REALTIME_SESSION_CREATED,
  REALTIME_SESSION_UPDATED,
  REALTIME_SPEECH_STARTED,
  REALTIME_SPEECH_STOPPED,
  REALTIME_USER_TRANSCRIPT,
  REALTIME_RESPONSE_CREATED,
  REALTIME_ITEM_ADDED,
  REALTIME_AUDIO,
  REALTIME_TEXT,
  REALTIME_FUNCTION_CALL,
  REALTIME_RESPONSE_DONE,
  REALTIME_ERROR,
} RealtimeKind;

/**
 * RealtimeMessage:
 * @kind: what it is
 * @response: (nullable): which response
 * @item: (nullable): which item of the conversation
 * @audio: (nullable): audio
 * @size: of @audio, bytes
 * @text: (nullable): a transcript, or a piece of one; of a function call its arguments
 * @name: (nullable): of a function; of a response how it ended; of an error its code
 * @call_id: (nullable): by which a function's result is matched
 * @description: (nullable): what went wrong
 * @input_tokens: that were read
 * @output_tokens: that were written
 */
typedef struct {
  RealtimeKind kind;
  gchar *response;
  gchar *item;
  guint8 *audio;
  gsize size;
  gchar *text;
  gchar *name;
  gchar *call_id;
  gchar *description;
  gint64 input_tokens, output_tokens;
} RealtimeMessage;

RealtimeMessage *realtime_message_parse(const gchar *text, gsize length, GError **error);
void realtime_message_free(RealtimeMessage *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RealtimeMessage, realtime_message_free)

G_END_DECLS
