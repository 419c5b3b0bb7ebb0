/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-http-server.h"

G_BEGIN_DECLS

/**
 * CordSse:
 *
 * An answer that stays open: server-sent events. It goes with its request; who does not read is not
 * waited for, nor remembered without end.
 */
typedef struct _CordSse CordSse;

/* @gone: called once, when the client or we have ended it; then @data is nobody's any more */
CordSse *cord_sse_begin(CordExchange *exchange, guint heartbeat_s, GDestroyNotify gone,
                        gpointer data);
void cord_sse_send(CordSse *self, const gchar *event, const gchar *json);
void cord_sse_end(CordSse *self);

G_END_DECLS
