/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "media-session.h"

G_BEGIN_DECLS

/**
 * MediaSession:
 *
 * One media stream of a peer, shared by a source that reads it and a sink that writes to it,
 * which find each other by its name. It owns the WebSocket and the state of the stream; its
 * protocol knows the words. But for the functions said to be for any thread, it is used on its
 * worker only.
 */
struct _MediaSession {
  GObject parent_instance;
  const MediaProtocol *protocol;
  gchar *name;
  gchar *key;
  /* under the table's lock */
  guint users;
  CordWorker *worker;
  gboolean has_source;
  gboolean has_sink;
  /* worker only */
  const MediaSourceFuncs *source;
  gpointer source_data;
  const MediaSinkFuncs *sink;
  gpointer sink_data;
  gpointer stream; /* the protocol's */
  MediaSessionState state;
  CordWebsocket *websocket;
  CordTimer *start_timer;
  /* counters: written on the worker, read by anybody */
  guint64 messages;
  guint64 bytes_received;
  guint64 bytes_sent;
  guint64 frames_sent;
  guint64 marks_sent;
  guint64 clears_sent;
  guint64 problems[MEDIA_N_PROBLEMS];
};

void media_session_cancel_start_timer(MediaSession *self);

G_END_DECLS
