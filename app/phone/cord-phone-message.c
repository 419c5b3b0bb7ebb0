/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-phone-message.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "cord-error.h"
#include "cord-json.h"

#define MAX_MESSAGE (1024 * 1024) /* bytes */
#define MAX_DEPTH 8
#define MEDIA_START "{\"event\":\"media\","
#define PAYLOAD_KEY "\"payload\":\""
#define SID_KEY "\"streamSid\":\""

void
cord_phone_message_init(CordPhoneMessage *self)
{
  memset(self, 0, sizeof(*self));
  self->audio = g_byte_array_new();
}

void
cord_phone_message_clear(CordPhoneMessage *self)
{
  g_clear_pointer(&self->audio, g_byte_array_unref);
  g_clear_pointer(&self->mark, g_free);
  g_clear_pointer(&self->told, g_free);
}

static gboolean
refuse(GError **error, const gchar *what)
{
  g_set_error(error, CORD_ERROR, CORD_ERROR_PROTOCOL, "The server sent %s", what);
  return FALSE;
}

/* RFC 4648, whole groups, nothing else. */
static gboolean
decode(GByteArray *out, const gchar *text, gsize length)
{
  gint state = 0;
  guint save = 0;
  gsize padding = 0;
  gsize n;

  if (length == 0 || length % 4 != 0)
    return FALSE;
  while (padding < 2 && text[length - 1 - padding] == '=')
    padding++;
  for (gsize i = 0; i < length - padding; i++)
    if (!g_ascii_isalnum(text[i]) && text[i] != '+' && text[i] != '/')
      return FALSE;
  g_byte_array_set_size(out, length / 4 * 3);
  n = g_base64_decode_step(text, length, out->data, &state, &save);
  g_byte_array_set_size(out, n);
  return n > 0;
}

/* The string after a key that occurs once; NULL when it is not that simple. */
static const gchar *
find_string(const gchar *text, gsize length, const gchar *key, gsize *found)
{
  const gchar *end = text + length;
  const gchar *value = memmem(text, length, key, strlen(key));
  const gchar *quote;

  if (!value)
    return NULL;
  value += strlen(key);
  if (memmem(value, end - value, key, strlen(key)))
    return NULL;
  quote = memchr(value, '"', end - value);
  if (!quote || memchr(value, '\\', quote - value))
    return NULL;
  *found = quote - value;
  return value;
}

static void
set_sid(CordPhoneMessage *self, const gchar *sid, gsize length)
{
  gsize n = MIN(length, sizeof(self->stream_sid) - 1);

  memcpy(self->stream_sid, sid, n);
  self->stream_sid[n] = '\0';
}

/* The form that all servers send for nearly all messages; FALSE: read it properly. */
static gboolean
parse_fast(CordPhoneMessage *self, const gchar *text, gsize length)
{
  const gchar *payload, *sid;
  gsize payload_length, sid_length;

  if (length < strlen(MEDIA_START) || memcmp(text, MEDIA_START, strlen(MEDIA_START)) != 0)
    return FALSE;
  payload = find_string(text, length, PAYLOAD_KEY, &payload_length);
  sid = find_string(text, length, SID_KEY, &sid_length);
  if (!payload || !sid || !decode(self->audio, payload, payload_length))
    return FALSE;
  set_sid(self, sid, sid_length);
  self->type = CORD_PHONE_MESSAGE_MEDIA;
  return TRUE;
}

static const gchar *
get_string(JsonObject *object, const gchar *name)
{
  JsonNode *node = object ? json_object_get_member(object, name) : NULL;

  return node && json_node_get_value_type(node) == G_TYPE_STRING ? json_node_get_string(node)
                                                                 : NULL;
}

static JsonObject *
get_object(JsonObject *object, const gchar *name)
{
  JsonNode *node = json_object_get_member(object, name);

  return node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

static gboolean
parse_object(CordPhoneMessage *self, JsonObject *object, GError **error)
{
  const gchar *event = get_string(object, "event");
  const gchar *sid = get_string(object, "streamSid");

  if (!event || !sid)
    return refuse(error, "a message without event or streamSid");
  set_sid(self, sid, strlen(sid));
  if (g_str_equal(event, "media")) {
    const gchar *payload = get_string(get_object(object, "media"), "payload");

    self->type = CORD_PHONE_MESSAGE_MEDIA;
    return (payload && decode(self->audio, payload, strlen(payload))) ||
           refuse(error, "media whose payload is not base64");
  }
  if (g_str_equal(event, "mark")) {
    self->type = CORD_PHONE_MESSAGE_MARK;
    self->mark = g_strdup(get_string(get_object(object, "mark"), "name"));
    return self->mark || refuse(error, "a mark without a name");
  }
  if (g_str_equal(event, "clear")) {
    self->type = CORD_PHONE_MESSAGE_CLEAR;
    return TRUE;
  }
  return refuse(error, "an event that Media Streams does not have");
}

/**
 * cord_phone_message_parse:
 * @self: a message, whatever it held before
 * @text: a text frame
 * @length: bytes in it
 * @error: return location for an error
 *
 * Returns: whether it is one of the three messages that a server may send
 */
gboolean
cord_phone_message_parse(CordPhoneMessage *self, const gchar *text, gsize length, GError **error)
{
  g_autoptr(JsonNode) node = NULL;

  g_clear_pointer(&self->mark, g_free);
  g_byte_array_set_size(self->audio, 0);
  if (parse_fast(self, text, length))
    return TRUE;
  g_byte_array_set_size(self->audio, 0);
  node = cord_json_parse(text, length, MAX_DEPTH, MAX_MESSAGE, error);
  if (!node)
    return FALSE;
  if (!JSON_NODE_HOLDS_OBJECT(node))
    return refuse(error, "a message that is no object");
  return parse_object(self, json_node_get_object(node), error);
}

/* Writing */

static void
append_json_string(GString *out, const gchar *text)
{
  g_autoptr(JsonNode) node = json_node_init_string(json_node_alloc(), text);
  g_autofree gchar *quoted = json_to_string(node, FALSE);

  g_string_append(out, quoted);
}

static void
append_base64(GString *out, const guint8 *data, gsize length)
{
  gint state = 0, save = 0;
  gsize start = out->len;
  gsize n;

  g_string_set_size(out, start + (length / 3 + 1) * 4 + 4);
  n = g_base64_encode_step(data, length, FALSE, out->str + start, &state, &save);
  n += g_base64_encode_close(FALSE, out->str + start + n, &state, &save);
  g_string_set_size(out, start + n);
}

void
cord_phone_message_connected(GString *out)
{
  g_string_append(out, "{\"event\":\"connected\",\"protocol\":\"Call\",\"version\":\"1.0.0\"}");
}

/**
 * cord_phone_message_start:
 * @out: where to write
 * @account_sid: the account
 * @call_sid: the call
 * @stream_sid: the stream
 * @parameters: (element-type utf8 utf8) (nullable): what the TwiML gave
 */
void
cord_phone_message_start(GString *out, const gchar *account_sid, const gchar *call_sid,
                         const gchar *stream_sid, GHashTable *parameters)
{
  GHashTableIter iter;
  gpointer name, value;
  const gchar *separator = "";

  g_string_append_printf(out,
                         "{\"event\":\"start\",\"sequenceNumber\":\"1\",\"streamSid\":\"%s\","
                         "\"start\":{\"accountSid\":\"%s\",\"streamSid\":\"%s\",\"callSid\":\"%s\","
                         "\"tracks\":[\"inbound\"],\"mediaFormat\":{\"encoding\":\"audio/x-mulaw\","
                         "\"sampleRate\":8000,\"channels\":1},\"customParameters\":{",
                         stream_sid, account_sid, stream_sid, call_sid);
  if (parameters) {
    g_hash_table_iter_init(&iter, parameters);
    while (g_hash_table_iter_next(&iter, &name, &value)) {
      g_string_append(out, separator);
      append_json_string(out, name);
      g_string_append_c(out, ':');
      append_json_string(out, value);
      separator = ",";
    }
  }
  g_string_append(out, "}}}");
}

void
cord_phone_message_media(GString *out, guint sequence, const gchar *stream_sid, guint chunk,
                         guint timestamp_ms, const guint8 *audio, gsize length)
{
  g_string_append_printf(out,
                         "{\"event\":\"media\",\"sequenceNumber\":\"%u\",\"streamSid\":\"%s\","
                         "\"media\":{\"track\":\"inbound\",\"chunk\":\"%u\",\"timestamp\":\"%u\","
                         "\"payload\":\"",
                         sequence, stream_sid, chunk, timestamp_ms);
  append_base64(out, audio, length);
  g_string_append(out, "\"}}");
}

void
cord_phone_message_dtmf(GString *out, guint sequence, const gchar *stream_sid, gchar digit)
{
  g_string_append_printf(out,
                         "{\"event\":\"dtmf\",\"sequenceNumber\":\"%u\",\"streamSid\":\"%s\","
                         "\"dtmf\":{\"track\":\"inbound_track\",\"digit\":\"%c\"}}",
                         sequence, stream_sid, digit);
}

void
cord_phone_message_mark(GString *out, guint sequence, const gchar *stream_sid, const gchar *name)
{
  g_string_append_printf(out,
                         "{\"event\":\"mark\",\"sequenceNumber\":\"%u\",\"streamSid\":\"%s\","
                         "\"mark\":{\"name\":",
                         sequence, stream_sid);
  append_json_string(out, name);
  g_string_append(out, "}}");
}

void
cord_phone_message_stop(GString *out, guint sequence, const gchar *account_sid,
                        const gchar *call_sid, const gchar *stream_sid)
{
  g_string_append_printf(out,
                         "{\"event\":\"stop\",\"sequenceNumber\":\"%u\",\"streamSid\":\"%s\","
                         "\"stop\":{\"accountSid\":\"%s\",\"callSid\":\"%s\"}}",
                         sequence, stream_sid, account_sid, call_sid);
}
