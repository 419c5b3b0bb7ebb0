/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-agent-plan.h"

G_BEGIN_DECLS

/**
 * CordCallParts:
 *
 * Who does what in a call now: as its agent's plan says, until somebody else stands in.
 */
typedef struct _CordCallParts CordCallParts;

CordCallParts *cord_call_parts_new(CordAgentPlan *plan);
void cord_call_parts_free(CordCallParts *self);
void cord_call_parts_failover(CordCallParts *self, const gchar *to);
const gchar *cord_call_parts_get_element(const CordCallParts *self, CordServiceRole role);
const gchar *cord_call_parts_get_provider(const CordCallParts *self, CordServiceRole role);

G_END_DECLS
