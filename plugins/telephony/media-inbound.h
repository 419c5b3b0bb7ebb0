/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "media-listener.h"
#include "media-session.h"
#include "media-timeline.h"

G_BEGIN_DECLS

#define MEDIA_FRAME_DURATION (MEDIA_FRAME_MS * GST_MSECOND)

/**
 * MediaInboundSettings:
 * @connection: (nullable): a peer's connection; without one it listens itself
 * @address: where to listen
 * @port: where to listen; 0 for any
 * @path: where the WebSocket is
 * @start_timeout: ns
 * @silence_after: ns
 * @max_gap: ns
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
  GstClockTime max_gap;
} MediaInboundSettings;

/**
 * MediaInboundFuncs:
 * @started: a stream wants to begin; FALSE refuses it
 * @begun: the stream has begun, and nothing was sent yet
 * @listening: it listens on a port
 *
 * What a source adds to its worker half.
 */
typedef struct {
  gboolean (*started)(GstElement *element, const MediaStart *start, GstStructure *structure);
  void (*begun)(GstElement *element);
  void (*listening)(GstElement *element, guint port);
} MediaInboundFuncs;

/**
 * MediaInbound:
 *
 * The half of a source that lives on the worker: from the session's messages to buffers, events
 * and messages on the bus.
 */
typedef struct {
  const MediaProtocol *protocol;
  GstElement *element;
  GstPad *pad;
  const MediaInboundFuncs *funcs;
  gint playing; /* atomic */
  MediaSession *session;
  CordWorker *worker;
  /* worker only */
  MediaInboundSettings settings;
  MediaListener *listener;
  CordTick *tick;
  MediaTimeline timeline;
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
} MediaInbound;

void media_inbound_init(MediaInbound *self, const MediaProtocol *protocol, GstElement *element,
                        GstPad *pad, const MediaInboundFuncs *funcs);
void media_inbound_clear(MediaInbound *self);
void media_inbound_attach(MediaInbound *self, MediaInboundSettings *settings);
void media_inbound_play(MediaInbound *self);
void media_inbound_finish(MediaInbound *self);
void media_inbound_detach(MediaInbound *self);
GstStructure *media_inbound_make_stats(MediaInbound *self);

G_END_DECLS
