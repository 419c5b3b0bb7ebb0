/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * The messages of Twilio Media Streams as the carrier's side reads and writes them. Written apart
 * from the elements' own, so that the two check each other.
 */

/**
 * CordPhoneMessageType:
 * @CORD_PHONE_MESSAGE_MEDIA: audio to play
 * @CORD_PHONE_MESSAGE_MARK: echo this when played
 * @CORD_PHONE_MESSAGE_CLEAR: throw away what is not played
 * @CORD_PHONE_MESSAGE_TOLD: a browser is told of its call
 *
 * What a server may send.
 */
typedef enum {
  CORD_PHONE_MESSAGE_MEDIA,
  CORD_PHONE_MESSAGE_MARK,
  CORD_PHONE_MESSAGE_CLEAR,
  CORD_PHONE_MESSAGE_TOLD,
} CordPhoneMessageType;

/**
 * CordPhoneMessage:
 * @type: which
 * @stream_sid: for whom, cut off after 63 bytes
 * @audio: (owned): mu-law of a media message
 * @mark: (owned) (nullable): the name in a mark message
 * @told: (owned) (nullable): what a browser is told, JSON
 *
 * One message from the server; to be cleared, and reusable.
 */
typedef struct {
  CordPhoneMessageType type;
  gchar stream_sid[64];
  GByteArray *audio;
  gchar *mark;
  gchar *told;
} CordPhoneMessage;

void cord_phone_message_init(CordPhoneMessage *self);
void cord_phone_message_clear(CordPhoneMessage *self);
gboolean cord_phone_message_parse(CordPhoneMessage *self, const gchar *text, gsize length,
                                  GError **error);

/* Writing; each appends a whole message to an empty string */
void cord_phone_message_connected(GString *out);
void cord_phone_message_start(GString *out, const gchar *account_sid, const gchar *call_sid,
                              const gchar *stream_sid, GHashTable *parameters);
void cord_phone_message_media(GString *out, guint sequence, const gchar *stream_sid, guint chunk,
                              guint timestamp_ms, const guint8 *audio, gsize length);
void cord_phone_message_dtmf(GString *out, guint sequence, const gchar *stream_sid, gchar digit);
void cord_phone_message_mark(GString *out, guint sequence, const gchar *stream_sid,
                             const gchar *name);
void cord_phone_message_stop(GString *out, guint sequence, const gchar *account_sid,
                             const gchar *call_sid, const gchar *stream_sid);

G_END_DECLS
