/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <cordboard.h>

#include "twilio-message.h"

G_BEGIN_DECLS

/**
 * TwilioStart:
 * @call_sid: the carrier's name of the call
 * @stream_sid: the carrier's name of the stream
 * @account_sid: the account
 * @parameters: what the TwiML handed over
 *
 * What the carrier says at the start of a stream.
 */
typedef struct {
  gchar *call_sid;
  gchar *stream_sid;
  gchar *account_sid;
  GstStructure *parameters;
} TwilioStart;

TwilioStart *twilio_start_new(const TwilioMessage *message, guint *n_ignored, GError **error);
void twilio_start_free(TwilioStart *self);
GstStructure *twilio_start_to_structure(const TwilioStart *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TwilioStart, twilio_start_free)

G_END_DECLS
