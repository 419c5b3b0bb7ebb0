/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

#include "cord-config.h"

G_BEGIN_DECLS

/**
 * CordCheckState:
 * @CORD_CHECK_OK: as it should be
 * @CORD_CHECK_WARNING: works, or may work, but somebody should look
 * @CORD_CHECK_FAILED: calls will fail
 */
typedef enum {
  CORD_CHECK_OK,
  CORD_CHECK_WARNING,
  CORD_CHECK_FAILED,
} CordCheckState;

/**
 * CordCheck:
 * @area: "service", "model", "audio", "store", "address", …
 * @name: what was looked at
 * @state: how it is
 * @detail: what was found
 * @advice: (nullable): what to do next
 *
 * One finding.
 */
typedef struct {
  gchar *area;
  gchar *name;
  CordCheckState state;
  gchar *detail;
  gchar *advice;
} CordCheck;

GPtrArray *cord_checks_new(void);
CordCheck *cord_checks_add(GPtrArray *checks, const gchar *area, const gchar *name,
                           CordCheckState state, const gchar *format, ...) G_GNUC_PRINTF(5, 6);
void cord_check_advise(CordCheck *check, const gchar *format, ...) G_GNUC_PRINTF(2, 3);
const gchar *cord_check_state_name(CordCheckState state);
CordCheckState cord_checks_get_state(GPtrArray *checks);
JsonNode *cord_checks_to_json(GPtrArray *checks);

/* Keys, models and reachability of all services that are configured; agents may be NULL */
void cord_check_services_async(CordConfig *config, GPtrArray *agents, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *cord_check_services_finish(GAsyncResult *result, GError **error);

/* What can be told at once */
void cord_check_elements(GPtrArray *checks, CordConfig *config, GPtrArray *agents);
void cord_check_address(GPtrArray *checks, CordConfig *config);

G_END_DECLS
