/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-events.h"
#include "cord-stt-base.h"
#include "deepgram-message.h"

G_BEGIN_DECLS

/**
 * DeepgramSession:
 *
 * A stream to Deepgram that is there as long as it is wanted: over as many connections, one after
 * the other, as that takes. What the service has not settled when one breaks goes over the next
 * again.
 */
typedef struct _DeepgramSession DeepgramSession;

/**
 * DeepgramSettings:
 * @url: with its query, ws:// or wss://
 * @api_key: the key
 * @flux: whether it is /v2/listen
 * @format: of the audio
 * @chunk_ms: of audio in a message
 * @keep_alive_ms: after how long without audio the service is told that we are still there
 * @connect_ms: how long one attempt to connect may take
 * @give_up_ms: how long an outage may last
 */
typedef struct {
  gchar *url;
  gchar *api_key;
  gboolean flux;
  CordSttFormat format;
  guint chunk_ms;
  guint keep_alive_ms;
  guint connect_ms;
  guint give_up_ms;
} DeepgramSettings;

void deepgram_settings_clear(DeepgramSettings *self);

/**
 * DeepgramSessionFuncs:
 * @message: the service has said something
 * @finalized: all audio up to the end of an utterance has gone, and Finalize after it
 * @connected: a connection is there; the service's time begins anew
 * @state: how the service is
 * @closed: the stream that deepgram_session_finish() ended is over
 *
 * Who is told, on the worker. None of them may free the session.
 */
typedef struct {
  void (*message)(const DeepgramMessage *message, gpointer data);
  void (*finalized)(guint utterance, gpointer data);
  void (*connected)(gpointer data);
  void (*state)(CordServiceState state, gboolean permanent, const GError *error, gpointer data);
  void (*closed)(gpointer data);
} DeepgramSessionFuncs;

DeepgramSession *deepgram_session_new(CordWorker *worker, DeepgramSettings *settings,
                                      const DeepgramSessionFuncs *funcs, gpointer data);
void deepgram_session_free(DeepgramSession *self);

void deepgram_session_send_audio(DeepgramSession *self, GstBuffer *audio);
void deepgram_session_finalize(DeepgramSession *self, guint utterance);
void deepgram_session_forget(DeepgramSession *self, guint utterance);
void deepgram_session_finish(DeepgramSession *self);
void deepgram_session_expect(DeepgramSession *self, guint within_ms);
void deepgram_session_settle(DeepgramSession *self, GstClockTime time);
void deepgram_session_trim(DeepgramSession *self, guint keep_ms);

GstClockTime deepgram_session_to_running(DeepgramSession *self, GstClockTime time);
GstClockTime deepgram_session_get_position(DeepgramSession *self);

G_END_DECLS
