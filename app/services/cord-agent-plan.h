/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-records.h"
#include "cord-service.h"

G_BEGIN_DECLS

/**
 * CordPlanChoice:
 * @service: (nullable): whose it is; %NULL for an element of the user's own
 * @element: its element
 * @model: (nullable): the model; %NULL for the element's own
 * @voice: (nullable): the voice; %NULL for the element's own
 * @base_url: (nullable): where the service is reached; %NULL for the usual place
 *
 * One service in one role.
 */
typedef struct {
  const CordService *service;
  gchar *element;
  gchar *model;
  gchar *voice;
  gchar *base_url;
} CordPlanChoice;

/**
 * CordAgentPlan:
 * @pipeline: which file of pipelines/
 * @choices: (element-type CordPlanChoice): for each role who does it, and after the first who does
 *   it when that fails; never empty
 * @realtime: whether one service does it all; it is the first choice for %CORD_SERVICE_LLM
 *
 * What an agent's call is plugged into: made of the agent's record, of the keys that are there and
 * of the settings. Immutable; any thread.
 */
typedef struct {
  gchar *pipeline;
  GPtrArray *choices[CORD_SERVICE_ROLES];
  gboolean realtime;
} CordAgentPlan;

CordAgentPlan *cord_agent_plan_new(const CordAgent *agent, CordConfig *config);
void cord_agent_plan_free(CordAgentPlan *self);
const CordPlanChoice *cord_agent_plan_get(const CordAgentPlan *self, CordServiceRole role);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordAgentPlan, cord_agent_plan_free)

G_END_DECLS
