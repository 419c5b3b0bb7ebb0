/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "twilio-outbound.h"

G_BEGIN_DECLS

#define TWILIO_BYTES_PER_SECOND 8000
#define TWILIO_MARK_EVERY (TWILIO_BYTES_PER_SECOND / 5) /* bytes: 200 ms */

void twilio_outbound_start_tick(TwilioOutbound *self);
gboolean twilio_outbound_can_send(TwilioOutbound *self);
GstFlowReturn twilio_outbound_send_part(TwilioOutbound *self, GstBuffer *buffer, gsize offset,
                                        gsize size);
void twilio_outbound_take_event(TwilioOutbound *self, GstEvent *event);
void twilio_outbound_settle(TwilioOutbound *self);
void twilio_outbound_post_eos(TwilioOutbound *self);
void twilio_outbound_tell_progress(TwilioOutbound *self);
void twilio_outbound_tell_playout(TwilioOutbound *self, const CordPlayout *playout);
void twilio_outbound_tell_metrics(TwilioOutbound *self, TwilioTurn *turn);

G_END_DECLS
