/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <cordboard.h>
#include <gst/check/gstharness.h>

#include "twilio-peer.h"

G_BEGIN_DECLS

/*
 * A call on a test's table: a carrier, or a browser, and the source and the sink of one session,
 * each in a harness, on a manual worker.
 */
typedef struct {
  CordWorker *worker;
  TwilioPeer *peer;
  GstElement *src;
  GstElement *sink;
  GstHarness *in;  /* of the source */
  GstHarness *out; /* of the sink */
  GstBus *bus;
  const gchar *caps;
  guint frame; /* bytes */
} TwilioRig;

TwilioRig *twilio_rig_new(void);
TwilioRig *twilio_rig_new_browser(void);
TwilioRig *twilio_rig_new_started(void);
void twilio_rig_play(TwilioRig *self);
void twilio_rig_run(TwilioRig *self);
void twilio_rig_advance_ms(TwilioRig *self, guint ms);
void twilio_rig_free(TwilioRig *self);

GstMessage *twilio_rig_take_message(TwilioRig *self, GstMessageType type, const gchar *name);
void twilio_rig_assert_warning(TwilioRig *self, const gchar *part);
void twilio_rig_assert_error(TwilioRig *self, const gchar *part);
void twilio_rig_assert_stopped(TwilioRig *self, const gchar *reason);
guint64 twilio_rig_get_stat(TwilioRig *self, const gchar *name);
gboolean twilio_rig_take_eos(TwilioRig *self);
guint twilio_rig_count_frames(TwilioRig *self, guint8 value);
void twilio_rig_push_audio(TwilioRig *self, CordTurn *turn, guint8 value, gsize length);
gboolean twilio_rig_take_playout(TwilioRig *self, CordPlayout *playout);
void twilio_rig_assert_playout(TwilioRig *self, guint turn, CordPlayoutState state,
                               guint position_ms, guint sent_ms);
guint twilio_rig_count_media(TwilioRig *self, guint8 value);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TwilioRig, twilio_rig_free)

G_END_DECLS
