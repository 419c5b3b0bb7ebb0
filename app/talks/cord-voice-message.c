/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-voice-message.h"

#include <string.h>

#include "cord-error.h"
#include "cord-json.h"

/* Strictly: what is left out silently is a recording that is misheard. */
static GBytes *
decode(const gchar *base64, GError **error)
{
  gsize length = strlen(base64);
  gsize padding = 0;
  gboolean good = length > 0 && length % 4 == 0;
  g_autofree guchar *bytes = NULL;
  gsize n = 0;

  while (padding < 2 && padding < length && base64[length - 1 - padding] == '=')
    padding++;
  for (gsize i = 0; good && i < length - padding; i++)
    good = g_ascii_isalnum(base64[i]) || base64[i] == '+' || base64[i] == '/';
  if (!good) {
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_INVALID, "\"audio_data\" is not base64");
    return NULL;
  }
  bytes = g_base64_decode(base64, &n);
  return g_bytes_new_take(g_steal_pointer(&bytes), n);
}

/**
 * cord_voice_message_new:
 * @text: a message
 * @length: in bytes
 * @error: return location for an error: %CORD_ERROR_INVALID, or %CORD_ERROR_TOO_LARGE
 *
 * Returns: (transfer full) (nullable): what it says
 */
CordVoiceMessage *
cord_voice_message_new(const gchar *text, gsize length, GError **error)
{
  g_autoptr(CordVoiceMessage) self = g_new0(CordVoiceMessage, 1);
  g_autoptr(JsonNode) node =
      cord_json_parse(text, (gssize)length, CORD_JSON_MAX_DEPTH, CORD_VOICE_MAX_MESSAGE, error);
  JsonObject *object;
  const gchar *type, *value;

  if (node == NULL)
    return NULL;
  if (!JSON_NODE_HOLDS_OBJECT(node)) {
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_INVALID, "a JSON object is wanted");
    return NULL;
  }
  object = json_node_get_object(node);
  type = cord_json_peek_string(object, "type", "");
  if (g_str_equal(type, "audio_chunk")) {
    value = cord_json_get_string(object, "audio_data", error);
    self->audio = value ? decode(value, error) : NULL;
  } else if (g_str_equal(type, "text_input")) {
    value = cord_json_get_string(object, "text", error);
    self->text = value && *value ? g_strdup(value) : NULL;
    if (value && !self->text)
      g_set_error_literal(error, CORD_ERROR, CORD_ERROR_INVALID, "\"text\" is empty");
  } else {
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_INVALID,
                        "the type must be \"audio_chunk\" or \"text_input\"");
  }
  return self->audio || self->text ? g_steal_pointer(&self) : NULL;
}

void
cord_voice_message_free(CordVoiceMessage *self)
{
  g_clear_pointer(&self->audio, g_bytes_unref);
  g_free(self->text);
  g_free(self);
}

/**
 * cord_voice_message_format:
 * @type: of a message
 * @member: its one member
 * @value: and what it says
 *
 * Returns: (transfer full): a message to a client
 */
gchar *
cord_voice_message_format(const gchar *type, const gchar *member, const gchar *value)
{
  GString *text = g_string_new(NULL);

  g_string_printf(text, "{\"type\":\"%s\",\"%s\":", type, member);
  cord_json_append_string(text, value);
  g_string_append_c(text, '}');
  return g_string_free(text, FALSE);
}

/**
 * cord_voice_message_format_audio:
 * @audio: an answer
 * @format: what it is
 *
 * Returns: (transfer full): a message to a client
 */
gchar *
cord_voice_message_format_audio(GBytes *audio, const gchar *format)
{
  g_autofree gchar *base64 =
      g_base64_encode(g_bytes_get_data(audio, NULL), g_bytes_get_size(audio));

  return g_strdup_printf("{\"type\":\"audio_response\",\"audio_base64\":\"%s\",\"format\":\"%s\"}",
                         base64, format);
}
