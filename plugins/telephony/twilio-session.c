/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <string.h>

#include "twilio-session-private.h"

GST_DEBUG_CATEGORY(twilio_session_debug);
#define GST_CAT_DEFAULT twilio_session_debug

G_DEFINE_FINAL_TYPE(TwilioSession, twilio_session, G_TYPE_OBJECT)

/* As they are called in the statistics. */
static const gchar *const problem_names[TWILIO_N_PROBLEMS] = {
  [TWILIO_PROBLEM_UNKNOWN_EVENT] = "unknown-events",
  [TWILIO_PROBLEM_BINARY] = "binary-messages",
  [TWILIO_PROBLEM_BEFORE_START] = "messages-before-start",
  [TWILIO_PROBLEM_SECOND_START] = "second-starts",
  [TWILIO_PROBLEM_WRONG_STREAM] = "wrong-streams",
  [TWILIO_PROBLEM_PAYLOAD] = "bad-payloads",
  [TWILIO_PROBLEM_EMPTY_PAYLOAD] = "empty-payloads",
  [TWILIO_PROBLEM_SEQUENCE] = "sequence-jumps",
  [TWILIO_PROBLEM_TIMESTAMP] = "timestamp-jumps",
  [TWILIO_PROBLEM_DIGIT] = "bad-digits",
  [TWILIO_PROBLEM_PARAMETER] = "ignored-parameters",
  [TWILIO_PROBLEM_UNKNOWN_MARK] = "unknown-marks",
  [TWILIO_PROBLEM_DUPLICATE_MARK] = "duplicate-marks",
  [TWILIO_PROBLEM_LOST_MARK] = "lost-marks",
};

static GMutex table_lock; /* a leaf: nothing is called under it */
static GHashTable *table; /* name -> session, held while it has users */

/* ---- being found; any thread ---- */

/**
 * twilio_session_acquire:
 * @name: what the two elements call it
 *
 * Returns: (transfer full): the session of that name, a new one if nobody uses it; give it back
 * with twilio_session_release()
 */
TwilioSession *
twilio_session_acquire(const gchar *name)
{
  TwilioSession *self;

  g_mutex_lock(&table_lock);
  if (!table)
    table = g_hash_table_new(g_str_hash, g_str_equal);
  self = g_hash_table_lookup(table, name);
  if (!self) {
    self = g_object_new(TWILIO_TYPE_SESSION, NULL);
    self->name = g_strdup(name);
    g_hash_table_insert(table, self->name, self);
  }
  self->users++;
  g_mutex_unlock(&table_lock);
  return self;
}

/**
 * twilio_session_release:
 * @self: (transfer full): a session
 *
 * When its last user has gone the name is free again.
 */
void
twilio_session_release(TwilioSession *self)
{
  gboolean last;

  g_mutex_lock(&table_lock);
  last = --self->users == 0;
  if (last)
    g_hash_table_remove(table, self->name);
  g_mutex_unlock(&table_lock);
  if (last)
    g_object_unref(self);
}

const gchar *
twilio_session_get_name(TwilioSession *self)
{
  return self->name;
}

/**
 * twilio_session_adopt_worker:
 * @self: a session
 * @element: the source or the sink
 * @context_name: (nullable): its `context` property
 *
 * Both elements must run on one worker: whichever comes first decides.
 *
 * Returns: (transfer full): the session's worker
 */
CordWorker *
twilio_session_adopt_worker(TwilioSession *self, GstElement *element, const gchar *context_name)
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
 * twilio_session_claim_source:
 * @self: a session
 * @claim: whether to take the place or to leave it
 *
 * Returns: FALSE if another source has it
 */
gboolean
twilio_session_claim_source(TwilioSession *self, gboolean claim)
{
  return claim_place(&self->has_source, claim);
}

gboolean
twilio_session_claim_sink(TwilioSession *self, gboolean claim)
{
  return claim_place(&self->has_sink, claim);
}

/* ---- ending ---- */

void
twilio_session_cancel_start_timer(TwilioSession *self)
{
  if (self->start_timer)
    cord_timer_remove(g_steal_pointer(&self->start_timer));
}

/* The only way out of a stream: everybody is told once, then the socket closes. */
void
twilio_session_stop(TwilioSession *self, guint16 close_code, const gchar *reason,
                    const GError *error)
{
  g_autoptr(TwilioSession) keep = g_object_ref(self);
  g_autoptr(CordWebsocket) websocket = g_steal_pointer(&self->websocket);

  if (self->state == TWILIO_SESSION_STOPPED || self->state == TWILIO_SESSION_IDLE)
    return;
  GST_INFO("%s: stream stopped, %s%s%s", self->name, reason, error ? ": " : "",
           error ? error->message : "");
  self->state = TWILIO_SESSION_STOPPED;
  twilio_session_cancel_start_timer(self);
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

/* The same with an error. */
void
twilio_session_fail(TwilioSession *self, guint16 close_code, CordError code, const gchar *format,
                    ...)
{
  g_autoptr(GError) error = NULL;
  va_list args;

  va_start(args, format);
  error = g_error_new_valist(CORD_ERROR, code, format, args);
  va_end(args);
  twilio_session_stop(self, close_code, "error", error);
}

/**
 * twilio_session_report:
 * @self: a session
 * @problem: what kind
 * @format: a sentence
 * @...: its arguments
 *
 * Counts something that a peer did wrong, and tells the source about the first of its kind.
 */
void
twilio_session_report(TwilioSession *self, TwilioProblem problem, const gchar *format, ...)
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
  TwilioSession *self = data;

  self->start_timer = NULL;
  twilio_session_fail(self, 1008, CORD_ERROR_TIMEOUT,
                      "The carrier connected but did not start a stream in time");
}

/* ---- the source's side ---- */

/**
 * twilio_session_set_source:
 * @self: a session, on its worker
 * @funcs: (nullable): what to call, or %NULL when the source leaves
 * @data: for @funcs
 */
void
twilio_session_set_source(TwilioSession *self, const TwilioSourceFuncs *funcs, gpointer data)
{
  self->source = funcs;
  self->source_data = data;
}

static void
forget_stream(TwilioSession *self)
{
  twilio_session_cancel_start_timer(self);
  g_clear_pointer(&self->formatter, twilio_formatter_free);
  g_clear_pointer(&self->start, twilio_start_free);
  g_clear_object(&self->websocket);
  self->state = TWILIO_SESSION_IDLE;
  self->sequence = 0;
}

/**
 * twilio_session_open:
 * @self: a session without a running stream, on its worker
 * @websocket: the carrier's connection, not started yet
 * @start_timeout: how long the carrier may take to start its stream, ns
 *
 * Begins to read.
 */
void
twilio_session_open(TwilioSession *self, CordWebsocket *websocket, GstClockTime start_timeout)
{
  forget_stream(self);
  memset(self->problems, 0, sizeof self->problems);
  self->messages = self->bytes_received = self->bytes_sent = 0;
  self->frames_sent = self->marks_sent = self->clears_sent = 0;
  self->websocket = g_object_ref(websocket);
  self->state = TWILIO_SESSION_WAITING;
  if (start_timeout > 0)
    self->start_timer = cord_worker_add_timer(self->worker, start_timeout, on_start_timeout, self);
  cord_websocket_set_max_message(websocket, TWILIO_MAX_MESSAGE);
  cord_websocket_set_max_queued(websocket, TWILIO_MAX_QUEUED);
  cord_websocket_set_stall_timeout(websocket, TWILIO_STALL_TIMEOUT);
  cord_websocket_set_keep_alive(websocket, TWILIO_KEEP_ALIVE);
  cord_websocket_set_handlers(websocket, &twilio_session_handlers, self);
  cord_websocket_start(websocket);
}

/**
 * twilio_session_close:
 * @self: a session, on its worker
 * @code: the WebSocket's close code
 * @reason: why, one word; also the source is told
 *
 * Ends the stream, if one is running, from this side.
 */
void
twilio_session_close(TwilioSession *self, guint16 code, const gchar *reason)
{
  twilio_session_stop(self, code, reason, NULL);
}

TwilioSessionState
twilio_session_get_state(TwilioSession *self)
{
  return self->state;
}

/**
 * twilio_session_fill_stats:
 * @self: a session, on any thread
 * @stats: gets the counters
 */
void
twilio_session_fill_stats(TwilioSession *self, GstStructure *stats)
{
  gst_structure_set(stats, "messages", G_TYPE_UINT64, self->messages, "bytes-received",
                    G_TYPE_UINT64, self->bytes_received, "bytes-sent", G_TYPE_UINT64,
                    self->bytes_sent, "frames-sent", G_TYPE_UINT64, self->frames_sent, "marks-sent",
                    G_TYPE_UINT64, self->marks_sent, "clears-sent", G_TYPE_UINT64,
                    self->clears_sent, NULL);
  for (guint i = 0; i < TWILIO_N_PROBLEMS; i++)
    gst_structure_set(stats, problem_names[i], G_TYPE_UINT64, self->problems[i], NULL);
}

/* ---- the sink's side ---- */

/**
 * twilio_session_set_sink:
 * @self: a session, on its worker
 * @funcs: (nullable): what to call, or %NULL when the sink leaves
 * @data: for @funcs
 *
 * A sink that comes to a running stream is told at once that it has started.
 */
void
twilio_session_set_sink(TwilioSession *self, const TwilioSinkFuncs *funcs, gpointer data)
{
  self->sink = funcs;
  self->sink_data = data;
  if (funcs && self->state == TWILIO_SESSION_STREAMING)
    funcs->started(data);
}

/**
 * twilio_session_cork:
 * @self: a session, on its worker
 *
 * What is sent from here to twilio_session_uncork() leaves in one write.
 */
void
twilio_session_cork(TwilioSession *self)
{
  if (self->websocket)
    cord_websocket_cork(self->websocket);
}

void
twilio_session_uncork(TwilioSession *self)
{
  if (self->websocket)
    cord_websocket_uncork(self->websocket);
}

static gboolean
send_text(TwilioSession *self, const gchar *text, gsize length)
{
  g_autoptr(GError) error = NULL;

  if (cord_websocket_send_text(self->websocket, text, length, &error)) {
    self->bytes_sent += length;
    return TRUE;
  }
  g_prefix_error(&error, "The carrier does not take its audio: ");
  twilio_session_stop(self, 1013, "stalled", error);
  return FALSE;
}

/**
 * twilio_session_send_media:
 * @self: a session, on its worker
 * @audio: (array length=length): mu-law
 * @length: in bytes
 *
 * Returns: FALSE if there is no stream, or not any longer
 */
gboolean
twilio_session_send_media(TwilioSession *self, const guint8 *audio, gsize length)
{
  const gchar *text;

  if (self->state != TWILIO_SESSION_STREAMING)
    return FALSE;
  text = twilio_formatter_media(self->formatter, audio, length, &length);
  self->frames_sent++;
  return send_text(self, text, length);
}

gboolean
twilio_session_send_mark(TwilioSession *self, const gchar *name)
{
  const gchar *text;
  gsize length;

  if (self->state != TWILIO_SESSION_STREAMING)
    return FALSE;
  text = twilio_formatter_mark(self->formatter, name, &length);
  self->marks_sent++;
  return send_text(self, text, length);
}

gboolean
twilio_session_send_clear(TwilioSession *self)
{
  const gchar *text;
  gsize length;

  if (self->state != TWILIO_SESSION_STREAMING)
    return FALSE;
  text = twilio_formatter_clear(self->formatter, &length);
  self->clears_sent++;
  return send_text(self, text, length);
}

static void
twilio_session_finalize(GObject *object)
{
  TwilioSession *self = TWILIO_SESSION(object);

  forget_stream(self);
  g_clear_object(&self->worker);
  g_free(self->name);
  G_OBJECT_CLASS(twilio_session_parent_class)->finalize(object);
}

static void
twilio_session_class_init(TwilioSessionClass *klass)
{
  GST_DEBUG_CATEGORY_INIT(twilio_session_debug, "twiliosession", 0,
                          "Media stream shared by twiliosrc and twiliosink");
  G_OBJECT_CLASS(klass)->finalize = twilio_session_finalize;
}

static void
twilio_session_init(TwilioSession *self)
{
  self->dialect = &twilio_dialect;
}
