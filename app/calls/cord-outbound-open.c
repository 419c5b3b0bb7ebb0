/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-outbound.h"

/**
 * cord_outbound_open:
 * @config: the settings
 * @store: where places are counted
 * @journal: where the calls are written
 * @calls: the calls that have come to their agents
 * @error: return location for an error
 *
 * As cord_outbound_new(), with the limits that are configured.
 *
 * Returns: (transfer full): no calls yet, or %NULL when the limits are none
 */
CordOutbound *
cord_outbound_open(CordConfig *config, CordStore *store, CordJournal *journal,
                   CordCallRegistry *calls, GError **error)
{
  const CordDialLimits limits = {
    .countries = cord_config_get_string(config, "outbound.countries"),
    .allowed = cord_config_get_string(config, "outbound.allowed"),
    .denied = cord_config_get_string(config, "outbound.denied"),
  };
  const CordDialCaps caps = {
    .at_once = (guint)cord_config_get_int(config, "outbound.at-once"),
    .per_hour = (guint)cord_config_get_int(config, "outbound.per-hour"),
    .per_key = (guint)cord_config_get_int(config, "outbound.per-client"),
  };
  CordDialPolicy *policy = cord_dial_policy_new(&limits, error);

  return policy ? cord_outbound_new(store, journal, calls, policy, &caps) : NULL;
}
