/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-call-registry.h"
#include "cord-webhooks.h"

G_BEGIN_DECLS

/* What webhooks can be told */
#define CORD_WEBHOOK_CALL_STARTED "call.started"
#define CORD_WEBHOOK_CALL_ENDED "call.ended"
#define CORD_WEBHOOK_CALL_ANALYSED "call.analysed"
#define CORD_WEBHOOK_TOOL_CALLED "tool.called"
#define CORD_WEBHOOK_TEST "webhook.test"

/**
 * CordWebhookEvents:
 *
 * Makes of what happens in calls what webhooks are told, and puts it into the journal. Main thread.
 */
typedef struct _CordWebhookEvents CordWebhookEvents;

CordWebhookEvents *cord_webhook_events_new(CordCallRegistry *calls, CordJournal *journal,
                                           CordWebhooks *webhooks);
void cord_webhook_events_free(CordWebhookEvents *self);

/**
 * CordWebhookMore:
 * @call_id: a call that has ended
 * @data: what cord_webhook_events_set_more() was given
 *
 * Returns: whether more of it will be known in a moment
 */
typedef gboolean (*CordWebhookMore)(const gchar *call_id, gpointer data);

void cord_webhook_events_set_more(CordWebhookEvents *self, CordWebhookMore more, gpointer data);
void cord_webhook_events_complete(CordWebhookEvents *self, const gchar *call_id);

gchar *cord_webhook_body(const gchar *event, JsonObject *data);

G_END_DECLS
