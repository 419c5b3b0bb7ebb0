/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-address-guard.h"
#include "cord-config.h"
#include "cord-store.h"
#include "cord-vault.h"
#include "cord-webhook-plan.h"
#include "cord-worker.h"

G_BEGIN_DECLS

#define CORD_VAULT_WEBHOOK "webhooks.sealed_secret"

/**
 * CordWebhookOptions:
 * @plan: when to try again
 * @at_once: how many webhooks are told at the same time
 * @timeout_ms: how long one may take to answer
 * @keep_days: how long what was delivered is remembered
 *
 * How webhooks are told.
 */
typedef struct {
  CordWebhookPlan plan;
  guint at_once;
  guint timeout_ms;
  guint keep_days;
} CordWebhookOptions;

/**
 * CordWebhookCounts:
 * @delivered: events that were taken
 * @failed: attempts that were not
 * @dead: events that are tried no more
 * @busy: who is being told now
 *
 * What has come of it since the start.
 */
typedef struct {
  guint64 delivered;
  guint64 failed;
  guint64 dead;
  guint busy;
} CordWebhookCounts;

/**
 * CordWebhooks:
 *
 * Tells webhooks what the store holds for them (#CordDelivery), on a worker of its own, so that
 * nobody waits for who is told. What to do next stands in the store alone: a server that dies
 * leaves nothing undone, and several servers share the work.
 *
 * An answer of 200 to 299 is a yes. Redirections are not followed. Everything else is tried again,
 * ever later, under the same webhook-id; in the end it is a dead letter.
 */
#define CORD_TYPE_WEBHOOKS (cord_webhooks_get_type())
G_DECLARE_FINAL_TYPE(CordWebhooks, cord_webhooks, CORD, WEBHOOKS, GObject)

CordWebhooks *cord_webhooks_new(CordStore *store, CordVault *vault, CordAddressGuard *guard,
                                const CordWebhookOptions *options, CordWorker *worker);
CordWebhooks *cord_webhooks_open(CordConfig *config, CordStore *store, CordVault *vault,
                                 CordAddressGuard *guard);

/* Any thread */
void cord_webhooks_wake(CordWebhooks *self);
void cord_webhooks_stop(CordWebhooks *self);
void cord_webhooks_get_counts(CordWebhooks *self, CordWebhookCounts *counts);

G_END_DECLS
