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
  REALTIME_USER_TRANSCRIPT_FAILED,
  REALTIME_RESPONSE_CREATED,
  REALTIME_AUDIO,
  REALTIME_TEXT,
  REALTIME_FUNCTION_CALL,
  REALTIME_RESPONSE_DONE,
  REALTIME_ERROR,
} RealtimeKind;

/**
 * RealtimeCall:
 * @id: by which its result is matched
 * @name: of the function
 * @arguments: a JSON object, unless the model has made something else of it
 *
 * A function that the model calls.
 */
typedef struct {
  gchar *id;
  gchar *name;
  gchar *arguments;
} RealtimeCall;

/**
 * RealtimeMessage:
 * @kind: what it is
 * @response: (nullable): which response
 * @item: (nullable): which item of the conversation
 * @audio: (nullable): audio
 * @size: of @audio, bytes
 * @text: (nullable): a transcript, or a piece of one
 * @status: (nullable): of a response: how it ended
 * @problem: (nullable): the code of an error, or its type where it has none
 * @description: (nullable): what went wrong
 * @refused: whether the error is that of a request that the service does not take
 * @calls: (nullable) (element-type RealtimeCall): functions that are called
 * @ms: of the audio that it was sent
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
  gchar *status;
  gchar *problem;
  gchar *description;
  gboolean refused;
  GPtrArray *calls;
  guint ms;
  gint64 input_tokens, output_tokens;
} RealtimeMessage;

void realtime_call_free(gpointer call);

RealtimeMessage *realtime_message_parse(const gchar *text, gsize length, GError **error);
void realtime_message_free(RealtimeMessage *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RealtimeMessage, realtime_message_free)

G_END_DECLS
