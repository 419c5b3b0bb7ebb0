/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * CordStreamTokens:
 *
 * The single-use tokens by which a carrier's stream is known to be one that our own TwiML asked
 * for: 128 random bits, bound to one call, good once and for a short time. There is room for a
 * fixed number; the oldest makes way for a new one.
 */
#define CORD_TYPE_STREAM_TOKENS (cord_stream_tokens_get_type())
G_DECLARE_FINAL_TYPE(CordStreamTokens, cord_stream_tokens, CORD, STREAM_TOKENS, GObject)

CordStreamTokens *cord_stream_tokens_new(guint lifetime_ms, guint max_tokens);

/* The thread that made it */
gchar *cord_stream_tokens_mint(CordStreamTokens *self, const gchar *call_sid, gpointer data,
                               GDestroyNotify lapsed);
guint cord_stream_tokens_expire(CordStreamTokens *self, gint64 now_us);

/* Any thread */
gboolean cord_stream_tokens_take(CordStreamTokens *self, const gchar *token, const gchar *call_sid,
                                 gpointer *data, GError **error);
guint cord_stream_tokens_get_count(CordStreamTokens *self);

G_END_DECLS
