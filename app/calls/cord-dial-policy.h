/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * CordDialLimits:
 * @allowed: (nullable): prefixes with commas ("+1,+49") one of which a number must have; none: all
 * @denied: (nullable): prefixes that it must not have, whatever is allowed
 * @at_once: calls at once, 0 for none
 * @per_hour: calls within an hour, 0 for none
 * @per_key: calls within an hour that one API key may place, 0 for none
 *
 * What may be dialled, against the theft of money by telephone.
 */
typedef struct {
  const gchar *allowed;
  const gchar *denied;
  guint at_once;
  guint per_hour;
  guint per_key;
} CordDialLimits;

/**
 * CordDialPolicy:
 *
 * Counts the calls that are placed and refuses those that are too many. A place is taken before the
 * carrier is asked, so that no number of requests at once goes beyond the limits. Main thread.
 */
typedef struct _CordDialPolicy CordDialPolicy;

CordDialPolicy *cord_dial_policy_new(const CordDialLimits *limits);
void cord_dial_policy_free(CordDialPolicy *self);
gboolean cord_dial_policy_check_number(CordDialPolicy *self, const gchar *number, GError **error);
gboolean cord_dial_policy_take(CordDialPolicy *self, const gchar *number, const gchar *key,
                               gint64 now_us, GError **error);
void cord_dial_policy_give_back(CordDialPolicy *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordDialPolicy, cord_dial_policy_free)

G_END_DECLS
