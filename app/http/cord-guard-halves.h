/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-guard-stream.h"

G_BEGIN_DECLS

/*
 * The two halves of a CordGuardStream, and what they ask it. Not for others.
 */

#define CORD_TYPE_GUARD_INPUT (cord_guard_input_get_type())
G_DECLARE_FINAL_TYPE(CordGuardInput, cord_guard_input, CORD, GUARD_INPUT, GInputStream)
#define CORD_TYPE_GUARD_OUTPUT (cord_guard_output_get_type())
G_DECLARE_FINAL_TYPE(CordGuardOutput, cord_guard_output, CORD, GUARD_OUTPUT, GOutputStream)

CordGuardInput *cord_guard_input_new(CordGuardStream *stream, GInputStream *base);
void cord_guard_input_detach(CordGuardInput *self);
CordGuardOutput *cord_guard_output_new(CordGuardStream *stream, GOutputStream *base);
void cord_guard_output_detach(CordGuardOutput *self);
void cord_guard_output_flush(CordGuardOutput *self);

void cord_guard_stream_expect(CordGuardStream *self);
gssize cord_guard_stream_read(CordGuardStream *self, gpointer buffer, gsize size, GError **error);
gboolean cord_guard_stream_is_readable(CordGuardStream *self);
gboolean cord_guard_stream_is_over(CordGuardStream *self);
GCancellable *cord_guard_stream_get_wakeup(CordGuardStream *self);
void cord_guard_stream_wrote(CordGuardStream *self, gboolean stalled);

G_END_DECLS
