/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#include "cord-agent-plan.h"

G_BEGIN_DECLS

/**
 * CordPipelines:
 *
 * The pipeline files by name: the built-in ones, and over them those of a folder. Read once, then
 * immutable; any thread.
 */
typedef struct _CordPipelines CordPipelines;

CordPipelines *cord_pipelines_load(const gchar *directory, const gchar *data_dir,
                                   CordConfig *config, GError **error);
void cord_pipelines_free(CordPipelines *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CordPipelines, cord_pipelines_free)

/**
 * CordLeg:
 * @CORD_LEG_PHONE: a carrier's media stream
 * @CORD_LEG_BROWSER: a page in a browser
 *
 * Where the caller is.
 */
typedef enum {
  CORD_LEG_PHONE,
  CORD_LEG_BROWSER,
} CordLeg;

const gchar *cord_leg_get_source(CordLeg leg);
const gchar *cord_leg_get_sink(CordLeg leg);

GstElement *cord_pipelines_build(CordPipelines *self, CordAgent *agent, CordLeg leg,
                                 const gchar *session, gboolean fresh, GError **error);
GstElement *cord_pipelines_make(CordPipelines *self, CordAgent *agent, CordServiceRole role,
                                GError **error);

G_END_DECLS
