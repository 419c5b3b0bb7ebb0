/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "voicews-message.h"

#include <string.h>

#include "cord-error.h"
#include "cord-json.h"
#include "twilio-base64.h"

#define MAX_NAME 64 /* bytes */

/* At most MAX_NAME bytes, at a character's end. */
static gchar *
dup_name(const gchar *text)
{
  const gchar *end = text;

  while (*end && g_utf8_next_char(end) - text <= MAX_NAME)
    end = g_utf8_next_char(end);
  return g_strndup(text, (gsize)(end - text));
}

static void
read_start(VoicewsMessage *self, JsonObject *object)
{
  JsonArray *features = cord_json_peek_array(object, "features");
  guint n = features ? json_array_get_length(features) : 0;

  for (guint i = 0; i < n; i++) {
    JsonNode *node = json_array_get_element(features, i);
    const gchar *name = JSON_NODE_HOLDS_VALUE(node) ? json_node_get_string(node) : NULL;

    self->takes_clear |= g_strcmp0(name, "clear") == 0;
    self->takes_marks |= g_strcmp0(name, "mark") == 0;
  }
}

static gboolean
read_audio(VoicewsMessage *self, JsonObject *object, GError **error)
{
  const gchar *data = cord_json_get_string(object, "data", error);
  const gchar *reason = NULL;
  gsize length = data ? strlen(data) : 0;
  gssize decoded;

  if (!data)
    return FALSE;
  self->audio = g_malloc(TWILIO_BASE64_DECODED_MAX(length));
  decoded =
      twilio_base64_decode(data, length, self->audio, TWILIO_BASE64_DECODED_MAX(length), &reason);
  if (decoded < 0) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID, "\"data\" is not base64: %s", reason);
    return FALSE;
  }
  self->length = (gsize)decoded;
  return TRUE;
}

static const struct {
  const gchar *name;
  VoicewsType type;
} types[] = {
  { "start", VOICEWS_START }, { "audio", VOICEWS_AUDIO }, { "mark", VOICEWS_MARK },
  { "ping", VOICEWS_PING },   { "end", VOICEWS_END },
};

static VoicewsType
read_type(const gchar *name)
{
  for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
    if (g_str_equal(types[i].name, name))
      return types[i].type;
  }
  return VOICEWS_UNKNOWN;
}

/**
 * voicews_message_new:
 * @text: a message, not terminated
 * @length: in bytes
 * @error: return location: %CORD_ERROR_PROTOCOL if it is no object, %CORD_ERROR_INVALID if its
 *   fields are not what its type wants
 *
 * Returns: (transfer full) (nullable): what it says
 */
VoicewsMessage *
voicews_message_new(const gchar *text, gsize length, GError **error)
{
  g_autoptr(VoicewsMessage) self = g_new0(VoicewsMessage, 1);
  g_autoptr(GError) local = NULL;
  g_autoptr(JsonObject) object = cord_json_parse_object(text, (gssize)length, &local);
  const gchar *type;

  if (!object) {
    g_set_error_literal(error, CORD_ERROR, CORD_ERROR_PROTOCOL, local->message);
    return NULL;
  }
  type = cord_json_peek_string(object, "type", "");
  self->type = read_type(type);
  switch (self->type) {
  case VOICEWS_START:
    read_start(self, object);
    break;
  case VOICEWS_AUDIO:
    if (!read_audio(self, object, error))
      return NULL;
    break;
  case VOICEWS_MARK:
    self->name = dup_name(cord_json_peek_string(object, "name", ""));
    break;
  case VOICEWS_UNKNOWN:
    self->name = dup_name(type);
    break;
  default:
    break;
  }
  return g_steal_pointer(&self);
}

void
voicews_message_free(VoicewsMessage *self)
{
  g_free(self->name);
  g_free(self->audio);
  g_free(self);
}

/**
 * voicews_format_started:
 * @agent: (nullable): the agent's name
 *
 * Returns: (transfer full): what a browser is told first
 */
gchar *
voicews_format_started(const gchar *agent)
{
  g_autoptr(GString) text = g_string_new("{\"type\":\"session_started\",\"agent\":");

  cord_json_append_string(text, agent ? agent : "");
  g_string_append_c(text, '}');
  return g_string_free(g_steal_pointer(&text), FALSE);
}

/**
 * voicews_format_ended:
 * @reason: why, its words joined by anything
 * @seconds: how long it was
 *
 * Returns: (transfer full): what a browser is told last
 */
gchar *
voicews_format_ended(const gchar *reason, gdouble seconds)
{
  g_autoptr(GString) text = g_string_new("{\"type\":\"session_ended\",\"reason\":");
  g_autofree gchar *joined = g_strdelimit(g_strdup(reason), "- ", '_');
  gchar number[G_ASCII_DTOSTR_BUF_SIZE];

  cord_json_append_string(text, joined);
  g_string_append_printf(text, ",\"duration\":%s}",
                         g_ascii_formatd(number, sizeof number, "%.1f", seconds));
  return g_string_free(g_steal_pointer(&text), FALSE);
}

/**
 * voicews_format_mark:
 * @name: of a mark
 *
 * Returns: (transfer full): what the browser is to send back when it has played what was before
 */
gchar *
voicews_format_mark(const gchar *name)
{
  g_autoptr(GString) text = g_string_new("{\"type\":\"mark\",\"name\":");

  cord_json_append_string(text, name);
  g_string_append_c(text, '}');
  return g_string_free(g_steal_pointer(&text), FALSE);
}
