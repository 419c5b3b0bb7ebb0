/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * CordRateState:
 * @limit: how many requests fit into a minute
 * @remaining: how many may come at once now
 * @reset: when all of them may again, s
 * @retry: when the next one may, s; 0 when it may now
 *
 * How a client stands.
 */
typedef struct {
  guint limit;
  guint remaining;
  guint reset;
  guint retry;
} CordRateState;

/**
 * CordRateLimit:
 *
 * How many requests each client may send in a minute. What is not used in one minute is there in
 * the next, and no more. Knows no clock. One thread.
 */
typedef struct _CordRateLimit CordRateLimit;

CordRateLimit *cord_rate_limit_new(guint per_minute);
void cord_rate_limit_free(CordRateLimit *self);
gboolean cord_rate_limit_take(CordRateLimit *self, const gchar *client, gint64 now_us,
                              CordRateState *state);
guint cord_rate_limit_get_count(CordRateLimit *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordRateLimit, cord_rate_limit_free)

G_END_DECLS
