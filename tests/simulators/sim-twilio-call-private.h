/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-phone-post.h"
#include "sim-twilio.h"

G_BEGIN_DECLS

/* Inside of a call: what becomes of it (sim-twilio-call.c) and who is told
 * (sim-twilio-callbacks.c).
 */

typedef enum {
  SIM_TWILIO_INITIATED,
  SIM_TWILIO_RINGING,
  SIM_TWILIO_ANSWERED,
  SIM_TWILIO_COMPLETED,
  SIM_TWILIO_EVENTS,
} SimTwilioEvent;

struct _SimTwilioCall {
  SimTwilio *twilio;
  JsonObject *script; /* or NULL */
  CordForm *form;     /* as it was asked for */
  gint index;
  gchar *sid, *account_sid, *auth_token;
  gchar *created, *started, *ended; /* RFC 2822 */
  const gchar *status;
  const gchar *answered_by;
  GstClockTime born, answered;
  gint duration; /* s */
  gboolean over;

  SimTwilioEvent next;
  CordTimer *step; /* to the next event, then to the hanging up */
  CordTimer *detection;
  CordPhone *phone;
  GPtrArray *phones;   /* all there were: the one above, and those that are hanging up */
  GPtrArray *put_down; /* of them, those that have ended */
  CordTimer *sweep;
  SimTwilioRecording *recording;

  CordPhoneForm *happened[SIM_TWILIO_EVENTS];
  guint ordered; /* of the scripted order, how many were posted */
  guint sequence;
  GPtrArray *forms; /* CordPhoneForm, of all posts */
  GQueue posts;     /* Post, the first is on its way */
  CordPhonePost *post;
};

void sim_twilio_call_tell(SimTwilioCall *self, SimTwilioEvent event);
void sim_twilio_call_tell_recording(SimTwilioCall *self);
void sim_twilio_call_tell_machine(SimTwilioCall *self, const gchar *url);
void sim_twilio_call_clear_posts(SimTwilioCall *self);

G_END_DECLS
