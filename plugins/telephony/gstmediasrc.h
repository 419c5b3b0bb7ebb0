/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <cordboard.h>

#include "media-inbound.h"

G_BEGIN_DECLS

/**
 * GstMediaSrc:
 *
 * What the sources of media streams have in common: states, settings and the signal by which an
 * application takes or refuses a stream. What comes is told by their #MediaProtocol.
 */
#define GST_TYPE_MEDIA_SRC (gst_media_src_get_type())
G_DECLARE_DERIVABLE_TYPE(GstMediaSrc, gst_media_src, GST, MEDIA_SRC, GstElement)

/**
 * GstMediaSrcClass:
 * @protocol: what it speaks
 * @remember: (nullable): a stream starts, or %NULL: there is none any more
 * @begun: (nullable): the stream was accepted
 */
struct _GstMediaSrcClass {
  GstElementClass parent_class;
  const MediaProtocol *protocol;
  void (*remember)(GstMediaSrc *self, const MediaStart *start);
  void (*begun)(GstMediaSrc *self, MediaSession *session);
};

/* The common properties; a class that has more begins with the last */
enum {
  MEDIA_SRC_PROP_0,
  MEDIA_SRC_PROP_ADDRESS,
  MEDIA_SRC_PROP_PORT,
  MEDIA_SRC_PROP_CURRENT_PORT,
  MEDIA_SRC_PROP_PATH,
  MEDIA_SRC_PROP_SESSION,
  MEDIA_SRC_PROP_CONNECTION,
  MEDIA_SRC_PROP_CONTEXT,
  MEDIA_SRC_PROP_SILENCE_AFTER,
  MEDIA_SRC_PROP_STATS,
  MEDIA_SRC_N_PROPS
};

void gst_media_src_class_set_protocol(GstMediaSrcClass *klass, const MediaProtocol *protocol);
void gst_media_src_set_limits(GstMediaSrc *self, guint start_timeout_ms, guint max_gap_fill_ms);
void gst_media_src_run(GstMediaSrc *self, CordFunc func, gpointer data, GDestroyNotify notify);
MediaSession *gst_media_src_get_session(GstMediaSrc *self);

G_END_DECLS
