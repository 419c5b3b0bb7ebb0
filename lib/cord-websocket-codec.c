/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-websocket-codec.h"

#include <string.h>

/*
 * RFC 6455, section 5, without extensions. Nothing of a message is kept beyond the limits given at
 * init, and a frame that breaks a rule is refused by its header, before its payload is waited for.
 */

#define FIN 0x80
#define RSV 0x70
#define MASKED 0x80
#define CONTINUATION 0x0
#define MAX_FRAGMENTS 1024

typedef struct {
  guint8 opcode;
  gboolean fin;
  gboolean masked;
  guint32 mask; /* as it lies in memory */
  gsize header;
  guint64 payload;
} Frame;

/* UTF-8 (RFC 3629): the state is how many bytes are still to come and the range of the next one:
 * count << 16 | lowest << 8 | highest; 0 between characters. */
static gboolean
utf8_byte(guint32 *state, guint8 byte)
{
  if (*state == 0) {
    if (byte < 0x80)
      return TRUE;
    if (byte >= 0xc2 && byte <= 0xdf)
      *state = 1 << 16 | 0x80bf;
    else if (byte >= 0xe0 && byte <= 0xef)
      *state = 2 << 16 | (byte == 0xe0 ? 0xa0bf : byte == 0xed ? 0x809f : 0x80bf);
    else if (byte >= 0xf0 && byte <= 0xf4)
      *state = 3 << 16 | (byte == 0xf0 ? 0x90bf : byte == 0xf4 ? 0x808f : 0x80bf);
    else
      return FALSE;
    return TRUE;
  }
  if (byte < (*state >> 8 & 0xff) || byte > (*state & 0xff))
    return FALSE;
  *state = *state >> 16 == 1 ? 0 : ((*state >> 16) - 1) << 16 | 0x80bf;
  return TRUE;
}

/**
 * cord_utf8_check: (skip)
 * @state: 0 at the start of a text; 0 again where it may end
 * @data: the next bytes
 * @length: of @data
 *
 * Checks UTF-8 piece by piece. Unlike g_utf8_validate(), it allows U+0000.
 *
 * Returns: whether the text can still become valid
 */
gboolean
cord_utf8_check(guint32 *state, const guint8 *data, gsize length)
{
  gsize i = 0;

  while (i < length) {
    guint64 eight;

    while (*state == 0 && i + 8 <= length) {
      memcpy(&eight, data + i, 8);
      if (eight & G_GUINT64_CONSTANT(0x8080808080808080))
        break;
      i += 8;
    }
    if (i < length && !utf8_byte(state, data[i++]))
      return FALSE;
  }
  return TRUE;
}

/**
 * cord_websocket_mask: (skip)
 * @data: bytes that begin a payload
 * @length: of @data
 * @mask: the key as it lies in memory
 *
 * Masks, or unmasks.
 */
void
cord_websocket_mask(guint8 *data, gsize length, guint32 mask)
{
  guint64 wide = (guint64)mask << 32 | mask;
  guint8 key[4];
  gsize i = 0;

  for (; i + 8 <= length; i += 8) {
    guint64 word;

    memcpy(&word, data + i, 8);
    word ^= wide;
    memcpy(data + i, &word, 8);
  }
  memcpy(key, &mask, 4);
  for (; i < length; i++)
    data[i] ^= key[i & 3];
}

/**
 * cord_websocket_format_header: (skip)
 * @header: (array fixed-size=14): where to write
 * @role: of the sender
 * @type: of the message
 * @length: of the payload, bytes
 * @mask: the key, for a client
 *
 * Returns: the header's length in bytes
 */
gsize
cord_websocket_format_header(guint8 *header, CordWebsocketRole role, CordWebsocketMessageType type,
                             gsize length, guint32 mask)
{
  guint8 masked = role == CORD_WEBSOCKET_CLIENT ? MASKED : 0;
  gsize size = 2;

  header[0] = FIN | type;
  if (length < 126) {
    header[1] = masked | (guint8)length;
  } else if (length <= G_MAXUINT16) {
    guint16 be = GUINT16_TO_BE((guint16)length);

    header[1] = masked | 126;
    memcpy(header + 2, &be, 2);
    size = 4;
  } else {
    guint64 be = GUINT64_TO_BE((guint64)length);

    header[1] = masked | 127;
    memcpy(header + 2, &be, 8);
    size = 10;
  }
  if (masked) {
    memcpy(header + size, &mask, 4);
    size += 4;
  }
  return size;
}

static gboolean
fail(CordWebsocketFault *fault, guint16 code, const gchar *reason)
{
  fault->code = code;
  fault->reason = reason;
  return FALSE;
}

static gboolean
is_valid_close_code(guint16 code)
{
  return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
         (code >= 3000 && code <= 4999);
}

/**
 * cord_websocket_close_parse: (skip)
 * @data: the payload of a close frame
 * @length: of @data
 * @code: (out): the close code, 1005 where there is none
 * @reason: (out) (transfer full) (nullable): what the peer says
 * @fault: (out): what is wrong with it
 *
 * Returns: whether it is valid
 */
gboolean
cord_websocket_close_parse(const guint8 *data, gsize length, guint16 *code, gchar **reason,
                           CordWebsocketFault *fault)
{
  guint32 state = 0;

  *reason = NULL;
  *code = CORD_WEBSOCKET_CLOSE_NO_STATUS;
  if (length == 0)
    return TRUE;
  if (length == 1)
    return fail(fault, CORD_WEBSOCKET_CLOSE_PROTOCOL_ERROR, "a close frame of one byte");
  *code = (guint16)(data[0] << 8 | data[1]);
  if (!is_valid_close_code(*code))
    return fail(fault, CORD_WEBSOCKET_CLOSE_PROTOCOL_ERROR, "a close code that may not be sent");
  if (!cord_utf8_check(&state, data + 2, length - 2) || state != 0)
    return fail(fault, CORD_WEBSOCKET_CLOSE_BAD_DATA, "a close reason that is not UTF-8");
  *reason = g_strndup((const gchar *)data + 2, length - 2);
  return TRUE;
}

/* The frame's length may take 0, 2 or 8 more bytes; the shortest form must be used. */
static gboolean
read_length(const guint8 *data, Frame *frame, CordWebsocketFault *fault)
{
  guint16 be16;
  guint64 be64;

  switch (data[1] & 0x7f) {
  case 126:
    memcpy(&be16, data + 2, 2);
    frame->payload = GUINT16_FROM_BE(be16);
    return frame->payload >= 126 || fail(fault, CORD_WEBSOCKET_CLOSE_PROTOCOL_ERROR,
                                         "a length that is longer than it need be");
  case 127:
    memcpy(&be64, data + 2, 8);
    frame->payload = GUINT64_FROM_BE(be64);
    if (frame->payload >> 63)
      return fail(fault, CORD_WEBSOCKET_CLOSE_PROTOCOL_ERROR, "a length with its top bit set");
    return frame->payload > G_MAXUINT16 || fail(fault, CORD_WEBSOCKET_CLOSE_PROTOCOL_ERROR,
                                                "a length that is longer than it need be");
  default:
    frame->payload = data[1] & 0x7f;
    return TRUE;
  }
}

/* Returns FALSE with a fault, or TRUE with header 0 when there are too few bytes. */
static gboolean
read_header(CordWebsocketParser *self, const guint8 *data, gsize length, Frame *frame,
            CordWebsocketFault *fault)
{
  gsize extra;

  frame->header = 0;
  frame->mask = 0;
  if (length < 2)
    return TRUE;
  extra = (data[1] & 0x7f) == 126 ? 2 : (data[1] & 0x7f) == 127 ? 8 : 0;
  frame->fin = (data[0] & FIN) != 0;
  frame->opcode = data[0] & 0x0f;
  frame->masked = (data[1] & MASKED) != 0;
  if (data[0] & RSV)
    return fail(fault, CORD_WEBSOCKET_CLOSE_PROTOCOL_ERROR, "a reserved bit is set");
  if (frame->masked != (self->role == CORD_WEBSOCKET_SERVER))
    return fail(fault, CORD_WEBSOCKET_CLOSE_PROTOCOL_ERROR,
                frame->masked ? "a server's frame is masked" : "a client's frame is not masked");
  if (length < 2 + extra)
    return TRUE;
  if (!read_length(data, frame, fault))
    return FALSE;
  if (length < 2 + extra + (frame->masked ? 4 : 0))
    return TRUE;
  frame->header = 2 + extra;
  if (frame->masked) {
    memcpy(&frame->mask, data + frame->header, 4);
    frame->header += 4;
  }
  return TRUE;
}

static gboolean
check_frame(CordWebsocketParser *self, const Frame *frame, CordWebsocketFault *fault)
{
  gsize held = self->fragments ? self->fragments->len : 0;
  gboolean underway = self->fragmented_opcode != 0;

  switch (frame->opcode) {
  case CORD_WEBSOCKET_CLOSE:
  case CORD_WEBSOCKET_PING:
  case CORD_WEBSOCKET_PONG:
    if (!frame->fin || frame->payload > CORD_WEBSOCKET_MAX_CONTROL)
      return fail(fault, CORD_WEBSOCKET_CLOSE_PROTOCOL_ERROR,
                  "a control frame in fragments or of more than 125 bytes");
    return TRUE;
  case CONTINUATION:
    if (!underway)
      return fail(fault, CORD_WEBSOCKET_CLOSE_PROTOCOL_ERROR, "a continuation of nothing");
    break;
  case CORD_WEBSOCKET_TEXT:
  case CORD_WEBSOCKET_BINARY:
    if (underway)
      return fail(fault, CORD_WEBSOCKET_CLOSE_PROTOCOL_ERROR,
                  "a new message before the end of the last one");
    break;
  default:
    return fail(fault, CORD_WEBSOCKET_CLOSE_PROTOCOL_ERROR, "a reserved opcode");
  }
  if (frame->payload > self->max_message || held > self->max_message - frame->payload)
    return fail(fault, CORD_WEBSOCKET_CLOSE_TOO_BIG, "a message over the limit");
  if (underway && self->n_fragments >= self->max_fragments)
    return fail(fault, CORD_WEBSOCKET_CLOSE_POLICY, "a message in too many fragments");
  return TRUE;
}

static gboolean
check_text(CordWebsocketParser *self, guint8 opcode, const guint8 *data, gsize length,
           gboolean last, CordWebsocketFault *fault)
{
  if (opcode != CORD_WEBSOCKET_TEXT)
    return TRUE;
  if (!cord_utf8_check(&self->utf8_state, data, length) || (last && self->utf8_state != 0))
    return fail(fault, CORD_WEBSOCKET_CLOSE_BAD_DATA, "a text that is not UTF-8");
  return TRUE;
}

static void
drop_fragments(CordWebsocketParser *self)
{
  g_clear_pointer(&self->fragments, g_byte_array_unref);
  self->n_fragments = 0;
  self->fragmented_opcode = 0;
  self->utf8_state = 0;
}

/* A piece of a message: kept, and handed on when it was the last. */
static gboolean
take_fragment(CordWebsocketParser *self, const Frame *frame, guint8 *data, gboolean *go_on,
              CordWebsocketParsedFunc func, gpointer user_data, CordWebsocketFault *fault)
{
  g_autoptr(GByteArray) whole = NULL;
  guint8 opcode;

  if (frame->opcode != CONTINUATION)
    self->fragmented_opcode = frame->opcode;
  opcode = self->fragmented_opcode;
  if (!check_text(self, opcode, data, frame->payload, frame->fin, fault))
    return FALSE;
  if (self->fragments == NULL)
    self->fragments = g_byte_array_new();
  g_byte_array_append(self->fragments, data, (guint)frame->payload);
  self->n_fragments++;
  if (!frame->fin)
    return TRUE;
  whole = g_steal_pointer(&self->fragments);
  drop_fragments(self);
  /* an array that never held a byte has no data */
  *go_on = func(opcode, whole->len > 0 ? whole->data : data, whole->len, user_data);
  return TRUE;
}

static gboolean
take_frame(CordWebsocketParser *self, const Frame *frame, guint8 *data, gboolean *go_on,
           CordWebsocketParsedFunc func, gpointer user_data, CordWebsocketFault *fault)
{
  if (frame->masked)
    cord_websocket_mask(data, frame->payload, frame->mask);
  if (frame->opcode == CONTINUATION || !frame->fin)
    return take_fragment(self, frame, data, go_on, func, user_data, fault);
  if (!check_text(self, frame->opcode, data, frame->payload, TRUE, fault))
    return FALSE;
  *go_on = func(frame->opcode, data, frame->payload, user_data);
  return TRUE;
}

/**
 * cord_websocket_parser_init: (skip)
 * @self: where to put it
 * @role: of the side that reads
 * @max_message: the longest message that is taken, bytes
 */
void
cord_websocket_parser_init(CordWebsocketParser *self, CordWebsocketRole role, gsize max_message)
{
  memset(self, 0, sizeof *self);
  self->role = role;
  self->max_message = max_message;
  self->max_fragments = MAX_FRAGMENTS;
}

/**
 * cord_websocket_parser_clear: (skip)
 * @self: a parser
 *
 * Frees what it keeps.
 */
void
cord_websocket_parser_clear(CordWebsocketParser *self)
{
  drop_fragments(self);
}

/**
 * cord_websocket_parser_feed: (skip)
 * @self: a parser
 * @data: bytes of the stream; unmasked in place
 * @length: of @data
 * @consumed: (out): how many were taken; the rest is the beginning of a frame, to be fed again with
 *   what follows it
 * @func: called for each message and control frame
 * @user_data: for @func
 * @fault: (out): what the peer did wrong
 *
 * Returns: %FALSE when the peer broke a rule; the connection must then be failed with @fault
 */
gboolean
cord_websocket_parser_feed(CordWebsocketParser *self, guint8 *data, gsize length, gsize *consumed,
                           CordWebsocketParsedFunc func, gpointer user_data,
                           CordWebsocketFault *fault)
{
  gboolean go_on = TRUE;

  *consumed = 0;
  while (go_on) {
    guint8 *at = data + *consumed;
    gsize left = length - *consumed;
    Frame frame;

    if (!read_header(self, at, left, &frame, fault))
      return FALSE;
    if (frame.header == 0)
      return TRUE;
    if (!check_frame(self, &frame, fault))
      return FALSE;
    if (frame.payload > left - frame.header)
      return TRUE;
    *consumed += frame.header + frame.payload;
    if (!take_frame(self, &frame, at + frame.header, &go_on, func, user_data, fault))
      return FALSE;
  }
  return TRUE;
}
