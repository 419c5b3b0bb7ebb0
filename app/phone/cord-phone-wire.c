/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-phone-wire.h"

#include <string.h>

#include "cord-error.h"
#include "cord-g711.h"
#include "cord-json.h"

#define FRAME_MS 20
#define JITTER_SEED 20

struct _CordPhoneWire {
  CordPhoneWireKind kind;
  CordWebsocket *websocket;
  const CordPhoneWireNames *names;
  GString *text; /* the message that is being written */
  guint sequence;
  guint frames;
  /* a browser's */
  gint16 last;        /* of the caller's samples */
  GByteArray *unsent; /* PCM that the page has not let go */
  GRand *random;
  guint jitter_ms;
  guint hold; /* frames until it does */
};

/**
 * cord_phone_wire_new:
 * @kind: what is spoken
 * @jitter_ms: how long a browser keeps what the microphone hears, at most; the times vary
 *
 * Returns: (transfer full): a wire that has nothing at its other end
 */
CordPhoneWire *
cord_phone_wire_new(CordPhoneWireKind kind, guint jitter_ms)
{
  CordPhoneWire *self = g_new0(CordPhoneWire, 1);

  self->kind = kind;
  self->text = g_string_sized_new(512);
  self->unsent = g_byte_array_new();
  self->random = g_rand_new_with_seed(JITTER_SEED);
  self->jitter_ms = jitter_ms;
  return self;
}

/**
 * cord_phone_wire_free:
 * @self: (transfer full): a wire
 */
void
cord_phone_wire_free(CordPhoneWire *self)
{
  g_clear_object(&self->websocket);
  g_string_free(self->text, TRUE);
  g_byte_array_unref(self->unsent);
  g_rand_free(self->random);
  g_free(self);
}

/* Sends what stands in self->text. */
static gboolean
flush(CordPhoneWire *self, GError **error)
{
  gboolean sent =
      cord_websocket_send_text(self->websocket, self->text->str, (gssize)self->text->len, error);

  g_string_truncate(self->text, 0);
  return sent;
}

/**
 * cord_phone_wire_begin:
 * @self: a wire
 * @websocket: the stream
 * @names: what is on it; outlives the wire
 * @error: return location for an error
 *
 * Says the first words.
 */
gboolean
cord_phone_wire_begin(CordPhoneWire *self, CordWebsocket *websocket,
                      const CordPhoneWireNames *names, GError **error)
{
  self->websocket = g_object_ref(websocket);
  self->names = names;
  if (self->kind == CORD_PHONE_WIRE_BROWSER) {
    g_string_append(self->text, "{\"type\":\"start\",\"features\":[\"clear\",\"mark\"]}");
    return flush(self, error);
  }
  cord_phone_message_connected(self->text);
  if (!flush(self, error))
    return FALSE;
  cord_phone_message_start(self->text, names->account_sid, names->call_sid, names->stream_sid,
                           names->parameters);
  self->sequence = 1;
  return flush(self, error);
}

/* Twice the rate, with the mean between two samples. */
static void
widen(CordPhoneWire *self, const guint8 *mulaw, gsize length)
{
  for (gsize i = 0; i < length; i++) {
    gint16 sample = cord_g711_decode_sample(mulaw[i]);
    gint16 pair[2] = { GINT16_TO_LE((gint16)((self->last + sample) / 2)), GINT16_TO_LE(sample) };

    self->last = sample;
    g_byte_array_append(self->unsent, (const guint8 *)pair, sizeof pair);
  }
}

/* Half the rate, with the mean of two samples. */
static void
narrow(GByteArray *out, const guint8 *data, gsize length)
{
  for (gsize i = 0; i + 3 < length; i += 4) {
    gint16 pair[2];
    guint8 code;

    memcpy(pair, data + i, sizeof pair);
    code =
        cord_g711_encode_sample((gint16)((GINT16_FROM_LE(pair[0]) + GINT16_FROM_LE(pair[1])) / 2));
    g_byte_array_append(out, &code, 1);
  }
}

static gboolean
speak_as_browser(CordPhoneWire *self, GError **error)
{
  gboolean sent;

  if (self->hold > 0) {
    self->hold--;
    return TRUE;
  }
  sent = cord_websocket_send_binary(self->websocket, self->unsent->data, self->unsent->len, error);
  g_byte_array_set_size(self->unsent, 0);
  if (self->jitter_ms >= FRAME_MS)
    self->hold = (guint)g_rand_int_range(self->random, 0, (gint32)(self->jitter_ms / FRAME_MS) + 1);
  return sent;
}

/**
 * cord_phone_wire_speak:
 * @self: a wire that has begun
 * @mulaw: (array length=length): 20 ms of the caller
 * @length: in bytes
 * @error: return location for an error
 */
gboolean
cord_phone_wire_speak(CordPhoneWire *self, const guint8 *mulaw, gsize length, GError **error)
{
  self->frames++;
  if (self->kind == CORD_PHONE_WIRE_BROWSER) {
    widen(self, mulaw, length);
    return speak_as_browser(self, error);
  }
  cord_phone_message_media(self->text, ++self->sequence, self->names->stream_sid, self->frames,
                           self->frames * FRAME_MS, mulaw, length);
  return flush(self, error);
}

/**
 * cord_phone_wire_echo:
 * @self: a wire that has begun
 * @mark: what has come to its turn
 * @error: return location for an error
 */
gboolean
cord_phone_wire_echo(CordPhoneWire *self, const gchar *mark, GError **error)
{
  if (self->kind == CORD_PHONE_WIRE_BROWSER) {
    g_string_append(self->text, "{\"type\":\"mark\",\"name\":");
    cord_json_append_string(self->text, mark);
    g_string_append_c(self->text, '}');
  } else {
    cord_phone_message_mark(self->text, ++self->sequence, self->names->stream_sid, mark);
  }
  return flush(self, error);
}

/**
 * cord_phone_wire_press:
 * @self: a wire that has begun
 * @digit: a key; a browser has none
 * @error: return location for an error
 */
gboolean
cord_phone_wire_press(CordPhoneWire *self, gchar digit, GError **error)
{
  if (self->kind == CORD_PHONE_WIRE_BROWSER)
    return TRUE;
  cord_phone_message_dtmf(self->text, ++self->sequence, self->names->stream_sid, digit);
  return flush(self, error);
}

/**
 * cord_phone_wire_end:
 * @self: a wire that has begun
 * @error: return location for an error
 *
 * Says the last word.
 */
gboolean
cord_phone_wire_end(CordPhoneWire *self, GError **error)
{
  if (self->kind == CORD_PHONE_WIRE_BROWSER)
    g_string_append(self->text, "{\"type\":\"end\"}");
  else
    cord_phone_message_stop(self->text, ++self->sequence, self->names->account_sid,
                            self->names->call_sid, self->names->stream_sid);
  return flush(self, error);
}

static gboolean
refuse(GError **error, const gchar *what)
{
  g_set_error_literal(error, CORD_ERROR, CORD_ERROR_PROTOCOL, what);
  return FALSE;
}

static gboolean
read_as_browser(CordWebsocketMessageType type, const guint8 *data, gsize length,
                CordPhoneMessage *message, GError **error)
{
  g_autoptr(JsonObject) object = NULL;
  const gchar *name;

  g_byte_array_set_size(message->audio, 0);
  g_clear_pointer(&message->mark, g_free);
  g_clear_pointer(&message->told, g_free);
  if (type == CORD_WEBSOCKET_BINARY) {
    message->type = CORD_PHONE_MESSAGE_MEDIA;
    narrow(message->audio, data, length);
    return message->audio->len > 0 || refuse(error, "it has no audio");
  }
  object = cord_json_parse_object((const gchar *)data, (gssize)length, error);
  if (object == NULL)
    return FALSE;
  name = cord_json_peek_string(object, "type", "");
  if (g_str_equal(name, "mark")) {
    message->type = CORD_PHONE_MESSAGE_MARK;
    message->mark = g_strdup(cord_json_peek_string(object, "name", ""));
  } else if (g_str_equal(name, "clear")) {
    message->type = CORD_PHONE_MESSAGE_CLEAR;
  } else {
    message->type = CORD_PHONE_MESSAGE_TOLD;
    message->told = g_strndup((const gchar *)data, length);
  }
  return TRUE;
}

/**
 * cord_phone_wire_read:
 * @self: a wire that has begun
 * @type: of a message of the server
 * @data: (array length=length): the message
 * @length: in bytes
 * @message: what it says
 * @error: return location for an error: why it makes no sense
 */
gboolean
cord_phone_wire_read(CordPhoneWire *self, CordWebsocketMessageType type, const guint8 *data,
                     gsize length, CordPhoneMessage *message, GError **error)
{
  if (self->kind == CORD_PHONE_WIRE_BROWSER)
    return read_as_browser(type, data, length, message, error);
  if (type != CORD_WEBSOCKET_TEXT)
    return refuse(error, "it is binary");
  if (!cord_phone_message_parse(message, (const gchar *)data, length, error))
    return FALSE;
  return g_str_equal(message->stream_sid, self->names->stream_sid) ||
         refuse(error, "it is for another stream");
}
