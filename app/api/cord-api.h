/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-call-registry.h"
#include "cord-checkup.h"
#include "cord-config.h"
#include "cord-openapi.h"
#include "cord-store.h"
#include "cord-twilio-client.h"

G_BEGIN_DECLS

/**
 * CordApi:
 * @config: the settings
 * @store: where records are read
 * @calls: the running calls
 * @directory: who answers which number
 * @vault: seals credentials
 * @twilio: the carrier's REST API
 * @openapi: where the routes go
 * @doors: what handlers are given besides; owned
 *
 * What the routes work with. The members are borrowed.
 * @checkup: how the services are
 */
typedef struct {
  CordConfig *config;
  CordStore *store;
  CordCallRegistry *calls;
  CordDirectory *directory;
  CordVault *vault;
  CordTwilioClient *twilio;
  CordOpenapi *openapi;
  GPtrArray *doors;
} CordApi;

void cord_api_add_all(CordApi *api);

  CordCheckup *checkup;
G_END_DECLS
