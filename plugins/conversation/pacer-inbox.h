/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * PacerInbox:
 *
 * What waits in a pacer between whoever brings audio and the worker that sends it, with the clock
 * that lets it go. Any thread may use it; nothing is pushed or posted under its lock.
 */
typedef struct _PacerInbox PacerInbox;

/**
 * PacerLimits:
 * @look_ahead: how far ahead of real time frames may leave, ns
 * @max_size_time: how much may wait, ns
 */
typedef struct {
  GstClockTime look_ahead;
  GstClockTime max_size_time;
} PacerLimits;

PacerInbox *pacer_inbox_new(GstPad *src_pad);
void pacer_inbox_free(PacerInbox *self);
void pacer_inbox_start(PacerInbox *self);
void pacer_inbox_stop(PacerInbox *self);
void pacer_inbox_begin_flush(PacerInbox *self);
void pacer_inbox_end_flush(PacerInbox *self);
GstFlowReturn pacer_inbox_add_buffer(PacerInbox *self, GstBuffer *buffer, GstClockTime now,
                                     const PacerLimits *limits, gboolean may_wait,
                                     gboolean *overrun_began);
gboolean pacer_inbox_add_event(PacerInbox *self, GstEvent *event);
GstMiniObject *pacer_inbox_take(PacerInbox *self, GstClockTime now, const PacerLimits *limits,
                                guint *generation);
gboolean pacer_inbox_fail(PacerInbox *self, GstFlowReturn flow, guint generation);
gboolean pacer_inbox_has_frame(PacerInbox *self);
GstFlowReturn pacer_inbox_get_flow(PacerInbox *self);
GstStructure *pacer_inbox_get_stats(PacerInbox *self);

G_END_DECLS
