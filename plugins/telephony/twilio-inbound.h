/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "twilio-listener.h"
#include "twilio-session.h"
#include "twilio-timeline.h"

G_BEGIN_DECLS

#define TWILIO_FRAME_DURATION (TWILIO_FRAME * (GstClockTime)TWILIO_NS_PER_SAMPLE)

/**
 * TwilioInboundSettings:
 * @connection: (nullable): a carrier's connection; without one it listens itself
 * @address: where to listen
 * @port: where to listen; 0 for any
 * @path: where the WebSocket is
 * @start_timeout: ns
 * @silence_after: ns
 * @max_gap: samples
 *
 * A copy of what the source's properties said when it started.
 */
typedef struct {
  CordWebsocket *connection;
  gchar *address;
  guint port;
  gchar *path;
  GstClockTime start_timeout;
  GstClockTime silence_after;
  guint64 max_gap;
} TwilioInboundSettings;

/**
 * TwilioInboundFuncs:
 * @started: a stream wants to begin; FALSE refuses it
 * @listening: it listens on a port
 *
 * What twiliosrc adds to its worker half.
 */
typedef struct {
  gboolean (*started)(GstElement *element, const TwilioStart *start, GstStructure *structure);
  void (*listening)(GstElement *element, guint port);
} TwilioInboundFuncs;

/**
 * TwilioInbound:
 *
 * The half of twiliosrc that lives on the worker: from the session's messages to buffers, events
 * and messages on the bus.
 */
typedef struct {
  GstElement *element;
  GstPad *pad;
  const TwilioInboundFuncs *funcs;
  gint playing; /* atomic */
  TwilioSession *session;
  CordWorker *worker;
  /* worker only */
  TwilioInboundSettings settings;
  TwilioListener *listener;
  CordTick *tick;
  TwilioTimeline timeline;
  GstMemory *silence;
  GstClockTime base; /* running time of the time line's position 0 */
  GstFlowReturn flow;
  gboolean attached;
  gboolean reading;
  gboolean spent;    /* the connection has been read */
  gboolean accepted; /* a stream has started */
  gboolean begun;    /* stream-start, caps and segment went out */
  gboolean ended;    /* EOS went out */
  gboolean skipped;  /* frames fell into a pause */
  guint64 frames;
} TwilioInbound;

void twilio_inbound_init(TwilioInbound *self, GstElement *element, GstPad *pad,
                         const TwilioInboundFuncs *funcs);
void twilio_inbound_clear(TwilioInbound *self);
void twilio_inbound_attach(TwilioInbound *self, TwilioInboundSettings *settings);
void twilio_inbound_play(TwilioInbound *self);
void twilio_inbound_finish(TwilioInbound *self);
void twilio_inbound_detach(TwilioInbound *self);
GstStructure *twilio_inbound_make_stats(TwilioInbound *self);

G_END_DECLS
