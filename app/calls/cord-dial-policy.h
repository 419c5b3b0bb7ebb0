/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * CordDialLimits:
 * @countries: (nullable): ISO 3166 codes with commas ("US,CA,DE") in one of which a number must
 *   be; none: all
 * @allowed: (nullable): prefixes with commas ("+1,+49") one of which a number must have; none: all
 * @denied: (nullable): prefixes that it must not have, whatever is allowed
 *
 * What may be dialled, against the theft of money by telephone.
 */
typedef struct {
  const gchar *countries;
  const gchar *allowed;
  const gchar *denied;
} CordDialLimits;

/**
 * CordDialPolicy:
 *
 * Which numbers may be dialled. How many, the store counts (#CordDialCaps). Immutable.
 */
typedef struct _CordDialPolicy CordDialPolicy;

CordDialPolicy *cord_dial_policy_new(const CordDialLimits *limits, GError **error);
void cord_dial_policy_free(CordDialPolicy *self);
gboolean cord_dial_policy_check_number(CordDialPolicy *self, const gchar *number, GError **error);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordDialPolicy, cord_dial_policy_free)

G_END_DECLS
