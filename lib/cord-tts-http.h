/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-events.h"
#include "cord-worker.h"

G_BEGIN_DECLS

/**
 * CordTtsHttpSettings:
 * @name: what the service is called in errors
 * @connect_ms: how long one attempt to connect may take
 * @first_byte_ms: from a text to its first audio
 * @idle_ms: between two pieces of its audio
 *
 * How patient to be.
 */
typedef struct {
  const gchar *name;
  guint connect_ms;
  guint first_byte_ms;
  guint idle_ms;
} CordTtsHttpSettings;

/**
 * CordTtsHttpFuncs:
 * @make_request: writes the request for a text; @previous is what the turn has said before it
 * @read_problem: (transfer full) (nullable): what the body of a refusal says
 * @audio: of the piece
 * @done: the piece is over; takes the error, if there is one
 * @state: how the service is
 *
 * How to ask, and whom to tell, on the worker. None may free the voice.
 */
typedef struct {
  void (*make_request)(const gchar *text, const gchar *previous, gchar **url, GStrv *headers,
                       gchar **body, gpointer data);
  gchar *(*read_problem)(const gchar *body);
  void (*audio)(guint piece, const guint8 *audio, gsize size, gpointer data);
  void (*done)(guint piece, GError *error, gpointer data);
  void (*state)(CordServiceState state, gboolean permanent, const GError *error, gpointer data);
} CordTtsHttpFuncs;

/**
 * CordTtsHttp:
 *
 * A voice that is asked over HTTP, one request a piece. What has failed before the first audio is
 * asked again, unless it would be refused again.
 */
typedef struct _CordTtsHttp CordTtsHttp;

CordTtsHttp *cord_tts_http_new(CordWorker *worker, const CordTtsHttpSettings *settings,
                               const CordTtsHttpFuncs *funcs, gpointer data);
void cord_tts_http_free(CordTtsHttp *self);
void cord_tts_http_speak(CordTtsHttp *self, guint piece, guint turn, const gchar *text);
void cord_tts_http_cancel(CordTtsHttp *self);

G_END_DECLS
