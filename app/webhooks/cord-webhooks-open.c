/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-webhooks.h"

/**
 * cord_webhooks_open:
 * @config: the settings
 * @store: what is to be told
 * @vault: opens the secrets; outlives this
 * @guard: what may be reached; outlives this
 *
 * As cord_webhooks_new(), as it is configured and on a thread of its own: who is told may be slow,
 * and a TLS handshake takes its time.
 *
 * Returns: (transfer full): the webhooks
 */
CordWebhooks *
cord_webhooks_open(CordConfig *config, CordStore *store, CordVault *vault, CordAddressGuard *guard)
{
  const CordWebhookOptions options = {
    .plan = { .attempts = (guint)cord_config_get_int(config, "webhooks.attempts"),
              .first_retry_ms = cord_config_get_int(config, "webhooks.first-retry") * 1000 },
    .at_once = (guint)cord_config_get_int(config, "webhooks.at-once"),
    .timeout_ms = (guint)cord_config_get_int(config, "webhooks.timeout") * 1000,
    .keep_days = (guint)cord_config_get_int(config, "webhooks.keep-days"),
  };
  g_autoptr(CordWorker) worker = cord_worker_acquire("webhooks");

  return cord_webhooks_new(store, vault, guard, &options, worker);
}
