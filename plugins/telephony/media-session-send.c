/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "media-session-private.h"

#define GST_CAT_DEFAULT media_session_debug

/* What goes out of a stream, and how the protocol tells what came in. All of it on the worker. */

/* ---- the sink's side ---- */

/**
 * media_session_set_sink:
 * @self: a session, on its worker
 * @funcs: (nullable): what to call, or %NULL when the sink leaves
 * @data: for @funcs
 *
 * A sink that comes to a running stream is told at once that it has started.
 */
void
media_session_set_sink(MediaSession *self, const MediaSinkFuncs *funcs, gpointer data)
{
  self->sink = funcs;
  self->sink_data = data;
  if (funcs && self->state == MEDIA_SESSION_STREAMING)
    funcs->started(data);
}

/**
 * media_session_cork:
 * @self: a session, on its worker
 *
 * What is sent from here to media_session_uncork() leaves in one write.
 */
void
media_session_cork(MediaSession *self)
{
  if (self->websocket)
    cord_websocket_cork(self->websocket);
}

void
media_session_uncork(MediaSession *self)
{
  if (self->websocket)
    cord_websocket_uncork(self->websocket);
}

/**
 * media_session_send_media:
 * @self: a session, on its worker
 * @audio: (array length=length): a frame
 * @length: in bytes
 *
 * Returns: FALSE if there is no stream, or not any longer
 */
gboolean
media_session_send_media(MediaSession *self, const guint8 *audio, gsize length)
{
  if (self->state != MEDIA_SESSION_STREAMING)
    return FALSE;
  self->frames_sent++;
  return self->protocol->send_media(self, audio, length);
}

/** media_session_echoes: whether what was played is known from the peer, or by the clock alone. */
gboolean
media_session_echoes(MediaSession *self)
{
  return !self->protocol->echoes || self->protocol->echoes(self);
}

gboolean
media_session_send_mark(MediaSession *self, const gchar *name)
{
  if (self->state != MEDIA_SESSION_STREAMING)
    return FALSE;
  self->marks_sent += media_session_echoes(self);
  return self->protocol->send_mark(self, name);
}

gboolean
media_session_send_clear(MediaSession *self)
{
  if (self->state != MEDIA_SESSION_STREAMING)
    return FALSE;
  self->clears_sent++;
  return self->protocol->send_clear(self);
}

/* ---- the protocol's side ---- */

/**
 * media_session_send:
 * @self: a session with a connection
 * @type: text or binary
 * @data: (array length=length): the message
 * @length: in bytes
 *
 * Returns: FALSE if the stream has ended, because the peer does not read
 */
gboolean
media_session_send(MediaSession *self, CordWebsocketMessageType type, gconstpointer data,
                   gsize length)
{
  g_autoptr(GError) error = NULL;
  gboolean sent = type == CORD_WEBSOCKET_TEXT
                      ? cord_websocket_send_text(self->websocket, data, (gssize)length, &error)
                      : cord_websocket_send_binary(self->websocket, data, length, &error);

  if (sent) {
    self->bytes_sent += length;
    return TRUE;
  }
  g_prefix_error(&error, "The %s does not take its audio: ", self->protocol->peer);
  media_session_stop(self, 1013, "stalled", error);
  return FALSE;
}

/**
 * media_session_start:
 * @self: a session that waits
 * @start: what is known
 *
 * The stream begins, unless the source refuses it.
 *
 * Returns: whether it has
 */
gboolean
media_session_start(MediaSession *self, const MediaStart *start)
{
  media_session_cancel_start_timer(self);
  self->state = MEDIA_SESSION_STREAMING;
  GST_INFO("%s: stream %s of call %s", self->name, start->stream_sid, start->call_sid);
  if (self->source && !self->source->started(start, self->source_data)) {
    media_session_stop(self, 1008, "refused", NULL);
    return FALSE;
  }
  if (self->state == MEDIA_SESSION_STREAMING && self->sink)
    self->sink->started(self->sink_data);
  return self->state == MEDIA_SESSION_STREAMING;
}

/** media_session_set_stream: what the protocol keeps of this stream; its end() frees it. */
void
media_session_set_stream(MediaSession *self, gpointer stream)
{
  self->stream = stream;
}

gpointer
media_session_get_stream(MediaSession *self)
{
  return self->stream;
}

void
media_session_tell_media(MediaSession *self, gint64 timestamp_ms, const guint8 *audio, gsize length)
{
  if (self->source)
    self->source->media(timestamp_ms, audio, length, self->source_data);
}

void
media_session_tell_dtmf(MediaSession *self, gchar digit)
{
  if (self->source)
    self->source->dtmf(digit, self->source_data);
}

void
media_session_tell_mark(MediaSession *self, const gchar *name)
{
  if (self->sink)
    self->sink->mark(name, self->sink_data);
}
