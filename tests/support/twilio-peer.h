/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * A scripted carrier, or browser: the far end of a socketpair, past the handshake. It says what the
 * test tells it to say, right or wrong, and keeps what it hears. It never waits.
 */

#define TWILIO_PEER_STREAM "MZ00000000000000000000000000000001"

typedef enum {
  TWILIO_PEER_MEDIA,
  TWILIO_PEER_MARK,
  TWILIO_PEER_CLEAR,
  TWILIO_PEER_CLOSE,
  TWILIO_PEER_OTHER,
} TwilioPeerKind;

/**
 * TwilioPeerMessage:
 * @kind: what it was
 * @text: the whole message, or the reason of a close
 * @name: of a mark
 * @audio: of a media message
 * @code: of a close
 */
typedef struct {
  TwilioPeerKind kind;
  gchar *text;
  gchar *name;
  GBytes *audio;
  guint code;
} TwilioPeerMessage;

typedef struct _TwilioPeer TwilioPeer;

TwilioPeer *twilio_peer_new(GSocketConnection **far_end);
TwilioPeer *twilio_peer_dial(guint port, const gchar *path, guint *status);
void twilio_peer_free(TwilioPeer *self);
void twilio_peer_be_browser(TwilioPeer *self);

/* Saying */
void twilio_peer_send_text(TwilioPeer *self, const gchar *text);
void twilio_peer_send_frame(TwilioPeer *self, guint8 first_byte, const void *data, gsize length);
void twilio_peer_send_bytes(TwilioPeer *self, const void *data, gsize length);
void twilio_peer_send_connected(TwilioPeer *self);
void twilio_peer_send_start(TwilioPeer *self, const gchar *parameters);
void twilio_peer_send_media(TwilioPeer *self, gint64 timestamp_ms, guint8 value, gsize length);
void twilio_peer_send_mark(TwilioPeer *self, const gchar *name);
void twilio_peer_send_dtmf(TwilioPeer *self, const gchar *digit);
void twilio_peer_send_stop(TwilioPeer *self);
void twilio_peer_send_close(TwilioPeer *self, guint code);
void twilio_peer_hang_up(TwilioPeer *self, gboolean only_write);
void twilio_peer_skip_sequence(TwilioPeer *self, gint64 by);

/* Hearing */
GPtrArray *twilio_peer_hear(TwilioPeer *self);
guint twilio_peer_count(TwilioPeer *self, TwilioPeerKind kind);
TwilioPeerMessage *twilio_peer_last(TwilioPeer *self, TwilioPeerKind kind);
guint twilio_peer_echo_marks(TwilioPeer *self);
void twilio_peer_forget(TwilioPeer *self);
gboolean twilio_peer_is_closed(TwilioPeer *self);
TwilioPeerMessage *twilio_peer_wait(TwilioPeer *self, TwilioPeerKind kind);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TwilioPeer, twilio_peer_free)

G_END_DECLS
