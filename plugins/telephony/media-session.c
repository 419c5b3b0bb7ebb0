/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <string.h>

#include "media-session-private.h"

GST_DEBUG_CATEGORY(media_session_debug);
#define GST_CAT_DEFAULT media_session_debug

#define MAX_QUEUED (256 * 1024) /* bytes: seconds of audio that the peer does not read */
#define STALL_TIMEOUT (10 * GST_SECOND)
#define KEEP_ALIVE (15 * GST_SECOND)

G_DEFINE_FINAL_TYPE(MediaSession, media_session, G_TYPE_OBJECT)

/* As they are called in the statistics. */
static const gchar *const problem_names[MEDIA_N_PROBLEMS] = {
  [MEDIA_PROBLEM_UNKNOWN_EVENT] = "unknown-events",
  [MEDIA_PROBLEM_BINARY] = "binary-messages",
  [MEDIA_PROBLEM_BEFORE_START] = "messages-before-start",
  [MEDIA_PROBLEM_SECOND_START] = "second-starts",
  [MEDIA_PROBLEM_WRONG_STREAM] = "wrong-streams",
  [MEDIA_PROBLEM_PAYLOAD] = "bad-payloads",
  [MEDIA_PROBLEM_EMPTY_PAYLOAD] = "empty-payloads",
  [MEDIA_PROBLEM_SEQUENCE] = "sequence-jumps",
  [MEDIA_PROBLEM_TIMESTAMP] = "timestamp-jumps",
  [MEDIA_PROBLEM_DIGIT] = "bad-digits",
  [MEDIA_PROBLEM_PARAMETER] = "ignored-parameters",
  [MEDIA_PROBLEM_UNKNOWN_MARK] = "unknown-marks",
  [MEDIA_PROBLEM_DUPLICATE_MARK] = "duplicate-marks",
  [MEDIA_PROBLEM_LOST_MARK] = "lost-marks",
  [MEDIA_PROBLEM_FLOOD] = "floods",
};

static GMutex table_lock; /* a leaf: nothing is called under it */
static GHashTable *table; /* protocol and name -> session, held while it has users */

void
media_start_free(MediaStart *self)
{
  g_free(self->stream_sid);
  g_free(self->call_sid);
  g_free(self->account_sid);
  gst_structure_free(self->parameters);
  g_free(self);
}

/**
 * media_start_to_structure:
 * @self: what the peer said
 *
 * Returns: (transfer full): a %CORD_EVENT_CALL_STARTED structure
 */
GstStructure *
media_start_to_structure(const MediaStart *self)
{
  return gst_structure_new(CORD_EVENT_CALL_STARTED, "call-sid", G_TYPE_STRING, self->call_sid,
                           "stream-sid", G_TYPE_STRING, self->stream_sid, "account-sid",
                           G_TYPE_STRING, self->account_sid, "parameters", GST_TYPE_STRUCTURE,
                           self->parameters, NULL);
}

/* ---- being found; any thread ---- */

/**
 * media_session_acquire:
 * @protocol: what it speaks
 * @name: what the two elements call it
 *
 * Returns: (transfer full): the session of that name, a new one if nobody uses it; give it back
 * with media_session_release()
 */
MediaSession *
media_session_acquire(const MediaProtocol *protocol, const gchar *name)
{
  g_autofree gchar *key = g_strconcat(protocol->source, ":", name, NULL);
  MediaSession *self;

  g_mutex_lock(&table_lock);
  if (!table)
    table = g_hash_table_new(g_str_hash, g_str_equal);
  self = g_hash_table_lookup(table, key);
  if (!self) {
    self = g_object_new(MEDIA_TYPE_SESSION, NULL);
    self->protocol = protocol;
    self->name = g_strdup(name);
    self->key = g_steal_pointer(&key);
    g_hash_table_insert(table, self->key, self);
  }
  self->users++;
  g_mutex_unlock(&table_lock);
  return self;
}

/**
 * media_session_release:
 * @self: (transfer full): a session
 *
 * When its last user has gone the name is free again.
 */
void
media_session_release(MediaSession *self)
{
  gboolean last;

  g_mutex_lock(&table_lock);
  last = --self->users == 0;
  if (last)
    g_hash_table_remove(table, self->key);
  g_mutex_unlock(&table_lock);
  if (last)
    g_object_unref(self);
}

const gchar *
media_session_get_name(MediaSession *self)
{
  return self->name;
}

const MediaProtocol *
media_session_get_protocol(MediaSession *self)
{
  return self->protocol;
}

/**
 * media_session_adopt_worker:
 * @self: a session
 * @element: the source or the sink
 * @context_name: (nullable): its `context` property
 *
 * Both elements must run on one worker: whichever comes first decides.
 *
 * Returns: (transfer full): the session's worker
 */
CordWorker *
media_session_adopt_worker(MediaSession *self, GstElement *element, const gchar *context_name)
{
  g_autoptr(CordWorker) mine = NULL;
  CordWorker *worker;

  g_mutex_lock(&table_lock);
  worker = self->worker ? g_object_ref(self->worker) : NULL;
  g_mutex_unlock(&table_lock);
  if (worker)
    return worker;
  mine = cord_worker_for_element(element, context_name);
  g_mutex_lock(&table_lock);
  if (!self->worker)
    self->worker = g_object_ref(mine);
  worker = g_object_ref(self->worker);
  g_mutex_unlock(&table_lock);
  return worker;
}

static gboolean
claim_place(gboolean *place, gboolean claim)
{
  gboolean ok;

  g_mutex_lock(&table_lock);
  ok = *place != claim;
  *place = claim;
  g_mutex_unlock(&table_lock);
  return ok;
}

/**
 * media_session_claim_source:
 * @self: a session
 * @claim: whether to take the place or to leave it
 *
 * Returns: FALSE if another source has it
 */
gboolean
media_session_claim_source(MediaSession *self, gboolean claim)
{
  return claim_place(&self->has_source, claim);
}

gboolean
media_session_claim_sink(MediaSession *self, gboolean claim)
{
  return claim_place(&self->has_sink, claim);
}

/* ---- ending ---- */

void
media_session_cancel_start_timer(MediaSession *self)
{
  if (self->start_timer)
    cord_timer_remove(g_steal_pointer(&self->start_timer));
}

/**
 * media_session_stop:
 * @self: a session
 * @close_code: the WebSocket's close code, 0 if it is closed already
 * @reason: why, one word
 * @error: (nullable): and what was wrong
 *
 * The only way out of a stream: everybody is told once, then the socket closes.
 */
void
media_session_stop(MediaSession *self, guint16 close_code, const gchar *reason, const GError *error)
{
  g_autoptr(MediaSession) keep = g_object_ref(self);
  g_autoptr(CordWebsocket) websocket = NULL;
  gboolean streaming;

  if (self->state == MEDIA_SESSION_STOPPED || self->state == MEDIA_SESSION_IDLE)
    return;
  GST_INFO("%s: stream stopped, %s%s%s", self->name, reason, error ? ": " : "",
           error ? error->message : "");
  streaming = self->state == MEDIA_SESSION_STREAMING;
  self->state = MEDIA_SESSION_STOPPED;
  if (close_code != 0 && streaming && self->protocol->says_goodbye)
    self->protocol->says_goodbye(self, reason);
  media_session_cancel_start_timer(self);
  websocket = g_steal_pointer(&self->websocket);
  if (websocket) {
    cord_websocket_set_handlers(websocket, NULL, NULL);
    if (close_code != 0)
      cord_websocket_close(websocket, close_code, error ? error->message : reason);
  }
  if (self->sink && self->sink->stopped)
    self->sink->stopped(self->sink_data);
  if (self->source)
    self->source->stopped(reason, error, self->source_data);
}

/**
 * media_session_fail:
 * @self: a session
 * @close_code: the WebSocket's close code
 * @code: of the error
 * @format: a sentence
 * @...: its arguments
 *
 * Ends the stream because of what the peer did wrong.
 */
void
media_session_fail(MediaSession *self, guint16 close_code, CordError code, const gchar *format, ...)
{
  g_autoptr(GError) error = NULL;
  va_list args;

  va_start(args, format);
  error = g_error_new_valist(CORD_ERROR, code, format, args);
  va_end(args);
  media_session_stop(self, close_code, "error", error);
}

/**
 * media_session_report:
 * @self: a session
 * @problem: what kind
 * @format: a sentence
 * @...: its arguments
 *
 * Counts something that a peer did wrong, and tells the source about the first of its kind.
 */
void
media_session_report(MediaSession *self, MediaProblem problem, const gchar *format, ...)
{
  g_autoptr(GError) error = NULL;
  va_list args;

  if (self->problems[problem]++ > 0)
    return;
  va_start(args, format);
  error = g_error_new_valist(CORD_ERROR, CORD_ERROR_PROTOCOL, format, args);
  va_end(args);
  GST_WARNING("%s: %s", self->name, error->message);
  if (self->source && self->source->problem)
    self->source->problem(error, self->source_data);
}

static void
on_start_timeout(gpointer data)
{
  MediaSession *self = data;

  self->start_timer = NULL;
  media_session_fail(self, 1008, CORD_ERROR_TIMEOUT,
                     "The %s connected but did not start a stream in time", self->protocol->peer);
}

/* ---- what the connection tells ---- */

static void
on_message(CordWebsocket *websocket, CordWebsocketMessageType type, const guint8 *data,
           gsize length, gpointer user_data)
{
  MediaSession *self = user_data;

  self->messages++;
  self->bytes_received += length;
  self->protocol->message(self, type, data, length);
}

static gboolean
went_in_order(MediaSession *self, guint16 code, const GError *error)
{
  return self->protocol->may_go && !error && (code == 1000 || code == 1001 || code == 1005);
}

static void
on_closed(CordWebsocket *websocket, guint16 code, const gchar *reason, const GError *error,
          gpointer user_data)
{
  MediaSession *self = user_data;
  g_autoptr(GError) sentence = NULL;

  if (went_in_order(self, code, error)) {
    media_session_stop(self, 0, self->protocol->gone, NULL);
    return;
  }
  sentence = g_error_new(CORD_ERROR, error ? error->code : CORD_ERROR_CLOSED,
                         "The %s's connection ended without \"%s\" (%u%s%s)", self->protocol->peer,
                         self->protocol->last_word, code, error || (reason && *reason) ? ", " : "",
                         error    ? error->message
                         : reason ? reason
                                  : "");
  /* what the peer did wrong is an error; that it went is not */
  if (g_error_matches(error, CORD_ERROR, CORD_ERROR_PROTOCOL) ||
      g_error_matches(error, CORD_ERROR, CORD_ERROR_TOO_LARGE))
    media_session_stop(self, 0, "error", sentence);
  else
    media_session_stop(self, 0, self->protocol->gone, sentence);
}

static const CordWebsocketHandlers handlers = {
  .message = on_message,
  .closed = on_closed,
};

/* ---- the source's side ---- */

/**
 * media_session_set_source:
 * @self: a session, on its worker
 * @funcs: (nullable): what to call, or %NULL when the source leaves
 * @data: for @funcs
 */
void
media_session_set_source(MediaSession *self, const MediaSourceFuncs *funcs, gpointer data)
{
  self->source = funcs;
  self->source_data = data;
}

static void
forget_stream(MediaSession *self)
{
  media_session_cancel_start_timer(self);
  if (self->stream)
    self->protocol->end(self);
  self->stream = NULL;
  g_clear_object(&self->websocket);
  self->state = MEDIA_SESSION_IDLE;
}

/**
 * media_session_open:
 * @self: a session without a running stream, on its worker
 * @websocket: the peer's connection, not started yet
 * @start_timeout: how long the peer may take to start its stream, ns
 *
 * Begins to read.
 */
void
media_session_open(MediaSession *self, CordWebsocket *websocket, GstClockTime start_timeout)
{
  forget_stream(self);
  memset(self->problems, 0, sizeof self->problems);
  self->messages = self->bytes_received = self->bytes_sent = 0;
  self->frames_sent = self->marks_sent = self->clears_sent = 0;
  self->websocket = g_object_ref(websocket);
  self->state = MEDIA_SESSION_WAITING;
  if (start_timeout > 0)
    self->start_timer = cord_worker_add_timer(self->worker, start_timeout, on_start_timeout, self);
  cord_websocket_set_max_message(websocket, self->protocol->max_message);
  cord_websocket_set_max_queued(websocket, MAX_QUEUED);
  cord_websocket_set_stall_timeout(websocket, STALL_TIMEOUT);
  cord_websocket_set_keep_alive(websocket, KEEP_ALIVE);
  cord_websocket_set_handlers(websocket, &handlers, self);
  cord_websocket_start(websocket);
  if (self->websocket)
    self->protocol->begin(self);
}

/**
 * media_session_close:
 * @self: a session, on its worker
 * @code: the WebSocket's close code
 * @reason: why, one word; also the source is told
 *
 * Ends the stream, if one is running, from this side.
 */
void
media_session_close(MediaSession *self, guint16 code, const gchar *reason)
{
  media_session_stop(self, code, reason, NULL);
}

MediaSessionState
media_session_get_state(MediaSession *self)
{
  return self->state;
}

/** media_session_get_time: the worker's time, ns. */
GstClockTime
media_session_get_time(MediaSession *self)
{
  return cord_worker_get_time(self->worker);
}

/**
 * media_session_fill_stats:
 * @self: a session, on any thread
 * @stats: gets the counters
 */
void
media_session_fill_stats(MediaSession *self, GstStructure *stats)
{
  gst_structure_set(stats, "messages", G_TYPE_UINT64, self->messages, "bytes-received",
                    G_TYPE_UINT64, self->bytes_received, "bytes-sent", G_TYPE_UINT64,
                    self->bytes_sent, "frames-sent", G_TYPE_UINT64, self->frames_sent, "marks-sent",
                    G_TYPE_UINT64, self->marks_sent, "clears-sent", G_TYPE_UINT64,
                    self->clears_sent, NULL);
  for (guint i = 0; i < MEDIA_N_PROBLEMS; i++)
    if (self->protocol->problems & 1u << i)
      gst_structure_set(stats, problem_names[i], G_TYPE_UINT64, self->problems[i], NULL);
}

static void
media_session_finalize(GObject *object)
{
  MediaSession *self = MEDIA_SESSION(object);

  forget_stream(self);
  g_clear_object(&self->worker);
  g_free(self->name);
  g_free(self->key);
  G_OBJECT_CLASS(media_session_parent_class)->finalize(object);
}

static void
media_session_class_init(MediaSessionClass *klass)
{
  GST_DEBUG_CATEGORY_INIT(media_session_debug, "mediasession", 0,
                          "Media stream shared by a source and a sink");
  G_OBJECT_CLASS(klass)->finalize = media_session_finalize;
}

static void
media_session_init(MediaSession *self)
{
}
