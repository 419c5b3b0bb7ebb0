/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <cordboard.h>

#include "media-outbound.h"

G_BEGIN_DECLS

/**
 * GstMediaSink:
 *
 * What the sinks of media streams have in common: all but the #MediaProtocol.
 */
#define GST_TYPE_MEDIA_SINK (gst_media_sink_get_type())
G_DECLARE_DERIVABLE_TYPE(GstMediaSink, gst_media_sink, GST, MEDIA_SINK, GstElement)

/**
 * GstMediaSinkClass:
 * @protocol: what it speaks
 */
struct _GstMediaSinkClass {
  GstElementClass parent_class;
  const MediaProtocol *protocol;
};

void gst_media_sink_class_set_protocol(GstMediaSinkClass *klass, const MediaProtocol *protocol);

G_END_DECLS
