/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-webhook-plan.h"

#define FACTOR 5   /* each wait is so many times the last */
#define JITTER 0.2 /* of a wait, so that who was down is not told by all at once */
#define GONE 410   /* who answers so does not want to be told any more */

/**
 * cord_webhook_plan_is_delivered:
 * @status: of the answer, 0 for none
 *
 * Returns: whether that is a yes: a redirection is none, because it may lead anywhere
 */
gboolean
cord_webhook_plan_is_delivered(guint status)
{
  return status >= 200 && status < 300;
}

/**
 * cord_webhook_plan_retry_ms:
 * @plan: a plan
 * @attempt: which attempt has failed, from 1
 * @status: what was answered, 0 when nothing was
 * @retry_after_ms: when to come again by that answer, -1 when it does not say
 * @chance: from 0 to 1
 *
 * Returns: how long to wait for the next attempt, ms; -1 when there is none
 */
gint64
cord_webhook_plan_retry_ms(const CordWebhookPlan *plan, guint attempt, guint status,
                           gint64 retry_after_ms, gdouble chance)
{
  gint64 wait = plan->first_retry_ms;

  if (attempt >= plan->attempts || status == GONE)
    return -1;
  for (guint i = 1; i < attempt && wait < CORD_WEBHOOK_LONGEST_RETRY; i++)
    wait *= FACTOR;
  wait = MIN(MAX(wait, retry_after_ms), CORD_WEBHOOK_LONGEST_RETRY);
  return wait + (gint64)((gdouble)wait * JITTER * chance);
}
