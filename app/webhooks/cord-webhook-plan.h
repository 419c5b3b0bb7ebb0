/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define CORD_WEBHOOK_LONGEST_RETRY (12 * 3600 * G_GINT64_CONSTANT(1000)) /* ms */

/**
 * CordWebhookPlan:
 * @attempts: how often an event is tried, the first time included
 * @first_retry_ms: when it is tried again; then five times as late each time
 *
 * When who could not be told is told again.
 */
typedef struct {
  guint attempts;
  gint64 first_retry_ms;
} CordWebhookPlan;

gboolean cord_webhook_plan_is_delivered(guint status);
gint64 cord_webhook_plan_retry_ms(const CordWebhookPlan *plan, guint attempt, guint status,
                                  gint64 retry_after_ms, gdouble chance);

G_END_DECLS
