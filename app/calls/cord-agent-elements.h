/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#include "cord-agent-plan.h"
#include "cord-scripts.h"

G_BEGIN_DECLS

/**
 * CordAgentElements:
 * @config: the settings
 * @data_dir: where the files are that agents name
 * @agent: the agent
 * @plan: who does what for it
 * @scripts: what has been read of scripts
 * @fresh: whether they are read anew, which blocks
 *
 * What the elements of an agent's conversation are set up by: what the agent says of them, the
 * services' keys and addresses, the settings.
 */
typedef struct {
  CordConfig *config;
  const gchar *data_dir;
  const CordAgent *agent;
  const CordAgentPlan *plan;
  CordScripts *scripts;
  gboolean fresh;
} CordAgentElements;

const gchar *cord_agent_elements_get_factory(const CordAgentPlan *plan, CordServiceRole role,
                                             GError **error);
gboolean cord_agent_elements_set_up_all(const CordAgentElements *self, GstBin *bin, GError **error);
GstElement *cord_agent_elements_make(const CordAgentElements *self, CordServiceRole role,
                                     GError **error);

G_END_DECLS
