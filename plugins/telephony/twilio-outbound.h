/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "twilio-playout.h"
#include "twilio-session.h"
#include "twilio-timeline.h"

G_BEGIN_DECLS

/**
 * TwilioOutbound:
 *
 * The half of twiliosink that lives on the worker. What comes on the worker goes out in the same
 * call; what comes on another thread, or before the stream has started, waits in a queue.
 *
 * After a flush nothing of the old generation leaves: the queue is emptied on the flushing thread,
 * the worker looks at the flag before each frame, and sends `clear` if anything is unplayed.
 */
typedef struct {
  GstElement *element;
  GstPad *pad;
  TwilioSession *session;
  CordWorker *worker;
  gint playing;  /* atomic */
  gint flushing; /* atomic; set under the lock */
  gint stopped;  /* atomic: the stream is over */
  /* under the lock, a leaf */
  GMutex lock;
  GCond room;
  GQueue queue;   /* of GstBuffer and GstEvent */
  guint64 queued; /* bytes */
  gboolean active;
  gboolean draining; /* a drain is posted */
  gboolean flush_begun;
  gboolean flush_ended;
  guint64 published;       /* bytes heard at published_time */
  guint64 published_limit; /* bytes */
  GstClockTime published_time;
  /* worker only */
  TwilioPlayout playout;
  CordTick *tick;
  guint64 look_ahead; /* bytes */
  gboolean hang_up;   /* after EOS */
  gboolean attached;
  gboolean warned;
  gboolean eos; /* came, its message is due */
  guint32 eos_seqnum;
  GArray *cut; /* of CordPlayout: turns that the flush in progress has cut */
  guint partial_length;
  guint8 partial[TWILIO_FRAME];
  GstBuffer *current; /* taken from the queue, half sent */
  gsize current_offset;
} TwilioOutbound;

void twilio_outbound_init(TwilioOutbound *self, GstElement *element, GstPad *pad);
void twilio_outbound_clear(TwilioOutbound *self);
void twilio_outbound_set_active(TwilioOutbound *self, gboolean active);
void twilio_outbound_attach(TwilioOutbound *self, guint look_ahead_ms, gboolean hang_up);
void twilio_outbound_detach(TwilioOutbound *self);
void twilio_outbound_play(TwilioOutbound *self);
GstFlowReturn twilio_outbound_submit(TwilioOutbound *self, GstMiniObject *item);
void twilio_outbound_flush_start(TwilioOutbound *self);
void twilio_outbound_flush_stop(TwilioOutbound *self);
GstClockTime twilio_outbound_get_position(TwilioOutbound *self);

G_END_DECLS
