/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-admission.h"
#include "cord-apology.h"
#include "cord-call-pipeline.h"
#include "cord-journal.h"
#include "cord-websocket.h"
#include "cordboard.h"

G_BEGIN_DECLS

/**
 * CordCallOwner:
 * @admit: takes the single-use token of a stream; (transfer full), or %NULL with an error
 * @event: something happened in the call: the event's name and one line of JSON
 * @ended: the call is over and its pipeline gone; the owner drops its reference
 *
 * Whom a call asks and tells. All are called on the call's worker; @event and @ended only after
 * @admit has let the call in, but for @ended with a call that never was.
 */
typedef struct _CordCall CordCall;
typedef struct {
  CordAdmission *(*admit)(CordCall *call, const gchar *token, const gchar *call_sid, gpointer data,
                          GError **error);
  void (*event)(CordCall *call, const gchar *name, const gchar *json, gpointer data);
  void (*ended)(CordCall *call, gpointer data);
} CordCallOwner;

/**
 * CordCallKit:
 * @pipelines: what calls are built from
 * @apology: what is said when an agent cannot go on
 * @journal: where what happens is written
 *
 * What all calls are made of.
 */
typedef struct {
  CordPipelines *pipelines;
  CordApology *apology;
  CordJournal *journal;
} CordCallKit;

/**
 * CordCall:
 *
 * One call: its pipeline on its media thread, and what is made of the pipeline's messages. It lives
 * on one worker, from the ringing of the phone to the end of the stream.
 */
#define CORD_TYPE_CALL (cord_call_get_type())
G_DECLARE_FINAL_TYPE(CordCall, cord_call, CORD, CALL, GObject)

CordCall *cord_call_new(const CordCallKit *kit, CordWorker *worker, CordAdmission *expected,
                        const CordCallOwner *owner, gpointer data);
void cord_call_prepare(CordCall *self, GstElement *rest);
void cord_call_start(CordCall *self, CordWebsocket *websocket);
void cord_call_hang_up(CordCall *self, const gchar *reason);
void cord_call_show_levels(CordCall *self, const gchar *wanted);
void cord_call_expect_end(CordCall *self, const gchar *reason);

/* Any thread */
const gchar *cord_call_get_session(CordCall *self);
CordWorker *cord_call_get_worker(CordCall *self);
const CordAdmission *cord_call_get_expected(CordCall *self);
const CordAdmission *cord_call_get_admission(CordCall *self);
const gchar *cord_call_get_status(CordCall *self);
const gchar *cord_call_get_end_reason(CordCall *self);

G_END_DECLS
