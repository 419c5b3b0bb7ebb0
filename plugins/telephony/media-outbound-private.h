/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "media-outbound.h"

G_BEGIN_DECLS

#define MEDIA_MARK_EVERY (200 * GST_MSECOND)

guint64 media_outbound_to_bytes(MediaOutbound *self, GstClockTime duration);
void media_outbound_start_tick(MediaOutbound *self);
gboolean media_outbound_can_send(MediaOutbound *self);
GstFlowReturn media_outbound_send_part(MediaOutbound *self, GstBuffer *buffer, gsize offset,
                                       gsize size);
void media_outbound_take_event(MediaOutbound *self, GstEvent *event);
void media_outbound_settle(MediaOutbound *self);
void media_outbound_post_eos(MediaOutbound *self);
void media_outbound_tell_progress(MediaOutbound *self);
void media_outbound_tell_playout(MediaOutbound *self, const CordPlayout *playout);
void media_outbound_tell_metrics(MediaOutbound *self, MediaTurn *turn);

G_END_DECLS
