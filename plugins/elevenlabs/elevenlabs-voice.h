/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-events.h"
#include "cord-tts-base.h"
#include "elevenlabs-request.h"

G_BEGIN_DECLS

/**
 * ElevenlabsFuncs:
 * @audio: of the piece
 * @words: of the piece, all so far
 * @done: the piece is over; takes the error, if there is one
 * @state: how the service is
 *
 * Whom a transport tells, on the worker. None may free the transport.
 */
typedef struct {
  void (*audio)(guint piece, const guint8 *audio, gsize size, gpointer data);
  void (*words)(guint piece, const CordTtsWord *words, guint n_words, gpointer data);
  void (*done)(guint piece, GError *error, gpointer data);
  void (*state)(CordServiceState state, gboolean permanent, const GError *error, gpointer data);
} ElevenlabsFuncs;

/**
 * ElevenlabsTimes:
 * @connect_ms: how long one attempt to connect may take
 * @give_up_ms: how long an outage may last
 * @first_byte_ms: from a text to its first audio
 * @idle_ms: between two pieces of its audio
 *
 * How patient to be.
 */
typedef struct {
  guint connect_ms;
  guint give_up_ms;
  guint first_byte_ms;
  guint idle_ms;
} ElevenlabsTimes;

/* The WebSockets: one that is kept for all turns, or one a turn. Settings are borrowed. */
typedef struct _ElevenlabsSocket ElevenlabsSocket;
ElevenlabsSocket *elevenlabs_socket_new(CordWorker *worker, const ElevenlabsSettings *settings,
                                        const ElevenlabsTimes *times, gboolean multi,
                                        const ElevenlabsFuncs *funcs, gpointer data);
void elevenlabs_socket_free(ElevenlabsSocket *self);
void elevenlabs_socket_speak(ElevenlabsSocket *self, guint piece, guint turn, const gchar *text);
void elevenlabs_socket_cancel(ElevenlabsSocket *self);
void elevenlabs_socket_turn_done(ElevenlabsSocket *self);

G_END_DECLS
