/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "cord-http-guard.h"

G_BEGIN_DECLS

/**
 * CordGuardStream:
 *
 * A connection whose input has passed a #CordHttpGuard. What breaks a rule is answered here and
 * seen as the end of the stream above. The property "base-iostream" is the connection itself.
 */
#define CORD_TYPE_GUARD_STREAM (cord_guard_stream_get_type())
G_DECLARE_FINAL_TYPE(CordGuardStream, cord_guard_stream, CORD, GUARD_STREAM, GIOStream)

/**
 * CordGuardPhaseFunc:
 * @stream: the stream
 * @phase: what is waited for now
 * @data: what cord_guard_stream_new() was given
 *
 * Called when the phase has changed.
 */
typedef void (*CordGuardPhaseFunc)(CordGuardStream *stream, CordHttpPhase phase, gpointer data);

CordGuardStream *cord_guard_stream_new(GIOStream *base, gsize max_body, CordGuardPhaseFunc func,
                                       gpointer data);
void cord_guard_stream_refuse(CordGuardStream *self, guint status, const gchar *reason);

G_END_DECLS
