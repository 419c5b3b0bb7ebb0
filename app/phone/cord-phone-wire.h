/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-phone-message.h"
#include "cord-websocket.h"

G_BEGIN_DECLS

/**
 * CordPhoneWireKind:
 * @CORD_PHONE_WIRE_CARRIER: Twilio Media Streams
 * @CORD_PHONE_WIRE_BROWSER: what a page in a browser speaks
 */
typedef enum {
  CORD_PHONE_WIRE_CARRIER,
  CORD_PHONE_WIRE_BROWSER,
} CordPhoneWireKind;

/**
 * CordPhoneWireNames:
 * @account_sid: the account
 * @call_sid: the call
 * @stream_sid: the stream
 * @parameters: (element-type utf8 utf8) (nullable): what the TwiML gave
 *
 * What a carrier calls things. Borrowed.
 */
typedef struct {
  const gchar *account_sid;
  const gchar *call_sid;
  const gchar *stream_sid;
  GHashTable *parameters;
} CordPhoneWireNames;

/**
 * CordPhoneWire:
 *
 * What a phone says on its stream and understands of it; a phone itself knows only mu-law. What
 * cannot be sent is an error of the WebSocket.
 */
typedef struct _CordPhoneWire CordPhoneWire;

CordPhoneWire *cord_phone_wire_new(CordPhoneWireKind kind, guint jitter_ms);
void cord_phone_wire_free(CordPhoneWire *self);
gboolean cord_phone_wire_begin(CordPhoneWire *self, CordWebsocket *websocket,
                               const CordPhoneWireNames *names, GError **error);
gboolean cord_phone_wire_speak(CordPhoneWire *self, const guint8 *mulaw, gsize length,
                               GError **error);
gboolean cord_phone_wire_echo(CordPhoneWire *self, const gchar *mark, GError **error);
gboolean cord_phone_wire_press(CordPhoneWire *self, gchar digit, GError **error);
gboolean cord_phone_wire_end(CordPhoneWire *self, GError **error);
gboolean cord_phone_wire_read(CordPhoneWire *self, CordWebsocketMessageType type,
                              const guint8 *data, gsize length, CordPhoneMessage *message,
                              GError **error);

G_END_DECLS
