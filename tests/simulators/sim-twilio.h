/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-form.h"
#include "cord-phone-form.h"
#include "cord-phone.h"
#include "sim.h"

G_BEGIN_DECLS

/*
 * Twilio as a carrier: its REST API (sim-twilio*.c but one), and what it does with a call
 * (sim-twilio-call.c): it rings, tells of it, asks for TwiML and opens the media stream.
 */
#define SIM_TWILIO_API "/2010-04-01/Accounts/"

typedef struct {
  SimServer *server;
  GPtrArray *calls;      /* SimTwilioCall, the oldest first */
  GPtrArray *numbers;    /* SimTwilioNumber */
  GPtrArray *recordings; /* SimTwilioRecording */
} SimTwilio;

typedef struct {
  gchar *sid;
  gchar *number;
  CordForm *form; /* what was set */
} SimTwilioNumber;

typedef struct {
  gchar *sid;
  gchar *account_sid;
  gchar *call_sid;
  const gchar *status;
  const gchar *source;
  gchar *created;
  gint duration; /* s */
  gint channels;
  CordForm *order;   /* how it is wanted, or NULL: as the call */
  GByteArray *audio; /* mu-law, of the other side */
} SimTwilioRecording;

/* One call, from its creation to the last callback */
typedef struct _SimTwilioCall SimTwilioCall;

/* The module */
SimTwilio *sim_twilio_get(SimServer *server);
SimTwilio *sim_twilio_enter(SimExchange *exchange); /* NULL: refused, and answered */
CordForm *sim_twilio_read_form(SimExchange *exchange);
gchar *sim_twilio_dup_token(SimExchange *exchange);
gchar *sim_twilio_dup_sid(SimExchange *exchange, guint part); /* without ".json" */
gchar *sim_twilio_now(void);                                  /* RFC 2822 */
void sim_twilio_refuse(SimExchange *exchange, guint status, gint code, const gchar *format, ...)
    G_GNUC_PRINTF(4, 5);
void sim_twilio_refuse_unknown(SimExchange *exchange);
void sim_twilio_answer(SimExchange *exchange, guint status, JsonObject *object);
void sim_twilio_answer_list(SimExchange *exchange, const gchar *name, const gchar *path,
                            GPtrArray *items);

/* A call */
SimTwilioCall *sim_twilio_find_call(SimTwilio *self, const gchar *sid); /* (nullable) */
SimTwilioCall *sim_twilio_call_new(SimTwilio *twilio, gint index, const gchar *account_sid,
                                   const gchar *auth_token, CordForm *form, JsonObject *script);
void sim_twilio_call_free(SimTwilioCall *self);
void sim_twilio_call_start(SimTwilioCall *self);
JsonObject *sim_twilio_call_describe(SimTwilioCall *self);
const gchar *sim_twilio_call_get_sid(SimTwilioCall *self);
const gchar *sim_twilio_call_get(SimTwilioCall *self, const gchar *field);
const gchar *sim_twilio_call_get_status(SimTwilioCall *self);
gint64 sim_twilio_call_peek(SimTwilioCall *self, const gchar *name, gint64 fallback);
gboolean sim_twilio_call_is_over(SimTwilioCall *self);
void sim_twilio_call_hang_up(SimTwilioCall *self);
void sim_twilio_call_redirect(SimTwilioCall *self, const gchar *url, const gchar *twiml);
SimTwilioRecording *sim_twilio_call_record(SimTwilioCall *self, const gchar *source,
                                           CordForm *order);
SimTwilioRecording *sim_twilio_call_get_recording(SimTwilioCall *self); /* the last, or NULL */
void sim_twilio_call_stop_recording(SimTwilioCall *self);

/* Recordings */
SimTwilioRecording *sim_twilio_recording_new(SimTwilio *twilio, const gchar *account_sid,
                                             const gchar *call_sid, const gchar *source,
                                             gint channels);
void sim_twilio_recording_free(SimTwilioRecording *self);
void sim_twilio_recording_end(SimTwilioRecording *self);

/* Their routes */
void sim_twilio_calls_add(SimServer *server);
void sim_twilio_numbers_add(SimServer *server);
void sim_twilio_recordings_add(SimServer *server);

G_END_DECLS
