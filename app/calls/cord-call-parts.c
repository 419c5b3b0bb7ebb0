/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-call-parts.h"

struct _CordCallParts {
  CordAgentPlan *plan;
  guint active[CORD_SERVICE_ROLES]; /* which choice of the plan */
};

/**
 * cord_call_parts_new:
 * @plan: (transfer full): of the call's agent
 *
 * Returns: (transfer full): the first choice of each role
 */
CordCallParts *
cord_call_parts_new(CordAgentPlan *plan)
{
  CordCallParts *self = g_new0(CordCallParts, 1);

  self->plan = plan;
  return self;
}

/**
 * cord_call_parts_free:
 * @self: (transfer full): the parts
 */
void
cord_call_parts_free(CordCallParts *self)
{
  cord_agent_plan_free(self->plan);
  g_free(self);
}

/* A model is known by its name, all else by its element. */
static gboolean
is_called(const CordPlanChoice *choice, CordServiceRole role, const gchar *name)
{
  return g_strcmp0(role == CORD_SERVICE_LLM ? choice->model : choice->element, name) == 0;
}

/**
 * cord_call_parts_failover:
 * @self: the parts
 * @to: who stands in: an element, or a model
 */
void
cord_call_parts_failover(CordCallParts *self, const gchar *to)
{
  for (guint role = 0; role < CORD_SERVICE_ROLES; role++) {
    GPtrArray *choices = self->plan->choices[role];

    for (guint i = 0; i < choices->len; i++)
      if (i != self->active[role] && is_called(choices->pdata[i], role, to)) {
        self->active[role] = i;
        return;
      }
  }
}

static const CordPlanChoice *
get(const CordCallParts *self, CordServiceRole role)
{
  GPtrArray *choices = self->plan->choices[self->plan->realtime ? CORD_SERVICE_LLM : role];
  guint index = self->active[self->plan->realtime ? CORD_SERVICE_LLM : role];

  return index < choices->len ? choices->pdata[index] : NULL;
}

/**
 * cord_call_parts_get_element:
 * @self: the parts
 * @role: what is to be done
 *
 * Returns: the element that does it
 */
const gchar *
cord_call_parts_get_element(const CordCallParts *self, CordServiceRole role)
{
  const CordPlanChoice *choice = get(self, role);

  return choice && choice->element ? choice->element : "";
}

/**
 * cord_call_parts_get_provider:
 * @self: the parts
 * @role: what is to be done
 *
 * Returns: whose service it is; "" for an element of the user's own
 */
const gchar *
cord_call_parts_get_provider(const CordCallParts *self, CordServiceRole role)
{
  const CordPlanChoice *choice = get(self, role);

  return choice && choice->service ? choice->service->name : "";
}
