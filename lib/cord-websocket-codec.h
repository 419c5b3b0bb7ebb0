/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * CordWebsocketRole:
 * @CORD_WEBSOCKET_SERVER: the side that was dialled; its peer's frames are masked
 * @CORD_WEBSOCKET_CLIENT: the side that dialled; its own frames are masked
 */
typedef enum {
  CORD_WEBSOCKET_SERVER,
  CORD_WEBSOCKET_CLIENT,
} CordWebsocketRole;

/**
 * CordWebsocketMessageType:
 * @CORD_WEBSOCKET_TEXT: UTF-8
 * @CORD_WEBSOCKET_BINARY: bytes
 * @CORD_WEBSOCKET_CLOSE: a close frame
 * @CORD_WEBSOCKET_PING: a ping frame
 * @CORD_WEBSOCKET_PONG: a pong frame
 *
 * The opcodes of RFC 6455, section 5.2, that make a message of their own.
 */
typedef enum {
  CORD_WEBSOCKET_TEXT = 0x1,
  CORD_WEBSOCKET_BINARY = 0x2,
  CORD_WEBSOCKET_CLOSE = 0x8,
  CORD_WEBSOCKET_PING = 0x9,
  CORD_WEBSOCKET_PONG = 0xa,
} CordWebsocketMessageType;

/* Close codes of RFC 6455, section 7.4.1, that this side uses */
#define CORD_WEBSOCKET_CLOSE_NORMAL 1000
#define CORD_WEBSOCKET_CLOSE_GOING_AWAY 1001
#define CORD_WEBSOCKET_CLOSE_PROTOCOL_ERROR 1002
#define CORD_WEBSOCKET_CLOSE_NO_STATUS 1005
#define CORD_WEBSOCKET_CLOSE_ABNORMAL 1006
#define CORD_WEBSOCKET_CLOSE_BAD_DATA 1007
#define CORD_WEBSOCKET_CLOSE_POLICY 1008
#define CORD_WEBSOCKET_CLOSE_TOO_BIG 1009

#define CORD_WEBSOCKET_MAX_HEADER 14   /* bytes */
#define CORD_WEBSOCKET_MAX_CONTROL 125 /* bytes */

/**
 * CordWebsocketParser:
 *
 * Reads the frames of one direction. The bytes of a whole, unfragmented frame are handed on where
 * they lie; only fragments of a message are kept. The members are private.
 */
typedef struct {
  CordWebsocketRole role;
  gsize max_message;
  guint max_fragments;
  GByteArray *fragments; /* of the message under way; NULL when there is none */
  guint n_fragments;
  guint8 fragmented_opcode;
  guint32 utf8_state;
} CordWebsocketParser;

/**
 * CordWebsocketFault:
 * @code: the close code that tells the peer
 * @reason: what it did wrong
 */
typedef struct {
  guint16 code;
  const gchar *reason;
} CordWebsocketFault;

/**
 * CordWebsocketParsedFunc:
 * @type: what came
 * @data: its payload, unmasked; valid during the call
 * @length: of @data, bytes
 * @user_data: what cord_websocket_parser_feed() was given
 *
 * Returns: %FALSE to stop reading
 */
typedef gboolean (*CordWebsocketParsedFunc)(CordWebsocketMessageType type, guint8 *data,
                                            gsize length, gpointer user_data);

void cord_websocket_parser_init(CordWebsocketParser *self, CordWebsocketRole role,
                                gsize max_message);
void cord_websocket_parser_clear(CordWebsocketParser *self);
gboolean cord_websocket_parser_feed(CordWebsocketParser *self, guint8 *data, gsize length,
                                    gsize *consumed, CordWebsocketParsedFunc func,
                                    gpointer user_data, CordWebsocketFault *fault);

gsize cord_websocket_format_header(guint8 *header, CordWebsocketRole role,
                                   CordWebsocketMessageType type, gsize length, guint32 mask);
void cord_websocket_mask(guint8 *data, gsize length, guint32 mask);
gboolean cord_websocket_close_parse(const guint8 *data, gsize length, guint16 *code, gchar **reason,
                                    CordWebsocketFault *fault);
gboolean cord_utf8_check(guint32 *state, const guint8 *data, gsize length);

G_END_DECLS
