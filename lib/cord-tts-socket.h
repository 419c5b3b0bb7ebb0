/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-tts-base.h"

G_BEGIN_DECLS

/**
 * CordTtsSocket:
 *
 * A voice over a WebSocket that speaks JSON, on which a turn is a context and its pieces follow
 * each other in it. It knows when to say what, what to do about what goes wrong, and where to go on
 * after that; a dialect knows how it is said. Everything happens on the worker.
 */
typedef struct _CordTtsSocket CordTtsSocket;

/**
 * CordTtsSocketTimes:
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
} CordTtsSocketTimes;

/**
 * CordTtsSocketSettings:
 * @name: what the service is called in errors
 * @element: what the element is called in `cordboard/service`
 * @url: ws:// or wss://
 * @headers: (nullable) (array zero-terminated=1): names and values by turns
 * @times: how patient to be
 * @keep_alive_ms: after how long without traffic `keep_alive` is asked for, 0: never
 * @rate: of the audio
 * @mulaw: whether mu-law, else S16LE
 * @one_context: a connection has one context, and ends with it
 * @ends_by_characters: a piece is over when all its characters were told; else `piece_end` tells
 *
 * Whom to talk to. Copied.
 */
typedef struct {
  const gchar *name;
  const gchar *element;
  const gchar *url;
  const gchar *const *headers;
  CordTtsSocketTimes times;
  guint keep_alive_ms;
  guint rate;
  gboolean mulaw;
  gboolean one_context;
  gboolean ends_by_characters;
} CordTtsSocketSettings;

/**
 * CordTtsDialect:
 * @open: (nullable): opens a context; %NULL: its first text does
 * @say: a text in it, which is spoken without waiting for more
 * @flush: (nullable): asks to be told when all so far was spoken
 * @close: the context has no more text
 * @cancel: nothing more of it is wanted
 * @keep_alive: (nullable): something that does nothing
 * @goodbye: (nullable): the connection is not needed any more
 * @message: a text message: cord_tts_socket_take(), cord_tts_socket_take_error()
 *
 * How a service is spoken to: each returns a message. None may free the socket.
 */
typedef struct {
  gchar *(*open)(const gchar *context, gpointer data);
  gchar *(*say)(const gchar *context, const gchar *text, gpointer data);
  gchar *(*flush)(const gchar *context, gpointer data);
  gchar *(*close)(const gchar *context, gpointer data);
  gchar *(*cancel)(const gchar *context, gpointer data);
  gchar *(*keep_alive)(gpointer data);
  gchar *(*goodbye)(gpointer data);
  void (*message)(CordTtsSocket *self, const gchar *text, gsize length, gpointer data);
} CordTtsDialect;

/**
 * CordTtsNews:
 * @context: (nullable): whose it is
 * @audio: (nullable) (array length=size): more of it
 * @size: of @audio, bytes
 * @text: (nullable): the characters that @audio holds
 * @text_ends: when each byte of @text ends, ns from the begin of @audio
 * @words: (nullable) (array length=n_words): words
 * @word_ends: when each of @words ends, ns from the begin of the context
 * @n_words: how many
 * @piece_end: all text up to a flush was spoken
 * @mark: which flush, growing in a context; 0: it does not say
 * @context_end: the context is over
 *
 * What a message says.
 */
typedef struct {
  const gchar *context;
  const guint8 *audio;
  gsize size;
  const gchar *text;
  const GstClockTime *text_ends;
  const gchar *const *words;
  const GstClockTime *word_ends;
  guint n_words;
  gboolean piece_end;
  guint mark;
  gboolean context_end;
} CordTtsNews;

/**
 * CordTtsTrouble:
 * @CORD_TTS_TROUBLE_TEXT: this text cannot be spoken
 * @CORD_TTS_TROUBLE_CONNECTION: another connection may do better
 * @CORD_TTS_TROUBLE_SERVICE: none will
 *
 * What an error is about.
 */
typedef enum {
  CORD_TTS_TROUBLE_TEXT,
  CORD_TTS_TROUBLE_CONNECTION,
  CORD_TTS_TROUBLE_SERVICE,
} CordTtsTrouble;

CordTtsSocket *cord_tts_socket_new(CordTtsBase *element, const CordTtsSocketSettings *settings,
                                   const CordTtsDialect *dialect, gpointer data);
void cord_tts_socket_free(CordTtsSocket *self);
void cord_tts_socket_speak(CordTtsSocket *self, guint piece, guint turn, const gchar *text);
void cord_tts_socket_cancel(CordTtsSocket *self);
void cord_tts_socket_turn_done(CordTtsSocket *self);

/* From inside of `message` */
void cord_tts_socket_take(CordTtsSocket *self, const CordTtsNews *news);
void cord_tts_socket_take_error(CordTtsSocket *self, const gchar *context, CordTtsTrouble trouble,
                                GError *error);

G_END_DECLS
