/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cartesia-request.h"
#include "cord-events.h"
#include "cord-tts-base.h"

G_BEGIN_DECLS

/**
 * CartesiaFuncs:
 * @audio: of the piece
 * @words: of the piece, all so far
 * @done: the piece is over; takes the error, if there is one
 * @state: how the service is
 *
 * Whom the socket tells, on the worker. None may free it.
 */
typedef struct {
  void (*audio)(guint piece, const guint8 *audio, gsize size, gpointer data);
  void (*words)(guint piece, const CordTtsWord *words, guint n_words, gpointer data);
  void (*done)(guint piece, GError *error, gpointer data);
  void (*state)(CordServiceState state, gboolean permanent, const GError *error, gpointer data);
} CartesiaFuncs;

/**
 * CartesiaTimes:
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
} CartesiaTimes;

/* A voice over one WebSocket, with a context a turn. Settings are borrowed. */
typedef struct _CartesiaSocket CartesiaSocket;
CartesiaSocket *cartesia_socket_new(CordWorker *worker, const CartesiaSettings *settings,
                                    const CartesiaTimes *times, const CartesiaFuncs *funcs,
                                    gpointer data);
void cartesia_socket_free(CartesiaSocket *self);
void cartesia_socket_speak(CartesiaSocket *self, guint piece, guint turn, const gchar *text);
void cartesia_socket_cancel(CartesiaSocket *self);
void cartesia_socket_turn_done(CartesiaSocket *self);

G_END_DECLS
