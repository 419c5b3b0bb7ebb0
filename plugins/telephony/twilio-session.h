/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <cordboard.h>

#include "cord-websocket.h"
#include "twilio-message.h"
#include "twilio-start.h"

G_BEGIN_DECLS

#define TWILIO_TYPE_SESSION (twilio_session_get_type())
G_DECLARE_FINAL_TYPE(TwilioSession, twilio_session, TWILIO, SESSION, GObject)

/* What a peer may do wrong without ending its stream; each is counted, and reported once. */
typedef enum {
  TWILIO_PROBLEM_UNKNOWN_EVENT,
  TWILIO_PROBLEM_BINARY,
  TWILIO_PROBLEM_BEFORE_START,
  TWILIO_PROBLEM_SECOND_START,
  TWILIO_PROBLEM_WRONG_STREAM,
  TWILIO_PROBLEM_PAYLOAD,
  TWILIO_PROBLEM_EMPTY_PAYLOAD,
  TWILIO_PROBLEM_SEQUENCE,
  TWILIO_PROBLEM_TIMESTAMP,
  TWILIO_PROBLEM_DIGIT,
  TWILIO_PROBLEM_PARAMETER,
  TWILIO_PROBLEM_UNKNOWN_MARK,
  TWILIO_PROBLEM_DUPLICATE_MARK,
  TWILIO_PROBLEM_LOST_MARK,
  TWILIO_N_PROBLEMS
} TwilioProblem;

/**
 * TwilioSourceFuncs:
 * @started: the stream begins; FALSE refuses it
 * @media: audio of the caller, any length
 * @dtmf: a key was pressed
 * @problem: something was wrong that does not end the stream; once a kind
 * @stopped: the stream has ended; @error says why if it did not end well
 *
 * What the source wants to hear from its session. All run on the worker.
 */
typedef struct {
  gboolean (*started)(const TwilioStart *start, gpointer data);
  void (*media)(gint64 timestamp_ms, const guint8 *audio, gsize length, gpointer data);
  void (*dtmf)(gchar digit, gpointer data);
  void (*problem)(const GError *problem, gpointer data);
  void (*stopped)(const gchar *reason, const GError *error, gpointer data);
} TwilioSourceFuncs;

/**
 * TwilioSinkFuncs:
 * @started: audio can be sent from now on
 * @mark: the carrier echoed a mark
 * @stopped: nothing can be sent any more
 *
 * What the sink wants to hear. All run on the worker.
 */
typedef struct {
  void (*started)(gpointer data);
  void (*mark)(const TwilioText *name, gpointer data);
  void (*stopped)(gpointer data);
} TwilioSinkFuncs;

typedef enum {
  TWILIO_SESSION_IDLE,
  TWILIO_SESSION_WAITING, /* for connected or start */
  TWILIO_SESSION_STREAMING,
  TWILIO_SESSION_STOPPED,
} TwilioSessionState;

/* Any thread */
TwilioSession *twilio_session_acquire(const gchar *name);
void twilio_session_release(TwilioSession *self);
const gchar *twilio_session_get_name(TwilioSession *self);
CordWorker *twilio_session_adopt_worker(TwilioSession *self, GstElement *element,
                                        const gchar *context_name);
gboolean twilio_session_claim_source(TwilioSession *self, gboolean claim);
gboolean twilio_session_claim_sink(TwilioSession *self, gboolean claim);

/* On the worker: the source's side */
void twilio_session_set_source(TwilioSession *self, const TwilioSourceFuncs *funcs, gpointer data);
void twilio_session_open(TwilioSession *self, CordWebsocket *websocket, GstClockTime start_timeout);
void twilio_session_close(TwilioSession *self, guint16 code, const gchar *reason);
TwilioSessionState twilio_session_get_state(TwilioSession *self);
void twilio_session_fill_stats(TwilioSession *self, GstStructure *stats);
void twilio_session_report(TwilioSession *self, TwilioProblem problem, const gchar *format, ...)
    G_GNUC_PRINTF(3, 4);

/* On the worker: the sink's side */
void twilio_session_set_sink(TwilioSession *self, const TwilioSinkFuncs *funcs, gpointer data);
void twilio_session_cork(TwilioSession *self);
void twilio_session_uncork(TwilioSession *self);
gboolean twilio_session_send_media(TwilioSession *self, const guint8 *audio, gsize length);
gboolean twilio_session_send_mark(TwilioSession *self, const gchar *name);
gboolean twilio_session_send_clear(TwilioSession *self);

G_END_DECLS
