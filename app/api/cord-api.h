/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-call-registry.h"
#include "cord-config.h"
#include "cord-http-server.h"
#include "cord-store.h"

G_BEGIN_DECLS

/**
 * CordApi:
 * @config: the settings
 * @store: where records are read
 * @calls: the running calls
 * @http: where the routes go
 *
 * What the routes work with. The members are borrowed.
 */
typedef struct {
  CordConfig *config;
  CordStore *store;
  CordCallRegistry *calls;
  CordHttpServer *http;
} CordApi;

/* One file a resource; each adds its routes */
void cord_api_index_add(CordApi *api);
void cord_api_calls_add(CordApi *api);
void cord_api_twilio_add(CordApi *api);

G_END_DECLS
