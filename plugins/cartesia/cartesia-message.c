/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cartesia-message.h"

#include <string.h>

#include "cord-error.h"
#include "cord-json.h"

#define MAX_MESSAGE (4 * 1024 * 1024) /* bytes */
#define MAX_SECONDS 3600

void
cartesia_message_free(CartesiaMessage *self)
{
  g_free(self->context);
  g_free(self->audio);
  g_strfreev(self->words);
  g_free(self->ends);
  g_free(self->description);
  g_free(self);
}

static CartesiaKind
kind_of(const gchar *type)
{
  static const struct {
    const gchar *type;
    CartesiaKind kind;
  } table[] = {
    { "chunk", CARTESIA_CHUNK },           { "timestamps", CARTESIA_TIMESTAMPS },
    { "flush_done", CARTESIA_FLUSH_DONE }, { "done", CARTESIA_DONE },
    { "error", CARTESIA_ERROR },
  };

  for (guint i = 0; i < G_N_ELEMENTS(table); i++)
    if (g_str_equal(table[i].type, type))
      return table[i].kind;
  return CARTESIA_OTHER;
}

/* The lists may be of different length; what has no time is left out. */
static void
read_words(CartesiaMessage *self, JsonObject *timestamps)
{
  JsonArray *words = cord_json_peek_array(timestamps, "words");
  JsonArray *ends = cord_json_peek_array(timestamps, "end");
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  guint n = words && ends ? MIN(json_array_get_length(words), json_array_get_length(ends)) : 0;

  self->ends = g_new0(GstClockTime, n + 1);
  for (guint i = 0; i < n; i++) {
    JsonNode *word = json_array_get_element(words, i);
    JsonNode *end = json_array_get_element(ends, i);

    if (json_node_get_value_type(word) != G_TYPE_STRING || !JSON_NODE_HOLDS_VALUE(end))
      continue;
    g_strv_builder_add(builder, json_node_get_string(word));
    self->ends[self->n_words++] =
        (GstClockTime)(CLAMP(json_node_get_double(end), 0, MAX_SECONDS) * GST_SECOND);
  }
  self->words = g_strv_builder_end(builder);
}

static gboolean
read_audio(CartesiaMessage *self, const gchar *data, GError **error)
{
  if (!data || !*data)
    return TRUE;
  if (strspn(data, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") !=
      strlen(data)) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID, "the audio is not base 64");
    return FALSE;
  }
  self->audio = g_base64_decode(data, &self->size);
  return TRUE;
}

/* Older versions say "error", newer ones "title" and "message". */
static gchar *
describe(JsonObject *object)
{
  const gchar *title = cord_json_peek_string(object, "title", NULL);
  const gchar *message = cord_json_peek_string(object, "message", NULL);
  const gchar *error = cord_json_peek_string(object, "error", NULL);

  if (title && message)
    return g_strdup_printf("%s: %s", title, message);
  return g_strdup(message ? message : title ? title : error ? error : "it does not say why");
}

/**
 * cartesia_message_parse:
 * @text: a message
 * @length: its length, bytes
 * @error: return location for an error
 *
 * Returns: (transfer full): what it says
 */
CartesiaMessage *
cartesia_message_parse(const gchar *text, gsize length, GError **error)
{
  g_autoptr(CartesiaMessage) self = NULL;
  g_autoptr(JsonNode) node =
      cord_json_parse(text, (gssize)length, CORD_JSON_MAX_DEPTH, MAX_MESSAGE, error);
  JsonObject *object, *timestamps;

  if (!node)
    return NULL;
  if (!JSON_NODE_HOLDS_OBJECT(node)) {
    g_set_error(error, CORD_ERROR, CORD_ERROR_INVALID, "the message is no object");
    return NULL;
  }
  object = json_node_get_object(node);
  self = g_new0(CartesiaMessage, 1);
  self->kind = kind_of(cord_json_peek_string(object, "type", ""));
  self->context = g_strdup(cord_json_peek_string(object, "context_id", NULL));
  self->status = (guint)CLAMP(cord_json_peek_int(object, "status_code", 0), 0, 999);
  /* theirs may begin with 0 */
  self->flush = (guint)CLAMP(cord_json_peek_int(object, "flush_id", -1), -1, G_MAXINT - 1) + 1;
  if (self->kind == CARTESIA_CHUNK &&
      !read_audio(self, cord_json_peek_string(object, "data", NULL), error))
    return NULL;
  timestamps = cord_json_peek_object(object, "word_timestamps");
  if (timestamps)
    read_words(self, timestamps);
  if (self->kind == CARTESIA_ERROR)
    self->description = describe(object);
  return g_steal_pointer(&self);
}
