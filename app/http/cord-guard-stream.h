/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "cord-census.h"
#include "cord-http-guard.h"

G_BEGIN_DECLS

/**
 * CordGuardLimits:
 * @head_ms: how long the head of a request may take
 * @body_ms: how long its body may take
 * @idle_ms: how long a connection may wait for its next request
 * @write_ms: how long a client may take nothing of its answer
 * @linger_ms: how long a refused client may go on sending
 * @max_body: the longest body, bytes
 *
 * What a connection may do.
 */
typedef struct {
  guint head_ms;
  guint body_ms;
  guint idle_ms;
  guint write_ms;
  guint linger_ms;
  gsize max_body;
} CordGuardLimits;

/**
 * CordGuardStream:
 *
 * A connection that lets pass what a #CordHttpGuard lets pass, one request at a time, each in its
 * time. What breaks a rule is answered here with a problem document and seen as the end of the
 * stream above. The property "base-iostream" is the connection itself.
 *
 * It belongs to the thread that made it until a WebSocket's handshake has passed; then it is
 * nothing but the connection.
 */
#define CORD_TYPE_GUARD_STREAM (cord_guard_stream_get_type())
G_DECLARE_FINAL_TYPE(CordGuardStream, cord_guard_stream, CORD, GUARD_STREAM, GIOStream)

CordGuardStream *cord_guard_stream_new(GSocketConnection *base, const CordGuardLimits *limits,
                                       CordCensus *census);

G_END_DECLS
