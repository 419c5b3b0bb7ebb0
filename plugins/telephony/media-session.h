/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <cordboard.h>

#include "cord-websocket.h"
#include "media-format.h"

G_BEGIN_DECLS

GST_DEBUG_CATEGORY_EXTERN(media_session_debug);

#define MEDIA_TYPE_SESSION (media_session_get_type())
G_DECLARE_FINAL_TYPE(MediaSession, media_session, MEDIA, SESSION, GObject)

/* What a peer may do wrong without ending its stream; each is counted, and reported once. */
typedef enum {
  MEDIA_PROBLEM_UNKNOWN_EVENT,
  MEDIA_PROBLEM_BINARY,
  MEDIA_PROBLEM_BEFORE_START,
  MEDIA_PROBLEM_SECOND_START,
  MEDIA_PROBLEM_WRONG_STREAM,
  MEDIA_PROBLEM_PAYLOAD,
  MEDIA_PROBLEM_EMPTY_PAYLOAD,
  MEDIA_PROBLEM_SEQUENCE,
  MEDIA_PROBLEM_TIMESTAMP,
  MEDIA_PROBLEM_DIGIT,
  MEDIA_PROBLEM_PARAMETER,
  MEDIA_PROBLEM_UNKNOWN_MARK,
  MEDIA_PROBLEM_DUPLICATE_MARK,
  MEDIA_PROBLEM_LOST_MARK,
  MEDIA_PROBLEM_FLOOD,
  MEDIA_N_PROBLEMS
} MediaProblem;

/**
 * MediaStart:
 * @call_sid: (nullable): the peer's name of the call
 * @stream_sid: the peer's name of the stream
 * @account_sid: (nullable): the account
 * @parameters: what the peer was told to hand over
 *
 * What is known at the start of a stream.
 */
typedef struct {
  gchar *call_sid;
  gchar *stream_sid;
  gchar *account_sid;
  GstStructure *parameters;
} MediaStart;

void media_start_free(MediaStart *self);
GstStructure *media_start_to_structure(const MediaStart *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MediaStart, media_start_free)

/**
 * MediaProtocol:
 * @peer: who is at the other end, for sentences: "carrier"
 * @source: the element that reads
 * @sink: the element that writes
 * @last_word: what the peer says when it ends the stream
 * @gone: the reason that is given when it ends without
 * @may_go: whether closing the connection in order is as good as the last word
 * @untimed: whether its audio has no timestamps
 * @path: where its WebSocket is, unless somebody says otherwise
 * @silence_after_ms: how long nothing may arrive before silence is made in its place
 * @max_message: longest message that is read, bytes
 * @problems: what of #MediaProblem it knows, a bit each
 * @format: of the audio
 * @begin: a connection is there: begins to read
 * @end: the stream ends; frees what @begin has made
 * @message: reads a message
 * @send_media: writes a frame
 * @send_mark: writes a mark; %FALSE only if the stream has ended
 * @send_clear: tells the peer to forget what it has not played
 * @says_goodbye: (nullable): writes a last message
 * @echoes: (nullable): whether the peer echoes marks; %NULL if it must
 * @answer: what a plain request to the source's own server is answered with, and its type; %NULL
 *   if it is no good request
 *
 * What differs from peer to peer: one table a protocol.
 */
typedef struct {
  const gchar *peer;
  const gchar *source;
  const gchar *sink;
  const gchar *last_word;
  const gchar *gone;
  gboolean may_go;
  gboolean untimed;
  const gchar *path;
  guint silence_after_ms;
  gsize max_message;
  guint problems;
  const MediaFormat *format;
  void (*begin)(MediaSession *session);
  void (*end)(MediaSession *session);
  void (*message)(MediaSession *session, CordWebsocketMessageType type, const guint8 *data,
                  gsize length);
  gboolean (*send_media)(MediaSession *session, const guint8 *audio, gsize length);
  gboolean (*send_mark)(MediaSession *session, const gchar *name);
  gboolean (*send_clear)(MediaSession *session);
  void (*says_goodbye)(MediaSession *session, const gchar *reason);
  gboolean (*echoes)(MediaSession *session);
  gchar *(*answer)(const gchar *host, const gchar *forwarded_proto, const gchar *path,
                   const gchar **type);
} MediaProtocol;

/**
 * MediaSourceFuncs:
 * @started: the stream begins; FALSE refuses it
 * @media: audio of the caller, any length; the timestamp is -1 when there is none
 * @dtmf: a key was pressed
 * @problem: something was wrong that does not end the stream; once a kind
 * @stopped: the stream has ended; @error says why if it did not end well
 *
 * What the source wants to hear from its session. All run on the worker.
 */
typedef struct {
  gboolean (*started)(const MediaStart *start, gpointer data);
  void (*media)(gint64 timestamp_ms, const guint8 *audio, gsize length, gpointer data);
  void (*dtmf)(gchar digit, gpointer data);
  void (*problem)(const GError *problem, gpointer data);
  void (*stopped)(const gchar *reason, const GError *error, gpointer data);
} MediaSourceFuncs;

/**
 * MediaSinkFuncs:
 * @started: audio can be sent from now on
 * @mark: the peer echoed a mark
 * @stopped: nothing can be sent any more
 *
 * What the sink wants to hear. All run on the worker.
 */
typedef struct {
  void (*started)(gpointer data);
  void (*mark)(const gchar *name, gpointer data);
  void (*stopped)(gpointer data);
} MediaSinkFuncs;

typedef enum {
  MEDIA_SESSION_IDLE,
  MEDIA_SESSION_WAITING, /* for the peer's first words */
  MEDIA_SESSION_STREAMING,
  MEDIA_SESSION_STOPPED,
} MediaSessionState;

/* Any thread */
MediaSession *media_session_acquire(const MediaProtocol *protocol, const gchar *name);
void media_session_release(MediaSession *self);
const gchar *media_session_get_name(MediaSession *self);
const MediaProtocol *media_session_get_protocol(MediaSession *self);
CordWorker *media_session_adopt_worker(MediaSession *self, GstElement *element,
                                       const gchar *context_name);
gboolean media_session_claim_source(MediaSession *self, gboolean claim);
gboolean media_session_claim_sink(MediaSession *self, gboolean claim);

/* On the worker: the source's side */
void media_session_set_source(MediaSession *self, const MediaSourceFuncs *funcs, gpointer data);
void media_session_open(MediaSession *self, CordWebsocket *websocket, GstClockTime start_timeout);
void media_session_close(MediaSession *self, guint16 code, const gchar *reason);
MediaSessionState media_session_get_state(MediaSession *self);
GstClockTime media_session_get_time(MediaSession *self);
void media_session_fill_stats(MediaSession *self, GstStructure *stats);
void media_session_report(MediaSession *self, MediaProblem problem, const gchar *format, ...)
    G_GNUC_PRINTF(3, 4);

/* On the worker: the sink's side */
void media_session_set_sink(MediaSession *self, const MediaSinkFuncs *funcs, gpointer data);
void media_session_cork(MediaSession *self);
void media_session_uncork(MediaSession *self);
gboolean media_session_send_media(MediaSession *self, const guint8 *audio, gsize length);
gboolean media_session_send_mark(MediaSession *self, const gchar *name);
gboolean media_session_send_clear(MediaSession *self);
gboolean media_session_echoes(MediaSession *self);

/* On the worker: the protocol's side */
gboolean media_session_send(MediaSession *self, CordWebsocketMessageType type, gconstpointer data,
                            gsize length);
gboolean media_session_start(MediaSession *self, const MediaStart *start);
void media_session_stop(MediaSession *self, guint16 close_code, const gchar *reason,
                        const GError *error);
void media_session_fail(MediaSession *self, guint16 close_code, CordError code, const gchar *format,
                        ...) G_GNUC_PRINTF(4, 5);
void media_session_set_stream(MediaSession *self, gpointer stream);
gpointer media_session_get_stream(MediaSession *self);
void media_session_tell_media(MediaSession *self, gint64 timestamp_ms, const guint8 *audio,
                              gsize length);
void media_session_tell_dtmf(MediaSession *self, gchar digit);
void media_session_tell_mark(MediaSession *self, const gchar *name);

G_END_DECLS
