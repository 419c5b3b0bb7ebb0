/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * CartesiaKind:
 * @CARTESIA_CHUNK: audio
 * @CARTESIA_TIMESTAMPS: words with their times
 * @CARTESIA_FLUSH_DONE: all text before a flush has been spoken
 * @CARTESIA_DONE: the context is over
 * @CARTESIA_ERROR: something went wrong
 * @CARTESIA_OTHER: what we have no use for
 *
 * What a message is.
 */
typedef enum {
  CARTESIA_CHUNK,
  CARTESIA_TIMESTAMPS,
  CARTESIA_FLUSH_DONE,
  CARTESIA_DONE,
  CARTESIA_ERROR,
  CARTESIA_OTHER,
} CartesiaKind;

/**
 * CartesiaMessage:
 * @kind: what it is
 * @context: (nullable): whose it is; %NULL: the whole connection's
 * @audio: (nullable): audio
 * @size: of @audio, bytes
 * @words: (nullable): words
 * @ends: when each has been spoken, ns from the begin of the context
 * @n_words: how many
 * @status: an HTTP status, or 0
 * @flush: which flush @CARTESIA_FLUSH_DONE answers, counted from 1; 0: it does not say
 * @description: (nullable): what went wrong
 *
 * A message of the service.
 */
typedef struct {
  CartesiaKind kind;
  gchar *context;
  guint8 *audio;
  gsize size;
  GStrv words;
  GstClockTime *ends;
  guint n_words;
  guint status;
  guint flush;
  gchar *description;
} CartesiaMessage;

CartesiaMessage *cartesia_message_parse(const gchar *text, gsize length, GError **error);
void cartesia_message_free(CartesiaMessage *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CartesiaMessage, cartesia_message_free)

G_END_DECLS
