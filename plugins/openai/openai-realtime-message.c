/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "openai-realtime-message.h"

#include <string.h>

#include "cord-error.h"
#include "cord-json.h"

#define MAX_MESSAGE (4 * 1024 * 1024) /* bytes */

/* The names of both dialects: GA and beta. */
static const struct {
  const gchar *type;
  RealtimeKind kind;
} kinds[] = {
  { "session.created", REALTIME_SESSION_CREATED },
  { "session.updated", REALTIME_SESSION_UPDATED },
  { "input_audio_buffer.speech_started", REALTIME_SPEECH_STARTED },
  { "input_audio_buffer.speech_stopped", REALTIME_SPEECH_STOPPED },
  { "conversation.item.input_audio_transcription.completed", REALTIME_USER_TRANSCRIPT },
  { "conversation.item.input_audio_transcription.failed", REALTIME_USER_TRANSCRIPT_FAILED },
  { "response.created", REALTIME_RESPONSE_CREATED },
  { "response.output_audio.delta", REALTIME_AUDIO },
  { "response.audio.delta", REALTIME_AUDIO },
  { "response.output_audio_transcript.delta", REALTIME_TEXT },
  { "response.audio_transcript.delta", REALTIME_TEXT },
  { "response.function_call_arguments.done", REALTIME_FUNCTION_CALL },
  { "response.done", REALTIME_RESPONSE_DONE },
  { "error", REALTIME_ERROR },
};

void
realtime_call_free(gpointer data)
{
  RealtimeCall *call = data;

  g_free(call->id);
  g_free(call->name);
  g_free(call->arguments);
  g_free(call);
}

void
realtime_message_free(RealtimeMessage *self)
{
  g_free(self->response);
  g_free(self->item);
  g_free(self->audio);
  g_free(self->text);
  g_free(self->status);
  g_free(self->problem);
  g_free(self->description);
  g_clear_pointer(&self->calls, g_ptr_array_unref);
  g_free(self);
}

static gboolean
read_audio(RealtimeMessage *self, const gchar *delta, GError **error)
{
  if (!delta || !*delta)
    return TRUE;
  if (strspn(delta, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") !=
      strlen(delta)) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID, "the audio is not base 64");
    return FALSE;
  }
  self->audio = g_base64_decode(delta, &self->size);
  if (self->size == 0)
    g_clear_pointer(&self->audio, g_free);
  return TRUE;
}

/* Without an id there is nowhere to send a result. */
static void
read_call(RealtimeMessage *self, JsonObject *object)
{
  const gchar *id = cord_json_peek_string(object, "call_id", NULL);
  const gchar *name = cord_json_peek_string(object, "name", NULL);
  const gchar *arguments = cord_json_peek_string(object, "arguments", "");
  RealtimeCall *call;

  if (!id || !name)
    return;
  call = g_new0(RealtimeCall, 1);
  call->id = g_strdup(id);
  call->name = g_strdup(name);
  call->arguments = g_strdup(*arguments ? arguments : "{}");
  if (!self->calls)
    self->calls = g_ptr_array_new_with_free_func(realtime_call_free);
  g_ptr_array_add(self->calls, call);
}

static void
read_error(RealtimeMessage *self, JsonObject *error)
{
  const gchar *type = cord_json_peek_string(error, "type", "error");

  self->problem = g_strdup(cord_json_peek_string(error, "code", type));
  self->description = g_strdup(cord_json_peek_string(error, "message", "it does not say why"));
  self->refused = g_str_equal(type, "invalid_request_error");
}

static void
read_response(RealtimeMessage *self, JsonObject *response)
{
  JsonObject *usage = cord_json_peek_object(response, "usage");
  JsonObject *details = cord_json_peek_object(response, "status_details");
  JsonObject *error = details ? cord_json_peek_object(details, "error") : NULL;
  JsonArray *output = cord_json_peek_array(response, "output");

  g_free(self->response);
  self->response = g_strdup(cord_json_peek_string(response, "id", NULL));
  self->status = g_strdup(cord_json_peek_string(response, "status", NULL));
  if (error)
    read_error(self, error);
  if (usage) {
    self->input_tokens = cord_json_peek_int(usage, "input_tokens", 0);
    self->output_tokens = cord_json_peek_int(usage, "output_tokens", 0);
  }
  for (guint i = 0; output && i < json_array_get_length(output); i++) {
    JsonNode *node = json_array_get_element(output, i);
    JsonObject *item = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;

    if (item && g_str_equal(cord_json_peek_string(item, "type", ""), "function_call") &&
        g_str_equal(cord_json_peek_string(item, "status", "completed"), "completed"))
      read_call(self, item);
  }
}

static gboolean
read_members(RealtimeMessage *self, JsonObject *object, GError **error)
{
  JsonObject *response = cord_json_peek_object(object, "response");
  JsonObject *problem = cord_json_peek_object(object, "error");

  self->response = g_strdup(cord_json_peek_string(object, "response_id", NULL));
  self->item = g_strdup(cord_json_peek_string(object, "item_id", NULL));
  if (response)
    read_response(self, response);
  if (problem && !self->problem)
    read_error(self, problem);
  if (self->kind == REALTIME_ERROR && !self->problem) {
    self->problem = g_strdup("error");
    self->description = g_strdup("it does not say why");
  }
  if (self->kind == REALTIME_FUNCTION_CALL)
    read_call(self, object);
  if (self->kind == REALTIME_SPEECH_STOPPED)
    self->ms = (guint)CLAMP(cord_json_peek_int(object, "audio_end_ms", 0), 0, G_MAXINT);
  if (self->kind == REALTIME_USER_TRANSCRIPT)
    self->text = g_strdup(cord_json_peek_string(object, "transcript", ""));
  if (self->kind == REALTIME_TEXT)
    self->text = g_strdup(cord_json_peek_string(object, "delta", ""));
  return self->kind != REALTIME_AUDIO ||
         read_audio(self, cord_json_peek_string(object, "delta", NULL), error);
}

/**
 * realtime_message_parse:
 * @text: a message
 * @length: its length, bytes
 * @error: return location for an error
 *
 * Returns: (transfer full): what it says
 */
RealtimeMessage *
realtime_message_parse(const gchar *text, gsize length, GError **error)
{
  g_autoptr(RealtimeMessage) self = NULL;
  g_autoptr(JsonNode) node =
      cord_json_parse(text, (gssize)length, CORD_JSON_MAX_DEPTH, MAX_MESSAGE, error);
  JsonObject *object;
  const gchar *type;

  if (!node)
    return NULL;
  if (!JSON_NODE_HOLDS_OBJECT(node)) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID, "the message is no object");
    return NULL;
  }
  object = json_node_get_object(node);
  type = cord_json_peek_string(object, "type", "");
  self = g_new0(RealtimeMessage, 1);
  for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
    if (g_str_equal(kinds[i].type, type))
      self->kind = kinds[i].kind;
  if (!read_members(self, object, error))
    return NULL;
  return g_steal_pointer(&self);
}
