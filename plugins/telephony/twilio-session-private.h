/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "twilio-session.h"

G_BEGIN_DECLS

#define TWILIO_MAX_MESSAGE 65536       /* bytes */
#define TWILIO_MAX_QUEUED (256 * 1024) /* bytes: 20 s of audio that the peer does not read */
#define TWILIO_STALL_TIMEOUT (10 * GST_SECOND)
#define TWILIO_KEEP_ALIVE (15 * GST_SECOND)

GST_DEBUG_CATEGORY_EXTERN(twilio_session_debug);

/**
 * TwilioSession:
 *
 * One media stream of a carrier, shared by a source that reads it and a sink that writes to it,
 * which find each other by its name. It owns the WebSocket and the state of the protocol. But for
 * the functions said to be for any thread, it is used on its worker only.
 */
struct _TwilioSession {
  GObject parent_instance;
  gchar *name;
  /* under the table's lock */
  guint users;
  CordWorker *worker;
  gboolean has_source;
  gboolean has_sink;
  /* worker only */
  const TwilioSourceFuncs *source;
  gpointer source_data;
  const TwilioSinkFuncs *sink;
  gpointer sink_data;
  const TwilioDialect *dialect;
  TwilioSessionState state;
  CordWebsocket *websocket;
  CordTimer *start_timer;
  TwilioStart *start;
  TwilioFormatter *formatter;
  gint64 sequence;
  /* counters: written on the worker, read by anybody */
  guint64 messages;
  guint64 bytes_received;
  guint64 bytes_sent;
  guint64 frames_sent;
  guint64 marks_sent;
  guint64 clears_sent;
  guint64 problems[TWILIO_N_PROBLEMS];
};

extern const CordWebsocketHandlers twilio_session_handlers;

void twilio_session_cancel_start_timer(TwilioSession *self);
void twilio_session_stop(TwilioSession *self, guint16 close_code, const gchar *reason,
                         const GError *error);
void twilio_session_fail(TwilioSession *self, guint16 close_code, CordError code,
                         const gchar *format, ...) G_GNUC_PRINTF(4, 5);

G_END_DECLS
