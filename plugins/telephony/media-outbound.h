/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "media-playout.h"
#include "media-session.h"

G_BEGIN_DECLS

/**
 * MediaOutbound:
 *
 * The half of a sink that lives on the worker. What comes on the worker goes out in the same
 * call; what comes on another thread, or before the stream has started, waits in a queue.
 *
 * After a flush nothing of the old generation leaves: the queue is emptied on the flushing thread,
 * the worker looks at the flag before each frame, and sends `clear` if anything is unplayed.
 */
typedef struct {
  const MediaFormat *format;
  GstElement *element;
  GstPad *pad;
  MediaSession *session;
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
  MediaPlayout playout;
  CordTick *tick;
  guint64 look_ahead; /* bytes */
  gboolean hang_up;   /* after EOS */
  gboolean attached;
  gboolean warned;
  gboolean eos; /* came, its message is due */
  guint32 eos_seqnum;
  GArray *cut; /* of CordPlayout: turns that the flush in progress has cut */
  guint partial_length;
  guint8 partial[MEDIA_MAX_FRAME];
  GstBuffer *current; /* taken from the queue, half sent */
  gsize current_offset;
} MediaOutbound;

void media_outbound_init(MediaOutbound *self, GstElement *element, GstPad *pad,
                         const MediaFormat *format);
void media_outbound_clear(MediaOutbound *self);
void media_outbound_set_active(MediaOutbound *self, gboolean active);
void media_outbound_attach(MediaOutbound *self, guint look_ahead_ms, gboolean hang_up);
void media_outbound_detach(MediaOutbound *self);
void media_outbound_play(MediaOutbound *self);
GstFlowReturn media_outbound_submit(MediaOutbound *self, GstMiniObject *item);
void media_outbound_flush_start(MediaOutbound *self);
void media_outbound_flush_stop(MediaOutbound *self);
GstClockTime media_outbound_get_position(MediaOutbound *self);

G_END_DECLS
