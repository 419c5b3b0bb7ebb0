/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "elevenlabs-message.h"

#include <string.h>

#include "cord-error.h"
#include "cord-json.h"

#define MAX_MESSAGE (4 * 1024 * 1024) /* bytes */

void
elevenlabs_message_free(ElevenlabsMessage *self)
{
  g_free(self->context);
  g_free(self->audio);
  g_free(self->text);
  g_free(self->ends);
  g_free(self->error);
  g_free(self->description);
  g_free(self);
}

/* Both spellings occur. */
static gboolean
peek_flag(JsonObject *object, const gchar *one, const gchar *other)
{
  return cord_json_peek_boolean(object, one, cord_json_peek_boolean(object, other, FALSE));
}

static gdouble
number_at(JsonArray *array, guint i)
{
  JsonNode *node =
      array && i < json_array_get_length(array) ? json_array_get_element(array, i) : NULL;

  return node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) != G_TYPE_STRING
             ? CLAMP(json_node_get_double(node), -1e9, 1e9)
             : 0;
}

/* The lists may be of different length, and the durations are spelled in two ways. */
static void
read_alignment(ElevenlabsMessage *self, JsonObject *alignment)
{
  JsonArray *chars = cord_json_peek_array(alignment, "chars");
  JsonArray *starts = cord_json_peek_array(alignment, "charStartTimesMs");
  JsonArray *durations = cord_json_peek_array(alignment, "charDurationsMs");
  g_autoptr(GString) text = g_string_new(NULL);
  g_autoptr(GArray) ends = g_array_new(FALSE, FALSE, sizeof(GstClockTime));

  if (!chars)
    return;
  if (!durations)
    durations = cord_json_peek_array(alignment, "charsDurationsMs");
  for (guint i = 0; i < json_array_get_length(chars); i++) {
    JsonNode *node = json_array_get_element(chars, i);
    const gchar *one = JSON_NODE_HOLDS_VALUE(node) ? json_node_get_string(node) : NULL;
    gdouble ms = CLAMP(number_at(starts, i) + number_at(durations, i), 0, 3600 * 1000);
    GstClockTime end = (GstClockTime)(ms * GST_MSECOND);

    if (!one)
      continue;
    g_string_append(text, one);
    while (ends->len < text->len)
      g_array_append_val(ends, end);
  }
  self->text = g_strdup(text->str);
  /* audio without characters has no ends either, which is not the same as to tell none */
  self->ends =
      ends->len > 0 ? (GstClockTime *)(gpointer)g_array_steal(ends, NULL) : g_new0(GstClockTime, 1);
}

static gboolean
read_audio(ElevenlabsMessage *self, const gchar *audio, GError **error)
{
  if (!audio || !*audio)
    return TRUE;
  if (strspn(audio, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") !=
      strlen(audio)) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID, "the audio is not base 64");
    return FALSE;
  }
  self->audio = g_base64_decode(audio, &self->size);
  return TRUE;
}

/**
 * elevenlabs_message_parse:
 * @text: a message
 * @length: its length, bytes
 * @error: return location for an error
 *
 * Returns: (transfer full): what it says
 */
ElevenlabsMessage *
elevenlabs_message_parse(const gchar *text, gsize length, GError **error)
{
  g_autoptr(ElevenlabsMessage) self = NULL;
  g_autoptr(JsonNode) node =
      cord_json_parse(text, (gssize)length, CORD_JSON_MAX_DEPTH, MAX_MESSAGE, error);
  JsonObject *object, *alignment;

  if (!node)
    return NULL;
  if (!JSON_NODE_HOLDS_OBJECT(node)) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID, "the message is no object");
    return NULL;
  }
  object = json_node_get_object(node);
  self = g_new0(ElevenlabsMessage, 1);
  self->context = g_strdup(cord_json_peek_string(
      object, "contextId", cord_json_peek_string(object, "context_id", NULL)));
  self->final = peek_flag(object, "isFinal", "is_final");
  self->flush_done = g_str_equal(cord_json_peek_string(object, "type", ""), "flush_done");
  self->error = g_strdup(cord_json_peek_string(object, "error", NULL));
  self->description = g_strdup(cord_json_peek_string(object, "message", NULL));
  if (!read_audio(self, cord_json_peek_string(object, "audio", NULL), error))
    return NULL;
  alignment = cord_json_peek_object(object, "alignment");
  if (alignment)
    read_alignment(self, alignment);
  return g_steal_pointer(&self);
}

/**
 * elevenlabs_read_problem:
 * @body: the body of an answer that refuses
 *
 * Returns: (transfer full) (nullable): what it says: {"detail": {"status", "message"}} or a list of
 *   what is wrong with the request
 */
gchar *
elevenlabs_read_problem(const gchar *body)
{
  g_autoptr(JsonObject) object = cord_json_parse_object(body, -1, NULL);
  JsonObject *detail = object ? cord_json_peek_object(object, "detail") : NULL;
  JsonArray *list = object ? cord_json_peek_array(object, "detail") : NULL;

  if (detail)
    return g_strdup_printf("%s: %s", cord_json_peek_string(detail, "status", "refused"),
                           cord_json_peek_string(detail, "message", "it does not say why"));
  if (list && json_array_get_length(list) > 0 &&
      JSON_NODE_HOLDS_OBJECT(json_array_get_element(list, 0)))
    return g_strdup(
        cord_json_peek_string(json_array_get_object_element(list, 0), "msg", "the request"));
  return object ? g_strdup(cord_json_peek_string(object, "detail", NULL)) : NULL;
}
